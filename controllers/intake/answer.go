package intake

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Answer is the body of an answer with status 200.
type Answer struct {
	// Matched says whether the automation is meant by the event; Reason is why not: Disabled, Practices, Profiles, Keywords
	// or When, after the field of the automation that keeps it away.
	Matched bool   `json:"matched"`
	Reason  string `json:"reason,omitempty"`
	// Duplicate says that the event had come before; nothing was changed this time.
	Duplicate bool `json:"duplicate,omitempty"`
	// Mention is the name of the Mention of the event.
	Mention string `json:"mention,omitempty"`
	// Actions are for the sender to carry out, in this order, as they stand in the automation. With Duplicate they are the
	// same as the first time unless the automation was edited since.
	Actions []rollcallv1.AutomationAction `json:"actions,omitempty"`
}

// Problem is the body of any other answer, in the form of RFC 9457.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Field is the attribute or the field of the data that is malformed, as the sender wrote it.
	Field string `json:"field,omitempty"`
}

// answer is what is sent back, and counted.
type answer struct {
	result result
	status int
	body   any
	// retryAfter asks the sender to come again then; 0 does not.
	retryAfter time.Duration
}

func ok(r result, body Answer) answer { return answer{result: r, status: http.StatusOK, body: body} }

func refuse(r result, status int, detail string) answer {
	return answer{result: r, status: status, body: Problem{Title: http.StatusText(status), Status: status, Detail: detail}}
}

func later(r result, status int, after time.Duration, detail string) answer {
	a := refuse(r, status, detail)
	a.retryAfter = after
	return a
}

func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if a.status == http.StatusOK {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(a.retryAfter.Seconds())))))
	}
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="`+Audience+`"`)
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // who asked may be gone
}
