package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionPoliciesResolved is False on an Organization whose policies cannot be resolved; the last good set stays in
// effect.
const ConditionPoliciesResolved = "PoliciesResolved"

// ReasonInvalidPolicy is the reason of PoliciesResolved=False; the message names the leaf.
const ReasonInvalidPolicy = "InvalidPolicy"

// ConditionInvitationsDeliverable is carried only while onboarding.confirmation is Required. It is False when nothing
// could deliver an invitation.
const ConditionInvitationsDeliverable = "InvitationsDeliverable"

// ReasonNoMailDownstream surfaces when no SMTP or HTTP Downstream carries Users.
const ReasonNoMailDownstream = "NoMailDownstream"

// ConditionSuspended is present, and True, only while spec.suspend is true.
const ConditionSuspended = "Suspended"

// ReasonRequested is the reason of Suspended.
const ReasonRequested = "Requested"

// Preset is a named column of policy values.
// +k8s:enum
type Preset string

// Values of Preset.
const (
	PresetCustom           Preset = "Custom"
	PresetSocialCare       Preset = "SocialCare"
	PresetChatDesk         Preset = "ChatDesk"
	PresetAgentFeedback    Preset = "AgentFeedback"
	PresetPatientMessaging Preset = "PatientMessaging"
	PresetVoiceCenter      Preset = "VoiceCenter"
)

// GroupMembership says how many groups a person may be in at once (E-09, M-27, V-07).
// +k8s:enum
type GroupMembership string

// Values of GroupMembership.
const (
	GroupMembershipMultiple  GroupMembership = "Multiple"
	GroupMembershipExclusive GroupMembership = "Exclusive"
)

// GroupDeletion says whether groups may be deleted or only disabled.
// +k8s:enum
type GroupDeletion string

// Values of GroupDeletion.
const (
	GroupDeletionAllow       GroupDeletion = "Allow"
	GroupDeletionDisableOnly GroupDeletion = "DisableOnly"
)

// DisabledGroupEdit says whether a disabled group may be edited.
// +k8s:enum
type DisabledGroupEdit string

// Values of DisabledGroupEdit.
const (
	DisabledGroupEditAllow DisabledGroupEdit = "Allow"
	DisabledGroupEditDeny  DisabledGroupEdit = "Deny"
)

// GroupInUse says what happens to departments when one of their groups goes (T-16).
// +k8s:enum
type GroupInUse string

// Values of GroupInUse.
const (
	GroupInUseDetach GroupInUse = "Detach"
	GroupInUseBlock  GroupInUse = "Block"
)

// GroupNameUniqueness says among which groups a handle must be unique (A-03, E-14).
// +k8s:enum
type GroupNameUniqueness string

// Values of GroupNameUniqueness.
const (
	GroupNameUniquenessNone         GroupNameUniqueness = "None"
	GroupNameUniquenessPerPractice  GroupNameUniqueness = "PerPractice"
	GroupNameUniquenessOrganization GroupNameUniqueness = "Organization"
)

// GroupSettingConflict says which value wins when a person's groups disagree on a setting (V-13).
// +k8s:enum
type GroupSettingConflict string

// Values of GroupSettingConflict.
const (
	GroupSettingConflictMostRestrictive GroupSettingConflict = "MostRestrictive"
	GroupSettingConflictMostPermissive  GroupSettingConflict = "MostPermissive"
)

// SupervisorMembership says whether a group's supervisor may be its member (E-03, V-23).
// +k8s:enum
type SupervisorMembership string

// Values of SupervisorMembership.
const (
	SupervisorMembershipAllow SupervisorMembership = "Allow"
	SupervisorMembershipDeny  SupervisorMembership = "Deny"
)

// ProfileRoleCombination says how several profile roles on one profile combine (E-01, E-12).
// +k8s:enum
type ProfileRoleCombination string

// Values of ProfileRoleCombination.
const (
	ProfileRoleCombinationUnion        ProfileRoleCombination = "Union"
	ProfileRoleCombinationMostSpecific ProfileRoleCombination = "MostSpecific"
)

// OwnerAssignment says what makes somebody an Owner (T-03).
// +k8s:enum
type OwnerAssignment string

// Values of OwnerAssignment.
const (
	OwnerAssignmentManual    OwnerAssignment = "Manual"
	OwnerAssignmentDirectory OwnerAssignment = "Directory"
)

