package incr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func equal[V comparable](a, b V) bool { return a == b }

func at(second int64) time.Time { return time.Unix(second, 0).UTC() }

func TestSettleStopsWhereValuesAreEqual(t *testing.T) {
	tests := map[string]struct {
		b              int // 0: 5
		set            map[string]int
		wantValue      int
		wantRecomputed uint64
	}{
		"same value": {
			set: map[string]int{"a": 1}, wantValue: 2, wantRecomputed: 0,
		},
		"same parity": {
			set: map[string]int{"a": 3}, wantValue: 2, wantRecomputed: 1,
		},
		"other parity": {
			set: map[string]int{"a": 2}, wantValue: 1, wantRecomputed: 2,
		},
		"both parities": {
			b: 6, set: map[string]int{"a": 2, "b": 7}, wantValue: 1, wantRecomputed: 3,
		},
		"nobody reads it": {
			set: map[string]int{"z": 9}, wantValue: 2, wantRecomputed: 0,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := New(at(0))
			in := NewInput[string, int](g, "in", equal)
			odd := NewQuery(g, "odd", equal, func(t *Task, k string) int { return in.Get(t, k) % 2 })
			sum := NewQuery(g, "sum", equal, func(t *Task, _ struct{}) int { return odd.Get(t, "a") + odd.Get(t, "b") })
			in.Set("a", 1)
			in.Set("b", cmp.Or(tc.b, 5))
			sum.Observe(struct{}{})
			g.Settle()
			before := g.Recomputed()
			for k, v := range tc.set {
				in.Set(k, v)
			}
			g.Settle()
			if got := g.Recomputed() - before; got != tc.wantRecomputed {
				t.Errorf("recomputed %d, want %d", got, tc.wantRecomputed)
			}
			if got := sum.Get(nil, struct{}{}); got != tc.wantValue {
				t.Errorf("sum = %d, want %d", got, tc.wantValue)
			}
		})
	}
}

func TestSettleDropsWhatNobodyReads(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, string](g, "in", equal)
	upper := NewQuery(g, "upper", equal, func(t *Task, k string) string { return strings.ToUpper(in.Get(t, k)) })
	join := NewQuery(g, "join", equal, func(t *Task, k string) string {
		var out []string
		for part := range strings.FieldsSeq(in.Get(t, k)) {
			out = append(out, upper.Get(t, part))
		}
		return strings.Join(out, " ")
	})
	var dropped []string
	upper.OnChange(func(k, before, after string) {
		if after == "" {
			dropped = append(dropped, k+"="+before)
		}
	})
	for _, k := range []string{"a", "b", "c"} {
		in.Set(k, "v"+k)
	}
	in.Set("all", "a b c")
	in.Set("some", "c")
	join.Observe("all")
	join.Observe("some")
	g.Settle()

	in.Set("all", "b")
	g.Settle()
	if want := []string{"a=VA"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v: c is still read by some, b by all", dropped, want)
	}
	join.Unobserve("all")
	join.Unobserve("some")
	g.Settle()
	slices.Sort(dropped)
	if want := []string{"a=VA", "b=VB", "c=VC"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v", dropped, want)
	}
	if upper.count()+join.count() != 0 {
		t.Errorf("%d + %d nodes stay", upper.count(), join.count())
	}
	if in.count() != 5 {
		t.Errorf("%d inputs, want the 5 that are set", in.count())
	}
}

func TestReadingOnceLeavesNothingBehind(t *testing.T) {
	tests := map[string]struct{ task func(*Graph) *Task }{
		"nil task": {task: func(*Graph) *Task { return nil }},
		"peek":     {task: (*Graph).Peek},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := New(at(0))
			in := NewInput[string, int](g, "in", nil)
			inner := NewQuery(g, "inner", equal, func(t *Task, k string) int { return in.Get(t, k) + 1 })
			outer := NewQuery(g, "outer", equal, func(t *Task, k string) int { return inner.Get(t, k) + in.Get(t, "b") })
			if got := outer.Get(tc.task(g), "a"); got != 1 {
				t.Errorf("outer = %d, want 1", got)
			}
			if got := in.Get(tc.task(g), "c"); got != 0 {
				t.Errorf("in = %d, want 0", got)
			}
			g.Settle()
			if n := in.count() + inner.count() + outer.count(); n != 0 {
				t.Errorf("%d nodes stay", n)
			}
		})
	}
}

