// Package adopt turns what was found in a connected system into manifests: people into Teammates, groups into UserGroups, and
// opening hours into Schedules, as far as the system holds them. It reads images of the form that downstream.ImageOf gives;
// attributes of another form are passed over. Plans and mentions follow from other objects and have no manifest. It is pure,
// and the same findings give the same manifests whatever their order.
package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Manifests are what was found, sorted by name.
type Manifests struct {
	Schedules []*rollcallv1.Schedule
	Teammates []*rollcallv1.Teammate
	Groups    []*rollcallv1.UserGroup
	// Passed counts the records without a manifest, by kind.
	Passed map[downstream.Kind]int
}

// Found makes manifests of what was found. known returns the name of the Teammate with an identity key, empty if there is none:
// whoever is a Teammate already keeps that name.
func Found(records []downstream.Found, known func(key string) string) Manifests {
	m := &maker{
		known: known, people: map[string]*rollcallv1.Teammate{}, taken: map[string]string{},
		out: Manifests{Passed: map[downstream.Kind]int{}},
	}
	records = slices.Clone(records)
	slices.SortFunc(records, func(a, b downstream.Found) int {
		return cmp.Or(downstream.ID{Kind: a.Kind, Key: a.Key}.Compare(downstream.ID{Kind: b.Kind, Key: b.Key}), strings.Compare(a.RemoteID, b.RemoteID))
	})
	for i := range records { // Users before Access: names are those of Users
		f := &records[i]
		if (f.Kind == downstream.Users || f.Kind == downstream.Access) && !m.person(f) {
			m.out.Passed[f.Kind]++
		}
	}
	for i := range records {
		if f := &records[i]; f.Kind == downstream.Users {
			m.leader(f)
		}
	}
	for i := range records {
		switch f := &records[i]; {
		case f.Kind == downstream.Groups:
			m.out.Groups = append(m.out.Groups, m.group(f))
		case f.Kind == downstream.Routes && downstream.IsSchedule(f.Key):
			m.out.Schedules = append(m.out.Schedules, schedule(f))
		case f.Kind == downstream.Routes, f.Kind == downstream.Mentions:
			m.out.Passed[f.Kind]++
		}
	}
	for _, tm := range m.people {
		m.out.Teammates = append(m.out.Teammates, tm)
	}
	slices.SortFunc(m.out.Teammates, func(a, b *rollcallv1.Teammate) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(m.out.Groups, func(a, b *rollcallv1.UserGroup) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(m.out.Schedules, func(a, b *rollcallv1.Schedule) int { return strings.Compare(a.Name, b.Name) })
	return m.out
}

type maker struct {
	known  func(key string) string
	people map[string]*rollcallv1.Teammate // by key
	taken  map[string]string               // names of people -> key
	out    Manifests
}

// attribute reads one attribute of an image; false if it is not there, null, or of another form.
func attribute[T any](f *downstream.Found, name string) (T, bool) {
	var value *T
	if err := json.Unmarshal([]byte(f.Image[name]), &value); err != nil || value == nil {
		var none T
		return none, false
	}
	return *value, true
}

// optional is an attribute that is left out where it is not there or empty.
func optional(f *downstream.Found, name string) *string {
	if text, ok := attribute[string](f, name); ok && text != "" {
		return &text
	}
	return nil
}

func texts(f *downstream.Found, name string) []string {
	list, _ := attribute[[]string](f, name)
	return list
}

// nameOf is the name of a record's object: what the system holds as such, else what its key or unique name gives.
func nameOf(f *downstream.Found, fallback string) string {
	if name := optional(f, "name"); name != nil {
		return objectName(*name)
	}
	if text := f.Image["name"]; text != "" && !json.Valid([]byte(text)) { // the name of the object as it is: see downstream.ImageOf
		return objectName(text)
	}
	return objectName(cmp.Or(fallback, f.Name, f.RemoteID))
}

// objectName makes the name of an object of a text: what a name cannot hold becomes a hyphen.
func objectName(text string) string {
	const longest = 63
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, text)
	out = strings.Trim(out, "-.")
	if len(out) > longest {
		out = strings.TrimRight(out[:longest], "-.")
	}
	if out == "" {
		return "unnamed-" + hash(text)
	}
	return out
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:3])
}

