package routing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

// assignAll hands out n items one after another and returns who got them.
func assignAll(t *testing.T, e routing.Engine, p *routing.Plan, s routing.State, n int) (agents, pools []string) {
	t.Helper()
	for range n {
		d := e.Next(p, s, routing.Item{}, monday)
		if d.Outcome != routing.Offered {
			t.Fatalf("item %d is %s, want Offered", len(agents)+1, d.Outcome)
		}
		agents, pools = append(agents, d.Offers[0].Name), append(pools, d.Pool)
		s = s.After(d)
	}
	return agents, pools
}

func TestWeights(t *testing.T) {
	t.Run("S-38 40 and 60, at every prefix within one item of the share", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{in("ana", "north"), in("ben", "south")},
			weighted("north", 40), weighted("south", 60))
		_, pools := assignAll(t, routing.Engine{}, p, routing.State{}, 200)
		north := 0
		for i, pool := range pools {
			if i == 100 {
				north = 0
			}
			if pool == "north" {
				north++
			}
			if k := i%100 + 1; 100*north <= 40*k-100 || 100*north >= 40*k+100 {
				t.Errorf("after %d items north has %d", i+1, north)
			}
		}
		if north != 40 {
			t.Errorf("north has %d of the second 100, want 40", north)
		}
		if diff := cmp.Diff([]string{"south", "north", "south", "north", "south"}, pools[:5]); diff != "" {
			t.Errorf("first pools (-want +got):\n%s", diff)
		}
	})

	three := func() *routing.Plan {
		return department(routing.RoundRobin,
			[]routing.Candidate{in("ana", "a"), in("ben", "b"), in("cid", "c"), in("dan", "d")},
			weighted("a", 30), weighted("b", 70), weighted("c", 0), weighted("d", 0))
	}
	online := func(names ...string) routing.State {
		s := routing.State{Presence: map[string]routing.Presence{}}
		for _, name := range names {
			s.Presence[name] = routing.Ready
		}
		return s
	}
	cases := map[string]struct {
		engine routing.Engine
		plan   *routing.Plan
		state  routing.State
		want   []string
	}{
		"weight 0 gets nothing while others have agents": {plan: three(), want: []string{"b", "b", "a", "b"}},
		"without an agent the others follow by weight":   {plan: three(), state: online("ana", "cid", "dan"), want: []string{"a", "a", "a", "a"}},
		"fallback only, by name":                         {plan: three(), state: online("cid", "dan"), want: []string{"c", "c", "c", "c"}},
		"what a fallback served counts for it": {
			plan:  three(),
			state: routing.State{Rotation: routing.Rotation{Items: 5, Served: map[string]int{"a": 5}}},
			want:  []string{"b", "b", "b", "b"},
		},
		"equal shares: by name": {
			plan: department(routing.RoundRobin, []routing.Candidate{in("ana", "b"), in("ben", "a")}, weighted("a", 50), weighted("b", 50)),
			want: []string{"a", "b", "a", "b"},
		},
		"weights that lost a group": {
			plan: department(routing.RoundRobin, []routing.Candidate{in("ben", "b"), in("cid", "c")}, weighted("b", 30), weighted("c", 20)),
			want: []string{"b", "c", "b", "b"},
		},
		"a closed group is passed over although its agent is in an open one": {
			engine: closed("day"),
			plan: department(routing.RoundRobin, []routing.Candidate{in("ana", "a", "b")},
				routing.Pool{Name: "a", Weight: new(int32(90)), Schedule: "day"}, weighted("b", 10)),
			want: []string{"b", "b", "b", "b"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, got := assignAll(t, tc.engine, tc.plan, tc.state, 4); !cmp.Equal(got, tc.want) {
				t.Errorf("pools %v, want %v", got, tc.want)
			}
		})
	}

	t.Run("an item that finds nobody moves no counter", func(t *testing.T) {
		s := online("nobody")
		s.Rotation = routing.Rotation{Items: 7, Served: map[string]int{"a": 3, "b": 4}}
		d := routing.Engine{}.Next(three(), s, routing.Item{}, monday)
		if d.Outcome != routing.Unassigned {
			t.Errorf("outcome is %s, want Unassigned", d.Outcome)
		}
		if diff := cmp.Diff(s.Rotation, d.Rotation); diff != "" {
			t.Errorf("rotation (-want +got):\n%s", diff)
		}
	})
	t.Run("an item handed on is counted once and stays in its group", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{in("ana", "a"), in("ann", "a"), in("ben", "b")},
			weighted("a", 30), weighted("b", 70))
		s := routing.State{Rotation: routing.Rotation{Items: 7, Served: map[string]int{"a": 3, "b": 4}}}
		d := routing.Engine{}.Next(p, s, routing.Item{Passed: []string{"ana"}, Pool: "a"}, monday)
		want := routing.Decision{
			Outcome: routing.Offered, Pool: "a", Offers: []routing.Offer{{Name: "ann"}},
			Rotation: routing.Rotation{Items: 7, Served: map[string]int{"a": 3, "b": 4}, Last: map[string]string{"a": "ann"}},
		}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("decision (-want +got):\n%s", diff)
		}
		d = routing.Engine{}.Next(p, s, routing.Item{Passed: []string{"ana", "ann"}, Pool: "a"}, monday)
		if d.Pool != "b" {
			t.Errorf("after both of a, pool is %q, want b", d.Pool)
		}
	})
	t.Run("a decision leaves the state it was given alone", func(t *testing.T) {
		s := routing.State{Rotation: routing.Rotation{Items: 1, Served: map[string]int{"b": 1}, Last: map[string]string{"b": "ben"}}}
		routing.Engine{}.Next(three(), s, routing.Item{}, monday)
		want := routing.Rotation{Items: 1, Served: map[string]int{"b": 1}, Last: map[string]string{"b": "ben"}}
		if diff := cmp.Diff(want, s.Rotation); diff != "" {
			t.Errorf("rotation (-want +got):\n%s", diff)
		}
	})
}

