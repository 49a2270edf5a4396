// Package incr is a small incremental computation graph. Inputs are set from outside; queries are pure functions that
// read inputs and other queries through a Task, which records what was read. When an input changes, Settle recomputes
// only the queries that read it, and stops wherever a recomputed value equals the old one: the cost of an edit follows
// what it touches. Time is an input like any other: a query asks Reached(instant), and is recomputed when that instant
// comes. A Graph is not safe for concurrent use.
package incr

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
	"time"
)

// never is the expiry of a value that time alone does not change.
const never = math.MaxInt64

// state of a node's value.
type state uint8

const (
	dirty state = iota // to be computed before the next read
	clean
	computing
	dropped
)

// node is one value in the graph: an input or the result of a query for one key.
type node struct {
	id      uint32
	version uint32 // counts changes of the value, or of the time it holds for
	level   uint16 // of its table
	state   state
	pinned  bool // inputs that were set and observed queries are kept though nothing reads them
	queued  bool
	mark    uint64
	own     int64 // unix seconds at which time alone may change this value, read by this node itself
	expiry  int64 // the smaller of own and every dependency's expiry
	deps    []uint32
	readers readers
}

// table is what the graph needs to know of the tables of cells.
type table interface {
	recompute(n *node, t *Task) (changed bool)
	forget(n *node)
	describe(n *node) string
}

// Graph holds the nodes of one organization and the instant they are valid at.
type Graph struct {
	now       int64
	seq       uint64
	tables    []table // by level
	spaces    []any   // *space[K] for the types of keys
	buckets   [][]*node
	lowest    int
	timers    timers
	crowded   int // how many timers there may be before watch clears
	deferred  []func()
	all       []func(func(*node))
	recompute uint64
	sweeps    []*node // nodes half of whose readers are stale

	// Nodes know each other by number: numbers take half the room of pointers, and the garbage collector does not follow them.
	nodes []*node  // by id, nil for a free one
	free  []uint32 // ids
	tasks []*Task  // not in use
}

// register gives a new node its number.
func (g *Graph) register(n *node) {
	if last := len(g.free) - 1; last >= 0 {
		n.id, g.free = g.free[last], g.free[:last]
		g.nodes[n.id] = n
		return
	}
	n.id = uint32(len(g.nodes))
	g.nodes = append(g.nodes, n)
}

// borrow returns an empty task; back takes it when the computation is over.
func (g *Graph) borrow() *Task {
	if last := len(g.tasks) - 1; last >= 0 {
		t := g.tasks[last]
		g.tasks = g.tasks[:last]
		return t
	}
	return &Task{g: g, own: never}
}

func (g *Graph) back(t *Task) {
	clear(t.deps)
	if cap(t.deps) > maxKept {
		t.deps, t.seen = nil, nil
	}
	t.deps, t.seen, t.own, t.before, t.next = t.deps[:0], t.seen[:0], never, nil, 0
	g.tasks = append(g.tasks, t)
}

// maxKept is the number of dependencies above which a task does not keep its memory.
const maxKept = 4096

// New returns an empty graph whose values hold at now.
func New(now time.Time) *Graph {
	return &Graph{now: now.Unix(), crowded: minCrowd, nodes: make([]*node, noNode+1)}
}

// Now returns the instant, in UTC and whole seconds, at which the graph's values hold.
func (g *Graph) Now() time.Time { return time.Unix(g.now, 0).UTC() }

// Recomputed returns how many queries were computed since the graph was made; tests and benchmarks read it.
func (g *Graph) Recomputed() uint64 { return g.recompute }

// Task is one computation in progress: it records what is read. A nil Task reads without recording, for callers that
// want an answer once.
type Task struct {
	g      *Graph
	deps   []*node
	seen   []uint32 // the version of each of deps when it was read
	own    int64
	peek   bool     // what is read is not watched
	before []uint32 // what the last computation of the same node read, in this order
	next   int      // the place in before of what is likely to be read next
}

func (t *Task) depend(n *node) {
	if t == nil {
		return
	}
	t.deps = append(t.deps, n)
	t.seen = append(t.seen, n.version)
}

// stale reports whether something changed after the task read it: reading one node may recompute another one of the same
// table that was read before.
func (t *Task) stale() bool {
	for i, d := range t.deps {
		if d.version != t.seen[i] {
			return true
		}
	}
	return false
}

// Reached reports whether at has come (now >= at). If not, the computation is repeated when it does.
// Only a query may ask; time goes forward, so an instant once reached needs no watching.
func (t *Task) Reached(at time.Time) bool {
	s := at.Unix()
	if t.g.now >= s {
		return true
	}
	t.own = min(t.own, s)
	return false
}

// Now returns the graph's instant without watching it: the caller says by Expire when its answer stops being true.
func (t *Task) Now() time.Time { return t.g.Now() }

// Expire has the computation repeated at the given instant, if that is in the future.
func (t *Task) Expire(at time.Time) {
	if s := at.Unix(); s > t.g.now {
		t.own = min(t.own, s)
	}
}

