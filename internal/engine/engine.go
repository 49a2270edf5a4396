// Package engine puts the pure packages together: one organization in memory that takes changes and the passing of time,
// and says what each of them touched. Controllers, command line, simulator and tests ask it; nobody else decides.
//
// An Engine is not safe for concurrent use; Locked wraps one for the manager.
package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/lifecycle"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/mention"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// personGrace is how long the Ledger remembers a person whom no teammate matches.
const personGrace = 2 * time.Minute

// Touched says whose results changed. Everything in it is to be read anew from the engine; lists are sorted.
type Touched struct {
	// Access names the teammates whose EffectiveAccess changed, or who are gone.
	Access []string
	// Plans are the targets whose RoutePlan changed, or who have none any more.
	Plans []routing.Target
	// Inputs are the objects whose status changed, and Mentions that are to be deleted now (see Mentions.Spent).
	Inputs []lint.Object
	// Ledger are the shards to write before anything else is: what follows from them must not be seen before they are kept.
	Ledger []ledger.Shard
}

// Empty reports whether nothing changed.
func (t Touched) Empty() bool {
	return len(t.Access) == 0 && len(t.Plans) == 0 && len(t.Inputs) == 0 && len(t.Ledger) == 0
}

// Counts are the numbers of Organization.status.counts.
type Counts = rollcallv1.OrganizationCounts

// Engine is one organization.
type Engine struct {
	Roster    *roster.Roster
	Lifecycle *lifecycle.Lifecycle
	Access    *access.Access
	Routing   *routing.Planner
	Mentions  *mention.Mentions
	Lint      *lint.Lint

	book      *ledger.Book
	access    map[string]struct{}
	plans     map[routing.Target]struct{}
	inputs    map[lint.Object]struct{}
	shards    map[string]ledger.Shard
	unmatched map[string]time.Time // record of a person -> since when no teammate matches
	held      map[lint.Object]roster.Change
	// remembered asks for a review of the memory once all objects are known.
	remembered bool
	phases     map[rollcallv1.Phase]int32
}

// people answers what planner and mentions ask about persons.
type people struct{ *Engine }

func (p people) GateOpen(t *incr.Task, teammate string) bool { return p.Lifecycle.Open(t, teammate) }
func (p people) Handles(t *incr.Task, teammate string) bool  { return p.Access.CanHandle(t, teammate) }
func (p people) ViewsAny(t *incr.Task, teammate string, profiles []string) bool {
	return p.Access.CanView(t, teammate, profiles)
}

func (p people) MayMention(t *incr.Task, teammate string) bool {
	return p.Access.CanMention(t, teammate)
}
func (p people) Conversation(t *incr.Task, teammate string) []string {
	return p.Access.Conversation(t, teammate)
}

func (p people) ChatLimit(t *incr.Task, teammate string) int32 {
	tm := p.Roster.Teammate(t, teammate)
	if tm == nil {
		return 0
	}
	limit, _ := p.Access.ChatLimit(t, tm)
	return limit
}

// New returns an empty organization at the instant now.
func New(now time.Time) *Engine {
	e := &Engine{
		Roster: roster.New(now),
		access: map[string]struct{}{}, plans: map[routing.Target]struct{}{}, inputs: map[lint.Object]struct{}{},
		shards: map[string]ledger.Shard{}, unmatched: map[string]time.Time{}, held: map[lint.Object]roster.Change{}, phases: map[rollcallv1.Phase]int32{},
	}
	e.book, _ = ledger.Open(nil)
	e.Lifecycle = lifecycle.New(e.Roster)
	e.Lifecycle.OnChange(func(_ string, before, after lifecycle.State) {
		e.phases[before.Phase]--
		e.phases[after.Phase]++
	})
	e.Access = access.New(e.Roster, e.Lifecycle)
	e.Access.Digests().OnChange(func(name string, _, _ access.Digest) { e.access[name] = struct{}{} })
	e.Routing = routing.NewPlanner(e.Roster, people{e})
	e.Routing.OnChange(func(x routing.Target, _, _ *routing.Plan) { e.plans[x] = struct{}{} })
	e.Mentions = mention.New(e.Roster, people{e})
	e.Mentions.OnSpent(func(name string) { e.inputs[lint.Object{Kind: roster.KindMention, Name: name}] = struct{}{} })
	e.Lint = lint.New(e.Roster, e.Lifecycle, e.Access, e.Routing, e.Mentions)
	e.Lint.Digests().OnChange(func(o lint.Object, _, _ uint64) { e.inputs[o] = struct{}{} })
	return e
}

