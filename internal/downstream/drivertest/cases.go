package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

func promises(t T, h Harness) {
	w := newWorld(t, h)
	d := w.process()
	defer d.end()
	c := d.driver.Capabilities()
	if !slices.Equal(slices.Sorted(slices.Values(c.Kinds)), slices.Sorted(slices.Values(h.Kinds))) {
		t.Errorf("the driver carries %v, the harness says %v", c.Kinds, h.Kinds)
	}
	for _, k := range c.Kinds {
		if !slices.Contains(downstream.Kinds, k) {
			t.Errorf("%s is no kind of records", k)
		}
	}
	if slices.Contains(c.Kinds, downstream.Users) && !slices.Contains(c.Deactivates, downstream.Users) {
		t.Errorf("people are deactivated, not deleted, unless asked: the driver cannot deactivate Users")
	}
	if c.Baseline && !c.WriteOnly {
		t.Errorf("Baseline is for systems that cannot be read")
	}
	for _, r := range of(h.Kinds, Sample(12)) {
		first, err := d.driver.Render(r)
		again, errAgain := d.driver.Render(r)
		if err != nil || errAgain != nil {
			t.Errorf("%s is not rendered: %v", r.ID(), err)
		}
		if !maps.Equal(first.Image, again.Image) || first.Name != again.Name || first.Empty != again.Empty {
			t.Errorf("%s is rendered differently the second time", r.ID())
		}
	}
}

func delivered(t T, h Harness) {
	w := newWorld(t, h, Sample(25)...)
	p := w.process()
	p.settle()
	if applies, changes := p.driver.taken(); applies == 0 || len(changes) != len(w.org.IDs(h.Kinds)) {
		t.Errorf("%d changes in %d calls, want one for each of %d records", len(changes), applies, len(w.org.IDs(h.Kinds)))
	}
	if n := p.boundary.requests(); n == 0 {
		t.Errorf("the driver does not wait for its pacer")
	}
	r := w.look()
	for _, k := range h.Kinds {
		if !slices.Contains(r.Complete, k) {
			t.Errorf("the listing of %s is not proven to be complete", k)
		}
	}
	w.inStep()
	w.clock.move(w.policy.Resync)
	p.syncer.Pass(t.Context())
	if _, changes := p.driver.taken(); len(changes) > 0 {
		t.Errorf("a second reading leads to %d changes, the first is %s of %s", len(changes), changes[0].Op, changes[0].ID())
	}
	p.end()
	w.quiet()
}

// quiet fails unless a new process finds nothing to do.
func (w *world) quiet() {
	w.t.Helper()
	writes := w.book.Writes()
	p := w.process()
	defer p.end()
	p.syncer.Pass(w.t.Context())
	if _, changes := p.driver.taken(); len(changes) > 0 {
		w.t.Errorf("a restart leads to %d changes, the first is %s of %s, of attributes %v", len(changes), changes[0].Op, changes[0].ID(), changes[0].Differs)
	}
	if n := w.book.Writes() - writes; n > 0 {
		w.t.Errorf("a restart leads to %d writes of the Ledger", n)
	}
	if s := p.now(); !s.Synced.OK {
		w.t.Errorf("after a restart: %s", describe(s, p.driver.lastErrors()))
	}
}

