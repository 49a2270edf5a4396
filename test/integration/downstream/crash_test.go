package downstream_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// death has the operator killed at one boundary of what it says to a server.
type death struct {
	// before request n is passed on, or else after it was carried out and before the answer is heard.
	n      int
	before bool
}

func (d death) String() string {
	if d.before {
		return fmt.Sprintf("before request %d", d.n)
	}
	return fmt.Sprintf("before the answer to request %d", d.n)
}

// next is the boundary that follows.
func (d death) next() death {
	if d.before {
		return death{n: d.n}
	}
	return death{n: d.n + 1, before: true}
}

// dieAll has the operator killed at one boundary after the other, from the first on, until it lives, and returns how often.
func (t *target) dieAll() (deaths int) {
	GinkgoHelper()
	for at := (death{n: 1, before: true}); t.dies(at); at = at.next() {
		deaths++
		Expect(deaths).To(BeNumerically("<", 300), "it never comes to an end")
	}
	return deaths
}

// dies starts the operator and has it killed at the boundary; false if it lived, and is done with what there was to do.
func (t *target) dies(at death) (killed bool) {
	GinkgoHelper()
	var struck atomic.Bool
	struckAt := make(chan struct{})
	strike := func() bool {
		if struck.CompareAndSwap(false, true) {
			operator.kill()
			close(struckAt)
		}
		return false
	}
	var h hooks
	if at.before {
		h.request = func(n int) bool { return n < at.n || strike() }
	} else {
		h.answer = func(n int) bool { return n < at.n || strike() }
	}
	t.proxy.watch(h)
	operator.launch()
	lived := func() bool {
		select {
		case <-struckAt:
			return true
		default:
		}
		_, requests := t.proxy.count()
		return requests > 0 && t.passes() >= 1 && t.proxy.idle(500*time.Millisecond)
	}
	Eventually(lived).Should(BeTrue(), func() string { return at.String() + "\n" + operator.tail() })
	t.proxy.watch(hooks{})
	return struck.Load()
}

// crashSpecs are about the end of the operator in the middle.
func crashSpecs() {
	It("Safety 12: kill -9 at each call boundary, then restart: converges, nothing doubled, nothing lost", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(8, "")+groups(12, "p-0")+`
---
kind: Department
metadata: {name: care}
spec: {groups: [{name: g-00}]}
`)
		operator.kill()
		t := connect(ctx, ns, "warehouse", strings.Replace(full, "mode: Full", "mode: Full, removal: Delete", 1))

		By("the first synchronization, which makes the schema")
		deaths := t.dieAll()
		AddReportEntry("killed during the first synchronization", fmt.Sprintf("%d times", deaths))
		Expect(deaths).To(BeNumerically(">=", 20))
		t.synced(ctx)
		Expect(t.rows(ctx, "people")()).To(HaveLen(8))
		Expect(t.rows(ctx, "groups")()).To(HaveLen(12))
		Expect(t.ask(ctx, "SELECT key FROM audit.log WHERE schema = '@' AND relation = 'people' AND op = 'INSERT'")).To(HaveLen(8), "nothing doubled")
		Expect(t.removals(ctx)).To(BeEmpty())

		By("creations, changes, a rename, an edited identity and removals")
		ids := func() []string {
			return t.ask(ctx, "SELECT id::text||' '||key FROM @.people WHERE key IN ('email=p-1@fjordline.example', 'email=married@fjordline.example') ORDER BY id")
		}
		before := t.ask(ctx, "SELECT id::text FROM @.people WHERE name IN ('p-1', 'p-2') ORDER BY 1")
		operator.kill()
		t.forget(ctx)
		create(ctx, ns, person("new", ""))
		create(ctx, ns, group("new", "members: [{name: new}]"))
		edit(ctx, "UserGroup", ns, "g-00", "{spec: {members: [{name: new}, {name: p-3}]}}")
		edit(ctx, "Teammate", ns, "p-2", "{spec: {identity: {email: married@fjordline.example}}}")
		remove(ctx, "Teammate", ns, "p-1")
		create(ctx, ns, "kind: Teammate\nmetadata: {name: renamed}\nspec: {identity: {email: p-1@fjordline.example}}")
		edit(ctx, "Teammate", ns, "p-4", "{spec: {lifecycle: {state: Archived}}}")
		remove(ctx, "Teammate", ns, "p-5")
		remove(ctx, "UserGroup", ns, "g-11")
		deaths = t.dieAll()
		AddReportEntry("killed during an upheaval", fmt.Sprintf("%d times", deaths))
		Expect(deaths).To(BeNumerically(">=", 20))
		t.synced(ctx)
		Expect(t.rows(ctx, "people")()).To(Equal([]string{"(p-4)", "new", "p-0", "p-2", "p-3", "p-6", "p-7", "renamed"}))
		Expect(t.rows(ctx, "groups")()).To(And(HaveLen(12), ContainElement("new"), Not(ContainElement("g-11"))))
		Expect(t.ask(ctx, "SELECT person_key FROM @.memberships WHERE group_key = 'g-00' ORDER BY 1")).To(Equal(keys("new", "p-3")))
		Expect(ids()).To(HaveLen(2))
		Expect(t.ask(ctx, "SELECT id::text FROM @.people WHERE key IN ('email=p-1@fjordline.example', 'email=married@fjordline.example') ORDER BY 1")).To(Equal(before), "the rows of before")
		Expect(t.ask(ctx, "SELECT op||' '||key FROM audit.log WHERE schema = '@' AND relation = 'people' AND op <> 'UPDATE' ORDER BY n")).
			To(ConsistOf("INSERT email=new@fjordline.example", "DELETE email=p-5@fjordline.example"), "each once, over all those lives")
	})
}
