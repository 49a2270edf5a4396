package docs

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
)

var update = flag.Bool("update", false, "write the outputs in console blocks anew")

// fence is a fenced block: its language and its lines.
var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```")

// sample is the organization that commands without -k and -f are asked about here; on paper they ask the cluster of make run.
const sample = "config/samples/fjordline"

// words splits a command line as a shell does, as far as docs need it; a comment ends it.
func words(line string) []string {
	var all []string
	for _, word := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1) {
		if strings.HasPrefix(word, "#") {
			break
		}
		all = append(all, strings.Trim(word, `'"`))
	}
	return all
}

// run executes the plugin in the root of the repository, with the first YAML block of the README as organization.yaml.
func run(t *testing.T, args []string) (code int, stdout, stderr string) {
	t.Helper()
	for i, arg := range args {
		if arg == "organization.yaml" {
			args[i] = filepath.Join(t.TempDir(), arg)
			block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "README.md"))
			if err := os.WriteFile(args[i], []byte(block[1]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Chdir(root)
	now := func() time.Time { return time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC) }
	var out, errors bytes.Buffer
	code = command.Run(t.Context(), args, command.Streams{In: strings.NewReader(""), Out: &out, Err: &errors}, now)
	return code, out.String(), errors.String()
}

func trimmed(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// Blocks of language console hold commands after a dollar sign, each with what it prints on a Monday in November 2026.
func TestConsoleBlocksPrintWhatTheySay(t *testing.T) {
	found := 0
	for _, page := range pages(t) {
		content := read(t, page)
		renewed := fence.ReplaceAllStringFunc(content, func(block string) string {
			parts := fence.FindStringSubmatch(block)
			if parts[1] != "console" {
				return block
			}
			var out strings.Builder
			for _, entry := range strings.Split("\n"+parts[2], "\n$ ")[1:] {
				line, want, _ := strings.Cut(entry, "\n")
				args := words(line)
				if len(args) < 2 || args[0] != "kubectl" || args[1] != "rollcall" {
					t.Errorf("%s: console blocks are for kubectl rollcall, not for %q", page, line)
					continue
				}
				found++
				var got string
				t.Run(page+" "+line, func(t *testing.T) {
					_, stdout, stderr := run(t, args[2:])
					got = trimmed(stdout)
					if diff := cmp.Diff(trimmed(want), got); diff != "" && !*update {
						t.Errorf("(-page +program, go test ./test/docs -update):\n%s%s", diff, stderr)
					}
				})
				out.WriteString("$ " + line + "\n" + got + "\n")
			}
			return "```console\n" + out.String() + "```"
		})
		if *update && renewed != content {
			if err := os.WriteFile(filepath.Join(root, page), []byte(renewed), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found == 0 {
		t.Error("no page has a console block")
	}
}

// Every other command in a page at least runs: no unknown command, flag, person, group or profile.
func TestCommandsInPagesRun(t *testing.T) {
	asks := []string{"check", "explain", "why", "access", "who-can", "members", "mentions", "route", "validate", "status"}
	placeholder := regexp.MustCompile(`^[A-Z][A-Z-]+$|^KIND/|/NAME$|…|^(people|my-organization|now\.yaml)$`)
	found := 0
	for _, page := range pages(t) {
		for _, block := range fence.FindAllStringSubmatch(read(t, page), -1) {
			if block[1] != "" {
				continue
			}
			for line := range strings.Lines(block[2]) {
				args := words(line)
				switch {
				case len(args) >= 2 && args[0] == "kubectl" && args[1] == "rollcall":
					args = args[2:]
				case len(args) >= 1 && args[0] == "bin/kubectl-rollcall":
					args = args[1:]
				default:
					continue
				}
				if slices.ContainsFunc(args, placeholder.MatchString) {
					continue
				}
				if len(args) > 0 && !strings.HasPrefix(args[0], "-") && !slices.Contains(asks, args[0]) {
					continue // it writes, or wants a cluster
				}
				if !slices.Contains(args, "-k") && !slices.Contains(args, "-f") {
					args = append(args, "-k", sample)
				}
				found++
				t.Run(page+" "+strings.Join(args, " "), func(t *testing.T) {
					// 1 is an answer: no.
					if code, _, stderr := run(t, args); code > 1 {
						t.Errorf("exit code %d: %s", code, stderr)
					}
				})
			}
		}
	}
	if found == 0 {
		t.Error("no page has a command")
	}
}
