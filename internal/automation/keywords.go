package automation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// unspaced are scripts whose words stand side by side without spaces. No dictionary is asked where one ends, so that there
// is a boundary between any two letters of them, as in the default rules of Unicode (UAX #29).
var unspaced = []*unicode.RangeTable{
	unicode.Ahom, unicode.Han, unicode.Hiragana, unicode.Khmer, unicode.Lao, unicode.Myanmar, unicode.New_Tai_Lue,
	unicode.Tai_Le, unicode.Tai_Tham, unicode.Tai_Viet, unicode.Thai,
}

// invisible are characters that nobody sees or types on purpose: soft hyphens, joiners, directions, styles of emoji.
var invisible = []*unicode.RangeTable{unicode.Cf, unicode.Variation_Selector}

// fold makes texts equal that differ in case, in how an accent or a width is encoded, in invisible characters or in how
// much space there is between words and around them. It is idempotent.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, invisible...) {
			return -1
		}
		return r
	}, s)
	// Folding can undo composition and composition can bring back what is folded: two rounds reach the end
	// (Unicode, D147: compatibility caseless matching).
	for range 2 {
		s = norm.NFKC.String(cases.Fold().String(norm.NFKD.String(s)))
	}
	return strings.Join(strings.Fields(s), " ")
}

// text is a folded message that many keywords are looked for in.
type text struct {
	folded string
	// edges are the byte offsets at which a word begins or ends, ascending; edge says the same by offset.
	edges []int
	edge  []bool
}

func newText(message string) text {
	t := text{folded: fold(message)}
	t.edge = make([]bool, len(t.folded)+1)
	before := none
	for at, r := range t.folded {
		now := classOf(r)
		if now == extends && at > 0 {
			continue // belongs to what it stands on
		}
		if at == 0 || !joins(before, now) {
			t.edges, t.edge[at] = append(t.edges, at), true
		}
		before = now
	}
	t.edge[len(t.folded)] = true
	return t
}

// contains reports whether a folded keyword stands in the text as whole words.
func (t text) contains(keyword string) bool {
	if keyword == "" || !strings.Contains(t.folded, keyword) {
		return false
	}
	for _, start := range t.edges {
		if strings.HasPrefix(t.folded[start:], keyword) && t.edge[start+len(keyword)] {
			return true
		}
	}
	return false
}

// class is what a character is to the boundaries of words.
type class int

const (
	none class = iota
	letter
	katakana
	connector // the underscore and its relatives
	extends   // accents and other marks
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)):
		if r == '_' {
			return connector
		}
		return letter
	case r < utf8.RuneSelf:
		return none
	case unicode.IsMark(r):
		return extends
	case unicode.Is(unicode.Pc, r):
		return connector
	case unicode.Is(unicode.Katakana, r), r == 'ー':
		return katakana
	case (unicode.IsLetter(r) || unicode.IsNumber(r)) && !unicode.In(r, unspaced...):
		return letter
	}
	return none
}

// joins reports whether two neighbours are inside of one word.
func joins(a, b class) bool {
	switch {
	case a == none || b == none:
		return false
	case a == connector || b == connector:
		return true
	}
	return a == b
}
