package command

import (
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

type resultJSON struct {
	Teammate string `json:"teammate"`
	Result   string `json:"result"`
	Message  string `json:"message,omitempty"`
}

// Results of changes to teammates (CLI.md, edit).
const (
	resultSucceeded = "Succeeded"
	resultUnchanged = "Unchanged"
	resultFailed    = "Failed"
)

type resultsAnswer struct {
	Results []resultJSON `json:"results,omitempty"`
}

func (p *plugin) confirm() *cobra.Command {
	c := &cobra.Command{
		Use:   "confirm NAMES...",
		Short: "Confirm accounts, where no connected system does",
		Long: "Sets the annotation " + rollcallv1.AnnotationConfirmedAt + " on teammates of a cluster, unless they are confirmed already.\n" +
			"In files it is an annotation like any other: write it there.",
		Args: between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			if p.options.offline() {
				return usageError("confirm changes a cluster; expected no -f and no -k (in files, set the annotation %s)", rollcallv1.AnnotationConfirmedAt)
			}
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			l, err := p.connect()
			if err != nil {
				return err
			}
			names := make([]string, len(args))
			for i, arg := range args {
				if names[i], err = org.teammate(arg); err != nil {
					return err
				}
			}
			answer := &resultsAnswer{}
			failed := false
			for _, name := range names {
				r := resultJSON{Teammate: name}
				if at := org.Roster.Confirmed(org.peek(), r.Teammate); at != nil && !at.IsZero() { // zero: only assumed
					r.Result, r.Message = resultUnchanged, "confirmed since "+at.UTC().Format(time.RFC3339)
				} else if err := l.confirm(c, r.Teammate, p.now()); err != nil {
					r.Result, r.Message, failed = resultFailed, err.Error(), true
				} else {
					r.Result = resultSucceeded
				}
				answer.Results = append(answer.Results, r)
			}
			if err := p.show(answer, answer.table); err != nil {
				return err
			}
			if failed {
				return no
			}
			return nil
		},
	}
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	return c
}

// confirm sets the annotation on the object as it was read; somebody else's change in between is not overwritten.
func (l *live) confirm(c *cobra.Command, name string, now time.Time) error {
	for attempt := 0; ; attempt++ {
		var tm rollcallv1.Teammate
		if err := l.Get(c.Context(), client.ObjectKey{Namespace: l.namespace, Name: name}, &tm); err != nil {
			return err
		}
		before := tm.DeepCopy()
		if tm.Annotations == nil {
			tm.Annotations = map[string]string{}
		}
		tm.Annotations[rollcallv1.AnnotationConfirmedAt] = now.UTC().Format(time.RFC3339)
		err := l.Patch(c.Context(), &tm, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(fieldManager))
		if !apierrors.IsConflict(err) || attempt == 4 {
			return err
		}
	}
}

func (a *resultsAnswer) table(t *table) {
	t.row("TEAMMATE", "RESULT", "MESSAGE")
	for _, r := range a.Results {
		t.row(r.Teammate, r.Result, r.Message)
	}
}
