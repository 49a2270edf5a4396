package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
)

// takenIn is how long the operator is given to notice that an approval was taken back, before the same one is given anew.
const takenIn = 3 * time.Second

// approve releases the removals of a Downstream that are held, and exactly those that were shown.
func (p *plugin) approve() *cobra.Command {
	var hash string
	c := &cobra.Command{
		Use:   "approve DOWNSTREAM",
		Short: "Show the removals that are held, and release exactly those",
		Long: "Shows the removals that a Downstream holds back, asks, and approves them by the annotation " + rollcallv1.AnnotationApproveRemovals + ".\n" +
			"What is held by then and was not shown stays held: the approval is for their hash. It lapses after an hour. With --hash nobody is\n" +
			"asked: removals are approved if they have that hash, as somebody saw it before.",
		Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if p.options.offline() {
				return usageError("approve releases removals of a live organization; expected no -f and no -k")
			}
			return p.runApprove(c.Context(), args[0], hash)
		},
	}
	c.Flags().StringVar(&hash, "hash", "", "approve without asking, if this is the hash of what is held")
	p.fileFlags(c)
	p.clusterFlags(c)
	return c
}

func (p *plugin) runApprove(ctx context.Context, name, hash string) error {
	l, err := p.connect()
	if err != nil {
		return err
	}
	d, err := l.downstream(ctx, name)
	if err != nil {
		return err
	}
	held := d.Status.Held
	switch {
	case held == nil || held.Count == 0:
		if hash != "" {
			return denial("Downstream/%s: nothing is held, so nothing has the hash %s", name, hash)
		}
		fmt.Fprintf(p.Out, "Downstream/%s: no removals are held\n", name)
		return nil
	case hash != "" && held.Hash != hash:
		return denial("Downstream/%s: the %d removals held now have the hash %s, not %s; look at them and approve those", name, held.Count, held.Hash, hash)
	}
	p.showHeld(d, p.heldNames(ctx, d))
	if d.Annotations[rollcallv1.AnnotationApproveRemovals] == held.Hash && held.ApprovedAt != nil {
		fmt.Fprintf(p.Out, "approved since %s: they go as soon as that is possible\n", held.ApprovedAt.UTC().Format(time.RFC3339))
		return nil
	}
	if hash == "" && !p.agreed(fmt.Sprintf("Remove exactly these %d? [y/N] ", held.Count)) {
		fmt.Fprintln(p.Out, "nothing was approved")
		return no
	}
	if err := l.approve(ctx, d, held.Hash); err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "approved: the operator removes exactly these; the approval lapses after an hour\n")
	return nil
}

// downstream reads a Downstream.
func (l *live) downstream(ctx context.Context, name string) (*rollcallv1.Downstream, error) {
	d := &rollcallv1.Downstream{}
	err := l.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: name}, d)
	switch {
	case apierrors.IsNotFound(err):
		return nil, inputError("Downstream %q is unknown in namespace %s; expected the name of an object", name, l.namespace)
	case err != nil:
		return nil, clusterError(err)
	}
	return d, nil
}

// showHeld prints what is held. names are all of it; without any, the first ones in the status are all that is known.
func (p *plugin) showHeld(d *rollcallv1.Downstream, names []string) {
	held := d.Status.Held
	fmt.Fprintf(p.Out, "Downstream/%s holds %d removals, hash %s:\n", d.Name, held.Count, held.Hash)
	rest := 0
	if names == nil {
		names = held.First
		rest = int(held.Count) - len(names)
	}
	for _, name := range names {
		fmt.Fprintln(p.Out, "  "+clean(name))
	}
	if rest > 0 {
		fmt.Fprintf(p.Out, "  and %d more\n", rest)
	}
	if d.DeletionTimestamp != nil {
		fmt.Fprintln(p.Out, "The Downstream is being deleted with onDelete: Remove: everything that it owns is among them.")
	}
}

