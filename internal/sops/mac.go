package sops

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// mac hashes all values of a file in their order: no names, nothing between them.
type mac struct {
	sum hash.Hash
}

func newMAC(onlyEncrypted bool) mac {
	m := mac{sha512.New()}
	if onlyEncrypted {
		// sops begins with a constant here, so that one kind of MAC can't pass
		// for the other.
		prefix := sha256.Sum256([]byte("sops"))
		m.sum.Write(prefix[:])
	}
	return m
}

func (m mac) add(value []byte) { m.sum.Write(value) }

// text is the digest in uppercase hex. It is a digest of plaintext, so it is a
// secret too.
func (m mac) text() secret.Text { return secret.New(fmt.Sprintf("%X", m.sum.Sum(nil))) }

func (m mac) matches(stored []byte) bool {
	return subtle.ConstantTimeCompare([]byte(m.text().Reveal()), stored) == 1
}
