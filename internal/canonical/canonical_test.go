package canonical

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestJSON(t *testing.T) {
	tests := map[string]struct {
		in   any
		want string
	}{
		"keys are sorted and nothing is escaped for HTML": {map[string]any{"b": "<&>", "a": []int{1, 2}}, `{"a":[1,2],"b":"<&>"}`},
		"control characters and quotes":                   {"a\"\\\n\x01é", `"a\"\\\n\u0001é"`},
		"struct fields are sorted by JSON name": {struct {
			Z bool `json:"z"`
			A *int `json:"a"`
		}{Z: true}, `{"a":null,"z":true}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := JSON(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWriterAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(rt, "m")
		got, err := JSON(m)
		if err != nil {
			rt.Fatal(err)
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m); err != nil {
			rt.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			rt.Fatalf("not JSON: %v: %s", err, got)
		}
		if err := json.Unmarshal(want.Bytes(), &b); err != nil {
			rt.Fatal(err)
		}
		again, err := JSON(a)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got, again) {
			rt.Fatalf("not a fixed point: %s then %s", got, again)
		}
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		if !bytes.Equal(ja, jb) {
			rt.Fatalf("got %s, want %s", got, want.Bytes())
		}
	})
}

// Strings are looked at eight bytes at a time: every byte has to be seen in every place.
func TestWriterSeesEveryByte(t *testing.T) {
	for c := range 256 {
		for length := range 20 {
			for place := range length {
				s := bytes.Repeat([]byte{'~'}, length)
				s[place] = byte(c)
				var w Writer
				w.String(string(s))
				var got string
				if err := json.Unmarshal(w.Bytes(), &got); err != nil {
					t.Fatalf("byte %#x at %d of %d: not JSON: %v: %s", c, place, length, err, w.Bytes())
				}
				if want := string(bytes.ToValidUTF8(s, []byte("\ufffd"))); got != want {
					t.Errorf("byte %#x at %d of %d: got %q, want %q", c, place, length, got, want)
				}
			}
		}
	}
}
