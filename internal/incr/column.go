package incr

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"
)

// cell is a node with its value. It begins with the node, so that either is found from the other.
type cell[K comparable, V any] struct {
	node
	row   *row[K]
	value V
}

// row is what all columns of a space hold for one key: whoever computes something about a key reads many columns at it, and the
// row that one of them looked up is at hand for the others.
type row[K comparable] struct {
	key   K
	has   [2]uint64 // a bit for each column of the space that has a cell here
	cells []*node   // of these columns, in their order
}

// maxColumns is how many columns a space has room for.
const maxColumns = 128

// place returns where the cell of a column is in cells, or would be.
func (r *row[K]) place(column uint8) (at int, there bool) {
	word, bit := r.has[column/64], uint64(1)<<(column%64)
	at = bits.OnesCount64(word & (bit - 1))
	if column >= 64 {
		at += bits.OnesCount64(r.has[0])
	}
	return at, word&bit != 0
}

// space holds the rows of the tables of a graph that have keys of one type: of all of them, unless there are more than a space has
// room for.
type space[K comparable] struct {
	rows    map[K]*row[K]
	columns int
}

// spaceFor returns a space with room for another column.
func spaceFor[K comparable](g *Graph) *space[K] {
	for _, s := range g.spaces {
		if s, ok := s.(*space[K]); ok && s.columns < maxColumns {
			return s
		}
	}
	s := &space[K]{rows: map[K]*row[K]{}}
	g.spaces = append(g.spaces, s)
	return s
}

// column is the part of a table that finds its cells.
type column[K comparable, V any] struct {
	g      *Graph
	name   string
	level  uint16 // of the table in the graph
	number uint8  // of the column in the space
	space  *space[K]
	fresh  state // of new cells
	equal  func(a, b V) bool
}

func newColumn[K comparable, V any](g *Graph, name string, fresh state, equal func(a, b V) bool) column[K, V] {
	s := spaceFor[K](g)
	s.columns++
	return column[K, V]{g: g, name: name, number: uint8(s.columns - 1), space: s, fresh: fresh, equal: equal}
}

// cellOf returns the cell that one of the column's nodes begins.
func (*column[K, V]) cellOf(n *node) *cell[K, V] { return (*cell[K, V])(unsafe.Pointer(n)) }

// find returns the cell of a key, nil if it has none.
func (c *column[K, V]) find(k K) *cell[K, V] {
	r := c.space.rows[k]
	if r == nil {
		return nil
	}
	at, there := r.place(c.number)
	if !there {
		return nil
	}
	return c.cellOf(r.cells[at])
}

// at returns the cell of a key, a new one if it has none.
func (c *column[K, V]) at(k K) *cell[K, V] {
	r := c.space.rows[k]
	if r == nil {
		r = &row[K]{key: k}
		c.space.rows[k] = r
	}
	at, there := r.place(c.number)
	if there {
		return c.cellOf(r.cells[at])
	}
	e := &cell[K, V]{node: node{level: c.level, state: c.fresh, own: never, expiry: never}, row: r}
	c.g.register(&e.node)
	r.has[c.number/64] |= 1 << (c.number % 64)
	r.cells = slices.Insert(r.cells, at, &e.node)
	return e
}

// foreseen returns the cell of a key if it is the one that the last computation read at this point, or the one after that.
// A computation mostly reads what it read before, in the same order: so it is found without a look into its table.
func (c *column[K, V]) foreseen(t *Task, k K) *cell[K, V] {
	if t == nil {
		return nil
	}
	for i := t.next; i < min(t.next+2, len(t.before)); i++ {
		if n := t.g.nodes[t.before[i]]; n.level == c.level {
			if e := c.cellOf(n); e.row.key == k {
				t.next = i + 1
				return e
			}
		}
	}
	return nil
}

// remove forgets a cell, and its row with the last one.
func (c *column[K, V]) remove(e *cell[K, V]) {
	r := e.row
	at, _ := r.place(c.number)
	r.has[c.number/64] &^= 1 << (c.number % 64)
	r.cells = slices.Delete(r.cells, at, at+1)
	if len(r.cells) == 0 {
		delete(c.space.rows, r.key)
	}
}

// each calls f for all cells of the column.
func (c *column[K, V]) each(f func(e *cell[K, V])) {
	for _, r := range c.space.rows {
		if at, there := r.place(c.number); there {
			f(c.cellOf(r.cells[at]))
		}
	}
}

func (c *column[K, V]) describe(n *node) string {
	return fmt.Sprintf("%s(%v)", c.name, c.cellOf(n).row.key)
}
