package routing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

func deptTarget(name string) routing.Target {
	return routing.Target{Kind: routing.KindDepartment, Name: name}
}

func groupTarget(name string) routing.Target {
	return routing.Target{Kind: routing.KindUserGroup, Name: name}
}

// goesTo checks where items on profiles go; the zero target is nobody.
func (f *fixture) goesTo(want map[string]routing.Target) {
	f.t.Helper()
	for profile, target := range want {
		if got, _ := f.planner.Serving(nil, profile); got != target {
			f.t.Errorf("items on %s go to %v, want %v", profile, got, target)
		}
	}
}

// conflicts checks which targets lose a profile to another.
func (f *fixture) conflicts(want map[routing.Target]string) {
	f.t.Helper()
	for _, x := range f.planner.Targets(nil) {
		got := ""
		for _, c := range f.planner.Conflicts(nil, x) {
			got += c.Profile + ">" + c.Winner.Name + " "
		}
		if got != want[x] {
			f.t.Errorf("%s %s loses %q, want %q", x.Kind, x.Name, got, want[x])
		}
	}
}

func TestInbound(t *testing.T) {
	dials := func(profiles ...string) func(*rollcallv1.UserGroupSpec) {
		return dialed(func(d *rollcallv1.Dialing) { d.Profiles = refs(profiles...) })
	}
	bySelector := func(types ...rollcallv1.ProfileType) *rollcallv1.ProfileSelector {
		return &rollcallv1.ProfileSelector{Types: types}
	}
	t.Run("S-141 departments before groups, then lists before selectors", func(t *testing.T) {
		f := organize(t, monday, phoneProfile("p"), dept("z", nil, serving("p")), userGroup("b", nil, dials("p")), userGroup("a", nil, dials("p")))
		f.goesTo(map[string]routing.Target{"p": deptTarget("z")})
		f.conflicts(map[routing.Target]string{groupTarget("a"): "p>z ", groupTarget("b"): "p>z "})

		f.remove(dept("z", nil, nil))
		f.goesTo(map[string]routing.Target{"p": groupTarget("a")})
		f.conflicts(map[routing.Target]string{groupTarget("b"): "p>a "})

		f.apply(userGroup("a", nil, dialed(func(d *rollcallv1.Dialing) { d.ProfileSelector = bySelector(rollcallv1.ProfileTypePhone) })))
		f.goesTo(map[string]routing.Target{"p": groupTarget("b")})
		f.conflicts(nil)
	})
	t.Run("S-142 a department without profiles serves those of its groups", func(t *testing.T) {
		given := func(s *rollcallv1.UserGroupSpec) {
			s.Profiles = []rollcallv1.GroupProfile{{Name: "p1"}, {Name: "p2"}}
		}
		f := organize(t, monday, chatProfile("p1"), chatProfile("p2"), userGroup("g", nil, given),
			dept("d1", []string{"g"}, nil), dept("d2", nil, serving("p2")), dept("d3", []string{"g"}, nil))
		f.goesTo(map[string]routing.Target{"p1": deptTarget("d1"), "p2": deptTarget("d2")})
		f.conflicts(map[routing.Target]string{deptTarget("d3"): "p1>d1 "})
		if got := f.planner.Served(nil, deptTarget("d1")); !cmp.Equal(got, []string{"p1", "p2"}) {
			t.Errorf("d1 serves %v, want p1 and p2", got)
		}
		off := userGroup("g", nil, given)
		off.Spec.State = rollcallv1.SwitchDisabled
		f.apply(off)
		f.goesTo(map[string]routing.Target{"p1": {}})
	})
	t.Run("an empty selector serves nothing, its groups' profiles neither", func(t *testing.T) {
		f := organize(t, monday, chatProfile("p1"), userGroup("g", nil, func(s *rollcallv1.UserGroupSpec) {
			s.Profiles = []rollcallv1.GroupProfile{{Name: "p1"}}
		}), dept("d", []string{"g"}, func(s *rollcallv1.DepartmentSpec) { s.ProfileSelector = &rollcallv1.ProfileSelector{} }))
		if got := f.planner.Served(nil, deptTarget("d")); len(got) != 0 {
			t.Errorf("serves %v, want nothing", got)
		}
	})
	t.Run("nobody serves it: the default department, else nobody", func(t *testing.T) {
		takesAll := func(s *rollcallv1.DepartmentSpec) { s.Default = new(true) }
		f := organize(t, monday, chatProfile("p1"), dept("d", nil, nil))
		f.goesTo(map[string]routing.Target{"p1": {}})
		f.apply(dept("d", nil, takesAll))
		f.goesTo(map[string]routing.Target{"p1": deptTarget("d")})
	})
	t.Run("a dangling or disabled profile is not served", func(t *testing.T) {
		off := chatProfile("off")
		off.Spec.State = rollcallv1.SwitchDisabled
		f := organize(t, monday, off, dept("d", nil, serving("off", "not-there")))
		f.goesTo(map[string]routing.Target{"off": {}, "not-there": {}})
	})
	t.Run("without a contact centre groups serve nothing", func(t *testing.T) {
		f := organize(t, monday, phoneProfile("p"), userGroup("a", nil, dials("p")))
		f.goesTo(map[string]routing.Target{"p": groupTarget("a")})
		f.apply(organization(func(s *rollcallv1.OrganizationSpec) { s.ContactCenter = rollcallv1.SwitchDisabled }))
		f.goesTo(map[string]routing.Target{"p": {}})
	})
}

