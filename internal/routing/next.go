package routing

import (
	"slices"
	"strings"
	"time"
)

// Engine answers for a plan what the plan only names. The zero value treats every schedule as open and every profile as
// visible.
type Engine struct {
	// Hours says whether the schedule of that name is open. It is never asked for the empty name.
	Hours func(schedule string, now time.Time) bool
	// Views says whether the teammate has any view permission on the profile; nil: not checked.
	Views func(teammate, profile string) bool
}

// Item is one conversation or call looking for somebody.
type Item struct {
	// Profile it came in on; empty: not checked against the candidates.
	Profile string
	// Channel is one of Phone, Chat, Email, Social, SMS; empty: not checked.
	Channel string
	// Manual is set when a person hands it to somebody: the chat limit does not apply.
	Manual bool
	// Passed are those who already let this item pass; none of them gets it again.
	Passed []string
	// Pool is the group that had the item before it was passed on.
	Pool string
	// Waited is how long the item has been in a queue.
	Waited time.Duration
}

// Outcome sums up a decision or a simulated course.
type Outcome string

// Outcomes of `kubectl rollcall route` (CLI.md).
const (
	// Offered: somebody rings or is assigned.
	Offered Outcome = "Offered"
	// OutcomePooled: visible to all eligible candidates until one claims it.
	OutcomePooled Outcome = "Pooled"
	// Unassigned: it waits for somebody.
	Unassigned Outcome = "Unassigned"
	// OutOfHours: the target is closed.
	OutOfHours Outcome = "OutOfHours"
	// Overflow: nobody took it and it goes elsewhere.
	Overflow Outcome = "Overflow"
	// Ended: nobody took it and nothing else does.
	Ended Outcome = "Ended"
)

// Offer is one person rung or assigned.
type Offer struct {
	Name string
	// At is counted from the arrival of the item.
	At time.Duration
	// For is how long the offer stands; 0: until the person is done with it.
	For time.Duration
}

// Decision is the answer to one item at one instant.
type Decision struct {
	Outcome Outcome
	// Offers are who rings or is assigned now; several only under Simultaneous.
	Offers []Offer
	// Pool is the group whose turn it was; empty in departments without weights.
	Pool string
	// Bot has the item before people do, or instead of them; empty: no bot.
	Bot string
	// Then is where the item goes for OutOfHours and Overflow.
	Then Destination
	// Rotation and Seed are the counters afterwards; see State.After.
	Rotation Rotation
	Seed     int64
}

// Next decides who is offered the item now. Neither plan nor state is changed.
func (e Engine) Next(p *Plan, s State, item Item, now time.Time) Decision {
	m := e.at(p, &s, item, now)
	d := m.decide()
	if p.Bot != nil {
		d.Bot = p.Bot.Name
	}
	return d
}

// decide takes the first rule that applies; the order is that of R-17 rules 1 to 4.
func (m *moment) decide() Decision {
	switch {
	case m.plan.Bot != nil && m.plan.Bot.Only:
		return m.decision(Unassigned)
	case !m.targetOpen():
		return m.outOfHours()
	case m.plan.Target.Kind == KindUserGroup:
		return m.dial()
	case m.plan.Waiting != nil:
		return m.enqueue()
	case m.plan.Target.Kind == KindCampaign:
		return m.offerBest()
	case m.plan.Mode == Pooled:
		return m.pool()
	default:
		return m.assign()
	}
}

// decision is a decision that moves no counter.
func (m *moment) decision(o Outcome) Decision {
	return Decision{Outcome: o, Rotation: m.state.Rotation, Seed: m.state.Seed}
}

func (m *moment) outOfHours() Decision {
	d := m.decision(OutOfHours)
	d.Then = m.plan.OutOfHours
	return d
}

// unanswered is what becomes of an item that nobody took.
func (m *moment) unanswered() Decision {
	d := m.decision(outcomeOf(m.plan.Overflow))
	d.Then = m.plan.Overflow
	return d
}

