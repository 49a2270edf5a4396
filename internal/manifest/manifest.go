// Package manifest turns YAML files into objects and back. It knows the file and line of every field, checks each object by
// the schema and the CEL rules of its CustomResourceDefinition (layer 1 of API.md), fills in schema defaults as the API
// server would, and reports what is wrong as one line each.
package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Position is a place in the input. Line counts from 1; 0 means that only the file is known.
type Position struct {
	File string
	Line int
}

// String returns file:line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// RuleSchema is the Rule of errors that no CEL rule raised: types, bounds, patterns, unknown fields, malformed YAML.
const RuleSchema = "Schema"

// Error is one thing wrong with the input.
type Error struct {
	Position
	// Object is Kind/name, empty where none could be read.
	Object string
	// Field is a path such as spec.members[0].name, empty for the object as a whole.
	Field string
	// Rule is CEL-n (API.md section 8) or RuleSchema.
	Rule string
	// Message says what is wrong and, after a semicolon, what is expected.
	Message string
	// Unreadable errors leave no object behind that could be judged: malformed YAML, duplicates.
	Unreadable bool
}

// Error returns the line of CLI.md without its leading `error: `.
func (e *Error) Error() string {
	parts := []string{e.Position.String()}
	for _, p := range []string{e.Object, e.Field, e.Message} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// Errors are all that is wrong, in the order of the input.
type Errors []*Error

// Error returns one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Object is one object of the input: decoded, with defaults.
type Object struct {
	metav1.Object
	Kind string
	// Source is what the author wrote, before defaults, as JSON values.
	Source   map[string]any
	document *document
}

// String returns Kind/name.
func (o *Object) String() string { return o.Kind + "/" + o.GetName() }

// Position returns where the object begins.
func (o *Object) Position() Position { return o.document.position("") }

// PositionOf returns where a field is, or the nearest field around it that was written. Items of lists are found by index
// or by the name in their `name` field: spec.members[0], spec.members[ana].
func (o *Object) PositionOf(field string) Position { return o.document.position(field) }

// Set is everything that was read.
type Set struct {
	// Objects are those of kinds that this program knows, in the order of the input.
	Objects []*Object
	// Skipped counts documents of other API groups, by "apiVersion Kind".
	Skipped map[string]int

	index map[id]*Object // made by the first Find
}

type id struct{ namespace, kind, name string }

func (o *Object) id() id { return id{o.GetNamespace(), o.Kind, o.GetName()} }

// Find returns the object of that namespace, kind and name, nil if it is not in the set.
func (s *Set) Find(namespace, kind, name string) *Object {
	if s == nil {
		return nil
	}
	if s.index == nil {
		s.index = make(map[id]*Object, len(s.Objects))
		for _, o := range s.Objects {
			s.index[o.id()] = o
		}
	}
	return s.index[id{namespace, kind, name}]
}

// Organizations returns the namespaces that have an Organization named `default`, sorted.
func (s *Set) Organizations() []string {
	var out []string
	for _, o := range s.Objects {
		if _, ok := o.Object.(*rollcallv1.Organization); ok && o.GetName() == rollcallv1.OrganizationName {
			out = append(out, o.GetNamespace())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Set) duplicates() Errors {
	first := map[id]*Object{}
	var errs Errors
	for _, o := range s.Objects {
		k := o.id()
		if earlier, twice := first[k]; twice {
			errs = append(errs, &Error{Position: o.Position(), Object: o.String(), Field: "metadata.name", Rule: RuleSchema, Unreadable: true,
				Message: fmt.Sprintf("declared twice in namespace %s, first at %s; expected each object once", k.namespace, earlier.Position())})
			continue
		}
		first[k] = o
	}
	return errs
}

// sortErrors orders errors by file, line, field and message, and drops repetitions.
func sortErrors(errs Errors) Errors {
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
}