// IdentityField is a field of Teammate.spec.identity.
// +k8s:enum
type IdentityField string

// Values of IdentityField.
const (
	IdentityFieldEmail       IdentityField = "Email"
	IdentityFieldEmployeeID  IdentityField = "EmployeeID"
	IdentityFieldDirectoryID IdentityField = "DirectoryID"
)

// Confirmation says whether people confirm their account before it becomes active (M-28, M-31).
// +k8s:enum
type Confirmation string

// Values of Confirmation.
const (
	ConfirmationNotRequired Confirmation = "NotRequired"
	ConfirmationRequired    Confirmation = "Required"
)

// CardField is a field of a Teammate that a card requirement may name.
// +k8s:enum
type CardField string

// Values of CardField.
const (
	CardFieldFirstName        CardField = "FirstName"
	CardFieldLastName         CardField = "LastName"
	CardFieldImage            CardField = "Image"
	CardFieldBio              CardField = "Bio"
	CardFieldHomeTown         CardField = "HomeTown"
	CardFieldStateOrCountry   CardField = "StateOrCountry"
	CardFieldCanManageTeams   CardField = "CanManageTeams"
	CardFieldChannels         CardField = "Channels"
	CardFieldEmail            CardField = "Email"
	CardFieldEmployeeID       CardField = "EmployeeID"
	CardFieldStartDate        CardField = "StartDate"
	CardFieldEmploymentStatus CardField = "EmploymentStatus"
)

// CardApprovalPolicy says whether a card must be approved before it is used (M-36).
// +k8s:enum
type CardApprovalPolicy string

// Values of CardApprovalPolicy.
const (
	CardApprovalPolicyNotRequired CardApprovalPolicy = "NotRequired"
	CardApprovalPolicyRequired    CardApprovalPolicy = "Required"
)

// TeamLeaderPolicy says whether everybody needs a team leader (M-20).
// +k8s:enum
type TeamLeaderPolicy string

// Values of TeamLeaderPolicy.
const (
	TeamLeaderPolicyOptional TeamLeaderPolicy = "Optional"
	TeamLeaderPolicyRequired TeamLeaderPolicy = "Required"
)

// LeaderDeparture says whether a leader with reports may leave (M-20, M-21).
// +k8s:enum
type LeaderDeparture string

// Values of LeaderDeparture.
const (
	LeaderDepartureBlock  LeaderDeparture = "Block"
	LeaderDepartureOrphan LeaderDeparture = "Orphan"
)

// ChatCounts says which chats count against a chat limit (T-10, V-30).
// +k8s:enum
type ChatCounts string

// Values of ChatCounts.
const (
	ChatCountsAutoAssignedOnly ChatCounts = "AutoAssignedOnly"
	ChatCountsAllAssigned      ChatCounts = "AllAssigned"
)

// CampaignToQueue says how people move from a campaign to queues (V-41).
// +k8s:enum
type CampaignToQueue string

// Values of CampaignToQueue.
const (
	CampaignToQueueAtomic          CampaignToQueue = "Atomic"
	CampaignToQueueRequireUnassign CampaignToQueue = "RequireUnassign"
)

// TeammateDeletion says whether a Teammate must be archived before it is deleted (V-33).
// +k8s:enum
type TeammateDeletion string

// Values of TeammateDeletion.
const (
	TeammateDeletionAllow        TeammateDeletion = "Allow"
	TeammateDeletionArchiveFirst TeammateDeletion = "ArchiveFirst"
)

// MentionResolution says who must resolve a mention of a group.
// +k8s:enum
type MentionResolution string

// Values of MentionResolution.
const (
	MentionResolutionGroup      MentionResolution = "Group"
	MentionResolutionIndividual MentionResolution = "Individual"
)

// UnansweredCallsScope says over what voice.maxUnansweredCalls counts (V-19).
// +k8s:enum
type UnansweredCallsScope string

// Values of UnansweredCallsScope.
const (
	UnansweredCallsScopePerCall  UnansweredCallsScope = "PerCall"
	UnansweredCallsScopePerGroup UnansweredCallsScope = "PerGroup"
)

