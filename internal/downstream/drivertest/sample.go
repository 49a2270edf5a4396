package drivertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Person returns the records of a person: the account and the access. Active people may do something.
func Person(name string, active bool) (user, access downstream.Record) {
	key := "email=" + name + "@fjordline.example"
	cause := downstream.Archived
	phase, listing := "Archived", "Archived"
	if active {
		cause, phase, listing = downstream.CauseNone, "Active", "Active"
	}
	user = downstream.Record{Kind: downstream.Users, Key: key, Name: name, Active: active, Cause: cause, Content: &downstream.User{
		Email: new(name + "@fjordline.example"), Username: new(name), DisplayName: title(name) + " Example", FirstName: new(title(name)),
		LastName: new("Example"), Active: active, Phase: phase, Listing: listing, AccountRole: "agent", BaseType: "Agent",
		Availability: "Available", MaxChats: new(int32(4)), AutoAssignment: new(true), Skills: []downstream.Skill{{Name: "french", Level: 3}},
		Channels: []string{"Chat", "Phone"}, Invitation: downstream.Invitation{Method: "Create", WelcomeEmail: "Immediate"},
	}}
	grants := &downstream.AccessGrants{Username: new(name), Active: active, Phase: phase, AccountRole: "agent", BaseType: "Agent"}
	if active {
		grants.Permissions = []string{"conversations.handle", "conversations.view"}
		grants.Grants = []downstream.Grant{{
			Permissions: []string{"care.reply", "care.view"}, Profiles: []string{"ig-quebec", "phone-main"},
			Sources: []downstream.Source{{Type: "Group", Name: "quebecois", ProfileRole: "care-handler"}},
		}}
		grants.Groups = []string{"quebecois"}
	} else {
		grants.GateReason = phase
	}
	access = downstream.Record{Kind: downstream.Access, Key: key, Name: name, Active: active, Cause: cause, Content: grants}
	return user, access
}

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// Group returns the record of a group with these people as members, all with an open gate. Without any argument for members the
// list is empty; see Unmanaged.
func Group(name string, members ...string) downstream.Record {
	g := &downstream.Group{
		DisplayName: title(name), Handle: name, Scope: "Organization", Enabled: true, Members: []downstream.Member{}, Supervisors: []string{},
		Profiles: []string{"ig-quebec"}, ProfileRole: new("care-handler"), Reporting: true,
	}
	for _, m := range slices.Sorted(slices.Values(members)) {
		g.Members = append(g.Members, downstream.Member{Key: "email=" + m + "@fjordline.example", Active: true})
	}
	r := downstream.Record{Kind: downstream.Groups, Key: name, Name: name, Active: len(members) > 0, Content: g}
	if !r.Active {
		r.Cause = downstream.Declared
	}
	return r
}

// Unmanaged returns a group that says nothing about its members.
func Unmanaged(name string) downstream.Record {
	r := Group(name)
	g := *r.Content.(*downstream.Group)
	g.Members = nil
	r.Content, r.Active, r.Cause = &g, true, downstream.CauseNone
	return r
}

// Route returns the plan of a dialing group, and Hours the schedule that it names.
func Route(name string, candidates ...string) downstream.Record {
	route := &downstream.Route{
		TargetKind: "UserGroup", DisplayName: title(name), Strategy: "Sequential", Profiles: []downstream.RouteProfile{{Name: "phone-main", Number: "+15145550100"}},
		Candidates: []downstream.Candidate{}, Timeouts: downstream.Timeouts{MaxRingTime: new(int64(15000)), MaxGroupDialingTime: new(int64(60000))},
		Extension: new("3001"), Supervisors: []string{}, Overflow: downstream.Destination{Type: "Voicemail"},
		OutOfHours: downstream.Destination{Type: "Hangup"}, Schedule: new(downstream.ScheduleKey("montreal")),
	}
	for i, c := range candidates {
		route.Candidates = append(route.Candidates, downstream.Candidate{
			Key: "email=" + c + "@fjordline.example", Name: c, Position: new(int32(i)), Extension: fmt.Sprint(2001 + i),
		})
	}
	return downstream.Record{Kind: downstream.Routes, Key: downstream.RouteKey("UserGroup", name), Name: name, Active: len(candidates) > 0, Content: route}
}

// Hours returns a schedule.
func Hours(name string) downstream.Record {
	return downstream.Record{Kind: downstream.Routes, Key: downstream.ScheduleKey(name), Name: name, Active: true, Content: &downstream.Schedule{
		TimeZone: "America/Toronto", Mode: "Weekly",
		Weekly:     []downstream.Hours{{Day: "Monday", Open: "09:00", Close: "17:00"}, {Day: "Friday", Open: "22:00", Close: "02:00"}},
		Exceptions: []downstream.Exception{{Date: "2027-06-24"}, {Date: "2027-12-24", Spans: []downstream.Span{{Open: "09:00", Close: "12:00"}}}},
	}}
}

// Call returns a mention that is open for these people.
func Call(name string, recipients ...string) downstream.Record {
	m := &downstream.Mention{
		Phase: "Pending", Conversation: "conv-4711", Profile: "ig-quebec", Message: "Refund over the limit", Groups: []string{"quebecois"},
		ConversationStatus: "Pending", AcceptedAt: new(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)), Alerts: []downstream.Alert{},
	}
	for _, r := range recipients {
		m.Alerts = append(m.Alerts, downstream.Alert{Key: "email=" + r + "@fjordline.example", State: "Pending", Via: []string{"quebecois"}})
	}
	return downstream.Record{Kind: downstream.Mentions, Key: name, Name: name, Active: len(recipients) > 0, Content: m}
}

// Sample returns an organization of so many people, named p0000 and so on: groups of ten, a route for each group, a schedule and a
// mention.
func Sample(people int) []downstream.Record {
	out := []downstream.Record{Hours("montreal")}
	var group []string
	for i := range people {
		name := fmt.Sprintf("p%04d", i)
		user, access := Person(name, true)
		out = append(out, user, access)
		if group = append(group, name); len(group) == 10 || i == people-1 {
			out = append(out, Group(fmt.Sprintf("g%03d", i/10), group...), Route(fmt.Sprintf("g%03d", i/10), group...))
			group = nil
		}
	}
	return append(out, Call("refund-1", "p0000"))
}

// of keeps the records of the kinds.
func of(kinds []downstream.Kind, records []downstream.Record) []downstream.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r downstream.Record) bool { return !slices.Contains(kinds, r.Kind) })
}
