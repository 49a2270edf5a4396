package routing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

const second = time.Second

// reacts is a script in which these people do the same at every offer and nobody else does anything.
func reacts(by map[string]routing.Reaction) routing.Script {
	return routing.Script{React: func(name string, _ int) routing.Reaction { return by[name] }}
}

// at positions candidates and sorts nothing: the plan's order is given.
func at(position int32, name string) routing.Candidate {
	return routing.Candidate{Name: name, Position: new(position)}
}

func TestSequential(t *testing.T) {
	voicemail := routing.Destination{Type: routing.DestinationVoicemail}
	someoneOffline := routing.State{Presence: map[string]routing.Presence{"a": routing.Ready, "c": routing.Online}}
	cases := map[string]struct {
		plan   *routing.Plan
		state  routing.State
		script routing.Script
		engine routing.Engine
		want   []string
		run    routing.Run
	}{
		"S-36 b is offline and nobody answers": {
			plan:  sequential(10*second, 35*second, []routing.Candidate{at(1, "a"), at(2, "b"), at(3, "c")}),
			state: someoneOffline,
			want:  []string{"a 0-10", "c 10-20", "a 20-30", "c 30-35"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 35 * second, Then: voicemail},
		},
		"the order of the plan decides, not the name": {
			plan: sequential(10*second, 20*second, []routing.Candidate{at(1, "z"), at(2, "a")}),
			want: []string{"z 0-10", "a 10-20"},
			run:  routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
		"a rejection moves on at once, and comes round again": {
			plan:   sequential(10*second, 20*second, people("a", "b")),
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Rejects, After: 3 * second}}),
			want:   []string{"a 0-3", "b 3-13", "a 13-16", "b 16-20"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
		"an answer ends it": {
			plan:   sequential(10*second, 60*second, people("a", "b")),
			script: reacts(map[string]routing.Reaction{"b": {Kind: routing.Answers, After: 4 * second}}),
			want:   []string{"a 0-10", "b 10-14"},
			run:    routing.Run{Outcome: routing.Offered, AnsweredBy: "b", Ends: 14 * second},
		},
		"an answer too late is none": {
			plan:   sequential(10*second, 20*second, people("a", "b")),
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Answers, After: 10 * second}}),
			want:   []string{"a 0-10", "b 10-20"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
		"answering at the second offer": {
			plan: sequential(10*second, 60*second, people("a")),
			script: routing.Script{React: func(_ string, nth int) routing.Reaction {
				if nth == 2 {
					return routing.Reaction{Kind: routing.Answers, After: second}
				}
				return routing.Reaction{}
			}},
			want: []string{"a 0-10", "a 10-11"},
			run:  routing.Run{Outcome: routing.Offered, AnsweredBy: "a", Ends: 11 * second},
		},
		"a pass without anybody waits a second": {
			plan:   sequential(10*second, 20*second, people("a")),
			state:  routing.State{Presence: map[string]routing.Presence{"a": routing.Offline}},
			script: routing.Script{Presence: []routing.PresenceChange{{After: 4500 * time.Millisecond, Name: "a", Presence: routing.Online}}},
			want:   []string{"a 5-15", "a 15-20"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
		"somebody becomes eligible before the turn comes": {
			plan:   sequential(10*second, 20*second, people("a", "b")),
			state:  routing.State{Presence: map[string]routing.Presence{"a": routing.Ready}},
			script: routing.Script{Presence: []routing.PresenceChange{{After: 10 * second, Name: "b", Presence: routing.Online}}},
			want:   []string{"a 0-10", "b 10-20"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
		"everybody rejecting at once does not spin": {
			plan:   sequential(10*second, 3*second, people("a")),
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Rejects}}),
			want:   []string{"a 0-0", "a 1-1", "a 2-2"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 3 * second, Then: voicemail},
		},
		"nobody at all overflows when the time is over": {
			plan:  sequential(10*second, 15*second, people("a")),
			state: routing.State{Presence: map[string]routing.Presence{"a": routing.Offline}},
			run:   routing.Run{Outcome: routing.Overflow, Ends: 15 * second, Then: voicemail},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := tc.engine.Run(tc.plan, tc.state, routing.Item{}, monday, tc.script)
			checkRun(t, got, tc.want, tc.run)
		})
	}
}

