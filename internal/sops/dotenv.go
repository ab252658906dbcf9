package sops

import (
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
	dataKey := newDataKey()
	values, err := newValueCipher(dataKey)
	if err != nil {
		return "", err
	}
	sum := newMAC(false)
	var out strings.Builder
	for _, l := range lines {
		if l.comment {
			out.WriteString("#" + encryptComment(values, l.value) + "\n")
			continue
		}
		if err := checkWritable(l); err != nil {
			return "", err
		}
		value := secret.New(loadBreaks(l.value))
		sum.add(value)
		out.WriteString(l.key + "=" + values.encrypt(value, l.key+":", typeString) + "\n")
	}

	meta := Metadata{Version: FormatVersion, lastModified: now.UTC().Format(time.RFC3339)}
	meta.mac = values.encrypt(sum.text(), meta.lastModified, typeString)
	if meta.dataKeys, err = wrapDataKey(dataKey, recipients); err != nil {
		return "", err
	}
	return out.String() + meta.text(), nil
}

// encryptComment leaves an empty comment empty, as sops does.
func encryptComment(values valueCipher, text string) string {
	if text == "" {
		return ""
	}
	return values.encrypt(secret.New(text), ":", typeComment)
}

func checkWritable(l line) error {
	switch {
	case strings.HasPrefix(l.key, metadataPrefix):
		return &Error{Line: l.number, Key: l.key, Problem: "names that begin with sops_ belong to sops' metadata: choose another"}
	case strings.HasSuffix(l.key, clearSuffix):
		return &Error{Line: l.number, Key: l.key, Problem: "sops stores names that end in _unencrypted in clear: choose another"}
	case l.value == "":
		return &Error{Line: l.number, Key: l.key, Problem: `sops does not authenticate an empty value: write "" for it`}
	}
	return nil
}

// DecryptDotenv decrypts a dotenv file that sops or EncryptDotenv wrote and
// verifies its MAC. The text comes back as it was encrypted, less its empty lines;
// nothing is returned unless every entry is authentic. Comments are authenticated
// one by one, and not by the MAC: one that was taken away or moved is not noticed.
// Errors are agekey.ErrNoMatch, ErrTampered,
// ErrNotSOPS, ErrTooLarge, or an *Error that names the line.
func DecryptDotenv(file string, ids []agekey.Identity) (secret.Text, Metadata, error) {
	content, meta, err := readDotenv(file)
	if err != nil {
		return secret.Text{}, Metadata{}, err
	}
	dataKey, err := unwrapDataKey(meta.dataKeys, ids)
	if err != nil {
		return secret.Text{}, Metadata{}, err
	}
	values, err := newValueCipher(dataKey)
	if err != nil {
		return secret.Text{}, Metadata{}, err
	}
	sum := newMAC(meta.macOnlyEncrypted)
	var out strings.Builder
	for _, l := range content {
		value, err := decryptLine(values, l)
		if err != nil {
			return secret.Text{}, Metadata{}, err
		}
		if l.comment {
			if strings.Contains(value.Reveal(), "\n") {
				return secret.Text{}, Metadata{}, &Error{Line: l.number, Problem: "the comment holds a line break, which would make its rest an entry"}
			}
			out.WriteString("#" + value.Reveal() + "\n")
			continue
		}
		sum.add(value)
		out.WriteString(l.key + "=" + emitBreaks(value.Reveal()) + "\n")
	}
	stored, _, err := values.decrypt(meta.mac, meta.lastModified)
	if err != nil || !sum.matches(stored) {
		return secret.Text{}, Metadata{}, ErrTampered
	}
	return secret.New(out.String()), meta, nil
}

// decryptLine decrypts an entry's value or a comment. What sops does not
// authenticate is refused.
func decryptLine(values valueCipher, l line) (secret.Text, error) {
	fail := func(problem string, err error) (secret.Text, error) {
		return secret.Text{}, &Error{Line: l.number, Key: l.key, Problem: problem, err: err}
	}
	additional, kinds := l.key+":", []string{typeString, typeInt}
	if l.comment {
		if l.value == "" {
			return secret.Text{}, nil
		}
		additional, kinds = ":", []string{typeComment}
	}
	switch {
	case l.value == "":
		return fail(`the value is empty, and sops does not authenticate that: anybody could have emptied or added it; write NAME="" and encrypt it again`, nil)
	case strings.HasSuffix(l.key, clearSuffix):
		return fail("sops stores names that end in _unencrypted in clear, and does not authenticate them as a whole: rename it and encrypt the file again", nil)
	case !strings.HasPrefix(l.value, "ENC["):
		return fail("it is not encrypted, so anybody could have added or changed it: remove it, or encrypt the file again", nil)
	}
	value, kind, err := values.decrypt(l.value, additional)
	switch {
	case err == errValue: //nolint:errorlint // returned as it is
		return fail("the encrypted value is malformed: it was cut off or changed", ErrTampered)
	case err != nil:
		return fail("the value was changed after it was encrypted, or stood under another name", ErrTampered)
	case kind != kinds[0] && (len(kinds) == 1 || kind != kinds[1] || !isPlainInt(value.Reveal())):
		return fail("the value's type is one that sops does not authenticate and that would read back as other text: encrypt it again as text", nil)
	}
	return value, nil
}

// ReadMetadata reads what a dotenv file shows, without opening it.
func ReadMetadata(file string) (Metadata, error) {
	_, meta, err := readDotenv(file)
	return meta, err
}

func readDotenv(file string) ([]line, Metadata, error) {
	lines, err := parseLines(file)
	if err != nil {
		return nil, Metadata{}, err
	}
	return splitMetadata(lines)
}

// IsDotenv reports whether the text claims to be a dotenv file that sops
// encrypted.
func IsDotenv(file string) bool {
	return strings.HasPrefix(file, "sops_mac=") || strings.Contains(file, "\nsops_mac=")
}
