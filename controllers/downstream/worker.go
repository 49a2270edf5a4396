package downstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

const (
	// reopen is how long a worker waits after it could not make a driver; an edit of the Downstream has it try at once.
	reopen = 30 * time.Second
	// maxReopen is how long it waits at most, each time longer, after calls that did not come back: they may be there for ever.
	maxReopen = 16 * time.Minute
	// look is how often the Secret is read while the system does not take what is sent: it may be the reason, and nothing else
	// asks about it before the next attempt. trust is how long what it said is believed before something is sent.
	look  = 5 * time.Second
	trust = time.Second
)

// worker keeps one Downstream in step: it reads the inventory, makes a driver, and runs a loop with it until the Secret or
// the spec changes. It has a goroutine of its own, so that a system that hangs keeps nobody else waiting.
type worker struct {
	key     types.NamespacedName
	uid     types.UID
	spec    *rollcallv1.DownstreamSpec // as far as it is about the connection
	keys    keys
	open    Open
	dial    Dial
	buckets *syncer.Buckets
	source  func(ctx context.Context) source
	book    *book
	now     func() time.Time
	// goes reports whether the namespace is being deleted.
	goes func(ctx context.Context, namespace string) (bool, error)
	// confirmed reports people whose account is in use, of whom that was not known.
	confirmed func(keys []string)
	notify    func()
	log       logr.Logger
	meter     *meter

	cancel context.CancelFunc
	done   chan struct{}
	nudge  chan struct{}

	mu       sync.Mutex
	policy   plan.Policy
	approval string
	leaving  bool
	standing desk.Standing
	loop     *syncer.Syncer // of the present session
	status   *syncer.Status
	trouble  error // why there is no session
	// owned is how many records the status of the object speaks of; 0 once that was compared with the inventory.
	owned    int32
	notices  []news
	approved time.Time // the approval that was told of
}

// run works until the context ends. A worker that it follows must have ended before: two loops must never write to one system.
func (w *worker) run(ctx context.Context, previous <-chan struct{}) {
	defer close(w.done)
	if previous != nil {
		<-previous
	}
	var inventory *plan.Inventory
	wait := reopen
	for ctx.Err() == nil {
		var err error
		if inventory == nil {
			if inventory, err = w.book.open(ctx); err == nil {
				w.compareOwned(inventory)
			}
		}
		longer := false
		if err == nil {
			err = w.session(ctx, inventory)
			if longer = errors.Is(err, errHung) || errors.Is(err, errFailed); longer {
				inventory = nil // what it says may be half of a change
			}
		}
		if err == nil {
			wait = reopen
			continue
		}
		w.mu.Lock()
		w.trouble = err
		w.mu.Unlock()
		w.meter.conditions(nil, err)
		w.notify()
		w.pause(ctx, wait)
		if wait = min(2*wait, maxReopen); !longer {
			wait = reopen
		}
	}
}

func (w *worker) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.nudge:
	case <-ctx.Done():
	}
}

// errFailed is the error of a loop that panicked.
var errFailed = downstream.NewError(downstream.Unavailable, "internal error", nil)

