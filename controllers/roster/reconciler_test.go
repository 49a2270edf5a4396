package roster

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const namespace = "fjordline"

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "u", Generation: 1}
}

// reconcilerOf has informers with these objects, and a queue at the end of each line.
func reconcilerOf(t *testing.T, now func() time.Time, objects map[string][]client.Object) (*Reconciler, map[string]workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	t.Helper()
	s := store{}
	for _, p := range prototypes {
		s[p.kind] = toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
		for _, o := range objects[p.kind] {
			if err := s[p.kind].Add(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	desks := desk.New()
	queues := map[string]workqueue.TypedRateLimitingInterface[reconcile.Request]{}
	line := func(kind string) *desk.Line {
		l := desks.NewLine()
		queues[kind] = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		t.Cleanup(queues[kind].ShutDown)
		if err := l.Start(t.Context(), queues[kind]); err != nil {
			t.Fatal(err)
		}
		return l
	}
	lines := Lines{Access: line(kindAccess), Plans: line(kindPlan), Inputs: map[string]*desk.Line{}}
	for _, kind := range roster.Kinds {
		lines.Inputs[kind] = line(kind)
	}
	scheme := runtime.NewScheme()
	if err := rollcallv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	api := fake.NewClientBuilder().WithScheme(scheme).Build()
	return &Reconciler{client: api, writer: &publish.Writer{Client: api, Now: now}, desks: desks, lines: lines, recorder: &heard{}, now: now, changes: newChanges(), store: s, rooms: map[string]*room{}}, queues
}

func TestAPanicLeavesNoEngineBehindAndTheNextAttemptStartsAnew(t *testing.T) {
	panics := true
	now := func() time.Time {
		if panics {
			panic("a fault in the computation")
		}
		return time.Unix(0, 0)
	}
	r, queues := reconcilerOf(t, now, map[string][]client.Object{
		roster.KindOrganization: {&rollcallv1.Organization{ObjectMeta: meta("default")}},
		roster.KindDepartment:   {&rollcallv1.Department{ObjectMeta: meta("care")}},
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed: the manager does not count it")
			}
		}()
		_, _ = r.Reconcile(t.Context(), namespace)
	}()
	if got := r.desks.Standing(namespace); got != desk.Failed {
		t.Errorf("standing = %d, want Failed", got)
	}
	if queues[roster.KindOrganization].Len() != 1 || queues[roster.KindDepartment].Len() != 0 || queues[kindPlan].Len() != 0 {
		t.Error("not the Organization alone is told")
	}

	panics = false
	if _, err := r.Reconcile(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	if got := r.desks.Standing(namespace); got != desk.Open {
		t.Errorf("standing = %d, want Open", got)
	}
	if queues[roster.KindDepartment].Len() != 1 || queues[kindPlan].Len() != 1 {
		t.Error("the department and its plan are not published")
	}
}

func TestAnEmptyNamespaceIsForgotten(t *testing.T) {
	clock := time.Unix(0, 0)
	r, _ := reconcilerOf(t, func() time.Time { return clock }, nil)
	result, err := r.Reconcile(t.Context(), namespace)
	if err != nil || result.RequeueAfter != absence {
		t.Errorf("result = %v, %v; want to come again after %s", result, err, absence)
	}
	clock = clock.Add(absence)
	if result, err = r.Reconcile(t.Context(), namespace); err != nil || result.RequeueAfter != 0 {
		t.Errorf("result = %v, %v; want the end", result, err)
	}
	if len(r.rooms) != 0 || r.desks.Standing(namespace) != desk.Unknown {
		t.Error("the namespace is still known")
	}
}

func TestTheNamespaceComesAgainAtItsNextTransition(t *testing.T) {
	clock := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	until := metav1.NewTime(clock.Add(90 * time.Minute))
	person := &rollcallv1.Teammate{ObjectMeta: meta("ana")}
	person.Spec.Until = &until
	r, queues := reconcilerOf(t, func() time.Time { return clock }, map[string][]client.Object{
		roster.KindOrganization: {&rollcallv1.Organization{ObjectMeta: meta("default")}},
		roster.KindTeammate:     {person},
	})
	result, err := r.Reconcile(t.Context(), namespace)
	if err != nil || result.RequeueAfter != 90*time.Minute {
		t.Fatalf("result = %v, %v; want to come again after 90m", result, err)
	}
	for queues[kindAccess].Len() > 0 {
		item, _ := queues[kindAccess].Get()
		queues[kindAccess].Done(item)
	}
	clock = until.Time
	if result, err = r.Reconcile(t.Context(), namespace); err != nil || result.RequeueAfter != 0 {
		t.Errorf("result = %v, %v; want no further transition", result, err)
	}
	if queues[kindAccess].Len() != 1 {
		t.Error("the access that ended is not published")
	}
}
