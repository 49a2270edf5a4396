package admission_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// shipped are the ClusterRoles of API section 6, from the strongest.
var shipped = []string{"owner", "administrator", "manager", "supervisor", "agent", "viewer"}

// tenant is one organization: a namespace, with a user for each shipped ClusterRole.
type tenant struct {
	namespace    string
	organization *rollcallv1.Organization
}

var (
	tenants int
	users   int
)

// newTenant makes a namespace with the objects (test/builder's text) and the Organization, whose status.resolvedPolicies is that of
// the preset with overrides. The objects are stored before any policy is resolved, as from a time before the policy. setUp may write
// the status of objects.
func newTenant(ctx context.Context, preset rollcallv1.Preset, overrides *rollcallv1.Policies, objects string, setUp ...func(t *tenant)) *tenant {
	GinkgoHelper()
	tenants++
	t := &tenant{namespace: fmt.Sprintf("tenant-%d", tenants)}
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
	for _, object := range t.objects(objects) {
		Expect(kube.Create(ctx, object)).To(Succeed(), object.GetName())
	}
	for _, do := range setUp {
		do(t)
	}
	for _, role := range shipped {
		t.bind(ctx, user(role), rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rollcall-" + role})
	}
	awaitPermission(ctx, as(user(shipped[len(shipped)-1])), t.namespace, "teammates", "list", "")

	t.organization = &rollcallv1.Organization{
		ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: t.namespace},
		Spec:       rollcallv1.OrganizationSpec{Preset: preset, Policies: overrides},
	}
	Expect(kube.Create(ctx, t.organization)).To(Succeed())
	t.resolve(ctx)
	return t
}

// user is the name of the user who is bound to a shipped ClusterRole in every tenant.
func user(role string) string { return "person-" + role }

// resolve writes what the operator would.
func (t *tenant) resolve(ctx context.Context) {
	GinkgoHelper()
	o := t.organization
	o.Status.ResolvedPolicies = roster.ResolvePolicies(o.Spec.Preset, o.Spec.Policies)
	Expect(kube.Status().Update(ctx, o)).To(Succeed())
	settle(ctx, o)
}

// objects reads test/builder's text.
func (t *tenant) objects(text string) []client.Object {
	GinkgoHelper()
	var all []client.Object
	for _, o := range builder.Objects(GinkgoTB(), text) {
		object, ok := o.(client.Object)
		Expect(ok).To(BeTrue(), "%T is no client.Object", o)
		object.SetNamespace(t.namespace)
		all = append(all, object)
	}
	return all
}

func (t *tenant) bind(ctx context.Context, name string, role rbacv1.RoleRef) {
	GinkgoHelper()
	Expect(kube.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-" + strings.ToLower(role.Kind), Namespace: t.namespace},
		RoleRef:    role,
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	})).To(Succeed())
}

// userWith is a new user with these rules in the namespace, and nothing else.
func (t *tenant) userWith(ctx context.Context, rules ...rbacv1.PolicyRule) *actor {
	GinkgoHelper()
	users++
	name := fmt.Sprintf("somebody-%d", users)
	t.grant(ctx, name, rules...)
	return as(name)
}

// grant adds rules to a user in the namespace.
func (t *tenant) grant(ctx context.Context, name string, rules ...rbacv1.PolicyRule) {
	GinkgoHelper()
	Expect(kube.Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.namespace}, Rules: rules})).To(Succeed())
	t.bind(ctx, name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name})
	for _, rule := range rules {
		resource := schema.GroupResource{Group: rule.APIGroups[0], Resource: rule.Resources[0]}
		awaitPermission(ctx, as(name), t.namespace, resource.String(), rule.Verbs[0], append(slices.Clone(rule.ResourceNames), "")[0])
	}
}

// awaitPermission waits until the authorizer knows of it. The resource is of our group, or has its group behind a dot.
func awaitPermission(ctx context.Context, a *actor, namespace, resource, verb, name string) {
	GinkgoHelper()
	of := schema.ParseGroupResource(resource)
	of.Group = cmp.Or(of.Group, rollcallv1.GroupName)
	Eventually(func(g Gomega) {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Group: of.Group, Resource: of.Resource, Verb: verb, Name: name},
		}}
		g.Expect(a.Create(ctx, review)).To(Succeed())
		g.Expect(review.Status.Allowed).To(BeTrue(), "%s may %s %s %s", a.name, verb, resource, name)
	}).Should(Succeed())
}

// actor is a client that writes as one user, and what it was warned of.
type actor struct {
	client.Client
	name string

	mutex    sync.Mutex
	warnings []string
}

