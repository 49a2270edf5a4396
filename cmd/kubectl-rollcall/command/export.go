package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/adopt"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

type exportFlags struct {
	downstream, dir string
	wanted, foreign bool
}

// recordJSON is one record that a Downstream is to be given.
type recordJSON struct {
	Kind    string             `json:"kind"`
	Key     string             `json:"key"`
	Name    string             `json:"name"`
	Active  bool               `json:"active"`
	Cause   string             `json:"cause,omitempty"` // why it is not active
	Content downstream.Content `json:"content"`
}

type recordsAnswer struct {
	Records []recordJSON `json:"records,omitempty"`
}

// export shows what a connected system holds, or what it ought to.
func (p *plugin) export() *cobra.Command {
	flags := &exportFlags{}
	c := &cobra.Command{
		Use:   "export --downstream NAME",
		Short: "What a connected system holds today, as manifests, for adoption",
		Long: "Reads what the system of a Downstream holds and writes manifests: Teammates, UserGroups and Schedules, as far as the system\n" +
			"knows them. It asks the system from here, with the Secret of the Downstream, which you must be allowed to read. Nothing is\n" +
			"changed. With --wanted it shows the records that the system ought to hold instead; that needs no Secret, and works on files.",
		Args: between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case flags.downstream == "":
				return usageError("expected --downstream with the name of a Downstream")
			case flags.wanted && (flags.dir != "" || flags.foreign):
				return usageError("--wanted shows records; expected neither -d nor --foreign")
			case flags.wanted:
				return p.exportWanted(c.Context(), flags.downstream)
			case p.options.offline():
				return usageError("what a system holds can be asked with a cluster, where its Secret is; expected no -f and no -k, or --wanted")
			}
			return p.exportHeld(c.Context(), flags)
		},
	}
	p.reading(c)
	f := c.Flags()
	f.StringVar(&flags.downstream, "downstream", "", "name of the Downstream")
	f.BoolVar(&flags.wanted, "wanted", false, "the records that the system ought to hold")
	f.BoolVar(&flags.foreign, "foreign", false, "only what the Downstream does not own there")
	f.StringVarP(&flags.dir, "dir", "d", "", "write a file for each object into this folder")
	return c
}

// exportWanted shows the records that the engine derives for a Downstream.
func (p *plugin) exportWanted(ctx context.Context, name string) error {
	org, err := p.load(ctx)
	if err != nil {
		return err
	}
	if err := org.exists(roster.KindDownstream, name); err != nil {
		return err
	}
	records := desired.New(org.Engine)
	answer := &recordsAnswer{}
	for _, w := range records.Records(records.IDs(plan.PolicyOf(&org.Roster.Downstream(org.peek(), name).Spec).Records)) {
		answer.Records = append(answer.Records, recordJSON{string(w.Kind), w.Key, w.Name, w.Active, string(w.Cause), w.Content})
	}
	return p.show(answer, func(t *table) {
		t.row("KIND", "NAME", "KEY", "ACTIVE", "BECAUSE")
		for _, r := range answer.Records {
			t.row(r.Kind, r.Name, r.Key, yesNo(r.Active, "yes", "no"), or(r.Cause, "-"))
		}
	})
}

// exportHeld writes manifests of what the system holds.
func (p *plugin) exportHeld(ctx context.Context, flags *exportFlags) error {
	if p.options.output != "table" && p.options.output != "yaml" {
		return usageError("-o %s is for --wanted; manifests are YAML", p.options.output)
	}
	l, err := p.connect()
	if err != nil {
		return err
	}
	d, err := l.downstream(ctx, flags.downstream)
	if err != nil {
		return err
	}
	found, err := p.readSystem(ctx, l, d, flags.foreign)
	if err != nil {
		return err
	}
	known, err := l.peopleByKey(ctx)
	if err != nil {
		return err
	}
	made := adopt.Found(found, func(key string) string { return known[key] })
	files, err := p.filesOf(&made, d.Namespace)
	if err != nil {
		return err
	}
	for _, kind := range downstream.Kinds {
		if n := made.Passed[kind]; n > 0 {
			p.note("note: %d records of kind %s have no manifest: they follow from other objects, or name nobody", n, kind)
		}
	}
	p.note("%d Schedules, %d Teammates, %d UserGroups", len(made.Schedules), len(made.Teammates), len(made.Groups))
	if err := p.writeFiles(flags.dir, files); err != nil {
		return err
	}
	return p.judge(files)
}

