package mention_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/mention"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var monday = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// TestStatusIsTheHomeOfTheState: whatever was decided comes back from the status as the API server stores it.
func TestStatusIsTheHomeOfTheState(t *testing.T) {
	instants := rapid.Custom(func(rt *rapid.T) *time.Time {
		if rapid.Bool().Draw(rt, "never") {
			return nil
		}
		return new(monday.Add(time.Duration(rapid.IntRange(0, 99).Draw(rt, "minutes")) * time.Minute))
	})
	rapid.Check(t, func(rt *rapid.T) {
		s := &mention.State{
			Phase: rapid.SampledFrom([]rollcallv1.MentionPhase{
				rollcallv1.MentionPhasePending, rollcallv1.MentionPhaseResolved, rollcallv1.MentionPhaseExpired, rollcallv1.MentionPhaseRejected, rollcallv1.MentionPhaseNotified,
			}).Draw(rt, "phase"),
			AcceptedAt: monday, ResolvedAt: instants.Draw(rt, "resolved"), ExpiresAt: instants.Draw(rt, "expires"),
			ResolvedBy: rapid.SampledFrom([]string{"", "ana"}).Draw(rt, "by"),
		}
		for i := range rapid.IntRange(0, 3).Draw(rt, "alerts") {
			s.Alerts = append(s.Alerts, mention.Alert{
				Name: fmt.Sprintf("t%d", i), Via: rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}}).Draw(rt, "via"), Direct: rapid.Bool().Draw(rt, "direct"),
				State: rapid.SampledFrom([]rollcallv1.AlertState{
					rollcallv1.AlertStatePending, rollcallv1.AlertStateSuspended, rollcallv1.AlertStateResolved, rollcallv1.AlertStateClosed,
				}).Draw(rt, "state"),
			})
		}
		switch s.Phase {
		case rollcallv1.MentionPhaseRejected:
			s.Reason = rollcallv1.ReasonTooManyRecipients
			s.Rejected = []rollcallv1.MentionRejection{{Name: "g", Reason: rollcallv1.ReasonDisabled}}
		case rollcallv1.MentionPhaseNotified:
		default:
			s.Closed = rapid.Bool().Draw(rt, "closed")
		}
		status := s.Status()
		if s.Reason != "" { // the writer of the status adds it
			status.Conditions = []metav1.Condition{{Type: rollcallv1.ConditionDelivered, Status: metav1.ConditionFalse, Reason: s.Reason}}
		}
		raw, err := json.Marshal(status)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		var stored rollcallv1.MentionStatus
		if err := json.Unmarshal(raw, &stored); err != nil {
			rt.Fatalf("%v", err)
		}
		if diff := cmp.Diff(s, mention.FromStatus(&stored)); diff != "" {
			rt.Fatalf("remembered (-decided +read):\n%s", diff)
		}
	})
}

// TestLostStatuses: what says nothing is no state, and what no operator would have written is read without harm.
func TestLostStatuses(t *testing.T) {
	at := new(metav1.NewTime(monday))
	for name, tc := range map[string]struct {
		status rollcallv1.MentionStatus
		want   *mention.State
	}{
		"nothing":          {status: rollcallv1.MentionStatus{}},
		"no phase":         {status: rollcallv1.MentionStatus{AcceptedAt: at}},
		"no instant":       {status: rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhasePending}},
		"only a condition": {status: rollcallv1.MentionStatus{Conditions: []metav1.Condition{{Type: rollcallv1.ConditionReady}}}},
		"a rejection without a reason": {
			status: rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhaseRejected, AcceptedAt: at},
			want:   &mention.State{Phase: rollcallv1.MentionPhaseRejected, AcceptedAt: monday, Reason: rollcallv1.ReasonNoRecipients},
		},
		"alerts in disorder": {
			status: rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhasePending, AcceptedAt: at, Alerts: []rollcallv1.MentionAlert{
				{Name: "b", State: rollcallv1.AlertStatePending}, {Name: "a", State: rollcallv1.AlertStateClosed}, {Name: "b", State: rollcallv1.AlertStatePending}}},
			want: &mention.State{Phase: rollcallv1.MentionPhasePending, AcceptedAt: monday, Alerts: []mention.Alert{
				{Name: "a", State: rollcallv1.AlertStateClosed}, {Name: "b", State: rollcallv1.AlertStatePending}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, mention.FromStatus(&tc.status)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// everybody has an open gate and may do everything.
type everybody struct{}

func (everybody) GateOpen(*incr.Task, string) bool           { return true }
func (everybody) MayMention(*incr.Task, string) bool         { return true }
func (everybody) ViewsAny(*incr.Task, string, []string) bool { return true }
func (everybody) Conversation(*incr.Task, string) []string   { return []string{"conversation.view"} }

// TestNothingIsDecidedBeforeCommit: what a mention would become while other values still move is not kept; what it becomes
// when they rest, is.
func TestNothingIsDecidedBeforeCommit(t *testing.T) {
	r := roster.New(monday)
	m := mention.New(r, everybody{})
	o := &rollcallv1.Mention{ObjectMeta: metav1.ObjectMeta{Name: "m"}, Spec: rollcallv1.MentionSpec{
		Conversation: &rollcallv1.MentionConversation{ExternalID: "c"}, Groups: []rollcallv1.ObjectRef{{Name: "g"}},
		Source: &rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeFlow},
	}}
	group := func(members ...string) *rollcallv1.UserGroup {
		g := &rollcallv1.UserGroup{ObjectMeta: metav1.ObjectMeta{Name: "g"}}
		for _, name := range members {
			g.Spec.Members = append(g.Spec.Members, rollcallv1.Member{Name: name})
		}
		return g
	}
	alerted := func() (out []string) {
		for _, a := range m.State(nil, "m").Alerts {
			out = append(out, a.Name+" "+string(a.State))
		}
		return out
	}
	apply := func(objects ...metav1.Object) {
		for _, o := range objects {
			r.Apply(roster.Change{Object: o})
		}
		r.Settle()
	}
	apply(&rollcallv1.Organization{ObjectMeta: metav1.ObjectMeta{Name: rollcallv1.OrganizationName}},
		&rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Name: "ana"}}, &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Name: "ben"}}, group("ana"), o)
	m.Watch(o, false)
	r.Settle()
	apply(group("ana", "ben")) // as part of the same change
	for m.Commit() {
		r.Settle()
	}
	if diff := cmp.Diff([]string{"ana Pending", "ben Pending"}, alerted()); diff != "" {
		t.Errorf("decided too early (-want +got):\n%s", diff)
	}
	apply(group("ben"))
	for m.Commit() {
		r.Settle()
	}
	if diff := cmp.Diff([]string{"ana Suspended", "ben Pending"}, alerted()); diff != "" {
		t.Errorf("decided again (-want +got):\n%s", diff)
	}
}
