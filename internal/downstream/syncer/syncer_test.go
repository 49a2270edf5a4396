package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// bench is a loop over a memory system and what is wanted, said directly.
type bench struct {
	t      *testing.T
	org    *drivertest.Organization
	memory *drivertest.Memory
	book   *drivertest.Book
	now    time.Time
	config syncer.Config
	loop   *syncer.Syncer
	status syncer.Status
	calls  []downstream.Request
}

// seen counts what a driver is asked.
type seen struct {
	downstream.Driver
	bench *bench
	apply func(downstream.Request) ([]downstream.Outcome, error)
}

func (s *seen) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	s.bench.calls = append(s.bench.calls, req)
	if s.apply != nil {
		return s.apply(req)
	}
	return s.Driver.Apply(ctx, req)
}

func lay(t *testing.T, records []downstream.Record, edit ...func(*bench)) *bench {
	b := &bench{t: t, org: drivertest.NewOrganization(records...), memory: drivertest.NewMemory(), book: &drivertest.Book{}, now: monday}
	b.config = syncer.Config{
		Policy: plan.PolicyOf(&rollcallv1.DownstreamSpec{Mode: rollcallv1.DownstreamModeFull, Records: []rollcallv1.RecordKind{"Users", "Groups", "Access", "Routes", "Mentions"}}),
		Source: b.org, Keeper: b.book, Random: func() float64 { return 0 }, Now: func() time.Time { return b.now },
		Approval: func() string { return "" }, Report: func(s syncer.Status) { b.status = s },
	}
	for _, f := range edit {
		f(b)
	}
	b.start()
	return b
}

func (b *bench) start() {
	if b.config.Driver == nil {
		b.config.Driver = &seen{Driver: b.memory.Driver(downstream.Options{}), bench: b}
	}
	b.config.Inventory = plan.OpenInventory("d", b.book.Objects())
	b.loop = syncer.New(b.config)
}

func (b *bench) pass() time.Duration { return b.loop.Pass(b.t.Context()) }

func people(n int) (out []downstream.Record) {
	for i := range n {
		user, _ := drivertest.Person(fmt.Sprintf("p%03d", i), true)
		out = append(out, user)
	}
	return out
}

// Safety 13: one bad record among many is found by halving, named, and left alone until it changes; all others are applied.
func TestBadRecord(t *testing.T) {
	b := lay(t, people(256), func(b *bench) { b.memory.Caps.Atomic, b.memory.Caps.BatchSize = true, 0 })
	b.memory.Refuse("p100", true)
	b.pass()
	if n := len(b.memory.Rows()); n != 255 {
		t.Errorf("%d of 255 good records are there", n)
	}
	if n := len(b.calls); n > 2*8+1 {
		t.Errorf("one bad record among 256 cost %d calls", n)
	}
	if b.status.Synced.OK || len(b.status.Skipped) != 1 || b.status.Skipped[0].Name != "p100" || b.status.Skipped[0].Code != "422" {
		t.Errorf("synced %+v, skipped %v", b.status.Synced, b.status.Skipped)
	}
	b.calls = nil
	user, _ := drivertest.Person("p001", false)
	b.loop.Touch(b.org.Want(user)...)
	b.pass()
	if len(b.calls) != 1 || len(b.calls[0].Changes) != 1 {
		t.Errorf("a change of another record made %d calls", len(b.calls))
	}
	b.calls, b.now = nil, b.now.Add(10*time.Minute)
	b.pass()
	if len(b.calls) != 1 || len(b.calls[0].Changes) != 1 {
		t.Errorf("the bad record cost %d calls at the next reading", len(b.calls))
	}
	b.memory.Refuse("p100", false)
	b.now = b.now.Add(10 * time.Minute)
	b.pass()
	if !b.status.Synced.OK {
		t.Errorf("healed: %+v", b.status)
	}
}

func TestBatchTooLarge(t *testing.T) {
	b := lay(t, people(100), func(b *bench) {
		b.memory.Caps.BatchSize = 0
		driver := &seen{Driver: b.memory.Driver(downstream.Options{}), bench: b}
		driver.apply = func(req downstream.Request) ([]downstream.Outcome, error) {
			if len(req.Changes) > 30 {
				return nil, downstream.NewError(downstream.TooLarge, "413", nil)
			}
			return driver.Driver.Apply(b.t.Context(), req)
		}
		b.config.Driver = driver
	})
	b.pass()
	if !b.status.Synced.OK || len(b.memory.Rows()) != 100 {
		t.Errorf("%d records, %+v", len(b.memory.Rows()), b.status.Synced)
	}
}

