package bundle

import (
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// ForBox opens a bundle with the identity that the box will hold and seals its
// text to that identity alone, as a binary age file: a box has no sops, and may
// have no more than python3 to open it with. The text is what the box gets, byte
// for byte. Errors are those of OpenText.
func ForBox(ciphertext string, box agekey.Identity) ([]byte, error) {
	text, err := OpenText(ciphertext, []agekey.Identity{box})
	if err != nil {
		return nil, err
	}
	return agekey.Seal(text, []agekey.Recipient{box.Recipient()})
}

// ErrNeedsAge is the error for a bundle that a box can't open by itself.
var ErrNeedsAge = errors.New("it is encrypted by sops, which a box does not have")

// ForItself returns a bundle as it is, as a binary age file, for a box that has its
// identity from elsewhere. Sealing it anew would take an identity here, and give
// other bytes each time. Errors are ErrNeedsAge, and those of agekey.Binary and
// Detect.
func ForItself(ciphertext string) ([]byte, error) {
	format, err := Detect(ciphertext)
	if err != nil {
		return nil, err
	}
	if format != AgeDotenv {
		return nil, ErrNeedsAge
	}
	return agekey.Binary(ciphertext)
}