func TestReadingOnceKeepsWhatIsObserved(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, int](g, "in", nil)
	double := NewQuery(g, "double", equal, func(t *Task, k string) int { return 2 * in.Get(t, k) })
	double.Observe("a")
	in.Set("a", 1)
	g.Settle()
	before := g.Recomputed()
	if got := double.Get(nil, "a") + double.Get(g.Peek(), "a"); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
	g.Settle()
	if got := g.Recomputed() - before; got != 0 {
		t.Errorf("recomputed %d, want 0", got)
	}
	in.Set("a", 2)
	g.Settle()
	if got := double.Get(nil, "a"); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
}

func TestInputReadBeforeItIsSet(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, *int](g, "in", nil)
	found := NewQuery(g, "found", equal, func(t *Task, k string) bool { return in.Get(t, k) != nil })
	found.Observe("a")
	g.Settle()
	for i, want := range []bool{true, false, true} {
		if want {
			in.Set("a", new(i))
		} else {
			in.Delete("a")
		}
		g.Settle()
		if got := found.Get(nil, "a"); got != want {
			t.Errorf("step %d: found = %t, want %t", i, got, want)
		}
	}
}

func TestInputDeletedAndSetBeforeSettle(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, int](g, "in", nil)
	in.Set("a", 1)
	in.Delete("a")
	in.Set("a", 2)
	g.Settle()
	if got := in.Get(nil, "a"); got != 2 {
		t.Errorf("in = %d, want 2", got)
	}
}

