package roster

import (
	"reflect"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/permission"
)

// AccountRole is an account role as it is in effect: an object, or the built-in role of that name.
type AccountRole struct {
	Name string
	Spec *rollcallv1.AccountRoleSpec
	// Ignored reports that an object of this name exists and is not read, because policies allow no custom roles.
	Ignored bool
	// Permissions is expand(permissions) over the account catalogue, not yet closed; Unknown are strings outside it.
	Permissions permission.Set
	Unknown     []string
}

// CanSupervise reports whether holders may be listed as supervisors (V-25).
func (a *AccountRole) CanSupervise() bool {
	if a == nil {
		return false
	}
	if a.Spec.CanBeSupervisor != nil {
		return *a.Spec.CanBeSupervisor
	}
	return a.Spec.BaseType == rollcallv1.BaseTypeSupervisor
}

func sameAccountRole(a, b *AccountRole) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Ignored == b.Ignored && a.Permissions.Equal(b.Permissions) && slices.Equal(a.Unknown, b.Unknown) && reflect.DeepEqual(a.Spec, b.Spec)
}

// RoleReason says why a person's account role does not count.
type RoleReason string

// Reasons of Holding.
const (
	RoleUnresolved      RoleReason = rollcallv1.ReasonUnresolvedReference
	RoleNotTenantAdmin  RoleReason = rollcallv1.ReasonOwnerNotTenantAdmin
	RoleBaseTypeRefused RoleReason = rollcallv1.ReasonBaseTypeNotAllowed
)

// Holding is the account role of one person (R-4, Role allowed).
type Holding struct {
	// Name is the role referred to, by the person or by default.
	Name string
	// Role is nil when it does not count, for Reason.
	Role   *AccountRole
	Reason RoleReason
}

// BaseType returns the class used by fixed rules, None without a role.
func (h Holding) BaseType() rollcallv1.BaseType {
	if h.Role == nil {
		return rollcallv1.BaseTypeNone
	}
	return h.Role.Spec.BaseType
}

// RoleContent is what a profile role confers, its includes followed.
type RoleContent struct {
	Exists bool
	// Granted is the expanded union over the role and what it includes over edges that close no cycle; not yet closed.
	Granted permission.Set
	// Denies are the deny patterns of the role and of everything it reaches, sorted.
	Denies []string
	// DenySources names for each deny pattern the roles that carry it.
	DenySources map[string][]string
	// Visibility is the role's own content visibility; includes do not pass it on.
	Visibility rollcallv1.ContentVisibility
	Unknown    []string // the role's own strings outside the catalogue
}

func sameRoleContent(a, b *RoleContent) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Exists == b.Exists && a.Visibility == b.Visibility && a.Granted.Equal(b.Granted) && slices.Equal(a.Denies, b.Denies) &&
		slices.Equal(a.Unknown, b.Unknown) && reflect.DeepEqual(a.DenySources, b.DenySources)
}

type roleQueries struct {
	accounts   *incr.Query[string, *AccountRole]
	holdings   *incr.Query[string, Holding]
	roleSpecs  *incr.Query[string, *rollcallv1.ProfileRoleSpec]
	roleLists  *incr.Query[string, []string]
	roleCycles *incr.Query[string, Cycle]
	contents   *incr.Query[string, *RoleContent]
}

func newRoleQueries(r *Roster) roleQueries {
	var q roleQueries
	q.accounts = incr.NewQuery(r.Graph, "accountRole", sameAccountRole, r.accountRole)
	q.holdings = incr.NewQuery(r.Graph, "holding", equal[Holding], r.holding)
	q.roleSpecs = incr.NewQuery(r.Graph, "profileRole", func(a, b *rollcallv1.ProfileRoleSpec) bool { return reflect.DeepEqual(a, b) }, r.profileRoleSpec)
	q.roleLists = incr.NewQuery(r.Graph, "profileRoleIncludes", slices.Equal, func(t *incr.Task, name string) []string {
		spec := r.roleSpecs.Get(t, name)
		if spec == nil {
			return nil
		}
		out := refNames(spec.Includes)
		slices.Sort(out)
		return out
	})
	q.roleCycles = incr.NewQuery(r.Graph, "profileRoleCycle", sameCycle, func(t *incr.Task, name string) Cycle {
		return cycleAt(name, func(n string) []string { return r.roleLists.Get(t, n) })
	})
	q.contents = incr.NewQuery(r.Graph, "roleContent", sameRoleContent, r.roleContent)
	return q
}

