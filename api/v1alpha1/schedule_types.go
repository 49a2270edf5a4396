package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ReasonInvalidHours surfaces on a Schedule whose hours cannot be read, such as those of a date that does not exist. What
// refers to the Schedule falls through to the next hours in order.
const ReasonInvalidHours = "InvalidHours"

// ScheduleMode says whether a schedule's hours count.
// +k8s:enum
type ScheduleMode string

// Values of ScheduleMode.
const (
	ScheduleModeWeekly       ScheduleMode = "Weekly"
	ScheduleModeAlwaysOpen   ScheduleMode = "AlwaysOpen"
	ScheduleModeAlwaysClosed ScheduleMode = "AlwaysClosed"
)

// Weekday is a day of the week.
// +k8s:enum
type Weekday string

// Values of Weekday.
const (
	WeekdayMonday    Weekday = "Monday"
	WeekdayTuesday   Weekday = "Tuesday"
	WeekdayWednesday Weekday = "Wednesday"
	WeekdayThursday  Weekday = "Thursday"
	WeekdayFriday    Weekday = "Friday"
	WeekdaySaturday  Weekday = "Saturday"
	WeekdaySunday    Weekday = "Sunday"
)

// WeeklyHours are hours that repeat on some days of the week.
type WeeklyHours struct {
	// days are the days on which the hours begin.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	Days []Weekday `json:"days"`

	// open is the local time at which the hours begin, as HH:MM.
	// +required
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	Open string `json:"open"`

	// close is the local time at which the hours end, as HH:MM or 24:00. Earlier than open: on the next day; the same:
	// 24 hours later.
	// +required
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`
	Close string `json:"close"`
}

// Hours are opening hours within one day.
type Hours struct {
	// open is the local time at which the hours begin, as HH:MM.
	// +required
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	Open string `json:"open"`

	// close is the local time at which the hours end, as HH:MM or 24:00. Earlier than open: on the next day; the same:
	// 24 hours later.
	// +required
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`
	Close string `json:"close"`
}

// ScheduleException replaces the hours of one day.
type ScheduleException struct {
	// date is the day, as YYYY-MM-DD. A day that does not exist gives Ready=False, InvalidHours.
	// +required
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	Date string `json:"date"`

	// closed true closes the whole day, also what spills in from the day before; hours are then not read. Absent: not
	// closed.
	// +optional
	Closed *bool `json:"closed,omitempty"`

	// hours are the hours of that day, in place of the weekly ones. Absent or empty: closed all day.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=6
	Hours []Hours `json:"hours,omitempty"`
}

// ScheduleSpec declares opening hours.
type ScheduleSpec struct {
	// timeZone is the zone of the hours. Absent: Organization.spec.timeZone. One that cannot be loaded gives Ready=False,
	// UnknownTimeZone (E-06).
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`
	TimeZone *string `json:"timeZone,omitempty"`

	// mode AlwaysOpen and AlwaysClosed ignore the hours below (E-06).
	// +optional
	// +kubebuilder:default=Weekly
	Mode ScheduleMode `json:"mode,omitempty"`

	// weekly are the hours that repeat each week (E-06).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=42
	Weekly []WeeklyHours `json:"weekly,omitempty"`

	// exceptions replace the hours of single days (E-06).
	// +optional
	// +listType=map
	// +listMapKey=date
	// +kubebuilder:validation:MaxItems=60
	Exceptions []ScheduleException `json:"exceptions,omitempty"`
}

// ScheduleStatus is what the operator found.
type ScheduleStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, and Reconciling or Stalled while they hold.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// open says whether the hours are open now.
	// +optional
	Open *bool `json:"open,omitempty"`

	// nextTransition is when open changes next. Absent: never.
	// +optional
	NextTransition *metav1.Time `json:"nextTransition,omitempty"`
}

// Schedule is a set of opening hours.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sched,categories=rollcall
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Time-Zone",type=string,JSONPath=`.spec.timeZone`
// +kubebuilder:printcolumn:name="Open",type=boolean,JSONPath=`.status.open`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
type Schedule struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec declares the hours.
	// +optional
	// +kubebuilder:default={}
	Spec ScheduleSpec `json:"spec,omitzero"`

	// status is what the operator found.
	// +optional
	Status ScheduleStatus `json:"status,omitzero"`
}

// ScheduleList is a list of Schedules.
// +kubebuilder:object:root=true
type ScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Schedules.
	Items []Schedule `json:"items"`
}
