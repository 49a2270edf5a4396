package publish

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// surplus reports whether have has a field that want lacks. Server-side apply cannot remove such a field if another
// manager owns it. Lists are atomic and count as one value, but conditions are a map by type.
func surplus(have, want map[string]any) bool {
	for name, value := range have {
		other, ok := want[name]
		if !ok {
			return true
		}
		if name == "conditions" && surplusConditions(value, other) {
			return true
		}
		inner, isMap := value.(map[string]any)
		if otherInner, both := other.(map[string]any); isMap && both && surplus(inner, otherInner) {
			return true
		}
	}
	return false
}

func surplusConditions(have, want any) bool {
	wanted := map[any]bool{}
	list, _ := want.([]any)
	for _, c := range list {
		if c, ok := c.(map[string]any); ok {
			wanted[c["type"]] = true
		}
	}
	list, _ = have.([]any)
	for _, c := range list {
		if c, ok := c.(map[string]any); ok && !wanted[c["type"]] {
			return true
		}
	}
	return false
}

// mergePatch returns the JSON merge patch (RFC 7386) that turns have into want.
func mergePatch(have, want map[string]any) map[string]any {
	patch := map[string]any{}
	for name := range have {
		if _, ok := want[name]; !ok {
			patch[name] = nil
		}
	}
	for name, value := range want {
		old, ok := have[name]
		if ok && reflect.DeepEqual(old, value) {
			continue
		}
		inner, isMap := value.(map[string]any)
		if oldInner, both := old.(map[string]any); isMap && both {
			patch[name] = mergePatch(oldInner, inner)
			continue
		}
		patch[name] = value
	}
	return patch
}

func fields(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", v, err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("reading %T from JSON: %w", v, err)
	}
	return out, nil
}

// Declare turns a value into its apply configuration, which has the same JSON.
func Declare[A any](v any) (*A, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", v, err)
	}
	out := new(A)
	if err := json.Unmarshal(b, out); err != nil {
		return nil, fmt.Errorf("reading %T from JSON: %w", out, err)
	}
	return out, nil
}
