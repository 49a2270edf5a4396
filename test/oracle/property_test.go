package oracle_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/oracle"
	"github.com/rollcall-dev/rollcall/test/orggen"
)

// step is one evaluation in a history.
type step struct {
	edit   string
	world  orggen.World
	state  oracle.State
	result oracle.Result
}

// history draws a world and some edits, and evaluates after each.
func history(t *rapid.T, edits int) []step {
	world := orggen.Draw(t)
	first := step{edit: "drawn", world: world, result: oracle.Evaluate(world.Org, oracle.State{}, world.Now)}
	steps := []step{first}
	for range rapid.IntRange(0, edits).Draw(t, "edits") {
		last := steps[len(steps)-1]
		next := step{world: last.world, state: last.result.Next}
		edit := orggen.DrawEdit(t, &next.world)
		next.world.Apply(edit)
		next.edit = edit.String()
		if edit.LoseLedger {
			next.state = oracle.State{Lost: true, Mentions: next.state.Mentions}
		}
		if edit.LoseMentions {
			next.state.Mentions = nil
		}
		next.result = oracle.Evaluate(next.world.Org, next.state, next.world.Now)
		steps = append(steps, next)
	}
	return steps
}

var sameTime = cmpopts.EquateEmpty()

// TestOrder is S-54 and steady state: neither the order of the input nor a second evaluation changes anything.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := history(rt, 4)
		last := steps[len(steps)-1]
		again := oracle.Evaluate(orggen.Shuffled(rt, last.world.Org), last.state, last.world.Now)
		if diff := cmp.Diff(last.result, again, sameTime); diff != "" {
			rt.Fatalf("the order of the input matters (-want +got):\n%s", diff)
		}
		next := oracle.Evaluate(last.world.Org, last.result.Next, last.world.Now)
		if diff := cmp.Diff(last.result, next, sameTime); diff != "" {
			rt.Fatalf("a second evaluation differs (-want +got):\n%s", diff)
		}
	})
}

// TestInvariants has P-01 to P-04, P-06, P-12, P-13 and P-20 as far as the reference alone can show them.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := history(rt, 6)
		for i, s := range steps {
			fail := func(format string, args ...any) {
				rt.Helper()
				rt.Fatalf("after %d edits (%s): %s", i, s.edit, fmt.Sprintf(format, args...))
			}
			r := s.result
			for name, tm := range r.Teammates {
				if !tm.GateOpen && len(tm.AccountPermissions)+len(tm.Profiles)+len(tm.DataScope.Scopes) > 0 {
					fail("%s has access behind a closed gate", name) // P-01
				}
				for _, p := range tm.Profiles {
					checkPermissions(fail, name, p, r)
				}
			}
			for ref, plan := range r.Plans {
				for _, c := range plan.Candidates {
					tm := r.Teammates[c.Name]
					if !tm.GateOpen || !slices.Contains(tm.AccountPermissions, "conversations.handle") {
						fail("%s is a candidate of %v", c.Name, ref)
					}
					views := slices.ContainsFunc(tm.Profiles, func(p oracle.Profile) bool {
						return slices.Contains(plan.Served, p.Name) && slices.ContainsFunc(p.Permissions, func(perm string) bool { return strings.HasSuffix(perm, ".view") })
					})
					if len(plan.Served) > 0 && !views {
						fail("%s is a candidate of %v without a view", c.Name, ref) // P-20
					}
				}
			}
			for name, group := range r.Groups {
				if group.Stamp == nil {
					continue
				}
				for _, m := range group.Stamp.Members { // P-13
					if !slices.ContainsFunc(group.Members, func(in oracle.Member) bool { return in.Name == m }) {
						fail("the stamp of %s has %s, who is no member", name, m)
					}
				}
				if len(group.Stamp.Profiles)+group.PendingProfiles != len(group.Profiles) {
					fail("the stamp of %s has a profile that the group has not", name)
				}
			}
			if i > 0 {
				checkKeys(fail, steps[i-1], s)
			}
		}
	})
}

