package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Removals that only explanations name, beside those of Check: a closed gate, a profile the teammate does not see, and a
// ceiling.
const (
	ByGate       = "Gate"
	ByVisibility = "Visibility"
	ByCeiling    = "Ceiling"
)

// maxChains bounds the include chains shown of one membership: a lattice of groups has more than anybody reads.
const maxChains = 100

// Step is one link of a path: a field of an object (Kind/name) and what it does. Fields name list entries by their key:
// spec.members[ana].
type Step struct {
	Object string `json:"object"`
	Field  string `json:"field"`
	Effect string `json:"effect"`
}

// Explanation says how a permission comes about, and what takes it away.
type Explanation struct {
	Allowed bool
	Reason  Reason
	// Paths are all ways that confer the permission, whether something removes it or not; strongest source first.
	Paths [][]Step
	// Removed is everything that takes it away: By is ProfileRole, AccountRole or Organization for denies, else ByCeiling
	// (Name: the account role), ByGate (Name: phase or Deleting), ByVisibility (Name: the profile) or ByRecordingAccess.
	Removed []Removal
}

// explainer walks one question.
type explainer struct {
	*Access
	t       *incr.Task
	tm      *rollcallv1.Teammate
	role    *roster.AccountRole
	holding roster.Holding
	perm    string
	profile string
}

// Explain answers why a teammate who exists holds a concrete permission or not: on a profile, or, with profile "",
// account-wide. Paths follow the rules as if the gate were open, so that they also say what its opening would bring.
func (a *Access) Explain(teammate, perm, profile string) Explanation {
	t := a.roster.Graph.Peek()
	x := &explainer{Access: a, t: t, tm: a.roster.Teammate(t, teammate), holding: a.roster.Holding(t, teammate), perm: perm, profile: profile}
	if x.tm == nil {
		return Explanation{Reason: NotGranted}
	}
	x.role = x.holding.Role
	var out Explanation
	if x.role != nil {
		var v Verdict
		if profile == "" {
			v, out.Paths = a.checkAccount(t, teammate, x.role, perm), x.accountPaths()
		} else {
			v, out.Paths = a.checkProfile(t, x.tm, x.role, perm, profile), x.profilePaths()
		}
		out.Allowed, out.Reason = v.Allowed, v.Reason
		out.Removed = x.removals(v)
	}
	if state := a.lifecycle.State(t, teammate); !state.Open || x.role == nil {
		out.Allowed, out.Reason = false, GateClosed
		out.Removed = append([]Removal{{By: ByGate, Name: state.GateReason}}, out.Removed...)
	}
	return out
}

// removals completes those of a verdict, which names the first stage only.
func (x *explainer) removals(v Verdict) []Removal {
	switch v.Reason {
	case NotVisible:
		return []Removal{{By: ByVisibility, Name: x.profile}}
	case Ceiling:
		return []Removal{{By: ByCeiling, Name: x.role.Name}}
	case Denied:
		out := slices.Clone(v.Removed)
		if x.profile != "" && !x.underCeiling() {
			out = append(out, Removal{By: ByCeiling, Name: x.role.Name})
		}
		return out
	}
	return nil
}

// underCeiling reports whether the account role's ceiling would let the permission through.
func (x *explainer) underCeiling() bool {
	set := x.roster.Table.Close(x.roster.Table.Of(x.perm))
	return x.roster.Table.Has(x.roster.Catalogue(x.t, permission.Profile).Ceiling(set, x.role.Spec.ProfileCeiling), x.perm)
}

func ref(kind, name string) string { return kind + "/" + name }

// accountPaths is the account role with the entry that grants.
func (x *explainer) accountPaths() [][]Step {
	grant, ok := x.entry(ref(roster.KindAccountRole, x.role.Name), x.role.Spec.Permissions, permission.Account)
	if !ok {
		return nil
	}
	return [][]Step{{x.accountRole(), grant}}
}

// accountRole says where the teammate's account role comes from.
func (x *explainer) accountRole() Step {
	effect := "holds account role " + x.holding.Name
	if x.tm.Spec.AccountRoleRef != nil {
		return Step{ref(roster.KindTeammate, x.tm.Name), "spec.accountRoleRef", effect}
	}
	if o := x.roster.Organization(x.t); o != nil && o.Spec.DefaultAccountRoleRef != nil {
		return Step{ref(roster.KindOrganization, rollcallv1.OrganizationName), "spec.defaultAccountRoleRef", effect + ", the default"}
	}
	return Step{ref(roster.KindTeammate, x.tm.Name), "spec.accountRoleRef", effect + ", the built-in default"}
}

