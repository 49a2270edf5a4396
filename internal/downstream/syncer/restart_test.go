package syncer_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// edit changes objects while no operator runs.
func (s *stack) edit(text string) {
	s.t.Helper()
	for _, o := range builder.Objects(s.t, text) {
		s.store(o)
	}
}

// readings passes so often, each time with everything read, as confirmAbsences asks for.
func (s *stack) readings(n int) {
	s.t.Helper()
	for range n {
		s.wait(10 * time.Minute)
	}
}

func (s *stack) wantAccess(names ...string) {
	s.t.Helper()
	if got := s.active(downstream.Access); !slices.Equal(got, names) {
		s.t.Errorf("%s: access of %v, want of %v", s.now.Format(time.RFC3339), got, names)
	}
}

// Safety 2: the total guard counts across restarts, and counts what happened while no operator ran.
func TestAlarmAcrossRestarts(t *testing.T) {
	const may, mayNot = "AccountRole r {baseType: None, permissions: [users.view]}\n", "AccountRole r {baseType: None, permissions: []}\n"
	const other = "AccountRole q {baseType: None, permissions: []}\n"
	// so many of forty hold the role r, others are agents
	holders := func(n int) string {
		var b strings.Builder
		b.WriteString(crowd(n, "accountRoleRef: {name: r}"))
		for _, name := range numbered(n, 40) {
			b.WriteString("Teammate " + name + " {}\n")
		}
		return b.String()
	}
	all := numbered(0, 40)
	t.Run("what an alarm held stays held, and it goes on for others", func(t *testing.T) {
		s := build(t, full(), may+other+holders(5))
		s.apply(mayNot)
		s.readings(4)
		s.wantAccess(all...)
		s.wantHeld(5)
		s.restart()
		s.readings(4)
		s.wantAccess(all...)
		s.apply("Teammate t20 {accountRoleRef: {name: q}}")
		s.readings(4)
		s.wantAccess(all...)
		s.wantHeld(6)
		s.restart()
		s.wait(24 * time.Hour)
		s.apply("Teammate t21 {accountRoleRef: {name: q}}")
		s.readings(4)
		s.wantHeld(6)
		s.wantAccess(slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == "t21" })...)
	})
	t.Run("all back, before a restart or after", func(t *testing.T) {
		s := build(t, full(), may+other+holders(5))
		s.apply(mayNot)
		s.restart()
		s.wantHeld(5)
		s.apply(may)
		s.wantHeld(0)
		s.apply("Teammate t20 {accountRoleRef: {name: q}}")
		s.restart()
		s.readings(4)
		s.wantHeld(0)
		s.wantAccess(slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == "t20" })...)
	})
	t.Run("what happened while no operator ran", func(t *testing.T) {
		s := build(t, full(), may+holders(5))
		s.edit(mayNot)
		s.restart()
		s.readings(4)
		s.wantAccess(all...)
		s.wantHeld(5)
		if !s.status.Alarm {
			t.Error("no alarm")
		}
	})
	t.Run("a tenth is none, nor is it after a restart", func(t *testing.T) {
		s := build(t, full(), may+holders(4))
		s.edit(mayNot)
		s.restart()
		s.readings(4)
		s.wantAccess(all[4:]...)
	})
	t.Run("some before a restart and some after it", func(t *testing.T) {
		s := build(t, full(func(d *rollcallv1.DownstreamSpec) { d.Safety.ConfirmAbsences = new(int32(1)) }), may+other+holders(3))
		s.apply(mayNot)
		s.syncer.Resync()
		s.pass()
		s.wantAccess(all[3:]...)
		s.restart()
		s.now = s.now.Add(10 * time.Minute)
		s.apply("Teammate t10 {accountRoleRef: {name: q}}\nTeammate t11 {accountRoleRef: {name: q}}")
		s.syncer.Resync()
		s.pass()
		s.wantAccess(all[3:]...)
		s.wantHeld(2)
	})
	t.Run("archiving while no operator runs is no loss", func(t *testing.T) {
		s := build(t, full(), may+holders(5))
		s.edit(crowd(5, "accountRoleRef: {name: r}, lifecycle: {state: Archived}"))
		s.restart()
		s.wantAccess(all[5:]...)
	})
}

