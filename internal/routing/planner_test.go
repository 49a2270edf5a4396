package routing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// crew answers for people: everybody has an open gate, may handle conversations, sees every profile and has no chat
// limit, but for those listed.
type crew struct {
	gone    map[string]bool
	viewers map[string]bool // role cannot handle
	sees    map[string][]string
	limits  map[string]int32
}

func (c *crew) GateOpen(_ *incr.Task, name string) bool { return !c.gone[name] }
func (c *crew) Handles(_ *incr.Task, name string) bool  { return !c.viewers[name] }

func (c *crew) ViewsAny(_ *incr.Task, name string, profiles []string) bool {
	seen, limited := c.sees[name]
	return !limited || slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(seen, p) })
}

func (c *crew) ChatLimit(_ *incr.Task, name string) int32 {
	if n, ok := c.limits[name]; ok {
		return n
	}
	return -1
}

// office is an organization with its plans.
type fixture struct {
	t       *testing.T
	roster  *roster.Roster
	planner *routing.Planner
	crew    *crew
	changed []routing.Target
}

func organize(t *testing.T, now time.Time, objects ...metav1.Object) *fixture {
	t.Helper()
	f := &fixture{t: t, roster: roster.New(now), crew: &crew{}}
	f.planner = routing.NewPlanner(f.roster, f.crew)
	f.planner.OnChange(func(x routing.Target, _, _ *routing.Plan) { f.changed = append(f.changed, x) })
	f.apply(append([]metav1.Object{organization(nil)}, objects...)...)
	return f
}

// apply adds or replaces objects and settles.
func (f *fixture) apply(objects ...metav1.Object) {
	f.changed = nil
	for _, o := range objects {
		f.roster.Apply(roster.Change{Object: o})
	}
	f.roster.Settle()
}

func (f *fixture) remove(o metav1.Object) {
	f.changed = nil
	f.roster.Apply(roster.Change{Object: o, Deleted: true})
	f.roster.Settle()
}

func (f *fixture) advance(now time.Time) {
	f.changed = nil
	f.roster.Advance(now)
	f.roster.Settle()
}

func (f *fixture) department(name string) *routing.Plan {
	f.t.Helper()
	return f.plan(routing.Target{Kind: routing.KindDepartment, Name: name})
}

func (f *fixture) group(name string) *routing.Plan {
	f.t.Helper()
	return f.plan(routing.Target{Kind: routing.KindUserGroup, Name: name})
}

func (f *fixture) plan(x routing.Target) *routing.Plan {
	f.t.Helper()
	p := f.planner.Plan(nil, x)
	if p == nil {
		f.t.Fatalf("%s %s has no plan", x.Kind, x.Name)
	}
	return p
}

func candidates(p *routing.Plan) []string {
	var out []string
	for _, c := range p.Candidates {
		out = append(out, c.Name)
	}
	return out
}

func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func refs(names ...string) []rollcallv1.ObjectRef {
	var out []rollcallv1.ObjectRef
	for _, name := range names {
		out = append(out, rollcallv1.ObjectRef{Name: name})
	}
	return out
}

func ref(name string) *rollcallv1.ObjectRef { return &rollcallv1.ObjectRef{Name: name} }

func organization(edit func(*rollcallv1.OrganizationSpec)) *rollcallv1.Organization {
	o := &rollcallv1.Organization{ObjectMeta: meta("default")}
	if edit != nil {
		edit(&o.Spec)
	}
	return o
}

func teammate(name string, edit func(*rollcallv1.TeammateSpec)) *rollcallv1.Teammate {
	o := &rollcallv1.Teammate{ObjectMeta: meta(name)}
	o.Spec.Identity.Email = new(name + "@example.com")
	if edit != nil {
		edit(&o.Spec)
	}
	return o
}

func teammates(names ...string) []metav1.Object {
	var out []metav1.Object
	for _, name := range names {
		out = append(out, teammate(name, nil))
	}
	return out
}

// userGroup has these members without positions.
func userGroup(name string, members []string, edit func(*rollcallv1.UserGroupSpec)) *rollcallv1.UserGroup {
	o := &rollcallv1.UserGroup{ObjectMeta: meta(name)}
	for _, m := range members {
		o.Spec.Members = append(o.Spec.Members, rollcallv1.Member{Name: m})
	}
	if edit != nil {
		edit(&o.Spec)
	}
	return o
}

// dialed makes a group one that can be dialled, ringing everybody.
func dialed(edit func(*rollcallv1.Dialing)) func(*rollcallv1.UserGroupSpec) {
	return func(s *rollcallv1.UserGroupSpec) {
		d := &rollcallv1.Dialing{Strategy: rollcallv1.DialingStrategySimultaneous, MaxRingTime: metav1.Duration{Duration: 20 * time.Second}}
		if edit != nil {
			edit(d)
		}
		s.Voice = &rollcallv1.GroupVoice{Dialing: d}
	}
}