// EffectiveAccountRole returns the role of that name as it is in effect, nil if the reference dangles.
func (r *Roster) EffectiveAccountRole(t *incr.Task, name string) *AccountRole {
	return r.accounts.Get(t, name)
}

func (r *Roster) accountRole(t *incr.Task, name string) *AccountRole {
	p := r.Policies(t)
	scoped := *p.PracticeScoping == rollcallv1.SwitchEnabled
	spec, builtin := BuiltinAccountRole(name, scoped)
	a := &AccountRole{Name: name}
	if o := r.AccountRole(t, name); o != nil {
		if *p.RoleModel.AllowCustom {
			spec, builtin = o.Spec, true
		} else {
			read, found := BuiltinAccountRole(builtinOfBaseType[o.Spec.BaseType], scoped)
			if !found {
				read = rollcallv1.AccountRoleSpec{BaseType: rollcallv1.BaseTypeNone, ProfileCeiling: []string{"*"},
					ProfileVisibility: rollcallv1.ProfileVisibilityAssigned, DataScope: rollcallv1.DataScope{Default: []rollcallv1.Scope{rollcallv1.ScopeSelf}}}
			}
			written := o.Spec
			withDefaults(&written)
			a.Ignored = !sameRole(&written, &read)
			spec, builtin = read, true
		}
	}
	if !builtin {
		return nil
	}
	withDefaults(&spec)
	a.Spec = &spec
	catalogue := r.Catalogue(t, permission.Account)
	granted, unknown := catalogue.Expand(spec.Permissions)
	a.Permissions, a.Unknown = granted, unknown
	a.Unknown = sortedUnion(a.Unknown, r.unknownDenies(t, spec.Denies))
	return a
}

// unknownDenies returns the deny patterns of an account role that name nothing known: they are about account permissions,
// profile grants and mention grants alike.
func (r *Roster) unknownDenies(t *incr.Task, denies []string) []string {
	_, unknown := r.Catalogue(t, permission.Account).Expand(denies)
	_, unknown = r.Catalogue(t, permission.Profile).Expand(unknown)
	return slices.DeleteFunc(unknown, func(d string) bool { return strings.HasPrefix(d, "conversation.") })
}

// withDefaults fills what the API server would have defaulted, for objects read from elsewhere.
func withDefaults(spec *rollcallv1.AccountRoleSpec) {
	if spec.ProfileCeiling == nil {
		spec.ProfileCeiling = []string{"*"}
	}
	if spec.ProfileVisibility == "" {
		spec.ProfileVisibility = rollcallv1.ProfileVisibilityAssigned
	}
	if len(spec.DataScope.Default) == 0 {
		spec.DataScope.Default = []rollcallv1.Scope{rollcallv1.ScopeSelf}
	}
}

// sameRole compares what an object says with the built-in role it is read as; the display name does not matter.
func sameRole(o, builtin *rollcallv1.AccountRoleSpec) bool {
	set := func(list []string) []string { s := slices.Clone(list); slices.Sort(s); return s }
	scopes := func(list []rollcallv1.Scope) []rollcallv1.Scope { s := slices.Clone(list); slices.Sort(s); return s }
	flag := func(b *bool, absent bool) bool {
		if b == nil {
			return absent
		}
		return *b
	}
	return slices.Equal(set(o.Permissions), set(builtin.Permissions)) && len(o.Denies) == 0 &&
		slices.Equal(set(o.ProfileCeiling), set(builtin.ProfileCeiling)) && o.ProfileVisibility == builtin.ProfileVisibility &&
		slices.Equal(scopes(o.DataScope.Default), scopes(builtin.DataScope.Default)) && len(o.DataScope.Areas) == 0 &&
		flag(o.CanBeSupervisor, o.BaseType == rollcallv1.BaseTypeSupervisor) == flag(builtin.CanBeSupervisor, builtin.BaseType == rollcallv1.BaseTypeSupervisor) &&
		flag(o.ProtectLastHolder, false) == flag(builtin.ProtectLastHolder, false)
}

