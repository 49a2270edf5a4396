package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// cards is an organization whose cards have to be approved. Its author has habits that an edit has to leave alone.
const cards = `# Cards are approved by the editors.
apiVersion: rollcall.dev/v1alpha1
kind: Organization
metadata: {name: default}
spec:
  preset: AgentFeedback
  policies: {permissionSetApplication: OnReflash}   # as in the old system
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ana}
spec:
  identity: {email: ana@x.example, employeeID: "7"}
  firstName: Ana
  lastName: Novak

  accountRoleRef: {name: agent}
  canManageTeams: true # leads nobody yet
  channels: [Chat]
  card:
    image: {url: "https://img.x.example/ana.png"}
    bio: >-
      Knows tents
      and rain.
    stateOrCountry: Quebec
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ben}
spec:
  identity: {email: ben@x.example}
  firstName: Ben
  accountRoleRef: {name: agent}
  card:
    bio: Short.
    approval: {state: Rejected, cardHash: "0123456789abcdef", comment: "Too short."} # on Monday
---
apiVersion: rollcall.dev/v1alpha1
kind: ProfileRole
metadata: {name: care}
spec: {permissions: [care.view]}
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: desk}
spec:
  permissionSet:
    # The editors know when.
    profileRoleRef: {name: care}
    reflashToken: "1"
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: plain}
spec: {}
`

func cardFile(t *testing.T) string {
	t.Helper()
	return writeFile(t, filepath.Join(t.TempDir(), "cards.yaml"), []byte(cards))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// M-36, S-26 and S-27 in files: a card waits, is approved as it is, and waits again once it changes. Nothing else in the file
// changes.
func TestApproveCard(t *testing.T) {
	file := cardFile(t)
	phase := func(want string) {
		t.Helper()
		if got := run(t, "", "access", "ana", "-f", file, "-o", "json"); !strings.Contains(got.out, `"phase": "`+want+`"`) {
			t.Errorf("got %s%s, want phase %s", got.out, got.err, want)
		}
	}
	phase("PendingReview")
	got := run(t, "", "approve-card", "ana@x.example", "ben", "7", "-f", file, "-o", "json")
	want := `{
  "results": [
    {
      "teammate": "ana",
      "result": "Succeeded"
    },
    {
      "teammate": "ben",
      "result": "Succeeded",
      "message": "the card is incomplete: missing: CanManageTeams, Image, LastName, StateOrCountry, Channels, TeamLeader"
    }
  ]
}
`
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d: %s%s", got.code, cmp.Diff(want, got.out), got.err)
	}
	wantLines := `+    approval: {state: Approved, cardHash: "HASH"}
-    approval: {state: Rejected, cardHash: "HASH", comment: "Too short."} # on Monday
+    approval: {state: Approved, cardHash: "HASH"} # on Monday
`
	if diff := cmp.Diff(wantLines, hashes.ReplaceAllString(lines(cards, read(t, file)), `cardHash: "HASH"`)); diff != "" {
		t.Errorf("lines that differ: -want +got:\n%s", diff)
	}
	phase("Active")

	again := run(t, "", "approve-card", "ana", "-f", file, "-o", "json")
	if !strings.Contains(again.out, `"result": "Unchanged"`) || again.code != 0 {
		t.Errorf("again: exit %d: %s", again.code, again.out)
	}
	approved := read(t, file)
	writeFile(t, file, []byte(strings.Replace(approved, "and rain", "and snow", 1)))
	phase("PendingReview")
	if run(t, "", "approve-card", "ana", "-f", file).code != 0 {
		t.Error("the changed card was not approved")
	}
	phase("Active")
}

// A reflash in files is a new token (E-20), and nothing else.
func TestReflash(t *testing.T) {
	file := cardFile(t)
	for n, want := range []string{"20270301T090000Z", "20270301T090000Z-2", "20270301T090000Z"} {
		before := read(t, file)
		got := run(t, "", "reflash", "desk", "-f", file, "-o", "json")
		if got.code != 0 || got.out != "{\n  \"results\": [\n    {\n      \"group\": \"desk\",\n      \"result\": \"Succeeded\"\n    }\n  ]\n}\n" {
			t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
		}
		changed := lines(before, read(t, file))
		if strings.Count(changed, "\n") != 2 || !strings.Contains(changed, `+    reflashToken: "`+want+`"`) && !strings.Contains(changed, `+    reflashToken: `+want) {
			t.Errorf("time %d: got %swant token %s", n, changed, want)
		}
	}
}

