package downstream

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

// silent is a driver that must not be asked.
type silent struct {
	downstream.Driver
	asked bool
}

func (d *silent) Apply(context.Context, downstream.Request) ([]downstream.Outcome, error) {
	d.asked = true
	return nil, nil
}

// A Secret that cannot be read for a moment keeps back what follows for a moment; one that forbids its use, for long.
func TestNothingIsSentWithoutTheSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		says error
		want downstream.Class
	}{
		"not opted in any more": {says: NotOptedIn("no label"), want: downstream.Refused},
		"cannot be read":        {says: downstream.NewError(downstream.Unavailable, "the Secret cannot be read", errors.New("timeout")), want: downstream.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			driver := &silent{}
			g := guarded{Driver: driver, permit: &permit{check: func(context.Context) error { return tc.says }}, hung: func() bool { return false }}
			_, err := g.Apply(t.Context(), downstream.Request{})
			if got := downstream.ClassOf(err); got != tc.want || driver.asked {
				t.Errorf("class %s, the driver was asked: %t; want %s and not asked", got, driver.asked, tc.want)
			}
		})
	}
}

// While a namespace is deleted, its objects go one by one. What would follow from that was asked for by nobody (S-147).
func TestNothingIsSentFromANamespaceThatGoes(t *testing.T) {
	for name, tc := range map[string]struct {
		goes     bool
		err      error
		wantSent bool
	}{
		"it stays":            {wantSent: true},
		"it is being deleted": {goes: true},
		"it cannot be read":   {err: errors.New("timeout")},
	} {
		t.Run(name, func(t *testing.T) {
			driver := &silent{}
			w := &worker{goes: func(context.Context, string) (bool, error) { return tc.goes, tc.err }}
			g := guarded{
				Driver: driver, permit: &permit{check: func(context.Context) error { return nil }}, stays: w.stays, hung: func() bool { return false },
			}
			_, err := g.Apply(t.Context(), downstream.Request{})
			if driver.asked != tc.wantSent || (err == nil) != tc.wantSent {
				t.Errorf("sent: %t, %v; want %t", driver.asked, err, tc.wantSent)
			}
		})
	}
}

// stuck is an API server that does not answer.
type stuck struct {
	client.Client
	asked, answer chan struct{}
}

func (s *stuck) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	close(s.asked)
	<-s.answer
	return nil
}

// The watch of the Ledger asks what is lost: it must not wait for the API server.
func TestTheWatchDoesNotWaitForAWriteOfTheLedger(t *testing.T) {
	server := &stuck{asked: make(chan struct{}), answer: make(chan struct{})}
	b := &book{writer: &publish.Writer{Client: server}, kept: map[string]struct{}{"shard-0": {}}}
	kept := make(chan error, 1)
	go func() {
		kept <- b.Keep(t.Context(), []ledger.Shard{{Name: "shard-1", Object: &rollcallv1.Ledger{ObjectMeta: metav1.ObjectMeta{Name: "shard-1"}}}})
	}()
	<-server.asked
	lost := make(chan bool, 1)
	go func() { lost <- b.lost("shard-0") }()
	select {
	case yes := <-lost:
		if !yes {
			t.Error("what is kept and was deleted is not lost")
		}
	case <-time.After(10 * time.Second):
		t.Error("the watch waits for the write")
	}
	close(server.answer)
	if err := <-kept; err != nil || !b.lost("shard-1") {
		t.Errorf("keeping: %v", err)
	}
}
