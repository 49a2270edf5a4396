package oracle

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// The claims of R-5 in the order of their ranks.
var claimRanks = []string{"Explicit", "Teammate", "Selector", "Include"}

func claimRank(p Provenance) int { return slices.Index(claimRanks, p.Claim) }

// claim is one valid claim of a person on a group; ends says that its window has an until.
type claim struct {
	provenance Provenance
	ends       bool
}

// inWindow reports whether now is inside [from, until).
func (e *evaluation) inWindow(w rollcallv1.Window) bool {
	return (w.From == nil || !e.now.Before(w.From.Time)) && (w.Until == nil || e.now.Before(w.Until.Time))
}

// ownClaims are the valid claims of t on g other than through includes.
func (e *evaluation) ownClaims(t *person, g rollcallv1.UserGroup) []claim {
	var out []claim
	for _, m := range g.Spec.Members {
		if m.Name == t.object.Name && e.inWindow(m.Window) {
			out = append(out, claim{Provenance{Claim: "Explicit"}, m.Until != nil})
		}
	}
	for _, entry := range t.spec.Groups {
		if entry.Name == g.Name && e.inWindow(entry.Window) {
			out = append(out, claim{Provenance{Claim: "Teammate"}, entry.Until != nil})
		}
	}
	if selects(g.Spec.MemberSelector, t.object.Labels) {
		out = append(out, claim{Provenance{Claim: "Selector"}, false})
	}
	return out
}

// selects is the meaning of a label selector: an empty one, and one that is not valid, selects nothing.
func selects(s *metav1.LabelSelector, of map[string]string) bool {
	if s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(of))
}

func scopeOf(g rollcallv1.UserGroup) string {
	if g.Spec.Scope == "" {
		return "Organization"
	}
	return string(g.Spec.Scope)
}

func enabled(g rollcallv1.UserGroup) bool { return g.Spec.State != rollcallv1.SwitchDisabled }

// rejection is the first of the checks 2 to 4 of R-5 that fails, "" if none does.
func (e *evaluation) rejection(t *person, g rollcallv1.UserGroup) string {
	allowed := map[string][]string{
		"Organization": e.pol.memberBaseTypesOrganization, "Practice": e.pol.memberBaseTypesPractice, "Enterprise": e.pol.memberBaseTypesEnterprise,
	}[scopeOf(g)]
	if len(allowed) > 0 && !slices.Contains(allowed, t.base()) {
		return "BaseTypeNotAllowed"
	}
	if scopeOf(g) == "Practice" {
		for _, q := range g.Spec.Practices {
			if !listsPractice(t, q.Name) {
				return "NotInPractice"
			}
		}
	}
	if e.pol.supervisorMembership == "Deny" && slices.Contains(e.supervisorsOf(g), t.object.Name) {
		return "SupervisorIsMember"
	}
	return ""
}

func listsPractice(t *person, practice string) bool {
	for _, q := range t.spec.Practices {
		if q.Name == practice {
			return true
		}
	}
	return false
}

func (e *evaluation) supervisorsOf(g rollcallv1.UserGroup) []string {
	out := set{}
	for _, ref := range g.Spec.Supervisors {
		if t := e.people[ref.Name]; t != nil && t.hasRole && t.role.canBeSupervisor {
			out[ref.Name] = true
		}
	}
	return out.sorted()
}

