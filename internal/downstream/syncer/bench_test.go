package syncer_test

import (
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
)

// BenchmarkFirstSync is what the loop itself costs for a record of a first synchronization (F10).
func BenchmarkFirstSync(b *testing.B) {
	records := drivertest.Sample(4000)
	for b.Loop() {
		m := drivertest.NewMemory()
		m.Caps.BatchSize, m.Caps.Natural, m.Caps.WriteOnly = 0, true, true
		book := &drivertest.Book{}
		loop := syncer.New(syncer.Config{
			Driver: m.Driver(downstream.Options{}), Policy: plan.Policy{Records: downstream.Kinds, Mode: "Full", Resync: time.Hour, Safety: plan.DefaultSafety},
			Source: drivertest.NewOrganization(records...), Keeper: book, Inventory: plan.OpenInventory("d", nil), Random: func() float64 { return 0 },
			Now: func() time.Time { return monday }, Approval: func() string { return "" },
		})
		loop.Pass(b.Context())
		if n := len(m.Rows()); n != len(records) {
			b.Fatalf("%d of %d records", n, len(records))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(records)), "µs/record")
}
