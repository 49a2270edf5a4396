package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/bench/organization"
	server "github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// loopback lets the operator connect to servers of this machine.
const loopback = "--allow-cidr=127.0.0.1/32"

// warehouse is a Downstream with a PostgreSQL server of its own.
type warehouse struct {
	*server.Server
	name string
	conn *pgx.Conn
}

// newWarehouse starts a server and makes a Downstream of everything, in mode Full. Nothing but who writes records takes ids of
// transactions there.
func newWarehouse(ctx context.Context, c client.Client, name string) (_ *warehouse, err error) {
	w := &warehouse{name: name}
	if w.Server, err = server.Start("autovacuum=off"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(ctx))
		}
	}()
	if w.conn, err = pgx.Connect(ctx, w.Admin("postgres")); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	const password = "bench"
	for _, statement := range []string{"CREATE ROLE writer LOGIN PASSWORD '" + password + "'", "GRANT CREATE ON DATABASE postgres TO writer"} {
		if _, err := w.conn.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("making a login: %w", err)
		}
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{rollcallv1.LabelDownstream: name}},
		Data:       map[string][]byte{"dsn": []byte(w.DSN("writer", password, "postgres")), "ca.crt": w.CA},
	}
	if err := c.Create(ctx, secret); err != nil {
		return nil, fmt.Errorf("making the Secret: %w", err)
	}
	down := &rollcallv1.Downstream{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: rollcallv1.DownstreamSpec{
			Driver: rollcallv1.DriverPostgreSQL, PostgreSQL: &rollcallv1.DownstreamPostgreSQL{}, Mode: rollcallv1.DownstreamModeFull,
			Records: []rollcallv1.RecordKind{"Users", "Groups", "Access", "Routes", "Mentions"}, ResyncInterval: &metav1.Duration{Duration: resyncEvery},
			CredentialsSecretRef: &rollcallv1.ObjectRef{Name: name},
		},
	}
	if err := c.Create(ctx, down); err != nil {
		return nil, fmt.Errorf("making the Downstream: %w", err)
	}
	return w, nil
}

// resyncEvery is the shortest that a Downstream may ask for.
const resyncEvery = 30 * time.Second

func (w *warehouse) close(ctx context.Context) error {
	var err error
	if w.conn != nil {
		err = w.conn.Close(ctx)
	}
	return errors.Join(err, w.Stop())
}

// synced waits until everything is there.
func (w *warehouse) synced(ctx context.Context, s *stage) error {
	return s.manager.until(ctx, func() error {
		var d rollcallv1.Downstream
		if err := s.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: w.name}, &d); err != nil {
			return fmt.Errorf("reading the Downstream: %w", err)
		}
		for _, c := range d.Status.Conditions {
			if c.Type == rollcallv1.ConditionSynced && c.Status == metav1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("not synced: %+v", d.Status)
	})
}

// nextTransaction is the id that the next transaction that writes will have.
func (w *warehouse) nextTransaction(ctx context.Context) (id int64, err error) {
	if err := w.conn.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").Scan(&id); err != nil {
		return 0, fmt.Errorf("asking for transactions: %w", err)
	}
	return id, nil
}

// reads is how many rows have been read by scans so far; every reading of everything adds all of them.
func (w *warehouse) reads(ctx context.Context) (n int64, err error) {
	if err := w.conn.QueryRow(ctx, "SELECT seq_scan FROM pg_stat_user_tables WHERE schemaname = 'rollcall' AND relname = 'people'").Scan(&n); err != nil {
		return 0, fmt.Errorf("asking for readings: %w", err)
	}
	return n, nil
}

// allowing starts the operator of a stage anew, with leave to connect to this machine.
func (s *stage) allowing(ctx context.Context) (err error) {
	s.manager.stop()
	s.manager, err = startManager(ctx, s.plane, loopback)
	return err
}

// steadyDownstream is F8 for a connected system: nothing changed, nothing written, over a restart and over full resyncs. Whatever
// writes takes the id of a transaction, so those are counted.
func steadyDownstream(ctx context.Context, r *report) (err error) {
	s, err := r.theStage(ctx)
	if err != nil {
		return err
	}
	if err := s.allowing(ctx); err != nil {
		return err
	}
	w, err := newWarehouse(ctx, s.client, "steady")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.without(ctx, w)) }()
	began := time.Now()
	if err := w.synced(ctx, s); err != nil {
		return err
	}
	r.note("first synchronization: %v", time.Since(began).Round(time.Millisecond))
	if err := s.allowing(ctx); err != nil { // what the first synchronization left to be written is written
		return err
	}
	if err := sleep(ctx, 3*quiet); err != nil {
		return err
	}
	_, end, err := s.plane.writes(0)
	if err != nil {
		return err
	}
	before, err := w.nextTransaction(ctx)
	if err != nil {
		return err
	}
	for _, phase := range []struct {
		name    string
		restart bool
	}{{"restart", true}, {"full-resyncs", false}} {
		seen, err := w.reads(ctx)
		if err != nil {
			return err
		}
		if phase.restart {
			if err := s.allowing(ctx); err != nil {
				return err
			}
		}
		if err := s.manager.until(ctx, func() error {
			switch n, err := w.reads(ctx); {
			case err != nil:
				return err
			case n <= seen:
				return errors.New("nothing was read")
			}
			return nil
		}); err != nil {
			return err
		}
		if err := sleep(ctx, 2*quiet); err != nil {
			return err
		}
		after, err := w.nextTransaction(ctx)
		if err != nil {
			return err
		}
		r.measured(figure{name: "transactions-over-" + phase.name + "-" + r.shape.Name, value: float64(after - before), unit: "writes", floor: 1, bar: 0})
		var written written
		if written, end, err = s.plane.writes(end); err != nil {
			return err
		}
		if written.total > 0 {
			r.note("to the API server: %v", written)
		}
		r.measured(figure{name: "api-writes-over-" + phase.name + "-" + r.shape.Name, value: float64(written.total), unit: "writes", floor: 1, bar: 0})
	}
	return nil
}

