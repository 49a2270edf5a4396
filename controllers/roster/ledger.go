package roster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/lint"
)

// companions is how long the first loss of a Ledger object waits for others: what is deleted together is lost together.
const companions = 300 * time.Millisecond

// untilLost returns how long to wait before a loss is taken in.
func (room *room) untilLost(lost []string, now time.Time) time.Duration {
	if len(lost) == 0 {
		room.lossSince = time.Time{}
		return 0
	}
	if room.lossSince.IsZero() {
		room.lossSince = now
	}
	if wait := room.lossSince.Add(companions).Sub(now); wait > 0 {
		return wait
	}
	room.lossSince = time.Time{}
	return 0
}

// inspectLedger looks at the Ledger objects among the changes: those that are gone without us having deleted them are
// lost, and all others of the namespace are looked at too; those that somebody edited will be put back. An object that the
// book does not know is left alone.
func (r *Reconciler) inspectLedger(ctx context.Context, room *room, changed map[lint.Object]struct{}) (lost []string, err error) {
	var names []string
	for o := range changed {
		if o.Kind == kindLedger {
			names = append(names, o.Name)
		}
	}
	lost, err = r.inspectShards(ctx, room, names)
	if err != nil || len(lost) == 0 {
		return nil, err
	}
	return r.inspectShards(ctx, room, slices.Collect(maps.Keys(room.kept)))
}

// inspectShards returns those that are gone. Reads are consistent with our own writes, so that a shard which was written a
// moment ago does not look lost.
func (r *Reconciler) inspectShards(ctx context.Context, room *room, names []string) (lost []string, err error) {
	for _, name := range slices.Sorted(slices.Values(names)) {
		want := room.kept[name]
		if _, pending := room.unkept[name]; pending || want == nil {
			continue // not written by us, or about to be written anyway
		}
		live := &rollcallv1.Ledger{}
		err := r.client.Get(ctx, client.ObjectKey{Namespace: room.namespace, Name: name}, live)
		switch {
		case apierrors.IsNotFound(err) || err == nil && live.DeletionTimestamp != nil:
			lost = append(lost, name)
		case err != nil:
			return nil, fmt.Errorf("reading Ledger %s: %w", name, err)
		case !sameLedger(live, want):
			room.unkept[name] = ledger.Shard{Name: name, Object: want}
		}
	}
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
			if err := r.writer.Keep(ctx, room.namespace, shard.Object); err != nil {
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
