package openfga

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// company draws groups and people: what they may do comes from the groups that list them, and from elsewhere.
type company struct {
	groups map[string]*downstream.Group
	people map[string]*downstream.AccessGrants
}

var (
	someGroups   = []string{"g1", "g2", "g3"}
	somePeople   = []string{"ana", "ben", "cid", "dan", "eva"}
	someProfiles = []string{"p1", "p2", "p3"}
	somePerms    = []string{"care.reply", "care.view", "chat.view"}
)

func drawPermissions(rt *rapid.T) []string {
	return slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.SampledFrom(somePerms), 0, 3, rapid.ID[string]).Draw(rt, "permissions")))
}

func drawGroup(rt *rapid.T) *downstream.Group {
	g := drivertest.Group("g", "x").Content.(*downstream.Group)
	g.Profiles = rapid.SliceOfNDistinct(rapid.SampledFrom(someProfiles), 0, 3, rapid.ID[string]).Draw(rt, "profiles of the group")
	g.Members, g.Supervisors = []downstream.Member{}, rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 0, 2, rapid.ID[string]).Draw(rt, "supervisors")
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 0, 5, rapid.ID[string]).Draw(rt, "members") {
		m := downstream.Member{Key: key, Active: rapid.IntRange(0, 5).Draw(rt, "open") > 0}
		if rapid.IntRange(0, 3).Draw(rt, "ends") == 0 {
			m.Until = new(start.Add(time.Duration(rapid.IntRange(1, 3).Draw(rt, "end")) * time.Hour))
		}
		g.Members = append(g.Members, m)
	}
	slices.SortFunc(g.Members, func(a, b downstream.Member) int { return strings.Compare(a.Key, b.Key) })
	return g
}

func drawAccess(rt *rapid.T) *downstream.AccessGrants {
	a := &downstream.AccessGrants{Active: rapid.IntRange(0, 5).Draw(rt, "open") > 0}
	if !a.Active {
		return a
	}
	a.Permissions = drawPermissions(rt)
	left := slices.Clone(someProfiles)
	for len(left) > 0 && rapid.IntRange(0, 4).Draw(rt, "another grant") > 0 {
		n := rapid.IntRange(1, len(left)).Draw(rt, "profiles")
		g := downstream.Grant{Permissions: drawPermissions(rt), Profiles: left[:n:n]}
		left = left[n:]
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(someGroups), 0, 2, rapid.ID[string]).Draw(rt, "groups") {
			g.Sources = append(g.Sources, downstream.Source{Type: "Group", Name: name})
		}
		switch {
		case len(g.Sources) == 0 && rapid.Bool().Draw(rt, "by default"):
			g.Sources = append(g.Sources, downstream.Source{Type: "Default"})
		case len(g.Sources) == 0 || rapid.IntRange(0, 3).Draw(rt, "directly too") == 0:
			g.Sources = append(g.Sources, downstream.Source{Type: "Direct"})
		}
		a.Grants = append(a.Grants, g)
	}
	return a
}

var start = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

func drawCompany(rt *rapid.T) *company {
	c := &company{groups: map[string]*downstream.Group{}, people: map[string]*downstream.AccessGrants{}}
	for range rapid.IntRange(1, 8).Draw(rt, "draws") {
		c.edit(rt)
	}
	return c
}

// edit changes one record, or takes one away, and returns which.
func (c *company) edit(rt *rapid.T) downstream.ID {
	gone := rapid.IntRange(0, 5).Draw(rt, "goes") == 0
	if rapid.Bool().Draw(rt, "a group") {
		name := rapid.SampledFrom(someGroups).Draw(rt, "group")
		if delete(c.groups, name); !gone {
			c.groups[name] = drawGroup(rt)
		}
		return downstream.ID{Kind: downstream.Groups, Key: name}
	}
	name := rapid.SampledFrom(somePeople).Draw(rt, "who")
	if delete(c.people, name); !gone {
		c.people[name] = drawAccess(rt)
	}
	return downstream.ID{Kind: downstream.Access, Key: name}
}

func (c *company) record(id downstream.ID) (downstream.Record, bool) {
	r := downstream.Record{Kind: id.Kind, Key: id.Key, Name: id.Key, Active: true}
	if g := c.groups[id.Key]; id.Kind == downstream.Groups && g != nil {
		r.Content, r.Active = g, len(g.Members) > 0
		return r, true
	}
	if a := c.people[id.Key]; id.Kind == downstream.Access && a != nil {
		r.Content, r.Active = a, a.Active
		return r, true
	}
	return r, false
}

