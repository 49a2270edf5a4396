package routing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// Small worlds: few names, so that everything refers to everything, missing objects included.
var (
	worldPeople    = []string{"ana", "ben", "cid", "dan"}
	worldGroups    = []string{"ga", "gb", "gc"}
	worldDepts     = []string{"da", "db", "dc"}
	worldProfiles  = []string{"pa", "pb", "pc"}
	worldSchedules = []string{"sa", "sb"}
)

// someOf draws a subset, sorted.
func someOf(t *rapid.T, label string, of []string) []string {
	var out []string
	for _, name := range of {
		if rapid.IntRange(0, 2).Draw(t, label) == 0 {
			out = append(out, name)
		}
	}
	return out
}

// maybe draws one of the names or none.
func maybe(t *rapid.T, label string, of []string) *rollcallv1.ObjectRef {
	if i := rapid.IntRange(-2, len(of)-1).Draw(t, label); i >= 0 {
		return ref(of[i])
	}
	return nil
}

// randomWindow lies around the start of 2027, in days, or is open.
func randomWindow(t *rapid.T) rollcallv1.Window {
	var w rollcallv1.Window
	from := rapid.IntRange(-3, 3).Draw(t, "from")
	if from > -2 {
		w.From = new(metav1.NewTime(monday.AddDate(0, 0, from)))
	}
	if length := rapid.IntRange(0, 4).Draw(t, "length"); length > 0 {
		w.Until = new(metav1.NewTime(monday.AddDate(0, 0, from+length)))
	}
	return w
}

func randomTeammate(t *rapid.T, name string) *rollcallv1.Teammate {
	return teammate(name, func(s *rollcallv1.TeammateSpec) {
		s.Availability = rapid.SampledFrom([]rollcallv1.Availability{"Available", "Available", "Inactive"}).Draw(t, "availability")
		s.AutoAssignment = rapid.SampledFrom([]rollcallv1.Toggle{"Inherit", "Inherit", "Disabled"}).Draw(t, "autoAssignment")
		s.ScheduleRef = maybe(t, "schedule", worldSchedules)
		for _, c := range someOf(t, "channel", []string{"Phone", "Chat"}) {
			s.Channels = append(s.Channels, rollcallv1.Channel(c))
		}
		if level := rapid.Int32Range(0, 6).Draw(t, "french"); level > 0 {
			s.Skills = []rollcallv1.TeammateSkill{{Name: "french", Level: &level}}
		}
		if n := rapid.IntRange(0, 2).Draw(t, "extension"); n > 0 {
			s.Extension = new(fmt.Sprint(n))
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "absences") {
			s.Absences = append(s.Absences, rollcallv1.Absence{Name: fmt.Sprint(i), Window: randomWindow(t)})
		}
		for _, g := range someOf(t, "group", worldGroups) {
			s.Groups = append(s.Groups, rollcallv1.TeammateGroup{Name: g, Window: randomWindow(t)})
		}
	})
}

func randomGroup(t *rapid.T, name string) *rollcallv1.UserGroup {
	return userGroup(name, nil, func(s *rollcallv1.UserGroupSpec) {
		s.State = rapid.SampledFrom([]rollcallv1.Switch{"Enabled", "Enabled", "Disabled"}).Draw(t, "state")
		s.Includes = refs(slices.DeleteFunc(someOf(t, "include", worldGroups), func(g string) bool { return g == name })...)
		s.Supervisors = refs(someOf(t, "supervisor", worldPeople)...)
		s.ScheduleRef = maybe(t, "schedule", worldSchedules)
		for _, p := range someOf(t, "profile", worldProfiles) {
			s.Profiles = append(s.Profiles, rollcallv1.GroupProfile{Name: p, Window: randomWindow(t)})
		}
		for _, m := range someOf(t, "member", worldPeople) {
			member := rollcallv1.Member{Name: m, Window: randomWindow(t)}
			if n := rapid.Int32Range(0, 2).Draw(t, "position"); n > 0 {
				member.Position = &n
			}
			s.Members = append(s.Members, member)
		}
		if rapid.Bool().Draw(t, "dialed") {
			dialed(func(d *rollcallv1.Dialing) {
				d.Profiles = refs(someOf(t, "dialed profile", worldProfiles)...)
				if to := maybe(t, "overflow", worldGroups); to != nil {
					d.Overflow = &rollcallv1.GroupOverflow{Type: "UserGroup", Name: &to.Name}
				}
				if to := maybe(t, "out of hours", worldGroups); to != nil {
					d.OutOfHours = &rollcallv1.GroupOverflow{Type: "UserGroup", Name: &to.Name}
				}
			})(s)
		}
	})
}

