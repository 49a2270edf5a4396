package sheet

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Records of a workbook stream in BIFF8, the format of .xls since 1997 ([MS-XLS] 2.3). Those that hold no value are skipped.
const (
	recordFormula    = 0x0006
	recordEOF        = 0x000A
	recordDate1904   = 0x0022
	recordFilePass   = 0x002F
	recordContinue   = 0x003C
	recordBoundSheet = 0x0085
	recordMulRk      = 0x00BD
	recordRString    = 0x00D6
	recordSST        = 0x00FC
	recordLabelSST   = 0x00FD
	recordNumber     = 0x0203
	recordLabel      = 0x0204
	recordBoolErr    = 0x0205
	recordString     = 0x0207
	recordRk         = 0x027E
	recordBOF        = 0x0809
)

const biff8 = 0x0600

var errDamaged = unsupported("a damaged .xls workbook")

// readXLS reads the first visible sheet of a workbook in BIFF8. A formula counts as the value that is stored with it.
func readXLS(data []byte) (_ *Sheet, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errDamaged
		}
	}()
	stream, err := workbookStream(data)
	if err != nil {
		return nil, err
	}
	b := &biff{stream: stream, sheet: &Sheet{Workbook: true}}
	start, err := b.globals()
	if err != nil {
		return nil, err
	}
	if err := b.cellsFrom(start); err != nil {
		return nil, err
	}
	return b.sheet, b.rows()
}

// workbookStream finds the workbook in the container, which other programs use too.
func workbookStream(data []byte) ([]byte, error) {
	c, err := openContainer(data)
	if err != nil {
		return nil, err
	}
	streams := c.streams()
	has := func(name string) bool { _, there := streams[name]; return there }
	switch {
	case has("EncryptedPackage"):
		return nil, &Unsupported{"a workbook that is protected by a password", "one without a password"}
	case has("Workbook"):
		return c.read(streams["Workbook"]), nil
	case has("Book"):
		return nil, &Unsupported{"a workbook of Excel 95 or older", "one saved as .xlsx or .csv"}
	}
	return nil, unsupported("no workbook, whatever its name says")
}

// biff reads the records of a workbook stream.
type biff struct {
	stream  []byte
	strings []string
	cells   []cell
	sheet   *Sheet
}

type cell struct {
	row, column uint16
	value       string
}

// record returns the record at an offset and the offset of the next one.
func (b *biff) record(at int) (kind uint16, data []byte, next int, err error) {
	if at < 0 || at+4 > len(b.stream) {
		return 0, nil, 0, errDamaged
	}
	kind = binary.LittleEndian.Uint16(b.stream[at:])
	next = at + 4 + int(binary.LittleEndian.Uint16(b.stream[at+2:]))
	if next > len(b.stream) {
		return 0, nil, 0, errDamaged
	}
	return kind, b.stream[at+4 : next], next, nil
}

// globals reads what the sheets share, and returns the offset of the first visible one.
func (b *biff) globals() (sheet int, err error) {
	kind, data, at, err := b.record(0)
	switch {
	case err != nil:
		return 0, err
	case kind != recordBOF || len(data) < 4 || binary.LittleEndian.Uint16(data) != biff8:
		return 0, &Unsupported{"a workbook of Excel 95 or older", "one saved as .xlsx or .csv"}
	}
	found := false
	for kind != recordEOF {
		if kind, data, at, err = b.record(at); err != nil {
			return 0, err
		}
		switch kind {
		case recordFilePass:
			return 0, &Unsupported{"a workbook that is protected by a password", "one without a password"}
		case recordDate1904:
			b.sheet.Since1904 = len(data) > 0 && data[0] == 1
		case recordSST:
			chunks := [][]byte{data}
			for {
				more, continued, next, err := b.record(at)
				if err != nil || more != recordContinue {
					break
				}
				chunks, at = append(chunks, continued), next
			}
			b.strings = sharedStrings(chunks)
		case recordBoundSheet:
			// Visible (the two lowest bits), a sheet of cells and no chart or macro (the next byte).
			if len(data) < 8 || data[4]&3 != 0 || data[5] != 0 {
				break
			}
			if found {
				b.sheet.Unread++
				break
			}
			name := &text{chunks: [][]byte{data[6:]}}
			sheet, found = int(binary.LittleEndian.Uint32(data)), true
			b.sheet.Name = name.short()
		}
	}
	if !found {
		return 0, unsupported("a workbook without a visible sheet")
	}
	return sheet, nil
}

// cellsFrom reads the cells of the sheet that begins at an offset.
func (b *biff) cellsFrom(at int) error {
	kind, _, at, err := b.record(at)
	if err != nil || kind != recordBOF {
		return errDamaged
	}
	for {
		var data []byte
		if kind, data, at, err = b.record(at); err != nil {
			return err
		}
		if kind == recordEOF {
			return nil
		}
		if kind == recordString && len(b.cells) > 0 { // the text that the formula before it has given
			b.cells[len(b.cells)-1].value = (&text{chunks: [][]byte{data}}).long()
			continue
		}
		b.cell(kind, data)
	}
}