func (c *company) ids() (out []downstream.ID) {
	for name := range c.groups {
		out = append(out, downstream.ID{Kind: downstream.Groups, Key: name})
	}
	for name := range c.people {
		out = append(out, downstream.ID{Kind: downstream.Access, Key: name})
	}
	slices.SortFunc(out, downstream.ID.Compare)
	return out
}

func (c *company) records() (out []downstream.Record) {
	for _, id := range c.ids() {
		r, _ := c.record(id)
		out = append(out, r)
	}
	return out
}

// allowed is who may do what where: what the records say.
func (c *company) allowed() map[string]bool {
	out := map[string]bool{}
	for name, a := range c.people {
		for _, p := range a.Permissions {
			out[fmt.Sprint("organization:fjordline ", name, " ", p)] = true
		}
		for _, g := range a.Grants {
			for _, profile := range g.Profiles {
				for _, p := range g.Permissions {
					out[fmt.Sprint("profile:", profile, " ", name, " ", p)] = true
				}
			}
		}
	}
	return out
}

// answers are who may do what where by the model, with these holdings: what OpenFGA would say.
func answers(held map[downstream.ID]holdings, at time.Time) map[string]bool {
	out := map[string]bool{}
	give := func(object, who, condition string) {
		for p := range strings.FieldsSeq(strings.TrimPrefix(condition, conditionAllows)) {
			out[object+" "+who+" "+p] = true
		}
	}
	each := func(s *stored, f func(e entry)) {
		if s == nil {
			return
		}
		for in := range s {
			for id, condition := range s[in] {
				f(entry{id, condition})
			}
		}
	}
	for id, h := range held {
		if id.Kind != downstream.Access {
			continue
		}
		each(h[accountOf], func(e entry) { give("organization:"+e.id, id.Key, e.condition) })
		each(h[profilesOf], func(e entry) { give("profile:"+e.id, id.Key, e.condition) })
		each(h[groupsOf], func(via entry) {
			g := held[downstream.ID{Kind: downstream.Groups, Key: via.id}]
			each(g[membersOf], func(m entry) {
				if m.id == id.Key && covers(m.condition, until(&at)) {
					each(g[conveyedOf], func(e entry) { give("profile:"+e.id, id.Key, e.condition) })
				}
			})
		})
	}
	return out
}

// TestProjection: whatever the order of edits, what comes out is what comes out of everything at once (P-07), all that changed is
// told, and it confers what the records say: at once, and never more later.
func TestProjection(t *testing.T) {
	d := open(t, Config{URL: "https://fga.example", Organization: "fjordline"}, downstream.Options{})
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCompany(rt)
		p := d.Projection()
		p.Update(c.records(), nil)
		before := rendered(rt, d, p, c)
		for range rapid.IntRange(0, 6).Draw(rt, "edits") {
			told := map[downstream.ID]bool{}
			var changed []downstream.Record
			var gone []downstream.ID
			for range rapid.IntRange(1, 3).Draw(rt, "at once") {
				id := c.edit(rt)
				told[id] = true
			}
			for id := range told {
				if r, there := c.record(id); there {
					changed = append(changed, r)
				} else {
					gone = append(gone, id)
				}
			}
			for _, r := range p.Update(changed, gone) {
				told[r.ID()] = true
			}
			after := rendered(rt, d, p, c)
			for id := range after {
				if !maps.Equal(before[id], after[id]) && !told[id] {
					rt.Fatalf("%s changed, and nobody was told", id)
				}
			}
			anew := d.Projection()
			anew.Update(c.records(), nil)
			for id, want := range rendered(rt, d, anew, c) {
				if !maps.Equal(after[id], want) {
					rt.Fatalf("%s: %v, anew %v", id, after[id], want)
				}
			}
			before = after
		}
		held := map[downstream.ID]holdings{}
		for id, im := range before {
			held[id] = holdingsOf(id.Kind, im)
		}
		want := c.allowed()
		if got := answers(held, start); !maps.Equal(got, want) {
			rt.Fatalf("it confers %v, want %v", got, want)
		}
		for q := range answers(held, start.Add(2*time.Hour)) {
			if !want[q] {
				rt.Fatalf("later %s is allowed, and not now", q)
			}
		}
	})
}

