package oracle

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// evaluation is one call of Evaluate: its arguments, and what has been computed so far.
type evaluation struct {
	org   Org
	state State
	now   time.Time
	pol   policies

	people      map[string]*person
	groups      map[string]rollcallv1.UserGroup
	profiles    map[string]rollcallv1.Profile
	departments map[string]rollcallv1.Department
	schedules   map[string]rollcallv1.Schedule
	queues      map[string]rollcallv1.Queue
	campaigns   map[string]rollcallv1.Campaign

	roles            map[string]roleContent
	profileCatalogue set

	result Result
}

// Evaluate computes everything that follows from an organization, its state and a time. It changes none of its arguments.
// Without an Organization nothing follows and the state stays.
func Evaluate(org Org, state State, now time.Time) Result {
	e := &evaluation{
		org: org, state: state, now: now,
		people: map[string]*person{}, groups: byName(org.UserGroups, func(o rollcallv1.UserGroup) string { return o.Name }),
		profiles:    byName(org.Profiles, func(o rollcallv1.Profile) string { return o.Name }),
		departments: byName(org.Departments, func(o rollcallv1.Department) string { return o.Name }),
		schedules:   byName(org.Schedules, func(o rollcallv1.Schedule) string { return o.Name }),
		queues:      byName(org.Queues, func(o rollcallv1.Queue) string { return o.Name }),
		campaigns:   byName(org.Campaigns, func(o rollcallv1.Campaign) string { return o.Name }),
		roles:       map[string]roleContent{},
		result: Result{
			Teammates: map[string]Teammate{}, Groups: map[string]Group{}, Departments: map[string]Department{}, Roles: map[string]Role{},
			Plans: map[Ref]Plan{}, Inbound: map[string]Inbound{},
			Next: State{Recorded: true, Keys: map[string]Ref{}, Stamps: map[string]Stamp{}},
		},
	}
	if org.Organization == nil {
		e.result.Next = state
		return e.result
	}
	e.pol = resolvePolicies(org.Organization.Spec)
	e.computeKeys()
	e.computeRoles()
	e.computePeople()
	e.computeLeaders()
	e.computeIncumbents()
	e.computeGroups()
	e.computeAssignments()
	e.computeAccess()
	e.computePlans()
	e.computeMentions()
	e.recordPeople()
	return e.result
}

// recordPeople writes the records of everybody about whom there is something to remember.
func (e *evaluation) recordPeople() {
	for _, name := range slices.Sorted(maps.Keys(e.people)) {
		r := e.people[name].record
		if r.ConfirmedAt != nil || r.ArchivedAt != nil || r.ApprovedCard != nil || r.Home != "" || r.Cover != "" || r.Campaign != "" {
			e.result.Next.People = append(e.result.Next.People, r)
		}
	}
	slices.SortStableFunc(e.result.Next.People, func(a, b Person) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key))
	})
}

func byName[O any](objects []O, name func(O) string) map[string]O {
	out := map[string]O{}
	for _, o := range objects {
		out[name(o)] = o
	}
	return out
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func isTrue(b *bool) bool { return b != nil && *b }

// bound is the time of one end of a window, or the given second where the window is open.
func bound(t *metav1.Time, open int64) time.Time {
	if t != nil {
		return t.Time
	}
	if open == math.MaxInt64 {
		return time.Unix(1<<60, 0)
	}
	return time.Unix(-1<<60, 0)
}

func timeOf(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}
