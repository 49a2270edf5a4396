package kubernetesrbac_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
)

// person is the access of somebody with this username and role.
func person(name, accountRole, baseType string) downstream.Record {
	_, r := drivertest.Person(name, true)
	grants := *r.Content.(*downstream.AccessGrants)
	grants.AccountRole, grants.BaseType = accountRole, baseType
	r.Content = &grants
	return r
}

// closed is the access of somebody whose gate is closed.
func closed(name string) downstream.Record {
	_, r := drivertest.Person(name, false)
	return r
}

// previous is what the inventory holds of a record.
func previous(r downstream.Record, remoteID string) *downstream.Owned {
	return &downstream.Owned{Kind: r.Kind, Key: r.Key, Name: r.Name, RemoteID: remoteID, Hash: "delivered"}
}

// made creates the RoleBinding of a record.
func made(t *testing.T, d downstream.Driver, r downstream.Record) *downstream.Owned {
	t.Helper()
	out := apply(t, d, downstream.Change{Op: downstream.Create, Record: r})
	if out.Err != nil {
		t.Fatalf("creating %s: %v", r.Name, out.Err)
	}
	return previous(r, out.RemoteID)
}

// becomes waits until the authorizer gives an answer: it learns of RoleBindings a moment after they are written.
func becomes(t *testing.T, want bool, user, namespace, verb, resource, name string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		got, err := can(ctx, user, namespace, verb, "rollcall.dev", resource, name)
		return got == want, err
	})
	if err != nil {
		t.Errorf("%s may %s %s/%s: never %v: %v", user, verb, resource, name, want, err)
	}
}

// TestPeopleCanDoWhatTheirRoleGives asks the authorizer what somebody may do before, while and after their gate is open.
func TestPeopleCanDoWhatTheirRoleGives(t *testing.T) {
	for _, tc := range []struct{ baseType, verb, resource, name, beyond string }{
		{"Owner", "delete", "organizations", "", "ledgers"},
		{"Administrator", "assign", "accountroles", "manager", "ledgers"},
		{"Manager", "assign-supervisors", "usergroups", "quebecois", "downstreams"},
		{"Enterprise", "set-availability", "teammates", "ana", "downstreams"},
		{"Supervisor", "approve-card", "teammates", "ana", "usergroups"},
		{"TeamLeader", "patch", "teammates", "ana", "usergroups"},
		{"Agent", "create", "mentions", "", "teammates"},
		{"Staff", "list", "teammates", "", "teammates"},
		{"Viewer", "list", "downstreams", "", "mentions"},
	} {
		t.Run(tc.baseType, func(t *testing.T) {
			t.Parallel()
			namespace := freshNamespace(t)
			other := freshNamespace(t)
			d := open(t, &wire{}, namespace, downstream.Options{}, nil)
			defer d.Close()
			user := strings.ToLower(tc.baseType)
			becomes(t, false, user, namespace, tc.verb, tc.resource, tc.name)
			owned := made(t, d, person(user, "", tc.baseType))
			becomes(t, true, user, namespace, tc.verb, tc.resource, tc.name)
			for what, may := range map[string]func() (bool, error){
				"in another namespace": func() (bool, error) {
					return can(t.Context(), user, other, tc.verb, "rollcall.dev", tc.resource, tc.name)
				},
				"beyond the role": func() (bool, error) {
					return can(t.Context(), user, namespace, "create", "rollcall.dev", tc.beyond, "")
				},
				"reading Secrets": func() (bool, error) { return can(t.Context(), user, namespace, "get", "", "secrets", "x") },
				"somebody else": func() (bool, error) {
					return can(t.Context(), user+"x", namespace, tc.verb, "rollcall.dev", tc.resource, tc.name)
				},
			} {
				if yes, err := may(); yes != (what == "beyond the role" && tc.baseType == "Owner" && tc.beyond != "ledgers") || err != nil {
					t.Errorf("%s: %v, %v", what, yes, err)
				}
			}
			out := apply(t, d, downstream.Change{Op: downstream.Update, Record: closed(user), Previous: owned})
			if out.Err != nil || out.RemoteID != "" || len(bindings(t, namespace)) != 0 {
				t.Errorf("a closed gate: %+v, %d RoleBindings", out, len(bindings(t, namespace)))
			}
			becomes(t, false, user, namespace, tc.verb, tc.resource, tc.name)
		})
	}
}

