package engine_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// bench is an engine with the state that it asked to be written: the Ledger, and the statuses of Mentions.
type bench struct {
	*engine.Engine
	ledger   map[string]*rollcallv1.Ledger
	statuses map[string]rollcallv1.MentionStatus // by identity
}

func newBench(now time.Time, ledger map[string]*rollcallv1.Ledger, outputs bool, org oracle.Org, statuses ...map[string]rollcallv1.MentionStatus) *bench {
	b := &bench{Engine: engine.New(now), ledger: map[string]*rollcallv1.Ledger{}, statuses: map[string]rollcallv1.MentionStatus{}}
	for _, s := range statuses {
		maps.Copy(b.statuses, s)
	}
	b.Remember(slices.Collect(maps.Values(ledger)), outputs, withStatuses(orggen.Objects(org), b.statuses)...)
	maps.Copy(b.ledger, ledger)
	var changes []roster.Change
	for _, o := range orggen.Objects(org) {
		changes = append(changes, roster.Change{Object: o})
	}
	b.keep(b.Apply(now, changes...))
	return b
}

func (b *bench) keep(t engine.Touched) engine.Touched {
	for _, s := range t.Ledger {
		if s.Object == nil {
			delete(b.ledger, s.Name)
		} else {
			b.ledger[s.Name] = s.Object
		}
	}
	if b.statuses == nil {
		b.statuses = map[string]rollcallv1.MentionStatus{}
	}
	for _, name := range b.Roster.Names(nil, roster.KindMention) {
		m := b.Roster.Mention(nil, name)
		touched := slices.Contains(t.Inputs, lint.Object{Kind: roster.KindMention, Name: name})
		if _, written := b.statuses[identity(m)]; touched || !written { // objects that are new are always looked at
			b.statuses[identity(m)] = b.Mention(name)
		}
	}
	return t
}

// identity tells an object from another one of the same name.
func identity(o metav1.Object) string { return o.GetName() + " " + string(o.GetUID()) }

// withStatuses are the Mentions among objects, with the statuses that were written.
func withStatuses[O metav1.Object](objects []O, statuses map[string]rollcallv1.MentionStatus) []*rollcallv1.Mention {
	var out []*rollcallv1.Mention
	for _, o := range objects {
		if m, ok := any(o).(*rollcallv1.Mention); ok {
			m = m.DeepCopy()
			m.Status = statuses[identity(m)]
			out = append(out, m)
		}
	}
	return out
}

func (b *bench) edit(e orggen.Edit, w orggen.World) engine.Touched {
	switch {
	case e.Put != nil:
		return b.keep(b.Apply(w.Now, roster.Change{Object: e.Put}))
	case e.Delete != (oracle.Ref{}):
		return b.keep(b.Apply(w.Now, roster.Change{Object: empty(e.Delete), Deleted: true}))
	}
	return b.keep(b.Advance(w.Now))
}

func empty(ref oracle.Ref) orggen.Object {
	var o orggen.Object
	switch ref.Kind {
	case roster.KindOrganization:
		o = &rollcallv1.Organization{}
	case roster.KindSchedule:
		o = &rollcallv1.Schedule{}
	case roster.KindAccountRole:
		o = &rollcallv1.AccountRole{}
	case roster.KindProfileRole:
		o = &rollcallv1.ProfileRole{}
	case roster.KindProfile:
		o = &rollcallv1.Profile{}
	case roster.KindTeammate:
		o = &rollcallv1.Teammate{}
	case roster.KindUserGroup:
		o = &rollcallv1.UserGroup{}
	case roster.KindDepartment:
		o = &rollcallv1.Department{}
	case roster.KindQueue:
		o = &rollcallv1.Queue{}
	case roster.KindCampaign:
		o = &rollcallv1.Campaign{}
	case roster.KindMention:
		o = &rollcallv1.Mention{}
	}
	o.SetName(ref.Name)
	return o
}

