package controllers_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// namespace makes one of its own for a spec.
func namespace(ctx context.Context) string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "desk-"}}
	Expect(kube.Create(ctx, ns)).To(Succeed())
	return ns.Name
}

// create creates objects, written as YAML documents without apiVersion.
func create(ctx context.Context, namespace, documents string) {
	GinkgoHelper()
	for document := range strings.SplitSeq(documents, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		var o unstructured.Unstructured
		Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed(), document)
		o.SetAPIVersion(rollcallv1.GroupVersion.String())
		o.SetNamespace(namespace)
		Expect(kube.Create(ctx, &o)).To(Succeed(), document)
	}
}

// patch merges YAML into an object.
func patch(ctx context.Context, o client.Object, namespace, name, change string) {
	GinkgoHelper()
	j, err := yaml.YAMLToJSON([]byte(change))
	Expect(err).NotTo(HaveOccurred())
	o.SetNamespace(namespace)
	o.SetName(name)
	Expect(kube.Patch(ctx, o, client.RawPatch(types.MergePatchType, j), client.FieldOwner("people"))).To(Succeed(), change)
}

// edit is patch without knowing the type.
func edit(ctx context.Context, kind, namespace, name, change string) {
	GinkgoHelper()
	var o unstructured.Unstructured
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetKind(kind)
	patch(ctx, &o, namespace, name, change)
}

// remove deletes an object.
func remove(ctx context.Context, kind, namespace, name string) {
	GinkgoHelper()
	var o unstructured.Unstructured
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	Expect(kube.Delete(ctx, &o)).To(Succeed())
}

func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, namespace, name string) func() (P, error) {
	return func() (P, error) {
		o := P(new(T))
		err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
		return o, err
	}
}

func access(ctx context.Context, namespace, name string) func() (*rollcallv1.EffectiveAccess, error) {
	return get[rollcallv1.EffectiveAccess](ctx, namespace, name)
}

// permissions returns what a teammate may do on a profile; empty without an EffectiveAccess.
func permissions(ctx context.Context, namespace, teammate, profile string) func() []string {
	return func() []string {
		ea, err := access(ctx, namespace, teammate)()
		if err != nil {
			return nil
		}
		for _, g := range ea.Status.Grants {
			if slices.Contains(g.Profiles, profile) {
				return g.Permissions
			}
		}
		return nil
	}
}

// candidates returns the names in a plan, in order.
func candidates(ctx context.Context, namespace, plan string) func() []string {
	return func() []string {
		rp, err := get[rollcallv1.RoutePlan](ctx, namespace, plan)()
		if err != nil {
			return nil
		}
		names := []string{}
		for _, c := range rp.Status.Candidates {
			names = append(names, c.Name)
		}
		return names
	}
}

// condition returns status, reason of a condition as "True/AsExpected", "" without it or when it speaks of another
// generation.
func condition(ctx context.Context, kind, namespace, name, condition string) func() string {
	return func() string {
		o := read(ctx, kind, namespace, name)
		if o == nil {
			return ""
		}
		list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, entry := range list {
			c := entry.(map[string]any)
			if c["type"] != condition {
				continue
			}
			if observed, ok := c["observedGeneration"]; ok && observed.(int64) != o.GetGeneration() {
				return ""
			}
			return c["status"].(string) + "/" + c["reason"].(string)
		}
		return ""
	}
}

func read(ctx context.Context, kind, namespace, name string) *unstructured.Unstructured {
	var o unstructured.Unstructured
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetKind(kind)
	err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return &o
}

// outputs returns every output of a namespace without what changes with each write: a picture to compare.
func outputs(ctx context.Context, namespace string) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	var accesses rollcallv1.EffectiveAccessList
	Expect(kube.List(ctx, &accesses, client.InNamespace(namespace))).To(Succeed())
	for _, o := range accesses.Items {
		forgetTimes(o.Status.Conditions)
		b, err := json.Marshal(o.Status)
		Expect(err).NotTo(HaveOccurred())
		out["EffectiveAccess/"+o.Name] = string(b)
	}
	var plans rollcallv1.RoutePlanList
	Expect(kube.List(ctx, &plans, client.InNamespace(namespace))).To(Succeed())
	for _, o := range plans.Items {
		forgetTimes(o.Status.Conditions)
		b, err := json.Marshal(o.Status)
		Expect(err).NotTo(HaveOccurred())
		out["RoutePlan/"+o.Name] = string(b)
	}
	return out
}

func forgetTimes(conditions []metav1.Condition) {
	for i := range conditions {
		conditions[i].LastTransitionTime = metav1.Time{}
	}
}

// shortest is the shortest organization of API.md.
const shortest = `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@fjordline.example}}
---
kind: Profile
metadata: {name: ig-quebec}
spec: {type: Social, platform: Instagram}
---
kind: UserGroup
metadata: {name: quebecois}
spec:
  members: [{name: ana}, {name: max}]
  profiles: [{name: ig-quebec}]
  permissionSet: {profileRoleRef: {name: create-publish}}
`

// desks is a small organization with an object of every kind: a department with hours, a dialing group, own roles.
const desks = shortest + `
---
kind: Schedule
metadata: {name: office}
spec: {timeZone: Etc/UTC, mode: Weekly, weekly: [{days: [Monday, Tuesday, Wednesday, Thursday, Friday], open: "09:00", close: "17:00"}]}
---
kind: AccountRole
metadata: {name: senior}
spec: {baseType: Agent, permissions: [conversations.handle, conversations.view]}
---
kind: ProfileRole
metadata: {name: replier}
spec: {permissions: [care.reply]}
---
kind: Teammate
metadata: {name: eva, labels: {language: fr}}
spec: {identity: {email: eva@fjordline.example}, accountRoleRef: {name: senior}}
---
kind: Profile
metadata: {name: chat}
spec: {type: Chat}
---
kind: UserGroup
metadata: {name: french}
spec:
  memberSelector: {matchLabels: {language: fr}}
  profiles: [{name: chat}]
  permissionSet: {profileRoleRef: {name: replier}}
---
kind: UserGroup
metadata: {name: phones}
spec:
  members: [{name: ana, position: 1}, {name: eva, position: 2}]
  voice: {dialing: {strategy: Sequential, maxRingTime: 15s, maxGroupDialingTime: 60s}}
---
kind: Department
metadata: {name: care}
spec: {groups: [{name: french}], profiles: [{name: chat}], scheduleRef: {name: office}}
`

// everyObject are the inputs of desks.
var everyObject = []struct{ kind, name string }{
	{"Organization", "default"}, {"Schedule", "office"}, {"AccountRole", "senior"}, {"ProfileRole", "replier"},
	{"Teammate", "ana"}, {"Teammate", "max"}, {"Teammate", "eva"}, {"Profile", "ig-quebec"}, {"Profile", "chat"},
	{"UserGroup", "quebecois"}, {"UserGroup", "french"}, {"UserGroup", "phones"}, {"Department", "care"},
}

func objectMeta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
