package oracle

import (
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// policies are the resolved policies that access and routing read.
type policies struct {
	groupMembership, groupNameUniqueness, groupSettingConflict, supervisorMembership string
	memberBaseTypesOrganization, memberBaseTypesPractice, memberBaseTypesEnterprise  []string
	permissionSetApplication, profileRoleCombination, ownerAssignment, confirmation  string
	cardApproval, teamLeader, practiceScoping, defaultRoutingMode                    string
	allowCustom, archiveReversible, chatUnlimited                                    bool
	allowedBaseTypes, cardCreate                                                     []string
	chatMaximum, chatDefault                                                         int32
	blockMax                                                                         time.Duration
	maxQueues                                                                        int32
	campaignToQueue                                                                  string
	mentionResolution                                                                string
	maxMentionAccess                                                                 time.Duration
}

// preset is one column of the table of API section 2.
func preset(name rollcallv1.Preset) policies {
	p := policies{
		groupMembership: "Multiple", groupNameUniqueness: "None", groupSettingConflict: "MostRestrictive", supervisorMembership: "Allow",
		permissionSetApplication: "Continuous", profileRoleCombination: "Union", ownerAssignment: "Manual", confirmation: "NotRequired",
		cardApproval: "NotRequired", teamLeader: "Optional", practiceScoping: "Disabled", defaultRoutingMode: "Assigned",
		allowCustom: true, archiveReversible: true, chatUnlimited: true, chatMaximum: 100, chatDefault: -1,
		campaignToQueue: "Atomic", mentionResolution: "Group",
	}
	switch name {
	case rollcallv1.PresetSocialCare:
		p.permissionSetApplication = "OnReflash"
		p.chatUnlimited, p.chatDefault = false, 5
	case rollcallv1.PresetChatDesk:
		p.allowCustom, p.allowedBaseTypes = false, []string{"Owner", "Administrator", "Agent"}
		p.ownerAssignment, p.chatMaximum, p.defaultRoutingMode = "Directory", 10000, "Pooled"
	case rollcallv1.PresetAgentFeedback:
		p.confirmation, p.cardApproval, p.teamLeader = "Required", "Required", "Required"
		p.cardCreate = []string{"CanManageTeams", "Image", "FirstName", "LastName", "StateOrCountry", "Bio", "Channels"}
	case rollcallv1.PresetPatientMessaging:
		p.groupNameUniqueness, p.practiceScoping = "PerPractice", "Enabled"
		p.memberBaseTypesPractice = []string{"Staff", "Manager"}
		p.memberBaseTypesEnterprise = []string{"Staff", "Manager", "Enterprise"}
		p.allowCustom, p.allowedBaseTypes = false, []string{"Owner", "Enterprise", "Manager", "Staff"}
	case rollcallv1.PresetVoiceCenter:
		p.groupMembership, p.supervisorMembership, p.confirmation = "Exclusive", "Deny", "Required"
		p.allowCustom, p.allowedBaseTypes = false, []string{"Owner", "Administrator", "Manager", "Supervisor", "Agent"}
		p.chatUnlimited, p.chatMaximum, p.chatDefault = false, 100, 10
		p.blockMax, p.archiveReversible = 744*time.Hour, false
		p.maxQueues, p.campaignToQueue = 5, "RequireUnassign"
	}
	return p
}

// resolvePolicies lays spec.policies over the preset, leaf by leaf.
func resolvePolicies(spec rollcallv1.OrganizationSpec) policies {
	p := preset(spec.Preset)
	o := spec.Policies
	if o == nil {
		return p
	}
	override(&p.groupMembership, o.GroupMembership)
	override(&p.groupNameUniqueness, o.GroupNameUniqueness)
	override(&p.groupSettingConflict, o.GroupSettingConflict)
	override(&p.supervisorMembership, o.SupervisorMembership)
	override(&p.permissionSetApplication, o.PermissionSetApplication)
	override(&p.profileRoleCombination, o.ProfileRoleCombination)
	override(&p.ownerAssignment, o.OwnerAssignment)
	override(&p.cardApproval, o.CardApproval)
	override(&p.teamLeader, o.TeamLeader)
	override(&p.practiceScoping, o.PracticeScoping)
	override(&p.defaultRoutingMode, o.DefaultRoutingMode)
	if o.GroupMemberBaseTypes != nil {
		overrideList(&p.memberBaseTypesOrganization, o.GroupMemberBaseTypes.Organization)
		overrideList(&p.memberBaseTypesPractice, o.GroupMemberBaseTypes.Practice)
		overrideList(&p.memberBaseTypesEnterprise, o.GroupMemberBaseTypes.Enterprise)
	}
	if o.RoleModel != nil {
		overrideValue(&p.allowCustom, o.RoleModel.AllowCustom)
		overrideList(&p.allowedBaseTypes, o.RoleModel.AllowedBaseTypes)
	}
	if o.Onboarding != nil {
		override(&p.confirmation, o.Onboarding.Confirmation)
	}
	if o.CardRequirements != nil {
		overrideList(&p.cardCreate, o.CardRequirements.Create)
	}
	if o.ChatLimit != nil {
		overrideValue(&p.chatUnlimited, o.ChatLimit.AllowUnlimited)
		overrideValue(&p.chatMaximum, o.ChatLimit.Maximum)
		overrideValue(&p.chatDefault, o.ChatLimit.Default)
	}
	if o.Assignment != nil {
		overrideValue(&p.maxQueues, o.Assignment.MaxQueues)
		override(&p.campaignToQueue, o.Assignment.CampaignToQueue)
	}
	if o.Archive != nil {
		overrideValue(&p.archiveReversible, o.Archive.Reversible)
	}
	if o.Mentions != nil {
		override(&p.mentionResolution, o.Mentions.Resolution)
		if d := o.Mentions.MaxAccessDuration; d != nil {
			p.maxMentionAccess = d.Duration
		}
	}
	if o.Block != nil && o.Block.MaxDuration != nil {
		p.blockMax = o.Block.MaxDuration.Duration
	}
	return p
}

func override[S ~string](leaf *string, with *S) {
	if with != nil {
		*leaf = string(*with)
	}
}

func overrideValue[V any](leaf *V, with *V) {
	if with != nil {
		*leaf = *with
	}
}

// overrideList tells an absent list from an empty one, which overrides.
func overrideList[S ~string](leaf *[]string, with []S) {
	if with == nil {
		return
	}
	*leaf = nil
	for _, item := range with {
		*leaf = append(*leaf, string(item))
	}
}
