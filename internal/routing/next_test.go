package routing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

// TestReasons goes through the reasons of R-15 that the engine decides, one by one and by precedence.
func TestReasons(t *testing.T) {
	from, until := monday.Add(-time.Hour), monday.Add(time.Hour)
	chat := func(limit int32) routing.Candidate { return routing.Candidate{Name: "ana", MaxChats: new(limit)} }
	cases := map[string]struct {
		candidate routing.Candidate
		kind      routing.Kind
		edit      func(*routing.Plan)
		engine    routing.Engine
		state     routing.State
		item      routing.Item
		now       time.Time
		want      routing.Reason
	}{
		"nothing is known and nothing fails": {},
		"the item's profile is not visible": {
			engine: routing.Engine{Views: func(_, profile string) bool { return profile != "p" }},
			item:   routing.Item{Profile: "p"},
			want:   routing.ReasonNoProfileAccess,
		},
		"another profile is visible": {
			engine: routing.Engine{Views: func(_, profile string) bool { return profile != "p" }},
			item:   routing.Item{Profile: "q"},
		},
		"the item's channel is not taken": {
			candidate: routing.Candidate{Channels: []string{"Chat", "Email"}},
			item:      routing.Item{Channel: "SMS"},
			want:      routing.ReasonChannel,
		},
		"no channels means all": {item: routing.Item{Channel: "SMS"}},
		"the target is closed": {
			edit:   func(p *routing.Plan) { p.Schedule.Name = "day" },
			engine: closed("day"),
			want:   routing.ReasonSchedule,
		},
		"all of the person's groups are closed": {
			candidate: routing.Candidate{Groups: []string{"a", "b"}},
			edit: func(p *routing.Plan) {
				p.Pools = []routing.Pool{{Name: "a", Schedule: "day"}, {Name: "b", Schedule: "day"}, {Name: "c"}}
			},
			engine: closed("day"),
			want:   routing.ReasonSchedule,
		},
		"one of the person's groups is open": {
			candidate: routing.Candidate{Groups: []string{"a", "b"}},
			edit: func(p *routing.Plan) {
				p.Pools = []routing.Pool{{Name: "a", Schedule: "day"}, {Name: "b"}}
			},
			engine: closed("day"),
		},
		"own shift over, and absent too: the first counts": {
			candidate: routing.Candidate{Schedule: "mornings", Absence: &routing.Absence{From: &from, Until: &until}},
			engine:    closed("mornings"),
			want:      routing.ReasonOffShift,
		},
		"absent":                          {candidate: routing.Candidate{Absence: &routing.Absence{From: &from, Until: &until}}, want: routing.ReasonAbsent},
		"absent without a beginning":      {candidate: routing.Candidate{Absence: &routing.Absence{Until: &until}}, want: routing.ReasonAbsent},
		"absent without an end":           {candidate: routing.Candidate{Absence: &routing.Absence{From: &from}}, want: routing.ReasonAbsent},
		"the absence begins at this time": {candidate: routing.Candidate{Absence: &routing.Absence{From: &from, Until: &until}}, now: from, want: routing.ReasonAbsent},
		"the absence ends at this time":   {candidate: routing.Candidate{Absence: &routing.Absence{From: &from, Until: &until}}, now: until},
		"not listed while others are": {
			state: routing.State{Presence: map[string]routing.Presence{"ben": routing.Ready}},
			want:  routing.ReasonPresence,
		},
		"a department takes somebody who is online": {
			state: routing.State{Presence: map[string]routing.Presence{"ana": routing.Online}},
		},
		"a department does not disturb": {
			state: routing.State{Presence: map[string]routing.Presence{"ana": routing.DoNotDisturb}},
			want:  routing.ReasonPresence,
		},
		"a department takes nobody banned": {
			state: routing.State{Presence: map[string]routing.Presence{"ana": routing.Banned}},
			want:  routing.ReasonPresence,
		},
		"a dialing group takes somebody who is online": {
			kind:  routing.KindUserGroup,
			state: routing.State{Presence: map[string]routing.Presence{"ana": routing.Online}},
		},
		"a dialing group takes nobody who is away": {
			kind:  routing.KindUserGroup,
			state: routing.State{Presence: map[string]routing.Presence{"ana": "Away"}},
			want:  routing.ReasonPresence,
		},
		"a queue takes nobody who is merely online": {
			kind:  routing.KindQueue,
			state: routing.State{Presence: map[string]routing.Presence{"ana": routing.Online}},
			want:  routing.ReasonPresence,
		},
		"S-23 AutoAssignedOnly: 2 manual and 1 automatic chat of 2": {
			candidate: chat(2),
			state:     routing.State{ActiveChats: map[string]int{"ana": 3}, AutoAssignedChats: map[string]int{"ana": 1}},
		},
		"S-23 AllAssigned: 2 manual and 1 automatic chat of 2": {
			candidate: chat(2),
			edit:      func(p *routing.Plan) { p.ChatCounts = routing.AllAssigned },
			state:     routing.State{ActiveChats: map[string]int{"ana": 3}, AutoAssignedChats: map[string]int{"ana": 1}},
			want:      routing.ReasonCapacity,
		},
		"the limit is reached": {
			candidate: chat(2),
			state:     routing.State{AutoAssignedChats: map[string]int{"ana": 2}},
			want:      routing.ReasonCapacity,
		},
		"a manual assignment knows no limit": {
			candidate: chat(2),
			state:     routing.State{AutoAssignedChats: map[string]int{"ana": 2}},
			item:      routing.Item{Manual: true},
		},
		"a claim from a pool knows no limit": {
			candidate: chat(2),
			edit:      func(p *routing.Plan) { p.Mode = routing.Pooled },
			state:     routing.State{AutoAssignedChats: map[string]int{"ana": 2}},
		},
		"unlimited chats": {candidate: chat(-1), state: routing.State{AutoAssignedChats: map[string]int{"ana": 900}}},
		"calls are no chats": {
			candidate: chat(2),
			kind:      routing.KindUserGroup,
			state:     routing.State{AutoAssignedChats: map[string]int{"ana": 2}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.candidate.Name = "ana"
			p := department(routing.RoundRobin, []routing.Candidate{tc.candidate})
			if tc.kind != "" {
				p.Target.Kind = tc.kind
			}
			if tc.edit != nil {
				tc.edit(p)
			}
			if tc.now.IsZero() {
				tc.now = monday
			}
			got := reasons(tc.engine.Excluded(p, tc.state, tc.item, tc.now))["ana"]
			if got != tc.want {
				t.Errorf("reason is %q, want %q", got, tc.want)
			}
		})
	}
}

