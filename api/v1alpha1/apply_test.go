package v1alpha1_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// An apply has to say that a list is empty where the type tells an empty list from none: status.resolvedPolicies has
// every leaf filled in.
func TestApplyConfigurationsKeepEmptyLists(t *testing.T) {
	status := rollcallv1.OrganizationStatus{ResolvedPolicies: &rollcallv1.Policies{
		GroupMemberBaseTypes: &rollcallv1.GroupMemberBaseTypesPolicy{Organization: []rollcallv1.BaseType{}, Practice: []rollcallv1.BaseType{rollcallv1.BaseTypeStaff}},
		Identity:             &rollcallv1.IdentityPolicy{AllowedEmailDomains: []string{}},
		CardRequirements:     &rollcallv1.CardRequirementsPolicy{Create: []rollcallv1.CardField{}, Invite: []rollcallv1.CardField{}},
	}}
	want, err := json.Marshal(status.ResolvedPolicies)
	if err != nil {
		t.Fatal(err)
	}
	declared := new(acrollcall.PoliciesApplyConfiguration)
	if err := json.Unmarshal(want, declared); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(declared)
	if err != nil {
		t.Fatal(err)
	}
	const whole = `{"groupMemberBaseTypes":{"organization":[],"practice":["Staff"]},"cardRequirements":{"create":[],"invite":[]},"identity":{"allowedEmailDomains":[]}}`
	for name, text := range map[string][]byte{"type": want, "apply configuration": got} {
		var have, wanted any
		if err := json.Unmarshal(text, &have); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(whole), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
