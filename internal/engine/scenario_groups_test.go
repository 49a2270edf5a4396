package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// chain is the given part of S-56: g1 includes g2 and so on to g6, everybody by a claim of another kind; %s are the specs
// of g3 and g6, which later scenarios change.
const chain = `
	ProfileRole viewer {permissions: [care.view]}
	Profile top
	Profile low
	Teammate p1
	Teammate p2 {groups: [{name: g2}]}
	Teammate p3 {} metadata {labels: {team: three}}
	Teammate p4
	Teammate p5 {groups: [{name: g5}]}
	Teammate p6 {} metadata {labels: {team: six}}
	UserGroup g1 {members: [{name: p1}], includes: [{name: g2}], profiles: [{name: top}], permissionSet: {profileRoleRef: {name: viewer}}}
	UserGroup g2 {includes: [{name: g3}]}
	UserGroup g3 {memberSelector: {matchLabels: {team: three}}, includes: [{name: g4}]}
	UserGroup g4 {members: [{name: p4}], includes: [{name: g5}]}
	UserGroup g5 {includes: [{name: g6}]}
	UserGroup g6 {memberSelector: {matchLabels: {team: six}}, profiles: [{name: low}], permissionSet: {profileRoleRef: {name: viewer}}}
`

func (w *world) allMembers(groups ...string) string {
	var out []string
	for _, g := range groups {
		out = append(out, g+": "+w.members(g))
	}
	return strings.Join(out, "; ")
}

