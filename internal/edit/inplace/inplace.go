// Package inplace changes values inside YAML and JSON text and leaves every other byte as it is: comments, order, quoting,
// blank lines, line ends. It knows nothing of what the values mean. What it writes is read again and compared, so a
// spelling that it cannot edit is an error and never a damaged file.
package inplace

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rewrite returns data with the objects for which change returns another value rewritten. An object is a document, or an
// item of a list object (kind …List with items), whose value is a mapping; change gets them in order as JSON values
// (int64, float64, string, bool, nil, []any, map[string]any), must not alter what it gets, and returns nil to leave one
// alone. The error of a spelling that cannot be edited names its line.
func Rewrite(data []byte, change func(object map[string]any) map[string]any) ([]byte, error) {
	mark := 0
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		mark = 3
	}
	e := newEditor(data[mark:])
	nodes, err := objects(e.data)
	if err != nil {
		return nil, err
	}
	want := make([]any, len(nodes))
	for i, n := range nodes {
		old, err := valueOf(n)
		if err != nil {
			return nil, err
		}
		want[i] = old
		m, ok := old.(map[string]any)
		if !ok {
			continue
		}
		if changed := change(m); changed != nil && !reflect.DeepEqual(old, any(changed)) {
			want[i] = changed
			e.json = len(n.Content) > 0 && n.Style&yaml.FlowStyle != 0 && n.Content[0].Style&yaml.DoubleQuotedStyle != 0
			if err := e.mapping(n, m, changed); err != nil {
				return nil, err
			}
		}
	}
	out := e.result()
	if err := verify(out, want, nodes); err != nil {
		return nil, err
	}
	return slices.Concat(data[:mark], out), nil
}

// verify reads what was written and compares it with what was wanted.
func verify(out []byte, want []any, nodes []*yaml.Node) error {
	written, err := objects(out)
	if err != nil {
		return fmt.Errorf("editing in place would damage the file (%w); edit it by hand", err)
	}
	if len(written) != len(want) {
		return fmt.Errorf("editing in place would leave %d objects of %d; edit the file by hand", len(written), len(want))
	}
	for i, n := range written {
		got, err := valueOf(n)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(got, want[i]) {
			return fmt.Errorf("line %d: the object is written in a way that cannot be edited in place (an anchor or a merge key that is shared?); edit it by hand", nodes[i].Line)
		}
	}
	return nil
}

// Append adds a document at the end.
func Append(data, document []byte) []byte {
	if len(bytes.TrimSpace(data)) == 0 {
		return document
	}
	out := slices.Clone(data)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	out = append(out, "---\n"...)
	return append(out, document...)
}

// objects finds the mappings that Rewrite offers, in the order of the text.
func objects(data []byte) ([]*yaml.Node, error) {
	var out []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 || n.Content[0].Kind != yaml.MappingNode {
			continue
		}
		root := n.Content[0]
		kind, items := field(root, "kind"), field(root, "items")
		if kind == nil || items == nil || !strings.HasSuffix(kind.Value, "List") || items.Kind != yaml.SequenceNode {
			out = append(out, root)
			continue
		}
		for _, item := range items.Content {
			if item.Kind == yaml.MappingNode {
				out = append(out, item)
			}
		}
	}
}

func field(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// maxNodes bounds what aliases may expand to.
const maxNodes = 2_000_000

// valueOf turns a node into a JSON value, aliases and merge keys followed.
func valueOf(n *yaml.Node) (any, error) {
	r := reader{}
	v := r.value(n)
	return v, r.err
}

type reader struct {
	nodes int
	err   error
}

func (r *reader) value(n *yaml.Node) any {
	if r.nodes++; r.nodes > maxNodes {
		r.err = fmt.Errorf("line %d: more than %d values once aliases are followed", n.Line, maxNodes)
	}
	if r.err != nil {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, r.value(item))
		}
		return out
	case yaml.MappingNode:
		return r.mapping(n)
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!int", "!!float", "!!bool":
		var v any
		if err := n.Decode(&v); err != nil {
			return n.Value
		}
		if i, ok := v.(int); ok {
			return int64(i)
		}
		return v
	}
	return n.Value
}

