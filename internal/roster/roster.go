// Package roster is the organization in memory: the objects of one namespace with their indexes, and the relations
// derived from them (resolved policies, roles, unique keys, include cycles, memberships, profiles of groups, hierarchy).
// Apply takes changes and Settle recomputes what they touch and nothing else; every derived value is a query of an
// incr.Graph, so that packages access, lifecycle, routing and lint read it and are themselves recomputed when it
// changes. A Roster is not safe for concurrent use; objects given to it must not be changed afterwards.
package roster

import (
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
)

// Kinds of input objects, as written in references and outputs.
const (
	KindOrganization      = "Organization"
	KindSchedule          = "Schedule"
	KindAccountRole       = "AccountRole"
	KindProfileRole       = "ProfileRole"
	KindProfile           = "Profile"
	KindTeammate          = "Teammate"
	KindUserGroup         = "UserGroup"
	KindDepartment        = "Department"
	KindQueue             = "Queue"
	KindCampaign          = "Campaign"
	KindMention           = "Mention"
	KindInboundAutomation = "InboundAutomation"
	KindDownstream        = "Downstream"
)

// Kinds lists the input kinds in the order in which reports name them.
var Kinds = []string{KindOrganization, KindSchedule, KindAccountRole, KindProfileRole, KindProfile, KindTeammate, KindUserGroup, KindDepartment, KindQueue, KindCampaign, KindMention, KindInboundAutomation, KindDownstream}

// Change is an object that was added or changed, or, with Deleted, one that is gone.
type Change struct {
	Object  metav1.Object
	Deleted bool
}

// objects is one kind's objects by name, with a node each for those that computations read.
type objects[T any] = incr.Input[string, *T]

// Roster is one organization. See the package comment.
type Roster struct {
	Graph *incr.Graph

	organizations *objects[rollcallv1.Organization]
	schedules     *objects[rollcallv1.Schedule]
	accountRoles  *objects[rollcallv1.AccountRole]
	profileRoles  *objects[rollcallv1.ProfileRole]
	profiles      *objects[rollcallv1.Profile]
	teammates     *objects[rollcallv1.Teammate]
	groups        *objects[rollcallv1.UserGroup]
	departments   *objects[rollcallv1.Department]
	queues        *objects[rollcallv1.Queue]
	campaigns     *objects[rollcallv1.Campaign]
	mentions      *objects[rollcallv1.Mention]
	automations   *objects[rollcallv1.InboundAutomation]
	downstreams   *objects[rollcallv1.Downstream]

	state  state
	memory Memory
	fresh  Fresh

	names         *incr.Index[string, string] // kind -> object names
	claimants     *incr.Index[string, string] // unique key -> "Kind/name"
	contested     map[string]struct{}         // keys to decide about in Settle
	identities    *incr.Index[string, string] // identity key -> teammates
	peopleMoved   bool
	eachTeammate  []func(name string, present bool)
	explicit      *incr.Input[string, []ExplicitClaim]
	missing       *incr.Index[string, string] // group -> those its member list names who do not exist
	includedBy    *incr.Index[string, string] // group -> groups that include it
	seats         *incr.Index[string, string] // teammate -> "Kind/name" of what lists them as supervisor
	departmentsOf *incr.Index[string, string] // group -> departments that list it
	queuesByGroup *incr.Index[string, string] // group -> queues that list it
	joiners       *incr.Index[string, string] // group -> teammates who list it from some time on
	roots         *incr.Index[struct{}, string]
	lines         *incr.Index[string, string] // practice -> profiles of type Line

	people        *selection[labels.Selector, labels.Set]
	profileFilter *selection[*rollcallv1.ProfileSelector, *rollcallv1.Profile]

	Table    *permission.Table
	existing *incr.Query[Claimant, bool]

	organizationQueries
	roleQueries
	keyQueries
	memberQueries
	profileQueries
	hierarchyQueries
	assignmentQueries
	stampQueries
}