func TestScenariosOfGroups(t *testing.T) {
	playAll(t, map[string]scenario{
		"S-01 an empty group is ready, and counts its first member": {
			given: "Teammate ana\nUserGroup g",
			play: func(w *world) {
				s := w.Lint.UserGroup("g")
				w.want("Ready", w.condition("UserGroup/g", "Ready"), "True")
				w.want("counts", fmt.Sprint(s.MemberCount, s.ProfileCount), "0 0")
				w.apply("UserGroup g {members: [{name: ana}]}")
				w.want("members", w.Lint.UserGroup("g").MemberCount, int32(1))
			},
		},
		"S-02 two groups, two roles, thirteen profiles in two entries": {
			given: `
				ProfileRole r1 {permissions: [care.view]}
				ProfileRole r2 {permissions: [care.view, care.reply]}
				Teammate ana
				UserGroup latino {members: [{name: ana}], profileSelector: {languages: [es]}, permissionSet: {profileRoleRef: {name: r1}}}
				UserGroup quebecois {members: [{name: ana}], profileSelector: {languages: [fr]}, permissionSet: {profileRoleRef: {name: r2}}}`,
			play: func(w *world) {
				for i := range 13 {
					language := "fr"
					if i < 3 {
						language = "es"
					}
					w.apply(fmt.Sprintf("Profile p%02d {language: %s}", i, language))
				}
				s := w.EffectiveAccess("ana").Status
				w.want("counts", fmt.Sprint(s.Counts.Profiles, s.Counts.Grants), "13 2")
				w.want("grants", w.grants("ana"), "p00,p01,p02=care.view <Group:latino/r1>\n"+
					"p03,p04,p05,p06,p07,p08,p09,p10,p11,p12=care.reply care.view <Group:quebecois/r2>")
			},
		},
		"S-03 one profile in both groups, in whatever order": {
			given: `
				ProfileRole r1 {permissions: [care.view]}
				ProfileRole r2 {permissions: [care.view, care.reply]}
				Profile p
				UserGroup latino {profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r1}}}
				UserGroup quebecois {profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r2}}}
				Teammate ana {groups: [{name: latino}, {name: quebecois}]}`,
			play: func(w *world) {
				w.want("permissions", w.on("ana", "p"), "care.reply care.view")
				first := w.hash("ana")
				w.apply("Teammate ana {groups: [{name: quebecois}, {name: latino}]}")
				w.want("hash in the other order", w.hash("ana"), first)
				w.want("writes", w.writes(), "0 access, 0 plans, 0 inputs, 0 ledger")
			},
		},
		"S-04 what joins a stamped group waits for the reflash": {
			given: stamped("{name: ana}", "{name: p}", "1"),
			play: func(w *world) {
				const g, f = "care.reply care.view", "care.label care.view"
				w.want("before", w.on("ana", "p"), g)
				w.apply(group("{name: ana}, {name: mia}", "{name: p}, {name: q}", "1"))
				w.want("m on all, everybody on the new profile", []string{w.on("mia", "p"), w.on("mia", "q"), w.on("ana", "q"), w.on("ana", "p")}, []string{f, f, f, g})
				w.want("pending", *w.Lint.UserGroup("team").Pending, pendingCounts(1, 1))
				w.want("PermissionSetCurrent", w.condition("UserGroup/team", "PermissionSetCurrent"), "False/PendingReflash")
				w.apply(group("{name: ana}, {name: mia}", "{name: p}, {name: q}", "2"))
				w.want("everywhere", []string{w.on("mia", "p"), w.on("mia", "q"), w.on("ana", "q"), w.on("ana", "p")}, []string{g, g, g, g})
				w.want("pending", *w.Lint.UserGroup("team").Pending, pendingCounts(0, 0))
				w.want("PermissionSetCurrent", w.condition("UserGroup/team", "PermissionSetCurrent"), "True")
			},
		},
		"S-05 leaving and coming back revives no stamp": {
			given: stamped("{name: ana}, {name: mia}", "{name: p}", "1"),
			play: func(w *world) {
				w.apply(group("{name: ana}", "{name: p}", "1"))
				w.want("without mia", w.on("mia", "p"), "")
				w.apply(group("{name: ana}, {name: mia}", "{name: p}", "1"))
				w.want("mia", w.on("mia", "p"), "care.label care.view")
				w.want("ana", w.on("ana", "p"), "care.reply care.view")
				w.want("pending", *w.Lint.UserGroup("team").Pending, pendingCounts(1, 0))
			},
		},
		"S-06 Continuous: the role is there at the next computation": {
			given: `
				ProfileRole r {permissions: [care.reply]}
				Profile p
				Teammate ana
				UserGroup team {profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r}}}`,
			play: func(w *world) {
				w.want("before", w.on("ana", "p"), "")
				w.apply("UserGroup team {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r}}}")
				w.want("after", w.on("ana", "p"), "care.reply care.view")
				w.want("PermissionSetCurrent", w.condition("UserGroup/team", "PermissionSetCurrent"), "True")
			},
		},
		"S-07 a deny of one role beats the grant of another": {
			given: `
				ProfileRole denying {permissions: [care.view], denies: [care.delete]}
				ProfileRole granting {permissions: [care.delete, care.reply]}
				Profile p
				Teammate ana
				UserGroup a {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: denying}}}
				UserGroup b {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: granting}}}`,
			play: func(w *world) {
				w.want("permissions", w.on("ana", "p"), "care.reply care.view")
				w.want("check", w.verdict("ana", "care.delete", "p"), "Denied ProfileRole/denying")
				x := w.Access.Explain("ana", "care.delete", "p")
				w.want("explain", fmt.Sprint(x.Allowed, " ", x.Reason, " ", x.Removed), "false Denied [{ProfileRole denying}]")
			},
		},
		"S-08 the ceiling of the account role": {
			given: `
				AccountRole social {permissions: [conversations.handle], profileCeiling: ["community.*", "publisher.*"]}
				ProfileRole r {permissions: [care.reply, community.reply]}
				Profile p
				Teammate ana {accountRoleRef: {name: social}, profiles: [{name: p, profileRoleRef: {name: r}}]}`,
			play: func(w *world) {
				w.want("permissions", w.on("ana", "p"), "community.reply community.view")
				w.want("check", w.verdict("ana", "care.reply", "p"), "Ceiling AccountRole/social")
				w.want("explain", fmt.Sprint(w.Access.Explain("ana", "care.reply", "p").Removed), "[{Ceiling social}]")
			},
		},
		"S-09 exclusive: who is in one group stays there": {
			given: "Organization default {preset: VoiceCenter}\nTeammate tom\nUserGroup zeta {members: [{name: tom}]}\nUserGroup beta",
			play: func(w *world) {
				w.apply("UserGroup beta {members: [{name: tom}]}")
				w.want("groups", w.groups("tom"), "zeta(Explicit)")
				w.want("rejected by beta", w.rejected("beta"), "tom/ExclusiveConflict")
				w.want("beta", w.condition("UserGroup/beta", "MembersAccepted"), "False/ExclusiveConflict")
				w.want("zeta", w.condition("UserGroup/zeta", "MembersAccepted"), "True")
				w.restart(w.ledger, true)
				w.want("groups after a restart", w.groups("tom"), "zeta(Explicit)")
			},
		},
		"S-09 off: two groups of a Teammate without an end": {
			given: "Organization default {preset: VoiceCenter}\nTeammate tom {groups: [{name: zeta}]}\nUserGroup zeta\nUserGroup beta",
			play: func(w *world) {
				w.apply("Teammate tom {groups: [{name: beta}, {name: zeta}]}")
				w.want("groups", w.groups("tom"), "zeta(Teammate)")
				w.want("rejected by beta", w.rejected("beta"), "tom/ExclusiveConflict")
				w.want("status", w.Lint.Teammate("tom").ExclusiveGroup, "zeta")
			},
		},
		"S-10 moving for good, the claims written in both orders": {
			given: `
				Organization default {preset: VoiceCenter}
				Teammate ana
				Teammate ben
				UserGroup zeta {members: [{name: ana}, {name: ben}]}
				UserGroup beta`,
			play: func(w *world) {
				w.apply("UserGroup beta {members: [{name: ana}]}")
				w.want("ana in between", w.groups("ana"), "zeta(Explicit)")
				w.apply("UserGroup zeta {members: [{name: ben}]}")
				w.want("ana", w.groups("ana"), "beta(Explicit)")
				w.apply("UserGroup zeta")
				w.want("ben in between", w.groups("ben"), "")
				w.apply("UserGroup beta {members: [{name: ana}, {name: ben}]}")
				w.want("ben", w.groups("ben"), "beta(Explicit)")
				w.want("conditions", w.condition("UserGroup/zeta", "MembersAccepted")+" "+w.condition("UserGroup/beta", "MembersAccepted"), "True True")
			},
		},
		"S-12 off: a disabled group is edited": {
			given: `
				Organization default {preset: PatientMessaging}
				Teammate ana
				Teammate ben
				UserGroup g {state: Disabled, members: [{name: ana}]}`,
			play: func(w *world) {
				w.apply("UserGroup g {state: Disabled, members: [{name: ana}, {name: ben}]}")
				w.want("the edit stands", w.members("g"), "ana ben")
				w.want("nothing reported", w.abnormal(), "")
				w.apply("UserGroup g {state: Enabled, members: [{name: ana}, {name: ben}]}")
				w.apply("UserGroup g {state: Enabled, members: [{name: ben}]}")
				w.want("enabled and edited", w.members("g"), "ben")
			},
		},
		"S-52 base types of groups": {
			given: `
				Organization default {preset: PatientMessaging, practices: [{name: north}]}
				Teammate eve {accountRoleRef: {name: enterprise}, practices: [{name: north}]}
				UserGroup local {scope: Practice, practices: [{name: north}], members: [{name: eve}]}
				UserGroup wide {scope: Enterprise, practices: [{name: north}], members: [{name: eve}]}`,
			play: func(w *world) {
				w.want("practice group", w.rejected("local"), "eve/BaseTypeNotAllowed")
				w.want("MembersAccepted", w.condition("UserGroup/local", "MembersAccepted"), "False/BaseTypeNotAllowed")
				w.want("enterprise group", w.members("wide"), "eve")
				w.want("MembersAccepted", w.condition("UserGroup/wide", "MembersAccepted"), "True")
			},
		},
		"S-53 one handle in one practice, and in two": {
			given: `
				Organization default {preset: PatientMessaging, practices: [{name: north}, {name: south}]}
				Teammate ana {practices: [{name: north}, {name: south}]}
				UserGroup zulu {displayName: Billing, scope: Practice, practices: [{name: north}], members: [{name: ana}]}
				UserGroup other {displayName: Billing, scope: Practice, practices: [{name: south}], members: [{name: ana}]}`,
			play: func(w *world) {
				w.want("two practices", w.condition("UserGroup/zulu", "Mentionable")+" "+w.condition("UserGroup/other", "Mentionable"), "True True")
				w.apply("UserGroup alpha {displayName: BILLING, scope: Practice, practices: [{name: north}], members: [{name: ana}]}")
				w.want("the later one", w.condition("UserGroup/alpha", "KeysUnique")+" "+w.condition("UserGroup/alpha", "Mentionable"), "False/DuplicateKey False/DuplicateHandle")
				w.want("the first", w.condition("UserGroup/zulu", "KeysUnique")+" "+w.condition("UserGroup/zulu", "Mentionable"), "True True")
			},
		},
		"S-56 people flow up a chain of includes, profiles do not": {
			given: chain,
			play: func(w *world) {
				w.want("members", w.allMembers("g1", "g3", "g6"), "g1: p1 p2 p3 p4 p5 p6; g3: p3 p4 p5 p6; g6: p6")
				for _, p := range []string{"p1", "p2", "p3", "p4", "p5"} {
					w.want(p+" on top and low", w.on(p, "top")+"|"+w.on(p, "low"), "care.view|")
				}
				w.want("p6 on top and low", w.on("p6", "top")+"|"+w.on("p6", "low"), "care.view|care.view")
				s := w.Lint.UserGroup("g1")
				w.want("counts of g1", fmt.Sprint(s.MemberCount, s.DirectMemberCount), "6 1")
			},
		},
		"S-57 a chain that bites its tail": {
			given: chain,
			play: func(w *world) {
				groups := []string{"g1", "g2", "g3", "g4", "g5", "g6"}
				before, hashes := w.allMembers(groups...), w.hashes()
				w.apply("UserGroup g6 {memberSelector: {matchLabels: {team: six}}, profiles: [{name: low}], permissionSet: {profileRoleRef: {name: viewer}}, includes: [{name: g1}]}")
				w.want("members", w.allMembers(groups...), before)
				w.want("outputs", w.hashes(), hashes)
				for _, g := range groups {
					w.want(g, w.condition("UserGroup/"+g, "IncludesAcyclic"), "False/IncludeCycle")
					message, edge := w.message("UserGroup/"+g, "IncludesAcyclic"), "the include of g1 is ignored here"
					w.want(g+" names the cycle", strings.HasPrefix(message, "g1 -> g2 -> g3 -> g4 -> g5 -> g6 -> g1"), true)
					w.want(g+" names its ignored edge", strings.Contains(message, edge), g == "g6")
				}
			},
		},
		"S-58 nothing flows through a disabled group": {
			given: chain,
			play: func(w *world) {
				w.apply("UserGroup g3 {state: Disabled, memberSelector: {matchLabels: {team: three}}, includes: [{name: g4}]}")
				w.want("above", w.allMembers("g1", "g2"), "g1: p1 p2; g2: p2")
				w.want("below", w.allMembers("g4", "g5", "g6"), "g4: p4 p5 p6; g5: p5 p6; g6: p6")
				w.want("p6 on top and low", w.on("p6", "top")+"|"+w.on("p6", "low"), "|care.view")
			},
		},
		"S-60 a diamond counts people once, and holds them by either side": {
			given: `
				Teammate tom
				UserGroup h {members: [{name: tom}]}
				UserGroup left {includes: [{name: h}]}
				UserGroup right {includes: [{name: h}]}
				UserGroup top {includes: [{name: left}, {name: right}]}`,
			play: func(w *world) {
				w.want("groups", w.groups("tom"), "h(Explicit) left(Include:h) right(Include:h) top(Include:left Include:right)")
				w.want("counted", w.Lint.UserGroup("top").MemberCount, int32(1))
				w.apply("UserGroup left")
				w.want("one side", w.members("top"), "tom")
				w.want("counted", w.Lint.UserGroup("top").MemberCount, int32(1))
				w.apply("UserGroup right")
				w.want("no side", w.members("top"), "")
			},
		},
		"S-61 a membership with a beginning and an end": {
			given: `
				Teammate ana
				UserGroup g {members: [{name: ana, from: "2027-03-02T08:00:00Z", until: "2027-03-02T20:00:00Z"}]}`,
			play: func(w *world) {
				w.want("transition", w.accessTransition("ana"), "2027-03-02T08:00:00Z")
				for _, step := range []struct{ at, want, next string }{
					{"2027-03-02T07:59:59Z", "", "2027-03-02T08:00:00Z"}, {"08:00:00", "ana", "2027-03-02T20:00:00Z"},
					{"19:59:59", "ana", "2027-03-02T20:00:00Z"}, {"20:00:00", "", ""},
				} {
					w.at(step.at)
					w.want("members at "+step.at, w.members("g"), step.want)
					w.want("transition at "+step.at, w.accessTransition("ana"), step.next)
				}
			},
		},
		"S-62 two claims, one membership": {
			given: `
				Teammate ana {groups: [{name: g, until: "2027-03-01T14:00:00Z"}]}
				UserGroup g {members: [{name: ana, until: "2027-03-01T13:00:00Z"}]}`,
			play: func(w *world) {
				w.want("both", w.groups("ana"), "g(Explicit Teammate)")
				w.want("counted", w.Lint.UserGroup("g").MemberCount, int32(1))
				w.at("12:59:59")
				w.want("a second before the first end", w.groups("ana"), "g(Explicit Teammate)")
				w.at("13:00")
				w.want("one left", w.groups("ana"), "g(Teammate)")
				w.at("13:59:59")
				w.want("a second before the second end", w.groups("ana"), "g(Teammate)")
				w.at("14:00")
				w.want("none left", w.groups("ana"), "")
			},
		},
		"S-63 a direct grant ends and the group's stays": {
			given: `
				ProfileRole weak {permissions: [care.view]}
				ProfileRole strong {permissions: [care.reply, care.delete]}
				Profile p
				Teammate ana {groups: [{name: g}], profiles: [{name: p, profileRoleRef: {name: strong}, until: "2027-03-01T14:00:00Z"}]}
				UserGroup g {profiles: [{name: p}], permissionSet: {profileRoleRef: {name: weak}}}`,
			play: func(w *world) {
				w.at("13:59:59")
				w.want("before", w.on("ana", "p"), "care.delete care.reply care.view")
				w.at("14:00")
				w.want("after", w.grants("ana"), "p=care.view <Group:g/weak>")
			},
		},
		"S-64 a profile leaves the stamp with its window": {
			given: stamped("{name: ana}", `{name: p}, {name: q, until: "2027-03-01T14:00:00Z"}`, "1"),
			play: func(w *world) {
				w.want("stamped", w.on("ana", "q"), "care.reply care.view")
				w.at("14:00")
				w.want("ended", w.on("ana", "q"), "")
				w.want("counts", w.Lint.UserGroup("team").PermissionSet.ProfileCount, int32(1))
				w.apply(group("{name: ana}", `{name: p}, {name: q, until: "2027-03-01T18:00:00Z"}`, "1"))
				w.want("extended", w.on("ana", "q"), "care.label care.view")
				w.want("pending", *w.Lint.UserGroup("team").Pending, pendingCounts(0, 1))
			},
		},
		"S-101 a cover for a week": {
			given: "Organization default {policies: {groupMembership: Exclusive}}\nTeammate tom {groups: [{name: a}]}\nUserGroup a\nUserGroup b\nDepartment da {groups: [{name: a}]}\nDepartment db {groups: [{name: b}]}",
			play: func(w *world) {
				w.apply(`Teammate tom {groups: [{name: a}, {name: b, until: "2027-03-05T18:00:00Z"}]}`)
				for _, d := range []string{"da", "db"} {
					w.want("transition of "+d, transition(w.plan("Department/"+d).Status.NextTransition), "2027-03-05T18:00:00Z")
				}
				w.at("2027-03-05T17:59:59Z")
				w.want("on Friday", w.groups("tom"), "b(Teammate)")
				w.want("rejected by a", w.rejected("a"), "tom/ExclusiveConflict")
				w.want("a", w.condition("UserGroup/a", "MembersAccepted"), "True")
				w.want("status", w.Lint.Teammate("tom").ExclusiveGroup, "b")
				w.at("18:00:00")
				w.want("afterwards", w.groups("tom"), "a(Teammate)")
				w.want("plans", w.candidates("Department/da")+", "+w.candidates("Department/db"), "tom, ")
				w.want("b", w.rejected("b"), "")
			},
		},
		"S-102 a second cover waits for the first": {
			given: "Organization default {policies: {groupMembership: Exclusive}}\nTeammate tom {groups: [{name: a}]}\nUserGroup a\nUserGroup b\nUserGroup 0c",
			play: func(w *world) {
				w.apply(`Teammate tom {groups: [{name: a}, {name: b, until: "2027-03-05T18:00:00Z"}]}`)
				w.apply(`Teammate tom {groups: [{name: a}, {name: b, until: "2027-03-05T18:00:00Z"}, {name: 0c, until: "2027-03-06T18:00:00Z"}]}`)
				w.want("the incumbent", w.groups("tom"), "b(Teammate)")
				w.want("the second", w.rejected("0c")+" "+w.condition("UserGroup/0c", "MembersAccepted"), "tom/ExclusiveConflict False/ExclusiveConflict")
				w.at("2027-03-05T17:59:59Z")
				w.want("before Friday 18:00", w.groups("tom"), "b(Teammate)")
				w.at("18:00:00")
				w.want("from Friday 18:00", w.groups("tom"), "0c(Teammate)")
				w.at("2027-03-06T17:59:59Z")
				w.want("before Saturday 18:00", w.groups("tom"), "0c(Teammate)")
				w.at("18:00:00")
				w.want("from Saturday 18:00", w.groups("tom"), "a(Teammate)")
			},
		},
		"S-103 off: a group that a department lists is disabled, then deleted": {
			given: "Organization default {preset: ChatDesk}\nTeammate ana\nUserGroup g {members: [{name: ana}]}\nUserGroup h {members: [{name: ana}]}\nDepartment d {groups: [{name: g}, {name: h}]}",
			play: func(w *world) {
				pools := func() string {
					var out []string
					for _, p := range w.plan("Department/d").Status.Pools {
						out = append(out, p.Name)
					}
					return strings.Join(out, " ")
				}
				w.want("before", pools(), "g h")
				w.want("InUse", w.condition("UserGroup/g", "InUse"), "True/ReferencedByDepartment")
				w.apply("UserGroup g {state: Disabled, members: [{name: ana}]}")
				w.want("dropped", pools(), "h")
				w.want("PolicyCompliant", w.condition("UserGroup/g", "PolicyCompliant"), "False/GroupInUse")
				w.remove("UserGroup/g")
				w.want("dropped", pools(), "h")
				w.want("the department", w.condition("Department/d", "ReferencesResolved"), "False/UnresolvedReference")
			},
		},
		"S-105 a selector that nobody can read": {
			given: "Teammate ana {} metadata {labels: {team: x}}\nTeammate ben\nUserGroup g {members: [{name: ben}], memberSelector: {matchExpressions: [{key: team, operator: Near, values: [x]}]}}",
			play: func(w *world) {
				w.want("members", w.members("g"), "ben")
				w.want("ReferencesResolved", w.condition("UserGroup/g", "ReferencesResolved"), "False/InvalidSelector")
				w.want("MembersAccepted", w.condition("UserGroup/g", "MembersAccepted"), "True")
			},
		},
		"S-106 languages by subtag, without case": {
			given: `
				Profile p1 {language: en-US, region: Quebec}
				Profile p2 {language: EN, region: Quebec}
				Profile p3 {language: eng, region: Quebec}
				Profile p4 {language: en-GB, region: Ontario}
				ProfileRole r {permissions: [care.view]}
				Teammate ana
				UserGroup g {members: [{name: ana}], profileSelector: {languages: [en], regions: [Quebec]}, permissionSet: {profileRoleRef: {name: r}}}`,
			play: func(w *world) { w.want("grants", w.grants("ana"), "p1,p2=care.view <Group:g/r>") },
		},
		"S-107 lines of practices by base type": {
			given: `
				Organization default {policies: {practiceScoping: Enabled}, practices: [{name: north}, {name: south}], defaultProfileRoleRef: {name: weak}}
				ProfileRole weak {permissions: [care.view]}
				ProfileRole care-handler {permissions: [care.reply]}
				Profile l1 {type: Line, phoneNumber: "+1001", practiceName: north}
				Profile l2 {type: Line, phoneNumber: "+1002", practiceName: north}
				Profile l3 {type: Line, phoneNumber: "+1003", practiceName: south}
				Teammate sue {accountRoleRef: {name: staff}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: care-handler}}]}
				Teammate max {accountRoleRef: {name: manager}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: care-handler}}]}
				Teammate eve {accountRoleRef: {name: enterprise}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: care-handler}}]}`,
			play: func(w *world) {
				w.want("Staff", w.grants("sue"), "l1=care.reply care.view <Practice:north/care-handler>")
				w.want("Manager", w.grants("max"), "l1,l2=care.reply care.view <Practice:north/care-handler>")
				w.want("Enterprise", w.grants("eve"), "l1,l2=care.reply care.view <Practice:north/care-handler>\nl3=care.view <Default/weak>")
			},
		},
		"S-108 the Ledger is lost and nobody gains": {
			given: stamped("{name: ana}, {name: ben}", "{name: p}, {name: q}", "1"),
			play: func(w *world) {
				w.apply("Teammate ana {profiles: [{name: p, profileRoleRef: {name: deleter}}]}")
				before := map[string]string{"ana p": w.on("ana", "p"), "ana q": w.on("ana", "q"), "ben p": w.on("ben", "p")}
				w.want("before", before, map[string]string{"ana p": "care.reply care.view", "ana q": "care.reply care.view", "ben p": "care.reply care.view"})
				hashes := w.hashes()
				w.lose()
				lost := func(when string) {
					w.want(when+": pending", *w.Lint.UserGroup("team").Pending, pendingCounts(2, 2))
					w.want(when+": PermissionSetCurrent", w.condition("UserGroup/team", "PermissionSetCurrent"), "False/PendingReflash")
					w.want(when+": the default does not return", []string{w.on("ana", "q"), w.on("ben", "p")}, []string{"", ""})
					w.want(when+": the denies stay", w.on("ana", "p"), "care.view")
					w.want(when+": check", w.verdict("ana", "care.delete", "p"), "Denied ProfileRole/g")
				}
				lost("lost")
				w.restart(w.ledger, true)
				lost("after a restart")
				w.apply(group("{name: ana}, {name: ben}", "{name: p}, {name: q}", "2"))
				w.want("after the reflash", w.hashes(), hashes)
			},
		},
		"S-108 one shard of the Ledger is lost while running": {
			given: stamped("{name: ana}", "{name: p}", "1"),
			play: func(w *world) {
				hashes := w.hashes()
				touched, ok := w.Lose(w.now, "stamp-team-0")
				w.want("known", ok, true)
				w.keep(touched)
				w.want("the role does not stay, the default does not return", w.on("ana", "p"), "")
				w.want("pending", *w.Lint.UserGroup("team").Pending, pendingCounts(1, 1))
				w.want("touched", fmt.Sprint(touched.Access, touched.Inputs), "[ana] [UserGroup/team]")
				w.want("the loss is recorded", w.ledger["stamp-team-0"].Stamp.AppliedAt == nil, true)
				touched, _ = w.Lose(w.now, "stamp-team-0")
				w.want("and recorded anew when that goes too", fmt.Sprint(len(touched.Ledger), " ", touched.Ledger[0].Object.Stamp.AppliedAt == nil), "1 true")
				w.apply(group("{name: ana}", "{name: p}", "2"))
				w.want("after the reflash", w.hashes(), hashes)
			},
		},
	})
}