// Safety 14: what each sort of failure leads to.
func TestFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		err              error
		least, most      time.Duration
		reason           string
		anotherCallAfter bool
	}{
		"unavailable":         {downstream.NewError(downstream.Unavailable, "503", nil), 500 * time.Millisecond, time.Second, rollcallv1.ReasonConnectionFailed, false},
		"any error":           {errors.New("connection reset by 10.0.0.7, password hunter2"), 500 * time.Millisecond, time.Second, rollcallv1.ReasonConnectionFailed, false},
		"throttled":           {&downstream.Error{Class: downstream.Throttled, Code: "429", RetryAfter: 77 * time.Second}, 77 * time.Second, 77 * time.Second, rollcallv1.ReasonConnectionFailed, false},
		"refused credentials": {downstream.NewError(downstream.Unauthorized, "401", nil), 2 * time.Minute, time.Hour, rollcallv1.ReasonAuthenticationFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := lay(t, people(3))
			b.memory.Fail(tc.err)
			wait := b.pass()
			if wait < tc.least || wait > tc.most {
				t.Errorf("tried again after %v, want %v to %v", wait, tc.least, tc.most)
			}
			if b.status.Reachable.Reason != tc.reason || b.status.Synced.OK {
				t.Errorf("reachable %+v, synced %+v", b.status.Reachable, b.status.Synced)
			}
			if text := fmt.Sprintf("%+v", b.status); contains(text, "hunter2") || contains(text, "10.0.0.7") {
				t.Errorf("the status holds what the system said: %s", text)
			}
			before := b.memory.Requests()
			b.loop.Touch(b.org.Want(people(4)...)...)
			b.now = b.now.Add(wait - time.Millisecond)
			b.pass()
			if n := b.memory.Requests() - before; n > 0 {
				t.Errorf("%d requests before it is time", n)
			}
			b.now = b.now.Add(time.Millisecond)
			b.pass()
			if !b.status.Synced.OK || !b.status.Reachable.OK {
				t.Errorf("afterwards: %+v", b.status)
			}
		})
	}
}

func contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

func TestBackoffGrows(t *testing.T) {
	b := lay(t, people(1), func(b *bench) { b.config.Random = func() float64 { return 0.999999 } })
	var last time.Duration
	for i := range 14 {
		b.memory.Fail(downstream.NewError(downstream.Unavailable, "503", nil))
		wait := b.pass()
		if wait < last || wait > 5*time.Minute {
			t.Errorf("attempt %d: %v after %v", i, wait, last)
		}
		last = wait
		b.now = b.now.Add(wait)
	}
	if last < 4*time.Minute {
		t.Errorf("the last wait is %v", last)
	}
	b.pass()
	b.memory.Fail(downstream.NewError(downstream.Unavailable, "503", nil))
	b.loop.Resync()
	if wait := b.pass(); wait > time.Second {
		t.Errorf("after a success the first wait is %v", wait)
	}
}

// A failure in the middle of a plan loses nothing, and reads everything again only where nobody knows what happened.
func TestFailureInTheMiddle(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(*drivertest.Memory)
		err     error
		reads   bool
	}{
		"throttled":                       {func(*drivertest.Memory) {}, downstream.NewError(downstream.Throttled, "429", nil), false},
		"no answer":                       {func(*drivertest.Memory) {}, downstream.NewError(downstream.Unavailable, "", nil), true},
		"no answer, records found by key": {func(m *drivertest.Memory) { m.Caps.Natural = true }, downstream.NewError(downstream.Unavailable, "", nil), false},
		"no answer to a transaction":      {func(m *drivertest.Memory) { m.Caps.Atomic = true }, downstream.NewError(downstream.Unavailable, "", nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := lay(t, people(25), func(b *bench) { tc.prepare(b.memory) })
			faults := []error{nil, nil, nil, nil, nil} // the readings
			if b.memory.Caps.Atomic {
				faults = append(faults, nil, tc.err)
			} else {
				for range 12 {
					faults = append(faults, nil)
				}
				faults = append(faults, tc.err)
			}
			b.memory.Fail(faults...)
			b.now = b.now.Add(b.pass())
			before := b.memory.Requests()
			there := len(b.memory.Rows())
			b.pass()
			if !b.status.Synced.OK || len(b.memory.Rows()) != 25 {
				t.Fatalf("%d records, %+v", len(b.memory.Rows()), b.status)
			}
			least := 25 - there
			if b.memory.Caps.Atomic {
				least = (25 - there + 9) / 10
			}
			if read := b.memory.Requests()-before > least; read != tc.reads {
				t.Errorf("%d requests for the %d records that were missing", b.memory.Requests()-before, 25-there)
			}
		})
	}
}

