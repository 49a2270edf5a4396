package command

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
)

type gateJSON struct {
	Open   bool   `json:"open"`
	Reason string `json:"reason,omitempty"`
}

type grantSourceJSON struct {
	sourceJSON
	Stamped bool `json:"stamped,omitempty"`
}

type profileAccess struct {
	Name              string                       `json:"name"`
	Permissions       []string                     `json:"permissions,omitempty"`
	ApprovalRequired  []string                     `json:"approvalRequired,omitempty"`
	ContentVisibility rollcallv1.ContentVisibility `json:"contentVisibility,omitempty"`
	Sources           []grantSourceJSON            `json:"sources,omitempty"`
}

// mentionAccess is one conversation that a mention opens.
type mentionAccess struct {
	Mention        string       `json:"mention"`
	ConversationID string       `json:"conversationID"`
	Permissions    []string     `json:"permissions,omitempty"`
	Until          *metav1.Time `json:"until,omitempty"`
}

type accessAnswer struct {
	Teammate           string                         `json:"teammate"`
	Phase              rollcallv1.Phase               `json:"phase"`
	Gate               gateJSON                       `json:"gate"`
	AccountRole        string                         `json:"accountRole,omitempty"`
	AccountPermissions []string                       `json:"accountPermissions,omitempty"`
	Profiles           []profileAccess                `json:"profiles,omitempty"`
	Mentions           []mentionAccess                `json:"mentions,omitempty"`
	Groups             []string                       `json:"groups,omitempty"`
	Leader             string                         `json:"leader,omitempty"`
	TeamPath           []string                       `json:"teamPath,omitempty"`
	DataScope          *rollcallv1.EffectiveDataScope `json:"dataScope,omitempty"`
	Voice              *rollcallv1.EffectiveVoice     `json:"voice,omitempty"`
	Chat               *rollcallv1.EffectiveChat      `json:"chat,omitempty"`
	NextTransition     *metav1.Time                   `json:"nextTransition,omitempty"`
	Hash               string                         `json:"hash"`
}

func (p *plugin) access() *cobra.Command {
	return p.reading(&cobra.Command{
		Use:   "access TEAMMATE",
		Short: "Everything they may do, complete",
		Args:  between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			name, err := org.teammate(args[0])
			if err != nil {
				return err
			}
			answer := org.accessOf(name)
			return p.show(answer, func(t *table) { answer.table(t, org) })
		},
	})
}

