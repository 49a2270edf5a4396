package inplace

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// An author writes values in styles of their own. Texts have a comment on every line where one may stand.
type author struct{ *rapid.T }

func (a author) coin(label string) bool { return rapid.Bool().Draw(a.T, label) }

var (
	words = []string{"x", "abc", "yes", "12", "a b", "it's", "say \"hi\"", "a: b", "# no", "", "2027-03-01T09:00:00Z", "Žofie", "- dash", "{brace", "end,"}
	keys  = []string{"name", "email", "zone", "members", "skills", "queues", "label.io/x", "type"}
)

func (a author) value(depth int) any {
	kind := rapid.IntRange(0, 9).Draw(a.T, "kind")
	switch {
	case depth > 0 && kind < 3:
		return a.object(depth)
	case depth > 0 && kind < 5:
		return a.list(depth)
	case kind == 5:
		return int64(rapid.IntRange(-1, 200).Draw(a.T, "number"))
	case kind == 6:
		return a.coin("bool")
	}
	return rapid.SampledFrom(words).Draw(a.T, "text")
}

func (a author) object(depth int) map[string]any {
	out := map[string]any{}
	for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, 4, rapid.ID).Draw(a.T, "keys") {
		out[k] = a.value(depth - 1)
	}
	return out
}

// list is one of named things, of texts, or of anything.
func (a author) list(depth int) []any {
	out := []any{}
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ana", "ben", "cid", "dan", "eva"}), 0, 4, rapid.ID).Draw(a.T, "names")
	kind := rapid.IntRange(0, 3).Draw(a.T, "items")
	for _, n := range names {
		switch kind {
		case 0, 1:
			item := map[string]any{"name": n}
			if a.coin("more") {
				item["position"] = int64(rapid.IntRange(0, 9).Draw(a.T, "position"))
			}
			out = append(out, item)
		case 2:
			out = append(out, n)
		default:
			out = append(out, a.value(depth-1))
		}
	}
	return out
}

// edited is a value with some differences.
func (a author) edited(v any, depth int) any {
	if rapid.IntRange(0, 9).Draw(a.T, "replace") == 0 {
		return a.value(depth)
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range orderedKeys(v) {
			if rapid.IntRange(0, 5).Draw(a.T, "drop") > 0 {
				out[k] = a.edited(v[k], depth-1)
			}
		}
		if k := rapid.SampledFrom(keys).Draw(a.T, "key"); len(out) == 0 || a.coin("add") {
			out[k] = a.value(depth - 1)
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if rapid.IntRange(0, 3).Draw(a.T, "drop") > 0 {
				out = append(out, a.edited(item, depth-1))
			}
		}
		if a.coin("add") {
			out = append(out, map[string]any{"name": "new"})
		}
		return out
	}
	return v
}

func (a author) scalar(v any) string {
	s, ok := v.(string)
	if !ok {
		return (&editor{}).scalar(v, 0)
	}
	if simple.MatchString(s) && s != "yes" && a.coin("plain") {
		return s
	}
	if a.coin("single") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return quote(s)
}

func (a author) flow(v any) string {
	const deep = "\n                                                            "
	pad := rapid.SampledFrom([]string{"", " ", deep}).Draw(a.T, "pad")
	between := rapid.SampledFrom([]string{", ", ",", " , ", "," + deep, ", # why" + deep}).Draw(a.T, "between")
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range orderedKeys(v) {
			parts = append(parts, quoteKey(k)+": "+a.flow(v[k]))
		}
		return "{" + pad + strings.Join(parts, between) + pad + "}"
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, a.flow(item))
		}
		return "[" + pad + strings.Join(parts, between) + pad + "]"
	}
	return a.scalar(v)
}

func quoteKey(k string) string { return (&editor{}).scalar(k, 0) }

// block writes a value behind a key or a dash.
func (a author) block(v any, indent string, comment func() string) string {
	empty := false
	switch v := v.(type) {
	case map[string]any:
		empty = len(v) == 0
	case []any:
		empty = len(v) == 0
	default:
		empty = true
	}
	if empty || a.coin("flow") {
		return " " + a.flow(v) + comment() + "\n"
	}
	var b strings.Builder
	b.WriteString(comment() + "\n")
	switch v := v.(type) {
	case map[string]any:
		indent += rapid.SampledFrom([]string{"  ", "    "}).Draw(a.T, "indent")
		for _, k := range orderedKeys(v) {
			a.between(&b, indent, comment)
			b.WriteString(indent + quoteKey(k) + ":" + a.block(v[k], indent, comment))
		}
	case []any:
		indent += rapid.SampledFrom([]string{"  ", "    "}).Draw(a.T, "indent")
		for _, item := range v {
			a.between(&b, indent, comment)
			b.WriteString(indent + "-" + a.item(item, indent, comment))
		}
	}
	return b.String()
}

