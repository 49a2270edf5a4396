package drivertest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// variants are systems as different as the real ones.
var variants = map[string]func(m *drivertest.Memory){
	"ids of its own, batches of ten": func(*drivertest.Memory) {},
	"one at a time, in pages":        func(m *drivertest.Memory) { m.Caps.BatchSize, m.Page = 1, 7 },
	"one transaction for a plan, found by key": func(m *drivertest.Memory) {
		m.Caps.BatchSize, m.Caps.Atomic, m.Caps.Natural = 0, true, true
	},
	"transactions of a hundred, ids of its own": func(m *drivertest.Memory) { m.Caps.BatchSize, m.Caps.Atomic = 100, true },
	"people and groups only": func(m *drivertest.Memory) {
		m.Caps.Kinds = []downstream.Kind{downstream.Users, downstream.Groups}
	},
	"access only": func(m *drivertest.Memory) { m.Caps.Kinds = []downstream.Kind{downstream.Access} },
}

// harness tests a memory system through a driver that wrap may spoil.
func harness(prepare func(m *drivertest.Memory), wrap func(m *drivertest.Memory, o downstream.Options) downstream.Driver) drivertest.Harness {
	example := drivertest.NewMemory()
	prepare(example)
	return drivertest.Harness{Kinds: example.Caps.Kinds, Large: 500, New: func(drivertest.T) drivertest.System {
		m := drivertest.NewMemory()
		prepare(m)
		return drivertest.System{
			Open:  func(o downstream.Options) downstream.Driver { return wrap(m, o) },
			Plant: func(r downstream.Record) { m.Plant(r) },
			Tamper: func(id downstream.ID) {
				m.Edit(id, func(r *drivertest.Row) bool {
					r.Image["displayName"], r.Image["strategy"], r.Image["accountRole"] = "spoilt", "spoilt", "spoilt"
					r.Image["message"] = "spoilt"
					return true
				})
			},
			Vanish: func(id downstream.ID) { m.Edit(id, func(*drivertest.Row) bool { return false }) },
			Bad: func(r downstream.Record) downstream.Record {
				m.Refuse("poison", true)
				r.Name = "poison"
				return r
			},
			Throttle: func(wait time.Duration) {
				m.Fail(&downstream.Error{Class: downstream.Throttled, Code: "429", RetryAfter: wait})
			},
			Refuse: func(on bool) {
				if on {
					m.Fail(downstream.NewError(downstream.Unauthorized, "401", nil))
				}
			},
			Truncate: m.Truncate,
		}
	}}
}

func faithful(m *drivertest.Memory, o downstream.Options) downstream.Driver { return m.Driver(o) }

func TestMemory(t *testing.T) {
	for name, prepare := range variants {
		t.Run(name, func(t *testing.T) {
			h := harness(prepare, faithful)
			if name == "transactions of a hundred, ids of its own" {
				h.Large = 0 // 10,000 records
			}
			drivertest.Run(t, h)
		})
	}
}

// spoilt is a driver with one fault.
type spoilt struct {
	downstream.Driver
	memory *drivertest.Memory
	render func(d downstream.Driver, r downstream.Record) (downstream.Rendered, error)
	read   func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error)
	apply  func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error)
	caps   func(c *downstream.Capabilities)
}

func (s *spoilt) Capabilities() downstream.Capabilities {
	c := s.Driver.Capabilities()
	if s.caps != nil {
		s.caps(&c)
	}
	return c
}

func (s *spoilt) Render(r downstream.Record) (downstream.Rendered, error) {
	if s.render != nil {
		return s.render(s.Driver, r)
	}
	return s.Driver.Render(r)
}

func (s *spoilt) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	if s.read != nil {
		return s.read(s.Driver, ctx, req)
	}
	return s.Driver.Read(ctx, req)
}

func (s *spoilt) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	if s.apply != nil {
		return s.apply(s.Driver, ctx, req)
	}
	return s.Driver.Apply(ctx, req)
}

// each applies every change after f.
func each(f func(c *downstream.Change)) func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	return func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
		changes := make([]downstream.Change, len(req.Changes))
		copy(changes, req.Changes)
		for i := range changes {
			f(&changes[i])
		}
		req.Changes = changes
		return d.Apply(ctx, req)
	}
}

