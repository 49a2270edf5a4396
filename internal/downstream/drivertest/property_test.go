package drivertest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// drawn is a rapid test that a case takes for its own.
type drawn struct {
	*rapid.T
	ctx context.Context
}

func (d drawn) Context() context.Context { return d.ctx }

// TestConverges is P-15: whatever happens to an organization, applying a plan leaves an empty one, also when processes end at
// any moment in between, and neither doubles nor loses a record.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := NewMemory()
		m.Caps.Atomic = rapid.Bool().Draw(rt, "atomic")
		m.Caps.Natural = rapid.Bool().Draw(rt, "natural")
		m.Caps.BatchSize = rapid.IntRange(0, 4).Draw(rt, "batch")
		m.Page = rapid.IntRange(0, 3).Draw(rt, "page")
		h := Harness{Kinds: downstream.Kinds, New: func(T) System {
			return System{Open: m.Driver, Plant: func(r downstream.Record) { m.Plant(r) }}
		}}
		w := newWorld(drawn{rt, t.Context()}, h, Sample(rapid.IntRange(0, 5).Draw(rt, "people"))...)
		w.policy.Safety = plan.Safety{MaxRemovalPercent: 100, ConfirmAbsences: 1}
		planted := w.plant([]downstream.Record{Group("strangers", "zoe")})
		w.sync()
		for range rapid.IntRange(1, 4).Draw(rt, "lives") {
			p := w.process()
			p.boundary.at = rapid.IntRange(0, 40).Draw(rt, "ends at")
			for range rapid.IntRange(1, 4).Draw(rt, "edits") {
				p.syncer.Touch(w.happen(rt)...)
				if rapid.Bool().Draw(rt, "pass") {
					w.clock.move(min(p.syncer.Pass(t.Context()), w.policy.Resync))
				}
			}
			if rapid.Bool().Draw(rt, "weather") {
				m.Fail(nil, downstream.NewError(downstream.Unavailable, "503", nil))
			}
			if !p.boundary.dead {
				w.clock.move(p.syncer.Pass(t.Context()))
			}
		}
		w.clock.move(w.policy.Safety.DeletionGrace)
		w.sync()
		var left []downstream.ID // deactivated
		for _, kind := range m.Caps.Deactivates {
			for _, f := range w.look().Records {
				if id := (downstream.ID{Kind: kind, Key: f.Key}); f.Kind == kind && f.Inactive && !w.org.Wanted(id) {
					left = append(left, id)
				}
			}
		}
		w.inStep(left...)
		w.untouched(planted)
		seen := map[downstream.ID]int{}
		for _, f := range w.look().Records {
			id := downstream.ID{Kind: f.Kind, Key: f.Key}
			if seen[id]++; seen[id] > 1 {
				rt.Errorf("%s is there %d times", id, seen[id])
			}
		}
		w.quiet()
	})
}

// happen changes something and returns what it touched.
func (w *world) happen(rt *rapid.T) []downstream.ID {
	name := fmt.Sprintf("p%04d", rapid.IntRange(0, 5).Draw(rt, "who"))
	user, access := Person(name, rapid.IntRange(0, 3).Draw(rt, "archived") > 0)
	ids := []downstream.ID{user.ID(), access.ID()}
	edited := []downstream.ID{{Kind: downstream.Users, Key: user.Key + "x"}, {Kind: downstream.Access, Key: user.Key + "x"}}
	group := fmt.Sprintf("g%03d", rapid.IntRange(0, 2).Draw(rt, "group"))
	switch rapid.IntRange(0, 6).Draw(rt, "what") {
	case 0, 1:
		w.org.Drop(edited...) // there is one object of a name
		w.org.Want(user, access)
		ids = append(ids, edited...)
	case 2:
		user.Name, access.Name = name+"-renamed", name+"-renamed"
		w.org.Want(user, access)
	case 3:
		w.org.Depart(user.Key, plan.Departure{Name: name, Since: w.clock.Now(), Observed: true})
	case 4: // an edited identity
		if !w.org.Wanted(user.ID()) {
			break
		}
		w.org.Drop(ids...)
		user.Key, access.Key = user.Key+"x", access.Key+"x"
		content := *user.Content.(*downstream.User)
		content.Email = new(*content.Email + "x")
		user.Content = &content
		ids = append(ids, w.org.Want(user, access)...)
	case 5:
		return w.org.Want(Group(group, slices.Repeat([]string{name}, rapid.IntRange(0, 1).Draw(rt, "members"))...), Call("refund-1", name))
	case 6:
		id := downstream.ID{Kind: downstream.Groups, Key: group}
		w.org.Drop(id)
		return []downstream.ID{id}
	}
	return ids
}
