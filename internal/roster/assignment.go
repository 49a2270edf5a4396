package roster

import (
	"slices"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Assignment is what a teammate works on.
type Assignment struct {
	// Type is the type in effect: Queues, Campaign or None. Queues through groups do not make it Queues.
	Type rollcallv1.AssignmentType
	// Campaign is the name of the campaign in effect, whether it exists or not; "" under another type.
	Campaign string
	// NotReleased is set while the campaign stays although spec says Queues (V-41).
	NotReleased bool
	// Queues are those the teammate belongs to: direct ones by name, then those through groups by name, as far as
	// policies.assignment.maxQueues goes (V-40). Somebody in a campaign keeps them and serves none (V-38).
	Queues []string
	// Cut are the queues beyond that, in the same order.
	Cut []string
}

func sameAssignment(a, b Assignment) bool {
	return a.Type == b.Type && a.Campaign == b.Campaign && a.NotReleased == b.NotReleased && slices.Equal(a.Queues, b.Queues) && slices.Equal(a.Cut, b.Cut)
}

type assignmentQueries struct {
	campaignStates *incr.Query[string, rollcallv1.CampaignState]
	assignments    *incr.Query[string, Assignment]
}

func newAssignmentQueries(r *Roster) assignmentQueries {
	var q assignmentQueries
	q.campaignStates = incr.NewQuery(r.Graph, "campaignState", equal[rollcallv1.CampaignState], func(t *incr.Task, name string) rollcallv1.CampaignState {
		c := r.Campaign(t, name)
		switch {
		case c == nil:
			return ""
		case c.Spec.State == "":
			return rollcallv1.CampaignStateDraft
		}
		return c.Spec.State
	})
	q.assignments = incr.NewQuery(r.Graph, "assignment", sameAssignment, r.assignmentOf)
	return q
}

// Assignment returns what the teammate works on; type None for somebody who does not exist.
func (r *Roster) Assignment(t *incr.Task, teammate string) Assignment {
	return r.assignments.Get(t, teammate)
}

// CampaignState returns the state of a campaign, "" if it does not exist.
func (r *Roster) CampaignState(t *incr.Task, campaign string) rollcallv1.CampaignState {
	return r.campaignStates.Get(t, campaign)
}

func (r *Roster) assignmentOf(t *incr.Task, teammate string) Assignment {
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return Assignment{Type: rollcallv1.AssignmentTypeNone}
	}
	out := Assignment{Type: tm.Spec.Assignment.Type}
	if out.Type == "" {
		out.Type = rollcallv1.AssignmentTypeNone
	}
	if ref := tm.Spec.Assignment.CampaignRef; ref != nil && out.Type == rollcallv1.AssignmentTypeCampaign {
		out.Campaign = ref.Name
	}
	if out.Type == rollcallv1.AssignmentTypeQueues {
		if held := r.heldBy(t, teammate); held != "" {
			out.Type, out.Campaign, out.NotReleased = rollcallv1.AssignmentTypeCampaign, held, true
		}
	}
	all := r.queuesOf(t, tm)
	if most := int(*r.Policies(t).Assignment.MaxQueues); most > 0 && len(all) > most {
		out.Queues, out.Cut = all[:most:most], all[most:]
	} else {
		out.Queues = all
	}
	return out
}

// heldBy is the active campaign that somebody who asks for queues has not been released from, or "" (V-41).
func (r *Roster) heldBy(t *incr.Task, teammate string) string {
	if *r.Policies(t).Assignment.CampaignToQueue != rollcallv1.CampaignToQueueRequireUnassign {
		return ""
	}
	campaign := r.Person(t, teammate).Campaign
	if campaign == "" || r.campaignStates.Get(t, campaign) != rollcallv1.CampaignStateActive {
		return ""
	}
	return campaign
}

// queuesOf are the existing queues of a teammate, uncut: direct ones by name, then those through enabled groups by name.
func (r *Roster) queuesOf(t *incr.Task, tm *rollcallv1.Teammate) []string {
	var direct, through []string
	if tm.Spec.Assignment.Type == rollcallv1.AssignmentTypeQueues {
		for _, ref := range tm.Spec.Assignment.Queues {
			if r.Exists(t, KindQueue, ref.Name) {
				direct = append(direct, ref.Name)
			}
		}
		slices.Sort(direct)
		direct = slices.Compact(direct)
	}
	for _, m := range r.Memberships(t, tm.Name).Accepted {
		queues := r.queuesByGroup.Get(t, m.Group)
		if len(queues) == 0 || !r.facts.Get(t, m.Group).Enabled {
			continue
		}
		for _, q := range queues {
			if !contains(direct, q) {
				through = append(through, q)
			}
		}
	}
	slices.Sort(through)
	return append(direct, slices.Compact(through)...)
}

// Seats returns the groups, queues and campaigns that list the teammate as supervisor, accepted or not, sorted by kind and
// name.
func (r *Roster) Seats(t *incr.Task, teammate string) []Claimant {
	var out []Claimant
	for _, s := range r.seats.Get(t, teammate) {
		out = append(out, parseClaimant(s))
	}
	return out
}

// CanSupervise reports whether the teammate's account role makes a supervisor (V-25).
func (r *Roster) CanSupervise(t *incr.Task, teammate string) bool {
	return r.Holding(t, teammate).Role.CanSupervise()
}

// Supervisors returns those of the people listed who exist and can be supervisors, sorted.
func (r *Roster) Supervisors(t *incr.Task, listed []rollcallv1.ObjectRef) []string {
	var out []string
	for _, ref := range listed {
		if r.Exists(t, KindTeammate, ref.Name) && r.CanSupervise(t, ref.Name) {
			out = append(out, ref.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Roster) indexQueue(name string, old, now *rollcallv1.Queue) {
	var groupsBefore, groupsAfter, seatsBefore, seatsAfter []string
	if old != nil {
		groupsBefore, seatsBefore = refNames(old.Spec.Groups), refNames(old.Spec.Supervisors)
	}
	if now != nil {
		groupsAfter, seatsAfter = refNames(now.Spec.Groups), refNames(now.Spec.Supervisors)
	}
	moveAll(r.queuesByGroup, name, groupsBefore, groupsAfter)
	moveAll(r.seats, Claimant{KindQueue, name}.String(), seatsBefore, seatsAfter)
	r.filterProfiles(QueueOwner(name), now != nil, func() *rollcallv1.ProfileSelector { return now.Spec.ProfileSelector })
}

func (r *Roster) indexCampaign(name string, old, now *rollcallv1.Campaign) {
	var before, after []string
	if old != nil {
		before = refNames(old.Spec.Supervisors)
	}
	if now != nil {
		after = refNames(now.Spec.Supervisors)
	}
	moveAll(r.seats, Claimant{KindCampaign, name}.String(), before, after)
}
