package roster

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	labelop "k8s.io/apimachinery/pkg/selection"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Owners of profile selectors, as the index names them.

// GroupOwner names the profileSelector of a group.
func GroupOwner(group string) string { return "usergroup/" + group }

// DialingOwner names the profileSelector of a group's voice.dialing.
func DialingOwner(group string) string { return "dialing/" + group }

// DepartmentOwner names the profileSelector of a department.
func DepartmentOwner(department string) string { return "department/" + department }

// QueueOwner names the profileSelector of a queue.
func QueueOwner(queue string) string { return "queue/" + queue }

type profileQueries struct {
	usableProfiles *incr.Query[string, bool]
	usable         *incr.Index[struct{}, string]
	usableLines    *incr.Query[string, []string]
	groupProfiles  *incr.Query[string, []string]
	selected       *incr.Query[string, []string]
}

func newProfileQueries(r *Roster) profileQueries {
	var q profileQueries
	q.usable = incr.NewIndex[struct{}, string](r.Graph, "usable")
	q.usableProfiles = incr.NewQuery(r.Graph, "usableProfile", equal[bool], func(t *incr.Task, name string) bool {
		p := r.Profile(t, name)
		return p != nil && p.Spec.State != rollcallv1.SwitchDisabled && len(r.LostKeys(t, Claimant{KindProfile, name})) == 0
	})
	q.usableProfiles.OnChange(func(name string, before, after bool) {
		switch {
		case after && !before:
			r.usable.Add(struct{}{}, name)
		case before && !after:
			r.usable.Remove(struct{}{}, name)
		}
	})
	q.usableLines = incr.NewQuery(r.Graph, "usableLines", slices.Equal, func(t *incr.Task, practice string) []string {
		return r.keepUsable(t, r.lines.Get(t, practice))
	})
	q.selected = incr.NewQuery(r.Graph, "selectedProfiles", slices.Equal, func(t *incr.Task, owner string) []string {
		return r.keepUsable(t, r.profileFilter.selected.Get(t, owner))
	})
	q.groupProfiles = incr.NewQuery(r.Graph, "groupProfiles", slices.Equal, r.profilesOfGroup)
	return q
}

func (r *Roster) keepUsable(t *incr.Task, names []string) []string {
	var out []string
	for _, n := range names {
		if r.usableProfiles.Get(t, n) {
			out = append(out, n)
		}
	}
	return out
}

// Usable reports whether a profile contributes anything: it exists, is Enabled and holds its keys.
func (r *Roster) Usable(t *incr.Task, profile string) bool { return r.usableProfiles.Get(t, profile) }

// UsableProfiles returns all usable profiles, sorted. The slice is valid until the next Apply.
func (r *Roster) UsableProfiles(t *incr.Task) []string { return r.usable.Get(t, struct{}{}) }

// Lines returns the usable profiles of type Line that belong to a practice, sorted.
func (r *Roster) Lines(t *incr.Task, practice string) []string {
	return r.usableLines.Get(t, practice)
}

// GroupProfiles returns profiles(g) of R-8, sorted: usable profiles listed inside their window or selected.
func (r *Roster) GroupProfiles(t *incr.Task, group string) []string {
	return r.groupProfiles.Get(t, group)
}

