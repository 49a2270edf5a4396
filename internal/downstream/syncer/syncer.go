package syncer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// Source is where the wanted records come from. Its methods may be called at any time; they do not wait for anybody but the
// computation of the organization.
type Source interface {
	// IDs returns the identities of all wanted records of the kinds, in any order.
	IDs(kinds []downstream.Kind) []downstream.ID
	// Records returns those of the identities that are wanted.
	Records(ids []downstream.ID) []plan.Wanted
	// Wanted reports whether a record of that identity is wanted.
	Wanted(id downstream.ID) bool
	// Present reports whether a Teammate of that name exists.
	Present(name string) bool
	// Cause says why a record that is not of a person is not wanted.
	Cause(id downstream.ID) downstream.Cause
	// Situation is what the guards must know of the organization now.
	Situation() plan.Situation
	// Recall tells what an inventory remembers of people who lost their access (Losses.Recall).
	Recall(losses []plan.Loss)
	// Lost tells of people who are about to lose their access without anybody having seen why (plan.Lost).
	Lost(teammates []string)
}

// Keeper writes Ledger objects. All of them are written when it returns nil; otherwise any of them may be.
type Keeper interface {
	Keep(ctx context.Context, shards []ledger.Shard) error
}

// Config is what a loop works with.
type Config struct {
	Driver    downstream.Driver
	Policy    plan.Policy
	Source    Source
	Keeper    Keeper
	Inventory *plan.Inventory
	// Bucket is told when the system asks to be left alone; nil: nobody is.
	Bucket *Bucket
	// Random returns numbers in [0, 1), for jitter.
	Random func() float64
	Now    func() time.Time
	// Approval returns the value of the annotation approve-removals.
	Approval func() string
	// Report is called after every pass in which the status changed, and after the first.
	Report func(Status)
	// Passed is called after every pass; may be nil.
	Passed func(Passed)
	// Confirmed is called after a reading with the keys of people whose account is in use over there; may be nil.
	Confirmed func(keys []string)
	// Self says whether a record is the identity that the operator acts under, beside those that the driver tells; may be nil.
	Self func(*plan.Step) bool
}

// Passed is what one pass was like.
type Passed struct {
	// Full: everything was compared.
	Full bool
	At   time.Time
	Took time.Duration
	Err  error
}

// chunk is how many records are taken from the source at once: it is locked meanwhile.
const chunk = 256

// Syncer is the loop of one Downstream.
type Syncer struct {
	Config
	guard   *plan.Guard
	breaker breaker
	project downstream.Projection

	mu       sync.Mutex
	queue    map[downstream.ID]struct{}
	again    bool // read everything
	anew     bool // and review it
	suspend  bool
	leaving  bool
	replaced *plan.Policy
	wake     chan struct{}

	// Memory of the loop, for its goroutine alone.
	primed    bool // the projection holds everything
	reviewed  bool // what happened before this loop began was told to the organization
	lastFull  time.Time
	complete  map[downstream.Kind]bool
	self      map[string]struct{}
	foreign   plan.Foreign
	open      map[downstream.ID]plan.Step
	aside     map[downstream.ID]aside
	clashes   map[downstream.ID]plan.Clash
	bad       map[downstream.ID]plan.Bad
	drifted   map[downstream.ID]plan.Drift
	waiting   map[downstream.ID]struct{}
	verdict   plan.Verdict
	alarm     bool
	failure   error
	compared  bool // this pass knows what is there
	doubt     bool // nobody knows what the last call left behind
	unmade    map[downstream.ID]struct{}
	conflicts map[downstream.ID]int
	due       time.Time // when graces end, and of what
	postponed []downstream.ID
	limit     int // batches are no larger, because one was refused; 0: as the driver says
	reported  *Status
}

// aside is a record that the system refused: it does not come again before it changes, or everything is read anew.
type aside struct {
	hash string
	name string
	err  error
}

