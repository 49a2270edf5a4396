package roster

import (
	"cmp"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Leader is the team leader of a teammate, or why there is none. Reason is empty where nothing is wrong.
type Leader struct{ Name, Reason string }

type hierarchyQueries struct {
	remembered *incr.Query[string, Person]
	departures *incr.Query[string, bool]
	candidates *incr.Query[string, Leader]
	leaders    *incr.Query[string, Leader]
	reports    *incr.Index[string, string] // leader -> direct reports
	rootLeader *incr.Query[struct{}, string]
	persons    *incr.Query[string, Person]
	assume     *incr.Input[struct{}, bool] // everybody counts as confirmed
}

func newHierarchyQueries(r *Roster) hierarchyQueries {
	var q hierarchyQueries
	q.remembered = incr.NewQuery(r.Graph, "remembered", samePerson, r.rememberedPerson)
	q.departures = incr.NewQuery(r.Graph, "departed", equal[bool], func(t *incr.Task, name string) bool {
		return r.Archived(t, name) || r.Ended(t, name)
	})
	q.candidates = incr.NewQuery(r.Graph, "leaderCandidate", equal[Leader], r.leaderCandidate)
	q.leaders = incr.NewQuery(r.Graph, "leader", equal[Leader], r.leader)
	q.reports = incr.NewIndex[string, string](r.Graph, "reports")
	q.leaders.OnChange(func(name string, before, after Leader) {
		if before.Name == after.Name {
			return
		}
		if before.Name != "" {
			r.reports.Remove(before.Name, name)
		}
		if after.Name != "" {
			r.reports.Add(after.Name, name)
		}
	})
	q.rootLeader = incr.NewQuery(r.Graph, "rootLeader", equal[string], func(t *incr.Task, _ struct{}) string {
		if names := r.roots.Get(t, struct{}{}); len(names) > 0 {
			return names[0]
		}
		return ""
	})
	q.persons = incr.NewQuery(r.Graph, "person", samePerson, r.personToKeep)
	q.persons.OnChange(r.personChanged)
	q.assume = incr.NewInput[struct{}, bool](r.Graph, "assumeConfirmed", equal[bool])
	return q
}

// Person returns what is remembered of a teammate: the record with their identity key and name, completed by records of the
// key they hold whose teammate is gone; else one that was left under that key, else one that was left under their name.
func (r *Roster) Person(t *incr.Task, teammate string) Person { return r.remembered.Get(t, teammate) }

func (r *Roster) rememberedPerson(t *incr.Task, teammate string) Person {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return Person{}
	}
	key := IdentityKey(tm.Spec.Identity)
	if p := r.state.people.Get(t, Person{Key: key, Name: teammate}.ID()); p.Name != "" {
		return r.succession(t, p)
	}
	if name := r.leftUnder(t, key); name != "" && r.Holds(t, key, Claimant{KindTeammate, teammate}) {
		return r.state.people.Get(t, Person{Key: key, Name: name}.ID())
	}
	for _, old := range r.state.named.Get(t, teammate) {
		if !r.inherited(t, old, teammate) {
			return r.state.people.Get(t, Person{Key: old, Name: teammate}.ID())
		}
	}
	return Person{}
}

// succession completes the record of a teammate by one that somebody else left under the same key: an object was replaced by
// one of another name, and both existed for a while (S-122). Of several, one is taken at a time.
func (r *Roster) succession(t *incr.Task, p Person) Person {
	if p.Key == "" || !r.Holds(t, p.Key, Claimant{KindTeammate, p.Name}) {
		return p
	}
	for _, name := range r.state.keyed.Get(t, p.Key) {
		if name == p.Name || r.Exists(t, KindTeammate, name) {
			continue
		}
		left := r.state.people.Get(t, Person{Key: p.Key, Name: name}.ID())
		p.from = left.ID()
		p.ConfirmedAt, p.ArchivedAt = cmp.Or(p.ConfirmedAt, left.ConfirmedAt), cmp.Or(p.ArchivedAt, left.ArchivedAt)
		p.ApprovedCard = cmp.Or(p.ApprovedCard, left.ApprovedCard)
		p.Home, p.Cover, p.Campaign = cmp.Or(p.Home, left.Home), cmp.Or(p.Cover, left.Cover), cmp.Or(p.Campaign, left.Campaign)
		return p
	}
	return p
}

// leftUnder returns the first name remembered under an identity key by which nobody is to be found any more.
func (r *Roster) leftUnder(t *incr.Task, key string) string {
	present := r.identities.Get(t, key)
	for _, name := range r.state.keyed.Get(t, key) {
		if !contains(present, name) {
			return name
		}
	}
	return ""
}

