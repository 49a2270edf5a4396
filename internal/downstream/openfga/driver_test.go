package openfga

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	server "github.com/rollcall-dev/rollcall/test/servers/openfga"
)

// TestIDs: every key has an id of its own that OpenFGA takes, and that tells the key unless it is long.
func TestIDs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		key, other := rapid.String().Draw(rt, "key"), rapid.String().Draw(rt, "other")
		if rapid.Bool().Draw(rt, "long") {
			key = strings.Repeat(key, 20) + "x"
		}
		id := encode(key)
		if strings.ContainsAny(id, ":#* \t\n") || len(id) > maxID {
			rt.Errorf("the id of %q is %q", key, id)
		}
		if key != other && id == encode(other) {
			rt.Errorf("%q and %q have the same id", key, other)
		}
		if back, tells := decode(id); key != "" && tells != (back == key) || tells && strings.Contains(id, "~") {
			rt.Errorf("%q, id %q, back %q, %v", key, id, back, tells)
		}
		if back, tells := decode(other); tells && encode(back) != other {
			rt.Errorf("%q is taken for the id of %q", other, back)
		}
	})
	if got := encode("email=anna.berg@fjordline.example"); got != "email=anna.berg@fjordline.example" {
		t.Errorf("an ordinary key becomes %q", got)
	}
}

// hostile is text that has broken other programs.
var hostile = []string{
	"a:b", "a#member", "*", "teammate:*", "a b", "line\nline\r\ttab\x01", "%41", "~", "Zoë 日本語 🦊", "a/b", `"quoted" \ 'x'`, "\xff\xfe",
	strings.Repeat("x", 253), strings.Repeat("x", 252) + "y", strings.Repeat("日", 100),
}

// TestHostileNames delivers hostile text in every place, and reads it back (Safety 20).
func TestHostileNames(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	var records []downstream.Record
	for _, text := range hostile {
		_, access := drivertest.Person("anna", true)
		grants := *access.Content.(*downstream.AccessGrants)
		grants.Grants = []downstream.Grant{{Permissions: []string{"care.view"}, Profiles: []string{text}}}
		access.Key, access.Content = "email="+text, &grants
		group := drivertest.Group("g")
		g := *group.Content.(*downstream.Group)
		g.Members = []downstream.Member{{Key: access.Key, Active: true}}
		group.Key, group.Active, group.Cause, group.Content = text, true, "", &g
		records = append(records, access, group)
	}
	deliver(t, d, records...)
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Groups, downstream.Access}})
	if err != nil || len(r.Records) != len(records) {
		t.Fatalf("%d records are read, want %d: %v", len(r.Records), len(records), err)
	}
	for _, want := range records {
		rendered, err := d.Render(want)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(r.Records, func(f downstream.Found) bool { return f.Kind == want.Kind && f.Name == rendered.Name })
		if i < 0 {
			t.Errorf("%s is not there", want.ID())
			continue
		}
		if f := r.Records[i]; !f.Image.Covers(rendered.Image) || f.Key != want.Key && f.Key != "" || (f.Key == "") == (f.RemoteID == "") {
			t.Errorf("%s is there as %q, %q, differing in %v", want.ID(), f.Key, f.RemoteID, f.Image.Differs(rendered.Image))
		}
	}
}

