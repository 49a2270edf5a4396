package desired_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// contents are all records by identity, without what depends on how one came there.
func contents(s *desired.Set) map[downstream.ID]plan.Wanted {
	out := map[downstream.ID]plan.Wanted{}
	for _, w := range s.Records(s.IDs(downstream.Kinds)) {
		if w.Cause == downstream.WindowEnd {
			w.Cause, w.End = downstream.Inferred, time.Time{}
		}
		out[w.ID()] = w
	}
	return out
}

func gone(ref oracle.Ref) metav1.Object {
	meta := metav1.ObjectMeta{Name: ref.Name}
	switch ref.Kind {
	case roster.KindSchedule:
		return &rollcallv1.Schedule{ObjectMeta: meta}
	case roster.KindAccountRole:
		return &rollcallv1.AccountRole{ObjectMeta: meta}
	case roster.KindProfileRole:
		return &rollcallv1.ProfileRole{ObjectMeta: meta}
	case roster.KindProfile:
		return &rollcallv1.Profile{ObjectMeta: meta}
	case roster.KindTeammate:
		return &rollcallv1.Teammate{ObjectMeta: meta}
	case roster.KindUserGroup:
		return &rollcallv1.UserGroup{ObjectMeta: meta}
	case roster.KindDepartment:
		return &rollcallv1.Department{ObjectMeta: meta}
	case roster.KindQueue:
		return &rollcallv1.Queue{ObjectMeta: meta}
	case roster.KindCampaign:
		return &rollcallv1.Campaign{ObjectMeta: meta}
	case roster.KindMention:
		return &rollcallv1.Mention{ObjectMeta: meta}
	}
	return &rollcallv1.Organization{ObjectMeta: meta}
}

// TestIncremental is P-07 for records: after every edit they are those of a set made anew, and all that differ were touched.
func TestIncremental(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		e := engine.New(world.Now)
		e.Remember(nil, false)
		var all []roster.Change
		for _, o := range orggen.Objects(world.Org) {
			all = append(all, roster.Change{Object: o})
		}
		e.Apply(world.Now, all...)
		s := desired.New(e)
		before := contents(s)
		for range rapid.IntRange(1, 8).Draw(rt, "edits") {
			edit := orggen.DrawEdit(rt, &world)
			if edit.LoseLedger {
				continue
			}
			world.Apply(edit)
			var changes []roster.Change
			switch {
			case edit.Put != nil:
				changes = []roster.Change{{Object: edit.Put}}
			case edit.Delete != (oracle.Ref{}):
				changes = []roster.Change{{Object: gone(edit.Delete), Deleted: true}}
			}
			e.Apply(world.Now, changes...)
			touched := s.Update(changes...)
			after := contents(s)
			if diff := cmp.Diff(contents(desired.New(e)), after); diff != "" {
				rt.Fatalf("anew and incremental differ (-anew +incremental):\n%s", diff)
			}
			for _, id := range slices.SortedFunc(maps.Keys(union(before, after)), downstream.ID.Compare) {
				a, b := before[id], after[id]
				a.Ends, b.Ends, a.End, b.End = nil, nil, time.Time{}, time.Time{}
				if !slices.Contains(touched, id) && !cmp.Equal(a, b) {
					rt.Fatalf("%s changed and was not touched:\n%s", id, cmp.Diff(a, b))
				}
			}
			before = after
		}
	})
}

func union(a, b map[downstream.ID]plan.Wanted) map[downstream.ID]bool {
	out := map[downstream.ID]bool{}
	for id := range a {
		out[id] = true
	}
	for id := range b {
		out[id] = true
	}
	return out
}

var monday = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// stage is an organization and its records.
type stage struct {
	*desired.Set
	t      *testing.T
	engine *engine.Engine
	now    time.Time
}

