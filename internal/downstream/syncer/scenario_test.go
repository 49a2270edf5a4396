package syncer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

var monday = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// stack is an organization with everything below it: engine, records, loop, and a system in memory.
type stack struct {
	t        *testing.T
	now      time.Time
	objects  map[string]metav1.Object
	engine   *engine.Engine
	set      *desired.Set
	memory   *drivertest.Memory
	book     *drivertest.Book
	spec     *rollcallv1.DownstreamSpec
	syncer   *syncer.Syncer
	status   syncer.Status
	approval string
	wrap     func(downstream.Driver) downstream.Driver // what the loop has of the driver; nil: all
}

func build(t *testing.T, spec *rollcallv1.DownstreamSpec, text string) *stack {
	t.Helper()
	s := &stack{t: t, now: monday, objects: map[string]metav1.Object{}, memory: drivertest.NewMemory(), book: &drivertest.Book{}, spec: spec}
	s.store(builder.Organization())
	for _, o := range builder.Objects(t, text) {
		s.store(o)
	}
	s.restart()
	return s
}

func (s *stack) store(o metav1.Object) { s.objects[fmt.Sprintf("%T/%s", o, o.GetName())] = o }

// restart is a new process over the same objects, Ledger and system.
func (s *stack) restart() {
	s.t.Helper()
	s.engine = engine.New(s.now)
	s.engine.Remember(nil, false)
	var changes []roster.Change
	for _, o := range s.objects {
		changes = append(changes, roster.Change{Object: o})
	}
	s.engine.Apply(s.now, changes...)
	s.set = desired.New(s.engine)
	s.begin()
}

// begin starts the loop on what the Ledger holds, and passes once.
func (s *stack) begin() {
	s.t.Helper()
	driver := s.memory.Driver(downstream.Options{})
	if s.wrap != nil {
		driver = s.wrap(driver)
	}
	s.syncer = syncer.New(syncer.Config{
		Driver: driver, Policy: plan.PolicyOf(s.spec), Source: s.set, Keeper: s.book,
		Inventory: plan.OpenInventory("down", s.book.Objects()), Random: func() float64 { return 0 }, Now: func() time.Time { return s.now },
		Approval: func() string { return s.approval }, Report: func(st syncer.Status) { s.status = st },
	})
	s.pass()
}

func (s *stack) pass() { s.syncer.Pass(s.t.Context()) }

// change takes changes in, at the present time, and lets the loop pass once.
func (s *stack) change(changes ...roster.Change) {
	s.t.Helper()
	s.engine.Apply(s.now, changes...)
	s.syncer.Touch(s.set.Update(changes...)...)
	s.pass()
}

func (s *stack) apply(text string) {
	s.t.Helper()
	var changes []roster.Change
	for _, o := range builder.Objects(s.t, text) {
		s.store(o)
		changes = append(changes, roster.Change{Object: o})
	}
	s.change(changes...)
}

func (s *stack) remove(teammates ...string) {
	s.t.Helper()
	var changes []roster.Change
	for _, name := range teammates {
		o := &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Name: name}}
		delete(s.objects, fmt.Sprintf("%T/%s", o, name))
		changes = append(changes, roster.Change{Object: o, Deleted: true})
	}
	s.change(changes...)
}

func (s *stack) wait(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	s.change()
}

// active are the keys of the records of a kind that confer something over there, without `email=` and the domain.
func (s *stack) active(kind downstream.Kind) []string {
	out := []string{}
	for _, r := range s.memory.Rows() {
		if r.Kind == kind && !r.Inactive {
			name, _, _ := strings.Cut(strings.TrimPrefix(r.Key, "email="), "@")
			out = append(out, name)
		}
	}
	return out
}

func (s *stack) wantActive(names ...string) {
	s.t.Helper()
	if got := s.active(downstream.Users); !slices.Equal(got, names) {
		s.t.Errorf("%s: active %v, want %v", s.now.Format(time.RFC3339), got, names)
	}
}

func (s *stack) wantHeld(n int) {
	s.t.Helper()
	if s.status.HeldCount != n {
		s.t.Errorf("%d removals are held, want %d: %v", s.status.HeldCount, n, s.status.Held)
	}
}

// full is a Downstream in mode Full with accounts and access.
func full(edit ...func(*rollcallv1.DownstreamSpec)) *rollcallv1.DownstreamSpec {
	spec := &rollcallv1.DownstreamSpec{
		Mode: rollcallv1.DownstreamModeFull, Records: []rollcallv1.RecordKind{rollcallv1.RecordKindUsers, rollcallv1.RecordKindAccess},
	}
	for _, f := range edit {
		f(spec)
	}
	return spec
}

