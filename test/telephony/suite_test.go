// Package telephony_test places calls: groups are declared in a cluster, the operator writes routing plans to PostgreSQL, the
// example's Kamailio reads them there, and SIP telephones ring. Everything is the real program, on this machine. What is checked
// is which telephones ring, in which order and for how long.
package telephony_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	"github.com/rollcall-dev/rollcall/test/servers/kamailio"
	"github.com/rollcall-dev/rollcall/test/servers/postgres"
)

const (
	namespace = "fjordline"
	realm     = "pbx.fjordline.example"
	// Addresses of this machine: telephones are at loopback, the outside and the voicemail at addresses of their own.
	loopback, outside, mailbox = "127.0.0.1", "127.0.0.2", "127.0.0.3"
	// trunk is the telephone that stands for the outside, voicemail that which takes messages.
	trunk, voicemail = "trunk", "voicemail"
	agents           = 12
	// tolerance is how far a telephone may be off.
	tolerance = 300 * time.Millisecond
)

var (
	root     = filepath.Join("..", "..")
	example  = filepath.Join(root, "examples", "kamailio")
	kube     client.Client
	database *postgres.Server
	pbx      *kamailio.Server
	phones   *room
)

func TestTelephony(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test-telephony`, or set it to what hack/kube-assets.sh prints")
	}
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Telephony")
}

var _ = BeforeSuite(func(ctx context.Context) {
	logf.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn})))
	klog.SetLogger(logr.Discard())
	startDatabase(ctx)
	startOperator()
	declare(ctx)
	Eventually(ask("SELECT count(*) FROM rollcall.people WHERE extension <> ''")).Should(Equal(fmt.Sprint(agents)))
	startSwitch()
	phones = fill()
	phones.plug(trunk, outside, "")
	phones.plug(voicemail, mailbox, "")
	sql(ctx, fmt.Sprintf("UPDATE telephony.settings SET trunk_uri = 'sip:%%s@%s', voicemail_uri = 'sip:%%s@%s'", phones.address(trunk), phones.address(voicemail)))
	for i := range agents {
		phones.plug(extension(i+1), loopback, password(extension(i+1)))
	}
})

// startDatabase starts PostgreSQL with the roles and the functions of the example, made as its README says.
func startDatabase(ctx context.Context) {
	GinkgoHelper()
	var err error
	database, err = postgres.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return database.Stop() })
	readme, err := os.ReadFile(filepath.Join(example, "README.md"))
	Expect(err).NotTo(HaveOccurred())
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	Expect(blocks).To(HaveLen(3)) // roles, settings, cleaning up
	run(ctx, database.Admin("postgres"), "CREATE DATABASE company")
	run(ctx, database.Admin("postgres"), "CREATE ROLE rollcall_writer LOGIN PASSWORD 'change-me'; GRANT CONNECT ON DATABASE company TO rollcall_writer")
	run(ctx, database.Admin("company"), "CREATE SCHEMA rollcall AUTHORIZATION rollcall_writer")
	run(ctx, database.Admin("company"), blocks[0][1])
	functions, err := os.ReadFile(filepath.Join(example, "telephony.sql"))
	Expect(err).NotTo(HaveOccurred())
	asOwner := database.DSN("telephony", "change-me", "company") + "&sslrootcert=" + certificate()
	run(ctx, asOwner, string(functions))
	run(ctx, asOwner, string(functions)) // as after an update
	run(ctx, asOwner, blocks[1][1])
	run(ctx, asOwner, "TRUNCATE telephony.trunks, telephony.phones; INSERT INTO telephony.trunks VALUES ('"+outside+"')")
	for i := range agents {
		sum := md5.Sum([]byte(extension(i+1) + ":" + realm + ":" + password(extension(i+1))))
		run(ctx, asOwner, fmt.Sprintf("INSERT INTO telephony.phones VALUES ('%s', '%s')", extension(i+1), hex.EncodeToString(sum[:])))
	}
}

func certificate() string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "ca.crt")
	Expect(os.WriteFile(path, database.CA, 0o600)).To(Succeed())
	return path
}

func startOperator() {
	GinkgoHelper()
	environment := &envtest.Environment{
		CRDDirectoryPaths: []string{filepath.Join(root, "config", "crd", "bases")}, ErrorIfCRDPathMissing: true, ControlPlaneStartTimeout: 2 * time.Minute,
	}
	config, err := environment.Start()
	DeferCleanup(environment.Stop)
	Expect(err).NotTo(HaveOccurred())
	config.QPS = -1
	scheme, err := controllers.Scheme()
	Expect(err).NotTo(HaveOccurred())
	kube, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())

	ctx, halt := context.WithCancel(context.Background())
	mgr, err := controllers.NewManager(ctx, config, ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0"},
		controllers.Options{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	Expect(err).NotTo(HaveOccurred())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		halt()
		Eventually(done).Should(Receive(BeNil()))
	})
}

// declare makes an organization with telephones and nobody in a group, and has it sent to the database.
func declare(ctx context.Context) {
	GinkgoHelper()
	Expect(kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	Expect(kube.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "switch-dsn", Labels: map[string]string{rollcallv1.LabelDownstream: "switch"}},
		StringData: map[string]string{"dsn": database.DSN("rollcall_writer", "change-me", "company"), "ca.crt": string(database.CA)},
	})).To(Succeed())
	documents := []string{
		"kind: Organization\nmetadata: {name: default}\nspec: {voice: {outboundCalls: Disabled}}",
		"kind: ProfileRole\nmetadata: {name: phone-agent}\nspec: {permissions: [voice.call]}",
		"kind: Schedule\nmetadata: {name: never}\nspec: {mode: AlwaysClosed}",
		"kind: Schedule\nmetadata: {name: always}\nspec: {mode: AlwaysOpen}",
		"kind: Downstream\nmetadata: {name: switch}\nspec: {driver: PostgreSQL, postgreSQL: {schema: rollcall}, mode: Full, records: [Users, Groups, Access, Routes], credentialsSecretRef: {name: switch-dsn}}",
	}
	for i := range agents {
		documents = append(documents, fmt.Sprintf("kind: Teammate\nmetadata: {name: %s}\nspec: {identity: {email: %[1]s@fjordline.example}, extension: %q}", person(i+1), extension(i+1)))
	}
	for i := 1; i < 10; i++ {
		documents = append(documents, fmt.Sprintf("kind: Profile\nmetadata: {name: line-%d}\nspec: {type: Phone, platform: Voice, phoneNumber: %q}", i, number(i)))
	}
	for _, d := range documents {
		apply(ctx, d)
	}
}

func startSwitch() {
	GinkgoHelper()
	var err error
	pbx, err = kamailio.Start(filepath.Join(example, "kamailio.cfg"), strings.Join([]string{
		fmt.Sprintf(`#!substdef "!DB_URL!postgres://kamailio:change-me@%s:%d/company!g"`, database.Host, database.Port),
		`#!substdef "!SIP_DOMAIN!` + realm + `!g"`,
		"listen=udp:%s",
		"",
	}, "\n"))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return pbx.Stop() })
}

