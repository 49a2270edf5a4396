// Package plan decides what is to be done in a connected system: it compares the records that ought to be there with those
// that are and with the inventory of what is ours (Diff), and holds back removals that look like a mistake (Guard), by
// RULES R-20. It is pure: time, approvals and what was read are parameters, and the same input gives the same plan whatever
// its order.
package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Wanted is a record that ought to be there, with what the guards ask about it.
type Wanted struct {
	downstream.Record
	// End is the end of the window that made the record inactive, zero if none did.
	End time.Time
	// Protected is the account role of the person if it has protectLastHolder, else empty.
	Protected string
	// Ends are the ends of windows of a person that are still to come.
	Ends []time.Time
}

// Item is a wanted record in the terms of the system. Err says that the system cannot hold it; Rendered is empty then.
type Item struct {
	Wanted
	Rendered downstream.Rendered
	Hash     string // of Rendered.Image
	Err      error
}

// Departure is a person whose Teammate is gone.
type Departure struct {
	Name string
	// Since is when that was noticed.
	Since time.Time
	// Observed: the deletion itself was seen. Otherwise the person was missing from a complete list after a restart.
	Observed bool
	// Protected is the role with protectLastHolder that the person held.
	Protected string
}

// Situation is what the organization as a whole says to the guards.
type Situation struct {
	Now time.Time
	// Departed are the people who are gone, by key.
	Departed map[string]Departure
	// Counts are the numbers of wanted records.
	Counts map[downstream.Kind]int
	// Holders counts the people with an open gate who hold an account role with protectLastHolder, by role; a role
	// without any is there with 0.
	Holders map[string]int
	// Alarm: too many people lost their access at once (Losses.Alarm). Removals that were inferred are held.
	Alarm bool
	// Losses are what the alarm is decided by, to be remembered (Losses.All).
	Losses []Loss
	// Since is from when on deletions are seen. Somebody who is gone and of whom nothing is known was gone before.
	Since time.Time
}

// Input is what a plan is made from.
type Input struct {
	Policy       Policy
	Capabilities downstream.Capabilities
	Situation    Situation
	Inventory    *Inventory
	// Items are all wanted records; in an incremental plan, those of Touched that are wanted.
	Items map[downstream.ID]Item
	// Wanted says whether a record of that identity is wanted, touched or not.
	Wanted func(downstream.ID) bool
	// Present says whether a Teammate of that name exists.
	Present func(name string) bool
	// Cause says why a record that is not of a person is not wanted any more.
	Cause func(downstream.ID) downstream.Cause
	// Full: the plan is about everything. Otherwise it is about Touched.
	Full    bool
	Touched []downstream.ID
	// Reading is what was read for this plan; nil in an incremental plan and for systems that cannot be read.
	Reading *downstream.Reading
	// Foreign is what the last reading found that is not ours; it counts while Reading is nil.
	Foreign Foreign
	// Unmade are records whose Create was intended and certainly never done.
	Unmade map[downstream.ID]struct{}
}

// Step is one difference between what is and what ought to be.
type Step struct {
	// Change is what the driver is to do. Op is empty where nothing is to be done there and the record is only let go.
	Change downstream.Change
	// Removal: something is taken away: a record goes, or confers nothing any more. The guards look at these only.
	Removal bool
	Cause   downstream.Cause
	End     time.Time
	// Protected is that of Wanted or Departure; Unknown: the person held some protected role, nobody can tell which.
	Protected string
	Unknown   bool
	// Unseen: the object was missing after a restart; nobody saw it go.
	Unseen bool
	// Hash and Inactive are what the inventory holds once the step is done.
	Hash     string
	Inactive bool
	// Forget drops the entry once the step is done.
	Forget bool
	// Drift: somebody else changed the record.
	Drift bool
}

// ID returns the identity of the record.
func (s *Step) ID() downstream.ID { return s.Change.ID() }

// Clash is a record that is in the way and is not ours (R-20, adoption).
type Clash struct {
	ID   downstream.ID
	Name string // of the object
}

// Bad is a record that the system cannot hold.
type Bad struct {
	ID   downstream.ID
	Name string
	Err  error
}

// Drift is a record that somebody else changed, and that stays so by the policy.
type Drift struct {
	ID   downstream.ID
	Name string
	// Attributes differ; empty: the record is gone.
	Attributes []string
}

