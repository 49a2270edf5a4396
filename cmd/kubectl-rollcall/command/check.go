package command

import (
	"strings"

	"github.com/spf13/cobra"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

type sourceJSON struct {
	Type        rollcallv1.GrantSourceType `json:"type"`
	Name        string                     `json:"name,omitempty"`
	ProfileRole string                     `json:"profileRole,omitempty"`
}

type removalJSON struct {
	By   string `json:"by"`
	Name string `json:"name"`
}

type checkAnswer struct {
	Allowed bool          `json:"allowed"`
	Reason  access.Reason `json:"reason"`
	Sources []sourceJSON  `json:"sources,omitempty"`
	Removed []removalJSON `json:"removed,omitempty"`
}

func (p *plugin) check() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:   "check TEAMMATE PERMISSION [PROFILE]",
		Short: "May they? Without PROFILE: an account permission",
		Args:  between(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			q, err := org.question(args)
			if err != nil {
				return err
			}
			v := org.Access.Check(q.teammate, q.permission, q.profile)
			answer := checkAnswer{Allowed: v.Allowed, Reason: v.Reason, Sources: sourcesJSON(v.Sources), Removed: removalsJSON(v.Removed)}
			if err := p.show(answer, func(t *table) { answer.table(t, q) }); err != nil {
				return err
			}
			if !v.Allowed {
				p.hint(org, q.permission, q.profile, "")
				return no
			}
			return nil
		},
	})
}

// question is a permission asked about one teammate.
type question struct{ teammate, permission, profile string }

func (q question) String() string {
	out := q.teammate + " " + q.permission
	if q.profile != "" {
		out += " on " + q.profile
	}
	return out
}

// question reads TEAMMATE PERMISSION [PROFILE].
func (o *organization) question(args []string) (question, error) {
	var q question
	var err error
	if q.teammate, err = o.teammate(args[0]); err != nil {
		return q, err
	}
	q.permission = args[1]
	if !permission.ValidConcrete(q.permission) {
		return q, usageError("permission %q is not a concrete one; expected module.verb, such as care.reply", q.permission)
	}
	if len(args) > 2 {
		q.profile = args[2]
		err = o.exists(roster.KindProfile, q.profile)
	}
	return q, err
}

func sourcesJSON(sources []access.Source) []sourceJSON {
	var out []sourceJSON
	for _, s := range sources {
		out = append(out, sourceJSON{s.Type, s.Name, s.ProfileRole})
	}
	return out
}

func removalsJSON(removed []access.Removal) []removalJSON {
	var out []removalJSON
	for _, r := range removed {
		out = append(out, removalJSON(r))
	}
	return out
}

func (a checkAnswer) table(t *table, q question) {
	t.line("%s: %s (%s)", q, yesNo(a.Allowed, "yes", "no"), a.Reason)
	for _, s := range a.Sources {
		t.line("  by %s", s)
	}
	for _, r := range a.Removed {
		t.line("  taken away by %s", strings.TrimSuffix(r.By+"/"+r.Name, "/"))
	}
}

// String writes a source for people.
func (s sourceJSON) String() string {
	switch s.Type {
	case rollcallv1.GrantSourceTypeGroup:
		return "UserGroup/" + s.Name + " with ProfileRole/" + s.ProfileRole
	case rollcallv1.GrantSourceTypePractice:
		return "practice " + s.Name + " with ProfileRole/" + s.ProfileRole
	case rollcallv1.GrantSourceTypeDirect:
		return "direct grant of ProfileRole/" + s.ProfileRole
	}
	return "default ProfileRole/" + s.ProfileRole
}
