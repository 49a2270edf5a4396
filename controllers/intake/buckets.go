package intake

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// sweepAbove is how many buckets are kept before the full ones, which are as good as none, are dropped.
const sweepAbove = 1024

// buckets are the token buckets of automations. They are kept for automations that exist only, of this replica.
type buckets struct {
	limit rate.Limit
	burst int

	mu sync.Mutex
	of map[types.NamespacedName]*rate.Limiter
}

func newBuckets(perSecond float64, burst int) *buckets {
	return &buckets{limit: rate.Limit(perSecond), burst: burst, of: map[types.NamespacedName]*rate.Limiter{}}
}

// take takes a token, or returns after how long there is one.
func (b *buckets) take(key types.NamespacedName, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[key] == nil {
		b.sweep(now)
		b.of[key] = rate.NewLimiter(b.limit, b.burst)
	}
	reservation := b.of[key].ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (b *buckets) sweep(now time.Time) {
	if len(b.of) < sweepAbove {
		return
	}
	for key, limiter := range b.of {
		if limiter.TokensAt(now) >= float64(b.burst) {
			delete(b.of, key)
		}
	}
}
