package downstream_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/servers/postgres"
)

// server is a PostgreSQL server with a superuser's connection.
type server struct {
	*postgres.Server
	conn *pgx.Conn
}

const company = "company"

// auditing keeps a log of every row that is inserted, updated or deleted in schemas that operators make, and, after every
// statement, of how many candidates each route of the schema has. Triggers are put on tables as soon as those are made.
const auditing = `
CREATE SCHEMA audit;
CREATE TABLE audit.log (n bigserial, schema text, relation text, op text, key text, before jsonb, after jsonb);
CREATE TABLE audit.lineups (n bigserial, schema text, route text, candidates bigint);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  old_row jsonb := to_jsonb(OLD);
  new_row jsonb := to_jsonb(NEW);
  a_row jsonb := coalesce(new_row, old_row);
BEGIN
  INSERT INTO audit.log (schema, relation, op, key, before, after) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP,
    coalesce(a_row ->> 'key', a_row ->> 'group_key', a_row ->> 'route_key', a_row ->> 'person_key', a_row ->> 'schedule_key'), old_row, new_row);
  RETURN NULL;
END $$;
CREATE FUNCTION audit.count_candidates() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  EXECUTE format('INSERT INTO audit.lineups (schema, route, candidates) SELECT %L, r.key,
    (SELECT count(*) FROM %I.route_candidates c WHERE c.route_key = r.key) FROM %I.routes r', TG_TABLE_SCHEMA, TG_TABLE_SCHEMA, TG_TABLE_SCHEMA);
  RETURN NULL;
END $$;
CREATE FUNCTION audit.attach() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE made record;
BEGIN
  FOR made IN SELECT c.* FROM pg_event_trigger_ddl_commands() c WHERE c.command_tag = 'CREATE TABLE' AND c.object_type = 'table' AND c.schema_name LIKE 'rollcall%' AND c.object_identity NOT LIKE '%.migrations' LOOP
    EXECUTE format('CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION audit.note()', made.object_identity);
    IF made.object_identity LIKE '%.route_candidates' THEN
      EXECUTE format('CREATE TRIGGER lineups AFTER INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION audit.count_candidates()', made.object_identity);
    END IF;
  END LOOP;
END $$;
CREATE EVENT TRIGGER audit ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION audit.attach();
`

func startDatabase(ctx context.Context) *server {
	GinkgoHelper()
	// Without autovacuum nothing but what the specs look at takes a transaction id.
	running, err := postgres.Start("autovacuum=off", "log_min_error_statement=error", "log_min_messages=notice")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(running.Stop)
	first, err := pgx.Connect(ctx, running.Admin("postgres"))
	Expect(err).NotTo(HaveOccurred())
	_, err = first.Exec(ctx, "CREATE DATABASE "+company)
	Expect(err).NotTo(HaveOccurred())
	Expect(first.Close(ctx)).To(Succeed())
	s := &server{Server: running}
	s.conn, err = pgx.Connect(ctx, running.Admin(company))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(s.conn.Close)
	_, err = s.conn.Exec(ctx, auditing)
	Expect(err).NotTo(HaveOccurred())
	return s
}

// target is a Downstream of PostgreSQL: a schema with a login of its own, behind a proxy of its own.
type target struct {
	namespace, name        string
	schema, role, password string
	proxy                  *proxy
	edits                  int
}

var targets int

// login makes a login and what is needed to connect a Downstream with it. Its password is looked for everywhere at the end.
func login(ctx context.Context, namespace, name string) *target {
	GinkgoHelper()
	targets++
	t := &target{
		namespace: namespace, name: name, schema: fmt.Sprintf("rollcall_%d", targets), role: fmt.Sprintf("writer_%d", targets),
		password: fmt.Sprintf("pAssw0rd-%d-xyzzy", targets), proxy: newProxy(net.JoinHostPort(database.Host, strconv.Itoa(database.Port))),
	}
	said.mustNotSay(t.password)
	t.sql(ctx, "CREATE ROLE "+t.role+" LOGIN PASSWORD '"+t.password+"'")
	t.sql(ctx, "GRANT CONNECT, CREATE ON DATABASE "+company+" TO "+t.role)
	return t
}

// dsn is a connection string, through the proxy and over TLS.
func (t *target) dsn() string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(t.role, t.password), Path: "/" + company, RawQuery: "sslmode=verify-full",
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(t.proxy.port())),
	}).String()
}

// connect makes a login, the Secret of it and a Downstream, without waiting for anything. spec is beside the driver, in YAML.
func connect(ctx context.Context, namespace, name, spec string) *target {
	GinkgoHelper()
	t := login(ctx, namespace, name)
	t.secret(ctx, nil)
	t.create(ctx, spec)
	return t
}

// create creates the Downstream, once the operator knows of everything else. It leaves what it owns to nobody at the end of the
// spec, so that later operators have less to do.
func (t *target) create(ctx context.Context, spec string) {
	GinkgoHelper()
	takenIn(ctx, t.namespace)
	create(ctx, t.namespace, fmt.Sprintf(`
kind: Downstream
metadata: {name: %s}
spec: {driver: PostgreSQL, postgreSQL: {schema: %s}, credentialsSecretRef: {name: %s-dsn}, %s}
`, t.name, t.schema, t.name, spec))
	DeferCleanup(func(ctx context.Context) {
		d := t.get(ctx)
		if d == nil {
			return
		}
		// Not an update: the operator may be writing the status.
		force := fmt.Sprintf(`{"metadata":{"annotations":{%q:"true"}}}`, rollcallv1.AnnotationForceFinalize)
		Expect(client.IgnoreNotFound(kube.Patch(ctx, d, client.RawPatch(types.MergePatchType, []byte(force))))).To(Succeed())
		Expect(client.IgnoreNotFound(kube.Delete(ctx, d))).To(Succeed())
		Eventually(t.gone(ctx)).Should(BeTrue())
	})
}

