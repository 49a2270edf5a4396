package command

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// editing is one run of edit as the command line gives it.
type editing struct {
	steps       []step
	selector    string
	groups      []string
	roles       []string
	skills      []string
	all         bool
	createGroup bool
	dryRun      bool
}

func (p *plugin) edit() *cobra.Command {
	e := &editing{}
	c := &cobra.Command{
		Use:   "edit NAMES...|--selector S|--group G|--with-role R|--with-skill S|--all",
		Short: "Change many teammates at once, in files or on a cluster",
		Long: "Does what the flags say to every selected teammate, in the order of the flags. Whoever it cannot be done to is reported as\n" +
			"Failed, the others go on. With -f the files are edited: comments, order and everything else stay. -f - prints the edited\n" +
			"documents. On a cluster the changes are patches of field manager " + fieldManager + "; fields that another manager owns are left alone.",
		Example: "  kubectl rollcall edit ana ben --max-chats 4 --add-skill french=4 --dry-run\n" +
			"  kubectl rollcall edit --group sales --move-to-group service --create-group\n" +
			"  kubectl rollcall edit ana --add-group night --until \"fri 18:00\" -f people",
		Args: between(0, -1),
		RunE: func(c *cobra.Command, args []string) error { return p.runEdit(c, e, args) },
	}
	p.reading(c)
	e.addFlags(c)
	return c
}

func (e *editing) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&e.selector, "selector", "l", "", "teammates whose labels match, such as language=fr,team!=night")
	f.StringArrayVar(&e.groups, "group", nil, "effective members of a group")
	f.StringArrayVar(&e.roles, "with-role", nil, "teammates with an account role")
	f.StringArrayVar(&e.skills, "with-skill", nil, "teammates with a skill")
	f.BoolVar(&e.all, "all", false, "every teammate")
	f.BoolVar(&e.dryRun, "dry-run", false, "show what changes for whom, and write nothing")
	f.BoolVar(&e.createGroup, "create-group", false, "make the group of --move-to-group or --add-group if it does not exist")
	e.stepFlags(f)
}

// runEdit tries the edit, writes what succeeded unless it is a dry run, and reports.
func (p *plugin) runEdit(c *cobra.Command, e *editing, args []string) error {
	if err := p.checkEdit(e, args); err != nil {
		return err
	}
	var stdin []byte
	if slices.Contains(p.options.files, "-") {
		var err error
		if stdin, err = io.ReadAll(p.In); err != nil {
			return fmt.Errorf("reading stdin: %w", err)
		}
		p.In = bytes.NewReader(stdin)
	}
	in, err := p.gather(c.Context())
	if err != nil {
		return err
	}
	org, err := p.compute(in)
	if err != nil {
		return err
	}
	people, err := org.selected(e, args)
	if err != nil {
		return err
	}
	operations, err := org.operations(e)
	if err != nil {
		return err
	}
	outcome := in.desk(org).Try(people, operations)
	failed := map[string]string{}
	switch {
	case !p.options.offline():
		failed, err = p.editCluster(c.Context(), outcome, e.dryRun)
	case len(p.options.kustomize) == 0:
		failed, err = p.editFiles(in, outcome, stdin, e.dryRun)
	}
	if err != nil {
		return err
	}
	return p.report(outcome, failed, stdin != nil && !e.dryRun)
}

// checkEdit refuses what the command line alone makes impossible.
func (p *plugin) checkEdit(e *editing, args []string) error {
	if err := p.options.check(); err != nil {
		return err
	}
	filtered := e.selector != "" || len(e.groups)+len(e.roles)+len(e.skills) > 0
	switch {
	case len(e.steps) == 0:
		return usageError("edit has nothing to do; expected flags such as --role or --add-group")
	case len(args) > 0 && (filtered || e.all), e.all && filtered:
		return usageError("teammates are selected in several ways; expected names, or --all, or --selector, --group, --with-role and --with-skill, which narrow each other")
	case len(args) == 0 && !filtered && !e.all:
		return usageError("nobody is selected; expected names, --selector, --group, --with-role, --with-skill or --all")
	case p.options.offline() && len(p.options.files)+len(p.options.kustomize) == 0:
		return usageError("--state-from is read only; expected -f with the files to edit")
	case len(p.options.kustomize) > 0 && !e.dryRun:
		return usageError("-k builds manifests from others; expected -f with the files to edit, or --dry-run")
	}
	return nil
}

