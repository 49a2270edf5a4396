package access

import (
	"cmp"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// profiles are some profiles by name, with their ids where these are known already.
type profiles struct {
	names []string
	ids   []int32
}

// given is one source of grants with the profiles it reaches.
type given struct {
	Source
	profiles
	// denyOnly sources confer nothing: the group of a lost stamp keeps only the denies of its role.
	denyOnly bool
}

// sources lists what grants a teammate something on profiles, by rank, and what only makes profiles visible.
// Sources whose role does not exist are left out: they count as absent, their profiles stay visible.
type sources struct {
	given   []given
	visible []profiles
	all     bool // every usable profile is visible
}

func (a *Access) sourcesOf(t *incr.Task, tm *rollcallv1.Teammate, role *roster.AccountRole) sources {
	var s sources
	s.all = role.Spec.ProfileVisibility == rollcallv1.ProfileVisibilityAll || tm.Spec.AssignAllProfiles != nil && *tm.Spec.AssignAllProfiles
	a.directSources(t, tm, &s)
	groups := a.roster.Memberships(t, tm.Name).Accepted
	s.given = slices.Grow(s.given, len(groups))
	for _, m := range groups {
		a.groupSource(t, tm.Name, m.Group, &s)
	}
	a.practiceSources(t, tm, role, &s)
	return s
}

func (a *Access) directSources(t *incr.Task, tm *rollcallv1.Teammate, s *sources) {
	if len(tm.Spec.Profiles) == 0 {
		return
	}
	byRole := map[string][]string{}
	for _, e := range tm.Spec.Profiles {
		if !roster.In(t, e.Window) || !a.roster.Usable(t, e.Name) {
			continue
		}
		role := ""
		if e.ProfileRoleRef != nil && a.roster.ProfileRoleExists(t, e.ProfileRoleRef.Name) {
			role = e.ProfileRoleRef.Name
		}
		byRole[role] = append(byRole[role], e.Name)
	}
	for role, names := range byRole {
		if role == "" {
			s.visible = append(s.visible, profiles{names: names})
			continue
		}
		s.given = append(s.given, given{Source: Source{Type: rollcallv1.GrantSourceTypeDirect, ProfileRole: role}, profiles: profiles{names: names}})
	}
	slices.SortFunc(s.given, func(x, y given) int { return strings.Compare(x.ProfileRole, y.ProfileRole) })
}

// gift is what a group gives to its members.
type gift struct {
	profiles // none if the group is disabled
	set      roster.PermissionSet
	resolved bool // the set's profile role exists
}

func sameGift(a, b *gift) bool {
	return a != nil && b != nil && a.set == b.set && a.resolved == b.resolved && slices.Equal(a.names, b.names)
}

func (a *Access) giftOf(t *incr.Task, group string) *gift {
	r := a.roster
	if !r.GroupFacts(t, group).Enabled {
		return &gift{}
	}
	g := &gift{profiles: profiles{names: r.GroupProfiles(t, group)}, set: r.PermissionSet(t, group)}
	g.ids = a.idsOf(g.names)
	g.resolved = g.set.ProfileRole != "" && r.ProfileRoleExists(t, g.set.ProfileRole)
	return g
}

func (a *Access) groupSource(t *incr.Task, teammate, group string, s *sources) {
	r := a.roster
	g := a.gifts.Get(t, group)
	if len(g.names) == 0 {
		return
	}
	source := Source{Type: rollcallv1.GrantSourceTypeGroup, Name: group, ProfileRole: g.set.ProfileRole}
	if g.set.OnReflash && g.set.ProfileRole != "" {
		s.visible = append(s.visible, g.profiles)
		stamp := r.StampedProfiles(t, group)
		switch {
		case stamp.Lost:
			if g.resolved {
				s.given = append(s.given, given{Source: source, profiles: g.profiles, denyOnly: true})
			}
		case r.StampedMember(t, group, teammate) && r.ProfileRoleExists(t, stamp.ProfileRole):
			source.ProfileRole, source.Stamped = stamp.ProfileRole, true
			s.given = append(s.given, given{Source: source, profiles: profiles{names: stamp.Profiles}})
		}
		return
	}
	if !g.resolved {
		s.visible = append(s.visible, g.profiles)
		return
	}
	s.given = append(s.given, given{Source: source, profiles: g.profiles})
}

// practiceSources adds the lines visible by R-8 rule 4 and the practices' roles on them.
func (a *Access) practiceSources(t *incr.Task, tm *rollcallv1.Teammate, role *roster.AccountRole, s *sources) {
	r := a.roster
	if role.Spec.ProfileVisibility != rollcallv1.ProfileVisibilityPracticeLines || *r.Policies(t).PracticeScoping != rollcallv1.SwitchEnabled {
		return
	}
	switch role.Spec.BaseType {
	case rollcallv1.BaseTypeEnterprise, rollcallv1.BaseTypeOwner:
		for _, name := range r.UsableProfiles(t) {
			if p := r.Profile(t, name); p.Spec.Type == rollcallv1.ProfileTypeLine {
				s.visible = append(s.visible, profiles{names: []string{name}})
			}
		}
	}
	practices := slices.Clone(tm.Spec.Practices)
	slices.SortFunc(practices, func(x, y rollcallv1.TeammatePractice) int { return strings.Compare(x.Name, y.Name) })
	for _, e := range practices {
		if p, ok := r.Practice(t, e.Name); !ok || !p.Enabled {
			continue
		}
		lines := r.Lines(t, e.Name)
		if role.Spec.BaseType == rollcallv1.BaseTypeStaff {
			lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
				return !slices.ContainsFunc(e.Lines, func(ref rollcallv1.ObjectRef) bool { return ref.Name == l })
			})
		}
		if e.ProfileRoleRef == nil || !r.ProfileRoleExists(t, e.ProfileRoleRef.Name) {
			s.visible = append(s.visible, profiles{names: lines})
			continue
		}
		s.given = append(s.given, given{Source: Source{Type: rollcallv1.GrantSourceTypePractice, Name: e.Name, ProfileRole: e.ProfileRoleRef.Name}, profiles: profiles{names: lines}})
	}
}

