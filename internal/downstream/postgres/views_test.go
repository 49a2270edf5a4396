package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/schedule"
)

func address(name string) string { return "email=" + name + "@fjordline.example" }

// department is the plan of a department with these people, the second of whom is absent, and the third outside her hours.
func department(schedule string, people ...string) downstream.Record {
	r := drivertest.Route("care", people...)
	route := *r.Content.(*downstream.Route)
	route.TargetKind, route.Strategy, route.Schedule = "Department", "RoundRobin", &schedule
	route.Candidates[1].Absence = &downstream.Absence{Name: "leave", Until: new(time.Now().Add(time.Hour))}
	route.Candidates[2].Schedule = downstream.ScheduleKey("never")
	route.Candidates[3].Absence = &downstream.Absence{Name: "later", From: new(time.Now().Add(time.Hour))}
	route.Candidates[4].Absence = &downstream.Absence{Name: "over", From: new(time.Now().Add(-2 * time.Hour)), Until: new(time.Now().Add(-time.Hour))}
	route.Candidates[4].Schedule = downstream.ScheduleKey("always")
	r.Key, r.Content = downstream.RouteKey("Department", "care"), &route
	return r
}

func hours(name, mode string) downstream.Record {
	return downstream.Record{Kind: downstream.Routes, Key: downstream.ScheduleKey(name), Name: name, Active: true, Content: &downstream.Schedule{
		TimeZone: "Etc/UTC", Mode: mode, Weekly: []downstream.Hours{}, Exceptions: []downstream.Exception{},
	}}
}

func TestViews(t *testing.T) {
	schema := freshSchema()
	records := []downstream.Record{hours("never", "AlwaysClosed"), hours("always", "AlwaysOpen"), drivertest.Call("refund", "anna", "ben")}
	for name, permissions := range map[string][]string{"anna": {"care.reply", "care.view"}, "ben": {"care.view"}, "eve": {"publishing.reply"}, "zoe": nil} {
		user, access := drivertest.Person(name, name != "zoe")
		if a := *access.Content.(*downstream.AccessGrants); a.Active {
			a.Grants = []downstream.Grant{{Permissions: permissions, Profiles: []string{"ig-quebec", "phone-main"}}}
			if name == "eve" {
				a.Grants[0].ApprovalRequired = []string{"publishing.reply"}
			}
			access.Content = &a
		}
		records = append(records, user, access)
	}
	closed := drivertest.Route("shut", "anna")
	closedRoute := *closed.Content.(*downstream.Route)
	closedRoute.Schedule = new(downstream.ScheduleKey("never"))
	closed.Content = &closedRoute
	pools := drivertest.Route("pools", "anna")
	poolsRoute := *pools.Content.(*downstream.Route)
	poolsRoute.Schedule = nil
	poolsRoute.Pools = []downstream.Pool{{Group: "a", Schedule: downstream.ScheduleKey("never")}, {Group: "b", Schedule: downstream.ScheduleKey("always")}}
	pools.Content = &poolsRoute
	records = append(records, department("", "anna", "ben", "carl", "dora", "eve"), closed, pools)
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	for query, want := range map[string][]string{
		"SELECT profile, name, approval_required FROM @.profile_answerers ORDER BY 1, 2": {
			"ig-quebec|anna|false", "ig-quebec|eve|true", "phone-main|anna|false", "phone-main|eve|true",
		},
		"SELECT DISTINCT name FROM @.profile_access ORDER BY 1":                           {"anna", "ben", "eve"},
		"SELECT department, turn, person FROM @.next_in_line ORDER BY 1, 2":               {"care|1|anna", "care|2|dora", "care|3|eve"},
		"SELECT target, person, extension, max_ring_ms FROM @.lineup WHERE target='shut'": {"shut|anna|2001|15000"},
		"SELECT target, open FROM @.open_routes ORDER BY 1":                               {"care|true", "pools|true", "shut|false"},
		"SELECT person_key, mention, conversation FROM @.pending_alerts ORDER BY 1":       {address("anna") + "|refund|conv-4711", address("ben") + "|refund|conv-4711"},
		"SELECT name, active, in_effect FROM @.people WHERE NOT in_effect":                {"zoe|false|false"},
		"SELECT @.is_open('schedule/nowhere')":                                            {"NULL"},
		"SELECT group_key FROM @.memberships":                                             nil,
	} {
		if got := ask(t, strings.ReplaceAll(query, "@", schema)); !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", query, got, want)
		}
	}
}

// TestOpenHours compares is_open with what Rollcall itself says, every 10 minutes of days on which clocks change, weeks with
// exceptions, and spans past midnight.
func TestOpenHours(t *testing.T) {
	schema := freshSchema()
	weekly := []downstream.Hours{
		{Day: "Monday", Open: "09:00", Close: "17:30"}, {Day: "Tuesday", Open: "22:00", Close: "02:00"}, {Day: "Wednesday", Open: "00:00", Close: "24:00"},
		{Day: "Thursday", Open: "08:00", Close: "08:00"}, {Day: "Saturday", Open: "23:00", Close: "03:30"}, {Day: "Sunday", Open: "01:30", Close: "02:30"},
	}
	exceptions := []downstream.Exception{
		{Date: "2027-03-17"}, {Date: "2027-03-18", Spans: []downstream.Span{{Open: "20:00", Close: "04:00"}}}, {Date: "2027-03-22", Spans: []downstream.Span{}},
	}
	var records []downstream.Record
	zones := []string{"America/Toronto", "Europe/Prague", "Asia/Kathmandu"}
	for _, zone := range zones {
		r := drivertest.Hours(zone)
		r.Content = &downstream.Schedule{TimeZone: zone, Mode: "Weekly", Weekly: weekly, Exceptions: exceptions}
		records = append(records, r)
	}
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	from := time.Date(2027, 3, 12, 0, 0, 0, 0, time.UTC)
	const steps = 20 * 24 * 6
	for _, zone := range zones {
		s, err := schedule.Compile(spec(zone, weekly, exceptions))
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, fmt.Sprintf("SELECT %s.is_open($1, $2::timestamptz + n * interval '10 minutes') FROM generate_series(0, $3::integer) n ORDER BY n", schema),
			downstream.ScheduleKey(zone), from, steps-1)
		wrong := 0
		for n, open := range got {
			at := from.Add(time.Duration(n) * 10 * time.Minute)
			if want := fmt.Sprint(s.Open(at)); open != want && wrong < 5 {
				wrong++
				t.Errorf("%s at %s: %s, want %s", zone, at.In(s.Zone()), open, want)
			}
		}
		if len(got) != steps {
			t.Errorf("%d answers, want %d", len(got), steps)
		}
	}
}

func spec(zone string, weekly []downstream.Hours, exceptions []downstream.Exception) schedule.Spec {
	days := map[string]time.Weekday{}
	for d := time.Sunday; d <= time.Saturday; d++ {
		days[d.String()] = d
	}
	out := schedule.Spec{Mode: schedule.ModeWeekly, Zone: zone}
	for _, h := range weekly {
		out.Weekly = append(out.Weekly, schedule.Weekly{Days: []time.Weekday{days[h.Day]}, Hours: schedule.Hours{Open: h.Open, Close: h.Close}})
	}
	for _, x := range exceptions {
		e := schedule.Exception{Date: x.Date, Closed: len(x.Spans) == 0}
		for _, s := range x.Spans {
			e.Hours = append(e.Hours, schedule.Hours{Open: s.Open, Close: s.Close})
		}
		out.Exceptions = append(out.Exceptions, e)
	}
	return out
}
