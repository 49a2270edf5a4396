package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

const organization = "apiVersion: rollcall.dev/v1alpha1\nkind: Organization\nmetadata: {name: default}\n"

func parse(t *testing.T, text string) (*Set, Errors) {
	t.Helper()
	return Parse([]Source{{Name: "in.yaml", Data: []byte(text)}}, "ns")
}

// teammate is a document whose spec begins in line 4.
func teammate(spec string) string {
	return "apiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: ana}\nspec:\n" + spec
}

func TestErrors(t *testing.T) {
	const identity = "  identity: {email: ana@x.example}\n"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"unknown field": {teammate("  identity: {email: ana@x.example}\n  emial: x\n"), []string{
			"in.yaml:6: Teammate/ana: spec.emial: unknown field; expected one of absences, "}},
		"unknown field of metadata": {"apiVersion: rollcall.dev/v1alpha1\nkind: Organization\nmetadata:\n  name: default\n  nom: x\n", []string{
			"in.yaml:5: Organization/default: metadata.nom: unknown field; expected a field of Kubernetes metadata"}},
		"unknown field at the root": {organization + "specs: {}\n", []string{
			"in.yaml:4: Organization/default: specs: unknown field; expected one of apiVersion, kind, metadata, spec"}},
		"wrong type": {teammate(identity + "  maxChats: many\n"), []string{
			"in.yaml:6: Teammate/ana: spec.maxChats: is of type string; expected of type integer"}},
		"wrong value": {teammate(identity + "  availability: Gone\n"), []string{
			`in.yaml:6: Teammate/ana: spec.availability: "Gone" is not supported; expected one of Available, Inactive, Unavailable`}},
		"missing value": {teammate("  firstName: Ana\n"), []string{
			"in.yaml:4: Teammate/ana: spec.identity: is missing; expected a value"}},
		"too long": {teammate(identity + "  firstName: " + strings.Repeat("a", 65) + "\n"), []string{
			"in.yaml:6: Teammate/ana: spec.firstName: too long; expected at most 64 bytes"}},
		"pattern": {teammate("  identity: {email: nobody}\n"), []string{
			`in.yaml:5: Teammate/ana: spec.identity.email: "nobody" is not valid; it should match `}},
		"listed twice": {teammate(identity + "  groups:\n  - {name: a}\n  - {name: a}\n"), []string{
			"in.yaml:8: Teammate/ana: spec.groups[1]: {name: a} stands twice in the list; expected each entry once"}},
		"a word that YAML 1.1 reads as a boolean": {teammate("  identity: {email: ana@x.example, employeeID: no}\n"), []string{
			"in.yaml:5: Teammate/ana: spec.identity.employeeID: is of type boolean; expected of type string"}},
		"name": {"apiVersion: rollcall.dev/v1alpha1\nkind: Schedule\nmetadata: {name: Early_Birds}\n", []string{
			`in.yaml:3: Schedule/Early_Birds: metadata.name: "Early_Birds" is not a name; expected lower-case letters`}},
		"hostile name": {"apiVersion: rollcall.dev/v1alpha1\nkind: Schedule\nmetadata: {name: \"x'; DROP TABLE\\n--\"}\n", []string{
			"in.yaml:3: Schedule/x'; DROP TABLE\n--: metadata.name: "}},
		"set twice": {teammate(identity + "  maxChats: 1\n  maxChats: 2\n"), []string{
			"in.yaml:7: Teammate/ana: spec.maxChats: set twice, first in line 6; expected each field once"}},
		"declared twice": {organization + "---\n" + organization, []string{
			"in.yaml:5: Organization/default: metadata.name: declared twice in namespace ns, first at in.yaml:1; expected each object once"}},
		"version": {"apiVersion: rollcall.dev/v1\nkind: Teammate\nmetadata: {name: ana}\n", []string{
			`in.yaml:1: Teammate: apiVersion: unknown version "rollcall.dev/v1"; expected rollcall.dev/v1alpha1`}},
		"no kind":   {"apiVersion: rollcall.dev/v1alpha1\nmetadata: {name: ana}\n", []string{"in.yaml:1: apiVersion or kind is missing; expected "}},
		"a list":    {"- a\n- b\n", []string{"in.yaml:1: not an object; expected apiVersion, kind, metadata and spec"}},
		"malformed": {organization + "---\nkind: [\n", []string{"in.yaml:5: did not find expected node content; expected well-formed YAML"}},
		"a cycle":   {"apiVersion: rollcall.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\nspec: &a\n  <<: *a\n", []string{"in.yaml:5: *a stands inside of what it stands for; expected "}},
		"tab":       {"apiVersion: v1\n\tkind: x\n", []string{"in.yaml:2: "}},
		"every object is read": {teammate("  x: 1\n  identity: {email: a@x.example}\n") + "---\napiVersion: rollcall.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\nspec: {type: Chat, y: 1}\n", []string{
			"in.yaml:5: Teammate/ana: spec.x: unknown field", "in.yaml:11: Profile/p: spec.y: unknown field"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := parse(t, tc.text)
			if len(errs) != len(tc.want) {
				t.Fatalf("%d errors, want %d:\n%s", len(errs), len(tc.want), errs)
			}
			for i, e := range errs {
				if !strings.HasPrefix(e.Error(), tc.want[i]) {
					t.Errorf("got  %s\nwant %s…", e, tc.want[i])
				}
			}
		})
	}
}

