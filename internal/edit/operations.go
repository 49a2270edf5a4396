package edit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Operation is one thing to do to a teammate. The error says why it cannot be done to this one.
type Operation interface{ apply(d *draft) error }

// Role gives another account role; what the role needs is judged by the engine (V-28, V-36).
type Role struct{ Name string }

func (o Role) apply(d *draft) error {
	d.after.Spec.AccountRoleRef = &rollcallv1.ObjectRef{Name: o.Name}
	return nil
}

// AddQueues assigns queues beside those there are; a campaign ends (V-37..V-39).
type AddQueues struct{ Names []string }

func (o AddQueues) apply(d *draft) error {
	queues := d.queues()
	for _, name := range o.Names {
		if !slices.Contains(queues, rollcallv1.ObjectRef{Name: name}) {
			queues = append(queues, rollcallv1.ObjectRef{Name: name})
		}
	}
	return d.assign(queues)
}

// RemoveQueues takes queues away; without any left the person is not assigned (V-37).
type RemoveQueues struct{ Names []string }

func (o RemoveQueues) apply(d *draft) error {
	if d.after.Spec.Assignment.Type != rollcallv1.AssignmentTypeQueues {
		return nil
	}
	return d.assign(slices.DeleteFunc(d.queues(), func(q rollcallv1.ObjectRef) bool { return slices.Contains(o.Names, q.Name) }))
}

// SetQueues assigns exactly these queues (V-39). Without any, direct queues end and a campaign stays.
type SetQueues struct{ Names []string }

func (o SetQueues) apply(d *draft) error {
	if len(o.Names) == 0 && d.after.Spec.Assignment.Type == rollcallv1.AssignmentTypeCampaign {
		return nil
	}
	stay := slices.DeleteFunc(d.queues(), func(q rollcallv1.ObjectRef) bool { return !slices.Contains(o.Names, q.Name) })
	for _, name := range o.Names {
		if !slices.Contains(stay, rollcallv1.ObjectRef{Name: name}) {
			stay = append(stay, rollcallv1.ObjectRef{Name: name})
		}
	}
	return d.assign(stay)
}

// queues are the direct queues, to be changed by the caller.
func (d *draft) queues() []rollcallv1.ObjectRef {
	if d.after.Spec.Assignment.Type != rollcallv1.AssignmentTypeQueues {
		return nil
	}
	return slices.Clone(d.after.Spec.Assignment.Queues)
}

func (d *draft) assign(queues []rollcallv1.ObjectRef) error {
	for _, q := range queues {
		if slices.Contains(d.queues(), q) {
			continue // an old reference that dangles is not the business of this edit
		}
		if err := d.needs(roster.KindQueue, q.Name, "create the Queue first"); err != nil {
			return err
		}
	}
	if len(queues) == 0 {
		d.after.Spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeNone}
		return nil
	}
	d.after.Spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeQueues, Queues: queues}
	return nil
}

// Campaign assigns to a campaign; queues end (V-37, V-38).
type Campaign struct{ Name string }

func (o Campaign) apply(d *draft) error {
	if err := d.needs(roster.KindCampaign, o.Name, "create the Campaign first"); err != nil {
		return err
	}
	d.after.Spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeCampaign, CampaignRef: &rollcallv1.ObjectRef{Name: o.Name}}
	return nil
}

// NoCampaign ends a campaign and leaves queues alone (V-37).
type NoCampaign struct{}

func (NoCampaign) apply(d *draft) error {
	if d.after.Spec.Assignment.Type == rollcallv1.AssignmentTypeCampaign {
		d.after.Spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeNone}
	}
	return nil
}

// MaxChats sets the chat limit, -1 for none; nil goes back to the default of the organization (V-42).
type MaxChats struct{ Limit *int32 }

func (o MaxChats) apply(d *draft) error {
	d.after.Spec.MaxChats = o.Limit
	return nil
}

// AddSkills adds skills and sets levels (V-44). A skill without a level that is there already keeps its level.
type AddSkills struct{ Skills []rollcallv1.TeammateSkill }

