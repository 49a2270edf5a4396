package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// hostile is text that has broken other programs. PostgreSQL holds all of it.
var hostile = []string{
	`Robert'); DROP TABLE rollcall.people; --`, `"quoted" \ and 'single' $1 $$ {braces} [,]`, "line\nline\r\ttab\x01\x1f\x7f", `\u0000 spelled`, "Zoë 日本語 🦊 \u202e", "NULL", "null", "", " ",
}

// TestHostileNames delivers hostile text in every place, and reads it back (Safety 20).
func TestHostileNames(t *testing.T) {
	schema := freshSchema()
	var records []downstream.Record
	for i, text := range hostile {
		user, access := drivertest.Person(fmt.Sprintf("p%d", i), true)
		u := *user.Content.(*downstream.User)
		u.DisplayName, u.LastName, u.Tags = text, &text, []downstream.Tag{{Name: text, Color: text}}
		u.Skills, u.Practices = []downstream.Skill{{Name: text, Level: 1}}, []string{text}
		u.Card = &downstream.Card{Bio: text}
		user.Name, user.Key, user.Content = text, "email="+text, &u
		access.Key = user.Key
		group := drivertest.Group("g", "x")
		g := *group.Content.(*downstream.Group)
		g.Members, g.Profiles, g.Criteria = []downstream.Member{{Key: user.Key, Active: true}}, []string{text}, []downstream.Criteria{{Type: text, Value: text}}
		group.Key, group.Content = "group "+text, &g
		route := drivertest.Route("g", text)
		route.Key += text
		records = append(records, user, access, group, route)
	}
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	sameBack(t, schema, records)
	if n := ask(t, "SELECT count(*) FROM "+schema+".people"); n[0] != fmt.Sprint(len(hostile)) {
		t.Errorf("%s people are there, want %d", n[0], len(hostile))
	}
}

// sameBack fails unless what is read covers what the records render to.
func sameBack(t *testing.T, schema string, records []downstream.Record) {
	t.Helper()
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	there := map[downstream.ID]downstream.Found{}
	for _, f := range r.Records {
		there[downstream.ID{Kind: f.Kind, Key: f.Key}] = f
	}
	for _, want := range records {
		rendered, err := d.Render(want)
		if err != nil {
			t.Fatalf("rendering %s: %v", want.ID(), err)
		}
		got := there[want.ID()]
		for _, a := range got.Image.Differs(rendered.Image) {
			t.Errorf("%s: %s is %s, want %s", want.ID(), a, got.Image[a], rendered.Image[a])
		}
	}
}

