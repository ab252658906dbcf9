package bundle

import (
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Seal encrypts the content; now is written where the format has a time. The
// content is one that NewContent or Carry made for the same format.
func Seal(content Content, p Params, now time.Time) (string, error) {
	if err := p.CheckRecipients(); err != nil {
		return "", err
	}
	switch p.Format {
	case SOPSDotenv:
		return sops.EncryptDotenv(content.Text, p.Recipients, now)
	case SOPSBinary:
		return sops.EncryptBinary(content.Text, p.Recipients, now)
	case AgeDotenv, AgeFiles:
		return agekey.SealArmored(content.Text, p.Recipients)
	}
	return "", ErrReadOnly
}
