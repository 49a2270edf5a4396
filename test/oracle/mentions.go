package oracle

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Mention is what became of a mention. It is a state input: what is decided here decides the next evaluation.
type Mention struct {
	// UID tells two objects of the same name apart.
	UID string
	// Phase is Pending, Resolved, Expired, Rejected or Notified; Reason is why it is Rejected, or NoActiveRecipients.
	Phase, Reason string
	AcceptedAt    time.Time
	// Alerts are by name.
	Alerts []Alert
	// Rejected are the targets that were not accepted, by name and reason, at most fifty.
	Rejected []Refusal
	// ConversationStatus is "" for a mention that opened no conversation.
	ConversationStatus    string
	ResolvedBy            string
	ResolvedAt, ExpiresAt *time.Time
	// Spent says that it is to be deleted.
	Spent bool
}

// Alert is the alert of one person: Pending, Suspended, Resolved or Closed.
type Alert struct {
	Name   string
	Via    []string
	Direct bool
	State  string
}

// Refusal is a target that was not accepted.
type Refusal struct{ Name, Reason string }

// Opened is a conversation that a mention opens to a person.
type Opened struct {
	Mention, ConversationID string
	Permissions             []string
	Until                   *time.Time
}

// computeMentions decides about every mention: first whether and whom it reaches, if nothing is remembered of it, then again
// and again what follows, until nothing does any more.
func (e *evaluation) computeMentions() {
	e.result.Mentions, e.result.Next.Mentions = map[string]Mention{}, map[string]Mention{}
	for _, o := range e.org.Mentions {
		m, known := e.state.Mentions[o.Name]
		if !known || m.UID != string(o.UID) {
			m = e.acceptMention(o)
		}
		for m.Phase == "Pending" {
			before := m
			m = e.moveMention(o, before)
			if m.equal(before) {
				break
			}
		}
		e.result.Next.Mentions[o.Name] = m
		e.result.Mentions[o.Name] = e.shown(m)
		for _, a := range m.Alerts {
			e.open(o, m, a)
		}
	}
}

func (m Mention) equal(o Mention) bool {
	same := func(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }
	return m.Phase == o.Phase && m.ConversationStatus == o.ConversationStatus && same(m.ExpiresAt, o.ExpiresAt) &&
		slices.EqualFunc(m.Alerts, o.Alerts, func(a, b Alert) bool { return a.State == b.State && slices.Equal(a.Via, b.Via) })
}

// shown adds what follows from a decision and is not part of it.
func (e *evaluation) shown(m Mention) Mention {
	active := func(a Alert) bool { return a.State == "Pending" }
	if m.Phase == "Pending" && !slices.ContainsFunc(m.Alerts, active) {
		m.Reason = "NoActiveRecipients"
	}
	retention := 168 * time.Hour
	if d := e.org.Organization.Spec.MentionRetention; d != nil {
		retention = d.Duration
	}
	end := m.AcceptedAt
	switch m.Phase {
	case "Pending":
		return m
	case "Resolved":
		end = *m.ResolvedAt
	case "Expired":
		end = *m.ExpiresAt
	}
	m.Spent = !e.now.Before(end.Add(retention))
	return m
}

// open gives the holder of a Pending alert what denies leave of the conversation.
func (e *evaluation) open(o rollcallv1.Mention, m Mention, a Alert) {
	t := e.people[a.Name]
	if m.Phase != "Pending" || a.State != "Pending" || t == nil {
		return
	}
	perms := without(setOf("conversation.view", "conversation.reply", "conversation.resolve"), append(slices.Clone(t.role.denies), e.organizationDenies(t)...))
	if perms = fold(perms); len(perms) == 0 {
		return
	}
	out := e.result.Teammates[a.Name]
	out.Opened = append(out.Opened, Opened{Mention: o.Name, ConversationID: o.Spec.Conversation.ExternalID, Permissions: perms.sorted(), Until: m.ExpiresAt})
	slices.SortFunc(out.Opened, func(a, b Opened) int { return strings.Compare(a.Mention, b.Mention) })
	e.result.Teammates[a.Name] = out
}

