package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

type resolutionJSON struct {
	Mention        string `json:"mention"`
	ConversationID string `json:"conversationID,omitempty"`
	Result         string `json:"result"`
	Message        string `json:"message,omitempty"`
}

type resolveAnswer struct {
	Teammate string           `json:"teammate"`
	Results  []resolutionJSON `json:"results,omitempty"`
}

func (p *plugin) resolve() *cobra.Command {
	var conversation, teammate string
	var closes bool
	c := &cobra.Command{
		Use:   "resolve MENTION|--conversation ID",
		Short: "Settle a mention, or all of yours on a conversation",
		Long: "Adds a resolution to a mention of a cluster, or to every one on a conversation in which you hold a Pending alert.\n" +
			"In files a resolution is an entry of spec.resolutions: write it there.",
		Args: between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if p.options.offline() {
				return usageError("resolve changes a cluster; expected no -f and no -k (in files, add an entry to spec.resolutions)")
			}
			if (len(args) == 1) == (conversation != "") {
				return usageError("which mention? expected a name, or --conversation with the id of a conversation")
			}
			action := rollcallv1.ResolutionActionResolve
			if closes {
				action = rollcallv1.ResolutionActionCloseAndResolve
			}
			return p.resolveAll(c.Context(), append(args, "")[0], conversation, teammate, action)
		},
	}
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	c.Flags().StringVar(&conversation, "conversation", "", "all open mentions on the conversation with this id")
	c.Flags().StringVar(&teammate, "teammate", "", "resolve for somebody else; takes the verb resolve-for")
	c.Flags().BoolVar(&closes, "close", false, "close the conversation as well")
	return c
}

// resolveAll resolves one mention, or those of a conversation, and says for each what came of it.
func (p *plugin) resolveAll(ctx context.Context, mention, conversation, teammate string, action rollcallv1.ResolutionAction) error {
	if err := p.options.check(); err != nil {
		return err
	}
	l, err := p.connect()
	if err != nil {
		return err
	}
	entry, err := l.resolution(ctx, teammate, action)
	if err != nil {
		return err
	}
	var found []rollcallv1.Mention
	if mention != "" {
		found = make([]rollcallv1.Mention, 1)
		err = l.find(ctx, roster.KindMention, mention, &found[0])
	} else {
		found, err = l.heldBy(ctx, entry, conversation)
	}
	if err != nil {
		return err
	}
	answer := &resolveAnswer{Teammate: entry.Name}
	for i := range found {
		answer.Results = append(answer.Results, l.settle(ctx, &found[i], entry))
	}
	if err := p.show(answer, answer.table); err != nil {
		return err
	}
	if slices.ContainsFunc(answer.Results, func(r resolutionJSON) bool { return r.Result == resultFailed }) {
		return no
	}
	return nil
}

// resolution is the entry to add. It carries a user name where it speaks for the writer: without one it takes the verb
// resolve-for (ACT-12).
func (l *live) resolution(ctx context.Context, teammate string, action rollcallv1.ResolutionAction) (rollcallv1.Resolution, error) {
	entry := rollcallv1.Resolution{Action: action}
	username, err := l.username(ctx)
	if err != nil {
		return entry, err
	}
	everybody, err := l.people(ctx)
	if err != nil {
		return entry, err
	}
	if teammate != "" {
		if entry.Name, err = everybody.named(l.namespace, teammate); err != nil {
			return entry, err
		}
		if valueOf(everybody[entry.Name].Spec.Identity.Username) == username {
			entry.Username = &username
		}
		return entry, nil
	}
	if entry.Name, err = everybody.ofUser(username); err != nil {
		return entry, err
	}
	if entry.Name == "" {
		return entry, nobodyIs(username, l.namespace, "you hold no alert (--teammate resolves for somebody else)")
	}
	entry.Username = &username
	return entry, nil
}

// heldBy are the open mentions on a conversation in which somebody holds a Pending alert, by name (S-113); if there are none,
// those that the entry has settled before.
func (l *live) heldBy(ctx context.Context, entry rollcallv1.Resolution, conversation string) ([]rollcallv1.Mention, error) {
	all, err := l.mentions(ctx)
	if err != nil {
		return nil, err
	}
	var why string
	var before []rollcallv1.Mention
	found := slices.DeleteFunc(all, func(m rollcallv1.Mention) bool {
		if m.Spec.Conversation == nil || m.Spec.Conversation.ExternalID != conversation {
			return true
		}
		reason := idle(&m, entry.Name)
		if reason != "" {
			why += fmt.Sprintf("; Mention/%s: %s", m.Name, reason)
		}
		if resolvedBefore(&m, entry) {
			before = append(before, m)
		}
		return reason != ""
	})
	switch {
	case len(found) > 0:
		return found, nil
	case len(before) > 0:
		return before, nil
	}
	return nil, &failure{exitNo, fmt.Errorf("%s holds no Pending alert on conversation %q%s", entry.Name, conversation, why)}
}

