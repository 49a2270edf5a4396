package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// null is the value of a column that is NULL.
const null = "null"

var nullText = []byte(null)

// Attributes that every record has beside those of its content.
const (
	nameAttribute   = "name"
	keyAttribute    = "key"
	effectAttribute = "inEffect"
)

var (
	errNUL     = errors.New("a text holds a NUL character, which PostgreSQL cannot hold")
	errContent = errors.New("the record has no content that this driver knows")
)

// Render implements downstream.Driver. The image has canonical JSON for each column and each list.
func (d *Driver) Render(r downstream.Record) (downstream.Rendered, error) {
	im, err := render(r)
	if err != nil {
		return downstream.Rendered{}, downstream.NewError(downstream.BadRecord, "", err)
	}
	return downstream.Rendered{Image: im}, nil
}

// writers are used again and again: the text of a record grows in one that is large enough already.
var writers = sync.Pool{New: func() any { return &canonical.Writer{} }}

// render writes the values of all attributes behind each other, as the items of a list, and cuts them out of one string.
func render(r downstream.Record) (downstream.Image, error) {
	t := tableOf(r.ID())
	if t == nil || r.Content == nil {
		return nil, errContent
	}
	content := reflect.ValueOf(sorted(r.Content)).Elem()
	origins := t.origins(content.Type())
	w := writers.Get().(*canonical.Writer)
	defer writers.Put(w)
	w.Reset()
	w.String(r.Key)
	key := len(w.Bytes())
	w.String(r.Name)
	name := len(w.Bytes())
	ends := make([]int, len(origins)) // 0: not written
	for i := range origins {
		written, err := origins[i].write(w, content)
		if err != nil {
			return nil, fmt.Errorf("rendering %s of %s: %w", origins[i].attribute, r.ID().Masked(), err)
		}
		if written {
			ends[i] = len(w.Bytes())
		}
	}
	text := string(w.Bytes())
	if holdsNUL(text) { // no value ends within an escape
		return nil, errNUL
	}
	im := make(downstream.Image, len(origins)+3)
	im[keyAttribute], im[nameAttribute], im[effectAttribute] = text[:key], text[key+1:name], strconv.FormatBool(r.Active)
	from := name
	for i := range origins {
		value := ""
		if end := ends[i]; end > 0 {
			value, from = text[from+1:end], end // behind the comma
		}
		if value = origins[i].held(value, t.complete); value != "" {
			im[origins[i].attribute] = value
		}
	}
	return im, nil
}

// origin is where the value of an attribute comes from: a field of the content, or one of the fields of a flat object.
type origin struct {
	attribute    string
	outer        field
	inner        field
	flat         bool
	list, arrays bool // of rows, of texts
}

// write writes the value, null where the flat object that it is part of says nothing of it. It reports whether it is set.
func (o *origin) write(w *canonical.Writer, content reflect.Value) (bool, error) {
	v := content.Field(o.outer.index)
	if o.outer.omit(v) {
		return false, nil
	}
	if o.flat {
		v = reflect.Indirect(v).Field(o.inner.index)
		if o.inner.omit(v) {
			w.Raw(nullText)
			return true, nil
		}
	}
	return true, write(w, v)
}

// held is the value that is held for one that was written, empty if the attribute is not managed.
func (o *origin) held(value string, complete bool) string {
	switch {
	case o.list && value == null, value == "" && complete && (o.list || o.arrays):
		return "[]"
	case value == "" && complete:
		return null
	}
	return value
}

// origins returns those of the columns and lists of a table, in this order.
func (t *table) origins(content reflect.Type) []origin {
	if known, ok := origins.Load(t); ok {
		return known.([]origin)
	}
	var out []origin
	add := func(attribute string, list, arrays bool) {
		outer, inner, _ := strings.Cut(attribute, ".")
		o := origin{attribute: attribute, list: list, arrays: arrays, flat: inner != ""}
		o.outer = fieldNamed(content, outer)
		if o.flat {
			of := content.Field(o.outer.index).Type
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			o.inner = fieldNamed(of, inner)
		}
		out = append(out, o)
	}
	for _, c := range t.columns {
		add(c.attribute, false, c.form == array)
	}
	for i := range t.lists {
		add(t.lists[i].attribute, true, false)
	}
	origins.Store(t, out)
	return out
}

var origins sync.Map // *table -> []origin

func fieldNamed(of reflect.Type, name string) field {
	fields := fieldsOf(of)
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		panic(fmt.Sprintf("postgres: %v has no field %s", of, name))
	}
	return fields[i]
}

// sorted returns a content whose lists that are sets have one order.
func sorted(c downstream.Content) downstream.Content {
	switch c := c.(type) {
	case *downstream.User:
		u := *c
		u.Skills = ordered(u.Skills, func(s downstream.Skill) string { return s.Name })
		u.Tags = ordered(u.Tags, func(t downstream.Tag) string { return t.Name })
		u.Absences = ordered(u.Absences, func(a downstream.Absence) string { return a.Name })
		u.Channels, u.Queues, u.Practices = ordered(u.Channels, self), ordered(u.Queues, self), ordered(u.Practices, self)
		return &u
	case *downstream.Group:
		g := *c
		g.Members = ordered(g.Members, func(m downstream.Member) string { return m.Key })
		g.Supervisors, g.Profiles, g.Practices = ordered(g.Supervisors, self), ordered(g.Profiles, self), ordered(g.Practices, self)
		return &g
	case *downstream.Mention:
		m := *c
		m.Alerts = ordered(m.Alerts, func(a downstream.Alert) string { return a.Key })
		return &m
	default:
		return c
	}
}

func self(s string) string { return s }

// ordered sorts and leaves out what is there twice: the first one counts.
func ordered[E any](list []E, key func(E) string) []E {
	for i := 1; i < len(list); i++ {
		if key(list[i-1]) >= key(list[i]) {
			list = slices.Clone(list)
			slices.SortStableFunc(list, func(a, b E) int { return cmp.Compare(key(a), key(b)) })
			return slices.CompactFunc(list, func(a, b E) bool { return key(a) == key(b) })
		}
	}
	return list
}

func quote(s string) string {
	var w canonical.Writer
	w.String(s)
	return string(w.Bytes())
}

// holdsNUL reports whether JSON has an escaped NUL, which is not one if the backslash is itself escaped.
func holdsNUL(value string) bool {
	for from := 0; ; {
		i := strings.Index(value[from:], `\u0000`)
		if i < 0 {
			return false
		}
		i += from
		before := len(value[:i]) - len(strings.TrimRight(value[:i], `\`))
		if before%2 == 0 {
			return true
		}
		from = i + 1
	}
}
