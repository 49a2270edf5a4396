package desired

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// stay is the membership of a person in one group: until is its end in seconds, 0 if it has none.
type stay struct {
	group       string
	until       int64
	position    int32
	hasPosition bool
}

// staysOf returns the accepted memberships of a person with their ends, by group. A membership lasts as long as any claim on
// it; through an include, as long as that in the included group.
func (s *Set) staysOf(t *incr.Task, teammate string) []stay {
	r := s.engine.Roster
	m := r.Memberships(t, teammate)
	tm := r.Teammate(t, teammate)
	if m == nil || tm == nil {
		return nil
	}
	explicit := map[string]int64{}
	for _, c := range r.ExplicitClaims(t, teammate) {
		explicit[c.Group] = seconds(c.Until)
	}
	own := map[string]int64{}
	for _, e := range tm.Spec.Groups {
		own[e.Name] = seconds(e.Until)
	}
	done := map[string]int64{}
	var until func(group string, deep int) int64
	until = func(group string, deep int) int64 {
		if at, ok := done[group]; ok {
			return at
		}
		a := m.Of(group)
		if a == nil || deep > len(m.Accepted) {
			return 0
		}
		var last int64
		for _, source := range a.Sources {
			at := int64(0)
			switch source.Rank {
			case roster.RankExplicit:
				at = explicit[group]
			case roster.RankTeammate:
				at = own[group]
			case roster.RankInclude:
				at = until(source.Via, deep+1)
			}
			if at == 0 {
				last = 0
				break
			}
			last = max(last, at)
		}
		done[group] = last
		return last
	}
	out := make([]stay, 0, len(m.Accepted))
	for _, a := range m.Accepted {
		x := stay{group: a.Group, until: until(a.Group, 0)}
		if a.Position != nil {
			x.position, x.hasPosition = *a.Position, true
		}
		out = append(out, x)
	}
	return out
}

func seconds(t *metav1.Time) int64 {
	if t == nil {
		return 0
	}
	return t.Unix()
}

// ends returns the ends of all windows of a person, past ones too, sorted: their own, those of memberships, grants and cover, and
// those of the profiles of their groups.
func (s *Set) ends(t *incr.Task, teammate string) []time.Time {
	r := s.engine.Roster
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return nil
	}
	var out []time.Time
	add := func(w rollcallv1.Window) {
		if w.Until != nil {
			out = append(out, w.Until.UTC())
		}
	}
	add(tm.Spec.Window)
	for _, e := range tm.Spec.Groups {
		add(e.Window)
	}
	for _, e := range tm.Spec.Profiles {
		add(e.Window)
	}
	for _, c := range r.ExplicitClaims(t, teammate) {
		add(c.Window)
	}
	if m := r.Memberships(t, teammate); m != nil {
		for _, a := range m.Accepted {
			if g := r.UserGroup(t, a.Group); g != nil {
				for _, e := range g.Spec.Profiles {
					add(e.Window)
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.Compact(out)
}

// endedNow reports whether a window that a record depends on ended since the last update, and when.
func (s *Set) endedNow(kind downstream.Kind, name string, now time.Time) (time.Time, bool) {
	t := s.engine.Roster.Graph.Peek()
	var ends []time.Time
	switch kind {
	case downstream.Access:
		ends = s.ends(t, name)
	case downstream.Groups:
		ends = s.groupEnds(t, name)
	}
	for _, at := range slices.Backward(ends) {
		if at.After(s.last) && !at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

// groupEnds returns the ends of the windows of memberships in a group, sorted.
func (s *Set) groupEnds(t *incr.Task, group string) []time.Time {
	r := s.engine.Roster
	g := r.UserGroup(t, group)
	if g == nil {
		return nil
	}
	var out []time.Time
	for _, e := range g.Spec.Members {
		if e.Until != nil {
			out = append(out, e.Until.UTC())
		}
	}
	for _, name := range r.Joiners(t, group) {
		if tm := r.Teammate(t, name); tm != nil {
			for _, e := range tm.Spec.Groups {
				if e.Name == group && e.Until != nil {
					out = append(out, e.Until.UTC())
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// members returns the members of a group by key.
func (s *Set) members(t *incr.Task, group string) []downstream.Member {
	r := s.engine.Roster
	out := []downstream.Member{}
	for _, name := range r.Members(t, group) {
		key := s.keys.Get(t, name)
		if key == "" {
			continue
		}
		m := downstream.Member{Key: key, Active: s.engine.Lifecycle.Open(t, name)}
		stays := s.untils.Get(t, name)
		if i, ok := slices.BinarySearchFunc(stays, group, func(x stay, g string) int { return cmp.Compare(x.group, g) }); ok {
			if stays[i].until != 0 {
				m.Until = new(time.Unix(stays[i].until, 0).UTC())
			}
			if stays[i].hasPosition {
				m.Position = new(stays[i].position)
			}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b downstream.Member) int { return strings.Compare(a.Key, b.Key) })
	return out
}