func dept(name string, groups []string, edit func(*rollcallv1.DepartmentSpec)) *rollcallv1.Department {
	o := &rollcallv1.Department{ObjectMeta: meta(name)}
	for _, g := range groups {
		o.Spec.Groups = append(o.Spec.Groups, rollcallv1.DepartmentGroup{Name: g})
	}
	if edit != nil {
		edit(&o.Spec)
	}
	return o
}

func serving(profiles ...string) func(*rollcallv1.DepartmentSpec) {
	return func(s *rollcallv1.DepartmentSpec) { s.Profiles = refs(profiles...) }
}

func chatProfile(name string) *rollcallv1.Profile {
	return &rollcallv1.Profile{ObjectMeta: meta(name), Spec: rollcallv1.ProfileSpec{Type: rollcallv1.ProfileTypeChat}}
}

func phoneProfile(name string) *rollcallv1.Profile {
	return &rollcallv1.Profile{ObjectMeta: meta(name), Spec: rollcallv1.ProfileSpec{Type: rollcallv1.ProfileTypePhone, PhoneNumber: new("+1" + name)}}
}

func hours(name, zone, open, close string) *rollcallv1.Schedule {
	s := &rollcallv1.Schedule{ObjectMeta: meta(name)}
	if zone != "" {
		s.Spec.TimeZone = &zone
	}
	s.Spec.Weekly = []rollcallv1.WeeklyHours{{
		Days: []rollcallv1.Weekday{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}, Open: open, Close: close,
	}}
	return s
}

func always(name string) *rollcallv1.Schedule {
	return &rollcallv1.Schedule{ObjectMeta: meta(name), Spec: rollcallv1.ScheduleSpec{Mode: rollcallv1.ScheduleModeAlwaysOpen}}
}

func instant(s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return at
}

func window(from, until string) rollcallv1.Window {
	var w rollcallv1.Window
	if from != "" {
		w.From = new(metav1.NewTime(instant(from)))
	}
	if until != "" {
		w.Until = new(metav1.NewTime(instant(until)))
	}
	return w
}

// TestStaticReasons gives one person one obstacle at a time.
func TestStaticReasons(t *testing.T) {
	french := func(level int32) func(*rollcallv1.TeammateSpec) {
		return func(s *rollcallv1.TeammateSpec) {
			s.Skills = []rollcallv1.TeammateSkill{{Name: "french", Level: &level}}
		}
	}
	wantsFrench := func(min int32) func(*rollcallv1.DepartmentSpec) {
		return func(s *rollcallv1.DepartmentSpec) {
			s.Routing.RequiredSkills = []rollcallv1.RequiredSkill{{Name: "french", MinLevel: &min}, {Name: "unlisted"}}
		}
	}
	pooled := func(s *rollcallv1.DepartmentSpec) { s.Routing.Mode = new(rollcallv1.RoutingModePooled) }
	cases := map[string]struct {
		crew         crew
		teammate     func(*rollcallv1.TeammateSpec)
		department   func(*rollcallv1.DepartmentSpec)
		organization func(*rollcallv1.OrganizationSpec)
		want         routing.Reason
	}{
		"nothing":                       {},
		"the gate is closed":            {crew: crew{gone: map[string]bool{"ana": true}}, want: routing.ReasonLifecycle},
		"the role handles nothing":      {crew: crew{viewers: map[string]bool{"ana": true}}, want: routing.ReasonRoleCannotHandle},
		"no view on what is served":     {crew: crew{sees: map[string][]string{"ana": {"l2"}}}, department: serving("l1"), want: routing.ReasonNoProfileAccess},
		"a view on one of those served": {crew: crew{sees: map[string][]string{"ana": {"l2"}}}, department: serving("l1", "l2")},
		"nothing is served":             {crew: crew{sees: map[string][]string{"ana": nil}}},
		"telephone only":                {teammate: func(s *rollcallv1.TeammateSpec) { s.Channels = []rollcallv1.Channel{rollcallv1.ChannelPhone} }, want: routing.ReasonChannel},
		"telephone and one more": {teammate: func(s *rollcallv1.TeammateSpec) {
			s.Channels = []rollcallv1.Channel{rollcallv1.ChannelPhone, rollcallv1.ChannelSMS}
		}},
		"S-50 availability Inactive": {teammate: func(s *rollcallv1.TeammateSpec) { s.Availability = rollcallv1.AvailabilityInactive }, want: routing.ReasonAvailability},
		"a skill is missing":         {department: wantsFrench(1), want: routing.ReasonSkills},
		"a skill is too low":         {teammate: french(2), department: wantsFrench(3), want: routing.ReasonSkills},
		"a skill suffices":           {teammate: french(3), department: wantsFrench(3)},
		"a level above the highest":  {teammate: french(9), department: wantsFrench(6), want: routing.ReasonSkills},
		"off for the person":         {teammate: func(s *rollcallv1.TeammateSpec) { s.AutoAssignment = rollcallv1.ToggleDisabled }, want: routing.ReasonAutoAssignmentOff},
		"off for the person, pooled": {teammate: func(s *rollcallv1.TeammateSpec) { s.AutoAssignment = rollcallv1.ToggleDisabled }, department: pooled},
		"off for the organization as well": {
			teammate:     func(s *rollcallv1.TeammateSpec) { s.AutoAssignment = rollcallv1.ToggleDisabled },
			organization: func(s *rollcallv1.OrganizationSpec) { s.Chat.AutoAssignment = rollcallv1.SwitchDisabled },
		},
		"the first of several counts": {
			crew:     crew{viewers: map[string]bool{"ana": true}},
			teammate: func(s *rollcallv1.TeammateSpec) { s.Availability = rollcallv1.AvailabilityInactive },
			want:     routing.ReasonRoleCannotHandle,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := organize(t, monday)
			*f.crew = tc.crew
			f.apply(
				organization(func(s *rollcallv1.OrganizationSpec) {
					s.Skills = []rollcallv1.Skill{{Name: "french"}}
					if tc.organization != nil {
						tc.organization(s)
					}
				}),
				chatProfile("l1"), chatProfile("l2"), teammate("ana", tc.teammate), userGroup("north", []string{"ana"}, nil),
				dept("care", []string{"north"}, tc.department),
			)
			p := f.department("care")
			if got := reasons(p.Excluded)["ana"]; got != tc.want {
				t.Errorf("reason is %q, want %q", got, tc.want)
			}
			if got := slices.Contains(candidates(p), "ana"); got != (tc.want == "") {
				t.Errorf("candidate is %v", got)
			}
		})
	}
}