func checkPermissions(fail func(string, ...any), name string, p oracle.Profile, r oracle.Result) {
	for _, perm := range p.Permissions {
		module, _, _ := strings.Cut(perm, ".")
		if !slices.Contains(p.Permissions, module+".view") {
			fail("%s has %s on %s without the view", name, perm, p.Name) // P-03
		}
		granted := false
		for _, s := range p.Sources {
			role := r.Roles[s.ProfileRole]
			granted = granted || s.Granting && slices.Contains(role.Permissions, perm)
			for _, deny := range role.Denies {
				dm, dv, _ := strings.Cut(deny, ".")
				_, verb, _ := strings.Cut(perm, ".")
				if deny == "*" || (dm == "*" || dm == module) && (dv == "*" || dv == verb) {
					fail("%s has %s on %s, which %s denies", name, perm, p.Name, s.ProfileRole) // P-02
				}
			}
		}
		if !granted {
			fail("%s has %s on %s without a source", name, perm, p.Name) // P-02
		}
	}
}

// checkKeys is P-12: while the Ledger is there, a holder that still claims its key keeps it.
func checkKeys(fail func(string, ...any), before, after step) {
	if after.state.Lost {
		return
	}
	for key, holder := range before.result.Next.Keys {
		now, claimed := after.result.Next.Keys[key]
		if !claimed || now == holder {
			continue
		}
		// The holder lost it, so it must not be among those that claim it and do not hold it.
		var lost []string
		switch holder.Kind {
		case "Teammate":
			lost = after.result.Teammates[holder.Name].LostKeys
		case "UserGroup":
			lost = after.result.Groups[holder.Name].LostKeys
		case "Department":
			lost = after.result.Departments[holder.Name].LostKeys
		}
		if slices.Contains(lost, key) {
			fail("%v lost %s to %v while it claims it", holder, key, now)
		}
	}
}

// TestExclusive is P-04, first half: nobody is in two groups.
func TestExclusive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		world.Org.Organization.Spec.Policies.GroupMembership = new(rollcallv1.GroupMembershipExclusive)
		r := oracle.Evaluate(world.Org, oracle.State{}, world.Now)
		for name, tm := range r.Teammates {
			if len(tm.Groups) > 1 {
				rt.Fatalf("%s is in %v", name, tm.Groups)
			}
		}
	})
}

// TestIncludes is P-06: without the closing edges the graph has no cycle, and without cycles no edge is closing.
func TestIncludes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		r := oracle.Evaluate(world.Org, oracle.State{}, world.Now)
		open := map[string][]string{}
		for _, g := range world.Org.UserGroups {
			for _, ref := range g.Spec.Includes {
				if _, exists := r.Groups[ref.Name]; exists && !slices.Contains(r.Groups[g.Name].Closing, ref.Name) {
					open[g.Name] = append(open[g.Name], ref.Name)
				}
			}
			if len(r.Groups[g.Name].Closing) > 0 && !r.Groups[g.Name].Cyclic {
				rt.Fatalf("%s has a closing edge but lies on no cycle", g.Name)
			}
		}
		var walk func(path []string)
		walk = func(path []string) {
			for _, next := range open[path[len(path)-1]] {
				if slices.Contains(path, next) {
					rt.Fatalf("the cycle %v %s is left", path, next)
				}
				walk(append(slices.Clone(path), next))
			}
		}
		for _, g := range slices.Sorted(maps.Keys(r.Groups)) {
			walk([]string{g})
		}
	})
}

// TestLedgerLoss is P-18 on the reference: whoever gains a permission when the Ledger goes was reported in conflict before:
// a key claimed twice, an exclusive membership, or an archive that does not open.
func TestLedgerLoss(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := history(rt, 5)
		last := steps[len(steps)-1]
		settled := oracle.Evaluate(last.world.Org, last.result.Next, last.world.Now)
		if inConflict(last.world, settled) {
			return
		}
		lost := oracle.Evaluate(last.world.Org, oracle.State{Lost: true}, last.world.Now)
		for name, tm := range lost.Teammates {
			before := permissionsOf(settled.Teammates[name])
			for _, perm := range permissionsOf(tm) {
				if !slices.Contains(before, perm) {
					rt.Fatalf("%s gains %s by the loss of the Ledger", name, perm)
				}
			}
		}
	})
}

