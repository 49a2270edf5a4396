package routing

import (
	"cmp"
	"maps"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// messaging are the channels of which a department needs one.
var messaging = []string{string(rollcallv1.ChannelChat), string(rollcallv1.ChannelEmail), string(rollcallv1.ChannelSocial), string(rollcallv1.ChannelSMS)}

// requirement is what one target asks of everybody.
type requirement struct {
	channels []string
	// profiles are those served; empty: no access is asked for.
	profiles []string
	// skills with their lowest level; those the organization does not list are left out.
	skills []skill
	// assigned: written items are assigned automatically.
	assigned bool
	// voice: calls come here too, for which automatic assignment does not matter.
	voice bool
	// exclusive: nobody of a campaign is taken.
	exclusive bool
}

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
	return !s.want.voice || !s.takesAny([]string{string(rollcallv1.ChannelPhone)})
}

// score is the sum of the levels of the required skills, nil where none is required.
func (s *subject) score() *int32 {
	if len(s.want.skills) == 0 {
		return nil
	}
	var sum int32
	for _, k := range s.want.skills {
		sum += s.level(k.name)
	}
	return &sum
}

// examine sorts people into candidates and excluded ones. describe fills in what the kind of target adds to a candidate.
func (p *Planner) examine(t *incr.Task, plan *Plan, want *requirement, members, supervisors []string, describe func(*subject, *Candidate)) {
	isMember := func(name string) bool {
		if len(supervisors) == 0 {
			return true
		}
		_, ok := slices.BinarySearch(members, name)
		return ok
	}
	s := &subject{planner: p, t: t, want: want}
	plan.Candidates = make([]Candidate, 0, len(members))
	for _, name := range union(members, supervisors) {
		s.name, s.member, s.agent = name, isMember(name), p.agents.Get(t, name)
		if reason := s.failing(); reason != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{Name: name, Reason: reason})
			continue
		}
		c := Candidate{Name: name, Extension: s.extension, Schedule: s.schedule, Absence: p.absences.Get(t, name), Channels: s.channels}
		describe(s, &c)
		plan.Candidates = append(plan.Candidates, c)
	}
}

// union is both sorted lists as one.
func union(a, b []string) []string {
	if len(b) == 0 {
		return a
	}
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
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

	want := &requirement{channels: []string{string(rollcallv1.ChannelPhone)}, profiles: p.Served(t, x)}
	p.turnover.Get(t, x.Name)
	positions := positionsIn(t, g)
	p.examine(t, plan, want, p.roster.Members(t, x.Name), plan.Supervisors, func(s *subject, c *Candidate) {
		c.Position = positions[s.name]
	})
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

	want := &requirement{
		channels: messaging,
		profiles: p.Served(t, x),
		skills:   p.requiredSkills(t, d.Spec.Routing.RequiredSkills),
		assigned: plan.Mode == Assigned,
	}
	members, groups := p.departmentMembers(t, d, plan.Pools)
	p.examine(t, plan, want, members, nil, func(s *subject, c *Candidate) {
		c.Groups, c.SkillScore, c.MaxChats = groups(s.name), s.score(), &s.chatLimit
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

// departmentMembers are the members of the pools, sorted, and the pools of each. A department that lists no groups has
// everybody; one whose groups are all gone or disabled has nobody (R-17 rule 7).
func (p *Planner) departmentMembers(t *incr.Task, d *rollcallv1.Department, pools []Pool) (members []string, groups func(name string) []string) {
	if len(d.Spec.Groups) == 0 {
		return p.roster.Names(t, roster.KindTeammate), func(string) []string { return nil }
	}
	of := map[string][]string{}
	for _, g := range pools {
		p.turnover.Get(t, g.Name)
		only := []string{g.Name} // shared by all who are in no other pool
		if members = p.roster.Members(t, g.Name); len(pools) == 1 {
			return members, func(string) []string { return only }
		}
		for _, name := range members {
			if of[name] == nil {
				of[name] = only
				continue
			}
			of[name] = append(of[name], g.Name)
		}
	}
	return slices.Sorted(maps.Keys(of)), func(name string) []string { return of[name] }
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
