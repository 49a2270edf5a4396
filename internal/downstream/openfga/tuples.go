package openfga

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Conditions of the model, with the one parameter that a tuple gives.
const (
	conditionAllows  = "allows"
	conditionUntil   = "until"
	parameterAllows  = "permissions"
	parameterExpires = "expires"
)

// attribute is one list of a record: the tuples of one relation between the record, whose id stands on one side, and objects of one
// type on the other. It is an attribute of the image.
type attribute struct {
	name     string
	kind     downstream.Kind
	relation string // without slot
	slotted  bool   // the relation exists twice
	other    string // type of the other side
	asUser   bool   // the record is the user; otherwise it is the object
	userset  string // the relation of the record that is the user
}

var attributes = []*attribute{
	{name: "account", kind: downstream.Access, relation: "granted", slotted: true, other: typeOrganization, asUser: true},
	{name: "profiles", kind: downstream.Access, relation: "granted", slotted: true, other: typeProfile, asUser: true},
	{name: "groups", kind: downstream.Access, relation: "conveys", other: typeGroup, asUser: true},
	{name: "organization", kind: downstream.Groups, relation: "organization", other: typeOrganization},
	{name: "idle", kind: downstream.Groups, relation: "idle", other: typeOrganization},
	{name: "members", kind: downstream.Groups, relation: "listed", slotted: true, other: typeTeammate},
	{name: "supervisors", kind: downstream.Groups, relation: "supervisor", other: typeTeammate},
	{name: "profiles", kind: downstream.Groups, relation: "granted", slotted: true, other: typeProfile, asUser: true, userset: "answerer"},
}

// typeOf is the type of the objects that records of a kind are about.
func typeOf(kind downstream.Kind) string {
	if kind == downstream.Groups {
		return typeGroup
	}
	return typeTeammate
}

// slot is one of the two relations that a slotted one is.
type slot int

const (
	slotA slot = iota
	slotB
)

var slotSuffixes = [...]string{slotA: "_a", slotB: "_b"}

func (a *attribute) relationIn(s slot) string {
	if !a.slotted {
		return a.relation
	}
	return a.relation + slotSuffixes[s]
}

// key returns the tuple between a record and an id, in a slot, without its condition.
func (a *attribute) key(record, id string, in slot) *openfgav1.TupleKey {
	self, other := typeOf(a.kind)+":"+record, a.other+":"+id
	if !a.asUser {
		return &openfgav1.TupleKey{Object: self, Relation: a.relationIn(in), User: other}
	}
	if a.userset != "" {
		self += "#" + a.userset
	}
	return &openfgav1.TupleKey{Object: other, Relation: a.relationIn(in), User: self}
}

// conditions are written as the name and the parameter that the tuple gives: "allows care.reply care.view",
// "until 2027-03-01T00:00:00Z", or nothing.

func allows(permissions []string) string {
	sorted := permissions
	if !slices.IsSorted(sorted) {
		sorted = slices.Sorted(slices.Values(permissions))
	}
	return conditionAllows + " " + strings.Join(slices.Compact(slices.Clone(sorted)), " ")
}

func until(at *time.Time) string {
	if at == nil {
		return ""
	}
	return conditionUntil + " " + at.UTC().Format(time.RFC3339Nano)
}

func conditionOf(text string) *openfgav1.RelationshipCondition {
	name, parameter, _ := strings.Cut(text, " ")
	switch name {
	case conditionAllows:
		// A map, in which a key is found at once: looking through a list costs more than servers permit a condition.
		fields := map[string]*structpb.Value{}
		for p := range strings.FieldsSeq(parameter) {
			fields[p] = structpb.NewBoolValue(true)
		}
		return condition(name, parameterAllows, structpb.NewStructValue(&structpb.Struct{Fields: fields}))
	case conditionUntil:
		return condition(name, parameterExpires, structpb.NewStringValue(parameter))
	}
	return nil
}

func condition(name, parameter string, value *structpb.Value) *openfgav1.RelationshipCondition {
	return &openfgav1.RelationshipCondition{Name: name, Context: &structpb.Struct{Fields: map[string]*structpb.Value{parameter: value}}}
}

// textOf is the other way. What somebody else wrote differs from anything of ours.
func textOf(c *openfgav1.RelationshipCondition) string {
	if c == nil {
		return ""
	}
	fields := c.GetContext().GetFields()
	if len(fields) == 1 {
		switch value := fields[parameterAllows]; {
		case c.GetName() == conditionAllows && value.GetStructValue() != nil:
			return allows(slices.Sorted(maps.Keys(value.GetStructValue().GetFields())))
		case c.GetName() == conditionUntil:
			if at, err := time.Parse(time.RFC3339Nano, fields[parameterExpires].GetStringValue()); err == nil {
				return until(&at)
			}
		}
	}
	return "other " + strings.NewReplacer("\n", " ").Replace(fmt.Sprintf("%s %v", c.GetName(), c.GetContext().AsMap()))
}

