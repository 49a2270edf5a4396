package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the operator holds grows with the organizations, and what it allocates only with what changes. So it collects
// garbage rarely while much changes, when collecting would cost more than computing, and often otherwise, when that costs
// hardly anything and keeps its memory close to what it holds.
const (
	gcBusy  = 100 // per cent, as in GOGC
	gcQuiet = 30
	// busyRate is how many bytes a second are allocated while much changes.
	busyRate = 16 << 20
	// glance is how often that is looked at.
	glance = 5 * time.Second
)

// collect adapts how often garbage is collected until the context ends.
func collect(ctx context.Context) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	percent, before := gcBusy, allocated()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := allocated()
		want := percentFor(now-before, glance)
		before = now
		if want == percent {
			continue
		}
		percent = want
		debug.SetGCPercent(percent)
		if percent == gcQuiet {
			debug.FreeOSMemory() // what a busy time left behind
		}
	}
}

// percentFor returns how far the heap may grow after so many bytes were allocated in so much time.
func percentFor(bytes uint64, in time.Duration) int {
	if float64(bytes)/in.Seconds() >= busyRate {
		return gcBusy
	}
	return gcQuiet
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
