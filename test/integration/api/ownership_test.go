package api_test

import (
	"context"
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// Field managers: a repository and somebody at a keyboard.
const (
	git  = client.FieldOwner("git")
	edit = client.FieldOwner("rollcall-edit")
)

// apply is a server-side apply that leaves wanted as it is and returns what is stored then.
func apply(ctx context.Context, owner client.FieldOwner, wanted *unstructured.Unstructured, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	stored := wanted.DeepCopy()
	err := kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(stored), append(options, owner)...)
	return stored, err
}

// at prints what is stored below the path as JSON; null when nothing is.
func at(stored *unstructured.Unstructured, path string) string {
	value, _, err := unstructured.NestedFieldNoCopy(stored.Object, strings.Split(path, ".")...)
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	printed, err := json.Marshal(value)
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	return string(printed)
}

// inJSON rewrites YAML.
func inJSON(text string) string {
	printed, err := yaml.YAMLToJSON([]byte(text))
	ExpectWithOffset(1, err).NotTo(HaveOccurred())
	return string(printed)
}

var _ = Describe("Ownership", func() {
	// S-121: without atomic unions the second apply would leave the fields of the first one behind, and be refused.
	DescribeTable("a union belongs to whoever applied it last", func(ctx context.Context, kind, edited, declared, path, want string) {
		first := object(kind, "owned", edited)
		stored, err := apply(ctx, edit, first)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })

		_, err = apply(ctx, git, object(kind, "owned", declared))
		Expect(err).To(MatchError(apierrors.IsConflict, "IsConflict"))
		Expect(err).To(MatchError(ContainSubstring("." + path)))

		stored, err = apply(ctx, git, object(kind, "owned", declared), client.ForceOwnership)
		Expect(err).NotTo(HaveOccurred())
		Expect(at(stored, path)).To(MatchJSON(inJSON(want)))
	},
		Entry("lifecycle", "Teammate",
			person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z", reason: leave}`),
			person(`lifecycle: {state: Archived}`), "spec.lifecycle", `{state: Archived}`),
		Entry("assignment", "Teammate",
			person(`assignment: {type: Queues, queues: [{name: orders}]}`),
			person(`assignment: {type: Campaign, campaignRef: {name: winter}}`), "spec.assignment", `{type: Campaign, campaignRef: {name: winter}}`),
		Entry("assignment, to nothing", "Teammate",
			person(`assignment: {type: Campaign, campaignRef: {name: winter}}`),
			person(`assignment: {type: None}`), "spec.assignment", `{type: None}`),
		Entry("approval of a card", "Teammate",
			person(`card: {approval: {state: Approved, cardHash: abc, comment: fine}}`),
			person(`card: {approval: {state: Pending}}`), "spec.card.approval", `{state: Pending}`),
		Entry("overflow of a department", "Department",
			`{routing: {overflow: {after: 10m, type: Queue, name: orders}}}`,
			`{routing: {overflow: {type: Unassigned}}}`, "spec.routing.overflow", `{type: Unassigned}`),
		Entry("closed hours of a department", "Department",
			`{outOfHours: {type: Department, name: night}}`,
			`{outOfHours: {type: Reject}}`, "spec.outOfHours", `{type: Reject}`),
		Entry("overflow of a queue", "Queue",
			`{overflow: {type: Queue, name: night}}`,
			`{overflow: {type: Voicemail}}`, "spec.overflow", `{type: Voicemail}`),
		Entry("overflow of a group", "UserGroup",
			dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Queue, name: orders}`),
			dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Voicemail}`), "spec.voice.dialing.overflow", `{type: Voicemail}`),
		Entry("closed hours of a group", "UserGroup",
			dialing(`strategy: Random, maxRingTime: 15s, outOfHours: {type: UserGroup, name: night}`),
			dialing(`strategy: Random, maxRingTime: 15s, outOfHours: {type: Hangup}`), "spec.voice.dialing.outOfHours", `{type: Hangup}`),
		Entry("audio of a group", "UserGroup",
			`{voice: {dialingAudio: {override: Enabled, source: {type: Library, libraryID: jingle}}}}`,
			`{voice: {dialingAudio: {override: Enabled, source: {type: URL, url: "https://a.example/a"}}}}`, "spec.voice.dialingAudio.source", `{type: URL, url: "https://a.example/a"}`),
		Entry("audio of the organization", "Organization",
			`{voice: {dialingAudio: {type: ConfigMap, configMapKeyRef: {name: audio, key: a}}}}`,
			`{voice: {dialingAudio: {type: Library, libraryID: jingle}}}`, "spec.voice.dialingAudio", `{type: Library, libraryID: jingle}`),
	)

	It("leaves a block to the person who set it while the repository does not name it", func(ctx context.Context) {
		declared := object("Teammate", "blocked", person(`firstName: Ana`))
		stored, err := apply(ctx, git, declared)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })

		block := object("Teammate", "blocked", person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}`))
		_, err = apply(ctx, edit, block)
		Expect(err).NotTo(HaveOccurred())
		stored, err = apply(ctx, git, declared)
		Expect(err).NotTo(HaveOccurred())
		Expect(at(stored, "spec.lifecycle.state")).To(Equal(`"Blocked"`))

		stored, err = apply(ctx, edit, object("Teammate", "blocked", person(`maxChats: 1`)))
		Expect(err).NotTo(HaveOccurred())
		Expect(at(stored, "spec.lifecycle")).To(Equal(`{"state":"Active"}`))
	})

	It("merges keyed lists entry by entry", func(ctx context.Context) {
		stored, err := apply(ctx, git, object("UserGroup", "shared", `{members: [{name: ana, position: 1}, {name: max}]}`))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		_, err = apply(ctx, edit, object("UserGroup", "shared", `{members: [{name: eva}]}`))
		Expect(err).NotTo(HaveOccurred())
		stored, err = apply(ctx, git, object("UserGroup", "shared", `{members: [{name: ana, position: 2}]}`))
		Expect(err).NotTo(HaveOccurred())
		Expect(at(stored, "spec.members")).To(MatchJSON(`[{"name": "ana", "position": 2}, {"name": "eva"}]`))
	})

	It("replaces lists without a key as a whole", func(ctx context.Context) {
		stored, err := apply(ctx, git, object("Schedule", "shared", `{weekly: [{days: [Monday], open: "09:00", close: "17:00"}]}`))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		weekly := `{weekly: [{days: [Friday], open: "10:00", close: "24:00"}]}`
		_, err = apply(ctx, edit, object("Schedule", "shared", weekly))
		Expect(err).To(MatchError(apierrors.IsConflict, "IsConflict"))
		stored, err = apply(ctx, edit, object("Schedule", "shared", weekly), client.ForceOwnership)
		Expect(err).NotTo(HaveOccurred())
		Expect(at(stored, "spec")).To(MatchJSON(`{"mode": "Weekly", "weekly": [{"days": ["Friday"], "open": "10:00", "close": "24:00"}]}`))
	})

	It("lets two writers own a condition each, by the generated apply configurations", func(ctx context.Context) {
		stored := object("Teammate", "judged", person(`firstName: Ana`))
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		report := func(owner client.FieldOwner, conditions ...string) {
			GinkgoHelper()
			status := acrollcall.TeammateStatus().WithPhase(rollcallv1.PhaseActive)
			for _, condition := range conditions {
				status.WithConditions(metav1ac.Condition().WithType(condition).WithStatus(metav1.ConditionTrue).
					WithReason("Tested").WithMessage("").WithLastTransitionTime(metav1.Now()))
			}
			Expect(kube.Status().Apply(ctx, acrollcall.Teammate("judged", namespace).WithUID(stored.GetUID()).WithStatus(status), owner)).To(Succeed())
		}
		types := func() []string {
			GinkgoHelper()
			var teammate rollcallv1.Teammate
			Expect(kube.Get(ctx, client.ObjectKeyFromObject(stored), &teammate)).To(Succeed())
			Expect(teammate.Spec.FirstName).To(HaveValue(Equal("Ana")))
			var found []string
			for _, condition := range teammate.Status.Conditions {
				found = append(found, condition.Type)
			}
			return found
		}
		report("first", rollcallv1.ConditionReady, rollcallv1.ConditionReconciling)
		report("second", rollcallv1.ConditionCardApproved)
		Expect(types()).To(ConsistOf("Ready", "Reconciling", "CardApproved"))
		report("first", rollcallv1.ConditionReady)
		Expect(types()).To(ConsistOf("Ready", "CardApproved"))
	})

	It("writes an output whole, in one apply", func(ctx context.Context) {
		output := acrollcall.EffectiveAccess("ana", namespace).WithStatus(acrollcall.EffectiveAccessStatus().
			WithPhase(rollcallv1.PhaseActive).WithGate(acrollcall.Gate().WithOpen(true)).
			WithGrants(acrollcall.Grant().WithPermissions("care.view").WithProfiles("ig-quebec")).
			WithCounts(acrollcall.AccessCounts().WithGroups(0).WithSupervises(0).WithProfiles(1).WithGrants(1)))
		Expect(kube.Apply(ctx, output, client.FieldOwner("rollcall"))).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(kube.Delete(ctx, &rollcallv1.EffectiveAccess{ObjectMeta: metav1.ObjectMeta{Name: "ana", Namespace: namespace}})).To(Succeed())
		})
		var stored rollcallv1.EffectiveAccess
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "ana"}, &stored)).To(Succeed())
		Expect(stored.Status.Gate.Open).To(BeTrue())
		Expect(stored.Status.Grants).To(HaveLen(1))
	})
})
