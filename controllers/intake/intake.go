// Package intake takes in what customers wrote, as CloudEvents over HTTPS, and has InboundAutomations answer with
// Mentions (API.md 5.2, A-14, S-94). It is off unless it is given an address. Senders show a token of its own audience and
// need the verb `ingest` on the automation; each event makes one Mention however often it is delivered, because the
// Mention's name follows from the event. Every replica serves: nothing is shared but the objects of the cluster. What a
// message says is compared with keywords and then forgotten: it is in no object, log or metric.
package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	authenticationv1client "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1client "k8s.io/client-go/kubernetes/typed/authorization/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// ServiceName is the Service before the intake, as config/intake makes it.
const ServiceName = "rollcall-intake"

// Defaults of Options.
const (
	DefaultEventsPerSecond = 10
	DefaultBurst           = 50
)

// Options are what the intake works with. It is off while there is neither a BindAddress nor a Listener.
type Options struct {
	// BindAddress is the address to listen on, host:port.
	BindAddress string
	// Listener, if set, is listened on instead.
	Listener net.Listener
	// CertDir has a mounted certificate, tls.crt and tls.key, which may change at any time. "" makes one.
	CertDir string
	// Namespace is that of the operator, where the authority of the certificate made here is published.
	Namespace string
	// Replica tells this process from others in that ConfigMap; "" is the host's name.
	Replica string
	// DNSNames are names beside those of the Service for which the certificate made here is good.
	DNSNames []string
	// EventsPerSecond and Burst size the token bucket that each automation has at each replica; 0 is the default.
	EventsPerSecond float64
	Burst           int
	// Now is the clock of hours, buckets and caches; nil is the real one.
	Now func() time.Time
}

// On reports whether there is anything to serve.
func (o Options) On() bool { return o.BindAddress != "" || o.Listener != nil }

const (
	headerTimeout   = 5 * time.Second
	bodyTimeout     = 10 * time.Second
	idleTimeout     = time.Minute
	shutdownTimeout = 20 * time.Second
	// maxHeader has room for a token and for the attributes of an event.
	maxHeader = 32 << 10
)

// Add adds the intake to the manager.
func Add(ctx context.Context, mgr ctrl.Manager, o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	s, err := newServer(mgr, o)
	if err != nil {
		return err
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &rollcallv1.Mention{}, IndexOpen, OpenMention); err != nil {
		return fmt.Errorf("indexing mentions: %w", err)
	}
	if err := mgr.Add(s); err != nil {
		return fmt.Errorf("adding the intake: %w", err)
	}
	return nil
}

func (o Options) complete() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.EventsPerSecond == 0 {
		o.EventsPerSecond = DefaultEventsPerSecond
	}
	if o.Burst == 0 {
		o.Burst = DefaultBurst
	}
	if o.EventsPerSecond < 0 || o.Burst < 0 {
		return o, errors.New("the rate and the burst of the intake must be above 0")
	}
	if o.CertDir != "" {
		return o, nil
	}
	if o.Namespace == "" {
		return o, errors.New("the intake needs the namespace of the operator, to publish the authority of its certificate there; or a mounted certificate")
	}
	if o.Replica == "" {
		host, err := os.Hostname()
		if err != nil {
			return o, fmt.Errorf("finding the name of this host: %w", err)
		}
		o.Replica = host
	}
	return o, nil
}

// dnsNames are all names that clients may reach the intake by.
func (o Options) dnsNames() []string {
	in := ServiceName + "." + o.Namespace
	names := []string{in + ".svc", in + ".svc.cluster.local", in, ServiceName, "localhost"}
	for _, name := range o.DNSNames {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// server runs the intake in a manager.
type server struct {
	options Options
	handler *handler
	// One of these is set.
	mounted *certwatcher.CertWatcher
	own     *trust
}

func newServer(mgr ctrl.Manager, o Options) (*server, error) {
	tokens, err := authenticationv1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making the client of token reviews: %w", err)
	}
	accesses, err := authorizationv1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making the client of access reviews: %w", err)
	}
	log := mgr.GetLogger().WithName("intake")
	s := &server{options: o, handler: &handler{
		guard:   newGuard(Reviews{Token: tokens.TokenReviews().Create, Access: accesses.SubjectAccessReviews().Create}, o.Now),
		buckets: newBuckets(o.EventsPerSecond, o.Burst),
		cached:  mgr.GetClient(), live: mgr.GetAPIReader(), now: o.Now, log: log, busy: make(chan struct{}, maxInFlight),
	}}
	if o.CertDir != "" {
		s.mounted, err = certwatcher.New(filepath.Join(o.CertDir, "tls.crt"), filepath.Join(o.CertDir, "tls.key"))
		if err != nil {
			return nil, fmt.Errorf("reading the certificate in %s: %w", o.CertDir, err)
		}
		return s, nil
	}
	// Not the manager's client: reading a ConfigMap through its cache would watch all of the cluster's.
	direct, err := client.New(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return nil, fmt.Errorf("making the client of the ConfigMap %s: %w", ConfigMapName, err)
	}
	// Certificates are about real time, whatever clock everything else has.
	s.own = &trust{client: direct, namespace: o.Namespace, replica: o.Replica, names: o.dnsNames(), now: time.Now, log: log}
	return s, s.own.prepare()
}

// NeedLeaderElection is false: every replica can take in events, whoever computes.
func (s *server) NeedLeaderElection() bool { return false }

// Start serves until the context ends, and then finishes what it has begun.
func (s *server) Start(ctx context.Context) error {
	listener := s.options.Listener
	if listener == nil {
		var err error
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.BindAddress); err != nil {
			return fmt.Errorf("listening for inbound events: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	web := &manager.Server{
		Name: "intake", Server: newWeb(s.handler.routes(), s.handler.log), ShutdownTimeout: new(shutdownTimeout),
		Listener: tls.NewListener(listener, tlsConfig(s.certificates(ctx, &work))),
	}
	if err := web.Start(ctx); err != nil {
		return fmt.Errorf("serving inbound events: %w", err)
	}
	return nil
}

type certificateFunc = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// certificates keeps the certificate fresh in the background.
func (s *server) certificates(ctx context.Context, work *sync.WaitGroup) certificateFunc {
	if s.mounted == nil {
		work.Go(func() { s.own.run(ctx) })
		return s.own.GetCertificate
	}
	work.Go(func() {
		if err := s.mounted.Start(ctx); err != nil && ctx.Err() == nil {
			s.handler.log.Error(err, "Changes of the mounted certificate are not noticed any more")
		}
	})
	return s.mounted.GetCertificate
}

func tlsConfig(certificate certificateFunc) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate, NextProtos: []string{"http/1.1"}}
}

// newWeb bounds what a connection may cost. One request at a time on each is enough here, so HTTP/2 stays off.
func newWeb(h http.Handler, log logr.Logger) *http.Server {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout + bodyTimeout,
		WriteTimeout: headerTimeout + bodyTimeout + patience, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		// Strangers who shake no hands are worth a line to nobody but who is looking for it.
		ErrorLog:  slog.NewLogLogger(logr.ToSlogHandler(log), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	return s
}