// New returns an empty organization at the instant now.
func New(now time.Time) *Roster {
	g := incr.New(now)
	r := &Roster{Graph: g, Table: permission.NewTable(), contested: map[string]struct{}{}, fresh: newFresh()}
	r.memory = Memory{Claims: map[string]Claimant{}, People: map[string]Person{}, Stamps: map[string]*Stamp{}}

	r.organizations = incr.NewInput[string, *rollcallv1.Organization](g, KindOrganization, nil)
	r.schedules = incr.NewInput[string, *rollcallv1.Schedule](g, KindSchedule, nil)
	r.accountRoles = incr.NewInput[string, *rollcallv1.AccountRole](g, KindAccountRole, nil)
	r.profileRoles = incr.NewInput[string, *rollcallv1.ProfileRole](g, KindProfileRole, nil)
	r.profiles = incr.NewInput[string, *rollcallv1.Profile](g, KindProfile, nil)
	r.teammates = incr.NewInput[string, *rollcallv1.Teammate](g, KindTeammate, nil)
	r.groups = incr.NewInput[string, *rollcallv1.UserGroup](g, KindUserGroup, nil)
	r.departments = incr.NewInput[string, *rollcallv1.Department](g, KindDepartment, nil)
	r.queues = incr.NewInput[string, *rollcallv1.Queue](g, KindQueue, nil)
	r.campaigns = incr.NewInput[string, *rollcallv1.Campaign](g, KindCampaign, nil)
	r.mentions = incr.NewInput[string, *rollcallv1.Mention](g, KindMention, nil)
	r.automations = incr.NewInput[string, *rollcallv1.InboundAutomation](g, KindInboundAutomation, nil)
	r.downstreams = incr.NewInput[string, *rollcallv1.Downstream](g, KindDownstream, nil)
	r.state = newState(g)

	r.names = incr.NewIndex[string, string](g, "names")
	r.identities = incr.NewIndex[string, string](g, "identities")
	r.claimants = incr.NewIndex[string, string](g, "claimants")
	r.explicit = incr.NewInput[string, []ExplicitClaim](g, "explicitClaims", nil)
	r.missing = incr.NewIndex[string, string](g, "missing")
	r.includedBy = incr.NewIndex[string, string](g, "includedBy")
	r.seats = incr.NewIndex[string, string](g, "seats")
	r.departmentsOf = incr.NewIndex[string, string](g, "departmentsOf")
	r.queuesByGroup = incr.NewIndex[string, string](g, "queuesByGroup")
	r.joiners = incr.NewIndex[string, string](g, "joiners")
	r.roots = incr.NewIndex[struct{}, string](g, "roots")
	r.lines = incr.NewIndex[string, string](g, "lines")
	r.people = newSelection(g, "people", labelTokens, labelAnchors, labelMatches)
	r.profileFilter = newSelection(g, "profiles", profileTokens, profileAnchors, profileMatches)

	r.existing = incr.NewQuery(g, "exists", equal[bool], r.exists)
	r.organizationQueries = newOrganizationQueries(r)
	r.keyQueries = newKeyQueries(r)
	r.roleQueries = newRoleQueries(r)
	r.memberQueries = newMemberQueries(r)
	r.profileQueries = newProfileQueries(r)
	r.hierarchyQueries = newHierarchyQueries(r)
	r.assignmentQueries = newAssignmentQueries(r)
	r.stampQueries = newStampQueries(r)
	return r
}

// Now returns the instant the roster's values hold at.
func (r *Roster) Now() time.Time { return r.Graph.Now() }

// Organization returns the object named `default`, nil if there is none (R-1: then nothing is written).
func (r *Roster) Organization(t *incr.Task) *rollcallv1.Organization {
	return r.organizations.Get(t, rollcallv1.OrganizationName)
}

// Schedule returns the object of that name, nil if there is none; likewise the other kinds.
func (r *Roster) Schedule(t *incr.Task, name string) *rollcallv1.Schedule {
	return r.schedules.Get(t, name)
}

func (r *Roster) AccountRole(t *incr.Task, name string) *rollcallv1.AccountRole {
	return r.accountRoles.Get(t, name)
}

func (r *Roster) ProfileRole(t *incr.Task, name string) *rollcallv1.ProfileRole {
	return r.profileRoles.Get(t, name)
}

func (r *Roster) Profile(t *incr.Task, name string) *rollcallv1.Profile {
	return r.profiles.Get(t, name)
}

