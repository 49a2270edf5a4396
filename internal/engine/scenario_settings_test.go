package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/test/builder"
)

func (w *world) chats(teammate string) string {
	return fmt.Sprint(w.EffectiveAccess(teammate).Status.Chat.MaxChats, " ", w.condition("Teammate/"+teammate, "ChatLimitInRange"))
}

// voice are outbound calls, change of the caller ID, recordings and the caller ID of somebody.
func (w *world) voice(teammate string) string {
	v := w.EffectiveAccess(teammate).Status.Voice
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", v.OutboundCalls, v.AgentsCanChangeCallerID, v.RecordingAccess, v.CallerIDProfile))
}

// offered is whom the plan of a target would let ring or be assigned now, and whom not and why (`route --at`).
func (w *world) offered(target string) string {
	x := targetNamed(target)
	plan := w.Routing.Plan(nil, x)
	excluded := w.Routing.Engine(nil).Excluded(plan, routing.State{}, routing.Item{}, w.now)
	var out []string
	for _, c := range plan.Candidates {
		if !slices.ContainsFunc(excluded, func(e routing.Exclusion) bool { return e.Name == c.Name }) {
			out = append(out, c.Name)
		}
	}
	for _, e := range excluded {
		out = append(out, e.Name+"/"+string(e.Reason))
	}
	return strings.Join(out, " ")
}