// TestAgreesWithReference is P-07 and with it S-55, P-01 to P-06, P-12, P-13, P-18 and P-20 as far as the reference
// shows them: after any sequence of edits the incremental engine says what the reference says of the whole organization.
func TestAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { agree(rt, orggen.Draw(rt), 6, orggen.DrawEdit) })
}

// TestAgreesOnMentions is the same where everything is about mentions: R-11 through restarts, with lost statuses, and when
// objects go and others come under their name.
func TestAgreesOnMentions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { agree(rt, orggen.DrawCalls(rt), 12, orggen.DrawCall) })
}

func agree(rt *rapid.T, world orggen.World, most int, draw func(*rapid.T, *orggen.World) orggen.Edit) {
	state := oracle.State{}
	b := newBench(world.Now, nil, false, world.Org)
	want := oracle.Evaluate(world.Org, state, world.Now)
	compare(rt, "at first", b, world, want)
	state = want.Next
	for range rapid.IntRange(0, most).Draw(rt, "edits") {
		edit := draw(rt, &world)
		world.Apply(edit)
		switch {
		case edit.LoseLedger:
			state = oracle.State{Lost: true, Mentions: state.Mentions}
			if edit.LoseMentions {
				state.Mentions = nil
				clear(b.statuses)
			}
			b = newBench(world.Now, nil, true, world.Org, b.statuses)
		case rapid.IntRange(0, 9).Draw(rt, "restart") == 0:
			b = newBench(world.Now, b.ledger, true, world.Org, b.statuses)
		case rapid.IntRange(0, 9).Draw(rt, "without an Organization") == 0:
			b.Apply(world.Now, roster.Change{Object: &rollcallv1.Organization{ObjectMeta: metav1.ObjectMeta{Name: rollcallv1.OrganizationName}}, Deleted: true})
			b.edit(edit, world)
			b.keep(b.Apply(world.Now, roster.Change{Object: world.Org.Organization}))
		default:
			b.edit(edit, world)
		}
		want := oracle.Evaluate(world.Org, state, world.Now)
		state = want.Next
		compare(rt, edit.String(), b, world, want)
	}
}

func compare(t *rapid.T, after string, b *bench, w orggen.World, want oracle.Result) {
	t.Helper()
	if w.Org.Organization == nil {
		return // nothing is computed, and nothing of the memory may change: the next comparison shows it
	}
	got := b.observed()
	want = comparable(want)
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("after %s (-reference +engine):\n%s", after, diff)
	}
}

// comparable drops from a reference result what the engine does not keep in that form.
func comparable(r oracle.Result) oracle.Result {
	r.Teammates = maps.Clone(r.Teammates)
	for name, tm := range r.Teammates {
		tm.Profiles = slices.Clone(tm.Profiles)
		for i := range tm.Profiles {
			p := &tm.Profiles[i]
			p.Sources = slices.DeleteFunc(slices.Clone(p.Sources), func(s oracle.Source) bool { return !s.Granting })
			for j := range p.Sources {
				if t := p.Sources[j].Type; t == "Direct" || t == "Default" {
					p.Sources[j].Name = ""
				}
			}
			sortSources(p.Sources)
		}
		r.Teammates[name] = tm
	}
	r.Plans = maps.Clone(r.Plans)
	for x, plan := range r.Plans {
		plan.Candidates = slices.Clone(plan.Candidates)
		for i := range plan.Candidates {
			if x.Kind == roster.KindUserGroup {
				plan.Candidates[i].MaxChats = 0 // calls do not count as chats: not in these plans
			}
		}
		r.Plans[x] = plan
	}
	// Records that nobody matches are kept for a grace that a restart begins anew: see TestDepartedPeople.
	r.Next.People = slices.DeleteFunc(slices.Clone(r.Next.People), func(p oracle.Person) bool {
		return p == oracle.Person{Key: p.Key, Name: p.Name} || p.MissingSince != nil
	})
	r.Next.Lost, r.Next.Recorded = false, false
	r.Next.Mentions = nil // the next evaluation shows whether the engine remembers the same
	r.Mentions = maps.Clone(r.Mentions)
	for name, m := range r.Mentions {
		m.UID = ""
		r.Mentions[name] = m
	}
	return r
}

