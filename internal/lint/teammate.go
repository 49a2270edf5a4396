package lint

import (
	"cmp"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/lifecycle"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

func (l *Lint) teammate(t *incr.Task, name string) rollcallv1.TeammateStatus {
	tm := l.roster.Teammate(t, name)
	if tm == nil {
		return rollcallv1.TeammateStatus{}
	}
	state := l.lifecycle.State(t, name)
	person := l.roster.Person(t, name)
	s := rollcallv1.TeammateStatus{
		DisplayName: DisplayName(tm), Phase: state.Phase, Reason: state.Reason,
		ExclusiveGroup: l.roster.Memberships(t, name).Exclusive,
		DirectReports:  int32(len(l.roster.Reports(t, name))),
		SurveyEligible: new(l.lifecycle.SurveyEligible(t, name)),
		CardHash:       roster.CardOf(tm).Hash(),
		Assignment:     l.assignment(t, name),
	}
	if at := l.roster.Confirmed(t, name); at != nil && !at.IsZero() {
		s.ConfirmedAt = new(metav1.NewTime(*at))
	}
	if at := person.ArchivedAt; at != nil && state.Phase == rollcallv1.PhaseArchived {
		s.ArchivedAt = new(metav1.NewTime(*at))
	}
	var c conditions
	if state.Phase == rollcallv1.PhaseInvalid {
		c.blocked(l.invalid(t, tm, state))
	}
	c.judge(rollcallv1.ConditionPolicyCompliant, l.teammateCompliance(t, tm))
	c.judge(rollcallv1.ConditionKeysUnique, duplicateKeys(l.roster.LostKeys(t, roster.Claimant{Kind: roster.KindTeammate, Name: name})))
	c.judge(rollcallv1.ConditionRoleAllowed, l.roleAllowed(t, name))
	c.judge(rollcallv1.ConditionReferencesResolved, l.teammateReferences(t, tm))
	c.judge(rollcallv1.ConditionTeamLeaderResolved, l.teamLeader(t, tm))
	c.judge(rollcallv1.ConditionCardComplete, l.cardComplete(t, tm, state))
	c.judge(rollcallv1.ConditionCardApproved, l.cardApproved(t, tm))
	c.judge(rollcallv1.ConditionNotifiable, notifiable(tm))
	c.judge(rollcallv1.ConditionImageAdequate, l.imageAdequate(t, tm))
	c.judge(rollcallv1.ConditionChatLimitInRange, l.chatLimit(t, tm))
	c.judge(rollcallv1.ConditionQueueLimitRespected, l.queueLimit(t, tm))
	c.judge(rollcallv1.ConditionVoiceSettingsConsistent, l.voiceSettings(t, tm))
	s.Conditions = c.all()
	return s
}

// DisplayName is first and last name, else the object's name.
// DisplayName returns first and last name of a teammate, else the object's name.
func DisplayName(tm *rollcallv1.Teammate) string {
	var parts []string
	for _, p := range []*string{tm.Spec.FirstName, tm.Spec.LastName} {
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return cmp.Or(strings.Join(parts, " "), tm.Name)
}

func (l *Lint) invalid(t *incr.Task, tm *rollcallv1.Teammate, state lifecycle.State) problem {
	if state.Reason == lifecycle.ReasonDuplicateIdentity {
		lost := duplicateKeys(l.roster.LostKeys(t, roster.Claimant{Kind: roster.KindTeammate, Name: tm.Name}))
		return problem{rollcallv1.ReasonInvalid, "another object holds an identity key: " + lost.message}
	}
	return problem{rollcallv1.ReasonInvalid, l.roleAllowed(t, tm.Name).message}
}

func (l *Lint) roleAllowed(t *incr.Task, name string) problem {
	h := l.roster.Holding(t, name)
	switch h.Reason {
	case roster.RoleUnresolved:
		return problemf(rollcallv1.ReasonUnresolvedReference, "account role %q does not exist, neither as an object nor built in", h.Name)
	case roster.RoleNotTenantAdmin:
		return problemf(rollcallv1.ReasonOwnerNotTenantAdmin, "account role %q has base type Owner, which policies.ownerAssignment reserves for people with spec.identity.directoryTenantAdmin", h.Name)
	case roster.RoleBaseTypeRefused:
		return problemf(rollcallv1.ReasonBaseTypeNotAllowed, "the base type of account role %q is not among policies.roleModel.allowedBaseTypes", h.Name)
	}
	return problem{}
}

func (l *Lint) teammateCompliance(t *incr.Task, tm *rollcallv1.Teammate) problem {
	p := l.roster.Policies(t)
	id := tm.Spec.Identity
	if !roster.IdentitySuffices(p, id) {
		return problemf(rollcallv1.ReasonIdentityMissing, "spec.identity needs one of %v by policies.identity.requireOneOf", p.Identity.RequireOneOf)
	}
	if id.Email != nil && !roster.EmailDomainAllowed(p, *id.Email) {
		_, domain, _ := strings.Cut(*id.Email, "@")
		return problemf(rollcallv1.ReasonEmailDomainNotAllowed, "the domain %q of spec.identity.email is not among policies.identity.allowedEmailDomains", domain)
	}
	if tm.Spec.Lifecycle.State != rollcallv1.LifecycleStateArchived && l.roster.Archived(t, tm.Name) {
		return problem{rollcallv1.ReasonArchiveIrreversible, "archived before, and policies.archive.reversible is false: the teammate stays Archived; set spec.lifecycle.state to Archived"}
	}
	if b := tm.Spec.Lifecycle; b.State == rollcallv1.LifecycleStateBlocked && b.BlockedFrom != nil && b.BlockedUntil != nil {
		length, shortest, longest := b.BlockedUntil.Sub(b.BlockedFrom.Time), p.Block.MinDuration.Duration, p.Block.MaxDuration.Duration
		switch {
		case length < shortest:
			return problemf(rollcallv1.ReasonBlockDuration, "the block of %s is shorter than policies.block.minDuration %s; it counts as written", length, shortest)
		case longest > 0 && length > longest:
			return problemf(rollcallv1.ReasonBlockDuration, "the block of %s is longer than policies.block.maxDuration; it ends after %s", length, longest)
		}
	}
	if a := l.roster.Assignment(t, tm.Name); a.NotReleased {
		return problemf(rollcallv1.ReasonCampaignNotReleased, "spec.assignment asks for queues while campaign %q is Active, and policies.assignment.campaignToQueue is RequireUnassign: the campaign stays until spec.assignment.type was None or the campaign is not Active", a.Campaign)
	}
	return problem{}
}

// assignment is the assignment in effect with the state of its campaign, which the admission rule of V-41 reads.
func (l *Lint) assignment(t *incr.Task, name string) *rollcallv1.AssignmentStatus {
	a := l.roster.Assignment(t, name)
	s := &rollcallv1.AssignmentStatus{Type: a.Type, Campaign: a.Campaign}
	if a.Campaign != "" {
		s.CampaignState = string(l.roster.CampaignState(t, a.Campaign))
	}
	return s
}

func (l *Lint) teammateReferences(t *incr.Task, tm *rollcallv1.Teammate) problem {
	var r references
	rs := l.roster
	if h := rs.Holding(t, tm.Name); h.Reason == roster.RoleUnresolved {
		r.need(false, "spec.accountRoleRef", roster.KindAccountRole, h.Name)
	}
	r.schedule(l, t, "spec.scheduleRef", tm.Spec.ScheduleRef)
	for _, g := range tm.Spec.Groups {
		r.need(rs.Exists(t, roster.KindUserGroup, g.Name), "spec.groups", roster.KindUserGroup, g.Name)
	}
	if ref := tm.Spec.PrimaryGroupRef; ref != nil {
		r.need(rs.Exists(t, roster.KindUserGroup, ref.Name), "spec.primaryGroupRef", roster.KindUserGroup, ref.Name)
		if rs.Exists(t, roster.KindUserGroup, ref.Name) && rs.Memberships(t, tm.Name).Of(ref.Name) == nil {
			r.wrong(problemf(rollcallv1.ReasonUnresolvedReference, "spec.primaryGroupRef names UserGroup %q, of which the teammate is no accepted member", ref.Name))
		}
	}
	for _, p := range tm.Spec.Profiles {
		r.need(rs.Exists(t, roster.KindProfile, p.Name), "spec.profiles", roster.KindProfile, p.Name)
		r.profileRole(l, t, fmt.Sprintf("spec.profiles[%s].profileRoleRef", p.Name), p.ProfileRoleRef)
	}
	r.profileRole(l, t, "spec.defaultProfileRoleRef", tm.Spec.DefaultProfileRoleRef)
	for _, p := range tm.Spec.Practices {
		_, found := rs.Practice(t, p.Name)
		r.need(found, "spec.practices", "practice", p.Name)
		for _, line := range p.Lines {
			r.typed(l, t, fmt.Sprintf("spec.practices[%s].lines", p.Name), line.Name, rollcallv1.ProfileTypeLine)
		}
		r.profileRole(l, t, fmt.Sprintf("spec.practices[%s].profileRoleRef", p.Name), p.ProfileRoleRef)
	}
	for _, q := range tm.Spec.Assignment.Queues {
		r.need(rs.Exists(t, roster.KindQueue, q.Name), "spec.assignment.queues", roster.KindQueue, q.Name)
	}
	if ref := tm.Spec.Assignment.CampaignRef; ref != nil {
		r.need(rs.Exists(t, roster.KindCampaign, ref.Name), "spec.assignment.campaignRef", roster.KindCampaign, ref.Name)
	}
	for _, s := range tm.Spec.Skills {
		_, found := rs.MaxSkillLevel(t, s.Name)
		r.need(found, "spec.skills", "skill", s.Name)
	}
	return r.verdict()
}

func (l *Lint) teamLeader(t *incr.Task, tm *rollcallv1.Teammate) problem {
	ref := ""
	if tm.Spec.TeamLeaderRef != nil {
		ref = tm.Spec.TeamLeaderRef.Name
	}
	switch reason := l.roster.Leader(t, tm.Name).Reason; reason {
	case "":
		if l.lifecycle.LeaderMissing(t, tm.Name) {
			return problem{rollcallv1.ReasonMissing, "spec.teamLeaderRef is required by policies.teamLeader"}
		}
		return problem{}
	case rollcallv1.ReasonNotALeader:
		return problemf(reason, "spec.teamLeaderRef names %q, who has no spec.canManageTeams: true", ref)
	case rollcallv1.ReasonLeaderArchived:
		return problemf(reason, "spec.teamLeaderRef names %q, who is archived or has left; name another leader", ref)
	case rollcallv1.ReasonLeaderCycle:
		return problemf(reason, "spec.teamLeaderRef names %q, who reports to this teammate; every edge of the cycle is ignored", ref)
	default:
		return problemf(reason, "spec.teamLeaderRef names %q, who does not exist", ref)
	}
}

func (l *Lint) cardComplete(t *incr.Task, tm *rollcallv1.Teammate, state lifecycle.State) problem {
	required := l.roster.Policies(t).CardRequirements.Create
	if state.Phase == rollcallv1.PhaseInvited {
		required = l.roster.Policies(t).CardRequirements.Invite
	}
	var missing []string
	for _, f := range l.lifecycle.MissingFields(t, tm.Name, required) {
		missing = append(missing, string(f))
	}
	if l.lifecycle.LeaderMissing(t, tm.Name) {
		missing = append(missing, "TeamLeader")
	}
	if len(missing) == 0 {
		return problem{}
	}
	return problem{rollcallv1.ReasonMissingFields, "missing: " + strings.Join(missing, ", ")}
}

func (l *Lint) cardApproved(t *incr.Task, tm *rollcallv1.Teammate) problem {
	if *l.roster.Policies(t).CardApproval != rollcallv1.CardApprovalPolicyRequired || roster.CardApproved(tm) {
		return problem{}
	}
	if tm.Spec.Card != nil && tm.Spec.Card.Approval != nil && tm.Spec.Card.Approval.State == rollcallv1.ApprovalStateRejected {
		return problem{rollcallv1.ReasonRejected, "the card was rejected; change it and have it approved"}
	}
	return problemf(rollcallv1.ReasonPendingReview, "the card with hash %s is not approved", roster.CardOf(tm).Hash())
}

func notifiable(tm *rollcallv1.Teammate) problem {
	if tm.Spec.Identity.Email != nil {
		return problem{}
	}
	return problemf(rollcallv1.ReasonNoEmail, "spec.identity.email is not set: nothing can be mailed, an account is confirmed by annotation %s only", rollcallv1.AnnotationConfirmedAt)
}

func (l *Lint) imageAdequate(t *incr.Task, tm *rollcallv1.Teammate) problem {
	if tm.Spec.Card == nil || tm.Spec.Card.Image == nil {
		return problem{}
	}
	least := *l.roster.Policies(t).CardImage.RecommendedMinPixels
	for _, side := range []*int32{tm.Spec.Card.Image.Width, tm.Spec.Card.Image.Height} {
		if side != nil && *side < least {
			return problemf(rollcallv1.ReasonImageTooSmall, "spec.card.image has a side of %d pixels; at least %d are recommended", *side, least)
		}
	}
	return problem{}
}

func (l *Lint) chatLimit(t *incr.Task, tm *rollcallv1.Teammate) problem {
	limit, clamped := l.access.ChatLimit(t, tm)
	if !clamped {
		return problem{}
	}
	return problemf(rollcallv1.ReasonClamped, "the chat limit is out of the range of policies.chatLimit; %d is used", limit)
}

func (l *Lint) queueLimit(t *incr.Task, tm *rollcallv1.Teammate) problem {
	a := l.roster.Assignment(t, tm.Name)
	if len(a.Cut) == 0 {
		return problem{}
	}
	return problemf(rollcallv1.ReasonQueueLimitExceeded, "%d queues, by spec.assignment.queues and through groups, and policies.assignment.maxQueues allows %d: %s count, %s do not",
		len(a.Queues)+len(a.Cut), len(a.Queues), strings.Join(a.Queues, ", "), listed(a.Cut))
}

func (l *Lint) voiceSettings(t *incr.Task, tm *rollcallv1.Teammate) problem {
	s := l.access.Settings(t, tm.Name)
	if len(s.Conflicts) == 0 {
		return problem{}
	}
	return problemf(rollcallv1.ReasonSettingsConflict, "the teammate's groups disagree on %s; policies.groupSettingConflict decides. Set spec.primaryGroupRef to choose", strings.Join(s.Conflicts, ", "))
}
