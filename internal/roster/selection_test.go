package roster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// matching is a selection under random edits, with what it must agree with.
type matching[S, I any] struct {
	g         *incr.Graph
	selection *selection[S, I]
	matches   func(S, I) bool // by the letter of the rule
	items     map[string]I
	selectors map[string]S
	view      *incr.Query[string, string] // what a reader of the selection sees
}

const (
	itemPrefix     = "item-"
	selectorPrefix = "selector-"
)

func newMatching[S, I any](newSelection func(*incr.Graph) *selection[S, I], matches func(S, I) bool) *matching[S, I] {
	m := &matching[S, I]{g: incr.New(time.Unix(0, 0)), matches: matches, items: map[string]I{}, selectors: map[string]S{}}
	m.selection = newSelection(m.g)
	m.view = incr.NewQuery(m.g, "view", func(a, b string) bool { return a == b }, func(t *incr.Task, k string) string {
		if strings.HasPrefix(k, itemPrefix) {
			return strings.Join(m.selection.selectedBy.Get(t, k), " ")
		}
		return strings.Join(m.selection.selected.Get(t, k), " ")
	})
	for i := range 5 {
		m.view.Observe(fmt.Sprint(itemPrefix, i))
		m.view.Observe(fmt.Sprint(selectorPrefix, i))
	}
	return m
}

func (m *matching[S, I]) run(t *rapid.T, item *rapid.Generator[I], selector *rapid.Generator[S]) {
	name := rapid.IntRange(0, 4)
	t.Repeat(map[string]func(*rapid.T){
		"set item": func(t *rapid.T) {
			k, v := fmt.Sprint(itemPrefix, name.Draw(t, "name")), item.Draw(t, "item")
			m.items[k] = v
			m.selection.setItem(k, v, true)
		},
		"remove item": func(t *rapid.T) {
			k := fmt.Sprint(itemPrefix, name.Draw(t, "name"))
			v := m.items[k]
			delete(m.items, k)
			m.selection.setItem(k, v, false)
		},
		"set selector": func(t *rapid.T) {
			k, v := fmt.Sprint(selectorPrefix, name.Draw(t, "name")), selector.Draw(t, "selector")
			m.selectors[k] = v
			m.selection.setSelector(k, v, true)
		},
		"remove selector": func(t *rapid.T) {
			k := fmt.Sprint(selectorPrefix, name.Draw(t, "name"))
			v := m.selectors[k]
			delete(m.selectors, k)
			m.selection.setSelector(k, v, false)
		},
		"": func(t *rapid.T) {
			m.g.Settle()
			m.check(t)
		},
	})
	for k, v := range m.items {
		m.selection.setItem(k, v, false)
	}
	for k, v := range m.selectors {
		m.selection.setSelector(k, v, false)
	}
	s := m.selection
	if n := len(s.items) + len(s.byToken) + len(s.selectors) + len(s.byAnchor) + len(s.loose); n != 0 {
		t.Fatalf("%d entries are left of an empty selection", n)
	}
}

func (m *matching[S, I]) check(t *rapid.T) {
	selected, selectedBy := map[string][]string{}, map[string][]string{}
	for _, k := range slices.Sorted(maps.Keys(m.selectors)) {
		for _, n := range slices.Sorted(maps.Keys(m.items)) {
			if m.matches(m.selectors[k], m.items[n]) {
				selected[k] = append(selected[k], n)
				selectedBy[n] = append(selectedBy[n], k)
			}
		}
	}
	for i := range 5 {
		item, selector := fmt.Sprint(itemPrefix, i), fmt.Sprint(selectorPrefix, i)
		if got, want := m.view.Get(nil, selector), strings.Join(selected[selector], " "); got != want {
			t.Fatalf("%s selects %q, want %q", selector, got, want)
		}
		if got, want := m.view.Get(nil, item), strings.Join(selectedBy[item], " "); got != want {
			t.Fatalf("%s is selected by %q, want %q", item, got, want)
		}
	}
}

