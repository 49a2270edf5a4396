package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GrantSourceType says where a grant comes from.
// +k8s:enum
type GrantSourceType string

// Values of GrantSourceType.
const (
	// GrantSourceTypeDirect is an entry of Teammate.spec.profiles, or assignAllProfiles.
	GrantSourceTypeDirect GrantSourceType = "Direct"
	// GrantSourceTypeGroup is the permission set of a group.
	GrantSourceTypeGroup GrantSourceType = "Group"
	// GrantSourceTypePractice is a line of a practice.
	GrantSourceTypePractice GrantSourceType = "Practice"
	// GrantSourceTypeDefault is the default profile role, where the account role shows more than is assigned.
	GrantSourceTypeDefault GrantSourceType = "Default"
)

// Gate says whether somebody has any access at all at the moment.
type Gate struct {
	// open is true when the person has access.
	// +required
	Open bool `json:"open"`

	// reason says what closes the gate. Absent while it is open.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
}

// SupervisedTarget is something that somebody supervises.
type SupervisedTarget struct {
	// kind is the kind of the object, such as UserGroup.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name is the name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// GrantSource is one reason why somebody has a grant.
type GrantSource struct {
	// type says where the grant comes from.
	// +required
	Type GrantSourceType `json:"type"`

	// name is the name of the group or practice, for the types Group and Practice.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// profileRole is the name of the ProfileRole that the source gives.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ProfileRole string `json:"profileRole,omitempty"`

	// stamped is true when what a group gives was fixed by a reflash.
	// +optional
	Stamped bool `json:"stamped,omitempty"`
}

// Grant is what somebody may do on one or more profiles. Profiles with equal content share one.
type Grant struct {
	// permissions lists what may be done, concrete and sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=65
	Permissions []string `json:"permissions,omitempty"`

	// profiles names the profiles, sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Profiles []string `json:"profiles,omitempty"`

	// allProfiles is true when the grant is on every usable profile, present and future, that no other grant of this object
	// names; profiles is then absent.
	// +optional
	AllProfiles bool `json:"allProfiles,omitempty"`

	// approvalRequired lists those of the permissions whose use somebody else must approve.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=65
	ApprovalRequired []string `json:"approvalRequired,omitempty"`

	// contentVisibility says which content of the profiles is seen.
	// +optional
	ContentVisibility ContentVisibility `json:"contentVisibility,omitempty"`

	// sources tells where the grant comes from.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Sources []GrantSource `json:"sources,omitempty"`
}

// EffectiveDataScopeArea is the data scope in one area.
type EffectiveDataScopeArea struct {
	// name is the area.
	// +required
	Name DataArea `json:"name"`

	// scopes says whose data may be seen in the area.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Scopes []Scope `json:"scopes,omitempty"`
}

// EffectiveDataScope says whose data somebody may see. It names anchors and not people, so that it does not change with
// every colleague who comes or goes.
type EffectiveDataScope struct {
	// scopes says whose data may be seen where no area says otherwise.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Scopes []Scope `json:"scopes,omitempty"`

	// all is true when everybody's data may be seen.
	// +optional
	All bool `json:"all,omitempty"`

	// departments are the anchors of OwnDepartments.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Departments []string `json:"departments,omitempty"`

	// groups are the groups that anchor the scope.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Groups []string `json:"groups,omitempty"`

	// queues are the queues that anchor the scope.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Queues []string `json:"queues,omitempty"`

	// campaigns are the campaigns that anchor the scope.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Campaigns []string `json:"campaigns,omitempty"`

	// practices are the anchors of OwnPractices.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=63
	Practices []string `json:"practices,omitempty"`

	// leader is the team leader whose team is the anchor.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Leader string `json:"leader,omitempty"`

	// areas lists the areas with a scope of their own.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Areas []EffectiveDataScopeArea `json:"areas,omitempty"`

	// hash changes whenever the scope changes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`
}

// EffectiveVoice holds the voice settings that are in effect.
type EffectiveVoice struct {
	// outboundCalls says whether the person may call out.
	// +optional
	OutboundCalls Switch `json:"outboundCalls,omitempty"`

	// callerIDProfile is the name of the Profile whose number is shown to those called.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	CallerIDProfile string `json:"callerIDProfile,omitempty"`

	// agentsCanChangeCallerID says whether the person may choose the caller ID of a call.
	// +optional
	AgentsCanChangeCallerID Switch `json:"agentsCanChangeCallerID,omitempty"`

	// recordingAccess says whether the person may listen to recordings.
	// +optional
	RecordingAccess Switch `json:"recordingAccess,omitempty"`
}

// EffectiveChat holds the chat settings that are in effect.
type EffectiveChat struct {
	// maxChats is how many chats the person may have at once; -1 is unlimited.
	// +optional
	MaxChats int32 `json:"maxChats"`

	// autoAssignment says whether chats are assigned to the person automatically.
	// +optional
	AutoAssignment Switch `json:"autoAssignment,omitempty"`
}

// AccessCounts counts the complete result, also where lists were truncated.
type AccessCounts struct {
	// groups is how many groups the person is in.
	// +optional
	Groups int32 `json:"groups"`

	// supervises is how many objects the person supervises.
	// +optional
	Supervises int32 `json:"supervises"`

	// profiles is how many profiles the person has a grant on.
	// +optional
	Profiles int32 `json:"profiles"`

	// grants is how many grants there are.
	// +optional
	Grants int32 `json:"grants"`
}

// EffectiveAccessStatus is what one person may do at the moment.
type EffectiveAccessStatus struct {
	// phase is where the person stands between being declared and being archived.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// gate says whether the person has any access at all at the moment.
	// +required
	Gate Gate `json:"gate"`

	// accountRole is the name of the AccountRole in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	AccountRole string `json:"accountRole,omitempty"`

	// accountPermissions lists what the account role lets the person do, concrete and sorted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MaxLength=65
	AccountPermissions []string `json:"accountPermissions,omitempty"`

	// groups names at most fifty groups that accepted the person.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=63
	Groups []string `json:"groups,omitempty"`

	// supervises names at most fifty objects that the person supervises.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Supervises []SupervisedTarget `json:"supervises,omitempty"`

	// leader is the name of the team leader in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Leader string `json:"leader,omitempty"`

	// grants lists what the person may do on profiles, by the name of the first profile.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Grants []Grant `json:"grants,omitempty"`

	// dataScope says whose data the person may see.
	// +optional
	DataScope *EffectiveDataScope `json:"dataScope,omitempty"`

	// voice holds the voice settings in effect.
	// +optional
	Voice *EffectiveVoice `json:"voice,omitempty"`

	// chat holds the chat settings in effect.
	// +optional
	Chat *EffectiveChat `json:"chat,omitempty"`

	// counts are complete, also where lists were truncated.
	// +optional
	Counts AccessCounts `json:"counts"`

	// nextTransition is the first moment at which time alone may change this result.
	// +optional
	NextTransition *metav1.Time `json:"nextTransition,omitempty"`

	// truncated is true when lists do not hold everything.
	// +optional
	Truncated bool `json:"truncated,omitempty"`

	// hash is the hash of the complete result.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// conditions tell the state of the result, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// EffectiveAccess is what one Teammate may do at the moment. The operator writes it under the name of the Teammate, who
// owns it, and puts hand edits back.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=effectiveaccesses,shortName=ea,categories=rollcall
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Gate",type=boolean,JSONPath=`.status.gate.open`
// +kubebuilder:printcolumn:name="Profiles",type=integer,JSONPath=`.status.counts.profiles`
// +kubebuilder:printcolumn:name="Truncated",type=boolean,JSONPath=`.status.truncated`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type EffectiveAccess struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is what the operator computed.
	// +optional
	Status EffectiveAccessStatus `json:"status,omitzero"`
}

// EffectiveAccessList is a list of EffectiveAccesses.
// +kubebuilder:object:root=true
type EffectiveAccessList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []EffectiveAccess `json:"items"`
}
