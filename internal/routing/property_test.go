package routing_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

// weightsOf100 draws weights, some of them 0, that sum to 100.
func weightsOf100(t *rapid.T) []int32 {
	n := rapid.IntRange(1, 8).Draw(t, "groups")
	out := make([]int32, n)
	left := int32(100)
	for i := range n - 1 {
		out[i] = rapid.Int32Range(0, left).Draw(t, "weight")
		left -= out[i]
	}
	out[n-1] = left
	return out
}

// groupPlan is a department with one agent for each group, in an order that must not matter.
func groupPlan(weights []int32) *routing.Plan {
	p := department(routing.RoundRobin, nil)
	for i, w := range weights {
		name := fmt.Sprintf("g%d", i)
		p.Pools = append(p.Pools, weighted(name, w))
		p.Candidates = append(p.Candidates, in("agent-"+name, name))
	}
	return p
}

// absentGroups makes the agents of some groups Offline.
func absentGroups(p *routing.Plan, s routing.State, absent map[string]bool) routing.State {
	s.Presence = map[string]routing.Presence{}
	for _, g := range p.Pools {
		s.Presence["agent-"+g.Name] = routing.Ready
		if absent[g.Name] {
			s.Presence["agent-"+g.Name] = routing.Offline
		}
	}
	return s
}

func TestPropertyWeights(t *testing.T) {
	t.Run("P-10 every prefix within one item of the share, exact at 100", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			weights := weightsOf100(t)
			p := groupPlan(weights)
			var s routing.State
			for range 2 {
				served := map[string]int{}
				for k := 1; k <= 100; k++ {
					d := routing.Engine{}.Next(p, s, routing.Item{}, monday)
					served[d.Pool]++
					s = s.After(d)
					for i, w := range weights {
						n := served[fmt.Sprintf("g%d", i)]
						if off := 100*n - k*int(w); off <= -100 || off >= 100 || k == 100 && off != 0 {
							t.Fatalf("weights %v: after %d items group %d has %d", weights, k, i, n)
						}
					}
				}
			}
		})
	})
	t.Run("P-10 fallback never starves a group longer than a cycle", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			weights := weightsOf100(t)
			p := groupPlan(weights)
			var s routing.State
			absent := map[string]bool{}
			for _, g := range p.Pools {
				absent[g.Name] = rapid.Bool().Draw(t, "absent")
			}
			for range rapid.IntRange(0, 300).Draw(t, "items while some are absent") {
				d := routing.Engine{}.Next(p, absentGroups(p, s, absent), routing.Item{}, monday)
				s = s.After(d)
			}
			// Everybody is back: what fallback gave to the others is forgotten with the cycle.
			for s.Rotation.Items != 0 {
				s = s.After(routing.Engine{}.Next(p, absentGroups(p, s, nil), routing.Item{}, monday))
			}
			served := map[string]int{}
			for range 100 {
				d := routing.Engine{}.Next(p, absentGroups(p, s, nil), routing.Item{}, monday)
				served[d.Pool]++
				s = s.After(d)
			}
			for i, w := range weights {
				if n := served[fmt.Sprintf("g%d", i)]; n != int(w) {
					t.Fatalf("weights %v: group %d has %d of the next cycle", weights, i, n)
				}
			}
		})
	})
	t.Run("an item is assigned whenever anybody is eligible, whatever weights are left", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 6).Draw(t, "groups")
			weights := make([]int32, n)
			for i := range weights {
				weights[i] = rapid.Int32Range(0, 100).Draw(t, "weight")
			}
			p := groupPlan(weights)
			var s routing.State
			for range 150 {
				absent := map[string]bool{}
				for _, g := range p.Pools {
					absent[g.Name] = rapid.Bool().Draw(t, "absent")
				}
				d := routing.Engine{}.Next(p, absentGroups(p, s, absent), routing.Item{}, monday)
				anybody := slices.ContainsFunc(p.Pools, func(g routing.Pool) bool { return !absent[g.Name] })
				if (d.Outcome == routing.Offered) != anybody || anybody && absent[d.Pool] {
					t.Fatalf("absent %v: %s to %q", absent, d.Outcome, d.Pool)
				}
				s = s.After(d)
			}
		})
	})
}