func TestDepartmentPlan(t *testing.T) {
	t.Run("S-39 all groups disabled or missing: nobody, never everybody", func(t *testing.T) {
		off := func(s *rollcallv1.UserGroupSpec) { s.State = rollcallv1.SwitchDisabled }
		f := organize(t, monday, append(teammates("ana", "ben"), userGroup("a", []string{"ana"}, off), userGroup("b", []string{"ben"}, off),
			dept("care", []string{"a", "b"}, nil), dept("void", []string{"not-there"}, nil))...)
		for _, name := range []string{"care", "void"} {
			p := f.department(name)
			if ok, reason := p.Routable(); ok || reason != rollcallv1.ReasonAllGroupsDisabled || len(p.Candidates)+len(p.Excluded) != 0 {
				t.Errorf("%s: routable %v, %s; candidates %v, excluded %v", name, ok, reason, candidates(p), p.Excluded)
			}
			if d := (routing.Engine{}).Next(p, routing.State{}, routing.Item{}, monday); d.Outcome != routing.Unassigned {
				t.Errorf("%s: an item is %s, want Unassigned", name, d.Outcome)
			}
		}
	})
	t.Run("S-40 without groups: everybody who may handle conversations", func(t *testing.T) {
		f := organize(t, monday)
		f.crew.gone, f.crew.viewers = map[string]bool{"ben": true}, map[string]bool{"cid": true}
		f.crew.sees = map[string][]string{"dan": nil}
		f.apply(append(teammates("ana", "ben", "cid", "dan"), chatProfile("l1"), dept("all", nil, nil), dept("some", nil, serving("l1")))...)
		if got := candidates(f.department("all")); !cmp.Equal(got, []string{"ana", "dan"}) {
			t.Errorf("candidates %v, want ana and dan", got)
		}
		if got := candidates(f.department("some")); !cmp.Equal(got, []string{"ana"}) {
			t.Errorf("with an inbound profile %v, want ana", got)
		}
	})
	t.Run("S-140 who sees nothing that is served is no candidate", func(t *testing.T) {
		f := organize(t, monday)
		f.crew.sees = map[string][]string{"ana": {"l1"}, "cid": {"l2"}, "ben": nil}
		f.apply(append(teammates("ana", "ben", "cid"), chatProfile("l1"), chatProfile("l2"), dept("care", []string{"north"}, serving("l1")),
			userGroup("north", []string{"ana", "ben", "cid"}, dialed(func(d *rollcallv1.Dialing) { d.Profiles = refs("l1") })))...)
		want := map[string]routing.Reason{"ben": routing.ReasonNoProfileAccess, "cid": routing.ReasonNoProfileAccess}
		for _, p := range []*routing.Plan{f.department("care"), f.group("north")} {
			if diff := cmp.Diff(want, reasons(p.Excluded)); diff != "" || !cmp.Equal(candidates(p), []string{"ana"}) {
				t.Errorf("%s: candidates %v, excluded (-want +got):\n%s", p.Target.Kind, candidates(p), diff)
			}
		}
		f.apply(dept("care", []string{"north"}, serving("l1", "l2")))
		if got := candidates(f.department("care")); !cmp.Equal(got, []string{"ana", "cid"}) {
			t.Errorf("serving l2 too: %v, want ana and cid", got)
		}
		f.apply(dept("care", []string{"north"}, nil))
		if got := candidates(f.department("care")); !cmp.Equal(got, []string{"ana", "ben", "cid"}) {
			t.Errorf("serving nothing: %v, want all three", got)
		}
	})
	t.Run("everything a plan of a department holds", func(t *testing.T) {
		f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) {
			s.Skills = []rollcallv1.Skill{{Name: "french"}, {Name: "tact", MaxLevel: new(int32(3))}}
			s.Chat.Reassignment = &rollcallv1.ChatReassignment{State: rollcallv1.SwitchEnabled}
			s.ScheduleRef = ref("office")
		}), hours("office", "Europe/Prague", "09:00", "17:00"), always("open"))
		level := func(french, tact int32) func(*rollcallv1.TeammateSpec) {
			return func(s *rollcallv1.TeammateSpec) {
				s.Skills = []rollcallv1.TeammateSkill{{Name: "french", Level: &french}, {Name: "tact", Level: &tact}}
				s.Extension = new("9")
				s.Channels = []rollcallv1.Channel{rollcallv1.ChannelEmail, rollcallv1.ChannelChat}
			}
		}
		f.crew.limits = map[string]int32{"ana": 4}
		f.apply(teammate("ana", level(2, 9)), teammate("ben", level(5, 3)),
			userGroup("north", []string{"ana", "ben"}, func(s *rollcallv1.UserGroupSpec) { s.ScheduleRef = ref("open") }),
			userGroup("south", []string{"ana", "gone"}, nil),
			dept("other", nil, nil),
			dept("care", nil, func(s *rollcallv1.DepartmentSpec) {
				s.Groups = []rollcallv1.DepartmentGroup{{Name: "south", Weight: new(int32(40))}, {Name: "north", Weight: new(int32(60))}}
				s.Routing = rollcallv1.DepartmentRouting{
					Selection:      rollcallv1.SelectionMostQualified,
					RequiredSkills: []rollcallv1.RequiredSkill{{Name: "french"}, {Name: "tact"}},
					Overflow:       &rollcallv1.DepartmentOverflow{After: &metav1.Duration{Duration: 10 * time.Minute}, Type: "Department", Name: new("other")},
				}
				s.Bot = &rollcallv1.Bot{Name: "helper"}
			}))
		want := &routing.Plan{
			Target: routing.Target{Kind: routing.KindDepartment, Name: "care"}, Strategy: routing.MostQualified, Mode: routing.Assigned,
			Candidates: []routing.Candidate{
				{Name: "ben", Groups: []string{"north"}, SkillScore: new(int32(8)), MaxChats: new(int32(-1)), Channels: []string{"Chat", "Email"}},
				{Name: "ana", Groups: []string{"north", "south"}, Extension: "9", SkillScore: new(int32(5)), MaxChats: new(int32(4)), Channels: []string{"Chat", "Email"}},
			},
			Pools: []routing.Pool{
				{Name: "north", Weight: new(int32(60)), MemberCount: 2, Schedule: "open"},
				{Name: "south", Weight: new(int32(40)), MemberCount: 1, Schedule: "office"},
			},
			Timeouts:   routing.Timeouts{ReassignAfter: new(5 * time.Minute), OverflowAfter: new(10 * time.Minute)},
			Overflow:   routing.Destination{Type: "Department", Name: "other"},
			OutOfHours: routing.Destination{Type: "Unassigned"},
			ChatCounts: routing.AutoAssignedOnly,
			Bot:        &routing.Bot{Name: "helper"},
		}
		if diff := cmp.Diff(want, f.department("care"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("plan (-want +got):\n%s", diff)
		}
	})
	t.Run("no automatic assignment in the organization: pooled", func(t *testing.T) {
		f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.Chat.AutoAssignment = rollcallv1.SwitchDisabled }), dept("care", nil, nil))
		if p := f.department("care"); p.Mode != routing.Pooled {
			t.Errorf("mode %q, want Pooled", p.Mode)
		}
	})
	t.Run("the mode of the preset", func(t *testing.T) {
		f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.Preset = rollcallv1.PresetChatDesk }), dept("care", nil, nil))
		if p := f.department("care"); p.Mode != routing.Pooled || p.ChatCounts != routing.AllAssigned {
			t.Errorf("mode %q, counts %q; want Pooled and AllAssigned", p.Mode, p.ChatCounts)
		}
	})
}

