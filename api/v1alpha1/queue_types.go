package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// QueueChannel is a sort of item that waits in a queue: calls, or everything written.
// +k8s:enum
type QueueChannel string

// Values of QueueChannel.
const (
	QueueChannelVoice     QueueChannel = "Voice"
	QueueChannelMessaging QueueChannel = "Messaging"
)

// QueueSelection says which candidate of a queue gets the next item.
// +k8s:enum
type QueueSelection string

// Values of QueueSelection; the first two go by the sum of the levels of the required skills.
const (
	QueueSelectionMostQualified  QueueSelection = "MostQualified"
	QueueSelectionLeastQualified QueueSelection = "LeastQualified"
	QueueSelectionLongestIdle    QueueSelection = "LongestIdle"
)

// TaskSelection says which item of a queue is handed out next.
// +k8s:enum
type TaskSelection string

// Values of TaskSelection.
const (
	TaskSelectionHighestPriority TaskSelection = "HighestPriority"
	TaskSelectionLongestWaiting  TaskSelection = "LongestWaiting"
)

// QueueRouting says how a queue hands out items, and how long they wait.
type QueueRouting struct {
	// voiceSelection says which candidate gets the next call (V-37).
	// +optional
	// +kubebuilder:default=LongestIdle
	VoiceSelection QueueSelection `json:"voiceSelection,omitempty"`

	// messagingSelection says which candidate gets the next written item (V-37).
	// +optional
	// +kubebuilder:default=LongestIdle
	MessagingSelection QueueSelection `json:"messagingSelection,omitempty"`

	// taskSelection says which waiting item is next: the one of the highest priority, of these the oldest, or simply the
	// oldest.
	// +optional
	// +kubebuilder:default=LongestWaiting
	TaskSelection TaskSelection `json:"taskSelection,omitempty"`

	// maxRingTime is how long one agent is offered an item before the next one is, 1s to 10m.
	// +optional
	// +kubebuilder:default="20s"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('10m')",message="maxRingTime must be from 1s to 10m"
	MaxRingTime *metav1.Duration `json:"maxRingTime,omitempty"`

	// maxWaitingTime is how long an item waits in the queue before overflow, 1s to 24h. Absent: without end.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="maxWaitingTime must be from 1s to 24h"
	MaxWaitingTime *metav1.Duration `json:"maxWaitingTime,omitempty"`

	// maxSize is how many items may wait; one more goes to overflow. Absent: any number.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxSize *int32 `json:"maxSize,omitempty"`

	// holdWithoutAgents Disabled sends items to overflow at once while nobody can take them; Enabled lets them wait.
	// +optional
	// +kubebuilder:default=Enabled
	HoldWithoutAgents Switch `json:"holdWithoutAgents,omitempty"`

	// requiredSkills are the skills that candidates must have (V-31).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	RequiredSkills []RequiredSkill `json:"requiredSkills,omitempty"`
}

// QueueSpec says what waits in a queue, who takes it, and what becomes of what nobody takes.
type QueueSpec struct {
	// displayName is the name shown to people. Absent: the object's name (V-37).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	DisplayName *string `json:"displayName,omitempty"`

	// description says, for people, what the queue is for (V-37).
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=200
	Description string `json:"description,omitempty"`

	// channels are the sorts of items that wait here (V-37).
	// +optional
	// +listType=set
	// +kubebuilder:default={Voice,Messaging}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Channels []QueueChannel `json:"channels,omitempty"`

	// priority decides between queues for one agent: the higher first.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Priority *int32 `json:"priority,omitempty"`

	// groups are the groups whose members count as assigned to the queue, beside the teammates who name it in their
	// assignment (V-37).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Groups []ObjectRef `json:"groups,omitempty"`

	// supervisors names people who watch over the queue without taking from it. One whose account role has no
	// canBeSupervisor is dropped (V-24).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Supervisors []ObjectRef `json:"supervisors,omitempty"`

	// profiles names the inbound profiles served. One that a department or a queue of smaller name serves too is lost to
	// it: InboundUnique=False (T-01).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Profiles []ObjectRef `json:"profiles,omitempty"`

	// profileSelector selects inbound profiles served, beside profiles (T-01).
	// +optional
	ProfileSelector *ProfileSelector `json:"profileSelector,omitempty"`

	// routing says how items are handed out (V-37).
	// +optional
	// +kubebuilder:default={}
	Routing QueueRouting `json:"routing,omitzero"`

	// afterServiceTime is how long an agent is left alone after an item, 0s to 1h; passed on (V-48).
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="afterServiceTime must be from 0s to 1h"
	AfterServiceTime *metav1.Duration `json:"afterServiceTime,omitempty"`

	// scheduleRef names the Schedule with the hours of the queue. Absent, or not usable: the organization's (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// overflow says where an item goes that nobody took. On a cycle it is ignored, and its default Hangup holds:
	// OverflowAcyclic=False.
	// +optional
	// +kubebuilder:default={type: Hangup}
	Overflow *GroupOverflow `json:"overflow,omitempty"`

	// outOfHours says where an item goes while the queue is closed. On a cycle it is ignored, and its default Hangup
	// holds: OverflowAcyclic=False (E-06).
	// +optional
	// +kubebuilder:default={type: Hangup}
	OutOfHours *GroupOverflow `json:"outOfHours,omitempty"`
}

// QueueStatus is what the operator computed about a queue.
type QueueStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the queue, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Queue holds calls and messages until one of the people assigned to it takes them.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=que,categories=rollcall
// +kubebuilder:printcolumn:name="Priority",type=integer,JSONPath=`.spec.priority`
// +kubebuilder:printcolumn:name="Routable",type=string,JSONPath=`.status.conditions[?(@.type=="Routable")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type Queue struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +optional
	// +kubebuilder:default={}
	Spec QueueSpec `json:"spec,omitzero"`

	// status is what the operator computed.
	// +optional
	Status QueueStatus `json:"status,omitzero"`
}

// QueueList is a list of Queues.
// +kubebuilder:object:root=true
type QueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Queue `json:"items"`
}