// scripted draws how a handful of people behave, by name and number of the offer.
func scripted(t *rapid.T, candidates []routing.Candidate, longest time.Duration) routing.Script {
	seed := rapid.Uint64().Draw(t, "behaviour")
	answers := rapid.IntRange(0, 3).Draw(t, "answers in ten")
	rejects := rapid.IntRange(0, 6).Draw(t, "rejections in ten")
	script := routing.Script{React: func(name string, nth int) routing.Reaction {
		r := rand.New(rand.NewPCG(seed, uint64(nth)<<32|uint64(name[0])<<8|uint64(name[len(name)-1])))
		after := time.Duration(r.Int64N(int64(longest/(100*time.Millisecond))+1)) * 100 * time.Millisecond
		switch what := r.IntN(10); {
		case what < answers:
			return routing.Reaction{Kind: routing.Answers, After: after}
		case what < answers+rejects:
			return routing.Reaction{Kind: routing.Rejects, After: after}
		default:
			return routing.Reaction{}
		}
	}}
	for range rapid.IntRange(0, 6).Draw(t, "changes of presence") {
		script.Presence = append(script.Presence, routing.PresenceChange{
			After:    time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second,
			Name:     candidates[rapid.IntRange(0, len(candidates)-1).Draw(t, "who")].Name,
			Presence: rapid.SampledFrom([]routing.Presence{routing.Ready, routing.Online, routing.Offline}).Draw(t, "presence"),
		})
	}
	return script
}

// callState draws presence and calls received.
func callState(t *rapid.T, candidates []routing.Candidate) routing.State {
	s := routing.State{
		Presence:      map[string]routing.Presence{},
		CallsReceived: map[string]int{},
		Seed:          rapid.Int64().Draw(t, "seed"),
		RingingLegs:   rapid.IntRange(0, 4).Draw(t, "legs of other calls"),
	}
	for _, c := range candidates {
		s.Presence[c.Name] = rapid.SampledFrom([]routing.Presence{routing.Online, routing.Ready, routing.Offline}).Draw(t, "presence")
		s.CallsReceived[c.Name] = rapid.IntRange(0, 3).Draw(t, "received")
	}
	return s
}

