package openfga

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
)

// TestModelInDocs: the page shows the model that is shipped, in the language of OpenFGA.
func TestModelInDocs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/downstreams/openfga.md")
	if err != nil {
		t.Fatal(err)
	}
	m, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range m.GetTypeDefinitions() {
		fmt.Fprintf(&b, "type %s\n", d.GetType())
		if len(d.GetRelations()) > 0 {
			b.WriteString("  relations\n")
		}
		for _, relation := range relationsInOrder(d) {
			fmt.Fprintf(&b, "    define %s: %s\n", relation, definition(d, relation))
		}
		b.WriteString("\n")
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetConditions())) {
		c := m.GetConditions()[name]
		var parameters []string
		for _, p := range slices.Sorted(maps.Keys(c.GetParameters())) {
			text := typeName(c.GetParameters()[p].GetTypeName())
			if g := c.GetParameters()[p].GetGenericTypes(); len(g) > 0 {
				text += "<" + typeName(g[0].GetTypeName()) + ">"
			}
			parameters = append(parameters, p+": "+text)
		}
		fmt.Fprintf(&b, "condition %s(%s) { %s }\n", name, strings.Join(parameters, ", "), c.GetExpression())
	}
	if !strings.Contains(string(page), "```\n"+b.String()+"```\n") {
		t.Errorf("the page does not show:\n%s", b.String())
	}
}

// relationsInOrder are in the order in which the model lists their types, which a map has not.
func relationsInOrder(d *openfgav1.TypeDefinition) []string {
	raw := string(modelJSON)
	raw = raw[strings.Index(raw, `"type": "`+d.GetType()+`"`):]
	return slices.SortedFunc(maps.Keys(d.GetRelations()), func(a, b string) int {
		return strings.Index(raw, `"`+a+`":`) - strings.Index(raw, `"`+b+`":`)
	})
}

func typeName(n openfgav1.ConditionParamTypeRef_TypeName) string {
	return strings.ToLower(strings.TrimPrefix(n.String(), "TYPE_NAME_"))
}

func definition(d *openfgav1.TypeDefinition, relation string) string {
	children := func(list []*openfgav1.Userset, word string) string {
		var out []string
		for _, c := range list {
			out = append(out, c.GetComputedUserset().GetRelation())
		}
		return strings.Join(out, word)
	}
	switch u := d.GetRelations()[relation]; {
	case u.GetUnion() != nil:
		return children(u.GetUnion().GetChild(), " or ")
	case u.GetIntersection() != nil:
		return children(u.GetIntersection().GetChild(), " and ")
	}
	var out []string
	for _, r := range d.GetMetadata().GetRelations()[relation].GetDirectlyRelatedUserTypes() {
		text := r.GetType()
		if r.GetRelation() != "" {
			text += "#" + r.GetRelation()
		}
		if r.GetCondition() != "" {
			text += " with " + r.GetCondition()
		}
		out = append(out, text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