func TestScenariosOfSettings(t *testing.T) {
	person := func(chats int) string {
		return fmt.Sprintf("Teammate ana {onboarding: {method: Directory}, maxChats: %d}", chats)
	}
	playAll(t, map[string]scenario{
		"S-21 off: chat limits out of range": {
			given: "Organization default {preset: VoiceCenter}\n" + person(-1),
			play: func(w *world) {
				w.want("stored -1", w.chats("ana"), "100 False/Clamped")
				w.apply(person(101))
				w.want("101", w.chats("ana"), "100 False/Clamped")
				w.apply(person(100))
				w.want("100", w.chats("ana"), "100 True")
			},
		},
		"S-22 no limit": {
			given: "Organization default {preset: ChatDesk}\n" + person(-1),
			play:  func(w *world) { w.want("-1", w.chats("ana"), "-1 True") },
		},
		"S-30 a supervisor of five groups": {
			given: `
				Organization default {preset: VoiceCenter}
				Teammate sue {onboarding: {method: Directory}, accountRoleRef: {name: supervisor}}` + fiveGroups(""),
			play: func(w *world) {
				for i := range 5 {
					w.want("plan", w.candidates(fmt.Sprintf("UserGroup/g%d", i)), "sue/SupervisorOnly")
				}
				s := w.EffectiveAccess("sue").Status
				w.want("scope", fmt.Sprint(s.DataScope.Scopes, " ", s.DataScope.Groups), "[Self ManagedGroups] [g0 g1 g2 g3 g4]")
				w.want("supervises", s.Counts.Supervises, int32(5))
				w.want("member of none", w.groups("sue"), "")
				w.apply(fiveGroups(", members: [{name: sue}]"))
				w.want("member of the same", w.rejected("g0")+" "+w.condition("UserGroup/g0", "MembersAccepted"), "sue/SupervisorIsMember False/SupervisorIsMember")
				w.apply("UserGroup other {members: [{name: sue}]}")
				w.want("member of another", w.groups("sue"), "other(Explicit)")
			},
		},
		"S-31 an agent is no supervisor": {
			given: "Teammate ana\nTeammate sue {accountRoleRef: {name: supervisor}}\nUserGroup g {supervisors: [{name: ana}, {name: sue}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}",
			play: func(w *world) {
				w.want("SupervisorsAccepted", w.condition("UserGroup/g", "SupervisorsAccepted"), "False/NotASupervisor")
				w.want("dropped", fmt.Sprint(w.EffectiveAccess("ana").Status.Supervises, w.plan("UserGroup/g").Status.Supervisors), "[] [sue]")
			},
		},
		"S-32 recordings by group": {
			given: "Organization default {voice: {recordingAccess: Enabled}}\nTeammate ana\nTeammate ben\nUserGroup g {members: [{name: ana}], voice: {recordingAccess: Disabled}}",
			play: func(w *world) {
				own := func(name string) bool { return strings.Contains(w.account(name), "recordings.viewOwn") }
				w.want("member, other", fmt.Sprint(own("ana"), " ", own("ben")), "false true")
				w.want("check", w.verdict("ana", "recordings.viewOwn", ""), "Denied RecordingAccess/ana")
				w.apply("Organization default {voice: {recordingAccess: Disabled}}\nUserGroup g {members: [{name: ana}], voice: {recordingAccess: Enabled}}")
				w.want("the reverse", fmt.Sprint(own("ana"), " ", own("ben")), "true false")
			},
		},
		"S-39 a department of disabled groups is not for everybody": {
			given: "Teammate ana\nUserGroup g {state: Disabled, members: [{name: ana}]}\nUserGroup h {state: Disabled}\nDepartment d {groups: [{name: g}, {name: h}]}",
			play: func(w *world) {
				w.want("Routable", w.condition("Department/d", "Routable"), "False/AllGroupsDisabled")
				w.want("candidates", w.candidates("Department/d"), "")
			},
		},
		"S-40 a department without groups": {
			given: `
				ProfileRole see {permissions: [care.view]}
				Profile p
				Teammate ana {profiles: [{name: p, profileRoleRef: {name: see}}]}
				Teammate ben {profiles: [{name: p}]}
				Teammate kim {accountRoleRef: {name: viewer}}
				Teammate old {lifecycle: {state: Archived}}
				Department d`,
			play: func(w *world) {
				w.want("everybody who handles", w.candidates("Department/d"), "ana ben kim/RoleCannotHandle old/Lifecycle")
				w.apply("Department d {profiles: [{name: p}]}")
				w.want("with a view", w.candidates("Department/d"), "ana ben/NoProfileAccess kim/RoleCannotHandle old/Lifecycle")
			},
		},
		"S-50 somebody inactive": {
			given: "Teammate ana {availability: Inactive}\nUserGroup g {members: [{name: ana}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}\nDepartment d {groups: [{name: g}]}",
			play: func(w *world) {
				w.want("plans", w.candidates("UserGroup/g")+" "+w.candidates("Department/d"), "ana/Availability ana/Availability")
				w.want("membership", w.members("g")+" "+w.phase("ana"), "ana Active")
			},
		},
		"S-95 departments that overflow to each other, and two that list one profile": {
			given: `
				Profile p
				Teammate ana
				Department x {profiles: [{name: p}], routing: {overflow: {type: Department, name: "z"}}}
				Department z {profiles: [{name: p}], routing: {overflow: {type: Department, name: x}}}`,
			play: func(w *world) {
				for _, d := range []string{"x", "z"} {
					w.want(d, w.condition("Department/"+d, "OverflowAcyclic"), "False/OverflowCycle")
					w.want(d, *w.plan("Department/" + d).Status.Overflow, rollcallv1.RouteOverflow{Type: "Unassigned"})
				}
				w.want("the smaller name serves", fmt.Sprint(w.Routing.Serving(nil, "p")), "{Department x} true")
				w.want("InboundUnique", w.condition("Department/x", "InboundUnique")+" "+w.condition("Department/z", "InboundUnique"), "True False/InboundConflict")
			},
		},
		"S-97 roles that the preset does not know": {
			given: `
				Organization default {preset: ChatDesk}
				Teammate ana {identity: {directoryID: a}}
				Teammate sue {identity: {directoryID: s}, accountRoleRef: {name: supervisor}}`,
			play: func(w *world) {
				w.apply(`AccountRole agent {baseType: Agent, permissions: ["*"]}`)
				w.want("read as the built-in one", w.account("ana"), builtinAgent)
				w.want("reported", w.condition("AccountRole/agent", "PolicyCompliant"), "False/CustomRoleNotAllowed")
				w.want("base type", w.phase("sue")+" "+w.condition("Teammate/sue", "RoleAllowed"), "Invalid/BaseTypeNotAllowed False/BaseTypeNotAllowed")
			},
		},
		"S-98 without a contact centre": {
			given: `
				Organization default {contactCenter: Disabled, voice: {outboundCalls: Enabled, agentsCanChangeCallerID: Enabled, recordingAccess: Enabled}}
				Profile p
				Teammate ana
				UserGroup g {members: [{name: ana}], voice: {dialing: {strategy: Random, maxRingTime: 15s, profiles: [{name: p}]}}}
				Department d {groups: [{name: g}]}`,
			play: func(w *world) {
				w.want("no plan", w.RoutePlan(targetNamed("UserGroup/g")) == nil, true)
				w.want("Ready", w.condition("UserGroup/g", "Ready"), "False/ContactCenterDisabled")
				_, served := w.Routing.Serving(nil, "p")
				w.want("serves nothing", served, false)
				w.want("voice", w.voice("ana"), "Disabled Disabled Disabled")
				w.want("departments", w.candidates("Department/d"), "ana")
				w.apply("Organization default {voice: {outboundCalls: Enabled, agentsCanChangeCallerID: Enabled, recordingAccess: Enabled}}")
				w.want("enabled again", w.candidates("UserGroup/g")+", "+w.voice("ana"), "ana/NoProfileAccess, Enabled Enabled Enabled")
			},
		},
		"S-99 an image that is too small": {
			given: agentFeedback + `Teammate eva {card: {image: {url: "https://x.example/e", width: 120, height: 200}}}`,
			play: func(w *world) {
				w.want("ImageAdequate", w.condition("Teammate/eva", "ImageAdequate"), "False/ImageTooSmall")
				w.apply(`Teammate eva {card: {image: {url: "https://x.example/e", width: 160, height: 200}}}`)
				w.want("large enough", w.condition("Teammate/eva", "ImageAdequate"), "True")
			},
		},
		"S-100 voice settings of a group": {
			given: `
				Organization default {voice: {outboundCalls: Enabled, agentsCanChangeCallerID: Disabled, callerIDProfileRef: {name: general}}}
				Profile general {type: Phone, phoneNumber: "+1000"}
				Profile own {type: Phone, phoneNumber: "+1001"}
				Teammate ana
				Teammate ben
				UserGroup g {members: [{name: ana}], voice: {outboundCalls: Disabled, agentsCanChangeCallerID: Enabled, callerIDProfileRef: {name: own}}}`,
			play: func(w *world) {
				w.want("members", w.voice("ana"), "Disabled Disabled Disabled own")
				w.want("others", w.voice("ben"), "Enabled Disabled Disabled general")
			},
		},
		"S-136 own hours": {
			given: `
				Organization default {timeZone: Europe/Prague}
				Schedule mornings {weekly: [{days: [Monday], open: "08:00", close: "12:00"}]}
				Schedule days {weekly: [{days: [Monday], open: "08:00", close: "18:00"}]}
				Teammate ana {scheduleRef: {name: mornings}}
				UserGroup g {members: [{name: ana}]}
				Department d {groups: [{name: g}], scheduleRef: {name: days}}`,
			play: func(w *world) {
				hashes := w.hashes()
				w.want("named at the candidate", w.plan("Department/d").Status.Candidates[0].Schedule, "mornings")
				w.now = w.now.AddDate(0, 0, -7) // a Monday before
				w.restart(nil, false)
				w.at("10:59:59") // 11:59:59 in Prague
				w.want("a second before noon", w.offered("Department/d"), "ana")
				w.at("11:00:00")
				w.want("at noon", w.offered("Department/d"), "ana/OffShift")
				w.want("written", w.writes()+": "+w.inputs(), "0 access, 0 plans, 1 inputs, 0 ledger: Schedule/mornings")
				w.want("outputs", w.hashes(), hashes)
			},
		},
		"S-137 absences": {
			given: `
				Teammate ana {absences: [
					{name: august, from: "2027-08-01T00:00:00Z", until: "2027-08-03T00:00:00Z"},
					{name: july, from: "2027-07-01T00:00:00Z", until: "2027-07-15T00:00:00Z"}]}
				UserGroup g {members: [{name: ana}]}
				Department d {groups: [{name: g}]}`,
			play: func(w *world) {
				access := w.hash("ana")
				absence := func() string {
					s := w.plan("Department/d").Status
					if a := s.Candidates[0].Absence; a != nil {
						return transition(a.From) + " to " + transition(a.Until) + ", next " + transition(s.NextTransition)
					}
					return "none, next " + transition(s.NextTransition)
				}
				july := "2027-07-01T00:00:00Z to 2027-07-15T00:00:00Z, next 2027-07-15T00:00:00Z"
				w.want("before", absence(), july)
				w.at("2027-06-30T23:59:59Z")
				w.want("a second before", w.offered("Department/d"), "ana")
				w.at("2027-07-01T00:00:00Z")
				w.want("away", w.offered("Department/d"), "ana/Absent")
				w.want("the plan is the same", absence()+", "+w.writes(), july+", 0 access, 0 plans, 0 inputs, 0 ledger")
				w.at("2027-07-14T23:59:59Z")
				w.want("a second before the return", absence(), july)
				w.at("2027-07-15T00:00:00Z")
				w.want("back", w.offered("Department/d"), "ana")
				w.want("the next one", absence(), "2027-08-01T00:00:00Z to 2027-08-03T00:00:00Z, next 2027-08-03T00:00:00Z")
				w.at("2027-08-03T00:00:00Z")
				w.want("none left", absence(), "none, next ")
				w.want("access", w.hash("ana"), access)
			},
		},
		"S-140 a candidate needs a view, with real permissions": {
			given: `
				ProfileRole see {permissions: [care.view]}
				ProfileRole weak {permissions: [chat.view]}
				Profile l1
				Profile l2
				Teammate ana {profiles: [{name: l1, profileRoleRef: {name: see}}]}
				Teammate ben
				Teammate cid {profiles: [{name: l2, profileRoleRef: {name: see}}]}
				UserGroup g {members: [{name: ana}, {name: ben}, {name: cid}]}
				Department d {groups: [{name: g}], profiles: [{name: l1}]}`,
			play: func(w *world) {
				w.want("l1", w.candidates("Department/d"), "ana ben/NoProfileAccess cid/NoProfileAccess")
				w.apply("Department d {groups: [{name: g}], profiles: [{name: l1}, {name: l2}]}")
				w.want("l1 and l2", w.candidates("Department/d"), "ana cid ben/NoProfileAccess")
				w.apply("Department d {groups: [{name: g}]}")
				w.want("nothing", w.candidates("Department/d"), "ana ben cid")
				w.apply("Organization default {defaultProfileRoleRef: {name: weak}}\nTeammate ben {profiles: [{name: l1}]}\nDepartment d {groups: [{name: g}], profiles: [{name: l1}]}")
				w.want("by default", w.candidates("Department/d"), "ana ben cid/NoProfileAccess")
			},
		},
	})
}

