package mention

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Limits of R-11 and of the status.
const (
	maxRecipients = 1000
	maxVia        = 5
	maxRejected   = 50
	// maxAlerts is how many bytes alerts may take, so that the Mention stays below 256 KiB.
	maxAlerts = 160 * 1024
)

// accept decides whom a mention reaches (R-11, Author and Acceptance). It is called once for each mention: what changes
// afterwards moves the alerts only.
func (m *Mentions) accept(t *incr.Task, o *rollcallv1.Mention) *State {
	s := &State{Phase: rollcallv1.MentionPhaseRejected, AcceptedAt: t.Now()}
	if !m.authorAllowed(t, o) {
		s.Reason = rollcallv1.ReasonAuthorNotAllowed
		return s
	}
	var accepted int
	s.Alerts, s.Rejected, accepted = m.recipients(t, o)
	if len(s.Rejected) > maxRejected {
		s.Rejected = s.Rejected[:maxRejected:maxRejected]
	}
	switch {
	case accepted == 0:
		s.Reason = rollcallv1.ReasonAllTargetsRejected
	case len(s.Alerts) == 0:
		s.Reason = rollcallv1.ReasonNoRecipients
	case len(s.Alerts) > maxRecipients:
		s.Reason, s.Alerts = rollcallv1.ReasonTooManyRecipients, nil
	case o.Spec.Conversation == nil:
		s.Phase = rollcallv1.MentionPhaseNotified
		s.close() // they inform: there is nothing to act on
	default:
		s.Phase = rollcallv1.MentionPhasePending
	}
	return s
}

// authorAllowed checks who made a Manual mention; other types have no author.
func (m *Mentions) authorAllowed(t *incr.Task, o *rollcallv1.Mention) bool {
	source := o.Spec.Source
	if source == nil {
		source = &rollcallv1.MentionSource{}
	}
	if source.Type == rollcallv1.MentionSourceTypeAutomation || source.Type == rollcallv1.MentionSourceTypeFlow {
		return true
	}
	author := ""
	switch {
	case source.TeammateRef != nil:
		author = source.TeammateRef.Name
	case source.Username != nil:
		author = m.roster.TeammateOfUsername(t, *source.Username)
	}
	if author == "" || !m.people.GateOpen(t, author) || !m.people.MayMention(t, author) {
		return false
	}
	if c := o.Spec.Conversation; c != nil && c.ProfileRef != nil { // of unusable profiles ViewsAny knows nothing
		return m.roster.Usable(t, c.ProfileRef.Name) && m.people.ViewsAny(t, author, []string{c.ProfileRef.Name})
	}
	return true
}

// recipients are the alerts of everybody with an open gate among the accepted targets, sorted by name, the targets that are
// not accepted, and how many are.
func (m *Mentions) recipients(t *incr.Task, o *rollcallv1.Mention) (alerts []Alert, rejected []rollcallv1.MentionRejection, accepted int) {
	found := map[string]*Alert{}
	alert := func(name string) *Alert {
		if found[name] == nil {
			found[name] = &Alert{Name: name, State: rollcallv1.AlertStatePending}
		}
		return found[name]
	}
	refuse := func(name, reason string) {
		rejected = append(rejected, rollcallv1.MentionRejection{Name: name, Reason: reason})
	}
	for _, g := range names(o.Spec.Groups) {
		if r := m.refusal(t, g, o.Spec.Conversation); r.Reason != "" {
			refuse(g, r.Reason)
			continue
		}
		accepted++
		for _, member := range m.roster.Members(t, g) {
			if m.people.GateOpen(t, member) {
				a := alert(member)
				a.Via = append(a.Via, g)
			}
		}
	}
	for _, name := range names(o.Spec.Teammates) {
		if reason := m.refusesTeammate(t, name, o.Spec.Conversation); reason != "" {
			refuse(name, reason)
			continue
		}
		accepted++
		if m.people.GateOpen(t, name) {
			alert(name).Direct = true
		}
	}
	for _, a := range found {
		alerts = append(alerts, *a)
	}
	cutVia(alerts)
	slices.SortFunc(alerts, func(a, b Alert) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(rejected, func(a, b rollcallv1.MentionRejection) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Reason, b.Reason))
	})
	return alerts, rejected, accepted
}

