package oracle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
)

// parse reads lines of the form "Kind name {spec as YAML}"; an Organization named default is there without a line.
func parse(t *testing.T, text string) oracle.Org {
	t.Helper()
	org := oracle.Org{Organization: &rollcallv1.Organization{}}
	org.Organization.Name = "default"
	for line := range strings.Lines(text) {
		head, spec, _ := strings.Cut(strings.TrimSpace(line), "{")
		words := strings.Fields(head)
		if len(words) == 0 {
			continue
		}
		kind, name := words[0], words[1]
		into := func(to any) {
			if err := yaml.UnmarshalStrict([]byte("{"+spec), to); err != nil {
				t.Fatalf("parsing %s: %v", line, err)
			}
		}
		switch kind {
		case "Organization":
			into(&org.Organization.Spec)
		case "Schedule":
			org.Schedules = append(org.Schedules, rollcallv1.Schedule{})
			o := &org.Schedules[len(org.Schedules)-1]
			o.Name = name
			into(&o.Spec)
		case "AccountRole":
			org.AccountRoles = append(org.AccountRoles, rollcallv1.AccountRole{})
			o := &org.AccountRoles[len(org.AccountRoles)-1]
			o.Name = name
			into(&o.Spec)
		case "ProfileRole":
			org.ProfileRoles = append(org.ProfileRoles, rollcallv1.ProfileRole{})
			o := &org.ProfileRoles[len(org.ProfileRoles)-1]
			o.Name = name
			into(&o.Spec)
		case "Profile":
			org.Profiles = append(org.Profiles, rollcallv1.Profile{})
			o := &org.Profiles[len(org.Profiles)-1]
			o.Name = name
			into(&o.Spec)
		case "Teammate":
			org.Teammates = append(org.Teammates, rollcallv1.Teammate{})
			o := &org.Teammates[len(org.Teammates)-1]
			o.Name = name
			into(&o.Spec)
		case "UserGroup":
			org.UserGroups = append(org.UserGroups, rollcallv1.UserGroup{})
			o := &org.UserGroups[len(org.UserGroups)-1]
			o.Name = name
			into(&o.Spec)
		case "Department":
			org.Departments = append(org.Departments, rollcallv1.Department{})
			o := &org.Departments[len(org.Departments)-1]
			o.Name = name
			into(&o.Spec)
		default:
			t.Fatalf("unknown kind in %s", line)
		}
	}
	return org
}

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func membersOf(r oracle.Result, group string) string {
	var out []string
	for _, m := range r.Groups[group].Members {
		out = append(out, m.Name)
	}
	return strings.Join(out, " ")
}

func rejectedBy(r oracle.Result, group string) string {
	var out []string
	for _, m := range r.Groups[group].Rejected {
		out = append(out, fmt.Sprintf("%s/%s/%v", m.Name, m.Reason, m.Yielding))
	}
	return strings.Join(out, " ")
}

// profilesOf prints what somebody may do, profile by profile, with the types of the sources.
func profilesOf(r oracle.Result, person string) string {
	var out []string
	for _, p := range r.Teammates[person].Profiles {
		var sources []string
		for _, s := range p.Sources {
			sources = append(sources, s.Type)
		}
		out = append(out, fmt.Sprintf("%s[%s](%s)", p.Name, strings.Join(p.Permissions, " "), strings.Join(sources, " ")))
	}
	return strings.Join(out, " ")
}

func candidatesOf(r oracle.Result, kind, name string) string {
	var out []string
	for _, c := range r.Plans[oracle.Ref{Kind: kind, Name: name}].Candidates {
		out = append(out, c.Name)
	}
	for _, x := range r.Plans[oracle.Ref{Kind: kind, Name: name}].Excluded {
		out = append(out, x.Name+"/"+x.Reason)
	}
	return strings.Join(out, " ")
}

// people is one line for each name, with an identity of its own.
func people(names ...string) string {
	var out []string
	for _, name := range names {
		out = append(out, "Teammate "+name+" {identity: {email: "+name+"@x.example}}")
	}
	return strings.Join(out, "\n") + "\n"
}