// mutants are drivers with one fault each, and a word of the complaint that the suite must make.
var mutants = map[string]struct {
	spoil func(s *spoilt)
	want  string
}{
	"says done and does nothing": {func(s *spoilt) {
		s.apply = func(_ downstream.Driver, _ context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			return make([]downstream.Outcome, len(req.Changes)), nil
		}
	}, "is there 0 times"},
	"cannot deactivate people": {func(s *spoilt) {
		s.caps = func(c *downstream.Capabilities) { c.Deactivates = nil }
	}, "cannot deactivate Users"},
	"deletes where it should deactivate": {func(s *spoilt) {
		s.apply = each(func(c *downstream.Change) {
			if c.Op == downstream.Deactivate {
				c.Op = downstream.Delete
			}
		})
	}, "the account of"},
	"claims that every listing is complete": {func(s *spoilt) {
		s.read = func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
			r, err := d.Read(ctx, req)
			r.Complete = req.Kinds
			return r, err
		}
	}, "after an incomplete listing"},
	"never proves a listing": {func(s *spoilt) {
		s.read = func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
			r, err := d.Read(ctx, req)
			r.Complete = nil
			return r, err
		}
	}, "Incomplete"},
	"a rename makes another record": {func(s *spoilt) {
		memory := s.memory
		s.apply = each(func(c *downstream.Change) {
			if c.Op == downstream.Update && c.Previous.Name != c.Record.Name {
				memory.Edit(c.Previous.ID(), func(*drivertest.Row) bool { return false })
			}
		})
	}, "had the id"},
	"an edited identity leaves the old record": {func(s *spoilt) {
		s.apply = each(func(c *downstream.Change) {
			if c.Op == downstream.Update && c.Previous.Key != c.Record.Key {
				c.Op, c.Previous = downstream.Create, nil
			}
		})
	}, "records before"},
	"overwrites what is somebody else's": {func(s *spoilt) {
		s.read = func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
			r, err := d.Read(ctx, req)
			var ours []downstream.Found
			for _, f := range r.Records {
				if _, known := req.Owned(f.Kind, f.RemoteID); known {
					ours = append(ours, f)
				}
			}
			if len(ours) > 0 {
				r.Records = ours
			}
			return r, err
		}
		s.apply = each(func(c *downstream.Change) {
			if c.Op == downstream.Create {
				c.Previous = &downstream.Owned{Kind: c.Record.Kind, Key: c.Record.Key}
			}
		})
	}, ""},
	"makes a second one when asked twice": {func(s *spoilt) {
		memory := s.memory
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			out, err := d.Apply(ctx, req)
			for i := range req.Changes {
				if c := &req.Changes[i]; err == nil && c.Op == downstream.Create && c.Previous == nil && out[i].Err == nil && out[i].RemoteID != "" {
					if memory.Requests()%2 == 0 {
						memory.Plant(c.Record)
					}
				}
			}
			return out, err
		}
	}, "times"},
	"treats what is unset as empty": {func(s *spoilt) {
		s.render = func(d downstream.Driver, r downstream.Record) (downstream.Rendered, error) {
			out, err := d.Render(r)
			for _, attribute := range []string{"members", "supervisors", "skills", "channels"} {
				if _, ok := out.Image[attribute]; !ok {
					out.Image[attribute] = "[]"
				}
			}
			return out, err
		}
	}, "not being managed changed it"},
	"treats what is empty as unset": {func(s *spoilt) {
		s.render = func(d downstream.Driver, r downstream.Record) (downstream.Rendered, error) {
			out, err := d.Render(r)
			for name, value := range out.Image {
				if value == "[]" {
					delete(out.Image, name)
				}
			}
			return out, err
		}
	}, "is not seen"},
	"reads back something else": {func(s *spoilt) {
		s.read = func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
			r, err := d.Read(ctx, req)
			for i := range r.Records {
				r.Records[i].Image["displayName"] += " "
				r.Records[i].Image["strategy"] += " "
			}
			return r, err
		}
	}, "differs in"},
	"renders by chance": {func(s *spoilt) {
		n := 0
		s.render = func(d downstream.Driver, r downstream.Record) (downstream.Rendered, error) {
			n++
			out, err := d.Render(r)
			out.Image["rendered"] = fmt.Sprint(n)
			return out, err
		}
	}, "differently the second time"},
	"empties a list before it fills it": {func(s *spoilt) {
		memory := s.memory
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			for _, c := range req.Changes {
				if c.Record.Kind == downstream.Groups && c.Op == downstream.Update {
					memory.Edit(c.Previous.ID(), func(r *drivertest.Row) bool {
						r.Inactive = true
						return true
					})
				}
			}
			return d.Apply(ctx, req)
		}
	}, "or empty"},
	"forgets the wish to be left alone": {func(s *spoilt) {
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			out, err := d.Apply(ctx, req)
			for i := range out {
				if downstream.ClassOf(out[i].Err) == downstream.Throttled {
					out[i].Err = downstream.NewError(downstream.Throttled, "429", nil)
				}
			}
			return out, err
		}
	}, "asked again after"},
	"takes refused credentials for bad weather": {func(s *spoilt) {
		s.read = func(d downstream.Driver, ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
			r, err := d.Read(ctx, req)
			if downstream.ClassOf(err) == downstream.Unauthorized {
				err = downstream.NewError(downstream.Unavailable, "", nil)
			}
			return r, err
		}
	}, "reachable"},
	"fails the batch for one record": {func(s *spoilt) {
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			out, err := d.Apply(ctx, req)
			for i := range out {
				if downstream.ClassOf(out[i].Err) == downstream.BadRecord {
					return nil, downstream.NewError(downstream.Unavailable, "422", nil)
				}
			}
			return out, err
		}
	}, "record"},
	"does not wait for its pacer": {func(s *spoilt) {
		s.Driver = s.memory.Driver(downstream.Options{})
	}, "does not wait"},
	"loses the order of outcomes": {func(s *spoilt) {
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			out, err := d.Apply(ctx, req)
			if n := len(out); n > 1 {
				out[0], out[n-1] = out[n-1], out[0]
			}
			return out, err
		}
	}, ""},
	"changes one record too many": {func(s *spoilt) {
		memory := s.memory
		s.apply = func(d downstream.Driver, ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
			memory.Edit(downstream.ID{Kind: downstream.Users, Key: "email=zoe@fjordline.example"}, func(r *drivertest.Row) bool {
				r.Image["phase"] = "touched"
				return true
			})
			return d.Apply(ctx, req)
		}
	}, "somebody else was changed"},
}

