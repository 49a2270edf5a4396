package roster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
)

// inspectLedger looks at the Ledger objects among the changes: those that are gone without us having deleted them are
// lost; those that somebody edited will be put back. Reads are consistent with our own writes, so that a shard which was
// written a moment ago does not look lost. An object that the book does not know is left alone.
func (r *Reconciler) inspectLedger(ctx context.Context, room *room, changed map[lint.Object]struct{}) (lost []string, err error) {
	for o := range changed {
		want := room.kept[o.Name]
		if o.Kind != kindLedger || want == nil {
			continue
		}
		if _, pending := room.unkept[o.Name]; pending {
			continue // is about to be written anyway
		}
		live := &rollcallv1.Ledger{}
		err := r.client.Get(ctx, client.ObjectKey{Namespace: room.namespace, Name: o.Name}, live)
		switch {
		case apierrors.IsNotFound(err) || err == nil && live.DeletionTimestamp != nil:
			lost = append(lost, o.Name)
			delete(room.kept, o.Name)
		case err != nil:
			return nil, fmt.Errorf("reading Ledger %s: %w", o.Name, err)
		case !sameLedger(live, want):
			room.unkept[o.Name] = ledger.Shard{Name: o.Name, Object: want}
		}
	}
	slices.Sort(lost)
	return lost, nil
}

func sameLedger(a, b *rollcallv1.Ledger) bool {
	for name, value := range b.Labels {
		if a.Labels[name] != value {
			return false
		}
	}
	return a.Record == b.Record && a.Shard == b.Shard && equality.Semantic.DeepEqual(a.Subject, b.Subject) &&
		equality.Semantic.DeepEqual(a.Stamp, b.Stamp) && equality.Semantic.DeepEqual(a.Inventory, b.Inventory) &&
		equality.Semantic.DeepEqual(a.People, b.People) && equality.Semantic.DeepEqual(a.Keys, b.Keys)
}

// keep writes what must be remembered. What is written stays written when a later shard fails; the rest comes again.
func (r *Reconciler) keep(ctx context.Context, room *room) error {
	for _, name := range slices.Sorted(maps.Keys(room.unkept)) {
		shard := room.unkept[name]
		if shard.Object == nil {
			if err := r.dropShard(ctx, room, name); err != nil {
				return err
			}
			delete(room.kept, name)
		} else {
			declared, err := declareLedger(room.namespace, shard.Object)
			if err != nil {
				return err
			}
			if err := r.writer.Keep(ctx, declared); err != nil {
				return err
			}
			room.kept[name] = shard.Object
		}
		delete(room.unkept, name)
	}
	return nil
}

func (r *Reconciler) dropShard(ctx context.Context, room *room, name string) error {
	live := &rollcallv1.Ledger{}
	err := r.client.Get(ctx, client.ObjectKey{Namespace: room.namespace, Name: name}, live)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Ledger %s: %w", name, err)
	}
	return r.writer.Delete(ctx, kindLedger, live)
}

func declareLedger(namespace string, l *rollcallv1.Ledger) (*acrollcall.LedgerApplyConfiguration, error) {
	declared, err := publish.Declare[acrollcall.LedgerApplyConfiguration](&rollcallv1.Ledger{
		Record: l.Record, Subject: l.Subject, Shard: l.Shard, Stamp: l.Stamp, Inventory: l.Inventory, People: l.People, Keys: l.Keys,
	})
	if err != nil {
		return nil, err
	}
	object := acrollcall.Ledger(l.Name, namespace).WithLabels(l.Labels)
	object.Record, object.Subject, object.Shard, object.Stamp = declared.Record, declared.Subject, declared.Shard, declared.Stamp
	object.Inventory, object.People, object.Keys = declared.Inventory, declared.People, declared.Keys
	return object, nil
}
