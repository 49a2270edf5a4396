package downstream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Class says what a failure means for what comes next.
type Class string

// Classes of errors.
const (
	// Unavailable: no answer, or one that says to come later (5xx, connection refused, timeout). Retried with backoff.
	Unavailable Class = "Unavailable"
	// Throttled: too many requests (429). Retried no earlier than RetryAfter.
	Throttled Class = "Throttled"
	// Unauthorized: the credentials are refused (401, 403). Nothing more is sent until they change or a long time passed.
	Unauthorized Class = "Unauthorized"
	// Conflict: somebody else changed the record meanwhile, or one of that name exists (409, 412). Read again, then retried.
	Conflict Class = "Conflict"
	// BadRecord: the system will never take this record as it is (400, 422, too long). Put aside until it changes.
	BadRecord Class = "BadRecord"
	// TooLarge: the batch is too large (413, a limit on entries). Sent again in halves.
	TooLarge Class = "TooLarge"
	// Refused: the destination may not be spoken to (Secret not opted in, address forbidden). Nothing was sent.
	Refused Class = "Refused"
	// PinChanged: the store or model is not the one that was pinned. Nothing is written.
	PinChanged Class = "PinChanged"
)

// Error is an error of a driver. Its text holds class and code only: what a system answers may hold secrets.
type Error struct {
	Class Class
	// Code is a status or error code, such as 503 or 23505; never text that came from the system.
	Code string
	// RetryAfter is how long the system asked to be left alone; 0: it did not say.
	RetryAfter time.Duration
	// Cause is for errors.Is and As; it is never printed.
	Cause error
}

// Error returns class and code.
func (e *Error) Error() string {
	if e.Code == "" {
		return string(e.Class)
	}
	return fmt.Sprintf("%s (%s)", e.Class, e.Code)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// NewError returns an error of a class.
func NewError(class Class, code string, cause error) *Error {
	return &Error{Class: class, Code: code, Cause: cause}
}

// ClassOf returns the class of an error: Unavailable if it is not an *Error, empty for nil.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Unavailable
}

// FromStatus returns the error of an HTTP status, nil below 300. header returns a header of the response by name; now is when
// it came.
func FromStatus(status int, header func(name string) string, now time.Time) error {
	if status < 300 {
		return nil
	}
	e := &Error{Code: strconv.Itoa(status)}
	switch {
	case status == 401 || status == 403 || status == 407:
		e.Class = Unauthorized
	case status == 429:
		e.Class = Throttled
	case status == 409 || status == 412:
		e.Class = Conflict
	case status == 413:
		e.Class = TooLarge
	case status < 400: // redirects are not followed
		e.Class = Refused
	case status == 408 || status == 425 || status >= 500:
		e.Class = Unavailable
	default:
		e.Class = BadRecord
	}
	for _, name := range []string{"Retry-After", "X-Retry-After"} {
		if wait, ok := ParseRetryAfter(header(name), now); ok {
			e.RetryAfter = wait
			break
		}
	}
	return e
}

// longestWait is the most that a Retry-After may ask for: a system that says next week is asked earlier.
const longestWait = time.Hour

// ParseRetryAfter reads the value of Retry-After: seconds or an HTTP date.
func ParseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		if seconds > longestWait.Seconds() {
			return longestWait, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), longestWait), true
}
