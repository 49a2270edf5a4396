package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// form is how the value of an attribute, which is canonical JSON, is held by a column.
type form int

const (
	plain   form = iota // text, boolean, integer: JSON as PostgreSQL writes it
	array               // text[]
	date                // date, YYYY-MM-DD
	instant             // timestamptz, to the microsecond
	object              // jsonb
)

// column holds one attribute.
type column struct {
	attribute, name string
	form            form
	// sqlType is that of the column.
	sqlType string
	// always: of a list's entry, the attribute is there even when it is null.
	always bool
}

// list is an attribute with entries, each a row of a table of its own.
type list struct {
	attribute, table string
	// parent is the column with the key of the record.
	parent string
	// item is the column that tells entries of one record apart; ordinal where their order matters.
	item    string
	columns []column // sorted by attribute
}

const ordinal = "ordinal"

func (l *list) ordered() bool { return l.item == ordinal }

// table holds the records of a kind.
type table struct {
	name    string
	kind    downstream.Kind
	columns []column
	lists   []list
	// complete: what a record leaves unset is set to NULL or emptied.
	complete bool
	// deactivate is what sets a row apart whose record is not wanted any more; empty: such rows are deleted.
	deactivate string
	// flat are attributes that are objects and get a column for each of these fields; others of them are not held.
	flat map[string][]string
}

func text(attribute, name string) column {
	return column{attribute: attribute, name: name, sqlType: "text"}
}
func boolean(attribute, name string) column {
	return column{attribute: attribute, name: name, sqlType: "boolean"}
}
func integer(attribute, name string) column {
	return column{attribute: attribute, name: name, sqlType: "integer"}
}
func duration(attribute, name string) column {
	return column{attribute: attribute, name: name, sqlType: "bigint"}
}
func texts(attribute, name string) column {
	return column{attribute: attribute, name: name, form: array, sqlType: "text[]"}
}
func day(attribute, name string) column {
	return column{attribute: attribute, name: name, form: date, sqlType: "date"}
}
func moment(attribute, name string) column {
	return column{attribute: attribute, name: name, form: instant, sqlType: "timestamptz"}
}
func document(attribute, name string) column {
	return column{attribute: attribute, name: name, form: object, sqlType: "jsonb"}
}

func (c column) even() column {
	c.always = true
	return c
}

var people = &table{
	name: "people", kind: downstream.Users,
	columns: []column{
		text("directoryID", "directory_id"), text("employeeID", "employee_id"), text("email", "email"), text("username", "username"),
		text("displayName", "display_name"), text("firstName", "first_name"), text("lastName", "last_name"), boolean("active", "active"),
		text("phase", "phase"), text("listing", "listing"), text("accountRole", "account_role"), text("baseType", "base_type"),
		text("leader", "leader_key"), boolean("canManageTeams", "can_manage_teams"), text("availability", "availability"),
		integer("maxChats", "max_chats"), boolean("autoAssignment", "auto_assignment"), text("extension", "extension"),
		texts("channels", "channels"), texts("queues", "queues"), text("campaign", "campaign"), texts("practices", "practices"),
		text("timeZone", "time_zone"), text("language", "language"), text("schedule", "schedule"),
		boolean("surveyEligible", "survey_eligible"), day("startDate", "start_date"), text("employmentStatus", "employment_status"),
		document("card", "card"), text("invitation.method", "onboarding_method"), moment("invitation.confirmedAt", "confirmed_at"),
	},
	lists: []list{
		{"skills", "person_skills", "person_key", "skill", []column{integer("level", "level"), text("name", "skill")}},
		{"tags", "person_tags", "person_key", "tag", []column{text("color", "color"), text("name", "tag")}},
		{"absences", "person_absences", "person_key", "absence", []column{
			moment("from", "absent_from"), text("name", "absence"), text("note", "note"), moment("until", "absent_until"),
		}},
	},
	// Tokens, and the names of Secrets with temporary passwords, are nobody's business here.
	flat:       map[string][]string{"invitation": {"method", "confirmedAt"}},
	deactivate: "active = false",
}

var groups = &table{
	name: "groups", kind: downstream.Groups,
	columns: []column{
		text("displayName", "display_name"), text("description", "description"), text("handle", "handle"), text("scope", "scope"),
		texts("practices", "practices"), boolean("enabled", "enabled"), document("criteria", "criteria"),
		texts("supervisors", "supervisors"), texts("profiles", "profiles"), text("profileRole", "profile_role"),
		text("schedule", "schedule"), text("extension", "extension"), boolean("reporting", "reporting"),
	},
	lists: []list{{"members", "memberships", "group_key", "person_key", []column{
		boolean("active", "active"), text("key", "person_key"), integer("position", "position"), moment("until", "until"),
	}}},
}

