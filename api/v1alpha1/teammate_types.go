package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of PolicyCompliant=False on a Teammate.
const (
	// ReasonIdentityMissing surfaces when none of policies.identity.requireOneOf is set (M-12, V-04).
	ReasonIdentityMissing = "IdentityMissing"
	// ReasonEmailDomainNotAllowed surfaces when the e-mail's domain is outside policies.identity.allowedEmailDomains.
	ReasonEmailDomainNotAllowed = "EmailDomainNotAllowed"
	// ReasonArchiveIrreversible surfaces when somebody archived is no longer declared so while policies.archive.reversible
	// is false (V-33).
	ReasonArchiveIrreversible = "ArchiveIrreversible"
	// ReasonBlockDuration surfaces when a block is shorter or longer than policies.block allows (V-34).
	ReasonBlockDuration = "BlockDuration"
	// ReasonCampaignNotReleased surfaces when somebody moves from an active campaign to queues in one step while
	// policies.assignment.campaignToQueue is RequireUnassign (V-41).
	ReasonCampaignNotReleased = "CampaignNotReleased"
)

// ConditionRoleAllowed is False when the account role may not be held by this person.
const ConditionRoleAllowed = "RoleAllowed"

// ReasonOwnerNotTenantAdmin surfaces when an Owner is no directory tenant administrator while policies.ownerAssignment
// is Directory (T-03).
const ReasonOwnerNotTenantAdmin = "OwnerNotTenantAdmin"

// ConditionTeamLeaderResolved is False when the person has no valid team leader.
const ConditionTeamLeaderResolved = "TeamLeaderResolved"

// Reasons of TeamLeaderResolved=False (M-20, M-21).
const (
	// ReasonUnresolved surfaces when the Teammate named by teamLeaderRef does not exist.
	ReasonUnresolved = "Unresolved"
	// ReasonNotALeader surfaces when it may not manage teams.
	ReasonNotALeader = "NotALeader"
	// ReasonLeaderCycle surfaces when following team leaders leads back to the person.
	ReasonLeaderCycle = "LeaderCycle"
	// ReasonLeaderArchived surfaces when it is archived.
	ReasonLeaderArchived = "LeaderArchived"
	// ReasonMissing surfaces when no leader is named while policies.teamLeader is Required.
	ReasonMissing = "Missing"
)

// ConditionCardComplete is False when the card lacks fields that policies.cardRequirements asks for.
const ConditionCardComplete = "CardComplete"

// ReasonMissingFields is the reason of CardComplete=False; the message lists the fields.
const ReasonMissingFields = "MissingFields"

// ConditionCardApproved is False while policies.cardApproval is Required and the card as it is now is not approved.
const ConditionCardApproved = "CardApproved"

// Reasons of CardApproved=False (M-36).
const (
	// ReasonPendingReview surfaces while nobody has decided on the card as it is now.
	ReasonPendingReview = "PendingReview"
	// ReasonRejected surfaces when the card as it is now was rejected.
	ReasonRejected = "Rejected"
)

// ConditionNotifiable is False when the person cannot be written to.
const ConditionNotifiable = "Notifiable"

// ReasonNoEmail is the reason of Notifiable=False.
const ReasonNoEmail = "NoEmail"

// ConditionImageAdequate is False when the survey image is too small. Nothing is held back for it.
const ConditionImageAdequate = "ImageAdequate"

// ReasonImageTooSmall surfaces when a side is below policies.cardImage.recommendedMinPixels (M-34).
const ReasonImageTooSmall = "ImageTooSmall"

// ConditionChatLimitInRange is False when maxChats is outside policies.chatLimit.
const ConditionChatLimitInRange = "ChatLimitInRange"

// ReasonClamped is the reason of ChatLimitInRange=False; the message names the limit in effect (V-30, T-11).
const ReasonClamped = "Clamped"

// ConditionQueueLimitRespected is False when more queues are assigned than policies.assignment.maxQueues.
const ConditionQueueLimitRespected = "QueueLimitRespected"

