package downstream

import (
	"context"
	"errors"
	"net"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/syncer"
)

// OpenOnce makes the driver of a Downstream for somebody who looks at the system once, outside of a loop. The Secret is read with
// the rights of the reader, and must be opted in as for the operator, before each connection too. Close it.
func OpenOnce(ctx context.Context, reader client.Reader, d *rollcallv1.Downstream, open Open, dial Dial) (downstream.Driver, error) {
	spec := connection(&d.Spec)
	k := keys{reader, client.ObjectKeyFromObject(d), spec}
	secret, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	host, err := destination(spec)
	if err != nil {
		return nil, err
	}
	buckets := syncer.NewBuckets()
	opening := Opening{
		Namespace: d.Namespace, Spec: spec, Options: downstream.Options{Pacer: buckets.Take(string(spec.Driver)+" "+host, "", k.key.String(), rate(spec))},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if now, err := k.read(ctx); err != nil {
				return nil, err
			} else if !same(now, secret) {
				return nil, downstream.NewError(downstream.Unavailable, "the Secret changed", errors.New("it is another one"))
			}
			return dial(ctx, network, address)
		},
	}
	if secret != nil {
		opening.Secret, opening.AllowPlaintext = secret.Data, allowsPlaintext(secret)
	}
	return open(ctx, opening)
}

func same(a, b *corev1.Secret) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.UID == b.UID && a.ResourceVersion == b.ResourceVersion
}
