package command

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// organization is what a command asks: one namespace, computed at one instant.
type organization struct {
	*engine.Engine
	namespace string
	now       time.Time
	zone      *time.Location
	// files holds the objects with their positions; nil on a cluster.
	files *manifest.Set
}

// inputs are the objects of one namespace.
type inputs struct {
	namespace string
	objects   []metav1.Object
	ledgers   []*rollcallv1.Ledger
	// outputs: the namespace has an EffectiveAccess or RoutePlan.
	outputs bool
	files   *manifest.Set
	// assume: nothing is known of the state, and the usual is taken for it (R-1, Offline).
	assume bool
	// lost: nothing is known of the state, and the worst is taken for it (--assume=none).
	lost bool
}

// load reads and computes the organization that the flags name.
func (p *plugin) load(ctx context.Context) (*organization, error) {
	if err := p.options.check(); err != nil {
		return nil, err
	}
	in, err := p.gather(ctx)
	if err != nil {
		return nil, err
	}
	return p.compute(in)
}

func (p *plugin) gather(ctx context.Context) (*inputs, error) {
	if !p.options.offline() {
		if p.options.assume != "" {
			return nil, usageError("--assume speaks of files; expected -f or -k with it")
		}
		return p.fromCluster(ctx)
	}
	set, errs, err := p.readFiles()
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, &failure{exitInput, errs}
	}
	return p.fromFiles(set)
}

// compute builds the engine at the instant that the flags name.
func (p *plugin) compute(in *inputs) (*organization, error) {
	var object *rollcallv1.Organization
	for _, o := range in.objects {
		if x, ok := o.(*rollcallv1.Organization); ok && x.Name == rollcallv1.OrganizationName {
			object = x
		}
	}
	if object == nil {
		return nil, inputError("Organization/default: no Organization named default in namespace %s; expected one (kubectl rollcall init writes it)", in.namespace)
	}
	org := &organization{namespace: in.namespace, files: in.files, zone: zoneOf(object)}
	now := p.now().UTC().Truncate(time.Second)
	at, err := instant(p.options.at, org.zone, now)
	if err != nil {
		return nil, err
	}
	org.now = at
	if in.assume {
		p.note("note: no state in the input: everybody counts as confirmed and every permission set as complete (--assume=none, --state-from)")
	}
	org.Engine = in.engine(at)
	return org, nil
}

// engine computes the objects at an instant.
func (in *inputs) engine(at time.Time) *engine.Engine {
	e := engine.New(at)
	e.Remember(in.ledgers, in.outputs || in.lost, in.mentions()...)
	if in.assume {
		e.Roster.AssumeConfirmed(true)
	}
	changes := make([]roster.Change, 0, len(in.objects))
	for _, o := range in.objects {
		changes = append(changes, roster.Change{Object: o})
	}
	e.Apply(at, changes...)
	return e
}

// mentions are the Mentions among the objects, whose status is part of the state.
func (in *inputs) mentions() []*rollcallv1.Mention {
	var out []*rollcallv1.Mention
	for _, o := range in.objects {
		if m, ok := o.(*rollcallv1.Mention); ok {
			out = append(out, m)
		}
	}
	return out
}

