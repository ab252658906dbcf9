package bundle

import (
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// FormatAge is the format that an unopened age file shows: whether an env text or a
// tar is inside does not.
const FormatAge = "age"

// Metadata is what a bundle shows without being opened. What its format does not show
// is nil or zero.
type Metadata struct {
	Format       string
	Keys         []string // names of the entries, flattened, in the file's order
	Recipients   []string
	LastModified time.Time
	SOPSVersion  string
	// Others tells of a sops file that more than one age recipient is needed to
	// open it, or that others than age recipients can: key groups, PGP, a KMS.
	Others bool
}

// Inspect reads what a bundle shows, and verifies nothing of it. Errors are
// ErrUnknownFormat, agekey.ErrCorrupt and those of sops.ReadMetadata.
func Inspect(ciphertext string) (Metadata, error) {
	format, err := Detect(ciphertext)
	if err != nil {
		return Metadata{}, err
	}
	if format.IsAge() {
		return Metadata{Format: FormatAge}, agekey.CheckHeader(ciphertext)
	}
	meta, err := sops.ReadMetadata(ciphertext)
	if err != nil {
		return Metadata{}, err
	}
	if _, is := ReadKubernetes(ciphertext); is {
		format, meta.Keys = SOPSKubernetes, kubernetesKeys(meta.Keys)
	}
	return Metadata{
		Format: string(format), Keys: meta.Keys, Recipients: meta.Recipients,
		LastModified: meta.LastModified, SOPSVersion: meta.Version,
		Others: meta.KeyGroups > 1 || meta.OtherKeys,
	}, nil
}

// Recipients returns the recipients that a bundle shows without being opened. It
// reports false for a format that does not show them.
func Recipients(ciphertext string) ([]string, bool) {
	shown, err := Inspect(ciphertext)
	return shown.Recipients, err == nil && shown.Recipients != nil
}

// Weak returns an error that names what of a bundle sops does not authenticate, as
// far as that shows without opening it; nil if there is nothing of the kind.
func Weak(ciphertext string) error {
	if agekey.IsFile(ciphertext) {
		return nil
	}
	return sops.Unauthenticated(ciphertext)
}
