package orggen

import (
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
)

// Object is any object of an organization.
type Object interface {
	metav1.Object
	runtime.Object
}

// Edit is one thing that happens to a world: an object is written or deleted, time passes, or the Ledger is lost. Exactly one
// field is set, but for LoseMentions.
type Edit struct {
	// Put is a new object, or the new version of one with the same name. It is nobody else's.
	Put        Object
	Delete     oracle.Ref
	Advance    time.Duration
	LoseLedger bool
	// LoseMentions says that the statuses of Mentions go with the Ledger.
	LoseMentions bool
}

// Kinds of the objects of an organization, in the order in which they are drawn.
var kinds = []string{"Teammate", "UserGroup", "Profile", "ProfileRole", "AccountRole", "Department", "Queue", "Campaign", "Mention", "Schedule", "Organization"}

var pools = map[string][]string{
	"Teammate": teammates, "UserGroup": groups, "Profile": profiles, "ProfileRole": profRoles, "AccountRole": acctRoles, "Department": depts,
	"Queue": queues, "Campaign": campaigns, "Mention": mentions,
	"Schedule": schedules, "Organization": {rollcallv1.OrganizationName},
}

// DrawEdit draws an edit that is possible in w. Three quarters of the changes of an object touch one field of its spec, or
// its labels and annotations, and leave the rest as it was. Some edits have somebody of a campaign ask for
// queues, which hardly ever happens otherwise (V-41). The Organization is changed but never deleted.
func DrawEdit(t *rapid.T, w *World) Edit {
	g := generator{t: t, w: w}
	if tm := g.inCampaign(); tm != nil && g.chance(15, "asks for queues") {
		meta := g.meta("Teammate", tm.Name, tm)
		tm.ResourceVersion, tm.Generation = meta.ResourceVersion, meta.Generation
		tm.Spec.Assignment = rollcallv1.Assignment{Type: "Queues", Queues: []rollcallv1.ObjectRef{{Name: pick(g, queues, "queue")}}}
		return Edit{Put: tm}
	}
	if len(w.Org.Mentions) > 0 && g.chance(20, "resolutions") {
		return Edit{Put: g.touchMention(&w.Org.Mentions[rapid.IntRange(0, len(w.Org.Mentions)-1).Draw(t, "mention")])}
	}
	switch n := g.sixteenth("edit"); {
	case n == 15 && g.chance(50, "lost"):
		return Edit{LoseLedger: true, LoseMentions: g.chance(50, "and mentions")}
	case n >= 13:
		// Mostly to the hours where windows end, sometimes one second short of them.
		advance := time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour
		if g.chance(30, "short") {
			advance -= time.Second
		}
		return Edit{Advance: w.Now.Add(advance).Truncate(time.Second).Sub(w.Now)}
	case n >= 11:
		if ref, ok := g.existing(); ok && ref.Kind != "Organization" {
			return Edit{Delete: ref}
		}
	case n >= 9:
		kind := kinds[rapid.IntRange(0, len(kinds)-2).Draw(t, "kind")]
		name := pick(g, pools[kind], "name")
		if w.find(oracle.Ref{Kind: kind, Name: name}) == nil {
			return Edit{Put: g.draw(oracle.Ref{Kind: kind, Name: name}, nil)}
		}
	}
	ref, ok := g.existing()
	if !ok {
		return Edit{Put: g.draw(oracle.Ref{Kind: "Teammate", Name: teammates[0]}, nil)}
	}
	return Edit{Put: g.change(ref)}
}

// inCampaign is a copy of the first teammate whose assignment is a campaign, or nil.
func (g generator) inCampaign() *rollcallv1.Teammate {
	for i := range g.w.Org.Teammates {
		if tm := &g.w.Org.Teammates[i]; tm.Spec.Assignment.Type == "Campaign" {
			return tm.DeepCopy()
		}
	}
	return nil
}

