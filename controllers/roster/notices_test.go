package roster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/lint"
)

func conditions(text ...string) []metav1.Condition {
	var out []metav1.Condition
	for _, t := range text {
		kind, rest, _ := strings.Cut(t, "=")
		status, reason, _ := strings.Cut(rest, "/")
		out = append(out, metav1.Condition{Type: kind, Status: metav1.ConditionStatus(status), Reason: reason, Message: "why"})
	}
	return out
}

func TestNoticesSayOneThingAboutAnObject(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after []string
		lossy         bool
		want          []notice
	}{
		"a new object that is as it should be": {after: []string{"Ready=True/AsExpected"}},
		"nothing changed":                      {before: []string{"Ready=False/Invalid"}, after: []string{"Ready=False/Invalid"}},
		"a new object with a fault": {
			after: []string{"Ready=True/AsExpected", "ReferencesResolved=False/UnresolvedReference"},
			want:  []notice{{kind: "Teammate", condition: "ReferencesResolved", reason: "UnresolvedReference"}},
		},
		"Ready speaks for what it follows from": {
			before: []string{"Ready=True/AsExpected", "KeysUnique=True/AsExpected"},
			after:  []string{"Ready=False/Invalid", "KeysUnique=False/DuplicateKey", "Stalled=True/Invalid"},
			want:   []notice{{kind: "Teammate", condition: "Ready", reason: "Invalid"}},
		},
		"back again": {
			before: []string{"Ready=False/Invalid", "KeysUnique=False/DuplicateKey"},
			after:  []string{"Ready=True/AsExpected", "KeysUnique=True/AsExpected"},
			want:   []notice{{kind: "Teammate", condition: "Ready", reason: reasonRestored, normal: true}},
		},
		"suspended is abnormal when it is there": {
			after: []string{"Ready=True/AsExpected", "Suspended=True/Requested"},
			want:  []notice{{kind: "Teammate", condition: "Suspended", reason: "Requested"}},
		},
		"resumed": {
			before: []string{"Suspended=True/Requested"}, after: []string{"Ready=True/AsExpected"},
			want: []notice{{kind: "Teammate", condition: "Suspended", reason: reasonRestored, normal: true}},
		},
		"what is off on purpose": {after: []string{"Ready=True/AsExpected", "Mentionable=False/MentionOff", "InUse=True/ReferencedByDepartment"}},
		"pending because the Ledger was lost, which is told already": {
			before: []string{"PermissionSetCurrent=True/AsExpected"}, after: []string{"PermissionSetCurrent=False/PendingReflash"}, lossy: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNotices()
			n.lossy = tc.lossy
			after := conditions(tc.after...)
			n.noteChange(lint.Object{Kind: "Teammate", Name: "ana"}, abnormal(conditions(tc.before...)), abnormal(after), after)
			if diff := cmp.Diff(tc.want, slices.Collect(maps.Keys(n.due)), cmp.AllowUnexported(notice{})); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
		})
	}
}

// heard collects Events.
type heard []string

func (h *heard) Eventf(regarding, _ apiruntime.Object, level, reason, _, note string, args ...any) {
	*h = append(*h, fmt.Sprintf("%s %s %T %s", level, reason, regarding, fmt.Sprintf(note, args...)))
}

func TestOneEventForAThousandSimilarChanges(t *testing.T) {
	n := newNotices()
	for i := range 1500 {
		n.add(notice{kind: "Teammate", condition: "Ready", reason: "Invalid"}, subject{name: fmt.Sprintf("m-%04d", i), message: "why"})
	}
	var h heard
	n.send(&h, store{"Teammate": toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, nil)}, "ns", &rollcallv1.Organization{})
	if len(h) != 2 || !strings.Contains(h[0], "1000 of kind Teammate, first m-0000, ") || !strings.Contains(h[1], "500 of kind Teammate, first m-1000, ") {
		t.Errorf("events = %q", h)
	}
	n.send(&h, nil, "ns", nil)
	if len(h) != 2 {
		t.Errorf("events are sent twice: %q", h)
	}
}

func TestNotesFitIntoAnEvent(t *testing.T) {
	text := noteOf(notice{kind: "Teammate", condition: "Ready", reason: "Invalid"}, []subject{{name: "ana", message: strings.Repeat("ä", 2000)}})
	if len(text) > 1024 || !strings.HasPrefix(text, "Teammate ana: Ready is not as it should be (Invalid): ää") || strings.ContainsRune(text, '\uFFFD') {
		t.Errorf("note of %d bytes: %q", len(text), text)
	}
}