// extension is that of the nth person, number the number of the nth line.
func extension(n int) string           { return fmt.Sprintf("20%02d", n) }
func person(n int) string              { return fmt.Sprintf("p%02d", n) }
func number(n int) string              { return fmt.Sprintf("+4755501%02d", n) }
func password(extension string) string { return "secret of " + extension }

// run runs statements in a connection of their own.
func run(ctx context.Context, dsn, statements string) {
	GinkgoHelper()
	c, err := pgx.Connect(ctx, dsn)
	Expect(err).NotTo(HaveOccurred())
	defer c.Close(ctx)
	_, err = c.PgConn().Exec(ctx, statements).ReadAll()
	Expect(err).NotTo(HaveOccurred(), statements)
}

// sql runs statements as the superuser.
func sql(ctx context.Context, statements string) {
	GinkgoHelper()
	run(ctx, database.Admin("company"), statements)
}

// ask returns what asks the database; an error is its answer, too.
func ask(query string) func() string {
	return func() string {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, database.Admin("company"))
		if err != nil {
			return err.Error()
		}
		defer c.Close(ctx)
		var out *string
		if err := c.QueryRow(ctx, "SELECT ("+query+")::text").Scan(&out); err != nil {
			return err.Error()
		}
		if out == nil {
			return ""
		}
		return *out
	}
}

// build compiles a program of a module of its own.
func build(folder string) string {
	GinkgoHelper()
	out := filepath.Join(GinkgoT().TempDir(), filepath.Base(folder))
	c := exec.Command("go", "build", "-buildvcs=false", "-o", out, ".")
	c.Dir = folder
	said, err := c.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))
	return out
}
