package routing

import (
	"cmp"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// messaging are the channels of which a department needs one.
var messaging = []string{string(rollcallv1.ChannelChat), string(rollcallv1.ChannelEmail), string(rollcallv1.ChannelSocial), string(rollcallv1.ChannelSMS)}

// telephone is the channel that a dialing group or a campaign needs.
var telephone = []string{string(rollcallv1.ChannelPhone)}

// subject is one person looked at for one target.
type subject struct {
	planner *Planner
	t       *incr.Task
	want    *requirement
	name    string
	member  bool
	*agent
}

// staticChecks are the reasons of R-15 that plans decide, in order. Who is neither member nor supervisor of a target is not
// looked at at all, so NotMember is never reported.
var staticChecks = []struct {
	reason Reason
	fails  func(*subject) bool
}{
	{ReasonLifecycle, (*subject).gateClosed},
	{ReasonSupervisorOnly, (*subject).supervisesOnly},
	{ReasonRoleCannotHandle, (*subject).cannotHandle},
	{ReasonNoProfileAccess, (*subject).seesNoProfile},
	{ReasonChannel, (*subject).takesNoChannel},
	{ReasonAvailability, (*subject).unavailable},
	{ReasonCampaignExclusive, (*subject).hasCampaign},
	{ReasonSkills, (*subject).lacksSkill},
	{ReasonAutoAssignmentOff, (*subject).refusesAssignment},
}

// failing is the first reason that keeps the person out of the plan, or "".
func (s *subject) failing() Reason {
	for i := range staticChecks {
		if staticChecks[i].fails(s) {
			return staticChecks[i].reason
		}
	}
	return ""
}

func (s *subject) gateClosed() bool     { return !s.open }
func (s *subject) supervisesOnly() bool { return !s.member }
func (s *subject) cannotHandle() bool   { return !s.handles }
func (s *subject) takesNoChannel() bool { return !s.takesAny(s.want.channels) }
func (s *subject) unavailable() bool    { return !s.available }

func (s *subject) seesNoProfile() bool {
	return len(s.want.profiles) > 0 && !s.planner.people.ViewsAny(s.t, s.name, s.want.profiles)
}

func (s *subject) lacksSkill() bool {
	return slices.ContainsFunc(s.want.skills, func(k skill) bool { return s.level(k.name) < k.level })
}

// refusesAssignment is rule 9; somebody who takes calls is still offered those.
func (s *subject) refusesAssignment() bool {
	if !s.want.assigned || s.autoAssignment {
		return false
	}
	return !s.want.voice || !s.takesAny(telephone)
}

// score is the sum of the levels of the required skills, nil where none is required.
func (want *requirement) score(a *agent) *int32 {
	if len(want.skills) == 0 {
		return nil
	}
	var sum int32
	for _, k := range want.skills {
		sum += a.level(k.name)
	}
	return &sum
}

// gather puts together who is a candidate and who is not. describe fills in what the kind of target adds to a candidate.
func (p *Planner) gather(t *incr.Task, plan *Plan, describe func(*placement, *Candidate)) {
	p.placed.Watch(t, plan.Target)
	crowd := p.crowds[plan.Target]
	everybody := crowd.all()
	excluded := 0
	for _, e := range everybody {
		if e.reason != "" {
			excluded++
		}
	}
	plan.Candidates = make([]Candidate, 0, len(everybody)-excluded)
	plan.Excluded = slices.Grow(plan.Excluded, excluded)
	for _, e := range everybody {
		if e.reason != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{Name: e.name, Reason: e.reason})
			continue
		}
		c := Candidate{Name: e.name, Extension: e.agent.extension, Schedule: e.agent.schedule, Absence: e.absence, Channels: e.agent.channels}
		describe(e.placement, &c)
		plan.Candidates = append(plan.Candidates, c)
	}
	if crowd != nil && !crowd.soonest.IsZero() {
		t.Expire(crowd.soonest)
	}
}

