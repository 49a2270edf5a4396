package routing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

func queue(name string, edit func(*rollcallv1.QueueSpec)) *rollcallv1.Queue {
	o := &rollcallv1.Queue{ObjectMeta: meta(name)}
	if edit != nil {
		edit(&o.Spec)
	}
	return o
}

// inQueues assigns a teammate to queues, and edits the rest.
func inQueues(name string, edit func(*rollcallv1.TeammateSpec), queues ...string) *rollcallv1.Teammate {
	return teammate(name, func(s *rollcallv1.TeammateSpec) {
		s.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeQueues, Queues: refs(queues...)}
		if edit != nil {
			edit(s)
		}
	})
}

func queueTarget(name string) routing.Target {
	return routing.Target{Kind: routing.KindQueue, Name: name}
}

// TestQueueChannels is R-15 for queues with one channel and with both.
func TestQueueChannels(t *testing.T) {
	calls := func(s *rollcallv1.TeammateSpec) { s.Channels = []rollcallv1.Channel{"Phone"} }
	writes := func(s *rollcallv1.TeammateSpec) { s.Channels = []rollcallv1.Channel{"Email", "Chat"} }
	refuses := func(s *rollcallv1.TeammateSpec) { s.AutoAssignment = rollcallv1.ToggleDisabled }
	both := func(a, b func(*rollcallv1.TeammateSpec)) func(*rollcallv1.TeammateSpec) {
		return func(s *rollcallv1.TeammateSpec) { a(s); b(s) }
	}
	voice, messaging := rollcallv1.QueueChannelVoice, rollcallv1.QueueChannelMessaging
	written := []string{"Chat", "Email", "SMS", "Social"}
	cases := map[string]struct {
		channels     []rollcallv1.QueueChannel
		edit         func(*rollcallv1.TeammateSpec)
		off          bool // the organization assigns nothing automatically
		wantReason   routing.Reason
		wantChannels []string
	}{
		"both, all channels":                          {},
		"both, calls only":                            {edit: calls, wantChannels: []string{"Phone"}},
		"both, two written channels":                  {edit: writes, wantChannels: []string{"Chat", "Email"}},
		"both, no automatic assignment":               {edit: refuses, wantChannels: []string{"Phone"}},
		"both, written, no automatic assignment":      {edit: both(writes, refuses), wantReason: routing.ReasonAutoAssignmentOff},
		"both, calls only, no automatic assignment":   {edit: both(calls, refuses), wantChannels: []string{"Phone"}},
		"both, nobody is assigned automatically":      {edit: refuses, off: true},
		"calls, all channels":                         {channels: []rollcallv1.QueueChannel{voice}, wantChannels: []string{"Phone"}},
		"calls, written only":                         {channels: []rollcallv1.QueueChannel{voice}, edit: writes, wantReason: routing.ReasonChannel},
		"calls, no automatic assignment":              {channels: []rollcallv1.QueueChannel{voice}, edit: refuses, wantChannels: []string{"Phone"}},
		"written, all channels":                       {channels: []rollcallv1.QueueChannel{messaging}, wantChannels: written},
		"written, calls only":                         {channels: []rollcallv1.QueueChannel{messaging}, edit: calls, wantReason: routing.ReasonChannel},
		"written, no automatic assignment":            {channels: []rollcallv1.QueueChannel{messaging}, edit: refuses, wantReason: routing.ReasonAutoAssignmentOff},
		"written, nobody is assigned automatically":   {channels: []rollcallv1.QueueChannel{messaging}, edit: refuses, off: true, wantChannels: written},
		"unavailable counts before assignment is off": {edit: both(refuses, func(s *rollcallv1.TeammateSpec) { s.Availability = rollcallv1.AvailabilityInactive }), wantReason: routing.ReasonAvailability},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := organize(t, monday, inQueues("ana", tc.edit, "q"), queue("q", func(s *rollcallv1.QueueSpec) { s.Channels = tc.channels }))
			if tc.off {
				f.apply(organization(func(s *rollcallv1.OrganizationSpec) { s.Chat.AutoAssignment = rollcallv1.SwitchDisabled }))
			}
			p := f.plan(queueTarget("q"))
			if tc.wantReason != "" {
				if diff := cmp.Diff([]routing.Exclusion{{Name: "ana", Reason: tc.wantReason}}, p.Excluded); diff != "" || len(p.Candidates) > 0 {
					t.Fatalf("candidates %v, excluded (-want +got):\n%s", candidates(p), diff)
				}
				return
			}
			if len(p.Candidates) != 1 {
				t.Fatalf("excluded %v, want a candidate", p.Excluded)
			}
			if diff := cmp.Diff(tc.wantChannels, p.Candidates[0].Channels); diff != "" {
				t.Errorf("channels (-want +got):\n%s", diff)
			}
		})
	}
}