// entry finds the entry of a role's permissions that grants: itself, by a pattern, or by implying a module's view.
func (x *explainer) entry(object string, entries []string, scope permission.Scope) (Step, bool) {
	catalogue, table := x.roster.Catalogue(x.t, scope), x.roster.Table
	var implied Step
	for _, p := range slices.Sorted(slices.Values(entries)) {
		set, _ := catalogue.Expand([]string{p})
		step := Step{Object: object, Field: "spec.permissions[" + p + "]"}
		switch {
		case p == x.perm && table.Has(set, p):
			step.Effect = "grants " + x.perm
			return step, true
		case table.Has(set, x.perm):
			step.Effect = "grants " + x.perm + " by the pattern " + p
			return step, true
		case implied.Object == "" && table.Has(table.Close(set), x.perm):
			step.Effect = "grants " + p + ", which implies " + x.perm
			implied = step
		}
	}
	return implied, implied.Object != ""
}

// profilePaths are the ways through every used source that confers the permission.
func (x *explainer) profilePaths() [][]Step {
	s := x.sourcesOf(x.t, x.tm, x.role)
	present, visible := s.present(x.Access, x.t, x.profile)
	if !visible {
		return nil
	}
	var out [][]Step
	for _, src := range x.choose(x.t, x.tm, &s, present).used {
		grants := x.rolePaths(src.ProfileRole)
		if len(grants) == 0 {
			continue
		}
		for _, prefix := range x.sourcePaths(src) {
			for _, grant := range grants {
				out = append(out, slices.Concat(prefix, grant))
			}
		}
	}
	return out
}

// rolePaths lead from a profile role over its includes to each role that grants by itself, shortest first.
func (x *explainer) rolePaths(name string) [][]Step {
	type place struct {
		role string
		path []Step
	}
	var out [][]Step
	seen := map[string]bool{name: true}
	for work := []place{{role: name}}; len(work) > 0; work = work[1:] {
		here := work[0]
		spec, builtin := x.profileRole(here.role)
		if spec == nil {
			continue
		}
		object := ref(roster.KindProfileRole, here.role)
		if grant, ok := x.entry(object, spec.Permissions, permission.Profile); ok {
			if builtin {
				grant.Effect += " (built in)"
			}
			out = append(out, append(slices.Clone(here.path), grant))
		}
		cycle := x.roster.ProfileRoleCycle(x.t, here.role)
		for _, included := range slices.Sorted(names(spec.Includes)) {
			if seen[included] || cycle.Closes(included) {
				continue
			}
			seen[included] = true
			step := Step{object, "spec.includes[" + included + "]", "includes ProfileRole/" + included}
			work = append(work, place{included, append(slices.Clone(here.path), step)})
		}
	}
	return out
}

func names(refs []rollcallv1.ObjectRef) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, r := range refs {
			if !yield(r.Name) {
				return
			}
		}
	}
}

// profileRole resolves a role to its object, else to the built-in one.
func (x *explainer) profileRole(name string) (spec *rollcallv1.ProfileRoleSpec, builtin bool) {
	if o := x.roster.ProfileRole(x.t, name); o != nil {
		return &o.Spec, false
	}
	if s, ok := roster.BuiltinProfileRole(name); ok {
		return &s, true
	}
	return nil, false
}

// sourcePaths say how a source comes to confer its role on the profile.
func (x *explainer) sourcePaths(s Source) [][]Step {
	me := ref(roster.KindTeammate, x.tm.Name)
	gives := "gives ProfileRole/" + s.ProfileRole + " on Profile/" + x.profile
	switch s.Type {
	case rollcallv1.GrantSourceTypeDirect:
		return [][]Step{{{me, "spec.profiles[" + x.profile + "]", gives}}}
	case rollcallv1.GrantSourceTypePractice:
		return [][]Step{{{me, "spec.practices[" + s.Name + "]", gives + ", a line of practice " + s.Name}}}
	case rollcallv1.GrantSourceTypeDefault:
		field, object := "spec.defaultProfileRoleRef", me
		if d := x.tm.Spec.DefaultProfileRoleRef; d == nil || d.Name != s.ProfileRole {
			object = ref(roster.KindOrganization, rollcallv1.OrganizationName)
		}
		last := Step{object, field, gives + ", where nothing else gives a role"}
		return [][]Step{append(x.visibility(), last)}
	}
	var out [][]Step
	group := ref(roster.KindUserGroup, s.Name)
	role := Step{group, "spec.permissionSet.profileRoleRef", gives}
	if s.Stamped {
		role.Effect = "stamped at the last reflash: " + gives
	}
	for _, chain := range x.memberships(s.Name) {
		out = append(out, slices.Concat(chain, []Step{x.profileOf(s.Name), role}))
	}
	return out
}

// profileOf says how a group has the profile.
func (x *explainer) profileOf(group string) Step {
	object := ref(roster.KindUserGroup, group)
	g := x.roster.UserGroup(x.t, group)
	for _, e := range g.Spec.Profiles {
		if e.Name == x.profile && roster.In(x.t, e.Window) {
			return Step{object, "spec.profiles[" + e.Name + "]", "has Profile/" + x.profile + until(e.Until)}
		}
	}
	return Step{object, "spec.profileSelector", "selects Profile/" + x.profile}
}