func TestNULIsABadRecord(t *testing.T) {
	d := open(t, config("rollcall"), downstream.Options{})
	defer d.Close()
	for place, spoil := range map[string]func(r *downstream.Record, u *downstream.User){
		"key":            func(r *downstream.Record, _ *downstream.User) { r.Key = "email=a\x00" },
		"name":           func(r *downstream.Record, _ *downstream.User) { r.Name = "\x00" },
		"column":         func(_ *downstream.Record, u *downstream.User) { u.DisplayName = `\` + "\x00" },
		"array":          func(_ *downstream.Record, u *downstream.User) { u.Queues = []string{`\\`, "a\x00"} },
		"entry":          func(_ *downstream.Record, u *downstream.User) { u.Tags = []downstream.Tag{{Name: "a", Color: "\x00"}} },
		"json":           func(_ *downstream.Record, u *downstream.User) { u.Card = &downstream.Card{Bio: "\x00"} },
		"not even a NUL": func(_ *downstream.Record, u *downstream.User) { u.DisplayName = `\u0000\\u0000` },
	} {
		r, _ := drivertest.Person("anna", true)
		u := *r.Content.(*downstream.User)
		spoil(&r, &u)
		r.Content = &u
		_, err := d.Render(r)
		if bad := downstream.ClassOf(err) == downstream.BadRecord; bad == (place == "not even a NUL") {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestEverythingIsHeld fills every field of every content, so that a field that is added to the contract is not forgotten here.
func TestEverythingIsHeld(t *testing.T) {
	// Secrets have no place in a table that reports read.
	left := []string{"invitation.passwordKey", "invitation.passwordSecret", "invitation.token", "invitation.welcomeEmail"}
	var records []downstream.Record
	for id, content := range map[downstream.ID]downstream.Content{
		{Kind: downstream.Users, Key: "email=a"}:                          &downstream.User{},
		{Kind: downstream.Groups, Key: "g"}:                               &downstream.Group{},
		{Kind: downstream.Access, Key: "email=a"}:                         &downstream.AccessGrants{},
		{Kind: downstream.Routes, Key: downstream.RouteKey("Queue", "q")}: &downstream.Route{},
		{Kind: downstream.Routes, Key: downstream.ScheduleKey("s")}:       &downstream.Schedule{},
		{Kind: downstream.Mentions, Key: "m"}:                             &downstream.Mention{},
	} {
		fill(reflect.ValueOf(content).Elem())
		if u, ok := content.(*downstream.User); ok {
			u.StartDate = new("2027-02-28")
		}
		if s, ok := content.(*downstream.Schedule); ok {
			s.Exceptions[0].Date = "2027-02-28"
		}
		records = append(records, downstream.Record{Kind: id.Kind, Key: id.Key, Name: "n", Active: true, Content: content})
	}
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	sameBack(t, schema, records)
	for _, r := range records {
		whole, err := downstream.ImageOf(r)
		if err != nil {
			t.Fatal(err)
		}
		held, err := render(r)
		if err != nil {
			t.Fatal(err)
		}
		of := tableOf(r.ID())
		for attribute, value := range whole {
			if fields, flat := of.flat[attribute]; flat {
				var parts map[string]json.RawMessage
				if err := json.Unmarshal([]byte(value), &parts); err != nil {
					t.Fatal(err)
				}
				for field := range parts {
					if !slices.Contains(fields, field) && !slices.Contains(left, attribute+"."+field) {
						t.Errorf("%s.%s of %T is not held", attribute, field, r.Content)
					}
				}
			} else if _, ok := held[attribute]; !ok {
				t.Errorf("%s of %T is not held", attribute, r.Content)
			}
		}
	}
}

// fill gives every field a value that is not zero; lists get one entry, and instants more digits than the system holds.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2027, 3, 1, 9, 0, 0, 120000789, time.UTC)))
			return
		}
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(7)
	}
}

// TestTimesFarAway has the driver count days and instants on both sides of where PostgreSQL begins to.
func TestTimesFarAway(t *testing.T) {
	var records []downstream.Record
	for day, at := range map[string]time.Time{
		"1969-12-31": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"1999-12-31": time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"2000-01-01": time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31": time.Date(9999, 12, 31, 23, 59, 59, 1000, time.UTC),
	} {
		r, _ := drivertest.Person("p"+day, true)
		u := *r.Content.(*downstream.User)
		u.StartDate, u.Absences = &day, []downstream.Absence{{Name: "away", From: &at}}
		r.Content = &u
		records = append(records, r)
	}
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	sameBack(t, schema, records)
}

// TestListsAreSets renders the same whatever the order, and what is there twice once.
func TestListsAreSets(t *testing.T) {
	a, b := drivertest.Group("g", "anna", "ben", "zoe"), drivertest.Group("g", "anna", "ben", "zoe")
	g := *b.Content.(*downstream.Group)
	g.Members = append(slices.Clone(g.Members), g.Members[0])
	slices.Reverse(g.Members)
	b.Content = &g
	x, errX := render(a)
	y, errY := render(b)
	if err := errors.Join(errX, errY); err != nil || !maps.Equal(x, y) {
		t.Errorf("%v: %s and %s", err, x["members"], y["members"])
	}
}

// TestMigrations brings a schema of every earlier version up to date; reading it first changes nothing.
func TestMigrations(t *testing.T) {
	records := drivertest.Sample(3)
	fresh := freshSchema()
	deliver(t, open(t, config(fresh), downstream.Options{}), records...)
	want := catalogue(t, fresh)
	for version := 1; version < len(migrations); version++ {
		schema := freshSchema()
		all := migrations
		migrations = all[:version]
		d := open(t, config(schema), downstream.Options{})
		deliver(t, d, records...)
		migrations = all
		before := catalogue(t, schema)
		sameBack(t, schema, records)
		if after := catalogue(t, schema); !slices.Equal(before, after) {
			t.Errorf("reading version %d changes the schema", version)
		}
		deliver(t, open(t, config(schema), downstream.Options{}))
		if got := catalogue(t, schema); !slices.Equal(got, want) {
			t.Errorf("from version %d:\n%s\nwant:\n%s", version, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		sameBack(t, schema, records)
	}
}

// catalogue lists everything that is in a schema, with comments.
func catalogue(t *testing.T, schema string) []string {
	t.Helper()
	out := ask(t, `SELECT c.relkind::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum), obj_description(c.oid)
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = $1::regnamespace ORDER BY 1, 2, a.attnum`, schema)
	return append(out, ask(t, "SELECT p.proname::text, pg_get_function_arguments(p.oid) FROM pg_proc p WHERE p.pronamespace = $1::regnamespace", schema)...)
}

func TestEveryTableIsExplained(t *testing.T) {
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}))
	for _, name := range ask(t, "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid) IS NULL", schema) {
		t.Errorf("%s has no comment", name)
	}
}

// TestLaterVersion leaves a schema alone that a newer operator made.
func TestLaterVersion(t *testing.T) {
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}))
	sql(t, fmt.Sprintf("INSERT INTO %s.migrations (version) VALUES (%d)", schema, len(migrations)+1))
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); downstream.ClassOf(err) != downstream.Refused {
		t.Errorf("reading: %v", err)
	}
	if _, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Delete, Record: drivertest.Group("g")}}}); downstream.ClassOf(err) != downstream.Refused {
		t.Errorf("applying: %v", err)
	}
}

// TestOtherOrganization never changes what another organization wrote, whatever the inventory says (Safety 9, 18).
func TestOtherOrganization(t *testing.T) {
	schema := freshSchema()
	theirs := config(schema)
	theirs.Organization = "acme"
	records := drivertest.Sample(2)
	deliver(t, open(t, theirs, downstream.Options{}), records...)
	before := contents(t, schema)
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	for _, op := range []downstream.Op{downstream.Update, downstream.Create, downstream.Deactivate, downstream.Delete} {
		for _, r := range records {
			c := downstream.Change{Op: op, Record: r, Previous: &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name}}
			if op == downstream.Create || op == downstream.Update {
				c.Record.Name = "taken"
				rendered, err := d.Render(c.Record)
				if err != nil {
					t.Fatal(err)
				}
				c.Rendered = rendered
			}
			_, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{c}})
			if c.Rendered.Image != nil && downstream.ClassOf(err) != downstream.Conflict {
				t.Errorf("%s of %s: %v", op, r.ID(), err)
			}
		}
	}
	if !slices.Equal(contents(t, schema), before) {
		t.Errorf("rows of another organization were changed")
	}
}

// TestKeyEditedByHand: the row is known by its id, and gets its key back.
func TestKeyEditedByHand(t *testing.T) {
	schema := freshSchema()
	user, _ := drivertest.Person("anna", true)
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	rendered, err := d.Render(user)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Create, Record: user, Rendered: rendered}}})
	if err != nil {
		t.Fatal(err)
	}
	sql(t, "UPDATE "+schema+".people SET key = 'email=somebody@else.example'")
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Users}})
	if err != nil || len(r.Records) != 1 || r.Records[0].Image.Covers(rendered.Image) {
		t.Fatalf("the edit is not seen: %v", err)
	}
	owned := &downstream.Owned{Kind: user.Kind, Key: user.Key, Name: user.Name, RemoteID: out[0].RemoteID, Hash: "0"}
	_, err = d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Update, Record: user, Rendered: rendered, Previous: owned, Found: &r.Records[0]}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, "SELECT key, id::text FROM "+schema+".people"); !slices.Equal(got, []string{user.Key + "|" + out[0].RemoteID}) {
		t.Errorf("people are %v", got)
	}
	sameBack(t, schema, []downstream.Record{user})
}

func TestNotification(t *testing.T) {
	schema := freshSchema()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	listener, err := pgx.Connect(ctx, running.Admin(database))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close(ctx)
	if _, err := listener.Exec(ctx, "LISTEN "+schema); err != nil {
		t.Fatal(err)
	}
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	var req downstream.Request
	for _, r := range []downstream.Record{drivertest.Group("a", "anna"), drivertest.Group("b", "anna"), drivertest.Route("a", "anna")} {
		rendered, err := d.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		req.Changes = append(req.Changes, downstream.Change{Op: downstream.Create, Record: r, Rendered: rendered})
	}
	req.Last = true
	if _, err := d.Apply(ctx, req); err != nil {
		t.Fatal(err)
	}
	n, err := listener.WaitForNotification(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"organization":"fjordline","changes":{"Groups":2,"Routes":1},"last":true}`; n.Channel != schema || n.Payload != want {
		t.Errorf("channel %s, payload %s, want %s", n.Channel, n.Payload, want)
	}
	// What is rolled back is told to nobody: the next one heard is that of the next batch.
	bad := req
	bad.Changes = []downstream.Change{{Op: downstream.Update, Record: drivertest.Group("a"), Rendered: downstream.Rendered{Image: downstream.Image{"members": `[{"key":"x"}]`}}, Previous: &downstream.Owned{Key: "a"}}}
	if _, err := d.Apply(ctx, bad); downstream.ClassOf(err) != downstream.BadRecord {
		t.Errorf("a member without a gate: %v", err)
	}
	req.Last = false
	if _, err := d.Apply(ctx, req); err != nil {
		t.Fatal(err)
	}
	if n, err = listener.WaitForNotification(ctx); err != nil || !strings.Contains(n.Payload, `"last":false`) {
		t.Errorf("%v: %+v", err, n)
	}
}

// TestFrozenServer: a server that answers nothing is Unavailable within the timeout, at whatever moment it stops, and is used again
// when it answers again.
func TestFrozenServer(t *testing.T) {
	schema := freshSchema()
	records := drivertest.Sample(2)
	deliver(t, open(t, config(schema), downstream.Options{}), records...)
	const timeout = 300 * time.Millisecond
	for _, connected := range []bool{false, true} {
		d := open(t, config(schema), downstream.Options{Timeout: timeout})
		if connected {
			if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); err != nil {
				t.Fatal(err)
			}
		}
		if err := running.Freeze(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
		took := time.Since(began)
		if err := running.Thaw(); err != nil {
			t.Fatal(err)
		}
		if downstream.ClassOf(err) != downstream.Unavailable || took > 20*timeout {
			t.Errorf("connected %v: %v after %v", connected, err, took)
		}
		d.timeout, d.connect.ConnectTimeout = 20*time.Second, 20*time.Second
		if r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); err != nil || len(r.Records) != len(records) {
			t.Errorf("connected %v, afterwards: %d records: %v", connected, len(r.Records), err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTLS: nothing is said to a server that does not prove who it is, and nobody gets around it by what the DSN says.
func TestTLS(t *testing.T) {
	full := config("rollcall")
	for name, tc := range map[string]struct {
		change func(c *Config)
		want   downstream.Class // of the connection; empty: it is made
		refuse bool             // already when the driver is made
	}{
		"as it should be":               {change: func(*Config) {}},
		"nobody vouches for the server": {change: func(c *Config) { c.CA = nil }, want: downstream.Refused},
		"the server has another name":   {change: func(c *Config) { c.DSN = strings.Replace(c.DSN, "127.0.0.1", "localhost.example", 1) }, want: downstream.Refused},
		"verify-full is the default":    {change: func(c *Config) { c.DSN = strings.TrimSuffix(c.DSN, "?sslmode=verify-full"); c.CA = nil }, want: downstream.Refused},
		"disable, not permitted":        {change: func(c *Config) { c.DSN = strings.Replace(c.DSN, "verify-full", "disable", 1) }, refuse: true},
		"prefer, not permitted":         {change: func(c *Config) { c.DSN = strings.Replace(c.DSN, "verify-full", "prefer", 1) }, refuse: true},
		"verify-ca, not permitted":      {change: func(c *Config) { c.DSN = strings.Replace(c.DSN, "verify-full", "verify-ca", 1) }, refuse: true},
		"disable, permitted":            {change: permitted("disable")},
		"prefer, permitted":             {change: permitted("prefer")},
		"verify-ca, permitted, of another name": {change: func(c *Config) {
			permitted("verify-ca")(c)
			c.DSN = strings.Replace(c.DSN, "127.0.0.1", "localhost.example", 1)
		}},
		"verify-ca, permitted, and nobody does":  {change: func(c *Config) { permitted("verify-ca")(c); c.CA = nil }, want: downstream.Refused},
		"a certificate that is none":             {change: func(c *Config) { c.CA = []byte("none") }, refuse: true},
		"a mode that there is not":               {change: permitted("sometimes"), refuse: true},
		"a file of the machine":                  {change: func(c *Config) { c.DSN += "&sslrootcert=/etc/passwd" }, refuse: true},
		"a service":                              {change: func(c *Config) { c.DSN += "&service=other" }, refuse: true},
		"a socket":                               {change: func(c *Config) { c.DSN = "host=/var/run/postgresql user=a dbname=b" }, refuse: true},
		"several hosts":                          {change: func(c *Config) { c.DSN = "host=a,b user=a dbname=b" }, refuse: true},
		"neither a URL nor keywords":             {change: func(c *Config) { c.DSN = "secret" }, refuse: true},
		"a schema that is more than a plain one": {change: func(c *Config) { c.Schema = `a"; DROP` }, refuse: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := full
			// Another name for the same address.
			c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(running.Host, fmt.Sprint(running.Port)))
			}
			tc.change(&c)
			d, err := New(c, downstream.Options{})
			if refused := downstream.ClassOf(err) == downstream.Refused; refused != tc.refuse {
				t.Fatalf("making the driver: %v", err)
			}
			if err != nil {
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error tells: %v", err)
				}
				return
			}
			defer d.Close()
			if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); downstream.ClassOf(err) != tc.want {
				t.Errorf("reading: %v (%v), want %q", err, errors.Unwrap(err), tc.want)
			}
		})
	}
}

