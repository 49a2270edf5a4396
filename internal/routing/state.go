package routing

import (
	"maps"
	"time"
)

// Presence is what a routing engine knows of somebody at this moment.
type Presence string

// Presences that R-15 tells apart. Any other word is a presence that departments accept and dialing does not.
const (
	Ready        Presence = "Ready"
	Online       Presence = "Online"
	Offline      Presence = "Offline"
	DoNotDisturb Presence = "DoNotDisturb"
	Banned       Presence = "Banned"
)

// State is what only the moment knows: the state file of `kubectl rollcall route` (CLI.md) and the counters of earlier
// decisions. All maps are by teammate name and may be nil.
type State struct {
	// Presence by name. Someone not listed is Ready when the map is empty, else Offline.
	Presence map[string]Presence `json:"presence,omitempty"`
	// ActiveChats counts all chats that a person has, AutoAssignedChats those of them assigned automatically.
	ActiveChats       map[string]int `json:"activeChats,omitempty"`
	AutoAssignedChats map[string]int `json:"autoAssignedChats,omitempty"`
	// CallsReceived counts the calls offered to a person inside the organization's leastCallsWindow.
	CallsReceived map[string]int `json:"callsReceived,omitempty"`
	// LastAssigned was the last one assigned, in every pool for which Rotation knows nobody.
	LastAssigned string `json:"lastAssigned,omitempty"`
	// IdleSince is when a person last became free. Somebody not listed counts as idle longer than everybody listed.
	IdleSince map[string]time.Time `json:"idleSince,omitempty"`
	// Seed decides the draws of strategy Random.
	Seed int64 `json:"seed,omitempty"`

	// Rotation are the counters of this target.
	Rotation Rotation `json:"-"`
	// Waiting counts the items that wait in the queue before this one.
	Waiting int `json:"-"`
	// RingingLegs counts the legs that other calls of the same group have ringing now (cap scope PerGroup).
	RingingLegs int `json:"-"`
}

// Rotation is what one department remembers from item to item.
type Rotation struct {
	// Items counts the items assigned in the present cycle of 100 weighted items.
	Items int
	// Served counts, by pool, how many of them the pool got.
	Served map[string]int
	// Last is who was assigned last, by pool; the pool of a department without weights is "".
	Last map[string]string
}

// After returns s with the counters and the seed that d left behind, ready for the next decision on the same target.
func (s State) After(d Decision) State {
	s.Rotation = d.Rotation
	s.Seed = d.Seed
	return s
}

// presenceOf applies the rule of CLI.md for people the state does not list.
func (s *State) presenceOf(name string) Presence {
	if len(s.Presence) == 0 {
		return Ready
	}
	if p, ok := s.Presence[name]; ok {
		return p
	}
	return Offline
}

// countedChats are the chats of a person that count against the limit.
func (s *State) countedChats(name string, counts ChatCounts) int {
	if counts == AllAssigned {
		return s.ActiveChats[name]
	}
	return s.AutoAssignedChats[name]
}

// lastOf is who was assigned last in a pool, or "" for nobody.
func (s *State) lastOf(pool string) string {
	if last, ok := s.Rotation.Last[pool]; ok {
		return last
	}
	return s.LastAssigned
}

// assign returns r after name of pool was assigned an item. Items and Served move with new items of weighted
// departments only, so that an item handed on to somebody else is counted once.
func (r Rotation) assign(pool, name string, counted bool) Rotation {
	out := Rotation{Items: r.Items, Served: r.Served, Last: maps.Clone(r.Last)}
	if out.Last == nil {
		out.Last = map[string]string{}
	}
	out.Last[pool] = name
	if counted {
		out.Items, out.Served = r.count(pool)
	}
	return out
}

// count returns the counters after one more item of pool; all return to zero after a full cycle.
func (r Rotation) count(pool string) (items int, served map[string]int) {
	if r.Items+1 >= cycle {
		return 0, nil
	}
	served = maps.Clone(r.Served)
	if served == nil {
		served = map[string]int{}
	}
	served[pool]++
	return r.Items + 1, served
}
