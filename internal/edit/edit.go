// Package edit changes many teammates at once: an ordered list of operations over the objects of one organization becomes
// changed objects and one result for each person. What the engine has against a person's changes makes that person Failed
// and leaves the others alone. Nothing is written here: callers put the changes into files or into a cluster, in the order
// that the package gives.
package edit

import (
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Verdict is the result for one person (CLI.md, edit).
type Verdict string

// Values of Verdict.
const (
	Succeeded Verdict = "Succeeded"
	Unchanged Verdict = "Unchanged"
	Failed    Verdict = "Failed"
)

// Result is what became of one person. Message says what changed, or why nothing did.
type Result struct {
	Teammate string
	Verdict  Verdict
	Message  string
}

// Change is one object that changes.
type Change struct {
	// Before is nil for an object that is new.
	Before, After metav1.Object
	// People are those whose changes it carries, in the order of the selection.
	People []string

	again func(fresh metav1.Object, people []string) (metav1.Object, error)
}

// Again makes the change once more for some of its people, on the object as it is by now. The error says why it cannot be
// made any more.
func (c *Change) Again(fresh metav1.Object, people []string) (metav1.Object, error) {
	return c.again(fresh, people)
}

// Outcome is an edit that was tried.
type Outcome struct {
	// Results has one entry for each person, in the order of the selection.
	Results []Result
	// Changed are the objects that differ in the end, groups before teammates, by name.
	Changed []Change
	// Steps are the changes in the order in which a cluster is to get them: new groups, groups that people leave, the
	// people, groups that they join. So nobody is in two groups in between (V-07, V-43).
	Steps [][]Change
}

// Desk is the organization to edit.
type Desk struct {
	// Before answers for the organization as it is. It is only read.
	Before *engine.Engine
	// Fresh computes the organization as it is anew; what it returns is used up.
	Fresh func() *engine.Engine
	// Refuse says what layer 1 has against changed objects, "" for nothing, in their order.
	Refuse func(changes []Change) []string
	// Namespace is that of new objects.
	Namespace string
}

// Try does the operations to each of the people, in their order, and asks layer 1 and the engine what they make of it. A
// person with any complaint fails as a whole, and the rest is tried again without.
func (d Desk) Try(people []string, operations []Operation) *Outcome {
	t := d.newTrial(people, operations)
	for {
		changed := t.changes()
		if t.refused(changed) {
			continue
		}
		after := d.after(changed)
		if t.judged(after) {
			continue
		}
		return &Outcome{Results: t.results(after), Changed: changed, Steps: t.steps()}
	}
}

// after is the organization with the changes.
func (d Desk) after(changed []Change) *engine.Engine {
	if len(changed) == 0 {
		return d.Before
	}
	after := d.Fresh()
	changes := make([]roster.Change, len(changed))
	for i, c := range changed {
		changes[i] = roster.Change{Object: c.After}
	}
	after.Apply(after.Roster.Now(), changes...)
	return after
}

// trial is one edit while it is tried.
type trial struct {
	Desk
	people []string
	drafts map[string]*draft
	failed map[string]string // person -> why
}

func (d Desk) newTrial(people []string, operations []Operation) *trial {
	t := &trial{Desk: d, people: people, drafts: map[string]*draft{}, failed: map[string]string{}}
	explicit := d.explicitClaims(people)
	create := newGroups(d.Before, operations)
	for _, name := range people {
		dr := &draft{
			engine: d.Before, now: d.Before.Roster.Now(), create: create,
			before: d.Before.Roster.Teammate(nil, name), operations: operations, held: explicit[name],
		}
		t.drafts[name] = dr
		if err := dr.do(); err != nil {
			t.failed[name] = err.Error()
		}
	}
	return t
}

// explicitClaims returns the entries under spec.members of all groups that name one of the people: person -> group -> window.
func (d Desk) explicitClaims(people []string) map[string]map[string]rollcallv1.Window {
	out := make(map[string]map[string]rollcallv1.Window, len(people))
	for _, name := range people {
		out[name] = map[string]rollcallv1.Window{}
	}
	for _, group := range d.Before.Roster.Names(nil, roster.KindUserGroup) {
		for _, m := range d.Before.Roster.UserGroup(nil, group).Spec.Members {
			if claims, selected := out[m.Name]; selected {
				claims[group] = m.Window
			}
		}
	}
	return out
}

// newGroups are the groups that operations may make because they do not exist.
func newGroups(e *engine.Engine, operations []Operation) []string {
	var out []string
	for _, o := range operations {
		if c, ok := o.(interface{ creates() string }); ok {
			if group := c.creates(); group != "" && !e.Roster.Exists(nil, roster.KindUserGroup, group) && !slices.Contains(out, group) {
				out = append(out, group)
			}
		}
	}
	return out
}

// standing are the people who have not failed.
func (t *trial) standing() []string {
	return slices.DeleteFunc(slices.Clone(t.people), func(name string) bool { _, failed := t.failed[name]; return failed })
}

// fail records why somebody fails; the first reason counts. It reports whether that is news.
func (t *trial) fail(name, why string) bool {
	if _, already := t.failed[name]; already {
		return false
	}
	t.failed[name] = why
	return true
}

// changes are the objects that differ with the changes of everybody who has not failed.
func (t *trial) changes() []Change {
	var out []Change
	for _, group := range t.groups() {
		edits := t.entriesOf(group, func(entry) bool { return true })
		if len(edits) == 0 {
			continue
		}
		before := t.Before.Roster.UserGroup(nil, group)
		if before == nil {
			c := groupChange(t.newGroup(group), edits)
			c.Before = nil
			out = append(out, c)
			continue
		}
		out = append(out, groupChange(before, edits))
	}
	return append(out, t.peopleChanged()...)
}

func (t *trial) newGroup(name string) *rollcallv1.UserGroup {
	g := &rollcallv1.UserGroup{}
	g.Name, g.Namespace = name, t.Namespace
	return g
}

// groups are those whose members anybody's changes touch, sorted.
func (t *trial) groups() []string {
	seen := map[string]bool{}
	for _, name := range t.standing() {
		for group := range t.drafts[name].entries() {
			seen[group] = true
		}
	}
	return sortedKeys(seen)
}

func (t *trial) peopleChanged() []Change {
	var out []Change
	for _, name := range t.standing() {
		dr := t.drafts[name]
		if dr.after == nil || equality.Semantic.DeepEqual(dr.before.Spec, dr.after.Spec) {
			continue
		}
		out = append(out, Change{Before: dr.before, After: dr.after, People: []string{name}, again: func(fresh metav1.Object, people []string) (metav1.Object, error) {
			tm, ok := fresh.(*rollcallv1.Teammate)
			if !ok || !slices.Contains(people, tm.Name) {
				return fresh, nil
			}
			redone := *dr
			redone.before = tm
			if err := redone.do(); err != nil {
				return nil, err
			}
			return redone.after, nil
		}})
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.After.GetName(), b.After.GetName()) })
	return out
}

