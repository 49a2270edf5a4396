package kubernetesrbac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Config is what a driver is made from.
type Config struct {
	// REST is the account and the address of the API server.
	REST *rest.Config
	// Namespace is where RoleBindings are kept.
	Namespace string
	// ClusterRoles override the ClusterRole of single account roles, by their names.
	ClusterRoles map[string]string
	// PageSize is how many RoleBindings are listed at once; 0: 500.
	PageSize int64
}

const (
	defaultTimeout  = 30 * time.Second
	defaultPageSize = 500
	// batchSize bounds what is unknown after a crash, and what a single call may take.
	batchSize = 100
)

// Driver implements downstream.Driver and downstream.Projector.
type Driver struct {
	rbac, authorization, authentication rest.Interface

	namespace    string
	clusterRoles map[string]string
	pageSize     int64
	pacer        downstream.Pacer
	timeout      time.Duration
	idle         func()
	closed       context.Context
	close        context.CancelFunc
}

// New returns a driver; it speaks to nobody.
func New(c Config, o downstream.Options) (*Driver, error) {
	config := rest.CopyConfig(c.REST)
	config.QPS = -1 // that is the Pacer's matter
	config.WarningHandler = rest.NoWarnings{}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = config.ContentType + ",application/json"
	if config.Proxy == nil && config.Transport == nil {
		config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil } // not that of the environment
	}
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of Kubernetes: %w", err)
	}
	client := *shared
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	set, err := kubernetes.NewForConfigAndClient(config, &client)
	if err != nil {
		return nil, fmt.Errorf("making a client of Kubernetes: %w", err)
	}
	d := &Driver{
		rbac: set.RbacV1().RESTClient(), authorization: set.AuthorizationV1().RESTClient(), authentication: set.AuthenticationV1().RESTClient(),
		namespace: c.Namespace, clusterRoles: c.ClusterRoles, pageSize: cmp.Or(c.PageSize, defaultPageSize), pacer: o.Pacer,
		timeout: cmp.Or(o.Timeout, defaultTimeout), idle: client.CloseIdleConnections,
	}
	if d.namespace == "" {
		return nil, errors.New("making a client of Kubernetes: no namespace")
	}
	d.closed, d.close = context.WithCancel(context.Background())
	return d, nil
}

// Capabilities implements downstream.Driver.
func (d *Driver) Capabilities() downstream.Capabilities {
	return downstream.Capabilities{Kinds: []downstream.Kind{downstream.Access}, BatchSize: batchSize, Natural: true}
}

// Close implements downstream.Driver. A call that is under way ends with an error.
func (d *Driver) Close() error {
	d.close()
	d.idle()
	return nil
}
