package api_test

import (
	"context"
	"strings"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// object is one of a kind with a spec in YAML; without spec when that is empty. An Organization is named default.
func object(kind, name, spec string) *unstructured.Unstructured {
	if kind == "Organization" {
		name = rollcallv1.OrganizationName
	}
	made := &unstructured.Unstructured{Object: map[string]any{}}
	made.SetGroupVersionKind(rollcallv1.GroupVersion.WithKind(kind))
	made.SetNamespace(namespace)
	made.SetName(name)
	if spec != "" {
		var content map[string]any
		ExpectWithOffset(1, yaml.UnmarshalStrict([]byte(spec), &content)).To(Succeed(), spec)
		made.Object["spec"] = content
	}
	return made
}

// strict refuses fields that the schema does not have, so that a case never passes for a misspelt field.
func strict() client.Client {
	return client.WithFieldValidation(kube, metav1.FieldValidationStrict)
}

// tryCreate is a dry run.
func tryCreate(ctx context.Context, wanted *unstructured.Unstructured) error {
	return strict().Create(ctx, wanted, client.DryRunAll)
}

// expectAnswer checks that err is nil when want is empty, else a refusal by the schema for one reason that has want in it.
func expectAnswer(err error, want string) {
	if want == "" {
		ExpectWithOffset(1, err).NotTo(HaveOccurred())
		return
	}
	ExpectWithOffset(1, err).To(MatchError(apierrors.IsInvalid, "IsInvalid"))
	var causes []string
	for _, cause := range err.(apierrors.APIStatus).Status().Details.Causes {
		// Added by the API server when the schema already refused; it names nothing wrong.
		if strings.Contains(cause.Message, "some validation rules were not checked") {
			continue
		}
		causes = append(causes, cause.Field+": "+cause.Message)
	}
	ExpectWithOffset(1, causes).To(ConsistOf(ContainSubstring(want)))
}
