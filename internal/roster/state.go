package roster

import (
	"maps"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Claimant is an object that claims a unique key.
type Claimant struct{ Kind, Name string }

// Person is what the Ledger remembers of a teammate. Instants are absent when nil.
type Person struct {
	Key, Name    string
	ConfirmedAt  *time.Time
	ArchivedAt   *time.Time
	ApprovedCard *Card
	Home, Cover  string // incumbent groups under exclusive membership
	Campaign     string

	// from is the ID of the record that this one continues.
	from string
}

// ID names the record: two people who claim one key have a record each.
func (p Person) ID() string {
	if p.Name == "" {
		return ""
	}
	return p.Key + idSeparator + p.Name
}

const idSeparator = "\x00"

// empty reports whether nothing but key and name is remembered.
func (p Person) empty() bool {
	return p.ConfirmedAt == nil && p.ArchivedAt == nil && p.ApprovedCard == nil && p.Home == "" && p.Cover == "" && p.Campaign == ""
}

func samePerson(a, b Person) bool {
	return a.Key == b.Key && a.Name == b.Name && a.from == b.from && a.Home == b.Home && a.Cover == b.Cover && a.Campaign == b.Campaign &&
		sameInstant(a.ConfirmedAt, b.ConfirmedAt) && sameInstant(a.ArchivedAt, b.ArchivedAt) && a.ApprovedCard.Equal(b.ApprovedCard)
}

func sameInstant(a, b *time.Time) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Equal(*b))
}

// Card is the part of a teammate that surveys show (M-14..M-19). The last name is not part of it (M-16).
type Card struct {
	FirstName      string                `json:"firstName,omitempty"`
	Image          *rollcallv1.CardImage `json:"image,omitempty"`
	Bio            string                `json:"bio,omitempty"`
	HomeTown       string                `json:"homeTown,omitempty"`
	StateOrCountry string                `json:"stateOrCountry,omitempty"`
}

// Equal compares two cards; nil is no card.
func (c *Card) Equal(o *Card) bool {
	if c == nil || o == nil {
		return c == o
	}
	if (c.Image == nil) != (o.Image == nil) {
		return false
	}
	if c.Image != nil && !(c.Image.URL == o.Image.URL && samePointer(c.Image.Width, o.Image.Width) && samePointer(c.Image.Height, o.Image.Height)) {
		return false
	}
	return c.FirstName == o.FirstName && c.Bio == o.Bio && c.HomeTown == o.HomeTown && c.StateOrCountry == o.StateOrCountry
}

func samePointer[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// Stamp fixes which role and which pairs of members and profiles a permission set reaches under OnReflash.
// Members and Profiles are sorted.
type Stamp struct {
	ProfileRole, Token string
	// AppliedAt is zero for a lost stamp: everything is pending until the next token.
	AppliedAt         time.Time
	Members, Profiles []string
}

// Lost reports whether the stamp only records that the real one was lost.
func (s *Stamp) Lost() bool { return s != nil && s.AppliedAt.IsZero() }

// Has reports whether the pair is stamped.
func (s *Stamp) Has(teammate, profile string) bool {
	return s.HasMember(teammate) && s.HasProfile(profile)
}

// HasMember reports whether the teammate is stamped.
func (s *Stamp) HasMember(teammate string) bool { return s != nil && contains(s.Members, teammate) }

// HasProfile reports whether the profile is stamped.
func (s *Stamp) HasProfile(profile string) bool { return s != nil && contains(s.Profiles, profile) }

func sameStamp(a, b *Stamp) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ProfileRole == b.ProfileRole && a.Token == b.Token && a.AppliedAt.Equal(b.AppliedAt) &&
		slices.Equal(a.Members, b.Members) && slices.Equal(a.Profiles, b.Profiles)
}

func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}

// state holds the state inputs of R-1 as the engine knows them. The Ledger is their home: package ledger reads them from
// it and writes them to it.
type state struct {
	known  *incr.Input[struct{}, bool] // the namespace has a Ledger object of some record
	lost   *incr.Input[struct{}, bool] // outputs without a Ledger
	people *incr.Input[string, Person] // by ID
	keyed  *incr.Index[string, string] // identity key -> names of remembered people
	named  *incr.Index[string, string] // name -> identity keys of remembered people
	stamps *incr.Input[string, *Stamp] // by group
}

func newState(g *incr.Graph) state {
	same := func(a, b bool) bool { return a == b }
	return state{
		known:  incr.NewInput[struct{}, bool](g, "ledgerKnown", same),
		lost:   incr.NewInput[struct{}, bool](g, "ledgerLost", same),
		people: incr.NewInput[string, Person](g, "person", samePerson),
		keyed:  incr.NewIndex[string, string](g, "rememberedKeys"),
		named:  incr.NewIndex[string, string](g, "rememberedNames"),
		stamps: incr.NewInput[string, *Stamp](g, "stamp", sameStamp),
	}
}

