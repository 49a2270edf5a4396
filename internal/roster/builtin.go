package roster

import (
	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// The built-in roles of API.md section 3: a reference to their name resolves without any object.

var (
	managerPermissions = []string{
		"users.view", "users.create", "users.invite", "users.import", "users.edit", "users.editSkills", "users.editChatLimit",
		"users.assignRole", "users.setAvailability", "users.notify", "groups.*", "departments.*", "queues.*", "campaigns.*",
		"organization.view", "organization.manage", "conversations.*", "cases.*", "analytics.*", "reports.*", "mentions.*", "recordings.*",
	}
	enterprisePermissions = []string{
		"users.*", "groups.*", "departments.*", "queues.*", "campaigns.*", "organization.view", "conversations.*", "cases.*",
		"analytics.*", "reports.*", "mentions.*", "recordings.*",
	}
)

func accountRole(base rollcallv1.BaseType, visibility rollcallv1.ProfileVisibility, scopes []rollcallv1.Scope, permissions ...string) rollcallv1.AccountRoleSpec {
	return rollcallv1.AccountRoleSpec{
		BaseType: base, Permissions: permissions, ProfileCeiling: []string{"*"}, ProfileVisibility: visibility,
		DataScope: rollcallv1.DataScope{Default: scopes},
	}
}

func without(list []string, drop ...string) []string {
	var out []string
next:
	for _, s := range list {
		for _, d := range drop {
			if s == d {
				continue next
			}
		}
		out = append(out, s)
	}
	return out
}

// BuiltinAccountRole returns the built-in account role of that name, false if there is none. Under practice scoping the
// role `manager` is the practice variant.
func BuiltinAccountRole(name string, practiceScoping bool) (rollcallv1.AccountRoleSpec, bool) {
	scopes := func(s ...rollcallv1.Scope) []rollcallv1.Scope { return s }
	company := scopes(rollcallv1.ScopeCompany)
	switch name {
	case "owner":
		r := accountRole(rollcallv1.BaseTypeOwner, rollcallv1.ProfileVisibilityAll, company, "*")
		r.ProtectLastHolder = new(true)
		return r, true
	case "administrator":
		return accountRole(rollcallv1.BaseTypeAdministrator, rollcallv1.ProfileVisibilityAll, company,
			append([]string{"roles.*", "organization.manage"}, enterprisePermissions...)...), true
	case "enterprise":
		return accountRole(rollcallv1.BaseTypeEnterprise, rollcallv1.ProfileVisibilityPracticeLines, company, enterprisePermissions...), true
	case "manager":
		if practiceScoping {
			return accountRole(rollcallv1.BaseTypeManager, rollcallv1.ProfileVisibilityPracticeLines, scopes(rollcallv1.ScopeOwnPractices),
				without(managerPermissions, "organization.manage")...), true
		}
		return accountRole(rollcallv1.BaseTypeManager, rollcallv1.ProfileVisibilityAssigned, company, managerPermissions...), true
	case "supervisor":
		r := accountRole(rollcallv1.BaseTypeSupervisor, rollcallv1.ProfileVisibilityAssigned, scopes(rollcallv1.ScopeSelf, rollcallv1.ScopeManagedGroups),
			"users.view", "users.editSkills", "users.editChatLimit", "users.setAvailability", "users.notify", "groups.view",
			"conversations.handle", "conversations.monitor", "cases.*", "analytics.view", "reports.view", "mentions.create", "recordings.viewOwn")
		r.CanBeSupervisor = new(true)
		return r, true
	case "team-leader":
		return accountRole(rollcallv1.BaseTypeTeamLeader, rollcallv1.ProfileVisibilityAssigned, scopes(rollcallv1.ScopeOwnTeam, rollcallv1.ScopeOwnHierarchy),
			"users.view", "users.approveCard", "conversations.handle", "conversations.monitor", "analytics.view", "reports.view",
			"mentions.create", "recordings.viewOwn"), true
	case "agent":
		return accountRole(rollcallv1.BaseTypeAgent, rollcallv1.ProfileVisibilityAssigned, scopes(rollcallv1.ScopeSelf, rollcallv1.ScopeOwnDepartments),
			"conversations.handle", "cases.manage", "cases.delete", "cases.viewReports", "analytics.view", "reports.view",
			"mentions.create", "recordings.viewOwn"), true
	case "staff":
		return accountRole(rollcallv1.BaseTypeStaff, rollcallv1.ProfileVisibilityPracticeLines, scopes(rollcallv1.ScopeSelf, rollcallv1.ScopeOwnPractices),
			"conversations.handle", "mentions.create"), true
	case "viewer":
		return accountRole(rollcallv1.BaseTypeViewer, rollcallv1.ProfileVisibilityAssigned, scopes(rollcallv1.ScopeSelf), "*.view"), true
	}
	return rollcallv1.AccountRoleSpec{}, false
}

// BuiltinAccountRoles are the names of the built-in account roles, in the order of API.md.
var BuiltinAccountRoles = []string{"owner", "administrator", "enterprise", "manager", "supervisor", "team-leader", "agent", "staff", "viewer"}

// builtinOfBaseType names the built-in account role of a base type; None has none.
var builtinOfBaseType = map[rollcallv1.BaseType]string{
	rollcallv1.BaseTypeOwner: "owner", rollcallv1.BaseTypeAdministrator: "administrator", rollcallv1.BaseTypeEnterprise: "enterprise",
	rollcallv1.BaseTypeManager: "manager", rollcallv1.BaseTypeSupervisor: "supervisor", rollcallv1.BaseTypeTeamLeader: "team-leader",
	rollcallv1.BaseTypeAgent: "agent", rollcallv1.BaseTypeStaff: "staff", rollcallv1.BaseTypeViewer: "viewer",
}

// BuiltinProfileRoles are the names of the built-in profile roles, in the order of API.md.
var BuiltinProfileRoles = []string{"view-only", "create", "create-publish", "create-publish-approve", "approve-only"}

// BuiltinProfileRole returns the built-in profile role of that name, false if there is none.
func BuiltinProfileRole(name string) (rollcallv1.ProfileRoleSpec, bool) {
	role := func(include string, permissions ...string) (rollcallv1.ProfileRoleSpec, bool) {
		r := rollcallv1.ProfileRoleSpec{Permissions: permissions, ContentVisibility: rollcallv1.ContentVisibilityAll}
		if include != "" {
			r.Includes = []rollcallv1.ObjectRef{{Name: include}}
		}
		return r, true
	}
	switch name {
	case "view-only":
		return role("", "*.view")
	case "create":
		return role("view-only", "*.create")
	case "create-publish":
		return role("create", "*.publish", "*.reply", "*.directMessage")
	case "create-publish-approve":
		return role("create-publish", "*.approve")
	case "approve-only":
		return role("view-only", "publisher.approve")
	}
	return rollcallv1.ProfileRoleSpec{}, false
}
