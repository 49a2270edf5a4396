package admission_test

import (
	"context"
	"reflect"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

var _ = Describe("A disabled group", func() {
	// One change of each field of UserGroupSpec.
	changes := map[string]string{
		"displayName":     `Other`,
		"description":     `Other`,
		"handle":          `other`,
		"scope":           `Organization`,
		"practices":       `[{name: south}]`,
		"criteria":        `[{type: Region, value: Quebec}]`,
		"members":         `[{name: ana}]`,
		"memberSelector":  `{matchLabels: {language: fr}}`,
		"includes":        `[{name: other}]`,
		"supervisors":     `[{name: eva}]`,
		"profiles":        `[{name: ig}]`,
		"profileSelector": `{types: [Chat]}`,
		"permissionSet":   `{profileRoleRef: {name: create}}`,
		"scheduleRef":     `{name: montreal}`,
		"voice":           `{outboundCalls: Enabled}`,
		"mention":         `{state: Disabled}`,
		"reporting":       `Disabled`,
		"deletionPolicy":  `Allow`,
	}

	It("S-133: changes in no field but state", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, `
			UserGroup bare {state: Disabled, scope: Enterprise}
			UserGroup full {state: Disabled, scope: Enterprise, displayName: Full, description: Full, handle: full, practices: [{name: north}],
				criteria: [{type: Region, value: Ontario}], members: [{name: max, position: 1}], memberSelector: {matchLabels: {language: en}}, includes: [{name: one}],
				supervisors: [{name: max}], profiles: [{name: fb}], profileSelector: {types: [Email]}, permissionSet: {profileRoleRef: {name: view-only}},
				scheduleRef: {name: toronto}, voice: {recordingAccess: Enabled}, mention: {state: Enabled}}`)
		admin := as("admin", "system:masters")
		fields := jsonFields(reflect.TypeFor[rollcallv1.UserGroupSpec]())
		Expect(fields).To(HaveLen(len(changes)+1), "a field was added to UserGroupSpec or removed: say here how it changes, and in vap-6.yaml")
		for field := range fields {
			if field == "state" {
				continue
			}
			change, found := changes[field]
			Expect(found).To(BeTrue(), "no change of %s", field)
			for _, name := range []string{"UserGroup/bare", "UserGroup/full"} {
				want := beDenied("VAP-6", "spec."+field)
				if field == "scope" { // which layer 1 lets nobody change, before layer 2 is asked
					want = beRefused("spec.scope")
				}
				Expect(admin.patches(ctx, t, name, `{spec: {`+field+`: `+change+`}}`)).To(want, "%s %s", name, field)
				Expect(admin.patches(ctx, t, name, `{spec: {state: Enabled, `+field+`: `+change+`}}`)).To(want, "%s %s, enabled at once", name, field)
			}
			if field != "scope" && field != "reporting" && field != "deletionPolicy" {
				Expect(admin.patches(ctx, t, "UserGroup/full", `{spec: {`+field+`: null}}`)).To(beDenied("VAP-6", "spec."+field), "%s removed", field)
			}
		}
		Expect(admin.patches(ctx, t, "UserGroup/full", `{spec: {state: Enabled}}`)).To(beAdmitted())
		Expect(admin.patches(ctx, t, "UserGroup/full", `{metadata: {labels: {a: b}}}`)).To(beAdmitted())
	})
})
