package roster_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// presets is the table of API.md section 2: "=" is the value of Custom.
const presets = `
groupMembership                   | Multiple | = | = | = | = | Exclusive
groupDeletion                     | Allow | = | = | = | DisableOnly | =
disabledGroupEdit                 | Allow | = | = | = | Deny | =
groupInUse                        | Detach | = | Block | = | = | =
groupNameUniqueness               | None | = | = | = | PerPractice | =
groupMemberBaseTypes.organization | [] | = | = | = | [] | =
groupMemberBaseTypes.practice     | [] | = | = | = | [Staff Manager] | =
groupMemberBaseTypes.enterprise   | [] | = | = | = | [Staff Manager Enterprise] | =
groupSettingConflict              | MostRestrictive | = | = | = | = | =
supervisorMembership              | Allow | = | = | = | = | Deny
permissionSetApplication          | Continuous | OnReflash | = | = | = | =
profileRoleCombination            | Union | = | = | = | = | =
roleModel.allowCustom             | true | = | false | = | false | false
roleModel.allowedBaseTypes        | [] | = | [Owner Administrator Agent] | = | [Owner Enterprise Manager Staff] | [Owner Administrator Manager Supervisor Agent]
ownerAssignment                   | Manual | = | Directory | = | = | =
identity.requireOneOf             | [Email EmployeeID DirectoryID] | [Email] | [DirectoryID] | [Email EmployeeID] | [Email] | [Email]
identity.allowedEmailDomains      | [] | = | = | = | = | =
onboarding.confirmation           | NotRequired | = | = | Required | = | Required
cardRequirements.create           | [] | = | = | [CanManageTeams Image FirstName LastName StateOrCountry Bio Channels] | = | =
cardRequirements.invite           | [] | = | = | [CanManageTeams FirstName LastName Channels] | = | =
cardApproval                      | NotRequired | = | = | Required | = | =
cardImage.recommendedMinPixels    | 160 | = | = | = | = | =
teamLeader                        | Optional | = | = | Required | = | =
leaderDeparture                   | Block | Orphan | Orphan | Block | Orphan | Orphan
chatLimit.allowUnlimited          | true | false | true | = | = | false
chatLimit.maximum                 | 100 | = | 10000 | = | = | 100
chatLimit.default                 | -1 | 5 | -1 | = | = | 10
chatLimit.counts                  | AutoAssignedOnly | = | AllAssigned | = | = | =
assignment.maxQueues              | 0 | = | = | = | = | 5
assignment.campaignToQueue        | Atomic | = | = | = | = | RequireUnassign
practiceScoping                   | Disabled | = | = | = | Enabled | =
teammateDeletion                  | Allow | = | = | ArchiveFirst | = | ArchiveFirst
block.minDuration                 | 0s | = | = | = | = | 8h0m0s
block.maxDuration                 | 0s | = | = | = | = | 744h0m0s
archive.reversible                | true | = | = | = | = | false
defaultRoutingMode                | Assigned | = | Pooled | = | = | =
mentions.resolution               | Group | = | = | = | = | =
mentions.maxAccessDuration        | 0s | = | = | = | = | =
`

// leaves are the values of resolved policies by path.
func leaves(t *testing.T, p *rollcallv1.Policies) map[string]string {
	t.Helper()
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, value := range tree {
		group, nested := value.(map[string]any)
		if !nested {
			out[name] = fmt.Sprint(value)
		}
		for leaf, value := range group {
			out[name+"."+leaf] = fmt.Sprint(value)
		}
	}
	return out
}