func (a author) between(b *strings.Builder, indent string, comment func() string) {
	switch rapid.IntRange(0, 3).Draw(a.T, "above") {
	case 0:
		b.WriteString(indent + strings.TrimSpace(comment()) + "\n")
	case 1:
		b.WriteString("\n")
	}
}

func (a author) item(v any, indent string, comment func() string) string {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 || a.coin("item") {
		return a.block(v, indent, comment)
	}
	var b strings.Builder
	for i, k := range orderedKeys(m) {
		if i == 0 {
			b.WriteString(" ")
		} else {
			b.WriteString(indent + "  ")
		}
		b.WriteString(quoteKey(k) + ":" + a.block(m[k], indent+"  ", comment))
	}
	return b.String()
}

// TestRewriteAnything writes random objects in random styles, changes one at random and reads the file again: that object is
// as wanted, every line of the others is untouched, and no comment on a line of its own is lost.
func TestRewriteAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := author{t}
		comments := 0
		comment := func() string {
			comments++
			return fmt.Sprintf(" # c%d.", comments)
		}
		var objects []map[string]any
		var texts []string
		for i := range rapid.IntRange(1, 3).Draw(t, "objects") {
			o := map[string]any{"metadata": map[string]any{"name": fmt.Sprint("o", i)}, "spec": a.object(4)}
			objects = append(objects, o)
			text := fmt.Sprintf("metadata: {name: o%d}\nspec:%s", i, a.block(o["spec"], "", comment))
			if a.coin("first") {
				text = fmt.Sprintf("spec:%smetadata: {name: o%d}\n", a.block(o["spec"], "", comment), i)
			}
			texts = append(texts, text)
		}
		at := rapid.IntRange(0, len(objects)-1).Draw(t, "at")
		want := clone(objects[at]).(map[string]any)
		want["spec"] = a.edited(objects[at]["spec"], 4)
		if _, ok := want["spec"].(map[string]any); !ok {
			want["spec"] = map[string]any{"zone": "UTC"}
		}
		text := strings.Join(texts, "---\n")
		if a.coin("no end") {
			text = strings.TrimSuffix(text, "\n")
		}
		n := -1
		got, err := Rewrite([]byte(text), func(o map[string]any) map[string]any {
			n++
			if !reflect.DeepEqual(o, objects[n]) {
				t.Fatalf("the author wrote something else:\n%s\nread %s\nwant %s", text, show(o), show(objects[n]))
			}
			if n != at {
				return nil
			}
			return want
		})
		if err != nil {
			t.Fatalf("%v\n%s\nwant %s", err, text, show(want))
		}
		parts := strings.Split(string(got), "---\n")
		for i := range texts {
			if i != at && strings.TrimSuffix(parts[i], "\n") != strings.TrimSuffix(texts[i], "\n") {
				t.Fatalf("object %d changed:\n%s", i, got)
			}
		}
		if reflect.DeepEqual(want, objects[at]) && string(got) != text {
			t.Fatalf("nothing was to change:\n%s", got)
		}
		keepsComments(t, objects[at]["spec"], want["spec"], text, string(got))
	})
}

// keepsComments checks that additions alone lose no comment.
func keepsComments(t *rapid.T, old, now any, text, got string) {
	if !contains(now, old) {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		if _, comment, found := strings.Cut(line, " # c"); found && !strings.Contains(got, "# c"+comment) {
			t.Fatalf("comment %q is lost:\n%s\nfrom\n%s", comment, got, text)
		}
	}
}

// contains reports whether a value has all of another, at the same places.
func contains(now, old any) bool {
	switch old := old.(type) {
	case map[string]any:
		m, ok := now.(map[string]any)
		for k, v := range old {
			if !ok || !contains(m[k], v) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := now.([]any)
		stays, _ := match(old, list)
		for i, v := range old {
			if !ok || !contains(stays[i], v) {
				return false // also lists that are written anew because their items have no names
			}
		}
		return ok
	}
	return reflect.DeepEqual(now, old)
}
