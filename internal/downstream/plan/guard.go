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

// Guard holds removals of one Downstream back. What must outlast a restart is in the Inventory: approvals, what is
// latched, and who was let go by explicit acts. The rest is in its own memory only: after a restart confirmations begin anew,
// which delays and never hastens.
type Guard struct {
	pending  map[downstream.ID]Step
	absences map[downstream.ID]int // complete plans in a row that asked for the removal
	// loose are holds of removals that the inventory knows no record of, and of those of a Farewell, which is said again after
	// a restart.
	loose map[downstream.ID]Hold
	// whole: a complete plan was judged, so that what is not pending is not asked for.
	whole bool
}

// NewGuard returns a guard that saw nothing yet.
func NewGuard() *Guard {
	return &Guard{pending: map[downstream.ID]Step{}, absences: map[downstream.ID]int{}, loose: map[downstream.ID]Hold{}}
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
	// Postponed are entries whose removal waits for a grace: what was decided about them holds.
	Postponed []downstream.ID
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
		g.whole = true
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
		h := g.loose[steps[i].ID()]
		h.Latched = true
		g.loose[steps[i].ID()] = h
	}
}

// Done takes a removal out that was carried out.
func (g *Guard) Done(inv *Inventory, s *Step) {
	id := s.ID()
	delete(g.pending, id)
	delete(g.absences, id)
	delete(g.loose, id)
	inv.hold(s.Change.Previous.ID(), Hold{})
}

// Releasing reports whether approved removals were not carried out yet.
func (g *Guard) Releasing(inv *Inventory) bool {
	if !inv.Approval().stands() {
		return false
	}
	for _, s := range g.pending {
		if g.holdOf(inv, &s).Approved {
			return true
		}
	}
	return false
}

// holdOf returns what was decided about a removal, setHold decides.
func (g *Guard) holdOf(inv *Inventory, s *Step) Hold {
	a, b := inv.HoldOf(s.Change.Previous.ID()), g.loose[s.ID()]
	return Hold{Latched: a.Latched || b.Latched, Approved: a.Approved || b.Approved}
}

func (g *Guard) setHold(inv *Inventory, s *Step, change func(*Hold)) {
	previous := s.Change.Previous.ID()
	if _, owned := inv.Get(previous); owned {
		h := inv.HoldOf(previous)
		change(&h)
		inv.hold(previous, h)
		return
	}
	h := g.loose[s.ID()]
	change(&h)
	g.loose[s.ID()] = h
}