// entry is one tuple of an attribute: an id and a condition.
type entry struct{ id, condition string }

func (e entry) line() string {
	if e.condition == "" {
		return e.id
	}
	return e.id + " " + e.condition
}

func entryOf(line string) entry {
	id, condition, _ := strings.Cut(line, " ")
	return entry{id, condition}
}

// stored is what a store holds of an attribute, by slot: conditions by id.
type stored [len(slotSuffixes)]map[string]string

func (s *stored) put(in slot, e entry) {
	if s[in] == nil {
		s[in] = map[string]string{}
	}
	s[in][e.id] = e.condition
}

// holdings is all that a store holds of a record.
type holdings map[*attribute]*stored

func (h holdings) put(a *attribute, in slot, e entry) {
	if h[a] == nil {
		h[a] = &stored{}
	}
	h[a].put(in, e)
}

func (h holdings) empty() bool { return len(h) == 0 }

// slotsOf is where the image of what was read tells in which slots entries are that are not in the first one alone. It has no part
// in comparisons, since nothing that ought to be there has it.
const slotsOf = "slots"

// image returns what was read of a record of a kind. Of an entry in both slots the image has what counts, which is the one that
// covers the other; if neither does, it has both, and equals nothing that ought to be there.
func (h holdings) image(kind downstream.Kind) downstream.Image {
	im := downstream.Image{}
	var slots []string
	for _, a := range attributes {
		if a.kind != kind {
			continue
		}
		var lines []string
		s := h[a]
		if s == nil {
			s = &stored{}
		}
		for id, condition := range s[slotA] {
			e := entry{id, condition}
			other, both := s[slotB][id]
			if both {
				slots = append(slots, a.name+slotSuffixes[slotA]+" "+e.line())
			}
			if !both || !covers(other, condition) {
				lines = append(lines, e.line())
			}
		}
		for id, condition := range s[slotB] {
			e := entry{id, condition}
			slots = append(slots, a.name+slotSuffixes[slotB]+" "+e.line())
			other, both := s[slotA][id]
			if !both || covers(condition, other) || !covers(other, condition) {
				lines = append(lines, e.line())
			}
		}
		im[a.name] = joined(lines)
	}
	if len(slots) > 0 {
		im[slotsOf] = joined(slots)
	}
	return im
}

