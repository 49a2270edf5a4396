// Package controllers_test runs the operator, in this process and as a program, against a real API server: what it
// publishes, when it writes and when it does not, what it survives. Each spec has a namespace and an operator of its own,
// with a clock that is set by hand and a transport that counts writes.
package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var (
	kube = new(cluster.Cluster)

	namespace, create, edit, remove, read = kube.PassingNamespace, kube.Make, kube.Edit, kube.Remove, kube.Read
	condition, access, candidates         = kube.Condition, kube.Access, kube.Candidates
	eventsOf, ledgers                     = kube.EventsOf, kube.Ledgers
	begin, start, opening                 = kube.Begin, kube.Operate, cluster.Opening
)

func TestControllers(t *testing.T) { cluster.Run(t, "Controllers", 30*time.Second) }

var _ = BeforeSuite(kube.Start)