func randomDepartment(t *rapid.T, name string) *rollcallv1.Department {
	return dept(name, someOf(t, "group", worldGroups), func(s *rollcallv1.DepartmentSpec) {
		s.Profiles = refs(someOf(t, "profile", worldProfiles)...)
		if rapid.IntRange(0, 3).Draw(t, "selector") == 0 {
			s.ProfileSelector = &rollcallv1.ProfileSelector{Types: []rollcallv1.ProfileType{rollcallv1.ProfileTypeChat}}
		}
		s.ScheduleRef = maybe(t, "schedule", worldSchedules)
		s.Default = new(rapid.Bool().Draw(t, "default"))
		s.Routing.Selection = rapid.SampledFrom([]rollcallv1.Selection{"RoundRobin", "MostQualified"}).Draw(t, "selection")
		if rapid.Bool().Draw(t, "pooled") {
			s.Routing.Mode = new(rollcallv1.RoutingModePooled)
		}
		if rapid.Bool().Draw(t, "skilled") {
			s.Routing.RequiredSkills = []rollcallv1.RequiredSkill{{Name: "french", MinLevel: new(int32(3))}}
		}
		if to := maybe(t, "overflow", worldDepts); to != nil {
			s.Routing.Overflow = &rollcallv1.DepartmentOverflow{Type: "Department", Name: &to.Name}
		}
	})
}

func randomSchedule(t *rapid.T, name string) *rollcallv1.Schedule {
	return hours(name, rapid.SampledFrom([]string{"", "Europe/Prague", "Europe/Atlantis"}).Draw(t, "zone"), "09:00", "17:00")
}

func randomOrganization(t *rapid.T) *rollcallv1.Organization {
	return organization(func(s *rollcallv1.OrganizationSpec) {
		s.ContactCenter = rapid.SampledFrom([]rollcallv1.Switch{"Enabled", "Enabled", "Disabled"}).Draw(t, "contact centre")
		s.Chat.AutoAssignment = rapid.SampledFrom([]rollcallv1.Switch{"Enabled", "Enabled", "Disabled"}).Draw(t, "auto assignment")
		s.ScheduleRef = maybe(t, "schedule", worldSchedules)
		if rapid.Bool().Draw(t, "french") {
			s.Skills = []rollcallv1.Skill{{Name: "french"}}
		}
	})
}

// randomObject draws one object of any kind.
func randomObject(t *rapid.T) metav1.Object {
	one := func(of []string) string { return rapid.SampledFrom(of).Draw(t, "name") }
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return randomOrganization(t)
	case 1:
		return randomSchedule(t, one(worldSchedules))
	case 2:
		return chatProfile(one(worldProfiles))
	case 3:
		return phoneProfile(one(worldProfiles))
	case 4, 5:
		return randomTeammate(t, one(worldPeople))
	case 6, 7:
		return randomGroup(t, one(worldGroups))
	default:
		return randomDepartment(t, one(worldDepts))
	}
}

// halfBlind sees the profiles pa and pb as one person, everything as others.
func halfBlind() *crew {
	return &crew{sees: map[string][]string{"ana": {"pa"}, "ben": {"pb", "pc"}}, limits: map[string]int32{"cid": 3}}
}

// world is a planner with the objects it was given, so that another can be made of the same.
type world struct {
	roster  *roster.Roster
	planner *routing.Planner
	objects map[string]metav1.Object
}

func newWorld(now time.Time) *world {
	w := &world{roster: roster.New(now), objects: map[string]metav1.Object{}}
	w.planner = routing.NewPlanner(w.roster, halfBlind())
	return w
}

func (w *world) apply(o metav1.Object, deleted bool) {
	key := fmt.Sprintf("%T/%s", o, o.GetName())
	if deleted {
		if w.objects[key] == nil {
			return
		}
		delete(w.objects, key)
	} else {
		w.objects[key] = o
	}
	w.roster.Apply(roster.Change{Object: o, Deleted: deleted})
}

