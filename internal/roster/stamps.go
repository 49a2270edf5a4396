package roster

import (
	"slices"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// PermissionSet is what a group's permission set says, resolved.
type PermissionSet struct {
	// ProfileRole is empty for a group without a permission set.
	ProfileRole, Token string
	OnReflash          bool
}

// StampedProfiles is the part of a stamp that all members share.
type StampedProfiles struct {
	ProfileRole string
	Lost        bool
	Profiles    []string
}

type pair struct{ group, teammate string }

type stampQueries struct {
	sets            *incr.Query[string, PermissionSet]
	currentStamps   *incr.Query[string, *Stamp]
	stampedMembers  *incr.Query[pair, bool]
	stampedProfiles *incr.Query[string, StampedProfiles]
}

func newStampQueries(r *Roster) stampQueries {
	var q stampQueries
	q.sets = incr.NewQuery(r.Graph, "permissionSet", equal[PermissionSet], func(t *incr.Task, name string) PermissionSet {
		g := r.UserGroup(t, name)
		if g == nil || g.Spec.PermissionSet == nil {
			return PermissionSet{}
		}
		s := PermissionSet{ProfileRole: g.Spec.PermissionSet.ProfileRoleRef.Name}
		application := *r.Policies(t).PermissionSetApplication
		if a := g.Spec.PermissionSet.Application; a != nil {
			application = *a
		}
		s.OnReflash = application == rollcallv1.PermissionSetApplicationOnReflash
		if token := g.Spec.PermissionSet.ReflashToken; token != nil {
			s.Token = *token
		}
		return s
	})
	q.currentStamps = incr.NewQuery(r.Graph, "stamp", sameStamp, r.currentStamp)
	q.currentStamps.OnChange(func(group string, _, after *Stamp) {
		if !sameStamp(r.memory.Stamps[group], after) { // after a start the Ledger has most of them
			r.SetStamp(group, after)
		}
	})
	q.stampedMembers = incr.NewQuery(r.Graph, "stampedMember", equal[bool], func(t *incr.Task, p pair) bool {
		return r.currentStamps.Get(t, p.group).HasMember(p.teammate)
	})
	q.stampedProfiles = incr.NewQuery(r.Graph, "stampedProfiles", func(a, b StampedProfiles) bool {
		return a.ProfileRole == b.ProfileRole && a.Lost == b.Lost && slices.Equal(a.Profiles, b.Profiles)
	}, func(t *incr.Task, group string) StampedProfiles {
		s := r.currentStamps.Get(t, group)
		if s == nil {
			return StampedProfiles{}
		}
		return StampedProfiles{ProfileRole: s.ProfileRole, Lost: s.Lost(), Profiles: s.Profiles}
	})
	return q
}

// PermissionSet returns the group's permission set.
func (r *Roster) PermissionSet(t *incr.Task, group string) PermissionSet { return r.sets.Get(t, group) }

// Stamp returns the group's stamp as it stands now, nil without one.
func (r *Roster) Stamp(t *incr.Task, group string) *Stamp { return r.currentStamps.Get(t, group) }

// StampedMember reports whether the teammate is in the group's stamp.
func (r *Roster) StampedMember(t *incr.Task, group, teammate string) bool {
	return r.stampedMembers.Get(t, pair{group, teammate})
}

// StampedProfiles returns the profiles and the role of the group's stamp.
func (r *Roster) StampedProfiles(t *incr.Task, group string) StampedProfiles {
	return r.stampedProfiles.Get(t, group)
}

// currentStamp applies the events of R-10 to the stamp that the Ledger remembers.
func (r *Roster) currentStamp(t *incr.Task, group string) *Stamp {
	set := r.sets.Get(t, group)
	if set.ProfileRole == "" || !set.OnReflash {
		return nil
	}
	members, profiles := r.Members(t, group), r.GroupProfiles(t, group)
	take := func() *Stamp {
		return &Stamp{ProfileRole: set.ProfileRole, Token: set.Token, AppliedAt: t.Now(), Members: slices.Clone(members), Profiles: slices.Clone(profiles)}
	}
	lost := &Stamp{ProfileRole: set.ProfileRole, Token: set.Token}
	prior := r.state.stamps.Get(t, group)
	switch {
	case prior == nil && r.state.lost.Get(t, struct{}{}):
		return lost
	case prior == nil && len(profiles) == 0:
		return nil
	case prior == nil:
		return take()
	case prior.Lost() && prior.Token == set.Token:
		return lost
	case prior.Token != set.Token || prior.ProfileRole != set.ProfileRole:
		return take()
	}
	return &Stamp{ProfileRole: prior.ProfileRole, Token: prior.Token, AppliedAt: prior.AppliedAt,
		Members: intersect(prior.Members, members), Profiles: intersect(prior.Profiles, profiles)}
}

// intersect returns what is in both sorted lists.
func intersect(a, b []string) []string {
	var out []string
	for _, s := range a {
		if contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// ReviewStamps drops remembered stamps of groups that have none any more, after the Ledger was read. Call it after Settle.
func (r *Roster) ReviewStamps() {
	for group := range r.memory.Stamps {
		if r.currentStamps.Get(nil, group) == nil {
			r.SetStamp(group, nil)
		}
	}
}

// LedgerHandled ends the state of a lost Ledger: what it meant for stamps is recorded by now.
func (r *Roster) LedgerHandled() { r.state.lost.Set(struct{}{}, false) }
