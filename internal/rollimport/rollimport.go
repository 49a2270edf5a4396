// Package rollimport turns the rows of a file into teammates (M-02, V-04, V-05): it reads the columns of a layout, tells people who
// exist and rows that repeat each other apart, names the new ones, and says for every row what became of it. All rows are judged
// before anything is given out, and good rows stand although others fail. It is pure: the same rows and the same organization
// give the same teammates, and none for a file that was imported before.
package rollimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/sheet"
)

// Result is what became of a row (API.md section 7).
type Result string

// Created rows have a new teammate. Exists: somebody has that e-mail address already. Duplicate: an earlier row has it. Invalid
// and DomainNotAllowed rows failed.
const (
	ResultCreated          Result = "Created"
	ResultExists           Result = "Exists"
	ResultInvalid          Result = "Invalid"
	ResultDuplicate        Result = "Duplicate"
	ResultDomainNotAllowed Result = "DomainNotAllowed"
)

// Failed reports whether the row holds a person who was not taken in and has to be corrected.
func (r Result) Failed() bool { return r == ResultInvalid || r == ResultDomainNotAllowed }

// Row says what became of one row of the file.
type Row struct {
	// Number is the row of the file, from 1.
	Number int
	Email  string
	Result Result
	// Teammate is the name of the object: the new one, the one that exists, or the one of the earlier row.
	Teammate string
	Message  string
	// Object is set for Created rows.
	Object *rollcallv1.Teammate
}

// Report is the outcome of an import, in the order of the file.
type Report struct {
	Rows []Row
	// Notes are about the file or the order as a whole, such as columns that are not read.
	Notes []string
}

// Order says how to read a file, and what every new person gets.
type Order struct {
	Layout Layout
	// Columns is read with LayoutColumns.
	Columns   []Column
	Namespace string
	// Zone is that of times without one.
	Zone *time.Location
	// Role is the account role of rows that name none.
	Role   string
	Method rollcallv1.OnboardingMethod
	// ConfirmedAt, when set, confirms the new accounts (S-135).
	ConfirmedAt *time.Time
	Groups      []string
	Labels      map[string]string
	Skills      []rollcallv1.TeammateSkill
	// Leader is the team leader of rows that name none: object name, e-mail, employee ID, extension or full name.
	Leader string
	// Until is when new people leave again.
	Until *time.Time
}

// Problem is something that layer 1 has against an object; Field is a path such as spec.identity.email.
type Problem struct{ Field, Message string }

// Check applies layer 1 to objects and returns the problems of each.
type Check func([]*rollcallv1.Teammate) [][]Problem

// Import judges the rows of a file. Errors are about the file or the order as a whole: a column that is not there, a role or a
// leader that nobody knows, too many rows.
func Import(s *sheet.Sheet, known *Known, o Order, check Check) (*Report, error) {
	t, err := layOut(s, o)
	if err != nil {
		return nil, err
	}
	if len(t.rows) > sheet.MaxRows {
		return nil, sheet.TooMany()
	}
	i := &importer{order: o, known: known, table: t, report: &Report{Notes: t.notes}, open: map[string]bool{}}
	if err := i.defaults(); err != nil {
		return nil, err
	}
	i.people = make([]*person, len(t.rows))
	for n, row := range t.rows {
		i.people[n] = i.person(row)
	}
	if err := i.resolve(); err != nil {
		return nil, err
	}
	objects := make([]*rollcallv1.Teammate, len(i.people))
	for n, p := range i.people {
		objects[n] = p.tm
	}
	for n, problems := range check(objects) {
		i.people[n].refused(problems)
	}
	i.judge()
	i.lead()
	for _, reference := range slices.Sorted(maps.Keys(i.open)) {
		i.report.Notes = append(i.report.Notes, reference+" is not in the organization; the reference counts once it is")
	}
	return i.report, nil
}

// importer is one import on its way.
type importer struct {
	order  Order
	known  *Known
	table  *table
	people []*person
	report *Report
	// names and keys are who holds them: people of the organization and, as they are taken in, new ones.
	names map[string]bool
	keys  map[string]string
	// open are references of new people to what is not there yet.
	open map[string]bool
}

