package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// TestMentionNames: names are safe whatever the conversation is called, and differ in whatever makes two mentions.
func TestMentionNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	spec := func(conversation, text string, groups ...string) *rollcallv1.MentionSpec {
		out := &rollcallv1.MentionSpec{Message: text, Source: &rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeManual}}
		if conversation != "" {
			out.Conversation = &rollcallv1.MentionConversation{ExternalID: conversation}
		}
		for _, g := range groups {
			out.Groups = append(out.Groups, rollcallv1.ObjectRef{Name: g})
		}
		return out
	}
	seen := map[string]bool{}
	for _, tc := range []struct {
		spec       *rollcallv1.MentionSpec
		at         time.Time
		wantPrefix string
	}{
		{spec("conv-4711", "a", "g1"), monday, "conv-4711-"},
		{spec("conv-4711", "b", "g1"), monday, "conv-4711-"},
		{spec("conv-4711", "a", "g2"), monday, "conv-4711-"},
		{spec("conv-4711", "a", "g1"), monday.Add(time.Second), "conv-4711-"},
		{spec("Conv/4711", "a", "g1"), monday, "conv-4711-"},
		{spec("", "a", "g1"), monday, "notice-"},
		{spec("разговор", "a"), monday, "mention-"},
		{spec("--", "a"), monday, "mention-"},
		{spec("İ#7 (web)", "a"), monday, "i-7-web-"},
		{spec(strings.Repeat("x", 256), "a"), monday, strings.Repeat("x", 40) + "-"},
		{spec(strings.Repeat("x", 39)+"/7", "a"), monday, strings.Repeat("x", 39) + "-"},
	} {
		got := mentionName(tc.spec, tc.at)
		if !strings.HasPrefix(got, tc.wantPrefix) || !name.MatchString(got) || seen[got] {
			t.Errorf("%+v is named %q, want another name beginning with %q", tc.spec, got, tc.wantPrefix)
		}
		seen[got] = true
		if again := mentionName(tc.spec, tc.at); again != got {
			t.Errorf("%q is named %q the second time", got, again)
		}
	}
}

// TestMentionManifests: what the commands write for files is a Mention that validate accepts, of the targets asked for.
func TestMentionManifests(t *testing.T) {
	for name, tc := range map[string]struct {
		args          []string
		wantGroups    []string
		wantTeammates []string
		wantReach     string
	}{
		"mention":           {[]string{"mention", "g2", "g1", "g2", "--conversation", "c-1", "Help"}, []string{"g1", "g2"}, nil, "reaches ana, ben, cid"},
		"a disabled group":  {[]string{"mention", "nights", "g2", "--conversation", "c-1", "Help"}, []string{"g2", "nights"}, nil, "reaches ana, cid; not nights (Disabled)"},
		"nobody":            {[]string{"mention", "nights", "--conversation", "c-1", "Help"}, []string{"nights"}, nil, "reaches nobody; not nights (Disabled)"},
		"no text to say":    {[]string{"mention", "g1", "--conversation", "c-1", ""}, []string{"g1"}, nil, "reaches ana, ben"},
		"of a line":         {[]string{"mention", "g1", "--conversation", "c-1", "--profile", "line", "Help"}, []string{"g1"}, nil, "reaches ana, ben"},
		"notify":            {[]string{"notify", "ANA@x.example", "ben", "ana", "Hello"}, nil, []string{"ana", "ben"}, "reaches ana, ben"},
		"notify by labels":  {[]string{"notify", "--selector", "language=fr", "Hello"}, nil, []string{"ana", "ben"}, "reaches ana, ben"},
		"notify a group":    {[]string{"notify", "--group", "g1", "Hello"}, []string{"g1"}, nil, "reaches ana, ben"},
		"people and groups": {[]string{"notify", "max", "tom", "--group", "g2", "Hello"}, []string{"g2"}, []string{"max", "tom"}, "reaches ana, cid, max"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", append(tc.args, "-f", in("mentions.yaml"))...)
			if got.code != 0 {
				t.Fatal(got.err)
			}
			set, errs := manifest.Parse([]manifest.Source{{Name: "written", Data: []byte(got.out)}}, metav1.NamespaceDefault)
			if len(errs) > 0 || len(set.Objects) != 1 {
				t.Fatalf("%v\n%s", errs, got.out)
			}
			m := set.Objects[0].Object.(*rollcallv1.Mention)
			if groups := names(m.Spec.Groups); !slices.Equal(groups, tc.wantGroups) {
				t.Errorf("groups %v, want %v", groups, tc.wantGroups)
			}
			if teammates := names(m.Spec.Teammates); !slices.Equal(teammates, tc.wantTeammates) {
				t.Errorf("teammates %v, want %v", teammates, tc.wantTeammates)
			}
			if m.Spec.Message != tc.args[len(tc.args)-1] {
				t.Errorf("message %q", m.Spec.Message)
			}
			if c := m.Spec.Conversation; (c != nil) != (tc.args[0] == "mention") {
				t.Errorf("conversation %+v", c)
			} else if c != nil && c.ProfileRef != nil && valueOf(c.PracticeName) != "north" {
				t.Errorf("a conversation on a line of north is of practice %q", valueOf(c.PracticeName))
			}
			if !strings.Contains(got.err, "note: "+tc.wantReach+"\n") || !strings.Contains(got.err, "spec.source.username") {
				t.Errorf("stderr %q, want %q and what is missing", got.err, tc.wantReach)
			}
		})
	}
}

