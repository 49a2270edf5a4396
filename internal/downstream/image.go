package downstream

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Image is what a system holds, or ought to hold, of one record: attributes and their values in a form that the driver
// chooses and that compares equal exactly when the values mean the same. An attribute that is absent is not managed.
type Image map[string]string

// Covers reports whether every attribute of want has the same value in the image. What the image has beside is ignored.
func (im Image) Covers(want Image) bool { return len(im.Differs(want)) == 0 }

// Differs returns the attributes of want that have another value in the image, or none, sorted.
func (im Image) Differs(want Image) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got, ok := im[name]; !ok || got != want[name] {
			out = append(out, name)
		}
	}
	return out
}

// Hash returns 16 hexadecimal digits of SHA-256 over the attributes.
func (im Image) Hash() string {
	var w canonical.Writer
	w.Open()
	for _, name := range slices.Sorted(maps.Keys(im)) {
		w.Key(name)
		w.String(im[name])
	}
	w.Close()
	return canonical.Hash(w.Bytes())
}

// ImageOf is the image of a record in a system that holds all of it: an attribute for each field of the content that is set,
// with its canonical JSON as the value, and `name`. Drivers whose system holds less remove attributes or render their own.
func ImageOf(r Record) (Image, error) {
	b, err := canonical.JSON(r.Content)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", r.ID().Masked(), err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", r.ID().Masked(), err)
	}
	im := make(Image, len(fields)+1)
	for name, value := range fields {
		im[name] = string(value)
	}
	im["name"] = r.Name
	return im, nil
}
