package edit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// monday is the instant of every edit.
var monday = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// office is an organization to edit.
type office struct {
	*testing.T
	objects []metav1.Object
}

func open(t *testing.T, text string) *office {
	t.Helper()
	o := &office{T: t, objects: builder.Objects(t, text)}
	if !strings.Contains(text, "Organization default") {
		o.objects = append(o.objects, builder.Organization())
	}
	return o
}

func (o *office) engine() *engine.Engine {
	e := engine.New(monday)
	e.Remember(nil, false)
	changes := make([]roster.Change, len(o.objects))
	for i, x := range o.objects {
		changes[i] = roster.Change{Object: x}
	}
	e.Apply(monday, changes...)
	return e
}

// layer1 is what the plugin asks before the engine.
func layer1(changes []edit.Change) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		now, err := edit.Values(c.After)
		if err != nil {
			out[i] = err.Error()
			continue
		}
		if _, findings := manifest.Check(manifest.KindOf(c.After), now, nil); len(findings) > 0 {
			out[i] = findings[0].Rule + " " + findings[0].Field
		}
	}
	return out
}

func (o *office) try(people string, operations ...edit.Operation) *edit.Outcome {
	return edit.Desk{Before: o.engine(), Fresh: o.engine, Refuse: layer1, Namespace: builder.Namespace}.Try(strings.Fields(people), operations)
}

// take makes an outcome the organization.
func (o *office) take(out *edit.Outcome) {
	for _, c := range out.Changed {
		o.put(c.After)
	}
}

func (o *office) put(x metav1.Object) {
	o.objects = slices.DeleteFunc(o.objects, func(old metav1.Object) bool {
		return old.GetName() == x.GetName() && manifest.KindOf(old) == manifest.KindOf(x)
	})
	o.objects = append(o.objects, x)
}

func results(out *edit.Outcome) string {
	var lines []string
	for _, r := range out.Results {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Teammate, r.Verdict, r.Message)))
	}
	return strings.Join(lines, "\n")
}

