package routing

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// passPause is how long Sequential dialing waits after a pass in which nobody could be rung.
const passPause = time.Second

// dial says whose telephones start ringing now. Nobody yet under Simultaneous or Sequential: the call waits.
func (m *moment) dial() Decision {
	switch m.plan.Strategy {
	case Simultaneous:
		return m.ring(m.legs(), m.decision(Unassigned))
	case Random:
		one, seed := m.drawn()
		d := m.ring(one, m.unanswered())
		d.Seed = seed
		return d
	case Sequential:
		return m.ring(m.firstInOrder(), m.decision(Unassigned))
	default:
		return m.unanswered()
	}
}

// ring offers the call to everybody listed for the ring time of one agent, or returns otherwise if nobody is.
func (m *moment) ring(agents []*Candidate, otherwise Decision) Decision {
	if len(agents) == 0 {
		return otherwise
	}
	d := m.decision(Offered)
	for _, c := range agents {
		d.Offers = append(d.Offers, Offer{Name: c.Name, For: m.ringTime()})
	}
	return d
}

// ringTime is how long one agent rings: under Sequential never beyond the time of the whole group.
func (m *moment) ringTime() time.Duration {
	each := value(m.plan.Timeouts.MaxRingTime)
	if m.plan.Strategy == Sequential {
		return min(each, value(m.plan.Timeouts.MaxGroupDialingTime))
	}
	return each
}

// legs are the candidates whose legs may start now under Simultaneous, in plan order. If the cap leaves out some, those
// with the fewest calls received ring first, then by name.
func (m *moment) legs() []*Candidate {
	free := m.freeLegs()
	if free <= 0 {
		return nil
	}
	agents := m.eligible(everybody)
	if len(agents) <= free {
		return agents
	}
	first := m.fewestCalls(agents, free)
	return slices.DeleteFunc(agents, func(c *Candidate) bool { return !slices.Contains(first, c) })
}

// freeLegs is how many legs may still ring under the cap; legs of this call are counted by the course that rings them.
func (m *moment) freeLegs() int {
	limit := m.plan.Cap
	if limit == nil {
		return len(m.plan.Candidates)
	}
	if limit.Scope == PerGroup {
		return int(limit.Legs) - m.state.RingingLegs - m.ringing
	}
	return int(limit.Legs) - m.ringing
}

// fewestCalls are the n agents with the fewest calls received, ties by name. It keeps a short sorted list instead of
// sorting everybody: n is at most the cap, the agents may be hundreds.
func (m *moment) fewestCalls(agents []*Candidate, n int) []*Candidate {
	order := func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(m.callsReceived(a), m.callsReceived(b)), strings.Compare(a.Name, b.Name))
	}
	first := make([]*Candidate, 0, n+1)
	for _, c := range agents {
		if len(first) == n && order(c, first[n-1]) > 0 {
			continue
		}
		place, _ := slices.BinarySearchFunc(first, c, order)
		first = slices.Insert(first, place, c)
		first = first[:min(len(first), n)]
	}
	return first
}

func (m *moment) callsReceived(c *Candidate) int { return m.state.CallsReceived[c.Name] }

// drawn is the one agent of Random: fewest calls received, ties drawn uniformly by the seed, which moves on with a draw.
func (m *moment) drawn() (one []*Candidate, seed int64) {
	tied := smallest(m.eligible(everybody), func(c *Candidate) int64 { return int64(m.callsReceived(c)) })
	if len(tied) <= 1 {
		return tied, m.state.Seed
	}
	source := rand.New(rand.NewPCG(uint64(m.state.Seed), 0))
	i := source.IntN(len(tied))
	return tied[i : i+1], source.Int64()
}

// firstInOrder is the first eligible candidate in plan order; a new call always starts there.
func (m *moment) firstInOrder() []*Candidate {
	for i := range m.plan.Candidates {
		if m.failing(&m.plan.Candidates[i]) == "" {
			return []*Candidate{&m.plan.Candidates[i]}
		}
	}
	return nil
}

