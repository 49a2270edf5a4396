package v1alpha1_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write testdata/fields.txt anew")

// inputs are the kinds that people write.
var inputs = []string{"AccountRole", "Campaign", "Department", "Downstream", "InboundAutomation", "Mention", "Organization", "Profile", "ProfileRole", "Queue", "Schedule", "Teammate", "UserGroup"}

// definitions reads the CRDs, by kind.
func definitions(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*apiextensionsv1.CustomResourceDefinition)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		definition := new(apiextensionsv1.CustomResourceDefinition)
		if err := yaml.UnmarshalStrict(data, definition); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[definition.Spec.Names.Kind] = definition
	}
	wantKinds := append([]string{"EffectiveAccess", "Ledger", "RoutePlan"}, inputs...)
	slices.Sort(wantKinds)
	if diff := cmp.Diff(wantKinds, slices.Sorted(maps.Keys(found))); diff != "" {
		t.Fatalf("kinds (-want +got):\n%s", diff)
	}
	return found
}

// root is the schema of a kind.
func root(definition *apiextensionsv1.CustomResourceDefinition) *apiextensionsv1.JSONSchemaProps {
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// walk visits every schema below a kind's root but the standard metadata, parents before children. Paths read like
// Teammate.spec.skills[].name; {} stands for the values of a map.
func walk(path string, schema *apiextensionsv1.JSONSchemaProps, visit func(path string, schema *apiextensionsv1.JSONSchemaProps)) {
	visit(path, schema)
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if !strings.Contains(path, ".") && (name == "apiVersion" || name == "kind" || name == "metadata") {
			continue
		}
		property := schema.Properties[name]
		walk(path+"."+name, &property, visit)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		walk(path+"[]", schema.Items.Schema, visit)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		walk(path+"{}", schema.AdditionalProperties.Schema, visit)
	}
}

// foreign tells the parts whose types come from apimachinery, which bounds them elsewhere or not at all.
func foreign(path string) bool {
	return strings.Contains(path, ".memberSelector.") || strings.Contains(path, ".conditions[].") ||
		strings.HasSuffix(path, ".matchLabels{}")
}

func TestEveryListIsBoundedAndTyped(t *testing.T) {
	for kind, definition := range definitions(t) {
		walk(kind, root(definition), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			if schema.Type != "array" || foreign(path) {
				return
			}
			if schema.XListType == nil {
				t.Errorf("%s: no x-kubernetes-list-type", path)
			}
			if schema.MaxItems == nil {
				t.Errorf("%s: no maxItems", path)
			}
			if inStatus := strings.Contains(path, ".status.") && !strings.Contains(path, ".resolvedPolicies."); inStatus &&
				!strings.HasSuffix(path, ".conditions") && schema.XListType != nil && *schema.XListType != "atomic" {
				t.Errorf("%s: list type %s, want atomic in status", path, *schema.XListType)
			}
		})
	}
}

func TestEveryStringIsBounded(t *testing.T) {
	for kind, definition := range definitions(t) {
		walk(kind, root(definition), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			if schema.Type != "string" || foreign(path) {
				return
			}
			if schema.MaxLength == nil && len(schema.Enum) == 0 && schema.Format != "date-time" {
				t.Errorf("%s: neither maxLength nor enum nor a date", path)
			}
		})
	}
}

func TestEveryFieldIsDescribedByItsName(t *testing.T) {
	for kind, definition := range definitions(t) {
		walk(kind, root(definition), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			if foreign(path) || strings.HasSuffix(path, "[]") || strings.HasSuffix(path, "{}") {
				return
			}
			if schema.Description == "" {
				t.Errorf("%s: no description", path)
				return
			}
			// The root is described by the kind.
			name := path[strings.LastIndex(path, ".")+1:]
			if first, _, _ := strings.Cut(schema.Description, " "); first != name {
				t.Errorf("%s: the description begins with %q, want %q", path, first, name)
			}
		})
	}
}

// GitOps tools with force delete and recreate an object whose refusal mentions the word "immutable" (API.md section 1).
func TestRulesAdvise(t *testing.T) {
	for kind, definition := range definitions(t) {
		walk(kind, root(definition), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			seen := make(map[string]bool)
			for _, rule := range schema.XValidations {
				if rule.Message == "" || rule.MessageExpression != "" {
					t.Errorf("%s: rule %q has no fixed message", path, rule.Rule)
				}
				if strings.Contains(strings.ToLower(rule.Message), "immutable") {
					t.Errorf("%s: message %q says immutable", path, rule.Message)
				}
				if seen[rule.Rule] {
					t.Errorf("%s: rule %q twice", path, rule.Rule)
				}
				seen[rule.Rule] = true
			}
		})
	}
}

