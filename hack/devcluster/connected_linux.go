package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	postgresserver "github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// starters are the systems that --downstreams can name.
var starters = map[string]starter{"postgres": startPostgres, "openfga": startOpenFGA}

// Names of the database and of the role that writes to it, as in docs/downstreams/postgresql.md.
const (
	database = "company"
	writer   = "rollcall_writer"
)

// startPostgres starts a server with a database and a role that may make a schema in it.
func startPostgres(ctx context.Context, _ options) (_ *system, err error) {
	server, err := postgresserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Stop())
		}
	}()
	password := rand.Text()
	err = inDatabase(ctx, server.Admin(postgresserver.Superuser), func(conn *pgx.Conn) error {
		for _, statement := range []string{
			"CREATE DATABASE " + database,
			"CREATE ROLE " + writer + " LOGIN PASSWORD '" + password + "'",
			"GRANT CONNECT, CREATE ON DATABASE " + database + " TO " + writer,
		} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("preparing the database: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &system{
		name: "postgres", about: fmt.Sprintf("PostgreSQL on %s:%d", server.Host, server.Port),
		spec: map[string]any{
			"driver": "PostgreSQL", "postgreSQL": map[string]any{}, "mode": "Full",
			"records": []string{"Users", "Groups", "Access", "Routes", "Mentions"},
		},
		data: map[string]string{"dsn": server.DSN(writer, password, database), "ca.crt": string(server.CA)},
		show: func(ctx context.Context, _ *cluster, s subjects) error {
			return showTables(ctx, server.Admin(database), s)
		},
		tries: [][2]string{
			{fmt.Sprintf("psql -h %s -p %d -U %s %s", server.Host, server.Port, postgresserver.Superuser, database), "the tables, where psql is installed; \\dv rollcall.*"},
			{"kubectl patch downstream postgres --type merge -p '{\"spec\":{\"mode\":\"Observe\"}}'", "plan only, from now on"},
		},
		stop: server.Stop,
	}, nil
}

// inDatabase has something done with a connection.
func inDatabase(ctx context.Context, dsn string, do func(*pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return do(conn)
}

// showTables prints some rows of the tables and views.
func showTables(ctx context.Context, dsn string, s subjects) error {
	return inDatabase(ctx, dsn, func(conn *pgx.Conn) error {
		queries := []string{
			"SELECT (SELECT count(*) FROM rollcall.people) AS people, (SELECT count(*) FROM rollcall.memberships) AS memberships, " +
				"(SELECT count(*) FROM rollcall.profile_access) AS profile_access, (SELECT count(*) FROM rollcall.routes) AS routes",
			"SELECT target_kind, target, turn, person, extension FROM rollcall.lineup WHERE turn <= 2 ORDER BY target_kind, target, turn LIMIT 8",
		}
		if s.profile != "" {
			queries = append(queries, "SELECT name, approval_required FROM rollcall.profile_answerers WHERE profile = '"+s.profile+"' ORDER BY name")
		}
		for _, query := range queries {
			fmt.Println("company=# " + query + ";")
			if err := printRows(ctx, conn, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// printRows prints what a query gives.
func printRows(ctx context.Context, conn *pgx.Conn, query string) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	defer rows.Close()
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	fmt.Fprintln(out, strings.Join(names, "\t"))
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		cells := make([]string, len(values))
		for i, v := range values {
			if cells[i] = "-"; v != nil {
				cells[i] = fmt.Sprint(v)
			}
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the rows: %w", err)
	}
	fmt.Fprintln(out)
	return out.Flush()
}
