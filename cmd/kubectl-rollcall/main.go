// Command kubectl-rollcall answers questions about an organization, on a cluster or on files, with the engine that the
// operator uses. On PATH it is `kubectl rollcall`.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"time"

	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
)

// A command lives for a moment and allocates most of what it ever holds: collecting less often is a third of its time.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, time.Now)
	stop()
	os.Exit(code)
}