func (e *evaluation) acceptMention(o rollcallv1.Mention) Mention {
	m := Mention{UID: string(o.UID), Phase: "Rejected", AcceptedAt: e.now}
	if !e.mayMention(o) {
		m.Reason = "AuthorNotAllowed"
		return m
	}
	via, direct := map[string]set{}, set{}
	targets := set{}
	for _, ref := range o.Spec.Groups {
		targets["group "+ref.Name] = true
		if reason := e.unmentionable(ref.Name, o.Spec.Conversation); reason != "" {
			m.Rejected = append(m.Rejected, Refusal{ref.Name, reason})
			delete(targets, "group "+ref.Name)
			continue
		}
		for _, member := range e.result.Groups[ref.Name].Members {
			if e.people[member.Name].open {
				if via[member.Name] == nil {
					via[member.Name] = set{}
				}
				via[member.Name][ref.Name] = true
			}
		}
	}
	for _, ref := range o.Spec.Teammates {
		t := e.people[ref.Name]
		switch c := o.Spec.Conversation; {
		case t == nil:
			m.Rejected = append(m.Rejected, Refusal{ref.Name, "UnresolvedReference"})
		case c != nil && c.PracticeName != nil && e.pol.practiceScoping == "Enabled" && !listsPractice(t, *c.PracticeName):
			m.Rejected = append(m.Rejected, Refusal{ref.Name, "NotInPractice"})
		default:
			targets["teammate "+ref.Name] = true
			if t.open {
				direct[ref.Name] = true
			}
		}
	}
	slices.SortFunc(m.Rejected, func(a, b Refusal) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Reason, b.Reason))
	})
	for name := range e.people {
		if via[name] == nil && !direct[name] {
			continue
		}
		groups := via[name].sorted()
		m.Alerts = append(m.Alerts, Alert{Name: name, Via: groups[:min(len(groups), 5)], Direct: direct[name], State: "Pending"})
	}
	slices.SortFunc(m.Alerts, func(a, b Alert) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case len(targets) == 0:
		m.Reason = "AllTargetsRejected"
	case len(m.Alerts) == 0:
		m.Reason = "NoRecipients"
	case o.Spec.Conversation == nil:
		m.Phase = "Notified"
		m.closeAlerts()
	default:
		m.Phase, m.ConversationStatus = "Pending", "Pending"
	}
	return m
}

// mayMention checks the author of a Manual mention.
func (e *evaluation) mayMention(o rollcallv1.Mention) bool {
	source := rollcallv1.MentionSource{Type: "Manual"}
	if o.Spec.Source != nil {
		source = *o.Spec.Source
	}
	if source.Type != "Manual" {
		return true
	}
	author := ""
	if source.TeammateRef != nil {
		author = source.TeammateRef.Name
	} else if source.Username != nil {
		author = e.result.Next.Keys["username="+*source.Username].Name
	}
	t := e.people[author]
	if t == nil || !t.open || !slices.Contains(e.result.Teammates[author].AccountPermissions, "mentions.create") {
		return false
	}
	if c := o.Spec.Conversation; c != nil && c.ProfileRef != nil {
		return slices.ContainsFunc(e.result.Teammates[author].Profiles, func(p Profile) bool {
			return p.Name == c.ProfileRef.Name && slices.ContainsFunc(p.Permissions, func(perm string) bool { return verbOf(perm) == "view" })
		})
	}
	return true
}

