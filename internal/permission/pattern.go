package permission

import "strings"

const (
	// wildcard is the pattern that matches everything, and the half of a pattern that matches every module or verb.
	wildcard = "*"
	// viewVerb is the verb that every other verb of its module implies.
	viewVerb    = "view"
	createVerb  = "create"
	publishVerb = "publish"
	// conversationModule exists in mention grants only, so no profile catalogue and no profile role has it.
	conversationModule = "conversation"
	// maxWord is the longest module or verb that the patterns PERM and CPERM of the API allow.
	maxWord = 32
)

// ValidPattern reports whether s has the form PERM of the API: "*", "module.*", "*.verb" or "module.verb".
func ValidPattern(s string) bool {
	if s == wildcard {
		return true
	}
	module, verb, ok := strings.Cut(s, ".")
	switch {
	case !ok:
		return false
	case module == wildcard:
		return validWord(verb)
	default:
		return validWord(module) && (verb == wildcard || validWord(verb))
	}
}

// ValidConcrete reports whether s has the form CPERM of the API: one module and one verb, without wildcards.
func ValidConcrete(s string) bool {
	module, verb, ok := strings.Cut(s, ".")
	return ok && validWord(module) && validWord(verb)
}

func validWord(s string) bool {
	if s == "" || len(s) > maxWord || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Match reports whether the pattern matches the concrete permission perm, whether any catalogue knows perm or not (R-7,
// match). A pattern that is not valid matches nothing.
func Match(pattern, perm string) bool {
	if !ValidPattern(pattern) {
		return false
	}
	if pattern == wildcard || pattern == perm {
		return true
	}
	wantModule, wantVerb, _ := strings.Cut(pattern, ".")
	module, verb, ok := strings.Cut(perm, ".")
	return ok && (wantModule == wildcard || wantModule == module) && (wantVerb == wildcard || wantVerb == verb)
}

// patternSet answers "does any of these patterns match" without looking at each of them.
type patternSet struct {
	all      bool
	modules  map[string]struct{}
	verbs    map[string]struct{}
	concrete map[string]struct{}
}

func compile(patterns ...[]string) patternSet {
	ps := patternSet{modules: map[string]struct{}{}, verbs: map[string]struct{}{}, concrete: map[string]struct{}{}}
	for _, list := range patterns {
		for _, p := range list {
			if !ValidPattern(p) {
				continue
			}
			module, verb, _ := strings.Cut(p, ".")
			switch {
			case p == wildcard:
				ps.all = true
			case module == wildcard:
				ps.verbs[verb] = struct{}{}
			case verb == wildcard:
				ps.modules[module] = struct{}{}
			default:
				ps.concrete[p] = struct{}{}
			}
		}
	}
	return ps
}

func (ps patternSet) empty() bool {
	return !ps.all && len(ps.modules) == 0 && len(ps.verbs) == 0 && len(ps.concrete) == 0
}

func (ps patternSet) match(perm string) bool {
	if ps.all {
		return true
	}
	module, verb, ok := strings.Cut(perm, ".")
	if !ok {
		return false
	}
	if _, hit := ps.modules[module]; hit {
		return true
	}
	if _, hit := ps.verbs[verb]; hit {
		return true
	}
	_, hit := ps.concrete[perm]
	return hit
}