func crowd(n int, spec string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Teammate t%02d {%s}\n", i, strings.ReplaceAll(spec, "NAME", fmt.Sprintf("t%02d", i)))
	}
	return b.String()
}

func numbered(from, to int) []string {
	out := []string{}
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("t%02d", i))
	}
	return out
}

// S-73: with other removals held, an archived, blocked or ended person is let go in the same computation; the 21st within ten
// minutes is held.
func TestS73ExplicitActsAreNotHeld(t *testing.T) {
	s := build(t, full(), "AccountRole r {baseType: None, permissions: [users.view]}\n"+crowd(60, "accountRoleRef: {name: r}"))
	s.apply("AccountRole r {baseType: None, permissions: []}") // everybody's access, by inference
	s.wantHeld(60)
	if n := len(s.active(downstream.Access)); n != 60 {
		t.Fatalf("%d people have access, want all 60: their removal is held", n)
	}
	s.apply(`
		Teammate t00 {accountRoleRef: {name: r}, lifecycle: {state: Archived}}
		Teammate t01 {accountRoleRef: {name: r}, lifecycle: {state: Blocked, blockedFrom: "2027-03-01T00:00:00Z", blockedUntil: "2027-03-09T00:00:00Z"}}
		Teammate t02 {accountRoleRef: {name: r}, until: "2027-03-01T00:00:00Z"}`)
	s.wantActive(numbered(3, 60)...)
	var more strings.Builder
	for _, name := range numbered(3, 21) {
		fmt.Fprintf(&more, "Teammate %s {accountRoleRef: {name: r}, lifecycle: {state: Archived}}\n", name)
	}
	s.apply(more.String())
	s.wantActive(numbered(20, 60)...)
	if s.status.RemovalsHeld.Reason != rollcallv1.ReasonOverLimit {
		t.Errorf("held: %+v", s.status.RemovalsHeld)
	}
}

// S-115: the end of a person's own window is an explicit departure, and one known for a day does not count.
func TestS115Until(t *testing.T) {
	s := build(t, full(func(d *rollcallv1.DownstreamSpec) { d.Safety.ExplicitLimit = new(int32(1)) }),
		"Teammate ana {from: \"2027-03-02T12:00:00Z\", until: \"2027-03-04T12:00:00Z\"}\nTeammate ben {}\nTeammate cid {}\nTeammate dan {}")
	s.wantActive("ben", "cid", "dan")
	s.now = monday.Add(24*time.Hour - time.Second)
	s.change()
	s.wantActive("ben", "cid", "dan")
	s.wait(time.Second)
	s.wantActive("ana", "ben", "cid", "dan")
	s.now = monday.Add(72*time.Hour - time.Second)
	s.apply("Teammate ben {lifecycle: {state: Archived}}")
	s.wantActive("ana", "cid", "dan")
	s.wait(time.Second)
	s.wantActive("cid", "dan")
	s.wantHeld(0)
	s.apply("Teammate cid {lifecycle: {state: Archived}}") // ben used the limit up, ana did not
	s.wantActive("cid", "dan")
	s.wantHeld(2)
}

// S-122: one change deletes somebody and makes another object with the same e-mail; the account stays the same one.
func TestS122SamePersonUnderAnotherName(t *testing.T) {
	for _, order := range []string{"made first", "deleted first", "both at once"} {
		s := build(t, full(), "Teammate ana {identity: {email: ana@fjordline.example}}\nTeammate ben {}")
		before := s.memory.Rows()
		switch order {
		case "made first":
			s.apply("Teammate ana-t {identity: {email: ana@fjordline.example}}")
			s.remove("ana")
		case "deleted first":
			s.remove("ana")
			s.apply("Teammate ana-t {identity: {email: ana@fjordline.example}}")
		default:
			s.store(builder.Teammate("ana-t"))
			made := builder.Objects(t, "Teammate ana-t {identity: {email: ana@fjordline.example}}")[0]
			s.store(made)
			s.change(roster.Change{Object: &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Name: "ana"}}, Deleted: true}, roster.Change{Object: made})
		}
		s.wait(5 * time.Minute)
		s.wantActive("ana", "ben")
		after := s.memory.Rows()
		if len(after) != len(before) {
			t.Fatalf("%s: %d records before, %d after", order, len(before), len(after))
		}
		for i := range after {
			if after[i].RemoteID != before[i].RemoteID {
				t.Errorf("%s: %s was %s over there and is %s", order, after[i].Key, before[i].RemoteID, after[i].RemoteID)
			}
		}
	}
}

