package openfga

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	server "github.com/rollcall-dev/rollcall/test/servers/openfga"
)

// What a process that ends itself needs to know, from its environment; crashAt is the number of the request before which it does.
const (
	crashAt    = "ROLLCALL_TEST_CRASH_AT"
	crashURL   = "ROLLCALL_TEST_CRASH_URL"
	crashCA    = "ROLLCALL_TEST_CRASH_CA"
	crashStore = "ROLLCALL_TEST_CRASH_STORE"
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
		c := Config{
			URL: os.Getenv(crashURL), CA: []byte(os.Getenv(crashCA)), Store: os.Getenv(crashStore), Organization: "fjordline", Token: server.Token,
		}
		d, err := New(c, downstream.Options{Pacer: &killer{left: at}})
		if err != nil {
			return err
		}
		req, err := upheaval(d)
		if err != nil {
			return err
		}
		d.limit = 20
		_, err = d.Apply(context.Background(), req)
		return errors.Join(err, d.Close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// people are some that are there before the upheaval, and groups.
func people() []downstream.Record {
	return slices.DeleteFunc(drivertest.Sample(24), func(r downstream.Record) bool {
		return r.Kind != downstream.Access && r.Kind != downstream.Groups
	})
}

// upheaval makes, changes and takes away, all in one batch.
func upheaval(d *Driver) (req downstream.Request, err error) {
	for i, r := range people() {
		c := downstream.Change{Op: downstream.Create, Record: r}
		if i%3 > 0 { // was there before
			c.Op, c.Previous = downstream.Update, &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name, Hash: "0"}
		} else {
			c.Previous = &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name}
		}
		if i%3 == 2 {
			c.Op = downstream.Delete
		} else {
			if g, ok := r.Content.(*downstream.AccessGrants); ok {
				changed := *g
				changed.Permissions, changed.Grants = []string{"users.view"}, slices.Clone(g.Grants)
				changed.Grants[0].Permissions = []string{"care.view"}
				c.Record.Content = &changed
			}
			if c.Rendered, err = d.Render(c.Record); err != nil {
				return req, err
			}
		}
		req.Changes = append(req.Changes, c)
	}
	req.Last = true
	return req, nil
}

// lines are all tuples of a store, as sorted text. The slot is left out: it has no meaning.
func lines(t drivertest.T, store string) (out []string) {
	t.Helper()
	for _, k := range tuples(t, store) {
		relation := k.GetRelation()
		if id, a, _, _, ok := placed(k); ok {
			relation = string(id.Kind) + "." + a.name
		}
		out = append(out, fmt.Sprintf("%s %s %s %s", k.GetObject(), relation, k.GetUser(), textOf(k.GetCondition())))
	}
	slices.Sort(out)
	return out
}

// TestKilled kills a process before each request of a batch (Safety 12): doing it again leaves what doing it once leaves, with
// nothing doubled and nothing lost, and tuples of others stay.
func TestKilled(t *testing.T) {
	var before []downstream.Record
	for i, r := range people() {
		if i%3 > 0 {
			before = append(before, r)
		}
	}
	theirs := &openfgav1.TupleKey{Object: "usergroup:theirs", Relation: "listed_a", User: "teammate:zoe"}
	var want []string
	for at := 100; at > 0; at-- { // the first one comes to its end
		if want != nil && at > 24 {
			continue
		}
		store := made(t)
		write(t, store, []*openfgav1.TupleKey{theirs}, nil)
		d := open(t, config(store), downstream.Options{})
		deliver(t, d, before...)
		_ = d.Close()
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashAt+"="+strconv.Itoa(at), crashURL+"="+running.URL(), crashCA+"="+string(running.CA), crashStore+"="+store)
		output, err := child.CombinedOutput()
		killed := false
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			killed = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		}
		if err != nil && !killed {
			t.Fatalf("the process before request %d: %v: %s", at, err, output)
		}
		if want == nil {
			if killed {
				t.Fatalf("a batch takes more than %d requests", at)
			}
			want = lines(t, store)
			continue
		}
		d = open(t, config(store), downstream.Options{})
		req, err := upheaval(d)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			out, err := d.Apply(t.Context(), req)
			if err != nil {
				t.Fatalf("after a death before request %d: %v", at, err)
			}
			for i := range out {
				if out[i].Err != nil {
					t.Errorf("after a death before request %d: %s: %v", at, req.Changes[i].ID(), out[i].Err)
				}
			}
			if got := lines(t, store); !slices.Equal(got, want) {
				t.Errorf("after a death before request %d: %d tuples, want %d", at, len(got), len(want))
			}
		}
		_ = d.Close()
	}
}

// TestServerKilled takes the server away under a driver, which goes on when it is back.
func TestServerKilled(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	records := people()
	deliver(t, d, records...)
	want := lines(t, store)
	if err := running.Kill(); err != nil {
		t.Fatal(err)
	}
	req, err := upheaval(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), req); downstream.ClassOf(err) != downstream.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	if _, err := d.Read(t.Context(), downstream.ReadRequest{}); downstream.ClassOf(err) != downstream.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	if err := running.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), req); err != nil {
		t.Errorf("with the server back: %v (%v)", err, errors.Unwrap(err))
	}
	if slices.Equal(lines(t, store), want) {
		t.Errorf("nothing was done")
	}
}