// defaultSource is the role of profiles without any other source (E-23); ok is false if there is none.
func (a *Access) defaultSource(t *incr.Task, tm *rollcallv1.Teammate) (Source, bool) {
	s := Source{Type: rollcallv1.GrantSourceTypeDefault}
	if ref := tm.Spec.DefaultProfileRoleRef; ref != nil && a.roster.ProfileRoleExists(t, ref.Name) {
		s.ProfileRole = ref.Name
		return s, true
	}
	if name := a.roster.DefaultProfileRole(t); name != "" && a.roster.ProfileRoleExists(t, name) {
		s.ProfileRole = name
		return s, true
	}
	return s, false
}

// chosen are the sources of one profile: those that grant under the combination policy, and those that only deny.
type chosen struct {
	used    []Source
	denying []string // profile roles
}

// choose applies pol:profileRoleCombination to the sources present on a profile. present are indices into given,
// ascending; the default source counts only where nothing else is present.
func (a *Access) choose(t *incr.Task, tm *rollcallv1.Teammate, s *sources, present []int32) chosen {
	var c chosen
	if len(present) == 0 {
		if d, ok := a.defaultSource(t, tm); ok {
			c.used = []Source{d}
		}
		return c
	}
	onlyDirect := *a.roster.Policies(t).ProfileRoleCombination == rollcallv1.ProfileRoleCombinationMostSpecific &&
		slices.ContainsFunc(present, func(i int32) bool { return s.given[i].Type == rollcallv1.GrantSourceTypeDirect })
	for _, i := range present {
		g := &s.given[i]
		if g.denyOnly || onlyDirect && g.Type != rollcallv1.GrantSourceTypeDirect {
			c.denying = append(c.denying, g.ProfileRole)
			continue
		}
		if c.used == nil {
			c.used = make([]Source, 0, len(present))
		}
		c.used = append(c.used, g.Source)
	}
	return c
}

func (c chosen) combination(account string) combination {
	if len(c.used) == 1 && len(c.denying) == 0 {
		return combination{account: account, grants: c.used[0].ProfileRole}
	}
	roles := make([]string, 0, len(c.used))
	for _, s := range c.used {
		roles = append(roles, s.ProfileRole)
	}
	return combination{account: account, grants: joinRoles(roles), denies: joinRoles(slices.Clone(c.denying))}
}

func joinRoles(roles []string) string {
	switch len(roles) {
	case 0:
		return ""
	case 1:
		return roles[0]
	}
	slices.Sort(roles)
	return strings.Join(slices.Compact(roles), roleSeparator)
}

