package openfga

import (
	"context"
	"regexp"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// place is where tuples are written: a store, and the model by which they are checked.
type place struct{ store, model string }

// storeID is the form of ids of stores and models.
var storeID = regexp.MustCompile(`^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$`)

// standing says what is where the Downstream points to.
type standing struct {
	place
	// latest is the model that is there; empty: none.
	latest string
	// current: it is the one shipped here. Otherwise a newer one is to be written.
	current bool
}

// look finds the store and its model, and judges them by what is pinned. It writes nothing. A store that is to be made has no id.
func (d *Driver) look(ctx context.Context, pins downstream.Pins) (standing, error) {
	store, err := d.findStore(ctx, pins.StoreID)
	if err != nil || store == "" {
		return standing{}, err
	}
	if pins.StoreID != "" && pins.StoreID != store {
		return standing{}, downstream.NewError(downstream.PinChanged, "another store", nil)
	}
	s := standing{place: place{store: store}}
	if d.config.Model != "" {
		return d.givenModel(ctx, s)
	}
	latest, err := d.latestModel(ctx, store)
	if err != nil || latest == nil {
		return s, err
	}
	s.latest, s.current = latest.GetId(), contains(latest, d.model)
	switch {
	case s.current:
		s.model = s.latest
	case pins.AuthorizationModelID == s.latest: // an earlier version of ours
		s.model = s.latest
	default:
		return standing{}, downstream.NewError(downstream.PinChanged, "another authorization model", nil)
	}
	return s, nil
}

// givenModel takes the model that the Downstream names: everything of the one shipped here must be in it.
func (d *Driver) givenModel(ctx context.Context, s standing) (standing, error) {
	var got *openfgav1.ReadAuthorizationModelResponse
	err := d.request(ctx, func(ctx context.Context, c *client) (err error) {
		got, err = c.ReadAuthorizationModel(ctx, &openfgav1.ReadAuthorizationModelRequest{StoreId: s.store, Id: d.config.Model})
		return err
	})
	if err != nil {
		return standing{}, pinned(err)
	}
	if !contains(got.GetAuthorizationModel(), d.model) {
		return standing{}, downstream.NewError(downstream.PinChanged, "the authorization model lacks ours", nil)
	}
	s.latest, s.model, s.current = d.config.Model, d.config.Model, true
	return s, nil
}

// pinned turns the refusal of an id into what it means: there is no such thing.
func pinned(err error) error {
	if downstream.ClassOf(err) == downstream.BadRecord {
		return downstream.NewError(downstream.PinChanged, "no such store or authorization model", err)
	}
	return err
}

func (d *Driver) latestModel(ctx context.Context, store string) (*openfgav1.AuthorizationModel, error) {
	var got *openfgav1.ReadAuthorizationModelsResponse
	err := d.request(ctx, func(ctx context.Context, c *client) (err error) {
		got, err = c.ReadAuthorizationModels(ctx, &openfgav1.ReadAuthorizationModelsRequest{StoreId: store, PageSize: wrapperspb.Int32(1)})
		return err
	})
	if err != nil || len(got.GetAuthorizationModels()) == 0 {
		return nil, err
	}
	return got.GetAuthorizationModels()[0], nil
}

// findStore returns the id of the store; empty if it is given by a name that none has, and none is pinned.
func (d *Driver) findStore(ctx context.Context, known string) (string, error) {
	if storeID.MatchString(d.config.Store) {
		err := d.request(ctx, func(ctx context.Context, c *client) error {
			_, err := c.GetStore(ctx, &openfgav1.GetStoreRequest{StoreId: d.config.Store})
			return err
		})
		return d.config.Store, pinned(err)
	}
	ids, err := d.storesNamed(ctx, d.config.Store)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 1:
		return ids[0], nil
	case len(ids) > 1:
		for _, id := range ids {
			if id == known {
				return id, nil
			}
		}
		return "", downstream.NewError(downstream.Refused, "several stores of that name", nil)
	case known != "":
		return "", downstream.NewError(downstream.PinChanged, "no such store", nil)
	}
	return "", nil
}

func (d *Driver) storesNamed(ctx context.Context, name string) (ids []string, err error) {
	req := &openfgav1.ListStoresRequest{Name: name, PageSize: wrapperspb.Int32(pageSize)}
	for {
		var got *openfgav1.ListStoresResponse
		err := d.request(ctx, func(ctx context.Context, c *client) (err error) {
			got, err = c.ListStores(ctx, req)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, s := range got.GetStores() {
			if s.GetName() == name {
				ids = append(ids, s.GetId())
			}
		}
		if req.ContinuationToken = got.GetContinuationToken(); req.ContinuationToken == "" {
			return ids, nil
		}
	}
}

// ready has a store and the model shipped here be there, and made if need be: a store only if it is given by name and none is
// pinned, a model only where there is none or an earlier one of ours.
func (d *Driver) ready(ctx context.Context, pins downstream.Pins) error {
	if d.place != (place{}) && (pins.StoreID == "" || pins.StoreID == d.place.store) {
		return nil
	}
	s, err := d.look(ctx, pins)
	if err != nil {
		return err
	}
	return d.settle(ctx, s)
}

// settle makes what is missing.
func (d *Driver) settle(ctx context.Context, s standing) error {
	if s.store == "" {
		err := d.request(ctx, func(ctx context.Context, c *client) error {
			made, err := c.CreateStore(ctx, &openfgav1.CreateStoreRequest{Name: d.config.Store})
			s.store = made.GetId()
			return err
		})
		if err != nil {
			return refusedName(err)
		}
	}
	if !s.current {
		err := d.request(ctx, func(ctx context.Context, c *client) error {
			made, err := c.WriteAuthorizationModel(ctx, &openfgav1.WriteAuthorizationModelRequest{
				StoreId: s.store, SchemaVersion: d.model.GetSchemaVersion(), TypeDefinitions: d.model.GetTypeDefinitions(), Conditions: d.model.GetConditions(),
			})
			s.model = made.GetAuthorizationModelId()
			return err
		})
		if err != nil {
			return err
		}
	}
	d.place = s.place
	return nil
}

// refusedName turns the refusal of a name into one that no record is to blame for.
func refusedName(err error) error {
	if downstream.ClassOf(err) == downstream.BadRecord {
		return downstream.NewError(downstream.Refused, "the name of the store is not one", err)
	}
	return err
}
