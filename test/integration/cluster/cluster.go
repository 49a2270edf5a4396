// Package cluster is what the suites on a real API server share: the control plane and the programs of a cluster beside it, the
// objects that specs write and look at, and an operator in the process of the suite, with a clock that is set by hand and a
// transport that counts writes. Whatever goes wrong here fails the spec that runs.
package cluster

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rollcall-dev/rollcall/controllers"
)

// Root is the folder of the repository, as seen from a suite below test/integration.
const Root = "../../.."

// Cluster is a control plane, and a client of it that may do everything and has no cache. Start it before use.
type Cluster struct {
	client.WithWatch
	Config      *rest.Config
	Environment *envtest.Environment
	// Kubeconfig is the path of the same access as a file.
	Kubeconfig string

	operators []*Operator // that were begun in this spec
}

// Run runs the specs of a suite; without the programs of a control plane it fails. What is expected to come may take so long.
func Run(t *testing.T, name string, timeout time.Duration) {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test-integration`, or set it to what hack/kube-assets.sh prints")
	}
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(timeout)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RegisterFailHandler(Fail)
	RunSpecs(t, name)
}

// Start starts the control plane with the CRDs; it ends with the suite.
func (c *Cluster) Start() {
	GinkgoHelper()
	// What a manager says of itself fills pages; errors tell why a spec failed.
	logf.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn})))
	klog.SetLogger(logr.Discard())
	c.Environment = &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(Root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	// Whole namespaces are emptied, and what is deleted one by one takes as long as it took to make it.
	c.Environment.ControlPlane.GetAPIServer().Configure().Set("delete-collection-workers", "8")
	var err error
	c.Config, err = c.Environment.Start()
	// Registered before the check: a control plane that came up halfway must go down too.
	DeferCleanup(c.Environment.Stop)
	Expect(err).NotTo(HaveOccurred())
	c.Config.QPS = -1
	scheme, err := controllers.Scheme()
	Expect(err).NotTo(HaveOccurred())
	c.WithWatch, err = client.NewWithWatch(c.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	c.Kubeconfig = filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(c.Kubeconfig, c.Environment.KubeConfig, 0o600)).To(Succeed())
}

// Program returns the path of one of the programs of the control plane.
func Program(name string) string { return filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), name) }

// StartControllerManager starts some controllers of Kubernetes, listed with commas, until the end of the spec or suite that does
// so. Each has the service account that it has on a real cluster, with the rights of that account and no more.
func (c *Cluster) StartControllerManager(names string) {
	GinkgoHelper()
	command := exec.Command(Program("kube-controller-manager"),
		"--kubeconfig="+c.Kubeconfig, "--authentication-kubeconfig="+c.Kubeconfig, "--authorization-kubeconfig="+c.Kubeconfig,
		"--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0",
		"--kube-api-qps=200", "--kube-api-burst=400", "--controllers="+names)
	command.Stdout, command.Stderr = GinkgoWriter, GinkgoWriter // shown with the spec that fails
	Expect(command.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}

// Kustomized returns the objects of a kustomization; its path is relative to the root of the repository.
func Kustomized(folder string) []unstructured.Unstructured {
	GinkgoHelper()
	output, err := exec.Command(Program("kubectl"), "kustomize", filepath.Join(Root, folder)).Output()
	Expect(err).NotTo(HaveOccurred(), "building %s", folder)
	return decoded(output)
}

// Manifest returns the objects of a file; its path is relative to the root of the repository.
func Manifest(file string) []unstructured.Unstructured {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(Root, file))
	Expect(err).NotTo(HaveOccurred())
	return decoded(content)
}

func decoded(documents []byte) []unstructured.Unstructured {
	GinkgoHelper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(documents), 4096)
	var objects []unstructured.Unstructured
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		Expect(err).NotTo(HaveOccurred())
		objects = append(objects, object)
	}
}
