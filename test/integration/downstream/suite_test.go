// Package downstream_test holds the operator to the safety of synchronization (QUALITY, Safety 1–16) by number, with everything
// real: an API server with the admission policies, cmd/manager as a process of its own that is killed as the kernel does, and the
// servers of connected systems. Between the operator and each server is a proxy of the suite, which counts, cuts, and has the
// operator killed; in the database a log is kept of every row that anybody touched.
//
// One control plane, one operator and one server serve all specs, each with a namespace, a login and a schema of its own. Specs
// run in the order of files and lines: the last one searches everything that the operator has said for what it must not say.
package downstream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var (
	kube     = new(cluster.Cluster)
	operator *manager
	database *server
	said     *witness

	namespace, create, object, edit = kube.Namespace, kube.Make, cluster.Object, kube.Edit
	remove, condition               = kube.Remove, kube.Condition
)

func TestDownstream(t *testing.T) {
	cluster.Run(t, "Downstream", 60*time.Second)
	for _, line := range failures { // where it is found without the whole log
		t.Log(line)
	}
}

// failures say how the Downstreams of specs that failed were left.
var failures []string

// diagnose keeps what the Downstreams say of themselves, and the rows of people and what was done to them.
func diagnose(ctx context.Context) {
	var list rollcallv1.DownstreamList
	if err := kube.List(ctx, &list); err != nil {
		failures = append(failures, err.Error())
		return
	}
	for _, d := range list.Items {
		line := fmt.Sprintf("%s: Downstream %s/%s, owned %v, held %+v", CurrentSpecReport().LeafNodeText, d.Namespace, d.Name, d.Status.Owned, d.Status.Held)
		for _, c := range d.Status.Conditions {
			line += fmt.Sprintf(", %s=%s/%s (%s)", c.Type, c.Status, c.Reason, c.Message)
		}
		failures = append(failures, line)
		if spec := d.Spec.PostgreSQL; spec != nil {
			t := &target{schema: spec.Schema}
			failures = append(failures, fmt.Sprintf("people %v, changes %v", t.rows(ctx, "people")(), t.changes(ctx)))
		}
	}
}

var _ = BeforeSuite(func(ctx context.Context) {
	built := make(chan error, 1)
	binary := filepath.Join(GinkgoT().TempDir(), "manager")
	go func() { built <- build(binary) }()

	kube.Start()
	kube.StartControllerManager("namespace-controller,garbage-collector-controller")
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "rollcall-system"}})).To(Succeed())
	for _, object := range append(cluster.Kustomized("config/rbac"), cluster.Kustomized("config/admission")...) {
		Expect(kube.Create(ctx, &object)).To(Succeed(), object.GetName())
	}

	database = startDatabase(ctx)
	said = listen()
	// The operator has the rights of its service account and no others.
	user, err := kube.Environment.AddUser(envtest.User{
		Name: "system:serviceaccount:rollcall-system:rollcall-manager", Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}, nil)
	Expect(err).NotTo(HaveOccurred())
	kubeconfig, err := user.KubeConfig()
	Expect(err).NotTo(HaveOccurred())
	Expect(<-built).To(Succeed())
	operator = newManager(binary, kubeconfig)
	operator.start()
})

// Numbers are those of QUALITY, Safety. In one container, because containers are shuffled and specs of one are not.
var _ = Describe("Synchronization", func() {
	AfterEach(func(ctx context.Context) {
		said.hear(operator.scrape())
		if CurrentSpecReport().Failed() {
			diagnose(ctx)
			AddReportEntry("the operator's log", operator.tail())
			AddReportEntry("the server's log", database.Log())
		}
	})
	guardedSpecs()
	orderlySpecs()
	crashSpecs()
	faultSpecs()
	endingSpecs()
	openfgaSpecs()
	secretSpecs()
})

// build makes the operator. No version control stamps: a checkout owned by another user, as CI runners have it, would fail.
func build(path string) error {
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "github.com/rollcall-dev/rollcall/cmd/manager")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(output)))
	}
	return nil
}
