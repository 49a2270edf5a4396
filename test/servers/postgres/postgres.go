// Package postgres starts a PostgreSQL server of its own for tests and benchmarks: a new cluster in a temporary folder, on a free
// port of 127.0.0.1, with TLS, that nobody else uses and that ends with the process that started it. The programs come from the
// packages that hack/test-servers.sh installs; where they are missing, starting fails.
package postgres

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a running server.
type Server struct {
	// CA is the certificate, in PEM, that proves who the server is under the names localhost and 127.0.0.1.
	CA []byte
	// Host and Port are where it listens.
	Host string
	Port int

	folder    string
	owner     *syscall.Credential
	program   string
	arguments []string
	process   *exec.Cmd
	ended     chan struct{}
}

// Superuser has every privilege and needs no password. Other roles need theirs.
const Superuser = "postgres"

// errMissing says what to do when there is no server to start.
var errMissing = errors.New("no PostgreSQL server is installed (initdb and postgres, package postgresql of Debian and Ubuntu): run hack/test-servers.sh")

// Start starts a server with further settings, such as "max_connections=20". Stop it.
func Start(settings ...string) (_ *Server, err error) {
	initdb, postgres, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{Host: "127.0.0.1"}
	if err := s.makeFolder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}()
	data := filepath.Join(s.folder, "data")
	init := s.command(initdb, "-D", data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a cluster: %w: %s", err, out)
	}
	if err := s.secure(data); err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	arguments := []string{"-D", data, "-p", strconv.Itoa(s.Port), "-k", s.folder, "-h", s.Host}
	for _, setting := range append([]string{
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400", "log_min_messages=warning",
	}, settings...) {
		arguments = append(arguments, "-c", setting)
	}
	s.program, s.arguments = postgres, arguments
	if err := s.Resume(); err != nil {
		return nil, err
	}
	return s, nil
}

// programs are initdb and postgres: those on the path, or of the newest version that Debian and Ubuntu have in a folder of its own.
func programs() (initdb, postgres string, err error) {
	if initdb, err = exec.LookPath("initdb"); err == nil {
		if postgres, err = exec.LookPath("postgres"); err == nil {
			return initdb, postgres, nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", "", errMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // what is no number loses
		return n
	}
	initdb = slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return initdb, filepath.Join(filepath.Dir(initdb), "postgres"), nil
}

// makeFolder makes a folder that the server can reach: it refuses to run as root, and runs as the user postgres then.
func (s *Server) makeFolder() (err error) {
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("%w: as root there has to be a user named postgres", errMissing)
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return fmt.Errorf("reading the ids of the user postgres: %w", err)
		}
		s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if s.folder, err = os.MkdirTemp("", "rollcall-postgres-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	return s.giveAway(s.folder)
}

func (s *Server) giveAway(path string) error {
	if s.owner == nil {
		return nil
	}
	if err := os.Chown(path, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
		return fmt.Errorf("giving %s to the user postgres: %w", path, err)
	}
	return nil
}

func (s *Server) command(name string, arguments ...string) *exec.Cmd {
	c := exec.Command(name, arguments...)
	c.Dir = s.folder
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	return c
}

// secure writes a certificate and who may log in how.
func (s *Server) secure(data string) error {
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
	login := "host all " + Superuser + " 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	for name, content := range map[string][]byte{
		"postgresql.auto.conf": []byte("ssl = on\n"), // where ALTER SYSTEM can change it
		"server.crt":           s.CA, "server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "pg_hba.conf": []byte(login),
	} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		if err := s.giveAway(path); err != nil {
			return err
		}
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// run starts the server and waits until it takes connections. The signal that ends it with its parent comes when the thread that
// started it ends, so that thread is kept until the server has ended.
func (s *Server) run(c *exec.Cmd) error {
	logs, err := os.Create(s.logPath())
	if err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	defer logs.Close()
	c.Stdout, c.Stderr = logs, logs
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer close(s.ended)
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
	ready := []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f") // the request for TLS, which is answered by one letter
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		if s.answers(ready) {
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

// answers reports whether somebody takes connections. A server that is still starting up does too, and says so to whoever logs
// in; that takes it milliseconds.
func (s *Server) answers(request []byte) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := c.Write(request); err != nil {
		return false
	}
	answer := make([]byte, 1)
	_, err = c.Read(answer)
	return err == nil && bytes.Contains(s.status(), []byte("ready"))
}

// status is what the server says of itself in its folder.
func (s *Server) status() []byte {
	b, err := os.ReadFile(filepath.Join(s.folder, "data", "postmaster.pid"))
	if err != nil {
		return nil
	}
	return b
}

func (s *Server) logPath() string { return filepath.Join(s.folder, "log") }

// Log returns what the server has written.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// DSN is a connection string over TLS.
func (s *Server) DSN(role, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password), Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: "/" + database,
		RawQuery: "sslmode=verify-full",
	}
	return u.String()
}

// Admin is a connection string of the superuser, without TLS.
func (s *Server) Admin(database string) string {
	return strings.Replace(s.DSN(Superuser, "none", database), "verify-full", "disable", 1)
}

// Freeze stops all processes of the server where they are: connections stay open, and nothing answers. Thaw them.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

// signal reaches the server first, so that no process is made meanwhile, and then those that it made.
func (s *Server) signal(sig syscall.Signal) error {
	if err := s.process.Process.Signal(sig); err != nil {
		return fmt.Errorf("signalling the server: %w", err)
	}
	children, err := childrenOf(s.process.Process.Pid)
	if err != nil {
		return err
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signalling a process of the server: %w", err)
		}
	}
	return nil
}

func childrenOf(parent int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return nil, fmt.Errorf("looking for processes: %w", err)
	}
	var out []int
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil { // it ended
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			if of, isParent := strings.CutPrefix(lines.Text(), "PPid:\t"); isParent && of == strconv.Itoa(parent) {
				pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				if err == nil {
					out = append(out, pid)
				}
			}
		}
	}
	return out, nil
}

// Halt ends the server and keeps what it has written, and where it listens. Resume it.
func (s *Server) Halt() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = s.Thaw()
	_ = s.process.Process.Signal(syscall.SIGINT) // fast shutdown: it does not wait for its clients
	select {
	case <-s.ended:
	case <-ctx.Done():
		_ = s.process.Process.Signal(syscall.SIGQUIT)
		<-s.ended
	}
}

// Resume ends Halt: it returns when the server takes connections.
func (s *Server) Resume() error {
	s.ended = make(chan struct{})
	return s.run(s.command(s.program, s.arguments...))
}

// Stop ends the server and removes what it has written.
func (s *Server) Stop() error {
	s.Halt()
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("removing the cluster: %w", err)
	}
	return nil
}
