package agekey

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Identity is a private key that opens what is sealed to its recipient.
type Identity struct {
	age       age.Identity
	text      secret.Text
	recipient Recipient
	plugin    *pluginIdentity // nil of an identity that needs none
}

// Recipient returns the public half. That of a plugin's identity is known only if its
// key file names it in a comment; else it is an empty text, with a kind.
func (i Identity) Recipient() Recipient { return i.recipient }

// Text returns the identity as age writes it (AGE-SECRET-KEY-1…), or the PEM
// text of an SSH key.
func (i Identity) Text() secret.Text { return i.text }

// Age returns the identity for use with the age library.
func (i Identity) Age() age.Identity { return i.age }

// String redacts.
func (Identity) String() string { return secret.Redacted }

// GoString redacts.
func (Identity) GoString() string { return secret.Redacted }

// Format redacts, whatever the verb.
func (i Identity) Format(f fmt.State, verb rune) { i.text.Format(f, verb) }

// GenerateX25519 makes a new X25519 identity.
func GenerateX25519() (Identity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return Identity{}, errors.New("the system gave no random bytes for a new key")
	}
	return fromX25519(id), nil
}

// GenerateHybrid makes a new post-quantum identity.
func GenerateHybrid() (Identity, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return Identity{}, errors.New("the system gave no random bytes for a new key")
	}
	return fromHybrid(id), nil
}

func fromX25519(id *age.X25519Identity) Identity {
	recipient := Recipient{age: id.Recipient(), text: id.Recipient().String(), kind: X25519}
	return Identity{age: id, text: secret.New(id.String()), recipient: recipient}
}

func fromHybrid(id *age.HybridIdentity) Identity {
	recipient := Recipient{age: id.Recipient(), text: id.Recipient().String(), kind: Hybrid}
	return Identity{age: id, text: secret.New(id.String()), recipient: recipient}
}

// ParseIdentities reads a key file: age identities, one a line, those of plugins too,
// with empty lines and # comments between them, or one SSH private key in PEM. An error
// names the line and never holds it. A text without an identity is an error.
func ParseIdentities(text secret.Text) ([]Identity, error) {
	ids, problems := readIdentities(text)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return ids, nil
}

// readIdentities is ParseIdentities, and returns what can be used next to what can't:
// one line hides no other.
func readIdentities(text secret.Text) (ids []Identity, problems []error) {
	plain := text.Reveal()
	trimmed := strings.TrimSpace(plain)
	switch {
	case strings.HasPrefix(trimmed, "age-encryption.org/") || strings.HasPrefix(trimmed, "-----BEGIN AGE"):
		return nil, []error{errors.New("this key file is itself encrypted: decrypt it first (age -d), nobody can be asked for a passphrase here")}
	case strings.HasPrefix(trimmed, "-----BEGIN "):
		id, err := parseSSHIdentity(plain)
		if err != nil {
			return nil, []error{err}
		}
		return []Identity{id}, nil
	}

	var claimed []Recipient // by comments since the last identity
	asked := newMemory()
	for number, line := range strings.Split(plain, "\n") {
		line = strings.TrimSpace(line)
		if r, ok := commentedRecipient(line); ok {
			claimed = append(claimed, r)
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := parseIdentity(line, claimed, asked)
		claimed = nil
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", number+1, err))
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 && len(problems) == 0 {
		problems = []error{errors.New("there is no identity in it: expected a line AGE-SECRET-KEY-1…, as age-keygen writes it, or an SSH private key")}
	}
	return ids, problems
}

func parseIdentity(line string, claimed []Recipient, asked *memory) (Identity, error) {
	switch {
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
		if id, err := age.ParseHybridIdentity(line); err == nil {
			return fromHybrid(id), nil
		}
	case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
		if id, err := age.ParseX25519Identity(line); err == nil {
			return fromX25519(id), nil
		}
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return parsePluginIdentity(line, claimed, asked)
	case strings.HasPrefix(line, "age1"), strings.HasPrefix(line, "ssh-"):
		return Identity{}, errors.New("this is a recipient (a public key), and an identity is a private one: give the key file's AGE-SECRET-KEY-… line")
	}
	return Identity{}, errors.New("this is not an identity: expected AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1… or AGE-PLUGIN-NAME-1…, whole and unaltered")
}

func parseSSHIdentity(pem string) (Identity, error) {
	signer, err := ssh.ParsePrivateKey([]byte(pem))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return Identity{}, errors.New("this SSH key has a passphrase, and nobody can be asked for it here: use an age key, or a copy without one")
	case err != nil:
		return Identity{}, errors.New("this is not a whole SSH private key: expected the PEM text of an ssh-ed25519 or ssh-rsa key")
	}
	id, err := agessh.ParseIdentity([]byte(pem))
	if err != nil {
		return Identity{}, errors.New("age can't use this SSH key: only ssh-ed25519 and ssh-rsa keys work")
	}
	recipient, err := parseSSHRecipient(authorizedKey(signer.PublicKey()))
	if err != nil {
		return Identity{}, errors.New("age can't use this SSH key: only ssh-ed25519 and ssh-rsa keys of 2048 bits or more work")
	}
	return Identity{age: id, text: secret.New(pem), recipient: recipient}, nil
}

// Recipients returns the public halves that are known, each once, sorted. See
// PluginsOfUnknownRecipient for the others.
func Recipients(ids []Identity) []Recipient {
	var recipients []Recipient
	for _, id := range ids {
		if id.recipient.text != "" {
			recipients = append(recipients, id.recipient)
		}
	}
	return Union(recipients)
}
