package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/openfga"
	"github.com/rollcall-dev/rollcall/test/bench/organization"
	server "github.com/rollcall-dev/rollcall/test/servers/openfga"
)

// tuplesPerWrite is what a server takes in one request.
const tuplesPerWrite = 100

// downstreamOpenFGA is F10 of OpenFGA: the first synchronization and a change of 1% of the records, in records per second of wall
// time, from records to stored tuples, against a bare client that writes the same tuples, a hundred a request. For the change both
// read the tuples of the records first: a store of tuples knows no update, so who brings a record to a state has to know what to
// delete. The bare client is given which tuples come and go in the end.
func downstreamOpenFGA(ctx context.Context, r *report) (err error) {
	s, err := server.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	b := &openfgaBench{config: openfga.Config{URL: s.URL(), CA: s.CA, Token: server.Token, Organization: namespace}}
	closeBare, err := b.connect(s)
	if err != nil {
		return err
	}
	defer closeBare()
	e, _ := loaded(changesOf(organization.Generate(r.shape, seed, noon)))
	set := desired.New(e)
	var records []downstream.Record
	for _, w := range set.Records(set.IDs([]downstream.Kind{downstream.Groups, downstream.Access})) {
		records = append(records, w.Record)
	}
	if err := b.first(ctx, r, records); err != nil {
		return err
	}
	return b.some(ctx, r, records)
}

// openfgaBench is a driver and a bare client of the same server. Their stores are made anew for each run.
type openfgaBench struct {
	config openfga.Config
	bare   openfgav1.OpenFGAServiceClient
	stores int
}

func (b *openfgaBench) connect(s *server.Server) (end func(), err error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	conn, err := grpc.NewClient(s.Address(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoker(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+server.Token), method, req, reply, cc, opts...)
		}))
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	b.bare = openfgav1.NewOpenFGAServiceClient(conn)
	return func() { _ = conn.Close() }, nil
}

// place is a new store with the model, as the driver makes them.
type openfgaPlace struct{ store, model string }

func (b *openfgaBench) place(ctx context.Context) (openfgaPlace, error) {
	b.stores++
	b.config.Store = fmt.Sprintf("bench-%d", b.stores)
	d, err := openfga.New(b.config, downstream.Options{})
	if err != nil {
		return openfgaPlace{}, err
	}
	defer d.Close()
	if _, err := d.Apply(ctx, downstream.Request{}); err != nil {
		return openfgaPlace{}, fmt.Errorf("making a store: %w", err)
	}
	reading, err := d.Read(ctx, downstream.ReadRequest{})
	if err != nil {
		return openfgaPlace{}, fmt.Errorf("reading a new store: %w", err)
	}
	return openfgaPlace{reading.Pins.StoreID, reading.Pins.AuthorizationModelID}, nil
}

// openfgaSession is a driver that is connected and has divided the records that are there.
type openfgaSession struct {
	driver     *openfga.Driver
	projection downstream.Projection
	count      *requests
}

func (b *openfgaBench) open(ctx context.Context, p openfgaPlace, there []downstream.Record) (*openfgaSession, error) {
	b.config.Store = p.store
	s := &openfgaSession{count: &requests{}}
	var err error
	if s.driver, err = openfga.New(b.config, downstream.Options{Pacer: s.count, Timeout: 10 * time.Minute}); err != nil {
		return nil, err
	}
	if _, err := s.driver.Read(ctx, downstream.ReadRequest{}); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting: %w", err), s.driver.Close())
	}
	s.projection = s.driver.Projection()
	s.projection.Update(there, nil)
	return s, nil
}

