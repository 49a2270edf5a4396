package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

// Options are what the controller works with.
type Options struct {
	Desks    *desk.Desks
	Lines    Lines
	Writer   *publish.Writer
	Recorder events.EventRecorder
	// Now is the clock of everything that depends on time.
	Now func() time.Time
	// Wake, if set, names namespaces to look at again: for clocks that are set by hand.
	Wake <-chan event.TypedGenericEvent[string]
	// Workers is how many namespaces are worked on at once.
	Workers int
	// Follower is told what the engines take in; nil: nobody is.
	Follower Follower
	// Reports are what connected systems say of people; nil: nothing.
	Reports *desk.Reports
}

// Add adds the controller to the manager and returns the check of its readiness.
func Add(ctx context.Context, mgr ctrl.Manager, o Options) (func(*http.Request) error, error) {
	s, err := newStore(ctx, mgr.GetCache())
	if err != nil {
		return nil, err
	}
	r := &Reconciler{
		desks: o.Desks, lines: o.Lines, client: mgr.GetClient(), writer: o.Writer, recorder: o.Recorder, now: o.Now,
		changes: newChanges(), store: s, rooms: map[string]*room{}, follower: o.Follower, reports: o.Reports,
	}
	b := builder.TypedControllerManagedBy[string](mgr).Named("roster").
		WithOptions(controller.TypedOptions[string]{MaxConcurrentReconciles: o.Workers}).
		WithLogConstructor(func(namespace *string) logr.Logger {
			log := mgr.GetLogger().WithValues("controller", "roster")
			if namespace != nil {
				log = log.WithValues("namespace", *namespace)
			}
			return log
		})
	for _, src := range r.sources(mgr.GetCache()) {
		b = b.WatchesRawSource(src)
	}
	if o.Reports != nil {
		b = b.WatchesRawSource(o.Reports)
	}
	if o.Wake != nil {
		b = b.WatchesRawSource(source.TypedChannel(o.Wake, handler.TypedFuncs[string, string]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[string], q workqueue.TypedRateLimitingInterface[string]) {
				q.Add(e.Object)
			},
		}))
	}
	if err := b.Complete(r); err != nil {
		return nil, fmt.Errorf("adding the controller roster: %w", err)
	}
	ready := &readiness{cache: mgr.GetCache(), store: s, desks: o.Desks, elected: mgr.Elected()}
	if err := mgr.Add(ready); err != nil {
		return nil, fmt.Errorf("adding the readiness of the controller roster: %w", err)
	}
	return ready.check, nil
}

// sources are the watches of all kinds. Of inputs only what the engine reads counts, not their status.
func (r *Reconciler) sources(c cache.Cache) []source.TypedSource[string] {
	return []source.TypedSource[string]{
		watch(r.changes, c, &rollcallv1.Organization{}, readByEngine[*rollcallv1.Organization]()),
		watch(r.changes, c, &rollcallv1.Schedule{}, readByEngine[*rollcallv1.Schedule]()),
		watch(r.changes, c, &rollcallv1.AccountRole{}, readByEngine[*rollcallv1.AccountRole]()),
		watch(r.changes, c, &rollcallv1.ProfileRole{}, readByEngine[*rollcallv1.ProfileRole]()),
		watch(r.changes, c, &rollcallv1.Profile{}, readByEngine[*rollcallv1.Profile]()),
		watch(r.changes, c, &rollcallv1.Teammate{}, readByEngine[*rollcallv1.Teammate]()),
		watch(r.changes, c, &rollcallv1.UserGroup{}, readByEngine[*rollcallv1.UserGroup]()),
		watch(r.changes, c, &rollcallv1.Department{}, readByEngine[*rollcallv1.Department]()),
		watch(r.changes, c, &rollcallv1.Queue{}, readByEngine[*rollcallv1.Queue]()),
		watch(r.changes, c, &rollcallv1.Campaign{}, readByEngine[*rollcallv1.Campaign]()),
		watch(r.changes, c, &rollcallv1.Mention{}, readByEngine[*rollcallv1.Mention]()),
		watch(r.changes, c, &rollcallv1.InboundAutomation{}, readByEngine[*rollcallv1.InboundAutomation]()),
		watch(r.changes, c, &rollcallv1.Ledger{}),
		discover(r.desks, c, &rollcallv1.Downstream{}),
		discover(r.desks, c, &rollcallv1.EffectiveAccess{}),
		discover(r.desks, c, &rollcallv1.RoutePlan{}),
	}
}

