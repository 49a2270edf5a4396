package command

import (
	"encoding/json"
	"runtime"
	"sync"
	"sync/atomic"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/rollimport"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// sayAfter is the number of checked rows after which a long import says how far it is, again and again.
const sayAfter = 2500

// layer1 checks new teammates by schema and rules, on all processors: that is most of the work of an import.
func (p *plugin) layer1(people []*rollcallv1.Teammate) [][]rollimport.Problem {
	out := make([][]rollimport.Problem, len(people))
	var next, done atomic.Int64
	var saying sync.Mutex
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(people)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(people); i = int(next.Add(1)) - 1 {
				out[i] = problemsOf(people[i])
				if n := done.Add(1); n%sayAfter == 0 {
					saying.Lock()
					p.note("%d of %d rows checked", n, len(people))
					saying.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return out
}

// problemsOf applies layer 1 to one teammate as it would be written.
func problemsOf(tm *rollcallv1.Teammate) []rollimport.Problem {
	data, err := json.Marshal(tm)
	var source map[string]any
	if err == nil {
		err = utiljson.Unmarshal(data, &source)
	}
	if err != nil {
		return []rollimport.Problem{{Message: err.Error()}}
	}
	if metadata, ok := source["metadata"].(map[string]any); ok {
		delete(metadata, "creationTimestamp")
	}
	_, findings := manifest.Check(roster.KindTeammate, source, nil)
	var out []rollimport.Problem
	for _, f := range findings {
		out = append(out, rollimport.Problem{Field: f.Field, Message: f.Message})
	}
	return out
}
