package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const (
	// similar is how many changes of one sort in one batch make one Event.
	similar = 1000
	// reasonRestored is the reason of Events about conditions that are as they should be again.
	reasonRestored = "Restored"
	// reasonLedgerLost is the reason of the Event about a Ledger object that somebody else deleted.
	reasonLedgerLost = "LedgerLost"
	// reasonDeletedUnderDisableOnly and reasonDeletedWithoutArchive are the reasons of Events about deletions that a policy
	// forbids and that got past admission (VAP-3, VAP-4).
	reasonDeletedUnderDisableOnly = "DeletedUnderDisableOnly"
	reasonDeletedWithoutArchive   = "DeletedWithoutArchive"
)

// quiet are conditions that are not True for good reasons, and say nothing that anybody must know at once.
var quiet = map[string]bool{
	rollcallv1.ConditionStalled: true, rollcallv1.ConditionReconciling: true, rollcallv1.ConditionInUse: true,
	rollcallv1.ConditionMentionable: true, rollcallv1.ConditionNotifiable: true, rollcallv1.ConditionCardComplete: true,
}

// trouble is what is wrong with an object: condition -> reason. Normal conditions are left out.
type trouble map[string]string

// notice is one sort of change: what Events are about.
type notice struct {
	kind, condition, reason string
	normal                  bool
}

// subject is an object that a notice is about, with what it says. object is set for objects that are gone.
type subject struct {
	name, message string
	object        apiruntime.Object
}

// notices compares the conditions of a batch with those before it, and says in as few Events as possible which turned
// abnormal or back. It never speaks of success.
type notices struct {
	troubles map[lint.Object]trouble
	due      map[notice][]subject
	// lossy: this batch lost part of the Ledger, and pending permission sets follow from that.
	lossy bool
}

func newNotices() notices {
	return notices{troubles: map[lint.Object]trouble{}, due: map[notice][]subject{}}
}

// abnormal returns what is wrong according to conditions. Suspended is wrong when True, all others when False.
func abnormal(conditions []metav1.Condition) trouble {
	var out trouble
	for _, c := range conditions {
		if quiet[c.Type] || (c.Status == metav1.ConditionTrue) != (c.Type == rollcallv1.ConditionSuspended) {
			continue
		}
		if out == nil {
			out = trouble{}
		}
		out[c.Type] = c.Reason
	}
	return out
}

// start takes what the live objects say as the state before, so that a restart speaks only of what is new.
func (n *notices) start(s store, namespace string) {
	clear(n.troubles)
	for _, kind := range roster.Kinds {
		for _, o := range s.list(kind, namespace) {
			if t := abnormal(conditionsOf(o)); t != nil {
				n.troubles[lint.ObjectOf(o)] = t
			}
		}
	}
}

func conditionsOf(o metav1.Object) []metav1.Condition {
	switch o := o.(type) {
	case *rollcallv1.Organization:
		return o.Status.Conditions
	case *rollcallv1.Schedule:
		return o.Status.Conditions
	case *rollcallv1.AccountRole:
		return o.Status.Conditions
	case *rollcallv1.ProfileRole:
		return o.Status.Conditions
	case *rollcallv1.Profile:
		return o.Status.Conditions
	case *rollcallv1.Teammate:
		return o.Status.Conditions
	case *rollcallv1.UserGroup:
		return o.Status.Conditions
	case *rollcallv1.Department:
		return o.Status.Conditions
	case *rollcallv1.Queue:
		return o.Status.Conditions
	case *rollcallv1.Campaign:
		return o.Status.Conditions
	case *rollcallv1.Mention:
		return o.Status.Conditions
	case *rollcallv1.InboundAutomation:
		return o.Status.Conditions
	}
	return nil
}

// compare notes what turned abnormal or back among the touched inputs. It says one thing about an object: Ready before
// anything else.
func (n *notices) compare(e *engine.Engine, touched map[lint.Object]struct{}, batch []roster.Change) {
	for _, c := range batch {
		if c.Deleted {
			delete(n.troubles, lint.ObjectOf(c.Object))
		}
	}
	for o := range touched {
		conditions := e.Lint.Conditions(o)
		before, after := n.troubles[o], abnormal(conditions)
		if maps.Equal(before, after) {
			continue
		}
		if after == nil {
			delete(n.troubles, o)
		} else {
			n.troubles[o] = after
		}
		n.noteChange(o, before, after, conditions)
	}
}

