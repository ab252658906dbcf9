// Package bundle seals env documents to recipients and opens them again.
//
//   - format.go: the formats, in one table
//   - bundle.go: how a bundle is sealed, and who and what its format can hold
//   - content.go: what is sealed, and what is carried over from an older bundle
//   - files.go: the tar in which one file per key travels
//   - tree.go: YAML and JSON documents
//   - kubernetes.go: the manifest of a Kubernetes Secret
//   - kubernetes_rules.go: what Kubernetes takes of one
//   - seal.go: sealing
//   - open.go: opening, also what others made
//   - inspect.go: what a bundle shows unopened
//   - generate.go: values made at random
//   - change.go: what counts as a change of content
//   - decide.go: what an apply does with a bundle that exists
//   - effect.go: which values that changes, and why
//   - generated.go: which generated values stay
//   - reencrypt.go: re-encryption for a box
//
// A bundle is a text that people commit and that others' tools open: sops for the
// formats that begin with sops, age for age_dotenv and age_files. Encryption is
// randomized, so a bundle stays the same only by being kept; every sealing takes a
// fresh key.
package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// MaxText is the longest env text, or tar, that is sealed, in bytes.
const MaxText = 4 << 20

// maxVariable is the longest NAME=value, in bytes, that Linux hands to a program: 32
// pages, less the NUL byte.
const maxVariable = 131071

// Params says how to seal.
type Params struct {
	Format     Format
	Dialect    dotenv.Dialect     // of env text that is given
	Readers    []dotenv.Reader    // of the env text inside; empty: the dialect's program; nothing to formats without one
	Recipients []agekey.Recipient // everybody who is to open it
	Kubernetes *Kubernetes        // of sops_kubernetes; nil where it is not known, and elsewhere
}

// TextReaders are who is to read the env text inside.
func (p Params) TextReaders() []dotenv.Reader {
	if len(p.Readers) == 0 {
		return []dotenv.Reader{dotenv.Reader(p.Dialect)}
	}
	return p.Readers
}

// codec is how the env text inside is written.
func (p Params) codec() (dotenv.Codec, error) { return dotenv.NewCodec(p.TextReaders()...) }

// sameReaders reports whether the env text inside is for the same readers.
func (p Params) sameReaders(other Params) bool {
	sorted := func(readers []dotenv.Reader) []dotenv.Reader {
		return slices.Compact(slices.Sorted(slices.Values(readers)))
	}
	return slices.Equal(sorted(p.TextReaders()), sorted(other.TextReaders()))
}

// CheckRecipients returns agekey.ErrNoRecipient, agekey.ErrMixedRecipients or
// agekey.ErrTooManyRecipients if the format can't be sealed to these recipients. sops may mix all kinds.
func (p Params) CheckRecipients() error {
	if len(p.Recipients) == 0 {
		return agekey.ErrNoRecipient
	}
	if p.Format.IsAge() {
		return agekey.CheckTogether(p.Recipients)
	}
	return nil
}

// CheckName returns a *dotenv.Error if the format or the readers can't hold an
// entry of that name.
func (p Params) CheckName(key string) error {
	switch {
	case p.Format == AgeFiles:
		return checkFileName(key)
	case p.Format.isTree():
		return p.checkTreeName(key)
	}
	codec, err := p.codec()
	if err != nil {
		return err
	}
	return codec.CheckKey(key)
}

// CheckEntry returns a *dotenv.Error if the format or the readers can't hold the
// entry.
func (p Params) CheckEntry(key string, value secret.Text) error {
	if err := p.CheckName(key); err != nil || p.Format == AgeFiles {
		return err
	}
	if p.Format.isTree() {
		return p.checkTreeEntry(key, value)
	}
	codec, err := p.codec()
	if err != nil {
		return err
	}
	entry := dotenv.Line{Key: key, Value: value}
	text, err := codec.Encode(dotenv.Document{Lines: []dotenv.Line{entry}})
	if err != nil {
		return err
	}
	return p.checkText(codec, entry, text.Reveal())
}

// checkText returns a *dotenv.Error if the format or the kernel can't hold an entry that
// is written as this text.
func (p Params) checkText(codec dotenv.Codec, entry dotenv.Line, text string) error {
	if len(entry.Key)+len("=")+entry.Value.Len() > maxVariable {
		return &dotenv.Error{Key: entry.Key, Problem: fmt.Sprintf("NAME=value is longer than %d bytes, and the kernel starts no program with such a variable: use format = \"age_files\", which puts the value into a file", maxVariable)}
	}
	if p.Format == SOPSDotenv {
		return p.checkLine(codec, entry.Key, text)
	}
	return nil
}

// checkLine is an error if the entry's text is not the one line that sops' dotenv
// store encrypts: what follows in a second line would be taken for a name of its
// own, and be in clear.
func (p Params) checkLine(codec dotenv.Codec, key, text string) error {
	line := strings.TrimSuffix(text, "\n")
	var problem string
	switch {
	case strings.Contains(line, "\n"):
		problem = "writes a line break as it is, and sops_dotenv holds an entry in one line"
	case strings.HasSuffix(line, "\r"):
		problem = "writes a trailing CR as it is, and sops_dotenv would take the line for one of a CR LF file"
	case line == key+"=":
		problem = "writes an empty value as nothing, and sops does not authenticate that in sops_dotenv"
	default:
		return nil
	}
	if len(p.Readers) > 0 {
		return &dotenv.Error{Key: key, Problem: fmt.Sprintf("the spelling for %s %s: use format sops_binary or age_dotenv, or other readers", codec, problem)}
	}
	return &dotenv.Error{Key: key, Problem: fmt.Sprintf("the %s dialect %s: use format sops_binary or age_dotenv, or dialect compose", p.Dialect, problem)}
}
