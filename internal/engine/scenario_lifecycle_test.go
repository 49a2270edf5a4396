package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// builtinAgent are the account permissions of the built-in role `agent` while recordings are not accessible.
const builtinAgent = "analytics.view cases.delete cases.manage cases.view cases.viewReports conversations.handle conversations.view mentions.create mentions.view reports.view"

// agentFeedback is that preset with somebody whom the directory vouches for, so that only the card is in question.
const agentFeedback = "Organization default {preset: AgentFeedback}\n"

// card is eva's record; the card of the spec has image, bio and state, and what approval says.
func card(method, fields string) string {
	return fmt.Sprintf(`Teammate eva {onboarding: {method: %s}, firstName: Eva, lastName: Tremblay, canManageTeams: true, channels: [Chat]%s}`, method, fields)
}

func completeCard(method, bio, approval string) string {
	return card(method, `, card: {image: {url: "https://x.example/eva.png"}, bio: `+bio+`, stateOrCountry: QC`+approval+`}`)
}

func approved(hash string) string {
	return fmt.Sprintf(", approval: {state: Approved, cardHash: %q}", hash)
}

// withEmpty asserts that an EffectiveAccess confers nothing.
func (w *world) wantNothing(when, teammate string) {
	w.t.Helper()
	s := w.EffectiveAccess(teammate).Status
	if len(s.AccountPermissions)+len(s.Grants) > 0 || s.DataScope != nil || s.Voice != nil || s.Chat != nil {
		w.t.Errorf("%s: %s has access: %+v", when, teammate, s)
	}
}

