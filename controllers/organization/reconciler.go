// Package organization writes the status of the Organization as package lint computes it, resolved policies among it, and
// the counts of the namespace, which alone never cause more than one write in ten seconds.
package organization

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// countsEvery is how often counts are written at most, if nothing else of the status changes.
const countsEvery = 10 * time.Second

// Reconciler works on one Organization.
type Reconciler struct {
	Line   *desk.Line
	Writer *publish.Writer

	mu      sync.Mutex
	counted map[client.ObjectKey]time.Time // when counts were written last
}

// Add adds the controller to the manager.
func Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("organization").For(&rollcallv1.Organization{}).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconcile.AsReconciler(w.Client, &Reconciler{Line: line, Writer: w, counted: map[client.ObjectKey]time.Time{}}))
	if err != nil {
		return fmt.Errorf("adding the controller organization: %w", err)
	}
	return nil
}

// Reconcile makes the status of one object what it should be. Without an Organization there is none to write on.
func (r *Reconciler) Reconcile(ctx context.Context, live *rollcallv1.Organization) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(live)
	var computed *rollcallv1.Organization
	var want rollcallv1.OrganizationStatus
	standing := r.Line.Consult(key, func(e *engine.Engine) {
		computed, want = e.Roster.Organization(nil), e.Lint.Organization()
		want.Counts = new(e.Counts())
	})
	now := r.Writer.Now()
	if standing == desk.Failed && live.DeletionTimestamp == nil {
		want = live.Status
		want.Conditions = publish.With(live.Status.Conditions, failed(), live.Generation, now)
		return ctrl.Result{}, r.report(ctx, live, want)
	}
	if publish.Verdict(standing, live, computed) != publish.Computed {
		return ctrl.Result{}, nil
	}
	want.Conditions = publish.Conditions(live.Status.Conditions, want.Conditions, live.Generation, now)
	want.ObservedGeneration = live.Generation
	if wait := r.untilCounts(key, now); wait > 0 && onlyCountsDiffer(live.Status, want) {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	if equality.Semantic.DeepEqual(live.Status, want) {
		return ctrl.Result{}, nil
	}
	if err := r.report(ctx, live, want); err != nil {
		return ctrl.Result{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counted[key] = now
	return ctrl.Result{}, nil
}

// failed is the condition while computing fails: for us to mend, not for whoever wrote the manifests.
func failed() metav1.Condition {
	return metav1.Condition{
		Type: rollcallv1.ConditionReady, Status: metav1.ConditionFalse, Reason: rollcallv1.ReasonInternalError,
		Message: "the operator failed on this organization and tries again; what was published stays as it is. Its log says more",
	}
}

// untilCounts is how long counts alone must wait.
func (r *Reconciler) untilCounts(key client.ObjectKey, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.counted[key]
	if !ok {
		return 0
	}
	return last.Add(countsEvery).Sub(now)
}

func onlyCountsDiffer(have, want rollcallv1.OrganizationStatus) bool {
	if equality.Semantic.DeepEqual(have.Counts, want.Counts) {
		return false
	}
	have.Counts, want.Counts = nil, nil
	return equality.Semantic.DeepEqual(have, want)
}

func (r *Reconciler) report(ctx context.Context, live *rollcallv1.Organization, want rollcallv1.OrganizationStatus) error {
	return publish.Status(ctx, r.Writer, live, roster.KindOrganization, live.Status, want,
		func(status *acrollcall.OrganizationStatusApplyConfiguration) runtime.ApplyConfiguration {
			return acrollcall.Organization(live.Name, live.Namespace).WithUID(live.UID).WithStatus(status)
		})
}
