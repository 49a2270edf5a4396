package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// load is a COPY, the fastest way that there is to bring in what is new.
type load struct {
	statement string
	text      bytes.Buffer
	err       error
}

// copyIn brings records into their table, and the entries of their lists into theirs. The texts are written while the server
// is busy with the ones before. ids are those of the rows.
func (d *Driver) copyIn(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, ids []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loads := make(chan *load, 1)
	go func() {
		defer close(loads)
		for part := -1; part < len(j.table.lists); part++ {
			select {
			case loads <- d.write(j, part, changes, ids):
			case <-ctx.Done():
				return
			}
		}
	}()
	for l := range loads {
		if l.err != nil {
			return downstream.NewError(downstream.BadRecord, "", l.err)
		}
		if l.text.Len() == 0 {
			continue
		}
		err := d.request(ctx, func(ctx context.Context) error {
			_, err := tx.Conn().PgConn().CopyFrom(ctx, &l.text, l.statement)
			return err
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// write makes the text for a table: -1 for that of the records, else that of a list.
func (d *Driver) write(j job, part int, changes []downstream.Change, ids []string) *load {
	out := &load{}
	if part < 0 {
		out.statement = fmt.Sprintf("COPY %s.%s (id, %s) FROM STDIN", d.quotedSchema(), j.table.name, quoted("", j.table.written()))
		for n, i := range j.which {
			if out.err = d.line(&out.text, j.table, ids[n], &changes[i]); out.err != nil {
				return out
			}
		}
		return out
	}
	l := &j.table.lists[part]
	out.statement = l.copyStatement(d.quotedSchema())
	for _, i := range j.which {
		if out.err = l.lines(&out.text, changes[i].Record.Key, changes[i].Rendered.Image[l.attribute]); out.err != nil {
			return out
		}
	}
	return out
}

// line writes the row of a record.
func (d *Driver) line(b *bytes.Buffer, t *table, id string, c *downstream.Change) error {
	organization := `\N`
	if d.organization != nil {
		organization = escapes.Replace(*d.organization)
	}
	fmt.Fprintf(b, "%s\t%s\t%s\t%s\t%t", id, escapes.Replace(c.Record.Key), escapes.Replace(c.Record.Name), organization, c.Record.Active)
	for _, column := range t.columns {
		if err := column.write(b, c.Rendered.Image[column.attribute]); err != nil {
			return err
		}
	}
	b.WriteByte('\n')
	return nil
}

// write writes a value, given as canonical JSON; empty: there is none.
func (c column) write(b *bytes.Buffer, value string) error {
	b.WriteByte('\t')
	if value == "" || value == null {
		b.WriteString(`\N`)
		return nil
	}
	text, err := c.literal(value)
	if err != nil {
		return err
	}
	_, err = escapes.WriteString(b, text)
	return err
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

// lines writes a line for each entry of a list.
func (l *list) lines(b *bytes.Buffer, key, value string) error {
	if value == "" {
		return nil
	}
	parent := escapes.Replace(key)
	fields := make(map[string]string, len(l.columns))
	for n, entry := range elements(value) {
		clear(fields)
		members(entry, func(name, value string) { fields[name] = value })
		b.WriteString(parent)
		if l.ordered() {
			fmt.Fprintf(b, "\t%d", n+1)
		}
		for _, c := range l.columns {
			if err := c.write(b, fields[c.attribute]); err != nil {
				return err
			}
		}
		b.WriteByte('\n')
	}
	return nil
}

// literal is the text that stands for a value, given as canonical JSON that is not null.
func (c column) literal(value string) (string, error) {
	switch {
	case c.form == object:
		return value, nil
	case c.form != array && value[0] == '"':
		return unquote(value)
	case c.form != array:
		return value, nil
	case !strings.Contains(value, `\`): // strings in double quotes look the same in an array of PostgreSQL
		return "{" + value[1:len(value)-1] + "}", nil
	}
	texts := elements(value)
	for i, quotedText := range texts {
		text, err := unquote(quotedText)
		if err != nil {
			return "", err
		}
		texts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	}
	return "{" + strings.Join(texts, ",") + "}", nil
}
