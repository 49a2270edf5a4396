package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// copyIn brings the entries of lists into the table of a list by COPY, the fastest way that there is. It is for records that were
// made a moment ago and have none.
func (d *Driver) copyIn(ctx context.Context, tx pgx.Tx, l *list, which []int, changes []downstream.Change) error {
	var b bytes.Buffer
	for _, i := range which {
		if err := l.lines(&b, changes[i].Record.Key, changes[i].Rendered.Image[l.attribute]); err != nil {
			return downstream.NewError(downstream.BadRecord, "", err)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return d.request(ctx, func(ctx context.Context) error {
		_, err := tx.Conn().PgConn().CopyFrom(ctx, &b, l.copyStatement(d.quotedSchema()))
		return err
	})
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
			b.WriteByte('\t')
			value, set := fields[c.attribute]
			if !set || value == null {
				b.WriteString(`\N`)
				continue
			}
			text, err := c.literal(value)
			if err != nil {
				return err
			}
			if _, err := escapes.WriteString(b, text); err != nil {
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
