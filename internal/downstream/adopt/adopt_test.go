package adopt_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/adopt"
	"github.com/rollcall-dev/rollcall/internal/downstream/desired"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var now = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// held is what a system holds that was given everything of these kinds.
func held(t *testing.T, objects []metav1.Object, kinds ...downstream.Kind) []downstream.Found {
	t.Helper()
	e := engine.New(now)
	e.Remember(nil, false)
	e.Roster.AssumeConfirmed(true)
	var changes []roster.Change
	for _, o := range objects {
		changes = append(changes, roster.Change{Object: o})
	}
	e.Apply(now, changes...)
	records := desired.New(e)
	var out []downstream.Found
	for _, w := range records.Records(records.IDs(kinds)) {
		im, err := downstream.ImageOf(w.Record)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, downstream.Found{Kind: w.Kind, Key: w.Key, RemoteID: w.Key, Image: im, Inactive: !w.Active})
	}
	return out
}

func nobody(string) string { return "" }

func images(found []downstream.Found, without ...string) map[string]downstream.Image {
	out := map[string]downstream.Image{}
	for _, f := range found {
		im := maps.Clone(f.Image)
		for _, name := range without {
			delete(im, name)
		}
		if f.Image["accountRole"] == `"owner"` || f.Image["directoryID"] == `"d-1001"` { // that somebody administers the tenant is not there
			delete(im, "accountRole")
			delete(im, "baseType")
		}
		out[string(f.Kind)+"/"+f.Key] = im
	}
	return out
}

// What a system holds, as manifests in the place of those of people, groups and schedules, gives the same records again: it can
// be adopted without a change. What follows from other objects, or was never there, aside.
func TestWhatIsExportedIsAdoptedAsItIs(t *testing.T) {
	samples, err := filepath.Glob("../../../config/samples/*/kustomization.yaml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples (error: %v)", err)
	}
	for _, path := range samples {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			source, err := manifest.Kustomize(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			set, errs := manifest.Parse([]manifest.Source{source}, "default")
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var before, after []metav1.Object
			for _, o := range set.Objects {
				before = append(before, o.Object)
				switch o.Object.(type) {
				case *rollcallv1.Teammate, *rollcallv1.UserGroup, *rollcallv1.Schedule:
				default:
					after = append(after, o.Object)
				}
			}
			kinds := []downstream.Kind{downstream.Users, downstream.Groups, downstream.Routes}
			want := held(t, before, kinds...)
			made := adopt.Found(want, nobody)
			for _, o := range made.Schedules {
				after = append(after, o)
			}
			for _, o := range made.Teammates {
				after = append(after, o)
			}
			for _, o := range made.Groups {
				after = append(after, o)
			}
			valid(t, after[len(after)-len(made.Schedules)-len(made.Teammates)-len(made.Groups):])
			plans := func(f downstream.Found) bool { return f.Kind == downstream.Routes && !downstream.IsSchedule(f.Key) }
			want = slices.DeleteFunc(want, plans)
			got := slices.DeleteFunc(held(t, after, kinds...), plans)
			// Tokens and approvals of cards are not what a system is asked for; dates of the end of somebody's time are not there.
			without := []string{"invitation", "phase", "listing", "active", "surveyEligible"}
			if diff := cmp.Diff(images(want, without...), images(got, without...)); diff != "" {
				t.Errorf("records -before +after:\n%s", diff)
			}
		})
	}
}

// valid checks manifests as the API server would.
func valid(t *testing.T, objects []metav1.Object) {
	t.Helper()
	text, err := manifest.Write(false, objects...)
	if err != nil {
		t.Fatal(err)
	}
	_, errs := manifest.Parse([]manifest.Source{{Name: "export.yaml", Data: text}}, "default")
	for _, e := range errs {
		t.Error(e)
	}
}

