package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Conditions of a UserGroup beside those of conditions.go.
const (
	// ConditionMembersAccepted is False while somebody who would be a member is rejected; status.rejected names them.
	ConditionMembersAccepted = "MembersAccepted"
	// ConditionSupervisorsAccepted is False while somebody named under supervisors may not supervise.
	ConditionSupervisorsAccepted = "SupervisorsAccepted"
	// ConditionPermissionSetCurrent is False while changes wait for a reflash. Only groups with a permissionSet have it.
	ConditionPermissionSetCurrent = "PermissionSetCurrent"
	// ConditionMentionable is False while the group cannot be mentioned.
	ConditionMentionable = "Mentionable"
	// ConditionInUse is True while a department names the group.
	ConditionInUse = "InUse"
)

// Reasons a UserGroup rejects a member, and of MembersAccepted=False. BaseTypeNotAllowed is the first of them.
const (
	// ReasonNotInPractice surfaces when a group of scope Practice names somebody outside its practice.
	ReasonNotInPractice = "NotInPractice"
	// ReasonExclusiveConflict surfaces when groupMembership=Exclusive and the person is already in another group.
	ReasonExclusiveConflict = "ExclusiveConflict"
	// ReasonSupervisorIsMember surfaces when supervisorMembership=Deny and the person supervises the group.
	ReasonSupervisorIsMember = "SupervisorIsMember"
)

// ReasonNotASupervisor is the reason of SupervisorsAccepted=False.
const ReasonNotASupervisor = "NotASupervisor"

// ReasonPendingReflash is the reason of PermissionSetCurrent=False; status.pending counts what waits.
const ReasonPendingReflash = "PendingReflash"

// Reasons of Mentionable=False.
const (
	// ReasonDisabled surfaces when the group is Disabled.
	ReasonDisabled = "Disabled"
	// ReasonMentionOff surfaces when mention.state is Disabled.
	ReasonMentionOff = "MentionOff"
	// ReasonNoPractice surfaces when the group has no practice that its scope asks for, or practiceScoping forbids its
	// scope.
	ReasonNoPractice = "NoPractice"
	// ReasonInvalidHandle surfaces when the handle, or the display name that stands in for it, cannot follow an @.
	ReasonInvalidHandle = "InvalidHandle"
	// ReasonDuplicateHandle surfaces when an older group holds the handle.
	ReasonDuplicateHandle = "DuplicateHandle"
	// ReasonNoMembers surfaces when nobody would receive the mention.
	ReasonNoMembers = "NoMembers"
)

// ReasonReferencedByDepartment is the reason of InUse=True.
const ReasonReferencedByDepartment = "ReferencedByDepartment"

// Reasons of PolicyCompliant=False on a UserGroup, beside PracticeScoping.
const (
	// ReasonIncludesNotAllowed surfaces when includes is set under groupMembership=Exclusive; the includes are ignored.
	ReasonIncludesNotAllowed = "IncludesNotAllowed"
	// ReasonGroupInUse surfaces when a group was disabled although groupInUse=Block and departments name it.
	ReasonGroupInUse = "GroupInUse"
)

// GroupScope says to what part of the organization a group belongs.
// +k8s:enum
type GroupScope string

// Values of GroupScope.
const (
	GroupScopeOrganization GroupScope = "Organization"
	GroupScopePractice     GroupScope = "Practice"
	GroupScopeEnterprise   GroupScope = "Enterprise"
)

// CriterionType says what a criterion of a group is about.
// +k8s:enum
type CriterionType string

// Values of CriterionType.
const (
	CriterionTypeProductKnowledge   CriterionType = "ProductKnowledge"
	CriterionTypeSocialNetwork      CriterionType = "SocialNetwork"
	CriterionTypeRegion             CriterionType = "Region"
	CriterionTypeCulturalBackground CriterionType = "CulturalBackground"
	CriterionTypeLanguage           CriterionType = "Language"
	CriterionTypeOther              CriterionType = "Other"
)

// NotifyChannel is a way in which a member is told of a mention of the group.
// +k8s:enum
type NotifyChannel string

// Values of NotifyChannel.
const (
	NotifyChannelInApp NotifyChannel = "InApp"
	NotifyChannelEmail NotifyChannel = "Email"
)

// DialingStrategy says in which order the agents of a group are rung.
// +k8s:enum
type DialingStrategy string

