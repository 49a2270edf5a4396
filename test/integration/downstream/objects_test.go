package downstream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// takenIn waits until an operator that runs has taken in everything that people wrote: somebody whom it first hears of when they
// are archived already has nothing to be taken away.
func takenIn(ctx context.Context, namespace string) {
	GinkgoHelper()
	if !operator.runs() {
		return
	}
	for _, kind := range []string{"AccountRole", "Department", "Profile", "ProfileRole", "Schedule", "Teammate", "UserGroup"} {
		var list unstructured.UnstructuredList
		list.SetGroupVersionKind(rollcallv1.GroupVersion.WithKind(kind + "List"))
		Expect(kube.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
		for _, o := range list.Items {
			Eventually(condition(ctx, kind, namespace, o.GetName(), "Ready")).ShouldNot(BeEmpty(), "%s %s", kind, o.GetName())
		}
	}
}

// together has the operator see several edits as one: the organization is suspended meanwhile.
func together(ctx context.Context, namespace string, edits func()) {
	GinkgoHelper()
	edit(ctx, "Organization", namespace, "default", "{spec: {suspend: true}}")
	Eventually(condition(ctx, "Organization", namespace, "default", "Suspended")).Should(Equal("True/Requested"))
	edits()
	edit(ctx, "Organization", namespace, "default", "{spec: {suspend: false}}")
}

// events returns a function that gives the events of a Downstream as "Reason: note".
func (t *target) events(ctx context.Context) func() []string {
	return func() (out []string) {
		var list eventsv1.EventList
		Expect(kube.List(ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
		for _, e := range list.Items {
			if e.Regarding.Kind == "Downstream" && e.Regarding.Name == t.name {
				out = append(out, e.Reason+": "+e.Note)
			}
		}
		return out
	}
}

// secret writes the Secret of the Downstream, opted in, with further changes.
func (t *target) secret(ctx context.Context, change func(*corev1.Secret)) {
	GinkgoHelper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.name + "-dsn"}}
	err := kube.Get(ctx, client.ObjectKeyFromObject(s), s)
	Expect(client.IgnoreNotFound(err)).To(Succeed())
	s.Labels = map[string]string{rollcallv1.LabelDownstream: t.name}
	s.Annotations = nil
	s.Data = map[string][]byte{"dsn": []byte(t.dsn()), "ca.crt": database.CA}
	if change != nil {
		change(s)
	}
	said.mustNotSay(string(s.Data["dsn"]))
	if err != nil {
		Expect(kube.Create(ctx, s)).To(Succeed())
		return
	}
	Expect(kube.Update(ctx, s)).To(Succeed())
}

const organization = "kind: Organization\nmetadata: {name: default}\n"

// person is a Teammate with an e-mail address after its name.
func person(name, spec string) string {
	return fmt.Sprintf("\n---\nkind: Teammate\nmetadata: {name: %s}\nspec: {identity: {email: %s@fjordline.example}%s}", name, name, spec)
}

// people are n of them, called p-0 and so on.
func people(n int, spec string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(person(fmt.Sprintf("p-%d", i), spec))
	}
	return b.String()
}

func group(name, spec string) string {
	return fmt.Sprintf("\n---\nkind: UserGroup\nmetadata: {name: %s}\nspec: {%s}", name, spec)
}

// groups are n of them, called g-00 and so on, with the one member.
func groups(n int, member string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(group(fmt.Sprintf("g-%02d", i), "members: [{name: "+member+"}]"))
	}
	return b.String()
}

// versionsOf are the versions of all objects of ours in a namespace, but of the Organization, whose counts come late; an object that is written, though with no difference, keeps its
// version, and one that is made or deleted shows.
func versionsOf(ctx context.Context, namespace string) (out []string) {
	for _, kind := range []string{"Teammate", "UserGroup", "EffectiveAccess", "RoutePlan", "Ledger", "Downstream"} {
		var list unstructured.UnstructuredList
		list.SetAPIVersion(rollcallv1.GroupVersion.String())
		list.SetKind(kind + "List")
		Expect(kube.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
		for _, o := range list.Items {
			out = append(out, kind+"/"+o.GetName()+" "+o.GetResourceVersion())
		}
	}
	return out
}

// settled waits until something has been the same for a while.
func settled(what func() []string) {
	GinkgoHelper()
	last, since := what(), time.Now()
	Eventually(func() bool {
		if now := what(); !slices.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	}).Should(BeTrue(), "it changes on and on")
}
