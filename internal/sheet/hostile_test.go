package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// packed makes a zip file.
func packed(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(content))
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// sheetXML is a workbook whose only sheet has this content.
func sheetXML(t testing.TB, content string) []byte {
	t.Helper()
	head := `<?xml version="1.0" encoding="UTF-8"?>`
	return packed(t, map[string]string{
		"[Content_Types].xml":        head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
		"_rels/.rels":                head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            head + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   head + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + content + `</sheetData></worksheet>`,
	})
}

func TestFormatNotSupported(t *testing.T) {
	protected := book(t, func(f *excelize.File) {
		must(t, f.SetCellStr("Sheet1", "A1", "ana@x"))
	})
	f, err := excelize.OpenReader(bytes.NewReader(protected))
	must(t, err)
	var encrypted bytes.Buffer
	must(t, f.Write(&encrypted, excelize.Options{Password: "secret"}))
	xls := file(t, "xlwt.xls")

	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"another format":        {[]byte("%PDF-1.7\n\x00\x01\x02"), "neither a workbook nor text"},
		"zeros":                 {make([]byte, 1000), "neither a workbook nor text"},
		"HTML under .xls":       {[]byte("\ufeff\n<html><table><tr><td>ana@x"), "HTML or XML"},
		"a packed file":         {packed(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}), "no workbook that can be read"},
		"half a packed file":    {protected[:len(protected)/2], "no workbook that can be read"},
		"Excel 95":              {file(t, "excel95.xls"), "Excel 95"},
		"a password":            {encrypted.Bytes(), "a password"},
		"half an .xls":          {xls[:len(xls)/2], "damaged"},
		"the head of an .xls":   {xls[:512], ""},
		"a packed bomb":         {sheetXML(t, strings.Repeat(" ", maxUnpacked)), "no workbook that can be read"},
		"quotes everywhere":     {[]byte("a\n" + strings.Repeat("\"b\"c\n", maxStray+1)), "quotes do not match in more than"},
		"a row beyond all rows": {sheetXML(t, `<row r="99999999"><c r="A99999999" t="str"><v>a</v></c></row>`), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(tc.data)
			if _, ok := errors.AsType[*Unsupported](err); !ok || !strings.HasPrefix(err.Error(), "FormatNotSupported: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want FormatNotSupported: %s", err, tc.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	var wide, long strings.Builder
	for i := 1; i <= 2000; i++ {
		fmt.Fprintf(&wide, `<row r="%d"><c r="XFD%d" t="str"><v>a</v></c></row>`, i, i)
	}
	for i := 1; i <= MaxRows+2; i++ {
		fmt.Fprintf(&long, `<row r="%d"><c r="A%d" t="str"><v>a</v></c></row>`, i, i)
	}
	for name, tc := range map[string]struct {
		data     []byte
		wantRows int
		want     string
	}{
		"as many bytes as may be":           {[]byte("a" + strings.Repeat("\n", MaxBytes-1)), 1, ""},
		"a byte more":                       {[]byte("a" + strings.Repeat("\n", MaxBytes)), 0, "more than 5 MiB"},
		"as many rows as may be":            {[]byte("heading\n" + strings.Repeat("a\n", MaxRows)), MaxRows + 1, ""},
		"two rows more":                     {[]byte("heading\n" + strings.Repeat("a\n", MaxRows+1)), 0, "more than 10000 rows"},
		"rows of a workbook":                {sheetXML(t, long.String()), 0, "more than 10000 rows"},
		"columns beyond those that matter":  {sheetXML(t, wide.String()), 0, ""},
		"a row at the end of the workbook":  {sheetXML(t, `<row r="1048576"><c r="A1048576" t="str"><v>a</v></c></row>`), 1, ""},
		"rows and cells without references": {sheetXML(t, `<row><c t="str"><v>a</v></c></row><row><c t="inlineStr"><is><t>b</t></is></c></row>`), 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(tc.data)
			switch {
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want == "" && len(s.Rows) != tc.wantRows:
				t.Errorf("got %d rows, want %d", len(s.Rows), tc.wantRows)
			}
		})
	}
}

// Whatever is in a file, reading it ends, and rows are numbered upwards.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"xlwt.xls", "sheetjs.xls", "excel95.xls"} {
		f.Add(file(f, name))
	}
	f.Add(book(f, func(x *excelize.File) { must(f, x.SetCellStr("Sheet1", "B2", "ana@x")) }))
	f.Add([]byte("a;b\n\"c\nd\";e\n\xff\n"))
	f.Add([]byte("\xff\xfea\x00;\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(data)
		if err != nil {
			return
		}
		last := 0
		for _, r := range s.Rows {
			if r.Number <= last || len(r.Cells) > maxColumns || len(r.Cells) == 0 && r.Problem == "" {
				t.Fatalf("row %d after %d with %d cells", r.Number, last, len(r.Cells))
			}
			last = r.Number
		}
	})
}

// Damaged workbooks of the old format are refused, or read as far as they make sense; none takes more than its size suggests.
func TestDamagedXLS(t *testing.T) {
	for _, name := range []string{"xlwt.xls", "sheetjs.xls"} {
		whole := file(t, name)
		random := rand.New(rand.NewPCG(1, 2))
		for range 1000 {
			data := bytes.Clone(whole)
			for range 1 + random.IntN(8) {
				// Heads of files, directories and records are where damage tells.
				at := random.IntN(min(len(data), 2048))
				if random.IntN(2) == 0 {
					at = random.IntN(len(data))
				}
				data[at] = byte(random.IntN(256))
			}
			if random.IntN(10) == 0 {
				data = data[:random.IntN(len(data))]
			}
			if _, err := Read(data); err != nil && len(err.Error()) > 300 {
				t.Fatalf("%s: %s", name, err)
			}
		}
	}
}
