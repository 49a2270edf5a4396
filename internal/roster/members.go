package roster

import (
	"cmp"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Rank orders the ways in which a teammate can claim membership.
type Rank uint8

// Claim ranks, strongest first.
const (
	RankExplicit Rank = iota
	RankTeammate
	RankSelector
	RankInclude
)

// Source is one claim of a membership: its rank and, for an include, the included group it came through.
type Source struct {
	Rank Rank
	Via  string
}

// String returns the source as `members` prints it: Explicit, Teammate, Selector or Include:<group>.
func (s Source) String() string {
	switch s.Rank {
	case RankExplicit:
		return "Explicit"
	case RankTeammate:
		return "Teammate"
	case RankSelector:
		return "Selector"
	}
	return "Include:" + s.Via
}

// Membership is an accepted membership of one teammate, with every claim that holds now, strongest first.
type Membership struct {
	Group    string
	Sources  []Source
	Position *int32 // of the explicit claim
	Enabled  bool   // whether the group is
}

// Rejection is a group that a teammate claims and that does not accept them.
type Rejection struct {
	Group, Reason string
	// Yields marks a home group that only stands back for a temporary cover: no condition turns abnormal.
	Yields bool
}

// Memberships is the result of for one teammate, sorted by group.
type Memberships struct {
	Accepted []Membership
	Rejected []Rejection
	// Home and Cover are the incumbents under exclusive membership, empty otherwise; Exclusive the group in effect.
	Home, Cover, Exclusive string
}

// Of returns the membership of the group, nil if the teammate is not accepted there.
func (m *Memberships) Of(group string) *Membership {
	if m == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(m.Accepted, group, func(e Membership, g string) int { return strings.Compare(e.Group, g) })
	if !ok {
		return nil
	}
	return &m.Accepted[i]
}

func sameMemberships(a, b *Memberships) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Home == b.Home && a.Cover == b.Cover && a.Exclusive == b.Exclusive && slices.Equal(a.Rejected, b.Rejected) &&
		slices.EqualFunc(a.Accepted, b.Accepted, func(x, y Membership) bool {
			return x.Group == y.Group && x.Enabled == y.Enabled && samePointer(x.Position, y.Position) && slices.Equal(x.Sources, y.Sources)
		})
}

// GroupFacts are the properties of a group that memberships depend on.
type GroupFacts struct {
	Exists, Enabled bool
	Scope           rollcallv1.GroupScope
	Practice        string // of a group of scope Practice
}

type memberQueries struct {
	facts       *incr.Query[string, GroupFacts]
	includes    *incr.Query[string, []string]
	cycles      *incr.Query[string, Cycle]
	memberships *incr.Query[string, *Memberships]
	members     *incr.Index[string, string] // group -> accepted teammates
	indirect    *incr.Index[string, string] // group -> those of members who are so by includes only
	rejected    *incr.Index[string, string] // group -> encoded rejections
}

func newMemberQueries(r *Roster) memberQueries {
	var q memberQueries
	q.facts = incr.NewQuery(r.Graph, "groupFacts", equal[GroupFacts], func(t *incr.Task, name string) GroupFacts {
		g := r.UserGroup(t, name)
		if g == nil {
			return GroupFacts{}
		}
		f := GroupFacts{Exists: true, Enabled: g.Spec.State != rollcallv1.SwitchDisabled, Scope: g.Spec.Scope}
		if f.Scope == rollcallv1.GroupScopePractice && len(g.Spec.Practices) > 0 {
			f.Practice = g.Spec.Practices[0].Name
		}
		return f
	})
	q.includes = incr.NewQuery(r.Graph, "includes", slices.Equal, func(t *incr.Task, name string) []string {
		g := r.UserGroup(t, name)
		if g == nil {
			return nil
		}
		out := refNames(g.Spec.Includes)
		slices.Sort(out)
		return out
	})
	q.cycles = incr.NewQuery(r.Graph, "includeCycle", sameCycle, func(t *incr.Task, name string) Cycle {
		return cycleAt(name, func(n string) []string { return r.includes.Get(t, n) })
	})
	q.members = incr.NewIndex[string, string](r.Graph, "members")
	q.indirect = incr.NewIndex[string, string](r.Graph, "indirect")
	q.rejected = incr.NewIndex[string, string](r.Graph, "rejected")
	q.memberships = incr.NewQuery(r.Graph, "memberships", sameMemberships, r.membershipsOf)
	q.memberships.OnChange(r.membershipsChanged)
	return q
}

// GroupFacts returns the group's properties, the zero value if it does not exist.
func (r *Roster) GroupFacts(t *incr.Task, group string) GroupFacts { return r.facts.Get(t, group) }

// GroupCycle returns the include cycle of a group.
func (r *Roster) GroupCycle(t *incr.Task, group string) Cycle { return r.cycles.Get(t, group) }

// Memberships returns the groups of a teammate; never nil for an existing teammate.
func (r *Roster) Memberships(t *incr.Task, teammate string) *Memberships {
	return r.memberships.Get(t, teammate)
}