// existing draws an object of the world.
func (g generator) existing() (oracle.Ref, bool) {
	var refs []oracle.Ref
	for _, o := range Objects(g.w.Org) {
		refs = append(refs, oracle.Ref{Kind: kindOf(o), Name: o.GetName()})
	}
	if len(refs) == 0 {
		return oracle.Ref{}, false
	}
	return pick(g, refs, "object"), true
}

// change draws a new version of an object.
func (g generator) change(ref oracle.Ref) Object {
	old := g.w.find(ref)
	if m := as[rollcallv1.Mention](old); m != nil {
		return g.touchMention(m)
	}
	drawn := g.draw(ref, old)
	if g.chance(25, "whole") {
		if at := old.GetDeletionTimestamp(); at != nil {
			drawn.SetDeletionTimestamp(at)
			drawn.SetFinalizers(old.GetFinalizers())
		}
		return drawn
	}
	changed := old.DeepCopyObject().(Object)
	changed.SetResourceVersion(drawn.GetResourceVersion())
	changed.SetGeneration(drawn.GetGeneration())
	spec, from := reflect.ValueOf(changed).Elem().FieldByName("Spec"), reflect.ValueOf(drawn).Elem().FieldByName("Spec")
	field := rapid.IntRange(0, spec.NumField()).Draw(g.t, "field")
	if field == spec.NumField() {
		changed.SetLabels(drawn.GetLabels())
		changed.SetAnnotations(drawn.GetAnnotations())
		changed.SetGeneration(old.GetGeneration())
		return changed
	}
	spec.Field(field).Set(from.Field(field))
	return changed
}

// draw draws an object; fields that may never change, and the identity of the object, come from old.
func (g generator) draw(ref oracle.Ref, old Object) Object {
	switch ref.Kind {
	case "Organization":
		return g.organization(as[rollcallv1.Organization](old))
	case "Schedule":
		return g.schedule(ref.Name, as[rollcallv1.Schedule](old))
	case "AccountRole":
		return g.accountRole(ref.Name, as[rollcallv1.AccountRole](old))
	case "ProfileRole":
		return g.profileRole(ref.Name, as[rollcallv1.ProfileRole](old))
	case "Profile":
		return g.profile(ref.Name, as[rollcallv1.Profile](old))
	case "Teammate":
		return g.teammate(ref.Name, as[rollcallv1.Teammate](old))
	case "UserGroup":
		return g.userGroup(ref.Name, as[rollcallv1.UserGroup](old))
	case "Queue":
		return g.queue(ref.Name, as[rollcallv1.Queue](old))
	case "Campaign":
		return g.campaign(ref.Name, as[rollcallv1.Campaign](old))
	case "Mention":
		return g.mention(ref.Name)
	}
	return g.department(ref.Name, as[rollcallv1.Department](old))
}

// as is the typed pointer, nil if there is no object.
func as[T any](o Object) *T {
	typed, _ := any(o).(*T)
	return typed
}

// object is the untyped object, nil if the pointer is nil.
func object[T any, P interface {
	*T
	metav1.Object
}](o P) metav1.Object {
	if o == nil {
		return nil
	}
	return o
}

// Objects returns all objects of an organization in a fixed order. They are those of the organization, not copies.
func Objects(org oracle.Org) []Object {
	var out []Object
	if org.Organization != nil {
		out = append(out, org.Organization)
	}
	for i := range org.Schedules {
		out = append(out, &org.Schedules[i])
	}
	for i := range org.AccountRoles {
		out = append(out, &org.AccountRoles[i])
	}
	for i := range org.ProfileRoles {
		out = append(out, &org.ProfileRoles[i])
	}
	for i := range org.Profiles {
		out = append(out, &org.Profiles[i])
	}
	for i := range org.Teammates {
		out = append(out, &org.Teammates[i])
	}
	for i := range org.UserGroups {
		out = append(out, &org.UserGroups[i])
	}
	for i := range org.Departments {
		out = append(out, &org.Departments[i])
	}
	for i := range org.Queues {
		out = append(out, &org.Queues[i])
	}
	for i := range org.Campaigns {
		out = append(out, &org.Campaigns[i])
	}
	for i := range org.Mentions {
		out = append(out, &org.Mentions[i])
	}
	return out
}