func (o *organization) accessOf(name string) *accessAnswer {
	res := o.Access.Of(name)
	out := &accessAnswer{Teammate: name, Phase: res.State.Phase, Gate: gateJSON{res.State.Open, res.State.GateReason},
		AccountRole: res.AccountRole, AccountPermissions: res.AccountPermissions, Groups: res.Groups, Leader: res.Leader,
		TeamPath: o.teamPath(name), DataScope: res.DataScope, Voice: res.Voice, Chat: res.Chat, Hash: res.Hash}
	named := map[string]bool{}
	for _, g := range res.Grants {
		for _, profile := range g.Profiles {
			named[profile] = true
			out.Profiles = append(out.Profiles, profileOf(profile, g))
		}
	}
	for _, g := range res.Grants {
		if !g.All {
			continue
		}
		for _, profile := range o.Roster.UsableProfiles(o.peek()) {
			if !named[profile] {
				out.Profiles = append(out.Profiles, profileOf(profile, g))
			}
		}
	}
	slices.SortFunc(out.Profiles, func(a, b profileAccess) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range o.Mentions.Grants(nil, name) {
		m := mentionAccess{Mention: g.Mention, ConversationID: g.ConversationID, Permissions: g.Permissions}
		if g.Until != nil {
			m.Until = new(metav1.NewTime(*g.Until))
		}
		out.Mentions = append(out.Mentions, m)
	}
	if at, ok := o.Access.NextTransition(name); ok {
		out.NextTransition = new(metav1.NewTime(at.UTC()))
	}
	return out
}

func profileOf(name string, g access.Grant) profileAccess {
	out := profileAccess{Name: name, Permissions: g.Permissions, ApprovalRequired: g.ApprovalRequired, ContentVisibility: g.Visibility}
	for _, s := range g.Sources {
		out.Sources = append(out.Sources, grantSourceJSON{sourceJSON{s.Type, s.Name, s.ProfileRole}, s.Stamped})
	}
	return out
}

// teamPath are the team leaders upwards. A cycle of leaders ends it.
func (o *organization) teamPath(name string) []string {
	var out []string
	for leader := o.Roster.Leader(o.peek(), name).Name; leader != "" && leader != name && !slices.Contains(out, leader); {
		out = append(out, leader)
		leader = o.Roster.Leader(o.peek(), leader).Name
	}
	return out
}

func (a *accessAnswer) table(t *table, o *organization) {
	t.line("%s  %s, gate %s", a.Teammate, a.Phase, yesNo(a.Gate.Open, "open", "closed ("+a.Gate.Reason+")"))
	t.row("  account role", or(a.AccountRole, "-"))
	t.row("  groups", or(strings.Join(a.Groups, ", "), "-"))
	t.row("  team leaders", or(strings.Join(a.TeamPath, " > "), "-"))
	if a.Chat != nil {
		limit := strconv.Itoa(int(a.Chat.MaxChats))
		if a.Chat.MaxChats < 0 {
			limit = "unlimited"
		}
		t.row("  chats", limit+", automatic assignment "+string(a.Chat.AutoAssignment))
	}
	if v := a.Voice; v != nil {
		t.row("  voice", "outbound calls "+string(v.OutboundCalls)+", recordings "+string(v.RecordingAccess)+", caller ID "+or(v.CallerIDProfile, "none"))
	}
	if d := a.DataScope; d != nil {
		t.row("  whose data", scopeText(d))
	}
	if a.NextTransition != nil {
		t.row("  may change at", local(a.NextTransition.Time, o.zone))
	}
	t.row("  hash", a.Hash)
	t.list("  account permissions:", a.AccountPermissions)
	if len(a.Profiles) > 0 {
		t.line("")
		t.row("PROFILE", "PERMISSIONS", "NEEDS APPROVAL", "CONTENT", "FROM")
	}
	for _, p := range a.Profiles {
		var from []string
		for _, s := range p.Sources {
			from = append(from, s.short()+yesNo(s.Stamped, " (stamped)", ""))
		}
		t.row(p.Name, or(strings.Join(byModule(p.Permissions), " "), "-"), or(strings.Join(p.ApprovalRequired, ","), "-"), or(string(p.ContentVisibility), "-"), or(strings.Join(from, ", "), "-"))
	}
	if len(a.Mentions) > 0 {
		t.line("")
		t.row("MENTION", "CONVERSATION", "PERMISSIONS", "UNTIL")
	}
	for _, m := range a.Mentions {
		until := "resolved"
		if m.Until != nil {
			until = local(m.Until.Time, o.zone)
		}
		t.row(m.Mention, m.ConversationID, strings.Join(byModule(m.Permissions), " "), until)
	}
}

func scopeText(d *rollcallv1.EffectiveDataScope) string {
	var scopes []string
	for _, s := range d.Scopes {
		scopes = append(scopes, string(s))
	}
	for _, a := range d.Areas {
		var of []string
		for _, s := range a.Scopes {
			of = append(of, string(s))
		}
		scopes = append(scopes, string(a.Name)+": "+strings.Join(of, "+"))
	}
	return or(strings.Join(scopes, ", "), "-")
}

// short names where a grant comes from, in a cell of a table.
func (s sourceJSON) short() string {
	role := ":" + s.ProfileRole
	switch s.Type {
	case rollcallv1.GrantSourceTypeGroup:
		return "group " + s.Name + role
	case rollcallv1.GrantSourceTypePractice:
		return "practice " + s.Name + role
	case rollcallv1.GrantSourceTypeDirect:
		return "direct" + role
	}
	return "default" + role
}

// byModule folds sorted permissions into care.{reply,view}.
func byModule(permissions []string) []string {
	var out []string
	for i := 0; i < len(permissions); {
		module, _, _ := strings.Cut(permissions[i], ".")
		var verbs []string
		for ; i < len(permissions) && strings.HasPrefix(permissions[i], module+"."); i++ {
			verbs = append(verbs, permissions[i][len(module)+1:])
		}
		if len(verbs) == 1 {
			out = append(out, module+"."+verbs[0])
			continue
		}
		out = append(out, module+".{"+strings.Join(verbs, ",")+"}")
	}
	return out
}
