package lint

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Severity says how much a finding weighs.
type Severity string

// Error: something that was written is not in effect. Warning: data to complete or correct; nothing stops. Info: worth
// knowing.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Finding is one thing that `validate` reports (CLI.md).
type Finding struct {
	Severity Severity `json:"severity"`
	// Rule is CEL-n, VAP-n, ACT-n, Schema, or the reason of a condition.
	Rule string `json:"rule"`
	// Object is Kind/name.
	Object  string `json:"object"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// weight is what a condition means to whoever edits files: its severity and the field to look at first.
type weight struct {
	severity Severity
	field    string
}

// weights lists the conditions that become findings when they are abnormal. Those that are not here (Mentionable=False
// because nobody asked for it, InUse, Reconciling, Stalled) say nothing that has to be edited.
var weights = map[string]weight{
	rollcallv1.ConditionReady:                   {SeverityError, ""},
	rollcallv1.ConditionPoliciesResolved:        {SeverityError, "spec.policies"},
	rollcallv1.ConditionPolicyCompliant:         {SeverityError, "spec"},
	rollcallv1.ConditionReferencesResolved:      {SeverityError, "spec"},
	rollcallv1.ConditionKeysUnique:              {SeverityError, "spec"},
	rollcallv1.ConditionRoleAllowed:             {SeverityError, "spec.accountRoleRef"},
	rollcallv1.ConditionIncludesAcyclic:         {SeverityError, "spec.includes"},
	rollcallv1.ConditionMembersAccepted:         {SeverityError, "spec.members"},
	rollcallv1.ConditionSupervisorsAccepted:     {SeverityError, "spec.supervisors"},
	rollcallv1.ConditionRoutable:                {SeverityError, "spec.groups"},
	rollcallv1.ConditionOverflowAcyclic:         {SeverityError, "spec"},
	rollcallv1.ConditionInboundUnique:           {SeverityError, "spec"},
	rollcallv1.ConditionDelivered:               {SeverityError, "spec"},
	rollcallv1.ConditionPermissionsKnown:        {SeverityWarning, "spec.permissions"},
	rollcallv1.ConditionTeamLeaderResolved:      {SeverityWarning, "spec.teamLeaderRef"},
	rollcallv1.ConditionCardComplete:            {SeverityWarning, "spec"},
	rollcallv1.ConditionImageAdequate:           {SeverityWarning, "spec.card.image"},
	rollcallv1.ConditionChatLimitInRange:        {SeverityWarning, "spec.maxChats"},
	rollcallv1.ConditionQueueLimitRespected:     {SeverityWarning, "spec.assignment.queues"},
	rollcallv1.ConditionVoiceSettingsConsistent: {SeverityWarning, "spec.voice"},
	rollcallv1.ConditionInvitationsDeliverable:  {SeverityWarning, "spec.policies.onboarding"},
	rollcallv1.ConditionMentionable:             {SeverityWarning, "spec.mention"},
	rollcallv1.ConditionCardApproved:            {SeverityInfo, "spec.card.approval"},
	rollcallv1.ConditionNotifiable:              {SeverityInfo, "spec.identity.email"},
	rollcallv1.ConditionPermissionSetCurrent:    {SeverityInfo, "spec.permissionSet"},
	rollcallv1.ConditionSuspended:               {SeverityInfo, "spec.suspend"},
}

// reasons refines weights: by reason, whichever condition carries it. An empty severity makes no finding.
var reasons = map[string]weight{
	rollcallv1.ReasonIdentityMissing:       {SeverityWarning, "spec.identity"},
	rollcallv1.ReasonEmailDomainNotAllowed: {SeverityWarning, "spec.identity.email"},
	rollcallv1.ReasonCustomRoleNotAllowed:  {SeverityWarning, "spec"},
	rollcallv1.ReasonBlockDuration:         {SeverityWarning, "spec.lifecycle"},
	rollcallv1.ReasonCampaignNotReleased:   {SeverityError, "spec.assignment"},
	rollcallv1.ReasonIncludesNotAllowed:    {SeverityError, "spec.includes"},
	rollcallv1.ReasonGroupInUse:            {SeverityError, "spec.state"},
	rollcallv1.ReasonInvalidSelector:       {SeverityError, "spec.memberSelector"},
	rollcallv1.ReasonUnknownTimeZone:       {SeverityError, "spec.timeZone"},
	rollcallv1.ReasonAuthorNotAllowed:      {SeverityError, "spec.source"},
	rollcallv1.ReasonNoActiveRecipients:    {SeverityWarning, "spec"},
	// Groups that nobody wants to mention, or cannot be mentioned yet, are as they should be.
	rollcallv1.ReasonDisabled:   {},
	rollcallv1.ReasonMentionOff: {},
	rollcallv1.ReasonNoPractice: {},
	rollcallv1.ReasonNoMembers:  {SeverityInfo, "spec.members"},
}

// abnormalWhenTrue are the conditions whose True says that something is unusual.
var abnormalWhenTrue = map[string]bool{rollcallv1.ConditionSuspended: true}

// leadingField is the field that a message speaks of first, more exact than the one of the condition.
var leadingField = regexp.MustCompile(`^spec(\.[a-zA-Z]+)+`)

// fieldOfKey is the field that claims the unique key at the beginning of a message.
func fieldOfKey(kind, message string) string {
	key := message[:max(strings.IndexAny(message, "=/ "), 0)]
	switch {
	case key == "extension" && kind == roster.KindUserGroup:
		return "spec.voice.extension"
	case key == "extension":
		return "spec.extension"
	case key == "handle":
		return "spec.mention.handle"
	case key == "external":
		return "spec.externalID"
	case key == "phone":
		return "spec.phoneNumber"
	case key == "defaultDepartment":
		return "spec.default"
	case kind == roster.KindTeammate:
		return "spec.identity." + key
	}
	return "spec"
}

// Findings returns what is not as it should be, over all input objects, sorted by object, field and rule.
func (l *Lint) Findings() []Finding {
	t := l.peek()
	var out []Finding
	for _, kind := range roster.Kinds {
		for _, name := range l.roster.Names(t, kind) {
			o := Object{Kind: kind, Name: name}
			out = append(out, findingsOf(o, l.Conditions(o))...)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Field, b.Field), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return out
}

// findingsOf turns the conditions of one object into findings. Ready=False repeats what another condition says more
// precisely, so it counts only where none does.
func findingsOf(o Object, conditions []metav1.Condition) []Finding {
	var out []Finding
	var ready *Finding
	for _, c := range conditions {
		abnormal := c.Status == metav1.ConditionFalse
		if abnormalWhenTrue[c.Type] {
			abnormal = c.Status == metav1.ConditionTrue
		}
		w, known := weights[c.Type]
		if !abnormal || !known {
			continue
		}
		if refined, ok := reasons[c.Reason]; ok {
			w = refined
		}
		if w.severity == "" {
			continue
		}
		f := Finding{Severity: w.severity, Rule: c.Reason, Object: o.String(), Field: w.field, Message: cmp.Or(c.Message, c.Type+" is "+string(c.Status))}
		if named := leadingField.FindString(c.Message); named != "" {
			f.Field = named
		}
		if c.Reason == rollcallv1.ReasonDuplicateKey {
			f.Field = fieldOfKey(o.Kind, c.Message)
		}
		if c.Type == rollcallv1.ConditionReady {
			ready = &f
			continue
		}
		out = append(out, f)
	}
	if ready != nil && !slices.ContainsFunc(out, func(f Finding) bool { return f.Severity == SeverityError }) {
		out = append(out, *ready)
	}
	return out
}
