package plan

import (
	"slices"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Farewell returns the removal of everything that is owned: what `onDelete: Remove` asks for when a Downstream is deleted
// . The guard holds all of it until it is approved. What is not there any more is dropped from the inventory.
func Farewell(in Input) Plan {
	d := &differ{Input: in}
	d.index()
	for _, kind := range d.kinds() {
		for _, id := range d.Inventory.IDs(kind) {
			e, _ := d.Inventory.Get(id)
			s := Step{
				Removal: true, Cause: downstream.Inferred, Forget: true,
				Change: downstream.Change{
					Op: downstream.Delete, Record: downstream.Record{Kind: e.Kind, Key: e.Key, Name: e.Name}, Previous: &e,
				},
			}
			if d.Reading != nil {
				if s.Change.Found = d.find(e); s.Change.Found == nil && d.complete(kind) {
					d.plan.Dropped = append(d.plan.Dropped, id)
					continue
				}
			}
			d.plan.Steps = append(d.plan.Steps, s)
		}
	}
	slices.SortStableFunc(d.plan.Steps, compareSteps)
	return d.plan
}
