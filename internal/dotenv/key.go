package dotenv

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

var (
	keyStart         = charset.New(charset.Upper + charset.Lower + "_")
	keyCharacters    = charset.New(charset.Upper + charset.Lower + charset.Digit + "_")
	dottedCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_.-")
)

// isKey reports whether a name is one of those that compose, docker, systemd and every
// shell read alike: systemd drops others, and a shell runs A.B=7 as a command.
func isKey(key string) bool { return keyStart.Begins(key) && keyCharacters.Holds(key) }

// isDottedKey is isKey with what compose and docker read beyond that.
func isDottedKey(key string) bool { return keyStart.Begins(key) && dottedCharacters.Holds(key) }

// sopsPrefix begins the names of sops' own metadata lines.
const sopsPrefix = "sops_"

// clearSuffix ends the names whose values sops stores in clear.
const clearSuffix = "_unencrypted"

// controlsProcess names variables that give whoever sets them control of a process.
var controlsProcess = map[string]bool{"BASH_ENV": true, "IFS": true, "PATH": true}

// checkKey returns an *Error if the name is not safe where it must be one of those.
func checkKey(key string, isOne func(key string) bool) error {
	switch {
	case key == "":
		return &Error{Problem: "the name is empty: write NAME=value"}
	// The name is not shown: text that is no name is often a piece of a value.
	case !isOne(key) && isDottedKey(key):
		return &Error{Problem: "the name has a . or a -, which only the dialects compose and docker can hold: use letters, digits and _"}
	case !isOne(key):
		return &Error{Problem: "the name is not one that every program reads: use letters, digits and _, and no digit first"}
	case controlsProcess[key] || strings.HasPrefix(key, "LD_"):
		return &Error{Key: key, Problem: "this name takes over the program that reads it, so it is refused: set it where the program is started"}
	case strings.HasPrefix(key, sopsPrefix):
		return &Error{Key: key, Problem: "names that begin with sops_ belong to sops' metadata: choose another"}
	case strings.HasSuffix(key, clearSuffix):
		return &Error{Key: key, Problem: "sops stores names that end in _unencrypted in clear: choose another"}
	}
	return nil
}
