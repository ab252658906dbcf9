package firstboot

import (
	"errors"
	"strings"
)

// quote returns s as one word of a POSIX shell, in single quotes, within which
// nothing but the quote itself has a meaning. It refuses a NUL byte, which no
// shell can hold, and line ends: quoted they would be exact, but the template
// is rendered line by line.
func quote(s string) (string, error) {
	if strings.ContainsAny(s, "\x00\n\r") {
		return "", errors.New("a NUL byte or a line end cannot be written into the script")
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}
