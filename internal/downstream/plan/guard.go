package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

const (
	// belowFloor is the greatest number of removals that go where there are fewer records than the floor.
	belowFloor = 3
	// departures are counted over this long; an end known for longer than announced does not count.
	explicitWindow = 10 * time.Minute
	announced      = 24 * time.Hour
)

// ApprovalLength is how long an approval stands.
const ApprovalLength = time.Hour

// Guard holds removals of one Downstream back. It remembers what it saw, in memory only: after a restart
// confirmations begin anew, which delays and never hastens.
type Guard struct {
	pending  map[downstream.ID]Step
	absences map[downstream.ID]int      // complete plans in a row that asked for the removal
	latched  map[downstream.ID]struct{} // held until approved, whatever the numbers say later
	left     map[string]time.Time       // people let go by an explicit act -> when

	released   map[downstream.ID]struct{}
	approved   string // hash
	approvedAt time.Time
	void       string // an approval that does not count any more
}

// NewGuard returns a guard that saw nothing yet.
func NewGuard() *Guard {
	return &Guard{
		pending: map[downstream.ID]Step{}, absences: map[downstream.ID]int{}, latched: map[downstream.ID]struct{}{}, left: map[string]time.Time{},
	}
}

// Question is what a guard is asked.
type Question struct {
	Policy    Policy
	Situation Situation
	Inventory *Inventory
	// Steps are those of a plan; Full and Touched are those of its Input.
	Steps   []Step
	Full    bool
	Touched []downstream.ID
	// Complete says whether everything of a kind was seen at the last reading.
	Complete func(downstream.Kind) bool
	// Approval is the value of the annotation approve-removals.
	Approval string
	// Self says whether a record is the identity that the operator acts under.
	Self func(*Step) bool
}

// Held is a removal that waits.
type Held struct {
	ID   downstream.ID
	Name string // of the object
	// Reason is OverLimit or AwaitingConfirmation.
	Reason string
}

// Verdict is what a guard says.
type Verdict struct {
	// Go are the steps to take, in order.
	Go []Step
	// Held are the removals that wait, sorted; Hash is over them and nothing else, empty if there are none.
	Held []Held
	Hash string
	// ApprovedAt is when the held removals were approved that go now; zero: they were not.
	ApprovedAt time.Time
	// Protected are removals that never go: the last holder of a protected role, the operator's own identity.
	Protected []Held
	// Filtered are the steps that the mode does not permit.
	Filtered []Step
}

// Judge says which steps of a plan go. An incremental plan adds to what the guard knows from those before.
func (g *Guard) Judge(q Question) Verdict {
	var v Verdict
	if q.Full {
		clear(g.pending)
	}
	for _, id := range q.Touched {
		delete(g.pending, id)
	}
	for i := range q.Steps {
		switch s := &q.Steps[i]; {
		case !q.Policy.permits(s):
			v.Filtered = append(v.Filtered, *s)
		case s.Removal:
			g.pending[s.ID()] = *s
		default:
			v.Go = append(v.Go, *s)
		}
	}
	g.forget(q)
	removals := g.sorted()
	removals = g.protect(q, removals, &v)
	held := map[downstream.ID]string{}
	g.judgeExplicit(q, removals, held)
	g.judgeInferred(q, removals, held)
	g.approve(q, removals, held, &v)
	for _, s := range removals {
		if _, waits := held[s.ID()]; !waits {
			v.Go = append(v.Go, s)
		}
	}
	slices.SortStableFunc(v.Go, compareSteps)
	return v
}

// Hold holds removals until they are approved, whatever the limits say.
func (g *Guard) Hold(steps []Step) {
	for i := range steps {
		g.latched[steps[i].ID()] = struct{}{}
	}
}

// Done takes a removal out that was carried out, or is not asked for any more.
func (g *Guard) Done(id downstream.ID) {
	delete(g.pending, id)
	delete(g.absences, id)
	delete(g.latched, id)
	delete(g.released, id)
}