// full are the settings of most specs: everything is done, at once, and read anew only when a spec asks for it.
const full = "mode: Full, records: [Users, Groups, Access, Routes], resyncInterval: 24h, safety: {confirmAbsences: 1, deletionGrace: 0s}"

// sql runs a statement as the superuser.
func (t *target) sql(ctx context.Context, statement string, args ...any) {
	GinkgoHelper()
	_, err := database.conn.Exec(ctx, t.in(statement), args...)
	Expect(err).NotTo(HaveOccurred(), statement)
}

// in replaces @ by the schema where it stands for a name, as in @.people, '@' and SCHEMA @.
func (t *target) in(statement string) string {
	return strings.NewReplacer("@.", t.schema+".", "'@'", "'"+t.schema+"'", "SCHEMA @", "SCHEMA "+t.schema).Replace(statement)
}

// ask returns the first column of what a query gives; nothing while there is no such table.
func (t *target) ask(ctx context.Context, query string, args ...any) []string {
	GinkgoHelper()
	rows, err := database.conn.Query(ctx, t.in(query), args...)
	if err == nil {
		var values []*string
		if values, err = pgx.CollectRows(rows, pgx.RowTo[*string]); err == nil {
			var out []string
			for _, v := range values {
				if v == nil {
					v = new("NULL")
				}
				out = append(out, *v)
			}
			return out
		}
	}
	Expect(err).To(MatchError(ContainSubstring("does not exist")), query)
	return nil
}

// rows returns a function that gives the names in a table, sorted; those that confer nothing are in parentheses.
func (t *target) rows(ctx context.Context, table string) func() []string {
	return func() []string {
		return t.ask(ctx, `SELECT CASE WHEN in_effect THEN name ELSE '('||name||')' END COLLATE "C" FROM @.`+table+` ORDER BY 1`)
	}
}

// changes returns what was done to rows since the last forget, as "DELETE people KEY", in order.
func (t *target) changes(ctx context.Context) []string {
	GinkgoHelper()
	return t.ask(ctx, `SELECT op||' '||relation||' '||key FROM audit.log WHERE schema = $1 ORDER BY n`, t.schema)
}

// removals are those of the changes that took a record away, or what it confers.
func (t *target) removals(ctx context.Context) []string {
	GinkgoHelper()
	return t.ask(ctx, `SELECT op||' '||relation||' '||key FROM audit.log WHERE schema = $1 AND after ->> 'in_effect' IS DISTINCT FROM 'true'
AND relation IN ('people', 'groups', 'access', 'routes', 'schedules', 'mentions') ORDER BY n`, t.schema)
}

func (t *target) forget(ctx context.Context) {
	GinkgoHelper()
	t.sql(ctx, "DELETE FROM audit.log WHERE schema = '@'")
	t.sql(ctx, "DELETE FROM audit.lineups WHERE schema = '@'")
}

func (t *target) get(ctx context.Context) *rollcallv1.Downstream {
	GinkgoHelper()
	d := &rollcallv1.Downstream{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name}, d); err != nil {
		Expect(client.IgnoreNotFound(err)).To(Succeed())
		return nil
	}
	return d
}

func (t *target) gone(ctx context.Context) func() bool {
	return func() bool { return t.get(ctx) == nil }
}

// is returns a function that gives a condition as "True/AsExpected", of this generation.
func (t *target) is(ctx context.Context, kind string) func() string {
	return condition(ctx, "Downstream", t.namespace, t.name, kind)
}

// message is the message of a condition.
func (t *target) message(ctx context.Context, kind string) string {
	for _, c := range t.get(ctx).Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

func (t *target) synced(ctx context.Context) {
	GinkgoHelper()
	Eventually(t.is(ctx, "Synced")).Should(Equal("True/AsExpected"), func() string { return fmt.Sprintf("%+v", t.get(ctx).Status) })
}

// held returns how many removals wait.
func (t *target) held(ctx context.Context) func() int {
	return func() int {
		d := t.get(ctx)
		if d == nil || d.Status.Held == nil {
			return 0
		}
		return int(d.Status.Held.Count)
	}
}

func (t *target) approve(ctx context.Context, hash string) {
	GinkgoHelper()
	edit(ctx, "Downstream", t.namespace, t.name, fmt.Sprintf("{metadata: {annotations: {%s: %q}}}", rollcallv1.AnnotationApproveRemovals, hash))
}

// passes is how often everything was read and compared by the operator that runs now.
func (t *target) passes() float64 {
	return operator.metric("rollcall_downstream_sync_seconds_count", t.namespace, t.name, `scope="full"`)
}

// resync has everything read anew, by an edit of no consequence, and waits until that was done.
func (t *target) resync(ctx context.Context) {
	GinkgoHelper()
	before := t.passes()
	t.edits++
	edit(ctx, "Downstream", t.namespace, t.name, fmt.Sprintf("{spec: {resyncInterval: %s}}", 24*time.Hour-time.Duration(t.edits)*time.Second))
	Eventually(t.passes).Should(BeNumerically(">", before))
	t.proxy.rest()
}

// keys are those of people with these names.
func keys(names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "email=" + name + "@fjordline.example"
	}
	slices.Sort(out)
	return out
}

// nextTransaction is the id that the next transaction that writes will have, whoever's it is.
func (s *server) nextTransaction(ctx context.Context) (id string) {
	GinkgoHelper()
	Expect(s.conn.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text").Scan(&id)).To(Succeed())
	return id
}