// dialingPlan is the plan of a group with voice.dialing.
func (p *Planner) dialingPlan(t *incr.Task, x Target) *Plan {
	g := p.roster.UserGroup(t, x.Name)
	d := dialing(g)
	all := p.settings.Get(t, struct{}{})
	plan := &Plan{
		Target:      x,
		Strategy:    Strategy(d.Strategy),
		Timeouts:    Timeouts{MaxRingTime: &d.MaxRingTime.Duration},
		Voice:       p.voiceOf(t, g),
		Supervisors: p.supervisorsOf(t, g),
		Schedule:    p.scheduleOf(t, p.GroupSchedule(t, x.Name)),
		ChatCounts:  p.chatCounts(t),
	}
	if d.MaxGroupDialingTime != nil {
		plan.Timeouts.MaxGroupDialingTime = &d.MaxGroupDialingTime.Duration
	}
	if plan.Strategy == Simultaneous {
		plan.Cap = &Cap{Legs: all.legs, Scope: all.legsScope}
	}
	plan.Overflow, _ = p.effective(t, x, groupDestination(d.Overflow), DestinationHangup)
	plan.OutOfHours, _ = p.effective(t, x, groupDestination(d.OutOfHours), DestinationHangup)

	p.watchJoiners(t, x.Name)
	positions := positionsIn(t, g)
	p.gather(t, plan, func(_ *placement, c *Candidate) { c.Position = positions[c.Name] })
	slices.SortStableFunc(plan.Candidates, byPosition)
	return plan
}

// positionsIn are the places of the members listed now; members by other ways have none.
func positionsIn(t *incr.Task, g *rollcallv1.UserGroup) map[string]*int32 {
	out := map[string]*int32{}
	for _, m := range g.Spec.Members {
		if m.Position != nil && roster.In(t, m.Window) {
			out[m.Name] = m.Position
		}
	}
	return out
}

// byPosition is the order of dialing: position ascending, none last, then name.
func byPosition(a, b Candidate) int {
	switch {
	case a.Position == nil && b.Position == nil:
		return cmp.Compare(a.Name, b.Name)
	case a.Position == nil:
		return 1
	case b.Position == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(*a.Position, *b.Position), cmp.Compare(a.Name, b.Name))
}

