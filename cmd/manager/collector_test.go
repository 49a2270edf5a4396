package main

import (
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes uint64
		want  int
	}{
		"nothing":             {want: gcQuiet},
		"a few edits":         {bytes: 40 << 20, want: gcQuiet},
		"just below the rate": {bytes: 5*busyRate - 1, want: gcQuiet},
		"a stream of changes": {bytes: 5 * busyRate, want: gcBusy},
		"a first computation": {bytes: 4 << 30, want: gcBusy},
	} {
		t.Run(name, func(t *testing.T) {
			if got := percentFor(tc.bytes, 5*time.Second); got != tc.want {
				t.Errorf("percent = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestAllocatedGrows(t *testing.T) {
	before := allocated()
	kept := make([][]byte, 0, 64)
	for range 64 {
		kept = append(kept, make([]byte, 1<<20))
	}
	if grown := allocated() - before; grown < uint64(len(kept))<<20 {
		t.Errorf("allocated grew by %d bytes over 64 MiB", grown)
	}
}
