package command

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// How long a command waits for the operator to judge what it wrote, and how often it looks.
const (
	patience = 5 * time.Second
	glance   = 100 * time.Millisecond
)

// call is a mention to make: of a conversation, or, without one, a notification.
type call struct {
	conversation, profile string
	// teammates are TEAMMATEs as people write them.
	teammates, groups []string
	selector          string
	text              string
	// dir is where to write a manifest instead of making the mention.
	dir string
}

func (p *plugin) mention() *cobra.Command {
	var x call
	c := &cobra.Command{
		Use:   "mention GROUP... --conversation ID TEXT",
		Short: "Call groups to a conversation",
		Long: "Calls groups to a conversation: their members are alerted, and the conversation is open to them until somebody resolves the mention.\n" +
			"On a cluster you are the author; on files, and with -d, a manifest is written.",
		Args: between(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			if x.conversation == "" {
				return usageError("which conversation? expected --conversation with its id in the connected system (notify sends a text without one)")
			}
			x.groups, x.text = args[:len(args)-1], args[len(args)-1]
			return p.place(c.Context(), x)
		},
	}
	c.Flags().StringVar(&x.conversation, "conversation", "", "id of the conversation in the connected system")
	c.Flags().StringVar(&x.profile, "profile", "", "profile on which it takes place; you must see it")
	return p.calling(c, &x)
}

func (p *plugin) notify() *cobra.Command {
	var x call
	c := &cobra.Command{
		Use:   "notify NAMES...|--selector S|--group G TEXT",
		Short: "Send people a text",
		Long: "Sends a text to people and to members of groups. It opens nothing to them: mention calls to a conversation.\n" +
			"On a cluster you are the author; on files, and with -d, a manifest is written.",
		Args: between(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			x.teammates, x.text = args[:len(args)-1], args[len(args)-1]
			if len(x.teammates)+len(x.groups) == 0 && x.selector == "" {
				return usageError("whom? expected names before the text, --selector or --group")
			}
			return p.place(c.Context(), x)
		},
	}
	c.Flags().StringVar(&x.selector, "selector", "", "people with these labels, as of now")
	c.Flags().StringArrayVar(&x.groups, "group", nil, "members of this group; repeatable")
	return p.calling(c, &x)
}

// calling adds the flags of both commands.
func (p *plugin) calling(c *cobra.Command, x *call) *cobra.Command {
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	c.Flags().StringVarP(&x.dir, "directory", "d", "", "write a manifest into this folder instead")
	return c
}

// place makes a mention on the cluster, or writes its manifest.
func (p *plugin) place(ctx context.Context, x call) error {
	if err := p.options.check(); err != nil {
		return err
	}
	if p.options.offline() {
		org, err := p.load(ctx)
		if err != nil {
			return err
		}
		spec, err := x.spec(org.namespace, org.people(), org.surroundings())
		if err != nil {
			return err
		}
		return p.propose(org, p.options.namespace, spec, x.dir)
	}
	l, err := p.connect()
	if err != nil {
		return err
	}
	username, err := l.username(ctx)
	if err != nil {
		return err
	}
	everybody, err := l.people(ctx)
	if err != nil {
		return err
	}
	if author, err := everybody.ofUser(username); err != nil {
		return err
	} else if author == "" {
		return nobodyIs(username, l.namespace, "the operator would reject what you write (AuthorNotAllowed)")
	}
	spec, err := x.spec(l.namespace, everybody, l.surroundings(ctx))
	if err != nil {
		return err
	}
	spec.Source.Username = &username
	if x.dir != "" {
		return p.propose(nil, l.namespace, spec, x.dir)
	}
	return p.create(ctx, l, spec)
}

// surroundings look up what a mention refers to, besides people.
type surroundings struct {
	// group refuses names that no group has.
	group   func(name string) error
	profile func(name string) (*rollcallv1.Profile, error)
}

