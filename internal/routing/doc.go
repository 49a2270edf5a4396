// Package routing decides who is offered a conversation, in which order and for how long. It has two halves that never
// mix. A Plan is what the organization alone determines (R-15 static reasons, R-16 to R-18): it changes when people,
// groups or settings change, never because hours open or somebody logs in. The Engine makes single decisions from a Plan
// and what only the moment knows: opening hours, presence, load, and the counters of earlier decisions. Everything is a
// pure function: time, state and seed are arguments, counters are handed back to the caller, and the same input gives the
// same decision.
package routing