// fields writes what changed: the objects with the fields in which they differ, as they are afterwards.
func fields(t *testing.T, out *edit.Outcome) string {
	t.Helper()
	var lines []string
	for _, c := range out.Changed {
		before := map[string]any{}
		if c.Before != nil {
			before = spec(t, c.Before)
		}
		after := spec(t, c.After)
		for _, key := range []string{"members", "accountRoleRef", "absences", "availability", "maxChats", "extension", "skills", "assignment", "groups", "primaryGroupRef", "teamLeaderRef", "channels", "lifecycle"} {
			if !cmp.Equal(before[key], after[key]) {
				lines = append(lines, fmt.Sprintf("%s/%s %s: %v", manifest.KindOf(c.After), c.After.GetName(), key, after[key]))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func spec(t *testing.T, o metav1.Object) map[string]any {
	t.Helper()
	values, err := edit.Values(o)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := values["spec"].(map[string]any)
	return out
}

func at(text string) *metav1.Time {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return new(metav1.NewTime(when))
}

func until(text string) rollcallv1.Window { return rollcallv1.Window{Until: at(text)} }

func skill(name string, level int32) rollcallv1.TeammateSkill {
	s := rollcallv1.TeammateSkill{Name: name}
	if level > 0 {
		s.Level = &level
	}
	return s
}

const skilled = "Organization default {skills: [{name: fr}, {name: en, maxLevel: 5}], preset: Custom}\n"

func TestOperations(t *testing.T) {
	for name, tc := range map[string]struct {
		given  string
		do     []edit.Operation
		want   string // of ana
		fields string
	}{
		"V-36 a role": {
			"Teammate ana", []edit.Operation{edit.Role{Name: "supervisor"}},
			"ana Succeeded accountRole - -> supervisor; permissions +13", "Teammate/ana accountRoleRef: map[name:supervisor]",
		},
		"the same role": {"Teammate ana {accountRoleRef: {name: agent}}", []edit.Operation{edit.Role{Name: "agent"}}, "ana Unchanged", ""},
		"a role that does not exist": {
			"Teammate ana", []edit.Operation{edit.Role{Name: "chef"}},
			`ana Failed UnresolvedReference: account role "chef" does not exist, neither as an object nor built in`, "",
		},
		"S-45 V-39 a queue more": {
			"Queue q1\nQueue q2\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}", []edit.Operation{edit.AddQueues{Names: []string{"q2"}}},
			"ana Succeeded assignment Queues q1 -> Queues q1,q2", "Teammate/ana assignment: map[queues:[map[name:q1] map[name:q2]] type:Queues]",
		},
		"S-45 V-39 other queues": {
			"Queue q1\nQueue q2\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}", []edit.Operation{edit.SetQueues{Names: []string{"q2"}}},
			"ana Succeeded assignment Queues q1 -> Queues q2", "Teammate/ana assignment: map[queues:[map[name:q2]] type:Queues]",
		},
		"V-37 the last queue": {
			"Queue q1\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}", []edit.Operation{edit.RemoveQueues{Names: []string{"q1"}}},
			"ana Succeeded assignment Queues q1 -> -", "Teammate/ana assignment: map[type:None]",
		},
		"no queues at all": {
			"Queue q1\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}", []edit.Operation{edit.SetQueues{}},
			"ana Succeeded assignment Queues q1 -> -", "Teammate/ana assignment: map[type:None]",
		},
		"an unknown queue": {
			"Teammate ana", []edit.Operation{edit.AddQueues{Names: []string{"q9"}}}, `ana Failed Queue "q9" does not exist; create the Queue first`, "",
		},
		"a queue that dangles stays, and is not the fault of the edit": {
			"Queue q1\nTeammate ana {assignment: {type: Queues, queues: [{name: gone}]}}", []edit.Operation{edit.AddQueues{Names: []string{"q1"}}},
			"ana Succeeded assignment Queues gone -> Queues gone,q1", "Teammate/ana assignment: map[queues:[map[name:gone] map[name:q1]] type:Queues]",
		},
		"V-40 more queues than allowed": {
			"Organization default {preset: VoiceCenter, policies: {assignment: {maxQueues: 1}}}\nQueue q1\nQueue q2\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}",
			[]edit.Operation{edit.AddQueues{Names: []string{"q2"}}},
			"ana Failed QueueLimitExceeded: 2 queues, by spec.assignment.queues and through groups, and policies.assignment.maxQueues allows 1: q1 count, q2 do not", "",
		},
		"V-40 fewer queues than before, and still too many": {
			"Organization default {preset: VoiceCenter, policies: {assignment: {maxQueues: 1}}}\nQueue q1\nQueue q2\nQueue q3\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}, {name: q2}, {name: q3}]}}",
			[]edit.Operation{edit.RemoveQueues{Names: []string{"q3"}}},
			"ana Failed QueueLimitExceeded: 2 queues, by spec.assignment.queues and through groups, and policies.assignment.maxQueues allows 1: q1 count, q2 do not", "",
		},
		"V-40 few enough queues": {
			"Organization default {preset: VoiceCenter, policies: {assignment: {maxQueues: 1}}}\nQueue q1\nQueue q2\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}, {name: q2}]}}",
			[]edit.Operation{edit.RemoveQueues{Names: []string{"q2"}}},
			"ana Succeeded assignment Queues q1,q2 -> Queues q1", "Teammate/ana assignment: map[queues:[map[name:q1]] type:Queues]",
		},
		"V-37 a campaign": {
			"Campaign c {mode: Progressive}\nTeammate ana", []edit.Operation{edit.Campaign{Name: "c"}},
			"ana Succeeded assignment - -> Campaign c", "Teammate/ana assignment: map[campaignRef:map[name:c] type:Campaign]",
		},
		"V-37 no campaign": {
			"Campaign c {mode: Progressive}\nTeammate ana {assignment: {type: Campaign, campaignRef: {name: c}}}", []edit.Operation{edit.NoCampaign{}},
			"ana Succeeded assignment Campaign c -> -", "Teammate/ana assignment: map[type:None]",
		},
		"no campaign where there are queues": {
			"Queue q1\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}", []edit.Operation{edit.NoCampaign{}}, "ana Unchanged", "",
		},
		"V-41 from an active campaign to a queue at once": {
			"Organization default {preset: VoiceCenter}\nQueue q1\nCampaign c {mode: Progressive, state: Active}\nTeammate ana {assignment: {type: Campaign, campaignRef: {name: c}}}",
			[]edit.Operation{edit.NoCampaign{}, edit.AddQueues{Names: []string{"q1"}}},
			`ana Failed CampaignNotReleased: spec.assignment asks for queues while campaign "c" is Active, and policies.assignment.campaignToQueue is RequireUnassign: the campaign stays until spec.assignment.type was None or the campaign is not Active`, "",
		},
		"V-41 from a paused campaign to a queue": {
			"Organization default {preset: VoiceCenter}\nQueue q1\nCampaign c {mode: Progressive, state: Paused}\nTeammate ana {assignment: {type: Campaign, campaignRef: {name: c}}}",
			[]edit.Operation{edit.AddQueues{Names: []string{"q1"}}},
			"ana Succeeded assignment Campaign c -> Queues q1", "Teammate/ana assignment: map[queues:[map[name:q1]] type:Queues]",
		},
		"V-42 a chat limit": {
			"Organization default {preset: VoiceCenter}\nTeammate ana {maxChats: 3}", []edit.Operation{edit.MaxChats{Limit: new(int32(100))}},
			"ana Succeeded maxChats 3 -> 100", "Teammate/ana maxChats: 100",
		},
		"V-42 a chat limit out of range": {
			"Organization default {preset: VoiceCenter}\nTeammate ana {maxChats: 3}", []edit.Operation{edit.MaxChats{Limit: new(int32(101))}},
			"ana Failed Clamped: the chat limit is out of the range of policies.chatLimit; 100 is used", "",
		},
		"V-42 out of range before and after": {
			"Organization default {preset: VoiceCenter}\nTeammate ana {maxChats: 500}", []edit.Operation{edit.MaxChats{Limit: new(int32(400))}},
			"ana Failed Clamped: the chat limit is out of the range of policies.chatLimit; 100 is used", "",
		},
		"out of range before, and something else changes": {
			"Organization default {preset: VoiceCenter}\nTeammate ana {maxChats: 500}", []edit.Operation{edit.Extension{Number: "12"}},
			"ana Succeeded extension - -> 12", "Teammate/ana extension: 12",
		},
		"V-42 a chat limit that the schema refuses": {"Teammate ana", []edit.Operation{edit.MaxChats{Limit: new(int32(0))}}, "ana Failed CEL-15 spec.maxChats", ""},
		"the default chat limit again":              {"Teammate ana {maxChats: 3}", []edit.Operation{edit.MaxChats{}}, "ana Succeeded maxChats 3 -> -", "Teammate/ana maxChats: <nil>"},
		"S-46 V-44 skills more": {
			skilled + "Teammate ana {skills: [{name: fr, level: 2}]}", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("fr", 4), skill("en", 1)}}},
			"ana Succeeded skills fr=2 -> fr=4,en=1", "Teammate/ana skills: [map[level:4 name:fr] map[level:1 name:en]]",
		},
		"S-46 V-44 other skills": {
			skilled + "Teammate ana {skills: [{name: fr, level: 2}]}", []edit.Operation{edit.SetSkills{Skills: []rollcallv1.TeammateSkill{skill("en", 1)}}},
			"ana Succeeded skills fr=2 -> en=1", "Teammate/ana skills: [map[level:1 name:en]]",
		},
		"a skill without a level keeps the one there is": {
			skilled + "Teammate ana {skills: [{name: fr, level: 2}]}", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("fr", 0)}}}, "ana Unchanged", "",
		},
		"a level up to the highest": {
			skilled + "Teammate ana", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("en", 5)}}}, "ana Succeeded skills - -> en=5",
			"Teammate/ana skills: [map[level:5 name:en]]",
		},
		"a level above the highest": {
			skilled + "Teammate ana", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("en", 6)}}},
			`ana Failed Clamped: level 6 of skill "en" is above its maxLevel; expected at most 5`, "",
		},
		"other skills, a level above the highest": {
			skilled + "Teammate ana {skills: [{name: en, level: 2}]}", []edit.Operation{edit.SetSkills{Skills: []rollcallv1.TeammateSkill{skill("en", 99)}}},
			`ana Failed Clamped: level 99 of skill "en" is above its maxLevel; expected at most 5`, "",
		},
		"a level that was above the highest before stays": {
			skilled + "Teammate ana {skills: [{name: en, level: 9}]}", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("en", 9), skill("fr", 1)}}},
			"ana Succeeded skills en=9 -> en=9,fr=1", "Teammate/ana skills: [map[level:9 name:en] map[level:1 name:fr]]",
		},
		"an unknown skill": {
			skilled + "Teammate ana", []edit.Operation{edit.AddSkills{Skills: []rollcallv1.TeammateSkill{skill("de", 1)}}},
			`ana Failed skill "de" does not exist; expected one of Organization.spec.skills`, "",
		},
		"availability": {
			"Teammate ana", []edit.Operation{edit.Availability{State: rollcallv1.AvailabilityInactive}}, "ana Succeeded availability Available -> Inactive", "Teammate/ana availability: Inactive",
		},
		"an absence, and the same one moved": {
			`Teammate ana {absences: [{name: leave, until: "2027-04-01T00:00:00Z", note: family}]}`,
			[]edit.Operation{edit.Absent{Name: "summer", Window: until("2027-07-01T00:00:00Z")}, edit.Absent{Name: "leave", Window: until("2027-05-01T00:00:00Z")}},
			"ana Succeeded absences leave until 2027-04-01T00:00:00Z -> leave until 2027-05-01T00:00:00Z,summer until 2027-07-01T00:00:00Z",
			"Teammate/ana absences: [map[name:leave note:family until:2027-05-01T00:00:00Z] map[name:summer until:2027-07-01T00:00:00Z]]",
		},
		"a team leader": {
			"Teammate ana\nTeammate eva {canManageTeams: true}", []edit.Operation{edit.Leader{Name: "eva"}},
			"ana Succeeded teamLeader - -> eva", "Teammate/ana teamLeaderRef: map[name:eva]",
		},
		"a team leader who is none": {
			"Teammate ana\nTeammate eva", []edit.Operation{edit.Leader{Name: "eva"}},
			`ana Failed NotALeader: spec.teamLeaderRef names "eva", who has no spec.canManageTeams: true`, "",
		},
		"oneself as team leader": {"Teammate ana {canManageTeams: true}", []edit.Operation{edit.Leader{Name: "ana"}}, "ana Failed CEL-5 spec.teamLeaderRef", ""},
		"no team leader": {
			"Teammate ana {teamLeaderRef: {name: eva}}\nTeammate eva {canManageTeams: true}", []edit.Operation{edit.Leader{}}, "ana Succeeded teamLeader eva -> -", "Teammate/ana teamLeaderRef: <nil>",
		},
		"channels": {
			"Teammate ana {channels: [Email, Chat]}", []edit.Operation{edit.Channels{List: []rollcallv1.Channel{"Phone", "Chat"}}},
			"ana Succeeded channels Email,Chat -> Chat,Phone", "Teammate/ana channels: [Chat Phone]",
		},
		"V-29 an extension": {"Teammate ana", []edit.Operation{edit.Extension{Number: "201"}}, "ana Succeeded extension - -> 201", "Teammate/ana extension: 201"},
		"an extension of somebody else": {
			`Teammate ana` + "\n" + `Teammate ben {extension: "201"}`, []edit.Operation{edit.Extension{Number: "201"}}, "ana Failed DuplicateKey: extension=201 is held by Teammate/ben", "",
		},
		"V-34 a block": {
			"Organization default {preset: VoiceCenter, policies: {onboarding: {confirmation: NotRequired}}}\nTeammate ana", []edit.Operation{edit.Block{For: 8 * time.Hour, Reason: "leave"}},
			"ana Succeeded lifecycle Active -> Blocked from 2027-03-01T09:00:00Z until 2027-03-01T17:00:00Z (leave); phase Active -> Blocked; permissions -10",
			"Teammate/ana lifecycle: map[blockedFrom:2027-03-01T09:00:00Z blockedUntil:2027-03-01T17:00:00Z reason:leave state:Blocked]",
		},
		"V-34 a block too short": {
			"Organization default {preset: VoiceCenter}\nTeammate ana", []edit.Operation{edit.Block{For: 8*time.Hour - time.Second}},
			"ana Failed BlockDuration: the block of 7h59m59s is shorter than policies.block.minDuration 8h0m0s; it counts as written", "",
		},
		"V-34 a block too long": {
			"Organization default {preset: VoiceCenter}\nTeammate ana", []edit.Operation{edit.Block{For: 745 * time.Hour}},
			"ana Failed BlockDuration: the block of 745h0m0s is longer than policies.block.maxDuration; it ends after 744h0m0s", "",
		},
		"the end of a block": {
			`Teammate ana {lifecycle: {state: Blocked, blockedFrom: "2027-02-01T00:00:00Z", blockedUntil: "2027-02-02T00:00:00Z", reason: x}}`, []edit.Operation{edit.Unblock{}},
			"ana Succeeded lifecycle Blocked from 2027-02-01T00:00:00Z until 2027-02-02T00:00:00Z (x) -> Active", "Teammate/ana lifecycle: map[state:Active]",
		},
		"nobody to unblock": {"Teammate ana", []edit.Operation{edit.Unblock{}}, "ana Unchanged not blocked", ""},
		"V-33 archived, and nothing else is possible": {
			"Organization default {preset: VoiceCenter}\nTeammate ana {lifecycle: {state: Archived}}", []edit.Operation{edit.Block{For: 8 * time.Hour}},
			"ana Failed archived; a block would bring them back when it ends", "",
		},
		"V-33 archive somebody who leads others": {
			"Teammate ana {canManageTeams: true}\nTeammate ben {teamLeaderRef: {name: ana}}", []edit.Operation{edit.Archive{Reason: "left"}},
			"ana Succeeded lifecycle Active -> Archived (left); phase Active -> Archived; permissions -10; team leader of ben", "Teammate/ana lifecycle: map[reason:left state:Archived]",
		},
		"a reason alone": {"Teammate ana", []edit.Operation{edit.Reason{Text: "on trial"}}, "ana Succeeded lifecycle Active -> Active (on trial)", "Teammate/ana lifecycle: map[reason:on trial state:Active]"},
		"in the order given, the last word counts": {
			"Teammate ana", []edit.Operation{edit.MaxChats{Limit: new(int32(4))}, edit.Extension{Number: "1"}, edit.MaxChats{Limit: new(int32(5))}, edit.Extension{}},
			"ana Succeeded maxChats - -> 5", "Teammate/ana maxChats: 5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, tc.given)
			out := o.try("ana", tc.do...)
			if diff := cmp.Diff(tc.want, results(out)); diff != "" {
				t.Errorf("results -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tc.fields, fields(t, out)); diff != "" {
				t.Errorf("fields -want +got:\n%s", diff)
			}
			if strings.Contains(tc.want, "Succeeded") {
				o.take(out)
				if again := results(o.try("ana", tc.do...)); !strings.HasPrefix(again, "ana Unchanged") {
					t.Errorf("the same again: %s", again)
				}
			}
		})
	}
}