func (o *organization) surroundings() surroundings {
	return surroundings{
		func(name string) error { return o.exists(roster.KindUserGroup, name) },
		func(name string) (*rollcallv1.Profile, error) {
			return o.Roster.Profile(nil, name), o.exists(roster.KindProfile, name)
		},
	}
}

// surroundings asks the cluster for one object after the other.
func (l *live) surroundings(ctx context.Context) surroundings {
	return surroundings{
		func(name string) error { return l.find(ctx, roster.KindUserGroup, name, &rollcallv1.UserGroup{}) },
		func(name string) (*rollcallv1.Profile, error) {
			var o rollcallv1.Profile
			return &o, l.find(ctx, roster.KindProfile, name, &o)
		},
	}
}

// find reads an object that must exist.
func (l *live) find(ctx context.Context, kind, name string, into client.Object) error {
	err := l.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: name}, into)
	switch {
	case apierrors.IsNotFound(err):
		return inputError("%s %q is unknown in namespace %s; expected the name of an object", kind, name, l.namespace)
	case err != nil:
		return clusterError(err)
	}
	return nil
}

// spec is the mention that the arguments describe, without an author.
func (x call) spec(namespace string, everybody people, around surroundings) (*rollcallv1.MentionSpec, error) {
	spec := &rollcallv1.MentionSpec{Message: x.text, Source: &rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeManual}}
	if x.conversation == "" && x.text == "" {
		return nil, usageError("the text is empty; expected something to read")
	}
	for _, name := range distinct(x.groups) {
		if err := around.group(name); err != nil {
			return nil, err
		}
		spec.Groups = append(spec.Groups, rollcallv1.ObjectRef{Name: name})
	}
	var names []string
	for _, text := range x.teammates {
		name, err := everybody.named(namespace, text)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if x.selector != "" {
		selected, err := everybody.selected(namespace, x.selector)
		if err != nil {
			return nil, err
		}
		names = append(names, selected...)
	}
	for _, name := range distinct(names) {
		spec.Teammates = append(spec.Teammates, rollcallv1.ObjectRef{Name: name})
	}
	if err := x.forgotText(everybody, around); err != nil {
		return nil, err
	}
	if x.conversation == "" {
		return spec, nil
	}
	spec.Conversation = &rollcallv1.MentionConversation{ExternalID: x.conversation}
	if x.profile != "" {
		profile, err := around.profile(x.profile)
		if err != nil {
			return nil, err
		}
		// The conversation is of the practice of its line: groups of other practices cannot be called to it.
		spec.Conversation.ProfileRef, spec.Conversation.PracticeName = &rollcallv1.ObjectRef{Name: x.profile}, profile.Spec.PracticeName
	}
	return spec, nil
}

// forgotText refuses a text that is the name of somebody or of a group: it stands where a text should.
func (x call) forgotText(everybody people, around surroundings) error {
	if x.conversation == "" && len(x.teammates) > 0 && everybody[x.text] != nil {
		return usageError("%q is a teammate; expected a text as the last argument", x.text)
	}
	if x.conversation != "" && !strings.ContainsFunc(x.text, isNoName) && x.text != "" && around.group(x.text) == nil {
		return usageError("%q is a group; expected a text as the last argument", x.text)
	}
	return nil
}

// isNoName says of a character that names of objects do not have it.
func isNoName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// propose writes a manifest, and says whom it would reach where that is known.
func (p *plugin) propose(org *organization, namespace string, spec *rollcallv1.MentionSpec, dir string) error {
	m := &rollcallv1.Mention{ObjectMeta: metav1.ObjectMeta{Name: mentionName(spec, p.now()), Namespace: namespace}, Spec: *spec}
	data, err := manifest.Write(false, m)
	if err != nil {
		return err
	}
	if err := layer1(m.Name, data); err != nil {
		return err
	}
	if org != nil {
		p.note("note: %s", org.reach(m))
		p.note("note: set spec.source.username to the Kubernetes user who applies it; without an author it is rejected (%s)", rollcallv1.ReasonAuthorNotAllowed)
	}
	if dir == "" && p.options.output == "json" {
		var values map[string]any
		if err := yaml.Unmarshal(data, &values); err != nil {
			return fmt.Errorf("reading the manifest of Mention/%s: %w", m.Name, err)
		}
		if data, err = encodeJSON(values); err != nil {
			return err
		}
	}
	return p.writeFiles(dir, []file{{"mention-" + m.Name + ".yaml", data}})
}