func set(t *testing.T, text string) *stage {
	t.Helper()
	s := &stage{t: t, engine: engine.New(monday), now: monday}
	s.engine.Remember(nil, false)
	changes := []roster.Change{{Object: builder.Organization()}}
	for _, o := range builder.Objects(t, text) {
		changes = append(changes, roster.Change{Object: o})
	}
	s.engine.Apply(s.now, changes...)
	s.Set = desired.New(s.engine)
	return s
}

func (s *stage) apply(text string) []downstream.ID {
	s.t.Helper()
	var changes []roster.Change
	for _, o := range builder.Objects(s.t, text) {
		changes = append(changes, roster.Change{Object: o})
	}
	s.engine.Apply(s.now, changes...)
	return s.Update(changes...)
}

func (s *stage) one(kind downstream.Kind, key string) plan.Wanted {
	s.t.Helper()
	found := s.Records([]downstream.ID{{Kind: kind, Key: key}})
	if len(found) != 1 {
		s.t.Fatalf("%d records of %s %s", len(found), kind, key)
	}
	return found[0]
}

const ana, ben = "email=ana@fjordline.example", "email=ben@fjordline.example"

func TestWhatAnEditTouches(t *testing.T) {
	s := set(t, `
		Teammate ana {identity: {email: ana@fjordline.example}}
		Teammate ben {identity: {email: ben@fjordline.example}}
		UserGroup g {members: [{name: ana}, {name: ben}]}
		UserGroup h {members: [{name: ben}]}
		Schedule s {}`)
	steps := []struct {
		name, edit string
		want       []downstream.ID
	}{
		{"a name touches the account", "Teammate ana {identity: {email: ana@fjordline.example}, firstName: Ana}", []downstream.ID{{Kind: downstream.Users, Key: ana}}},
		{"the same again touches nothing", "Teammate ana {identity: {email: ana@fjordline.example}, firstName: Ana}", nil},
		{"a schedule touches itself", "Schedule s {mode: AlwaysOpen}", []downstream.ID{{Kind: downstream.Routes, Key: "schedule/s"}}},
		{
			"a member touches the group and the access", "UserGroup h {members: [{name: ben}, {name: ana}]}",
			[]downstream.ID{{Kind: downstream.Groups, Key: "h"}, {Kind: downstream.Access, Key: ana}},
		},
		{
			"an archived person touches the account, the access and the gate in the groups",
			"Teammate ben {identity: {email: ben@fjordline.example}, lifecycle: {state: Archived}}",
			[]downstream.ID{
				{Kind: downstream.Users, Key: ben}, {Kind: downstream.Groups, Key: "g"}, {Kind: downstream.Groups, Key: "h"}, {Kind: downstream.Access, Key: ben},
			},
		},
	}
	for _, tc := range steps {
		if diff := cmp.Diff(tc.want, s.apply(tc.edit)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// Safety 6 and 4: unset is not managed, empty is empty, and what does not resolve removes nobody.
func TestLists(t *testing.T) {
	for name, tc := range map[string]struct {
		text       string
		members    []string // nil: not managed
		supervisor []string
		profiles   []string
	}{
		"nothing said":                     {"UserGroup g {}", nil, nil, nil},
		"empty on purpose":                 {"UserGroup g {members: [], supervisors: [], profiles: []}", []string{}, []string{}, []string{}},
		"somebody claims to be a member":   {"UserGroup g {}\nTeammate ana {identity: {email: ana@fjordline.example}, groups: [{name: g}]}", []string{ana}, nil, nil},
		"an explicit member":               {"UserGroup g {members: [{name: ana}]}\nTeammate ana {identity: {email: ana@fjordline.example}}", []string{ana}, nil, nil},
		"a member who does not exist":      {"UserGroup g {members: [{name: ana}]}", []string{}, nil, nil},
		"a selector that selects nobody":   {"UserGroup g {memberSelector: {matchLabels: {a: b}}}", []string{}, nil, nil},
		"an include that does not resolve": {"UserGroup g {members: [{name: ana}], includes: [{name: gone}]}\nTeammate ana {identity: {email: ana@fjordline.example}}", nil, nil, nil},
		"an include that does":             {"UserGroup g {includes: [{name: h}]}\nUserGroup h {members: [{name: ana}]}\nTeammate ana {identity: {email: ana@fjordline.example}}", []string{ana}, nil, nil},
		"profiles that are all gone":       {"UserGroup g {profiles: [{name: gone}]}", nil, nil, []string{}},
		"a member whose key is somebody's": {"UserGroup g {members: [{name: ana}, {name: bob}]}\nTeammate ana {identity: {email: ana@fjordline.example}}\nTeammate bob {identity: {email: ana@fjordline.example}}", []string{ana}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := set(t, tc.text).one(downstream.Groups, "g").Content.(*downstream.Group)
			var members []string
			if g.Members != nil {
				members = []string{}
			}
			for _, m := range g.Members {
				members = append(members, m.Key)
			}
			if diff := cmp.Diff(tc.members, members); diff != "" {
				t.Errorf("members: %s", diff)
			}
			if diff := cmp.Diff(tc.supervisor, g.Supervisors); diff != "" {
				t.Errorf("supervisors: %s", diff)
			}
			if diff := cmp.Diff(tc.profiles, g.Profiles); diff != "" {
				t.Errorf("profiles: %s", diff)
			}
		})
	}
}

// An invalid selector cannot be written through the schema; it comes from before a rule.
func TestInvalidSelectorRemovesNobody(t *testing.T) {
	s := set(t, "UserGroup g {members: [{name: ana}]}\nTeammate ana {identity: {email: ana@fjordline.example}}")
	g := builder.UserGroup("g", builder.Members("ana"))
	g.Spec.MemberSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
	change := roster.Change{Object: g}
	s.engine.Apply(s.now, change)
	s.Update(change)
	if w := s.one(downstream.Groups, "g"); w.Content.(*downstream.Group).Members != nil || !w.Active {
		t.Errorf("a group whose selector does not resolve says who its members are: %+v", w.Content)
	}
}

func TestCauses(t *testing.T) {
	for name, tc := range map[string]struct {
		text          string
		users, access downstream.Cause
	}{
		"active":   {"Teammate ana {identity: {email: ana@fjordline.example}}", "", ""},
		"archived": {"Teammate ana {identity: {email: ana@fjordline.example}, lifecycle: {state: Archived}}", downstream.Archived, downstream.Archived},
		"blocked": {
			"Teammate ana {identity: {email: ana@fjordline.example}, lifecycle: {state: Blocked, blockedFrom: \"2027-03-01T00:00:00Z\", blockedUntil: \"2027-03-03T00:00:00Z\"}}",
			downstream.Blocked, downstream.Blocked,
		},
		"ended":        {"Teammate ana {identity: {email: ana@fjordline.example}, until: \"2027-03-01T00:00:00Z\"}", downstream.Ended, downstream.Ended},
		"without role": {"Teammate ana {identity: {email: ana@fjordline.example}, accountRoleRef: {name: gone}}", downstream.Inferred, downstream.Inferred},
		"without any permission": {
			"Teammate ana {identity: {email: ana@fjordline.example}, accountRoleRef: {name: nothing}}\nAccountRole nothing {baseType: None, permissions: []}",
			"", downstream.Inferred,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t, tc.text)
			u, a := s.one(downstream.Users, ana), s.one(downstream.Access, ana)
			if u.Cause != tc.users || u.Active != (tc.users == "") {
				t.Errorf("account: active %v, cause %q, want %q", u.Active, u.Cause, tc.users)
			}
			if a.Cause != tc.access || a.Active != (tc.access == "") {
				t.Errorf("access: active %v, cause %q, want %q", a.Active, a.Cause, tc.access)
			}
		})
	}
}