func as(name string, groups ...string) *actor {
	GinkgoHelper()
	a := &actor{name: name}
	c := rest.CopyConfig(kube.Config)
	c.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: groups}
	c.WarningHandlerWithContext = a
	var err error
	a.Client, err = client.New(c, client.Options{Scheme: kube.Scheme(), Mapper: kube.RESTMapper()})
	Expect(err).NotTo(HaveOccurred())
	return a
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (a *actor) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.warnings = append(a.warnings, text)
}

// warned returns the warnings since the last call.
func (a *actor) warned() []string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	warnings := a.warnings
	a.warnings = nil
	return warnings
}

// creates tries to create the objects of test/builder's text, as a dry run, and returns the first error.
func (a *actor) creates(ctx context.Context, t *tenant, text string) error {
	GinkgoHelper()
	for _, object := range t.objects(text) {
		if err := a.Create(ctx, object, client.DryRunAll); err != nil {
			return err
		}
	}
	return nil
}

// patches tries a merge patch, written in YAML, of Kind/name, as a dry run.
func (a *actor) patches(ctx context.Context, t *tenant, object, patch string) error {
	GinkgoHelper()
	return a.Patch(ctx, t.object(object), merge(patch), client.DryRunAll)
}

// deletes tries to delete Kind/name, as a dry run.
func (a *actor) deletes(ctx context.Context, t *tenant, object string) error {
	GinkgoHelper()
	return a.Delete(ctx, t.object(object), client.DryRunAll)
}

// object is the key of Kind/name.
func (t *tenant) object(key string) *unstructured.Unstructured {
	kind, name, _ := strings.Cut(key, "/")
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(rollcallv1.GroupVersion.WithKind(kind))
	object.SetNamespace(t.namespace)
	object.SetName(name)
	return object
}

// changes applies a patch for good, as an administrator of the cluster.
func (t *tenant) changes(ctx context.Context, object, patch string) {
	GinkgoHelper()
	Expect(kube.Patch(ctx, t.object(object), merge(patch))).To(Succeed())
}

// reports writes a status, as the operator would.
func (t *tenant) reports(ctx context.Context, object, status string) {
	GinkgoHelper()
	Expect(kube.Status().Patch(ctx, t.object(object), merge("{status: "+status+"}"))).To(Succeed())
}

func merge(text string) client.Patch {
	GinkgoHelper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred(), text)
	return client.RawPatch(apitypes.MergePatchType, raw)
}

// beDenied succeeds when one of the rules denied, as S-132 wants it: Forbidden, never Invalid, with a message that names what is given
// in mention, and without the word on which GitOps tools with force delete and recreate.
func beDenied(rules string, mention ...string) types.GomegaMatcher {
	matchers := []types.GomegaMatcher{
		HaveOccurred(),
		WithTransform(apierrors.IsForbidden, BeTrue()),
		WithTransform(func(err error) int32 {
			status, _ := err.(apierrors.APIStatus)
			return status.Status().Code
		}, BeEquivalentTo(403)),
		WithTransform(func(err error) string { return strings.ToLower(err.Error()) }, Not(ContainSubstring("immu"+"table"))),
		MatchError(ContainSubstring("denied request: ")),
	}
	var some []types.GomegaMatcher
	for rule := range strings.SplitSeq(rules, "|") {
		some = append(some, MatchError(ContainSubstring("denied request: "+rule+": ")))
	}
	matchers = append(matchers, Or(some...))
	for _, text := range mention {
		matchers = append(matchers, MatchError(ContainSubstring(text)))
	}
	return And(matchers...)
}

// beRefused succeeds when the schema or CEL of the CRD refused, with a message about this.
func beRefused(about string) types.GomegaMatcher {
	return And(WithTransform(apierrors.IsInvalid, BeTrue()), MatchError(ContainSubstring(about)))
}

// beForbiddenByRBAC succeeds when no role allowed it; admission was not even asked.
func beForbiddenByRBAC() types.GomegaMatcher {
	return And(WithTransform(apierrors.IsForbidden, BeTrue()), MatchError(ContainSubstring("cannot")), Not(MatchError(ContainSubstring("denied request"))))
}

// beAdmitted succeeds when nothing objected.
func beAdmitted() types.GomegaMatcher { return Not(HaveOccurred()) }

// raw is an object that test/builder would not write, because the schema refuses it.
func raw(t *tenant, kind, name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	object := t.object(kind + "/" + name)
	var fields map[string]any
	Expect(yaml.Unmarshal([]byte(spec), &fields)).To(Succeed(), spec)
	object.Object["spec"] = fields
	return object
}

func inNamespace(t *tenant) client.InNamespace { return client.InNamespace(t.namespace) }

// dryRun is client.DryRunAll for DeleteAllOf.
func dryRun() client.DeleteAllOfOption { return client.DryRunAll }
