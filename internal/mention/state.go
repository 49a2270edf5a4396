package mention

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Alert is what a mention is for one person.
type Alert struct {
	Name string
	// Via are groups through which the alert came, sorted; at most five are kept.
	Via    []string
	Direct bool
	State  rollcallv1.AlertState
}

func (a *Alert) open() bool {
	return a.State == rollcallv1.AlertStatePending || a.State == rollcallv1.AlertStateSuspended
}

// State is what was decided about a mention. Phase, AcceptedAt and Alerts are what later decisions rest on; the rest
// records how it came to its end, and is remembered with them. A State is not changed once it was returned.
type State struct {
	Phase      rollcallv1.MentionPhase
	AcceptedAt time.Time
	// Alerts are sorted by name.
	Alerts []Alert
	// Rejected are at most fifty targets that were not accepted, sorted by name and reason.
	Rejected []rollcallv1.MentionRejection
	// Reason is why the phase is Rejected: a reason of Delivered.
	Reason string
	// Closed is set once a resolution closed the conversation.
	Closed bool
	// ResolvedBy is whose resolution settled the last open alert, ResolvedAt when the phase became Resolved.
	ResolvedBy string
	ResolvedAt *time.Time
	// ExpiresAt is when access ends, or ended; nil for never.
	ExpiresAt *time.Time
}

// Final reports whether the mention came to its end.
func (s *State) Final() bool { return s.Phase != rollcallv1.MentionPhasePending }

// EndedAt is when a final mention came to its end.
func (s *State) EndedAt() time.Time {
	switch {
	case s.Phase == rollcallv1.MentionPhaseResolved && s.ResolvedAt != nil:
		return *s.ResolvedAt
	case s.Phase == rollcallv1.MentionPhaseExpired && s.ExpiresAt != nil:
		return *s.ExpiresAt
	}
	return s.AcceptedAt
}

func (s *State) count(of func(*Alert) bool) int {
	n := 0
	for i := range s.Alerts {
		if of(&s.Alerts[i]) {
			n++
		}
	}
	return n
}

// Active returns how many people may act on the mention: those whose alert is Pending.
func (s *State) Active() int {
	return s.count(func(a *Alert) bool { return a.State == rollcallv1.AlertStatePending })
}

func (s *State) alert(name string) *Alert {
	i, found := slices.BinarySearchFunc(s.Alerts, name, func(a Alert, name string) int { return strings.Compare(a.Name, name) })
	if !found {
		return nil
	}
	return &s.Alerts[i]
}

// moved is a copy whose alerts may be changed. Lists inside alerts are shared: replace them.
func (s *State) moved() *State {
	next := *s
	next.Alerts = slices.Clone(s.Alerts)
	return &next
}

func same(a, b *State) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Phase == b.Phase && a.AcceptedAt.Equal(b.AcceptedAt) && a.Reason == b.Reason && a.Closed == b.Closed && a.ResolvedBy == b.ResolvedBy &&
		sameInstant(a.ResolvedAt, b.ResolvedAt) && sameInstant(a.ExpiresAt, b.ExpiresAt) && slices.Equal(a.Rejected, b.Rejected) &&
		slices.EqualFunc(a.Alerts, b.Alerts, func(x, y Alert) bool {
			return x.Name == y.Name && x.Direct == y.Direct && x.State == y.State && slices.Equal(x.Via, y.Via)
		})
}

func sameInstant(a, b *time.Time) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Equal(*b))
}

// Status returns the state as the Mention shows it, without conditions.
func (s *State) Status() rollcallv1.MentionStatus {
	out := rollcallv1.MentionStatus{
		Phase: s.Phase, AcceptedAt: new(metav1.NewTime(s.AcceptedAt)), Rejected: s.Rejected, ResolvedBy: s.ResolvedBy,
		ResolvedAt: stored(s.ResolvedAt), ExpiresAt: stored(s.ExpiresAt),
		AlertCount: int32(len(s.Alerts)), OpenCount: int32(s.count((*Alert).open)),
	}
	for _, a := range s.Alerts {
		out.Alerts = append(out.Alerts, rollcallv1.MentionAlert{Name: a.Name, Via: a.Via, Direct: a.Direct, State: a.State})
	}
	switch {
	case s.Phase == rollcallv1.MentionPhaseRejected || s.Phase == rollcallv1.MentionPhaseNotified:
	case s.Closed:
		out.ConversationStatus = rollcallv1.ConversationStatusClosed
	default:
		out.ConversationStatus = rollcallv1.ConversationStatusPending
	}
	return out
}

func stored(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return new(metav1.NewTime(*t))
}

// FromStatus returns what a status says was decided; nil if it says nothing, which is how a lost status looks.
func FromStatus(status *rollcallv1.MentionStatus) *State {
	if status.Phase == "" || status.AcceptedAt == nil {
		return nil
	}
	s := &State{
		Phase: status.Phase, AcceptedAt: status.AcceptedAt.UTC(), Rejected: status.Rejected, ResolvedBy: status.ResolvedBy,
		Closed:     status.ConversationStatus == rollcallv1.ConversationStatusClosed,
		ResolvedAt: instant(status.ResolvedAt), ExpiresAt: instant(status.ExpiresAt),
	}
	for _, a := range status.Alerts {
		s.Alerts = append(s.Alerts, Alert{Name: a.Name, Via: a.Via, Direct: a.Direct, State: a.State})
	}
	slices.SortFunc(s.Alerts, func(a, b Alert) int { return strings.Compare(a.Name, b.Name) })
	s.Alerts = slices.CompactFunc(s.Alerts, func(a, b Alert) bool { return a.Name == b.Name })
	if s.Phase == rollcallv1.MentionPhaseRejected {
		s.Reason = rollcallv1.ReasonNoRecipients
		for _, c := range status.Conditions {
			if c.Type == rollcallv1.ConditionDelivered {
				s.Reason = cmp.Or(c.Reason, s.Reason)
			}
		}
	}
	return s
}

func instant(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
