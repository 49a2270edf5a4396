// Package organization generates the organizations that benchmarks measure on. The same shape, seed and time give the same
// objects, byte by byte. They are valid, as the API server stores them with defaults filled in, and nothing in them dangles:
// what is measured is the ordinary case of a working contact centre, not its mistakes.
//
// Per teammate and per group all shapes are alike, so that figures of one can be compared with those of another: one group
// of a hundred has 1,000 members and the rest follow a power law; a fifth of the groups are filled by a selector; groups
// include others up to six levels deep; 5% of the members leave some day.
package organization

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Shape is how many objects of each kind there are.
type Shape struct {
	Name                                                   string
	Teammates, Groups, Profiles, ProfileRoles, Departments int
}

// The organizations that figures are given for.
var (
	Small = Shape{Name: "small", Teammates: 1_000, Groups: 100, Profiles: 500, ProfileRoles: 50, Departments: 20}
	Large = Shape{Name: "large", Teammates: 10_000, Groups: 1_000, Profiles: 5_000, ProfileRoles: 200, Departments: 200}
	Huge  = Shape{Name: "huge", Teammates: 100_000, Groups: 10_000, Profiles: 20_000, ProfileRoles: 500, Departments: 1_000}
)

// GiantSize is how many members each of the giant groups has.
const GiantSize = 1_000

// MaxDepth is the number of levels of includes.
const MaxDepth = 6

// Organization is everything in one namespace.
type Organization struct {
	Shape        Shape
	Organization *rollcallv1.Organization
	Schedules    []*rollcallv1.Schedule
	AccountRoles []*rollcallv1.AccountRole
	ProfileRoles []*rollcallv1.ProfileRole
	Profiles     []*rollcallv1.Profile
	Teammates    []*rollcallv1.Teammate
	Groups       []*rollcallv1.UserGroup
	Departments  []*rollcallv1.Department
	// Giants are the groups of 1,000: everybody in them is listed, and nobody is there in another way.
	Giants []string
}

// Objects returns all objects, the Organization first and references mostly backwards.
func (o *Organization) Objects() []client.Object {
	out := []client.Object{o.Organization}
	out = appendAll(out, o.Schedules)
	out = appendAll(out, o.AccountRoles)
	out = appendAll(out, o.ProfileRoles)
	out = appendAll(out, o.Profiles)
	out = appendAll(out, o.Teammates)
	out = appendAll(out, o.Groups)
	return appendAll(out, o.Departments)
}

func appendAll[T client.Object](to []client.Object, list []T) []client.Object {
	for _, o := range list {
		to = append(to, o)
	}
	return to
}

// Generate makes the organization of a shape. Windows lie around now.
func Generate(s Shape, seed uint64, now time.Time) *Organization {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(s.Teammates))), now: now.UTC().Truncate(time.Hour), o: &Organization{Shape: s}}
	g.organization()
	g.schedules()
	g.accountRoles()
	g.profileRoles()
	g.profiles()
	g.teammates()
	g.groups()
	g.joiners()
	g.departments()
	return g.o
}

type generator struct {
	*rand.Rand
	now time.Time
	o   *Organization

	extension int
}

var (
	languages = []string{"en", "fr", "de", "es", "it", "nl", "pl", "pt", "sv", "cs", "ja", "fr-CA"}
	regions   = []string{"Nordics", "DACH", "France", "Iberia", "Benelux", "Italy", "Poland", "Canada", "United States", "Japan"}
	markets   = []string{"ca", "us", "de", "fr", "uk", "jp", "br", "mx"}
	skills    = []string{"french", "german", "spanish", "billing", "returns", "repairs", "loyalty", "fraud", "shipping", "b2b"}
	zones     = []string{"Europe/Prague", "America/Toronto", "Asia/Tokyo", "Etc/UTC", "America/Sao_Paulo", "Australia/Sydney"}
)