func (r *Roster) Teammate(t *incr.Task, name string) *rollcallv1.Teammate {
	return r.teammates.Get(t, name)
}

func (r *Roster) UserGroup(t *incr.Task, name string) *rollcallv1.UserGroup {
	return r.groups.Get(t, name)
}

func (r *Roster) Department(t *incr.Task, name string) *rollcallv1.Department {
	return r.departments.Get(t, name)
}

func (r *Roster) Queue(t *incr.Task, name string) *rollcallv1.Queue {
	return r.queues.Get(t, name)
}

func (r *Roster) Campaign(t *incr.Task, name string) *rollcallv1.Campaign {
	return r.campaigns.Get(t, name)
}

func (r *Roster) Mention(t *incr.Task, name string) *rollcallv1.Mention {
	return r.mentions.Get(t, name)
}

func (r *Roster) InboundAutomation(t *incr.Task, name string) *rollcallv1.InboundAutomation {
	return r.automations.Get(t, name)
}

// Downstream returns the downstream of that name, nil if there is none.
func (r *Roster) Downstream(t *incr.Task, name string) *rollcallv1.Downstream {
	return r.downstreams.Get(t, name)
}

// Invites reports whether some system that sends e-mail, or passes it on, is given the people of the organization: an SMTP
// or HTTP Downstream that carries Users (V-03).
func (r *Roster) Invites(t *incr.Task) bool {
	for _, name := range r.Names(t, KindDownstream) {
		if d := r.Downstream(t, name); d != nil && (d.Spec.Driver == rollcallv1.DriverSMTP || d.Spec.Driver == rollcallv1.DriverHTTP) &&
			slices.Contains(d.Spec.Records, rollcallv1.RecordKindUsers) {
			return true
		}
	}
	return false
}

// Exists reports whether an object exists. Unlike reading the object, it is not repeated when the object changes.
func (r *Roster) Exists(t *incr.Task, kind, name string) bool {
	return r.existing.Get(t, Claimant{kind, name})
}

func (r *Roster) exists(t *incr.Task, c Claimant) bool {
	switch c.Kind {
	case KindOrganization:
		return r.organizations.Get(t, c.Name) != nil
	case KindSchedule:
		return r.schedules.Get(t, c.Name) != nil
	case KindAccountRole:
		return r.accountRoles.Get(t, c.Name) != nil
	case KindProfileRole:
		return r.profileRoles.Get(t, c.Name) != nil
	case KindProfile:
		return r.profiles.Get(t, c.Name) != nil
	case KindTeammate:
		return r.teammates.Get(t, c.Name) != nil
	case KindUserGroup:
		return r.groups.Get(t, c.Name) != nil
	case KindDepartment:
		return r.departments.Get(t, c.Name) != nil
	case KindQueue:
		return r.queues.Get(t, c.Name) != nil
	case KindCampaign:
		return r.campaigns.Get(t, c.Name) != nil
	case KindMention:
		return r.mentions.Get(t, c.Name) != nil
	case KindInboundAutomation:
		return r.automations.Get(t, c.Name) != nil
	case KindDownstream:
		return r.downstreams.Get(t, c.Name) != nil
	}
	return false
}

// Names returns the names of all objects of a kind, sorted. The slice is valid until the next Apply.
func (r *Roster) Names(t *incr.Task, kind string) []string { return r.names.Get(t, kind) }

// DepartmentsOf returns the departments that list the group, sorted.
func (r *Roster) DepartmentsOf(t *incr.Task, group string) []string {
	return r.departmentsOf.Get(t, group)
}

// Joiners returns the teammates who list the group from some time on, already begun or not, sorted. Outputs that depend
// on who will be a member read their Memberships for the time they hold.
func (r *Roster) Joiners(t *incr.Task, group string) []string { return r.joiners.Get(t, group) }

// IncludedBy returns the groups that include the group, sorted.
func (r *Roster) IncludedBy(t *incr.Task, group string) []string { return r.includedBy.Get(t, group) }

// Includes returns the groups that the group includes, sorted.
func (r *Roster) Includes(t *incr.Task, group string) []string { return r.includes.Get(t, group) }

