package main

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"
)

// spent is the processor time this process has used so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("bench: reading the processor time: %v", err)) // cannot fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// threadClock is CLOCK_THREAD_CPUTIME_ID.
const threadClock = 3

// spentHere is the processor time that the calling thread has used so far, to the nanosecond. With the goroutine locked to its
// thread that is what its own work costs, allocation and assisting the collector included, wherever else the collector runs.
func spentHere() time.Duration {
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(fmt.Sprintf("bench: reading the processor time of the thread: %v", errno)) // cannot fail for the thread itself
	}
	return time.Duration(t.Nano())
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
