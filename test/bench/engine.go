package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/bench/organization"
)

const seed = 1

// noon is the time of all organizations that only this process sees.
var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func changesOf(o *organization.Organization) []roster.Change {
	var out []roster.Change
	for _, object := range o.Objects() {
		out = append(out, roster.Change{Object: object})
	}
	return out
}

// loaded returns an engine that has computed everything of an organization, and what it touched.
func loaded(changes []roster.Change) (*engine.Engine, engine.Touched) {
	e := engine.New(noon)
	touched := e.Apply(noon, changes...)
	return e, touched
}

// load is F1: everything of an organization computed from nothing. Small and huge take turns, and their growth is the median of
// the turns: a neighbour that comes or goes between two measurements would count as growth. Beside it stands how sorting the same
// objects by name grows in the same run: n·log n as this machine does it, with what it takes to reach memory that is in no cache.
func load(_ context.Context, r *report) error {
	const turns = 3
	var growths, sorting []float64
	var order, computed float64
	for range turns {
		small, err := loads(r, organization.Small, 9)
		if err != nil {
			return err
		}
		huge, err := loads(r, organization.Huge, 1)
		if err != nil {
			return err
		}
		growths = append(growths, huge.took.Seconds()/small.took.Seconds())
		sorting = append(sorting, huge.sorting.Seconds()/small.sorting.Seconds())
		order, computed = huge.order/small.order, float64(huge.computed)/float64(small.computed)
	}
	large, err := loads(r, organization.Large, 3)
	if err != nil {
		return err
	}
	r.measured(figure{name: "load-large", value: large.took.Seconds(), unit: "s", floor: 3, bar: 1})
	slices.Sort(growths)
	slices.Sort(sorting)
	r.note("growth in each turn, ascending: %.1f; n·log n of the objects, which is the floor, is on paper: what is computed grows %.1f times, sorting the objects by name takes %.1f times as long",
		growths, computed, sorting[turns/2])
	r.measured(figure{name: "growth-small-to-huge", value: growths[turns/2], unit: "x", floor: order, bar: 1})
	return nil
}

// loading is what it takes to load an organization, as medians of processor time.
type loading struct {
	took, sorting time.Duration
	computed      uint64  // queries
	order         float64 // n·log n of the objects
}

// loads loads an organization, which is the only one in memory, a few times.
func loads(r *report, shape organization.Shape, runs int) (loading, error) {
	changes := changesOf(organization.Generate(shape, seed, noon))
	var times []time.Duration
	var computed uint64
	for range runs {
		var touched engine.Touched
		var e *engine.Engine
		cpu, wall := onOneCore(func() { e, touched = loaded(changes) })
		times, computed = append(times, cpu), e.Roster.Graph.Recomputed()
		if got := len(touched.Access); got != shape.Teammates {
			return loading{}, fmt.Errorf("%d people have an effective access in %s, want %d", got, shape.Name, shape.Teammates)
		}
		if got, want := len(touched.Plans), len(e.Routing.Targets(nil)); got != want {
			return loading{}, fmt.Errorf("%d plans in %s, want %d", got, shape.Name, want)
		}
		if len(times) == runs {
			r.note("%s: %d objects, %d route plans; cpu %v, wall %v; heap of the engine %.1f MiB", shape.Name, len(changes), len(touched.Plans), cpu, wall, heapOf(&e))
		}
	}
	n := float64(len(changes))
	return loading{took: percentile(sortedCopy(times), 50), sorting: sorting(changes), computed: computed, order: n * math.Log(n)}, nil
}

