package intake

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/automation"
)

// failing refuses writes, and what else it is told to.
type failing struct {
	client.Client
	get error
}

var errRefused = errors.New("refused by the test")

func (f *failing) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if f.get != nil {
		return f.get
	}
	return f.Client.Get(ctx, key, o, opts...)
}

func (f *failing) Create(context.Context, client.Object, ...client.CreateOption) error {
	return errRefused
}

func (f *failing) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return errRefused
}

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(s), rollcallv1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func in(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// refunds is an automation for the word refund, which calls a group, answers and closes.
func refunds() *rollcallv1.InboundAutomation {
	return &rollcallv1.InboundAutomation{ObjectMeta: in("fjordline", "refunds"), Spec: rollcallv1.InboundAutomationSpec{
		Keywords: []string{"refund"},
		Actions: []rollcallv1.AutomationAction{
			{Type: rollcallv1.AutomationActionTypeMention, Mention: &rollcallv1.AutomationMention{Groups: []rollcallv1.ObjectRef{{Name: "quebecois"}}}},
			{Type: rollcallv1.AutomationActionTypeSendResponse, SendResponse: &rollcallv1.AutomationResponse{Text: "We look into it."}},
			{Type: rollcallv1.AutomationActionTypeCloseConversation},
		},
	}}
}

func organization() *rollcallv1.Organization {
	return &rollcallv1.Organization{ObjectMeta: in("fjordline", "default")}
}

// testIntake is a server that runs, with a certificate of its own, a cluster that answers reviews, and objects.
type testIntake struct {
	*cluster
	clock   *handTime
	client  client.Client
	handler *handler
	log     *record
	url     string
	web     *http.Client
	stop    context.CancelFunc
}

// record is a log that may be written and read at once.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func start(t *testing.T, objects ...client.Object) *testIntake {
	t.Helper()
	out := &testIntake{cluster: newCluster(), clock: &handTime{now: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)}, log: &record{}}
	out.client = fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(objects...).
		WithStatusSubresource(&rollcallv1.Mention{}).WithIndex(&rollcallv1.Mention{}, IndexOpen, OpenMention).Build()
	out.handler = &handler{
		guard: newGuard(out.reviews(), out.clock.Now), buckets: newBuckets(DefaultEventsPerSecond, DefaultBurst),
		cached: out.client, live: out.client, now: out.clock.Now,
		log: logr.FromSlogHandler(slog.NewTextHandler(out.log, &slog.HandlerOptions{Level: slog.Level(-9)})), busy: make(chan struct{}, maxInFlight),
	}
	own := &trust{client: out.client, namespace: "rollcall-system", replica: "a", names: names, now: time.Now, log: logr.Discard()}
	if err := own.prepare(); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out.stop = cancel
	stopped := make(chan error, 1)
	go func() {
		stopped <- (&server{options: Options{Listener: listener}, handler: out.handler, own: own}).Start(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(own.current.authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "rollcall-intake.rollcall-system.svc"}}
	t.Cleanup(transport.CloseIdleConnections)
	out.web = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	out.url = "https://" + listener.Addr().String()
	return out
}

// reply is an answer as its sender sees it.
type reply struct {
	status int
	header http.Header
	Answer
	Problem
}

func (s *testIntake) post(t *testing.T, token, path, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/cloudevents+json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(t, r)
}

func (s *testIntake) do(t *testing.T, r *http.Request) reply {
	t.Helper()
	response, err := s.web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: response.StatusCode, header: response.Header}
	var to any = &out.Problem
	if out.status == http.StatusOK {
		to = &out.Answer
	}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, to); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	return out
}

const refundsPath = "/v1alpha1/namespaces/fjordline/inboundautomations/refunds/events"

func event(id, message string) string {
	return fmt.Sprintf(`{"specversion": "1.0", "id": %q, "source": "/crm", "type": "t", "data": {"conversationID": "c-1", "message": %q}}`, id, message)
}

