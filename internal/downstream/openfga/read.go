package openfga

import (
	"context"
	"slices"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// pageSize is the most that a page may have.
const pageSize = 100

// Read implements downstream.Driver.
func (d *Driver) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	ctx, end := d.begin(ctx)
	defer end()
	s, err := d.look(ctx, req.Pins)
	if err != nil {
		return downstream.Reading{}, err
	}
	d.place = place{}
	if s.current {
		d.place = s.place
	}
	out := downstream.Reading{Complete: req.Kinds, Pins: downstream.Pins{StoreID: s.store, AuthorizationModelID: s.model}}
	// A model of ours in the place of an earlier one of ours, or of none, is not somebody else's doing.
	out.Renewed = out.Pins != req.Pins
	if s.store == "" {
		return out, nil
	}
	found, err := d.everything(ctx, s.store)
	if err != nil {
		return downstream.Reading{}, err
	}
	for id, h := range found {
		if !slices.Contains(req.Kinds, id.Kind) {
			continue
		}
		out.Records = append(out.Records, foundOf(id, h))
	}
	slices.SortFunc(out.Records, func(a, b downstream.Found) int {
		return downstream.ID{Kind: a.Kind, Key: a.Name}.Compare(downstream.ID{Kind: b.Kind, Key: b.Name})
	})
	return out, nil
}

// foundOf is what there is of a record; the key of id is the id of the object.
func foundOf(id downstream.ID, h holdings) downstream.Found {
	f := downstream.Found{Kind: id.Kind, Name: id.Key, RemoteID: remoteID(id.Key), Image: h.image(id.Kind)}
	f.Key, _ = decode(id.Key)
	f.Inactive = h[idleOf] != nil
	return f
}

// remoteID is what the inventory needs to know to find a record: nothing, where the id tells the key.
func remoteID(id string) string {
	if _, tells := decode(id); tells {
		return ""
	}
	return id
}

// everything lists all tuples of a store, by record. The last page is the proof that it was all.
func (d *Driver) everything(ctx context.Context, store string) (map[downstream.ID]holdings, error) {
	found := map[downstream.ID]holdings{}
	pages, err := d.list(ctx, store, nil, 0, found)
	if err == nil {
		d.pages = pages
	}
	return found, err
}

// list adds the tuples that match a filter to the records that they are a part of, and returns in how many pages they came. With a
// limit it stops after so many, with -1.
func (d *Driver) list(ctx context.Context, store string, filter *openfgav1.ReadRequestTupleKey, limit int, into map[downstream.ID]holdings) (pages int, err error) {
	req := &openfgav1.ReadRequest{
		StoreId: store, TupleKey: filter, PageSize: wrapperspb.Int32(pageSize), Consistency: openfgav1.ConsistencyPreference_HIGHER_CONSISTENCY,
	}
	for {
		var got *openfgav1.ReadResponse
		err := d.request(ctx, func(ctx context.Context, c *client) (err error) {
			got, err = c.Read(ctx, req)
			return err
		})
		if err != nil {
			return pages, err
		}
		pages++
		for _, t := range got.GetTuples() {
			id, a, in, e, ok := placed(t.GetKey())
			if !ok {
				continue
			}
			if into[id] == nil {
				into[id] = holdings{}
			}
			into[id].put(a, in, e)
		}
		if req.ContinuationToken = got.GetContinuationToken(); req.ContinuationToken == "" {
			return pages, nil
		}
		if pages == limit {
			return -1, nil
		}
	}
}

// filters are the requests that list all tuples of a record. Each names a relation, or a whole object: servers have indices for
// these, and look through all tuples of a type otherwise.
func filters(id downstream.ID) (out []*openfgav1.ReadRequestTupleKey) {
	self := typeOf(id.Kind) + ":" + id.Key
	if id.Kind == downstream.Groups {
		out = append(out, &openfgav1.ReadRequestTupleKey{Object: self})
	}
	for _, a := range attributes {
		if a.kind != id.Kind || !a.asUser {
			continue
		}
		user := self
		if a.userset != "" {
			user += "#" + a.userset
		}
		for in := range slotSuffixes {
			if in == 0 || a.slotted {
				out = append(out, &openfgav1.ReadRequestTupleKey{User: user, Relation: a.relationIn(slot(in)), Object: a.other + ":"})
			}
		}
	}
	return out
}

// requestsEach is how many requests reading one record takes, at most.
const requestsEach = 5

// stored returns what is stored of some records, which is read one by one, or all at once where that takes fewer requests.
func (d *Driver) stored(ctx context.Context, ids []downstream.ID) (map[downstream.ID]holdings, error) {
	found := map[downstream.ID]holdings{}
	if len(ids) == 0 {
		return found, nil
	}
	each := requestsEach * len(ids)
	if d.pages <= each && len(ids) > 1 {
		all := map[downstream.ID]holdings{}
		pages, err := d.list(ctx, d.place.store, nil, each, all)
		if err != nil {
			return nil, err
		}
		if pages >= 0 {
			d.pages = pages
			return all, nil
		}
		d.pages = each + 1 // at least: the next one by one
	}
	for _, id := range ids {
		for _, filter := range filters(id) {
			if _, err := d.list(ctx, d.place.store, filter, 0, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
