package orggen

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
)

// DrawCalls draws a world in which mentions matter: a few people most of whom are active, groups of them, and mentions.
func DrawCalls(t *rapid.T) World {
	w := World{Now: Epoch}
	g := generator{t: t, w: &w}
	w.Org.Organization = g.organization(nil)
	w.Org.Organization.Spec.Preset, w.Org.Organization.Spec.DefaultAccountRoleRef = rollcallv1.PresetCustom, nil
	w.Org.Organization.Spec.Policies = &rollcallv1.Policies{Mentions: g.mentionsPolicy(), PracticeScoping: w.Org.Organization.Spec.Policies.PracticeScoping}
	for _, name := range profiles[:2] {
		w.Org.Profiles = append(w.Org.Profiles, *g.profile(name, nil))
	}
	for _, name := range teammates[:5] {
		w.Org.Teammates = append(w.Org.Teammates, *g.caller(name))
	}
	for _, name := range groups[:3] {
		w.Org.UserGroups = append(w.Org.UserGroups, *g.called(name, nil))
	}
	for _, name := range mentions {
		w.Org.Mentions = append(w.Org.Mentions, *g.call(name))
	}
	return w
}

// caller is an agent with a user name of their own. The Ledger has nothing to remember of them: how long it remembers
// somebody who is gone depends on restarts, and callers go and come back often.
func (g generator) caller(name string) *rollcallv1.Teammate {
	t := g.teammate(name, nil)
	t.Spec.AccountRoleRef, t.Spec.Window, t.DeletionTimestamp, t.Finalizers, t.Annotations = nil, rollcallv1.Window{}, nil, nil, nil
	t.Spec.Identity = rollcallv1.Identity{Email: new(name + "@x.example"), Username: new(name)}
	t.Spec.Card, t.Spec.Assignment = nil, rollcallv1.Assignment{Type: "None"}
	g.hinder(t, 40)
	return t
}

// hinder closes the gate of a caller for some time, in so many percent of cases, or opens it.
func (g generator) hinder(t *rollcallv1.Teammate, percent int) {
	t.Spec.Lifecycle, t.Spec.Window = rollcallv1.Lifecycle{State: "Active"}, rollcallv1.Window{}
	switch {
	case !g.chance(percent, "hindered"):
	case g.chance(40, "for a while"):
		t.Spec.Window = g.window(60)
	default:
		from := g.instant("blocked from")
		until := metav1.NewTime(from.Add(time.Duration(rapid.IntRange(1, 8).Draw(g.t, "blocked for")) * time.Hour))
		t.Spec.Lifecycle = rollcallv1.Lifecycle{State: "Blocked", BlockedFrom: from, BlockedUntil: &until}
	}
}

// called is a group of a few of the callers, with no selector.
func (g generator) called(name string, old *rollcallv1.UserGroup) *rollcallv1.UserGroup {
	u := g.userGroup(name, old)
	u.Spec.MemberSelector, u.Spec.Members, u.Spec.Handle = nil, nil, nil
	for _, member := range some(g, teammates[:5], 4, "members") {
		u.Spec.Members = append(u.Spec.Members, rollcallv1.Member{Name: member, Window: g.window(15)})
	}
	return u
}

// call is a mention that is likely to reach somebody.
func (g generator) call(name string) *rollcallv1.Mention {
	m := g.mention(name)
	m.Spec.Groups, m.Spec.Teammates = g.refs(groups[:3], 3, "groups"), g.refs(teammates[:5], 2, "teammates")
	if len(m.Spec.Groups)+len(m.Spec.Teammates) == 0 {
		m.Spec.Groups = []rollcallv1.ObjectRef{{Name: groups[0]}}
	}
	return m
}

// DrawCall draws an edit of a world of DrawCalls that concerns its mentions, those whom they reach, or what decides about
// them.
func DrawCall(t *rapid.T, w *World) Edit {
	g := generator{t: t, w: w}
	switch n := g.sixteenth("call"); {
	case n == 15:
		return Edit{LoseLedger: true, LoseMentions: g.chance(70, "and mentions")}
	case n >= 13:
		ref := pick(g, []oracle.Ref{
			{Kind: "Mention", Name: pick(g, mentions, "mention")}, {Kind: "UserGroup", Name: pick(g, groups[:3], "group")}, {Kind: "Teammate", Name: pick(g, teammates[:5], "teammate")},
		}, "gone")
		if w.find(ref) != nil && !(ref.Kind == "Mention" && g.chance(50, "another one at once")) {
			return Edit{Delete: ref}
		}
		return Edit{Put: g.newCall(ref)}
	case n >= 11:
		return Edit{Advance: time.Duration(rapid.IntRange(1, 6).Draw(t, "half hours")) * 30 * time.Minute}
	case n == 10:
		o := w.Org.Organization.DeepCopy()
		o.Generation++
		o.Spec.Policies.Mentions = g.mentionsPolicy()
		return Edit{Put: o}
	case n >= 8:
		name := pick(g, teammates[:5], "teammate")
		tm := as[rollcallv1.Teammate](w.find(oracle.Ref{Kind: "Teammate", Name: name}))
		if tm == nil {
			return Edit{Put: g.caller(name)}
		}
		tm.Generation++
		g.hinder(tm, 70)
		return Edit{Put: tm}
	case n >= 5:
		name := pick(g, groups[:3], "group")
		return Edit{Put: g.called(name, as[rollcallv1.UserGroup](w.find(oracle.Ref{Kind: "UserGroup", Name: name})))}
	}
	name := pick(g, mentions, "mention")
	if m := as[rollcallv1.Mention](w.find(oracle.Ref{Kind: "Mention", Name: name})); m != nil {
		return Edit{Put: g.touchMention(m)}
	}
	return Edit{Put: g.call(name)}
}

