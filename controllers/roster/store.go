package roster

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Kinds of outputs and of the Ledger, beside those of package roster.
const (
	kindAccess = "EffectiveAccess"
	kindPlan   = "RoutePlan"
	kindLedger = "Ledger"
)

// prototypes are the kinds that make up an organization, inputs first.
var prototypes = []struct {
	kind   string
	object client.Object
}{
	{roster.KindOrganization, &rollcallv1.Organization{}},
	{roster.KindSchedule, &rollcallv1.Schedule{}},
	{roster.KindAccountRole, &rollcallv1.AccountRole{}},
	{roster.KindProfileRole, &rollcallv1.ProfileRole{}},
	{roster.KindProfile, &rollcallv1.Profile{}},
	{roster.KindTeammate, &rollcallv1.Teammate{}},
	{roster.KindUserGroup, &rollcallv1.UserGroup{}},
	{roster.KindDepartment, &rollcallv1.Department{}},
	{roster.KindQueue, &rollcallv1.Queue{}},
	{roster.KindCampaign, &rollcallv1.Campaign{}},
	{roster.KindMention, &rollcallv1.Mention{}},
	{roster.KindInboundAutomation, &rollcallv1.InboundAutomation{}},
	{roster.KindDownstream, &rollcallv1.Downstream{}},
	{kindAccess, &rollcallv1.EffectiveAccess{}},
	{kindPlan, &rollcallv1.RoutePlan{}},
	{kindLedger, &rollcallv1.Ledger{}},
}

// store reads the manager's informers without copying: the engine keeps these very objects, so that each is in memory
// once. They are shared and must not be changed.
type store map[string]toolscache.Indexer

// newStore starts the informers of all kinds with the cache, so that a replica that only waits for the leader's lease has
// them filled too.
func newStore(ctx context.Context, c cache.Cache) (store, error) {
	s := store{}
	for _, p := range prototypes {
		informer, err := c.GetInformer(ctx, p.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", p.kind, err)
		}
		shared, ok := informer.(toolscache.SharedIndexInformer)
		if !ok {
			return nil, fmt.Errorf("watching %s: the cache has several namespaces, which is not supported", p.kind)
		}
		s[p.kind] = shared.GetIndexer()
	}
	return s, nil
}

// get returns an object, nil if there is none.
func (s store) get(kind, namespace, name string) client.Object {
	o, found, err := s[kind].GetByKey(namespace + "/" + name)
	if err != nil || !found {
		return nil
	}
	return o.(client.Object)
}

// list returns all objects of a kind in a namespace, in no order.
func (s store) list(kind, namespace string) []client.Object {
	objects, err := s[kind].ByIndex(toolscache.NamespaceIndex, namespace)
	if err != nil {
		return nil // the index is part of every informer of the cache
	}
	out := make([]client.Object, len(objects))
	for i, o := range objects {
		out[i] = o.(client.Object)
	}
	return out
}

// namespaces returns those that have any object.
func (s store) namespaces() map[string]struct{} {
	out := map[string]struct{}{}
	for _, indexer := range s {
		for _, namespace := range indexer.ListIndexFuncValues(toolscache.NamespaceIndex) {
			if keys, err := indexer.IndexKeys(toolscache.NamespaceIndex, namespace); err == nil && len(keys) > 0 {
				out[namespace] = struct{}{}
			}
		}
	}
	return out
}

// any reports whether a namespace has an object of the kind.
func (s store) any(kind, namespace string) bool {
	keys, err := s[kind].IndexKeys(toolscache.NamespaceIndex, namespace)
	return err == nil && len(keys) > 0
}

// empty reports whether a namespace has no object of any kind.
func (s store) empty(namespace string) bool {
	for kind := range s {
		if s.any(kind, namespace) {
			return false
		}
	}
	return true
}
