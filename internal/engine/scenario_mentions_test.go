package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// helpdesk is a group of three who do not see the line, and max, who does and mentions them; eva sees it too.
const helpdesk = `
	Profile line
	Teammate ana {identity: {email: ana@fjordline.example, username: ana}}
	Teammate ben {identity: {email: ben@fjordline.example, username: ben}}
	Teammate cid {identity: {email: cid@fjordline.example, username: cid}}
	Teammate max {identity: {email: max@fjordline.example, username: max}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}
	Teammate eva {identity: {email: eva@fjordline.example, username: eva}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}
	UserGroup desk {members: [{name: ana}, {name: ben}, {name: cid}]}
`

// open is a mention of the desk by max, on a conversation of the line.
const open = `Mention m {conversation: {profileRef: {name: line}, externalID: conv-1}, groups: [{name: desk}], source: {type: Manual, username: max}}
`

const allOfIt = "conversation.reply conversation.resolve conversation.view"

// alerts is the phase of a mention, with the reason of one that is Rejected, and where each alert stands.
func (w *world) alerts(name string) string {
	s := w.Mention(name)
	out := string(s.Phase)
	for _, c := range s.Conditions {
		if c.Type == rollcallv1.ConditionDelivered && c.Status == metav1.ConditionFalse {
			out += "/" + c.Reason
		}
	}
	out += ":"
	for _, a := range s.Alerts {
		out += " " + a.Name + "/" + string(a.State)
	}
	return out
}

// refused are the targets that a mention did not reach.
func (w *world) refused(name string) string {
	var out []string
	for _, r := range w.Mention(name).Rejected {
		out = append(out, r.Name+"/"+r.Reason)
	}
	return strings.Join(out, " ")
}

