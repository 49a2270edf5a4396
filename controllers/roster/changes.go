package roster

import (
	"sync"

	"github.com/rollcall-dev/rollcall/internal/lint"
)

// changes are the objects that changed since the last batch, by namespace. Handlers of watch events add, the worker of a
// namespace takes; what an object is now is read when it is taken, so that a storm of changes costs one look.
type changes struct {
	mu sync.Mutex
	of map[string]map[lint.Object]struct{}
}

func newChanges() *changes { return &changes{of: map[string]map[lint.Object]struct{}{}} }

func (c *changes) add(namespace string, o lint.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[namespace] == nil {
		c.of[namespace] = map[lint.Object]struct{}{}
	}
	c.of[namespace][o] = struct{}{}
}

// take returns what changed in a namespace and forgets it.
func (c *changes) take(namespace string) map[lint.Object]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.of[namespace]
	delete(c.of, namespace)
	return taken
}

func (c *changes) size(namespace string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.of[namespace])
}
