// Package agekey makes, reads and uses age keys: recipients, identities, the
// files sealed to them, and identities that are themselves kept sealed
// ("wrapped").
//
//   - agekey.go: kinds of keys, and the errors that callers tell apart
//   - recipient.go: public keys, and which of them age lets into one file
//   - identity.go: private keys, key files and SSH keys
//   - plugin.go: keys of age plugins, on a YubiKey or in a TPM
//   - private.go: what looks like a private key, wherever it stands
//   - seal.go: age files, armored and binary
//   - open.go: opening them, with plugins last
//   - memory.go: what plugins have answered, so that none is asked twice
//   - wrap.go: an identity sealed to its escrow recipients
//   - operators.go: which list of operators is followed, and how two lists differ
//   - sources.go: where sops looks for identities, and in which order
//
// age's own parse errors quote their input, which may be a private key pasted
// into the wrong place. No error of this package holds what it was given, nor
// any text of the age library; the place (a line, an index) is named instead.
//
// Formats: age-encryption.org/v1 and the key file that age-keygen writes.
package agekey

import "errors"

// Kind is the type of a key.
type Kind string

// The kinds of keys that files can be sealed to.
const (
	X25519     Kind = "X25519"
	Hybrid     Kind = "hybrid post-quantum (ML-KEM-768 + X25519)"
	SSHEd25519 Kind = "ssh-ed25519"
	SSHRSA     Kind = "ssh-rsa"
)

// Errors that callers decide on.
var (
	// ErrPrivateKey: a private key stands where a public one belongs.
	ErrPrivateKey = errors.New("this is a private key (identity), and a recipient is a public one: " +
		"give its public half (age-keygen -y FILE prints it, and the comment above an age plugin's identity names it), and treat the key as leaked if it was saved or committed like this")
	// ErrMalformedRecipient: not a recipient of any known kind.
	ErrMalformedRecipient = errors.New("this is not a recipient: expected age1…, age1pq1…, age1NAME1… of an age plugin, ssh-ed25519 … or ssh-rsa …, whole and unaltered")
	// ErrRecipientList: several recipients, or a recipients file, where one belongs.
	ErrRecipientList = errors.New("this is a list of recipients, and each element is one: " +
		"write [\"age1…\", \"age1…\"] for \"age1…,age1…\", and for a recipients file " +
		"[for line in split(\"\\n\", file(\"recipients.txt\")) : trimspace(line) if can(regex(\"^(age1|ssh-)\", line))]")
	// ErrMixedRecipients: age refuses these recipients in one file.
	ErrMixedRecipients = errors.New("age can't mix post-quantum recipients (age1pq1…) with classic ones (age1…, ssh-…) in one file: " +
		"it would be only as strong as the classic ones; use recipients of one class")
	// ErrMixedPlugins: what a plugin says of its recipient keeps it from being in one
	// file with the others. This is known only when it is asked.
	ErrMixedPlugins = errors.New("an age plugin says that its recipient can't be in one age file with the others " +
		"(as a post-quantum one can't be with classic ones): use recipients of one class; nothing was changed")
	// ErrTooManyRecipients: age would write such a file, and refuses to read it.
	ErrTooManyRecipients = errors.New("there are more recipients than the 1,024 that age reads in one file")
	// ErrNoRecipient: there is nobody to seal to.
	ErrNoRecipient = errors.New("no recipient is given: nobody could ever open the result")
	// ErrNoMatch: the file is in order, but sealed to other recipients.
	ErrNoMatch = errors.New("none of the identities opens it: it is sealed to other recipients")
	// ErrCorrupt: the file is no age file, was cut off, or was changed.
	ErrCorrupt = errors.New("it is not a whole, unaltered age file: it was cut off or tampered with, or is something else")
	// ErrTooLarge: the file is larger than MaxSize.
	ErrTooLarge = errors.New("it is larger than 16 MiB, the most that is read")
)

// MaxSize is the largest sealed file that is read or written, in bytes.
const MaxSize = 16 << 20
