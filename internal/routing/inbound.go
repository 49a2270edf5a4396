package routing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// way is how a target serves a profile, strongest first.
type way byte

const (
	byList way = iota
	bySelector
	byGroups
)

// service is one profile that a target serves, by the strongest way.
type service struct {
	profile string
	way     way
}

// kindRank is the order in which kinds win a profile that several serve in the same way.
var kindRank = map[Kind]int{KindDepartment: 0, KindQueue: 1, KindUserGroup: 2}

// rank writes a service of a target so that the strongest sorts first: way, kind, name.
func (x Target) rank(w way) string {
	return fmt.Sprintf("%d%d%s/%s", w, kindRank[x.Kind], x.Kind, x.Name)
}

// ranked reads what rank wrote.
func ranked(s string) (Target, way) {
	kind, name, _ := strings.Cut(s[2:], "/")
	return Target{Kind: Kind(kind), Name: name}, way(s[0] - '0')
}

// servedBy are the profiles that a target serves, sorted; several ways count as the strongest.
func (p *Planner) servedBy(t *incr.Task, x Target) []service {
	if !p.live(t, x) {
		return nil
	}
	strongest := map[string]way{}
	for w, profiles := range p.profilesByWay(t, x) {
		for _, name := range profiles {
			if old, ok := strongest[name]; !ok || way(w) < old {
				strongest[name] = way(w)
			}
		}
	}
	out := make([]service, 0, len(strongest))
	for name, w := range strongest {
		out = append(out, service{name, w})
	}
	slices.SortFunc(out, func(a, b service) int { return strings.Compare(a.profile, b.profile) })
	return out
}

// profilesByWay are the usable profiles of a live target: listed, selected, and through its groups.
func (p *Planner) profilesByWay(t *incr.Task, x Target) [3][]string {
	r := p.roster
	if x.Kind == KindUserGroup {
		d := dialing(r.UserGroup(t, x.Name))
		return [3][]string{byList: r.Listed(t, d.Profiles), bySelector: r.Selected(t, roster.DialingOwner(x.Name))}
	}
	if x.Kind == KindCampaign {
		return [3][]string{}
	}
	if x.Kind == KindQueue {
		q := r.Queue(t, x.Name)
		return [3][]string{byList: r.Listed(t, q.Spec.Profiles), bySelector: r.Selected(t, roster.QueueOwner(x.Name))}
	}
	d := r.Department(t, x.Name)
	if len(d.Spec.Profiles) > 0 || d.Spec.ProfileSelector != nil {
		return [3][]string{byList: r.Listed(t, d.Spec.Profiles), bySelector: r.Selected(t, roster.DepartmentOwner(x.Name))}
	}
	var through []string
	for _, e := range d.Spec.Groups {
		if f := r.GroupFacts(t, e.Name); f.Exists && f.Enabled {
			through = append(through, r.GroupProfiles(t, e.Name)...)
		}
	}
	return [3][]string{byGroups: through}
}

// servedChanged keeps the profiles' side of what targets serve.
func (p *Planner) servedChanged(x Target, before, after []service) {
	for _, s := range before {
		if !slices.Contains(after, s) {
			p.services.Remove(s.profile, x.rank(s.way))
		}
	}
	for _, s := range after {
		if !slices.Contains(before, s) {
			p.services.Add(s.profile, x.rank(s.way))
		}
	}
}

// Served are the profiles that a target serves, before conflicts are settled, sorted.
func (p *Planner) Served(t *incr.Task, x Target) []string {
	var out []string
	for _, s := range p.served.Get(t, x) {
		out = append(out, s.profile)
	}
	return out
}

// Serving is the target that items on a profile go to: who serves it by the strongest way, else the default department;
// false if there is neither.
func (p *Planner) Serving(t *incr.Task, profile string) (Target, bool) {
	if ranks := p.services.Get(t, profile); len(ranks) > 0 {
		x, _ := ranked(ranks[0])
		return x, true
	}
	if name := p.roster.DefaultDepartment(t); name != "" {
		return Target{Kind: KindDepartment, Name: name}, true
	}
	return Target{}, false
}

// Conflict is a profile that a target serves in the same way as another one that gets its items.
type Conflict struct {
	Profile string
	Winner  Target
}

// Conflicts are the profiles that x loses to targets serving them in the same way (InboundConflict), sorted. Losing to a
// stronger way is no conflict.
func (p *Planner) Conflicts(t *incr.Task, x Target) []Conflict {
	var out []Conflict
	for _, s := range p.served.Get(t, x) {
		ranks := p.services.Get(t, s.profile)
		if len(ranks) == 0 {
			continue
		}
		if winner, strongest := ranked(ranks[0]); winner != x && strongest == s.way {
			out = append(out, Conflict{Profile: s.profile, Winner: winner})
		}
	}
	return out
}