func permitted(mode string) func(c *Config) {
	return func(c *Config) {
		c.AllowPlaintext, c.DSN = true, strings.Replace(c.DSN, "verify-full", mode, 1)
	}
}

// TestServerWithoutTLS sends no password to a server that has no TLS.
func TestServerWithoutTLS(t *testing.T) {
	sql(t, "ALTER SYSTEM SET ssl = off")
	sql(t, "SELECT pg_reload_conf()")
	answer := func() string {
		c := config("rollcall")
		c.DSN = running.DSN("nobody", "wrong", database) // who gets as far as that is Unauthorized
		d := open(t, c, downstream.Options{})
		defer d.Close()
		_, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
		return fmt.Sprint(err)
	}
	eventually(t, "the server still has TLS", func() bool { return answer() == "Refused (TLS)" })
	sql(t, "ALTER SYSTEM SET ssl = on")
	sql(t, "SELECT pg_reload_conf()")
	eventually(t, "the server has no TLS again", func() bool { return answer() == "Unauthorized (28P01)" })
}

// eventually waits for a condition that the server comes to by itself.
func eventually(t *testing.T, complaint string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !condition(); {
		select {
		case <-deadline:
			t.Fatal(complaint)
		case <-tick.C:
		}
	}
}

// TestEnvironment sets everything that libpq takes from the environment to something that would be noticed.
func TestEnvironment(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "pass"), []byte("*:*:*:*:wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PGHOST": "192.0.2.1", "PGPORT": "1", "PGDATABASE": "other", "PGUSER": "other", "PGPASSWORD": "wrong", "PGPASSFILE": filepath.Join(folder, "pass"),
		"PGSSLMODE": "disable", "PGSSLROOTCERT": "/nowhere", "PGSSLCERT": "/nowhere", "PGSSLKEY": "/nowhere", "PGSSLNEGOTIATION": "direct",
		"PGOPTIONS": "-c search_path=nowhere", "PGAPPNAME": "other", "PGCONNECT_TIMEOUT": "nonsense", "PGTARGETSESSIONATTRS": "standby", "PGTZ": "nowhere",
		"PGREQUIREAUTH": "none", "PGCHANNELBINDING": "nonsense", "PGMINPROTOCOLVERSION": "latest", "PGMAXPROTOCOLVERSION": "9",
		"HTTPS_PROXY": "http://192.0.2.1:1", "ALL_PROXY": "socks5://192.0.2.1:1",
	} {
		t.Setenv(name, value)
	}
	d := open(t, config(freshSchema()), downstream.Options{Timeout: 10 * time.Second})
	defer d.Close()
	if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); err != nil {
		t.Errorf("reading: %v (%v)", err, errors.Unwrap(err))
	}
	if got := ask(t, "SELECT application_name FROM pg_stat_activity WHERE usename = $1 AND application_name = 'other'", writer); len(got) > 0 {
		t.Errorf("the environment gave the connection its name")
	}
	withoutPassword := config(freshSchema())
	withoutPassword.DSN = fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s", running.Port, writer, database)
	d = open(t, withoutPassword, downstream.Options{Timeout: 10 * time.Second})
	defer d.Close()
	if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); downstream.ClassOf(err) != downstream.Unauthorized {
		t.Errorf("a password came from somewhere: %v", err)
	}
}

