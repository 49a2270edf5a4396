// Package desk holds the engines of a manager: one for each namespace, behind a lock, with what may be written at the
// moment. Whoever computes moves a desk on; whoever publishes asks it, and is told to stay quiet while nothing may be
// written. The package knows no client: it moves names and values only.
package desk

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/internal/engine"
)

// Standing says what may be written in a namespace.
type Standing int

// Standings, from nothing to everything.
const (
	// Unknown: nothing was computed yet. Nothing is written.
	Unknown Standing = iota
	// Missing: the Organization is gone, for less than the grace. Nothing is written.
	Missing
	// Absent: there is no Organization. Inputs say so, nothing else is written.
	Absent
	// Failed: computing panicked, and is tried again. The Organization says so, nothing else is written.
	Failed
	// Suspended: inputs and Ledger are written, outputs are not.
	Suspended
	// Open: everything is written.
	Open
)

// Desk is one namespace.
type Desk struct {
	mu       sync.Mutex
	engine   *engine.Engine
	standing Standing
	held     bool
	deferred map[*Line]map[types.NamespacedName]struct{}
}

// Engine gives the engine to f and nobody else meanwhile; it is nil before the first computation. f returns whether what
// it computed must wait for the Ledger: then whoever asks waits too, until Release.
func (d *Desk) Engine(f func(e *engine.Engine) (hold bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f(d.engine) {
		d.held = true
	}
}

// Replace puts an engine in the place of the present one.
func (d *Desk) Replace(e *engine.Engine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.engine = e
}

// Fail takes the engine away: it may be in any state.
func (d *Desk) Fail() {
	d.Replace(nil)
	d.Release(Failed)
}

// Standing returns what may be written.
func (d *Desk) Standing() Standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.standing
}

// Release sets what may be written from now on, and has those asked again who had to wait for the Ledger.
func (d *Desk) Release(s Standing) {
	d.mu.Lock()
	d.standing, d.held = s, false
	deferred := d.deferred
	d.deferred = nil
	d.mu.Unlock()
	for line, keys := range deferred {
		line.Send(slices.Collect(maps.Keys(keys))...)
	}
}

func (d *Desk) consult(line *Line, key types.NamespacedName, read func(*engine.Engine)) Standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held {
		if d.deferred == nil {
			d.deferred = map[*Line]map[types.NamespacedName]struct{}{}
		}
		if d.deferred[line] == nil {
			d.deferred[line] = map[types.NamespacedName]struct{}{}
		}
		d.deferred[line][key] = struct{}{}
		return Unknown
	}
	if d.standing >= Suspended {
		read(d.engine)
	}
	return d.standing
}

// Desks are all namespaces of a manager.
type Desks struct {
	mu sync.RWMutex
	of map[string]*Desk
}

// New returns no desks yet.
func New() *Desks { return &Desks{of: map[string]*Desk{}} }

// Of returns the desk of a namespace, making it if need be.
func (d *Desks) Of(namespace string) *Desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of[namespace] == nil {
		d.of[namespace] = &Desk{}
	}
	return d.of[namespace]
}

// Forget drops the desk of a namespace that has nothing left.
func (d *Desks) Forget(namespace string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, namespace)
}

func (d *Desks) find(namespace string) *Desk {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.of[namespace]
}

// Standing returns what may be written in a namespace.
func (d *Desks) Standing(namespace string) Standing {
	if desk := d.find(namespace); desk != nil {
		return desk.Standing()
	}
	return Unknown
}