// Memory is a copy of all state inputs, as the Ledger holds them.
type Memory struct {
	Claims map[string]Claimant
	People map[string]Person // by ID
	Stamps map[string]*Stamp // by group
}

// Fresh names the parts of Memory that changed.
type Fresh struct {
	Claims, People, Stamps map[string]struct{}
}

func newFresh() Fresh {
	return Fresh{Claims: map[string]struct{}{}, People: map[string]struct{}{}, Stamps: map[string]struct{}{}}
}

// Empty reports whether nothing changed.
func (f Fresh) Empty() bool { return len(f.Claims) == 0 && len(f.People) == 0 && len(f.Stamps) == 0 }

// TakeFresh returns what changed in Memory since the last call.
func (r *Roster) TakeFresh() Fresh {
	f := r.fresh
	r.fresh = newFresh()
	return f
}

// ForgetClaims drops the recorded holders of keys, as a lost part of the Ledger does: they are decided anew.
func (r *Roster) ForgetClaims(keys ...string) {
	for _, k := range keys {
		r.SetClaim(k, Claimant{})
		r.contested[k] = struct{}{}
	}
}

// Remember replaces the state inputs: at start from the Ledger, offline from files. known says whether the namespace has
// a Ledger object; lost, whether it has outputs but no Ledger. Call Settle afterwards.
func (r *Roster) Remember(m Memory, known, lost bool) {
	r.state.known.Set(struct{}{}, known)
	r.state.lost.Set(struct{}{}, lost)
	for k := range r.memory.Claims {
		if _, ok := m.Claims[k]; !ok {
			r.SetClaim(k, Claimant{})
		}
	}
	for k, c := range m.Claims {
		r.SetClaim(k, c)
	}
	for k := range r.memory.People {
		if _, ok := m.People[k]; !ok {
			r.ForgetPerson(k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m.People)) {
		r.SetPerson(m.People[k])
	}
	for g := range r.memory.Stamps {
		if m.Stamps[g] == nil {
			r.SetStamp(g, nil)
		}
	}
	for g, s := range m.Stamps {
		r.SetStamp(g, s)
	}
}

// Memory returns the state inputs as they are now. The maps are live: read them, do not keep them.
func (r *Roster) Memory() Memory { return r.memory }

// LedgerKnown records whether the namespace has a Ledger object of some record.
func (r *Roster) LedgerKnown(known bool) { r.state.known.Set(struct{}{}, known) }

// SetClaim records the holder of a key; the zero Claimant forgets it.
func (r *Roster) SetClaim(key string, c Claimant) {
	if c == (Claimant{}) {
		delete(r.memory.Claims, key)
	} else {
		r.memory.Claims[key] = c
	}
	r.fresh.Claims[key] = struct{}{}
	r.claimed.Changed(key)
}

// SetPerson records what is remembered of a person.
func (r *Roster) SetPerson(p Person) {
	p.from = ""
	id := p.ID()
	if _, ok := r.memory.People[id]; !ok {
		r.state.keyed.Add(p.Key, p.Name)
		r.state.named.Add(p.Name, p.Key)
	}
	r.memory.People[id] = p
	r.fresh.People[id] = struct{}{}
	r.state.people.Set(id, p)
}

// ForgetPerson drops the record of that ID.
func (r *Roster) ForgetPerson(id string) {
	old, ok := r.memory.People[id]
	if !ok {
		return
	}
	delete(r.memory.People, id)
	r.fresh.People[id] = struct{}{}
	r.state.people.Delete(id)
	r.state.keyed.Remove(old.Key, old.Name)
	r.state.named.Remove(old.Name, old.Key)
}

// SetStamp records the stamp of a group; nil forgets it.
func (r *Roster) SetStamp(group string, s *Stamp) {
	r.fresh.Stamps[group] = struct{}{}
	if s == nil {
		delete(r.memory.Stamps, group)
		r.state.stamps.Delete(group)
		return
	}
	r.memory.Stamps[group] = s
	r.state.stamps.Set(group, s)
}

// IdentityKey returns the key under which a person is remembered and recorded downstream: directoryID, else employeeID,
// else e-mail, in the form of R-3.
func IdentityKey(id rollcallv1.Identity) string {
	switch {
	case id.DirectoryID != nil:
		return "directoryID=" + *id.DirectoryID
	case id.EmployeeID != nil:
		return "employeeID=" + *id.EmployeeID
	case id.Email != nil:
		return "email=" + strings.ToLower(*id.Email)
	}
	return ""
}
