package controllers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// fiveGroups is an organization with five groups, so that losing four of them looks like a mistake.
const fiveGroups = `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: UserGroup
metadata: {name: g1}
spec: {members: [{name: ana}]}
---
kind: UserGroup
metadata: {name: g2}
spec: {members: [{name: ana}]}
---
kind: UserGroup
metadata: {name: g3}
spec: {members: [{name: ana}]}
---
kind: UserGroup
metadata: {name: g4}
spec: {members: [{name: ana}]}
---
kind: UserGroup
metadata: {name: g5}
spec: {members: [{name: ana}]}
`

// warehouse is a Downstream; what it says of its mode is to be filled in.
func warehouse(more string) string {
	return `
kind: Downstream
metadata: {name: warehouse}
spec: {driver: PostgreSQL, postgreSQL: {}, records: [Users, Groups], removal: Delete, safety: {confirmAbsences: 1}, credentialsSecretRef: {name: dsn}, ` + more + `}
`
}

// names returns what a system holds as "Users/ana …"; records that confer nothing are in parentheses.
func names(m *drivertest.Memory) func() []string {
	return func() []string {
		out := []string{}
		for _, r := range m.Rows() {
			name := string(r.Kind) + "/" + r.Key
			if r.Inactive {
				name = "(" + name + ")"
			}
			out = append(out, name)
		}
		return out
	}
}

// confirming is a driver of a system that tells whether people use their accounts.
type confirming struct {
	downstream.Driver
	inUse *atomic.Bool
}

// Read tells so of all accounts.
func (d confirming) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	reading, err := d.Driver.Read(ctx, req)
	for i := range reading.Records {
		reading.Records[i].Confirmed = d.inUse.Load()
	}
	return reading, err
}

// hanging is a driver that heeds nothing.
type hanging struct {
	downstream.Driver
	release <-chan struct{}
	calls   *atomic.Int32
}

// Read comes back when the spec is over.
func (d hanging) Read(context.Context, downstream.ReadRequest) (downstream.Reading, error) {
	d.calls.Add(1)
	<-d.release
	return downstream.Reading{}, nil
}

