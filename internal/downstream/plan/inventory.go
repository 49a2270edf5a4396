package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// KindDownstream is the kind of the subject of an inventory in the Ledger.
const KindDownstream = "Downstream"

const (
	// fullShard is the size in bytes at which a Ledger object takes no more; Kubernetes objects must stay below 256 KiB.
	fullShard = 150 * 1024
	// inactiveMark follows the hash of a record that confers nothing.
	inactiveMark = "!"
	// protectedMark follows that of a person who held a protected role.
	protectedMark = "*"
	// pastEnd is how long a window end is remembered after it came: long enough to be looked up.
	pastEnd = 24 * time.Hour
)

// Inventory is what a Downstream owns: the records that are ours over there, the pinned ids, when each end of a
// window was first seen, and what the guards must not forget: see memory.go. Its home are Ledger objects; TakeShards returns
// those that changed. It is not safe for concurrent use.
type Inventory struct {
	name    string
	entries map[downstream.ID]downstream.Owned
	pins    downstream.Pins
	ends    map[end]time.Time
	memory

	place  map[any]int // downstream.ID, end, departure or loss -> shard
	shards []*shard
	dirty  map[int]struct{}

	remote map[downstream.Kind]map[string]downstream.ID
	named  map[downstream.Kind]map[string]map[string]struct{} // recorded name -> keys
	active map[downstream.Kind]int
	owned  map[downstream.Kind]int
}

type end struct {
	key   string
	until int64
}

type shard struct {
	sizes map[any]int
	size  int
}

// OpenInventory reads the Ledger objects of a Downstream; objects of other subjects and records are passed over.
func OpenInventory(name string, objects []*rollcallv1.Ledger) *Inventory {
	inv := &Inventory{
		name: name, entries: map[downstream.ID]downstream.Owned{}, ends: map[end]time.Time{}, place: map[any]int{},
		memory: memory{holds: map[downstream.ID]Hold{}, departures: map[departure]time.Time{}, losses: map[loss]Loss{}},
		dirty:  map[int]struct{}{},
		remote: map[downstream.Kind]map[string]downstream.ID{}, named: map[downstream.Kind]map[string]map[string]struct{}{},
		active: map[downstream.Kind]int{}, owned: map[downstream.Kind]int{},
	}
	objects = slices.DeleteFunc(slices.Clone(objects), func(o *rollcallv1.Ledger) bool {
		return o.Record != rollcallv1.LedgerRecordInventory || o.Inventory == nil || o.Subject == nil ||
			o.Subject.Kind != KindDownstream || o.Subject.Name != name
	})
	slices.SortFunc(objects, func(a, b *rollcallv1.Ledger) int { return cmp.Compare(a.Shard, b.Shard) })
	for _, o := range objects {
		i := int(o.Shard)
		inv.room(i)
		if p := o.Inventory.Pins; p != nil {
			inv.pins = downstream.Pins{StoreID: p.StoreID, AuthorizationModelID: p.AuthorizationModelID}
		}
		for _, e := range o.Inventory.Entries {
			owned := downstream.Owned{Kind: downstream.Kind(e.Record), Key: e.Key, Name: e.Name, RemoteID: e.RemoteID}
			owned.Hash, owned.Protected = strings.CutSuffix(e.Hash, protectedMark)
			owned.Hash, owned.Inactive = strings.CutSuffix(owned.Hash, inactiveMark)
			if _, twice := inv.entries[owned.ID()]; twice {
				inv.dirty[i] = struct{}{}
				continue
			}
			inv.put(owned)
			inv.occupy(i, owned.ID(), sizeOf(owned))
			if h := (Hold{Latched: e.Held, Approved: e.Approved}); h != (Hold{}) {
				inv.holds[owned.ID()] = h
			}
		}
		inv.recall(i, o.Inventory)
		for _, w := range o.Inventory.WindowEnds {
			e := end{w.Key, w.Until.Unix()}
			if _, twice := inv.ends[e]; !twice {
				inv.ends[e] = w.FirstSeen.UTC()
				inv.occupy(i, e, sizeOfEnd(e))
			}
		}
	}
	return inv
}