// deliver has the driver divide, render and apply records, as one plan, and returns how long that took and in how many requests.
func (s *openfgaSession) deliver(ctx context.Context, op downstream.Op, records []downstream.Record) (time.Duration, int, error) {
	s.count.n = 0
	began := time.Now()
	s.projection.Update(records, nil)
	changes := make([]downstream.Change, len(records))
	for i := range records {
		record, _ := s.projection.Record(records[i].ID())
		rendered, err := s.driver.Render(record)
		if err != nil {
			return 0, 0, err
		}
		changes[i] = downstream.Change{Op: op, Record: record, Rendered: rendered}
		if op == downstream.Update {
			changes[i].Previous = &downstream.Owned{Kind: record.Kind, Key: record.Key, Name: record.Name, Hash: "0"}
		}
	}
	out, err := s.driver.Apply(ctx, downstream.Request{Changes: changes, Last: true})
	took := time.Since(began)
	for i := range out {
		err = errors.Join(err, out[i].Err)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("applying: %w", errors.Join(err, errors.Unwrap(err)))
	}
	return took, s.count.n, nil
}

// tuples lists what there is.
func (b *openfgaBench) tuples(ctx context.Context, p openfgaPlace, filter *openfgav1.ReadRequestTupleKey) (out []*openfgav1.TupleKey, err error) {
	req := &openfgav1.ReadRequest{StoreId: p.store, TupleKey: filter, PageSize: wrapperspb.Int32(tuplesPerWrite)}
	for {
		got, err := b.bare.Read(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("reading tuples: %w", err)
		}
		for _, t := range got.GetTuples() {
			out = append(out, t.GetKey())
		}
		if req.ContinuationToken = got.GetContinuationToken(); req.ContinuationToken == "" {
			return out, nil
		}
	}
}

func (b *openfgaBench) write(ctx context.Context, p openfgaPlace, writes, deletes []*openfgav1.TupleKey) error {
	for part := range slices.Chunk(writes, tuplesPerWrite) {
		req := &openfgav1.WriteRequest{StoreId: p.store, AuthorizationModelId: p.model, Writes: &openfgav1.WriteRequestWrites{TupleKeys: part}}
		if _, err := b.bare.Write(ctx, req); err != nil {
			return fmt.Errorf("writing tuples: %w", err)
		}
	}
	for part := range slices.Chunk(deletes, tuplesPerWrite) {
		keys := make([]*openfgav1.TupleKeyWithoutCondition, len(part))
		for i, k := range part {
			keys[i] = &openfgav1.TupleKeyWithoutCondition{Object: k.GetObject(), Relation: k.GetRelation(), User: k.GetUser()}
		}
		req := &openfgav1.WriteRequest{StoreId: p.store, AuthorizationModelId: p.model, Deletes: &openfgav1.WriteRequestDeletes{TupleKeys: keys}}
		if _, err := b.bare.Write(ctx, req); err != nil {
			return fmt.Errorf("deleting tuples: %w", err)
		}
	}
	return nil
}

// first is the first synchronization. The driver asks once what is there: nothing.
func (b *openfgaBench) first(ctx context.Context, r *report, records []downstream.Record) error {
	var driver, bare []time.Duration
	for range 3 {
		p, err := b.place(ctx)
		if err != nil {
			return err
		}
		session, err := b.open(ctx, p, nil)
		if err != nil {
			return err
		}
		took, n, err := session.deliver(ctx, downstream.Create, records)
		if err = errors.Join(err, session.driver.Close()); err != nil {
			return err
		}
		driver = append(driver, took)
		tuples, err := b.tuples(ctx, p, nil)
		if err != nil {
			return err
		}
		other, err := b.place(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := b.write(ctx, other, tuples, nil); err != nil {
			return err
		}
		bare = append(bare, time.Since(began))
		needed := 1 + (len(tuples)+tuplesPerWrite-1)/tuplesPerWrite
		r.note("first synchronization: %d records, %d tuples, in %d requests of %d needed, %v; the bare client %v", len(records), len(tuples), n, needed, took, bare[len(bare)-1])
		if n != needed {
			return fmt.Errorf("%d requests for %d tuples, needed are %d", n, len(tuples), needed)
		}
	}
	r.rate("first-sync", len(records), driver, bare)
	return nil
}

// some is a change of 1% of the records, and back, a few times: the server of this machine looks through all tuples for each reading.
func (b *openfgaBench) some(ctx context.Context, r *report, records []downstream.Record) (err error) {
	p, err := b.place(ctx)
	if err != nil {
		return err
	}
	session, err := b.open(ctx, p, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.driver.Close()) }()
	if _, _, err := session.deliver(ctx, downstream.Create, records); err != nil {
		return err
	}
	before, err := b.tuples(ctx, p, nil)
	if err != nil {
		return err
	}
	other, err := b.place(ctx)
	if err != nil {
		return err
	}
	if err := b.write(ctx, other, before, nil); err != nil {
		return err
	}
	var driver, bare []time.Duration
	var come, goes []*openfgav1.TupleKey
	was, is := changedRights(records)
	for i, began := 0, time.Now(); i%2 == 1 || i < 2 || i < 16 && time.Since(began) < 2*time.Minute; i++ {
		took, n, err := session.deliver(ctx, downstream.Update, is)
		if err != nil {
			return err
		}
		driver = append(driver, took)
		if i == 0 {
			after, err := b.tuples(ctx, p, nil)
			if err != nil {
				return err
			}
			come, goes = tuplesBeside(after, before), tuplesBeside(before, after)
		}
		if took, err = b.change(ctx, other, is, come, goes); err != nil {
			return err
		}
		bare = append(bare, took)
		r.note("1%%: %d records, %d tuples come and %d go, in %d requests %v; the bare client %v", len(is), len(come), len(goes), n, driver[i], took)
		come, goes, was, is = goes, come, is, was
	}
	at, err := b.tuples(ctx, p, nil)
	if err != nil {
		return err
	}
	if n := len(tuplesBeside(at, before)) + len(tuplesBeside(before, at)); n > 0 {
		return fmt.Errorf("%d tuples are not as they were before all changes were taken back", n)
	}
	r.rate("one-percent", len(is), driver, bare)
	return nil
}

