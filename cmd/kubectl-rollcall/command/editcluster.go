package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// Bounds of writing to a cluster.
const (
	writers       = 8
	attempts      = 5   // at one object that others keep changing
	progressEvery = 100 // objects
)

// clusterEdit writes one edit.
type clusterEdit struct {
	*plugin
	*live
	again   sync.Mutex // a change is made again by one at a time: it asks the engine
	mu      sync.Mutex
	failed  map[string]string   // person -> why
	written map[string][]string // person -> objects written with their changes
	done    int
}

// editCluster patches the objects in the order of the steps. Where somebody's changes go into several objects, the cluster is
// asked first whether it would take all of them, so that nobody is left between two groups.
func (p *plugin) editCluster(ctx context.Context, outcome *edit.Outcome, dryRun bool) (map[string]string, error) {
	l, err := p.connect()
	if err != nil {
		return nil, err
	}
	e := &clusterEdit{plugin: p, live: l, failed: map[string]string{}, written: map[string][]string{}}
	if dryRun || len(outcome.Steps) > 1 {
		for _, step := range outcome.Steps {
			e.run(ctx, step, true, 0)
		}
	}
	if dryRun {
		return e.failed, nil
	}
	total := 0
	for _, step := range outcome.Steps {
		total += len(step)
	}
	for _, step := range outcome.Steps {
		e.run(ctx, step, false, total)
	}
	return e.failed, nil
}

// run makes the changes of one step, several at a time.
func (e *clusterEdit) run(ctx context.Context, step []edit.Change, dryRun bool, total int) {
	limit := make(chan struct{}, writers)
	var wg sync.WaitGroup
	for i := range step {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			e.write(ctx, &step[i], dryRun)
			e.progress(total)
		})
	}
	wg.Wait()
}

// progress says on stderr how far long work is.
func (e *clusterEdit) progress(total int) {
	if total <= progressEvery {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done++; e.done%progressEvery == 0 {
		e.note("note: %d of %d objects written", e.done, total)
	}
}

// standing are the people of a change who have not failed.
func (e *clusterEdit) standing(c *edit.Change) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.People), func(name string) bool { _, failed := e.failed[name]; return failed })
}

func (e *clusterEdit) fail(people []string, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range people {
		if _, already := e.failed[name]; already {
			continue
		}
		e.failed[name] = why
		if done := e.written[name]; len(done) > 0 {
			e.failed[name] += "; written already: " + strings.Join(done, ", ") + "; run the command again"
		}
	}
}

func (e *clusterEdit) wrote(o metav1.Object, people []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range people {
		e.written[name] = append(e.written[name], manifest.KindOf(o)+"/"+o.GetName())
	}
}

// write makes one change, anew if somebody else changed the object in between.
func (e *clusterEdit) write(ctx context.Context, c *edit.Change, dryRun bool) {
	if c.Before == nil {
		e.create(ctx, c, dryRun)
		return
	}
	base := c.Before.(client.Object)
	if dryRun && base.GetResourceVersion() == "" {
		return // a group that is not made yet
	}
	for attempt := 1; ; attempt++ {
		if attempt > 1 || base.GetResourceVersion() == "" {
			base = base.DeepCopyObject().(client.Object)
			if err := e.Get(ctx, client.ObjectKey{Namespace: e.namespace, Name: c.Before.GetName()}, base); err != nil {
				e.fail(e.standing(c), err.Error())
				return
			}
		}
		now, people := e.redone(c, base)
		if now == nil {
			return
		}
		err := e.patch(ctx, base, now, dryRun)
		switch {
		case err == nil:
			if !dryRun {
				e.wrote(now, people)
			}
			return
		case !apierrors.IsConflict(err) || attempt == attempts:
			e.fail(people, err.Error())
			return
		}
	}
}

