package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Driver implements downstream.Driver. Its connection is made when it is first needed, and again when it was lost.
type Driver struct {
	connect      *pgx.ConnConfig
	schema       string // unquoted
	organization *string
	statements   func() map[*table]statements
	pacer        downstream.Pacer
	timeout      time.Duration
	closed       context.Context
	close        context.CancelFunc

	mu       sync.Mutex // one call at a time, and Close after it
	conn     *pgx.Conn
	lastUse  time.Time
	migrated bool
}

// New returns a driver; it connects to nobody. Errors are Refused and name the setting that is not as it should be.
func New(c Config, o downstream.Options) (*Driver, error) {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if !schemaName.MatchString(c.Schema) {
		return nil, refusedConfig("schema is not a plain name")
	}
	d := &Driver{schema: c.Schema, pacer: o.Pacer, timeout: o.Timeout}
	if d.timeout <= 0 {
		d.timeout = defaultTimeout
	}
	if c.Organization != "" {
		d.organization = &c.Organization
	}
	var err error
	if d.connect, err = c.connection(d.timeout); err != nil {
		return nil, err
	}
	d.statements = sync.OnceValue(func() map[*table]statements {
		all := make(map[*table]statements, len(tables))
		for _, t := range tables {
			all[t] = t.statements(d.quotedSchema())
		}
		return all
	})
	d.closed, d.close = context.WithCancel(context.Background())
	return d, nil
}

func (d *Driver) quotedSchema() string { return `"` + d.schema + `"` }

// Capabilities implements downstream.Driver.
func (d *Driver) Capabilities() downstream.Capabilities {
	return downstream.Capabilities{
		Kinds: downstream.Kinds, Deactivates: []downstream.Kind{downstream.Users, downstream.Access}, Atomic: true, Natural: true,
	}
}

// Close implements downstream.Driver. A call that is under way ends with an error.
func (d *Driver) Close() error {
	d.close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disconnect()
	return nil
}

// idle is how long a connection may have been unused: routers forget connections without a word.
const idle = time.Minute

// request is one exchange with the server: it waits for its turn and has an end in time.
func (d *Driver) request(ctx context.Context, f func(ctx context.Context) error) error {
	if d.pacer != nil {
		if err := d.pacer.Wait(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return classified(f(ctx))
}

// work is what is done in a transaction: start in the same request as its beginning, finish in that of its end. Either may be nil.
type work struct {
	start, finish func(ctx context.Context, tx pgx.Tx) error
	// steps makes requests of its own.
	steps func(ctx context.Context, tx pgx.Tx) error
}

// transaction does the work, and commits if nothing of it fails.
func (d *Driver) transaction(ctx context.Context, o pgx.TxOptions, w work) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.closed, cancel)()
	if err := d.ready(ctx); err != nil {
		return err
	}
	defer func() { d.lastUse = time.Now() }()
	var tx pgx.Tx
	err := d.request(ctx, func(ctx context.Context) (err error) {
		if tx, err = d.conn.BeginTx(ctx, o); err != nil {
			return err
		}
		return w.start(ctx, tx)
	})
	if err == nil {
		err = w.steps(ctx, tx)
	}
	if err == nil {
		err = d.request(ctx, func(ctx context.Context) error {
			if w.finish != nil {
				if err := w.finish(ctx, tx); err != nil {
					return err
				}
			}
			return tx.Commit(ctx)
		})
	}
	if err != nil {
		d.rollback(tx)
	}
	return err
}

// errRollback ends a transaction that was only to look.
var errRollback = errors.New("looked at enough")

// rollback leaves no transaction behind, whatever became of the caller: it holds locks.
func (d *Driver) rollback(tx pgx.Tx) {
	if tx == nil || d.conn.IsClosed() {
		d.disconnect()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := tx.Rollback(ctx); err != nil {
		d.disconnect()
	}
}

func (d *Driver) ready(ctx context.Context) error {
	if d.conn != nil && (d.conn.IsClosed() || time.Since(d.lastUse) > idle) {
		d.disconnect()
	}
	if d.conn != nil {
		return nil
	}
	return d.request(ctx, func(ctx context.Context) (err error) {
		d.conn, err = pgx.ConnectConfig(ctx, d.connect)
		return err
	})
}

func (d *Driver) disconnect() {
	if d.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = d.conn.Close(ctx)
	d.conn = nil
}
