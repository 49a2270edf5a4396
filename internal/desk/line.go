package desk

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rollcall-dev/rollcall/internal/engine"
)

// Line runs from the desks to one controller: it tells the controller whose results changed, and the controller asks for
// them through it. It is a source of the controller, and never blocks whoever sends.
type Line struct {
	desks *Desks

	mu      sync.Mutex
	queue   workqueue.TypedRateLimitingInterface[reconcile.Request]
	waiting map[reconcile.Request]struct{} // sent before the controller started
}

// NewLine returns a line to one more controller.
func (d *Desks) NewLine() *Line {
	return &Line{desks: d, waiting: map[reconcile.Request]struct{}{}}
}

// Start is called by the controller that has the line among its sources.
func (l *Line) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = queue
	for request := range l.waiting {
		queue.Add(request)
	}
	l.waiting = nil
	return nil
}

// Send has the controller look at these objects.
func (l *Line) Send(keys ...types.NamespacedName) { l.send(priorityqueue.AddOpts{}, keys) }

// SendLater has the controller look at these objects once nothing more urgent waits: after a start, edits go first.
func (l *Line) SendLater(keys ...types.NamespacedName) {
	l.send(priorityqueue.AddOpts{Priority: new(handler.LowPriority)}, keys)
}

func (l *Line) send(how priorityqueue.AddOpts, keys []types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		request := reconcile.Request{NamespacedName: key}
		switch queue := l.queue.(type) {
		case nil:
			l.waiting[request] = struct{}{}
		case priorityqueue.PriorityQueue[reconcile.Request]:
			queue.AddWithOpts(how, request)
		default:
			queue.Add(request)
		}
	}
}

// Consult asks the desk of the key's namespace. read is called, with the engine locked, if outputs or inputs may be
// written as computed, that is for Suspended and Open; what it takes out stays valid, what it is given does not. If the
// answer must wait for the Ledger the standing is Unknown, and the key comes again over the line.
func (l *Line) Consult(key types.NamespacedName, read func(e *engine.Engine)) Standing {
	d := l.desks.find(key.Namespace)
	if d == nil {
		return Unknown
	}
	return d.consult(l, key, read)
}
