package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RouteTarget is what a RoutePlan routes to.
type RouteTarget struct {
	// kind is UserGroup, Department, Queue or Campaign.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// name is the name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// AbsenceWindow is the absence of a candidate that is current or comes next.
type AbsenceWindow struct {
	// from is the first moment of the absence. Absent: since ever.
	// +optional
	From *metav1.Time `json:"from,omitempty"`

	// until is the first moment after the absence. Absent: for ever.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// RouteCandidate is somebody who may be offered what comes in. It holds what is known beforehand, nothing of who is
// online or busy.
type RouteCandidate struct {
	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// groups names at most five groups that make the person a candidate.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	// +kubebuilder:validation:items:MaxLength=63
	Groups []string `json:"groups,omitempty"`

	// position is the person's place in the dialing order. Absent: last.
	// +optional
	Position *int32 `json:"position,omitempty"`

	// extension is what is rung.
	// +optional
	// +kubebuilder:validation:MaxLength=10
	Extension string `json:"extension,omitempty"`

	// skillScore is the sum of the person's levels in the required skills.
	// +optional
	SkillScore int32 `json:"skillScore,omitempty"`

	// maxChats is how many chats the person may have at once; -1 is unlimited.
	// +optional
	MaxChats *int32 `json:"maxChats,omitempty"`

	// channels lists the channels over which the person can be reached.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Channels []Channel `json:"channels,omitempty"`

	// schedule is the name of the Schedule with the person's hours.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Schedule string `json:"schedule,omitempty"`

	// absence is the first absence that is not over.
	// +optional
	Absence *AbsenceWindow `json:"absence,omitempty"`
}

// ReasonCount counts exclusions by reason.
type ReasonCount struct {
	// name is the reason.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// count is how many are excluded for it.
	// +required
	Count int32 `json:"count"`
}

// ExcludedCandidate is somebody who is no candidate, and the first reason why.
type ExcludedCandidate struct {
	// name is the name of the Teammate.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// reason is the first reason that excludes the person.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason"`
}

// Excluded summarizes who could have been a candidate and is not.
type Excluded struct {
	// byReason counts by reason. Each person counts once, with the first reason.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	ByReason []ReasonCount `json:"byReason,omitempty"`

	// first names at most fifty of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	First []ExcludedCandidate `json:"first,omitempty"`
}

// RoutePool is the part of a department's candidates that comes from one group.
type RoutePool struct {
	// name is the name of the UserGroup.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// weight is the group's share, in percent.
	// +optional
	Weight *int32 `json:"weight,omitempty"`

	// memberCount is how many candidates the group has.
	// +optional
	MemberCount int32 `json:"memberCount"`

	// schedule is the name of the Schedule with the hours of the group.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Schedule string `json:"schedule,omitempty"`
}

// RouteTimeouts are the times after which routing goes on.
type RouteTimeouts struct {
	// maxRingTime is how long an agent is rung under Sequential, and how long the call rings in all otherwise.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	MaxRingTime *metav1.Duration `json:"maxRingTime,omitempty"`

	// maxGroupDialingTime is how long a Sequential group is rung in all.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	MaxGroupDialingTime *metav1.Duration `json:"maxGroupDialingTime,omitempty"`

	// maxWaitingTime is how long something waits in a queue.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	MaxWaitingTime *metav1.Duration `json:"maxWaitingTime,omitempty"`

	// reassignAfter is how long an agent may leave a conversation unanswered.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	ReassignAfter *metav1.Duration `json:"reassignAfter,omitempty"`

	// overflowAfter is how long a conversation waits before it overflows.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	OverflowAfter *metav1.Duration `json:"overflowAfter,omitempty"`
}

// RouteCap limits how many calls may go unanswered.
type RouteCap struct {
	// legs is how many rings without an answer are allowed.
	// +required
	Legs int32 `json:"legs"`

	// scope says over what they are counted.
	// +optional
	Scope UnansweredCallsScope `json:"scope,omitempty"`
}

// RouteVoice holds the voice settings of a dialing group.
type RouteVoice struct {
	// extension rings the group.
	// +optional
	// +kubebuilder:validation:MaxLength=10
	Extension string `json:"extension,omitempty"`

	// callerIDProfile is the name of the Profile whose number is shown to those called.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	CallerIDProfile string `json:"callerIDProfile,omitempty"`

	// audio is what callers hear.
	// +optional
	Audio *AudioSource `json:"audio,omitempty"`
}

// RouteOverflow says where something goes next, after cycles were removed.
type RouteOverflow struct {
	// type is where it goes, such as Voicemail, Unassigned or Department.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Type string `json:"type"`

	// name is the name of the object, for types that are kinds.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`
}

// RouteSchedule names the hours of the target itself.
type RouteSchedule struct {
	// name is the name of the Schedule.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// timeZone is the zone in which its hours are read.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}

// RoutePlanStatus is who is offered what comes in, in which order, and what happens when nobody takes it. Nothing in it
// changes when hours open or close.
type RoutePlanStatus struct {
	// target is what the plan belongs to.
	// +required
	Target RouteTarget `json:"target"`

	// strategy is how the next candidate is chosen, in the words of the target: a dialing strategy, a selection.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Strategy string `json:"strategy,omitempty"`

	// mode is how the target hands out, in the words of the target: Assigned or Pooled for a department.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Mode string `json:"mode,omitempty"`

	// candidates lists who is eligible, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Candidates []RouteCandidate `json:"candidates,omitempty"`

	// candidateCount is how many there are, also where the list was truncated.
	// +optional
	CandidateCount int32 `json:"candidateCount"`

	// excluded tells who is not eligible, and why.
	// +optional
	Excluded *Excluded `json:"excluded,omitempty"`

	// pools lists the groups of a department with their shares.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Pools []RoutePool `json:"pools,omitempty"`

	// timeouts are the times after which routing goes on.
	// +optional
	Timeouts *RouteTimeouts `json:"timeouts,omitempty"`

	// cap limits how many calls may go unanswered, for dialing groups.
	// +optional
	Cap *RouteCap `json:"cap,omitempty"`

	// voice holds the voice settings, for dialing groups.
	// +optional
	Voice *RouteVoice `json:"voice,omitempty"`

	// supervisors names at most a hundred people who supervise the target.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=63
	Supervisors []string `json:"supervisors,omitempty"`

	// overflow says where goes what nobody took.
	// +optional
	Overflow *RouteOverflow `json:"overflow,omitempty"`

	// outOfHours says where goes what comes in while the target is closed.
	// +optional
	OutOfHours *RouteOverflow `json:"outOfHours,omitempty"`

	// schedule names the hours of the target itself.
	// +optional
	Schedule *RouteSchedule `json:"schedule,omitempty"`

	// nextTransition is the first moment at which time alone may change this result: windows, blocks and ends of absences.
	// +optional
	NextTransition *metav1.Time `json:"nextTransition,omitempty"`

	// truncated is true when lists do not hold everything.
	// +optional
	Truncated bool `json:"truncated,omitempty"`

	// hash is the hash of the complete result.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// conditions tell the state of the plan, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// RoutePlan is who is offered what comes in to one target. The operator writes it under the name <kind in lower
// case>-<name> of the target, which owns it, and puts hand edits back.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=rplan,categories=rollcall
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.status.target.name`
// +kubebuilder:printcolumn:name="Strategy",type=string,JSONPath=`.status.strategy`
// +kubebuilder:printcolumn:name="Candidates",type=integer,JSONPath=`.status.candidateCount`
// +kubebuilder:printcolumn:name="Routable",type=string,JSONPath=`.status.conditions[?(@.type=="Routable")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type RoutePlan struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is what the operator computed.
	// +optional
	Status RoutePlanStatus `json:"status,omitzero"`
}

// RoutePlanList is a list of RoutePlans.
// +kubebuilder:object:root=true
type RoutePlanList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RoutePlan `json:"items"`
}