// GroupMemberBaseTypesPolicy says which base types groups of each scope accept as members.
type GroupMemberBaseTypesPolicy struct {
	// organization lists the base types accepted by groups of scope Organization; empty accepts any. Others are rejected
	// with BaseTypeNotAllowed (V-26).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	Organization []BaseType `json:"organization,omitzero"`

	// practice lists the base types accepted by groups of scope Practice; empty accepts any. Others are rejected with
	// BaseTypeNotAllowed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	Practice []BaseType `json:"practice,omitzero"`

	// enterprise lists the base types accepted by groups of scope Enterprise; empty accepts any. Others are rejected
	// with BaseTypeNotAllowed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	Enterprise []BaseType `json:"enterprise,omitzero"`
}

// RoleModelPolicy limits account roles.
type RoleModelPolicy struct {
	// allowCustom says whether AccountRole objects count beside the built-in ones. When false they are ignored and get
	// PolicyCompliant=False, CustomRoleNotAllowed (M-04, T-06, V-52).
	// +optional
	AllowCustom *bool `json:"allowCustom,omitempty"`

	// allowedBaseTypes lists the base types people may hold; empty allows any. Holders of another one get
	// RoleAllowed=False, BaseTypeNotAllowed (T-06, V-52).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	AllowedBaseTypes []BaseType `json:"allowedBaseTypes,omitzero"`
}

// IdentityPolicy says how people must be identified.
type IdentityPolicy struct {
	// requireOneOf lists identity fields of which each Teammate sets at least one; otherwise PolicyCompliant=False,
	// IdentityMissing (M-12, T-02, V-04).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	RequireOneOf []IdentityField `json:"requireOneOf,omitzero"`

	// allowedEmailDomains lists the e-mail domains people may have, compared case-insensitively; empty allows any.
	// Otherwise PolicyCompliant=False, EmailDomainNotAllowed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	AllowedEmailDomains []string `json:"allowedEmailDomains,omitzero"`
}

// OnboardingPolicy says how accounts become active.
type OnboardingPolicy struct {
	// confirmation Required keeps people closed out until their account is confirmed: in phase Invited when
	// onboarding.method is Invite or Import, AwaitingConfirmation when it is Create. Those of method Directory are
	// never asked (M-28, M-31, V-03).
	// +optional
	Confirmation *Confirmation `json:"confirmation,omitempty"`
}

// CardRequirementsPolicy says which fields a card must have, by how the person came in. What is missing is listed by
// CardComplete=False, MissingFields.
type CardRequirementsPolicy struct {
	// create lists the fields without which somebody who would be Active is in phase CardIncomplete; access stays open,
	// surveys stop (M-07, M-09..M-25).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=12
	Create []CardField `json:"create,omitzero"`

	// invite lists the fields that are asked for while somebody is Invited; they are reported only (M-30).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=12
	Invite []CardField `json:"invite,omitzero"`
}

// CardImagePolicy is about survey images.
type CardImagePolicy struct {
	// recommendedMinPixels is the side length, in pixels, below which an image gets ImageAdequate=False, ImageTooSmall.
	// It never blocks (M-34).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	RecommendedMinPixels *int32 `json:"recommendedMinPixels,omitempty"`
}

// ChatLimitPolicy bounds the number of chats per person.
type ChatLimitPolicy struct {
	// allowUnlimited says whether -1 (unlimited) is allowed. When false, -1 becomes maximum and the Teammate gets
	// ChatLimitInRange=False, Clamped (T-11, V-30).
	// +optional
	AllowUnlimited *bool `json:"allowUnlimited,omitempty"`

	// maximum is the highest limit; higher ones are clamped with ChatLimitInRange=False, Clamped (V-30).
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Maximum *int32 `json:"maximum,omitempty"`

	// default is the limit of people without maxChats; -1 is unlimited (T-11).
	// +optional
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=10000
	// +kubebuilder:validation:XValidation:rule="self == -1 || (self >= 1 && self <= 10000)",message="use -1 for unlimited, or a number from 1 to 10000"
	Default *int32 `json:"default,omitempty"`

	// counts says which chats count against the limit (T-10, V-30).
	// +optional
	Counts *ChatCounts `json:"counts,omitempty"`
}

// AssignmentPolicy is about queues and campaigns of people.
type AssignmentPolicy struct {
	// maxQueues is the highest number of queues per person; 0 is no limit. Of more, the first by name count and the
	// Teammate gets QueueLimitRespected=False, QueueLimitExceeded (V-40).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=50
	MaxQueues *int32 `json:"maxQueues,omitempty"`

	// campaignToQueue RequireUnassign keeps somebody in an active campaign until assignment has been None
	// (CampaignNotReleased); Atomic moves at once (V-41).
	// +optional
	CampaignToQueue *CampaignToQueue `json:"campaignToQueue,omitempty"`
}

