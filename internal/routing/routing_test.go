package routing_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/internal/routing"
)

// monday is a working day in January, 08:00 UTC.
var monday = time.Date(2027, 1, 11, 8, 0, 0, 0, time.UTC)

// people returns candidates of these names with nothing else set.
func people(names ...string) []routing.Candidate {
	out := make([]routing.Candidate, len(names))
	for i, name := range names {
		out[i] = routing.Candidate{Name: name}
	}
	return out
}

// numbered returns n candidates p00, p01, …
func numbered(n int) []routing.Candidate {
	out := make([]routing.Candidate, n)
	for i := range out {
		out[i] = routing.Candidate{Name: fmt.Sprintf("p%02d", i)}
	}
	return out
}

func dialing(strategy routing.Strategy, ring time.Duration, candidates []routing.Candidate) *routing.Plan {
	return &routing.Plan{
		Target:     routing.Target{Kind: routing.KindUserGroup, Name: "desk"},
		Strategy:   strategy,
		Candidates: candidates,
		Timeouts:   routing.Timeouts{MaxRingTime: new(ring)},
		Overflow:   routing.Destination{Type: routing.DestinationVoicemail},
		OutOfHours: routing.Destination{Type: routing.DestinationHangup},
	}
}

func sequential(ring, group time.Duration, candidates []routing.Candidate) *routing.Plan {
	p := dialing(routing.Sequential, ring, candidates)
	p.Timeouts.MaxGroupDialingTime = new(group)
	return p
}

func department(selection routing.Strategy, candidates []routing.Candidate, pools ...routing.Pool) *routing.Plan {
	return &routing.Plan{
		Target:     routing.Target{Kind: routing.KindDepartment, Name: "care"},
		Mode:       routing.Assigned,
		Strategy:   selection,
		Candidates: candidates,
		Pools:      pools,
		Overflow:   routing.Destination{Type: routing.DestinationUnassigned},
		OutOfHours: routing.Destination{Type: routing.DestinationUnassigned},
		ChatCounts: routing.AutoAssignedOnly,
	}
}

// in puts a candidate into pools.
func in(name string, groups ...string) routing.Candidate {
	return routing.Candidate{Name: name, Groups: groups}
}

func weighted(name string, weight int32) routing.Pool {
	return routing.Pool{Name: name, Weight: new(weight)}
}

// closed is an engine for which exactly these schedules are closed.
func closed(names ...string) routing.Engine {
	return routing.Engine{Hours: func(schedule string, _ time.Time) bool {
		return !slices.Contains(names, schedule)
	}}
}

// office is an engine whose schedules are open from 09:00 until 17:00 in the zone of that name.
func office(zones map[string]string) routing.Engine {
	return routing.Engine{Hours: func(schedule string, now time.Time) bool {
		zone, err := time.LoadLocation(zones[schedule])
		if err != nil {
			panic(err)
		}
		hour := now.In(zone).Hour()
		return hour >= 9 && hour < 17
	}}
}

// offers writes offers as "a 0-10", in seconds, for tables.
func offers(list []routing.Offer) []string {
	var out []string
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s %v-%v", o.Name, o.At.Seconds(), (o.At+o.For).Seconds()))
	}
	return out
}

// names are who is offered, in order.
func names(list []routing.Offer) []string {
	var out []string
	for _, o := range list {
		out = append(out, o.Name)
	}
	return out
}

// reasons maps the excluded people to their reasons.
func reasons(list []routing.Exclusion) map[string]routing.Reason {
	out := map[string]routing.Reason{}
	for _, x := range list {
		out[x.Name] = x.Reason
	}
	return out
}
