package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// S-92: what became of an approval outlasts a restart: the annotation, which is still on the object, releases nothing again.
func TestApprovalsOutlastRestarts(t *testing.T) {
	steps := removals(0, 20, downstream.Inferred)
	approved := func() *yard {
		y := guarded(40)
		_, _, v := y.judge(steps...)
		y.question.Approval = v.Hash
		y.judge(steps...)
		return y
	}
	for name, tc := range map[string]struct {
		before     func(*yard)
		steps      []plan.Step
		after      time.Duration
		gone, held int
		wantAt     time.Time
	}{
		"one that stands goes on, and lapses when it would have": {steps: steps, after: 59 * time.Minute, gone: 20, wantAt: now},
		"one that lapses meanwhile":                              {steps: steps, after: time.Hour, held: 20},
		"one that had lapsed": {
			before: func(y *yard) {
				y.question.Situation.Now = now.Add(time.Hour)
				y.judge(steps...)
			},
			steps: steps, after: time.Hour + time.Second, held: 20,
		},
		"one that was void": {
			before: func(y *yard) { y.judge(removals(0, 21, downstream.Inferred)...) }, steps: steps, after: time.Minute, held: 20,
		},
		"one that was used up": {
			before: func(y *yard) {
				for _, s := range steps {
					y.done(s)
				}
				y.judge()
			},
			steps: steps, after: time.Minute, held: 20,
		},
		"one that was carried out in part goes on": {
			before: func(y *yard) {
				for _, s := range steps[:5] {
					y.done(s)
				}
			},
			steps: steps[5:], after: time.Minute, gone: 15, wantAt: now,
		},
		"one that is void because something else is held by now": {
			steps: removals(0, 21, downstream.Inferred), after: time.Minute, held: 21,
		},
	} {
		t.Run(name, func(t *testing.T) {
			y := approved()
			if tc.before != nil {
				tc.before(y)
			}
			y.restart()
			y.question.Situation.Now = now.Add(tc.after)
			gone, held, v := y.judge(tc.steps...)
			if gone != tc.gone || held != tc.held || !v.ApprovedAt.Equal(tc.wantAt) {
				t.Errorf("%d go, %d are held, approved at %v, want %d, %d, %v", gone, held, v.ApprovedAt, tc.gone, tc.held, tc.wantAt)
			}
		})
	}
	t.Run("a new annotation is a new approval", func(t *testing.T) {
		y := approved()
		y.question.Situation.Now = now.Add(time.Hour)
		_, _, v := y.judge(steps...)
		y.question.Approval = ""
		y.judge(steps...)
		y.restart()
		y.question.Approval = v.Hash
		if gone, _, _ := y.judge(steps...); gone != 20 {
			t.Errorf("%d go", gone)
		}
	})
}

// What is held until it is approved stays so: neither the number of explicit acts nor an alarm begins anew.
func TestLimitsOutlastRestarts(t *testing.T) {
	t.Run("explicit acts beyond the limit", func(t *testing.T) {
		y := guarded(100)
		steps := removals(0, 25, downstream.Archived)
		y.judge(steps...)
		for _, s := range steps[:20] {
			y.done(s)
		}
		y.restart()
		if gone, held, _ := y.judge(steps[20:]...); gone != 0 || held != 5 {
			t.Errorf("%d go, %d are held, want 0, 5", gone, held)
		}
	})
	t.Run("the window of explicit acts", func(t *testing.T) {
		y := guarded(100)
		steps := removals(0, 20, downstream.Archived)
		y.judge(steps...)
		for _, s := range steps {
			y.done(s)
		}
		y.restart()
		y.question.Situation.Now = now.Add(10*time.Minute - time.Second)
		if gone, held, _ := y.judge(removal(20, downstream.Archived)); gone != 0 || held != 1 {
			t.Errorf("%d go, %d are held, want 0, 1", gone, held)
		}
		y = guarded(100)
		y.judge(steps...)
		y.restart()
		y.question.Situation.Now = now.Add(10 * time.Minute)
		if gone, held, _ := y.judge(removal(20, downstream.Archived)); gone != 1 || held != 0 {
			t.Errorf("ten minutes later: %d go, %d are held, want 1, 0", gone, held)
		}
	})
	t.Run("what an alarm held", func(t *testing.T) {
		y := guarded(100, func(q *plan.Question) { q.Situation.Alarm = true })
		steps := removals(0, 5, downstream.Inferred)
		y.judge(steps...)
		y.restart()
		y.question.Situation.Alarm = false
		if gone, held, _ := y.judge(steps...); gone != 0 || held != 5 {
			t.Errorf("%d go, %d are held, want 0, 5", gone, held)
		}
		y.judge()
		if gone, held, _ := y.judge(steps...); gone != 5 || held != 0 {
			t.Errorf("after nobody asked for them: %d go, %d are held, want 5, 0", gone, held)
		}
	})
	t.Run("confirmations begin anew", func(t *testing.T) {
		y := guarded(100, func(q *plan.Question) { q.Policy.Safety.ConfirmAbsences = 2 })
		y.judge(removal(0, downstream.Inferred))
		y.restart()
		if gone, held, _ := y.judge(removal(0, downstream.Inferred)); gone != 0 || held != 1 {
			t.Errorf("%d go, %d are held, want 0, 1", gone, held)
		}
	})
}

