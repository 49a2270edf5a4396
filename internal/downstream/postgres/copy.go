package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// copyIn brings records into their table, and the entries of their lists into theirs, by COPY: the fastest way that there is to
// bring in what is new. ids are those of the rows.
func (d *Driver) copyIn(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, ids []string) error {
	if len(j.which) == 0 {
		return nil
	}
	statement := copyStatement(d.quotedSchema(), j.table.name, append([]string{"id"}, j.table.written()...))
	err := d.copyRows(ctx, tx, statement, len(j.which), func(b []byte, n int) ([]byte, error) {
		return d.row(b, j.table, ids[n], &changes[j.which[n]])
	})
	for k := 0; err == nil && k < len(j.table.lists); k++ {
		l := &j.table.lists[k]
		has := func(i int) bool { return len(changes[i].Rendered.Image[l.attribute]) > len("[]") }
		if !slices.ContainsFunc(j.which, has) {
			continue
		}
		fields := make([]string, len(l.columns))
		err = d.copyRows(ctx, tx, copyStatement(d.quotedSchema(), l.table, l.written()), len(j.which), func(b []byte, n int) ([]byte, error) {
			c := &changes[j.which[n]]
			return l.rows(b, fields, c.Record.Key, c.Rendered.Image[l.attribute])
		})
	}
	return err
}

// copyStatement asks for the binary format: the server has less to do with it.
func copyStatement(schema, table string, columns []string) string {
	return fmt.Sprintf("COPY %s.%s (%s) FROM STDIN (FORMAT binary)", schema, table, quoted("", columns))
}

// written are the columns that an entry sets.
func (l *list) written() []string {
	names := []string{l.parent}
	if l.ordered() {
		names = append(names, ordinal)
	}
	for _, c := range l.columns {
		names = append(names, c.name)
	}
	return names
}

// What a binary COPY begins and ends with.
var (
	copyHeader  = append([]byte("PGCOPY\n\xff\r\n\x00"), 0, 0, 0, 0, 0, 0, 0, 0) // no flags, no extension
	copyTrailer = []byte{0xff, 0xff}
)

// copyRows is one COPY. rows appends the rows of each of n records; it is asked while the server is busy with those before.
func (d *Driver) copyRows(ctx context.Context, tx pgx.Tx, statement string, n int, rows func(b []byte, n int) ([]byte, error)) error {
	s := stream{rows: rows, records: n, rest: copyHeader}
	err := d.request(ctx, func(ctx context.Context) error {
		_, err := tx.Conn().PgConn().CopyFrom(ctx, &s, statement)
		return err
	})
	if s.err != nil {
		return downstream.NewError(downstream.BadRecord, "", s.err)
	}
	return err
}

// stream is rows that are written as they are read.
type stream struct {
	rows          func(b []byte, n int) ([]byte, error)
	next, records int
	written, rest []byte
	err           error
}

// enough is how much is written at once.
const enough = 32 << 10

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.next <= s.records {
		s.written = s.written[:0]
		for len(s.written) < enough && s.err == nil && s.next < s.records {
			s.written, s.err = s.rows(s.written, s.next)
			s.next++
		}
		if s.next == s.records {
			s.written = append(s.written, copyTrailer...)
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

// row appends the row of a record.
func (d *Driver) row(b []byte, t *table, id string, c *downstream.Change) ([]byte, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint16(b, uint16(1+len(common)+len(t.columns)))
	b = binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(number))
	b = appendText(appendText(b, c.Record.Key), c.Record.Name)
	if d.organization == nil {
		b = append(b, none...)
	} else {
		b = appendText(b, *d.organization)
	}
	b = appendBool(b, c.Record.Active)
	for i := range t.columns {
		if b, err = t.columns[i].write(b, c.Rendered.Image[t.columns[i].attribute]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// rows appends a row for each entry of a list. fields has room for the values of one.
func (l *list) rows(b []byte, fields []string, key, value string) (_ []byte, err error) {
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
		columns := 1 + len(l.columns)
		if l.ordered() {
			columns++
		}
		b = appendText(binary.BigEndian.AppendUint16(b, uint16(columns)), key)
		if l.ordered() {
			b = binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(n))
		}
		for i := range l.columns {
			if b, err = l.columns[i].write(b, fields[i]); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// none is NULL: a length of -1 and no value.
var none = []byte{0xff, 0xff, 0xff, 0xff}

func appendText(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func appendBool(b []byte, yes bool) []byte {
	if yes {
		return append(b, 0, 0, 0, 1, 1)
	}
	return append(b, 0, 0, 0, 1, 0)
}

// write appends the length of a value and the value, as the type of the column has it; it is given as canonical JSON, empty: there is
// none.
func (c *column) write(b []byte, value string) ([]byte, error) {
	if value == "" || value == null {
		return append(b, none...), nil
	}
	switch c.sqlType {
	case "boolean":
		return appendBool(b, value == "true"), nil
	case "integer":
		n, err := strconv.ParseInt(value, 10, 32)
		return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(n)), err
	case "bigint":
		n, err := strconv.ParseInt(value, 10, 64)
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(n)), err
	case "date":
		at, err := parsed(time.DateOnly, value)
		return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32((at.Unix()-epoch.Unix())/secondsPerDay)), err
	case "timestamptz":
		at, err := parsed(time.RFC3339Nano, value)
		return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(at.UnixMicro()-epoch.UnixMicro())), err
	case "jsonb":
		const version = 1
		b = binary.BigEndian.AppendUint32(b, uint32(1+len(value)))
		return append(append(b, version), value...), nil
	case "text[]":
		return appendTexts(b, value)
	}
	text, err := unquote(value)
	return appendText(b, text), err
}

// epoch is the instant that dates and instants are counted from.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const secondsPerDay = 24 * 60 * 60

func parsed(layout, value string) (time.Time, error) {
	text, err := unquote(value)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(layout, text)
}

// appendTexts appends an array: its dimensions, whether it has NULLs, the type of its elements, and for the one dimension its
// length and lower bound.
func appendTexts(b []byte, list string) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, pgtype.TextOID, 0, 0, 0, 0, 0, 0, 0, 1)
	n := uint32(0)
	for element := range elements(list) {
		text, err := unquote(element)
		if err != nil {
			return nil, err
		}
		b, n = appendText(b, text), n+1
	}
	binary.BigEndian.PutUint32(b[start+16:], n)
	if n == 0 {
		b = b[:start+16]
		b[start+7] = 0 // no dimension
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b, nil
}
