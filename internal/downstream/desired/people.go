package desired

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// keyOf is the key under which a person has records: their identity key, if they hold it and are not being deleted. Somebody
// who claims the key of another one has none: the record is the other one's.
func (s *Set) keyOf(t *incr.Task, teammate string) string {
	r := s.engine.Roster
	tm := r.Teammate(t, teammate)
	if tm == nil || tm.DeletionTimestamp != nil {
		return ""
	}
	key := roster.IdentityKey(tm.Spec.Identity)
	if key == "" || !r.Holds(t, key, roster.Claimant{Kind: roster.KindTeammate, Name: teammate}) {
		return ""
	}
	return key
}

// hashOf is the hash of a content, with the name, which is an attribute.
func hashOf(name string, c downstream.Content) string {
	h, err := downstream.Hash(c)
	if err != nil {
		return err.Error()
	}
	return canonical.Hash([]byte(name + "\x00" + h))
}

func (s *Set) userFacts(t *incr.Task, name string) facts {
	key := s.keys.Get(t, name)
	if key == "" {
		return facts{}
	}
	f := s.personFacts(t, name)
	f.key, f.hash = key, hashOf(name, s.user(t, name))
	return f
}

// personFacts are those that both records of a person share.
func (s *Set) personFacts(t *incr.Task, name string) facts {
	state := s.engine.Lifecycle.State(t, name)
	f := facts{active: state.Open, cause: causeOf(state)}
	if f.cause == downstream.Ended {
		if tm := s.engine.Roster.Teammate(t, name); tm != nil {
			f.end = seconds(tm.Spec.Until)
		}
	}
	if h := s.engine.Roster.Holding(t, name); h.Role != nil && s.protects(t, h.Name) {
		f.protected = h.Name
	}
	return f
}