// InvalidSelector returns what is wrong with the group's memberSelector, nil if nothing is.
func (r *Roster) InvalidSelector(t *incr.Task, group string) error {
	g := r.UserGroup(t, group)
	if g == nil {
		return nil
	}
	_, err := CompileSelector(g.Spec.MemberSelector)
	return err
}

// Members returns the accepted members of a group, sorted. The slice is valid until the next Apply or Advance.
func (r *Roster) Members(t *incr.Task, group string) []string { return r.members.Get(t, group) }

// IndirectMembers returns those of the accepted members who are so by includes only, sorted. The slice is valid until the
// next Apply or Advance.
func (r *Roster) IndirectMembers(t *incr.Task, group string) []string {
	return r.indirect.Get(t, group)
}

// MissingMembers returns those whom the group's member list names and who do not exist, sorted. The slice is valid until the
// next Apply.
func (r *Roster) MissingMembers(t *incr.Task, group string) []string {
	return r.missing.Get(t, group)
}

// RejectedMember is somebody whom a group does not accept, for the reason of R-5.
type RejectedMember struct {
	Name, Reason string
	Yields       bool
}

// RejectedMembers returns whom the group does not accept, sorted by name.
func (r *Roster) RejectedMembers(t *incr.Task, group string) []RejectedMember {
	var out []RejectedMember
	for _, s := range r.rejected.Get(t, group) {
		name, rest, _ := strings.Cut(s, rejectionSeparator)
		reason, yields := strings.CutSuffix(rest, rejectionYields)
		out = append(out, RejectedMember{Name: name, Reason: reason, Yields: yields})
	}
	return out
}

const (
	rejectionSeparator = "\x00"
	rejectionYields    = "\x00yields"
)

func (j Rejection) encode(teammate string) string {
	s := teammate + rejectionSeparator + j.Reason
	if j.Yields {
		s += rejectionYields
	}
	return s
}

// membershipsChanged keeps the groups' side of the memberships, and the incumbents of exclusive membership.
func (r *Roster) membershipsChanged(teammate string, before, after *Memberships) {
	accepted := func(m *Memberships) (out []string) {
		if m != nil {
			for _, a := range m.Accepted {
				out = append(out, a.Group)
			}
		}
		return out
	}
	moveAll(r.members, teammate, accepted(before), accepted(after))
	included := func(m *Memberships) (out []string) {
		if m != nil {
			for _, a := range m.Accepted {
				if a.Sources[0].Rank == RankInclude {
					out = append(out, a.Group)
				}
			}
		}
		return out
	}
	moveAll(r.indirect, teammate, included(before), included(after))
	encoded := func(m *Memberships) map[Rejection]bool {
		out := map[Rejection]bool{}
		if m != nil {
			for _, j := range m.Rejected {
				out[j] = true
			}
		}
		return out
	}
	old, now := encoded(before), encoded(after)
	for j := range old {
		if !now[j] {
			r.rejected.Remove(j.Group, j.encode(teammate))
		}
	}
	for j := range now {
		if !old[j] {
			r.rejected.Add(j.Group, j.encode(teammate))
		}
	}
}

// claim gathers what one teammate has on one group.
type claim struct {
	sources  []Source
	position *int32
	lasting  bool // some valid claim has no end
	facts    GroupFacts
}

func (c *claim) best() Source { return slices.MinFunc(c.sources, compareSources) }

func compareSources(a, b Source) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Via, b.Via))
}

// membershipsOf computes for one teammate.
func (r *Roster) membershipsOf(t *incr.Task, teammate string) *Memberships {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return nil
	}
	claims := r.ownClaims(t, tm)
	m := &Memberships{}
	passed := make([]string, 0, len(claims))
	for group, c := range claims {
		c.facts = r.facts.Get(t, group)
		if !c.facts.Exists {
			continue
		}
		if reason := r.refusal(t, tm, group, c.facts); reason != "" {
			m.Rejected = append(m.Rejected, Rejection{Group: group, Reason: reason})
			continue
		}
		passed = append(passed, group)
	}
	slices.Sort(passed)
	if *r.Policies(t).GroupMembership == rollcallv1.GroupMembershipExclusive {
		r.exclude(t, tm, m, claims, passed)
	} else {
		r.include(t, tm, m, claims, passed)
	}
	slices.SortFunc(m.Accepted, func(a, b Membership) int { return strings.Compare(a.Group, b.Group) })
	slices.SortFunc(m.Rejected, func(a, b Rejection) int { return strings.Compare(a.Group, b.Group) })
	return m
}

