package downstream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// temporary is an account role of which nobody can do without: without it its holders are Invalid.
const temporary = "\n---\nkind: AccountRole\nmetadata: {name: temporary}\nspec: {baseType: Agent, permissions: [conversations.handle]}"

// guardedSpecs are about removals: which are held, which go at once, which never.
func guardedSpecs() {
	const groupsOnly = "mode: Full, records: [Groups], resyncInterval: 24h, safety: {confirmAbsences: 1}"

	It("Safety 1: removals over a limit are held, shown, and released by exactly their hash", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+person("ana", "")+groups(30, "ana"))
		t := connect(ctx, ns, "warehouse", groupsOnly)
		t.synced(ctx)
		Expect(t.rows(ctx, "groups")()).To(HaveLen(30))
		together(ctx, ns, func() {
			for i := range 24 {
				remove(ctx, "UserGroup", ns, fmt.Sprintf("g-%02d", i))
			}
			create(ctx, ns, group("late", "members: [{name: ana}]"))
			edit(ctx, "UserGroup", ns, "g-29", "{spec: {displayName: Last}}")
		})
		Eventually(t.held(ctx)).Should(Equal(24))

		By("creations and updates go on")
		Eventually(t.rows(ctx, "groups")).Should(And(HaveLen(31), ContainElement("late")))
		Eventually(func() []string {
			return t.ask(ctx, "SELECT display_name FROM @.groups WHERE key = 'g-29'")
		}).Should(Equal([]string{"Last"}))

		By("counts and the first 20 names, an event, a metric")
		Expect(t.is(ctx, "RemovalsHeld")()).To(Equal("True/OverLimit"))
		Expect(t.message(ctx, "RemovalsHeld")).To(ContainSubstring("24"))
		held := t.get(ctx).Status.Held
		Expect(held.First).To(HaveLen(20))
		Expect(held.First[0]).To(Equal("Groups/g-00"))
		Expect(held.First[19]).To(Equal("Groups/g-19"))
		Eventually(t.events(ctx)).Should(ContainElement(HavePrefix("OverLimit: RemovalsHeld: 24 ")))
		Expect(operator.metric("rollcall_downstream_held", ns, "warehouse", `type="Groups"`)).To(BeEquivalentTo(24))

		By("an approval of what is held no more is void")
		remove(ctx, "UserGroup", ns, "g-24")
		Eventually(t.held(ctx)).Should(Equal(25))
		t.approve(ctx, held.Hash)
		t.resync(ctx)
		Expect(t.rows(ctx, "groups")()).To(HaveLen(31))
		Expect(t.get(ctx).Status.Held.ApprovedAt).To(BeNil())

		By("something else that changes leaves the hash as it is")
		hash := t.get(ctx).Status.Held.Hash
		Expect(hash).NotTo(Equal(held.Hash))
		create(ctx, ns, group("later", "members: [{name: ana}]"))
		Eventually(t.rows(ctx, "groups")).Should(ContainElement("later"))
		Expect(t.get(ctx).Status.Held.Hash).To(Equal(hash))

		t.approve(ctx, hash)
		Eventually(t.rows(ctx, "groups")).Should(Equal([]string{"g-25", "g-26", "g-27", "g-28", "g-29", "late", "later"}))
		Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("False/AsExpected"))
		Eventually(t.events(ctx)).Should(ContainElement(HavePrefix("RemovalsApproved: ")))
		t.synced(ctx)
	})

	It("Safety 1: a quarter of ten or more goes, three of fewer go, more is held", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+person("ana", "")+groups(12, "ana"))
		t := connect(ctx, ns, "warehouse", groupsOnly)
		t.synced(ctx)
		for _, tc := range []struct {
			of, removed int
			wantHeld    bool
		}{{of: 12, removed: 3}, {of: 9, removed: 3}, {of: 6, removed: 4, wantHeld: true}} {
			By(fmt.Sprintf("%d of %d", tc.removed, tc.of))
			together(ctx, ns, func() {
				for i := range tc.removed {
					remove(ctx, "UserGroup", ns, fmt.Sprintf("g-%02d", tc.of-1-i))
				}
			})
			if tc.wantHeld {
				Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("True/OverLimit"))
				Expect(t.rows(ctx, "groups")()).To(HaveLen(tc.of))
				continue
			}
			Eventually(t.rows(ctx, "groups")).Should(HaveLen(tc.of - tc.removed))
			t.synced(ctx)
		}
	})

	It("Safety 2: more than a tenth of the people losing access by inference holds removals in all Downstreams", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+temporary+people(17, ""))
		for i := range 3 {
			create(ctx, ns, person(fmt.Sprintf("t-%d", i), ", accountRoleRef: {name: temporary}"))
		}
		both := []*target{connect(ctx, ns, "warehouse", full), connect(ctx, ns, "archive", full)}
		for _, t := range both {
			t.synced(ctx)
			t.forget(ctx)
		}
		remove(ctx, "AccountRole", ns, "temporary") // 15% of the people: below the limit per kind
		for _, t := range both {
			Eventually(t.held(ctx)).Should(Equal(6), "three people, three accesses")
			t.resync(ctx)
			Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("True/OverLimit"))
			Expect(t.get(ctx).Status.Held.First).To(ContainElement("Users/t-0"))
			Expect(t.removals(ctx)).To(BeEmpty())
		}
		By("it heals when the access is back, and nothing was removed")
		create(ctx, ns, temporary)
		for _, t := range both {
			Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("False/AsExpected"))
			t.synced(ctx)
			Expect(t.removals(ctx)).To(BeEmpty())
		}
	})

	It("Safety 3: somebody archived, blocked or deleted goes at once, everywhere, also while removals are held", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+temporary+people(17, ""))
		for i := range 3 {
			create(ctx, ns, person(fmt.Sprintf("t-%d", i), ", accountRoleRef: {name: temporary}"))
		}
		both := []*target{connect(ctx, ns, "warehouse", full), connect(ctx, ns, "archive", full)}
		for _, t := range both {
			t.synced(ctx)
		}
		remove(ctx, "AccountRole", ns, "temporary")
		for _, t := range both {
			Eventually(t.held(ctx)).Should(Equal(6))
		}
		edit(ctx, "Teammate", ns, "p-0", "{spec: {lifecycle: {state: Archived}}}")
		edit(ctx, "Teammate", ns, "p-1", fmt.Sprintf("{spec: {lifecycle: {state: Blocked, blockedFrom: %q, blockedUntil: %q}}}",
			time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
		remove(ctx, "Teammate", ns, "p-2") // the grace of these Downstreams is none
		for _, t := range both {
			for _, table := range []string{"people", "access"} {
				Eventually(t.rows(ctx, table)).Should(ContainElements("(p-0)", "(p-1)", "(p-2)"), table)
			}
			Expect(t.held(ctx)()).To(Equal(6))
			Expect(t.rows(ctx, "people")()).To(ContainElements("p-3", "t-0", "t-1", "t-2"))
		}
	})

	It("Safety 3: beyond explicitLimit people who left are held like others", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(12, ""))
		t := connect(ctx, ns, "warehouse", "mode: Full, records: [Users], resyncInterval: 24h, safety: {explicitLimit: 3}")
		t.synced(ctx)
		together(ctx, ns, func() {
			for i := range 5 {
				edit(ctx, "Teammate", ns, fmt.Sprintf("p-%d", i), "{spec: {lifecycle: {state: Archived}}}")
			}
		})
		Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("True/OverLimit"))
		Eventually(t.rows(ctx, "people")).Should(ContainElements("(p-0)", "(p-1)", "(p-2)", "p-3", "p-4"))
		Expect(t.get(ctx).Status.Held.First).To(Equal([]string{"Users/p-3", "Users/p-4"}))
		t.approve(ctx, t.get(ctx).Status.Held.Hash)
		Eventually(t.rows(ctx, "people")).Should(ContainElements("(p-3)", "(p-4)"))
	})

	It("Safety 3: a deletion waits for its grace, and creating the object again cancels it", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(12, "")+group("all", "members: [{name: p-1}, {name: p-2}]"))
		t := connect(ctx, ns, "warehouse", "mode: Full, records: [Users, Groups, Access], resyncInterval: 24h, safety: {confirmAbsences: 1, deletionGrace: 1h}")
		t.synced(ctx)
		t.forget(ctx)
		remove(ctx, "Teammate", ns, "p-0")
		remove(ctx, "Teammate", ns, "p-1")
		Eventually(func() []string { return t.ask(ctx, "SELECT person_key FROM @.memberships") }).Should(Equal(keys("p-2")), "the membership is no grace's matter")
		t.resync(ctx)
		Expect(t.removals(ctx)).To(BeEmpty())
		create(ctx, ns, person("p-0", ""))
		Eventually(condition(ctx, "Teammate", ns, "p-0", "Ready")).Should(Equal("True/AsExpected"))
		t.resync(ctx)

		By("the grace ends for those who are gone, and for nobody else")
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {safety: {deletionGrace: 0s}}}")
		Eventually(t.rows(ctx, "people")).Should(ContainElement("(p-1)"))
		t.synced(ctx)
		Expect(t.rows(ctx, "people")()).To(ContainElement("p-0"))
		Expect(t.removals(ctx)).To(ConsistOf(
			"UPDATE people email=p-1@fjordline.example", "UPDATE access email=p-1@fjordline.example"))
	})

	It("Safety 4: input that is empty, or that cannot be listed, removes nothing", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(6, "")+groups(6, "p-0"))
		t := connect(ctx, ns, "warehouse", full)
		t.synced(ctx)
		t.forget(ctx)

		By("an Organization that is not there")
		edit(ctx, "Organization", ns, "default", `{metadata: {annotations: {rollcall.dev/allow-delete: "true"}}}`)
		remove(ctx, "Organization", ns, "default")
		Eventually(t.is(ctx, "Ready")).Should(Equal("False/NoOrganization"))
		t.proxy.rest()
		Expect(t.changes(ctx)).To(BeEmpty())
		create(ctx, ns, organization)
		Eventually(t.is(ctx, "Ready")).Should(Equal("True/AsExpected"))
		t.synced(ctx)

		By("people who cannot be listed")
		operator.kill()
		role := &rbacv1.ClusterRole{}
		Expect(kube.Get(ctx, client.ObjectKey{Name: "rollcall-operator"}, role)).To(Succeed())
		before := role.DeepCopy()
		for i := range role.Rules {
			role.Rules[i].Resources = slices.DeleteFunc(role.Rules[i].Resources, func(r string) bool { return r == "teammates" })
		}
		Expect(kube.Update(ctx, role)).To(Succeed())
		restore := func(ctx context.Context) {
			before.ResourceVersion = ""
			Expect(kube.Update(ctx, before)).To(Succeed())
		}
		said := len(operator.logged())
		t.proxy.watch(hooks{})
		operator.launch()
		failed := func() string { return operator.logged()[said:] }
		Eventually(func() int { return strings.Count(failed(), `cannot list resource \"teammates\"`) }).Should(BeNumerically(">=", 2))
		restore(ctx)
		Expect(operator.ready()).To(BeFalse())
		connections, _ := t.proxy.count()
		Expect(connections).To(BeZero())
		operator.restart()

		By("nobody and nothing left, after there were many")
		t.synced(ctx)
		operator.kill()
		for i := range 6 {
			remove(ctx, "Teammate", ns, fmt.Sprintf("p-%d", i))
			remove(ctx, "UserGroup", ns, fmt.Sprintf("g-%02d", i))
		}
		operator.start()
		t.resync(ctx)
		Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("True/OverLimit"))
		Expect(t.held(ctx)()).To(Equal(18), "people, their accesses, groups")
		Expect(t.removals(ctx)).To(BeEmpty())
	})

	It("Safety 5: nothing is removed without a complete reading", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(12, "")+groups(12, "p-0"))
		t := connect(ctx, ns, "warehouse", "mode: Full, records: [Users, Groups, Access, Routes], removal: Delete, resyncInterval: 24h, safety: {confirmAbsences: 1, deletionGrace: 0s}")
		t.synced(ctx)
		t.forget(ctx)
		remove(ctx, "UserGroup", ns, "g-00") // is held until the absence is confirmed by a reading
		Eventually(t.is(ctx, "RemovalsHeld")).Should(Equal("True/AwaitingConfirmation"))
		t.proxy.watch(hooks{request: func(n int) bool { return n%3 != 0 }}) // in the middle, then while connecting
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 23h}}")
		remove(ctx, "Teammate", ns, "p-1")
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/ConnectionFailed"))
		Eventually(func() int { n, _ := t.proxy.count(); return n }).Should(BeNumerically(">=", 2))
		Expect(t.removals(ctx)).To(BeEmpty())
		t.proxy.watch(hooks{})
		Eventually(t.rows(ctx, "groups")).Should(HaveLen(11))
		Eventually(t.rows(ctx, "people")).Should(HaveLen(11))
		t.synced(ctx)
	})

	It("Safety 8: the last holder of a protected role stays", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(10, "")+`
---
kind: AccountRole
metadata: {name: boss}
spec: {baseType: Supervisor, permissions: [conversations.handle], protectLastHolder: true}
`+person("ann", ", accountRoleRef: {name: boss}")+person("bob", ", accountRoleRef: {name: boss}"))
		t := connect(ctx, ns, "warehouse", full)
		t.synced(ctx)
		t.forget(ctx)
		edit(ctx, "Teammate", ns, "bob", "{spec: {lifecycle: {state: Archived}}}")
		Eventually(t.rows(ctx, "people")).Should(ContainElement("(bob)"))
		t.synced(ctx)
		t.forget(ctx)
		edit(ctx, "Teammate", ns, "ann", "{spec: {lifecycle: {state: Archived}}}")
		Eventually(t.is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		Expect(t.message(ctx, "Synced")).To(ContainSubstring("ann: LastHolder"))
		t.resync(ctx)
		operator.restart()
		t.resync(ctx)
		Expect(t.removals(ctx)).To(BeEmpty())
		Expect(t.rows(ctx, "people")()).To(ContainElement("ann"))
		By("with another holder she may go")
		edit(ctx, "Teammate", ns, "p-3", "{spec: {accountRoleRef: {name: boss}}}")
		Eventually(t.rows(ctx, "people")).Should(ContainElement("(ann)"))
		Eventually(t.rows(ctx, "access")).Should(ContainElement("(ann)"))
		t.synced(ctx)
	})
}
