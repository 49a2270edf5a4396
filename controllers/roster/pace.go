package roster

import (
	"math"
	"time"
)

const (
	// crowd is how many changes within about a second look like a stream rather than edits.
	crowd = 20
	// longest is how long a change may wait for others to come with it. It is reached only where a batch takes more than a
	// second, as in a first apply of ten thousand people.
	longest = 5 * time.Second
)

// pace spaces the batches of a namespace while changes stream in (an import, a restore, a first apply): each batch
// rewrites Ledger shards and results that the next one changes again. A single edit never waits.
type pace struct {
	ended  time.Time
	took   time.Duration
	recent float64 // changes of earlier batches, halved every second
}

// wait returns how long the next batch, of so many changes, should wait for more.
func (p *pace) wait(now time.Time, changes int) time.Duration {
	if changes == 0 || p.faded(now)+float64(changes) < crowd {
		return 0
	}
	return p.ended.Add(min(3*p.took+100*time.Millisecond, longest)).Sub(now)
}

// streaming reports whether more changes of the same stream are likely to come.
func (p *pace) streaming(now time.Time) bool {
	return p.faded(now) >= crowd && now.Sub(p.ended) < settled
}

func (p *pace) faded(now time.Time) float64 {
	if p.ended.IsZero() {
		return 0
	}
	return p.recent * math.Exp2(-now.Sub(p.ended).Seconds())
}

// done records a batch of so many changes.
func (p *pace) done(began, ended time.Time, changes int) {
	p.recent = p.faded(ended) + float64(changes)
	p.ended, p.took = ended, ended.Sub(began)
}