func TestKindsAreServedAsDeclared(t *testing.T) {
	tests := map[string]struct {
		wantPlural, wantShort, wantColumns string
		wantSelectable                     []string
		wantStatus                         bool
	}{
		"Organization":      {wantPlural: "organizations", wantShort: "org", wantColumns: "Preset, Active, Groups, Ready, Age", wantStatus: true},
		"AccountRole":       {wantPlural: "accountroles", wantShort: "ar", wantColumns: "Base, Visibility, Ready, Age", wantStatus: true},
		"ProfileRole":       {wantPlural: "profileroles", wantShort: "profrole", wantColumns: "Permissions, Acyclic, Ready, Age", wantStatus: true},
		"Profile":           {wantPlural: "profiles", wantShort: "prof", wantColumns: "Type, Platform, Language, State, Age", wantStatus: true, wantSelectable: []string{".spec.type", ".spec.platform"}},
		"Teammate":          {wantPlural: "teammates", wantShort: "tm", wantColumns: "Name, Phase, Role, Availability, Age", wantStatus: true, wantSelectable: []string{".status.phase", ".spec.accountRoleRef.name", ".spec.assignment.type"}},
		"UserGroup":         {wantPlural: "usergroups", wantShort: "ug", wantColumns: "State, Scope, Members, Profiles, Set-Current, Age", wantStatus: true, wantSelectable: []string{".spec.state"}},
		"Department":        {wantPlural: "departments", wantShort: "dept", wantColumns: "Mode, Groups, Routable, Default, Age", wantStatus: true},
		"Queue":             {wantPlural: "queues", wantShort: "que", wantColumns: "Priority, Routable, Ready, Age", wantStatus: true},
		"Campaign":          {wantPlural: "campaigns", wantShort: "camp", wantColumns: "Mode, State, Ready, Age", wantStatus: true},
		"Downstream":        {wantPlural: "downstreams", wantShort: "down", wantColumns: "Driver, Mode, Synced, Held, Age", wantStatus: true, wantSelectable: []string{".spec.driver"}},
		"Mention":           {wantPlural: "mentions", wantShort: "ment", wantColumns: "Phase, Alerts, Open, Source, Age", wantStatus: true, wantSelectable: []string{".status.phase"}},
		"InboundAutomation": {wantPlural: "inboundautomations", wantShort: "iauto", wantColumns: "State, When, Ready, Age", wantStatus: true},
		"Schedule":          {wantPlural: "schedules", wantShort: "sched", wantColumns: "Mode, Time-Zone, Open, Ready, Age", wantStatus: true},
		"EffectiveAccess":   {wantPlural: "effectiveaccesses", wantShort: "ea", wantColumns: "Phase, Gate, Profiles, Truncated, Age"},
		"RoutePlan":         {wantPlural: "routeplans", wantShort: "rplan", wantColumns: "Target, Strategy, Candidates, Routable, Age"},
		"Ledger":            {wantPlural: "ledgers", wantColumns: "Record, Subject, Shard, Age"},
	}
	found := definitions(t)
	for kind, tc := range tests {
		t.Run(kind, func(t *testing.T) {
			definition := found[kind]
			version := definition.Spec.Versions[0]
			var columns, selectable []string
			for _, column := range version.AdditionalPrinterColumns {
				columns = append(columns, column.Name)
			}
			for _, field := range version.SelectableFields {
				selectable = append(selectable, field.JSONPath)
			}
			wantCategories := []string{"rollcall"}
			wantShort := []string{tc.wantShort}
			if kind == "Ledger" {
				wantCategories, wantShort = nil, nil
			}
			if definition.Spec.Group != "rollcall.dev" || version.Name != "v1alpha1" || len(definition.Spec.Versions) != 1 {
				t.Errorf("served as %s/%s in %d versions", definition.Spec.Group, version.Name, len(definition.Spec.Versions))
			}
			if definition.Spec.Scope != apiextensionsv1.NamespaceScoped {
				t.Errorf("scope %s", definition.Spec.Scope)
			}
			if got := definition.Spec.Names.Plural; got != tc.wantPlural {
				t.Errorf("plural %s, want %s", got, tc.wantPlural)
			}
			if diff := cmp.Diff(wantShort, definition.Spec.Names.ShortNames); diff != "" {
				t.Errorf("short names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantCategories, definition.Spec.Names.Categories); diff != "" {
				t.Errorf("categories (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantColumns, strings.Join(columns, ", ")); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantSelectable, selectable); diff != "" {
				t.Errorf("selectable fields (-want +got):\n%s", diff)
			}
			if got := version.Subresources != nil && version.Subresources.Status != nil; got != tc.wantStatus {
				t.Errorf("status subresource %v, want %v", got, tc.wantStatus)
			}
		})
	}
}

// TestFields compares every spec field with testdata/fields.txt: type, default, bounds. A change of that file is a change
// of the contract.
func TestFields(t *testing.T) {
	found := definitions(t)
	var lines []string
	for _, kind := range inputs {
		var required func(path string, schema *apiextensionsv1.JSONSchemaProps) // path -> required fields
		needed := make(map[string]bool)
		required = func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			for _, name := range schema.Required {
				needed[path+"."+name] = true
			}
		}
		walk(kind, root(found[kind]), required)
		walk(kind, root(found[kind]), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			if path == kind || strings.HasPrefix(path, kind+".status") || foreign(path) {
				return
			}
			lines = append(lines, describe(path, needed[path], schema))
		})
	}
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "fields.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("fields (-want +got; -update writes them anew):\n%s", diff)
	}
}