// Plan is the difference. Nothing in it was judged by the guards.
type Plan struct {
	// Steps are in a safe order: additions and changes, what others refer to first; then removals, the other way round.
	Steps []Step
	// Settled are entries of the inventory as they should be, though nothing is to be done there; Dropped those to drop.
	Settled []downstream.Owned
	Dropped []downstream.ID
	Clashes []Clash
	Bad     []Bad
	Drifted []Drift
	// Waiting are records of which nothing can be said, because the reading was not complete.
	Waiting []downstream.ID
	// Again: some of them wait for a step of this plan, so everything is to be read again after it.
	Again bool
	// Foreign is what is there and not ours, if something was read.
	Foreign Foreign
	// Due is when the first grace ends of those that wait for one; zero: none does.
	Due       time.Time
	Postponed []downstream.ID
}

// Foreign are records that are not ours, by kind and key, and by kind and unique name.
type Foreign struct {
	ByKey  map[downstream.ID]*downstream.Found
	ByName map[downstream.ID]*downstream.Found
}

func (f Foreign) find(id downstream.ID, name string) *downstream.Found {
	if found := f.ByKey[id]; found != nil {
		return found
	}
	if name == "" {
		return nil
	}
	return f.ByName[downstream.ID{Kind: id.Kind, Key: name}]
}

// isPerson reports whether records of the kind are those of people.
func isPerson(kind downstream.Kind) bool {
	return kind == downstream.Users || kind == downstream.Access
}

// Diff compares. See Plan.
func Diff(in Input) Plan {
	d := &differ{Input: in, taken: map[downstream.ID]downstream.Owned{}, from: map[downstream.ID]downstream.ID{}}
	d.index()
	ids := d.identities()
	d.takeOver(ids)
	for _, id := range ids {
		d.consider(id)
	}
	slices.SortStableFunc(d.plan.Steps, compareSteps)
	return d.plan
}

type differ struct {
	Input
	plan Plan

	byRemote, byKey, byName map[downstream.ID]*downstream.Found
	mine                    map[*downstream.Found]bool
	// taken are entries that a record under another key continues, by that record; from is the other way.
	taken map[downstream.ID]downstream.Owned
	from  map[downstream.ID]downstream.ID
}

// index prepares what was read, and tells what is foreign.
func (d *differ) index() {
	if d.Reading == nil {
		return
	}
	d.byRemote, d.byKey, d.byName = map[downstream.ID]*downstream.Found{}, map[downstream.ID]*downstream.Found{}, map[downstream.ID]*downstream.Found{}
	d.mine = map[*downstream.Found]bool{}
	for i := range d.Reading.Records {
		f := &d.Reading.Records[i]
		d.byRemote[downstream.ID{Kind: f.Kind, Key: f.RemoteID}] = f
		if f.Key != "" {
			d.byKey[downstream.ID{Kind: f.Kind, Key: f.Key}] = f
		}
		if f.Name != "" {
			d.byName[downstream.ID{Kind: f.Kind, Key: f.Name}] = f
		}
	}
	for _, kind := range d.kinds() {
		for _, id := range d.Inventory.IDs(kind) {
			e, _ := d.Inventory.Get(id)
			if f := d.find(e); f != nil {
				d.mine[f] = true
			}
		}
	}
	d.plan.Foreign = Foreign{ByKey: map[downstream.ID]*downstream.Found{}, ByName: map[downstream.ID]*downstream.Found{}}
	for i := range d.Reading.Records {
		if d.mine[&d.Reading.Records[i]] {
			continue
		}
		f := new(d.Reading.Records[i]) // a copy: these are kept, the reading is not
		if f.Key != "" {
			d.plan.Foreign.ByKey[downstream.ID{Kind: f.Kind, Key: f.Key}] = f
		}
		if f.Name != "" {
			d.plan.Foreign.ByName[downstream.ID{Kind: f.Kind, Key: f.Name}] = f
		}
	}
	d.Foreign = d.plan.Foreign
}

// find returns what is there of an entry: by its remote id, else by its key. What was going to be made and has no id yet is
// found by its unique name too, where the system keeps no keys.
func (d *differ) find(e downstream.Owned) *downstream.Found {
	if f := d.byRemote[downstream.ID{Kind: e.Kind, Key: e.RemoteID}]; f != nil && e.RemoteID != "" {
		return f
	}
	if f := d.byKey[e.ID()]; f != nil {
		return f
	}
	item, wanted := d.Items[e.ID()]
	if !wanted || item.Rendered.Name == "" || e.Hash != "" || e.Inactive {
		return nil
	}
	if f := d.byName[downstream.ID{Kind: e.Kind, Key: item.Rendered.Name}]; f != nil && f.Key == "" {
		return f
	}
	return nil
}