// forget drops what is remembered of removals that nobody asks for any more.
func (g *Guard) forget(q Question) {
	gone := func(id downstream.ID) bool { _, asked := g.pending[id]; return !asked }
	maps.DeleteFunc(g.absences, func(id downstream.ID, _ int) bool { return gone(id) })
	maps.DeleteFunc(g.loose, func(id downstream.ID, _ Hold) bool { return gone(id) })
	asked := make(map[downstream.ID]struct{}, len(g.pending))
	for id, s := range g.pending { // the inventory may know more of the record by now
		asked[s.Change.Previous.ID()] = struct{}{}
		if e, owned := q.Inventory.Get(s.Change.Previous.ID()); owned {
			s.Change.Previous = &e
			g.pending[id] = s
		}
	}
	if !g.whole {
		return
	}
	for _, id := range q.Postponed {
		asked[id] = struct{}{}
	}
	for id := range maps.Clone(q.Inventory.holds) {
		if _, still := asked[id]; !still {
			q.Inventory.hold(id, Hold{})
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
		reason := ""
		if q.Self != nil && q.Self(&s) {
			reason = "OwnIdentity"
		}
		var roles []string
		if isPerson(s.ID().Kind) {
			roles = endangered(q.Situation.Holders, &s)
		}
		for _, role := range roles {
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
	left := q.Inventory.expire(q.Situation.Now)
	for i := range removals {
		s := &removals[i]
		id := s.ID()
		if !s.Cause.Explicit() {
			continue
		}
		switch {
		case g.holdOf(q.Inventory, s).Latched:
			held[id] = rollcallv1.ReasonOverLimit
		case s.Change.Op == downstream.Delete && !q.Complete(id.Kind):
			held[id] = rollcallv1.ReasonAwaitingConfirmation
		case s.Unseen && q.Situation.Counts[id.Kind] == 0 && q.Inventory.Active(id.Kind) > belowFloor:
			g.latch(q, s, held)
		case !isPerson(id.Kind) || foreseen(q, s) || limit == 0 || q.Inventory.departed(id.Key):
		case left < limit:
			left++
			q.Inventory.depart(q.Situation.Now, id.Key)
		default:
			g.latch(q, s, held)
		}
	}
}

func (g *Guard) latch(q Question, s *Step, held map[downstream.ID]string) {
	g.setHold(q.Inventory, s, func(h *Hold) { h.Latched = true })
	held[s.ID()] = rollcallv1.ReasonOverLimit
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
	asked := countInferred(removals)
	for i := range removals {
		s := &removals[i]
		id := s.ID()
		if s.Cause.Explicit() {
			continue
		}
		if q.Full && q.Complete(id.Kind) {
			g.absences[id]++
		}
		switch {
		case g.holdOf(q.Inventory, s).Latched:
			held[id] = rollcallv1.ReasonOverLimit
		case q.Situation.Alarm:
			g.latch(q, s, held)
		case overLimit(q.Policy.Safety, asked[id.Kind], q.Inventory.Active(id.Kind)):
			held[id] = rollcallv1.ReasonOverLimit
		case g.absences[id] < q.Policy.Safety.ConfirmAbsences || !q.Complete(id.Kind):
			held[id] = rollcallv1.ReasonAwaitingConfirmation
		}
	}
}

// countInferred counts the removals that followed from something else, by kind.
func countInferred(removals []Step) map[downstream.Kind]int {
	asked := map[downstream.Kind]int{}
	for i := range removals {
		if s := &removals[i]; s.Removal && !s.Cause.Explicit() && !s.Change.Previous.Inactive {
			asked[s.ID().Kind]++
		}
	}
	return asked
}

// Lost returns the names of people whom the steps of a complete plan would take access from without anybody having asked for
// it, as far as no limit of this Downstream holds that anyway: after a restart nobody else knows of them (Safety 2).
func Lost(q Question) []string {
	steps := slices.DeleteFunc(slices.Clone(q.Steps), func(s Step) bool { return !s.Removal || !q.Policy.permits(&s) })
	asked := countInferred(steps)
	lost := map[string]struct{}{}
	for i := range steps {
		s := &steps[i]
		kind := s.ID().Kind
		if !isPerson(kind) || s.Cause.Explicit() || s.Change.Previous.Inactive || q.Inventory.HoldOf(s.Change.Previous.ID()).Latched ||
			overLimit(q.Policy.Safety, asked[kind], q.Inventory.Active(kind)) {
			continue
		}
		lost[s.Change.Record.Name] = struct{}{}
	}
	return slices.Sorted(maps.Keys(lost))
}

// overLimit is the limit per kind: R of N records (Safety 1).
func overLimit(s Safety, removals, records int) bool {
	if records >= s.Floor {
		return 100*removals > s.MaxRemovalPercent*records
	}
	return removals > belowFloor
}

// approve releases exactly the held removals whose hash was approved. The approval goes on while these are carried out, after
// a restart too; any other removal that is held beside them voids it, and it lapses after an hour.
func (g *Guard) approve(q Question, removals []Step, held map[downstream.ID]string, v *Verdict) {
	if g.settleApproval(q, removals, held).stands() {
		v.ApprovedAt = q.Inventory.Approval().At
		for i := range removals {
			s := &removals[i]
			if g.holdOf(q.Inventory, s).Approved && (s.Change.Op != downstream.Delete || q.Complete(s.ID().Kind)) {
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

// settleApproval decides whether the last approval still counts, and takes a new one. While the annotation says what it said
// before, a void one stays void.
func (g *Guard) settleApproval(q Question, removals []Step, held map[downstream.ID]string) Approval {
	inv, a := q.Inventory, q.Inventory.Approval()
	switch {
	case a.Hash != "" && a.Hash != q.Approval:
		a = Approval{}
	case a.stands() && (len(held) == 0 || g.others(q, removals, held) || q.Situation.Now.Sub(a.At) >= ApprovalLength):
		a.Void = true
	}
	going := a.stands()
	if a.Hash == "" && len(held) > 0 && q.Approval == hashHeld(held) {
		a = Approval{Hash: q.Approval, At: q.Situation.Now.UTC().Truncate(time.Second)}
	}
	inv.setApproval(a)
	if going {
		return a
	}
	for i := range removals {
		s := &removals[i]
		_, waits := held[s.ID()]
		if approved := a.stands() && waits; g.holdOf(inv, s).Approved != approved {
			g.setHold(inv, s, func(h *Hold) { h.Approved = approved })
		}
	}
	return a
}

// others reports whether something is held that was not approved.
func (g *Guard) others(q Question, removals []Step, held map[downstream.ID]string) bool {
	for i := range removals {
		s := &removals[i]
		if _, waits := held[s.ID()]; waits && !g.holdOf(q.Inventory, s).Approved {
			return true
		}
	}
	return false
}

func hashHeld(held map[downstream.ID]string) string {
	lines := make([]string, 0, len(held))
	for id := range held {
		lines = append(lines, id.String())
	}
	return hashLines(lines)
}
