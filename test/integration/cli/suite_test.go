// Package cli_test runs the kubectl plugin against a real API server: every reading command, the answers from a snapshot,
// confirmations, mentions, and what people see who may not read everything. The operator runs for mentions only; what it would
// remember of the rest is written by the suite.
package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

const namespace = "desk"

var (
	kube = new(cluster.Cluster)
	// admin is the kubeconfig of somebody who may do everything; reader of somebody who may read all but the Ledger.
	admin, reader string
)

func TestCLI(t *testing.T) { cluster.Run(t, "CLI", 10*time.Second) }

var _ = BeforeSuite(func(ctx context.Context) {
	kube.Start()
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())

	dir := GinkgoT().TempDir()
	admin = kubeconfig(dir, "admin", "system:masters")
	reader = kubeconfig(dir, "reader", "readers")
	Expect(kube.Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "readers"},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{rollcallv1.GroupName}, Verbs: []string{"get", "list"},
			Resources: []string{"organizations", "schedules", "accountroles", "profileroles", "profiles", "teammates", "usergroups", "departments", "queues", "campaigns", "mentions", "inboundautomations", "downstreams", "effectiveaccesses", "routeplans"}}},
	})).To(Succeed())
	Expect(kube.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "readers"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "readers"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "readers"}},
	})).To(Succeed())

	for _, o := range read(filepath.Join("testdata", "desk.yaml")) {
		Expect(kube.Create(ctx, o)).To(Succeed())
	}
})

// read returns the objects of a file.
func read(path string) []client.Object {
	sources, err := manifest.Paths([]string{path}, nil)
	Expect(err).NotTo(HaveOccurred())
	set, errs := manifest.Parse(sources, namespace)
	Expect(errs).To(BeEmpty())
	var out []client.Object
	for _, o := range set.Objects {
		out = append(out, o.Object.(client.Object))
	}
	return out
}

// kubeconfig makes a user in a group and returns their kubeconfig, whose context is in the namespace of the organization.
func kubeconfig(dir, user, group string) string {
	u, err := kube.Environment.AddUser(envtest.User{Name: user, Groups: []string{group}}, nil)
	Expect(err).NotTo(HaveOccurred())
	data, err := u.KubeConfig()
	Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(dir, user+".kubeconfig")
	Expect(os.WriteFile(path, data, 0o600)).To(Succeed())
	return path
}

type answer struct {
	out, err string
	code     int
}

// now is the instant of every run.
var now = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// run runs the plugin.
func run(ctx context.Context, args ...string) answer {
	var out, errs bytes.Buffer
	code := command.Run(ctx, args, command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, func() time.Time { return now })
	return answer{out.String(), errs.String(), code}
}

// live runs the plugin on the cluster as the administrator.
func live(ctx context.Context, args ...string) answer {
	return run(ctx, append(args, "--kubeconfig", admin, "-n", namespace)...)
}