func TestWhoIsNotBound(t *testing.T) {
	d := open(t, &wire{}, "any", downstream.Options{}, map[string]string{"auditor": "audit", "intern": ""})
	defer d.Close()
	name := func(r downstream.Record, username *string) downstream.Record {
		grants := *r.Content.(*downstream.AccessGrants)
		grants.Username = username
		r.Content = &grants
		return r
	}
	for what, tc := range map[string]struct {
		record downstream.Record
		want   string // the beginning of the RoleBinding's name; empty: none
		bad    bool
	}{
		"base type":             {record: person("ana", "agent", "Agent"), want: "rollcall-agent-"},
		"overridden":            {record: person("ana", "auditor", "Viewer"), want: "audit-"},
		"no base type":          {record: person("ana", "", "None")},
		"no base type, bound":   {record: person("ana", "auditor", "None"), want: "audit-"},
		"no username":           {record: name(person("ana", "agent", "Agent"), nil)},
		"an empty username":     {record: name(person("ana", "agent", "Agent"), new(""))},
		"a closed gate":         {record: closed("ana")},
		"a group of the server": {record: name(person("ana", "agent", "Agent"), new("system:masters")), bad: true},
		"a closed gate of such": {record: name(closed("ana"), new("system:masters"))},
	} {
		rendered, err := d.Render(tc.record)
		if bad := downstream.ClassOf(err) == downstream.BadRecord; bad != tc.bad || err != nil && !bad {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && (rendered.Empty != (tc.want == "") || !strings.HasPrefix(rendered.Name, tc.want)) {
			t.Errorf("%s: %q, empty %v", what, rendered.Name, rendered.Empty)
		}
	}
}

// TestLosingTheBindingIsARemoval: what confers nothing here is inactive to the guards, though it confers something elsewhere.
func TestLosingTheBindingIsARemoval(t *testing.T) {
	d := open(t, &wire{}, "any", downstream.Options{}, nil)
	defer d.Close()
	bound, archived, unbound := person("ana", "agent", "Agent"), closed("ben"), person("zoe", "", "None")
	idle := person("ida", "agent", "Agent")
	idle.Active, idle.Cause = false, downstream.Inferred // a role without any permission
	p := d.(downstream.Projector).Projection()
	got := p.Update([]downstream.Record{unbound, idle, bound, archived}, nil)
	want := map[string]downstream.Cause{"ana": downstream.CauseNone, "ben": downstream.Archived, "ida": downstream.CauseNone, "zoe": downstream.Inferred}
	for _, r := range got {
		if r.Cause != want[r.Name] || r.Active != (r.Cause == downstream.CauseNone) {
			t.Errorf("%s: active %v, %q", r.Name, r.Active, r.Cause)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b downstream.Record) int { return a.ID().Compare(b.ID()) }) || len(got) != len(want) {
		t.Errorf("%d projections, or in no order", len(got))
	}
	p.Update(nil, []downstream.ID{bound.ID()})
	if _, there := p.Record(bound.ID()); there {
		t.Error("somebody who is gone is still there")
	}
}

// TestNothingBeyondBind: a ClusterRole is bound only with the verb on its name, though the API server would let the operator
// bind whatever it may do itself.
func TestNothingBeyondBind(t *testing.T) {
	harmless := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "reads-secrets"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}},
	}
	if err := kube.Create(t.Context(), harmless); err != nil {
		t.Fatal(err)
	}
	namespace, w := freshNamespace(t), &wire{}
	roles := map[string]string{"a": forbidden, "b": "rollcall-operator", "c": "reads-secrets", "d": "there-is-none"}
	d := open(t, w, namespace, downstream.Options{}, roles)
	defer d.Close()
	var req downstream.Request
	for _, role := range []string{"a", "b", "agent", "c", "d"} {
		c := downstream.Change{Op: downstream.Create, Record: person("p"+role, role, "Agent")}
		var err error
		if c.Rendered, err = d.Render(c.Record); err != nil {
			t.Fatal(err)
		}
		req.Changes = append(req.Changes, c)
	}
	out, err := d.Apply(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range req.Changes {
		_, refused := roles[strings.TrimPrefix(c.Record.Name, "p")]
		if got := downstream.ClassOf(out[i].Err); refused != (got == downstream.BadRecord) || !refused && got != "" {
			t.Errorf("%s: %v", c.Record.Name, out[i].Err)
		}
	}
	if n := len(bindings(t, namespace)); n != 1 {
		t.Errorf("%d RoleBindings, want that of the agent alone", n)
	}
	if posts := count(w.requests(), "POST rolebindings"); posts != 1 {
		t.Errorf("%d were tried", posts)
	}

	// Somebody who was bound stays so until the new ClusterRole can be bound.
	owned := previous(req.Changes[2].Record, out[2].RemoteID)
	if o := apply(t, d, downstream.Change{Op: downstream.Update, Record: person("pagent", "a", "Agent"), Previous: owned}); downstream.ClassOf(o.Err) != downstream.BadRecord {
		t.Errorf("an update to a ClusterRole that may not be bound: %v", o.Err)
	}
	if n := len(bindings(t, namespace)); n != 1 {
		t.Errorf("%d RoleBindings after a refused update", n)
	}

	// A cluster administrator grants it.
	grant(t, "bind-reads-secrets", "reads-secrets")
	if o := apply(t, d, downstream.Change{Op: downstream.Create, Record: person("pc", "c", "Agent")}); o.Err != nil {
		t.Errorf("with bind on it: %v", o.Err)
	}
}

