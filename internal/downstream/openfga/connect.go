package openfga

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Config is what a Downstream and its Secret say.
type Config struct {
	// URL is https://host[:port] of the gRPC API, port 443 if none is given. http only with AllowPlaintext.
	URL string
	// Store is the id of a store, or, if it does not have the form of one, the name of one; a store of that name is made when
	// something is to be written and there is none.
	Store string
	// Model is the id of an authorization model that has everything of the one shipped here; empty: the latest one of the
	// store is the one shipped here, and is written where there is none.
	Model string
	// Organization is the namespace, and the id of the object that account permissions are asked of.
	Organization string
	// Token is a preshared key; empty: requests carry none.
	Token string
	// CA are certificates in PEM to trust instead of those of the machine; nil: those of the machine.
	CA []byte
	// AllowPlaintext permits a URL with http.
	AllowPlaintext bool
	// Dial makes connections to host:port; nil: net.Dialer. The rules about addresses, and whether the Secret still permits
	// a connection, are its matter.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

var errURL = errors.New("reading the url")

// refusedConfig is an error whose text may be shown: it names a setting and never its value.
func refusedConfig(why string) error {
	return downstream.NewError(downstream.Refused, why, fmt.Errorf("%w: %s", errURL, why))
}

// link makes connections to one server. gRPC makes them when it likes, and says of a failure only that there is no connection; so
// TLS is done here, and the last failure kept.
type link struct {
	address string      // host:port
	tls     *tls.Config // nil: plaintext
	token   string
	dial    func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex
	failure error
}

func newLink(c Config) (*link, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, refusedConfig("the url has no host") // the error of url quotes it
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, refusedConfig("the url has a path: the gRPC API has none")
	}
	port := u.Port()
	l := &link{token: c.Token, dial: c.Dial}
	if l.dial == nil {
		l.dial = (&net.Dialer{}).DialContext
	}
	switch u.Scheme {
	case "https":
		if port == "" {
			port = "443"
		}
		l.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	case "http":
		if !c.AllowPlaintext {
			return nil, refusedConfig("the url is not https")
		}
		if port == "" {
			port = "80"
		}
	default:
		return nil, refusedConfig("the url is not https")
	}
	l.address = net.JoinHostPort(u.Hostname(), port)
	if c.CA != nil && l.tls != nil {
		l.tls.RootCAs = x509.NewCertPool()
		if !l.tls.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, refusedConfig("no certificate in ca.crt")
		}
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, refusedConfig("the token has characters that a header cannot hold")
	}
	return l, nil
}

// largestPage is more than a page of tuples ever has: 100 of them with conditions.
const largestPage = 16 << 20

// open returns a client that connects when it is first used. The environment has no part in it.
func (l *link) open() (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+l.address,
		grpc.WithContextDialer(l.connect), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(bearer(l.token)),
		grpc.WithAuthority(l.address), grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithUserAgent("rollcall"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestPage), grpc.WaitForReady(false)), grpc.WithIdleTimeout(0))
	if err != nil {
		return nil, refusedConfig("the url is not understood")
	}
	return conn, nil
}

// handshakeTimeout bounds making a connection: gRPC gives its dialer a context of its own.
const handshakeTimeout = 20 * time.Second

func (l *link) connect(ctx context.Context, _ string) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	defer func() {
		l.mu.Lock()
		l.failure = err
		l.mu.Unlock()
	}()
	raw, err := l.dial(ctx, "tcp", l.address)
	if err != nil || l.tls == nil {
		return raw, err
	}
	secured := tls.Client(raw, l.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if refusesTLS(err) {
			return nil, downstream.NewError(downstream.Refused, "TLS", err)
		}
		return nil, err
	}
	return secured, nil
}

// why returns what is behind a failed request: why there is no connection, if that is known, else the error itself.
func (l *link) why(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return err
	}
	if e, ok := errors.AsType[*downstream.Error](l.failure); ok {
		return e
	}
	return downstream.NewError(downstream.Unavailable, "", l.failure)
}

// refusesTLS reports whether a connection was given up before anything was sent over it, because the server has no TLS or is
// not the one that it says to be.
func refusesTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// bearer is a preshared key. It goes over the connections of a link, which are encrypted unless plaintext was permitted.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: gRPC does not see the encryption of a link.
func (b bearer) RequireTransportSecurity() bool { return false }

// String keeps the key out of messages.
func (b bearer) String() string { return "bearer" }

// client is the API over one connection.
type client struct {
	openfgav1.OpenFGAServiceClient
	conn *grpc.ClientConn
}