// outcomeOf tells an overflow that leads on from one that ends the item.
func outcomeOf(d Destination) Outcome {
	if d.endsItem() {
		return Ended
	}
	return Overflow
}

// pool leaves the item visible to all candidates. Without any candidate it is simply unassigned (R-17 rule 7).
func (m *moment) pool() Decision {
	if len(m.plan.Candidates) == 0 {
		return m.decision(Unassigned)
	}
	return m.decision(OutcomePooled)
}

// Open says whether the target takes items now: its own schedule, else any of its pools, else always.
func (e Engine) Open(p *Plan, now time.Time) bool {
	return e.at(p, &State{}, Item{}, now).targetOpen()
}

// ChangesAt returns the first instant after now at which Open changes. Edge returns the next transition of a schedule
// after an instant, or false if it has none. Nothing within 400 days counts as never.
func (e Engine) ChangesAt(p *Plan, now time.Time, edge func(schedule string, after time.Time) (time.Time, bool)) (time.Time, bool) {
	horizon := now.AddDate(0, 0, 400)
	before := e.Open(p, now)
	for at, ok := firstEdge(p, now, edge); ok && at.Before(horizon); at, ok = firstEdge(p, at, edge) {
		if e.Open(p, at) != before {
			return at, true
		}
	}
	return time.Time{}, false
}

