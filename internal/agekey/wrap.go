package agekey

import (
	"fmt"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Made is an identity and when it was made.
type Made struct {
	Identity Identity
	At       time.Time
}

// Wrap seals identities, the current one first, to their escrow recipients: an
// armored age file that holds a key file in age-keygen's form. Times are written in
// UTC.
func Wrap(made []Made, escrow []Recipient) (string, error) {
	var keyFile strings.Builder
	for _, m := range made {
		fmt.Fprintf(&keyFile, "# created: %s\n# public key: %s\n%s\n",
			m.At.UTC().Format(time.RFC3339), m.Identity.recipient.text, m.Identity.text.Reveal())
	}
	return SealArmored(secret.New(keyFile.String()), escrow)
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
