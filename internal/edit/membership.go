package edit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// draft is one person while the operations are done to them.
type draft struct {
	engine     *engine.Engine // as it was, for names
	now        time.Time
	operations []Operation
	create     []string // groups that may be made

	before, after *rollcallv1.Teammate
	// held are the entries under spec.members of groups that name the person; explicit as they shall be.
	held, explicit map[string]rollcallv1.Window
	joins          []string // groups that the person is put into
	leaves         []string // groups that the person is taken out of by name
	moved          string   // the group that is to be the only one
	notes          []string
	changed        map[string]entry // what comes of it under spec.members, by group
}

// do does all operations on a copy of the person as they were.
func (d *draft) do() error {
	d.after = d.before.DeepCopy()
	d.explicit = maps.Clone(d.held)
	d.joins, d.leaves, d.moved, d.notes, d.changed = nil, nil, "", nil, nil
	for _, o := range d.operations {
		if err := o.apply(d); err != nil {
			return err
		}
	}
	d.changed = d.entriesChanged()
	return nil
}

func (d *draft) note(text string) {
	if !slices.Contains(d.notes, text) {
		d.notes = append(d.notes, text)
	}
}

// entries are the changes under spec.members, by group.
func (d *draft) entries() map[string]entry { return d.changed }

func (d *draft) entriesChanged() map[string]entry {
	out := map[string]entry{}
	for group := range d.held {
		if _, stays := d.explicit[group]; !stays {
			out[group] = entry{person: d.before.Name, leaves: true}
		}
	}
	for group, window := range d.explicit {
		if was, held := d.held[group]; !held || !equality.Semantic.DeepEqual(was, window) {
			out[group] = entry{person: d.before.Name, window: window}
		}
	}
	return out
}

// needs refuses names that no object has.
func (d *draft) needs(kind, name, otherwise string) error {
	if kind == roster.KindUserGroup && slices.Contains(d.create, name) || d.engine.Roster.Exists(nil, kind, name) {
		return nil
	}
	return fmt.Errorf("%s %q does not exist; %s", kind, name, otherwise)
}

// AddGroup makes the person a member within a window, in which the zero value means for good. Entries that name the group
// already get the window; without one, the group lists the person.
type AddGroup struct {
	Name   string
	Window rollcallv1.Window
	Create bool
}

func (o AddGroup) creates() string { return created(o.Name, o.Create) }

func (o AddGroup) apply(d *draft) error {
	if err := d.needs(roster.KindUserGroup, o.Name, "expected a group, or --create-group"); err != nil {
		return err
	}
	d.claim(o.Name, o.Window)
	return nil
}

func (d *draft) claim(group string, window rollcallv1.Window) {
	_, listed := d.explicit[group]
	own := slices.IndexFunc(d.after.Spec.Groups, func(g rollcallv1.TeammateGroup) bool { return g.Name == group })
	if own >= 0 {
		d.after.Spec.Groups[own].Window = window
	}
	if listed || own < 0 {
		d.explicit[group] = window
	}
	d.joins = append(without(d.joins, group), group)
	d.leaves = without(d.leaves, group)
}

// RemoveGroup takes away the entries of both sides that make the person a member of a group (V-27).
type RemoveGroup struct{ Name string }

func (o RemoveGroup) apply(d *draft) error {
	if !d.drop(o.Name) {
		if err := d.needs(roster.KindUserGroup, o.Name, "expected a group"); err != nil {
			return err
		}
	}
	d.leaves = append(without(d.leaves, o.Name), o.Name)
	return nil
}

// drop removes the entries that name a group, and the primary group if it is that one. It reports whether there were any.
func (d *draft) drop(group string) bool {
	_, found := d.explicit[group]
	delete(d.explicit, group)
	own := len(d.after.Spec.Groups)
	d.after.Spec.Groups = slices.DeleteFunc(d.after.Spec.Groups, func(g rollcallv1.TeammateGroup) bool { return g.Name == group })
	found = found || len(d.after.Spec.Groups) < own
	if ref := d.after.Spec.PrimaryGroupRef; ref != nil && ref.Name == group && found {
		d.after.Spec.PrimaryGroupRef = nil
	}
	d.joins = without(d.joins, group)
	return found
}

// MoveToGroup makes a group the only one that the person is put into: entries of both sides for every other group go, with
// or without a window (V-43, S-10).
type MoveToGroup struct {
	Name   string
	Create bool
}

func (o MoveToGroup) creates() string { return created(o.Name, o.Create) }

func (o MoveToGroup) apply(d *draft) error {
	if err := d.needs(roster.KindUserGroup, o.Name, "expected a group, or --create-group"); err != nil {
		return err
	}
	others := slices.Collect(maps.Keys(d.explicit))
	for _, g := range d.after.Spec.Groups {
		others = append(others, g.Name)
	}
	for _, group := range others {
		if group != o.Name {
			d.drop(group)
		}
	}
	d.joins, d.leaves, d.moved = nil, nil, o.Name
	d.claim(o.Name, rollcallv1.Window{})
	return nil
}

func created(group string, create bool) string {
	if !create {
		return ""
	}
	return group
}

func without(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == name })
}

// ways are the sources of a membership as `members` prints them.
func ways(m *roster.Membership) string {
	var out []string
	for _, s := range m.Sources {
		out = append(out, s.String())
	}
	return strings.Join(out, ", ")
}