func pick[E any](g *generator, from []E) E { return from[g.IntN(len(from))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// some picks n different indices below limit, ascending.
func (g *generator) some(n, limit int) []int {
	n = min(n, limit)
	seen := make(map[int]struct{}, n)
	out := make([]int, 0, n)
	for len(out) < n {
		i := g.IntN(limit)
		if _, twice := seen[i]; !twice {
			seen[i] = struct{}{}
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

func (g *generator) later(atMost time.Duration) *metav1.Time {
	return new(metav1.NewTime(g.now.Add(2*time.Hour + time.Duration(g.Int64N(int64(atMost))).Truncate(time.Hour))))
}

func (g *generator) nextExtension() *string {
	g.extension++
	return new(fmt.Sprint(100_000 + g.extension))
}

func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func ref(name string) *rollcallv1.ObjectRef { return &rollcallv1.ObjectRef{Name: name} }

func (g *generator) organization() {
	o := &rollcallv1.Organization{ObjectMeta: meta(rollcallv1.OrganizationName)}
	o.Spec = rollcallv1.OrganizationSpec{
		DisplayName: new("Benchmark " + g.o.Shape.Name), Preset: rollcallv1.PresetCustom, TimeZone: "Europe/Prague",
		ContactCenter: rollcallv1.SwitchEnabled,
		Policies: &rollcallv1.Policies{
			ChatLimit:              &rollcallv1.ChatLimitPolicy{Default: new(int32(5)), Maximum: new(int32(50))},
			GroupNameUniqueness:    new(rollcallv1.GroupNameUniquenessOrganization),
			ProfileRoleCombination: new(rollcallv1.ProfileRoleCombinationUnion),
			GroupSettingConflict:   new(rollcallv1.GroupSettingConflictMostRestrictive),
			SupervisorMembership:   new(rollcallv1.SupervisorMembershipAllow),
			DefaultRoutingMode:     new(rollcallv1.RoutingModeAssigned),
			CardRequirements:       &rollcallv1.CardRequirementsPolicy{Create: []rollcallv1.CardField{rollcallv1.CardFieldFirstName}},
			Archive:                &rollcallv1.ArchivePolicy{Reversible: new(true)},
		},
		Voice: rollcallv1.OrganizationVoice{
			OutboundCalls: rollcallv1.SwitchEnabled, AgentsCanChangeCallerID: rollcallv1.SwitchDisabled, RecordingAccess: rollcallv1.SwitchDisabled,
			MaxUnansweredCalls: new(int32(6)), UnansweredCallsScope: rollcallv1.UnansweredCallsScopePerCall,
		},
		Chat: rollcallv1.OrganizationChat{
			AutoAssignment: rollcallv1.SwitchEnabled,
			Reassignment:   &rollcallv1.ChatReassignment{State: rollcallv1.SwitchEnabled, Timeout: metav1.Duration{Duration: 3 * time.Minute}},
		},
		Vocabulary: []string{"video.start", "video.record"}, DefaultAccountRoleRef: ref("agent"), DefaultProfileRoleRef: ref("view-only"),
		Denies: []string{"publisher.delete"},
	}
	for _, s := range skills {
		o.Spec.Skills = append(o.Spec.Skills, rollcallv1.Skill{Name: s, MaxLevel: new(int32(5))})
	}
	g.o.Organization = o
}

const scheduleCount = 24

func scheduleName(i int) string { return fmt.Sprintf("hours-%02d", i) }

func (g *generator) schedules() {
	week := []rollcallv1.Weekday{rollcallv1.WeekdayMonday, rollcallv1.WeekdayTuesday, rollcallv1.WeekdayWednesday, rollcallv1.WeekdayThursday, rollcallv1.WeekdayFriday}
	for i := range scheduleCount {
		s := &rollcallv1.Schedule{ObjectMeta: meta(scheduleName(i))}
		s.Spec = rollcallv1.ScheduleSpec{
			TimeZone: new(zones[i%len(zones)]), Mode: rollcallv1.ScheduleModeWeekly,
			Weekly:     []rollcallv1.WeeklyHours{{Days: week, Open: fmt.Sprintf("%02d:00", 6+i%4), Close: fmt.Sprintf("%02d:30", 14+i%6)}},
			Exceptions: []rollcallv1.ScheduleException{{Date: "2027-12-24", Closed: new(true)}},
		}
		g.o.Schedules = append(g.o.Schedules, s)
	}
}

const accountRoleCount = 12

func accountRoleName(i int) string { return fmt.Sprintf("desk-role-%02d", i) }

func (g *generator) accountRoles() {
	bases := []rollcallv1.BaseType{rollcallv1.BaseTypeAgent, rollcallv1.BaseTypeTeamLeader, rollcallv1.BaseTypeManager, rollcallv1.BaseTypeViewer}
	for i := range accountRoleCount {
		r := &rollcallv1.AccountRole{ObjectMeta: meta(accountRoleName(i))}
		r.Spec = rollcallv1.AccountRoleSpec{
			BaseType: bases[i%len(bases)], Permissions: []string{"conversations.handle", "cases.*", "analytics.view", "mentions.create", "recordings.viewOwn"},
			Denies: []string{"cases.manageWorkflows"}, ProfileCeiling: []string{"*"}, ProfileVisibility: rollcallv1.ProfileVisibilityAssigned,
			DataScope: rollcallv1.DataScope{Default: []rollcallv1.Scope{rollcallv1.ScopeSelf, rollcallv1.ScopeOwnDepartments}},
		}
		if i%3 == 0 {
			r.Spec.ProfileCeiling = []string{"*.view", "care.*", "chat.*", "community.reply"}
		}
		g.o.AccountRoles = append(g.o.AccountRoles, r)
	}
}

func profileRoleName(i int) string { return fmt.Sprintf("profile-role-%03d", i) }

var modules = map[string][]string{
	"care":      {"view", "create", "publish", "approve", "reply", "hide", "delete", "label", "assign", "close"},
	"chat":      {"view", "reply", "label", "assign", "close"},
	"community": {"view", "create", "publish", "approve", "reply", "like", "hide", "delete"},
	"publisher": {"view", "create", "publish", "approve", "reply", "pin", "delete"},
	"voice":     {"view", "call", "listen"},
}

var moduleNames = []string{"care", "chat", "community", "publisher", "voice"}

func (g *generator) profileRoles() {
	for i := range g.o.Shape.ProfileRoles {
		r := &rollcallv1.ProfileRole{ObjectMeta: meta(profileRoleName(i))}
		r.Spec.ContentVisibility = rollcallv1.ContentVisibilityAll
		if g.chance(10) {
			r.Spec.ContentVisibility = rollcallv1.ContentVisibilityAssignedOnly
		}
		for _, m := range g.some(1+g.IntN(3), len(moduleNames)) {
			verbs := modules[moduleNames[m]]
			for _, v := range g.some(1+g.IntN(len(verbs)), len(verbs)) {
				r.Spec.Permissions = append(r.Spec.Permissions, moduleNames[m]+"."+verbs[v])
			}
		}
		if g.chance(15) {
			r.Spec.Denies = []string{pick(g, []string{"care.delete", "community.delete", "*.approve", "chat.close"})}
		}
		switch { // a role includes earlier ones only: there are no cycles
		case g.chance(30):
			r.Spec.Includes = []rollcallv1.ObjectRef{*ref("view-only")}
		case i > 0 && g.chance(30):
			r.Spec.Includes = []rollcallv1.ObjectRef{*ref(profileRoleName(g.IntN(i)))}
		}
		g.o.ProfileRoles = append(g.o.ProfileRoles, r)
	}
}

func profileName(i int) string { return fmt.Sprintf("profile-%05d", i) }

func (g *generator) profiles() {
	platforms := []rollcallv1.Platform{rollcallv1.PlatformFacebook, rollcallv1.PlatformInstagram, rollcallv1.PlatformX, rollcallv1.PlatformTikTok, rollcallv1.PlatformYouTube}
	// Selectors stay as selective in every shape: regions grow with the number of profiles.
	perRegion := max(1, g.o.Shape.Profiles/500)
	for i := range g.o.Shape.Profiles {
		p := &rollcallv1.Profile{ObjectMeta: meta(profileName(i))}
		p.Labels = map[string]string{"market": pick(g, markets), "brand": fmt.Sprintf("brand-%03d", g.IntN(1+g.o.Shape.Profiles/25))}
		p.Spec = rollcallv1.ProfileSpec{
			DisplayName: new(fmt.Sprintf("Profile %d", i)), ExternalID: new(fmt.Sprintf("17841400%09d", i)), State: rollcallv1.SwitchEnabled,
			Language: new(pick(g, languages)), Region: new(fmt.Sprintf("%s %d", pick(g, regions), g.IntN(perRegion))),
		}
		switch n := g.IntN(100); {
		case n < 60:
			p.Spec.Type, p.Spec.Platform = rollcallv1.ProfileTypeSocial, new(pick(g, platforms))
		case n < 75:
			p.Spec.Type, p.Spec.Platform = rollcallv1.ProfileTypeReview, new(rollcallv1.PlatformGoogleBusiness)
		case n < 85:
			p.Spec.Type, p.Spec.Platform = rollcallv1.ProfileTypeChat, new(rollcallv1.PlatformWebchat)
		case n < 95:
			p.Spec.Type, p.Spec.PhoneNumber = rollcallv1.ProfileTypePhone, new(fmt.Sprintf("+4207%08d", i))
		default:
			p.Spec.Type, p.Spec.Platform = rollcallv1.ProfileTypeEmail, new(rollcallv1.PlatformEmail)
		}
		if g.chance(2) {
			p.Spec.State = rollcallv1.SwitchDisabled
		}
		g.o.Profiles = append(g.o.Profiles, p)
	}
}

func teammateName(i int) string { return fmt.Sprintf("teammate-%06d", i) }

// leaders is the number of people of whom one leads.
const leaders = 12

func (g *generator) teammates() {
	sites := max(1, g.o.Shape.Teammates/250)
	for i := range g.o.Shape.Teammates {
		t := &rollcallv1.Teammate{ObjectMeta: meta(teammateName(i))}
		t.Labels = map[string]string{"language": pick(g, languages), "site": fmt.Sprintf("site-%04d", g.IntN(sites))}
		t.Spec = rollcallv1.TeammateSpec{
			Identity:   rollcallv1.Identity{Email: new(fmt.Sprintf("teammate.%d@example.com", i)), EmployeeID: new(fmt.Sprintf("E%07d", i))},
			Onboarding: rollcallv1.Onboarding{Method: rollcallv1.OnboardingMethodCreate, WelcomeEmail: rollcallv1.WelcomeEmailDelayed},
			FirstName:  new(fmt.Sprintf("First%d", i)), LastName: new(fmt.Sprintf("Last%d", i)),
			Availability: rollcallv1.AvailabilityAvailable, AutoAssignment: rollcallv1.ToggleInherit,
			Assignment: rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeNone}, Lifecycle: rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateActive},
		}
		g.position(i, &t.Spec)
		g.work(&t.Spec)
		g.o.Teammates = append(g.o.Teammates, t)
	}
}

// position is somebody's place in the company.
func (g *generator) position(i int, s *rollcallv1.TeammateSpec) {
	if i%leaders == 0 {
		s.CanManageTeams = new(true)
	}
	if i > 0 { // somebody earlier, so that there is one root and no cycle
		s.TeamLeaderRef = ref(teammateName(g.IntN((i+leaders-1)/leaders) * leaders))
	}
	switch n := g.IntN(1000); {
	case n < 5:
		s.AccountRoleRef = ref("administrator")
	case n < 20:
		s.AccountRoleRef = ref("manager")
	case n < 70:
		s.AccountRoleRef = ref("supervisor")
	case n < 110:
		s.AccountRoleRef = ref("team-leader")
	case n < 130:
		s.AccountRoleRef = ref("viewer")
	case n < 200:
		s.AccountRoleRef = ref(accountRoleName(g.IntN(accountRoleCount)))
	}
	switch n := g.IntN(1000); {
	case i%leaders == 0: // who leads is there
	case n < 5:
		s.Lifecycle = rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateArchived}
	case n < 10:
		s.Lifecycle = rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateBlocked, BlockedFrom: new(metav1.NewTime(g.now.Add(-24 * time.Hour))), BlockedUntil: g.later(240 * time.Hour)}
	case n < 15:
		s.Until = g.later(2000 * time.Hour)
	}
}

// work is what somebody does and when.
func (g *generator) work(s *rollcallv1.TeammateSpec) {
	if g.chance(50) {
		s.ScheduleRef = ref(scheduleName(g.IntN(scheduleCount)))
	}
	if g.chance(10) {
		s.Absences = []rollcallv1.Absence{{Name: "leave", Window: rollcallv1.Window{From: g.later(1000 * time.Hour)}}}
		s.Absences[0].Until = new(metav1.NewTime(s.Absences[0].From.Add(72 * time.Hour)))
	}
	if g.chance(30) {
		s.Channels = []rollcallv1.Channel{rollcallv1.ChannelChat, rollcallv1.ChannelPhone}
	}
	if g.chance(5) {
		s.Availability = rollcallv1.AvailabilityUnavailable
	}
	if g.chance(20) {
		s.MaxChats = new(int32(1 + g.IntN(20)))
	}
	if g.chance(20) {
		s.Extension = g.nextExtension()
	}
	for _, k := range g.some(g.IntN(4), len(skills)) {
		s.Skills = append(s.Skills, rollcallv1.TeammateSkill{Name: skills[k], Level: new(int32(1 + g.IntN(5)))})
	}
	if g.chance(10) {
		for _, p := range g.some(1+g.IntN(3), g.o.Shape.Profiles) {
			s.Profiles = append(s.Profiles, rollcallv1.TeammateProfile{Name: profileName(p), ProfileRoleRef: ref(g.profileRole())})
		}
	}
}

func (g *generator) profileRole() string {
	if g.chance(20) {
		return pick(g, []string{"view-only", "create", "create-publish"})
	}
	return profileRoleName(g.IntN(g.o.Shape.ProfileRoles))
}

func groupName(i int) string { return fmt.Sprintf("group-%05d", i) }

// size is the number of members of the group at a place (from 0 to 1) among all groups by size: a power law with exponent 1.2,
// smallest 4, largest 400, on average about 15.
func size(place float64) int {
	const exponent, smallest, largest = 1.2, 4, 400
	return min(largest, int(smallest*math.Pow(1-place, -1/exponent)))
}

// selectors is the number of groups of which one is filled by a selector, and of which one has 1,000 members.
const (
	selectors = 5
	giants    = 100
)

func (g *generator) groups() {
	n := g.o.Shape.Groups
	places := g.Perm(n)
	levels := g.levels(n)
	for i := range n {
		u := &rollcallv1.UserGroup{ObjectMeta: meta(groupName(i))}
		u.Spec = rollcallv1.UserGroupSpec{
			DisplayName: new(fmt.Sprintf("Group %d", i)), Scope: rollcallv1.GroupScopeOrganization, State: rollcallv1.SwitchEnabled,
			Reporting: rollcallv1.SwitchEnabled, DeletionPolicy: rollcallv1.DeletionPolicyInherit,
			Mention: &rollcallv1.GroupMention{State: rollcallv1.ToggleInherit},
		}
		members := size((float64(places[i]) + 0.5) / float64(n))
		switch {
		case i%giants == 1:
			g.o.Giants = append(g.o.Giants, u.Name)
			g.list(u, GiantSize)
		case i%selectors == 0:
			g.selector(u, i, members)
		default:
			g.list(u, members)
		}
		if levels[i] > 0 {
			g.include(u, i, levels)
		}
		g.equip(u, i%giants == 1)
		g.o.Groups = append(g.o.Groups, u)
	}
}

// list names members, 5% of them until some day.
func (g *generator) list(u *rollcallv1.UserGroup, members int) {
	for _, i := range g.some(members, g.o.Shape.Teammates) {
		m := rollcallv1.Member{Name: teammateName(i)}
		if g.chance(5) {
			m.Until = g.later(2000 * time.Hour)
		}
		u.Spec.Members = append(u.Spec.Members, m)
	}
}

// selector selects by labels: a desk of its own, that of another group besides, or a language at a site.
func (g *generator) selector(u *rollcallv1.UserGroup, i, members int) {
	if i%(4*selectors) == 0 {
		t := g.o.Teammates[g.IntN(len(g.o.Teammates))]
		u.Spec.MemberSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"language": t.Labels["language"], "site": t.Labels["site"]}}
		return
	}
	desk := fmt.Sprintf("desk-%05d", i)
	for range members {
		g.o.Teammates[g.IntN(len(g.o.Teammates))].Labels["desk"] = desk
	}
	u.Spec.MemberSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"desk": desk}}
	if i%(2*selectors) == 0 {
		u.Spec.MemberSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "desk", Operator: metav1.LabelSelectorOpIn, Values: []string{desk, fmt.Sprintf("desk-%05d", max(0, i-selectors))}},
		}}
	}
}

