package drivertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// Organization is what is wanted, said directly: a syncer.Source for tests.
type Organization struct {
	mu      sync.Mutex
	records map[downstream.ID]plan.Wanted
	gone    map[string]plan.Departure
	holders map[string]int
	alarm   bool
	losses  map[string]plan.Loss
	stays   map[string]bool
}

// NewOrganization wants these records.
func NewOrganization(records ...downstream.Record) *Organization {
	o := &Organization{records: map[downstream.ID]plan.Wanted{}, gone: map[string]plan.Departure{}, holders: map[string]int{}, losses: map[string]plan.Loss{}, stays: map[string]bool{}}
	o.Want(records...)
	return o
}

// Want adds and changes records.
func (o *Organization) Want(records ...downstream.Record) []downstream.ID {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []downstream.ID
	for _, r := range records {
		w := o.records[r.ID()]
		w.Record = r
		o.records[r.ID()] = w
		delete(o.gone, r.Key)
		ids = append(ids, r.ID())
	}
	return ids
}

// Remark changes what guards are told of a record.
func (o *Organization) Remark(id downstream.ID, f func(*plan.Wanted)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.records[id]
	f(&w)
	o.records[id] = w
}

// Drop ends wanting records.
func (o *Organization) Drop(ids ...downstream.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		delete(o.records, id)
	}
}

// Depart has a person gone since an instant.
func (o *Organization) Depart(key string, d plan.Departure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone[key] = d
	for _, kind := range downstream.Kinds {
		delete(o.records, downstream.ID{Kind: kind, Key: key})
	}
}

// Holders says how many people hold a role with protectLastHolder.
func (o *Organization) Holders(role string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holders[role] = n
}

// Alarm turns the alarm of the whole organization on and off.
func (o *Organization) Alarm(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.alarm = yes
}

// IDs implements syncer.Source; so do the following methods.
func (o *Organization) IDs(kinds []downstream.Kind) []downstream.ID {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []downstream.ID
	for id := range o.records {
		if slices.Contains(kinds, id.Kind) {
			out = append(out, id)
		}
	}
	return out
}

func (o *Organization) Records(ids []downstream.ID) []plan.Wanted {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []plan.Wanted
	for _, id := range ids {
		if w, ok := o.records[id]; ok {
			out = append(out, w)
		}
	}
	return out
}

func (o *Organization) Wanted(id downstream.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.records[id]
	return ok
}

func (o *Organization) Present(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, w := range o.records {
		if w.Name == name && (id.Kind == downstream.Users || id.Kind == downstream.Access) {
			return true
		}
	}
	return o.stays[name]
}

func (o *Organization) Cause(id downstream.ID) downstream.Cause {
	if id.Kind == downstream.Mentions {
		return downstream.Settled
	}
	return downstream.Inferred
}

// Stay has a Teammate exist who has no record of the identity that was delivered.
func (o *Organization) Stay(names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		o.stays[name] = true
	}
}

func (o *Organization) Situation() plan.Situation {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := plan.Situation{Departed: maps.Clone(o.gone), Holders: maps.Clone(o.holders), Alarm: o.alarm, Counts: map[downstream.Kind]int{}, Since: start}
	for id := range o.records {
		s.Counts[id.Kind]++
	}
	for _, name := range slices.Sorted(maps.Keys(o.losses)) {
		s.Losses = append(s.Losses, o.losses[name])
	}
	return s
}

func (o *Organization) Recall(losses []plan.Loss) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range losses {
		o.losses[l.Teammate] = l
	}
}

// Lost only takes it down: an organization of so few people as tests have would have an alarm at every turn. See Alarm.
func (o *Organization) Lost(teammates []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range teammates {
		o.losses[name] = plan.Loss{Teammate: name, At: start}
	}
}

// Book keeps Ledger objects in memory: a syncer.Keeper for tests.
type Book struct {
	mu      sync.Mutex
	objects map[string]*rollcallv1.Ledger
	writes  int
}

// Keep implements syncer.Keeper.
func (b *Book) Keep(_ context.Context, shards []ledger.Shard) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string]*rollcallv1.Ledger{}
	}
	for _, s := range shards {
		b.writes++
		if s.Object == nil {
			delete(b.objects, s.Name)
		} else {
			b.objects[s.Name] = s.Object.DeepCopy()
		}
	}
	return nil
}

// Objects returns the Ledger as it is.
func (b *Book) Objects() []*rollcallv1.Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.objects))
}

// Writes returns how many objects were written.
func (b *Book) Writes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writes
}

// errCrash stands for the end of a process.
var errCrash = errors.New("the process ends here")

// boundary counts the moments at which a process may die, and lets it die at one of them: from then on nothing works any more.
type boundary struct {
	mu    sync.Mutex
	count int
	waits int // requests
	// at is the moment at which everything ends, 0 for none.
	at   int
	dead bool
	// each is called at every moment that is survived.
	each func()
}

func (b *boundary) pass() error {
	b.mu.Lock()
	b.count++
	if b.at > 0 && b.count >= b.at {
		b.dead = true
	}
	dead, each := b.dead, b.each
	b.mu.Unlock()
	if dead {
		return fmt.Errorf("%w", errCrash)
	}
	if each != nil {
		each()
	}
	return nil
}

func (b *boundary) moments() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// Wait implements downstream.Pacer: every request is a moment.
func (b *boundary) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.mu.Lock()
	b.waits++
	b.mu.Unlock()
	return b.pass()
}

func (b *boundary) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waits
}

// watched is a driver whose calls are counted; the end of a call is a moment too.
type watched struct {
	downstream.Driver
	boundary *boundary

	mu      sync.Mutex
	applies int
	reads   int
	changes []downstream.Change
	errors  []error
}

func (w *watched) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	w.mu.Lock()
	w.reads++
	w.mu.Unlock()
	r, err := w.Driver.Read(ctx, req)
	if err == nil {
		err = w.boundary.pass()
	}
	return r, err
}

func (w *watched) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	out, err := w.Driver.Apply(ctx, req)
	w.mu.Lock()
	w.applies++
	w.changes = append(w.changes, req.Changes...)
	w.errors = append(w.errors, err)
	for i := range out {
		w.errors = append(w.errors, out[i].Err)
	}
	w.mu.Unlock()
	if err == nil {
		err = w.boundary.pass()
	}
	return out, err
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
