// Package openfga starts an OpenFGA server of its own for tests and benchmarks: with an SQLite database in a temporary folder, on a
// free port of 127.0.0.1, with TLS and preshared keys, that nobody else uses and that ends with the process that started it. The
// program is the one that hack/openfga.sh builds from the pinned module; where it is missing, starting fails.
package openfga

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/test/servers/process"
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
	running *process.Program
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
	if s.Port, err = process.FreePort(); err != nil {
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

func (s *Server) secure() (err error) {
	var key []byte
	if s.CA, key, err = process.Certificate(); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("server.crt"), s.CA, 0o600); err != nil {
		return err
	}
	return os.WriteFile(s.path("server.key"), key, 0o600)
}

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// URL is https://host:port.
func (s *Server) URL() string { return "https://" + s.Address() }

// run starts the program and waits until it answers.
func (s *Server) run() (err error) {
	arguments := append([]string{"run"}, s.datastore()...)
	arguments = append(arguments, "--grpc-addr", s.Address(), "--grpc-tls-enabled", "--grpc-tls-cert", s.path("server.crt"), "--grpc-tls-key", s.path("server.key"),
		"--http-enabled=false", "--metrics-enabled=false", "--playground-enabled=false", "--profiler-enabled=false", "--log-level", "warn",
		"--authn-method", "preshared", "--authn-preshared-keys", strings.Join(s.keys, ","), "--shutdown-timeout", "1s")
	c := exec.Command(s.program, append(arguments, s.flags...)...)
	c.Dir = s.folder
	s.running, err = process.Serve(c, s.path("log"), syscall.SIGKILL, s.answers)
	return err
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
func (s *Server) Log() string { return s.running.Log() }

// Freeze stops the server where it is: connections stay open, and nothing answers. Thaw it.
func (s *Server) Freeze() error { return s.running.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() error { return s.running.Signal(syscall.SIGCONT) }

// Kill ends the process at once, as the kernel does; what it has stored stays. Restart it.
func (s *Server) Kill() error {
	s.running.Kill()
	return nil
}

// Restart starts the server again where it was.
func (s *Server) Restart() error {
	s.running.End(syscall.SIGINT)
	return s.run()
}

// Accept starts the server again with other preshared keys.
func (s *Server) Accept(keys ...string) error {
	s.keys = keys
	return s.Restart()
}

// Stop ends the server and removes what it has stored.
func (s *Server) Stop() error {
	s.running.End(syscall.SIGINT)
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("removing the database: %w", err)
	}
	return nil
}
