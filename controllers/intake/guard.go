package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/cache"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Audience is the audience of the tokens that the intake takes.
const Audience = "rollcall.dev/intake"

// Verb is what a sender needs on the automation: RBAC on inboundautomations, by name if wanted.
const Verb = "ingest"

const (
	// rememberFor is how long a good token counts without being asked about again (API.md 5.2: at most 60 s).
	rememberFor = time.Minute
	// refuseFor is how long a bad one is refused without being asked about. Short, since a token can become good.
	refuseFor = 5 * time.Second
	// rememberedTokens bounds the memory; the least recently used are asked about again.
	rememberedTokens = 4096
)

var (
	errUnauthenticated = errors.New("a bearer token of audience " + Audience + " is needed")
	errForbidden       = errors.New("the user of this token may not send events to this automation: the verb " + Verb + " on inboundautomations is needed")
)

// Reviews asks the API server who somebody is and what they may do. The clients of TokenReview and SubjectAccessReview
// have these as their methods Create.
type Reviews struct {
	Token  func(context.Context, *authenticationv1.TokenReview, metav1.CreateOptions) (*authenticationv1.TokenReview, error)
	Access func(context.Context, *authorizationv1.SubjectAccessReview, metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error)
}

// guard decides who may send events to which automation. It remembers answers about tokens for a while, by their hash;
// whether somebody may is asked each time, so that a withdrawn right ends at once.
type guard struct {
	reviews Reviews
	// tokens: SHA-256 of the token -> *authenticationv1.UserInfo, nil for a token that is no good.
	tokens *cache.LRUExpireCache
}

// clock is a function as the clock of a cache.
type clock func() time.Time

func (c clock) Now() time.Time { return c() }

func newGuard(reviews Reviews, now func() time.Time) *guard {
	return &guard{reviews: reviews, tokens: cache.NewLRUExpireCacheWithClock(rememberedTokens, clock(now))}
}

// authenticate returns whose token a request carries, errUnauthenticated without a good one.
func (g *guard) authenticate(ctx context.Context, header http.Header) (*authenticationv1.UserInfo, error) {
	token, ok := bearer(header)
	if !ok {
		return nil, errUnauthenticated
	}
	key := sha256.Sum256([]byte(token))
	if known, ok := g.tokens.Get(key); ok {
		return verdict(known.(*authenticationv1.UserInfo))
	}
	review, err := g.reviews.Token(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("reviewing a token: %w", err)
	}
	// Where the API server does not know of audiences it lists none, and the token could be meant for anybody.
	if !review.Status.Authenticated || !slices.Contains(review.Status.Audiences, Audience) {
		g.tokens.Add(key, (*authenticationv1.UserInfo)(nil), refuseFor)
		return nil, errUnauthenticated
	}
	user := review.Status.User
	g.tokens.Add(key, &user, rememberFor)
	return &user, nil
}

func verdict(user *authenticationv1.UserInfo) (*authenticationv1.UserInfo, error) {
	if user == nil {
		return nil, errUnauthenticated
	}
	return user, nil
}

func bearer(header http.Header) (string, bool) {
	values := header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// authorize returns errForbidden unless the user has the verb on the automation, which need not exist.
func (g *guard) authorize(ctx context.Context, user *authenticationv1.UserInfo, key types.NamespacedName) error {
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	review, err := g.reviews.Access(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: key.Namespace, Verb: Verb, Group: rollcallv1.GroupVersion.Group, Version: rollcallv1.GroupVersion.Version,
			Resource: "inboundautomations", Name: key.Name,
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("reviewing the access of %s: %w", user.Username, err)
	}
	if !review.Status.Allowed || review.Status.Denied {
		return errForbidden
	}
	return nil
}
