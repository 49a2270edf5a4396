// Package kubernetesrbac_test holds the driver for Kubernetes itself to its contract on a real API server: the conformance
// suite, what people can do once they are bound, and what the driver may not do. The driver acts under an account with the
// permissions of config/rbac for the operator, and no others.
package kubernetesrbac_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/drivertest"
	"github.com/rollcall-dev/rollcall/internal/downstream/kubernetesrbac"
)

// operatorName is the account of the driver.
const operatorName = "the-operator"

var (
	kube     client.Client // as a member of system:masters
	operator *rest.Config
	admin    *rest.Config
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		fmt.Fprintln(os.Stderr, "KUBEBUILDER_ASSETS is not set: run `make test-integration`, or set it to what hack/kube-assets.sh prints")
		return 1
	}
	logf.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	environment := &envtest.Environment{ControlPlaneStartTimeout: 2 * time.Minute}
	defer func() { _ = environment.Stop() }()
	if err := prepare(environment); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// prepare starts an API server, and gives the account of the driver the permissions of the operator.
func prepare(environment *envtest.Environment) (err error) {
	if admin, err = environment.Start(); err != nil {
		return fmt.Errorf("starting an API server: %w", err)
	}
	admin.QPS = -1
	if kube, err = client.New(admin, client.Options{Scheme: clientgoscheme.Scheme}); err != nil {
		return err
	}
	user, err := environment.AddUser(envtest.User{Name: operatorName}, nil)
	if err != nil {
		return fmt.Errorf("making an account: %w", err)
	}
	operator = user.Config()
	operator.QPS = -1
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "config", "rbac", "*role*.yaml"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, file := range files {
		if err := install(ctx, file); err != nil {
			return fmt.Errorf("installing %s: %w", file, err)
		}
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "test-operator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rollcall-operator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: operatorName}},
	}
	if err := kube.Create(ctx, binding); err != nil {
		return fmt.Errorf("binding the account: %w", err)
	}
	// What an authorizer knows comes a moment after what was written.
	return wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return can(ctx, operatorName, "default", "list", rbacv1.GroupName, "rolebindings", "")
	})
}

// install creates the ClusterRoles of a file.
func install(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		role := &rbacv1.ClusterRole{}
		if err := sigsyaml.Unmarshal(document, role); err != nil {
			return err
		}
		if role.Kind != "ClusterRole" {
			continue
		}
		if err := kube.Create(ctx, role); err != nil {
			return err
		}
	}
}

// can asks the authorizer of the API server what somebody may do.
func can(ctx context.Context, user, namespace, verb, group, resource, name string) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: group, Resource: resource, Name: name,
		},
	}}
	err := kube.Create(ctx, review)
	return review.Status.Allowed, err
}

var namespaces atomic.Int64

func freshNamespace(t drivertest.T) string {
	t.Helper()
	name := fmt.Sprintf("n%d", namespaces.Add(1))
	if err := kube.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Fatalf("making a namespace: %v", err)
	}
	return name
}

// wire is between a driver and the API server: it sees every request, and can answer itself.
type wire struct {
	mu sync.Mutex
	// before is called before a request is passed on; it may answer it.
	before func(r *http.Request) *http.Response
	log    []string
	// instead, if set, carries requests: under an account that nobody knows.
	instead http.RoundTripper
}

func (w *wire) through(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			w.mu.Lock()
			w.log = append(w.log, strings.TrimSpace(r.Method+" "+r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]))
			before, instead := w.before, w.instead
			w.mu.Unlock()
			if before != nil {
				if answer := before(r); answer != nil {
					return answer, nil
				}
			}
			if instead != nil {
				return instead.RoundTrip(r)
			}
			return next.RoundTrip(r)
		})
	})
	return config
}

// requests returns what was asked since the last time, as "METHOD last-element-of-the-path".
func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.log
	w.log = nil
	return log
}

