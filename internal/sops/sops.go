// Package sops encrypts and decrypts files in the format of getsops/sops, with a
// data key wrapped by age: it writes the dotenv, binary, YAML and JSON stores, and
// reads those and INI.
//
//   - sops.go: errors, limits, and which version's format this is
//   - encrypt.go: writing the dotenv and the binary store
//   - encrypt_tree.go: writing YAML and JSON, Kubernetes Secrets among them
//   - decrypt.go: reading any store, with what sops does not authenticate refused
//   - leaves.go: what a file shows of its values unopened
//   - store.go: the stores, and what each makes of a file: leaves to decrypt
//   - dotenv.go, json.go, yaml.go, yaml_merge.go, yaml_emit.go, ini.go: the stores,
//     one by one
//   - remedies.go: what git does to files of sops, and what to do then
//   - value.go, cut.go: ENC[…] values, what they are made of, and their types
//   - types.go: what a value's type, which is not authenticated, could change
//   - metadata.go, fieldnames.go: what a file says of itself, and under which names
//   - datakey.go, shamir.go: the data key, its age recipients and key groups
//   - mac.go: the message authentication code
//
// It follows sops 3.13 and reads stricter than sops does wherever the MAC leaves
// a gap: names that are there twice, text after a value's "]", values and comments
// in clear, empty values, and types that read back as other text are refused,
// unless the reader asks for them. A text that could be a truth value is read, with a
// warning. Neither sops nor age proves who encrypted a
// file.
//
// Source: https://github.com/getsops/sops, stores, aes, age, shamir and sops.go.
package sops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// FormatVersion is the sops version whose format is written, as sops_version.
const FormatVersion = "3.13.3"

// MaxSize is the largest file that is read or written, in bytes.
const MaxSize = 16 << 20

// The largest files that are read of the stores whose parsers are others', in
// bytes: those take many times a file's size in memory, and the one for INI a time
// that grows with its square.
const (
	MaxTree = 2 << 20   // JSON and YAML
	MaxINI  = 256 << 10 // INI
)

// Errors that callers decide on. agekey.ErrNoMatch is one more: the file is
// sealed to other recipients.
var (
	// ErrTampered: a value, the order, or the MAC was changed after encryption.
	ErrTampered = errors.New("it was changed after it was encrypted: its authentication fails")
	// ErrNotSOPS: there is no sops metadata in the text.
	ErrNotSOPS = errors.New("it is not a file that sops encrypted: its sops metadata is missing")
	// ErrTooLarge: the text is larger than MaxSize, MaxTree or MaxINI.
	ErrTooLarge = errors.New("it is larger than what is read: 16 MiB, 2 MiB of JSON or YAML, 256 KiB of INI")
	// ErrUnauthenticated: some of the file is not authenticated, or not as a
	// whole, and the reader did not ask for such.
	ErrUnauthenticated = errors.New("sops does not authenticate some of the file")
)

// Error tells which entry can't be read or written, without its content.
type Error struct {
	Line    int    // from 1; 0 where the store has no lines
	Key     string // the entry's name, flattened; empty where no valid name was read
	Problem string
	err     error // ErrTampered, ErrUnauthenticated, or nil
}

// How much of a name is shown: this many parts between dots, each this long at most.
// sops leaves every name in clear; what is long may be something else that was put in
// the wrong place, such as a key.
const (
	maxShownParts = 10
	maxShownPart  = 48
)

var shownCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_-")

func isShown(name string) bool {
	parts := 0
	for part := range strings.SplitSeq(name, ".") {
		if parts++; parts > maxShownParts || part == "" || len(part) > maxShownPart || !shownCharacters.Holds(part) {
			return false
		}
	}
	return true
}

// shownName is the name, or the empty text if it can't be shown. A private key that was
// cut off is short enough.
func shownName(name string) string {
	if !isShown(name) || agekey.ContainsPrivateKey(name) {
		return ""
	}
	return name
}

// Error says where and what.
func (e *Error) Error() string {
	name := shownName(e.Key)
	switch {
	case e.Line > 0 && name != "":
		return fmt.Sprintf("line %d, %s: %s", e.Line, name, e.Problem)
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	case name != "":
		return fmt.Sprintf("%s: %s", name, e.Problem)
	}
	return e.Problem
}

// Unwrap returns the sentinel, if the error is one of its kind.
func (e *Error) Unwrap() error { return e.err }
