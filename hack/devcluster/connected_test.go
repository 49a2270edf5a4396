package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/internal/manifest"
)

func TestNamesOfSystems(t *testing.T) {
	nothing := func(context.Context, options) (*system, error) { return nil, nil }
	known := map[string]starter{"postgres": nothing, "openfga": nothing}
	for name, tc := range map[string]struct {
		list      string
		known     map[string]starter
		want      []string
		wantError string
	}{
		"none":          {known: known},
		"one":           {list: "postgres", known: known, want: []string{"postgres"}},
		"in order":      {list: "postgres,openfga", known: known, want: []string{"postgres", "openfga"}},
		"spaces, twice": {list: " openfga , openfga", known: known, want: []string{"openfga"}},
		"unknown":       {list: "postgres,oracle", known: known, wantError: `no system "oracle"; there are: openfga, postgres`},
		"not on Linux":  {list: "postgres", wantError: "on Linux only"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := namesOf(tc.list, tc.known)
			if tc.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Errorf("error %v, want %q", err, tc.wantError)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("error %v, names -want +got:\n%s", err, diff)
			}
		})
	}
}

// What is written for a system is what the API server takes, and what the Secret says opts in for it.
func TestManifestsOfSystemsAreValid(t *testing.T) {
	s := &system{
		name: "openfga", data: map[string]string{"token": "x"}, annotations: map[string]string{"rollcall.dev/host": "127.0.0.1:8080"},
		spec: map[string]any{
			"driver": "OpenFGA", "openFGA": map[string]any{"url": "https://127.0.0.1:8080", "storeID": "1"}, "mode": "Full", "records": []string{"Groups", "Access"},
		},
	}
	all := s.manifests("fjordline")
	text, err := yaml.Marshal(all[1])
	if err != nil {
		t.Fatal(err)
	}
	set, errs := manifest.Parse([]manifest.Source{{Name: "openfga.yaml", Data: text}}, "default")
	if len(errs) > 0 || len(set.Objects) != 1 {
		t.Errorf("%d objects, %v:\n%s", len(set.Objects), errs, text)
	}
	want := map[string]any{
		"name": "openfga-credentials", "namespace": "fjordline", "labels": map[string]any{"rollcall.dev/downstream": "openfga"},
		"annotations": map[string]string{"rollcall.dev/host": "127.0.0.1:8080"},
	}
	if diff := cmp.Diff(want, all[0]["metadata"]); diff != "" {
		t.Errorf("Secret -want +got:\n%s", diff)
	}
	if _, kept := s.spec["credentialsSecretRef"]; kept {
		t.Error("the spec of the system was changed")
	}
}

func TestUnsynced(t *testing.T) {
	c := &cluster{systems: []*system{{name: "a"}, {name: "b"}, {name: "c"}}}
	all := parse(t,
		"kind: Downstream, metadata: {name: a, generation: 1}, status: {conditions: [{type: Synced, status: 'True', observedGeneration: 1}]}",
		"kind: Downstream, metadata: {name: b}, status: {conditions: [{type: Synced, status: 'False', reason: Incomplete, message: 3 changes are not made}]}",
		"kind: Downstream, metadata: {name: other}",
	)
	want := []string{"Downstream/b: Synced=False Incomplete: 3 changes are not made", "Downstream/c: no condition Synced"}
	if diff := cmp.Diff(want, c.unsynced(all)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Every system that the Makefile and the README offer can be started here.
func TestSystemsAreKnown(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name := range starters {
		if !strings.Contains(string(makefile), name) {
			t.Errorf("the Makefile does not offer %s", name)
		}
	}
}