// A person who is deleted is gone, one who is archived is not; one who comes back under the same key was never gone.
func TestDepartures(t *testing.T) {
	s := set(t, "Teammate ana {identity: {email: ana@fjordline.example}, accountRoleRef: {name: owner}}\nTeammate ben {identity: {email: ben@fjordline.example}}")
	s.now = s.now.Add(time.Minute)
	s.apply("Teammate ben {identity: {email: ben@fjordline.example}, lifecycle: {state: Archived}}")
	change := roster.Change{Object: gone(oracle.Ref{Kind: roster.KindTeammate, Name: "ana"}), Deleted: true}
	s.engine.Apply(s.now, change)
	touched := s.Update(change)
	if !slices.Contains(touched, downstream.ID{Kind: downstream.Users, Key: ana}) || s.Wanted(downstream.ID{Kind: downstream.Users, Key: ana}) {
		t.Errorf("a deleted person still has a record; touched %v", touched)
	}
	situation := s.Situation()
	want := map[string]plan.Departure{ana: {Name: "ana", Since: s.now, Observed: true, Protected: "owner"}}
	if diff := cmp.Diff(want, situation.Departed); diff != "" {
		t.Errorf("departed: %s", diff)
	}
	if n, known := situation.Holders["owner"]; !known || n != 0 {
		t.Errorf("holders of owner: %d, known %v", n, known)
	}
	s.apply("Teammate anna {identity: {email: ana@fjordline.example}}")
	if d := s.Situation().Departed; len(d) > 0 {
		t.Errorf("still gone: %v", d)
	}
	if w := s.one(downstream.Users, ana); w.Name != "anna" {
		t.Errorf("the record is that of %q", w.Name)
	}
}

