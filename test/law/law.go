// Package law checks the import direction of this module: which package may reach which, directly and through others, and
// that the packages that decide stay pure (no clock, client, context, logger or randomness). Its tests run the checks over
// the module itself; ARCHITECTURE.md and CONTRIBUTING.md tell the same table in words.
package law

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Package is what `go list -json` says of one package, as far as the law needs it.
type Package struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string
	Deps       []string
	Error      *struct{ Err string }
}

// Rule says what the packages that match Of may import besides the standard library. Paths are below the module: "api/..."
// stands for api and everything under it. The first matching rule of a table counts.
type Rule struct {
	Of string
	// Own lists the packages of this module that may be reached, directly or through others. The package's own subtree
	// is always included when Of ends in "/...", except where Islands is set. nil: none; {"..."}: every one.
	Own []string
	// External lists the prefixes of foreign import paths that may be imported directly. nil: none; {"..."}: every one.
	External []string
	// Unreachable lists prefixes of foreign import paths that must not be reached even through others.
	Unreachable []string
	// Pure adds the checks of packages that decide: see forbiddenStandard and forbiddenCalls.
	Pure bool
	// Islands forbids the packages below Of to reach each other ("controllers/..." : one concern never sees another).
	Islands bool
}

// forbiddenStandard are the packages of the standard library that a pure package does not import: with them it could wait,
// read a clock or an environment, speak to somebody, or answer differently the second time.
var forbiddenStandard = map[string]string{
	"context":       "a pure function is not cancelled",
	"crypto/rand":   "the same input must give the same bytes",
	"database/sql":  "input comes as values",
	"expvar":        "metrics belong to the callers",
	"io/ioutil":     "input comes as values",
	"log":           "a reason is part of the result, not of a log",
	"log/slog":      "a reason is part of the result, not of a log",
	"log/syslog":    "a reason is part of the result, not of a log",
	"math/rand":     "the same input must give the same bytes",
	"net":           "input comes as values",
	"net/http":      "input comes as values",
	"os":            "input comes as values",
	"os/exec":       "input comes as values",
	"os/signal":     "input comes as values",
	"path/filepath": "its results depend on the platform",
	"runtime/debug": "results must not depend on the process",
	"syscall":       "input comes as values",
}

// forbiddenCalls are functions of permitted packages that a pure package does not use. Time is a parameter; a generator of
// math/rand/v2 that is seeded by the caller is deterministic, the global one is not.
var forbiddenCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
	"math/rand/v2": {
		"ExpFloat64", "Float32", "Float64", "Int", "Int32", "Int32N", "Int64", "Int64N", "IntN", "N", "NormFloat64", "Perm",
		"Shuffle", "Uint", "Uint32", "Uint32N", "Uint64", "Uint64N", "UintN",
	},
	"k8s.io/apimachinery/pkg/apis/meta/v1": {"Now"},
}

// Check returns what in the packages breaks the rules, sorted, one sentence each. packages holds the module's packages and
// everything they depend on; module is the module's path.
func Check(module string, rules []Rule, packages []Package) []string {
	byPath := make(map[string]Package, len(packages))
	for _, p := range packages {
		byPath[p.ImportPath] = p
	}
	var broken []string
	for _, p := range packages {
		name, ours := below(module, p.ImportPath)
		if !ours {
			continue
		}
		rule, found := ruleFor(rules, name)
		if !found {
			broken = append(broken, name+" has no rule: add a row to the table and say what it may import")
			continue
		}
		broken = append(broken, checkDirect(module, name, rule, p, byPath)...)
		broken = append(broken, checkReached(module, name, rule, p, byPath)...)
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

func checkDirect(module, name string, rule Rule, p Package, byPath map[string]Package) []string {
	var broken []string
	for _, path := range p.Imports {
		if _, ours := below(module, path); ours {
			continue // checkReached sees it
		}
		if isStandard(path, byPath) {
			if why, forbidden := forbiddenStandard[path]; forbidden && rule.Pure {
				broken = append(broken, fmt.Sprintf("%s imports %s: %s", name, path, why))
			}
			continue
		}
		if !matchesAny(rule.External, path) {
			broken = append(broken, fmt.Sprintf("%s imports %s, which its rule does not list", name, path))
		}
	}
	return broken
}

func checkReached(module, name string, rule Rule, p Package, byPath map[string]Package) []string {
	var broken []string
	for _, path := range p.Deps {
		if other, ours := below(module, path); ours {
			if !mayReach(rule, name, other) {
				broken = append(broken, fmt.Sprintf("%s reaches %s (%s)", name, other, chain(module, p, path, byPath)))
			}
			continue
		}
		if slices.ContainsFunc(rule.Unreachable, func(pattern string) bool { return matches(pattern, path) }) {
			broken = append(broken, fmt.Sprintf("%s reaches %s (%s)", name, path, chain(module, p, path, byPath)))
		}
	}
	return broken
}

// mayReach tells whether the package name, under rule, may reach the package other; both are paths below the module.
func mayReach(rule Rule, name, other string) bool {
	if other == name {
		return true
	}
	subtree, whole := strings.CutSuffix(rule.Of, "/...")
	if whole && other != subtree && matches(rule.Of, other) {
		// An island may have packages of its own below it, but sees neither its neighbours nor, if it is not listed, what is above.
		return !rule.Islands || island(subtree, name) == island(subtree, other)
	}
	return matchesAny(rule.Own, other)
}

// island is the first path element below the subtree: of controllers/teammate/fixture it is teammate.
func island(subtree, name string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, subtree), "/"), "/")
	return first
}

