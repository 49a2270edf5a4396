package access

import (
	"cmp"
	"slices"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Settings are the voice settings of a teammate, groups over general ones in both directions.
type Settings struct {
	Outbound, ChangeCallerID, Recording rollcallv1.Switch
	CallerID                            string
	// Conflicts names the settings on which the teammate's groups disagree without a primary group deciding.
	Conflicts []string
}

func sameSettings(a, b Settings) bool {
	return a.Outbound == b.Outbound && a.ChangeCallerID == b.ChangeCallerID && a.Recording == b.Recording && a.CallerID == b.CallerID &&
		slices.Equal(a.Conflicts, b.Conflicts)
}

// groupVoice is what a group says about voice; toggles are Inherit where it says nothing.
type groupVoice struct {
	outbound, change, recording rollcallv1.Toggle
	callerID                    string
}

func (a *Access) groupVoice(t *incr.Task, group string) groupVoice {
	g := a.roster.UserGroup(t, group)
	if g == nil || g.Spec.Voice == nil {
		return groupVoice{}
	}
	v := groupVoice{outbound: g.Spec.Voice.OutboundCalls, change: g.Spec.Voice.AgentsCanChangeCallerID, recording: g.Spec.Voice.RecordingAccess}
	if ref := g.Spec.Voice.CallerIDProfileRef; ref != nil && a.callerID(t, ref.Name) {
		v.callerID = ref.Name
	}
	return v
}

// callerID reports whether a profile can be a caller ID: a usable one of type Phone.
func (a *Access) callerID(t *incr.Task, profile string) bool {
	return a.roster.Usable(t, profile) && a.roster.Profile(t, profile).Spec.Type == rollcallv1.ProfileTypePhone
}

// Settings returns the teammate's voice settings.
func (a *Access) Settings(t *incr.Task, teammate string) Settings { return a.settings.Get(t, teammate) }

// settingsOf resolves each setting in turn: the primary group's value, the common value, the policy, the general value.
func (a *Access) settingsOf(t *incr.Task, teammate string) Settings {
	general := a.roster.Voice(t)
	off := Settings{Outbound: rollcallv1.SwitchDisabled, ChangeCallerID: rollcallv1.SwitchDisabled, Recording: rollcallv1.SwitchDisabled}
	tm := a.roster.Teammate(t, teammate)
	if tm == nil || !general.ContactCenter {
		return off
	}
	var groups []groupVoice // sorted by the group's name
	var primary groupVoice
	for _, m := range a.roster.Memberships(t, teammate).Accepted {
		if !m.Enabled {
			continue
		}
		v := a.voices.Get(t, m.Group)
		groups = append(groups, v)
		if tm.Spec.PrimaryGroupRef != nil && tm.Spec.PrimaryGroupRef.Name == m.Group {
			primary = v
		}
	}
	var s Settings
	restrictive := *a.roster.Policies(t).GroupSettingConflict == rollcallv1.GroupSettingConflictMostRestrictive
	toggle := func(name string, of func(groupVoice) rollcallv1.Toggle, fallback rollcallv1.Switch) rollcallv1.Switch {
		if v := of(primary); explicit(v) {
			return rollcallv1.Switch(v)
		}
		var enabled, disabled bool
		for _, g := range groups {
			enabled = enabled || of(g) == rollcallv1.ToggleEnabled
			disabled = disabled || of(g) == rollcallv1.ToggleDisabled
		}
		switch {
		case enabled && disabled:
			s.Conflicts = append(s.Conflicts, name)
			if restrictive {
				return rollcallv1.SwitchDisabled
			}
			return rollcallv1.SwitchEnabled
		case enabled:
			return rollcallv1.SwitchEnabled
		case disabled:
			return rollcallv1.SwitchDisabled
		}
		return fallback
	}
	s.Outbound = toggle("outboundCalls", func(g groupVoice) rollcallv1.Toggle { return g.outbound }, general.Outbound)
	s.ChangeCallerID = toggle("agentsCanChangeCallerID", func(g groupVoice) rollcallv1.Toggle { return g.change }, general.ChangeCallerID)
	s.Recording = toggle("recordingAccess", func(g groupVoice) rollcallv1.Toggle { return g.recording }, general.Recording)
	s.CallerID = a.callerIDOf(t, primary, groups, general, &s)
	if s.Outbound == rollcallv1.SwitchDisabled {
		s.ChangeCallerID = rollcallv1.SwitchDisabled // nothing to change the caller ID of (V-11)
	}
	return s
}

func explicit(v rollcallv1.Toggle) bool {
	return v == rollcallv1.ToggleEnabled || v == rollcallv1.ToggleDisabled
}

// callerIDOf picks the caller ID; on a conflict, that of the group with the smallest name.
func (a *Access) callerIDOf(t *incr.Task, primary groupVoice, groups []groupVoice, general roster.VoiceDefaults, s *Settings) string {
	if primary.callerID != "" {
		return primary.callerID
	}
	first := ""
	for _, g := range groups {
		switch {
		case g.callerID == "":
		case first == "":
			first = g.callerID
		case g.callerID != first:
			s.Conflicts = append(s.Conflicts, "callerIDProfileRef")
			return first
		}
	}
	if first == "" && general.CallerID != "" && a.callerID(t, general.CallerID) {
		first = general.CallerID
	}
	return first
}

func (a *Access) voice(t *incr.Task, teammate string) *rollcallv1.EffectiveVoice {
	s := a.settings.Get(t, teammate)
	return &rollcallv1.EffectiveVoice{OutboundCalls: s.Outbound, CallerIDProfile: s.CallerID, AgentsCanChangeCallerID: s.ChangeCallerID, RecordingAccess: s.Recording}
}

// ChatLimit returns how many chats a teammate may have at once, -1 for no limit, and whether the limit asked for was
// out of range and cut.
func (a *Access) ChatLimit(t *incr.Task, tm *rollcallv1.Teammate) (limit int32, clamped bool) {
	p := a.roster.Policies(t).ChatLimit
	limit = *p.Default
	if tm.Spec.MaxChats != nil {
		limit = *tm.Spec.MaxChats
	}
	if limit == -1 && !*p.AllowUnlimited || limit > *p.Maximum {
		return *p.Maximum, true
	}
	return limit, false
}

// AutoAssigned reports whether chats are assigned to the teammate automatically, as far as the teammate's own setting
// goes (R-15 rule 9).
func AutoAssigned(tm *rollcallv1.Teammate) bool {
	return tm.Spec.AutoAssignment != rollcallv1.ToggleDisabled
}

func (a *Access) chat(t *incr.Task, tm *rollcallv1.Teammate) *rollcallv1.EffectiveChat {
	limit, _ := a.ChatLimit(t, tm)
	c := &rollcallv1.EffectiveChat{MaxChats: limit, AutoAssignment: rollcallv1.SwitchDisabled}
	if AutoAssigned(tm) && a.roster.AutoAssignment(t) {
		c.AutoAssignment = rollcallv1.SwitchEnabled
	}
	return c
}

// scopeOrder is the order in which scopes are written, narrowest first.
var scopeOrder = []rollcallv1.Scope{
	rollcallv1.ScopeNone, rollcallv1.ScopeSelf, rollcallv1.ScopeOwnTeam, rollcallv1.ScopeOwnHierarchy,
	rollcallv1.ScopeOwnDepartments, rollcallv1.ScopeManagedGroups, rollcallv1.ScopeOwnPractices, rollcallv1.ScopeCompany,
}

func orderedScopes(list []rollcallv1.Scope) []rollcallv1.Scope {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b rollcallv1.Scope) int {
		return cmp.Compare(slices.Index(scopeOrder, a), slices.Index(scopeOrder, b))
	})
	return slices.Compact(out)
}