// cutVia keeps the first five groups of each alert, and fewer where long names of many people would make the status too
// large.
func cutVia(alerts []Alert) {
	const around = len(`{"name":"","via":[],"direct":true,"state":"Suspended"},`)
	size := func(most int) int {
		n := 0
		for _, a := range alerts {
			n += around + len(a.Name)
			for _, g := range a.Via[:min(len(a.Via), most)] {
				n += len(g) + len(`"",`)
			}
		}
		return n
	}
	most := maxVia
	for most > 1 && size(most) > maxAlerts {
		most--
	}
	for i := range alerts {
		if a := &alerts[i]; len(a.Via) > most {
			a.Via = slices.Clone(a.Via[:most])
		}
	}
}

// names are the names of references, sorted, each once.
func names(refs []rollcallv1.ObjectRef) []string {
	out := make([]string, 0, len(refs))
	for _, ref := range refs {
		out = append(out, ref.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// refusesTeammate is why a teammate is no target of a mention on that conversation, "" if they are one.
func (m *Mentions) refusesTeammate(t *incr.Task, name string, c *rollcallv1.MentionConversation) string {
	tm := m.roster.Teammate(t, name)
	switch {
	case tm == nil:
		return rollcallv1.ReasonUnresolvedReference
	case c == nil || c.PracticeName == nil || *m.roster.Policies(t).PracticeScoping != rollcallv1.SwitchEnabled:
		return ""
	case !slices.ContainsFunc(tm.Spec.Practices, func(p rollcallv1.TeammatePractice) bool { return p.Name == *c.PracticeName }):
		return rollcallv1.ReasonNotInPractice
	}
	return ""
}

// Refusal is why a group cannot be mentioned: a reason of Mentionable and what it means for this group. The zero value is
// none.
type Refusal struct{ Reason, Message string }

// Mentionable returns why nobody can mention a group that exists, whatever the conversation. That it has
// no members is said by the caller, who knows them: such a group is a target, with nobody to reach.
func (m *Mentions) Mentionable(t *incr.Task, group string) Refusal {
	return m.refusal(t, group, nil)
}

var handlePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._&'-]{0,62}$`)

// refusal is why a group is no target of a mention on that conversation; nil stands for any, and for none.
func (m *Mentions) refusal(t *incr.Task, group string, c *rollcallv1.MentionConversation) Refusal {
	g := m.roster.UserGroup(t, group)
	switch {
	case g == nil:
		return Refusal{rollcallv1.ReasonUnresolvedReference, "the group does not exist"}
	case g.Spec.State == rollcallv1.SwitchDisabled:
		return Refusal{rollcallv1.ReasonDisabled, "spec.state is Disabled"}
	case g.Spec.Mention != nil && g.Spec.Mention.State == rollcallv1.ToggleDisabled:
		return Refusal{rollcallv1.ReasonMentionOff, "spec.mention.state is Disabled"}
	case !m.usable(t, g):
		return Refusal{rollcallv1.ReasonNoPractice, "the practice of the group does not exist or is disabled, or policies.practiceScoping is Disabled"}
	case c != nil && !serves(g, c.PracticeName):
		return Refusal{rollcallv1.ReasonNoPractice, "the conversation is of another practice"}
	}
	handle := roster.Handle(g)
	switch {
	case !handlePattern.MatchString(handle):
		return Refusal{rollcallv1.ReasonInvalidHandle,
			"\"" + handle + "\" cannot be written after @: set spec.handle to at most 63 letters, digits, spaces and ._&'- beginning with a letter or digit"}
	case !m.roster.HoldsHandle(t, group):
		return Refusal{rollcallv1.ReasonDuplicateHandle, "another group is mentioned as \"" + handle + "\"; set spec.handle"}
	}
	return Refusal{}
}

// usable reports whether the practices of a group allow mentions at all.
func (m *Mentions) usable(t *incr.Task, g *rollcallv1.UserGroup) bool {
	if g.Spec.Scope == rollcallv1.GroupScopeOrganization || g.Spec.Scope == "" {
		return true
	}
	if *m.roster.Policies(t).PracticeScoping != rollcallv1.SwitchEnabled {
		return false
	}
	if g.Spec.Scope != rollcallv1.GroupScopePractice {
		return true
	}
	p, found := m.roster.Practice(t, m.roster.GroupFacts(t, g.Name).Practice)
	return found && p.Enabled
}

// serves reports whether a group is usable in the practice of a conversation, nil for one without.
func serves(g *rollcallv1.UserGroup, practice *string) bool {
	switch g.Spec.Scope {
	case rollcallv1.GroupScopePractice:
		return practice != nil && len(g.Spec.Practices) > 0 && g.Spec.Practices[0].Name == *practice
	case rollcallv1.GroupScopeEnterprise:
		return practice == nil || slices.ContainsFunc(g.Spec.Practices, func(p rollcallv1.GroupPractice) bool { return p.Name == *practice })
	}
	return true
}
