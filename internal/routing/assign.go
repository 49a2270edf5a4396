package routing

import (
	"cmp"
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

// ranks order agents by what a selection prefers, most preferred first. A selection not listed prefers nobody.
var ranks = map[Strategy]func(s *State, a, b *Candidate) int{
	LeastActive: func(s *State, a, b *Candidate) int {
		return cmp.Compare(s.ActiveChats[a.Name], s.ActiveChats[b.Name])
	},
	LongestIdle: func(s *State, a, b *Candidate) int {
		return s.IdleSince[a.Name].Compare(s.IdleSince[b.Name])
	},
	MostQualified: func(_ *State, a, b *Candidate) int {
		return cmp.Compare(value(b.SkillScore), value(a.SkillScore))
	},
}

// preferred keeps the agents that the selection likes best; all of them under RoundRobin.
func (m *moment) preferred(agents []*Candidate) []*Candidate {
	rank, ok := ranks[m.plan.Strategy]
	if !ok || len(agents) == 0 {
		return agents
	}
	best := slices.MinFunc(agents, func(a, b *Candidate) int { return rank(m.state, a, b) })
	return slices.DeleteFunc(agents, func(c *Candidate) bool { return rank(m.state, c, best) != 0 })
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
