// Package downstream keeps connected systems in step: for each Downstream it runs a loop of package syncer with the driver
// of its system, fed from the records of the namespace, which follow the engine change by change. It reads the Secret before
// every connection, keeps the inventory in the Ledger, writes the status as the loop reports it, and decides when the
// finalizer of a deleted Downstream goes. Which drivers there are is the matter of whoever adds the controller.
package downstream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Opening is what a driver is made with.
type Opening struct {
	// Namespace is that of the Downstream, and Spec its spec as far as it is about the connection.
	Namespace string
	Spec      *rollcallv1.DownstreamSpec
	// Secret is the data of the Secret, nil for a Downstream without; AllowPlaintext is its annotation.
	Secret         map[string][]byte
	AllowPlaintext bool
	// Dial is the only way to make connections.
	Dial    Dial
	Options downstream.Options
}

// Open makes a driver without speaking to anybody. An error that is ErrNotOptedIn says that the Secret does not permit what
// it asks for itself.
type Open func(ctx context.Context, o Opening) (downstream.Driver, error)

// Options are what the controller works with.
type Options struct {
	Desks    *desk.Desks
	Line     *desk.Line
	Rooms    *Rooms
	Writer   *publish.Writer
	Recorder events.EventRecorder
	Now      func() time.Time
	// Drivers are the kinds of systems that this version can speak to.
	Drivers map[rollcallv1.Driver]Open
	Dial    Dial
	// Reports take what systems say of people.
	Reports *desk.Reports
	Workers int
}

// lastWords is how long loops may take to end when the manager stops.
const lastWords = 15 * time.Second

// Reconciler works on Downstreams.
type Reconciler struct {
	Options
	reader  client.Reader // without a cache
	buckets *syncer.Buckets
	ctx     context.Context // of all loops
	cancel  context.CancelFunc
	log     logr.Logger

	mu      sync.Mutex
	workers map[types.NamespacedName]*worker
	lost    map[types.NamespacedName]struct{} // whose inventory, or a part of it, was deleted
}

// Add adds the controller to the manager. Loops run where this replica leads, and end with the manager.
func Add(ctx context.Context, mgr ctrl.Manager, o Options) error {
	r := &Reconciler{
		Options: o, reader: mgr.GetAPIReader(), buckets: syncer.NewBuckets(),
		log: mgr.GetLogger().WithValues("controller", "downstream"), workers: map[types.NamespacedName]*worker{}, lost: map[types.NamespacedName]struct{}{},
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	err := ctrl.NewControllerManagedBy(mgr).Named("downstream").For(&rollcallv1.Downstream{}).WatchesRawSource(o.Line).
		Watches(&rollcallv1.Ledger{}, handler.Funcs{DeleteFunc: r.ledgerDeleted}).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Workers}).Complete(r)
	if err == nil {
		err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
			<-ctx.Done()
			r.cancel()
			r.wait()
			return nil
		}))
	}
	if err != nil {
		r.cancel()
		return fmt.Errorf("adding the controller downstream: %w", err)
	}
	return nil
}

// wait waits for all loops to end, but not for ever for a system that hangs.
func (r *Reconciler) wait() {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	r.mu.Lock()
	workers := slices.Collect(maps.Values(r.workers))
	r.mu.Unlock()
	for _, w := range workers {
		select {
		case <-w.done:
		case <-timer.C:
			return
		}
	}
}

// ledgerDeleted has a loop begin anew whose inventory somebody deleted: what it held is nobody's any more.
func (r *Reconciler) ledgerDeleted(_ context.Context, e event.TypedDeleteEvent[client.Object], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	l, ok := e.Object.(*rollcallv1.Ledger)
	if !ok || l.Record != rollcallv1.LedgerRecordInventory || l.Subject == nil {
		return
	}
	key := types.NamespacedName{Namespace: l.Namespace, Name: l.Subject.Name}
	if w := r.worker(key); w != nil && w.book.lost(l.Name) {
		r.mu.Lock()
		r.lost[key] = struct{}{}
		r.mu.Unlock()
		r.stop(w)
		q.Add(reconcile.Request{NamespacedName: key})
	}
}

func (r *Reconciler) worker(key types.NamespacedName) *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.workers[key]
}

// stop ends a loop; it stays known until another one has waited for its end.
func (r *Reconciler) stop(w *worker) {
	w.mu.Lock()
	w.uid = ""
	w.mu.Unlock()
	w.cancel()
}

