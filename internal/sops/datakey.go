package sops

import (
	"crypto/rand"
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// wrappedKey is the data key, sealed to one recipient as an armored age file.
type wrappedKey struct {
	recipient string
	enc       string
}

// newDataKey makes a fresh data key. A file never keeps its key over a
// re-encryption: a recipient that was removed could go on reading.
func newDataKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	return key
}

// wrapDataKey seals the key to each recipient on its own, which is what lets sops
// mix kinds of recipients that age refuses in one file.
func wrapDataKey(key []byte, recipients []agekey.Recipient) ([]wrappedKey, error) {
	if len(recipients) == 0 {
		return nil, agekey.ErrNoRecipient
	}
	wrapped := make([]wrappedKey, len(recipients))
	for i, recipient := range recipients {
		enc, err := agekey.SealArmored(secret.New(string(key)), []agekey.Recipient{recipient})
		if err != nil {
			return nil, err
		}
		wrapped[i] = wrappedKey{recipient: recipient.String(), enc: enc}
	}
	return wrapped, nil
}

// unwrapDataKey opens the first wrapped key that an identity opens. Errors are
// agekey.ErrNoMatch, or ErrTampered if one was damaged and no other opened.
func unwrapDataKey(wrapped []wrappedKey, ids []agekey.Identity) ([]byte, error) {
	failure := agekey.ErrNoMatch
	for _, w := range wrapped {
		key, err := agekey.Open(w.enc, ids)
		if err == nil && key.Len() == keySize {
			return []byte(key.Reveal()), nil
		}
		if !errors.Is(err, agekey.ErrNoMatch) {
			failure = ErrTampered
		}
	}
	return nil, failure
}
