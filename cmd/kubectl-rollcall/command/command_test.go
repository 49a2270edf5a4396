package command

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// monday is the instant of every test that asks for none: Monday 2027-03-01, 10:00 in Prague.
var monday = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// answer is what one run left behind.
type answer struct {
	out, err string
	code     int
}

func run(t *testing.T, stdin string, args ...string) answer {
	t.Helper()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	var out, errs bytes.Buffer
	code := Run(t.Context(), args, Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs}, func() time.Time { return monday })
	return answer{out.String(), errs.String(), code}
}

const (
	inputFiles = "../testdata/in/"
	samples    = "../../../config/samples/"
)

func in(name string) string { return inputFiles + name }

// assumed is the line of the assumptions made offline.
var assumed = regexp.MustCompile(`(?m)^note: no state in the input: .*\n`)

func TestGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"status":                  {"-f", in("care.yaml")},
		"status-json":             {"status", "-f", in("care.yaml"), "-o", "json"},
		"status-friday-json":      {"-f", in("care.yaml"), "-o", "json", "--at", "2027-03-01T11:30"},
		"status-conflicts":        {"-f", in("dangling.yaml"), "-o", "json"},
		"status-fjordline":        {"-k", samples + "fjordline", "-o", "json"},
		"check":                   {"check", "ana", "care.reply", "page", "-f", in("care.yaml")},
		"check-json":              {"check", "ana", "care.reply", "page", "-f", in("care.yaml"), "-o", "json"},
		"check-account-json":      {"check", "ana", "cases.manage", "-f", in("care.yaml"), "-o", "json"},
		"check-denied-json":       {"check", "ana", "care.delete", "page", "-f", in("care.yaml"), "-o", "json"},
		"check-ceiling-json":      {"check", "bob", "care.reply", "page", "-f", in("care.yaml"), "-o", "json"},
		"check-not-visible-json":  {"check", "ana", "care.view", "hidden", "-f", in("care.yaml"), "-o", "json"},
		"check-not-granted-json":  {"check", "ana", "listening.export", "page", "-f", in("care.yaml"), "-o", "json"},
		"check-gate-json":         {"check", "tom", "care.reply", "page", "-f", in("care.yaml"), "--at", "2027-02-28T12:00", "-o", "json"},
		"access":                  {"access", "ana", "-f", in("care.yaml")},
		"access-json":             {"access", "ana", "-f", in("care.yaml"), "-o", "json"},
		"access-yaml":             {"access", "bob", "-f", in("care.yaml"), "-o", "yaml"},
		"access-all-json":         {"access", "olga", "-f", in("care.yaml"), "-o", "json"},
		"access-closed-json":      {"access", "tom", "-f", in("care.yaml"), "--at", "2027-02-28T12:00", "-o", "json"},
		"access-fjordline":        {"access", "ana@fjordline.example", "-k", samples + "fjordline"},
		"access-fjordline-json":   {"access", "FG-0101", "-k", samples + "fjordline", "-o", "json"},
		"access-chat-desk-json":   {"access", "giulia.conti", "-k", samples + "chat-desk", "-o", "json"},
		"who-can":                 {"who-can", "care.reply", "page", "-f", in("care.yaml")},
		"who-can-json":            {"who-can", "care.reply", "page", "-f", in("care.yaml"), "-o", "json"},
		"who-can-account-json":    {"who-can", "users.edit", "-f", in("care.yaml"), "-o", "json"},
		"who-can-pattern-json":    {"who-can", "*.reply", "-f", in("care.yaml"), "-o", "json"},
		"who-can-filter-json":     {"who-can", "care.view", "--type", "social", "--language", "fr", "--region", "EMEA", "--platform", "facebook", "-f", in("care.yaml"), "-o", "json"},
		"who-can-account-pattern": {"who-can", "roles.*", "-f", in("care.yaml")},
		"who-can-nobody-json":     {"who-can", "voice.listen", "page", "-f", in("care.yaml"), "-o", "json"},
		"who-can-forgot-profile":  {"who-can", "care.reply", "-f", in("care.yaml")},
		"check-forgot-profile":    {"check", "ana", "care.reply", "-f", in("care.yaml")},
		"check-unknown":           {"check", "ana", "care.repyl", "page", "-f", in("care.yaml")},
		"explain-needless":        {"why", "ana", "users.view", "page", "-f", in("care.yaml")},
		"members":                 {"members", "all", "-f", in("care.yaml")},
		"members-json":            {"members", "front", "-f", in("care.yaml"), "-o", "json"},
		"members-rejected-json":   {"members", "sales", "-f", in("exclusive.yaml"), "-o", "json"},
		"route":                   {"route", "department/desk", "-f", in("care.yaml")},
		"route-json":              {"route", "usergroup/front", "-f", in("care.yaml"), "-o", "json"},
		"route-state-json":        {"route", "usergroup/front", "-f", in("care.yaml"), "--state", in("state.yaml"), "-o", "json"},
		"route-without-json":      {"route", "department/desk", "--without", "201", "-f", in("care.yaml"), "-o", "json"},
		"route-closed-json":       {"route", "department/desk", "-f", in("care.yaml"), "--at", "sat 10:00", "-o", "json"},
		"route-profile-json":      {"route", "profile/page", "-f", in("care.yaml"), "-o", "json"},
		"route-unserved-json":     {"route", "profile/hidden", "-f", in("care.yaml"), "-o", "json"},
		"route-fjordline-json":    {"route", "department/care-americas", "-k", samples + "fjordline", "--at", "tue 18:00", "-o", "json"},
		"route-queue":             {"route", "queue/orders", "-f", in("calls.yaml")},
		"route-queue-json":        {"route", "queue/orders", "-f", in("calls.yaml"), "-o", "json"},
		"route-campaign-json":     {"route", "campaign/winter-sale", "-f", in("calls.yaml"), "-o", "json"},
		"status-calls":            {"status", "-f", in("calls.yaml")},
		"mention":                 {"mention", "g1", "nights", "--conversation", "conv-4711", "--profile", "line", "Refund over the limit", "-f", in("mentions.yaml"), "-n", "care"},
		"notify":                  {"notify", "max", "--selector", "language=fr", "The shop closes at four.", "-f", in("mentions.yaml")},
		"mentions":                {"mentions", "ana", "-f", in("mentions.yaml")},
		"mentions-json":           {"mentions", "ana@x.example", "-f", in("mentions.yaml"), "-o", "json"},
		"mentions-yaml":           {"mentions", "ben", "-f", in("mentions.yaml"), "-o", "yaml"},
		"mentions-later-json":     {"mentions", "ana", "-f", in("mentions.yaml"), "--at", "2027-03-03T10:00", "-o", "json"},
		"mentions-none":           {"mentions", "tom", "-f", in("mentions.yaml")},
		"access-mentions":         {"access", "ana", "-f", in("mentions.yaml")},
		"access-mentions-json":    {"access", "ana", "-f", in("mentions.yaml"), "-o", "json"},
		"status-mentions-json":    {"status", "-f", in("mentions.yaml"), "-o", "json"},
		"validate-mentions-json":  {"validate", "-f", in("mentions.yaml"), "-o", "json"},
		"explain":                 {"explain", "ana", "care.view", "page", "-f", in("care.yaml")},
		"explain-json":            {"why", "ana", "care.view", "page", "-f", in("care.yaml"), "-o", "json"},
		"explain-denied":          {"why", "ana", "care.delete", "page", "-f", in("care.yaml")},
		"explain-denied-json":     {"why", "ana", "care.delete", "page", "-f", in("care.yaml"), "-o", "json"},
		"explain-ceiling-json":    {"why", "bob", "care.reply", "page", "-f", in("care.yaml"), "-o", "json"},
		"explain-include":         {"why", "ana", "care.view", "feed", "-f", in("care.yaml")},
		"explain-account":         {"why", "ana", "recordings.viewOwn", "-f", in("care.yaml")},
		"explain-not-visible":     {"why", "ana", "care.view", "hidden", "-f", in("care.yaml")},
		"explain-not-granted":     {"why", "ana", "listening.export", "page", "-f", in("care.yaml")},
		"explain-kustomize":       {"why", "ana", "care.reply", "ig-quebec", "-k", samples + "fjordline"},
		"validate":                {"validate", "-f", in("dangling.yaml")},
		"validate-json":           {"validate", "-f", in("dangling.yaml"), "-o", "json"},
		"validate-layer-1":        {"validate", "-f", in("broken.yaml")},
		"validate-unknown-kind":   {"validate", "-f", in("unknown-kind.yaml")},
		"validate-layer-1-json":   {"validate", "-f", in("broken.yaml"), "-o", "json"},
		"error-layer-1":           {"check", "ana", "care.reply", "-f", in("broken.yaml")},
		"error-malformed":         {"-f", in("malformed.yaml")},
		"error-twice":             {"-f", in("twice.yaml")},
		"error-state":             {"route", "usergroup/front", "-f", in("care.yaml"), "--state", in("state-bad.yaml")},
		"init":                    {"init", "--preset", "patientmessaging", "-n", "clinic"},
		"new-teammate":            {"new", "teammate", "mira", "mira@x.example"},
		"new-like":                {"new", "teammate", "mira", "mira@x.example", "--like", "ana", "-f", in("care.yaml")},
		"new-group":               {"new", "group", "nights", "-n", "care"},
		"new-profile":             {"new", "profile", "webchat"},
		"new-department":          {"new", "department", "desk"},
		"new-queue":               {"new", "queue", "orders"},
		"new-campaign":            {"new", "campaign", "winter-sale"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", args...)
			text := fmt.Sprintf("$ kubectl rollcall %s\n%s", strings.Join(args, " "), got.out)
			if got.err != "" {
				text += "--- stderr\n" + got.err
			}
			text += fmt.Sprintf("--- exit %d\n", got.code)
			path := filepath.Join("..", "testdata", "golden", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestExitCodes is the list of CLI.md. Errors are one line each, and yes or no prints none.
func TestExitCodes(t *testing.T) {
	care, mentions := in("care.yaml"), in("mentions.yaml")
	for name, tc := range map[string]struct {
		args      []string
		wantCode  int
		wantError string
	}{
		"yes":                       {[]string{"check", "ana", "care.reply", "page", "-f", care}, 0, ""},
		"no":                        {[]string{"check", "ana", "care.delete", "page", "-f", care}, 1, ""},
		"why not":                   {[]string{"why", "ana", "care.delete", "page", "-f", care}, 1, ""},
		"nobody":                    {[]string{"who-can", "voice.listen", "page", "-f", care}, 1, ""},
		"no findings":               {[]string{"validate", "-f", care}, 0, ""},
		"findings":                  {[]string{"validate", "-f", in("dangling.yaml")}, 1, ""},
		"findings of layer 1":       {[]string{"validate", "-f", in("broken.yaml")}, 1, ""},
		"unknown command":           {[]string{"frobnicate"}, 64, `unknown command "frobnicate"`},
		"unknown flag":              {[]string{"check", "--frob"}, 64, "unknown flag"},
		"unknown output":            {[]string{"-f", care, "-o", "xml"}, 64, "expected table, json or yaml"},
		"unknown assumption":        {[]string{"-f", care, "--assume=all"}, 64, "expected none"},
		"too few arguments":         {[]string{"check", "ana", "-f", care}, 64, "expected kubectl rollcall check TEAMMATE PERMISSION [PROFILE]"},
		"unreadable time":           {[]string{"-f", care, "--at", "soon"}, 64, `time "soon"`},
		"unreadable permission":     {[]string{"check", "ana", "reply", "page", "-f", care}, 64, "expected module.verb"},
		"unreadable pattern":        {[]string{"who-can", "a.b.c", "-f", care}, 64, "expected module.verb"},
		"unreadable target":         {[]string{"route", "desk", "-f", care}, 64, "expected usergroup/NAME"},
		"unknown kind of target":    {[]string{"route", "teammate/ana", "-f", care}, 64, "has no routes"},
		"unknown teammate":          {[]string{"access", "zoe", "-f", care}, 65, `teammate "zoe" is unknown`},
		"unknown profile":           {[]string{"check", "ana", "care.reply", "nowhere", "-f", care}, 65, `Profile "nowhere" is unknown`},
		"unknown group":             {[]string{"members", "nowhere", "-f", care}, 65, `UserGroup "nowhere" is unknown`},
		"unknown queue":             {[]string{"route", "queue/nowhere", "-f", in("calls.yaml")}, 65, `Queue "nowhere" is unknown`},
		"unknown target":            {[]string{"route", "department/nowhere", "-f", care}, 65, `Department "nowhere" is unknown`},
		"group without dialing":     {[]string{"route", "usergroup/guard", "-f", care}, 65, "UserGroup/guard: spec.voice.dialing"},
		"no Organization":           {[]string{"-f", in("state.yaml")}, 65, "apiVersion or kind is missing"},
		"no Organization there":     {[]string{"-f", care, "-n", "elsewhere", "-f", in("namespaced.yaml")}, 0, ""},
		"wrong namespace":           {[]string{"-f", in("namespaced.yaml"), "-n", "elsewhere"}, 65, "no Organization named default in namespace elsewhere"},
		"several organizations":     {[]string{"-f", in("namespaced.yaml")}, 64, "namespaces north, south"},
		"layer 1":                   {[]string{"-f", in("broken.yaml")}, 65, "broken.yaml:10: Teammate/ana: spec.identity.emial: unknown field"},
		"duplicates":                {[]string{"-f", in("twice.yaml")}, 65, "twice.yaml:10: Profile/page: metadata.name: declared twice"},
		"unknown kind":              {[]string{"-f", in("unknown-kind.yaml")}, 65, "unknown-kind.yaml:6: Teamate: kind: unknown kind; expected one of AccountRole"},
		"malformed":                 {[]string{"-f", in("malformed.yaml")}, 65, "malformed.yaml:5: "},
		"no file":                   {[]string{"-f", in("absent.yaml")}, 65, "absent.yaml: no such file"},
		"no kustomization":          {[]string{"-k", inputFiles}, 65, "kustomization"},
		"no cluster":                {[]string{"access", "ana"}, 69, "expected a cluster, or files"},
		"assume on a cluster":       {[]string{"access", "ana", "--assume=none"}, 64, "expected -f or -k"},
		"confirm on files":          {[]string{"confirm", "ana", "-f", care}, 64, "confirm changes a cluster"},
		"mention of what":           {[]string{"mention", "g1", "Help", "-f", mentions}, 64, "expected --conversation"},
		"mention of nobody":         {[]string{"mention", "Help", "--conversation", "c", "-f", mentions}, 64, "expected kubectl rollcall mention GROUP..."},
		"mention without a text":    {[]string{"mention", "g1", "g2", "--conversation", "c", "-f", mentions}, 64, `"g2" is a group; expected a text`},
		"mention of no group":       {[]string{"mention", "g7", "--conversation", "c", "Help", "-f", mentions}, 65, `UserGroup "g7" is unknown`},
		"mention on no profile":     {[]string{"mention", "g1", "--conversation", "c", "--profile", "p7", "Help", "-f", mentions}, 65, `Profile "p7" is unknown`},
		"a conversation too long":   {[]string{"mention", "g1", "--conversation", strings.Repeat("c", 257), "Help", "-f", mentions}, 65, "spec.conversation.externalID: too long"},
		"mention on no cluster":     {[]string{"mention", "g1", "--conversation", "c", "Help"}, 69, "expected a cluster, or files"},
		"notify nobody":             {[]string{"notify", "Hello", "-f", mentions}, 64, "expected names before the text, --selector or --group"},
		"notify without a text":     {[]string{"notify", "ana", "ben", "-f", mentions}, 64, `"ben" is a teammate; expected a text`},
		"notify an empty text":      {[]string{"notify", "ana", "", "-f", mentions}, 64, "the text is empty"},
		"notify unquoted":           {[]string{"notify", "ana", "see", "you", "-f", mentions}, 65, `teammate "see" is unknown`},
		"notify bad labels":         {[]string{"notify", "--selector", "a in", "Hello", "-f", mentions}, 64, "expected labels such as language=fr"},
		"notify unused labels":      {[]string{"notify", "--selector", "language=sw", "Hello", "-f", mentions}, 65, "no teammate in namespace default has labels language=sw"},
		"resolve in files":          {[]string{"resolve", "accepted", "-f", mentions}, 64, "add an entry to spec.resolutions"},
		"resolve what":              {[]string{"resolve"}, 64, "expected a name, or --conversation"},
		"resolve both":              {[]string{"resolve", "accepted", "--conversation", "c"}, 64, "expected a name, or --conversation"},
		"resolve on no cluster":     {[]string{"resolve", "accepted"}, 69, "expected a cluster"},
		"mentions of nobody":        {[]string{"mentions", "zoe", "-f", mentions}, 65, `teammate "zoe" is unknown`},
		"mentions on no cluster":    {[]string{"mentions", "ana"}, 69, "expected a cluster, or files"},
		"snapshot to nowhere":       {[]string{"snapshot"}, 69, "expected a cluster"},
		"init with a wrong name":    {[]string{"init", "--preset", "Huge"}, 64, "expected one of Custom"},
		"init as samples are named": {[]string{"init", "--preset", "social-care"}, 0, ""},
		"init of schemas nowhere":   {[]string{"init", "--schemas"}, 64, "expected -d"},
		"new of something else":     {[]string{"new", "schedule", "x"}, 64, "expected teammate, group, profile, department, queue or campaign"},
		"new without an e-mail":     {[]string{"new", "teammate", "x"}, 64, "expected new teammate NAME E-MAIL"},
		"new with a bad name":       {[]string{"new", "group", "Bad_Name"}, 65, "metadata.name"},
		"new like nobody":           {[]string{"new", "group", "x", "--like", "y", "-f", care}, 65, `UserGroup "y" is unknown`},
		"version":                   {[]string{"--version"}, 0, ""},
		"help":                      {[]string{"--help"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", tc.args...)
			if got.code != tc.wantCode {
				t.Errorf("exit %d, want %d\n%s%s", got.code, tc.wantCode, got.out, got.err)
			}
			errors := 0
			for line := range strings.Lines(got.err) {
				if !strings.HasPrefix(line, "error: ") && !strings.HasPrefix(line, "note: ") {
					t.Errorf("stderr has a line that is neither an error nor a note: %q", line)
				}
				if strings.HasPrefix(line, "error: ") {
					errors++
				}
			}
			if !strings.Contains(got.err, tc.wantError) {
				t.Errorf("stderr %q does not name %q", got.err, tc.wantError)
			}
			if (tc.wantError == "") != (errors == 0) {
				t.Errorf("%d errors, want some: %v\n%s", errors, tc.wantError != "", got.err)
			}
		})
	}
}

// TestInstant covers TIME of CLI.md.
func TestInstant(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                          "2027-03-01T09:00:00Z",
		"2027-03-01T17:05:00Z":      "2027-03-01T17:05:00Z",
		"2027-03-01T18:05:00+01:00": "2027-03-01T17:05:00Z",
		"2027-03-01T18:05":          "2027-03-01T17:05:00Z",
		"2027-07-01T18:05":          "2027-07-01T16:05:00Z",
		"2027-03-01T18:05:30":       "2027-03-01T17:05:30Z",
		"fri 18:05":                 "2027-03-05T17:05:00Z",
		"Friday 18:05":              "2027-03-05T17:05:00Z",
		"mon 10:00":                 "2027-03-01T09:00:00Z", // this very minute
		"mon 10:01":                 "2027-03-01T09:01:00Z",
		"mon 09:59":                 "2027-03-08T08:59:00Z",
		"sun 02:30":                 "2027-03-07T01:30:00Z",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := instant(text, prague, monday)
			if err != nil {
				t.Fatal(err)
			}
			if got.Format(time.RFC3339) != want {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339), want)
			}
		})
	}
	for _, text := range []string{"soon", "fri", "fri 25:00", "xyz 10:00", "2027-13-01T00:00", "18:05"} {
		if at, err := instant(text, prague, monday); err == nil {
			t.Errorf("%q is read as %s", text, at)
		}
	}
}

