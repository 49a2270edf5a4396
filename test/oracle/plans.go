package oracle

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// way is how a target serves a profile, the strongest first.
type way int

const (
	explicitly way = iota
	bySelector
	throughGroups
)

// target is a department, a queue or a dialing group while routing is computed.
type target struct {
	ref Ref
	// serves has the strongest way for each profile.
	serves               map[string]way
	overflow, outOfHours Exit
}

func (t *target) served() []string {
	out := set{}
	for p := range t.serves {
		out[p] = true
	}
	return out.sorted()
}

// computePlans fills plans, inbound and departments.
func (e *evaluation) computePlans() {
	targets := e.targets()
	e.computeInbound(targets)
	cyclic := e.cutOverflow(targets)
	for i := range targets {
		t := &targets[i]
		var plan Plan
		switch t.ref.Kind {
		case "Department":
			plan = e.departmentPlan(e.departments[t.ref.Name], t)
		case "UserGroup":
			if e.contactCenterOff() || !enabled(e.groups[t.ref.Name]) {
				continue
			}
			plan = e.groupPlan(e.groups[t.ref.Name], t)
		case "Queue":
			if e.contactCenterOff() {
				continue
			}
			plan = e.queuePlan(e.queues[t.ref.Name], t)
		}
		plan.Served, plan.OverflowCycle, plan.Overflow, plan.OutOfHours = t.served(), cyclic[t.ref], t.overflow, t.outOfHours
		for _, in := range e.result.Inbound {
			plan.InboundConflict = plan.InboundConflict || slices.Contains(in.Losers, t.ref)
		}
		plan.Routable = len(plan.Candidates) > 0
		e.result.Plans[t.ref] = plan
	}
	for _, c := range e.org.Campaigns {
		if !e.contactCenterOff() {
			plan := e.campaignPlan(c)
			plan.Routable = len(plan.Candidates) > 0
			e.result.Plans[Ref{"Campaign", c.Name}] = plan
		}
	}
}

// targets lists departments, queues and dialing groups, sorted by kind and name.
func (e *evaluation) targets() []target {
	var out []target
	for _, d := range e.org.Departments {
		t := target{ref: Ref{"Department", d.Name}, serves: map[string]way{}, overflow: Exit{Type: "Unassigned"}, outOfHours: Exit{Type: "Unassigned"}}
		e.serve(&t, d.Spec.Profiles, d.Spec.ProfileSelector)
		if len(d.Spec.Profiles) == 0 && d.Spec.ProfileSelector == nil {
			for _, g := range e.departmentGroups(d) {
				for _, p := range e.result.Groups[g.Name].Profiles {
					t.serves[p] = throughGroups
				}
			}
		}
		if o := d.Spec.Routing.Overflow; o != nil {
			t.overflow = Exit{string(o.Type), str(o.Name)}
		}
		if o := d.Spec.OutOfHours; o != nil {
			t.outOfHours = Exit{string(o.Type), str(o.Name)}
		}
		holds := e.result.Next.Keys["defaultDepartment"] == t.ref
		result := Department{Default: holds}
		if isTrue(d.Spec.Default) {
			result.LostKeys = e.lost(t.ref, []string{"defaultDepartment"})
		}
		if holds {
			e.result.DefaultDepartment = d.Name
		}
		for _, g := range e.departmentGroups(d) {
			result.Groups = append(result.Groups, g.Name)
		}
		e.result.Departments[d.Name] = result
		out = append(out, t)
	}
	for _, g := range e.org.UserGroups {
		dialing := voiceOf(g).Dialing
		if dialing == nil {
			continue
		}
		t := target{ref: Ref{"UserGroup", g.Name}, serves: map[string]way{}, overflow: Exit{Type: "Hangup"}, outOfHours: Exit{Type: "Hangup"}}
		if enabled(g) && !e.contactCenterOff() {
			e.serve(&t, dialing.Profiles, dialing.ProfileSelector)
		}
		if o := dialing.Overflow; o != nil {
			t.overflow = Exit{string(o.Type), str(o.Name)}
		}
		if o := dialing.OutOfHours; o != nil {
			t.outOfHours = Exit{string(o.Type), str(o.Name)}
		}
		out = append(out, t)
	}
	out = append(out, e.queueTargets()...)
	slices.SortFunc(out, func(a, b target) int { return compareRefs(a.ref, b.ref) })
	return out
}

func compareRefs(a, b Ref) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

func (e *evaluation) serve(t *target, profiles []rollcallv1.ObjectRef, selector *rollcallv1.ProfileSelector) {
	for p := range e.selected(selector) {
		t.serves[p] = bySelector
	}
	for _, ref := range profiles {
		if e.contributes(ref.Name) {
			t.serves[ref.Name] = explicitly
		}
	}
}

