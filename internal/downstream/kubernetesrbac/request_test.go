package kubernetesrbac

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// TestAnswers makes one request of a server that answers in a certain way: what it means, and that it is not made again.
func TestAnswers(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // nobody listens there
	status := func(code int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	hang := make(chan struct{})
	defer close(hang)
	for name, tc := range map[string]struct {
		handler   http.HandlerFunc
		want      downstream.Class
		wantCode  string
		wantAfter time.Duration
	}{
		"throttled in words": {handler: status(429, "too many", "Retry-After", "7"), want: downstream.Throttled, wantCode: "429", wantAfter: 7 * time.Second},
		"throttled in a Status": {
			handler: status(429, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests","details":{"retryAfterSeconds":9},"code":429}`, "Retry-After", "9"),
			want:    downstream.Throttled, wantCode: "429", wantAfter: 9 * time.Second,
		},
		"overloaded":            {handler: status(503, "", "Retry-After", "3"), want: downstream.Unavailable, wantCode: "503", wantAfter: 3 * time.Second},
		"failed":                {handler: status(500, "secret"), want: downstream.Unavailable, wantCode: "500"},
		"nobody":                {handler: status(401, ""), want: downstream.Unauthorized, wantCode: "401"},
		"nothing allowed":       {handler: status(403, ""), want: downstream.Unauthorized, wantCode: "403"},
		"forgotten":             {handler: status(410, ""), want: downstream.Unavailable, wantCode: "410"},
		"elsewhere":             {handler: status(307, "", "Location", "/elsewhere"), want: downstream.Refused, wantCode: "307"},
		"not what was expected": {handler: status(200, "hello"), want: downstream.Unavailable},
		"no answer":             {handler: func(http.ResponseWriter, *http.Request) { <-hang }, want: downstream.Unavailable, wantCode: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				tc.handler(w, r)
			}))
			defer server.CloseClientConnections()
			d, err := New(Config{REST: &rest.Config{Host: server.URL}, Namespace: "n"}, downstream.Options{Timeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			_, _, err = d.list(t.Context(), "")
			e, ok := errors.AsType[*downstream.Error](err)
			if !ok || e.Class != tc.want || e.Code != tc.wantCode || e.RetryAfter != tc.wantAfter {
				t.Errorf("%#v, want %s (%s) after %v", err, tc.want, tc.wantCode, tc.wantAfter)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestClose(t *testing.T) {
	begun, hang := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-hang }))
	defer server.Close()
	defer close(hang)
	d, err := New(Config{REST: &rest.Config{Host: server.URL}, Namespace: "n"}, downstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := d.Read(t.Context(), downstream.ReadRequest{Kinds: d.Capabilities().Kinds})
		done <- err
	}()
	<-begun
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; downstream.ClassOf(err) != downstream.Unavailable {
		t.Errorf("a call that was under way: %v", err)
	}
}
