package orggen

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
)

func (g generator) teammate(name string, old *rollcallv1.Teammate) *rollcallv1.Teammate {
	t := &rollcallv1.Teammate{}
	t.ObjectMeta = g.meta("Teammate", name, object(old))
	t.Spec = rollcallv1.TeammateSpec{
		Onboarding:            rollcallv1.Onboarding{Method: "Create", WelcomeEmail: "Immediate"},
		FirstName:             maybe(g, 70, []string{"Ana", "<Ben>"}, "first name"),
		LastName:              maybe(g, 30, []string{"Tremblay"}, "last name"),
		AccountRoleRef:        g.ref(60, acctRefs, "account role"),
		ScheduleRef:           g.ref(20, schedules, "schedule"),
		CanManageTeams:        maybe(g, 60, []bool{true, true, false}, "can manage teams"),
		TeamLeaderRef:         g.ref(40, teammates[:6], "leader"),
		Card:                  g.card(),
		Channels:              some(g, []rollcallv1.Channel{"Phone", "Chat", "Email"}, 2, "channels"),
		Availability:          "Available",
		MaxChats:              maybe(g, 40, []int32{-1, 1, 3, 200}, "max chats"),
		AutoAssignment:        "Inherit",
		Extension:             maybe(g, 30, []string{"2001", "2002", "2003"}, "extension"),
		Assignment:            rollcallv1.Assignment{Type: "None"},
		PrimaryGroupRef:       g.ref(20, groups, "primary group"),
		DefaultProfileRoleRef: g.ref(20, roleRefs, "default role"),
		Lifecycle:             rollcallv1.Lifecycle{State: "Active"},
	}
	if g.chance(30, "method") {
		t.Spec.Onboarding.Method = pick(g, []rollcallv1.OnboardingMethod{"Invite", "Directory", "Import"}, "method")
	}
	if old != nil {
		t.Spec.Onboarding.Method = old.Spec.Onboarding.Method
	}
	t.Spec.Identity = g.identity(name, t.Spec.Onboarding.Method)
	if g.scoped() && g.chance(60, "practice role") {
		t.Spec.AccountRoleRef = &rollcallv1.ObjectRef{Name: pick(g, []string{"staff", "manager", "enterprise"}, "account role")}
	}
	if t.Spec.TeamLeaderRef != nil && t.Spec.TeamLeaderRef.Name == name { // CEL-5
		t.Spec.TeamLeaderRef = nil
	}
	if g.chance(15, "window") {
		t.Spec.Window = g.window(60)
	}
	if g.chance(20, "unavailable") {
		t.Spec.Availability = pick(g, []rollcallv1.Availability{"Unavailable", "Inactive"}, "availability")
	}
	if g.chance(20, "auto-assignment") {
		t.Spec.AutoAssignment = pick(g, []rollcallv1.Toggle{"Disabled", "Enabled"}, "auto-assignment")
	}
	if g.chance(15, "employment") {
		t.Spec.Employment = &rollcallv1.Employment{StartDate: maybe(g, 50, []string{"2027-01-01"}, "start")}
	}
	if g.chance(20, "confirmed") {
		t.Annotations = map[string]string{"rollcall.dev/confirmed-at": pick(g, []string{"2027-02-01T00:00:00Z", "yesterday"}, "at")}
	}
	if g.chance(7, "terminating") && g.chance(50, "now") {
		t.DeletionTimestamp, t.Finalizers = new(metav1.NewTime(g.w.Now)), []string{"example.org/hold"}
	}
	switch queued := some(g, append([]string{"missing"}, queues...), 3, "queues"); {
	case g.chance(30, "campaign"):
		t.Spec.Assignment = rollcallv1.Assignment{Type: "Campaign", CampaignRef: &rollcallv1.ObjectRef{Name: pick(g, append([]string{"missing"}, campaigns...), "campaign")}}
	case len(queued) > 0 && g.chance(60, "assigned"):
		t.Spec.Assignment = rollcallv1.Assignment{Type: "Queues"}
		for _, name := range queued {
			t.Spec.Assignment.Queues = append(t.Spec.Assignment.Queues, rollcallv1.ObjectRef{Name: name})
		}
	}
	g.lifecycle(t)
	g.approve(t)
	for _, name := range some(g, []string{"x1", "x2", "x3"}, 2, "absences") {
		t.Spec.Absences = append(t.Spec.Absences, rollcallv1.Absence{Name: name, Window: g.window(80)})
	}
	for _, name := range some(g, skills, 2, "skills") {
		t.Spec.Skills = append(t.Spec.Skills, rollcallv1.TeammateSkill{Name: name, Level: maybe(g, 70, []int32{1, 2, 4, 50}, "level")})
	}
	for _, name := range some(g, groups, 2, "groups") {
		t.Spec.Groups = append(t.Spec.Groups, rollcallv1.TeammateGroup{Name: name, Window: g.window(30)})
	}
	for _, name := range some(g, profiles, 2, "profiles") {
		t.Spec.Profiles = append(t.Spec.Profiles, rollcallv1.TeammateProfile{Name: name, ProfileRoleRef: g.ref(70, roleRefs, "role"), Window: g.window(20)})
	}
	listed := some(g, append(slices.Clone(practices), "nowhere"), 2, "practices")
	if g.scoped() && g.chance(60, "both practices") {
		listed = practices
	}
	for _, name := range listed {
		t.Spec.Practices = append(t.Spec.Practices, rollcallv1.TeammatePractice{
			Name: name, Lines: g.refs(profiles, 3, "lines"), ProfileRoleRef: g.ref(60, roleRefs, "role"),
		})
	}
	if g.chance(15, "all profiles") {
		t.Spec.AssignAllProfiles = new(true)
	}
	return t
}

