package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// bound are people with usernames, of several roles; zoe has none.
const bound = `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example, username: ana}}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@fjordline.example, username: max}, accountRoleRef: {name: manager}}
---
kind: Teammate
metadata: {name: zoe}
spec: {identity: {email: zoe@fjordline.example}}
`

var _ = Describe("A Downstream of KubernetesRBAC", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	downstream := func(more string) string {
		return "kind: Downstream\nmetadata: {name: cluster}\nspec: {driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access], " + more + "}"
	}
	is := func(ctx context.Context, kind string) func() string {
		return condition(ctx, "Downstream", ns, "cluster", kind)
	}
	// holders are the RoleBindings as "username: ClusterRole".
	holders := func(ctx context.Context) func() []string {
		return func() []string {
			var list rbacv1.RoleBindingList
			Expect(kube.List(ctx, &list, client.InNamespace(ns))).To(Succeed())
			out := []string{}
			for _, rb := range list.Items {
				for _, s := range rb.Subjects {
					out = append(out, s.Name+": "+rb.RoleRef.Name)
				}
			}
			return out
		}
	}
	can := func(ctx context.Context, user, verb, resource string) func() bool {
		return func() bool {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: ns, Verb: verb, Group: rollcallv1.GroupVersion.Group, Resource: resource,
			}}}
			Expect(kube.Create(ctx, review)).To(Succeed())
			return review.Status.Allowed
		}
	}
	begins := func() *cluster.Operator { // as its own account, with its own permissions
		GinkgoHelper()
		o := begin(clock, func(o *cluster.Operator, _ *ctrl.Options) {
			o.As = rest.ImpersonationConfig{
				UserName: "system:serviceaccount:" + system + ":rollcall-manager",
				Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + system, "system:authenticated"},
			}
		})
		Eventually(func() error { return o.Ready() }).Should(Succeed())
		return o
	}
	BeforeEach(func(ctx context.Context) {
		install(ctx, "manager/namespace.yaml", "rbac/service_account.yaml", "rbac/manager_role.yaml",
			"rbac/shipped_role_agent.yaml", "rbac/shipped_role_manager.yaml", "rbac/shipped_role_supervisor.yaml")
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = begins()
		create(ctx, ns, bound)
	})

	It("M-06, V-02: people can do what their role gives for as long as their gate is open", func(ctx context.Context) {
		Expect(can(ctx, "max", "update", "teammates")()).To(BeFalse())
		create(ctx, ns, downstream("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		for kind, want := range map[string]string{"Ready": "True", "Reachable": "True", "Drifted": "False", "RemovalsHeld": "False"} {
			Expect(is(ctx, kind)()).To(Equal(want+"/AsExpected"), kind)
		}
		Expect(holders(ctx)()).To(ConsistOf("ana: rollcall-agent", "max: rollcall-manager"))
		Eventually(can(ctx, "max", "update", "teammates")).Should(BeTrue())
		Eventually(can(ctx, "ana", "list", "teammates")).Should(BeTrue())
		Expect(can(ctx, "ana", "update", "teammates")()).To(BeFalse())

		By("another role")
		edit(ctx, "Teammate", ns, "ana", "{spec: {accountRoleRef: {name: supervisor}}}")
		Eventually(holders(ctx)).Should(ConsistOf("ana: rollcall-supervisor", "max: rollcall-manager"))

		By("a username")
		edit(ctx, "Teammate", ns, "zoe", "{spec: {identity: {username: zoe}}}")
		Eventually(holders(ctx)).Should(ContainElement("zoe: rollcall-agent"))

		By("a closed gate")
		edit(ctx, "Teammate", ns, "max", "{spec: {lifecycle: {state: Archived}}}")
		Eventually(holders(ctx)).Should(ConsistOf("ana: rollcall-supervisor", "zoe: rollcall-agent"))
		Eventually(can(ctx, "max", "update", "teammates")).Should(BeFalse())

		By("a restart")
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Stop()
		op = begins()
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
	})

	It("V-02: binds no ClusterRole that the operator may not bind, and says so", func(ctx context.Context) {
		create(ctx, ns, "kind: Downstream\nmetadata: {name: cluster}\nspec: {driver: KubernetesRBAC, kubernetesRBAC: "+
			"{bindings: [{name: agent, clusterRole: rollcall-operator}, {name: manager, clusterRole: rollcall-viewer}]}, records: [Access], mode: Full}")
		Eventually(holders(ctx)).Should(ConsistOf("max: rollcall-viewer"))
		Eventually(is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		Expect(is(ctx, "Reachable")()).To(Equal("True/AsExpected"))
		edit(ctx, "Downstream", ns, "cluster", "{spec: {kubernetesRBAC: {bindings: []}}}")
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(holders(ctx)()).To(ConsistOf("ana: rollcall-agent", "max: rollcall-manager"))
	})

	It("ends with its namespace, and leaves the RoleBindings to it", func(ctx context.Context) {
		clock.Set(time.Now()) // deletion is timed by the API server
		create(ctx, ns, downstream("mode: Full, onDelete: Remove"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})).To(Succeed())
		remove(ctx, "Downstream", ns, "cluster")
		Eventually(func() any { return read(ctx, "Downstream", ns, "cluster") }).Should(BeNil())
	})
})