// S-122: while two people have one key, the record is the holder's; it passes on without ever being nobody's.
func TestKeyPassesOn(t *testing.T) {
	for _, order := range []string{"made first", "deleted first"} {
		s := set(t, "Teammate ana {identity: {email: ana@fjordline.example}}")
		made := roster.Change{Object: builder.Objects(t, "Teammate ana-t {identity: {email: ana@fjordline.example}}")[0]}
		deleted := roster.Change{Object: gone(oracle.Ref{Kind: roster.KindTeammate, Name: "ana"}), Deleted: true}
		steps := []roster.Change{made, deleted}
		if order == "deleted first" {
			slices.Reverse(steps)
		}
		for i, c := range steps {
			s.engine.Apply(s.now, c)
			s.Update(c)
			if i == 0 && order == "made first" {
				if w := s.one(downstream.Users, ana); w.Name != "ana" {
					t.Errorf("%s: while both exist the record is that of %s", order, w.Name)
				}
			}
		}
		if w := s.one(downstream.Users, ana); w.Name != "ana-t" || len(s.Situation().Departed) > 0 {
			t.Errorf("%s: the record is that of %s, departed %v", order, w.Name, s.Situation().Departed)
		}
	}
}

// Safety 2: more than a tenth of the people without access, because a role lost its permissions, is an alarm; healing ends it.
func TestAlarm(t *testing.T) {
	text := "AccountRole r {baseType: None, permissions: [users.view]}\n"
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		role := "agent"
		if name == "a" || name == "b" {
			role = "r"
		}
		text += "Teammate " + name + " {accountRoleRef: {name: " + role + "}}\n"
	}
	s := set(t, text)
	if s.Situation().Alarm {
		t.Fatal("an alarm before anything happened")
	}
	s.apply("Teammate a {accountRoleRef: {name: r}, lifecycle: {state: Archived}}\nTeammate b {accountRoleRef: {name: r}, lifecycle: {state: Archived}}")
	if s.Situation().Alarm {
		t.Error("archiving two of eleven is an alarm, though it is an explicit act")
	}
	s.apply("Teammate a {accountRoleRef: {name: r}}\nTeammate b {accountRoleRef: {name: r}}")
	s.apply("AccountRole r {baseType: None, permissions: []}")
	if !s.Situation().Alarm {
		t.Error("two of eleven lost their access, and there is no alarm")
	}
	s.apply("AccountRole r {baseType: None, permissions: [users.view]}")
	if s.Situation().Alarm {
		t.Error("the alarm goes on though everybody has their access back")
	}
}

