package automation

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

func TestKeywords(t *testing.T) {
	tests := map[string]struct {
		keyword, message        string
		wantContains, wantExact bool
	}{
		"the word alone":                     {keyword: "refund", message: "refund", wantContains: true, wantExact: true},
		"among words":                        {keyword: "refund", message: "I want a refund now", wantContains: true},
		"in another case":                    {keyword: "Refund", message: "REFUND!", wantContains: true},
		"a longer word":                      {keyword: "refund", message: "refunds please"},
		"the end of a word":                  {keyword: "fund", message: "a refund"},
		"first inside a word, then whole":    {keyword: "fund", message: "refund the fund", wantContains: true},
		"between punctuation":                {keyword: "refund", message: "(refund),", wantContains: true},
		"before an apostrophe":               {keyword: "refund", message: "the refund's late", wantContains: true},
		"after an apostrophe":                {keyword: "argent", message: "rendez l'argent", wantContains: true},
		"beside an underscore":               {keyword: "refund", message: "my_refund"},
		"beside a digit":                     {keyword: "refund", message: "refund2"},
		"a number in a longer one":           {keyword: "47", message: "order 4711"},
		"several words":                      {keyword: "money back", message: "my Money Back please", wantContains: true},
		"several words over lines":           {keyword: "money back", message: "money \n\tback", wantContains: true, wantExact: true},
		"space around the message":           {keyword: "stop", message: "  stop\n", wantContains: true, wantExact: true},
		"space around the keyword":           {keyword: " stop ", message: "stop", wantContains: true, wantExact: true},
		"a full stop is part of the message": {keyword: "stop", message: "stop.", wantContains: true},
		"a keyword of signs":                 {keyword: "#refund", message: "help#refund!", wantContains: true},
		"only signs":                         {keyword: "??", message: "why???", wantContains: true},
		"an accent in one character or two":  {keyword: "rembours\u00e9", message: "d\u00e9ja REMBOURSE\u0301?", wantContains: true},
		"an accent is part of its letter":    {keyword: "rembourse", message: "rembourse\u0301"},
		"a letter that folds to two":         {keyword: "STRASSE", message: "in der Straße", wantContains: true},
		"a sigma at the end":                 {keyword: "ΟΔΟΣ", message: "οδός οδος", wantContains: true},
		"full width":                         {keyword: "refund", message: "ＲＥＦＵＮＤ", wantContains: true, wantExact: true},
		"a soft hyphen and a joiner":         {keyword: "refund", message: "re\u00adfu\u200dnd", wantContains: true, wantExact: true},
		"space that does not break":          {keyword: "money back", message: "money\u00a0back", wantContains: true, wantExact: true},
		"cyrillic":                           {keyword: "возврат", message: "Хочу ВОЗВРАТ!", wantContains: true},
		"cyrillic, a longer word":            {keyword: "возврат", message: "возвраты"},
		"chinese has no spaces":              {keyword: "退款", message: "我要退款谢谢", wantContains: true},
		"hiragana ends a word of han":        {keyword: "返金", message: "返金してください", wantContains: true},
		"katakana does not end in itself":    {keyword: "キャンセ", message: "キャンセル"},
		"katakana of half width":             {keyword: "キャンセル", message: "ｷｬﾝｾﾙお願い", wantContains: true},
		"thai has no spaces":                 {keyword: "คืนเงิน", message: "ขอคืนเงินด้วย", wantContains: true},
		"an emoji with a style":              {keyword: "❤", message: "I ❤\ufe0f it", wantContains: true},
		"a keyword of spaces":                {keyword: "  ", message: "anything at all"},
		"spaces against spaces":              {keyword: " ", message: "  "},
		"a message without text":             {keyword: "refund", message: ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for match, want := range map[rollcallv1.KeywordMatch]bool{
				"": tc.wantContains, rollcallv1.KeywordMatchContains: tc.wantContains, rollcallv1.KeywordMatchExact: tc.wantExact,
			} {
				spec := &rollcallv1.InboundAutomationSpec{Keywords: []string{"never said", tc.keyword}, Match: match}
				if got := mentioned(spec, tc.message); got != want {
					t.Errorf("%q in %q, match %q: %v, want %v", tc.keyword, tc.message, match, got, want)
				}
			}
		})
	}
}

// word is one without spaces: what can be cut into words again.
var word = rapid.StringMatching(`[a-zA-Zéàßσçñ0-9]{1,8}`)

func TestProperties(t *testing.T) {
	t.Run("folding is idempotent", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if once := fold(s); fold(once) != once {
			t.Fatalf("%q folds to %q, that to %q", s, once, fold(once))
		}
	}))
	t.Run("case does not matter", rapid.MakeCheck(func(t *rapid.T) {
		w, before, after := word.Draw(t, "word"), word.Draw(t, "before"), word.Draw(t, "after")
		upper := strings.ToUpper(before + " " + w + " " + after)
		if !newText(upper).contains(fold(w)) {
			t.Fatalf("%q is not in %q", w, upper)
		}
	}))
	t.Run("a keyword is found exactly among the words", rapid.MakeCheck(func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 6).Draw(t, "words")
		keyword := word.Draw(t, "keyword")
		want := false
		for _, w := range words {
			want = want || fold(w) == fold(keyword)
		}
		message := strings.Join(words, rapid.SampledFrom([]string{" ", ", ", "\n", " - ", "!?"}).Draw(t, "between"))
		if got := newText(message).contains(fold(keyword)); got != want {
			t.Fatalf("%q in %q: %v, want %v", keyword, message, got, want)
		}
	}))
	t.Run("exact implies contains", rapid.MakeCheck(func(t *rapid.T) {
		keyword := rapid.StringN(1, 64, -1).Draw(t, "keyword")
		exact := mentioned(&rollcallv1.InboundAutomationSpec{Keywords: []string{keyword}, Match: rollcallv1.KeywordMatchExact}, keyword)
		contains := mentioned(&rollcallv1.InboundAutomationSpec{Keywords: []string{keyword}}, keyword)
		if exact != contains || exact != (fold(keyword) != "") {
			t.Fatalf("%q in itself: exact %v, contains %v", keyword, exact, contains)
		}
	}))
	t.Run("edges are at characters", rapid.MakeCheck(func(t *rapid.T) {
		s := newText(rapid.String().Draw(t, "s"))
		for _, at := range s.edges {
			if !utf8.RuneStart(s.folded[at]) {
				t.Fatalf("an edge of %q at %d", s.folded, at)
			}
			if r, _ := utf8.DecodeRuneInString(s.folded[at:]); at > 0 && unicode.IsMark(r) {
				t.Fatalf("an edge of %q at %d, before a mark", s.folded, at)
			}
		}
	}))
}