// without takes a Downstream away again, and ends its server.
func (s *stage) without(ctx context.Context, w *warehouse) error {
	ctx = context.WithoutCancel(ctx)
	err := s.client.Delete(ctx, &rollcallv1.Downstream{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: w.name}})
	if err == nil {
		err = s.manager.until(ctx, func() error {
			err := s.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: w.name}, &rollcallv1.Downstream{})
			if client.IgnoreNotFound(err) != nil || err != nil {
				return client.IgnoreNotFound(err)
			}
			return errors.New("the Downstream is still there")
		})
	}
	return errors.Join(err, w.close(ctx))
}

const (
	// hangs is how long a server hangs at a time, and rounds how often, with as long in between.
	hangs  = time.Minute
	rounds = 3
)

// hanging measures what a server that hangs does to another Downstream: the time from one edit to its row in the other server, one
// edit at a time, while both are well and while one is stopped (SIGSTOP), in turns so that whatever else the machine does is the
// same for both. Every edit concerns both.
func hanging(ctx context.Context, r *report) (err error) {
	s, err := newStage(ctx, r, organization.Small)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.allowing(ctx); err != nil {
		return err
	}
	well, err := newWarehouse(ctx, s.client, "well")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, well.close(context.WithoutCancel(ctx))) }()
	sick, err := newWarehouse(ctx, s.client, "sick")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sick.close(context.WithoutCancel(ctx))) }()
	for _, w := range []*warehouse{well, sick} {
		if err := w.synced(ctx, s); err != nil {
			return err
		}
	}
	if _, err := well.conn.Exec(ctx, "LISTEN rollcall"); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	e := &editor{client: s.client, listener: well.conn}
	if e.names, err = well.people(ctx); err != nil {
		return err
	}
	if _, err := e.during(ctx, hangs/6); err != nil { // warm
		return err
	}
	var both, alone []time.Duration
	for range rounds {
		took, err := e.during(ctx, hangs)
		if err != nil {
			return err
		}
		both = append(both, took...)
		if err := sick.Freeze(); err != nil {
			return err
		}
		took, err = e.during(ctx, hangs)
		if thawed := sick.Thaw(); err == nil {
			err = thawed
		}
		if err != nil {
			return err
		}
		alone = append(alone, took...)
		if err := sick.synced(ctx, s); err != nil {
			return err
		}
	}
	slices.Sort(both)
	slices.Sort(alone)
	r.note("ms from edit to row, both servers well: p50 %.1f p99 %.1f of %d; one hung: p50 %.1f p99 %.1f of %d",
		milliseconds(percentile(both, 50)), milliseconds(percentile(both, 99)), len(both),
		milliseconds(percentile(alone, 50)), milliseconds(percentile(alone, 99)), len(alone))
	r.measured(figure{name: "propagation-p99-beside-a-hung-server", value: milliseconds(percentile(alone, 99)), unit: "ms", floor: milliseconds(percentile(both, 99)), bar: 1.1})
	return nil
}

// people are the names of all who are there.
func (w *warehouse) people(ctx context.Context) ([]string, error) {
	rows, err := w.conn.Query(ctx, "SELECT name FROM rollcall.people ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("reading people: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reading people: %w", err)
	}
	return names, nil
}

// editor edits one person after the other.
type editor struct {
	client   client.Client
	listener *pgx.Conn
	names    []string // of people who are in the database
	n        int
}

// during edits for a while, and returns how long each edit took to be seen.
func (e *editor) during(ctx context.Context, length time.Duration) (took []time.Duration, err error) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		e.n++
		name, value := e.names[e.n%len(e.names)], "Bench-"+strconv.Itoa(e.n)
		began := time.Now()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"lastName":"`+value+`"}}`))
		if err := e.client.Patch(ctx, &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}, patch); err != nil {
			return nil, fmt.Errorf("editing %s: %w", name, err)
		}
		if err := e.seen(ctx, name, value); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// seen waits until the row of a person has the value: it is looked at whenever somebody says that something changed.
func (e *editor) seen(ctx context.Context, name, value string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var has *string
		if err := e.listener.QueryRow(ctx, "SELECT last_name FROM rollcall.people WHERE name = $1", name).Scan(&has); err != nil {
			return fmt.Errorf("looking for %s: %w", name, err)
		}
		if has != nil && *has == value {
			return nil
		}
		if _, err := e.listener.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("waiting for %s: %w", name, err)
		}
	}
}