func TestIndex(t *testing.T) {
	type edit struct {
		add, remove string
	}
	tests := map[string]struct {
		edits []edit
		want  []string
	}{
		"empty":                  {},
		"in order":               {edits: []edit{{add: "a"}, {add: "b"}}, want: []string{"a", "b"}},
		"out of order":           {edits: []edit{{add: "b"}, {add: "c"}, {add: "a"}}, want: []string{"a", "b", "c"}},
		"twice":                  {edits: []edit{{add: "b"}, {add: "a"}, {add: "b"}}, want: []string{"a", "b"}},
		"remove":                 {edits: []edit{{add: "b"}, {add: "a"}, {remove: "b"}}, want: []string{"a"}},
		"remove what is absent":  {edits: []edit{{add: "b"}, {remove: "a"}}, want: []string{"b"}},
		"remove from nothing":    {edits: []edit{{remove: "a"}}},
		"remove all":             {edits: []edit{{add: "b"}, {add: "a"}, {remove: "b"}, {remove: "a"}}},
		"add again after all":    {edits: []edit{{add: "b"}, {remove: "b"}, {add: "a"}}, want: []string{"a"}},
		"added twice, then gone": {edits: []edit{{add: "b"}, {add: "b"}, {remove: "b"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := New(at(0))
			x := NewIndex[int, string](g, "x")
			list := NewQuery(g, "list", equal, func(t *Task, k int) string { return strings.Join(x.Get(t, k), " ") })
			list.Observe(1)
			g.Settle()
			for _, e := range tc.edits {
				if e.add != "" {
					x.Add(1, e.add)
				} else {
					x.Remove(1, e.remove)
				}
				x.Add(2, "other")
				g.Settle()
				if got, want := list.Get(nil, 1), strings.Join(x.Get(nil, 1), " "); got != want {
					t.Errorf("after %v: query sees %q, index has %q", e, got, want)
				}
			}
			if got := x.Get(nil, 1); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			list.Unobserve(1)
			x.Remove(2, "other")
			for _, m := range tc.want {
				x.Remove(1, m)
			}
			g.Settle()
			if x.in.count() != 0 {
				t.Errorf("%d nodes stay", x.in.count())
			}
		})
	}
}

func TestSignal(t *testing.T) {
	g := New(at(0))
	s := NewSignal[string](g, "s")
	outside := map[string]int{"a": 1}
	seen := NewQuery(g, "seen", equal, func(t *Task, k string) int {
		s.Watch(t, k)
		return outside[k]
	})
	seen.Observe("a")
	g.Settle()
	s.Changed("b")
	before := g.Recomputed()
	outside["a"] = 2
	s.Changed("a")
	g.Settle()
	if got := g.Recomputed() - before; got != 1 {
		t.Errorf("recomputed %d, want 1", got)
	}
	if got := seen.Get(nil, "a"); got != 2 {
		t.Errorf("seen = %d, want 2", got)
	}
	seen.Unobserve("a")
	g.Settle()
	if s.in.count() != 0 {
		t.Errorf("%d nodes stay", s.in.count())
	}
}

// phases is a graph with one query that counts how many of the instants of its input have come.
func phases(now int64) (*Graph, *Input[string, []int64], *Query[string, int]) {
	g := New(at(now))
	in := NewInput[string, []int64](g, "instants", nil)
	count := NewQuery(g, "count", equal, func(t *Task, k string) int {
		n := 0
		for _, s := range in.Get(t, k) {
			if t.Reached(at(s)) {
				n++
			}
		}
		return n
	})
	return g, in, count
}

func TestAdvance(t *testing.T) {
	g, in, count := phases(0)
	in.Set("a", []int64{10, 20, 30})
	in.Set("b", []int64{25})
	count.Observe("a")
	count.Observe("b")
	g.Settle()
	steps := []struct {
		now, wantA, wantB, wantNext int64
	}{
		{now: 0, wantA: 0, wantB: 0, wantNext: 10},
		{now: 9, wantA: 0, wantB: 0, wantNext: 10},
		{now: 10, wantA: 1, wantB: 0, wantNext: 20},
		{now: 29, wantA: 2, wantB: 1, wantNext: 30},
		{now: 15, wantA: 1, wantB: 0, wantNext: 20}, // back in time
		{now: 5, wantA: 0, wantB: 0, wantNext: 10},
		{now: 30, wantA: 3, wantB: 1},
		{now: 29, wantA: 2, wantB: 1, wantNext: 30},
		{now: 1000, wantA: 3, wantB: 1},
	}
	for i, step := range steps {
		g.Advance(at(step.now))
		g.Settle()
		if got := g.Now(); !got.Equal(at(step.now)) {
			t.Errorf("step %d: now = %v", i, got)
		}
		if a, b := count.Get(nil, "a"), count.Get(nil, "b"); int64(a) != step.wantA || int64(b) != step.wantB {
			t.Errorf("step %d: counts %d, %d, want %d, %d", i, a, b, step.wantA, step.wantB)
		}
		next, ok := g.Next()
		if ok != (step.wantNext != 0) || ok && next.Unix() != step.wantNext {
			t.Errorf("step %d: next = %v %t, want %d", i, next, ok, step.wantNext)
		}
	}
}

func TestAdvanceRecomputesOnlyWhatTimeChanges(t *testing.T) {
	g, in, count := phases(0)
	for i := range 100 {
		k := fmt.Sprint(i)
		in.Set(k, []int64{int64(10 + i)})
		count.Observe(k)
	}
	g.Settle()
	before := g.Recomputed()
	g.Advance(at(12))
	g.Settle()
	if got := g.Recomputed() - before; got != 3 {
		t.Errorf("recomputed %d, want the 3 of seconds 10, 11, 12", got)
	}
}

func TestNextForgetsInstantsNoLongerAsked(t *testing.T) {
	g, in, count := phases(0)
	in.Set("a", []int64{10})
	count.Observe("a")
	g.Settle()
	in.Set("a", []int64{20})
	g.Settle()
	if next, ok := g.Next(); !ok || next.Unix() != 20 {
		t.Errorf("next = %v %t, want 20", next, ok)
	}
	in.Set("a", []int64{10})
	g.Settle()
	if next, ok := g.Next(); !ok || next.Unix() != 10 {
		t.Errorf("next = %v %t, want 10", next, ok)
	}
	count.Unobserve("a")
	g.Settle()
	if next, ok := g.Next(); ok {
		t.Errorf("next = %v, want none", next)
	}
}

func TestTimersDoNotPileUp(t *testing.T) {
	g, in, count := phases(0)
	count.Observe("a")
	count.Observe("b")
	in.Set("b", []int64{5000})
	for i := range 5000 {
		in.Set("a", []int64{int64(1000 + i%2*1000)})
		g.Settle()
	}
	if len(g.timers) > 2*minCrowd {
		t.Errorf("%d timers for 2 nodes", len(g.timers))
	}
	in.Set("a", []int64{1500})
	g.Settle()
	for _, want := range []int64{1500, 5000} {
		next, ok := g.Next()
		if !ok || next.Unix() != want {
			t.Fatalf("next = %v %t, want %d", next, ok, want)
		}
		g.Advance(next)
		g.Settle()
	}
	if a, b := count.Get(nil, "a"), count.Get(nil, "b"); a != 1 || b != 1 {
		t.Errorf("counts %d, %d, want 1, 1", a, b)
	}
}

func TestExpire(t *testing.T) {
	g := New(at(3))
	decade := NewQuery(g, "decade", equal, func(t *Task, _ struct{}) int64 {
		d := t.Now().Unix() / 10
		t.Expire(at(d * 10)) // not in the future: no effect
		t.Expire(at((d + 1) * 10))
		return d
	})
	decade.Observe(struct{}{})
	for _, now := range []int64{3, 9, 10, 47, 12} {
		g.Advance(at(now))
		g.Settle()
		if got := decade.Get(nil, struct{}{}); got != now/10 {
			t.Errorf("at %d: %d", now, got)
		}
		if next, _ := g.Next(); next.Unix() != (now/10+1)*10 {
			t.Errorf("at %d: next = %v", now, next)
		}
	}
}

func TestOnChange(t *testing.T) {
	g, in, count := phases(0)
	total := NewQuery(g, "total", equal, func(t *Task, _ struct{}) int { return count.Get(t, "a") + count.Get(t, "b") })
	var got []string
	total.OnChange(func(_ struct{}, before, after int) {
		expiry, ok := total.Expiry(struct{}{})
		if !ok {
			expiry = at(0)
		}
		got = append(got, fmt.Sprintf("%d->%d until %d", before, after, expiry.Unix()))
	})
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{name: "first value", do: func() {
			in.Set("a", []int64{-5, 10})
			total.Observe(struct{}{})
		}, want: []string{"0->1 until 10"}},
		{name: "nothing", do: func() {}},
		{name: "irrelevant", do: func() { in.Set("a", []int64{-7, 10}) }},
		{name: "value", do: func() { in.Set("b", []int64{-5}) }, want: []string{"1->2 until 10"}},
		{name: "only the expiry", do: func() { in.Set("a", []int64{-5, 9}) }, want: []string{"2->2 until 9"}},
		{name: "value and expiry", do: func() { in.Set("b", []int64{5}) }, want: []string{"2->1 until 5"}},
		{name: "time", do: func() { g.Advance(at(7)) }, want: []string{"1->2 until 9"}},
		{name: "no expiry left", do: func() { g.Advance(at(9)) }, want: []string{"2->3 until 0"}},
		{name: "back in time", do: func() { g.Advance(at(0)) }, want: []string{"3->1 until 5"}},
		{name: "dropped", do: func() { total.Unobserve(struct{}{}) }, want: []string{"1->0 until 0"}},
	}
	for _, step := range steps {
		got = nil
		step.do()
		g.Settle()
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}

func TestOnChangeMaySetInputs(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, int](g, "in", equal)
	memory := NewInput[string, int](g, "memory", equal)
	highest := NewQuery(g, "highest", equal, func(t *Task, k string) int { return max(in.Get(t, k), memory.Get(t, k)) })
	highest.OnChange(func(k string, _, after int) {
		if after > 0 {
			memory.Set(k, after)
		}
	})
	highest.Observe("a")
	for _, step := range []struct{ set, want int }{{3, 3}, {1, 3}, {7, 7}, {0, 7}} {
		in.Set("a", step.set)
		g.Settle()
		if got := highest.Get(nil, "a"); got != step.want {
			t.Errorf("after %d: %d, want %d", step.set, got, step.want)
		}
	}
}