const exclusive = "Organization default {preset: VoiceCenter}\n"

func TestMemberships(t *testing.T) {
	for name, tc := range map[string]struct {
		given  string
		do     []edit.Operation
		want   string // of ana
		fields string
	}{
		"into a group": {
			"UserGroup a {members: [{name: ben}]}\nTeammate ana\nTeammate ben", []edit.Operation{edit.AddGroup{Name: "a"}},
			"ana Succeeded groups +a", "UserGroup/a members: [map[name:ben] map[name:ana]]",
		},
		"into a group for a time": {
			"UserGroup a\nTeammate ana", []edit.Operation{edit.AddGroup{Name: "a", Window: until("2027-04-01T00:00:00Z")}},
			"ana Succeeded groups +a; UserGroup/a until 2027-04-01T00:00:00Z", "UserGroup/a members: [map[name:ana until:2027-04-01T00:00:00Z]]",
		},
		"into a group from next month on": {
			"UserGroup a\nTeammate ana", []edit.Operation{edit.AddGroup{Name: "a", Window: rollcallv1.Window{From: at("2027-04-01T00:00:00Z")}}},
			"ana Succeeded UserGroup/a from 2027-04-01T00:00:00Z", "UserGroup/a members: [map[from:2027-04-01T00:00:00Z name:ana]]",
		},
		"an entry there is gets the window, and keeps its position": {
			"UserGroup a {members: [{name: ana, position: 4}, {name: ben}]}\nTeammate ana\nTeammate ben", []edit.Operation{edit.AddGroup{Name: "a", Window: until("2027-04-01T00:00:00Z")}},
			"ana Succeeded UserGroup/a until 2027-04-01T00:00:00Z", "UserGroup/a members: [map[name:ana position:4 until:2027-04-01T00:00:00Z] map[name:ben]]",
		},
		"an entry that ends becomes one for good, and one that is over goes": {
			`UserGroup a {members: [{name: ana, until: "2027-04-01T00:00:00Z"}]}` + "\n" + `UserGroup b {members: [{name: ana, until: "2027-01-01T00:00:00Z"}]}` + "\nTeammate ana",
			[]edit.Operation{edit.AddGroup{Name: "a"}, edit.RemoveGroup{Name: "b"}},
			"ana Succeeded UserGroup/a lists them for good; UserGroup/b lists them no more", "UserGroup/a members: [map[name:ana]]\nUserGroup/b members: <nil>",
		},
		"an entry of the person's own gets the window": {
			`UserGroup a` + "\n" + `Teammate ana {groups: [{name: a, until: "2027-03-02T00:00:00Z"}]}`, []edit.Operation{edit.AddGroup{Name: "a"}},
			"ana Succeeded spec.groups a until 2027-03-02T00:00:00Z -> a", "Teammate/ana groups: [map[name:a]]",
		},
		"into a group that does not exist": {
			"Teammate ana", []edit.Operation{edit.AddGroup{Name: "a"}}, `ana Failed UserGroup "a" does not exist; expected a group, or --create-group`, "",
		},
		"V-43 into a new group": {
			"Teammate ana", []edit.Operation{edit.AddGroup{Name: "a", Create: true}}, "ana Succeeded groups +a", "UserGroup/a members: [map[name:ana]]",
		},
		"V-27 out of a group, on both sides": {
			"UserGroup a {members: [{name: ana}, {name: ben}]}\nTeammate ana {groups: [{name: a}], primaryGroupRef: {name: a}}\nTeammate ben", []edit.Operation{edit.RemoveGroup{Name: "a"}},
			"ana Succeeded spec.groups a -> -; primaryGroup a -> -; groups -a", "UserGroup/a members: [map[name:ben]]\nTeammate/ana groups: <nil>\nTeammate/ana primaryGroupRef: <nil>",
		},
		"out of a group that one is not in": {"UserGroup a\nTeammate ana", []edit.Operation{edit.RemoveGroup{Name: "a"}}, "ana Unchanged", ""},
		"out of a group that selects": {
			"UserGroup a {members: [{name: ana}], memberSelector: {matchLabels: {t: x}}}\nTeammate ana {} metadata {labels: {t: x}}", []edit.Operation{edit.RemoveGroup{Name: "a"}},
			"ana Failed still a member of UserGroup/a by Selector; change what makes them one", "",
		},
		"S-09 V-07 into a second group": {
			exclusive + "UserGroup a {members: [{name: ana}]}\nUserGroup b\nTeammate ana", []edit.Operation{edit.AddGroup{Name: "b"}},
			"ana Failed ExclusiveConflict: UserGroup/b does not accept them while they are in UserGroup/a; expected --move-to-group, or --until for a temporary cover", "",
		},
		"S-101 V-07 a temporary cover": {
			exclusive + "UserGroup a {members: [{name: ana}]}\nUserGroup b\nTeammate ana", []edit.Operation{edit.AddGroup{Name: "b", Window: until("2027-03-05T17:00:00Z")}},
			"ana Succeeded groups +b -a; UserGroup/b until 2027-03-05T17:00:00Z", "UserGroup/b members: [map[name:ana until:2027-03-05T17:00:00Z]]",
		},
		"S-10 V-43 to another group": {
			exclusive + "UserGroup a {members: [{name: ana}]}\nUserGroup b\nTeammate ana", []edit.Operation{edit.MoveToGroup{Name: "b"}},
			"ana Succeeded groups +b -a", "UserGroup/a members: <nil>\nUserGroup/b members: [map[name:ana]]",
		},
		"S-10 V-43 claims of both sides go, with and without an end": {
			exclusive + `UserGroup a {members: [{name: ana, until: "2027-04-01T00:00:00Z"}]}` + "\nUserGroup b\nUserGroup c\nTeammate ana {groups: [{name: c}], primaryGroupRef: {name: c}}", []edit.Operation{edit.MoveToGroup{Name: "b"}},
			"ana Succeeded spec.groups c -> -; primaryGroup c -> -; groups +b -a", "UserGroup/a members: <nil>\nUserGroup/b members: [map[name:ana]]\nTeammate/ana groups: <nil>\nTeammate/ana primaryGroupRef: <nil>",
		},
		"V-43 to a new group": {
			exclusive + "UserGroup a {members: [{name: ana}]}\nTeammate ana", []edit.Operation{edit.MoveToGroup{Name: "n", Create: true}},
			"ana Succeeded groups +n -a", "UserGroup/a members: <nil>\nUserGroup/n members: [map[name:ana]]",
		},
		"to the group they are in": {exclusive + "UserGroup a {members: [{name: ana}]}\nTeammate ana", []edit.Operation{edit.MoveToGroup{Name: "a"}}, "ana Unchanged", ""},
		"to another group, while a selector holds them": {
			exclusive + "UserGroup a {memberSelector: {matchLabels: {t: x}}}\nUserGroup b\nTeammate ana {} metadata {labels: {t: x}}", []edit.Operation{edit.MoveToGroup{Name: "b"}},
			"ana Failed ExclusiveConflict: UserGroup/b does not accept them while they are in UserGroup/a; expected --move-to-group, or --until for a temporary cover", "",
		},
		"where one may be in several, a selector is said": {
			"UserGroup a {memberSelector: {matchLabels: {t: x}}}\nUserGroup b\nTeammate ana {} metadata {labels: {t: x}}", []edit.Operation{edit.MoveToGroup{Name: "b"}},
			"ana Succeeded groups +b; still a member of UserGroup/a by Selector", "UserGroup/b members: [map[name:ana]]",
		},
		"V-23 a supervisor into the own group": {
			exclusive + "UserGroup a {supervisors: [{name: ana}]}\nTeammate ana {accountRoleRef: {name: supervisor}}", []edit.Operation{edit.AddGroup{Name: "a"}},
			"ana Failed SupervisorIsMember: UserGroup/a does not accept them", "",
		},
		"A-09 a disabled group": {
			"Organization default {preset: PatientMessaging}\nUserGroup a {state: Disabled}\nTeammate ana", []edit.Operation{edit.AddGroup{Name: "a"}},
			"ana Failed VAP-6: UserGroup a is Disabled and policies.disabledGroupEdit is Deny; set its spec.state to Enabled first, in a change of its own", "",
		},
		"V-40 a group that brings a queue too many": {
			"Organization default {preset: VoiceCenter, policies: {assignment: {maxQueues: 1}}}\nQueue q1\nQueue q2 {groups: [{name: a}]}\nUserGroup a\nTeammate ana {assignment: {type: Queues, queues: [{name: q1}]}}",
			[]edit.Operation{edit.AddGroup{Name: "a"}},
			"ana Failed QueueLimitExceeded: 2 queues, by spec.assignment.queues and through groups, and policies.assignment.maxQueues allows 1: q1 count, q2 do not", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, tc.given)
			out := o.try("ana", tc.do...)
			if diff := cmp.Diff(tc.want, results(out)); diff != "" {
				t.Errorf("results -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tc.fields, fields(t, out)); diff != "" {
				t.Errorf("fields -want +got:\n%s", diff)
			}
			if strings.Contains(tc.want, "Succeeded") {
				o.take(out)
				if again := results(o.try("ana", tc.do...)); !strings.HasPrefix(again, "ana Unchanged") {
					t.Errorf("the same again: %s", again)
				}
			}
		})
	}
}

