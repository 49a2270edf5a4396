package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

const root = "../.."

// block is a fenced block of a page, with the line its content begins at.
type block struct {
	language, text string
	line           int
}

// blocks returns the fenced blocks of a page. Fences may be indented, as in lists; the content loses that indentation.
func blocks(page string) []block {
	var out []block
	var open *block
	indent := ""
	number := 0
	for line := range strings.Lines(page) {
		number++
		trimmed := strings.TrimLeft(line, " ")
		switch fence := strings.HasPrefix(trimmed, "```"); {
		case fence && open == nil:
			indent = line[:len(line)-len(trimmed)]
			open = &block{language: strings.TrimSpace(strings.TrimPrefix(trimmed, "```")), line: number + 1}
		case fence:
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		}
	}
	return out
}

// pages returns README.md and everything below docs/.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	add := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(data)
	}
	add(filepath.Join(root, "README.md"))
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			add(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// manifests returns the YAML blocks of a page that hold objects of our group, each as a source whose lines are those of the
// page.
func manifests(path, page string) []manifest.Source {
	var out []manifest.Source
	for _, b := range blocks(page) {
		if b.language == "yaml" && strings.Contains(b.text, "apiVersion: rollcall.dev") {
			out = append(out, manifest.Source{Name: path, Data: []byte(strings.Repeat("\n", b.line-1) + b.text)})
		}
	}
	return out
}

func TestManifestsAreValid(t *testing.T) {
	found := 0
	for path, page := range pages(t) {
		for _, s := range manifests(path, page) {
			found++
			set, errs := manifest.Parse([]manifest.Source{s}, "default")
			for _, e := range errs {
				t.Error(e)
			}
			if len(set.Objects) == 0 && len(set.Skipped) == 0 && len(errs) == 0 {
				t.Errorf("%s: a block has no object", path)
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d manifests only: is the extraction broken?", found)
	}
}

// TestShortestOrganization asks the manifest of README.md what the README says it answers.
func TestShortestOrganization(t *testing.T) {
	path := filepath.Join(root, "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sources := manifests(path, string(page))
	if len(sources) == 0 {
		t.Fatal("README.md has no manifest")
	}
	var out, errs bytes.Buffer
	code := command.Run(t.Context(), []string{"check", "ana", "care.reply", "ig-quebec", "-f", "-"},
		command.Streams{In: bytes.NewReader(sources[0].Data), Out: &out, Err: &errs}, func() time.Time { return time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC) })
	if code != 0 {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
}

// TestExtraction guards the extraction itself: an error must carry the line of the page.
func TestExtraction(t *testing.T) {
	page := "# Title\n\n1. Text\n\n   ```yaml\n   apiVersion: rollcall.dev/v1alpha1\n   kind: Profile\n   metadata: {name: page}\n   spec: {type: Nothing}\n   ```\n\n```yaml\nfoo: bar\n```\n"
	sources := manifests("page.md", page)
	if len(sources) != 1 {
		t.Fatalf("%d manifests", len(sources))
	}
	_, errs := manifest.Parse(sources, "default")
	if len(errs) != 1 || errs[0].Line != 9 || !strings.Contains(errs[0].Message, "Nothing") {
		t.Errorf("%v", errs)
	}
}
