package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// carryOut does what the guard lets through: first the Ledger learns what is going to be made, so that after a crash it is
// known to be ours; then batches; then the Ledger learns what became of it.
func (s *Syncer) carryOut(ctx context.Context, in plan.Input) error {
	steps := s.healthyFirst(s.verdict.Go, in.Full)
	for i := range steps {
		s.intend(&steps[i])
	}
	if err := s.keep(ctx); err != nil {
		return err
	}
	err := s.sendAll(ctx, steps)
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastKeep)
	defer cancel()
	if kept := s.keep(after); err == nil {
		err = kept
	}
	return err
}

// lastKeep bounds the write of what became of a plan, which goes on when the loop is told to end.
const lastKeep = 10 * time.Second

// healthyFirst leaves out what the system refused already and will refuse again, or, when everything is compared anew, puts
// it at the end.
func (s *Syncer) healthyFirst(steps []plan.Step, full bool) []plan.Step {
	var healthy, refused []plan.Step
	for _, step := range steps {
		if step.Change.Op == "" { // let go: nothing is to be done there
			s.done(&step, "")
			continue
		}
		if x, known := s.aside[step.ID()]; known && x.hash == step.Hash {
			refused = append(refused, step)
		} else {
			healthy = append(healthy, step)
		}
	}
	if full {
		healthy = append(healthy, refused...)
	}
	return healthy
}

// intend records what is about to be made.
func (s *Syncer) intend(step *plan.Step) {
	if step.Change.Op != downstream.Create {
		return
	}
	if p := step.Change.Previous; p != nil && p.ID() != step.ID() {
		s.Inventory.Forget(p.ID())
	}
	r := step.Change.Record
	s.Inventory.Set(downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name})
	s.unmade[step.ID()] = struct{}{}
}

// errLedger is about the Ledger, not about the system.
var errLedger = errors.New("keeping the inventory")

// keep writes what changed of the inventory.
func (s *Syncer) keep(ctx context.Context) error {
	shards := s.Inventory.TakeShards()
	if len(shards) == 0 {
		return nil
	}
	if err := s.Keeper.Keep(ctx, shards); err != nil {
		s.Inventory.Retain(shards)
		return fmt.Errorf("%w: %w", errLedger, err)
	}
	return nil
}

// sendAll sends batches as large as the driver takes them. A record that was refused before goes alone.
func (s *Syncer) sendAll(ctx context.Context, steps []plan.Step) error {
	size := s.Driver.Capabilities().BatchSize
	if size == 0 {
		size = len(steps)
	}
	if s.limit > 0 {
		size = min(size, s.limit)
	}
	var conflict error
	for len(steps) > 0 {
		n := min(size, len(steps))
		if first := slices.IndexFunc(steps[:n], s.refused); first >= 0 {
			n = max(first, 1)
		}
		if err := s.send(ctx, steps[:n], n == len(steps)); err != nil {
			if downstream.ClassOf(err) != downstream.Conflict {
				return err
			}
			conflict = err
		}
		steps = steps[n:]
	}
	return conflict
}

func (s *Syncer) refused(step plan.Step) bool {
	_, known := s.aside[step.ID()]
	return known
}

// send hands one batch to the driver, in halves where one of its records, or its size, is refused. A conflict is returned
// after the rest was done; any other error ends the pass.
func (s *Syncer) send(ctx context.Context, steps []plan.Step, last bool) error {
	req := downstream.Request{Last: last, Pins: s.Inventory.Pins(), RemoteID: s.remoteID}
	for i := range steps {
		req.Changes = append(req.Changes, steps[i].Change)
	}
	outcomes, err := s.apply(ctx, req)
	s.doubtful(steps, err)
	switch class := downstream.ClassOf(err); {
	case err == nil:
		return s.conclude(steps, outcomes)
	case class != downstream.BadRecord && class != downstream.TooLarge && class != downstream.Conflict:
		return err
	case len(steps) == 1:
		return s.conclude(steps, []downstream.Outcome{{Err: err}})
	case class == downstream.TooLarge:
		s.limit = (len(steps) + 1) / 2
	}
	half := (len(steps) + 1) / 2
	conflict := s.send(ctx, steps[:half], false)
	if conflict != nil && downstream.ClassOf(conflict) != downstream.Conflict {
		return conflict
	}
	if err := s.send(ctx, steps[half:], last); err != nil {
		return err
	}
	return conflict
}

