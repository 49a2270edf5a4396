package intake

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// mount writes a certificate as a volume has it, and returns the authority that signed it.
func mount(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	c, err := mint(names, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(c.serving.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: c.serving.Certificate[0]}, "tls.key": {Type: "EC PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.authority)
	return roots
}

// A mounted certificate is served, and the one that takes its place is too, without a restart.
func TestMountedCertificate(t *testing.T) {
	dir := t.TempDir()
	first := mount(t, dir)
	watcher, err := certwatcher.New(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	s := &server{options: Options{Listener: listener}, handler: &handler{log: logr.Discard()}, mounted: watcher.WithWatchInterval(100 * time.Millisecond)}
	go func() { stopped <- s.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	known := func(roots *x509.CertPool) error {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: names[0]}}
		c, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := known(first); err != nil {
		t.Fatal(err)
	}
	second := mount(t, dir)
	for deadline := time.Now().Add(20 * time.Second); known(second) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not served")
		}
	}
	if known(first) == nil {
		t.Error("the former certificate is served")
	}
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		options Options
		wantOK  bool
	}{
		"a certificate that is made":            {options: Options{Namespace: "rollcall-system"}, wantOK: true},
		"a certificate that is mounted":         {options: Options{CertDir: "/certs"}, wantOK: true},
		"neither a namespace nor a certificate": {},
		"a rate below nothing":                  {options: Options{CertDir: "/certs", EventsPerSecond: -1}},
		"a burst below nothing":                 {options: Options{CertDir: "/certs", Burst: -1}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := tc.options.complete()
			if (err == nil) != tc.wantOK {
				t.Fatalf("%v", err)
			}
			if tc.wantOK && (o.Now == nil || o.EventsPerSecond != DefaultEventsPerSecond || o.Burst != DefaultBurst) {
				t.Errorf("%+v", o)
			}
		})
	}
	if (Options{}).On() || !(Options{BindAddress: ":9443"}).On() {
		t.Error("it is off without an address, and only then")
	}
}
