package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionDelivered is False on a Mention that reached nobody, or that nobody can act on any more.
const ConditionDelivered = "Delivered"

// Reasons of Delivered=False. With all but NoActiveRecipients the mention is Rejected.
const (
	// ReasonNoActiveRecipients surfaces when a Pending mention has no Pending alert left.
	ReasonNoActiveRecipients = "NoActiveRecipients"
	// ReasonNoRecipients surfaces when nobody of the accepted targets has an open gate.
	ReasonNoRecipients = "NoRecipients"
	// ReasonAllTargetsRejected surfaces when no target was accepted; status.rejected tells why.
	ReasonAllTargetsRejected = "AllTargetsRejected"
	// ReasonTooManyRecipients surfaces when the accepted targets have more than 1,000 recipients together.
	ReasonTooManyRecipients = "TooManyRecipients"
	// ReasonAuthorNotAllowed surfaces when the author of a Manual mention is not known, has a closed gate, or lacks the
	// permission mentions.create or a view on the profile.
	ReasonAuthorNotAllowed = "AuthorNotAllowed"
)

// MentionSourceType says what made a mention.
// +k8s:enum
type MentionSourceType string

// Values of MentionSourceType.
const (
	// MentionSourceTypeManual is a person, whose rights are checked.
	MentionSourceTypeManual MentionSourceType = "Manual"
	// MentionSourceTypeAutomation is an InboundAutomation.
	MentionSourceTypeAutomation MentionSourceType = "Automation"
	// MentionSourceTypeFlow is a process outside.
	MentionSourceTypeFlow MentionSourceType = "Flow"
)

// ResolutionAction says what becomes of the conversation when a mention is resolved.
// +k8s:enum
type ResolutionAction string

// Values of ResolutionAction.
const (
	ResolutionActionCloseAndResolve ResolutionAction = "CloseAndResolve"
	ResolutionActionResolve         ResolutionAction = "Resolve"
)

// MentionPhase is where a mention stands; all but Pending are final.
// +k8s:enum
type MentionPhase string

// Values of MentionPhase.
const (
	// MentionPhasePending waits for somebody to resolve it.
	MentionPhasePending MentionPhase = "Pending"
	// MentionPhaseResolved has no open alert left.
	MentionPhaseResolved MentionPhase = "Resolved"
	// MentionPhaseExpired was not resolved in time.
	MentionPhaseExpired MentionPhase = "Expired"
	// MentionPhaseRejected was never delivered.
	MentionPhaseRejected MentionPhase = "Rejected"
	// MentionPhaseNotified was a notification: it informed, and grants nothing.
	MentionPhaseNotified MentionPhase = "Notified"
)

// AlertState is where the alert of one recipient stands.
// +k8s:enum
type AlertState string

// Values of AlertState.
const (
	// AlertStatePending grants the conversation.
	AlertStatePending AlertState = "Pending"
	// AlertStateResolved was settled by a resolution.
	AlertStateResolved AlertState = "Resolved"
	// AlertStateClosed lost every group it came through.
	AlertStateClosed AlertState = "Closed"
	// AlertStateSuspended rests while the gate is closed or the person is in none of the groups any more.
	AlertStateSuspended AlertState = "Suspended"
)

// ConversationStatus is the state of the conversation as far as the mention decides it.
// +k8s:enum
type ConversationStatus string

// Values of ConversationStatus.
const (
	ConversationStatusPending ConversationStatus = "Pending"
	ConversationStatusClosed  ConversationStatus = "Closed"
)

// MentionConversation is the conversation that a mention opens to those it reaches.
type MentionConversation struct {
	// practiceName is the practice of the conversation. Only groups usable in it can be mentioned.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	PracticeName *string `json:"practiceName,omitempty"`

	// profileRef names the Profile on which the conversation takes place. Its author needs a view on it.
	// +optional
	ProfileRef *ObjectRef `json:"profileRef,omitempty"`

	// externalID is the id of the conversation in the connected system.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ExternalID string `json:"externalID"`
}

// MentionSource tells what made a mention. Whoever applies it owns all of it.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type == 'Automation') == has(self.automationRef)",message="automationRef goes with type Automation only: set it for Automation, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="self.type == 'Manual' || (!has(self.teammateRef) && !has(self.username))",message="username and teammateRef name the author of a mention of type Manual: remove them with other types"
type MentionSource struct {
	// type is what made the mention.
	// +required
	Type MentionSourceType `json:"type"`

	// username is the Kubernetes user who made it; the author is the Teammate with that identity.username.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Username *string `json:"username,omitempty"`

	// teammateRef names the author instead. Writing it needs the verb mention-for.
	// +optional
	TeammateRef *ObjectRef `json:"teammateRef,omitempty"`

	// automationRef names the InboundAutomation that made the mention; with type Automation only.
	// +optional
	AutomationRef *ObjectRef `json:"automationRef,omitempty"`

	// eventID is the id of the event that led to the mention: the same event makes no second one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	EventID *string `json:"eventID,omitempty"`
}

// Resolution says that somebody settled the mention.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a resolution stays as it was written: add another one instead"
type Resolution struct {
	// name is the name of the Teammate who resolved. It counts only for somebody holding a Pending alert.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// username is the Kubernetes user of that person. Leaving it out, or writing another one's, needs the verb
	// resolve-for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Username *string `json:"username,omitempty"`

	// action says whether the conversation is closed as well.
	// +required
	Action ResolutionAction `json:"action"`
}

