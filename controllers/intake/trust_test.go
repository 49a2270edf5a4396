package intake

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var (
	names = Options{Namespace: "rollcall-system"}.dnsNames()
	dawn  = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
)

// handTime is a clock that is set by hand.
type handTime struct{ now time.Time }

func (h *handTime) Now() time.Time { return h.now }

func newTestTrust(t *testing.T, c client.Client, replica string, clock *handTime) *trust {
	t.Helper()
	out := &trust{client: c, namespace: "rollcall-system", replica: replica, names: names, now: clock.Now, log: logr.Discard()}
	if err := out.prepare(); err != nil {
		t.Fatal(err)
	}
	return out
}

func configMap(t *testing.T, c client.Client) *corev1.ConfigMap {
	t.Helper()
	m := &corev1.ConfigMap{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "rollcall-system", Name: "rollcall-intake-ca"}, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// trusted reports whether a client that trusts the bundle and nothing else takes the certificate under a name at an instant.
func trusted(bundle string, serving *tls.Certificate, name string, at time.Time) error {
	roots := x509.NewCertPool()
	if bundle != "" && !roots.AppendCertsFromPEM([]byte(bundle)) {
		return fmt.Errorf("no certificate in %q", bundle)
	}
	leaf, err := x509.ParseCertificate(serving.Certificate[0])
	if err != nil {
		return err
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

func TestMint(t *testing.T) {
	c, err := mint(names, dawn)
	if err != nil {
		t.Fatal(err)
	}
	bundle := string(c.authority)
	for _, name := range names {
		if err := trusted(bundle, c.serving, name, dawn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	tests := map[string]struct {
		name string
		at   time.Time
	}{
		"another name":     {name: "kubernetes.default.svc", at: dawn},
		"too early":        {name: names[0], at: dawn.Add(-6 * time.Minute)},
		"after its end":    {name: names[0], at: dawn.Add(lifetime + time.Second)},
		"nothing of a Pod": {name: "10.0.0.1", at: dawn},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if err := trusted(bundle, c.serving, tc.name, tc.at); err == nil {
				t.Error("is trusted")
			}
		})
	}
	other, err := mint(names, dawn)
	if err != nil {
		t.Fatal(err)
	}
	if err := trusted(string(other.authority), c.serving, names[0], dawn); err == nil {
		t.Error("another authority vouches for it")
	}
}

// Over ten weeks: whoever reads the ConfigMap at least once an hour always trusts what is served, and it is
// written only when there is something new.
func TestRotation(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	clock := &handTime{now: dawn}
	tr := newTestTrust(t, c, "a", clock)
	read, versions, certificates := "", map[string]bool{}, map[string]bool{}
	readAt := time.Time{}
	for clock.now.Before(dawn.Add(10 * 7 * 24 * time.Hour)) {
		wait, err := tr.step(t.Context())
		if err != nil || wait <= 0 || wait > lookAgain {
			t.Fatalf("%s: wait %s, %v", clock.now, wait, err)
		}
		m := configMap(t, c)
		versions[m.ResourceVersion] = true
		if clock.now.Sub(readAt) >= overlap-lookAgain {
			read, readAt = m.Data[BundleKey], clock.now
		}
		serving, err := tr.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		certificates[string(serving.Certificate[0])] = true
		for name, bundle := range map[string]string{"that is fresh": m.Data[BundleKey], "that is an hour old": read} {
			if err := trusted(bundle, serving, names[0], clock.now); err != nil {
				t.Fatalf("%s, a bundle %s: %v", clock.now, name, err)
			}
		}
		if calm := tr.current.renewAt().Add(-12 * time.Hour); tr.next == nil && clock.now.Before(calm) {
			wait = 6 * time.Hour // nothing happens for long
		}
		clock.now = clock.now.Add(wait)
	}
	// A new one every 20 days, published and then, an hour later, alone.
	if len(certificates) != 4 || len(versions) != 7 {
		t.Errorf("%d certificates, the ConfigMap was written %d times", len(certificates), len(versions))
	}
}

func TestReplicasShareTheConfigMap(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	clock := &handTime{now: dawn}
	a, b := newTestTrust(t, c, "a", clock), newTestTrust(t, c, "b", clock)
	for _, tr := range []*trust{a, b, a} {
		if _, err := tr.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	bundle := configMap(t, c).Data[BundleKey]
	for _, tr := range []*trust{a, b} {
		if err := trusted(bundle, tr.current.serving, names[0], dawn); err != nil {
			t.Errorf("%s: %v", tr.replica, err)
		}
	}

	// A replica that was restarted under its name takes the place of the former one.
	again := newTestTrust(t, c, "a", clock)
	if _, err := again.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	bundle = configMap(t, c).Data[BundleKey]
	if err := trusted(bundle, a.current.serving, names[0], dawn); err == nil {
		t.Error("a process that is gone is still trusted")
	}
	if n := strings.Count(bundle, "BEGIN CERTIFICATE"); n != 2 {
		t.Errorf("%d authorities", n)
	}

	// Hand edits are put back.
	m := configMap(t, c)
	want := m.Data
	m.Data = map[string]string{"replica-b.crt": want["replica-b.crt"]}
	if err := c.Update(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := again.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, configMap(t, c).Data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBundle(t *testing.T) {
	good := func(at time.Time) string {
		c, err := mint(names, at)
		if err != nil {
			t.Fatal(err)
		}
		return string(c.authority)
	}
	own, other, expired := good(dawn), good(dawn), good(dawn.Add(-lifetime))
	tests := map[string]struct {
		data, want map[string]string
	}{
		"nothing yet":         {want: map[string]string{"replica-a.crt": own, "ca.crt": own}},
		"another replica":     {data: map[string]string{"replica-b.crt": other}, want: map[string]string{"replica-a.crt": own, "replica-b.crt": other, "ca.crt": own + other}},
		"its former word":     {data: map[string]string{"replica-a.crt": other, "ca.crt": other}, want: map[string]string{"replica-a.crt": own, "ca.crt": own}},
		"one that is over":    {data: map[string]string{"replica-b.crt": expired}, want: map[string]string{"replica-a.crt": own, "ca.crt": own}},
		"half of it is over":  {data: map[string]string{"replica-b.crt": expired + other}, want: map[string]string{"replica-a.crt": own, "replica-b.crt": other, "ca.crt": own + other}},
		"nonsense":            {data: map[string]string{"replica-b.crt": "trust me"}, want: map[string]string{"replica-a.crt": own, "ca.crt": own}},
		"text beside":         {data: map[string]string{"replica-b.crt": "# b\n" + other + "# end\n"}, want: map[string]string{"replica-a.crt": own, "replica-b.crt": other, "ca.crt": own + other}},
		"keys of other sorts": {data: map[string]string{"note": "ours"}, want: map[string]string{"note": "ours", "replica-a.crt": own, "ca.crt": own}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, bundle(tc.data, "a", own, dawn)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("too many replicas", func(t *testing.T) {
		data := map[string]string{"replica-oldest.crt": good(dawn.Add(-time.Hour))}
		for i := range maxReplicas + 3 {
			data[fmt.Sprintf("replica-%d.crt", i)] = other
		}
		got := bundle(data, "a", own, dawn)
		if n := strings.Count(got[BundleKey], "BEGIN CERTIFICATE"); n != maxReplicas || got["replica-a.crt"] != own || got["replica-oldest.crt"] != "" {
			t.Errorf("%d authorities", n)
		}
	})
}

// What cannot be published is tried again soon, and served nonetheless: some client may know it already.
func TestPublishingFails(t *testing.T) {
	clock := &handTime{now: dawn}
	present := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "rollcall-system", Name: ConfigMapName}}
	c := &failing{Client: fake.NewClientBuilder().WithObjects(present).Build()}
	tr := newTestTrust(t, c, "a", clock)
	wait, err := tr.step(t.Context())
	if err == nil || wait != publishAgain {
		t.Errorf("wait %s, %v", wait, err)
	}
	if serving, _ := tr.GetCertificate(nil); serving == nil {
		t.Error("nothing is served")
	}
	first := tr.current
	clock.now = first.renewAt()
	if _, err := tr.step(t.Context()); err == nil || tr.next == nil {
		t.Error("no successor")
	}
	clock.now = clock.now.Add(2 * overlap)
	if _, err := tr.step(t.Context()); err == nil || tr.current != first {
		t.Error("what was never published is served")
	}
	clock.now = first.notAfter
	if _, err := tr.step(t.Context()); err == nil || tr.current == first {
		t.Error("what is over is served")
	}
}
