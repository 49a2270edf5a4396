package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/controllers/intake"
)

// opening is when the clocks of operators start.
var opening = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// handClock is set by hand.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// write is one request that changes something.
type write struct{ method, resource, sub, name string }

func (w write) String() string {
	return strings.Join(slices.DeleteFunc([]string{w.method, w.resource, w.sub, w.name}, func(s string) bool { return s == "" }), " ")
}

// meter counts the writes of a client by namespace, leases and events aside, and fails requests on demand.
type meter struct {
	mu     sync.Mutex
	writes map[string][]write
	refuse func(*http.Request) bool
}

func (m *meter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		m.mu.Lock()
		refuse := m.refuse != nil && m.refuse(r)
		m.mu.Unlock()
		if refuse {
			return nil, fmt.Errorf("refused by the test: %s %s", r.Method, r.URL.Path)
		}
		// /apis/<group>/<version>/namespaces/<namespace>/<resource>/<name>/<sub>
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if r.Method != http.MethodGet && len(parts) >= 6 && parts[3] == "namespaces" && parts[5] != "leases" && parts[5] != "events" {
			parts = append(parts, "", "")
			m.mu.Lock()
			m.writes[parts[4]] = append(m.writes[parts[4]], write{r.Method, parts[5], parts[7], parts[6]})
			m.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// of returns the writes of a namespace since the last forget, sorted.
func (m *meter) of(namespace string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []string{}
	for _, w := range m.writes[namespace] {
		out = append(out, w.String())
	}
	slices.Sort(out)
	return out
}

func (m *meter) forget(namespace string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.writes, namespace)
}

func (m *meter) fail(refuse func(*http.Request) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

// operator is a manager that runs in this process.
type operator struct {
	meter
	clock *handClock
	wake  chan event.TypedGenericEvent[string]
	mgr   ctrl.Manager
	done  chan error
	halt  context.CancelFunc
	ready func() error
	// as, if set, is who it runs as instead of an administrator; intake is off unless it has a listener.
	as     rest.ImpersonationConfig
	intake intake.Options
	// drivers, if set, are those of connected systems.
	drivers map[rollcallv1.Driver]downstreamcontroller.Open
	// allow are ranges that they may be in.
	allow []netip.Prefix
}

// begin starts an operator; it stops at the end of the spec. prepare may change what it starts with.
func begin(clock *handClock, prepare ...func(o *operator, s *ctrl.Options)) *operator {
	GinkgoHelper()
	o := &operator{clock: clock, wake: make(chan event.TypedGenericEvent[string]), done: make(chan error, 1)}
	o.writes = map[string][]write{}
	settings := ctrl.Options{
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Controller:             ctrlconfig.Controller{SkipNameValidation: new(true)},
	}
	for _, p := range prepare {
		p(o, &settings)
	}
	own := rest.CopyConfig(config)
	own.Impersonate = o.as
	own.Wrap(o.wrap)
	ctx, cancel := context.WithCancel(context.Background())
	o.halt = cancel
	mgr, err := controllers.NewManager(ctx, own, settings, controllers.Options{Now: clock.Now, Wake: o.wake, Ready: &o.ready, Intake: o.intake, Drivers: o.drivers, AllowCIDRs: o.allow})
	Expect(err).NotTo(HaveOccurred())
	o.mgr = mgr
	go func() { o.done <- mgr.Start(ctx) }()
	DeferCleanup(o.stop)
	return o
}

// start is begin, and returns when the operator is ready.
func start(clock *handClock) *operator {
	GinkgoHelper()
	o := begin(clock)
	Eventually(func() error { return o.ready() }).Should(Succeed())
	return o
}

func (o *operator) stop() {
	GinkgoHelper()
	if o.halt == nil {
		return
	}
	o.halt()
	o.halt = nil
	Eventually(o.done).Should(Receive(BeNil()))
}

// at sets the clock and has the namespace looked at.
func (o *operator) at(now time.Time, namespace string) {
	GinkgoHelper()
	o.clock.set(now)
	Eventually(o.wake).Should(BeSent(event.TypedGenericEvent[string]{Object: namespace}))
}

// rest waits until nothing was written to the namespace for a while.
func (o *operator) rest(namespace string) {
	GinkgoHelper()
	last, since := -1, time.Now()
	Eventually(func() bool {
		if n := len(o.of(namespace)); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 400*time.Millisecond
	}).Should(BeTrue(), "writes go on and on")
}

// count has the counts of the Organization written that wait for their ten seconds.
func (o *operator) count(ctx context.Context, namespace string) {
	GinkgoHelper()
	now := o.clock.Now().Add(10 * time.Second)
	o.at(now, namespace)
	edit(ctx, "Organization", namespace, "default", `{metadata: {annotations: {looked: "`+now.Format(time.RFC3339)+`"}}}`)
	o.rest(namespace)
}
