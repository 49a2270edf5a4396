package postgres

import (
	"cmp"
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// field is one field of a struct, by its JSON tag.
type field struct {
	name  string
	index int
	omit  func(v reflect.Value) bool
}

var structs sync.Map // reflect.Type -> []field, sorted by name

func fieldsOf(t reflect.Type) []field {
	if known, ok := structs.Load(t); ok {
		return known.([]field)
	}
	out := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		f := field{name: name, index: i, omit: func(reflect.Value) bool { return false }}
		switch options {
		case "omitzero":
			f.omit = reflect.Value.IsZero
		case "omitempty":
			f.omit = empty
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	structs.Store(t, out)
	return out
}

// empty is what encoding/json means by it.
func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.Kind() != reflect.Struct && v.IsZero()
}

// write appends the canonical JSON of a value of the contract, with instants to the microsecond. It is what canonical.JSON
// gives, without the detour over other JSON: most of the time of a first synchronization would go into that.
func write(w *canonical.Writer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			w.Raw(nullText)
			return nil
		}
		return write(w, v.Elem())
	case reflect.String:
		w.String(v.String())
	case reflect.Bool:
		w.Bool(v.Bool())
	case reflect.Int32, reflect.Int64:
		w.Int(v.Int())
	case reflect.Slice:
		return writeList(w, v)
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[time.Time](v); ok {
			w.String(at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano))
			return nil
		}
		return writeObject(w, v)
	default:
		b, err := canonical.JSON(v.Interface())
		if err != nil {
			return err
		}
		w.Raw(b)
	}
	return nil
}

func writeList(w *canonical.Writer, v reflect.Value) error {
	if v.IsNil() {
		w.Raw(nullText)
		return nil
	}
	w.OpenList()
	for i := range v.Len() {
		if err := write(w, v.Index(i)); err != nil {
			return err
		}
	}
	w.CloseList()
	return nil
}

func writeObject(w *canonical.Writer, v reflect.Value) error {
	w.Open()
	for _, f := range fieldsOf(v.Type()) {
		if value := v.Field(f.index); !f.omit(value) {
			w.Key(f.name)
			if err := write(w, value); err != nil {
				return err
			}
		}
	}
	w.Close()
	return nil
}

// elements takes canonical JSON of a list apart.
func elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for from := 1; from < len(list)-1; {
			end := endOfValue(list, from)
			if !yield(list[from:end]) {
				return
			}
			from = end + 1
		}
	}
}

// members calls f for each member of an object in canonical JSON, in the order of names.
func members(object string, f func(name, value string)) {
	for from := 1; from < len(object)-1; {
		middle := endOfString(object, from)
		end := endOfValue(object, middle+2)
		f(object[from+1:middle], object[middle+2:end])
		from = end + 1
	}
}

// endOfValue returns the index behind the value that begins at an index.
func endOfValue(s string, from int) int {
	depth := 0
	for i := from; ; i++ {
		switch s[i] {
		case '"':
			i = endOfString(s, i)
		case '[', '{':
			depth++
		case ']', '}', ',':
			if depth == 0 {
				return i
			}
			if s[i] != ',' {
				depth--
			}
		}
	}
}

// endOfString returns the index of the quote that ends the string beginning at an index.
func endOfString(s string, from int) int {
	for i := from + 1; ; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
}

// unquote returns the text of a JSON string.
func unquote(value string) (string, error) {
	if !strings.Contains(value, `\`) {
		return value[1 : len(value)-1], nil
	}
	var out string
	err := json.Unmarshal([]byte(value), &out)
	return out, err
}