// BlockPolicy bounds how long people may be blocked.
type BlockPolicy struct {
	// minDuration is the shortest block; a shorter one stands as written with PolicyCompliant=False, BlockDuration
	// (V-34).
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('87600h')",message="use a duration from 0s to 87600h"
	MinDuration *metav1.Duration `json:"minDuration,omitempty"`

	// maxDuration is the longest block; 0s is no cap. A longer one ends after it, with PolicyCompliant=False,
	// BlockDuration (V-34).
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('87600h')",message="use a duration from 0s to 87600h"
	MaxDuration *metav1.Duration `json:"maxDuration,omitempty"`
}

// ArchivePolicy is about archived people.
type ArchivePolicy struct {
	// reversible false keeps an archived Teammate archived for good: leaving Archived gets PolicyCompliant=False,
	// ArchiveIrreversible (V-33).
	// +optional
	Reversible *bool `json:"reversible,omitempty"`
}

// MentionsPolicy is about mentions.
type MentionsPolicy struct {
	// resolution says whether one member resolves a group mention for all, or each for themselves.
	// +optional
	Resolution *MentionResolution `json:"resolution,omitempty"`

	// maxAccessDuration is the longest access by a mention; 0s is no cap.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="use a duration from 0s to 8760h"
	MaxAccessDuration *metav1.Duration `json:"maxAccessDuration,omitempty"`
}

// Policies are the rules that organizations differ in. In spec a field that is set overrides the preset; for lists a
// set [] overrides too. In status every leaf is filled in.
type Policies struct {
	// groupMembership says how many groups a person may be in at once. Exclusive: one, the incumbent wins, others are
	// rejected with ExclusiveConflict (E-09, M-27, V-07).
	// +optional
	GroupMembership *GroupMembership `json:"groupMembership,omitempty"`

	// groupDeletion DisableOnly refuses the deletion of groups whose deletionPolicy is Inherit.
	// +optional
	GroupDeletion *GroupDeletion `json:"groupDeletion,omitempty"`

	// disabledGroupEdit Deny refuses every edit of a disabled group but enabling it.
	// +optional
	DisabledGroupEdit *DisabledGroupEdit `json:"disabledGroupEdit,omitempty"`

	// groupInUse Block warns when a group that departments name is disabled or deleted; a disabled one gets
	// PolicyCompliant=False, GroupInUse, and the departments drop it (T-16).
	// +optional
	GroupInUse *GroupInUse `json:"groupInUse,omitempty"`

	// groupNameUniqueness says among which groups handles must be unique; the later holder gets KeysUnique=False (A-03,
	// E-14).
	// +optional
	GroupNameUniqueness *GroupNameUniqueness `json:"groupNameUniqueness,omitempty"`

	// groupMemberBaseTypes says which base types groups accept as members, by scope.
	// +optional
	GroupMemberBaseTypes *GroupMemberBaseTypesPolicy `json:"groupMemberBaseTypes,omitempty"`

	// groupSettingConflict says which value wins when a person's groups disagree on a voice setting;
	// VoiceSettingsConsistent is False then (V-13).
	// +optional
	GroupSettingConflict *GroupSettingConflict `json:"groupSettingConflict,omitempty"`

	// supervisorMembership Deny rejects supervisors of a group as its members, with SupervisorIsMember (E-03, V-23).
	// +optional
	SupervisorMembership *SupervisorMembership `json:"supervisorMembership,omitempty"`

	// permissionSetApplication says when changes of a group reach its members, unless the group says otherwise.
	// OnReflash: when its reflashToken changes (E-20).
	// +optional
	PermissionSetApplication *PermissionSetApplication `json:"permissionSetApplication,omitempty"`

	// profileRoleCombination says how several profile roles on one profile combine: Union of all, or MostSpecific,
	// where a direct role stands for those of groups and practices. Denies of every source hold in both (E-01, E-12).
	// +optional
	ProfileRoleCombination *ProfileRoleCombination `json:"profileRoleCombination,omitempty"`

	// roleModel limits account roles.
	// +optional
	RoleModel *RoleModelPolicy `json:"roleModel,omitempty"`

	// ownerAssignment Directory lets only directory tenant administrators be Owners; others get RoleAllowed=False,
	// OwnerNotTenantAdmin (T-03).
	// +optional
	OwnerAssignment *OwnerAssignment `json:"ownerAssignment,omitempty"`

	// identity says how people must be identified.
	// +optional
	Identity *IdentityPolicy `json:"identity,omitempty"`

	// onboarding says how accounts become active.
	// +optional
	Onboarding *OnboardingPolicy `json:"onboarding,omitempty"`

	// cardRequirements says which fields a card must have.
	// +optional
	CardRequirements *CardRequirementsPolicy `json:"cardRequirements,omitempty"`

	// cardApproval Required keeps a Teammate in phase PendingReview until the card as it is now is approved; access
	// stays open, surveys use the card approved last (M-36).
	// +optional
	CardApproval *CardApprovalPolicy `json:"cardApproval,omitempty"`

	// cardImage is about survey images.
	// +optional
	CardImage *CardImagePolicy `json:"cardImage,omitempty"`

	// teamLeader Required keeps people without teamLeaderRef in phase CardIncomplete, with TeamLeaderResolved=False,
	// Missing. Owners, Administrators and one root leader are exempt (M-20).
	// +optional
	TeamLeader *TeamLeaderPolicy `json:"teamLeader,omitempty"`

	// leaderDeparture Block warns when somebody with reports is archived or deleted; the reports get
	// TeamLeaderResolved=False either way (M-20, M-21).
	// +optional
	LeaderDeparture *LeaderDeparture `json:"leaderDeparture,omitempty"`

	// chatLimit bounds the number of chats per person.
	// +optional
	ChatLimit *ChatLimitPolicy `json:"chatLimit,omitempty"`

	// assignment is about queues and campaigns of people.
	// +optional
	Assignment *AssignmentPolicy `json:"assignment,omitempty"`

	// practiceScoping Enabled turns practices on: groups may have a practice, lines belong to one, and members are
	// checked. Disabled: groups of other scopes than Organization get PolicyCompliant=False, PracticeScoping.
	// +optional
	PracticeScoping *Switch `json:"practiceScoping,omitempty"`

	// teammateDeletion ArchiveFirst refuses the deletion of people who are not archived (V-33).
	// +optional
	TeammateDeletion *TeammateDeletion `json:"teammateDeletion,omitempty"`

	// block bounds how long people may be blocked.
	// +optional
	Block *BlockPolicy `json:"block,omitempty"`

	// archive is about archived people.
	// +optional
	Archive *ArchivePolicy `json:"archive,omitempty"`

	// defaultRoutingMode is the routing mode of departments that set none (T-17).
	// +optional
	DefaultRoutingMode *RoutingMode `json:"defaultRoutingMode,omitempty"`

	// mentions is about mentions.
	// +optional
	Mentions *MentionsPolicy `json:"mentions,omitempty"`
}

