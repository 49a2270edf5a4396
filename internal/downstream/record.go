package downstream

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Kind is a sort of records.
type Kind string

// Kinds of records (API.md 4.10). Routes are plans and the schedules that they name.
const (
	Users    Kind = "Users"
	Groups   Kind = "Groups"
	Access   Kind = "Access"
	Routes   Kind = "Routes"
	Mentions Kind = "Mentions"
)

// Kinds lists the kinds in the order in which they are added: what others refer to comes first. Removals go the other way.
var Kinds = []Kind{Users, Groups, Access, Routes, Mentions}

// ID is the identity of a record.
type ID struct {
	Kind Kind
	Key  string
}

// String returns the identity as reports show it. Keys of people may be e-mail addresses: see Masked for logs.
func (id ID) String() string { return string(id.Kind) + "/" + id.Key }

// Compare orders identities by the order of Kinds, then by key.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(slices.Index(Kinds, id.Kind), slices.Index(Kinds, o.Kind)), strings.Compare(id.Key, o.Key))
}

// Masked returns the identity for logs: of an e-mail address only its domain is left.
func (id ID) Masked() string {
	if address, isEmail := strings.CutPrefix(id.Key, "email="); isEmail {
		_, domain, _ := strings.Cut(address, "@")
		return string(id.Kind) + "/email=…@" + domain
	}
	return id.String()
}

// Cause is why a record confers nothing any more, or is not wanted any more. It decides which guard applies.
type Cause string

// Causes. All but Inferred are explicit acts, which are never held for their number beyond safety.explicitLimit.
const (
	// CauseNone is the cause of an active record.
	CauseNone Cause = ""
	// Inferred: something else changed, and this followed from it.
	Inferred Cause = "Inferred"
	// Archived, Blocked and Ended are the phases of the person.
	Archived Cause = "Archived"
	Blocked  Cause = "Blocked"
	Ended    Cause = "Ended"
	// WindowEnd: a membership or grant with an end ended.
	WindowEnd Cause = "WindowEnd"
	// Deleted: the Teammate was deleted, and the grace is over.
	Deleted Cause = "Deleted"
	// Settled: a mention was resolved, has expired or was rejected.
	Settled Cause = "Settled"
	// Declared: the object itself says so, such as a group that is disabled or lists `members: []`.
	Declared Cause = "Declared"
)

// Explicit reports whether somebody asked for exactly this.
func (c Cause) Explicit() bool { return c != CauseNone && c != Inferred }

// Record is one record as it ought to be.
type Record struct {
	Kind Kind
	// Key is the identity, see the package comment.
	Key string
	// Name is the name of the object, an attribute: it may change. Unique within kind and content type.
	Name string
	// Active is false for a record that confers nothing: a closed gate, access without any permission, a group without
	// members, a mention without a Pending alert. Going from active to inactive is a removal to the guards.
	Active bool
	// Cause says why it is not active.
	Cause Cause
	// Content is one of User, Group, AccessGrants, Route, Schedule and Mention. It is shared: do not change it. nil in a
	// change that removes a record nothing is known of any more.
	Content Content
}

// ID returns the record's identity.
func (r Record) ID() ID { return ID{Kind: r.Kind, Key: r.Key} }

// Content is the body of a record: *User, *Group, *AccessGrants, *Route, *Schedule or *Mention. In all of them nil pointers
// and nil lists are not managed: what the system holds there is nobody's business; an empty list is empty on purpose. All
// times are UTC.
type Content interface{ content() }

func (*User) content()         {}
func (*Group) content()        {}
func (*AccessGrants) content() {}
func (*Route) content()        {}
func (*Schedule) content()     {}
func (*Mention) content()      {}

