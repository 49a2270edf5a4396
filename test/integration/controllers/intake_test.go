package controllers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers/intake"
	"github.com/rollcall-dev/rollcall/internal/automation"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// system is the namespace of the operator.
const system = "rollcall-system"

// install applies manifests of config/ as `kubectl apply` does.
func install(ctx context.Context, files ...string) {
	GinkgoHelper()
	for _, file := range files {
		for _, o := range cluster.Manifest(filepath.Join("config", file)) {
			Expect(kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(&o), client.FieldOwner("kubectl"), client.ForceOwnership)).To(Succeed(), file)
		}
	}
}

// taking has an operator run as its own account and take in events, and returns where.
func taking(replica string) (prepare func(o *cluster.Operator, s *ctrl.Options), url string) {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	return func(o *cluster.Operator, _ *ctrl.Options) {
		o.As = rest.ImpersonationConfig{
			UserName: "system:serviceaccount:" + system + ":rollcall-manager",
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + system, "system:authenticated"},
		}
		o.Intake = intake.Options{Listener: listener, Namespace: system, Replica: replica}
	}, "https://" + listener.Addr().String()
}

// sender is a system that sends what customers write.
type sender struct {
	web   *http.Client
	token string
}

// newSender trusts what the ConfigMap says, and nothing else.
func newSender(ctx context.Context, token string) *sender {
	GinkgoHelper()
	roots := x509.NewCertPool()
	Expect(roots.AppendCertsFromPEM([]byte(bundle(ctx)))).To(BeTrue())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: intake.ServiceName + "." + system + ".svc"}}
	DeferCleanup(transport.CloseIdleConnections)
	return &sender{web: &http.Client{Transport: transport, Timeout: 20 * time.Second}, token: token}
}

// bundle is what the ConfigMap says.
func bundle(ctx context.Context) string {
	GinkgoHelper()
	var m corev1.ConfigMap
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: system, Name: intake.ConfigMapName}, &m)).To(Succeed())
	return m.Data[intake.BundleKey]
}

// reply is an answer: one of its bodies, by status.
type reply struct {
	status     int
	retryAfter string
	intake.Answer
	intake.Problem
}

func (s *sender) send(ctx context.Context, url, namespace, name, body string) reply {
	GinkgoHelper()
	path := strings.NewReplacer("{namespace}", namespace, "{name}", name).Replace(intake.Path)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Content-Type", "application/cloudevents+json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := s.web.Do(r)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	out := reply{status: response.StatusCode, retryAfter: response.Header.Get("Retry-After")}
	var to any = &out.Problem
	if out.status == http.StatusOK {
		to = &out.Answer
	}
	Expect(json.NewDecoder(response.Body).Decode(to)).To(Succeed())
	return out
}

func (s *sender) as(token string) *sender { return &sender{web: s.web, token: token} }

// said is an event with a message.
func said(id, message string) string {
	return fmt.Sprintf(`{"specversion": "1.0", "id": %q, "source": "/messaging", "type": "t", "data": {"conversationID": "conv-1", "profile": "ig-quebec", "message": %q}}`, id, message)
}

// token is one of a ServiceAccount, which is made for it.
func token(ctx context.Context, namespace, account string, audiences ...string) string {
	GinkgoHelper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	Expect(client.IgnoreAlreadyExists(kube.Create(ctx, sa))).To(Succeed())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
	Expect(kube.SubResource("token").Create(ctx, sa, request)).To(Succeed())
	return request.Status.Token
}

// permit lets a ServiceAccount send, to automations of some names or to all.
func permit(ctx context.Context, namespace, account string, automations ...string) {
	GinkgoHelper()
	names := ""
	if len(automations) > 0 {
		names = ", resourceNames: [" + strings.Join(automations, ", ") + "]"
	}
	for document := range strings.SplitSeq(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: send, namespace: `+namespace+`}
rules: [{apiGroups: [rollcall.dev], resources: [inboundautomations], verbs: [ingest]`+names+`}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: send, namespace: `+namespace+`}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: send}
subjects: [{kind: ServiceAccount, name: `+account+`, namespace: `+namespace+`}]
`, "\n---\n") {
		var o unstructured.Unstructured
		Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed())
		Expect(kube.Create(ctx, &o)).To(Succeed())
	}
}

func mentions(ctx context.Context, namespace string) func() []string {
	return func() []string {
		var list rollcallv1.MentionList
		Expect(kube.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
		names := []string{}
		for _, m := range list.Items {
			names = append(names, m.Name)
		}
		return names
	}
}

const refunds = shortest + `
---
kind: Schedule
metadata: {name: office}
spec: {timeZone: Etc/UTC, weekly: [{days: [Monday, Tuesday, Wednesday, Thursday, Friday], open: "09:00", close: "17:00"}]}
---
kind: InboundAutomation
metadata: {name: refunds-of-the-northern-regions-and-more}
spec:
  profiles: [{name: ig-quebec}]
  keywords: [refund]
  actions:
  - {type: Mention, mention: {groups: [{name: quebecois}], message: Refund requested}}
  - {type: SendResponse, sendResponse: {text: We look into it.}}
  - {type: CloseConversation}
