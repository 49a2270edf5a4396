package routing

import (
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// The members of a group are an index, which does not know when it will change. A plan has to know, because it carries its
// next transition. turnoverOf is a value without content that holds exactly as long as nobody joins or leaves the
// group by time alone; a plan that reads it is computed again then, and not when memberships change in any other way.

// turnoverOf watches the memberships of everybody who is a member of the group, or is not accepted now (a home group waits
// for the end of a cover), or has a claim from some time on to it or to a group that it includes at any depth. It may end
// early, at an edge of one of these people's other memberships.
func (p *Planner) turnoverOf(t *incr.Task, group string) struct{} {
	for _, name := range p.roster.Members(t, group) {
		p.roster.Memberships(t, name)
	}
	for _, m := range p.roster.RejectedMembers(t, group) {
		p.roster.Memberships(t, m.Name)
	}
	seen := map[string]bool{group: true}
	for work := []string{group}; len(work) > 0; work = work[1:] {
		for _, name := range p.joinersOf(t, work[0]) {
			p.roster.Memberships(t, name)
		}
		g := p.roster.UserGroup(t, work[0])
		if g == nil {
			continue
		}
		for _, ref := range g.Spec.Includes {
			if !seen[ref.Name] {
				seen[ref.Name] = true
				work = append(work, ref.Name)
			}
		}
	}
	return struct{}{}
}

// joinersOf are the teammates with a claim on the group that begins some time, from either side.
func (p *Planner) joinersOf(t *incr.Task, group string) []string {
	out := p.roster.Joiners(t, group)
	g := p.roster.UserGroup(t, group)
	if g == nil {
		return out
	}
	for _, m := range g.Spec.Members {
		if m.From != nil && p.roster.Teammate(t, m.Name) != nil {
			out = append(out[:len(out):len(out)], m.Name)
		}
	}
	return out
}
