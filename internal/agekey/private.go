package agekey

import (
	"regexp"
	"strings"
)

// privateKey matches where a private key begins: an age identity of any kind, in
// upper or lower case, with the six Bech32 characters that every one of them has at
// least; or the header of an SSH or PEM key. So a text may name the prefix, as
// `grep AGE-SECRET-KEY-1 FILE` does.
var privateKey = regexp.MustCompile(`(?i)^(?:` +
	`AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{6}|` +
	`AGE-PLUGIN-[A-Z0-9+._-]{1,80}1[02-9AC-HJ-NP-Z]{6}|` +
	`-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY)`)

// HoldsPrivateKey reports whether a text holds what looks like a private key, whole
// or cut off. Such a text is never shown: not in an error, not as a path.
func HoldsPrivateKey(text string) bool {
	// Every match has a hyphen among its first four characters. To look only there
	// is much faster than the expression alone, and texts can be bundles.
	for from := 0; ; from++ {
		hyphen := strings.IndexByte(text[from:], '-')
		if hyphen < 0 {
			return false
		}
		from += hyphen
		if privateKey.MatchString(text[from:]) || from >= 3 && privateKey.MatchString(text[from-3:]) {
			return true
		}
	}
}