// OrganizationVoice is the general level of voice settings, which groups may override.
type OrganizationVoice struct {
	// outboundCalls is the general switch for outbound calls (V-09, V-13).
	// +optional
	// +kubebuilder:default=Disabled
	OutboundCalls Switch `json:"outboundCalls,omitempty"`

	// callerIDProfileRef names the Profile whose number those called see, where no group says otherwise. One that is
	// not of type Phone counts for nothing: ReferencesResolved=False, WrongType (V-10).
	// +optional
	CallerIDProfileRef *ObjectRef `json:"callerIDProfileRef,omitempty"`

	// agentsCanChangeCallerID is the general switch for choosing a caller ID (V-11).
	// +optional
	// +kubebuilder:default=Disabled
	AgentsCanChangeCallerID Switch `json:"agentsCanChangeCallerID,omitempty"`

	// recordingAccess is the general switch for listening to recordings (V-12, V-13).
	// +optional
	// +kubebuilder:default=Disabled
	RecordingAccess Switch `json:"recordingAccess,omitempty"`

	// dialingAudio is the recording played while any group is dialled (V-15).
	// +optional
	DialingAudio *AudioSource `json:"dialingAudio,omitempty"`

	// maxUnansweredCalls is the number of legs that ring at once in strategy Simultaneous (V-19).
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MaxUnansweredCalls *int32 `json:"maxUnansweredCalls,omitempty"`

	// unansweredCallsScope says over what maxUnansweredCalls counts (V-19).
	// +optional
	// +kubebuilder:default=PerCall
	UnansweredCallsScope UnansweredCallsScope `json:"unansweredCallsScope,omitempty"`

	// leastCallsWindow is the time over which "received the fewest calls" is measured (V-20).
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h') && duration(self) <= duration('744h')",message="use a duration from 1h to 744h"
	LeastCallsWindow *metav1.Duration `json:"leastCallsWindow,omitempty"`
}