// Released returns the approved removals that were not carried out yet.
func (g *Guard) Released() []downstream.ID { return slices.Collect(maps.Keys(g.released)) }

// forget drops what is remembered of removals that nobody asks for any more.
func (g *Guard) forget(q Question) {
	gone := func(id downstream.ID) bool { _, asked := g.pending[id]; return !asked }
	maps.DeleteFunc(g.absences, func(id downstream.ID, _ int) bool { return gone(id) })
	maps.DeleteFunc(g.latched, func(id downstream.ID, _ struct{}) bool { return gone(id) })
	maps.DeleteFunc(g.released, func(id downstream.ID, _ struct{}) bool { return gone(id) })
	maps.DeleteFunc(g.left, func(_ string, at time.Time) bool { return q.Situation.Now.Sub(at) >= explicitWindow })
	for id, s := range g.pending { // the inventory may know more of the record by now
		if e, owned := q.Inventory.Get(s.Change.Previous.ID()); owned {
			s.Change.Previous = &e
			g.pending[id] = s
		}
	}
}

// sorted returns what is pending, by name: that is the order in which limits are used up.
func (g *Guard) sorted() []Step {
	out := slices.Collect(maps.Values(g.pending))
	slices.SortFunc(out, func(a, b Step) int {
		return cmp.Or(strings.Compare(a.Change.Record.Name, b.Change.Record.Name), a.ID().Compare(b.ID()))
	})
	return out
}

// protect takes out what never goes (Safety 8). Of several holders of a role that would lose the last one, the first by name
// stays.
func (g *Guard) protect(q Question, removals []Step, v *Verdict) []Step {
	keeper := map[string]string{} // role -> key of the person who stays
	return slices.DeleteFunc(removals, func(s Step) bool {
		if !isPerson(s.ID().Kind) {
			return false
		}
		reason := ""
		if q.Self != nil && q.Self(&s) {
			reason = "OwnIdentity"
		}
		for _, role := range endangered(q.Situation.Holders, &s) {
			if _, kept := keeper[role]; !kept {
				keeper[role] = s.ID().Key
			}
			if keeper[role] == s.ID().Key {
				reason = "LastHolder"
			}
		}
		if reason == "" {
			return false
		}
		v.Protected = append(v.Protected, Held{ID: s.ID(), Name: s.Change.Record.Name, Reason: reason})
		return true
	})
}

// endangered returns the protected roles without a holder that the person of the step has, or may have had, sorted.
func endangered(holders map[string]int, s *Step) []string {
	var out []string
	for role, n := range holders {
		if n == 0 && (role == s.Protected || s.Unknown) {
			out = append(out, role)
		}
	}
	slices.Sort(out)
	return out
}

// judgeExplicit holds explicit departures beyond the limit, and those of which nobody saw anything but an empty list.
func (g *Guard) judgeExplicit(q Question, removals []Step, held map[downstream.ID]string) {
	limit := q.Policy.Safety.ExplicitLimit
	for i := range removals {
		s := &removals[i]
		id := s.ID()
		if !s.Cause.Explicit() {
			continue
		}
		_, latched := g.latched[id]
		switch {
		case latched:
			held[id] = rollcallv1.ReasonOverLimit
		case s.Change.Op == downstream.Delete && !q.Complete(id.Kind):
			held[id] = rollcallv1.ReasonAwaitingConfirmation
		case s.Unseen && q.Situation.Counts[id.Kind] == 0 && q.Inventory.Active(id.Kind) > belowFloor:
			g.latch(id, held)
		case !isPerson(id.Kind) || foreseen(q, s) || limit == 0:
		case !g.left[id.Key].IsZero():
		case len(g.left) < limit:
			g.left[id.Key] = q.Situation.Now
		default:
			g.latch(id, held)
		}
	}
}