func TestPropertyLabelSelection(t *testing.T) {
	key, value := rapid.SampledFrom([]string{"lang", "market", "tier"}), rapid.SampledFrom([]string{"a", "b", "c", ""})
	item := rapid.Custom(func(t *rapid.T) labels.Set {
		return rapid.MapOfN(key, value, 0, 3).Draw(t, "labels")
	})
	type written = *metav1.LabelSelector
	selector := rapid.Custom(func(t *rapid.T) written {
		s := &metav1.LabelSelector{MatchLabels: rapid.MapOfN(key, value, 0, 2).Draw(t, "matchLabels")}
		for range rapid.IntRange(0, 2).Draw(t, "expressions") {
			e := metav1.LabelSelectorRequirement{
				Key: key.Draw(t, "key"),
				Operator: rapid.SampledFrom([]metav1.LabelSelectorOperator{
					metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
				}).Draw(t, "operator"),
			}
			if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
				e.Values = rapid.SliceOfN(value, 1, 3).Draw(t, "values")
			}
			s.MatchExpressions = append(s.MatchExpressions, e)
		}
		return s
	})
	// By the letter of the Kubernetes API reference; an empty selector selects nobody here.
	matches := func(s written, set labels.Set) bool {
		for k, v := range s.MatchLabels {
			if got, ok := set[k]; !ok || got != v {
				return false
			}
		}
		for _, e := range s.MatchExpressions {
			got, ok := set[e.Key]
			holds := false
			switch e.Operator {
			case metav1.LabelSelectorOpIn:
				holds = ok && slices.Contains(e.Values, got)
			case metav1.LabelSelectorOpNotIn:
				holds = !ok || !slices.Contains(e.Values, got)
			case metav1.LabelSelectorOpExists:
				holds = ok
			case metav1.LabelSelectorOpDoesNotExist:
				holds = !ok
			}
			if !holds {
				return false
			}
		}
		return len(s.MatchLabels)+len(s.MatchExpressions) > 0
	}
	compiled := func(s written) labels.Selector {
		out, err := CompileSelector(s)
		if err != nil {
			panic(err)
		}
		if out == nil {
			return labels.Nothing()
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newMatching(func(g *incr.Graph) *selection[written, labels.Set] {
			return newSelection(g, "people", labelTokens,
				func(s written) [][]string { return labelAnchors(compiled(s)) },
				func(s written, set labels.Set) bool { return labelMatches(compiled(s), set) })
		}, matches)
		m.run(t, item, selector)
	})
}

func TestPropertyProfileSelection(t *testing.T) {
	platforms := rapid.SampledFrom([]rollcallv1.Platform{"Instagram", "Facebook"})
	types := rapid.SampledFrom([]rollcallv1.ProfileType{"Social", "Phone", "Line"})
	languages := rapid.SampledFrom([]string{"en", "en-US", "EN-us", "en-US-x", "eng", "es", "es-MX"})
	regions := rapid.SampledFrom([]string{"Quebec", "quebec", "DACH"})
	key, value := rapid.SampledFrom([]string{"brand", "tier"}), rapid.SampledFrom([]string{"a", "b"})
	item := rapid.Custom(func(t *rapid.T) *rollcallv1.Profile {
		p := &rollcallv1.Profile{Spec: rollcallv1.ProfileSpec{
			Type:     types.Draw(t, "type"),
			Platform: rapid.Ptr(platforms, true).Draw(t, "platform"),
			Language: rapid.Ptr(languages, true).Draw(t, "language"),
			Region:   rapid.Ptr(regions, true).Draw(t, "region"),
		}}
		p.Labels = rapid.MapOfN(key, value, 0, 2).Draw(t, "labels")
		return p
	})
	selector := rapid.Custom(func(t *rapid.T) *rollcallv1.ProfileSelector {
		return &rollcallv1.ProfileSelector{
			Platforms:   rapid.SliceOfN(platforms, 0, 2).Draw(t, "platforms"),
			Types:       rapid.SliceOfN(types, 0, 2).Draw(t, "types"),
			Languages:   rapid.SliceOfN(languages, 0, 2).Draw(t, "languages"),
			Regions:     rapid.SliceOfN(regions, 0, 2).Draw(t, "regions"),
			MatchLabels: rapid.MapOfN(key, value, 0, 2).Draw(t, "matchLabels"),
		}
	})
	anyOf := func(list []string, holds func(string) bool) bool {
		return len(list) == 0 || slices.ContainsFunc(list, holds)
	}
	matches := func(s *rollcallv1.ProfileSelector, p *rollcallv1.Profile) bool {
		if len(s.Platforms)+len(s.Types)+len(s.Languages)+len(s.Regions)+len(s.MatchLabels) == 0 {
			return false
		}
		for k, v := range s.MatchLabels {
			if got, ok := p.Labels[k]; !ok || got != v {
				return false
			}
		}
		return (len(s.Platforms) == 0 || p.Spec.Platform != nil && slices.Contains(s.Platforms, *p.Spec.Platform)) &&
			(len(s.Types) == 0 || slices.Contains(s.Types, p.Spec.Type)) &&
			anyOf(s.Regions, func(r string) bool { return p.Spec.Region != nil && *p.Spec.Region == r }) &&
			anyOf(s.Languages, func(l string) bool {
				if p.Spec.Language == nil {
					return false
				}
				want, have := strings.Split(strings.ToLower(l), "-"), strings.Split(strings.ToLower(*p.Spec.Language), "-")
				return len(want) <= len(have) && slices.Equal(want, have[:len(want)])
			})
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newMatching(func(g *incr.Graph) *selection[*rollcallv1.ProfileSelector, *rollcallv1.Profile] {
			return newSelection(g, "profiles", profileTokens, profileAnchors, profileMatches)
		}, matches)
		// An empty selector is kept out before it comes to the selection (Roster.filterProfiles).
		m.run(t, item, selector.Filter(func(s *rollcallv1.ProfileSelector) bool { return !emptyProfileSelector(s) }))
	})
}

