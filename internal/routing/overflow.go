package routing

import (
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// loop is what the overflow graph says of one target.
type loop struct {
	// ignored are the targets of its edges inside a strongly connected component, sorted.
	ignored []Target
	// path is one cycle from the target back to itself; empty without one.
	path []Target
}

func sameLoop(a, b loop) bool {
	return slices.Equal(a.ignored, b.ignored) && slices.Equal(a.path, b.path)
}

// edgesFrom are the targets that an object hands items to, by overflow and out of hours, sorted. Objects that do not
// route now are nodes like others, so that enabling one never moves a cycle.
func (p *Planner) edgesFrom(t *incr.Task, x Target) []Target {
	var out []Target
	for _, d := range p.specified(t, x) {
		if y, ok := d.target(); ok {
			out = append(out, y)
		}
	}
	slices.SortFunc(out, compareTargets)
	return slices.Compact(out)
}

// specified are the overflow and the out-of-hours destination as the object has them, defaults filled in.
func (p *Planner) specified(t *incr.Task, x Target) [2]Destination {
	switch x.Kind {
	case KindDepartment:
		if d := p.roster.Department(t, x.Name); d != nil {
			overflow, _ := departmentOverflow(d)
			return [2]Destination{overflow, departmentOutOfHours(d)}
		}
	case KindUserGroup:
		if d := dialing(p.roster.UserGroup(t, x.Name)); d != nil {
			return [2]Destination{groupDestination(d.Overflow), groupDestination(d.OutOfHours)}
		}
	case KindQueue:
		if q := p.roster.Queue(t, x.Name); q != nil {
			return [2]Destination{groupDestination(q.Spec.Overflow), groupDestination(q.Spec.OutOfHours)}
		}
	}
	return [2]Destination{}
}

// target is the object that a destination names, false if it names none.
func (d Destination) target() (Target, bool) {
	switch kind := Kind(d.Type); kind {
	case KindDepartment, KindQueue, KindUserGroup:
		return Target{Kind: kind, Name: d.Name}, true
	default:
		return Target{}, false
	}
}

func departmentOverflow(d *rollcallv1.Department) (to Destination, after *time.Duration) {
	o := d.Spec.Routing.Overflow
	if o == nil || o.Type == "" {
		return Destination{Type: DestinationUnassigned}, nil
	}
	if o.After != nil {
		after = &o.After.Duration
	}
	return Destination{Type: string(o.Type), Name: value(o.Name)}, after
}

func departmentOutOfHours(d *rollcallv1.Department) Destination {
	if o := d.Spec.OutOfHours; o != nil && o.Type != "" {
		return Destination{Type: string(o.Type), Name: value(o.Name)}
	}
	return Destination{Type: DestinationUnassigned}
}

func groupDestination(o *rollcallv1.GroupOverflow) Destination {
	if o == nil || o.Type == "" {
		return Destination{Type: DestinationHangup}
	}
	return Destination{Type: string(o.Type), Name: value(o.Name)}
}

// loopAt finds which edges of x lie on a cycle: those whose end reaches x again. The walk visits what x reaches, each once.
func (p *Planner) loopAt(t *incr.Task, x Target) loop {
	var out loop
	for _, y := range p.edges.Get(t, x) {
		back := p.pathBetween(t, y, x)
		if back == nil {
			continue
		}
		out.ignored = append(out.ignored, y)
		if out.path == nil {
			out.path = append([]Target{x}, back...)
		}
	}
	return out
}

// pathBetween is a shortest path along the overflow graph with both ends, nil if there is none.
func (p *Planner) pathBetween(t *incr.Task, from, to Target) []Target {
	if from == to {
		return []Target{to}
	}
	cameFrom := map[Target]Target{from: from}
	for work := []Target{from}; len(work) > 0; work = work[1:] {
		for _, next := range p.edges.Get(t, work[0]) {
			if _, seen := cameFrom[next]; seen {
				continue
			}
			cameFrom[next] = work[0]
			if next == to {
				return walkBack(cameFrom, to)
			}
			work = append(work, next)
		}
	}
	return nil
}

func walkBack(cameFrom map[Target]Target, to Target) []Target {
	path := []Target{to}
	for at := to; cameFrom[at] != at; {
		at = cameFrom[at]
		path = append(path, at)
	}
	slices.Reverse(path)
	return path
}

// exists says whether an object is a node of the overflow graph; a dialing group or queue also while it is switched off.
func (p *Planner) exists(t *incr.Task, x Target) bool {
	switch x.Kind {
	case KindDepartment:
		return p.roster.Department(t, x.Name) != nil
	case KindUserGroup:
		return dialing(p.roster.UserGroup(t, x.Name)) != nil
	case KindQueue:
		return p.roster.Exists(t, roster.KindQueue, x.Name)
	default:
		return false
	}
}

// OverflowCycle is one cycle of the overflow graph through x, written a -> b -> a, or "" (condition OverflowAcyclic).
func (p *Planner) OverflowCycle(t *incr.Task, x Target) string {
	var names []string
	for _, y := range p.loops.Get(t, x).path {
		names = append(names, strings.ToLower(string(y.Kind))+"/"+y.Name)
	}
	return strings.Join(names, " -> ")
}

// effective is a destination of x after cycle removal: an edge on a cycle, or to an object that does not exist, gives way
// to the default of the kind. kept says that the destination is the specified one.
func (p *Planner) effective(t *incr.Task, x Target, specified Destination, byDefault string) (d Destination, kept bool) {
	y, named := specified.target()
	if !named {
		return specified, true
	}
	if slices.Contains(p.loops.Get(t, x).ignored, y) || !p.exists(t, y) {
		return Destination{Type: byDefault}, false
	}
	return specified, true
}
