package desired

import (
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

func (s *Set) groupFacts(t *incr.Task, name string) facts {
	g := s.group(t, name)
	if g == nil {
		return facts{}
	}
	f := facts{key: name, active: g.Enabled && (g.Members == nil || len(g.Members) > 0), hash: hashOf(name, g)}
	if f.active {
		return f
	}
	f.cause = downstream.Inferred
	if spec := &s.engine.Roster.UserGroup(t, name).Spec; !g.Enabled || spec.MemberSelector == nil && len(spec.Includes) == 0 {
		// It is disabled, or only lists that people keep decide: nothing followed from anything.
		f.cause = downstream.Declared
	}
	return f
}

// group returns the content of a group, nil if it does not exist.
func (s *Set) group(t *incr.Task, name string) *downstream.Group {
	r := s.engine.Roster
	g := r.UserGroup(t, name)
	if g == nil {
		return nil
	}
	spec := &g.Spec
	out := &downstream.Group{
		DisplayName: displayName(spec.DisplayName, name), Description: spec.Description, Handle: roster.Handle(g),
		Scope: text(spec.Scope, rollcallv1.GroupScopeOrganization), Enabled: spec.State != rollcallv1.SwitchDisabled,
		Practices: mapped(spec.Practices, func(p rollcallv1.GroupPractice) string { return p.Name }),
		Criteria: mapped(spec.Criteria, func(c rollcallv1.Criterion) downstream.Criteria {
			return downstream.Criteria{Type: string(c.Type), Value: c.Value}
		}),
		ProfileRole: new(""), Schedule: new(""), Extension: new(""), Reporting: spec.Reporting != rollcallv1.SwitchDisabled,
	}
	if s.membersKnown(t, g) {
		out.Members = s.members(t, name)
	}
	if spec.Supervisors != nil {
		var accepted []string
		for _, x := range r.Supervisors(t, spec.Supervisors) {
			if r.Supervises(t, x, name) {
				accepted = append(accepted, x)
			}
		}
		out.Supervisors = s.sortedKeys(t, accepted)
	}
	if spec.Profiles != nil || spec.ProfileSelector != nil {
		out.Profiles = append([]string{}, r.GroupProfiles(t, name)...)
	}
	if set := spec.PermissionSet; set != nil {
		out.ProfileRole = new(set.ProfileRoleRef.Name)
	}
	if spec.ScheduleRef != nil {
		out.Schedule = new(spec.ScheduleRef.Name)
	}
	if v := spec.Voice; v != nil && r.HoldsExtension(t, roster.Claimant{Kind: roster.KindUserGroup, Name: name}, v.Extension) {
		out.Extension = new(value(v.Extension))
	}
	return out
}

// membersKnown reports whether a group says who its members are: not if it says nothing and nobody claims to be one, and not while
// a selector or an include does not resolve. Then nobody is added, and nobody removed on a guess.
func (s *Set) membersKnown(t *incr.Task, g *rollcallv1.UserGroup) bool {
	r := s.engine.Roster
	if r.InvalidSelector(t, g.Name) != nil {
		return false
	}
	for _, ref := range g.Spec.Includes {
		if !r.Exists(t, roster.KindUserGroup, ref.Name) {
			return false
		}
	}
	return g.Spec.Members != nil || g.Spec.MemberSelector != nil || g.Spec.Includes != nil || len(r.Members(t, g.Name)) > 0
}

func displayName(given *string, name string) string {
	if given != nil {
		return *given
	}
	return name
}

func (s *Set) routeFacts(t *incr.Task, x routing.Target) facts {
	route := s.route(t, x)
	if route == nil {
		return facts{}
	}
	return facts{key: downstream.RouteKey(string(x.Kind), x.Name), active: true, hash: hashOf(x.Name, route)}
}

// route returns the content of a plan, nil if the target has none. It is active whoever is in it: a route that nobody serves is
// delivered at once, so that no telephone goes on ringing.
func (s *Set) route(t *incr.Task, x routing.Target) *downstream.Route {
	p := s.engine.Routing.Plan(t, x)
	if p == nil {
		return nil
	}
	out := &downstream.Route{
		TargetKind: string(x.Kind), DisplayName: s.targetName(t, x), Strategy: string(p.Strategy), Mode: string(p.Mode),
		Profiles: []downstream.RouteProfile{}, Candidates: []downstream.Candidate{}, Pools: []downstream.Pool{},
		Timeouts: downstream.Timeouts{
			MaxRingTime: millis(p.Timeouts.MaxRingTime), MaxGroupDialingTime: millis(p.Timeouts.MaxGroupDialingTime),
			MaxWaitingTime: millis(p.Timeouts.MaxWaitingTime), ReassignAfter: millis(p.Timeouts.ReassignAfter), OverflowAfter: millis(p.Timeouts.OverflowAfter),
		},
		Extension: new(""), CallerID: new(""), Supervisors: s.sortedKeys(t, p.Supervisors), Schedule: new(scheduleKey(p.Schedule.Name)),
		Overflow:   downstream.Destination{Type: p.Overflow.Type, Name: p.Overflow.Name},
		OutOfHours: downstream.Destination{Type: p.OutOfHours.Type, Name: p.OutOfHours.Name},
	}
	for _, name := range s.engine.Routing.Served(t, x) {
		if serving, ok := s.engine.Routing.Serving(t, name); !ok || serving != x {
			continue
		}
		out.Profiles = append(out.Profiles, downstream.RouteProfile{Name: name, Number: s.number(t, name)})
	}
	for i := range p.Candidates {
		out.Candidates = append(out.Candidates, s.candidate(t, &p.Candidates[i]))
	}
	for _, g := range p.Pools {
		out.Pools = append(out.Pools, downstream.Pool{Group: g.Name, Weight: g.Weight, Schedule: scheduleKey(g.Schedule)})
	}
	if p.Cap != nil {
		out.Cap = &downstream.Cap{Legs: p.Cap.Legs, Scope: string(p.Cap.Scope)}
	}
	if v := p.Voice; v != nil {
		out.Extension, out.CallerID = new(v.Extension), new(s.number(t, v.CallerIDProfile))
		if a := v.Audio; a != nil {
			out.Audio = &downstream.Audio{Type: a.Type, LibraryID: a.LibraryID, URL: a.URL, ConfigMap: a.ConfigMapName, Key: a.ConfigMapKey}
		}
	}
	if p.Bot != nil {
		out.Bot = &downstream.Bot{Name: p.Bot.Name, Only: p.Bot.Only}
	}
	if q := p.Waiting; q != nil {
		out.Waiting = &downstream.Waiting{
			Voice: string(q.Voice), Messaging: string(q.Messaging), MessagingPooled: q.MessagingPooled, HighestPriority: q.HighestPriority,
			Priority: q.Priority, MaxSize: q.MaxSize, HoldWithout: !q.OverflowWithoutAgents,
		}
	}
	return out
}

func (s *Set) candidate(t *incr.Task, c *routing.Candidate) downstream.Candidate {
	out := downstream.Candidate{
		Key: s.keys.Get(t, c.Name), Name: c.Name, Groups: c.Groups, Position: c.Position, Extension: c.Extension, SkillScore: c.SkillScore,
		MaxChats: c.MaxChats, Schedule: scheduleKey(c.Schedule), Channels: c.Channels,
	}
	if a := c.Absence; a != nil {
		out.Absence = &downstream.Absence{From: a.From, Until: a.Until}
	}
	return out
}

func scheduleKey(name string) string {
	if name == "" {
		return ""
	}
	return downstream.ScheduleKey(name)
}

// number is the telephone number of a profile, empty if it has none.
func (s *Set) number(t *incr.Task, profile string) string {
	if p := s.engine.Roster.Profile(t, profile); p != nil {
		return value(p.Spec.PhoneNumber)
	}
	return ""
}

func (s *Set) targetName(t *incr.Task, x routing.Target) string {
	r := s.engine.Roster
	var given *string
	switch x.Kind {
	case routing.KindUserGroup:
		if o := r.UserGroup(t, x.Name); o != nil {
			given = o.Spec.DisplayName
		}
	case routing.KindDepartment:
		if o := r.Department(t, x.Name); o != nil {
			given = o.Spec.DisplayName
		}
	case routing.KindQueue:
		if o := r.Queue(t, x.Name); o != nil {
			given = o.Spec.DisplayName
		}
	case routing.KindCampaign:
		if o := r.Campaign(t, x.Name); o != nil {
			given = o.Spec.DisplayName
		}
	}
	return displayName(given, x.Name)
}

func millis(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(d.Milliseconds())
}

func (s *Set) scheduleFacts(t *incr.Task, name string) facts {
	c := s.schedule(t, name)
	if c == nil {
		return facts{}
	}
	return facts{key: downstream.ScheduleKey(name), active: true, hash: hashOf(name, c)}
}

func (s *Set) schedule(t *incr.Task, name string) *downstream.Schedule {
	o := s.engine.Roster.Schedule(t, name)
	if o == nil {
		return nil
	}
	out := &downstream.Schedule{
		TimeZone: s.engine.Roster.TimeZone(t), Mode: text(o.Spec.Mode, rollcallv1.ScheduleModeWeekly), Weekly: []downstream.Hours{}, Exceptions: []downstream.Exception{},
	}
	if o.Spec.TimeZone != nil {
		out.TimeZone = *o.Spec.TimeZone
	}
	for _, w := range o.Spec.Weekly {
		for _, day := range w.Days {
			out.Weekly = append(out.Weekly, downstream.Hours{Day: string(day), Open: w.Open, Close: w.Close})
		}
	}
	slices.SortFunc(out.Weekly, func(a, b downstream.Hours) int {
		return strings.Compare(weekday(a.Day)+a.Open+a.Close, weekday(b.Day)+b.Open+b.Close)
	})
	for _, x := range o.Spec.Exceptions {
		e := downstream.Exception{Date: x.Date, Spans: []downstream.Span{}}
		if x.Closed == nil || !*x.Closed {
			for _, h := range x.Hours {
				e.Spans = append(e.Spans, downstream.Span{Open: h.Open, Close: h.Close})
			}
		}
		out.Exceptions = append(out.Exceptions, e)
	}
	slices.SortFunc(out.Exceptions, func(a, b downstream.Exception) int { return strings.Compare(a.Date, b.Date) })
	return out
}

// weekday puts Monday first.
func weekday(day string) string {
	return string(rune('0' + slices.Index([]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}, day)))
}