---
kind: InboundAutomation
metadata: {name: busy}
spec: {keywords: [refund], actions: [{type: CloseConversation}]}
---
kind: InboundAutomation
metadata: {name: hours}
spec: {keywords: [refund], when: DuringHours, actions: [{type: CloseConversation}]}
`

var _ = Describe("The intake of inbound events", func() {
	const name = "refunds-of-the-northern-regions-and-more"
	var ns, url string
	var op *cluster.Operator
	var to *sender
	BeforeEach(func(ctx context.Context) {
		install(ctx, "manager/namespace.yaml", "rbac/service_account.yaml", "rbac/manager_role.yaml", "intake/role.yaml")
		ns = namespace(ctx)
		// The ConfigMap of a former spec speaks of processes that are gone.
		Expect(client.IgnoreNotFound(kube.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: intake.ConfigMapName}}))).To(Succeed())
		var prepare func(o *cluster.Operator, s *ctrl.Options)
		prepare, url = taking("a")
		op = begin(cluster.ClockAt(opening), prepare)
		Eventually(op.Ready).Should(Succeed())
		Eventually(func() error {
			return kube.Get(ctx, client.ObjectKey{Namespace: system, Name: intake.ConfigMapName}, &corev1.ConfigMap{})
		}).Should(Succeed())
		permit(ctx, ns, "messaging")
		to = newSender(ctx, token(ctx, ns, "messaging", "rollcall.dev/intake"))
	})
	organize := func(ctx context.Context) {
		GinkgoHelper()
		create(ctx, ns, refunds)
		for _, a := range []string{name, "busy", "hours"} {
			Eventually(condition(ctx, "InboundAutomation", ns, a, "Ready")).Should(Equal("True/AsExpected"))
		}
		Eventually(condition(ctx, "UserGroup", ns, "quebecois", "Ready")).Should(Equal("True/AsExpected"))
	}

	It("S-94: one Mention for each event, whichever replica it is delivered to, however often", func(ctx context.Context) {
		organize(ctx)
		first := to.send(ctx, url, ns, name, said("e-1", "My REFUND, please"))
		Expect(first.status).To(Equal(http.StatusOK))
		Expect(first.Matched).To(BeTrue())
		Expect(first.Duplicate).To(BeFalse())
		Expect(first.Mention).To(Equal(automation.Name(name, "/messaging", "e-1")))
		Expect(first.Mention).To(HavePrefix("refunds-of-the-northern-region-"))
		Expect(first.Mention).To(HaveLen(63))
		Expect(first.Actions).To(HaveExactElements(
			HaveField("SendResponse.Text", "We look into it."), HaveField("Type", rollcallv1.AutomationActionTypeCloseConversation)))
		m, err := get[rollcallv1.Mention](ctx, ns, first.Mention)()
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Spec).To(Equal(rollcallv1.MentionSpec{
			Conversation: &rollcallv1.MentionConversation{ProfileRef: &rollcallv1.ObjectRef{Name: "ig-quebec"}, ExternalID: "conv-1"},
			Groups:       []rollcallv1.ObjectRef{{Name: "quebecois"}},
			Source: &rollcallv1.MentionSource{
				Type: rollcallv1.MentionSourceTypeAutomation, AutomationRef: &rollcallv1.ObjectRef{Name: name}, EventID: new("e-1"),
			},
			Message: "Refund requested",
		}))
		Eventually(func() (rollcallv1.MentionPhase, error) {
			m, err := get[rollcallv1.Mention](ctx, ns, first.Mention)()
			return m.Status.Phase, err
		}).Should(Equal(rollcallv1.MentionPhasePending))

		By("the same event again, also to a replica that only waits for the lease")
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "rollcall"}, Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("somebody else"), LeaseDurationSeconds: new(int32(3600)), RenewTime: new(metav1.NowMicro()), AcquireTime: new(metav1.NowMicro()),
		}}
		Expect(kube.Create(ctx, lease)).To(Succeed())
		prepare, waitingURL := taking("b")
		waiting := begin(cluster.ClockAt(opening), prepare, func(o *cluster.Operator, s *ctrl.Options) {
			s.LeaderElection, s.LeaderElectionID, s.LeaderElectionNamespace, s.LeaderElectionConfig = true, "rollcall", ns, kube.Config
		})
		Eventually(waiting.Ready).Should(Succeed())
		Eventually(func() int { return strings.Count(bundle(ctx), "BEGIN CERTIFICATE") }).Should(Equal(2))
		both := newSender(ctx, to.token)
		for _, at := range []string{url, waitingURL, waitingURL, url} {
			again := both.send(ctx, at, ns, name, said("e-1", "My REFUND, please"))
			Expect(again.status).To(Equal(http.StatusOK))
			Expect(again.Duplicate).To(BeTrue())
			Expect(again.Mention).To(Equal(first.Mention))
			Expect(again.Actions).To(Equal(first.Actions))
		}
		Expect(mentions(ctx, ns)()).To(ConsistOf(first.Mention))
		after, err := get[rollcallv1.Mention](ctx, ns, first.Mention)()
		Expect(err).NotTo(HaveOccurred())
		Expect(after.UID).To(Equal(m.UID))

		By("another event, many times at once, to both replicas")
		var together sync.WaitGroup
		replies := make(chan reply, 20)
		for i := range cap(replies) {
			together.Go(func() {
				defer GinkgoRecover()
				replies <- both.send(ctx, []string{url, waitingURL}[i%2], ns, name, said("e-2", "refund"))
			})
		}
		together.Wait()
		close(replies)
		made := 0
		for r := range replies {
			Expect(r.status).To(Equal(http.StatusOK))
			if !r.Duplicate {
				made++
			}
		}
		Expect(made).To(Equal(1))
		Expect(mentions(ctx, ns)()).To(ConsistOf(first.Mention, automation.Name(name, "/messaging", "e-2")))

		By("a message that is about something else")
		Expect(to.send(ctx, url, ns, name, said("e-3", "refunds?")).Answer).To(Equal(intake.Answer{Reason: "Keywords"}))
		Expect(mentions(ctx, ns)()).To(HaveLen(2))
	})

	It("S-94: refuses bodies over 64 KiB, tokens of another audience, whoever lacks the verb, and what is too much", func(ctx context.Context) {
		organize(ctx)
		fits := said("e-1", "refund ")
		fits = strings.Replace(fits, "refund ", "refund "+strings.Repeat("x", 64<<10-len(fits)), 1)
		Expect(to.send(ctx, url, ns, "busy", fits).status).To(Equal(http.StatusOK))
		Expect(to.send(ctx, url, ns, "busy", fits+" ").status).To(Equal(http.StatusRequestEntityTooLarge))

		By("tokens")
		event := said("e-1", "refund")
		for what, t := range map[string]string{
			"none": "", "nonsense": "nonsense",
			"of another audience":        token(ctx, ns, "messaging", "another.example"),
			"of the API server":          token(ctx, ns, "messaging"),
			"of an account that is gone": gone(ctx, ns),
		} {
			Expect(to.as(t).send(ctx, url, ns, name, event).status).To(Equal(http.StatusUnauthorized), what)
		}
		Expect(to.as(token(ctx, ns, "messaging", "another.example", "rollcall.dev/intake")).send(ctx, url, ns, "busy", event).status).To(Equal(http.StatusOK))

		By("rights")
		stranger := to.as(token(ctx, ns, "stranger", "rollcall.dev/intake"))
		Expect(stranger.send(ctx, url, ns, name, event).status).To(Equal(http.StatusForbidden))
		Expect(stranger.send(ctx, url, ns, "nothing", event).status).To(Equal(http.StatusForbidden), "who may not send does not learn what there is")
		Expect(to.send(ctx, url, ns, "nothing", event).status).To(Equal(http.StatusNotFound))
		elsewhere := namespace(ctx)
		create(ctx, elsewhere, refunds)
		Expect(to.send(ctx, url, elsewhere, name, event).status).To(Equal(http.StatusForbidden), "a right in one namespace is none in another")
		permit(ctx, elsewhere, "one", "busy")
		one := to.as(token(ctx, elsewhere, "one", "rollcall.dev/intake"))
		Eventually(func() int { return one.send(ctx, url, elsewhere, "busy", event).status }).Should(Equal(http.StatusOK))
		Expect(one.send(ctx, url, elsewhere, name, event).status).To(Equal(http.StatusForbidden), "a right on one automation is none on another")

		By("what is malformed")
		broken := to.send(ctx, url, ns, name, strings.Replace(event, "conv-1", "", 1))
		Expect(broken.status).To(Equal(http.StatusBadRequest))
		Expect(broken.Field).To(Equal("data.conversationID"))

		By("the bucket of the automation")
		statuses := map[int]int{}
		var last reply
		for range intake.DefaultBurst + 5 {
			last = to.send(ctx, url, ns, "busy", event)
			statuses[last.status]++
		}
		Expect(statuses).To(HaveKeyWithValue(http.StatusTooManyRequests, BeNumerically(">=", 5)))
		Expect(statuses).To(HaveLen(2))
		Expect(last.status).To(Equal(http.StatusTooManyRequests))
		Expect(last.retryAfter).To(Equal("1"))
		op.Clock.Set(opening.Add(time.Second))
		Expect(to.send(ctx, url, ns, "busy", event).status).To(Equal(http.StatusOK))
		Expect(mentions(ctx, ns)()).To(BeEmpty())
	})

	It("hours are those at the instant the event arrives: a second before, at, and after the opening and the close", func(ctx context.Context) {
		organize(ctx)
		edit(ctx, "Organization", ns, "default", `{spec: {scheduleRef: {name: office}}}`)
		Eventually(condition(ctx, "Organization", ns, "default", "Ready")).Should(Equal("True/AsExpected"))
		opens, closes := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC), time.Date(2027, 3, 1, 17, 0, 0, 0, time.UTC)
		for i, step := range []struct {
			at   time.Time
			want bool
		}{
			{opens.Add(-time.Second), false}, {opens, true}, {opens.Add(time.Second), true},
			{closes.Add(-time.Second), true}, {closes, false}, {closes.Add(time.Second), false},
		} {
			op.Clock.Set(step.at)
			Expect(to.send(ctx, url, ns, "hours", said(fmt.Sprintf("e-%d", i), "refund")).Matched).To(Equal(step.want), step.at.String())
		}
	})

	It("reports what an automation names and does not find, and heals when it appears", func(ctx context.Context) {
		organize(ctx)
		edit(ctx, "InboundAutomation", ns, "busy", `{spec: {practices: [{name: north}]}}`)
		Eventually(condition(ctx, "InboundAutomation", ns, "busy", "ReferencesResolved")).Should(Equal("False/UnresolvedReference"))
		Expect(condition(ctx, "InboundAutomation", ns, "busy", "Ready")()).To(Equal("True/AsExpected"))
		edit(ctx, "Organization", ns, "default", `{spec: {practices: [{name: north}]}}`)
		Eventually(condition(ctx, "InboundAutomation", ns, "busy", "ReferencesResolved")).Should(Equal("True/AsExpected"))
		remove(ctx, "UserGroup", ns, "quebecois")
		Eventually(condition(ctx, "InboundAutomation", ns, name, "ReferencesResolved")).Should(Equal("False/UnresolvedReference"))
	})

	It("S-94: takes nothing in without an Organization, and makes no further Mention while 5,000 are open", func(ctx context.Context) {
		const full = 5000
		create(ctx, ns, `
