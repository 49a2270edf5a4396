package command

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

type validateAnswer struct {
	Findings []lint.Finding `json:"findings,omitempty"`

	places []string // of each finding
}

func (p *plugin) validate() *cobra.Command {
	c := &cobra.Command{
		Use:   "validate",
		Short: "Findings of schema, rules and references; on files without a cluster",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			answer, err := p.findings(c)
			if err != nil {
				return err
			}
			if err := p.show(answer, answer.table); err != nil {
				return err
			}
			if slices.ContainsFunc(answer.Findings, func(f lint.Finding) bool { return f.Severity == lint.SeverityError }) {
				return no
			}
			return nil
		},
	}
	return p.reading(c)
}

// findings are those of layer 1 if there are any: layer 4 would judge an organization without the objects that layer 1
// refuses, and report what only their absence causes.
func (p *plugin) findings(c *cobra.Command) (*validateAnswer, error) {
	if err := p.options.check(); err != nil {
		return nil, err
	}
	out := &validateAnswer{}
	var in *inputs
	if p.options.offline() {
		set, errs, err := p.readFiles()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(errs, func(e *manifest.Error) bool { return e.Unreadable }) {
			return nil, &failure{exitInput, errs}
		}
		if len(errs) > 0 {
			p.note("note: references and policies are judged once the objects themselves are valid")
			out.layer1(errs)
			return out, nil
		}
		if in, err = p.fromFiles(set); err != nil {
			return nil, err
		}
	} else {
		var err error
		if in, err = p.fromCluster(c.Context()); err != nil {
			return nil, err
		}
	}
	org, err := p.compute(in)
	if err != nil {
		return nil, err
	}
	out.Findings = org.Lint.Findings()
	for _, f := range out.Findings {
		out.places = append(out.places, org.place(f.Object, f.Field))
	}
	return out, nil
}

func (a *validateAnswer) layer1(errs manifest.Errors) {
	errs = slices.Clone(errs)
	slices.SortStableFunc(errs, func(x, y *manifest.Error) int {
		return cmp.Or(strings.Compare(x.Object, y.Object), strings.Compare(x.Field, y.Field), strings.Compare(x.Rule, y.Rule))
	})
	for _, e := range errs {
		a.Findings = append(a.Findings, lint.Finding{Severity: lint.SeverityError, Rule: e.Rule, Object: e.Object, Field: e.Field, Message: e.Message})
		a.places = append(a.places, e.Position.String())
	}
}

func (a *validateAnswer) table(t *table) {
	if len(a.Findings) == 0 {
		t.line("no findings")
		return
	}
	t.row("SEVERITY", "RULE", "WHERE", "OBJECT", "FIELD", "MESSAGE")
	for i, f := range a.Findings {
		t.row(f.Severity, f.Rule, or(a.places[i], "-"), f.Object, or(f.Field, "-"), f.Message)
	}
}