// S-123: a deleted person is let go after the grace, though other removals are held; coming back in time cancels it.
func TestS123DeletionGrace(t *testing.T) {
	for name, comesBack := range map[string]string{
		"stays away": "", "comes back": "Teammate t00 {}", "comes back under another name": "Teammate other {identity: {email: t00@fjordline.example}}",
	} {
		t.Run(name, func(t *testing.T) {
			s := build(t, full(), "AccountRole r {baseType: None, permissions: [users.view]}\n"+crowd(20, "accountRoleRef: {name: r}"))
			s.apply("AccountRole r {baseType: None, permissions: []}")
			s.wantHeld(20)
			s.remove("t00")
			s.wait(2*time.Minute - time.Second)
			s.wantActive(numbered(0, 20)...)
			if comesBack != "" {
				s.apply(comesBack)
			}
			s.wait(time.Second)
			s.wait(time.Minute)
			if comesBack == "" {
				s.wantActive(numbered(1, 20)...)
			} else {
				s.wantActive(numbered(0, 20)...)
			}
		})
	}
	t.Run("a restart meanwhile", func(t *testing.T) {
		s := build(t, full(), crowd(20, ""))
		s.remove("t00")
		s.now = s.now.Add(time.Minute)
		s.restart()
		s.wantActive(numbered(0, 20)...)
		s.wait(2 * time.Minute)
		s.wantActive(numbered(1, 20)...)
	})
}

// Safety 4: a restart that finds nobody at all, where there were many, lets nobody go.
func TestNobodyAfterMany(t *testing.T) {
	s := build(t, full(), crowd(12, ""))
	for key := range s.objects {
		if strings.Contains(key, "Teammate") {
			delete(s.objects, key)
		}
	}
	s.restart()
	s.wait(time.Hour)
	s.wantActive(numbered(0, 12)...)
	s.wantHeld(24)
}

// S-144, P-18: without the Ledger nothing is ours, so nothing is removed.
func TestS144LostLedger(t *testing.T) {
	s := build(t, full(), crowd(12, ""))
	s.book = &drivertest.Book{}
	delete(s.objects, "*v1alpha1.Teammate/t03")
	s.restart()
	for range 5 {
		s.wait(10 * time.Minute)
	}
	s.wantActive(numbered(0, 12)...)
	if s.status.Synced.OK || s.status.Owned[downstream.Users] != 0 {
		t.Errorf("adopted under Never: %+v, %v", s.status.Synced, s.status.Owned)
	}
	s.spec.Adoption = rollcallv1.AdoptionIfIdentical
	s.begin()
	if s.status.Owned[downstream.Users] != 11 || !s.status.Synced.OK {
		t.Errorf("after adoption: %+v, %v", s.status.Synced, s.status.Owned)
	}
}

// S-146: nothing is written while the organization is suspended, explicit departures included; afterwards they come first.
func TestS146Suspended(t *testing.T) {
	s := build(t, full(), crowd(4, ""))
	s.syncer.Suspend(true)
	before := s.memory.Requests()
	s.apply("Teammate t00 {lifecycle: {state: Archived}}")
	s.apply("Teammate new {}")
	if n := s.memory.Requests() - before; n > 0 {
		t.Errorf("%d requests while suspended", n)
	}
	s.wantActive(numbered(0, 4)...)
	s.syncer.Suspend(false)
	s.pass()
	s.wantActive("new", "t01", "t02", "t03")
}

// S-147: what becomes of the records when the Downstream is deleted with onDelete: Remove.
func TestS147Leave(t *testing.T) {
	s := build(t, full(), crowd(25, ""))
	s.syncer.Leave()
	s.pass()
	s.wantHeld(50)
	if s.status.RemovalsHeld.Reason != rollcallv1.ReasonOverLimit || s.status.Left {
		t.Errorf("held %+v, left %v", s.status.RemovalsHeld, s.status.Left)
	}
	s.wait(50 * time.Minute)
	s.wantActive(numbered(0, 25)...)
	s.approval = s.status.HeldHash
	s.pass()
	s.wantActive()
	if !s.status.Left || len(s.memory.Rows()) > 0 {
		t.Errorf("left %v, %d records", s.status.Left, len(s.memory.Rows()))
	}
}

