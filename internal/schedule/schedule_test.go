package schedule

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	allDays  = []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
	workdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
)

func mustCompile(t testing.TB, spec Spec) *Schedule {
	t.Helper()
	s, err := Compile(spec)
	if err != nil {
		t.Fatalf("compiling %+v: %v", spec, err)
	}
	return s
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04Z", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func every(open, end string) []Weekly {
	return []Weekly{{Days: allDays, Hours: Hours{open, end}}}
}

func TestOpen(t *testing.T) {
	prague := func(open, end string) Spec { return Spec{Zone: "Europe/Prague", Weekly: every(open, end)} }
	christmas := Spec{
		Zone: "Etc/UTC", Weekly: every("22:00", "06:00"),
		Exceptions: []Exception{{Date: "2027-12-25", Closed: true, Hours: []Hours{{"08:00", "09:00"}}}, {Date: "2027-12-31", Hours: []Hours{{"20:00", "02:00"}}}},
	}
	type at map[string]bool // instants in UTC, RFC 3339
	tests := map[string]struct {
		spec Spec
		want at
	}{
		"S-42 overnight": {
			spec: prague("22:00", "06:00"),
			want: at{"2027-01-11T20:59:59Z": false, "2027-01-11T21:00:00Z": true, "2027-01-12T04:59:59Z": true, "2027-01-12T05:00:00Z": false},
		},
		"same day is half-open": {
			spec: prague("09:00", "17:00"),
			want: at{"2027-01-11T07:59:59Z": false, "2027-01-11T08:00:00Z": true, "2027-01-11T15:59:59Z": true, "2027-01-11T16:00:00Z": false},
		},
		"24:00 ends the day": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Monday}, Hours: Hours{"20:00", "24:00"}}}},
			want: at{"2027-01-11T23:59:59Z": true, "2027-01-12T00:00:00Z": false},
		},
		"equal times mean 24 hours": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Monday}, Hours: Hours{"09:00", "09:00"}}}},
			want: at{"2027-01-11T08:59:59Z": false, "2027-01-11T09:00:00Z": true, "2027-01-12T08:59:59Z": true, "2027-01-12T09:00:00Z": false},
		},
		"from midnight to midnight is one day": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Monday}, Hours: Hours{"00:00", "00:00"}}}},
			want: at{"2027-01-10T23:59:59Z": false, "2027-01-11T00:00:00Z": true, "2027-01-11T23:59:59Z": true, "2027-01-12T00:00:00Z": false},
		},
		"Sunday spills into Monday": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Sunday}, Hours: Hours{"22:00", "02:00"}}}},
			want: at{"2027-01-10T23:00:00Z": true, "2027-01-11T01:59:59Z": true, "2027-01-11T02:00:00Z": false, "2027-01-11T22:00:00Z": false},
		},
		"S-80 an exception closes its day and cuts what spills in": {
			spec: christmas,
			want: at{
				"2027-12-24T21:59:59Z": false, "2027-12-24T22:00:00Z": true, "2027-12-24T23:59:59Z": true, "2027-12-25T00:00:00Z": false,
				"2027-12-25T08:30:00Z": false, "2027-12-25T22:30:00Z": false, "2027-12-26T01:00:00Z": false, "2027-12-26T22:00:00Z": true,
			},
		},
		"hours of an exception replace the week and may spill out": {
			spec: christmas,
			want: at{
				"2027-12-31T01:00:00Z": false, "2027-12-31T20:00:00Z": true, "2028-01-01T01:59:59Z": true, "2028-01-01T02:00:00Z": false, "2028-01-01T22:00:00Z": true,
			},
		},
		"S-80 AlwaysOpen reads nothing else": {
			spec: Spec{Mode: ModeAlwaysOpen, Zone: "No/Where", Weekly: []Weekly{{Hours: Hours{"x", "y"}}}},
			want: at{"2027-12-25T00:00:00Z": true, "2027-06-25T12:00:00Z": true},
		},
		"S-80 AlwaysClosed reads nothing else": {
			spec: Spec{Mode: ModeAlwaysClosed, Zone: "Etc/UTC", Weekly: every("00:00", "24:00")},
			want: at{"2027-12-25T00:00:00Z": false, "2027-06-25T12:00:00Z": false},
		},
		"without hours it is closed": {spec: Spec{Zone: "Etc/UTC"}, want: at{"2027-12-25T00:00:00Z": false}},
		"a skipped local day, Samoa 2011-12-30": {
			spec: Spec{Zone: "Pacific/Apia", Weekly: []Weekly{{Days: []time.Weekday{time.Friday}, Hours: Hours{"00:00", "24:00"}}, {Days: []time.Weekday{time.Thursday}, Hours: Hours{"22:00", "02:00"}}}},
			want: at{"2011-12-30T09:59:59Z": true, "2011-12-30T10:00:00Z": false, "2011-12-30T11:00:00Z": false},
		},
		"instants before 1970": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Wednesday}, Hours: Hours{"22:00", "24:00"}}}},
			want: at{"1969-12-31T21:59:59Z": false, "1969-12-31T22:00:00Z": true, "1969-12-31T23:59:59Z": true, "1970-01-01T00:00:00Z": false},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustCompile(t, tc.spec)
			for text, want := range tc.want {
				now, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				for _, now := range []time.Time{now, now.Add(time.Second - 1), now.In(time.FixedZone("", 5*3600))} {
					if got := s.Open(now); got != want {
						t.Errorf("Open(%s) = %v, want %v", now.Format(time.RFC3339Nano), got, want)
					}
				}
			}
		})
	}
}

