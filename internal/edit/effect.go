package edit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/engine"
)

// effects say what changes for a person: the fields, then groups, profiles and permissions gained and lost.
func (t *trial) effects(after *engine.Engine, name string) []string {
	dr := t.drafts[name]
	var out []string
	for _, f := range shown {
		if was, is := f.text(&dr.before.Spec), f.text(&dr.after.Spec); was != is {
			out = append(out, fmt.Sprintf("%s %s -> %s", f.name, or(was), or(is)))
		}
	}
	was, is := t.Before.Access.Of(name), after.Access.Of(name)
	groups := signed(differ(was.Groups, is.Groups))
	if groups != "" {
		out = append(out, "groups "+groups)
	}
	out = append(out, entriesText(dr, groups == "")...)
	if was.Hash == is.Hash {
		return out
	}
	if was.State.Phase != is.State.Phase {
		out = append(out, fmt.Sprintf("phase %s -> %s", was.State.Phase, is.State.Phase))
	}
	old, new := profilesOf(t.Before, was), profilesOf(after, is)
	out = append(out, counted("profiles", old.count(new), new.count(old))...)
	lostAccount, gainedAccount := differ(is.AccountPermissions, was.AccountPermissions)
	lostPairs, gainedPairs := old.pairs(new), new.pairs(old)
	return append(out, counted("permissions", lostPairs+len(lostAccount), gainedPairs+len(gainedAccount))...)
}

// entriesText tells the times of entries under spec.members; all says the other changes too, where no group is gained or lost
// by them now: a window that begins later, a membership without an end from now on, a second claim.
func entriesText(dr *draft, all bool) []string {
	var out []string
	entries := dr.entries()
	for _, group := range sortedKeys(entries) {
		switch en := entries[group]; {
		case en.window.From != nil || en.window.Until != nil:
			out = append(out, "UserGroup/"+group+window(en.window))
		case all && en.leaves:
			out = append(out, "UserGroup/"+group+" lists them no more")
		case all:
			out = append(out, "UserGroup/"+group+" lists them for good")
		}
	}
	return out
}

func counted(what string, lost, gained int) []string {
	var parts []string
	if gained > 0 {
		parts = append(parts, "+"+strconv.Itoa(gained))
	}
	if lost > 0 {
		parts = append(parts, "-"+strconv.Itoa(lost))
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{what + " " + strings.Join(parts, " ")}
}

// differ returns what the second of two sorted lists has more, and less.
func differ(old, now []string) (gained, lost []string) {
	for _, s := range now {
		if _, found := slices.BinarySearch(old, s); !found {
			gained = append(gained, s)
		}
	}
	for _, s := range old {
		if _, found := slices.BinarySearch(now, s); !found {
			lost = append(lost, s)
		}
	}
	return gained, lost
}

func signed(gained, lost []string) string {
	var out []string
	for _, s := range gained {
		out = append(out, "+"+s)
	}
	for _, s := range lost {
		out = append(out, "-"+s)
	}
	return strings.Join(out, " ")
}

// visible are the permissions on each profile that somebody has any on.
type visible map[string][]string

func profilesOf(e *engine.Engine, res *access.Result) visible {
	out := visible{}
	rest := []string(nil)
	for _, g := range res.Grants {
		if g.All {
			rest = g.Permissions
		}
		for _, p := range g.Profiles {
			out[p] = g.Permissions
		}
	}
	if len(rest) == 0 {
		return out
	}
	for _, p := range e.Roster.UsableProfiles(nil) {
		if _, named := out[p]; !named {
			out[p] = rest
		}
	}
	return out
}

// count is the number of profiles that the other has not; pairs that of permissions on profiles.
func (v visible) count(other visible) int {
	n := 0
	for p := range v {
		if _, has := other[p]; !has {
			n++
		}
	}
	return n
}

func (v visible) pairs(other visible) int {
	n := 0
	for p, permissions := range v {
		_, missing := differ(permissions, other[p])
		n += len(missing)
	}
	return n
}

// shown are the fields that operations change, as text.
var shown = []struct {
	name string
	text func(*rollcallv1.TeammateSpec) string
}{
	{"accountRole", func(s *rollcallv1.TeammateSpec) string { return reference(s.AccountRoleRef) }},
	{"assignment", func(s *rollcallv1.TeammateSpec) string { return assignment(s.Assignment) }},
	{"maxChats", func(s *rollcallv1.TeammateSpec) string { return number(s.MaxChats) }},
	{"skills", func(s *rollcallv1.TeammateSpec) string { return skills(s.Skills) }},
	{"availability", func(s *rollcallv1.TeammateSpec) string { return string(s.Availability) }},
	{"absences", func(s *rollcallv1.TeammateSpec) string { return absences(s.Absences) }},
	{"teamLeader", func(s *rollcallv1.TeammateSpec) string { return reference(s.TeamLeaderRef) }},
	{"channels", func(s *rollcallv1.TeammateSpec) string { return channels(s.Channels) }},
	{"extension", func(s *rollcallv1.TeammateSpec) string { return text(s.Extension) }},
	{"lifecycle", func(s *rollcallv1.TeammateSpec) string { return lifecycle(s.Lifecycle) }},
	{"spec.groups", func(s *rollcallv1.TeammateSpec) string { return ownGroups(s.Groups) }},
	{"primaryGroup", func(s *rollcallv1.TeammateSpec) string { return reference(s.PrimaryGroupRef) }},
}

func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func reference(r *rollcallv1.ObjectRef) string {
	if r == nil {
		return ""
	}
	return r.Name
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

func assignment(a rollcallv1.Assignment) string {
	switch a.Type {
	case rollcallv1.AssignmentTypeCampaign:
		return "Campaign " + reference(a.CampaignRef)
	case rollcallv1.AssignmentTypeQueues:
		var names []string
		for _, q := range a.Queues {
			names = append(names, q.Name)
		}
		return "Queues " + strings.Join(names, ",")
	}
	return ""
}

func skills(list []rollcallv1.TeammateSkill) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Name+"="+strconv.Itoa(int(level(s))))
	}
	return strings.Join(out, ",")
}

func level(s rollcallv1.TeammateSkill) int32 {
	if s.Level == nil {
		return rollcallv1.SkillLevel
	}
	return *s.Level
}

func absences(list []rollcallv1.Absence) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Name+window(a.Window))
	}
	return strings.Join(out, ",")
}

func ownGroups(list []rollcallv1.TeammateGroup) string {
	var out []string
	for _, g := range list {
		out = append(out, g.Name+window(g.Window))
	}
	return strings.Join(out, ",")
}

func window(w rollcallv1.Window) string {
	out := ""
	if w.From != nil {
		out += " from " + w.From.UTC().Format(time.RFC3339)
	}
	if w.Until != nil {
		out += " until " + w.Until.UTC().Format(time.RFC3339)
	}
	return out
}

func channels(list []rollcallv1.Channel) string {
	var out []string
	for _, c := range list {
		out = append(out, string(c))
	}
	return strings.Join(out, ",")
}

func lifecycle(l rollcallv1.Lifecycle) string {
	out := string(l.State)
	if l.BlockedFrom != nil && l.BlockedUntil != nil {
		out += window(rollcallv1.Window{From: l.BlockedFrom, Until: l.BlockedUntil})
	}
	if l.Reason != nil {
		out += " (" + *l.Reason + ")"
	}
	return out
}
