package engine_test

import (
	"fmt"
	"strings"
	"testing"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// holders of the roles: whoever is named like a role has it on profile p.
func holders(roles ...string) string {
	var out strings.Builder
	for _, r := range roles {
		fmt.Fprintf(&out, "Teammate %s {profiles: [{name: p, profileRoleRef: {name: %s}}]}\n", r, r)
	}
	return out.String() + "Profile p\n"
}

func TestScenariosOfPermissions(t *testing.T) {
	playAll(t, map[string]scenario{
		"S-65 permissions and denies through two includes": {
			given: holders("c") + `
				ProfileRole a {denies: [care.delete]}
				ProfileRole b {includes: [{name: a}], permissions: [care.reply]}
				ProfileRole c {includes: [{name: b}], permissions: [care.delete]}`,
			play: func(w *world) {
				w.want("c", w.on("c", "p"), "care.reply care.view")
				w.want("who denies", w.verdict("c", "care.delete", "p"), "Denied ProfileRole/a")
			},
		},
		"S-66 a cycle of roles widens nothing": {
			given: holders("a", "b", "c") + `
				ProfileRole a {includes: [{name: b}], permissions: [care.reply]}
				ProfileRole b {includes: [{name: c}], permissions: [care.close], denies: [care.delete]}
				ProfileRole c {includes: [{name: a}], permissions: [care.delete]}`,
			play: func(w *world) {
				w.want("a", w.on("a", "p"), "care.close care.reply care.view")
				w.want("b", w.on("b", "p"), "care.close care.view")
				w.want("c has neither what a has nor what b denies", w.on("c", "p"), "care.view")
				w.want("who denies c", w.verdict("c", "care.delete", "p"), "Denied ProfileRole/b")
				for _, role := range []string{"a", "b", "c"} {
					w.want(role, w.condition("ProfileRole/"+role, "IncludesAcyclic"), "False/IncludeCycle")
					w.want(role, strings.HasPrefix(w.message("ProfileRole/"+role, "IncludesAcyclic"), "a -> b -> c -> a"), true)
				}
			},
		},
		"S-67 an included role that is missing": {
			given: holders("r") + "ProfileRole r {includes: [{name: later}], permissions: [care.reply]}",
			play: func(w *world) {
				w.want("its own", w.on("r", "p"), "care.reply care.view")
				w.want("ReferencesResolved", w.condition("ProfileRole/r", "ReferencesResolved"), "False/UnresolvedReference")
				w.want("Ready", w.condition("ProfileRole/r", "Ready"), "True")
				w.apply("ProfileRole later {permissions: [care.close]}")
				w.want("healed", w.on("r", "p")+", "+w.condition("ProfileRole/r", "ReferencesResolved"), "care.close care.reply care.view, True")
			},
		},
		"S-81 a permission of a connected system": {
			given: holders("exact", "module", "everything") + `
				ProfileRole exact {permissions: [video.start]}
				ProfileRole module {permissions: ["video.*"]}
				ProfileRole everything {permissions: ["*"]}`,
			play: func(w *world) {
				conditions := func() string {
					var out []string
					for _, r := range []string{"exact", "module", "everything"} {
						out = append(out, w.condition("ProfileRole/"+r, "PermissionsKnown"), w.condition("ProfileRole/"+r, "Ready"))
					}
					return strings.Join(out, " ")
				}
				video := func(role string) string {
					var out []string
					for p := range strings.FieldsSeq(w.on(role, "p")) {
						if strings.HasPrefix(p, "video.") {
							out = append(out, p)
						}
					}
					return strings.Join(out, " ")
				}
				w.want("who names it has it", []string{video("exact"), video("module"), video("everything")}, []string{"video.start video.view", "", ""})
				w.want("PermissionsKnown, Ready", conditions(), "False/UnknownPermission True False/UnknownPermission True True True")
				w.apply("Organization default {vocabulary: [video.start]}")
				w.want("known", []string{video("exact"), video("module"), video("everything")}, []string{"video.start video.view", "video.start video.view", "video.start video.view"})
				w.want("PermissionsKnown, Ready", conditions(), "True True True True True True")
			},
		},
		"S-82 no view, no module": {
			given: holders("r") + "ProfileRole r {permissions: [care.reply, publisher.publish], denies: [care.view]}",
			play:  func(w *world) { w.want("r", w.on("r", "p"), "publisher.publish publisher.view") },
		},
		"S-83 a ceiling of views": {
			given: `
				AccountRole looking {permissions: [conversations.handle], profileCeiling: ["*.view"]}
				ProfileRole r {permissions: ["*.reply"]}
				Profile p
				Teammate ana {accountRoleRef: {name: looking}, profiles: [{name: p, profileRoleRef: {name: r}}]}`,
			play: func(w *world) { w.want("ana", w.on("ana", "p"), "care.view chat.view community.view publisher.view") },
		},
		"S-84 the organization denies, but not its owner": {
			given: `
				Organization default {denies: [publisher.delete]}
				ProfileRole r {permissions: [publisher.delete, publisher.label]}
				Profile p
				Teammate olga {accountRoleRef: {name: owner}, profiles: [{name: p, profileRoleRef: {name: r}}]}
				Teammate adam {accountRoleRef: {name: administrator}, profiles: [{name: p, profileRoleRef: {name: r}}]}`,
			play: func(w *world) {
				w.want("owner", w.on("olga", "p"), "publisher.delete publisher.label publisher.view")
				w.want("administrator", w.on("adam", "p"), "publisher.label publisher.view")
				w.want("who denies", w.verdict("adam", "publisher.delete", "p"), "Denied Organization/default")
			},
		},
		"S-84 off: conversation.reply in a ProfileRole is dropped": {
			given: holders("r"),
			play: func(w *world) {
				role := &rollcallv1.ProfileRole{}
				role.Name, role.Spec.Permissions = "r", []string{"conversation.reply", "care.reply"}
				w.put(role)
				w.want("r", w.on("r", "p"), "care.reply care.view")
			},
		},
	})
}
