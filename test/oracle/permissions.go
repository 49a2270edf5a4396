package oracle

import (
	"slices"
	"strings"
)

// set is a set of strings. R-7 is written with it literally.
type set map[string]bool

func setOf(items ...string) set {
	s := set{}
	for _, item := range items {
		s[item] = true
	}
	return s
}

func (s set) addAll(o set) {
	for item := range o {
		s[item] = true
	}
}

func (s set) sorted() []string {
	var out []string
	for item := range s {
		out = append(out, item)
	}
	slices.Sort(out)
	return out
}

// The tables of API section 3.
var accountVerbs = map[string]string{
	"users":         "view, create, invite, import, edit, editSkills, editChatLimit, assignRole, setAvailability, approveCard, block, archive, notify",
	"groups":        "view, create, edit, disable, delete, assignSupervisors",
	"departments":   "view, manage",
	"queues":        "view, manage",
	"campaigns":     "view, manage",
	"roles":         "view, manage",
	"organization":  "view, manage, own",
	"conversations": "view, handle, viewAll, monitor",
	"cases":         "view, manage, viewAll, delete, manageFields, manageViews, manageSla, manageResources, manageWorkflows, viewReports",
	"analytics":     "view, export",
	"reports":       "view, export",
	"mentions":      "view, create",
	"recordings":    "view, viewOwn, viewAll",
}

var profileVerbs = map[string]string{
	"analytics": "view, export",
	"listening": "view, export",
	"community": "view, create, publish, approve, reply, directMessage, like, hide, delete, follow, label, assign",
	"publisher": "view, create, publish, approve, reply, pin, delete, label, export",
	"care":      "view, create, publish, approve, reply, directMessage, hide, delete, label, assign, close, export",
	"chat":      "view, reply, label, assign, close",
	"voice":     "view, call, listen",
}

func moduleOf(perm string) string { return strings.Split(perm, ".")[0] }

func verbOf(perm string) string { return strings.Split(perm, ".")[1] }

func isPattern(p string) bool { return strings.Contains(p, "*") }

func matches(pattern, perm string) bool {
	if pattern == "*" {
		return true
	}
	module, verb := moduleOf(pattern), verbOf(pattern)
	return (module == "*" || module == moduleOf(perm)) && (verb == "*" || verb == verbOf(perm))
}

func matchesAny(patterns []string, perm string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, perm) })
}

func catalogue(verbs map[string]string, vocabulary []string) set {
	c := set{}
	for module, list := range verbs {
		for verb := range strings.SplitSeq(list, ", ") {
			c[module+"."+verb] = true
		}
	}
	for _, perm := range vocabulary {
		c[perm] = true
	}
	return closeOver(c)
}

func expand(patterns []string, c set) set {
	out := set{}
	for _, p := range patterns {
		if !isPattern(p) {
			out[p] = true
			continue
		}
		for perm := range c {
			if matches(p, perm) {
				out[perm] = true
			}
		}
	}
	return out
}

func closeOver(s set) set {
	out := set{}
	for perm := range s {
		out[perm] = true
		out[moduleOf(perm)+".view"] = true
	}
	return out
}

func without(s set, denies []string) set {
	out := set{}
	for perm := range s {
		if !matchesAny(denies, perm) {
			out[perm] = true
		}
	}
	return out
}

func fold(s set) set {
	out := set{}
	for perm := range s {
		if s[moduleOf(perm)+".view"] {
			out[perm] = true
		}
	}
	return out
}

func underCeiling(s, c set, ceiling []string) set {
	limit := set{}
	for _, from := range []set{s, c} {
		for perm := range from {
			if matchesAny(ceiling, perm) {
				limit[perm] = true
			}
		}
	}
	limit = closeOver(limit)
	out := set{}
	for perm := range s {
		if limit[perm] {
			out[perm] = true
		}
	}
	return out
}

func approvalRequired(s set) []string {
	out := set{}
	for perm := range s {
		if verbOf(perm) == "create" && !s[moduleOf(perm)+".publish"] {
			out[moduleOf(perm)] = true
		}
	}
	return out.sorted()
}
