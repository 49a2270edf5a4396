package postgres

import (
	"context"
	"embed"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the steps of the schema, in order; the version is how many of them were done. What was released is never
// edited: a change is another file.
var migrations = readMigrations()

func readMigrations() (out []string) {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		panic(fmt.Sprintf("postgres: %v", err))
	}
	for i, f := range files {
		if !strings.HasPrefix(f.Name(), fmt.Sprintf("%04d_", i+1)) {
			panic("postgres: migrations are numbered without gaps: " + f.Name())
		}
		b, err := migrationFiles.ReadFile(path.Join("migrations", f.Name()))
		if err != nil {
			panic(fmt.Sprintf("postgres: %v", err))
		}
		out = append(out, string(b))
	}
	return out
}

// absent is the version of a schema that is not there.
const absent = -1

// version returns how many migrations were done.
func (d *Driver) version(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	err = tx.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", d.quotedSchema()+".migrations").Scan(&there)
	if err != nil || !there {
		return absent, err
	}
	err = tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+d.quotedSchema()+".migrations").Scan(&version)
	if err == nil && version > len(migrations) {
		return version, downstream.NewError(downstream.Refused, "the schema is of a later version", nil)
	}
	return version, err
}

// migrate brings the schema up to date within the transaction. Whoever calls it holds the lock of the schema.
func (d *Driver) migrate(ctx context.Context, tx pgx.Tx, version int) error {
	if version == absent {
		if err := d.createSchema(ctx, tx); err != nil {
			return err
		}
		version = 0
	}
	for i := version; i < len(migrations); i++ {
		if _, err := tx.Conn().PgConn().Exec(ctx, strings.ReplaceAll(migrations[i], "@schema@", d.quotedSchema())).ReadAll(); err != nil {
			return fmt.Errorf("migrating to version %d: %w", i+1, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+d.quotedSchema()+".migrations (version) VALUES ($1::integer)", i+1); err != nil {
			return fmt.Errorf("migrating to version %d: %w", i+1, err)
		}
	}
	return nil
}

// createSchema leaves a schema alone that is there: making one takes a privilege on the whole database.
func (d *Driver) createSchema(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1::text) IS NOT NULL", d.quotedSchema()).Scan(&there); err != nil {
		return fmt.Errorf("looking for the schema: %w", err)
	}
	if !there {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+d.quotedSchema()); err != nil {
			return fmt.Errorf("making the schema: %w", err)
		}
	}
	_, err := tx.Exec(ctx, "CREATE TABLE "+d.quotedSchema()+".migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
	if err != nil {
		return fmt.Errorf("making the table of migrations: %w", err)
	}
	return nil
}

// lockClass is the first half of the key of advisory locks: "roll".
const lockClass = 0x726f6c6c

// forgotten is how long the server keeps a transaction open that nobody continues, so that a machine that vanished does not hold
// the lock of the schema.
const forgotten = time.Minute

// begin takes the lock of the schema for the rest of the transaction: two operators never write at a time, and never migrate.
func (d *Driver) begin(ctx context.Context, tx pgx.Tx) error {
	limit := fmt.Sprint(d.timeout.Milliseconds())
	var b pgx.Batch
	for name, value := range map[string]string{
		"lock_timeout": limit, "statement_timeout": limit, "idle_in_transaction_session_timeout": fmt.Sprint(max(forgotten, 2*d.timeout).Milliseconds()),
		"search_path": "pg_catalog", "client_min_messages": "warning",
		// Everything here finds rows by an index; see targets.
		"enable_seqscan": "off",
	} {
		b.Queue("SELECT set_config($1::text, $2::text, true)", name, value)
	}
	b.Queue("SELECT pg_advisory_xact_lock($1::integer, hashtext($2::text))", lockClass, d.schema)
	return tx.SendBatch(ctx, &b).Close()
}
