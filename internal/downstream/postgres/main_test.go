package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	server "github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// The role of the driver has the privileges that docs/downstreams/postgresql.md asks for and no others.
const (
	writer   = "rollcall_writer"
	password = "it's a s3cret/@:"
	database = "company"
)

var (
	running *server.Server
	admin   *pgx.Conn // superuser, in the database
	adminMu sync.Mutex
	schemas atomic.Int64
)

func TestMain(m *testing.M) {
	if os.Getenv(crashAt) != "" {
		crashingProcess()
		return
	}
	code, err := withServer(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(m *testing.M) (code int, err error) {
	if running, err = server.Start(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	ctx := context.Background()
	first, err := pgx.Connect(ctx, running.Admin("postgres"))
	if err != nil {
		return 1, err
	}
	for _, statement := range []string{
		"CREATE DATABASE " + database,
		"CREATE ROLE " + writer + " LOGIN PASSWORD '" + strings.ReplaceAll(password, "'", "''") + "'",
		"GRANT CONNECT, CREATE ON DATABASE " + database + " TO " + writer,
	} {
		if _, err := first.Exec(ctx, statement); err != nil {
			return 1, fmt.Errorf("%s: %w", statement, err)
		}
	}
	if admin, err = pgx.Connect(ctx, running.Admin(database)); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, admin.Close(ctx), first.Close(ctx)) }()
	return m.Run(), nil
}

// sql runs a statement as the superuser.
func sql(t drivertest.T, statement string, args ...any) {
	t.Helper()
	adminMu.Lock()
	defer adminMu.Unlock()
	if _, err := admin.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ask returns the rows that a query gives, columns joined by a bar.
func ask(t drivertest.T, query string, args ...any) []string {
	t.Helper()
	adminMu.Lock()
	defer adminMu.Unlock()
	rows, err := admin.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		fields := make([]string, len(values))
		for i, v := range values {
			if fields[i] = fmt.Sprint(v); v == nil {
				fields[i] = "NULL"
			}
		}
		out = append(out, strings.Join(fields, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// freshSchema is the name of a schema that is not there yet.
func freshSchema() string { return fmt.Sprintf("rollcall_%d", schemas.Add(1)) }

func config(schema string) Config {
	return Config{DSN: running.DSN(writer, password, database), Schema: schema, Organization: "fjordline", CA: running.CA}
}

func open(t drivertest.T, c Config, o downstream.Options) *Driver {
	t.Helper()
	d, err := New(c, o)
	if err != nil {
		t.Fatalf("making a driver: %v", err)
	}
	return d
}

func harness() drivertest.Harness {
	return drivertest.Harness{
		Kinds: downstream.Kinds,
		New:   newSystem,
		Without: map[string]string{
			"Throttle": "PostgreSQL has no way to ask to be left alone for a time",
			"Truncate": "a snapshot is read to its end or the connection breaks",
		},
	}
}

func newSystem(t drivertest.T) drivertest.System {
	schema := freshSchema()
	return drivertest.System{
		Open: func(o downstream.Options) downstream.Driver { return open(t, config(schema), o) },
		Plant: func(r downstream.Record) {
			byHand := config(schema)
			byHand.Organization = ""
			deliver(t, open(t, byHand, downstream.Options{}), r)
		},
		Tamper: func(id downstream.ID) {
			of := tableOf(id)
			column := map[*table]string{people: "display_name", groups: "display_name", accesses: "account_role", routes: "strategy", schedules: "mode", mentions: "message"}[of]
			sql(t, fmt.Sprintf("UPDATE %s.%s SET %s = 'spoilt' WHERE key = $1", schema, of.name, column), id.Key)
		},
		Vanish: func(id downstream.ID) {
			sql(t, fmt.Sprintf("DELETE FROM %s.%s WHERE key = $1", schema, tableOf(id).name), id.Key)
		},
		Bad: func(r downstream.Record) downstream.Record {
			open := open(t, config(schema), downstream.Options{})
			deliver(t, open) // makes the tables
			defer open.Close()
			sql(t, fmt.Sprintf("ALTER TABLE %s.%s ADD CHECK (name <> 'poison')", schema, tableOf(r.ID()).name))
			r.Name = "poison"
			return r
		},
		Refuse: func(on bool) {
			sql(t, "ALTER ROLE "+writer+map[bool]string{true: " NOLOGIN", false: " LOGIN"}[on])
		},
	}
}

// deliver makes records, as a first plan does, and ends the connection. Without any, the schema is brought up to date.
func deliver(t drivertest.T, d *Driver, records ...downstream.Record) {
	t.Helper()
	defer d.Close()
	var req downstream.Request
	for _, r := range records {
		rendered, err := d.Render(r)
		if err != nil {
			t.Fatalf("rendering %s: %v", r.Name, err)
		}
		req.Changes = append(req.Changes, downstream.Change{Op: downstream.Create, Record: r, Rendered: rendered})
	}
	if len(records) == 0 {
		nobody := downstream.Record{Kind: downstream.Users, Key: "email=nobody@fjordline.example"}
		req.Changes = []downstream.Change{{Op: downstream.Delete, Record: nobody}}
	}
	if _, err := d.Apply(t.Context(), req); err != nil {
		t.Fatalf("delivering: %v (%v)", err, errors.Unwrap(err))
	}
}

func TestConformance(t *testing.T) { drivertest.Run(t, harness()) }

// crashAt is the environment variable that makes a test process one that ends itself.
const crashAt = "ROLLCALL_TEST_CRASH_AT"

var _ = time.Second
