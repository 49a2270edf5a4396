// Package v1alpha1 is the Rollcall API, group rollcall.dev: what people declare (Organization, Schedule, AccountRole,
// ProfileRole, Profile, Teammate, UserGroup, Department, Queue, Campaign, Downstream), what goes on (Mention,
// InboundAutomation), what the operator computes from it (EffectiveAccess, RoutePlan) and the state it keeps (Ledger).
// Conditions and their reasons stand beside the type that carries them; shape rules of single objects are CEL rules on
// the types. The package imports apimachinery only, so that anything may import it.
//
// +kubebuilder:object:generate=true
// +groupName=rollcall.dev
// +kubebuilder:ac:generate=true
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind of this package.
const GroupName = "rollcall.dev"

var (
	// GroupVersion is the group and version of every kind of this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeGroupVersion is GroupVersion under the name that generated code refers to.
	SchemeGroupVersion = GroupVersion

	// SchemeBuilder registers the kinds of this package.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds the kinds of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Resource qualifies a plural resource name ("teammates") with the group.
func Resource(resource string) schema.GroupResource {
	return GroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&Organization{}, &OrganizationList{},
		&Schedule{}, &ScheduleList{},
		&AccountRole{}, &AccountRoleList{},
		&ProfileRole{}, &ProfileRoleList{},
		&Profile{}, &ProfileList{},
		&Teammate{}, &TeammateList{},
		&UserGroup{}, &UserGroupList{},
		&Department{}, &DepartmentList{},
		&Queue{}, &QueueList{},
		&Campaign{}, &CampaignList{},
		&Downstream{}, &DownstreamList{},
		&Mention{}, &MentionList{},
		&InboundAutomation{}, &InboundAutomationList{},
		&EffectiveAccess{}, &EffectiveAccessList{},
		&RoutePlan{}, &RoutePlanList{},
		&Ledger{}, &LedgerList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
