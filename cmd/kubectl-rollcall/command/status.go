package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// The roll call looks this far ahead: who leaves, and what expires.
const (
	leavingWithin  = time.Hour
	expiringWithin = 7 * 24 * time.Hour
)

type targetStatus struct {
	Target string `json:"target"`
	Open   bool   `json:"open"`
	Next   string `json:"next,omitempty"`

	changesAt *metav1.Time
	outcome   routing.Outcome
}

type expiry struct {
	Object string      `json:"object"`
	Field  string      `json:"field"`
	What   string      `json:"what"`
	At     metav1.Time `json:"at"`
}

type conflict struct {
	Object  string `json:"object"`
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
}

type statusAnswer struct {
	Targets   []targetStatus `json:"targets,omitempty"`
	Expiring  []expiry       `json:"expiring,omitempty"`
	Conflicts []conflict     `json:"conflicts,omitempty"`

	Downstreams []downstreamStatus `json:"downstreams,omitempty"`
}

func (p *plugin) status() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:   "status",
		Short: "The roll call: what is open, who is next, who leaves, what expires, conflicts, connected systems",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("unknown command %q; see %s --help", args[0], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			answer := org.rollCall()
			return p.show(answer, func(t *table) { answer.table(t, org) })
		},
	})
}

func (o *organization) rollCall() *statusAnswer {
	out := &statusAnswer{}
	for _, x := range o.Routing.Targets(o.peek()) {
		r := o.routeTo(x, routing.Item{}, routing.State{}, "")
		s := targetStatus{Target: r.Target, Open: r.Open, changesAt: r.ChangesAt, outcome: r.Outcome}
		if len(r.Offers) > 0 {
			s.Next = r.Offers[0].Name
		}
		out.Targets = append(out.Targets, s)
	}
	slices.SortFunc(out.Targets, func(a, b targetStatus) int { return strings.Compare(a.Target, b.Target) })
	out.Expiring = o.expiring()
	out.Conflicts = o.conflicts()
	out.Downstreams = o.downstreams()
	return out
}

// conflicts are the conditions of objects that want the same thing, or go round in circles.
func (o *organization) conflicts() []conflict {
	between := []string{rollcallv1.ReasonDuplicateKey, rollcallv1.ReasonDuplicateHandle, rollcallv1.ReasonExclusiveConflict, rollcallv1.ReasonIncludeCycle,
		rollcallv1.ReasonInboundConflict, rollcallv1.ReasonOverflowCycle, rollcallv1.ReasonLeaderCycle, rollcallv1.ReasonSettingsConflict, rollcallv1.ReasonSupervisorIsMember}
	var out []conflict
	for _, f := range o.Lint.Findings() {
		if slices.Contains(between, f.Rule) {
			out = append(out, conflict{f.Object, f.Rule, f.Message})
		}
	}
	return out
}

// expiring lists the ends of windows within a week, and who goes off shift or away within the hour, by time.
func (o *organization) expiring() []expiry {
	var out []expiry
	add := func(object, field, what string, at *metav1.Time, within time.Duration) {
		if at != nil && at.After(o.now) && !at.After(o.now.Add(within)) {
			out = append(out, expiry{object, field, what, metav1.NewTime(at.UTC())})
		}
	}
	t := o.peek()
	for _, name := range o.names(roster.KindTeammate) {
		if !o.Lifecycle.Open(t, name) {
			continue
		}
		tm, object := o.Roster.Teammate(t, name), "Teammate/"+name
		add(object, "spec.until", "leaves the organization", tm.Spec.Until, expiringWithin)
		for _, e := range tm.Spec.Groups {
			add(object, "spec.groups["+e.Name+"]", "leaves UserGroup/"+e.Name, e.Until, expiringWithin)
		}
		for _, e := range tm.Spec.Profiles {
			add(object, "spec.profiles["+e.Name+"]", "loses Profile/"+e.Name, e.Until, expiringWithin)
		}
		for _, e := range tm.Spec.Absences {
			add(object, "spec.absences["+e.Name+"]", "is absent from then on", e.From, leavingWithin)
		}
		if ref := tm.Spec.ScheduleRef; ref != nil {
			if s := o.Routing.Hours(nil, ref.Name); s != nil && s.Open(o.now) {
				if at, ok := s.NextTransition(o.now); ok {
					add(object, "spec.scheduleRef", "goes off shift", new(metav1.NewTime(at)), leavingWithin)
				}
			}
		}
	}
	for _, name := range o.names(roster.KindUserGroup) {
		g, object := o.Roster.UserGroup(t, name), "UserGroup/"+name
		for _, e := range g.Spec.Members {
			add(object, "spec.members["+e.Name+"]", "loses Teammate/"+e.Name, e.Until, expiringWithin)
		}
		for _, e := range g.Spec.Profiles {
			add(object, "spec.profiles["+e.Name+"]", "loses Profile/"+e.Name, e.Until, expiringWithin)
		}
	}
	for _, name := range o.names(roster.KindMention) {
		if status := o.Mention(name); status.Phase == rollcallv1.MentionPhasePending {
			conversation := o.Roster.Mention(t, name).Spec.Conversation.ExternalID
			add("Mention/"+name, "status.expiresAt", "no longer opens conversation "+conversation, status.ExpiresAt, expiringWithin)
		}
	}
	slices.SortFunc(out, func(a, b expiry) int {
		return cmp.Or(a.At.Compare(b.At.Time), strings.Compare(a.Object, b.Object), strings.Compare(a.Field, b.Field))
	})
	return out
}

func (a *statusAnswer) table(t *table, o *organization) {
	object := o.Roster.Organization(o.peek())
	counts := o.Counts()
	t.line("%s  %s  %d teammates (%d active), %d groups", or(valueOf(object.Spec.DisplayName), o.namespace), local(o.now, o.zone), counts.Teammates, counts.Active, counts.Groups)
	if len(a.Targets) > 0 {
		t.line("")
		t.row("TARGET", "OPEN", "CHANGES", "NEXT")
		for _, s := range a.Targets {
			changes := "-"
			if s.changesAt != nil {
				changes = local(s.changesAt.Time, o.zone)
			}
			t.row(s.Target, yesNo(s.Open, "yes", "no"), changes, or(s.Next, "- ("+string(s.outcome)+")"))
		}
	}
	if len(a.Expiring) > 0 {
		t.line("")
		t.row("WHEN", "WHO", "WHAT")
		for _, e := range a.Expiring {
			t.row(local(e.At.Time, o.zone), e.Object, e.What)
		}
	}
	if len(a.Conflicts) > 0 {
		t.line("")
		t.row("CONFLICT", "REASON", "MESSAGE")
		for _, c := range a.Conflicts {
			t.row(c.Object, c.Reason, c.Message)
		}
	}
	if len(a.Downstreams) > 0 {
		downstreamTable(t, a.Downstreams)
	}
	if len(a.Targets)+len(a.Expiring)+len(a.Conflicts)+len(a.Downstreams) == 0 {
		fmt.Fprintln(t.w, "no departments, no dialled groups, nothing expires, no conflicts")
	}
}