func ruleFor(rules []Rule, name string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return matches(r.Of, name) })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// below cuts the module off an import path; false for a path outside the module.
func below(module, path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func isStandard(path string, byPath map[string]Package) bool {
	if p, known := byPath[path]; known {
		return p.Standard
	}
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") // "C", "unsafe" and whatever else go list does not describe
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, path) })
}

// matches compares a pattern with a path: "..." is everything, "a/..." is a and what is below, anything else is exact.
func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if prefix, whole := strings.CutSuffix(pattern, "/..."); whole {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return pattern == path
}

// chain shows how p comes to the package at path, as the shortest list of imports: a -> b -> c.
func chain(module string, p Package, path string, byPath map[string]Package) string {
	from := map[string]string{p.ImportPath: ""}
	for queue := []string{p.ImportPath}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == path {
			break
		}
		for _, next := range byPath[queue[0]].Imports {
			if _, seen := from[next]; !seen {
				from[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	var steps []string
	for at := path; at != ""; at = from[at] {
		step, ours := below(module, at)
		if !ours {
			step = at
		}
		steps = append(steps, step)
	}
	slices.Reverse(steps)
	return strings.Join(steps, " -> ")
}

// CheckCalls parses the files of the pure packages among packages and returns each use of a function of forbiddenCalls.
func CheckCalls(module string, rules []Rule, packages []Package) ([]string, error) {
	var broken []string
	for _, p := range packages {
		name, ours := below(module, p.ImportPath)
		if !ours {
			continue
		}
		if rule, found := ruleFor(rules, name); !found || !rule.Pure {
			continue
		}
		for _, file := range p.GoFiles {
			uses, err := forbiddenUses(filepath.Join(p.Dir, file), nil)
			if err != nil {
				return nil, fmt.Errorf("reading %s of %s: %w", file, name, err)
			}
			for _, use := range uses {
				broken = append(broken, fmt.Sprintf("%s/%s", name, use))
			}
		}
	}
	slices.Sort(broken)
	return broken, nil
}

// forbiddenUses returns "file.go:12: time.Now" for each forbidden function that the file mentions, called or handed on.
// source replaces the file's content when it is not nil.
func forbiddenUses(path string, source any) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	imported := make(map[string]string) // local name -> import path
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if _, watched := forbiddenCalls[target]; !watched {
			continue
		}
		switch {
		case spec.Name != nil:
			imported[spec.Name.Name] = target
		case target == "math/rand/v2":
			imported["rand"] = target
		default:
			imported[target[strings.LastIndex(target, "/")+1:]] = target
		}
	}
	var uses []string
	if target, dot := imported["."]; dot {
		uses = append(uses, fmt.Sprintf("%s:1: dot import of %s", filepath.Base(path), target))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && slices.Contains(forbiddenCalls[imported[x.Name]], selector.Sel.Name) {
			position := files.Position(selector.Pos())
			uses = append(uses, fmt.Sprintf("%s:%d: %s.%s", filepath.Base(path), position.Line, x.Name, selector.Sel.Name))
		}
		return true
	})
	return uses, nil
}
