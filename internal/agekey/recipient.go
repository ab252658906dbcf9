package agekey

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// Recipient is a public key that files are sealed to.
type Recipient struct {
	age  age.Recipient
	text string
	kind Kind
}

// String returns the recipient as age writes it; for SSH keys the type and the
// key without the comment. A recipient is public.
func (r Recipient) String() string { return r.text }

// Kind returns the recipient's kind.
func (r Recipient) Kind() Kind { return r.kind }

// ParseRecipient reads one recipient: age1…, age1pq1…, age1NAME1… of a plugin,
// ssh-ed25519 … or ssh-rsa …. Errors are ErrPrivateKey, ErrRecipientList or
// ErrMalformedRecipient.
func ParseRecipient(s string) (Recipient, error) {
	s = strings.TrimSpace(s)
	switch {
	case ContainsPrivateKey(s):
		return Recipient{}, ErrPrivateKey
	case isRecipientList(s):
		return Recipient{}, ErrRecipientList
	}
	return parseOne(s)
}

// isRecipientList reports whether a text is what sops takes for several recipients,
// or the content of a recipients file. An SSH key's comment may hold a comma, and
// then the first part is a recipient, and no other one is.
func isRecipientList(s string) bool {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '\n' })
	if strings.HasPrefix(s, "age1") {
		parts = strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
	}
	if len(parts) == 1 && parts[0] == s {
		return false
	}
	found := slices.IndexFunc(parts, isRecipient)
	if _, err := parseOne(s); err == nil {
		return slices.ContainsFunc(parts[1:], isRecipient)
	}
	return found >= 0
}

// isRecipient reports whether a text is a recipient, a plugin's too.
func isRecipient(s string) bool {
	_, err := parseOne(strings.TrimSpace(s))
	return err == nil
}

var (
	alphanumerics    = charset.New(charset.Upper + charset.Lower + charset.Digit)
	pluginCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "+._-")
)

// isPluginRecipient reports whether a text is a plugin's recipient: age1, the plugin's
// name, 1, and the data.
func isPluginRecipient(s string) bool {
	s, isAge := strings.CutPrefix(s, "age1")
	if !isAge || s == "" {
		return false
	}
	end := strings.LastIndexByte(s[:len(s)-1], '1')
	return end > 0 && pluginCharacters.Holds(s[:end]) && alphanumerics.Holds(s[end+1:])
}

// maxPlugin is the longest recipient of a plugin, in bytes. A hybrid one has 2,000.
const maxPlugin = 16 << 10

func parseOne(s string) (Recipient, error) {
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		if r, err := age.ParseHybridRecipient(s); err == nil {
			return Recipient{age: r, text: r.String(), kind: Hybrid}, nil
		}
	case len(s) <= maxPlugin && isPluginRecipient(s):
		return parsePluginRecipient(s)
	case strings.HasPrefix(s, "age1"):
		if r, err := age.ParseX25519Recipient(s); err == nil {
			return Recipient{age: r, text: r.String(), kind: X25519}, nil
		}
	case strings.HasPrefix(s, "ssh-"):
		return parseSSHRecipient(s)
	}
	return Recipient{}, ErrMalformedRecipient
}

func parseSSHRecipient(s string) (Recipient, error) {
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(s))
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return Recipient{}, ErrMalformedRecipient
	}
	r, err := agessh.ParseRecipient(s)
	if err != nil {
		return Recipient{}, ErrMalformedRecipient
	}
	return Recipient{age: r, text: authorizedKey(key), kind: Kind(key.Type())}, nil
}

func authorizedKey(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// maxRecipients is how many recipients age reads in one file. It writes more, and
// then nobody could open the result.
const maxRecipients = 1024

// isPostQuantum reports whether age puts recipients of the kind into a file with
// post-quantum ones only.
func (k Kind) isPostQuantum() bool { return k == Hybrid || k == HybridTag }

// CheckTogether returns ErrMixedRecipients or ErrTooManyRecipients if these
// recipients can't be those of one age file. Of which class a plugin's recipient is,
// only the plugin knows: that shows when it is sealed to.
func CheckTogether(recipients []Recipient) error {
	if len(recipients) > maxRecipients {
		return ErrTooManyRecipients
	}
	hybrid := slices.ContainsFunc(recipients, func(r Recipient) bool { return r.kind.isPostQuantum() })
	classic := slices.ContainsFunc(recipients, func(r Recipient) bool {
		_, ofPlugin := r.kind.Plugin()
		return !r.kind.isPostQuantum() && !ofPlugin
	})
	if hybrid && classic {
		return ErrMixedRecipients
	}
	return nil
}

// Union returns the recipients of all lists, each once, sorted by their text,
// so that the same set always gives the same order.
func Union(lists ...[]Recipient) []Recipient {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b Recipient) int { return strings.Compare(a.text, b.text) })
	return slices.CompactFunc(all, func(a, b Recipient) bool { return a.text == b.text })
}

// Texts returns the recipients as text, in order.
func Texts(recipients []Recipient) []string {
	texts := make([]string, len(recipients))
	for i, r := range recipients {
		texts[i] = r.text
	}
	return texts
}
