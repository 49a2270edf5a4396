package access

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbering(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOf(rapid.StringMatching(`[a-d]{1,3}`)).Draw(rt, "names")
		n := numbering{ids: map[string]int32{}}
		first := map[string]int32{}
		for _, name := range names {
			id := n.id(name)
			if was, known := first[name]; known && was != id {
				rt.Errorf("%s has number %d, then %d", name, was, id)
			}
			first[name] = id
		}
		var ordered []string
		for rank, id := range n.order {
			ordered = append(ordered, n.names[id])
			if n.ranks[id] != int32(rank) {
				rt.Errorf("rank of %s is %d, want %d", n.names[id], n.ranks[id], rank)
			}
		}
		slices.Sort(names)
		if want := slices.Compact(names); !slices.Equal(ordered, want) {
			rt.Errorf("order %v, want %v", ordered, want)
		}
	})
}

func TestBitset(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var b bitset
		for range 3 { // what was drained leaves nothing behind
			size := rapid.IntRange(1, 300).Draw(rt, "size")
			b = b.upTo(size)
			in := rapid.SliceOf(rapid.Int32Range(0, int32(size-1))).Draw(rt, "in")
			for _, i := range in {
				b.add(i)
			}
			for i := range int32(size) {
				if got, want := b.has(i), slices.Contains(in, i); got != want {
					rt.Fatalf("has(%d) = %t, want %t", i, got, want)
				}
			}
			slices.Sort(in)
			if got, want := slices.Collect(b.drain()), slices.Compact(in); !slices.Equal(got, want) {
				rt.Fatalf("drained %v, want %v", got, want)
			}
		}
	})
}
