package downstream_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// endingSpecs are about deleting a Downstream: its records stay unless asked and approved, and it always ends.
func endingSpecs() {
	const small = "mode: Full, records: [Users, Groups], resyncInterval: 24h, safety: {confirmAbsences: 1}"
	const removing = small + ", onDelete: Remove"
	begin := func(ctx context.Context, spec string) (string, *target) {
		GinkgoHelper()
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, "")+group("desk", "members: [{name: p-0}]"))
		t := connect(ctx, ns, "warehouse", spec)
		t.synced(ctx)
		t.forget(ctx)
		return ns, t
	}
	inventories := func(ctx context.Context, ns string) int {
		var list rollcallv1.LedgerList
		Expect(kube.List(ctx, &list, client.InNamespace(ns), client.MatchingLabels{rollcallv1.LabelLedger: "inventory"})).To(Succeed())
		return len(list.Items)
	}

	It("Safety 15: deleting a Downstream leaves its records to nobody", func(ctx context.Context) {
		ns, t := begin(ctx, small)
		Expect(t.get(ctx).Finalizers).To(ConsistOf(rollcallv1.FinalizerDownstreamCleanup))
		for _, kind := range []string{"Teammate/p-0", "UserGroup/desk", "Organization/default"} {
			k, name, _ := strings.Cut(kind, "/")
			o := object(k, ns, name)
			Expect(kube.Get(ctx, client.ObjectKeyFromObject(o), o)).To(Succeed())
			Expect(o.GetFinalizers()).To(BeEmpty(), kind)
		}
		Expect(inventories(ctx, ns)).To(Equal(1))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(t.gone(ctx)).Should(BeTrue())
		t.proxy.rest()
		Expect(t.changes(ctx)).To(BeEmpty())
		Expect(inventories(ctx, ns)).To(BeZero())
	})

	It("Safety 15: onDelete Remove removes what was approved", func(ctx context.Context) {
		ns, t := begin(ctx, removing)
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(t.held(ctx)).Should(Equal(4))
		t.proxy.rest()
		Expect(t.changes(ctx)).To(BeEmpty())
		t.approve(ctx, t.get(ctx).Status.Held.Hash)
		Eventually(t.gone(ctx)).Should(BeTrue())
		Expect(t.rows(ctx, "people")()).To(BeEmpty())
		Expect(t.rows(ctx, "groups")()).To(BeEmpty())
	})

	It("Safety 15: it ends when the records are gone already", func(ctx context.Context) {
		ns, t := begin(ctx, removing)
		t.sql(ctx, "DROP SCHEMA @ CASCADE")
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(t.gone(ctx)).Should(BeTrue())
	})

	It("Safety 15: it ends when the system, the Secret or the login is gone", func(ctx context.Context) {
		for name, breaks := range map[string]func(t *target){
			"system": func(t *target) { t.proxy.refusing(true) },
			"Secret": func(t *target) {
				Expect(kube.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.name + "-dsn"}})).To(Succeed())
			},
			"login": func(t *target) {
				t.sql(ctx, "ALTER ROLE "+t.role+" NOLOGIN")
				t.proxy.cut()
			},
		} {
			By("no " + name + ": at once if nothing is to be removed")
			ns, t := begin(ctx, small)
			breaks(t)
			remove(ctx, "Downstream", ns, "warehouse")
			Eventually(t.gone(ctx)).Should(BeTrue())

			By("no " + name + ": else when it is forced, or after a while")
			ns, t = begin(ctx, removing)
			breaks(t)
			remove(ctx, "Downstream", ns, "warehouse")
			Eventually(t.is(ctx, "Reachable")).Should(HavePrefix("False/"))
			Expect(t.gone(ctx)()).To(BeFalse())
			edit(ctx, "Downstream", ns, "warehouse", fmt.Sprintf("{metadata: {annotations: {%s: 'true'}}}", rollcallv1.AnnotationForceFinalize))
			Eventually(t.gone(ctx)).Should(BeTrue())
			Eventually(t.events(ctx)).Should(ContainElement(HavePrefix("CleanupForced: ")))
			Expect(t.changes(ctx)).To(BeEmpty())
		}
	})

	namespaceEnds := func(ctx context.Context, ns string) {
		GinkgoHelper()
		o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
		Expect(kube.Delete(ctx, o)).To(Succeed())
		Eventually(func() bool { return apierrors.IsNotFound(kube.Get(ctx, client.ObjectKeyFromObject(o), o)) }).
			Should(BeTrue(), func() string { return fmt.Sprintf("%+v", o.Status) })
	}

	It("Safety 15: a namespace ends, whatever Downstreams are in it, and nothing is removed", func(ctx context.Context) {
		ns, t := begin(ctx, removing)
		unreachable := connect(ctx, ns, "unreachable", removing)
		unreachable.synced(ctx)
		unreachable.forget(ctx)
		unreachable.proxy.refusing(true)
		create(ctx, ns, `
kind: Downstream
metadata: {name: unknown}
spec: {driver: HTTP, http: {url: "https://hooks.example"}, records: [Users], mode: Full, onDelete: Remove, credentialsSecretRef: {name: none}}
`)
		namespaceEnds(ctx, ns)
		Expect(t.removals(ctx)).To(BeEmpty())
		Expect(unreachable.removals(ctx)).To(BeEmpty())
	})

	It("Safety 15: `kubectl delete -k` of a sample ends", func(ctx context.Context) {
		folder := filepath.Join(cluster.Root, "config", "samples", "fjordline")
		kubectl := func(arguments ...string) string {
			GinkgoHelper()
			command := exec.CommandContext(ctx, cluster.Program("kubectl"), append([]string{"--kubeconfig=" + kube.Kubeconfig}, arguments...)...)
			output, err := command.CombinedOutput()
			Expect(err).NotTo(HaveOccurred(), string(output))
			return string(output)
		}
		kubectl("apply", "--server-side", "-k", folder)
		t := connect(ctx, "fjordline", "warehouse", removing)
		Eventually(t.is(ctx, "Ready")).Should(Equal("True/AsExpected"))
		kubectl("delete", "--wait=false", "--ignore-not-found", "-k", folder) // the namespace comes first, and takes the others along
		Eventually(t.gone(ctx)).Should(BeTrue())
		o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "fjordline"}}
		Eventually(func() bool { return apierrors.IsNotFound(kube.Get(ctx, client.ObjectKeyFromObject(o), o)) }).
			Should(BeTrue(), func() string { return fmt.Sprintf("%+v", o.Status) })
	})
}
