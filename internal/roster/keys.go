package roster

import (
	"slices"
	"strings"
	"unicode"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
)

// Unique keys. A key is written as in R-3; handles carry in front the uniqueness policy under which they count,
// because a policy change must find both forms indexed: `PerPractice|handle=north/billing`.

const (
	handleSeparator = "|"
	handlePrefix    = "handle="
)

// DefaultDepartmentKey is the key of the default department.
const DefaultDepartmentKey = "defaultDepartment"

func (c Claimant) String() string { return c.Kind + "/" + c.Name }

func parseClaimant(s string) Claimant {
	kind, name, _ := strings.Cut(s, "/")
	return Claimant{Kind: kind, Name: name}
}

func teammateKeys(t *rollcallv1.Teammate) []string {
	if t == nil {
		return nil
	}
	id := t.Spec.Identity
	var keys []string
	add := func(prefix string, v *string) {
		if v != nil {
			keys = append(keys, prefix+*v)
		}
	}
	if id.Email != nil {
		keys = append(keys, "email="+strings.ToLower(*id.Email))
	}
	add("employeeID=", id.EmployeeID)
	add("directoryID=", id.DirectoryID)
	add("username=", id.Username)
	add("extension=", t.Spec.Extension)
	return keys
}

// IdentityKeys returns the keys whose loss makes a teammate Invalid.
func IdentityKeys(t *rollcallv1.Teammate) []string {
	return slices.DeleteFunc(teammateKeys(t), func(k string) bool { return strings.HasPrefix(k, "extension=") })
}

func groupKeys(g *rollcallv1.UserGroup) []string {
	if g == nil {
		return nil
	}
	var keys []string
	if g.Spec.Voice != nil && g.Spec.Voice.Extension != nil {
		keys = append(keys, "extension="+*g.Spec.Voice.Extension)
	}
	handle := fold(Handle(g))
	keys = append(keys, string(rollcallv1.GroupNameUniquenessOrganization)+handleSeparator+"handle=*/"+handle)
	perPractice := string(rollcallv1.GroupNameUniquenessPerPractice) + handleSeparator + "handle="
	for _, p := range g.Spec.Practices {
		keys = append(keys, perPractice+p.Name+"/"+handle)
	}
	if g.Spec.Scope != rollcallv1.GroupScopePractice {
		keys = append(keys, perPractice+"*/"+handle)
	}
	return keys
}

// Handle returns the text after @ that mentions the group: handle, else displayName, else the name.
func Handle(g *rollcallv1.UserGroup) string {
	switch {
	case g.Spec.Handle != nil:
		return *g.Spec.Handle
	case g.Spec.DisplayName != nil:
		return *g.Spec.DisplayName
	}
	return g.Name
}

// fold maps letters that differ only by case to one of them, a small one where there is one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return unicode.ToLower(least)
	}, s)
}

func profileKeys(p *rollcallv1.Profile) []string {
	if p == nil {
		return nil
	}
	var keys []string
	if p.Spec.ExternalID != nil {
		platform := ""
		if p.Spec.Platform != nil {
			platform = string(*p.Spec.Platform)
		}
		keys = append(keys, "external="+platform+"/"+*p.Spec.ExternalID)
	}
	if p.Spec.PhoneNumber != nil {
		keys = append(keys, "phone="+string(p.Spec.Type)+"/"+*p.Spec.PhoneNumber)
	}
	return keys
}

func departmentKeys(d *rollcallv1.Department) []string {
	if d == nil || d.Spec.Default == nil || !*d.Spec.Default {
		return nil
	}
	return []string{DefaultDepartmentKey}
}

// claimKeys updates the claimants after one object changed, and remembers the keys for settleKeys.
func (r *Roster) claimKeys(c Claimant, before, after []string) {
	if slices.Equal(before, after) {
		return
	}
	moveAll(r.claimants, c.String(), before, after)
	for _, k := range before {
		r.contested[k] = struct{}{}
	}
	for _, k := range after {
		r.contested[k] = struct{}{}
	}
}