func TestDependenceOnItselfPanics(t *testing.T) {
	tests := map[string]struct {
		edges map[string]string
		want  string
	}{
		"itself":      {edges: map[string]string{"a": "a"}, want: "incr: walk(a) depends on itself"},
		"over others": {edges: map[string]string{"a": "b", "b": "c", "c": "b"}, want: "incr: walk(b) depends on itself"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := New(at(0))
			var walk *Query[string, int]
			walk = NewQuery(g, "walk", equal, func(t *Task, k string) int {
				if next, ok := tc.edges[k]; ok {
					return walk.Get(t, next) + 1
				}
				return 0
			})
			walk.Observe("a")
			defer func() {
				if got := fmt.Sprint(recover()); got != tc.want {
					t.Errorf("panic %q, want %q", got, tc.want)
				}
			}()
			g.Settle()
		})
	}
}

// Within one table the order of recomputation is not known beforehand: a query may read a key that is out of date, and
// then another one whose computation brings the first up to date. What was read first must not stay.
func TestSameTableReadOutOfDate(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, int](g, "in", equal)
	var q *Query[string, int]
	q = NewQuery(g, "q", equal, func(t *Task, k string) int {
		switch k {
		case "source":
			return in.Get(t, "x")
		case "copy":
			return q.Get(t, "source")
		case "other":
			return in.Get(t, "y") + q.Get(t, "copy")
		default:
			if in.Get(t, "gate") == 0 {
				return 0
			}
			return q.Get(t, "copy") + 100*q.Get(t, "source") + 10000*q.Get(t, "other")
		}
	})
	for _, k := range []string{"source", "copy", "other", "reader"} {
		q.Observe(k)
	}
	g.Settle()
	for _, order := range [][]string{{"x", "y", "gate"}, {"gate", "y", "x"}, {"gate", "x", "y"}} {
		for _, k := range []string{"x", "y", "gate"} {
			in.Set(k, 0)
		}
		g.Settle()
		for _, k := range order {
			in.Set(k, 1)
		}
		g.Settle()
		if got := q.Get(nil, "reader"); got != 1+100+20000 {
			t.Errorf("%v: reader = %d, want 20101", order, got)
		}
	}
}

