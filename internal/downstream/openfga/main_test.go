package openfga

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	server "github.com/rollcall-dev/rollcall/test/servers/openfga"
)

var (
	running *server.Server
	admin   openfgav1.OpenFGAServiceClient // of another program
	between *relay
	stores  atomic.Int64
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
	l, err := newLink(config(""))
	if err != nil {
		return 1, err
	}
	conn, err := l.open()
	if err != nil {
		return 1, err
	}
	defer conn.Close()
	admin = openfgav1.NewOpenFGAServiceClient(conn)
	if between, err = newRelay(); err != nil {
		return 1, err
	}
	defer between.server.Stop()
	return m.Run(), nil
}

// freshStore is the name of a store that is not there yet.
func freshStore() string { return fmt.Sprintf("rollcall-%d", stores.Add(1)) }

func config(store string) Config {
	return Config{URL: running.URL(), Store: store, Organization: "fjordline", CA: running.CA, Token: server.Token}
}

func open(t drivertest.T, c Config, o downstream.Options) *Driver {
	t.Helper()
	d, err := New(c, o)
	if err != nil {
		t.Fatalf("making a driver: %v", err)
	}
	return d
}

// made makes a store with the model, and returns its id.
func made(t drivertest.T) string {
	t.Helper()
	d := open(t, config(freshStore()), downstream.Options{})
	defer d.Close()
	deliver(t, d)
	return d.place.store
}

// deliver makes records, as a first plan does. Without any, the store and its model are made.
func deliver(t drivertest.T, d *Driver, records ...downstream.Record) []downstream.Outcome {
	t.Helper()
	var req downstream.Request
	for _, r := range records {
		rendered, err := d.Render(r)
		if err != nil {
			t.Fatalf("rendering %s: %v", r.Name, err)
		}
		req.Changes = append(req.Changes, downstream.Change{Op: downstream.Create, Record: r, Rendered: rendered})
	}
	out, err := d.Apply(t.Context(), req)
	if err != nil {
		t.Fatalf("delivering: %v (%v)", err, errors.Unwrap(err))
	}
	for i := range out {
		if out[i].Err != nil {
			t.Fatalf("delivering %s: %v (%v)", records[i].Name, out[i].Err, errors.Unwrap(out[i].Err))
		}
	}
	return out
}

// write writes and deletes tuples by hand.
func write(t drivertest.T, store string, writes, deletes []*openfgav1.TupleKey) {
	t.Helper()
	req := &openfgav1.WriteRequest{StoreId: store}
	if len(writes) > 0 {
		req.Writes = &openfgav1.WriteRequestWrites{TupleKeys: writes}
	}
	if len(deletes) > 0 {
		req.Deletes = &openfgav1.WriteRequestDeletes{}
		for _, k := range deletes {
			req.Deletes.TupleKeys = append(req.Deletes.TupleKeys, &openfgav1.TupleKeyWithoutCondition{Object: k.Object, Relation: k.Relation, User: k.User})
		}
	}
	if _, err := admin.Write(t.Context(), req); err != nil {
		t.Fatalf("writing by hand: %v", err)
	}
}

// tuples are all tuples of a store, as lines.
func tuples(t drivertest.T, store string) (keys []*openfgav1.TupleKey) {
	t.Helper()
	req := &openfgav1.ReadRequest{StoreId: store}
	for {
		got, err := admin.Read(t.Context(), req)
		if err != nil {
			t.Fatalf("reading by hand: %v", err)
		}
		for _, k := range got.GetTuples() {
			keys = append(keys, k.GetKey())
		}
		if req.ContinuationToken = got.GetContinuationToken(); req.ContinuationToken == "" {
			return keys
		}
	}
}

// of keeps those tuples that are a part of a record.
func of(keys []*openfgav1.TupleKey, id downstream.ID) (out []*openfgav1.TupleKey) {
	for _, k := range keys {
		if of, _, _, _, ok := placed(k); ok && of == (downstream.ID{Kind: id.Kind, Key: encode(id.Key)}) {
			out = append(out, k)
		}
	}
	return out
}

func newSystem(t drivertest.T) drivertest.System {
	store := made(t)
	c := config(store)
	return drivertest.System{
		Open: func(o downstream.Options) downstream.Driver { return open(t, c, o) },
		Plant: func(r downstream.Record) {
			d := open(t, c, downstream.Options{})
			defer d.Close()
			rendered, err := d.Render(r)
			if err != nil {
				t.Fatalf("rendering %s: %v", r.Name, err)
			}
			var writes []*openfgav1.TupleKey
			for _, s := range difference(encode(r.Key), nil, wantedOf(r.Kind, rendered.Image)) {
				writes = append(writes, s.tuple(map[string]*openfgav1.RelationshipCondition{}))
			}
			write(t, store, writes, nil)
		},
		Tamper: func(id downstream.ID) {
			first := of(tuples(t, store), id)[0]
			write(t, store, nil, []*openfgav1.TupleKey{first})
			write(t, store, []*openfgav1.TupleKey{{Object: "usergroup:" + encode(id.Key), Relation: "supervisor", User: "teammate:zoe"}}, nil)
		},
		Vanish: func(id downstream.ID) { write(t, store, nil, of(tuples(t, store), id)) },
		Bad: func(r downstream.Record) downstream.Record {
			// More permissions than a condition may have as its context.
			grants := *r.Content.(*downstream.AccessGrants)
			for i := range 3000 {
				grants.Permissions = append(grants.Permissions, fmt.Sprintf("module%d.permission", i))
			}
			r.Content = &grants
			return r
		},
		Refuse: func(on bool) {
			keys := []string{server.Token, server.OtherToken}
			if on {
				keys = []string{"a-new-key"}
			}
			if err := running.Accept(keys...); err != nil {
				t.Fatalf("changing keys: %v", err)
			}
		},
	}
}

// throttling is a system behind a proxy that asks to be left alone. Its connections are not encrypted.
func throttling(t drivertest.T) drivertest.System {
	system := newSystem(t)
	c := config(made(t))
	c.URL, c.AllowPlaintext = "http://"+between.address, true
	system.Open = func(o downstream.Options) downstream.Driver { return open(t, c, o) }
	system.Throttle = func(wait time.Duration) { between.wait.Store(int64(wait)) }
	return system
}

func harness() drivertest.Harness {
	return drivertest.Harness{
		Kinds: []downstream.Kind{downstream.Groups, downstream.Access},
		New:   newSystem,
		Without: map[string]string{
			"Throttle": "OpenFGA has no limit on requests of its own: see TestThrottled for one behind a proxy that has",
			"Truncate": "a listing has a continuation token as long as there is more, or breaks",
		},
	}
}

func TestConformance(t *testing.T) { drivertest.Run(t, harness()) }

func TestThrottled(t *testing.T) {
	h := harness()
	h.New, h.Without = throttling, map[string]string{}
	for _, c := range drivertest.Cases() {
		if c.Name == "throttling is honoured" {
			c.Run(t, h)
			return
		}
	}
	t.Errorf("there is no such case")
}
