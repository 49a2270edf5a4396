package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/automation"
)

// Path is where events for one automation are posted.
const Path = "/v1alpha1/namespaces/{namespace}/inboundautomations/{name}/events"

const (
	// maxOpenMentions is how many mentions of a namespace may wait for somebody before no further ones are made.
	maxOpenMentions = 5000
	// fullRetry is when to come again after that: mentions are resolved by people.
	fullRetry = time.Minute
	// busyRetry is when to come again after the API server could not be asked, or too much went on at once.
	busyRetry = 2 * time.Second
	// patience is how long one request may take.
	patience = 20 * time.Second
	// maxInFlight bounds what is worked on at once.
	maxInFlight = 64
)

// FieldOwner is the field manager of the mentions that the intake makes.
const FieldOwner = client.FieldOwner("rollcall-intake")

// IndexOpen is the index of a manager's cache that the intake counts open mentions by: "true" for those not settled yet.
const IndexOpen = "rollcall.dev/open"

// OpenMention is the function of IndexOpen. A mention that nobody has looked at yet is open too.
func OpenMention(o client.Object) []string {
	m, ok := o.(*rollcallv1.Mention)
	if !ok || m.Status.Phase != "" && m.Status.Phase != rollcallv1.MentionPhasePending {
		return nil
	}
	return []string{"true"}
}

// handler answers requests. It follows nothing that a body names, keeps no message and logs none.
type handler struct {
	guard   *guard
	buckets *buckets
	// cached reads what is watched anyway, and writes; live asks the API server.
	cached client.Client
	live   client.Reader
	now    func() time.Time
	log    logr.Logger
	busy   chan struct{}
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	// What there is no automation behind is a problem document too; it is not counted, since nobody was asked who sends.
	mux.HandleFunc(Path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", http.MethodPost)
		refuse(resultUnsupported, http.StatusMethodNotAllowed, "events are sent by POST").write(w)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(resultUnknown, http.StatusNotFound, "there is nothing at this path; events go to "+Path).write(w)
	})
	return mux
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	a := h.guarded(ctx, w, r, key)
	a.write(w)
	observe(a.result, time.Since(began))
	if h.log.V(1).Enabled() {
		h.log.V(1).Info("Answered", "namespace", key.Namespace, "inboundAutomation", key.Name, "result", a.result, "status", a.status)
	}
}

// guarded keeps a mistake of ours with one request from being the end of its connection without a word.
func (h *handler) guarded(ctx context.Context, w http.ResponseWriter, r *http.Request, key types.NamespacedName) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error(errPanicked, "An inbound event could not be taken in", "stack", string(debug.Stack()))
			a = later(resultUnavailable, http.StatusServiceUnavailable, busyRetry, "try again")
		}
	}()
	return h.answer(ctx, w, r, key)
}

// errPanicked stands for what was panicked with, which might quote the message.
var errPanicked = errors.New("panicked")

// answer works off one request: who, whether they may, whether there is such an automation, whether it is too much; then
// what was sent.
func (h *handler) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, key types.NamespacedName) answer {
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	default:
		return later(resultUnavailable, http.StatusServiceUnavailable, busyRetry, "too many requests are being worked on")
	}
	user, err := h.guard.authenticate(ctx, r.Header)
	if err == nil {
		err = h.guard.authorize(ctx, user, key)
	}
	if err != nil {
		return h.failure(err)
	}
	a := &rollcallv1.InboundAutomation{}
	if err := h.cached.Get(ctx, key, a); err != nil {
		return h.failure(err)
	}
	if wait := h.buckets.take(key, h.now()); wait > 0 {
		return later(resultLimited, http.StatusTooManyRequests, wait, "too many events for this automation")
	}
	event, err := readEvent(w, r)
	if err != nil {
		return h.failure(err)
	}
	out, err := h.deliver(ctx, a, event)
	if err != nil {
		return h.failure(err)
	}
	return out
}

// Errors of deliver.
var (
	errNoOrganization = errors.New("the namespace has no Organization")
	errConflict       = errors.New("a Mention of that name exists that was not made for this event")
	errFull           = fmt.Errorf("%d mentions of the namespace are open: resolve some first", maxOpenMentions)
)

// deliver has the automation decide about the event, and makes its Mention, once.
func (h *handler) deliver(ctx context.Context, a *rollcallv1.InboundAutomation, e automation.Event) (answer, error) {
	organization := &rollcallv1.Organization{}
	err := h.cached.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: rollcallv1.OrganizationName}, organization)
	if apierrors.IsNotFound(err) {
		return answer{}, errNoOrganization
	}
	if err != nil {
		return answer{}, fmt.Errorf("reading the Organization: %w", err)
	}
	around, err := h.surroundings(ctx, a, &e, &organization.Spec)
	if err != nil {
		return answer{}, err
	}
	// First of all: what was delivered before stays delivered, also where the automation was edited since, or its hours are
	// over.
	if there, err := h.exists(ctx, h.cached, a, e); there || err != nil {
		return duplicate(a, e), err
	}
	if reason := automation.Match(&a.Spec, e, around); reason != automation.Matched {
		return ok(resultUnmatched, Answer{Reason: string(reason)}), nil
	}
	m := automation.Mention(a, e)
	if m == nil {
		return ok(resultMatched, Answer{Matched: true, Actions: automation.PassedOn(&a.Spec)}), nil
	}
	return h.create(ctx, a, e, m)
}

