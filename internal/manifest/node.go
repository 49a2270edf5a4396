package manifest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds one document with its aliases expanded, so that a small hostile file cannot fill the memory.
const maxNodes = 2_000_000

// document is one YAML document, or one item of a List.
type document struct {
	file string
	node *yaml.Node
}

// position finds the line of a field, or of the nearest enclosing one that exists.
func (d *document) position(field string) Position {
	at := Position{File: d.file}
	if d.node == nil {
		return at
	}
	at.Line = d.node.Line
	n := d.node
	for _, step := range splitPath(field) {
		line, next := child(n, step)
		if next == nil {
			break
		}
		at.Line, n = line, next
	}
	return at
}

// splitPath cuts spec.members[0].name into spec, members, 0, name. A bracket may hold dots: metadata.labels[a.b/c].
func splitPath(path string) []string {
	var out []string
	for path != "" {
		switch i := strings.IndexAny(path, ".["); {
		case i < 0:
			return append(out, path)
		case i > 0:
			out = append(out, path[:i])
			path = path[i:]
		case path[0] == '.':
			path = path[1:]
		default:
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return append(out, path[1:])
			}
			out = append(out, strings.Trim(path[1:end], `"'`))
			path = path[end+1:]
		}
	}
	return out
}

// child returns the value under a key, at an index, or of the item with that name, and the line where it begins.
func child(n *yaml.Node, step string) (line int, value *yaml.Node) {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i].Line, n.Content[i+1]
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Tag == "!!merge" {
				for _, merged := range mergeSources(n.Content[i+1]) {
					if line, value := child(merged, step); value != nil {
						return line, value
					}
				}
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i].Line, n.Content[i]
		}
		for _, item := range n.Content {
			for _, key := range []string{"name", "date", "key"} {
				if _, v := child(item, key); v != nil && v.Value == step {
					return item.Line, item
				}
			}
			if item.Kind == yaml.ScalarNode && item.Value == step {
				return item.Line, item
			}
		}
	}
	return 0, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func mergeSources(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// cyclic returns an alias inside of what it stands for, nil if there is none.
func cyclic(n *yaml.Node) *yaml.Node {
	const (
		onPath = iota + 1
		done
	)
	state := map[*yaml.Node]int{}
	var walk func(n *yaml.Node) *yaml.Node
	walk = func(n *yaml.Node) *yaml.Node {
		target := n
		if n.Kind == yaml.AliasNode {
			target = n.Alias
		}
		switch state[target] {
		case onPath:
			return n
		case done:
			return nil
		}
		state[target] = onPath
		for _, c := range target.Content {
			if found := walk(c); found != nil {
				return found
			}
		}
		state[target] = done
		return nil
	}
	return walk(n)
}

// converter turns nodes into JSON values the way that Kubernetes reads YAML: by the scalars of YAML 1.1.
type converter struct {
	file  string
	nodes int
	errs  Errors
}

func (c *converter) fail(n *yaml.Node, field, format string, args ...any) {
	c.errs = append(c.errs, &Error{Position: Position{c.file, n.Line}, Field: field, Rule: RuleSchema, Unreadable: true, Message: fmt.Sprintf(format, args...)})
}

func (c *converter) value(n *yaml.Node, field string) any {
	if c.nodes++; c.nodes > maxNodes {
		if c.nodes == maxNodes+1 {
			c.fail(n, field, "the document has more than %d values once its aliases are followed; expected fewer", maxNodes)
		}
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, field)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			out = append(out, c.value(item, fmt.Sprintf("%s[%d]", field, i)))
		}
		return out
	case yaml.MappingNode:
		return c.mapping(n, field)
	}
	return c.scalar(n, field)
}

func (c *converter) mapping(n *yaml.Node, field string) map[string]any {
	out := map[string]any{}
	lines := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, mergeSources(value)...)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			c.fail(key, field, "a key that is a list or a mapping; expected a field name")
			continue
		}
		path := join(field, key.Value)
		if line, twice := lines[key.Value]; twice {
			c.fail(key, path, "set twice, first in line %d; expected each field once", line)
			continue
		}
		lines[key.Value] = key.Line
		out[key.Value] = c.value(value, path)
	}
	for _, m := range merged {
		if m = resolve(m); m.Kind != yaml.MappingNode {
			c.fail(m, field, "<< names something that is not a mapping; expected a mapping")
			continue
		}
		for k, v := range c.mapping(m, field) {
			if _, own := out[k]; !own {
				out[k] = v
			}
		}
	}
	return out
}

func join(field, key string) string {
	switch {
	case field == "":
		return key
	case strings.ContainsAny(key, "./["):
		return field + "[" + key + "]"
	}
	return field + "." + key
}

// booleans of YAML 1.1 that YAML 1.2 reads as strings. The API server reads them as booleans.
var (
	truths  = []string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
	untruth = []string{"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
)

func (c *converter) scalar(n *yaml.Node, field string) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!str":
		if n.Style == 0 && n.Tag != "!" {
			if slices.Contains(truths, n.Value) {
				return true
			}
			if slices.Contains(untruth, n.Value) {
				return false
			}
		}
		return n.Value
	case "!!timestamp": // Kubernetes reads dates as strings
		return n.Value
	case "!!binary":
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		c.fail(n, field, "%s; expected a plain value", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.fail(n, field, "%s is not a number that JSON knows; expected a finite number", n.Value)
			return nil
		}
		return v
	}
	return v
}
