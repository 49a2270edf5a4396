package inplace

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mapping records what turns the value of a mapping from old into now.
func (e *editor) mapping(n *yaml.Node, old, now map[string]any) error {
	if n.Style&yaml.FlowStyle != 0 {
		return e.flow(n, old, now)
	}
	entries, err := e.entries(n)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return unclear(n)
	}
	own := map[string]bool{}
	var removed []bool
	for _, en := range entries {
		key := en.key.Value
		value, stays := now[key]
		removed = append(removed, !stays && en.key.Tag != mergeTag)
		if en.key.Tag == mergeTag {
			continue
		}
		own[key] = true
		if stays && !reflect.DeepEqual(old[key], value) {
			if err := e.value(en, old[key], value); err != nil {
				return err
			}
		}
	}
	if err := e.removeLines(n, entries, removed); err != nil {
		return err
	}
	indent := strings.Repeat(" ", entries[0].key.Column-1)
	for _, key := range orderedKeys(now) {
		if _, known := old[key]; own[key] || known && reflect.DeepEqual(old[key], now[key]) {
			continue
		}
		e.insertLine(e.lineAfter(entries[len(entries)-1].end), e.member(indent, key, now[key]))
	}
	return nil
}

// removeLines takes entries of a block mapping out, each with its lines. Comments on lines of their own stay.
func (e *editor) removeLines(n *yaml.Node, entries []entry, removed []bool) error {
	first := 0
	if !e.startsLine(entries[0].start) && removed[0] {
		// The first key stands behind the dash of an item: the next key that stays takes its place.
		first = slices.Index(removed, false)
		if first < 0 {
			return unclear(n)
		}
		e.replace(entries[0].start, entries[first].start, "")
	}
	for i := first; i < len(entries); i++ {
		if removed[i] {
			e.replace(e.lineStart(entries[i].start), e.lineAfter(entries[i].end), "")
		}
	}
	return nil
}

// value records what turns the value of one entry of a block collection from old into now.
func (e *editor) value(en entry, old, now any) error {
	n := en.value
	if n.Kind == yaml.AliasNode {
		e.replace(en.at, en.end, e.text(now))
		return nil
	}
	if unwritten(n) {
		e.replace(en.colon, en.colon, " "+e.text(now))
		return nil
	}
	switch now := now.(type) {
	case map[string]any:
		if before, ok := old.(map[string]any); ok && n.Kind == yaml.MappingNode {
			return e.mapping(n, before, now)
		}
	case []any:
		if before, ok := old.([]any); ok && n.Kind == yaml.SequenceNode {
			return e.sequence(en, before, now)
		}
	default:
		if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
			e.replace(e.body(n), en.end, e.scalar(now, n.Style))
			return nil
		}
	}
	if en.key == nil {
		return unclear(n)
	}
	e.replace(en.colon, en.end, " "+e.text(now))
	return nil
}

// sequence records what turns a list from old into now: items that stay keep their place, new ones come last.
func (e *editor) sequence(en entry, old, now []any) error {
	n := en.value
	if n.Style&yaml.FlowStyle != 0 {
		return e.flow(n, old, now)
	}
	entries, err := e.entries(n)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return unclear(n)
	}
	stays, added := match(old, now)
	kept := 0
	dash := 0
	for i, item := range entries {
		if dash, err = e.dash(item); err != nil {
			return err
		}
		value, ok := stays[i]
		switch {
		case !ok:
			e.replace(e.lineStart(dash), e.lineAfter(item.end), "")
			continue
		case !reflect.DeepEqual(old[i], value):
			if err := e.value(item, old[i], value); err != nil {
				return err
			}
		}
		kept++
	}
	if kept == 0 && len(added) == 0 {
		if en.key == nil {
			return unclear(n)
		}
		e.replace(en.colon, en.colon, " []")
		return nil
	}
	last := entries[len(entries)-1]
	indent := string(e.data[e.lineStart(dash):dash])
	for _, v := range added {
		e.insertLine(e.lineAfter(last.end), indent+"- "+e.item(indent+"  ", v, last.value))
	}
	return nil
}

// dash is where the dash of an item stands, which must begin its line.
func (e *editor) dash(item entry) (int, error) {
	at := item.start
	for {
		begin := e.lineStart(at)
		line := string(e.data[begin:at])
		text := strings.TrimSpace(line)
		switch {
		case text == "-" || strings.HasPrefix(text, "- #"):
			return begin + strings.IndexByte(line, '-'), nil
		case text != "" && !strings.HasPrefix(text, "#") || begin == 0:
			return 0, unclear(item.value)
		}
		at = begin - 1
	}
}

// match pairs the items of two lists by name, or by value for plain ones: stays maps the index of an item to what it
// becomes, added are those that are new. Lists that cannot be paired, or in another order, are new as a whole.
func match(old, now []any) (stays map[int]any, added []any) {
	stays = map[int]any{}
	places := map[string]int{}
	for i, v := range old {
		id, ok := identity(v)
		if _, twice := places[id]; !ok || twice {
			return map[int]any{}, now
		}
		places[id] = i
	}
	last := -1
	for i, v := range now {
		id, ok := identity(v)
		if !ok {
			return map[int]any{}, now
		}
		place, known := places[id]
		if !known {
			added = now[i:]
			break
		}
		if place <= last {
			return map[int]any{}, now
		}
		stays[place], last = v, place
	}
	for _, v := range added {
		id, ok := identity(v)
		if _, known := places[id]; known || !ok {
			return map[int]any{}, now
		}
	}
	return stays, added
}