func TestKeywords(t *testing.T) {
	got, err := parseDSN(`host = db.example port=6432 user='o\'neil' password='a b\\c' dbname=x  sslmode=verify-full`)
	want := map[string]string{"host": "db.example", "port": "6432", "user": "o'neil", "password": `a b\c`, "dbname": "x", "sslmode": "verify-full"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v: %v, want %v", err, got, want)
	}
}

// TestDial: the dialer decides about connections, by the name that the DSN has.
func TestDial(t *testing.T) {
	refusal := downstream.NewError(downstream.Refused, "address", nil)
	var asked string
	c := config("rollcall")
	c.DSN = strings.Replace(c.DSN, "127.0.0.1", "metadata.example", 1)
	c.Dial = func(_ context.Context, _, address string) (net.Conn, error) { asked = address; return nil, refusal }
	d := open(t, c, downstream.Options{})
	defer d.Close()
	if _, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); downstream.ClassOf(err) != downstream.Refused {
		t.Errorf("reading: %v", err)
	}
	if want := fmt.Sprintf("metadata.example:%d", running.Port); asked != want {
		t.Errorf("asked for %s, want %s", asked, want)
	}
}

// TestErrorsTellNothing: what PostgreSQL answers quotes the values that it refuses.
func TestErrorsTellNothing(t *testing.T) {
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}))
	sql(t, "ALTER TABLE "+schema+".people ADD CHECK (display_name NOT LIKE 'Private%')")
	user, _ := drivertest.Person("private", true)
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	rendered, err := d.Render(user)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Create, Record: user, Rendered: rendered}}})
	if err == nil || err.Error() != "BadRecord (23514)" {
		t.Errorf("the error is %v", err)
	}
}

