// Command bench measures what the operator is measured by (QUALITY.md): one line per figure, with the floor measured in the
// same run, the ratio to it and the bar. It exits with 1 if a figure falls short.
//
//	bench [figure...]     for example: bench f1 f3; without arguments all of them
//
// Computation is measured in processor time, so that neighbours on a shared machine do not count: the load of a whole
// organization on one core as the time of the process, garbage collection included; a single edit as the time of its thread,
// assisting the collector included. Figures with an API server are ratios to a bare client of the same server, in wall time,
// in the same run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rollcall-dev/rollcall/test/bench/organization"
)

// benchmarks are the figures in the order in which they run.
var benchmarks = []struct {
	name string
	run  func(context.Context, *report) error
}{
	{"f1", load},
	{"f2", oneMembership},
	{"f3", oneProfile},
	{"f6", convergence},
	{"f8", steady},
	{"f8-downstream", steadyDownstream},
	{"f9", memory},
	{"f10-postgres", downstreamPostgres},
	{"f10-openfga", downstreamOpenFGA},
	{"hang", hanging},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	heap := flag.String("memprofile", "", "write a heap profile to this file at the end")
	shape := flag.String("shape", organization.Large.Name, "organization of the figures with an API server: small, large or huge; bars are for large")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	wanted := flag.Args()
	for _, name := range wanted {
		if !slices.ContainsFunc(names(), func(n string) bool { return n == strings.ToLower(name) }) {
			return fmt.Errorf("there is no figure %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return fmt.Errorf("making the profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("profiling: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &report{to: os.Stdout}
	for _, s := range []organization.Shape{organization.Small, organization.Large, organization.Huge} {
		if s.Name == *shape {
			r.shape = s
		}
	}
	if r.shape.Name == "" {
		return fmt.Errorf("there is no shape %q", *shape)
	}
	defer func() {
		if r.stage != nil {
			r.stage.close()
		}
	}()
	for _, b := range benchmarks {
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(n string) bool { return strings.ToLower(n) == b.name }) {
			continue
		}
		r.name = b.name
		if err := b.run(ctx, r); err != nil {
			return fmt.Errorf("measuring %s: %w", b.name, err)
		}
	}
	if *heap != "" {
		f, err := os.Create(*heap)
		if err != nil {
			return fmt.Errorf("making the profile: %w", err)
		}
		defer f.Close()
		if err := pprof.WriteHeapProfile(f); err != nil {
			return fmt.Errorf("profiling the heap: %w", err)
		}
	}
	return r.verdict()
}

func names() []string {
	var out []string
	for _, b := range benchmarks {
		out = append(out, b.name)
	}
	return out
}
