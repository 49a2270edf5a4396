// Package access computes what each teammate may do (RULES ): account permissions, grants on
// profiles with their sources, data scope, voice settings and chat limit, as EffectiveAccess shows them. It reads the
// roster and the lifecycle, and is recomputed with them.
package access

import (
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/lifecycle"
	"github.com/rollcall-dev/rollcall/internal/permission"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Well-known permissions that rules name.
const (
	PermissionHandle  = "conversations.handle"
	PermissionMention = "mentions.create"
	permissionViewOwn = "recordings.viewOwn"
)

// conversationPermissions are what a mention opens on one conversation.
var conversationPermissions = []string{"conversation.reply", "conversation.resolve", "conversation.view"}

// Source is where a grant comes from: a profile role given directly, by a group, by a practice or by default.
type Source struct {
	Type              rollcallv1.GrantSourceType
	Name, ProfileRole string
	Stamped           bool
}

// Combined is what a set of profile roles confers under one account role. It is shared: do not change it.
type Combined struct {
	Set              permission.Set
	Permissions      []string // sorted
	ApprovalRequired []string
	Visibility       rollcallv1.ContentVisibility // empty without a used source
	fields           []byte                       // canonical JSON of the three fields above
}

// Grant is what a teammate may do on some profiles, all with equal content.
type Grant struct {
	*Combined
	Sources  []Source // used ones, by rank
	Profiles []string // sorted
	// All stands for every usable profile that no other grant of the result names; Profiles is empty then.
	All bool

	ids []int32 // of the profiles while the grant has no names, in the order of these
}

// Result is the complete effective access of one teammate. Nothing in it is cut; see Status for the stored form.
type Result struct {
	Teammate           string
	State              lifecycle.State
	AccountRole        string
	AccountPermissions []string
	Groups             []string
	Supervises         []rollcallv1.SupervisedTarget
	Leader             string
	Grants             []Grant
	DataScope          *rollcallv1.EffectiveDataScope
	Voice              *rollcallv1.EffectiveVoice
	Chat               *rollcallv1.EffectiveChat
	ProfileCount       int
	Hash               string

	accountFields []byte // canonical JSON of AccountPermissions
}

// Digest is what the engine remembers of a Result between changes.
type Digest struct {
	Hash string
	Open bool
	// Confers is set if the teammate holds any permission at all; Everywhere, if a grant is on all profiles.
	Confers, Everywhere bool
	reach               reach
}

// reach is the set of profiles on which somebody has any permission, by id; with rest, every usable profile but those.
type reach struct {
	rest bool
	ids  []int32
}

func sameReach(a, b reach) bool { return a.rest == b.rest && slices.Equal(a.ids, b.ids) }

type combination struct {
	account string // account role
	grants  string // profile roles that grant, sorted, joined
	denies  string // profile roles that only deny, sorted, joined
}

const roleSeparator = "\x00"

type accountKey struct {
	role      string
	recording bool // recording access
}

// Permissions are account permissions: the set, and its strings sorted.
type Permissions struct {
	Set     permission.Set
	Strings []string
	fields  []byte // canonical JSON of Strings as accountPermissions
}

// Access answers for one roster.
type Access struct {
	roster    *roster.Roster
	lifecycle *lifecycle.Lifecycle

	combinations *incr.Query[combination, *Combined]
	accounts     *incr.Query[accountKey, *Permissions]
	gifts        *incr.Query[string, *gift]
	voices       *incr.Query[string, groupVoice]
	settings     *incr.Query[string, Settings]
	digests      *incr.Query[string, Digest]
	reaches      *incr.Query[string, reach]
	handles      *incr.Query[string, bool]

	numbers numbering // of profiles

	// Memory of the computation in progress.
	writer   canonical.Writer
	clusters []cluster
	in       []int32 // by rank of the profile: its cluster
	found    bitset  // ranks, or ids; empty between uses
	granted  []int32 // ids of all grants of a result
}

// New returns the access of a roster.
func New(r *roster.Roster, l *lifecycle.Lifecycle) *Access {
	a := &Access{roster: r, lifecycle: l, numbers: numbering{ids: map[string]int32{}}}
	a.combinations = incr.NewQuery(r.Graph, "combination", sameCombined, a.combine)
	a.accounts = incr.NewQuery(r.Graph, "accountPermissions", func(x, y *Permissions) bool {
		return x != nil && y != nil && x.Set.Equal(y.Set)
	}, a.accountPermissions)
	a.gifts = incr.NewQuery(r.Graph, "gift", sameGift, a.giftOf)
	a.voices = incr.NewQuery(r.Graph, "groupVoice", func(x, y groupVoice) bool { return x == y }, a.groupVoice)
	a.settings = incr.NewQuery(r.Graph, "settings", sameSettings, a.settingsOf)
	a.digests = incr.NewQuery(r.Graph, "effectiveAccess", func(x, y Digest) bool { return x.Hash == y.Hash && sameReach(x.reach, y.reach) }, a.digest)
	a.reaches = incr.NewQuery(r.Graph, "reach", sameReach, func(t *incr.Task, teammate string) reach { return a.digests.Get(t, teammate).reach })
	a.handles = incr.NewQuery(r.Graph, "canHandle", func(x, y bool) bool { return x == y }, func(t *incr.Task, teammate string) bool {
		p := a.account(t, teammate)
		return p != nil && r.Table.Has(p.Set, PermissionHandle)
	})
	return a
}

// Digests is the query whose values change with the effective access of teammates; the engine observes it.
func (a *Access) Digests() *incr.Query[string, Digest] { return a.digests }

// account returns the account permissions of a teammate as if the gate were open; nil without a role.
func (a *Access) account(t *incr.Task, teammate string) *Permissions {
	h := a.roster.Holding(t, teammate)
	if h.Role == nil {
		return nil
	}
	return a.accounts.Get(t, accountKey{h.Role.Name, a.settings.Get(t, teammate).Recording == rollcallv1.SwitchEnabled})
}

// CanHandle reports whether the teammate's account permissions include conversations.handle, whatever the gate.
func (a *Access) CanHandle(t *incr.Task, teammate string) bool { return a.handles.Get(t, teammate) }

// CanMention reports whether the teammate's account permissions include mentions.create, whatever the gate.
func (a *Access) CanMention(t *incr.Task, teammate string) bool {
	p := a.account(t, teammate)
	return p != nil && a.roster.Table.Has(p.Set, PermissionMention)
}

// Conversation returns what a mention lets the teammate do on its conversation, whatever the gate: all of
// conversation.view, .reply and .resolve that account-level denies leave; nil without a view (R-11, Access). Profile roles
// and ceilings have no part in it.
func (a *Access) Conversation(t *incr.Task, teammate string) []string {
	h := a.roster.Holding(t, teammate)
	if h.Role == nil {
		return nil
	}
	denies := a.accountDenies(t, h.Role)
	out := slices.DeleteFunc(slices.Clone(conversationPermissions), denies.Match)
	if !slices.Contains(out, viewOf(conversationPermissions[0])) {
		return nil
	}
	return out
}

// CanView reports whether the teammate has a view permission of some module on one of the profiles. Every permission
// implies its module's view, so any permission at all is enough. False while the gate is closed.
func (a *Access) CanView(t *incr.Task, teammate string, profiles []string) bool {
	reach := a.reaches.Get(t, teammate)
	for _, p := range profiles {
		id, known := a.numbers.ids[p]
		listed := false
		if known {
			_, listed = slices.BinarySearch(reach.ids, id)
		}
		if listed != reach.rest {
			return true
		}
	}
	return false
}

// idsOf numbers profiles, all that there are at the first one: so most of them are met in the order of their names.
func (a *Access) idsOf(names []string) []int32 {
	if len(names) > 0 && len(a.numbers.names) == 0 {
		for _, name := range a.roster.UsableProfiles(nil) {
			a.numbers.id(name)
		}
	}
	out := make([]int32, len(names))
	for i, name := range names {
		out[i] = a.numbers.id(name)
	}
	return out
}

// accountPermissions computes P of R-7.
func (a *Access) accountPermissions(t *incr.Task, k accountKey) *Permissions {
	r := a.roster
	role := r.EffectiveAccountRole(t, k.role)
	if role == nil {
		return &Permissions{}
	}
	set := role.Permissions
	if !k.recording {
		set = permission.Subtract(set, r.Table.Of(permissionViewOwn))
	}
	set = r.Table.Fold(r.Table.Without(r.Table.Close(set), a.accountDenies(t, role)))
	out := &Permissions{Set: set, Strings: r.Table.Strings(set)}
	var w canonical.Writer
	w.Strings("accountPermissions", out.Strings)
	out.fields = slices.Clone(w.Bytes())
	return out
}

// accountDenies are the patterns removed from a holder everywhere: those of the role and, but for Owners, of the
// organization.
func (a *Access) accountDenies(t *incr.Task, role *roster.AccountRole) permission.Denies {
	if role.Spec.BaseType == rollcallv1.BaseTypeOwner {
		return permission.CompileDenies(role.Spec.Denies)
	}
	return permission.CompileDenies(role.Spec.Denies, a.roster.Denies(t))
}

func sameCombined(x, y *Combined) bool {
	return x != nil && y != nil && x.Set.Equal(y.Set) && x.Visibility == y.Visibility
}

func splitRoles(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, roleSeparator)
}

