// Package command is the kubectl plugin: one file per command. A command reads an organization from files or a cluster,
// asks the engine, and prints; it decides nothing itself.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// Exit codes (CLI.md).
const (
	exitNo          = 1
	exitUsage       = 64
	exitInput       = 65
	exitUnreachable = 69
)

// Streams are where a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// failure ends a command with a code; err is printed, nil prints nothing.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// no is the answer of commands that say yes or no by their exit code.
var no = &failure{code: exitNo}

func usageError(format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...)}
}

func inputError(format string, args ...any) error {
	return &failure{exitInput, fmt.Errorf(format, args...)}
}

// plugin is one run of the program.
type plugin struct {
	Streams
	now     func() time.Time
	options options
}

// Run executes the plugin and returns its exit code.
func Run(ctx context.Context, args []string, s Streams, now func() time.Time) int {
	p := &plugin{Streams: s, now: now}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	// What cobra refuses by itself is usage: commands return failures.
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{exitUsage, err}
	}
	if f.err != nil {
		p.complain(f.err)
	}
	return f.code
}

// complain prints errors, one line each.
func (p *plugin) complain(err error) {
	if list, ok := errors.AsType[manifest.Errors](err); ok {
		for _, e := range list {
			p.note("error: %s", e)
		}
		return
	}
	p.note("error: %s", err)
}

// note prints one line on stderr, whatever the text holds.
func (p *plugin) note(format string, args ...any) {
	fmt.Fprintln(p.Err, clean(fmt.Sprintf(format, args...)))
}

// clean makes one harmless line of a text that may quote the input: names and messages must not move the cursor.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}

func (p *plugin) root() *cobra.Command {
	root := p.status()
	root.Use = "kubectl-rollcall"
	root.Aliases = nil
	root.Short = "Who may do what, and who gets the next conversation"
	root.Long = "Without a command: the roll call of the organization.\n\nCommands ask the cluster of your kubeconfig, or, with -f or -k, files."
	root.Version = version()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetVersionTemplate("kubectl-rollcall {{.Version}}\n")
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl rollcall"}
	root.AddCommand(p.status(), p.check(), p.access(), p.whoCan(), p.members(), p.route(), p.explain(), p.validate(),
		p.importPeople(), p.confirm(), p.approveCard(), p.approve(), p.export(), p.reflash(), p.edit(), p.mention(), p.notify(), p.resolve(), p.mentions(), p.snapshot(), p.initialize(), p.newObject())
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usageError("%s; see %s --help", err, c.CommandPath())
	})
	return root
}

// version is that of the module, or of the commit, as the build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	return v + " " + info.GoVersion
}

// exactly and between check the number of arguments and say what they are.
func between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usageError("%d arguments; expected %s", len(args), strings.TrimSpace(c.UseLine()))
		}
		return nil
	}
}
