package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

type reflashJSON struct {
	Group   string `json:"group"`
	Result  string `json:"result"`
	Message string `json:"message,omitempty"`
}

type reflashAnswer struct {
	Results []reflashJSON `json:"results,omitempty"`
}

// reflash sets a new token, which stamps the permission set of a group on everybody and everything in it (R-10, E-20).
func (p *plugin) reflash() *cobra.Command {
	c := &cobra.Command{
		Use:   "reflash GROUP",
		Short: "Apply the permission set of a group to the people and profiles it has now",
		Long: "Sets a new spec.permissionSet.reflashToken, so that the profile role reaches the members and profiles that joined since the last.\n" +
			"With -f the files are edited, else the cluster, where fields of other managers are left alone.",
		Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error { return p.runReflash(c.Context(), args[0]) },
	}
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	return c
}

func (p *plugin) runReflash(ctx context.Context, name string) error {
	in, stdin, err := p.gatherToEdit(ctx, "reflash")
	if err != nil {
		return err
	}
	org, err := p.compute(in)
	if err != nil {
		return err
	}
	if err := org.exists(roster.KindUserGroup, name); err != nil {
		return err
	}
	group := org.Roster.UserGroup(nil, name)
	if group.Spec.PermissionSet == nil {
		return inputError("UserGroup/%s: spec.permissionSet: there is none; expected one with a profileRoleRef", name)
	}
	reflashed := func(g *rollcallv1.UserGroup) (*rollcallv1.UserGroup, error) {
		if g.Spec.PermissionSet == nil {
			return nil, errors.New("spec.permissionSet was taken away meanwhile")
		}
		out := g.DeepCopy()
		out.Spec.PermissionSet.ReflashToken = new(nextToken(p.now(), g.Spec.PermissionSet.ReflashToken))
		return out, nil
	}
	after, err := reflashed(group)
	if err != nil {
		return err
	}
	outcome := &edit.Outcome{Changed: []edit.Change{{Before: group, After: after, People: []string{name}}}}
	failed, err := write(ctx, p, in, outcome, stdin, reflashToken, reflashed)
	if err != nil {
		return err
	}
	return p.showReflash(reflashJSON{Group: name, Result: resultSucceeded, Message: org.stamped(group)}, failed[name], stdin != nil)
}

// showReflash prints the result; aside on stderr, because stdout is for the documents.
func (p *plugin) showReflash(r reflashJSON, failed string, aside bool) error {
	if failed != "" {
		r.Result, r.Message = resultFailed, failed
	}
	if aside {
		p.note("note: %s: %s", r.Group, strings.TrimSpace(r.Result+" "+r.Message))
	} else if err := p.show(&reflashAnswer{[]reflashJSON{r}}, func(t *table) {
		t.row("GROUP", "RESULT", "MESSAGE")
		t.row(r.Group, r.Result, r.Message)
	}); err != nil {
		return err
	}
	if failed != "" {
		return no
	}
	return nil
}

// reflashToken is the field that a reflash writes.
var reflashToken = edit.Path{{Field: "spec"}, {Field: "permissionSet"}, {Field: "reflashToken"}}

// nextToken is a token that was not there before: the time, counted on if that is the present one.
func nextToken(now time.Time, old *string) string {
	stamp := now.UTC().Format("20060102T150405Z")
	token := stamp
	for n := 2; old != nil && token == *old; n++ {
		token = fmt.Sprintf("%s-%d", stamp, n)
	}
	return token
}

// stamped says what waited for the reflash, or that nothing ever does.
func (o *organization) stamped(g *rollcallv1.UserGroup) string {
	application := *o.Roster.Policies(o.peek()).PermissionSetApplication
	if a := g.Spec.PermissionSet.Application; a != nil {
		application = *a
	}
	if application == rollcallv1.PermissionSetApplicationContinuous {
		return "the permission set is applied continuously: nothing waits for a token"
	}
	if pending := o.Lint.UserGroup(g.Name).Pending; pending != nil && pending.Members+pending.Profiles > 0 {
		return fmt.Sprintf("%d members and %d profiles were waiting", pending.Members, pending.Profiles)
	}
	return ""
}