// TestScenarios holds the reference to cases of SCENARIOS.md that speak about one evaluation.
func TestScenarios(t *testing.T) {
	chain := people("p1", "p2", "p3", "p4", "p5", "p6") + `
		Profile top {type: Chat}
		Profile low {type: Chat}
		UserGroup g1 {members: [{name: p1}], includes: [{name: g2}], profiles: [{name: top}], permissionSet: {profileRoleRef: {name: view-only}}}
		UserGroup g2 {members: [{name: p2}], includes: [{name: g3}]}
		UserGroup g4 {members: [{name: p4}], includes: [{name: g5}]}
		UserGroup g5 {members: [{name: p5}], includes: [{name: g6}]}
	`
	practices := `
		Organization default {preset: Custom, policies: {practiceScoping: Enabled}, practices: [{name: north}, {name: south}], defaultProfileRoleRef: {name: weak}}
		ProfileRole weak {permissions: [chat.view]}
		ProfileRole strong {permissions: [chat.reply]}
		Profile l1 {type: Line, phoneNumber: "+11", practiceName: north}
		Profile l2 {type: Line, phoneNumber: "+12", practiceName: north}
		Profile l3 {type: Line, phoneNumber: "+13", practiceName: south}
		Teammate staff {identity: {email: a@x}, accountRoleRef: {name: staff}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: strong}}]}
		Teammate manager {identity: {email: b@x}, accountRoleRef: {name: manager}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: strong}}]}
		Teammate enterprise {identity: {email: c@x}, accountRoleRef: {name: enterprise}, practices: [{name: north, lines: [{name: l1}], profileRoleRef: {name: strong}}]}
	`
	serving := people("ana", "ben", "cid") + `
		Profile l1 {type: Chat}
		Profile l2 {type: Chat}
		ProfileRole see {permissions: [chat.view]}
		UserGroup all {members: [{name: ana}, {name: ben}, {name: cid}]}
		UserGroup first {members: [{name: ana}], profiles: [{name: l1}], permissionSet: {profileRoleRef: {name: see}}}
		UserGroup second {members: [{name: cid}], profiles: [{name: l2}], permissionSet: {profileRoleRef: {name: see}}}
	`
	tests := map[string]struct {
		org  string
		want map[string]string
		got  func(oracle.Result) map[string]string
	}{
		"S-02 two groups, two roles": {
			org: people("ana") + `
				ProfileRole r1 {permissions: [care.view]}
				ProfileRole r2 {permissions: [care.view, care.reply]}
				Profile a {type: Chat}
				Profile b {type: Chat}
				UserGroup latino {members: [{name: ana}], profiles: [{name: a}], permissionSet: {profileRoleRef: {name: r1}}}
				UserGroup quebecois {members: [{name: ana}], profiles: [{name: b}], permissionSet: {profileRoleRef: {name: r2}}}`,
			got:  func(r oracle.Result) map[string]string { return map[string]string{"ana": profilesOf(r, "ana")} },
			want: map[string]string{"ana": "a[care.view](Group) b[care.reply care.view](Group)"},
		},
		"S-56 a chain of includes": {
			org: chain + "UserGroup g3 {members: [{name: p3}], includes: [{name: g4}]}\n" +
				"UserGroup g6 {members: [{name: p6}], profiles: [{name: low}], permissionSet: {profileRoleRef: {name: view-only}}}",
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"g1": membersOf(r, "g1"), "g6": membersOf(r, "g6"), "low of p5": fmt.Sprint(len(r.Teammates["p5"].Profiles)), "low of p6": fmt.Sprint(len(r.Teammates["p6"].Profiles))}
			},
			want: map[string]string{"g1": "p1 p2 p3 p4 p5 p6", "g6": "p6", "low of p5": "1", "low of p6": "2"},
		},
		"S-57 the edge back to the start is ignored": {
			org: chain + "UserGroup g3 {members: [{name: p3}], includes: [{name: g4}]}\nUserGroup g6 {members: [{name: p6}], includes: [{name: g1}]}",
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"g1": membersOf(r, "g1"), "g6": membersOf(r, "g6"), "closing": strings.Join(r.Groups["g6"].Closing, " "), "cyclic": fmt.Sprint(r.Groups["g3"].Cyclic)}
			},
			want: map[string]string{"g1": "p1 p2 p3 p4 p5 p6", "g6": "p6", "closing": "g1", "cyclic": "true"},
		},
		"S-58 nothing comes through a disabled group": {
			org: chain + "UserGroup g3 {state: Disabled, members: [{name: p3}], includes: [{name: g4}]}\nUserGroup g6 {members: [{name: p6}]}",
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"g1": membersOf(r, "g1"), "g2": membersOf(r, "g2"), "g3": membersOf(r, "g3"), "g4": membersOf(r, "g4")}
			},
			want: map[string]string{"g1": "p1 p2", "g2": "p2", "g3": "p3 p4 p5 p6", "g4": "p4 p5 p6"},
		},
		"S-62 two claims are one membership": {
			org: `
				Teammate ana {identity: {email: a@x}, groups: [{name: g, until: "2027-03-01T14:00:00Z"}]}
				UserGroup g {members: [{name: ana, until: "2027-03-01T12:00:01Z"}]}`,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"g": membersOf(r, "g"), "claims": fmt.Sprint(r.Groups["g"].Members[0].Provenances)}
			},
			want: map[string]string{"g": "ana", "claims": "[{Explicit } {Teammate }]"},
		},
		"S-66 a cycle of roles must not widen access": {
			org: people("a", "b", "c") + `
				ProfileRole ra {permissions: [care.reply], includes: [{name: rb}]}
				ProfileRole rb {permissions: [care.close], denies: [care.delete], includes: [{name: rc}]}
				ProfileRole rc {permissions: [care.delete, care.label], includes: [{name: ra}]}
				Profile p {type: Chat}
				UserGroup ga {members: [{name: a}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: ra}}}
				UserGroup gc {members: [{name: c}], profiles: [{name: p}], permissionSet: {profileRoleRef: {name: rc}}}`,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"a": profilesOf(r, "a"), "c": profilesOf(r, "c"), "closing": strings.Join(r.Roles["rc"].Closing, " ")}
			},
			want: map[string]string{"a": "p[care.close care.label care.reply care.view](Group)", "c": "p[care.label care.view](Group)", "closing": "ra"},
		},
		"S-107 lines of practices": {
			org: practices,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"staff": profilesOf(r, "staff"), "manager": profilesOf(r, "manager"), "enterprise": profilesOf(r, "enterprise")}
			},
			want: map[string]string{
				"staff":      "l1[chat.reply chat.view](Practice)",
				"manager":    "l1[chat.reply chat.view](Practice) l2[chat.reply chat.view](Practice)",
				"enterprise": "l1[chat.reply chat.view](Practice) l2[chat.reply chat.view](Practice) l3[chat.view](Default)",
			},
		},
		"S-106 languages match by subtag": {
			org: `
				Profile a {type: Chat, language: en-US, region: Quebec}
				Profile b {type: Chat, language: EN, region: Quebec}
				Profile c {type: Chat, language: eng, region: Quebec}
				Profile d {type: Chat, language: en-GB, region: Ontario}
				UserGroup g {profileSelector: {languages: [en], regions: [Quebec]}}`,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"g": strings.Join(r.Groups["g"].Profiles, " ")}
			},
			want: map[string]string{"g": "a b"},
		},
		"S-28 leaders": {
			org: `
				Teammate a {identity: {email: a@x}, canManageTeams: true, teamLeaderRef: {name: b}}
				Teammate b {identity: {email: b@x}, canManageTeams: true, teamLeaderRef: {name: c}}
				Teammate c {identity: {email: c@x}, canManageTeams: true, teamLeaderRef: {name: a}}
				Teammate d {identity: {email: d@x}, teamLeaderRef: {name: a}}
				Teammate e {identity: {email: e@x}, teamLeaderRef: {name: d}}`,
			got: func(r oracle.Result) map[string]string {
				out := map[string]string{}
				for name, tm := range r.Teammates {
					out[name] = tm.Leader + tm.LeaderProblem
				}
				return out
			},
			want: map[string]string{"a": "LeaderCycle", "b": "LeaderCycle", "c": "LeaderCycle", "d": "a", "e": "NotALeader"},
		},
		"S-100 voice settings": {
			org: people("ana", "ben") + `
				Organization default {voice: {outboundCalls: Enabled, agentsCanChangeCallerID: Disabled, recordingAccess: Enabled}}
				Profile phone {type: Phone, phoneNumber: "+11"}
				UserGroup g {members: [{name: ana}], voice: {outboundCalls: Disabled, agentsCanChangeCallerID: Enabled, callerIDProfileRef: {name: phone}}}`,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{
					"ana": fmt.Sprintf("%+v", r.Teammates["ana"].Voice), "ben": fmt.Sprintf("%+v", r.Teammates["ben"].Voice),
					"own recordings": fmt.Sprint(slices.Contains(r.Teammates["ana"].AccountPermissions, "recordings.viewOwn")),
				}
			},
			want: map[string]string{
				"ana":            "{OutboundCalls:false AgentsCanChangeCallerID:false RecordingAccess:true CallerIDProfile:phone Consistent:true}",
				"ben":            "{OutboundCalls:true AgentsCanChangeCallerID:false RecordingAccess:true CallerIDProfile: Consistent:true}",
				"own recordings": "true",
			},
		},
		"S-140 candidates need a view": {
			org: serving + "Department one {groups: [{name: all}], profiles: [{name: l1}]}\n" +
				"Department both {groups: [{name: all}], profiles: [{name: l1}, {name: l2}]}\nDepartment none {groups: [{name: all}]}",
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"one": candidatesOf(r, "Department", "one"), "both": candidatesOf(r, "Department", "both"), "none": candidatesOf(r, "Department", "none")}
			},
			want: map[string]string{
				"one": "ana ben/NoProfileAccess cid/NoProfileAccess", "both": "ana cid ben/NoProfileAccess", "none": "ana ben cid",
			},
		},
		"S-142 inbound conflicts": {
			org: `
				Profile p1 {type: Chat}
				Profile p2 {type: Chat}
				UserGroup g {profiles: [{name: p1}, {name: p2}]}
				Department d1 {groups: [{name: g}]}
				Department d2 {profiles: [{name: p2}]}
				Department d3 {groups: [{name: g}]}`,
			got: func(r oracle.Result) map[string]string {
				out := map[string]string{}
				for p, in := range r.Inbound {
					out[p] = in.Owner.Name
				}
				for ref, plan := range r.Plans {
					out[ref.Name] = fmt.Sprint(plan.InboundConflict)
				}
				return out
			},
			want: map[string]string{"p1": "d1", "p2": "d2", "d1": "false", "d2": "false", "d3": "true"},
		},
		"S-95 departments overflow to each other": {
			org: `
				Department dx {routing: {overflow: {type: Department, name: dy}}}
				Department dy {routing: {overflow: {type: Department, name: dx}}, outOfHours: {type: Department, name: dz}}
				Department dz {}`,
			got: func(r oracle.Result) map[string]string {
				out := map[string]string{}
				for ref, plan := range r.Plans {
					out[ref.Name] = fmt.Sprint(plan.OverflowCycle, plan.Overflow, plan.OutOfHours)
				}
				return out
			},
			want: map[string]string{"dx": "true {Unassigned } {Unassigned }", "dy": "true {Unassigned } {Department dz}", "dz": "false {Unassigned } {Unassigned }"},
		},
		"S-30 supervisors under VoiceCenter": {
			org: `
				Organization default {preset: VoiceCenter, policies: {onboarding: {confirmation: NotRequired}}}
				Teammate sup {identity: {email: s@x}, accountRoleRef: {name: supervisor}}
				UserGroup a {supervisors: [{name: sup}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}
				UserGroup b {supervisors: [{name: sup}], members: [{name: sup}], voice: {dialing: {strategy: Random, maxRingTime: 15s}}}`,
			got: func(r oracle.Result) map[string]string {
				return map[string]string{"a": candidatesOf(r, "UserGroup", "a"), "b": rejectedBy(r, "b"), "scope": strings.Join(r.Teammates["sup"].DataScope.Groups, " ")}
			},
			want: map[string]string{"a": "sup/SupervisorOnly", "b": "sup/SupervisorIsMember/false", "scope": "a b"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got(oracle.Evaluate(parse(t, tc.org), oracle.State{}, noon))); diff != "" {
				t.Errorf("unexpected result (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExclusiveCovers is S-09, S-101 and S-102: homes, covers, and what the Ledger remembers of them.
func TestExclusiveCovers(t *testing.T) {
	const policy = "Organization default {policies: {groupMembership: Exclusive}}\n"
	const groups = "UserGroup a {members: [{name: ana}]}\nUserGroup b {}\nUserGroup c {}\n"
	person := func(entries string) string {
		return policy + "Teammate ana {identity: {email: a@x}, groups: [" + entries + "]}\n"
	}
	home := oracle.Evaluate(parse(t, person("")+groups), oracle.State{}, noon)
	steps := []struct {
		name, org string
		at        time.Duration
		want      string
	}{
		{"another home with a smaller name does not take over", person("{name: 0}") + groups + "UserGroup 0 {}\n", 0, "a"},
		{"a cover outranks the home", person(`{name: b, until: "2027-03-05T18:00:00Z"}`) + groups, time.Hour, "b"},
		{"another cover waits", person(`{name: b, until: "2027-03-05T18:00:00Z"}, {name: a0, until: "2027-03-06T18:00:00Z"}`) + groups + "UserGroup a0 {}\n", 2 * time.Hour, "b"},
		{"until the first one ends", person(`{name: b, until: "2027-03-05T18:00:00Z"}, {name: a0, until: "2027-03-06T18:00:00Z"}`) + groups + "UserGroup a0 {}\n", 102 * time.Hour, "a0"},
		{"then the home is back", person(`{name: b, until: "2027-03-05T18:00:00Z"}, {name: a0, until: "2027-03-06T18:00:00Z"}`) + groups + "UserGroup a0 {}\n", 126 * time.Hour, "a"},
		{"a home that no longer claims is replaced", person("{name: c}") + "UserGroup a {}\nUserGroup b {}\nUserGroup c {}\n", 127 * time.Hour, "c"},
	}
	state := home.Next
	for _, s := range steps {
		r := oracle.Evaluate(parse(t, s.org), state, noon.Add(s.at))
		var got []string
		for _, m := range r.Teammates["ana"].Groups {
			got = append(got, m.Group)
		}
		if strings.Join(got, " ") != s.want {
			t.Errorf("%s: got %v, want %s", s.name, got, s.want)
		}
		state = r.Next
	}
	r := oracle.Evaluate(parse(t, steps[1].org), home.Next, noon)
	if got := rejectedBy(r, "a"); got != "ana/ExclusiveConflict/true" {
		t.Errorf("the home that yields rejects %q", got)
	}
}

// TestStamps is S-04, S-05, S-64 and S-108.
func TestStamps(t *testing.T) {
	base := func(spec string) string {
		return people("ana", "ben") + `
			Organization default {preset: SocialCare, defaultProfileRoleRef: {name: f}}
			ProfileRole f {permissions: [care.delete, care.label]}
			ProfileRole g {permissions: [care.reply], denies: [care.delete]}
			Profile p {type: Chat}
			Profile q {type: Chat}
			UserGroup team ` + spec
	}
	only := func(members, profiles, token string) string {
		return base("{members: [" + members + "], profiles: [" + profiles + "], permissionSet: {profileRoleRef: {name: g}, reflashToken: \"" + token + "\"}}")
	}
	g, f := "[care.reply care.view](Group)", "[care.delete care.label care.view](Default)"
	steps := []struct {
		name, org string
		lost      bool
		want      map[string]string
	}{
		{"the first stamp", only("{name: ana}", "{name: p}", "1"), false, map[string]string{"ana": "p" + g, "ben": "", "pending": "0 0"}},
		{"joining is pending", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "1"), false, map[string]string{"ana": "p" + g + " q" + f, "ben": "p" + f + " q" + f, "pending": "1 1"}},
		{"leaving", only("{name: ben}", "{name: p}, {name: q}", "1"), false, map[string]string{"ana": "", "ben": "p" + f + " q" + f, "pending": "1 1"}},
		{"coming back revives nothing", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "1"), false, map[string]string{"ana": "p" + f + " q" + f, "ben": "p" + f + " q" + f, "pending": "2 1"}},
		{"a reflash", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "2"), false, map[string]string{"ana": "p" + g + " q" + g, "ben": "p" + g + " q" + g, "pending": "0 0"}},
		{"the Ledger is lost", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "2"), true, map[string]string{"ana": "p[](Group) q[](Group)", "ben": "p[](Group) q[](Group)", "pending": "2 2"}},
		{"and stays so", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "2"), false, map[string]string{"ana": "p[](Group) q[](Group)", "ben": "p[](Group) q[](Group)", "pending": "2 2"}},
		{"until a reflash", only("{name: ana}, {name: ben}", "{name: p}, {name: q}", "3"), false, map[string]string{"ana": "p" + g + " q" + g, "ben": "p" + g + " q" + g, "pending": "0 0"}},
	}
	state := oracle.State{}
	for _, s := range steps {
		if s.lost {
			state = oracle.State{Lost: true}
		}
		r := oracle.Evaluate(parse(t, s.org), state, noon)
		team := r.Groups["team"]
		got := map[string]string{"ana": profilesOf(r, "ana"), "ben": profilesOf(r, "ben"), "pending": fmt.Sprint(team.PendingMembers, team.PendingProfiles)}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s: unexpected result (-want +got):\n%s", s.name, diff)
		}
		state = r.Next
	}
}

