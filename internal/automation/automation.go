// Package automation decides about one inbound message and one InboundAutomation (API.md 5.2, A-14): whether the one is
// meant by the other at an instant, which Mention it makes, and what is passed on to whoever sent the message. The intake
// asks it; nothing here knows a cluster, a clock or who is asking.
package automation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/internal/schedule"
)

// Event is one inbound message. Source and ID together are what makes it this one and no other, however often it is
// delivered. Practice and Profile are names, "" where they are not known.
type Event struct {
	Source, ID              string
	Practice, Profile       string
	ConversationID, Message string
}

// Reason is why an automation has nothing to do with an event; Matched is that it has.
type Reason string

// Reasons in the order in which they are looked at.
const (
	Matched         Reason = ""
	ReasonDisabled  Reason = "Disabled"
	ReasonPractices Reason = "Practices"
	ReasonProfiles  Reason = "Profiles"
	ReasonKeywords  Reason = "Keywords"
	ReasonWhen      Reason = "When"
)

// Limits of Mention.spec that the actions of one automation can exceed together.
const (
	MaxGroups        = 50
	MaxMessageLength = 4096 // in characters
)

// Circumstances are what is true around an event at the instant Now at which it came.
type Circumstances struct {
	Now time.Time
	// Hours are those of Hours, nil for always open. They are read only where NeedsHours says so.
	Hours *schedule.Schedule
	// PracticeListed says that the Organization lists the practice of the event, ProfileExists that there is its Profile.
	PracticeListed, ProfileExists bool
}

// Match returns why the automation is not meant by the event, Matched if it is. A practice or profile that the automation
// names and that does not exist counts for nothing, so that one whose lines are all gone is meant by nothing.
func Match(spec *rollcallv1.InboundAutomationSpec, e Event, c Circumstances) Reason {
	switch {
	case spec.State == rollcallv1.SwitchDisabled:
		return ReasonDisabled
	case len(spec.Practices) > 0 && !(c.PracticeListed && slices.Contains(spec.Practices, rollcallv1.AutomationPractice{Name: e.Practice})):
		return ReasonPractices
	case len(spec.Profiles) > 0 && !(c.ProfileExists && slices.Contains(spec.Profiles, rollcallv1.ObjectRef{Name: e.Profile})):
		return ReasonProfiles
	case !mentioned(spec, e.Message):
		return ReasonKeywords
	case !inTime(spec.When, c.Hours, c.Now):
		return ReasonWhen
	}
	return Matched
}

// mentioned reports whether the message has one of the keywords.
func mentioned(spec *rollcallv1.InboundAutomationSpec, message string) bool {
	if spec.Match == rollcallv1.KeywordMatchExact {
		whole := fold(message)
		return whole != "" && slices.ContainsFunc(spec.Keywords, func(k string) bool { return fold(k) == whole })
	}
	t := newText(message)
	return slices.ContainsFunc(spec.Keywords, func(k string) bool { return t.contains(fold(k)) })
}

func inTime(when rollcallv1.AutomationWhen, hours *schedule.Schedule, now time.Time) bool {
	open := hours == nil || hours.Open(now)
	switch when {
	case rollcallv1.AutomationWhenDuringHours:
		return open
	case rollcallv1.AutomationWhenAfterHours:
		return !open
	}
	return true
}

// Hours returns the hours of a practice: its own, else the organization's, nil for always open (R-14, choice of schedule).
// A schedule that find returns nil for, or that cannot be read, falls through to the next. practice "" and one that the
// organization does not list have the organization's.
func Hours(organization *rollcallv1.OrganizationSpec, practice string, find func(name string) *rollcallv1.Schedule) *schedule.Schedule {
	var names []rollcallv1.ObjectRef
	for _, p := range organization.Practices {
		if p.Name == practice && p.ScheduleRef != nil {
			names = append(names, *p.ScheduleRef)
		}
	}
	if organization.ScheduleRef != nil {
		names = append(names, *organization.ScheduleRef)
	}
	zone := organization.TimeZone
	if zone == "" {
		zone = "Etc/UTC"
	}
	for _, ref := range names {
		s := find(ref.Name)
		if s == nil {
			continue
		}
		if compiled, err := routing.CompileSchedule(&s.Spec, zone); err == nil {
			return compiled
		}
	}
	return nil
}

