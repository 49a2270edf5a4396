// Command manager is the operator: it computes effective access and routes of every namespace with an Organization, and
// keeps EffectiveAccess, RoutePlan and the status of everything declared equal to it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rollcall-dev/rollcall/controllers"
)

// leaseName is the Lease by which replicas agree on who writes.
const leaseName = "rollcall-manager"

type options struct {
	metrics, probes string
	elect           bool
	leaseNamespace  string
	verbosity       int
}

// The operator holds much and allocates little: collecting more often costs hardly anything and keeps its memory close to
// what it holds. GOGC in the environment has precedence.
const gcPercent = 30

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var o options
	// --kubeconfig is a flag of controller-runtime.
	flag.StringVar(&o.metrics, "metrics-bind-address", ":8443", "address of the Prometheus metrics; 0 serves none")
	flag.StringVar(&o.probes, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flag.BoolVar(&o.elect, "leader-elect", true, "wait for a Lease before writing anything, so that only one of several replicas does")
	flag.StringVar(&o.leaseNamespace, "leader-election-namespace", "", "namespace of the Lease; default: the namespace this runs in")
	flag.IntVar(&o.verbosity, "v", 0, "how much to log beyond what operators need; 5 is for debugging")
	flag.Parse()

	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(-o.verbosity)}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)

	if err := run(ctrl.SetupSignalHandler(), o); err != nil {
		log.Error(err, "The manager stopped")
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	mgr, err := controllers.NewManager(ctx, config, ctrl.Options{
		Metrics:                       metricsserver.Options{BindAddress: o.metrics},
		HealthProbeBindAddress:        o.probes,
		LeaderElection:                o.elect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.leaseNamespace,
		LeaderElectionReleaseOnCancel: true, // nothing runs after the manager has stopped
	}, controllers.Options{})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}
