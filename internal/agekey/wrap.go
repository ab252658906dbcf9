package agekey

import (
	"fmt"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// DatedIdentity is an identity with the time at which it was generated.
type DatedIdentity struct {
	Identity  Identity
	CreatedAt time.Time
}

// Wrap encrypts identities, the current one first, to their escrow recipients. The result
// is an armored age file; inside is a key file in age-keygen's format. Times are written
// in UTC.
func Wrap(identities []DatedIdentity, escrow []Recipient) (string, error) {
	var keyFile strings.Builder
	for _, id := range identities {
		fmt.Fprintf(&keyFile, "# created: %s\n# public key: %s\n%s\n",
			id.CreatedAt.UTC().Format(time.RFC3339), id.Identity.recipient.text, id.Identity.text.Reveal())
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
