package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Metadata of a Downstream and of the Secrets it may read.
const (
	// LabelDownstream on a Secret opts it in for the Downstream of that name.
	LabelDownstream = "rollcall.dev/downstream"
	// AnnotationHost on such a Secret is the host:port that its credentials may be sent to.
	AnnotationHost = "rollcall.dev/host"
	// AnnotationAllowPlaintext, with the value "true" on such a Secret, lets its credentials travel over plaintext or
	// opportunistic TLS.
	AnnotationAllowPlaintext = "rollcall.dev/allow-plaintext"
	// AnnotationApproveRemovals on a Downstream is the hash of the held removals that it releases.
	AnnotationApproveRemovals = "rollcall.dev/approve-removals"
	// AnnotationForceFinalize, with the value "true" on a Downstream, drops its finalizer without clean-up.
	AnnotationForceFinalize = "rollcall.dev/force-finalize"
	// FinalizerDownstreamCleanup keeps a deleted Downstream until its records are removed or let go.
	FinalizerDownstreamCleanup = "rollcall.dev/downstream-cleanup"
)

// Conditions of a Downstream beside Ready. Drifted and RemovalsHeld are True when something is wrong.
const (
	// ConditionReachable is False while the connected system cannot be asked.
	ConditionReachable = "Reachable"
	// ConditionSynced is False while the connected system does not hold what it should.
	ConditionSynced = "Synced"
	// ConditionDrifted is True while the connected system holds something that the operator did not write.
	ConditionDrifted = "Drifted"
	// ConditionRemovalsHeld is True while removals wait; status.held names them.
	ConditionRemovalsHeld = "RemovalsHeld"
)

// Reasons of Reachable=False.
const (
	// ReasonConnectionFailed surfaces when the system did not answer.
	ReasonConnectionFailed = "ConnectionFailed"
	// ReasonAuthenticationFailed surfaces when the system refused the credentials.
	ReasonAuthenticationFailed = "AuthenticationFailed"
	// ReasonSecretNotOptedIn surfaces when the Secret lacks the label of this Downstream, the annotation with its host,
	// or allow-plaintext where that is needed.
	ReasonSecretNotOptedIn = "SecretNotOptedIn"
)

// ReasonIncomplete is the reason of Synced=False.
const ReasonIncomplete = "Incomplete"

// ReasonDriftFound is the reason of Drifted=True.
const ReasonDriftFound = "DriftFound"

// Reasons of RemovalsHeld=True.
const (
	// ReasonOverLimit surfaces when more records would go than spec.safety allows: approve-removals releases them.
	ReasonOverLimit = "OverLimit"
	// ReasonAwaitingConfirmation surfaces until further readings confirm what is missing.
	ReasonAwaitingConfirmation = "AwaitingConfirmation"
)

// Driver is the sort of a connected system.
// +k8s:enum
type Driver string

// Values of Driver.
const (
	DriverKubernetesRBAC Driver = "KubernetesRBAC"
	DriverSCIM           Driver = "SCIM"
	DriverOpenFGA        Driver = "OpenFGA"
	DriverPostgreSQL     Driver = "PostgreSQL"
	DriverLDAP           Driver = "LDAP"
	DriverHTTP           Driver = "HTTP"
	DriverSMTP           Driver = "SMTP"
	DriverTiledesk       Driver = "Tiledesk"
)

// DownstreamMode says how far the operator goes in a connected system; each mode includes those before it.
// +k8s:enum
type DownstreamMode string

// Values of DownstreamMode.
const (
	// DownstreamModeObserve plans only.
	DownstreamModeObserve DownstreamMode = "Observe"
	// DownstreamModeCreateOnly adds what is missing.
	DownstreamModeCreateOnly DownstreamMode = "CreateOnly"
	// DownstreamModeUpsert also changes what differs.
	DownstreamModeUpsert DownstreamMode = "Upsert"
	// DownstreamModeFull also removes what is too much.
	DownstreamModeFull DownstreamMode = "Full"
)

