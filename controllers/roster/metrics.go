package roster

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var (
	computeSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "rollcall_compute_seconds",
		Help:    "Time to take one batch of changes into an organization and recompute what it touches.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
	})
	touchedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_touched_total",
		Help: "Results that changed, by kind of the object that carries them.",
	}, []string{"kind"})
	objectsGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_objects",
		Help: "Input objects by kind and namespace.",
	}, []string{"kind", "namespace"})
	notReadyGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_not_ready",
		Help: "Input objects whose condition Ready is not True, by kind and namespace.",
	}, []string{"kind", "namespace"})
	transitionGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_next_transition_seconds",
		Help: "When time alone may next change something in a namespace, in seconds since 1970; absent: never.",
	}, []string{"namespace"})
)

func init() {
	metrics.Registry.MustRegister(computeSeconds, touchedTotal, objectsGauge, notReadyGauge, transitionGauge)
}

func observeCompute(d time.Duration) { computeSeconds.Observe(d.Seconds()) }

func countTouched(t engine.Touched) {
	touchedTotal.WithLabelValues(kindAccess).Add(float64(len(t.Access)))
	touchedTotal.WithLabelValues(kindPlan).Add(float64(len(t.Plans)))
	touchedTotal.WithLabelValues(kindLedger).Add(float64(len(t.Ledger)))
	for _, o := range t.Inputs {
		touchedTotal.WithLabelValues(o.Kind).Inc()
	}
}

func observeObjects(namespace string, e *engine.Engine) {
	for _, kind := range roster.Kinds {
		objectsGauge.WithLabelValues(kind, namespace).Set(float64(len(e.Roster.Names(nil, kind))))
	}
}

func observeNotReady(namespace string, counts map[string]int) {
	for _, kind := range roster.Kinds {
		notReadyGauge.WithLabelValues(kind, namespace).Set(float64(counts[kind]))
	}
}

func observeTransition(namespace string, at time.Time) {
	if at.IsZero() {
		transitionGauge.DeleteLabelValues(namespace)
		return
	}
	transitionGauge.WithLabelValues(namespace).Set(float64(at.Unix()))
}

func forgetMetrics(namespace string) {
	here := prometheus.Labels{"namespace": namespace}
	objectsGauge.DeletePartialMatch(here)
	notReadyGauge.DeletePartialMatch(here)
	transitionGauge.DeletePartialMatch(here)
}
