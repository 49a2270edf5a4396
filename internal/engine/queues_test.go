package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// callCenter is a world with questions about queues.
type callCenter struct{ *world }

func newCallCenter(t *testing.T, text string) *callCenter {
	t.Helper()
	return &callCenter{found(t, text)}
}

// says prints a condition as Status/Reason.
func says(conditions []metav1.Condition, kind string) string {
	for _, c := range conditions {
		if c.Type == kind {
			return string(c.Status) + "/" + c.Reason
		}
	}
	return "absent"
}

// candidates prints candidates by name, then who is excluded as name/reason.
func (c *callCenter) candidates(kind routing.Kind, name string) string {
	plan := c.Routing.Plan(nil, routing.Target{Kind: kind, Name: name})
	if plan == nil {
		return "no plan"
	}
	var out []string
	for _, e := range plan.Candidates {
		out = append(out, e.Name)
	}
	for _, e := range plan.Excluded {
		out = append(out, e.Name+"/"+string(e.Reason))
	}
	return strings.Join(out, " ")
}

func (c *callCenter) expect(what, got, want string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

const fiveQueues = "Queue q1 {}\nQueue q2 {}\nQueue q3 {}\nQueue q4 {}\nQueue q5 {}\nQueue q6 {}\nQueue q7 {}\n"

// S-43 as far as layer 4 goes: of six queues the first five by name count.
func TestS43SixQueues(t *testing.T) {
	c := newCallCenter(t, fiveQueues+`
		Organization default {policies: {assignment: {maxQueues: 5}}}
		Teammate ana {identity: {email: ana@x.example}, assignment: {type: Queues, queues: [{name: q6}, {name: q5}, {name: q4}, {name: q3}, {name: q2}, {name: q1}]}}`)
	if diff := cmp.Diff([]string{"q1", "q2", "q3", "q4", "q5"}, c.Roster.Assignment(nil, "ana").Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	c.expect("q5", c.candidates(routing.KindQueue, "q5"), "ana")
	c.expect("q6", c.candidates(routing.KindQueue, "q6"), "")
	c.expect("condition", says(c.Lint.Teammate("ana").Conditions, rollcallv1.ConditionQueueLimitRespected), "False/QueueLimitExceeded")
	c.apply(`Teammate ana {identity: {email: ana@x.example}, assignment: {type: Queues, queues: [{name: q6}, {name: q5}, {name: q4}, {name: q3}, {name: q2}]}}`)
	c.expect("q6 of five", c.candidates(routing.KindQueue, "q6"), "ana")
	c.expect("condition of five", says(c.Lint.Teammate("ana").Conditions, rollcallv1.ConditionQueueLimitRespected), "True/AsExpected")
}

// S-44 as far as layer 4 goes, with a restart in between: the Ledger keeps somebody in an active campaign.
func TestS44FromCampaignToQueues(t *testing.T) {
	const (
		org        = "Organization default {policies: {assignment: {campaignToQueue: RequireUnassign}}}\n"
		inCampaign = "Teammate ana {identity: {email: ana@x.example}, assignment: {type: Campaign, campaignRef: {name: sale}}}\n"
		inQueues   = "Teammate ana {identity: {email: ana@x.example}, assignment: {type: Queues, queues: [{name: orders}]}}\n"
		inNothing  = "Teammate ana {identity: {email: ana@x.example}}\n"
		active     = "Campaign sale {mode: Progressive, state: Active}\n"
		paused     = "Campaign sale {mode: Progressive, state: Paused}\n"
	)
	held := func(c *callCenter, what string) {
		t.Helper()
		s := c.Lint.Teammate("ana")
		c.expect(what+": status", fmt.Sprint(*s.Assignment), "{Campaign sale Active}")
		c.expect(what+": condition", says(s.Conditions, rollcallv1.ConditionPolicyCompliant), "False/CampaignNotReleased")
		c.expect(what+": orders", c.candidates(routing.KindQueue, "orders"), "ana/CampaignExclusive")
		c.expect(what+": sale", c.candidates(routing.KindCampaign, "sale"), "ana")
	}
	released := func(c *callCenter, what string) {
		t.Helper()
		s := c.Lint.Teammate("ana")
		c.expect(what+": status", fmt.Sprint(*s.Assignment), "{Queues  }")
		c.expect(what+": condition", says(s.Conditions, rollcallv1.ConditionPolicyCompliant), "True/AsExpected")
		c.expect(what+": orders", c.candidates(routing.KindQueue, "orders"), "ana")
		c.expect(what+": sale", c.candidates(routing.KindCampaign, "sale"), "")
	}
	begin := func() *callCenter { return newCallCenter(t, org+active+inCampaign+"Queue orders {}\n") }

	c := begin()
	c.expect("at first", fmt.Sprint(*c.Lint.Teammate("ana").Assignment), "{Campaign sale Active}")
	c.apply(inQueues)
	held(c, "at once")
	c.restart(c.ledger, true)
	held(c, "after a restart")
	c.apply(inNothing)
	c.apply(inQueues)
	released(c, "through None")

	c = begin()
	c.apply(paused)
	c.apply(inQueues)
	released(c, "from a paused campaign")

	c = begin()
	c.apply(inQueues)
	held(c, "before the pause")
	c.apply(paused)
	released(c, "by the pause")
	c.apply(active)
	released(c, "and active again")

	c = begin()
	c.apply(inQueues)
	c.remove("Campaign/sale")
	c.expect("campaign deleted", c.candidates(routing.KindQueue, "orders"), "ana")

	c = begin()
	c.apply("Organization default {policies: {assignment: {campaignToQueue: Atomic}}}\n" + inQueues)
	released(c, "Atomic")

	c = begin()
	c.apply(inQueues)
	c.lose()
	released(c, "after the Ledger was lost")
}

// S-88 for queues: a preset with a limit applies to what is stored.
func TestS88QueueLimitOfThePreset(t *testing.T) {
	c := newCallCenter(t, fiveQueues+
		"Teammate ana {identity: {email: ana@x.example}, onboarding: {method: Directory}, assignment: {type: Queues, queues: [{name: q1}, {name: q2}, {name: q3}, {name: q4}, {name: q5}, {name: q6}]}}")
	c.expect("Custom", c.candidates(routing.KindQueue, "q6"), "ana")
	c.apply("Organization default {preset: VoiceCenter}")
	c.expect("VoiceCenter", c.candidates(routing.KindQueue, "q6"), "")
	c.expect("VoiceCenter, a queue that counts", c.candidates(routing.KindQueue, "q5"), "ana")
}

// S-96: direct queues come first, then those through groups by name.
func TestS96QueuesThroughGroups(t *testing.T) {
	c := newCallCenter(t, `
		Organization default {policies: {assignment: {maxQueues: 5}}}
		Teammate ana {identity: {email: ana@x.example}, groups: [{name: g}], assignment: {type: Queues, queues: [{name: z1}, {name: z2}, {name: z3}]}}
		UserGroup g {}
		Queue a4 {groups: [{name: g}]}
		Queue a3 {groups: [{name: g}]}
		Queue a2 {groups: [{name: g}]}
		Queue a1 {groups: [{name: g}]}
		Queue z1 {groups: [{name: g}]}
		Queue z2 {}
		Queue z3 {}`)
	if diff := cmp.Diff([]string{"z1", "z2", "z3", "a1", "a2"}, c.Roster.Assignment(nil, "ana").Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	c.expect("condition", says(c.Lint.Teammate("ana").Conditions, rollcallv1.ConditionQueueLimitRespected), "False/QueueLimitExceeded")
	c.apply("UserGroup g {state: Disabled}")
	if diff := cmp.Diff([]string{"z1", "z2", "z3"}, c.Roster.Assignment(nil, "ana").Queues); diff != "" {
		t.Errorf("queues while the group is disabled (-want +got):\n%s", diff)
	}
}

// A membership with an end takes the person out of the group's queue, and the plan knows when.
func TestQueueThroughAGroupForAWhile(t *testing.T) {
	end := monday.Add(time.Hour)
	c := newCallCenter(t, `
		Teammate ana {identity: {email: ana@x.example}, groups: [{name: g, until: "2027-03-01T13:00:00Z"}]}
		UserGroup g {}
		Queue q {groups: [{name: g}]}`)
	c.expect("now", c.candidates(routing.KindQueue, "q"), "ana")
	if at, ok := c.Routing.NextTransition(routing.Target{Kind: routing.KindQueue, Name: "q"}); !ok || !at.Equal(end) {
		t.Errorf("next transition %v, %v; want %v", at, ok, end)
	}
	c.at("12:59:59")
	c.expect("a second before", c.candidates(routing.KindQueue, "q"), "ana")
	c.at("13:00")
	c.expect("at the end", c.candidates(routing.KindQueue, "q"), "")
	if !slices.Contains(c.touched.Plans, routing.Target{Kind: routing.KindQueue, Name: "q"}) {
		t.Errorf("touched %v, want the plan of q", c.touched.Plans)
	}
}

// S-98: without a contact centre there are no plans but those of departments, and nothing is served.
func TestS98WithoutContactCenter(t *testing.T) {
	const objects = `
		Profile p {type: Phone, phoneNumber: "+14165550100"}
		Teammate ana {identity: {email: ana@x.example}, assignment: {type: Queues, queues: [{name: q}]}}
		Teammate ben {identity: {email: ben@x.example}, assignment: {type: Campaign, campaignRef: {name: c}}}
		UserGroup g {voice: {dialing: {strategy: Random, maxRingTime: 10s}}}
		Queue q {profiles: [{name: p}]}
		Campaign c {mode: Progressive}
		Department d {}`
	c := newCallCenter(t, objects)
	if got, want := len(c.Routing.Targets(nil)), 4; got != want {
		t.Errorf("%d plans with a contact centre, want %d", got, want)
	}
	c.apply("Organization default {contactCenter: Disabled}")
	want := []routing.Target{{Kind: routing.KindDepartment, Name: "d"}}
	if diff := cmp.Diff(want, c.Routing.Targets(nil)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if x, ok := c.Routing.Serving(nil, "p"); ok {
		t.Errorf("p is served by %v", x)
	}
	c.expect("queue", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionReady), "False/ContactCenterDisabled")
	c.expect("campaign", says(c.Lint.Campaign("c").Conditions, rollcallv1.ConditionReady), "False/ContactCenterDisabled")
	c.expect("group", says(c.Lint.UserGroup("g").Conditions, rollcallv1.ConditionReady), "False/ContactCenterDisabled")
	c.expect("department", says(c.Lint.Department("d").Conditions, rollcallv1.ConditionReady), "True/AsExpected")
	c.apply("Organization default {contactCenter: Enabled}")
	c.expect("queue, enabled again", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionReady), "True/AsExpected")
	c.expect("campaign, enabled again", c.candidates(routing.KindCampaign, "c"), "ben")
}

// S-140 for queues: who sees none of the profiles served is no candidate.
func TestS140QueueServesProfiles(t *testing.T) {
	const objects = `
		Profile l1 {type: Chat}
		Profile l2 {type: Chat}
		Teammate ana {identity: {email: ana@x.example}, groups: [{name: all}], profiles: [{name: l1, profileRoleRef: {name: view-only}}]}
		Teammate ben {identity: {email: ben@x.example}, groups: [{name: all}]}
		Teammate cid {identity: {email: cid@x.example}, groups: [{name: all}], profiles: [{name: l2, profileRoleRef: {name: view-only}}]}
		UserGroup all {}
		Queue one {groups: [{name: all}], profiles: [{name: l1}]}
		Queue both {groups: [{name: all}], profiles: [{name: l1}, {name: l2}]}
		Queue none {groups: [{name: all}]}`
	c := newCallCenter(t, objects)
	c.expect("one", c.candidates(routing.KindQueue, "one"), "ana ben/NoProfileAccess cid/NoProfileAccess")
	c.expect("both", c.candidates(routing.KindQueue, "both"), "ana cid ben/NoProfileAccess")
	c.expect("none", c.candidates(routing.KindQueue, "none"), "ana ben cid")
	c.apply(`Organization default {defaultProfileRoleRef: {name: view-only}}
		UserGroup all {profiles: [{name: l1}]}`)
	c.expect("one, with a default role", c.candidates(routing.KindQueue, "one"), "ana ben cid")
}

// S-141: department before queue before dialing group, and a list before a selector.
func TestS141WhoServesAProfile(t *testing.T) {
	c := newCallCenter(t, `
		Profile p {type: Phone, phoneNumber: "+14165550100"}
		Department z {profiles: [{name: p}]}
		Queue a {profiles: [{name: p}]}
		UserGroup b {voice: {dialing: {strategy: Random, maxRingTime: 10s, profiles: [{name: p}]}}}`)
	check := func(what, server, queue, group string) {
		t.Helper()
		x, _ := c.Routing.Serving(nil, "p")
		c.expect(what, string(x.Kind)+"/"+x.Name, server)
		c.expect(what+": queue", says(c.Lint.Queue("a").Conditions, rollcallv1.ConditionInboundUnique), queue)
		c.expect(what+": group", says(c.Lint.UserGroup("b").Conditions, rollcallv1.ConditionInboundUnique), group)
	}
	check("all three", "Department/z", "False/InboundConflict", "False/InboundConflict")
	c.remove("Department/z")
	check("without the department", "Queue/a", "True/AsExpected", "False/InboundConflict")
	c.apply("Queue a {profileSelector: {types: [Phone]}}")
	check("the queue by selector", "UserGroup/b", "True/AsExpected", "True/AsExpected")
}

// S-143: overflow between a dialing group and a queue.
func TestS143OverflowBetweenGroupAndQueue(t *testing.T) {
	c := newCallCenter(t, `
		UserGroup g {voice: {dialing: {strategy: Random, maxRingTime: 10s, overflow: {type: Queue, name: q}, outOfHours: {type: Queue, name: night}}}}
		Queue q {overflow: {type: UserGroup, name: g}, outOfHours: {type: Queue, name: night}}
		Queue night {}`)
	exits := func(kind routing.Kind, name string) string {
		p := c.Routing.Plan(nil, routing.Target{Kind: kind, Name: name})
		return fmt.Sprint(p.Overflow, p.OutOfHours)
	}
	c.expect("g", exits(routing.KindUserGroup, "g"), "{Hangup } {Queue night}")
	c.expect("q", exits(routing.KindQueue, "q"), "{Hangup } {Queue night}")
	c.expect("night", exits(routing.KindQueue, "night"), "{Hangup } {Hangup }")
	c.expect("g is on a cycle", says(c.Lint.UserGroup("g").Conditions, rollcallv1.ConditionOverflowAcyclic), "False/OverflowCycle")
	c.expect("q is on a cycle", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionOverflowAcyclic), "False/OverflowCycle")
	c.expect("night is not", says(c.Lint.Queue("night").Conditions, rollcallv1.ConditionOverflowAcyclic), "True/AsExpected")
	c.apply("Queue night {outOfHours: {type: Queue, name: q}}")
	for _, x := range []routing.Target{{Kind: routing.KindUserGroup, Name: "g"}, {Kind: routing.KindQueue, Name: "q"}, {Kind: routing.KindQueue, Name: "night"}} {
		c.expect(x.Name+" with all five edges on a cycle", exits(x.Kind, x.Name), "{Hangup } {Hangup }")
	}
}

// Supervisors of queues and campaigns see those who work there, and take nothing themselves (V-24).
func TestSupervisorsOfQueuesAndCampaigns(t *testing.T) {
	c := newCallCenter(t, `
		Teammate sue {identity: {email: sue@x.example}, accountRoleRef: {name: supervisor}}
		Teammate ana {identity: {email: ana@x.example}, assignment: {type: Queues, queues: [{name: q}]}}
		Queue q {supervisors: [{name: sue}, {name: ana}]}
		Campaign c {mode: Progressive, supervisors: [{name: sue}]}`)
	status := c.EffectiveAccess("sue").Status
	want := []rollcallv1.SupervisedTarget{{Kind: "Campaign", Name: "c"}, {Kind: "Queue", Name: "q"}}
	if diff := cmp.Diff(want, status.Supervises); diff != "" {
		t.Errorf("supervises (-want +got):\n%s", diff)
	}
	c.expect("anchors", fmt.Sprint(status.DataScope.Queues, status.DataScope.Campaigns), "[q] [c]")
	c.expect("candidates", c.candidates(routing.KindQueue, "q"), "ana sue/SupervisorOnly")
	c.expect("an agent cannot supervise", fmt.Sprint(c.EffectiveAccess("ana").Status.Supervises), "[]")
	c.expect("and it is said", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionReferencesResolved), "False/WrongType")
	c.remove("Queue/q")
	c.expect("after the queue was deleted", fmt.Sprint(c.EffectiveAccess("sue").Status.Supervises), "[{Campaign c}]")
	c.expect("its agent", says(c.Lint.Teammate("ana").Conditions, rollcallv1.ConditionReferencesResolved), "False/UnresolvedReference")
}

// V-38: a campaign excludes a person from all queues, those through groups too.
func TestCampaignExcludesQueues(t *testing.T) {
	c := newCallCenter(t, `
		Teammate ana {identity: {email: ana@x.example}, groups: [{name: g}], assignment: {type: Campaign, campaignRef: {name: c}}}
		UserGroup g {}
		Queue q {groups: [{name: g}]}
		Campaign c {mode: Progressive}`)
	c.expect("in the campaign", c.candidates(routing.KindQueue, "q"), "ana/CampaignExclusive")
	c.expect("condition", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionRoutable), "False/NoCandidates")
	c.apply("Teammate ana {identity: {email: ana@x.example}, groups: [{name: g}]}")
	c.expect("out of it", c.candidates(routing.KindQueue, "q"), "ana")
	c.expect("condition, out of it", says(c.Lint.Queue("q").Conditions, rollcallv1.ConditionRoutable), "True/AsExpected")
}
