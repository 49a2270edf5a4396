package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// null is the value of a column that is NULL.
const null = "null"

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

func render(r downstream.Record) (downstream.Image, error) {
	t := tableOf(r.ID())
	if t == nil || r.Content == nil {
		return nil, errContent
	}
	whole, err := t.attributes(reflect.ValueOf(sorted(r.Content)).Elem())
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", r.ID().Masked(), err)
	}
	im := make(downstream.Image, len(t.columns)+len(t.lists)+3)
	im[keyAttribute], im[nameAttribute], im[effectAttribute] = quote(r.Key), quote(r.Name), fmt.Sprint(r.Active)
	for _, c := range t.columns {
		value, set := whole[c.attribute]
		switch {
		case set:
			im[c.attribute] = value
		case t.complete && c.form == array:
			im[c.attribute] = "[]"
		case t.complete:
			im[c.attribute] = null
		}
	}
	for i := range t.lists {
		l := &t.lists[i]
		value, set := whole[l.attribute]
		switch {
		case set && value != null:
			im[l.attribute] = value
		case set, t.complete:
			im[l.attribute] = "[]"
		}
	}
	for _, value := range im {
		if holdsNUL(value) {
			return nil, errNUL
		}
	}
	return im, nil
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

// attributes are the fields that are set of a content, as canonical JSON; fields of flat objects have one each.
func (t *table) attributes(v reflect.Value) (map[string]string, error) {
	out := make(map[string]string, len(t.columns)+len(t.lists))
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if f.omit(value) {
			continue
		}
		parts, flat := t.flat[f.name]
		if !flat {
			var err error
			if out[f.name], err = jsonOf(value); err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			continue
		}
		value = reflect.Indirect(value)
		for _, part := range fieldsOf(value.Type()) {
			if !slices.Contains(parts, part.name) {
				continue
			}
			text := null
			if sub := value.Field(part.index); !part.omit(sub) {
				var err error
				if text, err = jsonOf(sub); err != nil {
					return nil, fmt.Errorf("%s.%s: %w", f.name, part.name, err)
				}
			}
			out[f.name+"."+part.name] = text
		}
	}
	return out, nil
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