func (s *testIntake) mentions(t *testing.T) []rollcallv1.Mention {
	t.Helper()
	var list rollcallv1.MentionList
	if err := s.client.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// S-94, A-14: the same event twice makes one Mention, another event a second one.
func TestEventsMakeMentionsOnce(t *testing.T) {
	s := start(t, organization(), refunds())
	first := s.post(t, "good", refundsPath, event("e-1", "A refund, please"))
	want := Answer{Matched: true, Mention: automation.Name("refunds", "/crm", "e-1"), Actions: refunds().Spec.Actions[1:]}
	if diff := cmp.Diff(want, first.Answer); first.status != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", first.status, diff)
	}
	want.Duplicate = true
	again := s.post(t, "good", refundsPath, event("e-1", "A refund, please"))
	if diff := cmp.Diff(want, again.Answer); again.status != http.StatusOK || diff != "" {
		t.Errorf("again: %d (-want +got):\n%s", again.status, diff)
	}
	if got := s.mentions(t); len(got) != 1 || got[0].Name != want.Mention || got[0].Spec.Source.Type != rollcallv1.MentionSourceTypeAutomation {
		t.Errorf("%+v", got)
	}
	if other := s.post(t, "good", refundsPath, event("e-2", "A refund, please")); other.status != http.StatusOK || other.Duplicate {
		t.Errorf("%+v", other)
	}
	if got := s.mentions(t); len(got) != 2 {
		t.Errorf("%d mentions", len(got))
	}
}

// what was delivered stays delivered, whatever became of the automation.
func TestRedeliveryAfterAnEdit(t *testing.T) {
	s := start(t, organization(), refunds())
	s.post(t, "good", refundsPath, event("e-1", "refund"))
	a := &rollcallv1.InboundAutomation{}
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: "fjordline", Name: "refunds"}, a); err != nil {
		t.Fatal(err)
	}
	a.Spec.State = rollcallv1.SwitchDisabled
	if err := s.client.Update(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK || !r.Duplicate {
		t.Errorf("%+v", r)
	}
	if r := s.post(t, "good", refundsPath, event("e-2", "refund")); r.status != http.StatusOK || r.Matched || r.Reason != "Disabled" {
		t.Errorf("%+v", r)
	}
}

// S-94, A-14: of many deliveries at once, to one replica or several, one makes the Mention.
func TestDeliveriesAtOnce(t *testing.T) {
	s := start(t, organization(), refunds())
	// This replica's cache knows of no Mention yet.
	s.handler.cached = blind{s.client}
	var together sync.WaitGroup
	results := make(chan reply, 20)
	for range cap(results) {
		together.Go(func() { results <- s.post(t, "good", refundsPath, event("e-1", "refund")) })
	}
	together.Wait()
	close(results)
	created := 0
	for r := range results {
		if r.status != http.StatusOK || !r.Matched {
			t.Errorf("%+v", r)
		}
		if !r.Duplicate {
			created++
		}
	}
	if got := s.mentions(t); created != 1 || len(got) != 1 {
		t.Errorf("created %d times, %d mentions", created, len(got))
	}
}

// blind reads no Mention, as a cache that lags.
type blind struct{ client.Client }

func (b blind) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if _, ok := o.(*rollcallv1.Mention); ok {
		return apierrors.NewNotFound(rollcallv1.GroupVersion.WithResource("mentions").GroupResource(), key.Name)
	}
	return b.Client.Get(ctx, key, o, opts...)
}