// stamped is a SocialCare organization with a group whose permission set was applied, and a default role.
func stamped(members, profiles, token string) string {
	return `
		Organization default {preset: SocialCare, defaultProfileRoleRef: {name: f}}
		ProfileRole f {permissions: [care.delete, care.label], denies: [care.delete]}
		ProfileRole g {permissions: [care.reply], denies: [care.delete]}
		ProfileRole deleter {permissions: [care.delete]}
		Profile p
		Profile q
		Teammate ana
		Teammate ben
		Teammate mia
	` + group(members, profiles, token)
}

func group(members, profiles, token string) string {
	return fmt.Sprintf("UserGroup team {members: [%s], profiles: [%s], permissionSet: {profileRoleRef: {name: g}, reflashToken: %q}}", members, profiles, token)
}

// S-104: a group leaves a department and is deleted, in one change whose parts come in either order.
func TestGroupLeavesDepartmentAndGoes(t *testing.T) {
	for name, first := range map[string]string{"S-104 the department first": "Department", "S-104 the group first": "UserGroup"} {
		t.Run(name, func(t *testing.T) {
			w := found(t, "Organization default {preset: ChatDesk}\nTeammate ana {identity: {directoryID: ana, email: ana@x.example}}\nUserGroup g {members: [{name: ana}]}\nUserGroup h {members: [{name: ana}]}\nDepartment d {groups: [{name: g}, {name: h}]}")
			edit := roster.Change{Object: builder.Objects(t, "Department d {groups: [{name: h}]}")[0]}
			w.store(edit.Object)
			changes := []roster.Change{edit, w.gone("UserGroup/g")}
			if first == "UserGroup" {
				changes = []roster.Change{changes[1], changes[0]}
			}
			w.change(changes[0])
			w.change(changes[1])
			w.want("abnormal", w.abnormal(), "")
			w.want("candidates", w.candidates("Department/d"), "ana")
		})
	}
}
