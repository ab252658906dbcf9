package sops

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// parts are what ENC[…] is made of, as it is written.
type parts struct {
	data, nonce, tag string // base64
	kind             string
}

// The text around the parts. The end is anchored: sops itself accepts text after the "]".
const (
	encOpens = "ENC[AES256_GCM,data:"
	encNonce = "iv:"
	encTag   = "tag:"
	encKind  = "type:"
	encEnds  = "]"
)

// cutEncrypted cuts ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]. Only characters of base64
// are accepted in the first three parts, and only small letters in the last; data alone
// may be empty. It is not a regular expression, which took most of the time that a large
// file is decrypted in.
func cutEncrypted(value string) (p parts, ok bool) {
	rest, opens := strings.CutPrefix(value, encOpens)
	rest, ends := strings.CutSuffix(rest, encEnds)
	if !opens || !ends {
		return parts{}, false
	}
	p.data, rest, _ = strings.Cut(rest, ",")
	nonce, rest, _ := strings.Cut(rest, ",")
	tag, kind, _ := strings.Cut(rest, ",")
	var isNonce, isTag, isKind bool
	p.nonce, isNonce = strings.CutPrefix(nonce, encNonce)
	p.tag, isTag = strings.CutPrefix(tag, encTag)
	p.kind, isKind = strings.CutPrefix(kind, encKind)
	if !isNonce || !isTag || !isKind || p.nonce == "" || p.tag == "" || p.kind == "" ||
		!base64Characters.Holds(p.data) || !base64Characters.Holds(p.nonce) || !base64Characters.Holds(p.tag) || !smallLetters.Holds(p.kind) {
		return parts{}, false
	}
	return p, true
}

var (
	base64Characters = charset.New(charset.Upper + charset.Lower + charset.Digit + "+/=")
	smallLetters     = charset.New(charset.Lower)
)