// ReasonQueueLimitExceeded is the reason of QueueLimitRespected=False; the message names the queues that count (V-40).
const ReasonQueueLimitExceeded = "QueueLimitExceeded"

// ConditionVoiceSettingsConsistent is False when the person's groups disagree on a voice setting.
const ConditionVoiceSettingsConsistent = "VoiceSettingsConsistent"

// ReasonSettingsConflict is the reason of VoiceSettingsConsistent=False; the message names setting and winner (V-13).
const ReasonSettingsConflict = "SettingsConflict"

// OnboardingMethod says how a person came in (M-01, V-04, V-05, T-02).
// +k8s:enum
type OnboardingMethod string

// Values of OnboardingMethod.
const (
	OnboardingMethodCreate    OnboardingMethod = "Create"
	OnboardingMethodInvite    OnboardingMethod = "Invite"
	OnboardingMethodDirectory OnboardingMethod = "Directory"
	OnboardingMethodImport    OnboardingMethod = "Import"
)

// WelcomeEmail says when the welcome e-mail goes out (M-28, M-31).
// +k8s:enum
type WelcomeEmail string

// Values of WelcomeEmail.
const (
	WelcomeEmailImmediate WelcomeEmail = "Immediate"
	WelcomeEmailDelayed   WelcomeEmail = "Delayed"
)

// Availability is the administrator's override of a person's availability (T-08, T-09).
// +k8s:enum
type Availability string

// Values of Availability.
const (
	AvailabilityAvailable   Availability = "Available"
	AvailabilityUnavailable Availability = "Unavailable"
	AvailabilityInactive    Availability = "Inactive"
)

// AssignmentType is the discriminator of Assignment.
// +k8s:enum
type AssignmentType string

// Values of AssignmentType.
const (
	AssignmentTypeNone     AssignmentType = "None"
	AssignmentTypeQueues   AssignmentType = "Queues"
	AssignmentTypeCampaign AssignmentType = "Campaign"
)

// LifecycleState is the discriminator of Lifecycle.
// +k8s:enum
type LifecycleState string

// Values of LifecycleState.
const (
	LifecycleStateActive   LifecycleState = "Active"
	LifecycleStateBlocked  LifecycleState = "Blocked"
	LifecycleStateArchived LifecycleState = "Archived"
)

// ApprovalState is the decision on a card.
// +k8s:enum
type ApprovalState string

// Values of ApprovalState.
const (
	ApprovalStatePending  ApprovalState = "Pending"
	ApprovalStateApproved ApprovalState = "Approved"
	ApprovalStateRejected ApprovalState = "Rejected"
)

// EmploymentStatus is the kind of employment (M-24).
// +k8s:enum
type EmploymentStatus string

// Values of EmploymentStatus.
const (
	EmploymentStatusFullTime  EmploymentStatus = "FullTime"
	EmploymentStatusPartTime  EmploymentStatus = "PartTime"
	EmploymentStatusTemporary EmploymentStatus = "Temporary"
)

// Channel is a way by which customers reach somebody (M-25).
// +k8s:enum
type Channel string

// Values of Channel.
const (
	ChannelPhone  Channel = "Phone"
	ChannelChat   Channel = "Chat"
	ChannelEmail  Channel = "Email"
	ChannelSocial Channel = "Social"
	ChannelSMS    Channel = "SMS"
)

// Phase is where a person stands; the first that applies wins.
// +k8s:enum
type Phase string

// Values of Phase.
const (
	PhaseInvalid              Phase = "Invalid"
	PhaseScheduled            Phase = "Scheduled"
	PhaseInvited              Phase = "Invited"
	PhaseAwaitingConfirmation Phase = "AwaitingConfirmation"
	PhaseCardIncomplete       Phase = "CardIncomplete"
	PhasePendingReview        Phase = "PendingReview"
	PhaseActive               Phase = "Active"
	PhaseBlocked              Phase = "Blocked"
	PhaseEnded                Phase = "Ended"
	PhaseArchived             Phase = "Archived"
)

