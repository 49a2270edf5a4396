package controllers_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// asProcess makes this program an operator instead of a test; its value is the namespace of the lease, "" for none.
const asProcess = "ROLLCALL_TEST_OPERATOR"

// leading is what an operator process prints when it may write.
const leading = "leading"

func TestMain(m *testing.M) {
	lease, yes := os.LookupEnv(asProcess)
	if !yes {
		os.Exit(m.Run())
	}
	if err := operate(ctrl.SetupSignalHandler(), lease); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// operate is what cmd/manager does, with a lease that is short enough to wait for.
func operate(ctx context.Context, leaseNamespace string) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	mgr, err := controllers.NewManager(ctx, config, ctrl.Options{
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		LeaderElection: leaseNamespace != "", LeaderElectionID: "rollcall", LeaderElectionNamespace: leaseNamespace,
		LeaseDuration: new(3 * time.Second), RenewDeadline: new(2 * time.Second), RetryPeriod: new(250 * time.Millisecond),
	}, controllers.Options{})
	if err != nil {
		return err
	}
	go func() {
		<-mgr.Elected()
		fmt.Println(leading)
	}()
	return mgr.Start(ctx)
}

// process is an operator in a process of its own.
type process struct {
	*exec.Cmd
	leads chan struct{}
}

func launch(leaseNamespace string) *process {
	GinkgoHelper()
	self, err := os.Executable()
	Expect(err).NotTo(HaveOccurred())
	p := &process{Cmd: exec.Command(self), leads: make(chan struct{})}
	p.Env = append(os.Environ(), asProcess+"="+leaseNamespace, "KUBECONFIG="+kube.Kubeconfig)
	p.Stderr = GinkgoWriter
	out, err := p.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(p.Start()).To(Succeed())
	DeferCleanup(p.kill)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == leading {
				close(p.leads)
			}
		}
	}()
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	_, _ = p.Process.Wait()
}

var _ = Describe("What survives", func() {
	var ns string
	BeforeEach(func(ctx context.Context) {
		ns = namespace(ctx)
	})
	accesses := func(ctx context.Context) func() ([]rollcallv1.EffectiveAccess, error) {
		return func() ([]rollcallv1.EffectiveAccess, error) {
			var list rollcallv1.EffectiveAccessList
			err := kube.List(ctx, &list, client.InNamespace(ns))
			return list.Items, err
		}
	}
	// converged waits until everything is published, and checks that another operator has nothing to add.
	converged := func(ctx context.Context, people int) {
		GinkgoHelper()
		Eventually(accesses(ctx)).WithTimeout(time.Minute).Should(HaveLen(people))
		for i := range people {
			Eventually(permissions(ctx, ns, fmt.Sprintf("m-%d", i), "p")).ShouldNot(BeEmpty())
			Eventually(condition(ctx, "Teammate", ns, fmt.Sprintf("m-%d", i), "Ready")).Should(Equal("True/AsExpected"))
		}
		Eventually(condition(ctx, "UserGroup", ns, "all", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(func() (int32, error) {
			g, err := get[rollcallv1.UserGroup](ctx, ns, "all")()
			return g.Status.MemberCount, err
		}).Should(BeEquivalentTo(people))
	}
	const organization = `
kind: Organization
metadata: {name: default}
---
kind: Profile
metadata: {name: p}
spec: {type: Chat}
---
kind: UserGroup
metadata: {name: all}
spec: {memberSelector: {matchExpressions: [{key: away, operator: DoesNotExist}]}, profiles: [{name: p}], permissionSet: {profileRoleRef: {name: create}}}
`

	It("kill -9 in the middle: the next start converges, and then has nothing to write", func(ctx context.Context) {
		create(ctx, ns, organization)
		first := launch("")
		Eventually(first.leads).Should(BeClosed())
		crowd(ctx, ns, "m", 60, "")
		Eventually(accesses(ctx)).ShouldNot(BeEmpty())
		edit(ctx, "UserGroup", ns, "all", `{spec: {permissionSet: {profileRoleRef: {name: create-publish}}}}`)
		first.kill()
		second := launch("")
		Eventually(second.leads).Should(BeClosed())
		converged(ctx, 60)
		second.kill()

		op := start(cluster.ClockAt(time.Now()))
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Forget(ns)
		op.At(op.Clock.Now(), ns)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
	})

	It("the end of the leader in the middle: the other replica takes over within the lease, with no double effect", func(ctx context.Context) {
		create(ctx, ns, organization)
		a, b := launch(ns), launch(ns)
		leader, other := a, b
		select {
		case <-a.leads:
		case <-b.leads:
			leader, other = b, a
		case <-time.After(30 * time.Second):
			Fail("nobody leads")
		}
		crowd(ctx, ns, "m", 40, "")
		Eventually(accesses(ctx)).ShouldNot(BeEmpty())
		Expect(other.leads).NotTo(BeClosed())
		leader.kill()
		killed := time.Now()
		Eventually(other.leads).WithTimeout(10 * time.Second).Should(BeClosed())
		Expect(time.Since(killed)).To(BeNumerically("<", 6*time.Second), "the lease is 3 s, asked for every 250 ms")
		converged(ctx, 40)

		By("nothing is written twice")
		versions := func() map[string]string {
			out := map[string]string{}
			list, err := accesses(ctx)()
			Expect(err).NotTo(HaveOccurred())
			for _, ea := range list {
				out[ea.Name] = ea.ResourceVersion
			}
			return out
		}
		before := versions()
		Consistently(versions).Should(Equal(before))
	})
})
