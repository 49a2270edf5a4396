package plan

import (
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// HeldHash returns the hash of held removals, as Verdict.Hash is.
func HeldHash(ids []downstream.ID) string {
	held := make(map[downstream.ID]string, len(ids))
	for _, id := range ids {
		held[id] = ""
	}
	return hashHeld(held)
}

// NameHeld says which removals a hash in a status is about, by what is owned and what is wanted: a status names the first 20
// only. Of the input Policy, Situation, Inventory, Items, Wanted, Present and Cause count; leaving is set for a Downstream that
// is being deleted. False: the removals found have another hash, because the organization or the inventory moved on, or
// because one of them is protected.
func NameHeld(in Input, leaving bool, hash string) ([]Held, bool) {
	in.Capabilities = downstream.Capabilities{Kinds: downstream.Kinds, WriteOnly: true}
	if in.Policy.Removal == rollcallv1.RemovalDeactivate {
		in.Capabilities.Deactivates = []downstream.Kind{downstream.Users, downstream.Access}
	}
	in.Policy.Safety.DeletionGrace = 0 // it is over for what is held
	in.Full, in.Reading = true, nil
	var steps []Step
	if leaving {
		steps = Farewell(in).Steps
	} else {
		steps = Diff(in).Steps
	}
	var out []Held
	var ids []downstream.ID
	for i := range steps {
		if s := &steps[i]; s.Removal {
			out, ids = append(out, Held{ID: s.ID(), Name: s.Change.Record.Name}), append(ids, s.ID())
		}
	}
	slices.SortFunc(out, func(a, b Held) int {
		if c := slices.Index(downstream.Kinds, a.ID.Kind) - slices.Index(downstream.Kinds, b.ID.Kind); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, len(out) > 0 && HeldHash(ids) == hash
}
