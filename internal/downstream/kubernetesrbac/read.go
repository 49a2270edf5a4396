package kubernetesrbac

import (
	"context"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Read implements downstream.Driver. Found are the RoleBindings with our marks, and those that have a name which we would
// give; the rest of the namespace is nobody's business.
func (d *Driver) Read(ctx context.Context, req downstream.ReadRequest) (downstream.Reading, error) {
	var out downstream.Reading
	if !slices.Contains(req.Kinds, downstream.Access) {
		return out, nil
	}
	self, err := d.self(ctx)
	if err != nil {
		return out, err
	}
	items, complete, err := d.list(ctx, "")
	if err != nil {
		return out, err
	}
	people := map[string][]rbacv1.RoleBinding{}
	for i := range items {
		rb := &items[i]
		switch key := markedFor(rb); {
		case key != "":
			people[key] = append(people[key], *rb)
		case named(rb.Name):
			out.Records = append(out.Records, found("", items[i:i+1], req))
		}
		if slices.ContainsFunc(rb.Subjects, func(s rbacv1.Subject) bool { return s.Kind == rbacv1.UserKind && s.Name == self }) {
			out.Self = append(out.Self, string(rb.UID))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(people)) {
		out.Records = append(out.Records, found(key, people[key], req))
	}
	if complete {
		out.Complete = []downstream.Kind{downstream.Access}
	}
	return out, nil
}

// found is the record of one person, who has several RoleBindings if somebody added one, or while one takes the place of
// another.
func found(key string, bindings []rbacv1.RoleBinding, req downstream.ReadRequest) downstream.Found {
	f := downstream.Found{
		Kind: downstream.Access, Key: key, Name: bindings[0].Name, RemoteID: string(bindings[0].UID), Image: imageOf(bindings), Inactive: true,
	}
	for i := range bindings {
		f.Inactive = f.Inactive && len(bindings[i].Subjects) == 0
		if req.Owned == nil {
			continue
		}
		if _, owned := req.Owned(downstream.Access, string(bindings[i].UID)); owned {
			f.RemoteID, f.Name = string(bindings[i].UID), bindings[i].Name
		}
	}
	return f
}