// TestCELRules breaks every CEL rule that an object of the present kinds can break, and wants its number and the field.
func TestCELRules(t *testing.T) {
	object := func(kind, name, spec string) string {
		return fmt.Sprintf("apiVersion: rollcall.dev/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", kind, name, spec)
	}
	const identity = "identity: {email: a@x.example}"
	dialing := func(d string) string { return "{voice: {dialing: {" + d + "}}}" }
	for name, tc := range map[string]struct{ text, wantField string }{
		"CEL-1":    {object("Profile", strings.Repeat("a", 64), "{type: Chat}"), "metadata.name"},
		"CEL-2":    {object("Organization", "other", "{}"), "metadata.name"},
		"CEL-3":    {object("Teammate", "a", "{identity: {username: a}}"), "spec.identity"},
		"CEL-4":    {object("Teammate", "a", "{identity: {employeeID: e}, onboarding: {method: Invite}}"), "spec"},
		"CEL-5":    {object("Teammate", "a", "{"+identity+", teamLeaderRef: {name: a}}"), "spec.teamLeaderRef"},
		"CEL-6":    {object("Teammate", "a", "{"+identity+", assignment: {type: Queues}}"), "spec.assignment"},
		"CEL-7":    {object("Teammate", "a", "{"+identity+", lifecycle: {state: Blocked}}"), "spec.lifecycle"},
		"CEL-8":    {object("UserGroup", "g", "{scope: Practice}"), "spec"},
		"CEL-9":    {object("UserGroup", "g", dialing("strategy: Sequential, maxRingTime: 10s")), "spec.voice.dialing"},
		"CEL-10":   {object("UserGroup", "g", dialing("strategy: Sequential, maxRingTime: 10s, maxGroupDialingTime: 5s")), "spec.voice.dialing"},
		"CEL-11":   {object("Organization", "default", "{voice: {dialingAudio: {type: URL}}}"), "spec.voice.dialingAudio"},
		"CEL-12":   {object("UserGroup", "g", "{includes: [{name: g}]}"), "spec.includes"},
		"CEL-12 b": {object("ProfileRole", "r", "{includes: [{name: r}]}"), "spec.includes"},
		"CEL-13":   {object("Teammate", "a", "{"+identity+`, from: "2027-01-02T00:00:00Z", until: "2027-01-01T00:00:00Z"}`), "spec"},
		"CEL-14":   {object("UserGroup", "g", dialing("strategy: Random, maxRingTime: 11m")), "spec.voice.dialing.maxRingTime"},
		"CEL-15":   {object("Teammate", "a", "{"+identity+", maxChats: 0}"), "spec.maxChats"},
		"CEL-16":   {object("Profile", "p", "{type: Phone}"), "spec"},
		"CEL-17":   {object("Department", "d", "{groups: [{name: g, weight: 40}, {name: h, weight: 50}]}"), "spec.groups"},
		"CEL-18":   {object("Department", "d", "{outOfHours: {type: Department}}"), "spec.outOfHours"},
		"CEL-19":   {object("Campaign", "c", "{mode: Progressive, maxAbandonRatePercent: 3}"), "spec"},
		"CEL-20":   {object("Mention", "m", "{message: x}"), "spec"},
		"CEL-20 b": {object("Mention", "m", "{groups: [{name: g}]}"), "spec"},
		"CEL-22":   {object("Mention", "m", "{groups: [{name: g}], message: x, source: {type: Automation}}"), "spec.source"},
		"CEL-22 b": {object("Mention", "m", "{groups: [{name: g}], message: x, source: {type: Flow, username: ana}}"), "spec.source"},
		"CEL-23":   {object("InboundAutomation", "i", "{keywords: [a], actions: [{type: Mention}]}"), "spec.actions[0]"},
		"CEL-23 b": {object("InboundAutomation", "i", "{keywords: [a], actions: [{type: Mention, mention: {}}]}"), "spec.actions[0].mention"},
		"CEL-24":   {object("Downstream", "d", "{driver: KubernetesRBAC, records: [Access]}"), "spec"},
		"CEL-24 b": {object("Downstream", "d", "{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Users]}"), "spec"},
		"CEL-24 c": {object("Downstream", "d", "{driver: PostgreSQL, postgreSQL: {}, records: [Users]}"), "spec"},
		"CEL-26":   {object("Teammate", "a", "{identity: {email: a@x.example, username: 'system:admin'}}"), "spec.identity"},
		"CEL-27":   {object("ProfileRole", "r", "{permissions: [conversation.reply]}"), "spec.permissions[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := parse(t, tc.text)
			if len(errs) != 1 {
				t.Fatalf("%d errors:\n%s", len(errs), errs)
			}
			want, _, _ := strings.Cut(name, " ")
			if errs[0].Rule != want || errs[0].Field != tc.wantField {
				t.Errorf("got %s at %s, want %s at %s: %s", errs[0].Rule, errs[0].Field, want, tc.wantField, errs[0])
			}
		})
	}
}

