package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// How many records go into one statement, so that each ends within the time of a request. New ones stream in, so that their
// number costs no memory.
const (
	chunk    = 1000
	newChunk = 10 * chunk
)

// job is one sort of change of one table.
type job struct {
	table *table
	what  action
	// which are indices of the request.
	which []int
}

type action int

// Actions in their order: rows are out of the way before others take their keys.
const (
	move action = iota
	create
	update
	deactivate
	remove
)

// Apply implements downstream.Driver: everything happens, or nothing.
func (d *Driver) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	out := make([]downstream.Outcome, len(req.Changes))
	if len(out) == 0 {
		return out, nil
	}
	err := d.transaction(ctx, pgx.TxOptions{}, work{
		start: d.prepare,
		steps: func(ctx context.Context, tx pgx.Tx) error {
			for _, j := range jobs(req.Changes) {
				size := chunk
				if j.what == create {
					size = newChunk
				}
				for part := range slices.Chunk(j.which, size) {
					if err := d.carryOut(ctx, tx, job{j.table, j.what, part}, req.Changes, out); err != nil {
						return err
					}
				}
			}
			return nil
		},
		finish: func(ctx context.Context, tx pgx.Tx) error { return d.notify(ctx, tx, req) },
	})
	if err != nil {
		d.migrated = false
		return nil, err
	}
	d.migrated = true
	return out, nil
}

// prepare takes the lock, and sees to the schema once in the life of a driver, and again after every failure.
func (d *Driver) prepare(ctx context.Context, tx pgx.Tx) error {
	if d.migrated {
		return d.begin(ctx, tx)
	}
	return d.upToDate(ctx, tx)
}

// jobs sorts changes: what comes first in the request, and what others refer to, comes first.
func jobs(changes []downstream.Change) []job {
	var out []job
	add := func(t *table, what action, i int) {
		at := slices.IndexFunc(out, func(j job) bool { return j.table == t && j.what == what })
		if at < 0 {
			out, at = append(out, job{table: t, what: what}), len(out)
		}
		out[at].which = append(out[at].which, i)
	}
	for i := range changes {
		c := &changes[i]
		t := tableOf(c.ID())
		switch {
		case t == nil:
			continue
		case c.Op == downstream.Create && c.Previous == nil:
			add(t, create, i)
		case c.Op == downstream.Create, c.Op == downstream.Update:
			if moves(c) {
				add(t, move, i)
			}
			add(t, update, i)
		case c.Op == downstream.Deactivate && t.deactivate != "":
			add(t, deactivate, i)
		default:
			add(t, remove, i)
		}
	}
	slices.SortStableFunc(out, func(a, b job) int { return int(a.what) - int(b.what) })
	return out
}

// moves reports whether a row has another key than it is to have.
func moves(c *downstream.Change) bool {
	return c.Op == downstream.Update && (c.Previous != nil && c.Previous.Key != c.Record.Key || c.Found != nil && c.Found.Key != c.Record.Key)
}

func (d *Driver) carryOut(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, out []downstream.Outcome) error {
	s := d.statements()[j.table]
	switch j.what {
	case create:
		return d.create(ctx, tx, j, changes, out)
	case update:
		return d.update(ctx, tx, j, changes, out)
	case move:
		return d.request(ctx, func(ctx context.Context) error {
			var b pgx.Batch
			b.Queue(s.moveByID, references(j.which, changes), d.organization)
			b.Queue(s.moveByKey, references(j.which, changes), d.organization)
			return tx.SendBatch(ctx, &b).Close()
		})
	case deactivate:
		return d.exec(ctx, tx, s.deactivate, references(j.which, changes), d.organization)
	default:
		return d.exec(ctx, tx, s.remove, references(j.which, changes), d.organization)
	}
}