// TestNights is S-78: the length of a night follows the clock of the zone.
func TestNights(t *testing.T) {
	tests := map[string]struct {
		zone, open, end string
		want            time.Duration
	}{
		"Prague forward":    {"Europe/Prague", "2027-03-27T21:00Z", "2027-03-28T04:00Z", 7 * time.Hour},
		"Prague back":       {"Europe/Prague", "2027-10-30T20:00Z", "2027-10-31T05:00Z", 9 * time.Hour},
		"New York forward":  {"America/New_York", "2027-03-14T03:00Z", "2027-03-14T10:00Z", 7 * time.Hour},
		"New York back":     {"America/New_York", "2027-11-07T02:00Z", "2027-11-07T11:00Z", 9 * time.Hour},
		"Lord Howe forward": {"Australia/Lord_Howe", "2027-10-02T11:30Z", "2027-10-02T19:00Z", 7*time.Hour + 30*time.Minute},
		"Lord Howe back":    {"Australia/Lord_Howe", "2027-04-03T11:00Z", "2027-04-03T19:30Z", 8*time.Hour + 30*time.Minute},
		"Cairo forward":     {"Africa/Cairo", "2027-04-29T20:00Z", "2027-04-30T03:00Z", 7 * time.Hour},
		"Cairo back":        {"Africa/Cairo", "2027-10-28T19:00Z", "2027-10-29T04:00Z", 9 * time.Hour},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustCompile(t, Spec{Zone: tc.zone, Weekly: every("22:00", "06:00")})
			open, end := instant(t, tc.open), instant(t, tc.end)
			if got := end.Sub(open); got != tc.want {
				t.Fatalf("the table is wrong: %v, want %v", got, tc.want)
			}
			for at := open.Add(-time.Hour); at.Before(end.Add(time.Hour)); at = at.Add(time.Minute) {
				if got, want := s.Open(at), !at.Before(open) && at.Before(end); got != want {
					t.Fatalf("Open(%s) = %v, want %v", at.Format(time.RFC3339), got, want)
				}
			}
			for now, want := range map[time.Time]time.Time{open.Add(-time.Second): open, open: end, end.Add(-time.Nanosecond): end} {
				if got, ok := s.NextTransition(now); !ok || !got.Equal(want) {
					t.Errorf("NextTransition(%s) = %v, %v, want %v", now.Format(time.RFC3339Nano), got, ok, want)
				}
			}
		})
	}
}

