package openfga

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// organization is one that is kept in step with a store, by the loop of the operator.
type organization struct {
	rapid  *rapid.T
	ctx    context.Context
	engine *engine.Engine
	set    *desired.Set
	driver *Driver
	loop   *syncer.Syncer
	status syncer.Status
	now    time.Time
}

// unguarded leaves out what holds removals back, which is the matter of other tests: a removal that is held makes answers differ.
type unguarded struct{ *desired.Set }

func (u unguarded) Situation() plan.Situation {
	s := u.Set.Situation()
	s.Alarm, s.Holders = false, nil
	return s
}

func (u unguarded) Records(ids []downstream.ID) []plan.Wanted {
	out := u.Set.Records(ids)
	for i := range out {
		out[i].Protected = ""
	}
	return out
}

func newOrganization(rt *rapid.T, t *testing.T, world *orggen.World) *organization {
	o := &organization{rapid: rt, ctx: t.Context(), engine: engine.New(world.Now), now: world.Now}
	o.engine.Remember(nil, false)
	var all []roster.Change
	for _, x := range orggen.Objects(world.Org) {
		all = append(all, roster.Change{Object: x})
	}
	o.engine.Apply(world.Now, all...)
	o.set = desired.New(o.engine)
	d, err := New(config(made(t)), downstream.Options{})
	if err != nil {
		rt.Fatalf("making a driver: %v", err)
	}
	o.driver = d
	o.loop = syncer.New(syncer.Config{
		Driver: d, Source: unguarded{o.set}, Keeper: &drivertest.Book{}, Inventory: plan.OpenInventory("fga", nil),
		Policy: plan.Policy{
			Records: []downstream.Kind{downstream.Groups, downstream.Access}, Mode: rollcallv1.DownstreamModeFull, Adoption: rollcallv1.AdoptionNever,
			Removal: rollcallv1.RemovalDelete, Drift: rollcallv1.DriftCorrect, Resync: 1000 * time.Hour,
			Safety: plan.Safety{MaxRemovalPercent: 100, ConfirmAbsences: 1},
		},
		Random: func() float64 { return 0 }, Now: func() time.Time { return o.now }, Approval: func() string { return o.status.HeldHash },
		Report: func(s syncer.Status) { o.status = s },
	})
	return o
}

// sync brings the store in step.
func (o *organization) sync() {
	for range 5 {
		o.loop.Pass(o.ctx)
		if o.status.Synced.OK {
			return
		}
	}
	o.rapid.Fatalf("not in step: %+v", o.status)
}

// happen takes an edit in.
func (o *organization) happen(edit orggen.Edit, now time.Time) {
	var changes []roster.Change
	switch {
	case edit.Put != nil:
		changes = []roster.Change{{Object: edit.Put}}
	case edit.Delete != (oracle.Ref{}):
		changes = []roster.Change{{Object: deleted(edit.Delete), Deleted: true}}
	}
	o.now = now
	o.engine.Apply(now, changes...)
	o.loop.Touch(o.set.Update(changes...)...)
}

func deleted(ref oracle.Ref) orggen.Object {
	meta := metav1.ObjectMeta{Name: ref.Name, Namespace: orggen.Namespace}
	switch ref.Kind {
	case "Teammate":
		return &rollcallv1.Teammate{ObjectMeta: meta}
	case "UserGroup":
		return &rollcallv1.UserGroup{ObjectMeta: meta}
	case "Profile":
		return &rollcallv1.Profile{ObjectMeta: meta}
	case "ProfileRole":
		return &rollcallv1.ProfileRole{ObjectMeta: meta}
	case "AccountRole":
		return &rollcallv1.AccountRole{ObjectMeta: meta}
	case "Department":
		return &rollcallv1.Department{ObjectMeta: meta}
	case "Queue":
		return &rollcallv1.Queue{ObjectMeta: meta}
	case "Campaign":
		return &rollcallv1.Campaign{ObjectMeta: meta}
	case "Mention":
		return &rollcallv1.Mention{ObjectMeta: meta}
	case "Schedule":
		return &rollcallv1.Schedule{ObjectMeta: meta}
	}
	return &rollcallv1.Organization{ObjectMeta: meta}
}

// question is may-they, of everybody.
type question struct{ permission, profile string }

func (q question) object() string {
	if q.profile == "" {
		return "organization:fjordline"
	}
	return "profile:" + encode(q.profile)
}

func (q question) context(now time.Time) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{
		"permission": structpb.NewStringValue(q.permission), "current_time": structpb.NewStringValue(now.UTC().Format(time.RFC3339)),
	}}
}

// questions are some of all that can be asked: of what people hold, and of what they do not.
func (o *organization) questions() (out []question) {
	t := o.engine.Roster.Graph.Peek()
	account, profile := map[string]bool{"users.view": true}, map[string]bool{"care.reply": true, "care.view": true, "video.start": true}
	for _, name := range o.engine.Roster.Names(t, roster.KindTeammate) {
		res := o.engine.Access.Of(name)
		for _, p := range res.AccountPermissions {
			account[p] = true
		}
		for _, g := range res.Grants {
			for _, p := range g.Permissions {
				profile[p] = true
			}
		}
	}
	pick := func(from map[string]bool, n int) []string {
		all := slices.Sorted(maps.Keys(from))
		return rapid.SliceOfNDistinct(rapid.SampledFrom(all), min(n, len(all)), min(n, len(all)), rapid.ID[string]).Draw(o.rapid, "permissions")
	}
	for _, p := range pick(account, 3) {
		out = append(out, question{permission: p})
	}
	for _, name := range o.engine.Roster.Names(t, roster.KindProfile) {
		for _, p := range pick(profile, 4) {
			out = append(out, question{p, name})
		}
	}
	return out
}