func (inv *Inventory) room(i int) {
	for len(inv.shards) <= i {
		inv.shards = append(inv.shards, &shard{sizes: map[any]int{}})
	}
}

func (inv *Inventory) occupy(i int, what any, size int) {
	s := inv.shards[i]
	s.size += size - s.sizes[what]
	s.sizes[what] = size
	inv.place[what] = i
}

// settle finds the shard of what changed: where it is, else the first with room. size 0 takes it out.
func (inv *Inventory) settle(what any, size int) {
	i, held := inv.place[what]
	switch {
	case size == 0 && !held:
		return
	case size == 0:
		inv.vacate(what)
	case held:
		inv.occupy(i, what, size)
	default:
		i = slices.IndexFunc(inv.shards, func(s *shard) bool { return s.size+size <= fullShard })
		if i < 0 {
			i = len(inv.shards)
			inv.room(i)
		}
		inv.occupy(i, what, size)
	}
	inv.dirty[i] = struct{}{}
}

// vacate takes something out of its shard, which is not written for that alone.
func (inv *Inventory) vacate(what any) {
	i, held := inv.place[what]
	if !held {
		return
	}
	s := inv.shards[i]
	s.size -= s.sizes[what]
	delete(s.sizes, what)
	delete(inv.place, what)
}

func sizeOf(o downstream.Owned) int {
	return len(o.Kind) + len(o.Key) + len(o.Name) + len(o.RemoteID) + len(o.Hash) + 104
}

func sizeOfEnd(e end) int { return len(e.key) + 96 }

// put takes an entry into the tables.
func (inv *Inventory) put(o downstream.Owned) {
	inv.entries[o.ID()] = o
	inv.owned[o.Kind]++
	if !o.Inactive {
		inv.active[o.Kind]++
	}
	if o.RemoteID != "" {
		if inv.remote[o.Kind] == nil {
			inv.remote[o.Kind] = map[string]downstream.ID{}
		}
		inv.remote[o.Kind][o.RemoteID] = o.ID()
	}
	if inv.named[o.Kind] == nil {
		inv.named[o.Kind] = map[string]map[string]struct{}{}
	}
	if inv.named[o.Kind][o.Name] == nil {
		inv.named[o.Kind][o.Name] = map[string]struct{}{}
	}
	inv.named[o.Kind][o.Name][o.Key] = struct{}{}
}

func (inv *Inventory) cut(id downstream.ID) {
	o, ok := inv.entries[id]
	if !ok {
		return
	}
	delete(inv.entries, id)
	inv.owned[o.Kind]--
	if !o.Inactive {
		inv.active[o.Kind]--
	}
	if inv.remote[o.Kind][o.RemoteID] == id {
		delete(inv.remote[o.Kind], o.RemoteID)
	}
	delete(inv.named[o.Kind][o.Name], o.Key)
	if len(inv.named[o.Kind][o.Name]) == 0 {
		delete(inv.named[o.Kind], o.Name)
	}
}

// Set records an entry.
func (inv *Inventory) Set(o downstream.Owned) {
	if old, ok := inv.entries[o.ID()]; ok && old == o {
		return
	}
	inv.cut(o.ID())
	inv.put(o)
	inv.settle(o.ID(), sizeOf(o))
}

// Forget drops an entry: the record is nobody's from now on.
func (inv *Inventory) Forget(id downstream.ID) {
	inv.cut(id)
	delete(inv.holds, id)
	inv.settle(id, 0)
}

// Get returns an entry.
func (inv *Inventory) Get(id downstream.ID) (downstream.Owned, bool) {
	o, ok := inv.entries[id]
	return o, ok
}

