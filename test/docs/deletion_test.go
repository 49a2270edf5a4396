package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// proof is a test named by its folder and its name: a function, a key of a table or the text of a spec.
var proof = regexp.MustCompile("`([a-z/-]+)` \"([^\"]+)\"")

// testNames are the names of test functions and all strings in the test files of a folder.
func testNames(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s (error: %v)", folder, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = n.Recv == nil && strings.HasPrefix(n.Name.Name, "Test")
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					names[text] = true
				}
			}
			return true
		})
	}
	return names
}

// Every row of the page on deletion names tests, and they exist.
func TestEveryRowOfDeletionIsProved(t *testing.T) {
	known := map[string]map[string]bool{}
	rows := 0
	for line := range strings.Lines(read(t, "docs/deletion.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || strings.HasPrefix(strings.TrimSpace(cells[0]), "---") || strings.TrimSpace(cells[4]) == "proved by" {
			continue
		}
		rows++
		named := proof.FindAllStringSubmatch(cells[4], -1)
		if len(named) == 0 {
			t.Errorf("no test proves %q", strings.TrimSpace(cells[0]))
		}
		for _, n := range named {
			folder, name := n[1], n[2]
			if known[folder] == nil {
				known[folder] = testNames(t, folder)
			}
			if !known[folder][name] {
				t.Errorf("%s: no test %q in %s", strings.TrimSpace(cells[0]), name, folder)
			}
		}
	}
	if rows < 15 {
		t.Errorf("%d rows found: is the page read correctly?", rows)
	}
}
