package bundle

import (
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// What a box can't get of a bundle.
var (
	// ErrNotOneFile: the bundle holds no env text to drop as one file.
	ErrNotOneFile = errors.New("it holds no env text that could be dropped as one file: use a bundle of format sops_dotenv, sops_binary or age_dotenv, or layout = \"directory\" for age_files")
	// ErrNotADirectory: the bundle holds no files to drop into a directory.
	ErrNotADirectory = errors.New("it does not hold one file per key, which is what layout = \"directory\" drops: use a bundle of format age_files")
)

// ForBox opens a bundle with the identity that the box will hold and seals what is
// inside to that identity alone, as a binary age file: a box has no sops, and may
// have no more than python3 to open it with. The env text, or if asDirectory the
// tar of files, is what the box gets, byte for byte. Errors are ErrNotOneFile,
// ErrNotADirectory and those of Source.Open.
func ForBox(ciphertext string, box agekey.Identity, asDirectory bool) ([]byte, error) {
	opened, err := Source{}.Open(ciphertext, []agekey.Identity{box})
	switch {
	case err != nil:
		return nil, err
	case asDirectory && opened.Format != AgeFiles:
		return nil, ErrNotADirectory
	case !asDirectory && !opened.Format.HasText():
		return nil, ErrNotOneFile
	}
	return agekey.Seal(opened.Text, []agekey.Recipient{box.Recipient()})
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
