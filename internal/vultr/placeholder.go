package vultr

import (
	_ "embed"
	"slices"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

//go:embed placeholder.sh
var placeholderScript string

// formerPlaceholders are the digests of placeholders that earlier versions uploaded. A
// change of placeholder.sh adds the old digest here.
var formerPlaceholders []string

// Placeholder returns the script that replaces one whose secret was scrubbed. A box that
// boots it gets an error that says why.
func Placeholder() secret.Text { return secret.New(placeholderScript) }

// IsPlaceholder reports whether a digest is that of a placeholder. A script that only
// looks like one might do anything.
func IsPlaceholder(digest string) bool {
	return digest == Digest(Placeholder()) || slices.Contains(formerPlaceholders, digest)
}
