package bundle

import (
	"errors"
	"fmt"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// ErrUnknownFormat is the error for a text that is no bundle.
var ErrUnknownFormat = errors.New("it is neither a dotenv file that sops encrypted nor an age file: " +
	"expected sops_… lines or -----BEGIN AGE ENCRYPTED FILE-----")

// Detect tells a bundle's format by its text.
func Detect(ciphertext string) (Format, error) {
	switch {
	case agekey.IsFile(ciphertext):
		return AgeDotenv, nil
	case sops.IsDotenv(ciphertext):
		return SOPSDotenv, nil
	}
	return "", ErrUnknownFormat
}

// OpenText decrypts a bundle and returns its env text, unread. Nothing is
// returned unless all of it is authentic. Errors are those of agekey.Open,
// sops.DecryptDotenv and Detect.
func OpenText(ciphertext string, ids []agekey.Identity) (secret.Text, error) {
	format, err := Detect(ciphertext)
	if err != nil {
		return secret.Text{}, err
	}
	if format == AgeDotenv {
		return agekey.Open(ciphertext, ids)
	}
	text, _, err := sops.DecryptDotenv(ciphertext, ids)
	return text, err
}

// Open decrypts a bundle and reads its env text in the dialect. An env text that
// can't be read is a *dotenv.Error.
func Open(ciphertext string, dialect dotenv.Dialect, ids []agekey.Identity) (Content, error) {
	text, err := OpenText(ciphertext, ids)
	if err != nil {
		return Content{}, err
	}
	doc, err := dotenv.Parse(text, dialect)
	if err != nil {
		return Content{}, fmt.Errorf("the env text inside: %w", err)
	}
	return Content{Text: text, Document: doc}, nil
}

// Recipients returns the recipients that a bundle shows without being opened. It
// reports false for a format that does not show them.
func Recipients(ciphertext string) ([]string, bool) {
	meta, err := sops.ReadMetadata(ciphertext)
	if err != nil {
		return nil, false
	}
	return meta.Recipients, true
}
