package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
)

// groupVersion is the API that is watched for readiness.
var groupVersion = schema.GroupVersion{Group: "rollcall.dev", Version: "v1alpha1"}

// routable are the kinds that have a RoutePlan each, whatever their spec says. A UserGroup has one when it dials.
var routable = []string{"Department", "Queue", "Campaign"}

// objects are the Rollcall objects of a namespace, by kind and sorted by name.
type objects map[string][]unstructured.Unstructured

// observer reads the Rollcall objects of a namespace.
type observer struct {
	client    dynamic.Interface
	namespace string
	resources []schema.GroupVersionResource // those of category rollcall
}

func newObserver(discover discovery.DiscoveryInterface, client dynamic.Interface, namespace string) (*observer, error) {
	list, err := discover.ServerResourcesForGroupVersion(groupVersion.String())
	if err != nil {
		return nil, fmt.Errorf("asking for the kinds of %s: %w", groupVersion, err)
	}
	o := &observer{client: client, namespace: namespace}
	for _, resource := range list.APIResources {
		if slices.Contains(resource.Categories, "rollcall") {
			o.resources = append(o.resources, groupVersion.WithResource(resource.Name))
		}
	}
	if len(o.resources) == 0 {
		return nil, fmt.Errorf("no kind of %s is in category rollcall", groupVersion)
	}
	return o, nil
}

func (o *observer) read(ctx context.Context) (objects, error) {
	all := make(objects)
	for _, resource := range o.resources {
		list, err := o.client.Resource(resource).Namespace(o.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", resource.Resource, err)
		}
		for _, item := range list.Items {
			all[item.GetKind()] = append(all[item.GetKind()], item)
		}
	}
	for _, items := range all {
		slices.SortFunc(items, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	}
	return all, nil
}

// count is the number of objects of all kinds.
func (all objects) count() int {
	n := 0
	for _, items := range all {
		n += len(items)
	}
	return n
}

// find returns the object of that kind and name.
func (all objects) find(kind, name string) (unstructured.Unstructured, bool) {
	i := slices.IndexFunc(all[kind], func(o unstructured.Unstructured) bool { return o.GetName() == name })
	if i < 0 {
		return unstructured.Unstructured{}, false
	}
	return all[kind][i], true
}

// unready says what is not as it must be in the end, one line an object, sorted: an object whose condition Ready is absent,
// out of date or not True; a Teammate without its EffectiveAccess; a target without its RoutePlan.
func unready(all objects) []string {
	var lines []string
	for kind, items := range all {
		for _, item := range items {
			if why := whyNot(item, "Ready"); why != "" {
				lines = append(lines, kind+"/"+item.GetName()+": "+why)
			}
		}
	}
	expect := func(owner unstructured.Unstructured, kind, name string) {
		output, found := all.find(kind, name)
		switch {
		case !found:
			lines = append(lines, kind+"/"+name+": does not exist")
		case !ownedBy(output, owner):
			lines = append(lines, kind+"/"+name+": is not owned by "+owner.GetKind()+"/"+owner.GetName())
		}
	}
	for _, teammate := range all["Teammate"] {
		expect(teammate, "EffectiveAccess", teammate.GetName())
	}
	for _, kind := range routable {
		for _, target := range all[kind] {
			expect(target, "RoutePlan", planOf(kind, target.GetName()))
		}
	}
	for _, group := range all["UserGroup"] {
		if dials(group) {
			expect(group, "RoutePlan", planOf("UserGroup", group.GetName()))
		}
	}
	slices.Sort(lines)
	return lines
}

// planOf is the name of the RoutePlan of a target.
func planOf(kind, name string) string { return strings.ToLower(kind) + "-" + name }

// dials tells whether a UserGroup takes part in dialing.
func dials(group unstructured.Unstructured) bool {
	_, found, _ := unstructured.NestedMap(group.Object, "spec", "voice", "dialing")
	return found
}

// ownedBy tells whether the output belongs to the object that now has the owner's name: one left over from an earlier object
// of that name does not.
func ownedBy(output, owner unstructured.Unstructured) bool {
	return slices.ContainsFunc(output.GetOwnerReferences(), func(reference metav1.OwnerReference) bool {
		return reference.UID == owner.GetUID()
	})
}

// whyNot is empty when the condition is True and speaks of the current spec.
func whyNot(object unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		condition, _ := entry.(map[string]any)
		if condition["type"] != kind {
			continue
		}
		// Outputs have no spec and their conditions no observedGeneration.
		if observed, found := condition["observedGeneration"].(int64); found && observed < object.GetGeneration() {
			return fmt.Sprintf("%s speaks of generation %d, the object is at %d", kind, observed, object.GetGeneration())
		}
		if condition["status"] == "True" {
			return ""
		}
		return strings.TrimSpace(fmt.Sprintf("%s=%v %v: %v", kind, condition["status"], condition["reason"], condition["message"]))
	}
	return "no condition " + kind
}
