package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// approveCard approves cards as they are (M-36). What a card still lacks does not stop an approval, because no rule asks for it
// a card that changes later has another hash and waits for review again.
func (p *plugin) approveCard() *cobra.Command {
	c := &cobra.Command{
		Use:   "approve-card NAMES...",
		Short: "Approve cards as they are now",
		Long: "Approves the cards of teammates as they are now: a card that changes later waits for review again. What a card lacks is said,\n" +
			"and does not stop the approval. With -f the files are edited, else the cluster, where fields of other managers are left alone.",
		Args: between(1, -1),
		RunE: func(c *cobra.Command, args []string) error { return p.runApproveCard(c.Context(), args) },
	}
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	return c
}

func (p *plugin) runApproveCard(ctx context.Context, args []string) error {
	in, stdin, err := p.gatherToEdit(ctx, "approve-card")
	if err != nil {
		return err
	}
	org, err := p.compute(in)
	if err != nil {
		return err
	}
	var names []string
	for _, arg := range args {
		name, err := org.teammate(arg)
		if err != nil {
			return err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	outcome := &edit.Outcome{}
	seen := map[string]string{} // the hashes of the cards that are approved
	for _, name := range names {
		before := org.Roster.Teammate(nil, name)
		seen[name] = roster.CardOf(before).Hash()
		after := approved(before)
		if after == nil {
			outcome.Results = append(outcome.Results, edit.Result{Teammate: name, Verdict: edit.Unchanged, Message: "approved already"})
			continue
		}
		outcome.Results = append(outcome.Results, edit.Result{Teammate: name, Verdict: edit.Succeeded, Message: org.lacking(name)})
		outcome.Changed = append(outcome.Changed, edit.Change{Before: before, After: after, People: []string{name}})
	}
	failed, err := write(ctx, p, in, outcome, stdin, cardApproval, approvedAs(seen))
	if err != nil {
		return err
	}
	return p.report(outcome, failed, stdin != nil)
}

// cardApproval is the field that an approval writes.
var cardApproval = edit.Path{{Field: "spec"}, {Field: "card"}, {Field: "approval"}}

// approved is a teammate with the card approved as it is, nil if it is already.
func approved(tm *rollcallv1.Teammate) *rollcallv1.Teammate {
	if roster.CardApproved(tm) {
		return nil
	}
	out := tm.DeepCopy()
	if out.Spec.Card == nil {
		out.Spec.Card = &rollcallv1.Card{}
	}
	out.Spec.Card.Approval = &rollcallv1.CardApproval{State: rollcallv1.ApprovalStateApproved, CardHash: new(roster.CardOf(tm).Hash())}
	return out
}

// approvedAs approves cards only as they were seen: with these hashes, by teammate.
func approvedAs(seen map[string]string) func(*rollcallv1.Teammate) (*rollcallv1.Teammate, error) {
	return func(tm *rollcallv1.Teammate) (*rollcallv1.Teammate, error) {
		if roster.CardOf(tm).Hash() != seen[tm.Name] {
			return nil, errors.New("the card has changed since it was read; look at it and run the command again")
		}
		return approved(tm), nil
	}
}

// lacking says what a card is without, in the words of its condition.
func (o *organization) lacking(name string) string {
	for _, c := range o.Lint.Teammate(name).Conditions {
		if c.Type == rollcallv1.ConditionCardComplete && c.Status == metav1.ConditionFalse {
			return "the card is incomplete: " + c.Message
		}
	}
	return ""
}

// gatherToEdit reads the organization that a command is about to change, and stdin if the files come from there.
func (p *plugin) gatherToEdit(ctx context.Context, command string) (in *inputs, stdin []byte, err error) {
	if err := p.options.check(); err != nil {
		return nil, nil, err
	}
	if len(p.options.kustomize) > 0 {
		return nil, nil, usageError("-k builds manifests from others; expected -f with the files that %s is to edit", command)
	}
	if slices.Contains(p.options.files, "-") {
		if stdin, err = io.ReadAll(p.In); err != nil {
			return nil, nil, fmt.Errorf("reading stdin: %w", err)
		}
		p.In = bytes.NewReader(stdin)
	}
	in, err = p.gather(ctx)
	return in, stdin, err
}

// write puts changes of one field into the files or the cluster that they come from, and returns who failed and why. On a
// cluster the change is made again by the function, on the object as it is by then; nil leaves it alone.
func write[T client.Object](ctx context.Context, p *plugin, in *inputs, outcome *edit.Outcome, stdin []byte, field edit.Path, change func(T) (T, error)) (map[string]string, error) {
	if p.options.offline() {
		return p.editFiles(in, outcome, stdin, false)
	}
	l, err := p.connect()
	if err != nil {
		return nil, err
	}
	failed := map[string]string{}
	for _, c := range outcome.Changed {
		if err := writeLive(ctx, l, c.Before.(T), field, change); err != nil {
			for _, name := range c.People {
				failed[name] = err.Error()
			}
		}
	}
	return failed, nil
}

// writeLive changes one object of a cluster, anew if somebody else changed it in between. A field that another manager owns is
// theirs to change (API.md section 7).
func writeLive[T client.Object](ctx context.Context, l *live, base T, field edit.Path, change func(T) (T, error)) error {
	var none T
	for attempt := 1; ; attempt++ {
		after, err := change(base)
		if err != nil || any(after) == any(none) {
			return err
		}
		manager, err := otherOwner(base, field)
		if err != nil {
			return err
		}
		if manager != "" {
			return fmt.Errorf("%s/%s: %s is owned by field manager %q; edit it there", manifest.KindOf(base), base.GetName(), field, manager)
		}
		err = l.Patch(ctx, after, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), client.FieldOwner(fieldManager))
		if !apierrors.IsConflict(err) || attempt == attempts {
			return err
		}
		base = base.DeepCopyObject().(T)
		if err := l.Get(ctx, client.ObjectKeyFromObject(base), base); err != nil {
			return err
		}
	}
}