// User is a person, of kind Users.
type User struct {
	DirectoryID *string `json:"directoryID,omitempty"`
	EmployeeID  *string `json:"employeeID,omitempty"`
	Email       *string `json:"email,omitempty"`
	Username    *string `json:"username,omitempty"`

	// DisplayName is first and last name, else the object's name.
	DisplayName string  `json:"displayName"`
	FirstName   *string `json:"firstName,omitempty"`
	LastName    *string `json:"lastName,omitempty"`

	// Active is the gate: a person whose gate is closed may do nothing, and the account is to be disabled.
	Active bool `json:"active"`
	// Phase and Listing are those of R-4; Listing is Active, Invited, Archived or Invalid.
	Phase   string `json:"phase"`
	Listing string `json:"listing"`
	// AccountRole is empty if none is in effect; BaseType is its base type.
	AccountRole string `json:"accountRole"`
	BaseType    string `json:"baseType"`
	// Leader is the key of the effective team leader, empty for none.
	Leader         string `json:"leader"`
	CanManageTeams *bool  `json:"canManageTeams,omitempty"`

	Availability   string   `json:"availability"`
	MaxChats       *int32   `json:"maxChats,omitempty"` // -1: unlimited
	AutoAssignment *bool    `json:"autoAssignment,omitempty"`
	Extension      *string  `json:"extension,omitempty"`
	Channels       []string `json:"channels,omitzero"` // empty: all
	Skills         []Skill  `json:"skills,omitzero"`
	// Queues and Campaign are the assignment in effect.
	Queues   []string `json:"queues,omitzero"`
	Campaign *string  `json:"campaign,omitempty"`

	Practices []string  `json:"practices,omitzero"`
	Tags      []Tag     `json:"tags,omitzero"`
	TimeZone  *string   `json:"timeZone,omitempty"`
	Language  *string   `json:"language,omitempty"`
	Schedule  *string   `json:"schedule,omitempty"` // name of the Schedule
	Absences  []Absence `json:"absences,omitzero"`

	Card             *Card   `json:"card,omitempty"`
	SurveyEligible   bool    `json:"surveyEligible"`
	StartDate        *string `json:"startDate,omitempty"` // YYYY-MM-DD
	EmploymentStatus *string `json:"employmentStatus,omitempty"`

	// Invitation is what a driver that sends mail or creates accounts needs.
	Invitation Invitation `json:"invitation"`
}

// Skill is a skill and its level, at least 1.
type Skill struct {
	Name  string `json:"name"`
	Level int32  `json:"level"`
}

// Tag is a label on a person; Color is #rrggbb or empty.
type Tag struct {
	Name  string `json:"name"`
	Color string `json:"color,omitempty"`
}

// Absence is planned; nil bounds are open.
type Absence struct {
	Name  string     `json:"name"`
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	Note  string     `json:"note,omitempty"`
}

// Card is the card that surveys use.
type Card struct {
	ImageURL       string `json:"imageURL,omitempty"`
	Bio            string `json:"bio,omitempty"`
	HomeTown       string `json:"homeTown,omitempty"`
	StateOrCountry string `json:"stateOrCountry,omitempty"`
}

// Invitation says how a person is to get in.
type Invitation struct {
	Method       string     `json:"method"`          // Create, Invite, Directory, Import
	WelcomeEmail string     `json:"welcomeEmail"`    // Immediate, Delayed
	Token        string     `json:"token,omitempty"` // a change sends the invitation again
	ConfirmedAt  *time.Time `json:"confirmedAt,omitempty"`
	// PasswordSecret and PasswordKey name the Secret with a temporary password, which the caller of the driver reads.
	PasswordSecret string `json:"passwordSecret,omitempty"`
	PasswordKey    string `json:"passwordKey,omitempty"`
}

// Group is a UserGroup, of kind Groups; its key is the name.
type Group struct {
	DisplayName string     `json:"displayName"`
	Description string     `json:"description"`
	Handle      string     `json:"handle"`
	Scope       string     `json:"scope"` // Organization, Practice, Enterprise
	Practices   []string   `json:"practices,omitzero"`
	Enabled     bool       `json:"enabled"`
	Criteria    []Criteria `json:"criteria,omitzero"`
	// Members are all accepted members, those through includes too, by key. nil if the group declares none, or if it
	// cannot be told while a selector or an include does not resolve.
	Members []Member `json:"members,omitzero"`
	// Supervisors are the accepted ones, by key.
	Supervisors []string `json:"supervisors,omitzero"`
	// Profiles are the usable ones; ProfileRole is what the group confers on them.
	Profiles    []string `json:"profiles,omitzero"`
	ProfileRole *string  `json:"profileRole,omitempty"`
	Schedule    *string  `json:"schedule,omitempty"`
	Extension   *string  `json:"extension,omitempty"`
	Reporting   bool     `json:"reporting"`
}

// Criteria classifies a group.
type Criteria struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Member is one member of a group.
type Member struct {
	Key string `json:"key"`
	// Active is the gate of the person. Members whose gate is closed stay members and may do nothing.
	Active   bool   `json:"active"`
	Position *int32 `json:"position,omitempty"`
	// Until is when the membership ends by itself; nil: not.
	Until *time.Time `json:"until,omitempty"`
}

// AccessGrants is what a person may do, of kind Access; it has the key of the person. It is complete, never cut.
type AccessGrants struct {
	Username *string `json:"username,omitempty"`
	// Active is the gate; while it is closed nothing else is set.
	Active      bool   `json:"active"`
	Phase       string `json:"phase"`
	GateReason  string `json:"gateReason,omitempty"`
	AccountRole string `json:"accountRole"`
	BaseType    string `json:"baseType"`
	// Permissions are those of the organization, concrete and sorted.
	Permissions []string `json:"permissions,omitzero"`
	// Grants are sorted by their first profile; no profile is in two of them.
	Grants     []Grant      `json:"grants,omitzero"`
	Groups     []string     `json:"groups,omitzero"`
	Supervises []Supervised `json:"supervises,omitzero"`
	DataScope  *DataScope   `json:"dataScope,omitempty"`
	Voice      *Voice       `json:"voice,omitempty"`
}

