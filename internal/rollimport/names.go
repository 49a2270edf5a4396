package rollimport

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const (
	maxName    = 63
	suffixSize = 6 // hex characters
)

// Slug writes a text as an object name: small letters, digits and single hyphens between them, at most 63 characters. It is
// empty where the text has neither letters nor digits of ASCII.
func Slug(text string) string {
	var b strings.Builder
	hyphen := false
	for _, c := range strings.ToLower(text) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			hyphen = b.Len() > 0
			continue
		}
		if hyphen {
			b.WriteByte('-')
			hyphen = false
		}
		b.WriteRune(c)
	}
	return cut(b.String(), maxName)
}

func cut(name string, length int) string {
	return strings.TrimRight(name[:min(len(name), length)], "-")
}

// base is the name that a person gets if nobody else has it: the slug of the e-mail's local part (API.md section 7).
func (i *importer) base(p *person) string {
	id := p.tm.Spec.Identity
	text := ""
	switch {
	case id.Email != nil:
		text, _, _ = strings.Cut(*id.Email, "@")
	case id.EmployeeID != nil:
		text = *id.EmployeeID
	case id.DirectoryID != nil:
		text = *id.DirectoryID
	}
	return cmp.Or(Slug(text), "teammate")
}

// name is the base or, where that belongs to somebody else, the base with a hash of the e-mail (S-134). Not free: both are taken.
func (i *importer) name(p *person) (name string, free bool) {
	name = i.base(p)
	if !i.names[name] {
		return name, true
	}
	_, identity, _ := strings.Cut(p.key(), "=")
	sum := sha256.Sum256([]byte(strings.ToLower(identity)))
	name = cut(name, maxName-1-suffixSize) + "-" + hex.EncodeToString(sum[:])[:suffixSize]
	return name, !i.names[name]
}

// keysOf are the unique keys of a teammate.
func keysOf(tm *rollcallv1.Teammate) []string {
	keys := roster.IdentityKeys(tm)
	if tm.Spec.Extension != nil {
		keys = append(keys, "extension="+*tm.Spec.Extension)
	}
	return keys
}
