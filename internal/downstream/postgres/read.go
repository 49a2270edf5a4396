package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Read implements downstream.Driver. It is one snapshot, and so complete. It changes nothing: a schema that is not there has no
// records, and one of an earlier version is brought up to date in a transaction that is given up.
func (d *Driver) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	var out downstream.Reading
	version := 0
	err := d.transaction(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, work{
		start: func(ctx context.Context, tx pgx.Tx) (err error) { version, err = d.version(ctx, tx); return err },
		steps: func(ctx context.Context, tx pgx.Tx) error {
			if version != len(migrations) {
				return nil
			}
			return d.readKinds(ctx, tx, req.Kinds, &out)
		},
	})
	if err == nil && version != absent && version < len(migrations) {
		err = d.readEarlier(ctx, req.Kinds, &out)
	}
	if err != nil {
		return downstream.Reading{}, err
	}
	out.Complete = slices.Clone(req.Kinds)
	return out, nil
}

func (d *Driver) readEarlier(ctx context.Context, kinds []downstream.Kind, out *downstream.Reading) error {
	err := d.transaction(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, work{
		start: d.upToDate,
		steps: func(ctx context.Context, tx pgx.Tx) error {
			if err := d.readKinds(ctx, tx, kinds, out); err != nil {
				return err
			}
			return errRollback
		},
	})
	if errors.Is(err, errRollback) {
		return nil
	}
	return err
}

// upToDate takes the lock and migrates if that was not done yet.
func (d *Driver) upToDate(ctx context.Context, tx pgx.Tx) error {
	if err := d.begin(ctx, tx); err != nil {
		return err
	}
	version, err := d.version(ctx, tx)
	if err != nil {
		return err
	}
	return d.migrate(ctx, tx, version)
}

func (d *Driver) readKinds(ctx context.Context, tx pgx.Tx, kinds []downstream.Kind, out *downstream.Reading) error {
	for _, t := range tables {
		if !slices.Contains(kinds, t.kind) {
			continue
		}
		err := d.request(ctx, func(ctx context.Context) error {
			found, err := d.readTable(ctx, tx, t, nil)
			out.Records = append(out.Records, found...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readTable reads the rows of the keys, nil for all, with their lists.
func (d *Driver) readTable(ctx context.Context, tx pgx.Tx, t *table, keys []string) ([]downstream.Found, error) {
	s := d.statements()[t]
	query, lists, args := s.read, s.readLists, []any(nil)
	if keys != nil {
		query, lists, args = s.readSome, s.readListsSome, []any{keys}
	}
	var b pgx.Batch
	for _, q := range append([]string{query}, lists...) {
		b.Queue(q, args...)
	}
	results := tx.SendBatch(ctx, &b)
	defer func() { _ = results.Close() }()
	found, err := readRows(results, t)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.name, err)
	}
	for i := range t.lists {
		if err := readEntries(results, &t.lists[i], found); err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.lists[i].table, err)
		}
	}
	return found, results.Close()
}

func readRows(results pgx.BatchResults, t *table) ([]downstream.Found, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []downstream.Found
	for rows.Next() {
		raw := rows.RawValues()
		f := downstream.Found{Kind: t.kind, RemoteID: string(raw[0]), Key: string(raw[1]), Image: make(downstream.Image, len(t.columns)+len(t.lists)+3)}
		f.Image[keyAttribute], f.Image[effectAttribute], f.Image[nameAttribute] = quote(f.Key), string(raw[3]), string(raw[4])
		f.Inactive = f.Image[effectAttribute] != "true"
		for i, c := range t.columns {
			if f.Image[c.attribute], err = c.read(raw[5+i]); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// readEntries gives every record its list, which is empty if there are no entries.
func readEntries(results pgx.BatchResults, l *list, found []downstream.Found) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	entries := make(map[string]*bytes.Buffer, len(found))
	for rows.Next() {
		raw := rows.RawValues()
		b := entries[string(raw[0])]
		if b == nil {
			b = &bytes.Buffer{}
			entries[string(raw[0])] = b
		} else {
			b.WriteByte(',')
		}
		if err := l.entry(b, raw[1:]); err != nil {
			return err
		}
	}
	for i := range found {
		found[i].Image[l.attribute] = "[]"
		if b := entries[found[i].Key]; b != nil {
			found[i].Image[l.attribute] = "[" + b.String() + "]"
		}
	}
	return rows.Err()
}

// entry writes the canonical JSON of an entry.
func (l *list) entry(b *bytes.Buffer, raw [][]byte) error {
	b.WriteByte('{')
	first := true
	for i, c := range l.columns {
		if raw[i] == nil && !c.always {
			continue
		}
		value, err := c.read(raw[i])
		if err != nil {
			return err
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(`"` + c.attribute + `":` + value)
	}
	b.WriteByte('}')
	return nil
}

// read turns a value into canonical JSON.
func (c column) read(raw []byte) (string, error) {
	switch {
	case raw == nil:
		return null, nil
	case c.form == object:
		b, err := canonical.JSON(json.RawMessage(raw))
		return string(b), err
	case c.form == instant:
		return `"` + string(bytes.TrimRight(bytes.TrimRight(raw, "0"), ".")) + `Z"`, nil
	default:
		return string(raw), nil
	}
}
