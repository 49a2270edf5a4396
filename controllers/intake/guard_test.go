package intake

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// cluster answers reviews: tokens say who they belong to.
type cluster struct {
	tokens   map[string]authenticationv1.TokenReviewStatus
	allowed  map[string]bool // user -> may ingest
	down     error
	mu       sync.Mutex // of what follows
	asked    []string
	accesses []authorizationv1.SubjectAccessReviewSpec
}

func (c *cluster) reviews() Reviews {
	return Reviews{
		Token: func(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
			if c.down != nil {
				return nil, c.down
			}
			if diff := cmp.Diff([]string{"rollcall.dev/intake"}, r.Spec.Audiences); diff != "" {
				return nil, errors.New(diff)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.asked = append(c.asked, r.Spec.Token)
			return &authenticationv1.TokenReview{Status: c.tokens[r.Spec.Token]}, nil
		},
		Access: func(_ context.Context, r *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
			if c.down != nil {
				return nil, c.down
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.accesses = append(c.accesses, r.Spec)
			return &authorizationv1.SubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: c.allowed[r.Spec.User]}}, nil
		},
	}
}

func known(user string, audiences ...string) authenticationv1.TokenReviewStatus {
	return authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: audiences, User: authenticationv1.UserInfo{
		Username: user, UID: "u-1", Groups: []string{"senders"}, Extra: map[string]authenticationv1.ExtraValue{"k": {"v"}},
	}}
}

func newCluster() *cluster {
	return &cluster{
		tokens: map[string]authenticationv1.TokenReviewStatus{
			"good": known("crm", Audience), "both": known("crm", "other", Audience), "other": known("crm", "other"), "unaware": known("crm"),
			"idle": known("idle", Audience),
		},
		allowed: map[string]bool{"crm": true},
	}
}

func TestAuthenticate(t *testing.T) {
	tests := map[string]struct {
		authorization []string
		want          string
	}{
		"a good token":         {authorization: []string{"Bearer good"}, want: "crm"},
		"of several audiences": {authorization: []string{"bearer both"}, want: "crm"},
		"none":                 {},
		"an empty one":         {authorization: []string{"Bearer "}},
		"another scheme":       {authorization: []string{"Basic good"}},
		"two headers":          {authorization: []string{"Bearer good", "Bearer idle"}},
		"unknown":              {authorization: []string{"Bearer wrong"}},
		"of another audience":  {authorization: []string{"Bearer other"}},
		"from a server that knows of no audience": {authorization: []string{"Bearer unaware"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGuard(newCluster().reviews(), time.Now)
			user, err := g.authenticate(t.Context(), http.Header{"Authorization": tc.authorization})
			if tc.want == "" {
				if !errors.Is(err, errUnauthenticated) {
					t.Errorf("%v, %v", user, err)
				}
				return
			}
			if err != nil || user.Username != tc.want {
				t.Errorf("%v, %v", user, err)
			}
		})
	}
}

// Good tokens count for 60 s and no longer, bad ones for less; a review that failed is no answer.
func TestTokensAreRemembered(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	c := newCluster()
	g := newGuard(c.reviews(), func() time.Time { return now })
	ask := func(token string) error {
		_, err := g.authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
		return err
	}
	expect := func(what, token string, good bool, asked int) {
		t.Helper()
		c.asked = nil
		if err := ask(token); (err == nil) != good || len(c.asked) != asked {
			t.Errorf("%s: %v, asked %d times", what, err, len(c.asked))
		}
	}
	expect("first", "good", true, 1)
	delete(c.tokens, "good")
	expect("at once", "good", true, 0)
	now = now.Add(60*time.Second - time.Nanosecond)
	expect("just before 60 s", "good", true, 0)
	now = now.Add(time.Nanosecond + time.Nanosecond)
	expect("after 60 s", "good", false, 1)
	c.tokens["good"] = known("crm", Audience)
	expect("bad ones are remembered too", "good", false, 0)
	now = now.Add(refuseFor + time.Nanosecond)
	expect("for a short time", "good", true, 1)

	c.down = errors.New("down")
	if err := ask("new"); !errors.Is(err, c.down) {
		t.Errorf("%v", err)
	}
	c.down, c.tokens["new"] = nil, known("crm", Audience)
	expect("a failed review is not remembered", "new", true, 1)
}

func TestAuthorize(t *testing.T) {
	c := newCluster()
	g := newGuard(c.reviews(), time.Now)
	key := types.NamespacedName{Namespace: "fjordline", Name: "refunds"}
	user := known("crm").User
	if err := g.authorize(t.Context(), &user, key); err != nil {
		t.Error(err)
	}
	want := authorizationv1.SubjectAccessReviewSpec{
		User: "crm", UID: "u-1", Groups: []string{"senders"}, Extra: map[string]authorizationv1.ExtraValue{"k": {"v"}},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: "fjordline", Verb: "ingest", Group: "rollcall.dev", Version: "v1alpha1", Resource: "inboundautomations", Name: "refunds",
		},
	}
	if diff := cmp.Diff(want, c.accesses[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.allowed["crm"] = false
	if err := g.authorize(t.Context(), &user, key); !errors.Is(err, errForbidden) {
		t.Errorf("a right that was withdrawn ends at once: %v", err)
	}
	c.down = errors.New("down")
	if err := g.authorize(t.Context(), &user, key); !errors.Is(err, c.down) {
		t.Errorf("%v", err)
	}
}

func TestBuckets(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	b := newBuckets(2, 3)
	refunds, returns := types.NamespacedName{Namespace: "a", Name: "refunds"}, types.NamespacedName{Namespace: "b", Name: "refunds"}
	for i := range 3 {
		if wait := b.take(refunds, now); wait != 0 {
			t.Fatalf("token %d: wait %s", i, wait)
		}
	}
	for range 3 { // a refusal takes nothing
		if wait := b.take(refunds, now); wait != 500*time.Millisecond {
			t.Errorf("wait %s", wait)
		}
	}
	if wait := b.take(returns, now); wait != 0 {
		t.Errorf("another automation has its own: wait %s", wait)
	}
	if wait := b.take(refunds, now.Add(500*time.Millisecond)); wait != 0 {
		t.Errorf("wait %s", wait)
	}
	for i := range 3 * sweepAbove {
		b.take(types.NamespacedName{Namespace: "c", Name: string(rune('a'+i%26)) + time.Duration(i).String()}, now.Add(time.Duration(i)*time.Second))
	}
	if len(b.of) > sweepAbove+1 {
		t.Errorf("%d buckets are kept", len(b.of))
	}
}
