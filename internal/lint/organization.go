package lint

import (
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/internal/schedule"
)

func (l *Lint) organization(t *incr.Task) rollcallv1.OrganizationStatus {
	o := l.roster.Organization(t)
	if o == nil {
		return rollcallv1.OrganizationStatus{}
	}
	p := l.roster.Policies(t)
	s := rollcallv1.OrganizationStatus{ResolvedPolicies: p}
	var c conditions
	c.judge(rollcallv1.ConditionPoliciesResolved, invalidPolicy(p))
	c.judge(rollcallv1.ConditionReferencesResolved, l.organizationReferences(t, o))
	if *p.Onboarding.Confirmation == rollcallv1.ConfirmationRequired {
		c.judge(rollcallv1.ConditionInvitationsDeliverable, l.invitations(t))
	}
	if o.Spec.Suspend != nil && *o.Spec.Suspend {
		c.add(condition(rollcallv1.ConditionSuspended, metav1.ConditionTrue, rollcallv1.ReasonRequested,
			"spec.suspend is true: outputs and downstream systems are not written"))
	}
	if _, err := schedule.Compile(schedule.Spec{Mode: string(rollcallv1.ScheduleModeWeekly), Zone: l.roster.TimeZone(t)}); err != nil {
		c.blocked(problemf(rollcallv1.ReasonUnknownTimeZone, "spec.timeZone %q is not in the time zone database; use a name such as Europe/Prague", o.Spec.TimeZone))
	}
	s.Conditions = c.all()
	return s
}

func (l *Lint) invitations(t *incr.Task) problem {
	if l.roster.Invites(t) {
		return problem{}
	}
	return problem{rollcallv1.ReasonNoMailDownstream,
		"onboarding.confirmation is Required and nothing sends e-mail: no SMTP or HTTP Downstream carries Users. Confirm accounts with `kubectl rollcall confirm`"}
}

func invalidPolicy(p *rollcallv1.Policies) problem {
	shortest, longest := p.Block.MinDuration.Duration, p.Block.MaxDuration.Duration
	if longest > 0 && shortest > longest {
		return problemf(rollcallv1.ReasonInvalidPolicy, "policies.block.minDuration %s is longer than maxDuration %s", shortest, longest)
	}
	limit := p.ChatLimit
	switch {
	case *limit.Default == -1 && !*limit.AllowUnlimited:
		return problemf(rollcallv1.ReasonInvalidPolicy, "policies.chatLimit.default is -1 and allowUnlimited is false; %d is used", *limit.Maximum)
	case *limit.Default > *limit.Maximum:
		return problemf(rollcallv1.ReasonInvalidPolicy, "policies.chatLimit.default %d is above maximum; %d is used", *limit.Default, *limit.Maximum)
	}
	return problem{}
}

func (l *Lint) organizationReferences(t *incr.Task, o *rollcallv1.Organization) problem {
	var r references
	r.schedule(l, t, "spec.scheduleRef", o.Spec.ScheduleRef)
	for _, p := range o.Spec.Practices {
		r.schedule(l, t, fmt.Sprintf("spec.practices[%s].scheduleRef", p.Name), p.ScheduleRef)
	}
	if ref := o.Spec.DefaultAccountRoleRef; ref != nil {
		r.need(l.roster.EffectiveAccountRole(t, ref.Name) != nil, "spec.defaultAccountRoleRef", roster.KindAccountRole, ref.Name)
	}
	r.profileRole(l, t, "spec.defaultProfileRoleRef", o.Spec.DefaultProfileRoleRef)
	r.callerID(l, t, "spec.voice.callerIDProfileRef", o.Spec.Voice.CallerIDProfileRef)
	return r.verdict()
}

func (r *references) schedule(l *Lint, t *incr.Task, field string, ref *rollcallv1.ObjectRef) {
	if ref != nil {
		r.need(l.roster.Exists(t, roster.KindSchedule, ref.Name), field, roster.KindSchedule, ref.Name)
	}
}

func (r *references) profileRole(l *Lint, t *incr.Task, field string, ref *rollcallv1.ObjectRef) {
	if ref != nil {
		r.need(l.roster.ProfileRoleExists(t, ref.Name), field, roster.KindProfileRole, ref.Name)
	}
}

// callerID checks a reference to a profile that must be of type Phone (V-10).
func (r *references) callerID(l *Lint, t *incr.Task, field string, ref *rollcallv1.ObjectRef) {
	if ref != nil {
		r.typed(l, t, field, ref.Name, rollcallv1.ProfileTypePhone)
	}
}

func (r *references) typed(l *Lint, t *incr.Task, field, name string, want rollcallv1.ProfileType) {
	p := l.roster.Profile(t, name)
	r.need(p != nil, field, roster.KindProfile, name)
	if p != nil && p.Spec.Type != want {
		r.wrong(problemf(rollcallv1.ReasonWrongType, "%s names Profile %q of type %s; a Profile of type %s is needed, so it is left out", field, name, p.Spec.Type, want))
	}
}