// person is one row on its way.
type person struct {
	number int
	email  string
	tm     *rollcallv1.Teammate
	role   string
	groups []string
	leader string
	// led is who the leader is, resolved.
	led leader
	// identity says what is wrong with the keys that tell the person apart; problems what is wrong besides.
	identity []string
	problems []string
}

func (p *person) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// refused takes in what layer 1 has against the object.
func (p *person) refused(problems []Problem) {
	for _, x := range problems {
		text := x.Message
		if x.Field != "" {
			text = x.Field + ": " + text
		}
		switch {
		case x.Field == "spec.identity.email":
			p.identity = append(p.identity, fmt.Sprintf("%q is no e-mail address", p.email))
		case len(p.identity) > 0 && (x.Field == "spec" || x.Field == "spec.identity"): // CEL-3 and CEL-4 say it again
		default:
			p.problems = append(p.problems, text)
		}
	}
}

// key is the one by which a person is found again: the e-mail address, for those without one the next best (S-134).
func (p *person) key() string {
	if keys := roster.IdentityKeys(p.tm); len(keys) > 0 {
		return keys[0]
	}
	return ""
}

// defaults resolves what the order says of all rows.
func (i *importer) defaults() error {
	if i.order.Role != "" {
		role, err := i.known.role(i.order.Role)
		if err != nil {
			return err
		}
		i.order.Role = role
	}
	groups := i.order.Groups
	i.order.Groups = nil
	for _, text := range groups {
		group, err := i.known.group(text)
		if err != nil {
			return err
		}
		i.order.Groups = append(i.order.Groups, group)
	}
	return nil
}

// person reads a row.
func (i *importer) person(row sheet.Row) *person {
	o := i.order
	p := &person{number: row.Number, tm: &rollcallv1.Teammate{
		TypeMeta:   metav1.TypeMeta{APIVersion: rollcallv1.GroupVersion.String(), Kind: roster.KindTeammate},
		ObjectMeta: metav1.ObjectMeta{Name: "new", Namespace: o.Namespace, Labels: maps.Clone(o.Labels)},
	}}
	p.tm.Spec.Onboarding.Method = o.Method
	p.tm.Spec.Skills = slices.Clone(o.Skills)
	if o.ConfirmedAt != nil {
		p.tm.Annotations = map[string]string{rollcallv1.AnnotationConfirmedAt: o.ConfirmedAt.UTC().Format(time.RFC3339)}
	}
	if o.Until != nil {
		p.tm.Spec.Until = new(metav1.NewTime(o.Until.UTC()))
	}
	if row.Problem != "" {
		p.problem("%s", row.Problem)
	}
	for _, c := range i.table.columns {
		if c.at >= len(row.Cells) || row.Cells[c.at] == "" {
			continue
		}
		if err := c.set(i.table, p, row.Cells[c.at]); err != nil {
			p.problem("column %s: %s", c.heading, err)
		}
	}
	if email := p.tm.Spec.Identity.Email; email != nil {
		p.email = *email
	}
	return p
}

// resolve turns what rows say of roles, groups and leaders into references.
func (i *importer) resolve() error {
	index := i.leaders()
	general, err := index.find(i.order.Leader)
	if err != nil {
		return err
	}
	for _, p := range i.people {
		i.identify(p)
		i.employ(p)
		p.led = general
		for _, name := range i.order.Groups {
			p.join(name)
		}
		for _, text := range p.groups {
			if name, err := i.known.group(text); err != nil {
				p.problem("%s", err)
			} else {
				p.join(name)
			}
		}
		if p.leader != "" {
			if p.led, err = index.find(p.leader); err != nil {
				p.problem("%s", err)
			}
		}
	}
	return nil
}

// employ gives a person the account role of the row or of the order.
func (i *importer) employ(p *person) {
	role := i.order.Role
	if p.role != "" {
		var err error
		if role, err = i.known.role(p.role); err != nil {
			p.problem("%s", err)
			return
		}
	}
	if role == "" {
		p.problem("no account role; expected one in the file or by --role")
		return
	}
	p.tm.Spec.AccountRoleRef = &rollcallv1.ObjectRef{Name: role}
}

