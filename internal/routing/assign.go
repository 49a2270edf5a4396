package routing

import (
	"cmp"
	"math"
	"slices"
)

// cycle is the number of items after which the counters of weights start again.
const cycle = 100

// assign gives the item to one agent of one pool (R-17 rules 4 and 5): pools in their turn, the agent by the selection.
// Nobody: unassigned, and no counter moves, so that the item is counted when it finds somebody.
func (m *moment) assign() Decision {
	handedOn := len(m.item.Passed) > 0
	for _, pool := range m.poolsInTurn(handedOn) {
		agent := m.agentOf(pool)
		if agent == nil {
			continue
		}
		d := m.decision(Offered)
		d.Pool = pool
		d.Offers = []Offer{{Name: agent.Name, For: value(m.plan.Timeouts.ReassignAfter)}}
		d.Rotation = m.state.Rotation.assign(pool, agent.Name, m.plan.Weighted() && !handedOn)
		return d
	}
	return m.decision(Unassigned)
}

// poolsInTurn are the pools to try, first to last. A department without weights is one pool named "".
func (m *moment) poolsInTurn(handedOn bool) []string {
	if !m.plan.Weighted() {
		return []string{""}
	}
	order := fallbackOrder(m.plan.Pools)
	if handedOn {
		return toFront(order, m.item.Pool)
	}
	return toFront(order, chosenPool(m.plan.Pools, m.state.Rotation))
}

// fallbackOrder is by descending weight, then name.
func fallbackOrder(pools []Pool) []string {
	sorted := slices.SortedFunc(slices.Values(pools), func(a, b Pool) int {
		return cmp.Or(cmp.Compare(*b.Weight, *a.Weight), cmp.Compare(a.Name, b.Name))
	})
	names := make([]string, len(sorted))
	for i, g := range sorted {
		names[i] = g.Name
	}
	return names
}

// toFront moves one name of an order to its beginning; a name that is not there changes nothing.
func toFront(order []string, name string) []string {
	if i := slices.Index(order, name); i > 0 {
		copy(order[1:i+1], order[:i])
		order[0] = name
	}
	return order
}

// chosenPool is the pool whose turn it is: of those below their share at this item, the one with the largest
// weight/(served+1), ties by name. Empty if none is below, which happens only when weighted groups are missing and the
// weights left over do not sum to 100; then the fallback order decides.
func chosenPool(pools []Pool, r Rotation) string {
	item := r.Items + 1
	best := -1
	for i, g := range pools {
		if cycle*r.Served[g.Name] >= item*int(*g.Weight) {
			continue
		}
		if best < 0 || moreDue(g, pools[best], r) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return pools[best].Name
}

// moreDue compares weight/(served+1) by cross multiplication, which is exact.
func moreDue(a, b Pool, r Rotation) bool {
	left := int(*a.Weight) * (r.Served[b.Name] + 1)
	right := int(*b.Weight) * (r.Served[a.Name] + 1)
	return left > right || left == right && a.Name < b.Name
}

// agentOf is the agent of a pool whose turn it is, or nil. A closed pool has nobody.
func (m *moment) agentOf(pool string) *Candidate {
	if m.poolClosed(pool) {
		return nil
	}
	agents := m.eligible(memberOf(pool))
	return nextAfter(m.state.lastOf(pool), m.preferred(agents))
}

// memberOf selects the candidates of a pool; everybody is in the pool "".
func memberOf(pool string) func(*Candidate) bool {
	if pool == "" {
		return everybody
	}
	return func(c *Candidate) bool { return slices.Contains(c.Groups, pool) }
}

// keys are what a selection prefers to be small. A selection not listed prefers nobody.
var keys = map[Strategy]func(s *State, c *Candidate) int64{
	LeastActive:    func(s *State, c *Candidate) int64 { return int64(s.ActiveChats[c.Name]) },
	LongestIdle:    (*State).idleSince,
	MostQualified:  func(_ *State, c *Candidate) int64 { return -int64(value(c.SkillScore)) },
	LeastQualified: func(_ *State, c *Candidate) int64 { return int64(value(c.SkillScore)) },
}

// idleSince is when an agent became free, in nanoseconds; before everything for somebody not listed.
func (s *State) idleSince(c *Candidate) int64 {
	if at, ok := s.IdleSince[c.Name]; ok {
		return at.UnixNano()
	}
	return math.MinInt64
}

// preferred keeps the agents that the selection likes best; all of them under RoundRobin.
func (m *moment) preferred(agents []*Candidate) []*Candidate {
	key, ok := keys[m.plan.Strategy]
	if !ok {
		return agents
	}
	return smallest(agents, func(c *Candidate) int64 { return key(m.state, c) })
}

// smallest keeps the agents with the smallest key, in their order. The key of each is asked once: there may be hundreds.
func smallest(agents []*Candidate, key func(*Candidate) int64) []*Candidate {
	var tied []*Candidate
	var least int64
	for _, c := range agents {
		k := key(c)
		if len(tied) == 0 || k < least {
			tied, least = tied[:0], k
		}
		if k == least {
			tied = append(tied, c)
		}
	}
	return tied
}

// nextAfter is RoundRobin: the smallest name after last, else the smallest of all, else nil.
func nextAfter(last string, agents []*Candidate) *Candidate {
	var next, first *Candidate
	for _, c := range agents {
		if first == nil || c.Name < first.Name {
			first = c
		}
		if c.Name > last && (next == nil || c.Name < next.Name) {
			next = c
		}
	}
	if next != nil {
		return next
	}
	return first
}

// value is what a pointer points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
