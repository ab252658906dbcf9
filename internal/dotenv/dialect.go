package dotenv

import (
	"strings"
	"unicode/utf8"
)

// Dialect names the program whose rules an env text follows.
type Dialect string

// Compose is docker compose's: env_file, and .env beside the compose file.
const Compose Dialect = "compose"

// Dialects lists all dialects, the default first.
func Dialects() []Dialect { return []Dialect{Compose} }

// check returns what keeps the dialect from holding the value, or "".
func (d Dialect) check(value string) string {
	switch {
	case strings.ContainsRune(value, 0):
		return "the value holds a NUL byte, which no environment can hold: encode it, for example as base64"
	case !utf8.ValidString(value):
		return "the value is not valid UTF-8: encode it, for example as base64"
	}
	return ""
}

// CheckValue returns an *Error if the dialect can't hold the value.
func (d Dialect) CheckValue(key, value string) error {
	if problem := d.check(value); problem != "" {
		return &Error{Key: key, Problem: problem}
	}
	return nil
}