// ExplicitClaim is one entry of a group's members, seen from the teammate.
type ExplicitClaim struct {
	Group    string
	Position *int32
	rollcallv1.Window
}

func (c ExplicitClaim) same(d ExplicitClaim) bool {
	return c.Group == d.Group && samePointer(c.Position, d.Position) && sameWindow(c.Window, d.Window)
}

func sameWindow(a, b rollcallv1.Window) bool {
	return a.From.Equal(b.From) && a.Until.Equal(b.Until)
}

// In reports whether the instant is inside the window, from <= now < until, and has the computation repeated at the
// window's next edge.
func In(t *incr.Task, w rollcallv1.Window) bool {
	if w.Until != nil && t.Reached(w.Until.Time) {
		return false
	}
	return w.From == nil || t.Reached(w.From.Time)
}

// Apply takes changes into the organization. Derived values are stale until Settle.
func (r *Roster) Apply(changes ...Change) {
	for _, c := range changes {
		switch o := c.Object.(type) {
		case *rollcallv1.Organization:
			if o.Name == rollcallv1.OrganizationName {
				store(r, r.organizations, KindOrganization, o.Name, o, c.Deleted)
			}
		case *rollcallv1.Schedule:
			store(r, r.schedules, KindSchedule, o.Name, o, c.Deleted)
		case *rollcallv1.AccountRole:
			store(r, r.accountRoles, KindAccountRole, o.Name, o, c.Deleted)
		case *rollcallv1.ProfileRole:
			store(r, r.profileRoles, KindProfileRole, o.Name, o, c.Deleted)
		case *rollcallv1.Profile:
			old, now := store(r, r.profiles, KindProfile, o.Name, o, c.Deleted)
			r.indexProfile(o.Name, old, now)
		case *rollcallv1.Teammate:
			old, now := store(r, r.teammates, KindTeammate, o.Name, o, c.Deleted)
			r.indexTeammate(o.Name, old, now)
		case *rollcallv1.UserGroup:
			old, now := store(r, r.groups, KindUserGroup, o.Name, o, c.Deleted)
			r.indexGroup(o.Name, old, now)
		case *rollcallv1.Department:
			old, now := store(r, r.departments, KindDepartment, o.Name, o, c.Deleted)
			r.indexDepartment(o.Name, old, now)
		case *rollcallv1.Queue:
			old, now := store(r, r.queues, KindQueue, o.Name, o, c.Deleted)
			r.indexQueue(o.Name, old, now)
		case *rollcallv1.Campaign:
			old, now := store(r, r.campaigns, KindCampaign, o.Name, o, c.Deleted)
			r.indexCampaign(o.Name, old, now)
		case *rollcallv1.Mention:
			store(r, r.mentions, KindMention, o.Name, o, c.Deleted)
		case *rollcallv1.InboundAutomation:
			store(r, r.automations, KindInboundAutomation, o.Name, o, c.Deleted)
		case *rollcallv1.Downstream:
			store(r, r.downstreams, KindDownstream, o.Name, o, c.Deleted)
		}
	}
}

// store puts the object into its table and keeps the names of its kind; it returns the object before and after.
func store[T any](r *Roster, in *objects[T], kind, name string, o *T, deleted bool) (old, now *T) {
	old = in.Get(nil, name)
	if !deleted {
		now = o
		in.Set(name, now)
	} else {
		in.Delete(name)
	}
	switch {
	case old == nil && now != nil:
		r.names.Add(kind, name)
	case old != nil && now == nil:
		r.names.Remove(kind, name)
	}
	return old, now
}

// moveAll updates an index of name lists after one object's list changed.
func moveAll[K comparable](x *incr.Index[K, string], name string, before, after []K) {
	was := map[K]bool{}
	for _, k := range before {
		was[k] = true
	}
	is := map[K]bool{}
	for _, k := range after {
		if !is[k] && !was[k] {
			x.Add(k, name)
		}
		is[k] = true
	}
	for k := range was {
		if !is[k] {
			x.Remove(k, name)
		}
	}
}

func refNames(refs []rollcallv1.ObjectRef) []string {
	var out []string
	for _, ref := range refs {
		out = append(out, ref.Name)
	}
	return out
}

