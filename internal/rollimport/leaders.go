package rollimport

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// leader is who somebody reports to: a name, or a row of the same file, which has a name only later.
type leader struct {
	name string
	row  *person
}

// leaderIndex finds people by what a row may call them. Several finds are no find.
type leaderIndex struct {
	names map[string]bool
	by    map[string][]leader
}

// objectName is the form of names in references (API.md, NAME).
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)

// leaders indexes the people of the organization and of the file.
func (i *importer) leaders() *leaderIndex {
	index := &leaderIndex{names: i.known.names, by: map[string][]leader{}}
	add := func(tm *rollcallv1.Teammate, l leader) {
		for _, key := range waysToName(tm) {
			index.by[key] = append(index.by[key], l)
		}
	}
	existing := map[string]bool{}
	for _, tm := range i.known.teammates {
		add(tm, leader{name: tm.Name})
		for _, key := range keysOf(tm) {
			existing[key] = true
		}
	}
	seen := map[string]bool{}
	for _, p := range i.people {
		// A row about somebody who is there, or about the person of an earlier row, adds nobody.
		if key := p.key(); key != "" && !existing[key] && !seen[key] {
			seen[key] = true
			add(p.tm, leader{row: p})
		}
	}
	return index
}

// waysToName are the e-mail address, other identifiers and the full name, in small letters.
func waysToName(tm *rollcallv1.Teammate) []string {
	var out []string
	id := tm.Spec.Identity
	for _, s := range []*string{id.Email, id.EmployeeID, tm.Spec.Extension} {
		if s != nil {
			out = append(out, strings.ToLower(*s))
		}
	}
	if tm.Spec.FirstName != nil && tm.Spec.LastName != nil {
		out = append(out, fullName(*tm.Spec.FirstName+" "+*tm.Spec.LastName))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func fullName(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }

// find resolves what a row says of a leader. The name of an object may be one that is not there yet (M-08).
func (l *leaderIndex) find(text string) (leader, error) {
	if text == "" {
		return leader{}, nil
	}
	if l.names[text] {
		return leader{name: text}, nil
	}
	switch found := l.by[fullName(text)]; {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return leader{}, fmt.Errorf("team leader %q may be several people; expected an e-mail address", text)
	case objectName.MatchString(text):
		return leader{name: text}, nil
	}
	return leader{}, fmt.Errorf("team leader %q is unknown; expected somebody of the organization or of the file", text)
}
