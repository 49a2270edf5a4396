package permission

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// absent is the id of a permission that a table has not met.
const absent = -1

// Table interns concrete permissions. It only grows, and an id means the same permission for the life of the table. Ids
// depend on the order of interning and therefore never leave the package: what leaves is sorted strings. A table may be used
// from several goroutines; readers take no lock.
type Table struct {
	growing sync.Mutex
	current atomic.Pointer[index]
}

// index is one immutable state of a table; growing replaces it.
type index struct {
	id map[string]int
	// perms, viewOf are by id; viewOf is the id of m.view for m.x, its own for m.view.
	perms  []string
	viewOf []int
	// modules are in the order in which they were met.
	modules  []module
	moduleID map[string]int
}

type module struct {
	name string
	// create and publish are ids, absent while nothing interned them; without m.create nothing needs approval.
	create, publish int
}

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{}
	t.current.Store(&index{id: map[string]int{}, moduleID: map[string]int{}})
	return t
}

// Of returns the set of the given concrete permissions, interning those that are new. Strings that are not concrete
// permissions (ValidConcrete) are left out.
func (t *Table) Of(perms ...string) Set {
	ix := t.intern(perms)
	b := newBuilder(len(ix.perms))
	for _, p := range perms {
		if id, ok := ix.id[p]; ok {
			b.add(id)
		}
	}
	return b.set()
}

// Has reports whether perm is in s.
func (t *Table) Has(s Set, perm string) bool {
	id, ok := t.current.Load().id[perm]
	return ok && s.has(id)
}

// Strings returns the members of s sorted bytewise; nil for the empty set.
func (t *Table) Strings(s Set) []string {
	if s.Empty() {
		return nil
	}
	ix := t.current.Load()
	out := make([]string, 0, s.Len())
	for id := range s.ids {
		out = append(out, ix.perms[id])
	}
	slices.Sort(out)
	return out
}

// Close returns s and m.view for every m.x in it.
func (t *Table) Close(s Set) Set {
	ix := t.current.Load()
	b := newBuilder(len(ix.perms))
	copy(b, s.words)
	changed := false
	for id := range s.ids {
		view := ix.viewOf[id]
		if !s.has(view) {
			b.add(view)
			changed = true
		}
	}
	if !changed {
		return s
	}
	return b.set()
}

// Fold returns s without every module whose m.view is not in s.
func (t *Table) Fold(s Set) Set {
	ix := t.current.Load()
	b := newBuilder(len(ix.perms))
	changed := false
	for id := range s.ids {
		if s.has(ix.viewOf[id]) {
			b.add(id)
		} else {
			changed = true
		}
	}
	if !changed {
		return s
	}
	return b.set()
}

// Without returns the members of s that d does not match (R-7, match). It folds nothing: call Fold after it.
func (t *Table) Without(s Set, d Denies) Set {
	if d.Empty() || s.Empty() {
		return s
	}
	return Subtract(s, d.patterns.mask(t))
}

// ApprovalRequired returns the modules whose create is in s and whose publish is not, sorted.
func ApprovalRequired(t *Table, s Set) []string {
	var out []string
	for _, m := range t.current.Load().modules {
		if s.has(m.create) && !s.has(m.publish) {
			out = append(out, m.name)
		}
	}
	slices.Sort(out)
	return out
}

// intern makes sure that the valid ones of perms, and the view of their modules, have ids. Interning the views at once is
// what lets Close and Fold work without strings.
func (t *Table) intern(perms []string) *index {
	ix := t.current.Load()
	if !ix.missing(perms) {
		return ix
	}
	t.growing.Lock()
	defer t.growing.Unlock()
	next := t.current.Load().clone()
	for _, p := range perms {
		if ValidConcrete(p) {
			next.add(p)
		}
	}
	t.current.Store(next)
	return next
}

func (ix *index) missing(perms []string) bool {
	return slices.ContainsFunc(perms, func(p string) bool {
		_, ok := ix.id[p]
		return !ok && ValidConcrete(p)
	})
}

func (ix *index) clone() *index {
	return &index{
		id:       maps.Clone(ix.id),
		perms:    slices.Clone(ix.perms),
		viewOf:   slices.Clone(ix.viewOf),
		modules:  slices.Clone(ix.modules),
		moduleID: maps.Clone(ix.moduleID),
	}
}

// add gives p an id, and first gives one to the view of its module.
func (ix *index) add(p string) int {
	if id, ok := ix.id[p]; ok {
		return id
	}
	name, verb, _ := strings.Cut(p, ".")
	id, view := len(ix.perms), len(ix.perms)
	if verb != viewVerb {
		view = ix.add(name + "." + viewVerb)
		id = len(ix.perms)
	}
	ix.id[p] = id
	ix.perms = append(ix.perms, p)
	ix.viewOf = append(ix.viewOf, view)
	m, ok := ix.moduleID[name]
	if !ok {
		m = len(ix.modules)
		ix.moduleID[name] = m
		ix.modules = append(ix.modules, module{name: name, create: absent, publish: absent})
	}
	switch verb {
	case createVerb:
		ix.modules[m].create = id
	case publishVerb:
		ix.modules[m].publish = id
	}
	return id
}