func TestExcludedListsStaticReasonsToo(t *testing.T) {
	p := department(routing.RoundRobin, people("ben", "ana"))
	p.Excluded = []routing.Exclusion{{Name: "abe", Reason: routing.ReasonAvailability}, {Name: "cid", Reason: routing.ReasonSkills}}
	state := routing.State{Presence: map[string]routing.Presence{"ben": routing.Offline, "ana": routing.Ready}}
	got := routing.Engine{}.Excluded(p, state, routing.Item{}, monday)
	want := []routing.Exclusion{
		{Name: "abe", Reason: routing.ReasonAvailability},
		{Name: "ben", Reason: routing.ReasonPresence},
		{Name: "cid", Reason: routing.ReasonSkills},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	if len(p.Excluded) != 2 {
		t.Errorf("the plan was changed: %v", p.Excluded)
	}
}

func TestOpen(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	engine := office(map[string]string{"europe": "Europe/Prague", "america": "America/New_York"})
	america := routing.Pool{Name: "ny", Schedule: "america"}
	inherits := routing.Pool{Name: "here", Schedule: "europe"}
	organization := routing.Schedule{Name: "europe"}

	group := dialing(routing.Simultaneous, time.Minute, nil)
	group.Schedule = routing.Schedule{Name: "america"}
	alone := department(routing.RoundRobin, nil, america)
	both := department(routing.RoundRobin, nil, america, inherits)
	none := department(routing.RoundRobin, nil)
	none.Schedule = organization

	cases := map[string]struct {
		plan *routing.Plan
		want [4]bool // 08:00, 10:00, 16:00, 18:00 in Prague
	}{
		"S-41 the group":                       {plan: group, want: [4]bool{false, false, true, true}},
		"S-41 a department of that group":      {plan: alone, want: [4]bool{false, false, true, true}},
		"S-41 a department of two groups":      {plan: both, want: [4]bool{false, true, true, true}},
		"S-41 a department without groups":     {plan: none, want: [4]bool{false, true, true, false}},
		"no schedule anywhere is always open":  {plan: department(routing.RoundRobin, nil), want: [4]bool{true, true, true, true}},
		"a group without hours is always open": {plan: department(routing.RoundRobin, nil, america, routing.Pool{Name: "x"}), want: [4]bool{true, true, true, true}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for i, hour := range []int{8, 10, 16, 18} {
				now := time.Date(2027, 1, 11, hour, 0, 0, 0, prague)
				if got := engine.Open(tc.plan, now); got != tc.want[i] {
					t.Errorf("at %d:00 open is %v, want %v", hour, got, tc.want[i])
				}
			}
		})
	}
}

