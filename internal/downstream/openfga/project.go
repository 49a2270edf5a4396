package openfga

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// conveyingGroup is a group with what its answerers may do on which profiles.
type conveyingGroup struct {
	*downstream.Group
	conveys []downstream.Grant
}

// conveyedAccess is access of which groups convey a part. rest are the grants that they do not.
type conveyedAccess struct {
	*downstream.AccessGrants
	via  []string // names of groups, sorted
	rest []downstream.Grant
}

// Projection implements downstream.Projector.
func (d *Driver) Projection() downstream.Projection {
	return &projection{groups: map[string]*groupState{}, people: map[string]*personState{}, groupsOf: index{}, leads: index{}}
}

// projection divides access between groups and people. What a group conveys on a profile is what most of its members may do there
// because they are in it; a member gets it through the group if they may do all of it on all of its profiles. So nobody gets through a
// group what they may not do, and what they may do beside is granted to them directly.
type projection struct {
	groups map[string]*groupState
	people map[string]*personState
	// groupsOf are the groups that list somebody whose gate is open, and leads those that somebody supervises, by key of the
	// person.
	groupsOf, leads index
}

// index are names of groups by key of a person.
type index map[string]map[string]struct{}

func (x index) add(key, group string) {
	if x[key] == nil {
		x[key] = map[string]struct{}{}
	}
	x[key][group] = struct{}{}
}

func (x index) remove(key, group string) {
	delete(x[key], group)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

type groupState struct {
	record downstream.Record
	group  *downstream.Group
	// members are those whose gate is open, by key.
	members map[string]downstream.Member
	// conveys is the permissions by profile.
	conveys map[string]set
	shown   string
	out     downstream.Record
}

type personState struct {
	record downstream.Record
	access *downstream.AccessGrants
	held   held
	shown  string
	out    downstream.Record
}

// set is sorted permissions with a name that is the same for the same ones.
type set struct {
	permissions []string
	name        string
}

func setOf(permissions []string) set {
	if !slices.IsSorted(permissions) {
		permissions = slices.Sorted(slices.Values(permissions))
	}
	return set{permissions, strings.Join(permissions, " ")}
}

// within reports whether all of a set is in another one.
func (s set) within(o set) bool {
	if s.name == o.name {
		return true
	}
	for _, p := range s.permissions {
		if _, ok := slices.BinarySearch(o.permissions, p); !ok {
			return false
		}
	}
	return true
}

// Update implements downstream.Projection.
func (p *projection) Update(changed []downstream.Record, gone []downstream.ID) []downstream.Record {
	groups, people := map[string]struct{}{}, map[string]struct{}{}
	for _, id := range gone {
		p.forget(id, groups, people)
	}
	for _, r := range changed {
		p.take(r, groups, people)
	}
	for key := range people {
		for _, x := range []index{p.groupsOf, p.leads} {
			for name := range x[key] {
				groups[name] = struct{}{}
			}
		}
	}
	var out []downstream.Record
	for name := range groups {
		g := p.groups[name]
		if g == nil {
			continue
		}
		before := g.conveys
		g.conveys = p.conveyance(name, g)
		if !maps.EqualFunc(before, g.conveys, func(a, b set) bool { return a.name == b.name }) {
			for key := range g.members {
				people[key] = struct{}{}
			}
		}
		if g.show(p.closed(g)) {
			out = append(out, g.out)
		}
	}
	for key := range people {
		if x := p.people[key]; x != nil && x.show(p.divide(x)) {
			out = append(out, x.out)
		}
	}
	slices.SortFunc(out, func(a, b downstream.Record) int { return a.ID().Compare(b.ID()) })
	return out
}

// Record implements downstream.Projection.
func (p *projection) Record(id downstream.ID) (downstream.Record, bool) {
	if id.Kind == downstream.Groups {
		if g := p.groups[id.Key]; g != nil {
			return g.out, true
		}
		return downstream.Record{}, false
	}
	if x := p.people[id.Key]; x != nil && id.Kind == downstream.Access {
		return x.out, true
	}
	return downstream.Record{}, false
}

// forget takes a record out, and notes what that touches: the groups, and the people.
func (p *projection) forget(id downstream.ID, groups, people map[string]struct{}) {
	switch id.Kind {
	case downstream.Groups:
		if g := p.groups[id.Key]; g != nil {
			p.unlist(id.Key, g, people)
			delete(p.groups, id.Key)
		}
	case downstream.Access:
		delete(p.people, id.Key)
		people[id.Key] = struct{}{}
	}
}

// unlist takes the members of a group out.
func (p *projection) unlist(name string, g *groupState, people map[string]struct{}) {
	for key := range g.members {
		people[key] = struct{}{}
		p.groupsOf.remove(key, name)
	}
	for _, key := range g.group.Supervisors {
		p.leads.remove(key, name)
	}
}

func (p *projection) take(r downstream.Record, groups, people map[string]struct{}) {
	switch c := r.Content.(type) {
	case *downstream.Group:
		groups[r.Key] = struct{}{}
		g := &groupState{record: r, group: c, members: map[string]downstream.Member{}}
		if old := p.groups[r.Key]; old != nil {
			g.shown, g.conveys = old.shown, old.conveys
			p.unlist(r.Key, old, people)
		}
		p.groups[r.Key] = g
		for _, m := range c.Members {
			if !m.Active || !r.Active {
				continue
			}
			g.members[m.Key] = m
			people[m.Key] = struct{}{}
			p.groupsOf.add(m.Key, r.Key)
		}
		for _, key := range c.Supervisors {
			p.leads.add(key, r.Key)
		}
	case *downstream.AccessGrants:
		people[r.Key] = struct{}{}
		x := &personState{record: r, access: c, held: heldBy(c.Grants)}
		if old := p.people[r.Key]; old != nil {
			x.shown = old.shown
		}
		p.people[r.Key] = x
	}
}

// fromGroup reports whether a group is among the sources of a grant.
func fromGroup(g *downstream.Grant, name string) bool {
	return slices.ContainsFunc(g.Sources, func(s downstream.Source) bool { return s.Type == "Group" && s.Name == name })
}

// because returns the profiles on which somebody has a grant because of a group: it gives the grant, or lists the profiles, which
// their default role is for.
func (x *personState) because(grant int, name string, g *downstream.Group) []string {
	of := &x.access.Grants[grant]
	if fromGroup(of, name) {
		return of.Profiles
	}
	if slices.ContainsFunc(of.Sources, func(s downstream.Source) bool { return s.Type != "Default" }) || len(of.Sources) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.Profiles), func(profile string) bool {
		_, there := slices.BinarySearch(x.held.profiles[grant], profile)
		return !there
	})
}