// The Ledger learns of a record before it is made; if it cannot, nothing is made.
func TestIntentComesFirst(t *testing.T) {
	var keeper failing
	b := lay(t, people(3), func(b *bench) {
		keeper.Book = b.book
		b.config.Keeper = &keeper
	})
	keeper.fail.Store(true)
	b.now = b.now.Add(b.pass())
	if n := len(b.memory.Rows()); n > 0 {
		t.Errorf("%d records were made that the Ledger does not know", n)
	}
	if !b.status.Reachable.OK || b.status.Synced.OK {
		t.Errorf("the system is blamed for the Ledger: %+v", b.status)
	}
	keeper.fail.Store(false)
	b.pass()
	if !b.status.Synced.OK || len(b.memory.Rows()) != 3 {
		t.Errorf("afterwards: %+v", b.status)
	}
}

type failing struct {
	*drivertest.Book
	fail atomic.Bool
}

func (f *failing) Keep(ctx context.Context, shards []ledger.Shard) error {
	if f.fail.Load() {
		return errors.New("the API server is away")
	}
	return f.Book.Keep(ctx, shards)
}

// S-135: a system that announces takes those who exist at first as announced; later changes go out.
func TestBaseline(t *testing.T) {
	b := lay(t, people(50), func(b *bench) {
		b.memory.Caps.WriteOnly, b.memory.Caps.Baseline = true, true
	})
	b.pass()
	if len(b.calls) > 0 || !b.status.Synced.OK || b.status.Owned[downstream.Users] != 50 {
		t.Errorf("%d calls, %+v", len(b.calls), b.status)
	}
	user, _ := drivertest.Person("p007", true)
	user.Content.(*downstream.User).Invitation.Token = "again"
	b.loop.Touch(b.org.Want(user)...)
	b.pass()
	if len(b.calls) != 1 || len(b.calls[0].Changes) != 1 || b.calls[0].Changes[0].Op != downstream.Update {
		t.Errorf("a new token made %d calls", len(b.calls))
	}
	b.calls = nil
	b.start()
	b.pass()
	fresh, _ := drivertest.Person("new", true)
	b.loop.Touch(b.org.Want(fresh)...)
	b.pass()
	if len(b.calls) != 1 || len(b.calls[0].Changes) != 1 || b.calls[0].Changes[0].Op != downstream.Create {
		t.Errorf("after a restart: %d calls", len(b.calls))
	}
	// Without its Ledger everybody counts as announced again.
	b.calls, b.book = nil, &drivertest.Book{}
	b.config.Keeper = b.book
	b.start()
	b.pass()
	if len(b.calls) > 0 {
		t.Errorf("the Ledger was lost, and %d calls were made", len(b.calls))
	}
}

// Pins are taken at the first reading; another store in their place stops everything.
func TestPins(t *testing.T) {
	store := "first"
	b := lay(t, people(2), func(b *bench) {
		b.config.Driver = &pinned{Driver: b.memory.Driver(downstream.Options{}), store: &store}
	})
	b.pass()
	if !b.status.Synced.OK {
		t.Fatalf("%+v", b.status)
	}
	store = "second"
	b.start()
	rows := b.memory.Rows()
	b.org.Drop(people(1)[0].ID())
	b.pass()
	if b.status.Synced.OK || len(b.memory.Rows()) != len(rows) {
		t.Errorf("another store was written to: %+v", b.status)
	}
}

