package downstream

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

func TestSecretsOptIn(t *testing.T) {
	label := map[string]string{rollcallv1.LabelDownstream: "warehouse"}
	host := func(h string) map[string]string { return map[string]string{rollcallv1.AnnotationHost: h} }
	database := rollcallv1.DownstreamSpec{PostgreSQL: &rollcallv1.DownstreamPostgreSQL{}}
	scim := func(url string) rollcallv1.DownstreamSpec {
		return rollcallv1.DownstreamSpec{SCIM: &rollcallv1.DownstreamSCIM{URL: url}}
	}
	ldap := rollcallv1.DownstreamSpec{LDAP: &rollcallv1.DownstreamLDAP{URL: "ldap://directory.example"}}
	mail := func(s rollcallv1.StartTLS) rollcallv1.DownstreamSpec {
		return rollcallv1.DownstreamSpec{SMTP: &rollcallv1.DownstreamSMTP{Host: "mail.example", Port: 587, StartTLS: s}}
	}
	plain := func(h string) map[string]string {
		return map[string]string{rollcallv1.AnnotationHost: h, rollcallv1.AnnotationAllowPlaintext: "true"}
	}
	for name, tc := range map[string]struct {
		labels, annotations map[string]string
		spec                rollcallv1.DownstreamSpec
		wantRefused         bool
	}{
		"label, no host in the spec":        {labels: label, spec: database},
		"no label":                          {spec: database, wantRefused: true},
		"label of another Downstream":       {labels: map[string]string{rollcallv1.LabelDownstream: "other"}, spec: database, wantRefused: true},
		"host with the port of the scheme":  {labels: label, annotations: host("scim.example:443"), spec: scim("https://scim.example/v2")},
		"host in other letters":             {labels: label, annotations: host("scim.example:443"), spec: scim("https://SCIM.example/v2")},
		"host with a port":                  {labels: label, annotations: host("scim.example:8443"), spec: scim("https://scim.example:8443")},
		"an address of IPv6":                {labels: label, annotations: host("[2001:db8::1]:443"), spec: scim("https://[2001:db8::1]/")},
		"no host":                           {labels: label, spec: scim("https://scim.example"), wantRefused: true},
		"host without port":                 {labels: label, annotations: host("scim.example"), spec: scim("https://scim.example"), wantRefused: true},
		"another host":                      {labels: label, annotations: host("scim.example:443"), spec: scim("https://evil.example"), wantRefused: true},
		"another port":                      {labels: label, annotations: host("scim.example:443"), spec: scim("https://scim.example:444"), wantRefused: true},
		"host in front of an @":             {labels: label, annotations: host("scim.example:443"), spec: scim("https://scim.example:443@evil.example"), wantRefused: true},
		"ldap without allow-plaintext":      {labels: label, annotations: host("directory.example:389"), spec: ldap, wantRefused: true},
		"ldap with allow-plaintext":         {labels: label, annotations: plain("directory.example:389"), spec: ldap},
		"mail over TLS":                     {labels: label, annotations: host("mail.example:587"), spec: mail(rollcallv1.StartTLSRequired)},
		"mail over TLS by chance":           {labels: label, annotations: host("mail.example:587"), spec: mail(rollcallv1.StartTLSOpportunistic), wantRefused: true},
		"mail over TLS by chance, as asked": {labels: label, annotations: plain("mail.example:587"), spec: mail(rollcallv1.StartTLSOpportunistic)},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{}
			secret.Labels, secret.Annotations = tc.labels, tc.annotations
			err := optIn(secret, "warehouse", &tc.spec)
			if refused := errors.Is(err, ErrNotOptedIn); refused != tc.wantRefused || refused != (err != nil) {
				t.Errorf("error = %v, want refused %t", err, tc.wantRefused)
			}
		})
	}
}