func TestConfig(t *testing.T) {
	full := config(made(t))
	for name, tc := range map[string]struct {
		change func(c *Config)
		want   downstream.Class // of the connection; empty: it is made
		refuse bool             // already when the driver is made
	}{
		"as it should be":                 {change: func(*Config) {}},
		"with a slash":                    {change: func(c *Config) { c.URL += "/" }},
		"the other key":                   {change: func(c *Config) { c.Token = server.OtherToken }},
		"a wrong key":                     {change: func(c *Config) { c.Token = "wrong-secret" }, want: downstream.Unauthorized},
		"no key":                          {change: func(c *Config) { c.Token = "" }, want: downstream.Unauthorized},
		"a key that no header holds":      {change: func(c *Config) { c.Token = "wrong-secret\n" }, refuse: true},
		"nobody vouches for the server":   {change: func(c *Config) { c.CA = nil }, want: downstream.Refused},
		"the server has another name":     {change: func(c *Config) { c.URL = strings.Replace(c.URL, "127.0.0.1", "localhost.example", 1) }, want: downstream.Refused},
		"plaintext, not permitted":        {change: func(c *Config) { c.URL = strings.Replace(c.URL, "https", "http", 1) }, refuse: true},
		"plaintext, to a server with TLS": {change: func(c *Config) { c.URL, c.AllowPlaintext = strings.Replace(c.URL, "https", "http", 1), true }, want: downstream.Unavailable},
		"a path":                          {change: func(c *Config) { c.URL += "/openfga" }, refuse: true},
		"a user":                          {change: func(c *Config) { c.URL = strings.Replace(c.URL, "https://", "https://wrong-secret@", 1) }, refuse: true},
		"no URL":                          {change: func(c *Config) { c.URL = "https://wrong-secret:x" }, refuse: true},
		"a certificate that is none":      {change: func(c *Config) { c.CA = []byte("wrong-secret") }, refuse: true},
		"a store that there is not":       {change: func(c *Config) { c.Store = "01ABCDEFGHJKMNPQRSTVWXYZ01" }, want: downstream.PinChanged},
		"a model that there is not":       {change: func(c *Config) { c.Model = "01ABCDEFGHJKMNPQRSTVWXYZ01" }, want: downstream.PinChanged},
		"a model that cannot be one":      {change: func(c *Config) { c.Model = "none" }, want: downstream.PinChanged},
	} {
		t.Run(name, func(t *testing.T) {
			c := full
			// Another name for the same address.
			c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, running.Address())
			}
			tc.change(&c)
			d, err := New(c, downstream.Options{Timeout: 5 * time.Second})
			if refused := downstream.ClassOf(err) == downstream.Refused; refused != tc.refuse {
				t.Fatalf("making the driver: %v", err)
			}
			if err == nil {
				defer d.Close()
				if _, err = d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds}); downstream.ClassOf(err) != tc.want {
					t.Errorf("reading: %v (%v), want %q", err, errors.Unwrap(err), tc.want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "wrong-secret") {
				t.Errorf("the error tells: %v", err)
			}
		})
	}
}

// TestEnvironment: proxies of the environment are not asked.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "GRPC_PROXY", "https_proxy"} {
		t.Setenv(name, "http://192.0.2.1:1")
	}
	d := open(t, config(made(t)), downstream.Options{Timeout: 5 * time.Second})
	defer d.Close()
	if _, err := d.Read(t.Context(), downstream.ReadRequest{}); err != nil {
		t.Errorf("reading: %v (%v)", err, errors.Unwrap(err))
	}
}

// TestDial: the dialer decides about connections, by the name that the url has, and what it says is not lost on the way.
func TestDial(t *testing.T) {
	for _, class := range []downstream.Class{downstream.Refused, downstream.Unavailable} {
		var asked string
		c := config("01ABCDEFGHJKMNPQRSTVWXYZ01")
		c.URL = "https://metadata.example"
		c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			asked = address
			return nil, fmt.Errorf("connecting: %w", downstream.NewError(class, "address", nil))
		}
		d := open(t, c, downstream.Options{})
		defer d.Close()
		if _, err := d.Read(t.Context(), downstream.ReadRequest{}); downstream.ClassOf(err) != class || err.Error() != string(class)+" (address)" {
			t.Errorf("reading: %v, want %s", err, class)
		}
		if asked != "metadata.example:443" {
			t.Errorf("asked for %s", asked)
		}
	}
}