// departmentGroups are the enabled, existing groups of a department, by name.
func (e *evaluation) departmentGroups(d rollcallv1.Department) []rollcallv1.UserGroup {
	var out []rollcallv1.UserGroup
	for _, entry := range d.Spec.Groups {
		if g, exists := e.groups[entry.Name]; exists && enabled(g) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b rollcallv1.UserGroup) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// computeInbound finds who serves each profile by the strongest way; the targets are sorted by kind and name already.
func (e *evaluation) computeInbound(targets []target) {
	for name := range e.profiles {
		for w := explicitly; w <= throughGroups; w++ {
			var serving []Ref
			for _, t := range targets {
				if got, serves := t.serves[name]; serves && got == w {
					serving = append(serving, t.ref)
				}
			}
			if len(serving) > 0 {
				e.result.Inbound[name] = Inbound{Owner: serving[0], Losers: serving[1:]}
				break
			}
		}
	}
}

// cutOverflow replaces edges on cycles, and edges to what does not exist, by the default of the target's kind.
func (e *evaluation) cutOverflow(targets []target) (cyclic map[Ref]bool) {
	const separator = "/"
	edges := graph{}
	for _, t := range targets {
		edges[t.ref.Kind+separator+t.ref.Name] = nil
	}
	exits := func(t *target) []*Exit { return []*Exit{&t.overflow, &t.outOfHours} }
	for i := range targets {
		t := &targets[i]
		from := t.ref.Kind + separator + t.ref.Name
		for _, exit := range exits(t) {
			if !slices.Contains([]string{"Department", "Queue", "UserGroup"}, exit.Type) {
				continue
			}
			to := exit.Type + separator + exit.Name
			if _, exists := edges[to]; !exists {
				*exit = defaultExit(t.ref)
				continue
			}
			edges[from] = append(edges[from], to)
		}
	}
	cyclic = map[Ref]bool{}
	for i := range targets {
		t := &targets[i]
		from := t.ref.Kind + separator + t.ref.Name
		for _, exit := range exits(t) {
			to := exit.Type + separator + exit.Name
			// An edge lies inside a component if its end reaches its start.
			if _, isEdge := edges[to]; isEdge && (to == from || edges.reachable(to)[from]) {
				*exit = defaultExit(t.ref)
				cyclic[t.ref] = true
			}
		}
	}
	return cyclic
}

func defaultExit(ref Ref) Exit {
	if ref.Kind == "Department" {
		return Exit{Type: "Unassigned"}
	}
	return Exit{Type: "Hangup"}
}

func (e *evaluation) departmentPlan(d rollcallv1.Department, t *target) Plan {
	plan := Plan{Strategy: string(d.Spec.Routing.Selection), Mode: e.pol.defaultRoutingMode}
	if plan.Strategy == "" {
		plan.Strategy = "RoundRobin"
	}
	if d.Spec.Routing.Mode != nil {
		plan.Mode = string(*d.Spec.Routing.Mode)
	}
	if e.autoAssignmentOff() {
		plan.Mode = "Pooled"
	}
	groups := e.departmentGroups(d)
	plan.AllGroupsDisabled = len(d.Spec.Groups) > 0 && len(groups) == 0
	// memberOf has the groups by which somebody belongs to the department; nobody has one where the department is for all.
	memberOf := map[string][]string{}
	if len(d.Spec.Groups) == 0 {
		for name := range e.people {
			memberOf[name] = nil
		}
	}
	for _, g := range groups {
		for _, m := range e.result.Groups[g.Name].Members {
			memberOf[m.Name] = append(memberOf[m.Name], g.Name)
		}
		pool := Pool{Group: g.Name, MemberCount: len(e.result.Groups[g.Name].Members)}
		for _, entry := range d.Spec.Groups {
			if entry.Name == g.Name {
				pool.Weight = entry.Weight
			}
		}
		pool.Schedule = e.firstSchedule(g.Spec.ScheduleRef, e.practiceSchedule(g), d.Spec.ScheduleRef, e.org.Organization.Spec.ScheduleRef)
		plan.Pools = append(plan.Pools, pool)
	}
	required := e.requiredSkills(d.Spec.Routing.RequiredSkills)
	for name, in := range memberOf {
		p := e.people[name]
		reason := e.ineligible(p, t.served(), []string{"Chat", "Email", "Social", "SMS"}, required)
		if reason == "" && plan.Mode == "Assigned" && p.spec.AutoAssignment == rollcallv1.ToggleDisabled {
			reason = "AutoAssignmentOff"
		}
		if reason != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{name, reason})
			continue
		}
		c := e.candidate(p)
		c.Groups, c.SkillScore = in, e.skillScore(p, required)
		plan.Candidates = append(plan.Candidates, c)
	}
	slices.SortFunc(plan.Excluded, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(plan.Candidates, func(a, b Candidate) int {
		if plan.Mode == "Assigned" && plan.Strategy == "MostQualified" && a.SkillScore != b.SkillScore {
			return cmp.Compare(b.SkillScore, a.SkillScore)
		}
		return strings.Compare(a.Name, b.Name)
	})
	organization := e.org.Organization.Spec.ScheduleRef
	if len(groups) > 0 {
		organization = nil
	}
	plan.Schedule = e.firstSchedule(d.Spec.ScheduleRef, organization)
	plan.TimeZone = e.zoneOf(plan.Schedule)
	return plan
}

