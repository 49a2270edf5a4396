package downstream

import (
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// unreachableLimit is how long the end of a Downstream waits for a system that does not answer.
const unreachableLimit = 15 * time.Minute

// end is what the finalizer of a deleted Downstream is decided by.
type end struct {
	onDelete rollcallv1.OnDelete
	mode     rollcallv1.DownstreamMode
	// forced: force-finalize is set. terminating: so is the namespace.
	forced, terminating bool
	deleted             time.Time
	// left: nothing is owned any more.
	left bool
	// unreachable is since when the system cannot be asked; zero while it can.
	unreachable time.Time
	// approved is when the removals were approved; zero: not.
	approved time.Time
}

// fate is what becomes of the finalizer: it goes unless wait is set, which says when to decide again at the latest.
type fate struct {
	wait   time.Duration
	reason string // of the event; empty: none
	note   string
}

// decide follows R-19: records are let go unless onDelete is Remove in mode Full, and then as soon as nobody approves their
// removal within 1 h, or the system cannot be asked for 15 minutes.
func decide(e end, now time.Time) fate {
	lapses := e.deleted.Add(plan.ApprovalLength)
	if approved := e.approved.Add(plan.ApprovalLength); !e.approved.IsZero() && approved.After(lapses) {
		lapses = approved
	}
	gives := lapses
	if !e.unreachable.IsZero() {
		gives = latest(e.unreachable, e.deleted).Add(unreachableLimit)
	}
	switch {
	case e.forced:
		return fate{reason: "CleanupForced", note: "force-finalize is set: what is owned in the system stays there and is nobody's"}
	case e.terminating, e.onDelete != rollcallv1.OnDeleteRemove, e.mode != rollcallv1.DownstreamModeFull:
		return fate{}
	case e.left:
		return fate{}
	case !now.Before(lapses):
		return fate{reason: "RemovalsNotApproved", note: "the removals were not approved within 1 h: what is owned in the system stays there and is nobody's"}
	case !now.Before(gives):
		return fate{reason: "CleanupGivenUp", note: "the system was not reachable for 15 minutes: what is owned there stays and is nobody's"}
	}
	return fate{wait: min(lapses.Sub(now), gives.Sub(now))}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