func TestANameThatIsTaken(t *testing.T) {
	name := automation.Name("refunds", "/crm", "e-1")
	for what, source := range map[string]*rollcallv1.MentionSource{
		"by another event": {Type: rollcallv1.MentionSourceTypeAutomation, AutomationRef: &rollcallv1.ObjectRef{Name: "refunds"}, EventID: new("e-0")},
		"by a person":      {Type: rollcallv1.MentionSourceTypeManual},
	} {
		for cache, wrap := range map[string]func(client.Client) client.Client{
			"known": func(c client.Client) client.Client { return c }, "not known yet": func(c client.Client) client.Client { return blind{c} },
		} {
			t.Run(what+", "+cache, func(t *testing.T) {
				s := start(t, organization(), refunds(), &rollcallv1.Mention{ObjectMeta: in("fjordline", name), Spec: rollcallv1.MentionSpec{Source: source}})
				s.handler.cached = wrap(s.client)
				if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusConflict || !strings.Contains(r.Detail, name) {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

func TestAnswers(t *testing.T) {
	office := &rollcallv1.Schedule{ObjectMeta: in("fjordline", "office"), Spec: rollcallv1.ScheduleSpec{Mode: rollcallv1.ScheduleModeAlwaysClosed}}
	north := &rollcallv1.Profile{ObjectMeta: in("fjordline", "line-1"), Spec: rollcallv1.ProfileSpec{PracticeName: new("north")}}
	onLine := strings.Replace(event("e-1", "refund"), `"message"`, `"profile": "line-1", "message"`, 1)
	tests := map[string]struct {
		token, path, body string
		spec              func(*rollcallv1.InboundAutomationSpec)
		objects           []client.Object
		alone             bool // without an Organization
		wantStatus        int
		want              Answer
		wantField         string
		wantRetry         bool
	}{
		"no token":                          {wantStatus: 401},
		"a token of another audience":       {token: "other", wantStatus: 401},
		"somebody who may not":              {token: "idle", wantStatus: 403},
		"who may not, and there is nothing": {token: "idle", path: strings.Replace(refundsPath, "refunds", "nothing", 1), wantStatus: 403},
		"an automation that is not there":   {token: "good", path: strings.Replace(refundsPath, "refunds", "nothing", 1), wantStatus: 404},
		"of another namespace":              {token: "good", path: strings.Replace(refundsPath, "fjordline", "elsewhere", 1), wantStatus: 404},
		"another path":                      {token: "good", path: "/v1alpha1", wantStatus: 404},
		"a body that is too large":          {token: "good", body: event("e-1", strings.Repeat("x", 64<<10)), wantStatus: 413},
		"a large body of somebody unknown":  {body: event("e-1", strings.Repeat("x", 64<<10)), wantStatus: 401},
		"no event":                          {token: "good", body: "refund", wantStatus: 400},
		"an event without an id":            {token: "good", body: event("", "refund"), wantStatus: 400, wantField: "id"},
		"no Organization":                   {token: "good", body: event("e-1", "refund"), alone: true, wantStatus: 503, wantRetry: true},
		"another word":                      {token: "good", body: event("e-1", "refunds"), wantStatus: 200, want: Answer{Reason: "Keywords"}},
		"another line":                      {token: "good", body: onLine, spec: func(s *rollcallv1.InboundAutomationSpec) { s.Profiles = []rollcallv1.ObjectRef{{Name: "line-2"}} }, wantStatus: 200, want: Answer{Reason: "Profiles"}},
		"the practice of its line": {
			token: "good", body: onLine, objects: []client.Object{north}, wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) {
				s.Practices, s.Actions = []rollcallv1.AutomationPractice{{Name: "north"}}, s.Actions[2:]
			},
			want: Answer{Matched: true, Actions: refunds().Spec.Actions[2:]},
		},
		"a practice that is not listed": {
			token: "good", body: strings.Replace(event("e-1", "refund"), `"message"`, `"practice": "west", "message"`, 1), wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) {
				s.Practices = []rollcallv1.AutomationPractice{{Name: "west"}}
			},
			want: Answer{Reason: "Practices"},
		},
		"its line is not there yet": {
			token: "good", body: onLine, wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) { s.Profiles = []rollcallv1.ObjectRef{{Name: "line-1"}} },
			want: Answer{Reason: "Profiles"},
		},
		"the practice of a line that is not there yet": {
			token: "good", body: onLine, wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) {
				s.Practices = []rollcallv1.AutomationPractice{{Name: "north"}}
			},
			want: Answer{Reason: "Practices"},
		},
		"a practice that is not its line's": {
			token: "good", body: strings.Replace(onLine, `"message"`, `"practice": "south", "message"`, 1), objects: []client.Object{north}, wantStatus: 400, wantField: "data.practice",
		},
		"after hours": {
			token: "good", body: event("e-1", "refund"), objects: []client.Object{office}, wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) { s.When = rollcallv1.AutomationWhenDuringHours },
			want: Answer{Reason: "When"},
		},
		"nothing to mention": {
			token: "good", body: event("e-1", "refund"), wantStatus: 200,
			spec: func(s *rollcallv1.InboundAutomationSpec) { s.Actions = s.Actions[1:2] },
			want: Answer{Matched: true, Actions: refunds().Spec.Actions[1:2]},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := refunds()
			if tc.spec != nil {
				tc.spec(&a.Spec)
			}
			objects := append(tc.objects, a)
			if !tc.alone {
				o := organization()
				o.Spec.Practices = []rollcallv1.Practice{{Name: "north"}, {Name: "south"}}
				o.Spec.ScheduleRef = &rollcallv1.ObjectRef{Name: "office"}
				objects = append(objects, o)
			}
			s := start(t, objects...)
			path, body := tc.path, tc.body
			if path == "" {
				path = refundsPath
			}
			if body == "" {
				body = event("e-1", "refund")
			}
			r := s.post(t, tc.token, path, body)
			if r.status != tc.wantStatus || r.Field != tc.wantField || (r.header.Get("Retry-After") != "") != tc.wantRetry {
				t.Errorf("%d %s, Retry-After %q", r.status, r.Detail, r.header.Get("Retry-After"))
			}
			if diff := cmp.Diff(tc.want, r.Answer); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := s.mentions(t); len(got) != 0 {
				t.Errorf("%+v", got)
			}
			if asks := r.header.Get("WWW-Authenticate"); (asks != "") != (r.status == 401) {
				t.Errorf("WWW-Authenticate: %q", asks)
			}
		})
	}
}