// TestQueuePlan goes through what a plan of a queue says beside its candidates' channels.
func TestQueuePlan(t *testing.T) {
	skilled := func(level int32) func(*rollcallv1.TeammateSpec) {
		return func(s *rollcallv1.TeammateSpec) {
			s.Skills = []rollcallv1.TeammateSkill{{Name: "french", Level: &level}}
		}
	}
	selecting := func(voice, messaging rollcallv1.QueueSelection, channels ...rollcallv1.QueueChannel) *rollcallv1.Queue {
		return queue("q", func(s *rollcallv1.QueueSpec) {
			s.Channels = channels
			s.Routing.VoiceSelection, s.Routing.MessagingSelection = voice, messaging
			s.Routing.RequiredSkills = []rollcallv1.RequiredSkill{{Name: "french", MinLevel: new(int32(2))}, {Name: "unlisted"}}
		})
	}
	most, least, idle := rollcallv1.QueueSelectionMostQualified, rollcallv1.QueueSelectionLeastQualified, rollcallv1.QueueSelectionLongestIdle
	f := organize(t, monday,
		organization(func(s *rollcallv1.OrganizationSpec) { s.Skills = []rollcallv1.Skill{{Name: "french"}} }),
		inQueues("ana", skilled(3), "q"), inQueues("ben", skilled(5), "q"), inQueues("cid", skilled(2), "q"), inQueues("dan", skilled(1), "q"), inQueues("eva", skilled(3), "other"),
	)
	cases := map[string]struct {
		queue        *rollcallv1.Queue
		wantStrategy routing.Strategy
		want         []string
	}{
		"by name":                       {selecting("", ""), routing.LongestIdle, []string{"ana", "ben", "cid"}},
		"the most qualified first":      {selecting(most, most), routing.MostQualified, []string{"ben", "ana", "cid"}},
		"the least qualified first":     {selecting(least, least), routing.LeastQualified, []string{"cid", "ana", "ben"}},
		"calls only":                    {selecting(most, idle, "Voice"), routing.MostQualified, []string{"ben", "ana", "cid"}},
		"messages only":                 {selecting(idle, least, "Messaging"), routing.LeastQualified, []string{"cid", "ana", "ben"}},
		"one way each":                  {selecting(most, idle), "Voice=MostQualified,Messaging=LongestIdle", []string{"ana", "ben", "cid"}},
		"the other way, both by a word": {selecting(idle, most, "Messaging", "Voice"), "Voice=LongestIdle,Messaging=MostQualified", []string{"ana", "ben", "cid"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f.apply(tc.queue)
			p := f.plan(queueTarget("q"))
			if p.Strategy != tc.wantStrategy {
				t.Errorf("strategy %q, want %q", p.Strategy, tc.wantStrategy)
			}
			if diff := cmp.Diff(tc.want, candidates(p)); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]routing.Exclusion{{Name: "dan", Reason: routing.ReasonSkills}}, p.Excluded); diff != "" {
				t.Errorf("excluded (-want +got):\n%s", diff)
			}
			if got := *p.Timeouts.MaxRingTime; got != 20*time.Second || p.Timeouts.MaxWaitingTime != nil {
				t.Errorf("timeouts %v", p.Timeouts)
			}
		})
	}
}

