package command

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// conditions are those of a Downstream that is in step, but for these.
func conditions(other ...metav1.Condition) []metav1.Condition {
	out := []metav1.Condition{}
	for _, c := range abnormal {
		condition := metav1.Condition{Type: c.condition, Status: c.well, Reason: "AsExpected"}
		for _, o := range other {
			if o.Type == c.condition {
				condition = o
			}
		}
		out = append(out, condition)
	}
	return out
}

func TestDownstreamsInTheRollCall(t *testing.T) {
	waits := metav1.Condition{Type: rollcallv1.ConditionSynced, Status: metav1.ConditionFalse, Reason: "Incomplete", Message: "9 changes are not made"}
	held := metav1.Condition{Type: rollcallv1.ConditionRemovalsHeld, Status: metav1.ConditionTrue, Reason: "OverLimit", Message: "4 removals are held, 4 of them over a limit"}
	away := metav1.Condition{Type: rollcallv1.ConditionReachable, Status: metav1.ConditionFalse, Reason: "ConnectionFailed", Message: "Unavailable (timeout)"}
	drifted := metav1.Condition{Type: rollcallv1.ConditionDrifted, Status: metav1.ConditionTrue, Reason: "DriftFound", Message: "2 records were changed by somebody else"}
	removals := &rollcallv1.HeldRemovals{Count: 4, Hash: "0123456789abcdef"}
	approved := removals.DeepCopy()
	approved.ApprovedAt = new(metav1.NewTime(monday))
	for name, tc := range map[string]struct {
		status              rollcallv1.DownstreamStatus
		wantRow, wantAnswer string
	}{
		"nothing said yet": {
			wantRow: "warehouse PostgreSQL Observe - - - -", wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe"}`,
		},
		"in step": {
			status:     rollcallv1.DownstreamStatus{Conditions: conditions(), Plan: &rollcallv1.DownstreamPlan{}},
			wantRow:    "warehouse PostgreSQL Observe yes 0 no 0",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":true,"creates":0,"updates":0,"removals":0,"drifted":false,"held":0}`,
		},
		"to do": {
			status:  rollcallv1.DownstreamStatus{Conditions: conditions(waits), Plan: &rollcallv1.DownstreamPlan{Creates: 6, Removals: 3}},
			wantRow: "warehouse PostgreSQL Observe no +6 -3 no 0 Incomplete: 9 changes are not made",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":false,"reason":"Incomplete","message":"9 changes are not made",` +
				`"creates":6,"updates":0,"removals":3,"drifted":false,"held":0}`,
		},
		"held": {
			status:  rollcallv1.DownstreamStatus{Conditions: conditions(held, waits), Plan: &rollcallv1.DownstreamPlan{Removals: 4}, Held: removals},
			wantRow: "warehouse PostgreSQL Observe no -4 no 4 OverLimit: 4 removals are held, 4 of them over a limit; see kubectl rollcall approve warehouse",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":false,"reason":"OverLimit","message":"4 removals are held, 4 of them over a limit",` +
				`"creates":0,"updates":0,"removals":4,"drifted":false,"held":4,"heldHash":"0123456789abcdef"}`,
		},
		"approved": {
			status:  rollcallv1.DownstreamStatus{Conditions: conditions(held, waits), Plan: &rollcallv1.DownstreamPlan{Removals: 4}, Held: approved},
			wantRow: "warehouse PostgreSQL Observe no -4 no 4 OverLimit: 4 removals are held, 4 of them over a limit; approved",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":false,"reason":"OverLimit","message":"4 removals are held, 4 of them over a limit",` +
				`"creates":0,"updates":0,"removals":4,"drifted":false,"held":4,"heldHash":"0123456789abcdef","approvedAt":"2027-03-01T09:00:00Z"}`,
		},
		"away": {
			status:  rollcallv1.DownstreamStatus{Conditions: conditions(away, waits, held), Plan: &rollcallv1.DownstreamPlan{Updates: 2}},
			wantRow: "warehouse PostgreSQL Observe no ~2 no 0 ConnectionFailed: Unavailable (timeout)",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":false,"reason":"ConnectionFailed","message":"Unavailable (timeout)",` +
				`"creates":0,"updates":2,"removals":0,"drifted":false,"held":0}`,
		},
		"drifted": {
			status:  rollcallv1.DownstreamStatus{Conditions: conditions(drifted, waits), Plan: &rollcallv1.DownstreamPlan{}},
			wantRow: "warehouse PostgreSQL Observe no 0 yes 0 DriftFound: 2 records were changed by somebody else",
			wantAnswer: `{"name":"warehouse","driver":"PostgreSQL","mode":"Observe","synced":false,"reason":"DriftFound","message":"2 records were changed by somebody else",` +
				`"creates":0,"updates":0,"removals":0,"drifted":true,"held":0}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &rollcallv1.Downstream{Spec: rollcallv1.DownstreamSpec{Driver: rollcallv1.DriverPostgreSQL}, Status: tc.status}
			d.Name = "warehouse"
			got := statusOf(d)
			answer, err := encodeJSON(got)
			if err != nil {
				t.Fatal(err)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, answer); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.wantAnswer, compact.String()); diff != "" {
				t.Errorf("json: -want +got:\n%s", diff)
			}
			var out bytes.Buffer
			tbl := &table{w: tabwriter.NewWriter(&out, 0, 8, 2, ' ', tabwriter.StripEscape)}
			downstreamTable(tbl, []downstreamStatus{got})
			if err := tbl.w.Flush(); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if row := strings.Join(strings.Fields(lines[1]), " "); row != tc.wantRow {
				t.Errorf("row %q, want %q", row, tc.wantRow)
			}
		})
	}
}

// On files there is no status: what a Downstream is for is all that can be said.
func TestDownstreamsInTheRollCallOnFiles(t *testing.T) {
	text, err := os.ReadFile(in("care.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, string(text)+`---
apiVersion: rollcall.dev/v1alpha1
kind: Downstream
metadata: {name: warehouse, namespace: care}
spec: {driver: PostgreSQL, postgreSQL: {}, mode: Upsert, records: [Users], credentialsSecretRef: {name: dsn}}
status: {held: {count: 4, hash: "0123456789abcdef", first: []}}
`, "status", "-f", "-", "-n", "care")
	if got.code != 0 || !strings.Contains(got.out, "warehouse   PostgreSQL  Upsert  -       -      -      -") {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
}
