// Package admission_test holds the admission policies of config/admission and the ClusterRoles of config/rbac to the contract on a
// real API server: what they deny and to whom, with which status and advice, what they let pass, and that neither installing them
// nor deleting what they guard ever gets stuck. The operator does not run: the suite writes the status that policies read.
//
// One control plane serves all specs, each with a namespace of its own. Most writes are dry runs, which pass through admission like
// any other, so that one case leaves nothing to the next.
package admission_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var kube = new(cluster.Cluster) // as a member of system:masters, whom every authorizer check admits

func TestAdmission(t *testing.T) { cluster.Run(t, "Admission", 120*time.Second) }

var _ = BeforeSuite(func(ctx context.Context) {
	kube.Start()
	// What deletes namespaces, collects garbage and type-checks policies.
	kube.StartControllerManager("namespace-controller,garbage-collector-controller,validatingadmissionpolicy-status-controller")

	for _, object := range append(cluster.Kustomized("config/rbac"), cluster.Kustomized("config/admission")...) {
		if object.GetNamespace() == "" { // the operator's own account is the business of another suite
			Expect(kube.Create(ctx, &object)).To(Succeed(), object.GetName())
		}
	}
	installEcho(ctx)
})

// typed converts the objects of one kind.
func typed[T any](objects []unstructured.Unstructured, kind string) []T {
	GinkgoHelper()
	var all []T
	for _, object := range objects {
		if object.GetKind() != kind {
			continue
		}
		var one T
		Expect(kruntime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &one, true)).To(Succeed(), object.GetName())
		all = append(all, one)
	}
	Expect(all).NotTo(BeEmpty(), "no %s", kind)
	return all
}

const echoName = "echo.test.rollcall.dev"

// installEcho installs a policy of our own, last of all: it denies every ConfigMap called echo and says which version of the
// parameter it saw. All policies are compiled in one pass and share their parameters, so when echo bites the others do too, and when
// echo has seen an Organization they have seen it too.
func installEcho(ctx context.Context) {
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: echoName},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: new(admissionv1.Fail),
			ParamKind:     &admissionv1.ParamKind{APIVersion: rollcallv1.GroupVersion.String(), Kind: "Organization"},
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
				},
			}}},
			Validations: []admissionv1.Validation{{
				Expression:        "object.metadata.name != 'echo'",
				MessageExpression: "'saw ' + params.metadata.resourceVersion + '.'",
			}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: echoName},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        echoName,
			ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
			ParamRef:          &admissionv1.ParamRef{Name: "default", ParameterNotFoundAction: new(admissionv1.AllowAction)},
		},
	}
	Expect(kube.Create(ctx, policy)).To(Succeed())
	Expect(kube.Create(ctx, binding)).To(Succeed())
}

// settle waits until the policies have seen this version of the Organization.
func settle(ctx context.Context, organization *rollcallv1.Organization) {
	GinkgoHelper()
	Eventually(func() string {
		err := kube.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "echo", Namespace: organization.Namespace}}, client.DryRunAll)
		return fmt.Sprint(err)
	}).Should(ContainSubstring("saw "+organization.ResourceVersion+"."), "policies see Organization %s/%s", organization.Namespace, organization.Name)
}

// policyRule is short for one rule of a role: verbs on resource, or on resource:name,name.
func policyRule(target, verbs string) rbacv1.PolicyRule {
	resource, names, _ := strings.Cut(target, ":")
	rule := rbacv1.PolicyRule{APIGroups: []string{rollcallv1.GroupVersion.Group}, Resources: []string{resource}, Verbs: strings.Split(verbs, ",")}
	if names != "" {
		rule.ResourceNames = strings.Split(names, ",")
	}
	return rule
}
