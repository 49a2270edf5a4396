package oracle

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// claimant is an object that claims keys.
type claimant struct {
	ref     Ref
	created time.Time
	keys    []string
}

func (e *evaluation) claimants() []claimant {
	var out []claimant
	for _, t := range e.org.Teammates {
		out = append(out, claimant{Ref{"Teammate", t.Name}, t.CreationTimestamp.Time, teammateKeys(t)})
	}
	for _, g := range e.org.UserGroups {
		out = append(out, claimant{Ref{"UserGroup", g.Name}, g.CreationTimestamp.Time, e.groupKeys(g)})
	}
	for _, p := range e.org.Profiles {
		out = append(out, claimant{Ref{"Profile", p.Name}, p.CreationTimestamp.Time, profileKeys(p)})
	}
	for _, d := range e.org.Departments {
		if isTrue(d.Spec.Default) {
			out = append(out, claimant{Ref{"Department", d.Name}, d.CreationTimestamp.Time, []string{"defaultDepartment"}})
		}
	}
	return out
}

func identityKeys(t rollcallv1.Teammate) []string {
	var out []string
	if email := str(t.Spec.Identity.Email); email != "" {
		out = append(out, "email="+strings.ToLower(email))
	}
	if id := str(t.Spec.Identity.EmployeeID); id != "" {
		out = append(out, "employeeID="+id)
	}
	if id := str(t.Spec.Identity.DirectoryID); id != "" {
		out = append(out, "directoryID="+id)
	}
	if name := str(t.Spec.Identity.Username); name != "" {
		out = append(out, "username="+name)
	}
	return out
}

func teammateKeys(t rollcallv1.Teammate) []string {
	out := identityKeys(t)
	if t.Spec.Extension != nil {
		out = append(out, "extension="+*t.Spec.Extension)
	}
	return out
}

func (e *evaluation) groupKeys(g rollcallv1.UserGroup) []string {
	var out []string
	if voiceOf(g).Extension != nil {
		out = append(out, "extension="+*voiceOf(g).Extension)
	}
	handle := g.Name
	if g.Spec.DisplayName != nil {
		handle = *g.Spec.DisplayName
	}
	if g.Spec.Handle != nil {
		handle = *g.Spec.Handle
	}
	handle = foldCase(handle)
	switch e.pol.groupNameUniqueness {
	case "Organization":
		out = append(out, "handle=*/"+handle)
	case "PerPractice":
		for _, q := range g.Spec.Practices {
			out = append(out, "handle="+q.Name+"/"+handle)
		}
		if scopeOf(g) != "Practice" {
			out = append(out, "handle=*/"+handle)
		}
	}
	return out
}

func profileKeys(p rollcallv1.Profile) []string {
	var out []string
	if p.Spec.ExternalID != nil {
		platform := ""
		if p.Spec.Platform != nil {
			platform = string(*p.Spec.Platform)
		}
		out = append(out, "external="+platform+"/"+*p.Spec.ExternalID)
	}
	if p.Spec.PhoneNumber != nil {
		out = append(out, "phone="+string(p.Spec.Type)+"/"+*p.Spec.PhoneNumber)
	}
	return out
}

// foldCase maps every rune to one of those that differ from it in case only.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		smallest := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			smallest = min(smallest, other)
		}
		return unicode.ToLower(smallest)
	}, s)
}

// computeKeys settles every claim.
func (e *evaluation) computeKeys() {
	claims := map[string][]claimant{}
	for _, c := range e.claimants() {
		for _, key := range c.keys {
			claims[key] = append(claims[key], c)
		}
	}
	for key, list := range claims {
		winner := slices.MinFunc(list, e.compareClaimants)
		for _, c := range list {
			if c.ref == e.state.Keys[key] {
				winner = c
			}
		}
		e.result.Next.Keys[key] = winner.ref
	}
}

func (e *evaluation) compareClaimants(a, b claimant) int {
	if e.state.Recorded && !a.created.Equal(b.created) {
		return a.created.Compare(b.created)
	}
	if a.ref.Kind != b.ref.Kind {
		return strings.Compare(a.ref.Kind, b.ref.Kind)
	}
	return strings.Compare(a.ref.Name, b.ref.Name)
}

// lost returns the keys among those claimed that somebody else holds, sorted.
func (e *evaluation) lost(ref Ref, keys []string) []string {
	out := set{}
	for _, key := range keys {
		if e.result.Next.Keys[key] != ref {
			out[key] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}