// TestClose ends a call that waits for a server which does not answer, and TestClose's timeout one that nobody closes.
func TestClose(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{Timeout: time.Minute})
	short := open(t, config(store), downstream.Options{Timeout: 100 * time.Millisecond})
	defer short.Close()
	for _, x := range []*Driver{d, short} {
		if _, err := x.Read(t.Context(), downstream.ReadRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := running.Freeze(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: downstream.Kinds})
		ended <- err
	}()
	_, late := short.Read(t.Context(), downstream.ReadRequest{})
	closed := d.Close()
	err := <-ended
	if thawed := running.Thaw(); thawed != nil {
		t.Fatal(thawed)
	}
	if err == nil || closed != nil {
		t.Errorf("closing ends the call with %v, and itself with %v", err, closed)
	}
	if late == nil || late.Error() != "Unavailable (timeout)" {
		t.Errorf("late: %v", late)
	}
	if _, err := short.Read(t.Context(), downstream.ReadRequest{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestErrors(t *testing.T) {
	throttled, err := status.New(codes.ResourceExhausted, "secret").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(90 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		err   error
		want  string
		after time.Duration
	}{
		"throttled by a proxy":        {err: throttled.Err(), want: "Throttled (ResourceExhausted)", after: 90 * time.Second},
		"throttled":                   {err: status.Error(codes.Code(openfgav1.UnprocessableContentErrorCode_throttled_timeout_error), "secret"), want: "Throttled (throttled_timeout_error)"},
		"no key":                      {err: status.Error(codes.Code(openfgav1.AuthErrorCode_bearer_token_missing), "secret"), want: "Unauthorized (bearer_token_missing)"},
		"not permitted":               {err: status.Error(codes.PermissionDenied, "secret"), want: "Unauthorized (PermissionDenied)"},
		"too many bytes":              {err: status.Error(codes.ResourceExhausted, "grpc: received message larger than max (700000 vs. 616448)"), want: "TooLarge (ResourceExhausted)"},
		"not a tuple":                 {err: status.Error(codes.Code(openfgav1.ErrorCode_validation_error), "secret"), want: "BadRecord (validation_error)"},
		"not a request":               {err: status.Error(codes.InvalidArgument, "secret"), want: "BadRecord (InvalidArgument)"},
		"too many":                    {err: status.Error(codes.Code(openfgav1.ErrorCode_exceeded_entity_limit), "secret"), want: "TooLarge (exceeded_entity_limit)"},
		"no model":                    {err: status.Error(codes.Code(openfgav1.ErrorCode_authorization_model_not_found), "secret"), want: "PinChanged (authorization_model_not_found)"},
		"no store":                    {err: status.Error(codes.Code(openfgav1.NotFoundErrorCode_store_id_not_found), "secret"), want: "PinChanged (store_id_not_found)"},
		"another condition":           {err: status.Error(codes.Aborted, "secret already exists with a different condition"), want: "Conflict (Aborted)"},
		"somebody at the same time":   {err: status.Error(codes.Aborted, "secret transactional write failed due to conflict"), want: "Unavailable (Aborted)"},
		"the server has a bad day":    {err: status.Error(codes.Code(openfgav1.InternalErrorCode_internal_error), "secret"), want: "Unavailable (internal_error)"},
		"a code of a later version":   {err: status.Error(codes.Code(4999), "secret"), want: "Unavailable (4999)"},
		"not an OpenFGA":              {err: status.Error(codes.Unimplemented, "secret"), want: "Refused (Unimplemented)"},
		"the context ended":           {err: context.DeadlineExceeded, want: "Unavailable (timeout)"},
		"something else":              {err: errors.New("secret"), want: "Unavailable"},
		"no answer in time":           {err: status.Error(codes.DeadlineExceeded, "secret"), want: "Unavailable (timeout)"},
		"a store that is gone, twice": {err: pinned(classified(status.Error(codes.InvalidArgument, "secret"))), want: "PinChanged (no such store or authorization model)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := classified(tc.err)
			if got.Error() != tc.want {
				t.Errorf("%v, want %s", got, tc.want)
			}
			if e, ok := errors.AsType[*downstream.Error](got); !ok || e.RetryAfter != tc.after {
				t.Errorf("retry after %v, want %v", e.RetryAfter, tc.after)
			}
		})
	}
}

// TestErrorsTellNothing: what OpenFGA answers quotes the tuples that it refuses.
func TestErrorsTellNothing(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	_, access := drivertest.Person("private", true)
	system := newSystem(t)
	r := system.Bad(access)
	rendered, err := d.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Create, Record: r, Rendered: rendered}}})
	if err != nil || downstream.ClassOf(out[0].Err) != downstream.BadRecord || strings.Contains(out[0].Err.Error(), "private") {
		t.Errorf("%v, %v", out, err)
	}
}

