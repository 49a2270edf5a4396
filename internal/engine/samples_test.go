package engine_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// samples are the folders of config/samples with the objects in them.
func samples(t *testing.T) map[string][]metav1.Object {
	t.Helper()
	entries, err := os.ReadDir("../../config/samples")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]metav1.Object{}
	for _, e := range entries {
		if e.IsDir() {
			out[e.Name()] = sample(t, e.Name())
		}
	}
	if len(out) < 6 {
		t.Fatalf("%d samples only", len(out))
	}
	return out
}

// moments are instants at which the samples are looked at: before the holidays, while covers and blocks are in effect, and
// when all windows are over.
var moments = []time.Time{
	time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), time.Date(2027, 1, 12, 15, 0, 0, 0, time.UTC), time.Date(2028, 6, 1, 12, 0, 0, 0, time.UTC),
}

// reflash applies the permission sets of all groups to everybody, as people are told to do after they have added somebody.
// Stamps of an instant are the one thing that depends on when something came.
func (w *world) reflash(token string) {
	var groups []metav1.Object
	for _, o := range w.objects {
		if g, ok := o.(*rollcallv1.UserGroup); ok && g.Spec.PermissionSet != nil {
			g = g.DeepCopy()
			g.Spec.PermissionSet.ReflashToken = &token
			groups = append(groups, g)
		}
	}
	w.put(groups...)
}

// TestS90SamplesInAnyOrder is S-90 and M-08: the objects of a sample one by one in 20 orders, against all at once.
func TestS90SamplesInAnyOrder(t *testing.T) {
	for name, objects := range samples(t) {
		t.Run(name, func(t *testing.T) {
			for _, at := range moments[:2] {
				atOnce := arrivingAt(t, at, objects, func(w *world) { w.put(objects...) })
				for seed := range uint64(20) {
					oneByOne := arrivingAt(t, at, objects, func(w *world) {
						for _, o := range shuffledWith(seed, objects) {
							w.store(o)
							w.keep(w.Apply(at, changeOf(o)))
						}
					})
					what := fmt.Sprintf("order %d at %s: ", seed, at.Format(time.RFC3339))
					oneByOne.want(what+"hashes", oneByOne.hashes(), atOnce.hashes())
					oneByOne.want(what+"abnormal", oneByOne.abnormal(), atOnce.abnormal())
				}
				for o := range atOnce.objects {
					if !slices.Contains(roster.Kinds, o.Kind) {
						continue // the engine has no status for it
					}
					if got := atOnce.condition(o.String(), rollcallv1.ConditionReady); got != "True" {
						t.Errorf("%s: Ready is %s", o, got)
					}
				}
			}
		})
	}
}

// nothingAt is an empty namespace at an instant.
func nothingAt(t *testing.T, at time.Time) *world {
	t.Helper()
	w := &world{t: t, now: at, objects: map[lint.Object]metav1.Object{}}
	w.restart(nil, false)
	return w
}

// arrivingAt is an organization to which the objects come at an instant in the way of arrive, reflashed in the end.
func arrivingAt(t *testing.T, at time.Time, objects []metav1.Object, arrive func(w *world)) *world {
	t.Helper()
	w := nothingAt(t, at)
	arrive(w)
	w.want("objects", len(w.objects), len(objects))
	w.reflash("complete")
	return w
}

// TestSamplesWithoutTheirLedger: losing all of the Ledger, or any one object of it, gives nobody anything. No sample
// has a conflict whose outcome may change.
func TestSamplesWithoutTheirLedger(t *testing.T) {
	for name, objects := range samples(t) {
		t.Run(name, func(t *testing.T) {
			for _, at := range moments {
				start := func() *world {
					w := nothingAt(t, at)
					w.put(objects...)
					w.reflash("complete")
					return w
				}
				w := start()
				before := w.everything()
				if len(before) == 0 || len(w.ledger) == 0 {
					t.Fatalf("%d permissions, %d objects in the Ledger: nothing to lose", len(before), len(w.ledger))
				}
				shards := slices.Sorted(maps.Keys(w.ledger))
				w.lose()
				w.noneGained(before, "the Ledger", at)
				for _, shard := range shards {
					w := start()
					touched, ok := w.Lose(at, shard)
					if !ok {
						t.Fatalf("the engine does not know its shard %s", shard)
					}
					w.keep(touched)
					w.noneGained(before, shard, at)
				}
			}
		})
	}
}

func (w *world) noneGained(before map[string]bool, lost string, at time.Time) {
	w.t.Helper()
	var gained []string
	for held := range w.everything() {
		if !before[held] {
			gained = append(gained, held)
		}
	}
	slices.Sort(gained)
	w.want(fmt.Sprintf("gained without %s at %s", lost, at.Format(time.RFC3339)), strings.Join(gained, "\n"), "")
}
