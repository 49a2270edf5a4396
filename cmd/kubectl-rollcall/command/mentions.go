package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// openMention is one alert of a person that is not settled, or a notification that is still kept.
type openMention struct {
	Mention        string   `json:"mention"`
	ConversationID string   `json:"conversationID,omitempty"`
	Profile        string   `json:"profile,omitempty"`
	Groups         []string `json:"groups,omitempty"`
	Direct         bool     `json:"direct,omitempty"`
	// State is that of the alert, Pending or Suspended; Notified where the mention is a notification.
	State string `json:"state"`
	// Permissions are those on the conversation.
	Permissions []string     `json:"permissions,omitempty"`
	Until       *metav1.Time `json:"until,omitempty"`
	Message     string       `json:"message,omitempty"`
}

type mentionsAnswer struct {
	Teammate string        `json:"teammate"`
	Mentions []openMention `json:"mentions,omitempty"`
}

func (p *plugin) mentions() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:   "mentions TEAMMATE",
		Short: "Their open alerts, and the conversations these open to them",
		Args:  between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			org, err := p.load(c.Context())
			if apierrors.IsForbidden(err) && !p.options.offline() {
				return p.ownMentions(c.Context(), args[0])
			}
			if err != nil {
				return err
			}
			name, err := org.teammate(args[0])
			if err != nil {
				return err
			}
			answer := org.mentionsOf(name)
			return p.show(answer, func(t *table) { answer.table(t, org.zone) })
		},
	})
}

// mentionsOf are the open alerts of a teammate, by mention.
func (o *organization) mentionsOf(name string) *mentionsAnswer {
	out := &mentionsAnswer{Teammate: name}
	permissions := map[string][]string{}
	for _, g := range o.Mentions.Grants(o.peek(), name) {
		permissions[g.Mention] = g.Permissions
	}
	for _, mention := range o.Mentions.Of(o.peek(), name) {
		spec, status := &o.Roster.Mention(o.peek(), mention).Spec, o.Mention(mention)
		if m, open := openTo(name, mention, spec, &status); open {
			m.Permissions = permissions[mention]
			out.Mentions = append(out.Mentions, m)
		}
	}
	return out
}

// ownMentions answers those who may read mentions and people, but not what the rest of the organization makes of them: from
// what the operator wrote.
func (p *plugin) ownMentions(ctx context.Context, who string) error {
	if p.options.at != "" {
		return usageError("you may not read the whole organization, so it cannot be asked about another time; expected no --at")
	}
	l, err := p.connect()
	if err != nil {
		return err
	}
	everybody, err := l.people(ctx)
	if err != nil {
		return err
	}
	name, err := everybody.named(l.namespace, who)
	if err != nil {
		return err
	}
	list, err := l.mentions(ctx)
	if err != nil {
		return err
	}
	p.note("note: you may not read the whole organization: permissions are left out")
	answer := &mentionsAnswer{Teammate: name}
	for i := range list {
		if m, open := openTo(name, list[i].Name, &list[i].Spec, &list[i].Status); open {
			answer.Mentions = append(answer.Mentions, m)
		}
	}
	return p.show(answer, func(t *table) { answer.table(t, time.UTC) })
}

// mentions lists those of the cluster by name.
func (l *live) mentions(ctx context.Context) ([]rollcallv1.Mention, error) {
	var list rollcallv1.MentionList
	if err := l.List(ctx, &list, client.InNamespace(l.namespace)); err != nil {
		return nil, clusterError(err)
	}
	slices.SortFunc(list.Items, func(a, b rollcallv1.Mention) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// alertOf is the alert that a status has for somebody, nil if it has none.
func alertOf(status *rollcallv1.MentionStatus, teammate string) *rollcallv1.MentionAlert {
	i := slices.IndexFunc(status.Alerts, func(a rollcallv1.MentionAlert) bool { return a.Name == teammate })
	if i < 0 {
		return nil
	}
	return &status.Alerts[i]
}

// openTo is what a mention is for somebody now, false if it is nothing to them.
func openTo(teammate, name string, spec *rollcallv1.MentionSpec, status *rollcallv1.MentionStatus) (openMention, bool) {
	a := alertOf(status, teammate)
	if a == nil {
		return openMention{}, false
	}
	out := openMention{Mention: name, Groups: a.Via, Direct: a.Direct, State: string(a.State), Until: status.ExpiresAt, Message: spec.Message}
	if c := spec.Conversation; c != nil {
		out.ConversationID = c.ExternalID
		if c.ProfileRef != nil {
			out.Profile = c.ProfileRef.Name
		}
	}
	if status.Phase == rollcallv1.MentionPhaseNotified {
		out.State = string(status.Phase)
		return out, true
	}
	open := a.State == rollcallv1.AlertStatePending || a.State == rollcallv1.AlertStateSuspended
	return out, status.Phase == rollcallv1.MentionPhasePending && open
}

func (a *mentionsAnswer) table(t *table, zone *time.Location) {
	if len(a.Mentions) == 0 {
		t.line("%s has no open mentions", a.Teammate)
		return
	}
	t.row("MENTION", "CONVERSATION", "PROFILE", "BY", "STATE", "UNTIL", "MESSAGE")
	for _, m := range a.Mentions {
		until := "-"
		if m.Until != nil {
			until = local(m.Until.Time, zone)
		}
		t.row(m.Mention, or(m.ConversationID, "-"), or(m.Profile, "-"), alertedBy(m.Groups, m.Direct), m.State, until, or(beginning(m.Message), "-"))
	}
}

// beginning is what a column has room for.
func beginning(text string) string {
	const most = 60
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most-1]) + "…"
}
