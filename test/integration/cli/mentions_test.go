package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/yaml"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// calls is the namespace in which mentions are made: with the operator, the policy ACT-12 and people who are agents.
const calls = "calls"

// callsObjects is its organization: max sees the line, ana and ben are called, eva sees nothing.
const callsObjects = `
kind: Organization
metadata: {name: default}
spec: {timeZone: Europe/Prague, denies: [conversation.reply], policies: {mentions: {maxAccessDuration: 48h}}}
---
kind: Profile
metadata: {name: line}
spec: {type: Line, phoneNumber: "+420100200300"}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@calls.example, username: max}, profiles: [{name: line, profileRoleRef: {name: view-only}}]}
---
kind: Teammate
metadata: {name: ana, labels: {language: fr}}
spec: {identity: {email: ana@calls.example, username: ana}}
---
kind: Teammate
metadata: {name: ben, labels: {language: fr}}
spec: {identity: {email: ben@calls.example}}
---
kind: Teammate
metadata: {name: eva}
spec: {identity: {email: eva@calls.example, username: eva}}
---
kind: UserGroup
metadata: {name: g1}
spec: {members: [{name: ana}, {name: ben}]}
---
kind: UserGroup
metadata: {name: nights}
spec: {state: Disabled, members: [{name: ana}]}
`

// documents creates objects of our group, or, with an apiVersion, of others.
func documents(ctx context.Context, namespace, text string) {
	GinkgoHelper()
	for document := range strings.SplitSeq(text, "\n---\n") {
		var o unstructured.Unstructured
		Expect(yaml.Unmarshal([]byte(document), &o.Object)).To(Succeed(), document)
		if len(o.Object) == 0 {
			continue
		}
		if o.GetAPIVersion() == "" {
			o.SetAPIVersion(rollcallv1.GroupVersion.String())
		}
		o.SetNamespace(namespace)
		Expect(kube.Create(ctx, &o)).To(Succeed(), document)
	}
}

// operate runs the operator for one namespace, until the end of the container.
func operate(namespace string, change func(*controllers.Options)) {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	var ready func() error
	options := controllers.Options{Ready: &ready, Now: func() time.Time { return now }}
	if change != nil {
		change(&options)
	}
	mgr, err := controllers.NewManager(ctx, kube.Config, ctrl.Options{
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller: ctrlconfig.Controller{SkipNameValidation: new(true)}, // one operator for each container
		Cache:      cache.Options{DefaultFieldSelector: fields.OneTermEqualSelector("metadata.namespace", namespace)},
	}, options)
	Expect(err).NotTo(HaveOccurred())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(done).WithTimeout(30 * time.Second).Should(Receive(BeNil()))
	})
	Eventually(func() error { return ready() }).WithTimeout(30 * time.Second).Should(Succeed())
}

// install creates what files below config hold.
func install(ctx context.Context, files ...string) {
	GinkgoHelper()
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(cluster.Root, "config", file))
		Expect(err).NotTo(HaveOccurred())
		documents(ctx, "", string(text))
	}
}