// opened are the mention grants of somebody, as `access` shows them.
func (w *world) opened(teammate string) string {
	var out []string
	for _, g := range w.Mentions.Grants(nil, teammate) {
		text := fmt.Sprintf("%s %s: %s", g.Mention, g.ConversationID, strings.Join(g.Permissions, " "))
		if g.Until != nil {
			text += " until " + g.Until.Format("15:04:05")
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func (w *world) mentionOf(name string) *rollcallv1.Mention {
	w.t.Helper()
	m, ok := w.objects[lint.Object{Kind: roster.KindMention, Name: name}].(*rollcallv1.Mention)
	if !ok {
		w.t.Fatalf("there is no Mention %s", name)
	}
	return m.DeepCopy()
}

// resolve adds resolutions, each `name[=username] action`.
func (w *world) resolve(mention string, entries ...string) {
	w.t.Helper()
	m := w.mentionOf(mention)
	m.Generation++
	for _, e := range entries {
		who, action, _ := strings.Cut(e, " ")
		r := rollcallv1.Resolution{Name: who, Action: rollcallv1.ResolutionAction(action)}
		if name, user, ok := strings.Cut(who, "="); ok {
			r.Name, r.Username = name, &user
		}
		m.Spec.Resolutions = append(m.Spec.Resolutions, r)
	}
	w.put(m)
}

func TestScenariosOfMentions(t *testing.T) {
	playAll(t, map[string]scenario{
		"S-13 a disabled group cannot be mentioned": {
			given: helpdesk + `UserGroup silent {state: Disabled, members: [{name: eva}]}`,
			play: func(w *world) {
				w.apply(`Mention alone {conversation: {externalID: c}, groups: [{name: silent}], source: {type: Manual, username: max}}
					Mention both {conversation: {externalID: c}, groups: [{name: silent}, {name: desk}], source: {type: Manual, username: max}}`)
				w.want("of it alone", w.alerts("alone"), "Rejected/AllTargetsRejected:")
				w.want("why", w.refused("alone"), "silent/Disabled")
				w.want("of both", w.alerts("both"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("which not", w.refused("both"), "silent/Disabled")
				w.want("no grant of the rejected one", w.opened("eva"), "")
			},
		},
		"S-14 a mention opens one conversation and nothing else": {
			given: helpdesk,
			play: func(w *world) {
				hash := w.hash("ana")
				w.apply(open)
				w.want("writes", w.writes(), "0 access, 0 plans, 1 inputs, 0 ledger")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				for _, who := range []string{"ana", "ben", "cid"} {
					w.want(who, w.opened(who), "m conv-1: "+allOfIt)
					w.want("no profile of "+who, w.grants(who), "")
					w.want("the permission on the profile", w.verdict(who, "care.view", "line"), "NotVisible")
				}
				w.want("not the author", w.opened("max"), "")
				w.want("hash", w.hash("ana"), hash)
				s := w.Mention("m")
				w.want("conversationStatus", s.ConversationStatus, rollcallv1.ConversationStatusPending)
				w.want("counts", []int32{s.AlertCount, s.OpenCount}, []int32{3, 3})
				w.want("acceptedAt", s.AcceptedAt.UTC(), w.now)
				w.want("via", s.Alerts[0].Via, []string{"desk"})
				w.want("conditions", w.condition("Mention/m", "Ready")+" "+w.condition("Mention/m", "Delivered"), "True True")
			},
		},
		"S-15 one resolves for all": {
			given: helpdesk + open,
			play: func(w *world) {
				w.resolve("m", "ben=ben CloseAndResolve")
				w.want("writes", w.writes(), "0 access, 0 plans, 1 inputs, 0 ledger")
				w.want("alerts", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
				for _, who := range []string{"ana", "ben", "cid"} {
					w.want(who, w.opened(who), "")
				}
				s := w.Mention("m")
				w.want("conversationStatus", s.ConversationStatus, rollcallv1.ConversationStatusClosed)
				w.want("who and when", s.ResolvedBy+" "+s.ResolvedAt.UTC().Format(time.RFC3339), "ben "+w.now.Format(time.RFC3339))
			},
		},
		"S-15 without closing the conversation": {
			given: helpdesk + open,
			play: func(w *world) {
				w.resolve("m", "ben=ben Resolve")
				w.want("alerts", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
				w.want("conversationStatus", w.Mention("m").ConversationStatus, rollcallv1.ConversationStatusPending)
			},
		},
		"S-16 somebody leaves the group and comes back": {
			given: helpdesk + open,
			play: func(w *world) {
				w.apply("UserGroup desk {members: [{name: ana}, {name: cid}]}")
				w.want("left", w.alerts("m"), "Pending: ana/Pending ben/Suspended cid/Pending")
				w.want("grant of ben", w.opened("ben"), "")
				w.want("grant of ana", w.opened("ana"), "m conv-1: "+allOfIt)
				w.apply("UserGroup desk {members: [{name: ana}, {name: ben}, {name: cid}]}")
				w.want("back", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("grant again", w.opened("ben"), "m conv-1: "+allOfIt)
			},
		},
		"S-16 a membership that ends by itself": {
			given: helpdesk,
			play: func(w *world) {
				w.apply(`UserGroup desk {members: [{name: ana}, {name: ben, until: "2027-03-01T15:00:00Z"}]}` + "\n" + open)
				for _, tc := range []struct{ at, want string }{
					{"14:59:59", "Pending: ana/Pending ben/Pending"},
					{"15:00:00", "Pending: ana/Pending ben/Suspended"},
					{"15:00:01", "Pending: ana/Pending ben/Suspended"},
				} {
					w.at(tc.at)
					w.want(tc.at, w.alerts("m"), tc.want)
				}
			},
		},
		"S-17 who joins later gets nothing": {
			given: helpdesk + open,
			play: func(w *world) {
				w.apply("UserGroup desk {members: [{name: ana}, {name: ben}, {name: cid}, {name: eva}]}")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("grant", w.opened("eva"), "")
				w.want("statuses of mentions written", strings.Contains(w.inputs(), "Mention/"), false)
			},
		},
		"S-18 disabling the group leaves open alerts alone": {
			given: helpdesk + open,
			play: func(w *world) {
				w.apply("UserGroup desk {state: Disabled, members: [{name: ana}, {name: ben}, {name: cid}]}")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("grant", w.opened("ana"), "m conv-1: "+allOfIt)
				w.apply(strings.Replace(open, "Mention m", "Mention n", 1))
				w.want("a new one", w.alerts("n")+" "+w.refused("n"), "Rejected/AllTargetsRejected: desk/Disabled")
				w.resolve("m", "ana=ana Resolve")
				w.want("resolved", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
			},
		},
		"S-73 somebody is archived": {
			given: helpdesk + open,
			play: func(w *world) {
				w.apply("Teammate ben {identity: {email: ben@fjordline.example, username: ben}, lifecycle: {state: Archived}}")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Suspended cid/Pending")
				w.want("grant", w.opened("ben"), "")
				w.want("memberships stay", w.members("desk"), "ana ben cid")
				w.resolve("m", "ana=ana Resolve")
				w.want("others may resolve", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
			},
		},
		"S-84 denies reach into mentions": {
			given: helpdesk + `
				AccountRole quiet {permissions: [conversations.handle], denies: [conversation.reply]}
				AccountRole blind {permissions: [conversations.handle], denies: [conversation.view]}` + "\n" + open,
			play: func(w *world) {
				w.apply("Teammate ben {accountRoleRef: {name: quiet}}\nTeammate cid {accountRoleRef: {name: blind}}")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("without one", w.opened("ben"), "m conv-1: conversation.resolve conversation.view")
				w.want("without a view nothing is left", w.opened("cid"), "")
				w.apply("Organization default {denies: [conversation.resolve]}")
				w.want("by the organization", w.opened("ben")+", "+w.opened("ana"), "m conv-1: conversation.view, m conv-1: conversation.reply conversation.view")
			},
		},
		"S-84 owners are under no deny of the organization": {
			given: `Organization default {denies: ["conversation.*"]}
				Teammate boss {accountRoleRef: {name: owner}}
				Teammate ana
				Mention m {conversation: {externalID: c}, teammates: [{name: boss}, {name: ana}], source: {type: Flow}}`,
			play: func(w *world) {
				w.want("owner", w.opened("boss"), "m c: "+allOfIt)
				w.want("agent", w.opened("ana"), "")
			},
		},
		"S-93 without a conversation it informs": {
			given: helpdesk + `
				Teammate out {lifecycle: {state: Archived}}
				Mention m {message: The lift is broken, groups: [{name: desk}], teammates: [{name: eva}, {name: out}, {name: max}], source: {type: Manual, username: max}}`,
			play: func(w *world) {
				w.want("alerts", w.alerts("m"), "Notified: ana/Closed ben/Closed cid/Closed eva/Closed max/Closed")
				w.want("grants", w.opened("ana")+w.opened("eva"), "")
				s := w.Mention("m")
				w.want("direct", []bool{s.Alerts[0].Direct, s.Alerts[3].Direct}, []bool{false, true})
				w.want("open, conversationStatus", fmt.Sprint(s.OpenCount, s.ConversationStatus), "0")
			},
		},
		"S-109 on behalf of somebody": {
			given: helpdesk + strings.Replace(open, "username: max", "teammateRef: {name: eva}", 1),
			play: func(w *world) {
				w.want("accepted as eva's", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.apply("Teammate eva {profiles: []}")
				w.apply(strings.Replace(strings.Replace(open, "username: max", "teammateRef: {name: eva}", 1), "Mention m", "Mention n", 1))
				w.want("eva, not the writer, is checked", w.alerts("n"), "Rejected/AuthorNotAllowed:")
			},
		},
		"S-110 authors": {
			given: helpdesk + `
				AccountRole mute {permissions: [conversations.handle]}
				Teammate silent {identity: {email: silent@fjordline.example, username: silent}, accountRoleRef: {name: mute}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}
				Teammate blocked {identity: {email: blocked@fjordline.example, username: blocked}, profiles: [{name: line, profileRoleRef: {name: view-only}}],
					lifecycle: {state: Blocked, blockedFrom: "2027-03-01T11:00:00Z", blockedUntil: "2027-03-01T13:00:00Z"}}`,
			play: func(w *world) {
				for name, author := range map[string]string{"a": "blocked", "b": "silent", "c": "ana", "d": "nobody"} {
					w.apply(strings.NewReplacer("Mention m", "Mention "+name, "username: max", "username: "+author).Replace(open))
					w.want(author, w.alerts(name), "Rejected/AuthorNotAllowed:")
				}
				w.apply("Teammate max {identity: {email: max@fjordline.example, username: max}, assignAllProfiles: true, defaultProfileRoleRef: {name: view-only}}")
				w.apply(strings.NewReplacer("Mention m", "Mention g", "name: line", "name: gone").Replace(open))
				w.want("a profile that does not exist, by somebody who sees all", w.alerts("g"), "Rejected/AuthorNotAllowed:")
				w.apply(strings.NewReplacer("Mention m", "Mention h").Replace(open))
				w.want("and one that does", w.alerts("h"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.apply(`Mention e {conversation: {externalID: conv-1}, groups: [{name: desk}], source: {type: Manual, username: ana}}`)
				w.want("without a profile no view is needed", w.alerts("e"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.apply(`Mention f {conversation: {externalID: conv-1}, groups: [{name: desk}]}`)
				w.want("nobody named", w.alerts("f"), "Rejected/AuthorNotAllowed:")
				w.apply(open + `Teammate max {identity: {email: max@fjordline.example, username: max}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}`)
				w.apply(`Teammate max {identity: {email: max@fjordline.example, username: max}, lifecycle: {state: Archived}}`)
				w.want("what becomes of the author later changes nothing", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.at("13:00:00")
				w.want("decided once", w.alerts("a"), "Rejected/AuthorNotAllowed:")
			},
		},
		"S-111 whose resolutions count": {
			given: "Organization default {policies: {mentions: {resolution: Individual}}}\n" + helpdesk + open,
			play: func(w *world) {
				w.resolve("m", "max=max Resolve", "ana=max Resolve")
				w.want("somebody without an alert, and another one's name", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				m := w.mentionOf("m")
				m.Spec.Resolutions = nil
				w.put(m)
				w.resolve("m", "ana=ana Resolve")
				w.want("ana's own", w.alerts("m"), "Pending: ana/Resolved ben/Pending cid/Pending")
				w.resolve("m", "ben Resolve")
				w.want("a desk for ben", w.alerts("m"), "Pending: ana/Resolved ben/Resolved cid/Pending")
				m = w.mentionOf("m")
				m.Spec.Resolutions = nil
				w.put(m)
				w.want("removing entries reopens nothing", w.alerts("m"), "Pending: ana/Resolved ben/Resolved cid/Pending")
			},
		},
		"S-111 an entry of somebody suspended waits for them": {
			given: "Organization default {policies: {mentions: {resolution: Individual}}}\n" + helpdesk + open,
			play: func(w *world) {
				w.apply("UserGroup desk {members: [{name: ana}, {name: cid}]}")
				w.resolve("m", "ben=ben Resolve")
				w.want("while suspended", w.alerts("m"), "Pending: ana/Pending ben/Suspended cid/Pending")
				w.apply("UserGroup desk {members: [{name: ana}, {name: ben}, {name: cid}]}")
				w.want("back", w.alerts("m"), "Pending: ana/Pending ben/Resolved cid/Pending")
			},
		},
		"S-112 groups that share people": {
			given: shared,
			play: func(w *world) {
				w.resolve("m", "ana Resolve")
				w.want("ana", w.alerts("m"), "Pending: ana/Resolved ben/Resolved cid/Pending dan/Resolved eva/Pending")
				w.resolve("m", "cid Resolve")
				w.want("cid", w.alerts("m"), "Pending: ana/Resolved ben/Resolved cid/Resolved dan/Resolved eva/Pending")
				w.resolve("m", "eva Resolve")
				w.want("eva", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved dan/Resolved eva/Resolved")
				w.want("by", w.Mention("m").ResolvedBy, "eva")
			},
		},
		"S-112 each for themselves": {
			given: "Organization default {policies: {mentions: {resolution: Individual}}}\n" + shared,
			play: func(w *world) {
				w.resolve("m", "ana Resolve")
				w.want("ana", w.alerts("m"), "Pending: ana/Resolved ben/Pending cid/Pending dan/Pending eva/Pending")
				w.resolve("m", "cid Resolve", "eva Resolve")
				w.want("cid and eva", w.alerts("m"), "Pending: ana/Resolved ben/Pending cid/Resolved dan/Pending eva/Resolved")
			},
		},
		"S-113 two mentions on one conversation": {
			given: helpdesk + open + strings.Replace(open, "Mention m", "Mention n", 1) + strings.NewReplacer("Mention m", "Mention other", "conv-1", "conv-2").Replace(open),
			play: func(w *world) {
				w.want("all", w.opened("ana"), "m conv-1: "+allOfIt+"; n conv-1: "+allOfIt+"; other conv-2: "+allOfIt)
				for _, name := range w.Mentions.Of(nil, "ana") { // what `resolve --conversation` does
					if w.mentionOf(name).Spec.Conversation.ExternalID == "conv-1" {
						w.resolve(name, "ana=ana Resolve")
					}
				}
				w.want("the third", w.opened("ana"), "other conv-2: "+allOfIt)
			},
		},
		"S-114 both are blocked": {
			given: `
				Teammate ana
				Teammate ben
				UserGroup desk {members: [{name: ana}, {name: ben}]}
				Mention m {conversation: {externalID: conv-1}, groups: [{name: desk}], source: {type: Flow}}`,
			play: func(w *world) {
				blocked := `{lifecycle: {state: Blocked, blockedFrom: "2027-03-01T12:00:00Z", blockedUntil: "2027-03-01T13:00:00Z"}}`
				w.apply("Teammate ana " + blocked)
				w.want("one", w.alerts("m")+", "+w.opened("ana"), "Pending: ana/Suspended ben/Pending, ")
				w.apply("Teammate ben " + blocked)
				w.want("both", w.alerts("m"), "Pending/NoActiveRecipients: ana/Suspended ben/Suspended")
				w.at("12:59:59")
				w.want("to the last second", w.alerts("m"), "Pending/NoActiveRecipients: ana/Suspended ben/Suspended")
				next, _ := w.NextTransition()
				w.want("next transition", next.Format("15:04:05"), "13:00:00")
				w.at("13:00:00")
				w.want("after the hour", w.alerts("m")+", "+w.opened("ana"), "Pending: ana/Pending ben/Pending, m conv-1: "+allOfIt)
			},
		},
		"S-146 while suspended, mentions are computed": {
			given: "Organization default {suspend: true}\n" + helpdesk,
			play: func(w *world) {
				w.apply(open)
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
			},
		},
	})
}

// shared is a mention of two groups with a member in common, and of eva by name.
const shared = `
	Teammate ana
	Teammate ben
	Teammate cid
	Teammate dan
	Teammate eva
	UserGroup g1 {members: [{name: ana}, {name: ben}, {name: dan}]}
	UserGroup g2 {members: [{name: cid}, {name: dan}]}
	Mention m {conversation: {externalID: c}, groups: [{name: g1}, {name: g2}], teammates: [{name: eva}], source: {type: Flow}}
`

// in asks for practices in which people and groups work.
const inPractices = `
	Organization default {policies: {practiceScoping: Enabled}, practices: [{name: north}, {name: south}, {name: closed, state: Disabled}]}
	Teammate nora {practices: [{name: north}]}
	Teammate sven {practices: [{name: south}]}
	UserGroup here {scope: Practice, practices: [{name: north}], members: [{name: nora}]}
	UserGroup shut {scope: Practice, practices: [{name: closed}], members: [{name: nora}]}
	UserGroup chain {scope: Enterprise, practices: [{name: north}], members: [{name: nora}, {name: sven}]}
	UserGroup all {scope: Organization, members: [{name: nora}, {name: sven}]}
`

func TestMentionsR11(t *testing.T) {
	playAll(t, map[string]scenario{
		"practices of the conversation": {
			given: inPractices,
			play: func(w *world) {
				targets := "groups: [{name: here}, {name: shut}, {name: chain}, {name: all}, {name: gone}], teammates: [{name: nora}, {name: sven}, {name: ghost}], source: {type: Flow}"
				for _, tc := range []struct{ practice, wantRefused string }{
					{"practiceName: north, ", "ghost/UnresolvedReference gone/UnresolvedReference shut/NoPractice sven/NotInPractice"},
					{"practiceName: south, ", "chain/NoPractice ghost/UnresolvedReference gone/UnresolvedReference here/NoPractice nora/NotInPractice shut/NoPractice"},
					{"", "ghost/UnresolvedReference gone/UnresolvedReference here/NoPractice shut/NoPractice"},
				} {
					w.apply("Mention m {conversation: {" + tc.practice + "externalID: c}, " + targets + "}")
					w.want(tc.practice, w.refused("m"), tc.wantRefused)
					w.remove("Mention/m")
				}
				w.apply("Mention m {message: hello, " + targets + "}")
				w.want("a notification asks for no practice", w.refused("m"), "ghost/UnresolvedReference gone/UnresolvedReference shut/NoPractice")
			},
		},
		"other reasons of groups": {
			given: `
				Organization default {policies: {groupNameUniqueness: Organization}}
				Teammate ana
				UserGroup muted {mention: {state: Disabled}, members: [{name: ana}]}
				UserGroup odd {displayName: "#!", members: [{name: ana}]}
				UserGroup a {handle: twin, members: [{name: ana}]}
				UserGroup b {handle: Twin, members: [{name: ana}]}
				UserGroup empty {}
				Mention m {conversation: {externalID: c}, groups: [{name: muted}, {name: odd}, {name: b}], source: {type: Flow}}
				Mention n {conversation: {externalID: c}, groups: [{name: empty}, {name: muted}], source: {type: Flow}}`,
			play: func(w *world) {
				w.want("all of them", w.alerts("m")+" "+w.refused("m"), "Rejected/AllTargetsRejected: b/DuplicateHandle muted/MentionOff odd/InvalidHandle")
				w.want("a group of nobody is a target", w.alerts("n")+" "+w.refused("n"), "Rejected/NoRecipients: muted/MentionOff")
			},
		},
		"a deleted group": {
			given: shared,
			play: func(w *world) {
				w.remove("UserGroup/g1")
				w.want("who has another way", w.alerts("m"), "Pending: ana/Closed ben/Closed cid/Pending dan/Pending eva/Pending")
				w.want("via", w.Mention("m").Alerts[3].Via, []string{"g2"})
				w.apply("UserGroup g1 {members: [{name: ana}, {name: ben}, {name: dan}]}")
				w.want("another group of that name", w.alerts("m"), "Pending: ana/Closed ben/Closed cid/Pending dan/Pending eva/Pending")
				w.remove("UserGroup/g2")
				w.want("the other one too", w.alerts("m"), "Pending: ana/Closed ben/Closed cid/Closed dan/Closed eva/Pending")
			},
		},
		"all groups deleted": {
			given: helpdesk + open,
			play: func(w *world) {
				w.remove("UserGroup/desk")
				w.want("nobody is left to resolve", w.alerts("m"), "Resolved: ana/Closed ben/Closed cid/Closed")
				w.want("nobody did", w.Mention("m").ResolvedBy, "")
			},
		},
		"a deleted person": {
			given: helpdesk + open,
			play: func(w *world) {
				w.remove("Teammate/ben")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Suspended cid/Pending")
			},
		},
		"expiry": {
			given: helpdesk + strings.Replace(open, "Mention m {", "Mention m {ttl: 1h, ", 1),
			play: func(w *world) {
				w.want("expiresAt", transition(w.Mention("m").ExpiresAt), "2027-03-01T13:00:00Z")
				w.want("until", w.opened("ana"), "m conv-1: "+allOfIt+" until 13:00:00")
				next, _ := w.NextTransition()
				w.want("next transition", next.Format("15:04:05"), "13:00:00")
				w.at("12:59:59")
				w.want("a second before", w.alerts("m")+", "+w.opened("ana"), "Pending: ana/Pending ben/Pending cid/Pending, m conv-1: "+allOfIt+" until 13:00:00")
				w.at("13:00:00")
				w.want("writes", w.writes(), "0 access, 0 plans, 1 inputs, 0 ledger")
				w.want("then", w.alerts("m")+", "+w.opened("ana"), "Expired: ana/Closed ben/Closed cid/Closed, ")
				w.at("13:00:01")
				w.want("after", w.alerts("m")+", "+w.opened("ana"), "Expired: ana/Closed ben/Closed cid/Closed, ")
				w.resolve("m", "ana=ana CloseAndResolve")
				w.want("too late to resolve", w.alerts("m")+" "+string(w.Mention("m").ConversationStatus), "Expired: ana/Closed ben/Closed cid/Closed Pending")
			},
		},
		"the longest access": {
			given: "Organization default {policies: {mentions: {maxAccessDuration: 30m}}}\n" + helpdesk + open + strings.Replace(open, "Mention m {", "Mention brief {ttl: 10m, ", 1),
			play: func(w *world) {
				w.want("no ttl", transition(w.Mention("m").ExpiresAt), "2027-03-01T12:30:00Z")
				w.want("a shorter ttl", transition(w.Mention("brief").ExpiresAt), "2027-03-01T12:10:00Z")
				w.apply("Organization default {policies: {mentions: {maxAccessDuration: 5m}}}")
				w.want("a policy acts on what is open", transition(w.Mention("m").ExpiresAt)+" "+transition(w.Mention("brief").ExpiresAt), "2027-03-01T12:05:00Z 2027-03-01T12:05:00Z")
				w.at("12:05:00")
				w.apply("Organization default {}")
				w.want("and not on what is over", w.alerts("m")+" "+transition(w.Mention("m").ExpiresAt), "Expired: ana/Closed ben/Closed cid/Closed 2027-03-01T12:05:00Z")
			},
		},
		"neither ttl nor cap": {
			given: helpdesk + open,
			play: func(w *world) {
				w.want("never", transition(w.Mention("m").ExpiresAt), "")
				_, ever := w.NextTransition()
				w.want("no transition", ever, false)
			},
		},
		"deletion of what is over": {
			given: "Organization default {mentionRetention: 2h}\n" + helpdesk + open + strings.Replace(open, "Mention m {", "Mention brief {ttl: 1h, ", 1) +
				strings.NewReplacer("Mention m {", "Mention no {", "username: max", "username: nobody").Replace(open),
			play: func(w *world) {
				w.at("12:30")
				w.resolve("m", "ana=ana Resolve")
				spent := func() (out []string) {
					for _, name := range []string{"brief", "m", "no"} {
						if w.Mentions.Spent(nil, name) {
							out = append(out, name)
						}
					}
					return out
				}
				for _, tc := range []struct {
					at      string
					touched string
					want    []string
				}{
					{"13:59:59", "Mention/brief", nil}, // expired meanwhile
					{"14:00:00", "Mention/no", []string{"no"}},
					{"14:29:59", "", []string{"no"}},
					{"14:30:00", "Mention/m", []string{"m", "no"}},
					{"14:59:59", "", []string{"m", "no"}},
					{"15:00:00", "Mention/brief", []string{"brief", "m", "no"}},
				} {
					w.at(tc.at)
					w.want(tc.at, spent(), tc.want)
					w.want("touched at "+tc.at, w.inputs(), tc.touched)
				}
			},
		},
		"more people than a mention may reach": {
			given: "",
			play: func(w *world) {
				var people []metav1.Object
				for i := range 1001 {
					people = append(people, builder.Teammate(fmt.Sprintf("t%d", i), builder.Joins("crowd")))
				}
				w.put(people...)
				w.apply("UserGroup crowd {}\nMention m {conversation: {externalID: c}, groups: [{name: crowd}], source: {type: Flow}}")
				w.want("1,001", w.alerts("m"), "Rejected/TooManyRecipients:")
				w.remove("Teammate/t0")
				w.apply("Mention n {conversation: {externalID: c}, groups: [{name: crowd}], source: {type: Flow}}")
				w.want("1,000", len(w.Mention("n").Alerts), 1000)
			},
		},
		"many groups": {
			given: `
				Teammate ana
				UserGroup a {members: [{name: ana}]}
				UserGroup b {members: [{name: ana}]}
				UserGroup c {members: [{name: ana}]}
				UserGroup d {members: [{name: ana}]}
				UserGroup e {members: [{name: ana}]}
				UserGroup f {members: [{name: ana}]}
				Mention m {conversation: {externalID: c}, groups: [{name: f}, {name: e}, {name: d}, {name: c}, {name: b}, {name: a}], source: {type: Flow}}`,
			play: func(w *world) {
				w.want("five of them", w.Mention("m").Alerts[0].Via, []string{"a", "b", "c", "d", "e"})
			},
		},
		"P-16 many people with long names in many groups": {
			given: "",
			play: func(w *world) {
				long := strings.Repeat("x", 60)
				var objects []metav1.Object
				var targets []string
				for i := range 6 {
					name := fmt.Sprintf("g%02d%s", i, long)
					objects, targets = append(objects, builder.UserGroup(name)), append(targets, "{name: "+name+"}")
				}
				for i := range 1000 {
					tm := builder.Teammate(fmt.Sprintf("%03d%s", i, long))
					for g := range 6 {
						builder.Joins(fmt.Sprintf("g%02d%s", g, long))(tm)
					}
					objects = append(objects, tm)
				}
				w.put(objects...)
				w.apply("Mention m {conversation: {externalID: c}, groups: [" + strings.Join(targets, ", ") + "], source: {type: Flow}}")
				m := w.mentionOf("m")
				m.Status = w.Mention("m")
				w.want("alerts", len(m.Status.Alerts), 1000)
				if size := sizeOf(m); size >= 256*1024 || len(m.Status.Alerts[0].Via) == 0 {
					w.t.Errorf("a Mention of %d bytes, via %d groups", size, len(m.Status.Alerts[0].Via))
				}
			},
		},
		"two resolve at once": {
			given: "Organization default {policies: {mentions: {resolution: Individual}}}\n" + shared,
			play: func(w *world) {
				w.resolve("m", "dan Resolve", "cid CloseAndResolve", "ben Resolve", "eva Resolve", "ana Resolve")
				w.want("by the first name", w.alerts("m")+" "+w.Mention("m").ResolvedBy, "Resolved: ana/Resolved ben/Resolved cid/Resolved dan/Resolved eva/Resolved ana")
				w.want("one closed it", w.Mention("m").ConversationStatus, rollcallv1.ConversationStatusClosed)
			},
		},
		"somebody resolves and is blocked in one change": {
			given: helpdesk + open,
			play: func(w *world) {
				m := w.mentionOf("m")
				m.Spec.Resolutions = []rollcallv1.Resolution{{Name: "ana", Username: new("ana"), Action: rollcallv1.ResolutionActionResolve}}
				ana := w.objects[lint.Object{Kind: roster.KindTeammate, Name: "ana"}].(*rollcallv1.Teammate).DeepCopy()
				ana.Spec.Lifecycle.State = rollcallv1.LifecycleStateArchived
				w.put(m, ana)
				w.want("it counts", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
			},
		},
	})
}

func TestStateOfMentions(t *testing.T) {
	playAll(t, map[string]scenario{
		"a restart remembers": {
			given: helpdesk + open + strings.NewReplacer("Mention m {", "Mention no {", "username: max", "username: nobody").Replace(open),
			play: func(w *world) {
				w.resolve("m", "max=max Resolve")
				w.apply("UserGroup desk {members: [{name: ana}, {name: cid}, {name: eva}]}")
				before := maps.Clone(w.statuses)
				w.at("12:30")
				w.restart(w.ledger, true)
				w.want("statuses", w.statuses, before)
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Suspended cid/Pending")
				w.want("grants", w.opened("ana"), "m conv-1: "+allOfIt)
				w.want("the reason of a rejection", w.alerts("no"), "Rejected/AuthorNotAllowed:")
				w.want("how many are open", w.Mentions.Open(), 1)
			},
		},
		"a restart remembers what is over": {
			given: helpdesk + open + strings.Replace(open, "Mention m {", "Mention brief {ttl: 1h, ", 1),
			play: func(w *world) {
				w.resolve("m", "ana=ana CloseAndResolve")
				w.at("13:30")
				before := maps.Clone(w.statuses)
				w.restart(w.ledger, true)
				w.want("statuses", w.statuses, before)
				w.want("open", w.Mentions.Open(), 0)
			},
		},
		"expired while nobody looked": {
			given: helpdesk + strings.Replace(open, "Mention m {", "Mention m {ttl: 1h, ", 1),
			play: func(w *world) {
				w.now = w.instant("15:00")
				w.restart(w.ledger, true)
				w.want("alerts", w.alerts("m"), "Expired: ana/Closed ben/Closed cid/Closed")
				w.want("at its time", transition(w.Mention("m").ExpiresAt), "2027-03-01T13:00:00Z")
			},
		},
		"a lost status is accepted anew, then resolutions apply": {
			given: helpdesk + open,
			play: func(w *world) {
				w.apply("UserGroup desk {members: [{name: ana}, {name: eva}]}")
				w.at("12:30")
				clear(w.statuses)
				w.restart(w.ledger, true)
				w.want("as of now", w.alerts("m")+" "+transition(w.Mention("m").AcceptedAt), "Pending: ana/Pending eva/Pending 2027-03-01T12:30:00Z")
				w.resolve("m", "eva=eva Resolve")
				clear(w.statuses)
				w.restart(w.ledger, true)
				w.want("resolutions again", w.alerts("m"), "Resolved: ana/Resolved eva/Resolved")
			},
		},
		"a status that comes with an object is not believed": {
			given: helpdesk,
			play: func(w *world) {
				w.apply(open)
				m := w.mentionOf("m")
				m.Status = rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhasePending, AcceptedAt: new(metav1.NewTime(w.now)),
					Alerts: []rollcallv1.MentionAlert{{Name: "eva", Direct: true, State: rollcallv1.AlertStatePending}}}
				w.put(m)
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.want("grant", w.opened("eva"), "")
			},
		},
		"another object of the same name": {
			given: helpdesk,
			play: func(w *world) {
				w.apply(open)
				w.resolve("m", "ana=ana Resolve")
				m := w.mentionOf("m")
				m.UID = "first"
				w.put(m)
				w.want("the same one", w.alerts("m"), "Resolved: ana/Resolved ben/Resolved cid/Resolved")
				m = m.DeepCopy()
				m.UID, m.Spec.Resolutions = "second", nil
				w.put(m)
				w.want("another one", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				m = m.DeepCopy()
				m.UID = "third"
				w.put(m)
				w.apply("UserGroup desk {members: [{name: eva}]}")
				w.want("of which the same follows", w.alerts("m"), "Pending/NoActiveRecipients: ana/Suspended ben/Suspended cid/Suspended")
				w.remove("Mention/m")
				w.want("gone", w.opened("ana"), "")
				w.want("nothing is open", w.Mentions.Open(), 0)
				w.want("nobody is alerted", w.Mentions.Of(nil, "ana"), []string(nil))
			},
		},
		"a mention that is gone after a restart": {
			given: helpdesk + open,
			play: func(w *world) {
				statuses := maps.Clone(w.statuses)
				w.remove("Mention/m")
				w.restart(w.ledger, true)
				w.statuses = statuses
				w.want("open", w.Mentions.Open(), 0)
				w.apply(open)
				w.want("a new one", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
			},
		},
		"losing the Ledger says nothing about mentions": {
			given: helpdesk + open,
			play: func(w *world) {
				before := w.alerts("m")
				w.lose()
				w.want("alerts", w.alerts("m"), before)
			},
		},
		"without an Organization nothing moves": {
			given: helpdesk + strings.Replace(open, "Mention m {", "Mention m {ttl: 1h, ", 1),
			play: func(w *world) {
				organization := w.objects[lint.Object{Kind: roster.KindOrganization, Name: rollcallv1.OrganizationName}]
				w.remove("Organization/default")
				w.at("14:00")
				w.want("alerts", w.alerts("m"), "Pending: ana/Pending ben/Pending cid/Pending")
				w.put(organization)
				w.want("then", w.alerts("m"), "Expired: ana/Closed ben/Closed cid/Closed")
			},
		},
	})
}

// TestMentionsCost is R-21: a membership is looked at by the mentions of that person and by no other.
func TestMentionsCost(t *testing.T) {
	w := found(t, helpdesk+"Teammate far\nTeammate near\nUserGroup other {members: [{name: far}]}\n")
	for i := range 50 {
		w.apply(strings.NewReplacer("Mention m ", fmt.Sprintf("Mention m%02d ", i), "name: desk", "name: other").Replace(open))
	}
	w.apply(open)
	w.apply("UserGroup desk {members: [{name: ana}, {name: ben}]}")
	w.want("touched", slices.DeleteFunc(strings.Fields(w.inputs()), func(s string) bool { return !strings.HasPrefix(s, "Mention/") }), []string{"Mention/m"})
	before := w.Roster.Graph.Recomputed()
	w.apply("UserGroup desk {members: [{name: ana}, {name: ben}, {name: near}]}")
	few := w.Roster.Graph.Recomputed() - before
	if few > 50 {
		t.Errorf("somebody who joins another group computes %d values, expected none of the 50 mentions", few)
	}
	w.want("touched by somebody who joins", w.inputs(), "UserGroup/desk")
}

// TestFindingsOfMentions is what `validate` says about them.
func TestFindingsOfMentions(t *testing.T) {
	w := found(t, helpdesk+open+
		strings.NewReplacer("Mention m ", "Mention author ", "username: max", "username: nobody").Replace(open)+
		strings.NewReplacer("Mention m ", "Mention target ", "name: desk", "name: gone").Replace(open))
	var got []string
	for _, f := range w.Lint.Findings() {
		if strings.HasPrefix(f.Object, "Mention/") {
			got = append(got, fmt.Sprintf("%s %s %s %s", f.Severity, f.Rule, f.Object, f.Field))
		}
	}
	w.want("findings", got, []string{"error AuthorNotAllowed Mention/author spec.source", "error AllTargetsRejected Mention/target spec"})
}
