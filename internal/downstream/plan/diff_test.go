package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/ledger"
)

// item is a wanted account whose image has one attribute.
func item(key, name, value string) plan.Item {
	it := plan.Item{Wanted: plan.Wanted{Record: downstream.Record{Kind: downstream.Users, Key: key, Name: name, Active: true, Content: &downstream.User{Listing: "Active"}}}}
	it.Rendered = downstream.Rendered{Image: downstream.Image{"v": value}, Name: name}
	it.Hash = it.Rendered.Image.Hash()
	return it
}

func inactive(it plan.Item, cause downstream.Cause, listing string) plan.Item {
	it.Active, it.Cause, it.Content = false, cause, &downstream.User{Listing: listing}
	return it
}

// entry is what the inventory says of an item that was delivered.
func entry(it plan.Item) downstream.Owned {
	return downstream.Owned{Kind: it.Kind, Key: it.Key, Name: it.Name, RemoteID: "r-" + it.Key, Hash: it.Hash, Inactive: !it.Active}
}

func there(key, name, value string) downstream.Found {
	return downstream.Found{Kind: downstream.Users, Key: key, Name: name, RemoteID: "r-" + key, Image: downstream.Image{"v": value, "beside": "x"}}
}

func off(f downstream.Found) downstream.Found {
	f.Inactive = true
	return f
}

type scene struct {
	items   []plan.Item
	owned   []downstream.Owned
	found   []downstream.Found
	partial bool // the listing is not complete
	blind   bool // nothing was read, and everything was touched
	gone    map[string]plan.Departure
	present []string
	edit    func(*plan.Input)
}

func (s scene) input() plan.Input {
	inv := plan.OpenInventory("d", nil)
	for _, o := range s.owned {
		inv.Set(o)
	}
	in := plan.Input{
		Policy: plan.Policy{
			Records: downstream.Kinds, Mode: rollcallv1.DownstreamModeFull, Adoption: rollcallv1.AdoptionNever,
			Removal: rollcallv1.RemovalDeactivate, Drift: rollcallv1.DriftCorrect, Safety: plan.DefaultSafety,
		},
		Capabilities: downstream.Capabilities{Kinds: downstream.Kinds, Deactivates: []downstream.Kind{downstream.Users}},
		Situation:    plan.Situation{Now: now, Departed: s.gone, Since: now.Add(-time.Hour)},
		Inventory:    inv, Items: map[downstream.ID]plan.Item{}, Full: true, Reading: &downstream.Reading{Records: s.found, Complete: downstream.Kinds},
		Present: func(name string) bool { return slices.Contains(s.present, name) },
		Cause:   func(downstream.ID) downstream.Cause { return downstream.Inferred },
	}
	for _, it := range s.items {
		in.Items[it.ID()] = it
	}
	in.Wanted = func(id downstream.ID) bool { _, ok := in.Items[id]; return ok }
	if s.partial {
		in.Reading.Complete = nil
	}
	if s.blind {
		in.Reading, in.Full = nil, false
		for id := range in.Items {
			in.Touched = append(in.Touched, id)
		}
		for _, o := range s.owned {
			in.Touched = append(in.Touched, o.ID())
		}
	}
	if s.edit != nil {
		s.edit(&in)
	}
	return in
}

// lines says what a plan does, a line each.
func lines(p plan.Plan) []string {
	var out []string
	for i := range p.Steps {
		s := &p.Steps[i]
		line := fmt.Sprintf("%s %s", s.Change.Op, s.Change.Record.Key)
		if q := s.Change.Previous; q != nil && q.Key != s.Change.Record.Key {
			line += " from " + q.Key
		}
		if s.Removal {
			line += " removal " + string(s.Cause)
		}
		if s.Drift {
			line += " drift"
		}
		out = append(out, line)
	}
	for _, o := range p.Settled {
		out = append(out, "settled "+o.Key+" as "+o.Name)
	}
	for _, id := range p.Dropped {
		out = append(out, "dropped "+id.Key)
	}
	for _, c := range p.Clashes {
		out = append(out, "clash "+c.ID.Key)
	}
	for _, d := range p.Drifted {
		out = append(out, fmt.Sprintf("drifted %s %v", d.ID.Key, d.Attributes))
	}
	for _, id := range p.Waiting {
		out = append(out, "waiting "+id.Key)
	}
	for _, b := range p.Bad {
		out = append(out, "bad "+b.ID.Key)
	}
	return out
}