// grant gives the operator the verb bind on a ClusterRole, and waits until it counts.
func grant(t *testing.T, name, clusterRole string) {
	t.Helper()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{clusterRole}, Verbs: []string{"bind"}}},
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: operatorName}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := kube.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		return can(ctx, operatorName, "default", "bind", rbacv1.GroupName, "clusterroles", clusterRole)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(log []string, what string) (n int) {
	for _, line := range log {
		if strings.HasPrefix(line, what) {
			n++
		}
	}
	return n
}

// TestAddBeforeRemove: another role is another RoleBinding, made before the former one goes; another username is written in place.
func TestAddBeforeRemove(t *testing.T) {
	namespace, w := freshNamespace(t), &wire{}
	d := open(t, w, namespace, downstream.Options{}, nil)
	defer d.Close()
	r := person("ana", "agent", "Agent")
	owned := made(t, d, r)
	w.requests()
	w.intercept(func(*http.Request) *http.Response {
		if len(of(t, namespace, r.Key)) == 0 {
			t.Error("at a moment there is no RoleBinding")
		}
		return nil
	})
	out := apply(t, d, downstream.Change{Op: downstream.Update, Record: person("ana", "manager", "Manager"), Previous: owned})
	log := w.requests()
	if i, j := slices.Index(log, "POST rolebindings"), slices.IndexFunc(log, func(s string) bool { return strings.HasPrefix(s, "DELETE rollcall-agent-") }); out.Err != nil || i < 0 || j < i {
		t.Errorf("%v: %v", out.Err, log)
	}
	there := bindings(t, namespace)
	if len(there) != 1 || there[0].RoleRef.Name != "rollcall-manager" || string(there[0].UID) != out.RemoteID {
		t.Fatalf("there are %v", there)
	}
	renamed := person("anna", "manager", "Manager")
	renamed.Key = r.Key
	out = apply(t, d, downstream.Change{Op: downstream.Update, Record: renamed, Previous: previous(r, out.RemoteID)})
	after := bindings(t, namespace)
	if out.Err != nil || len(after) != 1 || after[0].UID != there[0].UID || after[0].Subjects[0].Name != "anna" {
		t.Errorf("another username: %v, %v", out.Err, after)
	}
	if log := w.requests(); count(log, "PUT ") != 1 || count(log, "DELETE ")+count(log, "POST rolebindings") > 0 {
		t.Errorf("another username: %v", log)
	}
}

// byHand makes a RoleBinding as a person does.
func byHand(t *testing.T, namespace, name, clusterRole, username string) *rbacv1.RoleBinding {
	t.Helper()
	rb := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"team": "blue"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: username}},
	}
	if err := kube.Create(t.Context(), rb); err != nil {
		t.Fatal(err)
	}
	return rb
}

