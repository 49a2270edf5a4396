package command

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const (
	importDesk  = "../testdata/import/desk"
	importFiles = "../testdata/import/files/"
)

// workbook writes rows into an .xlsx file.
func workbook(t testing.TB, path string, rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeFile(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importRows reads the rows of an answer in JSON: number, result, teammate.
func importRows(t *testing.T, a answer) string {
	t.Helper()
	var got importAnswer
	if err := json.Unmarshal([]byte(a.out), &got); err != nil {
		t.Fatalf("%v: %s%s", err, a.out, a.err)
	}
	var out []string
	for _, r := range got.Rows {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Number, r.Result, r.Teammate)))
	}
	return strings.Join(out, ", ")
}

// TestImportGolden compares what imports print, and what they leave in the folder, with golden files.
func TestImportGolden(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		into bool // the folder of the organization
	}{
		"stdout":        {[]string{importFiles + "people.csv", "--role", "agent", "-f", importDesk}, false},
		"stdout-json":   {[]string{importFiles + "people.csv", "--role", "agent", "-f", importDesk, "-o", "json"}, false},
		"nobody-known":  {[]string{importFiles + "people.csv", "--role", "agent", "-n", "care"}, false},
		"folder":        {[]string{importFiles + "people.csv", "--role", "agent", "--method", "invite", "--confirmed", "--group", "Service Desk", "--label", "batch=spring", "--skill", "fr=4,chat", "--leader", "eva@x.example", "--until", "2027-09-01"}, true},
		"folder-yaml":   {[]string{importFiles + "people.csv", "--role", "agent", "-o", "yaml"}, true},
		"agent-connect": {[]string{importFiles + "form.tsv", "--layout", "agent-connect"}, true},
		"columns": {[]string{importFiles + "people-columns.csv", "--role", "agent", "--map", "Kontakt=email", "--map", "Vorname=firstName",
			"--map", "Nachname=lastName", "--map", "Team=labels.team", "--map", "Stunden=employment.status", "--map", "Ab=from"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"import"}, tc.args...)
			var dir string
			if tc.into {
				dir = desk(t, importDesk)
				args = append(args, "-d", dir)
			}
			got := run(t, "", args...)
			text := fmt.Sprintf("$ kubectl rollcall %s\n%s", strings.Join(args, " "), got.out)
			if got.err != "" {
				text += "--- stderr\n" + got.err
			}
			text += fmt.Sprintf("--- exit %d\n", got.code)
			if tc.into {
				before := contents(t, importDesk)
				for name, content := range contents(t, dir) {
					if was, there := before[name]; there && was != content {
						t.Errorf("%s has changed", name)
					}
				}
				for _, path := range manifests(t, dir) {
					if _, there := before[path]; !there {
						text += "--- " + path + "\n" + contents(t, dir)[path]
					}
				}
				text = strings.ReplaceAll(text, dir, "people")
			}
			compareGolden(t, "import-"+name, text)
		})
	}
}

// manifests are the files of a folder, sorted.
func manifests(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// S-47 and V-05: a file with one e-mail in each row, in every format.
func TestScenarioImport(t *testing.T) {
	addresses := []string{"ana@x.example", "Ben.Kay@x.example", "nobody at x.example", "cid@x.example", "ANA@x.example"}
	column := strings.Join(addresses, "\n") + "\n"
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + strings.ReplaceAll(column, "\n", "\r\n"))) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	var cells [][]any
	for _, a := range addresses {
		cells = append(cells, []any{a})
	}
	files := t.TempDir()
	for _, path := range []string{
		writeFile(t, filepath.Join(files, "people.csv"), []byte(column)),
		writeFile(t, filepath.Join(files, "people.tsv"), []byte("\ufeff"+strings.ReplaceAll(column, "\n", "\t\n"))),
		writeFile(t, filepath.Join(files, "semicolons.csv"), []byte(strings.ReplaceAll(column, "\n", ";;\r\n"))),
		writeFile(t, filepath.Join(files, "utf16.csv"), wide),
		workbook(t, filepath.Join(files, "people.xlsx"), cells...),
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir := desk(t, importDesk)
			args := []string{"import", path, "--role", "agent", "-d", dir, "-o", "json"}
			got := run(t, "", args...)
			if rows, want := importRows(t, got), "1 Created ana, 2 Created ben-kay, 3 Invalid, 4 Created cid, 5 Duplicate ana"; rows != want {
				t.Errorf("S-47: rows: got %s, want %s", rows, want)
			}
			if got.code != exitNo {
				t.Errorf("S-47: exit code %d, want %d", got.code, exitNo)
			}
			for _, name := range []string{"ana", "ben-kay", "cid"} {
				access := run(t, "", "access", name, "-f", dir, "--assume=none", "-o", "json")
				if !strings.Contains(access.out, `"phase": "Invited"`) {
					t.Errorf("S-47: %s is not Invited: %s%s", name, access.out, access.err)
				}
				data, err := os.ReadFile(filepath.Join(dir, "teammate-"+name+".yaml"))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(data), "method: Import") || !strings.Contains(string(data), "name: agent") {
					t.Errorf("S-47: %s", data)
				}
			}
			before := contents(t, dir)
			again := run(t, "", args...)
			if rows, want := importRows(t, again), "1 Exists ana, 2 Exists ben-kay, 3 Invalid, 4 Exists cid, 5 Duplicate ana"; rows != want {
				t.Errorf("S-47: again: got %s, want %s", rows, want)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("S-47: the second import changed something:\n%s", diff)
			}
		})
	}
}

