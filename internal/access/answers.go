package access

import (
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Reason says why a permission is held or not.
type Reason string

// Reasons of `check` (CLI.md).
const (
	Granted    Reason = "Granted"
	NotGranted Reason = "NotGranted"
	Denied     Reason = "Denied"
	Ceiling    Reason = "Ceiling"
	NotVisible Reason = "NotVisible"
	GateClosed Reason = "GateClosed"
)

// Removal is what took a permission away: an object by its kind and name. By is ProfileRole, AccountRole, Organization,
// or RecordingAccess for the voice setting.
type Removal struct{ By, Name string }

// ByRecordingAccess is the By of a Removal through the voice setting of R-13.
const ByRecordingAccess = "RecordingAccess"

// Verdict is the answer to `may they?`.
type Verdict struct {
	Allowed bool
	Reason  Reason
	// Sources are those that confer the permission, also when something takes it away again.
	Sources []Source
	Removed []Removal
	// Present are all sources on the profile that grant anything, by rank.
	Present []Source
}

// Check answers whether a teammate who exists holds a concrete permission: on a profile, or, with profile "", account-wide.
func (a *Access) Check(teammate, perm, profile string) Verdict {
	t := a.roster.Graph.Peek()
	tm := a.roster.Teammate(t, teammate)
	if tm == nil {
		return Verdict{Reason: NotGranted}
	}
	holding := a.roster.Holding(t, teammate)
	if !a.lifecycle.Open(t, teammate) || holding.Role == nil {
		return Verdict{Reason: GateClosed}
	}
	if profile == "" {
		return a.checkAccount(t, teammate, holding.Role, perm)
	}
	return a.checkProfile(t, tm, holding.Role, perm, profile)
}

func (a *Access) checkAccount(t *incr.Task, teammate string, role *roster.AccountRole, perm string) Verdict {
	table := a.roster.Table
	if table.Has(a.account(t, teammate).Set, perm) {
		return Verdict{Allowed: true, Reason: Granted}
	}
	if !table.Has(table.Close(role.Permissions), perm) {
		return Verdict{Reason: NotGranted}
	}
	v := Verdict{Reason: Denied, Removed: a.accountRemovals(t, role, perm)}
	if len(v.Removed) == 0 && a.settings.Get(t, teammate).Recording != rollcallv1.SwitchEnabled {
		v.Removed = []Removal{{By: ByRecordingAccess, Name: teammate}}
	}
	return v
}

// takes reports whether deny patterns take a permission away, itself or through its module's view (R-7, fold).
func takes(patterns []string, perm string) bool {
	d := permission.CompileDenies(patterns)
	return d.Match(perm) || d.Match(viewOf(perm))
}

func viewOf(perm string) string {
	module, _, _ := strings.Cut(perm, ".")
	return module + ".view"
}

func (a *Access) accountRemovals(t *incr.Task, role *roster.AccountRole, perm string) []Removal {
	var out []Removal
	if takes(role.Spec.Denies, perm) {
		out = append(out, Removal{By: roster.KindAccountRole, Name: role.Name})
	}
	if role.Spec.BaseType != rollcallv1.BaseTypeOwner && takes(a.roster.Denies(t), perm) {
		out = append(out, Removal{By: roster.KindOrganization, Name: rollcallv1.OrganizationName})
	}
	return out
}

// present returns the sources on one profile as indices, and whether the teammate sees the profile at all.
func (s *sources) present(a *Access, t *incr.Task, profile string) (indices []int32, visible bool) {
	has := func(p profiles) bool { return slices.Contains(p.names, profile) }
	visible = s.all && a.roster.Usable(t, profile) || slices.ContainsFunc(s.visible, has)
	for i := range s.given {
		if has(s.given[i].profiles) {
			indices, visible = append(indices, int32(i)), true
		}
	}
	return indices, visible
}

func (a *Access) checkProfile(t *incr.Task, tm *rollcallv1.Teammate, role *roster.AccountRole, perm, profile string) Verdict {
	s := a.sourcesOf(t, tm, role)
	present, visible := s.present(a, t, profile)
	if !visible {
		return Verdict{Reason: NotVisible}
	}
	table := a.roster.Table
	c := a.choose(t, tm, &s, present)
	v := Verdict{Present: c.used}
	var granted []permission.Set
	for _, src := range c.used {
		set := a.roster.RoleContent(t, src.ProfileRole).Granted
		granted = append(granted, set)
		if table.Has(table.Close(set), perm) {
			v.Sources = append(v.Sources, src)
		}
	}
	combined := a.combinations.Get(t, c.combination(role.Name))
	switch {
	case table.Has(combined.Set, perm):
		v.Allowed, v.Reason = true, Granted
	case !table.Has(table.Close(permission.Union(granted...)), perm):
		v.Reason = NotGranted
	default:
		v.Removed = a.profileRemovals(t, c, role, perm)
		v.Reason = Denied
		if len(v.Removed) == 0 {
			v.Reason, v.Removed = Ceiling, []Removal{{By: roster.KindAccountRole, Name: role.Name}}
		}
	}
	return v
}

// profileRemovals names every present source whose denies take a permission away, then the account-wide ones.
func (a *Access) profileRemovals(t *incr.Task, c chosen, role *roster.AccountRole, perm string) []Removal {
	roles := slices.Clone(c.denying)
	for _, s := range c.used {
		roles = append(roles, s.ProfileRole)
	}
	var denying []string
	for _, name := range roles {
		for pattern, carriers := range a.roster.RoleContent(t, name).DenySources {
			if takes([]string{pattern}, perm) {
				denying = append(denying, carriers...)
			}
		}
	}
	slices.Sort(denying)
	var out []Removal
	for _, name := range slices.Compact(denying) {
		out = append(out, Removal{By: roster.KindProfileRole, Name: name})
	}
	return append(out, a.accountRemovals(t, role, perm)...)
}

// WhoCan returns the teammates who hold a permission, or one matching a pattern: on a profile, or, with profile "",
// account-wide. Sorted and complete.
func (a *Access) WhoCan(pattern, profile string) []string {
	t := a.roster.Graph.Peek()
	concrete := permission.ValidConcrete(pattern)
	var out []string
	for _, name := range a.roster.Names(t, roster.KindTeammate) {
		if concrete && a.Check(name, pattern, profile).Allowed || !concrete && a.holdsMatch(t, name, pattern, profile) {
			out = append(out, name)
		}
	}
	return out
}

// holdsMatch reports whether a teammate holds a permission that matches a pattern.
func (a *Access) holdsMatch(t *incr.Task, teammate, pattern, profile string) bool {
	matches := func(p string) bool { return permission.Match(pattern, p) }
	holding := a.roster.Holding(t, teammate)
	if !a.lifecycle.Open(t, teammate) || holding.Role == nil {
		return false
	}
	if profile == "" {
		return slices.ContainsFunc(a.account(t, teammate).Strings, matches)
	}
	tm := a.roster.Teammate(t, teammate)
	s := a.sourcesOf(t, tm, holding.Role)
	present, visible := s.present(a, t, profile)
	if !visible {
		return false
	}
	c := a.choose(t, tm, &s, present)
	return slices.ContainsFunc(a.combinations.Get(t, c.combination(holding.Role.Name)).Permissions, matches)
}