// conveyance returns what most members of a group may do because of it, by profile; of equally many, the first by name.
func (p *projection) conveyance(name string, g *groupState) map[string]set {
	type choice struct {
		set
		n int
	}
	counts := map[string][]choice{}
	for key := range g.members {
		x := p.people[key]
		if x == nil || !x.access.Active {
			continue
		}
		for i := range x.access.Grants {
			s := x.held.sets[i]
			if s.name == "" {
				continue
			}
			for _, profile := range x.because(i, name, g.group) {
				list := counts[profile]
				at := slices.IndexFunc(list, func(c choice) bool { return c.name == s.name })
				if at < 0 {
					at, list = len(list), append(list, choice{set: s})
				}
				list[at].n++
				counts[profile] = list
			}
		}
	}
	out := make(map[string]set, len(counts))
	for profile, list := range counts {
		out[profile] = slices.MinFunc(list, func(a, b choice) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) }).set
	}
	return out
}

// division is what is shown of the access of a person.
type division struct {
	via  []string
	rest []downstream.Grant
}

// divide says which groups convey what a person may do, and what is left.
func (p *projection) divide(x *personState) division {
	if !x.access.Active {
		return division{rest: x.access.Grants}
	}
	var d division
	for _, name := range slices.Sorted(maps.Keys(p.groupsOf[x.record.Key])) {
		if g := p.groups[name]; len(g.conveys) > 0 && x.held.all(g.conveys) {
			d.via = append(d.via, name)
		}
	}
	if len(d.via) == 0 {
		return division{rest: x.access.Grants}
	}
	for i := range x.access.Grants {
		grant := x.access.Grants[i]
		grant.Profiles = slices.DeleteFunc(slices.Clone(grant.Profiles), func(profile string) bool {
			return p.covered(x, &grant, profile, d.via)
		})
		if len(grant.Profiles) > 0 {
			d.rest = append(d.rest, grant)
		}
	}
	return d
}