// Remember takes the state inputs of the namespace, before the first Apply: its Ledger objects and the statuses of its
// Mentions, which are read here and never again. outputs says whether the namespace has any EffectiveAccess or RoutePlan:
// with outputs and without a Ledger, the Ledger was lost.
func (e *Engine) Remember(objects []*rollcallv1.Ledger, outputs bool, mentions ...*rollcallv1.Mention) {
	book, memory := ledger.Open(objects)
	e.book = book
	e.Roster.Remember(memory, book.Exists(), outputs && !book.Exists())
	e.Roster.TakeFresh()
	e.Mentions.Remember(mentions)
	e.remembered = true
}

// Apply moves to the instant now, takes changes and returns what they touched. Objects must not be changed afterwards.
func (e *Engine) Apply(now time.Time, changes ...roster.Change) Touched {
	for _, c := range changes {
		e.held[lint.ObjectOf(c.Object)] = c
	}
	if e.Frozen() {
		return Touched{}
	}
	changes = changes[:0:0]
	for _, o := range sortedKeys(e.held, compareObjects) {
		changes = append(changes, e.held[o])
	}
	e.held = map[lint.Object]roster.Change{}
	e.Roster.Advance(now)
	e.Roster.Apply(changes...)
	for _, c := range changes {
		e.watch(c)
	}
	return e.settle()
}

// Frozen reports whether the Organization is missing: changes are held and time does not pass, so that results and
// memory stay as they were, until it appears.
func (e *Engine) Frozen() bool {
	if c, changed := e.held[lint.Object{Kind: roster.KindOrganization, Name: rollcallv1.OrganizationName}]; changed {
		return c.Deleted
	}
	return e.Roster.Organization(nil) == nil
}

func compareObjects(a, b lint.Object) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// Advance moves to the instant now and returns what time touched.
func (e *Engine) Advance(now time.Time) Touched { return e.Apply(now) }

// watch keeps the results of existing objects up to date, and forgets those of deleted ones.
func (e *Engine) watch(c roster.Change) {
	o := lint.ObjectOf(c.Object)
	if o.Kind == roster.KindOrganization && o.Name != rollcallv1.OrganizationName {
		return
	}
	if c.Deleted {
		e.Lint.Digests().Unobserve(o)
	} else {
		e.Lint.Digests().Observe(o)
	}
	if m, ok := c.Object.(*rollcallv1.Mention); ok {
		e.Mentions.Watch(m, c.Deleted)
	}
	if o.Kind != roster.KindTeammate {
		return
	}
	if c.Deleted {
		e.Access.Digests().Unobserve(o.Name)
	} else {
		e.Access.Digests().Observe(o.Name)
	}
}

// Lose takes the deletion of Ledger objects that the operator did not delete itself: what they held is lost. What is
// lost together is to be given together: whether anything of the Ledger is left decides who gets the keys. It is false
// if the book holds none of them.
func (e *Engine) Lose(now time.Time, shards ...string) (Touched, bool) {
	e.Roster.Advance(now)
	var losses []ledger.Loss
	for _, shard := range shards {
		if loss, ok := e.book.Lose(shard); ok {
			losses = append(losses, loss)
		}
	}
	if len(losses) == 0 {
		return Touched{}, false
	}
	e.Roster.LedgerKnown(e.book.Exists())
	for _, loss := range losses {
		loss.Apply(e.Roster)
	}
	return e.settle(), true
}

// Confirm takes in that connected systems report the accounts under these identity keys in use. While the Organization is
// missing nothing is taken in: it will be reported again.
func (e *Engine) Confirm(now time.Time, keys []string) Touched {
	if e.Frozen() || len(keys) == 0 {
		return Touched{}
	}
	e.Roster.Advance(now)
	e.Roster.Confirm(keys)
	return e.settle()
}

// settle recomputes, keeps what is to be remembered, and collects what changed.
func (e *Engine) settle() Touched {
	if e.remembered {
		e.Roster.ReviewClaims()
	}
	e.Roster.Settle()
	if e.remembered {
		e.remembered = false
		e.Roster.ReviewStamps()
		e.Mentions.Review()
	}
	e.forgetDeparted()
	for fresh := e.Roster.TakeFresh(); !fresh.Empty() || !e.book.Exists(); fresh = e.Roster.TakeFresh() {
		for _, s := range e.book.Update(e.Roster.Memory(), fresh) {
			e.shards[s.Name] = s
		}
		e.Roster.LedgerKnown(e.book.Exists())
		e.Roster.LedgerHandled()
		e.Roster.Settle()
	}
	for e.Mentions.Commit() {
		e.Roster.Settle()
	}
	return e.take()
}

