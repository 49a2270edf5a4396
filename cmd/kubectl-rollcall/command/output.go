package command

import (
	"bytes"
	"encoding/json"
	"fmt"

	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"
)

// show prints an answer in the form that -o asks for: the table by the function, json and yaml from the answer itself, whose
// field order is the contract.
func (p *plugin) show(answer any, print func(*table)) error {
	switch p.options.output {
	case "json":
		data, err := encodeJSON(answer)
		if err != nil {
			return err
		}
		_, err = p.Out.Write(data)
		return err
	case "yaml":
		data, err := encodeYAML(answer)
		if err != nil {
			return err
		}
		_, err = p.Out.Write(data)
		return err
	}
	t := &table{w: tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', tabwriter.StripEscape)}
	print(t)
	return t.w.Flush()
}

// encodeJSON writes JSON for people and programs: indented, nothing escaped for HTML.
func encodeJSON(answer any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(answer); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return b.Bytes(), nil
}

// encodeYAML writes the same document in the same key order as encodeJSON.
func encodeYAML(answer any) ([]byte, error) {
	data, err := encodeJSON(answer)
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	plain(&n)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return b.Bytes(), nil
}

// plain takes the JSON style off a tree; what must be quoted still is.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}

// table writes aligned columns.
type table struct{ w *tabwriter.Writer }

// row writes one line of columns; the last is not padded.
func (t *table) row(columns ...any) {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = strings.TrimRight(clean(fmt.Sprint(c)), " ")
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// line writes text outside of the columns.
func (t *table) line(format string, args ...any) {
	_ = t.w.Flush()
	fmt.Fprintln(t.w, clean(fmt.Sprintf(format, args...)))
	_ = t.w.Flush()
}

// lines writes a long list over several lines of at most 110 characters, the first after a label.
func (t *table) list(label string, items []string) {
	if len(items) == 0 {
		return
	}
	const width = 110
	pad := strings.Repeat(" ", len(label))
	out := label
	used := len(label)
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if used+1+len(item) > width && used > len(label) {
			t.line("%s", out)
			out, used = pad, len(pad)
		}
		out += " " + item
		used += 1 + len(item)
	}
	t.line("%s", out)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
