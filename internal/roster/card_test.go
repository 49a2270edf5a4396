package roster_test

import (
	"testing"

	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// The hash of a card is that of its canonical JSON, whatever it holds.
func TestCardHash(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{`"`, `\`, "<&>", "é", "\u2028", "\x00", "line\nline"}))
	pixels := rapid.Ptr(rapid.Int32Range(1, 20000), true)
	rapid.Check(t, func(rt *rapid.T) {
		c := &roster.Card{FirstName: text.Draw(rt, "firstName"), Bio: text.Draw(rt, "bio"), HomeTown: text.Draw(rt, "homeTown"), StateOrCountry: text.Draw(rt, "stateOrCountry")}
		if rapid.Bool().Draw(rt, "image") {
			c.Image = &rollcallv1.CardImage{URL: text.Draw(rt, "url"), Width: pixels.Draw(rt, "width"), Height: pixels.Draw(rt, "height")}
		}
		b, err := canonical.JSON(c)
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := c.Hash(), canonical.Hash(b); got != want {
			rt.Errorf("%s has the hash %s, want %s", b, got, want)
		}
	})
}