// identify finds out whether the row says who the person is (CEL-3, CEL-4, VAP-1).
func (i *importer) identify(p *person) {
	id := p.tm.Spec.Identity
	switch {
	case p.key() == "":
		p.identity = append(p.identity, "no e-mail address")
	case id.Email == nil && i.order.Method != rollcallv1.OnboardingMethodCreate:
		p.identity = append(p.identity, fmt.Sprintf("no e-mail address, which method %s needs", i.order.Method))
	case i.known.policies != nil && !roster.IdentitySuffices(i.known.policies, id):
		p.problem("the organization wants one of %v (policies.identity.requireOneOf)", i.known.policies.Identity.RequireOneOf)
	}
}

func (p *person) join(group string) {
	if !slices.ContainsFunc(p.tm.Spec.Groups, func(g rollcallv1.TeammateGroup) bool { return g.Name == group }) {
		p.tm.Spec.Groups = append(p.tm.Spec.Groups, rollcallv1.TeammateGroup{Name: group})
	}
}

// judge decides row by row, in the order of the file.
func (i *importer) judge() {
	i.names, i.keys = maps.Clone(i.known.names), maps.Clone(i.known.keys)
	first := map[string]Row{}
	for _, p := range i.people {
		key := p.key()
		row := Row{Number: p.number, Email: p.email}
		earlier, repeated := first[key]
		holder, exists := i.known.keys[key]
		switch {
		case len(p.identity) > 0:
			row.Result, row.Message = ResultInvalid, strings.Join(slices.Concat(p.identity, p.problems), "; ")
		case repeated:
			row.Result, row.Teammate = ResultDuplicate, earlier.Teammate
			row.Message = fmt.Sprintf("the same person as in row %d", earlier.Number)
		case exists:
			row.Result, row.Teammate = ResultExists, holder
			first[key] = row
		case p.email != "" && i.known.policies != nil && !roster.EmailDomainAllowed(i.known.policies, p.email):
			row.Result, row.Message = ResultDomainNotAllowed, "the domain is not among policies.identity.allowedEmailDomains"
		default:
			i.take(p, &row)
			if row.Result == ResultCreated {
				first[key] = row
			}
		}
		i.report.Rows = append(i.report.Rows, row)
	}
}

// take makes a new teammate of a row, unless something is wrong with it.
func (i *importer) take(p *person, row *Row) {
	keys := keysOf(p.tm)
	for _, k := range keys {
		if holder, held := i.keys[k]; held {
			p.problem("%s belongs to %s", strings.Replace(k, "=", " ", 1), holder)
		}
	}
	name, free := i.name(p)
	if !free {
		p.problem("the names %s and %s belong to other people", i.base(p), name)
	}
	if len(p.problems) > 0 {
		row.Result, row.Message = ResultInvalid, strings.Join(p.problems, "; ")
		return
	}
	p.tm.Name = name
	i.names[name] = true
	for _, k := range keys {
		i.keys[k] = name
	}
	i.refer(p.tm)
	row.Result, row.Teammate, row.Object = ResultCreated, name, p.tm
}

// refer notes references to what is not there. They count by themselves once it is (M-08).
func (i *importer) refer(tm *rollcallv1.Teammate) {
	if !i.known.organization {
		return
	}
	for _, g := range tm.Spec.Groups {
		if !i.known.groups[g.Name] {
			i.open[roster.KindUserGroup+" "+g.Name] = true
		}
	}
	for _, s := range tm.Spec.Skills {
		if !i.known.skills[s.Name] {
			i.open["skill "+s.Name] = true
		}
	}
}

// lead gives new people their leaders, now that everybody has a name.
func (i *importer) lead() {
	for _, p := range i.people {
		name := p.led.name
		if row := p.led.row; row != nil {
			var found bool
			if name, found = i.keys[row.key()]; !found {
				name, _ = i.name(row) // that row failed: the reference counts once it is corrected and imported (M-08)
			}
		}
		if name == "" || name == p.tm.Name {
			continue
		}
		if i.known.organization && !i.names[name] {
			i.open[roster.KindTeammate+" "+name] = true
		}
		p.tm.Spec.TeamLeaderRef = &rollcallv1.ObjectRef{Name: name}
	}
}