// TestKeysAndRecords is S-85, S-86, S-122 and S-144 as far as it concerns people.
func TestKeysAndRecords(t *testing.T) {
	created := func(org oracle.Org, hours map[string]int) oracle.Org {
		for i := range org.Teammates {
			org.Teammates[i].CreationTimestamp.Time = noon.Add(time.Duration(hours[org.Teammates[i].Name]) * time.Hour)
		}
		return org
	}
	ana := "Teammate ana {identity: {email: ana@x}, extension: \"21\"}\n"
	bob := "Teammate bob {identity: {email: ANA@X}, extension: \"21\"}\n"

	first := oracle.Evaluate(parse(t, ana+"Teammate bob {identity: {email: bob@x}}"), oracle.State{}, noon)
	edited := oracle.Evaluate(created(parse(t, ana+bob), map[string]int{"bob": -9}), first.Next, noon)
	if got := edited.Teammates["bob"]; got.Phase != "Invalid" || got.Reason != "DuplicateIdentity" || edited.Teammates["ana"].Phase != "Active" {
		t.Errorf("the holder lost its key: bob is %s/%s, ana %s", got.Phase, got.Reason, edited.Teammates["ana"].Phase)
	}
	older := oracle.Evaluate(created(parse(t, ana+bob), map[string]int{"bob": -9}), oracle.State{Recorded: true}, noon)
	if got := older.Next.Keys["extension=21"].Name; got != "bob" {
		t.Errorf("%s holds the extension, want the older bob", got)
	}
	fresh := oracle.Evaluate(created(parse(t, ana+bob), map[string]int{"bob": -9}), oracle.State{Lost: true}, noon)
	if got := fresh.Next.Keys["email=ana@x"].Name; got != "ana" {
		t.Errorf("%s holds the address after the loss, want ana by name", got)
	}

	confirmed := parse(t, "Organization default {policies: {onboarding: {confirmation: Required}}}\n"+ana)
	confirmed.Teammates[0].Annotations = map[string]string{"rollcall.dev/confirmed-at": "2027-02-01T00:00:00Z"}
	before := oracle.Evaluate(confirmed, oracle.State{}, noon)
	renamed := parse(t, "Organization default {policies: {onboarding: {confirmation: Required}}}\nTeammate ana-t {identity: {email: ana@x}}")
	after := oracle.Evaluate(renamed, before.Next, noon)
	if before.Teammates["ana"].Phase != "Active" || after.Teammates["ana-t"].Phase != "Active" {
		t.Errorf("phases %s and %s, want both Active", before.Teammates["ana"].Phase, after.Teammates["ana-t"].Phase)
	}
	want := []oracle.Person{{Key: "email=ana@x", Name: "ana-t", ConfirmedAt: new(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC))}}
	if diff := cmp.Diff(want, after.Next.People, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("unexpected records (-want +got):\n%s", diff)
	}

	gone := oracle.Evaluate(parse(t, ""), after.Next, noon)
	for at, want := range map[time.Duration]int{2*time.Minute - time.Second: 1, 2 * time.Minute: 0} {
		if got := len(oracle.Evaluate(parse(t, ""), gone.Next, noon.Add(at)).Next.People); got != want {
			t.Errorf("%d records %v after the departure, want %d", got, at, want)
		}
	}
}