// Values of DialingStrategy.
const (
	// DialingStrategySimultaneous rings every agent at once (V-18).
	DialingStrategySimultaneous DialingStrategy = "Simultaneous"
	// DialingStrategyRandom rings one agent, one of those with the fewest calls (V-20).
	DialingStrategyRandom DialingStrategy = "Random"
	// DialingStrategySequential rings the agents by position, again and again, until maxGroupDialingTime is over (V-21).
	DialingStrategySequential DialingStrategy = "Sequential"
)

// GroupOverflowType says where a call to a group goes when nobody of the group takes it.
// +k8s:enum
type GroupOverflowType string

// Values of GroupOverflowType.
const (
	GroupOverflowTypeHangup    GroupOverflowType = "Hangup"
	GroupOverflowTypeVoicemail GroupOverflowType = "Voicemail"
	GroupOverflowTypeQueue     GroupOverflowType = "Queue"
	GroupOverflowTypeUserGroup GroupOverflowType = "UserGroup"
)

// DeletionPolicy says whether one group may be deleted.
// +k8s:enum
type DeletionPolicy string

// Values of DeletionPolicy.
const (
	// DeletionPolicyInherit leaves it to the policy groupDeletion.
	DeletionPolicyInherit DeletionPolicy = "Inherit"
	// DeletionPolicyAllow lets the group be deleted whatever the policy says.
	DeletionPolicyAllow DeletionPolicy = "Allow"
	// DeletionPolicyDisableOnly lets the group be disabled only.
	DeletionPolicyDisableOnly DeletionPolicy = "DisableOnly"
)

