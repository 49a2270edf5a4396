package downstream

import (
	"context"
	"time"
)

// Driver speaks to one system with one set of credentials. Methods are called by one goroutine at a time, except that Close
// may come while another one runs. The package comment tells what each must do; drivertest checks it.
type Driver interface {
	// Capabilities never changes during the life of a driver.
	Capabilities() Capabilities

	// Render returns what the system would hold for a record, pure and without I/O. Equal records have equal images,
	// whatever the order in which their lists were built. A record that the system cannot hold is a BadRecord error.
	Render(r Record) (Rendered, error)

	// Read lists what is there: all records of the kinds, owned or not. It is not called if Capabilities.WriteOnly.
	Read(ctx context.Context, req ReadRequest) (Reading, error)

	// Apply carries out the changes in their order and returns one outcome for each, in the same order.
	//
	// An error instead of outcomes means that nothing is known of any change of the batch: some of them may have happened.
	// If Capabilities.Atomic it means that none has. A change whose outcome is an error has not happened, or has happened
	// in part: it will come again, as it is or changed.
	Apply(ctx context.Context, req Request) ([]Outcome, error)

	// Close gives up connections. Nothing is called after it.
	Close() error
}

// Rendered is a record in the terms of one system.
type Rendered struct {
	Image Image
	// Name is the name that must be unique there, if there is one: see Found.Name.
	Name string
	// Empty: nothing there stands for this record as it is, so that finding nothing is as it should be.
	Empty bool
}

// Capabilities are the promises of a driver.
type Capabilities struct {
	// Kinds are the kinds of records the system can hold.
	Kinds []Kind
	// Deactivates are the kinds of which a record can stay without conferring anything. Others are deleted where a policy
	// says Deactivate; Users must be among them if they are among Kinds.
	Deactivates []Kind
	// BatchSize is the greatest number of changes in one Apply; 0: the whole plan in one.
	BatchSize int
	// Atomic: a batch happens as a whole or not at all. A bad record is then found by halving the batch.
	Atomic bool
	// Natural: a record is found over there by its key alone, so that a Create that comes again after an unknown outcome
	// does not make a second one. Otherwise the system is read again before.
	Natural bool
	// WriteOnly: the system cannot be read. The inventory stands for what is there, and there is no drift.
	WriteOnly bool
	// Baseline: what exists at the first synchronization counts as delivered (R-20, Invitations). Only with WriteOnly.
	Baseline bool
}

// ReadRequest says what to read.
type ReadRequest struct {
	Kinds []Kind
	// Owned tells, by kind and remote id, what is ours by the inventory, for systems whose ids must be mapped to keys.
	Owned func(kind Kind, remoteID string) (Owned, bool)
	// Pins are the ids that must not change behind our back; zero at the first reading.
	Pins Pins
}

// Pins are ids of a system that are kept in the Ledger at the first reading, and compared from then on.
type Pins struct{ StoreID, AuthorizationModelID string }

// Reading is what was found.
type Reading struct {
	Records []Found
	// Complete lists the kinds of which everything was seen, with proof. See the package comment.
	Complete []Kind
	// Pins are what the system has now.
	Pins Pins
	// Renewed: if they are others than before, the driver itself is the reason, and means it. They are pinned anew.
	Renewed bool
	// Self are the remote ids of the identity that the operator itself acts under, if it is among the records. It is
	// never removed or deactivated.
	Self []string
}

// Found is one record that is there.
type Found struct {
	Kind Kind
	// Key is the identity key that the system holds with the record, empty if it holds none: then the record is known by
	// RemoteID only, and by Name for adoption.
	Key string
	// Name is the name there that must be unique, if there is one (a user name, a distinguished name), in the form that
	// Rendered.Name has: no record of the same kind and name can be made beside it.
	Name     string
	RemoteID string
	Image    Image
	// Inactive: the record confers nothing. A record that is wanted active and found inactive is updated even if its image is
	// as it should be.
	Inactive bool
	// Confirmed: the system says that this person has taken the account over.
	Confirmed bool
}

// Owned is an entry of the inventory: a record that is ours.
type Owned struct {
	Kind     Kind
	Key      string
	Name     string // of the object when it was delivered
	RemoteID string
	// Hash is that of the image delivered last. Empty: it was going to be created, and nothing is known since.
	Hash string
	// Inactive: it was delivered without conferring anything, or was deactivated.
	Inactive bool
	// Protected: the person held an account role with protectLastHolder.
	Protected bool
}

// ID returns the identity of the entry.
func (o Owned) ID() ID { return ID{Kind: o.Kind, Key: o.Key} }

// Op is what is to be done with a record.
type Op string

// Operations.
const (
	//
	// Create makes a record. One that is there already, by its key or unique name, is a Conflict if it differs from the
	// image, and done if it does not: the same Create may come twice. With Previous set the record was going to be made
	// before, nobody knows whether it was, and whatever is there under its key is ours.
	Create Op = "Create"
	// Update brings all attributes of the image to their values. It may move a record to another key or name.
	Update Op = "Update"
	// Deactivate lets a record stay that confers nothing: an account that is disabled, access that is empty. It is for records
	// that are not wanted any more.
	Deactivate Op = "Deactivate"
	Delete     Op = "Delete"
)

// Change is one record to change.
type Change struct {
	Op Op
	// Record is as it ought to be; for Deactivate and Delete of a record nothing is known of, only kind, key and name.
	Record Record
	// Rendered is what Render made of it; zero for Deactivate and Delete.
	Rendered Rendered
	// Previous is what is owned now; nil for a first Create. An Update whose Previous.Key is not Record.Key moves the record.
	Previous *Owned
	// Found is what was read, if it was read in this pass; nil otherwise. Drivers that write differences use it, and read
	// the record themselves when it is missing.
	Found *Found
	// Differs are the attributes that differ; nil if nothing was read in this pass: then all may.
	Differs []string
}

// ID returns the identity of the record to change.
func (c Change) ID() ID { return c.Record.ID() }

// Request is one batch.
type Request struct {
	Changes []Change
	// RemoteID translates the key of another record; false if it is not there, or not yet.
	RemoteID func(id ID) (string, bool)
	Pins     Pins
	// Last: the plan ends with this batch. Drivers that tell listeners about changes do so then.
	Last bool
}

// Outcome is what became of one change.
type Outcome struct {
	// Err is nil if the change is done.
	Err error
	// RemoteID is the id of the record there; for Create and for an Update that moved it.
	RemoteID string
}

// Pacer spaces requests. Drivers wait before every request to the system; the wait ends with an error when the context does.
type Pacer interface {
	Wait(ctx context.Context) error
}

// Projector is implemented by drivers in which the record of one depends on other records, such as access that is conveyed
// through groups where that is exact. The records that a projection returns stand in the place of the derived ones, from
// Render on; identities must be the same.
type Projector interface {
	Projection() Projection
}

// Projection holds all records of the kinds of the driver. It is pure and deterministic, and is asked anew after a restart
// with all records at once.
type Projection interface {
	// Update takes records that changed and identities that are gone, and returns those records whose projection
	// changed, which may be others than those given, sorted by ID.
	Update(changed []Record, gone []ID) []Record
	// Record returns the projection of one record.
	Record(id ID) (Record, bool)
}

// Options are what every driver is made with, beside the part of the spec that is its own.
type Options struct {
	Pacer Pacer
	// Timeout bounds a single request; 0: 30 s.
	Timeout time.Duration
}