// redone is the change on the object as it is, for the people whose fields nobody else owns; nil if nothing is left of it.
func (e *clusterEdit) redone(c *edit.Change, base client.Object) (client.Object, []string) {
	for {
		people := e.standing(c)
		if len(people) == 0 {
			return nil, nil
		}
		e.again.Lock()
		now, err := c.Again(base, people)
		e.again.Unlock()
		if err != nil {
			e.fail(people, err.Error())
			return nil, nil
		}
		owned, err := ownedByOthers(base, now)
		switch {
		case err != nil:
			e.fail(people, err.Error())
			return nil, nil
		case len(owned) == 0 && equality.Semantic.DeepEqual(base, now):
			return nil, nil
		case len(owned) == 0:
			return now.(client.Object), people
		}
		for _, o := range owned {
			affected := people
			if slices.Contains(people, o.person) {
				affected = []string{o.person}
			}
			e.fail(affected, fmt.Sprintf("%s/%s: %s is owned by field manager %q; edit it there", manifest.KindOf(base), base.GetName(), o.path, o.manager))
		}
	}
}

func (e *clusterEdit) patch(ctx context.Context, base, now client.Object, dryRun bool) error {
	options := []client.PatchOption{client.FieldOwner(fieldManager)}
	if dryRun {
		options = append(options, client.DryRunAll)
	}
	return e.Patch(ctx, now.DeepCopyObject().(client.Object), client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), options...)
}

func (e *clusterEdit) create(ctx context.Context, c *edit.Change, dryRun bool) {
	people := e.standing(c)
	if len(people) == 0 {
		return
	}
	options := []client.CreateOption{client.FieldOwner(fieldManager)}
	if dryRun {
		options = append(options, client.DryRunAll)
	}
	o := c.After.(client.Object).DeepCopyObject().(client.Object)
	err := e.Create(ctx, o, options...)
	switch {
	case apierrors.IsAlreadyExists(err): // made meanwhile: good as well
	case err != nil:
		e.fail(people, err.Error())
	case !dryRun:
		e.wrote(o, people)
	}
}

// owner says that somebody else owns a field that is to change.
type owner struct {
	path    string
	person  string // the list item that changes, "" for other fields
	manager string
}

// ownedByOthers are the fields in which two versions of an object differ and that a field manager other than edit owns.
func ownedByOthers(base, now metav1.Object) ([]owner, error) {
	paths, err := edit.Touched(base, now)
	if err != nil {
		return nil, err
	}
	var out []owner
	others, err := managedByOthers(base)
	if err != nil {
		return nil, err
	}
	for _, m := range others {
		for _, path := range paths {
			if !owns(m.fields, path) || m.byUpdate && filledIn(base, path) {
				continue
			}
			o := owner{path: path.String(), manager: m.manager}
			if _, group := base.(*rollcallv1.UserGroup); group {
				o.person = path[len(path)-1].Name
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// filledIn reports whether a field holds the default that the API server wrote in the name of whoever created the object
// with an ordinary write. Who applies a manifest on the client's side left a copy of it, which says what was in it.
func filledIn(o metav1.Object, path edit.Path) bool {
	tm, ok := o.(*rollcallv1.Teammate)
	if !ok || len(path) != 2 {
		return false
	}
	field := path[1].Field
	byDefault := map[string]bool{
		"assignment":   equality.Semantic.DeepEqual(tm.Spec.Assignment, rollcallv1.Assignment{Type: rollcallv1.AssignmentTypeNone}),
		"availability": tm.Spec.Availability == rollcallv1.AvailabilityAvailable,
		"lifecycle":    equality.Semantic.DeepEqual(tm.Spec.Lifecycle, rollcallv1.Lifecycle{State: rollcallv1.LifecycleStateActive}),
	}
	if !byDefault[field] {
		return false
	}
	var applied struct{ Spec map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(tm.Annotations[lastApplied]), &applied); err != nil {
		return true
	}
	_, written := applied.Spec[field]
	return !written
}

// lastApplied is the copy of a manifest that kubectl apply keeps in the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