// TestTransitionRules gives Check an old and a new version (CEL-21, CEL-25).
func TestTransitionRules(t *testing.T) {
	spec := func(kind, name string, spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": "rollcall.dev/v1alpha1", "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec}
	}
	for name, tc := range map[string]struct {
		kind      string
		old, now  map[string]any
		wantField string
		wantRule  string
	}{
		"driver": {
			"Downstream", map[string]any{"driver": "HTTP", "http": map[string]any{"url": "https://a.example"}, "records": []any{"Users"}, "credentialsSecretRef": map[string]any{"name": "s"}},
			map[string]any{"driver": "SCIM", "scim": map[string]any{"url": "https://a.example"}, "records": []any{"Users"}, "credentialsSecretRef": map[string]any{"name": "s"}}, "spec.driver", "CEL-25",
		},
		"message of a mention": {
			"Mention", map[string]any{"teammates": []any{map[string]any{"name": "ana"}}, "message": "x"},
			map[string]any{"teammates": []any{map[string]any{"name": "ana"}}, "message": "z"}, "spec", "CEL-21",
		},
		"resolution of a mention": {
			"Mention", map[string]any{
				"teammates": []any{map[string]any{"name": "ana"}}, "conversation": map[string]any{"externalID": "c"},
				"resolutions": []any{map[string]any{"name": "ana", "action": "Resolve"}},
			},
			map[string]any{
				"teammates": []any{map[string]any{"name": "ana"}}, "conversation": map[string]any{"externalID": "c"},
				"resolutions": []any{map[string]any{"name": "ana", "action": "CloseAndResolve"}},
			}, "spec.resolutions[0]", "CEL-21",
		},
		"type of a profile": {"Profile", map[string]any{"type": "Chat"}, map[string]any{"type": "Email"}, "spec.type", "CEL-25"},
		"scope of a group":  {"UserGroup", map[string]any{}, map[string]any{"scope": "Enterprise"}, "spec.scope", "CEL-25"},
		"base type of a role": {"AccountRole", map[string]any{"baseType": "Agent", "permissions": []any{"cases.view"}},
			map[string]any{"baseType": "Viewer", "permissions": []any{"cases.view"}}, "spec.baseType", "CEL-25"},
		"onboarding method": {"Teammate", map[string]any{"identity": map[string]any{"email": "a@x.example"}},
			map[string]any{"identity": map[string]any{"email": "a@x.example"}, "onboarding": map[string]any{"method": "Directory"}}, "spec.onboarding.method", "CEL-25"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := spec(tc.kind, "x", tc.old), spec(tc.kind, "x", tc.now)
			if _, findings := Check(tc.kind, after, nil); len(findings) > 0 {
				t.Fatalf("the new version alone: %v", findings)
			}
			_, findings := Check(tc.kind, after, before)
			if len(findings) != 1 || findings[0].Rule != tc.wantRule || findings[0].Field != tc.wantField {
				t.Errorf("%v", findings)
			}
			if _, findings := Check(tc.kind, after, after); len(findings) > 0 {
				t.Errorf("unchanged: %v", findings)
			}
		})
	}
}

