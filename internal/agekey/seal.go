package agekey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Seal encrypts plain to the recipients as a binary age file. Errors are
// ErrNoRecipient, ErrMixedRecipients, ErrMixedPlugins, ErrTooManyRecipients,
// ErrTooLarge, an *ageplugin.Error, or a fault of the system.
func Seal(plain secret.Text, recipients []Recipient) ([]byte, error) {
	if err := checkSealable(plain, recipients); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(sealedSize(plain, recipients))
	if err := sealTo(&out, plain, recipients); err != nil {
		return nil, err
	}
	return out.Bytes(), checkReadable(out.String, recipients)
}

// SealArmored is Seal with the result in age's ASCII armor, ending in LF.
func SealArmored(plain secret.Text, recipients []Recipient) (string, error) {
	if err := checkSealable(plain, recipients); err != nil {
		return "", err
	}
	var out strings.Builder
	out.Grow(base64.StdEncoding.EncodedLen(sealedSize(plain, recipients)) * 66 / 64) // with line breaks
	armored := armor.NewWriter(&out)
	if err := sealTo(armored, plain, recipients); err != nil {
		return "", err
	}
	if err := armored.Close(); err != nil {
		return "", errSeal
	}
	return out.String(), checkReadable(out.String, recipients)
}

// checkReadable returns ErrTooManyRecipients if age would not read what was written: a
// plugin may have made many stanzas for one recipient.
func checkReadable(sealed func() string, recipients []Recipient) error {
	ofPlugin := func(r Recipient) bool { _, is := r.kind.Plugin(); return is }
	if slices.ContainsFunc(recipients, ofPlugin) && CheckHeader(sealed()) != nil {
		return ErrTooManyRecipients
	}
	return nil
}

// sealError is what of an error of age.Encrypt can be told.
func sealError(err error) error {
	var failure *ageplugin.Error
	switch {
	case errors.As(err, &failure):
		return failure
	case strings.HasPrefix(err.Error(), "incompatible recipients"): // by labels, which only a plugin can tell
		return ErrMixedPlugins
	}
	return errSeal
}

var errSeal = errors.New("age failed to encrypt it")

// chunk is in what pieces age encrypts, in bytes.
const chunk = 64 << 10

// sealedSize is about the size of an age file, so that room for it is made once.
func sealedSize(plain secret.Text, recipients []Recipient) int {
	const header, stanza, tag = 256, 128, 16
	return header + len(recipients)*stanza + plain.Len() + (plain.Len()/chunk+1)*tag
}

func checkSealable(plain secret.Text, recipients []Recipient) error {
	if len(recipients) == 0 {
		return ErrNoRecipient
	}
	if plain.Len() > MaxSize {
		return ErrTooLarge
	}
	return CheckTogether(recipients)
}

func sealTo(out io.Writer, plain secret.Text, recipients []Recipient) error {
	to := make([]age.Recipient, len(recipients))
	for i, r := range recipients {
		to[i] = r.age
	}
	w, err := age.Encrypt(out, to...)
	if err != nil {
		return sealError(err)
	}
	buffer := make([]byte, min(chunk, plain.Len()))
	for rest := plain.Reveal(); rest != ""; {
		length := copy(buffer, rest)
		if _, err := w.Write(buffer[:length]); err != nil {
			return errSeal
		}
		rest = rest[length:]
	}
	if err := w.Close(); err != nil {
		return errSeal
	}
	return nil
}

// unarmored returns a reader of an age file in its binary form. The error is ErrTooLarge.
func unarmored(sealed string) (io.Reader, error) {
	if len(sealed) > MaxSize*3/2 {
		return nil, ErrTooLarge
	}
	var in io.Reader = strings.NewReader(sealed)
	if IsArmored(sealed) {
		in = armor.NewReader(in)
	}
	return in, nil
}

// Binary returns an age file, armored or binary, in its binary form, unopened. Errors
// are ErrCorrupt or ErrTooLarge.
func Binary(sealed string) ([]byte, error) {
	in, err := unarmored(sealed)
	if err != nil {
		return nil, err
	}
	binary, err := io.ReadAll(in)
	if err != nil {
		return nil, ErrCorrupt
	}
	if _, err := age.ExtractHeader(bytes.NewReader(binary)); err != nil {
		return nil, ErrCorrupt
	}
	return binary, nil
}

// IsArmored reports whether the text claims to be an armored age file.
func IsArmored(sealed string) bool {
	return strings.HasPrefix(strings.TrimLeft(sealed, " \t\r\n"), armor.Header)
}

// IsFile reports whether the text claims to be an age file, armored or binary.
func IsFile(sealed string) bool {
	return IsArmored(sealed) || strings.HasPrefix(sealed, "age-encryption.org/v1\n")
}

// CheckHeader returns ErrCorrupt unless the text begins as an age file does:
// armored as a whole, with a header of stanzas. What is encrypted stays unread.
func CheckHeader(sealed string) error {
	in, err := unarmored(sealed)
	if err != nil {
		return err
	}
	if _, err := age.ExtractHeader(in); err != nil {
		return ErrCorrupt
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return ErrCorrupt
	}
	return nil
}
