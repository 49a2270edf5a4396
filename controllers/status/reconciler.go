// Package status writes the status of the inputs of an organization as package lint computes it. All kinds are written in
// the same way, so there is one reconciler; kinds.go says what is particular to each.
package status

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

// Kind is a kind of inputs: O is its object (a pointer), S its status, A the apply configuration of its status.
type Kind[O client.Object, S, A any] struct {
	// Name is the kind as in a manifest.
	Name string
	// Prototype is any object of the kind.
	Prototype O
	// Computed returns what the engine knows of an object, nil without one, and the status that it should have.
	Computed func(e *engine.Engine, name string) (O, S)
	// Live returns the status of an object.
	Live func(O) S
	// Parts are the fields of a status that every kind has.
	Parts func(*S) (observedGeneration *int64, conditions *[]metav1.Condition)
	// Declare is the apply configuration of an object with this status alone.
	Declare func(live O, status *A) runtime.ApplyConfiguration
}

// Add adds the controller of the kind to the manager.
func (k Kind[O, S, A]) Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named(strings.ToLower(k.Name)).For(k.Prototype).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconcile.AsReconciler(w.Client, &reconciler[O, S, A]{kind: k, line: line, writer: w}))
	if err != nil {
		return fmt.Errorf("adding the controller of %s: %w", k.Name, err)
	}
	return nil
}

// reconciler works on one object of a kind.
type reconciler[O client.Object, S, A any] struct {
	kind   Kind[O, S, A]
	line   *desk.Line
	writer *publish.Writer
}

// Reconcile makes the status of one object what it should be.
func (r *reconciler[O, S, A]) Reconcile(ctx context.Context, live O) (ctrl.Result, error) {
	var computed O
	var want S
	standing := r.line.Consult(client.ObjectKeyFromObject(live), func(e *engine.Engine) {
		computed, want = r.kind.Computed(e, live.GetName())
	})
	have, generation := r.kind.Live(live), live.GetGeneration()
	_, before := r.kind.Parts(&have)
	observed, conditions := r.kind.Parts(&want)
	switch publish.Verdict(standing, live, computed) {
	case publish.Nothing:
		return ctrl.Result{}, nil
	case publish.NoOrganization:
		want = have
		*conditions = publish.With(*before, publish.ReadyWithoutOrganization(), generation, r.writer.Now())
	case publish.Computed:
		*conditions = publish.Conditions(*before, *conditions, generation, r.writer.Now())
	}
	*observed = generation
	return ctrl.Result{}, publish.Status(ctx, r.writer, live, r.kind.Name, have, want, func(status *A) runtime.ApplyConfiguration {
		return r.kind.Declare(live, status)
	})
}
