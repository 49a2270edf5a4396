package manifest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/config/crd"
)

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// Finding is one thing that layer 1 has against an object.
type Finding struct{ Rule, Field, Message string }

// kindSchema is the compiled CustomResourceDefinition of one kind.
type kindSchema struct {
	props      *apiextensionsv1.JSONSchemaProps
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
	// expressions of the CEL rules, by the number in their marked messages.
	expressions []expression
}

var schemas = func() map[string]func() *kindSchema {
	out := map[string]func() *kindSchema{}
	for name := range kinds {
		out[name] = sync.OnceValue(func() *kindSchema {
			s, err := compile(name)
			if err != nil {
				panic(err) // the files are part of the program; a test compiles each
			}
			return s
		})
	}
	return out
}()

// Schema returns the OpenAPI schema of a kind; nil for an unknown one.
func Schema(kind string) *apiextensionsv1.JSONSchemaProps {
	props, err := load(kind)
	if err != nil {
		return nil
	}
	return props
}

func load(name string) (*apiextensionsv1.JSONSchemaProps, error) {
	data, err := crd.Bases.ReadFile("bases/rollcall.dev_" + kinds[name].plural + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the definition of %s: %w", name, err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return nil, fmt.Errorf("reading the definition of %s: %w", name, err)
	}
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema, nil
}

func compile(name string) (*kindSchema, error) {
	props, err := load(name)
	if err != nil {
		return nil, err
	}
	delete(props.Properties, "status") // not checked: people do not write it
	s := &kindSchema{props: props}
	s.mark(props)
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, &internal, nil); err != nil {
		return nil, fmt.Errorf("converting the schema of %s: %w", name, err)
	}
	if s.structural, err = schema.NewStructural(&internal); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	if s.validator, _, err = validation.NewSchemaValidator(&internal); err != nil {
		return nil, fmt.Errorf("compiling the schema of %s: %w", name, err)
	}
	s.rules = cel.NewValidator(s.structural, true, celconfig.PerCallLimit)
	return s, nil
}

// mark numbers every CEL rule in its message: the error of a rule carries nothing else that names it.
func (s *kindSchema) mark(props *apiextensionsv1.JSONSchemaProps) {
	for i := range props.XValidations {
		v := &props.XValidations[i]
		v.Message = fmt.Sprintf("\x00%d\x00%s", len(s.expressions), v.Message)
		s.expressions = append(s.expressions, expression{v.Rule, props.Type})
	}
	for _, name := range slices.Sorted(maps.Keys(props.Properties)) {
		p := props.Properties[name]
		s.mark(&p)
		props.Properties[name] = p
	}
	if props.Items != nil && props.Items.Schema != nil {
		s.mark(props.Items.Schema)
	}
	if props.AdditionalProperties != nil && props.AdditionalProperties.Schema != nil {
		s.mark(props.AdditionalProperties.Schema)
	}
	for i := range props.AllOf {
		s.mark(&props.AllOf[i])
	}
}

