package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/controllers"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/bench/organization"
)

const (
	// appliers apply manifests at once, writers write results at once: as many as the operator has per kind, and twice that,
	// since it works on several kinds at the same time. More does not make the API server faster.
	appliers = 16
	writers  = 32
	// quiet is how long nothing must be written until an operator counts as done.
	quiet = 5 * time.Second
	// patience is the longest that a benchmark waits for an operator.
	patience = 30 * time.Minute
)

// expectation is what the API server should hold once everything is current.
type expectation struct {
	organization *organization.Organization
	engine       *engine.Engine
	ledger       []*rollcallv1.Ledger
}

func expect(shape organization.Shape) *expectation {
	now := time.Now()
	x := &expectation{organization: organization.Generate(shape, seed, now)}
	for _, o := range x.organization.Objects() {
		o.SetNamespace(namespace)
	}
	x.engine = engine.New(now)
	touched := x.engine.Apply(now, changesOf(x.organization)...)
	for _, s := range touched.Ledger {
		if s.Object != nil {
			x.ledger = append(x.ledger, s.Object)
		}
	}
	return x
}

// adopt computes anew from the manifests as the API server has them: it filled in defaults, which count in some hashes.
func (x *expectation) adopt(ctx context.Context, c client.Client) error {
	var changes []roster.Change
	for _, list := range []client.ObjectList{
		&rollcallv1.OrganizationList{}, &rollcallv1.ScheduleList{}, &rollcallv1.AccountRoleList{}, &rollcallv1.ProfileRoleList{},
		&rollcallv1.ProfileList{}, &rollcallv1.TeammateList{}, &rollcallv1.UserGroupList{}, &rollcallv1.DepartmentList{},
	} {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("listing %T: %w", list, err)
		}
		if err := meta.EachListItem(list, func(o runtime.Object) error {
			changes = append(changes, roster.Change{Object: o.(metav1.Object)})
			return nil
		}); err != nil {
			return fmt.Errorf("reading %T: %w", list, err)
		}
	}
	now := time.Now()
	x.engine = engine.New(now)
	x.engine.Apply(now, changes...)
	return nil
}

// status is the status that an input should have, without generations and times.
func (x *expectation) status(o lint.Object) any {
	switch l := x.engine.Lint; o.Kind {
	case roster.KindOrganization:
		s := l.Organization()
		s.Counts = new(x.engine.Counts())
		return s
	case roster.KindSchedule:
		return l.Schedule(o.Name)
	case roster.KindAccountRole:
		return l.AccountRole(o.Name)
	case roster.KindProfileRole:
		return l.ProfileRole(o.Name)
	case roster.KindProfile:
		return l.Profile(o.Name)
	case roster.KindTeammate:
		return l.Teammate(o.Name)
	case roster.KindUserGroup:
		return l.UserGroup(o.Name)
	default:
		return l.Department(o.Name)
	}
}

// together runs f on all items with a number of workers, until one fails.
func together[T any](ctx context.Context, workers int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan T)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for item := range work {
				if err := f(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		select {
		case work <- item:
		case <-ctx.Done():
		}
	}
	close(work)
	group.Wait()
	return context.Cause(ctx)
}

// apply creates the manifests, as a GitOps tool or kubectl would.
func (x *expectation) apply(ctx context.Context, c client.Client) error {
	return together(ctx, appliers, x.organization.Objects(), func(ctx context.Context, o client.Object) error {
		if err := c.Create(ctx, o.DeepCopyObject().(client.Object)); err != nil {
			return fmt.Errorf("creating %s: %w", lint.ObjectOf(o), err)
		}
		return nil
	})
}

// fields are a value as JSON has it.
func fields(v any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("bench: %v", err)) // API types always marshal
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(fmt.Sprintf("bench: %v", err))
	}
	return out
}

// write is one apply that a perfect operator makes.
type write struct {
	kind, name string
	labels     map[string]string
	owner      lint.Object // of an output
	status     bool        // of the status subresource alone
	content    map[string]any
}

