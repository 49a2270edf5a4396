package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// loopback is where systems run that --downstreams starts; the operator refuses such addresses without being told.
const loopback = "127.0.0.0/8"

// system is a connected system that runs beside the cluster for as long as we do.
type system struct {
	name  string // of its Downstream
	about string // what runs where
	// spec is that of the Downstream, without the reference to the Secret; data and annotations are those of the Secret.
	spec        map[string]any
	data        map[string]string
	annotations map[string]string
	// show prints what arrived there.
	show func(ctx context.Context, c *cluster, s subjects) error
	// tries are commands to try next, with what they show.
	tries [][2]string
	stop  func() error
}

// starter starts a system.
type starter func(ctx context.Context, o options) (*system, error)

// namesOf are the systems that --downstreams lists.
func namesOf(list string, known map[string]starter) ([]string, error) {
	var names []string
	for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if _, ok := known[name]; !ok {
			if len(known) == 0 {
				return nil, errors.New("systems can be started on Linux only")
			}
			return nil, fmt.Errorf("no system %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// startSystems starts those that are listed; what was started must be stopped, also after an error.
func startSystems(ctx context.Context, o options, step func(string, ...any)) ([]*system, error) {
	names, err := namesOf(o.downstreams, starters)
	if err != nil {
		return nil, fmt.Errorf("--downstreams: %w", err)
	}
	var out []*system
	for _, name := range names {
		s, err := starters[name](ctx, o)
		if err != nil {
			return out, fmt.Errorf("starting %s: %w", name, err)
		}
		out = append(out, s)
		step("started %s", s.about)
	}
	return out, nil
}

func stopSystems(list []*system) {
	for _, s := range slices.Backward(list) {
		if err := s.stop(); err != nil {
			fmt.Fprintf(os.Stderr, "stopping %s: %s\n", s.name, err)
		}
	}
}

// manifests are the Downstream of a system and the Secret that opts in for it.
func (s *system) manifests(namespace string) []map[string]any {
	secret := s.name + "-credentials"
	spec := maps.Clone(s.spec)
	spec["credentialsSecretRef"] = map[string]any{"name": secret}
	return []map[string]any{
		{
			"apiVersion": "v1", "kind": "Secret", "stringData": s.data,
			"metadata": map[string]any{
				"name": secret, "namespace": namespace, "annotations": s.annotations,
				"labels": map[string]any{rollcallv1.LabelDownstream: s.name},
			},
		},
		{
			"apiVersion": rollcallv1.GroupVersion.String(), "kind": "Downstream", "spec": spec,
			"metadata": map[string]any{"name": s.name, "namespace": namespace},
		},
	}
}

// connectSystems creates their objects in the namespace of the scenario.
func (c *cluster) connectSystems(ctx context.Context) error {
	for _, s := range c.systems {
		var documents []string
		for _, m := range s.manifests(c.namespace) {
			text, err := yaml.Marshal(m)
			if err != nil {
				return fmt.Errorf("writing the manifests of %s: %w", s.name, err)
			}
			documents = append(documents, string(text))
		}
		// In a file: a command line can be read by everybody on this machine.
		path := filepath.Join(c.state, s.name+".yaml")
		if err := os.WriteFile(path, []byte(strings.Join(documents, "---\n")), 0o600); err != nil {
			return fmt.Errorf("writing the manifests of %s: %w", s.name, err)
		}
		if _, err := c.kubectl(ctx, "apply", "--server-side", "-f", path); err != nil {
			return err
		}
	}
	return nil
}

// unsynced says which of our systems are not in step, one line each.
func (c *cluster) unsynced(all objects) []string {
	var lines []string
	for _, s := range c.systems {
		d, found := all.find("Downstream", s.name)
		if !found {
			d = unstructured.Unstructured{Object: map[string]any{}}
		}
		if why := whyNot(d, rollcallv1.ConditionSynced); why != "" {
			lines = append(lines, "Downstream/"+s.name+": "+why)
		}
	}
	return lines
}

// showSystems prints what arrived in each system.
func (c *cluster) showSystems(ctx context.Context, s subjects) error {
	for _, x := range c.systems {
		if err := x.show(ctx, c, s); err != nil {
			return fmt.Errorf("asking %s: %w", x.name, err)
		}
	}
	return nil
}