// schedule is a Schedule as it was.
func schedule(f *downstream.Found) *rollcallv1.Schedule {
	out := &rollcallv1.Schedule{}
	out.Name = nameOf(f, strings.TrimPrefix(f.Key, downstream.ScheduleKey("")))
	out.Spec.TimeZone = optional(f, "timeZone")
	if mode, ok := attribute[rollcallv1.ScheduleMode](f, "mode"); ok && mode != rollcallv1.ScheduleModeWeekly {
		out.Spec.Mode = mode
	}
	weekly, _ := attribute[[]downstream.Hours](f, "weekly")
	for _, h := range weekly {
		day := rollcallv1.Weekday(h.Day)
		i := slices.IndexFunc(out.Spec.Weekly, func(w rollcallv1.WeeklyHours) bool {
			return w.Open == h.Open && w.Close == h.Close && !slices.Contains(w.Days, day)
		})
		if i < 0 {
			out.Spec.Weekly = append(out.Spec.Weekly, rollcallv1.WeeklyHours{Open: h.Open, Close: h.Close})
			i = len(out.Spec.Weekly) - 1
		}
		out.Spec.Weekly[i].Days = append(out.Spec.Weekly[i].Days, day)
	}
	exceptions, _ := attribute[[]downstream.Exception](f, "exceptions")
	for _, e := range exceptions {
		x := rollcallv1.ScheduleException{Date: e.Date}
		if len(e.Spans) == 0 {
			x.Closed = new(true)
		}
		for _, s := range e.Spans {
			x.Hours = append(x.Hours, rollcallv1.Hours{Open: s.Open, Close: s.Close})
		}
		out.Spec.Exceptions = append(out.Spec.Exceptions, x)
	}
	return out
}

// group is a UserGroup whose members are listed, whatever way they were members by.
func (m *maker) group(f *downstream.Found) *rollcallv1.UserGroup {
	out := &rollcallv1.UserGroup{}
	out.Name = nameOf(f, f.Key)
	spec := &out.Spec
	if title := optional(f, "displayName"); title != nil && *title != out.Name {
		spec.DisplayName = title
	}
	if text := optional(f, "description"); text != nil {
		spec.Description = *text
	}
	if handle := optional(f, "handle"); handle != nil && *handle != out.Name {
		spec.Handle = handle
	}
	if scope, ok := attribute[rollcallv1.GroupScope](f, "scope"); ok && scope != rollcallv1.GroupScopeOrganization {
		spec.Scope = scope
	}
	for _, name := range texts(f, "practices") {
		spec.Practices = append(spec.Practices, rollcallv1.GroupPractice{Name: name})
	}
	if enabled, ok := attribute[bool](f, "enabled"); ok && !enabled {
		spec.State = rollcallv1.SwitchDisabled
	}
	if reporting, ok := attribute[bool](f, "reporting"); ok && !reporting {
		spec.Reporting = rollcallv1.SwitchDisabled
	}
	criteria, _ := attribute[[]downstream.Criteria](f, "criteria")
	for _, c := range criteria {
		spec.Criteria = append(spec.Criteria, rollcallv1.Criterion{Type: rollcallv1.CriterionType(c.Type), Value: c.Value})
	}
	m.members(f, spec)
	profiles, declared := attribute[[]string](f, "profiles")
	if declared {
		spec.Profiles = []rollcallv1.GroupProfile{}
	}
	for _, name := range profiles {
		spec.Profiles = append(spec.Profiles, rollcallv1.GroupProfile{Name: name})
	}
	if role := optional(f, "profileRole"); role != nil {
		spec.PermissionSet = &rollcallv1.PermissionSet{ProfileRoleRef: rollcallv1.ObjectRef{Name: *role}}
	}
	spec.ScheduleRef = reference(optional(f, "schedule"))
	if extension := optional(f, "extension"); extension != nil {
		spec.Voice = &rollcallv1.GroupVoice{Extension: extension}
	}
	return out
}

func (m *maker) members(f *downstream.Found, spec *rollcallv1.UserGroupSpec) {
	members, declared := attribute[[]downstream.Member](f, "members")
	if declared {
		spec.Members = []rollcallv1.Member{}
	}
	for _, x := range members {
		member := rollcallv1.Member{Name: m.nameOfKey(x.Key), Position: x.Position}
		member.Until = window(x.Until)
		spec.Members = append(spec.Members, member)
	}
	slices.SortFunc(spec.Members, func(a, b rollcallv1.Member) int { return strings.Compare(a.Name, b.Name) })
	spec.Members = slices.CompactFunc(spec.Members, func(a, b rollcallv1.Member) bool { return a.Name == b.Name })
	supervisors, declared := attribute[[]string](f, "supervisors")
	if declared {
		spec.Supervisors = []rollcallv1.ObjectRef{}
	}
	for _, key := range supervisors {
		spec.Supervisors = append(spec.Supervisors, rollcallv1.ObjectRef{Name: m.nameOfKey(key)})
	}
	slices.SortFunc(spec.Supervisors, func(a, b rollcallv1.ObjectRef) int { return strings.Compare(a.Name, b.Name) })
	spec.Supervisors = slices.Compact(spec.Supervisors)
}

func reference(name *string) *rollcallv1.ObjectRef {
	if name == nil {
		return nil
	}
	return &rollcallv1.ObjectRef{Name: *name}
}

// free returns a name that nobody else has: with part of a hash of the key if need be.
func (m *maker) free(name, key string) string {
	if owner, used := m.taken[name]; used && owner != key {
		name = fmt.Sprintf("%s-%s", strings.TrimRight(name[:min(len(name), 56)], "-."), hash(key))
	}
	m.taken[name] = key
	return name
}
