package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const module = "github.com/rollcall-dev/rollcall"

// program is a process that a benchmark started.
type program struct {
	name    string
	command *exec.Cmd
	done    chan struct{}
	err     error
	log     string
}

// build makes a program of this module.
func build(ctx context.Context, folder, path string) (string, error) {
	out := filepath.Join(folder, filepath.Base(path))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", out, module+"/"+path)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", path, err, text)
	}
	return out, nil
}

// start runs a program; its log is in the plane's folder.
func start(p *plane, path string, args ...string) (*program, error) {
	out := &program{name: filepath.Base(path), command: exec.Command(path, args...), done: make(chan struct{})}
	out.log = filepath.Join(p.folder, out.name+".log")
	log, err := os.OpenFile(out.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", out.name, err)
	}
	defer log.Close()
	out.command.Stdout, out.command.Stderr = log, log
	if err := out.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", out.name, err)
	}
	go func() {
		out.err = out.command.Wait()
		close(out.done)
	}()
	return out, nil
}

// failed returns an error if the program has ended by itself.
func (p *program) failed() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended: %w\n%s", p.name, errors.Join(p.err, errors.New("it should have stayed")), text[max(0, len(text)-4000):])
	default:
		return nil
	}
}

func (p *program) stop() {
	if p.failed() != nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		_ = p.command.Process.Kill()
		<-p.done
	}
}

// until asks again and again until ask succeeds, the program ends or the patience does.
func (p *program) until(ctx context.Context, ask func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if failed := p.failed(); failed != nil {
			return failed
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting for %s: %w", p.name, err)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// startManager runs cmd/manager, with further arguments, and returns when it is ready: everything there is was computed once.
func startManager(ctx context.Context, p *plane, arguments ...string) (*program, error) {
	binary, err := build(ctx, p.folder, "cmd/manager")
	if err != nil {
		return nil, err
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	arguments = append([]string{"--kubeconfig=" + p.kubeconfig, "--leader-elect=false", "--metrics-bind-address=0", "--health-probe-bind-address=" + probes}, arguments...)
	out, err := start(p, binary, arguments...)
	if err != nil {
		return nil, err
	}
	return out, out.until(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+probes+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("asking for readiness: %w", err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("asking for readiness: %w", err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", answer.Status)
		}
		return nil
	})
}

// startCache runs barecache and returns when it holds everything.
func startCache(ctx context.Context, p *plane) (*program, error) {
	binary, err := build(ctx, p.folder, "test/bench/barecache")
	if err != nil {
		return nil, err
	}
	out, err := start(p, binary, "--kubeconfig="+p.kubeconfig)
	if err != nil {
		return nil, err
	}
	return out, out.until(ctx, func() error {
		text, err := os.ReadFile(out.log)
		if err != nil {
			return fmt.Errorf("reading the log of the cache: %w", err)
		}
		if !strings.Contains(string(text), "synced") {
			return errors.New("not synced")
		}
		return nil
	})
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// resident is the resident memory of a process in MiB.
type resident struct{ now, peak float64 }

func (p *program) memory() (resident, error) {
	if err := p.failed(); err != nil {
		return resident{}, err
	}
	f, err := os.Open("/proc/" + strconv.Itoa(p.command.Process.Pid) + "/status")
	if err != nil {
		return resident{}, fmt.Errorf("reading the memory of %s: %w", p.name, err)
	}
	defer f.Close()
	var out resident
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		switch name, rest, _ := strings.Cut(lines.Text(), ":"); name {
		case "VmRSS":
			_, err = fmt.Sscan(rest, &kib)
			out.now = kib / 1024
		case "VmHWM":
			_, err = fmt.Sscan(rest, &kib)
			out.peak = kib / 1024
		}
		if err != nil {
			return resident{}, fmt.Errorf("reading the memory of %s: %w", p.name, err)
		}
	}
	return out, nil
}
