package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// What a process that ends itself needs to know, from its environment; crashAt is the number of the request before which it does.
const (
	crashDSN    = "ROLLCALL_TEST_CRASH_DSN"
	crashSchema = "ROLLCALL_TEST_CRASH_SCHEMA"
)

// killer is a pacer that kills its process, as the kernel does, before a request.
type killer struct{ left int }

func (k *killer) Wait(context.Context) error {
	if k.left--; k.left == 0 {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return nil
}

// crashingProcess is what a child of TestKilled does instead of tests.
func crashingProcess() {
	err := func() error {
		at, err := strconv.Atoi(os.Getenv(crashAt))
		if err != nil {
			return err
		}
		c := Config{DSN: os.Getenv(crashDSN), Schema: os.Getenv(crashSchema), Organization: "fjordline", AllowPlaintext: true}
		d, err := New(c, downstream.Options{Pacer: &killer{left: at}})
		if err != nil {
			return err
		}
		req, err := upheaval(d)
		if err != nil {
			return err
		}
		_, err = d.Apply(context.Background(), req)
		return errors.Join(err, d.Close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// upheaval makes, changes and takes away, all in one batch.
func upheaval(d *Driver) (req downstream.Request, err error) {
	for i, r := range drivertest.Sample(40) {
		c := downstream.Change{Op: downstream.Create, Record: r}
		if i%3 > 0 { // was there before
			c.Op, c.Previous = downstream.Update, &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name, Hash: "0"}
		}
		if i%3 == 2 {
			c.Op = downstream.Delete
		} else {
			c.Record.Name += "-changed"
			if c.Rendered, err = d.Render(c.Record); err != nil {
				return req, err
			}
		}
		req.Changes = append(req.Changes, c)
	}
	req.Last = true
	return req, nil
}

// TestKilled kills a process before each request of a batch (Safety 12): the batch happened as a whole or not at all, nothing
// of the process stays behind, and doing it again leaves what doing it once leaves.
func TestKilled(t *testing.T) {
	var before []downstream.Record
	for i, r := range drivertest.Sample(40) {
		if i%3 > 0 {
			before = append(before, r)
		}
	}
	for at := 1; ; at++ {
		schema := freshSchema()
		deliver(t, open(t, config(schema), downstream.Options{}), before...)
		old := contents(t, schema)
		child := exec.CommandContext(t.Context(), os.Args[0])
		plain := strings.Replace(running.DSN(writer, password, database), "verify-full", "disable", 1)
		child.Env = append(os.Environ(), crashAt+"="+strconv.Itoa(at), crashDSN+"="+plain, crashSchema+"="+schema)
		output, err := child.CombinedOutput()
		killed := false
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			killed = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		}
		if err != nil && !killed {
			t.Fatalf("the process before request %d: %v: %s", at, err, output)
		}
		if killed && !slices.Equal(contents(t, schema), old) {
			t.Errorf("killed before request %d: something of the batch was done", at)
		}
		d := open(t, config(schema), downstream.Options{})
		req, err := upheaval(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Apply(t.Context(), req); err != nil {
			t.Fatalf("after a death before request %d: %v", at, err)
		}
		once := contents(t, schema)
		if _, err := d.Apply(t.Context(), req); err != nil {
			t.Fatalf("twice after a death before request %d: %v", at, err)
		}
		if !slices.Equal(contents(t, schema), once) || slices.Equal(once, old) {
			t.Errorf("after a death before request %d, twice is not as once", at)
		}
		_ = d.Close()
		if !killed {
			if at < 4 {
				t.Errorf("a batch takes %d requests; the process was to die before the first of them", at-1)
			}
			return
		}
	}
}

// contents are all records of a schema, as lines.
func contents(t *testing.T, schema string) []string {
	t.Helper()
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	var out []string
	for _, f := range r.Records {
		line := []string{string(f.Kind), f.Key, f.RemoteID}
		if f.RemoteID == "" {
			t.Errorf("%s has no id", f.Key)
		}
		for _, a := range slices.Sorted(maps.Keys(f.Image)) {
			line = append(line, a+"="+f.Image[a])
		}
		out = append(out, strings.Join(line, "|"))
	}
	slices.Sort(out)
	return out
}