func (g generator) newCall(ref oracle.Ref) Object {
	switch ref.Kind {
	case "Mention":
		return g.call(ref.Name)
	case "UserGroup":
		return g.called(ref.Name, nil)
	}
	return g.caller(ref.Name)
}

func (g generator) mentionsPolicy() *rollcallv1.MentionsPolicy {
	p := &rollcallv1.MentionsPolicy{Resolution: maybe(g, 60, []rollcallv1.MentionResolution{"Individual", "Group"}, "resolution")}
	if g.chance(40, "longest access") {
		p.MaxAccessDuration = &metav1.Duration{Duration: time.Duration(rapid.IntRange(0, 3).Draw(g.t, "hours")) * time.Hour}
	}
	return p
}

// mention draws a new mention; what it says never changes, but for resolutions (CEL-21).
func (g generator) mention(name string) *rollcallv1.Mention {
	m := &rollcallv1.Mention{}
	m.ObjectMeta = g.meta("Mention", name, nil)
	m.Spec = rollcallv1.MentionSpec{
		Groups: g.refs(append(slices.Clone(groups), "missing"), 3, "groups"), Teammates: g.refs(append(slices.Clone(teammates), "missing"), 2, "teammates"),
		Source: &rollcallv1.MentionSource{Type: "Flow"}, Message: "please",
	}
	if len(m.Spec.Groups)+len(m.Spec.Teammates) == 0 { // CEL-20
		m.Spec.Groups = []rollcallv1.ObjectRef{{Name: groups[0]}}
	}
	if !g.chance(15, "notification") {
		m.Spec.Conversation = &rollcallv1.MentionConversation{
			PracticeName: maybe(g, 30, append(slices.Clone(practices), "nowhere"), "practice"), ProfileRef: g.ref(40, profiles, "profile"), ExternalID: "conversation",
		}
		if g.chance(20, "resolved already") {
			g.resolveSome(m)
		}
	}
	if g.chance(40, "manual") {
		m.Spec.Source = &rollcallv1.MentionSource{Type: "Manual"}
		if m.Spec.Source.Username = maybe(g, 40, append(slices.Clone(teammates[:4]), "max"), "username"); m.Spec.Source.Username == nil {
			m.Spec.Source.TeammateRef = g.ref(90, teammates[:4], "author")
		}
	}
	if g.chance(40, "ttl") {
		m.Spec.TTL = &metav1.Duration{Duration: time.Duration(rapid.IntRange(1, 6).Draw(g.t, "half hours")) * 30 * time.Minute}
	}
	return m
}

// resolveSome adds resolutions: of people by themselves, in the name of others, and by a desk.
func (g generator) resolveSome(m *rollcallv1.Mention) {
	for _, name := range some(g, teammates[:6], 3, "resolvers") {
		if slices.ContainsFunc(m.Spec.Resolutions, func(r rollcallv1.Resolution) bool { return r.Name == name }) {
			continue
		}
		m.Spec.Resolutions = append(m.Spec.Resolutions, rollcallv1.Resolution{
			Name: name, Username: maybe(g, 40, []string{name, "max"}, "username"),
			Action: pick(g, []rollcallv1.ResolutionAction{"Resolve", "CloseAndResolve"}, "action"),
		})
	}
}

// touchMention is a new version of a mention with resolutions added, or taken away.
func (g generator) touchMention(old *rollcallv1.Mention) *rollcallv1.Mention {
	meta := g.meta("Mention", old.Name, old)
	m := old.DeepCopy()
	m.ResourceVersion, m.Generation = meta.ResourceVersion, meta.Generation
	if m.Spec.Conversation == nil { // CEL-20
		return m
	}
	if g.chance(20, "taken back") {
		m.Spec.Resolutions = nil
		return m
	}
	g.resolveSome(m)
	return m
}