// resolvedBefore reports whether an entry of the same person counted that asked for the same, or for more.
func resolvedBefore(m *rollcallv1.Mention, entry rollcallv1.Resolution) bool {
	a := alertOf(&m.Status, entry.Name)
	return a != nil && a.State == rollcallv1.AlertStateResolved && slices.ContainsFunc(m.Spec.Resolutions, func(r rollcallv1.Resolution) bool {
		return r.Name == entry.Name && (r.Action == entry.Action || r.Action == rollcallv1.ResolutionActionCloseAndResolve)
	})
}

// idle says why a resolution of somebody would not count; "" if it would.
func idle(m *rollcallv1.Mention, teammate string) string {
	a := alertOf(&m.Status, teammate)
	switch {
	case m.Status.Phase == "":
		return "the operator has not looked at it yet"
	case m.Status.Phase != rollcallv1.MentionPhasePending:
		return "it is " + string(m.Status.Phase) + " already"
	case a == nil:
		return teammate + " was not alerted by it"
	case a.State == rollcallv1.AlertStateSuspended:
		return "the alert of " + teammate + " is Suspended: the gate is closed, or they left the groups"
	case a.State != rollcallv1.AlertStatePending:
		return "the alert of " + teammate + " is " + string(a.State)
	}
	return ""
}

// settle adds the entry to one mention as it is read, so that nobody else's entry is lost, and waits for what comes of it.
func (l *live) settle(ctx context.Context, m *rollcallv1.Mention, entry rollcallv1.Resolution) resolutionJSON {
	out := resolutionJSON{Mention: m.Name}
	if m.Spec.Conversation != nil {
		out.ConversationID = m.Spec.Conversation.ExternalID
	}
	for attempt := 0; ; attempt++ {
		if resolvedBefore(m, entry) {
			out.Result, out.Message = resultUnchanged, entry.Name+" resolved it before: "+settled(m, entry.Name)
			return out
		}
		if reason := idle(m, entry.Name); reason != "" {
			out.Result, out.Message = resultFailed, "nothing written: "+reason
			return out
		}
		if slices.ContainsFunc(m.Spec.Resolutions, func(r rollcallv1.Resolution) bool { return r.Name == entry.Name }) {
			out.Result, out.Message = resultUnchanged, "an entry of "+entry.Name+" is there; the operator has not taken it, or it did not count"
			return out
		}
		err := l.resolveOnce(ctx, m, entry)
		if err == nil {
			break
		}
		if !apierrors.IsConflict(err) || attempt == 4 {
			out.Result, out.Message = resultFailed, err.Error()
			return out
		}
		if err := l.Get(ctx, client.ObjectKeyFromObject(m), m); err != nil {
			out.Result, out.Message = resultFailed, err.Error()
			return out
		}
	}
	out.Result = resultSucceeded
	after, err := l.await(ctx, m, func(m *rollcallv1.Mention) bool { return idle(m, entry.Name) != "" })
	if err != nil {
		out.Message = "written; " + err.Error()
		return out
	}
	out.Message = settled(after, entry.Name)
	return out
}

func (l *live) resolveOnce(ctx context.Context, m *rollcallv1.Mention, entry rollcallv1.Resolution) error {
	changed := m.DeepCopy()
	changed.Spec.Resolutions = append(changed.Spec.Resolutions, entry)
	return l.Patch(ctx, changed, client.MergeFromWithOptions(m, client.MergeFromWithOptimisticLock{}), client.FieldOwner(fieldManager))
}

// settled says what a resolution left open.
func settled(m *rollcallv1.Mention, teammate string) string {
	if idle(m, teammate) == "" {
		return "written; the operator has not taken it yet"
	}
	text := "the mention is " + string(m.Status.Phase)
	if m.Status.Phase == rollcallv1.MentionPhasePending {
		text = fmt.Sprintf("the alert of %s is Resolved, %d others are open", teammate, m.Status.OpenCount)
	}
	if m.Status.ConversationStatus == rollcallv1.ConversationStatusClosed {
		text += ", the conversation Closed"
	}
	return text
}

func (a *resolveAnswer) table(t *table) {
	t.row("MENTION", "CONVERSATION", "RESULT", "MESSAGE")
	for _, r := range a.Results {
		t.row(r.Mention, or(r.ConversationID, "-"), r.Result, or(r.Message, "-"))
	}
}
