package controllers

import (
	"context"
	"errors"

	"k8s.io/client-go/rest"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/kubernetesrbac"
	"github.com/rollcall-dev/rollcall/internal/downstream/openfga"
	"github.com/rollcall-dev/rollcall/internal/downstream/postgres"
)

// drivers are the connected systems that this version can speak to. config is the manager's own account, for Kubernetes itself.
func drivers(config *rest.Config) map[rollcallv1.Driver]downstreamcontroller.Open {
	return map[rollcallv1.Driver]downstreamcontroller.Open{
		rollcallv1.DriverKubernetesRBAC: openKubernetesRBAC(config),
		rollcallv1.DriverOpenFGA:        openOpenFGA,
		rollcallv1.DriverPostgreSQL:     openPostgreSQL,
	}
}

// openKubernetesRBAC makes drivers of the cluster that the operator runs in. They use the address and the account of the
// manager, and not the dialer of connected systems, which refuses addresses inside a cluster.
func openKubernetesRBAC(config *rest.Config) downstreamcontroller.Open {
	return func(_ context.Context, o downstreamcontroller.Opening) (downstream.Driver, error) {
		c := kubernetesrbac.Config{REST: config, Namespace: o.Namespace, ClusterRoles: map[string]string{}}
		if k := o.Spec.KubernetesRBAC; k != nil {
			for _, b := range k.Bindings {
				c.ClusterRoles[b.Name] = b.ClusterRole
			}
		}
		return kubernetesrbac.New(c, o.Options)
	}
}

// openOpenFGA makes the driver of a store. Preshared keys are the only credentials that it knows.
func openOpenFGA(_ context.Context, o downstreamcontroller.Opening) (downstream.Driver, error) {
	c := openfga.Config{Organization: o.Namespace, Token: string(o.Secret["token"]), CA: o.Secret["ca.crt"], Dial: o.Dial}
	if f := o.Spec.OpenFGA; f != nil {
		c.URL, c.Store = f.URL, f.StoreID
		if f.AuthorizationModelID != nil {
			c.Model = *f.AuthorizationModelID
		}
	}
	if c.Token == "" {
		return nil, downstream.NewError(downstream.Refused, "no token in the Secret", nil)
	}
	return openfga.New(c, o.Options)
}

// openPostgreSQL makes the driver of a database. Whether a connection string asks for less than verified TLS only the driver
// can tell: if it is content once that is permitted, the permission is what is missing.
func openPostgreSQL(_ context.Context, o downstreamcontroller.Opening) (downstream.Driver, error) {
	c := postgres.Config{
		DSN: string(o.Secret["dsn"]), CA: o.Secret["ca.crt"], Organization: o.Namespace, AllowPlaintext: o.AllowPlaintext, Dial: o.Dial,
	}
	if p := o.Spec.PostgreSQL; p != nil {
		c.Schema = p.Schema
	}
	driver, err := postgres.New(c, o.Options)
	if err == nil {
		return driver, nil
	}
	if e, ok := errors.AsType[*downstream.Error](err); ok && !c.AllowPlaintext {
		c.AllowPlaintext = true
		if permitted, other := postgres.New(c, o.Options); other == nil {
			_ = permitted.Close()
			return nil, downstreamcontroller.NotOptedIn(e.Code)
		}
	}
	return nil, err
}
