package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ProfileRoleSpec says what somebody may do on a profile.
type ProfileRoleSpec struct {
	// displayName is the name shown to people. Absent: the object's name (E-12, E-21).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	DisplayName *string `json:"displayName,omitempty"`

	// includes names other ProfileRoles whose permissions and denies are taken over. A cycle gives IncludesAcyclic=False
	// (E-12).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Includes []ObjectRef `json:"includes,omitempty"`

	// permissions are granted on the profile, as module.verb or a pattern. One that nobody knows still counts and is
	// reported by PermissionsKnown=False (E-19).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('conversation.')",message="conversation permissions come from mentions only: remove the entry"
	Permissions []string `json:"permissions,omitempty"`

	// denies win over every other source on the same person and profile (E-19).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('conversation.')",message="conversation permissions come from mentions only: remove the entry"
	Denies []string `json:"denies,omitempty"`

	// contentVisibility says whether all content of the profile is seen, or assigned content only. It is not taken over
	// through includes.
	// +optional
	// +kubebuilder:default=All
	ContentVisibility ContentVisibility `json:"contentVisibility,omitempty"`
}

// ProfileRoleStatus is what the operator found.
type ProfileRoleStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, IncludesAcyclic, ReferencesResolved, PermissionsKnown, and Reconciling or Stalled while they
	// hold.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// hash identifies the role as computed, includes followed.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// permissionCount is the number of concrete permissions, includes followed.
	// +optional
	PermissionCount int32 `json:"permissionCount"`
}

// ProfileRole says what somebody may do on a profile. An object named like a built-in role overrides it.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=profrole,categories=rollcall
// +kubebuilder:printcolumn:name="Permissions",type=integer,JSONPath=`.status.permissionCount`
// +kubebuilder:printcolumn:name="Acyclic",type=string,JSONPath=`.status.conditions[?(@.type=="IncludesAcyclic")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.includes) || !self.spec.includes.exists(i, i.name == self.metadata.name)",message="remove the role itself from includes"
type ProfileRole struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what may be done on a profile.
	// +optional
	// +kubebuilder:default={}
	Spec ProfileRoleSpec `json:"spec,omitzero"`

	// status is what the operator found.
	// +optional
	Status ProfileRoleStatus `json:"status,omitzero"`
}

// ProfileRoleList is a list of ProfileRoles.
// +kubebuilder:object:root=true
type ProfileRoleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the ProfileRoles.
	Items []ProfileRole `json:"items"`
}