// writes are all that is to be written once everything is known: the Ledger, a status for each input, each output.
func (x *expectation) writes() []write {
	var out []write
	now := time.Now()
	stamped := func(status any, generation int64) map[string]any {
		v := reflect.New(reflect.TypeOf(status)).Elem()
		v.Set(reflect.ValueOf(status))
		conditions := v.FieldByName("Conditions")
		conditions.Set(reflect.ValueOf(publish.Conditions(nil, conditions.Interface().([]metav1.Condition), generation, now)))
		if observed := v.FieldByName("ObservedGeneration"); observed.IsValid() {
			observed.SetInt(generation)
		}
		return map[string]any{"status": fields(v.Interface())}
	}
	for _, l := range x.ledger {
		content := fields(l)
		delete(content, "metadata")
		out = append(out, write{kind: "Ledger", name: l.Name, labels: l.Labels, content: content})
	}
	for _, object := range x.organization.Objects() {
		o := lint.ObjectOf(object)
		out = append(out, write{kind: o.Kind, name: o.Name, status: true, content: stamped(x.status(o), 1)})
	}
	ready := []metav1.Condition{{Type: rollcallv1.ConditionReady, Status: metav1.ConditionTrue, Reason: lint.ReasonAsExpected}}
	for _, t := range x.organization.Teammates {
		ea := x.engine.EffectiveAccess(t.Name)
		ea.Status.Conditions = ready
		out = append(out, write{kind: "EffectiveAccess", name: ea.Name, labels: ea.Labels, owner: lint.Object{Kind: roster.KindTeammate, Name: t.Name}, content: stamped(ea.Status, 0)})
	}
	for _, target := range x.engine.Routing.Targets(nil) {
		plan := x.engine.RoutePlan(target)
		plan.Status.Conditions = ready
		out = append(out, write{kind: "RoutePlan", name: plan.Name, labels: plan.Labels, owner: lint.Object{Kind: string(target.Kind), Name: target.Name}, content: stamped(plan.Status, 0)})
	}
	return out
}

// bare applies the manifests and makes the same writes as an operator, without computing, reading or watching anything.
func (x *expectation) bare(ctx context.Context, p *plane) (applying, all time.Duration, err error) {
	admin, operator := p.client, client.Client(nil)
	if operator, err = client.New(p.operator, client.Options{Scheme: p.scheme}); err != nil {
		return 0, 0, fmt.Errorf("making a client: %w", err)
	}
	list := x.writes()
	var mu sync.Mutex
	uids := map[lint.Object]any{}
	start := time.Now()
	if err := together(ctx, appliers, x.organization.Objects(), func(ctx context.Context, o client.Object) error {
		created := o.DeepCopyObject().(client.Object)
		if err := admin.Create(ctx, created); err != nil {
			return fmt.Errorf("creating %s: %w", lint.ObjectOf(o), err)
		}
		mu.Lock()
		defer mu.Unlock()
		uids[lint.ObjectOf(o)] = string(created.GetUID())
		return nil
	}); err != nil {
		return 0, 0, err
	}
	applying = time.Since(start)
	err = together(ctx, writers, list, func(ctx context.Context, w write) error {
		u := &unstructured.Unstructured{Object: maps.Clone(w.content)}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: rollcallv1.GroupVersion.Group, Version: rollcallv1.GroupVersion.Version, Kind: w.kind})
		u.SetNamespace(namespace)
		u.SetName(w.name)
		if len(w.labels) > 0 {
			u.SetLabels(w.labels)
		}
		if w.owner.Name != "" {
			u.Object["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{
				"apiVersion": rollcallv1.GroupVersion.String(), "kind": w.owner.Kind, "name": w.owner.Name, "uid": uids[w.owner], "controller": true, "blockOwnerDeletion": false,
			}}
		}
		var err error
		if w.status {
			err = operator.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), publish.FieldOwner, client.ForceOwnership)
		} else {
			err = operator.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), publish.FieldOwner, client.ForceOwnership)
		}
		if err != nil {
			return fmt.Errorf("writing %s %s: %w", w.kind, w.name, err)
		}
		return nil
	})
	return applying, time.Since(start), err
}

// plain leaves out of a status what depends on when and how often it was written, and lists without items, which an apply
// does not carry.
func plain(status map[string]any) map[string]any {
	delete(status, "observedGeneration")
	delete(status, "archivedAt")
	prune(status)
	list, _ := status["conditions"].([]any)
	for _, c := range list {
		c := c.(map[string]any)
		delete(c, "observedGeneration")
		delete(c, "lastTransitionTime")
	}
	return status
}

// differing names the fields in which two statuses differ.
func differing(path string, have, want map[string]any) string {
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[k]; !ok {
			fmt.Fprintf(&out, " %s%s is %v, want none;", path, k, have[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		h, hasMap := have[k].(map[string]any)
		w, wantsMap := want[k].(map[string]any)
		switch {
		case hasMap && wantsMap:
			out.WriteString(differing(path+k+".", h, w))
		case !reflect.DeepEqual(have[k], want[k]):
			fmt.Fprintf(&out, " %s%s is %v, want %v;", path, k, have[k], want[k])
		}
	}
	return out.String()
}

func prune(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case []any:
			if len(v) == 0 {
				delete(m, k)
			}
		case map[string]any:
			if prune(v); len(v) == 0 {
				delete(m, k)
			}
		}
	}
}