// levels says how deep the includes below each group go: 15% of the groups include others.
func (g *generator) levels(n int) []int {
	out := make([]int, n)
	deep := max(MaxDepth, n*15/100)
	shares := []int{60, 20, 10, 5, 3, 2} // percent of those, by level
	at := 0
	candidates := slices.DeleteFunc(g.Perm(n), func(i int) bool { return i%giants == 1 || i%selectors == 0 })
	for level, share := range shares {
		for range max(1, deep*share/100) {
			if at < len(candidates) {
				out[candidates[at]] = level + 1
				at++
			}
		}
	}
	return out
}

// include takes one group of the next lower level and up to two of the lowest.
func (g *generator) include(u *rollcallv1.UserGroup, i int, levels []int) {
	var lower, lowest []int
	for j, level := range levels {
		switch {
		case level == levels[i]-1 && level > 0:
			lower = append(lower, j)
		case level == 0:
			lowest = append(lowest, j)
		}
	}
	names := map[int]bool{}
	if len(lower) > 0 {
		names[pick(g, lower)] = true
	} else {
		names[pick(g, lowest)] = true
	}
	for range g.IntN(3) {
		names[pick(g, lowest)] = true
	}
	for j := range levels {
		if names[j] {
			u.Spec.Includes = append(u.Spec.Includes, rollcallv1.ObjectRef{Name: groupName(j)})
		}
	}
}

