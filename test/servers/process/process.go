// Package process runs programs for tests, benchmarks and `make run`: with their output in a file, until they are told to
// end, and never longer than the process that started them. It knows no program in particular; its neighbours do.
package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// ready is how long a program may take until it answers, and grace how long to end before it is killed.
	ready = time.Minute
	grace = 20 * time.Second
	tick  = 20 * time.Millisecond
	// tail is how many lines of its output tell why a program failed.
	tail = 40
)

// Program is a program that runs.
type Program struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
	err     error // what Wait returned; set when ended is closed
}

// Start starts a command with its output at the end of the file log. The program is in a process group of its own, so that
// Ctrl-C reaches only us and we choose the order of ending. When we end without having ended it, it gets the signal death,
// where the platform can do that.
func Start(c *exec.Cmd, log string, death syscall.Signal) (*Program, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	c.Stdout, c.Stderr = output, output
	tie(c, death)
	p := &Program{command: c, log: log, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The signal is sent when the thread that started the program ends, not the process: the thread is kept.
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			p.err = c.Wait()
			close(p.ended)
		}
		_ = output.Close()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	return p, nil
}

// Run runs a short command to its end; it gets SIGKILL when we end before.
func Run(c *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tie(c, syscall.SIGKILL)
	return c.Run()
}

// Serve starts a command and waits until it answers. If it does not within a minute, or ends, it is ended and the error has
// the last lines of its output.
func Serve(c *exec.Cmd, log string, death syscall.Signal, answers func() bool) (*Program, error) {
	p, err := Start(c, log, death)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(tick)
	defer again.Stop()
	deadline := time.After(ready)
	for !answers() {
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended at once: %s", c.Path, p.Tail())
		case <-deadline:
			p.End(syscall.SIGTERM)
			return nil, fmt.Errorf("%s does not answer after %s: %s", c.Path, ready, p.Tail())
		case <-again.C:
		}
	}
	return p, nil
}

// Ended is closed when the program has ended.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Err is how the program ended, nil with status 0. Ask after Ended.
func (p *Program) Err() error { return p.err }

// PID is its process.
func (p *Program) PID() int { return p.command.Process.Pid }

// Signal sends a signal to the program, not to those that it started.
func (p *Program) Signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil {
		return fmt.Errorf("signalling %s: %w", p.command.Path, err)
	}
	return nil
}

// End asks the program by a signal to end and returns when it has. One that takes too long is killed; one that is stopped goes
// on for that.
func (p *Program) End(polite syscall.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	_ = p.Signal(syscall.SIGCONT)
	_ = p.Signal(polite)
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.Kill()
	}
}

// Kill ends the program at once and returns when it is gone.
func (p *Program) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Log is all that the program has written.
func (p *Program) Log() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// Tail is the end of what the program has written.
func (p *Program) Tail() string {
	lines := strings.Split(string(bytes.TrimRight([]byte(p.Log()), "\n")), "\n")
	return strings.Join(lines[max(0, len(lines)-tail):], "\n")
}

// FreePort returns a port of 127.0.0.1 that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