func TestPeople(t *testing.T) {
	for name, tc := range map[string]struct {
		found []downstream.Found
		known map[string]string
		want  map[string]rollcallv1.TeammateSpec
	}{
		"made by hand": {
			found: []downstream.Found{{Kind: downstream.Users, Name: "Ana.Novak", RemoteID: "17", Image: downstream.Image{"email": `"ana@x.example"`, "firstName": `"Ana"`, "lastName": "null"}}},
			want:  map[string]rollcallv1.TeammateSpec{"ana": {Identity: rollcallv1.Identity{Email: new("ana@x.example")}, FirstName: new("Ana")}},
		},
		"by its key alone": {
			found: []downstream.Found{{Kind: downstream.Users, Key: "employeeID=7", Image: downstream.Image{"members": "not JSON"}}},
			want:  map[string]rollcallv1.TeammateSpec{"7": {Identity: rollcallv1.Identity{EmployeeID: new("7")}}},
		},
		"a Teammate already": {
			found: []downstream.Found{{Kind: downstream.Users, Key: "email=ana@x.example", Image: downstream.Image{"name": `"other"`}}},
			known: map[string]string{"email=ana@x.example": "ana-novak"},
			want:  map[string]rollcallv1.TeammateSpec{"ana-novak": {Identity: rollcallv1.Identity{Email: new("ana@x.example")}}},
		},
		"two of one name": {
			found: []downstream.Found{
				{Kind: downstream.Users, Key: "email=ana@x.example", Image: downstream.Image{}}, {Kind: downstream.Users, Key: "email=ana@y.example", Image: downstream.Image{}},
			},
			want: map[string]rollcallv1.TeammateSpec{
				"ana": {Identity: rollcallv1.Identity{Email: new("ana@x.example")}}, "ana-902fad": {Identity: rollcallv1.Identity{Email: new("ana@y.example")}},
			},
		},
		"disabled there": {
			found: []downstream.Found{{Kind: downstream.Users, Key: "email=ana@x.example", Inactive: true, Image: downstream.Image{"active": "false"}}},
			want: map[string]rollcallv1.TeammateSpec{
				"ana": {Identity: rollcallv1.Identity{Email: new("ana@x.example")}, Lifecycle: rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateArchived}},
			},
		},
		"invited": {
			found: []downstream.Found{{Kind: downstream.Users, Key: "email=ana@x.example", Inactive: true, Image: downstream.Image{"active": "false", "phase": `"Invited"`}}},
			want:  map[string]rollcallv1.TeammateSpec{"ana": {Identity: rollcallv1.Identity{Email: new("ana@x.example")}}},
		},
		"access only": {
			found: []downstream.Found{{Kind: downstream.Access, Key: "email=ana@x.example", Image: downstream.Image{"accountRole": `"agent"`, "username": `"ana"`}}},
			want: map[string]rollcallv1.TeammateSpec{
				"ana": {Identity: rollcallv1.Identity{Email: new("ana@x.example"), Username: new("ana")}, AccountRoleRef: &rollcallv1.ObjectRef{Name: "agent"}},
			},
		},
		"of nobody": {found: []downstream.Found{{Kind: downstream.Users, RemoteID: "18", Image: downstream.Image{"firstName": `"Ana"`}}}, want: map[string]rollcallv1.TeammateSpec{}},
	} {
		t.Run(name, func(t *testing.T) {
			made := adopt.Found(tc.found, func(key string) string { return tc.known[key] })
			got := map[string]rollcallv1.TeammateSpec{}
			for _, tm := range made.Teammates {
				got[tm.Name] = tm.Spec
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if passed := made.Passed[downstream.Users]; (passed == 1) != (len(tc.want) == 0) {
				t.Errorf("%d passed over", passed)
			}
		})
	}
}

// The order in which a system tells does not matter.
func TestOrder(t *testing.T) {
	found := []downstream.Found{
		{Kind: downstream.Groups, Key: "day", Image: downstream.Image{"members": `[{"key":"email=ben@x.example"},{"key":"email=ana@x.example"}]`, "supervisors": "[]"}},
		{Kind: downstream.Users, Key: "email=ana@x.example", Image: downstream.Image{"leader": `"email=ben@x.example"`}},
		{Kind: downstream.Users, Key: "email=ben@x.example", Image: downstream.Image{"name": `"benedikt"`}},
		{Kind: downstream.Routes, Key: "department-care", Image: downstream.Image{}},
	}
	want := adopt.Found(found, nobody)
	slices.Reverse(found)
	if diff := cmp.Diff(want, adopt.Found(found, nobody)); diff != "" {
		t.Errorf("-forward +backward:\n%s", diff)
	}
	group := want.Groups[0].Spec
	if len(group.Members) != 2 || group.Members[1].Name != "benedikt" || group.Supervisors == nil {
		t.Errorf("group %+v", group)
	}
	if leader := want.Teammates[0].Spec.TeamLeaderRef; leader == nil || leader.Name != "benedikt" {
		t.Errorf("leader %v", leader)
	}
	if want.Passed[downstream.Routes] != 1 {
		t.Errorf("passed over: %v", want.Passed)
	}
}
