package controllers_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// called is an organization with a group of three who do not see the line, and max, who does.
const called = `
kind: Organization
metadata: {name: default}
spec: {mentionRetention: 2h}
---
kind: Profile
metadata: {name: line}
spec: {type: Chat}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example, username: ana}}
---
kind: Teammate
metadata: {name: ben}
spec: {identity: {email: ben@fjordline.example, username: ben}}
---
kind: Teammate
metadata: {name: cid}
spec: {identity: {email: cid@fjordline.example, username: cid}}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@fjordline.example, username: max}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}
---
kind: UserGroup
metadata: {name: desk}
spec: {members: [{name: ana}, {name: ben}, {name: cid}]}
`

// call is a mention of the desk.
const call = `
kind: Mention
metadata: {name: m}
spec:
  conversation: {profileRef: {name: line}, externalID: conv-1}
  groups: [{name: desk}]
  source: {type: Manual, username: max}
`

// alerts is the phase of a mention and where each alert stands, "" for one without a status.
func alerts(ctx context.Context, namespace, name string) func() string {
	return func() string {
		m, err := get[rollcallv1.Mention](ctx, namespace, name)()
		if err != nil || m.Status.Phase == "" {
			return ""
		}
		out := []string{string(m.Status.Phase)}
		for _, a := range m.Status.Alerts {
			out = append(out, a.Name+"/"+string(a.State))
		}
		return strings.Join(out, " ")
	}
}

