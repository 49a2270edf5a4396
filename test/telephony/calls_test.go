package telephony_test

import (
	"context"
	"fmt"
	"slices"
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

// A machine that is one of many on another one may stand still for longer than the tolerance. So a spec that failed while processors
// were stolen is no measurement: it waits for a calm moment and measures again, by the same tolerance. One that failed on a machine
// that was left alone has failed.
var _ = Describe("Calls", FlakeAttempts(4), func() {
	var before time.Duration // what was stolen before this attempt
	var final bool           // an attempt failed on a machine that was left alone
	// extensions of the people with these numbers.
	of := func(people ...int) (out []string) {
		for _, p := range people {
			out = append(out, extension(p))
		}
		return out
	}
	rings := func(p, from, until int, how string) leg { return leg{extension(p), from, until, how} }

	BeforeEach(func(ctx context.Context) {
		if CurrentSpecReport().NumAttempts == 1 {
			final = false
		} else {
			Expect(final).To(BeFalse(), "it failed, and nothing was stolen from this machine meanwhile")
			calm()
		}
		before = stolen()
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
			final = final || stolen()-before < disturbed
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
		group(ctx, "sales", 5, "strategy: Simultaneous, maxRingTime: 2s, overflow: {type: Voicemail}", all...)
		for i := 1; i <= 10; i++ {
			if i != 4 {
				want = append(want, rings(i, 0, 2000, "cancelled"))
			}
		}
		want = append(want, rings(4, 0, 700, "rejects"), rings(11, 700, 2000, "cancelled"), leg{voicemail, 2000, 2100, "answers"})
		c := dial(trunk, number(5))
		c.ends(200, 2100*time.Millisecond)
		c.rang(want...)
		c.hangUp(trunk)
	})

	It("stops ringing everybody else when somebody answers, and closes the call when either side hangs up", func(ctx context.Context) {
		phones.register(300, of(1, 2, 3)...)
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 5s", 1, 2, 3)
		for _, side := range []string{trunk, extension(2)} {
			phones.react("answer", 500*time.Millisecond, extension(2))
			c := dial(trunk, number(1))
			c.ends(200, 500*time.Millisecond)
			c.rang(rings(1, 0, 500, "cancelled"), rings(2, 0, 500, "answers"), rings(3, 0, 500, "cancelled"))
			// Whoever is on the telephone is left out.
			phones.react("ring", 0, extension(2))
			other := dial(trunk, number(1))
			phones.await("ringing", 2, other.is("", "rings"))
			other.cancel()
			other.ends(487, other.after(other.status()))
			Expect(slices.ContainsFunc(other.legs(), func(l leg) bool { return l.phone == extension(2) })).To(BeFalse(), other.String())
			c.hangUp(side)
			Eventually(ask("SELECT concat(state, outcome, answered_by) FROM telephony.calls WHERE call_id = '" + c.name + "'")).
				Should(Equal("EndedAnsweredemail=" + person(2) + "@fjordline.example"))
		}
	})

	It("moves on at once when somebody refuses, under Sequential, and a caller who gives up stops the ringing", func(ctx context.Context) {
		phones.register(300, of(1, 2, 3)...)
		phones.react("reject", 400*time.Millisecond, extension(1))
		group(ctx, "support", 1, "strategy: Sequential, maxRingTime: 2s, maxGroupDialingTime: 1m", 1, 2, 3)
		c := dial(trunk, number(1))
		phones.await("second leg", 2, c.is("", "rings"))
		c.cancel()
		c.ends(487, 400*time.Millisecond)
		c.rang(rings(1, 0, 400, "rejects"), rings(2, 400, 400, "cancelled"))
	})

	It("waits a second when nobody can be rung, under Sequential, and rings who comes back", func(ctx context.Context) {
		group(ctx, "support", 1, "strategy: Sequential, maxRingTime: 2s, maxGroupDialingTime: 5s", 1, 2)
		c := dial(trunk, number(1))
		phones.await("first answer", 1, c.is(trunk, "status"))
		phones.react("answer", 200*time.Millisecond, extension(2))
		phones.register(300, extension(2))
		c.ends(200, 1200*time.Millisecond)
		c.rang(rings(2, 1000, 1200, "answers"))
		c.hangUp(trunk)
	})

	It("goes on for as long as the group is dialled, however many legs that takes", func(ctx context.Context) {
		phones.register(300, of(1, 2, 3, 4, 5, 6, 7, 8)...)
		phones.react("reject", 100*time.Millisecond, of(1, 2, 3, 4, 5, 6, 7)...)
		phones.react("reject", 1100*time.Millisecond, extension(8))
		group(ctx, "support", 1, "strategy: Sequential, maxRingTime: 5s, maxGroupDialingTime: 8s", 1, 2, 3, 4, 5, 6, 7, 8)
		c := dial(trunk, number(1))
		c.ends(480, 8*time.Second)
		Expect(len(c.legs())).To(BeNumerically(">", 25), "one transaction has no room for more than 21\n%s", c)
		for i, l := range c.legs() {
			Expect(l.phone).To(Equal(extension(i%8+1)), c.String())
		}
	})

	It("ends a Simultaneous call to nobody when its time is over", func(ctx context.Context) {
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 2s", 1, 2)
		c := dial(trunk, number(1))
		c.ends(480, 2*time.Second)
		c.rang()
	})

	It("rings who comes while the others ring, under Simultaneous, and nobody for longer than the call", func(ctx context.Context) {
		phones.register(300, extension(1))
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 2s", 1, 2)
		c := dial(trunk, number(1))
		phones.await("ringing", 1, c.is("", "rings"))
		phones.register(300, extension(2))
		c.ends(480, 2*time.Second)
		c.rang(rings(1, 0, 2000, "cancelled"), rings(2, 150, 2000, "cancelled"))
		phones.register(0, of(1, 2)...)
		c = dial(trunk, number(1)) // to nobody at all
		phones.await("first answer", 1, c.is(trunk, "status"))
		phones.react("answer", 200*time.Millisecond, extension(1))
		phones.register(300, extension(1))
		c.ends(200, 350*time.Millisecond)
		c.hangUp(extension(1))
	})

	It("counts ringing legs per call or per group, as the organization says", func(ctx context.Context) {
		DeferCleanup(edit, "Organization", "default", "{spec: {voice: {maxUnansweredCalls: null, unansweredCallsScope: null}}}")
		phones.register(300, of(1, 2, 3, 4)...)
		for scope, want := range map[string]int{"PerCall": 2, "PerGroup": 0} {
			edit(ctx, "Organization", "default", "{spec: {voice: {maxUnansweredCalls: 2, unansweredCallsScope: "+scope+"}}}")
			group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 1500ms", 1, 2, 3, 4)
			Eventually(ask("SELECT concat(cap_legs, cap_scope) FROM rollcall.routes WHERE key = 'usergroup-support'")).Should(Equal("2" + scope))
			first := dial(trunk, number(1))
			phones.await("second leg", 2, first.is("", "rings"))
			second := dial(trunk, number(1))
			first.ends(480, 1500*time.Millisecond)
			Expect(second.legs()).To(HaveLen(want), second.String())
			second.ends(480, 1500*time.Millisecond)
			Expect(first.legs()).To(HaveLen(2), first.String())
			sql(ctx, "TRUNCATE telephony.calls CASCADE")
		}
	})

	It("S-35: Random rings the one with the fewest calls, and nobody else when that one does not answer", func(ctx context.Context) {
		phones.register(300, of(1, 2, 3)...)
		group(ctx, "support", 1, "strategy: Random, maxRingTime: 1s", 1, 2, 3)
		sql(ctx, `WITH c AS (INSERT INTO telephony.calls (call_id, caller, number, state) SELECT n, '', '', 'Ended' FROM generate_series(1, 3) n RETURNING id)
			INSERT INTO telephony.legs (call, ordinal, person_key, name, extension, contacts, state, until)
			SELECT id, 1, 'email=p01@fjordline.example', 'p01', '2001', '{}', 'Rejected', now() FROM c`)
		sql(ctx, `INSERT INTO telephony.legs (call, ordinal, person_key, name, extension, contacts, state, until, began)
			SELECT min(id), n, 'email=p02@fjordline.example', 'p02', '2002', '{}', 'Rejected', now(), now() - interval '25 hours'
			FROM telephony.calls, generate_series(2, 9) n GROUP BY n`) // too long ago to count
		first := dial(trunk, number(1))
		first.ends(480, time.Second)
		Expect(first.legs()).To(HaveLen(1), first.String())
		one := first.legs()[0].phone
		Expect(one).To(BeElementOf(extension(2), extension(3)))
		first.rang(leg{one, 0, 1000, "cancelled"})
		other := map[string]string{extension(2): extension(3), extension(3): extension(2)}[one]
		phones.react("reject", 300*time.Millisecond, other)
		second := dial(trunk, number(1))
		second.ends(480, 300*time.Millisecond)
		second.rang(leg{other, 0, 300, "rejects"})
		phones.register(0, of(1, 2, 3)...)
		dial(trunk, number(1)).ends(480, 0) // nobody is there
	})

	It("sends calls on when a group is closed or disabled, and says no where nobody else takes them", func(ctx context.Context) {
		phones.register(300, of(1, 2)...)
		phones.react("answer", 200*time.Millisecond, extension(2))
		group(ctx, "night", 2, "strategy: Simultaneous, maxRingTime: 2s", 2)
		group(ctx, "day", 3, "strategy: Simultaneous, maxRingTime: 2s, outOfHours: {type: UserGroup, name: night}", 1)
		closed := func(name, outOfHours string) {
			DeferCleanup(edit, "UserGroup", name, "{spec: {scheduleRef: null}}")
			edit(ctx, "UserGroup", name, "{spec: {scheduleRef: {name: never}, voice: {dialing: {outOfHours: "+outOfHours+"}}}}")
			Eventually(ask("SELECT open FROM rollcall.open_routes WHERE route_key = 'usergroup-" + name + "'")).Should(Equal("false"))
		}
		closed("day", "{type: UserGroup, name: night}")
		c := dial(trunk, number(3))
		c.ends(200, 200*time.Millisecond)
		c.rang(rings(2, 0, 200, "answers"))
		c.hangUp(trunk)

		closed("night", "{type: Voicemail}")
		c = dial(trunk, number(3)) // from one that is closed to the next
		c.ends(200, 100*time.Millisecond)
		c.rang(leg{voicemail, 0, 100, "answers"})
		c.hangUp(trunk)

		closed("night", "{type: Hangup}")
		Eventually(ask("SELECT out_of_hours_type FROM rollcall.routes WHERE key = 'usergroup-night'")).Should(Equal("Hangup"))
		c = dial(trunk, number(2))
		c.ends(480, 0)
		Expect(c.status().Text).To(Equal("Closed"))

		DeferCleanup(edit, "UserGroup", "night", "{spec: {state: Enabled}}")
		edit(ctx, "UserGroup", "night", "{spec: {scheduleRef: null, state: Disabled}}")
		Eventually(ask("SELECT count(*) FROM rollcall.routes WHERE key = 'usergroup-night'")).Should(Equal("0"))
		dial(trunk, number(2)).ends(404, 0)
		c = dial(extension(1), "3002")
		c.ends(480, 0)
		Expect(c.status().Text).To(Equal("Not in service"))
		edit(ctx, "UserGroup", "night", "{spec: {state: Enabled}}")
		Eventually(ask("SELECT count(*) FROM rollcall.route_candidates WHERE route_key = 'usergroup-night'")).Should(Equal("1"))
		c = dial(trunk, number(2))
		c.ends(200, 200*time.Millisecond)
		c.hangUp(extension(2))
	})

	It("dials the group that calls overflow to, and sends them to a queue or to nobody from there", func(ctx context.Context) {
		phones.register(300, of(1, 2)...)
		phones.react("reject", 300*time.Millisecond, extension(1))
		apply(ctx, "kind: Queue\nmetadata: {name: patience}\nspec: {channels: [Voice]}")
		group(ctx, "last", 7, "strategy: Sequential, maxRingTime: 1s, maxGroupDialingTime: 1s, overflow: {type: Queue, name: patience}", 2)
		group(ctx, "first", 8, "strategy: Random, maxRingTime: 2s, overflow: {type: UserGroup, name: last}", 1)
		Eventually(ask("SELECT string_agg(overflow_name, ',' ORDER BY key) FROM rollcall.routes WHERE name IN ('first', 'last')")).Should(Equal("last,patience"))
		c := dial(trunk, number(8))
		c.ends(480, 1300*time.Millisecond)
		c.rang(rings(1, 0, 300, "rejects"), rings(2, 300, 1300, "cancelled"))
		DeferCleanup(sql, "UPDATE telephony.settings SET queue_uri = NULL")
		sql(ctx, "UPDATE telephony.settings SET queue_uri = voicemail_uri")
		c = dial(trunk, number(8))
		c.ends(200, 1400*time.Millisecond)
		c.rang(rings(1, 0, 300, "rejects"), rings(2, 300, 1300, "cancelled"), leg{voicemail, 1300, 1400, "answers"})
		Expect(ask("SELECT passed_on FROM telephony.calls WHERE call_id = '" + c.name + "'")()).To(HavePrefix("sip:patience@"))
		c.hangUp(voicemail)
	})

	It("ends a call at once when the caller gives up while nobody rings", func(ctx context.Context) {
		for _, dialing := range []string{"strategy: Simultaneous, maxRingTime: 1m", "strategy: Sequential, maxRingTime: 2s, maxGroupDialingTime: 1m"} {
			group(ctx, "support", 1, dialing, 1, 2)
			c := dial(trunk, number(1))
			phones.await("first answer", 1, c.is(trunk, "status"))
			Eventually(ask("SELECT waits IS NOT NULL FROM telephony.calls WHERE call_id = '" + c.name + "'")).Should(Equal("true"))
			c.cancel()
			Expect(c.status().Status).To(Equal(487), c.String())
			Expect(c.after(c.status())).To(BeNumerically("<", 2*time.Second), c.String())
			phones.register(300, extension(1)) // comes too late
			Eventually(ask("SELECT outcome FROM telephony.calls WHERE call_id = '" + c.name + "'")).Should(Equal("Cancelled"))
			next := dial(trunk, number(1))
			phones.await("ringing", 1, next.is(extension(1), "rings"))
			next.cancel()
			Expect(next.status().Status).To(Equal(487), next.String())
			Expect(c.legs()).To(BeEmpty(), c.String())
			phones.register(0, extension(1))
		}
	})

	It("leaves out whoever is off duty or left, and does not let them use the switch", func(ctx context.Context) {
		phones.register(300, of(1, 2, 3)...)
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 1s", 1, 2, 3)
		restore := func(ctx context.Context) {
			edit(ctx, "Teammate", person(1), "{spec: {scheduleRef: null}}")
			edit(ctx, "Teammate", person(2), "{spec: {lifecycle: {state: Active}}}")
			Eventually(ask("SELECT active FROM rollcall.people WHERE name = '" + person(2) + "'")).Should(Equal("true"))
		}
		DeferCleanup(restore)
		edit(ctx, "Teammate", person(1), "{spec: {scheduleRef: {name: never}}}")
		edit(ctx, "Teammate", person(2), "{spec: {lifecycle: {state: Archived}}}")
		Eventually(ask("SELECT string_agg(person, ',') FROM rollcall.lineup WHERE target = 'support'")).Should(Equal(person(3)))
		Eventually(ask("SELECT active FROM rollcall.people WHERE name = '" + person(2) + "'")).Should(Equal("false"))
		c := dial(trunk, number(1))
		c.ends(480, time.Second)
		c.rang(rings(3, 0, 1000, "cancelled"))
		Expect(phones.tryToRegister(300, extension(2))).To(Equal(401))
		dial(extension(2), number(1)).ends(407, 0)
		dial(extension(3), extension(2)).ends(480, 0)
		restore(ctx)
		phones.register(300, extension(2))
		phones.react("answer", 100*time.Millisecond, extension(2))
		c = dial(extension(3), extension(2)) // from one to another
		c.ends(200, 100*time.Millisecond)
		c.hangUp(extension(2))
	})

	It("shows the caller ID of the group outside, and lets nobody call out who may not", func(ctx context.Context) {
		phones.register(300, of(1, 2)...)
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 1s", 1)
		may := func(settings string) {
			edit(ctx, "UserGroup", "support", "{spec: {voice: "+settings+"}}")
		}
		voice := ask("SELECT concat(voice ->> 'outboundCalls', voice ->> 'callerID', voice ->> 'agentsCanChangeCallerID') FROM rollcall.access WHERE name = 'p01'")
		dial(extension(1), "+4790000000").ends(403, 0)
		may("{outboundCalls: Enabled, callerIDProfileRef: {name: line-4}}")
		Eventually(voice).Should(Equal("true" + number(4) + "false"))
		shown := func(wanted string) string {
			c := dialAs(extension(1), "+4790000000", map[string]any{"wanted": wanted})
			c.ends(200, 100*time.Millisecond)
			rang := phones.await("call outside", 1, c.is(trunk, "rings"))
			Expect(rang.Identity).To(ContainSubstring("sip:"+rang.From+"@"), "both headers say the same")
			c.hangUp(extension(1))
			return rang.From
		}
		Expect(shown("")).To(Equal(number(4)))
		Expect(shown(number(1))).To(Equal(number(4)), "changing it is not allowed")
		may("{agentsCanChangeCallerID: Enabled}")
		Eventually(voice).Should(Equal("true" + number(4) + "true"))
		Expect(shown(number(1))).To(Equal(number(1)))
		Expect(shown("+1555")).To(Equal(number(4)), "not a number of the organization")
		dial(extension(2), "+4790000000").ends(403, 0)
		c := dial(extension(2), "112") // everybody may
		c.ends(200, 100*time.Millisecond)
		c.hangUp(extension(2))
	})

	It("takes no harm from what is dialled", func(ctx context.Context) {
		before := ask("SELECT count(*) FROM pg_tables WHERE schemaname IN ('rollcall', 'telephony')")()
		for _, hostile := range []string{"';DROP/**/TABLE/**/telephony.calls;--", "%27%3B%20DROP%20SCHEMA%20telephony", "'||(SELECT/**/1)||'", "$(ci)", "1'OR'1'='1"} {
			c := dial(trunk, hostile)
			Expect(c.status().Status).To(BeElementOf(400, 404), c.String())
		}
		c := dialAs(trunk, number(9), map[string]any{"call": `x\'); DELETE FROM telephony.calls; --@"test`})
		c.ends(404, 0)
		Eventually(ask("SELECT count(*) FROM telephony.calls WHERE call_id LIKE '%DELETE FROM%'")).Should(Equal("1"))
		Expect(ask("SELECT count(*) FROM pg_tables WHERE schemaname IN ('rollcall', 'telephony')")()).To(Equal(before))
	})

	It("answers 503 while PostgreSQL is down or hangs, and recovers by itself", func(ctx context.Context) {
		phones.register(300, of(1, 2)...)
		phones.react("answer", 100*time.Millisecond, of(1, 2)...)
		group(ctx, "support", 1, "strategy: Simultaneous, maxRingTime: 2s", 1, 2)
		works := func() {
			GinkgoHelper()
			Eventually(func() int {
				c := dial(trunk, number(1))
				status := c.status().Status
				if status == 200 {
					c.hangUp(trunk)
				}
				return status
			}).Should(Equal(200))
		}
		works()
		database.Halt()
		dial(trunk, number(1)).ends(503, 0)
		Expect(phones.tryToRegister(300, extension(1))).To(Equal(503))
		Expect(database.Resume()).To(Succeed())
		works()
		Expect(database.Freeze()).To(Succeed())
		c := dial(trunk, number(1))
		status := c.status()
		Expect(database.Thaw()).To(Succeed())
		Expect(status.Status).To(Equal(503), c.String())
		Expect(c.after(status)).To(BeNumerically("<", 8*time.Second), c.String())
		works()
	})

	It("frees whoever was in a call that the switch lost", func(ctx context.Context) {
		phones.register(300, extension(1))
		phones.react("answer", 100*time.Millisecond, extension(1))
		group(ctx, "support", 1, "strategy: Random, maxRingTime: 2s", 1)
		lost := dial(trunk, number(1))
		lost.ends(200, 100*time.Millisecond)
		dial(trunk, number(1)).ends(480, 0) // busy
		sql(ctx, "UPDATE telephony.calls SET seen = now() - interval '91 seconds', dial_until = now() WHERE call_id = '"+lost.name+"'")
		Eventually(ask("SELECT outcome FROM telephony.calls WHERE call_id = '" + lost.name + "'")).Should(Equal("Lost"))
		c := dial(trunk, number(1))
		c.ends(200, 100*time.Millisecond)
		c.hangUp(trunk)
		lost.hangUp(trunk)
	})
})