func TestScenariosOfLifecycle(t *testing.T) {
	working := `
		ProfileRole r {permissions: [care.reply]}
		Profile p
		UserGroup g {members: [{name: ana}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: r}}}
		Department d {groups: [{name: g}]}
	`
	blocked := func(from, until string) string {
		return fmt.Sprintf("Teammate ana {onboarding: {method: Directory}, lifecycle: {state: Blocked, blockedFrom: %q, blockedUntil: %q}}", from, until)
	}
	playAll(t, map[string]scenario{
		"S-135 invitations reach people once a system that mails carries Users": {
			given: "Organization default {policies: {onboarding: {confirmation: Required}}}",
			play: func(w *world) {
				w.want("InvitationsDeliverable", w.condition("Organization/default", "InvitationsDeliverable"), "False/NoMailDownstream")
				w.apply("Downstream post {driver: SMTP, smtp: {host: mail.fjordline.example, from: desk@fjordline.example}, records: [Mentions], credentialsSecretRef: {name: post}}")
				w.want("InvitationsDeliverable", w.condition("Organization/default", "InvitationsDeliverable"), "False/NoMailDownstream")
				w.apply("Downstream post {driver: SMTP, smtp: {host: mail.fjordline.example, from: desk@fjordline.example}, records: [Users], credentialsSecretRef: {name: post}}")
				w.want("InvitationsDeliverable", w.condition("Organization/default", "InvitationsDeliverable"), "True")
				w.remove("Downstream/post")
				w.want("InvitationsDeliverable", w.condition("Organization/default", "InvitationsDeliverable"), "False/NoMailDownstream")
			},
		},
		"S-19 a block empties access and gives it back": {
			given: "Teammate ana {onboarding: {method: Directory}}" + working,
			play: func(w *world) {
				former := w.hash("ana")
				w.apply(blocked("2027-03-02T00:00:00Z", "2027-03-02T08:00:00Z"))
				w.want("before", w.hash("ana"), former)
				w.want("transition", w.accessTransition("ana"), "2027-03-02T00:00:00Z")
				w.at("2027-03-01T23:59:59Z")
				w.want("a second before", w.phase("ana")+" "+w.hash("ana"), "Active "+former)
				for _, at := range []string{"2027-03-02T00:00:00Z", "2027-03-02T07:59:59Z"} {
					w.at(at)
					w.want("phase", w.phase("ana")+", "+w.gate("ana"), "Blocked, closed Blocked, listed Archived")
					w.wantNothing(at, "ana")
					w.want("membership stays", w.members("g"), "ana")
					w.want("plan", w.candidates("Department/d"), "ana/Lifecycle")
					w.want("transition", w.accessTransition("ana"), "2027-03-02T08:00:00Z")
				}
				w.at("08:00:00")
				w.want("after", w.phase("ana")+" "+w.hash("ana"), "Active "+former)
				w.want("plan", w.candidates("Department/d"), "ana")
			},
		},
		"S-20 off: how long a block lasts": {
			given: "Organization default {preset: VoiceCenter}\nTeammate ana",
			play: func(w *world) {
				from := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
				for _, tc := range []struct {
					length, effective time.Duration
					want              string
				}{
					{7*time.Hour + 59*time.Minute, 7*time.Hour + 59*time.Minute, "False/BlockDuration"},
					{8 * time.Hour, 8 * time.Hour, "True"},
					{744 * time.Hour, 744 * time.Hour, "True"},
					{744*time.Hour + time.Second, 744 * time.Hour, "False/BlockDuration"},
				} {
					w.now = from
					w.change()
					w.apply(blocked(from.Format(time.RFC3339), from.Add(tc.length).Format(time.RFC3339)))
					w.want(tc.length.String(), w.condition("Teammate/ana", "PolicyCompliant"), tc.want)
					w.at(from.Add(tc.effective - time.Second).Format(time.RFC3339))
					w.want(tc.length.String()+" a second before its end", w.phase("ana"), "Blocked")
					w.at(from.Add(tc.effective).Format(time.RFC3339))
					w.want(tc.length.String()+" at its end", w.phase("ana"), "Active")
				}
			},
		},
		"S-20 Custom: any block as written": {
			given: "Teammate ana",
			play: func(w *world) {
				from := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
				for _, length := range []time.Duration{5 * time.Minute, 2000 * time.Hour} {
					w.now = from
					w.apply(blocked(from.Format(time.RFC3339), from.Add(length).Format(time.RFC3339)))
					w.want(length.String(), w.condition("Teammate/ana", "PolicyCompliant"), "True")
					w.at(from.Add(length - time.Second).Format(time.RFC3339))
					w.want(length.String()+" a second before its end", w.phase("ana"), "Blocked")
					w.at(from.Add(length).Format(time.RFC3339))
					w.want(length.String()+" at its end", w.phase("ana"), "Active")
				}
			},
		},
		"S-24 off: one of the identities that the preset asks for": {
			given: agentFeedback + "Teammate dan {identity: {directoryID: d1}}\nTeammate eli {identity: {employeeID: e1}}",
			play: func(w *world) {
				w.want("directoryID only", w.condition("Teammate/dan", "PolicyCompliant"), "False/IdentityMissing")
				w.want("employeeID only", w.condition("Teammate/eli", "PolicyCompliant"), "True")
			},
		},
		"S-25 created without a card": {
			given: agentFeedback + card("Create", ""),
			play: func(w *world) {
				w.want("phase", w.phase("eva")+", "+w.gate("eva"), "AwaitingConfirmation, closed AwaitingConfirmation, listed Invited")
				w.apply(card("Create", "") + ` metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}`)
				w.want("confirmed", w.phase("eva")+", "+w.gate("eva"), "CardIncomplete, open, listed Active")
				w.want("CardComplete", w.condition("Teammate/eva", "CardComplete"), "False/MissingFields")
				w.want("fields", w.message("Teammate/eva", "CardComplete"), "missing: Image, StateOrCountry, Bio")
			},
		},
		"S-25 invited without a card": {
			given: agentFeedback + card("Invite", ""),
			play: func(w *world) {
				w.want("phase", w.phase("eva"), "Invited")
				w.want("what an invitation needs is there", w.condition("Teammate/eva", "CardComplete"), "True")
				w.apply(card("Invite", "") + ` metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}`)
				w.want("confirmed", w.phase("eva"), "CardIncomplete")
				w.want("fields", w.message("Teammate/eva", "CardComplete"), "missing: Image, StateOrCountry, Bio")
				w.apply(card("Invite", ""))
				w.want("the annotation is taken once", w.phase("eva"), "CardIncomplete")
			},
		},
		"S-26 complete and not approved": {
			given: agentFeedback + completeCard("Directory", "Skis", ""),
			play: func(w *world) {
				w.want("phase", w.phase("eva")+", "+w.gate("eva"), "PendingReview, open, listed Active")
				w.want("surveys", *w.Lint.Teammate("eva").SurveyEligible, false)
				w.want("CardApproved", w.condition("Teammate/eva", "CardApproved"), "False/PendingReview")
				w.want("access", w.account("eva"), builtinAgent)
			},
		},
		"S-27 edited after the approval": {
			given: agentFeedback + completeCard("Directory", "Skis", ""),
			play: func(w *world) {
				w.apply(completeCard("Directory", "Skis", approved(w.Lint.Teammate("eva").CardHash)))
				w.want("approved", w.phase("eva"), "Active")
				w.want("surveys", *w.Lint.Teammate("eva").SurveyEligible, true)
				w.apply(completeCard("Directory", "Sails", ""))
				w.want("edited", w.phase("eva"), "PendingReview")
				w.want("surveys go on", *w.Lint.Teammate("eva").SurveyEligible, true)
				used, err := json.Marshal(w.Roster.ApprovedCard(nil, "eva"))
				w.want("error", err, nil)
				w.want("with the approved card", string(used), `{"firstName":"Eva","image":{"url":"https://x.example/eva.png"},"bio":"Skis","stateOrCountry":"QC"}`)
				kept, _ := json.Marshal(w.ledger)
				w.want("the last name is in no record", strings.Contains(string(kept), "Tremblay"), false)
				w.restart(w.ledger, true)
				w.want("after a restart", *w.Lint.Teammate("eva").SurveyEligible, true)
				w.want("with the approved card", w.Roster.ApprovedCard(nil, "eva").Bio, "Skis")
			},
		},
		"S-28 leaders who are none": {
			given: `
				Teammate boss
				Teammate ana {teamLeaderRef: {name: boss}}
				Teammate x1 {canManageTeams: true, teamLeaderRef: {name: x2}}
				Teammate x2 {canManageTeams: true, teamLeaderRef: {name: x3}}
				Teammate x3 {canManageTeams: true, teamLeaderRef: {name: x1}}
				Teammate ivy {teamLeaderRef: {name: x1}}`,
			play: func(w *world) {
				w.want("not a leader", w.condition("Teammate/ana", "TeamLeaderResolved"), "False/NotALeader")
				for _, name := range []string{"x1", "x2", "x3"} {
					w.want(name, w.condition("Teammate/"+name, "TeamLeaderResolved"), "False/LeaderCycle")
					w.want(name+" has no leader", w.EffectiveAccess(name).Status.Leader, "")
				}
				w.want("below a cycle", w.condition("Teammate/ivy", "TeamLeaderResolved")+" "+w.EffectiveAccess("ivy").Status.Leader, "True x1")
				w.want("reports", fmt.Sprint(w.Lint.Teammate("x1").DirectReports, w.Lint.Teammate("x2").DirectReports), "1 0")
			},
		},
		"S-29 whose data a leader sees": {
			given: `
				AccountRole above {permissions: [users.view], dataScope: {default: [Self, OwnHierarchy]}}
				AccountRole beside {permissions: [users.view], dataScope: {default: [OwnTeam]}}
				Teammate top {canManageTeams: true}
				Teammate lea {canManageTeams: true, teamLeaderRef: {name: top}, accountRoleRef: {name: above}}
				Teammate ana {canManageTeams: true, teamLeaderRef: {name: lea}}
				Teammate ben {teamLeaderRef: {name: ana}}`,
			play: func(w *world) {
				w.want("OwnHierarchy", fmt.Sprint(w.EffectiveAccess("lea").Status.DataScope.Scopes), "[Self OwnHierarchy]")
				w.want("reports all the way down", fmt.Sprint(w.Roster.Reports(nil, "lea"), w.Roster.Reports(nil, "ana")), "[ana] [ben]")
				w.apply("Teammate lea {canManageTeams: true, teamLeaderRef: {name: top}, accountRoleRef: {name: beside}}")
				scope := w.EffectiveAccess("lea").Status.DataScope
				w.want("OwnTeam", fmt.Sprint(scope.Scopes, " ", scope.Leader), "[OwnTeam] top")
			},
		},
		"S-48 owners come from the directory": {
			given: "Organization default {preset: ChatDesk}\nTeammate max {identity: {directoryID: m}, accountRoleRef: {name: owner}}",
			play: func(w *world) {
				w.want("RoleAllowed", w.condition("Teammate/max", "RoleAllowed"), "False/OwnerNotTenantAdmin")
				w.want("phase", w.phase("max")+", "+w.gate("max"), "Invalid/OwnerNotTenantAdmin, closed Invalid, listed Invalid")
				w.want("Ready", w.condition("Teammate/max", "Ready"), "False/Invalid")
				w.wantNothing("without the flag", "max")
				w.apply("Teammate max {identity: {directoryID: m, directoryTenantAdmin: true}, accountRoleRef: {name: owner}}")
				w.want("with the flag", w.phase("max")+" "+w.condition("Teammate/max", "RoleAllowed"), "Active True")
			},
		},
		"S-49 an agent sees the departments of their groups": {
			given: `
				Organization default {preset: ChatDesk}
				Teammate ana {identity: {directoryID: a}}
				UserGroup g {members: [{name: ana}]}
				Department here {groups: [{name: g}]}
				Department elsewhere`,
			play: func(w *world) {
				scope := w.EffectiveAccess("ana").Status.DataScope
				w.want("scope", fmt.Sprint(scope.Scopes, scope.Departments), "[Self OwnDepartments] [here]")
				w.apply("UserGroup g")
				scope = w.EffectiveAccess("ana").Status.DataScope
				w.want("after leaving", fmt.Sprint(scope.Scopes, scope.Departments), "[Self OwnDepartments] []")
			},
		},
		"S-73 archived: out of everything in the same computation": {
			given: "Teammate ana\nTeammate ben" + strings.Replace(working, "{name: ana}", "{name: ana}, {name: ben}", 1),
			play: func(w *world) {
				w.apply("Teammate ana {lifecycle: {state: Archived}}")
				w.wantNothing("archived", "ana")
				w.want("listed", w.gate("ana")+", in "+w.members("g"), "closed Archived, listed Archived, in ana ben")
				w.want("plan", w.candidates("Department/d"), "ben ana/Lifecycle")
				w.want("touched", fmt.Sprint(w.touched.Access, " ", w.touched.Plans), "[ana] [{Department d}]")
			},
		},
		"S-123 deleted: gone from everything at once, and found again": {
			given: `Organization default {policies: {onboarding: {confirmation: Required}}}
				Teammate ana {} metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}
				Teammate ben {onboarding: {method: Directory}}` + strings.Replace(working, "{name: ana}", "{name: ana}, {name: ben}", 1),
			play: func(w *world) {
				w.remove("Teammate/ana")
				w.want("no output", w.EffectiveAccess("ana") == nil, true)
				w.want("touched", fmt.Sprint(w.touched.Access, " ", w.touched.Plans), "[ana] [{Department d}]")
				w.want("nowhere", w.candidates("Department/d")+", "+w.members("g"), "ben, ben")
				w.want("the reference dangles", w.condition("UserGroup/g", "ReferencesResolved"), "False/UnresolvedReference")
				w.at("12:01:59")
				w.apply("Teammate ana2 {identity: {email: " + builder.Email("ana") + "}}")
				w.want("the same address", w.phase("ana2")+" "+transition(w.Lint.Teammate("ana2").ConfirmedAt), "Active 2027-03-01T11:00:00Z")
			},
		},
		"S-74 off: archived for good": {
			given: "Organization default {preset: VoiceCenter}\nTeammate ana {onboarding: {method: Directory}, lifecycle: {state: Archived}}",
			play: func(w *world) {
				w.want("archived", w.phase("ana"), "Archived")
				w.apply("Teammate ana {onboarding: {method: Directory}}")
				w.want("set back", w.phase("ana")+" "+w.condition("Teammate/ana", "PolicyCompliant"), "Archived False/ArchiveIrreversible")
				w.wantNothing("set back", "ana")
				w.now = w.now.Add(time.Hour)
				w.restart(w.ledger, true)
				w.want("after a restart", w.phase("ana")+" "+transition(w.Lint.Teammate("ana").ArchivedAt), "Archived 2027-03-01T12:00:00Z")
				w.apply("Organization default {preset: VoiceCenter, policies: {archive: {reversible: true}}}")
				w.want("reversible", w.phase("ana"), "Active")
			},
		},
		"S-75 off: a leader with reports is archived": {
			given: agentFeedback + strings.Join([]string{leader("lea", ""), leader("zoe", ""), report("ana", "lea"), report("ben", "lea")}, "\n"),
			play: func(w *world) {
				w.want("before", w.condition("Teammate/ana", "TeamLeaderResolved"), "True")
				w.want("reports", w.Lint.Teammate("lea").DirectReports, int32(2))
				phase := w.phase("ana")
				w.apply(leader("lea", ", lifecycle: {state: Archived}"))
				for _, name := range []string{"ana", "ben"} {
					w.want(name, w.condition("Teammate/"+name, "TeamLeaderResolved"), "False/LeaderArchived")
					w.want(name+" is where they were", w.phase(name), phase)
					w.want(name+" has no leader", w.EffectiveAccess(name).Status.Leader, "")
				}
				w.apply(report("ana", "zoe") + "\n" + report("ben", "zoe"))
				w.want("reassigned", w.condition("Teammate/ana", "TeamLeaderResolved")+" "+w.condition("Teammate/ben", "TeamLeaderResolved"), "True True")
				w.want("reports", fmt.Sprint(w.Lint.Teammate("lea").DirectReports, w.Lint.Teammate("zoe").DirectReports), "0 2")
			},
		},
		"S-75 Orphan: reports of an archived leader stay Active": {
			given: "Organization default {policies: {leaderDeparture: Orphan}}\nTeammate lea {canManageTeams: true, lifecycle: {state: Archived}}\nTeammate ana {teamLeaderRef: {name: lea}}",
			play: func(w *world) {
				w.want("ana", w.phase("ana")+" "+w.condition("Teammate/ana", "TeamLeaderResolved"), "Active False/LeaderArchived")
			},
		},
		"S-85 an editor takes no key away": {
			given: "Teammate ana {identity: {email: ana@x.example}} metadata {creationTimestamp: \"2027-02-01T00:00:00Z\"}\n" +
				"Teammate bob {identity: {email: bob@x.example}} metadata {creationTimestamp: \"2027-01-01T00:00:00Z\"}",
			play: func(w *world) {
				before := w.hash("ana")
				w.apply("Teammate bob {identity: {email: ANA@X.EXAMPLE}} metadata {creationTimestamp: \"2027-01-01T00:00:00Z\"}")
				w.want("ana", w.phase("ana")+" "+w.condition("Teammate/ana", "KeysUnique"), "Active True")
				w.want("bob", w.phase("bob")+" "+w.condition("Teammate/bob", "KeysUnique"), "Invalid/DuplicateIdentity False/DuplicateKey")
				w.want("ana's access", w.hash("ana"), before)
				w.want("touched", fmt.Sprint(w.touched.Access), "[bob]")
				w.restart(w.ledger, true)
				w.want("after a restart", w.phase("ana")+" "+w.phase("bob"), "Active Invalid/DuplicateIdentity")
			},
		},
		"S-86 two extensions in one second": {
			given: `
				Teammate ben {extension: "2001"} metadata {creationTimestamp: "2027-02-01T00:00:00Z"}
				Teammate ana {extension: "2001"} metadata {creationTimestamp: "2027-02-01T00:00:00Z"}
				UserGroup g {members: [{name: ana}, {name: ben}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}`,
			play: func(w *world) {
				extensions := func() string {
					var out []string
					for _, c := range w.plan("UserGroup/g").Status.Candidates {
						out = append(out, c.Name+":"+c.Extension)
					}
					return strings.Join(out, " ")
				}
				w.want("plan", extensions(), "ana:2001 ben:")
				w.want("ben", w.phase("ben")+" "+w.condition("Teammate/ben", "KeysUnique"), "Active False/DuplicateKey")
				w.apply(`Teammate ann {extension: "2001"} metadata {creationTimestamp: "2027-01-01T00:00:00Z"}`)
				w.want("and keeps it", extensions(), "ana:2001 ben:")
				w.remove("Teammate/ana")
				w.want("ana is gone: the oldest", w.condition("Teammate/ann", "KeysUnique")+" "+extensions(), "True ben:")
			},
		},
		"S-88 a preset comes over an organization": {
			given: `
				Teammate ana {identity: {employeeID: "1"}, onboarding: {method: Directory}, maxChats: -1, groups: [{name: a}, {name: b}]}
				UserGroup a
				UserGroup b`,
			play: func(w *world) {
				w.want("before", w.groups("ana")+fmt.Sprint(" ", w.EffectiveAccess("ana").Status.Chat.MaxChats), "a(Teammate) b(Teammate) -1")
				w.apply("Organization default {preset: VoiceCenter}")
				w.want("memberships", w.groups("ana")+", b rejects "+w.rejected("b"), "a(Teammate), b rejects ana/ExclusiveConflict")
				w.want("chats", fmt.Sprint(w.EffectiveAccess("ana").Status.Chat.MaxChats, " ", w.condition("Teammate/ana", "ChatLimitInRange")), "100 False/Clamped")
				w.want("e-mail", w.condition("Teammate/ana", "PolicyCompliant"), "False/IdentityMissing")
				w.want("phase", w.phase("ana"), "Active")
			},
		},
		"S-115 half a year": {
			given: `Teammate ana {from: "2027-06-01T00:00:00Z", until: "2027-12-01T00:00:00Z"}` + working,
			play: func(w *world) {
				for _, step := range []struct{ at, phase, gate, candidates, next string }{
					{"2027-05-31T23:59:59Z", "Scheduled", "closed Scheduled, listed Invited", "ana/Lifecycle", "2027-06-01T00:00:00Z"},
					{"2027-06-01T00:00:00Z", "Active", "open, listed Active", "ana", "2027-12-01T00:00:00Z"},
					{"2027-11-30T23:59:59Z", "Active", "open, listed Active", "ana", "2027-12-01T00:00:00Z"},
					{"2027-12-01T00:00:00Z", "Ended", "closed Ended, listed Archived", "ana/Lifecycle", ""},
				} {
					w.at(step.at)
					got := []string{w.phase("ana"), w.gate("ana"), w.candidates("Department/d"), w.accessTransition("ana")}
					w.want(step.at, got, []string{step.phase, step.gate, step.candidates, step.next})
					if step.phase != "Active" {
						w.wantNothing(step.at, "ana")
					}
				}
				w.want("membership stays", w.members("g"), "ana")
			},
		},
		// API.md's shortest organization has no accountRoleRef and everybody is an agent: that reading of S-116 holds.
		"S-116 the shortest organization": {
			given: "Profile p\nTeammate ana {accountRoleRef: {name: agent}}\nTeammate ben {accountRoleRef: {name: agent}}\nUserGroup g {members: [{name: ana}, {name: ben}], profiles: [{name: p}]}",
			play: func(w *world) {
				want := "Active True " + builtinAgent
				state := func(name string) string {
					return w.phase(name) + " " + w.condition("Teammate/"+name, "ReferencesResolved") + " " + w.account(name)
				}
				w.want("named", state("ana"), want)
				w.apply("Teammate ana")
				w.want("left out", state("ana"), want)
				w.apply("Organization default {defaultAccountRoleRef: {name: agent}}")
				w.want("by the organization", state("ana"), want)
				w.apply("Organization default {defaultAccountRoleRef: {name: nobody}}")
				w.want("a default that dangles", w.phase("ana")+" "+w.phase("ben"), "Invalid/UnresolvedReference Active")
				w.want("all ready again", func() string { w.apply("Organization default"); return w.abnormal() }(), "")
			},
		},
		"S-117 an object overrides the built-in role": {
			given: "Teammate ana {accountRoleRef: {name: agent}}",
			play: func(w *world) {
				w.apply("AccountRole agent {permissions: [conversations.handle]}")
				w.want("the object whole", w.account("ana"), "conversations.handle conversations.view")
				w.remove("AccountRole/agent")
				w.want("the built-in one again", w.account("ana"), builtinAgent)
				w.apply("Organization default {policies: {roleModel: {allowCustom: false}}}\nAccountRole custom {baseType: None, permissions: [conversations.handle]}\nTeammate ana {accountRoleRef: {name: custom}}")
				w.want("no permissions", w.phase("ana")+" "+w.account("ana"), "Active ")
				w.want("reported", w.condition("AccountRole/custom", "PolicyCompliant"), "False/CustomRoleNotAllowed")
			},
		},
		"S-118 who may be in surveys": {
			given: "Teammate eva {firstName: Eva}",
			play: func(w *world) {
				surveys := func() bool { return *w.Lint.Teammate("eva").SurveyEligible }
				w.want("no image", surveys(), false)
				w.apply(`Teammate eva {firstName: Eva, card: {image: {url: "https://x.example/e"}}}`)
				w.want("image", surveys(), true)
				w.apply(`Teammate eva {card: {image: {url: "https://x.example/e"}}}`)
				w.want("no first name", surveys(), false)
				w.apply(agentFeedback + card("Directory", ", card: {bio: Skis, stateOrCountry: QC}"))
				w.apply(card("Directory", ", card: {bio: Skis, stateOrCountry: QC"+approved(w.Lint.Teammate("eva").CardHash)+"}"))
				w.want("approved without an image", fmt.Sprint(w.condition("Teammate/eva", "CardApproved"), " ", surveys()), "True false")
			},
		},
		"S-120 a plan carries the stamp over": {
			given: stamped("{name: ana}", "{name: p}", "1"),
			play: func(w *world) {
				w.put(builder.Objects(w.t, group("{name: ana}, {name: mia}", "{name: p}", "1"))...)
				w.restart(w.ledger, true)
				w.want("NEW: the default role only", w.on("mia", "p"), "care.label care.view")
				w.put(builder.Objects(w.t, group("{name: ana}, {name: mia}", "{name: p}", "2"))...)
				w.restart(w.ledger, true)
				w.want("NEW2: the group's role", w.on("mia", "p"), "care.reply care.view")
			},
		},
		"S-120 a plan carries the exclusive group over": {
			given: "Organization default {policies: {groupMembership: Exclusive}}\nTeammate tom {groups: [{name: zeta}]}\nUserGroup zeta\nUserGroup beta",
			play: func(w *world) {
				w.store(builder.Objects(w.t, "UserGroup beta {members: [{name: tom}]}")[0])
				w.restart(w.ledger, true)
				w.want("groups", w.groups("tom")+", beta rejects "+w.rejected("beta"), "zeta(Teammate), beta rejects tom/ExclusiveConflict")
				w.restart(nil, false)
				w.want("a new organization chooses by rank", w.groups("tom"), "beta(Explicit)")
			},
		},
	})
}

