package orggen_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// TestVariety pins that the random organizations are worth testing on: over some hundred of them, everything that rules
// distinguish occurs. A pool or a percentage that no longer meets something fails here and not silently. The organizations are
// the same in every run.
func TestVariety(t *testing.T) {
	seen := map[string]int{}
	histories := rapid.Custom(func(rt *rapid.T) bool {
		w := orggen.Draw(rt)
		state := oracle.Evaluate(w.Org, oracle.State{}, w.Now).Next
		for range 3 {
			edit := orggen.DrawEdit(rt, &w)
			w.Apply(edit)
			if edit.LoseLedger {
				seen["edit: Ledger lost"]++
				state = oracle.State{Lost: true, Mentions: state.Mentions}
			}
			if edit.LoseMentions {
				seen["edit: mentions lost"]++
				state.Mentions = nil
			}
			r := oracle.Evaluate(w.Org, state, w.Now)
			for _, tm := range r.Teammates {
				if tm.Assignment.NotReleased {
					seen["campaign: not released"]++
				}
			}
			state = r.Next
		}
		tally(seen, w, oracle.Evaluate(w.Org, state, w.Now))
		return true
	})
	const worlds = 400
	for seed := range worlds {
		histories.Example(seed)
	}
	want := []string{
		"edit: Ledger lost", "key: lost", "role: cyclic", "role: closing", "group: cyclic", "group: closing", "group: stamp", "group: lost stamp", "group: pending",
		"group: unresolved", "group: yielding", "group: supervisor",
		"plan: conflict", "plan: cycle", "plan: routable", "plan: all disabled", "plan: absence", "plan: extension", "plan: score", "plan: position",
		"voice: inconsistent", "voice: caller id", "chat: clamped", "profile: approval required", "profile: no permission", "person: survey",
		"edit: mentions lost", "mention: closed", "mention: spent", "mention: opened", "mention: some of it denied", "mention: until", "alert: by name and group",
		"queues: several", "queues: cut", "campaign: in effect", "campaign: not released", "queue: some channels", "queue: supervisor", "campaign: supervisor",
	}
	for _, phase := range []string{
		"Invalid", "Scheduled", "Invited", "AwaitingConfirmation", "CardIncomplete", "PendingReview", "Active", "Blocked", "Ended", "Archived",
	} {
		want = append(want, "phase: "+phase)
	}
	for _, phase := range []string{"Pending", "Resolved", "Expired", "Rejected", "Notified"} {
		want = append(want, "mention: "+phase)
	}
	for _, state := range []string{"Pending", "Suspended", "Resolved", "Closed"} {
		want = append(want, "alert: "+state)
	}
	for _, reason := range []string{
		"AuthorNotAllowed", "AllTargetsRejected", "NoRecipients", "NoActiveRecipients",
		"Disabled", "MentionOff", "NoPractice", "InvalidHandle", "DuplicateHandle", "UnresolvedReference", "NotInPractice",
	} {
		want = append(want, "mention: "+reason)
	}
	for _, problem := range []string{"Missing", "Unresolved", "NotALeader", "LeaderArchived", "LeaderCycle"} {
		want = append(want, "leader: "+problem)
	}
	for _, claim := range []string{"Explicit", "Teammate", "Selector", "Include"} {
		want = append(want, "claim: "+claim)
	}
	for _, reason := range []string{"BaseTypeNotAllowed", "NotInPractice", "SupervisorIsMember", "ExclusiveConflict"} {
		want = append(want, "rejected: "+reason)
	}
	for _, source := range []string{"Direct", "Group", "Practice", "Default"} {
		want = append(want, "source: "+source)
	}
	for _, reason := range []string{
		"Lifecycle", "SupervisorOnly", "RoleCannotHandle", "NoProfileAccess", "Channel", "Availability", "CampaignExclusive", "Skills", "AutoAssignmentOff",
	} {
		want = append(want, "excluded: "+reason)
	}
	for _, name := range want {
		if seen[name] == 0 {
			t.Errorf("%s never occurred in %d organizations", name, worlds)
		}
	}
	if people := seen["people"] / worlds; people < 3 {
		t.Errorf("an organization has %d people on average, want at least 3", people)
	}
}