// GroupPractice assigns a group to a practice.
type GroupPractice struct {
	// name is the name of a practice of Organization.spec.practices.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// Criterion says, for people, what a group is for. It has no effect.
type Criterion struct {
	// type is what the criterion is about.
	// +required
	Type CriterionType `json:"type"`

	// value is what is asked for, such as French for a Language.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Value string `json:"value"`
}

// Member is an explicit member of a group.
type Member struct {
	// name is the name of the Teammate. One that does not exist counts for nothing and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// position is the place in the dialing order, lower first; members without one come last, by name. Only Sequential
	// rings in this order (V-22, V-27).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Position *int32 `json:"position,omitempty"`

	// notify lists how the member is told of mentions of the group; passed on.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	Notify []NotifyChannel `json:"notify,omitempty"`

	Window `json:",inline"`
}

// GroupProfile assigns a profile to a group.
type GroupProfile struct {
	// name is the name of the Profile. One that does not exist counts for nothing and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	Window `json:",inline"`
}

// PermissionSet is the profile role that members hold on every profile of the group.
type PermissionSet struct {
	// profileRoleRef names the ProfileRole. One that does not exist gives no permissions, and ReferencesResolved=False
	// (E-12, E-18).
	// +required
	ProfileRoleRef ObjectRef `json:"profileRoleRef"`

	// application says when changes of members, profiles or role reach people. Absent: as
	// policies.permissionSetApplication says (E-20).
	// +optional
	Application *PermissionSetApplication `json:"application,omitempty"`

	// reflashToken is any text; under OnReflash a change of it applies all changes that wait, which until then give
	// PermissionSetCurrent=False, PendingReflash (E-20).
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._:-]{1,64}$`
	ReflashToken *string `json:"reflashToken,omitempty"`
}

// DialingAudio is what callers hear while the group is rung.
// +kubebuilder:validation:XValidation:rule="self.override != 'Enabled' || has(self.source)",message="override Enabled needs a source: set source, or override to Inherit"
type DialingAudio struct {
	// override says whether the group has audio of its own: Enabled plays source; Inherit and Disabled play the
	// organization's (V-14..V-16).
	// +optional
	// +kubebuilder:default=Inherit
	Override Toggle `json:"override,omitempty"`

	// source is the recording; required when override is Enabled (V-15).
	// +optional
	Source *AudioSource `json:"source,omitempty"`
}

// GroupOverflow says where a call goes that the group does not take.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type in ['Department', 'Queue', 'UserGroup']) == has(self.name)",message="name goes with type Queue and UserGroup only: set it for these, remove it otherwise"
type GroupOverflow struct {
	// type is where the call goes (E-06).
	// +required
	Type GroupOverflowType `json:"type"`

	// name is the name of the Queue or UserGroup the call goes to; set for these types only.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name *string `json:"name,omitempty"`
}

// Dialing lets a group be rung.
// +kubebuilder:validation:XValidation:rule="(self.strategy == 'Sequential') == has(self.maxGroupDialingTime)",message="maxGroupDialingTime goes with strategy Sequential only: set it for Sequential, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="!has(self.maxGroupDialingTime) || duration(self.maxGroupDialingTime) >= duration(self.maxRingTime)",message="maxGroupDialingTime must not be shorter than maxRingTime: raise it, or lower maxRingTime"
type Dialing struct {
	// strategy is the order in which members are rung (V-17).
	// +required
	Strategy DialingStrategy `json:"strategy"`

	// maxRingTime is how long one agent is rung under Sequential, and how long the call rings in all otherwise; 1s to
	// 10m (V-18, V-20, V-21).
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('10m')",message="maxRingTime must be from 1s to 10m"
	MaxRingTime metav1.Duration `json:"maxRingTime"`

	// maxGroupDialingTime is how long a Sequential group is rung in all, 1s to 1h and not shorter than maxRingTime;
	// only and always with Sequential (V-21).
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="maxGroupDialingTime must be from 1s to 1h"
	MaxGroupDialingTime *metav1.Duration `json:"maxGroupDialingTime,omitempty"`

	// profiles names the inbound numbers that ring this group. One that a department, a queue or a group of smaller
	// name serves too is lost to it: InboundUnique=False (T-01).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Profiles []ObjectRef `json:"profiles,omitempty"`

	// profileSelector selects inbound numbers that ring this group, beside profiles (T-01).
	// +optional
	ProfileSelector *ProfileSelector `json:"profileSelector,omitempty"`

	// overflow says where a call goes that nobody accepted in time. On a cycle it is ignored, and its default Hangup
	// holds: OverflowAcyclic=False (E-06).
	// +optional
	// +kubebuilder:default={type: Hangup}
	Overflow *GroupOverflow `json:"overflow,omitempty"`

	// outOfHours says where a call goes while the hours of the group are closed. On a cycle it is ignored, and its
	// default Hangup holds: OverflowAcyclic=False (E-06).
	// +optional
	// +kubebuilder:default={type: Hangup}
	OutOfHours *GroupOverflow `json:"outOfHours,omitempty"`
}

// GroupVoice holds the voice settings of a group. They override the organization's in both directions.
type GroupVoice struct {
	// extension is the short number that rings the group, unique among teammates and groups; the later holder gets
	// KeysUnique=False (V-08).
	// +optional
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[0-9]{2,10}$`
	Extension *string `json:"extension,omitempty"`

	// outboundCalls says whether members may call out. Inherit leaves it to the organization (V-09, V-13).
	// +optional
	// +kubebuilder:default=Inherit
	OutboundCalls Toggle `json:"outboundCalls,omitempty"`

	// agentsCanChangeCallerID says whether members may choose the caller ID of a call; it needs outboundCalls. Inherit
	// leaves it to the organization (V-11).
	// +optional
	// +kubebuilder:default=Inherit
	AgentsCanChangeCallerID Toggle `json:"agentsCanChangeCallerID,omitempty"`

	// recordingAccess says whether members may listen to their recordings. Inherit leaves it to the organization (V-12,
	// V-13).
	// +optional
	// +kubebuilder:default=Inherit
	RecordingAccess Toggle `json:"recordingAccess,omitempty"`

	// callerIDProfileRef names the Profile whose number those called see. One that is not of type Phone counts for
	// nothing: ReferencesResolved=False, WrongType (V-10).
	// +optional
	CallerIDProfileRef *ObjectRef `json:"callerIDProfileRef,omitempty"`

	// dialingAudio is what callers hear while the group is rung. Absent: the organization's (V-14..V-16).
	// +optional
	DialingAudio *DialingAudio `json:"dialingAudio,omitempty"`

	// dialing lets the group be rung, and gives it a RoutePlan. Absent: it is not dialled (V-17).
	// +optional
	Dialing *Dialing `json:"dialing,omitempty"`
}

// GroupMention holds the mention settings of a group.
type GroupMention struct {
	// state says whether the group may be mentioned; Inherit means Enabled. Disabled gives Mentionable=False,
	// MentionOff.
	// +optional
	// +kubebuilder:default=Inherit
	State Toggle `json:"state,omitempty"`
}

