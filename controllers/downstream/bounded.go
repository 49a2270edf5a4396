package downstream

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

const (
	// stall is how long a driver may be busy without beginning a request, or waiting to begin one: single requests end after 30 s.
	stall = 2 * time.Minute
	// lastMoment is how long it may take to come back once it was told to.
	lastMoment = 5 * time.Second
)

// pulse is a sign of life of a driver: it begins requests, or waits until it may.
type pulse struct {
	mu      sync.Mutex
	waiting int
	last    time.Time
}

func (p *pulse) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = max(p.waiting-1, 0)
	p.last = time.Now()
}

// left is how long it may go on without another sign.
func (p *pulse) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting > 0 {
		return stall
	}
	return time.Until(p.last.Add(stall))
}

// bounded has a loop not wait for ever for a driver that does not come back, whether or not it heeds its context. Such a call
// is abandoned: its connections are cut, so that it cannot go on behind the back of whoever comes next, and the driver is
// asked nothing more.
type bounded struct {
	downstream.Driver
	pulse *pulse
	lines *lines

	mu   sync.Mutex
	lost bool
}

// errHung is the error of a call that was abandoned, and of those after it.
var errHung = downstream.NewError(downstream.Unavailable, "no answer", nil)

// hangs reports whether a call was abandoned.
func (b *bounded) hangs() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

func (b *bounded) abandon() {
	b.mu.Lock()
	b.lost = true
	b.mu.Unlock()
	b.lines.cut()
}

// lend calls back into the loop as long as it waits for the driver.
func lend[K, V any](b *bounded, f func(K) (V, bool)) func(K) (V, bool) {
	if f == nil {
		return nil
	}
	return func(k K) (v V, ok bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.lost {
			return v, false
		}
		return f(k)
	}
}

// Read implements downstream.Driver.
func (b *bounded) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	if owned := req.Owned; owned != nil {
		type where struct {
			kind     downstream.Kind
			remoteID string
		}
		lent := lend(b, func(w where) (downstream.Owned, bool) { return owned(w.kind, w.remoteID) })
		req.Owned = func(kind downstream.Kind, remoteID string) (downstream.Owned, bool) {
			return lent(where{kind, remoteID})
		}
	}
	return await(ctx, b, func(ctx context.Context) (downstream.Reading, error) { return b.Driver.Read(ctx, req) })
}

// Apply implements downstream.Driver.
func (b *bounded) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	req.RemoteID = lend(b, req.RemoteID)
	return await(ctx, b, func(ctx context.Context) ([]downstream.Outcome, error) { return b.Driver.Apply(ctx, req) })
}

// Close implements downstream.Driver.
func (b *bounded) Close() error {
	defer b.lines.cut()
	done := make(chan error, 1)
	go func() { done <- b.Driver.Close() }()
	timer := time.NewTimer(lastMoment)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("closing: %w", err)
		}
		return nil
	case <-timer.C:
		return errHung
	}
}

// answer is what a call came back with.
type answer[T any] struct {
	value    T
	err      error
	panicked any
}

// await calls f in a goroutine of its own, and returns at the latest lastMoment after the context ended or the driver gave no
// sign of life.
func await[T any](ctx context.Context, b *bounded, f func(ctx context.Context) (T, error)) (T, error) {
	var nothing T
	if b.hangs() {
		return nothing, errHung
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan answer[T], 1)
	b.pulse.beat()
	go func() {
		var a answer[T]
		defer func() {
			a.panicked = recover()
			done <- a
		}()
		a.value, a.err = f(ctx)
	}()
	for {
		timer := time.NewTimer(b.pulse.left())
		select {
		case a := <-done:
			timer.Stop()
			return a.unpack()
		case <-timer.C:
			if b.pulse.left() > 0 {
				continue
			}
			cancel()
		case <-ctx.Done():
		}
		timer.Reset(lastMoment)
		select {
		case a := <-done:
			timer.Stop()
			return a.unpack()
		case <-timer.C:
			b.abandon()
			return nothing, errHung
		}
	}
}

// unpack returns what a call came back with, in the goroutine of the loop.
func (a answer[T]) unpack() (T, error) {
	if a.panicked != nil {
		panic(a.panicked)
	}
	return a.value, a.err
}

// lines are the connections of one session.
type lines struct {
	mu    sync.Mutex
	open  map[*lineConn]struct{}
	ended bool
}

type lineConn struct {
	net.Conn
	of *lines
}

// Close implements net.Conn.
func (c *lineConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // it stands for the connection
}

// keep takes a connection in, or closes it if the session is over.
func (l *lines) keep(conn net.Conn) (net.Conn, error) {
	c := &lineConn{Conn: conn, of: l}
	l.mu.Lock()
	over := l.ended
	if !over {
		if l.open == nil {
			l.open = map[*lineConn]struct{}{}
		}
		l.open[c] = struct{}{}
	}
	l.mu.Unlock()
	if over {
		_ = conn.Close()
		return nil, downstream.NewError(downstream.Unavailable, "the session is over", nil)
	}
	return c, nil
}

// cut closes all connections, those that are being made too.
func (l *lines) cut() {
	l.mu.Lock()
	l.ended = true
	open := l.open
	l.open = nil
	l.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
}