func TestDialingPlan(t *testing.T) {
	t.Run("everything a plan of a group holds", func(t *testing.T) {
		f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.Voice.MaxUnansweredCalls = new(int32(4)) }),
			hours("office", "Europe/Prague", "09:00", "17:00"), phoneProfile("main"),
			teammate("ana", func(s *rollcallv1.TeammateSpec) { s.Extension = new("2001") }),
			teammate("ben", func(s *rollcallv1.TeammateSpec) { s.Extension = new("2001"); s.ScheduleRef = ref("office") }),
			teammate("cid", nil), teammate("eva", func(s *rollcallv1.TeammateSpec) { s.AccountRoleRef = ref("supervisor") }))
		f.apply(userGroup("desk", nil, func(s *rollcallv1.UserGroupSpec) {
			dialed(nil)(s)
			s.Members = []rollcallv1.Member{
				{Name: "ana"}, {Name: "ben", Position: new(int32(7))}, {Name: "cid", Position: new(int32(2))},
			}
			s.Supervisors = refs("eva", "ana", "not-there")
			s.ScheduleRef = ref("office")
			s.Voice.Extension = new("3001")
			s.Voice.CallerIDProfileRef = ref("main")
			s.Voice.Dialing.Overflow = &rollcallv1.GroupOverflow{Type: "Voicemail"}
		}))
		want := &routing.Plan{
			Target: routing.Target{Kind: routing.KindUserGroup, Name: "desk"}, Strategy: routing.Simultaneous,
			Candidates: []routing.Candidate{
				{Name: "cid", Position: new(int32(2))},
				{Name: "ben", Position: new(int32(7)), Schedule: "office"},
				{Name: "ana", Extension: "2001"},
			},
			Excluded:    []routing.Exclusion{{Name: "eva", Reason: routing.ReasonSupervisorOnly}},
			Timeouts:    routing.Timeouts{MaxRingTime: new(20 * time.Second)},
			Cap:         &routing.Cap{Legs: 4, Scope: routing.PerCall},
			Voice:       &routing.Voice{Extension: "3001", CallerIDProfile: "main"},
			Supervisors: []string{"eva"},
			Overflow:    routing.Destination{Type: "Voicemail"},
			OutOfHours:  routing.Destination{Type: "Hangup"},
			Schedule:    routing.Schedule{Name: "office", TimeZone: "Europe/Prague"},
			ChatCounts:  routing.AutoAssignedOnly,
		}
		if diff := cmp.Diff(want, f.group("desk"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("plan (-want +got):\n%s", diff)
		}
	})

	own := &rollcallv1.AudioSource{Type: "Library", LibraryID: new("own")}
	general := &rollcallv1.AudioSource{Type: "Library", LibraryID: new("general")}
	audio := map[string]struct {
		organization *rollcallv1.AudioSource
		group        *rollcallv1.DialingAudio
		want         *routing.Audio
	}{
		"S-33 group Enabled":            {general, &rollcallv1.DialingAudio{Override: rollcallv1.ToggleEnabled, Source: own}, &routing.Audio{Type: "Library", LibraryID: "own"}},
		"S-33 group Disabled":           {general, &rollcallv1.DialingAudio{Override: rollcallv1.ToggleDisabled, Source: own}, &routing.Audio{Type: "Library", LibraryID: "general"}},
		"S-33 group silent":             {general, nil, &routing.Audio{Type: "Library", LibraryID: "general"}},
		"S-33 neither":                  {nil, nil, nil},
		"S-33 group Disabled, no other": {nil, &rollcallv1.DialingAudio{Override: rollcallv1.ToggleDisabled, Source: own}, nil},
	}
	for name, tc := range audio {
		t.Run(name, func(t *testing.T) {
			f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.Voice.DialingAudio = tc.organization }),
				userGroup("desk", nil, func(s *rollcallv1.UserGroupSpec) { dialed(nil)(s); s.Voice.DialingAudio = tc.group }))
			if diff := cmp.Diff(tc.want, f.group("desk").Voice.Audio); diff != "" {
				t.Errorf("audio (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("a disabled group and one without dialing have no plan", func(t *testing.T) {
		f := organize(t, monday, userGroup("plain", nil, nil),
			userGroup("off", nil, func(s *rollcallv1.UserGroupSpec) { dialed(nil)(s); s.State = rollcallv1.SwitchDisabled }),
			userGroup("desk", nil, dialed(nil)))
		if diff := cmp.Diff([]routing.Target{{Kind: routing.KindUserGroup, Name: "desk"}}, f.planner.Targets(nil)); diff != "" {
			t.Errorf("targets (-want +got):\n%s", diff)
		}
		f.apply(organization(func(s *rollcallv1.OrganizationSpec) { s.ContactCenter = rollcallv1.SwitchDisabled }))
		if got := f.planner.Targets(nil); len(got) != 0 {
			t.Errorf("targets without a contact centre: %v", got)
		}
		if p := f.planner.Plan(nil, routing.Target{Kind: routing.KindUserGroup, Name: "desk"}); p != nil {
			t.Errorf("plan without a contact centre: %v", p)
		}
	})
	t.Run("members by selector have no position", func(t *testing.T) {
		ben := teammate("ben", nil)
		ben.Labels = map[string]string{"desk": "yes"}
		f := organize(t, monday, teammate("zoe", nil), ben, userGroup("desk", nil, func(s *rollcallv1.UserGroupSpec) {
			dialed(nil)(s)
			s.Members = []rollcallv1.Member{{Name: "zoe", Position: new(int32(9))}}
			s.MemberSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"desk": "yes"}}
		}))
		if got := candidates(f.group("desk")); !cmp.Equal(got, []string{"zoe", "ben"}) {
			t.Errorf("order %v, want zoe, ben", got)
		}
	})
}