// Reconcile brings one Downstream to where it should be.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	key := req.NamespacedName
	live := &rollcallv1.Downstream{}
	if err := r.Writer.Client.Get(ctx, key, live); err != nil {
		if !apierrors.IsNotFound(err) {
			return ctrl.Result{}, fmt.Errorf("reading Downstream %s: %w", key, err)
		}
		r.forget(key)
		return ctrl.Result{}, nil
	}
	room := r.Rooms.enter(key, func() desk.Standing { return r.Desks.Standing(key.Namespace) })
	if live.DeletionTimestamp != nil {
		return r.end(ctx, room, live)
	}
	standing, _ := room.now()
	_, carried := r.Drivers[live.Spec.Driver]
	switch {
	case standing == desk.Absent:
		want := live.Status
		want.Conditions = publish.With(live.Status.Conditions, publish.ReadyWithoutOrganization(), live.Generation, r.Now())
		return ctrl.Result{}, r.report(ctx, live, want)
	case standing < desk.Suspended:
		return ctrl.Result{}, nil // the line brings it again
	case !carried:
		return ctrl.Result{}, r.report(ctx, live, rollcallv1.DownstreamStatus{Conditions: publish.Conditions(live.Status.Conditions, []metav1.Condition{{
			Type: rollcallv1.ConditionReady, Status: metav1.ConditionFalse, Reason: rollcallv1.ReasonInvalid,
			Message: fmt.Sprintf("this version of the operator does not carry the driver %s: nothing is sent", live.Spec.Driver),
		}}, live.Generation, r.Now())})
	}
	if !controllerutil.ContainsFinalizer(live, rollcallv1.FinalizerDownstreamCleanup) {
		if err := r.finalizer(ctx, live, controllerutil.AddFinalizer); err != nil {
			return ctrl.Result{}, err
		}
	}
	w := r.ensure(room, live)
	return ctrl.Result{}, r.tell(ctx, live, w)
}

// forget ends the loop of a Downstream that is gone.
func (r *Reconciler) forget(key types.NamespacedName) {
	r.Rooms.leave(r.Desks, key)
	w := r.worker(key)
	if w == nil {
		return
	}
	r.stop(w)
	w.meter.close(func() { forgetMetrics(key) })
	r.mu.Lock()
	delete(r.lost, key)
	r.mu.Unlock()
	go func() { // until then one of the same name has to wait for it
		<-w.done
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.workers[key] == w {
			delete(r.workers, key)
		}
	}()
}

// finalizer changes the finalizers, of the very object that was read.
func (r *Reconciler) finalizer(ctx context.Context, live *rollcallv1.Downstream, change func(client.Object, string) bool) error {
	changed := live.DeepCopy()
	change(changed, rollcallv1.FinalizerDownstreamCleanup)
	err := r.Writer.Client.Patch(ctx, changed, client.MergeFromWithOptions(live, client.MergeFromWithOptimisticLock{}), publish.FieldOwner)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("changing the finalizer of Downstream %s: %w", live.Name, err)
	}
	return nil
}

// connection is the part of a spec that a driver is made from.
func connection(spec *rollcallv1.DownstreamSpec) *rollcallv1.DownstreamSpec {
	c := spec.DeepCopy()
	c.Mode, c.Records, c.Adoption, c.Removal, c.OnDelete, c.Drift = "", nil, "", "", "", ""
	c.ResyncInterval, c.Safety = nil, rollcallv1.DownstreamSafety{}
	return c
}

// ensure returns the worker of a Downstream as it is, made if need be.
func (r *Reconciler) ensure(x *room, live *rollcallv1.Downstream) *worker {
	key := client.ObjectKeyFromObject(live)
	spec, policy := connection(&live.Spec), plan.PolicyOf(&live.Spec)
	approval := live.Annotations[rollcallv1.AnnotationApproveRemovals]
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.workers[key]
	if old != nil && old.runs(live.UID) && equality.Semantic.DeepEqual(old.spec, spec) {
		old.adjust(policy, approval)
		return old
	}
	standing, _ := x.now()
	ctx, cancel := context.WithCancel(r.ctx)
	w := &worker{
		key: key, uid: live.UID, spec: spec, keys: keys{r.reader, key, spec}, open: r.Drivers[spec.Driver], dial: r.Dial,
		buckets: r.buckets, book: &book{key: key, reader: r.reader, writer: r.Writer}, now: r.Now,
		source:    func(ctx context.Context) source { return source{ctx: ctx, line: r.Line, room: x, key: key} },
		goes:      r.terminating,
		confirmed: func(keys []string) { r.Reports.Confirmed(key.Namespace, keys) },
		notify:    func() { r.Line.Send(key) }, log: r.log.WithValues("downstream", key.String()), meter: &meter{key: key},
		cancel: cancel, done: make(chan struct{}), nudge: make(chan struct{}, 1),
		policy: policy, approval: approval, standing: standing,
	}
	if _, lost := r.lost[key]; lost {
		delete(r.lost, key)
		w.notices = append(w.notices, inventoryLost(policy))
	} else if old == nil {
		for _, o := range live.Status.Owned {
			w.owned += o.Count
		}
	}
	var previous <-chan struct{}
	if old != nil {
		old.meter.close(func() {})
		old.cancel()
		previous = old.done
		if old.runs(live.UID) {
			w.status, w.trouble = old.look() // of the same object: better than nothing
		}
	}
	r.workers[key] = w
	x.set(key, w)
	// What was released between the look at the standing and here.
	standing, _ = x.now()
	w.told(standing, true, false, nil)
	go w.run(ctx, previous)
	return w
}

