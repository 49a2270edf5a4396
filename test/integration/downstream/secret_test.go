package downstream_test

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// secretSpecs are about credentials: whose they are, where they go, and that nobody else hears of them.
func secretSpecs() {
	It("Safety 16: a Secret is used only while it opts in, for that Downstream", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := login(ctx, ns, "warehouse")
		t.secret(ctx, without(rollcallv1.LabelDownstream))
		t.create(ctx, full)
		refused := func(connections int) {
			GinkgoHelper()
			Eventually(t.is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
			Expect(t.is(ctx, "Synced")()).To(Equal("False/Incomplete"))
			t.proxy.rest()
			made, _ := t.proxy.count()
			Expect(made).To(Equal(connections))
		}
		refused(0)

		By("another Downstream's")
		t.secret(ctx, func(s *corev1.Secret) { s.Labels[rollcallv1.LabelDownstream] = "archive" })
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 1h}}")
		refused(0)

		By("without permission for plaintext")
		t.secret(ctx, func(s *corev1.Secret) {
			s.Data["dsn"] = []byte(strings.Replace(t.dsn(), "verify-full", "disable", 1))
		})
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 2h}}")
		refused(0)

		By("as it should be")
		t.secret(ctx, nil)
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 3h}}")
		t.synced(ctx)

		By("the permission is withdrawn: the next connection is not made")
		t.proxy.watch(hooks{})
		t.secret(ctx, without(rollcallv1.LabelDownstream))
		t.proxy.cut()
		create(ctx, ns, person("new", ""))
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 4h}}")
		refused(0)
		Expect(t.rows(ctx, "people")()).NotTo(ContainElement("new"))
	})

	It("Safety 16: a Secret that changes is read again: other credentials, another certificate", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := connect(ctx, ns, "warehouse", full)
		t.synced(ctx)
		before := operator.pid()

		By("the password changes there and here, in the middle")
		t.password = "rotated-pAssw0rd-xyzzy"
		said.mustNotSay(t.password)
		t.sql(ctx, "ALTER ROLE "+t.role+" PASSWORD '"+t.password+"'")
		t.secret(ctx, nil)
		t.proxy.cut()
		create(ctx, ns, person("new", ""))
		Eventually(t.rows(ctx, "people")).Should(ContainElement("new"))
		t.synced(ctx)

		By("a certificate that does not vouch for the server: not even the login is sent")
		t.proxy.watch(hooks{})
		t.secret(ctx, func(s *corev1.Secret) { delete(s.Data, "ca.crt") })
		t.proxy.cut()
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 1h}}")
		Eventually(func() string { return t.message(ctx, "Reachable") }).Should(Equal("Refused (TLS)"))
		t.secret(ctx, nil)
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {resyncInterval: 2h}}")
		t.synced(ctx)
		Expect(operator.pid()).To(Equal(before), "without a restart")
	})

	It("Safety 16: link-local and metadata addresses are refused, and inside ones that nobody allowed", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(1, ""))
		for name, tc := range map[string]struct{ host, want string }{
			"link-local": {"169.254.1.1", "Refused (link-local or metadata address)"},
			"metadata":   {"169.254.169.254", "Refused (link-local or metadata address)"},
			"six":        {"[fe80::1]", "Refused (link-local or metadata address)"},
			"mapped":     {"[::ffff:169.254.169.254]", "Refused (link-local or metadata address)"},
			"inside":     {"127.0.0.2", "Refused (inside address without --allow-cidr)"},
			"private":    {"10.1.2.3", "Refused (inside address without --allow-cidr)"},
		} {
			t := login(ctx, ns, name)
			t.secret(ctx, func(s *corev1.Secret) {
				s.Data["dsn"] = []byte(strings.Replace(t.dsn(), net.JoinHostPort("127.0.0.1", strconv.Itoa(t.proxy.port())), tc.host+":5432", 1))
			})
			t.create(ctx, full)
			Eventually(func() string { return t.message(ctx, "Reachable") }).Should(Equal(tc.want), name)
		}
	})

	It("Safety 16: no secret, response body or e-mail address in logs, events, status and metrics", func(ctx context.Context) {
		By("listening to something of each sort")
		ns := namespace(ctx)
		create(ctx, ns, organization+people(1, ""))
		t := login(ctx, ns, "warehouse")
		t.secret(ctx, without(rollcallv1.LabelDownstream))
		t.create(ctx, full)
		Eventually(t.events(ctx)).Should(ContainElement(HavePrefix("SecretNotOptedIn: ")))
		t.secret(ctx, nil)
		t.resync(ctx)
		t.synced(ctx)
		said.hear(operator.scrape())
		for _, has := range []string{"rollcall_downstream_calls_total{", `"type":"Synced"`, "SecretNotOptedIn: "} {
			Eventually(func() bool {
				return slices.ContainsFunc(said.heard(), func(text string) bool { return strings.Contains(text, has) })
			}).Should(BeTrue(), has)
		}
		Expect(operator.logged()).To(ContainSubstring(`"controller":"downstream"`))

		By("searching everything since the beginning")
		said.mu.Lock()
		secrets := append([]string{}, said.secrets...)
		said.mu.Unlock()
		address := regexp.MustCompile(`[A-Za-z0-9._%+-]+@fjordline\.example`)
		where := map[string][]string{"log": {operator.logged()}, "status, event or metrics": said.heard()}
		for place, texts := range where {
			for _, text := range texts {
				for _, secret := range secrets {
					Expect(strings.Contains(text, secret)).To(BeFalse(), "%s has %q", place, secret)
				}
				if at := address.FindStringIndex(text); at != nil {
					Fail(place + " has an address: " + text[max(0, at[0]-300):min(len(text), at[1]+100)])
				}
			}
		}
	})
}
