package requirements

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/requirements.md anew")

const (
	root = "../.."
	page = root + "/docs/requirements.md"
)

// rows reads a table with a heading; each row has as many columns as that.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(content)) {
		out = append(out, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		if n := len(out[len(out)-1]); n != len(out[0]) {
			t.Fatalf("%s: line %d has %d columns, want %d", name, len(out), n, len(out[0]))
		}
	}
	return out[1:]
}

// mentions are IDs in a test: S-01, P-07, V-43, and ranges like P-01 to P-04.
var mentions = regexp.MustCompile(`\b([A-Z])-(\d{2,3})(?: to ([A-Z])-(\d{2,3}))?\b`)

// tested says for each ID which packages have tests that name it.
func tested(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		in, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if in == filepath.Join("test", "requirements") { // it proves nothing
			return nil
		}
		for _, m := range mentions.FindAllStringSubmatch(string(content), -1) {
			first, _ := strconv.Atoi(m[2])
			last := first
			if m[3] == m[1] {
				last, _ = strconv.Atoi(m[4])
			}
			for i := first; i <= last; i++ {
				id := fmt.Sprintf("%s-%02d", m[1], i)
				if out[id] == nil {
					out[id] = map[string]bool{}
				}
				out[id][filepath.ToSlash(in)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string][]string{}
	for id, packages := range out {
		lists[id] = slices.Sorted(maps.Keys(packages))
	}
	return lists
}

var sources = []struct{ letter, title string }{
	{"E", "User groups of social care"}, {"T", "User groups of chat desks"}, {"M", "Inviting and managing agents"},
	{"A", "User groups of patient messaging"}, {"V", "Configuring users of voice centres"},
}

func render(requirements, scenarios [][]string, tested map[string][]string) []byte {
	proving := map[string][]string{} // requirement -> scenarios
	done := 0
	for _, s := range scenarios {
		for r := range strings.FieldsSeq(s[1]) {
			proving[r] = append(proving[r], s[0])
		}
		if len(tested[s[0]]) > 0 {
			done++
		}
	}
	cell := func(id string) string {
		if len(tested[id]) == 0 {
			return "*" + id + "*"
		}
		return id
	}
	var byName []string // requirements that tests name themselves
	for _, r := range requirements {
		if len(tested[r[0]]) > 0 {
			proving[r[0]] = append(proving[r[0]], r[0])
			byName = append(byName, r[0])
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `# Requirements

<!-- Written by go test ./test/requirements -update. Do not edit. -->

%d requirements, where each of them is satisfied, and the acceptance scenarios that prove it; its own ID stands
there where tests name the requirement itself. Tests name %d of the %d scenarios and properties; those in *italics* wait for what they are about.

Row kinds: **R** rule, **F** field, **L** limit, **N** enumeration, **G** guidance, **U** user interface only; a star after a kind: required.
`+"`Kind.field`"+` is a path below `+"`.spec`"+`; `+"`pol:x`"+` is `+"`Organization.spec.policies.x`"+`; `+"`cli:`"+` is a command of kubectl-rollcall.
`, len(requirements), done, len(scenarios))
	for _, source := range sources {
		fmt.Fprintf(&out, "\n## %s (%s)\n\n| ID | kind | requirement | where | scenarios |\n|---|---|---|---|---|\n", source.title, source.letter)
		for _, r := range requirements {
			if !strings.HasPrefix(r[0], source.letter+"-") {
				continue
			}
			var by []string
			for _, s := range proving[r[0]] {
				by = append(by, cell(s))
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r[0], r[1], r[2], r[3], cmp.Or(strings.Join(by, ", "), "-"))
		}
	}
	fmt.Fprint(&out, "\n## Where they are tested\n\n| ID | packages |\n|---|---|\n")
	for _, s := range scenarios {
		byName = append(byName, s[0])
	}
	for _, id := range byName {
		if packages := tested[id]; len(packages) > 0 {
			fmt.Fprintf(&out, "| %s | %s |\n", id, strings.Join(packages, ", "))
		}
	}
	return out.Bytes()
}

var claim = regexp.MustCompile(`(?m)^\| ([A-Z]-\d{2,3}) \| ([^|]*) \|$`)

// The page is as the tables say, and every test that it claims is there. Tests that are newer than the page do not make it
// false.
func TestPage(t *testing.T) {
	requirements, scenarios, named := rows(t, "requirements.tsv"), rows(t, "scenarios.tsv"), tested(t)
	if *update {
		if err := os.WriteFile(page, render(requirements, scenarios, named), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	claimed := map[string][]string{}
	for _, m := range claim.FindAllStringSubmatch(string(written), -1) {
		claimed[m[1]] = strings.Split(m[2], ", ")
		for _, in := range claimed[m[1]] {
			if !slices.Contains(named[m[1]], in) {
				t.Errorf("the page says that %s is tested in %s, where no test names it", m[1], in)
			}
		}
	}
	if !bytes.Equal(written, render(requirements, scenarios, claimed)) {
		t.Errorf("%s is not as the tables say: go test ./test/requirements -update", page)
	}
}

// untested are requirements without a test: what the documentation says, and what is not built yet.
var untested = map[string]string{
	"M-37": "documentation",
	"V-48": "activity and reports", "V-49": "activity and reports", "V-50": "activity and reports", "V-51": "activity and reports",
}

// Every requirement but those of user interfaces is tested, by a scenario or by its own ID.
func TestEveryRequirement(t *testing.T) {
	named, proved := tested(t), map[string]bool{}
	for _, s := range rows(t, "scenarios.tsv") {
		for r := range strings.FieldsSeq(s[1]) {
			proved[r] = proved[r] || len(named[s[0]]) > 0
		}
	}
	for _, r := range rows(t, "requirements.tsv") {
		id, tested := r[0], proved[r[0]] || len(named[r[0]]) > 0
		switch _, excused := untested[id]; {
		case r[1] == "U":
		case excused && tested:
			t.Errorf("%s is tested now: take it off the list", id)
		case !excused && !tested:
			t.Errorf("no test names %s or a scenario of it: %s", id, r[2])
		}
	}
}

// Requirements that scenarios name exist, and scenarios and properties that tests name exist: a slip in a number would hide
// that something is not tested.
func TestReferences(t *testing.T) {
	known := map[string]bool{}
	for _, table := range []string{"requirements.tsv", "scenarios.tsv"} {
		for _, r := range rows(t, table) {
			if known[r[0]] {
				t.Errorf("%s: %s is there twice", table, r[0])
			}
			known[r[0]] = true
		}
	}
	for _, s := range rows(t, "scenarios.tsv") {
		for r := range strings.FieldsSeq(s[1]) {
			if !known[r] {
				t.Errorf("scenarios.tsv: %s names %s, which is no requirement", s[0], r)
			}
		}
	}
	for id, packages := range tested(t) {
		if letter := id[:1]; strings.Contains("SPETMAV", letter) && !known[id] {
			t.Errorf("%s, which tests of %v name, does not exist", id, packages)
		}
	}
}