func names(refs []rollcallv1.ObjectRef) []string {
	var out []string
	for _, r := range refs {
		out = append(out, r.Name)
	}
	return out
}

// TestMentionAsJSON: the manifest is JSON where -o says so, and the same Mention.
func TestMentionAsJSON(t *testing.T) {
	for _, command := range [][]string{{"mention", "g1", "--conversation", "c-1", "Help & <more>"}, {"notify", "ana", "Hello"}} {
		written := run(t, "", append(command, "-f", in("mentions.yaml"))...)
		got := run(t, "", append(command, "-f", in("mentions.yaml"), "-o", "json")...)
		var asJSON, asYAML map[string]any
		if err := json.Unmarshal([]byte(got.out), &asJSON); err != nil || got.code != 0 {
			t.Fatalf("%v %v", err, got)
		}
		if err := yaml.Unmarshal([]byte(written.out), &asYAML); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asYAML, asJSON); diff != "" || asJSON["kind"] != "Mention" {
			t.Errorf("JSON differs (-yaml +json):\n%s", diff)
		}
	}
}

// TestMentionIntoFolder writes a file, which reads back, and replaces none.
func TestMentionIntoFolder(t *testing.T) {
	dir := t.TempDir()
	args := []string{"notify", "ana", "Hello", "-f", in("mentions.yaml"), "-d", dir}
	if got := run(t, "", args...); got.code != 0 || !strings.HasPrefix(got.out, dir) {
		t.Fatal(got)
	}
	if got := run(t, "", args...); got.code != exitInput || !strings.Contains(got.err, "exists already") {
		t.Error(got)
	}
	// The author is missing: this is what the note said.
	got := run(t, "", "validate", "-f", in("mentions.yaml"), "-f", dir, "-o", "json")
	if !strings.Contains(got.out, `"object": "Mention/notice-`) || !strings.Contains(got.out, `"rule": "AuthorNotAllowed"`) {
		t.Error(got.out, got.err)
	}
}