func leader(name, more string) string {
	return fmt.Sprintf("Teammate %s {onboarding: {method: Directory}, canManageTeams: true%s}", name, more)
}

func report(name, to string) string {
	return fmt.Sprintf("Teammate %s {onboarding: {method: Directory}, teamLeaderRef: {name: %s}}", name, to)
}

// TestRenamedTeammate is S-122: a Teammate is replaced by one of another name and the same address, in both orders.
func TestRenamedTeammate(t *testing.T) {
	const confirmed = ` metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}`
	fields := func(approval string) string {
		return `{identity: {email: ana@x.example}, firstName: Ana, lastName: T, canManageTeams: true, channels: [Chat],
			card: {image: {url: "https://x.example/a"}, bio: Skis, stateOrCountry: QC` + approval + `}}`
	}
	start := func(t *testing.T) (w *world, renamed string) {
		w = found(t, agentFeedback+"Teammate ana "+fields("")+confirmed)
		approval := approved(w.Lint.Teammate("ana").CardHash)
		w.apply("Teammate ana " + fields(approval) + confirmed)
		w.want("before", w.phase("ana"), "Active")
		return w, "Teammate ana-t " + fields(approval)
	}
	after := func(w *world) {
		w.want("afterwards", w.phase("ana-t"), "Active")
		w.want("confirmed when", transition(w.Lint.Teammate("ana-t").ConfirmedAt), "2027-03-01T11:00:00Z")
		w.want("surveys", *w.Lint.Teammate("ana-t").SurveyEligible, true)
		w.want("records", len(w.ledger["people-0"].People), 1)
		w.restart(w.ledger, true)
		w.want("after a restart", w.phase("ana-t")+" "+transition(w.Lint.Teammate("ana-t").ConfirmedAt), "Active 2027-03-01T11:00:00Z")
	}
	t.Run("S-122 created, then deleted", func(t *testing.T) {
		w, renamed := start(t)
		w.apply(renamed)
		w.want("while both exist", w.phase("ana")+" "+w.phase("ana-t"), "Active Invalid/DuplicateIdentity")
		w.remove("Teammate/ana")
		after(w)
	})
	t.Run("S-122 deleted, then created", func(t *testing.T) {
		w, renamed := start(t)
		w.remove("Teammate/ana")
		w.apply(renamed)
		after(w)
	})
	t.Run("S-122 in one change", func(t *testing.T) {
		w, renamed := start(t)
		gone := w.gone("Teammate/ana")
		o := builder.Objects(t, renamed)[0]
		w.store(o)
		w.change(gone, roster.Change{Object: o})
		after(w)
	})
}

