package controllers_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var _ = Describe("What is told by Events", func() {
	var (
		ns string
		op *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns = namespace(ctx)
		op = start(cluster.ClockAt(opening))
	})

	It("S-153: nothing of success; one of many people made Invalid by one edit, and one when they are healed", func(ctx context.Context) {
		create(ctx, ns, desks+`
---
kind: AccountRole
metadata: {name: junior}
spec: {baseType: Agent, permissions: [conversations.handle]}
`)
		crowd(ctx, ns, "m", 200, ", accountRoleRef: {name: junior}")
		Eventually(condition(ctx, "EffectiveAccess", ns, "m-199", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(condition(ctx, "Teammate", ns, "m-199", "Ready")).Should(Equal("True/AsExpected"))
		readied(ctx, op, ns)
		Expect(eventsOf(ctx, ns, "")()).To(BeEmpty())

		remove(ctx, "AccountRole", ns, "junior")
		Eventually(condition(ctx, "Teammate", ns, "m-199", "Ready")).Should(HavePrefix("False/"))
		Eventually(eventsOf(ctx, ns, "")).ShouldNot(BeEmpty())
		op.Rest(ns)
		events, err := eventsOf(ctx, ns, "")()
		Expect(err).NotTo(HaveOccurred())
		Expect(events).To(HaveLen(1))
		Expect(events[0].Type).To(Equal("Warning"))
		Expect(events[0].Note).To(ContainSubstring("200 of kind Teammate"))
		Expect(events[0].Note).NotTo(ContainSubstring("@"))

		create(ctx, ns, "kind: AccountRole\nmetadata: {name: junior}\nspec: {baseType: Agent, permissions: [conversations.handle]}")
		Eventually(condition(ctx, "Teammate", ns, "m-199", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(eventsOf(ctx, ns, "")).Should(HaveLen(2))
		op.Rest(ns)
		Expect(eventsOf(ctx, ns, "")()).To(HaveLen(2))
		Expect(eventsOf(ctx, ns, "Restored")()).To(ConsistOf(HaveField("Type", "Normal")))
	})

	It("deletions that a policy forbids", func(ctx context.Context) {
		create(ctx, ns, `
kind: Organization
metadata: {name: default}
spec: {policies: {groupDeletion: DisableOnly, teammateDeletion: ArchiveFirst}}
---
kind: UserGroup
metadata: {name: kept}
---
kind: UserGroup
metadata: {name: allowed, annotations: {rollcall.dev/allow-delete: "true"}}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: Teammate
metadata: {name: old}
spec: {identity: {email: old@fjordline.example}, lifecycle: {state: Archived}}
`)
		Eventually(condition(ctx, "UserGroup", ns, "allowed", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(condition(ctx, "Teammate", ns, "old", "Ready")).Should(HavePrefix("True"))
		op.Rest(ns)
		remove(ctx, "UserGroup", ns, "allowed")
		remove(ctx, "Teammate", ns, "old")
		remove(ctx, "UserGroup", ns, "kept")
		remove(ctx, "Teammate", ns, "ana")
		Eventually(eventsOf(ctx, ns, "DeletedUnderDisableOnly")).Should(ConsistOf(HaveField("Regarding.Name", "kept")))
		Eventually(eventsOf(ctx, ns, "DeletedWithoutArchive")).Should(ConsistOf(HaveField("Regarding.Name", "ana")))
		op.Rest(ns)
		Expect(eventsOf(ctx, ns, "")()).To(HaveLen(2))
	})

	It("a restart repeats nothing", func(ctx context.Context) {
		create(ctx, ns, desks)
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {profiles: [{name: nowhere}]}}`)
		Eventually(condition(ctx, "UserGroup", ns, "quebecois", "ReferencesResolved")).Should(Equal("False/UnresolvedReference"))
		Eventually(eventsOf(ctx, ns, "UnresolvedReference")).ShouldNot(BeEmpty())
		op.Rest(ns)
		before, err := eventsOf(ctx, ns, "")()
		Expect(err).NotTo(HaveOccurred())
		op.Stop()
		op = start(op.Clock)
		op.Rest(ns)
		Expect(eventsOf(ctx, ns, "")()).To(Equal(before))
	})
})