func identity(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return "=" + v, true
	case map[string]any:
		name, ok := v["name"].(string)
		return "name=" + name, ok
	}
	return "", false
}

// flow replaces a flow collection by one with the new value.
func (e *editor) flow(n *yaml.Node, old, now any) error {
	end, err := e.end(n)
	if err != nil {
		return err
	}
	text, err := e.render(n, old, now)
	if err != nil {
		return err
	}
	e.replace(e.offset(n), end, text)
	return nil
}

// render writes a node inside a flow collection with a new value; what does not change is copied.
func (e *editor) render(n *yaml.Node, old, now any) (string, error) {
	start := e.offset(n)
	end, err := e.end(n)
	if err != nil {
		return "", err
	}
	if reflect.DeepEqual(old, now) {
		return string(e.data[start:end]), nil
	}
	body := e.body(n)
	mark := string(e.data[start:body])
	switch n.Kind {
	case yaml.ScalarNode:
		return mark + e.scalarOrText(now, n.Style), nil
	case yaml.MappingNode:
		before, ok := old.(map[string]any)
		after, is := now.(map[string]any)
		if ok && is && e.data[body] == '{' {
			text, err := e.renderMapping(n, before, after, end)
			return mark + text, err
		}
	case yaml.SequenceNode:
		before, ok := old.([]any)
		after, is := now.([]any)
		if ok && is && e.data[body] == '[' {
			text, err := e.renderSequence(n, before, after, end)
			return mark + text, err
		}
	case yaml.AliasNode:
		return e.text(now), nil
	}
	return mark + e.text(now), nil
}

func (e *editor) renderMapping(n *yaml.Node, old, now map[string]any, end int) (string, error) {
	entries, err := e.entries(n)
	if err != nil {
		return "", err
	}
	texts := make([]*string, len(entries))
	own := map[string]bool{}
	for i, en := range entries {
		text := string(e.data[en.start:en.end])
		key := en.key.Value
		value, stays := now[key]
		switch {
		case en.key.Tag == mergeTag:
		case !stays:
			continue
		case reflect.DeepEqual(old[key], value):
		case en.colonless:
			text += ": " + e.text(value)
		case en.at == en.colon && unwritten(en.value):
			text += " " + e.text(value)
		default:
			rendered, err := e.render(en.value, old[key], value)
			if err != nil {
				return "", err
			}
			text = string(e.data[en.start:en.at]) + rendered
		}
		own[key] = true
		texts[i] = &text
	}
	var added []string
	for _, key := range orderedKeys(now) {
		if _, known := old[key]; own[key] || known && reflect.DeepEqual(old[key], now[key]) {
			continue
		}
		added = append(added, e.key(key)+": "+e.text(now[key]))
	}
	return e.assemble(e.body(n), end, entries, texts, added), nil
}

func (e *editor) renderSequence(n *yaml.Node, old, now []any, end int) (string, error) {
	entries, err := e.entries(n)
	if err != nil {
		return "", err
	}
	stays, new := match(old, now)
	texts := make([]*string, len(entries))
	for i, en := range entries {
		value, ok := stays[i]
		if !ok {
			continue
		}
		text, err := e.render(en.value, old[i], value)
		if err != nil {
			return "", err
		}
		texts[i] = &text
	}
	var added []string
	for _, v := range new {
		added = append(added, e.text(v))
	}
	return e.assemble(e.body(n), end, entries, texts, added), nil
}

// assemble writes a flow collection: the entries that stay (texts, nil for the others) with what stood between them, then
// the new ones the way the others are separated.
func (e *editor) assemble(open, end int, entries []entry, texts []*string, added []string) string {
	between := func(from, to int) string { return string(e.data[from:to]) }
	if len(entries) == 0 {
		inner := strings.Join(added, ", ")
		return between(open, open+1) + inner + between(end-1, end)
	}
	var b strings.Builder
	b.WriteString(between(open, entries[0].start))
	written := false
	for i, text := range texts {
		if text == nil {
			continue
		}
		if written {
			b.WriteString(between(entries[i-1].end, entries[i].start))
		}
		b.WriteString(*text)
		written = true
	}
	tail := between(entries[len(entries)-1].end, end)
	separator := ", "
	if last := entries[len(entries)-1]; e.startsLine(last.start) {
		separator = "," + e.newline + string(e.data[e.lineStart(last.start):last.start])
	}
	for _, text := range added {
		if written {
			// A comment behind the last entry stays behind it.
			if line, rest, found := strings.Cut(tail, e.newline); found && strings.Contains(line, "#") && len(separator) > 2 {
				b.WriteString("," + strings.TrimPrefix(line, ",") + separator[1:])
				tail = e.newline + rest
			} else {
				b.WriteString(separator)
			}
		}
		b.WriteString(text)
		written = true
	}
	if !written {
		tail = strings.TrimLeft(tail, ", \t")
	}
	b.WriteString(tail)
	return b.String()
}
