// Command manager is the operator: it computes effective access and routes of every namespace with an Organization, and
// keeps EffectiveAccess, RoutePlan and the status of everything declared equal to it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rollcall-dev/rollcall/controllers"
	"github.com/rollcall-dev/rollcall/controllers/intake"
)

// leaseName is the Lease by which replicas agree on who writes.
const leaseName = "rollcall-manager"

// namespaceFile says in a Pod in which namespace it is.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

type options struct {
	metrics, probes string
	elect           bool
	leaseNamespace  string
	verbosity       int
	intake          intake.Options
	intakeNames     string
	allowCIDRs      []netip.Prefix
}

func main() {
	var o options
	// --kubeconfig is a flag of controller-runtime.
	flag.StringVar(&o.metrics, "metrics-bind-address", ":8443", "address of the Prometheus metrics; 0 serves none")
	flag.StringVar(&o.probes, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flag.BoolVar(&o.elect, "leader-elect", true, "wait for a Lease before writing anything, so that only one of several replicas does")
	flag.StringVar(&o.leaseNamespace, "leader-election-namespace", "", "namespace of the Lease; default: the namespace this runs in")
	o.intakeFlags()
	flag.Func("allow-cidr", "range of addresses inside the cluster, a private network or this machine that Downstreams may connect to; may be given several times", func(s string) error {
		prefix, err := netip.ParsePrefix(s)
		o.allowCIDRs = append(o.allowCIDRs, prefix)
		return err
	})
	flag.IntVar(&o.verbosity, "v", 0, "how much to log beyond what operators need; 5 is for debugging")
	flag.Parse()

	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(-o.verbosity)}))
	ctrl.SetLogger(log)
	klog.SetLogger(log)

	ctx := ctrl.SetupSignalHandler()
	if os.Getenv("GOGC") == "" { // who sets it knows better
		go collect(ctx)
	}
	if err := run(ctx, o); err != nil {
		log.Error(err, "The manager stopped")
		os.Exit(1)
	}
}

// intakeFlags are those of the intake of inbound events, docs/intake.md.
func (o *options) intakeFlags() {
	flag.StringVar(&o.intake.BindAddress, "intake-bind-address", "", "address to take in inbound events at, over TLS; empty takes in none")
	flag.StringVar(&o.intake.CertDir, "intake-cert-dir", "", "folder with the certificate of the intake, tls.crt and tls.key; empty makes one and publishes its authority in the ConfigMap "+intake.ConfigMapName)
	flag.StringVar(&o.intake.Namespace, "intake-namespace", "", "namespace of that ConfigMap and of the Service "+intake.ServiceName+"; default: the namespace this runs in")
	flag.StringVar(&o.intakeNames, "intake-dns-names", "", "further names, separated by commas, that the certificate made is good for")
	flag.Float64Var(&o.intake.EventsPerSecond, "intake-events-per-second", intake.DefaultEventsPerSecond, "how many events a second each automation takes in at this replica")
	flag.IntVar(&o.intake.Burst, "intake-burst", intake.DefaultBurst, "how many of them may come at once")
}

// completeIntake fills in where this runs, which only a Pod knows.
func (o *options) completeIntake() {
	o.intake.DNSNames = strings.FieldsFunc(o.intakeNames, func(r rune) bool { return r == ',' || r == ' ' })
	if o.intake.Namespace != "" {
		return
	}
	if b, err := os.ReadFile(namespaceFile); err == nil {
		o.intake.Namespace = strings.TrimSpace(string(b))
	}
}

func run(ctx context.Context, o options) error {
	o.completeIntake()
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
	}, controllers.Options{Intake: o.intake, AllowCIDRs: o.allowCIDRs})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}
