package sheet

import (
	"encoding/binary"
	"unicode/utf16"
)

// A compound file ([MS-CFB]) is a file system in a file: sectors, chained by a table, hold a directory and its streams. The
// library there is for it trusts the sizes that a file claims, which lets a small file ask for all memory; here whatever is
// kept is a part of the file (docs/decisions/0011-spreadsheets.md).

// Special sector numbers, kinds of directory entries, and sizes.
const (
	lastSector     = 0xFFFFFFFA // numbers above mark ends and gaps
	entryStream    = 2
	entryRoot      = 5
	entrySize      = 128
	containerHead  = 512
	headSectors    = 109 // of the table, told in the head of the file
	miniSectorSize = 64
)

// container is a compound file.
type container struct {
	data      []byte
	size      int      // of a sector
	next      []uint32 // the sector after each, by number
	directory []byte
	mini      []byte // the stream that small streams are in
	miniNext  []uint32
	cutoff    uint32 // size from which streams are no small ones
}

func openContainer(data []byte) (*container, error) {
	if len(data) < containerHead {
		return nil, errDamaged
	}
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	shift := binary.LittleEndian.Uint16(data[30:])
	if shift != 9 && shift != 12 {
		return nil, errDamaged
	}
	c := &container{data: data, size: 1 << shift, cutoff: word(56)}
	c.readTable(data[containerHead-4*headSectors:containerHead], word(68))
	c.directory = c.chain(word(48))
	if len(c.directory) < entrySize || c.directory[66] != entryRoot {
		return nil, errDamaged
	}
	c.mini = c.chain(binary.LittleEndian.Uint32(c.directory[116:]))
	c.miniNext = words(c.chain(word(60)))
	return c, nil
}

// readTable reads the table of sectors. The sectors that it lies in are listed in the head, and in a chain of further lists.
func (c *container) readTable(list []byte, more uint32) {
	most := len(c.data)/c.size + 1
	for lists := 0; lists <= most; lists++ {
		for _, n := range words(list) {
			if len(c.next) > most {
				return
			}
			if n < lastSector {
				c.next = append(c.next, words(c.sector(n))...)
			}
		}
		if more >= lastSector {
			return
		}
		if list = c.sector(more); len(list) < 4 {
			return
		}
		more = binary.LittleEndian.Uint32(list[len(list)-4:])
		list = list[:len(list)-4]
	}
}

func words(b []byte) []uint32 {
	out := make([]uint32, len(b)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return out
}

// sector returns the bytes of a sector, fewer at the end of the file.
func (c *container) sector(n uint32) []byte {
	from := (int64(n) + 1) * int64(c.size)
	if from >= int64(len(c.data)) {
		return nil
	}
	return c.data[from:min(from+int64(c.size), int64(len(c.data)))]
}

// chain puts the sectors from one on together, as many as the file can have.
func (c *container) chain(n uint32) []byte {
	var out []byte
	for range len(c.data)/c.size + 1 {
		if int64(n) >= int64(len(c.next)) {
			break
		}
		out = append(out, c.sector(n)...)
		n = c.next[n]
	}
	return out
}

// miniChain does the same for small streams.
func (c *container) miniChain(n uint32) []byte {
	var out []byte
	for range len(c.mini)/miniSectorSize + 1 {
		from := int64(n) * miniSectorSize
		if int64(n) >= int64(len(c.miniNext)) || from >= int64(len(c.mini)) {
			break
		}
		out = append(out, c.mini[from:min(from+miniSectorSize, int64(len(c.mini)))]...)
		n = c.miniNext[n]
	}
	return out
}

// extent is where a stream begins, and how long it is.
type extent struct{ start, size uint32 }

// streams finds the streams directly below the root, not those of embedded documents.
func (c *container) streams() map[string]extent {
	out := map[string]extent{}
	seen := map[uint32]bool{}
	todo := []uint32{binary.LittleEndian.Uint32(c.directory[76:])}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		at := int64(n) * entrySize
		if seen[n] || at+entrySize > int64(len(c.directory)) {
			continue
		}
		seen[n] = true
		entry := c.directory[at : at+entrySize]
		todo = append(todo, binary.LittleEndian.Uint32(entry[68:]), binary.LittleEndian.Uint32(entry[72:])) // its neighbours
		if entry[66] == entryStream {
			out[entryName(entry)] = extent{binary.LittleEndian.Uint32(entry[116:]), binary.LittleEndian.Uint32(entry[120:])}
		}
	}
	return out
}

func entryName(entry []byte) string {
	length := min(int(binary.LittleEndian.Uint16(entry[64:]))/2, 32)
	units := make([]uint16, max(0, length-1)) // without the zero at the end
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(entry[2*i:])
	}
	return string(utf16.Decode(units))
}

func (c *container) read(e extent) []byte {
	chain := c.chain
	if e.size < c.cutoff {
		chain = c.miniChain
	}
	data := chain(e.start)
	return data[:min(int64(len(data)), int64(e.size))]
}
