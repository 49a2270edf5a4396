package roster

import (
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
)

// defaults are the roles that references fall back to.
type defaults struct{ accountRole, profileRole string }

// Practice is a sub-tenant as it is in effect.
type Practice struct {
	Enabled  bool
	Schedule string // "" for none
	TimeZone string
}

// VoiceDefaults are the organization's general voice settings.
type VoiceDefaults struct {
	Outbound, ChangeCallerID, Recording rollcallv1.Switch
	CallerID                            string
	ContactCenter                       bool
}

type organizationQueries struct {
	policies       *incr.Query[struct{}, *rollcallv1.Policies]
	defaults       *incr.Query[struct{}, defaults]
	practices      *incr.Query[struct{}, map[string]Practice]
	skills         *incr.Query[struct{}, map[string]int32]
	denies         *incr.Query[struct{}, []string]
	voice          *incr.Query[struct{}, VoiceDefaults]
	autoAssignment *incr.Query[struct{}, bool]
	hours          *incr.Query[struct{}, hours]
	retention      *incr.Query[struct{}, time.Duration]
	catalogues     *incr.Query[permission.Scope, *permission.Catalogue]
}

// hours are the organization's zone and schedule.
type hours struct{ zone, schedule string }

func newOrganizationQueries(r *Roster) organizationQueries {
	var q organizationQueries
	q.policies = project(r, "policies", func(a, b *rollcallv1.Policies) bool { return reflect.DeepEqual(a, b) }, func(o *rollcallv1.Organization) *rollcallv1.Policies {
		return ResolvePolicies(o.Spec.Preset, o.Spec.Policies)
	})
	q.defaults = project(r, "defaults", equal[defaults], func(o *rollcallv1.Organization) defaults {
		d := defaults{accountRole: "agent"}
		if o.Spec.Preset == rollcallv1.PresetPatientMessaging {
			d.accountRole = "staff"
		}
		if ref := o.Spec.DefaultAccountRoleRef; ref != nil {
			d.accountRole = ref.Name
		}
		if ref := o.Spec.DefaultProfileRoleRef; ref != nil {
			d.profileRole = ref.Name
		}
		return d
	})
	q.practices = project(r, "practices", func(a, b map[string]Practice) bool { return reflect.DeepEqual(a, b) }, func(o *rollcallv1.Organization) map[string]Practice {
		out := map[string]Practice{}
		for _, p := range o.Spec.Practices {
			e := Practice{Enabled: p.State == nil || *p.State == rollcallv1.SwitchEnabled}
			if p.ScheduleRef != nil {
				e.Schedule = p.ScheduleRef.Name
			}
			if p.TimeZone != nil {
				e.TimeZone = *p.TimeZone
			}
			out[p.Name] = e
		}
		return out
	})
	q.skills = project(r, "skills", func(a, b map[string]int32) bool { return reflect.DeepEqual(a, b) }, func(o *rollcallv1.Organization) map[string]int32 {
		out := map[string]int32{}
		for _, s := range o.Spec.Skills {
			out[s.Name] = 5
			if s.MaxLevel != nil {
				out[s.Name] = *s.MaxLevel
			}
		}
		return out
	})
	q.denies = project(r, "denies", slices.Equal, func(o *rollcallv1.Organization) []string {
		out := slices.Clone(o.Spec.Denies)
		slices.Sort(out)
		return out
	})
	q.voice = project(r, "voice", equal[VoiceDefaults], func(o *rollcallv1.Organization) VoiceDefaults {
		v := o.Spec.Voice
		orDisabled := func(s rollcallv1.Switch) rollcallv1.Switch {
			if s == "" {
				return rollcallv1.SwitchDisabled
			}
			return s
		}
		d := VoiceDefaults{Outbound: orDisabled(v.OutboundCalls), ChangeCallerID: orDisabled(v.AgentsCanChangeCallerID),
			Recording: orDisabled(v.RecordingAccess), ContactCenter: o.Spec.ContactCenter != rollcallv1.SwitchDisabled}
		if v.CallerIDProfileRef != nil {
			d.CallerID = v.CallerIDProfileRef.Name
		}
		return d
	})
	q.autoAssignment = project(r, "autoAssignment", equal[bool], func(o *rollcallv1.Organization) bool {
		return o.Spec.Chat.AutoAssignment != rollcallv1.SwitchDisabled
	})
	q.hours = project(r, "hours", equal[hours], func(o *rollcallv1.Organization) hours {
		h := hours{zone: o.Spec.TimeZone}
		if h.zone == "" {
			h.zone = "Etc/UTC"
		}
		if o.Spec.ScheduleRef != nil {
			h.schedule = o.Spec.ScheduleRef.Name
		}
		return h
	})
	q.retention = project(r, "mentionRetention", equal[time.Duration], func(o *rollcallv1.Organization) time.Duration {
		if d := o.Spec.MentionRetention; d != nil {
			return d.Duration
		}
		return defaultRetention
	})
	vocabulary := project(r, "vocabulary", slices.Equal, func(o *rollcallv1.Organization) []string { return o.Spec.Vocabulary })
	q.catalogues = incr.NewQuery(r.Graph, "catalogue", nil, func(t *incr.Task, s permission.Scope) *permission.Catalogue {
		return permission.NewCatalogue(r.Table, s, vocabulary.Get(t, struct{}{}))
	})
	return q
}

