package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// memory is what the guards of a Downstream must not forget when the operator starts anew, or another one leads: after
// a restart limits must not be wider than before. What is only to be confirmed again is not in it.
//
// It is written when it grows, before anything is done that it allows. What ran out is dropped with the next write: time
// alone writes nothing.
type memory struct {
	approval   Approval
	holds      map[downstream.ID]Hold
	departures map[departure]time.Time
	losses     map[loss]Loss
}

type (
	departure string // key of a person
	loss      string // name of a Teammate
)

// Hold is what was decided about removing one record.
type Hold struct {
	// Latched: it waits until it is approved, whatever the limits say later.
	Latched bool
	// Approved: it is among the removals of the present approval.
	Approved bool
}

// Approval is the last one that was given. A void one is remembered so that the annotation it came from, which is still on
// the object, releases nothing again.
type Approval struct {
	Hash string
	At   time.Time // whole seconds
	Void bool
}

// stands reports whether something may be removed because of it.
func (a Approval) stands() bool { return a.Hash != "" && !a.Void }

func (a Approval) stored() *rollcallv1.LedgerApproval {
	return &rollcallv1.LedgerApproval{Hash: a.Hash, ApprovedAt: metav1.NewTime(a.At), Void: a.Void}
}

// recall reads what one Ledger object says.
func (inv *Inventory) recall(shard int, body *rollcallv1.LedgerInventory) {
	if a := body.Approval; a != nil {
		inv.approval = Approval{Hash: a.Hash, At: a.ApprovedAt.UTC(), Void: a.Void}
	}
	for _, d := range body.Departures {
		if what := departure(d.Key); inv.departures[what].IsZero() {
			inv.departures[what] = d.At.UTC()
			inv.occupy(shard, what, sizeOfDeparture(what))
		}
	}
	for _, l := range body.Losses {
		if what := loss(l.Name); inv.losses[what].At.IsZero() {
			inv.losses[what] = Loss{Teammate: l.Name, At: l.At.UTC(), Alarm: l.Alarm}
			inv.occupy(shard, what, sizeOfLoss(what))
		}
	}
}

func sizeOfDeparture(d departure) int { return len(d) + 56 }
func sizeOfLoss(l loss) int           { return len(l) + 72 }

// Approval returns the last approval; zero if there was none since the annotation changed.
func (inv *Inventory) Approval() Approval { return inv.approval }

func (inv *Inventory) setApproval(a Approval) {
	if a == inv.approval {
		return
	}
	inv.approval = a
	inv.room(0)
	inv.dirty[0] = struct{}{}
}

// HoldOf returns what was decided about removing a record.
func (inv *Inventory) HoldOf(id downstream.ID) Hold { return inv.holds[id] }

// hold records it, for a record that is owned.
func (inv *Inventory) hold(id downstream.ID, h Hold) {
	o, owned := inv.entries[id]
	if !owned || inv.holds[id] == h {
		return
	}
	inv.holds[id] = h
	if h == (Hold{}) {
		delete(inv.holds, id)
	}
	inv.settle(id, sizeOf(o))
}

// depart records that a person was let go by an explicit act.
func (inv *Inventory) depart(now time.Time, key string) {
	inv.departures[departure(key)] = now.UTC().Truncate(time.Second)
	inv.settle(departure(key), sizeOfDeparture(departure(key)))
}

func (inv *Inventory) departed(key string) bool {
	_, yes := inv.departures[departure(key)]
	return yes
}

// expire drops departures that do not count any more, and returns how many do.
func (inv *Inventory) expire(now time.Time) int {
	for what, at := range inv.departures {
		if now.Sub(at) >= explicitWindow {
			delete(inv.departures, what)
			inv.vacate(what)
		}
	}
	return len(inv.departures)
}

// Losses returns what was noted last of people who lost their access, by name.
func (inv *Inventory) Losses() []Loss {
	return slices.SortedFunc(maps.Values(inv.losses), func(a, b Loss) int { return strings.Compare(a.Teammate, b.Teammate) })
}

// NoteLosses records who lost their access without anybody asking for it: an organization has no Ledger of its own for that,
// so each of its inventories remembers them.
func (inv *Inventory) NoteLosses(losses []Loss) {
	still := make(map[loss]struct{}, len(losses))
	for _, l := range losses {
		what := loss(l.Teammate)
		still[what] = struct{}{}
		l.At = l.At.UTC().Truncate(time.Second)
		if inv.losses[what] != l {
			inv.losses[what] = l
			inv.settle(what, sizeOfLoss(what))
		}
	}
	for what, l := range inv.losses {
		if _, kept := still[what]; kept {
			continue
		}
		delete(inv.losses, what)
		if l.Alarm { // its end is worth a write
			inv.settle(what, 0)
		} else {
			inv.vacate(what)
		}
	}
}
