package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/config/crd"
)

// namespace is where the organization lives.
const namespace = "bench"

// operatorUser writes what the operator writes; its writes, and nothing else, are in the audit log.
const operatorUser = "rollcall-manager"

// plane is an API server with etcd of its own.
type plane struct {
	environment *envtest.Environment
	folder      string
	scheme      *runtime.Scheme
	// admin applies manifests and looks; operator is for what the operator does.
	admin, operator *rest.Config
	kubeconfig      string // file of the operator
	client          client.Client
}

const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: Metadata
  users: [` + operatorUser + `]
- level: None
`

// newPlane starts an API server with the CRDs and an empty namespace. Close it.
func newPlane(ctx context.Context) (_ *plane, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS is not set: run `make bench`, or set it to what hack/kube-assets.sh prints")
	}
	p := &plane{scheme: runtime.NewScheme()}
	if err := errors.Join(clientgoscheme.AddToScheme(p.scheme), rollcallv1.AddToScheme(p.scheme)); err != nil {
		return nil, fmt.Errorf("registering the kinds: %w", err)
	}
	if p.folder, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	policy := filepath.Join(p.folder, "audit.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	if err := os.CopyFS(filepath.Join(p.folder, "crd"), crd.Bases); err != nil {
		return nil, fmt.Errorf("writing the CRDs: %w", err)
	}
	p.environment = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join(p.folder, "crd", "bases")}, ErrorIfCRDPathMissing: true, ControlPlaneStartTimeout: 3 * time.Minute, ControlPlaneStopTimeout: time.Minute}
	p.environment.ControlPlane.GetAPIServer().Configure().
		Set("audit-policy-file", policy).Set("audit-log-path", p.auditLog()).Set("audit-log-maxsize", "4000")
	if p.admin, err = p.environment.Start(); err != nil {
		return nil, fmt.Errorf("starting the API server: %w", err)
	}
	p.admin.QPS = -1
	user, err := p.environment.AddUser(envtest.User{Name: operatorUser, Groups: []string{"system:masters"}}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, fmt.Errorf("adding the user of the operator: %w", err)
	}
	p.operator = user.Config()
	text, err := user.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	p.kubeconfig = filepath.Join(p.folder, "kubeconfig")
	if err := os.WriteFile(p.kubeconfig, text, 0o600); err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	if p.client, err = client.New(p.admin, client.Options{Scheme: p.scheme}); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	if err := p.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("making the namespace: %w", err)
	}
	return p, nil
}

func (p *plane) auditLog() string { return filepath.Join(p.folder, "audit.log") }

func (p *plane) close() {
	if p.environment != nil {
		if err := p.environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: stopping the API server:", err)
		}
	}
	if err := os.RemoveAll(p.folder); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// written is what the operator's user wrote according to the API server.
type written struct {
	total int
	kinds map[string]int // "verb resource/subresource" -> writes
	last  time.Time
}

// writes reads the audit log from an offset in bytes and returns the offset of its end. A Lease is how replicas know of each
// other, not something written about an organization; everything else counts, refused requests too.
func (p *plane) writes(from int64) (written, int64, error) {
	w := written{kinds: map[string]int{}}
	f, err := os.Open(p.auditLog())
	if errors.Is(err, os.ErrNotExist) {
		return w, 0, nil
	}
	if err != nil {
		return w, from, fmt.Errorf("reading the audit log: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(from, 0); err != nil {
		return w, from, fmt.Errorf("reading the audit log: %w", err)
	}
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil { // the rest is not written yet
			return w, from, nil
		}
		from += int64(len(line))
		var e struct {
			Verb           string           `json:"verb"`
			StageTimestamp metav1.MicroTime `json:"stageTimestamp"`
			ObjectRef      struct{ Resource, Subresource, APIGroup string }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return w, from, fmt.Errorf("reading the audit log: %w", err)
		}
		if e.ObjectRef.Resource == "leases" {
			continue
		}
		what := e.Verb + " " + e.ObjectRef.Resource
		if e.ObjectRef.Subresource != "" {
			what += "/" + e.ObjectRef.Subresource
		}
		w.total++
		w.kinds[what]++
		if e.StageTimestamp.After(w.last) {
			w.last = e.StageTimestamp.Time
		}
	}
}
