package routing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

// busyDay is a plan of 500 candidates with everything a check may look at, and a state that lists them all.
func busyDay(p *routing.Plan) (routing.Engine, *routing.Plan, routing.State) {
	state := routing.State{
		Presence: map[string]routing.Presence{}, ActiveChats: map[string]int{}, AutoAssignedChats: map[string]int{},
		CallsReceived: map[string]int{}, IdleSince: map[string]time.Time{},
	}
	for i := range 10 {
		pool := weighted(fmt.Sprintf("group-%d", i), 10)
		pool.Schedule = fmt.Sprintf("hours-%d", i%4)
		p.Pools = append(p.Pools, pool)
	}
	until := monday.Add(-time.Hour)
	for i := range 500 {
		name := fmt.Sprintf("teammate-%03d", i)
		p.Candidates = append(p.Candidates, routing.Candidate{
			Name:       name,
			Groups:     []string{fmt.Sprintf("group-%d", i%10), fmt.Sprintf("group-%d", (i+3)%10)},
			SkillScore: new(int32(i % 7)),
			MaxChats:   new(int32(5)),
			Schedule:   fmt.Sprintf("shift-%d", i%12),
			Absence:    &routing.Absence{Until: &until},
			Channels:   []string{"Chat", "Email"},
		})
		state.Presence[name] = routing.Ready
		state.ActiveChats[name], state.AutoAssignedChats[name] = i%6, i%6
		state.CallsReceived[name] = i % 9
		state.IdleSince[name] = monday.Add(-time.Duration(i) * time.Second)
	}
	engine := routing.Engine{
		Hours: func(string, time.Time) bool { return true },
		Views: func(string, string) bool { return true },
	}
	return engine, p, state
}

// BenchmarkNext is F12: one decision with 500 candidates, at most 100 µs.
func BenchmarkNext(b *testing.B) {
	noPools := func(p *routing.Plan) *routing.Plan { return p }
	one := func(p *routing.Plan) *routing.Plan {
		for i := range p.Pools {
			p.Pools[i].Weight = nil
		}
		return p
	}
	cases := map[string]struct {
		plan *routing.Plan
		edit func(*routing.Plan) *routing.Plan
		item routing.Item
	}{
		"weighted":         {plan: department(routing.RoundRobin, nil), edit: noPools, item: routing.Item{Profile: "p", Channel: "Chat"}},
		"one pool, skills": {plan: department(routing.MostQualified, nil), edit: one, item: routing.Item{Profile: "p", Channel: "Chat"}},
		"one pool, idle":   {plan: department(routing.LongestIdle, nil), edit: one, item: routing.Item{Profile: "p", Channel: "Chat"}},
		"simultaneous":     {plan: capped(dialing(routing.Simultaneous, time.Minute, nil), 10, routing.PerCall), edit: noPools},
		"random":           {plan: dialing(routing.Random, time.Minute, nil), edit: noPools},
		"sequential":       {plan: sequential(time.Minute, time.Hour, nil), edit: noPools},
	}
	for name, tc := range cases {
		b.Run(name, func(b *testing.B) {
			engine, p, state := busyDay(tc.plan)
			p = tc.edit(p)
			if d := engine.Next(p, state, tc.item, monday); d.Outcome != routing.Offered {
				b.Fatalf("outcome is %s, want Offered", d.Outcome)
			}
			b.ReportAllocs()
			for b.Loop() {
				engine.Next(p, state, tc.item, monday)
			}
		})
	}
}