// TestEveryRuleHasANumber compiles every CRD and wants each of its CEL rules in exactly one row of the table.
func TestEveryRuleHasANumber(t *testing.T) {
	used := map[string]bool{}
	for kind := range kinds {
		for _, expression := range schemas[kind]().expressions {
			var ids []string
			for _, r := range celRules {
				if r.is(expression) {
					ids = append(ids, r.id)
				}
			}
			if len(ids) != 1 {
				t.Errorf("%s: %q is %v", kind, expression.text, ids)
				continue
			}
			used[ids[0]] = true
		}
	}
	for _, r := range celRules {
		if !used[r.id] {
			t.Errorf("no CRD has a rule %s", r.id)
		}
	}
}

// TestDefaults: what is left out is filled in as the API server does; what was written is kept apart.
func TestDefaults(t *testing.T) {
	set, errs := parse(t, organization+"---\n"+teammate("  identity: {email: a@x.example}\n")+"---\napiVersion: rollcall.dev/v1alpha1\nkind: UserGroup\nmetadata: {name: g, namespace: other}\n")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	tm := set.Find("ns", "Teammate", "ana").Object.(*rollcallv1.Teammate)
	if tm.Spec.Availability != rollcallv1.AvailabilityAvailable || tm.Spec.Lifecycle.State != rollcallv1.LifecycleStateActive {
		t.Errorf("defaults of a Teammate: %+v", tm.Spec)
	}
	if g := set.Find("other", "UserGroup", "g").Object.(*rollcallv1.UserGroup); g.Spec.State != rollcallv1.SwitchEnabled {
		t.Errorf("defaults of a UserGroup without a spec: %+v", g.Spec)
	}
	if diff := cmp.Diff(map[string]any{"identity": map[string]any{"email": "a@x.example"}}, set.Find("ns", "Teammate", "ana").Source["spec"]); diff != "" {
		t.Errorf("source: %s", diff)
	}
	if set.Find("ns", "UserGroup", "g") != nil {
		t.Error("an object with a namespace of its own was moved")
	}
}

