// Package sheet reads the rows of spreadsheet files: workbooks (.xlsx, .xls) and text with a delimiter (.csv, .tsv, UTF-8 or
// UTF-16, whatever the delimiter). It goes by the content of a file, not by its name, computes no formula, and reads hostile
// files within bounds.
package sheet

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds of a file (API.md section 7).
const (
	// MaxBytes is the size of a file.
	MaxBytes = 5 << 20
	// MaxRows is the number of rows with something in them, a heading not counted.
	MaxRows = 10_000
	// maxColumns is where rows are cut; no layout has as many.
	maxColumns = 256
	// maxUnpacked bounds what a packed workbook unfolds to.
	maxUnpacked = 64 << 20
)

// Row is one row with something in it.
type Row struct {
	// Number counts all rows of the file from 1, empty ones included.
	Number int
	// Cells are the values without white space around them, as they are stored: dates of workbooks are numbers of days. Empty
	// cells at the end are left out.
	Cells []string
	// Problem says why the row cannot be read; Cells may then be incomplete.
	Problem string
}

// Sheet is the content of a file: the first visible sheet of a workbook.
type Sheet struct {
	// Name is the sheet's, empty for text.
	Name string
	// Unread is the number of other visible sheets.
	Unread int
	Rows   []Row
	// Workbook is set where dates are numbers; Since1904 where these count from 1904 on.
	Workbook, Since1904 bool
}

// Unsupported is the error for files in a format that cannot be read.
type Unsupported struct {
	// Why says what the file is; Remedy what to give instead.
	Why, Remedy string
}

// Error begins with FormatNotSupported (API.md section 7).
func (u *Unsupported) Error() string {
	return fmt.Sprintf("FormatNotSupported: %s; expected %s", u.Why, u.Remedy)
}

const remedy = "an .xlsx, .xls, .csv or .tsv file"

func unsupported(format string, args ...any) error {
	return &Unsupported{fmt.Sprintf(format, args...), remedy}
}

// Read returns the rows of a file. Errors are about the file as a whole: *Unsupported, or one of its bounds.
func Read(data []byte) (*Sheet, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the file has more than %d MiB; expected less, or several files", MaxBytes>>20)
	}
	var s *Sheet
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		s, err = readXLSX(data)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		s, err = readXLS(data)
	default:
		s, err = readText(data)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// add appends a row unless it is empty. One row more than the bound is kept, because one may be a heading.
func (s *Sheet) add(number int, cells []string, problem string) error {
	cells = cells[:min(len(cells), maxColumns)]
	kept := make([]string, len(cells))
	last := 0
	for i, c := range cells {
		if kept[i] = trim(c); kept[i] != "" {
			last = i + 1
		}
	}
	if last == 0 && problem == "" {
		return nil
	}
	if len(s.Rows) > MaxRows {
		return TooMany()
	}
	s.Rows = append(s.Rows, Row{Number: number, Cells: kept[:last], Problem: problem})
	return nil
}

// TooMany is the error for files with more rows than MaxRows.
func TooMany() error {
	return fmt.Errorf("the file has more than %d rows; expected less, or several files", MaxRows)
}

// trim takes white space off, also the invisible kind that copying from web pages leaves behind.
func trim(cell string) string {
	return strings.Trim(strings.TrimSpace(strings.Trim(cell, invisible)), invisible+" \t\r\n")
}

const invisible = "\u200b\u200c\u200d\u2060\ufeff"
