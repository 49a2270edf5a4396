package oracle

import (
	"cmp"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// computeAccess fills what an open gate lets through.
func (e *evaluation) computeAccess() {
	for name, t := range e.people {
		if !t.open {
			continue
		}
		out := e.result.Teammates[name]
		out.Voice = e.voiceSettings(t)
		out.AccountPermissions = e.accountPermissions(t, out.Voice.RecordingAccess).sorted()
		for _, p := range e.visible(t) {
			out.Profiles = append(out.Profiles, e.grant(t, p))
		}
		out.DataScope = e.dataScope(t)
		out.Chat = e.chatOf(t)
		e.result.Teammates[name] = out
	}
}

// enabledGroupsOf are the enabled groups that accepted t.
func (e *evaluation) enabledGroupsOf(t *person) []rollcallv1.UserGroup {
	var out []rollcallv1.UserGroup
	for _, m := range e.result.Teammates[t.object.Name].Groups {
		if g := e.groups[m.Group]; enabled(g) {
			out = append(out, g)
		}
	}
	return out
}

// organizationDenies are the denies of the organization as far as they concern t.
func (e *evaluation) organizationDenies(t *person) []string {
	if t.base() == "Owner" {
		return nil
	}
	return e.org.Organization.Spec.Denies
}

func (e *evaluation) accountPermissions(t *person, recordingAccess bool) set {
	granted := expand(t.role.permissions, catalogue(accountVerbs, e.org.Organization.Spec.Vocabulary))
	if !recordingAccess {
		delete(granted, "recordings.viewOwn")
	}
	return fold(without(without(closeOver(granted), t.role.denies), e.organizationDenies(t)))
}

// practiceLines is rule 4 of R-8: lines maps each practice to lines(t, q), all has every profile that the rule shows.
func (e *evaluation) practiceLines(t *person) (lines map[string]set, all set) {
	lines, all = map[string]set{}, set{}
	if t.role.visibility != "PracticeLines" || e.pol.practiceScoping != "Enabled" {
		return lines, all
	}
	for name, p := range e.profiles {
		if p.Spec.Type != rollcallv1.ProfileTypeLine || !e.contributes(name) {
			continue
		}
		if t.base() == "Enterprise" || t.base() == "Owner" {
			all[name] = true
		}
		for _, q := range t.spec.Practices {
			if !e.practiceEnabled(q.Name) || str(p.Spec.PracticeName) != q.Name {
				continue
			}
			listed := slices.ContainsFunc(q.Lines, func(ref rollcallv1.ObjectRef) bool { return ref.Name == name })
			if t.base() == "Staff" && !listed {
				continue
			}
			if lines[q.Name] == nil {
				lines[q.Name] = set{}
			}
			lines[q.Name][name] = true
			all[name] = true
		}
	}
	return lines, all
}

// practiceEnabled says that the organization lists the practice and has not disabled it.
func (e *evaluation) practiceEnabled(name string) bool {
	for _, q := range e.org.Organization.Spec.Practices {
		if q.Name == name {
			return q.State == nil || *q.State != rollcallv1.SwitchDisabled
		}
	}
	return false
}

// visible is Visible(t) of R-8, sorted.
func (e *evaluation) visible(t *person) []string {
	out := set{}
	for name := range e.profiles {
		if t.role.visibility == "All" || isTrue(t.spec.AssignAllProfiles) {
			out[name] = true
		}
	}
	for _, entry := range t.spec.Profiles {
		if e.inWindow(entry.Window) {
			out[entry.Name] = true
		}
	}
	for _, g := range e.enabledGroupsOf(t) {
		out.addAll(setOf(e.result.Groups[g.Name].Profiles...))
	}
	_, lines := e.practiceLines(t)
	out.addAll(lines)
	for name := range out {
		if !e.contributes(name) {
			delete(out, name)
		}
	}
	return out.sorted()
}

// sources returns the present sources of (t, p) in the order of R-9.
func (e *evaluation) sources(t *person, profile string) []Source {
	var out []Source
	add := func(s Source) {
		if _, exists := e.roles[s.ProfileRole]; exists {
			out = append(out, s)
		}
	}
	direct := false
	for _, entry := range t.spec.Profiles {
		if entry.Name == profile && entry.ProfileRoleRef != nil && e.inWindow(entry.Window) {
			add(Source{Type: "Direct", ProfileRole: entry.ProfileRoleRef.Name, Granting: true})
			direct = len(out) > 0
		}
	}
	granting := e.pol.profileRoleCombination != "MostSpecific" || !direct
	for _, g := range e.enabledGroupsOf(t) {
		result := e.result.Groups[g.Name]
		if g.Spec.PermissionSet == nil || !slices.Contains(result.Profiles, profile) {
			continue
		}
		role := g.Spec.PermissionSet.ProfileRoleRef.Name
		switch stamp := result.Stamp; {
		case !e.onReflash(g):
			add(Source{Type: "Group", Name: g.Name, ProfileRole: role, Granting: granting})
		case stamp == nil:
		case stamp.Lost():
			add(Source{Type: "Group", Name: g.Name, ProfileRole: role})
		case slices.Contains(stamp.Members, t.object.Name) && slices.Contains(stamp.Profiles, profile):
			add(Source{Type: "Group", Name: g.Name, ProfileRole: stamp.ProfileRole, Stamped: true, Granting: granting})
		}
	}
	lines, _ := e.practiceLines(t)
	for _, q := range t.spec.Practices {
		if q.ProfileRoleRef != nil && lines[q.Name][profile] {
			add(Source{Type: "Practice", Name: q.Name, ProfileRole: q.ProfileRoleRef.Name, Granting: granting})
		}
	}
	if len(out) == 0 {
		if role := e.defaultProfileRole(t); role != "" {
			add(Source{Type: "Default", ProfileRole: role, Granting: true})
		}
	}
	rank := []string{"Direct", "Group", "Practice", "Default"}
	slices.SortStableFunc(out, func(a, b Source) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.Type), slices.Index(rank, b.Type)), strings.Compare(a.Name, b.Name))
	})
	return out
}

