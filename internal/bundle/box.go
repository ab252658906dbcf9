package bundle

import (
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
