package telephony_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// apply makes an object what a YAML document without apiVersion says.
func apply(ctx context.Context, document string) {
	GinkgoHelper()
	var o unstructured.Unstructured
	Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed(), document)
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetNamespace(namespace)
	Expect(kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(&o), client.FieldOwner("test"), client.ForceOwnership)).To(Succeed(), document)
}

func edit(ctx context.Context, kind, name, change string) {
	GinkgoHelper()
	b, err := yaml.YAMLToJSON([]byte(change))
	Expect(err).NotTo(HaveOccurred(), change)
	var o unstructured.Unstructured
	o.SetAPIVersion(rollcallv1.GroupVersion.String())
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	Expect(kube.Patch(ctx, &o, client.RawPatch(types.MergePatchType, b))).To(Succeed(), change)
}

// group declares a group that line n rings, with these people in this order, and waits until it is Synced: until the Downstream
// says so and the database has the plan.
func group(ctx context.Context, name string, line int, dialing string, people ...int) {
	GinkgoHelper()
	members := make([]string, len(people))
	for i, p := range people {
		members[i] = fmt.Sprintf("{name: %s, position: %d}", person(p), i+1)
	}
	apply(ctx, fmt.Sprintf(`
kind: UserGroup
metadata: {name: %s}
spec:
  members: [%s]
  profiles: [{name: line-%d}]
  permissionSet: {profileRoleRef: {name: phone-agent}}
  voice:
    extension: "30%02[3]d"
    dialing: {profiles: [{name: line-%[3]d}], %[4]s}
`, name, strings.Join(members, ", "), line, dialing))
	plan := "usergroup-" + name
	Eventually(func() error { return sameAsPlan(ctx, plan) }).Should(Succeed())
	synced(ctx)
}

// sameAsPlan compares what the switch reads with the RoutePlan that the cluster shows.
func sameAsPlan(ctx context.Context, name string) error {
	var plan rollcallv1.RoutePlan
	if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &plan); err != nil {
		return err
	}
	var g rollcallv1.UserGroup
	if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: plan.Status.Target.Name}, &g); err != nil {
		return err
	}
	d := g.Spec.Voice.Dialing
	var names []string
	for _, c := range plan.Status.Candidates {
		names = append(names, c.Name)
	}
	shown := fmt.Sprintf("%s|%d|%s", plan.Status.Strategy, plan.Status.Timeouts.MaxRingTime.Milliseconds(), strings.Join(names, ","))
	if declared := fmt.Sprintf("%s|%d|%d", d.Strategy, d.MaxRingTime.Milliseconds(), len(g.Spec.Members)); declared !=
		fmt.Sprintf("%s|%d|%d", plan.Status.Strategy, plan.Status.Timeouts.MaxRingTime.Milliseconds(), len(names)) {
		return fmt.Errorf("the plan says %s, declared is %s", shown, declared)
	}
	got := ask(fmt.Sprintf(`SELECT concat_ws('|', strategy, max_ring_ms, (SELECT string_agg(c.name, ',' ORDER BY c.ordinal) FROM rollcall.route_candidates c
		WHERE c.route_key = r.key)) FROM rollcall.routes r WHERE r.key = '%s'`, name))()
	if strings.TrimSuffix(got, "|") != strings.TrimSuffix(shown, "|") {
		return fmt.Errorf("the database says %s, the plan %s", got, shown)
	}
	return nil
}

func synced(ctx context.Context) {
	GinkgoHelper()
	Eventually(func() string {
		var d rollcallv1.Downstream
		if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "switch"}, &d); err != nil {
			return err.Error()
		}
		for _, c := range d.Status.Conditions {
			if c.Type == rollcallv1.ConditionSynced {
				return string(c.Status)
			}
		}
		return "unknown"
	}).Should(Equal(string(metav1.ConditionTrue)))
}

var _ = Describe("Calls", func() {
	// extensions of the people with these numbers.
	of := func(people ...int) (out []string) {
		for _, p := range people {
			out = append(out, extension(p))
		}
		return out
	}
	rings := func(p, from, until int, how string) leg { return leg{extension(p), from, until, how} }

	BeforeEach(func(ctx context.Context) {
		var everybody []string
		for i := range agents {
			everybody = append(everybody, extension(i+1))
		}
		phones.react("ring", 0, everybody...)
		phones.react("answer", 100*time.Millisecond, voicemail, trunk)
		phones.register(0, everybody...)
		sql(ctx, "TRUNCATE telephony.calls CASCADE")
	})
	AfterEach(func() {
		if CurrentSpecReport().Failed() {
			GinkgoWriter.Println(pbx.Log())
			GinkgoWriter.Println(ask("SELECT string_agg(c::text, E'\\n' ORDER BY id) FROM telephony.calls c")())
			GinkgoWriter.Println(ask("SELECT string_agg(l::text, E'\\n' ORDER BY call, ordinal) FROM telephony.legs l")())
		}
		Eventually(ask("SELECT count(*) FROM telephony.calls WHERE state <> 'Ended'")).Should(Equal("0"), "calls are not closed")
		Expect(ask("SELECT count(*) FROM telephony.legs WHERE state = 'Ringing'")()).To(Equal("0"))
	})

	It("S-36: Sequential rings one after the other, again from the start, until the time of the group is over; an edit is heeded by the next call", func(ctx context.Context) {
		phones.register(300, of(1, 3)...)
		group(ctx, "support", 1, "strategy: Sequential, maxRingTime: 1s, maxGroupDialingTime: 3500ms", 1, 2, 3)
		c := dial(trunk, number(1))
		c.ends(480, 3500*time.Millisecond)
		c.rang(rings(1, 0, 1000, "cancelled"), rings(3, 1000, 2000, "cancelled"), rings(1, 2000, 3000, "cancelled"), rings(3, 3000, 3500, "cancelled"))

		group(ctx, "support", 1, "strategy: Sequential, maxRingTime: 1500ms, maxGroupDialingTime: 2s", 3, 1)
		c = dial(trunk, number(1))
		c.ends(480, 2*time.Second)
		c.rang(rings(3, 0, 1500, "cancelled"), rings(1, 1500, 2000, "cancelled"))
	})

	It("S-34: Simultaneous rings ten of twelve, the eleventh when one refuses, and goes to the overflow when the time is over", func(ctx context.Context) {
		all := make([]int, agents)
		var want []leg
		for i := range all {
			all[i] = i + 1
		}
		phones.register(300, of(all...)...)
		phones.react("reject", 700*time.Millisecond, extension(4))
		group(ctx, "sales", 2, "strategy: Simultaneous, maxRingTime: 2s, overflow: {type: Voicemail}", all...)
		for i := 1; i <= 10; i++ {
			if i != 4 {
				want = append(want, rings(i, 0, 2000, "cancelled"))
			}
		}
		want = append(want, rings(4, 0, 700, "rejects"), rings(11, 700, 2000, "cancelled"), leg{voicemail, 2000, 2100, "answers"})
		c := dial(trunk, number(2))
		c.ends(200, 2100*time.Millisecond)
		c.rang(want...)
		c.hangUp(trunk)
	})
})