// simultaneous rings everybody eligible, and who becomes eligible, until somebody accepts or the ring time is over.
// Nobody is rung twice. It moves from event to event: ends of legs, changes of presence, and whole seconds, at which
// alone hours open and absences end.
func (c *course) simultaneous() {
	limit := value(c.plan.Timeouts.MaxRingTime)
	var legs []leg
	for c.elapsed < limit {
		if i := slices.IndexFunc(legs, func(l leg) bool { return l.answers && l.ends == c.elapsed }); i >= 0 {
			c.run.AnsweredBy = legs[i].name
			break
		}
		legs = slices.DeleteFunc(legs, c.rejected)
		legs = append(legs, c.startLegs(len(legs), limit)...)
		c.elapsed = c.nextEvent(legs)
	}
	for _, l := range legs {
		c.run.Offers[l.offer].For = c.elapsed - c.run.Offers[l.offer].At
	}
	c.finish()
}

// leg is one telephone ringing; offer is its place among the offers of the run.
type leg struct {
	name    string
	offer   int
	ends    time.Duration
	answers bool
}

// startLegs rings whoever may be rung now beside the legs that ring already.
func (c *course) startLegs(ringing int, limit time.Duration) []leg {
	m := c.now()
	m.ringing = ringing
	var started []leg
	for _, agent := range m.legs() {
		reaction := c.reaction(agent.Name)
		l := leg{name: agent.Name, offer: len(c.run.Offers), ends: limit}
		if reaction.Kind != Never && c.elapsed+reaction.After < limit {
			l.ends, l.answers = c.elapsed+reaction.After, reaction.Kind == Answers
		}
		c.run.Offers = append(c.run.Offers, Offer{Name: agent.Name, At: c.elapsed})
		c.item.Passed = append(c.item.Passed, agent.Name)
		started = append(started, l)
	}
	return started
}

// rejected closes the offer of a leg that ended now without an answer, and says whether it did.
func (c *course) rejected(l leg) bool {
	if l.ends > c.elapsed {
		return false
	}
	c.run.Offers[l.offer].For = c.elapsed - c.run.Offers[l.offer].At
	return true
}

// nextEvent is the next instant at which a leg ends or somebody may become eligible.
func (c *course) nextEvent(legs []leg) time.Duration {
	next := value(c.plan.Timeouts.MaxRingTime)
	if len(c.item.Passed) < len(c.plan.Candidates) { // somebody is left who may become eligible
		next = min(next, c.nextSecond())
	}
	for _, l := range legs {
		next = min(next, l.ends)
	}
	for _, change := range c.script.Presence {
		if change.After > c.elapsed {
			next = min(next, change.After)
		}
	}
	return next
}

// nextSecond is the next whole second of the clock after now, counted from the arrival.
func (c *course) nextSecond() time.Duration {
	now := c.arrival.Add(c.elapsed)
	return c.elapsed + now.Truncate(time.Second).Add(time.Second).Sub(now)
}

// random rings one agent once; whatever that agent does ends the call.
func (c *course) random() {
	d := c.now().dial()
	c.state = c.state.After(d)
	if d.Outcome == Offered {
		c.ringOne(d.Offers[0].Name, d.Offers[0].For)
	}
	c.finish()
}

// sequential walks the order again and again until somebody accepts or the time of the group is over. A pass that took
// no time waits a second, whether nobody was eligible or everybody rejected at once: the walk always ends.
func (c *course) sequential() {
	for limit := value(c.plan.Timeouts.MaxGroupDialingTime); c.elapsed < limit; {
		started := c.elapsed
		if c.pass(limit) {
			break
		}
		if c.elapsed == started {
			c.elapsed = min(limit, c.elapsed+passPause)
		}
	}
	c.finish()
}

// pass rings the candidates in order, each if eligible when the turn comes. It returns true if one accepted.
func (c *course) pass(limit time.Duration) (accepted bool) {
	m := c.now()
	for i := range c.plan.Candidates {
		if c.elapsed >= limit {
			return false
		}
		agent := &c.plan.Candidates[i]
		if m.failing(agent) != "" {
			continue
		}
		if c.ringOne(agent.Name, min(value(c.plan.Timeouts.MaxRingTime), limit-c.elapsed)) {
			return true
		}
		m = c.now()
	}
	return false
}

// ringOne rings one agent for at most limit and lets that time pass. It returns true on an answer.
func (c *course) ringOne(name string, limit time.Duration) (answered bool) {
	reaction := c.reaction(name)
	rings := limit
	reacts := reaction.Kind != Never && reaction.After < limit
	if reacts {
		rings = reaction.After
	}
	c.run.Offers = append(c.run.Offers, Offer{Name: name, At: c.elapsed, For: rings})
	c.elapsed += rings
	if reacts && reaction.Kind == Answers {
		c.run.AnsweredBy = name
	}
	return c.run.AnsweredBy != ""
}