// memberships are the chains by which the teammate is in a group: their own claims, and those on included groups.
func (x *explainer) memberships(group string) [][]Step {
	all := x.roster.Memberships(x.t, x.tm.Name)
	budget := maxChains
	var walk func(group string) [][]Step
	walk = func(group string) [][]Step {
		m := all.Of(group)
		if m == nil {
			return nil
		}
		var out [][]Step
		for _, s := range m.Sources {
			if budget <= 0 {
				break
			}
			if s.Rank != roster.RankInclude {
				budget--
				out = append(out, []Step{x.claim(group, s.Rank)})
				continue
			}
			up := Step{ref(roster.KindUserGroup, group), "spec.includes[" + s.Via + "]", "takes in the members of UserGroup/" + s.Via}
			for _, chain := range walk(s.Via) {
				out = append(out, append(slices.Clone(chain), up))
			}
		}
		return out
	}
	return walk(group)
}

// claim is one claim of the teammate on a group.
func (x *explainer) claim(group string, rank roster.Rank) Step {
	object, me := ref(roster.KindUserGroup, group), ref(roster.KindTeammate, x.tm.Name)
	g := x.roster.UserGroup(x.t, group)
	switch rank {
	case roster.RankExplicit:
		step := Step{object, "spec.members[" + x.tm.Name + "]", "lists " + me}
		if i := slices.IndexFunc(g.Spec.Members, func(m rollcallv1.Member) bool { return m.Name == x.tm.Name }); i >= 0 {
			step.Effect += until(g.Spec.Members[i].Until)
		}
		return step
	case roster.RankTeammate:
		step := Step{me, "spec.groups[" + group + "]", "joins " + object}
		if i := slices.IndexFunc(x.tm.Spec.Groups, func(e rollcallv1.TeammateGroup) bool { return e.Name == group }); i >= 0 {
			step.Effect += until(x.tm.Spec.Groups[i].Until)
		}
		return step
	}
	return Step{object, "spec.memberSelector", "selects " + me + x.selectedLabels(g.Spec.MemberSelector)}
}

// selectedLabels are the teammate's labels that a selector looks at.
func (x *explainer) selectedLabels(s *metav1.LabelSelector) string {
	if s == nil {
		return ""
	}
	var keys []string
	for k := range s.MatchLabels {
		keys = append(keys, k)
	}
	for _, e := range s.MatchExpressions {
		keys = append(keys, e.Key)
	}
	slices.Sort(keys)
	var out []string
	for _, k := range slices.Compact(keys) {
		if v, ok := x.tm.Labels[k]; ok {
			out = append(out, k+"="+v)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf(" by %s", strings.Join(out, ", "))
}

// visibility is the first reason for which the profile is visible although no source gives a role on it.
func (x *explainer) visibility() []Step {
	me, sees := ref(roster.KindTeammate, x.tm.Name), "sees Profile/"+x.profile
	if x.role.Spec.ProfileVisibility == rollcallv1.ProfileVisibilityAll {
		return []Step{x.accountRole(), {ref(roster.KindAccountRole, x.role.Name), "spec.profileVisibility", sees + " like every profile"}}
	}
	if x.tm.Spec.AssignAllProfiles != nil && *x.tm.Spec.AssignAllProfiles {
		return []Step{{me, "spec.assignAllProfiles", sees + " like every profile"}}
	}
	for _, e := range x.tm.Spec.Profiles {
		if e.Name == x.profile && roster.In(x.t, e.Window) {
			return []Step{{me, "spec.profiles[" + x.profile + "]", sees + until(e.Until)}}
		}
	}
	for _, m := range x.roster.Memberships(x.t, x.tm.Name).Accepted {
		if m.Enabled && slices.Contains(x.roster.GroupProfiles(x.t, m.Group), x.profile) {
			if chains := x.memberships(m.Group); len(chains) > 0 {
				return append(slices.Clone(chains[0]), x.profileOf(m.Group))
			}
		}
	}
	return []Step{x.accountRole(), {ref(roster.KindAccountRole, x.role.Name), "spec.profileVisibility", sees + ", a line of a practice"}}
}

func until(at *metav1.Time) string {
	if at == nil {
		return ""
	}
	return " until " + at.UTC().Format(time.RFC3339)
}

// Held returns the permissions of a teammate on a profile, sorted; empty while the gate is closed.
func (a *Access) Held(teammate, profile string) []string {
	t := a.roster.Graph.Peek()
	tm, holding := a.roster.Teammate(t, teammate), a.roster.Holding(t, teammate)
	if tm == nil || holding.Role == nil || !a.lifecycle.Open(t, teammate) {
		return nil
	}
	s := a.sourcesOf(t, tm, holding.Role)
	present, visible := s.present(a, t, profile)
	if !visible {
		return nil
	}
	return a.combinations.Get(t, a.choose(t, tm, &s, present).combination(holding.Role.Name)).Permissions
}
