package lint

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

const maxListed = 50

func (l *Lint) userGroup(t *incr.Task, name string) rollcallv1.UserGroupStatus {
	g := l.roster.UserGroup(t, name)
	if g == nil {
		return rollcallv1.UserGroupStatus{}
	}
	members, profiles := l.roster.Members(t, name), l.roster.GroupProfiles(t, name)
	rejected := l.roster.RejectedMembers(t, name)
	departments := l.roster.DepartmentsOf(t, name)
	s := rollcallv1.UserGroupStatus{
		MemberCount: int32(len(members)), MembersHash: l.hashOfNames(members), ProfileCount: int32(len(profiles)),
		DepartmentCount: int32(len(departments)), Departments: slices.Clone(departments[:min(len(departments), maxListed)]),
	}
	s.DirectMemberCount = int32(len(members) - len(l.roster.IndirectMembers(t, name)))
	if len(rejected) > 0 {
		s.Rejected = &rollcallv1.RejectedMembers{Count: int32(len(rejected))}
		for _, m := range rejected[:min(len(rejected), maxListed)] {
			s.Rejected.First = append(s.Rejected.First, rollcallv1.RejectedMember{Name: m.Name, Reason: m.Reason})
		}
	}
	var c conditions
	dialing := g.Spec.Voice != nil && g.Spec.Voice.Dialing != nil
	if dialing && !l.roster.Voice(t).ContactCenter {
		c.blocked(problem{rollcallv1.ReasonContactCenterDisabled, "Organization.spec.contactCenter is Disabled: the group cannot be dialled"})
	}
	c.judge(rollcallv1.ConditionPolicyCompliant, l.groupCompliance(t, g, departments))
	c.judge(rollcallv1.ConditionKeysUnique, duplicateKeys(l.roster.LostKeys(t, roster.Claimant{Kind: roster.KindUserGroup, Name: name})))
	c.judge(rollcallv1.ConditionReferencesResolved, l.groupReferences(t, g))
	c.judge(rollcallv1.ConditionMembersAccepted, membersAccepted(rejected))
	c.judge(rollcallv1.ConditionSupervisorsAccepted, l.supervisorsAccepted(t, g))
	c.judge(rollcallv1.ConditionIncludesAcyclic, includeCycle(l.roster.GroupCycle(t, name)))
	l.permissionSet(t, g, members, profiles, &s, &c)
	c.judge(rollcallv1.ConditionMentionable, l.mentionable(t, g, members))
	c.add(inUse(departments))
	if dialing {
		x := routing.Target{Kind: routing.KindUserGroup, Name: name}
		c.judge(rollcallv1.ConditionOverflowAcyclic, l.overflow(t, x))
		c.judge(rollcallv1.ConditionInboundUnique, l.inbound(t, x))
	}
	s.Conditions = c.all()
	return s
}

// hashOfNames is the hash of a list of names, which may be empty.
func (l *Lint) hashOfNames(names []string) string {
	w := &l.writer
	w.Reset()
	w.OpenList()
	for _, n := range names {
		w.String(n)
	}
	w.CloseList()
	return canonical.Hash(w.Bytes())
}

func (l *Lint) groupCompliance(t *incr.Task, g *rollcallv1.UserGroup, departments []string) problem {
	p := l.roster.Policies(t)
	switch {
	case len(g.Spec.Includes) > 0 && *p.GroupMembership == rollcallv1.GroupMembershipExclusive:
		return problem{rollcallv1.ReasonIncludesNotAllowed, "spec.includes is ignored while policies.groupMembership is Exclusive"}
	case g.Spec.Scope != rollcallv1.GroupScopeOrganization && g.Spec.Scope != "" && *p.PracticeScoping != rollcallv1.SwitchEnabled:
		return problemf(rollcallv1.ReasonPracticeScoping, "spec.scope is %s while policies.practiceScoping is Disabled: the group cannot be mentioned", g.Spec.Scope)
	case g.Spec.State == rollcallv1.SwitchDisabled && *p.GroupInUse == rollcallv1.GroupInUseBlock && len(departments) > 0:
		return problemf(rollcallv1.ReasonGroupInUse, "disabled while departments use it (%s), against policies.groupInUse; the departments drop it", listed(departments))
	}
	return problem{}
}

