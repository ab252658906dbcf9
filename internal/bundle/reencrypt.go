package bundle

import (
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// Layout is how a box stores the plaintext of a bundle.
type Layout int

// The layouts.
const (
	OneFile   Layout = iota // the env text, in one file
	Directory               // a directory with one file per entry
)

// Errors of bundles whose content does not fit the layout.
var (
	// ErrNotOneFile: the bundle contains no env text for one file.
	ErrNotOneFile = errors.New("it holds no env text that could be dropped as one file: use a bundle of format sops_dotenv, sops_binary or age_dotenv, or layout = \"directory\" for age_files")
	// ErrNotADirectory: the bundle contains no files for a directory.
	ErrNotADirectory = errors.New("it does not hold one file per key, which is what layout = \"directory\" drops: use a bundle of format age_files")
)

// ReencryptForBox decrypts a bundle with the box's identity and encrypts the plaintext to
// that identity alone, as a binary age file. A box has no sops, and may have only python3
// to decrypt with. It gets the env text, or the tar of files, byte for byte. Errors are
// ErrNotOneFile, ErrNotADirectory and those of Source.Open.
func ReencryptForBox(ciphertext string, box agekey.Identity, layout Layout) ([]byte, error) {
	if isDocument(ciphertext) {
		return nil, Opened{Format: SOPSYAML}.checkLayout(layout)
	}
	opened, err := Source{}.Open(ciphertext, []agekey.Identity{box})
	if err != nil {
		return nil, err
	}
	if err := opened.checkLayout(layout); err != nil {
		return nil, err
	}
	return agekey.Seal(opened.Text, []agekey.Recipient{box.Recipient()})
}

// CanReencryptForBox reports whether ReencryptForBox accepts bundles of the format. It is
// for bundles that do not exist yet.
func (f Format) CanReencryptForBox(layout Layout) bool {
	return Opened{Format: f}.checkLayout(layout) == nil
}

// CanSendToBox reports whether a box with its own identity can decrypt bundles of the
// format as they are. It is for bundles that do not exist yet.
func (f Format) CanSendToBox(layout Layout) bool {
	return f.IsAge() && f.CanReencryptForBox(layout)
}

// isDocument reports whether a bundle is YAML, JSON or INI, which no box stores. Such a
// bundle is refused by its format, whatever sops leaves unauthenticated in it.
func isDocument(ciphertext string) bool {
	format, err := Detect(ciphertext)
	return err == nil && !format.HasText() && !format.IsAge()
}

// checkLayout returns ErrNotADirectory or ErrNotOneFile if the content does not fit the
// layout.
func (o Opened) checkLayout(layout Layout) error {
	switch {
	case layout == Directory && o.Format != AgeFiles:
		return ErrNotADirectory
	case layout == OneFile && !o.Format.HasText():
		return ErrNotOneFile
	}
	return nil
}

// CheckLayout returns ErrNotADirectory or ErrNotOneFile if one of the identities opens
// the bundle and its content does not fit the layout. If none of them opens it, only the
// box can check.
func CheckLayout(ciphertext string, identities []agekey.Identity, layout Layout) error {
	if isDocument(ciphertext) {
		return Opened{Format: SOPSYAML}.checkLayout(layout)
	}
	opened, err := Source{}.Open(ciphertext, identities)
	if err != nil {
		return nil //nolint:nilerr // it is for another identity, or BinaryForBox says what is wrong with it
	}
	return opened.checkLayout(layout)
}

// ErrNeedsAge means that the bundle is in a format of sops, which a box cannot decrypt.
var ErrNeedsAge = errors.New("it is encrypted by sops, which a box does not have")

// BinaryForBox returns the bundle itself as a binary age file, for a box that gets its
// identity elsewhere. Encrypting it again would need an identity here, and would give
// other bytes each time. Errors are ErrNeedsAge, and those of agekey.Binary and Detect.
func BinaryForBox(ciphertext string) ([]byte, error) {
	format, err := Detect(ciphertext)
	if err != nil {
		return nil, err
	}
	if format != AgeDotenv {
		return nil, ErrNeedsAge
	}
	return agekey.Binary(ciphertext)
}
