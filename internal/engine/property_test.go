package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/test/builder"
	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// hashes are those of all outputs of an engine.
func (b *bench) hashes() map[string]string {
	out := map[string]string{}
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		out["EffectiveAccess/"+name] = b.EffectiveAccess(name).Status.Hash
	}
	for _, x := range b.Routing.Targets(nil) {
		if p := b.RoutePlan(x); p != nil {
			out["RoutePlan/"+p.Name] = p.Status.Hash
		}
	}
	return out
}

// outputs are the statuses of all outputs.
func (b *bench) outputs() map[string]output {
	out := map[string]output{}
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		s := b.EffectiveAccess(name).Status
		out["EffectiveAccess/"+name] = output{s, s.Hash, s.NextTransition}
	}
	for _, x := range b.Routing.Targets(nil) {
		if p := b.RoutePlan(x); p != nil {
			out["RoutePlan/"+p.Name] = output{p.Status, p.Status.Hash, p.Status.NextTransition}
		}
	}
	return out
}

type output struct {
	status any
	hash   string
	next   *metav1.Time
}

// history draws a world and a few edits, and an engine that saw all of them; prepare may change the world at first.
func history(t *rapid.T, most int, prepare ...func(*orggen.World)) (orggen.World, *bench) {
	world := orggen.Draw(t)
	for _, f := range prepare {
		f(&world)
	}
	b := newBench(world.Now, nil, false, world.Org)
	for range rapid.IntRange(0, most).Draw(t, "edits") {
		edit := orggen.DrawEdit(t, &world)
		if edit.LoseLedger {
			continue
		}
		world.Apply(edit)
		b.edit(edit, world)
	}
	return world, b
}

func copies(org oracle.Org) []roster.Change {
	var out []roster.Change
	for _, o := range orggen.Objects(org) {
		out = append(out, roster.Change{Object: o.DeepCopyObject().(orggen.Object)})
	}
	return out
}

// shuffleLists puts every list inside a value in another order: none of the lists of a spec has one.
func shuffleLists(v reflect.Value, random *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shuffleLists(v.Elem(), random)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				shuffleLists(v.Field(i), random)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			shuffleLists(v.Index(i), random)
		}
		if v.Len() > 1 {
			random.Shuffle(v.Len(), reflect.Swapper(v.Interface()))
		}
	}
}

// TestOrderOfInput is S-54: neither the order of the objects nor that of the lists in them shows in any result, and it makes
// no difference whether they come one by one.
func TestOrderOfInput(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		want := newBench(world.Now, nil, false, world.Org)
		seed := rapid.Uint64().Draw(rt, "seed")
		random := rand.New(rand.NewPCG(seed, 0))
		changes := copies(world.Org)
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		for _, c := range changes {
			shuffleLists(reflect.ValueOf(c.Object).Elem().FieldByName("Spec"), random)
		}
		b := &bench{Engine: engine.New(world.Now), ledger: map[string]*rollcallv1.Ledger{}}
		b.Remember(nil, false)
		b.keep(b.Apply(world.Now, changes...))
		if diff := gocmp.Diff(want.hashes(), b.hashes()); diff != "" {
			rt.Fatalf("the order of the input matters:\n%s", diff)
		}
		if diff := gocmp.Diff(want.ledger, b.ledger); diff != "" {
			rt.Fatalf("the order of the input shows in the Ledger:\n%s", diff)
		}
		if diff := gocmp.Diff(want.statuses, b.statuses); diff != "" {
			rt.Fatalf("the order of the input shows in Mentions:\n%s", diff)
		}
	})
}