// New returns a loop that has not begun.
func New(c Config) *Syncer {
	s := &Syncer{
		Config: c, guard: plan.NewGuard(), breaker: breaker{random: c.Random}, queue: map[downstream.ID]struct{}{}, again: true,
		wake: make(chan struct{}, 1), complete: map[downstream.Kind]bool{}, self: map[string]struct{}{},
		unmade: map[downstream.ID]struct{}{}, conflicts: map[downstream.ID]int{},
	}
	s.clear()
	if p, ok := c.Driver.(downstream.Projector); ok {
		s.project = p.Projection()
	}
	return s
}

func (s *Syncer) clear() {
	s.open, s.clashes, s.bad = map[downstream.ID]plan.Step{}, map[downstream.ID]plan.Clash{}, map[downstream.ID]plan.Bad{}
	s.drifted, s.waiting, s.aside = map[downstream.ID]plan.Drift{}, map[downstream.ID]struct{}{}, map[downstream.ID]aside{}
}

// Touch has the loop look at records that changed, or are gone. It never blocks.
func (s *Syncer) Touch(ids ...downstream.ID) {
	s.mu.Lock()
	for _, id := range ids {
		s.queue[id] = struct{}{}
	}
	s.mu.Unlock()
	s.Wake()
}

// Wake has the loop look at what time or an approval changed.
func (s *Syncer) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Review has the loop begin anew, as after a restart: what changed may not have been seen as changes.
func (s *Syncer) Review() {
	s.mu.Lock()
	s.anew = true
	s.mu.Unlock()
	s.Resync()
}

// Resync has the loop read everything again.
func (s *Syncer) Resync() {
	s.mu.Lock()
	s.again = true
	s.mu.Unlock()
	s.Wake()
}

// SetPolicy changes the policy, from the next pass on.
func (s *Syncer) SetPolicy(p plan.Policy) {
	s.mu.Lock()
	s.replaced, s.again = &p, true
	s.mu.Unlock()
	s.Wake()
}

// Suspend stops and resumes everything: nothing is read or written meanwhile.
func (s *Syncer) Suspend(yes bool) {
	s.mu.Lock()
	if s.suspend != yes {
		s.suspend, s.again = yes, true
	}
	s.mu.Unlock()
	s.Wake()
}

// Leave has the loop remove all that is owned, once that is approved (R-19, onDelete: Remove). Status.Left says when nothing
// is owned any more.
func (s *Syncer) Leave() {
	s.mu.Lock()
	s.leaving, s.again = true, true
	s.mu.Unlock()
	s.Wake()
}

// Run passes until the context ends.
func (s *Syncer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		timer := time.NewTimer(s.Pass(ctx))
		s.pause(ctx, timer)
		timer.Stop()
	}
}

// pause waits for the next pass. While the breaker is open, what is touched waits too.
func (s *Syncer) pause(ctx context.Context, timer *time.Timer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-s.wake:
			if !s.breaker.open(s.Now()) {
				return
			}
		}
	}
}

// assignment is what one pass is about.
type assignment struct {
	full, leaving bool
	touched       []downstream.ID
}

// take begins a pass: what comes later is for the next one.
func (s *Syncer) take(now time.Time) (assignment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suspend {
		return assignment{}, false
	}
	if s.replaced != nil {
		s.Policy, s.replaced = *s.replaced, nil
	}
	a := assignment{leaving: s.leaving}
	a.full = s.again || s.leaving || s.lastFull.IsZero() || now.Sub(s.lastFull) >= s.Policy.Resync
	if !s.due.IsZero() && !now.Before(s.due) {
		a.touched, s.postponed, s.due = s.postponed, nil, time.Time{}
	}
	for id := range s.queue {
		a.touched = append(a.touched, id)
	}
	s.reviewed = s.reviewed && !s.anew
	s.queue, s.again, s.anew = map[downstream.ID]struct{}{}, false, false
	return a, true
}

// give puts back what a pass could not do.
func (s *Syncer) give(a assignment, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again = s.again || again
	for _, id := range a.touched {
		s.queue[id] = struct{}{}
	}
	for id, step := range s.open {
		s.queue[id] = struct{}{}
		// What drifted looks right by what was delivered last: only a reading shows it.
		s.again = s.again || step.Drift
	}
}