func (n *notices) noteChange(o lint.Object, before, after trouble, conditions []metav1.Condition) {
	// Conditions come in the order of API.md, Ready first.
	for _, c := range conditions {
		if n.lossy && c.Type == rollcallv1.ConditionPermissionSetCurrent {
			continue
		}
		reason := after[c.Type]
		if reason != "" && before[c.Type] != reason {
			n.add(notice{kind: o.Kind, condition: c.Type, reason: reason}, subject{name: o.Name, message: c.Message})
			return
		}
		if reason == "" && before[c.Type] != "" {
			n.add(notice{kind: o.Kind, condition: c.Type, reason: reasonRestored, normal: true}, subject{name: o.Name})
			return
		}
	}
	for condition := range before { // a condition that is not there any more, such as Suspended
		if after[condition] == "" {
			n.add(notice{kind: o.Kind, condition: condition, reason: reasonRestored, normal: true}, subject{name: o.Name})
			return
		}
	}
}

func (n *notices) add(what notice, who subject) { n.due[what] = append(n.due[what], who) }

// departures notes deletions that a policy forbids. It reads the organization as it was before the batch.
func (n *notices) departures(e *engine.Engine, batch []roster.Change) {
	policies := e.Roster.Policies(nil)
	for _, c := range batch {
		if !c.Deleted {
			continue
		}
		switch o := lint.ObjectOf(c.Object); o.Kind {
		case roster.KindUserGroup:
			g := e.Roster.UserGroup(nil, o.Name)
			if g != nil && *policies.GroupDeletion == rollcallv1.GroupDeletionDisableOnly && g.Annotations[rollcallv1.AnnotationAllowDelete] != "true" {
				n.add(notice{kind: o.Kind, reason: reasonDeletedUnderDisableOnly}, subject{name: o.Name, object: g,
					message: "deleted although policies.groupDeletion is DisableOnly: its members lose what came through it"})
			}
		case roster.KindTeammate:
			t := e.Roster.Teammate(nil, o.Name)
			if t != nil && *policies.TeammateDeletion == rollcallv1.TeammateDeletionArchiveFirst && e.Lifecycle.State(nil, o.Name).Phase != rollcallv1.PhaseArchived {
				n.add(notice{kind: o.Kind, reason: reasonDeletedWithoutArchive}, subject{name: o.Name, object: t,
					message: "deleted without having been archived, although policies.teammateDeletion is ArchiveFirst"})
			}
		}
	}
}

// lost notes the loss of a Ledger object, or with no name that of the whole Ledger.
func (n *notices) lost(name string) {
	n.lossy = true
	n.add(notice{kind: kindLedger, reason: reasonLedgerLost}, subject{name: cmp.Or(name, "all of it"),
		message: "what it remembered counts as unknown, which takes access from nobody and gives none (R-1)"})
}

// notReady counts the objects of each kind that are not Ready.
func (n *notices) notReady() map[string]int {
	out := map[string]int{}
	for o, t := range n.troubles {
		if t[rollcallv1.ConditionReady] != "" {
			out[o.Kind]++
		}
	}
	return out
}

// send writes the Events and forgets them.
func (n *notices) send(recorder events.EventRecorder, s store, namespace string, organization *rollcallv1.Organization) {
	order := func(a, b notice) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.condition, b.condition), strings.Compare(a.reason, b.reason))
	}
	for _, what := range slices.SortedFunc(maps.Keys(n.due), order) {
		subjects := n.due[what]
		slices.SortFunc(subjects, func(a, b subject) int { return strings.Compare(a.name, b.name) })
		for some := range slices.Chunk(subjects, similar) {
			var regarding apiruntime.Object = organization
			if first := some[0]; first.object != nil {
				regarding = first.object
			} else if s[what.kind] != nil && what.kind != kindLedger {
				if o := s.get(what.kind, namespace, first.name); o != nil {
					regarding = o
				}
			}
			level := corev1.EventTypeWarning
			if what.normal {
				level = corev1.EventTypeNormal
			}
			recorder.Eventf(regarding, organization, level, what.reason, "Compute", "%s", noteOf(what, some))
		}
	}
	clear(n.due)
	n.lossy = false
}

const (
	maxNote  = 1000 // bytes; the API takes 1,024
	maxNamed = 10
)

// noteOf is the text of an Event: what the one object says, or how many there are and the first names.
func noteOf(what notice, some []subject) string {
	head := what.kind + " " + some[0].name
	if len(some) > 1 {
		names := make([]string, 0, maxNamed)
		for _, s := range some[:min(len(some), maxNamed)] {
			names = append(names, s.name)
		}
		head = fmt.Sprintf("%d of kind %s, first %s", len(some), what.kind, strings.Join(names, ", "))
	}
	text := head
	switch {
	case what.normal:
		text += ": " + what.condition + " is as it should be again"
	case what.condition != "":
		text += fmt.Sprintf(": %s is not as it should be (%s)", what.condition, what.reason)
		if some[0].message != "" {
			text += ": " + some[0].message
		}
	default:
		text += ": " + some[0].message
	}
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote], "") + "…"
	}
	return text
}