// TestForeignRoleBindings: what is not marked, or is marked for somebody else, is not touched by any change.
func TestForeignRoleBindings(t *testing.T) {
	namespace := freshNamespace(t)
	d := open(t, &wire{}, namespace, downstream.Options{}, nil)
	defer d.Close()
	ana, ben := person("ana", "agent", "Agent"), person("ben", "agent", "Agent")
	ours := made(t, d, ana)
	theirs := []*rbacv1.RoleBinding{
		byHand(t, namespace, "ana-is-an-agent", "rollcall-agent", "ana"),
		byHand(t, namespace, "ana-edits", "edit", "ana"),
		byHand(t, namespace, mustRender(t, d, ben).Name, "rollcall-agent", "ben"),
	}
	lying := of(t, namespace, ana.Key)[0].DeepCopy() // the marks of somebody else under a key that they do not fit
	lying.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: "lying", Labels: maps.Clone(lying.Labels), Annotations: map[string]string{"rollcall.dev/identity-key": "email=other"}}
	if err := kube.Create(t.Context(), lying); err != nil {
		t.Fatal(err)
	}
	theirs = append(theirs, lying)

	if out := apply(t, d, downstream.Change{Op: downstream.Create, Record: ben}); downstream.ClassOf(out.Err) != downstream.Conflict {
		t.Errorf("a name that is taken: %v", out.Err)
	}
	if out := apply(t, d, downstream.Change{Op: downstream.Create, Record: ben, Previous: previous(ben, "")}); downstream.ClassOf(out.Err) != downstream.Conflict {
		t.Errorf("a name that is taken, of a record that was going to be made: %v", out.Err)
	}
	for _, c := range []downstream.Change{
		{Op: downstream.Update, Record: person("ana", "supervisor", "Supervisor"), Previous: ours},
		{Op: downstream.Update, Record: closed("ana"), Previous: ours},
		{Op: downstream.Delete, Record: downstream.Record{Kind: downstream.Access, Key: ana.Key}, Previous: ours},
		{Op: downstream.Delete, Record: downstream.Record{Kind: downstream.Access, Key: ben.Key}, Previous: previous(ben, "")},
	} {
		if out := apply(t, d, c); out.Err != nil {
			t.Errorf("%s: %v", c.Op, out.Err)
		}
	}
	var left []string
	for _, rb := range bindings(t, namespace) {
		left = append(left, rb.Name)
	}
	for _, rb := range theirs {
		now := &rbacv1.RoleBinding{}
		if err := kube.Get(t.Context(), client.ObjectKeyFromObject(rb), now); err != nil || now.ResourceVersion != rb.ResourceVersion {
			t.Errorf("%s was touched: %v", rb.Name, err)
		}
	}
	if len(left) != len(theirs) {
		t.Errorf("left are %v", left)
	}

	// With adoption: TakeOver the one in the way is marked, and what others wrote on it stays.
	r, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Records, func(f downstream.Found) bool { return f.Name == theirs[2].Name })
	if i < 0 || len(r.Records) != 1 || r.Records[i].Key != "" || r.Records[i].Image.Covers(mustRender(t, d, ben).Image) {
		t.Fatalf("found are %+v", r.Records)
	}
	adopted := &downstream.Owned{Kind: ben.Kind, Key: ben.Key, Name: ben.Name, RemoteID: r.Records[i].RemoteID}
	out := apply(t, d, downstream.Change{Op: downstream.Update, Record: ben, Previous: adopted, Found: &r.Records[i]})
	now := of(t, namespace, ben.Key)
	if out.Err != nil || len(now) != 1 || now[0].UID != theirs[2].UID || now[0].Labels["team"] != "blue" {
		t.Errorf("taken over: %v, %v", out.Err, now)
	}
}