// doubtful notes what a failed call says about records that were to be made: with an atomic driver that none was, otherwise
// that nobody knows. Then everything is read before anything else is made, unless making twice does no harm.
func (s *Syncer) doubtful(steps []plan.Step, err error) {
	if err == nil {
		return
	}
	c := s.Driver.Capabilities()
	for i := range steps {
		switch change := &steps[i].Change; {
		case change.Op != downstream.Create || c.Natural || c.WriteOnly:
		case c.Atomic && change.Previous == nil:
			s.unmade[steps[i].ID()] = struct{}{}
		default:
			s.doubt = true
		}
	}
}

func (s *Syncer) apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i := range req.Changes {
		delete(s.unmade, req.Changes[i].ID())
	}
	outcomes, err := s.Driver.Apply(ctx, req)
	if err == nil && len(outcomes) != len(req.Changes) {
		return nil, downstream.NewError(downstream.Unavailable, "outcomes missing", nil)
	}
	return outcomes, err
}

func (s *Syncer) remoteID(id downstream.ID) (string, bool) {
	o, ok := s.Inventory.Get(id)
	return o.RemoteID, ok && o.RemoteID != ""
}

// conclude takes the outcomes of one batch. It returns an error that is about the system and not about a record, else a
// conflict.
func (s *Syncer) conclude(steps []plan.Step, outcomes []downstream.Outcome) error {
	var conflict, grave error
	for i := range steps {
		step, out := &steps[i], outcomes[i]
		switch class := downstream.ClassOf(out.Err); class {
		case "":
			s.done(step, out.RemoteID)
		case downstream.BadRecord, downstream.TooLarge:
			s.putAside(step, out.Err)
		case downstream.Conflict:
			if s.conflicts[step.ID()]++; s.conflicts[step.ID()] >= maxConflicts {
				s.putAside(step, out.Err)
				continue
			}
			s.abandon(step)
			s.doubt = true
			conflict = out.Err
		case downstream.Unavailable:
			s.doubtful(steps[i:i+1], out.Err)
			grave = out.Err
		default: // it did not happen
			if step.Change.Op == downstream.Create && step.Change.Previous == nil {
				s.unmade[step.ID()] = struct{}{}
			}
			grave = out.Err
		}
	}
	if grave != nil {
		return grave
	}
	return conflict
}

// maxConflicts is how often a record is tried that somebody else is in the way of, each time after having read everything.
const maxConflicts = 3

func (s *Syncer) putAside(step *plan.Step, err error) {
	s.abandon(step)
	s.aside[step.ID()] = aside{hash: step.Hash, name: step.Change.Record.Name, err: err}
}

// done has the inventory say what is there now.
func (s *Syncer) done(step *plan.Step, remoteID string) {
	id := step.ID()
	delete(s.open, id)
	delete(s.aside, id)
	delete(s.conflicts, id)
	if step.Removal {
		s.guard.Done(s.Inventory, step)
	}
	if step.Forget {
		s.Inventory.Forget(id)
		return
	}
	o := downstream.Owned{Kind: id.Kind, Key: id.Key, Name: step.Change.Record.Name, RemoteID: remoteID, Hash: step.Hash, Inactive: step.Inactive}
	o.Protected = step.Protected != ""
	if p := step.Change.Previous; p != nil {
		if o.RemoteID == "" && step.Change.Op != downstream.Create && !step.Change.Rendered.Empty {
			o.RemoteID = p.RemoteID
		}
		if p.ID() != id {
			s.Inventory.Forget(p.ID())
		}
	}
	s.Inventory.Set(o)
}

// abandon takes back the intent of something that was certainly not made: what is found under its key later is not ours.
func (s *Syncer) abandon(step *plan.Step) {
	if step.Change.Op == downstream.Create && step.Change.Previous == nil {
		s.Inventory.Forget(step.ID())
		delete(s.unmade, step.ID())
	}
}