// combine computes v(t, p) of R-9 for everybody with the same account role and the same sources.
func (a *Access) combine(t *incr.Task, k combination) *Combined {
	r := a.roster
	c := &Combined{}
	var sets []permission.Set
	var denies [][]string
	for _, name := range splitRoles(k.grants) {
		content := r.RoleContent(t, name)
		sets = append(sets, content.Granted)
		denies = append(denies, content.Denies)
		if c.Visibility != rollcallv1.ContentVisibilityAll {
			c.Visibility = content.Visibility
		}
	}
	for _, name := range splitRoles(k.denies) {
		denies = append(denies, r.RoleContent(t, name).Denies)
	}
	account := r.EffectiveAccountRole(t, k.account)
	if account == nil {
		return c
	}
	set := r.Table.Close(permission.Union(sets...))
	set = r.Table.Without(set, permission.CompileDenies(denies...))
	set = r.Table.Without(set, a.accountDenies(t, account))
	set = r.Table.Fold(set)
	set = permission.Intersect(set, r.Catalogue(t, permission.Profile).Ceiling(set, account.Spec.ProfileCeiling))
	c.Set, c.Permissions, c.ApprovalRequired = set, r.Table.Strings(set), permission.ApprovalRequired(r.Table, set)
	var w canonical.Writer
	w.Strings("approvalRequired", c.ApprovalRequired)
	w.Text("contentVisibility", string(c.Visibility))
	w.Strings("permissions", c.Permissions)
	c.fields = slices.Clone(w.Bytes())
	return c
}
