package sops

import "strings"

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
		!only(p.data, &base64Characters) || !only(p.nonce, &base64Characters) || !only(p.tag, &base64Characters) || !only(p.kind, &smallLetters) {
		return parts{}, false
	}
	return p, true
}

// characters says of each byte whether it is one of a set.
type characters [256]bool

var (
	base64Characters = charactersOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
	smallLetters     = charactersOf("abcdefghijklmnopqrstuvwxyz")
)

func charactersOf(text string) (set characters) {
	for i := range len(text) {
		set[text[i]] = true
	}
	return set
}

// only reports whether a text has no other characters than those of the set.
func only(text string, set *characters) bool {
	for i := range len(text) {
		if !set[text[i]] {
			return false
		}
	}
	return true
}
