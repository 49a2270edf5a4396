package routing

import (
	"slices"
	"time"
)

// Kind is the kind of object that a plan routes to.
type Kind string

// Kinds of targets.
const (
	KindUserGroup  Kind = "UserGroup"
	KindDepartment Kind = "Department"
	KindQueue      Kind = "Queue"
	KindCampaign   Kind = "Campaign"
)

// Strategy says how one of several candidates is chosen.
type Strategy string

// The first three are dialing strategies; the others choose an agent of a department or a queue.
const (
	Simultaneous   Strategy = "Simultaneous"
	Random         Strategy = "Random"
	Sequential     Strategy = "Sequential"
	RoundRobin     Strategy = "RoundRobin"
	LeastActive    Strategy = "LeastActive"
	LongestIdle    Strategy = "LongestIdle"
	MostQualified  Strategy = "MostQualified"
	LeastQualified Strategy = "LeastQualified"
)

// Mode is how a department hands out items.
type Mode string

// Pooled: anybody eligible may claim. Assigned: the engine chooses.
const (
	Pooled   Mode = "Pooled"
	Assigned Mode = "Assigned"
)

// ChatCounts is pol:chatLimit.counts: which chats count against a person's limit.
type ChatCounts string

// Values of pol:chatLimit.counts.
const (
	AutoAssignedOnly ChatCounts = "AutoAssignedOnly"
	AllAssigned      ChatCounts = "AllAssigned"
)

// CapScope says whose ringing legs count against Cap.Legs.
type CapScope string

// Values of Organization.spec.voice.unansweredCallsScope.
const (
	PerCall  CapScope = "PerCall"
	PerGroup CapScope = "PerGroup"
)

// Reason is why a teammate is not eligible.
type Reason string

// Reasons in the order of R-15; the first failing one is reported.
const (
	ReasonLifecycle         Reason = "Lifecycle"
	ReasonNotMember         Reason = "NotMember"
	ReasonSupervisorOnly    Reason = "SupervisorOnly"
	ReasonRoleCannotHandle  Reason = "RoleCannotHandle"
	ReasonNoProfileAccess   Reason = "NoProfileAccess"
	ReasonChannel           Reason = "Channel"
	ReasonAvailability      Reason = "Availability"
	ReasonCampaignExclusive Reason = "CampaignExclusive"
	ReasonSkills            Reason = "Skills"
	ReasonAutoAssignmentOff Reason = "AutoAssignmentOff"
	ReasonSchedule          Reason = "Schedule"
	ReasonOffShift          Reason = "OffShift"
	ReasonAbsent            Reason = "Absent"
	ReasonPresence          Reason = "Presence"
	ReasonCapacity          Reason = "Capacity"
)

// Types of destinations that end an item instead of passing it on.
const (
	DestinationHangup     = "Hangup"
	DestinationVoicemail  = "Voicemail"
	DestinationUnassigned = "Unassigned"
	DestinationReject     = "Reject"
)

// Plan is the complete content of one RoutePlan, never truncated, together with the few settings that only the engine
// reads. Its next transition is kept beside it (Planner.NextTransition). It names schedules and absences and never says what is open.
type Plan struct {
	Target Target
	// Strategy is the dialing strategy of a group, or the selection of a department, which counts in mode Assigned only, or
	// of a queue: where its two channels differ, Voice=X,Messaging=Y. Empty for campaigns.
	Strategy Strategy
	// Mode is the mode in effect of a department: Pooled too where the organization assigns no chats automatically.
	// That of a campaign is Predictive or Progressive. Empty for other kinds.
	Mode Mode
	// Candidates passed every static reason, in the order of the strategy: dialing by (position, none last; name),
	// MostQualified under Assigned and in queues by (skill score descending; name), LeastQualified by (skill score; name),
	// everything else by name.
	Candidates []Candidate
	// Excluded are members, assigned people and supervisors of the target that did not, by name, with the first reason.
	Excluded []Exclusion
	// Pools are the enabled groups of a department, by name; empty if it lists none.
	Pools    []Pool
	Timeouts Timeouts
	// Cap limits the ringing legs of Simultaneous dialing; nil otherwise.
	Cap *Cap
	// Voice is set for dialing groups.
	Voice       *Voice
	Supervisors []string
	// Overflow and OutOfHours are what is left after edges on a cycle were replaced by the default of the kind.
	Overflow   Destination
	OutOfHours Destination
	// Schedule is the target's own hours, or the one it falls back to. A zero value with pools: open while any pool
	// is; without pools: always open.
	Schedule Schedule

	// NoLiveGroup is set when a department lists groups and none of them exists and is enabled (R-17 rule 7).
	NoLiveGroup bool
	// ChatCounts is the resolved pol:chatLimit.counts.
	ChatCounts ChatCounts
	// Bot is the bot of a department, or nil.
	Bot *Bot
	// Waiting is set for queues.
	Waiting *Waiting
}

