package law

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModuleKeepsTheImportDirection(t *testing.T) {
	packages := list(t)
	for _, path := range decisions {
		if !slices.ContainsFunc(packages, func(p Package) bool { return p.ImportPath == Module+"/"+path }) {
			t.Errorf("%s is in the table of pure packages but not in the module", path)
		}
	}
	for _, broken := range Check(Module, Rules, packages) {
		t.Error(broken)
	}
}

func TestPurePackagesReadNoClock(t *testing.T) {
	uses, err := CheckCalls(Module, Rules, list(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range uses {
		t.Errorf("%s: time and randomness are parameters of a pure package", use)
	}
}

// list asks the go command for the packages of the module and all they depend on.
func list(t *testing.T) []Package {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps",
		"-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps,Error", Module+"/...")
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("listing the packages of the module: %v\n%s", err, stderr.String())
	}
	var packages []Package
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p Package
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("reading the output of go list: %v", err)
		}
		if _, ours := below(Module, p.ImportPath); ours && p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		packages = append(packages, p)
	}
}

func TestCheck(t *testing.T) {
	const module = "example.org/m"
	rules := []Rule{
		{Of: "api/...", External: []string{"k8s.io/apimachinery/..."}, Unreachable: []string{"k8s.io/client-go/..."}},
		{Of: "core", Pure: true, Own: []string{"api"}, Unreachable: []string{"k8s.io/client-go/..."}},
		{Of: "controllers", Own: []string{"..."}},
		{Of: "controllers/...", Own: []string{"core", "api"}, Islands: true},
	}
	foreign := []Package{
		{ImportPath: "context", Standard: true},
		{ImportPath: "fmt", Standard: true},
		{ImportPath: "k8s.io/apimachinery/types"},
		{ImportPath: "k8s.io/client-go/rest"},
		{ImportPath: "gopkg.in/wrapper", Imports: []string{"k8s.io/client-go/rest"}},
	}
	tests := map[string]struct {
		packages []Package
		want     []string
	}{
		"permitted imports": {
			packages: []Package{
				{ImportPath: module + "/api", Imports: []string{"fmt", "k8s.io/apimachinery/types"}},
				{ImportPath: module + "/core", Imports: []string{module + "/api"}},
				{ImportPath: module + "/controllers/a", Imports: []string{module + "/core", module + "/controllers/a/part"}},
				{ImportPath: module + "/controllers/a/part"},
				{ImportPath: module + "/controllers", Imports: []string{module + "/controllers/a"}},
			},
		},
		"a package nobody thought of": {
			packages: []Package{{ImportPath: module + "/pkg/util"}},
			want:     []string{"pkg/util has no rule: add a row to the table and say what it may import"},
		},
		"a pure package with a context": {
			packages: []Package{{ImportPath: module + "/core", Imports: []string{"context", "fmt"}}},
			want:     []string{"core imports context: a pure function is not cancelled"},
		},
		"a foreign library outside the rule": {
			packages: []Package{{ImportPath: module + "/core", Imports: []string{"k8s.io/apimachinery/types"}}},
			want:     []string{"core imports k8s.io/apimachinery/types, which its rule does not list"},
		},
		"a client reached through an own and a foreign package": {
			packages: []Package{
				{ImportPath: module + "/core", Imports: []string{module + "/api"}},
				{ImportPath: module + "/api", Imports: []string{"gopkg.in/wrapper"}},
			},
			want: []string{
				"api imports gopkg.in/wrapper, which its rule does not list",
				"api reaches k8s.io/client-go/rest (api -> gopkg.in/wrapper -> k8s.io/client-go/rest)",
				"core reaches k8s.io/client-go/rest (core -> api -> gopkg.in/wrapper -> k8s.io/client-go/rest)",
			},
		},
		"the wrong direction": {
			packages: []Package{
				{ImportPath: module + "/api", Imports: []string{module + "/core"}},
				{ImportPath: module + "/core"},
			},
			want: []string{"api reaches core (api -> core)"},
		},
		"one concern that sees another, and one that sees the root": {
			packages: []Package{
				{ImportPath: module + "/controllers/a", Imports: []string{module + "/controllers/b"}},
				{ImportPath: module + "/controllers/b"},
				{ImportPath: module + "/controllers/c", Imports: []string{module + "/controllers"}},
				{ImportPath: module + "/controllers"},
			},
			want: []string{
				"controllers/a reaches controllers/b (controllers/a -> controllers/b)",
				"controllers/c reaches controllers (controllers/c -> controllers)",
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Check(module, rules, withDeps(append(tc.packages, foreign...)))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// withDeps fills in the transitive closure that go list computes.
func withDeps(packages []Package) []Package {
	byPath := make(map[string]Package)
	for _, p := range packages {
		byPath[p.ImportPath] = p
	}
	var visit func(path string, seen map[string]bool)
	visit = func(path string, seen map[string]bool) {
		for _, next := range byPath[path].Imports {
			if !seen[next] {
				seen[next] = true
				visit(next, seen)
			}
		}
	}
	for i, p := range packages {
		seen := make(map[string]bool)
		visit(p.ImportPath, seen)
		for path := range seen {
			packages[i].Deps = append(packages[i].Deps, path)
		}
	}
	return packages
}

func TestForbiddenUses(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"durations and instants are values": {
			source: "package p\nimport \"time\"\nvar d = 5 * time.Second\nfunc f(now time.Time) bool { return now.After(time.Time{}) }\n",
		},
		"the clock called": {
			source: "package p\nimport \"time\"\nfunc f() time.Time { return time.Now() }\n",
			want:   []string{"p.go:3: time.Now"},
		},
		"the clock handed on as a default, under another name": {
			source: "package p\nimport clock \"time\"\nvar now = clock.Now\n",
			want:   []string{"p.go:3: clock.Now"},
		},
		"the clock of apimachinery": {
			source: "package p\nimport metav1 \"k8s.io/apimachinery/pkg/apis/meta/v1\"\nvar at = metav1.Now()\n",
			want:   []string{"p.go:3: metav1.Now"},
		},
		"a seeded generator, and the global one": {
			source: "package p\nimport \"math/rand/v2\"\nvar r = rand.New(rand.NewPCG(1, 2))\nvar i = rand.IntN(3)\n",
			want:   []string{"p.go:4: rand.IntN"},
		},
		"a dot import": {
			source: "package p\nimport . \"time\"\nvar d = Second\n",
			want:   []string{"p.go:1: dot import of time"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := forbiddenUses("p.go", tc.source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
		})
	}
}