// RecordKind is a sort of records that connected systems are given.
// +k8s:enum
type RecordKind string

// Values of RecordKind.
const (
	RecordKindUsers    RecordKind = "Users"
	RecordKindGroups   RecordKind = "Groups"
	RecordKindAccess   RecordKind = "Access"
	RecordKindRoutes   RecordKind = "Routes"
	RecordKindMentions RecordKind = "Mentions"
)

// Adoption says what happens to objects that exist in a connected system and are not owned.
// +k8s:enum
type Adoption string

// Values of Adoption.
const (
	AdoptionNever       Adoption = "Never"
	AdoptionIfIdentical Adoption = "IfIdentical"
	AdoptionTakeOver    Adoption = "TakeOver"
)

// Removal says what becomes of a record that is not wanted any more.
// +k8s:enum
type Removal string

// Values of Removal.
const (
	RemovalDeactivate Removal = "Deactivate"
	RemovalDelete     Removal = "Delete"
	RemovalOrphan     Removal = "Orphan"
)

// OnDelete says what becomes of the records when their Downstream is deleted.
// +k8s:enum
type OnDelete string

// Values of OnDelete.
const (
	OnDeleteOrphan OnDelete = "Orphan"
	OnDeleteRemove OnDelete = "Remove"
)

// Drift says what happens when somebody else changed a record.
// +k8s:enum
type Drift string

// Values of Drift.
const (
	DriftCorrect Drift = "Correct"
	DriftReport  Drift = "Report"
	DriftIgnore  Drift = "Ignore"
)

// StartTLS says whether e-mail goes over TLS.
// +k8s:enum
type StartTLS string

// Values of StartTLS; all but Required need the annotation allow-plaintext on the Secret.
const (
	StartTLSRequired      StartTLS = "Required"
	StartTLSOpportunistic StartTLS = "Opportunistic"
	StartTLSDisabled      StartTLS = "Disabled"
)

// RoleBindingTarget says which ClusterRole the holders of an account role are bound to.
type RoleBindingTarget struct {
	// name is the name of the AccountRole.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// clusterRole is the name of the ClusterRole (V-02).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	ClusterRole string `json:"clusterRole"`
}

// DownstreamKubernetesRBAC binds people with a Kubernetes username to ClusterRoles, by RoleBindings of the namespace.
type DownstreamKubernetesRBAC struct {
	// bindings override the ClusterRole of single account roles. An account role without an entry is bound by its base
	// type. Writing them needs the verb bind on clusterroles (V-02).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Bindings []RoleBindingTarget `json:"bindings,omitempty"`
}

// DownstreamSCIM is a SCIM 2.0 service.
type DownstreamSCIM struct {
	// url is the https base of the service, without userinfo.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`
}

// DownstreamOpenFGA is a store of an OpenFGA service.
type DownstreamOpenFGA struct {
	// url is the https base of the service, without userinfo.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`

	// storeID is the id of the store.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	StoreID string `json:"storeID"`

	// authorizationModelID is the id of the authorization model.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	AuthorizationModelID *string `json:"authorizationModelID,omitempty"`
}

// DownstreamPostgreSQL is a schema of a PostgreSQL database. The connection string comes from the Secret.
type DownstreamPostgreSQL struct {
	// schema is the schema that holds the tables.
	// +optional
	// +kubebuilder:default=rollcall
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z_][a-z0-9_]{0,62}$`
	Schema string `json:"schema,omitempty"`
}

// DownstreamLDAP is a subtree of a directory.
type DownstreamLDAP struct {
	// url is the address of the directory, ldaps:// or, if the Secret allows plaintext, ldap://.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^ldaps?://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`

	// baseDN is the entry below which people and groups are kept.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	BaseDN string `json:"baseDN"`

	// peopleRDN is the place of people below baseDN.
	// +optional
	// +kubebuilder:default="ou=people"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	PeopleRDN string `json:"peopleRDN,omitempty"`

	// groupsRDN is the place of groups below baseDN.
	// +optional
	// +kubebuilder:default="ou=groups"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	GroupsRDN string `json:"groupsRDN,omitempty"`
}