// TestMonotone is S-55: under Union, without a default profile role and without denies, more never takes a permission on a
// profile away, and disabling a group never gives one.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		org := &world.Org
		org.Organization.Spec.DefaultProfileRoleRef, org.Organization.Spec.Denies = nil, nil
		policies := org.Organization.Spec.Policies
		policies.ProfileRoleCombination = new(rollcallv1.ProfileRoleCombinationUnion)
		policies.GroupMembership = new(rollcallv1.GroupMembershipMultiple)
		for i := range org.ProfileRoles {
			org.ProfileRoles[i].Spec.Denies = nil
		}
		for i := range org.Teammates {
			org.Teammates[i].Spec.DefaultProfileRoleRef = nil
		}
		if len(org.UserGroups) == 0 || len(org.Teammates) == 0 || len(org.Profiles) == 0 {
			return
		}
		b := newBench(world.Now, nil, false, *org)
		group := org.UserGroups[rapid.IntRange(0, len(org.UserGroups)-1).Draw(rt, "group")].DeepCopy()
		person := org.Teammates[rapid.IntRange(0, len(org.Teammates)-1).Draw(rt, "person")].DeepCopy()
		profile := rapid.SampledFrom(org.Profiles).Draw(rt, "profile").Name
		role := rapid.SampledFrom([]string{"view-only", "create-publish", "r1", "r2"}).Draw(rt, "role")
		what := rapid.SampledFrom([]string{"membership", "include", "profile", "grant", "disable"}).Draw(rt, "what")
		changed := metav1.Object(group)
		switch what {
		case "membership":
			group.Spec.Members = append(without(group.Spec.Members, func(m rollcallv1.Member) bool { return m.Name == person.Name }), rollcallv1.Member{Name: person.Name})
		case "include":
			included := rapid.SampledFrom(org.UserGroups).Draw(rt, "included").Name
			group.Spec.Includes = append(without(group.Spec.Includes, func(r rollcallv1.ObjectRef) bool { return r.Name == included }), rollcallv1.ObjectRef{Name: included})
		case "profile":
			group.Spec.Profiles = append(without(group.Spec.Profiles, func(p rollcallv1.GroupProfile) bool { return p.Name == profile }), rollcallv1.GroupProfile{Name: profile})
		case "grant":
			for _, p := range person.Spec.Profiles {
				if p.Name == profile {
					return // another role instead of the one there is more and less
				}
			}
			person.Spec.Profiles = append(person.Spec.Profiles, rollcallv1.TeammateProfile{Name: profile, ProfileRoleRef: &rollcallv1.ObjectRef{Name: role}})
			changed = person
		case "disable":
			group.Spec.State = rollcallv1.SwitchDisabled
		}
		before := b.held()
		cycles := b.closingEdges()
		b.keep(b.Apply(world.Now, roster.Change{Object: changed}))
		if !slices.Equal(cycles, b.closingEdges()) {
			return // a new cycle chooses anew where it is cut
		}
		less, more := before, b.held()
		if what == "disable" {
			less, more = more, less
		}
		for held := range less {
			if !more[held] {
				rt.Fatalf("%s of %s: %s", what, changed.GetName(), held)
			}
		}
	})
}

func without[E any](list []E, drop func(E) bool) []E {
	return slices.DeleteFunc(slices.Clone(list), drop)
}

// held are all permissions of everybody: account-wide, and on profiles.
func (b *bench) held() map[string]bool {
	out := map[string]bool{}
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		for _, p := range b.profiles(b.Access.Of(name)) {
			out[name+" sees "+p.Name] = true
			for _, perm := range p.Permissions {
				out[name+" has "+perm+" on "+p.Name] = true
			}
		}
	}
	return out
}

func (b *bench) closingEdges() []string {
	var out []string
	for _, name := range b.Roster.Names(nil, roster.KindUserGroup) {
		for _, to := range b.Roster.GroupCycle(nil, name).Closing {
			out = append(out, name+" "+to)
		}
	}
	return out
}

