package intake

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-dev/rollcall/internal/automation"
)

// Limits of what is taken in. The body's is that of API.md 5.2; those of names and ids are the ones of Mention.
const (
	maxBody   = 64 << 10
	maxID     = 256
	maxSource = 2048
	maxName   = 63
)

const (
	mediaJSON       = "application/json"
	mediaStructured = "application/cloudevents+json"
	mediaCloudEvent = "application/cloudevents"
)

var (
	objectName   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
	practiceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
)

// malformed is what is wrong with an event: the attribute or the field of its data, as its sender writes it, and why.
type malformed struct{ field, why string }

func (m *malformed) Error() string {
	if m.field == "" {
		return m.why
	}
	return m.field + " " + m.why
}

// errors of a request as a whole.
var (
	errTooLarge    = fmt.Errorf("the body is larger than %d bytes", maxBody)
	errUnsupported = errors.New("send one CloudEvent as application/cloudevents+json, or its data as application/json with the attributes in ce- headers; not compressed")
)

// attributes are those of a CloudEvent that matter here, in the form in which it came.
type attributes struct {
	// of returns the attribute of that name as text, false if there is none.
	of func(name string) (string, bool, error)
	// named says how the sender writes the attribute.
	named func(name string) string
}

// readEvent reads the CloudEvent in a request, in structured or binary mode. Errors are *malformed, errTooLarge
// or errUnsupported. Nothing that the event names is looked up or followed.
func readEvent(w http.ResponseWriter, r *http.Request) (automation.Event, error) {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !utf8Only(parameters) || !plain(r.Header.Values("Content-Encoding")) {
		return automation.Event{}, errUnsupported
	}
	structured := media == mediaStructured
	if !structured && (strings.HasPrefix(media, mediaCloudEvent) || !isJSON(media)) {
		return automation.Event{}, errUnsupported
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return automation.Event{}, errTooLarge
	}
	if err != nil {
		return automation.Event{}, &malformed{"", "the body ends early"}
	}
	if !utf8.Valid(body) {
		return automation.Event{}, &malformed{"", "the body is not UTF-8"}
	}
	if structured {
		return readStructured(body)
	}
	return readBinary(r.Header, body)
}