func sortedUnion(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// Holding returns the account role of a teammate, and why it does not count if it does not.
func (r *Roster) Holding(t *incr.Task, teammate string) Holding { return r.holdings.Get(t, teammate) }

func (r *Roster) holding(t *incr.Task, teammate string) Holding {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return Holding{}
	}
	h := Holding{Name: r.defaults.Get(t, struct{}{}).accountRole}
	if ref := tm.Spec.AccountRoleRef; ref != nil {
		h.Name = ref.Name
	}
	role := r.accounts.Get(t, h.Name)
	if role == nil {
		h.Reason = RoleUnresolved
		return h
	}
	p := r.Policies(t)
	allowed := p.RoleModel.AllowedBaseTypes
	switch {
	case len(allowed) > 0 && !slices.Contains(allowed, role.Spec.BaseType):
		h.Reason = RoleBaseTypeRefused
	case role.Spec.BaseType == rollcallv1.BaseTypeOwner && *p.OwnerAssignment == rollcallv1.OwnerAssignmentDirectory &&
		(tm.Spec.Identity.DirectoryTenantAdmin == nil || !*tm.Spec.Identity.DirectoryTenantAdmin):
		h.Reason = RoleNotTenantAdmin
	default:
		h.Role = role
	}
	return h
}

// profileRoleSpec resolves a profile role: the object of that name, else the built-in one, else nil.
func (r *Roster) profileRoleSpec(t *incr.Task, name string) *rollcallv1.ProfileRoleSpec {
	if o := r.ProfileRole(t, name); o != nil {
		return &o.Spec
	}
	if spec, ok := BuiltinProfileRole(name); ok {
		return &spec
	}
	return nil
}

// ProfileRoleExists reports whether a reference to the profile role resolves.
func (r *Roster) ProfileRoleExists(t *incr.Task, name string) bool {
	return r.contents.Get(t, name).Exists
}

// ProfileRoleCycle returns the include cycle of a profile role.
func (r *Roster) ProfileRoleCycle(t *incr.Task, name string) Cycle { return r.roleCycles.Get(t, name) }

// RoleContent returns what the profile role confers; never nil.
func (r *Roster) RoleContent(t *incr.Task, name string) *RoleContent { return r.contents.Get(t, name) }

func (r *Roster) roleContent(t *incr.Task, name string) *RoleContent {
	spec := r.roleSpecs.Get(t, name)
	if spec == nil {
		return &RoleContent{}
	}
	c := &RoleContent{Exists: true, Visibility: spec.ContentVisibility}
	if c.Visibility == "" {
		c.Visibility = rollcallv1.ContentVisibilityAll
	}
	catalogue := r.Catalogue(t, permission.Profile)
	granted, unknown := catalogue.Expand(spec.Permissions)
	c.Unknown = unknown
	if _, more := catalogue.Expand(spec.Denies); len(more) > 0 {
		c.Unknown = sortedUnion(c.Unknown, more)
	}
	cycle := r.roleCycles.Get(t, name)
	sets := []permission.Set{granted}
	for _, included := range r.roleLists.Get(t, name) {
		if !cycle.Closes(included) {
			sets = append(sets, r.contents.Get(t, included).Granted)
		}
	}
	c.Granted = permission.Union(sets...)
	c.collectDenies(r, t, name)
	return c
}

// collectDenies walks everything the role reaches: denies flow along closing edges too.
func (c *RoleContent) collectDenies(r *Roster, t *incr.Task, start string) {
	seen := map[string]bool{start: true}
	work := []string{start}
	for len(work) > 0 {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		spec := r.roleSpecs.Get(t, name)
		if spec == nil {
			continue
		}
		for _, d := range spec.Denies {
			if strings.HasPrefix(d, "conversation.") {
				continue // never in a ProfileRole
			}
			if c.DenySources == nil {
				c.DenySources = map[string][]string{}
			}
			c.DenySources[d] = append(c.DenySources[d], name)
		}
		for _, n := range r.roleLists.Get(t, name) {
			if !seen[n] {
				seen[n] = true
				work = append(work, n)
			}
		}
	}
	for d, sources := range c.DenySources {
		slices.Sort(sources)
		c.Denies = append(c.Denies, d)
	}
	slices.Sort(c.Denies)
}