// bounds are all instants that the objects of an organization name, and the ends of blocks that policies cut short.
func bounds(b *bench, org oracle.Org) []time.Time {
	var out []time.Time
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		if at, ok := reflect.TypeAssert[metav1.Time](v); ok {
			out = append(out, at.Time)
			return
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for _, field := range v.Fields() {
				walk(field)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	for _, o := range orggen.Objects(org) {
		walk(reflect.ValueOf(o).Elem().FieldByName("Spec"))
	}
	for i := range org.Teammates {
		if w, ok := b.Lifecycle.BlockWindow(nil, &org.Teammates[i]); ok {
			out = append(out, w.Until.Time)
		}
	}
	return out
}

// TestTimeAlone is P-08 and P-19: until its nextTransition an output stays as it is, whatever opens, closes, begins or ends;
// a nextTransition is an instant that some object names; and nothing happens before the engine's own next transition.
func TestTimeAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world, b := history(rt, 2)
		named := bounds(b, world.Org)
		for range 14 * 2 {
			world.Now = world.Now.Truncate(time.Second)
			half := world.Now.Truncate(30 * time.Minute).Add(30 * time.Minute)
			for _, at := range []time.Time{half.Add(-time.Second), half} {
				before := b.outputs()
				next, any := b.NextTransition()
				for x, o := range before {
					if o.next != nil && (!o.next.After(world.Now) || !slices.ContainsFunc(named, o.next.Time.Equal)) {
						rt.Fatalf("at %s the next transition of %s is %s, which is over or which no object names", world.Now, x, o.next)
					}
				}
				world.Now = at
				touched := b.keep(b.Advance(at))
				if !touched.Empty() && (!any || next.After(at)) {
					rt.Fatalf("at %s %s changed, the next transition was said to be %s (%v)", at, describe(touched), next, any)
				}
				for x, o := range b.outputs() {
					was := before[x]
					if o.hash != was.hash && (was.next == nil || !was.next.Time.Equal(at)) {
						rt.Fatalf("%s changed at %s, its next transition was said to be %s:\n%s", x, at, was.next, gocmp.Diff(was.status, o.status))
					}
					if was.next != nil && was.next.Time.Before(at) {
						rt.Fatalf("at %s the next transition %s of %s is over and was not tried", at, was.next, x)
					}
				}
			}
			if half.Minute() != 0 {
				continue
			}
			if diff := gocmp.Diff(newBench(world.Now, b.ledger, true, world.Org, b.statuses).hashes(), b.hashes()); diff != "" {
				rt.Fatalf("at %s something is out of date (-computed anew +kept):\n%s", world.Now, diff)
			}
		}
	})
}

// TestSteadyState is P-14: the same objects again, the passing of no time, and a restart change nothing.
func TestSteadyState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world, b := history(rt, 4)
		if touched := b.Apply(world.Now, copies(world.Org)...); !touched.Empty() {
			rt.Fatalf("the same objects again touch %s", describe(touched))
		}
		if touched := b.Advance(world.Now); !touched.Empty() {
			rt.Fatalf("no time touches %s", describe(touched))
		}
		again := engine.New(world.Now)
		again.Remember(slices.Collect(maps.Values(b.ledger)), true, withStatuses(orggen.Objects(world.Org), b.statuses)...)
		if touched := again.Apply(world.Now, copies(world.Org)...); len(touched.Ledger) > 0 {
			rt.Fatalf("a restart writes %s", describe(touched))
		}
		if diff := gocmp.Diff(b.hashes(), (&bench{Engine: again}).hashes()); diff != "" {
			rt.Fatalf("outputs after a restart:\n%s", diff)
		}
		for _, m := range world.Org.Mentions {
			if diff := gocmp.Diff(b.statuses[identity(&m)], again.Mention(m.Name)); diff != "" {
				rt.Fatalf("Mention %s after a restart:\n%s", m.Name, diff)
			}
		}
	})
}

func describe(t engine.Touched) string {
	var shards []string
	for _, s := range t.Ledger {
		content, _ := json.Marshal(s.Object)
		shards = append(shards, s.Name+"="+string(content))
	}
	return fmt.Sprint(t.Access, t.Plans, t.Inputs, shards)
}

