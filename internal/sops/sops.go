// Package sops encrypts and decrypts files in the format of getsops/sops: the
// dotenv store, with a data key wrapped by age.
//
//   - sops.go: errors, limits, and which version's format this is
//   - dotenv.go: encrypting and decrypting env text
//   - lines.go: the dotenv store's lines
//   - value.go: ENC[…] values
//   - datakey.go: the data key and its age recipients
//   - metadata.go: the sops_* lines
//   - mac.go: the message authentication code
//
// It follows sops 3.13 and reads stricter than sops does wherever the MAC leaves
// a gap: names that are there twice, text after a value's "]", values and comments
// in clear, empty values, and types that read back as other text are refused.
// Neither sops nor age proves who encrypted a file.
//
// Source: https://github.com/getsops/sops, stores/dotenv, aes, age and sops.go.
package sops

import (
	"errors"
	"fmt"
)

// FormatVersion is the sops version whose format is written, as sops_version.
const FormatVersion = "3.13.3"

// MaxSize is the largest file that is read or written, in bytes.
const MaxSize = 16 << 20

// Errors that callers decide on. agekey.ErrNoMatch is one more: the file is
// sealed to other recipients.
var (
	// ErrTampered: a value, the order, or the MAC was changed after encryption.
	ErrTampered = errors.New("it was changed after it was encrypted: its authentication fails")
	// ErrNotSOPS: there is no sops metadata in the text.
	ErrNotSOPS = errors.New("it is not a file that sops encrypted: its sops_* metadata lines are missing")
	// ErrTooLarge: the text is larger than MaxSize.
	ErrTooLarge = errors.New("it is larger than 16 MiB, the most that is read")
)

// Error tells which line can't be read or written, without its content.
type Error struct {
	Line    int    // from 1
	Key     string // empty where no valid name was read
	Problem string
	err     error // ErrTampered, or nil
}

// Error says where and what.
func (e *Error) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("line %d, %s: %s", e.Line, e.Key, e.Problem)
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

// Unwrap returns the sentinel, if the error is one of its kind.
func (e *Error) Unwrap() error { return e.err }
