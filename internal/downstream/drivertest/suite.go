package drivertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// T is what a case needs of a test; *testing.T is one.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// System is one system under test, empty at first.
type System struct {
	// Open returns a driver, as a new process would: several may be open at a time, and one that was left behind is never
	// closed.
	Open func(o downstream.Options) downstream.Driver
	// Plant makes a record as somebody else would, by hand, under the key and the unique name that the driver would look for.
	Plant func(r downstream.Record)
	// Tamper changes something that we deliver of a record, by hand; Vanish takes it away.
	Tamper, Vanish func(id downstream.ID)

	// The following are faults. Those that a system cannot produce are named in Harness.Without.

	// Bad changes a record into one that the system refuses, though the driver renders it.
	Bad func(r downstream.Record) downstream.Record
	// Throttle has the next request be refused with the wish to be left alone for so long.
	Throttle func(wait time.Duration)
	// Refuse has credentials be refused while it is on.
	Refuse func(on bool)
	// Truncate has listings end early while it is on, as far as the system can do that at all.
	Truncate func(on bool)
}

// Harness describes a system to the suite.
type Harness struct {
	// New returns an empty system. It is called for each case, and several times in some.
	New func(t T) System
	// Kinds are those of the driver.
	Kinds []downstream.Kind
	// Large is the number of people of the large case; 0: 10,000 records in all.
	Large int
	// Without names faults (Bad, Throttle, Refuse, Truncate) that the system cannot produce, each with the reason.
	Without map[string]string
}

// Case is one part of the suite.
type Case struct {
	Name string
	Run  func(t T, h Harness)
}

// Cases returns the suite.
func Cases() []Case {
	return []Case{
		{"promises are consistent", promises},
		{"what was delivered is read back, and nothing is done twice", delivered},
		{"the same batch twice leaves what once leaves", idempotent},
		{"a change reaches the system alone", alone},
		{"a rename is an update", rename},
		{"an edited identity takes the record along", identity},
		{"records of others are not touched", foreign},
		{"adoption", adoption},
		{"drift", drift},
		{"unset is not managed, and empty is empty", unset},
		{"a list is never empty on the way", neverEmpty},
		{"modes", modes},
		{"departures", departures},
		{"removals are held and released", held},
		{"a bad record is isolated", bad},
		{"throttling is honoured", throttled},
		{"refused credentials stop everything", refused},
		{"an incomplete listing removes nothing", incomplete},
		{"a crash at any moment converges", crash},
		{"a large organization", large},
	}
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, h) })
	}
}

// can reports whether a fault can be produced; it fails the case if that is neither so nor excused.
func (h Harness) can(t T, fault string, there bool) bool {
	t.Helper()
	why, excused := h.Without[fault]
	if there {
		return true
	}
	if !excused || why == "" {
		t.Errorf("the harness cannot produce %s, and Without does not say why", fault)
	}
	t.Logf("without %s: %s", fault, why)
	return false
}

// start is when the clock of every case begins.
var start = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// world is an organization, its Ledger and a system.
type world struct {
	t      T
	system System
	org    *Organization
	book   *Book
	clock  *clock
	policy plan.Policy
	// renderer is a driver that only renders.
	renderer downstream.Driver
}

func newWorld(t T, h Harness, records ...downstream.Record) *world {
	t.Helper()
	w := &world{t: t, system: h.New(t), org: NewOrganization(of(h.Kinds, records)...), book: &Book{}, clock: &clock{now: start}}
	w.policy = plan.Policy{
		Records: h.Kinds, Mode: rollcallv1.DownstreamModeFull, Adoption: rollcallv1.AdoptionNever, Removal: rollcallv1.RemovalDeactivate,
		Drift: rollcallv1.DriftCorrect, Resync: 10 * time.Minute, Safety: plan.DefaultSafety,
	}
	return w
}

// process is one life of the operator.
type process struct {
	*world
	driver   *watched
	boundary *boundary
	syncer   *syncer.Syncer

	mu       sync.Mutex
	status   syncer.Status
	approval string
}

// process begins a life: all that it knows is in the Ledger and in the system.
func (w *world) process() *process {
	p := &process{world: w, boundary: &boundary{}}
	p.driver = &watched{Driver: w.system.Open(downstream.Options{Pacer: p.boundary, Timeout: 30 * time.Second}), boundary: p.boundary}
	book := w.book
	keeper := &mortal{book: book, boundary: p.boundary}
	p.syncer = syncer.New(syncer.Config{
		Driver: p.driver.facade(), Policy: w.policy, Source: w.org, Keeper: keeper, Inventory: plan.OpenInventory("sample", book.Objects()),
		Random: func() float64 { return 0 }, Now: w.clock.Now,
		Approval: func() string { p.mu.Lock(); defer p.mu.Unlock(); return p.approval },
		Report:   func(s syncer.Status) { p.mu.Lock(); defer p.mu.Unlock(); p.status = s },
	})
	return p
}

func (p *process) end() { _ = p.driver.Close() }

func (p *process) approve(hash string) {
	p.mu.Lock()
	p.approval = hash
	p.mu.Unlock()
}

func (p *process) now() syncer.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// maxPasses is more than any case needs to settle.
const maxPasses = 60

// settle passes until everything is in step, and moves the clock on whenever there is nothing to do before.
func (p *process) settle() syncer.Status {
	p.t.Helper()
	for range maxPasses {
		wait := p.syncer.Pass(p.t.Context())
		if s := p.now(); s.Synced.OK {
			return s
		}
		p.clock.move(wait)
	}
	p.t.Fatalf("not in step after %d passes: %s", maxPasses, describe(p.now(), p.driver.lastErrors()))
	return syncer.Status{}
}

