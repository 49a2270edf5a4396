package roster

import (
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// customPolicies is the column Custom of API.md section 2: every leaf set.
func customPolicies() *rollcallv1.Policies {
	return &rollcallv1.Policies{
		GroupMembership:     new(rollcallv1.GroupMembershipMultiple),
		GroupDeletion:       new(rollcallv1.GroupDeletionAllow),
		DisabledGroupEdit:   new(rollcallv1.DisabledGroupEditAllow),
		GroupInUse:          new(rollcallv1.GroupInUseDetach),
		GroupNameUniqueness: new(rollcallv1.GroupNameUniquenessNone),
		GroupMemberBaseTypes: &rollcallv1.GroupMemberBaseTypesPolicy{
			Organization: []rollcallv1.BaseType{}, Practice: []rollcallv1.BaseType{}, Enterprise: []rollcallv1.BaseType{},
		},
		GroupSettingConflict:     new(rollcallv1.GroupSettingConflictMostRestrictive),
		SupervisorMembership:     new(rollcallv1.SupervisorMembershipAllow),
		PermissionSetApplication: new(rollcallv1.PermissionSetApplicationContinuous),
		ProfileRoleCombination:   new(rollcallv1.ProfileRoleCombinationUnion),
		RoleModel:                &rollcallv1.RoleModelPolicy{AllowCustom: new(true), AllowedBaseTypes: []rollcallv1.BaseType{}},
		OwnerAssignment:          new(rollcallv1.OwnerAssignmentManual),
		Identity: &rollcallv1.IdentityPolicy{
			RequireOneOf:        []rollcallv1.IdentityField{rollcallv1.IdentityFieldEmail, rollcallv1.IdentityFieldEmployeeID, rollcallv1.IdentityFieldDirectoryID},
			AllowedEmailDomains: []string{},
		},
		Onboarding:       &rollcallv1.OnboardingPolicy{Confirmation: new(rollcallv1.ConfirmationNotRequired)},
		CardRequirements: &rollcallv1.CardRequirementsPolicy{Create: []rollcallv1.CardField{}, Invite: []rollcallv1.CardField{}},
		CardApproval:     new(rollcallv1.CardApprovalPolicyNotRequired),
		CardImage:        &rollcallv1.CardImagePolicy{RecommendedMinPixels: new(int32(160))},
		TeamLeader:       new(rollcallv1.TeamLeaderPolicyOptional),
		LeaderDeparture:  new(rollcallv1.LeaderDepartureBlock),
		ChatLimit: &rollcallv1.ChatLimitPolicy{
			AllowUnlimited: new(true), Maximum: new(int32(100)), Default: new(int32(-1)), Counts: new(rollcallv1.ChatCountsAutoAssignedOnly),
		},
		Assignment:         &rollcallv1.AssignmentPolicy{MaxQueues: new(int32(0)), CampaignToQueue: new(rollcallv1.CampaignToQueueAtomic)},
		PracticeScoping:    new(rollcallv1.SwitchDisabled),
		TeammateDeletion:   new(rollcallv1.TeammateDeletionAllow),
		Block:              &rollcallv1.BlockPolicy{MinDuration: duration(0), MaxDuration: duration(0)},
		Archive:            &rollcallv1.ArchivePolicy{Reversible: new(true)},
		DefaultRoutingMode: new(rollcallv1.RoutingModeAssigned),
		Mentions:           &rollcallv1.MentionsPolicy{Resolution: new(rollcallv1.MentionResolutionGroup), MaxAccessDuration: duration(0)},
	}
}

// presetPolicies are the other columns, as far as they differ from Custom; nil for Custom.
func presetPolicies(p rollcallv1.Preset) *rollcallv1.Policies {
	switch p {
	case rollcallv1.PresetSocialCare:
		return &rollcallv1.Policies{
			PermissionSetApplication: new(rollcallv1.PermissionSetApplicationOnReflash),
			Identity:                 &rollcallv1.IdentityPolicy{RequireOneOf: []rollcallv1.IdentityField{rollcallv1.IdentityFieldEmail}},
			LeaderDeparture:          new(rollcallv1.LeaderDepartureOrphan),
			ChatLimit:                &rollcallv1.ChatLimitPolicy{AllowUnlimited: new(false), Default: new(int32(5))},
		}
	case rollcallv1.PresetChatDesk:
		return &rollcallv1.Policies{
			GroupInUse: new(rollcallv1.GroupInUseBlock),
			RoleModel: &rollcallv1.RoleModelPolicy{AllowCustom: new(false),
				AllowedBaseTypes: []rollcallv1.BaseType{rollcallv1.BaseTypeOwner, rollcallv1.BaseTypeAdministrator, rollcallv1.BaseTypeAgent}},
			OwnerAssignment:    new(rollcallv1.OwnerAssignmentDirectory),
			Identity:           &rollcallv1.IdentityPolicy{RequireOneOf: []rollcallv1.IdentityField{rollcallv1.IdentityFieldDirectoryID}},
			LeaderDeparture:    new(rollcallv1.LeaderDepartureOrphan),
			ChatLimit:          &rollcallv1.ChatLimitPolicy{AllowUnlimited: new(true), Maximum: new(int32(10000)), Default: new(int32(-1)), Counts: new(rollcallv1.ChatCountsAllAssigned)},
			DefaultRoutingMode: new(rollcallv1.RoutingModePooled),
		}
	case rollcallv1.PresetAgentFeedback:
		return &rollcallv1.Policies{
			Identity:   &rollcallv1.IdentityPolicy{RequireOneOf: []rollcallv1.IdentityField{rollcallv1.IdentityFieldEmail, rollcallv1.IdentityFieldEmployeeID}},
			Onboarding: &rollcallv1.OnboardingPolicy{Confirmation: new(rollcallv1.ConfirmationRequired)},
			CardRequirements: &rollcallv1.CardRequirementsPolicy{
				Create: []rollcallv1.CardField{rollcallv1.CardFieldCanManageTeams, rollcallv1.CardFieldImage, rollcallv1.CardFieldFirstName, rollcallv1.CardFieldLastName,
					rollcallv1.CardFieldStateOrCountry, rollcallv1.CardFieldBio, rollcallv1.CardFieldChannels},
				Invite: []rollcallv1.CardField{rollcallv1.CardFieldCanManageTeams, rollcallv1.CardFieldFirstName, rollcallv1.CardFieldLastName, rollcallv1.CardFieldChannels},
			},
			CardApproval:     new(rollcallv1.CardApprovalPolicyRequired),
			TeamLeader:       new(rollcallv1.TeamLeaderPolicyRequired),
			LeaderDeparture:  new(rollcallv1.LeaderDepartureBlock),
			TeammateDeletion: new(rollcallv1.TeammateDeletionArchiveFirst),
		}
	case rollcallv1.PresetPatientMessaging:
		staffAndManagers := []rollcallv1.BaseType{rollcallv1.BaseTypeStaff, rollcallv1.BaseTypeManager}
		return &rollcallv1.Policies{
			GroupDeletion:       new(rollcallv1.GroupDeletionDisableOnly),
			DisabledGroupEdit:   new(rollcallv1.DisabledGroupEditDeny),
			GroupNameUniqueness: new(rollcallv1.GroupNameUniquenessPerPractice),
			GroupMemberBaseTypes: &rollcallv1.GroupMemberBaseTypesPolicy{
				Practice:   staffAndManagers,
				Enterprise: []rollcallv1.BaseType{rollcallv1.BaseTypeStaff, rollcallv1.BaseTypeManager, rollcallv1.BaseTypeEnterprise},
			},
			RoleModel: &rollcallv1.RoleModelPolicy{AllowCustom: new(false),
				AllowedBaseTypes: []rollcallv1.BaseType{rollcallv1.BaseTypeOwner, rollcallv1.BaseTypeEnterprise, rollcallv1.BaseTypeManager, rollcallv1.BaseTypeStaff}},
			Identity:        &rollcallv1.IdentityPolicy{RequireOneOf: []rollcallv1.IdentityField{rollcallv1.IdentityFieldEmail}},
			LeaderDeparture: new(rollcallv1.LeaderDepartureOrphan),
			PracticeScoping: new(rollcallv1.SwitchEnabled),
		}
	case rollcallv1.PresetVoiceCenter:
		return &rollcallv1.Policies{
			GroupMembership:      new(rollcallv1.GroupMembershipExclusive),
			SupervisorMembership: new(rollcallv1.SupervisorMembershipDeny),
			RoleModel: &rollcallv1.RoleModelPolicy{AllowCustom: new(false),
				AllowedBaseTypes: []rollcallv1.BaseType{rollcallv1.BaseTypeOwner, rollcallv1.BaseTypeAdministrator, rollcallv1.BaseTypeManager, rollcallv1.BaseTypeSupervisor, rollcallv1.BaseTypeAgent}},
			Identity:         &rollcallv1.IdentityPolicy{RequireOneOf: []rollcallv1.IdentityField{rollcallv1.IdentityFieldEmail}},
			Onboarding:       &rollcallv1.OnboardingPolicy{Confirmation: new(rollcallv1.ConfirmationRequired)},
			LeaderDeparture:  new(rollcallv1.LeaderDepartureOrphan),
			ChatLimit:        &rollcallv1.ChatLimitPolicy{AllowUnlimited: new(false), Maximum: new(int32(100)), Default: new(int32(10))},
			Assignment:       &rollcallv1.AssignmentPolicy{MaxQueues: new(int32(5)), CampaignToQueue: new(rollcallv1.CampaignToQueueRequireUnassign)},
			TeammateDeletion: new(rollcallv1.TeammateDeletionArchiveFirst),
			Block:            &rollcallv1.BlockPolicy{MinDuration: duration(8 * time.Hour), MaxDuration: duration(744 * time.Hour)},
			Archive:          &rollcallv1.ArchivePolicy{Reversible: new(false)},
		}
	}
	return nil
}