// Pass does what there is to do now and returns how long to wait for more.
func (s *Syncer) Pass(ctx context.Context) time.Duration {
	now := s.Now()
	if s.breaker.open(now) {
		return s.breaker.until.Sub(now)
	}
	a, ok := s.take(now)
	if !ok {
		return s.Policy.Resync
	}
	s.compared, s.doubt = false, false
	begun := now
	err := s.pass(ctx, now, a)
	now = s.Now()
	if s.Passed != nil && ctx.Err() == nil {
		s.Passed(Passed{Full: a.full, At: now, Took: now.Sub(begun), Err: err})
	}
	var wait time.Duration
	switch {
	case ctx.Err() != nil:
		s.give(a, true)
		return 0
	case err != nil:
		s.failure = err
		until := s.breaker.fail(now, err)
		if s.Bucket != nil && downstream.ClassOf(err) == downstream.Throttled {
			s.Bucket.Pause(until)
		}
		s.give(a, a.full && !s.compared || s.doubt)
		wait = until.Sub(now)
	default:
		s.failure = nil
		s.breaker.succeed()
		wait = s.untilDue(now)
	}
	s.report()
	return max(wait, 0)
}

// untilDue is how long nothing needs to be looked at by itself: until everything is read again, a grace ends, or an approval
// lapses.
func (s *Syncer) untilDue(now time.Time) time.Duration {
	s.mu.Lock()
	again := s.again
	s.mu.Unlock()
	if again {
		return firstRetry
	}
	wait := s.lastFull.Add(s.Policy.Resync).Sub(now)
	if !s.due.IsZero() {
		wait = min(wait, s.due.Sub(now))
	}
	if at := s.verdict.ApprovedAt; !at.IsZero() && s.guard.Releasing(s.Inventory) {
		wait = min(wait, at.Add(plan.ApprovalLength).Sub(now))
	}
	return wait
}

func (s *Syncer) pass(ctx context.Context, now time.Time, a assignment) (err error) {
	in := plan.Input{
		Policy: s.Policy, Capabilities: s.Driver.Capabilities(), Inventory: s.Inventory, Full: a.full, Foreign: s.foreign,
		Wanted: s.Source.Wanted, Present: s.Source.Present, Cause: s.Source.Cause, Unmade: s.unmade,
	}
	if a.full && !in.Capabilities.WriteOnly {
		if in.Reading, err = s.read(ctx); err != nil {
			return err
		}
	}
	if !s.reviewed {
		s.Source.Recall(s.Inventory.Losses())
	}
	s.situate(&in, now)
	if a.full {
		s.gatherAll(&in, a)
	} else {
		s.gather(&in, a.touched)
	}
	if a.full && s.baseline(&in) {
		return s.keep(ctx)
	}
	p := s.compare(in, a)
	s.review(&in, a, p)
	s.verdict = s.guard.Judge(s.question(in, p))
	if err := s.carryOut(ctx, in); err != nil || !p.Again || len(s.verdict.Go) == 0 {
		return err
	}
	s.Resync()
	return nil
}

// situate asks what the guards must know, and has the inventory remember what must outlast a restart.
func (s *Syncer) situate(in *plan.Input, now time.Time) {
	in.Situation = s.Source.Situation()
	in.Situation.Now, s.alarm = now, in.Situation.Alarm
	s.Inventory.NoteLosses(in.Situation.Losses)
}

// review tells the organization once what nobody saw happen, because the operator was down or computed everything anew.
func (s *Syncer) review(in *plan.Input, a assignment, p plan.Plan) {
	if s.reviewed || !a.full || a.leaving {
		return
	}
	s.reviewed = true
	if lost := plan.Lost(s.question(*in, p)); len(lost) > 0 {
		s.Source.Lost(lost)
		s.situate(in, in.Situation.Now)
	}
}

