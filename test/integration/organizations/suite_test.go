// Package organizations_test runs the operator on whole organizations against a real API server: those of config/samples as people
// run them, from the first object to the end of the namespace; one of them in several orders; and one in which everything is
// wrong at once that the admission policies keep out. Each spec has an operator of its own.
package organizations_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var (
	kube = new(cluster.Cluster)

	namespace, create, edit, remove, read = kube.PassingNamespace, kube.Make, kube.Edit, kube.Remove, kube.Read
	condition, access, candidates         = kube.Condition, kube.Access, kube.Candidates
	eventsOf, ledgers, hashes             = kube.EventsOf, kube.Ledgers, kube.Hashes
	begin, start, opening                 = kube.Begin, kube.Operate, cluster.Opening
)

func TestOrganizations(t *testing.T) {
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	cluster.Run(t, "Organizations")
}

var _ = BeforeSuite(func() {
	// What the manager says of itself fills pages; errors tell why a spec failed.
	logf.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn})))
	kube.Start()
})
