package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

type holderJSON struct {
	Name string `json:"name"`
	Via  string `json:"via,omitempty"`
}

type profileHolders struct {
	Name      string       `json:"name"`
	Teammates []holderJSON `json:"teammates,omitempty"`
}

type whoCanAnswer struct {
	Teammates []string         `json:"teammates,omitempty"`
	Profiles  []profileHolders `json:"profiles,omitempty"`
}

// profileFilter are the flags that choose profiles.
type profileFilter struct{ platform, kind, language, region string }

func (f profileFilter) set() bool { return f != profileFilter{} }

// matches applies the filter like a profileSelector: platforms, types and regions exactly but without case, languages by
// subtag prefix (en matches en-US).
func (f profileFilter) matches(p *rollcallv1.Profile) bool {
	value := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	one := func(want, have string) bool { return want == "" || strings.EqualFold(want, have) }
	language := func(have string) bool {
		have, want := strings.ToLower(have), strings.ToLower(f.language)
		return have == want || strings.HasPrefix(have, want+"-")
	}
	return one(f.platform, fmt.Sprint(valueOf(p.Spec.Platform))) && one(f.kind, string(p.Spec.Type)) && one(f.region, value(p.Spec.Region)) &&
		(f.language == "" || language(value(p.Spec.Language)))
}

func valueOf[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func (p *plugin) whoCan() *cobra.Command {
	var filter profileFilter
	c := p.reading(&cobra.Command{
		Use:   "who-can PERMISSION [PROFILE]",
		Short: "Who may; PERMISSION may be a pattern such as '*.publish'",
		Args:  between(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if !permission.ValidPattern(args[0]) {
				return usageError("permission %q is not understood; expected module.verb, module.*, *.verb or *", args[0])
			}
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			profile := ""
			if len(args) > 1 {
				profile = args[1]
				if err := org.exists(roster.KindProfile, profile); err != nil {
					return err
				}
			}
			answer := org.whoCan(args[0], profile, filter)
			if err := p.show(answer, func(t *table) { answer.table(t) }); err != nil {
				return err
			}
			if len(answer.Teammates) == 0 && len(answer.Profiles) == 0 {
				if !filter.set() {
					p.hint(org, args[0], profile, ", or a filter such as --type")
				}
				return no
			}
			return nil
		},
	})
	f := c.Flags()
	f.StringVar(&filter.platform, "platform", "", "only profiles of this platform")
	f.StringVar(&filter.kind, "type", "", "only profiles of this type")
	f.StringVar(&filter.language, "language", "", "only profiles of this language (en matches en-US)")
	f.StringVar(&filter.region, "region", "", "only profiles of this region")
	return c
}

// hint says on stderr why a "no" may be no answer: the permission means something on profiles only and none was named, or
// it is one that nobody knows, such as a misspelled one.
func (p *plugin) hint(o *organization, pattern, profile, otherwise string) {
	switch onProfiles := o.known(permission.Profile, pattern); {
	case profile == "" && o.onlyOnProfiles(pattern):
		p.note("note: %s is a permission on profiles; expected a PROFILE after it%s", pattern, otherwise)
	case profile != "" && !onProfiles && o.known(permission.Account, pattern):
		p.note("note: %s is an account permission; expected no PROFILE after it", pattern)
	case !onProfiles && !o.known(permission.Account, pattern):
		p.note("note: %s is not a known permission (Organization.spec.vocabulary adds some)", pattern)
	}
}

// onlyOnProfiles says whether a permission or pattern means something on profiles and nothing account-wide.
func (o *organization) onlyOnProfiles(pattern string) bool {
	return o.known(permission.Profile, pattern) && !o.known(permission.Account, pattern)
}

func (o *organization) known(scope permission.Scope, pattern string) bool {
	catalogue := o.Roster.Catalogue(o.peek(), scope)
	return slices.ContainsFunc(o.Roster.Table.Strings(catalogue.Known()), func(p string) bool { return permission.Match(pattern, p) })
}

// whoCan answers per profile for filters and patterns, else with one list. A pattern that means something account-wide
// only is answered with one list too: no profile could have it.
func (o *organization) whoCan(pattern, profile string, filter profileFilter) *whoCanAnswer {
	concrete := permission.ValidConcrete(pattern)
	accountOnly := profile == "" && !filter.set() && !o.known(permission.Profile, pattern) && o.known(permission.Account, pattern)
	if concrete && !filter.set() || accountOnly {
		return &whoCanAnswer{Teammates: o.Access.WhoCan(pattern, profile)}
	}
	var profiles []string
	for _, name := range o.Roster.UsableProfiles(o.peek()) {
		if (profile == "" || name == profile) && filter.matches(o.Roster.Profile(o.peek(), name)) {
			profiles = append(profiles, name)
		}
	}
	return &whoCanAnswer{Profiles: o.holders(pattern, profiles)}
}

// holders lists for each of the profiles who holds something that matches the pattern. It looks at each teammate once,
// because profiles with the same content share a grant.
func (o *organization) holders(pattern string, profiles []string) []profileHolders {
	found := make(map[string][]holderJSON, len(profiles))
	for _, who := range o.names(roster.KindTeammate) {
		named, all := map[string]string{}, ""
		for _, g := range o.Access.Of(who).Grants {
			via := o.via(g, pattern)
			if g.All {
				all = via
			}
			for _, name := range g.Profiles {
				named[name] = via
			}
		}
		for _, name := range profiles {
			via, ok := named[name]
			if !ok {
				via = all
			}
			if via != "" {
				found[name] = append(found[name], holderJSON{who, via})
			}
		}
	}
	var out []profileHolders
	for _, name := range profiles {
		if len(found[name]) > 0 {
			out = append(out, profileHolders{name, found[name]})
		}
	}
	return out
}

// via is the strongest source of a grant that confers something matching the pattern, "" if the grant has nothing that does.
func (o *organization) via(g access.Grant, pattern string) string {
	for _, s := range g.Sources {
		confers := o.Roster.Table.Close(o.Roster.RoleContent(o.peek(), s.ProfileRole).Granted)
		if !slices.ContainsFunc(g.Permissions, func(p string) bool { return permission.Match(pattern, p) && o.Roster.Table.Has(confers, p) }) {
			continue
		}
		switch s.Type {
		case rollcallv1.GrantSourceTypeGroup:
			return "UserGroup/" + s.Name
		case rollcallv1.GrantSourceTypePractice:
			return "Practice/" + s.Name
		}
		return string(s.Type)
	}
	return ""
}

func (a *whoCanAnswer) table(t *table) {
	for _, name := range a.Teammates {
		t.line("%s", name)
	}
	if len(a.Profiles) > 0 {
		t.row("PROFILE", "TEAMMATE", "VIA")
	}
	for _, p := range a.Profiles {
		for i, h := range p.Teammates {
			t.row(yesNo(i == 0, p.Name, ""), h.Name, h.Via)
		}
	}
	if len(a.Teammates) == 0 && len(a.Profiles) == 0 {
		t.line("nobody")
	}
}
