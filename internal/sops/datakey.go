package sops

import (
	"crypto/rand"
	"errors"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// maxWrapped is the most that all wrapped keys of a file may take, in bytes: about
// 2,000 recipients. Each costs the one who opens the file a trial, so without a
// bound a crafted file of a few megabytes keeps its reader busy for seconds.
const maxWrapped = 1 << 20

// maxGroups is how many parts a data key can be split into.
const maxGroups = 255

var errTooManyKeys = errors.New("its data key is wrapped for more recipients than are read: the wrapped keys may take 1 MiB in all")

// wrappedKey is the data key, or a group's part of it, sealed to one recipient as
// an armored age file.
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
	wrapped, size := make([]wrappedKey, len(recipients)), 0
	for i, recipient := range recipients {
		enc, err := agekey.SealArmored(secret.New(string(key)), []agekey.Recipient{recipient})
		if err != nil {
			return nil, err
		}
		wrapped[i] = wrappedKey{recipient: recipient.String(), enc: enc}
		if size += len(enc); size > maxWrapped {
			return nil, errTooManyKeys
		}
	}
	return wrapped, nil
}

// dataKey recovers the data key: from the one group there is, or from the parts of
// as many groups as it takes. Errors are agekey.ErrNoMatch, or ErrTampered if a
// wrapped key was damaged and no other opened.
func (m Metadata) dataKey(ids []agekey.Identity) ([]byte, error) {
	if len(m.groups) == 1 {
		return unwrap(m.groups[0], ids, keySize)
	}
	needed := m.threshold
	if needed == 0 {
		needed = len(m.groups) // as sops does where the file names no number
	}
	failure := agekey.ErrNoMatch
	var parts [][]byte
	for _, group := range m.groups {
		part, err := unwrap(group, ids, keySize+1)
		if err == nil {
			parts = append(parts, part)
		} else if !errors.Is(err, agekey.ErrNoMatch) {
			failure = err
		}
		if len(parts) == max(needed, 2) {
			break
		}
	}
	if len(parts) < max(needed, 2) {
		return nil, failure
	}
	key, ok := combine(parts)
	if !ok {
		return nil, ErrTampered
	}
	return key, nil
}

// unwrap opens the first of some wrapped keys that an identity opens.
func unwrap(wrapped []wrappedKey, ids []agekey.Identity, size int) ([]byte, error) {
	failure := agekey.ErrNoMatch
	for _, w := range wrapped {
		key, err := agekey.Open(w.enc, ids)
		if err == nil && key.Len() == size {
			return []byte(key.Reveal()), nil
		}
		if !errors.Is(err, agekey.ErrNoMatch) {
			failure = ErrTampered
		}
	}
	return nil, failure
}