// The good ones go on: whoever fails leaves no trace in what the others share.
func TestGoodOnesGoOn(t *testing.T) {
	o := open(t, `
		Organization default {preset: VoiceCenter}
		UserGroup a {members: [{name: ana}, {name: ben}, {name: cid}]}
		UserGroup b {supervisors: [{name: ben}]}
		Teammate ana
		Teammate ben {accountRoleRef: {name: supervisor}}
		Teammate cid
		Teammate dan`)
	out := o.try("cid ben ana dan", edit.MoveToGroup{Name: "b"}, edit.MaxChats{Limit: new(int32(2))})
	want := strings.Join([]string{
		"cid Succeeded maxChats - -> 2; groups +b -a",
		"ben Failed SupervisorIsMember: UserGroup/b does not accept them",
		"ana Succeeded maxChats - -> 2; groups +b -a",
		"dan Succeeded maxChats - -> 2; groups +b",
	}, "\n")
	if diff := cmp.Diff(want, results(out)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantFields := strings.Join([]string{
		"UserGroup/a members: [map[name:ben]]",
		"UserGroup/b members: [map[name:cid] map[name:ana] map[name:dan]]",
		"Teammate/ana maxChats: 2", "Teammate/cid maxChats: 2", "Teammate/dan maxChats: 2",
	}, "\n")
	if diff := cmp.Diff(wantFields, fields(t, out)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// One key cannot go to several people: the first by R-3 gets it.
func TestOneExtensionForTwo(t *testing.T) {
	out := open(t, "Teammate ana\nTeammate ben").try("ben ana", edit.Extension{Number: "77"})
	want := "ben Failed DuplicateKey: extension=77 is held by Teammate/ana\nana Succeeded extension - -> 77"
	if diff := cmp.Diff(want, results(out)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestS10 writes the steps of a move one after the other: at no time is anybody in two groups, and nobody is ever rejected.
func TestS10InBetweenNeverInBoth(t *testing.T) {
	for name, organization := range map[string]string{"exclusive": exclusive, "several groups": "Organization default {preset: Custom}\n"} {
		t.Run(name, func(t *testing.T) {
			o := open(t, organization+`
				UserGroup a {members: [{name: ana}, {name: ben}]}
				UserGroup c
				Teammate ana
				Teammate ben {groups: [{name: c}]}`)
			if organization == exclusive {
				// Under VAP-12 an entry of one's own beside one of a group is possible, and yields.
				o.put(builder.UserGroup("a", builder.Members("ana")))
			}
			out := o.try("ana ben", edit.MoveToGroup{Name: "b", Create: true})
			if len(out.Steps) != 4 {
				t.Fatalf("%d steps, want 4: made, left, people, joined", len(out.Steps))
			}
			e := o.engine()
			held := map[string]metav1.Object{}
			for _, step := range out.Steps {
				for _, c := range step {
					now := c.After
					if fresh, written := held[manifest.KindOf(c.After)+c.After.GetName()]; written {
						again, err := c.Again(fresh, c.People)
						if err != nil {
							t.Fatal(err)
						}
						now = again
					}
					held[manifest.KindOf(now)+now.GetName()] = now
					e.Apply(monday, roster.Change{Object: now})
					for _, who := range []string{"ana", "ben"} {
						m := e.Roster.Memberships(nil, who)
						if m.Of("b") != nil && len(m.Accepted) > 1 || len(m.Rejected) > 0 {
							t.Errorf("after %s/%s %s is in %v, rejected by %v", manifest.KindOf(now), now.GetName(), who, m.Accepted, m.Rejected)
						}
					}
				}
			}
			for _, group := range []string{"a", "b", "c"} {
				for _, c := range e.Lint.UserGroup(group).Conditions {
					if c.Type == rollcallv1.ConditionMembersAccepted && c.Status != metav1.ConditionTrue {
						t.Errorf("%s: %s %s", group, c.Reason, c.Message)
					}
				}
			}
			if got := strings.Join(e.Roster.Members(nil, "b"), " "); got != "ana ben" {
				t.Errorf("b has %s", got)
			}
			for _, c := range out.Changed {
				if diff := cmp.Diff(spec(t, c.After), spec(t, held[manifest.KindOf(c.After)+c.After.GetName()])); diff != "" {
					t.Errorf("%s: the steps end elsewhere:\n%s", c.After.GetName(), diff)
				}
			}
		})
	}
}

// A change is made again on what somebody else wrote meanwhile, and for fewer people.
func TestAgain(t *testing.T) {
	o := open(t, "Queue q1\nQueue q2\nUserGroup a\nTeammate ana\nTeammate ben")
	out := o.try("ana ben", edit.AddGroup{Name: "a"}, edit.AddQueues{Names: []string{"q1"}})
	for _, c := range out.Changed {
		switch x := c.Before.(type) {
		case *rollcallv1.UserGroup:
			fresh := x.DeepCopy()
			fresh.Spec.Members = []rollcallv1.Member{{Name: "cid"}, {Name: "ben", Position: new(int32(1))}}
			now, err := c.Again(fresh, []string{"ben"})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(spec(t, now)["members"]); got != "[map[name:cid] map[name:ben position:1]]" {
				t.Errorf("members %s", got)
			}
		case *rollcallv1.Teammate:
			fresh := x.DeepCopy()
			fresh.Spec.Assignment = rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeQueues, Queues: []rollcallv1.ObjectRef{{Name: "q2"}}}
			now, err := c.Again(fresh, c.People)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(spec(t, now)["assignment"]); got != "map[queues:[map[name:q2] map[name:q1]] type:Queues]" {
				t.Errorf("assignment %s", got)
			}
		}
	}
}

func TestTouched(t *testing.T) {
	o := open(t, `
		Queue q1
		UserGroup a {members: [{name: ana}, {name: ben}]}
		UserGroup b
		Teammate ana {channels: [Chat], absences: [{name: x, until: "2027-04-01T00:00:00Z"}]}
		Teammate ben`)
	out := o.try("ana", edit.MoveToGroup{Name: "b"}, edit.Role{Name: "supervisor"}, edit.AddQueues{Names: []string{"q1"}}, edit.MaxChats{Limit: new(int32(1))},
		edit.Channels{List: []rollcallv1.Channel{"Phone"}}, edit.Absent{Name: "x", Window: until("2027-05-01T00:00:00Z")}, edit.Block{For: time.Hour})
	var got []string
	for _, c := range out.Changed {
		paths, err := edit.Touched(c.Before, c.After)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			got = append(got, c.After.GetName()+" "+p.String())
		}
	}
	want := []string{
		"a spec.members[ana]", "b spec.members[ana]", "ana spec.absences[x]", "ana spec.accountRoleRef", "ana spec.assignment",
		"ana spec.channels[Chat]", "ana spec.channels[Phone]", "ana spec.lifecycle", "ana spec.maxChats",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCarry(t *testing.T) {
	type m = map[string]any
	for name, tc := range map[string]struct{ written, before, after, want m }{
		"what does not differ stays as it is written": {
			m{"a": "x ", "b": int64(1)}, m{"a": "x", "b": int64(1), "c": "default"}, m{"a": "x", "b": int64(2), "c": "default"}, m{"a": "x ", "b": int64(2)},
		},
		"fields that go": {m{"a": int64(1), "l": []any{"x"}}, m{"a": int64(1), "l": []any{"x"}}, m{}, m{"l": []any{}}},
		"only what differs is written where nothing was": {
			m{}, m{"spec": m{"scope": "Organization"}}, m{"spec": m{"scope": "Organization", "members": []any{m{"name": "x"}}}}, m{"spec": m{"members": []any{m{"name": "x"}}}},
		},
		"lists, item by item": {
			m{"l": []any{m{"name": "c", "n": "1"}, m{"name": "a", "n": "01"}}},
			m{"l": []any{m{"name": "a", "n": int64(1)}, m{"name": "b"}, m{"name": "c", "n": "1"}}},
			m{"l": []any{m{"name": "a", "n": int64(1)}, m{"name": "c", "n": "2"}, m{"name": "d"}}},
			m{"l": []any{m{"name": "c", "n": "2"}, m{"name": "a", "n": "01"}, m{"name": "d"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, edit.Carry(tc.written, tc.before, tc.after)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