// session reads the Secret, makes a driver, and runs a loop with it. It returns an error if there is no driver to be had, if
// it did not come back from a call, or if the loop failed, and nil when the loop ended: because the context did, or because
// another Secret is to be used.
func (w *worker) session(ctx context.Context, inventory *plan.Inventory) error {
	secret, err := w.keys.read(ctx)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	host, err := destination(w.spec)
	if err != nil {
		return err
	}
	bucket := w.buckets.Take(string(w.spec.Driver)+" "+host, fingerprint(w.key.Namespace, secret), w.key.String(), rate(w.spec))
	defer w.buckets.Give(bucket, w.key.String())
	permitted := &permit{check: func(ctx context.Context) error { return w.check(ctx, secret, end) }}
	alive, connections := &pulse{}, &lines{}
	opening := Opening{
		Namespace: w.key.Namespace, Spec: w.spec, Options: downstream.Options{Pacer: paced{bucket, w.meter, alive}},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := permitted.ask(ctx); err != nil {
				return nil, err
			}
			conn, err := w.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return connections.keep(conn)
		},
	}
	if secret != nil {
		opening.Secret, opening.AllowPlaintext = secret.Data, allowsPlaintext(secret)
	}
	opened, err := w.open(ctx, opening)
	if err != nil {
		return err
	}
	driver := &bounded{Driver: opened, pulse: alive, lines: connections}
	defer func() {
		if err := driver.Close(); err != nil {
			w.log.Error(errors.New(string(downstream.ClassOf(err))), "Closing a driver")
		}
	}()
	config := w.config(ctx, guard(driver, end, w.meter, permitted, w.stays), bucket, inventory)
	config.Passed = func(p syncer.Passed) {
		w.meter.passed(p)
		permitted.failing.Store(p.Err != nil)
	}
	go permitted.watch(ctx)
	failed := w.loopUntil(ctx, end, config)
	switch {
	case driver.hangs():
		w.log.Info("A call of the driver did not come back: it is abandoned, and its connections are cut")
		return errHung
	case failed:
		return errFailed
	}
	return nil
}

func (w *worker) config(ctx context.Context, driver downstream.Driver, bucket *syncer.Bucket, inventory *plan.Inventory) syncer.Config {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := w.source(ctx)
	return syncer.Config{
		Driver: driver, Policy: w.policy, Source: wanted, Keeper: w.book, Inventory: inventory, Bucket: bucket,
		Random: rand.Float64, Now: w.now,
		Confirmed: func(keys []string) {
			if fresh := wanted.unconfirmed(keys); len(fresh) > 0 {
				w.confirmed(fresh)
			}
		},
		Approval: func() string {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.approval
		},
		Report: func(s syncer.Status) {
			w.mu.Lock()
			w.status, w.trouble = &s, nil
			w.noteApproval(&s)
			w.mu.Unlock()
			w.meter.status(&s)
			w.notify()
		},
	}
}

// loopUntil runs a loop in a goroutine of its own, which its source may end. It reports whether the loop panicked.
func (w *worker) loopUntil(ctx context.Context, end context.CancelFunc, c syncer.Config) (failed bool) {
	loop := syncer.New(c)
	w.mu.Lock()
	w.loop = loop
	loop.SetPolicy(w.policy) // it may have changed meanwhile
	loop.Suspend(w.standing != desk.Open)
	if w.leaving {
		loop.Leave()
	}
	w.mu.Unlock()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer end()
		defer func() {
			if p := recover(); p != nil { // its text may hold what came from the system
				failed = true
				w.log.Error(fmt.Errorf("a panic of type %T", p), "The loop of a Downstream failed; it begins anew in a while", "downstream", w.key)
			}
		}()
		loop.Run(ctx)
	}()
	<-finished
	w.mu.Lock()
	w.loop = nil
	w.mu.Unlock()
	return failed
}

// check reads the Secret again: before every connection, before everything is read, and after failures. If it is another one
// by now, or does not permit its use any more, the session ends.
func (w *worker) check(ctx context.Context, known *corev1.Secret, end context.CancelFunc) error {
	if known == nil {
		return nil
	}
	secret, err := w.keys.read(ctx)
	switch {
	case errors.Is(err, ErrNotOptedIn):
		end()
		return err
	case err != nil:
		return err
	case !same(secret, known):
		end()
		return downstream.NewError(downstream.Unavailable, "the Secret changed", nil)
	}
	return nil
}

// adjust takes in what may change without a new driver.
func (w *worker) adjust(policy plan.Policy, approval string) {
	w.mu.Lock()
	other, approved := !reflect.DeepEqual(w.policy, policy), w.approval != approval
	w.policy, w.approval = policy, approval
	loop := w.loop
	w.mu.Unlock()
	switch {
	case !other && !approved:
	case loop == nil:
		select {
		case w.nudge <- struct{}{}:
		default:
		}
	case other:
		loop.SetPolicy(policy)
	default:
		loop.Wake()
	}
}

// leave has everything removed that is owned.
func (w *worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leaving {
		return
	}
	w.leaving = true
	if w.loop != nil {
		w.loop.Leave()
	}
}