func (l *Lint) groupReferences(t *incr.Task, g *rollcallv1.UserGroup) problem {
	var r references
	rs := l.roster
	if missing := rs.MissingMembers(t, g.Name); len(missing) > 0 { // nearly never: one answer for a thousand members
		for _, m := range g.Spec.Members {
			_, gone := slices.BinarySearch(missing, m.Name)
			r.need(!gone, "spec.members", roster.KindTeammate, m.Name)
		}
	}
	for _, i := range g.Spec.Includes {
		r.need(rs.Exists(t, roster.KindUserGroup, i.Name), "spec.includes", roster.KindUserGroup, i.Name)
	}
	for _, m := range g.Spec.Supervisors {
		r.need(rs.Exists(t, roster.KindTeammate, m.Name), "spec.supervisors", roster.KindTeammate, m.Name)
	}
	for _, p := range g.Spec.Profiles {
		r.need(rs.Exists(t, roster.KindProfile, p.Name), "spec.profiles", roster.KindProfile, p.Name)
	}
	for _, p := range g.Spec.Practices {
		_, found := rs.Practice(t, p.Name)
		r.need(found, "spec.practices", "practice", p.Name)
	}
	if set := g.Spec.PermissionSet; set != nil {
		r.profileRole(l, t, "spec.permissionSet.profileRoleRef", &set.ProfileRoleRef)
	}
	r.schedule(l, t, "spec.scheduleRef", g.Spec.ScheduleRef)
	if v := g.Spec.Voice; v != nil {
		r.callerID(l, t, "spec.voice.callerIDProfileRef", v.CallerIDProfileRef)
		if d := v.Dialing; d != nil {
			for _, p := range d.Profiles {
				r.need(rs.Exists(t, roster.KindProfile, p.Name), "spec.voice.dialing.profiles", roster.KindProfile, p.Name)
			}
			r.groupOverflow(l, t, "spec.voice.dialing.overflow", d.Overflow)
			r.groupOverflow(l, t, "spec.voice.dialing.outOfHours", d.OutOfHours)
		}
	}
	if err := rs.InvalidSelector(t, g.Name); err != nil {
		r.wrong(problemf(rollcallv1.ReasonInvalidSelector, "spec.memberSelector selects nothing: %v", err))
	}
	return r.verdict()
}

func (r *references) groupOverflow(l *Lint, t *incr.Task, field string, o *rollcallv1.GroupOverflow) {
	if o != nil && o.Name != nil {
		r.need(l.roster.Exists(t, string(o.Type), *o.Name), field, string(o.Type), *o.Name)
	}
}

func membersAccepted(rejected []roster.RejectedMember) problem {
	var names []string
	reason := ""
	for _, m := range rejected {
		if m.Yields {
			continue
		}
		if reason == "" {
			reason = m.Reason
		}
		names = append(names, fmt.Sprintf("%s (%s)", m.Name, m.Reason))
	}
	if reason == "" {
		return problem{}
	}
	return problem{reason, "not accepted: " + listed(names)}
}

func (l *Lint) supervisorsAccepted(t *incr.Task, g *rollcallv1.UserGroup) problem {
	var refused []string
	for _, ref := range g.Spec.Supervisors {
		if l.roster.Exists(t, roster.KindTeammate, ref.Name) && !l.roster.Holding(t, ref.Name).Role.CanSupervise() {
			refused = append(refused, ref.Name)
		}
	}
	if len(refused) == 0 {
		return problem{}
	}
	slices.Sort(refused)
	return problemf(rollcallv1.ReasonNotASupervisor, "spec.supervisors names people whose account role has no canBeSupervisor: %s; they are dropped", listed(refused))
}

// permissionSet fills the mirror of the stamp and what is pending.
func (l *Lint) permissionSet(t *incr.Task, g *rollcallv1.UserGroup, members, profiles []string, s *rollcallv1.UserGroupStatus, c *conditions) {
	set := l.roster.PermissionSet(t, g.Name)
	if set.ProfileRole == "" {
		return
	}
	s.PermissionSet = &rollcallv1.PermissionSetStatus{ProfileRole: set.ProfileRole, Token: set.Token, MemberCount: int32(len(members)), ProfileCount: int32(len(profiles))}
	stamp := l.roster.Stamp(t, g.Name)
	if !set.OnReflash || stamp == nil {
		c.judge(rollcallv1.ConditionPermissionSetCurrent, problem{})
		return
	}
	s.PermissionSet = &rollcallv1.PermissionSetStatus{ProfileRole: stamp.ProfileRole, Token: stamp.Token, MemberCount: int32(len(stamp.Members)), ProfileCount: int32(len(stamp.Profiles))}
	if !stamp.Lost() {
		s.PermissionSet.AppliedAt = new(metav1.NewTime(stamp.AppliedAt))
	}
	s.Pending = &rollcallv1.PendingCounts{Members: int32(len(members) - len(stamp.Members)), Profiles: int32(len(profiles) - len(stamp.Profiles))}
	var pending problem
	if s.Pending.Members > 0 || s.Pending.Profiles > 0 {
		pending = problemf(rollcallv1.ReasonPendingReflash, "%d members and %d profiles joined since the permission set was applied; change spec.permissionSet.reflashToken to apply it to them", s.Pending.Members, s.Pending.Profiles)
	}
	c.judge(rollcallv1.ConditionPermissionSetCurrent, pending)
}

func (l *Lint) mentionable(t *incr.Task, g *rollcallv1.UserGroup, members []string) problem {
	if r := l.mentions.Mentionable(t, g.Name); r.Reason != "" {
		return problem{r.Reason, r.Message}
	}
	if len(members) == 0 {
		return problem{rollcallv1.ReasonNoMembers, "the group has no members to alert"}
	}
	return problem{}
}

func inUse(departments []string) metav1.Condition {
	if len(departments) == 0 {
		return condition(rollcallv1.ConditionInUse, metav1.ConditionFalse, "NotReferenced", "")
	}
	return condition(rollcallv1.ConditionInUse, metav1.ConditionTrue, rollcallv1.ReasonReferencedByDepartment, "listed by "+listed(departments))
}