// layer1 checks a manifest by its schema.
func layer1(name string, data []byte) error {
	if _, errs := manifest.Parse([]manifest.Source{{Name: name, Data: data}}, metav1.NamespaceDefault); len(errs) > 0 {
		return &failure{exitInput, errs}
	}
	return nil
}

// reach says whom a mention would alert now, made by somebody who may.
func (o *organization) reach(m *rollcallv1.Mention) string {
	trial := m.DeepCopy()
	trial.Namespace, trial.Spec.Source = o.namespace, &rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeFlow}
	o.Apply(o.now, roster.Change{Object: trial})
	status := o.Mention(trial.Name)
	names := make([]string, 0, len(status.Alerts))
	for _, a := range status.Alerts {
		names = append(names, a.Name)
	}
	text := "reaches nobody"
	if len(names) > 0 {
		text = "reaches " + shortList(names)
	}
	for _, r := range status.Rejected {
		text += "; not " + r.Name + " (" + r.Reason + ")"
	}
	return text
}

// shortList names the first of many.
func shortList(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// mentionName names a mention after its conversation and what makes it another one: author, targets, text and second.
func mentionName(spec *rollcallv1.MentionSpec, now time.Time) string {
	about := "notice"
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%v\x00%v", now.UTC().Format(time.RFC3339), valueOf(spec.Source.Username), spec.Message, spec.Groups, spec.Teammates)
	if c := spec.Conversation; c != nil {
		about = slug(c.ExternalID)
		fmt.Fprintf(h, "\x00%s\x00%s", c.ExternalID, valueOf(c.PracticeName))
		if c.ProfileRef != nil {
			fmt.Fprintf(h, "\x00%s", c.ProfileRef.Name)
		}
	}
	return about + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

// slug makes the beginning of a name out of any text.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			r = '-'
		}
		b.WriteRune(r)
	}
	const longest = 40
	words := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '-' })
	out := strings.Join(words, "-")
	out = strings.Trim(out[:min(len(out), longest)], "-")
	return cmp.Or(out, "mention")
}

// create makes a mention on the cluster, and says what the operator made of it.
func (p *plugin) create(ctx context.Context, l *live, spec *rollcallv1.MentionSpec) error {
	m := &rollcallv1.Mention{ObjectMeta: metav1.ObjectMeta{Name: mentionName(spec, p.now()), Namespace: l.namespace}, Spec: *spec}
	data, err := manifest.Write(false, m)
	if err != nil {
		return err
	}
	if err := layer1(m.Name, data); err != nil {
		return err
	}
	if err := l.Create(ctx, m, client.FieldOwner(fieldManager)); err != nil {
		return refused(err)
	}
	m, err = l.await(ctx, m, func(m *rollcallv1.Mention) bool { return m.Status.Phase != "" })
	if err != nil {
		return err
	}
	answer := sentAnswer(m)
	zone := l.zone(ctx)
	if err := p.show(answer, func(t *table) { answer.table(t, zone) }); err != nil {
		return err
	}
	switch m.Status.Phase {
	case "":
		p.note("note: Mention/%s is written, and the operator has not looked at it yet; kubectl get mention %s -n %s shows when it has", m.Name, m.Name, l.namespace)
	case rollcallv1.MentionPhaseRejected:
		return no
	}
	return nil
}