// entry is what becomes of one person's entry under spec.members of a group.
type entry struct {
	person string
	leaves bool
	window rollcallv1.Window
}

// entriesOf are the entries of a group that change, in the order of the selection.
func (t *trial) entriesOf(group string, wanted func(entry) bool) []entry {
	var out []entry
	for _, name := range t.standing() {
		if en, ok := t.drafts[name].entries()[group]; ok && wanted(en) {
			out = append(out, en)
		}
	}
	return out
}

// groupChange changes the members of a group.
func groupChange(before *rollcallv1.UserGroup, edits []entry) Change {
	people := make([]string, len(edits))
	for i, en := range edits {
		people[i] = en.person
	}
	again := func(fresh metav1.Object, people []string) (metav1.Object, error) {
		g, ok := fresh.(*rollcallv1.UserGroup)
		if !ok {
			return nil, errors.New("not a UserGroup")
		}
		return withMembers(g, slices.DeleteFunc(slices.Clone(edits), func(en entry) bool { return !slices.Contains(people, en.person) })), nil
	}
	return Change{Before: before, After: withMembers(before, edits), People: people, again: again}
}

// withMembers is a group with changed members: who stays keeps the place, who joins comes last.
func withMembers(g *rollcallv1.UserGroup, edits []entry) *rollcallv1.UserGroup {
	out := g.DeepCopy()
	leaves := map[string]bool{}
	for _, en := range edits {
		leaves[en.person] = en.leaves
	}
	out.Spec.Members = slices.DeleteFunc(out.Spec.Members, func(m rollcallv1.Member) bool { return leaves[m.Name] })
	at := map[string]int{}
	for i, m := range out.Spec.Members {
		at[m.Name] = i
	}
	for _, en := range edits {
		if en.leaves {
			continue
		}
		i, member := at[en.person]
		if !member {
			out.Spec.Members = append(out.Spec.Members, rollcallv1.Member{Name: en.person})
			i = len(out.Spec.Members) - 1
		}
		out.Spec.Members[i].Window = en.window
	}
	return out
}

// steps are the changes in the order of writing (S-10).
func (t *trial) steps() [][]Change {
	var created, left, joined []Change
	for _, group := range t.groups() {
		before := t.Before.Roster.UserGroup(nil, group)
		if before == nil {
			before = t.newGroup(group)
			everybody := t.entriesOf(group, func(entry) bool { return true })
			made := groupChange(before, nil)
			made.Before = nil
			for _, en := range everybody {
				made.People = append(made.People, en.person)
			}
			created = append(created, made)
		}
		if leaving := t.entriesOf(group, func(en entry) bool { return en.leaves }); len(leaving) > 0 {
			left = append(left, groupChange(before, leaving))
		}
		if joining := t.entriesOf(group, func(en entry) bool { return !en.leaves }); len(joining) > 0 {
			joined = append(joined, groupChange(before, joining))
		}
	}
	var out [][]Change
	for _, step := range [][]Change{created, left, t.peopleChanged(), joined} {
		if len(step) > 0 {
			out = append(out, step)
		}
	}
	return out
}

func (t *trial) results(after *engine.Engine) []Result {
	out := make([]Result, len(t.people))
	for i, name := range t.people {
		r := Result{Teammate: name, Verdict: Succeeded}
		dr := t.drafts[name]
		why, failed := t.failed[name]
		switch {
		case failed:
			r.Verdict, r.Message = Failed, why
		case len(dr.entries()) == 0 && equality.Semantic.DeepEqual(dr.before.Spec, dr.after.Spec):
			r.Verdict, r.Message = Unchanged, strings.Join(dr.notes, "; ")
		default:
			r.Message = strings.Join(slices.Concat(t.effects(after, name), dr.notes, t.remarks(after, name)), "; ")
		}
		out[i] = r
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
