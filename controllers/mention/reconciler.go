// Package mention writes the status of Mentions as the engine decided it, at once when one is made, and deletes those that
// came to their end long enough ago. The status is the home of what was decided: the engine reads it when it starts,
// and from then on it is put back whenever somebody edits it.
package mention

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Reconciler works on one Mention. It knows no clock but that of transition times: package roster has it look again when a
// mention expires or was kept long enough.
type Reconciler struct {
	Line   *desk.Line
	Writer *publish.Writer
}

// Add adds the controller to the manager.
func Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("mention").For(&rollcallv1.Mention{}).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconcile.AsReconciler(w.Client, &Reconciler{Line: line, Writer: w}))
	if err != nil {
		return fmt.Errorf("adding the controller mention: %w", err)
	}
	return nil
}

// input is what the engine says about one mention; object is nil if it knows none of that name.
type input struct {
	object *rollcallv1.Mention
	status rollcallv1.MentionStatus
	spent  bool
}

// Reconcile makes the status of one object what it should be, or deletes the object.
func (r *Reconciler) Reconcile(ctx context.Context, live *rollcallv1.Mention) (ctrl.Result, error) {
	var in input
	standing := r.Line.Consult(client.ObjectKeyFromObject(live), func(e *engine.Engine) {
		in = input{e.Roster.Mention(nil, live.Name), e.Mention(live.Name), e.Mentions.Spent(nil, live.Name)}
	})
	want := in.status
	switch publish.Verdict(standing, live, in.object) {
	case publish.Nothing:
		return ctrl.Result{}, nil
	case publish.NoOrganization:
		want = live.Status
		want.Conditions = publish.With(live.Status.Conditions, publish.ReadyWithoutOrganization(), live.Generation, r.Writer.Now())
	case publish.Computed:
		if in.spent {
			return ctrl.Result{}, r.Writer.Delete(ctx, roster.KindMention, live)
		}
		want.Conditions = publish.Conditions(live.Status.Conditions, want.Conditions, live.Generation, r.Writer.Now())
	}
	want.ObservedGeneration = live.Generation
	return ctrl.Result{}, r.report(ctx, live, want)
}

func (r *Reconciler) report(ctx context.Context, live *rollcallv1.Mention, want rollcallv1.MentionStatus) error {
	return publish.Status(ctx, r.Writer, live, roster.KindMention, live.Status, want,
		func(status *acrollcall.MentionStatusApplyConfiguration) runtime.ApplyConfiguration {
			return acrollcall.Mention(live.Name, live.Namespace).WithUID(live.UID).WithStatus(status)
		})
}
