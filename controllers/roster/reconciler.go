// Package roster keeps the organizations in memory up to date: it takes what the watches bring, a batch for each
// namespace, moves that namespace's engine on to now, keeps what must be remembered in the Ledger, and only then tells the
// controllers that publish results whose results changed. It is also the one clock: a namespace comes again exactly at
// its next transition.
package roster

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// absence is how long an Organization must be missing before inputs say so.
const absence = 10 * time.Second

// Lines lead to the controllers that publish: EffectiveAccess by teammate, RoutePlan by the name of the plan, and the
// status of inputs by kind.
type Lines struct {
	Access, Plans *desk.Line
	Inputs        map[string]*desk.Line
}

// Follower is told what the engines take in, for results that are kept up to date beside those of the engine.
type Follower interface {
	// Applied is called, with the engine locked, after it took in changes, or is a new one.
	Applied(namespace string, e *engine.Engine, changes []roster.Change)
	// Released is called when what was computed is in the Ledger, and whenever the standing of a namespace may have changed.
	Released(namespace string, standing desk.Standing)
	// Forgotten is called when a namespace has nothing left.
	Forgotten(namespace string)
}

// Reconciler works on namespaces. One worker at a time has a namespace.
type Reconciler struct {
	desks    *desk.Desks
	lines    Lines
	client   client.Client
	writer   *publish.Writer
	recorder events.EventRecorder
	now      func() time.Time
	changes  *changes
	store    store
	follower Follower
	reports  *desk.Reports

	mu    sync.Mutex
	rooms map[string]*room
}

// room is what the worker of a namespace remembers from one batch to the next.
type room struct {
	namespace string
	desk      *desk.Desk
	built     bool
	// missingSince is when the Organization was first seen missing; zero while it is there.
	missingSince time.Time
	// kept is the Ledger as it should be, by name; unkept is what is not yet written of it.
	kept   map[string]*rollcallv1.Ledger
	unkept map[string]ledger.Shard
	// lossSince is when a loss of Ledger objects was first seen that is not taken in yet.
	lossSince time.Time
	// due is what to publish once everything is kept.
	due     due
	counts  engine.Counts // as published last
	notices notices
	// pace spaces batches under a stream of changes; newcomers wait for its end.
	pace      pace
	newcomers newcomers
}

func (r *Reconciler) room(namespace string) *room {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[namespace] == nil {
		r.rooms[namespace] = &room{namespace: namespace, desk: r.desks.Of(namespace), notices: newNotices()}
	}
	return r.rooms[namespace]
}