// TestManyPermissions: conditions stay within what servers let one cost, and requests within what they take, however many
// permissions people have.
func TestManyPermissions(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	var permissions []string
	for i := range 800 {
		permissions = append(permissions, fmt.Sprintf("module%d.permission", i))
	}
	var records []downstream.Record
	for i := range 60 {
		_, access := drivertest.Person(fmt.Sprintf("p%d", i), true)
		grants := *access.Content.(*downstream.AccessGrants)
		grants.Permissions = permissions
		access.Content = &grants
		records = append(records, access)
	}
	deliver(t, d, records...)
	for permission, want := range map[string]bool{"module799.permission": true, "module800.permission": false} {
		if got := may(t, store, records[59].Key, permission, "organization:fjordline", time.Now()); got != want {
			t.Errorf("%s: %v, want %v", permission, got, want)
		}
	}
}

// may asks OpenFGA.
func may(t drivertest.T, store, key, permission, object string, at time.Time) bool {
	t.Helper()
	got, err := admin.Check(t.Context(), &openfgav1.CheckRequest{
		StoreId: store, TupleKey: &openfgav1.CheckRequestTupleKey{User: "teammate:" + encode(key), Relation: "can", Object: object},
		Context: question{permission: permission}.context(at), Consistency: openfgav1.ConsistencyPreference_HIGHER_CONSISTENCY,
	})
	if err != nil {
		t.Fatalf("checking: %v", err)
	}
	return got.GetAllowed()
}

