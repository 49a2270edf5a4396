// Package orggen draws small random organizations, and random edits of them, for property tests that compare the engine with
// package oracle. Names, permissions, times and labels come from small pools, so that references meet, dangle and collide,
// keys are claimed twice, includes form cycles and windows end at the very instants to which the clock advances. Objects are
// as the API server stores them: schema defaults filled in, and valid by the rules of one object (layer 1), apart from
// includes of oneself, which the engine must survive. Every draw shrinks towards absent fields and fewer objects.
package orggen

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
)

// Namespace is where all objects live.
const Namespace = "fjordline"

// Epoch is the time at which every history begins; windows lie around it in whole hours.
var Epoch = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// The pools. Names beyond those of the objects that exist make references dangle.
var (
	teammates  = []string{"ana", "ben", "cid", "dan", "eva", "fay", "gus", "hal", "ivy", "jan", "kim", "leo"}
	groups     = []string{"g1", "g2", "g3", "g4", "g5", "g6"}
	profiles   = []string{"p1", "p2", "p3", "p4", "p5", "p6"}
	depts      = []string{"d1", "d2", "d3"}
	queues     = []string{"q1", "q2", "q3"}
	campaigns  = []string{"c1", "c2"}
	schedules  = []string{"s1", "s2"}
	mentions   = []string{"m1", "m2", "m3"}
	practices  = []string{"north", "south"}
	skills     = []string{"french", "repair"}
	profRoles  = []string{"r1", "r2", "r3", "view-only", "create-publish"}
	acctRoles  = []string{"a1", "a2", "agent", "supervisor"}
	roleRefs   = []string{"r1", "r2", "r3", "view-only", "create-publish", "create", "missing"}
	acctRefs   = []string{"agent", "supervisor", "a1", "a2", "owner", "administrator", "manager", "staff", "enterprise", "team-leader", "viewer", "missing"}
	labelKeys  = []string{"language", "site"}
	labelValue = []string{"en", "fr"}

	profilePatterns = []string{
		"care.reply", "care.delete", "care.view", "care.*", "*.view", "*.reply", "*", "publisher.create", "publisher.publish", "*.create",
		"community.like", "chat.close", "video.start", "video.*",
	}
	profileDenies   = []string{"care.delete", "care.view", "*.delete", "care.*", "publisher.publish", "video.start", "*.view"}
	accountPatterns = []string{
		"conversations.handle", "conversations.*", "*", "users.*", "*.view", "recordings.viewOwn", "recordings.*", "cases.manage", "video.start", "mentions.create",
	}
	accountDenies = []string{
		"conversations.handle", "recordings.view", "care.delete", "*.reply", "users.*", "publisher.*", "conversation.resolve", "conversation.view", "mentions.create",
	}
	ceilings = []string{"*", "care.*", "*.view", "care.reply", "publisher.*", "video.start"}
)

// World is an organization, the time, and the revision of the last write.
type World struct {
	Org oracle.Org
	Now time.Time
	// Revision numbers the writes; it becomes the resource version and, at creation, the UID of objects.
	Revision int
}

