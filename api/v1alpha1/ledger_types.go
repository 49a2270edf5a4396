package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LedgerRecord says what a Ledger holds.
// +k8s:enum
type LedgerRecord string

// Values of LedgerRecord.
const (
	// LedgerRecordStamp is what was in effect at the last reflash of a group.
	LedgerRecordStamp LedgerRecord = "Stamp"
	// LedgerRecordInventory is what a connected system was given.
	LedgerRecordInventory LedgerRecord = "Inventory"
	// LedgerRecordPeople is what must be remembered of people.
	LedgerRecordPeople LedgerRecord = "People"
	// LedgerRecordKeys is who holds which unique key.
	LedgerRecordKeys LedgerRecord = "Keys"
)

// LedgerSubject names the object a Stamp or Inventory belongs to.
// +structType=atomic
type LedgerSubject struct {
	// kind is UserGroup for a Stamp, Downstream for an Inventory.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name is the name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// LedgerStamp is what was in effect at the last reflash of a group: the pairs of members and profiles. Members and
// profiles may go on in further shards.
// +structType=atomic
type LedgerStamp struct {
	// profileRole is the name of the ProfileRole.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ProfileRole string `json:"profileRole,omitempty"`

	// token is the reflash token of that moment.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Token string `json:"token,omitempty"`

	// appliedAt is when that was.
	// +optional
	AppliedAt *metav1.Time `json:"appliedAt,omitempty"`

	// members names the Teammates.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	// +kubebuilder:validation:items:MaxLength=63
	Members []string `json:"members,omitempty"`

	// profiles names the Profiles.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	// +kubebuilder:validation:items:MaxLength=63
	Profiles []string `json:"profiles,omitempty"`
}

// LedgerPins are the ids in a connected system that must not change behind the operator's back.
// +structType=atomic
type LedgerPins struct {
	// storeID is the id of the store.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	StoreID string `json:"storeID,omitempty"`

	// authorizationModelID is the id of the authorization model.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	AuthorizationModelID string `json:"authorizationModelID,omitempty"`
}

// LedgerEntry is one record that a connected system was given.
// +structType=atomic
type LedgerEntry struct {
	// record is the sort of the record, such as Users.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Record string `json:"record"`

	// key is the identity key of the record.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key"`

	// name is the name recorded with it.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name,omitempty"`

	// remoteID is its id in the connected system.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	RemoteID string `json:"remoteID,omitempty"`

	// hash is the hash of its content when it was delivered last.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// held says that the removal of the record waits until it is approved, whatever the limits say later.
	// +optional
	Held bool `json:"held,omitempty"`

	// approved says that its removal is among those of the present approval.
	// +optional
	Approved bool `json:"approved,omitempty"`
}

// LedgerApproval is the last approval of held removals: the same one does not count twice (R-20, Holding).
// +structType=atomic
type LedgerApproval struct {
	// hash is that of the removals that were approved.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash"`

	// approvedAt is when they were approved.
	// +required
	ApprovedAt metav1.Time `json:"approvedAt"`

	// void says that the approval does not count any more: it was used up, has lapsed, or what was held changed.
	// +optional
	Void bool `json:"void,omitempty"`
}

// LedgerDeparture remembers a person who was let go by an explicit act, for as long as such acts are counted.
// +structType=atomic
type LedgerDeparture struct {
	// key is the identity key of the person.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key"`

	// at is when that was.
	// +required
	At metav1.Time `json:"at"`
}

// LedgerLoss remembers a person who lost their access without anybody asking for it.
// +structType=atomic
type LedgerLoss struct {
	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// at is when that was.
	// +required
	At metav1.Time `json:"at"`

	// alarm says that the person is one of those because of whom removals are held everywhere.
	// +optional
	Alarm bool `json:"alarm,omitempty"`
}

// LedgerWindowEnd remembers when the end of a window was first seen.
// +structType=atomic
type LedgerWindowEnd struct {
	// key is the identity key of the record whose window ends.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key"`

	// until is the end.
	// +required
	Until metav1.Time `json:"until"`

	// firstSeen is when that end was first seen.
	// +required
	FirstSeen metav1.Time `json:"firstSeen"`
}

// LedgerInventory is what a connected system was given.
// +structType=atomic
type LedgerInventory struct {
	// pins are the ids that must not change.
	// +optional
	Pins *LedgerPins `json:"pins,omitempty"`

	// entries are the records.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	Entries []LedgerEntry `json:"entries,omitempty"`

	// windowEnds tell when each end of a window was first seen.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	WindowEnds []LedgerWindowEnd `json:"windowEnds,omitempty"`

	// approval is the last approval of held removals.
	// +optional
	Approval *LedgerApproval `json:"approval,omitempty"`

	// departures are people who were let go by explicit acts a moment ago.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	Departures []LedgerDeparture `json:"departures,omitempty"`

	// losses are people who lost their access without anybody asking for it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	Losses []LedgerLoss `json:"losses,omitempty"`
}

// LedgerCard is the card that was approved last.
// +structType=atomic
type LedgerCard struct {
	// firstName is the first name on the card.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	FirstName string `json:"firstName,omitempty"`

	// image is the image on the card.
	// +optional
	Image *CardImage `json:"image,omitempty"`

	// bio is the text on the card.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Bio string `json:"bio,omitempty"`

	// homeTown is the home town on the card.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	HomeTown string `json:"homeTown,omitempty"`

	// stateOrCountry is the state or country on the card.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	StateOrCountry string `json:"stateOrCountry,omitempty"`
}

// LedgerExclusiveGroup remembers which groups hold a person under groupMembership=Exclusive.
// +structType=atomic
type LedgerExclusiveGroup struct {
	// home is the group the person is in for good.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Home string `json:"home,omitempty"`

	// cover is the group the person helps out in for a time.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Cover string `json:"cover,omitempty"`
}

// LedgerPerson is what must be remembered of one person.
// +structType=atomic
type LedgerPerson struct {
	// key is the identity key of R-3, such as email=ana@example.com. The person is found by it, else by name.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key,omitempty"`

	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// confirmedAt is when the account was confirmed.
	// +optional
	ConfirmedAt *metav1.Time `json:"confirmedAt,omitempty"`

	// archivedAt is when the person was first seen archived.
	// +optional
	ArchivedAt *metav1.Time `json:"archivedAt,omitempty"`

	// approvedCard is the card that was approved last.
	// +optional
	ApprovedCard *LedgerCard `json:"approvedCard,omitempty"`

	// exclusiveGroup is the incumbent of Exclusive membership.
	// +optional
	ExclusiveGroup *LedgerExclusiveGroup `json:"exclusiveGroup,omitempty"`

	// campaign is the campaign the person is effectively in.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Campaign string `json:"campaign,omitempty"`
}

// LedgerKey is one unique key and who holds it.
// +structType=atomic
type LedgerKey struct {
	// key is the key, such as extension=2001.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key"`

	// kind is the kind of the holder.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name is the name of the holder.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// Ledger holds state that cannot be computed again from what people declared. The operator writes it, in shards below 200
// KiB; nobody else needs to. It has no owner: the operator deletes it once it is of no more use.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=ledgers
// +kubebuilder:printcolumn:name="Record",type=string,JSONPath=`.record`
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.subject.name`
// +kubebuilder:printcolumn:name="Shard",type=integer,JSONPath=`.shard`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Ledger struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// record says what this shard holds. Only the member of that name is set.
	// +required
	Record LedgerRecord `json:"record"`

	// subject is what the record belongs to: a UserGroup for Stamp, a Downstream for Inventory, absent otherwise.
	// +optional
	Subject *LedgerSubject `json:"subject,omitempty"`

	// shard counts the parts of one record, from 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Shard int32 `json:"shard"`

	// stamp is set in a Stamp.
	// +optional
	Stamp *LedgerStamp `json:"stamp,omitempty"`

	// inventory is set in an Inventory.
	// +optional
	Inventory *LedgerInventory `json:"inventory,omitempty"`

	// people is set in People.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	People []LedgerPerson `json:"people,omitempty"`

	// keys is set in Keys.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	Keys []LedgerKey `json:"keys,omitempty"`
}

// LedgerList is a list of Ledgers.
// +kubebuilder:object:root=true
type LedgerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Ledger `json:"items"`
}
