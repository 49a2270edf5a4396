package openfga

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Types of the model.
const (
	typeTeammate     = "teammate"
	typeOrganization = "organization"
	typeGroup        = "usergroup"
	typeProfile      = "profile"
)

// maxID is the length of an id that is spelled out. Objects may have 256 bytes with their type, users twice that.
const maxID = 200

// plain are the characters of an id that stand for themselves, beside letters and digits. OpenFGA gives colons, number signs, spaces
// and an asterisk alone a meaning of their own.
const plain = "-_.@=+,"

// encode returns the id of a key or name: other bytes as % and two digits. What would be too long is cut, with a tilde and a hash
// at its end.
func encode(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	id := b.String()
	if len(id) <= maxID {
		return id
	}
	sum := sha256.Sum256([]byte(key))
	return id[:maxID-1-2*len(sum)/2] + "~" + hex.EncodeToString(sum[:len(sum)/2])
}

// decode returns the key that an id stands for; false if the id does not tell: it was cut, or somebody else made it.
func decode(id string) (key string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(id); i++ {
		if id[i] != '%' {
			b.WriteByte(id[i])
			continue
		}
		if i+3 > len(id) {
			return "", false
		}
		c, err := hex.DecodeString(id[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	key = b.String()
	if key == "" || encode(key) != id {
		return "", false
	}
	return key, true
}
