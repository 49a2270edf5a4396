// Package kamailio starts a Kamailio of its own for tests: the configuration of an example with settings of the test, on a free
// port of 127.0.0.1, in a temporary folder. It ends with the process that started it. The program comes from the packages that
// hack/test-servers.sh installs; where it is missing, starting fails.
package kamailio

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/test/servers/process"
)

// Server is a running switch.
type Server struct {
	// Address is where it takes SIP over UDP: host and port.
	Address string

	folder  string
	running *process.Program
}

// errMissing says what to do when there is no switch to start.
var errMissing = errors.New("no Kamailio is installed: run hack/test-servers.sh")

// Start starts a switch with the configuration file example. What it imports as settings.cfg are the given settings; %s in them
// is where it listens. Stop it.
func Start(example, settings string) (_ *Server, err error) {
	program, err := exec.LookPath("kamailio")
	if err != nil {
		return nil, errMissing
	}
	s := &Server{}
	if s.folder, err = os.MkdirTemp("", "rollcall-kamailio-"); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}()
	if s.Address, err = freeAddress(); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(example)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	main := filepath.Join(s.folder, "kamailio.cfg")
	for path, b := range map[string][]byte{main: content, filepath.Join(s.folder, "settings.cfg"): fmt.Appendf(nil, settings, s.Address)} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return nil, fmt.Errorf("writing the configuration: %w", err)
		}
	}
	if out, err := exec.Command(program, "-c", "-f", main).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("checking the configuration: %w: %s", err, out)
	}
	// Little memory of both kinds: every process takes its share.
	c := exec.Command(program, "-f", main, "-DD", "-E", "-m", "64", "-M", "8", "-Y", s.folder, "-w", s.folder, "-P", filepath.Join(s.folder, "pid"))
	c.Dir = s.folder
	s.running, err = process.Serve(c, filepath.Join(s.folder, "log"), syscall.SIGTERM, s.answers)
	return s, err
}

func freeAddress() (string, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer c.Close()
	return c.LocalAddr().String(), nil
}

// answers asks what it can, and reports whether there was an answer.
func (s *Server) answers() bool {
	c, err := net.Dial("udp", s.Address)
	if err != nil {
		return false
	}
	defer c.Close()
	at := c.LocalAddr().String()
	request := fmt.Sprintf("OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKready\r\nFrom: <sip:test@%[2]s>;tag=1\r\nTo: <sip:%[1]s>\r\n"+
		"Call-ID: ready@%[2]s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n", s.Address, at)
	if err := c.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return false
	}
	if _, err := c.Write([]byte(request)); err != nil {
		return false
	}
	answer := make([]byte, 2048)
	n, err := c.Read(answer)
	return err == nil && bytes.HasPrefix(answer[:n], []byte("SIP/2.0 200"))
}

// Log returns what the switch has written.
func (s *Server) Log() string { return s.running.Log() }

// Stop ends the switch and removes its folder.
func (s *Server) Stop() error {
	s.running.End(syscall.SIGTERM)
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("removing the folder of Kamailio: %w", err)
	}
	return nil
}
