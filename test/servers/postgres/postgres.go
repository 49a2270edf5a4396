// Package postgres starts a PostgreSQL server of its own for tests and benchmarks: a new cluster in a temporary folder, on a free
// port of 127.0.0.1, with TLS, that nobody else uses and that ends with the process that started it. The programs come from the
// packages that hack/test-servers.sh installs; where they are missing, starting fails.
package postgres

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/test/servers/process"
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
	running   *process.Program
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
	if s.Port, err = process.FreePort(); err != nil {
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
func (s *Server) secure(data string) (err error) {
	var key []byte
	if s.CA, key, err = process.Certificate(); err != nil {
		return err
	}
	login := "host all " + Superuser + " 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	for name, content := range map[string][]byte{
		"postgresql.auto.conf": []byte("ssl = on\n"), // where ALTER SYSTEM can change it
		"server.crt":           s.CA, "server.key": key, "pg_hba.conf": []byte(login),
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

// answers reports whether somebody takes connections. A server that is still starting up does too, and says so to whoever logs
// in; that takes it milliseconds.
func (s *Server) answers() bool {
	request := []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f") // the one for TLS, which is answered by one letter
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

// Log returns what the server has written.
func (s *Server) Log() string { return s.running.Log() }

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
	if err := s.running.Signal(sig); err != nil {
		return err
	}
	children, err := childrenOf(s.running.PID())
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
	_ = s.Thaw()
	s.running.End(syscall.SIGINT) // fast shutdown: it does not wait for its clients
}

// Resume ends Halt: it returns when the server takes connections.
func (s *Server) Resume() (err error) {
	s.running, err = process.Serve(s.command(s.program, s.arguments...), filepath.Join(s.folder, "log"), syscall.SIGQUIT, s.answers)
	return err
}

// Stop ends the server and removes what it has written.
func (s *Server) Stop() error {
	s.Halt()
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("removing the cluster: %w", err)
	}
	return nil
}
