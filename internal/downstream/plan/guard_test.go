package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

var now = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// yard is a guard with an inventory of so many accounts.
type yard struct {
	guard     *plan.Guard
	inventory *plan.Inventory
	question  plan.Question
}

func guarded(accounts int, edit ...func(*plan.Question)) *yard {
	y := &yard{guard: plan.NewGuard(), inventory: plan.OpenInventory("d", nil)}
	for i := range accounts {
		y.inventory.Set(owned(i))
	}
	y.question = plan.Question{
		Policy:    plan.Policy{Mode: rollcallv1.DownstreamModeFull, Removal: rollcallv1.RemovalDeactivate, Safety: plan.DefaultSafety, Records: downstream.Kinds},
		Situation: plan.Situation{Now: now, Counts: map[downstream.Kind]int{downstream.Users: 1}, Holders: map[string]int{}},
		Inventory: y.inventory, Full: true, Complete: func(downstream.Kind) bool { return true },
	}
	y.question.Policy.Safety.ConfirmAbsences = 1
	for _, f := range edit {
		f(&y.question)
	}
	return y
}

func owned(i int) downstream.Owned {
	return downstream.Owned{Kind: downstream.Users, Key: fmt.Sprintf("email=t%03d@x.example", i), Name: fmt.Sprintf("t%03d", i), RemoteID: fmt.Sprint(i), Hash: "h"}
}

// removal deactivates account i.
func removal(i int, cause downstream.Cause) plan.Step {
	o := owned(i)
	return plan.Step{
		Removal: true, Cause: cause, Inactive: true,
		Change: downstream.Change{Op: downstream.Deactivate, Record: downstream.Record{Kind: o.Kind, Key: o.Key, Name: o.Name}, Previous: &o},
	}
}

func removals(from, to int, cause downstream.Cause) (out []plan.Step) {
	for i := from; i < to; i++ {
		out = append(out, removal(i, cause))
	}
	return out
}

func creation(i int) plan.Step {
	return plan.Step{Change: downstream.Change{Op: downstream.Create, Record: downstream.Record{Kind: downstream.Users, Key: fmt.Sprint("new", i), Active: true}}}
}

// judge asks about a complete plan and returns how many removals go and how many wait.
func (y *yard) judge(steps ...plan.Step) (gone, held int, v plan.Verdict) {
	y.question.Steps = steps
	v = y.guard.Judge(y.question)
	for i := range v.Go {
		if v.Go[i].Removal {
			gone++
		}
	}
	return gone, len(v.Held), v
}

