// Package mention decides what becomes of mentions (RULES R-11): whether one is accepted and whom it reaches, where the
// alert of each person stands, who resolved it, when it ends and when it is over for good, and which conversations are open
// to whom because of it. Acceptance happens once; what was decided is a state input, whose home is the status of the
// Mention. The package reads the roster and is recomputed with it; decisions are kept by Commit, when nothing moves any more.
package mention

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// People is what the packages that decide about persons answer.
type People interface {
	// GateOpen says whether the gate of the teammate is open.
	GateOpen(t *incr.Task, teammate string) bool
	// MayMention says whether the account permissions of the teammate include mentions.create, whatever the gate.
	MayMention(t *incr.Task, teammate string) bool
	// ViewsAny says whether the teammate has some view permission on at least one of the profiles, which are usable.
	ViewsAny(t *incr.Task, teammate string, profiles []string) bool
	// Conversation returns what a Pending alert lets the teammate do on the conversation, sorted; nil for nothing.
	Conversation(t *incr.Task, teammate string) []string
}

// Mentions are those of one organization.
type Mentions struct {
	roster *roster.Roster
	people People

	// kept is what was decided, by name; next is what follows from it now. Commit makes them the same.
	kept    *incr.Input[string, *State]
	next    *incr.Query[string, *State]
	spent   *incr.Query[string, bool]
	alerted *incr.Index[string, string] // teammate -> mentions with an alert of theirs

	uids    map[string]types.UID // of the objects that kept speaks of
	moved   map[string]struct{}  // names whose next changed since the last Commit
	open    int
	onSpent func(name string)
}

// New adds the queries of mentions to the graph of a roster. The queries of people must have been added before.
func New(r *roster.Roster, people People) *Mentions {
	m := &Mentions{roster: r, people: people, uids: map[string]types.UID{}, moved: map[string]struct{}{}, onSpent: func(string) {}}
	m.kept = incr.NewInput[string, *State](r.Graph, "keptMention", same)
	m.alerted = incr.NewIndex[string, string](r.Graph, "alerted")
	m.next = incr.NewQuery(r.Graph, "mention", same, m.compute)
	m.next.OnChange(func(name string, _, _ *State) { m.moved[name] = struct{}{} })
	m.spent = incr.NewQuery(r.Graph, "spentMention", func(a, b bool) bool { return a == b }, m.isSpent)
	m.spent.OnChange(func(name string, before, after bool) {
		if before != after {
			m.onSpent(name)
		}
	})
	return m
}

// OnSpent has f called, in Settle, when a mention is to be deleted, or no longer.
func (m *Mentions) OnSpent(f func(name string)) { m.onSpent = f }

// Remember takes what the status of Mentions says was decided, before their objects are applied. A status without a phase is
// a lost one: the mention is accepted anew.
func (m *Mentions) Remember(objects []*rollcallv1.Mention) {
	for _, o := range objects {
		if s := FromStatus(&o.Status); s != nil {
			m.keep(o.Name, s)
			m.uids[o.Name] = o.UID
		}
	}
}

// Watch follows an object that the roster has by now, or, with deleted, has no more. What was decided about another object
// of that name is forgotten.
func (m *Mentions) Watch(o *rollcallv1.Mention, deleted bool) {
	uid, known := m.uids[o.Name]
	if deleted || known && uid != o.UID && uid != "" && o.UID != "" {
		m.keep(o.Name, nil)
	}
	if deleted {
		delete(m.uids, o.Name)
		m.next.Unobserve(o.Name)
		m.spent.Unobserve(o.Name)
		return
	}
	m.uids[o.Name] = o.UID
	m.moved[o.Name] = struct{}{} // what follows from it may equal what followed from another object
	m.next.Observe(o.Name)
	m.spent.Observe(o.Name)
}

// Review drops what is remembered of mentions that do not exist. Call it once the objects of a start are known.
func (m *Mentions) Review() {
	for name := range m.uids {
		if m.roster.Mention(nil, name) == nil {
			m.keep(name, nil)
			delete(m.uids, name)
		}
	}
}