// ChatReassignment hands a chat to the next agent when there is no reply in time.
type ChatReassignment struct {
	// state turns reassignment on (T-17).
	// +optional
	// +kubebuilder:default=Disabled
	State Switch `json:"state,omitempty"`

	// timeout is the time without a reply after which the next agent is chosen (T-17).
	// +optional
	// +kubebuilder:default="300s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="use a duration from 1s to 24h"
	Timeout metav1.Duration `json:"timeout,omitzero"`
}

// ChatAutoUnavailable makes agents unavailable who let chats be reassigned.
type ChatAutoUnavailable struct {
	// state turns it on. It is passed to the routing engine (T-08).
	// +optional
	// +kubebuilder:default=Disabled
	State Switch `json:"state,omitempty"`

	// afterReassignments is the number of reassignments in a row after which an agent becomes unavailable (T-08).
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	AfterReassignments int32 `json:"afterReassignments,omitempty"`
}

// OrganizationChat is the general level of chat settings.
type OrganizationChat struct {
	// autoAssignment Disabled assigns no chat automatically; departments act as Pooled (T-17, V-30).
	// +optional
	// +kubebuilder:default=Enabled
	AutoAssignment Switch `json:"autoAssignment,omitempty"`

	// reassignment hands a chat to the next agent when there is no reply in time (T-17).
	// +optional
	Reassignment *ChatReassignment `json:"reassignment,omitempty"`

	// autoUnavailable makes agents unavailable who let chats be reassigned (T-08).
	// +optional
	AutoUnavailable *ChatAutoUnavailable `json:"autoUnavailable,omitempty"`
}

// Skill is an entry of the catalogue of skills.
type Skill struct {
	// name is how teammates, departments and queues refer to the skill.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// displayName is the name shown to people. Absent: the name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	DisplayName *string `json:"displayName,omitempty"`

	// description says what the skill means.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Description *string `json:"description,omitempty"`

	// maxLevel is the highest level of the skill; higher ones on teammates are clamped. Absent: 5 (V-31).
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxLevel *int32 `json:"maxLevel,omitempty"`
}

// SkillMaxLevel is the computed default of Skill.maxLevel.
const SkillMaxLevel int32 = 5

// Practice is a sub-tenant of the organization.
type Practice struct {
	// name is how teammates, groups and profiles refer to the practice.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// displayName is the name shown to people. Absent: the name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	DisplayName *string `json:"displayName,omitempty"`

	// timeZone is the practice's zone. Absent: the organization's.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`
	TimeZone *string `json:"timeZone,omitempty"`

	// scheduleRef names the Schedule with the hours of the practice. Absent, or not usable: those of the organization.
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// state Disabled takes the practice out of use: it gives no lines and no data scope, and its groups cannot be
	// mentioned. Absent: Enabled.
	// +optional
	State *Switch `json:"state,omitempty"`
}