var _ = Describe("Mentions", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	const pending = "Pending ana/Pending ben/Pending cid/Pending"
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = start(clock)
		create(ctx, ns, called)
		Eventually(condition(ctx, "UserGroup", ns, "desk", "Mentionable")).Should(Equal("True/AsExpected"))
		for _, who := range []string{"ana", "ben", "cid", "max"} {
			Eventually(condition(ctx, "EffectiveAccess", ns, who, "Ready")).Should(Equal("True/AsExpected"), who)
		}
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Forget(ns)
	})

	It("S-14, S-15: a mention is one status write, and so is its resolution; no access object is written", func(ctx context.Context) {
		before := outputs(ctx, ns)
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		Eventually(condition(ctx, "Mention", ns, "m", "Delivered")).Should(Equal("True/AsExpected"))
		Expect(condition(ctx, "Mention", ns, "m", "Ready")()).To(Equal("True/AsExpected"))
		op.Rest(ns)
		Expect(op.Writes(ns)).To(Equal([]string{"PATCH mentions status m"}))
		m, err := get[rollcallv1.Mention](ctx, ns, "m")()
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Status.AcceptedAt.Time).To(BeTemporally("==", clock.Now()))
		Expect(m.Status.ConversationStatus).To(Equal(rollcallv1.ConversationStatusPending))
		op.Forget(ns)

		edit(ctx, "Mention", ns, "m", `{spec: {resolutions: [{name: ben, username: ben, action: CloseAndResolve}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Resolved ana/Resolved ben/Resolved cid/Resolved"))
		op.Rest(ns)
		Expect(op.Writes(ns)).To(Equal([]string{"PATCH mentions status m"}))
		m, err = get[rollcallv1.Mention](ctx, ns, "m")()
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Status.ConversationStatus).To(Equal(rollcallv1.ConversationStatusClosed))
		Expect(m.Status.ResolvedBy).To(Equal("ben"))
		Expect(outputs(ctx, ns)).To(Equal(before))
	})

	It("S-110: a mention by somebody who may not is rejected, and stays so", func(ctx context.Context) {
		create(ctx, ns, strings.Replace(call, "username: max", "username: ana", 1))
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Rejected"))
		Eventually(condition(ctx, "Mention", ns, "m", "Delivered")).Should(Equal("False/AuthorNotAllowed"))
		edit(ctx, "Teammate", ns, "ana", `{spec: {profiles: [{name: line, profileRoleRef: {name: view-only}}]}}`)
		Eventually(permissions(ctx, ns, "ana", "line")).ShouldNot(BeEmpty())
		op.Rest(ns)
		op.Stop()
		op = start(clock)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty(), "the reason survives a restart")
		Expect(condition(ctx, "Mention", ns, "m", "Delivered")()).To(Equal("False/AuthorNotAllowed"))
	})

	It("S-114: who is blocked is suspended, and back on the second the block ends", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		until := opening.Add(time.Hour)
		blocked := `{spec: {lifecycle: {state: Blocked, blockedFrom: "` + opening.Format(time.RFC3339) + `", blockedUntil: "` + until.Format(time.RFC3339) + `"}}}`
		edit(ctx, "Teammate", ns, "ana", blocked)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Pending ana/Suspended ben/Pending cid/Pending"))
		edit(ctx, "Teammate", ns, "ben", blocked)
		edit(ctx, "Teammate", ns, "cid", blocked)
		Eventually(condition(ctx, "Mention", ns, "m", "Delivered")).Should(Equal("False/NoActiveRecipients"))
		Expect(alerts(ctx, ns, "m")()).To(Equal("Pending ana/Suspended ben/Suspended cid/Suspended"))
		op.At(until.Add(-time.Second), ns)
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).To(Equal("Pending ana/Suspended ben/Suspended cid/Suspended"))
		op.At(until, ns)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		Eventually(condition(ctx, "Mention", ns, "m", "Delivered")).Should(Equal("True/AsExpected"))
	})

	It("expires, and is deleted when it was kept long enough", func(ctx context.Context) {
		create(ctx, ns, strings.Replace(call, "spec:", "spec:\n  ttl: 30m", 1))
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		accepted := clock.Now()
		op.At(accepted.Add(30*time.Minute-time.Second), ns)
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).To(Equal(pending))
		op.At(accepted.Add(30*time.Minute), ns)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Expired ana/Closed ben/Closed cid/Closed"))
		op.At(accepted.Add(150*time.Minute-time.Second), ns)
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).NotTo(BeEmpty())
		op.Forget(ns)
		op.At(accepted.Add(150*time.Minute), ns)
		Eventually(func() any { return read(ctx, "Mention", ns, "m") }).Should(BeNil())
		op.Rest(ns)
		Expect(op.Writes(ns)).To(Equal([]string{"DELETE mentions m"}))
	})

	It("survives a restart without a write, and remembers who was reached", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		edit(ctx, "UserGroup", ns, "desk", `{spec: {members: [{name: ana}, {name: cid}, {name: max}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Pending ana/Pending ben/Suspended cid/Pending"))
		op.Rest(ns)
		op.Stop()
		clock.Set(clock.Now().Add(time.Minute))
		op = start(clock)
		op.Rest(ns)
		Expect(op.Writes(ns)).To(BeEmpty())
		edit(ctx, "UserGroup", ns, "desk", `{spec: {members: [{name: ana}, {name: ben}, {name: cid}, {name: max}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
	})

	It("puts its status back, and accepts anew what has none at a start", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		op.Rest(ns)
		op.Forget(ns)
		tamper := func(change func(*rollcallv1.MentionStatus)) {
			m, err := get[rollcallv1.Mention](ctx, ns, "m")()
			Expect(err).NotTo(HaveOccurred())
			change(&m.Status)
			Expect(kube.Status().Update(ctx, m)).To(Succeed())
		}
		tamper(func(s *rollcallv1.MentionStatus) {
			s.Alerts = append(s.Alerts, rollcallv1.MentionAlert{Name: "max", Direct: true, State: rollcallv1.AlertStatePending})
		})
		Eventually(func() []string { return op.Writes(ns) }).Should(Equal([]string{"PATCH mentions status m"}))
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		op.Rest(ns)
		op.Stop()

		tamper(func(s *rollcallv1.MentionStatus) { *s = rollcallv1.MentionStatus{} })
		edit(ctx, "UserGroup", ns, "desk", `{spec: {members: [{name: ana}, {name: max}]}}`)
		edit(ctx, "Mention", ns, "m", `{spec: {resolutions: [{name: max, username: max, action: Resolve}]}}`)
		op = start(clock)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Resolved ana/Resolved max/Resolved"))
	})

	It("S-146: is computed while the organization is suspended", func(ctx context.Context) {
		edit(ctx, "Organization", ns, "default", `{spec: {suspend: true}}`)
		Eventually(condition(ctx, "Organization", ns, "default", "Suspended")).Should(Equal("True/Requested"))
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
	})

	It("without an Organization it hears so after 10 s and is left as it is, and is accepted when one comes", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		remove(ctx, "Organization", ns, "default")
		op.At(clock.Now(), ns)
		op.Rest(ns)
		op.At(clock.Now().Add(10*time.Second), ns)
		Eventually(condition(ctx, "Mention", ns, "m", "Ready")).Should(Equal("False/NoOrganization"))
		Expect(alerts(ctx, ns, "m")()).To(Equal(pending))
		create(ctx, ns, strings.Replace(call, "name: m}", "name: other}", 1))
		Eventually(condition(ctx, "Mention", ns, "other", "Ready")).Should(Equal("False/NoOrganization"))
		Expect(alerts(ctx, ns, "other")()).To(BeEmpty())
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}")
		Eventually(alerts(ctx, ns, "other")).Should(Equal(pending))
		Eventually(condition(ctx, "Mention", ns, "m", "Ready")).Should(Equal("True/AsExpected"))
	})

	It("another mention of the same name is another mention", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		edit(ctx, "Mention", ns, "m", `{spec: {resolutions: [{name: ben, action: Resolve}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(HavePrefix("Resolved"))
		remove(ctx, "Mention", ns, "m")
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
	})

	It("closes when every group it came through is deleted", func(ctx context.Context) {
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		Expect(kube.DeleteAllOf(ctx, &rollcallv1.UserGroup{}, client.InNamespace(ns))).To(Succeed())
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Resolved ana/Closed ben/Closed cid/Closed"))
	})
})
