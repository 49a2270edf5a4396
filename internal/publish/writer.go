package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	acmeta "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	acrollcall "github.com/rollcall-dev/rollcall/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// FieldOwner is the field manager of everything that the operator writes.
const FieldOwner = client.FieldOwner("rollcall")

var writes = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "rollcall_writes_total",
	Help: "Writes to the API server by kind of the object and verb.",
}, []string{"kind", "verb"})

func init() { metrics.Registry.MustRegister(writes) }

// Writer writes to the API server. Writes that come too late, because the object or its namespace is gone, are no errors:
// what happened meanwhile comes as an event.
type Writer struct {
	Client client.Client
	// Now is the clock of transition times.
	Now func() time.Time
}

// Status makes the status of an input what it should be. have is the live status, want the computed one; declare puts the
// apply configuration of the status into that of the object, with name, namespace and UID.
func Status[A, S any](ctx context.Context, w *Writer, live client.Object, kind string, have, want S, declare func(*A) runtime.ApplyConfiguration) error {
	if equality.Semantic.DeepEqual(have, want) {
		return nil
	}
	old, err := fields(have)
	if err != nil {
		return err
	}
	now, err := fields(want)
	if err != nil {
		return err
	}
	if surplus(old, now) {
		return w.putBackStatus(ctx, live, kind, mergePatch(old, now))
	}
	status, err := Declare[A](want)
	if err != nil {
		return err
	}
	writes.WithLabelValues(kind, "status").Inc()
	err = w.Client.Status().Apply(ctx, declare(status), FieldOwner, client.ForceOwnership)
	if late(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status of %s %s: %w", kind, live.GetName(), err)
	}
	return nil
}

func (w *Writer) putBackStatus(ctx context.Context, live client.Object, kind string, change map[string]any) error {
	patch, err := guarded(live, map[string]any{"status": change})
	if err != nil {
		return err
	}
	writes.WithLabelValues(kind, "status").Inc()
	if err := w.Client.Status().Patch(ctx, live.DeepCopyObject().(client.Object), patch, FieldOwner); err != nil && !late(err) {
		return fmt.Errorf("putting back the status of %s %s: %w", kind, live.GetName(), err)
	}
	return nil
}

// guarded makes a merge patch that fails if the object is not the one that was read.
func guarded(live client.Object, change map[string]any) (client.Patch, error) {
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["uid"], metadata["resourceVersion"] = live.GetUID(), live.GetResourceVersion()
	change["metadata"] = metadata
	b, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("writing a patch as JSON: %w", err)
	}
	return client.RawPatch(types.MergePatchType, b), nil
}

// Output is one output object as it is and as it should be.
type Output struct {
	Kind string
	// Live is the object in the cluster, nil if there is none. Status is its status.
	Live   client.Object
	Status any
	// Labels, Owner and Want are what it should be.
	Labels map[string]string
	Owner  metav1.OwnerReference
	Want   any
	// Declare returns the apply configuration of the whole object.
	Declare func() (runtime.ApplyConfiguration, error)
}

// Write makes an output what it should be, by one write or none.
func (w *Writer) Write(ctx context.Context, o Output) error {
	verb := "create"
	if o.Live != nil {
		if o.Live.GetDeletionTimestamp() != nil || o.current() {
			return nil
		}
		verb = "apply"
		old, err := fields(o.Status)
		if err != nil {
			return err
		}
		want, err := fields(o.Want)
		if err != nil {
			return err
		}
		if surplus(old, want) || foreignOwner(o.Live, o.Owner) {
			return w.putBack(ctx, o, mergePatch(old, want))
		}
	}
	object, err := o.Declare()
	if err != nil {
		return err
	}
	writes.WithLabelValues(o.Kind, verb).Inc()
	if err := w.Client.Apply(ctx, object, FieldOwner, client.ForceOwnership); err != nil && !late(err) {
		return fmt.Errorf("applying %s: %w", o.Kind, err)
	}
	return nil
}

func (w *Writer) putBack(ctx context.Context, o Output, status map[string]any) error {
	patch, err := guarded(o.Live, map[string]any{
		"metadata": map[string]any{"labels": o.Labels, "ownerReferences": []metav1.OwnerReference{o.Owner}},
		"status":   status,
	})
	if err != nil {
		return err
	}
	writes.WithLabelValues(o.Kind, "patch").Inc()
	if err := w.Client.Patch(ctx, o.Live.DeepCopyObject().(client.Object), patch, FieldOwner); err != nil && !late(err) {
		return fmt.Errorf("putting back %s %s: %w", o.Kind, o.Live.GetName(), err)
	}
	return nil
}

func (o Output) current() bool {
	for name, value := range o.Labels {
		if o.Live.GetLabels()[name] != value {
			return false
		}
	}
	owners := o.Live.GetOwnerReferences()
	return len(owners) == 1 && equality.Semantic.DeepEqual(owners[0], o.Owner) && equality.Semantic.DeepEqual(o.Status, o.Want)
}

// foreignOwner reports whether an owner stands there that an apply could leave behind: besides the right one, or of a
// name that another manager wrote.
func foreignOwner(live client.Object, owner metav1.OwnerReference) bool {
	for _, o := range live.GetOwnerReferences() {
		if o.UID != owner.UID {
			return true
		}
	}
	return false
}

// Delete deletes an object that should not exist any more; of another object of that name it keeps its hands off.
func (w *Writer) Delete(ctx context.Context, kind string, live client.Object) error {
	if live.GetDeletionTimestamp() != nil {
		return nil
	}
	writes.WithLabelValues(kind, "delete").Inc()
	err := w.Client.Delete(ctx, live.DeepCopyObject().(client.Object), client.Preconditions{UID: new(live.GetUID())})
	if err != nil && !late(err) {
		return fmt.Errorf("deleting %s %s: %w", kind, live.GetName(), err)
	}
	return nil
}

// Keep applies a Ledger object whole, by name, labels and contents. Whatever kept it from being written, except that its namespace is going, is an error:
// what follows from the Ledger waits for it.
func (w *Writer) Keep(ctx context.Context, namespace string, l *rollcallv1.Ledger) error {
	object, err := declareLedger(namespace, l)
	if err != nil {
		return err
	}
	writes.WithLabelValues("Ledger", "apply").Inc()
	err = w.Client.Apply(ctx, object, FieldOwner, client.ForceOwnership)
	if err != nil && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return fmt.Errorf("keeping the Ledger: %w", err)
	}
	return nil
}

func declareLedger(namespace string, l *rollcallv1.Ledger) (*acrollcall.LedgerApplyConfiguration, error) {
	declared, err := Declare[acrollcall.LedgerApplyConfiguration](&rollcallv1.Ledger{
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

// late reports whether a write failed because the object was deleted, replaced or changed since it was read, or its
// namespace is being deleted. A change is an event that has the object looked at again.
func late(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// OwnedBy is the owner reference of an output: garbage-collected with its owner, which need not wait for it.
func OwnedBy(kind string, owner metav1.Object) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: rollcallv1.GroupVersion.String(), Kind: kind, Name: owner.GetName(), UID: owner.GetUID(),
		Controller: new(true), BlockOwnerDeletion: new(false),
	}
}

// DeclareOwner is the apply configuration of an owner reference.
func DeclareOwner(o metav1.OwnerReference) *acmeta.OwnerReferenceApplyConfiguration {
	return acmeta.OwnerReference().WithAPIVersion(o.APIVersion).WithKind(o.Kind).WithName(o.Name).WithUID(o.UID).
		WithController(*o.Controller).WithBlockOwnerDeletion(*o.BlockOwnerDeletion)
}