func TestAddressesAreJudged(t *testing.T) {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	ten := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for name, tc := range map[string]struct {
		address string
		allowed []netip.Prefix
		want    bool
	}{
		"public":                          {address: "203.0.113.7", want: true},
		"public, IPv6":                    {address: "2001:db8::7", want: true},
		"loopback":                        {address: "127.0.0.1"},
		"loopback, allowed":               {address: "127.0.0.1", allowed: all, want: true},
		"loopback, IPv6":                  {address: "::1"},
		"loopback, mapped":                {address: "::ffff:127.0.0.1"},
		"private":                         {address: "10.1.2.3"},
		"private, allowed":                {address: "10.1.2.3", allowed: ten, want: true},
		"private, another range allowed":  {address: "10.2.2.3", allowed: ten},
		"private, mapped, allowed":        {address: "::ffff:10.1.2.3", allowed: ten, want: true},
		"private, translated":             {address: "64:ff9b::a01:203"},
		"unique local":                    {address: "fd12::1"},
		"shared":                          {address: "100.64.0.1"},
		"link-local, whatever is allowed": {address: "169.254.1.1", allowed: all},
		"metadata, whatever is allowed":   {address: "169.254.169.254", allowed: all},
		"metadata, translated":            {address: "64:ff9b::a9fe:a9fe", allowed: all},
		"metadata, mapped":                {address: "::ffff:169.254.169.254", allowed: all},
		"metadata over IPv6":              {address: "fd00:ec2::254", allowed: all},
		"metadata of another cloud":       {address: "100.100.100.200", allowed: all},
		"link-local, IPv6, with a zone":   {address: "fe80::1%eth0", allowed: all},
		"nowhere":                         {address: "0.0.0.0", allowed: all},
		"everybody":                       {address: "255.255.255.255", allowed: all},
		"many":                            {address: "224.0.0.1", allowed: all},
	} {
		t.Run(name, func(t *testing.T) {
			if why := judge(netip.MustParseAddr(tc.address), tc.allowed); (why == "") != tc.want {
				t.Errorf("refused for %q, want allowed %t", why, tc.want)
			}
		})
	}
}

func TestTheDialerRefusesWhatItIsAboutToConnectTo(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://203.0.113.1:3128")
	t.Setenv("ALL_PROXY", "socks5://203.0.113.1:1080")
	_, err := NewDial(nil)(t.Context(), "tcp", "localhost:1")
	if got := downstream.ClassOf(err); got != downstream.Refused {
		t.Errorf("class = %s, want Refused", got)
	}
}

func TestDecideFollowsR19(t *testing.T) {
	deleted := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	removing := end{onDelete: rollcallv1.OnDeleteRemove, mode: rollcallv1.DownstreamModeFull, deleted: deleted}
	with := func(change func(*end)) end {
		e := removing
		change(&e)
		return e
	}
	for name, tc := range map[string]struct {
		end        end
		after      time.Duration
		wantWait   time.Duration
		wantReason string
	}{
		"orphaned by default":      {end: end{mode: rollcallv1.DownstreamModeFull, deleted: deleted}},
		"orphaned":                 {end: with(func(e *end) { e.onDelete = rollcallv1.OnDeleteOrphan })},
		"Remove in mode Upsert":    {end: with(func(e *end) { e.mode = rollcallv1.DownstreamModeUpsert })},
		"Remove waits":             {end: removing, wantWait: time.Hour},
		"Remove waits on":          {end: removing, after: 59 * time.Minute, wantWait: time.Minute},
		"not approved":             {end: removing, after: time.Hour, wantReason: "RemovalsNotApproved"},
		"approved late, under way": {end: with(func(e *end) { e.approved = deleted.Add(50 * time.Minute) }), after: 70 * time.Minute, wantWait: 40 * time.Minute},
		"approved, and lapsed":     {end: with(func(e *end) { e.approved = deleted.Add(50 * time.Minute) }), after: 110 * time.Minute, wantReason: "RemovalsNotApproved"},
		"all removed":              {end: with(func(e *end) { e.left = true }), after: time.Minute},
		"forced":                   {end: with(func(e *end) { e.forced = true }), wantReason: "CleanupForced"},
		"namespace goes":           {end: with(func(e *end) { e.terminating = true })},
		"unreachable":              {end: with(func(e *end) { e.unreachable = deleted.Add(time.Minute) }), after: 2 * time.Minute, wantWait: 14 * time.Minute},
		"unreachable before":       {end: with(func(e *end) { e.unreachable = deleted.Add(-time.Hour) }), after: time.Minute, wantWait: 14 * time.Minute},
		"unreachable too long":     {end: with(func(e *end) { e.unreachable = deleted }), after: 15 * time.Minute, wantReason: "CleanupGivenUp"},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(tc.end, deleted.Add(tc.after))
			if got.wait != tc.wantWait || got.reason != tc.wantReason {
				t.Errorf("fate = %s %q, want %s %q", got.wait, got.reason, tc.wantWait, tc.wantReason)
			}
		})
	}
}