// Draw draws a world at Epoch.
func Draw(t *rapid.T) World {
	w := World{Now: Epoch}
	g := generator{t: t, w: &w}
	w.Org.Organization = g.organization(nil)
	for _, name := range g.names("schedules", schedules, 2) {
		w.Org.Schedules = append(w.Org.Schedules, *g.schedule(name, nil))
	}
	for _, name := range g.names("account roles", acctRoles, 3) {
		w.Org.AccountRoles = append(w.Org.AccountRoles, *g.accountRole(name, nil))
	}
	for _, name := range g.names("profile roles", profRoles, 4) {
		w.Org.ProfileRoles = append(w.Org.ProfileRoles, *g.profileRole(name, nil))
	}
	for _, name := range g.names("profiles", profiles, 6) {
		w.Org.Profiles = append(w.Org.Profiles, *g.profile(name, nil))
	}
	for _, name := range g.names("teammates", teammates, 12) {
		w.Org.Teammates = append(w.Org.Teammates, *g.teammate(name, nil))
	}
	for _, name := range g.names("groups", groups, 6) {
		w.Org.UserGroups = append(w.Org.UserGroups, *g.userGroup(name, nil))
	}
	for _, name := range g.names("departments", depts, 3) {
		w.Org.Departments = append(w.Org.Departments, *g.department(name, nil))
	}
	for _, name := range g.names("queues", queues, 3) {
		w.Org.Queues = append(w.Org.Queues, *g.queue(name, nil))
	}
	for _, name := range g.names("campaigns", campaigns, 2) {
		w.Org.Campaigns = append(w.Org.Campaigns, *g.campaign(name, nil))
	}
	for _, name := range g.names("mentions", mentions, 2) {
		w.Org.Mentions = append(w.Org.Mentions, *g.mention(name))
	}
	return w
}

// generator has the drawing of one object. Where old is given, what may never change is taken from it.
type generator struct {
	t *rapid.T
	w *World
}

// sixteenth draws one of 16 levels. The library prefers the small values of a wide range, but hardly those of a narrow one;
// two narrow draws keep the levels about equally likely.
func (g generator) sixteenth(label string) int {
	return 4*rapid.IntRange(0, 3).Draw(g.t, label) + rapid.IntRange(0, 3).Draw(g.t, label)
}

// chance draws true in about percent of cases, in sixteenths; it shrinks to false.
func (g generator) chance(percent int, label string) bool {
	return g.sixteenth(label)*100 >= 1600-16*percent
}

func pick[E any](g generator, from []E, label string) E {
	return rapid.SampledFrom(from).Draw(g.t, label)
}

// some draws up to limit distinct items; nil rather than empty.
func some[E comparable](g generator, from []E, limit int, label string) []E {
	out := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, min(limit, len(from)), rapid.ID).Draw(g.t, label)
	if len(out) == 0 {
		return nil
	}
	return out
}

func (g generator) names(label string, from []string, limit int) []string {
	return from[:(g.sixteenth(label)*limit+14)/15]
}

// maybe draws a pointer, nil in the rest of the cases.
func maybe[E any](g generator, percent int, from []E, label string) *E {
	if !g.chance(percent, "has "+label) {
		return nil
	}
	return new(pick(g, from, label))
}

func (g generator) ref(percent int, from []string, label string) *rollcallv1.ObjectRef {
	name := maybe(g, percent, from, label)
	if name == nil {
		return nil
	}
	return &rollcallv1.ObjectRef{Name: *name}
}

func (g generator) refs(from []string, limit int, label string) []rollcallv1.ObjectRef {
	var out []rollcallv1.ObjectRef
	for _, name := range some(g, from, limit, label) {
		out = append(out, rollcallv1.ObjectRef{Name: name})
	}
	return out
}

// instant draws a whole hour around Epoch.
func (g generator) instant(label string) *metav1.Time {
	return new(metav1.NewTime(Epoch.Add(time.Duration(rapid.IntRange(-4, 12).Draw(g.t, label)) * time.Hour)))
}

// window draws bounds that satisfy CEL-13.
func (g generator) window(percent int) rollcallv1.Window {
	var w rollcallv1.Window
	if g.chance(percent, "has from") {
		w.From = g.instant("from")
	}
	if g.chance(percent, "has until") {
		w.Until = g.instant("until")
	}
	if w.From != nil && w.Until != nil && !w.From.Before(w.Until) {
		w.From, w.Until = w.Until, w.From
		if w.From.Equal(w.Until) {
			w.From = nil
		}
	}
	return w
}