// TestStores: a store is found by its id or its name, made once, and never taken for another one.
func TestStores(t *testing.T) {
	read := func(c Config, pins downstream.Pins) (downstream.Reading, error) {
		d := open(t, c, downstream.Options{})
		defer d.Close()
		return d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}, Pins: pins})
	}
	apply := func(c Config, pins downstream.Pins) error {
		d := open(t, c, downstream.Options{})
		defer d.Close()
		_, err := d.Apply(t.Context(), downstream.Request{Pins: pins})
		return err
	}
	count := func(name string) int {
		got, err := admin.ListStores(t.Context(), &openfgav1.ListStoresRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.GetStores())
	}
	name := freshStore()
	c := config(name)
	r, err := read(c, downstream.Pins{})
	if err != nil || r.Pins != (downstream.Pins{}) || len(r.Complete) != 1 || count(name) != 0 {
		t.Fatalf("reading a store that there is not yet: %+v, %v, %d stores", r, err, count(name))
	}
	for range 3 {
		if err := apply(c, downstream.Pins{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(name); n != 1 {
		t.Errorf("%d stores of the name were made", n)
	}
	if r, err = read(c, downstream.Pins{}); err != nil || r.Pins.StoreID == "" || r.Pins.AuthorizationModelID == "" {
		t.Fatalf("reading it: %+v, %v", r, err)
	}
	pins := r.Pins
	if r, err = read(c, pins); err != nil || r.Pins != pins || r.Renewed {
		t.Errorf("reading it again: %+v, %v", r, err)
	}
	if r, err = read(config(pins.StoreID), pins); err != nil || r.Pins != pins {
		t.Errorf("reading it by its id: %+v, %v", r, err)
	}
	if _, err := admin.CreateStore(t.Context(), &openfgav1.CreateStoreRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
	if r, err = read(c, pins); err != nil || r.Pins != pins {
		t.Errorf("with a second store of that name, and the first one pinned: %+v, %v", r, err)
	}
	if _, err = read(c, downstream.Pins{}); downstream.ClassOf(err) != downstream.Refused {
		t.Errorf("two stores of that name: %v", err)
	}
	if _, err = read(config(made(t)), pins); downstream.ClassOf(err) != downstream.PinChanged {
		t.Errorf("another store than the pinned one: %v", err)
	}
	if err = apply(config(made(t)), pins); downstream.ClassOf(err) != downstream.PinChanged {
		t.Errorf("writing to another store than the pinned one: %v", err)
	}
	if _, err := admin.DeleteStore(t.Context(), &openfgav1.DeleteStoreRequest{StoreId: pins.StoreID}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{c, config(pins.StoreID)} {
		if _, err := read(c, pins); downstream.ClassOf(err) != downstream.PinChanged {
			t.Errorf("the pinned store is gone: %v", err)
		}
		if err := apply(c, pins); downstream.ClassOf(err) != downstream.PinChanged {
			t.Errorf("writing, and the pinned store is gone: %v", err)
		}
	}
	if n := count(name); n != 1 {
		t.Errorf("%d stores of the name are left, want the second one", n)
	}
}

// TestModels: a model that is not ours is an error, and an earlier one of ours is replaced on purpose.
func TestModels(t *testing.T) {
	put := func(store string, change func(m *openfgav1.WriteAuthorizationModelRequest)) string {
		m, err := shipped()
		if err != nil {
			t.Fatal(err)
		}
		req := &openfgav1.WriteAuthorizationModelRequest{
			StoreId: store, SchemaVersion: m.GetSchemaVersion(), TypeDefinitions: slices.Clone(m.GetTypeDefinitions()), Conditions: m.GetConditions(),
		}
		change(req)
		got, err := admin.WriteAuthorizationModel(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return got.GetAuthorizationModelId()
	}
	other := func(m *openfgav1.WriteAuthorizationModelRequest) {
		m.TypeDefinitions, m.Conditions = []*openfgav1.TypeDefinition{{Type: "user"}}, nil
	}
	more := func(m *openfgav1.WriteAuthorizationModelRequest) {
		m.TypeDefinitions = append(m.TypeDefinitions, &openfgav1.TypeDefinition{Type: "invoice"})
	}
	read := func(c Config, pins downstream.Pins) (downstream.Reading, error) {
		d := open(t, c, downstream.Options{})
		defer d.Close()
		return d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}, Pins: pins})
	}

	store := made(t)
	r, err := read(config(store), downstream.Pins{})
	if err != nil {
		t.Fatal(err)
	}
	ours := r.Pins
	longer := put(store, more)
	if r, err = read(config(store), ours); err != nil || r.Pins.AuthorizationModelID != longer || !r.Renewed {
		t.Errorf("a model that has more: %+v, %v", r, err)
	}
	foreign := put(store, other)
	if _, err = read(config(store), ours); downstream.ClassOf(err) != downstream.PinChanged {
		t.Errorf("a model of somebody else: %v", err)
	}
	c := config(store)
	c.Model = longer
	if r, err = read(c, downstream.Pins{}); err != nil || r.Pins.AuthorizationModelID != longer {
		t.Errorf("a model that the Downstream names: %+v, %v", r, err)
	}
	c.Model = foreign
	if _, err = read(c, downstream.Pins{}); downstream.ClassOf(err) != downstream.PinChanged {
		t.Errorf("one that lacks ours: %v", err)
	}
	if _, err = read(config(store), downstream.Pins{}); downstream.ClassOf(err) != downstream.PinChanged {
		t.Errorf("a model of somebody else, and none is pinned: %v", err)
	}

	// As if an earlier version had shipped another model: it is pinned, and the latest one.
	pins := downstream.Pins{StoreID: store, AuthorizationModelID: foreign}
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	if r, err = d.Read(t.Context(), downstream.ReadRequest{Pins: pins}); err != nil || r.Pins != pins || r.Renewed {
		t.Errorf("an earlier model of ours: %+v, %v", r, err)
	}
	_, access := drivertest.Person("anna", true)
	rendered, err := d.Render(access)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Apply(t.Context(), downstream.Request{Pins: pins, Changes: []downstream.Change{{Op: downstream.Create, Record: access, Rendered: rendered}}})
	if err != nil || out[0].Err != nil {
		t.Errorf("applying: %v, %v", out, err)
	}
	r, err = d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}, Pins: pins})
	if err != nil || r.Pins.AuthorizationModelID == foreign || !r.Renewed || len(r.Records) != 1 {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
}

