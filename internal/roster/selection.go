package roster

import (
	"maps"
	"slices"

	"github.com/rollcall-dev/rollcall/internal/incr"
)

// selection keeps, for many selectors over many items, which items each selects, so that a changed item is compared with
// the selectors that can match it and a changed selector with the items that can match, never all with all.
//
// Every item has tokens (say `label=market=ca`); a selector names anchors, of which an item it selects carries at least
// one. Of several choices of anchors the one counts that is rarest when the selector is set. A selector without anchors is
// compared with every item.
type selection[S, I any] struct {
	tokens  func(I) []string
	anchors func(S) [][]string // several choices of anchors, each enough
	matches func(S, I) bool

	items     map[string]I
	byToken   map[string]map[string]struct{} // token -> item names
	selectors map[string]S
	chosen    map[string][]string            // selector key -> its anchors
	byAnchor  map[string]map[string]struct{} // anchor -> selector keys
	loose     map[string]struct{}            // selectors without anchors

	selected   *incr.Index[string, string] // selector key -> item names
	selectedBy *incr.Index[string, string] // item name -> selector keys
}

func newSelection[S, I any](g *incr.Graph, name string, tokens func(I) []string, anchors func(S) [][]string, matches func(S, I) bool) *selection[S, I] {
	return &selection[S, I]{
		tokens: tokens, anchors: anchors, matches: matches,
		items: map[string]I{}, byToken: map[string]map[string]struct{}{},
		selectors: map[string]S{}, chosen: map[string][]string{}, byAnchor: map[string]map[string]struct{}{}, loose: map[string]struct{}{},
		selected:   incr.NewIndex[string, string](g, name+"Selected"),
		selectedBy: incr.NewIndex[string, string](g, name+"SelectedBy"),
	}
}

func put(m map[string]map[string]struct{}, k, v string) {
	s := m[k]
	if s == nil {
		s = map[string]struct{}{}
		m[k] = s
	}
	s[v] = struct{}{}
}

func take(m map[string]map[string]struct{}, k, v string) {
	if s := m[k]; s != nil {
		delete(s, v)
		if len(s) == 0 {
			delete(m, k)
		}
	}
}

// setItem adds, replaces or (present=false) removes an item.
func (s *selection[S, I]) setItem(name string, item I, present bool) {
	if old, ok := s.items[name]; ok {
		for _, t := range s.tokens(old) {
			take(s.byToken, t, name)
		}
		delete(s.items, name)
	}
	want := map[string]struct{}{}
	if present {
		s.items[name] = item
		for _, t := range s.tokens(item) {
			put(s.byToken, t, name)
			for key := range s.byAnchor[t] {
				if s.matches(s.selectors[key], item) {
					want[key] = struct{}{}
				}
			}
		}
		for key := range s.loose {
			if s.matches(s.selectors[key], item) {
				want[key] = struct{}{}
			}
		}
	}
	for _, key := range slices.Clone(s.selectedBy.Get(nil, name)) {
		if _, keep := want[key]; keep {
			delete(want, key)
			continue
		}
		s.selectedBy.Remove(name, key)
		s.selected.Remove(key, name)
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		s.selectedBy.Add(name, key)
		s.selected.Add(key, name)
	}
}

// rarest returns the choice of anchors that the fewest items carry now; the first of equal ones.
func (s *selection[S, I]) rarest(choices [][]string) []string {
	var best []string
	least := -1
	for _, anchors := range choices {
		n := 0
		for _, a := range anchors {
			n += len(s.byToken[a])
		}
		if least < 0 || n < least {
			best, least = anchors, n
		}
	}
	return best
}

// setSelector adds, replaces or (present=false) removes a selector.
func (s *selection[S, I]) setSelector(key string, sel S, present bool) {
	if _, ok := s.selectors[key]; ok {
		for _, a := range s.chosen[key] {
			take(s.byAnchor, a, key)
		}
		delete(s.loose, key)
		delete(s.selectors, key)
		delete(s.chosen, key)
	}
	want := map[string]struct{}{}
	if present {
		s.selectors[key] = sel
		anchors := s.rarest(s.anchors(sel))
		s.chosen[key] = anchors
		for _, a := range anchors {
			put(s.byAnchor, a, key)
			for name := range s.byToken[a] {
				if s.matches(sel, s.items[name]) {
					want[name] = struct{}{}
				}
			}
		}
		if len(anchors) == 0 {
			s.loose[key] = struct{}{}
			for name, item := range s.items {
				if s.matches(sel, item) {
					want[name] = struct{}{}
				}
			}
		}
	}
	for _, name := range slices.Clone(s.selected.Get(nil, key)) {
		if _, keep := want[name]; keep {
			delete(want, name)
			continue
		}
		s.selected.Remove(key, name)
		s.selectedBy.Remove(name, key)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		s.selected.Add(key, name)
		s.selectedBy.Add(name, key)
	}
}