// covered reports whether groups convey all of a grant on a profile, for as long as it lasts: membership that ends covers only what
// ends with it.
func (p *projection) covered(x *personState, grant *downstream.Grant, profile string, via []string) bool {
	var left []string
	for i, permission := range grant.Permissions {
		found := false
		for _, name := range via {
			g := p.groups[name]
			s, conveys := g.conveys[profile]
			if !conveys || g.members[x.record.Key].Until != nil && !only(grant, name) {
				continue
			}
			if i == 0 && len(s.permissions) == len(grant.Permissions) { // the ordinary case: what is conveyed is within the grant
				return true
			}
			if _, found = slices.BinarySearch(s.permissions, permission); found {
				break
			}
		}
		if !found {
			left = append(left, permission)
		}
	}
	return len(left) == 0
}

// only reports whether a grant has no other source than a group.
func only(g *downstream.Grant, name string) bool {
	return !slices.ContainsFunc(g.Sources, func(s downstream.Source) bool { return s.Type != "Group" || s.Name != name })
}

// held finds grants by profile.
type held struct {
	sets     []set
	profiles [][]string // sorted
}

func heldBy(grants []downstream.Grant) held {
	var h held
	for i := range grants {
		profiles := grants[i].Profiles
		if !slices.IsSorted(profiles) {
			profiles = slices.Sorted(slices.Values(profiles))
		}
		h.sets, h.profiles = append(h.sets, setOf(grants[i].Permissions)), append(h.profiles, profiles)
	}
	return h
}

// all reports whether everything that a group conveys is held.
func (h held) all(conveys map[string]set) bool {
	for profile, s := range conveys {
		ok := false
		for i := range h.profiles {
			if _, there := slices.BinarySearch(h.profiles[i], profile); there {
				ok = s.within(h.sets[i])
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// closed returns the supervisors of a group whose gate is known to be closed.
func (p *projection) closed(g *groupState) []string {
	return slices.DeleteFunc(slices.Clone(g.group.Supervisors), func(key string) bool {
		x := p.people[key]
		return x == nil || x.access.Active
	})
}

// show makes the projection of a group, and reports whether it is another one than before. Supervisors whose gate is closed are
// left out.
func (g *groupState) show(closed []string) bool {
	g.out = g.record
	b := &strings.Builder{}
	b.WriteString(strings.Join(closed, "\x00") + "\x01")
	if len(g.conveys) > 0 || len(closed) > 0 {
		group := *g.group
		group.Supervisors = slices.DeleteFunc(slices.Clone(group.Supervisors), func(key string) bool { return slices.Contains(closed, key) })
		out := &conveyingGroup{Group: &group}
		for _, profile := range slices.Sorted(maps.Keys(g.conveys)) {
			s := g.conveys[profile]
			out.conveys = append(out.conveys, downstream.Grant{Permissions: s.permissions, Profiles: []string{profile}})
			b.WriteString(profile + "\x00" + s.name + "\x00")
		}
		g.out.Content = out
	}
	changed := g.shown != b.String()
	g.shown = b.String()
	return changed
}

// show makes the projection of a person's access, and reports whether it is another one than before.
func (x *personState) show(d division) bool {
	x.out = x.record
	var b strings.Builder
	if len(d.via) > 0 {
		x.out.Content = &conveyedAccess{AccessGrants: x.access, via: d.via, rest: d.rest}
		b.WriteString(strings.Join(d.via, "\x00"))
	}
	b.WriteString("\x01")
	for i := range d.rest {
		b.WriteString(strings.Join(d.rest[i].Permissions, " ") + "\x00" + strings.Join(d.rest[i].Profiles, " ") + "\x01")
	}
	changed := x.shown != b.String()
	x.shown = b.String()
	return changed
}
