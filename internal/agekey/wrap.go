package agekey

import (
	"fmt"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Wrap seals an identity to its escrow recipients: an armored age file that
// holds a key file in age-keygen's form. created is written in UTC.
func Wrap(id Identity, created time.Time, escrow []Recipient) (string, error) {
	keyFile := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n",
		created.UTC().Format(time.RFC3339), id.recipient.text, id.text.Reveal())
	return SealArmored(secret.New(keyFile), escrow)
}

// Unwrap opens a wrapped identity with one of the operators' identities. The
// first identity of the file inside is the current one. Errors are those of
// Open and of ParseIdentities.
func Unwrap(wrapped string, operators []Identity) ([]Identity, error) {
	keyFile, err := Open(wrapped, operators)
	if err != nil {
		return nil, err
	}
	return ParseIdentities(keyFile)
}

// CreatedAt reads the creation time from a key file's "# created:" comment. It
// reports false where there is none that can be read.
func CreatedAt(keyFile secret.Text) (time.Time, bool) {
	for line := range strings.SplitSeq(keyFile.Reveal(), "\n") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "# created:"); ok {
			created, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
			return created, err == nil
		}
	}
	return time.Time{}, false
}