// identity gives most people an address of their own, and some that of somebody else.
func (g generator) identity(name string, method rollcallv1.OnboardingMethod) rollcallv1.Identity {
	var id rollcallv1.Identity
	if g.chance(90, "email") || method == "Invite" || method == "Import" { // CEL-4
		id.Email = new(name + "@x.example")
		if g.chance(12, "another's email") {
			id.Email = new(pick(g, []string{"ANA@x.example", "ben@x.example"}, "email"))
		}
	}
	if g.chance(15, "employee id") {
		id.EmployeeID = new(pick(g, []string{"1", "2", "3"}, "employee id"))
	}
	if g.chance(15, "directory id") {
		id.DirectoryID = new(pick(g, []string{"u1", "u2", "u3"}, "directory id"))
	}
	if id.Email == nil && id.EmployeeID == nil && id.DirectoryID == nil { // CEL-3
		id.DirectoryID = new("own-" + name)
	}
	id.Username = maybe(g, 20, []string{name, "max"}, "username")
	id.DirectoryTenantAdmin = maybe(g, 20, []bool{false, true}, "tenant admin")
	return id
}

func (g generator) card() *rollcallv1.Card {
	if !g.chance(60, "card") {
		return nil
	}
	c := &rollcallv1.Card{
		Bio: maybe(g, 60, []string{"Skis & sails", "Ordine"}, "bio"), HomeTown: maybe(g, 30, []string{"Laval"}, "home"), StateOrCountry: maybe(g, 60, []string{"QC"}, "state"),
	}
	if g.chance(60, "image") {
		c.Image = &rollcallv1.CardImage{URL: "https://img.example/a?b=1&c=2", Width: maybe(g, 50, []int32{160}, "width"), Height: maybe(g, 50, []int32{160}, "height")}
	}
	return c
}

// approve approves the card that t has now, sometimes an older one.
func (g generator) approve(t *rollcallv1.Teammate) {
	if t.Spec.Card == nil || !g.chance(50, "approval") {
		return
	}
	approval := &rollcallv1.CardApproval{State: pick(g, []rollcallv1.ApprovalState{"Approved", "Pending", "Rejected"}, "approval")}
	if approval.State == "Approved" {
		approval.CardHash = new(oracle.CardHash(t.Spec))
		if g.chance(20, "stale") {
			approval.CardHash = new("0000000000000000")
		}
	}
	t.Spec.Card.Approval = approval
}

func (g generator) lifecycle(t *rollcallv1.Teammate) {
	if !g.chance(20, "lifecycle") {
		return
	}
	if g.chance(50, "archived") {
		t.Spec.Lifecycle = rollcallv1.Lifecycle{State: "Archived"}
		return
	}
	from := g.instant("blocked from")
	until := metav1.NewTime(from.Add(time.Duration(rapid.IntRange(1, 8).Draw(g.t, "blocked for")) * time.Hour))
	t.Spec.Lifecycle = rollcallv1.Lifecycle{State: "Blocked", BlockedFrom: from, BlockedUntil: &until}
}