// TestScenariosOfState is S-87 and S-144.
func TestScenariosOfState(t *testing.T) {
	playAll(t, map[string]scenario{
		"S-87 without the Organization everything freezes": {
			given: stamped("{name: ana}", "{name: p}", "1"),
			play: func(w *world) {
				before := w.hashes()
				organization := w.objects[objectNamed("Organization/default")]
				w.remove("Organization/default")
				w.want("frozen", fmt.Sprint(w.Frozen(), w.touched.Empty()), "true true")
				w.apply(group("{name: ana}, {name: mia}", "{name: p}", "1"))
				w.remove("Teammate/ben")
				w.at("2027-03-02T12:00:00Z")
				w.want("frozen still", fmt.Sprint(w.Frozen(), w.touched.Empty()), "true true")
				w.want("outputs", w.hashes(), before)
				w.put(organization)
				w.want("what was edited meanwhile counts", w.on("mia", "p"), "care.label care.view")
				w.apply("Teammate ben\n" + group("{name: ana}", "{name: p}", "1"))
				w.want("same hashes", w.hashes(), before)
			},
		},
		"S-144 the Ledger is lost": {
			given: `
				Organization default {preset: VoiceCenter}
				Teammate bea {identity: {email: e@x.example}, onboarding: {method: Directory}} metadata {creationTimestamp: "2027-01-01T00:00:00Z"}
				Teammate arc {onboarding: {method: Directory}, lifecycle: {state: Archived}}
				Teammate note {onboarding: {method: Invite}} metadata {annotations: {rollcall.dev/confirmed-at: "2027-02-01T00:00:00Z"}}
				Teammate none {onboarding: {method: Invite}} metadata {annotations: {rollcall.dev/confirmed-at: "2027-02-01T00:00:00Z"}}`,
			play: func(w *world) {
				w.apply(`Teammate ana {identity: {email: E@x.example}, onboarding: {method: Directory}} metadata {creationTimestamp: "2027-02-01T00:00:00Z"}
					Teammate none {onboarding: {method: Invite}}`)
				phases := func() string {
					var out []string
					for _, name := range []string{"ana", "bea", "arc", "note", "none"} {
						out = append(out, name+" "+w.phase(name))
					}
					return strings.Join(out, ", ")
				}
				w.want("before", phases(), "ana Invalid/DuplicateIdentity, bea Active, arc Archived, note Active, none Active")
				w.now = w.now.Add(time.Hour)
				w.lose()
				w.want("after", phases(), "ana Active, bea Invalid/DuplicateIdentity, arc Archived, note Active, none Invited")
				w.want("archived when", transition(w.Lint.Teammate("arc").ArchivedAt), "2027-03-01T13:00:00Z")
				w.want("confirmed when", transition(w.Lint.Teammate("note").ConfirmedAt), "2027-02-01T00:00:00Z")
				w.touched = w.keep(w.Confirm(w.now, []string{"email=none@fjordline.example", "email=note@fjordline.example", "email=nobody@fjordline.example"}))
				w.want("an account in use", phases(), "ana Active, bea Invalid/DuplicateIdentity, arc Archived, note Active, none Active")
				w.want("since when", transition(w.Lint.Teammate("none").ConfirmedAt), "2027-03-01T13:00:00Z")
				w.want("as before", transition(w.Lint.Teammate("note").ConfirmedAt), "2027-02-01T00:00:00Z")
				w.want("kept", fmt.Sprint(len(w.touched.Ledger)), "1")
				w.now = w.now.Add(time.Hour)
				w.touched = w.keep(w.Confirm(w.now, []string{"email=none@fjordline.example", "email=e@x.example"}))
				w.want("a key goes to its holder", fmt.Sprint(w.Lint.Teammate("ana").ConfirmedAt != nil, w.Lint.Teammate("bea").ConfirmedAt != nil), "true false")
				w.want("once and for good", transition(w.Lint.Teammate("none").ConfirmedAt), "2027-03-01T13:00:00Z")
				w.restart(maps.Clone(w.ledger), true)
				w.want("after a restart", w.phase("none"), "Active")
			},
		},
	})
}