// TestPhases is S-19, S-20, S-25 to S-27 and S-115.
func TestPhases(t *testing.T) {
	const feedback = "Organization default {preset: AgentFeedback}\n"
	full := func(method, bio, approval string) string {
		return feedback + "Teammate eva {identity: {email: e@x}, onboarding: {method: " + method + "}, firstName: Eva, lastName: X, canManageTeams: true, channels: [Chat], " +
			"card: {image: {url: \"https://x.example/i\"}, bio: " + bio + ", stateOrCountry: QC" + approval + "}}"
	}
	hash := oracle.CardHash(parse(t, full("Create", "Skis", "")).Teammates[0].Spec)
	approvedCard := func(bio string) string {
		return full("Directory", bio, ", approval: {state: Approved, cardHash: \""+hash+"\"}")
	}
	blocked := func(policies, from, until string) string {
		return "Organization default {policies: {" + policies + "}}\nTeammate eva {identity: {email: e@x}, lifecycle: {state: Blocked, blockedFrom: \"" + from + "\", blockedUntil: \"" + until + "\"}}"
	}
	tests := map[string]struct {
		org  string
		want string
	}{
		"invited":                       {full("Invite", "Skis", ""), "Invited"},
		"awaiting confirmation":         {full("Create", "Skis", ""), "AwaitingConfirmation"},
		"the directory is never asked":  {full("Directory", "Skis", ""), "PendingReview"},
		"card incomplete":               {feedback + "Teammate eva {identity: {email: e@x}, onboarding: {method: Directory}, canManageTeams: true}", "CardIncomplete"},
		"approved":                      {approvedCard("Skis"), "Active"},
		"edited after the approval":     {approvedCard("Sails"), "PendingReview"},
		"leader missing":                {strings.Replace(approvedCard("Skis"), "canManageTeams: true", "canManageTeams: false", 1), "CardIncomplete"},
		"role absent":                   {"Teammate eva {identity: {email: e@x}, accountRoleRef: {name: nobody}}", "Invalid"},
		"before from":                   {"Teammate eva {identity: {email: e@x}, from: \"2027-03-01T12:00:01Z\"}", "Scheduled"},
		"at from":                       {"Teammate eva {identity: {email: e@x}, from: \"2027-03-01T12:00:00Z\"}", "Active"},
		"at until":                      {"Teammate eva {identity: {email: e@x}, until: \"2027-03-01T12:00:00Z\"}", "Ended"},
		"archived wins over an end":     {"Teammate eva {identity: {email: e@x}, until: \"2027-03-01T12:00:00Z\", lifecycle: {state: Archived}}", "Archived"},
		"blocked":                       {blocked("", "2027-03-01T12:00:00Z", "2027-03-01T13:00:00Z"), "Blocked"},
		"the block is over":             {blocked("", "2027-03-01T11:00:00Z", "2027-03-01T12:00:00Z"), "Active"},
		"the block is capped":           {blocked("block: {maxDuration: 1h}", "2027-03-01T11:00:00Z", "2027-03-01T19:00:00Z"), "Active"},
		"owners need the directory":     {"Organization default {preset: ChatDesk}\nTeammate eva {identity: {email: e@x}, accountRoleRef: {name: owner}}", "Invalid"},
		"and have it":                   {"Organization default {preset: ChatDesk}\nTeammate eva {identity: {email: e@x, directoryTenantAdmin: true}, accountRoleRef: {name: owner}}", "Active"},
		"S-97 base type not in the set": {"Organization default {preset: ChatDesk}\nTeammate eva {identity: {email: e@x}, accountRoleRef: {name: supervisor}}", "Invalid"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := oracle.Evaluate(parse(t, tc.org), oracle.State{}, noon).Teammates["eva"].Phase; got != tc.want {
				t.Errorf("phase %s, want %s", got, tc.want)
			}
		})
	}
}
