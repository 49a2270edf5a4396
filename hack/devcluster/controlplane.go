package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// systemNamespace is where the operator and its service account are at home, as in config/manager.
const systemNamespace = "rollcall-system"

// identity is one user of the API server, known by a bearer token.
type identity struct {
	name, user, groups string
	token              string
}

// controlPlane is etcd, an API server and a controller manager on loopback ports of this machine.
type controlPlane struct {
	assets string // folder of the programs
	state  string // folder of everything that is written
	group  *group

	server     string // https://127.0.0.1:<port>
	identities map[string]*identity
}

// newControlPlane makes up the secrets. state must be an empty folder that nobody else can read.
func newControlPlane(assets, state string, g *group) (*controlPlane, error) {
	c := &controlPlane{assets: assets, state: state, group: g, identities: make(map[string]*identity)}
	for _, id := range []identity{
		{name: "admin", user: "admin", groups: "system:masters"},
		{name: "controllers", user: "system:kube-controller-manager", groups: "system:masters"},
		// The operator has the rights of its service account and no more, so every run tries out config/rbac.
		{name: "manager", user: "system:serviceaccount:" + systemNamespace + ":rollcall-manager", groups: "system:serviceaccounts,system:serviceaccounts:" + systemNamespace},
	} {
		id.token = rand.Text()
		c.identities[id.name] = &id
	}
	var tokens strings.Builder
	for _, name := range []string{"admin", "controllers", "manager"} {
		id := c.identities[name]
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", id.token, id.user, id.name, id.groups)
	}
	if err := os.WriteFile(c.path("tokens.csv"), []byte(tokens.String()), 0o600); err != nil {
		return nil, fmt.Errorf("writing the tokens: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making the key of service accounts: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(c.path("service-accounts.key"), block, 0o600); err != nil {
		return nil, fmt.Errorf("writing the key of service accounts: %w", err)
	}
	return c, nil
}

func (c *controlPlane) path(name string) string    { return filepath.Join(c.state, name) }
func (c *controlPlane) program(name string) string { return filepath.Join(c.assets, name) }

// kubeconfig is the path of the file with which the identity of that name reaches the API server.
func (c *controlPlane) kubeconfig(name string) string {
	if name == "admin" {
		return c.path("kubeconfig")
	}
	return c.path(name + ".kubeconfig")
}

// start brings everything up and returns when the API server serves and the kubeconfig files are written.
func (c *controlPlane) start(ctx context.Context) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	etcdClients := "http://127.0.0.1:" + strconv.Itoa(ports[0])
	etcdPeers := "http://127.0.0.1:" + strconv.Itoa(ports[1])
	c.server = "https://127.0.0.1:" + strconv.Itoa(ports[2])

	if _, err := c.group.run("etcd", c.state, c.program("etcd"),
		"--name=dev", "--data-dir="+c.path("etcd"), "--unsafe-no-fsync", // a crash may lose it all: it is thrown away anyway
		"--listen-client-urls="+etcdClients, "--advertise-client-urls="+etcdClients,
		"--listen-peer-urls="+etcdPeers, "--initial-advertise-peer-urls="+etcdPeers, "--initial-cluster=dev="+etcdPeers,
		"--log-level=warn"); err != nil {
		return err
	}
	if err := c.await(ctx, "etcd", func() error { return get(ctx, http.DefaultClient, etcdClients+"/health") }); err != nil {
		return err
	}

	if _, err := c.group.run("kube-apiserver", c.state, c.program("kube-apiserver"),
		"--etcd-servers="+etcdClients,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+strconv.Itoa(ports[2]),
		"--cert-dir="+c.path("pki"), // it signs a certificate for itself there
		"--token-auth-file="+c.path("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("service-accounts.key"),
		"--service-account-signing-key-file="+c.path("service-accounts.key"),
		"--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount", // no pods run here
	); err != nil {
		return err
	}
	certificate := c.path("pki/apiserver.crt")
	if err := c.await(ctx, "kube-apiserver", func() error {
		if _, err := os.Stat(certificate); err != nil {
			return err
		}
		if err := c.writeKubeconfigs(certificate, "default"); err != nil {
			return err
		}
		config, err := c.config()
		if err != nil {
			return err
		}
		client, err := rest.HTTPClientFor(config)
		if err != nil {
			return err
		}
		return get(ctx, client, c.server+"/readyz")
	}); err != nil {
		return err
	}

	manager := c.program("kube-controller-manager")
	if _, err := os.Stat(manager); errors.Is(err, os.ErrNotExist) {
		fmt.Println("  no kube-controller-manager in " + c.assets + ": deleting a namespace will not end, nothing is garbage-collected")
		return nil
	}
	kubeconfig := c.kubeconfig("controllers")
	_, err = c.group.run("kube-controller-manager", c.state, manager,
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0", "--kube-api-qps=200", "--kube-api-burst=400",
		"--service-account-private-key-file="+c.path("service-accounts.key"),
		"--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,"+
			"clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller")
	return err
}

// config is the connection of the administrator.
func (c *controlPlane) config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig("admin"))
	if err != nil {
		return nil, fmt.Errorf("reading our own kubeconfig: %w", err)
	}
	config.QPS = -1
	return config, nil
}

// writeKubeconfigs writes a kubeconfig for each identity; commands without -n go to the namespace.
func (c *controlPlane) writeKubeconfigs(certificate, namespace string) error {
	authority, err := os.ReadFile(certificate)
	if err != nil {
		return fmt.Errorf("reading the certificate of the API server: %w", err)
	}
	for _, id := range c.identities {
		config := clientcmdapi.Config{
			Clusters:       map[string]*clientcmdapi.Cluster{"rollcall-dev": {Server: c.server, CertificateAuthorityData: authority}},
			AuthInfos:      map[string]*clientcmdapi.AuthInfo{id.name: {Token: id.token}},
			Contexts:       map[string]*clientcmdapi.Context{"rollcall-dev": {Cluster: "rollcall-dev", AuthInfo: id.name, Namespace: namespace}},
			CurrentContext: "rollcall-dev",
		}
		if err := clientcmd.WriteToFile(config, c.kubeconfig(id.name)); err != nil {
			return fmt.Errorf("writing the kubeconfig of %s: %w", id.name, err)
		}
	}
	return nil
}

// await polls until ready returns nil, the program called name dies, or startTimeout is over.
func (c *controlPlane) await(ctx context.Context, name string, ready func() error) error {
	deadline := time.NewTimer(startTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-c.group.died:
			return deathOf(p)
		case <-deadline.C:
			return fmt.Errorf("%s did not become ready within %s: %w", name, startTimeout, err)
		case <-tick.C:
		}
	}
}

// get asks for a page and wants 200.
func get(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// freePorts returns n different loopback ports that nothing listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		// Kept open until all are chosen, so that none is given twice.
		defer func() { _ = listener.Close() }()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