// TestGapsAndFolds is S-79.
func TestGapsAndFolds(t *testing.T) {
	type span struct{ from, to string }
	tests := map[string]struct {
		hours    Hours
		from, to string
		want     []span
	}{
		"opening inside the gap moves to its end": {
			hours: Hours{"02:30", "03:30"}, from: "2027-03-28T00:00Z", to: "2027-03-28T12:00Z", want: []span{{"2027-03-28T01:00Z", "2027-03-28T01:30Z"}},
		},
		"time inside the fold counts twice": {
			hours: Hours{"02:15", "02:45"}, from: "2027-10-31T00:00Z", to: "2027-10-31T12:00Z",
			want: []span{{"2027-10-31T00:15Z", "2027-10-31T00:45Z"}, {"2027-10-31T01:15Z", "2027-10-31T01:45Z"}},
		},
		"hours inside the gap never occur": {hours: Hours{"02:10", "02:50"}, from: "2027-03-28T00:00Z", to: "2027-03-28T12:00Z"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustCompile(t, Spec{Zone: "Europe/Prague", Weekly: every(tc.hours.Open, tc.hours.Close)})
			from, to := instant(t, tc.from), instant(t, tc.to)
			for at := from; at.Before(to); at = at.Add(time.Minute) {
				want := false
				for _, sp := range tc.want {
					want = want || !at.Before(instant(t, sp.from)) && at.Before(instant(t, sp.to))
				}
				if got := s.Open(at); got != want {
					t.Fatalf("Open(%s) = %v, want %v", at.Format(time.RFC3339), got, want)
				}
			}
			now := from
			for _, sp := range tc.want {
				for _, want := range []time.Time{instant(t, sp.from), instant(t, sp.to)} {
					got, ok := s.NextTransition(now)
					if !ok || !got.Equal(want) {
						t.Fatalf("NextTransition(%s) = %v, %v, want %v", now.Format(time.RFC3339), got, ok, want)
					}
					now = got
				}
			}
			if got, _ := s.NextTransition(now); got.Before(to) {
				t.Errorf("another transition at %v", got)
			}
		})
	}
}

