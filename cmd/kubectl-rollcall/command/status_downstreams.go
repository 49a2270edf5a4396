package command

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// downstreamStatus is one connected system in the roll call. What only its status says is left out while it has none, as on files.
type downstreamStatus struct {
	Name   string `json:"name"`
	Driver string `json:"driver"`
	Mode   string `json:"mode"`

	Synced  *bool  `json:"synced,omitempty"`
	Reason  string `json:"reason,omitempty"` // of the first condition that is not as it should be
	Message string `json:"message,omitempty"`
	// Creates, Updates and Removals are to be done and not done.
	Creates  *int32 `json:"creates,omitempty"`
	Updates  *int32 `json:"updates,omitempty"`
	Removals *int32 `json:"removals,omitempty"`
	Drifted  *bool  `json:"drifted,omitempty"`
	Held     *int32 `json:"held,omitempty"`
	HeldHash string `json:"heldHash,omitempty"`

	ApprovedAt *metav1.Time `json:"approvedAt,omitempty"`
}

// abnormal are the conditions of a Downstream in the order in which one explains the next, with what they are when all is well.
var abnormal = []struct {
	condition string
	well      metav1.ConditionStatus
}{
	{rollcallv1.ConditionReady, metav1.ConditionTrue},
	{rollcallv1.ConditionReachable, metav1.ConditionTrue},
	{rollcallv1.ConditionRemovalsHeld, metav1.ConditionFalse},
	{rollcallv1.ConditionDrifted, metav1.ConditionFalse},
	{rollcallv1.ConditionSynced, metav1.ConditionTrue},
}

// downstreams are the connected systems, by name.
func (o *organization) downstreams() []downstreamStatus {
	var out []downstreamStatus
	for _, name := range o.names(roster.KindDownstream) {
		out = append(out, statusOf(o.Roster.Downstream(o.peek(), name)))
	}
	return out
}

func statusOf(d *rollcallv1.Downstream) downstreamStatus {
	out := downstreamStatus{Name: d.Name, Driver: string(d.Spec.Driver), Mode: string(plan.PolicyOf(&d.Spec).Mode)}
	if len(d.Status.Conditions) == 0 {
		return out
	}
	is := func(condition string) *bool {
		c := meta.FindStatusCondition(d.Status.Conditions, condition)
		if c == nil {
			return nil
		}
		return new(c.Status == metav1.ConditionTrue)
	}
	out.Synced, out.Drifted = is(rollcallv1.ConditionSynced), is(rollcallv1.ConditionDrifted)
	for _, a := range abnormal {
		if c := meta.FindStatusCondition(d.Status.Conditions, a.condition); c != nil && c.Status != a.well {
			out.Reason, out.Message = c.Reason, c.Message
			break
		}
	}
	if p := d.Status.Plan; p != nil {
		out.Creates, out.Updates, out.Removals = new(p.Creates), new(p.Updates), new(p.Removals)
		out.Held = new(int32(0))
	}
	if h := d.Status.Held; h != nil {
		out.Held, out.HeldHash, out.ApprovedAt = new(h.Count), h.Hash, h.ApprovedAt
	}
	return out
}

func downstreamTable(t *table, list []downstreamStatus) {
	t.line("")
	t.row("DOWNSTREAM", "DRIVER", "MODE", "SYNCED", "TO DO", "DRIFT", "HELD", "NOTE")
	for _, d := range list {
		t.row(d.Name, d.Driver, d.Mode, answerOf(d.Synced), d.toDo(), answerOf(d.Drifted), numberOf(d.Held), d.note())
	}
}

// toDo counts creations, updates and removals as +1 ~2 -3.
func (d *downstreamStatus) toDo() string {
	if d.Creates == nil {
		return "-"
	}
	var out []string
	for _, part := range []struct {
		sign string
		n    int32
	}{{"+", *d.Creates}, {"~", *d.Updates}, {"-", *d.Removals}} {
		if part.n > 0 {
			out = append(out, fmt.Sprintf("%s%d", part.sign, part.n))
		}
	}
	return or(strings.Join(out, " "), "0")
}

// note is why something is not as it should be, and what to do about what is held.
func (d *downstreamStatus) note() string {
	var out []string
	if d.Reason != "" {
		out = append(out, strings.TrimSuffix(d.Reason+": "+d.Message, ": "))
	}
	switch {
	case d.Held == nil || *d.Held == 0:
	case d.ApprovedAt != nil:
		out = append(out, "approved")
	default:
		out = append(out, "see kubectl rollcall approve "+d.Name)
	}
	return strings.Join(out, "; ")
}

func answerOf(b *bool) string {
	if b == nil {
		return "-"
	}
	return yesNo(*b, "yes", "no")
}

func numberOf(n *int32) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
