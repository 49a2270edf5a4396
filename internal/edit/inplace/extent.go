package inplace

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is one key with its value, or one item of a sequence (key nil), as it stands in the text.
type entry struct {
	key, value *yaml.Node
	start      int
	colon      int  // after the colon of the key; start for items
	colonless  bool // a key alone in a flow mapping
	at         int  // where the value begins; colon for a value that is not written
	end        int  // after the value
}

// unwritten reports whether a value is null because nothing stands there.
func unwritten(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == "" && n.ShortTag() == "!!null"
}

// entries returns what a collection holds, in the order of the text.
func (e *editor) entries(n *yaml.Node) ([]entry, error) {
	var out []entry
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			at := e.offset(item)
			end, err := e.end(item)
			if err != nil {
				return nil, err
			}
			out = append(out, entry{value: item, start: at, colon: at, at: at, end: end})
		}
		return out, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		en := entry{key: n.Content[i], value: n.Content[i+1]}
		en.start = e.offset(en.key)
		after, err := e.end(en.key)
		if err != nil {
			return nil, err
		}
		en.colon = after
		colon := e.skip(after, " \t")
		if colon < len(e.data) && e.data[colon] == ':' {
			en.colon = colon + 1
		} else {
			en.colonless = true
		}
		en.at, en.end = en.colon, en.colon
		if !unwritten(en.value) {
			en.at = e.offset(en.value)
			if en.end, err = e.end(en.value); err != nil {
				return nil, err
			}
		}
		if en.end < en.start {
			return nil, unclear(en.key)
		}
		out = append(out, en)
	}
	return out, nil
}

func unclear(n *yaml.Node) error {
	return fmt.Errorf("line %d: written in a way that cannot be edited in place; edit it by hand", n.Line)
}

// skip moves over bytes of a set.
func (e *editor) skip(at int, set string) int {
	for at < len(e.data) && strings.IndexByte(set, e.data[at]) >= 0 {
		at++
	}
	return at
}

// skipSpace moves over blanks, line ends, comments and the bytes of a set.
func (e *editor) skipSpace(at int, set string) int {
	for {
		at = e.skip(at, " \t\r\n"+set)
		if at >= len(e.data) || e.data[at] != '#' {
			return at
		}
		at = e.lineAfter(at)
	}
}

// body is where a node begins behind its anchor and tag.
func (e *editor) body(n *yaml.Node) int {
	at := e.offset(n)
	for at < len(e.data) && (e.data[at] == '&' || e.data[at] == '!') {
		for at < len(e.data) && strings.IndexByte(" \t\r\n", e.data[at]) < 0 {
			at++
		}
		at = e.skipSpace(at, "")
	}
	return at
}

// end is the offset after the last byte of a node.
func (e *editor) end(n *yaml.Node) (int, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return e.offset(n) + 1 + len(n.Value), nil
	case yaml.ScalarNode:
		return e.endOfScalar(n)
	}
	entries, err := e.entries(n)
	if err != nil {
		return 0, err
	}
	at := e.body(n)
	if n.Style&yaml.FlowStyle == 0 || at >= len(e.data) || e.data[at] != '{' && e.data[at] != '[' {
		if len(entries) == 0 {
			return 0, unclear(n)
		}
		return entries[len(entries)-1].end, nil
	}
	at++
	if len(entries) > 0 {
		at = entries[len(entries)-1].end
	}
	at = e.skipSpace(at, ",")
	if at >= len(e.data) || e.data[at] != '}' && e.data[at] != ']' {
		return 0, unclear(n)
	}
	return at + 1, nil
}

func (e *editor) endOfScalar(n *yaml.Node) (int, error) {
	at := e.body(n)
	if at >= len(e.data) {
		return at, nil
	}
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		for at++; at < len(e.data); at++ {
			if e.data[at] != '\'' {
				continue
			}
			if at+1 < len(e.data) && e.data[at+1] == '\'' {
				at++
				continue
			}
			return at + 1, nil
		}
		return 0, unclear(n)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for at++; at < len(e.data); at++ {
			switch e.data[at] {
			case '\\':
				at++
			case '"':
				return at + 1, nil
			}
		}
		return 0, unclear(n)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return e.endOfBlock(at), nil
	}
	// A plain scalar may go on over several lines: its words follow each other with any white space between.
	for word := range strings.FieldsSeq(n.Value) {
		at = e.skip(at, " \t\r\n")
		if !bytes.HasPrefix(e.data[at:], []byte(word)) {
			return 0, unclear(n)
		}
		at += len(word)
	}
	return at, nil
}

// endOfBlock is the end of a literal or folded scalar: of its last line that is not blank.
func (e *editor) endOfBlock(header int) int {
	end := len(bytes.TrimRight(e.data[:e.lineAfter(header)], "\r\n"))
	indent := -1
	for at := e.lineAfter(header); at < len(e.data); at = e.lineAfter(at) {
		line := bytes.TrimRight(e.data[at:e.lineAfter(at)], "\r\n")
		text := bytes.TrimLeft(line, " ")
		if len(text) == 0 {
			continue
		}
		if indent < 0 {
			indent = len(line) - len(text)
			if indent == 0 {
				break
			}
		}
		if len(line)-len(text) < indent {
			break
		}
		end = at + len(line)
	}
	return end
}
