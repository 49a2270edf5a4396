package admission_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// What a cluster does with the policies in it: installing, deleting, collecting garbage, the operator at work.
var _ = Describe("A cluster with the policies", func() {
	gone := func(ctx context.Context, object client.Object) func() bool {
		return func() bool {
			return apierrors.IsNotFound(kube.Get(ctx, client.ObjectKeyFromObject(object), object))
		}
	}

	It("S-91: deletes the namespace of an organization in which everything is guarded", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, &rollcallv1.Policies{
			TeammateDeletion: new(rollcallv1.TeammateDeletionArchiveFirst), GroupInUse: new(rollcallv1.GroupInUseBlock), LeaderDeparture: new(rollcallv1.LeaderDepartureBlock),
		}, `
			Teammate ana {accountRoleRef: {name: owner}}
			UserGroup desk {deletionPolicy: DisableOnly, state: Disabled, members: [{name: ana}]}
			AccountRole own {baseType: Owner, permissions: ["*"]}
			ProfileRole care {permissions: [care.reply]}
			Profile web {type: Chat}
			Department care
			Schedule hours`, func(t *tenant) {
			t.reports(ctx, "UserGroup/desk", `{departmentCount: 1, memberCount: 0, directMemberCount: 0, profileCount: 0}`)
			t.reports(ctx, "Teammate/ana", `{directReports: 3}`)
		})
		admin := as("admin", "system:masters")
		// Each of them is guarded by itself.
		Expect(admin.deletes(ctx, t, "Teammate/ana")).To(beDenied("VAP-3"))
		Expect(admin.deletes(ctx, t, "UserGroup/desk")).To(beDenied("VAP-4"))
		Expect(admin.deletes(ctx, t, "Organization/default")).To(beDenied("VAP-15"))

		// The Organization is held to the last: without it nothing would be guarded any more.
		t.changes(ctx, "Organization/default", `{metadata: {finalizers: [test.rollcall.dev/hold]}}`)
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
		Expect(kube.Delete(ctx, namespace)).To(Succeed())
		for _, name := range []string{"Teammate/ana", "UserGroup/desk", "AccountRole/own", "ProfileRole/care"} {
			Eventually(gone(ctx, t.object(name))).Should(BeTrue(), name)
		}
		t.changes(ctx, "Organization/default", `{metadata: {finalizers: null}}`)
		Eventually(gone(ctx, namespace)).Should(BeTrue(), func() string { return fmt.Sprintf("%+v", namespace.Status) })
	})

	It("deletes a namespace whose Organization is gone already, or never was", func(ctx context.Context) {
		for _, organization := range []bool{true, false} {
			var t *tenant
			if organization {
				t = newTenant(ctx, rollcallv1.PresetVoiceCenter, nil, `Teammate ana`)
				t.changes(ctx, "Organization/default", `{metadata: {annotations: {rollcall.dev/allow-delete: "true"}}}`)
				Expect(kube.Delete(ctx, t.object("Organization/default"))).To(Succeed())
			} else {
				tenants++
				t = &tenant{namespace: fmt.Sprintf("tenant-%d", tenants)}
				Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
				for _, object := range t.objects("Teammate ana\nUserGroup desk {deletionPolicy: DisableOnly}") {
					Expect(kube.Create(ctx, object)).To(Succeed())
				}
			}
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
			Expect(kube.Delete(ctx, namespace)).To(Succeed())
			Eventually(gone(ctx, namespace)).Should(BeTrue())
		}
	})

	It("holds no policy against anybody before the operator has resolved them, and every verb from the start", func(ctx context.Context) {
		tenants++
		t := &tenant{namespace: fmt.Sprintf("tenant-%d", tenants)}
		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
		admin := as("admin", "system:masters")
		offending := "Teammate eve {maxChats: 10000, groups: [{name: a}, {name: b}]}\nUserGroup g {scope: Enterprise, includes: [{name: a}]}"
		agents := t.userWith(ctx, policyRule("teammates", "create"), policyRule("accountroles:agent", "assign"))
		forbidden := func() {
			GinkgoHelper()
			Expect(agents.creates(ctx, t, `Teammate eve {accountRoleRef: {name: owner}}`)).To(beDenied("ACT-1"))
		}
		Expect(admin.creates(ctx, t, offending)).To(beAdmitted(), "no Organization")
		forbidden()

		t.organization = &rollcallv1.Organization{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: t.namespace}, Spec: rollcallv1.OrganizationSpec{Preset: rollcallv1.PresetVoiceCenter}}
		Expect(kube.Create(ctx, t.organization)).To(Succeed())
		settle(ctx, t.organization)
		Expect(admin.creates(ctx, t, offending)).To(beAdmitted(), "an Organization without status")
		Expect(admin.deletes(ctx, t, "Organization/default")).To(beAdmitted(), "an Organization without status")
		forbidden()

		// An older operator, which knows no policy yet.
		t.organization.Status.ResolvedPolicies = &rollcallv1.Policies{}
		Expect(kube.Status().Update(ctx, t.organization)).To(Succeed())
		settle(ctx, t.organization)
		Expect(admin.creates(ctx, t, offending)).To(beAdmitted(), "resolved policies without leaves")
		forbidden()

		t.resolve(ctx)
		Expect(admin.creates(ctx, t, `Teammate eve {maxChats: 10000}`)).To(beDenied("VAP-8"))
		Expect(admin.creates(ctx, t, `Teammate eve {groups: [{name: a}, {name: b}]}`)).To(beDenied("VAP-12"))
		Expect(admin.creates(ctx, t, `UserGroup g {includes: [{name: a}]}`)).To(beDenied("VAP-12"))
		Expect(admin.deletes(ctx, t, "Organization/default")).To(beDenied("VAP-15"))
		forbidden()
	})

	It("collects what belongs to a deleted object, also in the foreground", func(ctx context.Context) {
		for _, propagation := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
			t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
				Teammate ana {accountRoleRef: {name: owner}}
				AccountRole own {baseType: Owner, permissions: ["*"]}`)
			for _, kind := range []string{"Teammate/ana", "AccountRole/own"} {
				owner := t.object(kind)
				Expect(kube.Get(ctx, client.ObjectKeyFromObject(owner), owner)).To(Succeed())
				output := t.object("EffectiveAccess/" + strings.ToLower(owner.GetKind()))
				output.SetOwnerReferences([]metav1.OwnerReference{{
					APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(), Controller: new(true), BlockOwnerDeletion: new(true),
				}})
				Expect(kube.Create(ctx, output)).To(Succeed())
				Expect(as(user("owner")).Delete(ctx, owner, client.PropagationPolicy(propagation))).To(Succeed())
				Eventually(gone(ctx, output)).Should(BeTrue(), "%s %s", kind, propagation)
				Eventually(gone(ctx, owner)).Should(BeTrue(), "%s %s", kind, propagation)
			}
		}
	})

	It("does not delete people for somebody who may not (an owner reference to nothing)", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate boss {accountRoleRef: {name: owner}}
			Profile web {type: Chat}`)
		orphan := `{metadata: {ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: nothing, uid: 00000000-0000-0000-0000-000000000001}]}}`
		// Whatever owns nothing is collected: the Profile, which nobody guards, shows that the collector has been there.
		Expect(as(user("supervisor")).Patch(ctx, t.object("Teammate/boss"), merge(orphan))).To(Succeed())
		Expect(as(user("manager")).Patch(ctx, t.object("Profile/web"), merge(orphan))).To(Succeed())
		Eventually(gone(ctx, t.object("Profile/web"))).Should(BeTrue())
		collector := as("system:serviceaccount:kube-system:generic-garbage-collector", "system:serviceaccounts", "system:serviceaccounts:kube-system")
		Expect(collector.deletes(ctx, t, "Teammate/boss")).To(beDenied("ACT-1|ACT-6"))
		Consistently(gone(ctx, t.object("Teammate/boss")), "2s").Should(BeFalse())
		// Taken back, it is as before.
		Expect(as(user("supervisor")).Patch(ctx, t.object("Teammate/boss"), merge(`{metadata: {ownerReferences: null}}`))).To(Succeed())
	})

	It("lets the operator do its work", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, `
			Teammate ana {accountRoleRef: {name: owner}, lifecycle: {state: Archived}}
			UserGroup desk {state: Disabled}
			AccountRole own {baseType: Owner, permissions: ["*"]}
			ProfileRole care {permissions: [care.reply]}
			Profile web {type: Chat}
			Department care
			Schedule hours`)
		account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: "rollcall-system", Name: "rollcall-manager"}
		operator := as("system:serviceaccount:"+account.Namespace+":"+account.Name, "system:serviceaccounts", "system:serviceaccounts:"+account.Namespace)
		awaitPermission(ctx, operator, t.namespace, "ledgers", "create", "")
		for _, name := range []string{"Teammate/ana", "UserGroup/desk", "AccountRole/own", "ProfileRole/care", "Profile/web", "Department/care", "Schedule/hours", "Organization/default"} {
			status := merge(`{status: {conditions: [{type: Ready, status: "True", reason: Computed, message: "", lastTransitionTime: "2027-01-01T00:00:00Z"}]}}`)
			switch name {
			case "Teammate/ana":
				status = merge(`{status: {directReports: 1}}`)
			case "UserGroup/desk":
				status = merge(`{status: {departmentCount: 1, memberCount: 0, directMemberCount: 0, profileCount: 0}}`)
			case "Department/care":
				status = merge(`{status: {groupCount: 0}}`)
			}
			Expect(operator.Status().Patch(ctx, t.object(name), status)).To(Succeed(), name)
		}
		for _, name := range []string{"EffectiveAccess/ana", "RoutePlan/department-care"} {
			Expect(operator.Create(ctx, t.object(name))).To(Succeed(), name)
			Expect(operator.Patch(ctx, t.object(name), merge(`{metadata: {labels: {app.kubernetes.io/managed-by: rollcall}}}`))).To(Succeed(), name)
			Expect(operator.Delete(ctx, t.object(name))).To(Succeed(), name)
		}
		ledger := t.object("Ledger/keys-0")
		ledger.Object["record"], ledger.Object["shard"] = "Keys", int64(0)
		Expect(operator.Create(ctx, ledger)).To(Succeed())
		Expect(operator.Delete(ctx, ledger)).To(Succeed())
		Expect(operator.warned()).To(BeEmpty())
	})

	It("S-75, S-103, S-44: denies with components/deny what it warns of without", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetVoiceCenter, &rollcallv1.Policies{
			LeaderDeparture: new(rollcallv1.LeaderDepartureBlock), GroupInUse: new(rollcallv1.GroupInUseBlock), TeammateDeletion: new(rollcallv1.TeammateDeletionAllow),
		}, `
			Teammate lea
			Teammate ana {assignment: {type: Campaign, campaignRef: {name: spring}}}
			UserGroup desk`, func(t *tenant) {
			t.reports(ctx, "Teammate/lea", `{directReports: 2}`)
			t.reports(ctx, "Teammate/ana", `{directReports: 0, assignment: {type: Campaign, campaign: spring, campaignState: Active}}`)
			t.reports(ctx, "UserGroup/desk", `{departmentCount: 1, memberCount: 0, directMemberCount: 0, profileCount: 0}`)
		})
		// The bindings of the component beside those of the suite, for this namespace only.
		for name, b := range bindings("test/integration/admission/testdata/deny") {
			if b.Spec.ValidationActions[0] != admissionv1.Deny || !strings.HasPrefix(name, "vap-") {
				continue
			}
			b.Name = "deny." + name
			b.Spec.MatchResources = &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: t.namespace}}}
			Expect(kube.Create(ctx, &b)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, &b)).To(Succeed()) })
		}
		admin := as("admin", "system:masters")
		for rule, attempt := range map[string]func() error{
			"VAP-5": func() error { return admin.deletes(ctx, t, "UserGroup/desk") },
			"VAP-7": func() error { return admin.deletes(ctx, t, "Teammate/lea") },
			"VAP-11": func() error {
				return admin.patches(ctx, t, "Teammate/ana", `{spec: {assignment: {type: Queues, campaignRef: null, queues: [{name: q}]}}}`)
			},
		} {
			Eventually(attempt).Should(beDenied(rule))
		}
		Expect(admin.patches(ctx, t, "UserGroup/desk", `{spec: {state: Disabled}}`)).To(beDenied("VAP-5"))
		Expect(admin.patches(ctx, t, "Teammate/lea", `{spec: {lifecycle: {state: Archived}}}`)).To(beDenied("VAP-7"))
		Expect(admin.patches(ctx, t, "UserGroup/desk", `{spec: {description: Desk}}`)).To(beAdmitted())
	})

	It("S-104: takes a group out of its department and deletes it in one change, in any order", func(ctx context.Context) {
		for _, groupFirst := range []bool{true, false} {
			t := newTenant(ctx, rollcallv1.PresetChatDesk, nil, `
				UserGroup desk
				UserGroup other
				Department care {groups: [{name: desk}, {name: other}]}`, func(t *tenant) {
				t.reports(ctx, "UserGroup/desk", `{departments: [care], departmentCount: 1, memberCount: 0, directMemberCount: 0, profileCount: 0}`)
			})
			automation := as(user("owner"))
			apply := func(options ...client.ApplyOption) error {
				care := t.object("Department/care")
				care.Object["spec"] = map[string]any{"groups": []any{map[string]any{"name": "other"}}}
				return automation.Apply(ctx, client.ApplyConfigurationFromUnstructured(care), append(options, client.ForceOwnership, client.FieldOwner("automation"))...)
			}
			// The whole set as a dry run first, as GitOps tools do.
			Expect(apply(client.DryRunAll)).To(beAdmitted())
			Expect(automation.deletes(ctx, t, "UserGroup/desk")).To(beAdmitted())
			steps := []func() error{func() error { return apply() }, func() error { return automation.Delete(ctx, t.object("UserGroup/desk")) }}
			if groupFirst {
				slices.Reverse(steps)
			}
			for _, step := range steps {
				Expect(step()).To(beAdmitted())
			}
			Expect(gone(ctx, t.object("UserGroup/desk"))()).To(BeTrue())
		}
	})

	It("decides about the largest objects within the budget of an expression", func(ctx context.Context) {
		list := func(n int, format string) string {
			var entries []string
			for i := range n {
				entries = append(entries, fmt.Sprintf(format, i))
			}
			return "[" + strings.Join(entries, ", ") + "]"
		}
		long := strings.Repeat("x", 50)
		lists := fmt.Sprintf(`members: %s, profiles: %s, includes: %s, criteria: %s`,
			list(1000, "{name: "+long+"%d, position: 1, notify: [InApp, Email]}"), list(500, "{name: "+long+"%d}"), list(50, "{name: "+long+"%d}"), list(50, "{type: Other, value: v%d}"))
		t := newTenant(ctx, rollcallv1.PresetPatientMessaging, nil, `
			UserGroup big {state: Disabled, supervisors: `+list(100, "{name: "+long+"%d}")+`, `+lists+`}
			Teammate big {profiles: `+list(500, "{name: "+long+"%d}")+`, groups: `+list(100, "{name: "+long+"%d}")+`, practices: `+list(50, "{name: "+long+"%d}")+`}`)
		manager := as(user("manager"))
		Expect(manager.patches(ctx, t, "UserGroup/big", `{metadata: {labels: {a: b}}}`)).To(beAdmitted())
		Expect(manager.patches(ctx, t, "UserGroup/big", `{spec: {state: Enabled}}`)).To(beAdmitted())
		Expect(manager.patches(ctx, t, "UserGroup/big", `{spec: {supervisors: `+list(99, "{name: "+long+"%d}")+`}}`)).To(beDenied("VAP-6"))
		Expect(manager.patches(ctx, t, "Teammate/big", `{spec: {firstName: Big}}`)).To(beAdmitted())
		Expect(as(user("supervisor")).patches(ctx, t, "Teammate/big", `{spec: {maxChats: 3}}`)).To(beAdmitted())
		t.changes(ctx, "UserGroup/big", `{spec: {state: Enabled}}`)
		Expect(manager.patches(ctx, t, "UserGroup/big", `{spec: {supervisors: `+list(99, "{name: "+long+"%d}")+`}}`)).To(beAdmitted())
	})

	It("decides about the longest list of resolutions within the budget of an expression (ACT-12)", func(ctx context.Context) {
		entry := "{name: " + strings.Repeat("x", 50) + "%d, username: " + strings.Repeat("y", 250) + "%d, action: CloseAndResolve}"
		resolutions := func(from, to int, more string) string {
			var entries []string
			for i := range to - from {
				entries = append(entries, fmt.Sprintf(entry, from+i, from+i))
			}
			return "[" + strings.Join(entries, ", ") + more + "]"
		}
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, "Mention big {conversation: {externalID: c-1}, groups: [{name: desk}], resolutions: "+resolutions(0, 999, "")+"}")
		agent, owner := as(user("agent")), as(user("owner"))
		settle := func(a *actor, list string) error {
			return a.patches(ctx, t, "Mention/big", `{spec: {resolutions: `+list+`}}`)
		}
		own := func(a *actor) string { return ", {name: ana, username: " + a.name + ", action: Resolve}" }
		Expect(settle(agent, resolutions(0, 999, own(agent)))).To(beAdmitted())
		Expect(settle(agent, resolutions(0, 1000, ""))).To(beDenied("ACT-12", "Mention big"))
		Expect(settle(owner, resolutions(0, 1000, ""))).To(beAdmitted())
		Expect(settle(agent, resolutions(0, 200, own(agent)))).To(beAdmitted(), "few enough to be compared one by one")
		Expect(settle(agent, resolutions(0, 900, own(agent)))).To(beDenied("ACT-12"), "too many to be compared one by one")
		Expect(agent.patches(ctx, t, "Mention/big", `{metadata: {labels: {a: b}}}`)).To(beAdmitted())
	})
})
