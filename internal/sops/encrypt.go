package sops

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// EncryptDotenv encrypts env text as `sops --encrypt` does for a dotenv file:
// with a fresh data key, wrapped for each recipient. now becomes
// sops_lastmodified, in UTC to the second. The text holds NAME=value lines and
// comments, a line each; an empty value must be written "" in it, since sops does
// not authenticate one that is not there. Errors are an *Error, ErrTooLarge or
// agekey.ErrNoRecipient.
func EncryptDotenv(text secret.Text, recipients []agekey.Recipient, now time.Time) (string, error) {
	lines, err := parseLines(text.Reveal())
	if err != nil {
		return "", err
	}
	s, err := newSealing(recipients, now)
	if err != nil {
		return "", err
	}
	size := 0
	for _, l := range lines {
		size += len(l.key) + encryptedSize(len(l.value)) + len("=\n")
	}
	out := make([]byte, 0, size)
	for _, l := range lines {
		if l.comment {
			out = append(s.comment(append(out, '#'), l.value), '\n')
			continue
		}
		if err := checkWritable(l); err != nil {
			return "", err
		}
		out = append(append(out, l.key...), '=')
		out = append(s.value(out, []string{l.key}, loadBreaks(l.value)), '\n')
	}
	metadata := s.metadata().text()
	var file strings.Builder
	file.Grow(len(out) + len(metadata))
	file.Write(out)
	file.WriteString(metadata)
	return file.String(), nil
}

func checkWritable(l line) error {
	switch {
	case !isName(l.key):
		return &Error{Line: l.number, Problem: "the name is not one that programs read: letters, digits, _, . and -, a letter or _ first, 255 at most"}
	case strings.HasPrefix(l.key, metadataPrefix):
		return &Error{Line: l.number, Key: l.key, Problem: "names that begin with sops_ belong to sops' metadata: choose another"}
	case strings.HasSuffix(l.key, clearSuffix):
		return &Error{Line: l.number, Key: l.key, Problem: "sops stores names that end in _unencrypted in clear: choose another"}
	case l.value == "":
		return &Error{Line: l.number, Key: l.key, Problem: `sops does not authenticate an empty value: write "" for it`}
	}
	return nil
}

// binaryKey is the one name in a file of the binary store.
const binaryKey = "data"

// EncryptBinary encrypts a text of any bytes as `sops --encrypt` does for a file
// whose name tells it nothing: `sops --decrypt` gives it back byte for byte. now is
// written as EncryptDotenv does. Errors are ErrTooLarge or agekey.ErrNoRecipient.
func EncryptBinary(text secret.Text, recipients []agekey.Recipient, now time.Time) (string, error) {
	if text.Len() > MaxSize/2 {
		return "", ErrTooLarge
	}
	s, err := newSealing(recipients, now)
	if err != nil {
		return "", err
	}
	// The order is the one in which sops emits it.
	type key struct {
		Enc       string `json:"enc"`
		Recipient string `json:"recipient"`
	}
	type metadata struct {
		Age          []key  `json:"age"`
		LastModified string `json:"lastmodified"`
		MAC          string `json:"mac"`
		Version      string `json:"version"`
	}
	var document struct {
		Data string   `json:"data"`
		SOPS metadata `json:"sops"`
	}
	document.Data = string(s.value(nil, []string{binaryKey}, text.Reveal()))
	m := s.metadata()
	for _, k := range m.groups[0] {
		document.SOPS.Age = append(document.SOPS.Age, key{k.enc, k.recipient})
	}
	document.SOPS.LastModified, document.SOPS.MAC, document.SOPS.Version = m.lastModified, m.mac, m.Version
	out, err := json.MarshalIndent(document, "", "\t")
	if err != nil {
		return "", problemSyntax(Binary)
	}
	return string(out) + "\n", nil
}

// sealing is one encryption of a file, with a data key of its own.
type sealing struct {
	values  *valueCipher
	sum     mac
	meta    Metadata
	wrapped []wrappedKey
}

func newSealing(recipients []agekey.Recipient, now time.Time) (*sealing, error) {
	dataKey := newDataKey()
	values, err := newValueCipher(dataKey)
	if err != nil {
		return nil, err
	}
	wrapped, err := wrapDataKey(dataKey, recipients)
	if err != nil {
		return nil, err
	}
	return &sealing{
		values: values, sum: newMAC(false), wrapped: wrapped,
		meta: Metadata{Version: FormatVersion, lastModified: now.UTC().Format(time.RFC3339)},
	}, nil
}

// value appends the value at a path, encrypted. An empty one stays empty, as in sops.
func (s *sealing) value(to []byte, path []string, plain string) []byte {
	if plain == "" {
		return to
	}
	return s.values.encrypt(to, plain, strings.Join(path, ":")+":", typeString, &s.sum)
}

// comment appends a top-level comment, encrypted. An empty one stays empty, as in sops.
func (s *sealing) comment(to []byte, text string) []byte {
	if text == "" {
		return to
	}
	return s.values.encrypt(to, text, ":", typeComment, nil)
}

// metadata ends the sealing: the MAC covers what was sealed by now.
func (s *sealing) metadata() Metadata {
	s.meta.mac = string(s.values.encrypt(nil, s.sum.text().Reveal(), s.meta.lastModified, typeString, nil))
	s.meta.groups = [][]wrappedKey{s.wrapped}
	return s.meta
}

// CheckDotenv returns the *Error that EncryptDotenv would give for the text, or
// ErrTooLarge.
func CheckDotenv(text secret.Text) error {
	lines, err := parseLines(text.Reveal())
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.comment {
			continue
		}
		if err := checkWritable(l); err != nil {
			return err
		}
	}
	return nil
}
