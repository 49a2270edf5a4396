package kubernetesrbac

import (
	"context"
	"net/http"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Apply implements downstream.Driver. After an error that is not about a single record the rest is not tried.
func (d *Driver) Apply(ctx context.Context, req downstream.Request) ([]downstream.Outcome, error) {
	out := make([]downstream.Outcome, len(req.Changes))
	b := batch{Driver: d, permitted: map[string]bool{}}
	for i := range req.Changes {
		out[i] = b.change(ctx, &req.Changes[i])
		switch downstream.ClassOf(out[i].Err) {
		case "", downstream.BadRecord, downstream.Conflict, downstream.TooLarge:
			continue
		}
		for j := i + 1; j < len(out); j++ {
			out[j].Err = out[i].Err
		}
		break
	}
	return out, nil
}

// batch is one Apply.
type batch struct {
	*Driver
	// permitted are the answers to whether the operator may bind a ClusterRole. They hold for one batch: roles of the
	// operator may change at any time.
	permitted map[string]bool
}

func (b *batch) change(ctx context.Context, c *downstream.Change) downstream.Outcome {
	var want target
	if c.Op == downstream.Create || c.Op == downstream.Update {
		var err error
		if want, err = b.target(c.Record); err != nil {
			return downstream.Outcome{Err: err}
		}
	}
	var have []rbacv1.RoleBinding
	if c.Previous != nil {
		var err error
		if have, err = b.owned(ctx, c); err != nil {
			return downstream.Outcome{Err: err}
		}
	}
	kept := "" // UID
	if want != (target{}) {
		rb, err := b.establish(ctx, want, c, have)
		if err != nil {
			return downstream.Outcome{Err: err}
		}
		kept = string(rb.UID)
	}
	for i := range have {
		if string(have[i].UID) == kept {
			continue
		}
		if err := b.refused(ctx, "delete", b.remove(ctx, &have[i])); err != nil {
			return downstream.Outcome{Err: err}
		}
	}
	return downstream.Outcome{RemoteID: kept}
}

// owned returns the RoleBindings of a record that is in the inventory: those that are marked for its key, present or former,
// and the one without marks that is being adopted.
func (b *batch) owned(ctx context.Context, c *downstream.Change) ([]rbacv1.RoleBinding, error) {
	keys := []string{c.Record.Key, c.Previous.Key}
	if c.Found != nil && c.Found.Key != "" {
		keys = append(keys, c.Found.Key)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	hashes := make([]string, len(keys))
	for i, key := range keys {
		hashes[i] = identityHash(key)
	}
	items, _, err := b.list(ctx, labelIdentity+" in ("+strings.Join(hashes, ",")+")")
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(rb rbacv1.RoleBinding) bool { return !slices.Contains(keys, markedFor(&rb)) })
	if f := c.Found; f != nil && f.Key == "" && f.RemoteID == c.Previous.RemoteID {
		adopted, err := b.get(ctx, f.Name)
		if err != nil {
			return nil, err
		}
		if adopted != nil && string(adopted.UID) == f.RemoteID && markedFor(adopted) == "" {
			items = append(items, *adopted)
		}
	}
	return items, nil
}

// establish brings about the RoleBinding that is wanted and returns it as it is then. have are the ones that may be changed.
func (b *batch) establish(ctx context.Context, want target, c *downstream.Change, have []rbacv1.RoleBinding) (*rbacv1.RoleBinding, error) {
	name := want.name(c.Record.Key)
	for i := range have {
		rb := &have[i]
		switch {
		case rb.Name != name:
			continue
		case rb.RoleRef == want.roleRef():
			return b.repair(ctx, want, c.Record.Key, rb.DeepCopy())
		}
		// Somebody made it anew with another role: it never gave what is wanted.
		if err := b.mayBind(ctx, want.clusterRole); err != nil {
			return nil, err
		}
		if err := b.refused(ctx, "delete", b.remove(ctx, rb)); err != nil {
			return nil, err
		}
	}
	if err := b.mayBind(ctx, want.clusterRole); err != nil {
		return nil, err
	}
	made := &rbacv1.RoleBinding{}
	err := b.do(ctx, b.bindings(b.rbac.Post()).Body(want.make(c.Record.Key)), made)
	switch {
	case err == nil:
		return made, nil
	case answered(err, http.StatusNotFound): // as for the whole namespace
		return nil, downstream.NewError(downstream.Unavailable, "no namespace", err)
	case !answered(err, http.StatusConflict):
		return nil, b.refused(ctx, "create", err)
	}
	return b.there(ctx, want, c.Record.Key, err)
}

// there is about a RoleBinding that was in the way: it is the one that was to be made, or somebody else's.
func (b *batch) there(ctx context.Context, want target, key string, conflict error) (*rbacv1.RoleBinding, error) {
	rb, err := b.get(ctx, want.name(key))
	if err != nil {
		return nil, err
	}
	if rb == nil || markedFor(rb) != key || rb.RoleRef != want.roleRef() || !slices.Equal(rb.Subjects, want.subjects()) {
		return nil, conflict
	}
	return rb, nil
}

// repair writes a RoleBinding if it is not as it should be.
func (b *batch) repair(ctx context.Context, want target, key string, rb *rbacv1.RoleBinding) (*rbacv1.RoleBinding, error) {
	if !want.bring(rb, key) {
		return rb, nil
	}
	if err := b.mayBind(ctx, want.clusterRole); err != nil {
		return nil, err
	}
	written := &rbacv1.RoleBinding{}
	err := b.do(ctx, b.bindings(b.rbac.Put()).Name(rb.Name).Body(rb), written)
	if answered(err, http.StatusNotFound) { // it went meanwhile
		return nil, downstream.NewError(downstream.Conflict, "404", err)
	}
	return written, b.refused(ctx, "update", err)
}

// mayBind returns an error unless the operator holds the verb bind for a ClusterRole in the namespace.
func (b *batch) mayBind(ctx context.Context, clusterRole string) error {
	yes, known := b.permitted[clusterRole]
	if !known {
		var err error
		if yes, err = b.may(ctx, "bind", "clusterroles", clusterRole); err != nil {
			return err
		}
		b.permitted[clusterRole] = yes
	}
	if !yes {
		return downstream.NewError(downstream.BadRecord, "the operator may not bind "+clusterRole, nil)
	}
	return nil
}

// refused tells two meanings of 403 apart: the operator may not write RoleBindings at all, or a rule of the cluster, such as
// a quota, is against this one.
func (b *batch) refused(ctx context.Context, verb string, err error) error {
	if !answered(err, http.StatusForbidden) {
		return err
	}
	yes, failed := b.may(ctx, verb, "rolebindings", "")
	switch {
	case failed != nil:
		return failed
	case yes:
		return downstream.NewError(downstream.BadRecord, "403", err)
	}
	return err
}
