package bundle

import (
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// ShownAge is the format that an unopened age file shows: whether an env text or a
// tar is inside does not.
const ShownAge = "age"

// Shown is what a bundle shows without being opened. What its format does not show
// is nil or zero.
type Shown struct {
	Format       string
	Keys         []string // names of the entries, flattened, in the file's order
	Recipients   []string
	LastModified time.Time
	SOPSVersion  string
	// Others tells of a sops file that more than one age recipient is needed to
	// open it, or that others than age recipients can: key groups, PGP, a KMS.
	Others bool
}

// Show reads what a bundle shows, and verifies nothing of it. Errors are
// ErrUnknownFormat, agekey.ErrCorrupt and those of sops.ReadMetadata.
func Show(ciphertext string) (Shown, error) {
	format, err := Detect(ciphertext)
	if err != nil {
		return Shown{}, err
	}
	if format.IsAge() {
		return Shown{Format: ShownAge}, agekey.CheckHeader(ciphertext)
	}
	meta, err := sops.ReadMetadata(ciphertext)
	if err != nil {
		return Shown{}, err
	}
	if _, is := ReadKubernetes(ciphertext); is {
		format, meta.Keys = SOPSKubernetes, kubernetesKeys(meta.Keys)
	}
	return Shown{
		Format: string(format), Keys: meta.Keys, Recipients: meta.Recipients,
		LastModified: meta.LastModified, SOPSVersion: meta.Version,
		Others: meta.KeyGroups > 1 || meta.OtherKeys,
	}, nil
}

// Recipients returns the recipients that a bundle shows without being opened. It
// reports false for a format that does not show them.
func Recipients(ciphertext string) ([]string, bool) {
	shown, err := Show(ciphertext)
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
