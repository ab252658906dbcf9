package agekey

import (
	"regexp"
	"strings"
	"sync"
)

// privateKey matches where a private key begins: an age identity of any kind, in
// upper or lower case, with the six Bech32 characters that every one of them has at
// least; or the header of an SSH or PEM key. So a text may name the prefix, as
// `grep AGE-SECRET-KEY-1 FILE` does. Of a plugin in lower case it takes more characters:
// age-plugin-yubikey-15746767.txt is the name of a file. The expression is compiled when
// a text looks like a key: most never do.
var privateKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(?:` +
		`AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{6}|` +
		`AGE-PLUGIN-[A-Z0-9+._-]{1,80}1[02-9AC-HJ-NP-Z]{16}|` +
		`(?-i:AGE-PLUGIN-[A-Z0-9+._-]{1,80}1[02-9AC-HJ-NP-Z]{6})|` +
		`-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY)`)
})

// ContainsPrivateKey reports whether a text holds what looks like a private key, whole
// or cut off. Such a text is never shown: not in an error, not as a path.
func ContainsPrivateKey(text string) bool {
	// A match begins with AGE and a hyphen, or with the last hyphens of a run. To look
	// only there is much faster than the expression alone, and texts can be bundles.
	for from := 0; ; {
		hyphen := strings.IndexByte(text[from:], '-')
		if hyphen < 0 {
			return false
		}
		from += hyphen
		if from >= 3 && strings.EqualFold(text[from-3:from], "AGE") && privateKey().MatchString(text[from-3:]) {
			return true
		}
		run := len(text[from:]) - len(strings.TrimLeft(text[from:], "-"))
		from += run
		if run >= 4 && privateKey().MatchString(text[from-min(run, 5):]) {
			return true
		}
	}
}