func fiveGroups(more string) string {
	var out strings.Builder
	for i := range 5 {
		fmt.Fprintf(&out, "\nUserGroup g%d {supervisors: [{name: sue}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}%s}", i, more)
	}
	return out.String()
}

// names are n names with a common beginning.
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return out
}

// crowd are people of these names.
func crowd(names []string, options ...builder.Option[rollcallv1.Teammate]) []metav1.Object {
	var out []metav1.Object
	for _, name := range names {
		out = append(out, builder.Teammate(name, options...))
	}
	return out
}

func profiles(names []string) []metav1.Object {
	var out []metav1.Object
	for _, name := range names {
		out = append(out, builder.Profile(name))
	}
	return out
}

// TestWritesOfOneEdit counts what one change writes in an organization of a thousand people.
func TestWritesOfOneEdit(t *testing.T) {
	people := names("person", 1000)
	t.Run("S-59 one person into the lowest of six groups", func(t *testing.T) {
		w := foundFrom(t, append(crowd(people), builder.Objects(t, chain)...)...)
		w.apply(`UserGroup g6 {members: [{name: person0500}], memberSelector: {matchLabels: {team: six}}, profiles: [{name: low}], permissionSet: {profileRoleRef: {name: viewer}}}`)
		w.want("writes", w.writes(), "1 access, 0 plans, 6 inputs, 0 ledger")
		w.want("whose", fmt.Sprint(w.touched.Access, " ", w.inputs()), "[person0500] UserGroup/g1 UserGroup/g2 UserGroup/g3 UserGroup/g4 UserGroup/g5 UserGroup/g6")
		w.change()
		w.want("next run", w.touched.Empty(), true)
	})

	serving := names("p", 50)
	team := func(members, profiles []string) *rollcallv1.UserGroup {
		return builder.UserGroup("team", builder.Members(members...), builder.Profiles(profiles...), builder.Grants("viewer"), builder.SupervisedBy("sue"))
	}
	organization := func(t *testing.T) *world {
		objects := slices.Concat(crowd(people), profiles(append(serving, "p9999")), crowd([]string{"outsider", "newcomer"}),
			crowd([]string{"sue"}, builder.Role("supervisor")), builder.Objects(t, "ProfileRole viewer {permissions: [care.view]}"),
			[]metav1.Object{team(people, serving)})
		for _, d := range names("d", 10) {
			objects = append(objects, builder.Department(d, []string{"team"}))
		}
		return foundFrom(t, objects...)
	}
	t.Run("S-76 one profile into a group of a thousand", func(t *testing.T) {
		w := organization(t)
		w.put(team(people, append(slices.Clone(serving), "p9999")))
		w.want("writes", w.writes(), "1000 access, 0 plans, 1 inputs, 0 ledger")
		w.want("each once, nobody else", fmt.Sprint(slices.Equal(w.touched.Access, people), " ", w.inputs()), "true UserGroup/team")
		w.want("the profile", w.on("person0999", "p9999"), "care.view")
		w.change()
		w.want("next run", w.touched.Empty(), true)
	})
	t.Run("S-77 one member into a group of a thousand", func(t *testing.T) {
		w := organization(t)
		w.put(team(append(slices.Clone(people), "newcomer"), serving))
		w.want("writes", w.writes(), "1 access, 10 plans, 1 inputs, 0 ledger")
		w.want("whose", fmt.Sprint(w.touched.Access, " ", w.inputs()), "[newcomer] UserGroup/team")
		w.change()
		w.want("next run", w.touched.Empty(), true)
	})
	t.Run("S-139 twenty schedules open at once", func(t *testing.T) {
		var objects []metav1.Object
		schedules := names("s", 20)
		for i, s := range schedules {
			objects = append(objects, builder.Hours(s, "09:00", fmt.Sprintf("%02d:00", 15+i%5)))
		}
		for i, name := range people {
			objects = append(objects, builder.Teammate(name, builder.Works(schedules[i%20])))
		}
		for i, name := range names("g", 100) {
			objects = append(objects,
				builder.UserGroup(name, builder.Members(people[10*i:10*i+10]...), builder.Opens(schedules[i%20]), builder.Rings("Random", 15*time.Second)),
				builder.Department("d"+name, []string{name}))
		}
		w := foundFrom(t, objects...)
		w.want("targets", len(w.Routing.Targets(nil)), 200)
		w.at("2027-03-02T08:59:59Z")
		hashes, before := w.hashes(), w.offered("UserGroup/g0000")
		w.at("09:00:00")
		w.want("writes", w.writes(), "0 access, 0 plans, 20 inputs, 0 ledger")
		w.want("outputs", w.hashes(), hashes)
		w.want("but whom a call rings is not the same", before != w.offered("UserGroup/g0000"), true)
	})
}

