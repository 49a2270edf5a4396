package inplace

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// set returns a change of one object: fields of its spec by name, nil deletes.
func set(name string, fields map[string]any) func(map[string]any) map[string]any {
	return func(object map[string]any) map[string]any {
		meta, _ := object["metadata"].(map[string]any)
		if meta["name"] != name {
			return nil
		}
		out := clone(object).(map[string]any)
		spec, _ := out["spec"].(map[string]any)
		if spec == nil {
			spec = map[string]any{}
			out["spec"] = spec
		}
		for k, v := range fields {
			if v == nil {
				delete(spec, k)
				continue
			}
			spec[k] = v
		}
		return out
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = clone(x)
		}
		return out
	}
	return v
}

// parse reads a value as YAML.
func parse(t *testing.T, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	v, err := valueOf(n.Content[0])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRewrite(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		change string // fields of spec as YAML; null deletes
		want   string
	}{
		"a new key comes last, with the indentation of its neighbours": {
			"metadata: {name: a}\nspec:\n    email: x # mail\n# end\n", "{maxChats: 4}",
			"metadata: {name: a}\nspec:\n    email: x # mail\n    maxChats: 4\n# end\n",
		},
		"a value keeps its quotes and the comment behind it": {
			"metadata: {name: a}\nspec:\n  extension: '12'   # desk\n  other: \"7\"\n", "{extension: \"13\", other: \"8\"}",
			"metadata: {name: a}\nspec:\n  extension: '13'   # desk\n  other: \"8\"\n",
		},
		"a text that looks like something else is quoted": {
			"metadata: {name: a}\nspec: {x: abc}\n", "{x: \"yes\", y: \"12\", z: \"a: b\", u: \"2027-03-01T09:00:00Z\"}",
			"metadata: {name: a}\nspec: {x: \"yes\", u: \"2027-03-01T09:00:00Z\", \"y\": \"12\", z: \"a: b\"}\n",
		},
		"an item joins a block list, and one leaves with its line": {
			"metadata: {name: a}\nspec:\n  members:\n  # night\n  - {name: x}   # left\n  - {name: y}\n  # day\n  - {name: z}\n  zone: UTC\n",
			"{members: [{name: y}, {name: z}, {name: new, until: \"2027-01-01T00:00:00Z\"}]}",
			"metadata: {name: a}\nspec:\n  members:\n  # night\n  - {name: y}\n  # day\n  - {name: z}\n  - {name: new, until: \"2027-01-01T00:00:00Z\"}\n  zone: UTC\n",
		},
		"block items of block mappings": {
			"metadata: {name: a}\nspec:\n  members:\n    - name: x\n      position: 1\n    - position: 2\n      name: y\n\n  zone: UTC\n",
			"{members: [{name: y}, {name: z, position: 3}]}",
			"metadata: {name: a}\nspec:\n  members:\n    - name: y\n    - name: z\n      position: 3\n\n  zone: UTC\n",
		},
		"a key is added to a block item": {
			"metadata: {name: a}\nspec:\n  members:\n  - name: x\n  - name: y\n", "{members: [{name: x, position: 1}, {name: y}, {name: z}]}",
			"metadata: {name: a}\nspec:\n  members:\n  - name: x\n    position: 1\n  - name: y\n  - name: z\n",
		},
		"a block list that becomes empty keeps its key": {
			"metadata: {name: a}\nspec:\n  members: # people\n  # only one\n  - {name: x}\n  zone: UTC\n", "{members: []}",
			"metadata: {name: a}\nspec:\n  members: [] # people\n  # only one\n  zone: UTC\n",
		},
		"flow lists and mappings, with what stands between": {
			"metadata: {name: a}\nspec: { members: [ {name: x},{name: y, position: 1} , {name: z} ], z: 1 }\n",
			"{members: [{name: x}, {name: y, position: 2}, {name: w}], z: null}",
			"metadata: {name: a}\nspec: { members: [ {name: x},{name: y, position: 2}, {name: w} ] }\n",
		},
		"the first of a flow list leaves": {
			"metadata: {name: a}\nspec: {members: [{name: x}, {name: y}]}\n", "{members: [{name: y}]}",
			"metadata: {name: a}\nspec: {members: [{name: y}]}\n",
		},
		"a flow list becomes empty, and one is filled": {
			"metadata: {name: a}\nspec: {members: [ {name: x} ], skills: []}\n", "{members: [], skills: [{name: fr}]}",
			"metadata: {name: a}\nspec: {members: [ ], skills: [{name: fr}]}\n",
		},
		"a flow list over several lines": {
			"metadata: {name: a}\nspec:\n  members: [\n    {name: x}, # one\n    {name: y}  # two\n  ]\n", "{members: [{name: x}, {name: y}, {name: z}]}",
			"metadata: {name: a}\nspec:\n  members: [\n    {name: x}, # one\n    {name: y},  # two\n    {name: z}\n  ]\n",
		},
		"JSON": {
			"{\n  \"metadata\": {\"name\": \"a\"},\n  \"spec\": {\n    \"members\": [\n      {\"name\": \"x\"}\n    ]\n  }\n}\n", "{members: [{name: x}, {name: z, position: 2}], zone: UTC}",
			"{\n  \"metadata\": {\"name\": \"a\"},\n  \"spec\": {\n    \"members\": [\n      {\"name\": \"x\"},\n      {\"name\": \"z\", \"position\": 2}\n    ],\n    \"zone\": \"UTC\"\n  }\n}\n",
		},
		"a spec that is not written, and one that is empty": {
			"metadata: {name: b}\n---\nmetadata: {name: a}\nspec:\n---\nmetadata: {name: c}\n", "{zone: UTC}",
			"metadata: {name: b}\n---\nmetadata: {name: a}\nspec: {zone: UTC}\n---\nmetadata: {name: c}\n",
		},
		"an object without spec": {
			"metadata: {name: a}", "{zone: UTC}",
			"metadata: {name: a}\nspec: {zone: UTC}",
		},
		"a long new list takes lines of its own": {
			"metadata: {name: a}\nspec:\n  zone: UTC\n", "{members: [{name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}, {name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}, {name: cccccccccccc}]}",
			"metadata: {name: a}\nspec:\n  zone: UTC\n  members:\n  - {name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n  - {name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}\n  - {name: cccccccccccc}\n",
		},
		"nested lists and keys that end together": {
			"metadata: {name: a}\nspec:\n  queues:\n    list:\n    - a\n    - b", "{queues: {list: [a, c], type: Q}, zone: UTC}",
			"metadata: {name: a}\nspec:\n  queues:\n    list:\n    - a\n    - c\n    type: Q\n  zone: UTC",
		},
		"texts over several lines": {
			"metadata: {name: a}\nspec:\n  bio: |\n    one\n\n    two\n\n  # zone\n  zone: plain\n    words\n  note: \"a\n    b\"\n", "{zone: UTC, note: x, last: 1}",
			"metadata: {name: a}\nspec:\n  bio: |\n    one\n\n    two\n\n  # zone\n  zone: UTC\n  note: \"x\"\n  last: 1\n",
		},
		"a literal text is replaced": {
			"metadata: {name: a}\nspec:\n  bio: |\n    one\n    two\n  zone: UTC\n", "{bio: short}",
			"metadata: {name: a}\nspec:\n  bio: short\n  zone: UTC\n",
		},
		"carriage returns": {
			"metadata: {name: a}\r\nspec:\r\n  members:\r\n  - {name: x}\r\n", "{members: [{name: x}, {name: y}], zone: UTC}",
			"metadata: {name: a}\r\nspec:\r\n  members:\r\n  - {name: x}\r\n  - {name: \"y\"}\r\n  zone: UTC\r\n",
		},
		"letters of several bytes, and a byte order mark": {
			"\ufeffmetadata: {name: a, \"ключ\": \"značka\"}\nspec: {city: \"Žďár — ok\", zone: UTC}\n", "{zone: CET}",
			"\ufeffmetadata: {name: a, \"ключ\": \"značka\"}\nspec: {city: \"Žďár — ok\", zone: CET}\n",
		},
		"what an alias stands for is written where it changes": {
			"metadata: {name: a}\nother: &l [{name: x}]\nspec:\n  members: *l\n  skills: &s\n  - {name: fr}\n", "{members: [{name: x}, {name: y}], skills: [{name: fr}, {name: en}]}",
			"metadata: {name: a}\nother: &l [{name: x}]\nspec:\n  members: [{name: x}, {name: \"y\"}]\n  skills: &s\n  - {name: fr}\n  - {name: en}\n",
		},
		"a merged key is overridden": {
			"metadata: {name: a}\nother: &o {zone: UTC, x: 1}\nspec:\n  <<: *o\n  y: 2\n", "{zone: CET}",
			"metadata: {name: a}\nother: &o {zone: UTC, x: 1}\nspec:\n  <<: *o\n  y: 2\n  zone: CET\n",
		},
		"an item of a list object": {
			"kind: List\nitems:\n- metadata: {name: b}\n  spec: {x: 1}\n- spec:\n    x: 1\n  metadata: {name: a}\n", "{x: 2, y: 3}",
			"kind: List\nitems:\n- metadata: {name: b}\n  spec: {x: 1}\n- spec:\n    x: 2\n    \"y\": 3\n  metadata: {name: a}\n",
		},
		"the first key behind a dash leaves": {
			"metadata: {name: a}\nspec:\n  members:\n  - until: x\n    name: y\n    z: 1\n", "{members: [{name: y}]}",
			"metadata: {name: a}\nspec:\n  members:\n  - name: y\n",
		},
		"a list in another order is written anew": {
			"metadata: {name: a}\nspec:\n  list: # why\n  - x\n  - y\n  flow: [x, y]\n", "{list: [y, x], flow: [y, x]}",
			"metadata: {name: a}\nspec:\n  list: # why\n  - \"y\"\n  - x\n  flow: [\"y\", x]\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Rewrite([]byte(tc.text), set("a", parse(t, tc.change).(map[string]any)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What cannot be edited without touching something else is an error.
func TestRewriteRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, change string }{
		"an anchor that others use": {"metadata: {name: a}\nspec:\n  list: &l\n  - {name: x}\n  other: *l\n", "{list: [{name: x}, {name: y}]}"},
		"a merged key to delete":    {"metadata: {name: a}\no: &o {zone: UTC}\nspec:\n  <<: *o\n  y: 2\n", "{zone: null}"},
		"an anchor that leaves":     {"metadata: {name: a}\nspec:\n  x: &l 1\n  other: *l\n", "{x: null}"},
		"malformed YAML":            {"metadata: {name: a\n", "{x: 1}"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Rewrite([]byte(tc.text), set("a", parse(t, tc.change).(map[string]any))); err == nil {
				t.Errorf("written:\n%s", got)
			}
		})
	}
}

