package organization

import (
	"encoding/json"
	"testing"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

var now = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func TestGenerateIsDeterministic(t *testing.T) {
	text := func(seed uint64) string {
		b, err := json.Marshal(Generate(Small, seed, now).Objects())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if first, again := text(1), text(1); first != again {
		t.Error("the same seed gives different organizations")
	}
	if text(1) == text(2) {
		t.Error("different seeds give the same organization")
	}
}

func TestShape(t *testing.T) {
	tests := map[string]struct {
		shape      Shape
		wantGiants int
	}{
		"small": {shape: Small, wantGiants: 1},
		"large": {shape: Large, wantGiants: 10},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o := Generate(tc.shape, 1, now)
			for kind, n := range map[string][2]int{
				"teammates": {len(o.Teammates), tc.shape.Teammates}, "groups": {len(o.Groups), tc.shape.Groups}, "profiles": {len(o.Profiles), tc.shape.Profiles},
				"profile roles": {len(o.ProfileRoles), tc.shape.ProfileRoles}, "departments": {len(o.Departments), tc.shape.Departments},
				"groups of 1,000": {len(o.Giants), tc.wantGiants}, "depth of includes": {depth(o), MaxDepth},
			} {
				if n[0] != n[1] {
					t.Errorf("%d %s, want %d", n[0], kind, n[1])
				}
			}
			var selectors, members, leaving int
			for _, g := range o.Groups {
				if g.Spec.MemberSelector != nil {
					selectors++
				}
				for _, m := range g.Spec.Members {
					members++
					if m.Until != nil {
						leaving++
					}
				}
			}
			if percent := 100 * selectors / len(o.Groups); percent != 20 {
				t.Errorf("%d%% of the groups are filled by a selector, want 20%%", percent)
			}
			if percent := 100 * float64(leaving) / float64(members); percent < 4 || percent > 6 {
				t.Errorf("%.1f%% of the members leave, want 5%%", percent)
			}
		})
	}
}

// depth is the greatest number of includes in a chain.
func depth(o *Organization) int {
	byName := map[string]*rollcallv1.UserGroup{}
	for _, g := range o.Groups {
		byName[g.Name] = g
	}
	var below func(name string) int
	below = func(name string) int {
		d := 0
		for _, i := range byName[name].Spec.Includes {
			d = max(d, 1+below(i.Name))
		}
		return d
	}
	deepest := 0
	for _, g := range o.Groups {
		deepest = max(deepest, below(g.Name))
	}
	return deepest
}
