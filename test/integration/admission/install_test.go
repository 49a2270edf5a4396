package admission_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var _ = Describe("Installing", func() {
	It("puts CRDs before policies", func() {
		var kinds []string
		for _, object := range cluster.Kustomized("config/default") {
			kinds = append(kinds, object.GetKind())
		}
		last := func(kind string) int {
			for i, k := range slices.Backward(kinds) {
				if k == kind {
					return i
				}
			}
			return -1
		}
		Expect(last("CustomResourceDefinition")).To(BeNumerically(">=", 0))
		Expect(slices.Index(kinds, "ValidatingAdmissionPolicy")).To(BeNumerically(">", last("CustomResourceDefinition")))
	})

	It("works on an empty cluster in one apply, and the policies bite once there are policies to read", func(ctx context.Context) {
		empty := &envtest.Environment{ControlPlaneStartTimeout: 2 * time.Minute}
		config, err := empty.Start()
		DeferCleanup(empty.Stop)
		Expect(err).NotTo(HaveOccurred())
		kubeconfig := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
		Expect(os.WriteFile(kubeconfig, empty.KubeConfig, 0o600)).To(Succeed())
		output, err := exec.CommandContext(ctx, cluster.Program("kubectl"), "--kubeconfig="+kubeconfig, "apply", "--server-side", "-k", filepath.Join(cluster.Root, "config", "default")).CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(output))

		fresh, err := client.New(config, client.Options{Scheme: kube.Scheme()})
		Expect(err).NotTo(HaveOccurred())
		t := &tenant{namespace: "fresh"}
		Expect(fresh.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
		organization := &rollcallv1.Organization{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: t.namespace}, Spec: rollcallv1.OrganizationSpec{Preset: rollcallv1.PresetVoiceCenter}}
		// Nothing is denied for long because kinds and policies came at once.
		Eventually(func() error { return fresh.Create(ctx, organization) }).Should(Succeed())
		Eventually(func() error {
			return fresh.Create(ctx, t.objects(`Teammate eve {maxChats: 5000}`)[0], client.DryRunAll)
		}).Should(Succeed())

		organization.Status.ResolvedPolicies = roster.ResolvePolicies(organization.Spec.Preset, organization.Spec.Policies)
		Expect(fresh.Status().Update(ctx, organization)).To(Succeed())
		Eventually(func() error {
			return fresh.Create(ctx, t.objects(`Teammate eve {maxChats: 5000}`)[0], client.DryRunAll)
		}).Should(beDenied("VAP-8"))
		Expect(fresh.Create(ctx, t.objects(`Teammate eve {maxChats: 50}`)[0])).To(beAdmitted())
	})
})