func TestSelection(t *testing.T) {
	score := func(name string, n int32) routing.Candidate { return routing.Candidate{Name: name, SkillScore: new(n)} }
	early, late := monday.Add(-time.Hour), monday.Add(-time.Minute)
	cases := map[string]struct {
		selection  routing.Strategy
		candidates []routing.Candidate
		state      routing.State
		want       string
	}{
		"the first item goes to the first name":        {selection: routing.RoundRobin, candidates: people("b", "a", "c"), want: "a"},
		"then the next name":                           {selection: routing.RoundRobin, candidates: people("a", "b", "c"), state: routing.State{LastAssigned: "a"}, want: "b"},
		"and round again":                              {selection: routing.RoundRobin, candidates: people("a", "b", "c"), state: routing.State{LastAssigned: "c"}, want: "a"},
		"the last one may have left":                   {selection: routing.RoundRobin, candidates: people("a", "c"), state: routing.State{LastAssigned: "b"}, want: "c"},
		"who is not present is passed over":            {selection: routing.RoundRobin, candidates: people("a", "b", "c"), state: routing.State{LastAssigned: "a", Presence: map[string]routing.Presence{"a": routing.Ready, "c": routing.Ready}}, want: "c"},
		"fewest chats":                                 {selection: routing.LeastActive, candidates: people("a", "b", "c"), state: routing.State{ActiveChats: map[string]int{"a": 2, "b": 1, "c": 3}}, want: "b"},
		"fewest chats, ties by turn":                   {selection: routing.LeastActive, candidates: people("a", "b", "c"), state: routing.State{ActiveChats: map[string]int{"b": 1}, LastAssigned: "a"}, want: "c"},
		"idle the longest":                             {selection: routing.LongestIdle, candidates: people("a", "b"), state: routing.State{IdleSince: map[string]time.Time{"a": late, "b": early}}, want: "b"},
		"never had anything: idle longer than any":     {selection: routing.LongestIdle, candidates: people("a", "b"), state: routing.State{IdleSince: map[string]time.Time{"a": early}}, want: "b"},
		"the highest sum of levels":                    {selection: routing.MostQualified, candidates: []routing.Candidate{score("b", 9), score("c", 7), score("a", 2)}, want: "b"},
		"the highest sum of levels, ties by turn":      {selection: routing.MostQualified, candidates: []routing.Candidate{score("a", 9), score("c", 9), score("b", 2)}, state: routing.State{LastAssigned: "a"}, want: "c"},
		"most qualified without required skills: turn": {selection: routing.MostQualified, candidates: people("a", "b"), state: routing.State{LastAssigned: "a"}, want: "b"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := routing.Engine{}.Next(department(tc.selection, tc.candidates), tc.state, routing.Item{}, monday)
			if got := names(d.Offers); !cmp.Equal(got, []string{tc.want}) {
				t.Errorf("assigned %v, want %s", got, tc.want)
			}
		})
	}

	t.Run("each group has its own turn", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{in("a", "x", "y"), in("b", "x", "y")}, weighted("x", 50), weighted("y", 50))
		agents, pools := assignAll(t, routing.Engine{}, p, routing.State{}, 4)
		if !cmp.Equal(agents, []string{"a", "a", "b", "b"}) || !cmp.Equal(pools, []string{"x", "y", "x", "y"}) {
			t.Errorf("agents %v of pools %v", agents, pools)
		}
	})
	t.Run("groups without weights are one pool with duplicates once", func(t *testing.T) {
		p := department(routing.RoundRobin, []routing.Candidate{in("a", "x", "y"), in("b", "x"), in("c", "y")}, routing.Pool{Name: "x"}, routing.Pool{Name: "y"})
		agents, _ := assignAll(t, routing.Engine{}, p, routing.State{}, 4)
		if !cmp.Equal(agents, []string{"a", "b", "c", "a"}) {
			t.Errorf("agents %v, want a b c a", agents)
		}
	})
}