// What the driver itself renewed is pinned anew, and compared from then on.
func TestRenewedPins(t *testing.T) {
	store := "first"
	driver := &pinned{store: &store}
	b := lay(t, people(2), func(b *bench) {
		driver.Driver = b.memory.Driver(downstream.Options{})
		b.config.Driver = driver
	})
	b.pass()
	store, driver.renewed = "second", true
	b.start()
	b.pass()
	driver.renewed = false
	b.start()
	if b.pass(); !b.status.Synced.OK {
		t.Errorf("what was renewed is not pinned: %+v", b.status)
	}
	store = "third"
	b.start()
	if b.pass(); b.status.Synced.OK {
		t.Errorf("what was renewed is not compared any more: %+v", b.status)
	}
}

type pinned struct {
	downstream.Driver
	store   *string
	renewed bool
}

func (p *pinned) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	r, err := p.Driver.Read(ctx, req)
	r.Pins.StoreID, r.Renewed = *p.store, p.renewed
	return r, err
}

// A driver in which one record depends on others sees all of them, and what it makes of the others is delivered too.
func TestProjection(t *testing.T) {
	user, access := drivertest.Person("ana", true)
	b := lay(t, []downstream.Record{user, access, drivertest.Group("quebecois", "ana"), drivertest.Group("other")}, func(b *bench) {
		b.config.Driver = &counting{seen: &seen{Driver: b.memory.Driver(downstream.Options{}), bench: b}}
	})
	b.pass()
	describe := func() string {
		for _, r := range b.memory.Rows() {
			if r.Kind == downstream.Groups && r.Key == "quebecois" {
				return r.Image["description"]
			}
		}
		return ""
	}
	if got := describe(); got != `"1"` || !b.status.Synced.OK {
		t.Fatalf("the group says %s, %+v", got, b.status)
	}
	b.calls = nil
	_, archived := drivertest.Person("ana", false)
	b.loop.Touch(b.org.Want(archived)...)
	b.pass()
	if got := describe(); got != `"0"` {
		t.Errorf("the group says %s", got)
	}
	changed := 0
	for _, c := range b.calls {
		changed += len(c.Changes)
	}
	if changed != 2 {
		t.Errorf("%d changes, want the access and the group", changed)
	}
	b.start()
	b.calls = nil
	b.pass()
	if len(b.calls) > 0 {
		t.Errorf("a restart makes %d calls", len(b.calls))
	}
}

// counting writes into every group how many people have access through it.
type counting struct{ *seen }

func (counting) Projection() downstream.Projection {
	return &count{records: map[downstream.ID]downstream.Record{}}
}

type count struct {
	records map[downstream.ID]downstream.Record
}

func (c *count) Update(changed []downstream.Record, gone []downstream.ID) []downstream.Record {
	before := map[downstream.ID]string{}
	groups := func() (out []downstream.Record) {
		for id := range c.records {
			if id.Kind == downstream.Groups {
				r, _ := c.Record(id)
				out = append(out, r)
			}
		}
		return out
	}
	for _, r := range groups() {
		before[r.ID()] = r.Content.(*downstream.Group).Description
	}
	for _, r := range changed {
		c.records[r.ID()] = r
	}
	for _, id := range gone {
		delete(c.records, id)
	}
	out := changed
	for _, r := range groups() {
		if before[r.ID()] != r.Content.(*downstream.Group).Description {
			out = append(out, r)
		}
	}
	return out
}

func (c *count) Record(id downstream.ID) (downstream.Record, bool) {
	r, ok := c.records[id]
	g, isGroup := r.Content.(*downstream.Group)
	if !ok || !isGroup {
		return r, ok
	}
	n := 0
	for _, other := range c.records {
		if a, ok := other.Content.(*downstream.AccessGrants); ok && slices.Contains(a.Groups, r.Name) {
			n++
		}
	}
	d := *g
	d.Description = fmt.Sprint(n)
	r.Content = &d
	return r, true
}