// equip gives a group its profiles, roles, hours, supervisors and telephone.
func (g *generator) equip(u *rollcallv1.UserGroup, giant bool) {
	for _, p := range g.some(1+g.IntN(6), g.o.Shape.Profiles) {
		u.Spec.Profiles = append(u.Spec.Profiles, rollcallv1.GroupProfile{Name: profileName(p)})
	}
	if g.chance(20) {
		u.Spec.ProfileSelector = &rollcallv1.ProfileSelector{
			Regions: []string{*pick(g, g.o.Profiles).Spec.Region}, Types: []rollcallv1.ProfileType{rollcallv1.ProfileTypeSocial},
		}
	}
	if giant || g.chance(90) {
		u.Spec.PermissionSet = &rollcallv1.PermissionSet{ProfileRoleRef: *ref(g.profileRole())}
	}
	if g.chance(30) {
		u.Spec.ScheduleRef = ref(scheduleName(g.IntN(scheduleCount)))
	}
	for _, k := range g.some(g.IntN(3), g.o.Shape.Teammates/leaders) {
		leader := g.o.Teammates[k*leaders]
		leader.Spec.AccountRoleRef = ref("supervisor")
		u.Spec.Supervisors = append(u.Spec.Supervisors, rollcallv1.ObjectRef{Name: leader.Name})
	}
	switch {
	case g.chance(10):
		g.dial(u)
	case g.chance(10):
		u.Spec.Voice = &rollcallv1.GroupVoice{OutboundCalls: rollcallv1.ToggleDisabled, AgentsCanChangeCallerID: rollcallv1.ToggleInherit, RecordingAccess: rollcallv1.ToggleInherit}
	}
}