// S-94: an empty bucket answers 429, and says when to come again; another automation has a bucket of its own.
func TestTheBucketIsEmpty(t *testing.T) {
	other := refunds()
	other.Name = "returns"
	s := start(t, organization(), refunds(), other)
	for range DefaultBurst {
		if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK {
			t.Fatalf("%+v", r)
		}
	}
	for range 2 {
		if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "1" {
			t.Errorf("%+v", r)
		}
	}
	if r := s.post(t, "idle", refundsPath, event("e-1", "refund")); r.status != http.StatusForbidden {
		t.Errorf("who may not learns nothing of the bucket: %+v", r)
	}
	if r := s.post(t, "good", strings.Replace(refundsPath, "refunds", "returns", 1), event("e-9", "refund")); r.status != http.StatusOK {
		t.Errorf("%+v", r)
	}
	s.clock.now = s.clock.now.Add(time.Second / DefaultEventsPerSecond)
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK {
		t.Errorf("%+v", r)
	}
}

// S-94: with 5,000 open mentions in the namespace there is no further one; what came before is still known.
func TestTooManyOpenMentions(t *testing.T) {
	objects := []client.Object{organization(), refunds()}
	for i := range maxOpenMentions - 1 {
		m := &rollcallv1.Mention{ObjectMeta: in("fjordline", "m-"+strconv.Itoa(i))}
		if i%2 == 0 {
			m.Status.Phase = rollcallv1.MentionPhasePending
		}
		objects = append(objects, m)
	}
	for i := range 100 {
		objects = append(objects,
			&rollcallv1.Mention{ObjectMeta: in("fjordline", "done-"+strconv.Itoa(i)), Status: rollcallv1.MentionStatus{Phase: rollcallv1.MentionPhaseResolved}},
			&rollcallv1.Mention{ObjectMeta: in("elsewhere", "m-"+strconv.Itoa(i))})
	}
	s := start(t, objects...)
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK {
		t.Fatalf("%+v", r)
	}
	if r := s.post(t, "good", refundsPath, event("e-2", "refund")); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "60" {
		t.Errorf("%+v", r)
	}
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK || !r.Duplicate {
		t.Errorf("%+v", r)
	}
	if r := s.post(t, "good", refundsPath, event("e-2", "hello")); r.status != http.StatusOK {
		t.Errorf("what makes no mention is answered as ever: %+v", r)
	}
	var m rollcallv1.Mention
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: "fjordline", Name: "m-0"}, &m); err != nil {
		t.Fatal(err)
	}
	m.Status.Phase = rollcallv1.MentionPhaseExpired
	if err := s.client.Status().Update(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	if r := s.post(t, "good", refundsPath, event("e-2", "refund")); r.status != http.StatusOK || r.Duplicate {
		t.Errorf("%+v", r)
	}
}