func idempotent(t T, h Harness) {
	w := newWorld(t, h)
	d := w.process()
	defer d.end()
	records := of(h.Kinds, Sample(3))
	ids := map[downstream.ID]string{}
	apply := func(op downstream.Op, previous bool) {
		t.Helper()
		var req downstream.Request
		req.RemoteID = func(id downstream.ID) (string, bool) { r, ok := ids[id]; return r, ok && r != "" }
		send := func(last bool) {
			req.Last = last
			out, err := d.driver.Apply(t.Context(), req)
			if err != nil || len(out) != len(req.Changes) {
				t.Fatalf("%s: %d outcomes for %d changes: %v", op, len(out), len(req.Changes), err)
			}
			for i := range out {
				if out[i].Err != nil {
					t.Errorf("%s of %s: %v", op, req.Changes[i].ID(), out[i].Err)
				}
				if out[i].RemoteID != "" {
					ids[req.Changes[i].ID()] = out[i].RemoteID
				}
			}
			req.Changes = nil
		}
		size := d.driver.Capabilities().BatchSize
		for i, r := range records {
			rendered := w.render(r)
			c := downstream.Change{Op: op, Record: r, Rendered: rendered}
			if op == downstream.Delete || op == downstream.Deactivate {
				c.Rendered = downstream.Rendered{}
			}
			if previous {
				c.Previous = &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name, RemoteID: ids[r.ID()], Hash: rendered.Image.Hash()}
			}
			req.Changes = append(req.Changes, c)
			if size > 0 && len(req.Changes) == size && i < len(records)-1 {
				send(false)
			}
		}
		if len(req.Changes) > 0 {
			send(true)
		}
	}
	there := func(want int) downstream.Reading {
		t.Helper()
		r := w.look()
		if n := len(r.Records); n != want {
			t.Errorf("%d records are there, want %d", n, want)
		}
		return r
	}
	visible := 0
	for _, r := range records {
		if !w.render(r).Empty {
			visible++
		}
	}
	apply(downstream.Create, false)
	there(visible)
	apply(downstream.Create, false)
	there(visible)
	apply(downstream.Update, true)
	apply(downstream.Update, true)
	there(visible)
	apply(downstream.Delete, true)
	there(0)
	apply(downstream.Delete, true)
	there(0)
}

func alone(t T, h Harness) {
	records := of(h.Kinds, Sample(15))
	for _, r := range []downstream.Record{changed(records[len(records)-1]), changed(records[0])} {
		w := newWorld(t, h, records...)
		p := w.process()
		p.settle()
		p.driver.taken()
		before := p.driver.reads
		p.touch(w.org.Want(r)...)
		_, changes := p.driver.taken()
		for _, c := range changes {
			if c.ID() != r.ID() {
				t.Errorf("a change of %s reaches %s", r.ID(), c.ID())
			}
		}
		if len(changes) == 0 && !maps.Equal(w.render(r).Image, w.render(records[0]).Image) && !maps.Equal(w.render(r).Image, w.render(records[len(records)-1]).Image) {
			t.Errorf("a change of %s does not reach the system", r.ID())
		}
		if p.driver.reads != before {
			t.Errorf("a change of one record reads everything")
		}
		p.end()
		w.inStep()
	}
}

// changed returns another state of a record, which every system that holds its kind can tell from the first.
func changed(r downstream.Record) downstream.Record {
	switch c := r.Content.(type) {
	case *downstream.User:
		d := *c
		d.FirstName, d.DisplayName = new("Anna"), "Anna Example"
		r.Content = &d
	case *downstream.AccessGrants:
		d := *c
		d.Permissions = []string{"conversations.handle", "conversations.view", "mentions.create"}
		d.AccountRole, d.BaseType = "supervisor", "Supervisor"
		r.Content = &d
	case *downstream.Group:
		d := *c
		d.DisplayName, d.Members = "Renamed", d.Members[:max(1, len(d.Members)-1)]
		r.Content = &d
	case *downstream.Route:
		d := *c
		d.Candidates, d.Strategy = d.Candidates[:max(1, len(d.Candidates)-1)], "Random"
		r.Content = &d
	case *downstream.Schedule:
		d := *c
		d.Weekly = d.Weekly[:1]
		r.Content = &d
	case *downstream.Mention:
		d := *c
		d.Message = "Another one"
		r.Content = &d
	}
	return r
}

// replaced returns ops of changes by name.
func replaced(changes []downstream.Change) (made, gone []downstream.ID) {
	for _, c := range changes {
		switch c.Op {
		case downstream.Create:
			made = append(made, c.ID())
		case downstream.Delete, downstream.Deactivate:
			gone = append(gone, c.ID())
		}
	}
	return made, gone
}

func rename(t T, h Harness) {
	w := newWorld(t, h, Sample(3)...)
	p := w.process()
	defer p.end()
	p.settle()
	p.driver.taken()
	before := w.look()
	var ids []downstream.ID
	for _, r := range of([]downstream.Kind{downstream.Users, downstream.Access}, of(h.Kinds, Sample(1))) {
		r.Name = "anna"
		ids = append(ids, w.org.Want(r)...)
	}
	p.touch(ids...)
	w.sameRecords(p, before, ids, ids)
}