// Commit keeps what was decided. It is for the moment when the graph is settled: a decision is final, so it must not rest
// on anything that the same change will still move. It is true if Settle must follow.
func (m *Mentions) Commit() bool {
	moved := slices.Sorted(maps.Keys(m.moved))
	clear(m.moved)
	changed := false
	for _, name := range moved {
		if m.roster.Mention(nil, name) == nil {
			continue
		}
		if next := m.next.Get(nil, name); !same(m.kept.Get(nil, name), next) {
			m.keep(name, next)
			changed = true
		}
	}
	return changed
}

func (m *Mentions) keep(name string, s *State) {
	before := m.kept.Get(nil, name)
	m.open += count(s) - count(before)
	for _, a := range alertsOf(before) {
		if s == nil || s.alert(a.Name) == nil {
			m.alerted.Remove(a.Name, name)
		}
	}
	for _, a := range alertsOf(s) {
		if before == nil || before.alert(a.Name) == nil {
			m.alerted.Add(a.Name, name)
		}
	}
	if s == nil {
		m.kept.Delete(name)
		return
	}
	m.kept.Set(name, s)
}

func count(s *State) int {
	if s != nil && s.Phase == rollcallv1.MentionPhasePending {
		return 1
	}
	return 0
}

func alertsOf(s *State) []Alert {
	if s == nil {
		return nil
	}
	return s.Alerts
}

// Open returns how many mentions are Pending.
func (m *Mentions) Open() int { return m.open }

// State returns what became of a mention; nil for one that does not exist. It must not be changed.
func (m *Mentions) State(t *incr.Task, name string) *State { return m.next.Get(t, name) }

// Of returns the mentions that have, or had, an alert of the teammate, sorted.
func (m *Mentions) Of(t *incr.Task, teammate string) []string {
	return slices.Clone(m.alerted.Get(t, teammate))
}

// Spent reports whether a mention came to its end so long ago that it is to be deleted.
func (m *Mentions) Spent(t *incr.Task, name string) bool { return m.spent.Get(t, name) }

func (m *Mentions) isSpent(t *incr.Task, name string) bool {
	s := m.next.Get(t, name)
	if s == nil || !s.Final() {
		return false
	}
	return t.Reached(s.EndedAt().Add(m.roster.MentionRetention(t)))
}

// compute is what became of a mention: what was decided before, moved on until nothing moves. Acceptance is a step of its
// own, so that resolutions which are there already find the alerts that it makes.
func (m *Mentions) compute(t *incr.Task, name string) *State {
	o := m.roster.Mention(t, name)
	if o == nil {
		return nil
	}
	s := m.kept.Get(t, name)
	if s == nil {
		s = m.accept(t, o)
	}
	for {
		next := m.advance(t, o, s)
		if same(s, next) {
			return next
		}
		s = next
	}
}

// Grant is one conversation that is open to somebody because of a mention.
type Grant struct {
	Mention, ConversationID string
	// Permissions on the conversation, sorted.
	Permissions []string
	// Until is when it ends if nobody resolves the mention before; nil for never.
	Until *time.Time
}

// Grants returns the mention grants of a teammate, sorted by mention: one for each Pending alert of a Pending mention,
// unless account-level denies leave nothing of it (R-11, Access).
func (m *Mentions) Grants(t *incr.Task, teammate string) []Grant {
	var out []Grant
	for _, name := range m.Of(t, teammate) {
		s := m.next.Get(t, name)
		if s == nil || s.Phase != rollcallv1.MentionPhasePending {
			continue
		}
		if a := s.alert(teammate); a == nil || a.State != rollcallv1.AlertStatePending {
			continue
		}
		permissions := m.people.Conversation(t, teammate)
		if len(permissions) == 0 {
			continue
		}
		g := Grant{Mention: name, Permissions: permissions, Until: s.ExpiresAt}
		if c := m.roster.Mention(t, name).Spec.Conversation; c != nil {
			g.ConversationID = c.ExternalID
		}
		out = append(out, g)
	}
	return out
}
