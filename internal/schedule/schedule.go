// Package schedule answers when a Schedule is open. A compiled Schedule knows its hours as minutes of local days and
// its zone as offsets, so that "is it open now" is two look-ups and the next transition is found by walking the boundaries of
// local days instead of minutes. Daylight saving needs no rule of its own: an instant is converted to its local day and time,
// and that alone decides; local times inside a gap never occur, those inside a fold occur twice.
package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	// The zone database is compiled in, so that images without one give the same answers.
	_ "time/tzdata"
)

var (
	// ErrUnknownZone says that the zone of a Spec does not load; reported as UnknownTimeZone.
	ErrUnknownZone = errors.New("unknown time zone")
	// ErrInvalidHours says that an entry of a Spec is not a time of day, a date or a mode; reported as InvalidHours.
	ErrInvalidHours = errors.New("invalid hours")
)

// Modes of a Spec. ModeAlwaysOpen and ModeAlwaysClosed read nothing else of it.
const (
	ModeWeekly       = "Weekly"
	ModeAlwaysOpen   = "AlwaysOpen"
	ModeAlwaysClosed = "AlwaysClosed"
)

const (
	minutesPerDay = 24 * 60
	secondsPerDay = minutesPerDay * 60
	// horizon is how many local days after the present one NextTransition looks at.
	horizon = 400
)

// Hours is one interval of a day: Open is "HH:MM", Close is "HH:MM" or "24:00". Close at or before Open runs past midnight;
// equal times mean 24 hours.
type Hours struct{ Open, Close string }

// Weekly gives Hours to some days of every week.
type Weekly struct {
	Days []time.Weekday
	Hours
}

// Exception replaces the hours of one local date ("2006-01-02") and also cuts what spills into it from the day before. Closed,
// or without hours, means closed all day.
type Exception struct {
	Date   string
	Closed bool
	Hours  []Hours
}

// Spec is a Schedule object with its computed defaults filled in. Mode "" is ModeWeekly, which requires Zone, an IANA name.
type Spec struct {
	Mode       string
	Zone       string
	Weekly     []Weekly
	Exceptions []Exception
}

// Schedule is a compiled Spec. It does not change and may be used from several goroutines.
type Schedule struct {
	// always is ModeAlwaysOpen or ModeAlwaysClosed, or "" when the hours decide.
	always     string
	zone       *time.Location
	weekly     [7][]interval
	exceptions map[int64][]interval
}

// interval is in minutes of the local day; close at or before open ends on the next day.
type interval struct{ open, close int }

func (iv interval) overnight() bool { return iv.close <= iv.open }

// Compile checks and compiles a Spec. Errors wrap ErrUnknownZone or ErrInvalidHours and name the entry.
func Compile(spec Spec) (*Schedule, error) {
	switch spec.Mode {
	case ModeAlwaysOpen, ModeAlwaysClosed:
		zone, err := loadZone(spec.Zone)
		if err != nil {
			zone = time.UTC
		}
		return &Schedule{always: spec.Mode, zone: zone}, nil
	case ModeWeekly, "":
	default:
		return nil, fmt.Errorf("mode %q: %w", spec.Mode, ErrInvalidHours)
	}
	zone, err := loadZone(spec.Zone)
	if err != nil {
		return nil, err
	}
	s := &Schedule{zone: zone, exceptions: map[int64][]interval{}}
	for i, e := range spec.Weekly {
		iv, err := compileHours(e.Hours)
		if err != nil {
			return nil, fmt.Errorf("weekly[%d]: %w", i, err)
		}
		for _, d := range e.Days {
			if d < time.Sunday || d > time.Saturday {
				return nil, fmt.Errorf("weekly[%d]: day %d: %w", i, int(d), ErrInvalidHours)
			}
			s.weekly[d] = append(s.weekly[d], iv)
		}
	}
	for _, e := range spec.Exceptions {
		day, hours, err := compileException(e)
		if err != nil {
			return nil, fmt.Errorf("exceptions[%s]: %w", e.Date, err)
		}
		if _, twice := s.exceptions[day]; twice {
			return nil, fmt.Errorf("exceptions[%s]: listed twice: %w", e.Date, ErrInvalidHours)
		}
		s.exceptions[day] = hours
	}
	return s, nil
}

func compileException(e Exception) (day int64, hours []interval, err error) {
	date, err := time.Parse(time.DateOnly, e.Date)
	if err != nil {
		return 0, nil, fmt.Errorf("no such date: %w", ErrInvalidHours)
	}
	for i, h := range e.Hours {
		iv, err := compileHours(h)
		if err != nil {
			return 0, nil, fmt.Errorf("hours[%d]: %w", i, err)
		}
		hours = append(hours, iv)
	}
	if e.Closed {
		hours = nil
	}
	return floorDiv(date.Unix(), secondsPerDay), hours, nil
}

func compileHours(h Hours) (interval, error) {
	open, ok := minuteOfDay(h.Open)
	if !ok {
		return interval{}, fmt.Errorf("open %q: %w", h.Open, ErrInvalidHours)
	}
	if h.Close == "24:00" {
		return interval{open: open, close: minutesPerDay}, nil
	}
	end, ok := minuteOfDay(h.Close)
	if !ok {
		return interval{}, fmt.Errorf("close %q: %w", h.Close, ErrInvalidHours)
	}
	return interval{open: open, close: end}, nil
}