// NeedsHours reports whether Match reads its hours, which are dearer to have than the rest.
func NeedsHours(spec *rollcallv1.InboundAutomationSpec) bool {
	return spec.When == rollcallv1.AutomationWhenDuringHours || spec.When == rollcallv1.AutomationWhenAfterHours
}

// Mention returns the object to create for an event that matched, nil for an automation without an action of type Mention.
// Several such actions make one Mention: its targets are those of all, its message is theirs, one to a line. What exceeds
// the limits of a Mention is left out; Overflow says so beforehand.
func Mention(a *rollcallv1.InboundAutomation, e Event) *rollcallv1.Mention {
	m, any := merge(&a.Spec)
	if !any {
		return nil
	}
	conversation := &rollcallv1.MentionConversation{ExternalID: e.ConversationID}
	if e.Practice != "" {
		conversation.PracticeName = new(e.Practice)
	}
	if e.Profile != "" {
		conversation.ProfileRef = &rollcallv1.ObjectRef{Name: e.Profile}
	}
	out := &rollcallv1.Mention{Spec: rollcallv1.MentionSpec{
		Conversation: conversation,
		Groups:       m.groups[:min(len(m.groups), MaxGroups)],
		Teammates:    m.teammates,
		Source: &rollcallv1.MentionSource{
			Type: rollcallv1.MentionSourceTypeAutomation, AutomationRef: &rollcallv1.ObjectRef{Name: a.Name}, EventID: new(e.ID),
		},
		Message: cut(m.message, MaxMessageLength),
	}}
	out.Namespace, out.Name = a.Namespace, Name(a.Name, e.Source, e.ID)
	return out
}

// Overflow reports what of the actions does not fit into one Mention, "" if all does.
func Overflow(spec *rollcallv1.InboundAutomationSpec) string {
	m, _ := merge(spec)
	switch {
	case len(m.groups) > MaxGroups:
		return "groups"
	case utf8.RuneCountInString(m.message) > MaxMessageLength:
		return "messages"
	}
	return ""
}

// merged is what all actions of type Mention say together.
type merged struct {
	groups, teammates []rollcallv1.ObjectRef
	message           string
}

func merge(spec *rollcallv1.InboundAutomationSpec) (m merged, any bool) {
	var lines []string
	for _, action := range spec.Actions {
		if action.Type != rollcallv1.AutomationActionTypeMention || action.Mention == nil {
			continue
		}
		any = true
		m.groups, m.teammates = union(m.groups, action.Mention.Groups), union(m.teammates, action.Mention.Teammates)
		if line := action.Mention.Message; line != nil && *line != "" && !slices.Contains(lines, *line) {
			lines = append(lines, *line)
		}
	}
	m.message = strings.Join(lines, "\n")
	return m, any
}

// union appends what is new, keeping the order.
func union(have, more []rollcallv1.ObjectRef) []rollcallv1.ObjectRef {
	for _, ref := range more {
		if !slices.Contains(have, ref) {
			have = append(have, ref)
		}
	}
	return have
}

func cut(s string, characters int) string {
	for at := range s {
		if characters == 0 {
			return s[:at]
		}
		characters--
	}
	return s
}

// PassedOn returns the actions that whoever sent the event carries out, in their order.
func PassedOn(spec *rollcallv1.InboundAutomationSpec) []rollcallv1.AutomationAction {
	return slices.DeleteFunc(slices.Clone(spec.Actions), func(a rollcallv1.AutomationAction) bool {
		return a.Type == rollcallv1.AutomationActionTypeMention
	})
}

// nameLength is how much of an automation's name the names of its mentions begin with.
const nameLength = 30

// Name returns the name of the Mention of an event: the first 30 characters of the automation, "-", and 32 hex digits of
// SHA-256 over source, NUL and event id. A dot that the cut leaves at the end is dropped: no object name has ".-" in it.
func Name(automation, source, id string) string {
	head := strings.TrimRight(automation[:min(len(automation), nameLength)], ".")
	sum := sha256.Sum256([]byte(source + "\x00" + id))
	return head + "-" + hex.EncodeToString(sum[:])[:32]
}

// Same reports whether a Mention that exists is the one of this automation and event: redelivery then changes nothing.
func Same(m *rollcallv1.Mention, automation string, e Event) bool {
	s := m.Spec.Source
	return s != nil && s.Type == rollcallv1.MentionSourceTypeAutomation && s.AutomationRef != nil && s.AutomationRef.Name == automation &&
		s.EventID != nil && *s.EventID == e.ID
}