// project adds a query over the Organization; without one it reads an empty Organization of preset Custom.
func project[V any](r *Roster, name string, equal func(a, b V) bool, f func(*rollcallv1.Organization) V) *incr.Query[struct{}, V] {
	return incr.NewQuery(r.Graph, name, equal, func(t *incr.Task, _ struct{}) V {
		o := r.Organization(t)
		if o == nil {
			o = &rollcallv1.Organization{}
		}
		return f(o)
	})
}

// Policies returns the resolved policies; every leaf is set.
func (r *Roster) Policies(t *incr.Task) *rollcallv1.Policies { return r.policies.Get(t, struct{}{}) }

// Catalogue returns the known permissions of a scope.
func (r *Roster) Catalogue(t *incr.Task, s permission.Scope) *permission.Catalogue {
	return r.catalogues.Get(t, s)
}

// DefaultProfileRole returns the organization's default profile role, "" if it names none.
func (r *Roster) DefaultProfileRole(t *incr.Task) string {
	return r.defaults.Get(t, struct{}{}).profileRole
}

// DefaultAccountRole returns the account role of teammates who name none.
func (r *Roster) DefaultAccountRole(t *incr.Task) string {
	return r.defaults.Get(t, struct{}{}).accountRole
}

// Practice returns a practice of the organization, false if it lists none of that name.
func (r *Roster) Practice(t *incr.Task, name string) (Practice, bool) {
	p, ok := r.practices.Get(t, struct{}{})[name]
	return p, ok
}

// defaultRetention is Organization.spec.mentionRetention where it is absent.
const defaultRetention = 168 * time.Hour

// MentionRetention returns how long mentions are kept after their end.
func (r *Roster) MentionRetention(t *incr.Task) time.Duration {
	return r.retention.Get(t, struct{}{})
}

// MaxSkillLevel returns the highest level of a skill, false for a skill that the organization does not list.
func (r *Roster) MaxSkillLevel(t *incr.Task, skill string) (int32, bool) {
	level, ok := r.skills.Get(t, struct{}{})[skill]
	return level, ok
}

// Denies returns the organization's deny patterns, sorted.
func (r *Roster) Denies(t *incr.Task) []string { return r.denies.Get(t, struct{}{}) }

// Voice returns the organization's general voice settings.
func (r *Roster) Voice(t *incr.Task) VoiceDefaults { return r.voice.Get(t, struct{}{}) }

// AutoAssignment reports whether chats are assigned automatically in the organization.
func (r *Roster) AutoAssignment(t *incr.Task) bool { return r.autoAssignment.Get(t, struct{}{}) }

// OrganizationSchedule returns the name of the organization's schedule, "" for always open.
func (r *Roster) OrganizationSchedule(t *incr.Task) string {
	return r.hours.Get(t, struct{}{}).schedule
}

// TimeZone returns the organization's zone name, Etc/UTC by default.
func (r *Roster) TimeZone(t *incr.Task) string { return r.hours.Get(t, struct{}{}).zone }

// created returns an object's creation time.
func (r *Roster) created(t *incr.Task, c Claimant) metav1.Time {
	var o metav1.Object
	switch c.Kind {
	case KindTeammate:
		if x := r.Teammate(t, c.Name); x != nil {
			o = x
		}
	case KindUserGroup:
		if x := r.UserGroup(t, c.Name); x != nil {
			o = x
		}
	case KindProfile:
		if x := r.Profile(t, c.Name); x != nil {
			o = x
		}
	case KindDepartment:
		if x := r.Department(t, c.Name); x != nil {
			o = x
		}
	}
	if o == nil {
		return metav1.Time{}
	}
	return o.GetCreationTimestamp()
}

// ResolvePolicies returns the column of the preset, overridden leaf by leaf. Every leaf of the result is set.
func ResolvePolicies(preset rollcallv1.Preset, overrides *rollcallv1.Policies) *rollcallv1.Policies {
	p := customPolicies()
	if column := presetPolicies(preset); column != nil {
		override(reflect.ValueOf(p).Elem(), reflect.ValueOf(column).Elem())
	}
	if overrides != nil {
		override(reflect.ValueOf(p).Elem(), reflect.ValueOf(overrides).Elem())
	}
	return p
}

// override copies every set leaf of from: pointers that are not nil and lists that are not nil (a set [] counts).
func override(to, from reflect.Value) {
	for i := range from.NumField() {
		f, g := from.Field(i), to.Field(i)
		switch f.Kind() {
		case reflect.Struct:
			override(g, f)
		case reflect.Pointer:
			switch {
			case f.IsNil():
			case f.Elem().Kind() == reflect.Struct && f.Type().Elem() != reflect.TypeFor[metav1.Duration]():
				if g.IsNil() {
					g.Set(reflect.New(g.Type().Elem()))
				}
				override(g.Elem(), f.Elem())
			default:
				g.Set(f)
			}
		case reflect.Slice:
			if !f.IsNil() {
				g.Set(f)
			}
		}
	}
}

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
