package incr

import (
	"cmp"
	"slices"
	"time"
)

// Input is a table of values set from outside, by key. A key never set reads as the zero value, so that a query that
// found nothing is recomputed when the value appears.
type Input[K comparable, V any] struct{ column[K, V] }

// NewInput adds a table of inputs. equal decides whether a Set is a change; nil means every Set is.
func NewInput[K comparable, V any](g *Graph, name string, equal func(a, b V) bool) *Input[K, V] {
	in := &Input[K, V]{newColumn[K](g, name, clean, equal)}
	in.level = g.add(in)
	return in
}

// Set gives the key a value and marks what read it.
func (in *Input[K, V]) Set(k K, v V) {
	c := in.at(k)
	c.pinned = true
	if in.equal != nil && in.equal(c.value, v) {
		return
	}
	c.value = v
	in.g.touchReaders(&c.node)
}

// Delete sets the key back to the zero value, and forgets it if nothing reads it.
func (in *Input[K, V]) Delete(k K) {
	c := in.find(k)
	if c == nil || !c.pinned {
		return
	}
	var zero V
	c.value = zero
	c.pinned = false
	in.g.touchReaders(&c.node)
	in.g.release(&c.node)
}

// Get reads the key's value.
func (in *Input[K, V]) Get(t *Task, k K) V {
	if t == nil || t.peek {
		if c := in.find(k); c != nil {
			return c.value
		}
		var zero V
		return zero
	}
	c := in.foreseen(t, k)
	if c == nil {
		c = in.at(k)
	}
	t.depend(&c.node)
	return c.value
}

func (in *Input[K, V]) recompute(*node, *Task) bool { return false }
func (in *Input[K, V]) forget(n *node)              { in.remove(in.cellOf(n)) }

// Index is an input that maps a key to a sorted set, changed one element at a time.
type Index[K comparable, M cmp.Ordered] struct{ in *Input[K, *bag[M]] }

type bag[M cmp.Ordered] struct {
	items  []M
	sorted int // how many of items are, from the first on
}

// NewIndex adds an index.
func NewIndex[K comparable, M cmp.Ordered](g *Graph, name string) *Index[K, M] {
	return &Index[K, M]{in: NewInput[K, *bag[M]](g, name, nil)}
}

// Add puts m into the set of k. Adding what is there already is for the caller to avoid: it would count as a change.
func (x *Index[K, M]) Add(k K, m M) {
	c := x.in.at(k)
	c.pinned = true
	if c.value == nil {
		c.value = &bag[M]{}
	}
	b := c.value
	if n := len(b.items); n == b.sorted && (n == 0 || b.items[n-1] < m) {
		b.sorted++
	}
	b.items = append(b.items, m)
	x.in.g.touchReaders(&c.node)
}

// Remove takes m out of the set of k.
func (x *Index[K, M]) Remove(k K, m M) {
	c := x.in.find(k)
	if c == nil || c.value == nil {
		return
	}
	b := c.value
	b.sort()
	i, ok := slices.BinarySearch(b.items, m)
	if !ok {
		return
	}
	b.items = slices.Delete(b.items, i, i+1)
	b.sorted--
	if len(b.items) == 0 {
		x.in.Delete(k)
		return
	}
	x.in.g.touchReaders(&c.node)
}

// Get reads the set of k, sorted. The slice may be changed by later calls of Add and Remove: copy it to keep it.
func (x *Index[K, M]) Get(t *Task, k K) []M {
	b := x.in.Get(t, k)
	if b == nil {
		return nil
	}
	b.sort()
	return b.items
}

// sort puts the items in order: few new ones each into their place, many by sorting all.
func (b *bag[M]) sort() {
	fresh := b.items[b.sorted:]
	switch {
	case len(fresh) == 0:
		return
	case len(fresh) > fewFresh:
		slices.Sort(b.items)
		b.items = slices.Compact(b.items)
	default:
		var few [fewFresh]M
		n := copy(few[:], fresh)
		b.items = b.items[:b.sorted]
		for _, m := range few[:n] {
			if i, found := slices.BinarySearch(b.items, m); !found {
				b.items = slices.Insert(b.items, i, m)
			}
		}
	}
	b.sorted = len(b.items)
}

// fewFresh is the number of items up to which each is put into its place.
const fewFresh = 4

