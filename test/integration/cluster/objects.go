package cluster

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Namespace makes one of its own for a spec.
func (c *Cluster) Namespace(ctx context.Context) string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "desk-"}}
	Expect(c.Create(ctx, ns)).To(Succeed())
	return ns.Name
}

// PassingNamespace is Namespace, and empties it at the end of the spec: where each spec has an operator of its own, which takes in
// all that there is, every spec would wait for what those before it left.
func (c *Cluster) PassingNamespace(ctx context.Context) string {
	GinkgoHelper()
	ns := c.Namespace(ctx)
	DeferCleanup(c.empty, ns)
	return ns
}

func (c *Cluster) empty(ctx context.Context, namespace string) {
	GinkgoHelper()
	for _, o := range c.operators { // they would put back what is taken away
		o.Stop()
	}
	c.operators = nil
	for _, crd := range c.Environment.CRDs {
		Expect(c.DeleteAllOf(ctx, Object(crd.Spec.Names.Kind, "", ""), client.InNamespace(namespace))).To(Succeed(), crd.Name)
	}
	var downstreams rollcallv1.DownstreamList
	Expect(c.List(ctx, &downstreams, client.InNamespace(namespace))).To(Succeed())
	for _, d := range downstreams.Items {
		letGo := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
		Expect(client.IgnoreNotFound(c.Patch(ctx, &d, letGo))).To(Succeed(), d.Name)
	}
}

// Object is an object of one of our kinds, without content.
func Object(kind, namespace, name string) *unstructured.Unstructured {
	var o unstructured.Unstructured
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return &o
}

// Make creates objects of our kinds, written as YAML documents without apiVersion.
func (c *Cluster) Make(ctx context.Context, namespace, documents string) {
	GinkgoHelper()
	for document := range strings.SplitSeq(documents, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		var o unstructured.Unstructured
		Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed(), document)
		o.SetAPIVersion(rollcallv1.GroupVersion.String())
		o.SetNamespace(namespace)
		Expect(c.Create(ctx, &o)).To(Succeed(), document)
	}
}

// Merge merges YAML into an object.
func (c *Cluster) Merge(ctx context.Context, o client.Object, change string) {
	GinkgoHelper()
	j, err := yaml.YAMLToJSON([]byte(change))
	Expect(err).NotTo(HaveOccurred())
	Expect(c.Patch(ctx, o, client.RawPatch(types.MergePatchType, j), client.FieldOwner("people"))).To(Succeed(), change)
}

// Edit is Merge for one of our kinds.
func (c *Cluster) Edit(ctx context.Context, kind, namespace, name, change string) {
	GinkgoHelper()
	c.Merge(ctx, Object(kind, namespace, name), change)
}

// Remove deletes an object of one of our kinds.
func (c *Cluster) Remove(ctx context.Context, kind, namespace, name string) {
	GinkgoHelper()
	Expect(c.Delete(ctx, Object(kind, namespace, name))).To(Succeed())
}

// Read returns an object of one of our kinds, nil if there is none.
func (c *Cluster) Read(ctx context.Context, kind, namespace, name string) *unstructured.Unstructured {
	GinkgoHelper()
	o := Object(kind, namespace, name)
	err := c.Get(ctx, client.ObjectKeyFromObject(o), o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return o
}

// Condition returns a function that gives a condition as "True/AsExpected", "" without it or when it speaks of another generation.
func (c *Cluster) Condition(ctx context.Context, kind, namespace, name, condition string) func() string {
	return func() string {
		o := c.Read(ctx, kind, namespace, name)
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

// Get returns a function that reads an object of a type.
func Get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, c *Cluster, namespace, name string) func() (P, error) {
	return func() (P, error) {
		o := P(new(T))
		err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
		return o, err
	}
}

// Access is Get for the EffectiveAccess of a teammate.
func (c *Cluster) Access(ctx context.Context, namespace, teammate string) func() (*rollcallv1.EffectiveAccess, error) {
	return Get[rollcallv1.EffectiveAccess](ctx, c, namespace, teammate)
}

// Candidates returns a function that gives the names in a plan, in order.
func (c *Cluster) Candidates(ctx context.Context, namespace, plan string) func() []string {
	return func() []string {
		rp, err := Get[rollcallv1.RoutePlan](ctx, c, namespace, plan)()
		if err != nil {
			return nil
		}
		names := []string{}
		for _, candidate := range rp.Status.Candidates {
			names = append(names, candidate.Name)
		}
		return names
	}
}

// EventsOf returns a function that gives the Events of a namespace with a reason; with all reasons for "".
func (c *Cluster) EventsOf(ctx context.Context, namespace, reason string) func() ([]eventsv1.Event, error) {
	return func() ([]eventsv1.Event, error) {
		var list eventsv1.EventList
		if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
		out := []eventsv1.Event{}
		for _, e := range list.Items {
			if reason == "" || e.Reason == reason {
				out = append(out, e)
			}
		}
		return out, nil
	}
}

// Ledgers returns a function that gives those of a namespace.
func (c *Cluster) Ledgers(ctx context.Context, namespace string) func() ([]rollcallv1.Ledger, error) {
	return func() ([]rollcallv1.Ledger, error) {
		var list rollcallv1.LedgerList
		err := c.List(ctx, &list, client.InNamespace(namespace))
		return list.Items, err
	}
}

// Hashes returns those of all outputs of a namespace by kind and name: equal hashes, equal results.
func (c *Cluster) Hashes(ctx context.Context, namespace string) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	var accesses rollcallv1.EffectiveAccessList
	Expect(c.List(ctx, &accesses, client.InNamespace(namespace))).To(Succeed())
	for _, o := range accesses.Items {
		out["EffectiveAccess/"+o.Name] = o.Status.Hash
	}
	var plans rollcallv1.RoutePlanList
	Expect(c.List(ctx, &plans, client.InNamespace(namespace))).To(Succeed())
	for _, o := range plans.Items {
		out["RoutePlan/"+o.Name] = o.Status.Hash
	}
	return out
}
