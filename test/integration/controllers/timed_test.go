package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// working gives ana something in every kind of output: a profile through a group, and a place in a department.
const working = `
kind: Organization
metadata: {name: default}
---
kind: Profile
metadata: {name: line}
spec: {type: Chat}
---
kind: ProfileRole
metadata: {name: replier}
spec: {permissions: [care.reply]}
---
kind: UserGroup
metadata: {name: g}
spec: {members: [{name: ana}], profiles: [{name: line}], permissionSet: {profileRoleRef: {name: replier}}}
---
kind: Department
metadata: {name: d}
spec: {groups: [{name: g}]}
---
`

// standing is what the outputs say of ana at an instant: phase, gate, groups, candidates of the department, next transition.
func standing(ctx context.Context, ns string) func() string {
	return func() string {
		ea, err := access(ctx, ns, "ana")()
		if err != nil {
			return ""
		}
		s := ea.Status
		gate, next, may := "open", "never", "nothing"
		if !s.Gate.Open {
			gate = "closed"
		}
		if s.NextTransition != nil {
			next = s.NextTransition.UTC().Format(time.RFC3339)
		}
		switch {
		case len(s.Grants) > 0 && len(s.AccountPermissions) > 0:
			may = "all"
		case len(s.Grants)+len(s.AccountPermissions) > 0:
			may = "some"
		}
		plan := strings.Join(candidates(ctx, ns, "department-d")(), " ")
		return fmt.Sprintf("%s %s, may %s, in [%s], plan [%s], next %s", s.Phase, gate, may, strings.Join(s.Groups, " "), plan, next)
	}
}

// denied creates an object, which the API server refuses by itself, and returns what it says.
func denied(ctx context.Context, ns, document string) string {
	GinkgoHelper()
	var o unstructured.Unstructured
	Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed())
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetNamespace(ns)
	err := kube.Create(ctx, &o)
	Expect(apierrors.IsInvalid(err)).To(BeTrue(), "not refused as invalid: %v", err)
	return err.Error()
}

// moment is an instant and what is to be seen then. quiet: nothing at all is written on the way to it.
type moment struct {
	at, want string
	quiet    bool
}

// pass has the clock go from moment to moment. A moment that is not quiet may take a while to be seen, a quiet one was seen
// before.
func pass(o *cluster.Operator, ns string, seen func() string, moments ...moment) {
	GinkgoHelper()
	o.Rest(ns)
	for _, m := range moments {
		at, err := time.Parse(time.RFC3339, m.at)
		Expect(err).NotTo(HaveOccurred())
		o.Forget(ns)
		o.At(at, ns)
		if !m.quiet {
			Eventually(seen).Should(Equal(m.want), m.at)
		}
		o.Rest(ns)
		Expect(seen()).To(Equal(m.want), m.at)
		if m.quiet {
			Expect(o.Writes(ns)).To(BeEmpty(), "written at %s, when nothing happens", m.at)
		}
	}
}

// generation is that of an object: it stays when no spec is written.
func generation(ctx context.Context, kind, ns, name string) int64 {
	GinkgoHelper()
	o := read(ctx, kind, ns, name)
	Expect(o).NotTo(BeNil(), kind+"/"+name)
	return o.GetGeneration()
}

