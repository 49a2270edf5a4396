package controllers_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	pgdriver "github.com/rollcall-dev/rollcall/internal/downstream/postgres"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
	"github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// database is a PostgreSQL server with a role for the operator.
type database struct {
	*postgres.Server
	admin *pgx.Conn
}

const writer = "rollcall_writer"

func (d *database) run(ctx context.Context, statement string) {
	GinkgoHelper()
	_, err := d.admin.Exec(ctx, statement)
	Expect(err).NotTo(HaveOccurred(), statement)
}

// people returns the names of those who are in a schema, those whose gate is closed in parentheses; nothing without the schema.
func (d *database) people(ctx context.Context, schema string) func() []string {
	return func() []string {
		var there bool
		Expect(d.admin.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", schema+".people").Scan(&there)).To(Succeed())
		out := []string{}
		if !there {
			return out
		}
		rows, err := d.admin.Query(ctx, "SELECT CASE WHEN active THEN name ELSE '(' || name || ')' END FROM "+schema+".people ORDER BY name")
		Expect(err).NotTo(HaveOccurred())
		out, err = pgx.AppendRows(out, rows, pgx.RowTo[string])
		Expect(err).NotTo(HaveOccurred())
		return out
	}
}

// rotate changes the password and ends all connections that were made with the old one.
func (d *database) rotate(ctx context.Context, password string) {
	GinkgoHelper()
	d.run(ctx, "ALTER ROLE "+writer+" PASSWORD '"+password+"'")
	d.run(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+writer+"'")
}

// sessions counts the connections of the operator.
func (d *database) sessions(ctx context.Context) func() int64 {
	return func() (n int64) {
		Expect(d.admin.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = '"+writer+"'").Scan(&n)).To(Succeed())
		return n
	}
}

// ticking is a clock that goes by itself until the end of the spec: failures are tried again in time.
func ticking() *cluster.Clock {
	c := cluster.ClockAt(time.Now())
	ticker, done := time.NewTicker(10*time.Millisecond), make(chan struct{})
	DeferCleanup(func() { close(done) })
	go func() {
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				c.Set(now)
			case <-done:
				return
			}
		}
	}()
	return c
}

