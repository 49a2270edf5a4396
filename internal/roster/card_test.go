package roster_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// The hash of a card is that of its canonical JSON, whatever it holds: every field that the type has, also one that is added.
func TestCardHash(t *testing.T) {
	cards := rapid.Make[roster.Card]()
	special := rapid.SampledFrom([]string{"", `"`, `\`, "<&>", "é", "\u2028", "\x00", "line\nline"})
	rapid.Check(t, func(rt *rapid.T) {
		c := cards.Draw(rt, "card")
		if rapid.Bool().Draw(rt, "a special bio") {
			c.Bio = special.Draw(rt, "bio")
		}
		b, err := canonical.JSON(&c)
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := c.Hash(), canonical.Hash(b); got != want {
			rt.Errorf("%s has the hash %s, want %s", b, got, want)
		}
	})
}
