package oracle

import (
	"maps"
	"slices"
)

// graph has the edges of each node; every node is a key.
type graph map[string][]string

// reachable returns every node that a path of at least one edge leads to.
func (g graph) reachable(from string) set {
	out := set{}
	var walk func(string)
	walk = func(node string) {
		for _, next := range g[node] {
			if !out[next] {
				out[next] = true
				walk(next)
			}
		}
	}
	walk(from)
	return out
}

// component returns the nodes that reach node and that node reaches, node included, sorted.
func (g graph) component(node string) []string {
	out := setOf(node)
	for other := range g.reachable(node) {
		if g.reachable(other)[node] {
			out[other] = true
		}
	}
	return out.sorted()
}

// onCycle reports whether the node can reach itself.
func (g graph) onCycle(node string) bool { return g.reachable(node)[node] }

// closing returns the closing edges of R-6, as closing[from][to].
func (g graph) closing() map[string]set {
	out := map[string]set{}
	add := func(from, to string) {
		if out[from] == nil {
			out[from] = set{}
		}
		out[from][to] = true
	}
	for _, node := range slices.Sorted(maps.Keys(g)) {
		if slices.Contains(g[node], node) {
			add(node, node)
		}
		component := g.component(node)
		if len(component) < 2 || component[0] != node {
			continue
		}
		// The search starts at the smallest name and stays inside the component.
		visited, onPath := set{}, set{}
		var search func(string)
		search = func(at string) {
			visited[at], onPath[at] = true, true
			for _, next := range slices.Sorted(slices.Values(g[at])) {
				switch {
				case !slices.Contains(component, next):
				case onPath[next]:
					add(at, next)
				case !visited[next]:
					search(next)
				}
			}
			delete(onPath, at)
		}
		search(node)
	}
	return out
}