func (g *generator) dial(u *rollcallv1.UserGroup) {
	d := &rollcallv1.Dialing{Strategy: rollcallv1.DialingStrategySimultaneous, MaxRingTime: metav1.Duration{Duration: 20 * time.Second}}
	switch g.IntN(3) {
	case 1:
		d.Strategy = rollcallv1.DialingStrategyRandom
	case 2:
		d.Strategy = rollcallv1.DialingStrategySequential
		d.MaxGroupDialingTime = &metav1.Duration{Duration: 10 * time.Minute}
		for i := range u.Spec.Members {
			u.Spec.Members[i].Position = new(int32(i + 1))
		}
	}
	for _, p := range g.some(g.IntN(3), len(u.Spec.Profiles)) {
		d.Profiles = append(d.Profiles, rollcallv1.ObjectRef{Name: u.Spec.Profiles[p].Name})
	}
	u.Spec.Voice = &rollcallv1.GroupVoice{
		Extension: g.nextExtension(), Dialing: d, OutboundCalls: rollcallv1.ToggleEnabled,
		AgentsCanChangeCallerID: rollcallv1.ToggleInherit, RecordingAccess: rollcallv1.ToggleInherit,
	}
}

// joiners lets 5% of the people say themselves which group they are in.
func (g *generator) joiners() {
	for _, t := range g.o.Teammates {
		if !g.chance(5) {
			continue
		}
		i := g.IntN(g.o.Shape.Groups)
		if i%giants == 1 { // nobody is there in another way than by the list
			i++
		}
		e := rollcallv1.TeammateGroup{Name: groupName(i)}
		if g.chance(20) {
			e.From = g.later(200 * time.Hour)
		}
		t.Spec.Groups = append(t.Spec.Groups, e)
	}
}