func TestChoiceOfSchedule(t *testing.T) {
	practices := []rollcallv1.Practice{{Name: "north", ScheduleRef: ref("practice")}}
	inPractice := func(s *rollcallv1.UserGroupSpec) {
		s.Scope, s.Practices = rollcallv1.GroupScopePractice, []rollcallv1.GroupPractice{{Name: "north"}}
	}
	named := func(name string) func(*rollcallv1.UserGroupSpec) {
		return func(s *rollcallv1.UserGroupSpec) { s.ScheduleRef = ref(name) }
	}
	cases := map[string]struct {
		group                       func(*rollcallv1.UserGroupSpec)
		organization, department    string
		wantDial, wantPool, wantOwn string
	}{
		"its own":                          {group: named("own"), organization: "org", wantDial: "own", wantPool: "own"},
		"its practice's":                   {group: inPractice, organization: "org", wantDial: "practice", wantPool: "practice"},
		"the organization's":               {organization: "org", wantDial: "org", wantPool: "org"},
		"the department's before":          {organization: "org", department: "dept", wantDial: "org", wantPool: "dept", wantOwn: "dept"},
		"a missing one falls through":      {group: named("none"), organization: "org", wantDial: "org", wantPool: "org"},
		"an invalid one falls through":     {group: named("broken"), organization: "org", wantDial: "org", wantPool: "org"},
		"a department with an invalid one": {organization: "org", department: "broken", wantDial: "org", wantPool: "org"},
		"none at all":                      {},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) {
				s.Practices = practices
				if tc.organization != "" {
					s.ScheduleRef = ref(tc.organization)
				}
			}), always("own"), always("practice"), always("org"), always("dept"), hours("broken", "Europe/Atlantis", "09:00", "10:00"))
			f.apply(userGroup("desk", nil, func(s *rollcallv1.UserGroupSpec) {
				dialed(nil)(s)
				if tc.group != nil {
					tc.group(s)
				}
			}), dept("care", []string{"desk"}, func(s *rollcallv1.DepartmentSpec) {
				if tc.department != "" {
					s.ScheduleRef = ref(tc.department)
				}
			}))
			if got := f.group("desk").Schedule.Name; got != tc.wantDial {
				t.Errorf("dialled: %q, want %q", got, tc.wantDial)
			}
			p := f.department("care")
			if got := p.Pools[0].Schedule; got != tc.wantPool {
				t.Errorf("pool: %q, want %q", got, tc.wantPool)
			}
			if got := p.Schedule.Name; got != tc.wantOwn {
				t.Errorf("department: %q, want %q", got, tc.wantOwn)
			}
		})
	}
	t.Run("S-41 a department without groups has the organization's", func(t *testing.T) {
		f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.ScheduleRef, s.TimeZone = ref("org"), "Europe/Prague" }),
			hours("org", "", "09:00", "17:00"), dept("care", nil, nil))
		if diff := cmp.Diff(routing.Schedule{Name: "org", TimeZone: "Europe/Prague"}, f.department("care").Schedule); diff != "" {
			t.Errorf("schedule (-want +got):\n%s", diff)
		}
	})
}