// desk is what the edit is tried on.
func (in *inputs) desk(org *organization) edit.Desk {
	return edit.Desk{
		Before: org.Engine, Fresh: func() *engine.Engine { return in.engine(org.now) },
		Refuse: refuse, Namespace: in.namespace,
	}
}

// selected are the names of the teammates to edit: as named, else sorted.
func (o *organization) selected(e *editing, args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		name, err := o.teammate(arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(args) > 0 {
		return out, nil
	}
	filters, err := o.filters(e)
	if err != nil {
		return nil, err
	}
	for _, name := range o.names(roster.KindTeammate) {
		tm := o.Roster.Teammate(nil, name)
		if !slices.ContainsFunc(filters, func(keep func(*rollcallv1.Teammate) bool) bool { return !keep(tm) }) {
			out = append(out, name)
		}
	}
	if len(out) == 0 && !e.all {
		return nil, inputError("no teammate in namespace %s is what %s; expected somebody to edit", o.namespace, e.asked())
	}
	return out, nil
}

// asked are the filters as they were written.
func (e *editing) asked() string {
	var out []string
	if e.selector != "" {
		out = append(out, "--selector "+e.selector)
	}
	for _, f := range []struct {
		flag   string
		values []string
	}{{"--group", e.groups}, {"--with-role", e.roles}, {"--with-skill", e.skills}} {
		for _, v := range f.values {
			out = append(out, f.flag+" "+v)
		}
	}
	if len(out) == 1 {
		return out[0] + " asks for"
	}
	return strings.Join(out, " and ") + " ask for"
}

// filters are the conditions of the flags; all must hold.
func (o *organization) filters(e *editing) ([]func(*rollcallv1.Teammate) bool, error) {
	var out []func(*rollcallv1.Teammate) bool
	if e.selector != "" {
		selector, err := labels.Parse(e.selector)
		if err != nil {
			return nil, usageError("--selector: %w; expected labels such as language=fr,team!=night", err)
		}
		out = append(out, func(tm *rollcallv1.Teammate) bool { return selector.Matches(labels.Set(tm.Labels)) })
	}
	for _, group := range e.groups {
		if err := o.exists(roster.KindUserGroup, group); err != nil {
			return nil, err
		}
		members := o.Roster.Members(o.peek(), group)
		out = append(out, func(tm *rollcallv1.Teammate) bool {
			_, member := slices.BinarySearch(members, tm.Name)
			return member
		})
	}
	for _, role := range e.roles {
		if _, builtin := roster.BuiltinAccountRole(role, false); !builtin {
			if err := o.exists(roster.KindAccountRole, role); err != nil {
				return nil, err
			}
		}
		out = append(out, func(tm *rollcallv1.Teammate) bool { return o.Roster.Holding(o.peek(), tm.Name).Name == role })
	}
	for _, skill := range e.skills {
		if _, declared := o.Roster.MaxSkillLevel(o.peek(), skill); !declared {
			return nil, inputError("skill %q is unknown in namespace %s; expected one of Organization.spec.skills", skill, o.namespace)
		}
		out = append(out, func(tm *rollcallv1.Teammate) bool {
			return slices.ContainsFunc(tm.Spec.Skills, func(s rollcallv1.TeammateSkill) bool { return s.Name == skill })
		})
	}
	return out, nil
}

// report prints the results; failed are those whose changes could not be written. aside prints them on stderr, because
// stdout is for the documents.
func (p *plugin) report(outcome *edit.Outcome, failed map[string]string, aside bool) error {
	answer := &resultsAnswer{}
	code := error(nil)
	for _, r := range outcome.Results {
		row := resultJSON{Teammate: r.Teammate, Result: string(r.Verdict), Message: r.Message}
		if why, not := failed[r.Teammate]; not {
			row.Result, row.Message = resultFailed, why
		}
		if row.Result == resultFailed {
			code = no
		}
		answer.Results = append(answer.Results, row)
	}
	if len(answer.Results) == 0 {
		p.note("note: nobody is selected")
	}
	if aside {
		for _, r := range answer.Results {
			p.note("note: %s: %s %s", r.Teammate, r.Result, r.Message)
		}
		return code
	}
	if err := p.show(answer, answer.table); err != nil {
		return err
	}
	return code
}
