package edit

import (
	"maps"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Step is one step of a path: a field, an item of a list of named things, or a value in a set.
type Step struct{ Field, Name, Value string }

// Path leads from the root of an object to what changes.
type Path []Step

// String writes a path as conditions do: spec.members[ana].
func (p Path) String() string {
	out := ""
	for _, s := range p {
		switch {
		case s.Name != "":
			out += "[" + s.Name + "]"
		case s.Value != "":
			out += "[" + s.Value + "]"
		case out == "":
			out = s.Field
		default:
			out += "." + s.Field
		}
	}
	return out
}

// atomic are the fields that have one owner as a whole (+structType=atomic).
var atomic = []string{"assignment", "lifecycle"}

// Values returns an object as JSON values, as an API server would store it.
func Values(o metav1.Object) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(o)
}

// Touched are the paths under spec at which two versions of an object differ, as finely as fields have owners: one for each
// item of a list. Sorted as the fields are.
func Touched(before, after metav1.Object) ([]Path, error) {
	was, err := specOf(before)
	if err != nil {
		return nil, err
	}
	is, err := specOf(after)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	var out []Path
	for _, key := range sortedKeys(keys) {
		if reflect.DeepEqual(was[key], is[key]) {
			continue
		}
		root := Path{{Field: "spec"}, {Field: key}}
		old, _ := was[key].([]any)
		now, _ := is[key].([]any)
		if slices.Contains(atomic, key) || len(old)+len(now) == 0 {
			out = append(out, root)
			continue
		}
		for _, step := range differing(old, now) {
			out = append(out, append(slices.Clone(root), step))
		}
	}
	return out, nil
}

func specOf(o metav1.Object) (map[string]any, error) {
	values, err := Values(o)
	if err != nil {
		return nil, err
	}
	spec, _ := values["spec"].(map[string]any)
	return spec, nil
}

// differing are the items in which two lists differ, those of the old one first.
func differing(old, now []any) []Step {
	var out []Step
	pick := func(from, other []any) {
		for _, v := range from {
			if !slices.ContainsFunc(other, func(o any) bool { return reflect.DeepEqual(o, v) }) && !slices.Contains(out, stepTo(v)) {
				out = append(out, stepTo(v))
			}
		}
	}
	pick(old, now)
	pick(now, old)
	return out
}

func stepTo(v any) Step {
	switch v := v.(type) {
	case map[string]any:
		name, _ := v["name"].(string)
		return Step{Name: name}
	case string:
		return Step{Value: v}
	}
	return Step{}
}

// Carry makes the difference between two versions of an object on what an author wrote of the first: fields that do not
// differ stay as they are written, defaults stay unwritten. Lists of named things change item by item.
func Carry(written, before, after map[string]any) map[string]any {
	return carryFields(written, before, after, true)
}

func carryFields(written, before, after map[string]any, keepLists bool) map[string]any {
	out := make(map[string]any, len(written)+1)
	maps.Copy(out, written)
	for key := range before {
		if _, stays := after[key]; stays {
			continue
		}
		if _, list := out[key].([]any); list && keepLists {
			out[key] = []any{} // its comments keep a place
			continue
		}
		delete(out, key)
	}
	for key, now := range after {
		old, known := before[key]
		if known && reflect.DeepEqual(old, now) {
			continue
		}
		_, is := out[key]
		switch union := slices.Contains(atomic, key); {
		case union && !is:
			out[key] = now // whole: its defaults cannot be left out beside what is written
		default:
			out[key] = carryValue(out[key], old, now, !union)
		}
	}
	return out
}

func carryValue(written, old, now any, keepLists bool) any {
	switch now := now.(type) {
	case map[string]any:
		before, ok := old.(map[string]any)
		author, is := written.(map[string]any)
		if ok && (is || written == nil) {
			return carryFields(author, before, now, keepLists)
		}
	case []any:
		author, is := written.([]any)
		before, _ := old.([]any)
		if is {
			return carryList(author, before, now)
		}
	}
	return now
}

func carryList(written, before, after []any) []any {
	at := func(list []any, s Step) (any, bool) {
		i := slices.IndexFunc(list, func(v any) bool { return stepTo(v) == s })
		if i < 0 {
			return nil, false
		}
		return list[i], true
	}
	out := []any{}
	for _, v := range written {
		now, stays := at(after, stepTo(v))
		if !stays {
			continue
		}
		old, _ := at(before, stepTo(v))
		if reflect.DeepEqual(old, now) {
			out = append(out, v)
			continue
		}
		out = append(out, carryValue(v, old, now, true))
	}
	for _, v := range after {
		if _, known := at(written, stepTo(v)); !known {
			out = append(out, v)
		}
	}
	return out
}