// TestPrivileges: the role of the driver gets along with a schema that was made for it and no right on the database, and a reader
// with SELECT alone, as docs/downstreams/postgresql.md has it.
func TestPrivileges(t *testing.T) {
	schema := freshSchema()
	for _, statement := range []string{
		"CREATE ROLE narrow_writer LOGIN PASSWORD 'narrow'", "CREATE ROLE reports LOGIN PASSWORD 'reports'",
		"GRANT CONNECT ON DATABASE " + database + " TO narrow_writer", "CREATE SCHEMA " + schema + " AUTHORIZATION narrow_writer",
	} {
		sql(t, statement)
	}
	c := config(schema)
	c.DSN = running.DSN("narrow_writer", "narrow", database)
	records := drivertest.Sample(3)
	deliver(t, open(t, c, downstream.Options{}), records...)
	c.Schema = freshSchema()
	other := open(t, c, downstream.Options{})
	defer other.Close()
	_, err := other.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Delete, Record: drivertest.Group("g")}}})
	if err == nil || err.Error() != "Unauthorized (42501)" {
		t.Errorf("a schema of its own: %v", err)
	}
	sql(t, "GRANT USAGE ON SCHEMA "+schema+" TO reports")
	sql(t, "GRANT SELECT ON ALL TABLES IN SCHEMA "+schema+" TO reports")
	reader, err := pgx.Connect(t.Context(), strings.Replace(running.DSN("reports", "reports", database), "verify-full", "require", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(t.Context())
	for _, view := range []string{"profile_answerers", "profile_access", "next_in_line", "lineup", "open_routes", "pending_alerts"} {
		if _, err := reader.Exec(t.Context(), "SELECT * FROM "+schema+"."+view); err != nil {
			t.Errorf("reading %s: %v", view, err)
		}
	}
	if _, err := reader.Exec(t.Context(), "DELETE FROM "+schema+".people"); err == nil {
		t.Errorf("a reader may delete people")
	}
}

// TestTogether: operators that overlap for a moment, before there is any table, do not come in each other's way.
func TestTogether(t *testing.T) {
	schema := freshSchema()
	records := drivertest.Sample(5)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			d, err := New(config(schema), downstream.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			var req downstream.Request
			for _, r := range records {
				rendered, err := d.Render(r)
				if err != nil {
					t.Error(err)
				}
				req.Changes = append(req.Changes, downstream.Change{Op: downstream.Create, Record: r, Rendered: rendered})
			}
			if _, err := d.Apply(t.Context(), req); err != nil {
				t.Errorf("%v (%v)", err, errors.Unwrap(err))
			}
		})
	}
	wg.Wait()
	sameBack(t, schema, records)
	if n := len(contents(t, schema)); n != len(records) {
		t.Errorf("%d records are there, want %d", n, len(records))
	}
}

