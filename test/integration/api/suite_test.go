// Package api_test checks the API on a real API server: what it admits, what it refuses and with which advice, what it
// fills in, by what it can be selected and printed, and who owns what under server-side apply. Nothing of the operator
// runs here; one environment serves all specs, and most of them are dry runs.
package api_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// namespace holds the specs that do not need one of their own.
const namespace = "api"

var kube = new(cluster.Cluster)

func TestAPI(t *testing.T) { cluster.Run(t, "API", 10*time.Second) }

var _ = BeforeSuite(func(ctx context.Context) {
	kube.Start()
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
})
