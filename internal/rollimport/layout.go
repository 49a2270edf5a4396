package rollimport

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rollcall-dev/rollcall/internal/sheet"
)

// Layout says which columns a file has.
type Layout string

// LayoutEmails: one e-mail address in each row (V-05). LayoutAgentConnect: the fields of the form for new users there, each
// under its own name (M-09 to M-27). LayoutColumns: whatever the order maps.
const (
	LayoutEmails       Layout = "emails"
	LayoutAgentConnect Layout = "agent-connect"
	LayoutColumns      Layout = "columns"
)

// Layouts are all there are.
var Layouts = []Layout{LayoutEmails, LayoutAgentConnect, LayoutColumns}

// Column maps a column of a file to a field.
type Column struct {
	// Name is the heading, or the letters that a spreadsheet shows above the column.
	Name  string
	field field
}

// ParseColumn reads HEADING=FIELD. The heading may contain equals signs, fields do not.
func ParseColumn(text string) (Column, error) {
	at := strings.LastIndexByte(text, '=')
	if at <= 0 {
		return Column{}, fmt.Errorf("column %q is not understood; expected HEADING=FIELD", text)
	}
	f, ok := fieldByName(strings.TrimSpace(text[at+1:]))
	if !ok {
		return Column{}, fmt.Errorf("field %q is unknown; expected labels.KEY or one of %s", text[at+1:], strings.Join(FieldNames(), ", "))
	}
	return Column{Name: strings.TrimSpace(text[:at]), field: f}, nil
}

// ParseColumns reads the columns of an order. Each field comes from one column, and one of them tells who a person is.
func ParseColumns(texts []string) ([]Column, error) {
	var out []Column
	identified := false
	for _, text := range texts {
		c, err := ParseColumn(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(x Column) bool { return x.field.name == c.field.name }) {
			return nil, fmt.Errorf("field %s is mapped twice; expected one column for it", c.field.name)
		}
		identified = identified || slices.Contains([]string{fieldEmail, fieldEmployeeID, fieldDirectoryID}, c.field.name)
		out = append(out, c)
	}
	if !identified {
		return nil, errors.New("no column tells who a person is; expected one for email, employeeID or directoryID")
	}
	return out, nil
}

// GivesRoles reports whether the columns of an order may name account roles.
func (o Order) GivesRoles() bool {
	return o.Layout == LayoutAgentConnect || o.Layout == LayoutColumns && slices.ContainsFunc(o.Columns, func(c Column) bool { return c.field.name == fieldRole })
}

// table is a file whose columns are known.
type table struct {
	columns []placed
	rows    []sheet.Row
	notes   []string
	zone    *time.Location
	*sheet.Sheet
}

// placed is a column at its place.
type placed struct {
	field
	at      int
	heading string
}

// layOut finds the columns of a layout, and takes the heading off.
func layOut(s *sheet.Sheet, o Order) (*table, error) {
	t := &table{Sheet: s, rows: s.Rows, zone: o.Zone}
	if s.Unread > 0 {
		t.notes = append(t.notes, fmt.Sprintf("sheet %q is read; other sheets that are not: %d", s.Name, s.Unread))
	}
	if len(s.Rows) == 0 {
		return t, nil
	}
	switch o.Layout {
	case LayoutAgentConnect:
		return t, t.agentConnect()
	case LayoutColumns:
		return t, t.mapped(o.Columns)
	}
	t.emails()
	return t, nil
}

func (t *table) heading() []string { return t.rows[0].Cells }

func (t *table) place(name string, at int, heading string) {
	f, _ := fieldByName(name)
	t.columns = append(t.columns, placed{f, at, heading})
}

// emails takes the column with that heading, else the first in which the first row has something like an address.
func (t *table) emails() {
	at := slices.IndexFunc(t.heading(), isEmailHeading)
	if at >= 0 {
		t.place(fieldEmail, at, t.heading()[at])
		t.rows = t.rows[1:]
	} else {
		at = max(0, slices.IndexFunc(t.heading(), func(cell string) bool { return strings.Contains(cell, "@") }))
		t.place(fieldEmail, at, letters(at))
	}
	for _, row := range t.rows {
		if slices.ContainsFunc(row.Cells, func(cell string) bool { return cell != "" && (at >= len(row.Cells) || cell != row.Cells[at]) }) {
			t.notes = append(t.notes, fmt.Sprintf("only column %s is read; --layout columns with --map reads others", letters(at)))
			return
		}
	}
}