// sameRecords fails unless the records now are those of before, moved from one identity to another, none made and none gone.
func (w *world) sameRecords(p *process, before downstream.Reading, from, to []downstream.ID) {
	w.t.Helper()
	_, changes := p.driver.taken()
	if made, gone := replaced(changes); len(made)+len(gone) > 0 {
		w.t.Errorf("made %v, gone %v", made, gone)
	}
	after := w.look()
	if len(after.Records) != len(before.Records) {
		w.t.Errorf("%d records before, %d after", len(before.Records), len(after.Records))
	}
	for i := range from {
		if len(found(before, from[i])) == 0 {
			continue
		}
		a, b := w.one(before, from[i]), w.one(after, to[i])
		if a != nil && b != nil && !p.driver.Capabilities().Natural && a.RemoteID != b.RemoteID {
			w.t.Errorf("%s had the id %s over there, %s has %s", from[i], a.RemoteID, to[i], b.RemoteID)
		}
	}
	w.inStep()
	w.quiet()
}

func identity(t T, h Harness) {
	w := newWorld(t, h, Sample(3)...)
	p := w.process()
	defer p.end()
	p.settle()
	p.driver.taken()
	before := w.look()
	var from, to []downstream.ID
	for _, r := range of([]downstream.Kind{downstream.Users, downstream.Access}, of(h.Kinds, Sample(1))) {
		from = append(from, r.ID())
		w.org.Drop(r.ID())
		r.Key = "email=anna@fjordline.example"
		if u, ok := r.Content.(*downstream.User); ok {
			v := *u
			v.Email = new("anna@fjordline.example")
			r.Content = &v
		}
		to = append(to, w.org.Want(r)...)
	}
	rekeyed := w.rekey("email=p0000@fjordline.example", "email=anna@fjordline.example")
	p.touch(slices.Concat(from, to, rekeyed)...)
	p.settle()
	w.sameRecords(p, before, from, to)
}

// rekey changes a reference wherever it stands.
func (w *world) rekey(from, to string) (ids []downstream.ID) {
	for _, x := range w.org.Records(w.org.IDs(w.policy.Records)) {
		r := x.Record
		switch c := r.Content.(type) {
		case *downstream.Group:
			d := *c
			d.Members = slices.Clone(d.Members)
			for i := range d.Members {
				if d.Members[i].Key == from {
					d.Members[i].Key = to
				}
			}
			r.Content = &d
		case *downstream.Route:
			d := *c
			d.Candidates = slices.Clone(d.Candidates)
			for i := range d.Candidates {
				if d.Candidates[i].Key == from {
					d.Candidates[i].Key = to
				}
			}
			r.Content = &d
		case *downstream.Mention:
			d := *c
			d.Alerts = slices.Clone(d.Alerts)
			for i := range d.Alerts {
				if d.Alerts[i].Key == from {
					d.Alerts[i].Key = to
				}
			}
			r.Content = &d
		default:
			continue
		}
		ids = append(ids, w.org.Want(r)...)
	}
	return ids
}

// strangers are records of somebody else: one that is nobody's business, and one that is in the way of a wanted one.
func strangers(h Harness) (other, clash []downstream.Record) {
	user, access := Person("zoe", true)
	other = of(h.Kinds, []downstream.Record{user, access, Group("strangers", "zoe"), Route("strangers", "zoe"), Call("theirs", "zoe")})
	user, access = Person("p0001", true)
	for _, r := range of(h.Kinds, []downstream.Record{user, access, Group("g000", "zoe"), Call("refund-1", "zoe")}) {
		clash = append(clash, changed(r))
	}
	return other, clash
}

func (w *world) plant(records []downstream.Record) map[downstream.ID]downstream.Found {
	w.t.Helper()
	for _, r := range records {
		w.system.Plant(r)
	}
	out := map[downstream.ID]downstream.Found{}
	r := w.look()
	for _, x := range records {
		there := found(r, x.ID())
		if len(there) != 1 && !w.render(x).Empty {
			w.t.Fatalf("%s was planted and is there %d times", x.ID(), len(there))
		}
		if len(there) == 1 {
			out[x.ID()] = there[0]
		}
	}
	return out
}

