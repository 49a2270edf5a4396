// Package openfga starts an OpenFGA server of its own for tests and benchmarks: with an SQLite database in a temporary folder, on a
// free port of 127.0.0.1, with TLS and preshared keys, that nobody else uses and that ends with the process that started it. The
// program is the one that hack/openfga.sh builds from the pinned module; where it is missing, starting fails.
package openfga

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Token is a preshared key; OtherToken another one.
const (
	Token      = "a-key-for-tests"
	OtherToken = "another-key-for-tests"
)

// Server is a running server.
type Server struct {
	// CA is the certificate, in PEM, that proves who the server is under the names localhost and 127.0.0.1.
	CA []byte
	// Host and Port are where it listens for gRPC with TLS.
	Host string
	Port int

	program string
	folder  string
	keys    []string
	flags   []string
	process *exec.Cmd
	ended   chan struct{}
}

// Start starts a server with further flags, such as "--max-tuples-per-write=50". Stop it.
func Start(flags ...string) (_ *Server, err error) {
	s := &Server{Host: "127.0.0.1", keys: []string{Token, OtherToken}, flags: flags}
	if s.program, err = program(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "rollcall-openfga-"); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}()
	if err := s.secure(); err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	migrate := exec.Command(s.program, append([]string{"migrate"}, s.datastore()...)...)
	migrate.Dir = s.folder
	if out, err := migrate.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a database: %w: %s", err, out)
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	return s, nil
}

// program is the path of the server: ROLLCALL_OPENFGA, else what hack/openfga.sh built. It never builds: that takes minutes.
func program() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(file), "..", "..", "..", "hack", "openfga.sh")
	if _, err := os.Stat(script); err != nil { // built with -trimpath: below the folder of the project
		script = filepath.Join("hack", "openfga.sh")
	}
	c := exec.Command("bash", script)
	c.Env = append(os.Environ(), "ROLLCALL_OPENFGA_SOURCE=cache")
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("no OpenFGA server is built: run hack/openfga.sh: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (s *Server) path(name string) string { return filepath.Join(s.folder, name) }

func (s *Server) datastore() []string {
	return []string{"--datastore-engine", "sqlite", "--datastore-uri", "file:" + s.path("tuples.db")}
}

func (s *Server) secure() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall tests"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.ParseIP(s.Host)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	if err := os.WriteFile(s.path("server.crt"), s.CA, 0o600); err != nil {
		return err
	}
	return os.WriteFile(s.path("server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// URL is https://host:port.
func (s *Server) URL() string { return "https://" + s.Address() }

// run starts the program and waits until it answers. The signal that ends it with its parent comes when the thread that started it
// ends, so that thread is kept until the server has ended.
func (s *Server) run() error {
	logs, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	defer logs.Close()
	arguments := append([]string{"run"}, s.datastore()...)
	arguments = append(arguments, "--grpc-addr", s.Address(), "--grpc-tls-enabled", "--grpc-tls-cert", s.path("server.crt"), "--grpc-tls-key", s.path("server.key"),
		"--http-enabled=false", "--metrics-enabled=false", "--playground-enabled=false", "--profiler-enabled=false", "--log-level", "warn",
		"--authn-method", "preshared", "--authn-preshared-keys", strings.Join(s.keys, ","), "--shutdown-timeout", "1s")
	c := exec.Command(s.program, append(arguments, s.flags...)...)
	c.Dir, c.Stdout, c.Stderr = s.folder, logs, logs
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.ended = make(chan struct{})
	ended, started := s.ended, make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	s.process = c
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		if s.answers() {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended at once: %s", s.Log())
		case <-deadline:
			return errors.Join(fmt.Errorf("the server is not ready after a minute: %s", s.Log()), s.Stop())
		case <-tick.C:
		}
	}
}

// answers reports whether the server speaks TLS: it listens once it is ready.
func (s *Server) answers() bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", s.Address(), &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// Log returns what the server has written.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b))
}

// Freeze stops the server where it is: connections stay open, and nothing answers. Thaw it.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) error {
	if err := s.process.Process.Signal(sig); err != nil {
		return fmt.Errorf("signalling the server: %w", err)
	}
	return nil
}

// Kill ends the process at once, as the kernel does; what it has stored stays. Restart it.
func (s *Server) Kill() error {
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// Restart starts the server again where it was.
func (s *Server) Restart() error {
	s.end()
	return s.run()
}

// Accept starts the server again with other preshared keys.
func (s *Server) Accept(keys ...string) error {
	s.keys = keys
	return s.Restart()
}

func (s *Server) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = s.Thaw()
	_ = s.process.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-ctx.Done():
		_ = s.process.Process.Kill()
		<-s.ended
	}
}

// Stop ends the server and removes what it has stored.
func (s *Server) Stop() error {
	s.end()
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("removing the database: %w", err)
	}
	return nil
}