func TestChangesAt(t *testing.T) {
	engine := office(map[string]string{"europe": "Europe/Prague", "america": "America/New_York", "utc": "UTC"})
	hourly := func(_ string, after time.Time) (time.Time, bool) {
		return after.Truncate(time.Hour).Add(time.Hour), true
	}
	never := func(string, time.Time) (time.Time, bool) { return time.Time{}, false }
	own := department(routing.RoundRobin, nil)
	own.Schedule = routing.Schedule{Name: "utc"}
	two := department(routing.RoundRobin, nil, routing.Pool{Name: "a", Schedule: "america"}, routing.Pool{Name: "e", Schedule: "europe"})

	cases := map[string]struct {
		plan  *routing.Plan
		edge  func(string, time.Time) (time.Time, bool)
		now   time.Time
		want  time.Time
		never bool
	}{
		"own hours open":  {plan: own, edge: hourly, now: monday, want: monday.Add(time.Hour)},
		"own hours close": {plan: own, edge: hourly, now: monday.Add(time.Hour), want: monday.Add(9 * time.Hour)},
		"one pool closes while the other stays open": {plan: two, edge: hourly, now: monday, want: time.Date(2027, 1, 11, 22, 0, 0, 0, time.UTC)},
		"a schedule without transitions":             {plan: own, edge: never, now: monday, never: true},
		"no schedule at all":                         {plan: department(routing.RoundRobin, nil), edge: hourly, now: monday, never: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := engine.ChangesAt(tc.plan, tc.now, tc.edge)
			if ok == tc.never || !got.Equal(tc.want) {
				t.Errorf("changes at %v, %v; want %v, %v", got, ok, tc.want, !tc.never)
			}
		})
	}
}

// TestSchedules covers what schedules do to who is offered an item.
func TestSchedules(t *testing.T) {
	t.Run("S-136 offered before the end of the own shift, OffShift after", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{{Name: "ana", Schedule: "mornings"}})
		engine := routing.Engine{Hours: func(_ string, now time.Time) bool { return now.Hour() >= 8 && now.Hour() < 12 }}
		before := time.Date(2027, 1, 11, 11, 59, 0, 0, time.UTC)
		if got := engine.Next(p, routing.State{}, routing.Item{}, before); got.Outcome != routing.Offered {
			t.Errorf("at 11:59 outcome is %s, want Offered", got.Outcome)
		}
		noon := before.Add(time.Minute)
		if got := engine.Next(p, routing.State{}, routing.Item{}, noon); got.Outcome != routing.Unassigned {
			t.Errorf("at 12:00 outcome is %s, want Unassigned", got.Outcome)
		}
		if got := reasons(engine.Excluded(p, routing.State{}, routing.Item{}, noon))["ana"]; got != routing.ReasonOffShift {
			t.Errorf("reason is %q, want OffShift", got)
		}
	})
	t.Run("S-138 a closed group inside an open department", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{in("ana", "a"), in("ben", "b")},
			routing.Pool{Name: "a", Schedule: "office"}, routing.Pool{Name: "b", Schedule: "always"})
		p.Schedule = routing.Schedule{Name: "always"}
		engine := closed("office")
		if !engine.Open(p, monday) {
			t.Error("the department is closed, want open")
		}
		want := map[string]routing.Reason{"ana": routing.ReasonSchedule}
		if diff := cmp.Diff(want, reasons(engine.Excluded(p, routing.State{}, routing.Item{}, monday))); diff != "" {
			t.Errorf("excluded (-want +got):\n%s", diff)
		}
		if got := names(engine.Next(p, routing.State{}, routing.Item{}, monday).Offers); !cmp.Equal(got, []string{"ben"}) {
			t.Errorf("offered %v, want ben", got)
		}
	})
}