// checkRun compares the offers in short form and the rest of a run without its state.
func checkRun(t *testing.T, got routing.Run, wantOffers []string, want routing.Run) {
	t.Helper()
	if diff := cmp.Diff(wantOffers, offers(got.Offers), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
	got.Offers, got.State = nil, routing.State{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func TestRandom(t *testing.T) {
	voicemail := routing.Destination{Type: routing.DestinationVoicemail}
	received := map[string]int{"a": 3, "b": 1, "c": 1}

	t.Run("S-35 one of those with the fewest calls, once", func(t *testing.T) {
		drawn := map[string]int{}
		for seed := range int64(400) {
			state := routing.State{CallsReceived: received, Seed: seed}
			got := routing.Engine{}.Run(dialing(routing.Random, 20*second, people("a", "b", "c")), state, routing.Item{}, monday, routing.Script{})
			if len(got.Offers) != 1 {
				t.Fatalf("seed %d: %d legs, want one", seed, len(got.Offers))
			}
			name := got.Offers[0].Name
			drawn[name]++
			checkRun(t, got, []string{name + " 0-20"}, routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail})
		}
		if drawn["a"] != 0 || drawn["b"] < 150 || drawn["c"] < 150 {
			t.Errorf("drawn %v, want about 200 each of b and c", drawn)
		}
	})
	t.Run("the same seed draws the same", func(t *testing.T) {
		p := dialing(routing.Random, 20*second, numbered(50))
		state := routing.State{Seed: 7}
		first := routing.Engine{}.Next(p, state, routing.Item{}, monday)
		if diff := cmp.Diff(first, routing.Engine{}.Next(p, state, routing.Item{}, monday)); diff != "" {
			t.Errorf("second decision differs:\n%s", diff)
		}
		if first.Seed == state.Seed {
			t.Error("the seed did not move on after a draw")
		}
	})
	t.Run("draws that follow one another are uniform", func(t *testing.T) {
		p := dialing(routing.Random, 20*second, people("a", "b", "c", "d"))
		drawn, state := map[string]int{}, routing.State{Seed: 1}
		for range 4000 {
			d := routing.Engine{}.Next(p, state, routing.Item{}, monday)
			drawn[d.Offers[0].Name]++
			state = state.After(d)
		}
		for name, n := range drawn {
			if n < 850 || n > 1150 {
				t.Errorf("%s drawn %d times of 4000, want about 1000", name, n)
			}
		}
	})
	cases := map[string]struct {
		state  routing.State
		script routing.Script
		want   []string
		run    routing.Run
	}{
		"a rejection ends the call": {
			state:  routing.State{CallsReceived: map[string]int{"a": 3, "b": 2, "c": 1}},
			script: reacts(map[string]routing.Reaction{"c": {Kind: routing.Rejects, After: 2 * second}}),
			want:   []string{"c 0-2"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 2 * second, Then: voicemail},
		},
		"an answer": {
			state:  routing.State{CallsReceived: map[string]int{"a": 0, "b": 2, "c": 1}},
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Answers, After: 2 * second}}),
			want:   []string{"a 0-2"},
			run:    routing.Run{Outcome: routing.Offered, AnsweredBy: "a", Ends: 2 * second},
		},
		"nobody eligible ends at once": {
			state: routing.State{Presence: map[string]routing.Presence{"x": routing.Ready}},
			run:   routing.Run{Outcome: routing.Overflow, Then: voicemail},
		},
		"the fewest calls among those online": {
			state: routing.State{CallsReceived: received, Presence: map[string]routing.Presence{"a": routing.Online}},
			want:  []string{"a 0-20"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 20 * second, Then: voicemail},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := dialing(routing.Random, 20*second, people("a", "b", "c"))
			checkRun(t, routing.Engine{}.Run(p, tc.state, routing.Item{}, monday, tc.script), tc.want, tc.run)
		})
	}
}

func capped(p *routing.Plan, legs int32, scope routing.CapScope) *routing.Plan {
	p.Cap = &routing.Cap{Legs: legs, Scope: scope}
	return p
}