// V-05 names .xls as well: a workbook of another program, with dates, numbers and truth values in its cells.
func TestImportOldWorkbook(t *testing.T) {
	dir := desk(t, importDesk)
	got := run(t, "", "import", "../../../internal/sheet/testdata/xlwt.xls", "--role", "agent", "-d", dir, "--map", "E-mail=email", "--map", "First=firstName",
		"--map", "Employee=employeeID", "--map", "Start=employment.startDate", "--map", "Manages=canManageTeams", "--map", "Bio=card.bio")
	for _, want := range []string{"Created  ana", `column Start: "0.25" is not understood`, "spec.card.bio", "2 rows: 1 Created, 1 Invalid"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("got %swant %q", got.out, want)
		}
	}
	if want := "note: sheet \"People\" is read; other sheets that are not: 1\n"; got.err != want || got.code != exitNo {
		t.Errorf("exit %d: got %q, want %q", got.code, got.err, want)
	}
	data, err := os.ReadFile(filepath.Join(dir, "teammate-ana.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"employeeID: \"1001\"", "startDate: \"2027-03-01\"", "canManageTeams: true", "bio: Née à Québec, 日本語"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("got %swant %q", data, want)
		}
	}
}

// S-134 through the command: nothing but Exists and Duplicate is no failure.
func TestScenarioImportAgain(t *testing.T) {
	dir := desk(t, importDesk)
	file := writeFile(t, filepath.Join(t.TempDir(), "people.csv"), []byte("ana@x.example\nana@y.example\nana@x.example\n"))
	first := run(t, "", "import", file, "--role", "agent", "-d", dir, "-o", "json")
	if rows, want := importRows(t, first), "1 Created ana, 2 Created ana-684c9c, 3 Duplicate ana"; rows != want || first.code != 0 {
		t.Errorf("S-134: got %s, exit %d, want %s, exit 0", rows, first.code, want)
	}
	for _, args := range [][]string{{"-d", dir}, {"-f", dir}, {"-f", dir, "-d", dir}, {"-f", dir, "-d", t.TempDir()}} {
		again := run(t, "", append([]string{"import", file, "--role", "agent", "-o", "json"}, args...)...)
		if rows, want := importRows(t, again), "1 Exists ana, 2 Exists ana-684c9c, 3 Duplicate ana"; rows != want || again.code != 0 {
			t.Errorf("S-134: again with %v: got %s, exit %d, want %s, exit 0 (%s)", args, rows, again.code, want, again.err)
		}
	}
	old := filepath.Join(dir, "teammate-ana.yaml")
	data, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, old, bytes.Replace(data, []byte("name: ana\n"), []byte("name: somebody\n"), 1))
	renamed := run(t, "", "import", file, "--role", "agent", "-d", dir, "-o", "json")
	if rows, want := importRows(t, renamed), "1 Exists somebody, 2 Exists ana-684c9c, 3 Duplicate somebody"; rows != want || renamed.code != 0 {
		t.Errorf("S-134: under another name: got %s, exit %d, want %s", rows, renamed.code, want)
	}
}