// readSystem asks the system of a Downstream for everything of its kinds, or for what is not owned.
func (p *plugin) readSystem(ctx context.Context, l *live, d *rollcallv1.Downstream, foreign bool) ([]downstream.Found, error) {
	inventory, err := l.inventory(ctx, d.Name, foreign)
	if err != nil {
		return nil, err
	}
	driver, err := controllers.OpenDriver(ctx, l.config, l, d)
	if err != nil {
		return nil, notAnswered(d.Name, err)
	}
	defer driver.Close()
	capabilities := driver.Capabilities()
	if capabilities.WriteOnly {
		return nil, inputError("Downstream/%s: spec.driver: a system of driver %s cannot be read", d.Name, d.Spec.Driver)
	}
	kinds := slices.DeleteFunc(plan.PolicyOf(&d.Spec).Records, func(k downstream.Kind) bool { return !slices.Contains(capabilities.Kinds, k) })
	reading, err := driver.Read(ctx, downstream.ReadRequest{Kinds: kinds, Owned: inventory.ByRemoteID, Pins: inventory.Pins()})
	if err != nil {
		return nil, notAnswered(d.Name, err)
	}
	for _, kind := range kinds {
		if !slices.Contains(reading.Complete, kind) {
			p.note("note: the system did not prove that it showed everything of kind %s", kind)
		}
	}
	return slices.DeleteFunc(reading.Records, func(f downstream.Found) bool {
		_, byID := inventory.ByRemoteID(f.Kind, f.RemoteID)
		_, byKey := inventory.Get(downstream.ID{Kind: f.Kind, Key: f.Key})
		return foreign && (byID || byKey)
	}), nil
}

// inventory reads what is owned. Who may not read the Ledger can only be told of everything.
func (l *live) inventory(ctx context.Context, name string, needed bool) (*plan.Inventory, error) {
	ledgers, err := l.ledgers(ctx)
	if err != nil && needed {
		return nil, clusterError(err)
	}
	return plan.OpenInventory(name, ledgers), nil
}

// peopleByKey are the names of Teammates by identity key.
func (l *live) peopleByKey(ctx context.Context) (map[string]string, error) {
	objects, err := l.objects(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, o := range objects {
		if tm, ok := o.(*rollcallv1.Teammate); ok {
			if key := roster.IdentityKey(tm.Spec.Identity); key != "" {
				out[key] = tm.Name
			}
		}
	}
	return out, nil
}

// notAnswered is the failure to ask a system: its class and code, never what it said.
func notAnswered(name string, err error) error {
	e, ours := errors.AsType[*downstream.Error](err)
	switch {
	case !ours:
		return denial("Downstream/%s: %w", name, err)
	case errors.Is(err, downstreamcontroller.ErrNotOptedIn):
		return denial("Downstream/%s: nothing was sent: %w", name, e)
	case e.Class == downstream.Unavailable:
		return &failure{exitUnreachable, fmt.Errorf("asking the system of Downstream/%s: %w; expected to reach it, and to be allowed to read its Secret", name, e)}
	}
	return denial("Downstream/%s: %w", name, e)
}

// filesOf are the manifests, one a file.
func (p *plugin) filesOf(made *adopt.Manifests, namespace string) ([]file, error) {
	var objects []metav1.Object
	for _, o := range made.Schedules {
		objects = append(objects, o)
	}
	for _, o := range made.Teammates {
		objects = append(objects, o)
	}
	for _, o := range made.Groups {
		objects = append(objects, o)
	}
	out := make([]file, len(objects))
	for i, o := range objects {
		o.SetNamespace(namespace)
		data, err := manifest.Write(false, o)
		if err != nil {
			return nil, err
		}
		out[i] = file{strings.ToLower(manifest.KindOf(o)) + "-" + o.GetName() + ".yaml", data}
	}
	return out, nil
}

// judge says which of the manifests the API server would refuse: a system may hold what no manifest can say.
func (p *plugin) judge(files []file) error {
	failed := 0
	for _, f := range files {
		_, errs := manifest.Parse([]manifest.Source{{Name: f.name, Data: f.data}}, metav1.NamespaceDefault)
		for _, e := range errs {
			p.note("warning: %s", e)
		}
		failed += min(len(errs), 1)
	}
	if failed > 0 {
		return denial("%d of %d manifests are not valid as they are: see the warnings", failed, len(files))
	}
	return nil
}