// What is remembered of losses goes on after a restart, for those who are still without access.
func TestRecall(t *testing.T) {
	text := "AccountRole none {baseType: None, permissions: []}\n"
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		role := "agent"
		if name == "a" {
			role = "none"
		}
		text += "Teammate " + name + " {accountRoleRef: {name: " + role + "}}\n"
	}
	ago := monday.Add(-time.Hour)
	for name, tc := range map[string]struct {
		losses []plan.Loss
		want   bool
	}{
		"nobody":                            {},
		"who is still without access":       {losses: []plan.Loss{{Teammate: "a", At: ago, Alarm: true}}, want: true},
		"who has access again":              {losses: []plan.Loss{{Teammate: "b", At: ago, Alarm: true}}},
		"who is gone":                       {losses: []plan.Loss{{Teammate: "z", At: ago, Alarm: true}}},
		"without an alarm, some time ago":   {losses: []plan.Loss{{Teammate: "a", At: ago}}},
		"because of whom it ended long ago": {losses: []plan.Loss{{Teammate: "a", At: monday.Add(-24 * time.Hour), Alarm: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t, text)
			s.Recall(tc.losses)
			if got := s.Situation().Alarm; got != tc.want {
				t.Errorf("alarm %t, want %t", got, tc.want)
			}
		})
	}
	s := set(t, text)
	s.Lost([]string{"a", "b"})
	if now := s.Situation(); !now.Alarm || len(now.Losses) != 2 {
		t.Errorf("two of eleven are about to lose their access: alarm %t, losses %v", now.Alarm, now.Losses)
	}
}

// A Set that nobody needs costs nothing, and begins anew as if it were a new one.
func TestClose(t *testing.T) {
	text := `
		Profile p {}
		UserGroup g {members: [{name: ana}], profiles: [{name: p}], voice: {dialing: {strategy: Simultaneous, maxRingTime: 20s}}}
		Teammate ana {identity: {email: ana@fjordline.example}}`
	s := set(t, text)
	all := s.IDs(downstream.Kinds)
	s.Close()
	alone := engine.New(s.now) // will be given the same, and never had a Set
	alone.Remember(nil, false)
	alone.Apply(s.now, roster.Change{Object: builder.Organization()})
	for _, o := range builder.Objects(t, text) {
		alone.Apply(s.now, roster.Change{Object: o})
	}
	cost := func(e *engine.Engine, c roster.Change) uint64 {
		before := e.Roster.Graph.Recomputed()
		e.Apply(s.now, c)
		return e.Roster.Graph.Recomputed() - before
	}
	for i := range 3 {
		if ids := s.IDs(downstream.Kinds); len(ids) > 0 || !s.Closed() {
			t.Errorf("closed, it holds %v", ids)
		}
		ben := roster.Change{Object: builder.Objects(t, "Teammate ben {identity: {email: ben@fjordline.example}}")[0]}
		if ids := s.Update(ben); len(ids) > 0 {
			t.Errorf("closed, %v were touched", ids)
		}
		if got, want := cost(s.engine, ben), cost(alone, ben); got != want {
			t.Errorf("round %d: a new person costs %d computations, want %d", i, got, want)
		}
		s.Open()
		if ids := s.IDs(downstream.Kinds); len(ids) != len(all)+2 {
			t.Errorf("opened again, it holds %v, before %v and ben", ids, all)
		}
		left := roster.Change{Object: gone(oracle.Ref{Kind: roster.KindTeammate, Name: "ben"}), Deleted: true}
		cost(alone, left)
		cost(s.engine, left)
		if s.Update(left); len(s.IDs(downstream.Kinds)) != len(all) {
			t.Errorf("without ben it holds %v, before %v", s.IDs(downstream.Kinds), all)
		}
		s.Close()
	}
}

