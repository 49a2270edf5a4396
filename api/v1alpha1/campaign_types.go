package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CampaignMode says when a campaign dials.
// +k8s:enum
type CampaignMode string

// Values of CampaignMode.
const (
	// CampaignModePredictive dials ahead of the agents, so that some answered calls find nobody.
	CampaignModePredictive CampaignMode = "Predictive"
	// CampaignModeProgressive dials when an agent is free.
	CampaignModeProgressive CampaignMode = "Progressive"
)

// CampaignState is the state of a campaign.
// +k8s:enum
type CampaignState string

// Values of CampaignState.
const (
	CampaignStateDraft   CampaignState = "Draft"
	CampaignStateActive  CampaignState = "Active"
	CampaignStatePaused  CampaignState = "Paused"
	CampaignStateStopped CampaignState = "Stopped"
)

// CampaignSpec says how an outbound campaign calls.
// +kubebuilder:validation:XValidation:rule="oldSelf.state != 'Active' || self.mode == oldSelf.mode",message="mode stays as it is while the campaign is Active: pause the campaign first"
// +kubebuilder:validation:XValidation:rule="!has(self.maxAbandonRatePercent) || self.mode == 'Predictive'",message="maxAbandonRatePercent goes with mode Predictive only: remove it otherwise"
type CampaignSpec struct {
	// displayName is the name shown to people. Absent: the object's name (V-37).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	DisplayName *string `json:"displayName,omitempty"`

	// mode says when the campaign dials; it stays as it is while the campaign is Active (V-37).
	// +required
	Mode CampaignMode `json:"mode"`

	// state says whether the campaign runs. While it is Active, people leave it only through assignment None, where
	// policies.assignment.campaignToQueue asks for that (V-41).
	// +optional
	// +kubebuilder:default=Draft
	State CampaignState `json:"state,omitempty"`

	// callerIDProfiles names the Profiles whose numbers those called see, in turn. One that is not of type Phone counts
	// for nothing: ReferencesResolved=False, WrongType (V-10).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	CallerIDProfiles []ObjectRef `json:"callerIDProfiles,omitempty"`

	// maxAbandonRatePercent is the share of answered calls that may find no agent; with mode Predictive only.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	MaxAbandonRatePercent *int32 `json:"maxAbandonRatePercent,omitempty"`

	// supervisors names people who watch over the campaign without calling. One whose account role has no
	// canBeSupervisor is dropped (V-24).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Supervisors []ObjectRef `json:"supervisors,omitempty"`

	// scheduleRef names the Schedule with the hours of the campaign. Absent, or not usable: the organization's (E-06).
	// +optional
	ScheduleRef *ObjectRef `json:"scheduleRef,omitempty"`
}

// CampaignStatus is what the operator computed about a campaign.
type CampaignStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the campaign, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Campaign calls people from a list; its agents are the teammates whose assignment names it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=camp,categories=rollcall
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type Campaign struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +required
	Spec CampaignSpec `json:"spec"`

	// status is what the operator computed.
	// +optional
	Status CampaignStatus `json:"status,omitzero"`
}

// CampaignList is a list of Campaigns.
// +kubebuilder:object:root=true
type CampaignList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Campaign `json:"items"`
}
