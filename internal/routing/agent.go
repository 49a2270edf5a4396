package routing

import (
	"cmp"
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// agent is what plans read of one teammate beside access to profiles and absences. Of somebody with a closed gate nothing
// else is read, so that nothing else computes a plan again.
type agent struct {
	open           bool
	handles        bool
	available      bool
	autoAssignment bool
	channels       []string // sorted; empty: all
	skills         []skill  // by name, levels clamped; unknown skills left out
	chatLimit      int32
	extension      string
	schedule       string
}

type skill struct {
	name  string
	level int32
}

func sameAgent(a, b *agent) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.open == b.open && a.handles == b.handles && a.available == b.available && a.autoAssignment == b.autoAssignment &&
		a.chatLimit == b.chatLimit && a.extension == b.extension && a.schedule == b.schedule &&
		slices.Equal(a.channels, b.channels) && slices.Equal(a.skills, b.skills)
}

func (p *Planner) agentOf(t *incr.Task, name string) *agent {
	tm := p.roster.Teammate(t, name)
	if tm == nil || !p.people.GateOpen(t, name) {
		return &agent{}
	}
	a := &agent{
		open:           true,
		handles:        p.people.Handles(t, name),
		available:      tm.Spec.Availability == "" || tm.Spec.Availability == rollcallv1.AvailabilityAvailable,
		autoAssignment: tm.Spec.AutoAssignment != rollcallv1.ToggleDisabled,
		chatLimit:      p.people.ChatLimit(t, name),
		schedule:       p.first(t, refName(tm.Spec.ScheduleRef)),
		skills:         p.skillsOf(t, tm),
	}
	for _, c := range tm.Spec.Channels {
		a.channels = append(a.channels, string(c))
	}
	slices.Sort(a.channels)
	if p.roster.HoldsExtension(t, roster.Claimant{Kind: roster.KindTeammate, Name: name}, tm.Spec.Extension) {
		a.extension = *tm.Spec.Extension
	}
	return a
}

// skillsOf are the skills of a teammate that the organization lists, none above its highest level.
func (p *Planner) skillsOf(t *incr.Task, tm *rollcallv1.Teammate) []skill {
	var out []skill
	for _, s := range tm.Spec.Skills {
		highest, known := p.roster.MaxSkillLevel(t, s.Name)
		if !known {
			continue
		}
		level := int32(1)
		if s.Level != nil {
			level = *s.Level
		}
		out = append(out, skill{s.Name, min(level, highest)})
	}
	slices.SortFunc(out, func(a, b skill) int { return cmp.Compare(a.name, b.name) })
	return out
}

// level is the agent's level of a skill, 0 without it.
func (a *agent) level(name string) int32 {
	if i, ok := slices.BinarySearchFunc(a.skills, name, func(s skill, n string) int { return cmp.Compare(s.name, n) }); ok {
		return a.skills[i].level
	}
	return 0
}

// takesAny says whether the agent takes one of the channels.
func (a *agent) takesAny(channels []string) bool {
	return len(a.channels) == 0 || slices.ContainsFunc(channels, func(c string) bool { return slices.Contains(a.channels, c) })
}

// firstAbsence is the absence with the smallest beginning of those that have not ended. Whenever the person is inside any
// absence, they are inside this one: it began no later and has not ended.
func (p *Planner) firstAbsence(t *incr.Task, name string) *Absence {
	tm := p.roster.Teammate(t, name)
	if tm == nil {
		return nil
	}
	absences := slices.Clone(tm.Spec.Absences)
	slices.SortFunc(absences, func(a, b rollcallv1.Absence) int {
		return cmp.Or(beginning(a).Compare(beginning(b)), ending(a).Compare(ending(b)), cmp.Compare(a.Name, b.Name))
	})
	for _, a := range absences {
		if a.Until == nil || !t.Reached(a.Until.Time) {
			return windowOf(a.Window)
		}
	}
	return nil
}

func windowOf(w rollcallv1.Window) *Absence {
	out := &Absence{}
	if w.From != nil {
		out.From = new(w.From.UTC())
	}
	if w.Until != nil {
		out.Until = new(w.Until.UTC())
	}
	return out
}

// beginning is when an absence begins; the zero time if it always held.
func beginning(a rollcallv1.Absence) time.Time {
	if a.From == nil {
		return time.Time{}
	}
	return a.From.Time
}

// ending is when an absence ends; an absence without end comes after all others.
func ending(a rollcallv1.Absence) time.Time {
	if a.Until == nil {
		return time.Unix(1<<40, 0)
	}
	return a.Until.Time
}

func sameAbsence(a, b *Absence) bool {
	if a == nil || b == nil {
		return a == b
	}
	return sameInstant(a.From, b.From) && sameInstant(a.Until, b.Until)
}

func sameInstant(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }
