package controllers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/cmd/kubectl-rollcall/command"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

const (
	// whole is a mention grant from which nothing is denied.
	whole   = "m conv-1: conversation.reply conversation.resolve conversation.view"
	pending = "Pending ana/Pending ben/Pending cid/Pending"
)

// opened returns the mention grants of somebody, as the plugin answers from what the cluster holds: grants are in no object.
func opened(ctx context.Context, clock *cluster.Clock, ns, teammate string) func() string {
	GinkgoHelper()
	return func() string {
		GinkgoHelper()
		var out, errs bytes.Buffer
		code := command.Run(ctx, []string{"access", teammate, "-o", "json", "--kubeconfig", kube.Kubeconfig, "-n", ns},
			command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, clock.Now)
		Expect(code).To(BeZero(), errs.String())
		var answer struct {
			Mentions []struct {
				Mention, ConversationID string
				Permissions             []string
			}
		}
		Expect(json.Unmarshal(out.Bytes(), &answer)).To(Succeed())
		var grants []string
		for _, m := range answer.Mentions {
			grants = append(grants, m.Mention+" "+m.ConversationID+": "+strings.Join(m.Permissions, " "))
		}
		return strings.Join(grants, "; ")
	}
}

// refusals are the targets that a mention did not reach.
func refusals(ctx context.Context, ns, name string) string {
	GinkgoHelper()
	m, err := get[rollcallv1.Mention](ctx, ns, name)()
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, r := range m.Status.Rejected {
		out = append(out, r.Name+"/"+r.Reason)
	}
	return strings.Join(out, " ")
}

// membersOf is how many members a group has.
func membersOf(ctx context.Context, ns, group string) func() int32 {
	return func() int32 {
		g, err := get[rollcallv1.UserGroup](ctx, ns, group)()
		if err != nil {
			return -1
		}
		return g.Status.MemberCount
	}
}