func (r *Roster) indexTeammate(name string, old, now *rollcallv1.Teammate) {
	r.claimKeys(Claimant{KindTeammate, name}, teammateKeys(old), teammateKeys(now))
	if old == nil || now == nil || !maps.Equal(old.Labels, now.Labels) {
		var set labels.Set
		if now != nil {
			set = now.Labels
		}
		r.people.setItem(name, set, now != nil)
	}
	moveAll(r.identities, name, identityOf(old), identityOf(now))
	moveAll(r.roots, name, rootKeys(old), rootKeys(now))
	moveAll(r.joiners, name, joinedGroups(old), joinedGroups(now))
	switch {
	case old == nil && now != nil:
		for _, c := range r.explicit.Get(nil, name) {
			r.missing.Remove(c.Group, name)
		}
		r.memberships.Observe(name)
		r.leaders.Observe(name)
		r.persons.Observe(name)
		r.tellTeammate(name, true)
	case old != nil && now == nil:
		for _, c := range r.explicit.Get(nil, name) {
			r.missing.Add(c.Group, name)
		}
		r.memberships.Unobserve(name)
		r.leaders.Unobserve(name)
		r.persons.Unobserve(name)
		r.tellTeammate(name, false)
	}
}

// EachTeammate calls f for every teammate that there is and, from Apply on, for each one that comes (present) or goes. f
// may observe queries; it must not read any.
func (r *Roster) EachTeammate(f func(name string, present bool)) {
	for _, name := range r.Names(nil, KindTeammate) {
		f(name, true)
	}
	r.eachTeammate = append(r.eachTeammate, f)
}

func (r *Roster) tellTeammate(name string, present bool) {
	for _, f := range r.eachTeammate {
		f(name, present)
	}
}