// TestPresets holds the presets to the table, leaf by leaf: every leaf is filled in, and nothing else is there.
func TestPresets(t *testing.T) {
	columns := []rollcallv1.Preset{rollcallv1.PresetCustom, rollcallv1.PresetSocialCare, rollcallv1.PresetChatDesk,
		rollcallv1.PresetAgentFeedback, rollcallv1.PresetPatientMessaging, rollcallv1.PresetVoiceCenter}
	for i, preset := range columns {
		t.Run(string(preset), func(t *testing.T) {
			want := map[string]string{}
			for line := range strings.Lines(strings.TrimSpace(presets)) {
				cells := strings.Split(line, "|")
				value := strings.TrimSpace(cells[1+i])
				if value == "=" {
					value = strings.TrimSpace(cells[1])
				}
				want[strings.TrimSpace(cells[0])] = value
			}
			if diff := cmp.Diff(want, leaves(t, roster.ResolvePolicies(preset, nil))); diff != "" {
				t.Errorf("unexpected policies (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOverrides: what spec.policies sets overrides its leaf and no other, an empty list included; the overrides and the
// columns themselves stay as they are.
func TestOverrides(t *testing.T) {
	overrides := &rollcallv1.Policies{
		GroupMembership: new(rollcallv1.GroupMembershipMultiple),
		ChatLimit:       &rollcallv1.ChatLimitPolicy{Default: new(int32(7))},
		RoleModel:       &rollcallv1.RoleModelPolicy{AllowedBaseTypes: []rollcallv1.BaseType{}},
		Archive:         &rollcallv1.ArchivePolicy{Reversible: new(true)},
	}
	given := overrides.DeepCopy()
	before := leaves(t, roster.ResolvePolicies(rollcallv1.PresetVoiceCenter, nil))
	want := leaves(t, roster.ResolvePolicies(rollcallv1.PresetVoiceCenter, nil))
	want["groupMembership"], want["chatLimit.default"], want["roleModel.allowedBaseTypes"], want["archive.reversible"] = "Multiple", "7", "[]", "true"
	if diff := cmp.Diff(want, leaves(t, roster.ResolvePolicies(rollcallv1.PresetVoiceCenter, overrides))); diff != "" {
		t.Errorf("unexpected policies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(given, overrides); diff != "" {
		t.Errorf("the overrides were changed:\n%s", diff)
	}
	if diff := cmp.Diff(before, leaves(t, roster.ResolvePolicies(rollcallv1.PresetVoiceCenter, nil))); diff != "" {
		t.Errorf("the column was changed:\n%s", diff)
	}
}

// builtinAccountRoles is the table of API.md section 3: base type, visibility, data scope; permissions.
var builtinAccountRoles = map[string][2]string{
	"owner":         {"Owner All [Company]", "*"},
	"administrator": {"Administrator All [Company]", "users.* groups.* departments.* queues.* campaigns.* roles.* organization.view organization.manage conversations.* cases.* analytics.* reports.* mentions.* recordings.*"},
	"enterprise":    {"Enterprise PracticeLines [Company]", "users.* groups.* departments.* queues.* campaigns.* organization.view conversations.* cases.* analytics.* reports.* mentions.* recordings.*"},
	"manager":       {"Manager Assigned [Company]", "users.view users.create users.invite users.import users.edit users.editSkills users.editChatLimit users.assignRole users.setAvailability users.notify groups.* departments.* queues.* campaigns.* organization.view organization.manage conversations.* cases.* analytics.* reports.* mentions.* recordings.*"},
	"supervisor":    {"Supervisor Assigned [Self ManagedGroups]", "users.view users.editSkills users.editChatLimit users.setAvailability users.notify groups.view conversations.handle conversations.monitor cases.* analytics.view reports.view mentions.create recordings.viewOwn"},
	"team-leader":   {"TeamLeader Assigned [OwnTeam OwnHierarchy]", "users.view users.approveCard conversations.handle conversations.monitor analytics.view reports.view mentions.create recordings.viewOwn"},
	"agent":         {"Agent Assigned [Self OwnDepartments]", "conversations.handle cases.manage cases.delete cases.viewReports analytics.view reports.view mentions.create recordings.viewOwn"},
	"staff":         {"Staff PracticeLines [Self OwnPractices]", "conversations.handle mentions.create"},
	"viewer":        {"Viewer Assigned [Self]", "*.view"},
	// The practice variant is used when practiceScoping is Enabled.
	"practice manager": {"Manager PracticeLines [OwnPractices]", "users.view users.create users.invite users.import users.edit users.editSkills users.editChatLimit users.assignRole users.setAvailability users.notify groups.* departments.* queues.* campaigns.* organization.view conversations.* cases.* analytics.* reports.* mentions.* recordings.*"},
}

// TestBuiltinRoles holds the built-in roles to the tables of API.md section 3.
func TestBuiltinRoles(t *testing.T) {
	set := func(list []string) map[string]bool {
		out := map[string]bool{}
		for _, s := range list {
			out[s] = true
		}
		return out
	}
	for name, want := range builtinAccountRoles {
		t.Run(name, func(t *testing.T) {
			variant := strings.TrimPrefix(name, "practice ")
			r, ok := roster.BuiltinAccountRole(variant, variant != name)
			if !ok {
				t.Fatal("there is none")
			}
			if got := fmt.Sprint(r.BaseType, " ", r.ProfileVisibility, " ", r.DataScope.Default); got != want[0] {
				t.Errorf("got %s, want %s", got, want[0])
			}
			if diff := cmp.Diff(set(strings.Fields(want[1])), set(r.Permissions)); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
			if len(r.Denies) > 0 || fmt.Sprint(r.ProfileCeiling) != "[*]" || len(r.DataScope.Areas) > 0 {
				t.Errorf("denies %v, ceiling %v, areas %v", r.Denies, r.ProfileCeiling, r.DataScope.Areas)
			}
			supervises := r.CanBeSupervisor != nil && *r.CanBeSupervisor
			protected := r.ProtectLastHolder != nil && *r.ProtectLastHolder
			if supervises != (name == "supervisor") || protected != (name == "owner") {
				t.Errorf("canBeSupervisor %v, protectLastHolder %v", supervises, protected)
			}
		})
	}
	for name, want := range map[string][2]string{
		"view-only": {"[]", "*.view"}, "create": {"[{view-only}]", "*.create"}, "create-publish": {"[{create}]", "*.publish *.reply *.directMessage"},
		"create-publish-approve": {"[{create-publish}]", "*.approve"}, "approve-only": {"[{view-only}]", "publisher.approve"},
	} {
		t.Run(name, func(t *testing.T) {
			r, ok := roster.BuiltinProfileRole(name)
			if got := fmt.Sprint(r.Includes); !ok || got != want[0] {
				t.Errorf("there: %v, includes %s, want %s", ok, got, want[0])
			}
			if diff := cmp.Diff(set(strings.Fields(want[1])), set(r.Permissions)); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
		})
	}
	for _, name := range []string{"", "Owner", "wizard"} {
		if _, ok := roster.BuiltinAccountRole(name, false); ok {
			t.Errorf("account role %q is built in", name)
		}
	}
}
