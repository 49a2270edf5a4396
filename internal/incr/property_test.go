package incr

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Sizes of the random graphs: queries 0..random-1 in tables of perTable, so that a query reads others of its own table
// and of lower ones, and never a higher number.
const (
	random   = 24
	perTable = 8
	keys     = 6
	horizon  = 60
)

type op struct {
	kind   opKind
	key    int   // input or index key, or the query that is read
	second int64 // instant or period
}

type opKind int

const (
	readInput opKind = iota
	readIndex
	readOutside
	readQuery
	reached
	period
	skipIfOdd
	reset
	opKinds
)

type recipe struct {
	ops []op
	mod int64 // small values make recomputed values equal to old ones
}

// world is what a random query reads, kept beside the graph.
type world struct {
	now     int64
	inputs  map[int]int64
	index   map[int][]int64
	outside map[int]int64
	recipes map[int]recipe
}

// run interprets a recipe over whatever the four readers give.
func run(r recipe, input, outside, query func(int) int64, index func(int) []int64, has func(int64) bool, periods func(int64) int64) int64 {
	var acc int64
	for i := 0; i < len(r.ops); i++ {
		o := r.ops[i]
		switch o.kind {
		case readInput:
			acc += input(o.key)
		case readIndex:
			for j, m := range index(o.key) {
				acc += int64(j+1) * m
			}
		case readOutside:
			acc += outside(o.key)
		case readQuery:
			acc += query(o.key)
		case reached:
			if has(o.second) {
				acc += 3
			}
		case period:
			acc += periods(1 + o.second%13)
		case skipIfOdd:
			if acc%2 != 0 {
				i++
			}
		case reset:
			acc = 1
		}
	}
	if r.mod > 0 {
		acc %= r.mod
	}
	return acc
}

// at evaluates a query from scratch at an instant.
func (w *world) at(now int64, k int) int64 {
	memory := map[int]int64{}
	var value func(int) int64
	value = func(k int) int64 {
		if v, ok := memory[k]; ok {
			return v
		}
		v := run(w.recipes[k],
			func(k int) int64 { return w.inputs[k] },
			func(k int) int64 { return w.outside[k] },
			value,
			func(k int) []int64 { return slices.Sorted(slices.Values(w.index[k])) },
			func(s int64) bool { return now >= s },
			func(p int64) int64 { return now / p })
		memory[k] = v
		return v
	}
	return value(k)
}

func drawRecipe(t *rapid.T, k int) recipe {
	ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
		kind := opKind(rapid.IntRange(0, int(opKinds)-1).Draw(t, "kind"))
		if kind == readQuery && k == 0 {
			kind = readInput
		}
		o := op{kind: kind, key: rapid.IntRange(0, keys-1).Draw(t, "key"), second: rapid.Int64Range(0, horizon).Draw(t, "second")}
		if kind == readQuery {
			o.key = rapid.IntRange(max(0, k-perTable), k-1).Draw(t, "query")
		}
		return o
	}), 0, 6).Draw(t, "ops")
	return recipe{ops: ops, mod: rapid.SampledFrom([]int64{0, 0, 2, 5, 1}).Draw(t, "mod")}
}

// fixture is a random graph and the world it must agree with.
type fixture struct {
	world
	g        *Graph
	recipe   *Input[int, recipe]
	in       *Input[int, int64]
	x        *Index[int, int64]
	s        *Signal[int]
	tables   []*Query[int, int64]
	observed map[int]bool
	value    map[int]int64 // as OnChange told
	expiry   map[int]int64
}

func newFixture() *fixture {
	f := &fixture{
		world: world{
			now: 10, inputs: map[int]int64{}, index: map[int][]int64{}, outside: map[int]int64{}, recipes: map[int]recipe{},
		},
		g: New(at(10)), observed: map[int]bool{}, value: map[int]int64{}, expiry: map[int]int64{},
	}
	f.recipe = NewInput[int, recipe](f.g, "recipe", nil)
	f.in = NewInput[int, int64](f.g, "in", equal)
	f.x = NewIndex[int, int64](f.g, "x")
	f.s = NewSignal[int](f.g, "s")
	for range random / perTable {
		q := NewQuery(f.g, "q", equal, f.compute)
		q.OnChange(func(k int, before, after int64) {
			if f.value[k] != before {
				panic("OnChange: before is not the value told last")
			}
			f.value[k] = after
			f.expiry[k] = f.until(k)
		})
		f.tables = append(f.tables, q)
	}
	return f
}

func (f *fixture) table(k int) *Query[int, int64] { return f.tables[k/perTable] }

// until returns the expiry of a query in unix seconds, never if it has none.
func (f *fixture) until(k int) int64 {
	if e, ok := f.table(k).Expiry(k); ok {
		return e.Unix()
	}
	return never
}

func (f *fixture) compute(t *Task, k int) int64 {
	return run(f.recipe.Get(t, k),
		func(k int) int64 { return f.in.Get(t, k) },
		func(k int) int64 { f.s.Watch(t, k); return f.outside[k] },
		func(k int) int64 { return f.table(k).Get(t, k) },
		func(k int) []int64 { return f.x.Get(t, k) },
		func(s int64) bool { return t.Reached(at(s)) },
		func(p int64) int64 {
			n := t.Now().Unix() / p
			t.Expire(at((n + 1) * p))
			return n
		})
}

func (f *fixture) setRecipe(k int, r recipe) {
	f.recipes[k] = r
	f.recipe.Set(k, r)
}

