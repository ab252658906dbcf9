package bundle

import (
	"errors"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

var errNoKubernetes = errors.New("a Secret without a name can't be made")

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
	case SOPSYAML, SOPSJSON:
		return sops.EncryptTree(p.Format.store(), p.treeFields(content.Document), "", p.Recipients, now)
	case SOPSKubernetes:
		if p.Kubernetes == nil {
			return "", errNoKubernetes
		}
		return sops.EncryptTree(sops.YAML, p.treeFields(content.Document), sops.SecretRule, p.Recipients, now)
	case AgeDotenv, AgeFiles:
		return agekey.SealArmored(content.Text, p.Recipients)
	}
	return "", ErrReadOnly
}
