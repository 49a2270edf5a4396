package controllers

import (
	"context"
	"fmt"
	"net/netip"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// anywhere is every address: whoever looks at a system from their own machine reaches from there what they reach anyway.
// Link-local and metadata addresses are refused all the same.
var anywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// OpenDriver makes the driver of a Downstream for a look at its system from outside of the operator, with the rights of a client
// and its configuration. Close it.
func OpenDriver(ctx context.Context, config *rest.Config, c client.Reader, d *rollcallv1.Downstream) (downstream.Driver, error) {
	open, carried := drivers(config)[d.Spec.Driver]
	if !carried {
		return nil, fmt.Errorf("this version does not carry the driver %s", d.Spec.Driver)
	}
	return downstreamcontroller.OpenOnce(ctx, c, d, open, downstreamcontroller.NewDial(anywhere))
}