// defaultProfileRole is t's own default role, else (absent or dangling) the organization's.
func (e *evaluation) defaultProfileRole(t *person) string {
	for _, ref := range []*rollcallv1.ObjectRef{t.spec.DefaultProfileRoleRef, e.org.Organization.Spec.DefaultProfileRoleRef} {
		if ref != nil {
			if _, exists := e.roles[ref.Name]; exists {
				return ref.Name
			}
		}
	}
	return ""
}

// grant is v(t, p) of R-9 with its sources.
func (e *evaluation) grant(t *person, profile string) Profile {
	out := Profile{Name: profile, Sources: e.sources(t, profile), ContentVisibility: "AssignedOnly"}
	granted := set{}
	denied := append(slices.Clone(t.role.denies), e.organizationDenies(t)...)
	for _, s := range out.Sources {
		role := e.roles[s.ProfileRole]
		denied = append(denied, role.denies...)
		if !s.Granting {
			continue
		}
		granted.addAll(role.granted)
		if role.contentVisibility == "All" {
			out.ContentVisibility = "All"
		}
	}
	v := underCeiling(fold(without(closeOver(granted), denied)), e.profileCatalogue, t.role.ceiling)
	out.Permissions, out.ApprovalRequired = v.sorted(), approvalRequired(v)
	return out
}

// dataScope names the anchors of R-12.
func (e *evaluation) dataScope(t *person) DataScope {
	out := DataScope{Scopes: setOf(t.role.scopes...).sorted(), Areas: map[string][]string{}}
	named := setOf(t.role.scopes...)
	for area, scopes := range t.role.areas {
		out.Areas[area] = setOf(scopes...).sorted()
		named.addAll(setOf(scopes...))
	}
	result := e.result.Teammates[t.object.Name]
	out.All = named["Company"]
	if named["OwnTeam"] {
		out.Leader = result.Leader
	}
	if named["OwnDepartments"] {
		departments := set{}
		for _, d := range e.org.Departments {
			for _, g := range e.enabledGroupsOf(t) {
				if slices.ContainsFunc(d.Spec.Groups, func(entry rollcallv1.DepartmentGroup) bool { return entry.Name == g.Name }) {
					departments[d.Name] = true
				}
			}
		}
		out.Departments = departments.sorted()
	}
	if named["ManagedGroups"] {
		for _, name := range result.Supervises {
			if enabled(e.groups[name]) {
				out.Groups = append(out.Groups, name)
			}
		}
	}
	if named["ManagedGroups"] {
		out.Queues, out.Campaigns = result.SupervisesQueues, result.SupervisesCampaigns
	}
	if named["OwnPractices"] && e.pol.practiceScoping == "Enabled" {
		practices := set{}
		for _, q := range t.spec.Practices {
			if e.practiceEnabled(q.Name) {
				practices[q.Name] = true
			}
		}
		out.Practices = practices.sorted()
	}
	return out
}