func utf8Only(parameters map[string]string) bool {
	charset, ok := parameters["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

func plain(encodings []string) bool {
	return !slices.ContainsFunc(encodings, func(e string) bool { return !strings.EqualFold(e, "identity") })
}

func isJSON(media string) bool { return media == mediaJSON || strings.HasSuffix(media, "+json") }

func readStructured(body []byte) (automation.Event, error) {
	members, err := object(body)
	if err != nil {
		return automation.Event{}, &malformed{"", "the body is not a JSON object"}
	}
	e, err := readAttributes(attributes{
		of: func(name string) (string, bool, error) {
			return text(members, name)
		},
		named: func(name string) string { return name },
	})
	if err != nil {
		return e, err
	}
	data, inline := members["data"]
	encoded, binary, err := text(members, "data_base64")
	switch {
	case err != nil:
		return e, &malformed{"data_base64", "must be a string"}
	case inline && binary:
		return e, &malformed{"data_base64", "must not stand beside data"}
	case binary:
		if data, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return e, &malformed{"data_base64", "is not base64"}
		}
		if !utf8.Valid(data) {
			return e, &malformed{"data_base64", "does not hold UTF-8"}
		}
	}
	return e, readData(data, &e)
}

func readBinary(header http.Header, body []byte) (automation.Event, error) {
	e, err := readAttributes(attributes{
		of: func(name string) (string, bool, error) {
			values := header.Values("Ce-" + name)
			if len(values) > 1 {
				return "", false, errors.New("must be there once")
			}
			if len(values) == 0 {
				return "", false, nil
			}
			value, err := headerValue(values[0])
			return value, err == nil, err
		},
		named: func(name string) string { return "ce-" + name },
	})
	if err != nil {
		return e, err
	}
	return e, readData(body, &e)
}

// headerValue undoes how the HTTP binding of CloudEvents writes an attribute: quotes, then percent-encoding.
func headerValue(v string) (string, error) {
	if strings.HasPrefix(v, `"`) {
		unquoted, ok := unquote(v)
		if !ok {
			return "", errors.New("has an opening quote without a closing one")
		}
		v = unquoted
	}
	decoded, err := url.PathUnescape(v)
	if err != nil || !utf8.ValidString(decoded) {
		return "", errors.New("is not percent-encoded UTF-8")
	}
	return decoded, nil
}

func unquote(v string) (string, bool) {
	if len(v) < 2 || !strings.HasSuffix(v, `"`) {
		return "", false
	}
	var out strings.Builder
	for inner := v[1 : len(v)-1]; inner != ""; inner = inner[1:] {
		if inner[0] == '\\' && len(inner) > 1 {
			inner = inner[1:]
		}
		out.WriteByte(inner[0])
	}
	return out.String(), true
}

// readAttributes checks all context attributes that have a meaning here; others are extensions and count for nothing.
func readAttributes(a attributes) (automation.Event, error) {
	var e automation.Event
	version, err := a.required("specversion", 8)
	if err != nil {
		return e, err
	}
	if version != "1.0" {
		return e, &malformed{a.named("specversion"), "must be 1.0"}
	}
	if e.ID, err = a.required("id", maxID); err != nil {
		return e, err
	}
	if e.Source, err = a.required("source", maxSource); err != nil {
		return e, err
	}
	if _, err := url.Parse(e.Source); err != nil {
		return e, &malformed{a.named("source"), "must be a URI reference"}
	}
	if _, err := a.required("type", maxID); err != nil {
		return e, err
	}
	return e, a.readOptional()
}

func (a attributes) required(name string, longest int) (string, error) {
	value, found, err := a.of(name)
	switch {
	case err != nil:
		return "", &malformed{a.named(name), err.Error()}
	case !found || value == "":
		return "", &malformed{a.named(name), "is missing"}
	case utf8.RuneCountInString(value) > longest:
		return "", &malformed{a.named(name), "has more than " + strconv.Itoa(longest) + " characters"}
	case strings.ContainsFunc(value, unicode.IsControl):
		return "", &malformed{a.named(name), "has control characters"}
	}
	return value, nil
}

func (a attributes) readOptional() error {
	when, found, err := a.of("time")
	if err != nil {
		return &malformed{a.named("time"), err.Error()}
	}
	if _, err := time.Parse(time.RFC3339, when); found && err != nil {
		return &malformed{a.named("time"), "is not a time of RFC 3339"}
	}
	content, found, err := a.of("datacontenttype")
	if err != nil {
		return &malformed{a.named("datacontenttype"), err.Error()}
	}
	if media, parameters, err := mime.ParseMediaType(content); found && (err != nil || !isJSON(media) || !utf8Only(parameters)) {
		return &malformed{a.named("datacontenttype"), "must be application/json"}
	}
	return nil
}

// readData reads the data of an event: what was said, where, and in which conversation. An unknown field is an error: a
// misspelt one would be an event about less than its sender means.
func readData(data []byte, e *automation.Event) error {
	if len(data) == 0 {
		return &malformed{"data", "is missing"}
	}
	members, err := object(data)
	if err != nil {
		return &malformed{"data", "is not a JSON object"}
	}
	fields := []struct {
		name     string
		to       *string
		required bool
		wrong    func(string) string
	}{
		{"conversationID", &e.ConversationID, true, wrongConversation},
		{"message", &e.Message, true, nil},
		{"practice", &e.Practice, false, wrongName(practiceName)},
		{"profile", &e.Profile, false, wrongName(objectName)},
	}
	for _, f := range fields {
		value, found, err := text(members, f.name)
		delete(members, f.name)
		switch {
		case err != nil:
			return &malformed{"data." + f.name, err.Error()}
		case !found && f.required:
			return &malformed{"data." + f.name, "is missing"}
		case !found:
			continue
		}
		if f.wrong != nil {
			if why := f.wrong(value); why != "" {
				return &malformed{"data." + f.name, why}
			}
		}
		*f.to = value
	}
	for name := range members {
		return &malformed{"data." + shortened(name), "is no field of an inbound message"}
	}
	return nil
}

func wrongConversation(id string) string {
	switch {
	case id == "":
		return "is empty"
	case utf8.RuneCountInString(id) > maxID:
		return fmt.Sprintf("has more than %d characters", maxID)
	}
	return ""
}

func wrongName(pattern *regexp.Regexp) func(string) string {
	return func(name string) string {
		if len(name) > maxName || !pattern.MatchString(name) {
			return fmt.Sprintf("is not a name: %s, at most %d characters", pattern, maxName)
		}
		return ""
	}
}

// shortened keeps what a sender wrote as a name from filling an answer.
func shortened(name string) string {
	const longest = 64
	if utf8.RuneCountInString(name) > longest {
		return string([]rune(name)[:longest]) + "…"
	}
	return name
}

func object(b []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("null")
	}
	return members, nil
}

// text returns a member that is a string; null is as good as absent.
func text(members map[string]json.RawMessage, name string) (value string, found bool, err error) {
	raw, there := members[name]
	if !there || string(raw) == "null" {
		return "", false, nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", false, errors.New("must be a string")
	}
	return value, true, nil
}
