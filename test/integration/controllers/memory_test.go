package controllers_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// stamped is an organization whose permission sets reach people and profiles at a reflash only (S-108): the role of the
// group denies what the default role and a direct grant would give.
const stamped = `
kind: Organization
metadata: {name: default}
spec: {preset: SocialCare, defaultProfileRoleRef: {name: fallback}}
---
kind: ProfileRole
metadata: {name: set}
spec: {permissions: [care.reply], denies: [care.delete]}
---
kind: ProfileRole
metadata: {name: fallback}
spec: {permissions: [care.reply, care.delete, care.close]}
---
kind: Profile
metadata: {name: p1}
spec: {type: Chat}
---
kind: Profile
metadata: {name: p2}
spec: {type: Chat}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}, profiles: [{name: p1, profileRoleRef: {name: fallback}}]}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@fjordline.example}}
---
kind: UserGroup
metadata: {name: crew}
spec:
  members: [{name: ana}, {name: max}]
  profiles: [{name: p1}, {name: p2}]
  permissionSet: {profileRoleRef: {name: set}, reflashToken: one}
`

var _ = Describe("What is remembered", func() {
	var (
		ns    string
		clock *cluster.Clock
		op    *cluster.Operator
	)
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), cluster.ClockAt(opening)
		op = start(clock)
	})
	hashes := func(ctx context.Context) map[string]string {
		out := map[string]string{}
		for _, name := range []string{"ana", "max"} {
			ea, err := access(ctx, ns, name)()
			Expect(err).NotTo(HaveOccurred())
			out[name] = ea.Status.Hash
		}
		return out
	}

	It("S-108: a lost stamp gives nobody anything, is told once, and a reflash restores what was", func(ctx context.Context) {
		create(ctx, ns, stamped)
		Eventually(condition(ctx, "UserGroup", ns, "crew", "Ready")).Should(Equal("True/AsExpected"))
		Eventually(permissions(ctx, ns, "max", "p2")).ShouldNot(BeEmpty())
		op.Rest(ns)
		// Whatever arrived after the first stamp waits for a reflash: begin complete.
		edit(ctx, "UserGroup", ns, "crew", `{spec: {permissionSet: {reflashToken: two}}}`)
		Eventually(condition(ctx, "UserGroup", ns, "crew", "PermissionSetCurrent")).Should(Equal("True/AsExpected"))
		op.Rest(ns)
		before := hashes(ctx)
		Expect(permissions(ctx, ns, "ana", "p1")()).NotTo(ContainElement("care.delete"))
		held := map[string][]string{"ana": permissions(ctx, ns, "ana", "p1")(), "max": permissions(ctx, ns, "max", "p2")()}

		Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns))).To(Succeed())
		Eventually(condition(ctx, "UserGroup", ns, "crew", "PermissionSetCurrent")).Should(Equal("False/PendingReflash"))
		Eventually(eventsOf(ctx, ns, "LedgerLost")).Should(HaveLen(1))
		op.Rest(ns)
		Expect(held["ana"]).To(ContainElements(permissions(ctx, ns, "ana", "p1")()))
		Expect(held["max"]).To(ContainElements(permissions(ctx, ns, "max", "p2")()))
		Expect(eventsOf(ctx, ns, "LedgerLost")()).To(HaveLen(1))
		Expect(ledgers(ctx, ns)()).NotTo(BeEmpty())

		edit(ctx, "UserGroup", ns, "crew", `{spec: {permissionSet: {reflashToken: three}}}`)
		Eventually(condition(ctx, "UserGroup", ns, "crew", "PermissionSetCurrent")).Should(Equal("True/AsExpected"))
		Eventually(func() map[string]string { return hashes(ctx) }).Should(Equal(before))
	})

	It("a Ledger lost while nobody looked is lost just the same", func(ctx context.Context) {
		create(ctx, ns, stamped)
		Eventually(permissions(ctx, ns, "max", "p2")).ShouldNot(BeEmpty())
		op.Rest(ns)
		held := permissions(ctx, ns, "ana", "p1")()
		op.Stop()
		Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns))).To(Succeed())
		op = start(clock)
		Eventually(condition(ctx, "UserGroup", ns, "crew", "PermissionSetCurrent")).Should(Equal("False/PendingReflash"))
		Eventually(eventsOf(ctx, ns, "LedgerLost")).Should(HaveLen(1))
		op.Rest(ns)
		if now := permissions(ctx, ns, "ana", "p1")(); len(now) > 0 {
			Expect(held).To(ContainElements(now))
		}
	})

	It("S-144: after the loss of the Ledger keys go by name, who was archived stays so, and nobody gains anything", func(ctx context.Context) {
		person := func(name, email, more string) string {
			return "kind: Teammate\nmetadata: {name: " + name + more + "}\nspec: {identity: {email: " + email + "@fjordline.example}}"
		}
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}\nspec: {policies: {archive: {reversible: false}, onboarding: {confirmation: Required}}}")
		create(ctx, ns, person("b", "shared", ""))
		Eventually(condition(ctx, "Teammate", ns, "b", "KeysUnique")).Should(Equal("True/AsExpected"))
		older := time.Now().Truncate(time.Second)
		Eventually(time.Now).Should(BeTemporally(">", older.Add(time.Second)), "creation times have whole seconds")
		create(ctx, ns, person("a", "shared", "")+"\n---\n"+person("gone", "gone", "")+
			"\n---\n"+person("sure", "sure", `, annotations: {rollcall.dev/confirmed-at: "2027-01-01T00:00:00Z"}`)+"\n---\n"+person("unsure", "unsure", ""))
		Eventually(condition(ctx, "Teammate", ns, "a", "KeysUnique")).Should(Equal("False/DuplicateKey"))
		edit(ctx, "Teammate", ns, "gone", `{spec: {lifecycle: {state: Archived}}}`)
		phase := func(name string) func() (rollcallv1.Phase, error) {
			return func() (rollcallv1.Phase, error) {
				t, err := get[rollcallv1.Teammate](ctx, ns, name)()
				return t.Status.Phase, err
			}
		}
		Eventually(phase("gone")).Should(Equal(rollcallv1.PhaseArchived))
		Eventually(phase("sure")).Should(Equal(rollcallv1.PhaseActive))
		unsure, err := phase("unsure")()
		Expect(err).NotTo(HaveOccurred())
		op.Rest(ns)

		clock.Set(opening.Add(time.Hour))
		Expect(kube.DeleteAllOf(ctx, &rollcallv1.Ledger{}, client.InNamespace(ns))).To(Succeed())
		Eventually(condition(ctx, "Teammate", ns, "a", "KeysUnique")).Should(Equal("True/AsExpected"))
		Eventually(condition(ctx, "Teammate", ns, "b", "KeysUnique")).Should(Equal("False/DuplicateKey"))
		op.Rest(ns)
		Expect(phase("gone")()).To(Equal(rollcallv1.PhaseArchived))
		Expect(phase("sure")()).To(Equal(rollcallv1.PhaseActive))
		Expect(phase("unsure")()).To(Equal(unsure))
		Expect(get[rollcallv1.Teammate](ctx, ns, "gone")()).To(HaveField("Status.ArchivedAt.Time", BeTemporally("==", opening.Add(time.Hour))))
	})

	It("who was archived for good stays archived over a restart, and the date is kept", func(ctx context.Context) {
		create(ctx, ns, strings.Replace(shortest, "metadata: {name: default}", "metadata: {name: default}\nspec: {policies: {archive: {reversible: false}}}", 1))
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).ShouldNot(BeEmpty())
		edit(ctx, "Teammate", ns, "ana", `{spec: {lifecycle: {state: Archived}}}`)
		archived := func() (string, error) {
			t, err := get[rollcallv1.Teammate](ctx, ns, "ana")()
			if err != nil || t.Status.ArchivedAt == nil {
				return "", err
			}
			return string(t.Status.Phase) + t.Status.ArchivedAt.UTC().Format(time.TimeOnly), nil
		}
		Eventually(archived).Should(Equal("Archived08:00:00"))
		op.Rest(ns)
		op.Stop()
		clock.Set(opening.Add(time.Hour))
		edit(ctx, "Teammate", ns, "ana", `{spec: {lifecycle: {state: Active}}}`)
		op = start(clock)
		Eventually(condition(ctx, "Teammate", ns, "ana", "PolicyCompliant")).Should(Equal("False/ArchiveIrreversible"))
		Expect(archived()).To(Equal("Archived08:00:00"))
		Expect(permissions(ctx, ns, "ana", "ig-quebec")()).To(BeEmpty())
	})

	It("is put back when somebody edits it", func(ctx context.Context) {
		create(ctx, ns, stamped)
		Eventually(permissions(ctx, ns, "max", "p2")).ShouldNot(BeEmpty())
		op.Rest(ns)
		op.Forget(ns)
		before, err := get[rollcallv1.Ledger](ctx, ns, "stamp-crew-0")()
		Expect(err).NotTo(HaveOccurred())
		edit(ctx, "Ledger", ns, "stamp-crew-0", `{stamp: {members: [ana, max, eve]}}`)
		Eventually(func() []string { return op.Writes(ns) }).Should(Equal([]string{"PATCH ledgers stamp-crew-0"}))
		// The write is counted when it is sent; it takes effect a little later.
		Eventually(get[rollcallv1.Ledger](ctx, ns, "stamp-crew-0")).Should(HaveField("Stamp", Equal(before.Stamp)))
		op.Rest(ns)
		Expect(op.Writes(ns)).To(HaveLen(1))
	})

	It("is kept before anything that follows from it can be seen", func(ctx context.Context) {
		create(ctx, ns, shortest)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).ShouldNot(BeEmpty())
		op.Rest(ns)
		op.Forget(ns)
		op.Refuse(func(r *http.Request) bool {
			return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/ledgers/")
		})
		edit(ctx, "Teammate", ns, "ana", `{spec: {lifecycle: {state: Archived}}}`)
		edit(ctx, "EffectiveAccess", ns, "max", `{status: {leader: ana}}`)
		Consistently(func() []string { return op.Writes(ns) }).Should(BeEmpty())
		op.Refuse(nil)
		Eventually(permissions(ctx, ns, "ana", "ig-quebec")).Should(BeEmpty())
		Eventually(access(ctx, ns, "max")).Should(HaveField("Status.Leader", BeEmpty()))
	})
})
