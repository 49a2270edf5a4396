package downstream_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// manager is cmd/manager as a process: killed and started again, with one log.
type manager struct {
	binary, kubeconfig string
	metrics, probes    string // addresses

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{}
	log     bytes.Buffer
}

func newManager(binary string, kubeconfig []byte) *manager {
	GinkgoHelper()
	m := &manager{binary: binary, kubeconfig: filepath.Join(GinkgoT().TempDir(), "kubeconfig"), metrics: freeAddress(), probes: freeAddress()}
	Expect(os.WriteFile(m.kubeconfig, kubeconfig, 0o600)).To(Succeed())
	DeferCleanup(m.kill)
	return m
}

func freeAddress() string {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	return l.Addr().String()
}

// Write takes what the process writes.
func (m *manager) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.Write(p)
}

func (m *manager) logged() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

func (m *manager) tail() string {
	lines := slices.DeleteFunc(strings.Split(m.logged(), "\n"), func(line string) bool { return strings.Contains(line, `"level":"DEBUG`) })
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// launch starts the process and does not wait for anything. It logs as much as it can, so that whatever it must not say can be
// found, and has settings of other clients of the same servers in its environment, which it must not follow.
func (m *manager) launch() {
	GinkgoHelper()
	command := exec.Command(m.binary, "--kubeconfig="+m.kubeconfig, "--leader-elect=false", "--metrics-bind-address="+m.metrics,
		"--health-probe-bind-address="+m.probes, "--allow-cidr=127.0.0.1/32", "--v=5")
	command.Env = append(os.Environ(), "PGHOST=elsewhere.example", "PGSSLMODE=disable", "PGPASSWORD=none", "PGOPTIONS=-c search_path=elsewhere",
		"ALL_PROXY=socks5://proxy.example:1080")
	command.Stdout, command.Stderr = m, m
	Expect(command.Start()).To(Succeed())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	m.mu.Lock()
	m.process, m.ended = command, ended
	m.mu.Unlock()
}

// start is launch, and returns when everything that there is was computed.
func (m *manager) start() {
	GinkgoHelper()
	m.launch()
	Eventually(m.ready).Should(BeTrue(), m.tail)
}

func (m *manager) ready() bool {
	answer, err := http.Get("http://" + m.probes + "/readyz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// kill is kill -9. It may be called from anywhere.
func (m *manager) kill() {
	m.mu.Lock()
	process, ended := m.process, m.ended
	m.mu.Unlock()
	if process == nil {
		return
	}
	_ = process.Process.Kill()
	<-ended
}

// runs reports whether there is a process.
func (m *manager) runs() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
		return false
	default:
		return m.process != nil
	}
}

// pid is the id of the process.
func (m *manager) pid() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process.Process.Pid
}

func (m *manager) restart() {
	GinkgoHelper()
	m.kill()
	m.start()
}

// scrape returns all metrics.
func (m *manager) scrape() string {
	answer, err := http.Get("http://" + m.metrics + "/metrics")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// metric adds the values of a metric of one Downstream up, over the series that have all the labels, such as `op="read"`.
func (m *manager) metric(name, namespace, downstream string, labels ...string) (sum float64) {
	labels = append(labels, fmt.Sprintf("namespace=%q", namespace), fmt.Sprintf("downstream=%q", downstream))
	for lines := bufio.NewScanner(strings.NewReader(m.scrape())); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), "} ")
		of, list, _ := strings.Cut(series, "{")
		if of != name {
			continue
		}
		all := true
		for _, l := range labels {
			all = all && strings.Contains(","+list+",", ","+l+",")
		}
		if !all {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		Expect(err).NotTo(HaveOccurred())
		sum += v
	}
	return sum
}