// OrganizationSpec is what holds for a whole namespace.
type OrganizationSpec struct {
	// displayName is the name shown to people. Absent: the object's name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	DisplayName *string `json:"displayName,omitempty"`

	// preset chooses the column of policy values that spec.policies overrides.
	// +optional
	// +kubebuilder:default=Custom
	Preset Preset `json:"preset,omitempty"`

	// policies override the preset field by field; the result is status.resolvedPolicies, and rules read that only.
	// +optional
	Policies *Policies `json:"policies,omitempty"`

	// suspend true stops the writing of outputs and downstream systems while computing goes on; condition Suspended is
	// True meanwhile.
	// +optional
	// +kubebuilder:default=false
	Suspend *bool `json:"suspend,omitempty"`

	// timeZone is the zone of schedules without one. An unknown zone gives Ready=False, UnknownTimeZone (E-06).
	// +optional
	// +kubebuilder:default="Etc/UTC"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`
	TimeZone string `json:"timeZone,omitempty"`

	// contactCenter Disabled turns voice settings off and leaves dialing groups, queues and campaigns without plans
	// (V-01).
	// +optional
	// +kubebuilder:default=Enabled
	ContactCenter Switch `json:"contactCenter,omitempty"`

	// voice is the general level of voice settings, which groups may override.
	// +optional
	// +kubebuilder:default={}
	Voice OrganizationVoice `json:"voice,omitzero"`

	// chat is the general level of chat settings.
	// +optional
	// +kubebuilder:default={}
	Chat OrganizationChat `json:"chat,omitzero"`

	// scheduleRef names the Schedule with the hours of the organization. Absent, or not usable: always open (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// skills is the catalogue of skills (V-31).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Skills []Skill `json:"skills,omitempty"`

	// practices are the sub-tenants of the organization; without effect while policies.practiceScoping is Disabled
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Practices []Practice `json:"practices,omitempty"`

	// vocabulary lists permissions of connected systems; they are known beside the well-known ones, in both scopes, and
	// matched by patterns (M-04).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^[a-z][a-zA-Z0-9]{0,31}\.[a-z][a-zA-Z0-9]{0,31}$`
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('conversation.')",message="conversation permissions come from mentions only: remove the entry"
	Vocabulary []string `json:"vocabulary,omitempty"`

	// defaultAccountRoleRef names the AccountRole of people without one. Absent: agent, under preset PatientMessaging
	// staff (M-09).
	// +optional
	DefaultAccountRoleRef *ObjectRef `json:"defaultAccountRoleRef,omitempty"`

	// defaultProfileRoleRef names the ProfileRole that holds on a visible profile where no other source gives one.
	// Absent: none does, and the profile is seen without permissions (E-23).
	// +optional
	DefaultProfileRoleRef *ObjectRef `json:"defaultProfileRoleRef,omitempty"`

	// denies lists permissions removed from everybody but Owners (M-03).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	Denies []string `json:"denies,omitempty"`

	// mentionRetention is the time after which a mention that came to its end is deleted.
	// +optional
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h') && duration(self) <= duration('8760h')",message="use a duration from 1h to 8760h"
	MentionRetention *metav1.Duration `json:"mentionRetention,omitempty"`

	// cardGuidelines is shown to people who complete their card (M-32, M-33).
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=8192
	CardGuidelines string `json:"cardGuidelines,omitempty"`
}

// OrganizationCounts are totals of the namespace.
type OrganizationCounts struct {
	// teammates is the number of Teammate objects.
	// +optional
	Teammates int32 `json:"teammates"`

	// active is the number of teammates in phase Active.
	// +optional
	Active int32 `json:"active"`

	// invited is the number of teammates in phase Invited.
	// +optional
	Invited int32 `json:"invited"`

	// blocked is the number of teammates in phase Blocked.
	// +optional
	Blocked int32 `json:"blocked"`

	// archived is the number of teammates in phase Archived.
	// +optional
	Archived int32 `json:"archived"`

	// invalid is the number of teammates in phase Invalid.
	// +optional
	Invalid int32 `json:"invalid"`

	// groups is the number of UserGroup objects.
	// +optional
	Groups int32 `json:"groups"`
}

// OrganizationStatus is what the operator found.
type OrganizationStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, PoliciesResolved, ReferencesResolved, InvitationsDeliverable, Suspended, and Reconciling or
	// Stalled while they hold.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// resolvedPolicies is the preset with spec.policies over it, every leaf filled in. Rules and admission policies read
	// it.
	// +optional
	ResolvedPolicies *Policies `json:"resolvedPolicies,omitempty"`

	// counts are totals of the namespace, refreshed at most every 10 s.
	// +optional
	Counts *OrganizationCounts `json:"counts,omitempty"`
}

// Organization holds what is common to one namespace. It is always named default; without it the operator computes
// nothing in the namespace.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=org,categories=rollcall
// +kubebuilder:printcolumn:name="Preset",type=string,JSONPath=`.spec.preset`
// +kubebuilder:printcolumn:name="Active",type=integer,JSONPath=`.status.counts.active`
// +kubebuilder:printcolumn:name="Groups",type=integer,JSONPath=`.status.counts.groups`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="name the Organization default: one namespace is one organization"
type Organization struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what holds for the namespace.
	// +optional
	// +kubebuilder:default={}
	Spec OrganizationSpec `json:"spec,omitzero"`

	// status is what the operator found.
	// +optional
	Status OrganizationStatus `json:"status,omitzero"`
}

// OrganizationList is a list of Organizations.
// +kubebuilder:object:root=true
type OrganizationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Organizations.
	Items []Organization `json:"items"`
}
