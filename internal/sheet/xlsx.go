package sheet

import (
	"bytes"

	"github.com/xuri/excelize/v2"
)

// readXLSX reads the first visible sheet of a workbook. A formula counts as the value that is stored with it.
func readXLSX(data []byte) (_ *Sheet, err error) {
	defer func() {
		// The library is young in places; whatever a broken file makes of it, it is the file that cannot be read.
		if r := recover(); r != nil {
			err = unsupported("a damaged workbook")
		}
	}()
	// One limit for both: else large sheets are unpacked into temporary files.
	options := excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked, RawCellValue: true}
	f, err := excelize.OpenReader(bytes.NewReader(data), options)
	if err != nil {
		return nil, unsupported("no workbook that can be read (%s)", err)
	}
	s := &Sheet{Workbook: true}
	if props, err := f.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		s.Since1904 = *props.Date1904
	}
	for _, name := range f.GetSheetList() {
		switch visible, err := f.GetSheetVisible(name); {
		case err != nil || !visible:
		case s.Name == "":
			s.Name = name
		default:
			s.Unread++
		}
	}
	if s.Name == "" {
		return nil, unsupported("a packed file without a sheet")
	}
	rows, err := f.Rows(s.Name)
	if err != nil {
		return nil, unsupported("no workbook that can be read (%s)", err)
	}
	for number := 1; rows.Next(); number++ {
		cells, err := rows.Columns(options)
		if err != nil {
			return nil, unsupported("a damaged workbook (row %d: %s)", number, err)
		}
		if err := s.add(number, cells, ""); err != nil {
			return nil, err
		}
	}
	if err := rows.Error(); err != nil {
		return nil, unsupported("a damaged workbook (%s)", err)
	}
	return s, nil
}
