// Package publish writes what was computed to the API server: the status of inputs and whole outputs. Everything is
// compared in full with the live object before; what is equal is not written, what somebody else changed is put back.
package publish

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Conditions returns the wanted conditions as they are to be written: with the transition time of the live condition
// where the status did not move, else now; with the generation they were computed from, 0 for objects without a spec.
// want is left alone.
func Conditions(live, want []metav1.Condition, generation int64, now time.Time) []metav1.Condition {
	out := make([]metav1.Condition, len(want))
	for i, c := range want {
		c.ObservedGeneration = generation
		c.LastTransitionTime = metav1.NewTime(now.Truncate(time.Second))
		if old := find(live, c.Type); old != nil && old.Status == c.Status && !old.LastTransitionTime.IsZero() {
			c.LastTransitionTime = old.LastTransitionTime
		}
		out[i] = c
	}
	return out
}

// With returns the live conditions with one of them replaced, for a writer that has something to say about nothing else.
func With(live []metav1.Condition, c metav1.Condition, generation int64, now time.Time) []metav1.Condition {
	replaced := Conditions(live, []metav1.Condition{c}, generation, now)[0]
	var out []metav1.Condition
	found := false
	for _, old := range live {
		if old.Type == c.Type {
			old, found = replaced, true
		}
		out = append(out, old)
	}
	if !found {
		out = append(out, replaced)
	}
	return out
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}
