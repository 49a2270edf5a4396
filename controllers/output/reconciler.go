// Package output publishes what was computed: EffectiveAccess and RoutePlan objects, written whole by one apply, put back when
// somebody edits or deletes them, and deleted with what they are about. Both are published in the same way, so there is one
// reconciler; access.go and plan.go say what is particular to each.
package output

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	acmeta "k8s.io/client-go/applyconfigurations/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

// Kind is a kind of outputs: O is its object (a pointer), S its status, A the apply configuration of its status.
type Kind[O client.Object, S, A any] struct {
	// Name is the kind as in a manifest.
	Name string
	// New returns an empty object.
	New func() O
	// Computed returns what the engine says of an object; nil if there must not be one.
	Computed func(e *engine.Engine, name string) *Result[O]
	// Status returns the status of an object.
	Status func(O) *S
	// Conditions are those in a status.
	Conditions func(*S) *[]metav1.Condition
	// Declare is the apply configuration of a whole object.
	Declare func(name, namespace string, labels map[string]string, owner *acmeta.OwnerReferenceApplyConfiguration, status *A) runtime.ApplyConfiguration
}

// Result is one object as it should be.
type Result[O client.Object] struct {
	Want  O
	Owner metav1.OwnerReference
	// Conditions are without times; those of the object that is there count for the rest.
	Conditions []metav1.Condition
}

// Add adds the controller of the kind to the manager.
func (k Kind[O, S, A]) Add(mgr ctrl.Manager, line *desk.Line, w *publish.Writer, workers int) error {
	err := ctrl.NewControllerManagedBy(mgr).Named(strings.ToLower(k.Name)).For(k.New()).WatchesRawSource(line).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler[O, S, A]{kind: k, line: line, writer: w})
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

// Reconcile makes one object what the engine says, or deletes it.
func (r *reconciler[O, S, A]) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	live := r.kind.New()
	err := r.writer.Client.Get(ctx, req.NamespacedName, live)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("reading %s: %w", r.kind.Name, err)
	}
	exists := err == nil
	var result *Result[O]
	standing := r.line.Consult(req.NamespacedName, func(e *engine.Engine) { result = r.kind.Computed(e, req.Name) })
	switch {
	case standing != desk.Open:
		return ctrl.Result{}, nil
	case result != nil:
		return ctrl.Result{}, r.write(ctx, req, live, exists, result)
	case exists:
		return ctrl.Result{}, r.writer.Delete(ctx, r.kind.Name, live)
	}
	return ctrl.Result{}, nil
}

func (r *reconciler[O, S, A]) write(ctx context.Context, req ctrl.Request, live O, exists bool, result *Result[O]) error {
	out := publish.Output{Kind: r.kind.Name, Labels: result.Want.GetLabels(), Owner: result.Owner}
	var have []metav1.Condition
	if exists {
		status := r.kind.Status(live)
		out.Live, out.Status, have = live, *status, *r.kind.Conditions(status)
	}
	status := *r.kind.Status(result.Want)
	*r.kind.Conditions(&status) = publish.Conditions(have, result.Conditions, 0, r.writer.Now())
	out.Want = status
	out.Declare = func() (runtime.ApplyConfiguration, error) {
		declared, err := publish.Declare[A](status)
		if err != nil {
			return nil, err
		}
		return r.kind.Declare(req.Name, req.Namespace, out.Labels, publish.DeclareOwner(out.Owner), declared), nil
	}
	return r.writer.Write(ctx, out)
}