func joined(lines []string) string {
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// holdingsOf is the other way.
func holdingsOf(kind downstream.Kind, im downstream.Image) holdings {
	h := holdings{}
	for _, a := range attributes {
		if a.kind != kind {
			continue
		}
		elsewhere := map[string]bool{}
		for line := range strings.SplitSeq(im[slotsOf], "\n") {
			for in, suffix := range slotSuffixes {
				if rest, ok := strings.CutPrefix(line, a.name+suffix+" "); ok {
					e := entryOf(rest)
					h.put(a, slot(in), e)
					elsewhere[e.id] = true
				}
			}
		}
		if im[a.name] == "" {
			continue
		}
		for line := range strings.SplitSeq(im[a.name], "\n") {
			if e := entryOf(line); !elsewhere[e.id] {
				h.put(a, slotA, e)
			}
		}
	}
	return h
}

// wanted is what a store ought to hold of a record: conditions by id. An attribute that is not there is not managed.
type wanted map[*attribute]map[string]string

func (w wanted) image() downstream.Image {
	im := downstream.Image{}
	for a, entries := range w {
		lines := make([]string, 0, len(entries))
		for id, condition := range entries {
			lines = append(lines, entry{id, condition}.line())
		}
		im[a.name] = joined(lines)
	}
	return im
}

// wantedOf is the other way.
func wantedOf(kind downstream.Kind, im downstream.Image) wanted {
	w := wanted{}
	for _, a := range attributes {
		text, managed := im[a.name]
		if a.kind != kind || !managed {
			continue
		}
		w[a] = map[string]string{}
		if text == "" {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			e := entryOf(line)
			w[a][e.id] = e.condition
		}
	}
	return w
}

// nothing is what ought to be left of a record that goes.
func nothing(kind downstream.Kind) wanted {
	w := wanted{}
	for _, a := range attributes {
		if a.kind == kind {
			w[a] = nil
		}
	}
	return w
}

// covers reports whether who has one condition has all that another one gives.
func covers(condition, other string) bool {
	if condition == other || condition == "" {
		return true
	}
	name, parameter, _ := strings.Cut(condition, " ")
	otherName, otherParameter, _ := strings.Cut(other, " ")
	if name != otherName {
		return false
	}
	switch name {
	case conditionUntil:
		end, err := time.Parse(time.RFC3339Nano, parameter)
		otherEnd, otherErr := time.Parse(time.RFC3339Nano, otherParameter)
		return err == nil && otherErr == nil && !end.Before(otherEnd)
	case conditionAllows:
		return setOf(strings.Fields(otherParameter)).within(setOf(strings.Fields(parameter)))
	}
	return false
}

// step is one tuple that comes or goes, for a change. There are many, so a tuple is made when it is sent.
type step struct {
	*attribute
	record string // id
	entry
	in            slot
	remove        bool
	change, phase int
}

func (a *attribute) write(record string, e entry, in slot) step {
	return step{attribute: a, record: record, entry: e, in: in, phase: a.comes()}
}

func (a *attribute) remove(record, id string, in slot, phase int) step {
	return step{attribute: a, record: record, entry: entry{id: id}, in: in, remove: true, phase: phase}
}

// tuple returns the tuple with its condition, of which equal ones are one and the same in known.
func (s *step) tuple(known map[string]*openfgav1.RelationshipCondition) *openfgav1.TupleKey {
	t := s.key(s.record, s.id, s.in)
	if s.condition == "" {
		return t
	}
	c := known[s.condition]
	if c == nil {
		c = conditionOf(s.condition)
		known[s.condition] = c
	}
	t.Condition = c
	return t
}

// difference returns what brings what is stored of a record to what is wanted, in a fixed order.
func difference(record string, have holdings, want wanted) (steps []step) {
	for _, a := range attributes {
		entries, managed := want[a]
		if !managed {
			continue
		}
		s := have[a]
		if s == nil {
			s = &stored{}
		}
		for _, id := range slices.Sorted(maps.Keys(entries)) {
			steps = append(steps, a.bring(record, entry{id, entries[id]}, s)...)
		}
		for in := range s {
			for _, id := range slices.Sorted(maps.Keys(s[in])) {
				if _, stays := entries[id]; !stays {
					steps = append(steps, a.remove(record, id, slot(in), a.leaves()))
				}
			}
		}
	}
	return steps
}

// bring has an entry count as it ought to. Whoever answers a question reads one slot after the other, so what is the case before
// and afterwards has to be in one and the same tuple all the time: where more is given, the old tuple stays beside the new one. It
// goes when its slot is needed.
func (a *attribute) bring(record string, e entry, s *stored) (steps []step) {
	free, victim := slot(-1), slotB
	exact := slot(-1)
	for in := range slotSuffixes {
		condition, used := s[in][e.id]
		switch {
		case !used && free < 0 && (in == 0 || a.slotted):
			free = slot(in)
		case used && condition == e.condition && exact < 0:
			exact = slot(in)
		}
	}
	if exact < 0 {
		if free < 0 {
			if !a.slotted || covers(s[slotB][e.id], s[slotA][e.id]) {
				victim = slotA
			}
			steps = append(steps, a.remove(record, e.id, victim, a.comes()))
			free = victim
		}
		steps = append(steps, a.write(record, e, free))
		exact = free
	}
	for in := range slotSuffixes {
		if condition, used := s[in][e.id]; used && slot(in) != exact && !covers(e.condition, condition) {
			steps = append(steps, a.remove(record, e.id, slot(in), a.leaves()))
		}
	}
	return steps
}

// place of a tuple in the records: of which one it is a part, in which attribute and slot; ok is false for what is nobody's business.
func placed(t *openfgav1.TupleKey) (id downstream.ID, a *attribute, in slot, e entry, ok bool) {
	objectType, object, _ := strings.Cut(t.GetObject(), ":")
	userType, user, _ := strings.Cut(t.GetUser(), ":")
	user, userset, _ := strings.Cut(user, "#")
	relation := t.GetRelation()
	for _, a := range attributes {
		if a.asUser {
			if objectType != a.other || userType != typeOf(a.kind) || userset != a.userset {
				continue
			}
		} else if objectType != typeOf(a.kind) || userType != a.other || userset != "" {
			continue
		}
		for in := range slotSuffixes {
			if relation != a.relationIn(slot(in)) {
				continue
			}
			id, e := downstream.ID{Kind: a.kind, Key: object}, entry{user, textOf(t.GetCondition())}
			if a.asUser {
				id.Key, e.id = user, object
			}
			return id, a, slot(in), e, true
		}
	}
	return downstream.ID{}, nil, 0, entry{}, false
}
