package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestUnready(t *testing.T) {
	tests := map[string]struct {
		manifests []string
		want      []string
	}{
		"everything there": {
			manifests: []string{
				"kind: Teammate, metadata: {name: ana, uid: u1, generation: 2}, status: {conditions: [{type: KeysUnique, status: 'False'}, {type: Ready, status: 'True', observedGeneration: 2}]}",
				"kind: EffectiveAccess, metadata: {name: ana, generation: 7, ownerReferences: [{uid: u1}]}, status: {conditions: [{type: Ready, status: 'True'}]}",
				"kind: UserGroup, metadata: {name: quiet, uid: u2}, spec: {}, status: {conditions: [{type: Ready, status: 'True'}]}",
			},
		},
		"no status yet, and no output": {
			manifests: []string{"kind: Teammate, metadata: {name: ana, uid: u1}"},
			want:      []string{"EffectiveAccess/ana: does not exist", "Teammate/ana: no condition Ready"},
		},
		"not Ready says why": {
			manifests: []string{"kind: Schedule, metadata: {name: mars}, status: {conditions: [{type: Ready, status: 'False', reason: UnknownTimeZone, message: no zone Mars/Olympus}]}"},
			want:      []string{"Schedule/mars: Ready=False UnknownTimeZone: no zone Mars/Olympus"},
		},
		"a status that is behind its spec": {
			manifests: []string{"kind: Profile, metadata: {name: p, generation: 3}, status: {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]}"},
			want:      []string{"Profile/p: Ready speaks of generation 2, the object is at 3"},
		},
		"departments and groups that dial have a route plan": {
			manifests: []string{
				"kind: Department, metadata: {name: care, uid: u1}, status: {conditions: [{type: Ready, status: 'True'}]}",
				"kind: UserGroup, metadata: {name: care, uid: u2}, spec: {voice: {dialing: {strategy: Sequential}}}, status: {conditions: [{type: Ready, status: 'True'}]}",
			},
			want: []string{"RoutePlan/department-care: does not exist", "RoutePlan/usergroup-care: does not exist"},
		},
		"an output of an earlier object of that name": {
			manifests: []string{
				"kind: Teammate, metadata: {name: ana, uid: new}, status: {conditions: [{type: Ready, status: 'True'}]}",
				"kind: EffectiveAccess, metadata: {name: ana, ownerReferences: [{uid: old}]}, status: {conditions: [{type: Ready, status: 'True'}]}",
			},
			want: []string{"EffectiveAccess/ana: is not owned by Teammate/ana"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, unready(parse(t, tc.manifests...))); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChooseTakesThoseWithTheMostToShow(t *testing.T) {
	all := parse(t,
		"kind: EffectiveAccess, metadata: {name: ana}, status: {grants: [{permissions: [care.reply], profiles: [web]}]}",
		"kind: EffectiveAccess, metadata: {name: ben}, status: {grants: [{permissions: [chat.view], profiles: [web]}, {permissions: [care.reply, care.view], profiles: [line]}]}",
		"kind: EffectiveAccess, metadata: {name: eva}, status: {grants: [{permissions: [chat.view], allProfiles: true}, {profiles: [a, b, c, d]}]}",
		"kind: RoutePlan, metadata: {name: department-care}, status: {candidateCount: 2, target: {kind: Department, name: care}}",
		"kind: RoutePlan, metadata: {name: usergroup-north}, status: {candidateCount: 2, target: {kind: UserGroup, name: north}}",
		"kind: RoutePlan, metadata: {name: usergroup-south}, status: {candidateCount: 1, target: {kind: UserGroup, name: south}}",
		"kind: RoutePlan, metadata: {name: usergroup-west}, status: {candidateCount: 9}",
		"kind: UserGroup, metadata: {name: north}, status: {memberCount: 4}",
		"kind: UserGroup, metadata: {name: south}",
	)
	want := subjects{teammate: "ben", permission: "care.reply", profile: "line", target: "department/care", group: "north"}
	if got := choose(all, nil); got != want {
		t.Errorf("everything closed: chose %+v, want %+v", got, want)
	}
	want.target, want.next = "usergroup/south", "eva"
	if got := choose(all, map[string]string{"UserGroup/south": "eva"}); got != want {
		t.Errorf("one open: chose %+v, want %+v", got, want)
	}
}

func TestOrganizationOf(t *testing.T) {
	got, err := organizationOf("kind: Namespace\nmetadata: {name: a}\n---\nkind: Organization\nmetadata: {name: default, namespace: a}\n")
	if err != nil || got != "a" {
		t.Errorf("got %q, %v; want a", got, err)
	}
	if _, err := organizationOf("kind: Namespace\nmetadata: {name: a}\n"); err == nil {
		t.Error("manifests without an Organization have no namespace to show")
	}
}

// parse reads objects in the order given, with whole numbers as int64, as a client gets them.
func parse(t *testing.T, manifests ...string) objects {
	t.Helper()
	all := make(objects)
	for _, manifest := range manifests {
		document, err := yaml.YAMLToJSON([]byte("{apiVersion: " + groupVersion.String() + ", " + manifest + "}"))
		if err != nil {
			t.Fatal(err)
		}
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(document); err != nil {
			t.Fatal(err)
		}
		all[object.GetKind()] = append(all[object.GetKind()], object)
	}
	return all
}