func sortSources(list []oracle.Source) {
	slices.SortFunc(list, func(a, b oracle.Source) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name), strings.Compare(a.ProfileRole, b.ProfileRole))
	})
}

// observed is the engine's state of affairs in the form of the reference.
func (b *bench) observed() oracle.Result {
	out := oracle.Result{
		Teammates: map[string]oracle.Teammate{}, Groups: map[string]oracle.Group{}, Departments: map[string]oracle.Department{},
		Roles: map[string]oracle.Role{}, Plans: map[oracle.Ref]oracle.Plan{}, Inbound: map[string]oracle.Inbound{}, Mentions: map[string]oracle.Mention{},
		DefaultDepartment: b.Roster.DefaultDepartment(nil),
	}
	for _, name := range b.Roster.Names(nil, roster.KindTeammate) {
		out.Teammates[name] = b.teammate(name)
	}
	for _, name := range b.Roster.Names(nil, roster.KindUserGroup) {
		out.Groups[name] = b.group(name)
	}
	for _, name := range b.Roster.Names(nil, roster.KindDepartment) {
		d := oracle.Department{Default: b.Roster.IsDefault(nil, name), LostKeys: b.lostKeys(roster.KindDepartment, name)}
		for _, g := range b.Roster.Department(nil, name).Spec.Groups {
			if b.Roster.GroupFacts(nil, g.Name).Enabled {
				d.Groups = append(d.Groups, g.Name)
			}
		}
		slices.Sort(d.Groups)
		out.Departments[name] = d
	}
	roles := append(slices.Clone(roster.BuiltinProfileRoles), b.Roster.Names(nil, roster.KindProfileRole)...)
	for _, name := range roles {
		c := b.Roster.RoleContent(nil, name)
		cycle := b.Roster.ProfileRoleCycle(nil, name)
		out.Roles[name] = oracle.Role{Permissions: b.Roster.Table.Strings(b.Roster.Table.Close(c.Granted)), Denies: c.Denies, Cyclic: cycle.Cyclic(), Closing: cycle.Closing}
	}
	for _, x := range b.Routing.Targets(nil) {
		out.Plans[oracle.Ref{Kind: string(x.Kind), Name: x.Name}] = b.plan(x)
	}
	b.inbound(out.Inbound)
	for _, name := range b.Roster.Names(nil, roster.KindMention) {
		out.Mentions[name] = b.mention(name)
	}
	out.Next = b.state()
	return out
}

func (b *bench) mention(name string) oracle.Mention {
	s := b.Mention(name)
	instant := func(t *metav1.Time) *time.Time {
		if t == nil {
			return nil
		}
		return &t.Time
	}
	out := oracle.Mention{
		Phase: string(s.Phase), AcceptedAt: s.AcceptedAt.Time, ConversationStatus: string(s.ConversationStatus), ResolvedBy: s.ResolvedBy,
		ResolvedAt: instant(s.ResolvedAt), ExpiresAt: instant(s.ExpiresAt), Spent: b.Mentions.Spent(nil, name),
	}
	for _, c := range s.Conditions {
		if c.Type == rollcallv1.ConditionDelivered && c.Status == metav1.ConditionFalse {
			out.Reason = c.Reason
		}
	}
	for _, a := range s.Alerts {
		out.Alerts = append(out.Alerts, oracle.Alert{Name: a.Name, Via: a.Via, Direct: a.Direct, State: string(a.State)})
	}
	for _, r := range s.Rejected {
		out.Rejected = append(out.Rejected, oracle.Refusal(r))
	}
	return out
}

