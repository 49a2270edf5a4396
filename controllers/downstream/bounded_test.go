package downstream

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
)

// deaf is a driver whose calls come back when they like to.
type deaf struct {
	downstream.Driver
	read  func(ctx context.Context, req downstream.ReadRequest) error
	close func()
}

func (d deaf) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	return downstream.Reading{}, d.read(ctx, req)
}

func (d deaf) Close() error {
	if d.close != nil {
		d.close()
	}
	return nil
}

func TestADriverThatDoesNotComeBackIsAbandoned(t *testing.T) {
	errOther := errors.New("other")
	for name, tc := range map[string]struct {
		// read is what the driver does; release is closed at the end.
		read      func(ctx context.Context, p downstream.Pacer, release <-chan struct{}) error
		endAfter  time.Duration // 0: the loop is not told to end
		wantAfter time.Duration
		wantErr   error
		wantHangs bool
	}{
		"it answers": {read: func(context.Context, downstream.Pacer, <-chan struct{}) error { return nil }},
		"it fails":   {read: func(context.Context, downstream.Pacer, <-chan struct{}) error { return errOther }, wantErr: errOther},
		"it ignores that the loop is to end": {
			read: func(_ context.Context, _ downstream.Pacer, release <-chan struct{}) error { <-release; return nil }, endAfter: time.Second,
			wantAfter: time.Second + lastMoment, wantErr: errHung, wantHangs: true,
		},
		"it heeds that the loop is to end": {
			read: func(ctx context.Context, _ downstream.Pacer, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() }, endAfter: time.Second,
			wantAfter: time.Second, wantErr: context.Canceled,
		},
		"it gives no sign of life": {
			read:      func(_ context.Context, _ downstream.Pacer, release <-chan struct{}) error { <-release; return nil },
			wantAfter: stall + lastMoment, wantErr: errHung, wantHangs: true,
		},
		"it gives none, and heeds that it is told to stop": {
			read:      func(ctx context.Context, _ downstream.Pacer, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() },
			wantAfter: stall, wantErr: context.Canceled,
		},
		"it is slow, and makes requests": {
			read: func(ctx context.Context, p downstream.Pacer, _ <-chan struct{}) error {
				for range 10 {
					if err := p.Wait(ctx); err != nil {
						return err
					}
					<-time.After(time.Minute)
				}
				return nil
			},
			wantAfter: 10 * time.Minute,
		},
		"it waits for the system to take requests again": {
			read: func(ctx context.Context, p downstream.Pacer, _ <-chan struct{}) error {
				return p.Wait(context.WithValue(ctx, slow{}, time.Hour))
			},
			wantAfter: time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				alive, release := &pulse{}, make(chan struct{})
				defer close(release)
				pacer := paced{slowPacer{}, &meter{closed: true}, alive}
				d := &bounded{pulse: alive, lines: &lines{}, Driver: deaf{read: func(ctx context.Context, _ downstream.ReadRequest) error { return tc.read(ctx, pacer, release) }}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.endAfter > 0 {
					time.AfterFunc(tc.endAfter, cancel)
				}
				began := time.Now()
				_, err := d.Read(ctx, downstream.ReadRequest{})
				if after := time.Since(began); after != tc.wantAfter {
					t.Errorf("came back after %s, want %s", after, tc.wantAfter)
				}
				if tc.wantErr == nil && err != nil || tc.wantErr != nil && (err == nil || err.Error() != tc.wantErr.Error()) {
					t.Errorf("error %v, want %v", err, tc.wantErr)
				}
				if d.hangs() != tc.wantHangs {
					t.Errorf("hangs %t, want %t", d.hangs(), tc.wantHangs)
				}
				began = time.Now()
				if _, err := d.Read(ctx, downstream.ReadRequest{}); tc.wantHangs && (err == nil || time.Since(began) > 0) {
					t.Errorf("it was asked again: %v after %s", err, time.Since(began))
				}
			})
		})
	}
}

// slow has slowPacer wait.
type slow struct{}

type slowPacer struct{}

func (slowPacer) Wait(ctx context.Context) error {
	if wait, ok := ctx.Value(slow{}).(time.Duration); ok {
		<-time.After(wait)
	}
	return nil
}

// An abandoned call can neither send anything nor look into the inventory of the loop that goes on.
func TestAnAbandonedCallIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		connections := &lines{}
		line, err := connections.keep(here)
		if err != nil {
			t.Fatal(err)
		}
		release, looked := make(chan struct{}), make(chan bool)
		d := &bounded{pulse: &pulse{}, lines: connections, Driver: deaf{
			read: func(_ context.Context, req downstream.ReadRequest) error {
				<-release
				_, known := req.Owned(downstream.Users, "1")
				looked <- known
				return nil
			},
			close: func() { <-release },
		}}
		_, err = d.Read(t.Context(), downstream.ReadRequest{Owned: func(downstream.Kind, string) (downstream.Owned, bool) {
			t.Error("the inventory was asked behind the back of the loop")
			return downstream.Owned{}, true
		}})
		if err == nil {
			t.Fatal("no error")
		}
		if _, err := line.Write([]byte("DELETE")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the connection still takes something: %v", err)
		}
		if _, err := connections.keep(there); err == nil {
			t.Error("another connection was made")
		}
		began := time.Now()
		if err := d.Close(); err == nil || time.Since(began) != lastMoment {
			t.Errorf("closing took %s: %v", time.Since(began), err)
		}
		close(release)
		if <-looked {
			t.Error("it saw an inventory")
		}
	})
}

func TestAPanicOfADriverIsOneOfTheLoop(t *testing.T) {
	d := &bounded{pulse: &pulse{}, lines: &lines{}, Driver: deaf{read: func(context.Context, downstream.ReadRequest) error { panic("no") }}}
	defer func() {
		if recover() == nil {
			t.Error("nothing panics in the goroutine of the loop")
		}
	}()
	_, _ = d.Read(t.Context(), downstream.ReadRequest{})
}

func TestConnectionsOfASessionEndWithIt(t *testing.T) {
	here, there := net.Pipe()
	connections := &lines{}
	line, err := connections.keep(here)
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil || len(connections.open) > 0 {
		t.Errorf("closed by the driver: %v, %d are remembered", err, len(connections.open))
	}
	if line, err = connections.keep(there); err != nil {
		t.Fatal(err)
	}
	d := &bounded{pulse: &pulse{}, lines: connections, Driver: drivertest.NewMemory().Driver(downstream.Options{})}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := line.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("left by the driver: %v", err)
	}
}

// helpless is a driver that panics.
type helpless struct{ downstream.Driver }

func (helpless) Capabilities() downstream.Capabilities { panic("no") }

func TestALoopThatFailsDoesNotBeginAnewAtOnce(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	w := &worker{log: logr.Discard(), standing: desk.Open}
	failed := w.loopUntil(ctx, end, syncer.Config{
		Driver: helpless{}, Source: drivertest.NewOrganization(), Inventory: plan.OpenInventory("d", nil), Now: time.Now,
		Random: func() float64 { return 0 }, Approval: func() string { return "" },
	})
	if !failed || ctx.Err() == nil || w.loop != nil {
		t.Errorf("failed %t, session ended %t", failed, ctx.Err() != nil)
	}
}