// TestLossNarrows is P-18: without the Ledger, or without one of its objects, nobody has a permission more, but for those
// who were reported in conflict about it: a key claimed twice, an exclusive membership, an archive that does not open.
func TestLossNarrows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world, b := history(rt, 6, func(w *orggen.World) { // otherwise there is too seldom a stamp to lose
			w.Org.Organization.Spec.Policies.PermissionSetApplication = new(rollcallv1.PermissionSetApplicationOnReflash)
			w.Org.Organization.Spec.DefaultProfileRoleRef = &rollcallv1.ObjectRef{Name: "create"}
		})
		before, conflict := b.everything(), b.conflicts()
		what := "the Ledger"
		if shards := slices.Sorted(maps.Keys(b.ledger)); len(shards) > 0 && rapid.Bool().Draw(rt, "one shard") {
			what = rapid.SampledFrom(shards).Draw(rt, "shard")
			if touched, ok := b.Lose(world.Now, what); ok {
				b.keep(touched)
			} else {
				rt.Fatalf("the engine does not know its shard %s", what)
			}
		} else {
			b = newBench(world.Now, nil, true, world.Org, b.statuses)
		}
		for held := range b.everything() {
			person, rest, _ := strings.Cut(held, " ")
			profile := rest[strings.LastIndexByte(rest, ' ')+1:]
			if !before[held] && !conflict["Teammate/"+person] && !conflict["Profile/"+profile] {
				rt.Fatalf("without %s, %s", what, held)
			}
		}
	})
}

// everything is what held has, account permissions, and what mentions open.
func (b *bench) everything() map[string]bool {
	out := b.held()
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		for _, g := range b.Mentions.Grants(nil, name) {
			for _, perm := range g.Permissions {
				out[name+" has "+perm+" by Mention "+g.Mention] = true
			}
		}
		for _, perm := range b.Access.Of(name).AccountPermissions {
			out[name+" has account-wide "+perm] = true
		}
	}
	return out
}

// conflicts are the objects that conditions name as such.
func (b *bench) conflicts() map[string]bool {
	out := map[string]bool{}
	for _, kind := range []string{roster.KindTeammate, roster.KindProfile} {
		for _, name := range b.Roster.Names(nil, kind) {
			lost := len(b.Roster.LostKeys(nil, roster.Claimant{Kind: kind, Name: name})) > 0
			if lost || kind == roster.KindTeammate && b.Roster.Archived(nil, name) && b.Roster.Teammate(nil, name).Spec.Lifecycle.State != rollcallv1.LifecycleStateArchived {
				out[kind+"/"+name] = true
			}
		}
	}
	for _, g := range b.Roster.Names(nil, roster.KindUserGroup) {
		for _, r := range b.Roster.RejectedMembers(nil, g) {
			if r.Reason == rollcallv1.ReasonExclusiveConflict {
				out["Teammate/"+r.Name] = true
			}
		}
	}
	return out
}

// TestHashesOverCompleteResults: the hash of an output is that of the canonical JSON of its complete status without hash,
// nextTransition, truncated and conditions, so that anybody can check it.
func TestHashesOverCompleteResults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		_, b := history(rt, 2)
		for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
			if got, want := b.EffectiveAccess(name).Status.Hash, hashByHand(rt, complete(b.Access.Of(name))); got != want {
				rt.Fatalf("EffectiveAccess %s has hash %s, by hand %s", name, got, want)
			}
		}
		for _, x := range b.Routing.Targets(nil) {
			if p := b.RoutePlan(x); p != nil && !p.Status.Truncated {
				if want := hashByHand(rt, p.Status); p.Status.Hash != want {
					rt.Fatalf("RoutePlan %s has hash %s, by hand %s", p.Name, p.Status.Hash, want)
				}
			}
		}
	})
}

