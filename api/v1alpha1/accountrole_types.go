package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ReasonCustomRoleNotAllowed is the reason of PolicyCompliant=False on an AccountRole while
// policies.roleModel.allowCustom is false; the object is ignored (M-04, T-06, V-52).
const ReasonCustomRoleNotAllowed = "CustomRoleNotAllowed"

// ProfileVisibility says which profiles the holders of an account role see (E-13, A-06).
// +k8s:enum
type ProfileVisibility string

// Values of ProfileVisibility.
const (
	// ProfileVisibilityAssigned shows the profiles that something grants.
	ProfileVisibilityAssigned ProfileVisibility = "Assigned"
	// ProfileVisibilityAll shows every profile.
	ProfileVisibilityAll ProfileVisibility = "All"
	// ProfileVisibilityPracticeLines shows assigned profiles and the lines of own practices.
	ProfileVisibilityPracticeLines ProfileVisibility = "PracticeLines"
)

// DataScope says whose data the holders of an account role may see, at most.
type DataScope struct {
	// default says whose data may be seen in areas without an entry (M-03, T-05).
	// +optional
	// +kubebuilder:default={"Self"}
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Default []Scope `json:"default,omitempty"`

	// areas narrow the scope in single areas (T-05, M-03).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=12
	Areas []DataScopeArea `json:"areas,omitempty"`
}

// AccountRoleSpec says what the holders of a role may do in the organization.
type AccountRoleSpec struct {
	// displayName is the name shown to people. Absent: the object's name (M-09).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	DisplayName *string `json:"displayName,omitempty"`

	// baseType is the class used by fixed rules; it cannot change later. Outside policies.roleModel.allowedBaseTypes
	// holders get RoleAllowed=False (T-06, V-52, A-04).
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="keep baseType as it was when the role was created; make another role for another base type"
	BaseType BaseType `json:"baseType"`

	// permissions are the account permissions, as module.verb or a pattern. One that nobody knows still counts and is
	// reported by PermissionsKnown=False (M-03, M-04).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	Permissions []string `json:"permissions,omitempty"`

	// denies are permissions removed from the holder everywhere: account permissions, profile grants, mention grants
	// (M-03).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	Denies []string `json:"denies,omitempty"`

	// profileCeiling is the most that a profile role may confer on holders (E-13).
	// +optional
	// +kubebuilder:default={"*"}
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=65
	// +kubebuilder:validation:items:Pattern=`^(\*|[a-z][a-zA-Z0-9]{0,31}\.\*|(\*|[a-z][a-zA-Z0-9]{0,31})\.[a-z][a-zA-Z0-9]{0,31})$`
	ProfileCeiling []string `json:"profileCeiling,omitzero"`

	// profileVisibility says which profiles holders see (E-13, A-06).
	// +optional
	// +kubebuilder:default=Assigned
	ProfileVisibility ProfileVisibility `json:"profileVisibility,omitempty"`

	// dataScope says whose data holders may see, at most (M-03, T-05).
	// +optional
	// +kubebuilder:default={}
	DataScope DataScope `json:"dataScope,omitzero"`

	// canBeSupervisor says whether holders count as supervisors of groups. Absent: whether baseType is Supervisor
	// (V-25).
	// +optional
	CanBeSupervisor *bool `json:"canBeSupervisor,omitempty"`

	// protectLastHolder true keeps the last holder from being removed from a downstream system (T-03).
	// +optional
	// +kubebuilder:default=false
	ProtectLastHolder *bool `json:"protectLastHolder,omitempty"`
}

// AccountRoleStatus is what the operator found.
type AccountRoleStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, PolicyCompliant, PermissionsKnown, and Reconciling or Stalled while they hold.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// hash identifies the role as computed.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`
}

// AccountRole says what its holders may do in the organization. An object named like a built-in role overrides it.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ar,categories=rollcall
// +kubebuilder:printcolumn:name="Base",type=string,JSONPath=`.spec.baseType`
// +kubebuilder:printcolumn:name="Visibility",type=string,JSONPath=`.spec.profileVisibility`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
type AccountRole struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what holders may do.
	// +required
	Spec AccountRoleSpec `json:"spec"`

	// status is what the operator found.
	// +optional
	Status AccountRoleStatus `json:"status,omitzero"`
}

// AccountRoleList is a list of AccountRoles.
// +kubebuilder:object:root=true
type AccountRoleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the AccountRoles.
	Items []AccountRole `json:"items"`
}
