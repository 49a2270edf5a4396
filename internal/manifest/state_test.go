package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

const mention = `apiVersion: rollcall.dev/v1alpha1
kind: Mention
metadata: {name: m, namespace: ns}
spec: {conversation: {externalID: c}, groups: [{name: g}], source: {type: Flow}}
status:
  phase: Pending
  acceptedAt: "2027-03-01T12:00:00Z"
  alerts: [{name: ana, via: [g], state: Suspended}]
`

// TestMentionsKeepTheirStatus: it is state, so snapshots carry it, and files to start from do not.
func TestMentionsKeepTheirStatus(t *testing.T) {
	set, errs := parse(t, mention)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	m := set.Objects[0].Object.(*rollcallv1.Mention)
	want := []rollcallv1.MentionAlert{{Name: "ana", Via: []string{"g"}, State: rollcallv1.AlertStateSuspended}}
	if diff := cmp.Diff(want, m.Status.Alerts); diff != "" || m.Status.Phase != rollcallv1.MentionPhasePending || m.Status.AcceptedAt == nil {
		t.Errorf("status %+v, alerts (-want +got):\n%s", m.Status, diff)
	}
	snapshot, err := Write(true, m)
	if err != nil {
		t.Fatal(err)
	}
	again, errs := parse(t, string(snapshot))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(m.Status, again.Objects[0].Object.(*rollcallv1.Mention).Status); diff != "" {
		t.Errorf("through a snapshot (-want +got):\n%s", diff)
	}
	if plain, err := Write(false, m); err != nil || strings.Contains(string(plain), "status") {
		t.Errorf("%v, a status in\n%s", err, plain)
	}
}

func TestTheStatusOfOtherKindsIsNotRead(t *testing.T) {
	set, errs := parse(t, teammate("  identity: {email: ana@x.example}\nstatus: {phase: Archived}\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got := set.Objects[0].Object.(*rollcallv1.Teammate).Status.Phase; got != "" {
		t.Errorf("phase %q was read", got)
	}
}

func TestAStatusThatIsNoneIsRefused(t *testing.T) {
	_, errs := parse(t, strings.Replace(mention, "alerts: [{name: ana, via: [g], state: Suspended}]", "alerts: many", 1))
	if len(errs) != 1 || errs[0].Object != "Mention/m" {
		t.Errorf("%v", errs)
	}
}