// MentionSpec says who is called to what, and who settled it. Everything but resolutions stays as it was made.
// +kubebuilder:validation:XValidation:rule="(has(self.groups) && size(self.groups) > 0) || (has(self.teammates) && size(self.teammates) > 0)",message="name at least one target under groups or teammates"
// +kubebuilder:validation:XValidation:rule="has(self.conversation) || (size(self.message) > 0 && (!has(self.resolutions) || size(self.resolutions) == 0))",message="without a conversation this is a notification: give it a message, and no resolutions"
// +kubebuilder:validation:XValidation:rule="has(self.conversation) == has(oldSelf.conversation) && (!has(self.conversation) || self.conversation == oldSelf.conversation)",message="conversation stays as it was made: restore it, or make another mention"
// +kubebuilder:validation:XValidation:rule="has(self.groups) == has(oldSelf.groups) && (!has(self.groups) || self.groups == oldSelf.groups)",message="groups stay as they were made: restore them, or make another mention"
// +kubebuilder:validation:XValidation:rule="has(self.teammates) == has(oldSelf.teammates) && (!has(self.teammates) || self.teammates == oldSelf.teammates)",message="teammates stay as they were made: restore them, or make another mention"
// +kubebuilder:validation:XValidation:rule="has(self.source) == has(oldSelf.source) && (!has(self.source) || self.source == oldSelf.source)",message="source stays as it was made: restore it, or make another mention"
// +kubebuilder:validation:XValidation:rule="has(self.message) == has(oldSelf.message) && (!has(self.message) || self.message == oldSelf.message)",message="message stays as it was made: restore it, or make another mention"
// +kubebuilder:validation:XValidation:rule="has(self.ttl) == has(oldSelf.ttl) && (!has(self.ttl) || self.ttl == oldSelf.ttl)",message="ttl stays as it was made: restore it, or make another mention"
type MentionSpec struct {
	// conversation is what those reached may view, reply to and resolve, as long as their alert is Pending. Absent: a
	// notification, which needs a message and grants nothing (A-06, V-45).
	// +optional
	Conversation *MentionConversation `json:"conversation,omitempty"`

	// groups are the groups whose members are called. One that is not Mentionable is rejected: status.rejected.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Groups []ObjectRef `json:"groups,omitzero"`

	// teammates are people called by name (V-45).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Teammates []ObjectRef `json:"teammates,omitzero"`

	// source tells what made the mention. A person who may not make it leads to phase Rejected: Delivered=False,
	// AuthorNotAllowed.
	// +optional
	// +kubebuilder:default={type: Manual}
	Source *MentionSource `json:"source,omitempty"`

	// message is read by those reached, never by the customer (V-45).
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=4096
	Message string `json:"message,omitempty"`

	// resolutions say who settled the mention; entries are added, never changed.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1000
	Resolutions []Resolution `json:"resolutions,omitempty"`

	// ttl is how long access lasts, 1m to 8760h. Absent, or longer than policies.mentions.maxAccessDuration: that
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="ttl must be from 1m to 8760h"
	TTL *metav1.Duration `json:"ttl,omitempty"`
}

// MentionAlert is what the mention is for one recipient. While it is Pending it is the grant of conversation.view,
// conversation.reply and conversation.resolve on the conversation.
type MentionAlert struct {
	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// via names at most five of the groups through which the alert came.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	// +kubebuilder:validation:items:MaxLength=63
	Via []string `json:"via,omitempty"`

	// direct is true for somebody mentioned by name.
	// +optional
	Direct bool `json:"direct,omitempty"`

	// state is where the alert stands.
	// +required
	State AlertState `json:"state"`
}

// MentionRejection is a target that was not accepted.
type MentionRejection struct {
	// name is the name of the group or Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// reason tells why.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Reason string `json:"reason"`
}

// MentionStatus is what became of a mention. Alerts are read back: who was reached is decided once.
type MentionStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the mention, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// phase is where the mention stands.
	// +optional
	Phase MentionPhase `json:"phase,omitempty"`

	// acceptedAt is when the recipients were decided.
	// +optional
	AcceptedAt *metav1.Time `json:"acceptedAt,omitempty"`

	// alerts are the recipients, decided at acceptance: who joins a group later gets nothing.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Alerts []MentionAlert `json:"alerts,omitempty"`

	// alertCount is how many alerts there are.
	// +optional
	AlertCount int32 `json:"alertCount"`

	// openCount is how many of them are Pending or Suspended.
	// +optional
	OpenCount int32 `json:"openCount"`

	// rejected names at most fifty targets that were not accepted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Rejected []MentionRejection `json:"rejected,omitempty"`

	// conversationStatus is Closed once a resolution closed the conversation.
	// +optional
	ConversationStatus ConversationStatus `json:"conversationStatus,omitempty"`

	// resolvedBy is the name of the Teammate whose resolution settled the last open alert.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ResolvedBy string `json:"resolvedBy,omitempty"`

	// resolvedAt is when that was.
	// +optional
	ResolvedAt *metav1.Time `json:"resolvedAt,omitempty"`

	// expiresAt is when access ends unresolved. Absent: never.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// Mention calls groups and people to one conversation, and opens this one to them until somebody settles it. Without a
// conversation it is a notification.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ment,categories=rollcall
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Alerts",type=integer,JSONPath=`.status.alertCount`
// +kubebuilder:printcolumn:name="Open",type=integer,JSONPath=`.status.openCount`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.source.type`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type Mention struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +required
	Spec MentionSpec `json:"spec"`

	// status is what the operator computed.
	// +optional
	Status MentionStatus `json:"status,omitzero"`
}

// MentionList is a list of Mentions.
// +kubebuilder:object:root=true
type MentionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Mention `json:"items"`
}
