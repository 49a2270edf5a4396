package intake

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// build builds config/default with config/intake, as docs/intake.md says.
func build(t *testing.T) resmap.ResMap {
	t.Helper()
	config, err := filepath.Abs("../../config")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	relative, err := filepath.Rel(folder, config)
	if err != nil {
		t.Fatal(err)
	}
	kustomization := "resources: [" + strconv.Quote(relative+"/default") + "]\ncomponents: [" + strconv.Quote(relative+"/intake") + "]\n"
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(kustomization), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func find[T any](t *testing.T, all resmap.ResMap, kind, name string) T {
	t.Helper()
	var out T
	for _, r := range all.Resources() {
		if r.GetKind() == kind && r.GetName() == name {
			b, err := r.AsYAML()
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(b, &out); err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return out
}

// The component turns the intake on, and the Service leads to it.
func TestComponent(t *testing.T) {
	all := build(t)
	manager := find[appsv1.Deployment](t, all, "Deployment", "rollcall-manager").Spec.Template
	service := find[corev1.Service](t, all, "Service", ServiceName)
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(manager.Labels)) {
		t.Errorf("the Service selects %v, the Pods are %v", service.Spec.Selector, manager.Labels)
	}
	container := manager.Spec.Containers[0]
	at := slices.IndexFunc(container.Ports, func(p corev1.ContainerPort) bool { return p.Name == service.Spec.Ports[0].TargetPort.StrVal })
	if at < 0 {
		t.Fatalf("the Service leads to port %s, there are %v", service.Spec.Ports[0].TargetPort.StrVal, container.Ports)
	}
	if want := "--intake-bind-address=:" + strconv.Itoa(int(container.Ports[at].ContainerPort)); !slices.Contains(container.Args, want) {
		t.Errorf("%s is not among %v", want, container.Args)
	}
}
