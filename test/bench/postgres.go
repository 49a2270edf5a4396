package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/postgres"
	"github.com/rollcall-dev/rollcall/test/bench/organization"
	server "github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// requests counts how often a driver waits for its turn.
type requests struct{ n int }

func (r *requests) Wait(context.Context) error {
	r.n++
	return nil
}

// downstreamPostgres is F10 of PostgreSQL: the first synchronization and a change of 1% of the records, in records per second of
// wall time, from records to committed rows, against a bare client that brings the same rows into tables of the same shape in the
// fastest way: COPY for new rows, and COPY into a temporary table with INSERT … ON CONFLICT for changed ones. Both are given what
// the other is not charged for: the driver its records, the bare client its rows.
func downstreamPostgres(ctx context.Context, r *report) (err error) {
	s, err := server.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	conn, err := pgx.Connect(ctx, s.Admin("postgres"))
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(ctx)
	e, _ := loaded(changesOf(organization.Generate(r.shape, seed, noon)))
	set := desired.New(e)
	var records []downstream.Record
	for _, w := range set.Records(set.IDs(downstream.Kinds)) {
		records = append(records, w.Record)
	}
	b := &postgresBench{conn: conn, config: postgres.Config{DSN: s.Admin("postgres"), Organization: namespace, AllowPlaintext: true}}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var driver, bare []time.Duration
	for range 7 {
		took, n, err := b.deliver(ctx, downstream.Create, records)
		if err != nil {
			return err
		}
		driver = append(driver, took)
		rows, err := b.rows(ctx)
		if err != nil {
			return err
		}
		if took, err = b.copyAll(ctx, rows); err != nil {
			return err
		}
		bare = append(bare, took)
		r.note("first synchronization: %d records in %d requests %v; the bare client %v for %d rows", len(records), n, driver[len(driver)-1], took, count(rows))
	}
	r.rate("first-sync", len(records), driver, bare)

	driver, bare = nil, nil
	some := changedShare(records)
	for range 15 {
		took, n, err := b.deliver(ctx, downstream.Update, some)
		if err != nil {
			return err
		}
		driver = append(driver, took)
		rows, err := b.rows(ctx)
		if err != nil {
			return err
		}
		if took, err = b.upsert(ctx, rows, some); err != nil {
			return err
		}
		bare = append(bare, took)
		r.note("1%%: %d records in %d requests %v; the bare client %v", len(some), n, driver[len(driver)-1], took)
	}
	r.rate("one-percent", len(some), driver, bare)
	return nil
}

// rate prints records per second of the middle one of the runs, and the middle one of the ratios of each run to that of the bare
// client right after it: what else the machine does comes and goes within seconds, and would otherwise decide. The bar is a floor.
func (r *report) rate(name string, records int, driver, bare []time.Duration) {
	ratios := make([]float64, len(driver))
	for i := range driver {
		ratios[i] = bare[i].Seconds() / driver[i].Seconds()
	}
	slices.Sort(ratios)
	ratio := ratios[(len(ratios)-1)/2]
	value := float64(records) / percentile(sortedCopy(driver), 50).Seconds()
	r.note("%s: the fastest run of the driver is at %.2f of the fastest of the bare client", name, slices.Min(bare).Seconds()/slices.Min(driver).Seconds())
	verdict := "ok"
	if !(ratio >= 0.75) {
		verdict = "SHORT"
		r.short = append(r.short, r.name+" "+name)
	}
	fmt.Fprintf(r.to, "bench %s %s %s records/s floor=%s ratio=%s bar=0.75 %s\n", r.name, name, number(value), number(value/ratio), number(ratio), verdict)
}

// changedShare returns every hundredth record under another name, which is an attribute that every row has.
func changedShare(records []downstream.Record) (out []downstream.Record) {
	for i := 0; i < len(records); i += 100 {
		record := records[i]
		record.Name += "-renamed"
		out = append(out, record)
	}
	return out
}

type postgresBench struct {
	conn   *pgx.Conn
	config postgres.Config
}

// postgresTables are the tables of the driver, parents first, with the column that refers to their record.
var postgresTables = []struct{ name, key string }{
	{"people", "key"}, {"person_skills", "person_key"}, {"person_tags", "person_key"}, {"person_absences", "person_key"},
	{"groups", "key"}, {"memberships", "group_key"}, {"access", "key"}, {"access_grants", "person_key"},
	{"schedules", "key"}, {"schedule_hours", "schedule_key"}, {"schedule_exceptions", "schedule_key"},
	{"routes", "key"}, {"route_profiles", "route_key"}, {"route_candidates", "route_key"}, {"route_pools", "route_key"},
	{"mentions", "key"}, {"mention_alerts", "mention_key"},
}

// prepare has the driver make its schema twice: one for itself, one for the bare client.
func (b *postgresBench) prepare(ctx context.Context) error {
	for _, schema := range []string{"bare", "rollcall"} {
		b.config.Schema = schema
		nobody := downstream.Change{Op: downstream.Delete, Record: downstream.Record{Kind: downstream.Users, Key: "email=nobody"}}
		if _, _, err := b.apply(ctx, []downstream.Change{nobody}, nil); err != nil {
			return fmt.Errorf("making the schema %s: %w", schema, err)
		}
	}
	return nil
}

