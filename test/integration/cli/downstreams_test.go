package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
	"github.com/rollcall-dev/rollcall/controllers"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// connected is a namespace with the operator, and with a Downstream of a system in memory.
const connected = "connected"

// typing is somebody at a terminal: they do something before they answer.
type typing struct {
	before func()
	answer io.Reader
}

func (t *typing) Read(b []byte) (int, error) {
	if t.before != nil {
		t.before()
		t.before = nil
	}
	return t.answer.Read(b)
}

var _ = Describe("held removals", Ordered, func() {
	system := drivertest.NewMemory()
	approve := func(ctx context.Context, in io.Reader, args ...string) answer {
		var out, errs bytes.Buffer
		args = append([]string{"approve", "warehouse", "-n", connected, "--kubeconfig", admin}, args...)
		code := command.Run(ctx, args, command.Streams{In: in, Out: &out, Err: &errs}, func() time.Time { return now })
		return answer{out.String(), errs.String(), code}
	}
	status := func(ctx context.Context, args ...string) answer {
		return run(ctx, append([]string{"status", "-n", connected, "--kubeconfig", admin}, args...)...)
	}
	warehouse := func(ctx context.Context) *rollcallv1.Downstream {
		GinkgoHelper()
		var d rollcallv1.Downstream
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: connected, Name: "warehouse"}, &d)).To(Succeed())
		return &d
	}
	held := func(ctx context.Context) func() int {
		return func() int {
			if h := warehouse(ctx).Status.Held; h != nil {
				return int(h.Count)
			}
			return 0
		}
	}
	groups := func() int {
		n := 0
		for _, r := range system.Rows() {
			if r.Kind == downstream.Groups {
				n++
			}
		}
		return n
	}
	suspend := func(ctx context.Context, yes bool) {
		GinkgoHelper()
		o := &rollcallv1.Organization{ObjectMeta: metav1.ObjectMeta{Namespace: connected, Name: rollcallv1.OrganizationName}}
		Expect(kube.Patch(ctx, o, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec": {"suspend": %t}}`, yes)))).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(o), o)).To(Succeed())
			suspended := false
			for _, c := range o.Status.Conditions {
				suspended = suspended || c.Type == "Suspended" && c.Status == metav1.ConditionTrue
			}
			g.Expect(suspended).To(Equal(yes))
		}).WithTimeout(30 * time.Second).Should(Succeed())
	}
	remove := func(ctx context.Context, first, last int) {
		GinkgoHelper()
		for i := first; i <= last; i++ {
			Expect(kube.Delete(ctx, &rollcallv1.UserGroup{ObjectMeta: metav1.ObjectMeta{Namespace: connected, Name: fmt.Sprintf("g%02d", i)}})).To(Succeed())
		}
	}
	all := func(last int) string {
		var b strings.Builder
		for i := 1; i <= last; i++ {
			fmt.Fprintf(&b, "  Groups/g%02d\n", i)
		}
		return b.String()
	}

	BeforeAll(func(ctx context.Context) {
		SetDefaultEventuallyTimeout(30 * time.Second)
		DeferCleanup(func() { SetDefaultEventuallyTimeout(time.Second) })
		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: connected}})).To(Succeed())
		operate(connected, func(o *controllers.Options) {
			o.Drivers = map[rollcallv1.Driver]downstreamcontroller.Open{
				rollcallv1.DriverPostgreSQL: func(_ context.Context, opening downstreamcontroller.Opening) (downstream.Driver, error) {
					return system.Driver(opening.Options), nil
				},
			}
		})
		objects := `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@x.example}}
`
		for i := 1; i <= 30; i++ {
			objects += fmt.Sprintf("---\nkind: UserGroup\nmetadata: {name: g%02d}\nspec: {members: [{name: ana}]}\n", i)
		}
		documents(ctx, connected, objects+`---
kind: Downstream
metadata: {name: warehouse}
spec:
  {driver: PostgreSQL, postgreSQL: {}, mode: Full, records: [Users, Groups], removal: Delete, safety: {confirmAbsences: 1}, credentialsSecretRef: {name: dsn}}
`)
		Expect(kube.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: connected, Name: "dsn", Labels: map[string]string{rollcallv1.LabelDownstream: "warehouse"}},
			StringData: map[string]string{"dsn": "x"},
		})).To(Succeed())
		Eventually(func() string { return status(ctx, "-o", "json").out }).Should(ContainSubstring(`"synced": true`))
		Expect(groups()).To(Equal(30))
	})

	It("are in the roll call", func(ctx SpecContext) {
		Expect(status(ctx, "-o", "json").out).To(MatchJSON(`{"downstreams": [{"name": "warehouse", "driver": "PostgreSQL", "mode": "Full",
			"synced": true, "creates": 0, "updates": 0, "removals": 0, "drifted": false, "held": 0}]}`))
		Expect(approve(ctx, strings.NewReader("y\n"))).To(Equal(answer{out: "Downstream/warehouse: no removals are held\n"}))
		suspend(ctx, true) // so that all are missed at once
		remove(ctx, 1, 25)
		suspend(ctx, false)
		Eventually(held(ctx)).Should(Equal(25))
		d := warehouse(ctx)
		Expect(d.Status.Held.First).To(HaveLen(20))
		got := status(ctx)
		Expect(got.out).To(MatchRegexp(`(?m)^warehouse +PostgreSQL +Full +no +-25 +no +25 +OverLimit: 25 removals are held, .*; see kubectl rollcall approve warehouse$`))
		Expect(status(ctx, "-o", "json").out).To(SatisfyAll(ContainSubstring(`"held": 25`), ContainSubstring(`"heldHash": "`+d.Status.Held.Hash+`"`)))
	})

	It("S-92: are shown, all of them, and stay where somebody says no", func(ctx SpecContext) {
		hash := warehouse(ctx).Status.Held.Hash
		for _, answered := range []string{"n\n", ""} {
			got := approve(ctx, strings.NewReader(answered))
			Expect(got.code).To(Equal(1))
			Expect(got.out).To(Equal("Downstream/warehouse holds 25 removals, hash " + hash + ":\n" + all(25) + "nothing was approved\n"))
			Expect(got.err).To(HavePrefix("Remove exactly these 25? [y/N] "))
		}
		By("a hash of something else")
		got := approve(ctx, strings.NewReader(""), "--hash", "0123456789abcdef")
		Expect(got.code).To(Equal(1))
		Expect(got.err).To(ContainSubstring("the 25 removals held now have the hash " + hash))
		By("a Downstream that does not exist")
		Expect(run(ctx, "approve", "nowhere", "-n", connected, "--kubeconfig", admin).code).To(Equal(65))
		By("somebody who may read, and neither the Ledger nor change anything")
		got = run(ctx, "approve", "warehouse", "--hash", hash, "-n", connected, "--kubeconfig", reader)
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(SatisfyAll(ContainSubstring(all(20)+"  and 5 more\n"), Not(ContainSubstring("g21"))))
		Expect(got.err).To(ContainSubstring("nothing was approved: "))
		Expect(warehouse(ctx).Annotations).NotTo(HaveKey(rollcallv1.AnnotationApproveRemovals))
		Expect(groups()).To(Equal(30))
	})

	It("S-92: are not released when they changed since they were shown", func(ctx SpecContext) {
		shown := warehouse(ctx).Status.Held.Hash
		got := approve(ctx, &typing{answer: strings.NewReader("y\n"), before: func() {
			remove(ctx, 26, 26)
			Eventually(held(ctx)).Should(Equal(26))
		}})
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(ContainSubstring(shown))
		Expect(got.err).To(ContainSubstring("what is held changed meanwhile, nothing was approved: 26 removals with the hash " + warehouse(ctx).Status.Held.Hash))
		Expect(warehouse(ctx).Annotations).NotTo(HaveKey(rollcallv1.AnnotationApproveRemovals))
		Expect(groups()).To(Equal(30))
	})

	It("S-92: go when exactly they are approved", func(ctx SpecContext) {
		hash := warehouse(ctx).Status.Held.Hash
		got := approve(ctx, strings.NewReader("y\n"))
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(SatisfyAll(ContainSubstring(all(26)), HaveSuffix("approved: the operator removes exactly these; the approval lapses after an hour\n")))
		d := warehouse(ctx)
		Expect(d.Annotations).To(HaveKeyWithValue(rollcallv1.AnnotationApproveRemovals, hash))
		Expect(d.ManagedFields).To(ContainElement(HaveField("Manager", "rollcall-edit")))
		Eventually(groups).Should(Equal(4))
		Eventually(func() string { return status(ctx, "-o", "json").out }).Should(SatisfyAll(ContainSubstring(`"synced": true`), ContainSubstring(`"held": 0`)))
		got = approve(ctx, strings.NewReader(""), "--hash", hash)
		Expect(got.code).To(Equal(1), "what was seen is not held any more")
	})
})