// minuteOfDay parses HHMM of the API: two digits, colon, two digits.
func minuteOfDay(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return hour*60 + minute, hour < 24 && minute < 60
}

// loadZone refuses the names whose meaning depends on the machine that evaluates them.
func loadZone(name string) (*time.Location, error) {
	switch {
	case name == "", name == "Local", name == "localtime", name == "posixrules",
		strings.HasPrefix(name, "posix/"), strings.HasPrefix(name, "right/"):
		return nil, fmt.Errorf("zone %q: %w", name, ErrUnknownZone)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: %w", name, ErrUnknownZone)
	}
	return zone, nil
}

// Zone returns the zone of the schedule; UTC for a mode other than ModeWeekly with a zone that does not load.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Open reports whether the schedule is open at now.
func (s *Schedule) Open(now time.Time) bool {
	if s.always != "" {
		return s.always == ModeAlwaysOpen
	}
	_, offset := now.In(s.zone).Zone()
	return s.openAt(now.Unix() + int64(offset))
}

// openAt decides for a local time, given as seconds since the local midnight of 1970-01-01. Seconds are enough because
// every boundary is a whole minute.
func (s *Schedule) openAt(local int64) bool {
	day := floorDiv(local, secondsPerDay)
	minute := int(local-day*secondsPerDay) / 60
	today, exception := s.hours(day)
	for _, iv := range today {
		if iv.open <= minute && (iv.overnight() || minute < iv.close) {
			return true
		}
	}
	if exception {
		return false
	}
	yesterday, _ := s.hours(day - 1)
	for _, iv := range yesterday {
		if iv.overnight() && minute < iv.close {
			return true
		}
	}
	return false
}

func (s *Schedule) hours(day int64) (hours []interval, exception bool) {
	if hours, ok := s.exceptions[day]; ok {
		return hours, true
	}
	// Local day 0 is 1970-01-01, a Thursday.
	weekday := (day%7 + 7 + int64(time.Thursday)) % 7
	return s.weekly[weekday], false
}

// NextTransition returns the first instant after now at which Open changes, in UTC, searched over the boundaries of the next
// 400 local days and the changes of the zone's offset; false when there is none.
func (s *Schedule) NextTransition(now time.Time) (time.Time, bool) {
	if s.always != "" || !s.everOpen() {
		return time.Time{}, false
	}
	was := s.Open(now)
	_, offset := now.In(s.zone).Zone()
	lastDay := floorDiv(now.Unix()+int64(offset), secondsPerDay) + horizon
	for from := now.Unix() + 1; ; {
		// One period of constant offset at a time: inside it local time runs like UTC. Its first second is a candidate of
		// its own, because that is where an opening inside a gap takes effect.
		at := time.Unix(from, 0).In(s.zone)
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		firstLocal := from + int64(offset)
		if floorDiv(firstLocal, secondsPerDay) > lastDay {
			return time.Time{}, false
		}
		if s.openAt(firstLocal) != was {
			return time.Unix(from, 0).UTC(), true
		}
		limit := (lastDay + 1) * secondsPerDay
		if !end.IsZero() {
			limit = min(limit, end.Unix()+int64(offset))
		}
		if local, ok := s.nextChange(firstLocal, limit, was); ok {
			return time.Unix(local-int64(offset), 0).UTC(), true
		}
		if end.IsZero() {
			return time.Time{}, false
		}
		from = end.Unix()
	}
}

// nextChange returns the first local second in (from, limit) at which openAt differs from was; it can only be a boundary.
func (s *Schedule) nextChange(from, limit int64, was bool) (int64, bool) {
	var minutes []int
	for day := floorDiv(from, secondsPerDay); day*secondsPerDay < limit; day++ {
		minutes = s.boundaries(minutes[:0], day)
		for _, m := range minutes {
			local := day*secondsPerDay + int64(m)*60
			if local >= limit {
				return 0, false
			}
			if local > from && s.openAt(local) != was {
				return local, true
			}
		}
	}
	return 0, false
}

// boundaries appends the minutes of the local day at which openAt may change, ascending. Midnight is one on every day,
// because exceptions begin and end there.
func (s *Schedule) boundaries(minutes []int, day int64) []int {
	minutes = append(minutes, 0)
	today, _ := s.hours(day)
	for _, iv := range today {
		minutes = append(minutes, iv.open)
		if !iv.overnight() && iv.close < minutesPerDay {
			minutes = append(minutes, iv.close)
		}
	}
	yesterday, _ := s.hours(day - 1)
	for _, iv := range yesterday {
		if iv.overnight() {
			minutes = append(minutes, iv.close)
		}
	}
	slices.Sort(minutes)
	return slices.Compact(minutes)
}

// everOpen spares the search where no hours exist at all.
func (s *Schedule) everOpen() bool {
	for _, day := range s.weekly {
		if len(day) > 0 {
			return true
		}
	}
	for _, day := range s.exceptions {
		if len(day) > 0 {
			return true
		}
	}
	return false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