// deliver has a new driver render and apply records, as one plan, and returns how long that took. Before creations it empties the
// tables.
func (b *postgresBench) deliver(ctx context.Context, op downstream.Op, records []downstream.Record) (time.Duration, int, error) {
	changes := make([]downstream.Change, len(records))
	for i, record := range records {
		changes[i] = downstream.Change{Op: op, Record: record}
		if op == downstream.Update {
			changes[i].Previous = &downstream.Owned{Kind: record.Kind, Key: record.Key, Name: record.Name, Hash: "0"}
		}
	}
	if op == downstream.Create {
		if err := b.empty(ctx, "rollcall"); err != nil {
			return 0, 0, err
		}
	}
	return b.apply(ctx, changes, func(d *postgres.Driver) error {
		for i := range changes {
			rendered, err := d.Render(changes[i].Record)
			if err != nil {
				return err
			}
			changes[i].Rendered = rendered
		}
		return nil
	})
}

func (b *postgresBench) apply(ctx context.Context, changes []downstream.Change, render func(*postgres.Driver) error) (time.Duration, int, error) {
	count := &requests{}
	d, err := postgres.New(b.config, downstream.Options{Pacer: count, Timeout: 10 * time.Minute})
	if err != nil {
		return 0, 0, err
	}
	defer d.Close()
	// Connecting is not what is measured.
	if _, err := d.Read(ctx, downstream.ReadRequest{}); err != nil {
		return 0, 0, fmt.Errorf("connecting: %w", err)
	}
	count.n = 0
	began := time.Now()
	if render != nil {
		if err := render(d); err != nil {
			return 0, 0, err
		}
	}
	if _, err = d.Apply(ctx, downstream.Request{Changes: changes, Last: true}); err != nil {
		return 0, 0, fmt.Errorf("applying: %w", errors.Join(err, errors.Unwrap(err)))
	}
	return time.Since(began), count.n, nil
}

func (b *postgresBench) empty(ctx context.Context, schema string) error {
	for _, t := range postgresTables {
		if t.key != "key" {
			continue
		}
		if _, err := b.conn.Exec(ctx, "TRUNCATE "+schema+"."+t.name+" CASCADE"); err != nil {
			return fmt.Errorf("emptying %s: %w", t.name, err)
		}
	}
	return nil
}

// bareTable is what the bare client has in its hands: rows in the types of the server.
type bareTable struct {
	name, key string
	columns   []string
	rows      [][]any
}

func count(tables []bareTable) (n int) {
	for i := range tables {
		n += len(tables[i].rows)
	}
	return n
}

// rows takes what the driver has written.
func (b *postgresBench) rows(ctx context.Context) (out []bareTable, err error) {
	for _, t := range postgresTables {
		rows, err := b.conn.Query(ctx, "SELECT * FROM rollcall."+t.name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.name, err)
		}
		table := bareTable{name: t.name, key: t.key}
		for _, f := range rows.FieldDescriptions() {
			table.columns = append(table.columns, f.Name)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", t.name, err)
			}
			table.rows = append(table.rows, values)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.name, err)
		}
		out = append(out, table)
	}
	return out, nil
}

// copyAll brings all rows into empty tables, in one transaction.
func (b *postgresBench) copyAll(ctx context.Context, tables []bareTable) (time.Duration, error) {
	if err := b.empty(ctx, "bare"); err != nil {
		return 0, err
	}
	began := time.Now()
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		for _, t := range tables {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{"bare", t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return fmt.Errorf("copying %s: %w", t.name, err)
			}
		}
		return nil
	})
	return time.Since(began), err
}

// upsert brings the rows of some records, and those of their lists, over what is there, in one transaction.
func (b *postgresBench) upsert(ctx context.Context, tables []bareTable, records []downstream.Record) (time.Duration, error) {
	keys := map[string]bool{}
	for i := range records {
		keys[records[i].Key] = true
	}
	var some []bareTable
	for _, t := range tables {
		at := 0
		for i, c := range t.columns {
			if c == t.key {
				at = i
			}
		}
		part := bareTable{name: t.name, key: t.key, columns: t.columns}
		for _, row := range t.rows {
			if keys[fmt.Sprint(row[at])] {
				part.rows = append(part.rows, row)
			}
		}
		if len(part.rows) > 0 {
			some = append(some, part)
		}
	}
	began := time.Now()
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		for _, t := range some {
			if err := upsertTable(ctx, tx, t); err != nil {
				return fmt.Errorf("writing %s: %w", t.name, err)
			}
		}
		return nil
	})
	return time.Since(began), err
}

func upsertTable(ctx context.Context, tx pgx.Tx, t bareTable) error {
	stage := "stage_" + t.name
	if _, err := tx.Exec(ctx, "CREATE TEMP TABLE "+stage+" (LIKE bare."+t.name+") ON COMMIT DROP"); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{stage}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
		return err
	}
	if t.key == "key" {
		var set []string
		for _, c := range t.columns {
			set = append(set, fmt.Sprintf(`"%s" = excluded."%[1]s"`, c))
		}
		_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO bare.%s SELECT * FROM %s ON CONFLICT (key) DO UPDATE SET %s", t.name, stage, strings.Join(set, ", ")))
		return err
	}
	// Lists: what is not there any more has to go.
	if _, err := tx.Exec(ctx, fmt.Sprintf("DELETE FROM bare.%[1]s WHERE %[2]s IN (SELECT %[2]s FROM %[3]s)", t.name, t.key, stage)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO bare.%s SELECT * FROM %s", t.name, stage))
	return err
}