// TestLargeOutputs is S-89: what is stored is cut, what is counted and hashed is not.
func TestLargeOutputs(t *testing.T) {
	seen, people := names("profile", 1500), names("person", 1500)
	objects := slices.Concat(profiles(seen), crowd(people), crowd([]string{"ana"}, builder.Sees("viewer", seen...)),
		builder.Objects(t, "ProfileRole viewer {permissions: [care.view]}"),
		[]metav1.Object{builder.UserGroup("g", builder.Members(people...)), builder.Department("d", []string{"g"})})
	t.Run("S-89 1,500 profiles and 1,500 candidates", func(t *testing.T) {
		w := foundFrom(t, objects...)
		access := w.EffectiveAccess("ana").Status
		w.want("counts", fmt.Sprint(access.Counts.Profiles, " ", access.Truncated), "1500 true")
		w.want("names", len(access.Grants[0].Profiles), 1000)
		plan := w.plan("Department/d").Status
		w.want("counts", fmt.Sprint(plan.CandidateCount, " ", plan.Truncated), "1500 true")
		w.want("names", len(plan.Candidates), 200)
		w.want("complete on demand", fmt.Sprint(len(w.Access.Of("ana").Grants[0].Profiles), " ", len(w.Routing.Plan(nil, targetNamed("Department/d")).Candidates)), "1500 1500")

		// A change of what is cut off shows in the hash.
		w.put(builder.Teammate("ana", builder.Sees("viewer", seen[:1499]...)))
		after := w.EffectiveAccess("ana").Status
		w.want("stored names", fmt.Sprint(after.Grants), fmt.Sprint(access.Grants))
		w.want("another hash", after.Hash != access.Hash, true)
		w.put(builder.Teammate("person1499", builder.Role("viewer")))
		w.want("another hash", w.plan("Department/d").Status.Hash != plan.Hash, true)
	})
}