func rendered(rt *rapid.T, d *Driver, p downstream.Projection, c *company) map[downstream.ID]downstream.Image {
	out := map[downstream.ID]downstream.Image{}
	for _, id := range c.ids() {
		r, ok := p.Record(id)
		if !ok {
			rt.Fatalf("%s is lost", id)
		}
		x, err := d.Render(r)
		if err != nil {
			rt.Fatalf("rendering %s: %v", id, err)
		}
		out[id] = x.Image
	}
	return out
}

// TestOrder: on the way from one state to another, after each request, nobody is without what they may do before and after, and
// nobody may do what they may do neither before nor after. The image of what is there tells all of it.
func TestOrder(t *testing.T) {
	d := open(t, Config{URL: "https://fga.example", Organization: "fjordline"}, downstream.Options{})
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCompany(rt)
		held := map[downstream.ID]holdings{}
		before := map[string]bool{}
		for range rapid.IntRange(1, 5).Draw(rt, "states") {
			b := &batch{driver: d, outcomes: make([]downstream.Outcome, len(someGroups)+len(somePeople)), owner: map[downstream.ID]int{}}
			p := d.Projection()
			p.Update(c.records(), nil)
			images := rendered(rt, d, p, c)
			for _, kind := range []downstream.Kind{downstream.Groups, downstream.Access} {
				for _, key := range append(slices.Clone(someGroups), somePeople...) {
					id := downstream.ID{Kind: kind, Key: key}
					want := nothing(kind)
					if im, there := images[id]; there {
						want = wantedOf(kind, im)
					}
					if have := holdingsOf(kind, held[id].image(kind)); !maps.EqualFunc(have, held[id], func(x, y *stored) bool { return maps.Equal(x[0], y[0]) && maps.Equal(x[1], y[1]) }) {
						rt.Fatalf("the image of %s tells %v of %v", id, have, held[id])
					}
					b.steps = append(b.steps, difference(key, held[id], want)...)
				}
			}
			b.sort()
			// Who leaves a group that comes to convey more, or joins one that comes to convey less, is the one exception.
			quits := map[string]bool{}
			for _, s := range b.steps {
				if s.phase == phaseQuit || s.phase == phaseJoinLess {
					quits[s.record] = true
				}
			}
			after := c.allowed()
			d.limit = rapid.IntRange(1, 5).Draw(rt, "limit")
			mixed := slices.ContainsFunc(b.steps, func(s step) bool { return s.remove })
			for len(b.steps) > 0 {
				n := d.fit(b.steps, mixed)
				for _, s := range b.steps[:n] {
					perform(rt, held, s)
				}
				b.steps = b.steps[n:]
				now := answers(held, start)
				for q := range now {
					if !before[q] && !after[q] {
						rt.Fatalf("on the way %s is allowed, and neither before nor after", q)
					}
				}
				for q := range before {
					if after[q] && !now[q] && !quits[strings.Fields(q)[1]] {
						rt.Fatalf("on the way %s is not allowed, and before and after it is", q)
					}
				}
			}
			if got := answers(held, start); !maps.Equal(got, after) {
				rt.Fatalf("in the end %v, want %v", got, after)
			}
			for id, im := range images {
				if got := held[id].image(id.Kind); !got.Covers(im) {
					rt.Fatalf("%s is %v, want %v", id, got, im)
				}
			}
			before = after
			for range rapid.IntRange(1, 6).Draw(rt, "edits") {
				c.edit(rt)
			}
		}
	})
}

// perform does to holdings what a server does, by the tuple alone.
func perform(rt *rapid.T, held map[downstream.ID]holdings, s step) {
	t := s.tuple(map[string]*openfgav1.RelationshipCondition{})
	id, a, in, e, ok := placed(t)
	if !ok || id.Key != s.record || e != s.entry {
		rt.Fatalf("%v is nobody's, or another one's than that of %s", t, s.record)
	}
	if held[id] == nil {
		held[id] = holdings{}
	}
	there := false
	if x := held[id][a]; x != nil {
		_, there = x[in][e.id]
	}
	if there != s.remove {
		rt.Fatalf("%v is there: %v", t, there)
	}
	if !s.remove {
		held[id].put(a, in, e)
		return
	}
	delete(held[id][a][in], e.id)
	if len(held[id][a][slotA])+len(held[id][a][slotB]) == 0 {
		delete(held[id], a)
	}
}
