package permission

import (
	"slices"
	"strings"
)

// Scope says what a permission speaks about. Neither scope implies the other.
type Scope int

const (
	// Account permissions speak about the organization; account roles grant them.
	Account Scope = iota
	// Profile permissions speak about one profile; profile roles grant them.
	Profile
)

// The tables of API section 3, by module. Module conversation of the profile scope is not here: only mention grants have it.
var wellKnown = map[Scope]map[string]string{
	Account: {
		"analytics":     "view export",
		"campaigns":     "view manage",
		"cases":         "view manage viewAll delete manageFields manageViews manageSla manageResources manageWorkflows viewReports",
		"conversations": "view handle viewAll monitor",
		"departments":   "view manage",
		"groups":        "view create edit disable delete assignSupervisors",
		"mentions":      "view create",
		"organization":  "view manage own",
		"queues":        "view manage",
		"recordings":    "view viewOwn viewAll",
		"reports":       "view export",
		"roles":         "view manage",
		"users":         "view create invite import edit editSkills editChatLimit assignRole setAvailability approveCard block archive notify",
	},
	Profile: {
		"analytics": "view export",
		"care":      "view create publish approve reply directMessage hide delete label assign close export",
		"chat":      "view reply label assign close",
		"community": "view create publish approve reply directMessage like hide delete follow label assign",
		"listening": "view export",
		"publisher": "view create publish approve reply pin delete label export",
		"voice":     "view call listen",
	},
}

// WellKnown returns the well-known permissions of the scope (API section 3), sorted bytewise.
func WellKnown(s Scope) []string {
	var out []string
	for module, verbs := range wellKnown[s] {
		for verb := range strings.FieldsSeq(verbs) {
			out = append(out, module+"."+verb)
		}
	}
	slices.Sort(out)
	return out
}

// Catalogue is the closed set C of one scope: its well-known permissions, the organization's vocabulary, and the view of
// every module among them. Patterns of grants reach its members and nothing else.
type Catalogue struct {
	table    *Table
	scope    Scope
	known    Set
	byModule map[string]Set
	byVerb   map[string]Set
}

// NewCatalogue returns the catalogue of the scope over t. Entries of the vocabulary that are not concrete permissions, and in
// the profile scope those of module conversation, are left out.
func NewCatalogue(t *Table, s Scope, vocabulary []string) *Catalogue {
	c := &Catalogue{table: t, scope: s, byModule: map[string]Set{}, byVerb: map[string]Set{}}
	perms := WellKnown(s)
	for _, p := range vocabulary {
		if !c.outOfScope(p) {
			perms = append(perms, p)
		}
	}
	c.known = t.Close(t.Of(perms...))
	modules, verbs := map[string][]string{}, map[string][]string{}
	for _, p := range t.Strings(c.known) {
		module, verb, _ := strings.Cut(p, ".")
		modules[module] = append(modules[module], p)
		verbs[verb] = append(verbs[verb], p)
	}
	for module, perms := range modules {
		c.byModule[module] = t.Of(perms...)
	}
	for verb, perms := range verbs {
		c.byVerb[verb] = t.Of(perms...)
	}
	return c
}

// Known returns C.
func (c *Catalogue) Known() Set { return c.known }

// Expand returns the concrete permissions that patterns grant: each concrete string of the list, and all of C that a pattern
// of the list matches. The result is not closed. In the profile scope strings of module conversation are dropped.
// unknown lists, sorted and once each, what PermissionsKnown reports: concrete strings outside C (granted all the same,
// unless dropped), patterns that match nothing in C, and strings that are no pattern.
func (c *Catalogue) Expand(patterns []string) (granted Set, unknown []string) {
	parts := make([]Set, 0, len(patterns)+1)
	var concrete []string
	for _, p := range patterns {
		module, verb, _ := strings.Cut(p, ".")
		var reached Set
		switch {
		case p == wildcard:
			reached = c.known
		case !ValidPattern(p):
		case module == wildcard:
			reached = c.byVerb[verb]
		case verb == wildcard:
			reached = c.byModule[module]
		case c.outOfScope(p):
		default:
			concrete = append(concrete, p)
			if c.table.Has(c.known, p) {
				continue
			}
		}
		if reached.Empty() {
			unknown = append(unknown, p)
		}
		parts = append(parts, reached)
	}
	slices.Sort(unknown)
	return Union(append(parts, c.table.Of(concrete...))...), slices.Compact(unknown)
}

func (c *Catalogue) outOfScope(perm string) bool {
	return c.scope == Profile && strings.HasPrefix(perm, conversationModule+".")
}