// TestHours asks the engine about real schedules.
func TestHours(t *testing.T) {
	america := func(s *rollcallv1.UserGroupSpec) { dialed(nil)(s); s.ScheduleRef = ref("america") }
	f := organize(t, monday, organization(func(s *rollcallv1.OrganizationSpec) { s.ScheduleRef, s.TimeZone = ref("europe"), "Europe/Prague" }),
		hours("europe", "", "09:00", "17:00"), hours("america", "America/New_York", "09:00", "17:00"),
		userGroup("ny", nil, america), userGroup("here", nil, nil),
		dept("alone", []string{"ny"}, nil), dept("both", []string{"ny", "here"}, nil), dept("none", nil, nil))
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		plan *routing.Plan
		want [4]bool
	}{
		"S-41 the group":                 {f.group("ny"), [4]bool{false, false, true, true}},
		"S-41 department of that group":  {f.department("alone"), [4]bool{false, false, true, true}},
		"S-41 department of both":        {f.department("both"), [4]bool{false, true, true, true}},
		"S-41 department without groups": {f.department("none"), [4]bool{false, true, true, false}},
	}
	engine := f.planner.Engine(nil)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for i, hour := range []int{8, 10, 16, 18} {
				now := time.Date(2027, 1, 11, hour, 0, 0, 0, prague)
				if got := engine.Open(tc.plan, now); got != tc.want[i] {
					t.Errorf("at %d:00 open is %v, want %v", hour, got, tc.want[i])
				}
			}
		})
	}
	t.Run("changes at", func(t *testing.T) {
		got, ok := engine.ChangesAt(f.department("both"), time.Date(2027, 1, 11, 8, 0, 0, 0, prague), f.planner.Edge)
		if want := time.Date(2027, 1, 11, 9, 0, 0, 0, prague); !ok || !got.Equal(want) {
			t.Errorf("opens at %v, want %v", got, want)
		}
		got, ok = engine.ChangesAt(f.department("both"), time.Date(2027, 1, 11, 10, 0, 0, 0, prague), f.planner.Edge)
		if want := time.Date(2027, 1, 11, 23, 0, 0, 0, prague); !ok || !got.Equal(want) {
			t.Errorf("closes at %v, want %v", got, want)
		}
	})
}