// Reconcile brings one namespace up to date: the steps are in the order in which nothing can be seen before what it rests on.
func (r *Reconciler) Reconcile(ctx context.Context, namespace string) (ctrl.Result, error) {
	room := r.room(namespace)
	organization, _ := r.store.get(roster.KindOrganization, namespace, rollcallv1.OrganizationName).(*rollcallv1.Organization)
	if organization == nil {
		return r.withoutOrganization(room), nil
	}
	room.missingSince = time.Time{}
	taken := r.changes.size(namespace)
	if wait := room.pace.wait(time.Now(), taken); wait > 0 && len(room.unkept) == 0 && room.built {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	began := time.Now()
	if wait, err := r.compute(ctx, room); err != nil || wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, err
	}
	if err := r.keep(ctx, room); err != nil {
		return ctrl.Result{}, err
	}
	if taken > 0 {
		room.pace.done(began, time.Now(), taken)
	}
	r.publish(room, organization)
	wait := r.untilTransition(room)
	if room.newcomers.any() && (wait == 0 || wait > settled) {
		wait = settled
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

// withoutOrganization freezes a namespace: the engine keeps the Organization it knew, changes stay where they are, and
// after a while inputs say why nothing happens. When an Organization comes, everything that changed is taken in with it.
func (r *Reconciler) withoutOrganization(room *room) ctrl.Result {
	now := r.now()
	if room.missingSince.IsZero() {
		room.missingSince = now
	}
	if wait := absence - now.Sub(room.missingSince); wait > 0 {
		r.release(room, desk.Missing)
		return ctrl.Result{RequeueAfter: wait}
	}
	if r.store.empty(room.namespace) {
		r.forget(room.namespace)
		return ctrl.Result{}
	}
	if room.desk.Standing() != desk.Absent {
		r.release(room, desk.Absent)
		for kind, line := range r.lines.Inputs {
			for _, o := range r.store.list(kind, room.namespace) {
				line.SendLater(client.ObjectKeyFromObject(o))
			}
		}
	}
	return ctrl.Result{}
}

// release lets results out, and says so to whoever follows.
func (r *Reconciler) release(room *room, standing desk.Standing) {
	room.desk.Release(standing)
	if r.follower != nil {
		r.follower.Released(room.namespace, standing)
	}
}

func (r *Reconciler) follow(room *room, e *engine.Engine, batch []roster.Change) {
	if r.follower != nil {
		r.follower.Applied(room.namespace, e, batch)
	}
}

func (r *Reconciler) forget(namespace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rooms, namespace)
	r.changes.take(namespace)
	r.desks.Forget(namespace)
	if r.follower != nil {
		r.follower.Forgotten(namespace)
	}
	forgetMetrics(namespace)
}

// compute takes the changes into the engine and moves it on to now. A panic, which the manager turns into an error, leaves
// no engine behind, so that the next attempt starts from the complete lists. A wait means that nothing was taken in yet.
func (r *Reconciler) compute(ctx context.Context, room *room) (wait time.Duration, err error) {
	completed := false
	defer func() {
		if !completed {
			room.built = false
			room.desk.Fail()
			if r.follower != nil {
				r.follower.Released(room.namespace, desk.Failed)
			}
			r.lines.Inputs[roster.KindOrganization].Send(types.NamespacedName{Namespace: room.namespace, Name: rollcallv1.OrganizationName})
		}
	}()
	if !room.built {
		r.build(ctx, room)
		completed = true
		return 0, nil
	}
	changed := r.changes.take(room.namespace)
	var batch []roster.Change
	for o := range changed {
		if o.Kind == kindLedger {
			continue
		}
		if live := r.store.get(o.Kind, room.namespace, o.Name); live != nil {
			batch = append(batch, roster.Change{Object: live})
		} else {
			batch = append(batch, roster.Change{Object: gone(o), Deleted: true})
		}
	}
	lost, err := r.inspectLedger(ctx, room, changed)
	if wait := room.untilLost(lost, time.Now()); err != nil || wait > 0 {
		for o := range changed { // nothing of it was taken in
			r.changes.add(room.namespace, o)
		}
		completed = true
		return wait, err
	}
	began := time.Now()
	room.desk.Engine(func(e *engine.Engine) bool {
		now := latest(r.now(), e)
		room.notices.departures(e, batch)
		if touched, ok := e.Lose(now, lost...); ok {
			for _, name := range lost {
				delete(room.kept, name)
				room.notices.lost(name)
			}
			r.note(room, touched)
		}
		r.note(room, e.Apply(now, batch...))
		if r.reports != nil {
			r.note(room, e.Confirm(now, r.reports.Take(room.namespace)))
		}
		r.follow(room, e, batch)
		room.due.changed(batch)
		room.notices.compare(e, room.due.inputs, batch)
		return len(room.unkept) > 0
	})
	observeCompute(time.Since(began))
	completed = true
	return 0, nil
}

// build makes the engine of a namespace from the complete lists of all kinds. The watches have brought these lists before
// the first call, and changes since then are in them.
func (r *Reconciler) build(ctx context.Context, room *room) {
	r.changes.take(room.namespace)
	var remembered []*rollcallv1.Ledger
	room.kept, room.unkept, room.due = map[string]*rollcallv1.Ledger{}, map[string]ledger.Shard{}, newDue()
	for _, o := range r.store.list(kindLedger, room.namespace) {
		l := o.(*rollcallv1.Ledger)
		remembered = append(remembered, l)
		if l.Record != rollcallv1.LedgerRecordInventory { // those are written by who synchronizes
			room.kept[l.Name] = l
		}
	}
	var batch []roster.Change
	var mentions []*rollcallv1.Mention
	for _, kind := range roster.Kinds {
		for _, o := range r.store.list(kind, room.namespace) {
			batch = append(batch, roster.Change{Object: o})
			if m, ok := o.(*rollcallv1.Mention); ok {
				mentions = append(mentions, m)
			}
		}
	}
	outputs := r.store.any(kindAccess, room.namespace) || r.store.any(kindPlan, room.namespace)
	if outputs && len(remembered) == 0 {
		room.notices.lost("")
	}
	began := time.Now()
	now := r.now()
	e := engine.New(now)
	e.Remember(remembered, outputs, mentions...)
	touched := e.Apply(now, batch...)
	room.notices.start(r.store, room.namespace)
	room.desk.Replace(e)
	room.desk.Engine(func(e *engine.Engine) bool {
		r.note(room, touched)
		r.follow(room, e, batch)
		room.due.changed(batch)
		room.notices.compare(e, room.due.inputs, nil)
		return len(room.unkept) > 0
	})
	room.due.everything = true
	room.built = true
	observeCompute(time.Since(began))
	logf.FromContext(ctx).Info("Computed the organization", "objects", len(batch), "seconds", time.Since(began).Seconds())
}

// latest keeps time from going backwards: what was over stays over when somebody sets the clock back.
func latest(now time.Time, e *engine.Engine) time.Time {
	if known := e.Roster.Now(); known.After(now) {
		return known
	}
	return now
}

// note takes down what a computation touched.
func (r *Reconciler) note(room *room, touched engine.Touched) {
	for _, shard := range touched.Ledger {
		room.unkept[shard.Name] = shard
	}
	room.due.touched(touched)
	countTouched(touched)
}

// publish lets results out and tells the controllers about them.
func (r *Reconciler) publish(room *room, organization *rollcallv1.Organization) {
	before, standing := room.desk.Standing(), desk.Open
	if organization.Spec.Suspend != nil && *organization.Spec.Suspend {
		standing = desk.Suspended
	}
	room.desk.Engine(func(e *engine.Engine) bool {
		if before != standing || room.due.everything {
			room.due.all(e)
		}
		if counts := e.Counts(); counts != room.counts {
			room.counts = counts
			room.due.inputs[lint.Object{Kind: roster.KindOrganization, Name: rollcallv1.OrganizationName}] = struct{}{}
		}
		observeObjects(room.namespace, e)
		return false
	})
	if before != standing || room.due.everything {
		room.due.strays(r.store, room.namespace)
	}
	r.release(room, standing)
	room.newcomers.hold(&room.due, &room.pace, time.Now(), func(kind, name string) bool {
		return r.store.get(kind, room.namespace, name) != nil
	})
	room.due.send(room.namespace, r.lines)
	observeNotReady(room.namespace, room.notices.notReady())
	room.notices.send(r.recorder, r.store, room.namespace, organization)
	room.due = newDue()
}

// untilTransition is how long nothing changes by time alone; 0 is for ever.
func (r *Reconciler) untilTransition(room *room) time.Duration {
	var wait time.Duration
	room.desk.Engine(func(e *engine.Engine) bool {
		next, ok := e.NextTransition()
		if !ok {
			observeTransition(room.namespace, time.Time{})
			return false
		}
		observeTransition(room.namespace, next)
		wait = max(next.Sub(r.now()), time.Millisecond)
		return false
	})
	return wait
}

func keysOf(namespace string, names map[string]struct{}) []types.NamespacedName {
	out := make([]types.NamespacedName, 0, len(names))
	for name := range names {
		out = append(out, types.NamespacedName{Namespace: namespace, Name: name})
	}
	return out
}

// gone is a deleted object of which only the name counts.
func gone(o lint.Object) client.Object {
	for _, p := range prototypes {
		if p.kind == o.Kind {
			object := p.object.DeepCopyObject().(client.Object)
			object.SetName(o.Name)
			return object
		}
	}
	return nil
}