func TestNextToken(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	for old, want := range map[string]string{
		"": "20270301T090000Z", "1": "20270301T090000Z", "20270301T085959Z": "20270301T090000Z",
		"20270301T090000Z": "20270301T090000Z-2", "20270301T090000Z-2": "20270301T090000Z",
	} {
		if got := nextToken(now, &old); got != want {
			t.Errorf("after %q: got %q, want %q", old, got, want)
		}
	}
	if got := nextToken(now, nil); got != "20270301T090000Z" {
		t.Errorf("first: got %q", got)
	}
}

// Documents from stdin go to stdout, and results aside.
func TestApproveAndReflashStdin(t *testing.T) {
	for name, tc := range map[string]struct {
		args      []string
		wantLines string
		wantError string
	}{
		"approve-card": {[]string{"approve-card", "ana"}, "+    approval: {state: Approved, cardHash: \"HASH\"}\n", "note: ana: Succeeded"},
		"reflash":      {[]string{"reflash", "desk"}, "-    reflashToken: \"1\"\n+    reflashToken: 20270301T090000Z\n", "note: desk: Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, cards, append(tc.args, "-f", "-")...)
			changed := hashes.ReplaceAllString(lines(cards, got.out), `cardHash: "HASH"`)
			if got.code != 0 || strings.ReplaceAll(changed, `"20270301T090000Z"`, "20270301T090000Z") != tc.wantLines || !strings.Contains(got.err, tc.wantError) {
				t.Errorf("exit %d: %s%s", got.code, changed, got.err)
			}
		})
	}
}

// The message of a reflash says what waited, or that nothing ever does.
func TestStamped(t *testing.T) {
	file := cardFile(t)
	got := run(t, "", "reflash", "desk", "-f", file)
	if got.out != "GROUP  RESULT  MESSAGE\ndesk   Succeeded\n" {
		t.Errorf("got %q", got.out)
	}
	writeFile(t, file, []byte(strings.Replace(cards, "OnReflash", "Continuous", 1)))
	got = run(t, "", "reflash", "desk", "-f", file)
	if !strings.Contains(got.out, "the permission set is applied continuously: nothing waits for a token") {
		t.Errorf("got %q", got.out)
	}
}

func TestApproveAndReflashExitCodes(t *testing.T) {
	file := cardFile(t)
	for name, tc := range map[string]struct {
		args      []string
		wantCode  int
		wantError string
	}{
		"nobody":             {[]string{"approve-card", "-f", file}, 64, "expected kubectl rollcall approve-card NAMES..."},
		"an unknown one":     {[]string{"approve-card", "ana", "zoe", "-f", file}, 65, `teammate "zoe" is unknown`},
		"built manifests":    {[]string{"approve-card", "ana", "-k", samples + "fjordline"}, 64, "expected -f with the files that approve-card is to edit"},
		"no cluster":         {[]string{"approve-card", "ana"}, 69, "expected a cluster, or files"},
		"no group":           {[]string{"reflash", "-f", file}, 64, "expected kubectl rollcall reflash GROUP"},
		"an unknown group":   {[]string{"reflash", "night", "-f", file}, 65, `UserGroup "night" is unknown`},
		"no permission set":  {[]string{"reflash", "plain", "-f", file}, 65, "UserGroup/plain: spec.permissionSet: there is none"},
		"no cluster, either": {[]string{"reflash", "desk"}, 69, "expected a cluster, or files"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", tc.args...)
			if got.code != tc.wantCode || !strings.Contains(got.err, tc.wantError) {
				t.Errorf("exit code %d with %q, want %d with %q", got.code, got.err, tc.wantCode, tc.wantError)
			}
		})
	}
	if read(t, file) != cards {
		t.Error("a refused command has changed the file")
	}
}