// supervisorsOf are the accepted supervisors of a group, sorted.
func (p *Planner) supervisorsOf(t *incr.Task, g *rollcallv1.UserGroup) []string {
	var out []string
	for _, ref := range g.Spec.Supervisors {
		if p.roster.Teammate(t, ref.Name) != nil && p.roster.Supervises(t, ref.Name, g.Name) {
			out = append(out, ref.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// voiceOf are the telephone settings of a group.
func (p *Planner) voiceOf(t *incr.Task, g *rollcallv1.UserGroup) *Voice {
	v := g.Spec.Voice
	all := p.settings.Get(t, struct{}{})
	out := &Voice{CallerIDProfile: p.phone(t, refName(v.CallerIDProfileRef)), Audio: all.audio}
	if out.CallerIDProfile == "" {
		out.CallerIDProfile = p.phone(t, all.callerID)
	}
	if p.roster.HoldsExtension(t, roster.Claimant{Kind: roster.KindUserGroup, Name: g.Name}, v.Extension) {
		out.Extension = *v.Extension
	}
	if v.DialingAudio != nil && v.DialingAudio.Override == rollcallv1.ToggleEnabled {
		out.Audio = audioOf(v.DialingAudio.Source)
	}
	return out
}

// phone is the name of a usable profile of type Phone, or "".
func (p *Planner) phone(t *incr.Task, name string) string {
	if name == "" || !p.roster.Usable(t, name) || p.roster.Profile(t, name).Spec.Type != rollcallv1.ProfileTypePhone {
		return ""
	}
	return name
}

func (p *Planner) chatCounts(t *incr.Task) ChatCounts {
	return ChatCounts(*p.roster.Policies(t).ChatLimit.Counts)
}

// departmentPlan is the plan of a department.
func (p *Planner) departmentPlan(t *incr.Task, x Target) *Plan {
	d := p.roster.Department(t, x.Name)
	plan := &Plan{
		Target:     x,
		Mode:       p.modeOf(t, d),
		Pools:      p.poolsOf(t, d),
		ChatCounts: p.chatCounts(t),
	}
	if d.Spec.Bot != nil {
		plan.Bot = &Bot{Name: d.Spec.Bot.Name, Only: value(d.Spec.Bot.Only)}
	}
	plan.NoLiveGroup = len(d.Spec.Groups) > 0 && len(plan.Pools) == 0
	plan.Schedule = p.scheduleOf(t, p.departmentSchedule(t, d, plan.Pools))
	overflow, after := departmentOverflow(d)
	kept := false
	if plan.Overflow, kept = p.effective(t, x, overflow, DestinationUnassigned); kept {
		plan.Timeouts.OverflowAfter = after
	}
	plan.OutOfHours, _ = p.effective(t, x, departmentOutOfHours(d), DestinationUnassigned)
	plan.Strategy = cmp.Or(Strategy(d.Spec.Routing.Selection), RoundRobin)
	if plan.Mode == Assigned {
		plan.Timeouts.ReassignAfter = p.reassignAfter(t, d)
	}

	for _, g := range plan.Pools {
		p.watchJoiners(t, g.Name)
	}
	want := p.requirements.Get(t, x)
	p.gather(t, plan, func(e *placement, c *Candidate) {
		c.Groups, c.SkillScore, c.MaxChats = e.groups, want.score(e.agent), &e.agent.chatLimit
	})
	if want.assigned && plan.Strategy == MostQualified {
		slices.SortStableFunc(plan.Candidates, func(a, b Candidate) int { return cmp.Compare(value(b.SkillScore), value(a.SkillScore)) })
	}
	return plan
}

// modeOf is the mode in effect: without automatic assignment in the organization, departments act as Pooled.
func (p *Planner) modeOf(t *incr.Task, d *rollcallv1.Department) Mode {
	switch {
	case !p.settings.Get(t, struct{}{}).autoAssignment:
		return Pooled
	case d.Spec.Routing.Mode != nil:
		return Mode(*d.Spec.Routing.Mode)
	default:
		return Mode(*p.roster.Policies(t).DefaultRoutingMode)
	}
}

// reassignAfter is the department's own time, else the organization's if that reassigns at all.
func (p *Planner) reassignAfter(t *incr.Task, d *rollcallv1.Department) *time.Duration {
	if own := d.Spec.Routing.ReassignAfter; own != nil {
		return &own.Duration
	}
	return p.settings.Get(t, struct{}{}).reassignAfter
}

// poolsOf are the groups of a department that exist and are enabled, by name.
func (p *Planner) poolsOf(t *incr.Task, d *rollcallv1.Department) []Pool {
	var out []Pool
	for _, e := range d.Spec.Groups {
		if f := p.roster.GroupFacts(t, e.Name); !f.Exists || !f.Enabled {
			continue
		}
		out = append(out, Pool{
			Name:        e.Name,
			Weight:      e.Weight,
			MemberCount: len(p.roster.Members(t, e.Name)),
			Schedule:    p.poolSchedule(t, e.Name, d),
		})
	}
	slices.SortFunc(out, func(a, b Pool) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b Pool) bool { return a.Name == b.Name })
}

// requiredSkills are those that the organization lists, with their lowest level.
func (p *Planner) requiredSkills(t *incr.Task, list []rollcallv1.RequiredSkill) []skill {
	var out []skill
	for _, e := range list {
		if _, known := p.roster.MaxSkillLevel(t, e.Name); !known {
			continue
		}
		level := int32(1)
		if e.MinLevel != nil {
			level = *e.MinLevel
		}
		out = append(out, skill{e.Name, level})
	}
	return out
}
