package intake

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
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

// The component gives the permissions that the intake needs; without it the operator has none of them.
func TestComponentGivesPermissions(t *testing.T) {
	all := build(t)
	manager := find[appsv1.Deployment](t, all, "Deployment", "rollcall-manager")
	wide := find[rbacv1.ClusterRole](t, all, "ClusterRole", permissions)
	for _, resource := range []string{"tokenreviews", "subjectaccessreviews"} {
		if !slices.ContainsFunc(wide.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, "create")
		}) {
			t.Errorf("no permission to create %s in %v", resource, wide.Rules)
		}
	}
	narrow := find[rbacv1.Role](t, all, "Role", permissions)
	if narrow.Namespace != manager.Namespace || !slices.ContainsFunc(narrow.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.ResourceNames, ConfigMapName) }) {
		t.Errorf("no permission to write ConfigMap %s of %s: %+v", ConfigMapName, manager.Namespace, narrow)
	}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: manager.Spec.Template.Spec.ServiceAccountName, Namespace: manager.Namespace}
	if got := find[rbacv1.ClusterRoleBinding](t, all, "ClusterRoleBinding", permissions).Subjects; !slices.Equal(got, []rbacv1.Subject{account}) {
		t.Errorf("the ClusterRole is bound to %v, want %v", got, account)
	}
	if got := find[rbacv1.RoleBinding](t, all, "RoleBinding", permissions).Subjects; !slices.Equal(got, []rbacv1.Subject{account}) {
		t.Errorf("the Role is bound to %v, want %v", got, account)
	}
	without, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../../config/default")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range without.Resources() {
		if r.GetName() == permissions {
			t.Errorf("%s %s is there although the intake is off", r.GetKind(), r.GetName())
		}
	}
}

// permissions is the name of roles and bindings of the intake.
const permissions = "rollcall-operator-intake"

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