// UserGroupSpec says who is in a group and what the group gives. Nothing in it is required.
// +kubebuilder:validation:XValidation:rule="self.scope == 'Practice' ? has(self.practices) && size(self.practices) == 1 : self.scope == 'Enterprise' || !has(self.practices) || size(self.practices) == 0",message="scope Practice takes exactly one practice and scope Organization none: correct practices or scope"
type UserGroupSpec struct {
	// displayName is the name shown to people. Absent: the object's name (E-14, T-13, A-03).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	DisplayName *string `json:"displayName,omitempty"`

	// description says, for people, what the group is for.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`

	// handle is what follows the @ of a mention; absent, the display name. It is unique without regard to case where
	// policies.groupNameUniqueness says so: the later holder gets KeysUnique=False and Mentionable=False,
	// DuplicateHandle. One that cannot follow an @ gives Mentionable=False, InvalidHandle.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[\p{L}\p{N}][\p{L}\p{N} ._&'-]{0,62}$`
	Handle *string `json:"handle,omitempty"`

	// scope says to what part of the organization the group belongs; it cannot change later. Scopes other than
	// Organization need policies.practiceScoping Enabled, else PolicyCompliant=False, PracticeScoping, and the group
	// cannot be mentioned.
	// +optional
	// +kubebuilder:default=Organization
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="scope is chosen when the group is created: restore it, or create another group"
	Scope GroupScope `json:"scope,omitempty"`

	// practices are the practices of the group: exactly one with scope Practice, none with scope Organization. One that
	// Organization.spec.practices does not list counts for nothing and is reported by ReferencesResolved.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Practices []GroupPractice `json:"practices,omitempty"`

	// state Disabled makes the group contribute nothing anywhere: no grants, no plan, no data scope, nothing through
	// includes. Its members stay listed. Departments that name it make the change a violation under policies.groupInUse
	// Block: PolicyCompliant=False, GroupInUse.
	// +optional
	// +kubebuilder:default=Enabled
	State Switch `json:"state,omitempty"`

	// criteria classify the group for people; they select nobody (E-04, E-05).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Criteria []Criterion `json:"criteria,omitempty"`

	// members are explicit members. Whoever is not accepted is listed in status.rejected with the reason, and
	// MembersAccepted is False (E-15, T-14, V-22, V-27).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1000
	Members []Member `json:"members,omitempty"`

	// memberSelector makes every Teammate with matching labels a member, without a cap. An empty one selects nobody;
	// one that cannot be parsed selects nobody and gives ReferencesResolved=False, InvalidSelector (E-05, T-14).
	// +optional
	MemberSelector *metav1.LabelSelector `json:"memberSelector,omitempty"`

	// includes names groups whose members are members of this one too, at any depth. Profiles and permission sets are
	// not inherited. A cycle gives IncludesAcyclic=False and its closing reference is ignored. Under
	// policies.groupMembership Exclusive all are ignored: PolicyCompliant=False, IncludesNotAllowed (T-15).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Includes []ObjectRef `json:"includes,omitempty"`

	// supervisors names the Teammates who supervise the group; they are not members by it and see its members' data.
	// Those whose account role does not qualify are dropped: SupervisorsAccepted=False, NotASupervisor (V-23..V-25).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Supervisors []ObjectRef `json:"supervisors,omitempty"`

	// profiles are the profiles of the group: visible to its members, and what the permission set is about (E-11,
	// E-16).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Profiles []GroupProfile `json:"profiles,omitempty"`

	// profileSelector adds every Profile with matching attributes, without a cap. An empty one selects nothing (E-07,
	// E-17).
	// +optional
	ProfileSelector *ProfileSelector `json:"profileSelector,omitempty"`

	// permissionSet is the profile role that members hold on the profiles of the group. Absent: the profiles are
	// visible, and the group gives no permissions on them (E-12, E-18, E-20).
	// +optional
	PermissionSet *PermissionSet `json:"permissionSet,omitempty"`

	// scheduleRef names the Schedule with the hours of the group. Absent, or not usable: those of its practice, of the
	// department it serves in, of the organization, else always open (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// voice holds the voice settings of the group. Explicit values override the organization's in both directions
	// (V-08..V-21).
	// +optional
	Voice *GroupVoice `json:"voice,omitempty"`

	// mention holds the mention settings of the group.
	// +optional
	Mention *GroupMention `json:"mention,omitempty"`

	// reporting says whether the group can be chosen in group reports; passed on (M-27, M-39).
	// +optional
	// +kubebuilder:default=Enabled
	Reporting Switch `json:"reporting,omitempty"`

	// deletionPolicy says whether this group may be deleted. Inherit: as policies.groupDeletion says. A group deleted
	// in spite of DisableOnly is gone, with the event DeletedUnderDisableOnly.
	// +optional
	// +kubebuilder:default=Inherit
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// RejectedMember is somebody a group would have as a member and does not accept.
type RejectedMember struct {
	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// reason says why: BaseTypeNotAllowed, NotInPractice, ExclusiveConflict or SupervisorIsMember.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason"`
}

// RejectedMembers summarizes who is not accepted.
type RejectedMembers struct {
	// count is how many are not accepted.
	// +required
	Count int32 `json:"count"`

	// first names at most fifty of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	First []RejectedMember `json:"first,omitempty"`
}

// PermissionSetStatus tells what of the permission set is in effect.
type PermissionSetStatus struct {
	// profileRole is the name of the role in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ProfileRole string `json:"profileRole,omitempty"`

	// token is the reflash token that was applied last.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Token string `json:"token,omitempty"`

	// appliedAt is when the permission set was applied last.
	// +optional
	AppliedAt *metav1.Time `json:"appliedAt,omitempty"`

	// memberCount is how many members it is in effect for.
	// +optional
	MemberCount int32 `json:"memberCount"`

	// profileCount is how many profiles it is in effect for.
	// +optional
	ProfileCount int32 `json:"profileCount"`
}

// PendingCounts counts what waits for a reflash.
type PendingCounts struct {
	// members is how many members wait to be added or removed.
	// +optional
	Members int32 `json:"members"`

	// profiles is how many profiles wait to be added or removed.
	// +optional
	Profiles int32 `json:"profiles"`
}

// UserGroupStatus is what the operator computed about a group.
type UserGroupStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the group, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// memberCount is how many members are accepted, those of included groups among them.
	// +optional
	MemberCount int32 `json:"memberCount"`

	// directMemberCount is how many of them are members without an included group.
	// +optional
	DirectMemberCount int32 `json:"directMemberCount"`

	// membersHash changes whenever the accepted members change.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	MembersHash string `json:"membersHash,omitempty"`

	// rejected tells who is not accepted, and why.
	// +optional
	Rejected *RejectedMembers `json:"rejected,omitempty"`

	// profileCount is how many profiles the group has.
	// +optional
	ProfileCount int32 `json:"profileCount"`

	// permissionSet tells what of the permission set is in effect.
	// +optional
	PermissionSet *PermissionSetStatus `json:"permissionSet,omitempty"`

	// pending counts what waits for a reflash.
	// +optional
	Pending *PendingCounts `json:"pending,omitempty"`

	// departments names at most fifty departments that name the group.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=63
	Departments []string `json:"departments,omitempty"`

	// departmentCount is how many departments name the group.
	// +optional
	DepartmentCount int32 `json:"departmentCount"`
}

