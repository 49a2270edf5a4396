// Phones is a room full of telephones for tests: SIP user agents on this machine that register, ring, answer, refuse and call. It
// takes one order a line on standard input and reports one event a line on standard output, both in JSON; times are taken here,
// where a message arrives or leaves. It ends with its input. It is a module of its own so that its SIP library is no requirement
// of the operator.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// order is what a test wants of a telephone.
type order struct {
	// Do is plug, register, react, call, cancel, hangup or unplug.
	Do    string `json:"do"`
	Phone string `json:"phone"`
	// Host is the address that a telephone is plugged in at, Switch that of the switch, Password what it registers with.
	Host     string `json:"host"`
	Switch   string `json:"switch"`
	Password string `json:"password"`
	// Expires is for how many seconds it registers; 0 ends a registration.
	Expires int `json:"expires"`
	// How it reacts to a call: ring (until it is told to stop), answer, reject or silent (not a word); After so long.
	How   string        `json:"how"`
	After time.Duration `json:"after"`
	// Call names a call; To is the number that is called, Wanted the caller ID that is asked for.
	Call   string `json:"call"`
	To     string `json:"to"`
	Wanted string `json:"wanted"`
}

// event is something that happened at a telephone.
type event struct {
	At    time.Time `json:"at"`
	Phone string    `json:"phone"`
	// What is plugged (Text is where), ready, unplugged, registered, calls, cancels, status, rings, cancelled, answers, rejects, talks,
	// hangsup, hungup (by the other side) or failed.
	What   string `json:"what"`
	Call   string `json:"call,omitempty"`
	Status int    `json:"status,omitempty"`
	// From and Identity are what the called one is shown; Text is a reason or an error.
	From     string `json:"from,omitempty"`
	Identity string `json:"identity,omitempty"`
	Text     string `json:"text,omitempty"`
}

// reporter writes events, one at a time.
type reporter struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (r *reporter) report(e event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Encode(e); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	r := &reporter{out: json.NewEncoder(os.Stdout)}
	room := map[string]*phone{}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			r.report(event{What: "failed", Text: fmt.Sprintf("reading an order: %v", err)})
			continue
		}
		if err := carryOut(room, r, o); err != nil {
			r.report(event{Phone: o.Phone, What: "failed", Call: o.Call, Text: err.Error()})
		}
	}
}

// carryOut does what can be done at once; what takes time goes on beside and reports.
func carryOut(room map[string]*phone, r *reporter, o order) error {
	p := room[o.Phone]
	if o.Do == "plug" {
		p, err := plug(o, r)
		if err != nil {
			return err
		}
		room[o.Phone] = p
		r.report(event{Phone: o.Phone, What: "plugged", Text: p.conn.LocalAddr().String()})
		return nil
	}
	if p == nil {
		return fmt.Errorf("there is no telephone %q", o.Phone)
	}
	switch o.Do {
	case "register":
		go p.register(o.Expires)
	case "react":
		p.reactWith(o.How, o.After)
		p.report("ready", "", 0)
	case "call":
		return p.call(o.Call, o.To, o.Wanted)
	case "cancel":
		return p.cancel(o.Call)
	case "hangup":
		return p.hangUp(o.Call)
	case "unplug":
		delete(room, o.Phone)
		p.unplug()
		p.report("unplugged", "", 0)
	default:
		return fmt.Errorf("telephones cannot %q", o.Do)
	}
	return nil
}
