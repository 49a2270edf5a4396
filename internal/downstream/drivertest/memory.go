package drivertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Memory is a system in memory. Its fields may be set before it is used.
type Memory struct {
	// Caps are the promises of its driver.
	Caps downstream.Capabilities
	// Page is how many records a reading gets by one request; 0: all.
	Page int

	mu       sync.Mutex
	rows     map[string]*Row // by remote id
	keys     map[downstream.ID]*Row
	names    map[downstream.ID]*Row // by kind and unique name
	next     int
	requests int
	faults   []error // of the next requests; nil for none
	truncate bool
	refuse   map[string]bool // names of objects that it never takes
}

// Row is one record of a Memory.
type Row struct {
	Kind     downstream.Kind
	Key      string
	Name     string
	RemoteID string
	Image    downstream.Image
	Inactive bool
	Foreign  bool
}

// NewMemory returns an empty system that holds every kind of record, in batches of 10, with ids of its own.
func NewMemory() *Memory {
	return &Memory{Caps: downstream.Capabilities{
		Kinds: downstream.Kinds, Deactivates: []downstream.Kind{downstream.Users, downstream.Access, downstream.Groups}, BatchSize: 10,
	}}
}

// Rows returns what the system holds, by kind, key and remote id.
func (m *Memory) Rows() []Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Row
	for _, r := range m.rows {
		row := *r
		row.Image = maps.Clone(r.Image)
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b Row) int {
		return strings.Compare(string(a.Kind)+"\x00"+a.Key+"\x00"+a.RemoteID, string(b.Kind)+"\x00"+b.Key+"\x00"+b.RemoteID)
	})
	return out
}

// Requests returns how many requests were made.
func (m *Memory) Requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests
}

// Fail has the next requests end with these errors; nil lets one pass.
func (m *Memory) Fail(errs ...error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, errs...)
}

// Truncate has readings end early, without a word.
func (m *Memory) Truncate(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.truncate = yes
}

// Refuse has the system refuse the records of an object.
func (m *Memory) Refuse(name string, yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse == nil {
		m.refuse = map[string]bool{}
	}
	m.refuse[name] = yes
}

// Edit changes the row of a record by hand, if there is one; it goes if f returns false.
func (m *Memory) Edit(id downstream.ID, f func(*Row) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row := m.byKey(id)
	if row != nil && !f(row) {
		delete(m.rows, row.RemoteID)
	}
	m.index()
}

