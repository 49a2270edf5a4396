package lint

import (
	"fmt"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

func (l *Lint) queue(t *incr.Task, name string) rollcallv1.QueueStatus {
	q := l.roster.Queue(t, name)
	if q == nil {
		return rollcallv1.QueueStatus{}
	}
	x := routing.Target{Kind: routing.KindQueue, Name: name}
	var c conditions
	c.blocked(l.noContactCenter(t, "queue"))
	c.judge(rollcallv1.ConditionReferencesResolved, l.queueReferences(t, q))
	c.judge(rollcallv1.ConditionRoutable, l.routable(t, x))
	c.judge(rollcallv1.ConditionOverflowAcyclic, l.overflow(t, x))
	c.judge(rollcallv1.ConditionInboundUnique, l.inbound(t, x))
	return rollcallv1.QueueStatus{Conditions: c.all()}
}

func (l *Lint) campaign(t *incr.Task, name string) rollcallv1.CampaignStatus {
	o := l.roster.Campaign(t, name)
	if o == nil {
		return rollcallv1.CampaignStatus{}
	}
	var c conditions
	c.blocked(l.noContactCenter(t, "campaign"))
	c.judge(rollcallv1.ConditionReferencesResolved, l.campaignReferences(t, o))
	return rollcallv1.CampaignStatus{Conditions: c.all()}
}

// noContactCenter is why queues and campaigns have no plan (V-01).
func (l *Lint) noContactCenter(t *incr.Task, what string) problem {
	if l.roster.Voice(t).ContactCenter {
		return problem{}
	}
	return problemf(rollcallv1.ReasonContactCenterDisabled, "Organization.spec.contactCenter is Disabled: the %s has no plan", what)
}

func (l *Lint) queueReferences(t *incr.Task, q *rollcallv1.Queue) problem {
	var r references
	rs := l.roster
	for _, g := range q.Spec.Groups {
		r.need(rs.Exists(t, roster.KindUserGroup, g.Name), "spec.groups", roster.KindUserGroup, g.Name)
	}
	r.supervisors(l, t, q.Spec.Supervisors)
	for _, p := range q.Spec.Profiles {
		r.need(rs.Exists(t, roster.KindProfile, p.Name), "spec.profiles", roster.KindProfile, p.Name)
	}
	r.schedule(l, t, "spec.scheduleRef", q.Spec.ScheduleRef)
	for _, s := range q.Spec.Routing.RequiredSkills {
		_, found := rs.MaxSkillLevel(t, s.Name)
		r.need(found, "spec.routing.requiredSkills", "skill", s.Name)
	}
	r.groupOverflow(l, t, "spec.overflow", q.Spec.Overflow)
	r.groupOverflow(l, t, "spec.outOfHours", q.Spec.OutOfHours)
	return r.verdict()
}

func (l *Lint) campaignReferences(t *incr.Task, o *rollcallv1.Campaign) problem {
	var r references
	for _, p := range o.Spec.CallerIDProfiles {
		r.typed(l, t, fmt.Sprintf("spec.callerIDProfiles[%s]", p.Name), p.Name, rollcallv1.ProfileTypePhone)
	}
	r.supervisors(l, t, o.Spec.Supervisors)
	r.schedule(l, t, "spec.scheduleRef", o.Spec.ScheduleRef)
	return r.verdict()
}

// supervisors checks who watches over a queue or campaign; an account role that makes no supervisor counts as unresolved,
// since these kinds have no condition of its own for it.
func (r *references) supervisors(l *Lint, t *incr.Task, listed []rollcallv1.ObjectRef) {
	for _, ref := range listed {
		found := l.roster.Exists(t, roster.KindTeammate, ref.Name)
		r.need(found, "spec.supervisors", roster.KindTeammate, ref.Name)
		if found && !l.roster.CanSupervise(t, ref.Name) {
			r.wrong(problemf(rollcallv1.ReasonWrongType, "spec.supervisors names %q, whose account role has no canBeSupervisor; left out", ref.Name))
		}
	}
}
