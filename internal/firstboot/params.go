package firstboot

import (
	"fmt"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What a File gets where its user says nothing.
const (
	DefaultOwner = "root"
	DefaultGroup = "root"
	DefaultMode  = "0600"
)

// File is one file to drop.
type File struct {
	// Payload is a binary age file, sealed to the recipient of
	// Params.Identity. Its plaintext is what is dropped, byte for byte.
	Payload []byte
	// Path is where; see CheckPath.
	Path string
	// Owner and Group are names or numbers; see CheckOwner and CheckGroup.
	Owner, Group string
	// Mode is octal; see CheckMode.
	Mode string
	// SourceDigest is the SHA-256 of the bundle's ciphertext, 64 lower-case hex
	// digits, or empty. The script does not check it: it reports it, so that a
	// box can be asked which bundle it has.
	SourceDigest string
}

// Params is all that a script is made of.
type Params struct {
	// Name goes before what the script prints, and into the status file. It may
	// be empty.
	Name string
	// Files has at least one element.
	Files []File
	// Identity is one X25519 identity, AGE-SECRET-KEY-1…, without line end. It
	// travels in the script.
	Identity secret.Text
}

// ParamError is a parameter that is refused.
type ParamError struct {
	// Index is that of the file, or -1 if it is not a file's.
	Index int
	// Field is the name of the field of File, or of Params if Index is -1.
	Field string
	// Problem says what is wrong and what to write.
	Problem string
}

func (e *ParamError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("%s %s", e.Field, e.Problem)
	}
	return fmt.Sprintf("files[%d]: %s %s", e.Index, e.Field, e.Problem)
}
