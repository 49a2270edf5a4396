package roster

import (
	"time"
)

const (
	// settled is how long no batch must have come for a stream of changes to be over.
	settled = 1500 * time.Millisecond
	// longestHold is how long a stream of changes may keep new outputs back; one that is longer is no first apply.
	longestHold = 3 * time.Minute
)

// newcomers are the outputs of a namespace that nobody has published yet. While changes stream in they wait for its end:
// a first apply brings people before their groups, and the access of each would be written once for the person and again
// for the groups. What was published before never waits: somebody may be about to lose what it says.
type newcomers struct {
	// began is when the present stream was first seen, zero between streams.
	began         time.Time
	access, plans map[string]struct{}
}

// hold takes the outputs that do not exist out of what is due, or puts back what was held once the stream is over.
func (n *newcomers) hold(d *due, p *pace, now time.Time, exists func(kind, name string) bool) {
	switch {
	case !p.streaming(now):
		n.began = time.Time{}
	case n.began.IsZero():
		n.began = now
	}
	if n.began.IsZero() || d.everything || now.Sub(n.began) >= longestHold {
		n.release(d)
		return
	}
	n.access = keepBack(n.access, d.access, func(name string) bool { return exists(kindAccess, name) })
	n.plans = keepBack(n.plans, d.plans, func(name string) bool { return exists(kindPlan, name) })
}

func (n *newcomers) any() bool { return len(n.access)+len(n.plans) > 0 }

func (n *newcomers) release(d *due) {
	for name := range n.access {
		d.access[name] = struct{}{}
	}
	for name := range n.plans {
		d.plans[name] = struct{}{}
	}
	n.access, n.plans = nil, nil
}

func keepBack(held, due map[string]struct{}, exists func(name string) bool) map[string]struct{} {
	for name := range due {
		if exists(name) {
			continue
		}
		if held == nil {
			held = map[string]struct{}{}
		}
		held[name] = struct{}{}
		delete(due, name)
	}
	return held
}
