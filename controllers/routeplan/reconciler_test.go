package routeplan

import (
	"testing"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

func TestGatherFindsTheTargetByTheNameOfItsPlan(t *testing.T) {
	department, silent, dialing := &rollcallv1.Department{}, &rollcallv1.UserGroup{}, &rollcallv1.UserGroup{}
	department.Name, silent.Name, dialing.Name = "care-eu", "silent", "care-eu"
	dialing.Spec.Voice = &rollcallv1.GroupVoice{Dialing: &rollcallv1.Dialing{Strategy: rollcallv1.DialingStrategyRandom}}
	organization := &rollcallv1.Organization{}
	organization.Name = rollcallv1.OrganizationName
	e := engine.New(time.Unix(0, 0))
	e.Apply(time.Unix(0, 0), roster.Change{Object: organization}, roster.Change{Object: department}, roster.Change{Object: silent}, roster.Change{Object: dialing})

	for name, tc := range map[string]struct {
		plan      string
		wantOwner string // kind; empty: no plan must exist
	}{
		"a department":              {plan: "department-care-eu", wantOwner: "Department"},
		"a group that dials":        {plan: "usergroup-care-eu", wantOwner: "UserGroup"},
		"a group that does not":     {plan: "usergroup-silent"},
		"a department that is gone": {plan: "department-care-us"},
		"a name nobody gives":       {plan: "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			in := gather(e, tc.plan)
			if (in.want != nil) != (tc.wantOwner != "") {
				t.Fatalf("plan = %v, want one: %t", in.want, tc.wantOwner != "")
			}
			if in.want == nil {
				return
			}
			if string(in.target.Kind) != tc.wantOwner || in.want.Name != tc.plan {
				t.Errorf("got plan %s of a %s, want %s of a %s", in.want.Name, in.target.Kind, tc.plan, tc.wantOwner)
			}
			if in.reason != rollcallv1.ReasonNoCandidates {
				t.Errorf("reason = %q, want %q", in.reason, rollcallv1.ReasonNoCandidates)
			}
		})
	}
}