// Grant is what a person may do on some profiles.
type Grant struct {
	Permissions []string `json:"permissions"`
	// Profiles are the names; for AllProfiles all usable ones that no other grant names, as they are now.
	Profiles          []string `json:"profiles"`
	AllProfiles       bool     `json:"allProfiles,omitempty"`
	ApprovalRequired  []string `json:"approvalRequired,omitempty"`
	ContentVisibility string   `json:"contentVisibility,omitempty"`
	Sources           []Source `json:"sources,omitempty"`
}

// Source is where a grant comes from: Direct, Group, Practice or Default.
type Source struct {
	Type        string `json:"type"`
	Name        string `json:"name,omitempty"`
	ProfileRole string `json:"profileRole"`
	Stamped     bool   `json:"stamped,omitempty"`
}

// Supervised is something a person supervises: a UserGroup, Queue or Campaign.
type Supervised struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// DataScope are the anchors of what a person may see of others. Leader is a key.
type DataScope struct {
	All         bool     `json:"all,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	Departments []string `json:"departments,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	Queues      []string `json:"queues,omitempty"`
	Campaigns   []string `json:"campaigns,omitempty"`
	Practices   []string `json:"practices,omitempty"`
	Leader      string   `json:"leader,omitempty"`
	Areas       []Area   `json:"areas,omitempty"`
}

// Area has scopes of its own.
type Area struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

// Voice are telephone settings in effect.
type Voice struct {
	OutboundCalls           bool   `json:"outboundCalls"`
	CallerIDProfile         string `json:"callerIDProfile,omitempty"`
	CallerID                string `json:"callerID,omitempty"` // number of the caller ID profile
	AgentsCanChangeCallerID bool   `json:"agentsCanChangeCallerID"`
	RecordingAccess         bool   `json:"recordingAccess"`
}

// Route is a plan, of kind Routes; its key is RouteKey(kind, name). It names hours and never says what is open.
type Route struct {
	TargetKind string `json:"targetKind"` // UserGroup, Department, Queue, Campaign
	// DisplayName is that of the target.
	DisplayName string `json:"displayName"`
	Strategy    string `json:"strategy"`
	Mode        string `json:"mode,omitempty"`
	// Profiles are those whose items arrive here.
	Profiles []RouteProfile `json:"profiles,omitzero"`
	// Candidates are in the order of the strategy.
	Candidates  []Candidate `json:"candidates,omitzero"`
	Pools       []Pool      `json:"pools,omitzero"`
	Timeouts    Timeouts    `json:"timeouts"`
	Cap         *Cap        `json:"cap,omitempty"`
	Extension   *string     `json:"extension,omitempty"`
	CallerID    *string     `json:"callerID,omitempty"` // number of the caller ID profile
	Audio       *Audio      `json:"audio,omitempty"`
	Supervisors []string    `json:"supervisors,omitzero"` // keys
	Overflow    Destination `json:"overflow"`
	OutOfHours  Destination `json:"outOfHours"`
	// Schedule is the key of the Schedule record with the target's hours; nil: with pools, open while one of them is;
	// without, always.
	Schedule *string  `json:"schedule,omitempty"`
	Bot      *Bot     `json:"bot,omitempty"`
	Waiting  *Waiting `json:"waiting,omitempty"` // queues
}

// RouteProfile is an inbound profile; Number is set for phones and lines.
type RouteProfile struct {
	Name   string `json:"name"`
	Number string `json:"number,omitempty"`
}

// Candidate is one person a route may offer items to.
type Candidate struct {
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	Groups     []string `json:"groups,omitempty"`
	Position   *int32   `json:"position,omitempty"`
	Extension  string   `json:"extension,omitempty"`
	SkillScore *int32   `json:"skillScore,omitempty"`
	MaxChats   *int32   `json:"maxChats,omitempty"`
	Schedule   string   `json:"schedule,omitempty"` // key of a Schedule record: own hours
	Absence    *Absence `json:"absence,omitempty"`  // the first one that has not ended; Users have them all
	Channels   []string `json:"channels,omitempty"`
}

// Pool is one group of a department. Schedule is the key of a Schedule record.
type Pool struct {
	Group    string `json:"group"`
	Weight   *int32 `json:"weight,omitempty"`
	Schedule string `json:"schedule,omitempty"`
}

