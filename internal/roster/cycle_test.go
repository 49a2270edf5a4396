package roster

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCycleAt(t *testing.T) {
	tests := map[string]struct {
		edges map[string]string
		want  map[string]Cycle // objects absent are on no cycle
	}{
		"nothing": {edges: map[string]string{"a": ""}},
		"chain":   {edges: map[string]string{"a": "b", "b": "c"}},
		"diamond": {edges: map[string]string{"a": "b c", "b": "d", "c": "d"}},
		"missing": {edges: map[string]string{"a": "gone"}},
		"itself": {
			edges: map[string]string{"a": "a b"},
			want:  map[string]Cycle{"a": {Closing: []string{"a"}, Path: "a -> a"}},
		},
		"pair": {
			edges: map[string]string{"a": "b", "b": "a"},
			want:  map[string]Cycle{"a": {Path: "a -> b -> a"}, "b": {Closing: []string{"a"}, Path: "a -> b -> a"}},
		},
		"pair with an entrance and an exit": {
			edges: map[string]string{"0": "b", "a": "b", "b": "a exit", "exit": "far"},
			want:  map[string]Cycle{"a": {Path: "a -> b -> a"}, "b": {Closing: []string{"a"}, Path: "a -> b -> a"}},
		},
		"edges in any order, twice": {
			edges: map[string]string{"a": "c b b", "b": "a a", "c": "a"},
			want: map[string]Cycle{
				"a": {Path: "a -> b -> a"}, "b": {Closing: []string{"a"}, Path: "a -> b -> a"}, "c": {Closing: []string{"a"}, Path: "a -> b -> a"},
			},
		},
		"ascending names decide which edge closes": {
			// From a: b, then c (b -> c), then back to b on the path; a -> c comes to a node that is done.
			edges: map[string]string{"a": "b c", "b": "c", "c": "b a"},
			want: map[string]Cycle{
				"a": {Path: "a -> c -> a"}, "b": {Path: "a -> c -> a"}, "c": {Closing: []string{"a", "b"}, Path: "a -> c -> a"},
			},
		},
		"two components": {
			edges: map[string]string{"a": "b", "b": "a c", "c": "d", "d": "c"},
			want: map[string]Cycle{
				"a": {Path: "a -> b -> a"}, "b": {Closing: []string{"a"}, Path: "a -> b -> a"},
				"c": {Path: "c -> d -> c"}, "d": {Closing: []string{"c"}, Path: "c -> d -> c"},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for n := range tc.edges {
				got := cycleAt(n, func(n string) []string { return strings.Fields(tc.edges[n]) })
				if want := tc.want[n]; !sameCycle(got, want) {
					t.Errorf("%s: got %+v, want %+v", n, got, want)
				}
			}
		})
	}
}

// includeGraph draws names and what each includes, in any order.
func includeGraph(t *rapid.T) map[string][]string {
	names := strings.Split("abcdefgh", "")
	edges := map[string][]string{}
	for _, n := range names {
		edges[n] = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID[string]).Draw(t, n)
	}
	return edges
}

// reachable says which names are reached from which over one edge or more.
func reachable(edges map[string][]string) map[string]map[string]bool {
	reached := map[string]map[string]bool{}
	for n := range edges {
		reached[n] = map[string]bool{}
		for _, m := range edges[n] {
			reached[n][m] = true
		}
	}
	for by := range edges {
		for from := range edges {
			for to := range edges {
				if reached[from][by] && reached[by][to] {
					reached[from][to] = true
				}
			}
		}
	}
	return reached
}

func TestPropertyCycleAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := includeGraph(t)
		reached := reachable(edges)
		at := map[string]Cycle{}
		for n := range edges {
			at[n] = cycleAt(n, func(n string) []string { return edges[n] })
		}
		open := map[string][]string{} // without closing edges
		for n, c := range at {
			if c.Cyclic() != reached[n][n] {
				t.Fatalf("%s: cyclic %t, want %t", n, c.Cyclic(), reached[n][n])
			}
			if !slices.IsSorted(c.Closing) {
				t.Fatalf("%s: closing %v is not sorted", n, c.Closing)
			}
			for _, m := range c.Closing {
				if !slices.Contains(edges[n], m) || !reached[m][n] {
					t.Fatalf("%s -> %s closes no cycle", n, m)
				}
			}
			for _, m := range edges[n] {
				if !c.Closes(m) {
					open[n] = append(open[n], m)
				}
			}
			if !c.Cyclic() {
				continue
			}
			component := slices.DeleteFunc(slices.Sorted(maps.Keys(edges)), func(m string) bool { return !reached[n][m] || !reached[m][n] })
			path := strings.Split(c.Path, " -> ")
			if path[0] != component[0] || path[len(path)-1] != component[0] {
				t.Fatalf("%s: path %q does not lead from %s to itself", n, c.Path, component[0])
			}
			for i, m := range path[:len(path)-1] {
				if !slices.Contains(edges[m], path[i+1]) {
					t.Fatalf("%s: path %q has no edge from %s", n, c.Path, m)
				}
			}
			if inner := path[1:]; len(slices.Compact(slices.Sorted(slices.Values(inner)))) != len(inner) {
				t.Fatalf("%s: path %q passes a name twice", n, c.Path)
			}
			for _, m := range component {
				if at[m].Path != c.Path {
					t.Fatalf("%s and %s are of one component, their paths are %q and %q", n, m, c.Path, at[m].Path)
				}
			}
			if !slices.ContainsFunc(component, func(m string) bool { return len(at[m].Closing) > 0 }) {
				t.Fatalf("no edge closes the component %v", component)
			}
		}
		for n := range edges {
			if open[n] == nil {
				open[n] = []string{}
			}
		}
		for n, to := range reachable(open) {
			if to[n] {
				t.Fatalf("%s still includes itself without closing edges", n)
			}
		}
		// What is left still connects the smallest name of a component with all of it: no edge closes without need.
		left := reachable(open)
		for n, c := range at {
			if first, _, _ := strings.Cut(c.Path, " -> "); c.Cyclic() && n != first && !left[first][n] {
				t.Fatalf("%s is cut off from %s", n, first)
			}
		}
	})
}

func TestPropertyCycleAtDependsOnTheComponentOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := includeGraph(t)
		start := rapid.SampledFrom(strings.Split("abcdefgh", "")).Draw(t, "start")
		reached := reachable(edges)
		want := cycleAt(start, func(n string) []string { return edges[n] })
		component := func(n string) bool { return n == start || reached[start][n] && reached[n][start] }
		other := map[string][]string{}
		for n, list := range edges {
			if component(n) {
				other[n] = slices.DeleteFunc(slices.Clone(list), func(m string) bool { return !component(m) })
				// Edges out of the component to objects that lead nowhere, and their order, are of no account.
				for _, x := range []string{"0", "zz"} {
					if rapid.Bool().Draw(t, n+x) {
						other[n] = append(other[n], x)
					}
				}
				slices.Reverse(other[n])
			}
		}
		other["00"] = slices.Sorted(maps.Keys(edges)) // an entrance
		if got := cycleAt(start, func(n string) []string { return other[n] }); !sameCycle(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}