func TestNextByRule(t *testing.T) {
	night := routing.Destination{Type: "Queue", Name: "night"}
	withSchedule := func(p *routing.Plan) *routing.Plan {
		p.Schedule, p.OutOfHours = routing.Schedule{Name: "day"}, night
		return p
	}
	pooled := department("", people("ana", "ben"))
	pooled.Mode = routing.Pooled
	empty := department("", nil)
	empty.Mode, empty.NoLiveGroup = routing.Pooled, true
	bot := department(routing.RoundRobin, people("ana"))
	bot.Bot = &routing.Bot{Name: "helper"}
	only := withSchedule(department(routing.RoundRobin, people("ana")))
	only.Bot = &routing.Bot{Name: "helper", Only: true}
	hangup := dialing(routing.Random, time.Minute, nil)
	hangup.Overflow = routing.Destination{Type: routing.DestinationHangup}

	cases := map[string]struct {
		plan   *routing.Plan
		engine routing.Engine
		want   routing.Decision
	}{
		"closed goes out of hours": {
			plan: withSchedule(department(routing.RoundRobin, people("ana"))), engine: closed("day"),
			want: routing.Decision{Outcome: routing.OutOfHours, Then: night},
		},
		"S-143 a closed group goes out of hours": {
			plan: withSchedule(dialing(routing.Random, time.Minute, people("ana"))), engine: closed("day"),
			want: routing.Decision{Outcome: routing.OutOfHours, Then: night},
		},
		"pooled is offered to nobody in particular":        {plan: pooled, want: routing.Decision{Outcome: routing.OutcomePooled}},
		"S-39 all groups disabled leaves items unassigned": {plan: empty, want: routing.Decision{Outcome: routing.Unassigned}},
		"a bot comes first and hands over": {
			plan: bot,
			want: routing.Decision{Outcome: routing.Offered, Bot: "helper", Offers: []routing.Offer{{Name: "ana"}}, Rotation: routing.Rotation{Last: map[string]string{"": "ana"}}},
		},
		"a bot alone never hands over, nor closes": {
			plan: only, engine: closed("day"),
			want: routing.Decision{Outcome: routing.Unassigned, Bot: "helper"},
		},
		"random without anybody overflows at once": {
			plan: dialing(routing.Random, time.Minute, nil),
			want: routing.Decision{Outcome: routing.Overflow, Then: routing.Destination{Type: routing.DestinationVoicemail}},
		},
		"random without anybody and without overflow ends": {
			plan: hangup,
			want: routing.Decision{Outcome: routing.Ended, Then: routing.Destination{Type: routing.DestinationHangup}},
		},
		"simultaneous without anybody waits": {
			plan: dialing(routing.Simultaneous, time.Minute, nil),
			want: routing.Decision{Outcome: routing.Unassigned},
		},
		"sequential rings the first for the group time at most": {
			plan: sequential(20*time.Second, 20*time.Second, people("zoe", "ana")),
			want: routing.Decision{Outcome: routing.Offered, Offers: []routing.Offer{{Name: "zoe", For: 20 * time.Second}}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := tc.engine.Next(tc.plan, routing.State{}, routing.Item{}, monday)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoutable(t *testing.T) {
	cases := map[string]struct {
		plan       routing.Plan
		wantReason string
	}{
		"somebody is a candidate":  {plan: routing.Plan{Candidates: people("ana")}},
		"nobody is":                {wantReason: "NoCandidates"},
		"S-39 all groups disabled": {plan: routing.Plan{NoLiveGroup: true}, wantReason: "AllGroupsDisabled"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if ok, reason := tc.plan.Routable(); reason != tc.wantReason || ok != (tc.wantReason == "") {
				t.Errorf("routable is %v, %q; want reason %q", ok, reason, tc.wantReason)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	p := department(routing.RoundRobin, people("ana", "ben"))
	got := p.Without("ana")
	if diff := cmp.Diff(people("ben"), got.Candidates); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if len(p.Candidates) != 2 {
		t.Error("the plan itself was changed")
	}
}

// TestFirstReasonCounts lets everything fail at once and heals one reason after the other: the order is that of R-15.
func TestFirstReasonCounts(t *testing.T) {
	shut := map[string]bool{"day": true, "mornings": true}
	seen := false
	engine := routing.Engine{
		Hours: func(schedule string, _ time.Time) bool { return !shut[schedule] },
		Views: func(string, string) bool { return seen },
	}
	p := department(routing.RoundRobin, []routing.Candidate{{
		Name: "ana", Channels: []string{"Chat"}, Schedule: "mornings", Absence: &routing.Absence{}, MaxChats: new(int32(1)),
	}})
	p.Schedule = routing.Schedule{Name: "day"}
	state := routing.State{
		Presence:          map[string]routing.Presence{"ana": routing.Offline},
		AutoAssignedChats: map[string]int{"ana": 1},
	}
	item := routing.Item{Profile: "p", Channel: "SMS"}
	steps := []struct {
		want routing.Reason
		heal func()
	}{
		{routing.ReasonNoProfileAccess, func() { seen = true }},
		{routing.ReasonChannel, func() { item.Channel = "Chat" }},
		{routing.ReasonSchedule, func() { shut["day"] = false }},
		{routing.ReasonOffShift, func() { shut["mornings"] = false }},
		{routing.ReasonAbsent, func() { p.Candidates[0].Absence = nil }},
		{routing.ReasonPresence, func() { state.Presence["ana"] = routing.Ready }},
		{routing.ReasonCapacity, func() { state.AutoAssignedChats = nil }},
		{"", func() {}},
	}
	for _, step := range steps {
		if got := reasons(engine.Excluded(p, state, item, monday))["ana"]; got != step.want {
			t.Errorf("reason is %q, want %q", got, step.want)
		}
		step.heal()
	}
}
