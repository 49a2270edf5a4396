package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DepartmentVisibility says where a department is offered. It is passed on to connected systems.
// +k8s:enum
type DepartmentVisibility string

// Values of DepartmentVisibility.
const (
	DepartmentVisibilityVisible          DepartmentVisibility = "Visible"
	DepartmentVisibilityHiddenFromWidget DepartmentVisibility = "HiddenFromWidget"
	DepartmentVisibilityHidden           DepartmentVisibility = "Hidden"
)

// Selection says which candidate of a department gets the next conversation.
// +k8s:enum
type Selection string

// Values of Selection.
const (
	SelectionRoundRobin    Selection = "RoundRobin"
	SelectionLeastActive   Selection = "LeastActive"
	SelectionLongestIdle   Selection = "LongestIdle"
	SelectionMostQualified Selection = "MostQualified"
)

// DepartmentOverflowType says where a conversation goes that nobody of the department took.
// +k8s:enum
type DepartmentOverflowType string

// Values of DepartmentOverflowType.
const (
	DepartmentOverflowTypeUnassigned DepartmentOverflowType = "Unassigned"
	DepartmentOverflowTypeDepartment DepartmentOverflowType = "Department"
	DepartmentOverflowTypeQueue      DepartmentOverflowType = "Queue"
)

// DepartmentOutOfHoursType says where a conversation goes while the department is closed.
// +k8s:enum
type DepartmentOutOfHoursType string

// Values of DepartmentOutOfHoursType.
const (
	DepartmentOutOfHoursTypeUnassigned DepartmentOutOfHoursType = "Unassigned"
	DepartmentOutOfHoursTypeDepartment DepartmentOutOfHoursType = "Department"
	DepartmentOutOfHoursTypeReject     DepartmentOutOfHoursType = "Reject"
)

// DepartmentGroup puts a group into a department.
type DepartmentGroup struct {
	// name is the name of the UserGroup. One that does not exist counts for nothing and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// weight is the group's share of the conversations, in percent; 0 makes it a fallback. Either every group has one,
	// and they add up to 100, or none has: then all candidates form one pool (T-16).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Weight *int32 `json:"weight,omitempty"`
}

// DepartmentOverflow says where a conversation goes that nobody of the department took in time.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type in ['Department', 'Queue', 'UserGroup']) == has(self.name)",message="name goes with type Department and Queue only: set it for these, remove it otherwise"
type DepartmentOverflow struct {
	// after is how long a conversation stays unassigned before it goes on, 1s to 24h. Absent: it does not go on.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="after must be from 1s to 24h"
	After *metav1.Duration `json:"after,omitempty"`

	// type is where the conversation goes.
	// +required
	Type DepartmentOverflowType `json:"type"`

	// name is the name of the Department or Queue.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name *string `json:"name,omitempty"`
}

// DepartmentOutOfHours says where a conversation goes while the department is closed.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type in ['Department', 'Queue', 'UserGroup']) == has(self.name)",message="name goes with type Department only: set it for Department, remove it otherwise"
type DepartmentOutOfHours struct {
	// type is where the conversation goes.
	// +required
	Type DepartmentOutOfHoursType `json:"type"`

	// name is the name of the Department.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name *string `json:"name,omitempty"`
}

// DepartmentRouting says how a department hands out conversations.
type DepartmentRouting struct {
	// mode says whether each conversation is assigned to one agent or shown to all. Absent: as
	// policies.defaultRoutingMode says. While Organization.spec.chat.autoAssignment is Disabled every department acts
	// as Pooled (T-17).
	// +optional
	Mode *RoutingMode `json:"mode,omitempty"`

	// selection says which candidate gets the next conversation; without effect when Pooled (T-17).
	// +optional
	// +kubebuilder:default=RoundRobin
	Selection Selection `json:"selection,omitempty"`

	// requiredSkills are the skills that candidates must have (V-31).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	RequiredSkills []RequiredSkill `json:"requiredSkills,omitempty"`

	// reassignAfter is how long an agent may leave a conversation unanswered before the next one gets it, 1s to 24h.
	// Absent: as Organization.spec.chat.reassignment says (T-17).
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="reassignAfter must be from 1s to 24h"
	ReassignAfter *metav1.Duration `json:"reassignAfter,omitempty"`

	// overflow says where a conversation goes that nobody took. On a cycle it is ignored, and its default Unassigned
	// holds: OverflowAcyclic=False (T-17).
	// +optional
	// +kubebuilder:default={type: Unassigned}
	Overflow *DepartmentOverflow `json:"overflow,omitempty"`
}