// passes passes so often, whatever comes of it.
func (p *process) passes(n int) syncer.Status {
	var wait time.Duration
	for range n {
		p.clock.move(wait)
		wait = p.syncer.Pass(p.t.Context())
	}
	return p.now()
}

// touch takes changes in and passes once.
func (p *process) touch(ids ...downstream.ID) syncer.Status {
	p.syncer.Touch(ids...)
	p.syncer.Pass(p.t.Context())
	return p.now()
}

func describe(s syncer.Status, errs []error) string {
	return fmt.Sprintf("plan %+v, reachable %+v, synced %+v, held %v, skipped %v, errors %v", s.Plan, s.Reachable, s.Synced, s.Held, s.Skipped, errs)
}

// sync is a process that brings everything in step and ends.
func (w *world) sync() syncer.Status {
	w.t.Helper()
	p := w.process()
	defer p.end()
	return p.settle()
}

// look reads the system without counting.
func (w *world) look() downstream.Reading {
	w.t.Helper()
	d := w.system.Open(downstream.Options{Pacer: &boundary{}, Timeout: 30 * time.Second})
	defer func() { _ = d.Close() }()
	inv := plan.OpenInventory("sample", w.book.Objects())
	r, err := d.Read(w.t.Context(), downstream.ReadRequest{Kinds: w.policy.Records, Owned: inv.ByRemoteID, Pins: inv.Pins()})
	if err != nil {
		w.t.Fatalf("reading: %v", err)
	}
	for i := range r.Records {
		if f := &r.Records[i]; f.Key == "" {
			if o, ours := inv.ByRemoteID(f.Kind, f.RemoteID); ours {
				f.Key = o.Key
			}
		}
	}
	return r
}

func (w *world) render(r downstream.Record) downstream.Rendered {
	w.t.Helper()
	if w.renderer == nil {
		w.renderer = w.system.Open(downstream.Options{Pacer: &boundary{}, Timeout: 30 * time.Second})
	}
	out, err := w.renderer.Render(r)
	if err != nil {
		w.t.Fatalf("rendering %s: %v", r.Name, err)
	}
	return out
}

// found returns what is there of a record.
func found(r downstream.Reading, id downstream.ID) []downstream.Found {
	var out []downstream.Found
	for _, f := range r.Records {
		if f.Kind == id.Kind && f.Key == id.Key {
			out = append(out, f)
		}
	}
	return out
}

// one returns the one record that is there, nil if the case failed.
func (w *world) one(r downstream.Reading, id downstream.ID) *downstream.Found {
	w.t.Helper()
	if f := found(r, id); len(f) == 1 {
		return &f[0]
	}
	w.t.Errorf("%s is there %d times, want once", id, len(found(r, id)))
	return nil
}

// inStep fails unless the system holds what is wanted, once each, as it should be, and of our own nothing else but the
// records left, which confer nothing.
func (w *world) inStep(left ...downstream.ID) {
	w.t.Helper()
	r := w.look()
	present := map[downstream.ID][]downstream.Found{}
	for _, f := range r.Records {
		id := downstream.ID{Kind: f.Kind, Key: f.Key}
		present[id] = append(present[id], f)
	}
	expected := map[downstream.ID]bool{}
	for _, id := range left {
		expected[id] = true
		for _, f := range present[id] {
			if !f.Inactive {
				w.t.Errorf("%s is still active", id)
			}
		}
	}
	for _, want := range w.org.Records(w.org.IDs(w.policy.Records)) {
		id := want.ID()
		expected[id] = true
		rendered := w.render(want.Record)
		there := present[id]
		if len(there) == 0 && (rendered.Empty || !want.Active) {
			continue
		}
		if len(there) != 1 {
			w.t.Errorf("%s is there %d times, want once", id, len(there))
			continue
		}
		if differs := there[0].Image.Differs(rendered.Image); len(differs) > 0 {
			w.t.Errorf("%s differs in %v", id, differs)
		}
		if there[0].Inactive == want.Active && !rendered.Empty {
			w.t.Errorf("%s: inactive is %v, active wanted is %v", id, there[0].Inactive, want.Active)
		}
	}
	inv := plan.OpenInventory("sample", w.book.Objects())
	for _, f := range r.Records {
		id := downstream.ID{Kind: f.Kind, Key: f.Key}
		if _, ours := inv.Get(id); ours && !expected[id] {
			w.t.Errorf("%s is there and not wanted", id)
		}
	}
}

// mortal is a Keeper that ends with its process: before a write and after it.
type mortal struct {
	book     *Book
	boundary *boundary
}

func (m *mortal) Keep(ctx context.Context, shards []ledger.Shard) error {
	if err := m.boundary.pass(); err != nil {
		return err
	}
	if err := m.book.Keep(ctx, shards); err != nil {
		return err
	}
	return m.boundary.pass()
}

func (w *watched) lastErrors() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := slices.DeleteFunc(slices.Clone(w.errors), func(err error) bool { return err == nil })
	return errs[max(0, len(errs)-5):]
}

func (w *watched) taken() (applies int, changes []downstream.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	applies, changes = w.applies, w.changes
	w.applies, w.changes = 0, nil
	return applies, changes
}

// facade keeps the projection of a driver visible.
func (w *watched) facade() downstream.Driver {
	if p, ok := w.Driver.(downstream.Projector); ok {
		return &watchedProjector{watched: w, Projector: p}
	}
	return w
}

type watchedProjector struct {
	*watched
	downstream.Projector
}