// dataScope names the anchors of a teammate's data scope: the stored output lists no people, so that a colleague
// who joins a department does not rewrite it.
func (a *Access) dataScope(t *incr.Task, tm *rollcallv1.Teammate, role *roster.AccountRole, res *Result) *rollcallv1.EffectiveDataScope {
	r := a.roster
	d := &rollcallv1.EffectiveDataScope{Scopes: orderedScopes(role.Spec.DataScope.Default)}
	for _, area := range role.Spec.DataScope.Areas {
		d.Areas = append(d.Areas, rollcallv1.EffectiveDataScopeArea{Name: area.Name, Scopes: orderedScopes(area.Scopes)})
	}
	slices.SortFunc(d.Areas, func(x, y rollcallv1.EffectiveDataScopeArea) int { return cmp.Compare(x.Name, y.Name) })
	anchored := slices.Clone(d.Scopes)
	for _, area := range d.Areas {
		anchored = append(anchored, area.Scopes...) // an area may be narrower than the default by another scope
	}
	for _, s := range orderedScopes(anchored) {
		switch s {
		case rollcallv1.ScopeCompany:
			d.All = true
		case rollcallv1.ScopeOwnTeam:
			d.Leader = res.Leader
		case rollcallv1.ScopeOwnDepartments:
			for _, m := range r.Memberships(t, tm.Name).Accepted {
				if m.Enabled {
					d.Departments = append(d.Departments, r.DepartmentsOf(t, m.Group)...)
				}
			}
			slices.Sort(d.Departments)
			d.Departments = slices.Compact(d.Departments)
		case rollcallv1.ScopeManagedGroups:
			for _, s := range res.Supervises {
				switch {
				case s.Kind == roster.KindQueue:
					d.Queues = append(d.Queues, s.Name)
				case s.Kind == roster.KindCampaign:
					d.Campaigns = append(d.Campaigns, s.Name)
				case r.GroupFacts(t, s.Name).Enabled:
					d.Groups = append(d.Groups, s.Name)
				}
			}
		case rollcallv1.ScopeOwnPractices:
			d.Practices = a.ownPractices(t, tm)
		}
	}
	a.writer.Reset()
	writeDataScope(&a.writer, d)
	d.Hash = hashOf(&a.writer)
	return d
}

func (a *Access) ownPractices(t *incr.Task, tm *rollcallv1.Teammate) []string {
	if *a.roster.Policies(t).PracticeScoping != rollcallv1.SwitchEnabled {
		return nil
	}
	var out []string
	for _, e := range tm.Spec.Practices {
		if p, ok := a.roster.Practice(t, e.Name); ok && p.Enabled {
			out = append(out, e.Name)
		}
	}
	slices.Sort(out)
	return out
}
