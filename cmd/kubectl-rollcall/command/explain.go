package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/internal/access"
)

type explainAnswer struct {
	Allowed bool            `json:"allowed"`
	Paths   [][]access.Step `json:"paths,omitempty"`
	Removed []removalJSON   `json:"removed,omitempty"`
}

func (p *plugin) explain() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:     "explain TEAMMATE PERMISSION [PROFILE]",
		Aliases: []string{"why"},
		Short:   "Every path that grants a permission; if it is denied, what took it away",
		Args:    between(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			q, err := org.question(args)
			if err != nil {
				return err
			}
			x := org.Access.Explain(q.teammate, q.permission, q.profile)
			answer := explainAnswer{x.Allowed, x.Paths, removalsJSON(x.Removed)}
			if err := p.show(answer, func(t *table) { answer.table(t, org, q, x.Reason) }); err != nil {
				return err
			}
			if !x.Allowed {
				p.hint(org, q.permission, q.profile, "")
				return no
			}
			return nil
		},
	})
}

// table draws the paths as a tree: steps that two paths share at their beginning are printed once.
func (a explainAnswer) table(t *table, o *organization, q question, reason access.Reason) {
	t.line("%s: %s (%s)", q, yesNo(a.Allowed, "yes", "no"), reason)
	var shown []access.Step
	for _, path := range a.Paths {
		same := 0
		for same < len(path) && same < len(shown) && path[same] == shown[same] {
			same++
		}
		for depth := same; depth < len(path); depth++ {
			s := path[depth]
			at := o.place(s.Object, s.Field)
			t.line("%s%s %s: %s%s", strings.Repeat("  ", depth+1), s.Object, s.Field, s.Effect, yesNo(at == "", "", "  ("+at+")"))
		}
		shown = path
	}
	if len(a.Paths) == 0 && len(a.Removed) == 0 {
		t.line("  no role that they hold there grants %s", q.permission)
	}
	for _, r := range a.Removed {
		t.line("  taken away: %s", o.removalText(q, r))
	}
}

// removalText says for people what took a permission away.
func (o *organization) removalText(q question, r removalJSON) string {
	object, field, text := r.By+"/"+r.Name, "spec.denies", "denies it"
	switch r.By {
	case access.ByGate:
		return "the gate of " + q.teammate + " is closed (" + r.Name + ")"
	case access.ByVisibility:
		return "Profile/" + r.Name + " is not visible to " + q.teammate + ": no group, direct entry or role shows it, or it is disabled"
	case access.ByRecordingAccess:
		return "recording access of " + r.Name + " is disabled (spec.voice.recordingAccess)"
	case access.ByCeiling:
		object, field, text = "AccountRole/"+r.Name, "spec.profileCeiling", "the ceiling does not let it through"
	}
	at := o.place(object, field)
	return object + " " + field + ": " + text + yesNo(at == "", "", "  ("+at+")")
}