// sorting is the median processor time of sorting the objects of changes by name.
func sorting(changes []roster.Change) time.Duration {
	var times []time.Duration
	for range 9 {
		shuffled := slices.Clone(changes)
		rand.New(rand.NewPCG(seed, 3)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cpu, _ := onOneCore(func() {
			slices.SortFunc(shuffled, func(a, b roster.Change) int { return strings.Compare(a.Object.GetName(), b.Object.GetName()) })
		})
		times = append(times, cpu)
	}
	return percentile(sortedCopy(times), 50)
}

// heapOf lets go of an engine and returns the MiB that come free with it.
func heapOf(e **engine.Engine) float64 {
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(*e)
	*e = nil
	runtime.GC()
	runtime.ReadMemStats(&without)
	return (float64(with.HeapAlloc) - float64(without.HeapAlloc)) / (1 << 20)
}

const edits = 2000

// oneMembership is F2: one membership more or less.
func oneMembership(_ context.Context, r *report) error {
	medians := map[string]time.Duration{}
	for _, shape := range []organization.Shape{organization.Large, organization.Huge} {
		o := organization.Generate(shape, seed, noon)
		e, _ := loaded(changesOf(o))
		m := newMemberships(o)
		var times []time.Duration
		var wall time.Duration
		var touched struct{ access, plans, inputs int }
		runtime.GC()
		runtime.LockOSThread()
		whole := spent()
		for i := range edits {
			group := m.edit(i)
			began, start := time.Now(), spentHere()
			t := e.Apply(noon, roster.Change{Object: group})
			times = append(times, spentHere()-start)
			wall += time.Since(began)
			touched.access, touched.plans, touched.inputs = touched.access+len(t.Access), touched.plans+len(t.Plans), touched.inputs+len(t.Inputs)
		}
		whole = spent() - whole
		runtime.UnlockOSThread()
		sorted := sortedCopy(times)
		p50, p99 := percentile(sorted, 50), percentile(sorted, 99)
		medians[shape.Name] = p50
		n := float64(edits)
		r.note("%s: %d edits, p50 %v, p90 %v, p99 %v, most %v; wall %v each, with collector and making the edits %v of all processors; touched on average %.2f accesses, %.2f plans, %.2f inputs", shape.Name, edits, p50, percentile(sorted, 90), p99,
			sorted[len(sorted)-1], wall/edits, whole/edits, float64(touched.access)/n, float64(touched.plans)/n, float64(touched.inputs)/n)
		if shape.Name == organization.Large.Name {
			r.measured(figure{name: "membership-edit-p99-large", value: milliseconds(p99), unit: "ms", floor: 5, bar: 1})
		}
	}
	r.measured(figure{name: "membership-edit-p50-huge", value: milliseconds(medians["huge"]), unit: "ms", floor: milliseconds(medians["large"]), bar: 1.5})
	return nil
}

// memberships makes random edits: by turns somebody joins any group that lists its members, and any one of all listed
// members leaves, so that large groups lose more often, as they do in life.
type memberships struct {
	*rand.Rand
	o      *organization.Organization
	groups []*rollcallv1.UserGroup // those that list members, as they are now
	slots  []int                   // by listed membership at the beginning: the index of the group
}

func newMemberships(o *organization.Organization) *memberships {
	m := &memberships{Rand: rand.New(rand.NewPCG(seed, 2)), o: o}
	for _, g := range o.Groups {
		if len(g.Spec.Members) == 0 {
			continue
		}
		m.groups = append(m.groups, g)
		for range g.Spec.Members {
			m.slots = append(m.slots, len(m.groups)-1)
		}
	}
	return m
}

// edit returns the changed group.
func (m *memberships) edit(turn int) *rollcallv1.UserGroup {
	for {
		if turn%2 == 0 {
			i := m.IntN(len(m.groups))
			name := m.o.Teammates[m.IntN(len(m.o.Teammates))].Name
			listed := slices.ContainsFunc(m.groups[i].Spec.Members, func(e rollcallv1.Member) bool { return e.Name == name })
			if !listed && len(m.groups[i].Spec.Members) < organization.GiantSize {
				return m.change(i, func(g *rollcallv1.UserGroup) {
					g.Spec.Members = append(g.Spec.Members, rollcallv1.Member{Name: name})
				})
			}
			continue
		}
		i := m.slots[m.IntN(len(m.slots))]
		if n := len(m.groups[i].Spec.Members); n > 0 {
			k := m.IntN(n)
			return m.change(i, func(g *rollcallv1.UserGroup) { g.Spec.Members = slices.Delete(g.Spec.Members, k, k+1) })
		}
	}
}

func (m *memberships) change(i int, edit func(*rollcallv1.UserGroup)) *rollcallv1.UserGroup {
	g := m.groups[i].DeepCopy()
	edit(g)
	g.Generation++
	m.groups[i] = g
	return g
}

// oneProfile is F3: a profile more in a group of 1,000.
func oneProfile(_ context.Context, r *report) error {
	o := organization.Generate(organization.Large, seed, noon)
	e, _ := loaded(changesOf(o))
	var times []time.Duration
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for turn := range 30 {
		name := o.Giants[turn%len(o.Giants)]
		i := slices.IndexFunc(o.Groups, func(g *rollcallv1.UserGroup) bool { return g.Name == name })
		g := o.Groups[i].DeepCopy()
		o.Groups[i] = g
		fresh := fmt.Sprintf("fresh-%03d", turn)
		profile := &rollcallv1.Profile{ObjectMeta: metav1.ObjectMeta{Name: fresh}, Spec: rollcallv1.ProfileSpec{Type: rollcallv1.ProfileTypeSocial, Platform: new(rollcallv1.PlatformX), State: rollcallv1.SwitchEnabled}}
		e.Apply(noon, roster.Change{Object: profile}) // administrators see it at once
		g.Spec.Profiles = append(g.Spec.Profiles, rollcallv1.GroupProfile{Name: fresh})
		runtime.GC()
		start := spentHere()
		touched := e.Apply(noon, roster.Change{Object: g})
		times = append(times, spentHere()-start)
		if want := open(e, name); !slices.Equal(touched.Access, want) {
			return fmt.Errorf("a profile for %s changed the access of %d people, want exactly its %d members with an open gate", name, len(touched.Access), len(want))
		}
	}
	sorted := sortedCopy(times)
	r.note("%d edits, p50 %v, most %v", len(sorted), percentile(sorted, 50), sorted[len(sorted)-1])
	r.measured(figure{name: "profile-into-1000", value: milliseconds(percentile(sorted, 50)), unit: "ms", floor: 50, bar: 1})
	return nil
}

// open are the members of a group whose gate is open.
func open(e *engine.Engine, group string) []string {
	out := slices.DeleteFunc(slices.Clone(e.Roster.Members(nil, group)), func(t string) bool { return !e.Lifecycle.Open(nil, t) })
	slices.SortFunc(out, strings.Compare)
	return out
}
