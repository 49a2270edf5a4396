package oracle

import (
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// accountRole is an AccountRole with every default filled in.
type accountRole struct {
	base            string
	permissions     []string
	denies          []string
	ceiling         []string
	visibility      string
	scopes          []string
	areas           map[string][]string
	canBeSupervisor bool
}

const managerPermissions = "users.view users.create users.invite users.import users.edit users.editSkills users.editChatLimit " +
	"users.assignRole users.setAvailability users.notify groups.* departments.* queues.* campaigns.* organization.view " +
	"organization.manage conversations.* cases.* analytics.* reports.* mentions.* recordings.*"

const administratorPermissions = "users.* groups.* departments.* queues.* campaigns.* roles.* organization.view organization.manage " +
	"conversations.* cases.* analytics.* reports.* mentions.* recordings.*"

// builtInAccountRole is the table of API section 3; false for other names.
func builtInAccountRole(name string, practiceScoping bool) (accountRole, bool) {
	make := func(base, permissions, visibility string, scopes ...string) (accountRole, bool) {
		return accountRole{
			base: base, permissions: strings.Fields(permissions), ceiling: []string{"*"}, visibility: visibility, scopes: scopes,
			canBeSupervisor: base == "Supervisor",
		}, true
	}
	dropping := func(permissions string, drop ...string) string {
		var out []string
		for p := range strings.FieldsSeq(permissions) {
			if !slices.Contains(drop, p) {
				out = append(out, p)
			}
		}
		return strings.Join(out, " ")
	}
	switch name {
	case "owner":
		return make("Owner", "*", "All", "Company")
	case "administrator":
		return make("Administrator", administratorPermissions, "All", "Company")
	case "enterprise":
		return make("Enterprise", dropping(administratorPermissions, "roles.*", "organization.manage"), "PracticeLines", "Company")
	case "manager":
		if practiceScoping {
			return make("Manager", dropping(managerPermissions, "organization.manage"), "PracticeLines", "OwnPractices")
		}
		return make("Manager", managerPermissions, "Assigned", "Company")
	case "supervisor":
		return make("Supervisor", "users.view users.editSkills users.editChatLimit users.setAvailability users.notify groups.view "+
			"conversations.handle conversations.monitor cases.* analytics.view reports.view mentions.create recordings.viewOwn",
			"Assigned", "Self", "ManagedGroups")
	case "team-leader":
		return make("TeamLeader", "users.view users.approveCard conversations.handle conversations.monitor analytics.view reports.view "+
			"mentions.create recordings.viewOwn", "Assigned", "OwnTeam", "OwnHierarchy")
	case "agent":
		return make("Agent", "conversations.handle cases.manage cases.delete cases.viewReports analytics.view reports.view "+
			"mentions.create recordings.viewOwn", "Assigned", "Self", "OwnDepartments")
	case "staff":
		return make("Staff", "conversations.handle mentions.create", "PracticeLines", "Self", "OwnPractices")
	case "viewer":
		return make("Viewer", "*.view", "Assigned", "Self")
	}
	return accountRole{}, false
}

var builtInOfBaseType = map[string]string{
	"Owner": "owner", "Administrator": "administrator", "Enterprise": "enterprise", "Manager": "manager", "Supervisor": "supervisor",
	"TeamLeader": "team-leader", "Agent": "agent", "Staff": "staff", "Viewer": "viewer",
}

// accountRoleNamed resolves a reference (R-4, Roles).
func (e *evaluation) accountRoleNamed(name string) (accountRole, bool) {
	scoped := e.pol.practiceScoping == "Enabled"
	for _, o := range e.org.AccountRoles {
		if o.Name != name {
			continue
		}
		if e.pol.allowCustom {
			return accountRoleOf(o.Spec), true
		}
		if builtIn, ok := builtInAccountRole(builtInOfBaseType[string(o.Spec.BaseType)], scoped); ok {
			return builtIn, true
		}
		return accountRole{base: string(o.Spec.BaseType), ceiling: []string{"*"}, visibility: "Assigned", scopes: []string{"Self"}}, true
	}
	return builtInAccountRole(name, scoped)
}

func accountRoleOf(spec rollcallv1.AccountRoleSpec) accountRole {
	r := accountRole{
		base: string(spec.BaseType), permissions: spec.Permissions, denies: spec.Denies, ceiling: spec.ProfileCeiling,
		visibility: string(spec.ProfileVisibility), canBeSupervisor: spec.BaseType == rollcallv1.BaseTypeSupervisor,
		areas: map[string][]string{},
	}
	// These are defaults of the schema; files may come without them.
	if len(r.ceiling) == 0 {
		r.ceiling = []string{"*"}
	}
	if r.visibility == "" {
		r.visibility = "Assigned"
	}
	if spec.CanBeSupervisor != nil {
		r.canBeSupervisor = *spec.CanBeSupervisor
	}
	for _, s := range spec.DataScope.Default {
		r.scopes = append(r.scopes, string(s))
	}
	if len(r.scopes) == 0 {
		r.scopes = []string{"Self"}
	}
	for _, area := range spec.DataScope.Areas {
		for _, s := range area.Scopes {
			r.areas[string(area.Name)] = append(r.areas[string(area.Name)], string(s))
		}
	}
	return r
}

// profileRole is one ProfileRole, object or built-in, without what it includes.
type profileRole struct {
	includes, permissions, denies []string
	contentVisibility             string
}

// profileRoles returns all profile roles that a reference may resolve to.
func (e *evaluation) profileRoles() map[string]profileRole {
	out := map[string]profileRole{
		"view-only":              {permissions: []string{"*.view"}, contentVisibility: "All"},
		"create":                 {includes: []string{"view-only"}, permissions: []string{"*.create"}, contentVisibility: "All"},
		"create-publish":         {includes: []string{"create"}, permissions: []string{"*.publish", "*.reply", "*.directMessage"}, contentVisibility: "All"},
		"create-publish-approve": {includes: []string{"create-publish"}, permissions: []string{"*.approve"}, contentVisibility: "All"},
		"approve-only":           {includes: []string{"view-only"}, permissions: []string{"publisher.approve"}, contentVisibility: "All"},
	}
	for _, o := range e.org.ProfileRoles {
		r := profileRole{permissions: o.Spec.Permissions, denies: o.Spec.Denies, contentVisibility: string(o.Spec.ContentVisibility)}
		if r.contentVisibility == "" {
			r.contentVisibility = "All"
		}
		for _, ref := range o.Spec.Includes {
			r.includes = append(r.includes, ref.Name)
		}
		out[o.Name] = r
	}
	return out
}

// roleContent is a profile role together with what it includes: the expansion of its permissions, not closed, and its denies.
type roleContent struct {
	granted           set
	denies            []string
	contentVisibility string
}

// computeRoles fills e.roles and the Roles of the result.
func (e *evaluation) computeRoles() {
	roles := e.profileRoles()
	edges := graph{}
	for name, r := range roles {
		edges[name] = nil
		for _, included := range r.includes {
			if _, exists := roles[included]; exists && !slices.Contains(edges[name], included) {
				edges[name] = append(edges[name], included)
			}
		}
	}
	closing := edges.closing()
	known := catalogue(profileVerbs, withoutConversation(e.org.Organization.Spec.Vocabulary))
	open := graph{}
	for name, included := range edges {
		for _, to := range included {
			if !closing[name][to] {
				open[name] = append(open[name], to)
			}
		}
	}
	for name, r := range roles {
		content := roleContent{granted: set{}, contentVisibility: r.contentVisibility}
		permissions := open.reachable(name)
		permissions[name] = true
		for from := range permissions {
			content.granted.addAll(expand(withoutConversation(roles[from].permissions), known))
		}
		denies := set{}
		from := edges.reachable(name)
		from[name] = true
		for role := range from {
			denies.addAll(setOf(roles[role].denies...))
		}
		content.denies = denies.sorted()
		e.roles[name] = content
		e.result.Roles[name] = Role{
			Permissions: closeOver(content.granted).sorted(), Denies: content.denies, Cyclic: edges.onCycle(name), Closing: closing[name].sorted(),
		}
	}
	e.profileCatalogue = known
}

func withoutConversation(perms []string) []string {
	var out []string
	for _, p := range perms {
		if !strings.HasPrefix(p, "conversation.") {
			out = append(out, p)
		}
	}
	return out
}
