package plan

import (
	"maps"
	"slices"
	"time"
)

const (
	// lossWindow and lossShare: more than one in ten losing access within a quarter of an hour is no accident.
	lossWindow = 15 * time.Minute
	lossShare  = 10
	// alarmLength ends an alarm that nobody heals: what it held stays held where it was.
	alarmLength = 24 * time.Hour
)

// Losses watch over a whole organization: how many people lost their access by inference, that is without having been
// archived, blocked, deleted or at the end of a window (Safety 2). The zero value is ready to use.
type Losses struct {
	at    map[string]time.Time // teammate -> when the access was lost
	alarm map[string]time.Time // who was lost when the alarm went off, and when
}

// Loss is one person who lost their access.
type Loss struct {
	Teammate string
	At       time.Time
	// Alarm: the alarm went off because of this person, among others.
	Alarm bool
}

// Lose records that a teammate lost their access.
func (l *Losses) Lose(now time.Time, teammate string) {
	if l.at == nil {
		l.at = map[string]time.Time{}
	}
	if _, known := l.at[teammate]; !known {
		l.at[teammate] = now
	}
}

// Regain records that a teammate has access again, or was let go by an explicit act.
func (l *Losses) Regain(teammate string) {
	delete(l.at, teammate)
	delete(l.alarm, teammate)
}

// Alarm reports whether removals are to be held in all Downstreams. It goes off when more than a tenth of the teammates are
// lost within 15 minutes, and goes on until all of them are back, or a day has passed since the last of them.
func (l *Losses) Alarm(now time.Time, teammates int) bool {
	maps.DeleteFunc(l.at, func(_ string, at time.Time) bool { return now.Sub(at) >= lossWindow })
	if lossShare*len(l.at) > teammates {
		if l.alarm == nil {
			l.alarm = map[string]time.Time{}
		}
		maps.Copy(l.alarm, l.at)
	}
	l.expire(now)
	return len(l.alarm) > 0
}

func (l *Losses) expire(now time.Time) {
	var last time.Time
	for _, at := range l.alarm {
		if at.After(last) {
			last = at
		}
	}
	if now.Sub(last) >= alarmLength {
		clear(l.alarm)
	}
}

// All returns those who count, or because of whom the alarm goes on, by name. It is what Recall takes.
func (l *Losses) All() []Loss {
	all := maps.Clone(l.at)
	if all == nil {
		all = map[string]time.Time{}
	}
	maps.Copy(all, l.alarm)
	out := make([]Loss, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		_, alarm := l.alarm[name]
		out = append(out, Loss{Teammate: name, At: all[name], Alarm: alarm})
	}
	return out
}

// Recall takes in what was remembered, after a restart: whoever is still lost counts as before.
func (l *Losses) Recall(now time.Time, losses []Loss, lost func(teammate string) bool) {
	for _, x := range losses {
		if !lost(x.Teammate) {
			continue
		}
		if now.Sub(x.At) < lossWindow {
			if known, ok := l.at[x.Teammate]; !ok || x.At.Before(known) {
				delete(l.at, x.Teammate)
				l.Lose(x.At, x.Teammate)
			}
		}
		if x.Alarm {
			if l.alarm == nil {
				l.alarm = map[string]time.Time{}
			}
			l.alarm[x.Teammate] = x.At
		}
	}
	l.expire(now)
}