func mustRender(t *testing.T, d downstream.Driver, r downstream.Record) downstream.Rendered {
	t.Helper()
	out, err := d.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMeanwhile: somebody else writes between what the driver reads and what it writes.
func TestMeanwhile(t *testing.T) {
	for what, tc := range map[string]struct {
		method string // of the request that somebody is faster than
		change func(t *testing.T, rb *rbacv1.RoleBinding) error
		record downstream.Record
		want   downstream.Class
	}{
		"changed before a write":  {"PUT", touched, person("anna", "agent", "Agent"), downstream.Conflict},
		"deleted before a write":  {"PUT", deleted, person("anna", "agent", "Agent"), downstream.Conflict},
		"changed before a delete": {"DELETE", touched, closed("ana"), downstream.Conflict},
		"deleted before a delete": {"DELETE", deleted, closed("ana"), ""},
	} {
		t.Run(what, func(t *testing.T) {
			namespace, w := freshNamespace(t), &wire{}
			d := open(t, w, namespace, downstream.Options{}, nil)
			defer d.Close()
			owned := made(t, d, person("ana", "agent", "Agent"))
			record := tc.record
			record.Key = owned.Key
			w.intercept(func(r *http.Request) *http.Response {
				if r.Method == tc.method {
					w.intercept(nil)
					if err := tc.change(t, &of(t, namespace, owned.Key)[0]); err != nil {
						t.Error(err)
					}
				}
				return nil
			})
			c := downstream.Change{Op: downstream.Update, Record: record, Previous: owned}
			if out := apply(t, d, c); downstream.ClassOf(out.Err) != tc.want {
				t.Errorf("%v, want %q", out.Err, tc.want)
			}
			if out := apply(t, d, c); out.Err != nil {
				t.Errorf("the second time: %v", out.Err)
			}
			rendered := mustRender(t, d, record)
			if n := len(of(t, namespace, owned.Key)); (n == 0) != rendered.Empty || n > 1 {
				t.Errorf("there are %d RoleBindings", n)
			}
		})
	}
}

func touched(t *testing.T, rb *rbacv1.RoleBinding) error {
	rb.Labels["touched"] = "yes"
	return kube.Update(t.Context(), rb)
}

func deleted(t *testing.T, rb *rbacv1.RoleBinding) error { return kube.Delete(t.Context(), rb) }

// TestListing: all pages are read, none of another moment counts, and whoever the operator is, it knows itself.
func TestListing(t *testing.T) {
	namespace, w := freshNamespace(t), &wire{}
	d := open(t, w, namespace, downstream.Options{}, nil)
	defer d.Close()
	const people = 23
	for i := range people {
		made(t, d, person(fmt.Sprintf("p%02d", i), "agent", "Agent"))
	}
	me := made(t, d, person(operatorName, "owner", "Owner"))
	byHand(t, namespace, "somebody-elses", "edit", operatorName)
	w.requests()
	read := func() (downstream.Reading, error) {
		return d.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}})
	}
	r, err := read()
	if err != nil || len(r.Records) != people+1 || !slices.Equal(r.Complete, []downstream.Kind{downstream.Access}) {
		t.Errorf("%d records, complete %v: %v", len(r.Records), r.Complete, err)
	}
	if pages := count(w.requests(), "GET rolebindings"); pages != 5 {
		t.Errorf("%d pages of 5 for %d RoleBindings", pages, people+2)
	}
	if !slices.Contains(r.Self, me.RemoteID) {
		t.Errorf("the operator is %v, want %s among them", r.Self, me.RemoteID)
	}
	pages := 0
	w.intercept(func(r *http.Request) *http.Response { // what is written between two pages is in neither
		if pages++; pages == 3 {
			made(t, open(t, &wire{}, namespace, downstream.Options{}, nil), person("later", "agent", "Agent"))
		}
		return nil
	})
	if r, err := read(); err != nil || len(r.Records) != people+1 || len(r.Complete) != 1 {
		t.Errorf("%d records while one is made, complete %v: %v", len(r.Records), r.Complete, err)
	}
	w.intercept(func(r *http.Request) *http.Response {
		query := r.URL.Query()
		if query.Get("continue") != "" { // a server that begins anew instead of going on
			query.Del("continue")
			query.Set("limit", "500")
			r.URL.RawQuery = query.Encode()
			made(t, open(t, &wire{}, namespace, downstream.Options{}, nil), person("even-later", "agent", "Agent"))
		}
		return nil
	})
	if r, err := read(); err != nil || len(r.Complete) != 0 {
		t.Errorf("pages of two moments are complete: %v, %v", r.Complete, err)
	}
}