func TestGuard(t *testing.T) {
	inferred, archived := downstream.Inferred, downstream.Archived
	for name, tc := range map[string]struct {
		accounts   int
		steps      []plan.Step
		edit       func(*plan.Question)
		gone, held int
		protected  int
		reason     string
	}{
		"Safety 1: a quarter goes":                         {accounts: 40, steps: removals(0, 10, inferred), gone: 10},
		"Safety 1: more than a quarter is held, all of it": {accounts: 40, steps: removals(0, 11, inferred), held: 11, reason: rollcallv1.ReasonOverLimit},
		"Safety 1: below ten records, three go":            {accounts: 9, steps: removals(0, 3, inferred), gone: 3},
		"Safety 1: below ten records, four are held":       {accounts: 9, steps: removals(0, 4, inferred), held: 4, reason: rollcallv1.ReasonOverLimit},
		"Safety 1: at ten records the share counts":        {accounts: 10, steps: removals(0, 3, inferred), held: 3, reason: rollcallv1.ReasonOverLimit},
		"Safety 1: the share of the policy": {
			accounts: 40, steps: removals(0, 20, inferred), gone: 20, edit: func(q *plan.Question) { q.Policy.Safety.MaxRemovalPercent = 50 },
		},
		"Safety 1: none at all": {
			accounts: 40, steps: removals(0, 1, inferred), held: 1, reason: rollcallv1.ReasonOverLimit, edit: func(q *plan.Question) { q.Policy.Safety.MaxRemovalPercent = 0 },
		},
		"Safety 1: what confers nothing any more is not counted": {
			accounts: 40, steps: removals(0, 10, inferred), held: 10, reason: rollcallv1.ReasonOverLimit, edit: func(q *plan.Question) {
				for i := 30; i < 40; i++ {
					o := owned(i)
					o.Inactive = true
					q.Inventory.Set(o)
				}
			},
		},
		"Safety 2: an alarm holds every inferred removal": {
			accounts: 40, steps: removals(0, 1, inferred), held: 1, reason: rollcallv1.ReasonOverLimit, edit: func(q *plan.Question) { q.Situation.Alarm = true },
		},
		"Safety 3: an explicit act is not held by an alarm": {
			accounts: 40, steps: removals(0, 20, archived), gone: 20, edit: func(q *plan.Question) { q.Situation.Alarm = true },
		},
		"Safety 3: nor by other removals that are": {accounts: 40, steps: append(removals(0, 20, inferred), removals(20, 25, archived)...), gone: 5, held: 20},
		"Safety 3: the 21st explicit act is held":  {accounts: 40, steps: removals(0, 21, archived), gone: 20, held: 1, reason: rollcallv1.ReasonOverLimit},
		"Safety 3: no limit": {
			accounts: 40, steps: removals(0, 40, archived), gone: 40, edit: func(q *plan.Question) { q.Policy.Safety.ExplicitLimit = 0 },
		},
		"Safety 3: explicit acts need no complete reading to deactivate": {
			accounts: 40, steps: removals(0, 2, archived), gone: 2, edit: func(q *plan.Question) { q.Complete = func(downstream.Kind) bool { return false } },
		},
		"Safety 4: nobody seen, nobody wanted, many owned": {
			accounts: 40, held: 2, reason: rollcallv1.ReasonOverLimit, edit: func(q *plan.Question) { q.Situation.Counts = nil },
			steps: func() []plan.Step {
				out := removals(0, 2, downstream.Deleted)
				for i := range out {
					out[i].Unseen = true
				}
				return out
			}(),
		},
		"Safety 5: an inferred removal needs a complete reading": {
			accounts: 40, steps: removals(0, 1, inferred), held: 1, reason: rollcallv1.ReasonAwaitingConfirmation,
			edit: func(q *plan.Question) { q.Complete = func(downstream.Kind) bool { return false } },
		},
		"Safety 5: so does every deletion": {
			accounts: 40, held: 1, reason: rollcallv1.ReasonAwaitingConfirmation, edit: func(q *plan.Question) { q.Complete = func(downstream.Kind) bool { return false } },
			steps: func() []plan.Step {
				s := removal(0, downstream.Deleted)
				s.Change.Op, s.Forget = downstream.Delete, true
				return []plan.Step{s}
			}(),
		},
		"a removal is confirmed by several readings": {
			accounts: 40, steps: removals(0, 1, inferred), held: 1, reason: rollcallv1.ReasonAwaitingConfirmation, edit: func(q *plan.Question) { q.Policy.Safety.ConfirmAbsences = 2 },
		},
		"Safety 8: the last holder stays, the first by name": {
			accounts: 40, gone: 1, protected: 1, edit: func(q *plan.Question) { q.Situation.Holders = map[string]int{"owner": 0} },
			steps: func() []plan.Step {
				out := removals(0, 2, archived)
				for i := range out {
					out[i].Protected = "owner"
				}
				return out
			}(),
		},
		"Safety 8: with another holder both go": {
			accounts: 40, gone: 2, edit: func(q *plan.Question) { q.Situation.Holders = map[string]int{"owner": 1} },
			steps: func() []plan.Step {
				out := removals(0, 2, archived)
				for i := range out {
					out[i].Protected = "owner"
				}
				return out
			}(),
		},
		"Safety 8: the operator's own identity": {
			accounts: 40, steps: removals(0, 2, archived), gone: 1, protected: 1,
			edit: func(q *plan.Question) { q.Self = func(s *plan.Step) bool { return s.Change.Previous.RemoteID == "1" } },
		},
		"additions go on while removals are held": {accounts: 9, steps: append(removals(0, 4, inferred), creation(1)), held: 4},
	} {
		t.Run(name, func(t *testing.T) {
			y := guarded(tc.accounts)
			if tc.edit != nil {
				tc.edit(&y.question)
			}
			gone, held, v := y.judge(tc.steps...)
			if gone != tc.gone || held != tc.held || len(v.Protected) != tc.protected {
				t.Errorf("%d go, %d are held, %d protected, want %d, %d, %d", gone, held, len(v.Protected), tc.gone, tc.held, tc.protected)
			}
			if len(v.Go)+held+len(v.Protected)+len(v.Filtered) != len(tc.steps) {
				t.Errorf("%d steps came in, %d came out", len(tc.steps), len(v.Go)+held+len(v.Protected)+len(v.Filtered))
			}
			for _, h := range v.Held {
				if tc.reason != "" && h.Reason != tc.reason {
					t.Errorf("%s is held for %s, want %s", h.Name, h.Reason, tc.reason)
				}
			}
		})
	}
}

// done says that a removal was carried out.
func (y *yard) done(s plan.Step) { y.guard.Done(y.inventory, &s) }

