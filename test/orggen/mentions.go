package orggen

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

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
	for _, name := range some(g, teammates, 3, "resolvers") {
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