// computeGroups settles memberships and stamps.
func (e *evaluation) computeGroups() {
	edges := graph{}
	for _, g := range e.org.UserGroups {
		edges[g.Name] = nil
		for _, ref := range g.Spec.Includes {
			if _, exists := e.groups[ref.Name]; exists && !slices.Contains(edges[g.Name], ref.Name) {
				edges[g.Name] = append(edges[g.Name], ref.Name)
			}
		}
	}
	closing := edges.closing()
	// members[g] and rejected[g] are filled on demand, since the members of a group need those of the included ones.
	members, rejected := map[string]map[string][]Provenance{}, map[string]map[string]Rejection{}
	var settle func(name string)
	settle = func(name string) {
		if members[name] != nil {
			return
		}
		members[name], rejected[name] = map[string][]Provenance{}, map[string]Rejection{}
		g := e.groups[name]
		claims := map[string][]Provenance{}
		for tname, t := range e.people {
			for _, c := range e.ownClaims(t, g) {
				claims[tname] = append(claims[tname], c.provenance)
			}
		}
		if e.pol.groupMembership != "Exclusive" {
			for _, included := range edges[name] {
				if closing[name][included] || !enabled(e.groups[included]) {
					continue
				}
				settle(included)
				for tname := range members[included] {
					claims[tname] = append(claims[tname], Provenance{Claim: "Include", Via: included})
				}
			}
		}
		for tname, provenances := range claims {
			if reason := e.rejection(e.people[tname], g); reason != "" {
				rejected[name][tname] = Rejection{Name: tname, Reason: reason}
				continue
			}
			if reason, yielding := e.exclusiveConflict(e.people[tname], g); reason != "" {
				rejected[name][tname] = Rejection{Name: tname, Reason: reason, Yielding: yielding}
				continue
			}
			slices.SortFunc(provenances, func(a, b Provenance) int {
				return cmp.Or(cmp.Compare(claimRank(a), claimRank(b)), strings.Compare(a.Via, b.Via))
			})
			members[name][tname] = provenances
		}
	}
	for _, g := range e.org.UserGroups {
		settle(g.Name)
		out := Group{
			Supervisors: e.supervisorsOf(g), Profiles: e.groupProfiles(g), Cyclic: edges.onCycle(g.Name), Closing: closing[g.Name].sorted(),
			LostKeys: e.lost(Ref{"UserGroup", g.Name}, e.groupKeys(g)),
		}
		for tname, provenances := range members[g.Name] {
			out.Members = append(out.Members, Member{tname, provenances})
		}
		for _, r := range rejected[g.Name] {
			out.Rejected = append(out.Rejected, r)
		}
		for _, m := range g.Spec.Members {
			if e.people[m.Name] == nil {
				out.Unresolved = append(out.Unresolved, m.Name)
			}
		}
		slices.SortFunc(out.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(out.Rejected, func(a, b Rejection) int { return strings.Compare(a.Name, b.Name) })
		slices.Sort(out.Unresolved)
		e.stamp(g, &out)
		e.result.Groups[g.Name] = out
	}
	for name, out := range e.result.Teammates {
		for _, g := range e.org.UserGroups {
			if provenances, in := members[g.Name][name]; in {
				out.Groups = append(out.Groups, Membership{g.Name, provenances})
			}
			if slices.Contains(e.supervisorsOf(g), name) {
				out.Supervises = append(out.Supervises, g.Name)
			}
		}
		slices.SortFunc(out.Groups, func(a, b Membership) int { return strings.Compare(a.Group, b.Group) })
		slices.Sort(out.Supervises)
		e.result.Teammates[name] = out
	}
}

// computeIncumbents chooses the standing home and cover of everybody (R-5, Exclusive).
func (e *evaluation) computeIncumbents() {
	if e.pol.groupMembership != "Exclusive" {
		return
	}
	recorded := map[string]Person{}
	records, _ := e.matchRecords()
	for name := range e.people {
		recorded[name] = records[name]
	}
	for name, t := range e.people {
		t.record.Home = e.incumbent(t, recorded[name].Home, false)
		t.record.Cover = e.incumbent(t, recorded[name].Cover, true)
	}
}

// incumbent is the standing group of one class, "" if no group of the class claims t.
func (e *evaluation) incumbent(t *person, recorded string, cover bool) string {
	best, bestRank := "", 0
	for _, g := range e.org.UserGroups {
		if isCover, claims := e.exclusiveClass(t, g); !claims || isCover != cover {
			continue
		}
		rank := len(claimRanks)
		for _, c := range e.ownClaims(t, g) {
			rank = min(rank, claimRank(c.provenance))
		}
		if g.Name == recorded {
			return g.Name
		}
		if best == "" || rank < bestRank || rank == bestRank && g.Name < best {
			best, bestRank = g.Name, rank
		}
	}
	return best
}

// exclusiveClass says whether g claims t and passes the checks, and whether it does so as a cover.
func (e *evaluation) exclusiveClass(t *person, g rollcallv1.UserGroup) (cover, claims bool) {
	own := e.ownClaims(t, g)
	if len(own) == 0 || e.rejection(t, g) != "" {
		return false, false
	}
	return !slices.ContainsFunc(own, func(c claim) bool { return !c.ends }), true
}

func (e *evaluation) exclusiveConflict(t *person, g rollcallv1.UserGroup) (reason string, yielding bool) {
	if e.pol.groupMembership != "Exclusive" {
		return "", false
	}
	standing := t.record.Cover
	if standing == "" {
		standing = t.record.Home
	}
	if standing == g.Name {
		return "", false
	}
	return "ExclusiveConflict", g.Name == t.record.Home
}

// groupProfiles is profiles(g) of R-8.
func (e *evaluation) groupProfiles(g rollcallv1.UserGroup) []string {
	out := set{}
	for _, entry := range g.Spec.Profiles {
		if e.contributes(entry.Name) && e.inWindow(entry.Window) {
			out[entry.Name] = true
		}
	}
	out.addAll(e.selected(g.Spec.ProfileSelector))
	return out.sorted()
}

// contributes says that a profile exists, is enabled and holds its keys.
func (e *evaluation) contributes(name string) bool {
	p, exists := e.profiles[name]
	return exists && p.Spec.State != rollcallv1.SwitchDisabled && len(e.lost(Ref{"Profile", name}, profileKeys(p))) == 0
}

// selected returns the profiles that a selector matches.
func (e *evaluation) selected(s *rollcallv1.ProfileSelector) set {
	out := set{}
	if s == nil || len(s.Platforms)+len(s.Types)+len(s.Languages)+len(s.Regions)+len(s.MatchLabels) == 0 {
		return out
	}
	for name, p := range e.profiles {
		platform := p.Spec.Platform != nil && slices.Contains(s.Platforms, *p.Spec.Platform)
		language := p.Spec.Language != nil && slices.ContainsFunc(s.Languages, func(want string) bool { return subtagPrefix(want, *p.Spec.Language) })
		region := p.Spec.Region != nil && slices.Contains(s.Regions, *p.Spec.Region)
		ok := (len(s.Platforms) == 0 || platform) && (len(s.Types) == 0 || slices.Contains(s.Types, p.Spec.Type)) &&
			(len(s.Languages) == 0 || language) && (len(s.Regions) == 0 || region)
		for key, value := range s.MatchLabels {
			got, has := p.Labels[key]
			ok = ok && has && got == value
		}
		if ok && e.contributes(name) {
			out[name] = true
		}
	}
	return out
}

func subtagPrefix(want, language string) bool {
	want, language = strings.ToLower(want), strings.ToLower(language)
	return want == language || strings.HasPrefix(language, want+"-")
}

// onReflash says that the permission set of g is applied by stamps.
func (e *evaluation) onReflash(g rollcallv1.UserGroup) bool {
	ps := g.Spec.PermissionSet
	if ps == nil {
		return false
	}
	application := e.pol.permissionSetApplication
	if ps.Application != nil {
		application = string(*ps.Application)
	}
	return application == "OnReflash"
}

// stamp applies the events of R-10 that show between the recorded stamp and now.
func (e *evaluation) stamp(g rollcallv1.UserGroup, out *Group) {
	if !e.onReflash(g) {
		return
	}
	var members []string
	for _, m := range out.Members {
		members = append(members, m.Name)
	}
	role, token := g.Spec.PermissionSet.ProfileRoleRef.Name, str(g.Spec.PermissionSet.ReflashToken)
	old, exists := e.state.Stamps[g.Name]
	now := e.now
	fresh := Stamp{ProfileRole: role, Token: token, AppliedAt: &now, Members: members, Profiles: out.Profiles}
	var stamp Stamp
	switch {
	case !exists && e.state.Lost:
		stamp = Stamp{ProfileRole: role, Token: token}
	case !exists && len(out.Profiles) == 0:
		return
	case !exists:
		stamp = fresh
	case old.Lost() && old.Token == token:
		stamp = Stamp{ProfileRole: role, Token: token}
	case old.Token != token || old.ProfileRole != role:
		stamp = fresh
	default:
		stamp = old
		stamp.Members, stamp.Profiles = common(old.Members, members), common(old.Profiles, out.Profiles)
	}
	out.Stamp = &stamp
	out.PendingMembers = len(members) - len(stamp.Members)
	out.PendingProfiles = len(out.Profiles) - len(stamp.Profiles)
	e.result.Next.Stamps[g.Name] = stamp
}

func common(a, b []string) []string {
	var out []string
	for _, item := range a {
		if slices.Contains(b, item) {
			out = append(out, item)
		}
	}
	return out
}

func laterThan(t *metav1.Time, now time.Time) bool { return t == nil || t.After(now) }