func TestSimultaneous(t *testing.T) {
	voicemail := routing.Destination{Type: routing.DestinationVoicemail}

	t.Run("S-34 12 online, cap 10, one rejects, nobody answers", func(t *testing.T) {
		p := capped(dialing(routing.Simultaneous, 30*second, numbered(12)), 10, routing.PerCall)
		script := reacts(map[string]routing.Reaction{"p04": {Kind: routing.Rejects, After: 5 * second}})
		var want []string
		for i := range 10 {
			want = append(want, fmt.Sprintf("p%02d 0-30", i))
		}
		want[4] = "p04 0-5"
		want = append(want, "p10 5-30")
		got := routing.Engine{}.Run(p, routing.State{}, routing.Item{}, monday, script)
		checkRun(t, got, want, routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail})

		d := routing.Engine{}.Next(p, routing.State{}, routing.Item{}, monday)
		if len(d.Offers) != 10 {
			t.Errorf("Next rings %d legs, want 10", len(d.Offers))
		}
	})

	absentUntil := monday.Add(7 * second)
	onShiftLater := []routing.Candidate{{Name: "a"}, {Name: "b", Schedule: "late"}}
	nineOClock := routing.Engine{Hours: func(_ string, now time.Time) bool { return now.Hour() >= 9 }}
	cases := map[string]struct {
		plan   *routing.Plan
		engine routing.Engine
		state  routing.State
		script routing.Script
		now    time.Time
		want   []string
		run    routing.Run
	}{
		"the first to accept ends all legs": {
			plan: dialing(routing.Simultaneous, 30*second, people("a", "b", "c")),
			script: reacts(map[string]routing.Reaction{
				"b": {Kind: routing.Answers, After: 8 * second}, "c": {Kind: routing.Answers, After: 6 * second},
			}),
			want: []string{"a 0-6", "b 0-6", "c 0-6"},
			run:  routing.Run{Outcome: routing.Offered, AnsweredBy: "c", Ends: 6 * second},
		},
		"both at the same time: the first in the order": {
			plan: dialing(routing.Simultaneous, 30*second, people("a", "b", "c")),
			script: reacts(map[string]routing.Reaction{
				"b": {Kind: routing.Answers, After: 6 * second}, "c": {Kind: routing.Answers, After: 6 * second},
			}),
			want: []string{"a 0-6", "b 0-6", "c 0-6"},
			run:  routing.Run{Outcome: routing.Offered, AnsweredBy: "b", Ends: 6 * second},
		},
		"a rejecting agent is not rung again": {
			plan:   dialing(routing.Simultaneous, 30*second, people("a", "b")),
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Rejects}}),
			want:   []string{"a 0-0", "b 0-30"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"over the cap the fewest calls received ring first": {
			plan:  capped(dialing(routing.Simultaneous, 30*second, []routing.Candidate{at(1, "d"), at(2, "c"), at(3, "b"), at(4, "a")}), 2, routing.PerCall),
			state: routing.State{CallsReceived: map[string]int{"a": 5, "b": 1, "c": 9, "d": 1}},
			want:  []string{"d 0-30", "b 0-30"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"equal calls received: by name": {
			plan: capped(dialing(routing.Simultaneous, 30*second, []routing.Candidate{at(1, "d"), at(2, "c"), at(3, "b")}), 2, routing.PerCall),
			want: []string{"c 0-30", "b 0-30"},
			run:  routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"a cap for the whole group counts the legs of other calls": {
			plan:  capped(dialing(routing.Simultaneous, 30*second, people("a", "b", "c")), 3, routing.PerGroup),
			state: routing.State{RingingLegs: 2},
			want:  []string{"a 0-30"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"a cap for the call does not": {
			plan:  capped(dialing(routing.Simultaneous, 30*second, people("a", "b", "c")), 3, routing.PerCall),
			state: routing.State{RingingLegs: 2},
			want:  []string{"a 0-30", "b 0-30", "c 0-30"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"somebody logs in while it rings": {
			plan:   dialing(routing.Simultaneous, 30*second, people("a", "b")),
			state:  routing.State{Presence: map[string]routing.Presence{"a": routing.Ready}},
			script: routing.Script{Presence: []routing.PresenceChange{{After: 1500 * time.Millisecond, Name: "b", Presence: routing.Online}}},
			want:   []string{"a 0-30", "b 1.5-30"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"an absence ends while it rings": {
			plan: dialing(routing.Simultaneous, 30*second, []routing.Candidate{{Name: "a", Absence: &routing.Absence{Until: &absentUntil}}}),
			want: []string{"a 7-30"},
			run:  routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"a shift begins while it rings": {
			plan: dialing(routing.Simultaneous, 30*second, onShiftLater), engine: nineOClock,
			now:  time.Date(2027, 1, 11, 8, 59, 49, 500_000_000, time.UTC),
			want: []string{"a 0-30", "b 10.5-30"},
			run:  routing.Run{Outcome: routing.Offered, Ends: 30 * second, Then: voicemail},
		},
		"nobody eligible waits, then overflows": {
			plan:  dialing(routing.Simultaneous, 30*second, people("a")),
			state: routing.State{Presence: map[string]routing.Presence{"a": routing.Banned}},
			run:   routing.Run{Outcome: routing.Overflow, Ends: 30 * second, Then: voicemail},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.now.IsZero() {
				tc.now = monday
			}
			checkRun(t, tc.engine.Run(tc.plan, tc.state, routing.Item{}, tc.now, tc.script), tc.want, tc.run)
		})
	}
}

func TestRunOfClosedGroup(t *testing.T) {
	p := dialing(routing.Simultaneous, 30*second, people("a"))
	p.Schedule = routing.Schedule{Name: "day"}
	p.OutOfHours = routing.Destination{Type: "Queue", Name: "night"}
	got := closed("day").Run(p, routing.State{}, routing.Item{}, monday, routing.Script{})
	checkRun(t, got, nil, routing.Run{Outcome: routing.OutOfHours, Then: p.OutOfHours})
}
