package downstream

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/lint"
)

// conditionsOf are the conditions of a Downstream whose loop, or the lack of one, says this (API.md, 7).
func conditionsOf(s *syncer.Status, trouble error) []metav1.Condition {
	ready := fine(rollcallv1.ConditionReady, metav1.ConditionTrue)
	if trouble != nil {
		unreachable := metav1.Condition{
			Type: rollcallv1.ConditionReachable, Status: metav1.ConditionFalse, Reason: rollcallv1.ReasonConnectionFailed,
			Message: describe(trouble),
		}
		switch {
		case errors.Is(trouble, ErrNotOptedIn):
			unreachable.Reason = rollcallv1.ReasonSecretNotOptedIn
		case downstream.ClassOf(trouble) == downstream.Unauthorized:
			unreachable.Reason = rollcallv1.ReasonAuthenticationFailed
		}
		return []metav1.Condition{ready, unreachable, {
			Type: rollcallv1.ConditionSynced, Status: metav1.ConditionFalse, Reason: rollcallv1.ReasonIncomplete,
			Message: "nothing is sent while the system cannot be asked",
		}}
	}
	return []metav1.Condition{
		ready,
		good(rollcallv1.ConditionReachable, s.Reachable),
		good(rollcallv1.ConditionSynced, s.Synced),
		bad(rollcallv1.ConditionDrifted, s.Drifted),
		bad(rollcallv1.ConditionRemovalsHeld, s.RemovalsHeld),
	}
}

// describe returns class and code of an error: what the system said is never shown.
func describe(err error) string {
	if e, ok := errors.AsType[*downstream.Error](err); ok {
		return e.Error()
	}
	return string(downstream.ClassOf(err))
}

func fine(kind string, status metav1.ConditionStatus) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: lint.ReasonAsExpected}
}

// good is a condition that is True if all is well, bad one that is False then.
func good(kind string, s syncer.State) metav1.Condition {
	if s.OK {
		return fine(kind, metav1.ConditionTrue)
	}
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: s.Reason, Message: s.Message}
}

func bad(kind string, s syncer.State) metav1.Condition {
	if s.OK {
		return fine(kind, metav1.ConditionFalse)
	}
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: s.Reason, Message: s.Message}
}

// fill puts the numbers of a loop into a status.
func fill(out *rollcallv1.DownstreamStatus, s *syncer.Status) {
	out.Owned = nil
	for _, k := range downstream.Kinds {
		if n, carried := s.Owned[k]; carried {
			out.Owned = append(out.Owned, rollcallv1.OwnedRecords{Name: rollcallv1.RecordKind(k), Count: int32(n)}) //nolint:gosec // of an inventory
		}
	}
	out.Plan = &rollcallv1.DownstreamPlan{
		Creates: int32(s.Plan.Creates), Updates: int32(s.Plan.Updates), Removals: int32(s.Plan.Removals), Hash: s.PlanHash, //nolint:gosec // of an organization
	}
	out.Held = nil
	if s.HeldCount == 0 {
		return
	}
	out.Held = &rollcallv1.HeldRemovals{Count: int32(s.HeldCount), Hash: s.HeldHash} //nolint:gosec // of an inventory
	for _, h := range s.Held {
		out.Held.First = append(out.Held.First, fmt.Sprintf("%s/%s", h.ID.Kind, h.Name))
	}
	if !s.ApprovedAt.IsZero() {
		out.Held.ApprovedAt = new(metav1.NewTime(s.ApprovedAt.UTC().Truncate(1e9)))
	}
}

// sameNews reports whether nothing changed for which a status is written: numbers of owned records alone are none.
func sameNews(have, want rollcallv1.DownstreamStatus) bool {
	have.Owned, want.Owned = nil, nil
	return equality.Semantic.DeepEqual(have, want)
}

// news is an event.
type news struct{ level, reason, note string }

// newsOf returns what is to be told about a change of status: conditions that turned abnormal or back, holds and approvals.
func newsOf(have, want rollcallv1.DownstreamStatus) []news {
	var out []news
	normal := map[string]metav1.ConditionStatus{
		rollcallv1.ConditionReady: metav1.ConditionTrue, rollcallv1.ConditionReachable: metav1.ConditionTrue,
		rollcallv1.ConditionDrifted: metav1.ConditionFalse, rollcallv1.ConditionRemovalsHeld: metav1.ConditionFalse,
	}
	for _, c := range want.Conditions {
		well, told := normal[c.Type]
		if !told {
			continue
		}
		was := well
		for _, old := range have.Conditions {
			if old.Type == c.Type {
				was = old.Status
			}
		}
		switch {
		case c.Status != well && was == well:
			out = append(out, news{corev1.EventTypeWarning, c.Reason, strings.TrimSuffix(c.Type+": "+c.Message, ": ")})
		case c.Status == well && was != well:
			out = append(out, news{corev1.EventTypeNormal, c.Type, c.Type + " is as expected again"})
		}
	}
	if before, after := clashes(have), clashes(want); after && !before {
		out = append(out, news{corev1.EventTypeWarning, "Clash", "Synced: " + syncedMessage(want)})
	}
	return out
}

// clashes reports whether records that are not ours are in the way of some that are wanted.
func clashes(s rollcallv1.DownstreamStatus) bool {
	return strings.Contains(syncedMessage(s), syncer.NotOurs)
}

func syncedMessage(s rollcallv1.DownstreamStatus) string {
	for _, c := range s.Conditions {
		if c.Type == rollcallv1.ConditionSynced {
			return c.Message
		}
	}
	return ""
}