// S-135, its last part: who is imported as confirmed is Active at once.
func TestScenarioImportConfirmed(t *testing.T) {
	for flag, want := range map[string]string{"--confirmed": `"phase": "Active"`, "--confirmed=false": `"phase": "Invited"`} {
		dir := desk(t, importDesk)
		file := writeFile(t, filepath.Join(t.TempDir(), "people.csv"), []byte("ana@x.example\n"))
		if got := run(t, "", "import", file, "--role", "agent", flag, "-d", dir); got.code != 0 {
			t.Fatal(got.err)
		}
		if got := run(t, "", "access", "ana", "-f", dir, "--assume=none", "-o", "json"); !strings.Contains(got.out, want) {
			t.Errorf("S-135: %s: got %s%s, want %s", flag, got.out, got.err, want)
		}
	}
}

// What an import writes to stdout is an organization that validates together with the one it joins.
func TestImportToStdout(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "people.csv"), []byte("ana@x.example\nben@x.example\n"))
	got := run(t, "", "import", file, "--role", "agent", "-f", importDesk)
	if got.code != 0 {
		t.Fatal(got.err)
	}
	checked := run(t, got.out, "validate", "-f", importDesk, "-f", "-")
	if checked.code != 0 {
		t.Errorf("validate: %s%s", checked.out, checked.err)
	}
	fromStdin := run(t, "ana@x.example\nben@x.example\n", "import", "-", "--role", "agent", "-f", importDesk)
	if fromStdin.out != got.out {
		t.Errorf("from stdin: %s, from a file: %s", fromStdin.out, got.out)
	}
}

func TestImportExitCodes(t *testing.T) {
	files := t.TempDir()
	good := writeFile(t, filepath.Join(files, "good.csv"), []byte("ana@x.example\n"))
	named := func(name, content string) string { return writeFile(t, filepath.Join(files, name), []byte(content)) }
	occupied := desk(t, importDesk)
	writeFile(t, filepath.Join(occupied, "teammate-ana.yaml"), []byte("# taken\n"))
	broken := t.TempDir()
	writeFile(t, filepath.Join(broken, "broken.yaml"), []byte("kind: [\n"))
	for name, tc := range map[string]struct {
		args      []string
		wantCode  int
		wantError string
	}{
		"good":                     {[]string{good, "--role", "agent", "-f", importDesk}, 0, "1 row: 1 Created"},
		"failed rows":              {[]string{named("bad.csv", "ana\n"), "--role", "agent", "-f", importDesk}, 1, `row 1: ana: Invalid: "ana" is no e-mail address`},
		"a domain":                 {[]string{named("domain.csv", "ana@z.example\n"), "--role", "agent", "-f", importDesk}, 1, "row 1: ana@z.example: DomainNotAllowed"},
		"no role":                  {[]string{good}, 64, "expected --role"},
		"an unknown role":          {[]string{good, "--role", "boss", "-f", importDesk}, 65, `account role "boss" is unknown`},
		"an unknown layout":        {[]string{good, "--role", "agent", "--layout", "form"}, 64, "expected emails, agent-connect or columns"},
		"columns without map":      {[]string{good, "--role", "agent", "--layout", "columns"}, 64, "expected both or none"},
		"map without columns":      {[]string{good, "--role", "agent", "--layout", "emails", "--map", "A=email"}, 64, "expected both or none"},
		"an unknown field":         {[]string{good, "--role", "agent", "--map", "A=shoe"}, 64, `field "shoe" is unknown`},
		"an unknown method":        {[]string{good, "--role", "agent", "--method", "Directory"}, 64, "expected Import, Invite or Create"},
		"a label without value":    {[]string{good, "--role", "agent", "--label", "x"}, 64, "expected KEY=VALUE"},
		"a skill without level":    {[]string{good, "--role", "agent", "--skill", "fr=high"}, 64, "expected NAME=LEVEL"},
		"an unreadable time":       {[]string{good, "--role", "agent", "--until", "soon", "-f", importDesk}, 64, `time "soon"`},
		"an unknown leader":        {[]string{good, "--role", "agent", "--leader", "Mia Berg", "-f", importDesk}, 65, "expected somebody of the organization or of the file"},
		"no file":                  {[]string{filepath.Join(files, "absent.csv"), "--role", "agent"}, 65, "absent.csv: no such file"},
		"no files":                 {nil, 64, "expected kubectl rollcall import FILE"},
		"another format":           {[]string{named("x.pdf", "%PDF-1.7\x00"), "--role", "agent"}, 65, "FormatNotSupported: neither a workbook nor text; expected an .xlsx, .xls, .csv or .tsv file"},
		"a page under .xls":        {[]string{named("x.xls", "<html><table>"), "--role", "agent"}, 65, "FormatNotSupported: HTML or XML"},
		"too long a file":          {[]string{named("long.csv", strings.Repeat("\n", 5<<20)+"a"), "--role", "agent"}, 65, "more than 5 MiB"},
		"too many rows":            {[]string{named("rows.csv", strings.Repeat("a@x.example\n", 10001)), "--role", "agent"}, 65, "more than 10000 rows"},
		"a column that is missing": {[]string{good, "--role", "agent", "--map", "Mail=email"}, 65, `row 1 has no column "Mail"; it has ana@x.example`},
		"a file in the way":        {[]string{good, "--role", "agent", "-d", occupied}, 65, "teammate-ana.yaml: exists already"},
		"a broken folder":          {[]string{good, "--role", "agent", "-d", broken}, 65, "broken.yaml"},
		"a cluster that is named":  {[]string{good, "--role", "agent", "--context", "elsewhere"}, 69, "expected a cluster, or files"},
		"an unknown output":        {[]string{good, "--role", "agent", "-o", "xml"}, 64, "expected table, json or yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", append([]string{"import"}, tc.args...)...)
			if got.code != tc.wantCode || !strings.Contains(got.err, tc.wantError) {
				t.Errorf("exit code %d with %q, want %d with %q", got.code, got.err, tc.wantCode, tc.wantError)
			}
			if tc.wantCode >= exitUsage && (got.out != "" || !regexp.MustCompile(`^(note: .*\n)*error: .*\n$`).MatchString(got.err)) {
				t.Errorf("printed %q and %q, want one error", got.out, got.err)
			}
		})
	}
}

