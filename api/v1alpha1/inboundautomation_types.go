package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KeywordMatch says how a message is compared with keywords.
// +k8s:enum
type KeywordMatch string

// Values of KeywordMatch.
const (
	// KeywordMatchContains looks for the keyword among the words of the message.
	KeywordMatchContains KeywordMatch = "Contains"
	// KeywordMatchExact wants the message to be the keyword.
	KeywordMatchExact KeywordMatch = "Exact"
)

// AutomationWhen says at what hours an automation works.
// +k8s:enum
type AutomationWhen string

// Values of AutomationWhen.
const (
	AutomationWhenAlways      AutomationWhen = "Always"
	AutomationWhenDuringHours AutomationWhen = "DuringHours"
	AutomationWhenAfterHours  AutomationWhen = "AfterHours"
)

// AutomationActionType says what an automation does.
// +k8s:enum
type AutomationActionType string

// Values of AutomationActionType.
const (
	AutomationActionTypeMention           AutomationActionType = "Mention"
	AutomationActionTypeSendResponse      AutomationActionType = "SendResponse"
	AutomationActionTypeCloseConversation AutomationActionType = "CloseConversation"
)

// AutomationPractice names a practice in which an automation works.
type AutomationPractice struct {
	// name is the name of a practice of Organization.spec.practices.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// AutomationMention is the mention that an automation makes.
// +kubebuilder:validation:XValidation:rule="(has(self.teammates) && size(self.teammates) > 0) || (has(self.groups) && size(self.groups) > 0)",message="name at least one target under groups or teammates"
type AutomationMention struct {
	// groups are the groups whose members are called.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Groups []ObjectRef `json:"groups,omitempty"`

	// teammates are people called by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Teammates []ObjectRef `json:"teammates,omitempty"`

	// message is read by those reached, never by the customer.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Message *string `json:"message,omitempty"`
}

// AutomationResponse is the answer that an automation sends to the customer.
type AutomationResponse struct {
	// text is what the customer reads.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1600
	Text string `json:"text"`
}

// AutomationAction is one thing an automation does.
// +kubebuilder:validation:XValidation:rule="(self.type == 'Mention') == has(self.mention)",message="mention goes with type Mention only: set it for Mention, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.type == 'SendResponse') == has(self.sendResponse)",message="sendResponse goes with type SendResponse only: set it for SendResponse, remove it otherwise"
type AutomationAction struct {
	// type chooses what is done. The operator carries out Mention only; the others are passed on.
	// +required
	Type AutomationActionType `json:"type"`

	// mention is the mention to make; with type Mention only.
	// +optional
	Mention *AutomationMention `json:"mention,omitempty"`

	// sendResponse is the answer to send; with type SendResponse only.
	// +optional
	SendResponse *AutomationResponse `json:"sendResponse,omitempty"`
}

// InboundAutomationSpec says to which messages an automation answers, and how.
type InboundAutomationSpec struct {
	// state Disabled makes the automation do nothing.
	// +optional
	// +kubebuilder:default=Enabled
	State Switch `json:"state,omitempty"`

	// practices are the practices whose messages are looked at. None: all. One that Organization.spec.practices does not
	// list is reported by ReferencesResolved.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Practices []AutomationPractice `json:"practices,omitempty"`

	// profiles names the lines whose messages are looked at. None: all.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Profiles []ObjectRef `json:"profiles,omitempty"`

	// keywords are what messages are compared with, without regard to case: any of them is enough.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Keywords []string `json:"keywords"`

	// match says whether the keyword is looked for among the words of the message, or has to be all of it.
	// +optional
	// +kubebuilder:default=Contains
	Match KeywordMatch `json:"match,omitempty"`

	// when says at what hours the automation works: those of the practice, else of the organization.
	// +optional
	// +kubebuilder:default=Always
	When AutomationWhen `json:"when,omitempty"`

	// actions are what is done, in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Actions []AutomationAction `json:"actions"`
}

// InboundAutomationStatus is what the operator found about an automation.
type InboundAutomationStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the automation, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// InboundAutomation watches what customers write for keywords, and calls people when one comes up.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=iauto,categories=rollcall
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="When",type=string,JSONPath=`.spec.when`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type InboundAutomation struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +required
	Spec InboundAutomationSpec `json:"spec"`

	// status is what the operator found.
	// +optional
	Status InboundAutomationStatus `json:"status,omitzero"`
}

// InboundAutomationList is a list of InboundAutomations.
// +kubebuilder:object:root=true
type InboundAutomationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InboundAutomation `json:"items"`
}