var _ = Describe("While a mention is open", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = start(clock)
	})
	// calls has the desk mentioned.
	calls := func(ctx context.Context) {
		GinkgoHelper()
		create(ctx, ns, called)
		Eventually(condition(ctx, "UserGroup", ns, "desk", "Mentionable")).Should(Equal("True/AsExpected"))
		create(ctx, ns, call)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		op.Rest(ns)
		op.Count(ctx, ns)
		op.Forget(ns)
	}

	It("S-16: who leaves the group is suspended without a grant, and is back with the membership", func(ctx context.Context) {
		calls(ctx)
		Expect(opened(ctx, clock, ns, "ben")()).To(Equal(whole))
		edit(ctx, "UserGroup", ns, "desk", `{spec: {members: [{name: ana}, {name: cid}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Pending ana/Pending ben/Suspended cid/Pending"))
		Expect(opened(ctx, clock, ns, "ben")()).To(BeEmpty())
		Expect(opened(ctx, clock, ns, "ana")()).To(Equal(whole))
		edit(ctx, "UserGroup", ns, "desk", `{spec: {members: [{name: ana}, {name: ben}, {name: cid}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal(pending))
		Expect(opened(ctx, clock, ns, "ben")()).To(Equal(whole))
	})

	It("S-17: who joins the group gets no alert and no grant", func(ctx context.Context) {
		calls(ctx)
		create(ctx, ns, "kind: Teammate\nmetadata: {name: eva}\nspec: {identity: {email: eva@fjordline.example}, groups: [{name: desk}]}")
		Eventually(membersOf(ctx, ns, "desk")).Should(BeEquivalentTo(4))
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).To(Equal(pending))
		Expect(opened(ctx, clock, ns, "eva")()).To(BeEmpty())
		Expect(op.Writes(ns)).NotTo(ContainElement(ContainSubstring("mentions")))
	})

	It("S-18: disabling the group leaves alerts and grants until they are resolved or expire, and rejects new mentions", func(ctx context.Context) {
		calls(ctx)
		create(ctx, ns, strings.NewReplacer("name: m}", "name: short}", "conv-1", "conv-2", "spec:", "spec:\n  ttl: 30m").Replace(call))
		Eventually(alerts(ctx, ns, "short")).Should(Equal(pending))
		accepted := clock.Now()
		edit(ctx, "UserGroup", ns, "desk", `{spec: {state: Disabled}}`)
		Eventually(condition(ctx, "UserGroup", ns, "desk", "Mentionable")).Should(Equal("False/Disabled"))
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).To(Equal(pending))
		Expect(opened(ctx, clock, ns, "ana")()).To(Equal(whole + "; " + strings.NewReplacer("m ", "short ", "conv-1", "conv-2").Replace(whole)))

		create(ctx, ns, strings.Replace(call, "name: m}", "name: new}", 1))
		Eventually(condition(ctx, "Mention", ns, "new", "Delivered")).Should(Equal("False/AllTargetsRejected"))
		Expect(alerts(ctx, ns, "new")()).To(Equal("Rejected"))
		Expect(refusals(ctx, ns, "new")).To(Equal("desk/Disabled"))

		edit(ctx, "Mention", ns, "m", `{spec: {resolutions: [{name: ana, username: ana, action: Resolve}]}}`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Resolved ana/Resolved ben/Resolved cid/Resolved"))
		op.At(accepted.Add(30*time.Minute-time.Second), ns)
		op.Rest(ns)
		Expect(alerts(ctx, ns, "short")()).To(Equal(pending))
		op.At(accepted.Add(30*time.Minute), ns)
		Eventually(alerts(ctx, ns, "short")).Should(Equal("Expired ana/Closed ben/Closed cid/Closed"))
		Expect(opened(ctx, clock, ns, "ana")()).To(BeEmpty())
	})

	const shared = `
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: Teammate
metadata: {name: ben}
spec: {identity: {email: ben@fjordline.example}}
---
kind: Teammate
metadata: {name: cid}
spec: {identity: {email: cid@fjordline.example}}
---
kind: Teammate
metadata: {name: dan}
spec: {identity: {email: dan@fjordline.example}}
---
kind: Teammate
metadata: {name: eva}
spec: {identity: {email: eva@fjordline.example}}
---
kind: UserGroup
metadata: {name: g1}
spec: {members: [{name: ana}, {name: ben}, {name: dan}]}
---
kind: UserGroup
metadata: {name: g2}
spec: {members: [{name: cid}, {name: dan}]}
`
	DescribeTable("S-112: resolutions of groups that share people", func(ctx context.Context, organization string, want [3]string) {
		create(ctx, ns, organization+"\n---"+shared)
		Eventually(membersOf(ctx, ns, "g1")).Should(BeEquivalentTo(3))
		Eventually(membersOf(ctx, ns, "g2")).Should(BeEquivalentTo(2))
		create(ctx, ns, `
kind: Mention
metadata: {name: m}
spec: {conversation: {externalID: conv-1}, groups: [{name: g1}, {name: g2}], teammates: [{name: eva}], source: {type: Flow}}
`)
		Eventually(alerts(ctx, ns, "m")).Should(Equal("Pending ana/Pending ben/Pending cid/Pending dan/Pending eva/Pending"))
		var resolutions []string
		for i, who := range []string{"ana", "cid", "eva"} {
			resolutions = append(resolutions, "{name: "+who+", action: Resolve}")
			edit(ctx, "Mention", ns, "m", `{spec: {resolutions: [`+strings.Join(resolutions, ", ")+`]}}`)
			Eventually(alerts(ctx, ns, "m")).Should(Equal(want[i]), who)
		}
	},
		Entry("the group resolves", "kind: Organization\nmetadata: {name: default}\nspec: {policies: {mentions: {resolution: Group}}}", [3]string{
			"Pending ana/Resolved ben/Resolved cid/Pending dan/Resolved eva/Pending",
			"Pending ana/Resolved ben/Resolved cid/Resolved dan/Resolved eva/Pending",
			"Resolved ana/Resolved ben/Resolved cid/Resolved dan/Resolved eva/Resolved",
		}),
		Entry("everybody resolves their own", "kind: Organization\nmetadata: {name: default}\nspec: {policies: {mentions: {resolution: Individual}}}", [3]string{
			"Pending ana/Resolved ben/Pending cid/Pending dan/Pending eva/Pending",
			"Pending ana/Resolved ben/Pending cid/Resolved dan/Pending eva/Pending",
			"Pending ana/Resolved ben/Pending cid/Resolved dan/Pending eva/Resolved",
		}),
	)

	It("S-84: denies reach into grants, mention grants too, and the organization's not the Owner's", func(ctx context.Context) {
		calls(ctx)
		create(ctx, ns, `
kind: AccountRole
metadata: {name: quiet}
spec: {baseType: Agent, permissions: [conversations.handle], denies: [conversation.reply]}
---
kind: ProfileRole
metadata: {name: eraser}
spec: {permissions: [publisher.delete, publisher.label]}
---
kind: Teammate
metadata: {name: olga}
spec: {identity: {email: olga@fjordline.example}, accountRoleRef: {name: owner}, profiles: [{name: line, profileRoleRef: {name: eraser}}]}
---
kind: Teammate
metadata: {name: adam}
spec: {identity: {email: adam@fjordline.example}, accountRoleRef: {name: administrator}, profiles: [{name: line, profileRoleRef: {name: eraser}}]}
`)
		all := []string{"publisher.delete", "publisher.label", "publisher.view"}
		Eventually(permissions(ctx, ns, "olga", "line")).Should(Equal(all))
		Eventually(permissions(ctx, ns, "adam", "line")).Should(Equal(all))
		edit(ctx, "Organization", ns, "default", `{spec: {denies: [publisher.delete]}}`)
		Eventually(permissions(ctx, ns, "adam", "line")).Should(Equal([]string{"publisher.label", "publisher.view"}))
		op.Rest(ns)
		Expect(permissions(ctx, ns, "olga", "line")()).To(Equal(all))

		edit(ctx, "Teammate", ns, "ben", `{spec: {accountRoleRef: {name: quiet}}}`)
		Eventually(func() (string, error) {
			ea, err := access(ctx, ns, "ben")()
			return ea.Status.AccountRole, err
		}).Should(Equal("quiet"))
		op.Rest(ns)
		Expect(alerts(ctx, ns, "m")()).To(Equal(pending))
		Expect(opened(ctx, clock, ns, "ben")()).To(Equal("m conv-1: conversation.resolve conversation.view"))
		Expect(opened(ctx, clock, ns, "ana")()).To(Equal(whole))

		Expect(denied(ctx, ns, "kind: ProfileRole\nmetadata: {name: r}\nspec: {permissions: [conversation.reply]}")).To(
			ContainSubstring("conversation permissions come from mentions only"))
	})

	It("S-53: of two groups with one handle in one practice the later has none; in two practices both have it", func(ctx context.Context) {
		create(ctx, ns, `
kind: Organization
metadata: {name: default}
spec: {preset: PatientMessaging, practices: [{name: north}, {name: south}]}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}, practices: [{name: north}, {name: south}]}
---
kind: UserGroup
metadata: {name: zulu}
spec: {displayName: Billing, scope: Practice, practices: [{name: north}], members: [{name: ana}]}
---
kind: UserGroup
metadata: {name: other}
spec: {displayName: Billing, scope: Practice, practices: [{name: south}], members: [{name: ana}]}
`)
		for _, group := range []string{"zulu", "other"} {
			Eventually(condition(ctx, "UserGroup", ns, group, "Mentionable")).Should(Equal("True/AsExpected"), group)
		}
		op.Rest(ns)
		create(ctx, ns, `
kind: UserGroup
metadata: {name: alpha}
spec: {displayName: BILLING, scope: Practice, practices: [{name: north}], members: [{name: ana}]}
`)
		Eventually(condition(ctx, "UserGroup", ns, "alpha", "Mentionable")).Should(Equal("False/DuplicateHandle"))
		Expect(condition(ctx, "UserGroup", ns, "alpha", "KeysUnique")()).To(Equal("False/DuplicateKey"))
		op.Rest(ns)
		for _, group := range []string{"zulu", "other"} {
			Expect(condition(ctx, "UserGroup", ns, group, "KeysUnique")()).To(Equal("True/AsExpected"), group)
			Expect(condition(ctx, "UserGroup", ns, group, "Mentionable")()).To(Equal("True/AsExpected"), group)
		}
	})
})
