package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Metadata with a meaning of its own.
const (
	// LabelShipped marks roles written out from the built-in ones. Informational.
	LabelShipped = "rollcall.dev/shipped"
	// LabelTeammate on outputs and Ledger names the Teammate they belong to; on a Secret it opts the Secret in as
	// temporary password of that Teammate.
	LabelTeammate = "rollcall.dev/teammate"
	// LabelTargetKind on outputs and Ledger holds the kind of what they belong to, in lower case.
	LabelTargetKind = "rollcall.dev/target-kind"
	// LabelTargetName on outputs and Ledger holds the name of what they belong to.
	LabelTargetName = "rollcall.dev/target-name"
	// LabelLedger on a Ledger holds its record in lower case.
	LabelLedger = "rollcall.dev/ledger"
	// LabelManagedBy marks what the operator writes, with the value ManagedBy.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "rollcall"
	// AnnotationConfirmedAt on a Teammate says, as RFC 3339, when the account was confirmed, where no driver reports it.
	AnnotationConfirmedAt = "rollcall.dev/confirmed-at"
	// AnnotationAllowDelete, with the value "true" on a UserGroup or Organization, lets it be deleted in spite of
	// DisableOnly, respectively of the protection of organizations.
	AnnotationAllowDelete = "rollcall.dev/allow-delete"
)

// OrganizationName is the only name an Organization may have: one namespace is one organization.
const OrganizationName = "default"

