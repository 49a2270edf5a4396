package routing

import (
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Who is a candidate where is decided per person, and kept per target: a person whose access or membership changes is looked
// at again for the targets that concern them, and only the plans in which that makes a difference are put together again.

// placement is what one target has to say of one person.
type placement struct {
	target Target
	// reason is the first static reason that fails, "" for a candidate.
	reason Reason
	// groups are the pools of a department that the person is a member of, by name; nil for other kinds and for departments
	// without groups. Shared: not to be changed.
	groups []string
	// agent and absence are those of a candidate.
	agent   *agent
	absence *Absence
	// until is the first instant at which time alone may change this; zero for never.
	until time.Time
}

// same compares all but until.
func (a *placement) same(b *placement) bool {
	return a.reason == b.reason && a.agent == b.agent && a.absence == b.absence && slices.Equal(a.groups, b.groups)
}

func samePlacements(a, b []placement) bool {
	return slices.EqualFunc(a, b, func(x, y placement) bool { return x.target == y.target && x.same(&y) && x.until.Equal(y.until) })
}

// requirement is what one target asks of everybody.
type requirement struct {
	channels []string
	// profiles are those served; empty: no access is asked for.
	profiles []string
	// skills with their lowest level; those the organization does not list are left out.
	skills []skill
	// assigned: written items are assigned automatically.
	assigned bool
	// voice: calls come here too, for which automatic assignment does not matter.
	voice bool
	// exclusive: nobody of a campaign is taken.
	exclusive bool
}

func sameRequirement(a, b *requirement) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.assigned == b.assigned && a.voice == b.voice && a.exclusive == b.exclusive && slices.Equal(a.channels, b.channels) && slices.Equal(a.profiles, b.profiles) && slices.Equal(a.skills, b.skills)
}

// requirementOf is nil for a target that has no plan.
func (p *Planner) requirementOf(t *incr.Task, x Target) *requirement {
	switch {
	case !p.live(t, x):
		return nil
	case x.Kind == KindUserGroup:
		return &requirement{channels: telephone, profiles: p.Served(t, x)}
	case x.Kind == KindQueue:
		return p.queueRequirement(t, x)
	case x.Kind == KindCampaign:
		return &requirement{channels: telephone}
	}
	d := p.roster.Department(t, x.Name)
	return &requirement{
		channels: messaging,
		profiles: p.Served(t, x),
		skills:   p.requiredSkills(t, d.Spec.Routing.RequiredSkills),
		assigned: p.modeOf(t, d) == Assigned,
	}
}

// generalDepartments are those that list no group: everybody is a member.
func (p *Planner) generalDepartments(t *incr.Task, _ struct{}) []string {
	var out []string
	for _, name := range p.roster.Names(t, roster.KindDepartment) {
		if p.general.Get(t, name) {
			out = append(out, name)
		}
	}
	return out
}

// place looks at one person for every target that they are a member or a supervisor of, sorted by target.
func (p *Planner) place(t *incr.Task, name string) []placement {
	var out []placement
	for _, department := range p.generals.Get(t, struct{}{}) {
		out = p.placeIn(t, out, name, Target{Kind: KindDepartment, Name: department}, "", true)
	}
	stays := t.Horizon(func() { p.roster.Memberships(t, name) })
	byGroup := len(out)
	for _, m := range p.roster.Memberships(t, name).Accepted {
		if !m.Enabled {
			continue
		}
		if p.dialable.Get(t, m.Group) {
			out = p.placeIn(t, out, name, Target{Kind: KindUserGroup, Name: m.Group}, "", true)
		}
		for _, department := range p.roster.DepartmentsOf(t, m.Group) {
			out = p.placeIn(t, out, name, Target{Kind: KindDepartment, Name: department}, m.Group, true)
		}
	}
	for i := range out[byGroup:] {
		out[byGroup+i].until = earlier(out[byGroup+i].until, stays)
	}
	out = p.placeInQueues(t, out, name)
	out = p.placeSupervisor(t, out, name)
	slices.SortFunc(out, func(a, b placement) int { return compareTargets(a.target, b.target) })
	return out
}

// placeSupervisor adds the placements of one person in what they supervise and do not belong to.
func (p *Planner) placeSupervisor(t *incr.Task, out []placement, name string) []placement {
	seats := p.roster.Seats(t, name)
	if len(seats) == 0 || !p.roster.CanSupervise(t, name) {
		return out
	}
	for _, s := range seats {
		if s.Kind != roster.KindUserGroup || p.dialable.Get(t, s.Name) {
			out = p.placeIn(t, out, name, Target{Kind: Kind(s.Kind), Name: s.Name}, "", false)
		}
	}
	return out
}

