// Package routeplan publishes who is offered the next conversation of a target: one RoutePlan for each Department and each
// dialing UserGroup, written whole by one apply, put back when somebody edits or deletes it, and deleted with its target
// or when the target routes nothing any more.
package routeplan

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

const kind = "RoutePlan"

// Reconciler works on one RoutePlan, named after its target.
type Reconciler struct {
	Line   *desk.Line
	Writer *publish.Writer
}

// Add adds the controller to the manager.
func Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("routeplan").For(&rollcallv1.RoutePlan{}).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&Reconciler{Line: line, Writer: w})
	if err != nil {
		return fmt.Errorf("adding the controller routeplan: %w", err)
	}
	return nil
}

// input is what the engine says about one plan: want is nil if there must not be any.
type input struct {
	want            *rollcallv1.RoutePlan
	owner           metav1.Object
	target          routing.Target
	reason, message string // why it routes to nobody, "" if it does
}

// Reconcile makes one object what the engine says, or deletes it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	live := &rollcallv1.RoutePlan{}
	if err := r.Writer.Client.Get(ctx, req.NamespacedName, live); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, fmt.Errorf("reading %s: %w", kind, err)
		}
		live = nil
	}
	var in input
	standing := r.Line.Consult(req.NamespacedName, func(e *engine.Engine) { in = gather(e, req.Name) })
	switch {
	case standing != desk.Open:
		return ctrl.Result{}, nil
	case in.want == nil:
		if live == nil {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, r.Writer.Delete(ctx, kind, live)
	}
	return ctrl.Result{}, r.write(ctx, req, live, in)
}

func gather(e *engine.Engine, name string) input {
	var in input
	prefix, rest, _ := strings.Cut(name, "-")
	switch prefix {
	case "department":
		if d := e.Roster.Department(nil, rest); d != nil {
			in.owner, in.target = d, routing.Target{Kind: routing.KindDepartment, Name: rest}
		}
	case "usergroup":
		if g := e.Roster.UserGroup(nil, rest); g != nil {
			in.owner, in.target = g, routing.Target{Kind: routing.KindUserGroup, Name: rest}
		}
	case "queue":
		if q := e.Roster.Queue(nil, rest); q != nil {
			in.owner, in.target = q, routing.Target{Kind: routing.KindQueue, Name: rest}
		}
	case "campaign":
		if c := e.Roster.Campaign(nil, rest); c != nil {
			in.owner, in.target = c, routing.Target{Kind: routing.KindCampaign, Name: rest}
		}
	}
	if in.owner == nil {
		return in
	}
	if in.want = e.RoutePlan(in.target); in.want != nil {
		in.reason, in.message = e.Lint.Routable(in.target)
	}
	return in
}

func (r *Reconciler) write(ctx context.Context, req ctrl.Request, live *rollcallv1.RoutePlan, in input) error {
	out := publish.Output{Kind: kind, Labels: in.want.Labels, Owner: publish.OwnedBy(string(in.target.Kind), in.owner)}
	var have []metav1.Condition
	if live != nil {
		out.Live, out.Status, have = live, live.Status, live.Status.Conditions
	}
	status := in.want.Status
	status.Conditions = publish.Conditions(have, conditions(in.reason, in.message), 0, r.Writer.Now())
	out.Want = status
	out.Declare = func() (runtime.ApplyConfiguration, error) {
		declared, err := publish.Declare[acrollcall.RoutePlanStatusApplyConfiguration](status)
		if err != nil {
			return nil, err
		}
		return acrollcall.RoutePlan(req.Name, req.Namespace).WithLabels(out.Labels).
			WithOwnerReferences(publish.DeclareOwner(out.Owner)).WithStatus(declared), nil
	}
	return r.Writer.Write(ctx, out)
}

// conditions of a plan: it exists, so it was computed; whether it leads to anybody is another matter.
func conditions(reason, message string) []metav1.Condition {
	routable := metav1.Condition{Type: rollcallv1.ConditionRoutable, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}
	if reason != "" {
		routable.Status, routable.Reason, routable.Message = metav1.ConditionFalse, reason, message
	}
	return []metav1.Condition{{Type: rollcallv1.ConditionReady, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}, routable}
}