// restart has another guard go on with what the Ledger keeps.
func (y *yard) restart() {
	var kept []*rollcallv1.Ledger
	for _, s := range y.inventory.All() {
		if s.Object != nil {
			kept = append(kept, s.Object)
		}
	}
	y.guard, y.inventory = plan.NewGuard(), plan.OpenInventory("d", kept)
	y.question.Inventory = y.inventory
}

func TestGuardTakesNamesInOrder(t *testing.T) {
	steps := removals(0, 25, downstream.Archived)
	slices.Reverse(steps)
	_, _, v := guarded(40).judge(steps...)
	var held []string
	for _, h := range v.Held {
		held = append(held, h.Name)
	}
	if diff := cmp.Diff([]string{"t020", "t021", "t022", "t023", "t024"}, held); diff != "" {
		t.Errorf("held: %s", diff)
	}
}

func TestConfirmations(t *testing.T) {
	y := guarded(40, func(q *plan.Question) { q.Policy.Safety.ConfirmAbsences = 3 })
	for i, want := range []int{0, 0, 1} {
		if gone, _, _ := y.judge(removal(0, downstream.Inferred)); gone != want {
			t.Errorf("after %d readings %d go, want %d", i+1, gone, want)
		}
	}
	// A reading that finds the record wanted again starts anew.
	y = guarded(40, func(q *plan.Question) { q.Policy.Safety.ConfirmAbsences = 2 })
	y.judge(removal(0, downstream.Inferred))
	y.judge()
	if gone, _, _ := y.judge(removal(0, downstream.Inferred)); gone != 0 {
		t.Error("confirmed by readings that were not in a row")
	}
	// A partial plan is no reading.
	y = guarded(40, func(q *plan.Question) { q.Policy.Safety.ConfirmAbsences = 2 })
	y.judge(removal(0, downstream.Inferred))
	y.question.Full, y.question.Touched = false, []downstream.ID{owned(0).ID()}
	if gone, held, _ := y.judge(removal(0, downstream.Inferred)); gone != 0 || held != 1 {
		t.Errorf("confirmed without a reading: %d go, %d held", gone, held)
	}
}

// The limit of explicit acts is over ten minutes, and counts people, not records.
func TestExplicitWindow(t *testing.T) {
	y := guarded(100)
	if gone, _, _ := y.judge(removals(0, 20, downstream.Archived)...); gone != 20 {
		t.Fatalf("%d go", gone)
	}
	for i := range 20 {
		y.done(removal(i, downstream.Archived))
	}
	y.question.Situation.Now = now.Add(10*time.Minute - time.Second)
	if gone, held, _ := y.judge(removal(20, downstream.Archived)); gone != 0 || held != 1 {
		t.Errorf("a second before: %d go, %d held", gone, held)
	}
	y.question.Situation.Now = now.Add(10 * time.Minute)
	if gone, held, _ := y.judge(removal(20, downstream.Archived), removal(21, downstream.Archived)); gone != 1 || held != 1 {
		t.Errorf("ten minutes later: %d go, %d held; what was held stays so", gone, held)
	}
	both := removals(30, 50, downstream.Archived)
	for _, s := range removals(30, 50, downstream.Archived) {
		o := *s.Change.Previous
		o.Kind = downstream.Access
		s.Change.Previous, s.Change.Record.Kind = &o, downstream.Access
		both = append(both, s)
	}
	if gone, held, _ := guarded(100).judge(both...); gone != 40 || held != 0 {
		t.Errorf("twenty people with two records each: %d go, %d held", gone, held)
	}
}

// The end of a window that was recorded a day ago does not count.
func TestKnownEnds(t *testing.T) {
	until := now.Add(24 * time.Hour)
	steps := removals(0, 25, downstream.WindowEnd)
	for i := range steps {
		steps[i].End = until
	}
	for name, tc := range map[string]struct {
		seen time.Time
		gone int
	}{"a day": {now, 25}, "a second less": {now.Add(time.Second), 20}} {
		y := guarded(100)
		for i := range 25 {
			y.inventory.SeeEnds(tc.seen, owned(i).Key, []time.Time{until})
		}
		y.question.Situation.Now = until
		if gone, _, _ := y.judge(steps...); gone != tc.gone {
			t.Errorf("known for %s: %d go, want %d", name, gone, tc.gone)
		}
	}
}

