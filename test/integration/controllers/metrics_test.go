package controllers_test

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// gather calls f with every series of a metric whose name begins so, its labels as name=value, sorted.
func gather(prefix string, f func(name string, labels []string, value float64)) {
	GinkgoHelper()
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), prefix) {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			slices.Sort(labels)
			f(family.GetName(), labels, m.GetGauge().GetValue()+m.GetCounter().GetValue()+float64(m.GetHistogram().GetSampleCount()))
		}
	}
}

// sample is the value of the series that has these labels and no others, -1 if there is none.
func sample(name string, labels ...string) float64 {
	GinkgoHelper()
	want, out := slices.Sorted(slices.Values(labels)), float64(-1)
	gather(name, func(found string, labels []string, value float64) {
		if found == name && slices.Equal(labels, want) {
			out = value
		}
	})
	return out
}

// series are the names of metrics that have a series with these labels, among others.
func series(prefix string, labels ...string) []string {
	GinkgoHelper()
	var out []string
	gather(prefix, func(name string, found []string, _ float64) {
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(found, l) }) {
			out = append(out, name)
		}
	})
	return slices.Compact(out)
}