// A field of somebody else is found by its owner, one beside it is not.
func TestOtherOwner(t *testing.T) {
	for name, tc := range map[string]struct{ manager, fields, want string }{
		"the field":          {"argocd", `{"f:spec":{"f:card":{"f:approval":{}}}}`, "argocd"},
		"a part of it":       {"argocd", `{"f:spec":{"f:card":{"f:approval":{"f:state":{}}}}}`, "argocd"},
		"a field beside it":  {"argocd", `{"f:spec":{"f:card":{"f:bio":{}}}}`, ""},
		"one's own":          {fieldManager, `{"f:spec":{"f:card":{"f:approval":{}}}}`, ""},
		"the struct as such": {"argocd", `{"f:spec":{"f:card":{".":{}}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tm := builder.Teammate("ana")
			tm.ManagedFields = managed(tc.manager, tc.fields)
			got, err := otherOwner(tm, cardApproval)
			if err != nil || got != tc.want {
				t.Errorf("got %q and %v, want %q", got, err, tc.want)
			}
		})
	}
	broken := builder.Teammate("ana")
	broken.ManagedFields = managed("x", "[")
	if _, err := otherOwner(broken, cardApproval); err == nil {
		t.Error("unreadable fields are no error")
	}
}

func managed(manager, fields string) []metav1.ManagedFieldsEntry {
	return []metav1.ManagedFieldsEntry{{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}}
}

// hashes are cards' hashes in YAML, with quotes or without.
var hashes = regexp.MustCompile(`cardHash: "?[0-9a-f]{16}"?`)

// contested is a cluster in which others write too: it holds a newer object, and refuses writes on older ones.
type contested struct {
	client.Client
	stored *rollcallv1.Teammate
	wrote  *rollcallv1.Teammate
}

func (c *contested) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.stored.DeepCopyInto(into.(*rollcallv1.Teammate))
	return nil
}

func (c *contested) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.PatchOption) error {
	if o.GetResourceVersion() != c.stored.ResourceVersion {
		return apierrors.NewConflict(schema.GroupResource{Resource: "teammates"}, o.GetName(), errors.New("changed"))
	}
	c.wrote = o.(*rollcallv1.Teammate)
	return nil
}

// An approval is of the card that was looked at: what else somebody changes meanwhile is kept, another card is not approved.
func TestApprovalMeetsAnotherWriter(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(*rollcallv1.Teammate)
		want      string
	}{
		"another field": {func(tm *rollcallv1.Teammate) { tm.Spec.MaxChats = new(int32(3)) }, ""},
		"the card":      {func(tm *rollcallv1.Teammate) { tm.Spec.FirstName = new("Anna") }, "the card has changed since it was read"},
		"an approval": {func(tm *rollcallv1.Teammate) {
			tm.Spec.Card = &rollcallv1.Card{Approval: approved(tm).Spec.Card.Approval}
		}, ""},
		"an approval by a manager": {func(tm *rollcallv1.Teammate) {
			tm.Spec.Card = &rollcallv1.Card{Approval: &rollcallv1.CardApproval{State: rollcallv1.ApprovalStatePending}}
			tm.ManagedFields = managed("argocd", `{"f:spec":{"f:card":{"f:approval":{}}}}`)
		}, `spec.card.approval is owned by field manager "argocd"`},
	} {
		t.Run(name, func(t *testing.T) {
			read := builder.Teammate("ana")
			read.ResourceVersion = "1"
			newer := read.DeepCopy()
			newer.ResourceVersion = "2"
			tc.meanwhile(newer)
			c := &contested{stored: newer}
			seen := map[string]string{"ana": roster.CardOf(read).Hash()}
			err := writeLive(t.Context(), &live{Client: c, namespace: "default"}, read, cardApproval, approvedAs(seen))
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) || c.wrote != nil {
					t.Errorf("got %v and wrote %v, want %q", err, c.wrote, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if already := roster.CardApproved(newer); (c.wrote == nil) != already {
				t.Errorf("wrote %v, was approved already: %v", c.wrote, already)
			}
			if c.wrote != nil && (!roster.CardApproved(c.wrote) || cmp.Diff(c.wrote.Spec.MaxChats, newer.Spec.MaxChats) != "") {
				t.Errorf("wrote %+v", c.wrote.Spec)
			}
		})
	}
}