// S-148: who was held beyond the limit of explicit acts waits for an approval, whoever leads by then.
func TestS148ExplicitLimitAcrossRestarts(t *testing.T) {
	s := build(t, full(), crowd(40, ""))
	s.apply(crowd(25, "lifecycle: {state: Archived}"))
	s.wantHeld(10)
	s.restart()
	s.wantHeld(10)
	s.wantActive(numbered(20, 40)...)
	s.wait(time.Hour)
	s.wantActive(numbered(20, 40)...)
	s.restart()
	s.approval = s.status.HeldHash
	s.pass()
	s.wantActive(numbered(25, 40)...)
	s.wantHeld(0)
}

// S-92: the annotation stays on the object; what it released once it does not release again.
func TestS92ApprovalsAcrossRestarts(t *testing.T) {
	s := build(t, full(), crowd(40, ""))
	gone := func() {
		s.remove(numbered(0, 25)...)
		s.wait(3 * time.Minute)
	}
	gone()
	s.wantHeld(10)
	hash := s.status.HeldHash
	s.approval = hash
	s.pass()
	s.wantActive(numbered(25, 40)...)
	s.wait(20 * time.Minute)
	s.apply(crowd(25, ""))
	s.wantActive(numbered(0, 40)...)
	s.wait(20 * time.Minute)
	gone()
	if s.status.HeldHash != hash {
		t.Fatalf("other removals are held than before: %s, %s", s.status.HeldHash, hash)
	}
	s.wantHeld(10)
	for _, later := range []time.Duration{3 * time.Minute, 2 * time.Hour} {
		s.restart() // the grace of those who are gone begins anew
		s.wantHeld(0)
		s.wait(later)
		s.wantHeld(10)
	}
	s.wantActive(numbered(20, 40)...)
	s.approval = ""
	s.pass()
	s.approval = hash
	s.pass()
	s.wantHeld(0)
	s.wantActive(numbered(25, 40)...)
}

// own says which of the accounts the operator acts under.
type own struct {
	downstream.Driver
	name string
}

// Read tells the remote id of that account.
func (d own) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	reading, err := d.Driver.Read(ctx, req)
	for _, f := range reading.Records {
		if strings.Contains(f.Key, "="+d.name+"@") {
			reading.Self = append(reading.Self, f.RemoteID)
		}
	}
	return reading, err
}

// Safety 8: whatever becomes of the person, the account that the operator acts under stays as it is, and that is reported.
func TestOwnIdentityIsNeverRemoved(t *testing.T) {
	for name, tc := range map[string]struct {
		do func(*stack)
	}{
		"archived":               {func(s *stack) { s.apply("Teammate t00 {lifecycle: {state: Archived}}") }},
		"deleted, and forgotten": {func(s *stack) { s.remove("t00"); s.wait(3 * time.Minute) }},
		"gone after a restart": {func(s *stack) {
			delete(s.objects, "*v1alpha1.Teammate/t00")
			s.restart()
			s.wait(10 * time.Minute)
		}},
		"without access by inference": {func(s *stack) {
			s.apply("AccountRole q {baseType: None, permissions: []}\nTeammate t00 {accountRoleRef: {name: q}, until: \"2027-03-01T12:00:01Z\"}")
			s.readings(4)
		}},
		"approved with all others": {func(s *stack) {
			s.syncer.Leave()
			s.pass()
			s.approval = s.status.HeldHash
			s.pass()
		}},
	} {
		for _, removal := range []rollcallv1.Removal{rollcallv1.RemovalDeactivate, rollcallv1.RemovalDelete} {
			t.Run(name+", "+string(removal), func(t *testing.T) {
				s := build(t, full(func(d *rollcallv1.DownstreamSpec) { d.Removal = removal }), crowd(12, ""))
				s.wrap = func(d downstream.Driver) downstream.Driver { return own{d, "t00"} }
				s.begin()
				tc.do(s)
				if got := s.active(downstream.Users); !slices.Contains(got, "t00") {
					t.Errorf("the operator's own account is gone: %v", got)
				}
				if !slices.ContainsFunc(s.status.Skipped, func(k syncer.Skip) bool { return k.Why == "OwnIdentity" && k.Name == "t00" }) {
					t.Errorf("not reported: %v", s.status.Skipped)
				}
			})
		}
	}
}
