package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// monday is when scenarios begin.
var monday = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an organization under test: what is stored, the engine that follows it, and the Ledger that it asked for. What
// it observes it tells as text, so that a scenario reads like its row in SCENARIOS.md.
type world struct {
	*bench
	t       *testing.T
	now     time.Time
	objects map[lint.Object]metav1.Object
	touched engine.Touched
}

// found starts an organization on monday. Without an Organization in the text there is one of preset Custom.
func found(t *testing.T, text string) *world {
	t.Helper()
	return foundFrom(t, builder.Objects(t, text)...)
}

func foundFrom(t *testing.T, objects ...metav1.Object) *world {
	t.Helper()
	w := &world{t: t, now: monday, objects: map[lint.Object]metav1.Object{}}
	w.store(builder.Organization())
	for _, o := range objects {
		w.store(o)
	}
	w.restart(nil, false)
	return w
}

func (w *world) store(o metav1.Object) { w.objects[lint.ObjectOf(o)] = o }

// restart starts a new engine on what is stored, with a Ledger; outputs says whether the namespace has outputs. Statuses of
// Mentions are those that were written.
func (w *world) restart(ledger map[string]*rollcallv1.Ledger, outputs bool) {
	w.t.Helper()
	statuses := map[string]rollcallv1.MentionStatus{}
	if w.bench != nil {
		maps.Copy(statuses, w.statuses)
	}
	w.bench = &bench{Engine: engine.New(w.now), ledger: map[string]*rollcallv1.Ledger{}, statuses: statuses}
	maps.Copy(w.ledger, ledger)
	objects := slices.Collect(maps.Values(w.objects))
	w.Remember(slices.Collect(maps.Values(ledger)), outputs, withStatuses(objects, statuses)...)
	w.put(slices.Collect(maps.Values(w.objects))...)
}

// lose restarts without a Ledger although there are outputs.
func (w *world) lose() { w.t.Helper(); w.restart(nil, true) }

// apply writes objects in one change.
func (w *world) apply(text string) { w.t.Helper(); w.put(builder.Objects(w.t, text)...) }

func (w *world) put(objects ...metav1.Object) {
	w.t.Helper()
	var changes []roster.Change
	for _, o := range objects {
		w.store(o)
		changes = append(changes, roster.Change{Object: o})
	}
	w.change(changes...)
}

// gone is the deletion of an object named Kind/name.
func (w *world) gone(object string) roster.Change {
	w.t.Helper()
	o := objectNamed(object)
	stored := w.objects[o]
	if stored == nil {
		w.t.Fatalf("deleting %s, which is not stored", object)
	}
	delete(w.objects, o)
	return roster.Change{Object: stored, Deleted: true}
}

func (w *world) remove(object string) { w.t.Helper(); w.change(w.gone(object)) }

func (w *world) change(changes ...roster.Change) {
	w.t.Helper()
	before := map[lint.Object]metav1.Object{}
	for o, stored := range w.objects {
		before[o] = stored.(runtime.Object).DeepCopyObject().(metav1.Object)
	}
	w.touched = w.keep(w.Apply(w.now, changes...))
	for o, stored := range w.objects {
		if diff := cmp.Diff(before[o], stored); diff != "" {
			w.t.Fatalf("the engine changed %s (-before +after):\n%s", o, diff)
		}
	}
}

// at moves the clock; "08:00" is on the day of the present time, a date and time is taken as it is.
func (w *world) at(when string) {
	w.t.Helper()
	w.now = w.instant(when)
	w.change()
}

func (w *world) instant(when string) time.Time {
	w.t.Helper()
	day := w.now.Format(time.DateOnly)
	for layout, text := range map[string]string{time.RFC3339: when, "2006-01-02T15:04": day + "T" + when, "2006-01-02T15:04:05": day + "T" + when} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	w.t.Fatalf("%q is no time", when)
	return time.Time{}
}

func objectNamed(s string) lint.Object {
	kind, name, _ := strings.Cut(s, "/")
	return lint.Object{Kind: kind, Name: name}
}

