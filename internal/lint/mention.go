package lint

import (
	"fmt"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/mention"
)

func (l *Lint) mention(t *incr.Task, name string) rollcallv1.MentionStatus {
	if l.roster.Mention(t, name) == nil {
		return rollcallv1.MentionStatus{}
	}
	state := l.mentions.State(t, name)
	status := state.Status()
	var c conditions
	c.judge(rollcallv1.ConditionDelivered, delivered(state))
	status.Conditions = c.all()
	return status
}

// delivered is the problem of Delivered: why a mention reached nobody, or that nobody can act on it at present. One that
// was resolved or expired had been delivered.
func delivered(s *mention.State) problem {
	switch {
	case s.Phase == rollcallv1.MentionPhaseRejected:
		return problem{s.Reason, rejection(s)}
	case s.Phase == rollcallv1.MentionPhasePending && s.Active() == 0:
		return problem{rollcallv1.ReasonNoActiveRecipients,
			"everybody alerted has a closed gate or left the groups; access comes back when they do, and others may be mentioned anew"}
	}
	return problem{}
}

func rejection(s *mention.State) string {
	switch s.Reason {
	case rollcallv1.ReasonAuthorNotAllowed:
		return "spec.source names no author who may: an active teammate with mentions.create and, for a profile, a view on it; make another mention"
	case rollcallv1.ReasonAllTargetsRejected:
		var refused []string
		for _, r := range s.Rejected {
			refused = append(refused, fmt.Sprintf("%s (%s)", r.Name, r.Reason))
		}
		return "no target can be mentioned: " + listed(refused) + "; make another mention"
	case rollcallv1.ReasonTooManyRecipients:
		return "more than 1,000 people would be alerted; mention smaller groups"
	}
	return "the targets have nobody with an open gate; make another mention"
}