// Target is the object that a plan belongs to.
type Target struct {
	Kind Kind
	Name string
}

// Candidate is one person who may be offered items of the target.
type Candidate struct {
	Name string
	// Groups are all pools of the department that the person is a member of, by name; nil for other kinds and for a
	// department without groups.
	Groups []string
	// Position is the place in an ordered member list; nil comes after all positions.
	Position *int32
	// Extension is the phone extension that the person holds; empty: none.
	Extension string
	// SkillScore is the sum of the levels of the required skills; nil where the target requires none.
	SkillScore *int32
	// MaxChats is the effective chat limit, -1 for unlimited; nil where chats play no part.
	MaxChats *int32
	// Schedule names the person's own hours; empty: always on shift.
	Schedule string
	// Absence is the first absence that has not ended at the time of computation.
	Absence *Absence
	// Channels are the channels the person takes, in queues those on which items of the queue are offered to the person;
	// sorted; empty: all.
	Channels []string
}

// Absence is a window of planned absence, from From until just before Until; a nil bound is open.
type Absence struct {
	From  *time.Time
	Until *time.Time
}

// covers says whether now lies inside the window.
func (a *Absence) covers(now time.Time) bool {
	return (a.From == nil || !now.Before(*a.From)) && (a.Until == nil || now.Before(*a.Until))
}

// Exclusion is a person who is not eligible and the first failing reason.
type Exclusion struct {
	Name   string `json:"name"`
	Reason Reason `json:"reason"`
}

// Pool is one enabled group of a department.
type Pool struct {
	// Name is that of the UserGroup.
	Name string
	// Weight is the group's share of 100 items; 0: fallback only; nil: the department has no weights.
	Weight *int32
	// MemberCount counts accepted members, whatever their gate.
	MemberCount int
	// Schedule names the hours of the group inside this department; empty: always open.
	Schedule string
}

// Timeouts are the waiting times of a target; nil: does not apply.
type Timeouts struct {
	MaxRingTime         *time.Duration
	MaxGroupDialingTime *time.Duration
	MaxWaitingTime      *time.Duration
	ReassignAfter       *time.Duration
	OverflowAfter       *time.Duration
}

// Cap is the greatest number of legs that ring at once.
type Cap struct {
	Legs  int32
	Scope CapScope
}

// Voice are the telephone settings of a dialing group.
type Voice struct {
	Extension       string
	CallerIDProfile string
	Audio           *Audio
}

// Audio is a recording: exactly one of the fields beside Type is set.
type Audio struct {
	Type          string
	LibraryID     string
	URL           string
	ConfigMapName string
	ConfigMapKey  string
}

// Destination is where an item goes that this target does not serve. Name is set for Department, Queue and UserGroup.
type Destination struct {
	Type string
	Name string
}

// endsItem says whether nothing and nobody takes the item over there.
func (d Destination) endsItem() bool {
	return d.Type == "" || d.Type == DestinationHangup || d.Type == DestinationUnassigned || d.Type == DestinationReject
}

// Schedule names hours and the zone they are read in.
type Schedule struct {
	Name     string
	TimeZone string
}

// Bot takes items before people do, or instead of them.
type Bot struct {
	Name string
	Only bool
}

// Routable says whether the target has anybody to route to; otherwise it gives the reason of the condition Routable
// (R-17 rule 7): AllGroupsDisabled or NoCandidates.
func (p *Plan) Routable() (ok bool, reason string) {
	switch {
	case p.NoLiveGroup:
		return false, "AllGroupsDisabled"
	case len(p.Candidates) == 0:
		return false, "NoCandidates"
	default:
		return true, ""
	}
}

// Weighted says whether the groups of a department share its items by weight.
func (p *Plan) Weighted() bool {
	return len(p.Pools) > 0 && !slices.ContainsFunc(p.Pools, func(g Pool) bool { return g.Weight == nil })
}

// Without returns the plan as it would be if nobody of that name were a candidate. The receiver is left alone.
func (p *Plan) Without(name string) *Plan {
	out := *p
	out.Candidates = slices.DeleteFunc(slices.Clone(p.Candidates), func(c Candidate) bool { return c.Name == name })
	return &out
}
