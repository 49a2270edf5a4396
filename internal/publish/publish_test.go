package publish

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
)

var (
	then = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	now  = then.Add(time.Hour)
)

func ready(status metav1.ConditionStatus, reason string, at time.Time, generation int64) metav1.Condition {
	return metav1.Condition{Type: "Ready", Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(at), ObservedGeneration: generation}
}

func TestConditionsKeepTheTimeOfTheirStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		live, want []metav1.Condition
		wantOut    []metav1.Condition
	}{
		"new": {
			want:    []metav1.Condition{{Type: "Ready", Status: "True", Reason: "AsExpected"}},
			wantOut: []metav1.Condition{ready("True", "AsExpected", now, 7)},
		},
		"status moved": {
			live:    []metav1.Condition{ready("True", "AsExpected", then, 6)},
			want:    []metav1.Condition{{Type: "Ready", Status: "False", Reason: "Invalid"}},
			wantOut: []metav1.Condition{ready("False", "Invalid", now, 7)},
		},
		"only the reason moved": {
			live:    []metav1.Condition{ready("False", "NoOrganization", then, 6)},
			want:    []metav1.Condition{{Type: "Ready", Status: "False", Reason: "Invalid"}},
			wantOut: []metav1.Condition{ready("False", "Invalid", then, 7)},
		},
		"a condition that is gone is left out": {
			live: []metav1.Condition{{Type: "Stalled", Status: "True"}}, want: nil, wantOut: []metav1.Condition{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.wantOut, Conditions(tc.live, tc.want, 7, now.Add(300*time.Millisecond))); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithReplacesOneConditionAndKeepsTheOthers(t *testing.T) {
	other := metav1.Condition{Type: "KeysUnique", Status: "True", Reason: "AsExpected", LastTransitionTime: metav1.NewTime(then)}
	got := With([]metav1.Condition{ready("True", "AsExpected", then, 6), other}, metav1.Condition{Type: "Ready", Status: "False", Reason: "NoOrganization"}, 7, now)
	if diff := cmp.Diff([]metav1.Condition{ready("False", "NoOrganization", now, 7), other}, got); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	for name, tc := range map[string]struct {
		have, want  string
		wantSurplus bool
		wantPatch   string
	}{
		"equal":                       {have: `{"a":1,"b":{"c":[1]}}`, want: `{"a":1,"b":{"c":[1]}}`, wantPatch: `{}`},
		"another value":               {have: `{"a":1}`, want: `{"a":2}`, wantPatch: `{"a":2}`},
		"more wanted":                 {have: `{}`, want: `{"b":{"c":1}}`, wantPatch: `{"b":{"c":1}}`},
		"less wanted":                 {have: `{"a":1,"b":2}`, want: `{"b":2}`, wantSurplus: true, wantPatch: `{"a":null}`},
		"less wanted deep inside":     {have: `{"b":{"c":1,"d":2}}`, want: `{"b":{"c":1}}`, wantSurplus: true, wantPatch: `{"b":{"d":null}}`},
		"lists are one value":         {have: `{"l":[1,2]}`, want: `{"l":[1]}`, wantPatch: `{"l":[1]}`},
		"a condition of another type": {have: `{"conditions":[{"type":"A"},{"type":"B"}]}`, want: `{"conditions":[{"type":"A"}]}`, wantSurplus: true, wantPatch: `{"conditions":[{"type":"A"}]}`},
		"a condition that moved":      {have: `{"conditions":[{"type":"A","status":"True"}]}`, want: `{"conditions":[{"type":"A","status":"False"}]}`, wantPatch: `{"conditions":[{"status":"False","type":"A"}]}`},
		"a scalar where a map was":    {have: `{"a":{"b":1}}`, want: `{"a":1}`, wantPatch: `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			var have, want map[string]any
			for text, into := range map[string]*map[string]any{tc.have: &have, tc.want: &want} {
				if err := json.Unmarshal([]byte(text), into); err != nil {
					t.Fatal(err)
				}
			}
			if tc.have == tc.want {
				have = want
			}
			if got := surplus(have, want); got != tc.wantSurplus {
				t.Errorf("surplus = %t, want %t", got, tc.wantSurplus)
			}
			patch, err := json.Marshal(mergePatch(have, want))
			if err != nil {
				t.Fatal(err)
			}
			if string(patch) != tc.wantPatch {
				t.Errorf("patch = %s, want %s", patch, tc.wantPatch)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	object := func(uid string, generation int64) *rollcallv1.Teammate {
		t := &rollcallv1.Teammate{}
		t.UID, t.Generation = "u-1", generation
		if uid != "" {
			t.UID = "u-2"
		}
		return t
	}
	live := object("", 3)
	for name, tc := range map[string]struct {
		standing desk.Standing
		computed *rollcallv1.Teammate
		want     Saying
	}{
		"nothing computed":            {standing: desk.Unknown, want: Nothing},
		"Organization just gone":      {standing: desk.Missing, want: Nothing},
		"no Organization":             {standing: desk.Absent, want: NoOrganization},
		"failed":                      {standing: desk.Failed, computed: object("", 3), want: Nothing},
		"computed":                    {standing: desk.Open, computed: object("", 3), want: Computed},
		"suspended":                   {standing: desk.Suspended, computed: object("", 3), want: Computed},
		"not known to the engine yet": {standing: desk.Open, want: Nothing},
		"an older generation":         {standing: desk.Open, computed: object("", 2), want: Nothing},
		"another object of that name": {standing: desk.Open, computed: object("other", 3), want: Nothing},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Verdict(tc.standing, live, tc.computed); got != tc.want {
				t.Errorf("verdict = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestDeclareSaysWhatTheStatusSays(t *testing.T) {
	status := rollcallv1.TeammateStatus{
		Phase: rollcallv1.PhaseActive, ConfirmedAt: new(metav1.NewTime(then)),
		Conditions: []metav1.Condition{ready("True", "AsExpected", then, 1)},
	}
	declared, err := Declare[acrollcall.TeammateStatusApplyConfiguration](status)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(status)
	got, _ := json.Marshal(declared)
	var a, b any
	_, _ = json.Unmarshal(want, &a), json.Unmarshal(got, &b)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("JSON (-status +declared):\n%s", diff)
	}
}
