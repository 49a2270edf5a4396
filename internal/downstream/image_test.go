package downstream_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// The image of a record has what encoding/json writes of its content, field by field.
func TestImageOf(t *testing.T) {
	instant := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	for name, content := range map[string]downstream.Content{
		"nothing set": &downstream.User{},
		"everything set": &downstream.User{
			DirectoryID: new("d"), Email: new("ana@x.example"), DisplayName: "Ana \"<\u00e9>\" & co", Active: true, MaxChats: new(int32(-1)), AutoAssignment: new(false),
			Extension: new(""), Channels: []string{}, Skills: []downstream.Skill{{Name: "french", Level: 2}}, Card: &downstream.Card{Bio: "b"},
			Absences: []downstream.Absence{{Name: "a", From: &instant}}, Invitation: downstream.Invitation{Token: "t", ConfirmedAt: &instant},
		},
		"empty lists": &downstream.Group{Members: []downstream.Member{}, Profiles: []string{}},
		"a route":     &downstream.Route{Candidates: []downstream.Candidate{{Key: "k", Position: new(int32(1))}}, Timeouts: downstream.Timeouts{MaxRingTime: new(int64(1500))}},
		"access":      &downstream.AccessGrants{Grants: []downstream.Grant{{Permissions: []string{"care.view"}}}, Voice: &downstream.Voice{OutboundCalls: true}},
		"a schedule":  &downstream.Schedule{Exceptions: []downstream.Exception{}, Weekly: []downstream.Hours{{Day: "Monday", Open: "09:00", Close: "17:00"}}},
		"a mention":   &downstream.Mention{Alerts: []downstream.Alert{{Key: "k", State: "Pending"}}, AcceptedAt: &instant},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := downstream.ImageOf(downstream.Record{Kind: downstream.Users, Key: "k", Name: "n", Content: content})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			want["name"] = "n"
			read := map[string]any{"name": got["name"]}
			for attribute, text := range got {
				if attribute == "name" {
					continue
				}
				var value any
				if err := json.Unmarshal([]byte(text), &value); err != nil {
					t.Errorf("%s is %s: %v", attribute, text, err)
				}
				read[attribute] = value
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No field of a content is left without a name: it would be in no image.
func TestContentsAreTagged(t *testing.T) {
	for _, content := range []downstream.Content{
		&downstream.User{}, &downstream.Group{}, &downstream.AccessGrants{}, &downstream.Route{}, &downstream.Schedule{}, &downstream.Mention{},
	} {
		typ := reflect.TypeOf(content).Elem()
		for field := range typ.Fields() {
			if field.Tag.Get("json") == "" {
				t.Errorf("%s.%s has no JSON name", typ.Name(), field.Name)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		class  downstream.Class
		wait   time.Duration
		text   string
	}{
		"fine":                       {200, nil, "", 0, ""},
		"a redirect is not followed": {302, nil, downstream.Refused, 0, "Refused (302)"},
		"bad":                        {422, nil, downstream.BadRecord, 0, "BadRecord (422)"},
		"refused":                    {403, nil, downstream.Unauthorized, 0, "Unauthorized (403)"},
		"conflict":                   {409, nil, downstream.Conflict, 0, "Conflict (409)"},
		"too large":                  {413, nil, downstream.TooLarge, 0, "TooLarge (413)"},
		"throttled for seconds":      {429, map[string]string{"Retry-After": "17"}, downstream.Throttled, 17 * time.Second, "Throttled (429)"},
		"throttled, its own header":  {429, map[string]string{"X-Retry-After": "2.5"}, downstream.Throttled, 2500 * time.Millisecond, "Throttled (429)"},
		"until a date":               {503, map[string]string{"Retry-After": "Mon, 01 Mar 2027 09:01:00 GMT"}, downstream.Unavailable, time.Minute, "Unavailable (503)"},
		"a date in the past":         {503, map[string]string{"Retry-After": "Mon, 01 Mar 2021 09:01:00 GMT"}, downstream.Unavailable, 0, "Unavailable (503)"},
		"for a week":                 {503, map[string]string{"Retry-After": "604800"}, downstream.Unavailable, time.Hour, "Unavailable (503)"},
		"nonsense":                   {503, map[string]string{"Retry-After": "NaN"}, downstream.Unavailable, 0, "Unavailable (503)"},
	} {
		t.Run(name, func(t *testing.T) {
			err := downstream.FromStatus(tc.status, func(name string) string { return tc.header[name] }, now)
			if downstream.ClassOf(err) != tc.class {
				t.Errorf("class %s, want %s", downstream.ClassOf(err), tc.class)
			}
			if err == nil {
				return
			}
			if e, ok := errors.AsType[*downstream.Error](err); !ok || e.RetryAfter != tc.wait || e.Error() != tc.text {
				t.Errorf("%v after %v, want %s after %v", e, e.RetryAfter, tc.text, tc.wait)
			}
		})
	}
}

func TestMasked(t *testing.T) {
	for key, want := range map[string]string{"email=ana@x.example": "Users/email=…@x.example", "employeeID=7": "Users/employeeID=7"} {
		if got := (downstream.ID{Kind: downstream.Users, Key: key}).Masked(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