// Identity says who a person is. Keys are unique in the namespace; the later holder gets KeysUnique=False.
// +kubebuilder:validation:XValidation:rule="has(self.email) || has(self.employeeID) || has(self.directoryID)",message="set at least one of email, employeeID and directoryID"
// +kubebuilder:validation:XValidation:rule="!has(self.username) || !self.username.startsWith('system:')",message="choose a username that does not start with system:, which Kubernetes keeps for itself"
type Identity struct {
	// email is the e-mail address, compared case-insensitively and never rewritten. Whoever claims one that is held is
	// in phase Invalid, with KeysUnique=False. Without an e-mail: Notifiable=False, NoEmail (M-11, V-04).
	// +optional
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$`
	Email *string `json:"email,omitempty"`

	// employeeID is the number in the personnel system; unique as the e-mail is (M-12, M-22).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	EmployeeID *string `json:"employeeID,omitempty"`

	// directoryID is the id in the upstream directory; unique as the e-mail is (T-02).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	DirectoryID *string `json:"directoryID,omitempty"`

	// directoryTenantAdmin says that the directory knows the person as its administrator. Under ownerAssignment
	// Directory nobody else may be an Owner (T-03).
	// +optional
	// +kubebuilder:default=false
	DirectoryTenantAdmin *bool `json:"directoryTenantAdmin,omitempty"`

	// username is the person's Kubernetes user; unique as the e-mail is (V-02).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Username *string `json:"username,omitempty"`
}

// Onboarding says how a person came in.
type Onboarding struct {
	// method is how the person came in; it cannot change later (M-01, V-04, V-05, T-02).
	// +optional
	// +kubebuilder:default=Create
	Method OnboardingMethod `json:"method,omitempty"`

	// welcomeEmail says when the welcome e-mail goes out; passed to the driver (M-28, M-31).
	// +optional
	// +kubebuilder:default=Immediate
	WelcomeEmail WelcomeEmail `json:"welcomeEmail,omitempty"`

	// inviteToken is any text; a change sends the invitation again (M-31).
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._:-]{1,64}$`
	InviteToken *string `json:"inviteToken,omitempty"`

	// temporaryPasswordSecretRef names the Secret, and the key in it, with a first password. The Secret carries the label
	// rollcall.dev/teammate with the name of this object; without the label it is not read (M-26).
	// +optional
	TemporaryPasswordSecretRef *KeyRef `json:"temporaryPasswordSecretRef,omitempty"`
}

// Absence is a planned absence: while its window holds, the person is not routed to (T-09).
type Absence struct {
	// name tells the absences of a person apart.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// note is for people.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Note *string `json:"note,omitempty"`

	Window `json:",inline"`
}

// CardImage is the image shown to customers (M-14, M-34).
type CardImage struct {
	// url is the https address of the image; the operator never fetches it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`

	// width is the width in pixels. Below policies.cardImage.recommendedMinPixels: ImageAdequate=False.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20000
	Width *int32 `json:"width,omitempty"`

	// height is the height in pixels. Below policies.cardImage.recommendedMinPixels: ImageAdequate=False.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20000
	Height *int32 `json:"height,omitempty"`
}

// CardApproval is the decision on one version of a card. Whoever applies it owns all of it.
// +structType=atomic
type CardApproval struct {
	// state is the decision (M-36).
	// +required
	State ApprovalState `json:"state"`

	// cardHash is the status.cardHash that the decision is about. Without it, or with another one, the decision does
	// not count.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	CardHash *string `json:"cardHash,omitempty"`

	// comment is for the person.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Comment *string `json:"comment,omitempty"`
}

// Card is what customers may see of a person.
type Card struct {
	// image is the image shown in surveys (M-14, M-34).
	// +optional
	Image *CardImage `json:"image,omitempty"`

	// bio is a short text about the person (M-19).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Bio *string `json:"bio,omitempty"`

	// homeTown is where the person comes from (M-17).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	HomeTown *string `json:"homeTown,omitempty"`

	// stateOrCountry is where the person comes from, more widely (M-18).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	StateOrCountry *string `json:"stateOrCountry,omitempty"`

	// approval is the decision on the card; needed only while policies.cardApproval is Required (M-36).
	// +optional
	Approval *CardApproval `json:"approval,omitempty"`
}

