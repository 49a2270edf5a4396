package desk

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rollcall-dev/rollcall/internal/engine"
)

var ana = types.NamespacedName{Namespace: "fjordline", Name: "ana"}

func started(t *testing.T, l *Line) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	t.Helper()
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	t.Cleanup(q.ShutDown)
	if err := l.Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestConsultFollowsTheStanding(t *testing.T) {
	for name, tc := range map[string]struct {
		standing Standing
		wantRead bool
	}{
		"unknown":         {standing: Unknown},
		"missing":         {standing: Missing},
		"no Organization": {standing: Absent},
		"failed":          {standing: Failed},
		"suspended":       {standing: Suspended, wantRead: true},
		"open":            {standing: Open, wantRead: true},
	} {
		t.Run(name, func(t *testing.T) {
			desks := New()
			line := desks.NewLine()
			d := desks.Of(ana.Namespace)
			d.Replace(engine.New(time.Unix(0, 0)))
			d.Release(tc.standing)
			read := false
			if got := line.Consult(ana, func(e *engine.Engine) { read = e != nil }); got != tc.standing {
				t.Errorf("standing = %d, want %d", got, tc.standing)
			}
			if read != tc.wantRead {
				t.Errorf("read = %t, want %t", read, tc.wantRead)
			}
		})
	}
}

func TestANamespaceNobodyHeardOfIsUnknown(t *testing.T) {
	if got := New().NewLine().Consult(ana, func(*engine.Engine) { t.Error("read") }); got != Unknown {
		t.Errorf("standing = %d, want Unknown", got)
	}
}

func TestWhoeverAsksWhileTheLedgerIsUnkeptIsToldLater(t *testing.T) {
	desks := New()
	line := desks.NewLine()
	queue := started(t, line)
	d := desks.Of(ana.Namespace)
	d.Replace(engine.New(time.Unix(0, 0)))
	d.Release(Open)
	d.Engine(func(*engine.Engine) bool { return true })
	if got := line.Consult(ana, func(*engine.Engine) { t.Error("read what is not kept") }); got != Unknown {
		t.Errorf("standing = %d, want Unknown", got)
	}
	if n := queue.Len(); n != 0 {
		t.Errorf("%d waiting before the release, want 0", n)
	}
	d.Release(Open)
	if n := queue.Len(); n != 1 {
		t.Errorf("%d waiting after the release, want 1", n)
	}
	if got := line.Consult(ana, func(*engine.Engine) {}); got != Open {
		t.Errorf("standing = %d, want Open", got)
	}
}

func TestWhatIsSentBeforeTheStartIsNotLost(t *testing.T) {
	line := New().NewLine()
	line.Send(ana)
	line.SendLater(ana)
	if n := started(t, line).Len(); n != 1 {
		t.Errorf("%d waiting, want 1", n)
	}
}

func TestAfterAFailureNobodyReads(t *testing.T) {
	desks := New()
	d := desks.Of(ana.Namespace)
	d.Replace(engine.New(time.Unix(0, 0)))
	d.Release(Open)
	d.Fail()
	if got := desks.NewLine().Consult(ana, func(*engine.Engine) { t.Error("read") }); got != Failed {
		t.Errorf("standing = %d, want Failed", got)
	}
}