func tally(seen map[string]int, w orggen.World, r oracle.Result) {
	count := func(name string, holds bool) {
		if holds {
			seen[name]++
		}
	}
	seen["people"] += len(w.Org.Teammates)
	for _, tm := range r.Teammates {
		seen["phase: "+tm.Phase]++
		seen["leader: "+tm.LeaderProblem]++
		count("key: lost", len(tm.LostKeys) > 0)
		count("person: survey", tm.SurveyEligible)
		count("voice: inconsistent", tm.GateOpen && !tm.Voice.Consistent)
		count("voice: caller id", tm.Voice.CallerIDProfile != "")
		count("queues: several", len(tm.Assignment.Queues) > 1)
		count("queues: cut", len(tm.Assignment.Cut) > 0)
		count("campaign: in effect", tm.Assignment.Campaign != "")
		count("queue: supervisor", len(tm.SupervisesQueues) > 0)
		count("campaign: supervisor", len(tm.SupervisesCampaigns) > 0)
		count("chat: clamped", tm.GateOpen && !tm.Chat.InRange)
		for _, m := range tm.Groups {
			for _, p := range m.Provenances {
				seen["claim: "+p.Claim]++
			}
		}
		for _, p := range tm.Profiles {
			count("profile: approval required", len(p.ApprovalRequired) > 0)
			count("profile: no permission", len(p.Permissions) == 0)
			for _, s := range p.Sources {
				seen["source: "+s.Type]++
			}
		}
	}
	for _, tm := range r.Teammates {
		for _, o := range tm.Opened {
			seen["mention: opened"]++
			count("mention: some of it denied", len(o.Permissions) < 3)
			count("mention: until", o.Until != nil)
		}
	}
	for _, m := range r.Mentions {
		seen["mention: "+m.Phase]++
		seen["mention: "+m.Reason]++
		count("mention: closed", m.ConversationStatus == "Closed")
		count("mention: spent", m.Spent)
		for _, refusal := range m.Rejected {
			seen["mention: "+refusal.Reason]++
		}
		for _, a := range m.Alerts {
			seen["alert: "+a.State]++
			count("alert: by name and group", a.Direct && len(a.Via) > 0)
		}
	}
	for _, role := range r.Roles {
		count("role: cyclic", role.Cyclic)
		count("role: closing", len(role.Closing) > 0)
	}
	for _, g := range r.Groups {
		count("group: cyclic", g.Cyclic)
		count("group: closing", len(g.Closing) > 0)
		count("group: stamp", g.Stamp != nil && !g.Stamp.Lost())
		count("group: lost stamp", g.Stamp != nil && g.Stamp.Lost())
		count("group: pending", g.PendingMembers+g.PendingProfiles > 0)
		count("group: unresolved", len(g.Unresolved) > 0)
		count("group: supervisor", len(g.Supervisors) > 0)
		for _, rejection := range g.Rejected {
			seen["rejected: "+rejection.Reason]++
			count("group: yielding", rejection.Yielding)
		}
	}
	for _, plan := range r.Plans {
		count("plan: conflict", plan.InboundConflict)
		count("plan: cycle", plan.OverflowCycle)
		count("plan: routable", plan.Routable)
		count("plan: all disabled", plan.AllGroupsDisabled)
		for _, x := range plan.Excluded {
			seen["excluded: "+x.Reason]++
		}
		for _, c := range plan.Candidates {
			count("plan: absence", c.HasAbsence)
			count("queue: some channels", len(c.Channels) > 0 && len(c.Channels) < 5)
			count("plan: extension", c.Extension != "")
			count("plan: score", c.SkillScore > 0)
			count("plan: position", c.Position != nil && *c.Position < math.MaxInt32)
		}
	}
}