// A changed item is compared with the selectors that can match it, a changed selector with the items that can match.
func TestSelectionComparesWhatCanMatchOnly(t *testing.T) {
	const size = 500
	g := incr.New(time.Unix(0, 0))
	compared := 0
	s := newSelection(g, "people", labelTokens, labelAnchors, func(s labels.Selector, set labels.Set) bool {
		compared++
		return labelMatches(s, set)
	})
	for i := range size {
		s.setItem(fmt.Sprint(itemPrefix, i), labels.Set{"team": fmt.Sprint(i), "tier": fmt.Sprint(i % 2)}, true)
		sel, err := CompileSelector(&metav1.LabelSelector{MatchLabels: map[string]string{"team": fmt.Sprint(i), "tier": "0"}})
		if err != nil {
			t.Fatal(err)
		}
		s.setSelector(fmt.Sprint(selectorPrefix, i), sel, true)
	}
	if compared > 2*size {
		t.Errorf("%d comparisons for %d items and selectors", compared, size)
	}
	compared = 0
	s.setItem(itemPrefix+"7", labels.Set{"team": "8", "tier": "0"}, true)
	if compared != 1 {
		t.Errorf("%d comparisons for one item, want 1", compared)
	}
	if got, want := s.selected.Get(nil, selectorPrefix+"8"), []string{itemPrefix + "7", itemPrefix + "8"}; !slices.Equal(got, want) {
		t.Errorf("selected %v, want %v", got, want)
	}
}

func TestSelectionChangesNothingWhenNothingChanges(t *testing.T) {
	g := incr.New(time.Unix(0, 0))
	s := newSelection(g, "people", labelTokens, labelAnchors, labelMatches)
	view := incr.NewQuery(g, "view", slices.Equal, func(t *incr.Task, k string) []string { return slices.Clone(s.selected.Get(t, k)) })
	view.Observe("s")
	sel, err := CompileSelector(&metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	s.setItem("i", labels.Set{"team": "a"}, true)
	s.setSelector("s", sel, true)
	g.Settle()
	before := g.Recomputed()
	s.setItem("i", labels.Set{"team": "a", "irrelevant": "x"}, true)
	s.setItem("other", labels.Set{"team": "b"}, true)
	s.setSelector("s", sel, true)
	g.Settle()
	if got := g.Recomputed() - before; got != 0 {
		t.Errorf("recomputed %d, want 0", got)
	}
	if got := view.Get(nil, "s"); !slices.Equal(got, []string{"i"}) {
		t.Errorf("selected %v, want i", got)
	}
}

func TestCompileSelector(t *testing.T) {
	tests := map[string]struct {
		selector *metav1.LabelSelector
		wantNil  bool
		wantErr  bool
	}{
		"absent":           {wantNil: true},
		"empty":            {selector: &metav1.LabelSelector{}, wantNil: true},
		"empty lists":      {selector: &metav1.LabelSelector{MatchLabels: map[string]string{}, MatchExpressions: []metav1.LabelSelectorRequirement{}}, wantNil: true},
		"labels":           {selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}},
		"unknown operator": {selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}, wantErr: true},
		"In of nothing":    {selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "In"}}}, wantErr: true},
		"bad key":          {selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a b": "c"}}, wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := CompileSelector(tc.selector)
			if (err != nil) != tc.wantErr {
				t.Fatalf("error %v, want error %t", err, tc.wantErr)
			}
			if err == nil && (got == nil) != tc.wantNil {
				t.Errorf("selector %v, want nil %t", got, tc.wantNil)
			}
		})
	}
}

func TestLanguageMatches(t *testing.T) {
	tests := map[string]struct {
		want, have string
		wantMatch  bool
	}{
		"equal":                   {want: "en", have: "en", wantMatch: true},
		"prefix of subtags":       {want: "en", have: "en-US", wantMatch: true},
		"case":                    {want: "EN", have: "en-us", wantMatch: true},
		"two subtags":             {want: "zh-hant", have: "zh-Hant-TW", wantMatch: true},
		"prefix of letters":       {want: "en", have: "eng"},
		"more special":            {want: "en-US", have: "en"},
		"other region":            {want: "en-US", have: "en-GB"},
		"prefix inside a subtag":  {want: "zh-Han", have: "zh-Hant"},
		"another language wanted": {want: "es", have: "en"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := languageMatches(tc.want, tc.have); got != tc.wantMatch {
				t.Errorf("languageMatches(%q, %q) = %t", tc.want, tc.have, got)
			}
		})
	}
}