// untouched fails unless what was planted is as it was.
func (w *world) untouched(planted map[downstream.ID]downstream.Found) {
	w.t.Helper()
	r := w.look()
	for id, before := range planted {
		there := found(r, id)
		if len(there) != 1 {
			w.t.Errorf("%s of somebody else is there %d times", id, len(there))
			continue
		}
		if !maps.Equal(there[0].Image, before.Image) || there[0].RemoteID != before.RemoteID || there[0].Inactive != before.Inactive {
			w.t.Errorf("%s of somebody else was changed: %v", id, there[0].Image.Differs(before.Image))
		}
	}
}

func foreign(t T, h Harness) {
	w := newWorld(t, h, Sample(3)...)
	other, clash := strangers(h)
	planted := w.plant(append(other, clash...))
	p := w.process()
	defer p.end()
	s := p.passes(3)
	w.untouched(planted)
	_, changes := p.driver.taken()
	for _, c := range changes {
		if _, theirs := planted[c.ID()]; theirs {
			t.Errorf("%s of %s, which is somebody else's", c.Op, c.ID())
		}
	}
	if s.Synced.OK || len(s.Skipped) == 0 {
		t.Errorf("a clash is not reported: %s", describe(s, nil))
	}
	// Nothing of it becomes ours by going away.
	for _, r := range clash {
		w.org.Drop(r.ID())
	}
	p.syncer.Resync()
	p.passes(5)
	w.untouched(planted)
}

func adoption(t T, h Harness) {
	for _, mode := range []rollcallv1.Adoption{rollcallv1.AdoptionIfIdentical, rollcallv1.AdoptionTakeOver} {
		records := of(h.Kinds, Sample(3))
		w := newWorld(t, h, records...)
		w.policy.Adoption = mode
		_, clash := strangers(h)
		planted := w.plant(clash)
		for _, r := range records {
			if _, differs := planted[r.ID()]; !differs && !downstream.IsSchedule(r.Key) && r.Kind != downstream.Routes {
				w.system.Plant(r)
			}
		}
		p := w.process()
		s := p.passes(3)
		_, changes := p.driver.taken()
		made, _ := replaced(changes)
		for _, id := range made {
			if id.Kind != downstream.Routes {
				t.Errorf("%s: %s was made though it was there", mode, id)
			}
		}
		if mode == rollcallv1.AdoptionTakeOver {
			if !s.Synced.OK {
				t.Errorf("%s: %s", mode, describe(s, p.driver.lastErrors()))
			}
			w.inStep()
			p.end()
			w.quiet()
			continue
		}
		w.untouched(planted)
		if want := len(records) - len(planted); s.Owned != nil && total(s.Owned) != want {
			t.Errorf("%s: %d records are ours, want %d", mode, total(s.Owned), want)
		}
		p.end()
	}
}

func total(owned map[downstream.Kind]int) (n int) {
	for _, c := range owned {
		n += c
	}
	return n
}

func drift(t T, h Harness) {
	target := of(h.Kinds, Sample(2))
	id := target[len(target)-1].ID()
	for _, r := range target {
		if r.Kind == downstream.Users || r.Kind == downstream.Groups {
			id = r.ID()
			break
		}
	}
	for _, mode := range []rollcallv1.Drift{rollcallv1.DriftCorrect, rollcallv1.DriftReport, rollcallv1.DriftIgnore} {
		for _, hand := range []string{"Tamper", "Vanish"} {
			w := newWorld(t, h, target...)
			w.policy.Drift = mode
			p := w.process()
			p.settle()
			p.driver.taken()
			if hand == "Tamper" {
				w.system.Tamper(id)
			} else {
				w.system.Vanish(id)
			}
			w.clock.move(w.policy.Resync)
			p.syncer.Pass(t.Context())
			s := p.now()
			_, changes := p.driver.taken()
			if mode == rollcallv1.DriftCorrect {
				if len(changes) == 0 || !s.Synced.OK {
					t.Errorf("%s, %s: %d changes, %s", hand, mode, len(changes), describe(s, p.driver.lastErrors()))
				}
				w.inStep()
			} else if len(changes) > 0 {
				t.Errorf("%s, %s: %s of %s", hand, mode, changes[0].Op, changes[0].ID())
			}
			if reported := !s.Drifted.OK; reported != (mode == rollcallv1.DriftReport) {
				t.Errorf("%s, %s: drifted is reported: %v", hand, mode, reported)
			}
			p.end()
		}
	}
}