// Timeouts are in milliseconds; nil: does not apply.
type Timeouts struct {
	MaxRingTime         *int64 `json:"maxRingTime,omitempty"`
	MaxGroupDialingTime *int64 `json:"maxGroupDialingTime,omitempty"`
	MaxWaitingTime      *int64 `json:"maxWaitingTime,omitempty"`
	ReassignAfter       *int64 `json:"reassignAfter,omitempty"`
	OverflowAfter       *int64 `json:"overflowAfter,omitempty"`
}

// Cap limits ringing legs; Scope is PerCall or PerGroup.
type Cap struct {
	Legs  int32  `json:"legs"`
	Scope string `json:"scope"`
}

// Audio is a recording: one of the fields beside Type is set.
type Audio struct {
	Type      string `json:"type"`
	LibraryID string `json:"libraryID,omitempty"`
	URL       string `json:"url,omitempty"`
	ConfigMap string `json:"configMap,omitempty"`
	Key       string `json:"key,omitempty"`
}

// Destination is where items go that a target does not serve; Name is that of a target.
type Destination struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

// Bot takes items before people do, or instead of them.
type Bot struct {
	Name string `json:"name"`
	Only bool   `json:"only"`
}

// Waiting says how a queue hands out what waits.
type Waiting struct {
	Voice           string `json:"voice,omitempty"` // selection; empty: not this channel
	Messaging       string `json:"messaging,omitempty"`
	MessagingPooled bool   `json:"messagingPooled"`
	HighestPriority bool   `json:"highestPriority"`
	Priority        int32  `json:"priority"`
	MaxSize         *int32 `json:"maxSize,omitempty"`
	HoldWithout     bool   `json:"holdWithoutAgents"`
}

// Schedule are opening hours, of kind Routes; its key is ScheduleKey(name).
type Schedule struct {
	TimeZone string `json:"timeZone"`
	Mode     string `json:"mode"` // Weekly, AlwaysOpen, AlwaysClosed
	// Weekly are local times on a weekday; Close is "24:00" at most, and past midnight where it is not after Open.
	Weekly     []Hours     `json:"weekly"`
	Exceptions []Exception `json:"exceptions"`
}

// Hours are open hours that begin on a weekday, Monday to Sunday.
type Hours struct {
	Day   string `json:"day"`
	Open  string `json:"open"`
	Close string `json:"close"`
}

// Exception replaces the hours of one date, YYYY-MM-DD. No spans: closed.
type Exception struct {
	Date  string `json:"date"`
	Spans []Span `json:"spans"`
}

// Span is from Open to Close, HH:MM.
type Span struct {
	Open  string `json:"open"`
	Close string `json:"close"`
}

// Mention is a mention with its alerts, of kind Mentions; its key is the name. A Pending alert is the grant of
// conversation.view, conversation.reply and conversation.resolve on that conversation.
type Mention struct {
	Phase string `json:"phase"`
	// Conversation is empty for a notification.
	Conversation       string     `json:"conversation,omitempty"` // id over there
	Profile            string     `json:"profile,omitempty"`
	Practice           string     `json:"practice,omitempty"`
	ConversationStatus string     `json:"conversationStatus,omitempty"`
	Message            string     `json:"message,omitempty"`
	Author             string     `json:"author,omitempty"` // key
	Groups             []string   `json:"groups,omitempty"`
	Alerts             []Alert    `json:"alerts,omitzero"`
	AcceptedAt         *time.Time `json:"acceptedAt,omitempty"`
	ExpiresAt          *time.Time `json:"expiresAt,omitempty"`
	ResolvedAt         *time.Time `json:"resolvedAt,omitempty"`
	ResolvedBy         string     `json:"resolvedBy,omitempty"` // key
}

// Alert is one recipient of a mention; State is Pending, Resolved, Closed or Suspended.
type Alert struct {
	Key    string   `json:"key"`
	State  string   `json:"state"`
	Via    []string `json:"via,omitempty"`
	Direct bool     `json:"direct,omitempty"`
	// Permissions are what a Pending alert grants on the conversation; empty for a notification, and for those whom a
	// deny takes it from.
	Permissions []string `json:"permissions,omitempty"`
	// Notify lists how a group wants this member told: InApp, Email.
	Notify []string `json:"notify,omitempty"`
}

// RouteKey is the key of the plan of a target, in the form of the object's name: usergroup-<name>.
func RouteKey(targetKind, name string) string { return strings.ToLower(targetKind) + "-" + name }

// ScheduleKey is the key of a schedule.
func ScheduleKey(name string) string { return scheduleKey + name }

const scheduleKey = "schedule/"

// IsSchedule reports whether a key of kind Routes is that of a schedule.
func IsSchedule(key string) bool { return strings.HasPrefix(key, scheduleKey) }

// Hash returns 16 hexadecimal digits of SHA-256 over the canonical JSON of content.
func Hash(c Content) (string, error) {
	b, err := canonical.JSON(c)
	if err != nil {
		return "", err
	}
	return canonical.Hash(b), nil
}
