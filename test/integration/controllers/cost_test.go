package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// crowd creates n more people named prefix-0 and so on.
func crowd(ctx context.Context, ns, prefix string, n int, spec string) {
	GinkgoHelper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n---\nkind: Teammate\nmetadata: {name: %s-%d}\nspec: {identity: {email: %s-%d@fjordline.example}%s}", prefix, i, prefix, i, spec)
	}
	create(ctx, ns, b.String())
}

var _ = Describe("What an edit costs", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = start(clock)
	})
	// calm waits until everything is written, counts of the Organization included.
	calm := func(ctx context.Context) {
		GinkgoHelper()
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Forget(ns)
	}

	It("S-59: one person into the innermost of six groups writes one access and six groups", func(ctx context.Context) {
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}\n---\nkind: Profile\nmetadata: {name: p}\nspec: {type: Chat}")
		for i := 6; i >= 1; i-- {
			includes := ""
			if i < 6 {
				includes = fmt.Sprintf(", includes: [{name: g%d}]", i+1)
			}
			create(ctx, ns, fmt.Sprintf("kind: UserGroup\nmetadata: {name: g%d}\nspec: {profiles: [{name: p}], permissionSet: {profileRoleRef: {name: create}}%s}", i, includes))
		}
		crowd(ctx, ns, "other", 100, "")
		Eventually(condition(ctx, "EffectiveAccess", ns, "other-99", "Ready")).Should(Equal("True/AsExpected"))
		calm(ctx)
		edit(ctx, "UserGroup", ns, "g6", `{spec: {members: [{name: other-7}]}}`)
		Eventually(permissions(ctx, ns, "other-7", "p")).ShouldNot(BeEmpty())
		op.Rest(ns)
		Expect(op.Writes(ns)).To(Equal([]string{
			"PATCH effectiveaccesses other-7",
			"PATCH usergroups status g1", "PATCH usergroups status g2", "PATCH usergroups status g3",
			"PATCH usergroups status g4", "PATCH usergroups status g5", "PATCH usergroups status g6",
		}))
	})

	It("S-76, S-77: a profile into a group writes its members once; a member writes the member, the group and its plans", func(ctx context.Context) {
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}")
		for i := range 11 {
			create(ctx, ns, fmt.Sprintf("kind: Profile\nmetadata: {name: p%d}\nspec: {type: Chat}", i))
		}
		crowd(ctx, ns, "m", 100, "")
		crowd(ctx, ns, "boss", 1, ", accountRoleRef: {name: supervisor}")
		crowd(ctx, ns, "new", 1, "")
		crowd(ctx, ns, "outside", 5, "")
		profiles := func(n int) string {
			var names []string
			for i := range n {
				names = append(names, fmt.Sprintf("{name: p%d}", i))
			}
			return strings.Join(names, ", ")
		}
		var members []string
		for i := range 100 {
			members = append(members, fmt.Sprintf("{name: m-%d}", i))
		}
		list := strings.Join(members, ", ")
		create(ctx, ns, "kind: UserGroup\nmetadata: {name: g}\nspec: {supervisors: [{name: boss-0}], members: ["+list+"], profiles: ["+profiles(10)+"], permissionSet: {profileRoleRef: {name: create}}}")
		for i := range 10 {
			create(ctx, ns, fmt.Sprintf("kind: Department\nmetadata: {name: d%d}\nspec: {groups: [{name: g}], profiles: [{name: p%d}]}", i, i))
		}
		Eventually(condition(ctx, "RoutePlan", ns, "department-d9", "Routable")).Should(Equal("True/AsExpected"))
		calm(ctx)

		By("one profile more")
		edit(ctx, "UserGroup", ns, "g", `{spec: {profiles: [`+profiles(11)+`]}}`)
		Eventually(permissions(ctx, ns, "m-99", "p10")).ShouldNot(BeEmpty())
		op.Rest(ns)
		var want []any
		for i := range 100 {
			want = append(want, fmt.Sprintf("PATCH effectiveaccesses m-%d", i))
		}
		Expect(op.Writes(ns)).To(ConsistOf(append(want, "PATCH usergroups status g")...))
		op.Forget(ns)

		By("one member more")
		edit(ctx, "UserGroup", ns, "g", `{spec: {members: [`+list+`, {name: new-0}]}}`)
		Eventually(permissions(ctx, ns, "new-0", "p2")).ShouldNot(BeEmpty())
		op.Rest(ns)
		want = []any{"PATCH effectiveaccesses new-0", "PATCH usergroups status g"}
		for i := range 10 {
			want = append(want, fmt.Sprintf("PATCH routeplans department-d%d", i))
		}
		Expect(op.Writes(ns)).To(ConsistOf(want...))
		op.Forget(ns)
		op.At(clock.Now(), ns)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
	})

	It("S-139: schedules that open write their status and nothing else", func(ctx context.Context) {
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}")
		crowd(ctx, ns, "m", 20, ", scheduleRef: {name: s0}")
		for i := range 20 {
			create(ctx, ns, fmt.Sprintf(`
kind: Schedule
metadata: {name: s%d}
spec: {timeZone: Etc/UTC, mode: Weekly, weekly: [{days: [Monday], open: "09:00", close: "17:00"}]}
---
kind: UserGroup
metadata: {name: g%d}
spec: {members: [{name: m-%d}], scheduleRef: {name: s%d}}
---
kind: Department
metadata: {name: d%d}
spec: {groups: [{name: g%d}], scheduleRef: {name: s%d}}`, i, i, i, i, i, i, i))
		}
		Eventually(condition(ctx, "RoutePlan", ns, "department-d19", "Ready")).Should(Equal("True/AsExpected"))
		calm(ctx)
		before := outputs(ctx, ns)
		op.At(opening.Add(time.Hour), ns)
		var want []any
		for i := range 20 {
			want = append(want, fmt.Sprintf("PATCH schedules status s%d", i))
		}
		Eventually(func() []string { return op.Writes(ns) }).Should(ConsistOf(want...))
		op.Rest(ns)
		Expect(op.Writes(ns)).To(ConsistOf(want...))
		Expect(outputs(ctx, ns)).To(Equal(before))
	})

	It("counts of the Organization are written at most every ten seconds", func(ctx context.Context) {
		create(ctx, ns, shortest)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).ShouldNot(BeEmpty())
		calm(ctx)
		crowd(ctx, ns, "late", 3, "")
		Eventually(condition(ctx, "EffectiveAccess", ns, "late-2", "Ready")).Should(Equal("True/AsExpected"))
		op.Rest(ns)
		writes := func() int {
			n := 0
			for _, w := range op.Writes(ns) {
				if strings.Contains(w, "organizations") {
					n++
				}
			}
			return n
		}
		Expect(writes()).To(BeNumerically("<=", 1))
	})
})