// Employment is what the personnel system knows.
type Employment struct {
	// startDate is the first day of work.
	// +optional
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MaxLength=10
	StartDate *string `json:"startDate,omitempty"`

	// status is the kind of employment (M-24).
	// +optional
	Status *EmploymentStatus `json:"status,omitempty"`
}

// Tag is a coloured label for people (T-12).
type Tag struct {
	// name is the text of the tag.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// color is the colour as #rrggbb.
	// +optional
	// +kubebuilder:validation:MaxLength=7
	// +kubebuilder:validation:Pattern=`^#[0-9a-fA-F]{6}$`
	Color *string `json:"color,omitempty"`
}

// TeammateSkill is a skill that a person has (V-31).
type TeammateSkill struct {
	// name is the name of a skill of Organization.spec.skills; an unknown one does not count and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// level is how well; above the skill's maxLevel it is clamped. Absent: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Level *int32 `json:"level,omitempty"`
}

// SkillLevel is the computed default of TeammateSkill.level.
const SkillLevel int32 = 1

// Assignment says what a person works on: queues or a campaign, never both (V-37..V-41). Whoever applies it owns all of
// it.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type == 'Queues') == (has(self.queues) && size(self.queues) > 0) && (self.type == 'Campaign') == has(self.campaignRef)",message="set queues with type Queues only, campaignRef with type Campaign only, and neither with None"
type Assignment struct {
	// type chooses which of the other fields is set.
	// +required
	Type AssignmentType `json:"type"`

	// queues are the queues served. Of more than policies.assignment.maxQueues the first by name count (V-40).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Queues []ObjectRef `json:"queues,omitempty"`

	// campaignRef names the Campaign worked on.
	// +optional
	CampaignRef *ObjectRef `json:"campaignRef,omitempty"`
}

// TeammateGroup is a membership declared from the person's side (M-27).
type TeammateGroup struct {
	// name is the name of a UserGroup.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	Window `json:",inline"`
}

// TeammateProfile is a direct grant on one profile (E-01).
type TeammateProfile struct {
	// name is the name of a Profile.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// profileRoleRef names the ProfileRole that holds on the profile. Absent: the role of other sources, else the
	// default one.
	// +optional
	ProfileRoleRef *ObjectRef `json:"profileRoleRef,omitempty"`

	Window `json:",inline"`
}

// TeammatePractice puts a person into a practice.
type TeammatePractice struct {
	// name is the name of a practice of Organization.spec.practices. Another name counts for nothing and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// lines are the Profiles of type Line that Staff see of this practice.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Lines []ObjectRef `json:"lines,omitempty"`

	// profileRoleRef names the ProfileRole that holds on the lines visible through this practice.
	// +optional
	ProfileRoleRef *ObjectRef `json:"profileRoleRef,omitempty"`
}

// Lifecycle is what the administrator decided about the account (V-33, V-34). Whoever applies it owns all of it.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="self.state == 'Blocked' ? has(self.blockedFrom) && has(self.blockedUntil) && self.blockedFrom < self.blockedUntil : !has(self.blockedFrom) && !has(self.blockedUntil)",message="set blockedFrom and a later blockedUntil with state Blocked, and neither with another state"
type Lifecycle struct {
	// state is the decision. Blocked works within its window only; Archived is a departure.
	// +required
	State LifecycleState `json:"state"`

	// blockedFrom is the first moment of the block; with Blocked only.
	// +optional
	BlockedFrom *metav1.Time `json:"blockedFrom,omitempty"`

	// blockedUntil is the end of the block; with Blocked only. Its distance from blockedFrom is bounded by
	// policies.block (BlockDuration).
	// +optional
	BlockedUntil *metav1.Time `json:"blockedUntil,omitempty"`

	// reason is for people.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason *string `json:"reason,omitempty"`
}