// meta draws the metadata of a new object, or carries over that of the old one, as one write.
func (g generator) meta(kind, name string, old metav1.Object) metav1.ObjectMeta {
	g.w.Revision++
	meta := metav1.ObjectMeta{
		Namespace: Namespace, Name: name, Generation: 1, ResourceVersion: fmt.Sprint(g.w.Revision), UID: types.UID(fmt.Sprintf("%s-%s-%d", kind, name, g.w.Revision)),
		CreationTimestamp: metav1.NewTime(g.w.Now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(g.t, "age")) * time.Hour)),
	}
	if old != nil {
		meta.UID, meta.CreationTimestamp, meta.Generation = old.GetUID(), old.GetCreationTimestamp(), old.GetGeneration()+1
	}
	for _, key := range some(g, labelKeys, 2, "labels") {
		if meta.Labels == nil {
			meta.Labels = map[string]string{}
		}
		meta.Labels[key] = pick(g, labelValue, "label")
	}
	return meta
}

func (g generator) organization(old *rollcallv1.Organization) *rollcallv1.Organization {
	o := &rollcallv1.Organization{}
	o.ObjectMeta = g.meta("Organization", rollcallv1.OrganizationName, object(old))
	presets := []rollcallv1.Preset{
		rollcallv1.PresetCustom, rollcallv1.PresetSocialCare, rollcallv1.PresetChatDesk, rollcallv1.PresetAgentFeedback,
		rollcallv1.PresetPatientMessaging, rollcallv1.PresetVoiceCenter,
	}
	toggles := []rollcallv1.Switch{rollcallv1.SwitchDisabled, rollcallv1.SwitchEnabled}
	o.Spec = rollcallv1.OrganizationSpec{
		Preset: rollcallv1.PresetCustom, TimeZone: pick(g, []string{"Etc/UTC", "Europe/Prague"}, "zone"), ContactCenter: rollcallv1.SwitchEnabled,
		Policies: g.policies(),
		Voice: rollcallv1.OrganizationVoice{
			OutboundCalls: pick(g, toggles, "outbound"), AgentsCanChangeCallerID: pick(g, toggles, "caller"), RecordingAccess: pick(g, toggles, "recording"),
			CallerIDProfileRef: g.ref(30, profiles, "caller id"), UnansweredCallsScope: "PerCall",
		},
		Chat:                  rollcallv1.OrganizationChat{AutoAssignment: rollcallv1.SwitchEnabled},
		ScheduleRef:           g.ref(30, schedules, "schedule"),
		Vocabulary:            some(g, []string{"video.start", "care.sparkle"}, 2, "vocabulary"),
		DefaultAccountRoleRef: g.ref(15, acctRefs, "default account role"),
		DefaultProfileRoleRef: g.ref(40, roleRefs, "default profile role"),
		Denies:                some(g, append(slices.Clone(profileDenies), "conversations.handle", "conversation.reply"), 2, "denies"),
	}
	if g.chance(60, "retention") {
		o.Spec.MentionRetention = &metav1.Duration{Duration: time.Duration(rapid.IntRange(1, 3).Draw(g.t, "hours")) * time.Hour}
	}
	if g.chance(60, "has a preset") {
		o.Spec.Preset = pick(g, presets, "preset")
	}
	if g.chance(15, "contact centre off") {
		o.Spec.ContactCenter = rollcallv1.SwitchDisabled
	}
	if g.chance(15, "auto-assignment off") {
		o.Spec.Chat.AutoAssignment = rollcallv1.SwitchDisabled
	}
	for _, name := range some(g, skills, 2, "skills") {
		o.Spec.Skills = append(o.Spec.Skills, rollcallv1.Skill{Name: name, MaxLevel: maybe(g, 40, []int32{1, 3, 10}, "max level")})
	}
	for _, name := range some(g, practices, 2, "practices") {
		o.Spec.Practices = append(o.Spec.Practices, rollcallv1.Practice{
			Name: name, ScheduleRef: g.ref(30, schedules, "schedule"), State: maybe(g, 30, toggles, "state"),
		})
	}
	return o
}