func (g *Guard) latch(id downstream.ID, held map[downstream.ID]string) {
	g.latched[id] = struct{}{}
	held[id] = rollcallv1.ReasonOverLimit
}

// foreseen reports whether the end that the step follows from was known a day ahead.
func foreseen(q Question, s *Step) bool {
	if s.Cause != downstream.Ended && s.Cause != downstream.WindowEnd || s.End.IsZero() {
		return false
	}
	return q.Inventory.KnownFor(q.Situation.Now, s.ID().Key, s.End) >= announced
}

// judgeInferred holds removals that followed from something else, when they are too many, not confirmed, or when the
// organization as a whole lost too many.
func (g *Guard) judgeInferred(q Question, removals []Step, held map[downstream.ID]string) {
	asked := map[downstream.Kind]int{}
	for i := range removals {
		if s := &removals[i]; !s.Cause.Explicit() && !s.Change.Previous.Inactive {
			asked[s.ID().Kind]++
		}
	}
	for i := range removals {
		s := &removals[i]
		id := s.ID()
		if s.Cause.Explicit() {
			continue
		}
		if q.Full && q.Complete(id.Kind) {
			g.absences[id]++
		}
		_, latched := g.latched[id]
		switch {
		case latched:
			held[id] = rollcallv1.ReasonOverLimit
		case q.Situation.Alarm:
			g.latch(id, held)
		case overLimit(q.Policy.Safety, asked[id.Kind], q.Inventory.Active(id.Kind)):
			held[id] = rollcallv1.ReasonOverLimit
		case g.absences[id] < q.Policy.Safety.ConfirmAbsences || !q.Complete(id.Kind):
			held[id] = rollcallv1.ReasonAwaitingConfirmation
		}
	}
}

// overLimit is the limit per kind: R of N records (Safety 1).
func overLimit(s Safety, removals, records int) bool {
	if records >= s.Floor {
		return 100*removals > s.MaxRemovalPercent*records
	}
	return removals > belowFloor
}

// approve releases exactly the held removals whose hash was approved. The approval goes on while these are carried out; any
// other removal that is held beside them voids it, and it lapses after an hour.
func (g *Guard) approve(q Question, removals []Step, held map[downstream.ID]string, v *Verdict) {
	if g.released != nil {
		extra := false
		for id := range held {
			if _, ok := g.released[id]; !ok {
				extra = true
			}
		}
		if extra || len(held) == 0 || q.Approval != g.approved || q.Situation.Now.Sub(g.approvedAt) >= ApprovalLength {
			g.void, g.released, g.approved = g.approved, nil, ""
		}
	}
	if q.Approval != g.void {
		g.void = ""
	}
	if g.released == nil && len(held) > 0 && q.Approval != "" && q.Approval != g.void && q.Approval == hashHeld(held) {
		g.released, g.approved, g.approvedAt = map[downstream.ID]struct{}{}, q.Approval, q.Situation.Now
		for id := range held {
			g.released[id] = struct{}{}
		}
	}
	if g.released != nil {
		v.ApprovedAt = g.approvedAt
		for i := range removals {
			s := &removals[i]
			if _, ok := g.released[s.ID()]; ok && (s.Change.Op != downstream.Delete || q.Complete(s.ID().Kind)) {
				delete(held, s.ID())
			}
		}
	}
	for i := range removals {
		s := &removals[i]
		if reason, waits := held[s.ID()]; waits {
			v.Held = append(v.Held, Held{ID: s.ID(), Name: s.Change.Record.Name, Reason: reason})
		}
	}
	if len(held) > 0 {
		v.Hash = hashHeld(held)
	}
	slices.SortFunc(v.Held, func(a, b Held) int { return a.ID.Compare(b.ID) })
}

func hashHeld(held map[downstream.ID]string) string {
	lines := make([]string, 0, len(held))
	for id := range held {
		lines = append(lines, id.String())
	}
	return hashLines(lines)
}