// told passes on what changed in the organization.
func (w *worker) told(standing desk.Standing, moved, again bool, touched []downstream.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.standing = standing
	if w.loop == nil {
		return // it will begin with everything
	}
	if moved {
		w.loop.Suspend(standing != desk.Open)
	}
	if again {
		w.loop.Review()
	}
	if len(touched) > 0 {
		w.loop.Touch(touched...)
	}
}

// compareOwned tells of an inventory that was lost while nobody looked: the object says that something is owned, and the Ledger
// knows of nothing.
func (w *worker) compareOwned(inventory *plan.Inventory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owned > 0 && inventory.Empty() {
		w.notices = append(w.notices, inventoryLost(w.policy))
	}
	w.owned = 0
}

// inventoryLost is one event, however much is lost.
func inventoryLost(p plan.Policy) news {
	return news{corev1.EventTypeWarning, "InventoryLost", fmt.Sprintf(
		"the Ledger does not know any more what is owned in the system: nothing of it is removed, and adoption %s decides what becomes of it", p.Adoption)}
}

// noteApproval tells once of each approval that takes effect. What was approved may be gone before a status could show it.
func (w *worker) noteApproval(s *syncer.Status) {
	if s.ApprovedAt.IsZero() || s.ApprovedAt.Equal(w.approved) {
		return
	}
	w.approved = s.ApprovedAt
	w.notices = append(w.notices, news{corev1.EventTypeNormal, "RemovalsApproved", "the held removals are approved, and are carried out"})
}

// takeNotices returns what is to be told once.
func (w *worker) takeNotices() []news {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.notices
	w.notices = nil
	return out
}

// look returns the last status, nil before the first, and why there is no driver.
func (w *worker) look() (*syncer.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.trouble
}

func rate(spec *rollcallv1.DownstreamSpec) syncer.Rate {
	var r syncer.Rate
	if l := spec.RateLimit; l != nil {
		if l.QPS != nil {
			r.QPS = int(*l.QPS)
		}
		if l.Burst != nil {
			r.Burst = int(*l.Burst)
		}
	}
	return r
}

// fingerprint tells credentials apart.
func fingerprint(namespace string, secret *corev1.Secret) string {
	if secret == nil {
		return namespace
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) {
		sum := sha256.Sum256(secret.Data[name])
		_, _ = fmt.Fprintf(h, "%q %x\n", name, sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// permit is what the Secret says about going on.
type permit struct {
	check   func(ctx context.Context) error
	failing atomic.Bool // the last pass failed

	mu sync.Mutex
	at time.Time // when it was asked last, and said yes
}

// ask reads the Secret again, lately only if that was not done a moment ago.
func (p *permit) ask(ctx context.Context) error {
	err := p.check(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at = time.Now(); err != nil {
		p.at = time.Time{}
	}
	return err
}

func (p *permit) lately(ctx context.Context) error {
	p.mu.Lock()
	known := time.Since(p.at) < trust
	p.mu.Unlock()
	if known {
		return nil
	}
	return p.ask(ctx)
}

// watch reads it again and again while nothing else does.
func (p *permit) watch(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if p.failing.Load() {
				_ = p.ask(ctx) // ends the session if the Secret is another one
			}
		}
	}
}

// stays fails when the namespace is being deleted: then objects go one by one, and nobody asked for what would follow from that.
func (w *worker) stays(ctx context.Context) error {
	switch goes, err := w.goes(ctx, w.key.Namespace); {
	case err != nil:
		return downstream.NewError(downstream.Unavailable, "the namespace cannot be read", err)
	case goes:
		return downstream.NewError(downstream.Unavailable, "the namespace is being deleted: what is there stays as it is", nil)
	}
	return nil
}

// guard has a driver ask about its Secret before everything is read, before something is sent, and after failures, and about the
// namespace before something is sent; its calls are counted. A driver that hangs ends the session.
func guard(d *bounded, end context.CancelFunc, m *meter, permitted *permit, stays func(context.Context) error) downstream.Driver {
	g := guarded{Driver: measured{d, m}, permit: permitted, stays: stays, hung: func() bool {
		hangs := d.hangs()
		if hangs {
			end()
		}
		return hangs
	}}
	if p, ok := d.Driver.(downstream.Projector); ok {
		return guardedProjector{g, p}
	}
	return g
}

type guarded struct {
	downstream.Driver
	permit *permit
	stays  func(context.Context) error
	hung   func() bool
}

type guardedProjector struct {
	guarded
	downstream.Projector
}

// Read implements downstream.Driver.
func (g guarded) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	if err := g.permit.ask(ctx); err != nil {
		return downstream.Reading{}, err
	}
	reading, err := g.Driver.Read(ctx, req)
	g.failed(ctx, err)
	return reading, err
}

// Apply implements downstream.Driver. What is refused here was not sent.
func (g guarded) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	if err := g.permit.lately(ctx); err != nil {
		return nil, err
	}
	if err := g.stays(ctx); err != nil {
		return nil, err
	}
	outcomes, err := g.Driver.Apply(ctx, req)
	g.failed(ctx, err)
	return outcomes, err
}