// TestIdle says which resolutions would not count.
func TestIdle(t *testing.T) {
	pending := func(state rollcallv1.AlertState) rollcallv1.MentionStatus {
		return rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhasePending, Alerts: []rollcallv1.MentionAlert{{Name: "ana", State: state}}}
	}
	for name, tc := range map[string]struct {
		status rollcallv1.MentionStatus
		want   string
	}{
		"pending":      {pending(rollcallv1.AlertStatePending), ""},
		"suspended":    {pending(rollcallv1.AlertStateSuspended), "Suspended"},
		"resolved":     {pending(rollcallv1.AlertStateResolved), "is Resolved"},
		"closed":       {pending(rollcallv1.AlertStateClosed), "is Closed"},
		"not alerted":  {rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhasePending}, "was not alerted"},
		"over":         {rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhaseExpired}, "Expired already"},
		"notification": {rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhaseNotified}, "Notified already"},
		"not seen":     {rollcallv1.MentionStatus{}, "not looked at it"},
	} {
		t.Run(name, func(t *testing.T) {
			got := idle(&rollcallv1.Mention{Status: tc.status}, "ana")
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestResolvedBefore: what the same person settled already is no failure, for scripts that try again.
func TestResolvedBefore(t *testing.T) {
	entry := func(name string, action rollcallv1.ResolutionAction) []rollcallv1.Resolution {
		return []rollcallv1.Resolution{{Name: name, Action: action}}
	}
	const resolve, closing = rollcallv1.ResolutionActionResolve, rollcallv1.ResolutionActionCloseAndResolve
	for name, tc := range map[string]struct {
		state   rollcallv1.AlertState
		entries []rollcallv1.Resolution
		action  rollcallv1.ResolutionAction
		want    bool
	}{
		"the same":                {rollcallv1.AlertStateResolved, entry("ana", resolve), resolve, true},
		"closed before":           {rollcallv1.AlertStateResolved, entry("ana", closing), resolve, true},
		"closed and again closed": {rollcallv1.AlertStateResolved, entry("ana", closing), closing, true},
		"resolved, now to close":  {rollcallv1.AlertStateResolved, entry("ana", resolve), closing, false},
		"settled by somebody":     {rollcallv1.AlertStateResolved, entry("ben", resolve), resolve, false},
		"not taken yet":           {rollcallv1.AlertStatePending, entry("ana", resolve), resolve, false},
		"did not count":           {rollcallv1.AlertStateClosed, entry("ana", resolve), resolve, false},
		"nobody wrote an entry":   {rollcallv1.AlertStateResolved, nil, resolve, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &rollcallv1.Mention{Spec: rollcallv1.MentionSpec{Resolutions: tc.entries}}
			m.Status.Alerts = []rollcallv1.MentionAlert{{Name: "ana", State: tc.state}}
			if got := resolvedBefore(m, rollcallv1.Resolution{Name: "ana", Action: tc.action}); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestClusterError: a denial comes from a cluster that was reached.
func TestClusterError(t *testing.T) {
	teammates := schema.GroupResource{Group: "rollcall.dev", Resource: "teammates"}
	for name, tc := range map[string]struct {
		err      error
		wantCode int
		wantText string
	}{
		"denied":      {apierrors.NewForbidden(teammates, "", errors.New("not yours")), exitNo, "denied: teammates"},
		"no CRDs":     {apierrors.NewNotFound(teammates, ""), exitUnreachable, "expected a cluster with the CRDs"},
		"unreachable": {&url.Error{Op: "Get", URL: "https://x", Err: errors.New("refused")}, exitUnreachable, "expected a reachable cluster"},
		"in between":  {fmt.Errorf("asking: %w", apierrors.NewForbidden(teammates, "", errors.New("no"))), exitNo, "denied: asking"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := errors.AsType[*failure](clusterError(tc.err))
			if !ok || got.code != tc.wantCode || !strings.Contains(got.Error(), tc.wantText) {
				t.Errorf("%+v, want %d %q", got, tc.wantCode, tc.wantText)
			}
		})
	}
}

// TestOfUser: of several people with one user name, the operator says who holds it.
func TestOfUser(t *testing.T) {
	person := func(username string, keys metav1.ConditionStatus) *rollcallv1.Teammate {
		tm := &rollcallv1.Teammate{}
		tm.Spec.Identity.Username = &username
		if keys != "" {
			tm.Status.Conditions = []metav1.Condition{{Type: rollcallv1.ConditionKeysUnique, Status: keys}}
		}
		return tm
	}
	for name, tc := range map[string]struct {
		people    people
		want      string
		wantError string
	}{
		"nobody":          {people{"ana": person("ana", "")}, "", ""},
		"one":             {people{"ana": person("ana", ""), "max": person("max", "")}, "max", ""},
		"one, judged":     {people{"max": person("max", metav1.ConditionFalse)}, "max", ""},
		"two, one holder": {people{"max": person("max", metav1.ConditionTrue), "min": person("max", metav1.ConditionFalse)}, "max", ""},
		"two, not judged": {people{"max": person("max", ""), "min": person("max", "")}, "", `"max" is claimed by max, min`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.people.ofUser("max")
			if got != tc.want || (err == nil) != (tc.wantError == "") || err != nil && !strings.Contains(err.Error(), tc.wantError) {
				t.Errorf("%q %v, want %q %q", got, err, tc.want, tc.wantError)
			}
		})
	}
}
