package postgres

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	r.Content = sorted(r.Content)
	whole, err := downstream.ImageOf(r)
	if err != nil {
		return nil, err
	}
	if err := t.flatten(whole); err != nil {
		return nil, err
	}
	im := make(downstream.Image, len(t.columns)+len(t.lists)+3)
	im[keyAttribute], im[nameAttribute], im[effectAttribute] = quote(r.Key), quote(r.Name), fmt.Sprint(r.Active)
	for _, c := range t.columns {
		value, set := whole[c.attribute]
		if value, err = canonicalOf(value); err != nil {
			return nil, err
		}
		switch {
		case set && c.form == instant:
			im[c.attribute] = wholeMicroseconds(value)
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
		if value, err = canonicalOf(value); err != nil {
			return nil, err
		}
		if set && value != null {
			if im[l.attribute], err = l.normal(value); err != nil {
				return nil, err
			}
		} else if set || t.complete {
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

// canonicalOf brings JSON into its one form. Without objects and escapes it has that already, which saves most values the trouble.
func canonicalOf(value string) (string, error) {
	if !strings.ContainsAny(value, `{\`) {
		return value, nil
	}
	b, err := canonical.JSON(json.RawMessage(value))
	return string(b), err
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

// flatten gives fields of objects an attribute of their own.
func (t *table) flatten(im downstream.Image) error {
	for attribute, fields := range t.flat {
		value, set := im[attribute]
		if !set {
			continue
		}
		delete(im, attribute)
		var parts map[string]json.RawMessage
		if err := json.Unmarshal([]byte(value), &parts); err != nil {
			return fmt.Errorf("taking %s apart: %w", attribute, err)
		}
		for _, field := range fields {
			im[attribute+"."+field] = null
			if part, set := parts[field]; set {
				im[attribute+"."+field] = string(part)
			}
		}
	}
	return nil
}

// normal cuts the instants of entries to what the system holds. Hardly any needs it.
func (l *list) normal(value string) (string, error) {
	if !strings.Contains(value, ".") || !slices.ContainsFunc(l.columns, func(c column) bool { return c.form == instant }) {
		return value, nil
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(value), &entries); err != nil {
		return "", fmt.Errorf("reading %s: %w", l.attribute, err)
	}
	for _, e := range entries {
		for _, c := range l.columns {
			if at, set := e[c.attribute]; set && c.form == instant {
				e[c.attribute] = json.RawMessage(wholeMicroseconds(string(at)))
			}
		}
	}
	b, err := canonical.JSON(entries)
	return string(b), err
}

// wholeMicroseconds cuts an instant, as JSON, to the resolution of PostgreSQL.
func wholeMicroseconds(value string) string {
	at, err := time.Parse(`"`+time.RFC3339Nano+`"`, value)
	if err != nil {
		return value
	}
	return at.UTC().Truncate(time.Microsecond).Format(`"` + time.RFC3339Nano + `"`)
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