// policies overrides a few leaves.
func (g generator) policies() *rollcallv1.Policies {
	const percent = 15
	switches := []bool{false, true}
	p := &rollcallv1.Policies{
		GroupMembership:          maybe(g, percent, []rollcallv1.GroupMembership{"Multiple", "Exclusive"}, "groupMembership"),
		GroupNameUniqueness:      maybe(g, percent, []rollcallv1.GroupNameUniqueness{"None", "PerPractice", "Organization"}, "groupNameUniqueness"),
		GroupSettingConflict:     maybe(g, percent, []rollcallv1.GroupSettingConflict{"MostRestrictive", "MostPermissive"}, "groupSettingConflict"),
		SupervisorMembership:     maybe(g, percent, []rollcallv1.SupervisorMembership{"Allow", "Deny"}, "supervisorMembership"),
		PermissionSetApplication: maybe(g, percent, []rollcallv1.PermissionSetApplication{"Continuous", "OnReflash"}, "permissionSetApplication"),
		ProfileRoleCombination:   maybe(g, percent, []rollcallv1.ProfileRoleCombination{"Union", "MostSpecific"}, "profileRoleCombination"),
		OwnerAssignment:          maybe(g, percent, []rollcallv1.OwnerAssignment{"Manual", "Directory"}, "ownerAssignment"),
		CardApproval:             maybe(g, percent, []rollcallv1.CardApprovalPolicy{"NotRequired", "Required"}, "cardApproval"),
		TeamLeader:               maybe(g, percent, []rollcallv1.TeamLeaderPolicy{"Optional", "Required"}, "teamLeader"),
		PracticeScoping:          maybe(g, percent, []rollcallv1.Switch{"Disabled", "Enabled"}, "practiceScoping"),
		DefaultRoutingMode:       maybe(g, percent, []rollcallv1.RoutingMode{"Assigned", "Pooled"}, "defaultRoutingMode"),
	}
	if g.chance(percent, "onboarding") {
		p.Onboarding = &rollcallv1.OnboardingPolicy{Confirmation: new(pick(g, []rollcallv1.Confirmation{"NotRequired", "Required"}, "confirmation"))}
	}
	if g.chance(percent, "roleModel") {
		p.RoleModel = &rollcallv1.RoleModelPolicy{AllowCustom: maybe(g, 50, switches, "allowCustom")}
		if g.chance(50, "allowedBaseTypes") {
			p.RoleModel.AllowedBaseTypes = append([]rollcallv1.BaseType{}, some(g, baseTypes, 6, "base types")...)
		}
	}
	if g.chance(percent, "groupMemberBaseTypes") {
		p.GroupMemberBaseTypes = &rollcallv1.GroupMemberBaseTypesPolicy{
			Organization: append([]rollcallv1.BaseType{}, some(g, baseTypes, 5, "organization")...),
			Practice:     append([]rollcallv1.BaseType{}, some(g, baseTypes, 5, "practice")...),
		}
	}
	if g.chance(percent, "cardRequirements") {
		p.CardRequirements = &rollcallv1.CardRequirementsPolicy{
			Create: append([]rollcallv1.CardField{}, some(g, []rollcallv1.CardField{"FirstName", "Bio", "Image", "CanManageTeams", "Channels", "StartDate", "EmployeeID"}, 2, "fields")...),
		}
	}
	if g.chance(percent, "chatLimit") {
		p.ChatLimit = &rollcallv1.ChatLimitPolicy{
			AllowUnlimited: maybe(g, 50, switches, "allowUnlimited"), Maximum: maybe(g, 50, []int32{1, 4, 100}, "maximum"), Default: maybe(g, 50, []int32{-1, 2, 50}, "default"),
		}
	}
	if g.chance(2*percent, "assignment") {
		p.Assignment = &rollcallv1.AssignmentPolicy{
			MaxQueues: maybe(g, 70, []int32{0, 1, 2}, "maxQueues"), CampaignToQueue: maybe(g, 70, []rollcallv1.CampaignToQueue{"Atomic", "RequireUnassign"}, "campaignToQueue"),
		}
	}
	if g.chance(2*percent, "mentions") {
		p.Mentions = g.mentionsPolicy()
	}
	if g.chance(percent, "archive") {
		p.Archive = &rollcallv1.ArchivePolicy{Reversible: new(pick(g, switches, "reversible"))}
	}
	if g.chance(percent, "block") {
		p.Block = &rollcallv1.BlockPolicy{MaxDuration: &metav1.Duration{Duration: time.Duration(rapid.IntRange(0, 4).Draw(g.t, "hours")) * time.Hour}}
	}
	return p
}