func (r *Roster) profilesOfGroup(t *incr.Task, group string) []string {
	g := r.UserGroup(t, group)
	if g == nil {
		return nil
	}
	out := slices.Clone(r.Selected(t, GroupOwner(group)))
	for _, e := range g.Spec.Profiles {
		if In(t, e.Window) && r.Usable(t, e.Name) {
			out = append(out, e.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Selected returns the usable profiles that an owner's profileSelector matches, sorted.
func (r *Roster) Selected(t *incr.Task, owner string) []string { return r.selected.Get(t, owner) }

// Listed returns the usable ones of the profiles named, sorted.
func (r *Roster) Listed(t *incr.Task, refs []rollcallv1.ObjectRef) []string {
	out := r.keepUsable(t, refNames(refs))
	slices.Sort(out)
	return slices.Compact(out)
}

// Label selectors over teammates.

// CompileSelector returns nil for a selector that selects nothing because it is absent or empty, and an error for one
// that is invalid (R-1: it selects nothing and is reported).
func CompileSelector(s *metav1.LabelSelector) (labels.Selector, error) {
	if s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		return nil, nil
	}
	return metav1.LabelSelectorAsSelector(s)
}

func sameSelector(a, b *metav1.LabelSelector) bool {
	return maps.Equal(a.MatchLabels, b.MatchLabels) && slices.EqualFunc(a.MatchExpressions, b.MatchExpressions, func(x, y metav1.LabelSelectorRequirement) bool {
		return x.Key == y.Key && x.Operator == y.Operator && slices.Equal(x.Values, y.Values)
	})
}

func labelTokens(set labels.Set) []string {
	out := make([]string, 0, len(set))
	for k, v := range set {
		out = append(out, k+"="+v)
	}
	return out
}

func labelAnchors(s labels.Selector) [][]string {
	requirements, _ := s.Requirements()
	var out [][]string
	for _, q := range requirements {
		switch q.Operator() {
		case labelop.Equals, labelop.DoubleEquals, labelop.In:
			var anchors []string
			for v := range q.Values() {
				anchors = append(anchors, q.Key()+"="+v)
			}
			out = append(out, anchors)
		}
	}
	return out
}

func labelMatches(s labels.Selector, set labels.Set) bool { return s.Matches(set) }

// Profile selectors: AND between the facets, OR inside one.

func emptyProfileSelector(s *rollcallv1.ProfileSelector) bool {
	return len(s.Platforms) == 0 && len(s.Types) == 0 && len(s.Languages) == 0 && len(s.Regions) == 0 && len(s.MatchLabels) == 0
}

func sameProfileSelector(a, b *rollcallv1.ProfileSelector) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Platforms, b.Platforms) && slices.Equal(a.Types, b.Types) && slices.Equal(a.Languages, b.Languages) &&
		slices.Equal(a.Regions, b.Regions) && maps.Equal(a.MatchLabels, b.MatchLabels)
}

func primarySubtag(language string) string {
	primary, _, _ := strings.Cut(strings.ToLower(language), "-")
	return primary
}

func profileTokens(p *rollcallv1.Profile) []string {
	out := []string{"type=" + string(p.Spec.Type)}
	if p.Spec.Platform != nil {
		out = append(out, "platform="+string(*p.Spec.Platform))
	}
	if p.Spec.Language != nil {
		out = append(out, "language="+primarySubtag(*p.Spec.Language))
	}
	if p.Spec.Region != nil {
		out = append(out, "region="+*p.Spec.Region)
	}
	for k, v := range p.Labels {
		out = append(out, "label="+k+"="+v)
	}
	return out
}

func profileAnchors(s *rollcallv1.ProfileSelector) [][]string {
	var out [][]string
	for _, k := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		out = append(out, []string{"label=" + k + "=" + s.MatchLabels[k]})
	}
	facet := func(token string, values []string) {
		if len(values) > 0 {
			anchors := make([]string, len(values))
			for i, v := range values {
				anchors[i] = token + "=" + v
			}
			out = append(out, anchors)
		}
	}
	facet("region", s.Regions)
	primary := make([]string, len(s.Languages))
	for i, l := range s.Languages {
		primary[i] = primarySubtag(l)
	}
	facet("language", primary)
	facet("platform", texts(s.Platforms))
	facet("type", texts(s.Types))
	return out
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func profileMatches(s *rollcallv1.ProfileSelector, p *rollcallv1.Profile) bool {
	if len(s.Platforms) > 0 && (p.Spec.Platform == nil || !slices.Contains(s.Platforms, *p.Spec.Platform)) {
		return false
	}
	if len(s.Types) > 0 && !slices.Contains(s.Types, p.Spec.Type) {
		return false
	}
	if len(s.Languages) > 0 && (p.Spec.Language == nil || !slices.ContainsFunc(s.Languages, func(l string) bool { return languageMatches(l, *p.Spec.Language) })) {
		return false
	}
	if len(s.Regions) > 0 && (p.Spec.Region == nil || !slices.Contains(s.Regions, *p.Spec.Region)) {
		return false
	}
	for k, v := range s.MatchLabels {
		if got, ok := p.Labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// languageMatches compares by subtag prefix without case: en matches en-US and not eng (E-07).
func languageMatches(want, have string) bool {
	want, have = strings.ToLower(want), strings.ToLower(have)
	rest, ok := strings.CutPrefix(have, want)
	return ok && (rest == "" || rest[0] == '-')
}
