package roster

import (
	"slices"
	"strings"
)

// Cycle is what R-6 says of one object of an include graph.
type Cycle struct {
	// Closing are the included names whose edges from this object are closing edges, sorted.
	Closing []string
	// Path is one cycle of the object's component from its smallest name, printed a -> b -> a; empty without a cycle.
	Path string
}

// Cyclic reports whether the object is on a cycle.
func (c Cycle) Cyclic() bool { return c.Path != "" }

// Closes reports whether the edge to the included name is a closing edge.
func (c Cycle) Closes(included string) bool {
	_, found := slices.BinarySearch(c.Closing, included)
	return found
}

func sameCycle(a, b Cycle) bool { return a.Path == b.Path && slices.Equal(a.Closing, b.Closing) }

// cycleAt computes the Cycle of one object. edges returns the names that an object includes, in any order; the
// walk visits only what start reaches, and the result depends on start's component only.
func cycleAt(start string, edges func(string) []string) Cycle {
	component := componentOf(start, edges)
	if len(component) == 0 {
		return Cycle{}
	}
	inside := func(name string) bool { _, ok := slices.BinarySearch(component, name); return ok }
	next := func(name string) []string {
		var out []string
		for _, n := range edges(name) {
			if inside(n) {
				out = append(out, n)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	c := Cycle{Path: cyclePath(component[0], next)}
	const onPath, done = 1, 2
	seen := map[string]int{}
	var visit func(string)
	visit = func(name string) {
		seen[name] = onPath
		for _, n := range next(name) {
			switch seen[n] {
			case onPath:
				if name == start {
					c.Closing = append(c.Closing, n)
				}
			case 0:
				visit(n)
			}
		}
		seen[name] = done
	}
	visit(component[0])
	return c
}

// componentOf returns the strongly connected component of start, sorted; nil if start is on no cycle.
func componentOf(start string, edges func(string) []string) []string {
	reached := map[string]bool{}
	into := map[string][]string{}
	work := []string{start}
	for len(work) > 0 {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		for _, n := range edges(name) {
			into[n] = append(into[n], name)
			if !reached[n] {
				reached[n] = true
				work = append(work, n)
			}
		}
	}
	if !reached[start] {
		return nil
	}
	inside := map[string]bool{start: true}
	work = append(work, start)
	for len(work) > 0 {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		for _, n := range into[name] {
			if !inside[n] {
				inside[n] = true
				work = append(work, n)
			}
		}
	}
	out := make([]string, 0, len(inside))
	for n := range inside {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// cyclePath prints the shortest cycle through first, smallest names first.
func cyclePath(first string, next func(string) []string) string {
	parent := map[string]string{}
	work := []string{first}
	for len(work) > 0 {
		name := work[0]
		work = work[1:]
		for _, n := range next(name) {
			if n == first {
				path := []string{first}
				for at := name; at != first; at = parent[at] {
					path = append(path, at)
				}
				path = append(path, first)
				slices.Reverse(path)
				return strings.Join(path, " -> ")
			}
			if _, seen := parent[n]; !seen {
				parent[n] = name
				work = append(work, n)
			}
		}
	}
	return first
}