// TeammateSpec declares one person.
// +kubebuilder:validation:XValidation:rule="!(self.onboarding.method in ['Invite', 'Import']) || has(self.identity.email)",message="set identity.email: invited and imported people are reached by e-mail"
type TeammateSpec struct {
	// identity says who the person is (M-12).
	// +required
	Identity Identity `json:"identity"`

	// onboarding says how the person came in (M-01).
	// +optional
	// +kubebuilder:default={}
	Onboarding Onboarding `json:"onboarding,omitzero"`

	// firstName is the given name (M-15).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	FirstName *string `json:"firstName,omitempty"`

	// lastName is the family name (M-16).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	LastName *string `json:"lastName,omitempty"`

	// accountRoleRef names the AccountRole held. Absent: Organization.spec.defaultAccountRoleRef. One that does not
	// exist, or may not be held (RoleAllowed=False), leaves the person in phase Invalid, without any access (M-09,
	// T-02).
	// +optional
	AccountRoleRef *ObjectRef `json:"accountRoleRef,omitempty"`

	// The window of the whole person: before from the phase is Scheduled, at until it is Ended, a departure (V-33).
	Window `json:",inline"`

	// scheduleRef names the Schedule with the person's working hours; outside them nothing is routed to the person,
	// access stays. Absent: always (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// absences are planned absences; nothing is routed to the person meanwhile, access stays (T-09).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Absences []Absence `json:"absences,omitempty"`

	// canManageTeams says that the person may be a team leader (M-10).
	// +optional
	CanManageTeams *bool `json:"canManageTeams,omitempty"`

	// teamLeaderRef names the Teammate reported to. One that does not exist, may not manage teams, is archived or is on
	// a cycle counts for none: TeamLeaderResolved=False (M-20, M-21).
	// +optional
	TeamLeaderRef *ObjectRef `json:"teamLeaderRef,omitempty"`

	// card is what customers may see of the person; policies.cardRequirements says what it must hold.
	// +optional
	Card *Card `json:"card,omitempty"`

	// employment is what the personnel system knows.
	// +optional
	Employment *Employment `json:"employment,omitempty"`

	// channels are the channels the person works on. Absent or empty: all (M-25).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=5
	Channels []Channel `json:"channels,omitempty"`

	// tags are coloured labels for people (T-12).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Tags []Tag `json:"tags,omitempty"`

	// availability is the administrator's override: only somebody Available is routed to (T-08, T-09).
	// +optional
	// +kubebuilder:default=Available
	Availability Availability `json:"availability,omitempty"`

	// maxChats is the highest number of chats at once, -1 for unlimited. Absent: policies.chatLimit.default. Outside the
	// policy it is clamped, with ChatLimitInRange=False (T-10, T-11, V-30).
	// +optional
	// +kubebuilder:validation:Minimum=-1
	// +kubebuilder:validation:Maximum=10000
	// +kubebuilder:validation:XValidation:rule="self == -1 || (self >= 1 && self <= 10000)",message="use -1 for unlimited, or a number from 1 to 10000"
	MaxChats *int32 `json:"maxChats,omitempty"`

	// autoAssignment says whether chats are assigned to the person automatically. Inherit: as in the organization (V-30).
	// +optional
	// +kubebuilder:default=Inherit
	AutoAssignment Toggle `json:"autoAssignment,omitempty"`

	// extension is the short number of the person, unique among teammates and groups; the later holder gets
	// KeysUnique=False and is rung without it (V-29).
	// +optional
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[0-9]{2,10}$`
	Extension *string `json:"extension,omitempty"`

	// skills are the skills of the person (V-31).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Skills []TeammateSkill `json:"skills,omitempty"`

	// assignment says what the person works on: queues, a campaign or neither (V-37..V-41).
	// +optional
	// +kubebuilder:default={type: "None"}
	Assignment Assignment `json:"assignment,omitzero"`

	// groups are memberships declared from the person's side; the group may reject them. Under policies.groupMembership
	// Exclusive an entry with until is temporary cover (M-27).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Groups []TeammateGroup `json:"groups,omitempty"`

	// primaryGroupRef names the group whose voice settings win over those of the person's other groups; one that did
	// not accept the person gives ReferencesResolved=False (V-13).
	// +optional
	PrimaryGroupRef *ObjectRef `json:"primaryGroupRef,omitempty"`

	// profiles are direct grants (E-01).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Profiles []TeammateProfile `json:"profiles,omitempty"`

	// assignAllProfiles grants every profile, present and future (E-01).
	// +optional
	// +kubebuilder:default=false
	AssignAllProfiles *bool `json:"assignAllProfiles,omitempty"`

	// defaultProfileRoleRef names the ProfileRole that holds where no other source gives one. Absent:
	// Organization.spec.defaultProfileRoleRef (E-23).
	// +optional
	DefaultProfileRoleRef *ObjectRef `json:"defaultProfileRoleRef,omitempty"`

	// practices are the practices the person belongs to.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Practices []TeammatePractice `json:"practices,omitempty"`

	// timeZone is a personal setting, passed on.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`
	TimeZone *string `json:"timeZone,omitempty"`

	// language is a personal setting, passed on.
	// +optional
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`
	Language *string `json:"language,omitempty"`

	// lifecycle is what the administrator decided about the account: Blocked closes it for a time and gives back
	// exactly the former access, Archived closes it and is a departure (V-33, V-34).
	// +optional
	// +kubebuilder:default={state: "Active"}
	Lifecycle Lifecycle `json:"lifecycle,omitzero"`
}

// AssignmentStatus is the assignment in effect.
type AssignmentStatus struct {
	// type is the type in effect.
	// +optional
	Type AssignmentType `json:"type,omitempty"`

	// campaign is the name of the campaign in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Campaign string `json:"campaign,omitempty"`

	// campaignState is the state of that campaign.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	CampaignState string `json:"campaignState,omitempty"`
}

// TeammateStatus is what the operator found.
type TeammateStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are those of API section 4.5.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// displayName is first and last name, else the object's name.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	DisplayName string `json:"displayName,omitempty"`

	// phase is where the person stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// reason says why the phase is what it is.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason,omitempty"`

	// exclusiveGroup is the one group in effect under groupMembership Exclusive.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ExclusiveGroup string `json:"exclusiveGroup,omitempty"`

	// directReports is the number of people who name this one as team leader.
	// +optional
	DirectReports int32 `json:"directReports"`

	// surveyEligible says whether the card may be shown in surveys.
	// +optional
	SurveyEligible *bool `json:"surveyEligible,omitempty"`

	// cardHash identifies the card as it is now, for card.approval.cardHash.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	CardHash string `json:"cardHash,omitempty"`

	// assignment is the assignment in effect.
	// +optional
	Assignment *AssignmentStatus `json:"assignment,omitempty"`

	// confirmedAt is when the account was confirmed.
	// +optional
	ConfirmedAt *metav1.Time `json:"confirmedAt,omitempty"`

	// archivedAt is when the operator first saw the person archived.
	// +optional
	ArchivedAt *metav1.Time `json:"archivedAt,omitempty"`
}

// Teammate is one person of the organization.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=tm,categories=rollcall
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:selectablefield:JSONPath=`.spec.accountRoleRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.assignment.type`
// +kubebuilder:printcolumn:name="Name",type=string,JSONPath=`.status.displayName`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.accountRoleRef.name`
// +kubebuilder:printcolumn:name="Availability",type=string,JSONPath=`.spec.availability`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.teamLeaderRef) || self.spec.teamLeaderRef.name != self.metadata.name",message="name another Teammate in teamLeaderRef: nobody reports to themselves"
// +kubebuilder:validation:XValidation:rule="self.spec.onboarding.method == oldSelf.spec.onboarding.method",message="keep onboarding.method as it was when the Teammate was created"
type Teammate struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec declares the person.
	// +required
	Spec TeammateSpec `json:"spec"`

	// status is what the operator found.
	// +optional
	Status TeammateStatus `json:"status,omitzero"`
}

// TeammateList is a list of Teammates.
// +kubebuilder:object:root=true
type TeammateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Teammates.
	Items []Teammate `json:"items"`
}
