package permission

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	long := strings.Repeat("a", 32)
	tests := map[string]struct {
		pattern      string
		wantPattern  bool
		wantConcrete bool
	}{
		"everything":                {pattern: "*", wantPattern: true},
		"a module":                  {pattern: "care.*", wantPattern: true},
		"a verb":                    {pattern: "*.reply", wantPattern: true},
		"a concrete permission":     {pattern: "care.directMessage", wantPattern: true, wantConcrete: true},
		"digits after the first":    {pattern: "c4.v2", wantPattern: true, wantConcrete: true},
		"longest words":             {pattern: long + "." + long, wantPattern: true, wantConcrete: true},
		"word too long":             {pattern: long + "a.view"},
		"verb too long":             {pattern: "care." + long + "a"},
		"two wildcards":             {pattern: "*.*"},
		"half a wildcard":           {pattern: "ca*.view"},
		"no dot":                    {pattern: "care"},
		"two dots":                  {pattern: "care.reply.all"},
		"empty":                     {pattern: ""},
		"empty verb":                {pattern: "care."},
		"empty module":              {pattern: ".view"},
		"capital first":             {pattern: "Care.view"},
		"digit first":               {pattern: "care.2view"},
		"hyphen":                    {pattern: "care.direct-message"},
		"letter outside the basics": {pattern: "cäre.view"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ValidPattern(tc.pattern); got != tc.wantPattern {
				t.Errorf("ValidPattern(%q) = %v, want %v", tc.pattern, got, tc.wantPattern)
			}
			if got := ValidConcrete(tc.pattern); got != tc.wantConcrete {
				t.Errorf("ValidConcrete(%q) = %v, want %v", tc.pattern, got, tc.wantConcrete)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	tests := map[string]struct {
		pattern, perm string
		want          bool
	}{
		"wildcard matches unknown strings":  {pattern: "*", perm: "video.start", want: true},
		"module":                            {pattern: "care.*", perm: "care.reply", want: true},
		"other module":                      {pattern: "care.*", perm: "career.reply"},
		"verb":                              {pattern: "*.reply", perm: "care.reply", want: true},
		"other verb":                        {pattern: "*.reply", perm: "care.replyAll"},
		"itself":                            {pattern: "care.reply", perm: "care.reply", want: true},
		"not the view that it implies":      {pattern: "care.reply", perm: "care.view"},
		"a pattern that is not valid":       {pattern: "*.*", perm: "care.reply"},
		"conversation is a module like any": {pattern: "*.reply", perm: "conversation.reply", want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Match(tc.pattern, tc.perm); got != tc.want {
				t.Errorf("Match(%q, %q) = %v, want %v", tc.pattern, tc.perm, got, tc.want)
			}
			if got := CompileDenies([]string{tc.pattern}).Match(tc.perm); got != tc.want {
				t.Errorf("CompileDenies(%q).Match(%q) = %v, want %v", tc.pattern, tc.perm, got, tc.want)
			}
		})
	}
}

func TestWellKnown(t *testing.T) {
	account, profile := WellKnown(Account), WellKnown(Profile)
	// 13 modules of the account scope and 7 of the profile scope, counted in API section 3.
	if got, want := len(account), 53; got != want {
		t.Errorf("got %d account permissions, want %d", got, want)
	}
	if got, want := len(profile), 45; got != want {
		t.Errorf("got %d profile permissions, want %d", got, want)
	}
	for scope, perms := range map[string][]string{"account": account, "profile": profile} {
		if !slices.IsSorted(perms) || len(slices.Compact(slices.Clone(perms))) != len(perms) {
			t.Errorf("%s permissions are not sorted or not unique: %v", scope, perms)
		}
		for _, p := range perms {
			if !ValidConcrete(p) {
				t.Errorf("%s permission %q is not concrete", scope, p)
			}
			if strings.HasPrefix(p, "conversation.") {
				t.Errorf("%s catalogue has %s, which is for mention grants only", scope, p)
			}
		}
	}
}

// role is what one source of a permission contributes; TestAlgebra unites several as R-9 does.
type role struct{ permissions, denies []string }

func TestAlgebra(t *testing.T) {
	tests := map[string]struct {
		vocabulary []string
		roles      []role
		denies     []string
		ceiling    []string
		want       []string
	}{
		"S-07 a deny of one role wins over the grant of another": {
			roles:   []role{{permissions: []string{"care.view"}, denies: []string{"care.delete"}}, {permissions: []string{"care.delete", "care.reply"}}},
			ceiling: []string{"*"},
			want:    []string{"care.reply", "care.view"},
		},
		"S-08 the ceiling removes other modules": {
			roles:   []role{{permissions: []string{"care.reply", "community.reply"}}},
			ceiling: []string{"community.*", "publisher.*"},
			want:    []string{"community.reply", "community.view"},
		},
		"S-65 permissions and denies of two includes": {
			roles:   []role{{permissions: []string{"care.delete"}}, {permissions: []string{"care.reply"}}, {denies: []string{"care.delete"}}},
			ceiling: []string{"*"},
			want:    []string{"care.reply", "care.view"},
		},
		"S-81 unknown string in the role that names it": {
			roles:   []role{{permissions: []string{"video.start"}}},
			ceiling: []string{"*"},
			want:    []string{"video.start", "video.view"},
		},
		"S-81 patterns of other roles do not reach it": {
			roles:   []role{{permissions: []string{"video.*", "care.label"}}},
			ceiling: []string{"*"},
			want:    []string{"care.label", "care.view"},
		},
		"S-81 vocabulary makes it known to patterns": {
			vocabulary: []string{"video.start"},
			roles:      []role{{permissions: []string{"video.*"}}},
			ceiling:    []string{"*"},
			want:       []string{"video.start", "video.view"},
		},
		"S-82 denying view removes the module": {
			roles:   []role{{permissions: []string{"care.reply", "publisher.publish"}}},
			denies:  []string{"care.view"},
			ceiling: []string{"*"},
			want:    []string{"publisher.publish", "publisher.view"},
		},
		"S-83 a ceiling of views": {
			roles:   []role{{permissions: []string{"*.reply"}}},
			ceiling: []string{"*.view"},
			want:    []string{"care.view", "chat.view", "community.view", "publisher.view"},
		},
		"S-84 a deny of the organization": {
			roles:   []role{{permissions: []string{"publisher.delete", "publisher.label"}}},
			denies:  []string{"publisher.delete"},
			ceiling: []string{"*"},
			want:    []string{"publisher.label", "publisher.view"},
		},
		"S-84 conversation in a profile role is dropped": {
			roles:   []role{{permissions: []string{"conversation.reply", "conversation.*", "care.label"}}},
			ceiling: []string{"*"},
			want:    []string{"care.label", "care.view"},
		},
		"a deny by pattern reaches unknown strings": {
			roles:   []role{{permissions: []string{"video.start", "care.label"}}},
			denies:  []string{"video.*"},
			ceiling: []string{"*"},
			want:    []string{"care.label", "care.view"},
		},
		"a ceiling that names a verb keeps the view of its module": {
			roles:   []role{{permissions: []string{"care.reply", "care.delete"}}},
			ceiling: []string{"care.reply"},
			want:    []string{"care.reply", "care.view"},
		},
		"a ceiling that names a verb which the set lacks keeps the view": {
			roles:   []role{{permissions: []string{"care.delete"}}},
			ceiling: []string{"care.reply"},
			want:    []string{"care.view"},
		},
		"but not when neither catalogue nor set has that verb": {
			roles:   []role{{permissions: []string{"video.start"}}},
			ceiling: []string{"video.stop"},
		},
		"a ceiling reaches unknown strings of the set": {
			roles:   []role{{permissions: []string{"video.start", "care.label"}}},
			ceiling: []string{"video.*"},
			want:    []string{"video.start", "video.view"},
		},
		"no ceiling pattern leaves nothing": {
			roles: []role{{permissions: []string{"*"}}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			c := NewCatalogue(table, Profile, tc.vocabulary)
			var granted []Set
			denies := [][]string{tc.denies}
			for _, r := range tc.roles {
				s, _ := c.Expand(r.permissions)
				granted = append(granted, s)
				denies = append(denies, r.denies)
			}
			v := table.Fold(table.Without(table.Close(Union(granted...)), CompileDenies(denies...)))
			if diff := cmp.Diff(tc.want, table.Strings(c.Ceiling(v, tc.ceiling))); diff != "" {
				t.Errorf("unexpected permissions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpandReportsUnknown(t *testing.T) {
	tests := map[string]struct {
		scope       Scope
		vocabulary  []string
		patterns    []string
		want        []string
		wantUnknown []string
	}{
		"known": {scope: Profile, patterns: []string{"chat.close", "listening.*"}, want: []string{"chat.close", "listening.export", "listening.view"}},
		"unknown concrete strings are granted and reported": {
			scope: Profile, patterns: []string{"video.stop", "video.start", "care.fly"},
			want: []string{"care.fly", "video.start", "video.stop"}, wantUnknown: []string{"care.fly", "video.start", "video.stop"},
		},
		"patterns that match nothing are reported": {scope: Profile, patterns: []string{"video.*", "*.fly"}, wantUnknown: []string{"*.fly", "video.*"}},
		"vocabulary brings the view of its module": {
			scope: Profile, vocabulary: []string{"video.start"}, patterns: []string{"video.*"}, want: []string{"video.start", "video.view"},
		},
		"vocabulary counts in both scopes": {
			scope: Account, vocabulary: []string{"video.start"}, patterns: []string{"*.start", "video.view"}, want: []string{"video.start", "video.view"},
		},
		"conversation is dropped from profile roles":        {scope: Profile, patterns: []string{"conversation.reply"}, wantUnknown: []string{"conversation.reply"}},
		"conversation cannot enter through the vocabulary":  {scope: Profile, vocabulary: []string{"conversation.reply"}, patterns: []string{"conversation.*"}, wantUnknown: []string{"conversation.*"}},
		"the scopes are apart":                              {scope: Account, patterns: []string{"care.*", "groups.view"}, want: []string{"groups.view"}, wantUnknown: []string{"care.*"}},
		"each report once, and strings that are no pattern": {scope: Account, patterns: []string{"*.*", "x", "x", "video.*", "video.*"}, wantUnknown: []string{"*.*", "video.*", "x"}},
		"nothing": {scope: Account},
		"strings that are no permission stay out of the rest": {scope: Account, vocabulary: []string{"x", "*.go", "a.b.c"}, patterns: []string{"*.go"}, wantUnknown: []string{"*.go"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			granted, unknown := NewCatalogue(table, tc.scope, tc.vocabulary).Expand(tc.patterns)
			if diff := cmp.Diff(tc.want, table.Strings(granted)); diff != "" {
				t.Errorf("unexpected grants (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantUnknown, unknown); diff != "" {
				t.Errorf("unexpected report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpandOfEverythingIsTheCatalogue(t *testing.T) {
	table := NewTable()
	for _, scope := range []Scope{Account, Profile} {
		c := NewCatalogue(table, scope, nil)
		granted, unknown := c.Expand([]string{"*"})
		if diff := cmp.Diff(WellKnown(scope), table.Strings(granted)); diff != "" || unknown != nil {
			t.Errorf("scope %d: unexpected expansion of * (-want +got):\n%s, unknown %v", scope, diff, unknown)
		}
		if !granted.Equal(c.Known()) {
			t.Errorf("scope %d: Known differs from the expansion of *", scope)
		}
	}
}

func TestApprovalRequired(t *testing.T) {
	tests := map[string]struct {
		perms []string
		want  []string
	}{
		"create alone":                 {perms: []string{"publisher.create", "care.create", "publisher.view"}, want: []string{"care", "publisher"}},
		"create and publish":           {perms: []string{"publisher.create", "publisher.publish"}},
		"publish of another module":    {perms: []string{"publisher.create", "care.publish"}, want: []string{"publisher"}},
		"a module of no catalogue":     {perms: []string{"video.create"}, want: []string{"video"}},
		"neither":                      {perms: []string{"care.reply"}},
		"nothing":                      {},
		"publish was met after create": {perms: []string{"zeta.create", "alpha.create", "zeta.publish"}, want: []string{"alpha"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			if diff := cmp.Diff(tc.want, ApprovalRequired(table, table.Of(tc.perms...))); diff != "" {
				t.Errorf("unexpected modules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestZeroValues(t *testing.T) {
	table := NewTable()
	var none Set
	some := table.Of("care.view")
	if !none.Empty() || none.Len() != 0 || table.Strings(none) != nil || !none.Equal(Set{}) {
		t.Error("the zero Set is not the empty set")
	}
	if !Union().Empty() || !Union(none, none).Empty() || !Union(none, some).Equal(some) {
		t.Error("Union does not take the zero Set as empty")
	}
	if !Subtract(some, some).Equal(none) || !Intersect(some, none).Equal(none) {
		t.Error("an empty result differs from the zero Set")
	}
	if (Denies{}).Match("care.view") || !(Denies{}).Empty() || !table.Without(some, Denies{}).Equal(some) {
		t.Error("the zero Denies denies something")
	}
	if !(Limit{}).Apply(some).Empty() {
		t.Error("the zero Limit lets something through")
	}
	if table.Has(some, "care.fly") || table.Has(none, "care.view") {
		t.Error("Has found what is not there")
	}
}

// TestGrowingTable pins that what was compiled or made before a table grew is right afterwards: denies and ceilings
// remember matches, and sets get longer words.
func TestGrowingTable(t *testing.T) {
	table := NewTable()
	c := NewCatalogue(table, Profile, nil)
	denies := CompileDenies([]string{"*.forbidden"})
	ceiling := c.CompileCeiling([]string{"*.allowed"})
	early := table.Of("care.view", "care.reply")
	if got := table.Strings(table.Without(early, denies)); !slices.Equal(got, []string{"care.reply", "care.view"}) {
		t.Fatalf("unexpected early result %v", got)
	}
	var late []string
	for i := range 100 {
		late = append(late, fmt.Sprintf("m%d.allowed", i), fmt.Sprintf("m%d.forbidden", i))
	}
	s := table.Close(Union(early, table.Of(late...)))
	kept := table.Without(s, denies)
	if got, want := kept.Len(), 2+200; got != want {
		t.Errorf("got %d permissions after the deny, want %d", got, want)
	}
	limited := ceiling.Apply(kept)
	if got, want := limited.Len(), 200; got != want {
		t.Errorf("got %d permissions under the ceiling, want %d", got, want)
	}
	if !table.Has(limited, "m99.allowed") || !table.Has(limited, "m99.view") || table.Has(limited, "care.view") {
		t.Errorf("unexpected permissions under the ceiling: %v", table.Strings(limited))
	}
	if got := table.Strings(early); !slices.Equal(got, []string{"care.reply", "care.view"}) {
		t.Errorf("an early set changed to %v", got)
	}
}

// TestTableInParallel is for the race detector: readers, growth and the memory of denies at the same time.
func TestTableInParallel(t *testing.T) {
	table := NewTable()
	c := NewCatalogue(table, Profile, nil)
	denies := CompileDenies([]string{"*.v3"})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 50 {
				s := table.Close(table.Of(fmt.Sprintf("m%d.v%d", worker, i), "care.reply"))
				v := c.Ceiling(table.Fold(table.Without(s, denies)), []string{"care.*"})
				if got := table.Strings(v); !slices.Equal(got, []string{"care.reply", "care.view"}) {
					t.Errorf("unexpected result %v", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		scope := drawScope.Draw(rt, "scope")
		vocabulary := drawPerms.Draw(rt, "vocabulary")
		grants, denies, ceiling := drawPatterns.Draw(rt, "grants"), drawPatterns.Draw(rt, "denies"), drawPatterns.Draw(rt, "ceiling")
		noise := drawPerms.Draw(rt, "noise")

		table := NewTable()
		table.Of(noise...)
		c := NewCatalogue(table, scope, vocabulary)
		expanded, _ := c.Expand(grants)
		closed := table.Close(expanded)
		denied := table.Without(closed, CompileDenies(denies))
		folded := table.Fold(denied)
		v := c.Ceiling(folded, ceiling)

		known := naiveCatalogue(scope, vocabulary)
		wantExpanded := naiveExpand(scope, known, grants)
		wantClosed := naiveClose(wantExpanded)
		wantDenied := naiveWithout(wantClosed, denies)
		wantFolded := naiveFold(wantDenied)
		want := naiveCeiling(known, wantFolded, ceiling)

		for _, step := range []struct {
			name string
			got  Set
			want strset
		}{
			{"catalogue", c.Known(), known}, {"expand", expanded, wantExpanded}, {"close", closed, wantClosed},
			{"deny", denied, wantDenied}, {"fold", folded, wantFolded}, {"ceiling", v, want},
		} {
			if diff := cmp.Diff(step.want.sorted(), table.Strings(step.got)); diff != "" {
				rt.Fatalf("%s differs (-want +got):\n%s", step.name, diff)
			}
			if step.got.Len() != len(step.want) {
				rt.Fatalf("%s has length %d, want %d", step.name, step.got.Len(), len(step.want))
			}
		}
	})
}

func TestUnknownAgainstNaive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		scope := drawScope.Draw(rt, "scope")
		vocabulary, grants := drawPerms.Draw(rt, "vocabulary"), drawPatterns.Draw(rt, "grants")
		known := naiveCatalogue(scope, vocabulary)
		want := strset{}
		for _, g := range grants {
			reaches := false
			for p := range known {
				reaches = reaches || naiveMatch(g, p)
			}
			if !reaches {
				want[g] = true
			}
		}
		_, got := NewCatalogue(NewTable(), scope, vocabulary).Expand(grants)
		if diff := cmp.Diff(want.sorted(), got); diff != "" {
			rt.Fatalf("unknown differs (-want +got):\n%s", diff)
		}
	})
}

func TestSetAlgebraAgainstNaive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := NewTable()
		// Padding moves the members into later words, where sets of different lengths meet.
		for i := range rapid.IntRange(0, 3).Draw(rt, "padding") * 40 {
			table.Of(fmt.Sprintf("pad%d.view", i))
		}
		a, b, d := drawPerms.Draw(rt, "a"), drawPerms.Draw(rt, "b"), drawPerms.Draw(rt, "d")
		sa, sb, sd := table.Of(a...), table.Of(b...), table.Of(d...)
		na, nb := naiveOf(a...), naiveOf(b...)
		both, onlyA := strset{}, strset{}
		for p := range na {
			if nb[p] {
				both[p] = true
			} else {
				onlyA[p] = true
			}
		}
		for name, tc := range map[string]struct {
			got  Set
			want strset
		}{
			"union":     {Union(sa, sb, sd), naiveUnion(na, nb, naiveOf(d...))},
			"intersect": {Intersect(sa, sb), both},
			"subtract":  {Subtract(sa, sb), onlyA},
			"a":         {sa, na},
			"b":         {sb, nb},
		} {
			if diff := cmp.Diff(tc.want.sorted(), table.Strings(tc.got)); diff != "" {
				rt.Fatalf("%s differs (-want +got):\n%s", name, diff)
			}
		}
		if got, want := sa.Equal(sb), slices.Equal(na.sorted(), nb.sorted()); got != want {
			rt.Fatalf("Equal = %v, want %v", got, want)
		}
	})
}

// TestProperties has the laws that other packages rely on, stated without the reference implementation.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := NewTable()
		c := NewCatalogue(table, drawScope.Draw(rt, "scope"), drawPerms.Draw(rt, "vocabulary"))
		var sources []Set
		for range rapid.IntRange(0, 3).Draw(rt, "sources") {
			s, _ := c.Expand(drawPatterns.Draw(rt, "grants"))
			sources = append(sources, s)
		}
		denyPatterns, ceiling := drawPatterns.Draw(rt, "denies"), drawPatterns.Draw(rt, "ceiling")
		denies := CompileDenies(denyPatterns)
		closed := table.Close(Union(sources...))
		folded := table.Fold(table.Without(closed, denies))
		v := c.Ceiling(folded, ceiling)

		if !table.Close(closed).Equal(closed) {
			rt.Fatal("close is not idempotent")
		}
		if !table.Fold(folded).Equal(folded) || !table.Close(folded).Equal(folded) {
			rt.Fatal("a folded set is not folded, or not closed")
		}
		if !c.Ceiling(v, ceiling).Equal(v) {
			rt.Fatal("the ceiling is not idempotent")
		}
		if !c.CompileCeiling(ceiling).Apply(folded).Equal(v) {
			rt.Fatal("a compiled ceiling differs from Ceiling")
		}
		again, _ := c.Expand(table.Strings(Union(sources...)))
		if !again.Equal(Union(sources...)) {
			rt.Fatal("expanding what was expanded changes it")
		}
		for _, p := range table.Strings(v) { // P-02
			if !table.Has(closed, p) {
				rt.Fatalf("%s has no source", p)
			}
			if slices.ContainsFunc(denyPatterns, func(d string) bool { return Match(d, p) }) {
				rt.Fatalf("%s is denied", p)
			}
			module, _, _ := strings.Cut(p, ".") // P-03
			if !table.Has(v, module+".view") {
				rt.Fatalf("%s without %s.view", p, module)
			}
		}
		if !Subtract(v, folded).Empty() {
			rt.Fatal("the ceiling added something")
		}
		more := table.Fold(table.Without(table.Close(Union(append(sources, c.Known())...)), denies))
		if !Subtract(folded, more).Empty() {
			rt.Fatal("another source without denies removed something") // S-55
		}
	})
}

// TestOrderOfInterning pins that results do not depend on which permissions a table met first.
func TestOrderOfInterning(t *testing.T) {
	perms := slices.Concat(WellKnown(Account), WellKnown(Profile))
	run := func(table *Table) []string {
		c := NewCatalogue(table, Profile, []string{"video.start"})
		s, unknown := c.Expand([]string{"*.reply", "video.*", "care.*", "x.create"})
		v := c.Ceiling(table.Fold(table.Without(table.Close(s), CompileDenies([]string{"care.create"}))), []string{"*.view", "care.*", "x.*"})
		return slices.Concat(table.Strings(v), unknown, ApprovalRequired(table, v))
	}
	want := run(NewTable())
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		table := NewTable()
		rng.Shuffle(len(perms), func(i, j int) { perms[i], perms[j] = perms[j], perms[i] })
		table.Of(perms[:rng.IntN(len(perms))]...)
		if diff := cmp.Diff(want, run(table)); diff != "" {
			t.Fatalf("unexpected result (-want +got):\n%s", diff)
		}
	}
}

// BenchmarkGrant is one v(t, p) of R-9 after interning: the inner loop of every EffectiveAccess.
func BenchmarkGrant(b *testing.B) {
	table := NewTable()
	c := NewCatalogue(table, Profile, []string{"video.start"})
	first, _ := c.Expand([]string{"*.view", "*.create"})
	second, _ := c.Expand([]string{"care.*", "*.reply"})
	denies := CompileDenies([]string{"care.delete", "*.export"})
	ceiling := c.CompileCeiling([]string{"care.*", "community.*"})
	b.ReportAllocs()
	for b.Loop() {
		ceiling.Apply(table.Fold(table.Without(table.Close(Union(first, second)), denies)))
	}
}
