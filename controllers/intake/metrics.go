package intake

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// result is what became of a request; it is the only label there is, since names in a path are chosen by strangers.
type result string

const (
	resultCreated         result = "created"
	resultDuplicate       result = "duplicate"
	resultMatched         result = "matched" // without an action of type Mention
	resultUnmatched       result = "unmatched"
	resultMalformed       result = "malformed"
	resultUnauthenticated result = "unauthenticated"
	resultForbidden       result = "forbidden"
	resultUnknown         result = "unknown"
	resultConflict        result = "conflict"
	resultTooLarge        result = "too_large"
	resultUnsupported     result = "unsupported"
	resultLimited         result = "rate_limited"
	resultFull            result = "mentions_full"
	resultUnavailable     result = "unavailable"
)

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_intake_requests_total",
		Help: "Requests to the intake of inbound events, by what became of them.",
	}, []string{"result"})
	seconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "rollcall_intake_seconds",
		Help:    "Time to answer a request to the intake of inbound events.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	})
)

func init() { metrics.Registry.MustRegister(requests, seconds) }

func observe(r result, d time.Duration) {
	requests.WithLabelValues(string(r)).Inc()
	seconds.Observe(d.Seconds())
}
