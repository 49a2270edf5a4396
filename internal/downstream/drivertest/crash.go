package drivertest

import (
	"slices"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// crash ends a process at every moment of a synchronization, before and after each request, call and write of the Ledger, and
// has another one take up its work (Safety 12, P-15).
func crash(t T, h Harness) {
	moments, _ := life(t, h, 0)
	if moments == 0 {
		t.Fatalf("the driver never waits for its pacer")
	}
	for at := 1; at <= moments; at++ {
		if _, died := life(t, h, at); !died {
			t.Logf("a process was to end at moment %d of %d and came to its end before", at, moments)
		}
	}
}

// life brings a system in step, changes the organization in every way there is, and lets a process do that which ends at a
// moment; 0 for never. It returns how many moments there were, and whether the process ended at one.
func life(t T, h Harness, at int) (moments int, died bool) {
	t.Helper()
	w := newWorld(t, h, Sample(6)...)
	w.policy.Safety.ConfirmAbsences = 1
	other, _ := strangers(h)
	planted := w.plant(other)
	w.sync()
	left := w.upheaval(h)

	p := w.process()
	p.boundary.at = at
	for range maxPasses {
		wait := p.syncer.Pass(t.Context())
		if p.boundary.dead || p.now().Synced.OK {
			break
		}
		w.clock.move(wait)
	}
	moments, died = p.boundary.moments(), p.boundary.dead
	if !died {
		p.end()
	}
	if at > 0 {
		next := w.process()
		if s := next.settle(); !s.Synced.OK {
			t.Errorf("ended at %d: %s", at, describe(s, next.driver.lastErrors()))
		}
		next.end()
	}
	w.inStep(left...)
	w.untouched(planted)
	if n, want := len(w.look().Records), len(planted)+w.visible(left); n != want {
		t.Errorf("ended at %d: %d records are there, want %d", at, n, want)
	}
	w.quiet()
	return moments, died
}

// visible counts the records that are to be there: what is wanted, and what was let go and stays.
func (w *world) visible(left []downstream.ID) (n int) {
	r := w.look()
	for _, id := range left {
		n += len(found(r, id))
	}
	for _, x := range w.org.Records(w.org.IDs(w.policy.Records)) {
		switch {
		case x.Active && !w.render(x.Record).Empty:
			n++
		case !x.Active:
			n += min(1, len(found(r, x.ID())))
		}
	}
	return n
}

// upheaval changes the organization: somebody is renamed, somebody's identity is edited, one is archived, one deleted, two
// come; groups change, one goes and one comes. It returns what is let go and may stay without conferring anything.
func (w *world) upheaval(h Harness) (left []downstream.ID) {
	edit := func(name string, f func(r *downstream.Record)) {
		user, access := Person(name, true)
		for _, r := range of(h.Kinds, []downstream.Record{user, access}) {
			w.org.Drop(r.ID())
			f(&r)
			w.org.Want(r)
		}
	}
	edit("p0000", func(r *downstream.Record) { r.Name = "renamed" })
	edit("p0001", func(r *downstream.Record) {
		r.Key = "email=edited@fjordline.example"
		if u, ok := r.Content.(*downstream.User); ok {
			u.Email = new("edited@fjordline.example")
		}
	})
	user, access := Person("p0002", false)
	w.org.Want(of(h.Kinds, []downstream.Record{user, access})...)
	for _, kind := range []downstream.Kind{downstream.Users, downstream.Access} {
		left = append(left, downstream.ID{Kind: kind, Key: "email=p0003@fjordline.example"})
	}
	w.org.Depart("email=p0003@fjordline.example", plan.Departure{Name: "p0003", Since: w.clock.Now().Add(-w.policy.Safety.DeletionGrace), Observed: true})
	for _, name := range []string{"q0001", "q0002"} {
		edit(name, func(*downstream.Record) {})
	}
	w.org.Want(of(h.Kinds, []downstream.Record{Group("g000", "p0004", "q0001", "q0002"), Route("g000", "q0001", "p0004"), Group("g777", "q0002"), Route("g777", "q0002"), Call("refund-2", "q0001")})...)
	w.org.Drop(downstream.ID{Kind: downstream.Mentions, Key: "refund-1"})
	left = append(left, downstream.ID{Kind: downstream.Mentions, Key: "refund-1"})
	return slices.DeleteFunc(left, func(id downstream.ID) bool { return !slices.Contains(h.Kinds, id.Kind) })
}