var accesses = &table{
	name: "access", kind: downstream.Access, complete: true,
	columns: []column{
		text("username", "username"), boolean("active", "active"), text("phase", "phase"), text("gateReason", "gate_reason"),
		text("accountRole", "account_role"), text("baseType", "base_type"), texts("permissions", "permissions"), texts("groups", "groups"),
		document("supervises", "supervises"), document("dataScope", "data_scope"), document("voice", "voice"),
	},
	lists: []list{{"grants", "access_grants", "person_key", ordinal, []column{
		boolean("allProfiles", "all_profiles"), texts("approvalRequired", "approval_required"), text("contentVisibility", "content_visibility"),
		texts("permissions", "permissions").even(), texts("profiles", "profiles").even(), document("sources", "sources"),
	}}},
	deactivate: "active = false, permissions = '{}', groups = '{}', supervises = NULL, data_scope = NULL, voice = NULL",
}

var routes = &table{
	name: "routes", kind: downstream.Routes, complete: true,
	columns: []column{
		text("targetKind", "target_kind"), text("displayName", "display_name"), text("strategy", "strategy"), text("mode", "mode"),
		duration("timeouts.maxRingTime", "max_ring_ms"), duration("timeouts.maxGroupDialingTime", "max_group_dialing_ms"),
		duration("timeouts.maxWaitingTime", "max_waiting_ms"), duration("timeouts.reassignAfter", "reassign_after_ms"),
		duration("timeouts.overflowAfter", "overflow_after_ms"), integer("cap.legs", "cap_legs"), text("cap.scope", "cap_scope"),
		text("extension", "extension"), text("callerID", "caller_id"), document("audio", "audio"), texts("supervisors", "supervisors"),
		text("overflow.type", "overflow_type"), text("overflow.name", "overflow_name"), text("outOfHours.type", "out_of_hours_type"),
		text("outOfHours.name", "out_of_hours_name"), text("schedule", "schedule_key"), text("bot.name", "bot_name"),
		boolean("bot.only", "bot_only"), document("waiting", "waiting"),
	},
	lists: []list{
		{"profiles", "route_profiles", "route_key", ordinal, []column{text("name", "profile"), text("number", "number")}},
		{"candidates", "route_candidates", "route_key", ordinal, []column{
			document("absence", "absence"), texts("channels", "channels"), text("extension", "extension"), texts("groups", "groups"),
			text("key", "person_key"), integer("maxChats", "max_chats"), text("name", "name"), integer("position", "position"),
			text("schedule", "schedule_key"), integer("skillScore", "skill_score"),
		}},
		{"pools", "route_pools", "route_key", ordinal, []column{text("group", "group_key"), text("schedule", "schedule_key"), integer("weight", "weight")}},
	},
	flat: map[string][]string{
		"timeouts": {"maxRingTime", "maxGroupDialingTime", "maxWaitingTime", "reassignAfter", "overflowAfter"}, "cap": {"legs", "scope"},
		"overflow": {"type", "name"}, "outOfHours": {"type", "name"}, "bot": {"name", "only"},
	},
}

var schedules = &table{
	name: "schedules", kind: downstream.Routes, complete: true,
	columns: []column{text("timeZone", "time_zone"), text("mode", "mode")},
	lists: []list{
		{"weekly", "schedule_hours", "schedule_key", ordinal, []column{text("close", "closes"), text("day", "day"), text("open", "opens")}},
		{"exceptions", "schedule_exceptions", "schedule_key", ordinal, []column{day("date", "date"), document("spans", "spans").even()}},
	},
}

var mentions = &table{
	name: "mentions", kind: downstream.Mentions, complete: true,
	columns: []column{
		text("phase", "phase"), text("conversation", "conversation"), text("profile", "profile"), text("practice", "practice"),
		text("conversationStatus", "conversation_status"), text("message", "message"), text("author", "author_key"), texts("groups", "groups"),
		moment("acceptedAt", "accepted_at"), moment("expiresAt", "expires_at"), moment("resolvedAt", "resolved_at"), text("resolvedBy", "resolved_by_key"),
	},
	lists: []list{{"alerts", "mention_alerts", "mention_key", "person_key", []column{
		boolean("direct", "direct"), text("key", "person_key"), texts("notify", "notify"), texts("permissions", "permissions"),
		text("state", "state"), texts("via", "via"),
	}}},
}

