package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// centre is a namespace with a contact centre: two groups, three people, one of them applied by a repository.
type centre struct{ namespace string }

const centreOrganization = `
apiVersion: rollcall.dev/v1alpha1
kind: Organization
metadata: {name: default}
spec: {preset: VoiceCenter, timeZone: Europe/Prague, policies: {onboarding: {confirmation: NotRequired}}, skills: [{name: french}]}
---
apiVersion: rollcall.dev/v1alpha1
kind: Queue
metadata: {name: q1}
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: a}
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata: {name: b}
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@x.example}}
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: ben}
spec: {identity: {email: ben@x.example}}
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata: {name: cid}
spec: {identity: {email: cid@x.example}}
`

var centres int

// found makes a centre of its own for a spec, as kubectl create would: another manager owns what is written here.
func found(ctx context.Context) centre {
	GinkgoHelper()
	centres++
	c := centre{fmt.Sprint("centre-", centres)}
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace}})).To(Succeed())
	set, errs := manifest.Parse([]manifest.Source{{Name: "centre", Data: []byte(centreOrganization)}}, c.namespace)
	Expect(errs).To(BeEmpty())
	for _, o := range set.Objects {
		Expect(kube.Create(ctx, o.Object.(client.Object), client.FieldOwner("kubectl-create"))).To(Succeed())
	}
	return c
}

// apply applies a manifest as a repository does.
func (c centre) apply(ctx context.Context, manager, kind, name, text string) {
	GinkgoHelper()
	body := fmt.Sprintf("apiVersion: rollcall.dev/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", kind, name, text)
	o := map[string]client.Object{"Teammate": &rollcallv1.Teammate{}, "UserGroup": &rollcallv1.UserGroup{}}[kind]
	o.SetNamespace(c.namespace)
	o.SetName(name)
	Expect(kube.Patch(ctx, o, client.RawPatch("application/apply-patch+yaml", []byte(body)), client.FieldOwner(manager))).To(Succeed())
}

// edit runs the command and returns its results as lines.
func (c centre) edit(ctx context.Context, args ...string) (answer, []string) {
	GinkgoHelper()
	return c.editAs(ctx, admin, args...)
}

func (c centre) editAs(ctx context.Context, who string, args ...string) (answer, []string) {
	GinkgoHelper()
	got := run(ctx, append([]string{"edit", "-o", "json", "--kubeconfig", who, "-n", c.namespace}, args...)...)
	var out struct {
		Results []struct{ Teammate, Result, Message string }
	}
	Expect(json.Unmarshal([]byte(got.out), &out)).To(Succeed(), got.err)
	var lines []string
	for _, r := range out.Results {
		lines = append(lines, strings.TrimSpace(r.Teammate+" "+r.Result+" "+r.Message))
	}
	return got, lines
}

func (c centre) teammate(ctx context.Context, name string) *rollcallv1.Teammate {
	GinkgoHelper()
	var tm rollcallv1.Teammate
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &tm)).To(Succeed())
	return &tm
}

func (c centre) group(ctx context.Context, name string) *rollcallv1.UserGroup {
	GinkgoHelper()
	var g rollcallv1.UserGroup
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &g)).To(Succeed())
	return &g
}

func (c centre) members(ctx context.Context, group string) []string {
	GinkgoHelper()
	return membersOf(c.group(ctx, group))
}

func membersOf(g *rollcallv1.UserGroup) []string {
	out := []string{}
	for _, m := range g.Spec.Members {
		out = append(out, m.Name)
	}
	return out
}

// versions are the versions of all people and groups: what is written changes one.
func (c centre) versions(ctx context.Context) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	for _, list := range []client.ObjectList{&rollcallv1.TeammateList{}, &rollcallv1.UserGroupList{}} {
		Expect(kube.List(ctx, list, client.InNamespace(c.namespace))).To(Succeed())
		Expect(meta.EachListItem(list, func(o runtime.Object) error {
			x := o.(client.Object)
			out[fmt.Sprintf("%T/%s", x, x.GetName())] = x.GetResourceVersion()
			return nil
		})).To(Succeed())
	}
	return out
}