func TestPlansAndTime(t *testing.T) {
	t.Run("S-137 absences one after the other", func(t *testing.T) {
		f := organize(t, instant("2027-06-01T00:00:00Z"), teammate("ana", func(s *rollcallv1.TeammateSpec) {
			s.Absences = []rollcallv1.Absence{
				{Name: "b", Window: window("2027-08-01T00:00:00Z", "2027-08-03T00:00:00Z")},
				{Name: "a", Window: window("2027-07-01T00:00:00Z", "2027-07-15T00:00:00Z")},
			}
		}), userGroup("north", []string{"ana"}, nil), dept("care", []string{"north"}, nil))
		july := &routing.Absence{From: new(instant("2027-07-01T00:00:00Z")), Until: new(instant("2027-07-15T00:00:00Z"))}
		august := &routing.Absence{From: new(instant("2027-08-01T00:00:00Z")), Until: new(instant("2027-08-03T00:00:00Z"))}
		steps := []struct {
			now        string
			want       *routing.Absence
			wantNext   string
			wantReason routing.Reason
		}{
			{"2027-06-01T00:00:00Z", july, "2027-07-15T00:00:00Z", ""},
			{"2027-07-01T00:00:00Z", july, "2027-07-15T00:00:00Z", routing.ReasonAbsent},
			{"2027-07-15T00:00:00Z", august, "2027-08-03T00:00:00Z", ""},
			{"2027-08-03T00:00:00Z", nil, "", ""},
		}
		for _, step := range steps {
			f.advance(instant(step.now))
			p := f.department("care")
			if diff := cmp.Diff(step.want, p.Candidates[0].Absence); diff != "" {
				t.Errorf("at %s absence (-want +got):\n%s", step.now, diff)
			}
			next, ok := f.planner.NextTransition(p.Target)
			if ok != (step.wantNext != "") || ok && !next.Equal(instant(step.wantNext)) {
				t.Errorf("at %s next transition %v, %v; want %q", step.now, next, ok, step.wantNext)
			}
			got := reasons((routing.Engine{}).Excluded(p, routing.State{}, routing.Item{}, instant(step.now)))["ana"]
			if got != step.wantReason {
				t.Errorf("at %s reason %q, want %q", step.now, got, step.wantReason)
			}
		}
	})
	t.Run("the absence of somebody who is no candidate does not matter", func(t *testing.T) {
		f := organize(t, monday, teammate("ana", func(s *rollcallv1.TeammateSpec) {
			s.Availability = rollcallv1.AvailabilityInactive
			s.Absences = []rollcallv1.Absence{{Name: "a", Window: window("", "2027-07-15T00:00:00Z")}}
		}), userGroup("north", []string{"ana"}, nil), dept("care", []string{"north"}, nil))
		if next, ok := f.planner.NextTransition(routing.Target{Kind: routing.KindDepartment, Name: "care"}); ok {
			t.Errorf("next transition %v, want none", next)
		}
	})
	t.Run("overlapping absences: the one that covers", func(t *testing.T) {
		f := organize(t, instant("2027-07-04T00:00:00Z"), teammate("ana", func(s *rollcallv1.TeammateSpec) {
			s.Absences = []rollcallv1.Absence{
				{Name: "long", Window: window("2027-07-01T00:00:00Z", "")},
				{Name: "short", Window: window("2027-07-03T00:00:00Z", "2027-07-05T00:00:00Z")},
			}
		}), userGroup("north", []string{"ana"}, nil), dept("care", []string{"north"}, nil))
		want := &routing.Absence{From: new(instant("2027-07-01T00:00:00Z"))}
		if diff := cmp.Diff(want, f.department("care").Candidates[0].Absence); diff != "" {
			t.Errorf("absence (-want +got):\n%s", diff)
		}
	})
	t.Run("S-139 hours open and no plan changes", func(t *testing.T) {
		f := organize(t, instant("2027-01-11T08:59:59Z"), append(teammates("ana"), hours("office", "Etc/UTC", "09:00", "17:00"),
			userGroup("north", []string{"ana"}, func(s *rollcallv1.UserGroupSpec) { dialed(nil)(s); s.ScheduleRef = ref("office") }),
			dept("care", []string{"north"}, nil))...)
		before := f.roster.Graph.Recomputed()
		f.advance(instant("2027-01-11T09:00:00Z"))
		if len(f.changed) != 0 || f.roster.Graph.Recomputed() != before {
			t.Errorf("changed %v, %d computations", f.changed, f.roster.Graph.Recomputed()-before)
		}
	})
	t.Run("editing hours changes no plan, breaking them does", func(t *testing.T) {
		f := organize(t, monday, append(teammates("ana"), hours("office", "Etc/UTC", "09:00", "17:00"),
			userGroup("north", []string{"ana"}, func(s *rollcallv1.UserGroupSpec) { dialed(nil)(s); s.ScheduleRef = ref("office") }))...)
		f.apply(hours("office", "Etc/UTC", "10:00", "17:00"))
		if len(f.changed) != 0 {
			t.Errorf("other hours changed %v", f.changed)
		}
		f.apply(hours("office", "Nowhere/At-All", "10:00", "17:00"))
		if want := []routing.Target{{Kind: routing.KindUserGroup, Name: "north"}}; !cmp.Equal(want, f.changed) {
			t.Errorf("invalid hours changed %v, want %v", f.changed, want)
		}
	})
	t.Run("a membership that ends", func(t *testing.T) {
		f := organize(t, monday, append(teammates("ana", "ben"), userGroup("north", []string{"ana"}, func(s *rollcallv1.UserGroupSpec) {
			s.Members = append(s.Members, rollcallv1.Member{Name: "ben", Window: window("", "2027-02-01T00:00:00Z")})
		}), dept("care", []string{"north"}, nil))...)
		care := routing.Target{Kind: routing.KindDepartment, Name: "care"}
		if next, ok := f.planner.NextTransition(care); !ok || !next.Equal(instant("2027-02-01T00:00:00Z")) {
			t.Errorf("next transition %v, %v; want 2027-02-01", next, ok)
		}
		f.advance(instant("2027-02-01T00:00:00Z"))
		if got := candidates(f.department("care")); !cmp.Equal(got, []string{"ana"}) {
			t.Errorf("candidates %v, want ana", got)
		}
	})
	joining := map[string]func() []metav1.Object{
		"a membership that begins, from the group's side": func() []metav1.Object {
			return []metav1.Object{teammate("ana", nil), userGroup("north", nil, func(s *rollcallv1.UserGroupSpec) {
				s.Members = []rollcallv1.Member{{Name: "ana", Window: window("2027-02-01T00:00:00Z", "")}}
			})}
		},
		"from the person's side": func() []metav1.Object {
			return []metav1.Object{userGroup("north", nil, nil), teammate("ana", func(s *rollcallv1.TeammateSpec) {
				s.Groups = []rollcallv1.TeammateGroup{{Name: "north", Window: window("2027-02-01T00:00:00Z", "")}}
			})}
		},
		"through an include": func() []metav1.Object {
			return []metav1.Object{userGroup("north", nil, func(s *rollcallv1.UserGroupSpec) { s.Includes = refs("inner") }), userGroup("inner", nil, nil),
				teammate("ana", func(s *rollcallv1.TeammateSpec) {
					s.Groups = []rollcallv1.TeammateGroup{{Name: "inner", Window: window("2027-02-01T00:00:00Z", "")}}
				})}
		},
	}
	for name, objects := range joining {
		t.Run(name, func(t *testing.T) {
			f := organize(t, monday, append(objects(), dept("care", []string{"north"}, nil), userGroup("other", nil, nil), dept("apart", []string{"other"}, nil))...)
			if next, ok := f.planner.NextTransition(deptTarget("care")); !ok || !next.Equal(instant("2027-02-01T00:00:00Z")) {
				t.Errorf("next transition %v, %v; want 2027-02-01", next, ok)
			}
			if next, ok := f.planner.NextTransition(deptTarget("apart")); ok {
				t.Errorf("next transition of a department apart %v, want none", next)
			}
			f.advance(instant("2027-02-01T00:00:00Z"))
			if got := candidates(f.department("care")); !cmp.Equal(got, []string{"ana"}) {
				t.Errorf("candidates %v, want ana", got)
			}
			if next, ok := f.planner.NextTransition(deptTarget("care")); ok {
				t.Errorf("next transition afterwards %v, want none", next)
			}
		})
	}
}

