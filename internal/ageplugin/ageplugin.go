// Package ageplugin asks age plugins: programs named age-plugin-NAME on PATH that
// hold keys on a YubiKey, in a TPM or elsewhere.
//
//   - ageplugin.go: what can be asked, and the errors
//   - queue.go: one question at a time, and when a plugin is given up
//   - run.go: the process that asks for one answer, with its bounds
//   - child.go: what that process does, with age's own plugin package
//   - environment.go: the environment variables that a plugin gets
//   - process_unix.go, process_windows.go: how a plugin and all it started are ended
//   - parents_linux.go, parents_darwin.go, parents_other.go: whose child a process is
//
// age's plugin package hands its whole environment to the plugin, waits for it
// without a limit and quotes it in errors. So it runs in a child process, the same
// program again: with an environment of known variables, in a session of its own,
// which is killed at the deadline, when the caller gives up, and after the answer.
// Secrets go through pipes. No error holds what a plugin said: it may quote a key.
package ageplugin

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Fault is why a plugin gave no answer.
type Fault string

// The faults.
const (
	Missing    Fault = "missing"     // no such program on PATH
	Relative   Fault = "relative"    // it is found by a relative path, which could be anybody's
	NotStarted Fault = "not started" // it is there, and can't be run
	Refused    Fault = "refused"     // it answered with an error
	TimedOut   Fault = "timed out"
	GivenUp    Fault = "given up" // it is not asked, after it timed out several times
	Asked      Fault = "asked"    // for a PIN or another text
	Confirm    Fault = "confirm"  // asked for a confirmation
	Flooded    Fault = "flooded"  // it sent more than is read
	Ended      Fault = "ended"    // it ended without an answer
	Malformed  Fault = "malformed"
	Harmful    Fault = "harmful" // it encrypted so that others could not open the file
	Canceled   Fault = "canceled"
	NoProcess  Fault = "no process" // the child process failed
)

// ErrNoMatch means that none of the identities belongs to the file.
var ErrNoMatch = errors.New("the age plugin's identities belong to none of the recipients")

// Error says which plugin gave no answer, why, and what to do.
type Error struct {
	Name    string // of the plugin, without age-plugin-
	Fault   Fault
	Message bool // whether it showed a message, as for a touch
}

// Program is the name of a plugin's program.
func Program(name string) string { return "age-plugin-" + name }

func (e *Error) Error() string {
	const prompts = "Nobody can be asked through Terraform. Use a key without one, or let the plugin show its own prompt (as with a graphical pinentry)"
	text := "the program " + Program(e.Name) + " "
	switch e.Fault {
	case Missing:
		text += "is not on PATH: install this age plugin where Terraform runs"
	case Relative:
		text += "is on PATH only in a directory with a relative path, from which no plugin is started: write that directory as an absolute path"
	case NotStarted:
		text += "is on PATH and can't be started: check that it may be run and is built for this machine"
	case Refused:
		text += "refused, or its key is not there. What it said may quote a key and is not shown: age -d with the same identity shows it"
	case TimedOut:
		text += fmt.Sprintf("did not answer within %s", currentTimeout())
		if e.Message {
			text += ". It had shown a message, which asks for a touch as a rule: have the key ready and run this again"
		} else {
			text += ": it may wait for its key or for a touch"
		}
	case GivenUp:
		text += "was not asked again, because it did not answer in time before: have its key ready and run this again"
	case Asked:
		text += "asked for a PIN or another text. " + prompts
	case Confirm:
		text += "asked for a confirmation. " + prompts
	case Flooded:
		text += "sent more than is read of a plugin, and was ended"
	case Ended:
		text += "ended without an answer"
	case Malformed:
		text += "sent what is not the protocol of age plugins: update it"
	case Harmful:
		text += "made what would keep the other recipients from opening the file: update it"
	case Canceled:
		text += "was ended, because this run was interrupted"
	case NoProcess:
		text += "was not asked: the provider could not start a process of its own"
	}
	return text
}

// OnPath reports whether the plugin's program is on PATH.
func OnPath(name string) bool { return lookUp(name) == "" }

// lookUp returns why a plugin's program can't be started, as far as PATH tells; else
// nothing.
func lookUp(name string) Fault {
	switch _, err := exec.LookPath(Program(name)); {
	case errors.Is(err, exec.ErrDot):
		return Relative
	case err != nil:
		return Missing
	}
	return ""
}

// Wrapped is a file key, encrypted to a recipient of a plugin.
type Wrapped struct {
	Stanzas []*age.Stanza
	Labels  []string // age puts only recipients with the same labels into one file
}

// maxStanzas is how many stanzas a plugin may make for one recipient. A file has 1,024
// at most.
const maxStanzas = 64

// Wrap has the plugin encrypt a file key to a recipient. Errors are *Error.
func Wrap(ctx context.Context, name, recipient string, fileKey []byte) (Wrapped, error) {
	a, err := run(ctx, request{Name: name, Recipient: recipient, FileKey: fileKey})
	if err != nil {
		return Wrapped{}, err
	}
	if len(a.Stanzas) == 0 || len(a.Stanzas) > maxStanzas {
		return Wrapped{}, &Error{Name: name, Fault: Malformed}
	}
	return Wrapped{Stanzas: a.Stanzas, Labels: a.Labels}, nil
}

// fileKeySize is the size of an age file's key, in bytes.
const fileKeySize = 16

// Unwrap has the plugin decrypt a file key with the first of its identities that can.
// Errors are ErrNoMatch and *Error.
func Unwrap(ctx context.Context, name string, identities []secret.Text, stanzas []*age.Stanza) (fileKey []byte, err error) {
	r := request{Name: name, Stanzas: stanzas}
	for _, identity := range identities {
		r.Identities = append(r.Identities, identity.Reveal())
	}
	a, err := run(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(a.FileKey) != fileKeySize {
		return nil, &Error{Name: name, Fault: Malformed}
	}
	return a.FileKey, nil
}
