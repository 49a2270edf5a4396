package engine_test

import (
	"fmt"
	"testing"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// desk is what the deletions below take something away from: two people on a page and on a line, with somebody above them.
const desk = `
	Schedule office {timeZone: Etc/UTC, weekly: [{days: [Monday], open: "08:00", close: "18:00"}]}
	Profile page
	Profile line {type: Phone, phoneNumber: "+14165550100"}
	ProfileRole care {permissions: [care.reply]}
	AccountRole senior {baseType: Agent, permissions: [conversations.handle, cases.manage]}
	Teammate lea {accountRoleRef: {name: team-leader}, canManageTeams: true}
	Teammate ana {teamLeaderRef: {name: lea}, accountRoleRef: {name: senior}, scheduleRef: {name: office}}
	Teammate ben {teamLeaderRef: {name: lea}, assignment: {type: Queues, queues: [{name: orders}]}}
	Teammate cy {assignment: {type: Campaign, campaignRef: {name: sale}}}
	UserGroup crew {members: [{name: ana}, {name: ben}], supervisors: [{name: sue}], profiles: [{name: page}, {name: line}], permissionSet: {profileRoleRef: {name: care}}, scheduleRef: {name: office},
		voice: {dialing: {strategy: Simultaneous, maxRingTime: 20s, profiles: [{name: line}], overflow: {type: Queue, name: orders}}}}
	UserGroup everybody {includes: [{name: crew}]}
	Teammate sue {accountRoleRef: {name: supervisor}}
	Department shop {groups: [{name: crew}], profiles: [{name: page}], routing: {overflow: {after: 1m, type: Department, name: rest}}}
	Department rest {default: true, groups: [{name: everybody}]}
	Queue orders {supervisors: [{name: sue}], overflow: {type: UserGroup, name: crew}, outOfHours: {type: Queue, name: night}}
	Queue night {groups: [{name: crew}]}
	Campaign sale {mode: Progressive, supervisors: [{name: sue}]}`

// readyStill fails unless every object that is left is Ready: deleting one blocks no other.
func (w *world) readyStill() {
	w.t.Helper()
	for o := range w.objects {
		if got := w.condition(o.String(), rollcallv1.ConditionReady); got != "True" {
			w.t.Errorf("%s is not Ready: %s", o, got)
		}
	}
}

// unresolved is what an object says of its references.
func (w *world) unresolved(object string) string {
	return w.condition(object, rollcallv1.ConditionReferencesResolved)
}

// heals removes objects, looks, puts them back, and wants everything to be as it was.
func (w *world) heals(look func(), objects ...string) {
	w.t.Helper()
	before := w.hashes()
	for _, object := range objects {
		o := w.objects[objectNamed(object)]
		w.remove(object)
		look()
		w.readyStill()
		w.put(o)
	}
	w.want("hashes when it is back", w.hashes(), before)
}

// TestDeletion is R-19, a row of docs/deletion.md each: what follows at once, what is left alone, that references are
// reported and never edited (world.change compares the stored objects), and that it all comes back with the object.
func TestDeletion(t *testing.T) {
	playAll(t, map[string]scenario{
		"somebody archived loses everything and stays listed": {given: desk, play: closedGate("{state: Archived}", "Archived")},
		"somebody blocked loses everything until the block ends": {given: desk, play: func(w *world) {
			before := w.hashes()
			closedGate(`{state: Blocked, blockedFrom: "2027-03-01T12:00:00Z", blockedUntil: "2027-03-02T12:00:00Z"}`, "Blocked")(w)
			w.at("2027-03-02T11:59:59Z")
			w.want("a second before", w.phase("ana"), "Blocked")
			w.at("2027-03-02T12:00:00Z")
			w.want("afterwards", w.hashes(), before)
		}},
		"somebody whose time is over loses everything": {given: desk, play: func(w *world) {
			w.apply(`Teammate ana {teamLeaderRef: {name: lea}, accountRoleRef: {name: senior}, until: "2027-03-02T12:00:00Z"}`)
			w.at("2027-03-02T11:59:59Z")
			w.want("a second before", w.phase("ana")+" "+w.on("ana", "page"), "Active care.reply care.view")
			w.at("2027-03-02T12:00:00Z")
			w.want("at that instant", w.phase("ana")+" "+w.on("ana", "page")+w.account("ana"), "Ended ")
			w.want("plan", w.candidates("Department/shop"), "ben ana/Lifecycle")
		}},
		"a deleted teammate leaves every plan and membership": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("no output", w.EffectiveAccess("ana") == nil, true)
				w.want("plans", w.candidates("Department/shop")+", "+w.candidates("UserGroup/crew")+", "+w.candidates("Queue/night"), "ben, ben sue/SupervisorOnly, ben")
				w.want("members", w.members("crew")+", "+w.members("everybody"), "ben, ben")
				w.want("the reference dangles", w.unresolved("UserGroup/crew"), "False/UnresolvedReference")
			}, "Teammate/ana")
		}},
		"a deleted supervisor is nobody's supervisor": {given: desk, play: func(w *world) {
			w.heals(func() {
				for _, o := range []string{"UserGroup/crew", "Queue/orders", "Campaign/sale"} {
					w.want(o, w.unresolved(o), "False/UnresolvedReference")
				}
				w.want("plan", fmt.Sprint(w.plan("Queue/orders").Status.Supervisors, w.plan("UserGroup/crew").Status.Supervisors), "[] []")
			}, "Teammate/sue")
		}},
		"reports of a leader who is gone have none": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("deleted", w.condition("Teammate/ana", "TeamLeaderResolved")+" "+w.EffectiveAccess("ana").Status.Leader, "False/Unresolved ")
				w.want("their access stays", w.on("ana", "page"), "care.reply care.view")
			}, "Teammate/lea")
			w.apply(`Teammate lea {accountRoleRef: {name: team-leader}, canManageTeams: true, lifecycle: {state: Archived}}`)
			w.want("archived", w.condition("Teammate/ana", "TeamLeaderResolved"), "False/LeaderArchived")
			w.apply(`Teammate lea {accountRoleRef: {name: team-leader}, canManageTeams: true, until: "2027-03-01T11:00:00Z"}`)
			w.want("ended", w.condition("Teammate/ana", "TeamLeaderResolved"), "False/LeaderArchived")
		}},
		"a deleted group takes along what came through it": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("access", w.on("ana", "page")+w.groups("ana"), "")
				w.want("supervises", fmt.Sprint(w.EffectiveAccess("sue").Status.Supervises), "[{Campaign sale} {Queue orders}]")
				w.want("no dialing plan", w.RoutePlan(targetNamed("UserGroup/crew")) == nil, true)
				w.want("departments drop it", w.candidates("Department/shop"), "")
				w.want("and are for nobody, not for everybody", w.condition("Department/shop", "Routable"), "False/AllGroupsDisabled")
				w.want("the group that included it", w.members("everybody")+w.unresolved("UserGroup/everybody"), "False/UnresolvedReference")
				w.want("overflow falls back", w.plan("Queue/orders").Status.Overflow, &rollcallv1.RouteOverflow{Type: "Hangup"})
				for _, o := range []string{"Department/shop", "Queue/orders", "Queue/night"} {
					w.want(o, w.unresolved(o), "False/UnresolvedReference")
				}
			}, "UserGroup/crew")
		}},
		"a disabled group keeps its members and gives nothing": {given: desk, play: func(w *world) {
			crew := w.objects[objectNamed("UserGroup/crew")].(*rollcallv1.UserGroup)
			before := w.hashes()
			off := crew.DeepCopy()
			off.Spec.State = rollcallv1.SwitchDisabled
			w.put(off)
			w.want("members", w.members("crew")+", "+w.members("everybody"), "ana ben, ")
			w.want("access", w.on("ana", "page"), "")
			w.want("department", w.condition("Department/shop", "Routable"), "False/AllGroupsDisabled")
			w.want("references", w.unresolved("Department/shop"), "True")
			w.readyStill()
			w.put(crew)
			w.want("hashes when it is enabled again", w.hashes(), before)
		}},
		"a deleted department takes its plan along": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("no plan", w.RoutePlan(targetNamed("Department/rest")) == nil, true)
				w.want("overflow falls back", w.plan("Department/shop").Status.Overflow, &rollcallv1.RouteOverflow{Type: "Unassigned"})
				w.want("the reference dangles", w.unresolved("Department/shop"), "False/UnresolvedReference")
			}, "Department/rest")
			w.heals(func() {
				server, served := w.Routing.Serving(nil, "page")
				w.want("the default department serves its profile", fmt.Sprint(server, served), "{Department rest} true")
			}, "Department/shop")
		}},
		"a deleted queue takes its plan along": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("no plan", w.RoutePlan(targetNamed("Queue/orders")) == nil, true)
				w.want("the group's calls", w.plan("UserGroup/crew").Status.Overflow, &rollcallv1.RouteOverflow{Type: "Hangup"})
				w.want("references", w.unresolved("UserGroup/crew")+" "+w.unresolved("Teammate/ben"), "False/UnresolvedReference False/UnresolvedReference")
				w.want("supervises", fmt.Sprint(w.EffectiveAccess("sue").Status.Supervises), "[{Campaign sale} {UserGroup crew}]")
			}, "Queue/orders")
		}},
		"a deleted campaign takes its plan along": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("no plan", w.RoutePlan(targetNamed("Campaign/sale")) == nil, true)
				w.want("its agent", w.unresolved("Teammate/cy"), "False/UnresolvedReference")
			}, "Campaign/sale")
		}},
		"a deleted schedule falls through to the next": {given: desk + "\nOrganization default {scheduleRef: {name: hq}}\nSchedule hq {mode: AlwaysClosed}", play: func(w *world) {
			hours := func() string {
				if s := w.plan("UserGroup/crew").Status.Schedule; s != nil {
					return s.Name
				}
				return ""
			}
			w.want("own hours", hours(), "office")
			w.heals(func() {
				w.want("those of the organization", hours(), "hq")
				w.want("references", w.unresolved("UserGroup/crew")+" "+w.unresolved("Teammate/ana"), "False/UnresolvedReference False/UnresolvedReference")
				w.want("the person is never off shift", w.plan("Department/shop").Status.Candidates[0].Schedule, "")
			}, "Schedule/office")
			w.remove("Schedule/office")
			w.remove("Schedule/hq")
			w.want("none left: always open", hours(), "")
		}},
		"a deleted profile role counts as absent": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("nothing may be done", w.on("ana", "page"), "")
				w.want("but it is still seen", w.verdict("ana", "care.reply", "page"), "NotGranted")
				w.want("the reference dangles", w.unresolved("UserGroup/crew"), "False/UnresolvedReference")
			}, "ProfileRole/care")
		}},
		"a deleted profile role of a built-in name is the built-in one again": {
			given: "ProfileRole create {permissions: [care.delete]}\nProfile page\nTeammate ana {profiles: [{name: page, profileRoleRef: {name: create}}]}",
			play: func(w *world) {
				w.want("own", w.on("ana", "page"), "care.delete care.view")
				w.heals(func() {
					w.want("built in", w.verdict("ana", "care.create", "page")+" "+w.verdict("ana", "care.delete", "page"), "Granted NotGranted")
					w.want("nothing dangles", w.unresolved("Teammate/ana"), "True")
				}, "ProfileRole/create")
			}},
		"a deleted account role makes its holders Invalid": {given: desk, play: func(w *world) {
			before := w.hashes()
			role := w.objects[objectNamed("AccountRole/senior")]
			w.remove("AccountRole/senior")
			w.want("the holder", w.phase("ana")+", "+w.account("ana")+w.on("ana", "page"), "Invalid/UnresolvedReference, ")
			w.want("plan", w.candidates("Department/shop"), "ben ana/Lifecycle")
			w.want("others", w.phase("ben")+" "+w.on("ben", "page"), "Active care.reply care.view")
			w.put(role)
			w.want("hashes when it is back", w.hashes(), before)
		}},
		"a deleted account role of a built-in name is the built-in one again": {
			given: "AccountRole agent {baseType: Agent, permissions: [roles.view]}\nTeammate ana",
			play: func(w *world) {
				w.want("own", w.account("ana"), "roles.view")
				w.heals(func() {
					w.want("built in", w.phase("ana")+" "+w.verdict("ana", "conversations.handle", "")+" "+w.verdict("ana", "roles.view", ""), "Active Granted NotGranted")
				}, "AccountRole/agent")
			}},
		"a deleted profile is in no access and no plan": {given: desk, play: func(w *world) {
			w.heals(func() {
				w.want("grants", w.grants("ana"), "line=care.reply care.view <Group:crew/care>")
				w.want("references", w.unresolved("UserGroup/crew")+" "+w.unresolved("Department/shop"), "False/UnresolvedReference False/UnresolvedReference")
				server, _ := w.Routing.Serving(nil, "page")
				w.want("the department that listed it does not serve it", server.Name, "rest")
			}, "Profile/page")
		}},
		"a deleted mention ends the access that it gave": {given: helpdesk + open, play: func(w *world) {
			w.want("open", w.opened("ana"), "m conv-1: "+allOfIt)
			w.remove("Mention/m")
			w.want("closed", w.opened("ana")+w.opened("ben")+w.opened("cid"), "")
			w.readyStill()
		}},
		"a deleted automation leaves the mentions that it made": {
			given: helpdesk + `
				InboundAutomation refunds {keywords: [refund], actions: [{type: Mention, mention: {groups: [{name: desk}]}}]}
				Mention m {conversation: {profileRef: {name: line}, externalID: conv-1}, groups: [{name: desk}], source: {type: Automation, automationRef: {name: refunds}}}`,
			play: func(w *world) {
				before := w.alerts("m")
				w.remove("InboundAutomation/refunds")
				w.want("alerts", w.alerts("m"), before)
				w.want("open", w.opened("ana"), "m conv-1: "+allOfIt)
				w.readyStill()
			}},
		"a deleted organization freezes everything": {given: desk, play: func(w *world) {
			before, organization := w.hashes(), w.objects[objectNamed("Organization/default")]
			w.remove("Organization/default")
			w.remove("Teammate/ana")
			w.at("2027-03-02T12:00:00Z")
			w.want("frozen", fmt.Sprint(w.Frozen(), w.touched.Empty()), "true true")
			w.want("outputs", w.hashes(), before)
			w.put(organization)
			w.want("what happened meanwhile counts now", w.EffectiveAccess("ana") == nil, true)
		}},
	})
}

// closedGate plays a change of ana's lifecycle that closes her gate.
func closedGate(lifecycle, phase string) func(w *world) {
	return func(w *world) {
		w.apply(`Teammate ana {teamLeaderRef: {name: lea}, accountRoleRef: {name: senior}, scheduleRef: {name: office}, lifecycle: ` + lifecycle + `}`)
		w.want("phase", w.phase("ana"), phase)
		status := w.EffectiveAccess("ana").Status
		w.want("empty", fmt.Sprint(len(status.AccountPermissions), len(status.Grants), status.Voice == nil, status.Chat == nil), "0 0 true true")
		w.want("still listed", fmt.Sprint(status.Groups, status.Leader, " ", w.members("crew")), "[crew everybody]lea ana ben")
		w.want("plans", w.candidates("Department/shop")+", "+w.candidates("UserGroup/crew"), "ben ana/Lifecycle, ben ana/Lifecycle sue/SupervisorOnly")
		w.want("others", w.on("ben", "page"), "care.reply care.view")
		w.readyStill()
	}
}