// current says what in the API server is not as it should be, "" if everything is.
func (x *expectation) current(ctx context.Context, c client.Client) (string, error) {
	of := func(kind string) (map[string]*unstructured.Unstructured, error) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: rollcallv1.GroupVersion.Group, Version: rollcallv1.GroupVersion.Version, Kind: kind + "List"})
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind, err)
		}
		out := map[string]*unstructured.Unstructured{}
		for i := range list.Items {
			out[list.Items[i].GetName()] = &list.Items[i]
		}
		return out, nil
	}
	status := func(u *unstructured.Unstructured) map[string]any {
		if u == nil {
			return nil
		}
		s, _ := u.Object["status"].(map[string]any)
		return s
	}
	for _, kind := range roster.Kinds {
		live, err := of(kind)
		if err != nil {
			return "", err
		}
		for _, object := range x.organization.Objects() {
			o := lint.ObjectOf(object)
			if o.Kind != kind {
				continue
			}
			u := live[o.Name]
			s := status(u)
			if s == nil {
				return o.String() + " has no status", nil
			}
			if observed, _ := s["observedGeneration"].(int64); observed != u.GetGeneration() {
				return o.String() + " has the status of another generation", nil
			}
			if have, want := fields(plain(s)), plain(fields(x.status(o))); !reflect.DeepEqual(have, want) {
				return fmt.Sprintf("the status of %s is not as computed:%s", o, differing("", have, want)), nil
			}
		}
	}
	access, err := of("EffectiveAccess")
	if err != nil {
		return "", err
	}
	for _, t := range x.organization.Teammates {
		if have, want := status(access[t.Name])["hash"], x.engine.EffectiveAccess(t.Name).Status.Hash; have != want {
			return fmt.Sprintf("EffectiveAccess/%s has hash %v, want %s", t.Name, have, want), nil
		}
	}
	plans, err := of("RoutePlan")
	if err != nil {
		return "", err
	}
	targets := x.engine.Routing.Targets(nil)
	for _, target := range targets {
		plan := x.engine.RoutePlan(target)
		if have := status(plans[plan.Name])["hash"]; have != plan.Status.Hash {
			return fmt.Sprintf("RoutePlan/%s has hash %v, want %s", plan.Name, have, plan.Status.Hash), nil
		}
	}
	if len(access) != len(x.organization.Teammates) || len(plans) != len(targets) {
		return fmt.Sprintf("%d EffectiveAccesses and %d RoutePlans, want %d and %d", len(access), len(plans), len(x.organization.Teammates), len(targets)), nil
	}
	return "", nil
}

// stage is an API server with an operator that brought everything up to date.
type stage struct {
	*plane
	expectation *expectation
	manager     *program
	applying    time.Duration
	converged   time.Duration
	writes      written
}

