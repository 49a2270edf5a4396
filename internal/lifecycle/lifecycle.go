// Package lifecycle decides in which phase a teammate is and whether their gate is open (RULES R-4): whether they may do
// anything at all. It reads the roster and is recomputed with it.
package lifecycle

import (
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// ReasonDeleting closes the gate of a teammate who is being deleted.
const ReasonDeleting = "Deleting"

// ReasonDuplicateIdentity makes a teammate Invalid who lost an identity key.
const ReasonDuplicateIdentity = "DuplicateIdentity"

// State is the phase of one teammate.
type State struct {
	Phase rollcallv1.Phase
	// Reason says why an Invalid teammate is: a reason of RoleAllowed, UnresolvedReference or DuplicateIdentity.
	Reason string
	// Open is the gate; GateReason is set while it is closed: the phase, or Deleting.
	Open       bool
	GateReason string
}

// Listing is the list under which people look for a teammate (V-03, V-35).
type Listing string

// Listings of R-4.
const (
	ListedInvalid  Listing = "Invalid"
	ListedInvited  Listing = "Invited"
	ListedActive   Listing = "Active"
	ListedArchived Listing = "Archived"
)

// Listing returns the list of the state's phase.
func (s State) Listing() Listing {
	switch s.Phase {
	case rollcallv1.PhaseInvalid:
		return ListedInvalid
	case rollcallv1.PhaseScheduled, rollcallv1.PhaseInvited, rollcallv1.PhaseAwaitingConfirmation:
		return ListedInvited
	case rollcallv1.PhaseBlocked, rollcallv1.PhaseEnded, rollcallv1.PhaseArchived:
		return ListedArchived
	}
	return ListedActive
}

// Lifecycle answers for the teammates of one roster.
type Lifecycle struct {
	roster *roster.Roster
	states *incr.Query[string, State]
	gates  *incr.Query[string, bool]
}

// New returns the lifecycle of a roster.
func New(r *roster.Roster) *Lifecycle {
	l := &Lifecycle{roster: r}
	same := func(a, b State) bool { return a == b }
	l.states = incr.NewQuery(r.Graph, "lifecycle", same, l.state)
	l.gates = incr.NewQuery(r.Graph, "gate", func(a, b bool) bool { return a == b }, func(t *incr.Task, name string) bool {
		return l.states.Get(t, name).Open
	})
	return l
}

// State returns the phase and gate of a teammate; the zero State for one who does not exist.
func (l *Lifecycle) State(t *incr.Task, teammate string) State { return l.states.Get(t, teammate) }

// Open reports whether the gate of a teammate is open; false for one who does not exist.
func (l *Lifecycle) Open(t *incr.Task, teammate string) bool { return l.gates.Get(t, teammate) }

// OnChange calls f after the state of a teammate changed; the zero State stands for nobody.
func (l *Lifecycle) OnChange(f func(teammate string, before, after State)) { l.states.OnChange(f) }

// rule is one line of the phase table: the first that applies decides.
type rule struct {
	phase   rollcallv1.Phase
	applies func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string)
}

var phaseRules = []rule{
	{rollcallv1.PhaseInvalid, (*Lifecycle).invalid},
	{rollcallv1.PhaseArchived, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		return l.roster.Archived(t, tm.Name), ""
	}},
	{rollcallv1.PhaseEnded, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		return l.roster.Ended(t, tm.Name), ""
	}},
	{rollcallv1.PhaseScheduled, func(_ *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		return tm.Spec.From != nil && !t.Reached(tm.Spec.From.Time), ""
	}},
	{rollcallv1.PhaseBlocked, (*Lifecycle).blocked},
	{rollcallv1.PhaseInvited, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		m := tm.Spec.Onboarding.Method
		return (m == rollcallv1.OnboardingMethodInvite || m == rollcallv1.OnboardingMethodImport) && l.unconfirmed(t, tm), ""
	}},
	{rollcallv1.PhaseAwaitingConfirmation, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		m := tm.Spec.Onboarding.Method
		return (m == rollcallv1.OnboardingMethodCreate || m == "") && l.unconfirmed(t, tm), ""
	}},
	{rollcallv1.PhaseCardIncomplete, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		return len(l.MissingFields(t, tm.Name, l.roster.Policies(t).CardRequirements.Create)) > 0 || l.LeaderMissing(t, tm.Name), ""
	}},
	{rollcallv1.PhasePendingReview, func(l *Lifecycle, t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
		return *l.roster.Policies(t).CardApproval == rollcallv1.CardApprovalPolicyRequired && !roster.CardApproved(tm), ""
	}},
}

func (l *Lifecycle) state(t *incr.Task, name string) State {
	tm := l.roster.Teammate(t, name)
	if tm == nil {
		return State{}
	}
	s := State{Phase: rollcallv1.PhaseActive}
	for _, rule := range phaseRules {
		if applies, reason := rule.applies(l, t, tm); applies {
			s.Phase, s.Reason = rule.phase, reason
			break
		}
	}
	switch {
	case tm.DeletionTimestamp != nil:
		s.GateReason = ReasonDeleting
	case s.Listing() == ListedActive:
		s.Open = true
	default:
		s.GateReason = string(s.Phase)
	}
	return s
}

