package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/rollcall-dev/rollcall/test/servers/process"
)

// member is a program of a group, with its output in a file.
type member struct {
	*process.Program
	name string
	log  string // path of the file with its output
}

// group is the programs that run, in the order of their start. They are stopped in the opposite order.
type group struct {
	mutex    sync.Mutex
	members  []*member
	stopping bool
	died     chan *member // one that ended although nobody asked
}

func newGroup() *group {
	return &group{died: make(chan *member, 8)}
}

// run starts a program and watches over it.
func (g *group) run(name, logDir, program string, args ...string) (*member, error) {
	m := &member{name: name, log: filepath.Join(logDir, name+".log")}
	if err := os.RemoveAll(m.log); err != nil { // of an earlier run
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	var err error
	if m.Program, err = process.Start(exec.Command(program, args...), m.log, syscall.SIGKILL); err != nil {
		return nil, err
	}
	g.mutex.Lock()
	g.members = append(g.members, m)
	g.mutex.Unlock()
	go func() {
		<-m.Ended()
		g.mutex.Lock()
		defer g.mutex.Unlock()
		if !g.stopping {
			g.died <- m
		}
	}()
	return m, nil
}

// stop ends all programs, the latest first.
func (g *group) stop() {
	g.mutex.Lock()
	g.stopping = true
	members := slices.Clone(g.members)
	g.mutex.Unlock()
	for _, m := range slices.Backward(members) {
		m.End(syscall.SIGTERM)
	}
}

// deathOf describes a program that ended although nobody asked.
func deathOf(m *member) error {
	<-m.Ended()
	how := "with status 0"
	if err := m.Err(); err != nil {
		how = "(" + err.Error() + ")"
	}
	return fmt.Errorf("%s ended %s; the end of %s:\n%s", m.name, how, m.log, m.Tail())
}
