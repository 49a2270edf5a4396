package roster

import "github.com/rollcall-dev/rollcall/internal/incr"

// ExplicitClaims returns the entries of groups' members that name the teammate, in any order, whether their windows are open
// or not. The slice is valid until the next Apply.
func (r *Roster) ExplicitClaims(t *incr.Task, teammate string) []ExplicitClaim {
	return r.explicit.Get(t, teammate)
}
