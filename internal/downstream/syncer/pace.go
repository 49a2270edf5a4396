package syncer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Buckets are the token buckets of a manager, one for each endpoint and credential: Downstreams that speak to one system as
// one account share what it grants that account.
type Buckets struct {
	mu sync.Mutex
	of map[string]*Bucket
}

// NewBuckets returns no buckets yet.
func NewBuckets() *Buckets { return &Buckets{of: map[string]*Bucket{}} }

// Rate is a number of requests; zero values are not limited.
type Rate struct {
	QPS, Burst int
}

// Take returns the bucket of an endpoint and a credential, for a Downstream that allows so many requests. Of several
// Downstreams the smallest rate counts. credential should be a fingerprint, never the secret. Give must follow.
func (b *Buckets) Take(endpoint, credential, downstream string, r Rate) *Bucket {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := endpoint + "\x00" + credential
	if b.of[key] == nil {
		b.of[key] = &Bucket{rates: map[string]Rate{}, key: key}
	}
	b.of[key].join(downstream, r)
	return b.of[key]
}

// Give returns a bucket that a Downstream does not need any more.
func (b *Buckets) Give(bucket *Bucket, downstream string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bucket.leave(downstream) == 0 && b.of[bucket.key] == bucket {
		delete(b.of, bucket.key)
	}
}

// Bucket spaces the requests to one endpoint under one credential. It is a downstream.Pacer.
type Bucket struct {
	key     string
	limiter *rate.Limiter

	mu     sync.Mutex
	rates  map[string]Rate
	paused time.Time
}

func (b *Bucket) join(downstream string, r Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rates[downstream] = r
	b.apply()
}

func (b *Bucket) leave(downstream string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rates, downstream)
	b.apply()
	return len(b.rates)
}

func (b *Bucket) apply() {
	limit, burst := rate.Inf, 0
	for _, r := range b.rates {
		if r.QPS > 0 && rate.Limit(r.QPS) < limit {
			limit = rate.Limit(r.QPS)
		}
		if r.Burst > 0 && (burst == 0 || r.Burst < burst) {
			burst = r.Burst
		}
	}
	if burst == 0 && limit != rate.Inf {
		burst = max(1, int(limit))
	}
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(limit, burst) // full
		return
	}
	b.limiter.SetLimit(limit)
	b.limiter.SetBurst(burst)
}

// Pause keeps everybody from asking before an instant: the system said so.
func (b *Bucket) Pause(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.paused) {
		b.paused = until
	}
}

// Wait blocks until a request may be made, or the context ends.
func (b *Bucket) Wait(ctx context.Context) error {
	b.mu.Lock()
	paused := b.paused
	b.mu.Unlock()
	if wait := time.Until(paused); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the system to take requests again: %w", context.Cause(ctx))
		}
	}
	if err := b.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("waiting for the rate limit: %w", err)
	}
	return nil
}
