package inplace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// leading are the keys that people expect first, in this order.
var leading = []string{"name", "type", "state", "position", "level", "from", "until", "blockedFrom", "blockedUntil", "queues", "campaignRef", "reason"}

func orderedKeys(m map[string]any) []string {
	place := func(k string) int {
		if i := slices.Index(leading, k); i >= 0 {
			return i
		}
		return len(leading)
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

// text writes a value on one line.
func (e *editor) text(v any) string {
	switch v := v.(type) {
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range orderedKeys(v) {
			parts = append(parts, e.key(k)+": "+e.text(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, e.text(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return e.scalar(v, 0)
}

func (e *editor) key(k string) string {
	if e.json {
		return quote(k)
	}
	return e.scalar(k, 0)
}

// longest is the length from which a list is better written on lines of its own.
const longest = 110

// member writes a key with its value for a block mapping, without the line end.
func (e *editor) member(indent, key string, v any) string {
	line := indent + e.key(key) + ": " + e.text(v)
	list, ok := v.([]any)
	if !ok || len(list) < 2 || len(line) <= longest {
		return line
	}
	lines := []string{indent + e.key(key) + ":"}
	for _, item := range list {
		lines = append(lines, indent+"- "+e.text(item))
	}
	return strings.Join(lines, e.newline)
}

// item writes a new item behind its dash, the way its neighbour is written.
func (e *editor) item(indent string, v any, like *yaml.Node) string {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 || like.Kind != yaml.MappingNode || like.Style&yaml.FlowStyle != 0 {
		return e.text(v)
	}
	var lines []string
	for _, k := range orderedKeys(m) {
		lines = append(lines, e.key(k)+": "+e.text(m[k]))
	}
	return strings.Join(lines, e.newline+indent)
}

func (e *editor) scalarOrText(v any, style yaml.Style) string {
	switch v.(type) {
	case map[string]any, []any:
		return e.text(v)
	}
	return e.scalar(v, style)
}

// simple are strings that need no quotes, in any place of a document.
var simple = regexp.MustCompile(`^[A-Za-z](?:[A-Za-z0-9._/@+-]| [A-Za-z0-9])*$`)

// reserved are words that YAML 1.1 or 1.2 reads as something else than a string.
var reserved = []string{"y", "yes", "n", "no", "true", "false", "on", "off", "null"}

// scalar writes a plain value, in the style of the value that it replaces if that can hold it.
func (e *editor) scalar(v any, style yaml.Style) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		switch {
		case e.json || style&yaml.DoubleQuotedStyle != 0:
			return quote(v)
		case style&yaml.SingleQuotedStyle != 0 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }):
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case simple.MatchString(v) && !slices.Contains(reserved, strings.ToLower(v)):
			return v
		}
		return quote(v)
	}
	return fmt.Sprint(v)
}

// quote writes a string as JSON does, which YAML reads as well.
func quote(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
