package permission

import (
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// strset is the slow reference: a set of strings and the text of R-7, with nothing shared with the implementation.
type strset map[string]bool

func naiveOf(perms ...string) strset {
	s := strset{}
	for _, p := range perms {
		s[p] = true
	}
	return s
}

func (s strset) sorted() []string {
	var out []string
	for p := range s {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func naiveMatch(pattern, perm string) bool {
	if pattern == "*" || pattern == perm {
		return true
	}
	p, q := strings.Split(pattern, "."), strings.Split(perm, ".")
	if len(p) != 2 || len(q) != 2 {
		return false
	}
	return (p[0] == "*" || p[0] == q[0]) && (p[1] == "*" || p[1] == q[1])
}

func naiveMatchAny(patterns []string, perm string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return naiveMatch(p, perm) })
}

func naiveUnion(sets ...strset) strset {
	out := strset{}
	for _, s := range sets {
		for p := range s {
			out[p] = true
		}
	}
	return out
}

func naiveClose(s strset) strset {
	out := naiveUnion(s)
	for p := range s {
		out[strings.Split(p, ".")[0]+".view"] = true
	}
	return out
}

func naiveFold(s strset) strset {
	out := strset{}
	for p := range s {
		if s[strings.Split(p, ".")[0]+".view"] {
			out[p] = true
		}
	}
	return out
}

func naiveWithout(s strset, denies []string) strset {
	out := strset{}
	for p := range s {
		if !naiveMatchAny(denies, p) {
			out[p] = true
		}
	}
	return out
}

func naiveCatalogue(scope Scope, vocabulary []string) strset {
	s := naiveOf(WellKnown(scope)...)
	for _, p := range vocabulary {
		if scope == Account || !strings.HasPrefix(p, "conversation.") {
			s[p] = true
		}
	}
	return naiveClose(s)
}

func naiveExpand(scope Scope, c strset, patterns []string) strset {
	out := strset{}
	for _, pattern := range patterns {
		if !strings.Contains(pattern, "*") && (scope == Account || !strings.HasPrefix(pattern, "conversation.")) {
			out[pattern] = true
		}
		for p := range c {
			if naiveMatch(pattern, p) {
				out[p] = true
			}
		}
	}
	return out
}

func naiveCeiling(c, s strset, ceiling []string) strset {
	limit := strset{}
	for p := range naiveUnion(c, s) {
		if naiveMatchAny(ceiling, p) {
			limit[p] = true
		}
	}
	limit = naiveClose(limit)
	out := strset{}
	for p := range s {
		if limit[p] {
			out[p] = true
		}
	}
	return out
}

// Few words, so that patterns, denies and vocabularies meet often; "video" and "start" are in no catalogue of their own.
var (
	drawModule   = rapid.SampledFrom([]string{"care", "community", "publisher", "analytics", "users", "video", "conversation"})
	drawVerb     = rapid.SampledFrom([]string{"view", "create", "publish", "reply", "delete", "start"})
	drawConcrete = rapid.Custom(func(t *rapid.T) string {
		return drawModule.Draw(t, "module") + "." + drawVerb.Draw(t, "verb")
	})
	drawPattern = rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 7).Draw(t, "form") {
		case 0:
			return "*"
		case 1, 2:
			return drawModule.Draw(t, "module") + ".*"
		case 3, 4:
			return "*." + drawVerb.Draw(t, "verb")
		default:
			return drawConcrete.Draw(t, "concrete")
		}
	})
	drawPatterns = rapid.SliceOfN(drawPattern, 0, 4)
	drawPerms    = rapid.SliceOfN(drawConcrete, 0, 8)
	drawScope    = rapid.SampledFrom([]Scope{Account, Profile})
)