// Check applies layer 1 to an object as JSON values, with the transition rules when old is not nil. It returns the object
// with defaults; source is left alone.
func Check(kind string, source, old map[string]any) (map[string]any, []Finding) {
	s := schemas[kind]()
	o := runtime.DeepCopyJSON(source)
	delete(o, "status")
	var out []Finding
	add := func(f Finding) { out = append(out, f) }

	for _, path := range s.unknown(o) {
		add(Finding{Rule: RuleSchema, Field: path, Message: "unknown field; expected " + s.knownBeside(path)})
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(o, s.structural)
	defaulting.Default(o, s.structural)

	errs := validation.ValidateCustomResource(nil, o, s.validator)
	if meta, found, _, err := objectmeta.GetObjectMetaWithOptions(o, objectmeta.ObjectMetaOptions{}); err != nil {
		add(Finding{Rule: RuleSchema, Field: "metadata", Message: err.Error() + "; expected the metadata of a Kubernetes object"})
	} else if found {
		namespaced := *meta
		if namespaced.Namespace == "" {
			namespaced.Namespace = "default"
		}
		errs = append(errs, metavalidation.ValidateObjectMeta(&namespaced, true, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, o)...)
	if len(errs) == 0 && len(out) == 0 && s.rules != nil {
		var before any
		if old != nil {
			b := runtime.DeepCopyJSON(old)
			delete(b, "status")
			defaulting.PruneNonNullableNullsWithoutDefaults(b, s.structural)
			defaulting.Default(b, s.structural)
			before = b
		}
		errs, _ = s.rules.Validate(context.Background(), nil, s.structural, o, before, celconfig.RuntimeCELCostBudget)
	}
	for _, e := range errs {
		add(s.describe(e))
	}
	return o, out
}

// unknown removes the fields that the schema does not have and returns their paths.
func (s *kindSchema) unknown(o map[string]any) []string {
	_, _, paths, err := objectmeta.GetObjectMetaWithOptions(o, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		paths = nil // reported with the other errors
	}
	return append(paths, pruning.PruneWithOptions(o, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
}

// knownBeside lists the fields that may stand where an unknown one does.
func (s *kindSchema) knownBeside(path string) string {
	steps := splitPath(path)
	if len(steps) == 0 {
		return "a name for the field"
	}
	if steps[0] == "metadata" {
		return "a field of Kubernetes metadata"
	}
	at := s.structural
	for _, step := range steps[:len(steps)-1] {
		if _, err := strconv.Atoi(step); err == nil && at.Items != nil {
			at = at.Items
			continue
		}
		p, ok := at.Properties[step]
		if !ok {
			return "a field of Kubernetes metadata"
		}
		at = &p
	}
	names := slices.Sorted(maps.Keys(at.Properties))
	if len(names) == 0 {
		return "none here"
	}
	return "one of " + strings.Join(names, ", ")
}

var (
	marked   = regexp.MustCompile(`^\x00(\d+)\x00`)
	bodyType = regexp.MustCompile(`^\S+ in body (.*)$`)
)

// describe writes an error of the Kubernetes libraries as: what is wrong; what is expected.
func (s *kindSchema) describe(e *field.Error) Finding {
	f := Finding{Rule: RuleSchema, Field: strings.TrimPrefix(e.Field, "<nil>")}
	if m := marked.FindStringSubmatch(e.Detail); m != nil {
		n, _ := strconv.Atoi(m[1])
		r := ruleOf(s.expressions[n])
		f.Rule, f.Message = r.id, strings.TrimPrefix(e.Detail, m[0])
		if f.Field == "" {
			f.Field = r.field
		}
		return f
	}
	detail := strings.TrimPrefix(e.Detail, e.Field+" ")
	if m := bodyType.FindStringSubmatch(e.Detail); m != nil {
		detail = m[1]
	}
	switch e.Type {
	case field.ErrorTypeRequired:
		f.Message = "is missing; expected a value"
		if detail != "" {
			f.Message = "is missing; expected " + detail
		}
	case field.ErrorTypeNotSupported:
		f.Message = fmt.Sprintf("%s is not supported; expected one of %s", quoted(e.BadValue), strings.TrimPrefix(strings.ReplaceAll(detail, `"`, ""), "supported values: "))
	case field.ErrorTypeDuplicate:
		f.Message = fmt.Sprintf("%s stands twice in the list; expected each entry once", quoted(e.BadValue))
	case field.ErrorTypeTooLong, field.ErrorTypeTooMany:
		f.Message = "too long; expected " + strings.Replace(detail, "may not be more than", "at most", 1)
	case field.ErrorTypeTypeInvalid:
		wanted, got, _ := strings.Cut(detail, ": ")
		f.Message = fmt.Sprintf("is of type %s; expected %s", strings.Trim(got, `"`), strings.TrimPrefix(wanted, "must be "))
	default:
		f.Message = fmt.Sprintf("%s is not valid; it %s", quoted(e.BadValue), detail)
		if strings.Contains(detail, "RFC 1123 subdomain") {
			f.Message = quoted(e.BadValue) + " is not a name; expected lower-case letters, digits, - and ., with a letter or digit at both ends"
		}
	}
	return f
}

func quoted(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any:
		pairs := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, fmt.Sprintf("%s: %v", k, v[k]))
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	return fmt.Sprintf("%v", v)
}

// decode checks an object and makes it typed.
func decode(kindName string, source map[string]any, namespace string) (metav1.Object, []Finding) {
	k := kinds[kindName]
	o, findings := source, []Finding(nil)
	if !k.output {
		if o, findings = Check(kindName, source, nil); len(findings) > 0 {
			return nil, findings
		}
	}
	if status, written := source["status"]; written && k.state {
		o["status"] = status
	}
	typed := k.make()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, typed); err != nil {
		return nil, []Finding{{Rule: RuleSchema, Message: err.Error() + "; expected " + kindName}}
	}
	if typed.GetNamespace() == "" {
		typed.SetNamespace(namespace)
	}
	return typed, nil
}