// keyQueries decide who holds a unique key.
type keyQueries struct {
	holders *incr.Query[string, Claimant]
	// keyPolicy is the uniqueness of group names in force; a change decides anew about every handle.
	keyPolicy *incr.Query[struct{}, rollcallv1.GroupNameUniqueness]
	claimed   *incr.Signal[string]
}

func newKeyQueries(r *Roster) keyQueries {
	q := keyQueries{claimed: incr.NewSignal[string](r.Graph, "claimed")}
	q.keyPolicy = incr.NewQuery(r.Graph, "keyPolicy", equal[rollcallv1.GroupNameUniqueness], func(t *incr.Task, _ struct{}) rollcallv1.GroupNameUniqueness {
		return *r.Policies(t).GroupNameUniqueness
	})
	q.keyPolicy.OnChange(func(_ struct{}, _, _ rollcallv1.GroupNameUniqueness) {
		for _, name := range r.names.Get(nil, KindUserGroup) {
			for _, k := range groupKeys(r.UserGroup(nil, name)) {
				r.contested[k] = struct{}{}
			}
		}
		for k := range r.memory.Claims {
			if strings.HasPrefix(k, handlePrefix) {
				r.contested[k] = struct{}{}
			}
		}
		r.settleKeys()
	})
	q.keyPolicy.Observe(struct{}{})
	q.holders = incr.NewQuery(r.Graph, "keyHolder", equal[Claimant], r.holder)
	q.holders.OnChange(func(key string, _, holder Claimant) {
		_, needs := ledgerKey(key)
		if holder != (Claimant{}) && (needs == "" || needs == r.keyPolicy.Get(nil, struct{}{})) {
			r.record(key, holder) // releasing a key is for settleKeys
		}
	})
	return q
}

func equal[T comparable](a, b T) bool { return a == b }

// ledgerKey returns the form in which R-3 and the Ledger write a key, and the policy it belongs to, if any.
func ledgerKey(key string) (written string, policy rollcallv1.GroupNameUniqueness) {
	if p, k, ok := strings.Cut(key, handleSeparator); ok && !strings.Contains(p, "=") {
		return k, rollcallv1.GroupNameUniqueness(p)
	}
	return key, ""
}

// settleKeys decides about keys whose claimants changed: one claimant holds the key, more are a conflict whose holder is
// computed, none frees it.
func (r *Roster) settleKeys() {
	keys := r.contested
	r.contested = map[string]struct{}{}
	var policy rollcallv1.GroupNameUniqueness
	if len(keys) > 0 {
		policy = r.keyPolicy.Get(nil, struct{}{})
	}
	for key := range keys {
		if strings.HasPrefix(key, handlePrefix) { // as the Ledger writes it: whoever claims it under the policy in force
			key = string(policy) + handleSeparator + key
		}
		_, needs := ledgerKey(key)
		claimants := r.claimants.Get(nil, key)
		switch {
		case needs != "" && needs != policy:
			r.holders.Unobserve(key)
		case len(claimants) == 0:
			r.holders.Unobserve(key)
			r.record(key, Claimant{})
		case len(claimants) == 1:
			r.holders.Unobserve(key)
			r.record(key, parseClaimant(claimants[0]))
		default:
			r.holders.Observe(key)
			r.record(key, r.holders.Get(nil, key))
		}
	}
}

// ReviewClaims decides anew about every recorded key, after the Ledger was read: what it names may be gone.
func (r *Roster) ReviewClaims() {
	for k := range r.memory.Claims {
		r.contested[k] = struct{}{}
	}
}

// record keeps the holder of a key as state (R-3: the winner is recorded).
func (r *Roster) record(key string, c Claimant) {
	written, _ := ledgerKey(key)
	if r.memory.Claims[written] == c {
		return
	}
	r.SetClaim(written, c)
}