func (s *Set) mentionFacts(t *incr.Task, name string) facts {
	c := s.mention(t, name)
	if c == nil {
		return facts{}
	}
	f := facts{key: name, hash: hashOf(name, c)}
	for _, a := range c.Alerts {
		f.active = f.active || a.State == string(rollcallv1.AlertStatePending)
	}
	if c.Phase == string(rollcallv1.MentionPhaseNotified) { // it informs, for as long as it is there
		f.active = true
	}
	if !f.active {
		f.cause = downstream.Settled
	}
	return f
}

func (s *Set) mention(t *incr.Task, name string) *downstream.Mention {
	o := s.engine.Roster.Mention(t, name)
	state := s.engine.Mentions.State(t, name)
	if o == nil || state == nil {
		return nil
	}
	accepted := state.AcceptedAt.UTC()
	out := &downstream.Mention{
		Phase: string(state.Phase), Message: o.Spec.Message, Alerts: []downstream.Alert{}, AcceptedAt: &accepted,
		ExpiresAt: state.ExpiresAt, ResolvedAt: state.ResolvedAt,
	}
	if c := o.Spec.Conversation; c != nil {
		out.Conversation, out.Practice, out.ConversationStatus = c.ExternalID, value(c.PracticeName), string(rollcallv1.ConversationStatusPending)
		if c.ProfileRef != nil {
			out.Profile = c.ProfileRef.Name
		}
		if state.Closed {
			out.ConversationStatus = string(rollcallv1.ConversationStatusClosed)
		}
	}
	for _, g := range o.Spec.Groups {
		out.Groups = append(out.Groups, g.Name)
	}
	if src := o.Spec.Source; src != nil && src.TeammateRef != nil {
		out.Author = s.keys.Get(t, src.TeammateRef.Name)
	}
	if state.ResolvedBy != "" {
		out.ResolvedBy = s.keys.Get(t, state.ResolvedBy)
	}
	for i := range state.Alerts {
		a := &state.Alerts[i]
		key := s.keys.Get(t, a.Name)
		if key == "" {
			continue
		}
		alert := downstream.Alert{Key: key, State: string(a.State), Via: a.Via, Direct: a.Direct, Notify: s.notify(t, a.Name, a.Via)}
		if out.Conversation != "" && a.State == rollcallv1.AlertStatePending {
			alert.Permissions = s.engine.Access.Conversation(t, a.Name)
		}
		out.Alerts = append(out.Alerts, alert)
	}
	slices.SortFunc(out.Alerts, func(a, b downstream.Alert) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// notify is how the groups through which an alert came want this member told.
func (s *Set) notify(t *incr.Task, teammate string, via []string) []string {
	var out []string
	for _, name := range via {
		g := s.engine.Roster.UserGroup(t, name)
		if g == nil {
			continue
		}
		for _, m := range g.Spec.Members {
			if m.Name == teammate {
				for _, n := range m.Notify {
					out = append(out, string(n))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