// inherited reports whether the record of a key and a name belongs to somebody else by now: to the holder of the key, if
// that person has no record of their own.
func (r *Roster) inherited(t *incr.Task, key, name string) bool {
	for _, other := range r.identities.Get(t, key) {
		if r.Holds(t, key, Claimant{KindTeammate, other}) {
			own := r.state.people.Get(t, Person{Key: key, Name: other}.ID()).Name != ""
			return !own && r.leftUnder(t, key) == name
		}
	}
	return false
}

// Archived reports whether the teammate is archived for good (R-4, phase rule 2).
func (r *Roster) Archived(t *incr.Task, teammate string) bool {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return false
	}
	return tm.Spec.Lifecycle.State == rollcallv1.LifecycleStateArchived ||
		r.Person(t, teammate).ArchivedAt != nil && !*r.Policies(t).Archive.Reversible
}

// Ended reports whether the teammate's `until` has come (R-4, phase rule 3).
func (r *Roster) Ended(t *incr.Task, teammate string) bool {
	tm := r.Teammate(t, teammate)
	return tm != nil && tm.Spec.Until != nil && t.Reached(tm.Spec.Until.Time)
}

// Leader returns the effective team leader.
func (r *Roster) Leader(t *incr.Task, teammate string) Leader { return r.leaders.Get(t, teammate) }

// Reports returns the people whose effective leader is the teammate, sorted.
func (r *Roster) Reports(t *incr.Task, teammate string) []string { return r.reports.Get(t, teammate) }

// RootLeader returns the one person who needs no team leader: of those with canManageTeams and no teamLeaderRef the
// smallest name.
func (r *Roster) RootLeader(t *incr.Task) string { return r.rootLeader.Get(t, struct{}{}) }

// leaderCandidate is the leader before cycles are looked for.
func (r *Roster) leaderCandidate(t *incr.Task, teammate string) Leader {
	tm := r.Teammate(t, teammate)
	if tm == nil || tm.Spec.TeamLeaderRef == nil {
		return Leader{}
	}
	name := tm.Spec.TeamLeaderRef.Name
	leader := r.Teammate(t, name)
	switch {
	case leader == nil || name == teammate:
		return Leader{Reason: rollcallv1.ReasonUnresolved}
	case r.departures.Get(t, name):
		return Leader{Reason: rollcallv1.ReasonLeaderArchived}
	case leader.Spec.CanManageTeams == nil || !*leader.Spec.CanManageTeams:
		return Leader{Reason: rollcallv1.ReasonNotALeader}
	}
	return Leader{Name: name}
}

func (r *Roster) leader(t *incr.Task, teammate string) Leader {
	l := r.candidates.Get(t, teammate)
	seen := map[string]bool{}
	for at := l.Name; at != "" && !seen[at]; at = r.candidates.Get(t, at).Name {
		if at == teammate {
			return Leader{Reason: rollcallv1.ReasonLeaderCycle}
		}
		seen[at] = true
	}
	return l
}

// CardOf returns what surveys would show of a teammate now (R-4, Surveys).
func CardOf(tm *rollcallv1.Teammate) *Card {
	c := &Card{}
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&c.FirstName, tm.Spec.FirstName)
	if card := tm.Spec.Card; card != nil {
		c.Image = card.Image
		set(&c.Bio, card.Bio)
		set(&c.HomeTown, card.HomeTown)
		set(&c.StateOrCountry, card.StateOrCountry)
	}
	return c
}

// Hash returns the cardHash of R-4; empty fields are left out.
func (c *Card) Hash() string {
	var w canonical.Writer
	w.Open()
	w.Text("bio", c.Bio)
	w.Text("firstName", c.FirstName)
	w.Text("homeTown", c.HomeTown)
	if c.Image != nil {
		w.Key("image")
		w.Open()
		if c.Image.Height != nil {
			w.Key("height")
			w.Int(int64(*c.Image.Height))
		}
		w.Key("url")
		w.String(c.Image.URL)
		if c.Image.Width != nil {
			w.Key("width")
			w.Int(int64(*c.Image.Width))
		}
		w.Close()
	}
	w.Text("stateOrCountry", c.StateOrCountry)
	w.Close()
	return canonical.Hash(w.Bytes())
}

// CardApproved reports whether the teammate's approval is for the card as it is now (M-36).
func CardApproved(tm *rollcallv1.Teammate) bool {
	if tm.Spec.Card == nil || tm.Spec.Card.Approval == nil {
		return false
	}
	a := tm.Spec.Card.Approval
	return a.State == rollcallv1.ApprovalStateApproved && a.CardHash != nil && *a.CardHash == CardOf(tm).Hash()
}

