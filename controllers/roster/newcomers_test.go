package roster

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestNewcomersWaitForTheEndOfAStream(t *testing.T) {
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	exists := func(_, name string) bool { return name == "old" }
	dueOf := func(names ...string) *due {
		d := newDue()
		for _, name := range names {
			d.access[name] = struct{}{}
			d.plans["usergroup-"+name] = struct{}{}
		}
		return &d
	}
	sent := func(d *due) []string { return slices.Sorted(maps.Keys(d.access)) }
	check := func(t *testing.T, d *due, want ...string) {
		t.Helper()
		if got := sent(d); !slices.Equal(got, want) {
			t.Errorf("sent %v, want %v", got, want)
		}
	}

	t.Run("an edit does not wait", func(t *testing.T) {
		var n newcomers
		p := pace{}
		p.done(start, start, 1)
		d := dueOf("new")
		n.hold(d, &p, start, exists)
		check(t, d, "new")
	})
	t.Run("what exists does not wait, what is new does, until the stream is over", func(t *testing.T) {
		var n newcomers
		p := pace{}
		p.done(start, start, 500)
		d := dueOf("old", "new")
		n.hold(d, &p, start, exists)
		check(t, d, "old")
		if !n.any() {
			t.Fatal("nothing waits")
		}
		d = dueOf("new", "newer")
		p.done(start.Add(time.Second), start.Add(time.Second), 500)
		n.hold(d, &p, start.Add(time.Second), exists)
		check(t, d)
		d = dueOf()
		n.hold(d, &p, start.Add(time.Second+settled), exists)
		check(t, d, "new", "newer")
		if n.any() {
			t.Error("something still waits")
		}
	})
	t.Run("no stream keeps anything back for longer than three minutes, however long it is", func(t *testing.T) {
		var n newcomers
		p := pace{}
		for at := time.Duration(0); ; at += time.Second {
			now := start.Add(at)
			p.done(now, now, 500)
			d := dueOf("new")
			n.hold(d, &p, now, exists)
			switch {
			case at < longestHold:
				check(t, d)
			case at < 2*longestHold:
				check(t, d, "new")
			default:
				return
			}
		}
	})
	t.Run("after a start everything goes out", func(t *testing.T) {
		var n newcomers
		p := pace{}
		p.done(start, start, 500)
		d := dueOf("new")
		d.everything = true
		n.hold(d, &p, start, exists)
		check(t, d, "new")
	})
}