// tables are all of them; what others refer to comes first.
var tables = []*table{people, groups, accesses, schedules, routes, mentions}

// tableOf returns the table that holds a record.
func tableOf(id downstream.ID) *table {
	switch {
	case id.Kind == downstream.Routes && downstream.IsSchedule(id.Key):
		return schedules
	case id.Kind == downstream.Routes:
		return routes
	}
	for _, t := range tables {
		if t.kind == id.Kind {
			return t
		}
	}
	return nil
}

// common are the columns of every table that a record sets, beside those of its kind. Id and time of change are set there.
var common = []string{"key", "name", "organization", "in_effect"}

func (t *table) written() []string {
	names := slices.Clone(common)
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return names
}

// value is an SQL expression that gives the value of a column as JSON, or NULL.
func (c column) value(of string) string {
	name := of + `."` + c.name + `"`
	switch c.form {
	case object:
		return name + "::text"
	case date:
		return "to_json(to_char(" + name + ", 'YYYY-MM-DD'))::text"
	case instant:
		return "to_char(" + name + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`
	default:
		return "to_json(" + name + ")::text"
	}
}

// quoted joins names, each in quotes, after a prefix.
func quoted(prefix string, names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + `"` + name + `"`
	}
	return strings.Join(out, ", ")
}

// statements are those of one table in one schema.
type statements struct {
	read, readSome           string
	upsert                   string
	moveByID, moveByKey      string
	deactivate, remove       string
	lists                    []listStatements
	readLists, readListsSome []string
}

type listStatements struct {
	replace string
}

// Rows are looked up one by one, by an index (LIMIT and OFFSET make sure), and reached by where they are (ctid): statistics that say a
// large table is empty, as they do for some time after it was filled, would otherwise have it read from end to end for each record.
const targets = `WITH target AS (SELECT c.place, c.key FROM json_to_recordset($1::json) AS n(id bigint, key text)
CROSS JOIN LATERAL (SELECT o.ctid AS place, o.key FROM %[1]s o WHERE o.id = n.id OFFSET 0) c
UNION SELECT c.place, c.key FROM json_to_recordset($1::json) AS n(id bigint, key text)
CROSS JOIN LATERAL (SELECT o.ctid AS place, o.key FROM %[1]s o WHERE o.key = n.key OFFSET 0) c WHERE n.id IS NULL)
`

// ours is the condition under which a row may be changed: it is ours, or nobody's.
const ours = `(t.organization IS NULL OR t.organization = $2)`

func (t *table) statements(schema string) statements {
	name := schema + "." + t.name
	all := t.written()
	var values, set []string
	for _, c := range t.columns {
		values = append(values, c.value("t"))
	}
	for _, c := range all {
		set = append(set, fmt.Sprintf(`"%s" = excluded."%[1]s"`, c))
	}
	s := statements{
		read: fmt.Sprintf(`SELECT t.id::text, t.key, t.organization, t.in_effect::text, to_json(t.name)::text, %s FROM %s t`, strings.Join(values, ", "), name),
		upsert: fmt.Sprintf(`INSERT INTO %[1]s AS t (%[2]s) SELECT %[3]s FROM json_array_elements($1::json) AS n(d)
LEFT JOIN LATERAL (SELECT o FROM %[1]s o WHERE o.key = n.d ->> 'key' LIMIT 1) old ON true CROSS JOIN LATERAL json_populate_record(old.o, n.d) r
ON CONFLICT (key) DO UPDATE SET %[4]s, changed_at = now() WHERE %[5]s RETURNING key, id::text`,
			name, quoted("", all), quoted("r.", all), strings.Join(set, ", "), ours),
		moveByID:  t.move(name, "o.id = n.id", "true"),
		moveByKey: t.move(name, "o.key = n.old", "n.id IS NULL"),
		remove:    fmt.Sprintf(targets+`DELETE FROM %[1]s t WHERE t.ctid = ANY (ARRAY(SELECT place FROM target)) AND %[2]s`, name, ours),
	}
	s.readSome = s.read + " WHERE t.key = ANY ($1::text[])"
	var emptied string
	for i := range t.lists {
		l := &t.lists[i]
		s.readLists = append(s.readLists, l.read(schema, ""))
		s.readListsSome = append(s.readListsSome, l.read(schema, fmt.Sprintf(" WHERE t.%s = ANY ($1::text[])", l.parent)))
		s.lists = append(s.lists, l.statements(schema))
		emptied += fmt.Sprintf(`, list%d AS (DELETE FROM %[2]s.%[3]s l WHERE l.ctid = ANY (ARRAY(
SELECT c.place FROM gone CROSS JOIN LATERAL (SELECT o.ctid AS place FROM %[2]s.%[3]s o WHERE o.%[4]s = gone.key OFFSET 0) c)))`, i, schema, l.table, l.parent)
	}
	if t.deactivate != "" {
		if !t.complete {
			emptied = ""
		}
		s.deactivate = fmt.Sprintf(targets+`, gone AS (UPDATE %[1]s t SET in_effect = false, changed_at = now(), %s
WHERE t.ctid = ANY (ARRAY(SELECT place FROM target)) AND %s RETURNING t.key)%s SELECT count(*) FROM gone`, name, t.deactivate, ours, emptied)
	}
	return s
}

// move gives rows that are found by a condition another key.
func (t *table) move(name, found, condition string) string {
	return fmt.Sprintf(`UPDATE %[1]s t SET key = m.key, changed_at = now() FROM (
SELECT n.key, c.place FROM json_to_recordset($1::json) AS n(id bigint, old text, key text)
CROSS JOIN LATERAL (SELECT o.ctid AS place FROM %[1]s o WHERE %[2]s AND o.key <> n.key OFFSET 0) c WHERE %[3]s) m
WHERE t.ctid = m.place AND %[4]s`, name, found, condition, ours)
}

func (l *list) read(schema, where string) string {
	var values []string
	for _, c := range l.columns {
		values = append(values, c.value("t"))
	}
	return fmt.Sprintf(`SELECT t.%s, %s FROM %s.%s t%s ORDER BY t.%[1]s, t."%[6]s"`, l.parent, strings.Join(values, ", "), schema, l.table, where, l.item)
}

// statements of a list take records with the whole list, and leave what is so already.
func (l *list) statements(schema string) listStatements {
	name := schema + "." + l.table
	var fields, names, got, set, old, new []string
	for _, c := range l.columns {
		fields = append(fields, fmt.Sprintf(`"%s" %s`, c.attribute, c.sqlType))
		names = append(names, fmt.Sprintf(`"%s"`, c.name))
		got = append(got, fmt.Sprintf(`x."%s"`, c.attribute))
		if c.name != l.item {
			set = append(set, fmt.Sprintf(`"%s" = excluded."%[1]s"`, c.name))
			old = append(old, fmt.Sprintf(`t."%s"`, c.name))
			new = append(new, fmt.Sprintf(`excluded."%s"`, c.name))
		}
	}
	if l.ordered() {
		names, got = append(names, ordinal), append(got, "x.ordinality::integer")
	}
	return listStatements{
		replace: fmt.Sprintf(`WITH d AS (SELECT * FROM json_to_recordset($1::json) AS d(key text, items json)),
n AS MATERIALIZED (SELECT d.key, %s FROM d, LATERAL ROWS FROM (json_to_recordset(d.items) AS (%s)) WITH ORDINALITY x),
gone AS (DELETE FROM %[3]s t WHERE t.ctid = ANY (ARRAY(SELECT c.place FROM d
CROSS JOIN LATERAL (SELECT o.ctid AS place, o.%[4]s AS key, o."%[5]s" AS item FROM %[3]s o WHERE o.%[4]s = d.key OFFSET 0) c
WHERE (c.key, c.item) NOT IN (SELECT n.key, n.item FROM n))))
INSERT INTO %[3]s AS t (%[4]s, %[6]s) SELECT n.key, %[7]s FROM n
ON CONFLICT (%[4]s, "%[5]s") DO UPDATE SET %[8]s WHERE (%[9]s) IS DISTINCT FROM (%[10]s)`,
			l.given(got), strings.Join(fields, ", "), name, l.parent, l.item, strings.Join(names, ", "), l.columnsOf("n", len(names)),
			strings.Join(set, ", "), strings.Join(old, ", "), strings.Join(new, ", ")),
	}
}

// given names the fields of an entry c0, c1 and so on, and the one that tells entries apart item.
func (l *list) given(expressions []string) string {
	out := make([]string, 0, len(expressions)+1)
	for i, e := range expressions {
		out = append(out, fmt.Sprintf("%s AS c%d", e, i))
		if i == len(l.columns) || i < len(l.columns) && l.columns[i].name == l.item {
			out = append(out, e+" AS item")
		}
	}
	return strings.Join(out, ", ")
}

func (l *list) columnsOf(of string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s.c%d", of, i)
	}
	return strings.Join(out, ", ")
}