func kindOf(o Object) string {
	name := reflect.TypeOf(o).String()
	return name[strings.LastIndex(name, ".")+1:]
}

func (w *World) find(ref oracle.Ref) Object {
	for _, o := range Objects(w.Org) {
		if kindOf(o) == ref.Kind && o.GetName() == ref.Name {
			return o.DeepCopyObject().(Object)
		}
	}
	return nil
}

// Apply makes the edit happen. Objects of the world before it are not touched. Losing the Ledger concerns the state and not
// the world: the caller continues with oracle.State{Lost: true}.
func (w *World) Apply(e Edit) {
	w.Now = w.Now.Add(e.Advance)
	ref := e.Delete
	if e.Put != nil {
		ref = oracle.Ref{Kind: kindOf(e.Put), Name: e.Put.GetName()}
	}
	switch ref.Kind {
	case "Organization":
		w.Org.Organization = as[rollcallv1.Organization](e.Put)
	case "Schedule":
		w.Org.Schedules = replaced(w.Org.Schedules, ref.Name, as[rollcallv1.Schedule](e.Put))
	case "AccountRole":
		w.Org.AccountRoles = replaced(w.Org.AccountRoles, ref.Name, as[rollcallv1.AccountRole](e.Put))
	case "ProfileRole":
		w.Org.ProfileRoles = replaced(w.Org.ProfileRoles, ref.Name, as[rollcallv1.ProfileRole](e.Put))
	case "Profile":
		w.Org.Profiles = replaced(w.Org.Profiles, ref.Name, as[rollcallv1.Profile](e.Put))
	case "Teammate":
		w.Org.Teammates = replaced(w.Org.Teammates, ref.Name, as[rollcallv1.Teammate](e.Put))
	case "UserGroup":
		w.Org.UserGroups = replaced(w.Org.UserGroups, ref.Name, as[rollcallv1.UserGroup](e.Put))
	case "Department":
		w.Org.Departments = replaced(w.Org.Departments, ref.Name, as[rollcallv1.Department](e.Put))
	case "Queue":
		w.Org.Queues = replaced(w.Org.Queues, ref.Name, as[rollcallv1.Queue](e.Put))
	case "Campaign":
		w.Org.Campaigns = replaced(w.Org.Campaigns, ref.Name, as[rollcallv1.Campaign](e.Put))
	case "Mention":
		w.Org.Mentions = replaced(w.Org.Mentions, ref.Name, as[rollcallv1.Mention](e.Put))
	}
}

// replaced is a new list with the object of that name replaced, appended, or (with nil) left out.
func replaced[T any, P interface {
	*T
	metav1.Object
}](list []T, name string, with P) []T {
	out := slices.DeleteFunc(slices.Clone(list), func(o T) bool { return P(&o).GetName() == name })
	if with != nil {
		out = append(out, *with)
	}
	return out
}

// Shuffled is the same organization with its lists of objects in another order.
func Shuffled(t *rapid.T, org oracle.Org) oracle.Org {
	org.Schedules = shuffled(t, org.Schedules)
	org.AccountRoles = shuffled(t, org.AccountRoles)
	org.ProfileRoles = shuffled(t, org.ProfileRoles)
	org.Profiles = shuffled(t, org.Profiles)
	org.Teammates = shuffled(t, org.Teammates)
	org.UserGroups = shuffled(t, org.UserGroups)
	org.Departments = shuffled(t, org.Departments)
	org.Queues = shuffled(t, org.Queues)
	org.Campaigns = shuffled(t, org.Campaigns)
	org.Mentions = shuffled(t, org.Mentions)
	return org
}

func shuffled[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return nil
	}
	order := rapid.Permutation(indexes(len(list))).Draw(t, "order")
	out := make([]T, len(list))
	for i, from := range order {
		out[i] = list[from]
	}
	return out
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
