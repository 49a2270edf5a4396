package syncer_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// TestOrganizations is P-15 from the objects down: after any history the system holds what the engine says, by the few records
// that each edit touched, and a reading of everything finds nothing to do.
func TestOrganizations(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		e := engine.New(world.Now)
		e.Remember(nil, false)
		var all []roster.Change
		for _, o := range orggen.Objects(world.Org) {
			all = append(all, roster.Change{Object: o})
		}
		e.Apply(world.Now, all...)
		set := desired.New(e)
		m := drivertest.NewMemory()
		var status syncer.Status
		policy := plan.PolicyOf(&rollcallv1.DownstreamSpec{Mode: "Full", Records: []rollcallv1.RecordKind{"Users", "Groups", "Access", "Routes", "Mentions"}})
		policy.Safety = plan.Safety{MaxRemovalPercent: 100, ConfirmAbsences: 1}
		loop := syncer.New(syncer.Config{
			Driver: m.Driver(downstream.Options{}), Policy: policy, Source: set, Keeper: &drivertest.Book{}, Inventory: plan.OpenInventory("d", nil),
			Random: func() float64 { return 0 }, Now: func() time.Time { return world.Now },
			Approval: func() string { return status.HeldHash }, Report: func(s syncer.Status) { status = s },
		})
		loop.Pass(t.Context())
		for range rapid.IntRange(0, 6).Draw(rt, "edits") {
			edit := orggen.DrawEdit(rt, &world)
			if edit.LoseLedger {
				continue
			}
			world.Apply(edit)
			var changes []roster.Change
			switch {
			case edit.Put != nil:
				changes = []roster.Change{{Object: edit.Put}}
			case edit.Delete != (oracle.Ref{}):
				changes = []roster.Change{{Object: deleted(edit.Delete), Deleted: true}}
			}
			e.Apply(world.Now, changes...)
			loop.Touch(set.Update(changes...)...)
			loop.Pass(t.Context())
			holds(rt, m, set, "after an edit")
		}
		before, settled := m.Requests(), status.Synced.OK
		loop.Resync()
		loop.Pass(t.Context())
		if settled && m.Requests()-before > 5 {
			rt.Errorf("a reading of five kinds made %d requests; %+v", m.Requests()-before, status)
		}
		loop.Pass(t.Context()) // what was held is approved
		holds(rt, m, set, "at the end")
	})
}

// holds fails unless everybody may do over there what the engine says, and nobody more; what is held or protected may be more.
func holds(rt *rapid.T, m *drivertest.Memory, set *desired.Set, when string) {
	rows := map[downstream.ID]drivertest.Row{}
	for _, r := range m.Rows() {
		rows[downstream.ID{Kind: r.Kind, Key: r.Key}] = r
	}
	for _, w := range set.Records(set.IDs(downstream.Kinds)) {
		if !w.Active {
			continue // it may be held, or never have been there
		}
		row, there := rows[w.ID()]
		image, err := downstream.ImageOf(w.Record)
		switch {
		case err != nil:
			rt.Fatal(err)
		case !there:
			rt.Errorf("%s: %s is not there", when, w.ID())
		case row.Inactive:
			rt.Errorf("%s: %s is inactive", when, w.ID())
		case !row.Image.Covers(image):
			rt.Errorf("%s: %s differs in %v", when, w.ID(), row.Image.Differs(image))
		}
	}
}

func deleted(ref oracle.Ref) metav1.Object {
	meta := metav1.ObjectMeta{Name: ref.Name}
	for kind, o := range map[string]metav1.Object{
		roster.KindSchedule: &rollcallv1.Schedule{ObjectMeta: meta}, roster.KindAccountRole: &rollcallv1.AccountRole{ObjectMeta: meta},
		roster.KindProfileRole: &rollcallv1.ProfileRole{ObjectMeta: meta}, roster.KindProfile: &rollcallv1.Profile{ObjectMeta: meta},
		roster.KindTeammate: &rollcallv1.Teammate{ObjectMeta: meta}, roster.KindUserGroup: &rollcallv1.UserGroup{ObjectMeta: meta},
		roster.KindDepartment: &rollcallv1.Department{ObjectMeta: meta}, roster.KindQueue: &rollcallv1.Queue{ObjectMeta: meta},
		roster.KindCampaign: &rollcallv1.Campaign{ObjectMeta: meta}, roster.KindMention: &rollcallv1.Mention{ObjectMeta: meta},
	} {
		if kind == ref.Kind {
			return o
		}
	}
	return &rollcallv1.Organization{ObjectMeta: meta}
}
