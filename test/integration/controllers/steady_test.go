package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// readied waits until all inputs and outputs of desks are Ready and writing has stopped.
func readied(ctx context.Context, op *cluster.Operator, ns string) {
	GinkgoHelper()
	for _, o := range everyObject {
		Eventually(condition(ctx, o.kind, ns, o.name, "Ready")).Should(Equal("True/AsExpected"), o.kind+" "+o.name)
	}
	for _, teammate := range []string{"ana", "max", "eva"} {
		Eventually(condition(ctx, "EffectiveAccess", ns, teammate, "Ready")).Should(Equal("True/AsExpected"), teammate)
	}
	for _, plan := range []string{"department-care", "usergroup-phones"} {
		Eventually(condition(ctx, "RoutePlan", ns, plan, "Ready")).Should(Equal("True/AsExpected"), plan)
	}
	op.Rest(ns)
}

// settled is readied with the counts of the Organization written too, so that nothing at all is left to write.
func settled(ctx context.Context, op *cluster.Operator, ns string) {
	GinkgoHelper()
	readied(ctx, op, ns)
	op.Count(ctx, ns)
	op.Forget(ns)
}

var _ = Describe("What stays as it is", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = start(clock)
	})

	It("S-145: edits of outputs by hand are put back by one write each", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		before := outputs(ctx, ns)
		for _, tc := range []struct {
			name, kind, object, change string
			want                       string
		}{
			{"a value", "EffectiveAccess", "ana", `{status: {accountPermissions: [users.manage]}}`, "PATCH effectiveaccesses ana"},
			{"a field that the operator leaves out", "EffectiveAccess", "ana", `{status: {leader: eva}}`, "PATCH effectiveaccesses ana"},
			{"candidates", "RoutePlan", "department-care", `{status: {candidates: [{name: ana}]}}`, "PATCH routeplans department-care"},
			{"a label", "EffectiveAccess", "eva", `{metadata: {labels: {rollcall.dev/teammate: ana}}}`, "PATCH effectiveaccesses eva"},
			{"no label", "RoutePlan", "usergroup-phones", `{metadata: {labels: {rollcall.dev/target-name: null}}}`, "PATCH routeplans usergroup-phones"},
			{"no owner", "EffectiveAccess", "max", `{metadata: {ownerReferences: null}}`, "PATCH effectiveaccesses max"},
			{"a foreign condition", "EffectiveAccess", "max", `{status: {conditions: [{type: Mine, status: "True", reason: Mine, message: "", lastTransitionTime: "2027-01-01T00:00:00Z"}]}}`, "PATCH effectiveaccesses max"},
		} {
			By(tc.name)
			edit(ctx, tc.kind, ns, tc.object, tc.change)
			Eventually(func() []string { return op.Writes(ns) }).Should(Equal([]string{tc.want}))
			Eventually(func() map[string]string { return outputs(ctx, ns) }).Should(Equal(before))
			op.Rest(ns)
			Expect(op.Writes(ns)).To(Equal([]string{tc.want}))
			op.Forget(ns)
		}

		By("a deletion")
		remove(ctx, "RoutePlan", ns, "department-care")
		Eventually(func() map[string]string { return outputs(ctx, ns) }).Should(HaveKey("RoutePlan/department-care"))
		op.Rest(ns)
		Expect(op.Writes(ns)).To(Equal([]string{"PATCH routeplans department-care"}))
		op.Forget(ns)

		By("the status of an input")
		var ana rollcallv1.Teammate
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: ns, Name: "ana"}, &ana)).To(Succeed())
		ana.Status.Phase, ana.Status.ExclusiveGroup = rollcallv1.PhaseArchived, "quebecois"
		Expect(kube.Status().Update(ctx, &ana)).To(Succeed())
		Eventually(func() []string { return op.Writes(ns) }).Should(Equal([]string{"PATCH teammates status ana"}))
		op.Rest(ns)
		Expect(get[rollcallv1.Teammate](ctx, ns, "ana")()).To(HaveField("Status", And(HaveField("Phase", rollcallv1.PhaseActive), HaveField("ExclusiveGroup", ""))))
		Expect(op.Writes(ns)).To(HaveLen(1))
		op.Forget(ns)

		By("the next run")
		op.Stop()
		op = start(clock)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
	})

	It("F8: a restart and a look at everything with nothing changed write nothing", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		op.At(clock.Now(), ns)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		op.Stop()
		op = start(clock)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
	})

	It("S-146: a suspended organization computes and says so, and writes no output until it is resumed", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		before := outputs(ctx, ns)
		edit(ctx, "Organization", ns, "default", `{spec: {suspend: true}}`)
		Eventually(condition(ctx, "Organization", ns, "default", "Suspended")).Should(Equal("True/Requested"))
		edit(ctx, "Teammate", ns, "ana", `{spec: {lifecycle: {state: Archived}}}`)
		edit(ctx, "UserGroup", ns, "french", `{spec: {members: [{name: max}]}}`)
		edit(ctx, "EffectiveAccess", ns, "eva", `{status: {accountPermissions: [users.manage]}}`)
		Eventually(func() (rollcallv1.Phase, error) {
			t, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
			return t.Status.Phase, err
		}).Should(Equal(rollcallv1.PhaseArchived))
		Eventually(func() (int32, error) {
			g, err := get[rollcallv1.UserGroup](ctx, ns, "french")()
			return g.Status.MemberCount, err
		}).Should(BeEquivalentTo(2))
		op.Rest(ns)
		Expect(op.Writes(ns)).NotTo(ContainElement(ContainSubstring("effectiveaccesses")))
		Expect(op.Writes(ns)).NotTo(ContainElement(ContainSubstring("routeplans")))
		after := outputs(ctx, ns)
		delete(before, "EffectiveAccess/eva") // edited by the test
		delete(after, "EffectiveAccess/eva")
		Expect(after).To(Equal(before))

		edit(ctx, "Organization", ns, "default", `{spec: {suspend: false}}`)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).Should(BeEmpty())
		Eventually(permissions(ctx, ns, "max", "chat")).ShouldNot(BeEmpty())
		Eventually(candidates(ctx, ns, "department-care")).Should(ConsistOf("eva", "max"))
		Eventually(func() ([]string, error) {
			ea, err := access(ctx, ns, "eva")()
			return ea.Status.AccountPermissions, err
		}).ShouldNot(ContainElement("users.manage"))
		Eventually(condition(ctx, "Organization", ns, "default", "Suspended")).Should(BeEmpty())
	})

	It("S-87, S-154: without an Organization nothing is written; after 10 s inputs say so; when it is back all is as before", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		before := outputs(ctx, ns)
		remove(ctx, "Organization", ns, "default")
		op.At(clock.Now(), ns)
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {members: [{name: ana}]}}`)
		op.At(clock.Now().Add(5*time.Second), ns)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		Expect(outputs(ctx, ns)).To(Equal(before))

		By("10 s later")
		op.At(clock.Now().Add(5*time.Second), ns)
		for _, o := range everyObject[1:] {
			Eventually(condition(ctx, o.kind, ns, o.name, "Ready")).Should(Equal("False/NoOrganization"), o.kind+" "+o.name)
		}
		create(ctx, ns, "kind: Teammate\nmetadata: {name: new}\nspec: {identity: {email: new@fjordline.example}}")
		Eventually(condition(ctx, "Teammate", ns, "new", "Ready")).Should(Equal("False/NoOrganization"))
		op.Rest(ns)
		for _, w := range op.Writes(ns) {
			Expect(w).To(MatchRegexp(`^PATCH \w+ status `))
		}
		Expect(op.Writes(ns)).To(HaveLen(len(everyObject)))
		Expect(outputs(ctx, ns)).To(Equal(before))
		Expect(get[rollcallv1.UserGroup](ctx, ns, "french")()).To(HaveField("Status.MemberCount", BeEquivalentTo(1)), "the rest of a status stays")

		By("made again")
		remove(ctx, "Teammate", ns, "new")
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {members: [{name: ana}, {name: max}]}}`)
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}")
		readied(ctx, op, ns)
		Expect(outputs(ctx, ns)).To(Equal(before))
	})

	It("a namespace that never had an Organization hears of it, and starts when one comes", func(ctx context.Context) {
		create(ctx, ns, strings.Replace(desks, "kind: Organization\nmetadata: {name: default}\n---\n", "", 1))
		op.At(opening, ns)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		op.At(opening.Add(10*time.Second), ns)
		Eventually(condition(ctx, "Teammate", ns, "ana", "Ready")).Should(Equal("False/NoOrganization"))
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}")
		readied(ctx, op, ns)
	})

	It("a namespace with nothing but a Downstream, or an output that was left behind, keeps no operator from being ready", func(ctx context.Context) {
		op.Stop()
		create(ctx, ns, "kind: Downstream\nmetadata: {name: warehouse}\nspec: {driver: PostgreSQL, postgreSQL: {}, records: [Users], credentialsSecretRef: {name: none}}")
		create(ctx, namespace(ctx), "kind: EffectiveAccess\nmetadata: {name: ana}")
		op = start(clock)
		Eventually(func() string {
			op.At(clock.Now().Add(10*time.Second), ns) // counted from when the operator looked first
			return condition(ctx, "Downstream", ns, "warehouse", "Ready")()
		}).Should(Equal("False/NoOrganization"))
		Eventually(func() error { return op.Ready() }).Should(Succeed())
	})

	It("S-154: a list that cannot be read in full writes nothing anywhere", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		op.Stop()
		edit(ctx, "UserGroup", ns, "quebecois", `{spec: {members: []}}`)
		op = begin(clock, func(o *cluster.Operator, _ *ctrl.Options) {
			o.Refuse(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/teammates") })
		})
		Consistently(func() error { return op.Ready() }).ShouldNot(Succeed())
		Expect(op.Written()).To(BeEmpty())
		op.Refuse(nil)
		Eventually(func() error { return op.Ready() }).Should(Succeed())
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).Should(BeEmpty())
	})

	It("one tenant never touches another", func(ctx context.Context) {
		other := namespace(ctx)
		create(ctx, ns, desks)
		create(ctx, other, strings.NewReplacer("ana@", "eva@", "eva@", "ana@").Replace(shortest))
		settled(ctx, op, ns)
		Eventually(permissions(ctx, other, "ana", "ig-quebec")).ShouldNot(BeEmpty())
		Expect(permissions(ctx, other, "ana", "chat")()).To(BeEmpty())
		op.Rest(other)
		op.Forget(other)
		before := outputs(ctx, ns)
		edit(ctx, "UserGroup", other, "quebecois", `{spec: {members: [{name: eva}, {name: max}], includes: [{name: french}], memberSelector: {matchLabels: {language: fr}}}}`)
		Eventually(condition(ctx, "UserGroup", other, "quebecois", "ReferencesResolved")).Should(Equal("False/UnresolvedReference"))
		Eventually(permissions(ctx, other, "ana", "ig-quebec")).Should(BeEmpty())
		remove(ctx, "Organization", other, "default")
		op.At(clock.Now(), other)
		op.Rest(other)
		Expect(op.Writes(ns)).To(BeEmpty())
		Expect(outputs(ctx, ns)).To(Equal(before))
	})

	It("a namespace that is deleted is left alone", func(ctx context.Context) {
		create(ctx, ns, desks)
		settled(ctx, op, ns)
		// There is no namespace controller here: the namespace stays Terminating, and objects go in any order.
		Expect(kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})).To(Succeed())
		for _, o := range []client.Object{&rollcallv1.Ledger{}, &rollcallv1.EffectiveAccess{}, &rollcallv1.UserGroup{}, &rollcallv1.Teammate{}, &rollcallv1.Organization{}} {
			Expect(kube.DeleteAllOf(ctx, o, client.InNamespace(ns))).To(Succeed())
		}
		op.Rest(ns)
		var left rollcallv1.EffectiveAccessList
		Expect(kube.List(ctx, &left, client.InNamespace(ns))).To(Succeed())
		Expect(left.Items).To(BeEmpty())
		Expect(len(op.Writes(ns))).To(BeNumerically("<", 40), fmt.Sprint(op.Writes(ns)))
	})
})
