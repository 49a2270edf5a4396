package downstream_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// faultSpecs are about how often a system is asked, above all one that does not want to be.
func faultSpecs() {
	It("Safety 14: refused credentials open the breaker at once, and others close it", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := login(ctx, ns, "warehouse")
		right := t.password
		t.password = "not-the-pAssw0rd-xyzzy"
		said.mustNotSay(t.password)
		t.secret(ctx, nil)
		t.password = right
		t.create(ctx, full)
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/AuthenticationFailed"))
		Expect(t.message(ctx, "Reachable")).To(Equal("Unauthorized (28P01)"))
		Expect(operator.metric("rollcall_downstream_breaker_open", ns, "warehouse")).To(BeEquivalentTo(1))

		By("changes of any kind send nothing more")
		create(ctx, ns, person("new", ""))
		edit(ctx, "Teammate", ns, "p-0", "{spec: {lifecycle: {state: Archived}}}")
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 1h}}")
		Eventually(condition(ctx, "Teammate", ns, "new", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(t.is(ctx, "Ready")).Should(Equal("True/AsExpected"))
		t.proxy.rest()
		connections, _ := t.proxy.count()
		Expect(connections).To(Equal(1))

		By("other credentials are tried at once")
		t.secret(ctx, nil)
		t.synced(ctx)
		Expect(t.rows(ctx, "people")()).To(ContainElements("new", "p-1"))
	})

	It("Safety 14: a login that may not write opens the breaker too", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := login(ctx, ns, "warehouse")
		t.secret(ctx, nil)
		t.sql(ctx, "REVOKE CREATE ON DATABASE "+company+" FROM "+t.role)
		t.create(ctx, full)
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/AuthenticationFailed"))
		Expect(t.message(ctx, "Reachable")).To(Equal("Unauthorized (42501)"))
		t.proxy.rest()
		_, requests := t.proxy.count()
		create(ctx, ns, person("new", ""))
		Eventually(condition(ctx, "Teammate", ns, "new", "Ready")).Should(Equal("True/AsExpected"))
		t.proxy.rest()
		_, after := t.proxy.count()
		Expect(after).To(Equal(requests))
	})

	It("Safety 14: rateLimit spaces requests", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		const slow = "mode: Full, records: [Users], resyncInterval: 24h, rateLimit: {qps: 5, burst: 1}"
		t := connect(ctx, ns, "warehouse", slow)
		t.synced(ctx)
		n := operator.metric("rollcall_downstream_requests_total", ns, "warehouse")
		Expect(n).To(BeNumerically(">=", 5))
		waited := operator.metric("rollcall_downstream_wait_seconds_total", ns, "warehouse")
		Expect(waited).To(BeNumerically(">", 0.05*(n-1)), "%v requests", n)
	})

	It("Safety 14: a system that does not answer is not asked more often because more changes", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := connect(ctx, ns, "warehouse", strings.Replace(full, "24h", "30s", 1))
		t.synced(ctx)
		t.proxy.watch(hooks{})
		t.proxy.refusing(true)
		for range 5 { // none of them is a reason to ask again
			edit(ctx, "Teammate", ns, "p-0", "{spec: {lastName: Tremblay}}")
			edit(ctx, "Teammate", ns, "p-0", "{spec: {lastName: Roy}}")
		}
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/ConnectionFailed"))
		connections, _ := t.proxy.count()
		Expect(connections).To(BeNumerically("<=", 6))
		t.proxy.refusing(false)
		t.synced(ctx)
		Expect(t.ask(ctx, "SELECT last_name FROM @.people WHERE name = 'p-0'")).To(Equal([]string{"Roy"}))
	})
}

// without returns a change that takes the label away that opts in.
func without(label string) func(*corev1.Secret) {
	return func(s *corev1.Secret) {
		delete(s.Labels, label)
		delete(s.Annotations, label)
	}
}