func TestApproval(t *testing.T) {
	steps := removals(0, 20, downstream.Inferred)
	over := func() (*yard, string) {
		y := guarded(40)
		_, _, v := y.judge(steps...)
		return y, v.Hash
	}
	t.Run("releases exactly those", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		gone, held, v := y.judge(steps...)
		if gone != 20 || held != 0 || !v.ApprovedAt.Equal(now) {
			t.Errorf("%d go, %d held, approved at %v", gone, held, v.ApprovedAt)
		}
	})
	t.Run("stands when something is created", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		if gone, _, _ := y.judge(append(steps, creation(1))...); gone != 20 {
			t.Errorf("%d go", gone)
		}
	})
	t.Run("is void when another removal is held", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		more := append(slices.Clone(steps), removal(20, downstream.Inferred))
		if gone, held, _ := y.judge(more...); gone != 0 || held != 21 {
			t.Errorf("%d go, %d held", gone, held)
		}
	})
	t.Run("goes on while it is carried out", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		y.judge(steps...)
		for i := range 5 {
			y.done(steps[i])
		}
		if gone, held, _ := y.judge(steps[5:]...); gone != 15 || held != 0 {
			t.Errorf("%d go, %d held", gone, held)
		}
	})
	t.Run("is void when another removal comes while it is carried out", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		y.judge(steps...)
		more := append(slices.Clone(steps), removal(20, downstream.Inferred))
		if gone, held, _ := y.judge(more...); gone != 0 || held != 21 {
			t.Errorf("%d go, %d held", gone, held)
		}
		if gone, held, _ := y.judge(steps...); gone != 0 || held != 20 {
			t.Errorf("back at what was approved: %d go, %d held; a void approval stays void", gone, held)
		}
	})
	t.Run("lapses after an hour", func(t *testing.T) {
		y, hash := over()
		y.question.Approval = hash
		y.judge(steps...)
		y.question.Situation.Now = now.Add(time.Hour - time.Second)
		if gone, _, _ := y.judge(steps...); gone != 20 {
			t.Errorf("a second before: %d go", gone)
		}
		y.question.Situation.Now = now.Add(time.Hour)
		if gone, held, _ := y.judge(steps...); gone != 0 || held != 20 {
			t.Errorf("an hour later: %d go, %d held", gone, held)
		}
		y.question.Approval = ""
		y.judge(steps...)
		y.question.Approval = hash
		if gone, _, _ := y.judge(steps...); gone != 20 {
			t.Errorf("approved again: %d go", gone)
		}
	})
	t.Run("does not let the last holder go", func(t *testing.T) {
		protected := slices.Clone(steps)
		protected[0].Protected = "owner"
		y := guarded(40, func(q *plan.Question) { q.Situation.Holders = map[string]int{"owner": 0} })
		_, _, v := y.judge(protected...)
		y.question.Approval = v.Hash
		if gone, _, v := y.judge(protected...); gone != 19 || len(v.Protected) != 1 {
			t.Errorf("%d go, %d protected", gone, len(v.Protected))
		}
	})
	t.Run("the hash is over the removals, whatever their order", func(t *testing.T) {
		_, hash := over()
		back := slices.Clone(steps)
		slices.Reverse(back)
		if _, _, v := guarded(40).judge(append(back, creation(3))...); v.Hash != hash {
			t.Errorf("%s, then %s", hash, v.Hash)
		}
	})
}

func TestModes(t *testing.T) {
	for mode, want := range map[rollcallv1.DownstreamMode]int{
		rollcallv1.DownstreamModeObserve: 0, rollcallv1.DownstreamModeCreateOnly: 1, rollcallv1.DownstreamModeUpsert: 2, rollcallv1.DownstreamModeFull: 3,
	} {
		y := guarded(40, func(q *plan.Question) { q.Policy.Mode = mode })
		_, held, v := y.judge(creation(1), removal(0, downstream.Archived), removal(1, downstream.Inferred))
		if len(v.Go) != want || held != 0 || len(v.Filtered) != 3-want {
			t.Errorf("%s: %d go, %d filtered, want %d", mode, len(v.Go), len(v.Filtered), want)
		}
	}
}

func TestLosses(t *testing.T) {
	var l plan.Losses
	for i := range 10 {
		l.Lose(now, fmt.Sprint(i))
	}
	if l.Alarm(now, 100) {
		t.Error("a tenth is an alarm")
	}
	l.Lose(now.Add(15*time.Minute-time.Second), "one more")
	if !l.Alarm(now.Add(15*time.Minute-time.Second), 100) {
		t.Error("more than a tenth within 15 minutes is no alarm")
	}
	if !l.Alarm(now.Add(time.Hour), 100) {
		t.Error("the alarm ended by itself")
	}
	for i := range 10 {
		l.Regain(fmt.Sprint(i))
	}
	l.Regain("one more")
	if l.Alarm(now.Add(time.Hour), 100) {
		t.Error("the alarm goes on though everybody is back")
	}
	var slow plan.Losses
	for i := range 11 {
		slow.Lose(now.Add(time.Duration(i)*2*time.Minute), fmt.Sprint(i))
		if slow.Alarm(now.Add(time.Duration(i)*2*time.Minute), 100) {
			t.Errorf("an alarm at the %dth of a slow loss", i+1)
		}
	}
}