var baseTypes = []rollcallv1.BaseType{
	rollcallv1.BaseTypeAgent, rollcallv1.BaseTypeSupervisor, rollcallv1.BaseTypeOwner, rollcallv1.BaseTypeAdministrator, rollcallv1.BaseTypeManager,
	rollcallv1.BaseTypeStaff, rollcallv1.BaseTypeEnterprise, rollcallv1.BaseTypeTeamLeader, rollcallv1.BaseTypeViewer, rollcallv1.BaseTypeNone,
}

func (g generator) schedule(name string, old *rollcallv1.Schedule) *rollcallv1.Schedule {
	s := &rollcallv1.Schedule{}
	s.ObjectMeta = g.meta("Schedule", name, object(old))
	s.Spec.Mode = pick(g, []rollcallv1.ScheduleMode{"Weekly", "AlwaysOpen", "AlwaysClosed"}, "mode")
	s.Spec.TimeZone = maybe(g, 50, []string{"Europe/Prague", "America/New_York", "Europe/Atlantis"}, "zone")
	s.Spec.Weekly = []rollcallv1.WeeklyHours{{Days: []rollcallv1.Weekday{"Monday", "Friday"}, Open: "09:00", Close: pick(g, []string{"17:00", "24:00", "06:00"}, "close")}}
	if g.chance(20, "exception") {
		s.Spec.Exceptions = []rollcallv1.ScheduleException{{Date: pick(g, []string{"2027-03-01", "2027-02-30"}, "date"), Closed: new(true)}}
	}
	return s
}

func (g generator) accountRole(name string, old *rollcallv1.AccountRole) *rollcallv1.AccountRole {
	r := &rollcallv1.AccountRole{}
	r.ObjectMeta = g.meta("AccountRole", name, object(old))
	base := pick(g, baseTypes, "base type")
	if old != nil {
		base = old.Spec.BaseType
	}
	scopes := []rollcallv1.Scope{"Self", "OwnTeam", "OwnHierarchy", "OwnDepartments", "ManagedGroups", "OwnPractices", "Company", "None"}
	r.Spec = rollcallv1.AccountRoleSpec{
		BaseType: base, Permissions: some(g, accountPatterns, 3, "permissions"), Denies: nil, ProfileCeiling: []string{"*"},
		ProfileVisibility: pick(g, []rollcallv1.ProfileVisibility{"Assigned", "All", "PracticeLines"}, "visibility"),
		DataScope:         rollcallv1.DataScope{Default: []rollcallv1.Scope{"Self"}}, CanBeSupervisor: maybe(g, 30, []bool{false, true}, "supervisor"),
	}
	if !g.chance(30, "cannot handle") && !slices.Contains(r.Spec.Permissions, "conversations.handle") {
		r.Spec.Permissions = append(r.Spec.Permissions, "conversations.handle")
	}
	if g.chance(30, "denies") {
		r.Spec.Denies = some(g, accountDenies, 2, "denies")
	}
	if g.chance(40, "ceiling") {
		r.Spec.ProfileCeiling = append([]string{pick(g, ceilings, "first")}, some(g, ceilings, 2, "more")...)
		slices.Sort(r.Spec.ProfileCeiling)
		r.Spec.ProfileCeiling = slices.Compact(r.Spec.ProfileCeiling)
	}
	if list := some(g, scopes, 4, "scopes"); list != nil {
		r.Spec.DataScope.Default = list
	}
	if list := some(g, scopes, 2, "area scopes"); list != nil {
		r.Spec.DataScope.Areas = []rollcallv1.DataScopeArea{{Name: pick(g, []rollcallv1.DataArea{"Users", "Conversations"}, "area"), Scopes: list}}
	}
	return r
}