var _ = Describe("Downstreams with a real server", Ordered, func() {
	var (
		db     *database
		ns     string
		schema string
		clock  *cluster.Clock
		op     *cluster.Operator
	)
	const first, second = "first s3cret", "second s3cret"
	opted := map[string]string{rollcallv1.LabelDownstream: "warehouse"}
	BeforeAll(func(ctx context.Context) {
		server, err := postgres.Start()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(server.Stop)
		db = &database{Server: server}
		db.admin, err = pgx.Connect(ctx, server.Admin("postgres"))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(db.admin.Close)
		db.run(ctx, "CREATE ROLE "+writer+" LOGIN PASSWORD '"+first+"'")
		db.run(ctx, "GRANT CREATE ON DATABASE postgres TO "+writer)
	})
	secret := func(password string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "dsn", Labels: opted},
			Data:       map[string][]byte{"dsn": []byte(db.DSN(writer, password, "postgres")), "ca.crt": db.CA},
		}
	}
	warehouse := func(mode string) string {
		return fmt.Sprintf(`
kind: Downstream
metadata: {name: warehouse}
spec: {driver: PostgreSQL, postgreSQL: {schema: %s}, records: [Users, Groups], mode: %s, credentialsSecretRef: {name: dsn}}`, schema, mode)
	}
	is := func(ctx context.Context, kind string) func() string {
		return condition(ctx, "Downstream", ns, "warehouse", kind)
	}
	person := func(ctx context.Context, name string) {
		GinkgoHelper()
		create(ctx, ns, fmt.Sprintf("kind: Teammate\nmetadata: {name: %s}\nspec: {identity: {email: %[1]s@fjordline.example}}", name))
	}
	BeforeEach(func(ctx context.Context) {
		ns, clock = namespace(ctx), ticking()
		schema = strings.ReplaceAll(ns, "-", "_")
		db.rotate(ctx, first)
		op = begin(clock, func(o *cluster.Operator, _ *ctrl.Options) {
			o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		Eventually(func() error { return op.Ready() }).Should(Succeed())
		create(ctx, ns, fiveGroups)
		Expect(kube.Create(ctx, secret(first))).To(Succeed())
	})

	// The next operator looks at all namespaces, and would connect for this one too.
	AfterEach(func(ctx context.Context) {
		Expect(kube.DeleteAllOf(ctx, &rollcallv1.Downstream{}, client.InNamespace(ns))).To(Succeed())
		Eventually(func() (int, error) {
			var list rollcallv1.DownstreamList
			err := kube.List(ctx, &list, client.InNamespace(ns))
			return len(list.Items), err
		}).Should(BeZero())
	})

	It("plans only, then delivers; the password is changed there and then in the Secret, and it goes on", func(ctx context.Context) {
		create(ctx, ns, warehouse("Observe"))
		Eventually(is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		d, err := get[rollcallv1.Downstream](ctx, ns, "warehouse")()
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Status.Plan.Creates).To(BeEquivalentTo(6))
		Expect(db.people(ctx, schema)()).To(BeEmpty())

		edit(ctx, "Downstream", ns, "warehouse", "{spec: {mode: Full}}")
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(db.people(ctx, schema)()).To(Equal([]string{"ana"}))

		db.rotate(ctx, second)
		person(ctx, "ben")
		Eventually(is(ctx, "Reachable")).Should(Equal("False/AuthenticationFailed"))
		Expect(db.people(ctx, schema)()).To(Equal([]string{"ana"}))
		Expect(kube.Update(ctx, secret(second))).To(Succeed())
		Eventually(db.people(ctx, schema)).Should(Equal([]string{"ana", "ben"}))
		Eventually(is(ctx, "Reachable")).Should(Equal("True/AsExpected"))

		By("the other order: the Secret first")
		Expect(kube.Update(ctx, secret(first))).To(Succeed())
		Consistently(is(ctx, "Reachable"), "1500ms").Should(Equal("True/AsExpected"), "longer than what it said before is believed")
		person(ctx, "cat")
		Eventually(is(ctx, "Reachable")).Should(Equal("False/AuthenticationFailed"), "nothing goes on under the old credentials")
		Expect(db.people(ctx, schema)()).To(Equal([]string{"ana", "ben"}))
	})

	It("sends nothing once the Secret is not opted in any more, connected or not", func(ctx context.Context) {
		create(ctx, ns, warehouse("Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		Expect(db.sessions(ctx)()).To(BeNumerically(">", 0), "it keeps its connection")
		kube.Merge(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "dsn"}}, `{metadata: {labels: {`+rollcallv1.LabelDownstream+`: other}}}`)
		By("longer than what it said before is believed")
		Consistently(is(ctx, "Reachable"), "1500ms").Should(Equal("True/AsExpected"))
		person(ctx, "ben")
		Eventually(is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
		Eventually(db.sessions(ctx)).Should(BeZero())
		op.Rest(ns)
		Expect(db.people(ctx, schema)()).To(Equal([]string{"ana"}))
	})

	It("sends nothing to where somebody without the Secret points it", func(ctx context.Context) {
		create(ctx, ns, warehouse("Full"))
		Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
		other := secret(first)
		other.Name, other.Labels = "another", map[string]string{rollcallv1.LabelDownstream: "another"}
		Expect(kube.Create(ctx, other)).To(Succeed())
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {credentialsSecretRef: {name: another}}}")
		Eventually(is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
		Eventually(db.sessions(ctx)).Should(BeZero())
		person(ctx, "ben")
		op.Rest(ns)
		Expect(db.people(ctx, schema)()).To(Equal([]string{"ana"}))
		Expect(fmt.Sprint(read(ctx, "Downstream", ns, "warehouse").Object)).NotTo(ContainSubstring(first))
	})

	Describe("beside another one", func() {
		var system *drivertest.Memory
		BeforeEach(func(ctx context.Context) {
			system = drivertest.NewMemory()
			op.Stop()
			op = begin(clock, func(o *cluster.Operator, _ *ctrl.Options) {
				o.Drivers = map[rollcallv1.Driver]downstreamcontroller.Open{
					rollcallv1.DriverPostgreSQL: func(_ context.Context, opening downstreamcontroller.Opening) (downstream.Driver, error) {
						return pgdriver.New(pgdriver.Config{
							DSN: string(opening.Secret["dsn"]), CA: opening.Secret["ca.crt"], Schema: opening.Spec.PostgreSQL.Schema,
							Organization: opening.Namespace, Dial: opening.Dial,
						}, opening.Options)
					},
					rollcallv1.DriverOpenFGA: func(_ context.Context, opening downstreamcontroller.Opening) (downstream.Driver, error) {
						if opening.Namespace != ns { // of an earlier spec
							return drivertest.NewMemory().Driver(opening.Options), nil
						}
						return system.Driver(opening.Options), nil
					},
				}
				o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			})
			Eventually(func() error { return op.Ready() }).Should(Succeed())
			Expect(kube.Create(ctx, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: ns, Name: "token", Labels: map[string]string{rollcallv1.LabelDownstream: "fga"},
					Annotations: map[string]string{rollcallv1.AnnotationHost: "fga.example:443"},
				},
				StringData: map[string]string{"token": "x"},
			})).To(Succeed())
			create(ctx, ns, `
kind: Downstream
metadata: {name: fga}
spec: {driver: OpenFGA, openFGA: {url: 'https://fga.example', storeID: s}, records: [Groups, Access], mode: Full, credentialsSecretRef: {name: token}}`)
			Eventually(condition(ctx, "Downstream", ns, "fga", "Synced")).Should(Equal("True/AsExpected"))
		})

		It("one that hangs keeps no other waiting, and its end waits for nobody", func(ctx context.Context) {
			create(ctx, ns, warehouse("Full"))
			Eventually(is(ctx, "Synced")).Should(Equal("True/AsExpected"))
			Expect(db.Freeze()).To(Succeed())
			DeferCleanup(db.Thaw)
			for _, name := range []string{"ben", "cat", "dan"} {
				began := time.Now()
				person(ctx, name)
				Eventually(names(system), "5s").Should(ContainElement("Access/email=" + name + "@fjordline.example"))
				Expect(time.Since(began)).To(BeNumerically("<", 5*time.Second))
			}
			remove(ctx, "Downstream", ns, "warehouse")
			Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }, "5s").Should(BeNil())
			create(ctx, ns, warehouse("Full"))
			person(ctx, "eva")
			Eventually(names(system), "5s").Should(ContainElement("Access/email=eva@fjordline.example"))
			Expect(db.Thaw()).To(Succeed())
			Eventually(func() any { return read(ctx, "Downstream", ns, "warehouse") }).ShouldNot(BeNil())
			Eventually(is(ctx, "Reachable"), "60s").Should(Equal("True/AsExpected"))
		})

		It("S-92: sends nothing to a url that the Secret does not name", func(ctx context.Context) {
			requests := system.Requests()
			edit(ctx, "Downstream", ns, "fga", "{spec: {openFGA: {url: 'https://evil.example'}}}")
			Eventually(condition(ctx, "Downstream", ns, "fga", "Reachable")).Should(Equal("False/SecretNotOptedIn"))
			person(ctx, "ben")
			op.Rest(ns)
			Expect(system.Requests()).To(Equal(requests))
		})
	})
})