func TestNextTransition(t *testing.T) {
	none := time.Time{}
	now := time.Date(2027, 1, 11, 12, 0, 0, 0, time.UTC) // a Monday
	tests := map[string]struct {
		spec Spec
		want time.Time
	}{
		"AlwaysOpen":                    {spec: Spec{Mode: ModeAlwaysOpen}, want: none},
		"AlwaysClosed":                  {spec: Spec{Mode: ModeAlwaysClosed}, want: none},
		"no hours":                      {spec: Spec{Zone: "Etc/UTC"}, want: none},
		"all hours of all days":         {spec: Spec{Zone: "Europe/Prague", Weekly: every("00:00", "24:00")}, want: none},
		"24 hours from noon":            {spec: Spec{Zone: "Europe/Prague", Weekly: every("12:00", "12:00")}, want: none},
		"touching intervals are one":    {spec: Spec{Zone: "Etc/UTC", Weekly: append(every("08:00", "13:00"), every("13:00", "17:00")...)}, want: now.Add(5 * time.Hour)},
		"closing is strictly after now": {spec: Spec{Zone: "Etc/UTC", Weekly: append(every("08:00", "12:00"), every("15:00", "17:00")...)}, want: now.Add(3 * time.Hour)},
		"a week away": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{time.Monday}, Hours: Hours{"08:00", "12:00"}}}},
			want: now.AddDate(0, 0, 7).Add(-4 * time.Hour),
		},
		"an exception between open days": {
			spec: Spec{Zone: "Etc/UTC", Weekly: every("00:00", "24:00"), Exceptions: []Exception{{Date: "2027-03-01", Closed: true}}},
			want: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC),
		},
		"400 days ahead is found": {
			spec: Spec{Zone: "Etc/UTC", Exceptions: []Exception{{Date: now.AddDate(0, 0, 400).Format(time.DateOnly), Hours: []Hours{{"23:00", "24:00"}}}}},
			want: time.Date(2027, 1, 11, 23, 0, 0, 0, time.UTC).AddDate(0, 0, 400),
		},
		"401 days ahead is not": {
			spec: Spec{Zone: "Etc/UTC", Exceptions: []Exception{{Date: now.AddDate(0, 0, 401).Format(time.DateOnly), Hours: []Hours{{"00:00", "24:00"}}}}},
			want: none,
		},
		"an exception in the past": {
			spec: Spec{Zone: "Etc/UTC", Exceptions: []Exception{{Date: "2027-01-10", Hours: []Hours{{"00:00", "24:00"}}}}}, want: none,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := mustCompile(t, tc.spec).NextTransition(now)
			if !got.Equal(tc.want) || ok != !tc.want.IsZero() {
				t.Errorf("NextTransition = %v, %v, want %v", got, ok, tc.want)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	weekly := func(open, end string) Spec {
		return Spec{Zone: "Etc/UTC", Weekly: append(every("08:00", "09:00"), every(open, end)...)}
	}
	exception := func(e Exception) Spec { return Spec{Zone: "Etc/UTC", Exceptions: []Exception{e}} }
	tests := map[string]struct {
		spec    Spec
		want    error
		wantSay string
	}{
		"unknown zone":            {spec: Spec{Zone: "Europe/Atlantis"}, want: ErrUnknownZone, wantSay: "Europe/Atlantis"},
		"empty zone":              {spec: Spec{}, want: ErrUnknownZone},
		"the zone of the machine": {spec: Spec{Zone: "Local"}, want: ErrUnknownZone, wantSay: "Local"},
		"its other name":          {spec: Spec{Zone: "localtime"}, want: ErrUnknownZone},
		"zones with leap seconds": {spec: Spec{Zone: "right/UTC"}, want: ErrUnknownZone},
		"a path":                  {spec: Spec{Zone: "../Europe/Prague"}, want: ErrUnknownZone},
		"open after the day":      {spec: weekly("24:00", "06:00"), want: ErrInvalidHours, wantSay: `weekly[1]: open "24:00"`},
		"close after the day":     {spec: weekly("08:00", "24:01"), want: ErrInvalidHours, wantSay: `weekly[1]: close "24:01"`},
		"minute 60":               {spec: weekly("08:60", "09:00"), want: ErrInvalidHours},
		"one digit":               {spec: weekly("8:00", "09:00"), want: ErrInvalidHours},
		"a sign":                  {spec: weekly("+8:00", "09:00"), want: ErrInvalidHours},
		"a day that does not exist": {
			spec: Spec{Zone: "Etc/UTC", Weekly: []Weekly{{Days: []time.Weekday{7}, Hours: Hours{"08:00", "09:00"}}}}, want: ErrInvalidHours, wantSay: "weekly[0]: day 7",
		},
		"a date that does not exist": {spec: exception(Exception{Date: "2027-02-29", Closed: true}), want: ErrInvalidHours, wantSay: "exceptions[2027-02-29]"},
		"hours of an exception": {
			spec: exception(Exception{Date: "2027-02-28", Hours: []Hours{{"08:00", "09:00"}, {"x", "10:00"}}}), want: ErrInvalidHours, wantSay: "exceptions[2027-02-28]: hours[1]",
		},
		"one date twice": {
			spec: Spec{Zone: "Etc/UTC", Exceptions: []Exception{{Date: "2027-02-28"}, {Date: "2027-02-28"}}}, want: ErrInvalidHours, wantSay: "listed twice",
		},
		"unknown mode": {spec: Spec{Mode: "Sometimes", Zone: "Etc/UTC"}, want: ErrInvalidHours, wantSay: "Sometimes"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(tc.spec)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got error %v, want %v", err, tc.want)
			}
			if !strings.Contains(err.Error(), tc.wantSay) {
				t.Errorf("error %q does not say %q", err, tc.wantSay)
			}
		})
	}
}

func TestZone(t *testing.T) {
	for zone, want := range map[string]string{"Europe/Prague": "Europe/Prague", "No/Where": "UTC"} {
		if got := mustCompile(t, Spec{Mode: ModeAlwaysOpen, Zone: zone}).Zone().String(); got != want {
			t.Errorf("zone of AlwaysOpen in %s is %s, want %s", zone, got, want)
		}
	}
	if got := mustCompile(t, Spec{Zone: "Europe/Prague"}).Zone().String(); got != "Europe/Prague" {
		t.Errorf("unexpected zone %s", got)
	}
}

