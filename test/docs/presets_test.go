package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// samplesOfPages are the pages of docs/presets with the organization that their commands are about.
var samplesOfPages = map[string]string{
	"custom": "fjordline", "social-care": "social-care", "chat-desk": "chat-desk", "agent-feedback": "agent-feedback",
	"patient-messaging": "patient-messaging", "voice-center": "voice-center",
}

// inline is a command inside a sentence or a cell of a table.
var inline = regexp.MustCompile("`kubectl rollcall ([^`]+)`")

// The tables say what to look at with which command: those commands work on the sample of their page.
func TestCommandsInTablesOfPresetsRun(t *testing.T) {
	asks := []string{"check", "explain", "why", "access", "who-can", "members", "route", "validate"}
	placeholder := regexp.MustCompile(`^[A-Z][A-Z-]*$`)
	for page, sample := range samplesOfPages {
		found := 0
		for _, m := range inline.FindAllStringSubmatch(read(t, filepath.Join("docs/presets", page+".md")), -1) {
			args := words(m[1])
			if !slices.Contains(asks, args[0]) || slices.ContainsFunc(args, placeholder.MatchString) {
				continue
			}
			found++
			t.Run(page+" "+m[1], func(t *testing.T) {
				if code, _, errors := run(t, append(args, "-k", "config/samples/"+sample)); code > 1 {
					t.Errorf("exit code %d: %s", code, errors)
				}
			})
		}
		if found == 0 {
			t.Errorf("docs/presets/%s.md shows no command in its table", page)
		}
	}
}

// Every preset has a page, every page a way to it.
func TestEveryPresetHasItsPage(t *testing.T) {
	organization := definitions(t)["Organization"].Spec.Versions[0].Schema.OpenAPIV3Schema
	index := read(t, "docs/README.md")
	presets := organization.Properties["spec"].Properties["preset"].Enum
	if len(presets) != len(samplesOfPages) {
		t.Errorf("%d presets, %d pages", len(presets), len(samplesOfPages))
	}
	for _, raw := range presets {
		preset := strings.Trim(string(raw.Raw), `"`)
		page := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(preset, "$1-$2"))
		content := read(t, "docs/presets/"+page+".md")
		if !strings.HasPrefix(content, "# Coming from ") || !strings.Contains(content, "`"+preset+"`") {
			t.Errorf("docs/presets/%s.md is not about %s", page, preset)
		}
		if !strings.Contains(index, "(presets/"+page+".md)") {
			t.Errorf("docs/README.md does not link presets/%s.md", page)
		}
		if !strings.Contains(content, "make run") || !strings.Contains(content, "config/samples/"+samplesOfPages[page]) {
			t.Errorf("docs/presets/%s.md does not show its sample", page)
		}
	}
}
