package cli_test

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// The commands below change and import people in a namespace of their own.
const editors = "editors"

// inEditors runs the plugin on that namespace.
func inEditors(ctx context.Context, args ...string) answer {
	return run(ctx, append(args, "--kubeconfig", admin, "-n", editors)...)
}

// parsed are the objects of a text.
func parsed(text string) []client.Object {
	set, errs := manifest.Parse([]manifest.Source{{Name: "text", Data: []byte(text)}}, editors)
	Expect(errs).To(BeEmpty())
	var out []client.Object
	for _, o := range set.Objects {
		out = append(out, o.Object.(client.Object))
	}
	return out
}

// owned applies an object as a field manager, as GitOps tools do.
func owned(ctx context.Context, manager, text string) {
	set, errs := manifest.Parse([]manifest.Source{{Name: "text", Data: []byte(text)}}, editors)
	Expect(errs).To(BeEmpty())
	u := &unstructured.Unstructured{Object: set.Objects[0].Source}
	u.SetNamespace(editors)
	Expect(kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(manager))).To(Succeed())
}

func getIn(ctx context.Context, name string, into client.Object) {
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: editors, Name: name}, into)).To(Succeed())
}

var _ = Describe("import, approve-card and reflash", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: editors}})).To(Succeed())
		for _, o := range parsed(`
apiVersion: rollcall.dev/v1alpha1
kind: Organization
metadata: {name: default}
spec:
  preset: SocialCare
  policies: {cardApproval: Required, identity: {allowedEmailDomains: [desk.example]}}
---
apiVersion: rollcall.dev/v1alpha1
kind: ProfileRole
metadata: {name: handler}
spec: {permissions: [care.reply]}
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: cid}
spec: {identity: {email: cid@desk.example}}
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: front}
spec: {members: [{name: ana}], permissionSet: {profileRoleRef: {name: handler}}}
`) {
			Expect(kube.Create(ctx, o)).To(Succeed())
		}
		owned(ctx, "gitops", `
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@desk.example}, firstName: Ana, accountRoleRef: {name: agent}, card: {bio: Knows tents.}}
`)
		owned(ctx, "gitops", `
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ben}
spec: {identity: {email: ben@desk.example}, accountRoleRef: {name: agent}, card: {bio: Short., approval: {state: Rejected, comment: Too short.}}}
`)
		owned(ctx, "gitops", `
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: back}
spec: {permissionSet: {profileRoleRef: {name: handler}, reflashToken: "1"}}
`)
	})

	Describe("approve-card", func() {
		It("approves the card as it is, as rollcall-edit (M-36)", func(ctx SpecContext) {
			Expect(inEditors(ctx, "access", "ana", "-o", "json").out).To(ContainSubstring(`"phase": "PendingReview"`))
			got := inEditors(ctx, "approve-card", "ana@desk.example", "-o", "json")
			Expect(got.code).To(BeZero(), got.err)
			Expect(got.out).To(MatchJSON(`{"results": [{"teammate": "ana", "result": "Succeeded"}]}`))
			var tm rollcallv1.Teammate
			getIn(ctx, "ana", &tm)
			Expect(tm.Spec.Card.Approval.State).To(Equal(rollcallv1.ApprovalStateApproved))
			Expect(*tm.Spec.Card.Bio).To(Equal("Knows tents."))
			Expect(inEditors(ctx, "access", "ana", "-o", "json").out).To(ContainSubstring(`"phase": "Active"`))

			By("changing nothing the second time")
			again := inEditors(ctx, "approve-card", "ana", "-o", "json")
			Expect(again.out).To(MatchJSON(`{"results": [{"teammate": "ana", "result": "Unchanged", "message": "approved already"}]}`))
			var same rollcallv1.Teammate
			getIn(ctx, "ana", &same)
			Expect(same.ResourceVersion).To(Equal(tm.ResourceVersion))
		})

		It("leaves the applied fields to their manager, and the approval with them (S-27)", func(ctx SpecContext) {
			owned(ctx, "gitops", `
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@desk.example}, firstName: Ana, accountRoleRef: {name: agent}, card: {bio: Knows rain.}}
`)
			Expect(inEditors(ctx, "access", "ana", "-o", "json").out).To(ContainSubstring(`"phase": "PendingReview"`), "the approval was for another card")
			Expect(inEditors(ctx, "approve-card", "ana").code).To(BeZero())
			Expect(inEditors(ctx, "access", "ana", "-o", "json").out).To(ContainSubstring(`"phase": "Active"`))
		})

		It("refuses an approval that somebody else owns, with the name of the manager, and does the others", func(ctx SpecContext) {
			got := inEditors(ctx, "approve-card", "ben", "cid", "-o", "json")
			Expect(got.code).To(Equal(1))
			Expect(got.out).To(MatchJSON(`{"results": [
				{"teammate": "ben", "result": "Failed", "message": "Teammate/ben: spec.card.approval is owned by field manager \"gitops\"; edit it there"},
				{"teammate": "cid", "result": "Succeeded"}]}`))
			var ben, cid rollcallv1.Teammate
			getIn(ctx, "ben", &ben)
			Expect(ben.Spec.Card.Approval.State).To(Equal(rollcallv1.ApprovalStateRejected))
			getIn(ctx, "cid", &cid)
			Expect(cid.Spec.Card.Approval.State).To(Equal(rollcallv1.ApprovalStateApproved))
		})

		It("fails for those who may not", func(ctx SpecContext) {
			var before rollcallv1.Teammate
			getIn(ctx, "ana", &before)
			before.Spec.FirstName = new("Anna")
			Expect(kube.Update(ctx, &before)).To(Succeed())
			got := run(ctx, "approve-card", "ana", "-o", "json", "--kubeconfig", reader, "-n", editors)
			Expect(got.code).To(Equal(1), got.err)
			Expect(got.out).To(SatisfyAll(ContainSubstring(`"result": "Failed"`), ContainSubstring("forbidden")))
		})
	})

	Describe("reflash", func() {
		It("sets a new token each time, as rollcall-edit (E-20)", func(ctx SpecContext) {
			for _, want := range []string{"20270301T090000Z", "20270301T090000Z-2"} {
				got := inEditors(ctx, "reflash", "front", "-o", "json")
				Expect(got.code).To(BeZero(), got.err)
				var g rollcallv1.UserGroup
				getIn(ctx, "front", &g)
				Expect(*g.Spec.PermissionSet.ReflashToken).To(Equal(want))
				Expect(g.Spec.Members).To(HaveLen(1))
			}
		})

		It("refuses a token that a repository owns", func(ctx SpecContext) {
			got := inEditors(ctx, "reflash", "back", "-o", "json")
			Expect(got.code).To(Equal(1))
			Expect(got.out).To(MatchJSON(`{"results": [{"group": "back", "result": "Failed",
				"message": "UserGroup/back: spec.permissionSet.reflashToken is owned by field manager \"gitops\"; edit it there"}]}`))
		})
	})

	Describe("import", func() {
		It("asks the cluster who exists, and writes nothing to it (V-05, S-47, S-134)", func(ctx SpecContext) {
			file := filepath.Join(GinkgoT().TempDir(), "people.csv")
			Expect(os.WriteFile(file, []byte("CID@desk.example\neva@desk.example\neva@elsewhere.example\nfay at desk\neva@desk.example\n"), 0o600)).To(Succeed())
			var before rollcallv1.TeammateList
			Expect(kube.List(ctx, &before, client.InNamespace(editors))).To(Succeed())

			rows := inEditors(ctx, "import", file, "--role", "agent", "-o", "json")
			Expect(rows.code).To(Equal(1), rows.err)
			Expect(rows.out).To(MatchJSON(`{"rows": [
				{"number": 1, "email": "CID@desk.example", "result": "Exists", "teammate": "cid"},
				{"number": 2, "email": "eva@desk.example", "result": "Created", "teammate": "eva"},
				{"number": 3, "email": "eva@elsewhere.example", "result": "DomainNotAllowed", "message": "the domain is not among policies.identity.allowedEmailDomains"},
				{"number": 4, "email": "fay at desk", "result": "Invalid", "message": "\"fay at desk\" is no e-mail address"},
				{"number": 5, "email": "eva@desk.example", "result": "Duplicate", "teammate": "eva", "message": "the same person as in row 2"}]}`))

			manifests := inEditors(ctx, "import", file, "--role", "agent")
			var after rollcallv1.TeammateList
			Expect(kube.List(ctx, &after, client.InNamespace(editors))).To(Succeed())
			Expect(after.Items).To(HaveLen(len(before.Items)), "an import only prints")

			By("applying what it printed")
			for _, o := range parsed(manifests.out) {
				Expect(o.GetNamespace()).To(Equal(editors))
				Expect(kube.Create(ctx, o)).To(Succeed())
			}
			Expect(os.WriteFile(file, []byte("cid@desk.example\nEva@desk.example\n"), 0o600)).To(Succeed())
			again := inEditors(ctx, "import", file, "--role", "agent")
			Expect(again.code).To(BeZero(), again.err)
			Expect(again.out).To(BeEmpty())
			Expect(again.err).To(ContainSubstring("2 rows: 2 Exists"))
		})
	})
})
