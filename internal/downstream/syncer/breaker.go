package syncer

import (
	"errors"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// Refused credentials are not tried again soon: accounts are locked for less. New ones start a new loop at once.
	firstRefusal = 5 * time.Minute
	lastRefusal  = time.Hour
)

// breaker says when the system may be asked again. One loop asks one system, one call at a time, so all there is to a breaker
// is an instant: a library would add a clock of its own and a state that nobody else shares.
type breaker struct {
	// random returns a number in [0, 1).
	random   func() float64
	failures int
	class    downstream.Class
	until    time.Time
}

// fail records an error and returns when to try again.
func (b *breaker) fail(now time.Time, err error) time.Time {
	b.failures++
	b.class = downstream.ClassOf(err)
	first, last := firstRetry, lastRetry
	if b.class == downstream.Unauthorized || b.class == downstream.Refused || b.class == downstream.PinChanged {
		first, last = firstRefusal, lastRefusal
	}
	delay := first << min(b.failures-1, 20)
	if delay > last || delay <= 0 {
		delay = last
	}
	// Half of the delay is by chance, so that Downstreams that failed together do not come back together.
	delay = delay/2 + time.Duration(b.random()*float64(delay/2))
	if e, ok := errors.AsType[*downstream.Error](err); ok && e.RetryAfter > delay {
		delay = e.RetryAfter
	}
	b.until = now.Add(delay)
	return b.until
}

func (b *breaker) succeed() { b.failures, b.class, b.until = 0, "", time.Time{} }

// open reports whether nothing may be sent.
func (b *breaker) open(now time.Time) bool { return now.Before(b.until) }