func (r *reader) mapping(n *yaml.Node) map[string]any {
	out := make(map[string]any, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Tag == mergeTag {
			merged = append(merged, n.Content[i+1])
		} else {
			out[key.Value] = r.value(n.Content[i+1])
		}
	}
	for _, m := range merged {
		from := r.value(m)
		list, ok := from.([]any)
		if !ok {
			list = []any{from}
		}
		for _, one := range list {
			values, _ := one.(map[string]any)
			for k, v := range values {
				if _, own := out[k]; !own {
					out[k] = v
				}
			}
		}
	}
	return out
}

const mergeTag = "!!merge"

// splice replaces the bytes from start to end.
type splice struct {
	start, end int
	text       string
	line       bool // text is a line, which begins at the beginning of one
}

// editor collects splices on one text.
type editor struct {
	data    []byte
	lines   []int  // offset of the beginning of each line
	newline string // as the text ends its lines
	json    bool   // the object at hand is JSON
	splices []splice
}

func newEditor(data []byte) *editor {
	e := &editor{data: data, lines: []int{0}, newline: "\n"}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		e.newline = "\r\n"
	}
	text := string(data)
	for i, r := range text {
		switch r {
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				continue
			}
			e.lines = append(e.lines, i+1)
		case '\n':
			e.lines = append(e.lines, i+1)
		case '\u0085':
			e.lines = append(e.lines, i+2)
		case '\u2028', '\u2029':
			e.lines = append(e.lines, i+3)
		}
	}
	return e
}

func (e *editor) replace(start, end int, text string) {
	e.splices = append(e.splices, splice{start: start, end: end, text: text})
}

// insertLine adds a line at an offset that begins one, or at the end of a text whose last line is not ended.
func (e *editor) insertLine(at int, line string) {
	e.splices = append(e.splices, splice{start: at, end: at, text: line + e.newline, line: true})
}

func (e *editor) result() []byte {
	slices.SortStableFunc(e.splices, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	var out []byte
	at := 0
	for _, s := range e.splices {
		if s.start > at {
			out = append(out, e.data[at:s.start]...)
		}
		if s.line && len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, e.newline...)
		}
		out = append(out, s.text...)
		at = max(at, s.end)
	}
	out = append(out, e.data[at:]...)
	if len(e.splices) > 0 && !bytes.HasSuffix(e.data, []byte("\n")) {
		out = bytes.TrimSuffix(out, []byte(e.newline))
	}
	return out
}

// offset is the byte at which a node begins.
func (e *editor) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(e.lines) {
		return len(e.data)
	}
	at := e.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(e.data) {
			break
		}
		at += width(e.data[at])
	}
	return at
}

// width is the number of bytes of the character that begins with b.
func width(b byte) int {
	switch {
	case b&0x80 == 0:
		return 1
	case b&0xe0 == 0xc0:
		return 2
	case b&0xf0 == 0xe0:
		return 3
	default:
		return 4
	}
}

// lineStart is where the line of an offset begins, lineAfter where the next one does.
func (e *editor) lineStart(at int) int {
	i, found := slices.BinarySearch(e.lines, at)
	if found {
		return at
	}
	return e.lines[i-1]
}

func (e *editor) lineAfter(at int) int {
	i, found := slices.BinarySearch(e.lines, at)
	if found {
		i++
	}
	if i < len(e.lines) {
		return e.lines[i]
	}
	return len(e.data)
}

// startsLine reports whether nothing but blanks stands before an offset in its line.
func (e *editor) startsLine(at int) bool {
	return len(bytes.Trim(e.data[e.lineStart(at):at], " \t")) == 0
}
