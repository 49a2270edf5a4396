package cluster

import (
	"context"
	"fmt"
	"maps"
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

// patience is how long an operator may take to begin, to be still and to end, whatever a suite waits for its specs.
const patience = 30 * time.Second

// Opening is when the clocks of most specs start.
var Opening = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// Clock is set by hand.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// ClockAt makes a clock.
func ClockAt(now time.Time) *Clock { return &Clock{now: now} }

// Now is what it was set to last.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets it; nobody hears of that.
func (c *Clock) Set(now time.Time) {
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

// Writes returns those to a namespace since the last Forget, sorted.
func (m *meter) Writes(namespace string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []string{}
	for _, w := range m.writes[namespace] {
		out = append(out, w.String())
	}
	slices.Sort(out)
	return out
}

// Written returns the namespaces with writes.
func (m *meter) Written() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.writes))
}

// Forget begins to count anew.
func (m *meter) Forget(namespace string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.writes, namespace)
}

// Refuse has requests fail before they reach the API server; nil ends it.
func (m *meter) Refuse(refuse func(*http.Request) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

// Operator is a manager that runs in this process.
type Operator struct {
	meter
	Clock   *Clock
	Wake    chan event.TypedGenericEvent[string]
	Manager ctrl.Manager
	// Done gives what the manager ended with; Ready says whether everything there is was taken in.
	Done  chan error
	Ready func() error
	// As, if set, is who it runs as instead of an administrator; Intake is off unless it has a listener.
	As     rest.ImpersonationConfig
	Intake intake.Options
	// Drivers, if set, are those of connected systems; Allow are ranges that they may be in.
	Drivers map[rollcallv1.Driver]downstreamcontroller.Open
	Allow   []netip.Prefix

	cluster *Cluster
	halt    context.CancelFunc
}

// Begin starts an operator; it stops at the end of the spec. prepare may change what it starts with.
func (c *Cluster) Begin(clock *Clock, prepare ...func(o *Operator, s *ctrl.Options)) *Operator {
	GinkgoHelper()
	o := &Operator{cluster: c, Clock: clock, Wake: make(chan event.TypedGenericEvent[string]), Done: make(chan error, 1)}
	o.writes = map[string][]write{}
	settings := ctrl.Options{
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Controller:             ctrlconfig.Controller{SkipNameValidation: new(true)},
	}
	for _, p := range prepare {
		p(o, &settings)
	}
	own := rest.CopyConfig(c.Config)
	own.Impersonate = o.As
	own.Wrap(o.wrap)
	ctx, cancel := context.WithCancel(context.Background())
	o.halt = cancel
	mgr, err := controllers.NewManager(ctx, own, settings, controllers.Options{Now: clock.Now, Wake: o.Wake, Ready: &o.Ready, Intake: o.Intake, Drivers: o.Drivers, AllowCIDRs: o.Allow})
	Expect(err).NotTo(HaveOccurred())
	o.Manager = mgr
	go func() { o.Done <- mgr.Start(ctx) }()
	DeferCleanup(o.Stop)
	c.operators = append(c.operators, o)
	return o
}

// Operate is Begin, and returns when the operator is ready.
func (c *Cluster) Operate(clock *Clock) *Operator {
	GinkgoHelper()
	o := c.Begin(clock)
	Eventually(func() error { return o.Ready() }).WithTimeout(patience).Should(Succeed())
	return o
}

// Stop ends it, unless that was done before.
func (o *Operator) Stop() {
	GinkgoHelper()
	if o.halt == nil {
		return
	}
	o.halt()
	o.halt = nil
	Eventually(o.Done).WithTimeout(patience).Should(Receive(BeNil()))
}

// At sets the clock and has the namespace looked at.
func (o *Operator) At(now time.Time, namespace string) {
	GinkgoHelper()
	o.Clock.Set(now)
	Eventually(o.Wake).WithTimeout(patience).Should(BeSent(event.TypedGenericEvent[string]{Object: namespace}))
}

// Rest waits until nothing was written to the namespaces for a while.
func (o *Operator) Rest(namespaces ...string) {
	GinkgoHelper()
	last, since := -1, time.Now()
	Eventually(func() bool {
		n := 0
		for _, namespace := range namespaces {
			n += len(o.Writes(namespace))
		}
		if n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 400*time.Millisecond
	}).WithTimeout(patience).Should(BeTrue(), "writes go on and on")
}

// Count has the counts of the Organization written that wait for their ten seconds.
func (o *Operator) Count(ctx context.Context, namespace string) {
	GinkgoHelper()
	now := o.Clock.Now().Add(10 * time.Second)
	o.At(now, namespace)
	o.cluster.Edit(ctx, "Organization", namespace, "default", `{metadata: {annotations: {looked: "`+now.Format(time.RFC3339)+`"}}}`)
	o.Rest(namespace)
}