// people are the ids of those who have a record, by name.
func (o *organization) people() map[string]string {
	out := map[string]string{}
	for _, w := range o.set.Records(o.set.IDs([]downstream.Kind{downstream.Access})) {
		out[w.Name] = encode(w.Key)
	}
	return out
}

// whoCan is the answer of the engine, as ids.
func (o *organization) whoCan(q question) (out []string) {
	people := o.people()
	for _, name := range o.engine.Access.WhoCan(q.permission, q.profile) {
		if id, known := people[name]; known {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// listUsers is the answer of OpenFGA.
func (o *organization) listUsers(q question, now time.Time) (out []string) {
	got, err := admin.ListUsers(o.ctx, &openfgav1.ListUsersRequest{
		StoreId: o.driver.place.store, AuthorizationModelId: o.driver.place.model, Object: &openfgav1.Object{Type: typeOf2(q.object()), Id: idOf(q.object())},
		Relation: "can", UserFilters: []*openfgav1.UserTypeFilter{{Type: typeTeammate}}, Context: q.context(now),
		Consistency: openfgav1.ConsistencyPreference_HIGHER_CONSISTENCY,
	})
	if err != nil {
		o.rapid.Fatalf("asking who can %v: %v", q, err)
	}
	for _, u := range got.GetUsers() {
		out = append(out, u.GetObject().GetId())
	}
	slices.Sort(out)
	return out
}

// check is the answer of OpenFGA to some questions about people, who are asked about in batches.
func (o *organization) check(asked []question, ids []string, now time.Time) (allowed []bool) {
	req := &openfgav1.BatchCheckRequest{
		StoreId: o.driver.place.store, AuthorizationModelId: o.driver.place.model, Consistency: openfgav1.ConsistencyPreference_HIGHER_CONSISTENCY,
	}
	for i := range asked {
		req.Checks = append(req.Checks, &openfgav1.BatchCheckItem{
			TupleKey:      &openfgav1.CheckRequestTupleKey{User: "teammate:" + ids[i], Relation: "can", Object: asked[i].object()},
			CorrelationId: fmt.Sprint(i), Context: asked[i].context(now),
		})
	}
	got, err := admin.BatchCheck(o.ctx, req)
	if err != nil {
		o.rapid.Fatalf("checking: %v", err)
	}
	for i := range asked {
		answer := got.GetResult()[fmt.Sprint(i)]
		if e := answer.GetError(); e != nil {
			o.rapid.Fatalf("checking %v: %v", asked[i], e)
		}
		allowed = append(allowed, answer.GetAllowed())
	}
	return allowed
}

// agree fails unless OpenFGA and the engine give the same answers now.
func (o *organization) agree() {
	people := o.people()
	names := slices.Sorted(maps.Keys(people))
	var asked []question
	var ids []string
	var want []bool
	for _, q := range o.questions() {
		if got, want := o.listUsers(q, o.now), o.whoCan(q); !slices.Equal(got, want) {
			o.rapid.Fatalf("who can %v at %v: OpenFGA says %v, who-can %v", q, o.now, got, want)
		}
		if len(names) > 0 && len(asked) < 50 {
			name := rapid.SampledFrom(names).Draw(o.rapid, "asked about")
			asked, ids = append(asked, q), append(ids, people[name])
			want = append(want, o.engine.Access.Check(name, q.permission, q.profile).Allowed)
		}
	}
	if len(asked) == 0 {
		return
	}
	for i, got := range o.check(asked, ids, o.now) {
		if got != want[i] {
			o.rapid.Fatalf("may %s %v at %v: OpenFGA says %v, check %v", ids[i], asked[i], o.now, got, want[i])
		}
	}
}

// later fails if OpenFGA, which nobody told anything since, gives somebody at a later time what they may not do now.
func (o *organization) later(after time.Duration) {
	for _, q := range o.questions() {
		now := o.whoCan(q)
		for _, id := range o.listUsers(q, o.now.Add(after)) {
			if !slices.Contains(now, id) {
				o.rapid.Fatalf("%s can %v after %v, and cannot now", id, q, after)
			}
		}
	}
}

func typeOf2(object string) string { return object[:slices.Index([]byte(object), ':')] }
func idOf(object string) string    { return object[slices.Index([]byte(object), ':')+1:] }

// TestAnswers compares the answers of OpenFGA with those of `check` and `who-can` on random organizations, after every edit and
// as time goes on.
func TestAnswers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		o := newOrganization(rt, t, &world)
		defer o.driver.Close()
		o.sync()
		o.agree()
		for range rapid.IntRange(1, 4).Draw(rt, "edits") {
			edit := orggen.DrawEdit(rt, &world)
			if edit.LoseLedger {
				continue
			}
			world.Apply(edit)
			if world.Now.After(o.now) {
				o.later(world.Now.Sub(o.now))
			}
			o.happen(edit, world.Now)
			o.sync()
			o.agree()
		}
	})
}