// read reads the system, and compares what is pinned.
func (s *Syncer) read(ctx context.Context) (*downstream.Reading, error) {
	kinds := slices.DeleteFunc(slices.Clone(s.Policy.Records), func(k downstream.Kind) bool {
		return !slices.Contains(s.Driver.Capabilities().Kinds, k)
	})
	reading, err := s.Driver.Read(ctx, downstream.ReadRequest{Kinds: kinds, Owned: s.Inventory.ByRemoteID, Pins: s.Inventory.Pins()})
	if err != nil {
		return nil, fmt.Errorf("reading everything: %w", err)
	}
	switch pins := s.Inventory.Pins(); {
	case pins == (downstream.Pins{}), pins != reading.Pins && reading.Renewed:
		s.Inventory.Pin(reading.Pins)
	case pins != reading.Pins:
		return nil, downstream.NewError(downstream.PinChanged, "", nil)
	}
	clear(s.complete)
	for _, k := range reading.Complete {
		s.complete[k] = true
	}
	clear(s.self)
	for _, id := range reading.Self {
		s.self[id] = struct{}{}
	}
	if s.Confirmed != nil {
		var keys []string
		for i := range reading.Records {
			if f := &reading.Records[i]; f.Kind == downstream.Users && f.Confirmed && f.Key != "" {
				keys = append(keys, f.Key)
			}
		}
		if len(keys) > 0 {
			s.Confirmed(keys)
		}
	}
	return &reading, nil
}

// gatherAll renders everything that is wanted.
func (s *Syncer) gatherAll(in *plan.Input, a assignment) {
	in.Items = map[downstream.ID]plan.Item{}
	if a.leaving {
		return
	}
	ids := s.Source.IDs(s.Policy.Records)
	wanted := make(map[downstream.ID]plan.Wanted, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		for _, w := range s.Source.Records(part) {
			wanted[w.ID()] = w
		}
	}
	if s.project != nil {
		s.reproject(wanted)
	}
	for id, w := range wanted {
		in.Items[id] = s.render(w)
	}
	s.noteEnds(in)
}

// reproject gives the projection everything, and takes what it makes of it.
func (s *Syncer) reproject(wanted map[downstream.ID]plan.Wanted) {
	p := s.Driver.(downstream.Projector)
	s.project = p.Projection()
	records := make([]downstream.Record, 0, len(wanted))
	for _, w := range wanted {
		records = append(records, w.Record)
	}
	slices.SortFunc(records, func(a, b downstream.Record) int { return a.ID().Compare(b.ID()) })
	s.project.Update(records, nil)
	for id, w := range wanted {
		if r, ok := s.project.Record(id); ok {
			w.Record = r
			wanted[id] = w
		}
	}
	s.primed = true
}

// gather renders what was touched, and what a projection makes of others because of it.
func (s *Syncer) gather(in *plan.Input, touched []downstream.ID) {
	in.Items = map[downstream.ID]plan.Item{}
	touched = slices.DeleteFunc(slices.Clone(touched), func(id downstream.ID) bool { return !slices.Contains(s.Policy.Records, id.Kind) })
	wanted := map[downstream.ID]plan.Wanted{}
	s.fetch(wanted, touched)
	if s.project != nil && s.primed {
		var changed []downstream.Record
		var gone []downstream.ID
		for _, id := range touched {
			if w, ok := wanted[id]; ok {
				changed = append(changed, w.Record)
			} else {
				gone = append(gone, id)
			}
		}
		var others []downstream.ID
		for _, r := range s.project.Update(changed, gone) {
			if _, ok := wanted[r.ID()]; !ok {
				others = append(others, r.ID())
			}
		}
		s.fetch(wanted, others)
		touched = append(touched, others...)
		for id, w := range wanted {
			if r, ok := s.project.Record(id); ok {
				w.Record = r
				wanted[id] = w
			}
		}
	}
	for id, w := range wanted {
		in.Items[id] = s.render(w)
	}
	in.Touched = touched
	s.noteEnds(in)
}

func (s *Syncer) fetch(into map[downstream.ID]plan.Wanted, ids []downstream.ID) {
	for part := range slices.Chunk(ids, chunk) {
		for _, w := range s.Source.Records(part) {
			into[w.ID()] = w
		}
	}
}

func (s *Syncer) render(w plan.Wanted) plan.Item {
	item := plan.Item{Wanted: w}
	item.Rendered, item.Err = s.Driver.Render(w.Record)
	if item.Err == nil {
		item.Hash = item.Rendered.Image.Hash()
	}
	return item
}

