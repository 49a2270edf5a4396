package downstream_test

import (
	"net"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// proxy is between the operator and a server. What the operator sends at once counts as one request, encrypted or not: a client
// that waits for answers sends one at a time.
type proxy struct {
	listener net.Listener
	target   string

	mu                    sync.Mutex
	connections, requests int
	last                  time.Time // of any traffic
	refuse                bool
	hooks                 hooks
	open                  map[net.Conn]struct{}
}

// hooks are called with how many requests there were since they were set. Where one returns false the connection ends, and what
// was to be passed on is lost.
type hooks struct {
	request, answer func(n int) bool
}

func newProxy(target string) *proxy {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	p := &proxy{listener: l, target: target, open: map[net.Conn]struct{}{}}
	DeferCleanup(func() {
		_ = l.Close()
		p.cut()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) serve(from net.Conn) {
	p.mu.Lock()
	p.connections++
	refuse := p.refuse
	p.open[from] = struct{}{}
	p.last = time.Now()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, from)
		p.mu.Unlock()
		_ = from.Close()
	}()
	if refuse {
		return
	}
	to, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		defer from.Close()
		defer to.Close()
		pump(to, from, p.answered)
	}()
	pump(from, to, p.requested)
}

func pump(from, to net.Conn, pass func() bool) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil || !pass() {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) requested() bool {
	p.mu.Lock()
	p.requests++
	n, hook := p.requests, p.hooks.request
	p.last = time.Now()
	p.mu.Unlock()
	return hook == nil || hook(n)
}

func (p *proxy) answered() bool {
	p.mu.Lock()
	n, hook := p.requests, p.hooks.answer
	p.last = time.Now()
	p.mu.Unlock()
	return hook == nil || hook(n)
}

// watch sets the hooks and begins to count anew.
func (p *proxy) watch(h hooks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks, p.requests, p.connections = h, 0, 0
}

// refusing ends all connections, and has new ones end at once, or no longer.
func (p *proxy) refusing(yes bool) {
	p.mu.Lock()
	p.refuse = yes
	p.mu.Unlock()
	if yes {
		p.cut()
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

// count returns how many connections were made, and how many requests, since watch.
func (p *proxy) count() (connections, requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connections, p.requests
}

// rest waits until nothing was sent for a while.
func (p *proxy) rest() {
	GinkgoHelper()
	begun := time.Now()
	Eventually(func() bool {
		return p.idle(300*time.Millisecond) && time.Since(begun) > 300*time.Millisecond
	}).Should(BeTrue(), func() string { _, n := p.count(); return "requests go on and on: " + strconv.Itoa(n) })
}

// idle reports whether nothing was sent for that long.
func (p *proxy) idle(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.last) > d
}
