// Package desired derives the records that connected systems ought to hold from the engine: people, groups, access, routes
// with their schedules, and mentions. It adds queries to the engine's graph, so that a change recomputes the records that it
// touches and no others, and says which they are; contents are made when somebody asks. It also keeps what the guards ask
// about the organization: who is gone since when, who lost their access without anybody asking for it, and how many hold each
// protected role. It is pure, and as safe for concurrent use as the engine: not at all.
package desired

import (
	"maps"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/lifecycle"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// forgotten is how long a departure is remembered: longer than any grace.
const forgotten = 25 * time.Hour

// facts are what is remembered of a record between changes.
type facts struct {
	key       string // empty: no record
	active    bool
	cause     downstream.Cause
	end       int64 // of the window that ended, in seconds; 0: none
	protected string
	hash      string
}

// Set is the records of one organization.
type Set struct {
	engine *engine.Engine
	memory

	keys     *incr.Query[string, string]
	untils   *incr.Query[string, []stay]
	users    *incr.Query[string, facts]
	accesses *incr.Query[string, facts]
	groups   *incr.Query[string, facts]
	routes   *incr.Query[routing.Target, facts]
	hours    *incr.Query[string, facts]
	mentions *incr.Query[string, facts]
}

// memory is what a Set knows while it is open.
type memory struct {
	closed bool
	since  time.Time
	last   time.Time // the instant of the update before

	moved   []movement
	touched map[downstream.ID]struct{}
	names   map[downstream.ID]string // of the object of each record
	targets map[string]routing.Target
	counts  map[downstream.Kind]int
	facts   map[downstream.ID]facts

	gone    map[string]plan.Departure
	holders map[string]int // active people by protected role
	losses  plan.Losses
	ended   map[downstream.ID]time.Time // window ends after which a record conferred nothing
	watched map[object]struct{}
	live    map[routing.Target]struct{}
	// changed are objects to look for once the engine takes changes again: it holds them while there is no Organization.
	changed map[object]struct{}
}

type object struct{ kind, name string }

// movement is one change of the facts of a record.
type movement struct {
	kind          downstream.Kind
	name          string
	before, after facts
}

// New derives the records of an engine, which must have been given its objects. Names of every record are touched.
func New(e *engine.Engine) *Set {
	s := &Set{engine: e}
	g := e.Roster.Graph
	same := func(a, b facts) bool { return a == b }
	s.keys = incr.NewQuery(g, "recordKey", func(a, b string) bool { return a == b }, s.keyOf)
	s.untils = incr.NewQuery(g, "stays", slices.Equal, s.staysOf)
	s.users = incr.NewQuery(g, "userRecord", same, s.userFacts)
	s.accesses = incr.NewQuery(g, "accessRecord", same, s.accessFacts)
	s.groups = incr.NewQuery(g, "groupRecord", same, s.groupFacts)
	s.routes = incr.NewQuery(g, "routeRecord", same, s.routeFacts)
	s.hours = incr.NewQuery(g, "scheduleRecord", same, s.scheduleFacts)
	s.mentions = incr.NewQuery(g, "mentionRecord", same, s.mentionFacts)
	note := func(kind downstream.Kind) func(string, facts, facts) {
		return func(name string, before, after facts) {
			if before != after {
				s.moved = append(s.moved, movement{kind, name, before, after})
			}
		}
	}
	s.users.OnChange(note(downstream.Users))
	s.accesses.OnChange(note(downstream.Access))
	s.groups.OnChange(note(downstream.Groups))
	s.hours.OnChange(note(downstream.Routes))
	s.mentions.OnChange(note(downstream.Mentions))
	s.routes.OnChange(func(x routing.Target, before, after facts) {
		if before != after {
			s.targets[downstream.RouteKey(string(x.Kind), x.Name)] = x
			s.moved = append(s.moved, movement{downstream.Routes, x.Name, before, after})
		}
	})
	s.Open()
	return s
}

// Open derives everything anew, at first and after Close.
func (s *Set) Open() {
	now := s.engine.Roster.Now()
	s.memory = memory{
		since: now, last: now, touched: map[downstream.ID]struct{}{}, names: map[downstream.ID]string{},
		targets: map[string]routing.Target{}, counts: map[downstream.Kind]int{}, facts: map[downstream.ID]facts{},
		gone: map[string]plan.Departure{}, holders: map[string]int{}, ended: map[downstream.ID]time.Time{},
		watched: map[object]struct{}{}, live: map[routing.Target]struct{}{}, changed: map[object]struct{}{},
	}
	for _, kind := range []string{roster.KindTeammate, roster.KindUserGroup, roster.KindSchedule, roster.KindMention} {
		for _, name := range s.engine.Roster.Names(nil, kind) {
			s.watch(kind, name, true)
		}
	}
	s.Update()
}

// Close gives up everything that is derived, because nobody asks for it: the engine keeps nothing up to date any more, and the
// Set takes no room. Its tables stay in the engine's graph for Open.
func (s *Set) Close() {
	for o := range maps.Clone(s.watched) {
		s.watch(o.kind, o.name, false)
	}
	for x := range s.live {
		s.routes.Unobserve(x)
	}
	s.engine.Roster.Settle()
	s.memory = memory{closed: true}
}

// Closed reports whether Close was called after the last Open.
func (s *Set) Closed() bool { return s.closed }

// watch keeps the records of an object up to date, or no longer.
func (s *Set) watch(kind, name string, there bool) {
	var tables []*incr.Query[string, facts]
	switch kind {
	case roster.KindTeammate:
		tables = []*incr.Query[string, facts]{s.users, s.accesses}
	case roster.KindUserGroup:
		tables = []*incr.Query[string, facts]{s.groups}
	case roster.KindSchedule:
		tables = []*incr.Query[string, facts]{s.hours}
	case roster.KindMention:
		tables = []*incr.Query[string, facts]{s.mentions}
	}
	for _, q := range tables {
		if there {
			q.Observe(name)
			s.watched[object{kind, name}] = struct{}{}
		} else {
			q.Unobserve(name)
			delete(s.watched, object{kind, name})
		}
	}
}

// Update takes in what the engine took in, and is to be called after each of its Apply, Advance and Lose with the same
// changes. While there is no Organization nothing changes. It returns the identities of the records that changed or are gone, sorted.
func (s *Set) Update(changes ...roster.Change) []downstream.ID {
	if s.closed {
		return nil
	}
	r := s.engine.Roster
	for _, c := range changes {
		switch c.Object.(type) {
		case *rollcallv1.Teammate:
			s.changed[object{roster.KindTeammate, c.Object.GetName()}] = struct{}{}
		case *rollcallv1.UserGroup:
			s.changed[object{roster.KindUserGroup, c.Object.GetName()}] = struct{}{}
		case *rollcallv1.Schedule:
			s.changed[object{roster.KindSchedule, c.Object.GetName()}] = struct{}{}
		case *rollcallv1.Mention:
			s.changed[object{roster.KindMention, c.Object.GetName()}] = struct{}{}
		}
	}
	if s.engine.Frozen() {
		return nil
	}
	for o := range s.changed {
		s.watch(o.kind, o.name, r.Exists(r.Graph.Peek(), o.kind, o.name))
	}
	clear(s.changed)
	s.watchTargets()
	r.Settle()
	now := r.Now()
	moved := s.moved
	s.moved = nil
	for _, m := range moved { // what ends first: a key may pass from one to the other
		if m.before.key != "" && m.before.key != m.after.key {
			s.drop(m, now)
		}
	}
	for _, m := range moved {
		if m.after.key != "" {
			s.put(m, now)
		}
	}
	maps.DeleteFunc(s.gone, func(_ string, d plan.Departure) bool { return now.Sub(d.Since) >= forgotten })
	s.last = now
	ids := slices.SortedFunc(maps.Keys(s.touched), downstream.ID.Compare)
	s.touched = map[downstream.ID]struct{}{}
	return ids
}

func (s *Set) watchTargets() {
	now := map[routing.Target]struct{}{}
	for _, x := range s.engine.Routing.Targets(s.engine.Roster.Graph.Peek()) {
		now[x] = struct{}{}
		if _, known := s.live[x]; !known {
			s.routes.Observe(x)
		}
	}
	for x := range s.live {
		if _, still := now[x]; !still {
			s.routes.Unobserve(x)
		}
	}
	s.live = now
}

// drop takes a record out.
func (s *Set) drop(m movement, now time.Time) {
	id := downstream.ID{Kind: m.kind, Key: m.before.key}
	s.touched[id] = struct{}{}
	if s.names[id] != m.name {
		return // somebody else has it by now
	}
	s.settle(id, facts{})
	delete(s.names, id)
	if m.kind != downstream.Users && m.kind != downstream.Access {
		return
	}
	if m.kind == downstream.Access {
		s.losses.Regain(m.name)
	}
	if tm := s.engine.Roster.Teammate(nil, m.name); tm == nil || tm.DeletionTimestamp != nil {
		if _, known := s.gone[id.Key]; !known {
			s.gone[id.Key] = plan.Departure{Name: m.name, Since: now, Observed: true, Protected: m.before.protected}
		}
	}
}

// put takes a record in, or its new state.
func (s *Set) put(m movement, now time.Time) {
	id := downstream.ID{Kind: m.kind, Key: m.after.key}
	s.touched[id] = struct{}{}
	s.names[id] = m.name
	delete(s.gone, id.Key)
	before, known := s.facts[id]
	s.settle(id, m.after)
	switch {
	case m.after.active:
		delete(s.ended, id)
		if id.Kind == downstream.Access {
			s.losses.Regain(m.name)
		}
	case known && before.active && m.after.cause == downstream.Inferred:
		if end, ended := s.endedNow(id.Kind, m.name, now); ended {
			s.ended[id] = end
		} else if id.Kind == downstream.Access {
			s.losses.Lose(now, m.name)
		}
	}
}

// settle keeps the numbers.
func (s *Set) settle(id downstream.ID, after facts) {
	before, known := s.facts[id]
	if known {
		s.counts[id.Kind]--
		if id.Kind == downstream.Users && before.active && before.protected != "" {
			s.holders[before.protected]--
		}
	}
	delete(s.facts, id)
	if after.key == "" {
		delete(s.ended, id)
		return
	}
	s.facts[id] = after
	s.counts[id.Kind]++
	if id.Kind == downstream.Users && after.active && after.protected != "" {
		s.holders[after.protected]++
	}
}

// IDs returns the identities of all records of the kinds, sorted.
func (s *Set) IDs(kinds []downstream.Kind) []downstream.ID {
	var out []downstream.ID
	for id := range s.facts {
		if slices.Contains(kinds, id.Kind) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, downstream.ID.Compare)
	return out
}

// Wanted reports whether there is a record of that identity.
func (s *Set) Wanted(id downstream.ID) bool {
	_, ok := s.facts[id]
	return ok
}

// Present reports whether a Teammate of that name exists.
func (s *Set) Present(name string) bool {
	return s.engine.Roster.Exists(s.engine.Roster.Graph.Peek(), roster.KindTeammate, name)
}

// Records returns the records of those of the identities that have one, in their order.
func (s *Set) Records(ids []downstream.ID) []plan.Wanted {
	t := s.engine.Roster.Graph.Peek()
	out := make([]plan.Wanted, 0, len(ids))
	for _, id := range ids {
		f, ok := s.facts[id]
		if !ok {
			continue
		}
		name := s.names[id]
		w := plan.Wanted{Record: downstream.Record{Kind: id.Kind, Key: id.Key, Name: name, Active: f.active, Cause: f.cause}, Protected: f.protected}
		if f.end != 0 {
			w.End = time.Unix(f.end, 0).UTC()
		}
		if end, ended := s.ended[id]; ended {
			w.Cause, w.End = downstream.WindowEnd, end
		}
		w.Content = s.content(t, id, name)
		if id.Kind == downstream.Users || id.Kind == downstream.Access {
			w.Ends = slices.DeleteFunc(s.ends(t, name), func(at time.Time) bool { return !at.After(s.last) })
		}
		out = append(out, w)
	}
	return out
}

func (s *Set) content(t *incr.Task, id downstream.ID, name string) downstream.Content {
	switch {
	case id.Kind == downstream.Users:
		return s.user(t, name)
	case id.Kind == downstream.Access:
		return s.access(t, name)
	case id.Kind == downstream.Groups:
		return s.group(t, name)
	case downstream.IsSchedule(id.Key):
		return s.schedule(t, name)
	case id.Kind == downstream.Routes:
		return s.route(t, s.targets[id.Key])
	}
	return s.mention(t, name)
}

// Situation is what the guards must know of the organization.
func (s *Set) Situation() plan.Situation {
	now := s.engine.Roster.Now()
	t := s.engine.Roster.Graph.Peek()
	out := plan.Situation{
		Now: now, Since: s.since, Departed: maps.Clone(s.gone), Counts: maps.Clone(s.counts), Holders: map[string]int{},
		Alarm: s.losses.Alarm(now, len(s.engine.Roster.Names(t, roster.KindTeammate))),
	}
	out.Losses = s.losses.All()
	for _, name := range slices.Concat(s.engine.Roster.Names(t, roster.KindAccountRole), builtinRoles) {
		if s.protects(t, name) {
			out.Holders[name] = s.holders[name]
		}
	}
	return out
}

// Losses returns what is remembered of people who lost their access, for Recall of a Set that takes the place of this one.
func (s *Set) Losses() []plan.Loss { return s.losses.All() }

// Recall takes in what was remembered of people who lost their access, before a restart: whoever is still without counts.
func (s *Set) Recall(losses []plan.Loss) {
	t := s.engine.Roster.Graph.Peek()
	s.losses.Recall(s.engine.Roster.Now(), losses, func(teammate string) bool {
		f, known := s.facts[downstream.ID{Kind: downstream.Access, Key: s.keys.Get(t, teammate)}]
		return known && !f.active && f.cause == downstream.Inferred
	})
}

// Lost takes in who lost their access while nobody looked: a connected system still has what they had.
func (s *Set) Lost(teammates []string) {
	for _, name := range teammates {
		s.losses.Lose(s.engine.Roster.Now(), name)
	}
}

// builtinRoles are those that may have protectLastHolder without any object.
var builtinRoles = []string{"owner", "administrator", "enterprise", "manager", "supervisor", "team-leader", "agent", "staff", "viewer"}

// protects reports whether an account role has protectLastHolder.
func (s *Set) protects(t *incr.Task, role string) bool {
	a := s.engine.Roster.EffectiveAccountRole(t, role)
	return a != nil && a.Spec.ProtectLastHolder != nil && *a.Spec.ProtectLastHolder
}

// Cause says why a record that is not of a person is not wanted: because its object says so, or as a consequence of something
// else.
func (s *Set) Cause(id downstream.ID) downstream.Cause {
	if id.Kind == downstream.Mentions {
		return downstream.Settled
	}
	x, known := s.targets[id.Key]
	if !known || x.Kind != routing.KindUserGroup {
		return downstream.Inferred
	}
	g := s.engine.Roster.UserGroup(nil, x.Name)
	if g != nil && (g.Spec.State == rollcallv1.SwitchDisabled || g.Spec.Voice == nil || g.Spec.Voice.Dialing == nil) {
		return downstream.Declared
	}
	return downstream.Inferred
}

// causeOf is why the gate of a person is closed.
func causeOf(state lifecycle.State) downstream.Cause {
	switch {
	case state.Open:
		return downstream.CauseNone
	case state.Phase == rollcallv1.PhaseArchived:
		return downstream.Archived
	case state.Phase == rollcallv1.PhaseBlocked:
		return downstream.Blocked
	case state.Phase == rollcallv1.PhaseEnded:
		return downstream.Ended
	}
	return downstream.Inferred
}