// DownstreamHTTP is a service that takes CloudEvents by POST.
type DownstreamHTTP struct {
	// url is the https address that events are posted to, without userinfo.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`
}

// DownstreamSMTP is a mail server through which people are written to. What was sent is sent: it never drifts.
type DownstreamSMTP struct {
	// host is the name or address of the server.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host"`

	// port is the port of the server.
	// +optional
	// +kubebuilder:default=587
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// from is the address that mail comes from.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$`
	From string `json:"from"`

	// startTLS says whether mail goes over TLS. All but Required need the annotation allow-plaintext on the Secret.
	// +optional
	// +kubebuilder:default=Required
	StartTLS StartTLS `json:"startTLS,omitempty"`
}

// DownstreamTiledesk is a project of a Tiledesk service.
type DownstreamTiledesk struct {
	// url is the https base of the service, without userinfo.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s/?#@]+([/?#][^\s]*)?$`
	URL string `json:"url"`

	// projectID is the id of the project.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ProjectID string `json:"projectID"`

	// unlimitedChats is the number written for people without a limit: -1 would mean the project's default there.
	// +optional
	// +kubebuilder:default=1000000
	// +kubebuilder:validation:Minimum=1
	UnlimitedChats *int32 `json:"unlimitedChats,omitempty"`
}

// DownstreamSafety keeps a mistake from emptying a connected system.
type DownstreamSafety struct {
	// maxRemovalPercent is the share of the records of a kind from which on removals are held, once there are floor
	// records.
	// +optional
	// +kubebuilder:default=25
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxRemovalPercent *int32 `json:"maxRemovalPercent,omitempty"`

	// floor is the number of records below which no share counts: more than three removals are held then.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Floor *int32 `json:"floor,omitempty"`

	// confirmAbsences is how many plans in a row have to ask for a removal.
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	ConfirmAbsences *int32 `json:"confirmAbsences,omitempty"`

	// explicitLimit is how many people who were archived, blocked or deleted leave at once within 10 minutes; further
	// ones are held. 0: no limit. Ends of windows known for 24 h do not count.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	ExplicitLimit *int32 `json:"explicitLimit,omitempty"`

	// deletionGrace is how long a deleted Teammate stays there, 0s to 24h; one of the same name or identity key made
	// meanwhile cancels it.
	// +optional
	// +kubebuilder:default="2m"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="deletionGrace must be from 0s to 24h"
	DeletionGrace *metav1.Duration `json:"deletionGrace,omitempty"`
}

// DownstreamRateLimit limits how often the connected system is asked.
type DownstreamRateLimit struct {
	// qps is how many requests a second are made in the long run.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	QPS *int32 `json:"qps,omitempty"`

	// burst is how many requests may be made at once.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Burst *int32 `json:"burst,omitempty"`
}

