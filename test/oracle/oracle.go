// Package oracle is the slow reference for the engine: RULES.md written down a second time, as loops over lists and maps of
// strings, so that property tests can compare the two on random organizations. It shares no code with the engine, keeps
// nothing between two calls and has no indexes; where it can say something plainly or quickly, it says it plainly. It covers
// for organizations, schedules, roles, profiles, teammates, groups, departments, queues, campaigns and mentions.
package oracle

import (
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Org is all objects of one namespace. The order of the lists means nothing.
type Org struct {
	// Organization is nil where there is none; then nothing is computed.
	Organization *rollcallv1.Organization
	Schedules    []rollcallv1.Schedule
	AccountRoles []rollcallv1.AccountRole
	ProfileRoles []rollcallv1.ProfileRole
	Profiles     []rollcallv1.Profile
	Teammates    []rollcallv1.Teammate
	UserGroups   []rollcallv1.UserGroup
	Departments  []rollcallv1.Department
	Queues       []rollcallv1.Queue
	Campaigns    []rollcallv1.Campaign
	Mentions     []rollcallv1.Mention
}

// State is what the Ledger and the statuses of Mentions hold. The zero State is that of a new organization.
type State struct {
	// Recorded says that a Ledger object of any record exists; only then do creation times decide about keys.
	Recorded bool
	// Lost says that the namespace has an output but no Ledger. The rest is empty then, but for Mentions.
	Lost bool
	// Keys has the holder of each unique key, such as "email=ana@x".
	Keys map[string]Ref
	// People is sorted by name, then key.
	People []Person
	// Stamps is by the name of the group.
	Stamps map[string]Stamp
	// Mentions is by name; it is no part of the Ledger.
	Mentions map[string]Mention
}

// Ref names an object.
type Ref struct{ Kind, Name string }

// Person is what the Ledger keeps of one person.
type Person struct {
	// Key is the identity key in the form of R-3, Name the object's name when last seen.
	Key, Name               string
	ConfirmedAt, ArchivedAt *time.Time
	ApprovedCard            *Card
	// Home and Cover are the incumbents of R-5, "" for none.
	Home, Cover string
	// Campaign is the effective one of R-18, "" for none.
	Campaign string
	// MissingSince is when nobody matched the record for the first time. The Ledger does not store it; a record is dropped
	// two minutes later, the shortest deletion grace.
	MissingSince *time.Time
}

// Card is what surveys may show of a person.
type Card struct {
	FirstName, Bio, HomeTown, StateOrCountry *string
	Image                                    *Image
}

// Image is the picture of a Card.
type Image struct {
	URL           string
	Width, Height *int32
}

// Stamp is the permission-set stamp of one group. AppliedAt is nil in a lost stamp.
type Stamp struct {
	ProfileRole, Token string
	AppliedAt          *time.Time
	Members, Profiles  []string
}

// Lost reports whether the stamp stands for one that was lost with the Ledger.
func (s Stamp) Lost() bool { return s.AppliedAt == nil }

// Result is everything that follows from an organization, its state and a time. All lists are sorted by name unless said
// otherwise; nil and empty lists mean the same.
type Result struct {
	// Teammates, Groups, Departments and Roles are by the names of the objects; Roles are profile roles, the built-in ones
	// without an object included.
	Teammates   map[string]Teammate
	Groups      map[string]Group
	Departments map[string]Department
	Roles       map[string]Role
	// Plans is by target: every department, and while the contact centre is enabled every enabled group with dialing, every
	// queue and every campaign.
	Plans map[Ref]Plan
	// Mentions is by name.
	Mentions map[string]Mention
	// Inbound is by profile; profiles that no target serves are absent and go to DefaultDepartment, if that is not "".
	Inbound           map[string]Inbound
	DefaultDepartment string
	// Next is the state after this evaluation; Next.Keys has the holder of every key that is claimed.
	Next State
}

// Teammate is what follows for one person.
type Teammate struct {
	Phase string
	// Reason says why the phase is Invalid: UnresolvedReference, BaseTypeNotAllowed, OwnerNotTenantAdmin or
	// DuplicateIdentity, the first that holds in this order; "" in other phases.
	Reason string
	// GateOpen and ListedAs ("Invalid", "Invited", "Active", "Archived") follow the table of R-4; GateReason is "" while the
	// gate is open, Deleting for a terminating object, else the phase.
	GateOpen       bool
	GateReason     string
	ListedAs       string
	CardHash       string
	SurveyEligible bool
	// LostKeys are the keys that the person claims and somebody else holds.
	LostKeys []string
	// AccountRole is the name of the role, "" if it is absent or not allowed; BaseType is None then.
	AccountRole, BaseType string
	Leader                string
	// LeaderProblem is the reason of TeamLeaderResolved=False, "" if there is none: Missing, Unresolved, NotALeader,
	// LeaderArchived, LeaderCycle.
	LeaderProblem string
	// Groups are the accepted ones, Disabled ones included; Supervises are the groups that accept the person as supervisor.
	Groups     []Membership
	Supervises []string
	// SupervisesQueues and SupervisesCampaigns are those that accept the person as supervisor.
	SupervisesQueues, SupervisesCampaigns []string
	Assignment                            Assignment
	// The rest is empty while the gate is closed.
	AccountPermissions []string
	Profiles           []Profile
	DataScope          DataScope
	Voice              Voice
	Chat               Chat
	// Opened are the mention grants, by mention.
	Opened []Opened
}

// Assignment is what a person works on.
type Assignment struct {
	// Type is the one in effect: None, Queues or Campaign; Campaign is "" under the other two.
	Type, Campaign string
	// NotReleased says that the campaign stays although spec asks for queues.
	NotReleased bool
	// Queues are direct ones by name, then those through groups by name; Cut are those beyond maxQueues.
	Queues, Cut []string
}

// Membership is one accepted group with the claims that lead into it, by rank and then by the including group's member.
type Membership struct {
	Group       string
	Provenances []Provenance
}

// Provenance is one claim: Explicit, Teammate, Selector, or Include with the included group it comes from.
type Provenance struct{ Claim, Via string }

// Profile is one visible profile and what the person may do on it.
type Profile struct {
	Name string
	// Permissions may be empty: a visible profile without a profile role stays visible.
	Permissions, ApprovalRequired []string
	// ContentVisibility is All or AssignedOnly, the latter also when no source is used.
	ContentVisibility string
	// Sources are all present ones by type (Direct, Group, Practice, Default) and name.
	Sources []Source
}

// Source is a profile role that reaches a person on a profile.
type Source struct {
	Type, Name, ProfileRole string
	// Stamped says that the pair is in the stamp of an OnReflash group.
	Stamped bool
	// Granting is false for sources that only deny: those that MostSpecific passes over, and pairs of a lost stamp.
	Granting bool
}

// DataScope has the anchors of R-12. Anchors are filled for every scope that Scopes or Areas name.
type DataScope struct {
	Scopes                         []string
	Areas                          map[string][]string
	All                            bool
	Departments, Groups, Practices []string
	Queues, Campaigns              []string
	Leader                         string
}

// Voice has the settings of R-13; Consistent is VoiceSettingsConsistent.
type Voice struct {
	OutboundCalls, AgentsCanChangeCallerID, RecordingAccess bool
	CallerIDProfile                                         string
	Consistent                                              bool
}

// Chat has the limits of R-13; MaxChats -1 is unlimited; InRange is ChatLimitInRange.
type Chat struct {
	MaxChats       int32
	AutoAssignment bool
	InRange        bool
}

// Group is what follows for one group.
type Group struct {
	// Members are the accepted ones, whatever their gate.
	Members  []Member
	Rejected []Rejection
	// Unresolved are explicit members that do not exist.
	Unresolved []string
	// Supervisors are the accepted ones.
	Supervisors []string
	Profiles    []string
	// Cyclic says IncludesAcyclic=False; Closing are the included groups whose edge is ignored for people.
	Cyclic  bool
	Closing []string
	// LostKeys are the keys that the group claims and somebody else holds.
	LostKeys []string
	// Stamp is the stamp after this evaluation, nil where there is none; the counts are R-10's pending.
	Stamp                           *Stamp
	PendingMembers, PendingProfiles int
}

// Member is an accepted member.
type Member struct {
	Name        string
	Provenances []Provenance
}

// Rejection is a person with a valid claim who is not accepted. Yielding says that a home group only yields to a cover,
// which leaves MembersAccepted=True.
type Rejection struct {
	Name, Reason string
	Yielding     bool
}

// Department is what follows for one department beside its plan.
type Department struct {
	// Default says that the department holds the key defaultDepartment.
	Default bool
	// Groups are the enabled, existing ones.
	Groups   []string
	LostKeys []string
}

// Role is what follows for one profile role.
type Role struct {
	// Permissions is the closed expansion with includes, before any deny; Denies are the patterns that reach holders.
	Permissions, Denies []string
	Cyclic              bool
	Closing             []string
}

// Plan is a RoutePlan without numbers copied from the spec.
type Plan struct {
	Strategy, Mode string
	// Candidates are in plan order.
	Candidates []Candidate
	// Excluded are the members that are no candidates, and supervisors of a dialing group that are no members of it.
	Excluded []Exclusion
	Pools    []Pool
	// Served are the profiles that the target serves before conflicts are settled.
	Served []string
	// InboundConflict says that another target serves a profile of this one in the same way and wins it.
	InboundConflict bool
	// OverflowCycle says that an edge of this target lies on a cycle; Overflow and OutOfHours are what stays.
	OverflowCycle        bool
	Overflow, OutOfHours Exit
	Supervisors          []string
	// Schedule is the target's own choice, "" for always open or, in a department, for the hours of its groups.
	Schedule, TimeZone string
	Extension          string
	CallerIDProfile    string
	// Routable is false without candidates; AllGroupsDisabled tells one reason from the other.
	Routable, AllGroupsDisabled bool
}

// Candidate is one person of a plan.
type Candidate struct {
	Name string
	// Groups are those of the department that the person is in; empty for a dialing group.
	Groups    []string
	Position  *int32
	Extension string
	// SkillScore is the sum of the levels of the required skills.
	SkillScore int32
	MaxChats   int32
	Schedule   string
	// Channels are those on which a queue offers items to the person, sorted; empty for other kinds.
	Channels []string
	// AbsenceFrom and AbsenceUntil bound the first absence that is not over; HasAbsence tells an unbounded one from none.
	HasAbsence                bool
	AbsenceFrom, AbsenceUntil *time.Time
}

// Exclusion names the first reason of R-15 that failed.
type Exclusion struct{ Name, Reason string }

// Pool is one enabled group of a department.
type Pool struct {
	Group       string
	Weight      *int32
	MemberCount int
	Schedule    string
}

// Exit is where calls and conversations go.
type Exit struct{ Type, Name string }

// Inbound is who gets the items of one profile, and who serves it equally strongly and does not.
type Inbound struct {
	Owner  Ref
	Losers []Ref
}