// Horizon runs f and returns the first instant at which time alone may change what f read, zero for never. The reads of f
// count for the whole computation as if they stood alone.
func (t *Task) Horizon(f func()) time.Time {
	if t == nil {
		f()
		return time.Time{}
	}
	own, first := t.own, len(t.deps)
	t.own = never
	f()
	horizon := t.own
	t.own = min(own, horizon)
	for _, d := range t.deps[min(first, len(t.deps)):] {
		horizon = min(horizon, d.expiry)
	}
	if horizon == never {
		return time.Time{}
	}
	return time.Unix(horizon, 0).UTC()
}

// add gives a new table its level: it may read those below.
func (g *Graph) add(t table) uint16 {
	g.tables, g.buckets = append(g.tables, t), append(g.buckets, nil)
	return uint16(len(g.tables) - 1)
}

// touch marks a node as to be recomputed, and queues it. A node that is being computed finds out itself (Task.stale).
func (g *Graph) touch(n *node) {
	if n.state == computing || n.state == dropped {
		return
	}
	n.state = dirty
	g.enqueue(n)
}

// enqueue has Settle look at a node: to recompute it if it is dirty, to drop it if nobody needs it.
func (g *Graph) enqueue(n *node) {
	if n.queued {
		return
	}
	n.queued = true
	g.buckets[n.level] = append(g.buckets[n.level], n)
	g.lowest = min(g.lowest, int(n.level))
}

// compute brings a node up to date and marks its readers if the value, or the time it holds for, changed.
func (g *Graph) compute(n *node) {
	if n.state == computing {
		panic(fmt.Sprintf("incr: %s depends on itself", g.tables[n.level].describe(n)))
	}
	n.state = computing
	g.recompute++
	t := g.borrow()
	t.before = n.deps
	changed := g.tables[n.level].recompute(n, t)
	again := t.stale()
	read := g.rewire(n, t.deps)
	if t.own != n.own {
		n.own = t.own
		if n.own != never {
			g.watch(n)
		}
	}
	expiry := n.own
	for _, d := range read {
		expiry = min(expiry, d.expiry)
	}
	g.back(t)
	if expiry != n.expiry {
		n.expiry = expiry
		changed = true
	}
	n.state = clean
	if again {
		g.touch(n)
	}
	if changed {
		n.version++
		g.touchReaders(n)
	}
}

// rewire replaces the dependencies of n by those just read and returns these, duplicates removed. It overwrites read.
func (g *Graph) rewire(n *node, read []*node) []*node {
	g.seq++
	unique := read[:0]
	for _, d := range read {
		if d.mark != g.seq {
			d.mark = g.seq
			unique = append(unique, d)
		}
	}
	old := n.deps
	if slices.EqualFunc(old, unique, func(id uint32, d *node) bool { return id == d.id }) {
		return unique
	}
	n.deps = make([]uint32, len(unique))
	for i, d := range unique {
		n.deps[i] = d.id
	}
	for _, id := range old {
		if d := g.nodes[id]; d.mark != g.seq {
			g.leave(d, n)
			g.release(d)
		}
	}
	g.seq++
	for _, id := range old {
		g.nodes[id].mark = g.seq
	}
	for _, d := range unique {
		if d.mark != g.seq {
			d.readers.add(n.id)
		}
	}
	return unique
}

// release queues a node that lost its last reader, so that Settle drops it if nothing reads it again.
func (g *Graph) release(n *node) {
	if !n.pinned && n.readers.len() == 0 && n.state != dropped {
		g.enqueue(n)
	}
}

// drop forgets a node nobody reads, and whatever only it read.
func (g *Graph) drop(n *node) {
	n.state = dropped
	g.tables[n.level].forget(n)
	read := n.deps
	n.deps = nil
	for _, id := range read {
		d := g.nodes[id]
		g.leave(d, n)
		g.release(d)
	}
	g.nodes[n.id] = nil
	g.free = append(g.free, n.id)
}

// Settle recomputes everything that earlier changes made stale and that somebody observes.
func (g *Graph) Settle() {
	for {
		for len(g.deferred) > 0 {
			run := g.deferred
			g.deferred = nil
			for _, f := range run {
				f()
			}
		}
		n := g.pop()
		switch {
		case n == nil && len(g.deferred) == 0:
			for _, d := range g.sweeps {
				g.sweep(d)
			}
			g.sweeps = nil
			return
		case n == nil || n.state == dropped:
		case !n.pinned && n.readers.len() == 0:
			g.drop(n)
		case n.state == dirty:
			g.compute(n)
		}
	}
}

func (g *Graph) pop() *node {
	for ; g.lowest < len(g.buckets); g.lowest++ {
		b := g.buckets[g.lowest]
		if len(b) == 0 {
			continue
		}
		n := b[len(b)-1]
		b[len(b)-1] = nil
		g.buckets[g.lowest] = b[:len(b)-1]
		n.queued = false
		return n
	}
	return nil
}

