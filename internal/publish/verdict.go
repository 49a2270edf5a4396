package publish

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
)

// Saying is what is to be said about an input.
type Saying int

// Sayings of Verdict.
const (
	// Nothing: it is too early, or too late. Whatever ends that has the object looked at again.
	Nothing Saying = iota
	// NoOrganization: Ready=False/NoOrganization, and the rest of the status stays as it was.
	NoOrganization
	// Computed: the status that was computed.
	Computed
)

// Verdict decides what is to be said about the live input, given the object that the engine computed from, nil if it
// knows none. Another generation than the live one is not spoken of: its own computation is under way.
func Verdict(standing desk.Standing, live, computed client.Object) Saying {
	switch {
	case live.GetDeletionTimestamp() != nil:
		return Nothing
	case standing == desk.Absent:
		return NoOrganization
	case standing < desk.Suspended || reflect.ValueOf(computed).IsNil():
		return Nothing
	case computed.GetUID() != live.GetUID() || computed.GetGeneration() != live.GetGeneration():
		return Nothing
	}
	return Computed
}

// ReadyWithoutOrganization is the condition of inputs in a namespace without an Organization.
func ReadyWithoutOrganization() metav1.Condition {
	return metav1.Condition{
		Type: rollcallv1.ConditionReady, Status: metav1.ConditionFalse, Reason: rollcallv1.ReasonNoOrganization,
		Message: "the namespace has no Organization named default: nothing is computed, and what was published stays as it is",
	}
}