// A folder that does not exist yet is made, and a kustomization in it is spoken of.
func TestImportFolders(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "people.csv"), []byte("ana@x.example\n"))
	fresh := filepath.Join(t.TempDir(), "new", "people")
	if got := run(t, "", "import", file, "--role", "agent", "-d", fresh); got.code != 0 {
		t.Fatal(got.err)
	}
	if diff := cmp.Diff([]string{"teammate-ana.yaml"}, manifests(t, fresh)); diff != "" {
		t.Error(diff)
	}
	built := desk(t, importDesk)
	writeFile(t, filepath.Join(built, "kustomization.yaml"), []byte("resources: [organization.yaml, people.yaml]\n"))
	got := run(t, "", "import", file, "--role", "agent", "-k", built, "-d", built)
	if got.code != 0 || !strings.Contains(got.err, "expected the new files in its resources") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// A long import takes all rows of a file, says how far it is, and is repeated without a change.
func TestLongImport(t *testing.T) {
	var file strings.Builder
	file.WriteString("E-mail,First,Group\n")
	for i := range 3000 {
		fmt.Fprintf(&file, "agent.%d@x.example,Agent,%d\n", i, i%7)
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "people.csv"), []byte(file.String()))
	dir := desk(t, importDesk)
	args := []string{"import", path, "--role", "agent", "--map", "E-mail=email", "--map", "First=firstName", "--map", "Group=labels.shift", "-d", dir, "-o", "json"}
	got := run(t, "", args...)
	if got.code != 0 || strings.Count(got.out, `"Created"`) != 3000 {
		t.Fatalf("exit %d, %d created: %s", got.code, strings.Count(got.out, `"Created"`), got.err)
	}
	if want := "2500 of 3000 rows checked\n"; got.err != want {
		t.Errorf("progress: got %q, want %q", got.err, want)
	}
	sources, err := manifest.Paths([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, errs := manifest.Parse(sources, "kestrel")
	if len(errs) > 0 || len(set.Objects) != 3003 {
		t.Errorf("%d objects in the folder, errors %v", len(set.Objects), errs)
	}
	again := run(t, "", args...)
	if again.code != 0 || strings.Count(again.out, `"Exists"`) != 3000 {
		t.Errorf("again: exit %d, %d exist", again.code, strings.Count(again.out, `"Exists"`))
	}
	for _, o := range set.Objects {
		if o.Kind == roster.KindTeammate && o.GetNamespace() != "kestrel" {
			t.Fatalf("%s is in namespace %s", o, o.GetNamespace())
		}
	}
}
