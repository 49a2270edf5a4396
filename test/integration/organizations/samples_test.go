package organizations_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// Every organization of config/samples as people run it: applied, all Ready, its Ledger lost, its namespace deleted.
var _ = Describe("The sample", Ordered, ContinueOnFailure, func() {
	// For as long as the samples are tested: other specs look at namespaces that stay as they are.
	BeforeAll(func() { kube.StartControllerManager("namespace-controller") })

	folders, err := filepath.Glob(filepath.Join(cluster.Root, "config", "samples", "*", "kustomization.yaml"))
	if err != nil || len(folders) == 0 {
		panic("no samples below config/samples")
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		It(filepath.Base(folder)+" becomes Ready, gives nobody anything without its Ledger, and goes with its namespace", func(ctx context.Context) {
			op := start(cluster.ClockAt(opening))
			ns, objects := applySample(ctx, folder)
			for _, o := range objects {
				Eventually(condition(ctx, o.GetKind(), ns, o.GetName(), "Ready")).Should(Equal("True/AsExpected"), o.GetKind()+"/"+o.GetName())
				if o.GetKind() == "Teammate" {
					Eventually(condition(ctx, "EffectiveAccess", ns, o.GetName(), "Ready")).Should(Equal("True/AsExpected"), o.GetName())
				}
			}
			op.Rest(ns)
			reflash(ctx, ns, objects)
			op.Rest(ns)

			before := held(ctx, ns)
			Expect(before).NotTo(BeEmpty())
			Expect(kube.Ledgers(ctx, ns)()).NotTo(BeEmpty())
			Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns))).To(Succeed())
			Eventually(kube.Ledgers(ctx, ns)).ShouldNot(BeEmpty())
			op.Rest(ns)
			for _, what := range held(ctx, ns) {
				Expect(slices.Contains(before, what)).To(BeTrue(), "gained without the Ledger: %s", what)
			}

			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
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