// cluster are profiles on which the same sources are present: those of another cluster, and one more.
type cluster struct {
	from, source int32 // source is an index into given, none in the first cluster
	size         int32
	// to is the cluster with the source by as well.
	by, to int32
	grant  int32 // index of the grant that the profiles come into
}

const none = -1

// cluster sorts the profiles of a teammate by the sources present, and counts them. The set of sources on a profile starts as
// the empty one, cluster 0, and is refined source by source. a.found are the ranks of all the profiles, a.in their clusters;
// both and the list are valid until the next call.
func (a *Access) cluster(s *sources) (list []cluster, count int) {
	for i := range s.visible {
		s.visible[i].ids = a.numbered(s.visible[i])
	}
	for i := range s.given {
		s.given[i].ids = a.numbered(s.given[i].profiles)
	}
	list = append(a.clusters[:0], cluster{source: none, by: none})
	a.found = a.found.upTo(len(a.numbers.names))
	a.in = slices.Grow(a.in[:0], len(a.numbers.names))[:len(a.numbers.names)]
	meet := func(id int32) (rank int32) {
		rank = a.numbers.ranks[id]
		if !a.found.has(rank) {
			a.found.add(rank)
			a.in[rank] = 0
			list[0].size++
			count++
		}
		return rank
	}
	for _, p := range s.visible {
		for _, id := range p.ids {
			meet(id)
		}
	}
	for i := range s.given {
		source := int32(i)
		for _, id := range s.given[i].ids {
			rank := meet(id)
			from := a.in[rank]
			if list[from].source == source {
				continue // named twice
			}
			if list[from].by != source {
				list[from].by, list[from].to = source, int32(len(list))
				list = append(list, cluster{from: from, source: source, by: none})
			}
			to := list[from].to
			list[from].size--
			list[to].size++
			a.in[rank] = to
		}
	}
	a.clusters = list
	return list, count
}

func (a *Access) numbered(p profiles) []int32 {
	if p.ids == nil {
		return a.idsOf(p.names)
	}
	return p.ids
}

// present appends the sources of a cluster, ascending.
func present(to []int32, list []cluster, i int) []int32 {
	for c := &list[i]; c.source != none; c = &list[c.from] {
		to = append(to, c.source)
	}
	slices.Reverse(to)
	return to
}

// grants computes every grant of a teammate whose gate is open, and how many profiles they see.
func (a *Access) grants(t *incr.Task, tm *rollcallv1.Teammate, role *roster.AccountRole) ([]Grant, int) {
	s := a.sourcesOf(t, tm, role)
	clusters, count := a.cluster(&s)
	grants := make([]Grant, 0, len(clusters))
	sizes := make([]int32, 0, len(clusters))
	var sources []int32
	for i := range clusters {
		c := &clusters[i]
		rest := i == 0 && s.all
		if c.size == 0 && !rest {
			continue
		}
		sources = present(sources[:0], clusters, i)
		from := a.choose(t, tm, &s, sources)
		g := Grant{Combined: a.combinations.Get(t, from.combination(role.Name)), Sources: from.used, All: rest}
		at := none
		if !rest {
			at = slices.IndexFunc(grants, func(o Grant) bool { return !o.All && o.sameContent(&g) })
		}
		if at == none {
			at, grants, sizes = len(grants), append(grants, g), append(sizes, 0)
		}
		c.grant = int32(at)
		sizes[at] += c.size
	}
	a.fill(grants, sizes, clusters)
	if s.all {
		count = len(a.roster.UsableProfiles(t))
	}
	slices.SortFunc(grants, func(x, y Grant) int { return cmp.Compare(a.first(&x), a.first(&y)) })
	return grants, count
}

// fill puts the ids of the profiles found by cluster into the grants of their clusters, in the order of the names. They are
// valid until the next call.
func (a *Access) fill(grants []Grant, sizes []int32, clusters []cluster) {
	var sum int32
	for _, size := range sizes {
		sum += size
	}
	a.granted = slices.Grow(a.granted[:0], int(sum))
	ids := a.granted[:sum]
	for i, size := range sizes {
		if g := &grants[i]; !g.All { // no source is present: covered by the grant for all profiles
			g.ids, ids = ids[:0:size], ids[size:]
		}
	}
	for rank := range a.found.drain() {
		if g := &grants[clusters[a.in[rank]].grant]; !g.All {
			g.ids = append(g.ids, a.numbers.order[rank])
		}
	}
}

