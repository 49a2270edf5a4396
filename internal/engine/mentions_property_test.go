package engine_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// TestAlertsAndGrants is P-05 and the part of P-01 about mentions: after any sequence of edits there is one mention grant
// for each Pending alert, whose holder has an open gate and is reached directly or as a member, and no other; only denies
// leave an alert without one. Nobody with a closed gate has a Pending alert.
func TestAlertsAndGrants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.DrawCalls(rt)
		b := newBench(world.Now, nil, false, world.Org)
		b.checkAlerts(rt)
		for range rapid.IntRange(0, 12).Draw(rt, "edits") {
			edit := orggen.DrawCall(rt, &world)
			if edit.LoseLedger {
				continue
			}
			world.Apply(edit)
			b.edit(edit, world)
			b.checkAlerts(rt)
		}
	})
}

func (b *bench) checkAlerts(t *rapid.T) {
	t.Helper()
	pending := map[string][]string{} // teammate -> mentions
	open := 0
	for _, name := range b.Roster.Names(nil, roster.KindMention) {
		s := b.Mention(name)
		if s.Phase == rollcallv1.MentionPhasePending {
			open++
		}
		for _, a := range s.Alerts {
			if a.State != rollcallv1.AlertStatePending {
				continue
			}
			pending[a.Name] = append(pending[a.Name], name)
			if !b.Lifecycle.Open(nil, a.Name) {
				t.Fatalf("the alert of %s in %s is Pending, and their gate is closed", a.Name, name)
			}
			member := slices.ContainsFunc(a.Via, func(g string) bool { return slices.Contains(b.Roster.Members(nil, g), a.Name) })
			if !a.Direct && !member {
				t.Fatalf("the alert of %s in %s is Pending, and they are in none of %v", a.Name, name, a.Via)
			}
		}
	}
	if got := b.Mentions.Open(); got != open {
		t.Fatalf("%d mentions count as open, %d are", got, open)
	}
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		var granted []string
		for _, g := range b.Mentions.Grants(nil, name) {
			granted = append(granted, g.Mention)
		}
		if denied := len(b.Access.Conversation(nil, name)) == 0; denied && len(granted) == 0 {
			continue
		}
		if !slices.Equal(granted, pending[name]) {
			t.Fatalf("%s has grants of %v and Pending alerts in %v", name, granted, pending[name])
		}
	}
}
