// Package bundle seals env documents to recipients and opens them again.
//
//   - bundle.go: formats, sealing
//   - open.go: opening, and what a bundle shows unopened
//   - change.go: what counts as a change of content
//   - box.go: what a box gets of a bundle
//
// A bundle is a text that people commit and that others' tools open: sops for
// sops_dotenv, age for age_dotenv. Encryption is randomized, so a bundle stays the
// same only by being kept; every sealing takes a fresh key.
package bundle

import (
	"fmt"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Format is the form of a bundle's ciphertext.
type Format string

// The formats.
const (
	SOPSDotenv Format = "sops_dotenv" // sops' dotenv store: names in clear, values encrypted one by one
	AgeDotenv  Format = "age_dotenv"  // the whole env text in one armored age file
)

// Formats lists all formats, the default first.
func Formats() []Format { return []Format{SOPSDotenv, AgeDotenv} }

// MaxText is the longest env text that is sealed, in bytes.
const MaxText = 4 << 20

// Params says how to seal.
type Params struct {
	Format     Format
	Dialect    dotenv.Dialect
	Recipients []agekey.Recipient // everybody who is to open it
}

// CheckRecipients returns agekey.ErrNoRecipient or agekey.ErrMixedRecipients if
// the format can't be sealed to these recipients. sops may mix all kinds.
func (p Params) CheckRecipients() error {
	if len(p.Recipients) == 0 {
		return agekey.ErrNoRecipient
	}
	if p.Format == AgeDotenv {
		return agekey.CheckMix(p.Recipients)
	}
	return nil
}

// Content is what a bundle holds: an env text and what it says.
type Content struct {
	Text     secret.Text
	Document dotenv.Document
}

// NewContent writes a document as text in the dialect. Errors are a
// *dotenv.Error that names the key.
func NewContent(doc dotenv.Document, dialect dotenv.Dialect) (Content, error) {
	text, err := doc.Encode(dialect)
	if err != nil {
		return Content{}, err
	}
	if text.Len() > MaxText {
		return Content{}, fmt.Errorf("the env text is %d bytes long, and the most that is sealed are %d", text.Len(), MaxText)
	}
	return Content{Text: text, Document: doc}, nil
}

// Seal encrypts the content; now is written where the format has a time.
func Seal(content Content, p Params, now time.Time) (string, error) {
	if err := p.CheckRecipients(); err != nil {
		return "", err
	}
	if p.Format == AgeDotenv {
		return agekey.SealArmored(content.Text, p.Recipients)
	}
	return sops.EncryptDotenv(content.Text, p.Recipients, now)
}