var _ = Describe("mentions", Ordered, func() {
	var dir string
	// as runs the plugin as one of the people.
	as := func(ctx context.Context, user string, args ...string) answer {
		return run(ctx, append(args, "--kubeconfig", filepath.Join(dir, user+".kubeconfig"), "-n", calls)...)
	}
	// call makes a mention as max and returns its name.
	call := func(ctx context.Context, args ...string) string {
		GinkgoHelper()
		got := as(ctx, "max", append([]string{"mention"}, append(args, "-o", "json")...)...)
		Expect(got.code).To(BeZero(), got.out+got.err)
		var made struct{ Mention string }
		Expect(json.Unmarshal([]byte(got.out), &made)).To(Succeed())
		return made.Mention
	}
	mention := func(ctx context.Context, name string) *rollcallv1.Mention {
		GinkgoHelper()
		var m rollcallv1.Mention
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: calls, Name: name}, &m)).To(Succeed())
		return &m
	}
	alerts := func(m *rollcallv1.Mention) map[string]rollcallv1.AlertState {
		out := map[string]rollcallv1.AlertState{}
		for _, a := range m.Status.Alerts {
			out[a.Name] = a.State
		}
		return out
	}

	BeforeAll(func(ctx context.Context) {
		dir = GinkgoT().TempDir()
		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: calls}})).To(Succeed())
		documents(ctx, calls, callsObjects)
		install(ctx, "rbac/shipped_role_agent.yaml", "admission/act-12.yaml")
		for _, user := range []string{"max", "ana", "eva", "stranger", "dispatcher"} {
			kubeconfig(dir, user, "agents")
		}
		bind := func(name, group, user string) {
			subject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}
			if user != "" {
				subject = rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}
			}
			Expect(kube.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: calls},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
				Subjects:   []rbacv1.Subject{subject},
			})).To(Succeed())
		}
		Expect(kube.Create(ctx, &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{Name: "dispatchers"},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{rollcallv1.GroupName}, Resources: []string{"mentions"}, Verbs: []string{"resolve-for"}}},
		})).To(Succeed())
		bind("rollcall-agent", "agents", "")
		bind("dispatchers", "", "dispatcher")
		operate(calls, nil)
		By("the policy is in force")
		Eventually(func(ctx context.Context) string {
			command := exec.CommandContext(ctx, cluster.Program("kubectl"), "--kubeconfig", filepath.Join(dir, "max.kubeconfig"),
				"-n", calls, "create", "--dry-run=server", "-f", "-")
			command.Stdin = strings.NewReader(`{"apiVersion": "rollcall.dev/v1alpha1", "kind": "Mention", "metadata": {"name": "foreign"},
				"spec": {"groups": [{"name": "g1"}], "message": "x", "source": {"type": "Manual", "username": "eva"}}}`)
			out, _ := command.CombinedOutput()
			return string(out)
		}).WithContext(ctx).WithTimeout(2 * time.Minute).Should(ContainSubstring("ACT-12"))
	})

	It("S-109, S-14: an agent calls a group to a conversation, and hears whom that reached", func(ctx SpecContext) {
		got := as(ctx, "max", "mention", "g1", "nights", "--conversation", "conv-1", "--profile", "line", "Refund over the limit", "-o", "json")
		Expect(got.code).To(BeZero(), got.err)
		var made struct{ Mention, Until string }
		Expect(json.Unmarshal([]byte(got.out), &made)).To(Succeed())
		Expect(got.out).To(MatchJSON(`{"mention": "` + made.Mention + `", "conversationID": "conv-1", "phase": "Pending",
			"alerts": [{"name": "ana", "groups": ["g1"]}, {"name": "ben", "groups": ["g1"]}], "rejected": [{"name": "nights", "reason": "Disabled"}], "until": "` + made.Until + `"}`))
		m := mention(ctx, made.Mention)
		Expect(m.Spec.Source).To(HaveValue(Equal(rollcallv1.MentionSource{Type: rollcallv1.MentionSourceTypeManual, Username: new("max")})))
		Expect(m.ManagedFields).To(ContainElement(HaveField("Manager", "rollcall-edit")))

		By("a table")
		got = as(ctx, "max", "mention", "g1", "--conversation", "conv-1", "Refund over the limit")
		Expect(got.out).To(MatchRegexp(`(?s)^Mention/conv-1-\w{8}  Pending until .* UTC\n\nALERTED  BY\nana      group g1\nben      group g1\n$`))

		By("once more in the same second")
		got = as(ctx, "max", "mention", "g1", "--conversation", "conv-1", "Refund over the limit")
		Expect(got.code).To(Equal(1))
		Expect(got.err).To(ContainSubstring("already exists"))

		By("the conversation is open to those alerted")
		Expect(run(ctx, "access", "ana", "-o", "json", "--kubeconfig", admin, "-n", calls).out).To(
			ContainSubstring(`"mention": "` + made.Mention + `"`))
	})

	It("says who cannot be an author, and why", func(ctx SpecContext) {
		got := as(ctx, "stranger", "mention", "g1", "--conversation", "conv-2", "Help")
		Expect(got.code).To(Equal(65))
		Expect(got.err).To(SatisfyAll(ContainSubstring(`you are user "stranger"`), ContainSubstring("spec.identity.username"), ContainSubstring("AuthorNotAllowed")))
		Expect(strings.Count(got.err, "\n")).To(Equal(1), got.err)

		By("somebody who does not see the profile")
		got = as(ctx, "eva", "mention", "g1", "--conversation", "conv-2", "--profile", "line", "Help", "-o", "json")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(SatisfyAll(ContainSubstring(`"phase": "Rejected"`), ContainSubstring(`"reason": "AuthorNotAllowed"`)))

		By("names that do not exist are refused before anything is written")
		Expect(as(ctx, "max", "mention", "g7", "--conversation", "conv-2", "Help").err).To(ContainSubstring(`UserGroup "g7" is unknown`))
		Expect(as(ctx, "max", "mention", "g1", "--conversation", "conv-2", "--profile", "p7", "Help").err).To(ContainSubstring(`Profile "p7" is unknown`))
		Expect(as(ctx, "max", "notify", "zoe", "Help").err).To(ContainSubstring(`teammate "zoe" is unknown`))
		Expect(as(ctx, "max", "mention", "g1", "g1", "--conversation", "conv-2", "g1").err).To(ContainSubstring(`"g1" is a group`))
	})

	It("writes a manifest with the author instead, with -d", func(ctx SpecContext) {
		to := GinkgoT().TempDir()
		got := as(ctx, "max", "notify", "ana@calls.example", "Hello", "-d", to)
		Expect(got.code).To(BeZero(), got.err)
		Expect(string(must(os.ReadFile(strings.TrimSpace(got.out))))).To(ContainSubstring("username: max"))
	})

	It("S-93: notifies people and groups, which opens nothing", func(ctx SpecContext) {
		got := as(ctx, "max", "notify", "eva@calls.example", "--group", "g1", "The shop closes at four.", "-o", "json")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(SatisfyAll(ContainSubstring(`"phase": "Notified"`), ContainSubstring(`"direct": true`), Not(ContainSubstring("conversationID"))))
		Expect(run(ctx, "access", "eva", "-o", "json", "--kubeconfig", admin, "-n", calls).out).NotTo(ContainSubstring("mentions\":"))
		Expect(as(ctx, "max", "notify", "--selector", "language=fr", "Hello", "-o", "json").out).To(SatisfyAll(ContainSubstring(`"ana"`), ContainSubstring(`"ben"`)))
	})

	It("lists open alerts, for those who read everything and for agents", func(ctx SpecContext) {
		name := call(ctx, "g1", "--conversation", "conv-3", "--profile", "line", "Please look")
		got := run(ctx, "mentions", "ana", "-o", "json", "--kubeconfig", admin, "-n", calls)
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(SatisfyAll(ContainSubstring(`"mention": "`+name+`"`), ContainSubstring("conversation.view"), Not(ContainSubstring("conversation.reply"))))
		own := as(ctx, "ana", "mentions", "ana@calls.example", "-o", "json")
		Expect(own.code).To(BeZero(), own.err)
		Expect(own.err).To(ContainSubstring("you may not read the whole organization"))
		Expect(own.out).To(SatisfyAll(ContainSubstring(`"mention": "`+name+`"`), Not(ContainSubstring("conversation.view"))))
		Expect(as(ctx, "ana", "mentions", "ana", "--at", "fri 18:00").code).To(Equal(64))
	})

	It("gives the same answers from a snapshot, and forgets nothing that is in it", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "snapshot.yaml")
		Expect(run(ctx, "snapshot", "-o", file, "--kubeconfig", admin, "-n", calls).code).To(BeZero())
		for _, q := range [][]string{{"access", "ana"}, {"mentions", "ana"}, {"mentions", "ben"}, {"status"}, {"validate"}} {
			q = append(q, "-o", "json")
			want := run(ctx, append(q, "--kubeconfig", admin, "-n", calls)...)
			Expect(run(ctx, append(q, "--state-from", file)...)).To(Equal(want), "%v", q)
			Expect(run(ctx, append(q, "-f", file)...)).To(Equal(want), "%v", q)
		}
	})

	It("S-113: resolves all own alerts on a conversation, and none on another", func(ctx SpecContext) {
		first := call(ctx, "g1", "--conversation", "conv-9", "First")
		second := call(ctx, "g1", "--conversation", "conv-9", "Second")
		other := call(ctx, "g1", "--conversation", "conv-10", "Other")
		got := as(ctx, "ana", "resolve", "--conversation", "conv-9", "--close", "-o", "json")
		Expect(got.code).To(BeZero(), got.out+got.err)
		for _, name := range []string{first, second} {
			Expect(got.out).To(ContainSubstring(`"mention": "` + name + `"`))
			m := mention(ctx, name)
			Expect(alerts(m)).To(Equal(map[string]rollcallv1.AlertState{"ana": "Resolved", "ben": "Resolved"}))
			Expect(m.Status).To(SatisfyAll(HaveField("Phase", rollcallv1.MentionPhaseResolved), HaveField("ConversationStatus", rollcallv1.ConversationStatusClosed)))
			Expect(m.Spec.Resolutions).To(ConsistOf(rollcallv1.Resolution{Name: "ana", Username: new("ana"), Action: rollcallv1.ResolutionActionCloseAndResolve}))
		}
		Expect(strings.Count(got.out, "the mention is Resolved, the conversation Closed")).To(Equal(2), got.out)
		Expect(alerts(mention(ctx, other))).To(HaveKeyWithValue("ana", rollcallv1.AlertStatePending))

		By("again")
		versions := []string{mention(ctx, first).ResourceVersion, mention(ctx, second).ResourceVersion}
		for _, again := range [][]string{{"--conversation", "conv-9", "--close"}, {"--conversation", "conv-9"}, {first}} {
			got = as(ctx, "ana", append([]string{"resolve", "-o", "json"}, again...)...)
			Expect(got.code).To(BeZero(), got.out+got.err)
			Expect(got.out).To(SatisfyAll(ContainSubstring(`"result": "Unchanged"`), ContainSubstring("ana resolved it before: the mention is Resolved")))
		}
		Expect([]string{mention(ctx, first).ResourceVersion, mention(ctx, second).ResourceVersion}).To(Equal(versions))
		got = as(ctx, "ana", "resolve", "--conversation", "conv-8")
		Expect(got.code).To(Equal(1))
		Expect(got.err).To(ContainSubstring(`ana holds no Pending alert on conversation "conv-8"`))
	})

	It("S-111: writes no entry that would not count, and for others only with the verb", func(ctx SpecContext) {
		name := call(ctx, "g1", "--conversation", "conv-11", "Help")
		before := mention(ctx, name).ResourceVersion
		got := as(ctx, "max", "resolve", name, "-o", "json")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(ContainSubstring("nothing written: max was not alerted by it"))
		Expect(mention(ctx, name).ResourceVersion).To(Equal(before))

		got = as(ctx, "max", "resolve", name, "--teammate", "ben", "-o", "json")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(SatisfyAll(ContainSubstring("ACT-12"), ContainSubstring("resolve-for")))
		got = as(ctx, "dispatcher", "resolve", name)
		Expect(got.code).To(Equal(65))
		Expect(got.err).To(ContainSubstring("--teammate resolves for somebody else"))

		got = as(ctx, "dispatcher", "resolve", name, "--teammate", "ben@calls.example", "-o", "json")
		Expect(got.code).To(BeZero(), got.out+got.err)
		m := mention(ctx, name)
		Expect(m.Spec.Resolutions).To(ConsistOf(rollcallv1.Resolution{Name: "ben", Action: rollcallv1.ResolutionActionResolve}))
		Expect(m.Status).To(SatisfyAll(HaveField("Phase", rollcallv1.MentionPhaseResolved), HaveField("ConversationStatus", rollcallv1.ConversationStatusPending)))
		Expect(as(ctx, "ana", "resolve", "nowhere").err).To(ContainSubstring(`Mention "nowhere" is unknown`))
	})
})

