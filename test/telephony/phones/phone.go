package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// patience is how long a request of a telephone may take.
const patience = 10 * time.Second

// phone is one telephone, with an address and a port of its own.
type phone struct {
	name, password, switchAddress string
	host                          string
	port                          int
	contact                       sip.ContactHeader

	agent  *sipgo.UserAgent
	client *sipgo.Client
	server *sipgo.Server
	conn   net.PacketConn
	called sipgo.DialogUA
	*reporter

	mu       sync.Mutex
	how      string
	after    time.Duration
	outgoing map[string]*outgoing
	incoming map[string]*sipgo.DialogServerSession
}

func plug(o order, r *reporter) (*phone, error) {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(o.Host, "0"))
	if err != nil {
		return nil, fmt.Errorf("plugging in %s: %w", o.Phone, err)
	}
	p := &phone{
		name: o.Phone, password: o.Password, switchAddress: o.Switch, host: o.Host, port: conn.LocalAddr().(*net.UDPAddr).Port,
		conn: conn, reporter: r, how: "ring", outgoing: map[string]*outgoing{}, incoming: map[string]*sipgo.DialogServerSession{},
	}
	p.contact = sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: p.name, Host: p.host, Port: p.port}}
	if p.agent, err = sipgo.NewUA(sipgo.WithUserAgent(p.name), sipgo.WithUserAgentHostname(p.host)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	address := net.JoinHostPort(p.host, strconv.Itoa(p.port))
	p.client, err = sipgo.NewClient(p.agent, sipgo.WithClientAddr(address), sipgo.WithClientConnectionAddr(address))
	if err == nil {
		p.server, err = sipgo.NewServer(p.agent)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.called = sipgo.DialogUA{Client: p.client, ContactHDR: p.contact}
	p.server.OnInvite(p.rung)
	p.server.OnAck(func(req *sip.Request, tx sip.ServerTransaction) {
		if d := p.dialog(req); d != nil {
			_ = d.ReadAck(req, tx) // a second ACK is nothing to talk about
			p.report("talks", callOf(req), 0)
		}
	})
	p.server.OnBye(p.hungUp)
	p.server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) { // the switch asks whether the call is still there
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil))
	})
	go func() { _ = p.server.ServeUDP(conn) }() // until it is unplugged
	return p, nil
}

// unplug leaves without a word.
func (p *phone) unplug() {
	_ = p.conn.Close()
	_ = p.agent.Close()
}

func (p *phone) report(what, call string, status int) {
	p.reporter.report(event{Phone: p.name, What: what, Call: call, Status: status})
}

func (p *phone) fail(call string, err error) {
	p.reporter.report(event{Phone: p.name, What: "failed", Call: call, Text: err.Error()})
}

func (p *phone) reactWith(how string, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how, p.after = how, after
}

func callOf(req *sip.Request) string { return req.CallID().Value() }

// dialog is the call that a request belongs to, nil if this telephone was not called in it.
func (p *phone) dialog(req *sip.Request) *sipgo.DialogServerSession {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.incoming[callOf(req)]
}

func (p *phone) request(method sip.RequestMethod, user string) *sip.Request {
	var to sip.Uri
	_ = sip.ParseUri(fmt.Sprintf("sip:%s@%s", user, p.switchAddress), &to) // the switch says what it thinks of strange ones
	req := sip.NewRequest(method, to)
	req.AppendHeader(&sip.ToHeader{Address: to})
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: p.name, Host: p.host}, Params: sip.NewParams()}
	from.Params.Add("tag", sip.GenerateTagN(12))
	req.AppendHeader(from)
	contact := p.contact
	req.AppendHeader(&contact)
	req.SetTransport("UDP")
	req.SetDestination(p.switchAddress)
	return req
}

func (p *phone) register(expires int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req := p.request(sip.REGISTER, p.name)
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(expires)))
	res, err := p.client.Do(ctx, req)
	if err == nil && res.StatusCode == sip.StatusUnauthorized {
		res, err = p.client.DoDigestAuth(ctx, req, res, sipgo.DigestAuth{Username: p.name, Password: p.password})
	}
	if err != nil {
		p.fail("", fmt.Errorf("registering: %w", err))
		return
	}
	p.report("registered", "", res.StatusCode)
}

// rung is somebody calling.
func (p *phone) rung(req *sip.Request, tx sip.ServerTransaction) {
	at, call := time.Now(), callOf(req)
	p.mu.Lock()
	how, after := p.how, p.after
	p.mu.Unlock()
	rings := event{At: at, Phone: p.name, What: "rings", Call: call, From: req.From().Address.User}
	if identity := req.GetHeader("P-Asserted-Identity"); identity != nil {
		rings.Identity = identity.Value()
	}
	p.reporter.report(rings)
	if how == "silent" {
		return
	}
	d, err := p.called.ReadInvite(req, tx)
	if err != nil {
		p.fail(call, fmt.Errorf("being called: %w", err))
		return
	}
	cancelled := make(chan struct{})
	if !tx.OnCancel(func(*sip.Request) {
		p.report("cancelled", call, 0)
		close(cancelled)
	}) {
		return
	}
	if err := d.Respond(sip.StatusRinging, "Ringing", nil); err != nil {
		p.fail(call, fmt.Errorf("ringing: %w", err))
		return
	}
	if how == "ring" {
		after = time.Hour
	}
	select {
	case <-cancelled:
	case <-tx.Done():
	case <-time.After(after):
		p.decide(how, d, call)
	}
}

func (p *phone) decide(how string, d *sipgo.DialogServerSession, call string) {
	if how == "reject" {
		p.report("rejects", call, 0)
		if err := d.Respond(sip.StatusBusyHere, "Busy Here", nil); err != nil {
			p.fail(call, fmt.Errorf("refusing: %w", err))
		}
		return
	}
	p.mu.Lock()
	p.incoming[call] = d
	p.mu.Unlock()
	p.report("answers", call, 0)
	if err := d.Respond(sip.StatusOK, "OK", nil); err != nil {
		p.fail(call, fmt.Errorf("answering: %w", err))
	}
}

// hungUp is the other side hanging up.
func (p *phone) hungUp(req *sip.Request, tx sip.ServerTransaction) {
	p.report("hungup", callOf(req), 0)
	if d := p.dialog(req); d != nil {
		_ = d.ReadBye(req, tx)
		return
	}
	_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil))
}

func (p *phone) hangUp(call string) error {
	p.mu.Lock()
	d, o := p.incoming[call], p.outgoing[call]
	p.mu.Unlock()
	switch {
	case d != nil:
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := d.Bye(ctx); err != nil {
				p.fail(call, fmt.Errorf("hanging up: %w", err))
				return
			}
			p.report("hangsup", call, 0)
		}()
	case o != nil && o.answered():
		go o.bye()
	default:
		return fmt.Errorf("%s is in no call %s", p.name, call)
	}
	return nil
}
