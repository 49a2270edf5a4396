package admission_test

import (
	"context"
	"fmt"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var _ = Describe("Automation bound to rollcall-owner", func() {
	samples, err := filepath.Glob(filepath.Join(cluster.Root, "config", "samples", "*", "kustomization.yaml"))
	if err != nil || len(samples) == 0 {
		panic("no samples below config/samples")
	}
	for _, path := range samples {
		name := filepath.Base(filepath.Dir(path))
		It("applies "+name+" with the policies of its preset in effect, twice; then deletes its namespace", func(ctx context.Context) {
			Expect(path).To(BeAnExistingFile())
			objects := cluster.Kustomized(filepath.Join("config", "samples", name))
			organizations := typed[rollcallv1.Organization](objects, "Organization")
			Expect(organizations).To(HaveLen(1))
			t := &tenant{namespace: organizations[0].Namespace, organization: &organizations[0]}
			for _, object := range objects {
				if object.GetNamespace() == "" {
					Expect(kube.Create(ctx, &object)).To(Succeed())
				}
			}
			automation := as("automation-" + name)
			t.bind(ctx, automation.name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rollcall-owner"})
			awaitPermission(ctx, automation, t.namespace, "profileroles", "assign", "")
			Expect(automation.Create(ctx, t.organization)).To(Succeed())
			t.resolve(ctx)
			for range 2 {
				for _, object := range objects {
					if object.GetNamespace() != "" {
						Expect(automation.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.ForceOwnership, client.FieldOwner("automation"))).To(
							beAdmitted(), "%s %s", object.GetKind(), object.GetName())
					}
				}
			}
			Expect(automation.warned()).To(BeEmpty())

			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
			Expect(kube.Delete(ctx, namespace)).To(Succeed())
			Eventually(func() bool {
				return apierrors.IsNotFound(kube.Get(ctx, client.ObjectKeyFromObject(namespace), namespace))
			}).Should(BeTrue(), func() string { return fmt.Sprintf("%+v", namespace.Status) })
		})
	}
})
