package cli_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	postgresserver "github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// shop is a namespace with the operator, and with a Downstream of a real database.
const shop = "shop"

var _ = Describe("export", Ordered, func() {
	var database *pgx.Conn
	ask := func(ctx context.Context, args ...string) answer {
		return run(ctx, append([]string{"export", "--kubeconfig", admin, "-n", shop}, args...)...)
	}

	BeforeAll(func(ctx context.Context) {
		server, err := postgresserver.Start()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(server.Stop)
		database, err = pgx.Connect(ctx, server.Admin(postgresserver.Superuser))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) error { return database.Close(ctx) })
		_, err = database.Exec(ctx, "CREATE ROLE writer LOGIN PASSWORD 'secret'")
		Expect(err).NotTo(HaveOccurred())
		_, err = database.Exec(ctx, "GRANT CREATE ON DATABASE postgres TO writer")
		Expect(err).NotTo(HaveOccurred())

		Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shop}})).To(Succeed())
		operate(shop, func(o *controllers.Options) {
			o.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			o.Now = time.Now // what was refused is tried again after a while
		})
		documents(ctx, shop, `
kind: Organization
metadata: {name: default}
---
kind: Schedule
metadata: {name: office}
spec: {timeZone: Europe/Prague, weekly: [{days: [Monday, Tuesday], open: "09:00", close: "17:00"}]}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@x.example}, firstName: Ana, accountRoleRef: {name: agent}, scheduleRef: {name: office}}
---
kind: UserGroup
metadata: {name: desk}
spec: {members: [{name: ana}]}
---
kind: Downstream
metadata: {name: warehouse}
spec: {driver: PostgreSQL, postgreSQL: {}, mode: Full, records: [Users, Groups, Routes], credentialsSecretRef: {name: dsn}}
`)
		Expect(kube.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "dsn", Labels: map[string]string{rollcallv1.LabelDownstream: "warehouse"}},
			Data:       map[string][]byte{"dsn": []byte(server.DSN("writer", "secret", "postgres")), "ca.crt": server.CA},
		})).To(Succeed())
		Eventually(func() string {
			return run(ctx, "status", "-o", "json", "--kubeconfig", admin, "-n", shop).out
		}).WithTimeout(30 * time.Second).Should(ContainSubstring(`"synced": true`))
		for _, row := range []string{
			"INSERT INTO rollcall.people (key, name, email, first_name, active) VALUES ('email=bea@x.example', 'bea', 'bea@x.example', 'Bea', true)",
			"INSERT INTO rollcall.people (key, name, email, active) VALUES ('email=old@x.example', 'Old Hand', 'old@x.example', false)",
			"INSERT INTO rollcall.groups (key, name, display_name) VALUES ('night', 'night', 'Night shift')",
			"INSERT INTO rollcall.memberships (group_key, person_key, active) VALUES ('night', 'email=bea@x.example', true), ('night', 'email=ana@x.example', true)",
		} {
			_, err := database.Exec(ctx, row)
			Expect(err).NotTo(HaveOccurred(), row)
		}
	})

	It("writes what a database holds, for adoption", func(ctx SpecContext) {
		got := ask(ctx, "--downstream", "warehouse", "--foreign")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(Equal(`apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: bea
  namespace: shop
spec:
  identity:
    email: bea@x.example
  firstName: Bea
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: old-hand
  namespace: shop
spec:
  identity:
    email: old@x.example
  lifecycle:
    state: Archived
---
apiVersion: rollcall.dev/v1alpha1
kind: UserGroup
metadata:
  name: night
  namespace: shop
spec:
  displayName: Night shift
  members:
    - name: ana
    - name: bea
`))
		Expect(got.err).To(Equal("0 Schedules, 2 Teammates, 1 UserGroups\n"))

		By("a file for each, with what is owned too")
		dir := GinkgoT().TempDir()
		got = ask(ctx, "--downstream", "warehouse", "-d", dir)
		Expect(got.code).To(BeZero(), got.err)
		Expect(strings.Fields(got.out)).To(HaveLen(6))
		Expect(string(must(os.ReadFile(filepath.Join(dir, "teammate-ana.yaml"))))).To(SatisfyAll(
			ContainSubstring("email: ana@x.example"), ContainSubstring("name: agent"), ContainSubstring("name: office")))
		Expect(string(must(os.ReadFile(filepath.Join(dir, "schedule-office.yaml"))))).To(ContainSubstring("timeZone: Europe/Prague"))
		Expect(ask(ctx, "--downstream", "warehouse", "-d", dir).code).To(Equal(65), "it replaces nothing")

		By("adopted")
		for _, o := range read(dir) {
			if o.GetName() != "ana" && o.GetName() != "desk" && o.GetName() != "office" {
				Expect(kube.Create(ctx, o)).To(Succeed())
			}
		}
		d := &rollcallv1.Downstream{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "warehouse"}}
		Expect(kube.Patch(ctx, d, client.RawPatch("application/merge-patch+json", []byte(`{"spec": {"adoption": "TakeOver"}}`)))).To(Succeed())
		Eventually(func() string {
			return ask(ctx, "--downstream", "warehouse", "--foreign").err
		}).WithTimeout(30 * time.Second).Should(Equal("0 Schedules, 0 Teammates, 0 UserGroups\n"))
		var id, people int
		Expect(database.QueryRow(ctx, "SELECT count(*), count(DISTINCT id) FROM rollcall.people").Scan(&people, &id)).To(Succeed())
		Expect(people).To(Equal(3))
	})

	It("shows what a database ought to hold, on the cluster and on files alike", func(ctx SpecContext) {
		live := ask(ctx, "--downstream", "warehouse", "--wanted", "-o", "json")
		Expect(live.code).To(BeZero(), live.err)
		Expect(live.out).To(SatisfyAll(ContainSubstring(`"key": "email=ana@x.example"`), ContainSubstring(`"key": "schedule/office"`), Not(ContainSubstring(`"kind": "Access"`))))
		file := filepath.Join(GinkgoT().TempDir(), "snapshot.yaml")
		Expect(run(ctx, "snapshot", "-o", file, "--kubeconfig", admin, "-n", shop).code).To(BeZero())
		Expect(run(ctx, "export", "--downstream", "warehouse", "--wanted", "-o", "json", "-f", file)).To(Equal(live))
	})

	It("sends nothing with a Secret that is not for it, and tells nobody what is in it", func(ctx SpecContext) {
		Expect(ask(ctx, "--downstream", "nowhere").code).To(Equal(65))
		got := run(ctx, "export", "--downstream", "warehouse", "--kubeconfig", reader, "-n", shop)
		Expect(got.code).To(Equal(69), got.err)
		Expect(got.err).To(ContainSubstring("the Secret cannot be read"))

		var secret corev1.Secret
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: shop, Name: "dsn"}, &secret)).To(Succeed())
		secret.Labels[rollcallv1.LabelDownstream] = "other"
		Expect(kube.Update(ctx, &secret)).To(Succeed())
		got = ask(ctx, "--downstream", "warehouse")
		Expect(got.code).To(Equal(1), got.err)
		Expect(got.err).To(ContainSubstring("nothing was sent: "))

		secret.Labels[rollcallv1.LabelDownstream] = "warehouse"
		secret.Data["dsn"] = []byte(strings.Replace(string(secret.Data["dsn"]), "secret", "wrong-one", 1))
		Expect(kube.Update(ctx, &secret)).To(Succeed())
		got = ask(ctx, "--downstream", "warehouse")
		Expect(got.code).To(Equal(1), got.err)
		Expect(got.err).To(SatisfyAll(ContainSubstring("Unauthorized"), Not(ContainSubstring("wrong-one"))))
	})
})
