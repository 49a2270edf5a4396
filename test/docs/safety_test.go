package docs

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// promises are how many there are (QUALITY, Safety), synchronized those about Downstreams, which are specs with real servers.
const (
	promises     = 22
	synchronized = 16
)

// Every promise of the page on safety is there, in order, and names tests that exist; those about Downstreams name a spec of
// the same number.
func TestEveryPromiseIsProved(t *testing.T) {
	const specs = "test/integration/downstream"
	known := map[string]map[string]bool{}
	rows := 0
	for line := range strings.Lines(read(t, "docs/safety.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			continue
		}
		if _, err := strconv.Atoi(strings.TrimSpace(cells[0])); err != nil {
			continue
		}
		rows++
		if number := strings.TrimSpace(cells[0]); number != strconv.Itoa(rows) {
			t.Errorf("row %d has number %s", rows, number)
		}
		named := proof.FindAllStringSubmatch(cells[2], -1)
		own := false
		for _, n := range named {
			folder, name := n[1], n[2]
			if known[folder] == nil {
				known[folder] = testNames(t, folder)
			}
			if !known[folder][name] {
				t.Errorf("%d: no test %q in %s", rows, name, folder)
			}
			own = own || folder == specs && strings.HasPrefix(name, fmt.Sprintf("Safety %d: ", rows))
		}
		if len(named) == 0 || rows <= synchronized && !own {
			t.Errorf("%d: no test of its own proves it", rows)
		}
	}
	if rows != promises {
		t.Errorf("%d promises found, want %d", rows, promises)
	}
}