func TestPositions(t *testing.T) {
	set, errs := parse(t, organization+`---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: ana
  labels: {example.com/team: a}
spec:
  identity: {email: a@x.example}
  groups:
  - name: first
  - name: second
    until: "2027-01-01T00:00:00Z"
  channels:
  - Chat
  - Phone
`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	o := set.Find("ns", "Teammate", "ana")
	for field, want := range map[string]int{
		"": 5, "metadata.name": 8, "metadata.labels[example.com/team]": 9, "spec": 10, "spec.identity.email": 11,
		"spec.groups": 12, "spec.groups[1]": 14, "spec.groups[second]": 14, "spec.groups[1].until": 15, "spec.groups[first].until": 13,
		"spec.channels[Phone]": 18, "spec.nothing": 10, "spec.groups[absent]": 12,
	} {
		if got := o.PositionOf(field); got.Line != want || got.File != "in.yaml" {
			t.Errorf("%q is at %s, want line %d", field, got, want)
		}
	}
}

func TestForeignDocumentsAreSkipped(t *testing.T) {
	set, errs := parse(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n# nothing\n---\napiVersion: other.dev/v1alpha1\nkind: Teammate\nmetadata: {name: m}\nspec: {anything: goes}\n---\n"+organization)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if want := map[string]int{"v1 Namespace": 1, "other.dev/v1alpha1 Teammate": 1}; cmp.Diff(want, set.Skipped) != "" || len(set.Objects) != 1 {
		t.Errorf("%v, %d objects", set.Skipped, len(set.Objects))
	}
}

func TestUnknownKind(t *testing.T) {
	set, errs := parse(t, organization+"---\napiVersion: rollcall.dev/v1alpha1\nkind: Teamate\nmetadata: {name: ana}\n")
	if len(errs) != 1 || errs[0].Field != "kind" || errs[0].Unreadable || !strings.Contains(errs[0].Message, "unknown kind; expected one of AccountRole, ") {
		t.Errorf("%v", errs)
	}
	if len(set.Objects) != 1 || len(set.Skipped) != 0 {
		t.Errorf("%d objects, skipped %v", len(set.Objects), set.Skipped)
	}
}

func TestListsAndAliases(t *testing.T) {
	set, errs := parse(t, `apiVersion: v1
kind: List
items:
- apiVersion: rollcall.dev/v1alpha1
  kind: Profile
  metadata: {name: p}
  spec: &spec {type: Chat, language: fr}
- apiVersion: rollcall.dev/v1alpha1
  kind: Profile
  metadata: {name: q}
  spec: {<<: *spec, language: en}
- apiVersion: rollcall.dev/v1alpha1
  kind: Profile
  metadata: {name: r}
  spec: *spec
`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, o := range set.Objects {
		p := o.Object.(*rollcallv1.Profile)
		got = append(got, fmt.Sprintf("%s %s %s line %d", p.Name, p.Spec.Type, *p.Spec.Language, o.Position().Line))
	}
	if diff := cmp.Diff([]string{"p Chat fr line 4", "q Chat en line 8", "r Chat fr line 12"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAliasBomb: a few hundred bytes must not become billions of values.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: rollcall.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, errs := parse(t, b.String())
	if len(errs) == 0 || !strings.Contains(errs.Error(), "once its aliases are followed") && !strings.Contains(errs.Error(), "excessive aliasing") {
		t.Errorf("%v", errs)
	}
}

func TestFoldersAreReadBelow(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b/organization.yml", organization)
	write("a/people/ana.yaml", teammate("  identity: {email: a@x.example}\n"))
	write("kustomization.yaml", "resources: [a, b]\n")
	write("values.yaml", "replicas: 3\n")
	write(".git/x.yaml", "kind: [")
	write("notes.txt", "kind: [")
	sources, err := Paths([]string{dir}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	set, errs := Parse(sources, "ns")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, o := range set.Objects {
		got = append(got, o.String())
	}
	if diff := cmp.Diff([]string{"Teammate/ana", "Organization/default"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestKustomizePositions: an object that kustomize passes on is found in the file in which it was written.
func TestKustomizePositions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kustomization.yaml": "namespace: shop\nresources: [all.yaml]\nconfigMapGenerator: [{name: x, literals: [a=b]}]\n",
		"all.yaml":           "# comment\n" + organization + "---\n" + teammate("  identity: {email: a@x.example}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Kustomize(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, errs := Parse([]Source{s}, "ns")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	o := set.Find("shop", "Teammate", "ana")
	if o == nil {
		t.Fatal("no Teammate in namespace shop")
	}
	if got := o.PositionOf("spec.identity.email"); got != (Position{filepath.Join(dir, "all.yaml"), 10}) {
		t.Errorf("at %s", got)
	}
}

func TestSamplesAreValid(t *testing.T) {
	dirs, err := filepath.Glob("../../config/samples/*/kustomization.yaml")
	if err != nil || len(dirs) < 3 {
		t.Fatalf("%v %v", dirs, err)
	}
	for _, d := range dirs {
		s, err := Kustomize(filepath.Dir(d))
		if err != nil {
			t.Fatal(err)
		}
		if set, errs := Parse([]Source{s}, "ns"); len(errs) > 0 || len(set.Objects) == 0 {
			t.Errorf("%s: %d objects\n%s", d, len(set.Objects), errs)
		}
	}
}

// TestWriteRoundTrip: what is written is read back as the same objects, in the same order, without what only clusters know.
func TestWriteRoundTrip(t *testing.T) {
	data, err := os.ReadFile("../../test/scenarios/departments-and-inbound/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, errs := parse(t, string(data))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var objects []metav1.Object
	for _, o := range set.Objects {
		o.SetUID("1-2-3")
		o.SetResourceVersion("17")
		o.SetAnnotations(map[string]string{applied: "{}"})
		objects = append(objects, o.Object)
	}
	written, err := Write(true, objects...)
	if err != nil {
		t.Fatal(err)
	}
	for _, noise := range []string{"uid", "resourceVersion", applied, "status:", "creationTimestamp"} {
		if strings.Contains(string(written), noise) {
			t.Errorf("%s is written", noise)
		}
	}
	again, errs := parse(t, string(written))
	if len(errs) > 0 {
		t.Fatalf("%s\n%s", errs, written)
	}
	if len(again.Objects) != len(set.Objects) {
		t.Fatalf("%d objects, want %d", len(again.Objects), len(set.Objects))
	}
	for i, o := range again.Objects {
		want := objects[i]
		want.SetUID("")
		want.SetResourceVersion("")
		want.SetAnnotations(nil)
		if diff := cmp.Diff(want, o.Object); diff != "" {
			t.Errorf("%s: %s", o, diff)
		}
	}
}

func TestKindByName(t *testing.T) {
	for name, want := range map[string]string{"usergroup": "UserGroup", "UserGroups": "UserGroup", "Teammate": "Teammate", "EffectiveAccesses": "EffectiveAccess", "pod": ""} {
		if got, ok := KindByName(name); got != want || ok != (want != "") {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// FuzzParse: whatever the bytes, parsing ends with a set and errors that have a position.
func FuzzParse(f *testing.F) {
	f.Add([]byte(organization))
	f.Add([]byte(teammate("  identity: {email: a@x.example}\n  groups: [{name: a}]\n")))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("{<<: {<<: 1}}\n---\n? [x]\n: y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, errs := Parse([]Source{{Name: "in.yaml", Data: data}}, "ns")
		if slices.ContainsFunc(errs, func(e *Error) bool { return e.File != "in.yaml" || e.Message == "" }) {
			t.Errorf("%v", errs)
		}
	})
}
