package api_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// objectsIn reads the objects of this API in a file, moved to the namespace of the suite.
func objectsIn(file string) []*unstructured.Unstructured {
	GinkgoHelper()
	content, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	var found []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		Expect(err).NotTo(HaveOccurred())
		read := new(unstructured.Unstructured)
		Expect(yaml.Unmarshal(document, &read.Object)).To(Succeed())
		if read.GroupVersionKind().GroupVersion() != rollcallv1.GroupVersion {
			continue
		}
		read.SetNamespace(namespace)
		found = append(found, read)
	}
}

var _ = Describe("Examples", func() {
	admit := func(ctx context.Context, pattern string) {
		GinkgoHelper()
		files, err := filepath.Glob(pattern)
		Expect(err).NotTo(HaveOccurred())
		admitted := 0
		for _, file := range files {
			for _, example := range objectsIn(file) {
				Expect(tryCreate(ctx, example)).To(Succeed(), "%s: %s %s", file, example.GetKind(), example.GetName())
				admitted++
			}
		}
		Expect(admitted).NotTo(BeZero())
	}

	It("of the contract are admitted", func(ctx context.Context) { admit(ctx, "testdata/examples.yaml") })
	It("of every kind are among them", func() {
		kinds := make(map[string]bool)
		for _, example := range objectsIn("testdata/examples.yaml") {
			kinds[example.GetKind()] = true
		}
		Expect(kinds).To(HaveLen(16))
	})
	It("of the scenarios are admitted", func(ctx context.Context) { admit(ctx, "../../scenarios/*/in.yaml") })
	It("of config/samples are admitted", func(ctx context.Context) { admit(ctx, "../../../config/samples/*/*.yaml") })
})