// joinedGroups are the groups that the teammate lists from some time on.
func joinedGroups(t *rollcallv1.Teammate) []string {
	var out []string
	if t != nil {
		for _, g := range t.Spec.Groups {
			if g.From != nil {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

func identityOf(t *rollcallv1.Teammate) []string {
	if t == nil {
		return nil
	}
	return []string{IdentityKey(t.Spec.Identity)}
}

func rootKeys(t *rollcallv1.Teammate) []struct{} {
	if t == nil || t.Spec.TeamLeaderRef != nil || t.Spec.CanManageTeams == nil || !*t.Spec.CanManageTeams {
		return nil
	}
	return []struct{}{{}}
}

func (r *Roster) indexGroup(name string, old, now *rollcallv1.UserGroup) {
	r.claimKeys(Claimant{KindUserGroup, name}, groupKeys(old), groupKeys(now))
	var before, after []rollcallv1.Member
	var includesBefore, includesAfter, seatsBefore, seatsAfter []string
	if old != nil {
		before, includesBefore, seatsBefore = old.Spec.Members, refNames(old.Spec.Includes), refNames(old.Spec.Supervisors)
	}
	if now != nil {
		after, includesAfter, seatsAfter = now.Spec.Members, refNames(now.Spec.Includes), refNames(now.Spec.Supervisors)
	}
	r.indexMembers(name, before, after)
	moveAll(r.includedBy, name, includesBefore, includesAfter)
	moveAll(r.seats, Claimant{KindUserGroup, name}.String(), seatsBefore, seatsAfter)
	r.indexMemberSelector(name, old, now)
	r.filterProfiles(GroupOwner(name), now != nil, func() *rollcallv1.ProfileSelector { return now.Spec.ProfileSelector })
	dialing := now != nil && now.Spec.Voice != nil && now.Spec.Voice.Dialing != nil
	r.filterProfiles(DialingOwner(name), dialing, func() *rollcallv1.ProfileSelector { return now.Spec.Voice.Dialing.ProfileSelector })
	switch {
	case old == nil && now != nil:
		r.currentStamps.Observe(name)
	case old != nil && now == nil:
		r.currentStamps.Unobserve(name)
	}
}

// indexMembers keeps the claims of a group's member list under the teammates they name.
func (r *Roster) indexMembers(group string, before, after []rollcallv1.Member) {
	claim := func(m rollcallv1.Member) ExplicitClaim {
		return ExplicitClaim{Group: group, Position: m.Position, Window: m.Window}
	}
	same := func(a, b rollcallv1.Member) bool { return a.Name == b.Name && claim(a).same(claim(b)) }
	for len(before) > 0 && len(after) > 0 && same(before[0], after[0]) {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && same(before[len(before)-1], after[len(after)-1]) {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	was := make(map[string]ExplicitClaim, len(before))
	for _, m := range before {
		was[m.Name] = claim(m)
	}
	for _, m := range after {
		c := claim(m)
		if old, ok := was[m.Name]; ok {
			delete(was, m.Name)
			if old.same(c) {
				continue
			}
		}
		r.setExplicit(m.Name, c, true)
	}
	for name, c := range was {
		r.setExplicit(name, c, false)
	}
}

func (r *Roster) setExplicit(teammate string, c ExplicitClaim, present bool) {
	list := r.explicit.Get(nil, teammate)
	i, found := slices.BinarySearchFunc(list, c.Group, func(e ExplicitClaim, group string) int { return strings.Compare(e.Group, group) })
	out := make([]ExplicitClaim, 0, len(list)+1)
	out = append(out, list[:i]...)
	if present {
		out = append(out, c)
	}
	if found {
		i++
	}
	out = append(out, list[i:]...)
	if len(out) == 0 {
		r.explicit.Delete(teammate)
	} else {
		r.explicit.Set(teammate, out)
	}
	switch {
	case found == present || r.Teammate(nil, teammate) != nil:
	case present:
		r.missing.Add(c.Group, teammate)
	default:
		r.missing.Remove(c.Group, teammate)
	}
}

func (r *Roster) indexMemberSelector(group string, old, now *rollcallv1.UserGroup) {
	var before, after *metav1.LabelSelector
	if old != nil {
		before = old.Spec.MemberSelector
	}
	if now != nil {
		after = now.Spec.MemberSelector
	}
	if before == after || before != nil && after != nil && sameSelector(before, after) {
		return
	}
	sel, err := CompileSelector(after)
	r.people.setSelector(group, sel, sel != nil && err == nil)
}

func (r *Roster) filterProfiles(owner string, present bool, of func() *rollcallv1.ProfileSelector) {
	var sel *rollcallv1.ProfileSelector
	if present {
		sel = of()
	}
	old := r.profileFilter.selectors[owner]
	if sameProfileSelector(old, sel) {
		return
	}
	r.profileFilter.setSelector(owner, sel, sel != nil && !emptyProfileSelector(sel))
}

func (r *Roster) indexDepartment(name string, old, now *rollcallv1.Department) {
	r.claimKeys(Claimant{KindDepartment, name}, departmentKeys(old), departmentKeys(now))
	names := func(d *rollcallv1.Department) []string {
		var out []string
		if d != nil {
			for _, g := range d.Spec.Groups {
				out = append(out, g.Name)
			}
		}
		return out
	}
	moveAll(r.departmentsOf, name, names(old), names(now))
	r.filterProfiles(DepartmentOwner(name), now != nil, func() *rollcallv1.ProfileSelector { return now.Spec.ProfileSelector })
}

func (r *Roster) indexProfile(name string, old, now *rollcallv1.Profile) {
	r.claimKeys(Claimant{KindProfile, name}, profileKeys(old), profileKeys(now))
	r.profileFilter.setItem(name, now, now != nil)
	moveAll(r.lines, name, linePractice(old), linePractice(now))
	switch {
	case old == nil && now != nil:
		r.usableProfiles.Observe(name)
	case old != nil && now == nil:
		r.usableProfiles.Unobserve(name)
	}
}

func linePractice(p *rollcallv1.Profile) []string {
	if p == nil || p.Spec.Type != rollcallv1.ProfileTypeLine || p.Spec.PracticeName == nil {
		return nil
	}
	return []string{*p.Spec.PracticeName}
}

// Settle recomputes what changed since the last call.
func (r *Roster) Settle() {
	r.settleKeys()
	r.Graph.Settle()
}

// Advance moves the instant; Settle must follow.
func (r *Roster) Advance(now time.Time) { r.Graph.Advance(now) }
