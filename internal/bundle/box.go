package bundle

import (
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// ErrNotOneFile means that the bundle holds no env text to drop as one file.
var ErrNotOneFile = errors.New("it holds no env text that could be dropped as one file: use a bundle of format sops_dotenv, sops_binary or age_dotenv")

// ForBox opens a bundle with the identity that the box will hold and seals its
// text to that identity alone, as a binary age file: a box has no sops, and may
// have no more than python3 to open it with. The text is what the box gets, byte
// for byte. Errors are ErrNotOneFile and those of Source.Open.
func ForBox(ciphertext string, box agekey.Identity) ([]byte, error) {
	opened, err := Source{}.Open(ciphertext, []agekey.Identity{box})
	if err != nil {
		return nil, err
	}
	if !opened.Format.HasText() {
		return nil, ErrNotOneFile
	}
	return agekey.Seal(opened.Text, []agekey.Recipient{box.Recipient()})
}
