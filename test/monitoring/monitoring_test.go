package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	_ "github.com/rollcall-dev/rollcall/controllers" // registers what the operator measures
)

const folder = "../../config/prometheus"

// description is how the library writes the description of a metric: name, and labels that have values.
var description = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

// measured are the labels of the operator's own metrics, by name.
func measured(t *testing.T) map[string][]string {
	t.Helper()
	registry, ok := metrics.Registry.(prometheus.Collector)
	if !ok {
		t.Fatalf("the registry %T does not describe itself", metrics.Registry)
	}
	descriptions := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(descriptions)
		close(descriptions)
	}()
	out := map[string][]string{}
	for d := range descriptions {
		m := description.FindStringSubmatch(d.String())
		if m == nil || !strings.HasPrefix(m[1], "rollcall_") {
			continue
		}
		out[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	return out
}

// metricOf is the metric that a series belongs to: those of a histogram have suffixes.
func metricOf(known map[string][]string, series string) (string, []string, bool) {
	if labels, ok := known[series]; ok {
		return series, labels, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		name, cut := strings.CutSuffix(series, suffix)
		if labels, ok := known[name]; ok && cut {
			return name, append(slices.Clone(labels), "le"), true
		}
	}
	return "", nil, false
}

// words are the names of PromQL that our expressions may use.
var words = strings.Fields("sum max count rate histogram_quantile time vector by on and or unless")

var (
	token    = regexp.MustCompile(`"[^"]*"|[a-zA-Z_:$][a-zA-Z0-9_:$]*|[0-9.]+[smhd]?|[=!<>~]+|[-+*/(){}\[\],]|\s+`)
	selector = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`^([a-z_]+)(=|!=|=~|!~)"([^"]*)"$`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// faults says what is wrong with an expression.
func faults(known map[string][]string, expression string) []string {
	var out []string
	report := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if rest := token.ReplaceAllString(expression, ""); rest != "" {
		report("%q is not understood", rest)
	}
	var open []string
	pairs := map[string]string{")": "(", "]": "[", "}": "{"}
	for _, text := range token.FindAllString(expression, -1) {
		switch {
		case strings.Contains("([{", text):
			open = append(open, text)
		case pairs[text] != "":
			if len(open) == 0 || open[len(open)-1] != pairs[text] {
				report("a %s too many", text)
				return out
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		report("%v not closed", open)
	}
	var labels []string
	found := 0
	for _, name := range regexp.MustCompile(`\brollcall_[a-z_]+`).FindAllString(expression, -1) {
		found++
		_, of, ok := metricOf(known, name)
		if !ok {
			report("no metric %s", name)
		}
		labels = append(labels, of...)
	}
	if found == 0 {
		report("no metric of ours")
	}
	for _, m := range selector.FindAllStringSubmatch(expression, -1) {
		_, of, _ := metricOf(known, m[1])
		for text := range strings.SplitSeq(m[2], ",") {
			parts := matcher.FindStringSubmatch(text)
			switch {
			case parts == nil:
				report("%q selects nothing", text)
			case !slices.Contains(of, parts[1]):
				report("%s has no label %s", m[1], parts[1])
			case parts[1] == "condition":
				for c := range strings.SplitSeq(parts[3], "|") {
					if !slices.Contains(conditions, c) {
						report("no condition %s", c)
					}
				}
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expression, -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			if !slices.Contains(labels, name) {
				report("nothing here has a label %s", name)
			}
		}
	}
	bare := regexp.MustCompile(`"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)|\brollcall_[a-z_]+`).ReplaceAllString(expression, " ")
	for _, word := range regexp.MustCompile(`[a-z_]{2,}`).FindAllString(bare, -1) {
		if !slices.Contains(words, word) {
			report("%s is no word that this test knows", word)
		}
	}
	return out
}

var conditions = []string{
	rollcallv1.ConditionReady, rollcallv1.ConditionReachable, rollcallv1.ConditionSynced, rollcallv1.ConditionDrifted, rollcallv1.ConditionRemovalsHeld,
}

type rules struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

func TestAlerts(t *testing.T) {
	known := measured(t)
	text, err := os.ReadFile(filepath.Join(folder, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all rules
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/downstreams/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if all.APIVersion != "monitoring.coreos.com/v1" || all.Kind != "PrometheusRule" {
		t.Errorf("%s %s", all.APIVersion, all.Kind)
	}
	seen := map[string]bool{}
	for _, group := range all.Spec.Groups {
		for _, rule := range group.Rules {
			for _, fault := range faults(known, rule.Expr) {
				t.Errorf("%s: %s", rule.Alert, fault)
			}
			if seen[rule.Alert] || rule.Alert == "" {
				t.Errorf("%q is there twice, or has no name", rule.Alert)
			}
			seen[rule.Alert] = true
			if rule.For != "" && !regexp.MustCompile(`^[1-9][0-9]*[smh]$`).MatchString(rule.For) {
				t.Errorf("%s: for %q", rule.Alert, rule.For)
			}
			if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
				t.Errorf("%s: severity %q", rule.Alert, rule.Labels["severity"])
			}
			for _, name := range []string{"summary", "description"} {
				if rule.Annotations[name] == "" {
					t.Errorf("%s has no %s", rule.Alert, name)
				}
			}
			for _, m := range regexp.MustCompile(`\$labels\.([a-z]+)`).FindAllStringSubmatch(rule.Annotations["summary"], -1) {
				if !strings.Contains(rule.Expr, m[1]) && strings.Contains(rule.Expr, " by ") {
					t.Errorf("%s: the label %s is gone by the end of the expression", rule.Alert, m[1])
				}
			}
			if want := "docs/downstreams/README.md#" + strings.ToLower(rule.Alert); rule.Annotations["runbook"] != want {
				t.Errorf("%s: runbook %q, want %q", rule.Alert, rule.Annotations["runbook"], want)
			}
			if !strings.Contains(string(page), "### "+rule.Alert+"\n") {
				t.Errorf("docs/downstreams/README.md does not say what to do about %s", rule.Alert)
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d alerts found: is the file read correctly?", len(seen))
	}
}

func TestDashboard(t *testing.T) {
	known := measured(t)
	text, err := os.ReadFile(filepath.Join(folder, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID, Title string
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID          int
			Title, Type string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	expressions := strings.NewReplacer("$__rate_interval", "5m", `"$namespace"`, `".*"`, `"$downstream"`, `".*"`)
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || p.Description == "" || ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %d %q is incomplete", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, fault := range faults(known, expressions.Replace(target.Expr)) {
				t.Errorf("%s: %s: %s", p.Title, target.Expr, fault)
			}
			for name := range known {
				if strings.Contains(target.Expr, name) {
					named[name] = true
				}
			}
		}
	}
	for _, v := range board.Templating.List {
		if name := regexp.MustCompile(`rollcall_[a-z_]+`).FindString(v.Definition); v.Type == "query" && known[name] == nil {
			t.Errorf("variable %s: no metric %q", v.Name, name)
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "rollcall_downstream_") && !named[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	if board.UID == "" || len(board.Panels) < 10 {
		t.Errorf("uid %q, %d panels", board.UID, len(board.Panels))
	}
}

// The check itself finds what is wrong.
func TestFaults(t *testing.T) {
	known := map[string][]string{"rollcall_x": {"namespace"}, "rollcall_y_seconds": {"scope"}}
	for expression, want := range map[string]string{
		`sum by (namespace) (rate(rollcall_x{namespace="a"}[5m])) > 0`:               "",
		`histogram_quantile(0.9, sum by (le) (rate(rollcall_y_seconds_bucket[5m])))`: "",
		`rollcall_z > 0`:              "no metric rollcall_z",
		`rollcall_x{name="a"}`:        "rollcall_x has no label name",
		`sum by (scope) (rollcall_x)`: "nothing here has a label scope",
		`sum(rollcall_x`:              "[(] not closed",
		`rollcall_x)`:                 "a ) too many",
		`irate(rollcall_x[5m])`:       "irate is no word that this test knows",
		`rollcall_x{namespace}`:       `"namespace" selects nothing`,
		`up == 0`:                     "no metric of ours",
		`rollcall_x ; 1`:              `";" is not understood`,
	} {
		got := strings.Join(faults(known, expression), "; ")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
