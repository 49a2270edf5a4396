package postgres

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// copyIn brings records into their table, and the entries of their lists into theirs, by COPY: the fastest way that there is to
// bring in what is new. ids are those of the rows.
func (d *Driver) copyIn(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, ids []string) error {
	if len(j.which) == 0 {
		return nil
	}
	statement := fmt.Sprintf("COPY %s.%s (id, %s) FROM STDIN", d.quotedSchema(), j.table.name, quoted("", j.table.written()))
	err := d.copyLines(ctx, tx, statement, len(j.which), func(b []byte, n int) ([]byte, error) {
		return d.line(b, j.table, ids[n], &changes[j.which[n]])
	})
	for k := 0; err == nil && k < len(j.table.lists); k++ {
		l := &j.table.lists[k]
		has := func(i int) bool { return len(changes[i].Rendered.Image[l.attribute]) > len("[]") }
		if !slices.ContainsFunc(j.which, has) {
			continue
		}
		fields := make([]string, len(l.columns))
		err = d.copyLines(ctx, tx, l.copyStatement(d.quotedSchema()), len(j.which), func(b []byte, n int) ([]byte, error) {
			c := &changes[j.which[n]]
			return l.lines(b, fields, c.Record.Key, c.Rendered.Image[l.attribute])
		})
	}
	return err
}

// copyLines is one COPY. lines appends the text of each of n records; it is asked while the server is busy with those before.
func (d *Driver) copyLines(ctx context.Context, tx pgx.Tx, statement string, n int, lines func(b []byte, n int) ([]byte, error)) error {
	s := stream{lines: lines, records: n}
	err := d.request(ctx, func(ctx context.Context) error {
		_, err := tx.Conn().PgConn().CopyFrom(ctx, &s, statement)
		return err
	})
	if s.err != nil {
		return downstream.NewError(downstream.BadRecord, "", s.err)
	}
	return err
}

// stream is a text that is written as it is read.
type stream struct {
	lines         func(b []byte, n int) ([]byte, error)
	next, records int
	written, rest []byte
	err           error
}

// enough is how much text is written at once.
const enough = 32 << 10

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		s.written = s.written[:0]
		for len(s.written) < enough && s.err == nil && s.next < s.records {
			s.written, s.err = s.lines(s.written, s.next)
			s.next++
		}
		s.rest = s.written
	}
	switch {
	case s.err != nil:
		return 0, s.err
	case len(s.rest) == 0:
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// line appends the row of a record.
func (d *Driver) line(b []byte, t *table, id string, c *downstream.Change) ([]byte, error) {
	b = append(append(b, id...), '\t')
	b = append(escaped(b, c.Record.Key), '\t')
	b = append(escaped(b, c.Record.Name), '\t')
	if d.organization == nil {
		b = append(b, none...)
	} else {
		b = escaped(b, *d.organization)
	}
	b = strconv.AppendBool(append(b, '\t'), c.Record.Active)
	var err error
	for i := range t.columns {
		if b, err = t.columns[i].write(append(b, '\t'), c.Rendered.Image[t.columns[i].attribute]); err != nil {
			return nil, err
		}
	}
	return append(b, '\n'), nil
}

// none is NULL in the text format of COPY.
const none = `\N`

// write appends a value, given as canonical JSON; empty: there is none.
func (c *column) write(b []byte, value string) ([]byte, error) {
	if value == "" || value == null {
		return append(b, none...), nil
	}
	plain := strings.IndexByte(value, '\\') < 0 // nor is there anything else to escape in canonical JSON
	if plain && c.form == array {               // strings in double quotes look the same in an array of PostgreSQL
		return append(append(append(b, '{'), value[1:len(value)-1]...), '}'), nil
	}
	text, err := c.literal(value)
	switch {
	case err != nil:
		return nil, err
	case plain:
		return append(b, text...), nil
	}
	return escaped(b, text), nil
}

func (l *list) copyStatement(schema string) string {
	names := []string{l.parent}
	if l.ordered() {
		names = append(names, ordinal)
	}
	for _, c := range l.columns {
		names = append(names, c.name)
	}
	return fmt.Sprintf("COPY %s.%s (%s) FROM STDIN", schema, l.table, quoted("", names))
}

// escapes are those of the text format of COPY.
var escapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// escaped appends a text, escaped; hardly any needs it.
func escaped(b []byte, text string) []byte {
	if !strings.ContainsAny(text, "\\\t\n\r") {
		return append(b, text...)
	}
	return append(b, escapes.Replace(text)...)
}

// lines appends a line for each entry of a list. fields has room for the values of one.
func (l *list) lines(b []byte, fields []string, key, value string) (_ []byte, err error) {
	if value == "" {
		return b, nil
	}
	n := 0
	for entry := range elements(value) {
		n++
		clear(fields)
		next := 0 // both are in the order of names
		members(entry, func(name, value string) {
			for next < len(fields) && l.columns[next].attribute < name {
				next++
			}
			if next < len(fields) && l.columns[next].attribute == name {
				fields[next] = value
			}
		})
		b = escaped(b, key)
		if l.ordered() {
			b = strconv.AppendInt(append(b, '\t'), int64(n), 10)
		}
		for i := range l.columns {
			if b, err = l.columns[i].write(append(b, '\t'), fields[i]); err != nil {
				return nil, err
			}
		}
		b = append(b, '\n')
	}
	return b, nil
}

// literal is the text that stands for a value, given as canonical JSON that is not null.
func (c *column) literal(value string) (string, error) {
	switch {
	case c.form == object:
		return value, nil
	case c.form != array && value[0] == '"':
		return unquote(value)
	case c.form != array:
		return value, nil
	}
	var texts []string
	for quotedText := range elements(value) {
		text, err := unquote(quotedText)
		if err != nil {
			return "", err
		}
		texts = append(texts, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)+`"`)
	}
	return "{" + strings.Join(texts, ",") + "}", nil
}
