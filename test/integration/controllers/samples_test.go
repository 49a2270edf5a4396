package controllers_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// Every organization of config/samples as people run it: applied, all Ready, its Ledger lost, its namespace deleted.
var _ = Describe("The sample", Ordered, ContinueOnFailure, func() {
	BeforeAll(startNamespaceController)

	folders, err := filepath.Glob(filepath.Join(root, "config", "samples", "*", "kustomization.yaml"))
	if err != nil || len(folders) == 0 {
		panic("no samples below config/samples")
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		It(filepath.Base(folder)+" becomes Ready, gives nobody anything without its Ledger, and goes with its namespace", func(ctx context.Context) {
			op := start(&handClock{now: opening})
			ns, objects := applySample(ctx, folder)
			for _, o := range objects {
				Eventually(condition(ctx, o.GetKind(), ns, o.GetName(), "Ready")).Should(Equal("True/AsExpected"), o.GetKind()+"/"+o.GetName())
				if o.GetKind() == "Teammate" {
					Eventually(condition(ctx, "EffectiveAccess", ns, o.GetName(), "Ready")).Should(Equal("True/AsExpected"), o.GetName())
				}
			}
			op.rest(ns)
			reflash(ctx, ns, objects)
			op.rest(ns)

			before := held(ctx, ns)
			Expect(before).NotTo(BeEmpty())
			Expect(ledgers(ctx, ns)()).NotTo(BeEmpty())
			Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns))).To(Succeed())
			Eventually(ledgers(ctx, ns)).ShouldNot(BeEmpty())
			op.rest(ns)
			for _, what := range held(ctx, ns) {
				Expect(slices.Contains(before, what)).To(BeTrue(), "gained without the Ledger: %s", what)
			}

			namespace := &corev1.Namespace{ObjectMeta: objectMeta(ns)}
			Expect(kube.Delete(ctx, namespace)).To(Succeed())
			Eventually(func() bool {
				return apierrors.IsNotFound(kube.Get(ctx, client.ObjectKeyFromObject(namespace), namespace))
			}).Should(BeTrue(), "the namespace terminates")
		})
	}
})

// applySample applies the manifests of a folder, in their order, and returns their namespace and its objects.
func applySample(ctx context.Context, folder string) (string, []*unstructured.Unstructured) {
	GinkgoHelper()
	source, err := manifest.Kustomize(folder)
	Expect(err).NotTo(HaveOccurred())
	var ns string
	var objects []*unstructured.Unstructured
	for document := range bytes.SplitSeq(source.Data, []byte("\n---\n")) {
		o := new(unstructured.Unstructured)
		Expect(yaml.Unmarshal(document, &o.Object)).To(Succeed(), string(document))
		Expect(kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner("people"))).To(Succeed(), "%s/%s", o.GetKind(), o.GetName())
		if o.GetKind() == "Namespace" {
			ns = o.GetName()
			continue
		}
		Expect(o.GetNamespace()).To(Equal(ns), "%s/%s", o.GetKind(), o.GetName())
		objects = append(objects, o)
	}
	return ns, objects
}

// reflash applies the permission sets of all groups to everybody: which of an arriving organization a stamp has caught is
// not what this is about.
func reflash(ctx context.Context, ns string, objects []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, o := range objects {
		if _, found, _ := unstructured.NestedMap(o.Object, "spec", "permissionSet"); found && o.GetKind() == "UserGroup" {
			edit(ctx, "UserGroup", ns, o.GetName(), `{spec: {permissionSet: {reflashToken: complete}}}`)
			Eventually(condition(ctx, "UserGroup", ns, o.GetName(), "PermissionSetCurrent")).Should(Equal("True/AsExpected"), o.GetName())
		}
	}
}

// held is what everybody in a namespace may do and see, by its outputs.
func held(ctx context.Context, ns string) []string {
	GinkgoHelper()
	var list rollcallv1.EffectiveAccessList
	Expect(kube.List(ctx, &list, client.InNamespace(ns))).To(Succeed())
	var out []string
	for _, ea := range list.Items {
		Expect(ea.Status.Truncated).To(BeFalse(), ea.Name)
		for _, p := range ea.Status.AccountPermissions {
			out = append(out, ea.Name+" may "+p)
		}
		for _, g := range ea.Status.Grants {
			profiles := g.Profiles
			if g.AllProfiles {
				profiles = append(slices.Clone(profiles), "every profile")
			}
			for _, profile := range profiles {
				out = append(out, ea.Name+" sees "+profile)
				for _, p := range g.Permissions {
					out = append(out, ea.Name+" may "+p+" on "+profile)
				}
			}
		}
	}
	return out
}

// startNamespaceController starts what deletes the content of terminating namespaces, for as long as the samples are tested:
// other specs look at namespaces that stay as they are.
func startNamespaceController() {
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(path, environment.KubeConfig, 0o600)).To(Succeed())
	command := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kube-controller-manager"),
		"--kubeconfig="+path, "--authentication-kubeconfig="+path, "--authorization-kubeconfig="+path,
		"--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0",
		"--kube-api-qps=200", "--kube-api-burst=400", "--controllers=namespace-controller")
	command.Stdout, command.Stderr = GinkgoWriter, GinkgoWriter
	Expect(command.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}