// patterns are the patterns of API.md section 1 by their names.
var patterns = map[string]string{
	`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`: "NAME",
	`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`:  "KEY",
	`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`: "PERM",
	`^[a-z][a-zA-Z0-9]{0,31}\.[a-z][a-zA-Z0-9]{0,31}$`:                                      "CPERM",
	`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`:                                                      "DUR",
	`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$`:      "EMAIL",
	`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`:                                      "ZONE",
	`^([01][0-9]|2[0-3]):[0-5][0-9]$`:                                                       "HHMM",
	`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`:                                               "HHMM|24:00",
	`^\+[1-9][0-9]{1,14}$`:                                                                  "PHONE",
	`^[0-9]{2,10}$`:                                                                         "EXT",
	`^[\p{L}\p{N}][\p{L}\p{N} ._&'-]{0,62}$`:                                                "HANDLE",
	`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`:                                                   "LANG",
	`^[A-Za-z0-9._:-]{1,64}$`:                                                               "TOKEN",
	`^https://[^\s/?#@]+([/?#][^\s]*)?$`:                                                    "URL",
}

// describe prints one field: path, type, "req", default, bounds and list or map semantics.
func describe(path string, required bool, schema *apiextensionsv1.JSONSchemaProps) string {
	parts := []string{path, schema.Type}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if required {
		add("req")
	}
	if schema.Default != nil {
		add("default=%s", schema.Default.Raw)
	}
	if len(schema.Enum) > 0 {
		var values []string
		for _, value := range schema.Enum {
			var text string
			if err := json.Unmarshal(value.Raw, &text); err != nil {
				text = string(value.Raw)
			}
			values = append(values, text)
		}
		add("%s", strings.Join(values, "|"))
	}
	if schema.Pattern != "" {
		name, known := patterns[schema.Pattern]
		if !known {
			name = schema.Pattern
		}
		add("%s", name)
	}
	if schema.Format != "" {
		add("%s", schema.Format)
	}
	bounds := func(low, high *int64, unit string) {
		switch {
		case low != nil && high != nil:
			add("%d..%d%s", *low, *high, unit)
		case low != nil:
			add("%d..%s", *low, unit)
		case high != nil:
			add("..%d%s", *high, unit)
		}
	}
	whole := func(bound *float64) *int64 {
		if bound == nil {
			return nil
		}
		return new(int64(*bound))
	}
	bounds(schema.MinLength, schema.MaxLength, " characters")
	bounds(whole(schema.Minimum), whole(schema.Maximum), "")
	bounds(schema.MinItems, schema.MaxItems, " items")
	bounds(schema.MinProperties, schema.MaxProperties, " entries")
	if schema.XListType != nil {
		add("%s", *schema.XListType)
	}
	if len(schema.XListMapKeys) > 0 {
		add("by %s", strings.Join(schema.XListMapKeys, ","))
	}
	if schema.XMapType != nil {
		add("%s", *schema.XMapType)
	}
	for _, rule := range schema.XValidations {
		add("[%s]", rule.Rule)
	}
	return strings.Join(parts, " ")
}
