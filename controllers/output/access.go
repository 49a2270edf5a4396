package output

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	acmeta "k8s.io/client-go/applyconfigurations/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Access says what each teammate may do: one object for each Teammate, of the same name.
var Access = Kind[*rollcallv1.EffectiveAccess, rollcallv1.EffectiveAccessStatus, acrollcall.EffectiveAccessStatusApplyConfiguration]{
	Name: "EffectiveAccess", New: func() *rollcallv1.EffectiveAccess { return &rollcallv1.EffectiveAccess{} },
	Computed: accessOf,
	Status:   func(o *rollcallv1.EffectiveAccess) *rollcallv1.EffectiveAccessStatus { return &o.Status },
	Conditions: func(s *rollcallv1.EffectiveAccessStatus) *[]metav1.Condition {
		return &s.Conditions
	},
	Declare: func(
		name, namespace string, labels map[string]string, owner *acmeta.OwnerReferenceApplyConfiguration,
		status *acrollcall.EffectiveAccessStatusApplyConfiguration,
	) runtime.ApplyConfiguration {
		return acrollcall.EffectiveAccess(name, namespace).WithLabels(labels).WithOwnerReferences(owner).WithStatus(status)
	},
}

func accessOf(e *engine.Engine, name string) *Result[*rollcallv1.EffectiveAccess] {
	teammate, want := e.Roster.Teammate(nil, name), e.EffectiveAccess(name)
	if teammate == nil || want == nil {
		return nil
	}
	return &Result[*rollcallv1.EffectiveAccess]{
		Want: want, Owner: publish.OwnedBy(roster.KindTeammate, teammate), Conditions: []metav1.Condition{ready()},
	}
}

// ready is the condition of every result: it exists, so it was computed and is in effect.
func ready() metav1.Condition {
	return metav1.Condition{Type: rollcallv1.ConditionReady, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}
}