// answers are everything the planner says, for comparison.
type answers struct {
	Plans     map[routing.Target]*routing.Plan
	Next      map[routing.Target]time.Time
	Conflicts map[routing.Target][]routing.Conflict
	Cycles    map[routing.Target]string
	Serving   map[string]routing.Target
}

func (w *world) answers() answers {
	a := answers{
		Plans: map[routing.Target]*routing.Plan{}, Next: map[routing.Target]time.Time{}, Conflicts: map[routing.Target][]routing.Conflict{},
		Cycles: map[routing.Target]string{}, Serving: map[string]routing.Target{},
	}
	for _, x := range w.planner.Targets(nil) {
		a.Plans[x] = w.planner.Plan(nil, x)
		if next, ok := w.planner.NextTransition(x); ok {
			a.Next[x] = next
		}
		a.Conflicts[x] = w.planner.Conflicts(nil, x)
		a.Cycles[x] = w.planner.OverflowCycle(nil, x)
	}
	for _, p := range worldProfiles {
		a.Serving[p], _ = w.planner.Serving(nil, p)
	}
	return a
}

// rebuilt gives the same objects to a new planner, in an order drawn by seed.
func (w *world) rebuilt(seed uint64) *world {
	out := newWorld(w.roster.Now())
	var keys []string
	for key := range w.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	// Who held a contested key before holds it still: that is remembered, not computed.
	out.roster.Remember(w.roster.Memory(), true, false)
	for _, key := range keys {
		out.apply(w.objects[key], false)
	}
	out.roster.Settle()
	return out
}

func TestPropertyPlans(t *testing.T) {
	t.Run("P-07 S-54 after any edits the plans are those of a planner that sees only the result, in any order", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			w := newWorld(monday)
			w.apply(organization(nil), false)
			for range rapid.IntRange(1, 25).Draw(t, "edits") {
				switch rapid.IntRange(0, 9).Draw(t, "edit") {
				case 0:
					w.roster.Advance(w.roster.Now().Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour))
				case 1:
					w.apply(randomObject(t), true)
				default:
					w.apply(randomObject(t), false)
				}
				w.roster.Settle()
			}
			if diff := gocmp.Diff(w.rebuilt(rapid.Uint64().Draw(t, "order")).answers(), w.answers()); diff != "" {
				t.Fatalf("incremental answers (-rebuilt +incremental):\n%s", diff)
			}
		})
	})
	t.Run("P-08 P-19 until its next transition a plan stays as it is", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			w := newWorld(monday)
			w.apply(organization(nil), false)
			for range rapid.IntRange(5, 25).Draw(t, "objects") {
				w.apply(randomObject(t), false)
			}
			w.roster.Settle()
			before := w.answers()
			later := w.rebuilt(1)
			later.roster.Advance(monday.Add(time.Duration(rapid.IntRange(1, 24*6).Draw(t, "hours")) * time.Hour))
			later.roster.Settle()
			for _, x := range later.planner.Targets(nil) {
				next, changes := before.Next[x]
				if changes && !later.roster.Now().Before(next) {
					continue
				}
				if diff := gocmp.Diff(before.Plans[x], later.planner.Plan(nil, x)); diff != "" {
					t.Fatalf("%v changed before %v, at %v (-before +after):\n%s", x, next, later.roster.Now(), diff)
				}
			}
		})
	})
	t.Run("P-20 who serves profiles has candidates that see one, and each profile is served once", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			w := newWorld(monday)
			w.apply(organization(nil), false)
			for range rapid.IntRange(5, 30).Draw(t, "objects") {
				w.apply(randomObject(t), false)
			}
			w.roster.Settle()
			sees := halfBlind()
			for _, x := range w.planner.Targets(nil) {
				served := w.planner.Served(nil, x)
				for _, c := range w.planner.Plan(nil, x).Candidates {
					if len(served) > 0 && !sees.ViewsAny(nil, c.Name, served) {
						t.Errorf("%v serves %v, candidate %s sees none", x, served, c.Name)
					}
				}
				for _, lost := range w.planner.Conflicts(nil, x) {
					if winner, _ := w.planner.Serving(nil, lost.Profile); winner == x || winner != lost.Winner {
						t.Errorf("%v loses %s to %v, which goes to %v", x, lost.Profile, lost.Winner, winner)
					}
				}
			}
		})
	})
}