// TestClose ends a call that waits for a server which does not answer.
func TestClose(t *testing.T) {
	d := open(t, config(freshSchema()), downstream.Options{Timeout: time.Minute})
	if _, err := d.Read(t.Context(), downstream.ReadRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := running.Freeze(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
		ended <- err
	}()
	began := time.Now()
	closed := d.Close()
	err := <-ended
	if thawed := running.Thaw(); thawed != nil {
		t.Fatal(thawed)
	}
	if took := time.Since(began); err == nil || closed != nil || took > 20*time.Second {
		t.Errorf("%v, %v after %v", err, closed, took)
	}
}

// TestPlans: rows are found by an index also while statistics say that large tables are empty, as they do when they were taken
// before the first synchronization was committed.
func TestPlans(t *testing.T) {
	schema := freshSchema()
	deliver(t, open(t, config(schema), downstream.Options{}), drivertest.Sample(1000)...)
	sql(t, "ANALYZE")
	sql(t, "UPDATE pg_class SET reltuples = 0 WHERE relnamespace = $1::regnamespace", schema)
	d := open(t, config(schema), downstream.Options{})
	defer d.Close()
	var queries []string
	for _, s := range d.statements() {
		queries = append(queries, s.upsert, s.moveByID, s.moveByKey, s.remove, s.deactivate)
		for _, l := range s.lists {
			queries = append(queries, l.replace)
		}
	}
	err := d.transaction(t.Context(), pgx.TxOptions{}, work{start: d.begin, steps: func(ctx context.Context, tx pgx.Tx) error {
		for _, query := range queries {
			if query == "" {
				continue
			}
			args := []any{"[]"}
			if strings.Contains(query, "$2") {
				args = append(args, "fjordline")
			}
			rows, err := tx.Query(ctx, "EXPLAIN "+query, args...)
			if err != nil {
				return err
			}
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
			for i, line := range plan {
				unconditional := strings.Contains(line, "Index") && strings.Contains(line, "Scan") && (i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond"))
				if strings.Contains(line, "Seq Scan") || unconditional {
					t.Errorf("%s\n%s", query, strings.Join(plan, "\n"))
				}
			}
		}
		return errRollback
	}})
	if !errors.Is(err, errRollback) {
		t.Error(err)
	}
}