func (g generator) profileRole(name string, old *rollcallv1.ProfileRole) *rollcallv1.ProfileRole {
	r := &rollcallv1.ProfileRole{}
	r.ObjectMeta = g.meta("ProfileRole", name, object(old))
	r.Spec = rollcallv1.ProfileRoleSpec{
		Includes: g.refs(roleRefs, 2, "includes"), Permissions: some(g, profilePatterns, 3, "permissions"), ContentVisibility: "All",
	}
	if g.chance(40, "denies") {
		r.Spec.Denies = some(g, profileDenies, 2, "denies")
	}
	if g.chance(30, "assigned only") {
		r.Spec.ContentVisibility = "AssignedOnly"
	}
	return r
}

func (g generator) profile(name string, old *rollcallv1.Profile) *rollcallv1.Profile {
	p := &rollcallv1.Profile{}
	p.ObjectMeta = g.meta("Profile", name, object(old))
	p.Spec = rollcallv1.ProfileSpec{
		Type: pick(g, []rollcallv1.ProfileType{"Social", "Phone", "Line", "Chat", "Email", "Review"}, "type"), State: rollcallv1.SwitchEnabled,
		Platform: maybe(g, 50, []rollcallv1.Platform{"Instagram", "Facebook"}, "platform"), Language: maybe(g, 50, []string{"en", "en-US", "EN", "fr-CA", "eng"}, "language"),
		Region: maybe(g, 50, []string{"Quebec", "Ontario"}, "region"), ExternalID: maybe(g, 30, []string{"1", "2", "3"}, "external"),
		PhoneNumber: maybe(g, 20, []string{"+1111", "+2222", "+3333"}, "number"), PracticeName: maybe(g, 60, practices, "practice"),
	}
	if g.scoped() && g.chance(60, "line") {
		p.Spec.Type = rollcallv1.ProfileTypeLine
	}
	if old != nil {
		p.Spec.Type = old.Spec.Type
	}
	if p.Spec.Platform == nil && (p.Spec.Type == "Social" || p.Spec.Type == "Review") { // CEL-16
		p.Spec.Platform = new(rollcallv1.Platform("X"))
	}
	if p.Spec.PhoneNumber == nil && (p.Spec.Type == "Phone" || p.Spec.Type == "Line") { // CEL-16
		p.Spec.PhoneNumber = new(fmt.Sprintf("+9%d", 1000+slices.Index(profiles, name)))
	}
	if g.chance(15, "disabled") {
		p.Spec.State = rollcallv1.SwitchDisabled
	}
	return p
}

// scoped reports whether practices matter; lines and practices of people are drawn more often then, since the rules about them
// need several things at once.
func (g generator) scoped() bool {
	spec := g.w.Org.Organization.Spec
	if spec.Policies != nil && spec.Policies.PracticeScoping != nil {
		return *spec.Policies.PracticeScoping == rollcallv1.SwitchEnabled
	}
	return spec.Preset == rollcallv1.PresetPatientMessaging
}

func (g generator) profileSelector(percent int) *rollcallv1.ProfileSelector {
	if !g.chance(percent, "profile selector") {
		return nil
	}
	s := &rollcallv1.ProfileSelector{
		Platforms: some(g, []rollcallv1.Platform{"Instagram", "Facebook"}, 1, "platforms"), Types: some(g, []rollcallv1.ProfileType{"Social", "Phone", "Line"}, 2, "types"),
		Languages: some(g, []string{"en", "fr", "en-us"}, 1, "languages"), Regions: some(g, []string{"Quebec", "Ontario"}, 1, "regions"),
	}
	if g.chance(25, "labels") {
		s.MatchLabels = map[string]string{pick(g, labelKeys, "key"): pick(g, labelValue, "value")}
	}
	return s
}