func (s *Set) user(t *incr.Task, name string) *downstream.User {
	e, r := s.engine, s.engine.Roster
	tm := r.Teammate(t, name)
	spec := &tm.Spec
	state := e.Lifecycle.State(t, name)
	role, base := s.roleOf(t, name)
	assigned := r.Assignment(t, name)
	limit, _ := e.Access.ChatLimit(t, tm)
	u := &downstream.User{
		DirectoryID: spec.Identity.DirectoryID, EmployeeID: spec.Identity.EmployeeID, Email: spec.Identity.Email, Username: spec.Identity.Username,
		DisplayName: lint.DisplayName(tm), FirstName: spec.FirstName, LastName: spec.LastName,
		Active: state.Open, Phase: string(state.Phase), Listing: string(state.Listing()), AccountRole: role, BaseType: base,
		CanManageTeams: spec.CanManageTeams, Availability: text(spec.Availability, rollcallv1.AvailabilityAvailable),
		MaxChats: new(limit), AutoAssignment: new(access.AutoAssigned(tm)), Extension: new(""), Campaign: new(assigned.Campaign),
		Channels: mapped(spec.Channels, func(c rollcallv1.Channel) string { return string(c) }),
		Skills:   s.skills(t, spec.Skills), Queues: append([]string{}, assigned.Queues...),
		Practices: mapped(spec.Practices, func(p rollcallv1.TeammatePractice) string { return p.Name }),
		Tags:      mapped(spec.Tags, func(x rollcallv1.Tag) downstream.Tag { return downstream.Tag{Name: x.Name, Color: value(x.Color)} }),
		TimeZone:  spec.TimeZone, Language: spec.Language, Schedule: new(""),
		Absences: mapped(spec.Absences, absenceOf), SurveyEligible: e.Lifecycle.SurveyEligible(t, name),
	}
	if leader := r.Leader(t, name).Name; leader != "" {
		u.Leader = s.keys.Get(t, leader)
	}
	if r.HoldsExtension(t, roster.Claimant{Kind: roster.KindTeammate, Name: name}, spec.Extension) {
		u.Extension = new(value(spec.Extension))
	}
	if spec.ScheduleRef != nil {
		u.Schedule = new(spec.ScheduleRef.Name)
	}
	if c := spec.Card; c != nil {
		u.Card = &downstream.Card{Bio: value(c.Bio), HomeTown: value(c.HomeTown), StateOrCountry: value(c.StateOrCountry)}
		if c.Image != nil {
			u.Card.ImageURL = c.Image.URL
		}
	}
	if x := spec.Employment; x != nil {
		u.StartDate = x.StartDate
		if x.Status != nil {
			u.EmploymentStatus = new(string(*x.Status))
		}
	}
	slices.Sort(u.Channels)
	slices.Sort(u.Practices)
	slices.SortFunc(u.Skills, func(a, b downstream.Skill) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(u.Tags, func(a, b downstream.Tag) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(u.Absences, func(a, b downstream.Absence) int { return strings.Compare(a.Name, b.Name) })
	u.Invitation = invitation(spec, s.engine.Lifecycle.ConfirmedAt(t, name))
	return u
}

func invitation(spec *rollcallv1.TeammateSpec, confirmedAt *time.Time) downstream.Invitation {
	o := spec.Onboarding
	inv := downstream.Invitation{
		Method: text(o.Method, rollcallv1.OnboardingMethodCreate), WelcomeEmail: text(o.WelcomeEmail, rollcallv1.WelcomeEmailImmediate), Token: value(o.InviteToken),
	}
	if confirmedAt != nil && !confirmedAt.IsZero() {
		inv.ConfirmedAt = new(confirmedAt.UTC())
	}
	if ref := o.TemporaryPasswordSecretRef; ref != nil {
		inv.PasswordSecret, inv.PasswordKey = ref.Name, ref.Key
	}
	return inv
}

// roleOf is the account role in effect and its base type.
func (s *Set) roleOf(t *incr.Task, name string) (role, base string) {
	h := s.engine.Roster.Holding(t, name)
	if h.Role == nil {
		return "", string(rollcallv1.BaseTypeNone)
	}
	return h.Name, string(h.BaseType())
}

func (s *Set) skills(t *incr.Task, listed []rollcallv1.TeammateSkill) []downstream.Skill {
	return mapped(listed, func(x rollcallv1.TeammateSkill) downstream.Skill {
		level := int32(1)
		if x.Level != nil {
			level = *x.Level
		}
		if most, known := s.engine.Roster.MaxSkillLevel(t, x.Name); known {
			level = min(level, most)
		}
		return downstream.Skill{Name: x.Name, Level: level}
	})
}

func absenceOf(a rollcallv1.Absence) downstream.Absence {
	return downstream.Absence{Name: a.Name, From: instant(a.From), Until: instant(a.Until), Note: value(a.Note)}
}

func (s *Set) accessFacts(t *incr.Task, name string) facts {
	key := s.keys.Get(t, name)
	if key == "" {
		return facts{}
	}
	f := s.personFacts(t, name)
	f.key = key
	d := s.engine.Access.Digests().Get(t, name)
	if f.active = f.active && d.Confers; !f.active && f.cause == downstream.CauseNone {
		f.cause = downstream.Inferred
	}
	// The digest is over names; what the record says beside are the role, the username, keys of others, and the profiles that
	// "all" stands for.
	role, base := s.roleOf(t, name)
	username, leader, all := "", "", ""
	if tm := s.engine.Roster.Teammate(t, name); tm != nil {
		username = value(tm.Spec.Identity.Username)
	}
	if l := s.engine.Roster.Leader(t, name).Name; l != "" {
		leader = s.keys.Get(t, l)
	}
	if d.Open && d.Everywhere {
		all = strings.Join(s.engine.Roster.UsableProfiles(t), ",")
	}
	f.hash = canonical.Hash([]byte(strings.Join([]string{name, d.Hash, role, base, username, leader, all}, "\x00")))
	return f
}

func (s *Set) access(t *incr.Task, name string) *downstream.AccessGrants {
	tm := s.engine.Roster.Teammate(t, name)
	res := s.engine.Access.Of(name)
	role, base := s.roleOf(t, name)
	out := &downstream.AccessGrants{
		Username: tm.Spec.Identity.Username, Active: res.State.Open, Phase: string(res.State.Phase), GateReason: res.State.GateReason,
		AccountRole: role, BaseType: base, Permissions: append([]string{}, res.AccountPermissions...), Groups: append([]string{}, res.Groups...),
		Grants: []downstream.Grant{}, Supervises: []downstream.Supervised{},
	}
	for _, x := range res.Supervises {
		out.Supervises = append(out.Supervises, downstream.Supervised{Kind: x.Kind, Name: x.Name})
	}
	named := map[string]bool{}
	for i := range res.Grants {
		for _, p := range res.Grants[i].Profiles {
			named[p] = true
		}
	}
	for i := range res.Grants {
		out.Grants = append(out.Grants, s.grant(t, &res.Grants[i], named))
	}
	if d := res.DataScope; d != nil {
		out.DataScope = s.dataScope(t, d)
	}
	if v := res.Voice; v != nil {
		on := func(x rollcallv1.Switch) bool { return x == rollcallv1.SwitchEnabled }
		out.Voice = &downstream.Voice{
			OutboundCalls: on(v.OutboundCalls), CallerIDProfile: v.CallerIDProfile, CallerID: s.number(t, v.CallerIDProfile),
			AgentsCanChangeCallerID: on(v.AgentsCanChangeCallerID), RecordingAccess: on(v.RecordingAccess),
		}
	}
	return out
}

func (s *Set) grant(t *incr.Task, g *access.Grant, named map[string]bool) downstream.Grant {
	out := downstream.Grant{
		Permissions: g.Permissions, Profiles: g.Profiles, AllProfiles: g.All, ApprovalRequired: g.ApprovalRequired, ContentVisibility: string(g.Visibility),
	}
	if g.All {
		out.Profiles = []string{}
		for _, p := range s.engine.Roster.UsableProfiles(t) {
			if !named[p] {
				out.Profiles = append(out.Profiles, p)
			}
		}
	}
	for _, x := range g.Sources {
		out.Sources = append(out.Sources, downstream.Source{Type: string(x.Type), Name: x.Name, ProfileRole: x.ProfileRole, Stamped: x.Stamped})
	}
	return out
}

func (s *Set) dataScope(t *incr.Task, d *rollcallv1.EffectiveDataScope) *downstream.DataScope {
	text := func(x rollcallv1.Scope) string { return string(x) }
	out := &downstream.DataScope{
		All: d.All, Scopes: mapped(d.Scopes, text), Departments: d.Departments, Groups: d.Groups, Queues: d.Queues,
		Campaigns: d.Campaigns, Practices: d.Practices,
	}
	if d.Leader != "" {
		out.Leader = s.keys.Get(t, d.Leader)
	}
	for _, a := range d.Areas {
		out.Areas = append(out.Areas, downstream.Area{Name: string(a.Name), Scopes: mapped(a.Scopes, text)})
	}
	return out
}

// mapped keeps nil and empty apart.
func mapped[A, B any](list []A, f func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, 0, len(list))
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

// sortedKeys returns the keys of people; those who have no record are left out.
func (s *Set) sortedKeys(t *incr.Task, names []string) []string {
	out := []string{}
	for _, name := range names {
		if key := s.keys.Get(t, name); key != "" {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func text[T ~string](x, otherwise T) string {
	if x == "" {
		return string(otherwise)
	}
	return string(x)
}

func instant(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
