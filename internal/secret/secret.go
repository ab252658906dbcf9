// Package secret holds text that redacts itself.
//
// Plaintext values, env texts and private keys become a [Text] the moment they
// enter the program and stay one until they leave as ciphertext. Printing,
// formatting, logging or marshalling a Text gives [Redacted]; the one way to
// the plain text is [Text.Reveal], so that every use can be found by its name.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what every rendering of a Text shows.
const Redacted = "(redacted)"

// Text is plaintext that must not be shown. The zero value is the empty text.
//
// It holds a pointer and not the string itself: fmt does not call methods on
// unexported struct fields, and would print a plain string found there.
type Text struct {
	plain *string
}

// New returns s as a Text.
func New(s string) Text { return Text{plain: &s} }

// Reveal returns the plain text.
func (t Text) Reveal() string {
	if t.plain == nil {
		return ""
	}
	return *t.plain
}

// Len returns the length in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// IsEmpty reports whether there is no text.
func (t Text) IsEmpty() bool { return t.Len() == 0 }

// Equal compares in a time that depends on the lengths only.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String returns Redacted.
func (Text) String() string { return Redacted }

// GoString returns Redacted.
func (Text) GoString() string { return Redacted }

// Format writes Redacted, whatever the verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// MarshalText returns Redacted; encoding/json and encoding/xml use it.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns Redacted for log/slog.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