var _ = Describe("What time alone changes", func() {
	var (
		ns    string
		clock *cluster.Clock
	)
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
	})

	It("S-19: a block empties access for its hours and gives back the very same", func(ctx context.Context) {
		op := start(clock)
		create(ctx, ns, working+"kind: Teammate\nmetadata: {name: ana}\nspec: {identity: {email: ana@fjordline.example}}")
		Eventually(standing(ctx, ns)).Should(Equal("Active open, may all, in [g], plan [ana], next never"))
		op.Rest(ns)
		op.Count(ctx, ns)
		hash := func() string {
			ea, err := access(ctx, ns, "ana")()
			Expect(err).NotTo(HaveOccurred())
			return ea.Status.Hash
		}
		former := hash()
		Expect(former).NotTo(BeEmpty())

		edit(ctx, "Teammate", ns, "ana", `{spec: {lifecycle: {state: Blocked, blockedFrom: "2027-03-02T00:00:00Z", blockedUntil: "2027-03-02T08:00:00Z"}}}`)
		const (
			before  = "Active open, may all, in [g], plan [ana], next 2027-03-02T00:00:00Z"
			blocked = "Blocked closed, may nothing, in [g], plan [], next 2027-03-02T08:00:00Z"
			after   = "Active open, may all, in [g], plan [ana], next never"
		)
		Eventually(standing(ctx, ns)).Should(Equal(before))
		spec := generation(ctx, "Teammate", ns, "ana")
		pass(op, ns, standing(ctx, ns), moment{at: "2027-03-01T23:59:59Z", want: before, quiet: true})
		Expect(hash()).To(Equal(former))
		pass(op, ns, standing(ctx, ns),
			moment{at: "2027-03-02T00:00:00Z", want: blocked}, moment{at: "2027-03-02T00:00:01Z", want: blocked, quiet: true},
			moment{at: "2027-03-02T07:59:59Z", want: blocked, quiet: true})
		Expect(hash()).NotTo(Equal(former))
		pass(op, ns, standing(ctx, ns), moment{at: "2027-03-02T08:00:00Z", want: after})
		Expect(hash()).To(Equal(former))
		pass(op, ns, standing(ctx, ns), moment{at: "2027-03-02T08:00:01Z", want: after, quiet: true})
		Expect(hash()).To(Equal(former))
		Expect(generation(ctx, "Teammate", ns, "ana")).To(Equal(spec), "the spec is nobody's to write")
	})

	It("S-61: a membership from 08:00 until 20:00", func(ctx context.Context) {
		clock.Set(time.Date(2027, 3, 2, 7, 0, 0, 0, time.UTC))
		op := start(clock)
		create(ctx, ns, strings.Replace(working, "{name: ana}", `{name: ana, from: "2027-03-02T08:00:00Z", until: "2027-03-02T20:00:00Z"}`, 1)+
			"kind: Teammate\nmetadata: {name: ana}\nspec: {identity: {email: ana@fjordline.example}}")
		const (
			before = "Active open, may some, in [], plan [], next 2027-03-02T08:00:00Z, members 0"
			during = "Active open, may all, in [g], plan [ana], next 2027-03-02T20:00:00Z, members 1"
			after  = "Active open, may some, in [], plan [], next never, members 0"
		)
		seen := func() string {
			g, err := get[rollcallv1.UserGroup](ctx, ns, "g")()
			if err != nil {
				return ""
			}
			return fmt.Sprintf("%s, members %d", standing(ctx, ns)(), g.Status.MemberCount)
		}
		Eventually(seen).Should(Equal(before))
		op.Rest(ns)
		op.Count(ctx, ns)
		spec := generation(ctx, "UserGroup", ns, "g")
		pass(op, ns, seen,
			moment{at: "2027-03-02T07:59:59Z", want: before, quiet: true},
			moment{at: "2027-03-02T08:00:00Z", want: during}, moment{at: "2027-03-02T08:00:01Z", want: during, quiet: true},
			moment{at: "2027-03-02T19:59:59Z", want: during, quiet: true},
			moment{at: "2027-03-02T20:00:00Z", want: after}, moment{at: "2027-03-02T20:00:01Z", want: after, quiet: true})
		Expect(generation(ctx, "UserGroup", ns, "g")).To(Equal(spec), "the spec is nobody's to write")

		for _, until := range []string{"2027-03-02T08:00:00Z", "2027-03-02T07:59:59Z"} {
			Expect(denied(ctx, ns, "kind: UserGroup\nmetadata: {name: h}\nspec: {members: [{name: ana, from: \"2027-03-02T08:00:00Z\", until: \""+until+"\"}]}")).To(
				ContainSubstring("until must be later than from"), until)
		}
	})

	It("S-115: a teammate for half a year", func(ctx context.Context) {
		clock.Set(time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC))
		op := start(clock)
		create(ctx, ns, working+`kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}, from: "2027-01-01T00:00:00Z", until: "2027-07-01T00:00:00Z"}`)
		const (
			before = "Scheduled closed, may nothing, in [g], plan [], next 2027-01-01T00:00:00Z, Scheduled"
			during = "Active open, may all, in [g], plan [ana], next 2027-07-01T00:00:00Z, Active"
			after  = "Ended closed, may nothing, in [g], plan [], next never, Ended"
		)
		seen := func() string {
			t, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
			if err != nil {
				return ""
			}
			return standing(ctx, ns)() + ", " + string(t.Status.Phase)
		}
		Eventually(seen).Should(Equal(before))
		op.Rest(ns)
		op.Count(ctx, ns)
		spec := generation(ctx, "Teammate", ns, "ana")
		pass(op, ns, seen,
			moment{at: "2026-12-31T23:59:59Z", want: before, quiet: true},
			moment{at: "2027-01-01T00:00:00Z", want: during}, moment{at: "2027-01-01T00:00:01Z", want: during, quiet: true},
			moment{at: "2027-06-30T23:59:59Z", want: during},
			moment{at: "2027-07-01T00:00:00Z", want: after}, moment{at: "2027-07-01T00:00:01Z", want: after, quiet: true})
		Expect(generation(ctx, "Teammate", ns, "ana")).To(Equal(spec), "the spec is nobody's to write")

		for _, until := range []string{"2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z"} {
			Expect(denied(ctx, ns, "kind: Teammate\nmetadata: {name: ben}\nspec: {identity: {email: ben@fjordline.example}, from: \"2027-01-01T00:00:00Z\", until: \""+until+"\"}")).To(
				ContainSubstring("until must be later than from"), until)
		}
	})

	It("S-101: a cover until Friday 18:00 in an exclusive organization", func(ctx context.Context) {
		op := start(clock)
		create(ctx, ns, `
kind: Organization
metadata: {name: default}
spec: {policies: {groupMembership: Exclusive}}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}, groups: [{name: a}]}
---
kind: UserGroup
metadata: {name: a}
spec: {}
---
kind: UserGroup
metadata: {name: b}
spec: {}
---
kind: Department
metadata: {name: d}
spec: {groups: [{name: a}]}
`)
		seen := func() string {
			t, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
			if err != nil {
				return ""
			}
			out := standing(ctx, ns)() + ", of " + t.Status.ExclusiveGroup
			a, err := get[rollcallv1.UserGroup](ctx, ns, "a")()
			if err == nil && a.Status.Rejected != nil {
				for _, r := range a.Status.Rejected.First {
					out += ", a rejects " + r.Name + "/" + r.Reason
				}
			}
			return out + ", " + condition(ctx, "UserGroup", ns, "a", "MembersAccepted")()
		}
		const (
			own   = "Active open, may some, in [a], plan [ana], next never, of a, True/AsExpected"
			cover = "Active open, may some, in [b], plan [], next 2027-03-05T18:00:00Z, of b, a rejects ana/ExclusiveConflict, True/AsExpected"
		)
		Eventually(seen).Should(Equal(own))
		edit(ctx, "Teammate", ns, "ana", `{spec: {groups: [{name: a}, {name: b, until: "2027-03-05T18:00:00Z"}]}}`)
		Eventually(seen).Should(Equal(cover))
		op.Rest(ns)
		op.Count(ctx, ns)
		spec := generation(ctx, "Teammate", ns, "ana")
		pass(op, ns, seen,
			moment{at: "2027-03-05T17:59:59Z", want: cover, quiet: true},
			moment{at: "2027-03-05T18:00:00Z", want: own}, moment{at: "2027-03-05T18:00:01Z", want: own, quiet: true})
		Expect(generation(ctx, "Teammate", ns, "ana")).To(Equal(spec), "the spec is nobody's to write")
	})
})