// ByRemoteID returns the entry of a record over there.
func (inv *Inventory) ByRemoteID(kind downstream.Kind, remoteID string) (downstream.Owned, bool) {
	id, ok := inv.remote[kind][remoteID]
	if !ok {
		return downstream.Owned{}, false
	}
	return inv.Get(id)
}

// byName returns the entries of a kind with that recorded name, by key.
func (inv *Inventory) byName(kind downstream.Kind, name string) []downstream.Owned {
	var out []downstream.Owned
	for _, key := range slices.Sorted(maps.Keys(inv.named[kind][name])) {
		out = append(out, inv.entries[downstream.ID{Kind: kind, Key: key}])
	}
	return out
}

// IDs returns all entries' identities of a kind, sorted.
func (inv *Inventory) IDs(kind downstream.Kind) []downstream.ID {
	var out []downstream.ID
	for id := range inv.entries {
		if id.Kind == kind {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, downstream.ID.Compare)
	return out
}

// Owned returns how many records of a kind are ours, deactivated ones among them; Active how many of these confer something.
func (inv *Inventory) Owned(kind downstream.Kind) int  { return inv.owned[kind] }
func (inv *Inventory) Active(kind downstream.Kind) int { return inv.active[kind] }

// Empty reports whether nothing is owned.
func (inv *Inventory) Empty() bool { return len(inv.entries) == 0 }

// Pins returns the pinned ids; Pin sets them.
func (inv *Inventory) Pins() downstream.Pins { return inv.pins }

// Pin sets the pinned ids.
func (inv *Inventory) Pin(p downstream.Pins) {
	if p != inv.pins {
		inv.pins = p
		inv.room(0)
		inv.dirty[0] = struct{}{}
	}
}

// SeeEnds records the ends of windows of a person who has a record: when each was first seen.
func (inv *Inventory) SeeEnds(now time.Time, key string, ends []time.Time) {
	for _, at := range ends {
		e := end{key, at.Unix()}
		if _, known := inv.ends[e]; known || !at.After(now) {
			continue
		}
		inv.ends[e] = now.UTC().Truncate(time.Second)
		inv.settle(e, sizeOfEnd(e))
	}
}

// KeepEnds drops the ends that are long past, or that wanted says are no ends any more.
func (inv *Inventory) KeepEnds(now time.Time, wanted func(key string, until time.Time) bool) {
	for e := range inv.ends {
		until := time.Unix(e.until, 0).UTC()
		if now.Sub(until) > pastEnd || until.After(now) && !wanted(e.key, until) {
			delete(inv.ends, e)
			inv.settle(e, 0)
		}
	}
}

// KnownFor returns for how long the end of a window has been known at now; 0 if it is not.
func (inv *Inventory) KnownFor(now time.Time, key string, until time.Time) time.Duration {
	seen, ok := inv.ends[end{key, until.Unix()}]
	if !ok {
		return 0
	}
	return now.Sub(seen)
}

// TakeShards returns the Ledger objects to write and to delete so that the Ledger holds the inventory, by name. They count
// as written: call Retain for those that could not be.
func (inv *Inventory) TakeShards() []ledger.Shard {
	var out []ledger.Shard
	for _, i := range slices.Sorted(maps.Keys(inv.dirty)) {
		out = append(out, inv.object(i))
	}
	inv.dirty = map[int]struct{}{}
	return out
}

// Retain has shards returned again by the next TakeShards.
func (inv *Inventory) Retain(shards []ledger.Shard) {
	for _, s := range shards {
		for i := range inv.shards {
			if s.Name == inv.shardName(i) {
				inv.dirty[i] = struct{}{}
			}
		}
	}
}

// Lose takes a deleted Ledger object out: what it held is nobody's any more. False for one that is not of this inventory.
func (inv *Inventory) Lose(name string) bool {
	for i, s := range inv.shards {
		if name != inv.shardName(i) {
			continue
		}
		for _, what := range slices.Collect(maps.Keys(s.sizes)) {
			switch what := what.(type) {
			case downstream.ID:
				inv.cut(what)
				delete(inv.holds, what)
			case end:
				delete(inv.ends, what)
			case departure:
				delete(inv.departures, what)
			case loss:
				delete(inv.losses, what)
			}
			inv.settle(what, 0)
		}
		if i == 0 {
			inv.pins, inv.approval = downstream.Pins{}, Approval{}
		}
		delete(inv.dirty, i)
		return true
	}
	return false
}

// All returns every Ledger object of the inventory.
func (inv *Inventory) All() []ledger.Shard {
	var out []ledger.Shard
	for i := range inv.shards {
		out = append(out, inv.object(i))
	}
	return out
}

func (inv *Inventory) shardName(i int) string {
	return fmt.Sprintf("%s-%s-%d", strings.ToLower(string(rollcallv1.LedgerRecordInventory)), inv.name, i)
}

func (inv *Inventory) object(i int) ledger.Shard {
	s := inv.shards[i]
	body := &rollcallv1.LedgerInventory{}
	if i == 0 && inv.approval != (Approval{}) {
		body.Approval = inv.approval.stored()
	}
	if i == 0 && inv.pins != (downstream.Pins{}) {
		body.Pins = &rollcallv1.LedgerPins{StoreID: inv.pins.StoreID, AuthorizationModelID: inv.pins.AuthorizationModelID}
	}
	if len(s.sizes) == 0 && body.Pins == nil && body.Approval == nil {
		return ledger.Shard{Name: inv.shardName(i)}
	}
	for what := range s.sizes {
		switch what := what.(type) {
		case downstream.ID:
			o := inv.entries[what]
			hash := o.Hash
			if o.Inactive {
				hash += inactiveMark
			}
			if o.Protected {
				hash += protectedMark
			}
			hold := inv.holds[what]
			body.Entries = append(body.Entries, rollcallv1.LedgerEntry{
				Record: string(o.Kind), Key: o.Key, Name: o.Name, RemoteID: o.RemoteID, Hash: hash, Held: hold.Latched, Approved: hold.Approved,
			})
		case end:
			body.WindowEnds = append(body.WindowEnds, rollcallv1.LedgerWindowEnd{
				Key: what.key, Until: metav1.NewTime(time.Unix(what.until, 0).UTC()), FirstSeen: metav1.NewTime(inv.ends[what]),
			})
		case departure:
			body.Departures = append(body.Departures, rollcallv1.LedgerDeparture{Key: string(what), At: metav1.NewTime(inv.departures[what])})
		case loss:
			l := inv.losses[what]
			body.Losses = append(body.Losses, rollcallv1.LedgerLoss{Name: l.Teammate, At: metav1.NewTime(l.At), Alarm: l.Alarm})
		}
	}
	slices.SortFunc(body.Entries, func(a, b rollcallv1.LedgerEntry) int {
		return cmp.Or(strings.Compare(a.Record, b.Record), strings.Compare(a.Key, b.Key))
	})
	slices.SortFunc(body.WindowEnds, func(a, b rollcallv1.LedgerWindowEnd) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), a.Until.Compare(b.Until.Time))
	})
	slices.SortFunc(body.Departures, func(a, b rollcallv1.LedgerDeparture) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(body.Losses, func(a, b rollcallv1.LedgerLoss) int { return strings.Compare(a.Name, b.Name) })
	o := &rollcallv1.Ledger{
		Record: rollcallv1.LedgerRecordInventory, Shard: int32(i), Inventory: body,
		Subject: &rollcallv1.LedgerSubject{Kind: KindDownstream, Name: inv.name},
	}
	o.Name = inv.shardName(i)
	o.Labels = map[string]string{
		rollcallv1.LabelLedger: strings.ToLower(string(rollcallv1.LedgerRecordInventory)), rollcallv1.LabelManagedBy: rollcallv1.ManagedBy,
		rollcallv1.LabelTargetKind: strings.ToLower(KindDownstream), rollcallv1.LabelTargetName: inv.name,
	}
	return ledger.Shard{Name: o.Name, Object: o}
}
