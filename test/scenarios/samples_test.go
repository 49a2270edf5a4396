package scenarios

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// samplesFolder holds one organization for each source of requirements, and fjordline, which is none of them.
const samplesFolder = "../../config/samples"

// sampleAt is the instant of the goldens of samples: a Tuesday on which covers, blocks and absences are in effect.
var sampleAt = time.Date(2027, 1, 12, 15, 0, 0, 0, time.UTC)

func samples(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(samplesFolder, "*/kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i] = filepath.Base(filepath.Dir(all[i]))
	}
	want := []string{"agent-feedback", "chat-desk", "fjordline", "patient-messaging", "social-care", "voice-center"}
	if !slices.Equal(all, want) {
		t.Fatalf("samples are %v, want %v", all, want)
	}
	return all
}

func sampleObjects(t *testing.T, sample string) []*manifest.Object {
	t.Helper()
	source, err := manifest.Kustomize(filepath.Join(samplesFolder, sample))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, source)
}

// onPurpose is what samples show on purpose, as "Kind/name Condition".
var onPurpose = map[string][]string{
	"agent-feedback": {
		"Organization/default InvitationsDeliverable", // nothing in it sends e-mail
		"Teammate/hp-0307 Notifiable",
		"Teammate/isadora CardApproved", "Teammate/dashiell CardApproved",
		"Teammate/valentina CardApproved", "Teammate/valentina CardComplete",
		"Teammate/thaddeus CardApproved",
		"Teammate/soren CardApproved", "Teammate/soren CardComplete", // the latter until the invitation goes out
		"UserGroup/leaders Mentionable", "UserGroup/pilot-2025 Mentionable",
	},
	"chat-desk": {"UserGroup/pop-up-porto Mentionable"},
	"fjordline": {"UserGroup/care-worldwide Mentionable"},
	"patient-messaging": {
		"UserGroup/fn-billing Mentionable", "UserGroup/ped-vaccines-2026 Mentionable", "UserGroup/uc-front-desk Mentionable",
	},
	"social-care": {
		"UserGroup/agency Mentionable",          // switched off
		"UserGroup/winter-campaign Mentionable", // nobody is in it yet
	},
	"voice-center": {"Organization/default InvitationsDeliverable"},
}

// The samples are what newcomers see first: nothing in them is unready, and nothing is abnormal but what they are to show.
func TestSamplesHaveNothingWrong(t *testing.T) {
	for _, sample := range samples(t) {
		t.Run(sample, func(t *testing.T) {
			objects := sampleObjects(t, sample)
			seen := map[string]bool{}
			for _, at := range []time.Time{
				time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), sampleAt, time.Date(2027, 2, 10, 3, 0, 0, 0, time.UTC), time.Date(2028, 6, 1, 12, 0, 0, 0, time.UTC),
			} {
				e := load(at, objects)
				for _, line := range abnormal(e) {
					about, _, _ := strings.Cut(line, "=")
					seen[about] = true
					if !slices.Contains(onPurpose[sample], about) {
						t.Errorf("at %s %s", at.Format(time.RFC3339), line)
					}
				}
				for _, target := range e.Routing.Targets(nil) {
					if reason, message := e.Lint.Routable(target); reason != "" {
						t.Errorf("at %s %s/%s: %s: %s", at.Format(time.RFC3339), target.Kind, target.Name, reason, message)
					}
				}
			}
			for _, about := range onPurpose[sample] {
				if !seen[about] {
					t.Errorf("%s is as it should be; it is listed as shown on purpose", about)
				}
			}
		})
	}
}

// abnormal lists the conditions that are not True, as "Kind/name Condition=Status/Reason: message".
func abnormal(e *engine.Engine) []string {
	var out []string
	for _, kind := range roster.Kinds {
		for _, name := range e.Roster.Names(nil, kind) {
			o := lint.Object{Kind: kind, Name: name}
			for _, c := range e.Lint.Conditions(o) {
				if c.Status == metav1.ConditionTrue || c.Type == rollcallv1.ConditionInUse {
					continue
				}
				out = append(out, fmt.Sprintf("%s %s=%s/%s: %s", o, c.Type, c.Status, c.Reason, c.Message))
			}
		}
	}
	return out
}