func (g generator) userGroup(name string, old *rollcallv1.UserGroup) *rollcallv1.UserGroup {
	u := &rollcallv1.UserGroup{}
	u.ObjectMeta = g.meta("UserGroup", name, object(old))
	u.Spec = rollcallv1.UserGroupSpec{
		DisplayName: maybe(g, 40, []string{"Billing", "BILLING", "Sales", "#sales"}, "display name"), Handle: maybe(g, 20, []string{"billing", "care"}, "handle"),
		Scope: "Organization", State: rollcallv1.SwitchEnabled, MemberSelector: g.memberSelector(), Includes: g.refs(groups, 2, "includes"),
		Supervisors: g.refs(teammates, 2, "supervisors"), ProfileSelector: g.profileSelector(25), ScheduleRef: g.ref(25, append([]string{"missing"}, schedules...), "schedule"),
		Reporting: rollcallv1.SwitchEnabled, DeletionPolicy: "Inherit",
	}
	if g.chance(15, "mention off") {
		u.Spec.Mention = &rollcallv1.GroupMention{State: "Disabled"}
	}
	if g.chance(40, "scope") {
		u.Spec.Scope = pick(g, []rollcallv1.GroupScope{"Practice", "Enterprise"}, "scope")
	}
	if old != nil {
		u.Spec.Scope = old.Spec.Scope
	}
	switch u.Spec.Scope { // CEL-8
	case "Practice":
		u.Spec.Practices = []rollcallv1.GroupPractice{{Name: pick(g, practices, "practice")}}
	case "Enterprise":
		for _, q := range some(g, practices, 2, "practices") {
			u.Spec.Practices = append(u.Spec.Practices, rollcallv1.GroupPractice{Name: q})
		}
	}
	if g.chance(15, "disabled") {
		u.Spec.State = rollcallv1.SwitchDisabled
	}
	for _, member := range some(g, teammates, 5, "members") {
		u.Spec.Members = append(u.Spec.Members, rollcallv1.Member{Name: member, Position: maybe(g, 40, []int32{0, 1, 2}, "position"), Window: g.window(20)})
	}
	for _, profile := range some(g, profiles, 3, "profiles") {
		u.Spec.Profiles = append(u.Spec.Profiles, rollcallv1.GroupProfile{Name: profile, Window: g.window(15)})
	}
	if g.chance(75, "permission set") {
		u.Spec.PermissionSet = &rollcallv1.PermissionSet{
			ProfileRoleRef: rollcallv1.ObjectRef{Name: pick(g, roleRefs, "role")}, ReflashToken: maybe(g, 50, []string{"1", "2", "3"}, "token"),
			Application: maybe(g, 30, []rollcallv1.PermissionSetApplication{"Continuous", "OnReflash"}, "application"),
		}
	}
	if g.chance(60, "voice") {
		u.Spec.Voice = g.groupVoice()
	}
	return u
}

// memberSelector draws valid selectors, empty ones, and ones with an operator that does not exist.
func (g generator) memberSelector() *metav1.LabelSelector {
	if !g.chance(35, "member selector") {
		return nil
	}
	switch rapid.IntRange(0, 5).Draw(g.t, "form") {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "language", Operator: "Like", Values: []string{"en"}}}}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: pick(g, labelKeys, "key"), Operator: pick(g, []metav1.LabelSelectorOperator{metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}, "operator"),
		}}}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{pick(g, labelKeys, "key"): pick(g, labelValue, "value")}}
}

func (g generator) groupVoice() *rollcallv1.GroupVoice {
	toggles := []rollcallv1.Toggle{"Inherit", "Enabled", "Disabled"}
	v := &rollcallv1.GroupVoice{
		Extension: maybe(g, 30, []string{"2001", "2003", "3001"}, "extension"), OutboundCalls: pick(g, toggles, "outbound"),
		AgentsCanChangeCallerID: pick(g, toggles, "change"), RecordingAccess: pick(g, toggles, "recording"), CallerIDProfileRef: g.ref(40, profiles, "caller id"),
	}
	if !g.chance(60, "dialing") {
		return v
	}
	v.Dialing = &rollcallv1.Dialing{
		Strategy: pick(g, []rollcallv1.DialingStrategy{"Simultaneous", "Random", "Sequential"}, "strategy"), MaxRingTime: metav1.Duration{Duration: 15 * time.Second},
		Profiles: g.refs(profiles, 2, "dialing profiles"), ProfileSelector: g.profileSelector(20),
		Overflow: g.groupOverflow(), OutOfHours: g.groupOverflow(),
	}
	if v.Dialing.Strategy == "Sequential" { // CEL-9, CEL-10
		v.Dialing.MaxGroupDialingTime = &metav1.Duration{Duration: time.Minute}
	}
	return v
}

