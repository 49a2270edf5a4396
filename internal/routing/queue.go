package routing

import (
	"cmp"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// defaultRingTime is Queue.routing.maxRingTime where it is absent.
const defaultRingTime = 20 * time.Second

// Waiting says how a queue hands out what waits in it. Only the engine reads it.
type Waiting struct {
	// Voice and Messaging are the selections per channel; empty: the queue does not have that channel.
	Voice, Messaging Strategy
	// MessagingPooled is set while the organization assigns no chats automatically: written items are claimed.
	MessagingPooled bool
	// HighestPriority: the next item is the one of the highest priority, of these the oldest; otherwise the oldest.
	HighestPriority bool
	// Priority decides between queues for one agent, the higher first.
	Priority int32
	// MaxSize is how many items may wait; nil: any number.
	MaxSize *int32
	// OverflowWithoutAgents sends items on at once while no candidate is there.
	OverflowWithoutAgents bool
}

// strategy writes both selections as one: the common one, else each with its channel.
func (w *Waiting) strategy() Strategy {
	switch {
	case w.Voice == "" || w.Voice == w.Messaging:
		return w.Messaging
	case w.Messaging == "":
		return w.Voice
	default:
		return "Voice=" + w.Voice + ",Messaging=" + w.Messaging
	}
}

// queuePlan is the plan of a queue.
func (p *Planner) queuePlan(t *incr.Task, x Target) *Plan {
	q := p.roster.Queue(t, x.Name)
	routing := &q.Spec.Routing
	w := p.waitingOf(t, q)
	plan := &Plan{
		Target:      x,
		Strategy:    w.strategy(),
		Waiting:     w,
		Supervisors: p.roster.Supervisors(t, q.Spec.Supervisors),
		Schedule:    p.scheduleOf(t, p.first(t, refName(q.Spec.ScheduleRef), p.roster.OrganizationSchedule(t))),
		ChatCounts:  p.chatCounts(t),
	}
	plan.Timeouts.MaxRingTime = new(defaultRingTime)
	if routing.MaxRingTime != nil {
		plan.Timeouts.MaxRingTime = &routing.MaxRingTime.Duration
	}
	if routing.MaxWaitingTime != nil {
		plan.Timeouts.MaxWaitingTime = &routing.MaxWaitingTime.Duration
	}
	plan.Overflow, _ = p.effective(t, x, groupDestination(q.Spec.Overflow), DestinationHangup)
	plan.OutOfHours, _ = p.effective(t, x, groupDestination(q.Spec.OutOfHours), DestinationHangup)

	for _, ref := range q.Spec.Groups {
		if p.roster.GroupFacts(t, ref.Name).Enabled {
			p.watchJoiners(t, ref.Name)
			p.watchCut(t, ref.Name, x.Name)
		}
	}
	want := p.requirements.Get(t, x)
	p.gather(t, plan, func(e *placement, c *Candidate) {
		c.Channels, c.SkillScore = want.offered(e.agent), want.score(e.agent)
		if w.Messaging != "" {
			c.MaxChats = &e.agent.chatLimit
		}
	})
	byScore := func(a, b Candidate) int { return cmp.Compare(value(a.SkillScore), value(b.SkillScore)) }
	switch plan.Strategy {
	case MostQualified:
		slices.SortStableFunc(plan.Candidates, func(a, b Candidate) int { return byScore(b, a) })
	case LeastQualified:
		slices.SortStableFunc(plan.Candidates, byScore)
	}
	return plan
}

func (p *Planner) waitingOf(t *incr.Task, q *rollcallv1.Queue) *Waiting {
	routing := &q.Spec.Routing
	w := &Waiting{
		HighestPriority:       routing.TaskSelection == rollcallv1.TaskSelectionHighestPriority,
		Priority:              50,
		MaxSize:               routing.MaxSize,
		OverflowWithoutAgents: routing.HoldWithoutAgents == rollcallv1.SwitchDisabled,
		MessagingPooled:       !p.settings.Get(t, struct{}{}).autoAssignment,
	}
	if q.Spec.Priority != nil {
		w.Priority = *q.Spec.Priority
	}
	has := func(c rollcallv1.QueueChannel) bool {
		return len(q.Spec.Channels) == 0 || slices.Contains(q.Spec.Channels, c)
	}
	if has(rollcallv1.QueueChannelVoice) {
		w.Voice = cmp.Or(Strategy(routing.VoiceSelection), LongestIdle)
	}
	if has(rollcallv1.QueueChannelMessaging) {
		w.Messaging = cmp.Or(Strategy(routing.MessagingSelection), LongestIdle)
	}
	return w
}

// queueRequirement is what a queue asks of everybody.
func (p *Planner) queueRequirement(t *incr.Task, x Target) *requirement {
	q := p.roster.Queue(t, x.Name)
	w := p.waitingOf(t, q)
	want := &requirement{
		profiles:  p.Served(t, x),
		skills:    p.requiredSkills(t, q.Spec.Routing.RequiredSkills),
		exclusive: true,
		voice:     w.Voice != "",
		assigned:  w.Messaging != "" && !w.MessagingPooled,
	}
	if w.Voice != "" {
		want.channels = append(want.channels, telephone...)
	}
	if w.Messaging != "" {
		want.channels = append(want.channels, messaging...)
	}
	return want
}

// offered are the channels on which somebody can be offered items of a queue, sorted; nil for all channels there are.
func (want *requirement) offered(a *agent) []string {
	var out []string
	for _, c := range want.channels {
		written := c != string(rollcallv1.ChannelPhone)
		if a.takesAny([]string{c}) && !(written && want.assigned && !a.autoAssignment) {
			out = append(out, c)
		}
	}
	if len(out) == len(messaging)+len(telephone) {
		return nil
	}
	slices.Sort(out)
	return out
}

// placeInQueues adds the placements of one person in queues and campaigns. A queue stays as long as the memberships
// that lead to it do.
func (p *Planner) placeInQueues(t *incr.Task, out []placement, name string) []placement {
	var a roster.Assignment
	stays := t.Horizon(func() { a = p.roster.Assignment(t, name) })
	first := len(out)
	for _, queue := range a.Queues {
		out = p.placeIn(t, out, name, Target{Kind: KindQueue, Name: queue}, "", true)
	}
	for i := range out[first:] {
		out[first+i].until = earlier(out[first+i].until, stays)
	}
	if a.Campaign != "" {
		out = p.placeIn(t, out, name, Target{Kind: KindCampaign, Name: a.Campaign}, "", true)
	}
	return out
}

// watchCut reads the assignments of members whom policies.assignment.maxQueues keeps out of a queue: the end of another
// membership may let them in.
func (p *Planner) watchCut(t *incr.Task, group, queue string) {
	if *p.roster.Policies(t).Assignment.MaxQueues == 0 {
		return
	}
	for _, name := range p.roster.Members(t, group) {
		if slices.Contains(p.roster.Assignment(nil, name).Cut, queue) {
			p.roster.Assignment(t, name)
		}
	}
}

// campaignPlan is the plan of a campaign: who calls. A closed campaign waits for its hours.
func (p *Planner) campaignPlan(t *incr.Task, x Target) *Plan {
	c := p.roster.Campaign(t, x.Name)
	plan := &Plan{
		Target:      x,
		Mode:        Mode(c.Spec.Mode),
		Supervisors: p.roster.Supervisors(t, c.Spec.Supervisors),
		Schedule:    p.scheduleOf(t, p.first(t, refName(c.Spec.ScheduleRef), p.roster.OrganizationSchedule(t))),
		ChatCounts:  p.chatCounts(t),
	}
	p.gather(t, plan, func(*placement, *Candidate) {})
	return plan
}

// hasCampaign says whether the person works on a campaign, which keeps them out of every queue (V-38).
func (s *subject) hasCampaign() bool {
	return s.want.exclusive && s.planner.roster.Assignment(s.t, s.name).Type == rollcallv1.AssignmentTypeCampaign
}

// enqueue decides about an item that came to a queue: it goes on to the overflow, is offered to somebody, or waits.
func (m *moment) enqueue() Decision {
	w := m.plan.Waiting
	limit := m.plan.Timeouts.MaxWaitingTime
	switch {
	case w.MaxSize != nil && m.state.Waiting >= int(*w.MaxSize),
		limit != nil && m.item.Waited >= *limit,
		w.OverflowWithoutAgents && !m.somebodyThere():
		return m.unanswered()
	case m.written() && w.MessagingPooled:
		return m.pool()
	}
	return m.offerBest()
}

// offerBest offers the item of a queue or campaign to the best candidate who may have it now; nobody: it waits.
func (m *moment) offerBest() Decision {
	tied := m.eligible(everybody)
	if key, ok := keys[m.selection()]; ok {
		tied = smallest(tied, func(c *Candidate) int64 { return key(m.state, c) })
	}
	best := nextAfter("", tied)
	if best == nil {
		return m.decision(Unassigned)
	}
	d := m.decision(Offered)
	d.Offers = []Offer{{Name: best.Name, For: value(m.plan.Timeouts.MaxRingTime)}}
	return d
}

// written says whether the item of a queue is a written one; an item without channel is, where the queue takes no calls.
func (m *moment) written() bool {
	if m.item.Channel == "" {
		return m.plan.Waiting.Voice == ""
	}
	return m.item.Channel != string(rollcallv1.ChannelPhone)
}

// selection is how an agent of a queue is chosen for this item; in a campaign the one who is idle longest.
func (m *moment) selection() Strategy {
	switch w := m.plan.Waiting; {
	case w == nil:
		return LongestIdle
	case m.written():
		return w.Messaging
	default:
		return w.Voice
	}
}

// somebodyThere says whether a candidate is at work, busy or not: on shift, not absent and logged in. While everybody is
// merely busy, items wait.
func (m *moment) somebodyThere() bool {
	for i := range m.plan.Candidates {
		c := &m.plan.Candidates[i]
		presence := m.state.presenceOf(c.Name)
		if m.doesNotTakeChannel(c) || m.closedFor(c) || m.offShift(c) || m.absent(c) || presence == Offline || presence == Banned {
			continue
		}
		return true
	}
	return false
}

// queued offers an item of a queue to one candidate after the other, and lets it wait after that until it goes on.
func (c *course) queued() {
	limit := c.plan.Timeouts.MaxWaitingTime
	c.run.Outcome = Unassigned
	for {
		c.item.Waited = c.elapsed
		d := c.now().decide()
		if d.Outcome != Offered {
			c.leaveQueue(d)
			return
		}
		c.run.Outcome = Offered
		offer := d.Offers[0]
		if limit != nil {
			offer.For = min(offer.For, *limit-c.elapsed)
		}
		if !c.passedOn(offer) {
			return
		}
	}
}

// leaveQueue ends the course of an item that is offered to nobody any more.
func (c *course) leaveQueue(d Decision) {
	if len(c.run.Offers) == 0 {
		c.run.Outcome = d.Outcome
	}
	limit := c.plan.Timeouts.MaxWaitingTime
	switch {
	case d.Outcome == Overflow || d.Outcome == Ended || d.Outcome == OutOfHours:
		c.run.Then = d.Then
	case limit != nil:
		c.elapsed = *limit
		c.run.Then = c.plan.Overflow
	}
}

// queueTargets are all queues and campaigns, which have plans while the organization is a contact centre.
func (p *Planner) queueTargets(t *incr.Task) []Target {
	if !p.settings.Get(t, struct{}{}).contactCenter {
		return nil
	}
	var out []Target
	for _, name := range p.roster.Names(t, roster.KindQueue) {
		out = append(out, Target{Kind: KindQueue, Name: name})
	}
	for _, name := range p.roster.Names(t, roster.KindCampaign) {
		out = append(out, Target{Kind: KindCampaign, Name: name})
	}
	return out
}
