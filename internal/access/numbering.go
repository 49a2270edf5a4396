package access

import (
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// numbering gives names small numbers that stay, and knows their order.
type numbering struct {
	ids   map[string]int32
	names []string // by id
	texts [][]byte // by id: the name as canonical JSON
	ranks []int32  // by id: the place of the name among all
	order []int32  // ids by rank
}

func (n *numbering) id(name string) int32 {
	if id, ok := n.ids[name]; ok {
		return id
	}
	id := int32(len(n.names))
	rank, _ := slices.BinarySearchFunc(n.order, name, func(id int32, name string) int { return strings.Compare(n.names[id], name) })
	n.ids[name], n.names, n.texts, n.ranks = id, append(n.names, name), append(n.texts, canonical.String(name)), append(n.ranks, 0)
	n.order = slices.Insert(n.order, rank, id)
	for i, id := range n.order[rank:] {
		n.ranks[id] = int32(rank + i)
	}
	return id
}

// bitset is a set of small numbers, to go through many of them in order without sorting.
type bitset []uint64

const wordBits = 64

// upTo returns the set, which must be empty, with room for the numbers below n.
func (b bitset) upTo(n int) bitset {
	words := (n + wordBits - 1) / wordBits
	return slices.Grow(b[:0], words)[:words]
}

func (b bitset) has(i int32) bool { return b[i/wordBits]>>(i%wordBits)&1 != 0 }

func (b bitset) add(i int32) { b[i/wordBits] |= 1 << (i % wordBits) }

// drain yields what is in the set, ascending, and takes it out. It must not be left early.
func (b bitset) drain() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for w, word := range b {
			for b[w] = 0; word != 0; word &= word - 1 {
				yield(int32(w*wordBits + bits.TrailingZeros64(word)))
			}
		}
	}
}
