package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var _ = Describe("What is published", func() {
	var (
		ns string
		op *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns = namespace(ctx)
		op = start(cluster.ClockAt(opening))
	})

	It("is the access of the shortest organization", func(ctx context.Context) {
		create(ctx, ns, shortest)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).Should(ContainElements("care.view", "care.reply", "publisher.publish"))
		Eventually(condition(ctx, "EffectiveAccess", ns, "max", "Ready")).Should(Equal("True/AsExpected"))

		ea, err := access(ctx, ns, "ana")()
		Expect(err).NotTo(HaveOccurred())
		ana, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
		Expect(err).NotTo(HaveOccurred())
		Expect(ea.Status.Phase).To(Equal(rollcallv1.PhaseActive))
		Expect(ea.Status.Groups).To(Equal([]string{"quebecois"}))
		Expect(ea.Status.Hash).To(HaveLen(16))
		Expect(ea.Labels).To(HaveKeyWithValue(rollcallv1.LabelTeammate, "ana"))
		Expect(ea.Labels).To(HaveKeyWithValue(rollcallv1.LabelManagedBy, rollcallv1.ManagedBy))
		Expect(ea.OwnerReferences).To(Equal([]metav1.OwnerReference{{
			APIVersion: "rollcall.dev/v1alpha1", Kind: "Teammate", Name: "ana", UID: ana.UID, Controller: new(true), BlockOwnerDeletion: new(false),
		}}))
	})

	It("makes every kind Ready, with counts, policies, hours and routes", func(ctx context.Context) {
		create(ctx, ns, desks)
		for _, o := range everyObject {
			Eventually(condition(ctx, o.kind, ns, o.name, "Ready")).Should(Equal("True/AsExpected"), o.kind+" "+o.name)
		}
		for _, plan := range []string{"department-care", "usergroup-phones"} {
			Eventually(condition(ctx, "RoutePlan", ns, plan, "Ready")).Should(Equal("True/AsExpected"), plan)
			Expect(condition(ctx, "RoutePlan", ns, plan, "Routable")()).To(Equal("True/AsExpected"), plan)
		}
		Expect(candidates(ctx, ns, "usergroup-phones")()).To(Equal([]string{"ana", "eva"}))
		Expect(candidates(ctx, ns, "department-care")()).To(Equal([]string{"eva"}))

		op.Rest(ns)
		op.Count(ctx, ns)
		Eventually(func() (*rollcallv1.OrganizationCounts, error) {
			o, err := get[rollcallv1.Organization](ctx, ns, "default")()
			return o.Status.Counts, err
		}).Should(HaveValue(Equal(rollcallv1.OrganizationCounts{Teammates: 3, Active: 3, Groups: 3})))
		organization, err := get[rollcallv1.Organization](ctx, ns, "default")()
		Expect(err).NotTo(HaveOccurred())
		Expect(*organization.Status.ResolvedPolicies.GroupMembership).To(Equal(rollcallv1.GroupMembershipMultiple))
		Expect(organization.Status.ObservedGeneration).To(Equal(organization.Generation))

		office, err := get[rollcallv1.Schedule](ctx, ns, "office")()
		Expect(err).NotTo(HaveOccurred())
		Expect(office.Status.Open).To(HaveValue(BeFalse()))
		Expect(office.Status.NextTransition.Time).To(BeTemporally("==", opening.Add(time.Hour)))
	})

	It("follows edits of members, roles, labels and hours, and the clock", func(ctx context.Context) {
		create(ctx, ns, desks)
		Eventually(permissions(ctx, ns, "eva", "chat")).Should(Equal([]string{"care.reply", "care.view"}))
		op.Rest(ns)

		By("a member taken out")
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {members: [{name: ana}]}}`)
		Eventually(permissions(ctx, ns, "max", "ig-quebec")).Should(BeEmpty())

		By("a role that gives more")
		edit(ctx, "ProfileRole", ns, "replier", `{spec: {permissions: [care.reply, care.close]}}`)
		Eventually(permissions(ctx, ns, "eva", "chat")).Should(Equal([]string{"care.close", "care.reply", "care.view"}))

		By("a label that a selector looks for")
		edit(ctx, "Teammate", ns, "max", `{metadata: {labels: {language: fr}}}`)
		Eventually(permissions(ctx, ns, "max", "chat")).ShouldNot(BeEmpty())
		Eventually(candidates(ctx, ns, "department-care")).Should(ConsistOf("eva", "max"))

		By("a window that ends")
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {members: [{name: ana, until: "2027-03-01T10:00:00Z"}]}}`)
		Eventually(func() (*metav1.Time, error) {
			ea, err := access(ctx, ns, "ana")()
			return ea.Status.NextTransition, err
		}).ShouldNot(BeNil())
		op.Rest(ns)
		op.At(opening.Add(2*time.Hour-time.Second), ns)
		op.Rest(ns)
		Expect(permissions(ctx, ns, "ana", "ig-quebec")()).NotTo(BeEmpty())
		op.At(opening.Add(2*time.Hour), ns)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).Should(BeEmpty())

		By("hours that change")
		edit(ctx, "Schedule", ns, "office", `{spec: {weekly: [{days: [Monday], open: "09:00", close: "12:00"}]}}`)
		Eventually(func() (time.Time, error) {
			s, err := get[rollcallv1.Schedule](ctx, ns, "office")()
			if err != nil || s.Status.NextTransition == nil {
				return time.Time{}, err
			}
			return s.Status.NextTransition.Time, nil
		}).Should(BeTemporally("==", opening.Add(4*time.Hour)))

		By("a teammate who goes")
		remove(ctx, "Teammate", ns, "max")
		Eventually(func() any { return read(ctx, "EffectiveAccess", ns, "max") }).Should(BeNil())
		Eventually(candidates(ctx, ns, "department-care")).Should(ConsistOf("eva"))
		Eventually(condition(ctx, "UserGroup", ns, "quebecois", "ReferencesResolved")).Should(Equal("True/AsExpected"))

		By("a group that dials no more, and a contact centre that is switched off")
		edit(ctx, "UserGroup", ns, "phones", `{spec: {voice: {dialing: null}}}`)
		Eventually(func() any { return read(ctx, "RoutePlan", ns, "usergroup-phones") }).Should(BeNil())
	})

	It("is counted in the metrics", func(ctx context.Context) {
		create(ctx, ns, desks)
		edit(ctx, "Teammate", ns, "max", `{spec: {accountRoleRef: {name: nobody}}}`)
		Eventually(condition(ctx, "Teammate", ns, "max", "Ready")).Should(HavePrefix("False/"))
		op.Rest(ns)
		Expect(sample("rollcall_objects", "kind=Teammate", "namespace="+ns)).To(BeEquivalentTo(3))
		Expect(sample("rollcall_not_ready", "kind=Teammate", "namespace="+ns)).To(BeEquivalentTo(1))
		Expect(sample("rollcall_next_transition_seconds", "namespace="+ns)).To(BeEquivalentTo(opening.Add(time.Hour).Unix()))
		Expect(sample("rollcall_compute_seconds")).To(BeNumerically(">", 0))
		Expect(sample("rollcall_touched_total", "kind=EffectiveAccess")).To(BeNumerically(">", 0))
		Expect(sample("rollcall_writes_total", "kind=EffectiveAccess", "verb=create")).To(BeNumerically(">", 0))
	})

	It("belongs to a teammate who was deleted and made again", func(ctx context.Context) {
		create(ctx, ns, shortest)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).ShouldNot(BeEmpty())
		op.Rest(ns)
		remove(ctx, "Teammate", ns, "ana")
		create(ctx, ns, "kind: Teammate\nmetadata: {name: ana}\nspec: {identity: {email: ana@fjordline.example}}")
		ana, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
		Expect(err).NotTo(HaveOccurred())
		Eventually(func(g Gomega) {
			ea, err := access(ctx, ns, "ana")()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(ea.OwnerReferences).To(HaveLen(1))
			g.Expect(ea.OwnerReferences[0].UID).To(Equal(ana.UID))
			g.Expect(ea.Status.Groups).To(Equal([]string{"quebecois"}))
		}).Should(Succeed())
	})
})
