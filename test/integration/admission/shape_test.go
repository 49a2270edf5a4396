package admission_test

import (
	"context"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

type (
	policy  = admissionv1.ValidatingAdmissionPolicy
	binding = admissionv1.ValidatingAdmissionPolicyBinding
)

func policies(folder string) []policy {
	GinkgoHelper()
	return typed[policy](cluster.Kustomized(folder), "ValidatingAdmissionPolicy")
}

func bindings(folder string) map[string]binding {
	GinkgoHelper()
	all := make(map[string]binding)
	for _, b := range typed[binding](cluster.Kustomized(folder), "ValidatingAdmissionPolicyBinding") {
		all[b.Spec.PolicyName] = b
	}
	return all
}

// inputs are the resources of the kinds that people write.
var inputs = []string{
	"accountroles", "campaigns", "departments", "downstreams", "inboundautomations", "mentions", "organizations", "profileroles", "profiles", "queues", "schedules", "teammates", "usergroups",
}

var ruleOf = regexp.MustCompile(`^((?:vap|act)-[0-9]+)-[a-z-]+\.rollcall\.dev$`)

// What every policy has in common, read from the manifests.
var _ = Describe("The policies", func() {
	It("cover every rule", func() {
		var rules []string
		for _, p := range policies("config/admission") {
			match := ruleOf.FindStringSubmatch(p.Name)
			Expect(match).NotTo(BeNil(), "the name %s says its rule", p.Name)
			rules = append(rules, strings.ToUpper(match[1]))
		}
		slices.Sort(rules)
		Expect(slices.Compact(rules)).To(ConsistOf(
			"VAP-1", "VAP-2", "VAP-3", "VAP-4", "VAP-5", "VAP-6", "VAP-7", "VAP-8", "VAP-9", "VAP-10", "VAP-11", "VAP-12", "VAP-13", "VAP-14", "VAP-15",
			"ACT-1", "ACT-2", "ACT-3", "ACT-4", "ACT-5", "ACT-6", "ACT-7", "ACT-8", "ACT-9", "ACT-10", "ACT-11", "ACT-12", "ACT-13"))
	})

	It("match rollcall.dev only, in every namespace, and no subresource", func() {
		for _, p := range policies("config/admission") {
			m := p.Spec.MatchConstraints
			Expect(p.Spec.MatchConditions).To(BeEmpty(), p.Name)
			Expect(m.NamespaceSelector).To(BeNil(), p.Name)
			Expect(m.ObjectSelector).To(BeNil(), p.Name)
			for _, rule := range m.ResourceRules {
				Expect(rule.APIGroups).To(Equal([]string{"rollcall.dev"}), p.Name)
				// A wildcard would switch type checking off.
				Expect(rule.APIVersions).To(Equal([]string{"v1alpha1"}), p.Name)
				Expect(inputs).To(ContainElements(rule.Resources), p.Name)
			}
		}
	})

	It("fail closed, and open where there is no Organization", func() {
		bound := bindings("config/admission")
		for _, p := range policies("config/admission") {
			Expect(p.Spec.FailurePolicy).To(HaveValue(Equal(admissionv1.Fail)), p.Name)
			b, found := bound[p.Name]
			Expect(found).To(BeTrue(), "%s has a binding", p.Name)
			Expect(b.Spec.MatchResources).To(BeNil(), p.Name)
			// VAP-15 reads the Organization under admission; ACT-n must hold where there is none.
			if strings.HasPrefix(p.Name, "act-") || strings.HasPrefix(p.Name, "vap-15-") {
				Expect(p.Spec.ParamKind).To(BeNil(), p.Name)
				Expect(b.Spec.ParamRef).To(BeNil(), p.Name)
				continue
			}
			Expect(p.Spec.ParamKind).To(HaveValue(Equal(admissionv1.ParamKind{APIVersion: "rollcall.dev/v1alpha1", Kind: "Organization"})), p.Name)
			Expect(b.Spec.ParamRef).To(HaveValue(Equal(admissionv1.ParamRef{Name: "default", ParameterNotFoundAction: new(admissionv1.AllowAction)})), p.Name)
		}
	})

	It("S-132: deny with Forbidden, admit in a terminating namespace, and give advice", func() {
		for _, p := range policies("config/admission") {
			begin := "has(namespaceObject.metadata.deletionTimestamp) ||"
			if strings.HasPrefix(p.Name, "vap-") {
				begin += " !variables.resolved ||"
			}
			rule := strings.ToUpper(ruleOf.FindStringSubmatch(p.Name)[1])
			for _, v := range p.Spec.Validations {
				Expect(v.Reason).To(HaveValue(Equal(metav1.StatusReasonForbidden)), p.Name)
				Expect(v.Expression).To(HavePrefix(begin), p.Name)
				Expect(strings.Count(v.Expression, ".check(")).To(BeNumerically("<=", 2), p.Name)
				Expect(v.MessageExpression).To(HavePrefix(`"`+rule+": "), p.Name)
				Expect(v.MessageExpression).To(Or(ContainSubstring(".metadata.name"), ContainSubstring("variables.name")), p.Name)
			}
			for _, text := range texts(p) {
				Expect(strings.ToLower(text)).NotTo(ContainSubstring("immu"+"table"), p.Name)
			}
		}
	})

	It("read every leaf of status.resolvedPolicies through has()", func() {
		leaf := regexp.MustCompile(`params\.status\.resolvedPolicies(\.[a-zA-Z]+)+`)
		read := make(map[string]bool)
		for _, p := range policies("config/admission") {
			for _, text := range texts(p) {
				for _, path := range leaf.FindAllString(text, -1) {
					Expect(text).To(ContainSubstring("has("+path+")"), "%s reads %s", p.Name, path)
					read[path] = true
				}
			}
		}
		// Each is a field that exists.
		for path := range read {
			t := reflect.TypeFor[rollcallv1.Policies]()
			for name := range strings.SplitSeq(strings.TrimPrefix(path, "params.status.resolvedPolicies."), ".") {
				field, found := jsonFields(t)[name]
				Expect(found).To(BeTrue(), "%s: %s has no field %s", path, t, name)
				t = field
			}
		}
		Expect(read).NotTo(BeEmpty())
	})

	It("bind VAP-5, VAP-7 and VAP-11 as warnings, VAP-14 always, all others as denials", func() {
		warning := regexp.MustCompile(`^vap-(5|7|11)-`)
		for folder, want := range map[string][]admissionv1.ValidationAction{
			"config/admission":                         {admissionv1.Warn, admissionv1.Audit},
			"test/integration/admission/testdata/deny": {admissionv1.Deny},
		} {
			for name, b := range bindings(folder) {
				switch {
				case warning.MatchString(name):
					Expect(b.Spec.ValidationActions).To(Equal(want), "%s in %s", name, folder)
				case strings.HasPrefix(name, "vap-14-"):
					Expect(b.Spec.ValidationActions).To(Equal([]admissionv1.ValidationAction{admissionv1.Warn}), "%s in %s", name, folder)
				default:
					Expect(b.Spec.ValidationActions).To(Equal([]admissionv1.ValidationAction{admissionv1.Deny}), "%s in %s", name, folder)
				}
			}
		}
	})

	It("S-133: VAP-6 and ACT-13 name every field of the types", func() {
		listed := func(name string) []string {
			for _, p := range policies("config/admission") {
				if !strings.HasPrefix(p.Name, name) {
					continue
				}
				i := slices.IndexFunc(p.Spec.Variables, func(v admissionv1.Variable) bool { return v.Name == "changed" })
				var fields []string
				for _, match := range regexp.MustCompile(`object\.spec\.\?([a-zA-Z.?]+) == oldObject\.spec\.\?([a-zA-Z.?]+) \? '' : 'spec\.([a-zA-Z.]+)'`).FindAllStringSubmatch(p.Spec.Variables[i].Expression, -1) {
					Expect(match[1]).To(Equal(match[2]), name)
					Expect(strings.ReplaceAll(match[1], "?", "")).To(Equal(match[3]), name)
					fields = append(fields, match[3])
				}
				return fields
			}
			return nil
		}
		group := slices.Collect(maps.Keys(jsonFields(reflect.TypeFor[rollcallv1.UserGroupSpec]())))
		Expect(append(listed("vap-6-"), "state")).To(ConsistOf(group))

		teammate := slices.DeleteFunc(slices.Collect(maps.Keys(jsonFields(reflect.TypeFor[rollcallv1.TeammateSpec]()))), func(name string) bool { return name == "card" })
		for name := range jsonFields(reflect.TypeFor[rollcallv1.Card]()) {
			teammate = append(teammate, "card."+name)
		}
		Expect(append(listed("act-13-"), "skills", "maxChats", "availability", "absences", "card.approval")).To(ConsistOf(teammate))
	})

	It("are free of type-check warnings", func(ctx context.Context) {
		check := func(p policy) *policy {
			c := &policy{ObjectMeta: metav1.ObjectMeta{Name: "typecheck." + p.Name}, Spec: p.Spec}
			Expect(client.IgnoreAlreadyExists(kube.Create(ctx, c))).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(kube.Delete(ctx, c))).To(Succeed()) })
			return c
		}
		checked := func(c *policy) *admissionv1.TypeChecking {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(c), c)).To(Succeed())
				g.Expect(c.Status.ObservedGeneration).To(Equal(c.Generation))
			}).Should(Succeed(), c.Name)
			return c.Status.TypeChecking
		}
		all := policies("config/admission")
		// The controller says nothing about kinds whose schema it has not seen yet: wait until it finds a mistake in each kind.
		Eventually(func(g Gomega) {
			for _, kind := range inputs {
				wrong := all[slices.IndexFunc(all, func(p policy) bool { return p.Spec.ParamKind != nil })].DeepCopy()
				wrong.Name = kind
				wrong.Spec.Variables = nil
				wrong.Spec.MatchConstraints.ResourceRules[0].Operations = []admissionv1.OperationType{admissionv1.Create}
				wrong.Spec.MatchConstraints.ResourceRules[0].Resources = []string{kind}
				wrong.Spec.Validations = []admissionv1.Validation{{Expression: "object.spec.noSuchField == '' && params.spec.noSuchField == ''", Message: "wrong"}}
				c := check(*wrong)
				found := checked(c)
				if found == nil || len(found.ExpressionWarnings) == 0 {
					g.Expect(kube.Delete(ctx, c)).To(Succeed())
				}
				g.Expect(found).NotTo(BeNil(), kind)
				g.Expect(found.ExpressionWarnings).NotTo(BeEmpty(), kind)
			}
		}).Should(Succeed())
		var copies []*policy
		for _, p := range all {
			copies = append(copies, check(p))
		}
		for _, c := range copies {
			if found := checked(c); found != nil {
				Expect(found.ExpressionWarnings).To(BeEmpty(), c.Name)
			}
		}
	})
})

// texts are all expressions and messages of a policy.
func texts(p policy) []string {
	var all []string
	for _, v := range p.Spec.Variables {
		all = append(all, v.Expression)
	}
	for _, v := range p.Spec.Validations {
		all = append(all, v.Expression, v.Message, v.MessageExpression)
	}
	return all
}

// jsonFields returns the types of the fields of a struct by their JSON names, embedded structs flattened.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	fields := make(map[string]reflect.Type)
	if t.Kind() != reflect.Struct {
		return fields
	}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && strings.Contains(options, "inline") {
			maps.Copy(fields, jsonFields(field.Type))
			continue
		}
		fields[name] = field.Type
	}
	return fields
}