// S-148: the limit of explicit departures, none at all, and ends that were known for two days.
func TestS148ExplicitLimit(t *testing.T) {
	archived := crowd(25, "lifecycle: {state: Archived}")
	t.Run("20", func(t *testing.T) {
		s := build(t, full(), crowd(40, ""))
		s.apply(archived)
		s.wantActive(numbered(20, 40)...)
		s.wantHeld(10) // five people, an account and the access of each
		s.wait(time.Hour)
		s.wantActive(numbered(20, 40)...)
		s.approval = s.status.HeldHash
		s.pass()
		s.wantActive(numbered(25, 40)...)
	})
	t.Run("no limit", func(t *testing.T) {
		s := build(t, full(func(d *rollcallv1.DownstreamSpec) { d.Safety.ExplicitLimit = new(int32(0)) }), crowd(40, ""))
		s.apply(archived)
		s.wantActive(numbered(25, 40)...)
	})
	t.Run("known ends", func(t *testing.T) {
		s := build(t, full(), crowd(25, `until: "2027-03-03T12:00:00Z"`)+"Teammate z {}")
		s.now = monday.Add(48 * time.Hour)
		s.change()
		s.wantActive("z")
		s.wantHeld(0)
	})
	t.Run("ends of today", func(t *testing.T) {
		s := build(t, full(), crowd(25, `until: "2027-03-01T13:00:00Z"`)+"Teammate z {}")
		s.wait(time.Hour)
		s.wantActive(append(numbered(20, 25), "z")...)
	})
}

// S-149: the last holder of a protected role is never let go, archived or approved; with a second holder the first one is.
func TestS149LastHolder(t *testing.T) {
	role := "AccountRole keeper {baseType: Administrator, permissions: [users.view], protectLastHolder: true}\n"
	s := build(t, full(), role+"Teammate ana {accountRoleRef: {name: keeper}}\nTeammate ben {}")
	s.apply("Teammate ana {accountRoleRef: {name: keeper}, lifecycle: {state: Archived}}")
	s.wantActive("ana", "ben")
	if !slices.ContainsFunc(s.status.Skipped, func(k syncer.Skip) bool { return k.Why == "LastHolder" && k.Name == "ana" }) {
		t.Errorf("not reported: %v", s.status.Skipped)
	}
	s.restart()
	s.wantActive("ana", "ben")
	s.apply("Teammate cid {accountRoleRef: {name: keeper}}")
	s.syncer.Resync()
	s.pass()
	s.wantActive("ben", "cid")
	s.remove("cid")
	s.wait(10 * time.Minute)
	s.wantActive("ben", "cid")
	s.restart() // nobody knows any more which role that was
	s.wait(10 * time.Minute)
	s.wantActive("ben", "cid")
}

// Safety 3 in mode Upsert, which removes nothing that was inferred; Observe and CreateOnly change nothing.
func TestExplicitActsByMode(t *testing.T) {
	for mode, want := range map[rollcallv1.DownstreamMode][]string{
		rollcallv1.DownstreamModeObserve: {"t00", "t01", "t02"}, rollcallv1.DownstreamModeCreateOnly: {"t00", "t01", "t02"},
		rollcallv1.DownstreamModeUpsert: {"t01", "t02"}, rollcallv1.DownstreamModeFull: {"t01", "t02"},
	} {
		s := build(t, full(), "AccountRole r {baseType: None, permissions: [users.view]}\n"+crowd(3, "accountRoleRef: {name: r}"))
		s.spec.Mode = mode
		s.begin()
		s.apply("Teammate t00 {accountRoleRef: {name: r}, lifecycle: {state: Archived}}")
		s.wantActive(want...)
	}
}

// QUALITY F8: nothing is written after a restart, and after a resync in which nothing changed.
func TestSteadyState(t *testing.T) {
	s := build(t, full(func(d *rollcallv1.DownstreamSpec) {
		d.Records = []rollcallv1.RecordKind{"Users", "Groups", "Access", "Routes", "Mentions"}
	}), crowd(12, `until: "2027-12-01T00:00:00Z"`)+`
		Profile p {}
		Schedule s {}
		UserGroup g {members: [{name: t00}, {name: t01}], profiles: [{name: p}], scheduleRef: {name: s}}
		Department d {groups: [{name: g}]}`)
	if !s.status.Synced.OK {
		t.Fatalf("%+v %v", s.status.Synced, s.status.Skipped)
	}
	rows, writes := s.memory.Rows(), s.book.Writes()
	s.restart()
	s.wait(10 * time.Minute)
	s.restart()
	if n := s.book.Writes() - writes; n > 0 {
		t.Errorf("%d writes of the Ledger", n)
	}
	if again := s.memory.Rows(); len(again) != len(rows) {
		t.Errorf("%d records, then %d", len(rows), len(again))
	}
	// Every row would have been written in a request of its own; the rest are one reading for each kind.
	if n, want := s.memory.Requests(), 5*4+len(rows); n != want {
		t.Errorf("%d requests, want %d", n, want)
	}
}
