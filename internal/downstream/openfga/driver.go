package openfga

import (
	"context"
	"sync"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

const defaultTimeout = 30 * time.Second

// Driver implements downstream.Driver and downstream.Projector. Its connection is made when it is first needed, and again when it
// was lost.
type Driver struct {
	config  Config
	link    *link
	model   *openfgav1.AuthorizationModel // the one shipped here
	pacer   downstream.Pacer
	timeout time.Duration
	closed  context.Context
	close   context.CancelFunc

	mu      sync.Mutex // one call at a time, and Close after it
	client  *client
	lastUse time.Time
	// place is where tuples are written; zero until that is known.
	place place
	// limit is how many tuples the server takes in one request.
	limit int
	// pages is how many requests the last complete listing took; 0: there was none.
	pages int
}

// maxTuples is how many tuples a server takes in one request unless it is set up otherwise, writes and deletes together.
const maxTuples = 100

// New returns a driver; it connects to nobody. Errors are Refused and name the setting that is not as it should be.
func New(c Config, o downstream.Options) (*Driver, error) {
	l, err := newLink(c)
	if err != nil {
		return nil, err
	}
	model, err := shipped()
	if err != nil {
		return nil, refusedConfig("the model cannot be read")
	}
	d := &Driver{config: c, link: l, model: model, pacer: o.Pacer, timeout: o.Timeout, limit: maxTuples}
	if d.timeout <= 0 {
		d.timeout = defaultTimeout
	}
	d.closed, d.close = context.WithCancel(context.Background())
	return d, nil
}

// Capabilities implements downstream.Driver. A plan comes as a whole, so that requests are full. Nothing is deactivated: access
// that confers nothing is no tuple at all.
func (d *Driver) Capabilities() downstream.Capabilities {
	return downstream.Capabilities{
		Kinds: []downstream.Kind{downstream.Groups, downstream.Access}, Natural: true,
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

// begin is for methods that make requests: they run one at a time, and end when the driver is closed.
func (d *Driver) begin(ctx context.Context) (_ context.Context, end func()) {
	d.mu.Lock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.closed, cancel)
	return ctx, func() {
		stop()
		cancel()
		d.mu.Unlock()
	}
}

// idle is how long a connection may have been unused: routers forget connections without a word.
const idle = time.Minute

// request is one exchange with the server: it waits for its turn and has an end in time. A connection that failed is given up.
func (d *Driver) request(ctx context.Context, f func(ctx context.Context, c *client) error) error {
	if d.pacer != nil {
		if err := d.pacer.Wait(ctx); err != nil {
			return err
		}
	}
	if d.client != nil && time.Since(d.lastUse) > idle {
		d.disconnect()
	}
	if d.client == nil {
		conn, err := d.link.open()
		if err != nil {
			return err
		}
		d.client = &client{OpenFGAServiceClient: openfgav1.NewOpenFGAServiceClient(conn), conn: conn}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	err := f(ctx, d.client)
	d.lastUse = time.Now()
	if code := status.Code(err); code == codes.Unavailable || code == codes.DeadlineExceeded {
		d.disconnect()
		if code == codes.Unavailable {
			err = d.link.why(err)
		}
	}
	return classified(err)
}

func (d *Driver) disconnect() {
	if d.client == nil {
		return
	}
	_ = d.client.conn.Close()
	d.client = nil
}
