package roster

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	for name, tc := range map[string]struct {
		batches []int // ended one every 20 ms up to now, and took 10 ms
		wait    time.Duration
		changes int
		want    time.Duration
	}{
		"the first batch never waits":              {changes: 5000},
		"an edit after an edit does not wait":      {batches: []int{1, 1}, changes: 1},
		"nothing to do does not wait":              {batches: []int{500}, changes: 0},
		"a stream of single changes is a stream":   {batches: []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, changes: 1, want: 130 * time.Millisecond},
		"after a crowd the next change waits":      {batches: []int{500}, changes: 1, want: 130 * time.Millisecond},
		"a while after a crowd an edit goes first": {batches: []int{500}, wait: 10 * time.Second, changes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			for i, changes := range tc.batches {
				ended := at(time.Duration(i+1-len(tc.batches)) * 20 * time.Millisecond)
				p.done(ended.Add(-10*time.Millisecond), ended, changes)
			}
			if got := max(p.wait(at(tc.wait), tc.changes), 0); got != tc.want {
				t.Errorf("wait = %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("a slow batch does not make the next one wait for more than five seconds", func(t *testing.T) {
		var p pace
		p.done(at(-time.Minute), now, 5000)
		if got := p.wait(now, 10); got != 5*time.Second {
			t.Errorf("wait = %s, want 5s", got)
		}
	})
}