// voiceSettings settles the four settings of R-13.
func (e *evaluation) voiceSettings(t *person) Voice {
	general := e.org.Organization.Spec.Voice
	out := Voice{Consistent: true}
	setting := func(general rollcallv1.Switch, of func(rollcallv1.UserGroup) rollcallv1.Toggle) bool {
		explicit := map[string]string{}
		for _, g := range e.enabledGroupsOf(t) {
			if v := of(g); v == rollcallv1.ToggleEnabled || v == rollcallv1.ToggleDisabled {
				explicit[g.Name] = string(v)
			}
		}
		strict := "Disabled"
		if e.pol.groupSettingConflict == "MostPermissive" {
			strict = "Enabled"
		}
		value, consistent := e.settle(t, explicit, func() string { return strict })
		out.Consistent = out.Consistent && consistent
		if value == "" {
			value = string(general)
		}
		return value == "Enabled"
	}
	out.OutboundCalls = setting(general.OutboundCalls, func(g rollcallv1.UserGroup) rollcallv1.Toggle { return voiceOf(g).OutboundCalls })
	out.AgentsCanChangeCallerID = setting(general.AgentsCanChangeCallerID, func(g rollcallv1.UserGroup) rollcallv1.Toggle {
		return voiceOf(g).AgentsCanChangeCallerID
	}) && out.OutboundCalls
	out.RecordingAccess = setting(general.RecordingAccess, func(g rollcallv1.UserGroup) rollcallv1.Toggle { return voiceOf(g).RecordingAccess })

	callerIDs := map[string]string{}
	for _, g := range e.enabledGroupsOf(t) {
		if p := e.callerID(voiceOf(g).CallerIDProfileRef); p != "" {
			callerIDs[g.Name] = p
		}
	}
	callerID, consistent := e.settle(t, callerIDs, func() string {
		var names []string
		for name := range callerIDs {
			names = append(names, name)
		}
		return callerIDs[slices.Min(names)]
	})
	out.CallerIDProfile, out.Consistent = callerID, out.Consistent && consistent
	if callerID == "" {
		out.CallerIDProfile = e.callerID(general.CallerIDProfileRef)
	}
	if e.contactCenterOff() {
		return Voice{Consistent: true}
	}
	return out
}

func voiceOf(g rollcallv1.UserGroup) rollcallv1.GroupVoice {
	if g.Spec.Voice == nil {
		return rollcallv1.GroupVoice{}
	}
	return *g.Spec.Voice
}

// settle chooses among the explicit values of t's groups: the primary group's, else the common one, else what the conflict
// rule says. "" means that no group has one.
func (e *evaluation) settle(t *person, explicit map[string]string, conflict func() string) (value string, consistent bool) {
	if len(explicit) == 0 {
		return "", true
	}
	if t.spec.PrimaryGroupRef != nil && explicit[t.spec.PrimaryGroupRef.Name] != "" {
		return explicit[t.spec.PrimaryGroupRef.Name], true
	}
	values := set{}
	for _, v := range explicit {
		values[v] = true
	}
	if len(values) == 1 {
		return values.sorted()[0], true
	}
	return conflict(), false
}

// callerID returns the name of the profile if it is a Phone that contributes, else "".
func (e *evaluation) callerID(ref *rollcallv1.ObjectRef) string {
	if ref == nil || !e.contributes(ref.Name) || e.profiles[ref.Name].Spec.Type != rollcallv1.ProfileTypePhone {
		return ""
	}
	return ref.Name
}

func (e *evaluation) contactCenterOff() bool {
	return e.org.Organization.Spec.ContactCenter == rollcallv1.SwitchDisabled
}

func (e *evaluation) autoAssignmentOff() bool {
	return e.org.Organization.Spec.Chat.AutoAssignment == rollcallv1.SwitchDisabled
}

func (e *evaluation) chatOf(t *person) Chat {
	out := Chat{MaxChats: e.pol.chatDefault, InRange: true, AutoAssignment: !e.autoAssignmentOff() && t.spec.AutoAssignment != rollcallv1.ToggleDisabled}
	if t.spec.MaxChats != nil {
		out.MaxChats = *t.spec.MaxChats
	}
	if out.MaxChats == -1 && !e.pol.chatUnlimited || out.MaxChats > e.pol.chatMaximum {
		out.MaxChats, out.InRange = e.pol.chatMaximum, false
	}
	return out
}
