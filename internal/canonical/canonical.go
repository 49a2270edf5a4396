// Package canonical writes JSON in one form only (sorted keys, no spaces, UTF-8 without HTML escaping) and hashes it, so
// that equal results have equal hashes whoever computed them (RULES R-1).
package canonical

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Hash returns the first 16 hexadecimal digits of SHA-256 over b.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// JSON returns the canonical JSON of v, which must marshal to JSON without numbers beyond int64 or float64.
func JSON(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("marshalling for the canonical form: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading back for the canonical form: %w", err)
	}
	var w Writer
	w.tree(tree)
	return w.Bytes(), nil
}

// String returns a string as canonical JSON.
func String(s string) []byte {
	var w Writer
	w.String(s)
	return w.Bytes()
}

// Writer appends canonical JSON. The caller writes the keys of an object in ascending order; leaving out what is empty
// is the caller's choice. The zero value is ready to use.
type Writer struct {
	buf   []byte
	comma bool
}

// Reset empties the writer and keeps its memory.
func (w *Writer) Reset() { w.buf, w.comma = w.buf[:0], false }

// Bytes returns what was written; it is valid until the next call.
func (w *Writer) Bytes() []byte { return w.buf }

func (w *Writer) sep() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

// Open begins an object, as a value or list item.
func (w *Writer) Open() { w.sep(); w.buf = append(w.buf, '{'); w.comma = false }

// Close ends an object.
func (w *Writer) Close() { w.buf = append(w.buf, '}'); w.comma = true }

// OpenList begins a list.
func (w *Writer) OpenList() { w.sep(); w.buf = append(w.buf, '['); w.comma = false }

// CloseList ends a list.
func (w *Writer) CloseList() { w.buf = append(w.buf, ']'); w.comma = true }

// Key writes the key of the next value.
func (w *Writer) Key(k string) {
	w.sep()
	w.quote(k)
	w.buf = append(w.buf, ':')
	w.comma = false
}

// String writes a string value.
func (w *Writer) String(s string) { w.sep(); w.quote(s) }

// Int writes an integer value.
func (w *Writer) Int(i int64) { w.sep(); w.buf = strconv.AppendInt(w.buf, i, 10) }

// Bool writes a boolean value.
func (w *Writer) Bool(b bool) { w.sep(); w.buf = strconv.AppendBool(w.buf, b) }

// Raw writes a value that is canonical JSON already.
func (w *Writer) Raw(b []byte) { w.sep(); w.buf = append(w.buf, b...) }

// Text writes key and string, unless the string is empty.
func (w *Writer) Text(k, s string) {
	if s != "" {
		w.Key(k)
		w.String(s)
	}
}

// Strings writes key and list, unless the list is empty.
func (w *Writer) Strings(k string, list []string) {
	if len(list) == 0 {
		return
	}
	w.Key(k)
	w.OpenList()
	for _, s := range list {
		w.String(s)
	}
	w.CloseList()
}

const hexDigits = "0123456789abcdef"

// plain reports whether s, eight bytes at a time, has only ASCII that is written as it is.
func plain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(s) >= 8 {
		c := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// A difference sets the top bit of a byte below 0x20, and of one that is the quote or the backslash.
		if (c|(c-ones*0x20)|(c^ones*'"'-ones)|(c^ones*'\\'-ones))&tops != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (w *Writer) quote(s string) {
	b := append(w.buf, '"')
	if plain(s) {
		w.buf = append(append(b, s...), '"')
		return
	}
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[start:i]...)
				b = append(b, `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	w.buf = append(b, '"')
}

func (w *Writer) tree(v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		w.Open()
		for _, k := range keys {
			w.Key(k)
			w.tree(v[k])
		}
		w.Close()
	case []any:
		w.OpenList()
		for _, item := range v {
			w.tree(item)
		}
		w.CloseList()
	case string:
		w.String(v)
	case bool:
		w.Bool(v)
	case json.Number:
		w.Raw([]byte(v.String()))
	default:
		w.Raw([]byte("null"))
	}
}

// Fields writes `"key":value` pairs, already canonical and separated by commas, into the open object.
func (w *Writer) Fields(b []byte) {
	if len(b) > 0 {
		w.sep()
		w.buf = append(w.buf, b...)
	}
}
