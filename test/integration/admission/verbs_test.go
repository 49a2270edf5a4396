package admission_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	rbacv1 "k8s.io/api/rbac/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Layer 3: who is writing.
var _ = Describe("Layer 3", func() {
	const write = "create,delete,get,patch,update"

	It("S-68: a manager gives built-in roles below administrator only (ACT-1, ACT-7)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate ana
			UserGroup desk
			UserGroup set {permissionSet: {profileRoleRef: {name: custom}}}
			ProfileRole custom {permissions: [care.delete]}`)
		manager := as(user("manager"))
		for role, want := range map[string]types.GomegaMatcher{
			"agent": beAdmitted(), "staff": beAdmitted(), "supervisor": beAdmitted(), "team-leader": beAdmitted(), "viewer": beAdmitted(),
			"administrator": beDenied("ACT-1", "Teammate ana", "spec.accountRoleRef", "assign on accountroles default and administrator", user("manager")),
			"owner":         beDenied("ACT-1"), "manager": beDenied("ACT-1"), "enterprise": beDenied("ACT-1"), "custom": beDenied("ACT-1"),
		} {
			Expect(manager.patches(ctx, t, "Teammate/ana", `{spec: {accountRoleRef: {name: `+role+`}}}`)).To(want, role)
		}
		for role, want := range map[string]types.GomegaMatcher{
			"view-only": beAdmitted(), "create": beAdmitted(), "create-publish": beAdmitted(), "create-publish-approve": beAdmitted(), "approve-only": beAdmitted(),
			"custom": beDenied("ACT-7", "UserGroup desk", "spec.permissionSet.profileRoleRef", "assign on profileroles custom"),
		} {
			Expect(manager.patches(ctx, t, "UserGroup/desk", `{spec: {permissionSet: {profileRoleRef: {name: `+role+`}}}}`)).To(want, role)
			Expect(manager.creates(ctx, t, `UserGroup fresh {permissionSet: {profileRoleRef: {name: `+role+`}}}`)).To(
				Or(want, beDenied("ACT-7", "UserGroup fresh")), role)
		}
		Expect(manager.creates(ctx, t, `UserGroup fresh {permissionSet: {profileRoleRef: {name: custom}}}`)).To(beDenied("ACT-7", "UserGroup fresh"))
		// A set that is there stays as it is, whatever else changes; taking it away ends what it denies.
		Expect(manager.patches(ctx, t, "UserGroup/set", `{spec: {members: [{name: ana}], permissionSet: {reflashToken: "2"}}}`)).To(beAdmitted())
		Expect(manager.patches(ctx, t, "UserGroup/set", `{spec: {permissionSet: null}}`)).To(beDenied("ACT-7", "UserGroup set", "custom"))
	})

	It("S-69: a manager does not take over an Owner (ACT-1)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate boss {accountRoleRef: {name: owner}}
			Teammate ana {accountRoleRef: {name: agent}}`)
		manager, owner := as(user("manager")), as(user("owner"))
		takeovers := map[string]string{
			"spec.identity":               `{spec: {identity: {username: max}}}`,
			"identity":                    `{spec: {identity: {email: max@x.example}}}`,
			"spec.onboarding.inviteToken": `{spec: {onboarding: {inviteToken: again}}}`,
			"spec.onboarding.temporaryPasswordSecretRef":      `{spec: {onboarding: {temporaryPasswordSecretRef: {name: first, key: password}}}}`,
			"metadata.annotations[rollcall.dev/confirmed-at]": `{metadata: {annotations: {rollcall.dev/confirmed-at: "2027-01-01T00:00:00Z"}}}`,
			"spec.from":  `{spec: {from: "2027-01-01T00:00:00Z"}}`,
			"spec.until": `{spec: {until: "2027-01-01T00:00:00Z"}}`,
		}
		for field, patch := range takeovers {
			Expect(manager.patches(ctx, t, "Teammate/boss", patch)).To(beDenied("ACT-1", "Teammate boss", field, "assign on accountroles owner"), field)
			Expect(manager.patches(ctx, t, "Teammate/ana", patch)).To(beAdmitted(), field)
			Expect(owner.patches(ctx, t, "Teammate/boss", patch)).To(beAdmitted(), field)
		}
		Expect(manager.patches(ctx, t, "Teammate/ana", `{spec: {identity: {username: "system:masters"}}}`)).To(beRefused("system:"))
		Expect(owner.patches(ctx, t, "Teammate/ana", `{spec: {identity: {username: "system:masters"}}}`)).To(beRefused("system:"))
		// What says nothing about role or identity is not ACT-1's.
		Expect(manager.patches(ctx, t, "Teammate/boss", `{spec: {firstName: Boss, groups: [{name: desk}]}, metadata: {annotations: {note: x}}}`)).To(beAdmitted())
	})

	It("S-48: the flag that lets somebody be an Owner is part of the identity (ACT-1)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetChatDesk, nil, `Teammate boss {identity: {directoryID: d-1}, accountRoleRef: {name: owner}}`)
		flag := `{spec: {identity: {directoryTenantAdmin: true}}}`
		Expect(as(user("administrator")).patches(ctx, t, "Teammate/boss", flag)).To(beDenied("ACT-1", "spec.identity"))
		Expect(as(user("owner")).patches(ctx, t, "Teammate/boss", flag)).To(beAdmitted())
	})

	It("S-124: nor by deleting, demoting or creating (ACT-1)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate boss {accountRoleRef: {name: owner}}
			Teammate adam {accountRoleRef: {name: administrator}}
			Teammate ana`)
		manager := as(user("manager"))
		// A manager may not delete anybody (ACT-6), so ACT-1 is seen with archive beside it.
		archivist := "archivist"
		t.grant(ctx, archivist, policyRule("teammates", write+",deletecollection"), policyRule("teammates", "archive"), policyRule("teammates", "edit"),
			policyRule("accountroles:agent,default", "assign"))
		Expect(manager.deletes(ctx, t, "Teammate/boss")).To(beDenied("ACT-1|ACT-6", "Teammate boss", "deleting it"))
		Expect(as(archivist).deletes(ctx, t, "Teammate/boss")).To(beDenied("ACT-1", "Teammate boss", "deleting it", "assign on accountroles owner"))
		Expect(as(archivist).deletes(ctx, t, "Teammate/ana")).To(beAdmitted())
		Expect(as(archivist).DeleteAllOf(ctx, &rollcallv1.Teammate{}, inNamespace(t), dryRun())).To(beDenied("ACT-1"))
		Expect(manager.patches(ctx, t, "Teammate/adam", `{spec: {accountRoleRef: {name: agent}}}`)).To(
			beDenied("ACT-1", "Teammate adam", "assign on accountroles administrator and agent"))
		Expect(manager.patches(ctx, t, "Teammate/adam", `{spec: {accountRoleRef: null}}`)).To(beDenied("ACT-1", "administrator and default"))
		Expect(manager.creates(ctx, t, `Teammate eve {accountRoleRef: {name: administrator}}`)).To(beDenied("ACT-1", "Teammate eve", "creating it", "administrator"))
		Expect(manager.creates(ctx, t, `Teammate eve`)).To(beAdmitted())

		noDefault := t.userWith(ctx, policyRule("teammates", write), policyRule("accountroles:agent", "assign"))
		Expect(noDefault.creates(ctx, t, `Teammate eve`)).To(beDenied("ACT-1", "Teammate eve", "assign on accountroles default"))
		Expect(noDefault.creates(ctx, t, `Teammate eve {accountRoleRef: {name: agent}}`)).To(beAdmitted())
	})

	It("ACT-1, ACT-7: the roles that an Organization gives to those without", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "")
		t.changes(ctx, "Organization/default", `{spec: {defaultAccountRoleRef: {name: viewer}, defaultProfileRoleRef: {name: view-only}}}`)
		administrator := as(user("administrator"))
		Expect(administrator.patches(ctx, t, "Organization/default", `{spec: {defaultAccountRoleRef: {name: owner}}}`)).To(
			beDenied("ACT-1", "Organization default", "spec.defaultAccountRoleRef", "viewer and owner"))
		Expect(administrator.patches(ctx, t, "Organization/default", `{spec: {defaultAccountRoleRef: {name: agent}}}`)).To(beAdmitted())
		some := t.userWith(ctx, policyRule("organizations", write), policyRule("accountroles:agent", "assign"), policyRule("profileroles:create", "assign"))
		Expect(some.patches(ctx, t, "Organization/default", `{spec: {defaultAccountRoleRef: {name: agent}}}`)).To(beDenied("ACT-1", "viewer and agent"))
		Expect(some.patches(ctx, t, "Organization/default", `{spec: {defaultAccountRoleRef: null}}`)).To(beDenied("ACT-1", "accountroles viewer"))
		Expect(some.patches(ctx, t, "Organization/default", `{spec: {defaultProfileRoleRef: {name: create-publish}}}`)).To(
			beDenied("ACT-7", "Organization default", "spec.defaultProfileRoleRef", "profileroles create-publish"))
		Expect(some.patches(ctx, t, "Organization/default", `{spec: {defaultProfileRoleRef: {name: create}}}`)).To(beAdmitted())
		Expect(some.patches(ctx, t, "Organization/default", `{spec: {timeZone: Europe/Prague}}`)).To(beAdmitted())
	})

	It("S-70: supervisors (ACT-2)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `UserGroup desk {supervisors: [{name: eva}, {name: max}]}`)
		t.grant(ctx, user("supervisor"), policyRule("usergroups", write))
		supervisor, manager := as(user("supervisor")), as(user("manager"))
		for _, list := range []string{`[{name: eva}]`, `[{name: eva}, {name: ana}]`, `[{name: eva}, {name: max}, {name: ana}]`, `[]`, `null`} {
			Expect(manager.patches(ctx, t, "UserGroup/desk", `{spec: {supervisors: `+list+`}}`)).To(beAdmitted(), list)
			Expect(supervisor.patches(ctx, t, "UserGroup/desk", `{spec: {supervisors: `+list+`}}`)).To(
				beDenied("ACT-2", "UserGroup desk", "spec.supervisors", "assign-supervisors"), list)
		}
		Expect(supervisor.patches(ctx, t, "UserGroup/desk", `{spec: {supervisors: [{name: max}, {name: eva}]}}`)).To(beAdmitted())
		Expect(supervisor.patches(ctx, t, "UserGroup/desk", `{spec: {members: [{name: ana}]}}`)).To(beAdmitted())
		Expect(supervisor.creates(ctx, t, `UserGroup other {supervisors: [{name: eva}]}`)).To(beDenied("ACT-2", "UserGroup other"))
		Expect(supervisor.creates(ctx, t, `UserGroup other`)).To(beAdmitted())
		byName := t.userWith(ctx, policyRule("usergroups", write), policyRule("usergroups:desk", "assign-supervisors"))
		Expect(byName.patches(ctx, t, "UserGroup/desk", `{spec: {supervisors: []}}`)).To(beAdmitted())
		Expect(byName.creates(ctx, t, `UserGroup other {supervisors: [{name: eva}]}`)).To(beDenied("ACT-2"))
	})

	It("supervisors of queues and campaigns (ACT-2)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "Queue orders {}\nCampaign sale {mode: Progressive}")
		t.grant(ctx, user("supervisor"), policyRule("queues", write), policyRule("campaigns", write))
		supervisor, manager := as(user("supervisor")), as(user("manager"))
		for _, object := range []string{"Queue/orders", "Campaign/sale"} {
			kind, name, _ := strings.Cut(object, "/")
			Expect(supervisor.patches(ctx, t, object, `{spec: {supervisors: [{name: eva}]}}`)).To(
				beDenied("ACT-2", kind+" "+name, "spec.supervisors", "assign-supervisors"), object)
			Expect(supervisor.patches(ctx, t, object, `{spec: {displayName: Other}}`)).To(beAdmitted(), object)
			Expect(manager.patches(ctx, t, object, `{spec: {supervisors: [{name: eva}]}}`)).To(beAdmitted(), object)
		}
	})

	Context("S-71: one field, one verb", func() {
		const block = `{state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}`
		objects := `
			Teammate ana
			Teammate busy {availability: Unavailable}
			Teammate seen {card: {bio: Hello, approval: {state: Approved, cardHash: abc}}}
			Teammate shut {lifecycle: ` + block + `}
			Teammate gone {lifecycle: {state: Archived}}`
		// Each entry needs the verb and edit, where edit is not excepted by ACT-13.
		type entry struct{ object, patch string }
		verbs := map[string]struct {
			rule, verb string
			needsEdit  bool
			entries    []entry
		}{
			"availability": {"ACT-3", "set-availability", false, []entry{
				{"ana", `{spec: {availability: Unavailable}}`}, {"ana", `{spec: {availability: Inactive}}`}, {"busy", `{spec: {availability: Available}}`}, {"busy", `{spec: {availability: null}}`},
			}},
			"approval": {"ACT-4", "approve-card", false, []entry{
				{"ana", `{spec: {card: {approval: {state: Approved, cardHash: abc}}}}`}, {"seen", `{spec: {card: {approval: {state: Rejected}}}}`},
				{"seen", `{spec: {card: {approval: {cardHash: def}}}}`}, {"seen", `{spec: {card: {approval: null}}}`},
			}},
			"block": {"ACT-5", "block", true, []entry{
				{"ana", `{spec: {lifecycle: ` + block + `}}`}, {"shut", `{spec: {lifecycle: {state: Active, blockedFrom: null, blockedUntil: null}}}`}, {"shut", `{spec: {lifecycle: null}}`},
				{"shut", `{spec: {lifecycle: {blockedUntil: "2027-01-03T00:00:00Z"}}}`}, {"shut", `{spec: {lifecycle: {blockedFrom: "2026-12-31T00:00:00Z"}}}`},
			}},
			"archive": {"ACT-6", "archive", true, []entry{
				{"ana", `{spec: {lifecycle: {state: Archived}}}`}, {"gone", `{spec: {lifecycle: {state: Active}}}`}, {"gone", `{spec: {lifecycle: null}}`},
			}},
		}

		It("is denied without and admitted with it (ACT-3, ACT-4, ACT-5, ACT-6)", func(ctx context.Context) {
			t := newTenant(ctx, rollcallv1.PresetCustom, nil, objects)
			nobody := t.userWith(ctx, policyRule("teammates", "update,patch,get"))
			editor := t.userWith(ctx, policyRule("teammates", "update,patch,get"), policyRule("teammates", "edit"))
			for name, v := range verbs {
				holder := t.userWith(ctx, policyRule("teammates", "update,patch,get"), policyRule("teammates", v.verb))
				for _, e := range v.entries {
					about := name + " " + e.object + " " + e.patch
					denied := beDenied(v.rule, "Teammate "+e.object, "spec.", v.verb+" on")
					if v.needsEdit {
						Expect(nobody.patches(ctx, t, "Teammate/"+e.object, e.patch)).To(beDenied(v.rule+"|ACT-13"), about)
						Expect(holder.patches(ctx, t, "Teammate/"+e.object, e.patch)).To(beDenied("ACT-13", "spec.lifecycle"), about)
					} else {
						Expect(nobody.patches(ctx, t, "Teammate/"+e.object, e.patch)).To(denied, about)
						Expect(holder.patches(ctx, t, "Teammate/"+e.object, e.patch)).To(beAdmitted(), about)
					}
					Expect(editor.patches(ctx, t, "Teammate/"+e.object, e.patch)).To(denied, about)
					Expect(as(user("administrator")).patches(ctx, t, "Teammate/"+e.object, e.patch)).To(beAdmitted(), about)
				}
			}
			Expect(nobody.patches(ctx, t, "Teammate/ana", `{spec: {tags: [{name: vip}]}}`)).To(beDenied("ACT-13", "Teammate ana", "spec.tags", "edit on teammates"))
			Expect(as(user("administrator")).patches(ctx, t, "Teammate/ana", `{spec: {tags: [{name: vip}]}}`)).To(beAdmitted())
			Expect(nobody.patches(ctx, t, "Teammate/ana", `{spec: {skills: [{name: french, level: 3}], maxChats: 4, absences: [{name: summer}]}}`)).To(beAdmitted())
			// The reason of a block is nobody's verb but edit's.
			Expect(editor.patches(ctx, t, "Teammate/shut", `{spec: {lifecycle: {reason: Leave}}}`)).To(beAdmitted())
		})

		It("also holds for people who are created so", func(ctx context.Context) {
			t := newTenant(ctx, rollcallv1.PresetCustom, nil, "")
			creator := t.userWith(ctx, policyRule("teammates", "create"), policyRule("accountroles", "assign"))
			for spec, rule := range map[string]string{
				`availability: Inactive`:              "ACT-3",
				`card: {approval: {state: Approved}}`: "ACT-4",
				`lifecycle: ` + block:                 "ACT-5",
				`lifecycle: {state: Archived}`:        "ACT-6",
			} {
				Expect(creator.creates(ctx, t, `Teammate eve {`+spec+`}`)).To(beDenied(rule, "Teammate eve"), spec)
			}
			Expect(creator.creates(ctx, t, `Teammate eve {availability: Available, card: {bio: Hello}, lifecycle: {state: Active}, tags: [{name: vip}]}`)).To(beAdmitted())
		})
	})

	It("S-125: deleting takes archive (ACT-6)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "Teammate ana\nTeammate gone {lifecycle: {state: Archived}}")
		deleter := t.userWith(ctx, policyRule("teammates", "delete,deletecollection"), policyRule("accountroles", "assign"))
		Expect(deleter.deletes(ctx, t, "Teammate/ana")).To(beDenied("ACT-6", "Teammate ana", "deleting it", "archive on teammates"))
		Expect(deleter.deletes(ctx, t, "Teammate/gone")).To(beDenied("ACT-6", "Teammate gone"))
		// The request for a whole collection names no object; each is checked by its own name.
		t.grant(ctx, deleter.name+"-more", policyRule("teammates", "deletecollection"), policyRule("teammates:ana", "archive"), policyRule("accountroles", "assign"))
		Expect(as(deleter.name+"-more").DeleteAllOf(ctx, &rollcallv1.Teammate{}, inNamespace(t), dryRun())).To(beDenied("ACT-6", "Teammate gone"))
		t.grant(ctx, deleter.name+"-all", policyRule("teammates", "deletecollection"), policyRule("teammates", "archive"), policyRule("accountroles", "assign"))
		Expect(as(deleter.name+"-all").DeleteAllOf(ctx, &rollcallv1.Teammate{}, inNamespace(t), dryRun())).To(beAdmitted())
	})

	It("ACT-7: profile roles of one person", func(ctx context.Context) {
		var profiles []string
		for i := range 500 {
			profiles = append(profiles, fmt.Sprintf("{name: p-%d, profileRoleRef: {name: role-%d}}", i, i%7))
		}
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate ana {profiles: [{name: a, profileRoleRef: {name: view-only}}, {name: b}], practices: [{name: north, profileRoleRef: {name: view-only}}]}
			Teammate all {profiles: [`+strings.Join(profiles, ", ")+`]}`)
		assigns := func(target string) *actor {
			return t.userWith(ctx, policyRule("teammates", "update,patch,create"), policyRule("teammates", "edit"), policyRule("accountroles", "assign"), policyRule(target, "assign"))
		}
		one, every := assigns("profileroles:view-only,create"), assigns("profileroles")
		denied := beDenied("ACT-7", "Teammate ana", "profileRoleRef in spec.profiles", "all profileroles")
		for patch, want := range map[string]types.GomegaMatcher{
			`{profiles: [{name: a, profileRoleRef: {name: create}}, {name: b}]}`:                                       denied,
			`{profiles: [{name: a}, {name: b}]}`:                                                                       denied,
			`{profiles: [{name: a, profileRoleRef: {name: view-only}}, {name: b, profileRoleRef: {name: view-only}}]}`: denied,
			`{profiles: [{name: b}]}`: denied,
			`{profiles: null}`:        denied,
			`{profiles: [{name: c, profileRoleRef: {name: view-only}}, {name: b}]}`: denied,
			`{practices: []}`: beDenied("ACT-7", "Teammate ana", "profileRoleRef in spec.practices"),
			`{practices: [{name: north, profileRoleRef: {name: create}}]}`: beDenied("ACT-7", "spec.practices"),
			// What names no role, or the same as before.
			`{profiles: [{name: a, profileRoleRef: {name: view-only}}]}`:                                           beAdmitted(),
			`{profiles: [{name: b}, {name: a, profileRoleRef: {name: view-only}}, {name: c}]}`:                     beAdmitted(),
			`{profiles: [{name: a, until: "2027-01-01T00:00:00Z", profileRoleRef: {name: view-only}}, {name: b}]}`: beAdmitted(),
			`{practices: [{name: north, lines: [{name: l}], profileRoleRef: {name: view-only}}, {name: south}]}`:   beAdmitted(),
			`{assignAllProfiles: true}`:                       beAdmitted(),
			`{defaultProfileRoleRef: {name: create}}`:         beAdmitted(),
			`{defaultProfileRoleRef: {name: create-publish}}`: beDenied("ACT-7", "spec.defaultProfileRoleRef", "profileroles create-publish"),
		} {
			Expect(one.patches(ctx, t, "Teammate/ana", `{spec: `+patch+`}`)).To(want, patch)
			Expect(every.patches(ctx, t, "Teammate/ana", `{spec: `+patch+`}`)).To(beAdmitted(), patch)
		}
		Expect(one.creates(ctx, t, `Teammate eve {profiles: [{name: a, profileRoleRef: {name: view-only}}]}`)).To(beDenied("ACT-7", "Teammate eve"))
		Expect(one.creates(ctx, t, `Teammate eve {profiles: [{name: a}], defaultProfileRoleRef: {name: create}}`)).To(beAdmitted())

		// The longest list in another order: within the budget of an expression, and no change.
		reversed := make([]string, 0, len(profiles))
		for i := range profiles {
			reversed = append(reversed, profiles[len(profiles)-1-i])
		}
		Expect(one.patches(ctx, t, "Teammate/all", `{spec: {profiles: [`+strings.Join(reversed, ", ")+`]}}`)).To(beAdmitted())
		Expect(one.patches(ctx, t, "Teammate/all", `{spec: {profiles: [`+strings.Join(reversed[1:], ", ")+`]}}`)).To(beDenied("ACT-7", "Teammate all"))
	})

	It("S-126: account roles (ACT-8)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			AccountRole x {baseType: Agent, permissions: [conversations.handle]}
			AccountRole strong {baseType: Agent, permissions: ["*"]}`)
		without := t.userWith(ctx, policyRule("accountroles", write))
		onX := t.userWith(ctx, policyRule("accountroles", write), policyRule("accountroles:x,y,strong", "assign"))
		onOwner := t.userWith(ctx, policyRule("accountroles", write), policyRule("accountroles:x,y,strong,owner", "assign"))
		for _, a := range []*actor{onX, onOwner} {
			Expect(a.patches(ctx, t, "AccountRole/x", `{spec: {permissions: [users.view]}}`)).To(beAdmitted())
			Expect(a.creates(ctx, t, `AccountRole y {baseType: Agent, permissions: [users.view, organization.view]}`)).To(beAdmitted())
			Expect(a.deletes(ctx, t, "AccountRole/x")).To(beAdmitted())
			Expect(a.creates(ctx, t, `AccountRole z {baseType: Agent, permissions: [users.view]}`)).To(beDenied("ACT-8", "AccountRole z", "accountroles z"))
		}
		Expect(without.patches(ctx, t, "AccountRole/x", `{spec: {permissions: [users.view]}}`)).To(beDenied("ACT-8", "AccountRole x", "assign on accountroles x"))
		Expect(without.patches(ctx, t, "AccountRole/x", `{metadata: {labels: {a: b}}}`)).To(beDenied("ACT-8"))
		Expect(without.creates(ctx, t, `AccountRole y {baseType: Agent, permissions: [users.view]}`)).To(beDenied("ACT-8", "AccountRole y"))
		Expect(without.deletes(ctx, t, "AccountRole/x")).To(beDenied("ACT-8", "AccountRole x", "deleting it"))
		for _, spec := range []string{
			`baseType: Agent, permissions: ["*"]`, `baseType: Agent, permissions: ["*.own"]`, `baseType: Agent, permissions: ["organization.*"]`,
			`baseType: Agent, permissions: [users.view, organization.own]`, `baseType: Owner, permissions: [users.view]`,
		} {
			Expect(onX.creates(ctx, t, `AccountRole y {`+spec+`}`)).To(beDenied("ACT-8", "AccountRole y", "accountroles y and owner"), spec)
			Expect(onOwner.creates(ctx, t, `AccountRole y {`+spec+`}`)).To(beAdmitted(), spec)
			if !strings.Contains(spec, "Owner") {
				Expect(onX.patches(ctx, t, "AccountRole/x", `{spec: {`+spec+`}}`)).To(beDenied("ACT-8", "AccountRole x"), spec)
				Expect(onOwner.patches(ctx, t, "AccountRole/x", `{spec: {`+spec+`}}`)).To(beAdmitted(), spec)
			}
		}
		// Who may not make an owning role may not unmake one either.
		Expect(onX.patches(ctx, t, "AccountRole/strong", `{spec: {permissions: [users.view]}}`)).To(beDenied("ACT-8", "AccountRole strong"))
		Expect(onX.deletes(ctx, t, "AccountRole/strong")).To(beDenied("ACT-8", "AccountRole strong"))
		Expect(onOwner.deletes(ctx, t, "AccountRole/strong")).To(beAdmitted())
	})

	It("S-127: profile roles (ACT-9)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `ProfileRole care-handler {permissions: [care.reply]}`)
		writer := t.userWith(ctx, policyRule("profileroles", write), policyRule("profileroles:other", "assign"))
		Expect(writer.patches(ctx, t, "ProfileRole/care-handler", `{spec: {permissions: [care.reply, care.close]}}`)).To(
			beDenied("ACT-9", "ProfileRole care-handler", "assign on profileroles care-handler"))
		Expect(writer.patches(ctx, t, "ProfileRole/care-handler", `{spec: {includes: [{name: create-publish}]}}`)).To(beDenied("ACT-9"))
		Expect(writer.patches(ctx, t, "ProfileRole/care-handler", `{metadata: {annotations: {a: b}}}`)).To(beDenied("ACT-9"))
		Expect(writer.creates(ctx, t, `ProfileRole view-only {permissions: [care.reply]}`)).To(beDenied("ACT-9", "ProfileRole view-only"))
		Expect(writer.creates(ctx, t, `ProfileRole other {permissions: [care.reply]}`)).To(beAdmitted())
		Expect(as(user("administrator")).patches(ctx, t, "ProfileRole/care-handler", `{spec: {permissions: ["*"]}}`)).To(beAdmitted())
	})

	It("S-129: annotations that switch a safeguard off (ACT-11)", func(ctx context.Context) {
		objects := map[string]string{
			"Downstream": `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`, "Mention": `{teammates: [{name: ana}], message: x}`,
			"InboundAutomation": `{keywords: [a], actions: [{type: CloseConversation}]}`,
			"AccountRole":       `{baseType: Agent}`, "Campaign": `{mode: Progressive}`, "Department": `{}`, "ProfileRole": `{}`, "Profile": `{type: Chat}`, "Queue": `{}`, "Schedule": `{}`, "Teammate": `{}`, "UserGroup": `{}`,
		}
		var text strings.Builder
		for kind, spec := range objects {
			fmt.Fprintf(&text, "%s thing %s metadata {labels: {a: b}}\n%s kept %s metadata {annotations: {rollcall.dev/allow-delete: \"true\"}}\n", kind, spec, kind, spec)
		}
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, text.String())
		var resources []string
		for kind := range objects {
			resources = append(resources, strings.ToLower(kind)+"s")
		}
		resources = append(resources, "organizations")
		update := policyRule("", "update,patch,create")
		update.Resources = resources
		roles := policyRule("", "assign,edit")
		roles.Resources = []string{"accountroles", "profileroles", "teammates"}
		override := policyRule("", "override")
		override.Resources = resources
		writer, holder := t.userWith(ctx, update, roles), t.userWith(ctx, update, roles, override)
		set := func(key, value string) string {
			return `{metadata: {annotations: {rollcall.dev/` + key + `: ` + value + `}}}`
		}
		for kind := range objects {
			for _, key := range []string{"approve-removals", "allow-delete", "force-finalize"} {
				Expect(writer.patches(ctx, t, kind+"/thing", set(key, `"true"`))).To(
					beDenied("ACT-11", kind+" thing", "metadata.annotations[rollcall.dev/"+key+"]", "override on "+strings.ToLower(kind)+"s"), kind)
				Expect(holder.patches(ctx, t, kind+"/thing", set(key, `"true"`))).To(beAdmitted(), kind)
			}
			Expect(writer.patches(ctx, t, kind+"/kept", set("allow-delete", `"yes"`))).To(beDenied("ACT-11", kind+" kept"), kind)
			Expect(writer.patches(ctx, t, kind+"/kept", set("allow-delete", `null`))).To(beAdmitted(), kind)
			Expect(writer.patches(ctx, t, kind+"/kept", set("note", `"x"`))).To(beAdmitted(), kind)
			Expect(writer.patches(ctx, t, kind+"/thing", `{metadata: {labels: {a: null}}}`)).To(beAdmitted(), kind)
			Expect(writer.creates(ctx, t, kind+" fresh "+objects[kind]+` metadata {annotations: {rollcall.dev/allow-delete: "true"}}`)).To(beDenied("ACT-11", kind+" fresh"), kind)
		}
		Expect(writer.patches(ctx, t, "Organization/default", set("allow-delete", `"true"`))).To(beDenied("ACT-11", "Organization default"))
		Expect(holder.patches(ctx, t, "Organization/default", set("allow-delete", `"true"`))).To(beAdmitted())
	})

	It("S-128: bindings of account roles to ClusterRoles (ACT-10)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Downstream plain {driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}
			Downstream bound {driver: KubernetesRBAC, kubernetesRBAC: {bindings: [{name: agent, clusterRole: view}, {name: owner, clusterRole: edit}]}, records: [Access]}`)
		bind := func(rule rbacv1.PolicyRule) rbacv1.PolicyRule {
			rule.APIGroups = []string{rbacv1.GroupName}
			return rule
		}
		writer := t.userWith(ctx, policyRule("downstreams", write))
		holder := t.userWith(ctx, policyRule("downstreams", write), bind(policyRule("clusterroles", "bind")))
		// One name is not enough: the bindings are not checked one by one. Nor is the verb in another group.
		named := t.userWith(ctx, policyRule("downstreams", write), bind(policyRule("clusterroles:view,edit", "bind")), policyRule("clusterroles", "bind"))
		with := func(bindings string) string { return `{spec: {kubernetesRBAC: {bindings: ` + bindings + `}}}` }
		for object, lists := range map[string][]string{
			"plain": {`[{name: agent, clusterRole: view}]`},
			"bound": {
				`[{name: agent, clusterRole: view}]`, `[{name: agent, clusterRole: admin}, {name: owner, clusterRole: edit}]`, `[{name: staff, clusterRole: view}, {name: owner, clusterRole: edit}]`,
				`[{name: agent, clusterRole: view}, {name: owner, clusterRole: edit}, {name: staff, clusterRole: view}]`, `[{name: agent, clusterRole: edit}, {name: owner, clusterRole: view}]`, `[]`, `null`,
			},
		} {
			for _, list := range lists {
				denied := beDenied("ACT-10", "Downstream "+object, "spec.kubernetesRBAC.bindings", "bind on clusterroles")
				Expect(writer.patches(ctx, t, "Downstream/"+object, with(list))).To(denied, list)
				Expect(named.patches(ctx, t, "Downstream/"+object, with(list))).To(denied, list)
				Expect(as(user("owner")).patches(ctx, t, "Downstream/"+object, with(list))).To(denied, list)
				Expect(holder.patches(ctx, t, "Downstream/"+object, with(list))).To(beAdmitted(), list)
			}
		}
		const fresh = `Downstream fresh {driver: KubernetesRBAC, kubernetesRBAC: {bindings: %s}, records: [Access]}`
		Expect(writer.creates(ctx, t, fmt.Sprintf(fresh, `[{name: agent, clusterRole: view}]`))).To(beDenied("ACT-10", "Downstream fresh"))
		Expect(holder.creates(ctx, t, fmt.Sprintf(fresh, `[{name: agent, clusterRole: view}]`))).To(beAdmitted())
		Expect(writer.creates(ctx, t, fmt.Sprintf(fresh, `[]`))).To(beAdmitted())
		Expect(writer.creates(ctx, t, `Downstream fresh {driver: HTTP, http: {url: "https://a.example"}, records: [Users], credentialsSecretRef: {name: a}}`)).To(beAdmitted())
		// What leaves the bindings as they are.
		Expect(writer.patches(ctx, t, "Downstream/bound", with(`[{name: owner, clusterRole: edit}, {name: agent, clusterRole: view}]`))).To(beAdmitted())
		Expect(writer.patches(ctx, t, "Downstream/plain", with(`[]`))).To(beAdmitted())
		for _, object := range []string{"Downstream/plain", "Downstream/bound"} {
			Expect(writer.patches(ctx, t, object, `{spec: {resyncInterval: 1h, mode: Full, safety: {floor: 3}}, metadata: {labels: {a: b}}}`)).To(beAdmitted(), object)
			Expect(writer.deletes(ctx, t, object)).To(beAdmitted(), object)
		}
	})

	It("S-109: mentions in the name of others (ACT-12)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "Teammate max {identity: {email: max@x.example, username: max}}\nTeammate eva {identity: {email: eva@x.example, username: eva}}\nMention old {teammates: [{name: eva}], message: x, source: {type: Manual, username: eva}}")
		t.grant(ctx, "max", policyRule("mentions", "create,patch,update"))
		t.grant(ctx, "desk", policyRule("mentions", "create"), policyRule("mentions", "mention-for"))
		t.grant(ctx, "one", policyRule("mentions", "create"), policyRule("mentions:fresh", "mention-for"))
		max, desk, one := as("max"), as("desk"), as("one")
		mention := func(name, source string) string {
			return `Mention ` + name + ` {conversation: {externalID: c-1}, teammates: [{name: eva}]` + source + `}`
		}
		for _, source := range []string{
			``, `, source: {type: Manual}`, `, source: {type: Manual, eventID: e}`, `, source: {type: Manual, username: max}`,
		} {
			Expect(max.creates(ctx, t, mention("fresh", source))).To(beAdmitted(), source)
		}
		for source, field := range map[string]string{
			`, source: {type: Manual, username: eva}`:                                    "spec.source.username",
			`, source: {type: Manual, username: MAX}`:                                    "spec.source.username",
			`, source: {type: Manual, teammateRef: {name: eva}}`:                         "spec.source.teammateRef",
			`, source: {type: Manual, teammateRef: {name: max}}`:                         "spec.source.teammateRef",
			`, source: {type: Manual, username: max, teammateRef: {name: eva}}`:          "spec.source.teammateRef",
			`, source: {type: Flow}`:                                                     "spec.source.type Flow",
			`, source: {type: Automation, automationRef: {name: refunds}, eventID: e-1}`: "spec.source.type Automation",
		} {
			Expect(max.creates(ctx, t, mention("fresh", source))).To(beDenied("ACT-12", "Mention fresh", field, "mention-for on mentions", "user max"), source)
			Expect(desk.creates(ctx, t, mention("fresh", source))).To(beAdmitted(), source)
			Expect(one.creates(ctx, t, mention("fresh", source))).To(beAdmitted(), source)
			Expect(one.creates(ctx, t, mention("other", source))).To(beDenied("ACT-12", "Mention other"), source)
		}
		// A mention of somebody else stays open to every other change.
		Expect(max.patches(ctx, t, "Mention/old", `{metadata: {labels: {a: b}}}`)).To(beAdmitted())
		Expect(max.patches(ctx, t, "Mention/old", `{spec: {source: {username: max}}}`)).To(beRefused("source stays as it was made"))
	})

	It("S-111: resolutions in the name of others (ACT-12)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Mention fresh {conversation: {externalID: c-1}, teammates: [{name: ana}, {name: ben}]}
			Mention begun {conversation: {externalID: c-1}, teammates: [{name: ana}, {name: ben}], resolutions: [
				{name: ana, username: ana, action: Resolve}, {name: ben, action: Resolve}, {name: eva, username: max, action: Resolve}]}`)
		for _, name := range []string{"max", "ana"} {
			t.grant(ctx, name, policyRule("mentions", "create,patch,update"))
		}
		t.grant(ctx, "desk", policyRule("mentions", "create,patch,update"), policyRule("mentions", "resolve-for"))
		max, ana, desk := as("max"), as("ana"), as("desk")
		add := func(a *actor, entries string) error {
			return a.patches(ctx, t, "Mention/fresh", `{spec: {resolutions: `+entries+`}}`)
		}
		denied := beDenied("ACT-12", "Mention fresh", "spec.resolutions", "resolve-for on mentions")
		// Whether the name is the writer's is decided where the alerts are known.
		Expect(add(max, `[{name: max, username: max, action: Resolve}]`)).To(beAdmitted())
		Expect(add(max, `[{name: ana, username: max, action: Resolve}]`)).To(beAdmitted())
		Expect(add(ana, `[{name: ana, username: ana, action: CloseAndResolve}]`)).To(beAdmitted())
		for _, entries := range []string{
			`[{name: ana, username: ana, action: Resolve}]`, `[{name: ben, action: Resolve}]`, `[{name: max, action: Resolve}]`,
			`[{name: max, username: max, action: Resolve}, {name: ana, username: ana, action: Resolve}]`,
		} {
			Expect(add(max, entries)).To(denied, entries)
			Expect(add(desk, entries)).To(beAdmitted(), entries)
			mention := `Mention other {conversation: {externalID: c-1}, teammates: [{name: ana}], resolutions: ` + entries + `}`
			Expect(max.creates(ctx, t, mention)).To(beDenied("ACT-12", "Mention other"), entries)
			Expect(desk.creates(ctx, t, mention)).To(beAdmitted(), entries)
		}
		Expect(max.creates(ctx, t, `Mention other {conversation: {externalID: c-1}, teammates: [{name: ana}], resolutions: [{name: max, username: max, action: Resolve}]}`)).To(beAdmitted())

		// Beside what others wrote, in any order.
		begun := func(a *actor, entries string) error {
			return a.patches(ctx, t, "Mention/begun", `{spec: {resolutions: `+entries+`}}`)
		}
		const others = `{name: ana, username: ana, action: Resolve}, {name: ben, action: Resolve}, {name: eva, username: max, action: Resolve}`
		Expect(begun(max, `[`+others+`, {name: max, username: max, action: Resolve}]`)).To(beAdmitted())
		Expect(begun(max, `[{name: max, username: max, action: Resolve}, {name: ben, action: Resolve}, {name: eva, username: max, action: Resolve}, {name: ana, username: ana, action: Resolve}]`)).To(beAdmitted())
		Expect(begun(max, `[{name: ben, action: Resolve}]`)).To(beAdmitted())
		Expect(begun(ana, `[]`)).To(beAdmitted())
		Expect(begun(ana, `[`+others+`, {name: cid, username: max, action: Resolve}]`)).To(beDenied("ACT-12", "Mention begun"))
		Expect(begun(max, `[`+others+`, {name: cid, username: ana, action: Resolve}]`)).To(beDenied("ACT-12", "Mention begun"))
		Expect(begun(ana, `[{name: cid, username: max, action: Resolve}, {name: ana, username: ana, action: Resolve}, {name: ben, action: Resolve}]`)).To(beDenied("ACT-12", "Mention begun"))
		Expect(max.patches(ctx, t, "Mention/begun", `{metadata: {labels: {a: b}}}`)).To(beAdmitted())
	})

	It("S-130, V-47: what a supervisor may patch (ACT-13)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `Teammate ana {card: {bio: Hello}}`)
		supervisor := as(user("supervisor"))
		Expect(supervisor.patches(ctx, t, "Teammate/ana", `{spec: {skills: [{name: french, level: 3}], maxChats: 4, absences: [{name: summer}]}}`)).To(beAdmitted())
		Expect(supervisor.patches(ctx, t, "Teammate/ana", `{spec: {availability: Inactive, card: {approval: {state: Approved, cardHash: abc}}}}`)).To(beAdmitted())
		for patch, field := range map[string]string{
			`{spec: {groups: [{name: desk}]}}`:              "spec.groups",
			`{metadata: {labels: {language: fr}}}`:          "metadata.labels",
			`{spec: {tags: [{name: vip}]}}`:                 "spec.tags",
			`{spec: {lifecycle: {reason: Leave}}}`:          "spec.lifecycle",
			`{spec: {card: {bio: Bye}}}`:                    "spec.card.bio",
			`{spec: {card: {homeTown: Prague}}}`:            "spec.card.homeTown",
			`{spec: {onboarding: {welcomeEmail: Delayed}}}`: "spec.onboarding",
		} {
			Expect(supervisor.patches(ctx, t, "Teammate/ana", patch)).To(beDenied("ACT-13", "Teammate ana", field, "edit on teammates"), patch)
			Expect(as(user("manager")).patches(ctx, t, "Teammate/ana", patch)).To(beAdmitted(), patch)
		}
		Expect(supervisor.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: {state: Archived}}}`)).To(beDenied("ACT-6|ACT-13"))
	})
})
