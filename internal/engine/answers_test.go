package engine_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// TestAnswersAgree: `check`, `who-can` and `explain` say what the outputs say, for every person, permission and profile, and
// give a reason that fits: who is allowed has a source and a way, who is not is told what took the permission away, or that
// nothing gives it.
func TestAnswersAgree(t *testing.T) {
	profilePermissions := []string{"care.reply", "care.delete", "care.view", "publisher.create", "video.start", "video.view", "listening.export"}
	accountPermissions := []string{"conversations.handle", "conversations.view", "users.edit", "recordings.viewOwn", "video.start", "nothing.known"}
	rapid.Check(t, func(rt *rapid.T) {
		_, b := history(rt, 2)
		people := b.Roster.Names(nil, roster.KindTeammate)
		ask := func(profile string, permissions []string, held func(person string) []string) {
			for _, perm := range permissions {
				var can []string
				for _, person := range people {
					want := slices.Contains(held(person), perm)
					v, x := b.Access.Check(person, perm, profile), b.Access.Explain(person, perm, profile)
					switch {
					case v.Allowed != want:
						rt.Fatalf("check %s %s on %q: %+v, the output says %v", person, perm, profile, v, want)
					case x.Allowed != want || x.Reason != v.Reason:
						rt.Fatalf("explain %s %s on %q: %v %s, check says %v %s", person, perm, profile, x.Allowed, x.Reason, want, v.Reason)
					case want && (v.Reason != access.Granted || len(x.Paths) == 0 || len(x.Removed) > 0):
						rt.Fatalf("explain %s %s on %q: allowed by %+v, removed by %v", person, perm, profile, x.Paths, x.Removed)
					case want && profile != "" && len(v.Sources) == 0:
						rt.Fatalf("check %s %s on %q: allowed without a source", person, perm, profile)
					case slices.Contains([]access.Reason{access.Denied, access.Ceiling}, v.Reason) && (len(v.Removed) == 0 || len(x.Removed) == 0 || len(x.Paths) == 0):
						rt.Fatalf("%s %s on %q: %s by %v, explained by %v after %v", person, perm, profile, v.Reason, v.Removed, x.Removed, x.Paths)
					case v.Reason == access.NotGranted && len(x.Paths) > 0:
						rt.Fatalf("explain %s %s on %q: not granted, but %+v", person, perm, profile, x.Paths)
					case (v.Reason == access.GateClosed) == b.Lifecycle.Open(nil, person):
						rt.Fatalf("check %s %s on %q: %s, gate open: %v", person, perm, profile, v.Reason, b.Lifecycle.Open(nil, person))
					}
					if want {
						can = append(can, person)
					}
				}
				if got := b.Access.WhoCan(perm, profile); !slices.Equal(got, can) {
					rt.Fatalf("who-can %s on %q: %v, want %v", perm, profile, got, can)
				}
			}
		}
		ask("", accountPermissions, func(person string) []string { return b.EffectiveAccess(person).Status.AccountPermissions })
		for _, profile := range b.Roster.Names(nil, roster.KindProfile) {
			ask(profile, profilePermissions, func(person string) []string { return b.Access.Held(person, profile) })
			for _, person := range people {
				b.checkGrants(rt, person, profile)
			}
		}
	})
}

// checkGrants compares what somebody holds on a profile with the entries of the output.
func (b *bench) checkGrants(rt *rapid.T, person, profile string) {
	var named, everywhere []string
	visible := false
	for _, g := range b.EffectiveAccess(person).Status.Grants {
		if slices.Contains(g.Profiles, profile) {
			named, visible = g.Permissions, true
		}
		if g.AllProfiles {
			everywhere = g.Permissions
		}
	}
	if !visible && b.Roster.Usable(nil, profile) {
		named = everywhere
	}
	if held := b.Access.Held(person, profile); !slices.Equal(held, named) {
		rt.Fatalf("%s holds %v on %s, the output says %v", person, held, profile, named)
	}
}

// TestFindings: everything abnormal that somebody has to act upon is found, with the object, and nothing else.
func TestFindings(t *testing.T) {
	w := found(t, `
		Organization default {timeZone: Europe/Atlantis}
		ProfileRole r {permissions: [video.start], includes: [{name: missing}]}
		Profile p {phoneNumber: "+1000", type: Phone}
		Profile q {phoneNumber: "+1000", type: Phone}
		Teammate ana {teamLeaderRef: {name: nobody}}
		Teammate ben {accountRoleRef: {name: wizard}}
		UserGroup g {members: [{name: ana}, {name: ghost}], state: Disabled}
		Department d {groups: [{name: g}], default: true}
		Department e {default: true}`)
	var got []string
	for _, f := range w.Lint.Findings() {
		got = append(got, strings.Join([]string{string(f.Severity), f.Object, f.Field, f.Rule}, " "))
	}
	w.want("findings", got, []string{
		"error Department/d spec.groups AllGroupsDisabled",
		"error Department/e spec.default DuplicateKey",
		"error Organization/default spec.timeZone UnknownTimeZone",
		"error Profile/q spec.phoneNumber DuplicateKey",
		"error ProfileRole/r spec.includes UnresolvedReference",
		"warning ProfileRole/r spec.permissions UnknownPermission",
		"warning Teammate/ana spec.teamLeaderRef Unresolved",
		"error Teammate/ben spec.accountRoleRef UnresolvedReference",
		"error Teammate/ben spec.accountRoleRef UnresolvedReference",
		"error UserGroup/g spec.members UnresolvedReference",
	})
}
