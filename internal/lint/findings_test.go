package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// constants returns the string constants of the API package whose names begin with a prefix.
func constants(t *testing.T, prefix string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../api/v1alpha1/*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, prefix) {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					out[v.Names[0].Name], _ = strconv.Unquote(lit.Value)
				}
			}
			return true
		})
	}
	return out
}

// TestEveryConditionIsWeighed: a new condition must be put into the table, or here with a reason not to.
func TestEveryConditionIsWeighed(t *testing.T) {
	silent := map[string]string{
		rollcallv1.ConditionReconciling: "passes by itself",
		rollcallv1.ConditionStalled:     "repeats another condition",
		rollcallv1.ConditionInUse:       "True is a fact about a group, not a fault",
		// Of a Downstream, what is known only while its system is spoken to.
		rollcallv1.ConditionReachable:    "not known from manifests",
		rollcallv1.ConditionSynced:       "not known from manifests",
		rollcallv1.ConditionDrifted:      "not known from manifests",
		rollcallv1.ConditionRemovalsHeld: "not known from manifests",
	}
	all := constants(t, "Condition")
	if len(all) < 20 {
		t.Fatalf("%d conditions found", len(all))
	}
	for name, condition := range all {
		_, weighed := weights[condition]
		_, quiet := silent[condition]
		if weighed == quiet {
			t.Errorf("%s: weighed %v, silent %v", name, weighed, quiet)
		}
	}
	reasonsOfAPI := map[string]bool{}
	for _, reason := range constants(t, "Reason") {
		reasonsOfAPI[reason] = true
	}
	for reason := range reasons {
		if !reasonsOfAPI[reason] {
			t.Errorf("%s is no reason of the API", reason)
		}
	}
}

func TestFindingsOf(t *testing.T) {
	object := Object{Kind: "Teammate", Name: "ana"}
	is := func(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	for name, tc := range map[string]struct {
		object     Object
		conditions []metav1.Condition
		want       []Finding
	}{
		"all is well": {object, []metav1.Condition{
			is(rollcallv1.ConditionReady, metav1.ConditionTrue, ReasonAsExpected, ""),
			is(rollcallv1.ConditionKeysUnique, metav1.ConditionTrue, ReasonAsExpected, ""),
		}, nil},
		"Ready repeats what is said more precisely": {object, []metav1.Condition{
			is(rollcallv1.ConditionReady, metav1.ConditionFalse, rollcallv1.ReasonInvalid, "role"),
			is(rollcallv1.ConditionStalled, metav1.ConditionTrue, rollcallv1.ReasonInvalid, "role"),
			is(rollcallv1.ConditionRoleAllowed, metav1.ConditionFalse, rollcallv1.ReasonOwnerNotTenantAdmin, "no"),
		}, []Finding{{SeverityError, rollcallv1.ReasonOwnerNotTenantAdmin, "Teammate/ana", "spec.accountRoleRef", "no"}}},
		"Ready alone": {object, []metav1.Condition{
			is(rollcallv1.ConditionReady, metav1.ConditionFalse, rollcallv1.ReasonInvalid, "role"),
			is(rollcallv1.ConditionCardComplete, metav1.ConditionFalse, rollcallv1.ReasonMissingFields, "bio"),
		}, []Finding{
			{SeverityWarning, rollcallv1.ReasonMissingFields, "Teammate/ana", "spec", "bio"},
			{SeverityError, rollcallv1.ReasonInvalid, "Teammate/ana", "", "role"},
		}},
		"a message names its field": {object, []metav1.Condition{
			is(rollcallv1.ConditionReferencesResolved, metav1.ConditionFalse, rollcallv1.ReasonUnresolvedReference, `spec.profiles names Profile "x"`),
		}, []Finding{{SeverityError, rollcallv1.ReasonUnresolvedReference, "Teammate/ana", "spec.profiles", `spec.profiles names Profile "x"`}}},
		"a key names its field": {object, []metav1.Condition{
			is(rollcallv1.ConditionKeysUnique, metav1.ConditionFalse, rollcallv1.ReasonDuplicateKey, "employeeID=7 is held by Teammate/bob"),
		}, []Finding{{SeverityError, rollcallv1.ReasonDuplicateKey, "Teammate/ana", "spec.identity.employeeID", "employeeID=7 is held by Teammate/bob"}}},
		"a key of a group": {Object{Kind: "UserGroup", Name: "g"}, []metav1.Condition{
			is(rollcallv1.ConditionKeysUnique, metav1.ConditionFalse, rollcallv1.ReasonDuplicateKey, "extension=7 is held by Teammate/bob"),
		}, []Finding{{SeverityError, rollcallv1.ReasonDuplicateKey, "UserGroup/g", "spec.voice.extension", "extension=7 is held by Teammate/bob"}}},
		"data quality is a warning": {object, []metav1.Condition{
			is(rollcallv1.ConditionPolicyCompliant, metav1.ConditionFalse, rollcallv1.ReasonIdentityMissing, "m"),
		}, []Finding{{SeverityWarning, rollcallv1.ReasonIdentityMissing, "Teammate/ana", "spec.identity", "m"}}},
		"nobody asked for mentions": {Object{Kind: "UserGroup", Name: "g"}, []metav1.Condition{
			is(rollcallv1.ConditionMentionable, metav1.ConditionFalse, rollcallv1.ReasonMentionOff, ""),
		}, nil},
		"suspended is True": {Object{Kind: "Organization", Name: "default"}, []metav1.Condition{
			is(rollcallv1.ConditionSuspended, metav1.ConditionTrue, rollcallv1.ReasonRequested, ""),
		}, []Finding{{SeverityInfo, rollcallv1.ReasonRequested, "Organization/default", "spec.suspend", "Suspended is True"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, findingsOf(tc.object, tc.conditions)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
