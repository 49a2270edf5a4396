package roster

import (
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// IdentitySuffices reports whether somebody has one of the identity keys that pol:identity.requireOneOf asks for (M-12, T-02,
// V-04). The policies are resolved ones.
func IdentitySuffices(p *rollcallv1.Policies, id rollcallv1.Identity) bool {
	need := p.Identity.RequireOneOf
	return len(need) == 0 || slices.ContainsFunc(need, func(f rollcallv1.IdentityField) bool {
		switch f {
		case rollcallv1.IdentityFieldEmail:
			return id.Email != nil
		case rollcallv1.IdentityFieldEmployeeID:
			return id.EmployeeID != nil
		case rollcallv1.IdentityFieldDirectoryID:
			return id.DirectoryID != nil
		}
		return false
	})
}

// EmailDomainAllowed reports whether pol:identity.allowedEmailDomains lets an e-mail address in; [] lets all in. The policies
// are resolved ones.
func EmailDomainAllowed(p *rollcallv1.Policies, email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	allowed := p.Identity.AllowedEmailDomains
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(d string) bool { return strings.EqualFold(d, domain) })
}
