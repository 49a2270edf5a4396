package output

import (
	"testing"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

func TestAPlanIsFoundByTheNameOfItsTarget(t *testing.T) {
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
			result := planOf(e, tc.plan)
			if (result != nil) != (tc.wantOwner != "") {
				t.Fatalf("result = %v, want one: %t", result, tc.wantOwner != "")
			}
			if result == nil {
				return
			}
			if result.Owner.Kind != tc.wantOwner || result.Want.Name != tc.plan {
				t.Errorf("got plan %s of a %s, want %s of a %s", result.Want.Name, result.Owner.Kind, tc.plan, tc.wantOwner)
			}
			if got := result.Conditions[1].Reason; got != rollcallv1.ReasonNoCandidates {
				t.Errorf("reason = %q, want %q", got, rollcallv1.ReasonNoCandidates)
			}
		})
	}
}