kind: InboundAutomation
metadata: {name: refunds}
spec: {keywords: [refund], actions: [{type: Mention, mention: {teammates: [{name: ana}]}}]}
`)
		Eventually(func() int { return to.send(ctx, url, ns, "refunds", said("e-1", "refund")).status }).Should(Equal(http.StatusServiceUnavailable))

		// Without an Organization nobody looks at them, and they are open all the same.
		var together sync.WaitGroup
		numbers := make(chan int)
		for range 16 {
			together.Go(func() {
				defer GinkgoRecover()
				for i := range numbers {
					Expect(kube.Create(ctx, &rollcallv1.Mention{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprintf("m-%d", i)}, Spec: rollcallv1.MentionSpec{
						Conversation: &rollcallv1.MentionConversation{ExternalID: "c"}, Teammates: []rollcallv1.ObjectRef{{Name: "ana"}},
						Source: &rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeFlow},
					}})).To(Succeed())
				}
			})
		}
		for i := range full {
			numbers <- i
		}
		close(numbers)
		together.Wait()
		create(ctx, ns, shortest)
		op.Clock.Set(opening.Add(time.Minute)) // the bucket is full again
		Eventually(func() string {
			r := to.send(ctx, url, ns, "refunds", said("e-1", "refund"))
			return fmt.Sprintf("%d, after %s s: %s", r.status, r.retryAfter, r.Detail)
		}).WithPolling(200 * time.Millisecond).Should(Equal("429, after 60 s: 5000 mentions of the namespace are open: resolve some first"))
		Expect(to.send(ctx, url, ns, "refunds", said("e-1", "hello")).status).To(Equal(http.StatusOK))
		remove(ctx, "Mention", ns, "m-0")
		Eventually(func() int { return to.send(ctx, url, ns, "refunds", said("e-1", "refund")).status }).WithPolling(200 * time.Millisecond).Should(Equal(http.StatusOK))
		again := to.send(ctx, url, ns, "refunds", said("e-1", "refund"))
		Expect(again.status).To(Equal(http.StatusOK), "what came before is known")
		Expect(again.Duplicate).To(BeTrue())
	})
})

// gone is a good token of an account that was deleted.
func gone(ctx context.Context, namespace string) string {
	GinkgoHelper()
	t := token(ctx, namespace, "gone", "rollcall.dev/intake")
	Expect(kube.Delete(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gone"}})).To(Succeed())
	return t
}
