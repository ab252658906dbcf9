package sops

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

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
// wrapped key was damaged and no other opened; of groups, they say which did not open.
func (m Metadata) dataKey(ids []agekey.Identity) ([]byte, error) {
	if len(m.groups) == 1 {
		return unwrap(m.groups[0], ids, keySize)
	}
	needed := m.threshold
	if needed == 0 {
		needed = len(m.groups) // as sops does where the file names no number
	}
	needed = max(needed, 2)
	parts, failures := make([][]byte, len(m.groups)), make([]error, len(m.groups))
	opened := 0
	open := func(ids []agekey.Identity) {
		for i, group := range m.groups {
			if parts[i] != nil || opened == needed {
				continue
			}
			if parts[i], failures[i] = unwrap(group, ids, keySize+1); failures[i] == nil {
				opened++
			}
		}
	}
	// Other groups may be enough without a plugin, which would ask its user.
	if open(agekey.WithoutPluginCalls(ids)); agekey.MayAsk(ids) {
		open(ids)
	}
	if opened < needed {
		return nil, m.groupsError(needed, failures)
	}
	key, ok := combine(slices.DeleteFunc(parts, func(part []byte) bool { return part == nil }))
	if !ok {
		return nil, ErrTampered
	}
	return key, nil
}

// The most groups, and recipients of a group, that an error names.
const (
	namedGroups     = 10
	namedRecipients = 3
)

// groupsError says which key groups opened, and which did not, and why.
func (m Metadata) groupsError(needed int, failures []error) error {
	var opened, closed []string
	kind := agekey.ErrNoMatch
	for i, failure := range failures {
		switch name := fmt.Sprintf("group %d", i+1); {
		case failure == nil:
			opened = append(opened, name)
		case !errors.Is(failure, agekey.ErrNoMatch):
			kind = ErrTampered
			closed = append(closed, name+" (one of its wrapped keys is damaged)")
		case agekey.PluginFailed(failure):
			kind = failure
			closed = append(closed, name+" ("+namesOf(m.groups[i])+")")
		case len(m.groups[i]) == 0:
			closed = append(closed, name+" (of PGP or a cloud's KMS, which are not used here)")
		default:
			closed = append(closed, name+" ("+namesOf(m.groups[i])+")")
		}
	}
	if len(opened) == 0 {
		opened = []string{"none"}
	}
	if more := len(closed) - namedGroups; more > 0 {
		closed = append(closed[:namedGroups], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("its data key is split among %d key groups, and it takes an identity of %d of them. Opened: %s. Not opened: %s: %w",
		len(failures), needed, strings.Join(opened, ", "), strings.Join(closed, ", "), kind)
}

// namesOf are some recipients of a group, shortened: a hybrid one has 2,000 characters.
func namesOf(group []wrappedKey) string {
	const most = 80
	var names []string
	for i, key := range group {
		if i == namedRecipients && len(group) > namedRecipients+1 {
			names = append(names, fmt.Sprintf("and %d more", len(group)-i))
			break
		}
		name := key.recipient
		if len(name) > most {
			name = name[:24] + "…"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// unwrap opens the first of some wrapped keys that an identity opens. Errors are
// agekey.ErrNoMatch, and that of a plugin too, and ErrTampered.
func unwrap(wrapped []wrappedKey, ids []agekey.Identity, size int) ([]byte, error) {
	key, err := agekey.OpenFirst(ownFirst(wrapped, ids), ids, func(key secret.Text) bool { return key.Len() == size })
	switch {
	case err == nil:
		return []byte(key.Reveal()), nil
	case errors.Is(err, agekey.ErrNoMatch):
		return nil, err
	}
	return nil, ErrTampered
}

// ownFirst returns the wrapped keys, those that name the recipient of an identity first:
// each trial of another one costs a key exchange. The name is not authenticated, so none
// is left out.
func ownFirst(wrapped []wrappedKey, ids []agekey.Identity) []string {
	names := agekey.Texts(agekey.Recipients(ids))
	var own, others []string
	for _, w := range wrapped {
		if slices.Contains(names, w.recipient) {
			own = append(own, w.enc)
		} else {
			others = append(others, w.enc)
		}
	}
	return append(own, others...)
}