// Each Downstream is an island: one whose system hangs delays no other, and ends with its context.
func TestIslands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		org := drivertest.NewOrganization(people(3)...)
		hung := drivertest.NewMemory()
		well := drivertest.NewMemory()
		loops := map[*drivertest.Memory]*syncer.Syncer{}
		for m, pacer := range map[*drivertest.Memory]downstream.Pacer{hung: forever{}, well: nil} {
			loops[m] = syncer.New(syncer.Config{
				Driver: m.Driver(downstream.Options{Pacer: pacer}), Policy: plan.PolicyOf(&rollcallv1.DownstreamSpec{Mode: "Full", Records: []rollcallv1.RecordKind{"Users"}}),
				Source: org, Keeper: &drivertest.Book{}, Inventory: plan.OpenInventory("d", nil), Random: func() float64 { return 0 }, Now: time.Now,
				Approval: func() string { return "" },
			})
			go loops[m].Run(ctx)
		}
		synctest.Wait()
		began := time.Now()
		user, _ := drivertest.Person("new", true)
		ids := org.Want(user)
		for _, l := range loops {
			l.Touch(ids...)
		}
		synctest.Wait()
		if n := len(well.Rows()); n != 4 || time.Since(began) > 0 {
			t.Errorf("%d records after %v", n, time.Since(began))
		}
		if n := len(hung.Rows()); n != 0 {
			t.Errorf("the hung system has %d records", n)
		}
		cancel()
		synctest.Wait()
	})
}

type forever struct{}

func (forever) Wait(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }

// A loop goes on by itself: after a failure, at a grace's end, and at every interval.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		org, m := drivertest.NewOrganization(people(3)...), drivertest.NewMemory()
		loop := syncer.New(syncer.Config{
			Driver: m.Driver(downstream.Options{}), Policy: plan.PolicyOf(&rollcallv1.DownstreamSpec{Mode: "Full", Records: []rollcallv1.RecordKind{"Users"}}),
			Source: org, Keeper: &drivertest.Book{}, Inventory: plan.OpenInventory("d", nil), Random: func() float64 { return 0 }, Now: time.Now,
			Approval: func() string { return "" },
		})
		m.Fail(downstream.NewError(downstream.Unavailable, "", nil))
		go loop.Run(ctx)
		<-time.After(2 * time.Second)
		synctest.Wait()
		if n := len(m.Rows()); n != 3 {
			t.Errorf("%d records after a failure", n)
		}
		gone := people(1)[0]
		org.Depart(gone.Key, plan.Departure{Name: gone.Name, Since: time.Now(), Observed: true})
		loop.Touch(gone.ID())
		<-time.After(2*time.Minute - time.Second)
		synctest.Wait()
		active := func() (n int) {
			for _, r := range m.Rows() {
				if !r.Inactive {
					n++
				}
			}
			return n
		}
		if n := active(); n != 3 {
			t.Errorf("a second before the grace ends %d are active", n)
		}
		<-time.After(2 * time.Second)
		synctest.Wait()
		if n := active(); n != 2 {
			t.Errorf("after the grace %d are active", n)
		}
		m.Edit(people(2)[1].ID(), func(r *drivertest.Row) bool { r.Image["displayName"] = "drifted"; return true })
		<-time.After(11 * time.Minute)
		synctest.Wait()
		for _, r := range m.Rows() {
			if r.Image["displayName"] == "drifted" {
				t.Error("drift was not corrected at the next interval")
			}
		}
	})
}

// Safety 14: Downstreams that speak to one system as one account share its rate, and its wish to be left alone.
func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		buckets := syncer.NewBuckets()
		a := buckets.Take("https://x.example", "fingerprint", "a", syncer.Rate{QPS: 10, Burst: 1})
		b := buckets.Take("https://x.example", "fingerprint", "b", syncer.Rate{QPS: 5, Burst: 1})
		if a != b {
			t.Error("two Downstreams of one account have two buckets")
		}
		if other := buckets.Take("https://x.example", "another", "c", syncer.Rate{}); other == a {
			t.Error("two accounts have one bucket")
		}
		wait := func(n int) time.Duration {
			began := time.Now()
			for range n {
				if err := a.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		if d := wait(11); d < 2*time.Second || d > 2100*time.Millisecond {
			t.Errorf("11 requests at 5 a second took %v", d)
		}
		b.Pause(time.Now().Add(30 * time.Second))
		if d := wait(1); d < 30*time.Second {
			t.Errorf("a request was made after %v, though the system wants to be left alone for 30 s", d)
		}
		buckets.Give(b, "b")
		wait(1)
		if d := wait(10); d < 900*time.Millisecond || d > 1100*time.Millisecond {
			t.Errorf("10 requests at 10 a second took %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a.Pause(time.Now().Add(time.Hour))
		if err := a.Wait(ctx); err == nil {
			t.Error("waiting goes on after its context ended")
		}
	})
}