// zoneOf is the zone in which people of the organization read the clock; UTC where it cannot be loaded.
func zoneOf(o *rollcallv1.Organization) *time.Location {
	name := "UTC"
	if o.Spec.TimeZone != "" {
		name = o.Spec.TimeZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// readFiles reads what -f, -k and --state-from name. Errors of the input are returned apart from those of reading.
func (p *plugin) readFiles() (*manifest.Set, manifest.Errors, error) {
	sources, err := manifest.Paths(p.options.files, p.In)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	for _, dir := range p.options.kustomize {
		built, err := manifest.Kustomize(dir)
		if err != nil {
			return nil, nil, unreadable(err)
		}
		sources = append(sources, built)
	}
	set, errs := manifest.Parse(sources, p.fileNamespace())
	return set, errs, nil
}

// fileNamespace is that of objects without one.
func (p *plugin) fileNamespace() string {
	return cmp.Or(p.options.namespace, metav1.NamespaceDefault)
}

func unreadable(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return inputError("%s: %w; expected a readable file or folder", path.Path, path.Err)
	}
	return &failure{exitInput, err}
}

// fromFiles picks one organization out of the files, and its state.
func (p *plugin) fromFiles(set *manifest.Set) (*inputs, error) {
	var state *manifest.Set
	if p.options.stateFrom != "" {
		data, err := os.ReadFile(p.options.stateFrom)
		if err != nil {
			return nil, unreadable(err)
		}
		var errs manifest.Errors
		state, errs = manifest.Parse([]manifest.Source{{Name: p.options.stateFrom, Data: data}}, p.fileNamespace())
		if len(errs) > 0 {
			return nil, &failure{exitInput, errs}
		}
		if len(p.options.files) == 0 && len(p.options.kustomize) == 0 {
			set = state
		}
	}
	namespace, err := p.chooseNamespace(set)
	if err != nil {
		return nil, err
	}
	in := &inputs{namespace: namespace, files: set}
	for _, o := range set.Objects {
		if o.GetNamespace() != namespace {
			continue
		}
		switch x := o.Object.(type) {
		case *rollcallv1.Ledger:
			in.ledgers = append(in.ledgers, x)
		case *rollcallv1.EffectiveAccess, *rollcallv1.RoutePlan:
		default:
			in.objects = append(in.objects, x)
		}
	}
	if state != nil && state != set {
		in.takeState(state)
	}
	known := state != nil || len(in.ledgers) > 0
	in.lost = !known && p.options.assume == assumeNone
	in.assume = !known && p.options.assume == ""
	return in, nil
}

// takeState puts the state that a snapshot holds in the place of what stands in the input.
func (in *inputs) takeState(state *manifest.Set) {
	in.ledgers = nil
	statuses := map[string]rollcallv1.MentionStatus{}
	for _, o := range state.Objects {
		switch x := o.Object.(type) {
		case *rollcallv1.Ledger:
			in.ledgers = append(in.ledgers, x)
		case *rollcallv1.Mention:
			statuses[x.Name] = x.Status
		}
	}
	for _, m := range in.mentions() {
		m.Status = statuses[m.Name]
	}
}

// chooseNamespace is -n, or the one namespace that has an Organization.
func (p *plugin) chooseNamespace(set *manifest.Set) (string, error) {
	if p.options.namespace != "" {
		return p.options.namespace, nil
	}
	switch found := set.Organizations(); len(found) {
	case 0:
		return metav1.NamespaceDefault, nil
	case 1:
		return found[0], nil
	default:
		if slices.Contains(found, metav1.NamespaceDefault) {
			return metav1.NamespaceDefault, nil
		}
		return "", usageError("the input has organizations in namespaces %s; expected -n with one of them", strings.Join(found, ", "))
	}
}

// teammate resolves a TEAMMATE.
func (o *organization) teammate(text string) (string, error) {
	return o.people().named(o.namespace, text)
}

// names returns the objects of a kind, sorted.
func (o *organization) names(kind string) []string { return o.Roster.Names(o.peek(), kind) }

func (o *organization) peek() *incr.Task { return o.Roster.Graph.Peek() }

// exists refuses names that no object of the kind has.
func (o *organization) exists(kind, name string) error {
	if _, ok := slices.BinarySearch(o.Roster.Names(nil, kind), name); !ok {
		return inputError("%s %q is unknown in namespace %s; expected the name of an object", kind, name, o.namespace)
	}
	return nil
}

// place says where a field of an object stands, "" on a cluster.
func (o *organization) place(object, field string) string {
	kind, name, _ := strings.Cut(object, "/")
	if found := o.files.Find(o.namespace, kind, name); found != nil {
		return found.PositionOf(field).String()
	}
	return ""
}
