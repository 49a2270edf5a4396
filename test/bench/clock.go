package main

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// spent is the processor time this process has used so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("bench: reading the processor time: %v", err)) // cannot fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// onOneCore runs f with one core and returns the processor and the wall time it took.
func onOneCore(f func()) (cpu, wall time.Duration) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	runtime.GC()
	start, began := spent(), time.Now()
	f()
	return spent() - start, time.Since(began)
}

// percentile returns the value below which p percent of the sorted durations lie.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func sortedCopy(list []time.Duration) []time.Duration {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
