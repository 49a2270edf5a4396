package plan

import (
	"maps"
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
	alarm map[string]struct{}  // who was lost when the alarm went off
	since time.Time
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
// lost within 15 minutes, and goes on until all of them are back, or a day has passed.
func (l *Losses) Alarm(now time.Time, teammates int) bool {
	maps.DeleteFunc(l.at, func(_ string, at time.Time) bool { return now.Sub(at) >= lossWindow })
	if lossShare*len(l.at) > teammates {
		if l.alarm == nil {
			l.alarm = map[string]struct{}{}
		}
		for name := range l.at {
			l.alarm[name] = struct{}{}
		}
		l.since = now
	}
	if now.Sub(l.since) >= alarmLength {
		clear(l.alarm)
	}
	return len(l.alarm) > 0
}