func departmentName(i int) string { return fmt.Sprintf("department-%04d", i) }

func (g *generator) departments() {
	for i := range g.o.Shape.Departments {
		d := &rollcallv1.Department{ObjectMeta: meta(departmentName(i))}
		d.Spec = rollcallv1.DepartmentSpec{
			DisplayName: new(fmt.Sprintf("Department %d", i)), Visibility: rollcallv1.DepartmentVisibilityVisible,
			Routing: rollcallv1.DepartmentRouting{Selection: rollcallv1.SelectionRoundRobin},
		}
		if i == 0 { // everybody takes what nobody else serves
			d.Spec.Default = new(true)
			g.serve(d, i)
			g.o.Departments = append(g.o.Departments, d)
			continue
		}
		for _, k := range g.some(1+g.IntN(4), g.o.Shape.Groups) {
			d.Spec.Groups = append(d.Spec.Groups, rollcallv1.DepartmentGroup{Name: groupName(k)})
		}
		if n := len(d.Spec.Groups); g.chance(30) {
			for k := range d.Spec.Groups {
				d.Spec.Groups[k].Weight = new(int32(100 / n))
			}
			d.Spec.Groups[0].Weight = new(int32(100 - (n-1)*(100/n)))
		}
		if g.chance(70) {
			g.serve(d, i)
		}
		g.route(d, i)
		g.o.Departments = append(g.o.Departments, d)
	}
}