func (d *Driver) exec(ctx context.Context, tx pgx.Tx, query string, args ...any) error {
	return d.request(ctx, func(ctx context.Context) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// create makes rows. One that is there by its key is somebody else's if it differs.
func (d *Driver) create(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, out []downstream.Outcome) error {
	keys := make([]string, len(j.which))
	for n, i := range j.which {
		keys[n] = changes[i].Record.Key
	}
	var there, fresh []string // keys, ids
	err := d.request(ctx, func(ctx context.Context) (err error) {
		var b pgx.Batch
		b.Queue(fmt.Sprintf("SELECT key FROM %s.%s WHERE key = ANY ($1::text[])", d.quotedSchema(), j.table.name), keys)
		b.Queue("SELECT nextval($1::regclass)::text FROM generate_series(1, $2::integer)", d.quotedSchema()+".record_id", len(keys))
		results := tx.SendBatch(ctx, &b)
		defer func() { err = errors.Join(err, results.Close()) }()
		if there, err = values(results); err == nil {
			fresh, err = values(results)
		}
		return err
	})
	if err != nil {
		return err
	}
	isThere := make(map[string]bool, len(there))
	for _, key := range there {
		isThere[key] = true
	}
	made := job{table: j.table, what: create}
	for n, i := range j.which {
		if !isThere[keys[n]] {
			out[i].RemoteID = fresh[len(made.which)]
			made.which = append(made.which, i)
		}
	}
	if len(there) > 0 {
		if err := d.same(ctx, tx, j, there, changes, out); err != nil {
			return err
		}
	}
	return d.copyIn(ctx, tx, made, changes, fresh)
}

// values takes the next result, of one column.
func values(results pgx.BatchResults) ([]string, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// same succeeds if the rows of the keys are as they were to be made.
func (d *Driver) same(ctx context.Context, tx pgx.Tx, j job, keys []string, changes []downstream.Change, out []downstream.Outcome) error {
	return d.request(ctx, func(ctx context.Context) error {
		found, err := d.readTable(ctx, tx, j.table, keys)
		if err != nil {
			return err
		}
		byKey := make(map[string]*downstream.Found, len(found))
		for i := range found {
			byKey[found[i].Key] = &found[i]
		}
		for _, i := range j.which {
			if !slices.Contains(keys, changes[i].Record.Key) {
				continue
			}
			f := byKey[changes[i].Record.Key]
			if f == nil || !f.Image.Covers(changes[i].Rendered.Image) {
				return downstream.NewError(downstream.Conflict, "exists", nil)
			}
			out[i].RemoteID = f.RemoteID
		}
		return nil
	})
}

// update brings rows to what they ought to be; one that is not there is made.
func (d *Driver) update(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change, out []downstream.Outcome) error {
	var done map[string]string
	err := d.request(ctx, func(ctx context.Context) (err error) {
		done, err = ids(ctx, tx, d.statements()[j.table].upsert, d.rows(j, changes), d.organization)
		return err
	})
	if err != nil {
		return err
	}
	for _, i := range j.which {
		id, ok := done[changes[i].Record.Key]
		if !ok { // the row is of another organization
			return downstream.NewError(downstream.Conflict, "another organization's", nil)
		}
		out[i].RemoteID = id
	}
	return d.fill(ctx, tx, j, changes)
}

// ids runs a statement that returns keys and ids.
func ids(ctx context.Context, tx pgx.Tx, query string, args ...any) (map[string]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		raw := rows.RawValues()
		out[string(raw[0])] = string(raw[1])
	}
	return out, rows.Err()
}

// fill replaces the lists of records.
func (d *Driver) fill(ctx context.Context, tx pgx.Tx, j job, changes []downstream.Change) error {
	var b pgx.Batch
	for k := range j.table.lists {
		if text := entries(&j.table.lists[k], j, changes); text != "" {
			b.Queue(d.statements()[j.table].lists[k].replace, text)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return d.request(ctx, func(ctx context.Context) error { return tx.SendBatch(ctx, &b).Close() })
}

// rows is the JSON of rows, an object for each with the columns that the image has.
func (d *Driver) rows(j job, changes []downstream.Change) string {
	organization := null
	if d.organization != nil {
		organization = quote(*d.organization)
	}
	var b bytes.Buffer
	for n, i := range j.which {
		c := &changes[i]
		b.WriteByte("[,"[min(n, 1)])
		fmt.Fprintf(&b, `{"key":%s,"name":%s,"organization":%s,"in_effect":%t`, quote(c.Record.Key), quote(c.Record.Name), organization, c.Record.Active)
		for _, column := range j.table.columns {
			if value, set := c.Rendered.Image[column.attribute]; set {
				b.WriteString(`,"` + column.name + `":` + value)
			}
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.String()
}

// entries is the JSON of lists, empty if no record says anything about this one.
func entries(l *list, j job, changes []downstream.Change) string {
	var b bytes.Buffer
	for _, i := range j.which {
		value, set := changes[i].Rendered.Image[l.attribute]
		if !set {
			continue
		}
		b.WriteByte("[,"[min(b.Len(), 1)])
		b.WriteString(`{"key":` + quote(changes[i].Record.Key) + `,"items":` + value + `}`)
	}
	if b.Len() == 0 {
		return ""
	}
	b.WriteByte(']')
	return b.String()
}

// references is the JSON of rows that are there, by id or by key.
func references(which []int, changes []downstream.Change) string {
	type reference struct {
		ID  *int64 `json:"id"`
		Old string `json:"old"`
		Key string `json:"key"`
	}
	var out []reference
	for _, i := range which {
		c := &changes[i]
		r := reference{Old: c.Record.Key, Key: c.Record.Key}
		if p := c.Previous; p != nil {
			r.Old = p.Key
			if id, err := strconv.ParseInt(p.RemoteID, 10, 64); err == nil {
				r.ID = &id
			}
		}
		out = append(out, r)
	}
	b, err := json.Marshal(out)
	if err != nil { // numbers and strings
		panic(fmt.Sprintf("postgres: %v", err))
	}
	return string(b)
}

// notification is what listeners of the channel are told. It has no keys: every role of the database may listen.
type notification struct {
	Organization string                  `json:"organization,omitempty"`
	Changes      map[downstream.Kind]int `json:"changes"`
	// Last is false where the plan goes on in another transaction.
	Last bool `json:"last"`
}

// notify tells listeners when the transaction is committed. Each one is told of: what is committed is seen, whether or not
// the plan comes to its end.
func (d *Driver) notify(ctx context.Context, tx pgx.Tx, req downstream.Request) error {
	n := notification{Changes: map[downstream.Kind]int{}, Last: req.Last}
	if d.organization != nil {
		n.Organization = *d.organization
	}
	for i := range req.Changes {
		n.Changes[req.Changes[i].Record.Kind]++
	}
	payload, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("writing the notification: %w", err)
	}
	_, err = tx.Exec(ctx, "SELECT pg_notify($1::text, $2::text)", d.schema, string(payload))
	return err
}