// kinds are those that both the policy and the driver carry.
func (d *differ) kinds() []downstream.Kind {
	return slices.DeleteFunc(slices.Clone(d.Policy.Records), func(k downstream.Kind) bool {
		return !slices.Contains(d.Capabilities.Kinds, k)
	})
}

// complete reports whether everything of a kind is known to have been seen.
func (d *differ) complete(kind downstream.Kind) bool {
	if d.Capabilities.WriteOnly {
		return true
	}
	return d.Reading != nil && slices.Contains(d.Reading.Complete, kind)
}

func (d *differ) identities() []downstream.ID {
	kinds := d.kinds()
	seen := map[downstream.ID]struct{}{}
	if d.Full {
		for id := range d.Items {
			seen[id] = struct{}{}
		}
		for _, kind := range kinds {
			for _, id := range d.Inventory.IDs(kind) {
				seen[id] = struct{}{}
			}
		}
	} else {
		for _, id := range d.Touched {
			seen[id] = struct{}{}
		}
	}
	ids := make([]downstream.ID, 0, len(seen))
	for id := range seen {
		if slices.Contains(kinds, id.Kind) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, downstream.ID.Compare)
	return ids
}

// takeOver finds the entries of people whose identity was edited: the record belongs to the person with its key, else to the
// one of its recorded name (R-20, Identity). A record that was deactivated because its person left is not such a one.
func (d *differ) takeOver(ids []downstream.ID) {
	for _, id := range ids {
		item, wanted := d.Items[id]
		if _, owned := d.Inventory.Get(id); !wanted || owned || !isPerson(id.Kind) {
			continue
		}
		for _, e := range d.Inventory.byName(id.Kind, item.Name) {
			if _, twice := d.from[e.ID()]; twice || d.Wanted(e.ID()) || e.Inactive && e.Hash == "" {
				continue
			}
			d.taken[id], d.from[e.ID()] = e, id
			break
		}
	}
}

func (d *differ) consider(id downstream.ID) {
	item, wanted := d.Items[id]
	e, owned := d.Inventory.Get(id)
	if old, took := d.taken[id]; took {
		e, owned = old, true
	}
	switch {
	case wanted && item.Err != nil:
		d.plan.Bad = append(d.plan.Bad, Bad{ID: id, Name: item.Name, Err: item.Err})
		d.closeAtLeast(item, e, owned)
	case wanted && owned:
		d.compare(item, e)
	case wanted:
		d.add(item)
	case owned:
		if _, continued := d.from[id]; !continued {
			d.leave(e)
		}
	}
}

// closeAtLeast deactivates what confers something and must not, though the system cannot hold the record as it ought to be.
func (d *differ) closeAtLeast(item Item, e downstream.Owned, owned bool) {
	if !owned || item.Active || e.Inactive || !slices.Contains(d.Capabilities.Deactivates, item.Kind) {
		return
	}
	s := d.step(downstream.Deactivate, item)
	s.Change.Rendered, s.Change.Previous, s.Hash = downstream.Rendered{}, &e, ""
	s.Removal, s.Change.Record.Key = true, e.Key
	d.plan.Steps = append(d.plan.Steps, s)
}

// compare is about a record that is wanted and ours.
func (d *differ) compare(item Item, e downstream.Owned) {
	if d.Reading == nil {
		d.compareHash(item, e)
		return
	}
	f := d.find(e)
	moved := e.Key != item.Key
	if f == nil && !d.complete(item.Kind) {
		d.compareHash(item, e)
		return
	}
	if f == nil && moved { // by us, before a crash
		f = d.byKey[item.ID()]
	}
	// Only what was delivered as it should be now can have been changed by somebody else.
	drifted := e.Hash == item.Hash && !moved
	if f == nil {
		d.restore(item, e, drifted)
		return
	}
	if f.Key != "" && f.Key != item.Key { // moved before a crash, and wanted back; or by hand
		moved, drifted, e.Key = true, false, f.Key
	}
	differs := f.Image.Differs(item.Rendered.Image)
	if len(differs) == 0 && !moved && !(f.Inactive && item.Active) {
		d.settle(item, f.RemoteID, e)
		return
	}
	if drifted && d.Policy.Drift != rollcallv1.DriftCorrect {
		d.report(item, differs)
		return
	}
	s := d.step(downstream.Update, item)
	s.Change.Previous, s.Change.Found, s.Change.Differs, s.Drift = &e, new(*f), differs, drifted
	if e.RemoteID == "" {
		s.Change.Previous.RemoteID = f.RemoteID
	}
	s.Removal = !item.Active && !e.Inactive && !f.Inactive
	d.plan.Steps = append(d.plan.Steps, s)
}

