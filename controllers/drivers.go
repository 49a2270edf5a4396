package controllers

import (
	"context"
	"errors"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/postgres"
)

// drivers are the connected systems that this version can speak to.
func drivers() map[rollcallv1.Driver]downstreamcontroller.Open {
	return map[rollcallv1.Driver]downstreamcontroller.Open{rollcallv1.DriverPostgreSQL: openPostgreSQL}
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
