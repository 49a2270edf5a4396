package command

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/rollcall-dev/rollcall/internal/edit"
)

// owned is what a field manager other than this program owns of an object.
type owned struct {
	manager  string
	byUpdate bool // by an ordinary write, not by an apply
	fields   *fieldpath.Set
}

func managedByOthers(o metav1.Object) ([]owned, error) {
	var out []owned
	for _, m := range o.GetManagedFields() {
		if m.Manager == fieldManager || m.Subresource != "" || m.FieldsV1 == nil {
			continue
		}
		var set fieldpath.Set
		if err := set.FromJSON(m.FieldsV1.GetRawReader()); err != nil {
			return nil, fmt.Errorf("reading what field manager %q owns of %s: %w", m.Manager, o.GetName(), err)
		}
		out = append(out, owned{m.Manager, m.Operation == metav1.ManagedFieldsOperationUpdate, &set})
	}
	return out, nil
}

// otherOwner is the field manager that owns a field, or a part of it, and is not this program; "" if there is none.
func otherOwner(o metav1.Object, field edit.Path) (string, error) {
	others, err := managedByOthers(o)
	if err != nil {
		return "", err
	}
	for _, m := range others {
		if owns(m.fields, field) {
			return m.manager, nil
		}
	}
	return "", nil
}

// owns reports whether a set has a path or anything below it.
func owns(set *fieldpath.Set, path edit.Path) bool {
	for i, step := range path {
		element := elementOf(step)
		below, deeper := set.Children.Get(element)
		if i == len(path)-1 {
			return set.Members.Has(element) || deeper && !below.Empty()
		}
		if !deeper {
			return false
		}
		set = below
	}
	return false
}

func elementOf(s edit.Step) fieldpath.PathElement {
	switch {
	case s.Name != "":
		return fieldpath.KeyElementByFields("name", s.Name)
	case s.Value != "":
		return fieldpath.ValueElement(value.NewValueInterface(s.Value))
	}
	return fieldpath.FieldNameElement(s.Field)
}