// What the API server does not answer is 503, told without details; nothing that was sent is in the log, nor the token.
func TestTrouble(t *testing.T) {
	tests := map[string]func(*testIntake){
		"reviews fail": func(s *testIntake) { s.down = errRefused },
		"reads fail":   func(s *testIntake) { s.handler.cached = &failing{Client: s.client, get: errRefused} },
		"writes fail":  func(s *testIntake) { s.handler.cached = &failing{Client: s.client} },
		"we panic":     func(s *testIntake) { s.handler.cached = nil },
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, organization(), refunds())
			breakIt(s)
			r := s.post(t, "good", refundsPath, event("e-1", "my s3cr3t refund"))
			if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || strings.Contains(r.Detail, "refused by") {
				t.Errorf("%+v", r)
			}
			if log := s.log.String(); !strings.Contains(log, "could not be taken in") || strings.Contains(log, "s3cr3t") || strings.Contains(log, "good") {
				t.Error(log)
			}
		})
	}
}

func TestTooManyAtOnce(t *testing.T) {
	s := start(t, organization(), refunds())
	for range maxInFlight {
		s.handler.busy <- struct{}{}
	}
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "2" {
		t.Errorf("%+v", r)
	}
	<-s.handler.busy
	if r := s.post(t, "good", refundsPath, event("e-1", "refund")); r.status != http.StatusOK {
		t.Errorf("%+v", r)
	}
}

func TestBinaryModeAndMethods(t *testing.T) {
	s := start(t, organization(), refunds())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+refundsPath, strings.NewReader(`{"conversationID": "c-1", "message": "refund"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range with(binary, "Authorization", "Bearer good") {
		r.Header.Set(name, value)
	}
	if got := s.do(t, r); got.status != http.StatusOK || got.Mention == "" {
		t.Errorf("%+v", got)
	}
	if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+refundsPath, nil); err != nil {
		t.Fatal(err)
	}
	got := s.do(t, r)
	if got.status != http.StatusMethodNotAllowed || got.Status != got.status || got.header.Get("Allow") != http.MethodPost {
		t.Errorf("%+v", got)
	}
	if got = s.post(t, "good", "/v1alpha1/elsewhere", event("e-1", "refund")); got.status != http.StatusNotFound || got.Status != got.status {
		t.Errorf("%+v", got)
	}
	if r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+refundsPath, nil); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 2*maxHeader))
	if got := s.do(t, r); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%+v", got)
	}
}

// TLS only, 1.2 or newer.
func TestPlaintextAndOldTLS(t *testing.T) {
	s := start(t)
	transport := s.web.Transport.(*http.Transport)
	old := transport.TLSClientConfig.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if c, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "https://")); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Replace(s.url, "https", "http", 1)+refundsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.do(t, r); got.status != http.StatusBadRequest {
		t.Errorf("%+v", got)
	}
}

// counted returns how many requests had a result so far.
func counted(t *testing.T, r result) float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "rollcall_intake_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == string(r) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestMetrics(t *testing.T) {
	s := start(t, organization(), refunds())
	before := map[result]float64{}
	all := []result{resultCreated, resultDuplicate, resultUnmatched, resultMalformed, resultUnauthenticated, resultForbidden, resultUnknown}
	for _, r := range all {
		before[r] = counted(t, r)
	}
	s.post(t, "good", refundsPath, event("e-1", "refund"))
	s.post(t, "good", refundsPath, event("e-1", "refund"))
	s.post(t, "good", refundsPath, event("e-1x", "hello"))
	s.post(t, "good", refundsPath, "{}")
	s.post(t, "", refundsPath, "{}")
	s.post(t, "idle", refundsPath, "{}")
	s.post(t, "good", strings.Replace(refundsPath, "refunds", "nothing", 1), "{}")
	for _, r := range all {
		if got := counted(t, r) - before[r]; got != 1 {
			t.Errorf("%s: %v", r, got)
		}
	}
}

// Requests under way are finished when the manager stops.
func TestGracefulStop(t *testing.T) {
	s := start(t, organization(), refunds())
	release, entered := make(chan struct{}), make(chan struct{})
	s.handler.cached = &slow{Client: s.client, entered: entered, release: release}
	got := make(chan reply, 1)
	go func() { got <- s.post(t, "good", refundsPath, event("e-1", "refund")) }()
	<-entered
	s.stop()
	close(release)
	if r := <-got; r.status != http.StatusOK {
		t.Errorf("%+v", r)
	}
}

// slow waits inside of a creation.
type slow struct {
	client.Client
	entered, release chan struct{}
}

func (s *slow) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	close(s.entered)
	<-s.release
	return s.Client.Create(ctx, o, opts...)
}