// TestWithoutOrganization: nothing follows from objects before there is an Organization, and everything at once when it comes
// one of another name is none.
func TestWithoutOrganization(t *testing.T) {
	objects := builder.Objects(t, "Profile p\nTeammate ana\nUserGroup g {members: [{name: ana}]}\nDepartment d {groups: [{name: g}]}")
	w := &world{t: t, now: monday, objects: map[lint.Object]metav1.Object{}}
	for _, o := range objects {
		w.store(o)
	}
	w.restart(nil, false)
	w.want("frozen", fmt.Sprint(w.Frozen(), " ", w.touched.Empty(), " ", w.EffectiveAccess("ana") == nil, " ", len(w.ledger)), "true true true 0")
	other := builder.Organization()
	other.Name = "other"
	w.put(other)
	w.want("frozen", fmt.Sprint(w.Frozen(), " ", w.touched.Empty()), "true true")
	w.put(builder.Organization())
	w.want("touched", w.writes(), "1 access, 1 plans, 5 inputs, 1 ledger")
	w.want("computed", w.phase("ana")+" "+w.candidates("Department/d"), "Active ana")
}

// TestDepartedPeople: what is remembered of a person outlives them by two minutes, so that a renamed or recreated object
// finds it, and not longer.
func TestDepartedPeople(t *testing.T) {
	const eva = `Teammate eva {onboarding: {method: Invite}, identity: {email: eva@x.example}}`
	start := func(t *testing.T) *world {
		w := found(t, "Organization default {policies: {onboarding: {confirmation: Required}}}\n"+eva+` metadata {annotations: {rollcall.dev/confirmed-at: "2027-03-01T11:00:00Z"}}`)
		w.want("records", len(w.ledger["people-0"].People), 1)
		w.remove("Teammate/eva")
		return w
	}
	tests := map[string]struct {
		after   time.Duration
		restart bool
		want    string
	}{
		"found again a second before the grace ends":                   {after: 2*time.Minute - time.Second, want: "Active"},
		"forgotten when it ends":                                       {after: 2 * time.Minute, want: "Invited"},
		"a restart begins the grace anew: found again long afterwards": {after: time.Hour, restart: true, want: "Active"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			next, ok := w.NextTransition()
			w.want("next transition", fmt.Sprint(next.Sub(w.now), ok), "2m0s true")
			w.now = w.now.Add(tc.after)
			if tc.restart {
				w.restart(w.ledger, true)
			}
			w.change()
			_, kept := w.ledger["people-0"]
			w.want("record kept", kept, tc.want == "Active")
			w.apply(eva)
			w.want("phase", w.phase("eva"), tc.want)
		})
	}
}