// newStage starts an operator, applies the organization and waits until the operator is done.
func newStage(ctx context.Context, r *report, shape organization.Shape) (_ *stage, err error) {
	s := &stage{expectation: expect(shape)}
	if s.plane, err = newPlane(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.manager, err = startManager(ctx, s.plane); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := s.expectation.apply(ctx, s.client); err != nil {
		return nil, err
	}
	s.applying = time.Since(start)
	if s.writes, err = s.settled(ctx, r); err != nil {
		return nil, err
	}
	s.converged = s.writes.last.Sub(start)
	return s, nil
}

func (s *stage) close() {
	if s.manager != nil {
		s.manager.stop()
	}
	s.plane.close()
}

// settled waits until nothing has been written for a while and everything is current.
func (s *stage) settled(ctx context.Context, r *report) (written, error) {
	if err := s.expectation.adopt(ctx, s.client); err != nil {
		return written{}, err
	}
	deadline := time.Now().Add(patience)
	wrong, all, end := "", written{kinds: map[string]int{}}, int64(0)
	for time.Now().Before(deadline) {
		if err := sleep(ctx, quiet); err != nil {
			return written{}, err
		}
		var w written
		var err error
		if w, end, err = s.plane.writes(end); err != nil {
			return written{}, err
		}
		if w.total > 0 {
			all.add(w)
			continue
		}
		if wrong, err = s.expectation.current(ctx, s.client); err != nil {
			return written{}, err
		}
		if wrong == "" {
			return all, nil
		}
		r.note("quiet, but %s", wrong)
		if err := s.manager.failed(); err != nil {
			return written{}, err
		}
	}
	return written{}, fmt.Errorf("not everything is current after %v: %s", patience, wrong)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// add adds the writes that came after.
func (w *written) add(later written) {
	w.total += later.total
	w.last = later.last
	for kind, n := range later.kinds {
		w.kinds[kind] += n
	}
}

func (w written) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(w.kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", w.kinds[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// theStage is the one that the figures of one run share.
func (r *report) theStage(ctx context.Context) (*stage, error) {
	if r.stage == nil {
		s, err := newStage(ctx, r, r.shape)
		if err != nil {
			return nil, err
		}
		r.stage = s
	}
	return r.stage, nil
}

// convergence is F6: from an empty namespace to everything current, against a client that knows beforehand what to write.
func convergence(ctx context.Context, r *report) error {
	floor, err := newPlane(ctx)
	if err != nil {
		return err
	}
	x := expect(r.shape)
	applying, bare, err := x.bare(ctx, floor)
	floor.close()
	if err != nil {
		return err
	}
	r.note("a bare client: %d manifests in %v, %d writes in %v", len(x.organization.Objects()), applying.Round(time.Millisecond), len(x.writes()), (bare - applying).Round(time.Millisecond))
	s, err := r.theStage(ctx)
	if err != nil {
		return err
	}
	r.note("the operator: manifests applied in %v; %d writes: %v", s.applying.Round(time.Millisecond), s.writes.total, s.writes)
	r.measured(figure{name: "convergence-" + r.shape.Name, value: s.converged.Seconds(), unit: "s", floor: bare.Seconds(), bar: 1.5})
	return nil
}

// steady is F8: nothing changed, nothing written, over a restart and over full resyncs.
func steady(ctx context.Context, r *report) error {
	s, err := r.theStage(ctx)
	if err != nil {
		return err
	}
	_, end, err := s.plane.writes(0)
	if err != nil {
		return err
	}
	s.manager.stop()
	if s.manager, err = startManager(ctx, s.plane); err != nil {
		return err
	}
	if err := sleep(ctx, 3*quiet); err != nil {
		return err
	}
	w, end, err := s.plane.writes(end)
	if err != nil {
		return err
	}
	if w.total > 0 {
		r.note("after a restart: %v", w)
	}
	r.measured(figure{name: "writes-after-restart", value: float64(w.total), unit: "writes", floor: 1, bar: 0})
	s.manager.stop()
	s.manager = nil
	const period = 30 * time.Second
	if err := resyncing(ctx, s.plane, period, 3*period); err != nil {
		return err
	}
	if w, _, err = s.plane.writes(end); err != nil {
		return err
	}
	if w.total > 0 {
		r.note("over resyncs: %v", w)
	}
	r.measured(figure{name: "writes-over-full-resyncs", value: float64(w.total), unit: "writes", floor: 1, bar: 0})
	s.manager, err = startManager(ctx, s.plane)
	return err
}

// resyncing runs an operator in this process for a while that looks at everything anew once in a period.
func resyncing(ctx context.Context, p *plane, period, during time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, during)
	defer cancel()
	mgr, err := controllers.NewManager(ctx, p.operator, ctrl.Options{
		Cache: cache.Options{SyncPeriod: &period}, Metrics: metricsserver.Options{BindAddress: "0"},
	}, controllers.Options{})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running an operator that resyncs: %w", err)
	}
	return nil
}

// memory is F9: the operator beside a cache of the same objects, both just started.
func memory(ctx context.Context, r *report) error {
	s, err := r.theStage(ctx)
	if err != nil {
		return err
	}
	grown, err := s.manager.memory()
	if err != nil {
		return err
	}
	s.manager.stop()
	if s.manager, err = startManager(ctx, s.plane); err != nil {
		return err
	}
	if err := sleep(ctx, 4*quiet); err != nil {
		return err
	}
	started, err := s.manager.memory()
	if err != nil {
		return err
	}
	floor, err := startCache(ctx, s.plane)
	if err != nil {
		return err
	}
	defer floor.stop()
	if err := sleep(ctx, 4*quiet); err != nil {
		return err
	}
	least, err := floor.memory()
	if err != nil {
		return err
	}
	r.note("resident MiB: operator since the beginning %.0f, at most %.0f; operator after a restart %.0f, at most %.0f; cache alone %.0f, at most %.0f", grown.now, grown.peak, started.now, started.peak, least.now, least.peak)
	r.measured(figure{name: "resident-memory-" + r.shape.Name, value: started.now, unit: "MiB", floor: least.now, bar: 2})
	return nil
}