// restore is about a record of ours that is not there any more, or never was.
func (d *differ) restore(item Item, e downstream.Owned, drifted bool) {
	if item.Rendered.Empty || !item.Active && (isPerson(item.Kind) || item.Kind == downstream.Mentions) {
		d.settle(item, "", e)
		return
	}
	if drifted && d.Policy.Drift != rollcallv1.DriftCorrect {
		d.report(item, nil)
		return
	}
	s := d.step(downstream.Create, item)
	s.Drift = drifted
	e.RemoteID = ""
	s.Change.Previous = &e
	d.plan.Steps = append(d.plan.Steps, s)
}

// compareHash compares with what was delivered last: nothing is known of what is there.
func (d *differ) compareHash(item Item, e downstream.Owned) {
	unknown := e.Hash == "" && !e.Inactive
	_, unmade := d.Unmade[item.ID()]
	if unknown && !unmade && !d.Capabilities.Natural && !d.Capabilities.WriteOnly { // it may be there: wait for a complete reading
		d.plan.Waiting = append(d.plan.Waiting, item.ID())
		return
	}
	if e.Hash == item.Hash && e.Key == item.Key {
		d.settle(item, e.RemoteID, e)
		return
	}
	op := downstream.Update
	if unknown {
		op = downstream.Create
	}
	s := d.step(op, item)
	if !unmade || !unknown {
		s.Change.Previous = &e
	}
	s.Removal = !item.Active && !e.Inactive && !unknown
	d.plan.Steps = append(d.plan.Steps, s)
}

func (d *differ) report(item Item, attributes []string) {
	if d.Policy.Drift == rollcallv1.DriftReport {
		d.plan.Drifted = append(d.plan.Drifted, Drift{ID: item.ID(), Name: item.Name, Attributes: attributes})
	}
}

// settle has the inventory say what is the case.
func (d *differ) settle(item Item, remoteID string, e downstream.Owned) {
	o := downstream.Owned{
		Kind: item.Kind, Key: item.Key, Name: item.Name, RemoteID: remoteID, Hash: item.Hash, Inactive: !item.Active, Protected: item.Protected != "",
	}
	if o != e {
		d.plan.Settled = append(d.plan.Settled, o)
	}
	if e.Key != item.Key {
		d.plan.Dropped = append(d.plan.Dropped, e.ID())
	}
}

func (d *differ) step(op downstream.Op, item Item) Step {
	return Step{
		Change: downstream.Change{Op: op, Record: item.Record, Rendered: item.Rendered},
		Cause:  item.Cause, End: item.End, Protected: item.Protected, Hash: item.Hash, Inactive: !item.Active,
	}
}

// add is about a record that is wanted and not ours yet.
func (d *differ) add(item Item) {
	if f := d.byKey[item.ID()]; f != nil && d.mine[f] { // a record of ours that was moved before a crash, and moves on
		d.plan.Waiting, d.plan.Again = append(d.plan.Waiting, item.ID()), true
		return
	}
	f := d.Foreign.find(item.ID(), item.Rendered.Name)
	if f == nil {
		if item.Rendered.Empty || idle(item) {
			return
		}
		if d.Reading != nil && !d.complete(item.Kind) {
			d.plan.Waiting = append(d.plan.Waiting, item.ID())
			return
		}
		d.plan.Steps = append(d.plan.Steps, d.step(downstream.Create, item))
		return
	}
	differs := f.Image.Differs(item.Rendered.Image)
	adopted := downstream.Owned{Kind: item.Kind, Key: item.Key, Name: item.Name, RemoteID: f.RemoteID, Inactive: f.Inactive}
	switch {
	case d.Policy.Adoption == rollcallv1.AdoptionNever, d.Policy.Adoption == rollcallv1.AdoptionIfIdentical && len(differs) > 0:
		d.plan.Clashes = append(d.plan.Clashes, Clash{ID: item.ID(), Name: item.Name})
	case len(differs) == 0:
		if d.Policy.Mode != rollcallv1.DownstreamModeObserve {
			d.settle(item, f.RemoteID, adopted)
		}
	default:
		s := d.step(downstream.Update, item)
		s.Change.Previous, s.Change.Found, s.Change.Differs = &adopted, f, differs
		s.Removal = !item.Active && !f.Inactive
		d.plan.Steps = append(d.plan.Steps, s)
	}
}

