package rollimport

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/sheet"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// layer1 is the check of the plugin.
func layer1(people []*rollcallv1.Teammate) [][]Problem {
	out := make([][]Problem, len(people))
	for i, tm := range people {
		set, err := manifest.FromObjects([]metav1.Object{tm})
		if err != nil {
			panic(err)
		}
		source := set.Objects[0].Source
		delete(source["metadata"].(map[string]any), "creationTimestamp")
		_, findings := manifest.Check("Teammate", source, nil)
		for _, f := range findings {
			out[i] = append(out[i], Problem{f.Field, f.Message})
		}
	}
	return out
}

// cells reads a file of text.
func cells(t testing.TB, content string) *sheet.Sheet {
	t.Helper()
	s, err := sheet.Read([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rows writes a report: number, result, name of the teammate, message.
func rows(r *Report) string {
	var out []string
	for _, x := range r.Rows {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", x.Number, x.Result, x.Teammate, x.Message)))
	}
	return strings.Join(out, "\n")
}

// created are the new teammates as manifests, without what all have.
func created(t testing.TB, r *Report) string {
	t.Helper()
	var out []string
	for _, x := range r.Rows {
		if x.Object == nil {
			continue
		}
		data, err := manifest.Write(false, x.Object)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(data))
	}
	return strings.Join(out, "---\n")
}

func agents() Order {
	return Order{Layout: LayoutEmails, Role: "agent", Method: rollcallv1.OnboardingMethodImport, Zone: time.UTC}
}

func columns(t testing.TB, texts ...string) Order {
	t.Helper()
	o := agents()
	o.Layout = LayoutColumns
	var err error
	if o.Columns, err = ParseColumns(texts); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRows(t *testing.T) {
	const organization = `
		Organization default {preset: VoiceCenter, policies: {identity: {allowedEmailDomains: [x.example, y.example]}}}
		Teammate ana {identity: {email: Ana@x.example, employeeID: "7"}, extension: "2001"}
		UserGroup desk {displayName: Service Desk, voice: {extension: "3001"}}
		AccountRole night {displayName: Night Agent, baseType: Agent}
		`
	for name, tc := range map[string]struct {
		given string
		file  string
		order Order
		want  string
	}{
		"one column": {file: "ana@x.example\nben@x.example\n", order: agents(), want: "1 Created ana\n2 Created ben"},
		"a heading is a row, and so is an empty one": {file: "E-mail\n\nana@x.example\n", order: agents(), want: "3 Created ana"},
		"the column with the addresses":              {file: "Ana,ana@x.example\nBen,ben@x.example\n", order: agents(), want: "1 Created ana\n2 Created ben"},
		"no address": {file: "E-mail,Name\n,Ana\nana,Ana\nana@,\n@x.example,\nana@x,\nana b@x.example,\n", order: agents(),
			want: "2 Invalid  no e-mail address\n3 Invalid  \"ana\" is no e-mail address\n4 Invalid  \"ana@\" is no e-mail address\n" +
				"5 Invalid  \"@x.example\" is no e-mail address\n6 Invalid  \"ana@x\" is no e-mail address\n7 Invalid  \"ana b@x.example\" is no e-mail address"},
		"formulas of text are text": {file: "=cmd|'/c calc'!A1\n+1@x.example\n", order: agents(), want: "1 Invalid  \"=cmd|'/c calc'!A1\" is no e-mail address\n2 Created 1"},
		"exists whatever the letters, repeated likewise": {given: organization, file: "ANA@X.example\nben@x.example\nBEN@x.example\nana@x.example\n", order: agents(),
			want: "1 Exists ana\n2 Created ben\n3 Duplicate ben the same person as in row 2\n4 Duplicate ana the same person as in row 1"},
		"a row that failed is not repeated by a good one": {file: "E-mail,Chats\nana@x.example,many\nana@x.example,3\n", order: columns(t, "E-mail=email", "Chats=maxChats"),
			want: "2 Invalid  column Chats: \"many\" is no whole number\n3 Created ana"},
		"domains": {given: organization, file: "ben@Y.Example\ncid@z.example\n", order: agents(),
			want: "1 Created ben\n2 DomainNotAllowed  the domain is not among policies.identity.allowedEmailDomains"},
		"who exists is not asked for the domain": {given: "Organization default {policies: {identity: {allowedEmailDomains: [x.example]}}}\nTeammate old {identity: {email: old@z.example}}",
			file: "old@z.example\n", order: agents(), want: "1 Exists old"},
		"names": {file: "Ana.Maria+news@x.example\n__dan__@x.example\n-@x.example\n" + strings.Repeat("a", 62) + ".b@x.example\n", order: agents(),
			want: "1 Created ana-maria-news\n2 Created dan\n3 Created teammate\n4 Created " + strings.Repeat("a", 62)},
		"a name that belongs to somebody else": {given: organization, file: "ana@y.example\n", order: agents(), want: "1 Created ana-" + hash("ana@y.example")},
		"a name and its hash that belong to others": {given: organization + "Teammate ana-" + hash("ana@y.example"), file: "ana@y.example\n", order: agents(),
			want: "1 Invalid  the names ana and ana-" + hash("ana@y.example") + " belong to other people"},
		"keys of others": {given: organization, file: "E-mail,Number,Ext\nben@x.example,7,\ncid@x.example,8,2001\ndan@x.example,9,3001\neva@x.example,9,\nfay@x.example,9,\n",
			order: columns(t, "E-mail=email", "Number=employeeID", "Ext=extension"),
			want: "2 Invalid  employeeID 7 belongs to ana\n3 Invalid  extension 2001 belongs to ana\n4 Invalid  extension 3001 belongs to UserGroup/desk\n" +
				"5 Created eva\n6 Invalid  employeeID 9 belongs to eva"},
		"layer 1": {file: "E-mail,Picture\nben@x.example,ben.png\n", order: columns(t, "E-mail=email", "Picture=image"),
			want: "2 Invalid  spec.card.image.url: \"ben.png\" is not valid; it should match '^https://[^\\s/?#@]+([/?#][^\\s]*)?$'"},
		"roles by name, display name or built in": {given: organization, file: "E-mail,Role\na@x.example,night\nb@x.example,night agent\nc@x.example,Supervisor\nd@x.example,\ne@x.example,boss\n",
			order: columns(t, "E-mail=email", "Role=role"),
			want:  "2 Created a\n3 Created b\n4 Created c\n5 Created d\n6 Invalid  account role \"boss\" is unknown; expected one of the organization or a built-in one"},
		"an identity that the policy wants": {given: "Organization default {preset: ChatDesk}", file: "ben@x.example\n", order: agents(),
			want: "1 Invalid  the organization wants one of [DirectoryID] (policies.identity.requireOneOf)"},
		"no e-mail with method Import": {file: "Number\n7\n", order: columns(t, "Number=employeeID"), want: "2 Invalid  no e-mail address, which method Import needs"},
		"nobody":                       {file: "E-mail\n", order: agents(), want: ""},
		"nothing":                      {file: "", order: agents(), want: ""},
		"a row that cannot be read": {file: "ana@x.example\nJos\xe9@x.example\n\"ben@x.example\ncid@x.example\n", order: agents(),
			want: "1 Created ana\n2 Invalid  \"Jos\\xe9@x.example\" is no e-mail address; not in UTF-8; expected a file saved as CSV UTF-8\n" +
				"3 Invalid  no e-mail address; quotes do not match\n4 Created cid"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Import(cells(t, tc.file), NewKnown(builder.Objects(t, tc.given)), tc.order, layer1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, rows(r)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// hash is the suffix of API.md section 7, computed elsewhere: printf ana@y.example | sha256sum | cut -c1-6.
func hash(email string) string {
	return map[string]string{"ana@y.example": "684c9c"}[email]
}

// agentConnect is a file with the fields of the form for new users, in the words of the form.
const agentConnect = `*Role;*Can Manage Teams;Email Address;*Profile Image;*First Name;*Last Name;Home Town;*State or Country;*Profile;*Team Leader;Employee ID (if applicable);Start Date;Employment Status;*Channels;Temporary Password;Group Membership;Shoe Size
manager;Yes;eva@x.example;https://img.x.example/eva.png;Eva;Lindqvist;;Sweden;"Likes
tea; and trains";;E-1;2027-03-01;Full Time;Chat, Phone;s3cret;;38
agent;no;ana@x.example;;Ana;Berg;Lund;Sweden;;Eva Lindqvist;E-2;;Temp;E-mail;;Service Desk, Night Shift;
agent;maybe;ben@x.example;;Ben;Dahl;;;;Somebody Else;;1.3.2027;Freelance;Fax;;;
;;;;Cid;Ek;;;;eva@x.example;E-3;;;;;;
`

func TestLayoutAgentConnect(t *testing.T) {
	known := NewKnown(builder.Objects(t, "Organization default {preset: AgentFeedback}\nUserGroup desk {displayName: Service Desk}"))
	o := agents()
	o.Layout, o.Method = LayoutAgentConnect, rollcallv1.OnboardingMethodCreate
	// Not every column of the form is there in every export.
	file := strings.Replace(agentConnect, " (if applicable)", "", 1)
	r, err := Import(cells(t, file), known, o, layer1)
	if err != nil {
		t.Fatal(err)
	}
	wantRows := `2 Created eva
3 Created ana
4 Invalid  column *Can Manage Teams: "maybe" is not understood; expected yes or no; column Start Date: "1.3.2027" is not understood; expected a date as 2027-03-01; column Employment Status: "Freelance" is not known; expected Full Time, Part Time or Temporary; column *Channels: channel "Fax" is not known; expected Phone, Chat, Email, Social or SMS; team leader "Somebody Else" is unknown; expected somebody of the organization or of the file
5 Created e-3`
	if diff := cmp.Diff(wantRows, rows(r)); diff != "" {
		t.Errorf("rows: -want +got:\n%s", diff)
	}
	wantNotes := []string{
		"column Temporary Password is not read: put passwords into Secrets and name them in spec.onboarding.temporaryPasswordSecretRef",
		"column Shoe Size is not read: layout agent-connect has none of that name",
		"UserGroup night-shift is not in the organization; the reference counts once it is",
	}
	if diff := cmp.Diff(wantNotes, r.Notes); diff != "" {
		t.Errorf("notes: -want +got:\n%s", diff)
	}
	want := `apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: eva
spec:
  identity:
    email: eva@x.example
    employeeID: E-1
  onboarding:
    method: Create
  firstName: Eva
  lastName: Lindqvist
  accountRoleRef:
    name: manager
  canManageTeams: true
  card:
    image:
      url: https://img.x.example/eva.png
    bio: |-
      Likes
      tea; and trains
    stateOrCountry: Sweden
  employment:
    startDate: "2027-03-01"
    status: FullTime
  channels: [Chat, Phone]
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: ana
spec:
  identity:
    email: ana@x.example
    employeeID: E-2
  onboarding:
    method: Create
  firstName: Ana
  lastName: Berg
  accountRoleRef:
    name: agent
  canManageTeams: false
  teamLeaderRef:
    name: eva
  card:
    homeTown: Lund
    stateOrCountry: Sweden
  employment:
    status: Temporary
  channels: [Email]
  groups:
    - name: desk
    - name: night-shift
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: e-3
spec:
  identity:
    employeeID: E-3
  onboarding:
    method: Create
  firstName: Cid
  lastName: Ek
  accountRoleRef:
    name: agent
  teamLeaderRef:
    name: eva
`
	if diff := cmp.Diff(want, created(t, r)); diff != "" {
		t.Errorf("manifests: -want +got:\n%s", diff)
	}
}

// What the order says of everybody, and where a row says otherwise.
func TestOrder(t *testing.T) {
	known := NewKnown(builder.Objects(t, "Organization default {skills: [{name: fr}]}\nTeammate eva {canManageTeams: true}\nUserGroup desk"))
	o := columns(t, "E-mail=email", "Until=until", "Skills=skills", "Leader=teamLeaderRef", "Team=labels.team", "Groups=groups", "Limit=maxChats", "Tags=tags", "From=from")
	zone, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	o.Namespace, o.Zone, o.Method = "care", zone, rollcallv1.OnboardingMethodInvite
	o.ConfirmedAt = new(time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	o.Groups, o.Labels, o.Leader = []string{"desk"}, map[string]string{"batch": "spring"}, "EVA@fjordline.example"
	o.Skills = []rollcallv1.TeammateSkill{{Name: "fr", Level: new(int32(2))}, {Name: "chat"}}
	o.Until = new(time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC))
	file := "E-mail,Until,Skills,Leader,Team,Groups,Limit,Tags,From\n" +
		"ana@x.example,,,,,,,,\n" +
		"ben@x.example,2027-06-01,fr=5;en,ana,night,\"desk,late\",4,temp|new,2027-03-05 08:00\n"
	r, err := Import(cells(t, file), known, o, layer1)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: ana
  namespace: care
  labels:
    batch: spring
  annotations:
    rollcall.dev/confirmed-at: "2027-03-01T09:00:00Z"
spec:
  identity:
    email: ana@x.example
  onboarding:
    method: Invite
  accountRoleRef:
    name: agent
  until: "2027-09-01T00:00:00Z"
  teamLeaderRef:
    name: eva
  skills:
    - name: fr
      level: 2
    - name: chat
  groups:
    - name: desk
---
apiVersion: rollcall.dev/v1alpha1
kind: Teammate
metadata:
  name: ben
  namespace: care
  labels:
    batch: spring
    team: night
  annotations:
    rollcall.dev/confirmed-at: "2027-03-01T09:00:00Z"
spec:
  identity:
    email: ben@x.example
  onboarding:
    method: Invite
  accountRoleRef:
    name: agent
  from: "2027-03-05T07:00:00Z"
  until: "2027-05-31T22:00:00Z"
  teamLeaderRef:
    name: ana
  tags:
    - name: temp
    - name: new
  maxChats: 4
  skills:
    - name: chat
    - name: fr
      level: 5
    - name: en
  groups:
    - name: desk
    - name: late
`
	if diff := cmp.Diff(want, created(t, r)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantNotes := []string{"UserGroup late", "skill chat", "skill en"}
	for i, n := range r.Notes {
		if i >= len(wantNotes) || !strings.HasPrefix(n, wantNotes[i]+" is not in the organization") {
			t.Errorf("note %d: %s", i, n)
		}
	}
}

func TestLeaders(t *testing.T) {
	const organization = "Organization default\nTeammate eva {firstName: Eva, lastName: Ek, identity: {email: eva@x.example}, extension: \"2001\"}\n" +
		"Teammate other-eva {firstName: Eva, lastName: Ek, identity: {email: other@x.example, employeeID: e9}}"
	for name, tc := range map[string]struct{ given, leader, want string }{
		"object name":                         {organization, "eva", "eva"},
		"e-mail":                              {organization, "Eva@X.example", "eva"},
		"employee ID":                         {organization, "E9", "other-eva"},
		"extension":                           {organization, "2001", "eva"},
		"row of the file by e-mail":           {organization, "cid@x.example", "cid"},
		"row of the file by full name":        {organization, "cid  dahl", "cid"},
		"full name of two":                    {organization, "Eva Ek", "! team leader \"Eva Ek\" may be several people; expected an e-mail address"},
		"a name that is not there yet":        {organization, "mia", "mia"},
		"nobody":                              {organization, "Mia Berg", "! team leader \"Mia Berg\" is unknown; expected somebody of the organization or of the file"},
		"an address of nobody":                {organization, "mia@x.example", "! team leader \"mia@x.example\" is unknown; expected somebody of the organization or of the file"},
		"a row that failed, under its name":   {organization, "dan@x.example", "dan"},
		"and under its name with a hash":      {organization + "\nTeammate dan {identity: {email: dan@y.example}}", "dan@x.example", "dan-" + "DANHASH"},
		"themselves are no leader":            {organization, "ben@x.example", ""},
		"a row that repeats one that counted": {organization, "fay@x.example", "fay"},
	} {
		t.Run(name, func(t *testing.T) {
			o := columns(t, "E-mail=email", "First=firstName", "Last=lastName", "Leader=leader", "Chats=maxChats")
			file := "E-mail,First,Last,Leader,Chats\nben@x.example,Ben,Aas," + tc.leader + ",\ncid@x.example,Cid,Dahl,,\ndan@x.example,Dan,Eng,,many\n" +
				"fay@x.example,Fay,Fors,,many\nfay@x.example,Fay,Fors,,\n"
			r, err := Import(cells(t, file), NewKnown(builder.Objects(t, tc.given)), o, layer1)
			if err != nil {
				t.Fatal(err)
			}
			got := "! " + r.Rows[0].Message
			if tm := r.Rows[0].Object; tm != nil {
				got = ""
				if tm.Spec.TeamLeaderRef != nil {
					got = tm.Spec.TeamLeaderRef.Name
				}
			}
			if want := strings.Replace(tc.want, "DANHASH", danHash, 1); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// danHash is of dan@x.example: printf dan@x.example | sha256sum | cut -c1-6.
const danHash = "a52e03"

func TestFilesThatCannotBeImported(t *testing.T) {
	for name, tc := range map[string]struct {
		file  string
		order Order
		want  string
	}{
		"a column that is not there": {"E-mail,Name\na@x.example,A\n", columns(t, "Mail=email"), `row 1 has no column "Mail"; it has E-mail, Name`},
		"no headings":                {"a@x.example;A\n", Order{Layout: LayoutAgentConnect}, "row 1 has no column Email Address or Employee ID"},
		"a heading twice":            {"Email;E-Mail Address\n", Order{Layout: LayoutAgentConnect}, "columns Email and E-Mail Address mean the same"},
		"too many rows":              {strings.Repeat("a@x.example\n", sheet.MaxRows+1), agents(), "the file has more than 10000 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Import(cells(t, tc.file), NewKnown(nil), tc.order, layer1)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Import(cells(t, "a@x.example\n"), NewKnown(builder.Objects(t, "Organization default")), Order{Role: "boss"}, layer1); err == nil || !strings.Contains(err.Error(), `account role "boss" is unknown`) {
		t.Errorf("unknown role: %v", err)
	}
	o := agents()
	o.Leader = "Nobody Known"
	if _, err := Import(cells(t, "a@x.example\n"), NewKnown(nil), o, layer1); err == nil || !strings.Contains(err.Error(), "is unknown") {
		t.Errorf("unknown leader: %v", err)
	}
}

func TestColumnsOfAnOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		columns []string
		want    string
	}{
		"no field":          {[]string{"E-mail"}, "expected HEADING=FIELD"},
		"an unknown field":  {[]string{"E-mail=mail"}, `field "mail" is unknown`},
		"a field twice":     {[]string{"A=email", "B=identity.email"}, "mapped twice"},
		"nobody is told":    {[]string{"A=firstName"}, "no column tells who a person is"},
		"a password":        {[]string{"A=email", "B=onboarding.temporaryPasswordSecretRef"}, "is unknown"},
		"equals in heading": {[]string{"a=b=email"}, ""},
		"a label":           {[]string{"A=email", "B=labels.rollcall.example/x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseColumns(tc.columns)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// Columns told by letters work with a heading and without.
func TestColumnsByLetter(t *testing.T) {
	for file, want := range map[string]string{
		"Ana,ana@x.example\nBen,ben@x.example\n":         "1 Created ana\n2 Created ben",
		"Name,E-Mail\nAna,ana@x.example\n":               "2 Created ana",
		"Name,Kontakt\nAna,ana@x.example\n":              "1 Invalid  \"Kontakt\" is no e-mail address\n2 Created ana",
		"B,A\nana@x.example,Ana\n":                       "2 Created ana",
		strings.Repeat(",", 27) + "ana@x.example,,\n":    "1 Invalid  no e-mail address",
		"Ana, ana@x.example\u200b\nBen, ben@x.example\n": "1 Created ana\n2 Created ben",
	} {
		r, err := Import(cells(t, file), NewKnown(nil), columns(t, "A=firstName", "B=email"), layer1)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows(r); got != want && !strings.HasPrefix(file, ",") {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
	for at, name := range map[int]string{0: "A", 25: "Z", 26: "AA", 27: "AB", 51: "AZ", 52: "BA", 255: "IV"} {
		if got := letters(at); got != name || indexOf(name) != at {
			t.Errorf("column %d: got %s, and %d for %s", at, got, indexOf(name), name)
		}
	}
}

// Dates of workbooks are days since an epoch.
func TestDatesOfWorkbooks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		s    sheet.Sheet
		want string
	}{
		"a day":                {"46447", sheet.Sheet{Workbook: true}, "2027-03-01T00:00:00Z"},
		"a time":               {"46447.375", sheet.Sheet{Workbook: true}, "2027-03-01T09:00:00Z"},
		"since 1904":           {"44985", sheet.Sheet{Workbook: true, Since1904: true}, "2027-03-01T00:00:00Z"},
		"no number is a day":   {"46447", sheet.Sheet{}, "error"},
		"a number of no day":   {"99999999", sheet.Sheet{Workbook: true}, "error"},
		"not a number":         {"NaN", sheet.Sheet{Workbook: true}, "error"},
		"text in a workbook":   {"2027-03-01", sheet.Sheet{Workbook: true}, "2027-03-01T00:00:00Z"},
		"a day of another one": {"1.3.2027", sheet.Sheet{Workbook: true}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := (&table{Sheet: &tc.s, zone: time.UTC}).time(tc.text)
			got := at.Format(time.RFC3339)
			if err != nil {
				got = "error"
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// A repeated import changes nothing, whatever the file and whoever was there before; no two people share a name or a key, and
// rows are judged in the order of the file, each once.
func TestRepeatedImportChangesNothing(t *testing.T) {
	locals := []string{"ana", "Ana", "ana.b", "ana-b", "ben", "__", "9", strings.Repeat("x", 64), "a+b", "an a"}
	domains := []string{"x.example", "y.example", "X.Example", "bad", "z.example"}
	rapid.Check(t, func(rt *rapid.T) {
		address := rapid.Custom(func(rt *rapid.T) string {
			return rapid.SampledFrom(locals).Draw(rt, "local") + "@" + rapid.SampledFrom(domains).Draw(rt, "domain")
		})
		var existing []metav1.Object
		for i, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ana", "ben", "ana-b", "zoe"}), 0, 4, rapid.ID[string]).Draw(rt, "existing") {
			tm := builder.Teammate(name)
			tm.Spec.Identity.Email = new(strings.ReplaceAll(address.Draw(rt, fmt.Sprint("of ", i)), " ", ""))
			existing = append(existing, tm)
		}
		if rapid.Bool().Draw(rt, "organization") {
			existing = append(existing, builder.Objects(t, "Organization default {policies: {identity: {allowedEmailDomains: [x.example, y.example]}}}")...)
		}
		var file strings.Builder
		file.WriteString("E-mail;Number\n")
		for range rapid.IntRange(0, 12).Draw(rt, "rows") {
			number := rapid.SampledFrom([]string{"", "", "1", "2", "3"}).Draw(rt, "number")
			fmt.Fprintf(&file, "%s;%s\n", address.Draw(rt, "address"), number)
		}
		order := columns(t, "E-mail=email", "Number=employeeID")
		s := cells(t, file.String())
		first, err := Import(s, NewKnown(existing), order, layer1)
		if err != nil {
			rt.Fatal(err)
		}
		after := slices.Clone(existing)
		names := map[string]bool{}
		for _, o := range existing {
			names[o.GetName()] = true
		}
		for i, r := range first.Rows {
			if i > 0 && r.Number <= first.Rows[i-1].Number {
				rt.Fatalf("row %d after row %d", r.Number, first.Rows[i-1].Number)
			}
			if (r.Object != nil) != (r.Result == ResultCreated) {
				rt.Fatalf("row %d: %s with object %v", r.Number, r.Result, r.Object)
			}
			if r.Object == nil {
				continue
			}
			if names[r.Teammate] || r.Teammate != r.Object.Name {
				rt.Fatalf("row %d: name %s is taken, or not that of %s", r.Number, r.Teammate, r.Object.Name)
			}
			names[r.Teammate] = true
			after = append(after, r.Object)
		}
		second, err := Import(s, NewKnown(after), order, layer1)
		if err != nil {
			rt.Fatal(err)
		}
		for i, r := range second.Rows {
			was := first.Rows[i]
			there := r.Result == ResultExists || r.Result == ResultDuplicate
			// A row that failed may be about somebody whom a later, better row brought in.
			same := r.Result == was.Result && r.Result.Failed()
			if r.Object != nil || !there && !same || there && !was.Result.Failed() && r.Teammate != was.Teammate {
				rt.Fatalf("row %d was %s %s, and is %s %s (%s)\n%s", r.Number, was.Result, was.Teammate, r.Result, r.Teammate, r.Message, file.String())
			}
		}
	})
}

// S-134: who exists is found by e-mail under whatever name; a name that somebody else has gets a hash.
func TestScenarioNames(t *testing.T) {
	s := cells(t, "ana@x.example\nana@y.example\n")
	first, err := Import(s, NewKnown(nil), agents(), layer1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(first), "1 Created ana\n2 Created ana-"+hash("ana@y.example"); got != want {
		t.Errorf("S-134: imported: got %q, want %q", got, want)
	}
	again, err := Import(s, NewKnown([]metav1.Object{first.Rows[0].Object, first.Rows[1].Object}), agents(), layer1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(again), "1 Exists ana\n2 Exists ana-"+hash("ana@y.example"); got != want {
		t.Errorf("S-134: again: got %q, want %q", got, want)
	}
	other, err := Import(s, NewKnown(builder.Objects(t, "Teammate somebody {identity: {email: ANA@X.example}}\nTeammate elsewhere {identity: {email: ana@y.example}}")), agents(), layer1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(other), "1 Exists somebody\n2 Exists elsewhere"; got != want {
		t.Errorf("S-134: under other names: got %q, want %q", got, want)
	}
}