// personToKeep is what the Ledger should remember of a teammate from now on.
func (r *Roster) personToKeep(t *incr.Task, teammate string) Person {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return Person{}
	}
	p := r.Person(t, teammate)
	p.from = cmp.Or(p.from, p.ID())
	p.Key, p.Name = IdentityKey(tm.Spec.Identity), teammate
	if p.ConfirmedAt == nil {
		p.ConfirmedAt = confirmedByAnnotation(tm)
	}
	switch {
	case tm.Spec.Lifecycle.State == rollcallv1.LifecycleStateArchived:
		if p.ArchivedAt == nil {
			p.ArchivedAt = new(t.Now())
		}
	case *r.Policies(t).Archive.Reversible:
		p.ArchivedAt = nil
	}
	if CardApproved(tm) {
		p.ApprovedCard = CardOf(tm)
	}
	m := r.Memberships(t, teammate)
	p.Home, p.Cover = m.Home, m.Cover
	p.Campaign = r.Assignment(t, teammate).Campaign
	return p
}

func confirmedByAnnotation(tm *rollcallv1.Teammate) *time.Time {
	s, ok := tm.Annotations[rollcallv1.AnnotationConfirmedAt]
	if !ok {
		return nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil
	}
	return new(at.UTC())
}

// personChanged records what is to be remembered. A teammate who is gone leaves their record behind: see Departed.
func (r *Roster) personChanged(_ string, _, after Person) {
	r.peopleMoved = true
	if after.Name == "" {
		return
	}
	if after.from != after.ID() {
		r.ForgetPerson(after.from)
	}
	if after.empty() {
		r.ForgetPerson(after.ID())
		return
	}
	if old, ok := r.memory.People[after.ID()]; !ok || !samePerson(old, after.kept()) {
		r.SetPerson(after)
	}
}

// kept is the record as it is stored.
func (p Person) kept() Person {
	p.from = ""
	return p
}

// PeopleMoved reports, once, whether a record may have lost the person it belongs to since the last call.
func (r *Roster) PeopleMoved() bool {
	moved := r.peopleMoved
	r.peopleMoved = false
	return moved
}

// Departed reports whether nobody matches a record: the engine forgets it after a grace.
func (r *Roster) Departed(id string) bool {
	p, ok := r.memory.People[id]
	if !ok {
		return false
	}
	for _, name := range append([]string{p.Name}, r.identities.Get(nil, p.Key)...) {
		if r.Exists(nil, KindTeammate, name) && r.remembered.Get(nil, name).ID() == id {
			return false
		}
	}
	return true
}

// Confirmed returns when the teammate's account was confirmed: as remembered, else by annotation. Assuming
// confirmation (offline, without a Ledger) is the caller's: see AssumeConfirmed.
func (r *Roster) Confirmed(t *incr.Task, teammate string) *time.Time {
	if p := r.Person(t, teammate); p.ConfirmedAt != nil {
		return p.ConfirmedAt
	}
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return nil
	}
	if at := confirmedByAnnotation(tm); at != nil {
		return at
	}
	if r.assume.Get(t, struct{}{}) {
		return new(time.Time)
	}
	return nil
}

// Unconfirmed returns the teammates who hold one of these identity keys and were not confirmed yet, by key.
func (r *Roster) Unconfirmed(keys []string) map[string]string {
	out := map[string]string{}
	for _, key := range keys {
		for _, name := range r.identities.Get(nil, key) {
			if r.Holds(nil, key, Claimant{KindTeammate, name}) && r.remembered.Get(nil, name).ConfirmedAt == nil {
				out[key] = name
			}
		}
	}
	return out
}

// Confirm records that connected systems report the accounts under these identity keys in use: taken once. Settle must
// follow.
func (r *Roster) Confirm(keys []string) {
	for key, name := range r.Unconfirmed(keys) {
		p := r.remembered.Get(nil, name).kept()
		p.Key, p.Name, p.ConfirmedAt = key, name, new(r.Now())
		r.SetPerson(p)
	}
}

// AssumeConfirmed has everybody count as confirmed, as offline without a Ledger.
func (r *Roster) AssumeConfirmed(yes bool) { r.assume.Set(struct{}{}, yes) }

// ApprovedCard returns the card that was approved last, the present one if its approval holds; nil if none was.
func (r *Roster) ApprovedCard(t *incr.Task, teammate string) *Card {
	if tm := r.Teammate(t, teammate); tm != nil && CardApproved(tm) {
		return CardOf(tm)
	}
	return r.Person(t, teammate).ApprovedCard
}
