// Package organizations_test runs the operator on whole organizations against a real API server: those of config/samples as people
// run them, from the first object to the end of the namespace; one of them in several orders; and one in which everything is
// wrong at once that the admission policies keep out. Each spec has an operator of its own.
package organizations_test

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
	start, opening                        = kube.Operate, cluster.Opening
)

func TestOrganizations(t *testing.T) { cluster.Run(t, "Organizations", 30*time.Second) }

var _ = BeforeSuite(kube.Start)
