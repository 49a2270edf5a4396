package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Schedules have in their status: whether it is open: it changes when the hours do, which package roster waits for.
var Schedules = Kind[*rollcallv1.Schedule, rollcallv1.ScheduleStatus, acrollcall.ScheduleStatusApplyConfiguration]{
	Name: roster.KindSchedule, Prototype: &rollcallv1.Schedule{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Schedule, rollcallv1.ScheduleStatus) {
		return e.Roster.Schedule(nil, name), e.Lint.Schedule(name)
	},
	Live: func(o *rollcallv1.Schedule) rollcallv1.ScheduleStatus { return o.Status },
	Parts: func(s *rollcallv1.ScheduleStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Schedule, s *acrollcall.ScheduleStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Schedule(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// AccountRoles have in their status: its content as a hash, and whether the policies allow it.
var AccountRoles = Kind[*rollcallv1.AccountRole, rollcallv1.AccountRoleStatus, acrollcall.AccountRoleStatusApplyConfiguration]{
	Name: roster.KindAccountRole, Prototype: &rollcallv1.AccountRole{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.AccountRole, rollcallv1.AccountRoleStatus) {
		return e.Roster.AccountRole(nil, name), e.Lint.AccountRole(name)
	},
	Live: func(o *rollcallv1.AccountRole) rollcallv1.AccountRoleStatus { return o.Status },
	Parts: func(s *rollcallv1.AccountRoleStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.AccountRole, s *acrollcall.AccountRoleStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.AccountRole(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// ProfileRoles have in their status: its content with includes followed, as a hash and a count.
var ProfileRoles = Kind[*rollcallv1.ProfileRole, rollcallv1.ProfileRoleStatus, acrollcall.ProfileRoleStatusApplyConfiguration]{
	Name: roster.KindProfileRole, Prototype: &rollcallv1.ProfileRole{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.ProfileRole, rollcallv1.ProfileRoleStatus) {
		return e.Roster.ProfileRole(nil, name), e.Lint.ProfileRole(name)
	},
	Live: func(o *rollcallv1.ProfileRole) rollcallv1.ProfileRoleStatus { return o.Status },
	Parts: func(s *rollcallv1.ProfileRoleStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.ProfileRole, s *acrollcall.ProfileRoleStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.ProfileRole(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// Profiles have in their status: whether its keys are its own and its practice exists.
var Profiles = Kind[*rollcallv1.Profile, rollcallv1.ProfileStatus, acrollcall.ProfileStatusApplyConfiguration]{
	Name: roster.KindProfile, Prototype: &rollcallv1.Profile{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Profile, rollcallv1.ProfileStatus) {
		return e.Roster.Profile(nil, name), e.Lint.Profile(name)
	},
	Live: func(o *rollcallv1.Profile) rollcallv1.ProfileStatus { return o.Status },
	Parts: func(s *rollcallv1.ProfileStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Profile, s *acrollcall.ProfileStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Profile(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// Teammates have in their status: phase, card, leader, limits.
var Teammates = Kind[*rollcallv1.Teammate, rollcallv1.TeammateStatus, acrollcall.TeammateStatusApplyConfiguration]{
	Name: roster.KindTeammate, Prototype: &rollcallv1.Teammate{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Teammate, rollcallv1.TeammateStatus) {
		return e.Roster.Teammate(nil, name), e.Lint.Teammate(name)
	},
	Live: func(o *rollcallv1.Teammate) rollcallv1.TeammateStatus { return o.Status },
	Parts: func(s *rollcallv1.TeammateStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Teammate, s *acrollcall.TeammateStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Teammate(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// UserGroups have in their status: its members, profiles and permission set, and where it is used.
var UserGroups = Kind[*rollcallv1.UserGroup, rollcallv1.UserGroupStatus, acrollcall.UserGroupStatusApplyConfiguration]{
	Name: roster.KindUserGroup, Prototype: &rollcallv1.UserGroup{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.UserGroup, rollcallv1.UserGroupStatus) {
		return e.Roster.UserGroup(nil, name), e.Lint.UserGroup(name)
	},
	Live: func(o *rollcallv1.UserGroup) rollcallv1.UserGroupStatus { return o.Status },
	Parts: func(s *rollcallv1.UserGroupStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.UserGroup, s *acrollcall.UserGroupStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.UserGroup(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// Departments have in their status: whether it leads to anybody, and where its items go otherwise.
var Departments = Kind[*rollcallv1.Department, rollcallv1.DepartmentStatus, acrollcall.DepartmentStatusApplyConfiguration]{
	Name: roster.KindDepartment, Prototype: &rollcallv1.Department{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Department, rollcallv1.DepartmentStatus) {
		return e.Roster.Department(nil, name), e.Lint.Department(name)
	},
	Live: func(o *rollcallv1.Department) rollcallv1.DepartmentStatus { return o.Status },
	Parts: func(s *rollcallv1.DepartmentStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Department, s *acrollcall.DepartmentStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Department(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// Queues have in their status: whether it leads to anybody, who serves what it lists, and where its items go otherwise.
var Queues = Kind[*rollcallv1.Queue, rollcallv1.QueueStatus, acrollcall.QueueStatusApplyConfiguration]{
	Name: roster.KindQueue, Prototype: &rollcallv1.Queue{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Queue, rollcallv1.QueueStatus) {
		return e.Roster.Queue(nil, name), e.Lint.Queue(name)
	},
	Live: func(o *rollcallv1.Queue) rollcallv1.QueueStatus { return o.Status },
	Parts: func(s *rollcallv1.QueueStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Queue, s *acrollcall.QueueStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Queue(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// Campaigns have in their status: whether what it names exists.
var Campaigns = Kind[*rollcallv1.Campaign, rollcallv1.CampaignStatus, acrollcall.CampaignStatusApplyConfiguration]{
	Name: roster.KindCampaign, Prototype: &rollcallv1.Campaign{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.Campaign, rollcallv1.CampaignStatus) {
		return e.Roster.Campaign(nil, name), e.Lint.Campaign(name)
	},
	Live: func(o *rollcallv1.Campaign) rollcallv1.CampaignStatus { return o.Status },
	Parts: func(s *rollcallv1.CampaignStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.Campaign, s *acrollcall.CampaignStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.Campaign(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}

// InboundAutomations are written with whether what they name exists, and whether their actions fit into one Mention.
var InboundAutomations = Kind[*rollcallv1.InboundAutomation, rollcallv1.InboundAutomationStatus, acrollcall.InboundAutomationStatusApplyConfiguration]{
	Name: roster.KindInboundAutomation, Prototype: &rollcallv1.InboundAutomation{},
	Computed: func(e *engine.Engine, name string) (*rollcallv1.InboundAutomation, rollcallv1.InboundAutomationStatus) {
		return e.Roster.InboundAutomation(nil, name), e.Lint.InboundAutomation(name)
	},
	Live: func(o *rollcallv1.InboundAutomation) rollcallv1.InboundAutomationStatus { return o.Status },
	Parts: func(s *rollcallv1.InboundAutomationStatus) (*int64, *[]metav1.Condition) {
		return &s.ObservedGeneration, &s.Conditions
	},
	Declare: func(o *rollcallv1.InboundAutomation, s *acrollcall.InboundAutomationStatusApplyConfiguration) runtime.ApplyConfiguration {
		return acrollcall.InboundAutomation(o.Name, o.Namespace).WithUID(o.UID).WithStatus(s)
	},
}