// A chain within one table is computed from its start by pulling; that must not compute every link twice.
func TestPullingComputesOnce(t *testing.T) {
	const length = 50
	g := New(at(0))
	in := NewInput[struct{}, int](g, "in", equal)
	var chain *Query[int, int]
	chain = NewQuery(g, "chain", equal, func(t *Task, k int) int {
		v := in.Get(t, struct{}{})
		if k > 0 {
			v += chain.Get(t, k-1)
		}
		return v
	})
	chain.Observe(length - 1)
	g.Settle()
	before := g.Recomputed()
	in.Set(struct{}{}, 1)
	g.Settle()
	if got := chain.Get(nil, length-1); got != length {
		t.Errorf("chain = %d, want %d", got, length)
	}
	if got := g.Recomputed() - before; got > 2*length {
		t.Errorf("recomputed %d for a chain of %d", got, length)
	}
}

func TestReadersOfOneNode(t *testing.T) {
	g := New(at(0))
	in := NewInput[string, int](g, "in", equal)
	q := NewQuery(g, "q", equal, func(t *Task, k int) int {
		if in.Get(t, "skip") == k {
			return -1
		}
		return in.Get(t, "shared")
	})
	for i := range 3 * longList {
		q.Observe(i)
	}
	g.Settle()
	for i := range 3 * longList {
		in.Set("skip", i)
		in.Set("shared", i)
		g.Settle()
		for k := range 3 * longList {
			want := i
			if k == i {
				want = -1
			}
			if got := q.Get(nil, k); got != want {
				t.Fatalf("step %d: q(%d) = %d, want %d", i, k, got, want)
			}
		}
	}
	for i := range 3 * longList {
		if i%3 != 0 {
			q.Unobserve(i)
		}
	}
	g.Settle()
	in.Set("shared", 1000)
	before := g.Recomputed()
	g.Settle()
	// The one that is skipped last was dropped with the others, or does not read shared.
	if got := g.Recomputed() - before; got != longList {
		t.Errorf("recomputed %d, want %d", got, longList)
	}
}

func (c *column[K, V]) count() int {
	n := 0
	c.each(func(*cell[K, V]) { n++ })
	return n
}

// There is no end to the tables of a graph, whatever a row has room for.
func TestManyTables(t *testing.T) {
	g := New(at(0))
	const tables, keys = 3*maxColumns + 7, 5
	in := NewInput[int, int](g, "in", nil)
	var all []*Query[int, int]
	for i := range tables {
		all = append(all, NewQuery(g, fmt.Sprint("plus", i), equal[int], func(t *Task, k int) int { return in.Get(t, k) + i }))
	}
	for k := range keys {
		in.Set(k, 1000*k)
		for _, q := range all {
			q.Observe(k)
		}
	}
	g.Settle()
	check := func() {
		t.Helper()
		for i, q := range all {
			for k := range keys {
				if got, want := q.Get(nil, k), in.Get(nil, k)+i; got != want {
					t.Errorf("table %d has %d for %d, want %d", i, got, k, want)
				}
			}
		}
	}
	check()
	in.Set(2, 1)
	g.Settle()
	check()
	for i, q := range all { // from both ends and the middle, so that others stay before and behind
		if i%3 != 1 {
			q.Unobserve(2)
		}
	}
	g.Settle()
	for i, q := range all {
		want := keys
		if i%3 != 1 {
			want--
		}
		if got := q.count(); got != want {
			t.Errorf("table %d has %d cells, want %d", i, got, want)
		}
	}
	check()
}
