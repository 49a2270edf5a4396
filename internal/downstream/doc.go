// Package downstream is the contract between Rollcall and the systems it keeps in step: the records that are delivered, the
// interface of a driver, what a driver answers, and its classes of errors. It decides nothing and imports no driver; a driver
// imports it, the SDK of its system, and nothing else of ours.
//
// # How the parts work together
//
// Package desired derives the records that ought to be there from the engine, incrementally. Package plan compares them with
// what a driver read and with the inventory (what is ours over there, kept in the Ledger), filters the difference by mode,
// adoption, removal and drift, and holds removals back that look like a mistake (RULES R-20). Package syncer runs one loop for
// each Downstream: it asks the driver, writes intents to the Ledger, hands batches of changes to the driver, and takes its
// outcomes. Package drivertest is what every driver must pass.
//
// # Writing a driver
//
// A driver is a dumb, honest pair of hands. It has four duties.
//
// Capabilities says which kinds of records it carries, how many changes it takes in one call and which promises it makes.
//
// Render turns a record into an Image: the attributes that this system would hold for it, as strings that can be compared. What
// the system cannot hold is left out. What the record leaves unset is left out too: absent means not managed, and nobody looks
// at it; an empty list is a value like any other. Render is pure, total for every record that the system can hold, and returns
// a BadRecord error for one that it cannot. A driver whose system holds everything uses ImageOf.
//
// Read lists everything of the kinds asked for, owned or not, each with the image of what is there, in the same form as Render
// gives: after a change was applied, the image read back covers the image rendered. A kind is in Reading.Complete only if the
// driver has proof that it saw all of it: one snapshot, or a last page and a total that agrees. Without proof nothing of that
// kind is ever removed.
//
// Apply carries out a batch in its order and returns an outcome for each change. It is idempotent: a change applied twice
// leaves what once leaves. It touches no record but those in the batch, and of those only the attributes in the image (or, on
// the way, what the system itself derives). It never retries, sleeps or keeps memory of its own: the loop does that. It returns
// errors of type *Error; anything else counts as Unavailable.
//
// Before every request it waits for its Pacer. It follows no redirects, reads no proxy environment and logs no payload; its
// connections come from the dialer it was given. The text of an error carries a status code, never a response body.
//
// A record that is not active (a closed gate, access without any permission, a disabled group) is a record like any other: it is
// rendered, with whatever the system has for that, and Found.Inactive says that what is there confers nothing. Where nothing at
// all stands for such a record over there, Rendered.Empty says so. Taking the last permission away is therefore an Update;
// Deactivate is for records whose object is gone.
//
// A driver in which the record of one depends on other records, such as access that groups convey, is a Projector too.
//
// # Identity
//
// A record is known by its kind and key. The key of a person is the identity key of the Ledger (directoryID=…, else
// employeeID=…, else email=…), so that renaming an object costs nothing; other records are keyed by kind and name of their
// object. When somebody's identity is edited, the key of an owned record changes: the change is an Update whose Previous.Key
// differs from Record.Key, and the driver moves the record, under its remote id, to the new key. References between records
// are keys. Where a system needs its own ids for references, Request.RemoteID translates.
package downstream