var _ = Describe("edit", func() {
	It("S-10: moves between groups, never in both (V-07, V-43)", func(ctx SpecContext) {
		c := found(ctx)
		_, lines := c.edit(ctx, "ana", "ben", "--add-group", "a")
		Expect(lines).To(Equal([]string{"ana Succeeded groups +a", "ben Succeeded groups +a"}))
		c.operate()
		Eventually(func(g Gomega) {
			g.Expect(c.teammate(ctx, "ana").Status.ExclusiveGroup).To(Equal("a"))
		}).WithTimeout(30 * time.Second).Should(Succeed())

		seen := c.observe(ctx)
		got, lines := c.edit(ctx, "ana", "--move-to-group", "b")
		Expect(got.code).To(BeZero(), got.err)
		Expect(lines).To(Equal([]string{"ana Succeeded groups +b -a"}))
		Expect(c.members(ctx, "a")).To(Equal([]string{"ben"}))
		Expect(c.members(ctx, "b")).To(Equal([]string{"ana"}))
		Eventually(func(g Gomega) {
			g.Expect(c.teammate(ctx, "ana").Status.ExclusiveGroup).To(Equal("b"))
			for _, name := range []string{"a", "b"} {
				group := c.group(ctx, name)
				accepted := meta.FindStatusCondition(group.Status.Conditions, rollcallv1.ConditionMembersAccepted)
				g.Expect(accepted).NotTo(BeNil())
				g.Expect(accepted.Status).To(Equal(metav1.ConditionTrue), name)
				g.Expect(accepted.ObservedGeneration).To(Equal(group.Generation), name)
				g.Expect(group.Status.MemberCount).To(Equal(int32(1)), name)
			}
		}).WithTimeout(30 * time.Second).Should(Succeed())
		Expect(seen()).To(BeEmpty())
	})

	It("V-43: moves into a new group", func(ctx SpecContext) {
		c := found(ctx)
		_, lines := c.edit(ctx, "ana", "--move-to-group", "n")
		Expect(lines).To(ConsistOf(ContainSubstring(`ana Failed UserGroup "n" does not exist`)))
		got, lines := c.edit(ctx, "ana", "ben", "--move-to-group", "n", "--create-group", "--max-chats", "3")
		Expect(got.code).To(BeZero(), got.err)
		Expect(lines).To(Equal([]string{"ana Succeeded maxChats - -> 3; groups +n", "ben Succeeded maxChats - -> 3; groups +n"}))
		Expect(c.members(ctx, "n")).To(Equal([]string{"ana", "ben"}))
		Expect(*c.teammate(ctx, "ben").Spec.MaxChats).To(Equal(int32(3)))
	})

	It("refuses fields that another manager owns, and names it", func(ctx SpecContext) {
		c := found(ctx)
		c.apply(ctx, "flux", "Teammate", "ana", `{identity: {email: ana@x.example}, maxChats: 3, channels: [Chat]}`)
		c.apply(ctx, "flux", "UserGroup", "a", `{members: [{name: ana}]}`)
		before := c.versions(ctx)
		for _, args := range [][]string{
			{"--max-chats", "4"},
			{"--max-chats", "4", "--extension", "2001"},
			{"--channels", "Phone"},
			{"--remove-group", "a"},
			{"--move-to-group", "b"},
			{"--move-to-group", "n", "--create-group"},
			{"--add-group", "a", "--until", "fri 18:00"},
		} {
			got, lines := c.edit(ctx, append([]string{"ana"}, args...)...)
			Expect(got.code).To(Equal(1), "%v", args)
			Expect(lines).To(ConsistOf(SatisfyAll(HavePrefix("ana Failed"), ContainSubstring(`is owned by field manager "flux"; edit it there`))), "%v", args)
			Expect(c.versions(ctx)).To(Equal(before), "%v wrote something", args)
		}

		By("the fields beside them, and the people beside them, go on")
		_, lines := c.edit(ctx, "ana", "--extension", "2001", "--block-for", "8h")
		Expect(lines).To(ConsistOf(HavePrefix("ana Succeeded")))
		_, lines = c.edit(ctx, "ana", "ben", "cid", "--move-to-group", "b")
		Expect(lines).To(Equal([]string{
			`ana Failed UserGroup/a: spec.members[ana] is owned by field manager "flux"; edit it there`, "ben Succeeded groups +b", "cid Succeeded groups +b",
		}))
		Expect(c.members(ctx, "a")).To(Equal([]string{"ana"}))
		Expect(c.members(ctx, "b")).To(Equal([]string{"ben", "cid"}))

		By("owning what it changed, and nothing else")
		for _, f := range c.teammate(ctx, "ana").ManagedFields {
			if f.Manager == "flux" {
				Expect(string(f.FieldsV1.GetRawBytes())).To(SatisfyAll(ContainSubstring("f:maxChats"), Not(ContainSubstring("f:extension"))))
			}
			if f.Manager == "rollcall-edit" {
				Expect(f.Operation).To(Equal(metav1.ManagedFieldsOperationUpdate))
				Expect(string(f.FieldsV1.GetRawBytes())).To(SatisfyAll(ContainSubstring("f:extension"), ContainSubstring("f:lifecycle"), Not(ContainSubstring("f:maxChats"))))
			}
		}
		By("the repository applies again: what edit wrote stays")
		c.apply(ctx, "flux", "Teammate", "ana", `{identity: {email: ana@x.example}, maxChats: 5, channels: [Chat]}`)
		ana := c.teammate(ctx, "ana")
		Expect(*ana.Spec.MaxChats).To(Equal(int32(5)))
		Expect(*ana.Spec.Extension).To(Equal("2001"))
	})

	It("changes defaults that nobody wrote, and no value that somebody did", func(ctx SpecContext) {
		c := found(ctx)
		_, lines := c.edit(ctx, "ana", "--availability", "Inactive", "--add-queue", "q1")
		Expect(lines).To(Equal([]string{"ana Succeeded assignment - -> Queues q1; availability Available -> Inactive"}))
		_, lines = c.edit(ctx, "ana", "--availability", "Available", "--set-queues", "")
		Expect(lines).To(Equal([]string{"ana Succeeded assignment Queues q1 -> -; availability Inactive -> Available"}))

		By("a value of an ordinary write is owned")
		ben := c.teammate(ctx, "ben")
		ben.Spec.Availability = rollcallv1.AvailabilityInactive
		Expect(kube.Update(ctx, ben, client.FieldOwner("console"))).To(Succeed())
		_, lines = c.edit(ctx, "ben", "--availability", "Available")
		Expect(lines).To(Equal([]string{`ben Failed Teammate/ben: spec.availability is owned by field manager "console"; edit it there`}))

		By("so is a default that stands in an applied manifest")
		cid := c.teammate(ctx, "cid")
		cid.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"spec": {"availability": "Available"}}`}
		Expect(kube.Update(ctx, cid, client.FieldOwner("kubectl-client-side-apply"))).To(Succeed())
		_, lines = c.edit(ctx, "cid", "--availability", "Inactive")
		Expect(lines).To(ConsistOf(ContainSubstring("spec.availability is owned by field manager")))
	})

	It("shows what would change, and writes nothing", func(ctx SpecContext) {
		c := found(ctx)
		c.apply(ctx, "flux", "Teammate", "ben", `{identity: {email: ben@x.example}, maxChats: 3}`)
		before := c.versions(ctx)
		got, lines := c.edit(ctx, "ana", "ben", "--move-to-group", "n", "--create-group", "--max-chats", "4", "--dry-run")
		Expect(lines).To(Equal([]string{"ana Succeeded maxChats - -> 4; groups +n", `ben Failed Teammate/ben: spec.maxChats is owned by field manager "flux"; edit it there`}))
		Expect(got.code).To(Equal(1))
		Expect(c.versions(ctx)).To(Equal(before))
	})

	It("writes nothing where only a part would be taken", func(ctx SpecContext) {
		c := found(ctx)
		who := c.user(ctx, "half", "teammates")
		before := c.versions(ctx)
		got, lines := c.editAs(ctx, who, "ana", "--max-chats", "4", "--move-to-group", "b")
		Expect(got.code).To(Equal(1))
		Expect(lines).To(ConsistOf(SatisfyAll(HavePrefix("ana Failed"), ContainSubstring("forbidden"))))
		Expect(c.versions(ctx)).To(Equal(before))
		_, lines = c.editAs(ctx, who, "ana", "--max-chats", "4")
		Expect(lines).To(Equal([]string{"ana Succeeded maxChats - -> 4"}))
	})

	It("loses nothing that others write at the same time", func(ctx SpecContext) {
		c := found(ctx)
		var wg sync.WaitGroup
		answers := make([][]string, 3)
		for i, name := range []string{"ana", "ben", "cid"} {
			wg.Go(func() {
				defer GinkgoRecover()
				_, answers[i] = c.edit(ctx, name, "--add-group", "a")
			})
		}
		wg.Wait()
		for _, lines := range answers {
			Expect(lines).To(ConsistOf(HaveSuffix("Succeeded groups +a")))
		}
		Expect(c.members(ctx, "a")).To(ConsistOf("ana", "ben", "cid"))
	})

	It("goes through many people, a few at a time, and says how far it is", func(ctx SpecContext) {
		c := found(ctx)
		for i := range 120 {
			tm := &rollcallv1.Teammate{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: fmt.Sprintf("p%03d", i), Labels: map[string]string{"crowd": "yes"}}}
			tm.Spec.Identity.EmployeeID = new(fmt.Sprint(i))
			Expect(kube.Create(ctx, tm)).To(Succeed())
		}
		got, lines := c.edit(ctx, "-l", "crowd=yes", "--max-chats", "2")
		Expect(lines).To(HaveLen(120))
		Expect(lines).To(HaveEach(HaveSuffix("Succeeded maxChats - -> 2")))
		Expect(got.err).To(ContainSubstring("100 of 120 objects written"))
		Expect(*c.teammate(ctx, "p119").Spec.MaxChats).To(Equal(int32(2)))
		_, lines = c.edit(ctx, "-l", "crowd=yes", "--max-chats", "2")
		Expect(lines).To(HaveEach(HaveSuffix("Unchanged")))
	})
})

// user makes somebody who may read everything and change one kind, and returns their kubeconfig.
func (c centre) user(ctx context.Context, name, resource string) string {
	GinkgoHelper()
	who := kubeconfig(GinkgoT().TempDir(), name, "readers")
	Expect(kube.Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{rollcallv1.GroupName}, Verbs: []string{"patch"}, Resources: []string{resource}}},
	})).To(Succeed())
	Expect(kube.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}},
	})).To(Succeed())
	return who
}

// operate runs the operator in the namespace until the spec ends.
func (c centre) operate() {
	GinkgoHelper()
	kube.Begin(cluster.ClockAt(now), func(_ *cluster.Operator, s *ctrl.Options) {
		s.Cache = cache.Options{DefaultFieldSelector: fields.OneTermEqualSelector("metadata.namespace", c.namespace)} // only this one
	})
}

// observe watches the groups. What it returns ends the watch and tells when anybody was in two groups.
func (c centre) observe(ctx context.Context) (both func() []string) {
	GinkgoHelper()
	var groups rollcallv1.UserGroupList
	Expect(kube.List(ctx, &groups, client.InNamespace(c.namespace))).To(Succeed())
	w, err := kube.Watch(ctx, &rollcallv1.UserGroupList{}, client.InNamespace(c.namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: groups.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	members := map[string][]string{}
	for i := range groups.Items {
		members[groups.Items[i].Name] = membersOf(&groups.Items[i])
	}
	var found []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range w.ResultChan() {
			g, ok := event.Object.(*rollcallv1.UserGroup)
			if !ok {
				continue
			}
			members[g.Name] = membersOf(g)
			for _, name := range members["a"] {
				if slices.Contains(members["b"], name) {
					found = append(found, name+" is listed by a and b")
				}
			}
			accepted := meta.FindStatusCondition(g.Status.Conditions, rollcallv1.ConditionMembersAccepted)
			if accepted != nil && accepted.Status != metav1.ConditionTrue {
				found = append(found, g.Name+": "+accepted.Message)
			}
		}
	}()
	return func() []string {
		w.Stop()
		<-done
		return found
	}
}