// cell keeps what a record says of cells.
func (b *biff) cell(kind uint16, data []byte) {
	if len(data) < 6 {
		return
	}
	row, column, value := binary.LittleEndian.Uint16(data), binary.LittleEndian.Uint16(data[2:]), data[6:]
	add := func(text string) { b.cells = append(b.cells, cell{row, column, text}) }
	switch {
	case kind == recordLabelSST && len(value) >= 4:
		if i := binary.LittleEndian.Uint32(value); i < uint32(len(b.strings)) {
			add(b.strings[i])
		}
	case kind == recordLabel || kind == recordRString:
		add((&text{chunks: [][]byte{value}}).long())
	case kind == recordNumber && len(value) >= 8:
		add(number(math.Float64frombits(binary.LittleEndian.Uint64(value))))
	case kind == recordRk && len(value) >= 4:
		add(number(rk(binary.LittleEndian.Uint32(value))))
	case kind == recordMulRk:
		// Row and first column, then a format and a number for each cell, then the last column.
		for rest := data[4:]; len(rest) >= 6+2; rest = rest[6:] {
			add(number(rk(binary.LittleEndian.Uint32(rest[2:]))))
			column++
		}
	case kind == recordBoolErr && len(value) >= 2 && value[1] == 0:
		add(strconv.Itoa(int(value[0])))
	case kind == recordFormula && len(value) >= 8:
		add(result(value[:8]))
	}
}

// result is what a formula has given; where it is text, a record of its own follows.
func result(value []byte) string {
	if value[6] != 0xFF || value[7] != 0xFF {
		return number(math.Float64frombits(binary.LittleEndian.Uint64(value)))
	}
	if value[0] == 1 {
		return strconv.Itoa(int(value[2]))
	}
	return ""
}

// rk unpacks a number of 30 bits: an integer or the upper half of a float, perhaps in hundredths.
func rk(v uint32) float64 {
	f := math.Float64frombits(uint64(v&^3) << 32)
	if v&2 != 0 {
		f = float64(int32(v) >> 2)
	}
	if v&1 != 0 {
		f /= 100
	}
	return f
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// rows puts the cells together.
func (b *biff) rows() error {
	slices.SortStableFunc(b.cells, func(x, y cell) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.column, y.column))
	})
	for rest := b.cells; len(rest) > 0; {
		row := rest[0].row
		var values []string
		for len(rest) > 0 && rest[0].row == row {
			if c := int(rest[0].column); c < maxColumns {
				values = append(values, make([]string, max(0, c+1-len(values)))...)
				values[c] = rest[0].value
			}
			rest = rest[1:]
		}
		if err := b.sheet.add(int(row)+1, values, ""); err != nil {
			return err
		}
	}
	return nil
}

// text reads strings, which may go on in further records.
type text struct {
	chunks [][]byte
	ended  bool // something was asked for that is not there
}

// sharedStrings reads the table of strings that cells refer to.
func sharedStrings(chunks [][]byte) []string {
	t := &text{chunks: chunks}
	t.bytes(4)
	count := t.uint(4)
	var out []string
	for range count {
		s := t.long()
		if t.ended {
			break
		}
		out = append(out, s)
	}
	return out
}

// bytes takes the next n bytes, through the ends of records.
func (t *text) bytes(n int) []byte {
	var out []byte
	for n > 0 {
		t.skipEmpty()
		if len(t.chunks) == 0 {
			t.ended = true
			return out
		}
		k := min(n, len(t.chunks[0]))
		out = append(out, t.chunks[0][:k]...)
		t.chunks[0] = t.chunks[0][k:]
		n -= k
	}
	return out
}

func (t *text) skipEmpty() {
	for len(t.chunks) > 0 && len(t.chunks[0]) == 0 {
		t.chunks = t.chunks[1:]
	}
}

// uint takes a number of n bytes.
func (t *text) uint(n int) int {
	v := 0
	for i, b := range t.bytes(n) {
		v |= int(b) << (8 * i)
	}
	return v
}

// long takes a string whose length has two bytes; short one whose length has one.
func (t *text) long() string  { return t.string(t.uint(2)) }
func (t *text) short() string { return t.string(t.uint(1)) }

// What the flags of a string say of it.
const (
	flagWide     = 1
	flagPhonetic = 4
	flagRich     = 8
)

func (t *text) string(length int) string {
	flags := t.uint(1)
	runs, phonetic := 0, 0
	if flags&flagRich != 0 {
		runs = t.uint(2)
	}
	if flags&flagPhonetic != 0 {
		phonetic = t.uint(4)
	}
	s := t.characters(length, flags&flagWide != 0)
	t.bytes(4 * runs)
	t.bytes(phonetic)
	return s
}

// characters takes n characters of one or two bytes. Where they go on in another record, that one begins with new flags.
func (t *text) characters(n int, wide bool) string {
	var out strings.Builder
	for n > 0 && !t.ended {
		if len(t.chunks) == 0 {
			t.ended = true
			break
		}
		if len(t.chunks[0]) == 0 {
			t.skipEmpty()
			wide = t.uint(1)&flagWide != 0
			continue
		}
		width := 1
		if wide {
			width = 2
		}
		raw := t.bytes(min(n*width, max(len(t.chunks[0])/width*width, width)))
		units := make([]uint16, len(raw)/width)
		for i := range units {
			units[i] = uint16(raw[i*width])
			if wide {
				units[i] |= uint16(raw[i*width+1]) << 8
			}
		}
		out.WriteString(string(utf16.Decode(units)))
		n -= max(len(units), 1)
	}
	return out.String()
}
