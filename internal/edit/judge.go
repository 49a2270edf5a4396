package edit

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// refused fails the people whose changed objects layer 1 refuses, or VAP-6: the one rule of admission that speaks of what
// edit changes and that the engine cannot repeat, because it keeps no state of objects before a change. It reports whether
// anybody failed.
func (t *trial) refused(changed []Change) bool {
	news := false
	for i, why := range t.Refuse(changed) {
		if why == "" {
			why = t.disabled(changed[i])
		}
		if why == "" {
			continue
		}
		for _, name := range changed[i].People {
			news = t.fail(name, why) || news
		}
	}
	return news
}

func (t *trial) disabled(c Change) string {
	g, ok := c.Before.(*rollcallv1.UserGroup)
	if !ok || g.Spec.State != rollcallv1.SwitchDisabled || *t.Before.Roster.Policies(nil).DisabledGroupEdit != rollcallv1.DisabledGroupEditDeny {
		return ""
	}
	return fmt.Sprintf("VAP-6: UserGroup %s is Disabled and policies.disabledGroupEdit is Deny; set its spec.state to Enabled first, in a change of its own", g.Name)
}

// judged fails the people against whose changes the engine has something, and reports whether there were any.
func (t *trial) judged(after *engine.Engine) bool {
	news := false
	for _, name := range t.standing() {
		if why := t.complaint(after, name); why != "" {
			news = t.fail(name, why) || news
		}
	}
	return news
}

func (t *trial) complaint(after *engine.Engine, name string) string {
	dr := t.drafts[name]
	if why := t.membershipComplaint(after, dr); why != "" {
		return why
	}
	before, now := t.Before.Lint.Teammate(name).Conditions, after.Lint.Teammate(name).Conditions
	for _, kind := range judgedConditions {
		was, is := find(before, kind), find(now, kind)
		if is == nil || is.Status != metav1.ConditionFalse {
			continue
		}
		// What was wrong before in the same way is the fault of this edit only if it changes the field that is wrong.
		if was != nil && was.Status == metav1.ConditionFalse && was.Reason == is.Reason && !dr.persists(is.Reason, t.Before, after) {
			continue
		}
		return is.Reason + ": " + is.Message
	}
	return ""
}

// judgedConditions are those that make an edit fail when they turn abnormal by it. The others speak of data to complete.
var judgedConditions = []string{
	rollcallv1.ConditionRoleAllowed, rollcallv1.ConditionKeysUnique, rollcallv1.ConditionReferencesResolved, rollcallv1.ConditionTeamLeaderResolved,
	rollcallv1.ConditionChatLimitInRange, rollcallv1.ConditionQueueLimitRespected, rollcallv1.ConditionPolicyCompliant,
}

// spokenOf is the field that a reason is about. Reasons that are not here are about other fields, or about several.
var spokenOf = map[string]func(s *rollcallv1.TeammateSpec) any{
	rollcallv1.ReasonOwnerNotTenantAdmin: func(s *rollcallv1.TeammateSpec) any { return s.AccountRoleRef },
	rollcallv1.ReasonBaseTypeNotAllowed:  func(s *rollcallv1.TeammateSpec) any { return s.AccountRoleRef },
	rollcallv1.ReasonDuplicateKey:        func(s *rollcallv1.TeammateSpec) any { return s.Extension },
	rollcallv1.ReasonClamped:             func(s *rollcallv1.TeammateSpec) any { return s.MaxChats },
	rollcallv1.ReasonBlockDuration:       func(s *rollcallv1.TeammateSpec) any { return s.Lifecycle },
	rollcallv1.ReasonArchiveIrreversible: func(s *rollcallv1.TeammateSpec) any { return s.Lifecycle },
	rollcallv1.ReasonCampaignNotReleased: func(s *rollcallv1.TeammateSpec) any { return s.Assignment },
	rollcallv1.ReasonNotALeader:          func(s *rollcallv1.TeammateSpec) any { return s.TeamLeaderRef },
	rollcallv1.ReasonLeaderArchived:      func(s *rollcallv1.TeammateSpec) any { return s.TeamLeaderRef },
	rollcallv1.ReasonLeaderCycle:         func(s *rollcallv1.TeammateSpec) any { return s.TeamLeaderRef },
	rollcallv1.ReasonUnresolved:          func(s *rollcallv1.TeammateSpec) any { return s.TeamLeaderRef },
}

// persists reports whether an edit leaves something as wrong as it was although it changes the very field.
func (d *draft) persists(reason string, before, after *engine.Engine) bool {
	if reason == rollcallv1.ReasonQueueLimitExceeded {
		// Fewer queues than before are an improvement, as long as the direct ones are within the limit (VAP-9).
		was, is := before.Roster.Assignment(nil, d.before.Name), after.Roster.Assignment(nil, d.before.Name)
		most := int(*after.Roster.Policies(nil).Assignment.MaxQueues)
		return d.changes(func(s *rollcallv1.TeammateSpec) any { return s.Assignment }) && len(d.after.Spec.Assignment.Queues) > most || len(is.Cut) > len(was.Cut)
	}
	of, known := spokenOf[reason]
	return known && d.changes(of)
}

func (d *draft) changes(of func(*rollcallv1.TeammateSpec) any) bool {
	return !equality.Semantic.DeepEqual(of(&d.before.Spec), of(&d.after.Spec))
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	i := slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &conditions[i]
}

// membershipComplaint says which group does not accept the person, or still has them.
func (t *trial) membershipComplaint(after *engine.Engine, dr *draft) string {
	name := dr.before.Name
	now := after.Roster.Memberships(nil, name)
	for _, group := range dr.joins {
		for _, r := range now.Rejected {
			if r.Group != group || r.Yields {
				continue
			}
			why := fmt.Sprintf("%s: UserGroup/%s does not accept them", r.Reason, group)
			if r.Reason == rollcallv1.ReasonExclusiveConflict {
				why += fmt.Sprintf(" while they are in UserGroup/%s; expected --move-to-group, or --until for a temporary cover", now.Exclusive)
			}
			return why
		}
	}
	for _, group := range dr.leaves {
		if m := now.Of(group); m != nil {
			return fmt.Sprintf("still a member of UserGroup/%s by %s; change what makes them one", group, ways(m))
		}
	}
	return ""
}

// remarks say what else comes of somebody's changes that nobody asked for.
func (t *trial) remarks(after *engine.Engine, name string) []string {
	dr := t.drafts[name]
	var out []string
	was, now := t.Before.Roster.Memberships(nil, name), after.Roster.Memberships(nil, name)
	for _, m := range now.Accepted {
		if dr.moved != "" && m.Group != dr.moved && m.Sources[0].Rank != roster.RankInclude {
			out = append(out, fmt.Sprintf("still a member of UserGroup/%s by %s", m.Group, ways(&m)))
		}
	}
	for _, r := range now.Rejected {
		if !r.Yields && !slices.Contains(was.Rejected, r) {
			out = append(out, fmt.Sprintf("UserGroup/%s does not accept them (%s)", r.Group, r.Reason))
		}
	}
	archived := dr.before.Spec.Lifecycle.State != rollcallv1.LifecycleStateArchived && dr.after.Spec.Lifecycle.State == rollcallv1.LifecycleStateArchived
	if reports := t.Before.Roster.Reports(nil, name); archived && len(reports) > 0 {
		out = append(out, "team leader of "+strings.Join(reports[:min(len(reports), maxNamed)], ", ")+more(len(reports)))
	}
	return out
}

const maxNamed = 10

func more(n int) string {
	if n <= maxNamed {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-maxNamed)
}
