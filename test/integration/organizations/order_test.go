package organizations_test

import (
	"context"
	"math/rand/v2"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

var _ = Describe("The order of arrival", func() {
	It("S-90: a sample in three random orders has one outcome, and all of it is Ready", func(ctx context.Context) {
		objects := slices.DeleteFunc(cluster.Kustomized("config/samples/agent-feedback"), func(o unstructured.Unstructured) bool { return o.GetKind() == "Namespace" })
		op := start(cluster.ClockAt(opening))
		people := 0
		var namespaces []string
		for order := range uint64(3) {
			random := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), order))
			random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
			ns := namespace(ctx)
			namespaces = append(namespaces, ns)
			for _, o := range objects {
				o := o.DeepCopy()
				o.SetNamespace(ns)
				Expect(kube.Create(ctx, o)).To(Succeed(), "%s/%s", o.GetKind(), o.GetName())
				if order == 0 && o.GetKind() == "Teammate" {
					people++
				}
			}
		}
		Expect(people).To(BeNumerically(">", 0))
		var first map[string]string
		for order, ns := range namespaces {
			for _, o := range objects {
				Eventually(condition(ctx, o.GetKind(), ns, o.GetName(), "Ready")).Should(Equal("True/AsExpected"), o.GetKind()+"/"+o.GetName())
			}
			Eventually(func() int { return len(kube.Hashes(ctx, ns)) }).Should(BeNumerically(">=", people))
			op.Rest(ns)
			got := kube.Hashes(ctx, ns)
			Expect(got).NotTo(ContainElement(BeEmpty()))
			if first == nil {
				first = got
			}
			Expect(got).To(Equal(first), "order %d", order)
		}
	})
})