// change is what a bare client does: it reads the tuples of each record, and writes and deletes.
func (b *openfgaBench) change(ctx context.Context, p openfgaPlace, records []downstream.Record, writes, deletes []*openfgav1.TupleKey) (time.Duration, error) {
	began := time.Now()
	for i := range records {
		self := "teammate:" + records[i].Key
		filters := []*openfgav1.ReadRequestTupleKey{
			{User: self, Relation: "granted_a", Object: "profile:"}, {User: self, Relation: "granted_b", Object: "profile:"},
			{User: self, Relation: "conveys", Object: "usergroup:"},
			{User: self, Relation: "granted_a", Object: "organization:"}, {User: self, Relation: "granted_b", Object: "organization:"},
		}
		if records[i].Kind == downstream.Groups {
			self = "usergroup:" + records[i].Key
			filters = []*openfgav1.ReadRequestTupleKey{
				{Object: self}, {User: self + "#answerer", Relation: "granted_a", Object: "profile:"}, {User: self + "#answerer", Relation: "granted_b", Object: "profile:"},
			}
		}
		for _, f := range filters {
			if _, err := b.tuples(ctx, p, f); err != nil {
				return 0, err
			}
		}
	}
	if err := b.write(ctx, p, writes, deletes); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// tuplesBeside returns the tuples that are not among others.
func tuplesBeside(tuples, others []*openfgav1.TupleKey) (out []*openfgav1.TupleKey) {
	there := make(map[string]struct{}, len(others))
	for _, t := range others {
		there[t.GetObject()+" "+t.GetRelation()+" "+t.GetUser()] = struct{}{}
	}
	for _, t := range tuples {
		if _, known := there[t.GetObject()+" "+t.GetRelation()+" "+t.GetUser()]; !known {
			out = append(out, t)
		}
	}
	return out
}

// changedRights returns every hundredth record that is active, and the same with other account permissions and without one member.
func changedRights(records []downstream.Record) (was, is []downstream.Record) {
	for i := 0; i < len(records); i += 100 {
		record := records[i]
		if !record.Active {
			continue
		}
		was = append(was, record)
		switch c := record.Content.(type) {
		case *downstream.AccessGrants:
			changed := *c
			changed.Permissions = append(slices.Clone(c.Permissions), "bench.measured")
			record.Content = &changed
		case *downstream.Group:
			changed := *c
			changed.Members = slices.Clone(c.Members[:max(1, len(c.Members)-1)])
			record.Content = &changed
		}
		is = append(is, record)
	}
	return was, is
}
