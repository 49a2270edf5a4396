package downstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Dial makes a connection to host:port.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// metadata are addresses, beside link-local ones, at which clouds give credentials to whoever asks from inside.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"),
}

// inside are ranges of machines, clusters and private networks, beside loopback.
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fc00::/7"),
}

// translated are IPv4 addresses written as IPv6 ones.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// judge returns why an address may not be spoken to, empty if it may (API.md 4.10, Network). allowed are the ranges of
// --allow-cidr.
func judge(address netip.Addr, allowed []netip.Prefix) string {
	a := address.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case a.IsLinkLocalUnicast(), slices.Contains(metadata, a):
		return "link-local or metadata address"
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "not the address of a server"
	case slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a) }):
		return ""
	case a.IsLoopback(), slices.ContainsFunc(inside, func(p netip.Prefix) bool { return p.Contains(a) }):
		return "inside address without --allow-cidr"
	}
	return ""
}

// NewDial returns what every driver connects with: it judges the very address that a connection is made to, after names
// were resolved, and knows no proxies.
func NewDial(allowed []netip.Prefix) Dial {
	dialer := &net.Dialer{
		Timeout: 30 * time.Second, KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !strings.HasPrefix(network, "tcp") {
				return downstream.NewError(downstream.Refused, "not a TCP address", err)
			}
			if why := judge(at.Addr(), allowed); why != "" {
				return downstream.NewError(downstream.Refused, why, nil)
			}
			return nil
		},
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, fmt.Errorf("connecting: %w", err)
		}
		return conn, nil
	}
}
