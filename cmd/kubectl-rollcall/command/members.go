package command

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/internal/roster"
)

type memberJSON struct {
	Name    string   `json:"name"`
	Sources []string `json:"sources"`
}

type rejectedJSON struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

type membersAnswer struct {
	Members     []memberJSON   `json:"members,omitempty"`
	Rejected    []rejectedJSON `json:"rejected,omitempty"`
	Supervisors []string       `json:"supervisors,omitempty"`
}

func (p *plugin) members() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:   "members GROUP",
		Short: "Who is in a group, by which ways, and who was rejected",
		Args:  between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			if err := org.exists(roster.KindUserGroup, args[0]); err != nil {
				return err
			}
			answer := org.membersOf(args[0])
			return p.show(answer, answer.table)
		},
	})
}

func (o *organization) membersOf(group string) *membersAnswer {
	t := o.peek()
	out := &membersAnswer{}
	for _, name := range o.Roster.Members(t, group) {
		m := memberJSON{Name: name}
		for _, s := range o.Roster.Memberships(t, name).Of(group).Sources {
			m.Sources = append(m.Sources, s.String())
		}
		out.Members = append(out.Members, m)
	}
	for _, r := range o.Roster.RejectedMembers(t, group) {
		out.Rejected = append(out.Rejected, rejectedJSON{r.Name, r.Reason})
	}
	for _, ref := range o.Roster.UserGroup(t, group).Spec.Supervisors {
		if o.Roster.Teammate(t, ref.Name) != nil && o.Roster.Supervises(t, ref.Name, group) {
			out.Supervisors = append(out.Supervisors, ref.Name)
		}
	}
	slices.Sort(out.Supervisors)
	return out
}

func (a *membersAnswer) table(t *table) {
	t.row("MEMBER", "BY")
	for _, m := range a.Members {
		t.row(m.Name, strings.Join(m.Sources, ", "))
	}
	if len(a.Rejected) > 0 {
		t.line("")
		t.row("REJECTED", "REASON")
		for _, r := range a.Rejected {
			t.row(r.Name, r.Reason)
		}
	}
	if len(a.Supervisors) > 0 {
		t.line("")
		t.list("supervisors:", a.Supervisors)
	}
}