// Each organization is one of 30 to 60 people.
func TestSamplesAreOfTheSizeOfADepartment(t *testing.T) {
	for _, sample := range samples(t) {
		people := 0
		for _, o := range sampleObjects(t, sample) {
			if _, ok := o.Object.(*rollcallv1.Teammate); ok {
				people++
			}
		}
		if people < 30 || people > 60 {
			t.Errorf("%s has %d people", sample, people)
		}
	}
}

// Whoever starts from a sample starts from one that `validate` has no error about.
func TestSamplesValidate(t *testing.T) {
	for _, sample := range samples(t) {
		t.Run(sample, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := command.Run(t.Context(), []string{"validate", "-k", filepath.Join(samplesFolder, sample)},
				command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, func() time.Time { return sampleAt })
			if code != 0 {
				t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}

// digest is a sample in numbers: who is in which list, and a line for every output with its hash.
func digest(t *testing.T, e *engine.Engine) []byte {
	t.Helper()
	access := map[string]any{}
	for _, name := range e.Roster.Names(nil, roster.KindTeammate) {
		s := e.EffectiveAccess(name).Status
		access[name] = fmt.Sprintf("%s: %d groups, %d profiles in %d grants, %s", strings.TrimSpace(string(s.Phase)+" "+s.AccountRole), s.Counts.Groups, s.Counts.Profiles, s.Counts.Grants, s.Hash)
	}
	plans := map[string]any{}
	for _, target := range e.Routing.Targets(nil) {
		if p := e.RoutePlan(target); p != nil {
			excluded := 0
			if p.Status.Excluded != nil {
				for _, r := range p.Status.Excluded.ByReason {
					excluded += int(r.Count)
				}
			}
			plans[p.Name] = fmt.Sprintf("%d candidates, %d excluded, %s", p.Status.CandidateCount, excluded, p.Status.Hash)
		}
	}
	var findings []any
	for _, f := range e.Lint.Findings() {
		findings = append(findings, fmt.Sprintf("%s %s", f.Object, f.Rule))
	}
	content := map[string]any{
		"at": e.Roster.Now().UTC().Format(time.RFC3339), "counts": plain(t, new(e.Counts())), "effectiveAccess": access, "routePlans": plans, "findings": findings,
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(compact(content)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What the samples amount to: a change of theirs that should change nothing, or too much, shows here.
func TestSamplesInNumbers(t *testing.T) {
	for _, sample := range samples(t) {
		t.Run(sample, func(t *testing.T) {
			compareGolden(t, filepath.Join("samples", sample+".yaml"), digest(t, load(sampleAt, sampleObjects(t, sample))))
		})
	}
}

// The whole of what comes out of every sample. What went in is config/samples.
func TestSamplesInFull(t *testing.T) {
	for _, sample := range samples(t) {
		t.Run(sample, func(t *testing.T) {
			compareGolden(t, filepath.Join("samples", sample, "out.yaml"), describe(t, load(sampleAt, sampleObjects(t, sample))))
		})
	}
}

// The example of a mention, which is not applied with the rest: it is judged when it is first seen.
func TestSampleMentionIsAccepted(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(samplesFolder, "patient-messaging/mention.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	e := load(sampleAt, sampleObjects(t, "patient-messaging"))
	var changes []roster.Change
	for _, o := range parse(t, manifest.Source{Name: "mention.yaml", Data: content}) {
		changes = append(changes, roster.Change{Object: o.Object})
	}
	e.Apply(sampleAt, changes...)
	status := e.Lint.Mention("fn-4711-interpreter")
	var alerts []string
	for _, a := range status.Alerts {
		alerts = append(alerts, fmt.Sprintf("%s %s by %v", a.Name, a.State, a.Via))
	}
	want := "Pending: halyna Pending by [interpreters], linh Pending by [interpreters], rosario Pending by [interpreters]"
	if got := string(status.Phase) + ": " + strings.Join(alerts, ", "); got != want {
		t.Errorf("the mention is %s, want %s", got, want)
	}
}

// A golden of a sample that is gone proves nothing.
func TestEveryGoldenHasItsSample(t *testing.T) {
	all := samples(t)
	entries, err := os.ReadDir("samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), ".yaml"); !slices.Contains(all, name) {
			t.Errorf("samples/%s is of no sample", entry.Name())
		}
	}
}
