package oracle

import (
	"cmp"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// computeAssignments fills who works on what and who supervises it.
func (e *evaluation) computeAssignments() {
	for name, p := range e.people {
		out := e.result.Teammates[name]
		out.Assignment = e.assignment(p)
		p.record.Campaign = out.Assignment.Campaign
		for _, q := range e.org.Queues {
			if slices.Contains(e.acceptedSupervisors(q.Spec.Supervisors), name) {
				out.SupervisesQueues = append(out.SupervisesQueues, q.Name)
			}
		}
		for _, c := range e.org.Campaigns {
			if slices.Contains(e.acceptedSupervisors(c.Spec.Supervisors), name) {
				out.SupervisesCampaigns = append(out.SupervisesCampaigns, c.Name)
			}
		}
		slices.Sort(out.SupervisesQueues)
		slices.Sort(out.SupervisesCampaigns)
		e.result.Teammates[name] = out
	}
}

func (e *evaluation) assignment(p *person) Assignment {
	spec := p.spec.Assignment
	out := Assignment{Type: "None"}
	direct, through := set{}, set{}
	switch spec.Type {
	case rollcallv1.AssignmentTypeCampaign:
		out.Type, out.Campaign = "Campaign", spec.CampaignRef.Name
	case rollcallv1.AssignmentTypeQueues:
		out.Type = "Queues"
		for _, ref := range spec.Queues {
			if _, exists := e.queues[ref.Name]; exists {
				direct[ref.Name] = true
			}
		}
		before := p.record.Campaign
		if before != "" && e.campaigns[before].Spec.State == rollcallv1.CampaignStateActive && e.pol.campaignToQueue == "RequireUnassign" {
			out.Type, out.Campaign, out.NotReleased = "Campaign", before, true
		}
	}
	for _, q := range e.org.Queues {
		for _, g := range e.enabledGroupsOf(p) {
			listed := slices.ContainsFunc(q.Spec.Groups, func(ref rollcallv1.ObjectRef) bool { return ref.Name == g.Name })
			if listed && !direct[q.Name] {
				through[q.Name] = true
			}
		}
	}
	for _, q := range append(direct.sorted(), through.sorted()...) {
		if e.pol.maxQueues == 0 || len(out.Queues) < int(e.pol.maxQueues) {
			out.Queues = append(out.Queues, q)
		} else {
			out.Cut = append(out.Cut, q)
		}
	}
	return out
}

// acceptedSupervisors are the people listed who exist and whose role can supervise, by name.
func (e *evaluation) acceptedSupervisors(refs []rollcallv1.ObjectRef) []string {
	out := set{}
	for _, ref := range refs {
		if p := e.people[ref.Name]; p != nil && p.hasRole && p.role.canBeSupervisor {
			out[ref.Name] = true
		}
	}
	return out.sorted()
}

func (e *evaluation) queueTargets() []target {
	var out []target
	for _, q := range e.org.Queues {
		t := target{ref: Ref{"Queue", q.Name}, serves: map[string]way{}, overflow: Exit{Type: "Hangup"}, outOfHours: Exit{Type: "Hangup"}}
		if !e.contactCenterOff() {
			e.serve(&t, q.Spec.Profiles, q.Spec.ProfileSelector)
		}
		if o := q.Spec.Overflow; o != nil {
			t.overflow = Exit{string(o.Type), str(o.Name)}
		}
		if o := q.Spec.OutOfHours; o != nil {
			t.outOfHours = Exit{string(o.Type), str(o.Name)}
		}
		out = append(out, t)
	}
	return out
}

var writtenChannels = []string{"Chat", "Email", "SMS", "Social"}

func (e *evaluation) queuePlan(q rollcallv1.Queue, t *target) Plan {
	plan := Plan{Supervisors: e.acceptedSupervisors(q.Spec.Supervisors)}
	voice, written := string(q.Spec.Routing.VoiceSelection), string(q.Spec.Routing.MessagingSelection)
	hasVoice, hasWritten := slices.Contains(q.Spec.Channels, "Voice"), slices.Contains(q.Spec.Channels, "Messaging")
	switch {
	case !hasWritten:
		plan.Strategy = voice
	case !hasVoice || voice == written:
		plan.Strategy = written
	default:
		plan.Strategy = "Voice=" + voice + ",Messaging=" + written
	}
	required := e.requiredSkills(q.Spec.Routing.RequiredSkills)
	for name, p := range e.people {
		if !slices.Contains(e.result.Teammates[name].Assignment.Queues, q.Name) {
			continue
		}
		// Once as if for calls, once as if for what is written, as far as the queue has both: one of the two is enough.
		byVoice, byWriting := absentSort, absentSort
		if hasVoice {
			byVoice = e.queueReason(p, t, []string{"Phone"}, required)
		}
		if hasWritten {
			byWriting = e.queueReason(p, t, writtenChannels, required)
			if byWriting == "" && !e.autoAssignmentOff() && p.spec.AutoAssignment == rollcallv1.ToggleDisabled {
				byWriting = "AutoAssignmentOff"
			}
		}
		if byVoice != "" && byWriting != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{name, laterReason(byVoice, byWriting)})
			continue
		}
		c := e.candidate(p)
		c.SkillScore = e.skillScore(p, required)
		if !hasWritten {
			c.MaxChats = 0
		}
		if byVoice == "" {
			c.Channels = append(c.Channels, "Phone")
		}
		for _, channel := range writtenChannels {
			if byWriting == "" && usesAny(p.spec.Channels, []string{channel}) {
				c.Channels = append(c.Channels, channel)
			}
		}
		slices.Sort(c.Channels)
		plan.Candidates = append(plan.Candidates, c)
	}
	e.excludeSupervisors(&plan)
	slices.SortFunc(plan.Excluded, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(plan.Candidates, func(a, b Candidate) int {
		byScore := 0
		switch plan.Strategy {
		case "MostQualified":
			byScore = cmp.Compare(b.SkillScore, a.SkillScore)
		case "LeastQualified":
			byScore = cmp.Compare(a.SkillScore, b.SkillScore)
		}
		return cmp.Or(byScore, strings.Compare(a.Name, b.Name))
	})
	plan.Schedule = e.firstSchedule(q.Spec.ScheduleRef, e.org.Organization.Spec.ScheduleRef)
	plan.TimeZone = e.zoneOf(plan.Schedule)
	return plan
}