// DownstreamSpec says which system is kept in step, with what, and how carefully.
// +kubebuilder:validation:XValidation:rule="(self.driver == 'KubernetesRBAC') == has(self.kubernetesRBAC)",message="kubernetesRBAC goes with driver KubernetesRBAC only: set it, {} is enough, or remove it with another driver"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'SCIM') == has(self.scim)",message="scim goes with driver SCIM only: set it for SCIM, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'OpenFGA') == has(self.openFGA)",message="openFGA goes with driver OpenFGA only: set it for OpenFGA, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'PostgreSQL') == has(self.postgreSQL)",message="postgreSQL goes with driver PostgreSQL only: set it, {} is enough, or remove it with another driver"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'LDAP') == has(self.ldap)",message="ldap goes with driver LDAP only: set it for LDAP, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'HTTP') == has(self.http)",message="http goes with driver HTTP only: set it for HTTP, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'SMTP') == has(self.smtp)",message="smtp goes with driver SMTP only: set it for SMTP, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="(self.driver == 'Tiledesk') == has(self.tiledesk)",message="tiledesk goes with driver Tiledesk only: set it for Tiledesk, remove it otherwise"
// +kubebuilder:validation:XValidation:rule="self.driver != 'KubernetesRBAC' || self.records.all(r, r in ['Access'])",message="driver KubernetesRBAC takes Access only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver != 'SCIM' || self.records.all(r, r in ['Users', 'Groups'])",message="driver SCIM takes Users and Groups only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver != 'OpenFGA' || self.records.all(r, r in ['Groups', 'Access'])",message="driver OpenFGA takes Groups and Access only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver != 'LDAP' || self.records.all(r, r in ['Users', 'Groups'])",message="driver LDAP takes Users and Groups only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver != 'SMTP' || self.records.all(r, r in ['Users', 'Mentions'])",message="driver SMTP takes Users and Mentions only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver != 'Tiledesk' || self.records.all(r, r in ['Users', 'Groups', 'Routes'])",message="driver Tiledesk takes Users, Groups and Routes only: remove the other records"
// +kubebuilder:validation:XValidation:rule="self.driver == 'KubernetesRBAC' || has(self.credentialsSecretRef)",message="every driver but KubernetesRBAC needs credentialsSecretRef"
type DownstreamSpec struct {
	// driver is the sort of the system; it chooses which of the structs below is set.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="keep driver as it was when the Downstream was created; make another Downstream for another driver"
	Driver Driver `json:"driver"`

	// kubernetesRBAC binds people to ClusterRoles; with driver KubernetesRBAC only (V-02).
	// +optional
	KubernetesRBAC *DownstreamKubernetesRBAC `json:"kubernetesRBAC,omitempty"`

	// scim is the SCIM 2.0 service; with driver SCIM only.
	// +optional
	SCIM *DownstreamSCIM `json:"scim,omitempty"`

	// openFGA is the OpenFGA store; with driver OpenFGA only.
	// +optional
	OpenFGA *DownstreamOpenFGA `json:"openFGA,omitempty"`

	// postgreSQL is the schema of the database; with driver PostgreSQL only.
	// +optional
	PostgreSQL *DownstreamPostgreSQL `json:"postgreSQL,omitempty"`

	// ldap is the directory; with driver LDAP only.
	// +optional
	LDAP *DownstreamLDAP `json:"ldap,omitempty"`

	// http is the service that takes events; with driver HTTP only.
	// +optional
	HTTP *DownstreamHTTP `json:"http,omitempty"`

	// smtp is the mail server; with driver SMTP only.
	// +optional
	SMTP *DownstreamSMTP `json:"smtp,omitempty"`

	// tiledesk is the Tiledesk project; with driver Tiledesk only.
	// +optional
	Tiledesk *DownstreamTiledesk `json:"tiledesk,omitempty"`

	// mode says how far the operator goes: Observe plans only, Full also removes.
	// +optional
	// +kubebuilder:default=Observe
	Mode DownstreamMode `json:"mode,omitempty"`

	// records are the kinds of records kept in step, of those that the driver takes.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Records []RecordKind `json:"records"`

	// adoption says what happens to objects that exist there already: they are left alone, taken into ownership when
	// they are as they should be, or taken over and changed.
	// +optional
	// +kubebuilder:default=Never
	Adoption Adoption `json:"adoption,omitempty"`

	// removal says what becomes of a record that is not wanted any more.
	// +optional
	// +kubebuilder:default=Deactivate
	Removal Removal `json:"removal,omitempty"`

	// onDelete says what becomes of the records when this object is deleted. Remove acts in mode Full only, and only once
	// the annotation approve-removals equals the held hash within 1 h; otherwise the records are let go.
	// +optional
	// +kubebuilder:default=Orphan
	OnDelete OnDelete `json:"onDelete,omitempty"`

	// drift says what happens when somebody else changed a record.
	// +optional
	// +kubebuilder:default=Correct
	Drift Drift `json:"drift,omitempty"`

	// resyncInterval is how often everything there is read anew, 30s to 24h.
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('30s') && duration(self) <= duration('24h')",message="resyncInterval must be from 30s to 24h"
	ResyncInterval *metav1.Duration `json:"resyncInterval,omitempty"`

	// safety says when removals are held: RemovalsHeld=True.
	// +optional
	// +kubebuilder:default={}
	Safety DownstreamSafety `json:"safety,omitzero"`

	// rateLimit limits how often the system is asked. Absent: as the driver finds fit.
	// +optional
	RateLimit *DownstreamRateLimit `json:"rateLimit,omitempty"`

	// credentialsSecretRef names the Secret with the credentials; required by every driver but KubernetesRBAC. The Secret
	// opts in by its label and annotations: Reachable=False, SecretNotOptedIn otherwise.
	// +optional
	CredentialsSecretRef *ObjectRef `json:"credentialsSecretRef,omitempty"`
}

