// Package controllers_test runs the operator, in this process and as a program, against a real API server: what it
// publishes, when it writes and when it does not, what it survives. Each spec has a namespace and an operator of its own,
// with a clock that is set by hand and a transport that counts writes.
package controllers_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rollcall-dev/rollcall/controllers"
)

var (
	environment *envtest.Environment
	config      *rest.Config
	kube        client.Client // as an administrator, without a cache
	root        = filepath.Join("..", "..", "..")
)

func TestControllers(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test-integration`, or set it to what hack/kube-assets.sh prints")
	}
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "Controllers")
}

var _ = BeforeSuite(func(ctx context.Context) {
	// What the manager says of itself fills pages; errors tell why a spec failed.
	logf.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn})))
	klog.SetLogger(logr.Discard())
	environment = &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	var err error
	config, err = environment.Start()
	// Registered before the check: a control plane that came up halfway must go down too.
	DeferCleanup(environment.Stop)
	Expect(err).NotTo(HaveOccurred())
	config.QPS = -1

	scheme, err := controllers.Scheme()
	Expect(err).NotTo(HaveOccurred())
	kube, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})