// TestMoves: records that pass keys on to each other, in one batch.
func TestMoves(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	person := func(key, permission string) downstream.Record {
		_, access := drivertest.Person("anna", true)
		grants := *access.Content.(*downstream.AccessGrants)
		grants.Permissions = []string{permission}
		access.Key, access.Content = key, &grants
		return access
	}
	deliver(t, d, person("a", "users.a"), person("b", "users.b"), person("x", "users.x"))
	change := func(op downstream.Op, r downstream.Record, previous string) downstream.Change {
		rendered, err := d.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		c := downstream.Change{Op: op, Record: r, Rendered: rendered}
		if previous != "" {
			c.Previous = &downstream.Owned{Kind: r.Kind, Key: previous, Hash: "0"}
		}
		return c
	}
	out, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{
		change(downstream.Update, person("b", "users.a"), "a"), change(downstream.Update, person("a", "users.b"), "b"), // they swap
		change(downstream.Create, person("x", "users.new"), ""), change(downstream.Update, person("y", "users.x"), "x"), // somebody new takes a key
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if out[i].Err != nil {
			t.Errorf("change %d: %v", i, out[i].Err)
		}
	}
	want := map[string]string{"a": "users.b", "b": "users.a", "x": "users.new", "y": "users.x"}
	for key, permission := range want {
		for _, other := range want {
			if got := may(t, store, key, other, "organization:fjordline", time.Now()); got != (other == permission) {
				t.Errorf("%s, %s: %v", key, other, got)
			}
		}
	}
	// Somebody else's stays.
	out, err = d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{change(downstream.Create, person("y", "users.other"), "")}})
	if err != nil || downstream.ClassOf(out[0].Err) != downstream.Conflict {
		t.Errorf("making one that is there: %v, %v", out, err)
	}
}

// TestLimit: a server that takes fewer tuples at a time gets fewer.
func TestLimit(t *testing.T) {
	s, err := server.Start("--max-tuples-per-write=7")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	c := Config{URL: s.URL(), CA: s.CA, Token: server.Token, Store: "limited", Organization: "fjordline"}
	d := open(t, c, downstream.Options{})
	defer d.Close()
	records := people()
	deliver(t, d, records...)
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Groups, downstream.Access}})
	if err != nil || len(r.Records) != len(records) {
		t.Errorf("%d records, want %d: %v", len(r.Records), len(records), err)
	}
	for _, want := range records {
		rendered, err := d.Render(want)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(r.Records, func(f downstream.Found) bool { return f.Key == want.Key && f.Kind == want.Kind }); i < 0 || !r.Records[i].Image.Covers(rendered.Image) {
			t.Errorf("%s is not as it should be", want.ID())
		}
	}
}

// TestExtension extends a membership again and again while somebody asks: there is no moment without it.
func TestExtension(t *testing.T) {
	store := made(t)
	d := open(t, config(store), downstream.Options{})
	defer d.Close()
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	state := func(i int) downstream.Record {
		r := drivertest.Group("night", "anna")
		r.Content.(*downstream.Group).Members[0].Until = new(now.Add(time.Duration(i+1) * time.Hour))
		return r
	}
	member := func(at time.Time) bool {
		got, err := admin.Check(t.Context(), &openfgav1.CheckRequest{
			StoreId: store, TupleKey: &openfgav1.CheckRequestTupleKey{User: "teammate:email=anna@fjordline.example", Relation: "member", Object: "usergroup:night"},
			Context: &structpb.Struct{Fields: map[string]*structpb.Value{"current_time": structpb.NewStringValue(at.Format(time.RFC3339))}},
		})
		if err != nil {
			t.Errorf("checking: %v", err)
		}
		return got.GetAllowed()
	}
	deliver(t, d, state(0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	asked := 0
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if asked++; !member(now) {
					t.Errorf("there was a moment without")
					return
				}
			}
		}
	})
	for i := 1; i <= 40; i++ {
		r := state(i)
		rendered, err := d.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		previous := &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name, Hash: "0"}
		if out, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{{Op: downstream.Update, Record: r, Rendered: rendered, Previous: previous}}}); err != nil || out[0].Err != nil {
			t.Fatalf("extending: %v %v", out, err)
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("asked %d times", asked)
	if end := now.Add(41 * time.Hour); !member(end.Add(-time.Second)) || member(end) {
		t.Errorf("it does not end when it should")
	}
}