// lists are records in three states: with a list, with an empty one, and without a word about it.
func lists(h Harness) map[string][3]downstream.Record {
	out := map[string][3]downstream.Record{}
	if slices.Contains(h.Kinds, downstream.Groups) {
		out["Group.Members"] = [3]downstream.Record{Group("g000", "p0000", "p0001"), Group("g000"), Unmanaged("g000")}
		for name, set := range map[string]func(g *downstream.Group, list []string){
			"Group.Supervisors": func(g *downstream.Group, list []string) { g.Supervisors = list },
			"Group.Profiles":    func(g *downstream.Group, list []string) { g.Profiles = list },
			"Group.Practices":   func(g *downstream.Group, list []string) { g.Practices = list },
		} {
			state := func(list []string) downstream.Record {
				r := Group("g000", "p0000", "p0001")
				set(r.Content.(*downstream.Group), list)
				return r
			}
			out[name] = [3]downstream.Record{state([]string{"email=p0001@fjordline.example"}), state([]string{}), state(nil)}
		}
	}
	if slices.Contains(h.Kinds, downstream.Users) {
		for name, set := range map[string]func(u *downstream.User, n int){
			"User.Skills":    func(u *downstream.User, n int) { u.Skills = cut([]downstream.Skill{{Name: "french", Level: 2}}, n) },
			"User.Channels":  func(u *downstream.User, n int) { u.Channels = cut([]string{"Chat"}, n) },
			"User.Tags":      func(u *downstream.User, n int) { u.Tags = cut([]downstream.Tag{{Name: "vip", Color: "#ff0000"}}, n) },
			"User.Absences":  func(u *downstream.User, n int) { u.Absences = cut([]downstream.Absence{{Name: "summer"}}, n) },
			"User.Practices": func(u *downstream.User, n int) { u.Practices = cut([]string{"north"}, n) },
			"User.Queues":    func(u *downstream.User, n int) { u.Queues = cut([]string{"orders"}, n) },
		} {
			state := func(n int) downstream.Record {
				r, _ := Person("p0000", true)
				set(r.Content.(*downstream.User), n)
				return r
			}
			out[name] = [3]downstream.Record{state(1), state(0), state(-1)}
		}
	}
	return out
}

// cut returns the first n elements; -1: no list at all.
func cut[E any](list []E, n int) []E {
	if n < 0 {
		return nil
	}
	return list[:n]
}

func unset(t T, h Harness) {
	states := lists(h)
	for _, name := range slices.Sorted(maps.Keys(states)) {
		filled, empty, silent := states[name][0], states[name][1], states[name][2]
		w := newWorld(t, h, append(Sample(2), filled)...)
		if maps.Equal(w.render(filled).Image, w.render(empty).Image) {
			continue // the system does not hold this list
		}
		if w.render(filled).Image.Covers(w.render(empty).Image) {
			t.Errorf("%s: emptying it on purpose is not seen", name)
		}
		p := w.process()
		p.settle()
		full := w.one(w.look(), filled.ID())
		p.touch(w.org.Want(silent)...)
		p.syncer.Resync()
		p.passes(4)
		if now := w.one(w.look(), filled.ID()); full != nil && now != nil && !now.Image.Covers(w.render(filled).Image) {
			t.Errorf("%s: not being managed changed it: %v", name, now.Image.Differs(w.render(filled).Image))
		}
		if s := p.now(); !s.Synced.OK {
			t.Errorf("%s unset: %s", name, describe(s, p.driver.lastErrors()))
		}
		p.touch(w.org.Want(empty)...)
		p.settle()
		if now := w.one(w.look(), filled.ID()); now != nil && !now.Image.Covers(w.render(empty).Image) {
			t.Errorf("%s: emptying it on purpose did not: %v", name, now.Image.Differs(w.render(empty).Image))
		}
		p.end()
	}
}

