package telephony_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// event is what a telephone reports, see test/telephony/phones.
type event struct {
	At       time.Time
	Phone    string
	What     string
	Call     string
	Status   int
	From     string
	Identity string
	Text     string
}

// room is the program with the telephones.
type room struct {
	in io.WriteCloser

	mu     sync.Mutex
	events []event
	more   chan struct{} // closed when there is another event
}

// fill starts the program.
func fill() *room {
	GinkgoHelper()
	c := exec.Command(build("phones"))
	in, err := c.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	out, err := c.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	c.Stderr = GinkgoWriter
	Expect(c.Start()).To(Succeed())
	r := &room{in: in, more: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				r.add(e)
			}
		}
	}()
	DeferCleanup(func() error {
		_ = in.Close()
		<-read
		return c.Wait()
	})
	return r
}

func (r *room) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.more)
	r.more = make(chan struct{})
}

// seen returns the events so far that match, in the order of their times, and what is closed when there is another one.
func (r *room) seen(matches func(event) bool) ([]event, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []event
	for _, e := range r.events {
		if matches(e) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.At.Compare(b.At) })
	return out, r.more
}

// await returns the nth event that matches, counted from 1, as soon as there is one.
func (r *room) await(what string, n int, matches func(event) bool) event {
	GinkgoHelper()
	deadline := time.After(30 * time.Second)
	for {
		found, more := r.seen(matches)
		if len(found) >= n {
			return found[n-1]
		}
		select {
		case <-more:
		case <-deadline:
			Fail("there was no " + what + "; the last events:\n" + r.last(40))
		}
	}
}

// last describes the last events, for failures.
func (r *room) last(n int) string {
	found, _ := r.seen(func(event) bool { return true })
	var b strings.Builder
	for _, e := range found[max(0, len(found)-n):] {
		fmt.Fprintf(&b, "%s %-9s %s %d %s %s\n", e.At.Format("05.000"), e.Phone, e.What, e.Status, e.Call, e.Text)
	}
	return b.String()
}

func (r *room) count(matches func(event) bool) int {
	found, _ := r.seen(matches)
	return len(found)
}

// order gives an order, and waits until a telephone has reported that it was carried out.
func (r *room) order(reported string, fields map[string]any) event {
	GinkgoHelper()
	done := func(e event) bool { return e.Phone == fields["phone"] && e.What == reported }
	before := r.count(done)
	r.tell(fields)
	return r.await(fmt.Sprintf("%q of %s", reported, fields["phone"]), before+1, done)
}

func (r *room) tell(fields map[string]any) {
	GinkgoHelper()
	b, err := json.Marshal(fields)
	Expect(err).NotTo(HaveOccurred())
	_, err = r.in.Write(append(b, '\n'))
	Expect(err).NotTo(HaveOccurred())
}

// plug brings a telephone into the room, registered with nobody.
func (r *room) plug(phone, host, password string) {
	GinkgoHelper()
	r.order("plugged", map[string]any{"do": "plug", "phone": phone, "host": host, "switch": pbx.Address, "password": password})
}

// address is where a telephone listens.
func (r *room) address(phone string) string {
	GinkgoHelper()
	return r.await(phone, 1, func(e event) bool { return e.Phone == phone && e.What == "plugged" }).Text
}

// register has telephones register, or end their registrations where expires is 0.
func (r *room) register(expires int, phones ...string) {
	GinkgoHelper()
	for _, p := range phones {
		Expect(r.tryToRegister(expires, p)).To(Equal(200), "%s\n%s", p, pbx.Log())
	}
}

// tryToRegister returns the status of the answer.
func (r *room) tryToRegister(expires int, phone string) int {
	GinkgoHelper()
	return r.order("registered", map[string]any{"do": "register", "phone": phone, "expires": expires}).Status
}

// react says what telephones do when they ring: "ring", "silent", "answer" or "reject", after so long.
func (r *room) react(how string, after time.Duration, phones ...string) {
	GinkgoHelper()
	for _, p := range phones {
		r.order("ready", map[string]any{"do": "react", "phone": p, "how": how, "after": after})
	}
}

var calls int

// call is one that a test placed.
type call struct {
	name  string
	from  string
	began time.Time
}

// dial places a call.
func dial(from, to string) *call {
	GinkgoHelper()
	return dialAs(from, to, map[string]any{})
}

func dialAs(from, to string, more map[string]any) *call {
	GinkgoHelper()
	calls++
	c := &call{name: fmt.Sprintf("call-%d@test", calls), from: from}
	order := map[string]any{"do": "call", "phone": from, "to": to, "call": c.name}
	maps.Copy(order, more)
	c.name = order["call"].(string)
	c.began = phones.order("calls", order).At
	return c
}