func (w *wire) intercept(f func(r *http.Request) *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a response of the API server as it would write it.
func answer(r *http.Request, status int, header map[string]string, body string) *http.Response {
	out := &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	for name, value := range header {
		out.Header.Set(name, value)
	}
	return out
}

// forbidden is a ClusterRole that the operator may not bind; account role poison leads to it.
const forbidden = "cluster-admin"

// open makes a driver as the operator does.
func open(t drivertest.T, w *wire, namespace string, o downstream.Options, roles map[string]string) downstream.Driver {
	t.Helper()
	d, err := kubernetesrbac.New(kubernetesrbac.Config{REST: w.through(operator), Namespace: namespace, ClusterRoles: roles, PageSize: 5}, o)
	if err != nil {
		t.Fatalf("making a driver: %v", err)
	}
	return d
}

// apply applies one change.
func apply(t drivertest.T, d downstream.Driver, c downstream.Change) downstream.Outcome {
	t.Helper()
	if c.Op == downstream.Create || c.Op == downstream.Update {
		var err error
		if c.Rendered, err = d.Render(c.Record); err != nil {
			t.Fatalf("rendering %s: %v", c.Record.Name, err)
		}
	}
	out, err := d.Apply(t.Context(), downstream.Request{Changes: []downstream.Change{c}, Last: true})
	if err != nil || len(out) != 1 {
		t.Fatalf("%s of %s: %d outcomes, %v", c.Op, c.Record.Name, len(out), err)
	}
	return out[0]
}

// bindings returns the RoleBindings of a namespace.
func bindings(t drivertest.T, namespace string) []rbacv1.RoleBinding {
	t.Helper()
	var list rbacv1.RoleBindingList
	if err := kube.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatalf("listing: %v", err)
	}
	return list.Items
}

// of returns those that are marked for a person.
func of(t drivertest.T, namespace, key string) []rbacv1.RoleBinding {
	t.Helper()
	var out []rbacv1.RoleBinding
	for _, rb := range bindings(t, namespace) {
		if rb.Annotations["rollcall.dev/identity-key"] == key {
			out = append(out, rb)
		}
	}
	return out
}

func harness() drivertest.Harness {
	return drivertest.Harness{New: newSystem, Kinds: []downstream.Kind{downstream.Access}}
}

func newSystem(t drivertest.T) drivertest.System {
	namespace, w := freshNamespace(t), &wire{}
	roles := map[string]string{"poison": forbidden}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("by hand: %v", err)
		}
	}
	return drivertest.System{
		Open: func(o downstream.Options) downstream.Driver { return open(t, w, namespace, o, roles) },
		Plant: func(r downstream.Record) { // what a former Downstream left behind
			d := open(t, &wire{}, namespace, downstream.Options{}, roles)
			must(apply(t, d, downstream.Change{Op: downstream.Create, Record: r}).Err)
		},
		Tamper: func(id downstream.ID) {
			for _, rb := range of(t, namespace, id.Key) {
				rb.Subjects = append(rb.Subjects, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: "mallory"})
				must(kube.Update(t.Context(), &rb))
			}
		},
		Vanish: func(id downstream.ID) {
			for _, rb := range of(t, namespace, id.Key) {
				must(kube.Delete(t.Context(), &rb))
			}
		},
		Bad: func(r downstream.Record) downstream.Record {
			grants := *r.Content.(*downstream.AccessGrants)
			grants.AccountRole = "poison"
			r.Name, r.Content = "poison", &grants
			return r
		},
		Throttle: func(wait time.Duration) { // as priority and fairness does
			w.intercept(func(r *http.Request) *http.Response {
				w.intercept(nil)
				return answer(r, http.StatusTooManyRequests, map[string]string{"Retry-After": strconv.Itoa(int(wait.Seconds())), "Content-Type": "text/plain"},
					"Too many requests, please try again later.\n")
			})
		},
		Refuse: func(on bool) {
			var instead http.RoundTripper
			if on {
				var err error
				instead, err = rest.TransportFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData}, BearerToken: "nobody's"})
				must(err)
			}
			w.mu.Lock()
			w.instead = instead
			w.mu.Unlock()
		},
		Truncate: func(on bool) { // what the server says once it has forgotten the moment of a listing
			w.intercept(nil)
			if on {
				w.intercept(func(r *http.Request) *http.Response {
					if r.URL.Query().Get("continue") == "" {
						return nil
					}
					return answer(r, http.StatusGone, nil, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`)
				})
			}
		},
	}
}

func TestConformance(t *testing.T) { drivertest.Run(t, harness()) }
