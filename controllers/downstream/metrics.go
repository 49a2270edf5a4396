package downstream

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
)

// Labels of the metrics of connected systems. Values are few: names of Downstreams, kinds of records, operations, classes of
// errors. Nothing that a system answered, and no person, is ever among them.
var (
	byDownstream = []string{"namespace", "downstream"}
	byType       = append([]string{"type"}, byDownstream...) // Users, Groups, Access, Routes, Mentions
	byOp         = append([]string{"op"}, byDownstream...)   // create, update, remove
	byCondition  = append([]string{"condition"}, byDownstream...)
	byCall       = append([]string{"op", "outcome"}, byDownstream...)         // read, apply; OK or the class of the error
	byChange     = append([]string{"type", "op", "outcome"}, byDownstream...) // create, update, deactivate, delete; done, refused, conflict, failed
)

var (
	ownedGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_owned",
		Help: "Records in a connected system that are ours, by type.",
	}, byType)
	planGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_plan",
		Help: "Changes that are to be made in a connected system and are not made, by operation.",
	}, byOp)
	heldGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_held",
		Help: "Removals that are held back, by type.",
	}, byType)
	skippedGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_skipped",
		Help: "Records that cannot be brought in step: refused, not representable, in the way of another, or not seen for certain.",
	}, byDownstream)
	conditionGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_condition",
		Help: "1 for a condition of a Downstream that is True, 0 for one that is not.",
	}, byCondition)
	breakerGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_breaker_open",
		Help: "1 while nothing is sent to a connected system because the last attempt failed.",
	}, byDownstream)
	alarmGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_alarm",
		Help: "1 while removals are held in all connected systems because too many people lost their access at once.",
	}, byDownstream)
	successGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_downstream_last_success_timestamp_seconds",
		Help: "When a synchronization last ended without an error, in seconds since 1970.",
	}, byDownstream)
	changesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_downstream_changes_total",
		Help: "Changes sent to a connected system, by type, operation and what became of them.",
	}, byChange)
	callsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_downstream_calls_total",
		Help: "Calls of a driver, by operation and outcome.",
	}, byCall)
	requestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_downstream_requests_total",
		Help: "Requests sent to a connected system.",
	}, byDownstream)
	throttlesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_downstream_throttles_total",
		Help: "Times that a connected system asked to be left alone.",
	}, byDownstream)
	waitTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_downstream_wait_seconds_total",
		Help: "Time spent waiting because of rateLimit, or because the system asked for it.",
	}, byDownstream)
	syncSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "rollcall_downstream_sync_seconds",
		Help:    "Time that one synchronization took, by scope: full, or the records that changed.",
		Buckets: prometheus.ExponentialBuckets(0.005, 4, 9),
	}, append([]string{"scope"}, byDownstream...)) // full, changes
)

// forgettable is a metric whose series go with their Downstream.
type forgettable interface {
	prometheus.Collector
	DeletePartialMatch(labels prometheus.Labels) int
}

var series = []forgettable{
	ownedGauge, planGauge, heldGauge, skippedGauge, conditionGauge, breakerGauge, alarmGauge, successGauge,
	changesTotal, callsTotal, requestsTotal, throttlesTotal, waitTotal, syncSeconds,
}

func init() {
	for _, s := range series {
		metrics.Registry.MustRegister(s)
	}
}

// forgetMetrics drops the series of a Downstream that is gone.
func forgetMetrics(key types.NamespacedName) {
	for _, s := range series {
		s.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "downstream": key.Name})
	}
}

// meter measures for one worker, until another one takes its place or the Downstream is gone: a call that hangs must not bring
// its series back.
type meter struct {
	key types.NamespacedName

	mu     sync.Mutex
	closed bool
}

// close ends the measuring. then is run with nobody measuring.
func (m *meter) close(then func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	then()
}

func (m *meter) while(f func(namespace, name string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		f(m.key.Namespace, m.key.Name)
	}
}

