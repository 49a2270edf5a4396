package admission_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Layer 2. Everybody here is a member of system:masters: these rules do not ask who writes.
var _ = Describe("Layer 2", func() {
	admin := func() *actor { return as("admin", "system:masters") }

	It("VAP-1: identity by one of requireOneOf (S-24)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetAgentFeedback, nil, `
			Teammate old {identity: {directoryID: d-1}}
			Teammate mail {identity: {email: mail@x.example, directoryID: d-2}}`)
		a := admin()
		Expect(a.creates(ctx, t, `Teammate ana {identity: {directoryID: d-3}}`)).To(
			beDenied("VAP-1", "Teammate ana", "spec.identity", "set one of Email, EmployeeID"))
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "3"}}`)).To(beAdmitted())
		Expect(a.Create(ctx, raw(t, "Teammate", "ana", `{identity: {username: ana}}`))).To(beRefused("at least one of email"))
		Expect(a.Create(ctx, raw(t, "Teammate", "ana", `{identity: {employeeID: "3"}, onboarding: {method: Invite}}`))).To(beRefused("email"))
		// Stored before the policy: only a change of a key counts.
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {firstName: Old}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {identity: {username: old}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {identity: {directoryID: d-9}}}`)).To(beDenied("VAP-1", "Teammate old"))
		Expect(a.patches(ctx, t, "Teammate/mail", `{spec: {identity: {email: null}}}`)).To(beDenied("VAP-1", "Teammate mail"))
	})

	It("VAP-1: e-mail domains", func(ctx context.Context) {
		overrides := &rollcallv1.Policies{Identity: &rollcallv1.IdentityPolicy{AllowedEmailDomains: []string{"Fjordline.example", "b.example"}}}
		t := newTenant(ctx, rollcallv1.PresetCustom, overrides, `Teammate old {identity: {email: old@elsewhere.example}}`)
		a := admin()
		Expect(a.creates(ctx, t, `Teammate ana {identity: {email: ana@elsewhere.example}}`)).To(
			beDenied("VAP-1", "Teammate ana", "elsewhere.example", "spec.identity.email", "allowedEmailDomains"))
		Expect(a.creates(ctx, t, `Teammate ana {identity: {email: Ana@FJORDLINE.example}}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Teammate ana {identity: {email: ana@sub.b.example}}`)).To(beDenied("VAP-1"))
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "7"}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {identity: {employeeID: "8"}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {identity: {email: new@elsewhere.example}}}`)).To(beDenied("VAP-1"))
	})

	It("S-74: archived people stay archived (VAP-2)", func(ctx context.Context) {
		objects := `Teammate ana {lifecycle: {state: Archived}}`
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, objects)
		a := admin()
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: {state: Active}}}`)).To(
			beDenied("VAP-2", "Teammate ana", "spec.lifecycle.state", "create a new Teammate"))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: null}}`)).To(beDenied("VAP-2"))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}}}`)).To(beDenied("VAP-2"))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lastName: Gone}}`)).To(beAdmitted())
		Expect(a.patches(ctx, newTenant(ctx, rollcallv1.PresetCustom, nil, objects), "Teammate/ana", `{spec: {lifecycle: {state: Active}}}`)).To(beAdmitted())
	})

	It("VAP-3: archived before deleted (S-73)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetAgentFeedback, nil, `
			Teammate ana {identity: {employeeID: "1"}}
			Teammate gone {identity: {employeeID: "2"}, lifecycle: {state: Archived}}`)
		a := admin()
		Expect(a.deletes(ctx, t, "Teammate/ana")).To(beDenied("VAP-3", "Teammate ana", "spec.lifecycle.state", "Archived first"))
		Expect(a.deletes(ctx, t, "Teammate/gone")).To(beAdmitted())
		Expect(a.DeleteAllOf(ctx, &rollcallv1.Teammate{}, inNamespace(t), dryRun())).To(beDenied("VAP-3", "Teammate ana"))
	})

	It("S-11: groups are disabled, not deleted (VAP-4)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, `
			UserGroup desk
			UserGroup free {deletionPolicy: Allow}
			UserGroup marked {} metadata {annotations: {rollcall.dev/allow-delete: "true"}}
			UserGroup mismarked {} metadata {annotations: {rollcall.dev/allow-delete: "yes"}}`)
		a := admin()
		Expect(a.deletes(ctx, t, "UserGroup/desk")).To(beDenied("VAP-4", "UserGroup desk", "policies.groupDeletion", "spec.state to Disabled"))
		Expect(a.deletes(ctx, t, "UserGroup/mismarked")).To(beDenied("VAP-4"))
		Expect(a.deletes(ctx, t, "UserGroup/free")).To(beAdmitted())
		Expect(a.deletes(ctx, t, "UserGroup/marked")).To(beAdmitted())

		t = newTenant(ctx, rollcallv1.PresetCustom, nil, `
			UserGroup desk
			UserGroup kept {deletionPolicy: DisableOnly}`)
		Expect(a.deletes(ctx, t, "UserGroup/kept")).To(beDenied("VAP-4", "UserGroup kept", "spec.deletionPolicy"))
		Expect(a.deletes(ctx, t, "UserGroup/desk")).To(beAdmitted())
	})

	It("S-103: groups in use (VAP-5)", func(ctx context.Context) {
		objects := `
			UserGroup desk
			UserGroup off {state: Disabled}
			UserGroup idle`
		used := func(t *tenant) {
			for _, name := range []string{"UserGroup/desk", "UserGroup/off"} {
				t.reports(ctx, name, `{departments: [care], departmentCount: 1, memberCount: 0, directMemberCount: 0, profileCount: 0}`)
			}
		}
		t := newTenant(ctx, rollcallv1.PresetChatDesk, nil, objects, used)
		a := admin()
		warning := And(ContainSubstring("VAP-5: UserGroup desk"), ContainSubstring("spec.groups of the departments"))
		Expect(a.patches(ctx, t, "UserGroup/desk", `{spec: {state: Disabled}}`)).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(warning))
		Expect(a.deletes(ctx, t, "UserGroup/desk")).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(warning))
		Expect(a.patches(ctx, t, "UserGroup/desk", `{spec: {description: Desk}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/idle", `{spec: {state: Disabled}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/off", `{spec: {description: Closed}}`)).To(beAdmitted())
		Expect(a.deletes(ctx, t, "UserGroup/idle")).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())

		Expect(a.deletes(ctx, newTenant(ctx, rollcallv1.PresetCustom, nil, objects, used), "UserGroup/desk")).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())
	})

	It("S-12: disabled groups are not edited (VAP-6)", func(ctx context.Context) {
		objects := `
			Teammate ana
			UserGroup off {state: Disabled, members: [{name: ana}]}
			UserGroup on {members: [{name: ana}]}`
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, objects)
		a := admin()
		Expect(a.patches(ctx, t, "UserGroup/off", `{spec: {members: []}}`)).To(
			beDenied("VAP-6", "UserGroup off", "spec.members cannot change", "set spec.state to Enabled first"))
		Expect(a.patches(ctx, t, "UserGroup/off", `{spec: {state: Enabled, members: [], handle: offline}}`)).To(beDenied("VAP-6", "spec.handle, spec.members"))
		Expect(a.patches(ctx, t, "UserGroup/off", `{spec: {state: Enabled}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/off", `{metadata: {labels: {team: closed}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/on", `{spec: {members: []}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/on", `{spec: {members: [], state: Disabled}}`)).To(beAdmitted())
		Expect(a.patches(ctx, newTenant(ctx, rollcallv1.PresetCustom, nil, objects), "UserGroup/off", `{spec: {members: []}}`)).To(beAdmitted())
	})

	It("S-75: leaders with reports (VAP-7)", func(ctx context.Context) {
		objects := `
			Teammate lea {identity: {employeeID: "1"}, canManageTeams: true}
			Teammate solo {identity: {employeeID: "2"}, canManageTeams: true}`
		leads := func(t *tenant) { t.reports(ctx, "Teammate/lea", `{directReports: 2}`) }
		t := newTenant(ctx, rollcallv1.PresetAgentFeedback, nil, objects, leads)
		a := admin()
		warning := And(ContainSubstring("VAP-7: Teammate lea"), ContainSubstring("2 people report"), ContainSubstring("spec.teamLeaderRef"))
		Expect(a.patches(ctx, t, "Teammate/lea", `{spec: {lifecycle: {state: Archived}}}`)).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(warning))
		Expect(a.patches(ctx, t, "Teammate/solo", `{spec: {lifecycle: {state: Archived}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/lea", `{spec: {firstName: Lea}}`)).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())
		t.reports(ctx, "Teammate/lea", `{directReports: 0}`)
		Expect(a.patches(ctx, t, "Teammate/lea", `{spec: {lifecycle: {state: Archived}}}`)).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())

		orphan := &rollcallv1.Policies{LeaderDeparture: new(rollcallv1.LeaderDepartureOrphan)}
		t = newTenant(ctx, rollcallv1.PresetAgentFeedback, orphan, objects, leads)
		Expect(a.patches(ctx, t, "Teammate/lea", `{spec: {lifecycle: {state: Archived}}}`)).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())

		t = newTenant(ctx, rollcallv1.PresetCustom, nil, objects, leads)
		Expect(a.deletes(ctx, t, "Teammate/lea")).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(warning))
	})

	It("S-21: chat limits (VAP-8)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, `Teammate old {maxChats: -1}`)
		a := admin()
		Expect(a.Create(ctx, raw(t, "Teammate", "ana", `{identity: {email: ana@x.example}, maxChats: 0}`))).To(beRefused("spec.maxChats"))
		Expect(a.creates(ctx, t, `Teammate ana {maxChats: 101}`)).To(beDenied("VAP-8", "Teammate ana", "spec.maxChats 101", "maximum 100"))
		Expect(a.creates(ctx, t, `Teammate ana {maxChats: -1}`)).To(beDenied("VAP-8", "Teammate ana", "spec.maxChats -1", "from 1 to 100"))
		Expect(a.creates(ctx, t, `Teammate ana {maxChats: 100}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Teammate ana`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {firstName: Old}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {maxChats: 101}}`)).To(beDenied("VAP-8"))
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {maxChats: null}}`)).To(beAdmitted())
		// S-22
		Expect(a.creates(ctx, newTenant(ctx, rollcallv1.PresetChatDesk, nil, ""), `Teammate ana {identity: {directoryID: a}, maxChats: -1}`)).To(beAdmitted())
	})

	It("S-43: queues per person (VAP-9)", func(ctx context.Context) {
		six := `{type: Queues, queues: [{name: q1}, {name: q2}, {name: q3}, {name: q4}, {name: q5}, {name: q6}]}`
		five := `{type: Queues, queues: [{name: q1}, {name: q2}, {name: q3}, {name: q4}, {name: q5}]}`
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, `
			Teammate old {assignment: `+six+`}
			Teammate ben`)
		a := admin()
		Expect(a.creates(ctx, t, `Teammate ana {assignment: `+six+`}`)).To(beDenied("VAP-9", "Teammate ana", "spec.assignment.queues", "at most"))
		Expect(a.creates(ctx, t, `Teammate ana {assignment: `+five+`}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/ben", `{spec: {assignment: `+six+`}}`)).To(beDenied("VAP-9", "Teammate ben"))
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {firstName: Old}}`)).To(beAdmitted())
		Expect(a.creates(ctx, newTenant(ctx, rollcallv1.PresetCustom, nil, ""), `Teammate ana {assignment: `+six+`}`)).To(beAdmitted())
	})

	It("S-20: length of a block (VAP-10)", func(ctx context.Context) {
		block := func(until string) string {
			return `{state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "` + until + `"}`
		}
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, `
			Teammate ana
			Teammate old {lifecycle: `+block("2027-01-01T00:05:00Z")+`}`)
		a := admin()
		for until, want := range map[string]types.GomegaMatcher{
			"2027-01-01T07:59:00Z": beDenied("VAP-10", "Teammate ana", "spec.lifecycle.blockedFrom", "minDuration 8h"),
			"2027-01-01T08:00:00Z": beAdmitted(),
			"2027-02-01T00:00:00Z": beAdmitted(), // 744h
			"2027-02-01T00:00:01Z": beDenied("VAP-10", "Teammate ana", "maxDuration 744h"),
		} {
			Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: `+block(until)+`}}`)).To(want, until)
			Expect(a.creates(ctx, t, `Teammate ana {lifecycle: `+block(until)+`}`)).To(Or(want, MatchError(ContainSubstring("already exists"))), until)
		}
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {firstName: Old}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {lifecycle: {reason: Leave}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {lifecycle: {blockedUntil: "2027-01-01T00:06:00Z"}}}`)).To(beDenied("VAP-10"))

		t = newTenant(ctx, rollcallv1.PresetCustom, nil, `Teammate ana`)
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: `+block("2027-01-01T00:05:00Z")+`}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: `+block("2027-03-25T08:00:00Z")+`}}`)).To(beAdmitted()) // 2000h
	})

	It("S-44: out of an active campaign (VAP-11)", func(ctx context.Context) {
		objects := `
			Teammate ana {assignment: {type: Campaign, campaignRef: {name: spring}}}
			Teammate ben {assignment: {type: Campaign, campaignRef: {name: autumn}}}
			Teammate eva {assignment: {type: Campaign, campaignRef: {name: spring}}}`
		states := func(t *tenant) {
			t.reports(ctx, "Teammate/ana", `{directReports: 0, assignment: {type: Campaign, campaign: spring, campaignState: Active}}`)
			t.reports(ctx, "Teammate/ben", `{directReports: 0, assignment: {type: Campaign, campaign: autumn, campaignState: Paused}}`)
		}
		toQueues := `{spec: {assignment: {type: Queues, campaignRef: null, queues: [{name: q1}]}}}`
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, objects, states)
		a := admin()
		Expect(a.patches(ctx, t, "Teammate/ana", toQueues)).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(And(ContainSubstring("VAP-11: Teammate ana"), ContainSubstring("spec.assignment"), ContainSubstring("{type: None} first"))))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {assignment: {type: None, campaignRef: null}}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/ben", toQueues)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/eva", toQueues)).To(beAdmitted()) // no status yet
		Expect(a.warned()).To(BeEmpty())
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {assignment: {type: Queues, queues: [{name: q1}]}}}`)).To(beRefused("campaignRef"))
		Expect(a.patches(ctx, newTenant(ctx, rollcallv1.PresetCustom, nil, objects, states), "Teammate/ana", toQueues)).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())
	})

	It("S-09, S-101: one group for good under Exclusive (VAP-12)", func(ctx context.Context) {
		two := `groups: [{name: a}, {name: b}]`
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, `
			Teammate old {`+two+`}
			Teammate ana {groups: [{name: a}]}
			UserGroup a
			UserGroup b
			UserGroup all {includes: [{name: a}]}`)
		a := admin()
		Expect(a.creates(ctx, t, `Teammate ben {`+two+`}`)).To(beDenied("VAP-12", "Teammate ben", "spec.groups has 2 entries", "give until"))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {`+two+`}}`)).To(beDenied("VAP-12", "Teammate ana"))
		Expect(a.patches(ctx, t, "Teammate/ana", `{spec: {groups: [{name: a}, {name: b, until: "2027-01-08T17:00:00Z"}]}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {firstName: Old}}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `UserGroup c {includes: [{name: a}]}`)).To(beDenied("VAP-12", "UserGroup c", "spec.includes", "spec.members"))
		Expect(a.patches(ctx, t, "UserGroup/b", `{spec: {includes: [{name: a}]}}`)).To(beDenied("VAP-12", "UserGroup b"))
		Expect(a.patches(ctx, t, "UserGroup/all", `{spec: {description: All}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/all", `{spec: {includes: []}}`)).To(beAdmitted())
		// Membership from the group's side is layer 4's.
		Expect(a.patches(ctx, t, "UserGroup/b", `{spec: {members: [{name: ana}]}}`)).To(beAdmitted())

		t = newTenant(ctx, rollcallv1.PresetCustom, nil, "")
		Expect(a.creates(ctx, t, "Teammate ben {"+two+"}\nUserGroup c {includes: [{name: a}]}")).To(beAdmitted())
	})

	It("VAP-13: practices", func(ctx context.Context) {
		objects := `
			Profile old {type: Line, phoneNumber: "+15550000001"}
			Profile mine {type: Line, phoneNumber: "+15550000002", practiceName: north}
			UserGroup older {scope: Enterprise}`
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, objects)
		a := admin()
		Expect(a.creates(ctx, t, `UserGroup g {scope: Enterprise}`)).To(beDenied("VAP-13", "UserGroup g", "spec.scope is Enterprise", "practiceScoping to Enabled"))
		Expect(a.creates(ctx, t, `UserGroup g {scope: Practice, practices: [{name: north}]}`)).To(beDenied("VAP-13", "UserGroup g"))
		Expect(a.creates(ctx, t, `UserGroup g`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Profile p {type: Line, phoneNumber: "+15550000003"}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "UserGroup/older", `{spec: {description: Older}}`)).To(beAdmitted())

		t = newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, objects)
		Expect(a.creates(ctx, t, `UserGroup g {scope: Practice, practices: [{name: north}]}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Profile p {type: Line, phoneNumber: "+15550000003"}`)).To(beDenied("VAP-13", "Profile p", "spec.practiceName"))
		Expect(a.creates(ctx, t, `Profile p {type: Line, phoneNumber: "+15550000003", practiceName: north}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Profile p {type: Chat}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Profile/old", `{spec: {displayName: Old}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Profile/mine", `{spec: {practiceName: null}}`)).To(beDenied("VAP-13", "Profile mine"))
	})

	It("S-99: small survey images (VAP-14)", func(ctx context.Context) {
		image := func(size string) string { return `card: {image: {url: "https://x.example/a.png"` + size + `}}` }
		t := newTenant(ctx, rollcallv1.PresetAgentFeedback, nil, `Teammate old {identity: {employeeID: "1"}, `+image(", width: 10, height: 10")+`}`)
		a := admin()
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "2"}, `+image(", width: 120, height: 200")+`}`)).To(beAdmitted())
		Expect(a.warned()).To(ConsistOf(And(ContainSubstring("VAP-14: Teammate ana"), ContainSubstring("spec.card.image has a side of 120"), ContainSubstring("is 160"))))
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {card: {image: {height: 159, width: null}}}}`)).To(beAdmitted())
		Expect(a.warned()).To(HaveLen(1))
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "2"}, `+image(", width: 160, height: 160")+`}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "2"}, `+image("")+`}`)).To(beAdmitted())
		Expect(a.creates(ctx, t, `Teammate ana {identity: {employeeID: "2"}, card: {bio: Hello}}`)).To(beAdmitted())
		Expect(a.patches(ctx, t, "Teammate/old", `{spec: {card: {bio: Hello}}}`)).To(beAdmitted())
		Expect(a.warned()).To(BeEmpty())
	})

	It("S-87: the Organization is not deleted from under its people (VAP-15)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "")
		a := admin()
		Expect(a.deletes(ctx, t, "Organization/default")).To(beDenied("VAP-15", "Organization default", t.namespace, "metadata.annotations[rollcall.dev/allow-delete]"))
		Expect(a.DeleteAllOf(ctx, &rollcallv1.Organization{}, inNamespace(t), dryRun())).To(beDenied("VAP-15"))
		t.changes(ctx, "Organization/default", `{metadata: {annotations: {rollcall.dev/allow-delete: "true"}}}`)
		Expect(a.Delete(ctx, t.object("Organization/default"))).To(beAdmitted())
		// And it can be created again.
		t.organization.ResourceVersion, t.organization.UID = "", ""
		Expect(a.Create(ctx, t.organization)).To(beAdmitted())
	})
})