// runs reports whether the worker is for that object and was not told to end.
func (w *worker) runs(uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.uid == uid
}

// tell writes what the worker has to say.
func (r *Reconciler) tell(ctx context.Context, live *rollcallv1.Downstream, w *worker) error {
	for _, n := range w.takeNotices() {
		r.Recorder.Eventf(live, nil, n.level, n.reason, "Synchronize", "%s", n.note)
	}
	status, trouble := w.look()
	if status == nil && trouble == nil {
		return nil
	}
	want := *live.Status.DeepCopy()
	conditions := conditionsOf(status, trouble)
	if trouble == nil {
		fill(&want, status)
		want.Conditions = publish.Conditions(live.Status.Conditions, conditions, live.Generation, r.Now())
	} else {
		for _, c := range conditions {
			want.Conditions = publish.With(want.Conditions, c, live.Generation, r.Now())
		}
	}
	return r.report(ctx, live, want)
}

func (r *Reconciler) report(ctx context.Context, live *rollcallv1.Downstream, want rollcallv1.DownstreamStatus) error {
	want.ObservedGeneration = live.Generation
	if sameNews(live.Status, want) {
		return nil
	}
	err := publish.Status(ctx, r.Writer, live, roster.KindDownstream, live.Status, want,
		func(status *acrollcall.DownstreamStatusApplyConfiguration) apiruntime.ApplyConfiguration {
			return acrollcall.Downstream(live.Name, live.Namespace).WithUID(live.UID).WithStatus(status)
		})
	if err != nil {
		return err
	}
	for _, n := range newsOf(live.Status, want) {
		r.Recorder.Eventf(live, nil, n.level, n.reason, "Synchronize", "%s", n.note)
	}
	return nil
}

// end brings a deleted Downstream to its end.
func (r *Reconciler) end(ctx context.Context, x *room, live *rollcallv1.Downstream) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(live, rollcallv1.FinalizerDownstreamCleanup) {
		return ctrl.Result{}, nil
	}
	now := r.Now()
	e := end{
		onDelete: live.Spec.OnDelete, mode: live.Spec.Mode, forced: live.Annotations[rollcallv1.AnnotationForceFinalize] == "true",
		deleted: live.DeletionTimestamp.Time,
	}
	if now.Before(e.deleted) { // the clocks of two machines
		e.deleted = now
	}
	var err error
	if e.terminating, err = r.terminating(ctx, live.Namespace); err != nil {
		return ctrl.Result{}, err
	}
	_, carried := r.Drivers[live.Spec.Driver]
	if f := decide(e, now); f.wait > 0 && carried {
		w := r.ensure(x, live)
		w.leave()
		if err := r.tell(ctx, live, w); err != nil {
			return ctrl.Result{}, err
		}
		e.take(w.look())
	} else if f.wait > 0 {
		e.unreachable = e.deleted
	}
	for _, c := range live.Status.Conditions {
		if c.Type == rollcallv1.ConditionReachable && c.Status == metav1.ConditionFalse && !e.unreachable.IsZero() {
			e.unreachable = c.LastTransitionTime.Time
		}
	}
	f := decide(e, now)
	if f.wait > 0 {
		return ctrl.Result{RequeueAfter: f.wait}, nil
	}
	if f.reason != "" {
		r.Recorder.Eventf(live, nil, corev1.EventTypeWarning, f.reason, "Finalize", "%s", f.note)
	}
	return ctrl.Result{}, r.release(ctx, live)
}

// take takes in what the loop says.
func (e *end) take(status *syncer.Status, trouble error) {
	switch {
	case trouble != nil:
		e.unreachable = e.deleted
	case status != nil:
		e.left = status.Left
		e.approved = status.ApprovedAt
		if !status.Reachable.OK {
			e.unreachable = e.deleted
		}
	}
}

func (r *Reconciler) terminating(ctx context.Context, namespace string) (bool, error) {
	ns := &corev1.Namespace{}
	err := r.reader.Get(ctx, client.ObjectKey{Name: namespace}, ns)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the namespace: %w", err)
	}
	return ns.DeletionTimestamp != nil, nil
}

// release ends the loop, gives up the inventory, and lets the object go.
func (r *Reconciler) release(ctx context.Context, live *rollcallv1.Downstream) error {
	key := client.ObjectKeyFromObject(live)
	b := &book{key: key, reader: r.reader, writer: r.Writer}
	if w := r.worker(key); w != nil {
		r.stop(w)
		b = w.book
	}
	if err := b.close(ctx); err != nil {
		return err
	}
	return r.finalizer(ctx, live, controllerutil.RemoveFinalizer)
}