// What the guards remember is written when it changes; time alone writes nothing.
func TestGuardsWriteNothingByThemselves(t *testing.T) {
	y := guarded(40)
	y.inventory.TakeShards()
	written := func(want bool, what string) {
		t.Helper()
		if got := len(y.inventory.TakeShards()) > 0; got != want {
			t.Errorf("%s: written %t, want %t", what, got, want)
		}
	}
	steps := removals(0, 20, downstream.Inferred)
	_, _, v := y.judge(steps...)
	written(false, "held by a limit")
	y.question.Approval = v.Hash
	y.judge(steps...)
	written(true, "approved")
	y.judge(steps...)
	written(false, "approved, and not carried out")
	y.question.Situation.Now = now.Add(time.Hour)
	y.judge(steps...)
	written(true, "lapsed")
	y.judge(steps...)
	written(false, "lapsed before")

	y = guarded(40)
	y.inventory.TakeShards()
	y.judge(removal(0, downstream.Archived))
	written(true, "an explicit act")
	y.inventory.NoteLosses([]plan.Loss{{Teammate: "t001", At: now}})
	written(true, "a loss")
	y.inventory.NoteLosses([]plan.Loss{{Teammate: "t001", At: now}})
	written(false, "the same loss")
	y.question.Situation.Now = now.Add(time.Hour)
	y.done(removal(0, downstream.Archived))
	y.judge()
	y.inventory.NoteLosses(nil)
	written(false, "both are long past")
}

func TestLossesOutlastRestarts(t *testing.T) {
	lose := func(n int, at time.Time) (l plan.Losses) {
		for i := range n {
			l.Lose(at, fmt.Sprintf("t%03d", i))
		}
		return l
	}
	everybody := func(string) bool { return true }
	through := func(l []plan.Loss) []plan.Loss {
		inv := plan.OpenInventory("d", nil)
		inv.NoteLosses(l)
		var kept []*rollcallv1.Ledger
		for _, s := range inv.TakeShards() {
			kept = append(kept, s.Object)
		}
		return plan.OpenInventory("d", kept).Losses()
	}
	t.Run("the count goes on", func(t *testing.T) {
		before := lose(10, now)
		before.Alarm(now, 100)
		var l plan.Losses
		l.Recall(now.Add(14*time.Minute), through(before.All()), everybody)
		l.Lose(now.Add(14*time.Minute), "one more")
		if !l.Alarm(now.Add(14*time.Minute), 100) {
			t.Error("more than a tenth within 15 minutes is no alarm")
		}
	})
	t.Run("the alarm goes on for a day", func(t *testing.T) {
		before := lose(11, now)
		before.Alarm(now, 100)
		for after, want := range map[time.Duration]bool{time.Hour: true, 24*time.Hour - time.Second: true, 24 * time.Hour: false} {
			var l plan.Losses
			l.Recall(now.Add(after), through(before.All()), everybody)
			if got := l.Alarm(now.Add(after), 100); got != want {
				t.Errorf("after %s: alarm %t, want %t", after, got, want)
			}
		}
	})
	t.Run("who is back does not count", func(t *testing.T) {
		before := lose(11, now)
		before.Alarm(now, 100)
		var l plan.Losses
		l.Recall(now.Add(time.Hour), through(before.All()), func(string) bool { return false })
		if l.Alarm(now.Add(time.Hour), 100) {
			t.Error("the alarm goes on though everybody is back")
		}
	})
	t.Run("of several memories the earliest counts", func(t *testing.T) {
		var l plan.Losses
		l.Recall(now, []plan.Loss{{Teammate: "a", At: now.Add(-time.Minute)}}, everybody)
		l.Recall(now, []plan.Loss{{Teammate: "a", At: now.Add(-2 * time.Minute)}, {Teammate: "b", At: now.Add(-time.Hour)}}, everybody)
		l.Recall(now, []plan.Loss{{Teammate: "a", At: now}}, everybody)
		if diff := cmp.Diff([]plan.Loss{{Teammate: "a", At: now.Add(-2 * time.Minute)}}, l.All()); diff != "" {
			t.Errorf("losses: %s", diff)
		}
	})
}

// What nobody saw because the operator was down is counted when it begins: those who are about to lose what they had.
func TestLost(t *testing.T) {
	for name, tc := range map[string]struct {
		steps []plan.Step
		edit  func(*plan.Question)
		want  []string
	}{
		"by inference":              {steps: removals(0, 2, downstream.Inferred), want: []string{"t000", "t001"}},
		"by an explicit act":        {steps: removals(0, 2, downstream.Archived)},
		"held by a limit anyway":    {steps: removals(0, 20, downstream.Inferred)},
		"not permitted by the mode": {steps: removals(0, 2, downstream.Inferred), edit: func(q *plan.Question) { q.Policy.Mode = rollcallv1.DownstreamModeUpsert }},
		"already without access":    {steps: []plan.Step{func() plan.Step { s := removal(0, downstream.Inferred); s.Change.Previous.Inactive = true; return s }()}},
	} {
		t.Run(name, func(t *testing.T) {
			y := guarded(40)
			y.question.Steps = tc.steps
			if tc.edit != nil {
				tc.edit(&y.question)
			}
			if diff := cmp.Diff(tc.want, plan.Lost(y.question)); diff != "" {
				t.Errorf("lost: %s", diff)
			}
		})
	}
}