// oracleZones are the twelve of P-09: whole and half hours, a two-hour change, changes at midnight, Ramadan, and none.
var oracleZones = []string{
	"Europe/Prague", "America/New_York", "America/St_Johns", "America/Santiago", "America/Nuuk", "Australia/Lord_Howe",
	"Pacific/Chatham", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Kathmandu", "Antarctica/Troll",
}

// TestMinuteByMinute is P-09. Every minute of ten years in twelve zones takes a quarter of a minute for one schedule of each
// zone, so many schedules are tried on the minutes that matter and on a sample of the rest: a week around every change of the
// offset in ten years, and twenty random weeks in each zone. In each week one random schedule, half of them with an exception
// near the change, is compared for every minute; and every instant at which the oracle changes must be what NextTransition
// says from the change before it.
func TestMinuteByMinute(t *testing.T) {
	begin, end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, name := range oracleZones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(9, uint64(i)))
			changes := 0
			for at := begin.In(zone); ; changes++ {
				_, next := at.ZoneBounds()
				if next.IsZero() || !next.Before(end) {
					break
				}
				compareWindow(t, randomSpec(rng, name, next), next.UTC().AddDate(0, 0, -4), 7*24*60)
				at = next
			}
			for range 20 {
				from := begin.Add(time.Duration(rng.Int64N(int64(end.Sub(begin))))).Truncate(time.Minute)
				compareWindow(t, randomSpec(rng, name, from.Add(24*time.Hour)), from, 7*24*60)
			}
			if changes == 0 && name != "Asia/Kathmandu" {
				t.Error("no change of the offset was met")
			}
		})
	}
}

func compareWindow(t *testing.T, spec Spec, from time.Time, minutes int) {
	t.Helper()
	s := mustCompile(t, spec)
	open := naiveOpen(spec, s.zone, from)
	since := from
	for i := range minutes {
		now := from.Add(time.Duration(i) * time.Minute)
		want := naiveOpen(spec, s.zone, now)
		if got := s.Open(now); got != want {
			t.Fatalf("Open(%s) = %v, want %v with %+v", now.Format(time.RFC3339), got, want, spec)
		}
		if want != open {
			// Also from the middle and from the last second before the change.
			for _, from := range []time.Time{since, since.Add(now.Sub(since) / 2), now.Add(-time.Second)} {
				if got, ok := s.NextTransition(from); !ok || !got.Equal(now) {
					t.Fatalf("NextTransition(%s) = %v, %v, want %v with %+v", from.Format(time.RFC3339), got, ok, now, spec)
				}
			}
			open, since = want, now
		}
	}
	last := from.Add(time.Duration(minutes-1) * time.Minute)
	if got, ok := s.NextTransition(since); ok && !got.After(last) {
		t.Fatalf("NextTransition(%s) = %v, but nothing changes until %v with %+v", since.Format(time.RFC3339), got, last, spec)
	}
}

// randomSpec draws hours that often touch the small hours, where zones change, and exceptions around the given instant.
func randomSpec(rng *rand.Rand, zone string, around time.Time) Spec {
	clock := func() string {
		hour := rng.IntN(24)
		if rng.IntN(2) == 0 {
			hour = rng.IntN(5)
		}
		return fmt.Sprintf("%02d:%02d", hour, rng.IntN(4)*15)
	}
	hours := func() Hours {
		h := Hours{Open: clock(), Close: clock()}
		switch rng.IntN(8) {
		case 0:
			h.Close = "24:00"
		case 1:
			h.Close = h.Open
		case 2:
			h.Open = "00:00"
		}
		return h
	}
	spec := Spec{Zone: zone}
	for range 1 + rng.IntN(3) {
		days := allDays
		if rng.IntN(3) == 0 {
			days = workdays
		}
		spec.Weekly = append(spec.Weekly, Weekly{Days: days, Hours: hours()})
	}
	if rng.IntN(2) == 0 {
		e := Exception{Date: around.In(time.UTC).AddDate(0, 0, rng.IntN(3)-1).Format(time.DateOnly), Closed: rng.IntN(2) == 0}
		for range rng.IntN(3) {
			e.Hours = append(e.Hours, hours())
		}
		spec.Exceptions = append(spec.Exceptions, e)
	}
	return spec
}

