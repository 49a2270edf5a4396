package adopt

import (
	"cmp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// person takes in a record of a person, of kind Users or Access. False: nobody can tell whose it is.
func (m *maker) person(f *downstream.Found) bool {
	key := cmp.Or(f.Key, keyOf(f))
	if key == "" {
		return false
	}
	tm := m.people[key]
	if tm == nil {
		tm = &rollcallv1.Teammate{}
		tm.Name = m.free(cmp.Or(m.known(key), nameOf(f, localPart(key))), key)
		m.people[key] = tm
		identify(&tm.Spec.Identity, key)
	}
	spec := &tm.Spec
	if spec.Identity.Username == nil {
		spec.Identity.Username = optional(f, "username")
	}
	if role := optional(f, "accountRole"); role != nil {
		spec.AccountRoleRef = reference(role)
	}
	if spec.Lifecycle.State == "" {
		spec.Lifecycle.State = stateOf(f)
	}
	if f.Kind == downstream.Users {
		fill(spec, f)
	}
	return true
}

// keyOf is the identity key of a record that has none of its own, as with people who were made by hand.
func keyOf(f *downstream.Found) string {
	for _, field := range []string{"directoryID", "employeeID", "email"} {
		if value := optional(f, field); value != nil {
			return field + "=" + *value
		}
	}
	return ""
}

// identify fills in what a key says.
func identify(id *rollcallv1.Identity, key string) {
	field, value, _ := strings.Cut(key, "=")
	switch field {
	case "directoryID":
		id.DirectoryID = &value
	case "employeeID":
		id.EmployeeID = &value
	case "email":
		id.Email = &value
	}
}

func localPart(key string) string {
	_, value, _ := strings.Cut(key, "=")
	local, _, _ := strings.Cut(value, "@")
	return local
}

// nameOfKey is the name of a person whom a record refers to.
func (m *maker) nameOfKey(key string) string {
	if tm := m.people[key]; tm != nil {
		return tm.Name
	}
	return cmp.Or(m.known(key), objectName(localPart(key)))
}

// stateOf is the state of somebody whose record confers nothing, and who is not on the way in: Archived, whatever the reason was.
// When a block ends, or when somebody begins, is not there, and an export must let nobody in who is out.
func stateOf(f *downstream.Found) rollcallv1.LifecycleState {
	phase, told := attribute[rollcallv1.Phase](f, "phase")
	switch phase {
	case rollcallv1.PhaseArchived, rollcallv1.PhaseEnded, rollcallv1.PhaseBlocked, rollcallv1.PhaseScheduled:
		return rollcallv1.LifecycleStateArchived
	}
	active, said := attribute[bool](f, "active")
	if closed := f.Inactive || said && !active; f.Kind == downstream.Users && closed && (!told || phase == rollcallv1.PhaseActive) {
		return rollcallv1.LifecycleStateArchived
	}
	return ""
}

// leader refers to the team leader, once everybody has a name.
func (m *maker) leader(f *downstream.Found) {
	tm := m.people[cmp.Or(f.Key, keyOf(f))]
	if key := optional(f, "leader"); tm != nil && key != nil {
		tm.Spec.TeamLeaderRef = &rollcallv1.ObjectRef{Name: m.nameOfKey(*key)}
	}
}

// fill takes over what a user says about a person. What is as it would be without being said is left out.
func fill(spec *rollcallv1.TeammateSpec, f *downstream.Found) {
	id := &spec.Identity
	for field, at := range map[string]**string{"directoryID": &id.DirectoryID, "employeeID": &id.EmployeeID, "email": &id.Email} {
		if value := optional(f, field); value != nil {
			*at = value
		}
	}
	spec.FirstName, spec.LastName, spec.Extension = optional(f, "firstName"), optional(f, "lastName"), optional(f, "extension")
	spec.TimeZone, spec.Language = optional(f, "timeZone"), optional(f, "language")
	spec.ScheduleRef = reference(optional(f, "schedule"))
	if leads, ok := attribute[bool](f, "canManageTeams"); ok {
		spec.CanManageTeams = &leads
	}
	if a, ok := attribute[rollcallv1.Availability](f, "availability"); ok && a != rollcallv1.AvailabilityAvailable {
		spec.Availability = a
	}
	if limit, ok := attribute[int32](f, "maxChats"); ok {
		spec.MaxChats = &limit
	}
	if automatic, ok := attribute[bool](f, "autoAssignment"); ok && !automatic {
		spec.AutoAssignment = rollcallv1.ToggleDisabled
	}
	for _, c := range texts(f, "channels") {
		spec.Channels = append(spec.Channels, rollcallv1.Channel(c))
	}
	for _, name := range texts(f, "practices") {
		spec.Practices = append(spec.Practices, rollcallv1.TeammatePractice{Name: name})
	}
	skills, _ := attribute[[]downstream.Skill](f, "skills")
	for _, s := range skills {
		spec.Skills = append(spec.Skills, rollcallv1.TeammateSkill{Name: s.Name, Level: &s.Level})
	}
	tags, _ := attribute[[]downstream.Tag](f, "tags")
	for _, t := range tags {
		tag := rollcallv1.Tag{Name: t.Name}
		if t.Color != "" {
			tag.Color = &t.Color
		}
		spec.Tags = append(spec.Tags, tag)
	}
	fillTimes(spec, f)
	fillCard(spec, f)
	assign(spec, f)
	method, _ := attribute[downstream.Invitation](f, "invitation")
	if flat := optional(f, "invitation.method"); flat != nil {
		method.Method = *flat
	}
	if m := rollcallv1.OnboardingMethod(method.Method); m != "" && m != rollcallv1.OnboardingMethodCreate {
		spec.Onboarding.Method = m
	}
}

func fillTimes(spec *rollcallv1.TeammateSpec, f *downstream.Found) {
	absences, _ := attribute[[]downstream.Absence](f, "absences")
	for _, a := range absences {
		absence := rollcallv1.Absence{Name: a.Name}
		absence.From, absence.Until = window(a.From), window(a.Until)
		if a.Note != "" {
			absence.Note = &a.Note
		}
		spec.Absences = append(spec.Absences, absence)
	}
	start, status := optional(f, "startDate"), optional(f, "employmentStatus")
	if start == nil && status == nil {
		return
	}
	spec.Employment = &rollcallv1.Employment{StartDate: start}
	if status != nil {
		spec.Employment.Status = new(rollcallv1.EmploymentStatus(*status))
	}
}

func window(at *time.Time) *metav1.Time {
	if at == nil {
		return nil
	}
	return new(metav1.NewTime(at.UTC()))
}

func fillCard(spec *rollcallv1.TeammateSpec, f *downstream.Found) {
	c, ok := attribute[downstream.Card](f, "card")
	if !ok || c == (downstream.Card{}) {
		return
	}
	filled := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	spec.Card = &rollcallv1.Card{Bio: filled(c.Bio), HomeTown: filled(c.HomeTown), StateOrCountry: filled(c.StateOrCountry)}
	if c.ImageURL != "" {
		spec.Card.Image = &rollcallv1.CardImage{URL: c.ImageURL}
	}
}

func assign(spec *rollcallv1.TeammateSpec, f *downstream.Found) {
	if campaign := optional(f, "campaign"); campaign != nil {
		spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeCampaign, CampaignRef: reference(campaign)}
		return
	}
	for _, q := range texts(f, "queues") {
		spec.Assignment.Type = rollcallv1.AssignmentTypeQueues
		spec.Assignment.Queues = append(spec.Assignment.Queues, rollcallv1.ObjectRef{Name: q})
	}
}