func TestDiff(t *testing.T) {
	a := item("a", "ana", "1")
	intent := downstream.Owned{Kind: downstream.Users, Key: "a", Name: "ana"}
	policy := func(f func(p *plan.Policy)) func(*plan.Input) { return func(in *plan.Input) { f(&in.Policy) } }
	never, take, identical := rollcallv1.AdoptionNever, rollcallv1.AdoptionTakeOver, rollcallv1.AdoptionIfIdentical
	adopt := func(x rollcallv1.Adoption) func(*plan.Input) { return policy(func(p *plan.Policy) { p.Adoption = x }) }
	drift := func(x rollcallv1.Drift) func(*plan.Input) { return policy(func(p *plan.Policy) { p.Drift = x }) }
	remove := func(x rollcallv1.Removal) func(*plan.Input) { return policy(func(p *plan.Policy) { p.Removal = x }) }
	for name, tc := range map[string]struct {
		scene
		want []string
	}{
		"new":                         {scene{items: []plan.Item{a}}, []string{"Create a"}},
		"as it should be":             {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, nil},
		"changed by us":               {scene{items: []plan.Item{item("a", "ana", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Update a"}},
		"changed by us, nothing read": {scene{items: []plan.Item{item("a", "ana", "2")}, owned: []downstream.Owned{entry(a)}, blind: true}, []string{"Update a"}},
		"the same, nothing read":      {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, blind: true}, nil},
		"delivered before a crash":    {scene{items: []plan.Item{item("a", "ana", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "2")}}, []string{"settled a as ana"}},
		"Safety 11: a rename":         {scene{items: []plan.Item{item("a", "anna", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Update a"}},
		"Safety 11: an edited key":    {scene{items: []plan.Item{item("b", "ana", "1")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Update b from a"}},
		"an edited key, nothing read": {scene{items: []plan.Item{item("b", "ana", "1")}, owned: []downstream.Owned{entry(a)}, blind: true}, []string{"Update b from a"}},
		"the key passes on":           {scene{items: []plan.Item{item("a", "ben", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Update a"}},
		"the key wins over the name":  {scene{items: []plan.Item{item("a", "ben", "2"), item("b", "ana", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Update a", "Create b"}},
		"an intent that came true":    {scene{items: []plan.Item{a}, owned: []downstream.Owned{intent}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"settled a as ana"}},
		"an intent that did not":      {scene{items: []plan.Item{a}, owned: []downstream.Owned{intent}}, []string{"Create a"}},
		"an intent, nothing read":     {scene{items: []plan.Item{a}, owned: []downstream.Owned{intent}, blind: true}, []string{"waiting a"}},
		"an intent, found by its key": {scene{items: []plan.Item{a}, owned: []downstream.Owned{intent}, blind: true, edit: func(in *plan.Input) { in.Capabilities.Natural = true }}, []string{"Create a"}},
		"an intent without a key over there": {
			scene{items: []plan.Item{a}, owned: []downstream.Owned{intent}, found: []downstream.Found{{Kind: downstream.Users, Name: "ana", RemoteID: "9", Image: downstream.Image{"v": "1"}}}},
			[]string{"settled a as ana"},
		},
		"an intent nobody wants, not there": {scene{owned: []downstream.Owned{intent}}, []string{"dropped a"}},

		"Safety 9: somebody else's, by key":  {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "x", "2")}, edit: adopt(never)}, []string{"clash a"}},
		"Safety 9: somebody else's, by name": {scene{items: []plan.Item{a}, found: []downstream.Found{there("z", "ana", "2")}, edit: adopt(never)}, []string{"clash a"}},
		"Safety 9: an equal one too":         {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "1")}, edit: adopt(never)}, []string{"clash a"}},
		"Safety 9: nobody's business":        {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1"), there("z", "zoe", "9")}}, nil},
		"adopted, identical":                 {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "1")}, edit: adopt(identical)}, []string{"settled a as ana"}},
		"not adopted, different":             {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "2")}, edit: adopt(identical)}, []string{"clash a"}},
		"taken over":                         {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "2")}, edit: adopt(take)}, []string{"Update a"}},
		"taken over, identical":              {scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "1")}, edit: adopt(take)}, []string{"settled a as ana"}},
		"Safety 10: observed only, nothing is adopted": {
			scene{items: []plan.Item{a}, found: []downstream.Found{there("a", "ana", "1")}, edit: func(in *plan.Input) {
				in.Policy.Adoption, in.Policy.Mode = take, rollcallv1.DownstreamModeObserve
			}}, nil,
		},

		"moved before a crash, and wanted back": {
			scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{{Kind: downstream.Users, Key: "b", Name: "ana", RemoteID: "r-a", Image: downstream.Image{"v": "1"}}}},
			[]string{"Update a from b"},
		},
		"wanted again after it was deactivated": {
			scene{items: []plan.Item{a}, owned: []downstream.Owned{{Kind: downstream.Users, Key: "a", Name: "ana", RemoteID: "r-a", Inactive: true}}, found: []downstream.Found{off(there("a", "ana", "1"))}},
			[]string{"Update a"},
		},
		"drift, corrected":                {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "3")}}, []string{"Update a drift"}},
		"drift, reported":                 {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "3")}, edit: drift(rollcallv1.DriftReport)}, []string{"drifted a [v]"}},
		"drift, ignored":                  {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "3")}, edit: drift(rollcallv1.DriftIgnore)}, nil},
		"our own change is no drift":      {scene{items: []plan.Item{item("a", "ana", "2")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "3")}, edit: drift(rollcallv1.DriftIgnore)}, []string{"Update a"}},
		"vanished":                        {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}}, []string{"Create a drift"}},
		"vanished, reported":              {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, edit: drift(rollcallv1.DriftReport)}, []string{"drifted a []"}},
		"vanished from a partial listing": {scene{items: []plan.Item{a}, owned: []downstream.Owned{entry(a)}, partial: true}, nil},
		"new, in a partial listing":       {scene{items: []plan.Item{a}, partial: true}, []string{"waiting a"}},

		"archived": {
			scene{items: []plan.Item{inactive(item("a", "ana", "2"), downstream.Archived, "Archived")}, owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}},
			[]string{"Update a removal Archived"},
		},
		"archived and never there": {scene{items: []plan.Item{inactive(a, downstream.Archived, "Archived")}}, nil},
		"invited and never there":  {scene{items: []plan.Item{inactive(a, downstream.Inferred, "Invited")}}, []string{"Create a"}},
		"enabled again by hand": {
			scene{items: []plan.Item{inactive(a, downstream.Archived, "Archived")}, owned: []downstream.Owned{entry(inactive(a, downstream.Archived, ""))}, found: []downstream.Found{there("a", "ana", "3")}},
			[]string{"Update a drift"},
		},
		"active again": {
			scene{items: []plan.Item{item("a", "ana", "2")}, owned: []downstream.Owned{entry(inactive(a, downstream.Archived, ""))}, found: []downstream.Found{there("a", "ana", "1")}},
			[]string{"Update a"},
		},

		"deleted, inside the grace": {
			scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, gone: map[string]plan.Departure{"a": {Name: "ana", Since: now.Add(time.Second - 2*time.Minute), Observed: true}}}, nil,
		},
		"deleted, after it": {
			scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, gone: map[string]plan.Departure{"a": {Name: "ana", Since: now.Add(-2 * time.Minute), Observed: true}}},
			[]string{"Deactivate a removal Deleted"},
		},
		"gone before the start":         {scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}}, []string{"Deactivate a removal Deleted"}},
		"the person has another record": {scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, present: []string{"ana"}}, []string{"Deactivate a removal Inferred"}},
		"removed whole":                 {scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, edit: remove(rollcallv1.RemovalDelete)}, []string{"Delete a removal Deleted"}},
		"let go":                        {scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, edit: remove(rollcallv1.RemovalOrphan)}, []string{" a removal Deleted"}},
		"gone already":                  {scene{owned: []downstream.Owned{entry(a)}}, []string{"dropped a"}},
		"deactivated already":           {scene{owned: []downstream.Owned{{Kind: downstream.Users, Key: "a", Name: "ana", RemoteID: "r-a", Inactive: true}}, found: []downstream.Found{off(there("a", "ana", "1"))}}, nil},
		"somebody of that name later": {
			scene{
				items: []plan.Item{item("b", "ana", "1")}, owned: []downstream.Owned{{Kind: downstream.Users, Key: "a", Name: "ana", RemoteID: "r-a", Inactive: true}},
				found: []downstream.Found{off(there("a", "old", "1"))},
			},
			[]string{"Create b"},
		},
		"a record that the system cannot hold": {
			scene{items: []plan.Item{func() plan.Item { b := a; b.Err = downstream.NewError(downstream.BadRecord, "", nil); return b }()}}, []string{"bad a"},
		},
		"one that it cannot hold, of somebody archived": {
			scene{
				items: []plan.Item{func() plan.Item {
					b := inactive(a, downstream.Archived, "Archived")
					b.Err = downstream.NewError(downstream.BadRecord, "", nil)
					return b
				}()},
				owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")},
			},
			[]string{"Deactivate a removal Archived", "bad a"},
		},
		"a kind that is not kept any more": {
			scene{owned: []downstream.Owned{entry(a)}, found: []downstream.Found{there("a", "ana", "1")}, edit: policy(func(p *plan.Policy) { p.Records = []downstream.Kind{downstream.Groups} })}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, lines(plan.Diff(tc.input()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Safety 7: additions and changes come before removals, and what others refer to before those.
func TestOrder(t *testing.T) {
	var items []plan.Item
	var owned []downstream.Owned
	for _, kind := range downstream.Kinds {
		it := item("new", "new", "1")
		it.Kind = kind
		items = append(items, it)
		o := entry(item("old", "old", "1"))
		o.Kind = kind
		owned = append(owned, o)
	}
	hours := item(downstream.ScheduleKey("s"), "s", "1")
	hours.Kind = downstream.Routes
	items = append(items, hours)
	p := plan.Diff(scene{items: items, owned: owned, blind: true}.input())
	var got []string
	for i := range p.Steps {
		got = append(got, fmt.Sprint(p.Steps[i].Change.Op, " ", p.Steps[i].ID()))
	}
	want := []string{
		"Create Users/new", "Create Groups/new", "Create Access/new", "Create Routes/schedule/s", "Create Routes/new", "Create Mentions/new",
		"Delete Mentions/old", "Delete Routes/old", "Delete Access/old", "Delete Groups/old", "Deactivate Users/old",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	shuffled := slices.Clone(p.Steps)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if plan.HashOf(shuffled) != plan.HashOf(p.Steps) {
		t.Error("the hash depends on the order")
	}
	if c := plan.Count(p.Steps); c != (plan.Counts{Creates: 6, Removals: 5}) {
		t.Errorf("%+v", c)
	}
}

func TestPolicyOf(t *testing.T) {
	got := plan.PolicyOf(&rollcallv1.DownstreamSpec{Records: []rollcallv1.RecordKind{"Routes", "Users"}, Safety: rollcallv1.DownstreamSafety{ExplicitLimit: new(int32(0))}})
	want := plan.Policy{
		Records: []downstream.Kind{downstream.Users, downstream.Routes}, Mode: rollcallv1.DownstreamModeObserve, Adoption: rollcallv1.AdoptionNever,
		Removal: rollcallv1.RemovalDeactivate, Drift: rollcallv1.DriftCorrect, Resync: 10 * time.Minute, Safety: plan.DefaultSafety,
	}
	want.Safety.ExplicitLimit = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Safety 10, a new Downstream observes: %s", diff)
	}
}

// The Ledger holds an inventory whatever is done to it, in objects below their limit, and a change writes the object it is in.
func TestInventory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inv := plan.OpenInventory("warehouse", nil)
		stored := map[string]ledger.Shard{}
		keep := func() {
			for _, s := range inv.TakeShards() {
				if s.Object == nil {
					delete(stored, s.Name)
				} else {
					stored[s.Name] = s
				}
			}
		}
		for range rapid.IntRange(1, 30).Draw(rt, "acts") {
			o := owned(rapid.IntRange(0, 8).Draw(rt, "who"))
			switch rapid.IntRange(0, 5).Draw(rt, "act") {
			case 0, 1:
				o.Inactive, o.Protected = rapid.Bool().Draw(rt, "inactive"), rapid.Bool().Draw(rt, "protected")
				o.Hash = rapid.SampledFrom([]string{"", "h"}).Draw(rt, "hash")
				inv.Set(o)
			case 2:
				inv.Forget(o.ID())
			case 3:
				inv.SeeEnds(now, o.Key, []time.Time{now.Add(time.Hour)})
			case 4:
				inv.KeepEnds(now, func(key string, _ time.Time) bool { return key != o.Key })
			case 5:
				inv.Pin(downstream.Pins{StoreID: rapid.SampledFrom([]string{"", "s"}).Draw(rt, "store")})
			}
			if rapid.Bool().Draw(rt, "keep") {
				keep()
			}
		}
		keep()
		var objects []*rollcallv1.Ledger
		for _, s := range stored {
			objects = append(objects, s.Object)
		}
		again := plan.OpenInventory("warehouse", objects)
		if diff := cmp.Diff(describe(inv), describe(again)); diff != "" {
			rt.Fatalf("(-kept +read):\n%s", diff)
		}
		if n := len(again.TakeShards()); n > 0 {
			rt.Fatalf("reading makes %d objects to write", n)
		}
	})
}