// idle reports whether a record that was never there need not come: it would confer nothing, and nobody would wait for it.
// People who were invited do.
func idle(item Item) bool {
	if item.Active {
		return false
	}
	switch c := item.Content.(type) {
	case *downstream.User:
		return c.Listing == "Archived" || c.Listing == "Invalid"
	case *downstream.AccessGrants, *downstream.Mention:
		return true
	}
	return false
}

// leave is about a record that is ours and not wanted.
func (d *differ) leave(e downstream.Owned) {
	s := Step{
		Removal: true, Cause: downstream.Inferred, Forget: true,
		Change: downstream.Change{Record: downstream.Record{Kind: e.Kind, Key: e.Key, Name: e.Name}, Previous: &e},
	}
	if d.Reading != nil {
		switch f := d.find(e); {
		case f != nil:
			s.Change.Found = new(*f)
		case d.complete(e.Kind):
			d.plan.Dropped = append(d.plan.Dropped, e.ID())
			return
		}
	}
	if isPerson(e.Kind) && !d.departed(e, &s) {
		return
	}
	if !isPerson(e.Kind) {
		s.Cause = d.Cause(e.ID())
	}
	switch {
	case d.Policy.Removal == rollcallv1.RemovalOrphan:
	case d.Policy.Removal == rollcallv1.RemovalDeactivate && slices.Contains(d.Capabilities.Deactivates, e.Kind):
		f := s.Change.Found
		if e.Inactive && (f == nil || f.Inactive) {
			return
		}
		if f != nil && f.Inactive {
			d.plan.Settled = append(d.plan.Settled, downstream.Owned{Kind: e.Kind, Key: e.Key, Name: e.Name, RemoteID: e.RemoteID, Inactive: true})
			return
		}
		s.Change.Op, s.Forget, s.Inactive = downstream.Deactivate, false, true
	default:
		s.Change.Op = downstream.Delete
	}
	d.plan.Steps = append(d.plan.Steps, s)
}

// departed says whether the record of a person who is not wanted is to go now, and why.
func (d *differ) departed(e downstream.Owned, s *Step) bool {
	gone, known := d.Situation.Departed[e.Key]
	if !known && d.Present(e.Name) {
		return true // the person is there under another key that has a record of its own
	}
	if !known {
		gone = Departure{Name: e.Name, Since: d.Situation.Since}
	}
	if due := gone.Since.Add(d.Policy.Safety.DeletionGrace); due.After(d.Situation.Now) {
		if d.plan.Due.IsZero() || due.Before(d.plan.Due) {
			d.plan.Due = due
		}
		d.plan.Postponed = append(d.plan.Postponed, e.ID())
		return false
	}
	s.Cause, s.Protected, s.Unseen = downstream.Deleted, gone.Protected, !gone.Observed
	s.Unknown = !gone.Observed && e.Protected
	return true
}

// compareSteps puts additions and changes first, in the order of kinds, and then removals, against it.
func compareSteps(a, b Step) int {
	if a.Removal != b.Removal {
		if b.Removal {
			return -1
		}
		return 1
	}
	x, y := a.ID(), b.ID()
	kinds := cmp.Compare(slices.Index(downstream.Kinds, x.Kind), slices.Index(downstream.Kinds, y.Kind))
	schedules := 0
	if downstream.IsSchedule(x.Key) != downstream.IsSchedule(y.Key) { // plans refer to them
		schedules = 1
		if downstream.IsSchedule(x.Key) {
			schedules = -1
		}
	}
	order := cmp.Or(kinds, schedules)
	if a.Removal {
		order = -order
	}
	return cmp.Or(order, strings.Compare(x.Key, y.Key))
}

// Counts are the numbers of Downstream.status.plan.
type Counts struct{ Creates, Updates, Removals int }

// Count counts steps.
func Count(steps []Step) (c Counts) {
	for i := range steps {
		switch {
		case steps[i].Removal:
			c.Removals++
		case steps[i].Change.Op == downstream.Create:
			c.Creates++
		default:
			c.Updates++
		}
	}
	return c
}

// HashOf returns the hash of steps, whatever their order: 16 hexadecimal digits.
func HashOf(steps []Step) string {
	lines := make([]string, len(steps))
	for i := range steps {
		s := &steps[i]
		lines[i] = strings.Join([]string{string(s.Change.Op), s.ID().String(), s.Hash}, "\x00")
	}
	return hashLines(lines)
}

func hashLines(lines []string) string {
	slices.Sort(lines)
	return canonical.Hash([]byte(strings.Join(lines, "\n")))
}