// ObjectRef names an object of the same namespace; the field that holds it tells the kind. A reference to an object
// that does not exist is admitted, contributes nothing, is reported by ReferencesResolved and heals by itself.
type ObjectRef struct {
	// name is the name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}

// TypedRef names an object together with its kind.
type TypedRef struct {
	// kind is the kind of the object, such as UserGroup.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name is the name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// KeyRef names one key of a Secret or ConfigMap of the same namespace; the field that holds it tells which.
type KeyRef struct {
	// name is the name of the Secret or ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// key is the key whose value is taken.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// Window limits an entry in time: it counts while from <= now < until. A missing bound is open.
// +kubebuilder:validation:XValidation:rule="!has(self.from) || !has(self.until) || self.from < self.until",message="until must be later than from: correct one of the two, or leave one out"
type Window struct {
	// from is the first moment at which the entry counts. Absent: since ever.
	// +optional
	From *metav1.Time `json:"from,omitempty"`

	// until is the first moment at which the entry no longer counts. Absent: for ever.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// Switch is a two-valued setting.
// +k8s:enum
type Switch string

// Values of Switch.
const (
	SwitchEnabled  Switch = "Enabled"
	SwitchDisabled Switch = "Disabled"
)

// Toggle is a setting that may leave the decision to the level above it.
// +k8s:enum
type Toggle string

// Values of Toggle.
const (
	ToggleInherit  Toggle = "Inherit"
	ToggleEnabled  Toggle = "Enabled"
	ToggleDisabled Toggle = "Disabled"
)

// BaseType is the class of an account role; fixed rules go by it and not by the role's name.
// +k8s:enum
type BaseType string

// Values of BaseType.
const (
	BaseTypeOwner         BaseType = "Owner"
	BaseTypeAdministrator BaseType = "Administrator"
	BaseTypeManager       BaseType = "Manager"
	BaseTypeSupervisor    BaseType = "Supervisor"
	BaseTypeTeamLeader    BaseType = "TeamLeader"
	BaseTypeAgent         BaseType = "Agent"
	BaseTypeStaff         BaseType = "Staff"
	BaseTypeEnterprise    BaseType = "Enterprise"
	BaseTypeViewer        BaseType = "Viewer"
	BaseTypeNone          BaseType = "None"
)

// Scope says whose data somebody may see.
// +k8s:enum
type Scope string

// Values of Scope.
const (
	ScopeNone           Scope = "None"
	ScopeSelf           Scope = "Self"
	ScopeOwnTeam        Scope = "OwnTeam"
	ScopeOwnHierarchy   Scope = "OwnHierarchy"
	ScopeOwnDepartments Scope = "OwnDepartments"
	ScopeManagedGroups  Scope = "ManagedGroups"
	ScopeOwnPractices   Scope = "OwnPractices"
	ScopeCompany        Scope = "Company"
)

// DataArea is a part of the data whose scope can be narrowed separately.
// +k8s:enum
type DataArea string

// Values of DataArea.
const (
	DataAreaFeedback            DataArea = "Feedback"
	DataAreaQA                  DataArea = "QA"
	DataAreaPerformanceCoaching DataArea = "PerformanceCoaching"
	DataAreaSettings            DataArea = "Settings"
	DataAreaSocial              DataArea = "Social"
	DataAreaConversations       DataArea = "Conversations"
	DataAreaAnalytics           DataArea = "Analytics"
	DataAreaUsers               DataArea = "Users"
)

// DataScopeArea narrows the data scope in one area.
type DataScopeArea struct {
	// name is the area. Areas without an entry follow the default scopes.
	// +required
	Name DataArea `json:"name"`

	// scopes says whose data may be seen in this area, at most.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Scopes []Scope `json:"scopes"`
}

// ContentVisibility says which content of a profile somebody sees.
// +k8s:enum
type ContentVisibility string

// Values of ContentVisibility.
const (
	ContentVisibilityAll          ContentVisibility = "All"
	ContentVisibilityAssignedOnly ContentVisibility = "AssignedOnly"
)

// PermissionSetApplication says when changes of a group's members, profiles or role reach people.
// +k8s:enum
type PermissionSetApplication string

// Values of PermissionSetApplication.
const (
	// PermissionSetApplicationContinuous applies every change at once.
	PermissionSetApplicationContinuous PermissionSetApplication = "Continuous"
	// PermissionSetApplicationOnReflash applies changes when permissionSet.reflashToken changes.
	PermissionSetApplicationOnReflash PermissionSetApplication = "OnReflash"
)

// RoutingMode says how a department hands out conversations.
// +k8s:enum
type RoutingMode string

// Values of RoutingMode.
const (
	// RoutingModeAssigned assigns each conversation to one agent.
	RoutingModeAssigned RoutingMode = "Assigned"
	// RoutingModePooled shows conversations to every candidate, who take them themselves.
	RoutingModePooled RoutingMode = "Pooled"
)

// AudioSourceType is the discriminator of AudioSource.
// +k8s:enum
type AudioSourceType string

// Values of AudioSourceType.
const (
	AudioSourceTypeLibrary   AudioSourceType = "Library"
	AudioSourceTypeURL       AudioSourceType = "URL"
	AudioSourceTypeConfigMap AudioSourceType = "ConfigMap"
)

// AudioSource names a recording. The operator passes it on and never fetches it.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="(self.type == 'Library') == has(self.libraryID)",message="libraryID goes with type Library only: set it for Library, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.type == 'URL') == has(self.url)",message="url goes with type URL only: set it for URL, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.type == 'ConfigMap') == has(self.configMapKeyRef)",message="configMapKeyRef goes with type ConfigMap only: set it for ConfigMap, remove it otherwise"
type AudioSource struct {
	// type chooses which of the other fields is set.
	// +required
	Type AudioSourceType `json:"type"`

	// libraryID is the recording's id in the library of the connected system.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	LibraryID *string `json:"libraryID,omitempty"`

	// url is the https address of the recording, without userinfo.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL *string `json:"url,omitempty"`

	// configMapKeyRef names the ConfigMap, and the key in it, that holds the recording.
	// +optional
	ConfigMapKeyRef *KeyRef `json:"configMapKeyRef,omitempty"`
}

// ProfileSelector selects profiles by their attributes: AND between the fields that are set, OR within one. With no
// field set it selects nothing.
type ProfileSelector struct {
	// platforms selects profiles of any of these platforms.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	Platforms []Platform `json:"platforms,omitzero"`

	// types selects profiles of any of these types.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	Types []ProfileType `json:"types,omitzero"`

	// languages selects profiles of any of these languages, by subtag prefix: en also matches en-US (E-07).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=35
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`
	Languages []string `json:"languages,omitzero"`

	// regions selects profiles of any of these regions, compared literally (E-04).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Regions []string `json:"regions,omitzero"`

	// matchLabels selects profiles that carry all of these labels.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// RequiredSkill is a skill that candidates must have.
type RequiredSkill struct {
	// name is the name of a skill of Organization.spec.skills. An unknown skill excludes nobody and is reported by
	// ReferencesResolved.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// minLevel is the level from which on a teammate counts. Absent: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinLevel *int32 `json:"minLevel,omitempty"`
}

// RequiredMinLevel is the computed default of RequiredSkill.minLevel.
const RequiredMinLevel int32 = 1
