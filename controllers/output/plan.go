package output

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	acmeta "k8s.io/client-go/applyconfigurations/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// Plans say who is offered the next conversation of a target: one object for each target that routes, named after it.
var Plans = Kind[*rollcallv1.RoutePlan, rollcallv1.RoutePlanStatus, acrollcall.RoutePlanStatusApplyConfiguration]{
	Name: "RoutePlan", New: func() *rollcallv1.RoutePlan { return &rollcallv1.RoutePlan{} },
	Computed:   planOf,
	Status:     func(o *rollcallv1.RoutePlan) *rollcallv1.RoutePlanStatus { return &o.Status },
	Conditions: func(s *rollcallv1.RoutePlanStatus) *[]metav1.Condition { return &s.Conditions },
	Declare: func(
		name, namespace string, labels map[string]string, owner *acmeta.OwnerReferenceApplyConfiguration,
		status *acrollcall.RoutePlanStatusApplyConfiguration,
	) runtime.ApplyConfiguration {
		return acrollcall.RoutePlan(name, namespace).WithLabels(labels).WithOwnerReferences(owner).WithStatus(status)
	},
}

func planOf(e *engine.Engine, name string) *Result[*rollcallv1.RoutePlan] {
	target, owner := targetOf(e, name)
	if owner == nil {
		return nil
	}
	want := e.RoutePlan(target)
	if want == nil {
		return nil
	}
	routable := metav1.Condition{Type: rollcallv1.ConditionRoutable, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}
	if reason, message := e.Lint.Routable(target); reason != "" {
		routable.Status, routable.Reason, routable.Message = metav1.ConditionFalse, reason, message
	}
	return &Result[*rollcallv1.RoutePlan]{
		Want: want, Owner: publish.OwnedBy(string(target.Kind), owner), Conditions: []metav1.Condition{ready(), routable},
	}
}

// targetOf finds the target of a plan by the plan's name; the object is nil if there is none.
func targetOf(e *engine.Engine, plan string) (routing.Target, metav1.Object) {
	prefix, name, _ := strings.Cut(plan, "-")
	switch prefix {
	case "department":
		if d := e.Roster.Department(nil, name); d != nil {
			return routing.Target{Kind: routing.KindDepartment, Name: name}, d
		}
	case "usergroup":
		if g := e.Roster.UserGroup(nil, name); g != nil {
			return routing.Target{Kind: routing.KindUserGroup, Name: name}, g
		}
	case "queue":
		if q := e.Roster.Queue(nil, name); q != nil {
			return routing.Target{Kind: routing.KindQueue, Name: name}, q
		}
	case "campaign":
		if c := e.Roster.Campaign(nil, name); c != nil {
			return routing.Target{Kind: routing.KindCampaign, Name: name}, c
		}
	}
	return routing.Target{}, nil
}
