package engine_test

import (
	"fmt"
	"testing"
	"time"
)

// openness is the status of a schedule: open or closed, and until when.
func (w *world) openness(schedule string) string {
	s := w.Lint.Schedule(schedule)
	state := "closed"
	if s.Open == nil {
		state = "unknown"
	} else if *s.Open {
		state = "open"
	}
	return state + ", next " + transition(s.NextTransition)
}

const everyDay = "days: [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday]"

func TestScenariosOfSchedules(t *testing.T) {
	night := map[string]scenario{
		"S-42 overnight": {
			given: `Schedule s {weekly: [{` + everyDay + `, open: "22:00", close: "06:00"}]}`,
			play: func(w *world) {
				for _, step := range []struct{ at, want string }{
					{"21:59:59", "closed, next 2027-03-01T22:00:00Z"}, {"22:00:00", "open, next 2027-03-02T06:00:00Z"},
					{"2027-03-02T05:59:59Z", "open, next 2027-03-02T06:00:00Z"}, {"06:00:00", "closed, next 2027-03-02T22:00:00Z"},
				} {
					w.at(step.at)
					w.want(step.at, w.openness("s"), step.want)
				}
				w.want("written", w.writes()+": "+w.inputs(), "0 access, 0 plans, 1 inputs, 0 ledger: Schedule/s")
			},
		},
		"S-80 a closed day cuts the night before": {
			given: `Schedule s {weekly: [{` + everyDay + `, open: "22:00", close: "06:00"}], exceptions: [{date: "2027-03-25", closed: true}]}`,
			play: func(w *world) {
				w.at("2027-03-24T22:00:00Z")
				w.want("the night of the 24th", w.openness("s"), "open, next 2027-03-25T00:00:00Z")
				w.at("2027-03-25T00:00:00Z")
				w.want("the 25th", w.openness("s"), "closed, next 2027-03-26T22:00:00Z")
				w.apply(`Schedule s {mode: AlwaysOpen, exceptions: [{date: "2027-03-25", closed: true}]}`)
				w.want("AlwaysOpen", w.openness("s"), "open, next ")
				w.apply(`Schedule s {mode: AlwaysClosed}`)
				w.want("AlwaysClosed", w.openness("s"), "closed, next ")
			},
		},
		"a zone that does not exist is reported, and heals": {
			given: `Schedule s {timeZone: Europe/Atlantis, weekly: [{days: [Monday], open: "08:00", close: "18:00"}]}`,
			play: func(w *world) {
				w.want("Ready", w.condition("Schedule/s", "Ready")+" "+w.condition("Schedule/s", "Stalled"), "False/UnknownTimeZone True/UnknownTimeZone")
				w.want("status", w.openness("s"), "unknown, next ")
				w.apply(`Schedule s {timeZone: Europe/Prague, weekly: [{days: [Monday], open: "08:00", close: "18:00"}]}`)
				w.want("healed", w.condition("Schedule/s", "Ready")+" "+w.openness("s"), "True open, next 2027-03-01T17:00:00Z")
				w.apply(`Organization default {timeZone: Europe/Atlantis}`)
				w.want("the organization", w.condition("Organization/default", "Ready"), "False/UnknownTimeZone")
			},
		},
	}
	for zone, nights := range map[string][2][2]string{
		"Europe/Prague":       {{"2027-03-27T21:00:00Z", "2027-03-28T04:00:00Z"}, {"2027-10-30T20:00:00Z", "2027-10-31T05:00:00Z"}},
		"America/New_York":    {{"2027-03-14T03:00:00Z", "2027-03-14T10:00:00Z"}, {"2027-11-07T02:00:00Z", "2027-11-07T11:00:00Z"}},
		"Australia/Lord_Howe": {{"2027-10-02T11:30:00Z", "2027-10-02T19:00:00Z"}, {"2027-04-03T11:00:00Z", "2027-04-03T19:30:00Z"}},
		"Africa/Cairo":        {{"2027-04-29T20:00:00Z", "2027-04-30T03:00:00Z"}, {"2027-10-28T19:00:00Z", "2027-10-29T04:00:00Z"}},
	} {
		for i, change := range []string{"clock forward", "clock back"} {
			night[fmt.Sprintf("S-78 %s, %s", zone, change)] = scenario{
				given: `Schedule s {timeZone: ` + zone + `, weekly: [{` + everyDay + `, open: "22:00", close: "06:00"}]}`,
				play: func(w *world) {
					open, shut := w.instant(nights[i][0]), w.instant(nights[i][1])
					w.at(open.Add(-time.Second).Format(time.RFC3339))
					w.want("a second before", w.openness("s"), "closed, next "+nights[i][0])
					w.at(nights[i][0])
					w.want("opens", w.openness("s"), "open, next "+nights[i][1])
					w.at(shut.Add(-time.Second).Format(time.RFC3339))
					w.want("a second before the end", w.openness("s"), "open, next "+nights[i][1])
					w.at(nights[i][1])
					w.want("closes", w.Lint.Schedule("s").Open, new(false))
				},
			}
		}
	}
	playAll(t, night)
}