func (g generator) groupOverflow() *rollcallv1.GroupOverflow {
	switch rapid.IntRange(0, 5).Draw(g.t, "overflow") {
	case 1, 2:
		return &rollcallv1.GroupOverflow{Type: "UserGroup", Name: new(pick(g, groups, "to"))}
	case 3:
		return &rollcallv1.GroupOverflow{Type: "Voicemail"}
	case 4:
		return &rollcallv1.GroupOverflow{Type: "Queue", Name: new(pick(g, queues, "to"))}
	}
	return &rollcallv1.GroupOverflow{Type: "Hangup"}
}

func (g generator) department(name string, old *rollcallv1.Department) *rollcallv1.Department {
	d := &rollcallv1.Department{}
	d.ObjectMeta = g.meta("Department", name, object(old))
	d.Spec = rollcallv1.DepartmentSpec{
		Default: maybe(g, 40, []bool{false, true}, "default"), Visibility: "Visible", Profiles: g.refs(profiles, 2, "profiles"), ProfileSelector: g.profileSelector(20),
		ScheduleRef: g.ref(30, schedules, "schedule"), OutOfHours: &rollcallv1.DepartmentOutOfHours{Type: "Unassigned"},
		Routing: rollcallv1.DepartmentRouting{
			Mode:      maybe(g, 50, []rollcallv1.RoutingMode{"Assigned", "Pooled"}, "mode"),
			Selection: pick(g, []rollcallv1.Selection{"RoundRobin", "MostQualified", "LeastActive", "LongestIdle"}, "selection"),
			Overflow:  &rollcallv1.DepartmentOverflow{Type: "Unassigned"},
		},
	}
	for _, skill := range some(g, append([]string{"unlisted"}, skills...), 2, "required") {
		d.Spec.Routing.RequiredSkills = append(d.Spec.Routing.RequiredSkills, rollcallv1.RequiredSkill{Name: skill, MinLevel: maybe(g, 60, []int32{1, 2, 4}, "min level")})
	}
	switch rapid.IntRange(0, 3).Draw(g.t, "overflow") {
	case 1, 2:
		d.Spec.Routing.Overflow = &rollcallv1.DepartmentOverflow{Type: "Department", Name: new(pick(g, depts, "to"))}
	case 3:
		d.Spec.Routing.Overflow = &rollcallv1.DepartmentOverflow{Type: "Queue", Name: new(pick(g, append([]string{"missing"}, queues...), "to"))}
	}
	if g.chance(40, "out of hours") {
		d.Spec.OutOfHours = &rollcallv1.DepartmentOutOfHours{Type: "Department", Name: new(pick(g, depts, "to"))}
	}
	listed := some(g, groups, 3, "groups")
	weighted := len(listed) > 0 && g.chance(50, "weights")
	for i, name := range listed {
		entry := rollcallv1.DepartmentGroup{Name: name}
		if weighted { // CEL-17: all or none, sum 100
			entry.Weight = new(int32(0))
			if i == 0 {
				entry.Weight = new(int32(100 - 20*(len(listed)-1)))
			} else {
				entry.Weight = new(int32(20))
			}
		}
		d.Spec.Groups = append(d.Spec.Groups, entry)
	}
	return d
}

// String names an edit for the log of a failing test.
func (e Edit) String() string {
	switch {
	case e.LoseLedger && e.LoseMentions:
		return "the Ledger and the statuses of Mentions are lost"
	case e.LoseLedger:
		return "the Ledger is lost"
	case e.Advance > 0:
		return fmt.Sprintf("the clock advances by %v", e.Advance)
	case e.Put != nil:
		return fmt.Sprintf("%T %s is written", e.Put, e.Put.GetName())
	}
	return fmt.Sprintf("%s %s is deleted", e.Delete.Kind, e.Delete.Name)
}