// refused is the error of a write: no, or no cluster.
func refused(err error) error {
	if _, answered := errors.AsType[*apierrors.StatusError](err); answered {
		return &failure{exitNo, err}
	}
	return clusterError(err)
}

// await reads a mention until the operator has done something to it, for a little while; then it returns it as it is.
func (l *live) await(ctx context.Context, m *rollcallv1.Mention, done func(*rollcallv1.Mention) bool) (*rollcallv1.Mention, error) {
	latest := m
	// The read itself has no deadline: one that falls into it would look like a failure.
	err := wait.PollUntilContextTimeout(ctx, glance, patience, true, func(context.Context) (bool, error) {
		var o rollcallv1.Mention
		if err := l.Get(ctx, client.ObjectKeyFromObject(m), &o); err != nil {
			return false, err
		}
		latest = &o
		return done(latest), nil
	})
	if err != nil && !wait.Interrupted(err) {
		return nil, clusterError(fmt.Errorf("waiting for the operator: %w", err))
	}
	return latest, nil
}

// zone is the time zone of the organization; UTC for those who may not read it.
func (l *live) zone(ctx context.Context) *time.Location {
	var o rollcallv1.Organization
	if err := l.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: rollcallv1.OrganizationName}, &o); err != nil {
		return time.UTC
	}
	return zoneOf(&o)
}

type alertJSON struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups,omitempty"`
	Direct bool     `json:"direct,omitempty"`
}

type callAnswer struct {
	Mention        string                  `json:"mention"`
	ConversationID string                  `json:"conversationID,omitempty"`
	Phase          rollcallv1.MentionPhase `json:"phase,omitempty"`
	Reason         string                  `json:"reason,omitempty"`
	Alerts         []alertJSON             `json:"alerts,omitempty"`
	Rejected       []rejectedJSON          `json:"rejected,omitempty"`
	Until          *metav1.Time            `json:"until,omitempty"`

	message string
}

func sentAnswer(m *rollcallv1.Mention) *callAnswer {
	out := &callAnswer{Mention: m.Name, Phase: m.Status.Phase, Until: m.Status.ExpiresAt}
	if c := m.Spec.Conversation; c != nil {
		out.ConversationID = c.ExternalID
	}
	if c := meta.FindStatusCondition(m.Status.Conditions, rollcallv1.ConditionDelivered); c != nil && c.Status == metav1.ConditionFalse {
		out.Reason, out.message = c.Reason, c.Message
	}
	for _, a := range m.Status.Alerts {
		out.Alerts = append(out.Alerts, alertJSON{a.Name, a.Via, a.Direct})
	}
	for _, r := range m.Status.Rejected {
		out.Rejected = append(out.Rejected, rejectedJSON{r.Name, r.Reason})
	}
	return out
}

func (a *callAnswer) table(t *table, zone *time.Location) {
	what := string(a.Phase)
	switch {
	case a.Phase == "":
		what = "written"
	case a.Phase == rollcallv1.MentionPhaseRejected:
		what += " (" + a.Reason + "): " + a.message
	case a.Until != nil:
		what += " until " + local(a.Until.Time, zone)
	}
	t.line("Mention/%s  %s", a.Mention, what)
	if len(a.Alerts) > 0 {
		t.line("")
		t.row("ALERTED", "BY")
		for _, x := range a.Alerts {
			t.row(x.Name, alertedBy(x.Groups, x.Direct))
		}
	}
	if len(a.Rejected) > 0 {
		t.line("")
		t.row("REJECTED", "REASON")
		for _, r := range a.Rejected {
			t.row(r.Name, r.Reason)
		}
	}
}

// alertedBy says how an alert came.
func alertedBy(groups []string, direct bool) string {
	var by []string
	if direct {
		by = append(by, "name")
	}
	for _, g := range groups {
		by = append(by, "group "+g)
	}
	return or(strings.Join(by, ", "), "-")
}