func (l *Lint) schedule(t *incr.Task, name string) rollcallv1.ScheduleStatus {
	s := l.roster.Schedule(t, name)
	if s == nil {
		return rollcallv1.ScheduleStatus{}
	}
	var out rollcallv1.ScheduleStatus
	var c conditions
	compiled, err := routing.CompileSchedule(&s.Spec, l.roster.TimeZone(t))
	switch {
	case errors.Is(err, schedule.ErrUnknownZone):
		c.blocked(problem{rollcallv1.ReasonUnknownTimeZone, err.Error() + "; whoever refers to this schedule falls through to the next"})
	case err != nil:
		c.blocked(problem{rollcallv1.ReasonInvalidHours, err.Error() + "; whoever refers to this schedule falls through to the next"})
	default:
		now := t.Now()
		out.Open = new(compiled.Open(now))
		if next, ok := compiled.NextTransition(now); ok {
			t.Expire(next)
			out.NextTransition = new(metav1.NewTime(next.UTC()))
		} else if s.Spec.Mode == rollcallv1.ScheduleModeWeekly {
			t.Expire(now.Add(searchedAhead)) // look again before the horizon of the search ends
		}
	}
	out.Conditions = c.all()
	return out
}

// searchedAhead is a little less than how far schedule.NextTransition looks.
const searchedAhead = 399 * 24 * time.Hour

func unknownPermissions(unknown []string) problem {
	if len(unknown) == 0 {
		return problem{}
	}
	return problemf(rollcallv1.ReasonUnknownPermission,
		"%s: neither well-known nor in Organization.spec.vocabulary; a concrete one works in this role only, a pattern matches nothing", listed(unknown))
}

func (l *Lint) accountRole(t *incr.Task, name string) rollcallv1.AccountRoleStatus {
	if !l.roster.Exists(t, roster.KindAccountRole, name) {
		return rollcallv1.AccountRoleStatus{}
	}
	role := l.roster.EffectiveAccountRole(t, name)
	var c conditions
	var refused problem
	if role.Ignored {
		refused = problemf(rollcallv1.ReasonCustomRoleNotAllowed,
			"policies.roleModel.allowCustom is false: the built-in role of base type %s is read instead of this object", role.Spec.BaseType)
	}
	c.judge(rollcallv1.ConditionPolicyCompliant, refused)
	c.judge(rollcallv1.ConditionPermissionsKnown, unknownPermissions(role.Unknown))
	return rollcallv1.AccountRoleStatus{Hash: hash(role.Spec), Conditions: c.all()}
}

func hash(v any) string {
	b, err := canonical.JSON(v)
	if err != nil {
		panic(err) // API types always marshal
	}
	return canonical.Hash(b)
}

func (l *Lint) profileRole(t *incr.Task, name string) rollcallv1.ProfileRoleStatus {
	role := l.roster.ProfileRole(t, name)
	if role == nil {
		return rollcallv1.ProfileRoleStatus{}
	}
	content := l.roster.RoleContent(t, name)
	table := l.roster.Table
	conferred := table.Fold(table.Without(table.Close(content.Granted), permission.CompileDenies(content.Denies)))
	var c conditions
	c.judge(rollcallv1.ConditionIncludesAcyclic, includeCycle(l.roster.ProfileRoleCycle(t, name)))
	var r references
	for _, ref := range role.Spec.Includes {
		r.profileRole(l, t, "spec.includes", &ref)
	}
	c.judge(rollcallv1.ConditionReferencesResolved, r.verdict())
	c.judge(rollcallv1.ConditionPermissionsKnown, unknownPermissions(content.Unknown))
	return rollcallv1.ProfileRoleStatus{
		Hash:            hash(map[string]any{"permissions": table.Strings(conferred), "denies": content.Denies, "contentVisibility": content.Visibility}),
		PermissionCount: int32(conferred.Len()), Conditions: c.all(),
	}
}

func includeCycle(cycle roster.Cycle) problem {
	if !cycle.Cyclic() {
		return problem{}
	}
	message := cycle.Path
	if len(cycle.Closing) > 0 {
		message += "; the include of " + strings.Join(cycle.Closing, ", ") + " is ignored here"
	}
	return problem{rollcallv1.ReasonIncludeCycle, message}
}

func (l *Lint) profile(t *incr.Task, name string) rollcallv1.ProfileStatus {
	p := l.roster.Profile(t, name)
	if p == nil {
		return rollcallv1.ProfileStatus{}
	}
	var c conditions
	duplicate := duplicateKeys(l.roster.LostKeys(t, roster.Claimant{Kind: roster.KindProfile, Name: name}))
	c.judge(rollcallv1.ConditionKeysUnique, duplicate)
	if duplicate.reason != "" {
		c.blocked(problem{rollcallv1.ReasonInvalid, "contributes nothing: " + duplicate.message})
	}
	var r references
	if practice := p.Spec.PracticeName; practice != nil {
		_, found := l.roster.Practice(t, *practice)
		r.need(found, "spec.practiceName", "practice", *practice)
	} else if p.Spec.Type == rollcallv1.ProfileTypeLine && *l.roster.Policies(t).PracticeScoping == rollcallv1.SwitchEnabled {
		r.wrong(problem{rollcallv1.ReasonPracticeScoping, "spec.practiceName is needed for a Line while policies.practiceScoping is Enabled: the line is in no practice"})
	}
	c.judge(rollcallv1.ConditionReferencesResolved, r.verdict())
	return rollcallv1.ProfileStatus{Conditions: c.all()}
}