// TestAtAroundWindows asks one second before, at and one second after the ends of windows: [from, until).
func TestAtAroundWindows(t *testing.T) {
	type at struct {
		when string
		want string
	}
	for name, tc := range map[string]struct {
		args []string
		find func(map[string]any) string
		at   []at
	}{
		"a membership ends": {[]string{"access", "bob"}, func(m map[string]any) string { return fmt.Sprint(m["groups"]) }, []at{
			{"2027-03-05T16:59:59Z", "[all front]"}, {"2027-03-05T17:00:00Z", "<nil>"}, {"2027-03-05T17:00:01Z", "<nil>"},
		}},
		"a block ends": {[]string{"access", "tom"}, func(m map[string]any) string { return fmt.Sprint(m["phase"]) }, []at{
			{"2027-01-31T23:59:59Z", "Active"}, {"2027-02-01T00:00:00Z", "Blocked"}, {"2027-02-01T00:00:01Z", "Blocked"},
			{"2027-03-31T23:59:59Z", "Blocked"}, {"2027-04-01T00:00:00Z", "Active"}, {"2027-04-01T00:00:01Z", "Active"},
		}},
		"a department closes": {[]string{"route", "department/desk"}, func(m map[string]any) string { return fmt.Sprint(m["open"]) }, []at{
			{"2027-03-01T06:59:59Z", "false"}, {"2027-03-01T07:00:00Z", "true"}, {"2027-03-01T16:59:59Z", "true"}, {"2027-03-01T17:00:00Z", "false"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, x := range tc.at {
				got := run(t, "", append(tc.args, "-f", in("care.yaml"), "-o", "json", "--at", x.when)...)
				var m map[string]any
				if err := json.Unmarshal([]byte(got.out), &m); err != nil {
					t.Fatalf("%v: %s%s", err, got.out, got.err)
				}
				if found := tc.find(m); found != x.want {
					t.Errorf("at %s: %s, want %s", x.when, found, x.want)
				}
			}
		})
	}
}

// TestS119 (S-119) asks about somebody whose confirmation is not in the files.
func TestS119(t *testing.T) {
	for name, tc := range map[string]struct {
		flags     []string
		wantPhase string
		wantNote  bool
	}{
		"files":             {nil, "Active", true},
		"--assume=none":     {[]string{"--assume=none"}, "Invited", false},
		"--state-from":      {[]string{"--state-from", in("feedback-snapshot.yaml")}, "Invited", false},
		"Ledger among them": {[]string{"-f", in("feedback-snapshot.yaml")}, "Invited", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", append([]string{"access", "ana", "-o", "json", "-f", in("feedback.yaml")}, tc.flags...)...)
			var a struct{ Phase string }
			if err := json.Unmarshal([]byte(got.out), &a); err != nil {
				t.Fatalf("%v\n%s", err, got.err)
			}
			if a.Phase != tc.wantPhase {
				t.Errorf("phase %s, want %s", a.Phase, tc.wantPhase)
			}
			wantLines := 0
			if tc.wantNote {
				wantLines = 1
			}
			if lines := strings.Count(got.err, "\n"); lines != wantLines || tc.wantNote != assumed.MatchString(got.err) {
				t.Errorf("stderr: %q", got.err)
			}
		})
	}
}