// mostAtOnce is the greatest number of offers that stand at the same time.
func mostAtOnce(list []routing.Offer) int {
	type edge struct {
		at    time.Duration
		delta int
	}
	var edges []edge
	for _, o := range list {
		if o.For > 0 {
			edges = append(edges, edge{o.At, 1}, edge{o.At + o.For, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
	now, most := 0, 0
	for _, e := range edges {
		now += e.delta
		most = max(most, now)
	}
	return most
}

func TestPropertyDialing(t *testing.T) {
	seconds := func(t *rapid.T, label string, from, to int) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, label)) * time.Second
	}
	t.Run("P-11 Sequential never exceeds the group time and rings one at a time", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			candidates := numbered(rapid.IntRange(1, 6).Draw(t, "people"))
			ring := seconds(t, "ring", 1, 20)
			group := ring + seconds(t, "more", 0, 60)
			got := routing.Engine{}.Run(sequential(ring, group, candidates), callState(t, candidates), routing.Item{}, monday, scripted(t, candidates, ring))
			if got.Ends > group {
				t.Errorf("ends at %v, group time %v", got.Ends, group)
			}
			free := time.Duration(0)
			for _, o := range got.Offers {
				if o.At < free || o.For > ring || o.At+o.For > group {
					t.Errorf("offer %v of ring time %v, group time %v, the one before ended at %v", o, ring, group, free)
				}
				free = o.At + o.For
			}
			if got.AnsweredBy == "" && got.Ends != group {
				t.Errorf("unanswered, but ends at %v of %v", got.Ends, group)
			}
		})
	})
	t.Run("P-11 Random rings at most one leg", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			candidates := numbered(rapid.IntRange(1, 12).Draw(t, "people"))
			ring := seconds(t, "ring", 1, 60)
			state := callState(t, candidates)
			got := routing.Engine{}.Run(dialing(routing.Random, ring, candidates), state, routing.Item{}, monday, scripted(t, candidates, ring))
			if len(got.Offers) > 1 || got.Ends > ring {
				t.Fatalf("offers %v, ends at %v of %v", got.Offers, got.Ends, ring)
			}
		})
	})
	t.Run("P-11 Simultaneous never exceeds the cap", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			candidates := numbered(rapid.IntRange(1, 20).Draw(t, "people"))
			ring := seconds(t, "ring", 1, 60)
			legs := rapid.IntRange(1, 10).Draw(t, "cap")
			scope := rapid.SampledFrom([]routing.CapScope{routing.PerCall, routing.PerGroup}).Draw(t, "scope")
			p := capped(dialing(routing.Simultaneous, ring, candidates), int32(legs), scope)
			state := callState(t, candidates)
			got := routing.Engine{}.Run(p, state, routing.Item{}, monday, scripted(t, candidates, ring))
			limit := legs
			if scope == routing.PerGroup {
				limit = max(0, legs-state.RingingLegs)
			}
			if n := mostAtOnce(got.Offers); n > limit {
				t.Errorf("%d legs at once, cap %d", n, limit)
			}
			if got.Ends > ring || got.AnsweredBy == "" && got.Ends != ring {
				t.Errorf("ends at %v of %v, answered by %q", got.Ends, ring, got.AnsweredBy)
			}
			rung := map[string]bool{}
			for _, o := range got.Offers {
				if rung[o.Name] || o.At+o.For > got.Ends {
					t.Errorf("offer %v; rung before: %v, ends %v", o, rung[o.Name], got.Ends)
				}
				rung[o.Name] = true
			}
		})
	})
	t.Run("the same input gives the same run", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			candidates := numbered(rapid.IntRange(1, 9).Draw(t, "people"))
			p := dialing(rapid.SampledFrom([]routing.Strategy{routing.Simultaneous, routing.Random, routing.Sequential}).Draw(t, "strategy"), 20*second, candidates)
			p.Timeouts.MaxGroupDialingTime = new(50 * second)
			state, script := callState(t, candidates), scripted(t, candidates, 20*second)
			first := routing.Engine{}.Run(p, state, routing.Item{}, monday, script)
			if diff := gocmp.Diff(first, routing.Engine{}.Run(p, state, routing.Item{}, monday, script)); diff != "" {
				t.Errorf("second run differs:\n%s", diff)
			}
		})
	})
}

// TestPropertyReassignment: nobody gets an item twice, and nobody is left out who could take it.
func TestPropertyReassignment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := []string{"a", "b", "c"}
		selection := rapid.SampledFrom([]routing.Strategy{routing.RoundRobin, routing.LeastActive, routing.LongestIdle, routing.MostQualified}).Draw(t, "selection")
		p := department(selection, nil)
		useWeights := rapid.Bool().Draw(t, "weights")
		for _, g := range groups {
			pool := routing.Pool{Name: g}
			if useWeights {
				pool.Weight = new(rapid.Int32Range(0, 100).Draw(t, "weight"))
			}
			p.Pools = append(p.Pools, pool)
		}
		state := routing.State{Presence: map[string]routing.Presence{}, ActiveChats: map[string]int{}, Rotation: routing.Rotation{Items: rapid.IntRange(0, 99).Draw(t, "items")}}
		present := 0
		for i := range rapid.IntRange(1, 12).Draw(t, "people") {
			c := routing.Candidate{Name: fmt.Sprintf("p%02d", i), SkillScore: new(rapid.Int32Range(0, 3).Draw(t, "score"))}
			c.Groups = groups[:rapid.IntRange(1, 3).Draw(t, "groups")]
			p.Candidates = append(p.Candidates, c)
			state.ActiveChats[c.Name] = rapid.IntRange(0, 3).Draw(t, "chats")
			state.Presence[c.Name] = routing.Offline
			if rapid.Bool().Draw(t, "present") {
				state.Presence[c.Name] = routing.Ready
				present++
			}
		}
		p.Timeouts.ReassignAfter = new(time.Minute)
		got := routing.Engine{}.Run(p, state, routing.Item{}, monday, routing.Script{})
		seen := map[string]bool{}
		for _, o := range got.Offers {
			if seen[o.Name] {
				t.Errorf("%s got the item twice", o.Name)
			}
			seen[o.Name] = true
		}
		if len(seen) != present {
			t.Errorf("%d people got the item, %d could", len(seen), present)
		}
	})
}