// Query is a pure function of what it reads, remembered by key.
type Query[K comparable, V any] struct {
	column[K, V]
	compute  func(t *Task, k K) V
	onChange func(k K, before, after V)
}

// NewQuery adds a query. It may read queries added before it, and itself for other keys; equal decides whether a
// recomputed value is a change.
func NewQuery[K comparable, V any](g *Graph, name string, equal func(a, b V) bool, compute func(t *Task, k K) V) *Query[K, V] {
	q := &Query[K, V]{column: newColumn[K](g, name, dirty, equal), compute: compute}
	q.level = g.add(q)
	g.all = append(g.all, func(f func(*node)) { q.each(func(c *cell[K, V]) { f(&c.node) }) })
	return q
}

// OnChange calls f, in Settle, after the value of a key changed (also when only the time it holds for did) and when
// the key is dropped. f may set inputs; it must not read queries.
func (q *Query[K, V]) OnChange(f func(k K, before, after V)) { q.onChange = f }

// Get reads the value of a key, computing it if it is stale.
func (q *Query[K, V]) Get(t *Task, k K) V {
	c := q.foreseen(t, k)
	if c == nil {
		c = q.at(k)
	}
	if c.state != clean {
		q.g.compute(&c.node)
	}
	if t == nil || t.peek {
		q.g.release(&c.node)
	} else {
		t.depend(&c.node)
	}
	return c.value
}

// Observe keeps the value of a key up to date from now on: Settle recomputes it whenever it becomes stale.
func (q *Query[K, V]) Observe(k K) {
	c := q.at(k)
	if !c.pinned {
		c.pinned = true
		if c.state != clean {
			q.g.touch(&c.node)
		}
	}
}

// Unobserve ends Observe.
func (q *Query[K, V]) Unobserve(k K) {
	if c := q.find(k); c != nil && c.pinned {
		c.pinned = false
		q.g.release(&c.node)
	}
}

// Expiry returns the first instant at which time alone may change the value of a key that was computed.
func (q *Query[K, V]) Expiry(k K) (time.Time, bool) {
	c := q.find(k)
	if c == nil || c.expiry == never {
		return time.Time{}, false
	}
	return time.Unix(c.expiry, 0).UTC(), true
}

func (q *Query[K, V]) recompute(n *node, t *Task) bool {
	c := q.cellOf(n)
	before := c.value
	after := q.compute(t, c.row.key)
	if q.equal != nil && q.equal(before, after) {
		if q.onChange != nil {
			q.expiryChange(c, t)
		}
		return false
	}
	c.value = after
	if q.onChange != nil {
		q.g.deferred = append(q.g.deferred, func() { q.onChange(c.row.key, before, after) })
	}
	return true
}

// expiryChange reports a changed expiry to OnChange too: outputs carry it.
func (q *Query[K, V]) expiryChange(c *cell[K, V], t *Task) {
	expiry := t.own
	for _, d := range t.deps {
		expiry = min(expiry, d.expiry)
	}
	if expiry != c.expiry {
		v := c.value
		q.g.deferred = append(q.g.deferred, func() { q.onChange(c.row.key, v, v) })
	}
}

func (q *Query[K, V]) forget(n *node) {
	c := q.cellOf(n)
	q.remove(c)
	if q.onChange != nil {
		var zero V
		before := c.value
		q.g.deferred = append(q.g.deferred, func() { q.onChange(c.row.key, before, zero) })
	}
}

// Signal marks readers of values that are kept outside the graph: Changed(k) after the value behind k changed, Watch(t, k)
// before reading it. It costs memory only for keys that somebody watches.
type Signal[K comparable] struct{ in *Input[K, struct{}] }

// NewSignal adds a signal.
func NewSignal[K comparable](g *Graph, name string) *Signal[K] {
	return &Signal[K]{in: NewInput[K, struct{}](g, name, nil)}
}

// Watch records that the computation reads what is behind k.
func (s *Signal[K]) Watch(t *Task, k K) {
	if t == nil || t.peek {
		return
	}
	s.in.Get(t, k)
}

// Changed marks what watches k.
func (s *Signal[K]) Changed(k K) {
	if c := s.in.find(k); c != nil {
		s.in.g.touchReaders(&c.node)
	}
}