// The end of a window is an explicit departure, also when nothing is left after it.
func TestWindowEnd(t *testing.T) {
	s := set(t, `
		AccountRole nothing {baseType: None, permissions: []}
		Profile p {}
		UserGroup g {members: [{name: ana, until: "2027-03-01T13:00:00Z"}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: view-only}}}
		Teammate ana {identity: {email: ana@fjordline.example}, accountRoleRef: {name: nothing}}
		Teammate ben {identity: {email: ben@fjordline.example}}`)
	until := monday.Add(time.Hour)
	w := s.one(downstream.Access, ana)
	if !w.Active || !slices.Equal(w.Ends, []time.Time{until}) {
		t.Fatalf("before: active %v, ends %v", w.Active, w.Ends)
	}
	member := s.one(downstream.Groups, "g").Content.(*downstream.Group).Members[0]
	if member.Until == nil || !member.Until.Equal(until) {
		t.Errorf("the membership ends at %v", member.Until)
	}
	s.engine.Advance(until)
	s.Update()
	w = s.one(downstream.Access, ana)
	if w.Active || w.Cause != downstream.WindowEnd || !w.End.Equal(until) {
		t.Errorf("after: active %v, cause %s, end %v", w.Active, w.Cause, w.End)
	}
	if s.Situation().Alarm {
		t.Error("the end of a window is an alarm")
	}
	if s.one(downstream.Users, ben).Cause != "" {
		t.Error("somebody else left")
	}
}

// What a record says of others is part of it, though the person and their access stay the same.
func TestWhatOthersTouch(t *testing.T) {
	s := set(t, `
		Profile p1 {}
		Teammate eva {identity: {email: eva@fjordline.example}, canManageTeams: true}
		Teammate ana {identity: {email: ana@fjordline.example}, teamLeaderRef: {name: eva}, accountRoleRef: {name: team-leader}}
		Teammate ben {identity: {email: ben@fjordline.example}, assignAllProfiles: true, defaultProfileRoleRef: {name: view-only}}`)
	if w := s.one(downstream.Users, ana); w.Content.(*downstream.User).Leader != "email=eva@fjordline.example" {
		t.Errorf("leader %q", w.Content.(*downstream.User).Leader)
	}
	touched := s.apply("Teammate eva {identity: {email: other@fjordline.example}, canManageTeams: true}")
	for _, id := range []downstream.ID{
		{Kind: downstream.Users, Key: ana}, {Kind: downstream.Access, Key: ana},
		{Kind: downstream.Users, Key: "email=eva@fjordline.example"}, {Kind: downstream.Users, Key: "email=other@fjordline.example"},
	} {
		if !slices.Contains(touched, id) {
			t.Errorf("the leader's new identity does not touch %s, only %v", id, touched)
		}
	}
	swap := []roster.Change{
		{Object: builder.Objects(t, "Profile p2 {}")[0]}, {Object: gone(oracle.Ref{Kind: roster.KindProfile, Name: "p1"}), Deleted: true},
	}
	s.engine.Apply(s.now, swap...)
	if touched := s.Update(swap...); !slices.Contains(touched, downstream.ID{Kind: downstream.Access, Key: ben}) {
		t.Errorf("another profile does not touch who sees all of them: %v", touched)
	}
	grants := s.one(downstream.Access, ben).Content.(*downstream.AccessGrants).Grants
	if len(grants) != 1 || !grants[0].AllProfiles || !slices.Equal(grants[0].Profiles, []string{"p2"}) {
		t.Errorf("grants %+v", grants)
	}
}