// Bot is a bot that answers before, or instead of, people.
type Bot struct {
	// name is the name of the bot in the connected system.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name"`

	// only is true when the bot never hands over to people.
	// +optional
	Only *bool `json:"only,omitempty"`
}

// DepartmentSpec says who answers what customers write, and how it is handed out.
type DepartmentSpec struct {
	// displayName is the name shown to people. Absent: the object's name (T-18).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	DisplayName *string `json:"displayName,omitempty"`

	// description says, for people, what the department is for (T-18).
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`

	// default true makes this the department that takes what no other one serves. Of several the holder of longest
	// standing is it; the others get KeysUnique=False (T-17).
	// +optional
	// +kubebuilder:default=false
	Default *bool `json:"default,omitempty"`

	// visibility says where the department is offered to customers; passed on.
	// +optional
	// +kubebuilder:default=Visible
	Visibility DepartmentVisibility `json:"visibility,omitempty"`

	// groups are the groups whose members are candidates. Absent or empty: every teammate who is active and handles
	// conversations. Groups that are all missing, Disabled or without candidates give Routable=False, and never
	// everybody (T-16).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:XValidation:rule="self.all(g, !has(g.weight)) || (self.all(g, has(g.weight)) && self.map(g, g.weight).sum() == 100)",message="give every group a weight, with a sum of 100, or none"
	Groups []DepartmentGroup `json:"groups,omitempty"`

	// profiles names the inbound profiles served. With neither profiles nor profileSelector the department serves the
	// profiles of its enabled groups. One that a department of smaller name serves too is lost to it:
	// InboundUnique=False (T-01).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=500
	Profiles []ObjectRef `json:"profiles,omitempty"`

	// profileSelector selects inbound profiles served, beside profiles (T-01).
	// +optional
	ProfileSelector *ProfileSelector `json:"profileSelector,omitempty"`

	// routing says how conversations are handed out (T-17).
	// +optional
	// +kubebuilder:default={}
	Routing DepartmentRouting `json:"routing,omitzero"`

	// outOfHours says where a conversation goes while the department is closed. On a cycle it is ignored, and its
	// default Unassigned holds: OverflowAcyclic=False (E-06).
	// +optional
	// +kubebuilder:default={type: Unassigned}
	OutOfHours *DepartmentOutOfHours `json:"outOfHours,omitempty"`

	// bot answers before people, or instead of them. Absent: people answer.
	// +optional
	Bot *Bot `json:"bot,omitempty"`

	// scheduleRef names the Schedule with the hours of the department. Absent, or not usable: it is open when any of
	// its enabled groups is; without groups, when the organization is (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`

	// tags are passed on to connected systems.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Tags []string `json:"tags,omitempty"`
}

// DepartmentStatus is what the operator computed about a department.
type DepartmentStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the department, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// groupCount is how many groups the department names.
	// +optional
	GroupCount int32 `json:"groupCount"`
}

// Department says who answers what customers write: candidates come from its groups, conversations from the profiles it
// serves.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=dept,categories=rollcall
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.routing.mode`
// +kubebuilder:printcolumn:name="Groups",type=integer,JSONPath=`.status.groupCount`
// +kubebuilder:printcolumn:name="Routable",type=string,JSONPath=`.status.conditions[?(@.type=="Routable")].status`
// +kubebuilder:printcolumn:name="Default",type=boolean,JSONPath=`.spec.default`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type Department struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +optional
	// +kubebuilder:default={}
	Spec DepartmentSpec `json:"spec,omitzero"`

	// status is what the operator computed.
	// +optional
	Status DepartmentStatus `json:"status,omitzero"`
}

// DepartmentList is a list of Departments.
// +kubebuilder:object:root=true
type DepartmentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Department `json:"items"`
}