// unmentionable is the reason of Mentionable for a group as the target of a mention on that conversation.
func (e *evaluation) unmentionable(name string, c *rollcallv1.MentionConversation) string {
	g, exists := e.groups[name]
	if !exists {
		return "UnresolvedReference"
	}
	if !enabled(g) {
		return "Disabled"
	}
	if g.Spec.Mention != nil && g.Spec.Mention.State == rollcallv1.ToggleDisabled {
		return "MentionOff"
	}
	own := func(practice string) bool {
		return slices.ContainsFunc(g.Spec.Practices, func(q rollcallv1.GroupPractice) bool { return q.Name == practice })
	}
	if scopeOf(g) != "Organization" {
		inPractice := c != nil && c.PracticeName != nil
		switch {
		case e.pol.practiceScoping != "Enabled":
			return "NoPractice"
		case scopeOf(g) == "Practice" && !e.practiceEnabled(g.Spec.Practices[0].Name):
			return "NoPractice"
		case scopeOf(g) == "Practice" && c != nil && !inPractice:
			return "NoPractice"
		case inPractice && !own(*c.PracticeName):
			return "NoPractice"
		}
	}
	handle := name
	if g.Spec.DisplayName != nil {
		handle = *g.Spec.DisplayName
	}
	if g.Spec.Handle != nil {
		handle = *g.Spec.Handle
	}
	for i, r := range handle {
		word := unicode.IsLetter(r) || unicode.IsNumber(r)
		if !word && (i == 0 || !strings.ContainsRune(" ._&'-", r)) {
			return "InvalidHandle"
		}
	}
	if handle == "" || len([]rune(handle)) > 63 {
		return "InvalidHandle"
	}
	for _, key := range e.lost(Ref{"UserGroup", name}, e.groupKeys(g)) {
		if strings.HasPrefix(key, "handle=") {
			return "DuplicateHandle"
		}
	}
	return ""
}

// moveMention is one step of a Pending mention: expiry, resolutions, suspension.
func (e *evaluation) moveMention(o rollcallv1.Mention, before Mention) Mention {
	m := before
	m.Alerts = slices.Clone(before.Alerts)
	m.ExpiresAt = nil
	lasts := e.pol.maxMentionAccess
	if ttl := o.Spec.TTL; ttl != nil && (lasts == 0 || ttl.Duration < lasts) {
		lasts = ttl.Duration
	}
	if lasts > 0 {
		m.ExpiresAt = new(m.AcceptedAt.Add(lasts))
		if !e.now.Before(*m.ExpiresAt) {
			m.Phase = "Expired"
			m.closeAlerts()
			return m
		}
	}
	var resolvers []string
	for _, r := range o.Spec.Resolutions {
		i := slices.IndexFunc(before.Alerts, func(a Alert) bool { return a.Name == r.Name && a.State == "Pending" })
		if i < 0 || r.Username != nil && (e.people[r.Name] == nil || str(e.people[r.Name].spec.Identity.Username) != *r.Username) {
			continue
		}
		resolvers = append(resolvers, r.Name)
		if r.Action == "CloseAndResolve" {
			m.ConversationStatus = "Closed"
		}
		m.Alerts[i].State = "Resolved"
		for j := range m.Alerts {
			shares := slices.ContainsFunc(m.Alerts[j].Via, func(g string) bool { return slices.Contains(before.Alerts[i].Via, g) })
			if e.pol.mentionResolution == "Group" && shares && !m.Alerts[j].Direct && isOpen(m.Alerts[j]) {
				m.Alerts[j].State = "Resolved"
			}
		}
	}
	for i := range m.Alerts {
		if isOpen(m.Alerts[i]) {
			e.moveAlert(&m.Alerts[i])
		}
	}
	if !slices.ContainsFunc(m.Alerts, isOpen) {
		m.Phase, m.ResolvedAt = "Resolved", &e.now
		if len(resolvers) > 0 {
			m.ResolvedBy = slices.Min(resolvers)
		}
	}
	return m
}

func isOpen(a Alert) bool { return a.State == "Pending" || a.State == "Suspended" }

func (m *Mention) closeAlerts() {
	for i := range m.Alerts {
		if isOpen(m.Alerts[i]) {
			m.Alerts[i].State = "Closed"
		}
	}
}

// moveAlert follows the groups and the gate of the person.
func (e *evaluation) moveAlert(a *Alert) {
	var via []string
	reached := a.Direct
	for _, g := range a.Via {
		if _, exists := e.groups[g]; !exists {
			continue
		}
		via = append(via, g)
		reached = reached || slices.ContainsFunc(e.result.Groups[g].Members, func(m Member) bool { return m.Name == a.Name })
	}
	a.Via = via
	t := e.people[a.Name]
	switch {
	case len(via) == 0 && !a.Direct:
		a.State = "Closed"
	case t != nil && t.open && reached:
		a.State = "Pending"
	default:
		a.State = "Suspended"
	}
}