// TestQueueSchedule is R-14 for queues and campaigns: their own hours, else the organization's.
func TestQueueSchedule(t *testing.T) {
	f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.ScheduleRef = ref("day") }),
		&rollcallv1.Schedule{ObjectMeta: meta("day"), Spec: rollcallv1.ScheduleSpec{Mode: "AlwaysOpen"}},
		&rollcallv1.Schedule{ObjectMeta: meta("night"), Spec: rollcallv1.ScheduleSpec{Mode: "AlwaysClosed"}},
		queue("own", func(s *rollcallv1.QueueSpec) { s.ScheduleRef = ref("night") }),
		queue("missing", func(s *rollcallv1.QueueSpec) { s.ScheduleRef = ref("nowhere") }),
		queue("none", nil),
		&rollcallv1.Campaign{ObjectMeta: meta("c"), Spec: rollcallv1.CampaignSpec{Mode: "Predictive", ScheduleRef: ref("night")}},
		&rollcallv1.Campaign{ObjectMeta: meta("d"), Spec: rollcallv1.CampaignSpec{Mode: "Progressive"}},
	)
	want := map[routing.Target]string{
		queueTarget("own"): "night", queueTarget("missing"): "day", queueTarget("none"): "day",
		{Kind: routing.KindCampaign, Name: "c"}: "night", {Kind: routing.KindCampaign, Name: "d"}: "day",
	}
	for x, schedule := range want {
		if got := f.plan(x).Schedule.Name; got != schedule {
			t.Errorf("%s %s: schedule %q, want %q", x.Kind, x.Name, got, schedule)
		}
	}
	if got := f.plan(routing.Target{Kind: routing.KindCampaign, Name: "c"}).Mode; got != "Predictive" {
		t.Errorf("mode %q, want Predictive", got)
	}
}

// TestNextInQueue is R-18: who is offered an item of a queue, and when it goes on instead.
func TestNextInQueue(t *testing.T) {
	night := routing.Destination{Type: "Queue", Name: "night"}
	waiting := func(edit func(*routing.Waiting)) *routing.Plan {
		score := func(n int32) *int32 { return &n }
		w := &routing.Waiting{Voice: routing.LongestIdle, Messaging: routing.LongestIdle}
		if edit != nil {
			edit(w)
		}
		return &routing.Plan{
			Target: queueTarget("q"), Waiting: w, Overflow: night, OutOfHours: routing.Destination{Type: "Voicemail"},
			Timeouts: routing.Timeouts{MaxRingTime: new(20 * time.Second), MaxWaitingTime: new(time.Minute)},
			Candidates: []routing.Candidate{
				{Name: "ana", SkillScore: score(3), MaxChats: new(int32(1))}, {Name: "ben", SkillScore: score(5), MaxChats: new(int32(-1))},
				{Name: "cid", SkillScore: score(3), MaxChats: new(int32(-1)), Channels: []string{"Phone"}},
			},
		}
	}
	by := func(voice, messaging routing.Strategy) func(*routing.Waiting) {
		return func(w *routing.Waiting) { w.Voice, w.Messaging = voice, messaging }
	}
	all := func(p routing.Presence) map[string]routing.Presence {
		return map[string]routing.Presence{"ana": p, "ben": p, "cid": p}
	}
	idle := map[string]time.Time{"ana": monday.Add(-time.Minute), "ben": monday.Add(-time.Hour), "cid": monday.Add(-time.Hour)}
	cases := map[string]struct {
		plan        *routing.Plan
		engine      routing.Engine
		state       routing.State
		item        routing.Item
		wantOutcome routing.Outcome
		want        string // who is offered the item
		wantThen    routing.Destination
	}{
		"idle longest, ties by name":                        {plan: waiting(nil), state: routing.State{IdleSince: idle}, wantOutcome: routing.Offered, want: "ben"},
		"nobody knows since when: by name":                  {plan: waiting(nil), wantOutcome: routing.Offered, want: "ana"},
		"the most qualified":                                {plan: waiting(by(routing.MostQualified, routing.MostQualified)), wantOutcome: routing.Offered, want: "ben"},
		"the least qualified, ties by name":                 {plan: waiting(by(routing.LeastQualified, routing.LeastQualified)), wantOutcome: routing.Offered, want: "ana"},
		"a call by its own selection":                       {plan: waiting(by(routing.MostQualified, routing.LeastQualified)), item: routing.Item{Channel: "Phone"}, wantOutcome: routing.Offered, want: "ben"},
		"a message by its own selection":                    {plan: waiting(by(routing.MostQualified, routing.LeastQualified)), item: routing.Item{Channel: "Chat"}, wantOutcome: routing.Offered, want: "ana"},
		"the one who let it pass does not get it again":     {plan: waiting(nil), item: routing.Item{Passed: []string{"ana"}}, wantOutcome: routing.Offered, want: "ben"},
		"the chat limit counts for messages":                {plan: waiting(nil), state: routing.State{ActiveChats: map[string]int{"ana": 1}, AutoAssignedChats: map[string]int{"ana": 1}}, item: routing.Item{Channel: "Chat"}, wantOutcome: routing.Offered, want: "ben"},
		"the chat limit does not count for calls":           {plan: waiting(nil), state: routing.State{ActiveChats: map[string]int{"ana": 1}, AutoAssignedChats: map[string]int{"ana": 1}}, item: routing.Item{Channel: "Phone"}, wantOutcome: routing.Offered, want: "ana"},
		"online is not ready: it waits":                     {plan: waiting(nil), state: routing.State{Presence: all(routing.Online)}, wantOutcome: routing.Unassigned},
		"busy agents are there":                             {plan: waiting(func(w *routing.Waiting) { w.OverflowWithoutAgents = true }), state: routing.State{Presence: all(routing.DoNotDisturb)}, wantOutcome: routing.Unassigned},
		"nobody is there":                                   {plan: waiting(func(w *routing.Waiting) { w.OverflowWithoutAgents = true }), state: routing.State{Presence: all(routing.Offline)}, wantOutcome: routing.Overflow, wantThen: night},
		"nobody is there, but it is held":                   {plan: waiting(nil), state: routing.State{Presence: all(routing.Offline)}, wantOutcome: routing.Unassigned},
		"the queue is full":                                 {plan: waiting(func(w *routing.Waiting) { w.MaxSize = new(int32(2)) }), state: routing.State{Waiting: 2}, wantOutcome: routing.Overflow, wantThen: night},
		"one place is left":                                 {plan: waiting(func(w *routing.Waiting) { w.MaxSize = new(int32(2)) }), state: routing.State{Waiting: 1}, wantOutcome: routing.Offered, want: "ana"},
		"it waited long enough":                             {plan: waiting(nil), item: routing.Item{Waited: time.Minute}, wantOutcome: routing.Overflow, wantThen: night},
		"it waited almost long enough":                      {plan: waiting(nil), item: routing.Item{Waited: time.Minute - time.Second}, wantOutcome: routing.Offered, want: "ana"},
		"messages are claimed where nothing is assigned":    {plan: waiting(func(w *routing.Waiting) { w.MessagingPooled = true }), item: routing.Item{Channel: "Chat"}, wantOutcome: routing.OutcomePooled},
		"calls are still offered where nothing is assigned": {plan: waiting(func(w *routing.Waiting) { w.MessagingPooled = true }), item: routing.Item{Channel: "Phone"}, wantOutcome: routing.Offered, want: "ana"},
		"closed": {plan: func() *routing.Plan {
			p := waiting(nil)
			p.Schedule.Name = "day"
			return p
		}(), engine: closed("day"), wantOutcome: routing.OutOfHours, wantThen: routing.Destination{Type: "Voicemail"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := tc.engine.Next(tc.plan, tc.state, tc.item, monday)
			got := ""
			if len(d.Offers) > 0 {
				got = d.Offers[0].Name
			}
			if d.Outcome != tc.wantOutcome || got != tc.want || d.Then != tc.wantThen {
				t.Errorf("%s to %q then %v, want %s to %q then %v", d.Outcome, got, d.Then, tc.wantOutcome, tc.want, tc.wantThen)
			}
		})
	}
}

