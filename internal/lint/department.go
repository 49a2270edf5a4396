package lint

import (
	"fmt"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

func (l *Lint) department(t *incr.Task, name string) rollcallv1.DepartmentStatus {
	d := l.roster.Department(t, name)
	if d == nil {
		return rollcallv1.DepartmentStatus{}
	}
	x := routing.Target{Kind: routing.KindDepartment, Name: name}
	var c conditions
	c.judge(rollcallv1.ConditionReferencesResolved, l.departmentReferences(t, d))
	c.judge(rollcallv1.ConditionRoutable, l.routable(t, x))
	c.judge(rollcallv1.ConditionOverflowAcyclic, l.overflow(t, x))
	c.judge(rollcallv1.ConditionInboundUnique, l.inbound(t, x))
	c.judge(rollcallv1.ConditionKeysUnique, duplicateKeys(l.roster.LostKeys(t, roster.Claimant{Kind: roster.KindDepartment, Name: name})))
	return rollcallv1.DepartmentStatus{GroupCount: int32(len(d.Spec.Groups)), Conditions: c.all()}
}

func (l *Lint) departmentReferences(t *incr.Task, d *rollcallv1.Department) problem {
	var r references
	rs := l.roster
	for _, g := range d.Spec.Groups {
		r.need(rs.Exists(t, roster.KindUserGroup, g.Name), "spec.groups", roster.KindUserGroup, g.Name)
	}
	for _, p := range d.Spec.Profiles {
		r.need(rs.Exists(t, roster.KindProfile, p.Name), "spec.profiles", roster.KindProfile, p.Name)
	}
	r.schedule(l, t, "spec.scheduleRef", d.Spec.ScheduleRef)
	for _, s := range d.Spec.Routing.RequiredSkills {
		_, found := rs.MaxSkillLevel(t, s.Name)
		r.need(found, "spec.routing.requiredSkills", "skill", s.Name)
	}
	if o := d.Spec.Routing.Overflow; o != nil && o.Name != nil {
		r.need(rs.Exists(t, string(o.Type), *o.Name), "spec.routing.overflow", string(o.Type), *o.Name)
	}
	if o := d.Spec.OutOfHours; o != nil && o.Name != nil {
		r.need(rs.Exists(t, string(o.Type), *o.Name), "spec.outOfHours", string(o.Type), *o.Name)
	}
	return r.verdict()
}

// Routable says why a target's plan offers items to nobody, "" if it does; RoutePlans carry the same condition.
func (l *Lint) Routable(x routing.Target) (reason, message string) {
	p := l.routable(l.peek(), x)
	return p.reason, p.message
}

func (l *Lint) routable(t *incr.Task, x routing.Target) problem {
	plan := l.routing.Plan(t, x)
	if plan == nil {
		return problem{rollcallv1.ReasonNoCandidates, "there is no plan"}
	}
	switch ok, reason := plan.Routable(); {
	case ok:
		return problem{}
	case reason == rollcallv1.ReasonAllGroupsDisabled:
		return problem{reason, "every group listed is disabled or missing: items stay unassigned"}
	default:
		return problem{reason, "nobody is eligible: " + exclusions(plan)}
	}
}

// exclusions sums up why people are not candidates.
func exclusions(plan *routing.Plan) string {
	if len(plan.Excluded) == 0 {
		return "nobody belongs to the target"
	}
	var parts []string
	for i, e := range plan.Excluded {
		if i == maxNamed {
			parts = append(parts, fmt.Sprintf("and %d more", len(plan.Excluded)-maxNamed))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", e.Name, e.Reason))
	}
	return strings.Join(parts, ", ")
}

func (l *Lint) overflow(t *incr.Task, x routing.Target) problem {
	if cycle := l.routing.OverflowCycle(t, x); cycle != "" {
		return problem{rollcallv1.ReasonOverflowCycle, cycle + "; the edges of the cycle are ignored"}
	}
	return problem{}
}

func (l *Lint) inbound(t *incr.Task, x routing.Target) problem {
	conflicts := l.routing.Conflicts(t, x)
	if len(conflicts) == 0 {
		return problem{}
	}
	var parts []string
	for _, c := range conflicts[:min(len(conflicts), maxNamed)] {
		parts = append(parts, fmt.Sprintf("%s goes to %s/%s", c.Profile, c.Winner.Kind, c.Winner.Name))
	}
	if len(conflicts) > maxNamed {
		parts = append(parts, "and others") // without a number: one more profile of a group is no news for ten departments (S-76)
	}
	return problem{rollcallv1.ReasonInboundConflict, strings.Join(parts, "; ")}
}
