package downstream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// orderlySpecs are about what is written: only what is managed, in a safe order, to our own records, and nothing when nothing
// changed.
func orderlySpecs() {
	It("Safety 6: an unset list is not managed, an empty one is emptied", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, "kind: Organization\nmetadata: {name: default}\nspec: {skills: [{name: french}], practices: [{name: north}]}\n"+
			person("ana", "")+person("eva", ", channels: [], skills: [], tags: [], absences: [], practices: []"))
		t := connect(ctx, ns, "warehouse", full)
		t.synced(ctx)
		lists := func(name string) []string {
			return t.ask(ctx, `SELECT concat_ws(' ', 'channels', p.channels::text, 'practices', p.practices::text,
'skills', (SELECT count(*) FROM @.person_skills s WHERE s.person_key = p.key), 'tags', (SELECT count(*) FROM @.person_tags s WHERE s.person_key = p.key),
'absences', (SELECT count(*) FROM @.person_absences s WHERE s.person_key = p.key)) FROM @.people p WHERE p.name = $1`, name)
		}
		const none, some = "channels {} practices {} skills 0 tags 0 absences 0", "channels {Fax} practices {south} skills 1 tags 1 absences 1"
		Expect(lists("ana")).To(Equal([]string{"channels practices skills 0 tags 0 absences 0"}), "NULL: nothing is known of them")
		Expect(lists("eva")).To(Equal([]string{none}))

		By("somebody else fills all of them")
		t.sql(ctx, "UPDATE @.people SET channels = '{Fax}', practices = '{south}'")
		t.sql(ctx, "INSERT INTO @.person_skills SELECT key, 'latin', 1 FROM @.people")
		t.sql(ctx, "INSERT INTO @.person_tags SELECT key, 'theirs', NULL FROM @.people")
		t.sql(ctx, "INSERT INTO @.person_absences SELECT key, 'theirs', NULL, NULL, NULL FROM @.people")
		t.resync(ctx)
		Expect(lists("ana")).To(Equal([]string{some}))
		Expect(lists("eva")).To(Equal([]string{none}))
		edit(ctx, "Teammate", ns, "ana", "{spec: {lastName: Tremblay}}")
		Eventually(func() []string { return t.ask(ctx, "SELECT last_name FROM @.people WHERE name = 'ana'") }).Should(Equal([]string{"Tremblay"}))
		Expect(lists("ana")).To(Equal([]string{some}), "an update of something else")
		edit(ctx, "Teammate", ns, "ana", "{spec: {channels: [], skills: [], tags: [], absences: [], practices: []}}")
		Eventually(func() []string { return lists("ana") }).Should(Equal([]string{none}))
		t.synced(ctx)
	})

	It("Safety 7: adds before it removes, and no queue or department with people is ever empty", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(6, "")+
			group("old", "members: [{name: p-0}, {name: p-1}]")+group("desk", "members: [{name: p-0}, {name: p-1}]")+`
---
kind: Department
metadata: {name: care}
spec: {groups: [{name: desk}]}
---
kind: Queue
metadata: {name: orders}
spec: {groups: [{name: desk}]}
`)
		t := connect(ctx, ns, "warehouse", strings.Replace(full, "mode: Full", "mode: Full, removal: Delete", 1))
		t.synced(ctx)
		candidates := func(route string) func() []string {
			return func() []string {
				return t.ask(ctx, "SELECT name FROM @.route_candidates WHERE route_key = $1 ORDER BY name", route)
			}
		}
		for _, route := range []string{"department-care", "queue-orders"} {
			Eventually(candidates(route)).Should(Equal([]string{"p-0", "p-1"}), route)
		}
		t.forget(ctx)
		together(ctx, ns, func() {
			remove(ctx, "Teammate", ns, "p-0")
			edit(ctx, "UserGroup", ns, "desk", "{spec: {members: [{name: p-2}, {name: new}]}}")
			create(ctx, ns, person("new", ""))
			remove(ctx, "UserGroup", ns, "old")
		})
		for _, route := range []string{"department-care", "queue-orders"} {
			Eventually(candidates(route)).Should(Equal([]string{"new", "p-2"}), route)
		}
		Eventually(t.rows(ctx, "people")).ShouldNot(ContainElement("p-0"))
		Eventually(t.rows(ctx, "groups")).Should(Equal([]string{"desk"}))
		t.synced(ctx)

		By("after every statement")
		Expect(t.ask(ctx, "SELECT DISTINCT route FROM audit.lineups WHERE schema = '@' ORDER BY 1")).To(ContainElements("department-care", "queue-orders"))
		Expect(t.ask(ctx, "SELECT route FROM audit.lineups WHERE schema = '@' AND candidates = 0 AND route IN ('department-care', 'queue-orders')")).To(BeEmpty())
		records := slices.DeleteFunc(t.changes(ctx), func(s string) bool {
			f := strings.Fields(s)
			return !slices.Contains([]string{"people", "groups", "access", "routes"}, f[1])
		})
		first := slices.IndexFunc(records, func(s string) bool { return strings.HasPrefix(s, "DELETE") })
		Expect(first).To(BeNumerically(">", 0))
		Expect(records[first:]).To(HaveEach(HavePrefix("DELETE")), "%v", records)
		Expect(records[:first]).To(ContainElement("INSERT people email=new@fjordline.example"))
	})

	It("Safety 9: records of others stay as they are; one in the way is shown", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, ""))
		t := connect(ctx, ns, "warehouse", strings.Replace(full, "mode: Full", "mode: Full, removal: Delete", 1))
		t.synced(ctx)
		t.sql(ctx, "INSERT INTO @.people (key, name, display_name) VALUES ('email=eva@fjordline.example', 'by hand', 'By Hand'), ('email=visitor@fjordline.example', 'visitor', 'Visitor')")
		theirs := func() []string {
			return t.ask(ctx, "SELECT p::text FROM @.people p WHERE organization IS NULL ORDER BY key")
		}
		before := theirs()
		Expect(before).To(HaveLen(2))
		create(ctx, ns, person("eva", ""))
		t.resync(ctx)
		Eventually(t.is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		Expect(t.message(ctx, "Synced")).To(ContainSubstring("Users eva: Clash"))
		Eventually(t.events(ctx)).Should(ContainElement(ContainSubstring("eva")), "an Event names the clash")
		Expect(theirs()).To(Equal(before))
		remove(ctx, "Teammate", ns, "eva")
		remove(ctx, "Teammate", ns, "p-0")
		Eventually(t.rows(ctx, "people")).ShouldNot(ContainElement("p-0"))
		t.resync(ctx)
		t.synced(ctx)
		Expect(theirs()).To(Equal(before))

		By("adoption TakeOver takes what is wanted, and nothing else")
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {adoption: TakeOver}}")
		create(ctx, ns, person("eva", ""))
		Eventually(t.rows(ctx, "people")).Should(Equal([]string{"eva", "p-1", "p-2", "visitor"}))
		Eventually(theirs).Should(HaveLen(1))
	})

	It("Safety 10: a new Downstream only plans; people are deactivated, not deleted", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, "")+group("desk", "members: [{name: p-0}]"))
		t := connect(ctx, ns, "warehouse", "records: [Users, Groups, Access], safety: {deletionGrace: 0s}")
		Eventually(t.is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		d := t.get(ctx)
		Expect(d.Spec.Mode).To(BeEquivalentTo("Observe"))
		Expect(d.Status.Plan.Creates).To(BeEquivalentTo(7))
		Expect(t.ask(ctx, "SELECT nspname::text FROM pg_namespace WHERE nspname = '@'")).To(BeEmpty(), "not even a schema was made")
		edit(ctx, "Downstream", ns, "warehouse", "{spec: {mode: Full}}")
		t.synced(ctx)
		Expect(t.rows(ctx, "people")()).To(Equal([]string{"p-0", "p-1", "p-2"}))
		t.forget(ctx)
		edit(ctx, "Teammate", ns, "p-1", "{spec: {lifecycle: {state: Archived}}}")
		remove(ctx, "Teammate", ns, "p-2")
		Eventually(t.rows(ctx, "people")).Should(Equal([]string{"(p-1)", "(p-2)", "p-0"}))
		t.synced(ctx)
		Expect(t.ask(ctx, "SELECT name FROM @.people WHERE active ORDER BY 1")).To(Equal([]string{"p-0"}))
		Expect(t.changes(ctx)).NotTo(ContainElement(MatchRegexp("^DELETE (people|access) ")))
	})

	It("Safety 11: a rename and an edited identity cost no creation and no removal", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(3, "")+group("desk", "members: [{name: p-0}, {name: p-1}]"))
		t := connect(ctx, ns, "warehouse", "mode: Full, records: [Users, Groups, Access], removal: Delete, resyncInterval: 24h, safety: {confirmAbsences: 1}")
		t.synced(ctx)
		ids := func() []string { return t.ask(ctx, "SELECT id::text FROM @.people ORDER BY 1") }
		before := ids()
		t.forget(ctx)

		By("another name for the same person")
		together(ctx, ns, func() {
			remove(ctx, "Teammate", ns, "p-0")
			create(ctx, ns, "kind: Teammate\nmetadata: {name: renamed}\nspec: {identity: {email: p-0@fjordline.example}}")
		})
		Eventually(t.rows(ctx, "people")).Should(Equal([]string{"p-1", "p-2", "renamed"}))
		Eventually(t.rows(ctx, "access")).Should(Equal([]string{"p-1", "p-2", "renamed"}))

		By("another identity under the same name")
		edit(ctx, "Teammate", ns, "p-1", "{spec: {identity: {email: married@fjordline.example}}}")
		Eventually(func() []string { return t.ask(ctx, "SELECT key FROM @.people WHERE name = 'p-1'") }).Should(Equal(keys("married")))
		Eventually(func() []string { return t.ask(ctx, "SELECT person_key FROM @.memberships") }).Should(Equal(keys("married")))
		t.resync(ctx)
		t.synced(ctx)
		Expect(ids()).To(Equal(before))
		Expect(t.removals(ctx)).To(BeEmpty())
		Expect(t.ask(ctx, "SELECT op FROM audit.log WHERE schema = '@' AND relation IN ('people', 'access') AND op <> 'UPDATE'")).To(BeEmpty())
	})

	It("Safety 13: one bad record is found, put aside and named; the others are applied", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(1, ""))
		t := connect(ctx, ns, "warehouse", "mode: Full, records: [Users], resyncInterval: 24h")
		t.synced(ctx)
		const body = "response-body-of-the-server-xyzzy"
		said.mustNotSay(body)
		t.sql(ctx, `CREATE FUNCTION @.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF NEW.name = 'p-17' THEN RAISE EXCEPTION '`+body+` %', NEW.email USING ERRCODE = '23514', DETAIL = 'of '||NEW.email; END IF; RETURN NEW; END $$`)
		t.sql(ctx, "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON @.people FOR EACH ROW EXECUTE FUNCTION @.refuse()")
		together(ctx, ns, func() { create(ctx, ns, strings.Replace(people(40, ""), person("p-0", ""), "", 1)) })
		Eventually(t.rows(ctx, "people")).Should(And(HaveLen(39), Not(ContainElement("p-17"))))
		Eventually(t.is(ctx, "Synced")).Should(Equal("False/Incomplete"))
		Expect(t.message(ctx, "Synced")).To(ContainSubstring("Users p-17: Refused"))
		Expect(operator.metric("rollcall_downstream_skipped", ns, "warehouse")).To(BeEquivalentTo(1))
		Expect(operator.metric("rollcall_downstream_calls_total", ns, "warehouse", `op="apply"`)).To(BeNumerically("<=", 1+2*6+1), "halving 39 records takes six steps")

		By("it does not come again with every change, and no change is Synced meanwhile")
		t.proxy.rest()
		refused := func() float64 {
			return operator.metric("rollcall_downstream_calls_total", ns, "warehouse", `op="apply"`, `outcome="BadRecord"`)
		}
		before := refused()
		edit(ctx, "Teammate", ns, "p-3", "{spec: {lastName: Tremblay}}")
		Eventually(func() []string { return t.ask(ctx, "SELECT last_name FROM @.people WHERE name = 'p-3'") }).Should(Equal([]string{"Tremblay"}))
		t.proxy.rest()
		Expect(refused()).To(Equal(before))
		Expect(t.is(ctx, "Synced")()).To(Equal("False/Incomplete"))

		By("once it is taken")
		t.sql(ctx, "DROP TRIGGER refuse ON @.people")
		t.resync(ctx)
		Eventually(t.rows(ctx, "people")).Should(HaveLen(40))
		t.synced(ctx)
	})

	It("F8: a restart and a full resync with nothing changed write nothing, neither downstream nor to the API server", func(ctx context.Context) {
		ns := namespace(ctx)
		create(ctx, ns, organization+people(12, ", channels: [Chat]")+groups(12, "p-0"))
		t := connect(ctx, ns, "warehouse", full)
		t.synced(ctx)
		for i := range 12 {
			for _, o := range []string{fmt.Sprintf("Teammate p-%d", i), fmt.Sprintf("EffectiveAccess p-%d", i), fmt.Sprintf("UserGroup g-%02d", i)} {
				kind, name, _ := strings.Cut(o, " ")
				Eventually(condition(ctx, kind, ns, name, "Ready")).Should(Equal("True/AsExpected"), o)
			}
		}
		versions := func() []string { return versionsOf(ctx, ns) }
		t.proxy.rest()
		settled(versions)
		before, transaction := versions(), database.nextTransaction(ctx)
		operator.restart()
		Eventually(t.passes).Should(BeNumerically(">=", 1))
		t.proxy.rest()
		settled(versions)
		Expect(versions()).To(Equal(before))
		Expect(database.nextTransaction(ctx)).To(Equal(transaction), "transactions that write")
		t.resync(ctx)
		Expect(database.nextTransaction(ctx)).To(Equal(transaction), "transactions that write")
		Expect(t.changes(ctx)).To(HaveEach(HavePrefix("INSERT")), "of the first synchronization")
	})
}