func describe(inv *plan.Inventory) []string {
	out := []string{fmt.Sprint(inv.Pins(), inv.Owned(downstream.Users), inv.Active(downstream.Users))}
	for _, id := range inv.IDs(downstream.Users) {
		o, _ := inv.Get(id)
		out = append(out, fmt.Sprintf("%+v known for %v", o, inv.KnownFor(now.Add(time.Minute), o.Key, now.Add(time.Hour))))
	}
	return out
}

func TestInventoryIsCut(t *testing.T) {
	inv := plan.OpenInventory("warehouse", nil)
	for i := range 5000 {
		o := owned(i)
		o.Name = strings.Repeat("n", 60)
		inv.Set(o)
	}
	shards := inv.TakeShards()
	if len(shards) < 2 {
		t.Fatalf("%d objects for 5,000 entries", len(shards))
	}
	for _, s := range shards {
		size := 0
		for _, e := range s.Object.Inventory.Entries {
			size += len(fmt.Sprintf(`{"record":"%s","key":"%s","name":"%s","remoteID":"%s","hash":"%s"},`, e.Record, e.Key, e.Name, e.RemoteID, e.Hash))
		}
		if size > 200*1024 {
			t.Errorf("%s has %d bytes", s.Name, size)
		}
	}
	o := owned(7)
	o.Hash = "other"
	inv.Set(o)
	if n := len(inv.TakeShards()); n != 1 {
		t.Errorf("one change writes %d objects", n)
	}
	inv.Set(o)
	if n := len(inv.TakeShards()); n != 0 {
		t.Errorf("no change writes %d objects", n)
	}
	inv.Lose(shards[0].Name)
	if n := inv.Owned(downstream.Users); n >= 5000 || n == 0 {
		t.Errorf("%d entries are left after a shard was lost", n)
	}
}