// TestAssumeNoneHeedsTheAnnotation: confirmed-at counts whatever is assumed.
func TestAssumeNoneHeedsTheAnnotation(t *testing.T) {
	data, err := os.ReadFile(in("feedback.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "metadata: {name: ana}", `metadata: {name: ana, annotations: {rollcall.dev/confirmed-at: "2027-01-01T00:00:00Z"}}`, 1)
	got := run(t, text, "access", "ana", "-f", "-", "--assume=none", "-o", "json")
	if !strings.Contains(got.out, `"phase": "Active"`) {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// TestS136 asks a department whose candidate goes off shift at noon, before and at noon local time.
func TestS136(t *testing.T) {
	before := run(t, "", "route", "department/desk", "-f", in("shift.yaml"), "--at", "2027-03-01T11:59", "-o", "json")
	noon := run(t, "", "route", "department/desk", "-f", in("shift.yaml"), "--at", "2027-03-01T12:00", "-o", "json")
	type plan struct {
		Candidates []map[string]any
		Excluded   []map[string]string
		Offers     []map[string]string
		Hash       string
	}
	var p, q plan
	for text, to := range map[string]*plan{before.out: &p, noon.out: &q} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	if p.Hash != q.Hash || cmp.Diff(p.Candidates, q.Candidates) != "" || p.Candidates[0]["schedule"] != "morning" {
		t.Errorf("the plan changed at noon, or does not name the schedule:\n%+v\n%+v", p, q)
	}
	if len(p.Offers) != 1 || p.Offers[0]["name"] != "ana" || len(p.Excluded) != 0 {
		t.Errorf("11:59: %+v", p)
	}
	if len(q.Offers) != 0 || len(q.Excluded) != 1 || q.Excluded[0]["reason"] != "OffShift" {
		t.Errorf("12:00: %+v", q)
	}
}

// TestOrderOfTheInputDoesNotMatter feeds the documents of a file in several orders.
func TestOrderOfTheInputDoesNotMatter(t *testing.T) {
	data, err := os.ReadFile(in("care.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(data), "\n---\n")
	questions := [][]string{
		{"status"}, {"access", "ana"}, {"access", "olga"}, {"who-can", "*"}, {"members", "all"}, {"route", "department/desk"},
		{"route", "usergroup/front"}, {"why", "ana", "care.view", "page"}, {"validate"},
	}
	for _, q := range questions {
		want := run(t, string(data), append(q, "-f", "-", "-o", "json")...)
		for step := 1; step < len(documents); step += 3 {
			shuffled := make([]string, len(documents))
			for i := range documents {
				shuffled[i] = documents[(len(documents)-1-i+step*7)%len(documents)]
			}
			got := run(t, strings.Join(shuffled, "\n---\n"), append(q, "-f", "-", "-o", "json")...)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("%v in another order:\n%s", q, diff)
			}
		}
	}
}

// TestNothingIsCut covers S-89 for the command line: 1,500 profiles and candidates are all printed, with the hash of the
// whole.
func TestNothingIsCut(t *testing.T) {
	const n = 1500
	var b strings.Builder
	b.WriteString("apiVersion: rollcall.dev/v1alpha1\nkind: Organization\nmetadata: {name: default}\n")
	fmt.Fprint(&b, "---\napiVersion: rollcall.dev/v1alpha1\nkind: UserGroup\nmetadata: {name: all}\nspec: {memberSelector: {matchLabels: {team: all}}, profileSelector: {types: [Chat]}, permissionSet: {profileRoleRef: {name: view-only}}}\n")
	fmt.Fprint(&b, "---\napiVersion: rollcall.dev/v1alpha1\nkind: Department\nmetadata: {name: desk}\nspec: {groups: [{name: all}]}\n")
	for i := range n {
		fmt.Fprintf(&b, "---\napiVersion: rollcall.dev/v1alpha1\nkind: Profile\nmetadata: {name: p%04d}\nspec: {type: Chat}\n", i)
		fmt.Fprintf(&b, "---\napiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: t%04d, labels: {team: all}}\nspec: {identity: {email: t%04d@x.example}}\n", i, i)
	}
	var access struct {
		Profiles []any
		Hash     string
	}
	var route struct{ Candidates []any }
	for args, to := range map[string]any{"access t0007": &access, "route department/desk": &route} {
		got := run(t, b.String(), append(strings.Fields(args), "-f", "-", "-o", "json")...)
		if err := json.Unmarshal([]byte(got.out), to); err != nil {
			t.Fatalf("%v: %s", err, got.err)
		}
	}
	if len(access.Profiles) != n || len(route.Candidates) != n || len(access.Hash) != 16 {
		t.Errorf("%d profiles, %d candidates, hash %q", len(access.Profiles), len(route.Candidates), access.Hash)
	}
}

// TestTeammateByAnyKey resolves TEAMMATE, and refuses what is ambiguous.
func TestTeammateByAnyKey(t *testing.T) {
	for _, key := range []string{"ana", "ana@CARE.example", "E-1", "201"} {
		got := run(t, "", "access", key, "-f", in("care.yaml"), "-o", "json")
		if !strings.Contains(got.out, `"teammate": "ana"`) {
			t.Errorf("%s: %s%s", key, got.out, got.err)
		}
	}
	if got := run(t, "", "access", "ana@x.example", "-f", in("dangling.yaml")); got.code != exitInput || !strings.Contains(got.err, "ambiguous: ana, bea") {
		t.Errorf("%d %s", got.code, got.err)
	}
}

// TestInitRoundTrip: what init writes is valid, changes nothing, and is not overwritten.
func TestInitRoundTrip(t *testing.T) {
	for _, preset := range presets {
		t.Run(string(preset), func(t *testing.T) {
			dir := t.TempDir()
			if got := run(t, "", "init", "--preset", string(preset), "-d", dir, "--schemas"); got.code != 0 {
				t.Fatal(got.err)
			}
			got := run(t, "", "validate", "-f", dir, "-o", "json")
			if got.code != 0 {
				t.Error(got.out, got.err)
			}
			if again := run(t, "", "init", "-d", dir); again.code != exitInput || !strings.Contains(again.err, "exists already") {
				t.Error(again.code, again.err)
			}
			schemas, err := filepath.Glob(filepath.Join(dir, "schemas", "*.json"))
			if err != nil || len(schemas) != len(roster.Kinds) {
				t.Errorf("%v %v", schemas, err)
			}
			ana := "apiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: ana}\nspec: {identity: {email: a@x.example}}\n"
			bare := "apiVersion: rollcall.dev/v1alpha1\nkind: Organization\nmetadata: {name: default}\nspec: {preset: " + string(preset) + "}\n---\n" + ana
			with, without := run(t, ana, "access", "ana", "-f", dir, "-f", "-", "-o", "json"), run(t, bare, "access", "ana", "-f", "-", "-o", "json")
			if diff := cmp.Diff(without.out, with.out); diff != "" {
				t.Errorf("the written roles are not the built-in ones:\n%s", diff)
			}
		})
	}
}

// failing is a stream that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClosedOutputIsAnError(t *testing.T) {
	var errs bytes.Buffer
	code := Run(t.Context(), []string{"-f", in("care.yaml"), "-o", "json"}, Streams{In: strings.NewReader(""), Out: failing{}, Err: &errs}, func() time.Time { return monday })
	if code == 0 || !strings.Contains(errs.String(), "error: ") {
		t.Errorf("%d %s", code, errs.String())
	}
}

// TestHostileText: what the input says must not reach the terminal as control sequences, nor break a line in two.
func TestHostileText(t *testing.T) {
	text := "apiVersion: rollcall.dev/v1alpha1\nkind: Organization\nmetadata: {name: default}\nspec: {displayName: \"\\e[2Jgone\\nnew line\"}\n"
	bad := "---\napiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: \"\\e]0;x\\a\\nerror: y\"}\nspec: {identity: {email: a@x.example}}\n"
	for name, got := range map[string]answer{
		"table":  run(t, text, "-f", "-"),
		"errors": run(t, text+bad, "-f", "-"),
	} {
		if strings.ContainsAny(got.out+got.err, "\x1b\a\r") || strings.Contains(got.out+got.err, "\nerror: y") {
			t.Errorf("%s: %q %q", name, got.out, got.err)
		}
	}
}

// TestWhoCanAgreesWithCheck asks the two commands the same, for every teammate, profile and permission of a sample.
func TestWhoCanAgreesWithCheck(t *testing.T) {
	for _, sample := range []string{"fjordline", "chat-desk", "voice-center"} {
		p := &plugin{Streams: Streams{Err: io.Discard}, now: func() time.Time { return monday }}
		p.options.kustomize = []string{samples + sample}
		org, err := p.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, perm := range permission.WellKnown(permission.Profile) {
			holders := map[string]string{}
			for _, profile := range org.whoCan(perm, "", profileFilter{}).Profiles {
				t.Fatalf("%s is concrete, and %s is listed", perm, profile.Name)
			}
			for _, profile := range org.holders(perm, org.Roster.UsableProfiles(org.peek())) {
				for _, h := range profile.Teammates {
					holders[h.Name+" "+profile.Name] = h.Via
				}
			}
			for _, who := range org.names("Teammate") {
				for _, profile := range org.Roster.UsableProfiles(org.peek()) {
					v, via := org.Access.Check(who, perm, profile), holders[who+" "+profile]
					if v.Allowed != (via != "") {
						t.Errorf("%s: %s %s %s: check %v, who-can %q", sample, who, perm, profile, v.Allowed, via)
					}
				}
			}
		}
	}
}
