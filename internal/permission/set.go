package permission

import (
	"math/bits"
	"slices"
)

const wordBits = 64

// Set is a set of the permissions of one Table. The zero value is the empty set. A Set is a value: no operation changes the
// words of a set that exists, so sets may be shared, cached and read from several goroutines. Sets of different tables must
// not be mixed.
type Set struct {
	// words never ends with a zero word, so that equal sets have equal words.
	words []uint64
}

// Empty reports whether s has no member.
func (s Set) Empty() bool { return len(s.words) == 0 }

// Equal reports whether s and o have the same members.
func (s Set) Equal(o Set) bool { return slices.Equal(s.words, o.words) }

// Len returns the number of members.
func (s Set) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Union returns the members of any of the sets.
func Union(sets ...Set) Set {
	longest := Set{}
	for _, s := range sets {
		if len(s.words) > len(longest.words) {
			longest = s
		}
	}
	out := longest
	for _, s := range sets {
		if s.within(out) {
			continue
		}
		if len(out.words) > 0 && &out.words[0] == &longest.words[0] {
			out = Set{words: slices.Clone(longest.words)}
		}
		for i, w := range s.words {
			out.words[i] |= w
		}
	}
	return out
}

// Subtract returns the members of a that are not in b.
func Subtract(a, b Set) Set {
	out := make([]uint64, len(a.words))
	for i, w := range a.words {
		out[i] = w &^ b.word(i)
	}
	return trimmed(out)
}

// Intersect returns the members that a and b share.
func Intersect(a, b Set) Set {
	out := make([]uint64, min(len(a.words), len(b.words)))
	for i := range out {
		out[i] = a.words[i] & b.words[i]
	}
	return trimmed(out)
}

// within reports whether every member of s is in o.
func (s Set) within(o Set) bool {
	for i, w := range s.words {
		if w&^o.word(i) != 0 {
			return false
		}
	}
	return true
}

func (s Set) word(i int) uint64 {
	if i >= len(s.words) {
		return 0
	}
	return s.words[i]
}

func (s Set) has(id int) bool {
	return id >= 0 && s.word(id/wordBits)&(1<<(id%wordBits)) != 0
}

// ids yields the members in ascending order of their ids.
func (s Set) ids(yield func(int) bool) {
	for i, w := range s.words {
		for w != 0 {
			if !yield(i*wordBits + bits.TrailingZeros64(w)) {
				return
			}
			w &= w - 1
		}
	}
}

func trimmed(words []uint64) Set {
	n := len(words)
	for n > 0 && words[n-1] == 0 {
		n--
	}
	return Set{words: words[:n:n]}
}

// builder collects ids into words that no Set shares yet.
type builder []uint64

func newBuilder(size int) builder { return make(builder, (size+wordBits-1)/wordBits) }

func (b builder) add(id int) { b[id/wordBits] |= 1 << (id % wordBits) }

func (b builder) set() Set { return trimmed(b) }