// TestRunThroughQueue follows one item: each agent for the ring time, then the next, and overflow when it waited enough.
func TestRunThroughQueue(t *testing.T) {
	plan := func(limit *time.Duration) *routing.Plan {
		return &routing.Plan{
			Target: queueTarget("q"), Waiting: &routing.Waiting{Voice: routing.LongestIdle, Messaging: routing.LongestIdle},
			Timeouts:   routing.Timeouts{MaxRingTime: new(20 * time.Second), MaxWaitingTime: limit},
			Overflow:   routing.Destination{Type: "Voicemail"},
			Candidates: []routing.Candidate{{Name: "ana"}, {Name: "ben"}},
		}
	}
	answers := func(who string, after time.Duration) routing.Script {
		return routing.Script{React: func(name string, _ int) routing.Reaction {
			if name == who {
				return routing.Reaction{Kind: routing.Answers, After: after}
			}
			return routing.Reaction{}
		}}
	}
	offer := func(name string, at, length time.Duration) routing.Offer {
		return routing.Offer{Name: name, At: at, For: length}
	}
	cases := map[string]struct {
		limit      *time.Duration
		script     routing.Script
		state      routing.State
		wantOffers []routing.Offer
		wantBy     string
		wantEnds   time.Duration
		wantThen   string
		want       routing.Outcome
	}{
		"the second answers": {
			script: answers("ben", 5*time.Second), wantBy: "ben", wantEnds: 25 * time.Second, want: routing.Offered,
			wantOffers: []routing.Offer{offer("ana", 0, 20*time.Second), offer("ben", 20*time.Second, 5*time.Second)},
		},
		"nobody answers, without a limit it waits": {
			wantEnds: 40 * time.Second, want: routing.Offered,
			wantOffers: []routing.Offer{offer("ana", 0, 20*time.Second), offer("ben", 20*time.Second, 20*time.Second)},
		},
		"nobody answers until the limit": {
			limit: new(time.Minute), wantEnds: time.Minute, wantThen: "Voicemail", want: routing.Offered,
			wantOffers: []routing.Offer{offer("ana", 0, 20*time.Second), offer("ben", 20*time.Second, 20*time.Second)},
		},
		"the limit comes while it rings": {
			limit: new(30 * time.Second), wantEnds: 30 * time.Second, wantThen: "Voicemail", want: routing.Offered,
			wantOffers: []routing.Offer{offer("ana", 0, 20*time.Second), offer("ben", 20*time.Second, 10*time.Second)},
		},
		"nobody is ready until the limit": {
			limit: new(time.Minute), state: routing.State{Presence: map[string]routing.Presence{"ana": routing.Offline}},
			wantEnds: time.Minute, wantThen: "Voicemail", want: routing.Unassigned,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			run := routing.Engine{}.Run(plan(tc.limit), tc.state, routing.Item{Channel: "Phone"}, monday, tc.script)
			if diff := cmp.Diff(tc.wantOffers, run.Offers); diff != "" {
				t.Errorf("offers (-want +got):\n%s", diff)
			}
			if run.AnsweredBy != tc.wantBy || run.Ends != tc.wantEnds || run.Then.Type != tc.wantThen || run.Outcome != tc.want {
				t.Errorf("answered by %q, ends %v, then %q, outcome %s", run.AnsweredBy, run.Ends, run.Then.Type, run.Outcome)
			}
		})
	}
}

