package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a program may take to end after SIGTERM before it is killed.
const stopGrace = 15 * time.Second

// process is a program that runs beside us, with its output in a file.
type process struct {
	name string
	log  string // path of the file with its output
	cmd  *exec.Cmd

	exited chan struct{} // closed when it has ended
	err    error         // what Wait returned; read it after exited
}

// start runs a program until it ends by itself or stop is called. It gets a process group of its own, so that Ctrl-C
// reaches only us and we choose the order of stopping, and it dies with us, however we die (where the platform can do that).
func start(name, logDir, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(logDir, name+".log"), exited: make(chan struct{})}
	output, err := os.OpenFile(p.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = childAttributes()

	started := make(chan error, 1)
	go func() {
		// The death signal is sent when the thread that forked the child ends, not the process: keep the thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.exited)
		}
		_ = output.Close()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// runTied runs a short command to its end; like the others, it does not outlive us.
func runTied(command *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command.SysProcAttr = childAttributes()
	return command.Run()
}

// stop ends the program, politely first, and returns when it is gone.
func (p *process) stop() {
	select {
	case <-p.exited:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// tail returns the last n lines of what the program wrote.
func (p *process) tail(n int) string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(bytes.TrimRight(content, "\n")), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// group is the programs that run, in the order of their start. They are stopped in the opposite order.
type group struct {
	mutex     sync.Mutex
	processes []*process
	stopping  bool
	died      chan *process // one that ended although nobody asked
}

func newGroup() *group {
	return &group{died: make(chan *process, 8)}
}

// run starts a program and watches over it.
func (g *group) run(name, logDir, program string, args ...string) (*process, error) {
	p, err := start(name, logDir, program, args...)
	if err != nil {
		return nil, err
	}
	g.mutex.Lock()
	g.processes = append(g.processes, p)
	g.mutex.Unlock()
	go func() {
		<-p.exited
		g.mutex.Lock()
		defer g.mutex.Unlock()
		if !g.stopping {
			g.died <- p
		}
	}()
	return p, nil
}

// stop ends all programs, the latest first.
func (g *group) stop() {
	g.mutex.Lock()
	g.stopping = true
	processes := slices.Clone(g.processes)
	g.mutex.Unlock()
	for _, p := range slices.Backward(processes) {
		p.stop()
	}
}

// deathOf describes a program that ended although nobody asked.
func deathOf(p *process) error {
	<-p.exited
	how := "with status 0"
	if p.err != nil {
		how = "(" + p.err.Error() + ")"
	}
	return fmt.Errorf("%s ended %s; the end of %s:\n%s", p.name, how, p.log, p.tail(tailLines))
}