func neverEmpty(t T, h Harness) {
	if !slices.Contains(h.Kinds, downstream.Groups) && !slices.Contains(h.Kinds, downstream.Routes) {
		return
	}
	var a, b []string
	for i := range 40 {
		if name := fmt.Sprintf("p%04d", i); i < 20 {
			a = append(a, name)
		} else {
			b = append(b, name)
		}
	}
	w := newWorld(t, h, append(Sample(40), Group("g000", a...), Route("g000", a...))...)
	p := w.process()
	defer p.end()
	p.settle()
	ids := w.org.Want(of(h.Kinds, []downstream.Record{Group("g000", b...), Route("g000", b...)})...)
	p.boundary.each = func() {
		r := w.look()
		for _, id := range ids {
			if f := found(r, id); len(f) != 1 || f[0].Inactive {
				t.Errorf("at a moment %s is there %d times, or empty", id, len(f))
			}
		}
	}
	p.touch(ids...)
	p.boundary.each = nil
	w.inStep()
}

func modes(t T, h Harness) {
	for mode, want := range map[rollcallv1.DownstreamMode][3]bool{ // creates, updates, removes
		rollcallv1.DownstreamModeObserve: {}, rollcallv1.DownstreamModeCreateOnly: {true, false, false},
		rollcallv1.DownstreamModeUpsert: {true, true, false}, rollcallv1.DownstreamModeFull: {true, true, true},
	} {
		records := of(h.Kinds, Sample(21))
		w := newWorld(t, h, records...)
		w.sync()
		w.policy.Mode = mode
		w.policy.Safety.ConfirmAbsences = 1
		user, access := Person("new", true)
		w.org.Want(of(h.Kinds, []downstream.Record{user, access, Group("new", "new"), Route("new", "new"), Call("new", "new")})...)
		w.org.Want(changed(records[0]))
		w.org.Drop(records[len(records)-2].ID())
		w.org.Stay(records[len(records)-2].Name)
		p := w.process()
		s := p.passes(2)
		_, changes := p.driver.taken()
		var got [3]bool
		for _, c := range changes {
			switch c.Op {
			case downstream.Create:
				got[0] = true
			case downstream.Update:
				got[1] = true
			default:
				got[2] = true
			}
		}
		if got != want {
			t.Errorf("%s: creates, updates, removes: %v, want %v", mode, got, want)
		}
		if s.Synced.OK != (mode == rollcallv1.DownstreamModeFull) {
			t.Errorf("%s: %s", mode, describe(s, p.driver.lastErrors()))
		}
		p.end()
	}
}

func departures(t T, h Harness) {
	people := of([]downstream.Kind{downstream.Users, downstream.Access}, of(h.Kinds, Sample(1)))
	if len(people) == 0 {
		return
	}
	for _, removal := range []rollcallv1.Removal{rollcallv1.RemovalDeactivate, rollcallv1.RemovalDelete, rollcallv1.RemovalOrphan} {
		w := newWorld(t, h, Sample(4)...)
		w.policy.Removal = removal
		p := w.process()
		p.settle()
		before := w.look()
		w.org.Depart(people[0].Key, plan.Departure{Name: "p0000", Since: w.clock.Now(), Observed: true})
		rest := w.rekey(people[0].Key, "email=p0001@fjordline.example")
		var left []downstream.ID
		for _, r := range people {
			left = append(left, r.ID())
		}
		p.touch(append(left, rest...)...)
		for _, id := range left {
			if f := found(w.look(), id); len(f) != len(found(before, id)) || len(f) == 1 && f[0].Inactive != found(before, id)[0].Inactive {
				t.Errorf("%s: %s was let go before the grace was over", removal, id)
			}
		}
		w.clock.move(w.policy.Safety.DeletionGrace)
		p.syncer.Pass(t.Context())
		after := w.look()
		for _, id := range left {
			there := found(after, id)
			switch deactivates := slices.Contains(p.driver.Capabilities().Deactivates, id.Kind); {
			case removal == rollcallv1.RemovalOrphan:
				if len(there) != 1 || there[0].Inactive {
					t.Errorf("%s: %s is not as it was", removal, id)
				}
			case removal == rollcallv1.RemovalDeactivate && deactivates:
				if len(there) > 1 || len(there) == 1 && !there[0].Inactive {
					t.Errorf("%s: %s is there %d times, or active", removal, id, len(there))
				}
				if id.Kind == downstream.Users && len(there) != 1 {
					t.Errorf("%s: the account of %s is gone", removal, id)
				}
			default:
				if len(there) != 0 {
					t.Errorf("%s: %s is still there", removal, id)
				}
			}
		}
		p.end()
		w.quiet()
		if removal != rollcallv1.RemovalDeactivate {
			continue
		}
		w.org.Want(people...)
		again := w.process()
		again.settle()
		_, changes := again.driver.taken()
		for _, c := range changes {
			if c.Op == downstream.Create && c.ID().Kind == downstream.Users {
				t.Errorf("somebody who comes back gets a second account")
			}
		}
		again.end()
		w.inStep()
	}
}

