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
	if isDocument(ciphertext) {
		return nil, Opened{Format: SOPSYAML}.fits(asDirectory)
	}
	opened, err := Source{}.Open(ciphertext, []agekey.Identity{box})
	if err != nil {
		return nil, err
	}
	if err := opened.fits(asDirectory); err != nil {
		return nil, err
	}
	return agekey.Seal(opened.Text, []agekey.Recipient{box.Recipient()})
}

// CanFitBox reports whether a bundle of the format can be one that a box drops so: with
// the identity that travels, or as it is. It is for bundles that are not made yet.
func (f Format) CanFitBox(travels, asDirectory bool) bool {
	if asDirectory {
		return f == AgeFiles
	}
	return f.HasText() && (travels || f.IsAge())
}

// isDocument reports whether a bundle is YAML, JSON or INI, which no box drops: what of it
// sops does not authenticate need not be looked at.
func isDocument(ciphertext string) bool {
	format, err := Detect(ciphertext)
	return err == nil && !format.HasText() && !format.IsAge()
}

// fits returns ErrNotADirectory or ErrNotOneFile if the bundle cannot be dropped so.
func (o Opened) fits(asDirectory bool) error {
	switch {
	case asDirectory && o.Format != AgeFiles:
		return ErrNotADirectory
	case !asDirectory && !o.Format.HasText():
		return ErrNotOneFile
	}
	return nil
}

// FitsBox returns ErrNotADirectory or ErrNotOneFile if one of the identities opens
// the bundle and it cannot be dropped so. What none of them opens is left to the
// box, which refuses it, too.
func FitsBox(ciphertext string, identities []agekey.Identity, asDirectory bool) error {
	if isDocument(ciphertext) {
		return Opened{Format: SOPSYAML}.fits(asDirectory)
	}
	opened, err := Source{}.Open(ciphertext, identities)
	if err != nil {
		return nil //nolint:nilerr // it is for another identity, or ForItself says what is wrong with it
	}
	return opened.fits(asDirectory)
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
