package intake

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/automation"
)

const (
	sampleData  = `{"conversationID": "c-1", "message": "A refund, please", "practice": "north", "profile": "line-1"}`
	sampleEvent = `{"specversion": "1.0", "id": "e-1", "source": "/crm", "type": "com.example.message", "data": ` + sampleData + `}`
)

var wantSample = automation.Event{Source: "/crm", ID: "e-1", ConversationID: "c-1", Message: "A refund, please", Practice: "north", Profile: "line-1"}

func request(headers map[string]string, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

func read(r *http.Request) (automation.Event, error) { return readEvent(httptest.NewRecorder(), r) }

func with(headers map[string]string, more ...string) map[string]string {
	out := maps.Clone(headers)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

var (
	structured = map[string]string{"Content-Type": "application/cloudevents+json"}
	binary     = map[string]string{"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/crm", "ce-type": "com.example.message"}
)

func TestReadEvent(t *testing.T) {
	tests := map[string]struct {
		headers map[string]string
		body    string
		want    func(*automation.Event)
	}{
		"structured": {headers: structured, body: sampleEvent},
		"structured, with a charset": {
			headers: with(structured, "Content-Type", "application/cloudevents+json; charset=UTF-8"), body: sampleEvent,
		},
		"structured, data as base64": {
			headers: structured,
			body:    `{"specversion":"1.0","id":"e-1","source":"/crm","type":"t","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(sampleData)) + `"}`,
		},
		"structured, with all that CloudEvents has, and extensions": {
			headers: structured,
			body: `{"specversion":"1.0","id":"e-1","source":"/crm","type":"t","time":"2027-03-01T09:00:00Z","datacontenttype":"application/json",
				"dataschema":"https://example.com/schema","subject":"s","traceparent":"00-1","n":1,"data":` + sampleData + `}`,
		},
		"binary": {headers: binary, body: sampleData},
		"binary, with all that CloudEvents has, and extensions": {
			headers: with(binary, "ce-time", "2027-03-01T09:00:00.5+02:00", "ce-subject", "s", "ce-traceparent", "00-1"), body: sampleData,
		},
		"binary, percent-encoded": {
			headers: with(binary, "ce-id", "caf%C3%A9%20%25"), body: sampleData, want: func(e *automation.Event) { e.ID = "café %" },
		},
		"binary, quoted": {
			headers: with(binary, "ce-id", `"a \"b\" \\c"`), body: sampleData, want: func(e *automation.Event) { e.ID = `a "b" \c` },
		},
		"binary, a type of data that is JSON": {
			headers: with(binary, "Content-Type", "application/vnd.example+json"), body: sampleData,
		},
		"only what must be": {
			headers: binary, body: `{"conversationID": "c-1", "message": "", "practice": null}`,
			want: func(e *automation.Event) { e.Message, e.Practice, e.Profile = "", "", "" },
		},
		"characters that JSON escapes": {
			headers: binary, body: `{"conversationID": "c-1", "message": "caf\u00e9\n\ud83d\ude00"}`,
			want: func(e *automation.Event) { e.Message, e.Practice, e.Profile = "café\n😀", "", "" },
		},
		"as much as there may be": {
			headers: binary, body: `{"conversationID": "c-1", "message": "` + strings.Repeat("x", maxBody-len(`{"conversationID": "c-1", "message": ""}`)) + `"}`,
			want: func(e *automation.Event) {
				e.Message, e.Practice, e.Profile = strings.Repeat("x", maxBody-len(`{"conversationID": "c-1", "message": ""}`)), "", ""
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			want := wantSample
			if tc.want != nil {
				tc.want(&want)
			}
			got, err := read(request(tc.headers, tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadEventRefuses(t *testing.T) {
	event := func(replace, by string) string {
		out := strings.Replace(sampleEvent, replace, by, 1)
		if out == sampleEvent {
			t.Fatalf("%s is not in the sample", replace)
		}
		return out
	}
	data := func(replace, by string) string {
		out := strings.Replace(sampleData, replace, by, 1)
		if out == sampleData {
			t.Fatalf("%s is not in the sample", replace)
		}
		return out
	}
	tests := map[string]struct {
		headers   map[string]string
		body      string
		wantField string
		want      error
	}{
		"no type of content":          {headers: map[string]string{}, body: sampleEvent, want: errUnsupported},
		"a form":                      {headers: with(binary, "Content-Type", "application/x-www-form-urlencoded"), body: sampleData, want: errUnsupported},
		"a batch":                     {headers: map[string]string{"Content-Type": "application/cloudevents-batch+json"}, body: "[" + sampleEvent + "]", want: errUnsupported},
		"another format":              {headers: map[string]string{"Content-Type": "application/cloudevents+avro"}, body: sampleEvent, want: errUnsupported},
		"another charset":             {headers: with(structured, "Content-Type", "application/cloudevents+json; charset=utf-16"), body: sampleEvent, want: errUnsupported},
		"compressed":                  {headers: with(structured, "Content-Encoding", "gzip"), body: sampleEvent, want: errUnsupported},
		"a byte too much":             {headers: structured, body: sampleEvent + strings.Repeat(" ", maxBody+1-len(sampleEvent)), want: errTooLarge},
		"far too much":                {headers: structured, body: strings.Repeat("x", 1<<20), want: errTooLarge},
		"no body":                     {headers: structured},
		"not JSON":                    {headers: structured, body: "refund"},
		"a list":                      {headers: structured, body: "[]"},
		"null":                        {headers: structured, body: "null"},
		"not UTF-8":                   {headers: structured, body: event("A refund", "A \xff refund")},
		"two events":                  {headers: structured, body: sampleEvent + sampleEvent},
		"no version":                  {headers: structured, body: event(`"specversion": "1.0", `, ""), wantField: "specversion"},
		"another version":             {headers: structured, body: event(`"1.0"`, `"0.3"`), wantField: "specversion"},
		"no id":                       {headers: structured, body: event(`"id": "e-1", `, ""), wantField: "id"},
		"an empty id":                 {headers: structured, body: event(`"e-1"`, `""`), wantField: "id"},
		"an id that is a number":      {headers: structured, body: event(`"e-1"`, `1`), wantField: "id"},
		"an id that is too long":      {headers: structured, body: event("e-1", strings.Repeat("x", 257)), wantField: "id"},
		"an id with a NUL":            {headers: structured, body: event("e-1", `e\u0000`), wantField: "id"},
		"no source":                   {headers: structured, body: event(`"source": "/crm", `, ""), wantField: "source"},
		"a source that is no URI":     {headers: structured, body: event("/crm", "%zz"), wantField: "source"},
		"a source that is too long":   {headers: structured, body: event("/crm", strings.Repeat("x", 2049)), wantField: "source"},
		"no type":                     {headers: structured, body: event(`"type": "com.example.message", `, ""), wantField: "type"},
		"a time that is none":         {headers: structured, body: event(`"id"`, `"time": "yesterday", "id"`), wantField: "time"},
		"data of another type":        {headers: structured, body: event(`"id"`, `"datacontenttype": "text/plain", "id"`), wantField: "datacontenttype"},
		"no data":                     {headers: structured, body: event(`, "data": `+sampleData, ""), wantField: "data"},
		"data that is a text":         {headers: structured, body: event(sampleData, `"refund"`), wantField: "data"},
		"data twice":                  {headers: structured, body: event(`"data"`, `"data_base64": "e30=", "data"`), wantField: "data_base64"},
		"data that is no base64":      {headers: structured, body: event(`"data": `+sampleData, `"data_base64": "?"`), wantField: "data_base64"},
		"base64 that is no UTF-8":     {headers: structured, body: event(`"data": `+sampleData, `"data_base64": "/w=="`), wantField: "data_base64"},
		"attributes in another case":  {headers: structured, body: event(`"id"`, `"ID"`), wantField: "id"},
		"binary without attributes":   {headers: map[string]string{"Content-Type": "application/json"}, body: sampleData, wantField: "ce-specversion"},
		"binary without an id":        {headers: with(binary, "ce-id", ""), body: sampleData, wantField: "ce-id"},
		"binary, an open quote":       {headers: with(binary, "ce-id", `"e-1`), body: sampleData, wantField: "ce-id"},
		"binary, a broken escape":     {headers: with(binary, "ce-id", "%zz"), body: sampleData, wantField: "ce-id"},
		"binary, no UTF-8 in escapes": {headers: with(binary, "ce-id", "%ff"), body: sampleData, wantField: "ce-id"},
		"binary without data":         {headers: binary, wantField: "data"},
		"no conversation":             {headers: binary, body: data(`"conversationID": "c-1", `, ""), wantField: "data.conversationID"},
		"an empty conversation":       {headers: binary, body: data("c-1", ""), wantField: "data.conversationID"},
		"a conversation too long":     {headers: binary, body: data("c-1", strings.Repeat("x", 257)), wantField: "data.conversationID"},
		"no message":                  {headers: binary, body: data(`"message": "A refund, please", `, ""), wantField: "data.message"},
		"a message that is a number":  {headers: binary, body: data(`"A refund, please"`, "5"), wantField: "data.message"},
		"a practice that is no name":  {headers: binary, body: data("north", "North Side"), wantField: "data.practice"},
		"a practice with a dot":       {headers: binary, body: data("north", "north.side"), wantField: "data.practice"},
		"a profile that is no name":   {headers: binary, body: data("line-1", "../line"), wantField: "data.profile"},
		"a profile that is too long":  {headers: binary, body: data("line-1", strings.Repeat("x", 64)), wantField: "data.profile"},
		"a field that there is not":   {headers: binary, body: data(`"profile"`, `"profil"`), wantField: "data.profil"},
		"a field in another case":     {headers: binary, body: data(`"practice"`, `"Practice"`), wantField: "data.Practice"},
		"a field of a very long name": {headers: binary, body: data(`"profile"`, `"`+strings.Repeat("y", 200)+`"`), wantField: "data." + strings.Repeat("y", 64) + "…"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := read(request(tc.headers, tc.body))
			if tc.want != nil {
				if !errors.Is(err, tc.want) {
					t.Errorf("%v, want %v", err, tc.want)
				}
				return
			}
			wrong, ok := errors.AsType[*malformed](err)
			if !ok || wrong.field != tc.wantField {
				t.Errorf("%v, want it to be about %q", err, tc.wantField)
			}
		})
	}
}

func TestAttributesComeOnce(t *testing.T) {
	r := request(binary, sampleData)
	r.Header.Add("ce-id", "e-2")
	if _, err := read(r); err == nil || !strings.Contains(err.Error(), "ce-id") {
		t.Errorf("%v", err)
	}
}

// Whatever is sent, it is an event, or a refusal that does not quote the message.
func TestReadEventProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := "s3cr3t" + rapid.StringMatching(`[a-z"\\{}:,\[\] ]{0,20}`).Draw(t, "message")
		body := rapid.SampledFrom([]string{sampleEvent, sampleData}).Draw(t, "base")
		body = strings.Replace(body, "A refund, please", message, 1)
		at := rapid.IntRange(0, len(body)).Draw(t, "at")
		body = body[:at] + rapid.StringMatching(`[ -~]{0,3}`).Draw(t, "noise") + body[min(len(body), at+rapid.IntRange(0, 3).Draw(t, "cut")):]
		headers := rapid.SampledFrom([]map[string]string{structured, binary}).Draw(t, "headers")
		e, err := read(request(headers, body))
		if err != nil {
			if _, ok := errors.AsType[*malformed](err); !ok {
				t.Fatalf("%v", err)
			}
			return
		}
		if e.ID == "" || e.Source == "" || e.ConversationID == "" {
			t.Fatalf("%+v", e)
		}
	})
}