var _ = Describe("Downstreams", func() {
	var (
		ns     string
		clock  *cluster.Clock
		op     *cluster.Operator
		system *drivertest.Memory
		inUse  atomic.Bool
		// deaf, if set, has drivers made that hang until it is closed; deafCalls are their calls.
		deaf      atomic.Pointer[chan struct{}]
		deafCalls atomic.Int32
	)
	const ana, all = "Users/email=ana@fjordline.example", 6
	begins := func() *cluster.Operator {
		GinkgoHelper()
		o := begin(clock, func(o *cluster.Operator, _ *ctrl.Options) {
			o.Drivers = map[rollcallv1.Driver]downstreamcontroller.Open{
				rollcallv1.DriverPostgreSQL: func(_ context.Context, opening downstreamcontroller.Opening) (downstream.Driver, error) {
					if opening.Namespace != ns { // of an earlier spec
						return drivertest.NewMemory().Driver(opening.Options), nil
					}
					if c := deaf.Load(); c != nil {
						return hanging{system.Driver(opening.Options), *c, &deafCalls}, nil
					}
					return confirming{system.Driver(opening.Options), &inUse}, nil
				},
			}
		})
		Eventually(func() error { return o.Ready() }).Should(Succeed())
		return o
	}
	secret := func(ctx context.Context, labels map[string]string) {
		GinkgoHelper()
		Expect(kube.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "dsn", Labels: labels}, StringData: map[string]string{"dsn": "x"},
		})).To(Succeed())
	}
	opted := map[string]string{rollcallv1.LabelDownstream: "warehouse"}
	is := func(ctx context.Context, kind string) func() string {
		return condition(ctx, "Downstream", ns, "warehouse", kind)
	}
	held := func(ctx context.Context) func() int32 {
		return func() int32 {
			d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
			if err != nil || d.Status.Held == nil {
				return 0
			}
			return d.Status.Held.Count
		}
	}
	approve := func(ctx context.Context) {
		GinkgoHelper()
		d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
		Expect(err).NotTo(HaveOccurred())
		edit(ctx, "Downstream", ns, "warehouse", fmt.Sprintf("{metadata: {annotations: {%s: %q}}}", rollcallv1.AnnotationApproveRemovals, d.Status.Held.Hash))
	}
	inventories := func(ctx context.Context) func() int {
		return func() int {
			var list rollcallv1.LedgerList
			Expect(kube.List(ctx, &list, client.InNamespace(ns), client.MatchingLabels{rollcallv1.LabelLedger: "inventory"})).To(Succeed())
			return len(list.Items)
		}
	}
	BeforeEach(func(ctx context.Context) {
		ns, clock, system = namespace(ctx), cluster.ClockAt(opening), drivertest.NewMemory()
		inUse.Store(false)
		op = begins()
		create(ctx, ns, fiveGroups)
	})

	It("delivers, and after an edit the record that it touches; a restart writes nothing", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(names(system)).Should(HaveLen(all))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		for kind, want := range map[string]string{"Ready": "True", "Reachable": "True", "Drifted": "False", "RemovalsHeld": "False"} {
			Expect(is(ctx, kind)()).To(Equal(want+"/AsExpected"), kind)
		}
		create(ctx, ns, "kind: Teammate\nmetadata: {name: max}\nspec: {identity: {email: max@fjordline.example}}")
		Eventually(names(system)).Should(ContainElement("Users/email=max@fjordline.example"))
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Stop()
		before := system.Rows()
		requests := system.Requests()
		op = begins()
		Eventually(system.Requests).Should(BeNumerically(">", requests), "everything is read again")
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		Expect(system.Rows()).To(Equal(before))
	})

	It("S-92: plans only in mode Observe, and delivers once told to", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Observe"))
		Eventually(is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Status.Plan.Creates).To(BeEquivalentTo(all))
		Expect(names(system)()).To(BeEmpty())
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {mode: Upsert}}")
		Eventually(names(system)).Should(HaveLen(all))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
	})

	It("S-92: holds removals that look like a mistake until exactly those are approved", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: true}}") // so that all are missed at once
		Eventually(func() []string { return op.Writes(ns) }).Should(ContainElement("PATCH organizations status default"))
		for _, name := range []string{"g1", "g2", "g3", "g4"} {
			remove(ctx, "UserGroup", ns, name)
		}
		op.Rest(ns)
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: false}}")
		Eventually(held(ctx)).Should(BeEquivalentTo(4))
		Expect(is(ctx, "RemovalsHeld")()).To(Equal("True/OverLimit"))
		Expect(names(system)()).To(HaveLen(all))
		approve(ctx)
		Eventually(names(system)).Should(Equal([]string{"Groups/g5", ana}))
		Eventually(is(ctx, "RemovalsHeld")).Should(Equal("False/AsExpected"))
	})

	It("sends nothing while the organization is suspended, and the difference afterwards", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: true}}")
		Eventually(func() []string { return op.Writes(ns) }).Should(ContainElement("PATCH organizations status default"))
		op.Rest(ns)
		create(ctx, ns, "kind: Teammate\nmetadata: {name: max}\nspec: {identity: {email: max@fjordline.example}}")
		Consistently(names(system)).Should(HaveLen(all))
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: false}}")
		Eventually(names(system)).Should(HaveLen(all + 1))
	})

	It("S-92: sends nothing with a Secret that did not opt in", func(ctx context.Context) {
		secret(ctx, nil)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
		Expect(is(ctx, "Synced")()).To(Equal("False/Incomplete"))
		op.Rest(ns)
		Expect(system.Requests()).To(BeZero())
	})

	It("says which drivers it does not carry, and leaves such an object alone", func(ctx context.Context) {
		create(ctx, ns, "kind: Downstream\nmetadata: {name: warehouse}\nspec: {driver: HTTP, http: {url: 'https://hooks.example'}, records: [Users], credentialsSecretRef: {name: dsn}}")
		Eventually(is(ctx, "Ready")).Should(Equal("False/Invalid"))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).Should(BeNil())
	})

	It("lets everything go when it is deleted, inventory included", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(inventories(ctx)()).To(Equal(1))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).Should(BeNil())
		Eventually(inventories(ctx)).Should(BeZero())
		op.Rest(ns)
		Expect(names(system)()).To(HaveLen(all))
		Expect(inventories(ctx)()).To(BeZero())
	})

	It("removes everything when it is deleted with onDelete Remove, once that is approved", func(ctx context.Context) {
		secret(ctx, opted)
		clock.Set(time.Now()) // deletion is timed by the API server
		create(ctx, ns, warehouse("mode: Full, onDelete: Remove"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(held(ctx)).Should(BeEquivalentTo(all))
		Expect(names(system)()).To(HaveLen(all))
		approve(ctx)
		Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).Should(BeNil())
		Expect(names(system)()).To(BeEmpty())
	})

	Describe("S-147: deleted with onDelete Remove, and the system cannot be reached", func() {
		gone := func(ctx context.Context) func() bool {
			return func() bool { return read(ctx, "Downstream", ns, "warehouse") == nil }
		}
		BeforeEach(func(ctx context.Context) {
			secret(ctx, opted)
			clock.Set(time.Now()) // deletion is timed by the API server
			create(ctx, ns, warehouse("mode: Full, onDelete: Remove"))
			Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
			Expect(kube.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "dsn"}})).To(Succeed())
			edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 9m}}") // has everything read again
			Eventually(is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
		})
		AfterEach(func() { Expect(names(system)()).To(HaveLen(all), "everything stays there") })

		It("goes after 15 minutes", func(ctx context.Context) {
			remove(ctx, "Downstream", ns, "warehouse")
			clock.Set(time.Now().Add(14 * time.Minute))
			edit(ctx, "Downstream", ns, "warehouse", "{metadata: {annotations: {looked: once}}}")
			op.Rest(ns)
			Expect(gone(ctx)()).To(BeFalse())
			clock.Set(time.Now().Add(16 * time.Minute))
			edit(ctx, "Downstream", ns, "warehouse", "{metadata: {annotations: {looked: twice}}}")
			Eventually(gone(ctx)).Should(BeTrue())
			Eventually(eventsOf(ctx, ns, "CleanupGivenUp")).Should(HaveLen(1))
			Eventually(inventories(ctx)).Should(BeZero())
		})

		It("goes when that is forced", func(ctx context.Context) {
			remove(ctx, "Downstream", ns, "warehouse")
			Consistently(gone(ctx)).Should(BeFalse())
			edit(ctx, "Downstream", ns, "warehouse", `{metadata: {annotations: {`+rollcallv1.AnnotationForceFinalize+`: "true"}}}`)
			Eventually(gone(ctx)).Should(BeTrue())
			Eventually(eventsOf(ctx, ns, "CleanupForced")).Should(HaveLen(1))
		})

		It("goes with its namespace", func(ctx context.Context) {
			Expect(kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})).To(Succeed())
			remove(ctx, "Downstream", ns, "warehouse")
			Eventually(gone(ctx)).Should(BeTrue())
		})
	})

	// missing has four of the groups missed at once, so that their removal is held.
	missing := func(ctx context.Context) {
		GinkgoHelper()
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: true}}")
		Eventually(condition(ctx, "Organization", ns, "default", "Suspended")).Should(HavePrefix("True"))
		for _, name := range []string{"g1", "g2", "g3", "g4"} {
			remove(ctx, "UserGroup", ns, name)
		}
		op.Rest(ns)
		edit(ctx, "Organization", ns, "default", "{spec: {suspend: false}}")
		Eventually(held(ctx)).Should(BeEquivalentTo(4))
	}
	groups := func(ctx context.Context) {
		GinkgoHelper()
		for _, name := range []string{"g1", "g2", "g3", "g4"} {
			create(ctx, ns, "kind: UserGroup\nmetadata: {name: "+name+"}\nspec: {members: [{name: ana}]}")
		}
		Eventually(names(system)).Should(HaveLen(all))
		Eventually(is(ctx, "RemovalsHeld")).Should(Equal("False/AsExpected"))
	}
	wipe := func(ctx context.Context) {
		GinkgoHelper()
		d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
		Expect(err).NotTo(HaveOccurred())
		d.Status = rollcallv1.DownstreamStatus{}
		Expect(kube.Status().Update(ctx, d)).To(Succeed())
	}

	It("S-92: an approval that was used up releases nothing after a restart, nor after the status was wiped", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		missing(ctx)
		approve(ctx)
		Eventually(names(system)).Should(Equal([]string{"Groups/g5", ana}))
		Eventually(eventsOf(ctx, ns, "RemovalsApproved")).Should(HaveLen(1))
		groups(ctx)
		missing(ctx)
		Consistently(names(system)).Should(HaveLen(all), "the annotation is still on the object, and names exactly these")

		op.Stop()
		wipe(ctx)
		op = begins()
		Eventually(held(ctx)).Should(BeEquivalentTo(4))
		op.Rest(ns)
		Expect(names(system)()).To(HaveLen(all))
		d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Status.Held.Hash).To(Equal(d.Annotations[rollcallv1.AnnotationApproveRemovals]))
		Expect(d.Status.Held.ApprovedAt).To(BeNil())

		By("while it runs")
		wipe(ctx)
		Eventually(held(ctx)).Should(BeEquivalentTo(4))
		Expect(names(system)()).To(HaveLen(all))
		Expect(eventsOf(ctx, ns, "RemovalsApproved")()).To(HaveLen(1))

		By("taken off and put on again")
		edit(ctx, "Downstream", ns, "warehouse", fmt.Sprintf("{metadata: {annotations: {%s: null}}}", rollcallv1.AnnotationApproveRemovals))
		Eventually(func() string {
			var list rollcallv1.LedgerList
			Expect(kube.List(ctx, &list, client.InNamespace(ns), client.MatchingLabels{rollcallv1.LabelLedger: "inventory"})).To(Succeed())
			if a := list.Items[0].Inventory.Approval; a != nil {
				return a.Hash
			}
			return ""
		}).Should(BeEmpty())
		approve(ctx)
		Eventually(names(system)).Should(Equal([]string{"Groups/g5", ana}))
	})

	It("S-144: a lost inventory removes nothing; an Event tells, and adoption decides", func(ctx context.Context) {
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		lose := func() {
			GinkgoHelper()
			Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns), client.MatchingLabels{rollcallv1.LabelLedger: "inventory"})).To(Succeed())
		}
		lose()
		Eventually(is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		Eventually(eventsOf(ctx, ns, "InventoryLost")).Should(HaveLen(1))
		Eventually(eventsOf(ctx, ns, "Clash")).Should(HaveLen(1), "one, and not one for each record")
		remove(ctx, "UserGroup", ns, "g1")
		op.Rest(ns)
		Expect(names(system)()).To(HaveLen(all))

		edit(ctx, "Downstream", ns, "warehouse", "{spec: {adoption: IfIdentical}}")
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(names(system)()).To(HaveLen(all), "what is not wanted is nobody's")

		By("while no operator runs")
		op.Stop()
		lose()
		op = begins()
		Eventually(func() (int, error) {
			events, err := eventsOf(ctx, ns, "InventoryLost")()
			n := 0
			for _, e := range events {
				if n++; e.Series != nil {
					n += int(e.Series.Count) - 1
				}
			}
			return n, err
		}).Should(Equal(2))
		Eventually(inventories(ctx)).Should(Equal(1))
		op.Rest(ns)
		Expect(names(system)()).To(HaveLen(all))
	})

	It("S-144: takes a person for confirmed whose account is in use there, once and for good", func(ctx context.Context) {
		secret(ctx, opted)
		edit(ctx, "Organization", ns, "default", "{spec: {policies: {onboarding: {confirmation: Required}}}}")
		phase := func() string {
			t, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
			Expect(err).NotTo(HaveOccurred())
			return string(t.Status.Phase)
		}
		Eventually(phase).Should(Equal("AwaitingConfirmation"))
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(phase()).To(Equal("AwaitingConfirmation"))
		inUse.Store(true)
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 9m}}") // has everything read again
		Eventually(phase).Should(Equal("Active"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		op.Count(ctx, ns)
		op.Stop()
		inUse.Store(false)
		op = begins()
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		Expect(phase()).To(Equal("Active"))
	})

	It("a call that never comes back is left behind: another spec goes on with another driver", func(ctx context.Context) {
		secret(ctx, opted)
		release := make(chan struct{})
		defer close(release)
		deaf.Store(&release)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(deafCalls.Load).Should(BeNumerically(">", 0))
		deaf.Store(nil)
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {rateLimit: {qps: 1000}}}")
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(names(system)()).To(HaveLen(all))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).Should(BeNil())
	})

	It("measures, and forgets what it measured with the Downstream", func(ctx context.Context) {
		here := []string{"namespace=" + ns, "downstream=warehouse"}
		of := func(name string, labels ...string) func() float64 {
			return func() float64 { return sample(name, append(labels, here...)...) }
		}
		secret(ctx, opted)
		create(ctx, ns, warehouse("mode: Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Eventually(of("rollcall_downstream_owned", "type=Groups")).Should(BeEquivalentTo(5))
		Eventually(of("rollcall_downstream_condition", "condition=Synced")).Should(BeEquivalentTo(1))
		Expect(of("rollcall_downstream_changes_total", "type=Users", "op=create", "outcome=done")()).To(BeEquivalentTo(1))
		Expect(of("rollcall_downstream_calls_total", "op=read", "outcome=OK")()).To(BeNumerically(">=", 1))
		Expect(of("rollcall_downstream_requests_total")()).To(BeEquivalentTo(system.Requests()))
		Expect(of("rollcall_downstream_breaker_open")()).To(BeZero())
		Expect(of("rollcall_downstream_last_success_timestamp_seconds")()).To(BeEquivalentTo(opening.Unix()))
		missing(ctx)
		Eventually(of("rollcall_downstream_held", "type=Groups")).Should(BeEquivalentTo(4))
		Expect(of("rollcall_downstream_plan", "op=remove")()).To(BeEquivalentTo(4))
		remove(ctx, "Downstream", ns, "warehouse")
		Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).Should(BeNil())
		Eventually(func() []string { return series("rollcall_downstream_", here...) }).Should(BeEmpty())
	})
})
