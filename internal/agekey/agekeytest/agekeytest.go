// Package agekeytest makes identities of every kind, for tests.
//
//   - agekeytest.go: age's and SSH keys
//   - plugin.go: keys of the test plugin
package agekeytest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// X25519 is a new age identity.
func X25519(tb testing.TB) agekey.Identity {
	tb.Helper()
	id, err := agekey.GenerateX25519()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Hybrid is a new post-quantum identity.
func Hybrid(tb testing.TB) agekey.Identity {
	tb.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	return Parse(tb, id.String())
}

// SSHEd25519 is a new SSH key.
func SSHEd25519(tb testing.TB) agekey.Identity {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return sshIdentity(tb, key)
}

// FixedSSHEd25519 is the same SSH key in every process: what is sealed to it can be
// kept in a corpus, and there is no identity in the repository.
func FixedSSHEd25519(tb testing.TB) agekey.Identity {
	tb.Helper()
	return sshIdentity(tb, ed25519.NewKeyFromSeed([]byte(strings.Repeat("\x01", ed25519.SeedSize))))
}

// SSHRSA is a new SSH key.
func SSHRSA(tb testing.TB) agekey.Identity {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return sshIdentity(tb, key)
}

func sshIdentity(tb testing.TB, key crypto.PrivateKey) agekey.Identity {
	tb.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	return Parse(tb, string(pem.EncodeToMemory(block)))
}

// Parse reads one identity.
func Parse(tb testing.TB, text string) agekey.Identity {
	tb.Helper()
	ids, err := agekey.ParseIdentities(secret.New(text))
	if err != nil {
		tb.Fatal(err)
	}
	return ids[0]
}

// Kinds is an identity of every kind, by its name.
func Kinds(tb testing.TB) map[string]agekey.Identity {
	tb.Helper()
	return map[string]agekey.Identity{"x25519": X25519(tb), "hybrid": Hybrid(tb), "ssh-ed25519": SSHEd25519(tb), "ssh-rsa": SSHRSA(tb)}
}