// holder decides who holds a key: the incumbent of the Ledger while it claims the key, else the smallest by
// (creationTimestamp, kind, name), or by (kind, name) while the namespace has no Ledger.
func (r *Roster) holder(t *incr.Task, key string) Claimant {
	claimants := r.claimants.Get(t, key)
	if len(claimants) == 0 {
		return Claimant{}
	}
	written, _ := ledgerKey(key)
	r.claimed.Watch(t, written)
	incumbent := r.memory.Claims[written]
	if slices.Contains(claimants, incumbent.String()) {
		return incumbent
	}
	best := parseClaimant(claimants[0]) // sorted by kind, then name
	if !r.state.known.Get(t, struct{}{}) {
		return best
	}
	for _, s := range claimants[1:] {
		c := parseClaimant(s)
		if r.created(t, c).Time.Before(r.created(t, best).Time) {
			best = c
		}
	}
	return best
}

// Holds reports whether the claimant holds the key, which it must claim. Under a policy that does not ask for the key's
// uniqueness everybody holds it.
func (r *Roster) Holds(t *incr.Task, key string, c Claimant) bool {
	return r.HolderOf(t, key, c) == c
}

// HolderOf returns who holds a key that c claims.
func (r *Roster) HolderOf(t *incr.Task, key string, c Claimant) Claimant {
	if _, needs := ledgerKey(key); needs != "" && needs != r.keyPolicy.Get(t, struct{}{}) {
		return c
	}
	if claimants := r.claimants.Get(t, key); len(claimants) < 2 {
		return c
	}
	return r.holders.Get(t, key)
}

// TeammateOfUsername returns the teammate who holds the user name, "" if nobody claims it.
func (r *Roster) TeammateOfUsername(t *incr.Task, username string) string {
	key := "username=" + username
	claimants := r.claimants.Get(t, key)
	if len(claimants) == 0 {
		return ""
	}
	return r.HolderOf(t, key, parseClaimant(claimants[0])).Name
}

// Lost is a key that an object claims and another holds.
type Lost struct {
	Key    string // as R-3 writes it
	Holder Claimant
}

// LostKeys returns the keys that the object claims and does not hold.
func (r *Roster) LostKeys(t *incr.Task, c Claimant) []Lost {
	var keys []string
	switch c.Kind {
	case KindTeammate:
		keys = teammateKeys(r.Teammate(t, c.Name))
	case KindUserGroup:
		keys = groupKeys(r.UserGroup(t, c.Name))
	case KindProfile:
		keys = profileKeys(r.Profile(t, c.Name))
	case KindDepartment:
		keys = departmentKeys(r.Department(t, c.Name))
	}
	var lost []Lost
	for _, k := range keys {
		if h := r.HolderOf(t, k, c); h != c {
			written, _ := ledgerKey(k)
			lost = append(lost, Lost{Key: written, Holder: h})
		}
	}
	return lost
}

// HoldsExtension reports whether the object has an extension and holds it.
func (r *Roster) HoldsExtension(t *incr.Task, c Claimant, extension *string) bool {
	return extension != nil && r.Holds(t, "extension="+*extension, c)
}

// HoldsHandle reports whether the group holds its handle everywhere the policy asks for.
func (r *Roster) HoldsHandle(t *incr.Task, group string) bool {
	g := r.UserGroup(t, group)
	if g == nil {
		return false
	}
	c := Claimant{KindUserGroup, group}
	for _, k := range groupKeys(g) {
		if strings.Contains(k, handleSeparator) && !r.Holds(t, k, c) {
			return false
		}
	}
	return true
}

// IsDefault reports whether the department is the one that takes what no other serves.
func (r *Roster) IsDefault(t *incr.Task, department string) bool {
	d := r.Department(t, department)
	return len(departmentKeys(d)) > 0 && r.Holds(t, DefaultDepartmentKey, Claimant{KindDepartment, department})
}

// DefaultDepartment returns the default department's name, "" if there is none.
func (r *Roster) DefaultDepartment(t *incr.Task) string {
	claimants := r.claimants.Get(t, DefaultDepartmentKey)
	switch len(claimants) {
	case 0:
		return ""
	case 1:
		return parseClaimant(claimants[0]).Name
	}
	return r.holders.Get(t, DefaultDepartmentKey).Name
}
