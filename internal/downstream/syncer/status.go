package syncer

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// NotOurs is how the message of a Synced that is not OK begins to speak of records that are in the way of ours.
const NotOurs = "are there and are not ours"

// maxSkipped is how many records a status names.
const maxSkipped = 20

// State is one condition: Reason and Message say why it is not as it should be.
type State struct {
	OK              bool
	Reason, Message string
}

// Skip is a record that could not be brought in step.
type Skip struct {
	Kind downstream.Kind
	Name string // of the object
	// Why is Clash, Refused, NotRepresentable, Incomplete, LastHolder or OwnIdentity; Code a status code, if there is one.
	Why, Code string
}

// Status is what a Downstream's status is made of. It holds names of objects, numbers, codes and hashes, and nothing that came
// from the system.
type Status struct {
	Owned map[downstream.Kind]int
	// Plan counts what is to be done and is not done; PlanHash is over it.
	Plan     plan.Counts
	PlanHash string
	// Held are the removals that wait, the first 20 by kind and name; HeldCount counts all.
	Held      []plan.Held
	HeldCount int
	HeldHash  string
	HeldOf    map[downstream.Kind]int
	// ApprovedAt is when the removals were approved that go now, or went in this pass; zero: none were.
	ApprovedAt time.Time
	// Alarm: removals are held because the organization as a whole lost too many (Safety 2).
	Alarm bool

	Reachable, Synced State
	// Drifted.OK is true while nothing drifted that is left so; RemovalsHeld.OK while nothing is held.
	Drifted, RemovalsHeld State
	// Skipped are the first 20 by kind and name; SkippedCount counts all, Clashes those that are there and not ours.
	Skipped      []Skip
	SkippedCount int
	Clashes      int
	// Left is set once everything was removed (Leave).
	Left bool
}

// report tells about the status if it changed.
func (s *Syncer) report() {
	st := s.status()
	if s.Report == nil || s.reported != nil && reflect.DeepEqual(*s.reported, st) {
		return
	}
	s.reported = &st
	s.Report(st)
}

func (s *Syncer) status() Status {
	st := Status{Owned: map[downstream.Kind]int{}, HeldOf: map[downstream.Kind]int{}, Reachable: State{OK: true}, Drifted: State{OK: true}, RemovalsHeld: State{OK: true}}
	owned := 0
	for _, k := range s.Policy.Records {
		st.Owned[k] = s.Inventory.Owned(k)
		owned += st.Owned[k]
	}
	s.mu.Lock()
	st.Left = s.leaving && owned == 0
	s.mu.Unlock()
	open := make([]plan.Step, 0, len(s.open))
	for _, step := range s.open {
		open = append(open, step)
	}
	st.Plan, st.PlanHash = plan.Count(open), plan.HashOf(open)
	st.HeldCount, st.HeldHash, st.ApprovedAt = len(s.verdict.Held), s.verdict.Hash, s.verdict.ApprovedAt
	st.Held = slices.Clone(s.verdict.Held)
	slices.SortFunc(st.Held, func(a, b plan.Held) int {
		return cmp.Or(cmp.Compare(a.ID.Kind, b.ID.Kind), strings.Compare(a.Name, b.Name))
	})
	st.Held = st.Held[:min(len(st.Held), maxSkipped)]
	st.RemovalsHeld = s.heldState()
	for _, h := range s.verdict.Held {
		st.HeldOf[h.ID.Kind]++
	}
	st.Alarm = s.alarm
	st.Skipped, st.SkippedCount = s.skipped()
	st.Clashes = len(s.clashes)
	s.conditions(&st)
	return st
}

func (s *Syncer) heldState() State {
	if len(s.verdict.Held) == 0 {
		return State{OK: true}
	}
	over := 0
	for _, h := range s.verdict.Held {
		if h.Reason == rollcallv1.ReasonOverLimit {
			over++
		}
	}
	reason := rollcallv1.ReasonAwaitingConfirmation
	if over > 0 {
		reason = rollcallv1.ReasonOverLimit
	}
	return State{Reason: reason, Message: fmt.Sprintf("%d removals are held, %d of them over a limit", len(s.verdict.Held), over)}
}

func (s *Syncer) conditions(st *Status) {
	if s.failure != nil && !errors.Is(s.failure, errLedger) {
		st.Reachable = State{Reason: rollcallv1.ReasonConnectionFailed, Message: describe(s.failure)}
		switch downstream.ClassOf(s.failure) {
		case downstream.Unauthorized:
			st.Reachable.Reason = rollcallv1.ReasonAuthenticationFailed
		case downstream.Conflict: // the system answers
			st.Reachable = State{OK: true}
		}
	}
	if n := len(s.drifted); n > 0 {
		st.Drifted = State{Reason: rollcallv1.ReasonDriftFound, Message: fmt.Sprintf("%d records were changed by somebody else", n)}
	}
	if len(s.open)+len(s.drifted) == 0 && len(st.Skipped) == 0 && s.failure == nil {
		st.Synced = State{OK: true}
		return
	}
	st.Synced = State{Reason: rollcallv1.ReasonIncomplete, Message: fmt.Sprintf("%d changes are not made", len(s.open))}
	if n := len(st.Skipped); n > 0 {
		first := st.Skipped[0]
		st.Synced.Message += fmt.Sprintf(", among others because of %s %s: %s", first.Kind, first.Name, first.Why)
	}
	if st.Clashes > 0 {
		st.Synced.Message += fmt.Sprintf("; %d records %s, and adoption is %s", st.Clashes, NotOurs, s.Policy.Adoption)
	}
}

// describe returns class and code of an error, and nothing else of it.
func describe(err error) string {
	if e, ok := errors.AsType[*downstream.Error](err); ok {
		return e.Error()
	}
	return string(downstream.ClassOf(err))
}

// skipped returns the first records that could not be brought in step, and how many there are.
func (s *Syncer) skipped() ([]Skip, int) {
	var out []Skip
	for id, x := range s.aside {
		out = append(out, Skip{Kind: id.Kind, Name: x.name, Why: "Refused", Code: codeOf(x.err)})
	}
	for id, x := range s.bad {
		out = append(out, Skip{Kind: id.Kind, Name: x.Name, Why: "NotRepresentable", Code: codeOf(x.Err)})
	}
	for id, x := range s.clashes {
		out = append(out, Skip{Kind: id.Kind, Name: x.Name, Why: "Clash"})
	}
	for _, x := range s.verdict.Protected {
		out = append(out, Skip{Kind: x.ID.Kind, Name: x.Name, Why: x.Reason})
	}
	for id := range s.waiting {
		out = append(out, Skip{Kind: id.Kind, Name: id.Masked(), Why: rollcallv1.ReasonIncomplete})
	}
	slices.SortFunc(out, func(a, b Skip) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Why, b.Why))
	})
	return out[:min(len(out), maxSkipped)], len(out)
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*downstream.Error](err); ok {
		return e.Code
	}
	return ""
}