func TestRandomSchedules(t *testing.T) {
	drawClock := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.SampledFrom([]int{0, 1, 30, 59}).Draw(t, "minute"))
	})
	drawHours := rapid.Custom(func(t *rapid.T) Hours {
		h := Hours{Open: drawClock.Draw(t, "open"), Close: drawClock.Draw(t, "close")}
		switch rapid.IntRange(0, 5).Draw(t, "form") {
		case 0:
			h.Close = "24:00"
		case 1:
			h.Close = h.Open
		}
		return h
	})
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		now := begin.Add(time.Duration(rapid.Int64Range(0, 10*365*24*60*60).Draw(rt, "second")) * time.Second)
		spec := Spec{Zone: rapid.SampledFrom(oracleZones).Draw(rt, "zone")}
		for range rapid.IntRange(0, 3).Draw(rt, "weekly") {
			days := rapid.SliceOfNDistinct(rapid.SampledFrom(allDays), 1, 7, rapid.ID).Draw(rt, "days")
			spec.Weekly = append(spec.Weekly, Weekly{Days: days, Hours: drawHours.Draw(rt, "hours")})
		}
		for _, day := range rapid.SliceOfNDistinct(rapid.IntRange(-2, 9), 0, 3, rapid.ID).Draw(rt, "exceptions") {
			spec.Exceptions = append(spec.Exceptions, Exception{
				Date:   now.AddDate(0, 0, day).Format(time.DateOnly),
				Closed: rapid.Bool().Draw(rt, "closed"),
				Hours:  rapid.SliceOfN(drawHours, 0, 2).Draw(rt, "hours"),
			})
		}
		s, err := Compile(spec)
		if err != nil {
			rt.Fatal(err)
		}
		open := naiveOpen(spec, s.zone, now)
		if s.Open(now) != open {
			rt.Fatalf("Open(%s) = %v, want %v", now, !open, open)
		}
		next, ok := s.NextTransition(now)
		if ok && !next.After(now) {
			rt.Fatalf("NextTransition(%s) = %s is not later", now, next)
		}
		// Nothing changes before it, minute by minute for two days; at it something does.
		for at := now.Truncate(time.Minute).Add(time.Minute); at.Before(now.Add(48 * time.Hour)); at = at.Add(time.Minute) {
			if ok && !at.Before(next) {
				break
			}
			if naiveOpen(spec, s.zone, at) != open {
				rt.Fatalf("NextTransition(%s) = %s, %v, but it changes at %s", now, next, ok, at)
			}
		}
		if ok && naiveOpen(spec, s.zone, next) == open {
			rt.Fatalf("nothing changes at %s", next)
		}
		if ok && naiveOpen(spec, s.zone, next.Add(-time.Second)) != open {
			rt.Fatalf("it changed before %s", next)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	s := mustCompile(b, Spec{Zone: "Europe/Prague", Weekly: []Weekly{{Days: workdays, Hours: Hours{"09:00", "17:00"}}}})
	now := time.Date(2027, 3, 26, 20, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.Open(now)
	}
}

func BenchmarkNextTransition(b *testing.B) {
	s := mustCompile(b, Spec{Zone: "Europe/Prague", Weekly: []Weekly{{Days: workdays, Hours: Hours{"09:00", "17:00"}}}})
	now := time.Date(2027, 3, 26, 20, 0, 0, 0, time.UTC) // over a weekend with a change of the clock
	for b.Loop() {
		s.NextTransition(now)
	}
}

func BenchmarkNextTransitionNone(b *testing.B) {
	s := mustCompile(b, Spec{Zone: "Europe/Prague", Weekly: every("00:00", "24:00")})
	now := time.Date(2027, 3, 26, 20, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.NextTransition(now)
	}
}
