package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// questions are one of every reading command.
var questions = [][]string{
	{"status"},
	{"check", "ana", "care.reply", "page"},
	{"check", "ana@desk.example", "conversations.handle"},
	{"access", "ana"}, {"access", "olga"}, {"access", "ivan"}, {"access", "irma"},
	{"who-can", "care.reply", "page"}, {"who-can", "*.reply"},
	{"members", "front"},
	{"route", "usergroup/front"}, {"route", "department/desk"}, {"route", "profile/page"},
	{"explain", "ana", "care.reply", "page"}, {"why", "olga", "care.reply", "page"},
	{"validate"},
}

var _ = Describe("reading a cluster", func() {
	It("knows what the Ledger remembers", func(ctx SpecContext) {
		By("stamps: olga joined later and has the default role only")
		Expect(live(ctx, "who-can", "care.reply", "page", "-o", "json").out).To(MatchJSON(`{"teammates": ["ana", "irma"]}`))
		By("confirmations: nobody has confirmed ivan's account")
		Expect(live(ctx, "access", "ivan", "-o", "json").out).To(ContainSubstring(`"phase": "Invited"`))
		Expect(live(ctx, "access", "irma", "-o", "json").out).To(ContainSubstring(`"phase": "Active"`))
		By("keys: ana keeps the extension although aaron comes first by name")
		Expect(live(ctx, "validate", "-o", "json").out).To(SatisfyAll(ContainSubstring("DuplicateKey"), ContainSubstring("Teammate/aaron")))
	})

	It("gives the same answers from a snapshot", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "snapshot.yaml")
		taken := live(ctx, "snapshot", "-o", file)
		Expect(taken.code).To(BeZero(), taken.err)
		Expect(live(ctx, "snapshot").out).To(Equal(string(must(os.ReadFile(file)))), "stdout and file differ, or two snapshots do")
		for _, q := range questions {
			q = append(q, "-o", "json")
			want := live(ctx, q...)
			Expect(want.err).To(BeEmpty(), "%v", q)
			By(strings.Join(q, " "))
			Expect(run(ctx, append(q, "--state-from", file)...)).To(Equal(want), "--state-from alone")
			Expect(run(ctx, append(q, "-f", file)...)).To(Equal(want), "-f alone")
			Expect(run(ctx, append(q, "-f", file, "--state-from", file)...)).To(Equal(want), "both")
		}
	})

	It("takes state from a snapshot for other specs", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "snapshot.yaml")
		Expect(live(ctx, "snapshot", "-o", file).code).To(BeZero())
		manifests := filepath.Join("testdata", "desk.yaml")
		text := strings.ReplaceAll(string(must(os.ReadFile(manifests))), `reflashToken: "1"`, `reflashToken: "2"`)
		specs, _, _ := strings.Cut(text, "---\napiVersion: rollcall.dev/v1alpha1\nkind: Ledger")
		edited := filepath.Join(GinkgoT().TempDir(), "edited.yaml")
		Expect(os.WriteFile(edited, []byte(specs), 0o600)).To(Succeed())
		got := run(ctx, "who-can", "care.reply", "page", "-f", edited, "-n", namespace, "--state-from", file, "-o", "json")
		Expect(got.out).To(MatchJSON(`{"teammates": ["aaron", "ana", "irma", "olga"]}`), "the new token stamps everybody who is a member now")
	})

	It("answers those who may not read the Ledger, and says so", func(ctx SpecContext) {
		got := run(ctx, "access", "ana", "-o", "json", "--kubeconfig", reader, "-n", namespace)
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.err).To(SatisfyAll(ContainSubstring("you may not read the Ledger"), ContainSubstring("everybody counts as confirmed")))
	})

	It("says that it was denied, not that the cluster is away", func(ctx SpecContext) {
		got := run(ctx, "snapshot", "--kubeconfig", reader, "-n", namespace)
		Expect(got.code).To(Equal(1), got.err)
		Expect(got.err).To(SatisfyAll(ContainSubstring("error: denied: "), ContainSubstring("ledgers.rollcall.dev is forbidden")))
	})

	It("reports a namespace without an Organization, and a cluster that is not there", func(ctx SpecContext) {
		got := run(ctx, "access", "ana", "--kubeconfig", admin, "-n", "elsewhere")
		Expect(got.code).To(Equal(65))
		Expect(got.err).To(ContainSubstring("no Organization named default in namespace elsewhere"))

		gone := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
		text := strings.ReplaceAll(string(must(os.ReadFile(admin))), kube.Environment.ControlPlane.APIServer.SecureServing.Port, "1")
		Expect(os.WriteFile(gone, []byte(text), 0o600)).To(Succeed())
		got = run(ctx, "access", "ana", "--kubeconfig", gone)
		Expect(got.code).To(Equal(69), got.err)
		Expect(strings.Count(got.err, "\n")).To(Equal(1), got.err)
	})
})

var _ = Describe("confirm", Ordered, func() {
	// Suites run in a random order: whoever comes later finds ivan as he was.
	AfterAll(func(ctx SpecContext) {
		tm := teammate(ctx, "ivan")
		delete(tm.Annotations, rollcallv1.AnnotationConfirmedAt)
		Expect(kube.Update(ctx, tm)).To(Succeed())
	})

	It("sets the annotation as rollcall-edit", func(ctx SpecContext) {
		got := live(ctx, "confirm", "ivan@desk.example", "-o", "json")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(MatchJSON(`{"results": [{"teammate": "ivan", "result": "Succeeded"}]}`))
		tm := teammate(ctx, "ivan")
		Expect(tm.Annotations).To(HaveKeyWithValue(rollcallv1.AnnotationConfirmedAt, "2027-03-01T09:00:00Z"))
		var managers []string
		for _, f := range tm.ManagedFields {
			managers = append(managers, f.Manager)
		}
		Expect(managers).To(ContainElement("rollcall-edit"))
		Expect(live(ctx, "access", "ivan", "-o", "json").out).To(ContainSubstring(`"phase": "Active"`))
	})

	It("leaves alone who is confirmed, by annotation or by the Ledger", func(ctx SpecContext) {
		before := teammate(ctx, "ivan").ResourceVersion
		got := live(ctx, "confirm", "ivan", "irma", "-o", "json")
		Expect(got.out).To(MatchJSON(`{"results": [
			{"teammate": "ivan", "result": "Unchanged", "message": "confirmed since 2027-03-01T09:00:00Z"},
			{"teammate": "irma", "result": "Unchanged", "message": "confirmed since 2027-02-01T09:00:00Z"}]}`))
		Expect(teammate(ctx, "ivan").ResourceVersion).To(Equal(before))
	})

	It("refuses unknown names before it changes anybody", func(ctx SpecContext) {
		got := live(ctx, "confirm", "olga", "nobody")
		Expect(got.code).To(Equal(65))
		Expect(teammate(ctx, "olga").Annotations).NotTo(HaveKey(rollcallv1.AnnotationConfirmedAt))
	})

	It("fails for those who may not", func(ctx SpecContext) {
		got := run(ctx, "confirm", "olga", "-o", "json", "--kubeconfig", reader, "-n", namespace)
		Expect(got.code).To(Equal(1), fmt.Sprint(got))
		Expect(got.out).To(SatisfyAll(ContainSubstring(`"result": "Failed"`), ContainSubstring("forbidden")))
	})
})

func teammate(ctx context.Context, name string) *rollcallv1.Teammate {
	var tm rollcallv1.Teammate
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &tm)).To(Succeed())
	return &tm
}

func must[T any](v T, err error) T {
	Expect(err).NotTo(HaveOccurred())
	return v
}