// noteEnds remembers when each end of a window was first seen.
func (s *Syncer) noteEnds(in *plan.Input) {
	still := map[string]map[int64]struct{}{}
	for id, item := range in.Items {
		if id.Kind != downstream.Users && id.Kind != downstream.Access || still[id.Key] != nil {
			continue
		}
		still[id.Key] = map[int64]struct{}{}
		for _, at := range item.Ends {
			still[id.Key][at.Unix()] = struct{}{}
		}
		s.Inventory.SeeEnds(in.Situation.Now, id.Key, item.Ends)
	}
	if !in.Full {
		return
	}
	s.Inventory.KeepEnds(in.Situation.Now, func(key string, until time.Time) bool {
		_, kept := still[key][until.Unix()]
		return kept
	})
}

// baselinePin is pinned in the inventory of a system to which everybody who was there at first counts as announced.
const baselinePin = "baseline"

// baseline records at the first synchronization of a system that only announces that all there is was announced (R-20,
// Invitations).
func (s *Syncer) baseline(in *plan.Input) bool {
	if !in.Capabilities.Baseline || s.Inventory.Pins().StoreID == baselinePin || s.Policy.Mode == "Observe" {
		return false
	}
	for _, item := range in.Items {
		if item.Err == nil {
			s.Inventory.Set(downstream.Owned{Kind: item.Kind, Key: item.Key, Name: item.Name, Hash: item.Hash, Inactive: !item.Active, Protected: item.Protected != ""})
		}
	}
	s.Inventory.Pin(downstream.Pins{StoreID: baselinePin})
	s.lastFull = in.Situation.Now
	return true
}

// compare makes the plan and takes it into the memory of the loop.
func (s *Syncer) compare(in plan.Input, a assignment) plan.Plan {
	var p plan.Plan
	if a.leaving {
		p = plan.Farewell(in)
		s.guard.Hold(p.Steps)
	} else {
		p = plan.Diff(in)
	}
	if a.full {
		kept := s.aside
		s.clear()
		s.aside = kept
		if in.Reading != nil {
			s.foreign = p.Foreign
		}
	}
	for _, id := range in.Touched {
		delete(s.open, id)
		delete(s.clashes, id)
		delete(s.bad, id)
		delete(s.drifted, id)
		delete(s.waiting, id)
	}
	for i := range p.Steps {
		s.open[p.Steps[i].ID()] = p.Steps[i]
	}
	for _, x := range p.Clashes {
		s.clashes[x.ID] = x
	}
	for _, x := range p.Bad {
		s.bad[x.ID] = x
	}
	for _, x := range p.Drifted {
		s.drifted[x.ID] = x
	}
	for _, id := range p.Waiting {
		s.waiting[id] = struct{}{}
	}
	for id, x := range s.aside {
		if step, ok := s.open[id]; !ok || step.Hash != x.hash {
			delete(s.aside, id)
		}
	}
	s.compared = true
	if a.full {
		s.lastFull = in.Situation.Now
		s.due, s.postponed = time.Time{}, nil
	}
	if !p.Due.IsZero() && (s.due.IsZero() || p.Due.Before(s.due)) {
		s.due = p.Due
	}
	s.postponed = append(s.postponed, p.Postponed...)
	for _, o := range p.Settled {
		s.Inventory.Set(o)
	}
	for _, id := range p.Dropped {
		s.Inventory.Forget(id)
	}
	return p
}

func (s *Syncer) question(in plan.Input, p plan.Plan) plan.Question {
	return plan.Question{
		Policy: in.Policy, Situation: in.Situation, Inventory: in.Inventory, Steps: p.Steps, Full: in.Full, Touched: in.Touched, Postponed: s.postponed,
		Complete: func(k downstream.Kind) bool { return in.Capabilities.WriteOnly || s.complete[k] },
		Approval: s.Approval(), Self: s.isSelf,
	}
}

func (s *Syncer) isSelf(step *plan.Step) bool {
	if p := step.Change.Previous; p != nil && p.RemoteID != "" {
		if _, own := s.self[p.RemoteID]; own {
			return true
		}
	}
	if f := step.Change.Found; f != nil {
		if _, own := s.self[f.RemoteID]; own {
			return true
		}
	}
	return s.Self != nil && s.Self(step)
}
