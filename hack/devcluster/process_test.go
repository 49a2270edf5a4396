package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestGroupStopsTheLatestFirst(t *testing.T) {
	state := t.TempDir()
	order := filepath.Join(state, "order")
	g := newGroup()
	var processes []*member
	for _, name := range []string{"first", "second"} {
		// sh waits for its sleep in the background so that the trap runs at once; "ready" tells that the trap is set.
		p, err := g.run(name, state, "sh", "-c", `trap 'echo `+name+` >> `+order+`; kill $!; exit 0' TERM; sleep 60 & echo ready; wait`)
		if err != nil {
			t.Fatal(err)
		}
		for !strings.Contains(p.Tail(), "ready") {
			select {
			case <-p.Ended():
				t.Fatalf("%s ended early: %v", name, p.Err())
			default:
			}
		}
		processes = append(processes, p)
	}
	g.stop()
	for _, p := range processes {
		if err := syscall.Kill(p.PID(), 0); err == nil {
			t.Errorf("%s still runs", p.name)
		}
	}
	got, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if want := "second\nfirst\n"; string(got) != want {
		t.Errorf("stopped in the order %q, want %q", got, want)
	}
	select {
	case p := <-g.died:
		t.Errorf("%s was stopped on purpose, yet reported as dead", p.name)
	default:
	}
}

func TestGroupReportsADeathWithTheEndOfTheLog(t *testing.T) {
	g := newGroup()
	if _, err := g.run("weak", t.TempDir(), "sh", "-c", "echo no such flag; exit 3"); err != nil {
		t.Fatal(err)
	}
	err := deathOf(<-g.died)
	for _, want := range []string{"weak ended", "exit status 3", "no such flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestClaimKeepsOthersOutAndEmptiesTheFolder(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	unlock, err := claim(state)
	if err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(state, "pki")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(state); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a second claim gave %v, want a refusal", err)
	}
	unlock()
	unlock, err = claim(state)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("the second run finds what the first left: %v", err)
	}
}
