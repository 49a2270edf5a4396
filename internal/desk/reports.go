package desk

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/client-go/util/workqueue"
)

// Reports carry what connected systems say of people to whoever computes: whose account is in use. They are a source of
// that controller, and never block whoever reports.
type Reports struct {
	mu        sync.Mutex
	queue     workqueue.TypedRateLimitingInterface[string]
	confirmed map[string]map[string]struct{} // namespace -> identity keys
}

// NewReports returns no reports yet.
func NewReports() *Reports { return &Reports{confirmed: map[string]map[string]struct{}{}} }

// Start is called by the controller that has the reports among its sources.
func (r *Reports) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[string]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = queue
	for namespace := range r.confirmed {
		queue.Add(namespace)
	}
	return nil
}

// Confirmed reports accounts by identity key.
func (r *Reports) Confirmed(namespace string, keys []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.confirmed[namespace] == nil {
		r.confirmed[namespace] = map[string]struct{}{}
	}
	for _, key := range keys {
		r.confirmed[namespace][key] = struct{}{}
	}
	if r.queue != nil {
		r.queue.Add(namespace)
	}
}

// Take returns what was reported of a namespace, sorted, and forgets it.
func (r *Reports) Take(namespace string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Sorted(maps.Keys(r.confirmed[namespace]))
	delete(r.confirmed, namespace)
	return keys
}
