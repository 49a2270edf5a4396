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
	source  func(ctx context.Context) syncer.Source
	book    *book
	now     func() time.Time
	notify  func()
	log     logr.Logger
	meter   *meter

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
			inventory, err = w.book.open(ctx)
		}
		hung := false
		if err == nil {
			hung, err = w.session(ctx, inventory)
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
		if wait = min(2*wait, maxReopen); !hung {
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

// session reads the Secret, makes a driver, and runs a loop with it. It returns an error if there is no driver to be had, or
// if it did not come back from a call, and nil when the loop ended: because the context did, or because another Secret is to
// be used.
func (w *worker) session(ctx context.Context, inventory *plan.Inventory) (hung bool, err error) {
	secret, err := w.keys.read(ctx)
	if err != nil {
		return false, err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	host, err := destination(w.spec)
	if err != nil {
		return false, err
	}
	bucket := w.buckets.Take(string(w.spec.Driver)+" "+host, fingerprint(w.key.Namespace, secret), w.key.String(), rate(w.spec))
	defer w.buckets.Give(bucket, w.key.String())
	check := func(ctx context.Context) error { return w.check(ctx, secret, end) }
	alive, connections := &pulse{}, &lines{}
	opening := Opening{
		Namespace: w.key.Namespace, Spec: w.spec, Options: downstream.Options{Pacer: paced{bucket, w.meter, alive}},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := check(ctx); err != nil {
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
		return false, err
	}
	driver := &bounded{Driver: opened, pulse: alive, lines: connections}
	defer func() {
		if err := driver.Close(); err != nil {
			w.log.Error(errors.New(string(downstream.ClassOf(err))), "Closing a driver")
		}
	}()
	w.loopUntil(ctx, end, w.config(ctx, guard(driver, end, w.meter, check), bucket, inventory))
	if driver.hangs() {
		w.log.Info("A call of the driver did not come back: it is abandoned, and its connections are cut")
		return true, errHung()
	}
	return false, nil
}

func (w *worker) config(ctx context.Context, driver downstream.Driver, bucket *syncer.Bucket, inventory *plan.Inventory) syncer.Config {
	w.mu.Lock()
	defer w.mu.Unlock()
	return syncer.Config{
		Driver: driver, Policy: w.policy, Source: w.source(ctx), Keeper: w.book, Inventory: inventory, Bucket: bucket,
		Random: rand.Float64, Now: w.now, Passed: w.meter.passed,
		Approval: func() string {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.approval
		},
		Report: func(s syncer.Status) {
			w.mu.Lock()
			w.status, w.trouble = &s, nil
			w.mu.Unlock()
			w.meter.status(&s)
			w.notify()
		},
	}
}

// loopUntil runs a loop in a goroutine of its own, which its source may end.
func (w *worker) loopUntil(ctx context.Context, end context.CancelFunc, c syncer.Config) {
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
				w.log.Error(fmt.Errorf("a panic of type %T", p), "The loop of a Downstream failed; it begins anew", "downstream", w.key)
			}
		}()
		loop.Run(ctx)
	}()
	<-finished
	w.mu.Lock()
	w.loop = nil
	w.mu.Unlock()
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
	case secret.UID != known.UID || secret.ResourceVersion != known.ResourceVersion:
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

// guard has a driver ask about its Secret before everything is read, and after failures; its calls are counted. A driver that
// hangs ends the session.
func guard(d *bounded, end context.CancelFunc, m *meter, check func(ctx context.Context) error) downstream.Driver {
	g := guarded{Driver: measured{d, m}, check: check, failed: func(ctx context.Context) {
		if d.hangs() {
			end()
			return
		}
		_ = check(ctx) // ends the session if it is the reason; what the driver said is the news
	}}
	if p, ok := d.Driver.(downstream.Projector); ok {
		return guardedProjector{g, p}
	}
	return g
}

type guarded struct {
	downstream.Driver
	check  func(ctx context.Context) error
	failed func(ctx context.Context)
}

type guardedProjector struct {
	guarded
	downstream.Projector
}

// Read implements downstream.Driver.
func (g guarded) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	if err := g.check(ctx); err != nil {
		return downstream.Reading{}, err
	}
	reading, err := g.Driver.Read(ctx, req)
	if err != nil {
		g.failed(ctx)
	}
	return reading, err
}

// Apply implements downstream.Driver.
func (g guarded) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	outcomes, err := g.Driver.Apply(ctx, req)
	if err != nil {
		g.failed(ctx)
	}
	return outcomes, err
}

// book keeps the inventory of one Downstream in the Ledger.
type book struct {
	key    types.NamespacedName
	reader client.Reader
	writer *publish.Writer

	mu     sync.Mutex
	closed bool
	kept   map[string]struct{}
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	for _, s := range shards {
		if s.Object != nil {
			if err := b.writer.Keep(ctx, b.key.Namespace, s.Object); err != nil {
				return err
			}
			b.kept[s.Name] = struct{}{}
			continue
		}
		delete(b.kept, s.Name)
		if err := b.drop(ctx, s.Name); err != nil {
			return err
		}
	}
	return nil
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
