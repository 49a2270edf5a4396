package intake

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ConfigMapName is the ConfigMap, in the operator's namespace, that says what to trust; BundleKey is its key with the
// certificates of all authorities, for clients. Its other keys belong to one replica each.
const (
	ConfigMapName = "rollcall-intake-ca"
	BundleKey     = "ca.crt"
)

const (
	// overlap is how long the next authority is published before anything is signed by it: whoever mounts the ConfigMap sees
	// it within minutes.
	overlap = time.Hour
	// lookAgain is how long a ConfigMap that somebody edited stays so.
	lookAgain = 10 * time.Minute
	// publishAgain is when to try again after it could not be written.
	publishAgain = 15 * time.Second
	// maxReplicas bounds the ConfigMap when replicas come and go under ever new names.
	maxReplicas = 32

	replicaPrefix, replicaSuffix = "replica-", ".crt"
)

// trust keeps a certificate to serve with, and publishes the authority that clients know it by. Each replica has its own,
// since no key ever leaves a process: the operator reads and writes no Secret.
type trust struct {
	client    client.Client // without a cache
	namespace string
	replica   string
	names     []string
	now       func() time.Time
	log       logr.Logger

	mu      sync.RWMutex
	current *credential

	// next replaces current when it has been published for long enough. Only step touches these.
	next      *credential
	published time.Time
}

// GetCertificate is that of tls.Config.
func (t *trust) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.current.serving, nil
}

// prepare makes the first certificate, so that there is one before the first request.
func (t *trust) prepare() error {
	c, err := mint(t.names, t.now())
	if err != nil {
		return err
	}
	t.use(c)
	return nil
}

func (t *trust) use(c *credential) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = c
}

// run publishes and renews until the context ends.
func (t *trust) run(ctx context.Context) {
	for {
		wait, err := t.step(ctx)
		if err != nil && ctx.Err() == nil {
			t.log.Error(err, "Clients cannot know the certificate of the intake yet", "configMap", ConfigMapName)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// step does what is due and returns when to come again, however it ended.
func (t *trust) step(ctx context.Context) (time.Duration, error) {
	now := t.now()
	if t.next == nil && !now.Before(t.current.renewAt()) {
		c, err := mint(t.names, now)
		if err != nil {
			return publishAgain, err
		}
		t.next, t.published = c, time.Time{}
	}
	// Nobody may be served with what is not published, and what is about to expire helps nobody.
	if t.next != nil && (!t.published.IsZero() && now.Sub(t.published) >= overlap || !now.Before(t.current.notAfter)) {
		t.use(t.next)
		t.next = nil
	}
	own := slices.Clone(t.current.authority)
	if t.next != nil {
		own = append(own, t.next.authority...)
	}
	if err := t.publish(ctx, string(own)); err != nil {
		return publishAgain, err
	}
	if t.next != nil && t.published.IsZero() {
		t.published = now
	}
	due := t.current.renewAt()
	if t.next != nil {
		due = t.published.Add(overlap)
	}
	return max(time.Second, min(lookAgain, due.Sub(now))), nil
}

// publish makes the ConfigMap say what this replica is to be trusted by, beside what others say.
func (t *trust) publish(ctx context.Context, own string) error {
	// Replicas start at the same time: whoever comes second reads again.
	err := retry.OnError(retry.DefaultBackoff, func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }, func() error {
		live := &corev1.ConfigMap{}
		err := t.client.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: ConfigMapName}, live)
		absent := apierrors.IsNotFound(err)
		if err != nil && !absent {
			return err
		}
		data := bundle(live.Data, t.replica, own, t.now())
		if maps.Equal(data, live.Data) {
			return nil
		}
		live.Data = data
		if absent {
			live.Namespace, live.Name = t.namespace, ConfigMapName
			live.Labels = map[string]string{"app.kubernetes.io/name": "rollcall", "app.kubernetes.io/component": "intake"}
			return t.client.Create(ctx, live, FieldOwner)
		}
		return t.client.Update(ctx, live, FieldOwner)
	})
	if err != nil {
		return fmt.Errorf("publishing ConfigMap %s in namespace %s: %w", ConfigMapName, t.namespace, err)
	}
	return nil
}

// bundle returns the data of the ConfigMap after a replica's word: its own authorities, those of others that are still
// good, and all together. Keys of other sorts are left alone.
func bundle(data map[string]string, replica, own string, now time.Time) map[string]string {
	out := maps.Clone(data)
	if out == nil {
		out = map[string]string{}
	}
	type entry struct {
		key   string
		until time.Time
	}
	var others []entry
	for key, value := range data {
		if !strings.HasPrefix(key, replicaPrefix) || !strings.HasSuffix(key, replicaSuffix) || key == replicaKey(replica) {
			continue
		}
		text, until := good(value, now)
		if text == "" {
			delete(out, key)
			continue
		}
		out[key] = text
		others = append(others, entry{key, until})
	}
	slices.SortFunc(others, func(a, b entry) int { return cmp.Or(b.until.Compare(a.until), cmp.Compare(a.key, b.key)) })
	for _, e := range others[min(len(others), maxReplicas-1):] {
		delete(out, e.key)
	}
	out[replicaKey(replica)] = own
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(out)) {
		if strings.HasPrefix(key, replicaPrefix) && strings.HasSuffix(key, replicaSuffix) {
			all.WriteString(out[key])
		}
	}
	out[BundleKey] = all.String()
	return out
}

func replicaKey(replica string) string { return replicaPrefix + replica + replicaSuffix }

// good returns the certificates of a text that are still good, and until when the last of them is.
func good(text string, now time.Time) (string, time.Time) {
	var out strings.Builder
	var until time.Time
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out.String(), until
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil || !now.Before(c.NotAfter) {
			continue
		}
		out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		if c.NotAfter.After(until) {
			until = c.NotAfter
		}
	}
}
