package openfga

import (
	"context"
	"slices"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Apply implements downstream.Driver. Tuples are written in an order in which nobody is without what they had and have, and nobody
// has what they neither had nor have. It ends at the first error that is not about a record.
func (d *Driver) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	ctx, end := d.begin(ctx)
	defer end()
	if err := d.ready(ctx, req.Pins); err != nil {
		return nil, err
	}
	b := &batch{
		driver: d, changes: req.Changes, outcomes: make([]downstream.Outcome, len(req.Changes)), owner: map[downstream.ID]int{}, vacated: map[downstream.ID]bool{},
		conditions: map[string]*openfgav1.RelationshipCondition{},
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	if err := b.send(ctx); err != nil {
		if !b.wrote {
			return nil, err
		}
		b.abandon(err)
	}
	return b.outcomes, nil
}

// batch is one Apply. Records are known by the ids of their objects here.
type batch struct {
	driver   *Driver
	changes  []downstream.Change
	outcomes []downstream.Outcome
	// owner is the change that says what is to be at an id, and vacated are ids from which a record moves away.
	owner   map[downstream.ID]int
	vacated map[downstream.ID]bool
	steps   []step
	wrote   bool
	// refused: since the last look a change was, and what is left of it is not to be sent.
	refused bool
	// left is how many steps of each change were not done.
	left       []int
	conditions map[string]*openfgav1.RelationshipCondition
}

// Phases of a batch. What people are granted directly comes first and goes last. A group comes to convey more while nobody is an
// answerer who will not be one, and less while nobody is who was not one.
const (
	phaseGrant = iota
	phaseQuit  // people get nothing any more through groups that will convey more
	phaseGroupComes
	phaseJoin // people get something through a group
	phaseGroupLeaves
	phaseJoinLess // the same, of groups that will convey less
	phaseRevoke   // and people get nothing any more through other groups
)

// comes is the phase in which tuples of an attribute are written, and leaves the one in which they are deleted.
func (a *attribute) comes() int {
	switch {
	case a.kind == downstream.Groups:
		return phaseGroupComes
	case a == groupsOf:
		return phaseJoin
	}
	return phaseGrant
}

func (a *attribute) leaves() int {
	switch {
	case a.kind == downstream.Groups:
		return phaseGroupLeaves
	case a == groupsOf:
		return phaseQuit
	}
	return phaseRevoke
}

// target is the id under which a change has its record be, or not be.
func target(c *downstream.Change) downstream.ID {
	return downstream.ID{Kind: c.Record.Kind, Key: encode(c.Record.Key)}
}

// origin is the id under which the record is, if it is owned.
func origin(c *downstream.Change) (downstream.ID, bool) {
	if c.Previous == nil {
		return downstream.ID{}, false
	}
	return downstream.ID{Kind: c.Record.Kind, Key: encode(c.Previous.Key)}, true
}

// prepare finds out what is there, and what that lacks.
func (b *batch) prepare(ctx context.Context) error {
	known := map[downstream.ID]holdings{}
	var ids, unread []downstream.ID
	note := func(id downstream.ID, change int) {
		if _, taken := b.owner[id]; !taken {
			b.owner[id] = change
			ids = append(ids, id)
		}
	}
	for i := range b.changes {
		c := &b.changes[i]
		note(target(c), i)
		if f := c.Found; f != nil {
			known[downstream.ID{Kind: f.Kind, Key: f.Name}] = holdingsOf(f.Kind, f.Image)
		}
	}
	for i := range b.changes { // what is left behind, unless another record comes there
		if from, owned := origin(&b.changes[i]); owned {
			b.vacated[from] = b.vacated[from] || from != target(&b.changes[i])
			note(from, i)
		}
	}
	for _, id := range ids {
		if _, read := known[id]; !read {
			unread = append(unread, id)
		}
	}
	there, err := b.driver.stored(ctx, unread)
	if err != nil {
		return err
	}
	for _, id := range unread {
		known[id] = there[id]
	}
	b.left = make([]int, len(b.changes))
	for _, id := range ids {
		b.plan(id, known[id])
	}
	b.sort()
	return nil
}

// sort puts the steps in the order of their phases.
func (b *batch) sort() {
	grows, shrinks := map[string]bool{}, map[string]bool{} // groups by id
	for i := range b.steps {
		if s := &b.steps[i]; s.attribute == conveyedOf {
			grows[s.record], shrinks[s.record] = grows[s.record] || !s.remove, shrinks[s.record] || s.remove
		}
	}
	for i := range b.steps {
		switch s := &b.steps[i]; {
		case s.phase == phaseQuit && !grows[s.id]:
			s.phase = phaseRevoke
		case s.phase == phaseJoin && shrinks[s.id]:
			s.phase = phaseJoinLess
		}
	}
	slices.SortStableFunc(b.steps, func(x, y step) int { return x.phase - y.phase })
}

// plan adds the steps for one id.
func (b *batch) plan(id downstream.ID, have holdings) {
	i := b.owner[id]
	c := &b.changes[i]
	want := nothing(id.Kind)
	if id == target(c) && (c.Op == downstream.Create || c.Op == downstream.Update) {
		want = wantedOf(id.Kind, c.Rendered.Image)
		b.outcomes[i].RemoteID = remoteID(id.Key)
	}
	steps := difference(id.Key, have, want)
	if c.Op == downstream.Create && c.Previous == nil && !have.empty() && !b.vacated[id] && len(steps) > 0 {
		b.outcomes[i] = downstream.Outcome{Err: downstream.NewError(downstream.Conflict, "there is one already", nil)}
		return
	}
	for _, s := range steps {
		s.change = i
		b.steps = append(b.steps, s)
	}
	b.left[i] += len(steps)
}

// send writes everything, in requests that are as full as the server takes them.
func (b *batch) send(ctx context.Context) error {
	mixed := slices.ContainsFunc(b.steps, func(s step) bool { return s.remove })
	for len(b.steps) > 0 {
		n := b.driver.fit(b.steps, mixed)
		if err := b.write(ctx, b.steps[:n]); err != nil {
			return err
		}
		b.steps = b.steps[n:]
		if b.refused {
			b.refused, b.steps = false, slices.DeleteFunc(b.steps, func(s step) bool { return b.outcomes[s.change].Err != nil })
		}
	}
	return nil
}

// maxRequest is less than the bytes that a server takes in one request, 616,448 unless it is set up otherwise.
const maxRequest = 512 << 10

// bytes is at least what a step takes in a request: a permission has at most ten bytes beside its name, and three in it.
func (s *step) bytes() int { return 128 + len(s.record) + len(s.id) + 4*len(s.condition) }

// fit returns how many steps go into one request: as many tuples and bytes as the server takes, and no tuple twice. Where something goes,
// phases do not share a request: whoever answers a question meanwhile may see one half of it before and the other after.
func (d *Driver) fit(steps []step, mixed bool) (n int) {
	type key struct {
		*attribute
		record, id string
		in         slot
	}
	seen := make(map[key]struct{}, d.limit)
	size := 0
	for n < len(steps) && n < d.limit && (!mixed || steps[n].phase == steps[0].phase) {
		if size += steps[n].bytes(); size > maxRequest && n > 0 {
			return n
		}
		k := key{steps[n].attribute, steps[n].record, steps[n].id, steps[n].in}
		if _, twice := seen[k]; twice {
			return n
		}
		seen[k] = struct{}{}
		n++
	}
	return n
}

// ignore makes writing what is there and deleting what is not no error.
const ignore = "ignore"

// write makes one request. What the server refuses is tried again by halves, if it was too much, or change by change, so that one
// that it will never take harms no other.
func (b *batch) write(ctx context.Context, steps []step) error {
	err := b.request(ctx, steps)
	if err == nil {
		b.wrote = true
		for _, s := range steps {
			b.left[s.change]--
		}
		return nil
	}
	switch class := downstream.ClassOf(err); {
	case class == downstream.TooLarge && len(steps) > 1:
		b.driver.limit = max(b.driver.limit/2, 1)
		half := (len(steps) + 1) / 2
		if err := b.write(ctx, steps[:half]); err != nil {
			return err
		}
		return b.write(ctx, steps[half:])
	case class != downstream.BadRecord && class != downstream.Conflict && class != downstream.TooLarge:
		return err
	}
	if first := steps[0].change; !slices.ContainsFunc(steps, func(s step) bool { return s.change != first }) {
		b.outcomes[first], b.refused = downstream.Outcome{Err: err}, true
		return nil
	}
	for _, part := range byChange(steps) {
		if err := b.write(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// byChange parts steps, in the order in which changes come.
func byChange(steps []step) (parts [][]step) {
	at := map[int]int{}
	for _, s := range steps {
		i, known := at[s.change]
		if !known {
			i = len(parts)
			at[s.change], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], s)
	}
	return parts
}

func (b *batch) request(ctx context.Context, steps []step) error {
	d := b.driver
	req := &openfgav1.WriteRequest{StoreId: d.place.store, AuthorizationModelId: d.place.model}
	for i := range steps {
		s := &steps[i]
		if !s.remove {
			if req.Writes == nil {
				req.Writes = &openfgav1.WriteRequestWrites{OnDuplicate: ignore}
			}
			req.Writes.TupleKeys = append(req.Writes.TupleKeys, s.tuple(b.conditions))
			continue
		}
		if req.Deletes == nil {
			req.Deletes = &openfgav1.WriteRequestDeletes{OnMissing: ignore}
		}
		k := s.key(s.record, s.id, s.in)
		req.Deletes.TupleKeys = append(req.Deletes.TupleKeys, &openfgav1.TupleKeyWithoutCondition{Object: k.GetObject(), Relation: k.GetRelation(), User: k.GetUser()})
	}
	return d.request(ctx, func(ctx context.Context, c *client) error {
		_, err := c.Write(ctx, req)
		return err
	})
}

// abandon says of every change that is not done why that is so.
func (b *batch) abandon(err error) {
	for i := range b.outcomes {
		if b.left[i] > 0 && b.outcomes[i].Err == nil {
			b.outcomes[i] = downstream.Outcome{Err: err}
		}
	}
}
