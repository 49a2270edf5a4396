package sheet

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxStray bounds how many rows with stray quotes are set aside; a file with more is no table.
const maxStray = 100

// readText reads text with a delimiter.
func readText(data []byte) (*Sheet, error) {
	text, err := decode(data)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	delimiter, hint := delimiterOf(text)
	r := &textReader{sheet: &Sheet{}, delimiter: delimiter}
	if hint {
		_, text, _ = strings.Cut(text, "\n")
		r.line, r.row = 1, 1
	}
	if err := r.read(text); err != nil {
		return nil, err
	}
	return r.sheet, nil
}

// textReader reads records and counts rows as a spreadsheet would: empty lines are rows, line breaks inside of quotes are not.
type textReader struct {
	sheet     *Sheet
	delimiter rune
	line      int // lines that are read
	row       int // the last one
	stray     int // rows with stray quotes so far
}

func (r *textReader) read(text string) error {
	for text != "" {
		consumed, err := r.records(text)
		if err != nil {
			return err
		}
		text = text[consumed:]
	}
	return nil
}

// records reads to the end, or to the end of the first line of a row whose quotes do not match: one forgotten quote must not
// swallow the rows after it. It returns how much it read.
func (r *textReader) records(text string) (consumed int, err error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = r.delimiter, -1, true
	c.TrimLeadingSpace = r.delimiter != '\t'
	above := r.line
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return len(text), nil
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			if r.stray++; r.stray > maxStray {
				return 0, unsupported("text in which quotes do not match in more than %d rows", maxStray)
			}
			r.begin(above + bad.StartLine)
			skipped := text[consumed:]
			for ; r.line < above+bad.StartLine; r.line++ {
				_, skipped, _ = strings.Cut(skipped, "\n")
			}
			return len(text) - len(skipped), r.sheet.add(r.row, cells, "quotes do not match")
		}
		if err != nil {
			return 0, err
		}
		line, _ := c.FieldPos(0)
		r.begin(above + line)
		end := int(c.InputOffset())
		r.line += strings.Count(text[consumed:end], "\n")
		consumed = end
		problem := ""
		if slices.ContainsFunc(cells, func(cell string) bool { return !utf8.ValidString(cell) }) {
			problem = "not in UTF-8; expected a file saved as CSV UTF-8"
		}
		if err := r.sheet.add(r.row, cells, problem); err != nil {
			return 0, err
		}
	}
}

// begin counts the row that begins on a line, counted from 1, and the empty rows above it.
func (r *textReader) begin(line int) { r.row += line - r.line }

// delimiterOf is the one that the first line with something in it has most of, outside of quotes; a comma where it has none.
// Some programs tell it by themselves, in a first line such as sep=; which is no row of people.
func delimiterOf(text string) (delimiter rune, hint bool) {
	first := ""
	for line := range strings.Lines(text) {
		if first = strings.TrimRight(line, "\r\n"); trim(first) != "" {
			break
		}
	}
	if told, ok := strings.CutPrefix(strings.ToLower(strings.Trim(first, `"`)), "sep="); ok && len(told) == 1 && strings.HasPrefix(text, first) {
		if d := rune(told[0]); strings.ContainsRune(delimiters, d) {
			return d, true
		}
	}
	counts := map[rune]int{}
	quoted := false
	for _, c := range first {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			counts[c]++
		}
	}
	delimiter = ','
	for _, d := range delimiters {
		if counts[d] > counts[delimiter] {
			delimiter = d
		}
	}
	return delimiter, false
}

const delimiters = ",;\t"

// decode returns text as UTF-8: from UTF-16 where a mark or the pattern of zeros says so, else as it stands. What is no text is
// refused; single characters that are not UTF-8 are left for the rows to report.
func decode(data []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		data, order = data[2:], binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		data, order = data[2:], binary.BigEndian
	case len(data) > 3 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		order = binary.LittleEndian
	case len(data) > 3 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		order = binary.BigEndian
	}
	text := string(data)
	if order != nil {
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		text = string(utf16.Decode(units))
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1a", c) }) {
		return "", unsupported("neither a workbook nor text")
	}
	if start := strings.ToLower(trim(text[:min(len(text), 200)])); strings.HasPrefix(start, "<") {
		return "", unsupported("HTML or XML, whatever its name says")
	}
	return text, nil
}