func (f *fixture) edit(t *rapid.T) {
	key := rapid.IntRange(0, keys-1).Draw(t, "key")
	k := rapid.IntRange(0, random-1).Draw(t, "query")
	v := rapid.Int64Range(0, 4).Draw(t, "value")
	switch rapid.SampledFrom([]string{
		"input", "input", "delete input", "add", "remove", "outside", "recipe", "recipe", "observe", "unobserve", "advance", "back", "once",
	}).Draw(t, "edit") {
	case "input":
		f.inputs[key] = v
		f.in.Set(key, v)
	case "delete input":
		delete(f.inputs, key)
		f.in.Delete(key)
	case "add":
		if !slices.Contains(f.index[key], v) {
			f.index[key] = append(f.index[key], v)
			f.x.Add(key, v)
		}
	case "remove":
		f.index[key] = slices.DeleteFunc(f.index[key], func(m int64) bool { return m == v })
		f.x.Remove(key, v)
	case "outside":
		f.outside[key] = v
		f.s.Changed(key)
	case "recipe":
		f.setRecipe(k, drawRecipe(t, k))
	case "observe":
		f.observed[k] = true
		f.table(k).Observe(k)
	case "unobserve":
		delete(f.observed, k)
		f.table(k).Unobserve(k)
	case "advance":
		f.world.now += rapid.Int64Range(0, 15).Draw(t, "seconds")
		f.g.Advance(at(f.world.now))
	case "back":
		f.world.now = max(0, f.world.now-rapid.Int64Range(0, 15).Draw(t, "seconds"))
		f.g.Advance(at(f.world.now))
	case "once":
		f.g.Settle() // reading outside Settle needs a settled graph
		if got, want := f.table(k).Get(nil, k), f.world.at(f.world.now, k); got != want {
			t.Fatalf("read once: %d = %d, want %d", k, got, want)
		}
	}
}

// check compares every observed value, and every value some observed one read, with an evaluation from scratch.
func (f *fixture) check(t *rapid.T) {
	next, some := f.g.Next()
	for k := range random {
		q := f.table(k)
		c := q.find(k)
		if c == nil {
			if f.observed[k] {
				t.Fatalf("%d is observed and was dropped", k)
			}
			if f.value[k] != 0 {
				t.Fatalf("%d was dropped with the value %d last told", k, f.value[k])
			}
			continue
		}
		if !f.observed[k] && c.readers.len() == 0 {
			t.Fatalf("%d is kept though nobody reads it", k)
		}
		if c.state != clean || c.queued {
			t.Fatalf("%d is not settled", k)
		}
		want := f.world.at(f.world.now, k)
		if c.value != want {
			t.Fatalf("at %d: %d = %d, want %d", f.world.now, k, c.value, want)
		}
		if f.value[k] != want {
			t.Fatalf("%d was told to be %d, is %d", k, f.value[k], want)
		}
		until := f.until(k)
		if until <= f.world.now {
			t.Fatalf("at %d: %d expired at %d", f.world.now, k, until)
		}
		if told, ok := f.expiry[k]; (ok || until != never) && told != until {
			t.Fatalf("%d was told to hold until %d, holds until %d", k, told, until)
		}
		if until != never && (!some || next.Unix() > until) {
			t.Fatalf("%d holds until %d, the graph is looked at only at %v", k, until, next)
		}
		for s := f.world.now; s < min(until, horizon+20); s++ {
			if later := f.world.at(s, k); later != want {
				t.Fatalf("at %d: %d = %d is said to hold until %d, at %d it is %d", f.world.now, k, want, until, s, later)
			}
		}
	}
}

func TestPropertyValuesAreThoseOfAnEvaluationFromScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture()
		for k := range random {
			f.setRecipe(k, drawRecipe(t, k))
			if rapid.Bool().Draw(t, "observed") {
				f.observed[k] = true
				f.table(k).Observe(k)
			}
		}
		f.g.Settle()
		f.check(t)
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			for range rapid.IntRange(1, 5).Draw(t, "edits") {
				f.edit(t)
			}
			f.g.Settle()
			f.check(t)
		}
		before := f.g.Recomputed()
		f.g.Settle()
		if f.g.Recomputed() != before {
			t.Fatal("a settled graph computes again")
		}

		for key := range keys {
			f.in.Delete(key)
			for _, m := range f.index[key] {
				f.x.Remove(key, m)
			}
		}
		for k := range random {
			f.recipe.Delete(k)
			f.table(k).Unobserve(k)
		}
		f.g.Settle()
		left := f.recipe.count() + f.in.count() + f.x.in.count() + f.s.in.count()
		for _, q := range f.tables {
			left += q.count()
		}
		if left != 0 {
			t.Fatalf("%d nodes are left when nothing is set and nothing observed", left)
		}
		if next, ok := f.g.Next(); ok {
			t.Fatalf("an empty graph waits for %v", next)
		}
	})
}

func TestPropertyIndex(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := NewIndex[int, int](New(at(0)), "x")
		in := map[int]bool{}
		for range rapid.IntRange(1, 8).Draw(rt, "rounds") {
			for _, m := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 12).Draw(rt, "toggled") {
				if in[m] {
					x.Remove(1, m)
				} else {
					x.Add(1, m)
				}
				in[m] = !in[m]
			}
			var want []int
			for m := range 41 {
				if in[m] {
					want = append(want, m)
				}
			}
			if got := x.Get(nil, 1); !slices.Equal(got, want) {
				rt.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}
