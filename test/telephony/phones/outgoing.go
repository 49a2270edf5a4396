package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// outgoing is a call that a telephone made. The library's own dialog for callers gives up after ten responses, and a group that
// rings sends more.
type outgoing struct {
	*phone
	name   string
	invite *sip.Request
	stop   context.CancelFunc // cancels the call
	final  *sip.Response
}

func (p *phone) call(name, to, wanted string) error {
	req := p.request(sip.INVITE, to)
	id := sip.CallIDHeader(name)
	req.AppendHeader(&id)
	if wanted != "" {
		req.AppendHeader(sip.NewHeader("P-Preferred-Identity", fmt.Sprintf("<sip:%s@%s>", wanted, p.host)))
	}
	ctx, stop := context.WithCancel(context.Background())
	o := &outgoing{phone: p, name: name, invite: req, stop: stop}
	p.mu.Lock()
	p.outgoing[name] = o
	p.mu.Unlock()
	p.report("calls", name, 0)
	tx, err := p.client.TransactionRequest(ctx, req)
	if err != nil {
		return fmt.Errorf("calling %s: %w", to, err)
	}
	go o.follow(ctx, tx, 0)
	return nil
}

// follow reports what comes back, up to the end.
func (o *outgoing) follow(ctx context.Context, tx sip.ClientTransaction, attempts int) {
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if res.StatusCode == sip.StatusProxyAuthRequired && attempts == 0 {
				o.again(ctx, res)
				return
			}
			status := event{At: time.Now(), Phone: o.phone.name, What: "status", Call: o.name, Status: res.StatusCode, Text: res.Reason}
			if !res.IsProvisional() {
				o.end(res)
			}
			o.reporter.report(status)
			if !res.IsProvisional() {
				return
			}
		case <-ctx.Done():
			o.abandon(tx)
			return
		case <-tx.Done():
			o.fail(o.name, errors.Join(errors.New("the call came to nothing"), tx.Err()))
			return
		}
	}
}

// again sends the call with a proof of who it is.
func (o *outgoing) again(ctx context.Context, res *sip.Response) {
	tx, err := o.client.TransactionDigestAuth(ctx, o.invite, res, sipgo.DigestAuth{Username: o.phone.name, Password: o.password})
	if err != nil {
		o.fail(o.name, fmt.Errorf("proving who it is: %w", err))
		return
	}
	o.follow(ctx, tx, 1)
}

// abandon cancels the call: the switch is told, and answers the call itself with 487.
func (o *outgoing) abandon(tx sip.ClientTransaction) {
	cancel := sip.NewRequest(sip.CANCEL, o.invite.Recipient)
	for _, name := range []string{"Via", "From", "To", "Call-ID", "Max-Forwards"} {
		if h := o.invite.GetHeader(name); h != nil {
			cancel.AppendHeader(sip.HeaderClone(h))
		}
	}
	cancel.AppendHeader(&sip.CSeqHeader{SeqNo: o.invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	cancel.SetTransport("UDP")
	cancel.SetDestination(o.switchAddress)
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	if _, err := o.client.Do(ctx, cancel, func(*sipgo.Client, *sip.Request) error { return nil }); err != nil {
		o.fail(o.name, fmt.Errorf("cancelling: %w", err))
		return
	}
	o.follow(context.Background(), tx, 1)
}

func (o *outgoing) end(res *sip.Response) {
	o.mu.Lock()
	o.final = res
	o.mu.Unlock()
	if res.IsSuccess() {
		if err := o.client.WriteRequest(o.within(sip.ACK), func(c *sipgo.Client, r *sip.Request) error {
			return sipgo.ClientRequestAddVia(c, r)
		}); err != nil {
			o.fail(o.name, fmt.Errorf("acknowledging: %w", err))
		}
	}
}

func (o *outgoing) answered() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.final != nil && o.final.IsSuccess()
}

// within builds a request of the call that was answered.
func (o *outgoing) within(method sip.RequestMethod) *sip.Request {
	o.mu.Lock()
	res := o.final
	o.mu.Unlock()
	to := o.invite.Recipient
	if c := res.Contact(); c != nil {
		to = c.Address
	}
	req := sip.NewRequest(method, to)
	routes := res.GetHeaders("Record-Route")
	for i := len(routes) - 1; i >= 0; i-- {
		req.AppendHeader(sip.NewHeader("Route", routes[i].Value()))
	}
	req.AppendHeader(sip.HeaderClone(o.invite.From()))
	req.AppendHeader(sip.HeaderClone(res.To()))
	req.AppendHeader(sip.HeaderClone(o.invite.CallID()))
	number := o.invite.CSeq().SeqNo
	if method != sip.ACK {
		number++
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: number, MethodName: method})
	forwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&forwards)
	req.SetTransport("UDP")
	req.SetDestination(o.switchAddress)
	req.SetBody(nil)
	return req
}

func (o *outgoing) bye() {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	res, err := o.client.Do(ctx, o.within(sip.BYE), func(c *sipgo.Client, r *sip.Request) error { return sipgo.ClientRequestAddVia(c, r) })
	if err != nil {
		o.fail(o.name, fmt.Errorf("hanging up: %w", err))
		return
	}
	o.reporter.report(event{Phone: o.phone.name, What: "hangsup", Call: o.name, Status: res.StatusCode})
}

// cancel gives up a call that nobody has answered.
func (p *phone) cancel(name string) error {
	p.mu.Lock()
	o := p.outgoing[name]
	p.mu.Unlock()
	if o == nil {
		return fmt.Errorf("%s has no call %s", p.name, name)
	}
	p.report("cancels", name, 0)
	o.stop()
	return nil
}