// Plant makes a record by hand, as somebody else does.
func (m *Memory) Plant(r downstream.Record) string {
	rendered, err := m.render(r)
	if err != nil {
		panic(fmt.Sprintf("drivertest: planting %s: %v", r.Name, err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	row := &Row{Kind: r.Kind, Key: r.Key, Name: rendered.Name, Image: rendered.Image, Inactive: !r.Active, Foreign: true}
	m.insert(row)
	return row.RemoteID
}

func (m *Memory) insert(row *Row) {
	if m.rows == nil {
		m.rows = map[string]*Row{}
	}
	m.next++
	row.RemoteID = fmt.Sprintf("r-%d", m.next)
	m.rows[row.RemoteID] = row
	m.enter(row)
}

// enter and leave keep the indexes when the key or the name of a row changes.
func (m *Memory) enter(row *Row) {
	if m.keys == nil {
		m.keys, m.names = map[downstream.ID]*Row{}, map[downstream.ID]*Row{}
	}
	m.keys[downstream.ID{Kind: row.Kind, Key: row.Key}] = row
	m.names[downstream.ID{Kind: row.Kind, Key: row.Name}] = row
}

func (m *Memory) leave(row *Row) {
	for index, id := range map[*map[downstream.ID]*Row]downstream.ID{&m.keys: {Kind: row.Kind, Key: row.Key}, &m.names: {Kind: row.Kind, Key: row.Name}} {
		if (*index)[id] == row {
			delete(*index, id)
		}
	}
}

func (m *Memory) index() {
	clear(m.keys)
	clear(m.names)
	for _, row := range m.rows {
		m.enter(row)
	}
}

func (m *Memory) byKey(id downstream.ID) *Row { return m.keys[id] }

// request is one request: it waits for the pacer, and fails if that is arranged.
func (m *Memory) request(ctx context.Context, o downstream.Options) error {
	if o.Pacer != nil {
		if err := o.Pacer.Wait(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests++
	if len(m.faults) > 0 {
		err := m.faults[0]
		m.faults = m.faults[1:]
		return err
	}
	return nil
}

// render holds everything; accounts are unique by e-mail, groups by name, the rest by key.
func (m *Memory) render(r downstream.Record) (downstream.Rendered, error) {
	im, err := downstream.ImageOf(r)
	if err != nil {
		return downstream.Rendered{}, downstream.NewError(downstream.BadRecord, "", err)
	}
	out := downstream.Rendered{Image: im, Name: r.Name}
	if u, ok := r.Content.(*downstream.User); ok && u.Email != nil {
		out.Name = *u.Email
	}
	if r.Kind == downstream.Access || downstream.IsSchedule(r.Key) {
		out.Name = r.Key
	}
	return out, nil
}

// Driver returns a driver of the system.
func (m *Memory) Driver(o downstream.Options) downstream.Driver {
	return &memoryDriver{Memory: m, options: o}
}

type memoryDriver struct {
	*Memory
	options downstream.Options
}

func (d *memoryDriver) Capabilities() downstream.Capabilities { return d.Caps }

func (d *memoryDriver) Render(r downstream.Record) (downstream.Rendered, error) { return d.render(r) }

func (d *memoryDriver) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	var out downstream.Reading
	for _, kind := range req.Kinds {
		rows := slices.DeleteFunc(d.Rows(), func(r Row) bool { return r.Kind != kind })
		total, seen := len(rows), 0
		page := d.Page
		if page == 0 {
			page = max(total, 1)
		}
		for from := 0; from == 0 || from < total; from += page {
			if err := d.request(ctx, d.options); err != nil {
				return downstream.Reading{}, err
			}
			part := rows[min(from, total):min(from+page, total)]
			if d.truncated() && len(part) > 0 {
				part = part[:len(part)-1]
			}
			for _, r := range part {
				seen++
				out.Records = append(out.Records, downstream.Found{
					Kind: r.Kind, Key: r.Key, Name: r.Name, RemoteID: r.RemoteID, Image: r.Image, Inactive: r.Inactive,
				})
			}
		}
		if seen == total {
			out.Complete = append(out.Complete, kind)
		}
	}
	return out, nil
}

func (m *Memory) truncated() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.truncate
}

func (d *memoryDriver) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	if d.Caps.Atomic {
		return d.applyAtOnce(ctx, req)
	}
	out := make([]downstream.Outcome, len(req.Changes))
	for i := range req.Changes {
		if err := d.request(ctx, d.options); err != nil {
			for j := i; j < len(out); j++ {
				out[j].Err = err
			}
			return out, nil
		}
		d.mu.Lock()
		out[i] = d.change(&req.Changes[i])
		d.mu.Unlock()
	}
	return out, nil
}

func (d *memoryDriver) applyAtOnce(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	if err := d.request(ctx, d.options); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := map[string]*Row{}
	for id, row := range d.rows {
		kept := *row
		kept.Image = maps.Clone(row.Image)
		before[id] = &kept
	}
	var out []downstream.Outcome
	for i := range req.Changes {
		o := d.change(&req.Changes[i])
		if o.Err != nil {
			d.rows = before
			d.index()
			return nil, o.Err
		}
		out = append(out, o)
	}
	return out, nil
}

func (m *Memory) change(c *downstream.Change) downstream.Outcome {
	if m.refuse[c.Record.Name] {
		return downstream.Outcome{Err: downstream.NewError(downstream.BadRecord, "422", nil)}
	}
	row := m.target(c)
	switch c.Op {
	case downstream.Deactivate:
		if row != nil {
			row.Inactive = true
			row.Image = maps.Clone(row.Image)
			row.Image["active"] = "false"
		}
		return downstream.Outcome{}
	case downstream.Delete:
		if row != nil {
			delete(m.rows, row.RemoteID)
			m.leave(row)
		}
		return downstream.Outcome{}
	case downstream.Create:
		if row != nil && c.Previous == nil {
			if !row.Image.Covers(c.Rendered.Image) {
				return downstream.Outcome{Err: downstream.NewError(downstream.Conflict, "409", nil)}
			}
			return downstream.Outcome{RemoteID: row.RemoteID}
		}
	}
	if other := m.names[downstream.ID{Kind: c.Record.Kind, Key: c.Rendered.Name}]; other != nil && other != row {
		return downstream.Outcome{Err: downstream.NewError(downstream.Conflict, "409", nil)}
	}
	if row == nil {
		row = &Row{Kind: c.Record.Kind, Key: c.Record.Key, Name: c.Rendered.Name}
		m.insert(row)
	}
	m.leave(row)
	row.Key, row.Name, row.Inactive = c.Record.Key, c.Rendered.Name, !c.Record.Active
	m.enter(row)
	row.Image = maps.Clone(row.Image)
	if row.Image == nil {
		row.Image = downstream.Image{}
	}
	maps.Copy(row.Image, c.Rendered.Image)
	return downstream.Outcome{RemoteID: row.RemoteID}
}

// target is the row that a change is about, nil if it is not there.
func (m *Memory) target(c *downstream.Change) *Row {
	if p := c.Previous; p != nil {
		if row := m.rows[p.RemoteID]; row != nil {
			return row
		}
		if row := m.byKey(p.ID()); row != nil {
			return row
		}
	}
	return m.byKey(c.Record.ID())
}

func (d *memoryDriver) Close() error { return nil }