func held(t T, h Harness) {
	records := of(h.Kinds, Sample(40))
	w := newWorld(t, h, records...)
	p := w.process()
	defer p.end()
	p.settle()
	p.driver.taken()
	kind := records[len(records)/2].Kind
	var gone []downstream.ID
	for _, r := range records {
		if r.Kind == kind && len(gone) < 20 && !downstream.IsSchedule(r.Key) {
			gone = append(gone, r.ID())
			w.org.Stay(r.Name)
		}
	}
	w.org.Drop(gone...)
	p.syncer.Resync()
	s := p.passes(5)
	if _, changes := p.driver.taken(); len(changes) > 0 {
		t.Errorf("%s of %s though removals are to be held", changes[0].Op, changes[0].ID())
	}
	if s.HeldCount != len(gone) || s.RemovalsHeld.OK {
		t.Fatalf("%d removals are held, want %d: %s", s.HeldCount, len(gone), describe(s, nil))
	}
	if kind == downstream.Users || kind == downstream.Access { // an explicit act goes on meanwhile
		last := records[len(records)-4]
		for _, r := range records {
			if r.Kind == kind && w.org.Wanted(r.ID()) {
				last = r
			}
		}
		user, access := Person(last.Name, false)
		p.touch(w.org.Want(of([]downstream.Kind{kind}, []downstream.Record{user, access})...)...)
		if f := found(w.look(), last.ID()); len(f) == 1 && !f[0].Inactive {
			t.Errorf("an archived person is still active while other removals are held")
		}
	}
	p.approve("0123456789abcdef")
	p.syncer.Pass(t.Context())
	if s := p.now(); s.HeldCount != len(gone) {
		t.Errorf("a wrong approval released %d removals", len(gone)-s.HeldCount)
	}
	p.approve(s.HeldHash)
	p.settle()
	r := w.look()
	for _, id := range gone {
		if f := found(r, id); len(f) > 0 && !f[0].Inactive {
			t.Errorf("%s is still there though its removal was approved", id)
		}
	}
}

func bad(t T, h Harness) {
	w := newWorld(t, h, Sample(30)...)
	if !h.can(t, "Bad", w.system.Bad != nil) {
		return
	}
	records := of(h.Kinds, Sample(30))
	broken := w.system.Bad(records[len(records)/3])
	w.org.Drop(records[len(records)/3].ID())
	w.org.Want(broken)
	p := w.process()
	defer p.end()
	s := p.passes(2)
	if s.Synced.OK || len(s.Skipped) != 1 || s.Skipped[0].Name != broken.Name {
		t.Errorf("want one record skipped, %s: %s", broken.Name, describe(s, p.driver.lastErrors()))
	}
	if s.Plan.Creates != 1 {
		t.Errorf("%d records are missing beside the bad one", s.Plan.Creates-1)
	}
	applies, _ := p.driver.taken()
	if size := p.driver.Capabilities().BatchSize; size != 1 && applies > 2*len(records) {
		t.Errorf("one bad record among %d cost %d calls", len(records), applies)
	}
	other := changed(records[0])
	p.touch(w.org.Want(other)...)
	if _, changes := p.driver.taken(); slices.ContainsFunc(changes, func(c downstream.Change) bool { return c.ID() == broken.ID() }) {
		t.Errorf("the bad record comes again with the change of another one")
	}
	w.org.Drop(broken.ID())
	p.touch(w.org.Want(records[len(records)/3])...)
	p.settle()
	w.inStep()
}