// watch has Advance find the node when its own instant comes. Timers of nodes that no longer wait for them are cleared
// away whenever they may be the greater part, so that edits of far windows do not pile up.
func (g *Graph) watch(n *node) {
	if len(g.timers) >= g.crowded {
		g.seq++
		g.timers = slices.DeleteFunc(g.timers, func(t timer) bool {
			if t.n.own != t.at || t.n.state == dropped || t.n.mark == g.seq {
				return true
			}
			t.n.mark = g.seq
			return false
		})
		slices.SortFunc(g.timers, func(a, b timer) int { return cmp.Compare(a.at, b.at) })
		g.crowded = max(minCrowd, 2*len(g.timers))
	}
	heap.Push(&g.timers, timer{n.own, n})
}

// minCrowd is the number of timers below which clearing is not worth it.
const minCrowd = 64

// Advance moves the instant and marks what time changes; Settle does the rest. Going back in time marks everything.
func (g *Graph) Advance(now time.Time) {
	s := now.Unix()
	if s < g.now {
		g.now = s
		for _, each := range g.all {
			each(g.touch)
		}
		return
	}
	g.now = s
	for len(g.timers) > 0 && g.timers[0].at <= s {
		t := heap.Pop(&g.timers).(timer)
		if t.n.own == t.at && t.n.state != dropped {
			t.n.own = never // the timer is spent: computing sets the next
			g.touch(t.n)
		}
	}
}

// Next returns the first instant after now at which time alone may change a value, false if there is none.
func (g *Graph) Next() (time.Time, bool) {
	for len(g.timers) > 0 {
		t := g.timers[0]
		if t.n.own == t.at && t.n.state != dropped {
			return time.Unix(t.at, 0).UTC(), true
		}
		heap.Pop(&g.timers)
	}
	return time.Time{}, false
}

type timer struct {
	at int64
	n  *node
}

type timers []timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timers) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timers) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// readers are the nodes that read a node, by id. Most nodes have one or two, which need no list.
type readers struct {
	few  [2]uint32 // if there is no list; noNode where there is none, the second first
	many *manyReaders
}

// manyReaders is a list of readers. A long one keeps nodes that do not read it any more (stale counts them) until the next
// sweep, so that leaving costs nothing and no index is needed; an id in it may be free by then, or another node's.
type manyReaders struct {
	list     []uint32
	stale    int32
	sweeping bool // waits for a sweep
}

// noNode is the id of no node.
const noNode = 0

const longList = 24

// ids returns the readers, stale ones too. It is valid until the next change.
func (r *readers) ids() []uint32 {
	switch {
	case r.many != nil:
		return r.many.list
	case r.few[0] == noNode:
		return nil
	case r.few[1] == noNode:
		return r.few[:1]
	}
	return r.few[:]
}

func (r *readers) len() int {
	if r.many != nil {
		return len(r.many.list) - int(r.many.stale)
	}
	return len(r.ids())
}

func (r *readers) add(id uint32) {
	switch m := r.many; {
	case m != nil:
		if len(m.list) == cap(m.list) {
			m.list = slices.Grow(m.list, len(m.list)) // append would grow a long list by a quarter only, and copy it the more often
		}
		m.list = append(m.list, id)
	case r.few[0] == noNode:
		r.few[0] = id
	case r.few[1] == noNode:
		r.few[1] = id
	default:
		r.many = &manyReaders{list: append(make([]uint32, 0, 4), r.few[0], r.few[1], id)}
	}
}

// leave takes n out of the readers of d. The dependencies of n must say so already.
func (g *Graph) leave(d, n *node) {
	r := &d.readers
	m := r.many
	switch {
	case m == nil:
		if r.few[0] == n.id {
			r.few[0] = r.few[1]
			r.few[1] = noNode
		} else if r.few[1] == n.id {
			r.few[1] = noNode
		}
	case len(m.list) > longList:
		if m.stale++; !m.sweeping && 2*int(m.stale) > len(m.list) {
			m.sweeping = true
			g.sweeps = append(g.sweeps, d)
		}
	default:
		if i := slices.Index(m.list, n.id); i >= 0 {
			last := len(m.list) - 1
			m.list[i] = m.list[last]
			m.list = m.list[:last]
		}
	}
}

// sweep takes out of the readers of d those that do not read it any more.
func (g *Graph) sweep(d *node) {
	g.seq++
	kept := d.readers.many.list[:0]
	for _, id := range d.readers.many.list {
		if m := g.nodes[id]; m != nil && m.mark != g.seq && m.reads(d) {
			m.mark = g.seq
			kept = append(kept, id)
		}
	}
	d.readers.many = &manyReaders{list: slices.Clone(kept)}
}

func (n *node) reads(d *node) bool { return slices.Contains(n.deps, d.id) }

func (g *Graph) touchReaders(n *node) {
	exact := n.readers.many == nil || n.readers.many.stale == 0
	for _, id := range n.readers.ids() {
		if m := g.nodes[id]; exact || m != nil && m.reads(n) {
			g.touch(m)
		}
	}
}

// Peek returns a task for a computation done once: what it reads is not watched.
func (g *Graph) Peek() *Task { return &Task{g: g, own: never, peek: true} }