// Whatever is not changed comes back byte for byte.
func TestRewriteLeavesTheRest(t *testing.T) {
	text := "# top\n\n---\nmetadata: {name: b}   # b\nspec: {x: [1,2 ,3]}\n\n...\n---\nplain text\n---\n- list\n---\nmetadata: {name: a}\nspec: {x: 1}\n# end"
	same, err := Rewrite([]byte(text), func(map[string]any) map[string]any { return nil })
	if err != nil || string(same) != text {
		t.Errorf("%v\n%s", err, same)
	}
	got, err := Rewrite([]byte(text), set("a", map[string]any{"x": int64(2)}))
	if want := strings.Replace(text, "spec: {x: 1}", "spec: {x: 2}", 1); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, string(got)))
	}
}

func TestAppend(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":         {"\n", "b: 1\n"},
		"a document":      {"a: 1\n", "a: 1\n---\nb: 1\n"},
		"without an end":  {"a: 1", "a: 1\n---\nb: 1\n"},
		"several":         {"a: 1\n---\nc: 1\n", "a: 1\n---\nc: 1\n---\nb: 1\n"},
		"comment at last": {"a: 1\n# end\n", "a: 1\n# end\n---\nb: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(Append([]byte(tc.text), []byte("b: 1\n"))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func show(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}