func (e *evaluation) groupPlan(g rollcallv1.UserGroup, t *target) Plan {
	result := e.result.Groups[g.Name]
	plan := Plan{Strategy: string(voiceOf(g).Dialing.Strategy), Supervisors: result.Supervisors}
	members := set{}
	for _, m := range result.Members {
		members[m.Name] = true
		p := e.people[m.Name]
		if reason := e.ineligible(p, t.served(), []string{"Phone"}, nil); reason != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{m.Name, reason})
			continue
		}
		c := e.candidate(p)
		for _, entry := range g.Spec.Members {
			if entry.Name == m.Name && e.inWindow(entry.Window) {
				c.Position = entry.Position
			}
		}
		plan.Candidates = append(plan.Candidates, c)
	}
	for _, name := range result.Supervisors {
		if members[name] {
			continue
		}
		reason := "SupervisorOnly"
		if !e.people[name].open {
			reason = "Lifecycle"
		}
		plan.Excluded = append(plan.Excluded, Exclusion{name, reason})
	}
	slices.SortFunc(plan.Excluded, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	position := func(c Candidate) int64 {
		if c.Position == nil {
			return math.MaxInt64
		}
		return int64(*c.Position)
	}
	slices.SortFunc(plan.Candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(position(a), position(b)), strings.Compare(a.Name, b.Name))
	})
	plan.Schedule = e.firstSchedule(g.Spec.ScheduleRef, e.practiceSchedule(g), e.org.Organization.Spec.ScheduleRef)
	plan.TimeZone = e.zoneOf(plan.Schedule)
	plan.CallerIDProfile = e.callerID(voiceOf(g).CallerIDProfileRef)
	if plan.CallerIDProfile == "" {
		plan.CallerIDProfile = e.callerID(e.org.Organization.Spec.Voice.CallerIDProfileRef)
	}
	if voiceOf(g).Extension != nil && !slices.Contains(result.LostKeys, "extension="+*voiceOf(g).Extension) {
		plan.Extension = *voiceOf(g).Extension
	}
	return plan
}

// ineligible is the first static reason of R-15 that speaks about the person and not about the mode of the target.
func (e *evaluation) ineligible(p *person, served, channels []string, required []rollcallv1.RequiredSkill) string {
	access := e.result.Teammates[p.object.Name]
	switch {
	case !p.open:
		return "Lifecycle"
	case !slices.Contains(access.AccountPermissions, "conversations.handle"):
		return "RoleCannotHandle"
	case len(served) > 0 && !viewsAny(access.Profiles, served):
		return "NoProfileAccess"
	case !usesAny(p.spec.Channels, channels):
		return "Channel"
	case p.spec.Availability != "" && p.spec.Availability != rollcallv1.AvailabilityAvailable:
		return "Availability"
	}
	for _, r := range required {
		level, has := e.skillLevel(p, r.Name)
		if !has || level < minLevel(r) {
			return "Skills"
		}
	}
	return ""
}

func viewsAny(profiles []Profile, served []string) bool {
	for _, p := range profiles {
		views := slices.ContainsFunc(p.Permissions, func(perm string) bool { return strings.HasSuffix(perm, ".view") })
		if views && slices.Contains(served, p.Name) {
			return true
		}
	}
	return false
}

func usesAny(channels []rollcallv1.Channel, want []string) bool {
	return len(channels) == 0 || slices.ContainsFunc(channels, func(c rollcallv1.Channel) bool { return slices.Contains(want, string(c)) })
}

