package downstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Image is what a system holds, or ought to hold, of one record: attributes and their values in a form that the driver
// chooses and that compares equal exactly when the values mean the same. An attribute that is absent is not managed.
type Image map[string]string

// Covers reports whether every attribute of want has the same value in the image. What the image has beside is ignored.
func (im Image) Covers(want Image) bool { return len(im.Differs(want)) == 0 }

// Differs returns the attributes of want that have another value in the image, or none, sorted.
func (im Image) Differs(want Image) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got, ok := im[name]; !ok || got != want[name] {
			out = append(out, name)
		}
	}
	return out
}

// Hash returns 16 hexadecimal digits of SHA-256 over the attributes.
func (im Image) Hash() string {
	var w canonical.Writer
	w.Open()
	for _, name := range slices.Sorted(maps.Keys(im)) {
		w.Key(name)
		w.String(im[name])
	}
	w.Close()
	return canonical.Hash(w.Bytes())
}

// ImageOf is the image of a record in a system that holds all of it: an attribute for each field of the content that is set,
// under its JSON name and with its JSON as the value, and `name`. Drivers whose system holds less remove attributes or render
// their own.
func ImageOf(r Record) (Image, error) {
	v := reflect.Indirect(reflect.ValueOf(r.Content))
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rendering %s: it has no content", r.ID().Masked())
	}
	fields := fieldsOf(v.Type())
	im := make(Image, len(fields)+1)
	for _, f := range fields {
		value := v.Field(f.index)
		if f.omitZero && value.IsZero() || f.omitEmpty && empty(value) {
			continue
		}
		text, err := jsonOf(value)
		if err != nil {
			return nil, fmt.Errorf("rendering %s of %s: %w", f.name, r.ID().Masked(), err)
		}
		im[f.name] = text
	}
	im["name"] = r.Name
	return im, nil
}

// field is one field of a content, by its JSON tag.
type field struct {
	name                string
	index               int
	omitZero, omitEmpty bool
}

var contents sync.Map // reflect.Type -> []field

func fieldsOf(t reflect.Type) []field {
	if known, ok := contents.Load(t); ok {
		return known.([]field)
	}
	var out []field
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, field{name: name, index: i, omitZero: options == "omitzero", omitEmpty: options == "omitempty"})
	}
	contents.Store(t, out)
	return out
}

// empty is what encoding/json calls so: a struct never is.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// jsonOf takes short cuts for the values that most attributes have.
func jsonOf(v reflect.Value) (string, error) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		var w canonical.Writer
		w.String(v.String())
		return string(w.Bytes()), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Slice:
		if v.Len() == 0 {
			return "[]", nil
		}
	}
	b, err := json.Marshal(v.Interface())
	return string(b), err
}