// first is the rank of the first profile of a grant without names.
func (a *Access) first(g *Grant) int32 {
	if g.All {
		return none
	}
	return a.numbers.ranks[g.ids[0]]
}

// name gives the profiles of a grant their names.
func (a *Access) name(g *Grant) {
	if g.All {
		return
	}
	g.Profiles = make([]string, len(g.ids))
	for i, id := range g.ids {
		g.Profiles[i] = a.numbers.names[id]
	}
	g.ids = nil
}

func (g *Grant) sameContent(o *Grant) bool {
	return slices.Equal(g.Sources, o.Sources) && g.Visibility == o.Visibility && g.Set.Equal(o.Set)
}

// digest computes the value behind a teammate's EffectiveAccess, without keeping it.
func (a *Access) digest(t *incr.Task, teammate string) Digest {
	res := a.result(t, teammate)
	if res == nil {
		return Digest{}
	}
	return Digest{
		Hash: res.Hash, Open: res.State.Open, reach: a.reachOf(res), Confers: len(res.AccountPermissions) > 0 || len(res.Grants) > 0,
		Everywhere: slices.ContainsFunc(res.Grants, func(g Grant) bool { return g.All }),
	}
}

func (a *Access) reachOf(res *Result) reach {
	var out reach
	for _, g := range res.Grants {
		if g.All {
			out.rest = len(g.Permissions) > 0
		}
	}
	n := 0
	for _, g := range res.Grants {
		if !g.All && (len(g.Permissions) > 0) != out.rest {
			n += len(g.ids)
		}
	}
	if n == 0 {
		return out
	}
	for _, g := range res.Grants {
		if !g.All && (len(g.Permissions) > 0) != out.rest {
			for _, id := range g.ids {
				a.found.add(id)
			}
		}
	}
	out.ids = make([]int32, 0, n)
	for id := range a.found.drain() {
		out.ids = append(out.ids, id)
	}
	return out
}

// Of returns the complete effective access of a teammate at the roster's instant, nil if they do not exist.
func (a *Access) Of(teammate string) *Result {
	res := a.result(a.roster.Graph.Peek(), teammate)
	if res != nil {
		for i := range res.Grants {
			a.name(&res.Grants[i])
		}
	}
	return res
}

// NextTransition returns the first instant at which time alone may change the teammate's effective access.
func (a *Access) NextTransition(teammate string) (at time.Time, ok bool) {
	a.digests.Get(nil, teammate)
	return a.digests.Expiry(teammate)
}

// result computes everything say of one teammate. The profiles of its grants have no names yet, and
// their ids are valid until the next call.
func (a *Access) result(t *incr.Task, teammate string) *Result {
	r := a.roster
	tm := r.Teammate(t, teammate)
	if tm == nil {
		return nil
	}
	res := &Result{Teammate: teammate, State: a.lifecycle.State(t, teammate), Leader: r.Leader(t, teammate).Name}
	for _, m := range r.Memberships(t, teammate).Accepted {
		res.Groups = append(res.Groups, m.Group)
	}
	res.Supervises = a.supervises(t, teammate)
	if holding := r.Holding(t, teammate); res.State.Open && holding.Role != nil {
		res.AccountRole = holding.Role.Name
		account := a.account(t, teammate)
		res.AccountPermissions, res.accountFields = account.Strings, account.fields
		res.Grants, res.ProfileCount = a.grants(t, tm, holding.Role)
		res.DataScope = a.dataScope(t, tm, holding.Role, res)
		res.Voice, res.Chat = a.voice(t, teammate), a.chat(t, tm)
	}
	a.writer.Reset()
	res.write(&a.writer, a.numbers.texts)
	res.Hash = hashOf(&a.writer)
	return res
}

func (a *Access) supervises(t *incr.Task, teammate string) []rollcallv1.SupervisedTarget {
	seats := a.roster.Seats(t, teammate)
	if len(seats) == 0 || !a.roster.CanSupervise(t, teammate) {
		return nil
	}
	out := make([]rollcallv1.SupervisedTarget, 0, len(seats))
	for _, s := range seats {
		out = append(out, rollcallv1.SupervisedTarget{Kind: s.Kind, Name: s.Name})
	}
	return out
}
