package mention

import (
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// advance moves an accepted mention on by one computation: expiry first, then the resolutions of people whose alert was
// Pending before it, then who is still reached. A final mention stays as it is.
func (m *Mentions) advance(t *incr.Task, o *rollcallv1.Mention, before *State) *State {
	if before.Final() {
		return before
	}
	s := before.moved()
	s.ExpiresAt = m.expiry(t, o, before.AcceptedAt)
	if s.ExpiresAt != nil && t.Reached(*s.ExpiresAt) {
		s.Phase = rollcallv1.MentionPhaseExpired
		s.close()
		return s
	}
	resolvers := m.resolve(t, o, before, s)
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.open() {
			m.follow(t, a)
		}
	}
	if !slices.ContainsFunc(s.Alerts, func(a Alert) bool { return a.open() }) {
		s.Phase, s.ResolvedAt = rollcallv1.MentionPhaseResolved, new(t.Now())
		if len(resolvers) > 0 {
			s.ResolvedBy = slices.Min(resolvers)
		}
	}
	return s
}

// close ends what is open of a mention that is over: an alert that stayed Pending would look like access.
func (s *State) close() {
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.open() {
			a.State = rollcallv1.AlertStateClosed
		}
	}
}

// expiry is when access ends: after the shorter of the mention's own time and the longest that policies allow.
func (m *Mentions) expiry(t *incr.Task, o *rollcallv1.Mention, acceptedAt time.Time) *time.Time {
	var lasts time.Duration
	if ttl := o.Spec.TTL; ttl != nil {
		lasts = ttl.Duration
	}
	if longest := m.roster.Policies(t).Mentions.MaxAccessDuration.Duration; longest > 0 && (lasts == 0 || longest < lasts) {
		lasts = longest
	}
	if lasts <= 0 {
		return nil
	}
	return new(acceptedAt.Add(lasts).Truncate(time.Second))
}

// resolve applies the resolutions that count to s, together, and returns whose they are. Which count, before decides.
func (m *Mentions) resolve(t *incr.Task, o *rollcallv1.Mention, before, s *State) []string {
	var resolvers []string
	for _, r := range o.Spec.Resolutions {
		own := before.alert(r.Name)
		if own == nil || own.State != rollcallv1.AlertStatePending || !m.speaksFor(t, r) {
			continue
		}
		resolvers = append(resolvers, r.Name)
		s.Closed = s.Closed || r.Action == rollcallv1.ResolutionActionCloseAndResolve
		s.alert(r.Name).State = rollcallv1.AlertStateResolved
		if *m.roster.Policies(t).Mentions.Resolution != rollcallv1.MentionResolutionGroup {
			continue
		}
		for i := range s.Alerts {
			if a := &s.Alerts[i]; a.open() && !a.Direct && share(a.Via, own.Via) {
				a.State = rollcallv1.AlertStateResolved
			}
		}
	}
	return resolvers
}

// speaksFor reports whether the user who wrote a resolution is the person whom it names, or needed not say.
func (m *Mentions) speaksFor(t *incr.Task, r rollcallv1.Resolution) bool {
	if r.Username == nil {
		return true
	}
	tm := m.roster.Teammate(t, r.Name)
	return tm != nil && tm.Spec.Identity.Username != nil && *tm.Spec.Identity.Username == *r.Username
}

// share reports whether two sorted lists have a name in common.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool {
		_, found := slices.BinarySearch(b, name)
		return found
	})
}

// follow says whether an open alert still reaches its person: groups that are gone leave it, and it rests while the gate is
// closed or the person is in none of the groups any more.
func (m *Mentions) follow(t *incr.Task, a *Alert) {
	gone := func(g string) bool { return !m.roster.Exists(t, roster.KindUserGroup, g) }
	if slices.ContainsFunc(a.Via, gone) {
		a.Via = slices.DeleteFunc(slices.Clone(a.Via), gone)
	}
	switch {
	case len(a.Via) == 0 && !a.Direct:
		a.State = rollcallv1.AlertStateClosed
	case m.people.GateOpen(t, a.Name) && (a.Direct || m.memberOfAny(t, a.Name, a.Via)):
		a.State = rollcallv1.AlertStatePending
	default:
		a.State = rollcallv1.AlertStateSuspended
	}
}

func (m *Mentions) memberOfAny(t *incr.Task, teammate string, groups []string) bool {
	memberships := m.roster.Memberships(t, teammate)
	return slices.ContainsFunc(groups, func(g string) bool { return memberships.Of(g) != nil })
}