// discover has a namespace looked at that has objects of a kind which the engine does not read, and nothing else that makes it known:
// they would wait for an answer for ever.
func discover[T client.Object](desks *desk.Desks, from cache.Cache, object T) source.TypedSource[string] {
	type queue = workqueue.TypedRateLimitingInterface[string]
	look := func(o T, q queue) {
		if s := desks.Standing(o.GetNamespace()); s == desk.Unknown || s == desk.Absent {
			q.Add(o.GetNamespace())
		}
	}
	return source.TypedKind(from, object, handler.TypedFuncs[T, string]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[T], q queue) { look(e.Object, q) },
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[T], q queue) { look(e.Object, q) },
	})
}

// readByEngine lets through what can change a result: an object that came, went or was replaced, and edits of spec,
// labels and annotations.
func readByEngine[T client.Object]() predicate.TypedPredicate[T] {
	return predicate.TypedFuncs[T]{UpdateFunc: func(e event.TypedUpdateEvent[T]) bool {
		a, b := metav1.Object(e.ObjectOld), metav1.Object(e.ObjectNew)
		return a.GetUID() != b.GetUID() || a.GetGeneration() != b.GetGeneration() ||
			!maps.Equal(a.GetLabels(), b.GetLabels()) || !maps.Equal(a.GetAnnotations(), b.GetAnnotations())
	}}
}

// watch notes which objects of a kind changed, and has their namespace looked at.
func watch[T client.Object](c *changes, from cache.Cache, object T, predicates ...predicate.TypedPredicate[T]) source.TypedSource[string] {
	note := func(o T, q workqueue.TypedRateLimitingInterface[string]) {
		name := lint.ObjectOf(o)
		if name.Kind == "" {
			name.Kind = kindLedger
		}
		c.add(o.GetNamespace(), name)
		q.Add(o.GetNamespace())
	}
	type queue = workqueue.TypedRateLimitingInterface[string]
	return source.TypedKind(from, object, handler.TypedFuncs[T, string]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[T], q queue) { note(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[T], q queue) { note(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[T], q queue) { note(e.Object, q) },
	}, predicates...)
}

// readiness is what /readyz asks: a replica that waits for the lease is ready with its caches, so that it can be rolled
// out; the leader only when everything was computed once.
type readiness struct {
	cache   cache.Cache
	store   store
	desks   *desk.Desks
	elected <-chan struct{}

	synced, computed atomic.Bool
}

// Start waits for the caches.
func (r *readiness) Start(ctx context.Context) error {
	if r.cache.WaitForCacheSync(ctx) {
		r.synced.Store(true)
	}
	return nil
}

// NeedLeaderElection is false: a waiting replica has caches too.
func (r *readiness) NeedLeaderElection() bool { return false }

func (r *readiness) check(*http.Request) error {
	if r.computed.Load() {
		return nil
	}
	if !r.synced.Load() {
		return errors.New("the caches are not filled yet")
	}
	select {
	case <-r.elected:
	default:
		return nil
	}
	for namespace := range r.store.namespaces() {
		if r.desks.Standing(namespace) == desk.Unknown {
			return fmt.Errorf("the organization of namespace %s is not computed yet", namespace)
		}
	}
	r.computed.Store(true)
	return nil
}