func (l *Lifecycle) invalid(t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
	if h := l.roster.Holding(t, tm.Name); h.Role == nil {
		return true, string(h.Reason)
	}
	me := roster.Claimant{Kind: roster.KindTeammate, Name: tm.Name}
	for _, key := range roster.IdentityKeys(tm) {
		if !l.roster.Holds(t, key, me) {
			return true, ReasonDuplicateIdentity
		}
	}
	return false, ""
}

// BlockWindow returns the window of a block as it is in effect: cut to the longest that policies allow (V-34).
func (l *Lifecycle) BlockWindow(t *incr.Task, tm *rollcallv1.Teammate) (w rollcallv1.Window, ok bool) {
	b := tm.Spec.Lifecycle
	if b.State != rollcallv1.LifecycleStateBlocked || b.BlockedFrom == nil || b.BlockedUntil == nil {
		return rollcallv1.Window{}, false
	}
	w = rollcallv1.Window{From: b.BlockedFrom, Until: b.BlockedUntil}
	if longest := l.roster.Policies(t).Block.MaxDuration.Duration; longest > 0 {
		if end := b.BlockedFrom.Add(longest); end.Before(b.BlockedUntil.Time) {
			w.Until = new(*b.BlockedUntil)
			w.Until.Time = end
		}
	}
	return w, true
}

func (l *Lifecycle) blocked(t *incr.Task, tm *rollcallv1.Teammate) (bool, string) {
	w, ok := l.BlockWindow(t, tm)
	return ok && roster.In(t, w), ""
}

func (l *Lifecycle) unconfirmed(t *incr.Task, tm *rollcallv1.Teammate) bool {
	return *l.roster.Policies(t).Onboarding.Confirmation == rollcallv1.ConfirmationRequired && l.ConfirmedAt(t, tm.Name) == nil
}

// ConfirmedAt returns when the account was confirmed, nil if it was not (M-28).
func (l *Lifecycle) ConfirmedAt(t *incr.Task, teammate string) *time.Time {
	return l.roster.Confirmed(t, teammate)
}

// LeaderMissing reports whether the teammate must name a team leader and does not (M-20). Owners, administrators and the
// one root of the hierarchy need none.
func (l *Lifecycle) LeaderMissing(t *incr.Task, teammate string) bool {
	if *l.roster.Policies(t).TeamLeader != rollcallv1.TeamLeaderPolicyRequired {
		return false
	}
	tm := l.roster.Teammate(t, teammate)
	if tm == nil || tm.Spec.TeamLeaderRef != nil {
		return false
	}
	switch l.roster.Holding(t, teammate).BaseType() {
	case rollcallv1.BaseTypeOwner, rollcallv1.BaseTypeAdministrator:
		return false
	}
	return l.roster.RootLeader(t) != teammate
}

// MissingFields returns those of the required card fields that a teammate lacks, in the order required (M-07, M-30).
func (l *Lifecycle) MissingFields(t *incr.Task, teammate string, required []rollcallv1.CardField) []rollcallv1.CardField {
	tm := l.roster.Teammate(t, teammate)
	if tm == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(required), func(f rollcallv1.CardField) bool { return hasField(tm, f) })
}

func hasField(tm *rollcallv1.Teammate, f rollcallv1.CardField) bool {
	s := &tm.Spec
	card, employment := s.Card, s.Employment
	if card == nil {
		card = &rollcallv1.Card{}
	}
	if employment == nil {
		employment = &rollcallv1.Employment{}
	}
	switch f {
	case rollcallv1.CardFieldFirstName:
		return s.FirstName != nil
	case rollcallv1.CardFieldLastName:
		return s.LastName != nil
	case rollcallv1.CardFieldImage:
		return card.Image != nil
	case rollcallv1.CardFieldBio:
		return card.Bio != nil
	case rollcallv1.CardFieldHomeTown:
		return card.HomeTown != nil
	case rollcallv1.CardFieldStateOrCountry:
		return card.StateOrCountry != nil
	case rollcallv1.CardFieldCanManageTeams:
		return s.CanManageTeams != nil
	case rollcallv1.CardFieldChannels:
		return len(s.Channels) > 0
	case rollcallv1.CardFieldEmail:
		return s.Identity.Email != nil
	case rollcallv1.CardFieldEmployeeID:
		return s.Identity.EmployeeID != nil
	case rollcallv1.CardFieldStartDate:
		return employment.StartDate != nil
	case rollcallv1.CardFieldEmploymentStatus:
		return employment.Status != nil
	}
	return false
}

// SurveyEligible reports whether feedback surveys may go out for the teammate (M-36): the gate is open, the card was
// approved where that is required, and the card used has a first name and an image.
func (l *Lifecycle) SurveyEligible(t *incr.Task, teammate string) bool {
	tm := l.roster.Teammate(t, teammate)
	s := l.State(t, teammate)
	if tm == nil || !s.Open {
		return false
	}
	approved := l.roster.ApprovedCard(t, teammate)
	if *l.roster.Policies(t).CardApproval == rollcallv1.CardApprovalPolicyNotRequired {
		if s.Phase != rollcallv1.PhaseActive && approved == nil {
			return false
		}
	} else if approved == nil {
		return false
	}
	card := approved
	if card == nil {
		card = roster.CardOf(tm)
	}
	return card.FirstName != "" && card.Image != nil
}
