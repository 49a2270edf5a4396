package downstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// ErrNotOptedIn is the cause of errors about a Secret that does not permit what is asked of it.
var ErrNotOptedIn = errors.New("the Secret is not opted in")

// NotOptedIn returns an error that nothing may be sent, and why; the text is shown, and must hold nothing of the Secret.
func NotOptedIn(why string) error {
	return downstream.NewError(downstream.Refused, why, ErrNotOptedIn)
}

// optIn returns an error that is ErrNotOptedIn unless a Secret may be used for the Downstream as it is: its label names the
// Downstream, its annotation the destination, if the spec has one, and plaintext is permitted where the spec asks for it
// (API.md 4.10, Secrets).
func optIn(secret *corev1.Secret, name string, spec *rollcallv1.DownstreamSpec) error {
	if secret.Labels[rollcallv1.LabelDownstream] != name {
		return NotOptedIn("the Secret has no label " + rollcallv1.LabelDownstream + ": " + name)
	}
	host, err := destination(spec)
	if err != nil {
		return err
	}
	if host != "" && !strings.EqualFold(secret.Annotations[rollcallv1.AnnotationHost], host) {
		return NotOptedIn("the Secret has no annotation " + rollcallv1.AnnotationHost + ": " + host)
	}
	if plaintext(spec) && !allowsPlaintext(secret) {
		return NotOptedIn("the Secret has no annotation " + rollcallv1.AnnotationAllowPlaintext + `: "true"`)
	}
	return nil
}

func allowsPlaintext(secret *corev1.Secret) bool {
	return secret.Annotations[rollcallv1.AnnotationAllowPlaintext] == "true"
}

// plaintext reports whether the spec asks for a connection that need not be encrypted. A connection string is the driver's
// matter: only it knows how to read one.
func plaintext(spec *rollcallv1.DownstreamSpec) bool {
	if l := spec.LDAP; l != nil && strings.HasPrefix(strings.ToLower(l.URL), "ldap:") {
		return true
	}
	return spec.SMTP != nil && spec.SMTP.StartTLS != "" && spec.SMTP.StartTLS != rollcallv1.StartTLSRequired
}

// destination returns the host:port of the spec, empty for a driver that has neither url nor host in it.
func destination(spec *rollcallv1.DownstreamSpec) (string, error) {
	var raw string
	switch {
	case spec.SCIM != nil:
		raw = spec.SCIM.URL
	case spec.OpenFGA != nil:
		raw = spec.OpenFGA.URL
	case spec.LDAP != nil:
		raw = spec.LDAP.URL
	case spec.HTTP != nil:
		raw = spec.HTTP.URL
	case spec.Tiledesk != nil:
		raw = spec.Tiledesk.URL
	case spec.SMTP != nil:
		port := spec.SMTP.Port
		if port == 0 {
			port = 587
		}
		return strings.ToLower(net.JoinHostPort(strings.Trim(spec.SMTP.Host, "[]"), strconv.Itoa(int(port)))), nil
	default:
		return "", nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return "", NotOptedIn("the url of the Downstream has no host")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "ldaps": "636", "ldap": "389"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port)), nil
}

// keys reads the Secret of one Downstream, without a cache: the operator may get Secrets by name, and nothing else.
type keys struct {
	reader client.Reader
	key    types.NamespacedName
	spec   *rollcallv1.DownstreamSpec
}

// read returns the Secret if it is opted in; nil for a Downstream that needs none.
func (k keys) read(ctx context.Context) (*corev1.Secret, error) {
	if k.spec.CredentialsSecretRef == nil {
		return nil, nil
	}
	secret := &corev1.Secret{}
	err := k.reader.Get(ctx, client.ObjectKey{Namespace: k.key.Namespace, Name: k.spec.CredentialsSecretRef.Name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, NotOptedIn("there is no such Secret")
	case err != nil:
		return nil, downstream.NewError(downstream.Unavailable, "the Secret cannot be read", fmt.Errorf("reading a Secret: %w", err))
	}
	if err := optIn(secret, k.key.Name, k.spec); err != nil {
		return nil, err
	}
	return secret, nil
}