// complete is the status of an EffectiveAccess as it would be without limits.
func complete(res *access.Result) rollcallv1.EffectiveAccessStatus {
	s := res.Status()
	s.Groups, s.Supervises, s.Grants = res.Groups, res.Supervises, nil
	for _, g := range res.Grants {
		out := rollcallv1.Grant{Permissions: g.Permissions, Profiles: g.Profiles, AllProfiles: g.All, ApprovalRequired: g.ApprovalRequired, ContentVisibility: g.Visibility}
		for _, src := range g.Sources {
			out.Sources = append(out.Sources, rollcallv1.GrantSource{Type: src.Type, Name: src.Name, ProfileRole: src.ProfileRole, Stamped: src.Stamped})
		}
		s.Grants = append(s.Grants, out)
	}
	return s
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func hashByHand(t failer, status any) string {
	t.Helper()
	raw, err := json.Marshal(status)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var content map[string]any
	if err := json.Unmarshal(raw, &content); err != nil {
		t.Fatalf("%v", err)
	}
	for _, key := range []string{"hash", "nextTransition", "truncated", "conditions"} {
		delete(content, key)
	}
	text, err := canonical.JSON(content)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return canonical.Hash(text)
}

// TestSizes is P-16: however many profiles, groups and people there are and however long their names, what is stored stays
// below 256 KiB, with the hash and the counts of everything.
func TestSizes(t *testing.T) {
	const limit = 256 * 1024
	rapid.Check(t, func(rt *rapid.T) {
		pad := strings.Repeat("x", rapid.IntRange(0, 57).Draw(rt, "length of names"))
		seen := names(pad, rapid.IntRange(0, 1600).Draw(rt, "profiles"))
		roles := rapid.IntRange(1, 60).Draw(rt, "roles")
		perRole := rapid.IntRange(1, 128).Draw(rt, "permissions")
		candidates := names(pad, rapid.IntRange(0, 400).Draw(rt, "candidates"))
		teams := names("g"+pad, rapid.IntRange(1, 60).Draw(rt, "groups"))
		objects := []metav1.Object{builder.Organization()}
		ana := builder.Teammate("ana", builder.Role("supervisor"), builder.Joins(teams...))
		for i := range roles {
			r := &rollcallv1.ProfileRole{}
			r.Name = fmt.Sprintf("role%02d", i)
			for j := range perRole {
				r.Spec.Permissions = append(r.Spec.Permissions, fmt.Sprintf("module%02dpadpadpadpad.verb%03dpadpadpadpad", i, j))
			}
			objects = append(objects, r)
		}
		for i, p := range seen {
			objects = append(objects, builder.Profile(p))
			builder.Sees(fmt.Sprintf("role%02d", i%roles), p)(ana)
		}
		for _, name := range candidates {
			objects = append(objects, builder.Teammate(name, builder.Joins(teams[:min(len(teams), 6)]...)))
		}
		for _, g := range teams {
			objects = append(objects, builder.UserGroup(g, builder.SupervisedBy("ana")))
		}
		objects = append(objects, ana, builder.Department("d", teams))
		b := &bench{Engine: engine.New(monday)}
		b.Remember(nil, false)
		var changes []roster.Change
		for _, o := range objects {
			changes = append(changes, roster.Change{Object: o})
		}
		b.Apply(monday, changes...)

		ea := b.EffectiveAccess("ana")
		if size := sizeOf(ea); size >= limit {
			rt.Fatalf("EffectiveAccess of %d bytes", size)
		}
		full := complete(b.Access.Of("ana"))
		if ea.Status.Hash != hashByHand(rt, full) {
			rt.Fatalf("the hash is not that of the complete result")
		}
		if c := ea.Status.Counts; int(c.Profiles) != len(seen) || int(c.Groups) != len(teams) || int(c.Supervises) != len(teams) || int(c.Grants) != min(roles, len(seen)) {
			rt.Fatalf("counts %+v of %d profiles, %d groups, %d roles", c, len(seen), len(teams), roles)
		}
		cut := len(ea.Status.Groups) < len(full.Groups) || len(ea.Status.Supervises) < len(full.Supervises) || countProfiles(ea.Status.Grants) < countProfiles(full.Grants)
		if ea.Status.Truncated != cut {
			rt.Fatalf("truncated is %v", ea.Status.Truncated)
		}
		plan := b.RoutePlan(routing.Target{Kind: routing.KindDepartment, Name: "d"})
		if size := sizeOf(plan); size >= limit {
			rt.Fatalf("RoutePlan of %d bytes", size)
		}
		if want := len(candidates) + 1; int(plan.Status.CandidateCount) != want || plan.Status.Truncated != (len(plan.Status.Candidates) < want || len(teams) > 5) {
			rt.Fatalf("%d candidates counted of %d, %d stored, truncated %v", plan.Status.CandidateCount, want, len(plan.Status.Candidates), plan.Status.Truncated)
		}
	})
}

func countProfiles(grants []rollcallv1.Grant) int {
	n := 0
	for _, g := range grants {
		n += len(g.Profiles)
	}
	return n
}

func sizeOf(o any) int {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return len(b)
}