// unattended is a namespace without an operator, whose administrator is a teammate.
const unattended = "unattended"

var _ = Describe("mentions that no operator looks at", Ordered, func() {
	here := func(ctx context.Context, args ...string) answer {
		return run(ctx, append(args, "-o", "json", "--kubeconfig", admin, "-n", unattended)...)
	}
	key := client.ObjectKey{Namespace: unattended, Name: "held"}

	BeforeAll(func(ctx context.Context) {
		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: unattended}})).To(Succeed())
		people := ""
		for _, name := range []string{"ana", "ben", "cid", "dan", "eva", "fay"} {
			people += "---\nkind: Teammate\nmetadata: {name: " + name + "}\nspec: {identity: {email: " + name + "@x.example}}\n"
		}
		documents(ctx, unattended, "kind: Organization\nmetadata: {name: default}\n"+people+`---
kind: Teammate
metadata: {name: adam}
spec: {identity: {email: adam@x.example, username: admin}}
---
kind: UserGroup
metadata: {name: all}
spec: {members: [{name: ana}]}
---
kind: Mention
metadata: {name: held}
spec: {conversation: {externalID: conv-1}, groups: [{name: all}], source: {type: Flow}}
`)
	})

	It("are written, and the command says that nothing came of them yet", func(ctx SpecContext) {
		got := here(ctx, "mention", "all", "--conversation", "conv-7", "Help")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(MatchRegexp(`^{\n  "mention": "conv-7-\w{8}",\n  "conversationID": "conv-7"\n}\n$`))
		Expect(got.err).To(ContainSubstring("the operator has not looked at it yet"))
		got = here(ctx, "resolve", "held")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(ContainSubstring("nothing written: the operator has not looked at it yet"))
	})

	It("lose no resolution of people who resolve at once", func(ctx SpecContext) {
		var held rollcallv1.Mention
		Expect(kube.Get(ctx, key, &held)).To(Succeed())
		held.Status.Phase, held.Status.AcceptedAt = rollcallv1.MentionPhasePending, new(metav1.NewTime(now))
		for _, name := range []string{"adam", "ana", "ben", "cid", "dan", "eva"} {
			held.Status.Alerts = append(held.Status.Alerts, rollcallv1.MentionAlert{Name: name, Direct: true, State: rollcallv1.AlertStatePending})
		}
		Expect(kube.Status().Update(ctx, &held)).To(Succeed())
		answers := make(chan answer)
		resolvers := [][]string{{}, {"--teammate", "ana"}, {"--teammate", "ben"}, {"--teammate", "cid@x.example"}, {"--teammate", "dan"}}
		for _, r := range resolvers {
			go func() { answers <- here(ctx, append([]string{"resolve", "held"}, r...)...) }()
		}
		for range resolvers {
			got := <-answers
			Expect(got.out).To(SatisfyAll(ContainSubstring(`"result": "Succeeded"`), ContainSubstring("the operator has not taken it yet")), got.err)
		}
		Expect(kube.Get(ctx, key, &held)).To(Succeed())
		Expect(held.Spec.Resolutions).To(ConsistOf(
			rollcallv1.Resolution{Name: "adam", Username: new("admin"), Action: rollcallv1.ResolutionActionResolve},
			rollcallv1.Resolution{Name: "ana", Action: rollcallv1.ResolutionActionResolve}, rollcallv1.Resolution{Name: "ben", Action: rollcallv1.ResolutionActionResolve},
			rollcallv1.Resolution{Name: "cid", Action: rollcallv1.ResolutionActionResolve}, rollcallv1.Resolution{Name: "dan", Action: rollcallv1.ResolutionActionResolve},
		))

		got := here(ctx, "resolve", "held")
		Expect(got.code).To(BeZero())
		Expect(got.out).To(SatisfyAll(ContainSubstring(`"result": "Unchanged"`), ContainSubstring("an entry of adam is there")))
	})

	It("of nobody with that user name are for others to resolve", func(ctx SpecContext) {
		got := here(ctx, "resolve", "held", "--teammate", "fay")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(ContainSubstring("fay was not alerted by it"))
	})
})
