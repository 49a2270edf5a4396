package builder

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Option changes an object while it is built.
type Option[T any] func(*T)

func with[T any](o *T, options []Option[T]) *T {
	for _, option := range options {
		option(o)
	}
	return o
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: Namespace, Name: name, Generation: 1}
}

// Organization returns the object named default, of preset Custom.
func Organization(options ...Option[rollcallv1.Organization]) *rollcallv1.Organization {
	o := &rollcallv1.Organization{ObjectMeta: meta(rollcallv1.OrganizationName)}
	o.Spec.Preset, o.Spec.TimeZone, o.Spec.ContactCenter = rollcallv1.PresetCustom, "Etc/UTC", rollcallv1.SwitchEnabled
	o.Spec.Chat.AutoAssignment = rollcallv1.SwitchEnabled
	return with(o, options)
}

// Preset sets the preset of an organization.
func Preset(p rollcallv1.Preset) Option[rollcallv1.Organization] {
	return func(o *rollcallv1.Organization) { o.Spec.Preset = p }
}

// DefaultProfileRole names the role on profiles where nothing else gives one.
func DefaultProfileRole(name string) Option[rollcallv1.Organization] {
	return func(o *rollcallv1.Organization) { o.Spec.DefaultProfileRoleRef = &rollcallv1.ObjectRef{Name: name} }
}

// Teammate returns an available person with an e-mail address of their own.
func Teammate(name string, options ...Option[rollcallv1.Teammate]) *rollcallv1.Teammate {
	t := &rollcallv1.Teammate{ObjectMeta: meta(name)}
	t.Spec.Identity.Email = new(Email(name))
	t.Spec.Onboarding.Method = rollcallv1.OnboardingMethodCreate
	t.Spec.Availability = rollcallv1.AvailabilityAvailable
	t.Spec.AutoAssignment = rollcallv1.ToggleInherit
	t.Spec.Assignment.Type = rollcallv1.AssignmentTypeNone
	t.Spec.Lifecycle.State = rollcallv1.LifecycleStateActive
	return with(t, options)
}

// Role names the account role.
func Role(name string) Option[rollcallv1.Teammate] {
	return func(t *rollcallv1.Teammate) { t.Spec.AccountRoleRef = &rollcallv1.ObjectRef{Name: name} }
}

// Joins lists groups in Teammate.groups.
func Joins(groups ...string) Option[rollcallv1.Teammate] {
	return func(t *rollcallv1.Teammate) {
		for _, g := range groups {
			t.Spec.Groups = append(t.Spec.Groups, rollcallv1.TeammateGroup{Name: g})
		}
	}
}

// Sees assigns profiles directly, with the role; empty: visible only.
func Sees(role string, profiles ...string) Option[rollcallv1.Teammate] {
	return func(t *rollcallv1.Teammate) {
		for _, p := range profiles {
			e := rollcallv1.TeammateProfile{Name: p}
			if role != "" {
				e.ProfileRoleRef = &rollcallv1.ObjectRef{Name: role}
			}
			t.Spec.Profiles = append(t.Spec.Profiles, e)
		}
	}
}

// Until ends a person's time here.
func Until(at time.Time) Option[rollcallv1.Teammate] {
	return func(t *rollcallv1.Teammate) { t.Spec.Until = new(metav1.NewTime(at)) }
}

// Works names the person's own hours.
func Works(schedule string) Option[rollcallv1.Teammate] {
	return func(t *rollcallv1.Teammate) { t.Spec.ScheduleRef = &rollcallv1.ObjectRef{Name: schedule} }
}

// Profile returns an enabled profile of type Chat.
func Profile(name string, options ...Option[rollcallv1.Profile]) *rollcallv1.Profile {
	p := &rollcallv1.Profile{ObjectMeta: meta(name)}
	p.Spec.Type, p.Spec.State = rollcallv1.ProfileTypeChat, rollcallv1.SwitchEnabled
	return with(p, options)
}

// UserGroup returns an enabled group of scope Organization.
func UserGroup(name string, options ...Option[rollcallv1.UserGroup]) *rollcallv1.UserGroup {
	g := &rollcallv1.UserGroup{ObjectMeta: meta(name)}
	g.Spec.Scope, g.Spec.State = rollcallv1.GroupScopeOrganization, rollcallv1.SwitchEnabled
	return with(g, options)
}

// Members lists people in UserGroup.members.
func Members(names ...string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		for _, n := range names {
			g.Spec.Members = append(g.Spec.Members, rollcallv1.Member{Name: n})
		}
	}
}

// Includes lists groups whose members belong to this one too.
func Includes(groups ...string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		for _, n := range groups {
			g.Spec.Includes = append(g.Spec.Includes, rollcallv1.ObjectRef{Name: n})
		}
	}
}

// Profiles lists the profiles of a group.
func Profiles(names ...string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		for _, n := range names {
			g.Spec.Profiles = append(g.Spec.Profiles, rollcallv1.GroupProfile{Name: n})
		}
	}
}

// Grants gives the group's members a role on its profiles.
func Grants(profileRole string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		g.Spec.PermissionSet = &rollcallv1.PermissionSet{ProfileRoleRef: rollcallv1.ObjectRef{Name: profileRole}}
	}
}

// Opens names the schedule of a group.
func Opens(schedule string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) { g.Spec.ScheduleRef = &rollcallv1.ObjectRef{Name: schedule} }
}

// SupervisedBy lists supervisors of a group.
func SupervisedBy(names ...string) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		for _, n := range names {
			g.Spec.Supervisors = append(g.Spec.Supervisors, rollcallv1.ObjectRef{Name: n})
		}
	}
}

// Department returns a department of the groups.
func Department(name string, groups []string, options ...Option[rollcallv1.Department]) *rollcallv1.Department {
	d := &rollcallv1.Department{ObjectMeta: meta(name)}
	for _, g := range groups {
		d.Spec.Groups = append(d.Spec.Groups, rollcallv1.DepartmentGroup{Name: g})
	}
	return with(d, options)
}

// Serves lists the profiles of a department.
func Serves(profiles ...string) Option[rollcallv1.Department] {
	return func(d *rollcallv1.Department) {
		for _, p := range profiles {
			d.Spec.Profiles = append(d.Spec.Profiles, rollcallv1.ObjectRef{Name: p})
		}
	}
}

// Hours returns a schedule that is open every day from one time of day to another, in Etc/UTC.
func Hours(name, open, shut string) *rollcallv1.Schedule {
	s := &rollcallv1.Schedule{ObjectMeta: meta(name)}
	s.Spec.Mode, s.Spec.TimeZone = rollcallv1.ScheduleModeWeekly, new("Etc/UTC")
	week := []rollcallv1.Weekday{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	s.Spec.Weekly = []rollcallv1.WeeklyHours{{Days: week, Open: open, Close: shut}}
	return s
}

// Rings lets a group be dialled.
func Rings(strategy rollcallv1.DialingStrategy, ring time.Duration) Option[rollcallv1.UserGroup] {
	return func(g *rollcallv1.UserGroup) {
		g.Spec.Voice = &rollcallv1.GroupVoice{Dialing: &rollcallv1.Dialing{Strategy: strategy, MaxRingTime: metav1.Duration{Duration: ring}}}
	}
}
