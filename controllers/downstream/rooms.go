package downstream

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Rooms keep the wanted records of every namespace that has, or had, a Downstream since its engine was made. What computes
// tells them about changes (Applied, Released), and they tell the loops.
type Rooms struct {
	line *desk.Line

	mu sync.RWMutex
	of map[string]*room
}

// NewRooms returns no rooms yet. line leads to the controller of Downstreams.
func NewRooms(line *desk.Line) *Rooms { return &Rooms{line: line, of: map[string]*room{}} }

// room is one namespace.
type room struct {
	// records of that engine; both belong to whoever has locked the desk.
	records *desired.Set
	engine  *engine.Engine
	// losses are those of the records before, of an engine that failed.
	losses []plan.Loss

	mu       sync.Mutex
	standing desk.Standing
	changed  chan struct{} // closed when the standing may have changed
	again    bool          // everything is to be read anew
	touched  map[downstream.ID]struct{}
	workers  map[types.NamespacedName]*worker
}

func (r *Rooms) find(namespace string) *room {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.of[namespace]
}

// enter makes the room of a Downstream known; standing is that of its desk, for a new room.
func (r *Rooms) enter(key types.NamespacedName, standing func() desk.Standing) *room {
	r.mu.Lock()
	x := r.of[key.Namespace]
	if x == nil {
		x = &room{changed: make(chan struct{}), touched: map[downstream.ID]struct{}{}, workers: map[types.NamespacedName]*worker{}}
		r.of[key.Namespace] = x
	}
	r.mu.Unlock()
	now := standing()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.standing == desk.Unknown {
		x.standing = now
	}
	if _, known := x.workers[key]; !known {
		x.workers[key] = nil
	}
	return x
}

// Applied takes in what the engine took in. It is called with the desk locked.
func (r *Rooms) Applied(namespace string, e *engine.Engine, changes []roster.Change) {
	x := r.find(namespace)
	if x == nil {
		return
	}
	if x.engine != e {
		if x.records != nil {
			x.losses = x.records.Losses()
		}
		x.records, x.engine = nil, nil
		x.mu.Lock()
		x.again = true
		x.mu.Unlock()
		return
	}
	if x.records.Closed() {
		return
	}
	ids := x.records.Update(changes...)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		x.touched[id] = struct{}{}
	}
}

// Released tells the loops what changed, or has them stop or go on.
func (r *Rooms) Released(namespace string, standing desk.Standing) {
	x := r.find(namespace)
	if x == nil {
		return
	}
	x.mu.Lock()
	moved := x.standing != standing
	x.standing = standing
	close(x.changed)
	x.changed = make(chan struct{})
	workers := maps.Clone(x.workers)
	var touched []downstream.ID
	again := false
	if standing == desk.Open {
		touched, again = slices.Collect(maps.Keys(x.touched)), x.again
		x.again = false
		clear(x.touched)
	}
	x.mu.Unlock()
	for key, w := range workers {
		if moved {
			r.line.Send(key)
		}
		if w != nil {
			w.told(standing, moved, again, touched)
		}
	}
}

// now returns the standing, and a channel that is closed when it may be another.
func (x *room) now() (desk.Standing, <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.standing, x.changed
}

func (x *room) set(key types.NamespacedName, w *worker) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.workers[key] = w
}

// Forgotten drops the room of a namespace that has nothing left, engine and all.
func (r *Rooms) Forgotten(namespace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.of[namespace]; x != nil && x.empty() {
		delete(r.of, namespace)
	}
}

func (x *room) empty() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.workers) == 0
}

// leave takes a Downstream out that is gone. With the last one go the records of the namespace: an engine keeps nothing up to
// date for nobody.
func (r *Rooms) leave(desks *desk.Desks, key types.NamespacedName) {
	x := r.find(key.Namespace)
	if x == nil {
		return
	}
	x.mu.Lock()
	delete(x.workers, key)
	x.mu.Unlock()
	if !x.empty() {
		return
	}
	if desks.Standing(key.Namespace) == desk.Unknown { // the namespace is gone too, or is computed anew
		r.Forgotten(key.Namespace)
		return
	}
	desks.Of(key.Namespace).Engine(func(e *engine.Engine) bool {
		if x.empty() && x.records != nil && x.engine == e {
			x.records.Close()
			x.mu.Lock()
			clear(x.touched)
			x.mu.Unlock()
		}
		return false
	})
}

// source is the wanted records of one namespace, for the loop of one Downstream, until the context ends.
type source struct {
	ctx  context.Context
	line *desk.Line
	room *room
	key  types.NamespacedName
}

// read gives the records to f. It waits until the organization is computed, kept in the Ledger and open. If the loop ends
// meanwhile its goroutine ends right here: nothing may be concluded from records that could not be asked for.
func (s source) read(f func(records *desired.Set)) {
	for {
		standing, changed := s.room.now()
		done := false
		if standing == desk.Open {
			s.line.Consult(s.key, func(e *engine.Engine) {
				if e == nil { // it failed a moment ago
					return
				}
				if s.room.engine != e {
					s.room.records, s.room.engine = desired.New(e), e
					s.room.records.Recall(s.room.losses)
					s.room.losses = nil
				}
				if s.room.records.Closed() {
					s.room.records.Open()
				}
				f(s.room.records)
				done = true
			})
		}
		if done {
			return
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			runtime.Goexit()
		}
	}
}

// unconfirmed returns those of the identity keys whose holder was not confirmed yet.
func (s source) unconfirmed(keys []string) (out []string) {
	s.read(func(*desired.Set) { out = slices.Sorted(maps.Keys(s.room.engine.Roster.Unconfirmed(keys))) })
	return out
}

// IDs implements syncer.Source.
func (s source) IDs(kinds []downstream.Kind) (out []downstream.ID) {
	s.read(func(records *desired.Set) { out = records.IDs(kinds) })
	return out
}

// Records implements syncer.Source.
func (s source) Records(ids []downstream.ID) (out []plan.Wanted) {
	s.read(func(records *desired.Set) { out = records.Records(ids) })
	return out
}

// Wanted implements syncer.Source.
func (s source) Wanted(id downstream.ID) (yes bool) {
	s.read(func(records *desired.Set) { yes = records.Wanted(id) })
	return yes
}

// Present implements syncer.Source.
func (s source) Present(name string) (yes bool) {
	s.read(func(records *desired.Set) { yes = records.Present(name) })
	return yes
}

// Cause implements syncer.Source.
func (s source) Cause(id downstream.ID) (cause downstream.Cause) {
	s.read(func(records *desired.Set) { cause = records.Cause(id) })
	return cause
}

// Recall implements syncer.Source.
func (s source) Recall(losses []plan.Loss) {
	s.read(func(records *desired.Set) { records.Recall(losses) })
}

// Lost implements syncer.Source.
func (s source) Lost(teammates []string) {
	s.read(func(records *desired.Set) { records.Lost(teammates) })
}

// Situation implements syncer.Source.
func (s source) Situation() (out plan.Situation) {
	s.read(func(records *desired.Set) { out = records.Situation() })
	return out
}