// TestNextInCampaign: an agent who is on the line, idle longest; nobody is rung for a while only.
func TestNextInCampaign(t *testing.T) {
	p := &routing.Plan{Target: routing.Target{Kind: routing.KindCampaign, Name: "c"}, Mode: "Predictive", Candidates: []routing.Candidate{{Name: "ana"}, {Name: "ben"}, {Name: "cid"}}}
	s := routing.State{
		Presence:  map[string]routing.Presence{"ana": routing.Ready, "ben": routing.Online, "cid": "Busy"},
		IdleSince: map[string]time.Time{"ana": monday, "ben": monday.Add(-time.Minute)},
	}
	d := routing.Engine{}.Next(p, s, routing.Item{}, monday)
	if diff := cmp.Diff([]routing.Offer{{Name: "ben"}}, d.Offers); diff != "" || d.Outcome != routing.Offered {
		t.Errorf("outcome %s, offers (-want +got):\n%s", d.Outcome, diff)
	}
}

// TestWhatAnEditOfAQueueTouches is R-21: hours and colleagues elsewhere write no plan.
func TestWhatAnEditOfAQueueTouches(t *testing.T) {
	f := organize(t, monday, inQueues("ana", nil, "a"), inQueues("ben", nil, "b"), queue("a", nil), queue("b", nil), queue("c", nil))
	f.apply(inQueues("ana", nil, "a", "c"))
	if want := []routing.Target{queueTarget("c")}; !slices.Equal(f.changed, want) {
		t.Errorf("another queue for ana changed %v, want %v", f.changed, want)
	}
	f.apply(inQueues("ben", func(s *rollcallv1.TeammateSpec) { s.Availability = rollcallv1.AvailabilityInactive }, "b"))
	if want := []routing.Target{queueTarget("b")}; !slices.Equal(f.changed, want) {
		t.Errorf("ben's availability changed %v, want %v", f.changed, want)
	}
	f.apply(queue("b", func(s *rollcallv1.QueueSpec) { s.Description = "for those who wait" }))
	if len(f.changed) > 0 {
		t.Errorf("a description changed %v", f.changed)
	}
}