func (h *handler) create(ctx context.Context, a *rollcallv1.InboundAutomation, e automation.Event, m *rollcallv1.Mention) (answer, error) {
	var open rollcallv1.MentionList
	err := h.cached.List(ctx, &open, client.InNamespace(a.Namespace), client.MatchingFields{IndexOpen: "true"}, client.Limit(maxOpenMentions))
	if err != nil {
		return answer{}, fmt.Errorf("counting open mentions: %w", err)
	}
	if len(open.Items) >= maxOpenMentions {
		return answer{}, errFull
	}
	err = h.cached.Create(ctx, m, FieldOwner)
	if apierrors.IsAlreadyExists(err) { // the same event at the same time, here or at another replica
		there, err := h.exists(ctx, h.live, a, e)
		if err == nil && !there {
			err = apierrors.NewServiceUnavailable("the Mention was deleted at this moment")
		}
		return duplicate(a, e), err
	}
	if err != nil {
		return answer{}, fmt.Errorf("creating Mention %s: %w", m.Name, err)
	}
	return ok(resultCreated, Answer{Matched: true, Mention: m.Name, Actions: automation.PassedOn(&a.Spec)}), nil
}

func duplicate(a *rollcallv1.InboundAutomation, e automation.Event) answer {
	return ok(resultDuplicate, Answer{
		Matched: true, Duplicate: true, Mention: automation.Name(a.Name, e.Source, e.ID), Actions: automation.PassedOn(&a.Spec),
	})
}

// exists reports whether the Mention of the event is there; errConflict says that its name is taken by another one.
func (h *handler) exists(ctx context.Context, from client.Reader, a *rollcallv1.InboundAutomation, e automation.Event) (bool, error) {
	m := &rollcallv1.Mention{}
	name := automation.Name(a.Name, e.Source, e.ID)
	err := from.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, m)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading Mention %s: %w", name, err)
	case !automation.Same(m, a.Name, e):
		return false, fmt.Errorf("%w: %s", errConflict, name)
	}
	return true, nil
}

// surroundings fills in the practice of an event on a line, refuses one that names another, and returns what is true
// around the event. Hours are read only for an automation that asks for them.
func (h *handler) surroundings(ctx context.Context, a *rollcallv1.InboundAutomation, e *automation.Event, o *rollcallv1.OrganizationSpec) (automation.Circumstances, error) {
	c := automation.Circumstances{Now: h.now()}
	if e.Profile != "" {
		p := &rollcallv1.Profile{}
		err := h.cached.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: e.Profile}, p)
		if client.IgnoreNotFound(err) != nil {
			return c, fmt.Errorf("reading Profile %s: %w", e.Profile, err)
		}
		c.ProfileExists = err == nil
		switch practice := p.Spec.PracticeName; {
		case practice == nil:
		case e.Practice == "":
			e.Practice = *practice
		case e.Practice != *practice:
			return c, &malformed{"data.practice", fmt.Sprintf("is not that of the profile, which is %q", *practice)}
		}
	}
	c.PracticeListed = slices.ContainsFunc(o.Practices, func(p rollcallv1.Practice) bool { return p.Name == e.Practice })
	if !automation.NeedsHours(&a.Spec) {
		return c, nil
	}
	var failed error
	c.Hours = automation.Hours(o, e.Practice, func(name string) *rollcallv1.Schedule {
		s := &rollcallv1.Schedule{}
		err := h.cached.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, s)
		if err == nil {
			return s
		}
		if !apierrors.IsNotFound(err) {
			failed = fmt.Errorf("reading Schedule %s: %w", name, err)
		}
		return nil
	})
	return c, failed
}

// failure turns an error into an answer. What the sender can do nothing about is logged and not told.
func (h *handler) failure(err error) answer {
	if wrong, ok := errors.AsType[*malformed](err); ok {
		a := refuse(resultMalformed, http.StatusBadRequest, wrong.Error())
		a.body = Problem{Title: http.StatusText(a.status), Status: a.status, Detail: wrong.Error(), Field: wrong.field}
		return a
	}
	switch {
	case errors.Is(err, errUnauthenticated):
		return refuse(resultUnauthenticated, http.StatusUnauthorized, err.Error())
	case errors.Is(err, errForbidden):
		return refuse(resultForbidden, http.StatusForbidden, err.Error())
	case errors.Is(err, errTooLarge):
		return refuse(resultTooLarge, http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, errUnsupported):
		return refuse(resultUnsupported, http.StatusUnsupportedMediaType, err.Error())
	case errors.Is(err, errConflict):
		return refuse(resultConflict, http.StatusConflict, err.Error())
	case errors.Is(err, errFull):
		return later(resultFull, http.StatusTooManyRequests, fullRetry, err.Error())
	case errors.Is(err, errNoOrganization):
		return later(resultUnavailable, http.StatusServiceUnavailable, fullRetry, err.Error())
	case apierrors.IsNotFound(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return refuse(resultUnknown, http.StatusNotFound, "there is no such InboundAutomation")
	}
	h.log.Error(err, "An inbound event could not be taken in")
	return later(resultUnavailable, http.StatusServiceUnavailable, busyRetry, "try again")
}