// TestTerminatingNamespace: nothing can be made any more, which is nobody's credentials' fault; what is there can go.
func TestTerminatingNamespace(t *testing.T) {
	namespace := freshNamespace(t)
	d := open(t, &wire{}, namespace, downstream.Options{}, nil)
	defer d.Close()
	ana := person("ana", "agent", "Agent")
	owned := made(t, d, ana)
	// Nobody here takes away what is in a namespace, so it stays as it is at the beginning of its end.
	if err := kube.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	var out downstream.Outcome
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
		out = apply(t, d, downstream.Change{Op: downstream.Create, Record: person("ben", "agent", "Agent")})
		return out.Err != nil, nil // the API server learns of the end a moment later
	})
	if err != nil || downstream.ClassOf(out.Err) != downstream.Unavailable {
		t.Errorf("created: %v, %v", out.Err, err)
	}
	if out := apply(t, d, downstream.Change{Op: downstream.Delete, Record: downstream.Record{Kind: ana.Kind, Key: ana.Key}, Previous: owned}); out.Err != nil {
		t.Errorf("deleted: %v", out.Err)
	}
	if n := len(of(t, namespace, ana.Key)); n != 0 {
		t.Errorf("%d RoleBindings are left", n)
	}
}

// TestRefusals: what the operator may not do at all stops everything, what a rule of the cluster is against does not.
func TestRefusals(t *testing.T) {
	namespace := freshNamespace(t)
	used := corev1.ResourceList{"count/rolebindings.rbac.authorization.k8s.io": resource.MustParse("1")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "one"}, Spec: corev1.ResourceQuotaSpec{Hard: used}}
	if err := kube.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: used, Used: used} // no controller counts here
	if err := kube.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	d := open(t, &wire{}, namespace, downstream.Options{}, nil)
	defer d.Close()
	var out downstream.Outcome
	people := 0
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
		out = apply(t, d, downstream.Change{Op: downstream.Create, Record: person(fmt.Sprintf("p%d", people), "agent", "Agent")})
		people++
		return out.Err != nil, nil // the API server learns of the quota a moment later
	})
	if err != nil {
		t.Error(err)
	}
	if downstream.ClassOf(out.Err) != downstream.BadRecord {
		t.Errorf("against a quota: %v", out.Err)
	}

	w := &wire{}
	stranger := open(t, w, freshNamespace(t), downstream.Options{}, nil)
	defer stranger.Close()
	w.intercept(func(r *http.Request) *http.Response {
		r.Header.Set("Impersonate-User", "nobody") // which the operator may not
		return nil
	})
	if out := apply(t, stranger, downstream.Change{Op: downstream.Create, Record: person("ana", "agent", "Agent")}); downstream.ClassOf(out.Err) != downstream.Unauthorized {
		t.Errorf("an account that may nothing: %v", out.Err)
	}
	if _, err := stranger.Read(t.Context(), downstream.ReadRequest{Kinds: []downstream.Kind{downstream.Access}}); downstream.ClassOf(err) != downstream.Unauthorized {
		t.Errorf("an account that may nothing reads: %v", err)
	}
}

// TestPage: the RoleBinding that docs/downstreams/kubernetesrbac.md shows is the one that is made.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "downstreams", "kubernetesrbac.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "This makes one RoleBinding:\n\n```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	var shown rbacv1.RoleBinding
	if err := sigsyaml.UnmarshalStrict([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	namespace := freshNamespace(t)
	d := open(t, &wire{}, namespace, downstream.Options{}, nil)
	defer d.Close()
	made(t, d, person("ana", "supervisor", "Supervisor"))
	got := bindings(t, namespace)[0]
	if got.Name != shown.Name || !maps.Equal(got.Labels, shown.Labels) || !maps.Equal(got.Annotations, shown.Annotations) ||
		got.RoleRef != shown.RoleRef || !slices.Equal(got.Subjects, shown.Subjects) {
		t.Errorf("made is %+v, shown is %+v", got, shown)
	}
}
