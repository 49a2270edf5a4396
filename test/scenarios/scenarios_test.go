package scenarios

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var update = flag.Bool("update", false, "write out.yaml of every scenario anew")

const namespace = "scenario"

// parse reads manifests, which have to be without error.
func parse(t *testing.T, sources ...manifest.Source) []*manifest.Object {
	t.Helper()
	set, errs := manifest.Parse(sources, namespace)
	if len(errs) > 0 {
		t.Fatalf("reading the manifests:\n%s", errs)
	}
	return set.Objects
}

// load computes the organization at an instant.
func load(at time.Time, objects []*manifest.Object) *engine.Engine {
	e := engine.New(at)
	var memory []*rollcallv1.Ledger
	var changes []roster.Change
	for _, o := range objects {
		if l, ok := o.Object.(*rollcallv1.Ledger); ok {
			memory = append(memory, l)
			continue
		}
		changes = append(changes, roster.Change{Object: o.Object})
	}
	e.Remember(memory, false)
	e.Apply(at, changes...)
	return e
}

// section is a named part of out.yaml.
type section struct {
	title string
	value any
}

// plain turns an API value into maps, so that its JSON names and omissions show.
func plain(t *testing.T, value any) map[string]any {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(value)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// told shortens conditions: how many are as they should be, and the others with reason and message. That each kind has
// its conditions is tested where they are made.
func told(conditions []metav1.Condition) map[string]any {
	good := 0
	out := map[string]any{}
	for _, c := range conditions {
		if c.Status == metav1.ConditionTrue && c.Reason == lint.ReasonAsExpected || c.Type == rollcallv1.ConditionInUse && c.Status == metav1.ConditionFalse {
			good++
			continue
		}
		out[c.Type] = fmt.Sprintf("%s/%s: %s", c.Status, c.Reason, c.Message)
	}
	out["fine"] = good
	return out
}

// statusOf returns the status of an input without conditions; policies are told by their own tests.
func statusOf(t *testing.T, e *engine.Engine, o lint.Object) map[string]any {
	t.Helper()
	var status any
	switch o.Kind {
	case roster.KindOrganization:
		s := e.Lint.Organization()
		s.ResolvedPolicies = nil
		s.Counts = new(e.Counts())
		status = &s
	case roster.KindSchedule:
		s := e.Lint.Schedule(o.Name)
		status = &s
	case roster.KindAccountRole:
		s := e.Lint.AccountRole(o.Name)
		status = &s
	case roster.KindProfileRole:
		s := e.Lint.ProfileRole(o.Name)
		status = &s
	case roster.KindProfile:
		s := e.Lint.Profile(o.Name)
		status = &s
	case roster.KindTeammate:
		s := e.Lint.Teammate(o.Name)
		status = &s
	case roster.KindUserGroup:
		s := e.Lint.UserGroup(o.Name)
		status = &s
	case roster.KindDepartment:
		s := e.Lint.Department(o.Name)
		status = &s
	case roster.KindQueue:
		s := e.Lint.Queue(o.Name)
		status = &s
	case roster.KindCampaign:
		s := e.Lint.Campaign(o.Name)
		status = &s
	case roster.KindMention:
		s := e.Lint.Mention(o.Name)
		status = &s
	case roster.KindInboundAutomation:
		s := e.Lint.InboundAutomation(o.Name)
		status = &s
	default:
		t.Fatalf("no status for %s", o)
	}
	content := plain(t, status)
	delete(content, "conditions")
	return content
}

// describe renders everything the engine says about the organization.
func describe(t *testing.T, e *engine.Engine) []byte {
	t.Helper()
	summary := map[string]any{"at": e.Roster.Now().UTC().Format(time.RFC3339)}
	if next, ok := e.NextTransition(); ok {
		summary["nextTransition"] = next.UTC().Format(time.RFC3339)
	}
	sections := []section{{"organization", summary}}

	inputs := map[string]any{}
	for _, kind := range roster.Kinds {
		for _, name := range e.Roster.Names(nil, kind) {
			o := lint.Object{Kind: kind, Name: name}
			status := statusOf(t, e, o)
			status["conditions"] = told(e.Lint.Conditions(o))
			inputs[o.String()] = status
		}
	}
	sections = append(sections, section{"inputs", inputs})

	members := map[string]any{}
	for _, group := range e.Roster.Names(nil, roster.KindUserGroup) {
		list := map[string]any{}
		for _, name := range e.Roster.Members(nil, group) {
			var ways []string
			if m := e.Roster.Memberships(nil, name).Of(group); m != nil {
				for _, source := range m.Sources {
					ways = append(ways, source.String())
				}
			}
			list[name] = strings.Join(ways, " ")
		}
		members[group] = list
	}
	sections = append(sections, section{"members", members})

	access := map[string]any{}
	for _, name := range e.Roster.Names(nil, roster.KindTeammate) {
		access[name] = plain(t, &e.EffectiveAccess(name).Status)
	}
	sections = append(sections, section{"effectiveAccess", access})

	plans := map[string]any{}
	for _, target := range e.Routing.Targets(nil) {
		if plan := e.RoutePlan(target); plan != nil {
			plans[plan.Name] = plain(t, &plan.Status)
		}
	}
	sections = append(sections, section{"routePlans", plans})

	var out bytes.Buffer
	for i, s := range sections {
		if i > 0 {
			out.WriteString("---\n")
		}
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := encoder.Encode(map[string]any{s.title: compact(s.value)}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// compact writes lists of plain values and small maps on one line, so that a page shows a whole organization.
func compact(value any) *yaml.Node {
	node := new(yaml.Node)
	switch v := value.(type) {
	case map[string]any:
		node.Kind = yaml.MappingNode
		flat := true
		for _, key := range slices.Sorted(maps.Keys(v)) {
			child := compact(v[key])
			flat = flat && child.Kind == yaml.ScalarNode && len(child.Value) <= 40
			name := new(yaml.Node)
			name.SetString(key)
			node.Content = append(node.Content, name, child)
		}
		if flat && len(v) <= 6 {
			node.Style = yaml.FlowStyle
		}
	case []any:
		node.Kind = yaml.SequenceNode
		flat := true
		for _, item := range v {
			child := compact(item)
			flat = flat && child.Kind == yaml.ScalarNode
			node.Content = append(node.Content, child)
		}
		if flat {
			node.Style = yaml.FlowStyle
		}
	default:
		if err := node.Encode(v); err != nil {
			node.SetString(err.Error())
		}
	}
	return node
}

func folders(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*/in.yaml")
	if err != nil || len(all) == 0 {
		t.Fatalf("no scenarios (error: %v)", err)
	}
	for i := range all {
		all[i] = filepath.Dir(all[i])
	}
	return all
}

func input(t *testing.T, folder string) (time.Time, []*manifest.Object) {
	t.Helper()
	stated, err := os.ReadFile(filepath.Join(folder, "at.txt"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(stated)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(folder, "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return at, parse(t, manifest.Source{Name: folder + "/in.yaml", Data: content})
}

func TestScenarios(t *testing.T) {
	for _, folder := range folders(t) {
		t.Run(folder, func(t *testing.T) {
			at, objects := input(t, folder)
			got := describe(t, load(at, objects))
			compareGolden(t, filepath.Join(folder, "out.yaml"), got)
		})
	}
}

// S-54: whole organizations come out the same in whatever order their objects come.
func TestS54ScenariosDoNotDependOnOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(54, 0))
	for _, folder := range folders(t) {
		t.Run(folder, func(t *testing.T) {
			at, objects := input(t, folder)
			want := string(describe(t, load(at, objects)))
			for range 5 {
				random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
				if diff := cmp.Diff(want, string(describe(t, load(at, objects)))); diff != "" {
					t.Fatalf("in another order (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// compareGolden compares a file with what was computed, or writes it with -update.
func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; go test ./test/scenarios -update, then review (-want +got):\n%s", golden, diff)
	}
}
