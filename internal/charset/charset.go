// Package charset checks which characters a text is made of. It stands where a regular
// expression of one class would: one that is compiled when the program starts costs every
// start, up to milliseconds where it is repeated up to a bound.
package charset

// Set is a set of ASCII characters.
type Set [256]bool

// What sets are made of.
const (
	Upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Lower = "abcdefghijklmnopqrstuvwxyz"
	Digit = "0123456789"
)

// New returns the set of the characters.
func New(characters string) *Set {
	var s Set
	for i := range len(characters) {
		s[characters[i]] = true
	}
	return &s
}

// Holds reports whether the text has no other characters than those of the set. The
// empty text has none.
func (s *Set) Holds(text string) bool {
	for i := range len(text) {
		if !s[text[i]] {
			return false
		}
	}
	return true
}

// Prefix returns how many bytes at the beginning of the text are of the set.
func (s *Set) Prefix(text string) int {
	for i := range len(text) {
		if !s[text[i]] {
			return i
		}
	}
	return len(text)
}

// Begins reports whether the text begins with a character of the set.
func (s *Set) Begins(text string) bool { return text != "" && s[text[0]] }