// forgetDeparted drops records whom nobody matched for the grace. All records are looked at only when a person came, went
// or changed their identity.
func (e *Engine) forgetDeparted() {
	now := e.Roster.Now()
	if e.Roster.PeopleMoved() {
		for id := range e.Roster.Memory().People {
			if _, known := e.unmatched[id]; !known && e.Roster.Departed(id) {
				e.unmatched[id] = now
			}
		}
	}
	for id, since := range e.unmatched {
		switch {
		case !e.Roster.Departed(id):
			delete(e.unmatched, id)
		case now.Sub(since) >= personGrace:
			e.Roster.ForgetPerson(id)
			delete(e.unmatched, id)
		}
	}
}

func (e *Engine) take() Touched {
	t := Touched{
		Access: sortedKeys(e.access, strings.Compare),
		Plans: sortedKeys(e.plans, func(a, b routing.Target) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		}),
		Inputs: sortedKeys(e.inputs, compareObjects),
	}
	for _, name := range sortedKeys(e.shards, strings.Compare) {
		t.Ledger = append(t.Ledger, e.shards[name])
	}
	// New ones: a map keeps the size that it once had, and so would going through it.
	e.access, e.plans, e.inputs, e.shards = map[string]struct{}{}, map[routing.Target]struct{}{}, map[lint.Object]struct{}{}, map[string]ledger.Shard{}
	return t
}

func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, compare)
	return out
}

// NextTransition returns the first instant after now at which time alone may change anything, false if there is none.
func (e *Engine) NextTransition() (time.Time, bool) {
	next, ok := e.Roster.Graph.Next()
	for _, since := range e.unmatched {
		if at := since.Add(personGrace); !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	return next, ok
}

// Counts returns how many people are in which list, and how many groups there are.
func (e *Engine) Counts() Counts {
	var c Counts
	for phase, n := range e.phases {
		if phase == "" {
			continue
		}
		c.Teammates += n
		switch (lifecycle.State{Phase: phase}).Listing() {
		case lifecycle.ListedInvalid:
			c.Invalid += n
		case lifecycle.ListedInvited:
			c.Invited += n
		case lifecycle.ListedActive:
			c.Active += n
		case lifecycle.ListedArchived:
			if phase == rollcallv1.PhaseBlocked {
				c.Blocked += n
			} else {
				c.Archived += n
			}
		}
	}
	c.Groups = int32(len(e.Roster.Names(nil, roster.KindUserGroup)))
	return c
}

// EffectiveAccess returns the output object of a teammate as it should be: name, labels and status without conditions;
// nil for a teammate who does not exist.
func (e *Engine) EffectiveAccess(teammate string) *rollcallv1.EffectiveAccess {
	res := e.Access.Of(teammate)
	if res == nil {
		return nil
	}
	o := &rollcallv1.EffectiveAccess{Status: res.Status()}
	o.Name = teammate
	o.Labels = map[string]string{rollcallv1.LabelTeammate: teammate, rollcallv1.LabelManagedBy: rollcallv1.ManagedBy}
	if at, ok := e.Access.NextTransition(teammate); ok {
		o.Status.NextTransition = new(metav1.NewTime(at))
	}
	return o
}

// Mention returns the status of a Mention as it should be, its conditions without times; the zero status for one that does
// not exist. Its alerts are a state input: whoever carries the organization on into another Engine gives it to Remember.
func (e *Engine) Mention(name string) rollcallv1.MentionStatus { return e.Lint.Mention(name) }

// RoutePlan returns the output object of a target as it should be, nil for a target that has none.
func (e *Engine) RoutePlan(x routing.Target) *rollcallv1.RoutePlan {
	plan := e.Routing.Plan(nil, x)
	if plan == nil {
		return nil
	}
	o := &rollcallv1.RoutePlan{Status: plan.Status()}
	kind := strings.ToLower(string(x.Kind))
	o.Name = kind + "-" + x.Name
	o.Labels = map[string]string{rollcallv1.LabelTargetKind: kind, rollcallv1.LabelTargetName: x.Name, rollcallv1.LabelManagedBy: rollcallv1.ManagedBy}
	if at, ok := e.Routing.NextTransition(x); ok {
		o.Status.NextTransition = new(metav1.NewTime(at))
	}
	return o
}
