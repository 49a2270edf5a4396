package permission

import "sync/atomic"

// Denies is a compiled list of deny patterns. The zero value denies nothing.
type Denies struct{ patterns *maskedPatterns }

// CompileDenies compiles the patterns of all lists into one Denies. Patterns that are not valid deny nothing.
func CompileDenies(patterns ...[]string) Denies {
	ps := compile(patterns...)
	if ps.empty() {
		return Denies{}
	}
	return Denies{patterns: &maskedPatterns{patternSet: ps}}
}

// Match reports whether a pattern of d matches perm, known to a catalogue or not.
func (d Denies) Match(perm string) bool { return d.patterns != nil && d.patterns.match(perm) }

// Empty reports whether d denies nothing.
func (d Denies) Empty() bool { return d.patterns == nil }

// Limit is a compiled profile ceiling over one catalogue; the zero value lets nothing through.
type Limit struct {
	catalogue *Catalogue
	patterns  *maskedPatterns
}

// CompileCeiling compiles the patterns of a profileCeiling, for callers that apply the same one to many sets.
func (c *Catalogue) CompileCeiling(ceiling []string) Limit {
	return Limit{catalogue: c, patterns: &maskedPatterns{patternSet: compile(ceiling)}}
}

// Apply returns s ∩ close({x in C or s : x matches a pattern of the ceiling}), where C is the catalogue: a member of s
// stays if a pattern matches it; m.view also stays if a pattern matches any m.x that is in C or in s. So a view survives
// beside every verb that does, and also where the ceiling names a verb of its module that s itself lacks. If s is closed, so
// is the result, which is why "no m.view, no m" needs no fold after it. No pattern at all leaves nothing.
func (l Limit) Apply(s Set) Set {
	if l.patterns == nil || s.Empty() {
		return Set{}
	}
	if l.patterns.all {
		return s
	}
	t := l.catalogue.table
	matching := Intersect(Union(l.catalogue.known, s), l.patterns.mask(t))
	return Intersect(s, t.Close(matching))
}

// Ceiling returns s limited by the patterns of a profileCeiling; see Limit.Apply for what stays.
func (c *Catalogue) Ceiling(s Set, ceiling []string) Set { return c.CompileCeiling(ceiling).Apply(s) }

// maskedPatterns remembers which permissions of the last table asked about its patterns match, so that matching a set is
// word arithmetic. The memory is an optimisation only and is renewed when the table has grown.
type maskedPatterns struct {
	patternSet
	last atomic.Pointer[mask]
}

type mask struct {
	of      *index
	members Set
}

func (p *maskedPatterns) mask(t *Table) Set {
	ix := t.current.Load()
	if m := p.last.Load(); m != nil && m.of == ix {
		return m.members
	}
	b := newBuilder(len(ix.perms))
	for id, perm := range ix.perms {
		if p.match(perm) {
			b.add(id)
		}
	}
	m := &mask{of: ix, members: b.set()}
	p.last.Store(m)
	return m.members
}
