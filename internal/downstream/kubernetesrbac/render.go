package kubernetesrbac

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// shipped are the ClusterRoles by base type (API.md 6). Base type None is bound to nothing.
var shipped = map[rollcallv1.BaseType]string{
	rollcallv1.BaseTypeOwner:         "rollcall-owner",
	rollcallv1.BaseTypeAdministrator: "rollcall-administrator",
	rollcallv1.BaseTypeManager:       "rollcall-manager",
	rollcallv1.BaseTypeEnterprise:    "rollcall-manager",
	rollcallv1.BaseTypeSupervisor:    "rollcall-supervisor",
	rollcallv1.BaseTypeTeamLeader:    "rollcall-supervisor",
	rollcallv1.BaseTypeAgent:         "rollcall-agent",
	rollcallv1.BaseTypeStaff:         "rollcall-agent",
	rollcallv1.BaseTypeViewer:        "rollcall-viewer",
}

// Marks of our RoleBindings.
const (
	// labelIdentity is the hash of the identity key, to select by.
	labelIdentity = "rollcall.dev/identity"
	// annotationIdentityKey is the identity key itself, which a label cannot hold.
	annotationIdentityKey = "rollcall.dev/identity-key"
)

// Attributes of an image.
const (
	attributeBindings = "bindings"
	attributeMarked   = "marked"
)

// target is the binding of a person; without a ClusterRole there is none.
type target struct{ clusterRole, username string }

// target returns what a record asks for.
func (d *Driver) target(r downstream.Record) (target, error) {
	grants, ok := r.Content.(*downstream.AccessGrants)
	switch {
	case !ok:
		return target{}, downstream.NewError(downstream.BadRecord, "no access", nil)
	case !grants.Active || grants.Username == nil || *grants.Username == "":
		return target{}, nil
	}
	role, overridden := d.clusterRoles[grants.AccountRole]
	if !overridden {
		role = shipped[rollcallv1.BaseType(grants.BaseType)]
	}
	switch {
	case role == "":
		return target{}, nil
	case strings.HasPrefix(*grants.Username, "system:"): // CEL-26; those are accounts of Kubernetes
		return target{}, downstream.NewError(downstream.BadRecord, "username", nil)
	}
	return target{clusterRole: role, username: *grants.Username}, nil
}

func identityHash(key string) string { return canonical.Hash([]byte(key)) }

// name is that of the RoleBinding of a person: another one for another ClusterRole.
func (t target) name(key string) string { return t.clusterRole + "-" + identityHash(key) }

// named reports whether a RoleBinding has a name such as ours have.
func named(name string) bool {
	at := strings.LastIndexByte(name, '-')
	return at > 0 && len(name)-at-1 == len(identityHash("")) && strings.Trim(name[at+1:], "0123456789abcdef") == ""
}

func (t target) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: t.username}}
}

func (t target) roleRef() rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: t.clusterRole}
}

// bring makes a RoleBinding what the target asks for, but for its roleRef, which must be right. What others wrote beside is
// kept. It reports whether anything changed.
func (t target) bring(rb *rbacv1.RoleBinding, key string) bool {
	if markedFor(rb) == key && slices.Equal(rb.Subjects, t.subjects()) {
		return false
	}
	labels, annotations := maps.Clone(rb.Labels), maps.Clone(rb.Annotations)
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[rollcallv1.LabelManagedBy], labels[labelIdentity], annotations[annotationIdentityKey] = rollcallv1.ManagedBy, identityHash(key), key
	rb.Labels, rb.Annotations, rb.Subjects = labels, annotations, t.subjects()
	return true
}

// markedFor returns the identity key of the person that a RoleBinding is marked for, empty if it is not marked as ours.
func markedFor(rb *rbacv1.RoleBinding) string {
	key := rb.Annotations[annotationIdentityKey]
	if rb.Labels[rollcallv1.LabelManagedBy] != rollcallv1.ManagedBy || rb.Labels[labelIdentity] != identityHash(key) {
		return ""
	}
	return key
}

// entry is one RoleBinding in an image.
type entry struct {
	Role     string   `json:"role"` // Kind/name
	Subjects []string `json:"subjects"`
}

// imageOf is the image of all RoleBindings of a person.
func imageOf(bindings []rbacv1.RoleBinding) downstream.Image {
	entries := make([]string, 0, len(bindings))
	marked := true
	for i := range bindings {
		rb := &bindings[i]
		marked = marked && markedFor(rb) != ""
		e := entry{Role: rb.RoleRef.Kind + "/" + rb.RoleRef.Name, Subjects: []string{}}
		for _, s := range rb.Subjects {
			if s.Namespace != "" {
				s.Name = s.Namespace + "/" + s.Name
			}
			e.Subjects = append(e.Subjects, s.Kind+"/"+s.Name)
		}
		slices.Sort(e.Subjects)
		text, err := json.Marshal(e)
		if err != nil { // strings
			panic(fmt.Sprintf("kubernetesrbac: %v", err))
		}
		entries = append(entries, string(text))
	}
	slices.Sort(entries)
	im := downstream.Image{attributeBindings: "[" + strings.Join(entries, ",") + "]"}
	if marked && len(bindings) > 0 {
		im[attributeMarked] = "true"
	}
	return im
}

// make returns the RoleBinding that is to be made.
func (t target) make(key string) *rbacv1.RoleBinding {
	rb := &rbacv1.RoleBinding{RoleRef: t.roleRef()}
	rb.Name = t.name(key)
	t.bring(rb, key)
	return rb
}

// Render implements downstream.Driver. A person without a username, without a role that is bound to anything, or with a
// closed gate has no RoleBinding.
func (d *Driver) Render(r downstream.Record) (downstream.Rendered, error) {
	want, err := d.target(r)
	if err != nil {
		return downstream.Rendered{}, err
	}
	if want == (target{}) {
		return downstream.Rendered{Image: imageOf(nil), Empty: true}, nil
	}
	return downstream.Rendered{Image: imageOf([]rbacv1.RoleBinding{*want.make(r.Key)}), Name: want.name(r.Key)}, nil
}

// Projection implements downstream.Projector: in this system access is active exactly if there is a RoleBinding for it, so
// that losing a username, or a role that is bound, is a removal to the guards.
func (d *Driver) Projection() downstream.Projection {
	return &projection{driver: d, records: map[downstream.ID]downstream.Record{}}
}

type projection struct {
	driver  *Driver
	records map[downstream.ID]downstream.Record
}

// Update implements downstream.Projection.
func (p *projection) Update(changed []downstream.Record, gone []downstream.ID) []downstream.Record {
	for _, id := range gone {
		delete(p.records, id)
	}
	out := make([]downstream.Record, 0, len(changed))
	for _, r := range changed {
		if want, err := p.driver.target(r); err == nil {
			r.Active = want != (target{})
			switch {
			case r.Active:
				r.Cause = downstream.CauseNone
			case r.Cause == downstream.CauseNone:
				r.Cause = downstream.Inferred
			}
		}
		p.records[r.ID()] = r
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b downstream.Record) int { return a.ID().Compare(b.ID()) })
	return out
}

// Record implements downstream.Projection.
func (p *projection) Record(id downstream.ID) (downstream.Record, bool) {
	r, ok := p.records[id]
	return r, ok
}
