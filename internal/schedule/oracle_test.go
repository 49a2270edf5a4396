package schedule

import (
	"slices"
	"strings"
	"time"
)

// naiveOpen is R-14 read aloud: it converts the instant to a local date and a time of day as text and compares text. Times of
// day compare as strings because "00:00" <= "HH:MM" <= "24:00" bytewise.
func naiveOpen(spec Spec, zone *time.Location, now time.Time) bool {
	switch spec.Mode {
	case ModeAlwaysOpen:
		return true
	case ModeAlwaysClosed:
		return false
	}
	local := now.In(zone)
	tau := local.Format("15:04")
	year, month, day := local.Date()
	// Noon UTC of a calendar date carries the date alone.
	today := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	hours, exception := naiveHours(spec, today)
	for _, h := range hours {
		overnight := strings.Compare(h.Close, h.Open) <= 0
		if h.Open <= tau && (overnight || tau < h.Close) {
			return true
		}
	}
	if exception {
		return false
	}
	yesterday, _ := naiveHours(spec, today.AddDate(0, 0, -1))
	return slices.ContainsFunc(yesterday, func(h Hours) bool { return h.Close <= h.Open && tau < h.Close })
}

func naiveHours(spec Spec, date time.Time) (hours []Hours, exception bool) {
	for _, e := range spec.Exceptions {
		if e.Date == date.Format(time.DateOnly) {
			if e.Closed {
				return nil, true
			}
			return e.Hours, true
		}
	}
	for _, w := range spec.Weekly {
		if slices.Contains(w.Days, date.Weekday()) {
			hours = append(hours, w.Hours)
		}
	}
	return hours, false
}