// placeIn adds the placement of one target, or another pool to one that is there.
func (p *Planner) placeIn(t *incr.Task, out []placement, name string, x Target, pool string, member bool) []placement {
	if i := slices.IndexFunc(out, func(o placement) bool { return o.target == x }); i >= 0 {
		if pool != "" {
			out[i].groups = append(slices.Clip(out[i].groups), pool)
		}
		return out
	}
	want := p.requirements.Get(t, x)
	if want == nil {
		return out
	}
	e := placement{target: x}
	if pool != "" {
		e.groups = p.alone(pool)
	}
	e.until = t.Horizon(func() {
		s := subject{planner: p, t: t, want: want, name: name, member: member, agent: p.agents.Get(t, name)}
		if e.reason = s.failing(); e.reason == "" {
			e.agent, e.absence = s.agent, p.absences.Get(t, name)
		}
	})
	return append(out, e)
}

// alone is the list of one pool, the same slice for everybody.
func (p *Planner) alone(pool string) []string {
	list := p.singles[pool]
	if list == nil {
		list = []string{pool}
		p.singles[pool] = list
	}
	return list
}

// earlier is the earlier of two instants, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// crowd is everybody who is placed in one target.
type crowd struct {
	list   []placed
	sorted int // how many of list are, from the first on
	// soonest is the earliest until of all, zero for never.
	soonest time.Time
}

type placed struct {
	name string
	*placement
}

// all returns everybody by name: one new one is put into its place, more by sorting all.
func (c *crowd) all() []placed {
	if c == nil {
		return nil
	}
	switch fresh := len(c.list) - c.sorted; {
	case fresh > 1:
		slices.SortFunc(c.list, func(a, b placed) int { return strings.Compare(a.name, b.name) })
	case fresh == 1:
		last := c.list[c.sorted]
		i, _ := searchPlaced(c.list[:c.sorted], last.name)
		c.list = slices.Insert(c.list[:c.sorted], i, last)
	}
	c.sorted = len(c.list)
	return c.list
}

func searchPlaced(list []placed, name string) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(e placed, n string) int { return strings.Compare(e.name, n) })
}

func (c *crowd) find(name string) int {
	i, found := searchPlaced(c.all(), name)
	if !found {
		return -1
	}
	return i
}

func (c *crowd) add(e placed) {
	if n := len(c.list); n == c.sorted && (n == 0 || c.list[n-1].name < e.name) {
		c.sorted++
	}
	c.list = append(c.list, e)
}

func (c *crowd) remove(name string) {
	i := c.find(name)
	c.list = slices.Delete(c.list, i, i+1)
	c.sorted--
}

// review finds the earliest until anew.
func (c *crowd) review() {
	c.soonest = time.Time{}
	for _, e := range c.list {
		c.soonest = earlier(c.soonest, e.until)
	}
}

// placementsChanged keeps the targets' side of the placements, and has the plans put together again that differ.
func (p *Planner) placementsChanged(name string, before, after []placement) {
	for len(before) > 0 || len(after) > 0 {
		var old, now *placement
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = compareTargets(before[0].target, after[0].target)
		}
		if order <= 0 {
			old, before = &before[0], before[1:]
		}
		if order >= 0 {
			now, after = &after[0], after[1:]
		}
		p.move(name, old, now)
	}
}

// move takes one placement out of its target, puts one in, or replaces it.
func (p *Planner) move(name string, old, now *placement) {
	x := (cmpOr(now, old)).target
	c := p.crowds[x]
	if c == nil {
		c = &crowd{}
		p.crowds[x] = c
	}
	switch {
	case old == nil:
		c.add(placed{name, now})
	case now == nil:
		c.remove(name)
	default:
		c.list[c.find(name)].placement = now
	}
	soonest := c.soonest
	if old != nil && !old.until.IsZero() && old.until.Equal(c.soonest) {
		c.review()
	} else if now != nil {
		c.soonest = earlier(c.soonest, now.until)
	}
	if old == nil || now == nil || !old.same(now) || !c.soonest.Equal(soonest) {
		p.placed.Changed(x)
	}
	if len(c.list) == 0 {
		delete(p.crowds, x)
	}
}

func cmpOr(a, b *placement) *placement {
	if a != nil {
		return a
	}
	return b
}
