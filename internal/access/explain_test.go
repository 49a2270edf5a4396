package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

var monday = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func computed(now time.Time, objects []metav1.Object) *engine.Engine {
	e := engine.New(now)
	var changes []roster.Change
	for _, o := range objects {
		changes = append(changes, roster.Change{Object: o})
	}
	e.Apply(now, changes...)
	return e
}

// written is an explanation as text: a line a path, then what removed it.
func written(x access.Explanation) []string {
	var out []string
	for _, path := range x.Paths {
		var steps []string
		for _, s := range path {
			steps = append(steps, s.Object+" "+s.Field+" "+s.Effect)
		}
		out = append(out, strings.Join(steps, " > "))
	}
	for _, r := range x.Removed {
		out = append(out, "removed by "+r.By+" "+r.Name)
	}
	return out
}

func TestExplain(t *testing.T) {
	const (
		base = "Organization default {}\nProfile p {type: Social, platform: X}\nProfileRole handler {permissions: [care.reply]}\n"
		ends = "; handler"
	)
	for name, tc := range map[string]struct {
		given      string
		permission string
		profile    string
		wantReason access.Reason
		want       []string
	}{
		"every kind of claim on a group is a path": {
			given: base + `
				Teammate ana {groups: [{name: g, until: "2027-06-01T00:00:00Z"}]} metadata {labels: {team: a, site: b}}
				UserGroup g {members: [{name: ana}], memberSelector: {matchLabels: {team: a}}, profiles: [{name: p}], permissionSet: {profileRoleRef: {name: handler}}}`,
			permission: "care.reply", profile: "p", wantReason: access.Granted,
			want: []string{
				"UserGroup/g spec.members[ana] lists Teammate/ana" + ends,
				"Teammate/ana spec.groups[g] joins UserGroup/g until 2027-06-01T00:00:00Z" + ends,
				"UserGroup/g spec.memberSelector selects Teammate/ana by team=a" + ends,
			},
		},
		"includes over two groups": {
			given: base + `
				Teammate ana
				UserGroup g {includes: [{name: h}], profileSelector: {platforms: [X]}, permissionSet: {profileRoleRef: {name: handler}}}
				UserGroup h {includes: [{name: i}]}
				UserGroup i {members: [{name: ana}]}`,
			permission: "care.reply", profile: "p", wantReason: access.Granted,
			want: []string{"UserGroup/i spec.members[ana] lists Teammate/ana" +
				" > UserGroup/h spec.includes[i] takes in the members of UserGroup/i" +
				" > UserGroup/g spec.includes[h] takes in the members of UserGroup/h" +
				" > UserGroup/g spec.profileSelector selects Profile/p" +
				" > UserGroup/g spec.permissionSet.profileRoleRef gives ProfileRole/handler on Profile/p" +
				" > ProfileRole/handler spec.permissions[care.reply] grants care.reply"},
		},
		"a role through its includes, and a view that something implies": {
			given: `
				Profile p
				ProfileRole outer {includes: [{name: inner}, {name: outer2}]}
				ProfileRole outer2 {permissions: [care.view]}
				ProfileRole inner {permissions: [care.close, care.reply]}
				Teammate ana {profiles: [{name: p, profileRoleRef: {name: outer}}]}`,
			permission: "care.view", profile: "p", wantReason: access.Granted,
			want: []string{
				"Teammate/ana spec.profiles[p] gives ProfileRole/outer on Profile/p > ProfileRole/outer spec.includes[inner] includes ProfileRole/inner > ProfileRole/inner spec.permissions[care.close] grants care.close, which implies care.view",
				"Teammate/ana spec.profiles[p] gives ProfileRole/outer on Profile/p > ProfileRole/outer spec.includes[outer2] includes ProfileRole/outer2 > ProfileRole/outer2 spec.permissions[care.view] grants care.view",
			},
		},
		"a cycle of roles ends": {
			given: `
				Profile p
				ProfileRole a {includes: [{name: b}]}
				ProfileRole b {includes: [{name: a}], permissions: [care.reply]}
				Teammate ana {profiles: [{name: p, profileRoleRef: {name: a}}]}`,
			permission: "care.reply", profile: "p", wantReason: access.Granted,
			want: []string{"Teammate/ana spec.profiles[p] gives ProfileRole/a on Profile/p > ProfileRole/a spec.includes[b] includes ProfileRole/b > ProfileRole/b spec.permissions[care.reply] grants care.reply"},
		},
		"the default role, where a group only shows the profile": {
			given: `
				Organization default {defaultProfileRoleRef: {name: view-only}}
				Profile p
				Teammate ana
				UserGroup g {members: [{name: ana}], profiles: [{name: p}]}`,
			permission: "care.view", profile: "p", wantReason: access.Granted,
			want: []string{"UserGroup/g spec.members[ana] lists Teammate/ana > UserGroup/g spec.profiles[p] has Profile/p" +
				" > Organization/default spec.defaultProfileRoleRef gives ProfileRole/view-only on Profile/p, where nothing else gives a role" +
				" > ProfileRole/view-only spec.permissions[*.view] grants care.view by the pattern *.view (built in)"},
		},
		"a practice": {
			given: `
				Organization default {preset: PatientMessaging, practices: [{name: north}]}
				Profile line {type: Line, phoneNumber: "+15550100", practiceName: north}
				ProfileRole handler {permissions: [care.reply]}
				Teammate ana {practices: [{name: north, lines: [{name: line}], profileRoleRef: {name: handler}}]}`,
			permission: "care.reply", profile: "line", wantReason: access.Granted,
			want: []string{"Teammate/ana spec.practices[north] gives ProfileRole/handler on Profile/line, a line of practice north > ProfileRole/handler spec.permissions[care.reply] grants care.reply"},
		},
		"a stamp": {
			given: `
				Organization default {preset: SocialCare}
				Profile p
				ProfileRole handler {permissions: [care.reply]}
				Teammate ana
				UserGroup g {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: handler}}}`,
			permission: "care.reply", profile: "p", wantReason: access.Granted,
			want: []string{"UserGroup/g spec.members[ana] lists Teammate/ana > UserGroup/g spec.profiles[p] has Profile/p" +
				" > UserGroup/g spec.permissionSet.profileRoleRef stamped at the last reflash: gives ProfileRole/handler on Profile/p" +
				" > ProfileRole/handler spec.permissions[care.reply] grants care.reply"},
		},
		"S-07 names the denying role": {
			given: `
				Profile p
				ProfileRole denying {denies: [care.delete], permissions: [care.view]}
				ProfileRole granting {permissions: [care.delete]}
				Teammate ana {profiles: [{name: p, profileRoleRef: {name: granting}}]}
				UserGroup g {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: denying}}}`,
			permission: "care.delete", profile: "p", wantReason: access.Denied,
			want: []string{"Teammate/ana spec.profiles[p] gives ProfileRole/granting on Profile/p > ProfileRole/granting spec.permissions[care.delete] grants care.delete", "removed by ProfileRole denying"},
		},
		"S-08 names the ceiling": {
			given: `
				AccountRole capped {permissions: [conversations.handle], profileCeiling: ["community.*", "publisher.*"]}
				Profile p
				ProfileRole r {permissions: [care.reply, community.reply]}
				Teammate ana {accountRoleRef: {name: capped}, profiles: [{name: p, profileRoleRef: {name: r}}]}`,
			permission: "care.reply", profile: "p", wantReason: access.Ceiling,
			want: []string{"Teammate/ana spec.profiles[p] gives ProfileRole/r on Profile/p > ProfileRole/r spec.permissions[care.reply] grants care.reply", "removed by Ceiling capped"},
		},
		"all that removes it is named": {
			given: `
				Organization default {denies: ["*.reply"]}
				AccountRole capped {permissions: [conversations.handle], profileCeiling: ["community.*"], denies: [care.view]}
				Profile p
				ProfileRole r {permissions: [care.reply], denies: [care.reply]}
				Teammate ana {accountRoleRef: {name: capped}, profiles: [{name: p, profileRoleRef: {name: r}}], lifecycle: {state: Archived}}`,
			permission: "care.reply", profile: "p", wantReason: access.GateClosed,
			want: []string{"Teammate/ana spec.profiles[p] gives ProfileRole/r on Profile/p > ProfileRole/r spec.permissions[care.reply] grants care.reply",
				"removed by Gate Archived", "removed by ProfileRole r", "removed by AccountRole capped", "removed by Organization default", "removed by Ceiling capped"},
		},
		"a profile that is not visible": {
			given: "Profile p\nTeammate ana", permission: "care.view", profile: "p", wantReason: access.NotVisible, want: []string{"removed by Visibility p"},
		},
		"a role that does not exist": {
			given: "Profile p\nTeammate ana {accountRoleRef: {name: nothing}}", permission: "care.view", profile: "p", wantReason: access.GateClosed, want: []string{"removed by Gate Invalid"},
		},
		"an account permission": {
			given: "Teammate ana", permission: "cases.view", wantReason: access.Granted,
			want: []string{"Teammate/ana spec.accountRoleRef holds account role agent, the built-in default > AccountRole/agent spec.permissions[cases.delete] grants cases.delete, which implies cases.view"},
		},
		"an account permission by a pattern, of the default role": {
			given:      "Organization default {defaultAccountRoleRef: {name: lead}}\nAccountRole lead {permissions: [\"users.*\"]}\nTeammate ana",
			permission: "users.edit", wantReason: access.Granted,
			want: []string{"Organization/default spec.defaultAccountRoleRef holds account role lead, the default > AccountRole/lead spec.permissions[users.*] grants users.edit by the pattern users.*"},
		},
		"a permission that nothing grants": {given: "Teammate ana", permission: "roles.manage", wantReason: access.NotGranted},
	} {
		t.Run(name, func(t *testing.T) {
			objects := builder.Objects(t, tc.given)
			if !slices.ContainsFunc(objects, func(o metav1.Object) bool { return o.GetName() == "default" }) {
				objects = append(objects, builder.Organization())
			}
			x := computed(monday, objects).Access.Explain("ana", tc.permission, tc.profile)
			if x.Reason != tc.wantReason || x.Allowed != (tc.wantReason == access.Granted) {
				t.Errorf("%v %s, want %s", x.Allowed, x.Reason, tc.wantReason)
			}
			const tail = " > UserGroup/g spec.profiles[p] has Profile/p > UserGroup/g spec.permissionSet.profileRoleRef gives ProfileRole/handler on Profile/p > ProfileRole/handler spec.permissions[care.reply] grants care.reply"
			want := slices.Clone(tc.want)
			for i := range want {
				want[i] = strings.Replace(want[i], ends, tail, 1)
			}
			if diff := cmp.Diff(want, written(x)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestExplainAgreesWithCheck draws organizations: both commands must say the same, what is allowed has a path, and what is
// conferred and not allowed names what removed it.
func TestExplainAgreesWithCheck(t *testing.T) {
	perms := slices.Concat(permission.WellKnown(permission.Profile)[:12], permission.WellKnown(permission.Account)[:12])
	rapid.Check(t, func(t *rapid.T) {
		w := orggen.Draw(t)
		var objects []metav1.Object
		for _, o := range orggen.Objects(w.Org) {
			objects = append(objects, o)
		}
		e := computed(w.Now, objects)
		task := e.Roster.Graph.Peek()
		profiles := append([]string{""}, e.Roster.Names(task, roster.KindProfile)...)
		for _, who := range e.Roster.Names(task, roster.KindTeammate) {
			for _, profile := range profiles {
				for _, perm := range perms {
					v, x := e.Access.Check(who, perm, profile), e.Access.Explain(who, perm, profile)
					what := fmt.Sprintf("%s %s %q: %+v, %+v", who, perm, profile, v, x)
					switch {
					case v.Allowed != x.Allowed || v.Reason != x.Reason:
						t.Fatalf("they differ: %s", what)
					case x.Allowed && (len(x.Paths) == 0 || len(x.Removed) > 0):
						t.Fatalf("allowed without a path, or with removals: %s", what)
					case !x.Allowed && len(x.Paths) > 0 && len(x.Removed) == 0:
						t.Fatalf("nothing removed it: %s", what)
					case v.Reason == access.NotGranted && len(x.Paths) > 0:
						t.Fatalf("paths to what nothing grants: %s", what)
					}
				}
			}
		}
	})
}