func TestOverflow(t *testing.T) {
	toGroup := func(name string) *rollcallv1.GroupOverflow {
		return &rollcallv1.GroupOverflow{Type: "UserGroup", Name: &name}
	}
	line := func(name, overflow, outOfHours string) *rollcallv1.UserGroup {
		return userGroup(name, nil, dialed(func(d *rollcallv1.Dialing) {
			if overflow != "" {
				d.Overflow = toGroup(overflow)
			}
			if outOfHours != "" {
				d.OutOfHours = toGroup(outOfHours)
			}
		}))
	}
	desk := func(name, overflow string) *rollcallv1.Department {
		return dept(name, nil, func(s *rollcallv1.DepartmentSpec) {
			s.Routing.Overflow = &rollcallv1.DepartmentOverflow{Type: "Department", Name: &overflow}
		})
	}
	hangup := routing.Destination{Type: "Hangup"}
	to := func(name string) routing.Destination { return routing.Destination{Type: "UserGroup", Name: name} }

	t.Run("S-143 overflow both ways is ignored, the night line is not", func(t *testing.T) {
		f := organize(t, monday, line("g", "q", "night"), line("q", "g", "night"), line("night", "", ""))
		for _, name := range []string{"g", "q"} {
			if p := f.group(name); p.Overflow != hangup || p.OutOfHours != to("night") {
				t.Errorf("%s: overflow %v, out of hours %v", name, p.Overflow, p.OutOfHours)
			}
		}
		if got, want := f.planner.OverflowCycle(nil, groupTarget("g")), "usergroup/g -> usergroup/q -> usergroup/g"; got != want {
			t.Errorf("cycle %q, want %q", got, want)
		}
		if got := f.planner.OverflowCycle(nil, groupTarget("night")); got != "" {
			t.Errorf("night is on cycle %q", got)
		}
		f.apply(line("night", "", "q"))
		for _, name := range []string{"g", "q", "night"} {
			if p := f.group(name); p.Overflow != hangup || p.OutOfHours != hangup {
				t.Errorf("%s: overflow %v, out of hours %v; want all five edges ignored", name, p.Overflow, p.OutOfHours)
			}
		}
	})
	t.Run("a self-reference is ignored", func(t *testing.T) {
		f := organize(t, monday, line("g", "g", ""))
		if p := f.group("g"); p.Overflow != hangup {
			t.Errorf("overflow %v, want %v", p.Overflow, hangup)
		}
		if got, want := f.planner.OverflowCycle(nil, groupTarget("g")), "usergroup/g -> usergroup/g"; got != want {
			t.Errorf("cycle %q, want %q", got, want)
		}
	})
	t.Run("an edge into a cycle stays", func(t *testing.T) {
		f := organize(t, monday, line("a", "b", ""), line("b", "c", ""), line("c", "b", ""))
		if p := f.group("a"); p.Overflow != to("b") || f.planner.OverflowCycle(nil, p.Target) != "" {
			t.Errorf("overflow %v, cycle %q", p.Overflow, f.planner.OverflowCycle(nil, p.Target))
		}
	})
	t.Run("departments fall back to unassigned, without a waiting time", func(t *testing.T) {
		f := organize(t, monday, desk("a", "b"), desk("b", "a"), desk("c", "a"), desk("d", "not-there"))
		unassigned := routing.Destination{Type: "Unassigned"}
		want := map[string]routing.Destination{"a": unassigned, "b": unassigned, "c": {Type: "Department", Name: "a"}, "d": unassigned}
		for name, d := range want {
			if got := f.department(name).Overflow; got != d {
				t.Errorf("%s: overflow %v, want %v", name, got, d)
			}
		}
	})
	t.Run("a group that is missing or not dialled gives way to the default, one switched off stays", func(t *testing.T) {
		off := line("b", "", "")
		off.Spec.State = rollcallv1.SwitchDisabled
		f := organize(t, monday, line("a", "b", ""), off)
		if p := f.group("a"); p.Overflow != to("b") {
			t.Errorf("switched off: overflow %v, want %v", p.Overflow, to("b"))
		}
		f.apply(userGroup("b", nil, nil))
		if p := f.group("a"); p.Overflow != hangup {
			t.Errorf("not dialled: overflow %v, want %v", p.Overflow, hangup)
		}
		f.remove(userGroup("b", nil, nil))
		if p := f.group("a"); p.Overflow != hangup {
			t.Errorf("missing: overflow %v, want %v", p.Overflow, hangup)
		}
	})
}