// status takes the numbers of a status.
func (m *meter) status(s *syncer.Status) {
	m.while(func(ns, name string) {
		for _, kind := range downstream.Kinds {
			n, carried := s.Owned[kind]
			if !carried {
				ownedGauge.DeleteLabelValues(string(kind), ns, name)
				heldGauge.DeleteLabelValues(string(kind), ns, name)
				continue
			}
			ownedGauge.WithLabelValues(string(kind), ns, name).Set(float64(n))
			heldGauge.WithLabelValues(string(kind), ns, name).Set(float64(s.HeldOf[kind]))
		}
		planGauge.WithLabelValues("create", ns, name).Set(float64(s.Plan.Creates))
		planGauge.WithLabelValues("update", ns, name).Set(float64(s.Plan.Updates))
		planGauge.WithLabelValues("remove", ns, name).Set(float64(s.Plan.Removals))
		skippedGauge.WithLabelValues(ns, name).Set(float64(s.SkippedCount))
		alarmGauge.WithLabelValues(ns, name).Set(number(s.Alarm))
	})
	m.conditions(s, nil)
}

// conditions takes the conditions that a status, or the lack of a driver, leads to.
func (m *meter) conditions(s *syncer.Status, trouble error) {
	m.while(func(ns, name string) {
		for _, c := range conditionsOf(s, trouble) {
			conditionGauge.WithLabelValues(c.Type, ns, name).Set(number(c.Status == "True"))
		}
	})
}

// passed takes what the loop says of one pass.
func (m *meter) passed(p syncer.Passed) {
	scope := "changes"
	if p.Full {
		scope = "full"
	}
	m.while(func(ns, name string) {
		syncSeconds.WithLabelValues(scope, ns, name).Observe(p.Took.Seconds())
		breakerGauge.WithLabelValues(ns, name).Set(number(p.Err != nil))
		if p.Err == nil {
			successGauge.WithLabelValues(ns, name).Set(float64(p.At.Unix()))
		}
	})
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// call counts one call of the driver.
func (m *meter) call(op string, err error) {
	outcome := "OK"
	if err != nil {
		outcome = string(downstream.ClassOf(err))
	}
	m.while(func(ns, name string) {
		callsTotal.WithLabelValues(op, outcome, ns, name).Inc()
		if downstream.ClassOf(err) == downstream.Throttled {
			throttlesTotal.WithLabelValues(ns, name).Inc()
		}
	})
}

// operations are the values of the label op of changes.
var operations = map[downstream.Op]string{
	downstream.Create: "create", downstream.Update: "update", downstream.Deactivate: "deactivate", downstream.Delete: "delete",
}

// change counts what became of one change.
func (m *meter) change(c *downstream.Change, err error) {
	outcome := "failed"
	switch downstream.ClassOf(err) {
	case "":
		outcome = "done"
	case downstream.BadRecord, downstream.TooLarge:
		outcome = "refused"
	case downstream.Conflict:
		outcome = "conflict"
	}
	m.while(func(ns, name string) {
		changesTotal.WithLabelValues(string(c.Record.Kind), operations[c.Op], outcome, ns, name).Inc()
	})
}

// measured counts the calls of a driver and what becomes of changes.
type measured struct {
	downstream.Driver
	meter *meter
}

// Read implements downstream.Driver.
func (d measured) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	reading, err := d.Driver.Read(ctx, req)
	d.meter.call("read", err)
	return reading, err
}

// Apply implements downstream.Driver. A batch that failed as a whole comes again, in parts if one of its records is the reason:
// its changes are counted then.
func (d measured) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	outcomes, err := d.Driver.Apply(ctx, req)
	d.meter.call("apply", err)
	if err != nil && len(req.Changes) == 1 {
		d.meter.change(&req.Changes[0], err)
	}
	for i := range outcomes {
		if err == nil && i < len(req.Changes) {
			d.meter.change(&req.Changes[i], outcomes[i].Err)
		}
	}
	return outcomes, err
}

// paced counts requests and the time that they wait; they are signs of life.
type paced struct {
	downstream.Pacer
	meter *meter
	alive *pulse
}

// Wait implements downstream.Pacer.
func (p paced) Wait(ctx context.Context) error {
	before := time.Now()
	p.alive.wait()
	err := p.Pacer.Wait(ctx)
	p.alive.beat()
	waited := time.Since(before)
	p.meter.while(func(ns, name string) {
		waitTotal.WithLabelValues(ns, name).Add(max(waited, 0).Seconds())
		if err == nil {
			requestsTotal.WithLabelValues(ns, name).Inc()
		}
	})
	return err
}
