package lint

import (
	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/automation"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// InboundAutomation returns the status of the automation of that name, the zero status if there is none.
func (l *Lint) InboundAutomation(name string) rollcallv1.InboundAutomationStatus {
	return l.inboundAutomation(l.peek(), name)
}

func (l *Lint) inboundAutomation(t *incr.Task, name string) rollcallv1.InboundAutomationStatus {
	a := l.roster.InboundAutomation(t, name)
	if a == nil {
		return rollcallv1.InboundAutomationStatus{}
	}
	var c conditions
	if part := automation.Overflow(&a.Spec); part != "" {
		c.blocked(problemf(rollcallv1.ReasonInvalid, "spec.actions: the %s of all Mention actions do not fit into one Mention (%d groups, %d characters of messages); the first ones count",
			part, automation.MaxGroups, automation.MaxMessageLength))
	}
	c.judge(rollcallv1.ConditionReferencesResolved, l.automationReferences(t, a))
	return rollcallv1.InboundAutomationStatus{Conditions: c.all()}
}

func (l *Lint) automationReferences(t *incr.Task, a *rollcallv1.InboundAutomation) problem {
	var r references
	for _, p := range a.Spec.Practices {
		_, found := l.roster.Practice(t, p.Name)
		r.need(found, "spec.practices", "practice", p.Name)
	}
	for _, p := range a.Spec.Profiles {
		r.need(l.roster.Exists(t, roster.KindProfile, p.Name), "spec.profiles", roster.KindProfile, p.Name)
	}
	for _, action := range a.Spec.Actions {
		if action.Mention == nil {
			continue
		}
		for _, g := range action.Mention.Groups {
			r.need(l.roster.Exists(t, roster.KindUserGroup, g.Name), "spec.actions[].mention.groups", roster.KindUserGroup, g.Name)
		}
		for _, m := range action.Mention.Teammates {
			r.need(l.roster.Exists(t, roster.KindTeammate, m.Name), "spec.actions[].mention.teammates", roster.KindTeammate, m.Name)
		}
	}
	return r.verdict()
}