// want compares anything, most often two texts.
func (w *world) want(what string, got, want any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// phase is the phase, for an Invalid person with the reason.
func (w *world) phase(teammate string) string {
	s := w.Lint.Teammate(teammate)
	if s.Reason != "" {
		return string(s.Phase) + "/" + s.Reason
	}
	return string(s.Phase)
}

// gate is "open", or why it is closed, and the list on which the person stands.
func (w *world) gate(teammate string) string {
	s := w.Access.Of(teammate).State
	if s.Open {
		return "open, listed " + string(s.Listing())
	}
	return "closed " + s.GateReason + ", listed " + string(s.Listing())
}

func (w *world) members(group string) string {
	return strings.Join(w.Roster.Members(nil, group), " ")
}

// groups are those that accepted the person, with the claims behind the membership.
func (w *world) groups(teammate string) string {
	var out []string
	for _, m := range w.Roster.Memberships(nil, teammate).Accepted {
		var claims []string
		for _, s := range m.Sources {
			claims = append(claims, s.String())
		}
		out = append(out, fmt.Sprintf("%s(%s)", m.Group, strings.Join(claims, " ")))
	}
	return strings.Join(out, " ")
}

func (w *world) rejected(group string) string {
	var out []string
	if s := w.Lint.UserGroup(group).Rejected; s != nil {
		for _, r := range s.First {
			out = append(out, r.Name+"/"+r.Reason)
		}
	}
	return strings.Join(out, " ")
}

// condition is "True", "False/Reason", or "" for one that the object has not.
func (w *world) condition(object, kind string) string {
	for _, c := range w.Lint.Conditions(objectNamed(object)) {
		if c.Type == kind && c.Status == metav1.ConditionTrue && c.Reason == lint.ReasonAsExpected {
			return "True"
		}
		if c.Type == kind {
			return string(c.Status) + "/" + c.Reason
		}
	}
	return ""
}

func (w *world) message(object, kind string) string {
	for _, c := range w.Lint.Conditions(objectNamed(object)) {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// abnormal are all conditions that are not as they should be, but for those that nobody has to act upon.
func (w *world) abnormal() string {
	var out []string
	for _, kind := range roster.Kinds {
		for _, name := range w.Roster.Names(nil, kind) {
			for _, c := range w.Lint.Conditions(lint.Object{Kind: kind, Name: name}) {
				if c.Status != metav1.ConditionTrue && c.Type != rollcallv1.ConditionMentionable && c.Type != rollcallv1.ConditionInUse {
					out = append(out, fmt.Sprintf("%s/%s %s/%s", kind, name, c.Type, c.Reason))
				}
			}
		}
	}
	return strings.Join(out, "; ")
}

// grants are the entries of the EffectiveAccess: `profiles=permissions <sources>`, one a line.
func (w *world) grants(teammate string) string {
	var out []string
	for _, g := range w.EffectiveAccess(teammate).Status.Grants {
		var sources []string
		for _, s := range g.Sources {
			text := string(s.Type)
			if s.Name != "" {
				text += ":" + s.Name
			}
			sources = append(sources, text+"/"+s.ProfileRole)
		}
		profiles := strings.Join(g.Profiles, ",")
		if g.AllProfiles {
			profiles = "*"
		}
		out = append(out, fmt.Sprintf("%s=%s <%s>", profiles, strings.Join(g.Permissions, " "), strings.Join(sources, " ")))
	}
	return strings.Join(out, "\n")
}

// on are the permissions of somebody on one profile.
func (w *world) on(teammate, profile string) string {
	return strings.Join(w.Access.Held(teammate, profile), " ")
}

// account are the account permissions.
func (w *world) account(teammate string) string {
	return strings.Join(w.EffectiveAccess(teammate).Status.AccountPermissions, " ")
}

// verdict is the answer of `check` with the reason and what removed the permission.
func (w *world) verdict(teammate, permission, profile string) string {
	v := w.Access.Check(teammate, permission, profile)
	out := string(v.Reason)
	for _, r := range v.Removed {
		out += " " + r.By + "/" + r.Name
	}
	return out
}

func (w *world) hash(teammate string) string { return w.EffectiveAccess(teammate).Status.Hash }

func targetNamed(s string) routing.Target {
	kind, name, _ := strings.Cut(s, "/")
	return routing.Target{Kind: routing.Kind(kind), Name: name}
}

// plan is a RoutePlan, which must be there.
func (w *world) plan(target string) *rollcallv1.RoutePlan {
	w.t.Helper()
	p := w.RoutePlan(targetNamed(target))
	if p == nil {
		w.t.Fatalf("%s has no plan", target)
	}
	return p
}

// candidates are those of a plan, then whom it excludes with the reason.
func (w *world) candidates(target string) string {
	w.t.Helper()
	var out []string
	s := w.plan(target).Status
	for _, c := range s.Candidates {
		out = append(out, c.Name)
	}
	if s.Excluded != nil {
		for _, e := range s.Excluded.First {
			out = append(out, e.Name+"/"+e.Reason)
		}
	}
	return strings.Join(out, " ")
}

// transition is the nextTransition of an output, "" for none.
func transition(at *metav1.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func (w *world) accessTransition(teammate string) string {
	return transition(w.EffectiveAccess(teammate).Status.NextTransition)
}

// writes counts what the last change touched: EffectiveAccess, RoutePlans, statuses, Ledger shards.
func (w *world) writes() string {
	t := w.touched
	return fmt.Sprintf("%d access, %d plans, %d inputs, %d ledger", len(t.Access), len(t.Plans), len(t.Inputs), len(t.Ledger))
}

func (w *world) inputs() string {
	var out []string
	for _, o := range w.touched.Inputs {
		out = append(out, o.String())
	}
	return strings.Join(out, " ")
}

// scenario is one row of SCENARIOS.md, or a part of it: what is given, and a play of what happens with what must follow.
type scenario struct {
	given string
	play  func(w *world)
}

func playAll(t *testing.T, scenarios map[string]scenario) {
	for name, tc := range scenarios {
		t.Run(name, func(t *testing.T) { tc.play(found(t, tc.given)) })
	}
}

func pendingCounts(members, profiles int32) rollcallv1.PendingCounts {
	return rollcallv1.PendingCounts{Members: members, Profiles: profiles}
}

// sample reads the objects of a folder of config/samples.
func sample(t *testing.T, name string) []metav1.Object {
	t.Helper()
	source, err := manifest.Kustomize("../../config/samples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	set, errs := manifest.Parse([]manifest.Source{source}, name)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var out []metav1.Object
	for _, o := range set.Objects {
		out = append(out, o.Object)
	}
	return out
}

// shuffledWith is the list in the order that a seed gives.
func shuffledWith[E any](seed uint64, list []E) []E {
	out := slices.Clone(list)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func changeOf(o metav1.Object) roster.Change { return roster.Change{Object: o} }
