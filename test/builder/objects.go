// Package builder makes the objects of small organizations for tests, as the API server would store them: checked against
// the schema, with its defaults. Objects reads a compact text, a line an object; Teammate, UserGroup and the other functions
// build crowds in loops, from options. A test states only what it is about: who has no identity gets an e-mail address of
// their own, a Profile without a type is a Chat.
package builder

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// Namespace is where all objects live.
const Namespace = "fjordline"

// TB is what the package needs of a test, also of a property test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

var head = regexp.MustCompile(`^\s*(Organization|Schedule|AccountRole|ProfileRole|Profile|Teammate|UserGroup|Department|Queue|Campaign|Downstream|Mention|InboundAutomation) (\S+)\s*`)

// metadataMark separates a spec from labels, annotations and creationTimestamp.
const metadataMark = " metadata "

// Objects reads objects written as `Kind name {spec} metadata {metadata}`, both parts in YAML and optional. An object may
// go on over several lines; lines beginning with # are comments.
func Objects(t TB, text string) []metav1.Object {
	t.Helper()
	var documents strings.Builder
	created := map[string]time.Time{}
	for _, entry := range entries(text) {
		m := head.FindStringSubmatch(entry)
		if m == nil {
			t.Fatalf("expected `Kind name {spec}`, got %q", entry)
		}
		kind, name := m[1], m[2]
		spec, metadata, _ := strings.Cut(entry[len(m[0])-1:], metadataMark)
		document := map[string]any{"apiVersion": "rollcall.dev/v1alpha1", "kind": kind}
		fields, meta := fields(t, entry, spec), fields(t, entry, metadata)
		if at, ok := meta["creationTimestamp"].(string); ok {
			delete(meta, "creationTimestamp")
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatalf("reading %s: %v", entry, err)
			}
			created[kind+"/"+name] = when
		}
		meta["name"] = name
		document["metadata"], document["spec"] = meta, assume(kind, name, fields)
		raw, err := yaml.Marshal(document)
		if err != nil {
			t.Fatalf("writing %s: %v", entry, err)
		}
		fmt.Fprintf(&documents, "---\n%s", raw)
	}
	set, errs := manifest.Parse([]manifest.Source{{Name: "objects", Data: []byte(documents.String())}}, Namespace)
	if len(errs) > 0 {
		t.Fatalf("the API server would refuse:\n%s\nin\n%s", errs, text)
	}
	var out []metav1.Object
	for _, o := range set.Objects {
		if at, ok := created[o.String()]; ok {
			o.SetCreationTimestamp(metav1.NewTime(at))
		}
		out = append(out, o.Object)
	}
	return out
}

func entries(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case head.MatchString(line+" ") || len(out) == 0:
			out = append(out, line+" ")
		default:
			out[len(out)-1] += line + " "
		}
	}
	return out
}

func fields(t TB, entry, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &out); err != nil {
		t.Fatalf("reading %s: %v", entry, err)
	}
	if out == nil {
		out = map[string]any{}
	}
	return out
}

// assume fills in what nearly no test is about.
func assume(kind, name string, spec map[string]any) map[string]any {
	switch kind {
	case "Teammate":
		if _, ok := spec["identity"]; !ok {
			spec["identity"] = map[string]any{"email": Email(name)}
		}
	case "Profile":
		if _, ok := spec["type"]; !ok {
			spec["type"] = "Chat"
		}
	case "AccountRole":
		if _, ok := spec["baseType"]; !ok {
			spec["baseType"] = "Agent"
		}
	}
	return spec
}

// Email is the address of a teammate who was given no identity.
func Email(name string) string { return name + "@fjordline.example" }