// UserGroup gathers teammates and gives them, together, profiles with a permission set, a number that rings, a place in
// departments and a handle to be mentioned by.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ug,categories=rollcall
// +kubebuilder:selectablefield:JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Scope",type=string,JSONPath=`.spec.scope`
// +kubebuilder:printcolumn:name="Members",type=integer,JSONPath=`.status.memberCount`
// +kubebuilder:printcolumn:name="Profiles",type=integer,JSONPath=`.status.profileCount`
// +kubebuilder:printcolumn:name="Set-Current",type=string,JSONPath=`.status.conditions[?(@.type=="PermissionSetCurrent")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.includes) || !self.spec.includes.exists(i, i.name == self.metadata.name)",message="a group cannot include itself: remove its name from spec.includes"
type UserGroup struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// The default names scope although scope has its own: the API server checks a default against the rules of its schema
	// before it fills in the fields below it.

	// spec is what people declare.
	// +optional
	// +kubebuilder:default={scope: Organization}
	Spec UserGroupSpec `json:"spec,omitzero"`

	// status is what the operator computed.
	// +optional
	Status UserGroupStatus `json:"status,omitzero"`
}

// UserGroupList is a list of UserGroups.
// +kubebuilder:object:root=true
type UserGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []UserGroup `json:"items"`
}
