package engine_test

import (
	"fmt"
	"strings"
	"testing"
)

// Requirements of the checklist that no scenario is about, named by their own IDs.
func TestChecklist(t *testing.T) {
	playAll(t, map[string]scenario{
		"E-03 V-26 people of any role are ordinary members": {
			given: `
				Organization default {preset: SocialCare}
				ProfileRole r {permissions: [care.reply]}
				Profile p
				Teammate ana {accountRoleRef: {name: agent}}
				Teammate sue {accountRoleRef: {name: supervisor}}
				Teammate adam {accountRoleRef: {name: administrator}}
				UserGroup cases {members: [{name: ana}, {name: sue}, {name: adam}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r}, reflashToken: "1"}}`,
			play: func(w *world) {
				w.want("members", w.members("cases"), "adam ana sue")
				w.want("the group gives all of them the same", w.on("sue", "p"), w.on("ana", "p"))
				w.want("their account roles differ", w.account("sue") == w.account("ana"), false)
			},
		},
		"E-04 T-12 M-23 M-24 M-32 M-33 M-35 what is written for people changes no access": {
			given: "Profile p\nTeammate ana {profiles: [{name: p, profileRoleRef: {name: create}}]}\nUserGroup g {members: [{name: ana}]}",
			play: func(w *world) {
				before := w.hash("ana")
				w.apply(`
					Organization default {cardGuidelines: "A friendly picture of at least 160 pixels, and what you like."}
					Teammate ana {profiles: [{name: p, profileRoleRef: {name: create}}], tags: [{name: night-bus}], employment: {startDate: "2027-01-01", status: PartTime}, card: {image: {url: "https://x.example/cat.png"}}}
					UserGroup g {members: [{name: ana}], criteria: [{type: Language, value: fr}, {type: Other, value: on a boat}]}`)
				w.want("hash", w.hash("ana"), before)
				w.want("nothing is wrong", w.abnormal(), "")
			},
		},
		"E-08 V-27 V-28 many groups; people leave them and change their role": {
			given: "Teammate ana",
			play: func(w *world) {
				var text strings.Builder
				for i := range 40 {
					fmt.Fprintf(&text, "UserGroup g%02d {members: [{name: ana}]}\n", i)
				}
				w.apply(text.String())
				w.want("groups", len(strings.Fields(w.groups("ana"))) >= 40, true)
				w.want("one of them", w.members("g39"), "ana")
				w.apply("UserGroup g39")
				w.want("left", w.members("g39"), "")
				before := w.account("ana")
				w.apply("Teammate ana {accountRoleRef: {name: supervisor}}")
				w.want("another role, other permissions", w.account("ana") == before, false)
			},
		},
		"E-22 a set means something once there are profiles": {
			given: stamped("{name: ana}", "", "1"),
			play: func(w *world) {
				w.want("no profiles", w.grants("ana"), "")
				w.want("nothing is pending", w.condition("UserGroup/team", "PermissionSetCurrent"), "True")
				w.apply(group("{name: ana}", "{name: p}", "1"))
				w.want("the first stamp", w.on("ana", "p"), "care.reply care.view")
			},
		},
		"T-02 M-01 M-02 every way in; the role is set here": {
			given: `
				Teammate dir {identity: {directoryID: 8d0f, email: dir@x.example}, onboarding: {method: Directory}, accountRoleRef: {name: administrator}}
				Teammate created {onboarding: {method: Create}}
				Teammate invited {onboarding: {method: Invite}}
				Teammate imported {onboarding: {method: Import}}`,
			play: func(w *world) {
				for _, name := range []string{"dir", "created", "invited", "imported"} {
					w.want(name, w.phase(name)+" "+w.condition("Teammate/"+name, "Ready"), "Active True")
				}
				w.want("role", w.EffectiveAccess("dir").Status.AccountRole, "administrator")
			},
		},
		"T-07 A-08 one object at a time is edited": {
			given: "Teammate ana\nTeammate ben\nUserGroup g {members: [{name: ana}]}",
			play: func(w *world) {
				ben := w.hash("ben")
				w.apply("Teammate ana {maxChats: 3, firstName: Ana}")
				w.want("her chats", w.EffectiveAccess("ana").Status.Chat.MaxChats, int32(3))
				w.want("nobody else", w.hash("ben"), ben)
				w.apply("UserGroup g {members: [{name: ana}, {name: ben}], displayName: Guests}")
				w.want("members", w.members("g"), "ana ben")
			},
		},
		"T-14 a selector has no cap": {
			given: "UserGroup everybody {memberSelector: {matchLabels: {team: all}}}",
			play: func(w *world) {
				var text strings.Builder
				for i := range 1100 {
					fmt.Fprintf(&text, "Teammate p%04d {} metadata {labels: {team: all}}\n", i)
				}
				w.apply(text.String())
				w.want("members", w.Lint.UserGroup("everybody").MemberCount, int32(1100))
			},
		},
		"T-18 V-06 groups are there without a department, with people and supervisors": {
			given: `
				Teammate ana
				Teammate sue {accountRoleRef: {name: supervisor}}
				UserGroup g {members: [{name: ana}], supervisors: [{name: sue}]}`,
			play: func(w *world) {
				w.want("ready", w.condition("UserGroup/g", "Ready"), "True")
				w.want("departments", len(w.Lint.UserGroup("g").Departments), 0)
				w.apply("Department desk {groups: [{name: g}]}")
				w.want("in a department", w.candidates("Department/desk"), "ana")
				w.want("and still the same group", w.members("g"), "ana")
			},
		},
		"V-32 a supervisor shows the groups assigned": {
			given: `
				Teammate sue {accountRoleRef: {name: supervisor}}
				UserGroup a {supervisors: [{name: sue}]}
				UserGroup b {supervisors: [{name: sue}]}`,
			play: func(w *world) {
				w.want("both", fmt.Sprint(w.EffectiveAccess("sue").Status.Supervises), "[{UserGroup a} {UserGroup b}]")
				w.apply("UserGroup a")
				w.want("one", fmt.Sprint(w.EffectiveAccess("sue").Status.Supervises), "[{UserGroup b}]")
			},
		},
		"M-07 M-30 created without a card is incomplete; an invitation asks for less": {
			given: agentFeedback + `
				Teammate lea {canManageTeams: true}
				Teammate made {onboarding: {method: Create}} metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}
				Teammate asked {onboarding: {method: Invite}, accountRoleRef: {name: agent}}`,
			play: func(w *world) {
				w.want("created", w.phase("made"), "CardIncomplete")
				w.want("invited", w.message("Teammate/asked", "CardComplete"), "missing: CanManageTeams, FirstName, LastName, Channels, TeamLeader")
				w.apply("Teammate asked {onboarding: {method: Invite}, accountRoleRef: {name: agent}, firstName: A, lastName: B, canManageTeams: false, teamLeaderRef: {name: lea}, channels: [Chat]}")
				w.want("no image, home town, state or bio", w.condition("Teammate/asked", "CardComplete"), "True")
			},
		},
		"M-10 who can manage teams may be a leader": {
			given: "Teammate lea\nTeammate ana {teamLeaderRef: {name: lea}}",
			play: func(w *world) {
				w.want("cannot", w.condition("Teammate/ana", "TeamLeaderResolved"), "False/NotALeader")
				w.apply("Teammate lea {canManageTeams: true}")
				w.want("can", w.condition("Teammate/ana", "TeamLeaderResolved")+" "+w.EffectiveAccess("ana").Status.Leader, "True lea")
			},
		},
		"M-11 without an e-mail address nothing is mailed": {
			given: "Teammate ana\nTeammate nora {identity: {employeeID: E7}}",
			play: func(w *world) {
				w.want("ana", w.condition("Teammate/ana", "Notifiable"), "True")
				w.want("nora", w.condition("Teammate/nora", "Notifiable"), "False/NoEmail")
				w.want("and she may still work", w.phase("nora"), "Active")
			},
		},
		"M-25 channels decide what somebody is offered": {
			given: `
				Teammate ana {channels: [Chat]}
				Teammate ben {channels: [Phone]}
				Teammate cid
				UserGroup g {members: [{name: ana}, {name: ben}, {name: cid}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}`,
			play: func(w *world) {
				w.want("a call", w.offered("UserGroup/g"), "ben cid ana/Channel")
			},
		},
		"M-26 a first password is a reference and opens nothing": {
			given: "Teammate ana {onboarding: {method: Create}}",
			play: func(w *world) {
				before := w.hash("ana")
				w.apply("Teammate ana {onboarding: {method: Create, temporaryPasswordSecretRef: {name: ana-first, key: password}}}")
				w.want("hash", w.hash("ana"), before)
			},
		},
		"M-39 a group that gives nothing is for reports only": {
			given: "Profile p\nTeammate ana",
			play: func(w *world) {
				before := w.account("ana") + w.grants("ana")
				w.apply("UserGroup g {members: [{name: ana}], reporting: Enabled}")
				w.want("groups", w.members("g"), "ana")
				w.want("access", w.account("ana")+w.grants("ana"), before)
			},
		},
		"A-05 every member receives the mention": {
			given: helpdesk + open,
			play: func(w *world) {
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
			},
		},
		"V-08 a group has a name and an extension of its own": {
			given: `UserGroup g {displayName: Service, voice: {extension: "100"}}` + "\nTeammate ana {extension: \"101\"}",
			play: func(w *world) {
				w.want("free", w.condition("UserGroup/g", "KeysUnique"), "True")
				w.apply(`UserGroup h {voice: {extension: "100"}}`)
				w.want("the group that had it keeps it", w.condition("UserGroup/g", "KeysUnique"), "True")
				w.want("the other is told", w.condition("UserGroup/h", "KeysUnique"), "False/DuplicateKey")
			},
		},
		"V-46 an invited person is shown like any other": {
			given: `
				Organization default {preset: VoiceCenter, skills: [{name: grid}]}
				Queue q {}
				Teammate ivo {onboarding: {method: Invite}, accountRoleRef: {name: agent}, skills: [{name: grid, level: 2}], assignment: {type: Queues, queues: [{name: q}]}}`,
			play: func(w *world) {
				w.want("phase and role", w.phase("ivo")+" "+w.condition("Teammate/ivo", "RoleAllowed"), "Invited True")
				w.want("assignment", fmt.Sprint(w.Lint.Teammate("ivo").Assignment.Type), "Queues")
			},
		},
	})
}
