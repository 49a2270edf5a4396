// Package effectiveaccess publishes what each teammate may do: one EffectiveAccess for each Teammate, written whole by one
// apply, put back when somebody edits or deletes it, and deleted with its owner.
package effectiveaccess

import (
	"context"
	"fmt"

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
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const kind = "EffectiveAccess"

// Reconciler works on one EffectiveAccess, which has the name of its Teammate.
type Reconciler struct {
	Line   *desk.Line
	Writer *publish.Writer
}

// Add adds the controller to the manager.
func Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("effectiveaccess").For(&rollcallv1.EffectiveAccess{}).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&Reconciler{Line: line, Writer: w})
	if err != nil {
		return fmt.Errorf("adding the controller effectiveaccess: %w", err)
	}
	return nil
}

// Reconcile makes one object what the engine says, or deletes it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	live := &rollcallv1.EffectiveAccess{}
	if err := r.Writer.Client.Get(ctx, req.NamespacedName, live); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, fmt.Errorf("reading %s: %w", kind, err)
		}
		live = nil
	}
	var want *rollcallv1.EffectiveAccess
	var owner *rollcallv1.Teammate
	standing := r.Line.Consult(req.NamespacedName, func(e *engine.Engine) {
		owner, want = e.Roster.Teammate(nil, req.Name), e.EffectiveAccess(req.Name)
	})
	switch {
	case standing != desk.Open:
		return ctrl.Result{}, nil
	case want == nil || owner == nil:
		if live == nil {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, r.Writer.Delete(ctx, kind, live)
	}
	return ctrl.Result{}, r.write(ctx, req, live, want, owner)
}

func (r *Reconciler) write(ctx context.Context, req ctrl.Request, live, want *rollcallv1.EffectiveAccess, owner *rollcallv1.Teammate) error {
	out := publish.Output{Kind: kind, Labels: want.Labels, Owner: publish.OwnedBy(roster.KindTeammate, owner)}
	var have []metav1.Condition
	if live != nil {
		out.Live, out.Status, have = live, live.Status, live.Status.Conditions
	}
	status := want.Status
	status.Conditions = publish.Conditions(have, conditions(), 0, r.Writer.Now())
	out.Want = status
	out.Declare = func() (runtime.ApplyConfiguration, error) {
		declared, err := publish.Declare[acrollcall.EffectiveAccessStatusApplyConfiguration](status)
		if err != nil {
			return nil, err
		}
		return acrollcall.EffectiveAccess(req.Name, req.Namespace).WithLabels(out.Labels).
			WithOwnerReferences(publish.DeclareOwner(out.Owner)).WithStatus(declared), nil
	}
	return r.Writer.Write(ctx, out)
}

// conditions of a result: it exists, so it was computed and is in effect.
func conditions() []metav1.Condition {
	return []metav1.Condition{{Type: rollcallv1.ConditionReady, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}}
}