func (c *call) is(phone string, what ...string) func(event) bool {
	return func(e event) bool {
		return e.Call == c.name && (phone == "" || e.Phone == phone) && slices.Contains(what, e.What)
	}
}

// after is how long after the switch took the call something was, which it says by 100; without that, after it was placed. So what a
// busy machine takes to let it begin is no part of how long telephones ring.
func (c *call) after(e event) time.Duration {
	taken, _ := phones.seen(func(e event) bool { return c.is(c.from, "status")(e) && e.Status == 100 })
	if len(taken) > 0 {
		return e.At.Sub(taken[0].At)
	}
	return e.At.Sub(c.began)
}

// disturbed is how much may be stolen in a second, or during a spec, of a machine that is taken for one's own.
const disturbed = 50 * time.Millisecond

// calm waits until the machine is left alone for a second, but not for ever.
func calm() {
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for range 60 {
		before := stolen()
		<-seconds.C
		if stolen()-before < disturbed {
			return
		}
	}
}

// stolen is how long the processors of this machine stood still because another machine had them, as Linux counts it; 0 where
// nothing says so.
func stolen() time.Duration {
	const place, tick = 8, 10 * time.Millisecond // cpu user nice system idle iowait irq softirq steal
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) <= place {
		return 0
	}
	n, err := strconv.ParseInt(fields[place], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * tick
}

// status waits for the final answer.
func (c *call) status() event {
	GinkgoHelper()
	return phones.await("final answer to "+c.name, 1, func(e event) bool { return c.is(c.from, "status")(e) && e.Status >= 200 })
}

// ends waits for the final answer, and expects it to be this one after so long.
func (c *call) ends(status int, after time.Duration) {
	GinkgoHelper()
	e := c.status()
	Expect(e.Status).To(Equal(status), "%s\n%s", e.Text, c)
	Expect(c.after(e)).To(BeNumerically("~", after, tolerance), "the end\n%s", c)
}

// hangUp ends the call from one side.
func (c *call) hangUp(phone string) {
	GinkgoHelper()
	phones.tell(map[string]any{"do": "hangup", "phone": phone, "call": c.name})
	phones.await("end of "+c.name, 1, c.is("", "hungup"))
}

func (c *call) cancel() {
	GinkgoHelper()
	phones.tell(map[string]any{"do": "cancel", "phone": c.from, "call": c.name})
}

// leg is a telephone ringing, in milliseconds from the beginning of the call; how it ended is cancelled, rejects or answers.
type leg struct {
	phone       string
	from, until int
	how         string
}

// legs are those so far, in the order in which they began. Those that still ring have no end.
func (c *call) legs() []leg {
	var out []leg
	events, _ := phones.seen(c.is("", "rings", "cancelled", "rejects", "answers"))
	for _, e := range events {
		at := int(c.after(e).Milliseconds())
		if e.What == "rings" {
			out = append(out, leg{phone: e.Phone, from: at})
			continue
		}
		for i := range slices.Backward(out) {
			if out[i].phone == e.Phone {
				out[i].until, out[i].how = at, e.What
				break
			}
		}
	}
	return out
}

// rang expects the telephones to have rung like this, give or take the tolerance; the order of those that began together is free.
func (c *call) rang(want ...leg) {
	GinkgoHelper()
	Eventually(func() bool {
		return !slices.ContainsFunc(c.legs(), func(l leg) bool { return l.how == "" })
	}).Should(BeTrue(), "a telephone still rings\n%s", c)
	got := c.legs()
	Expect(got).To(HaveLen(len(want)), c.String())
	for _, w := range want {
		i := slices.IndexFunc(got, w.like)
		Expect(i).To(BeNumerically(">=", 0), "no leg like %+v\n%s", w, c)
		got = slices.Delete(got, i, i+1)
	}
}

func (l leg) like(o leg) bool {
	near := func(a, b int) bool { return time.Duration(max(a-b, b-a))*time.Millisecond <= tolerance }
	return l.phone == o.phone && l.how == o.how && near(l.from, o.from) && near(l.until, o.until)
}

// String is the course of the call, for failures.
func (c *call) String() string {
	var b strings.Builder
	events, _ := phones.seen(func(e event) bool { return e.Call == c.name })
	for _, e := range events {
		fmt.Fprintf(&b, "%7d ms  %-9s %s", c.after(e).Milliseconds(), e.Phone, e.What)
		if e.Status != 0 {
			fmt.Fprintf(&b, " %d", e.Status)
		}
		fmt.Fprintln(&b, "", e.Text)
	}
	return b.String()
}