// requiredSkills drops the ones that the organization does not list.
func (e *evaluation) requiredSkills(required []rollcallv1.RequiredSkill) []rollcallv1.RequiredSkill {
	var out []rollcallv1.RequiredSkill
	for _, r := range required {
		if _, listed := e.maxLevel(r.Name); listed {
			out = append(out, r)
		}
	}
	return out
}

func (e *evaluation) maxLevel(skill string) (level int32, listed bool) {
	for _, s := range e.org.Organization.Spec.Skills {
		if s.Name == skill {
			if s.MaxLevel == nil {
				return 5, true
			}
			return *s.MaxLevel, true
		}
	}
	return 0, false
}

func (e *evaluation) skillLevel(p *person, skill string) (level int32, has bool) {
	highest, listed := e.maxLevel(skill)
	for _, s := range p.spec.Skills {
		if s.Name != skill || !listed {
			continue
		}
		if s.Level == nil {
			return 1, true
		}
		return min(*s.Level, highest), true
	}
	return 0, false
}

func minLevel(r rollcallv1.RequiredSkill) int32 {
	if r.MinLevel == nil {
		return 1
	}
	return *r.MinLevel
}

func (e *evaluation) skillScore(p *person, required []rollcallv1.RequiredSkill) int32 {
	var sum int32
	for _, r := range required {
		level, _ := e.skillLevel(p, r.Name)
		sum += level
	}
	return sum
}

func (e *evaluation) candidate(p *person) Candidate {
	c := Candidate{Name: p.object.Name, MaxChats: e.result.Teammates[p.object.Name].Chat.MaxChats, Schedule: e.firstSchedule(p.spec.ScheduleRef)}
	if p.extHeld {
		c.Extension = *p.spec.Extension
	}
	var coming []rollcallv1.Absence
	for _, a := range p.spec.Absences {
		if laterThan(a.Until, e.now) {
			coming = append(coming, a)
		}
	}
	if len(coming) == 0 {
		return c
	}
	first := slices.MinFunc(coming, func(a, b rollcallv1.Absence) int {
		return cmp.Or(
			bound(a.From, math.MinInt64).Compare(bound(b.From, math.MinInt64)),
			bound(a.Until, math.MaxInt64).Compare(bound(b.Until, math.MaxInt64)),
			strings.Compare(a.Name, b.Name))
	})
	c.HasAbsence, c.AbsenceFrom, c.AbsenceUntil = true, timeOf(first.From), timeOf(first.Until)
	return c
}

// firstSchedule returns the first of the references whose object exists and has a zone and hours that are valid.
func (e *evaluation) firstSchedule(refs ...*rollcallv1.ObjectRef) string {
	for _, ref := range refs {
		if ref == nil {
			continue
		}
		if s, exists := e.schedules[ref.Name]; exists && e.validSchedule(s) {
			return ref.Name
		}
	}
	return ""
}

// practiceSchedule is the schedule of the practice of a group of scope Practice.
func (e *evaluation) practiceSchedule(g rollcallv1.UserGroup) *rollcallv1.ObjectRef {
	if scopeOf(g) != "Practice" {
		return nil
	}
	for _, of := range g.Spec.Practices {
		for _, q := range e.org.Organization.Spec.Practices {
			if q.Name == of.Name {
				return q.ScheduleRef
			}
		}
	}
	return nil
}

// zoneOf is the zone in which a schedule is read, "" without a schedule.
func (e *evaluation) zoneOf(name string) string {
	s, exists := e.schedules[name]
	switch {
	case !exists:
		return ""
	case s.Spec.TimeZone != nil:
		return *s.Spec.TimeZone
	case e.org.Organization.Spec.TimeZone == "":
		return "Etc/UTC"
	}
	return e.org.Organization.Spec.TimeZone
}

func (e *evaluation) validSchedule(s rollcallv1.Schedule) bool {
	if s.Spec.Mode == rollcallv1.ScheduleModeAlwaysOpen || s.Spec.Mode == rollcallv1.ScheduleModeAlwaysClosed {
		return true
	}
	if _, err := time.LoadLocation(e.zoneOf(s.Name)); err != nil {
		return false
	}
	hours := func(open, end string) bool {
		_, errOpen := time.Parse("15:04", open)
		_, errEnd := time.Parse("15:04", end)
		return errOpen == nil && (errEnd == nil || end == "24:00")
	}
	for _, w := range s.Spec.Weekly {
		if !hours(w.Open, w.Close) {
			return false
		}
	}
	for _, x := range s.Spec.Exceptions {
		if _, err := time.Parse(time.DateOnly, x.Date); err != nil {
			return false
		}
		for _, h := range x.Hours {
			if !hours(h.Open, h.Close) {
				return false
			}
		}
	}
	return true
}
