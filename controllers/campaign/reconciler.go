// Package campaign writes the status of campaigns as package lint computes it. Whether what it names exists.
package campaign

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

// Reconciler works on one Campaign.
type Reconciler struct {
	Line   *desk.Line
	Writer *publish.Writer
}

// Add adds the controller to the manager.
func Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("campaign").For(&rollcallv1.Campaign{}).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconcile.AsReconciler(w.Client, &Reconciler{Line: line, Writer: w}))
	if err != nil {
		return fmt.Errorf("adding the controller campaign: %w", err)
	}
	return nil
}

// Reconcile makes the status of one object what it should be.
func (r *Reconciler) Reconcile(ctx context.Context, live *rollcallv1.Campaign) (ctrl.Result, error) {
	var computed *rollcallv1.Campaign
	var want rollcallv1.CampaignStatus
	standing := r.Line.Consult(client.ObjectKeyFromObject(live), func(e *engine.Engine) {
		computed, want = e.Roster.Campaign(nil, live.Name), e.Lint.Campaign(live.Name)
	})
	switch publish.Verdict(standing, live, computed) {
	case publish.Nothing:
		return ctrl.Result{}, nil
	case publish.NoOrganization:
		want = live.Status
		want.Conditions = publish.With(live.Status.Conditions, publish.ReadyWithoutOrganization(), live.Generation, r.Writer.Now())
	case publish.Computed:
		want.Conditions = publish.Conditions(live.Status.Conditions, want.Conditions, live.Generation, r.Writer.Now())
	}
	want.ObservedGeneration = live.Generation
	return ctrl.Result{}, r.report(ctx, live, want)
}

func (r *Reconciler) report(ctx context.Context, live *rollcallv1.Campaign, want rollcallv1.CampaignStatus) error {
	return publish.Status(ctx, r.Writer, live, roster.KindCampaign, live.Status, want,
		func(status *acrollcall.CampaignStatusApplyConfiguration) runtime.ApplyConfiguration {
			return acrollcall.Campaign(live.Name, live.Namespace).WithUID(live.UID).WithStatus(status)
		})
}