// queueReason is the first reason of R-15 up to Skills that keeps somebody from one sort of items of a queue.
func (e *evaluation) queueReason(p *person, t *target, channels []string, required []rollcallv1.RequiredSkill) string {
	reason := e.ineligible(p, t.served(), channels, required)
	if (reason == "" || reason == "Skills") && e.result.Teammates[p.object.Name].Assignment.Type == "Campaign" {
		return "CampaignExclusive"
	}
	return reason
}

// absentSort stands for the sort of items that a queue does not have, where no reason was looked for.
const absentSort = "-"

// laterReason is the reason that is checked later: the person passed the earlier one for one sort of items.
func laterReason(a, b string) string {
	order := []string{
		"Lifecycle", "RoleCannotHandle", "NoProfileAccess", "Channel", "Availability", "CampaignExclusive", "Skills", "AutoAssignmentOff",
	}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// excludeSupervisors lists the supervisors who do not belong to the target.
func (e *evaluation) excludeSupervisors(plan *Plan) {
	for _, name := range plan.Supervisors {
		candidate := slices.ContainsFunc(plan.Candidates, func(c Candidate) bool { return c.Name == name })
		excluded := slices.ContainsFunc(plan.Excluded, func(x Exclusion) bool { return x.Name == name })
		switch {
		case candidate || excluded:
		case e.people[name].open:
			plan.Excluded = append(plan.Excluded, Exclusion{name, "SupervisorOnly"})
		default:
			plan.Excluded = append(plan.Excluded, Exclusion{name, "Lifecycle"})
		}
	}
}

func (e *evaluation) campaignPlan(c rollcallv1.Campaign) Plan {
	plan := Plan{Mode: string(c.Spec.Mode), Supervisors: e.acceptedSupervisors(c.Spec.Supervisors)}
	for name, p := range e.people {
		if e.result.Teammates[name].Assignment.Campaign != c.Name {
			continue
		}
		if reason := e.ineligible(p, nil, []string{"Phone"}, nil); reason != "" {
			plan.Excluded = append(plan.Excluded, Exclusion{name, reason})
			continue
		}
		candidate := e.candidate(p)
		candidate.MaxChats = 0 // calls do not count as chats
		plan.Candidates = append(plan.Candidates, candidate)
	}
	e.excludeSupervisors(&plan)
	slices.SortFunc(plan.Excluded, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(plan.Candidates, func(a, b Candidate) int { return strings.Compare(a.Name, b.Name) })
	plan.Schedule = e.firstSchedule(c.Spec.ScheduleRef, e.org.Organization.Spec.ScheduleRef)
	plan.TimeZone = e.zoneOf(plan.Schedule)
	return plan
}