func throttled(t T, h Harness) {
	w := newWorld(t, h, Sample(5)...)
	if !h.can(t, "Throttle", w.system.Throttle != nil) {
		return
	}
	p := w.process()
	defer p.end()
	p.settle()
	w.system.Throttle(90 * time.Second)
	records := of(h.Kinds, Sample(5))
	p.syncer.Touch(w.org.Want(changed(records[0]))...)
	if wait := p.syncer.Pass(t.Context()); wait < 90*time.Second {
		t.Errorf("the system asked for 90 s, and is asked again after %v: %v", wait, p.driver.lastErrors())
	}
	before := p.boundary.requests()
	w.clock.move(89 * time.Second)
	p.syncer.Pass(t.Context())
	if n := p.boundary.requests() - before; n > 0 {
		t.Errorf("%d requests while the system wants to be left alone", n)
	}
	w.clock.move(time.Second)
	p.settle()
	w.inStep()
}

func refused(t T, h Harness) {
	w := newWorld(t, h, Sample(5)...)
	if !h.can(t, "Refuse", w.system.Refuse != nil) {
		return
	}
	w.sync()
	p := w.process()
	defer p.end()
	w.system.Refuse(true)
	wait := p.syncer.Pass(t.Context())
	if s := p.now(); s.Reachable.Reason != rollcallv1.ReasonAuthenticationFailed {
		t.Errorf("reachable: %+v", s.Reachable)
	}
	if wait < time.Minute {
		t.Errorf("refused credentials are tried again after %v", wait)
	}
	before := p.boundary.requests()
	p.touch(w.org.Want(changed(of(h.Kinds, Sample(5))[0]))...)
	if n := p.boundary.requests() - before; n > 0 {
		t.Errorf("%d requests with refused credentials", n)
	}
	w.system.Refuse(false)
	w.clock.move(wait)
	p.settle()
	w.inStep()
}

func incomplete(t T, h Harness) {
	w := newWorld(t, h, Sample(12)...)
	if !h.can(t, "Truncate", w.system.Truncate != nil) {
		return
	}
	w.sync()
	w.policy.Safety.ConfirmAbsences = 1
	before := w.look()
	records := of(h.Kinds, Sample(12))
	dropped := records[len(records)/2]
	w.org.Drop(dropped.ID())
	w.org.Stay(dropped.Name)
	w.system.Truncate(true)
	p := w.process()
	defer p.end()
	p.passes(4)
	_, changes := p.driver.taken()
	if made, gone := replaced(changes); len(made)+len(gone) > 0 {
		t.Errorf("after an incomplete listing: made %v, gone %v", made, gone)
	}
	w.system.Truncate(false)
	if after := w.look(); len(after.Records) != len(before.Records) {
		t.Errorf("%d records before, %d after", len(before.Records), len(after.Records))
	}
}

func large(t T, h Harness) {
	people := h.Large
	if people == 0 {
		people = 10000 / max(1, len(of(h.Kinds, Sample(10)))) * 10
	}
	records := Sample(people)
	w := newWorld(t, h, records...)
	p := w.process()
	began := time.Now()
	p.settle()
	applies, changes := p.driver.taken()
	t.Logf("%d records in %d calls, %d requests, %v", len(changes), applies, p.boundary.requests(), time.Since(began).Round(time.Millisecond))
	if size := p.driver.Capabilities().BatchSize; size > 0 && applies > len(changes)/size+1 || size == 0 && applies != 1 {
		t.Errorf("%d calls for %d records, %d a call", applies, len(changes), size)
	}
	w.inStep()
	one := changed(of(h.Kinds, records)[0])
	p.touch(w.org.Want(one)...)
	if applies, changes := p.driver.taken(); applies > 1 || len(changes) > 1 {
		t.Errorf("one change of many: %d changes in %d calls", len(changes), applies)
	}
	p.end()
	w.quiet()
}
