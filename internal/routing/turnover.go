package routing

import (
	"slices"

	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// The members of a group are an index, which does not know when it will change. A plan has to know, because it carries its
// next transition. Placements say when those leave who are there; watchJoiners looks after those who will come.

// watchJoiners reads the memberships of everybody who is not accepted now (a home group waits for the end of a cover), or has
// a claim from some time on to the group or to a group that it includes at any depth. They may change earlier, at an edge of
// one of these people's other memberships.
func (p *Planner) watchJoiners(t *incr.Task, group string) {
	for _, m := range p.roster.RejectedMembers(t, group) {
		p.roster.Memberships(t, m.Name)
	}
	seen := map[string]bool{group: true}
	for work := []string{group}; len(work) > 0; work = work[1:] {
		for _, name := range p.joinersOf(t, work[0]) {
			p.roster.Memberships(t, name)
		}
		for _, included := range p.roster.Includes(t, work[0]) {
			if !seen[included] {
				seen[included] = true
				work = append(work, included)
			}
		}
	}
}

// joinersOf are the teammates with a claim on the group that begins some time, from either side.
func (p *Planner) joinersOf(t *incr.Task, group string) []string {
	out := p.roster.Joiners(t, group)
	return append(slices.Clip(out), p.expected.Get(t, group)...)
}

// expectedIn are the existing teammates whom a group lists from some time on.
func (p *Planner) expectedIn(t *incr.Task, group string) []string {
	g := p.roster.UserGroup(t, group)
	if g == nil {
		return nil
	}
	var out []string
	for _, m := range g.Spec.Members {
		if m.From != nil && p.roster.Exists(t, roster.KindTeammate, m.Name) {
			out = append(out, m.Name)
		}
	}
	return out
}