// agentConnectFields are the labels of the form, and what else such columns are called, as bare makes them.
var agentConnectFields = map[string]string{
	"email": fieldEmail, "emailaddress": fieldEmail, "emailaddresses": fieldEmail, "emails": fieldEmail, "mail": fieldEmail,
	"role": fieldRole, "canmanageteams": "canManageTeams", "profileimage": fieldImage, "profileimageurl": fieldImage, "image": fieldImage,
	"firstname": "firstName", "lastname": "lastName", "hometown": "card.homeTown",
	"stateorcountry": "card.stateOrCountry", "state": "card.stateOrCountry", "country": "card.stateOrCountry", "location": "card.stateOrCountry",
	"profile": "card.bio", "profilebio": "card.bio", "bio": "card.bio", "teamleader": fieldLeader, "employeeid": fieldEmployeeID,
	"startdate": "employment.startDate", "employmentstatus": "employment.status", "channels": "channels", "channel": "channels",
	"groupmembership": "groups", "groups": "groups", "group": "groups",
}

func isEmailHeading(cell string) bool { return agentConnectFields[bare(cell)] == fieldEmail }

// temporaryPassword is a label of the form whose column is not read: a password has no place in a manifest (M-26).
const temporaryPassword = "temporarypassword"

func (t *table) agentConnect() error {
	seen := map[string]string{}
	for at, heading := range t.heading() {
		name, ok := agentConnectFields[bare(heading)]
		switch {
		case heading == "":
			continue
		case bare(heading) == temporaryPassword:
			t.notes = append(t.notes, fmt.Sprintf("column %s is not read: put passwords into Secrets and name them in spec.onboarding.temporaryPasswordSecretRef", heading))
			continue
		case !ok:
			t.notes = append(t.notes, fmt.Sprintf("column %s is not read: layout %s has none of that name", heading, LayoutAgentConnect))
			continue
		case seen[name] != "":
			return fmt.Errorf("columns %s and %s mean the same; expected one of them", seen[name], heading)
		}
		seen[name] = heading
		t.place(name, at, heading)
	}
	if seen[fieldEmail] == "" && seen[fieldEmployeeID] == "" {
		return fmt.Errorf("row %d has no column Email Address or Employee ID; expected the headings of layout %s there", t.rows[0].Number, LayoutAgentConnect)
	}
	t.rows = t.rows[1:]
	return nil
}

// columnLetters are as a spreadsheet shows them, up to the widest row that is read.
var columnLetters = regexp.MustCompile(`^[A-Za-z]{1,2}$`)

func (t *table) mapped(columns []Column) error {
	headed := false
	for _, c := range columns {
		at := slices.IndexFunc(t.heading(), func(cell string) bool { return strings.EqualFold(cell, c.Name) })
		headed = headed || at >= 0
		if at < 0 && columnLetters.MatchString(c.Name) {
			at = indexOf(c.Name)
		}
		if at < 0 {
			return fmt.Errorf("row %d has no column %q; it has %s", t.rows[0].Number, c.Name, strings.Join(t.heading(), ", "))
		}
		t.columns = append(t.columns, placed{c.field, at, c.Name})
		// Columns that are told by letters may have a heading all the same.
		headed = headed || c.field.name == fieldEmail && at < len(t.heading()) && isEmailHeading(t.heading()[at])
	}
	if headed {
		t.rows = t.rows[1:]
	}
	return nil
}

// letters name a column from 0 as a spreadsheet does, and indexOf is the reverse.
func letters(at int) string {
	if at < 26 {
		return string(rune('A' + at))
	}
	return letters(at/26-1) + letters(at%26)
}

func indexOf(name string) int {
	at := 0
	for _, c := range strings.ToUpper(name) {
		at = at*26 + int(c-'A') + 1
	}
	return at - 1
}

// bare takes everything but letters and digits off a heading: "*E-mail Address:" is emailaddress.
func bare(heading string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, heading)
}
