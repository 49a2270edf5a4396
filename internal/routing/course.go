package routing

import (
	"maps"
	"slices"
	"time"
)

// ReactionKind is what somebody does with an offer.
type ReactionKind int

// Never lets it ring until it stops.
const (
	Never ReactionKind = iota
	Answers
	Rejects
)

// Reaction is what somebody does, and how long after the offer began. A reaction later than the offer stands is none.
type Reaction struct {
	Kind  ReactionKind
	After time.Duration
}

// PresenceChange is somebody logging in, out or off while an item is under way.
type PresenceChange struct {
	// After counts from the arrival of the item.
	After    time.Duration
	Name     string
	Presence Presence
}

// Script is how people behave in a simulated course. The zero value is "nobody answers".
type Script struct {
	// React is asked at each offer; nth counts the offers of this course to that person from 1. Nil: nobody reacts.
	React func(name string, nth int) Reaction
	// Presence lists changes in any order; of several for one person at one instant the last counts.
	Presence []PresenceChange
}

// Run is the course of one item from its arrival.
type Run struct {
	// Offers in time order; those that begin together in plan order.
	Offers []Offer
	// Outcome is Offered if there was any offer.
	Outcome Outcome
	// AnsweredBy is who took it; empty: nobody.
	AnsweredBy string
	// Ends is when it was answered, or left the target, or nothing more was going to happen by itself.
	Ends time.Duration
	// Then is where it goes if nobody took it; a zero value: nowhere yet.
	Then Destination
	// State has the counters afterwards.
	State State
}

// Run follows one item that arrives at now, in simulated time, until it is answered or has to leave.
func (e Engine) Run(p *Plan, s State, item Item, now time.Time, script Script) Run {
	item.Passed = slices.Clone(item.Passed) // the course appends to it
	c := &course{engine: e, plan: p, state: s, item: item, arrival: now, script: script, offered: map[string]int{}}
	first := c.now().decide()
	switch {
	case first.Outcome == OutOfHours, p.Bot != nil && p.Bot.Only:
		c.run.Outcome, c.run.Then = first.Outcome, first.Then
	case first.Outcome == OutcomePooled:
		c.wait()
	case p.Target.Kind == KindUserGroup:
		c.call()
	case p.Target.Kind == KindQueue || p.Target.Kind == KindCampaign:
		c.queued()
	default:
		c.conversation()
	}
	c.run.Ends, c.run.State = c.elapsed, c.state
	return c.run
}

// course is one item on its way.
type course struct {
	engine  Engine
	plan    *Plan
	state   State
	item    Item
	arrival time.Time
	script  Script
	elapsed time.Duration
	offered map[string]int
	run     Run
}

// now looks at the plan at the present instant of the course.
func (c *course) now() *moment {
	state := c.state
	state.Presence = c.presence()
	return c.engine.at(c.plan, &state, c.item, c.arrival.Add(c.elapsed))
}

// presence is the state's with the changes so far. If the state knows none, everybody is Ready until something changes.
func (c *course) presence() map[string]Presence {
	if len(c.script.Presence) == 0 {
		return c.state.Presence
	}
	out := map[string]Presence{}
	for i := range c.plan.Candidates {
		name := c.plan.Candidates[i].Name
		out[name] = c.state.presenceOf(name)
	}
	maps.Copy(out, c.state.Presence)
	changes := slices.Clone(c.script.Presence)
	slices.SortStableFunc(changes, func(a, b PresenceChange) int { return int(a.After - b.After) })
	for _, change := range changes {
		if change.After <= c.elapsed {
			out[change.Name] = change.Presence
		}
	}
	return out
}

// reaction asks the script about one more offer to name.
func (c *course) reaction(name string) Reaction {
	c.offered[name]++
	if c.script.React == nil {
		return Reaction{}
	}
	return c.script.React(name, c.offered[name])
}

// call dials a group.
func (c *course) call() {
	switch c.plan.Strategy {
	case Simultaneous:
		c.simultaneous()
	case Random:
		c.random()
	case Sequential:
		c.sequential()
	default:
		c.finish()
	}
}

// finish ends a call: unanswered it goes to the overflow.
func (c *course) finish() {
	c.run.Outcome = Offered
	if c.run.AnsweredBy != "" {
		return
	}
	c.run.Then = c.plan.Overflow
	if len(c.run.Offers) == 0 {
		c.run.Outcome = outcomeOf(c.plan.Overflow)
	}
}

// conversation assigns an item of a department, hands it on while nobody replies, and leaves it unassigned after that.
func (c *course) conversation() {
	c.run.Outcome = Unassigned
	for {
		d := c.now().assign()
		if d.Outcome != Offered {
			c.leaveUnassigned()
			return
		}
		c.run.Outcome = Offered
		c.state, c.item.Pool = c.state.After(d), d.Pool
		if !c.passedOn(d.Offers[0]) {
			return
		}
	}
}

// passedOn waits for one assigned agent. It returns true if the item has to be handed on, false if the agent took it or
// has it for good because nothing takes it back.
func (c *course) passedOn(offer Offer) bool {
	reaction := c.reaction(offer.Name)
	limit := offer.For
	reacts := reaction.Kind != Never && (limit == 0 || reaction.After < limit)
	if reacts {
		offer.For = reaction.After
	}
	offer.At = c.elapsed
	c.run.Offers = append(c.run.Offers, offer)
	c.elapsed += offer.For
	if reacts && reaction.Kind == Answers {
		c.run.AnsweredBy = offer.Name
		return false
	}
	c.item.Passed = append(c.item.Passed, offer.Name)
	return reacts || limit > 0
}

// wait leaves an item in the pool until the overflow's waiting time, or that of the queue, is over (R-17 rules 3 and 6).
func (c *course) wait() {
	c.run.Outcome = OutcomePooled
	if limit := c.plan.Timeouts.MaxWaitingTime; limit != nil {
		c.elapsed, c.run.Then = *limit, c.plan.Overflow
		return
	}
	if after := c.plan.Timeouts.OverflowAfter; after != nil && !c.plan.Overflow.endsItem() {
		c.elapsed, c.run.Then = *after, c.plan.Overflow
	}
}

// leaveUnassigned applies R-17 rule 6 to an item that nobody could be assigned, or that all let pass: after the waiting
// time, at once if none is set, it goes to the overflow, if that leads on.
func (c *course) leaveUnassigned() {
	if c.plan.Overflow.endsItem() {
		return
	}
	after := value(c.plan.Timeouts.OverflowAfter)
	c.elapsed += after
	c.run.Then = c.plan.Overflow
	if after == 0 && len(c.run.Offers) == 0 {
		c.run.Outcome = Overflow
	}
}
