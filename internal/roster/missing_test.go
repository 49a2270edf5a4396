package roster_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Member lists and teammates come, change and go in any order; who is missing is what a look at both would find.
func TestPropertyMissingMembers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := roster.New(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))
		groups, people := map[string]*rollcallv1.UserGroup{}, map[string]bool{}
		for range rapid.IntRange(1, 30).Draw(rt, "edits") {
			if rapid.Bool().Draw(rt, "person") {
				name := fmt.Sprint("t", rapid.IntRange(0, 4).Draw(rt, "teammate"))
				tm := &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Name: name}}
				people[name] = !people[name]
				r.Apply(roster.Change{Object: tm, Deleted: !people[name]})
			} else {
				g := &rollcallv1.UserGroup{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("g", rapid.IntRange(0, 1).Draw(rt, "group"))}}
				for _, i := range rapid.SliceOfDistinct(rapid.IntRange(0, 4), rapid.ID).Draw(rt, "members") {
					m := rollcallv1.Member{Name: fmt.Sprint("t", i)}
					if rapid.Bool().Draw(rt, "placed") {
						m.Position = new(int32(1))
					}
					g.Spec.Members = append(g.Spec.Members, m)
				}
				groups[g.Name] = g
				r.Apply(roster.Change{Object: g})
			}
			for name, g := range groups {
				var want []string
				for _, m := range g.Spec.Members {
					if !people[m.Name] {
						want = append(want, m.Name)
					}
				}
				slices.Sort(want)
				if got := r.MissingMembers(nil, name); !slices.Equal(got, want) {
					rt.Fatalf("missing in %s: %v, want %v", name, got, want)
				}
			}
		}
	})
}
