package routing

import (
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/schedule"
)

// zone says whether a schedule can be read, and in which zone it is.
type zone struct {
	valid bool
	name  string
}

// CompileSchedule reads a Schedule object; organizationZone counts where it names no zone itself. Errors are those of
// schedule.Compile.
func CompileSchedule(spec *rollcallv1.ScheduleSpec, organizationZone string) (*schedule.Schedule, error) {
	out := schedule.Spec{Mode: string(spec.Mode), Zone: zoneName(spec, organizationZone)}
	for _, w := range spec.Weekly {
		entry := schedule.Weekly{Hours: schedule.Hours{Open: w.Open, Close: w.Close}}
		for _, d := range w.Days {
			entry.Days = append(entry.Days, weekday(d))
		}
		out.Weekly = append(out.Weekly, entry)
	}
	for _, e := range spec.Exceptions {
		entry := schedule.Exception{Date: e.Date, Closed: value(e.Closed)}
		for _, h := range e.Hours {
			entry.Hours = append(entry.Hours, schedule.Hours{Open: h.Open, Close: h.Close})
		}
		out.Exceptions = append(out.Exceptions, entry)
	}
	return schedule.Compile(out)
}

func zoneName(spec *rollcallv1.ScheduleSpec, organizationZone string) string {
	if spec.TimeZone != nil {
		return *spec.TimeZone
	}
	return organizationZone
}

// weekday is the day of that English name; an unknown one is out of range, which schedule.Compile refuses.
func weekday(d rollcallv1.Weekday) time.Weekday {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if day.String() == string(d) {
			return day
		}
	}
	return -1
}

// compile is the schedule of that name ready to be asked, nil if it is missing or invalid.
func (p *Planner) compile(t *incr.Task, name string) *schedule.Schedule {
	s := p.roster.Schedule(t, name)
	if s == nil {
		return nil
	}
	compiled, err := CompileSchedule(&s.Spec, p.roster.TimeZone(t))
	if err != nil {
		return nil
	}
	return compiled
}

func (p *Planner) zoneOf(t *incr.Task, name string) zone {
	if p.compiled.Get(t, name) == nil {
		return zone{}
	}
	return zone{valid: true, name: zoneName(&p.roster.Schedule(t, name).Spec, p.roster.TimeZone(t))}
}

// Hours returns the schedule of that name, nil if it is missing or invalid.
func (p *Planner) Hours(t *incr.Task, name string) *schedule.Schedule { return p.compiled.Get(t, name) }

// Engine returns an Engine that reads the hours of the schedules as they are now. What it answers holds until the next
// change of the roster. Views may be nil.
func (p *Planner) Engine(views func(teammate, profile string) bool) Engine {
	return Engine{
		Hours: func(name string, now time.Time) bool {
			s := p.compiled.Get(nil, name)
			return s == nil || s.Open(now)
		},
		Views: views,
	}
}

// Edge is the next transition of a schedule after an instant, in the form that Engine.ChangesAt asks for.
func (p *Planner) Edge(name string, after time.Time) (time.Time, bool) {
	if s := p.compiled.Get(nil, name); s != nil {
		return s.NextTransition(after)
	}
	return time.Time{}, false
}

// first is the first of the schedules that exists and is valid, "" for always open (R-14, choice of schedule).
func (p *Planner) first(t *incr.Task, names ...string) string {
	for _, name := range names {
		if name != "" && p.zones.Get(t, name).valid {
			return name
		}
	}
	return ""
}

// scheduleOf writes a schedule with its zone.
func (p *Planner) scheduleOf(t *incr.Task, name string) Schedule {
	if name == "" {
		return Schedule{}
	}
	return Schedule{Name: name, TimeZone: p.zones.Get(t, name).name}
}

// GroupSchedule is the schedule of a group that is dialled, "" for always open.
func (p *Planner) GroupSchedule(t *incr.Task, group string) string {
	own, practice := p.groupHours(t, group)
	return p.first(t, own, practice, p.roster.OrganizationSchedule(t))
}

// poolSchedule is the schedule of a group inside a department.
func (p *Planner) poolSchedule(t *incr.Task, group string, d *rollcallv1.Department) string {
	own, practice := p.groupHours(t, group)
	return p.first(t, own, practice, refName(d.Spec.ScheduleRef), p.roster.OrganizationSchedule(t))
}

// groupHours are the schedules that a group names itself and through the practice it belongs to.
func (p *Planner) groupHours(t *incr.Task, group string) (own, practice string) {
	if g := p.roster.UserGroup(t, group); g != nil {
		own = refName(g.Spec.ScheduleRef)
	}
	if name := p.roster.GroupFacts(t, group).Practice; name != "" {
		q, _ := p.roster.Practice(t, name)
		practice = q.Schedule
	}
	return own, practice
}

// departmentSchedule is the department's own schedule; without one that of the organization, unless it has enabled
// groups, whose hours then decide.
func (p *Planner) departmentSchedule(t *incr.Task, d *rollcallv1.Department, pools []Pool) string {
	if own := p.first(t, refName(d.Spec.ScheduleRef)); own != "" || len(pools) > 0 {
		return own
	}
	return p.first(t, p.roster.OrganizationSchedule(t))
}