// complaints are what a case says about a driver.
type complaints struct {
	ctx context.Context
	mu  sync.Mutex
	all []string
}

func (c *complaints) Helper()                  {}
func (c *complaints) Logf(string, ...any)      {}
func (c *complaints) Context() context.Context { return c.ctx }
func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprintf(format, args...))
}

func (c *complaints) Fatalf(format string, args ...any) {
	c.Errorf(format, args...)
	runtime.Goexit()
}

// examine runs the suite until it says what it should, and returns everything that it says.
func examine(ctx context.Context, h drivertest.Harness, want string) []string {
	said := &complaints{ctx: ctx}
	for _, c := range drivertest.Cases() {
		var wg sync.WaitGroup
		wg.Go(func() { c.Run(said, h) })
		wg.Wait()
		if len(said.all) > 0 && strings.Contains(strings.Join(said.all, "\n"), want) {
			break
		}
	}
	return said.all
}

func TestSuiteFindsFaults(t *testing.T) {
	for name, tc := range mutants {
		t.Run(name, func(t *testing.T) {
			h := harness(func(*drivertest.Memory) {}, func(m *drivertest.Memory, o downstream.Options) downstream.Driver {
				s := &spoilt{Driver: m.Driver(o), memory: m}
				tc.spoil(s)
				return s
			})
			h.Large = 50
			said := examine(t.Context(), h, tc.want)
			if len(said) == 0 {
				t.Fatalf("the suite finds nothing wrong with this driver")
			}
			if !strings.Contains(strings.Join(said, "\n"), tc.want) {
				t.Errorf("no complaint contains %q; the first are %q", tc.want, said[:min(len(said), 5)])
			}
		})
	}
}