// serve lists profiles of a department's own, which no other department lists.
func (g *generator) serve(d *rollcallv1.Department, i int) {
	own := g.o.Shape.Profiles / g.o.Shape.Departments
	for _, k := range g.some(1+g.IntN(5), own) {
		d.Spec.Profiles = append(d.Spec.Profiles, rollcallv1.ObjectRef{Name: profileName(i*own + k)})
	}
}

func (g *generator) route(d *rollcallv1.Department, i int) {
	r := &d.Spec.Routing
	r.Selection = pick(g, []rollcallv1.Selection{rollcallv1.SelectionRoundRobin, rollcallv1.SelectionLeastActive, rollcallv1.SelectionLongestIdle, rollcallv1.SelectionMostQualified})
	switch {
	case g.chance(20):
		r.Mode = new(rollcallv1.RoutingModePooled)
	case g.chance(50):
		r.Mode = new(rollcallv1.RoutingModeAssigned)
	}
	if g.chance(15) {
		r.RequiredSkills = []rollcallv1.RequiredSkill{{Name: pick(g, skills), MinLevel: new(int32(1 + g.IntN(2)))}}
	}
	if g.chance(40) { // to an earlier one: no cycles
		r.Overflow = &rollcallv1.DepartmentOverflow{
			After: &metav1.Duration{Duration: 10 * time.Minute}, Type: rollcallv1.DepartmentOverflowTypeDepartment, Name: new(departmentName(g.IntN(i))),
		}
	}
	if g.chance(30) {
		d.Spec.ScheduleRef = ref(scheduleName(g.IntN(scheduleCount)))
	}
}