func inConflict(w orggen.World, r oracle.Result) bool {
	for _, tm := range r.Teammates {
		if len(tm.LostKeys) > 0 {
			return true
		}
	}
	for _, g := range r.Groups {
		if len(g.LostKeys) > 0 || slices.ContainsFunc(g.Rejected, func(r oracle.Rejection) bool { return r.Reason == "ExclusiveConflict" }) {
			return true
		}
	}
	for _, d := range r.Departments {
		if len(d.LostKeys) > 0 {
			return true
		}
	}
	for _, p := range w.Org.Profiles {
		for key, holder := range r.Next.Keys {
			claims := p.Spec.PhoneNumber != nil && key == "phone="+string(p.Spec.Type)+"/"+*p.Spec.PhoneNumber ||
				p.Spec.ExternalID != nil && strings.HasPrefix(key, "external=") && strings.HasSuffix(key, "/"+*p.Spec.ExternalID)
			if claims && holder.Name != p.Name {
				return true
			}
		}
	}
	for _, tm := range w.Org.Teammates {
		if r.Teammates[tm.Name].Phase == "Archived" && tm.Spec.Lifecycle.State != "Archived" {
			return true
		}
	}
	return false
}

func permissionsOf(t oracle.Teammate) []string {
	out := slices.Clone(t.AccountPermissions)
	for _, p := range t.Profiles {
		for _, perm := range p.Permissions {
			out = append(out, p.Name+" "+perm)
		}
	}
	return out
}

// TestMonotone is S-55: under Union, without a default profile role and without denies, adding a direct membership never takes
// a permission on a profile away, and disabling a group never gives one.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		world := orggen.Draw(rt)
		org := &world.Org
		org.Organization.Spec.DefaultProfileRoleRef = nil
		policies := org.Organization.Spec.Policies
		policies.ProfileRoleCombination = new(rollcallv1.ProfileRoleCombinationUnion)
		policies.GroupMembership = new(rollcallv1.GroupMembershipMultiple)
		for i := range org.ProfileRoles {
			org.ProfileRoles[i].Spec.Denies = nil
		}
		for i := range org.Teammates {
			org.Teammates[i].Spec.DefaultProfileRoleRef = nil
		}
		if len(org.UserGroups) == 0 || len(org.Teammates) == 0 {
			return
		}
		state := oracle.Evaluate(*org, oracle.State{}, world.Now).Next
		before := oracle.Evaluate(*org, state, world.Now)
		group := rapid.IntRange(0, len(org.UserGroups)-1).Draw(rt, "group")
		person := org.Teammates[rapid.IntRange(0, len(org.Teammates)-1).Draw(rt, "person")].Name

		disabled := *org
		disabled.UserGroups = slices.Clone(org.UserGroups)
		disabled.UserGroups[group].Spec.State = rollcallv1.SwitchDisabled
		noneGained(rt, before, oracle.Evaluate(disabled, state, world.Now), "disabling a group")

		added := *org
		added.UserGroups = slices.Clone(org.UserGroups)
		spec := &added.UserGroups[group].Spec
		spec.Members = slices.DeleteFunc(slices.Clone(spec.Members), func(m rollcallv1.Member) bool { return m.Name == person })
		spec.Members = append(spec.Members, rollcallv1.Member{Name: person})
		noneGained(rt, oracle.Evaluate(added, state, world.Now), before, "leaving out a membership")
	})
}

func noneGained(t *rapid.T, before, after oracle.Result, what string) {
	t.Helper()
	for name, tm := range after.Teammates {
		had := before.Teammates[name]
		for _, p := range tm.Profiles {
			i := slices.IndexFunc(had.Profiles, func(h oracle.Profile) bool { return h.Name == p.Name })
			if i < 0 {
				t.Fatalf("%s gives %s the profile %s", what, name, p.Name)
			}
			for _, perm := range p.Permissions {
				if !slices.Contains(had.Profiles[i].Permissions, perm) {
					t.Fatalf("%s gives %s %s on %s", what, name, perm, p.Name)
				}
			}
		}
	}
}