// TestWhatAnEditTouches: R-21, only plans that read what changed are computed, only those that differ are reported.
func TestWhatAnEditTouches(t *testing.T) {
	f := organize(t, monday, append(teammates("ana", "ben", "cid"), userGroup("north", []string{"ana"}, nil), userGroup("south", []string{"cid"}, nil),
		dept("care", []string{"north"}, nil), dept("sales", []string{"south"}, nil))...)
	f.apply(userGroup("north", []string{"ana", "ben"}, nil))
	if want := []routing.Target{{Kind: routing.KindDepartment, Name: "care"}}; !cmp.Equal(want, f.changed) {
		t.Errorf("one member more changed %v, want %v", f.changed, want)
	}
	f.apply(teammate("ana", func(s *rollcallv1.TeammateSpec) { s.FirstName = new("Ana") }))
	if len(f.changed) != 0 {
		t.Errorf("a first name changed %v", f.changed)
	}
	f.apply(teammate("cid", func(s *rollcallv1.TeammateSpec) { s.Availability = rollcallv1.AvailabilityUnavailable }))
	if want := []routing.Target{{Kind: routing.KindDepartment, Name: "sales"}}; !cmp.Equal(want, f.changed) {
		t.Errorf("an availability changed %v, want %v", f.changed, want)
	}
	f.remove(dept("sales", nil, nil))
	if want := []routing.Target{{Kind: routing.KindDepartment, Name: "sales"}}; !cmp.Equal(want, f.changed) {
		t.Errorf("a deletion changed %v, want %v", f.changed, want)
	}
	if p := f.planner.Plan(nil, routing.Target{Kind: routing.KindDepartment, Name: "sales"}); p != nil {
		t.Errorf("the plan of a deleted department is %v", p)
	}
}
