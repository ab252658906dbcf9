package firstboot

import (
	"fmt"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What a File gets where its user says nothing.
const (
	DefaultOwner  = "root"
	DefaultGroup  = "root"
	DefaultMode   = "0600"
	DefaultLayout = LayoutFile
)

// Layout is what becomes of a payload.
type Layout string

// The layouts.
const (
	LayoutFile      Layout = "file"      // the plaintext is the file
	LayoutDirectory Layout = "directory" // the plaintext is a tar, whose files are put into a directory that is swapped in as one
)

// Layouts lists all layouts, the default first.
func Layouts() []Layout { return []Layout{LayoutFile, LayoutDirectory} }

// Exposure is how far a file's values may get on the box.
type Exposure string

// The exposures.
const (
	ExposureFile Exposure = "file" // they are read from the file
	ExposureEnv  Exposure = "env"  // they become a container's environment, which docker shows
)

// Exposures lists all exposures, the default first.
func Exposures() []Exposure { return []Exposure{ExposureFile, ExposureEnv} }

// File is one file to drop, or one directory of files.
type File struct {
	// Payload is a binary age file, sealed to the recipient of the identity. Its plaintext is what is dropped, byte for byte; for a
	// directory it is a tar of regular files, see CheckTar.
	Payload []byte
	// Layout says which; empty is DefaultLayout.
	Layout Layout
	// Path is where; see CheckPath.
	Path string
	// Owner and Group are names or numbers; see CheckOwner and CheckGroup.
	Owner, Group string
	// Mode is octal; see CheckMode. A directory's own mode is the same with
	// leave to enter for whoever may read.
	Mode string
	// EveryBoot has it dropped again at each boot, before docker starts: for
	// paths that do not survive one, as those in /run. The payload, and an
	// identity that travels, stay on the box for that, readable by root only.
	EveryBoot bool
	// Exposure says whether `ageenv verify` minds a container that shows the
	// values; empty is ExposureFile.
	Exposure Exposure
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
	// Exactly one of the next three is set. Identity is one X25519 identity,
	// AGE-SECRET-KEY-1…, without line end. It travels in the script.
	Identity secret.Text
	// IdentityFile is a path on the box, see CheckIdentityFile. If nothing is
	// there, the files are dropped when it appears.
	IdentityFile string
	// IdentityCommand is a shell command, see CheckCommand, whose output is the
	// identity. It runs as root whenever files are dropped, for at most a
	// minute.
	IdentityCommand string
	// BlockMetadata closes what shows the script to others on the box: the
	// metadata service at 169.254.169.254 for all but cloud-init and
	// MetadataUnits, and cloud-init's copies.
	BlockMetadata bool
	// MetadataUnits are systemd units that may ask the metadata service although it
	// is closed; see CheckMetadataUnit.
	MetadataUnits []string
	// RestartUnits are systemd units that are restarted when a file has
	// changed; see CheckUnit.
	RestartUnits []string
	// RecreateCompose are the directories of docker compose projects whose
	// containers are made anew then; see CheckDirectory.
	RecreateCompose []string
	// RunAfter are shell commands that are run then, last; see CheckCommand.
	RunAfter []string
	// UserScript is a program of the user's that runs once per instance, as root,
	// after all of that; see CheckUserScript. Empty: none.
	UserScript string
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