// OwnedRecords counts the records of one kind that the operator wrote and answers for.
type OwnedRecords struct {
	// name is the kind of the records.
	// +required
	Name RecordKind `json:"name"`

	// count is how many there are.
	// +optional
	Count int32 `json:"count"`
}

// DownstreamPlan counts what is to be done in the connected system.
type DownstreamPlan struct {
	// creates is how many records are missing.
	// +optional
	Creates int32 `json:"creates"`

	// updates is how many records differ.
	// +optional
	Updates int32 `json:"updates"`

	// removals is how many records are too many, held ones among them.
	// +optional
	Removals int32 `json:"removals"`

	// hash changes whenever the plan changes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`
}

// HeldRemovals are removals that wait to be approved.
type HeldRemovals struct {
	// count is how many there are.
	// +optional
	Count int32 `json:"count"`

	// first names at most twenty of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=512
	First []string `json:"first,omitempty"`

	// hash stands for exactly these removals: the annotation approve-removals with this value releases them.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// approvedAt is when they were approved; 1 h later the approval lapses.
	// +optional
	ApprovedAt *metav1.Time `json:"approvedAt,omitempty"`
}

// DownstreamStatus is how a connected system stands.
type DownstreamStatus struct {
	// observedGeneration is the generation of the spec that this status was computed from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions tell the state of the connection, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// owned counts the records that the operator answers for, by kind.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	Owned []OwnedRecords `json:"owned,omitempty"`

	// plan counts what is to be done.
	// +optional
	Plan *DownstreamPlan `json:"plan,omitempty"`

	// held are the removals that wait to be approved.
	// +optional
	Held *HeldRemovals `json:"held,omitempty"`
}

// Downstream is a system that is told of people, groups, access, routes or mentions, and kept in step with them.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=down,categories=rollcall
// +kubebuilder:selectablefield:JSONPath=`.spec.driver`
// +kubebuilder:printcolumn:name="Driver",type=string,JSONPath=`.spec.driver`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Synced",type=string,JSONPath=`.status.conditions[?(@.type=="Synced")].status`
// +kubebuilder:printcolumn:name="Held",type=integer,JSONPath=`.status.held.count`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="metadata.name must have at most 63 characters"
type Downstream struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what people declare.
	// +required
	Spec DownstreamSpec `json:"spec"`

	// status is how the connected system stands.
	// +optional
	Status DownstreamStatus `json:"status,omitzero"`
}

// DownstreamList is a list of Downstreams.
// +kubebuilder:object:root=true
type DownstreamList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Downstream `json:"items"`
}