// heldNames are all removals that are held, as "Kind/name". The status has the first 20; the others follow from what is owned,
// which the Ledger knows, and from what is wanted, and are shown only if their hash proves that they are the ones. nil: nobody
// can tell.
func (p *plugin) heldNames(ctx context.Context, d *rollcallv1.Downstream) []string {
	held := d.Status.Held
	if int(held.Count) == len(held.First) {
		return held.First
	}
	in, err := p.fromCluster(ctx)
	if err != nil || in.assume {
		return nil // somebody who may not read the rest of the organization
	}
	org, err := p.compute(in)
	if err != nil {
		return nil
	}
	records := desired.New(org.Engine)
	items := map[downstream.ID]plan.Item{}
	policy := plan.PolicyOf(&d.Spec)
	for _, w := range records.Records(records.IDs(policy.Records)) {
		items[w.ID()] = plan.Item{Wanted: w}
	}
	removals, proved := plan.NameHeld(plan.Input{
		Policy: policy, Situation: records.Situation(), Inventory: plan.OpenInventory(d.Name, in.ledgers), Items: items,
		Wanted: records.Wanted, Present: records.Present, Cause: records.Cause,
	}, d.DeletionTimestamp != nil, held.Hash)
	if !proved {
		return nil
	}
	out := make([]string, len(removals))
	for i, r := range removals {
		out[i] = fmt.Sprintf("%s/%s", r.ID.Kind, r.Name)
	}
	return out
}

// agreed asks on stderr, and takes a line that begins with y for a yes; the end of the input is a no.
func (p *plugin) agreed(question string) bool {
	fmt.Fprint(p.Err, question)
	line, err := bufio.NewReader(p.In).ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		fmt.Fprintln(p.Err)
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line)))
}

// approve sets the annotation to the hash that was shown, on an object that holds exactly that at this moment: any other change
// of the object in between has it read again.
func (l *live) approve(ctx context.Context, d *rollcallv1.Downstream, hash string) error {
	if d.Annotations[rollcallv1.AnnotationApproveRemovals] == hash {
		// It was approved before, and that lapsed: the operator takes the same hash only after another value.
		if err := l.annotate(ctx, d, hash, ""); err != nil {
			return err
		}
		timer := time.NewTimer(takenIn)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if d, err = l.downstream(ctx, d.Name); err != nil {
			return err
		}
	}
	return l.annotate(ctx, d, hash, hash)
}

// annotate gives approve-removals a value, none if it is empty, as long as the removals with that hash are held.
func (l *live) annotate(ctx context.Context, d *rollcallv1.Downstream, hash, value string) error {
	for attempt := 1; ; attempt++ {
		if h := d.Status.Held; h == nil || h.Hash != hash {
			now := "nothing is held now"
			if h != nil {
				now = fmt.Sprintf("%d removals with the hash %s are held now", h.Count, h.Hash)
			}
			return denial("Downstream/%s: what is held changed meanwhile, nothing was approved: %s", d.Name, now)
		}
		changed := d.DeepCopy()
		if changed.Annotations == nil {
			changed.Annotations = map[string]string{}
		}
		changed.Annotations[rollcallv1.AnnotationApproveRemovals] = value
		if value == "" {
			delete(changed.Annotations, rollcallv1.AnnotationApproveRemovals)
		}
		err := l.Patch(ctx, changed, client.MergeFromWithOptions(d, client.MergeFromWithOptimisticLock{}), client.FieldOwner(fieldManager))
		if err == nil {
			return nil
		}
		if !apierrors.IsConflict(err) || attempt == attempts {
			return notApproved(err)
		}
		if d, err = l.downstream(ctx, d.Name); err != nil {
			return err
		}
	}
}

// notApproved is a no from a cluster that was reached, such as that of a policy, whatever its code.
func notApproved(err error) error {
	if _, answered := errors.AsType[*apierrors.StatusError](err); answered && !apierrors.IsNotFound(err) {
		return denial("nothing was approved: %w", err)
	}
	return clusterError(err)
}

// denial is a no that has a reason.
func denial(format string, args ...any) error {
	return &failure{exitNo, fmt.Errorf(format, args...)}
}