// ownClaims returns the claims that hold now, other than by include.
func (r *Roster) ownClaims(t *incr.Task, tm *rollcallv1.Teammate) map[string]*claim {
	claims := map[string]*claim{}
	add := func(group string, s Source, lasting bool) *claim {
		c := claims[group]
		if c == nil {
			c = &claim{}
			claims[group] = c
		}
		c.sources = append(c.sources, s)
		c.lasting = c.lasting || lasting
		return c
	}
	for _, e := range r.explicit.Get(t, tm.Name) {
		if In(t, e.Window) {
			add(e.Group, Source{Rank: RankExplicit}, e.Until == nil).position = e.Position
		}
	}
	for _, e := range tm.Spec.Groups {
		if In(t, e.Window) {
			add(e.Name, Source{Rank: RankTeammate}, e.Until == nil)
		}
	}
	for _, group := range r.people.selectedBy.Get(t, tm.Name) {
		add(group, Source{Rank: RankSelector}, true)
	}
	return claims
}

// refusal applies checks 2 to 4 of R-5 to a teammate and a group that exist; "" accepts.
func (r *Roster) refusal(t *incr.Task, tm *rollcallv1.Teammate, group string, facts GroupFacts) string {
	p := r.Policies(t)
	allowed := p.GroupMemberBaseTypes.Organization
	switch facts.Scope {
	case rollcallv1.GroupScopePractice:
		allowed = p.GroupMemberBaseTypes.Practice
	case rollcallv1.GroupScopeEnterprise:
		allowed = p.GroupMemberBaseTypes.Enterprise
	}
	if len(allowed) > 0 && !slices.Contains(allowed, r.Holding(t, tm.Name).BaseType()) {
		return rollcallv1.ReasonBaseTypeNotAllowed
	}
	if facts.Scope == rollcallv1.GroupScopePractice &&
		!slices.ContainsFunc(tm.Spec.Practices, func(e rollcallv1.TeammatePractice) bool { return e.Name == facts.Practice }) {
		return rollcallv1.ReasonNotInPractice
	}
	if *p.SupervisorMembership == rollcallv1.SupervisorMembershipDeny && r.Supervises(t, tm.Name, group) {
		return rollcallv1.ReasonSupervisorIsMember
	}
	return ""
}

// Supervises reports whether the teammate is an accepted supervisor of the group.
func (r *Roster) Supervises(t *incr.Task, teammate, group string) bool {
	return slices.Contains(r.Seats(t, teammate), Claimant{KindUserGroup, group}) && r.CanSupervise(t, teammate)
}

// include accepts what passed and follows the includes upwards: a member of an enabled group is a candidate for
// every group that includes it over an edge that closes no cycle.
func (r *Roster) include(t *incr.Task, tm *rollcallv1.Teammate, m *Memberships, claims map[string]*claim, passed []string) {
	refused := map[string]bool{}
	for _, j := range m.Rejected {
		refused[j.Group] = true
	}
	accepted := map[string]bool{}
	for _, g := range passed {
		accepted[g] = true
	}
	for work := slices.Clone(passed); len(work) > 0; {
		from := work[0]
		work = work[1:]
		if !claims[from].facts.Enabled {
			continue
		}
		for _, g := range r.includedBy.Get(t, from) {
			if refused[g] || r.cycles.Get(t, g).Closes(from) {
				continue
			}
			if !accepted[g] {
				facts := r.facts.Get(t, g)
				if !facts.Exists {
					continue
				}
				if reason := r.refusal(t, tm, g, facts); reason != "" {
					refused[g] = true
					m.Rejected = append(m.Rejected, Rejection{Group: g, Reason: reason})
					continue
				}
				accepted[g] = true
				claims[g] = &claim{facts: facts}
				work = append(work, g)
			}
			claims[g].sources = append(claims[g].sources, Source{Rank: RankInclude, Via: from})
		}
	}
	for g := range accepted {
		m.accept(g, claims[g])
	}
}

func (m *Memberships) accept(group string, c *claim) {
	slices.SortFunc(c.sources, compareSources)
	m.Accepted = append(m.Accepted, Membership{Group: group, Sources: slices.Compact(c.sources), Position: c.position, Enabled: c.facts.Enabled})
}

// exclude lets one group stand per class, home and cover, and cover before home (R-5, Exclusive).
func (r *Roster) exclude(t *incr.Task, tm *rollcallv1.Teammate, m *Memberships, claims map[string]*claim, passed []string) {
	known := r.Person(t, tm.Name)
	var home, cover []string
	for _, g := range passed {
		if claims[g].lasting {
			home = append(home, g)
		} else {
			cover = append(cover, g)
		}
	}
	standing := func(class []string, incumbent string) string {
		if len(class) == 0 {
			return ""
		}
		if slices.Contains(class, incumbent) {
			return incumbent
		}
		return slices.MinFunc(class, func(a, b string) int {
			return cmp.Or(cmp.Compare(claims[a].best().Rank, claims[b].best().Rank), strings.Compare(a, b))
		})
	}
	m.Home, m.Cover = standing(home, known.Home), standing(cover, known.Cover)
	m.Exclusive = cmp.Or(m.Cover, m.Home)
	for _, g := range passed {
		if g == m.Exclusive {
			m.accept(g, claims[g])
			continue
		}
		m.Rejected = append(m.Rejected, Rejection{Group: g, Reason: rollcallv1.ReasonExclusiveConflict, Yields: g == m.Home})
	}
}