// failed looks whether the Secret, or a driver that hangs, is the reason. What the driver said is the news.
func (g guarded) failed(ctx context.Context, err error) {
	if err != nil && !g.hung() {
		_ = g.permit.ask(ctx)
	}
}

// book keeps the inventory of one Downstream in the Ledger.
type book struct {
	key    types.NamespacedName
	reader client.Reader
	writer *publish.Writer

	// writing is locked while the Ledger is written. mu never is: the watch of the Ledger asks under it.
	writing sync.Mutex
	closed  bool // written with both locked

	mu   sync.Mutex
	kept map[string]struct{}
}

var errClosed = errors.New("the Downstream is gone")

// open reads the inventory, without a cache: what the last leader wrote a moment ago is in it.
func (b *book) open(ctx context.Context) (*plan.Inventory, error) {
	objects, err := b.objects(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = map[string]struct{}{}
	for _, o := range objects {
		b.kept[o.Name] = struct{}{}
	}
	return plan.OpenInventory(b.key.Name, objects), nil
}

func (b *book) objects(ctx context.Context) ([]*rollcallv1.Ledger, error) {
	var list rollcallv1.LedgerList
	err := b.reader.List(ctx, &list, client.InNamespace(b.key.Namespace), client.MatchingLabels{
		rollcallv1.LabelLedger: "inventory", rollcallv1.LabelTargetKind: "downstream", rollcallv1.LabelTargetName: b.key.Name,
	})
	if err != nil {
		return nil, downstream.NewError(downstream.Unavailable, "the Ledger cannot be read", fmt.Errorf("listing the Ledger: %w", err))
	}
	out := make([]*rollcallv1.Ledger, len(list.Items))
	for i := range list.Items {
		out[i] = &list.Items[i]
	}
	return out, nil
}

// Keep implements syncer.Keeper.
func (b *book) Keep(ctx context.Context, shards []ledger.Shard) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	if b.closed {
		return errClosed
	}
	for _, s := range shards {
		if s.Object != nil {
			if err := b.writer.Keep(ctx, b.key.Namespace, s.Object); err != nil {
				return err
			}
			b.note(s.Name, true)
			continue
		}
		b.note(s.Name, false)
		if err := b.drop(ctx, s.Name); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) note(name string, kept bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kept {
		b.kept[name] = struct{}{}
	} else {
		delete(b.kept, name)
	}
}

func (b *book) drop(ctx context.Context, name string) error {
	live := &rollcallv1.Ledger{}
	err := b.reader.Get(ctx, client.ObjectKey{Namespace: b.key.Namespace, Name: name}, live)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Ledger %s: %w", name, err)
	}
	return b.writer.Delete(ctx, "Ledger", live)
}

// lost reports whether the Ledger should have an object that was deleted.
func (b *book) lost(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, kept := b.kept[name]
	return kept && !b.closed
}

// close ends the inventory: nothing is written any more, and its objects go.
func (b *book) close(ctx context.Context) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	objects, err := b.objects(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := b.writer.Delete(ctx, "Ledger", o); err != nil {
			return err
		}
	}
	return nil
}