func (o AddSkills) apply(d *draft) error {
	for _, s := range o.Skills {
		highest, err := d.needsSkill(s.Name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(d.after.Spec.Skills, func(have rollcallv1.TeammateSkill) bool { return have.Name == s.Name })
		switch {
		case level(s) > highest && (i < 0 || level(s) != level(d.after.Spec.Skills[i])):
			// Nothing else tells: a level above the highest counts as the highest.
			return fmt.Errorf("%s: level %d of skill %q is above its maxLevel; expected at most %d", rollcallv1.ReasonClamped, level(s), s.Name, highest)
		case i < 0:
			d.after.Spec.Skills = append(d.after.Spec.Skills, s)
		case s.Level != nil:
			d.after.Spec.Skills[i].Level = s.Level
		}
	}
	return nil
}

// SetSkills sets exactly these skills (V-44). A skill without a level that is there already keeps its level.
type SetSkills struct{ Skills []rollcallv1.TeammateSkill }

func (o SetSkills) apply(d *draft) error {
	d.after.Spec.Skills = slices.DeleteFunc(d.after.Spec.Skills, func(have rollcallv1.TeammateSkill) bool {
		return !slices.ContainsFunc(o.Skills, func(s rollcallv1.TeammateSkill) bool { return s.Name == have.Name })
	})
	return AddSkills(o).apply(d)
}

// needsSkill returns the highest level of a skill, which must exist.
func (d *draft) needsSkill(name string) (int32, error) {
	highest, declared := d.engine.Roster.MaxSkillLevel(nil, name)
	if !declared {
		return 0, fmt.Errorf("skill %q does not exist; expected one of Organization.spec.skills", name)
	}
	return highest, nil
}

// Availability sets what the administrator says of a person (T-08, T-09).
type Availability struct{ State rollcallv1.Availability }

func (o Availability) apply(d *draft) error {
	d.after.Spec.Availability = o.State
	return nil
}

// Absent plans an absence, or moves the one of that name.
type Absent struct {
	Name   string
	Window rollcallv1.Window
}

func (o Absent) apply(d *draft) error {
	i := slices.IndexFunc(d.after.Spec.Absences, func(a rollcallv1.Absence) bool { return a.Name == o.Name })
	if i < 0 {
		d.after.Spec.Absences = append(d.after.Spec.Absences, rollcallv1.Absence{Name: o.Name, Window: o.Window})
		return nil
	}
	d.after.Spec.Absences[i].Window = o.Window
	return nil
}

// Leader names the team leader; "" names none.
type Leader struct{ Name string }

func (o Leader) apply(d *draft) error {
	d.after.Spec.TeamLeaderRef = nil
	if o.Name != "" {
		d.after.Spec.TeamLeaderRef = &rollcallv1.ObjectRef{Name: o.Name}
	}
	return nil
}

// Channels sets exactly these channels; none stands for all (M-25).
type Channels struct{ List []rollcallv1.Channel }

func (o Channels) apply(d *draft) error {
	stay := slices.DeleteFunc(d.after.Spec.Channels, func(c rollcallv1.Channel) bool { return !slices.Contains(o.List, c) })
	for _, c := range o.List {
		if !slices.Contains(stay, c) {
			stay = append(stay, c)
		}
	}
	d.after.Spec.Channels = stay
	return nil
}

// Extension sets the internal number; "" takes it away (V-29).
type Extension struct{ Number string }

func (o Extension) apply(d *draft) error {
	d.after.Spec.Extension = nil
	if o.Number != "" {
		d.after.Spec.Extension = new(o.Number)
	}
	return nil
}

// Block closes the account from now on for a time (V-34). Reason "" gives none. Archived people stay as they are: the end of
// a block would bring them back.
type Block struct {
	For    time.Duration
	Reason string
}

func (o Block) apply(d *draft) error {
	if d.after.Spec.Lifecycle.State == rollcallv1.LifecycleStateArchived {
		return errors.New("archived; a block would bring them back when it ends")
	}
	d.after.Spec.Lifecycle = rollcallv1.Lifecycle{
		State: rollcallv1.LifecycleStateBlocked, Reason: optional(o.Reason),
		BlockedFrom: new(metav1.NewTime(d.now)), BlockedUntil: new(metav1.NewTime(d.now.Add(o.For))),
	}
	return nil
}

// Unblock ends a block before its time, and forgets one that is over.
type Unblock struct{ Reason string }

func (o Unblock) apply(d *draft) error {
	switch d.after.Spec.Lifecycle.State {
	case rollcallv1.LifecycleStateBlocked:
		d.after.Spec.Lifecycle = rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateActive, Reason: optional(o.Reason)}
	case rollcallv1.LifecycleStateArchived:
		d.note("archived, not blocked")
	default:
		d.note("not blocked")
	}
	return nil
}

// Archive archives for good, or as long as policies.archive says (V-33).
type Archive struct{ Reason string }

func (o Archive) apply(d *draft) error {
	if d.after.Spec.Lifecycle.State == rollcallv1.LifecycleStateArchived && o.Reason == "" {
		return nil
	}
	d.after.Spec.Lifecycle = rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateArchived, Reason: optional(o.Reason)}
	return nil
}

// Reason notes why the account is as it is; "" takes the note away.
type Reason struct{ Text string }

func (o Reason) apply(d *draft) error {
	d.after.Spec.Lifecycle.Reason = optional(o.Text)
	return nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
