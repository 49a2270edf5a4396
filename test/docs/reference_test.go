package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func definitions(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no CRDs below config/crd/bases (error: %v)", err)
	}
	all := make(map[string]*apiextensionsv1.CustomResourceDefinition)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		definition := new(apiextensionsv1.CustomResourceDefinition)
		if err := yaml.UnmarshalStrict(content, definition); err != nil {
			t.Fatalf("reading %s: %v", path, err)
		}
		all[definition.Spec.Names.Kind] = definition
	}
	return all
}

// opaque are fields whose inside another page or another project describes.
var opaque = map[string]bool{
	"configMapKeyRef":  true, // an audio source: organization.md
	"memberSelector":   true, // a label selector of Kubernetes
	"profileSelector":  true, // described once, in usergroup.md
	"resolvedPolicies": true, // the policies again
}

// fields returns the paths of all properties below the schema.
func fields(schema *apiextensionsv1.JSONSchemaProps, below string) []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if below == "" && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name) {
			continue
		}
		// Conditions are described by name, see TestEveryConditionAndReasonHasARemedy.
		if below == "status" && (name == "conditions" || name == "observedGeneration") {
			continue
		}
		path := strings.TrimPrefix(below+"."+name, ".")
		paths = append(paths, path)
		if opaque[name] {
			continue
		}
		property := schema.Properties[name]
		paths = append(paths, fields(&property, path)...)
		if property.Items != nil && property.Items.Schema != nil {
			paths = append(paths, fields(property.Items.Schema, path)...)
		}
	}
	return paths
}

func TestEveryFieldIsDescribed(t *testing.T) {
	// Described elsewhere or deliberately left to the type's comments.
	elsewhere := map[string]*regexp.Regexp{
		"UserGroup": regexp.MustCompile(`^spec\.voice\.dialingAudio\.source\.`),                       // organization.md
		"RoutePlan": regexp.MustCompile(`^status\.voice\.audio\.`),                                    // organization.md
		"Ledger":    regexp.MustCompile(`^(inventory|people\.approvedCard|people\.exclusiveGroup)\.`), // internal
	}
	for kind, definition := range definitions(t) {
		t.Run(kind, func(t *testing.T) {
			page := read(t, "docs/kinds/"+strings.ToLower(kind)+".md")
			words := make(map[string]bool)
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(page, -1) {
				words[word] = true
			}
			for _, path := range fields(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, "") {
				if pattern := elsewhere[kind]; pattern != nil && pattern.MatchString(path) {
					continue
				}
				if name := path[strings.LastIndex(path, ".")+1:]; !words[name] {
					t.Errorf("docs/kinds/%s.md does not name %s", strings.ToLower(kind), path)
				}
			}
		})
	}
}

func TestColumnsAreThoseOfKubectlGet(t *testing.T) {
	for kind, definition := range definitions(t) {
		t.Run(kind, func(t *testing.T) {
			var wantColumns []string
			for _, column := range definition.Spec.Versions[0].AdditionalPrinterColumns {
				wantColumns = append(wantColumns, "`"+column.Name+"`")
			}
			_, section, found := strings.Cut(read(t, "docs/kinds/"+strings.ToLower(kind)+".md"), "## Columns of `kubectl get`\n\n")
			if !found {
				t.Fatal("no section on columns")
			}
			if want := strings.Join(wantColumns, ", ") + "."; !strings.HasPrefix(section, want) {
				line, _, _ := strings.Cut(section, "\n")
				t.Errorf("columns are %q, want %q", line, want)
			}
		})
	}
}

func TestValuesOfEnumerationsAreListed(t *testing.T) {
	// Values that pages give by word for several fields at once.
	common := map[string]bool{"Enabled": true, "Disabled": true, "Inherit": true}
	for kind, definition := range definitions(t) {
		spec, found := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		if !found {
			continue // outputs: their values come from specs
		}
		t.Run(kind, func(t *testing.T) {
			page := read(t, "docs/kinds/"+strings.ToLower(kind)+".md")
			var visit func(schema *apiextensionsv1.JSONSchemaProps, path string)
			visit = func(schema *apiextensionsv1.JSONSchemaProps, path string) {
				for _, value := range schema.Enum {
					text := strings.Trim(string(value.Raw), `"`)
					// Days are given as a range.
					if !common[text] && !strings.HasSuffix(text, "day") && !regexp.MustCompile(`\b`+text+`\b`).MatchString(page) {
						t.Errorf("docs/kinds/%s.md does not name the value %s of %s", strings.ToLower(kind), text, path)
					}
				}
				for name, property := range schema.Properties {
					if !opaque[name] {
						visit(&property, path+"."+name)
					}
				}
				if schema.Items != nil && schema.Items.Schema != nil {
					visit(schema.Items.Schema, path)
				}
			}
			visit(&spec, "spec")
		})
	}
}

func TestEveryConditionAndReasonHasARemedy(t *testing.T) {
	page := read(t, "docs/troubleshooting.md")
	paths, err := filepath.Glob(filepath.Join(root, "api/v1alpha1/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			name := spec.Names[0].Name
			literal, ok := spec.Values[0].(*ast.BasicLit)
			if !ok || !strings.HasPrefix(name, "Condition") && !strings.HasPrefix(name, "Reason") {
				return true
			}
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if !regexp.MustCompile("`" + value + "(=[A-Za-z]+)?`").MatchString(page) {
				t.Errorf("docs/troubleshooting.md says nothing about %s (%s)", value, name)
			}
			return true
		})
	}
	if found == 0 {
		t.Fatal("no condition and no reason found in api/v1alpha1")
	}
}

func TestEveryMetricIsDescribed(t *testing.T) {
	page := read(t, "docs/operations.md")
	name := regexp.MustCompile(`"(rollcall_[a-z_]+)"`)
	for _, folder := range []string{"cmd", "controllers", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range name.FindAllStringSubmatch(string(content), -1) {
				if !regexp.MustCompile("`" + match[1] + `[{\x60]`).MatchString(page) {
					t.Errorf("docs/operations.md does not describe %s (%s)", match[1], path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(path), root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// anchor is the fragment by which a heading is linked.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^\pL\pN_\- ]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			target := page
			if match[1] != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), match[1]))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, match[1])
				continue
			}
			if match[2] == "" {
				continue
			}
			known := slices.ContainsFunc(heading.FindAllStringSubmatch(read(t, target), -1), func(h []string) bool {
				return anchor(h[1]) == match[2]
			})
			if !known {
				t.Errorf("%s links to %s#%s, which is no heading", page, target, match[2])
			}
		}
	}
}
