package roster

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// due is what the controllers that publish are to look at: outputs by their own names, inputs as objects.
type due struct {
	access, plans map[string]struct{}
	inputs        map[lint.Object]struct{}
	// everything: all that there is, once, after a start.
	everything bool
}

func newDue() due {
	return due{access: map[string]struct{}{}, plans: map[string]struct{}{}, inputs: map[lint.Object]struct{}{}}
}

func planName(x routing.Target) string { return strings.ToLower(string(x.Kind)) + "-" + x.Name }

func (d *due) touched(t engine.Touched) {
	for _, name := range t.Access {
		d.access[name] = struct{}{}
	}
	for _, x := range t.Plans {
		d.plans[planName(x)] = struct{}{}
	}
	for _, o := range t.Inputs {
		d.inputs[o] = struct{}{}
		if o.Kind == roster.KindDepartment || o.Kind == roster.KindQueue { // its plan carries the same Routable
			d.plans[planName(routing.Target{Kind: routing.Kind(o.Kind), Name: o.Name})] = struct{}{}
		}
	}
}

// changed adds what the changed objects carry themselves: the generation they are observed at, and the owner of outputs,
// which is another one when an object was deleted and made again.
func (d *due) changed(batch []roster.Change) {
	for _, c := range batch {
		o := lint.ObjectOf(c.Object)
		d.inputs[o] = struct{}{}
		switch o.Kind {
		case roster.KindTeammate:
			d.access[o.Name] = struct{}{}
		case roster.KindUserGroup, roster.KindDepartment, roster.KindQueue, roster.KindCampaign:
			d.plans[strings.ToLower(o.Kind)+"-"+o.Name] = struct{}{}
		}
	}
}

// all adds everything that the engine has results for.
func (d *due) all(e *engine.Engine) {
	for _, kind := range roster.Kinds {
		for _, name := range e.Roster.Names(nil, kind) {
			d.inputs[lint.Object{Kind: kind, Name: name}] = struct{}{}
		}
	}
	d.inputs[lint.Object{Kind: roster.KindOrganization, Name: rollcallv1.OrganizationName}] = struct{}{}
	for _, name := range e.Roster.Names(nil, roster.KindTeammate) {
		d.access[name] = struct{}{}
	}
	for _, x := range e.Routing.Targets(nil) {
		d.plans[planName(x)] = struct{}{}
	}
	d.everything = true
}

// strays adds the outputs that exist, of which some may have lost their owner while nobody looked.
func (d *due) strays(s store, namespace string) {
	for _, o := range s.list(kindAccess, namespace) {
		d.access[o.GetName()] = struct{}{}
	}
	for _, o := range s.list(kindPlan, namespace) {
		d.plans[o.GetName()] = struct{}{}
	}
}

// send tells the controllers. After a start edits go first.
func (d *due) send(namespace string, lines Lines) {
	send := (*desk.Line).Send
	if d.everything {
		send = (*desk.Line).SendLater
	}
	for o := range d.inputs {
		if line := lines.Inputs[o.Kind]; line != nil {
			send(line, types.NamespacedName{Namespace: namespace, Name: o.Name})
		}
	}
	send(lines.Access, keysOf(namespace, d.access)...)
	send(lines.Plans, keysOf(namespace, d.plans)...)
}