func (b *bench) opened(teammate string) []oracle.Opened {
	var out []oracle.Opened
	for _, g := range b.Mentions.Grants(nil, teammate) {
		out = append(out, oracle.Opened(g))
	}
	return out
}

func (b *bench) lostKeys(kind, name string) []string {
	var out []string
	for _, k := range b.Roster.LostKeys(nil, roster.Claimant{Kind: kind, Name: name}) {
		out = append(out, k.Key)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func provenances(sources []roster.Source) []oracle.Provenance {
	var out []oracle.Provenance
	for _, s := range sources {
		claim, via, _ := strings.Cut(s.String(), ":")
		out = append(out, oracle.Provenance{Claim: claim, Via: via})
	}
	return out
}

func (b *bench) teammate(name string) oracle.Teammate {
	res := b.Access.Of(name)
	tm := b.Roster.Teammate(nil, name)
	state := res.State
	status := b.Lint.Teammate(name)
	holding := b.Roster.Holding(nil, name)
	out := oracle.Teammate{
		Phase: string(state.Phase), Reason: state.Reason, GateOpen: state.Open, GateReason: state.GateReason, ListedAs: string(state.Listing()),
		CardHash: status.CardHash, SurveyEligible: *status.SurveyEligible, LostKeys: b.lostKeys(roster.KindTeammate, name),
		BaseType: string(holding.BaseType()), Leader: res.Leader, AccountPermissions: res.AccountPermissions,
	}
	if holding.Role != nil {
		out.AccountRole = holding.Role.Name
	}
	for _, c := range status.Conditions {
		if c.Type == rollcallv1.ConditionTeamLeaderResolved && c.Status == "False" {
			out.LeaderProblem = c.Reason
		}
	}
	for _, m := range b.Roster.Memberships(nil, name).Accepted {
		out.Groups = append(out.Groups, oracle.Membership{Group: m.Group, Provenances: provenances(m.Sources)})
	}
	for _, s := range res.Supervises {
		switch s.Kind {
		case roster.KindQueue:
			out.SupervisesQueues = append(out.SupervisesQueues, s.Name)
		case roster.KindCampaign:
			out.SupervisesCampaigns = append(out.SupervisesCampaigns, s.Name)
		default:
			out.Supervises = append(out.Supervises, s.Name)
		}
	}
	out.Opened = b.opened(name)
	a := b.Roster.Assignment(nil, name)
	out.Assignment = oracle.Assignment{Type: string(a.Type), Campaign: a.Campaign, NotReleased: a.NotReleased, Queues: a.Queues, Cut: a.Cut}
	if !state.Open {
		return out
	}
	out.Profiles = b.profiles(res)
	d := res.DataScope
	out.DataScope = oracle.DataScope{All: d.All, Departments: d.Departments, Groups: d.Groups, Queues: d.Queues, Campaigns: d.Campaigns, Practices: d.Practices, Leader: d.Leader, Areas: map[string][]string{}}
	for _, s := range d.Scopes {
		out.DataScope.Scopes = append(out.DataScope.Scopes, string(s))
	}
	slices.Sort(out.DataScope.Scopes)
	for _, a := range d.Areas {
		var scopes []string
		for _, s := range a.Scopes {
			scopes = append(scopes, string(s))
		}
		slices.Sort(scopes)
		out.DataScope.Areas[string(a.Name)] = scopes
	}
	enabled := func(s rollcallv1.Switch) bool { return s == rollcallv1.SwitchEnabled }
	out.Voice = oracle.Voice{OutboundCalls: enabled(res.Voice.OutboundCalls), AgentsCanChangeCallerID: enabled(res.Voice.AgentsCanChangeCallerID),
		RecordingAccess: enabled(res.Voice.RecordingAccess), CallerIDProfile: res.Voice.CallerIDProfile, Consistent: len(b.Access.Settings(nil, name).Conflicts) == 0}
	_, clamped := b.Access.ChatLimit(nil, tm)
	out.Chat = oracle.Chat{MaxChats: res.Chat.MaxChats, AutoAssignment: enabled(res.Chat.AutoAssignment), InRange: !clamped}
	return out
}

func (b *bench) profiles(res *access.Result) []oracle.Profile {
	var out []oracle.Profile
	named := map[string]bool{}
	add := func(g access.Grant, name string) {
		p := oracle.Profile{Name: name, Permissions: g.Permissions, ApprovalRequired: g.ApprovalRequired, ContentVisibility: cmp.Or(string(g.Visibility), "AssignedOnly")}
		for _, s := range g.Sources {
			p.Sources = append(p.Sources, oracle.Source{Type: string(s.Type), Name: s.Name, ProfileRole: s.ProfileRole, Stamped: s.Stamped, Granting: true})
		}
		sortSources(p.Sources)
		out = append(out, p)
	}
	for _, g := range res.Grants {
		for _, name := range g.Profiles {
			named[name] = true
			add(g, name)
		}
	}
	for _, g := range res.Grants {
		if !g.All {
			continue
		}
		for _, name := range b.Roster.UsableProfiles(nil) {
			if !named[name] {
				add(g, name)
			}
		}
	}
	slices.SortFunc(out, func(a, b oracle.Profile) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (b *bench) group(name string) oracle.Group {
	g := b.Roster.UserGroup(nil, name)
	cycle := b.Roster.GroupCycle(nil, name)
	status := b.Lint.UserGroup(name)
	out := oracle.Group{Profiles: b.Roster.GroupProfiles(nil, name), Cyclic: cycle.Cyclic(), Closing: cycle.Closing, LostKeys: b.lostKeys(roster.KindUserGroup, name)}
	for _, m := range b.Roster.Members(nil, name) {
		out.Members = append(out.Members, oracle.Member{Name: m, Provenances: provenances(b.Roster.Memberships(nil, m).Of(name).Sources)})
	}
	for _, j := range b.Roster.RejectedMembers(nil, name) {
		out.Rejected = append(out.Rejected, oracle.Rejection{Name: j.Name, Reason: j.Reason, Yielding: j.Yields})
	}
	for _, m := range g.Spec.Members {
		if !b.Roster.Exists(nil, roster.KindTeammate, m.Name) {
			out.Unresolved = append(out.Unresolved, m.Name)
		}
	}
	slices.Sort(out.Unresolved)
	for _, s := range g.Spec.Supervisors {
		if b.Roster.Supervises(nil, s.Name, name) {
			out.Supervisors = append(out.Supervisors, s.Name)
		}
	}
	slices.Sort(out.Supervisors)
	out.Stamp = stampOf(b.Roster.Stamp(nil, name))
	if status.Pending != nil {
		out.PendingMembers, out.PendingProfiles = int(status.Pending.Members), int(status.Pending.Profiles)
	}
	return out
}

func stampOf(s *roster.Stamp) *oracle.Stamp {
	if s == nil {
		return nil
	}
	out := &oracle.Stamp{ProfileRole: s.ProfileRole, Token: s.Token, Members: s.Members, Profiles: s.Profiles}
	if !s.Lost() {
		out.AppliedAt = &s.AppliedAt
	}
	return out
}

func (b *bench) plan(x routing.Target) oracle.Plan {
	p := b.Routing.Plan(nil, x)
	ok, reason := p.Routable()
	out := oracle.Plan{
		Strategy: string(p.Strategy), Mode: string(p.Mode), Served: b.Routing.Served(nil, x), InboundConflict: len(b.Routing.Conflicts(nil, x)) > 0,
		OverflowCycle: b.Routing.OverflowCycle(nil, x) != "", Overflow: oracle.Exit(p.Overflow), OutOfHours: oracle.Exit(p.OutOfHours),
		Supervisors: p.Supervisors, Schedule: p.Schedule.Name, TimeZone: p.Schedule.TimeZone,
		Routable: ok, AllGroupsDisabled: reason == "AllGroupsDisabled",
	}
	if p.Voice != nil {
		out.Extension, out.CallerIDProfile = p.Voice.Extension, p.Voice.CallerIDProfile
	}
	for _, c := range p.Candidates {
		e := oracle.Candidate{Name: c.Name, Groups: c.Groups, Position: c.Position, Extension: c.Extension, Schedule: c.Schedule, HasAbsence: c.Absence != nil}
		if c.SkillScore != nil {
			e.SkillScore = *c.SkillScore
		}
		if c.MaxChats != nil {
			e.MaxChats = *c.MaxChats
		}
		if c.Absence != nil {
			e.AbsenceFrom, e.AbsenceUntil = c.Absence.From, c.Absence.Until
		}
		if x.Kind == routing.KindQueue {
			if e.Channels = c.Channels; e.Channels == nil {
				e.Channels = []string{"Chat", "Email", "Phone", "SMS", "Social"}
			}
		}
		out.Candidates = append(out.Candidates, e)
	}
	for _, e := range p.Excluded {
		out.Excluded = append(out.Excluded, oracle.Exclusion{Name: e.Name, Reason: string(e.Reason)})
	}
	for _, g := range p.Pools {
		out.Pools = append(out.Pools, oracle.Pool{Group: g.Name, Weight: g.Weight, MemberCount: g.MemberCount, Schedule: g.Schedule})
	}
	return out
}

func (b *bench) inbound(out map[string]oracle.Inbound) {
	ref := func(x routing.Target) oracle.Ref { return oracle.Ref{Kind: string(x.Kind), Name: x.Name} }
	served := map[string]bool{}
	for _, x := range b.Routing.Targets(nil) {
		for _, p := range b.Routing.Served(nil, x) {
			served[p] = true
		}
	}
	for p := range served {
		owner, _ := b.Routing.Serving(nil, p)
		out[p] = oracle.Inbound{Owner: ref(owner)}
	}
	for _, x := range b.Routing.Targets(nil) {
		for _, c := range b.Routing.Conflicts(nil, x) {
			in := out[c.Profile]
			in.Losers = append(in.Losers, ref(x))
			out[c.Profile] = in
		}
	}
	for p, in := range out {
		slices.SortFunc(in.Losers, func(a, b oracle.Ref) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		})
		out[p] = in
	}
}

func (b *bench) state() oracle.State {
	m := b.Roster.Memory()
	s := oracle.State{Keys: map[string]oracle.Ref{}, Stamps: map[string]oracle.Stamp{}}
	for k, c := range m.Claims {
		s.Keys[k] = oracle.Ref(c)
	}
	for g, stamp := range m.Stamps {
		s.Stamps[g] = *stampOf(stamp)
	}
	for id, p := range m.People {
		if b.Roster.Departed(id) {
			continue
		}
		e := oracle.Person{Key: p.Key, Name: p.Name, ConfirmedAt: p.ConfirmedAt, ArchivedAt: p.ArchivedAt, Home: p.Home, Cover: p.Cover, Campaign: p.Campaign}
		if c := p.ApprovedCard; c != nil {
			text := func(s string) *string {
				if s == "" {
					return nil
				}
				return &s
			}
			e.ApprovedCard = &oracle.Card{FirstName: text(c.FirstName), Bio: text(c.Bio), HomeTown: text(c.HomeTown), StateOrCountry: text(c.StateOrCountry)}
			if c.Image != nil {
				e.ApprovedCard.Image = &oracle.Image{URL: c.Image.URL, Width: c.Image.Width, Height: c.Image.Height}
			}
		}
		s.People = append(s.People, e)
	}
	slices.SortFunc(s.People, func(a, b oracle.Person) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key))
	})
	return s
}
