package sheet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// lines writes rows as number: cells, with their problems.
func lines(s *Sheet) string {
	var out []string
	for _, r := range s.Rows {
		line := fmt.Sprintf("%d: %s", r.Number, strings.Join(r.Cells, "|"))
		if r.Problem != "" {
			line += " <" + r.Problem + ">"
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// appender is what binary.LittleEndian and BigEndian are.
type appender interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func TestText(t *testing.T) {
	wide := func(order appender, mark bool, text string) string {
		units := utf16.Encode([]rune(text))
		var b []byte
		if mark {
			b = order.AppendUint16(b, 0xFEFF)
		}
		for _, u := range units {
			b = order.AppendUint16(b, u)
		}
		return string(b)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"one column":                   {"ana@x\nben@x\n", "1: ana@x\n2: ben@x"},
		"no line end at the end":       {"ana@x\nben@x", "1: ana@x\n2: ben@x"},
		"empty rows count":             {"\n\nana@x\n\nben@x\n", "3: ana@x\n5: ben@x"},
		"rows of nothing count":        {"ana@x,\n , ,\nben@x,\n", "1: ana@x\n3: ben@x"},
		"CRLF":                         {"a,b\r\n\r\nc,d\r\n", "1: a|b\n3: c|d"},
		"old line ends":                {"a,b\rc,d\r", "1: a|b\n2: c|d"},
		"commas":                       {"a,b,c\n", "1: a|b|c"},
		"semicolons":                   {"a;b;c,d\n", "1: a|b|c,d"},
		"tabs":                         {"a\tb\t\td\n", "1: a|b||d"},
		"told delimiter":               {"sep=;\na,b;c\n", "2: a,b|c"},
		"quoted heading":               {"\"a,b\";c\n", "1: a,b|c"},
		"a row with a line break":      {"a,\"b\nb\"\nc,d\n", "1: a|b\nb\n2: c|d"},
		"empty rows after it":          {"\"b\n\nb\"\n\nd\n", "1: b\n\nb\n3: d"},
		"white space":                  {"  a ,\u00a0b\u200b,\ufeffc\n", "1: a|b|c"},
		"UTF-8 with a mark":            {"\ufeffa,é\n", "1: a|é"},
		"UTF-16":                       {wide(binary.LittleEndian, true, "a;é\nb;c\n"), "1: a|é\n2: b|c"},
		"UTF-16, big end first":        {wide(binary.BigEndian, true, "a;é\n"), "1: a|é"},
		"UTF-16 without a mark":        {wide(binary.LittleEndian, false, "ana@x\n"), "1: ana@x"},
		"UTF-16 big without a mark":    {wide(binary.BigEndian, false, "ana@x\n"), "1: ana@x"},
		"another encoding fails a row": {"a,b\nJos\xe9,c\nd,e\n", "1: a|b\n2: Jos\xe9|c <not in UTF-8; expected a file saved as CSV UTF-8>\n3: d|e"},
		"a forgotten quote at the end": {"a,b\n\"c,d\ne,f\ng,h\n", "1: a|b\n2:  <quotes do not match>\n3: e|f\n4: g|h"},
		"a stray quote":                {"a,b\n\n\"c\"x,d\ne,f\n", "1: a|b\n3:  <quotes do not match>\n4: e|f"},
		"quotes inside":                {"a,say \"hi\"\nb,\"say \"\"hi\"\"\"\n", "1:  <quotes do not match>\n2: b|say \"hi\""},
		"nothing":                      {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			got := lines(s)
			// What a broken row holds is not part of the deal.
			for i, r := range s.Rows {
				if r.Problem == "quotes do not match" {
					got = strings.Replace(got, fmt.Sprintf("%d: %s <", r.Number, strings.Join(r.Cells, "|")), fmt.Sprintf("%d:  <", r.Number), 1)
				}
				if i > 0 && r.Number <= s.Rows[i-1].Number {
					t.Errorf("row %d follows row %d", r.Number, s.Rows[i-1].Number)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// book makes an .xlsx file.
func book(t testing.TB, fill func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// must fails on the errors of a library call that has no other result.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestXLSX(t *testing.T) {
	data := book(t, func(f *excelize.File) {
		date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		must(t, err,
			f.SetSheetRow("Sheet1", "A1", &[]any{"E-mail", "Number", "Date", "Yes", "Formula"}),
			f.SetSheetRow("Sheet1", "A3", &[]any{" ana@x ", 1001, 46447, true}),
			f.SetCellStyle("Sheet1", "C3", "C3", date),
			f.SetCellFormula("Sheet1", "E3", `CONCATENATE("ben","@x")`),
			f.SetCellRichText("Sheet1", "A5", []excelize.RichTextRun{{Text: "cid"}, {Text: "@x", Font: &excelize.Font{Bold: true}}}),
		)
		_, err = f.NewSheet("Hidden")
		must(t, err, f.SetSheetVisible("Hidden", false))
		_, err = f.NewSheet("More")
		must(t, err)
	})
	s, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	// The formula has no stored value, and none is computed.
	if diff := cmp.Diff("1: E-mail|Number|Date|Yes|Formula\n3: ana@x|1001|46447|1\n5: cid@x", lines(s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s.Name != "Sheet1" || s.Unread != 1 || !s.Workbook || s.Since1904 {
		t.Errorf("got sheet %q, %d unread, workbook %v, since 1904 %v", s.Name, s.Unread, s.Workbook, s.Since1904)
	}
}

func TestXLSXHiddenFirstSheet(t *testing.T) {
	data := book(t, func(f *excelize.File) {
		_, err := f.NewSheet("People")
		f.SetActiveSheet(1)
		must(t, err, f.SetCellStr("Sheet1", "A1", "secret"), f.SetCellStr("People", "A1", "ana@x"), f.SetSheetVisible("Sheet1", false),
			f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: new(true)}))
	})
	s, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(s); got != "1: ana@x" || s.Name != "People" || s.Unread != 0 || !s.Since1904 {
		t.Errorf("got %q of %q, %d unread, since 1904 %v", got, s.Name, s.Unread, s.Since1904)
	}
}

// The .xls files were written by two programs that share no code: see testdata/README.md.
func TestXLS(t *testing.T) {
	for name, want := range map[string]string{
		"xlwt.xls":    "1: E-mail|First|Employee|Start|Manages|Bio\n2: ana@x.example|Ana|1001|46447|1|Née à Québec, 日本語\n4: ben@x.example||2.5|0.25|0|" + strings.Repeat("long ", 1600) + "end",
		"sheetjs.xls": "1: E-mail|First|Employee\n2: ana@x.example|Ana|1001\n4: ben@x.example|Žofie|2.5",
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			s, err := Read(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, lines(s)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if s.Name != "People" || s.Unread != 1 || !s.Workbook {
				t.Errorf("got sheet %q, %d unread", s.Name, s.Unread)
			}
		})
	}
}