// firstEdge is the smallest transition after an instant of the schedules that decide whether the target is open.
func firstEdge(p *Plan, after time.Time, edge func(string, time.Time) (time.Time, bool)) (first time.Time, found bool) {
	for _, name := range p.openingSchedules() {
		at, ok := edge(name, after)
		if ok && at.After(after) && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	return first, found
}

// openingSchedules are the schedules that Open reads, each once.
func (p *Plan) openingSchedules() []string {
	if p.Schedule.Name != "" {
		return []string{p.Schedule.Name}
	}
	var names []string
	for _, g := range p.Pools {
		if g.Schedule != "" {
			names = append(names, g.Schedule)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Excluded are all people of the plan who could not be offered the item now: the static exclusions, and candidates with
// their first failing reason among those that the plan leaves open (R-15 rules 10 to 14). Sorted by name.
func (e Engine) Excluded(p *Plan, s State, item Item, now time.Time) []Exclusion {
	m := e.at(p, &s, item, now)
	out := slices.Clone(p.Excluded)
	for i := range p.Candidates {
		if reason := m.failing(&p.Candidates[i]); reason != "" {
			out = append(out, Exclusion{Name: p.Candidates[i].Name, Reason: reason})
		}
	}
	slices.SortStableFunc(out, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// moment is one plan looked at with one state at one instant. It remembers which schedules are open, because hundreds of
// candidates share a few of them.
type moment struct {
	engine Engine
	plan   *Plan
	state  *State
	item   Item
	now    time.Time
	hours  map[string]bool
	// target and closedPools are the opening of the target and the pools that are closed, once known is set.
	known       bool
	target      bool
	closedPools []string
	// ringing counts the legs that this call has ringing already.
	ringing int
}

func (e Engine) at(p *Plan, s *State, item Item, now time.Time) *moment {
	return &moment{engine: e, plan: p, state: s, item: item, now: now}
}

// open says whether a schedule is open; no schedule is always open.
func (m *moment) open(schedule string) bool {
	if schedule == "" || m.engine.Hours == nil {
		return true
	}
	is, ok := m.hours[schedule]
	if !ok {
		is = m.engine.Hours(schedule, m.now)
		if m.hours == nil {
			m.hours = map[string]bool{}
		}
		m.hours[schedule] = is
	}
	return is
}

// look reads the hours of the target and its pools once.
func (m *moment) look() {
	if m.known {
		return
	}
	m.known = true
	for _, g := range m.plan.Pools {
		if !m.open(g.Schedule) {
			m.closedPools = append(m.closedPools, g.Name)
		}
	}
	switch {
	case m.plan.Schedule.Name != "":
		m.target = m.open(m.plan.Schedule.Name)
	default:
		m.target = len(m.plan.Pools) == 0 || len(m.closedPools) < len(m.plan.Pools)
	}
}

func (m *moment) targetOpen() bool {
	m.look()
	return m.target
}

func (m *moment) poolClosed(name string) bool {
	m.look()
	return slices.Contains(m.closedPools, name)
}

// check is one reason of R-15 that the engine decides.
type check struct {
	reason Reason
	fails  func(*moment, *Candidate) bool
}

// checks in the order of R-15. NoProfileAccess and Channel are here for the item's own profile and channel; what the
// target as a whole requires is decided in the plan.
var checks = []check{
	{ReasonNoProfileAccess, (*moment).cannotSeeItem},
	{ReasonChannel, (*moment).doesNotTakeChannel},
	{ReasonSchedule, (*moment).closedFor},
	{ReasonOffShift, (*moment).offShift},
	{ReasonAbsent, (*moment).absent},
	{ReasonPresence, (*moment).notPresent},
	{ReasonCapacity, (*moment).full},
}

// failing is the first reason that keeps c from being offered the item now, or "".
func (m *moment) failing(c *Candidate) Reason {
	for i := range checks {
		if checks[i].fails(m, c) {
			return checks[i].reason
		}
	}
	return ""
}

func (m *moment) cannotSeeItem(c *Candidate) bool {
	return m.item.Profile != "" && m.engine.Views != nil && !m.engine.Views(c.Name, m.item.Profile)
}

func (m *moment) doesNotTakeChannel(c *Candidate) bool {
	return m.item.Channel != "" && len(c.Channels) > 0 && !slices.Contains(c.Channels, m.item.Channel)
}

// closedFor is R-15 rule 10: the target is closed, or all of the person's groups in the department are.
func (m *moment) closedFor(c *Candidate) bool {
	if !m.targetOpen() {
		return true
	}
	if len(m.closedPools) == 0 || len(c.Groups) == 0 {
		return false
	}
	return !slices.ContainsFunc(c.Groups, func(g string) bool { return !m.poolClosed(g) })
}

func (m *moment) offShift(c *Candidate) bool { return !m.open(c.Schedule) }

func (m *moment) absent(c *Candidate) bool { return c.Absence != nil && c.Absence.covers(m.now) }

// notPresent is R-15 rule 13. A department whose engine knows no presence at all takes everybody.
func (m *moment) notPresent(c *Candidate) bool {
	presence := m.state.presenceOf(c.Name)
	switch m.plan.Target.Kind {
	case KindUserGroup, KindCampaign:
		return presence != Ready && presence != Online
	case KindQueue:
		return presence != Ready
	default:
		return presence == Offline || presence == DoNotDisturb || presence == Banned
	}
}

// full is R-15 rule 14: it concerns automatic assignment of chats only.
func (m *moment) full(c *Candidate) bool {
	if m.item.Manual || !m.capsChats() || c.MaxChats == nil || *c.MaxChats < 0 {
		return false
	}
	return m.state.countedChats(c.Name, m.plan.ChatCounts) >= int(*c.MaxChats)
}

// capsChats says whether the item counts against a person's chat limit: only chats that are assigned automatically do.
func (m *moment) capsChats() bool {
	switch m.plan.Target.Kind {
	case KindDepartment:
		return m.plan.Mode == Assigned
	case KindQueue:
		return m.plan.Waiting != nil && m.written() && !m.plan.Waiting.MessagingPooled
	default:
		return false
	}
}

// eligible are the candidates who may be offered the item now, in plan order, without those who let it pass.
func (m *moment) eligible(among func(*Candidate) bool) []*Candidate {
	out := make([]*Candidate, 0, len(m.plan.Candidates))
	for i := range m.plan.Candidates {
		c := &m.plan.Candidates[i]
		if among(c) && !slices.Contains(m.item.Passed, c.Name) && m.failing(c) == "" {
			out = append(out, c)
		}
	}
	return out
}

func everybody(*Candidate) bool { return true }