func TestConversationInTime(t *testing.T) {
	orders := routing.Destination{Type: "Queue", Name: "orders"}
	reassigning := func(candidates ...routing.Candidate) *routing.Plan {
		p := department(routing.RoundRobin, candidates)
		p.Timeouts.ReassignAfter = new(2 * time.Minute)
		return p
	}
	overflowing := func(p *routing.Plan, after time.Duration) *routing.Plan {
		p.Overflow = orders
		if after > 0 {
			p.Timeouts.OverflowAfter = new(after)
		}
		return p
	}
	pooled := func(p *routing.Plan) *routing.Plan {
		p.Mode = routing.Pooled
		return p
	}
	nobody := routing.State{Presence: map[string]routing.Presence{"x": routing.Ready}}
	cases := map[string]struct {
		plan   *routing.Plan
		state  routing.State
		script routing.Script
		want   []string
		run    routing.Run
	}{
		"nobody replies: each once, then unassigned": {
			plan:  reassigning(people("a", "b", "c")...),
			state: routing.State{LastAssigned: "a"},
			want:  []string{"b 0-120", "c 120-240", "a 240-360"},
			run:   routing.Run{Outcome: routing.Offered, Ends: 6 * time.Minute},
		},
		"and after the waiting time it overflows": {
			plan: overflowing(reassigning(people("a")...), 10*time.Minute),
			want: []string{"a 0-120"},
			run:  routing.Run{Outcome: routing.Offered, Ends: 12 * time.Minute, Then: orders},
		},
		"without reassignment it stays": {
			plan: overflowing(department(routing.RoundRobin, people("a", "b")), 10*time.Minute),
			want: []string{"a 0-0"},
			run:  routing.Run{Outcome: routing.Offered},
		},
		"an answer ends it": {
			plan:   reassigning(people("a", "b")...),
			script: reacts(map[string]routing.Reaction{"b": {Kind: routing.Answers, After: second}}),
			want:   []string{"a 0-120", "b 120-121"},
			run:    routing.Run{Outcome: routing.Offered, AnsweredBy: "b", Ends: 121 * second},
		},
		"a rejection hands on at once, also without reassignment": {
			plan:   department(routing.RoundRobin, people("a", "b")),
			script: reacts(map[string]routing.Reaction{"a": {Kind: routing.Rejects, After: 5 * second}}),
			want:   []string{"a 0-5", "b 5-5"},
			run:    routing.Run{Outcome: routing.Offered, Ends: 5 * second},
		},
		"nobody there: unassigned, later the overflow": {
			plan: overflowing(reassigning(people("a")...), 10*time.Minute), state: nobody,
			run: routing.Run{Outcome: routing.Unassigned, Ends: 10 * time.Minute, Then: orders},
		},
		"nobody there and no waiting time: the overflow": {
			plan: overflowing(reassigning(people("a")...), 0), state: nobody,
			run: routing.Run{Outcome: routing.Overflow, Then: orders},
		},
		"nobody there and no overflow: unassigned": {
			plan: reassigning(people("a")...), state: nobody,
			run: routing.Run{Outcome: routing.Unassigned},
		},
		"pooled waits for a claim": {
			plan: pooled(reassigning(people("a")...)),
			run:  routing.Run{Outcome: routing.OutcomePooled},
		},
		"pooled and never claimed overflows": {
			plan: overflowing(pooled(reassigning(people("a")...)), 10*time.Minute),
			run:  routing.Run{Outcome: routing.OutcomePooled, Ends: 10 * time.Minute, Then: orders},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			checkRun(t, routing.Engine{}.Run(tc.plan, tc.state, routing.Item{}, monday, tc.script), tc.want, tc.run)
		})
	}

	t.Run("a course that hands on leaves the caller's item alone", func(t *testing.T) {
		passed := append(make([]string, 0, 8), "a")
		routing.Engine{}.Run(reassigning(people("a", "b")...), routing.State{}, routing.Item{Passed: passed}, monday, routing.Script{})
		if got := passed[:2][1]; got != "" {
			t.Errorf("wrote %q behind the caller's list", got)
		}
	})
	t.Run("the counters after a course", func(t *testing.T) {
		got := routing.Engine{}.Run(reassigning(people("a", "b")...), routing.State{}, routing.Item{}, monday, routing.Script{})
		want := routing.State{Rotation: routing.Rotation{Last: map[string]string{"": "b"}}}
		if diff := cmp.Diff(want, got.State, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	})
}
