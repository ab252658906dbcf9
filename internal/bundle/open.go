package bundle

import (
	"errors"
	"fmt"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Errors that callers decide on.
var (
	// ErrUnknownFormat: the text is no bundle.
	ErrUnknownFormat = errors.New("it is neither a file that sops encrypted nor an age file: " +
		"expected sops' metadata in it, or -----BEGIN AGE ENCRYPTED FILE-----")
	// ErrOtherFormat: the text is a bundle, of another format than it was said to be.
	ErrOtherFormat = errors.New("it is not of the format that it is said to be")
	// ErrUnauthenticated: see sops.ErrUnauthenticated.
	ErrUnauthenticated = sops.ErrUnauthenticated
	// ErrReadOnly: bundles of that format are read and not made.
	ErrReadOnly = errors.New("bundles of this format are read, and not made")
	// ErrDocuments: a YAML file holds several documents, whose names may be alike.
	ErrDocuments = errors.New("the file holds several YAML documents, and entries are read of one only")
)

// Detect tells a bundle's format by its text. That of an age file is AgeDotenv:
// what is inside is known once it is opened.
func Detect(ciphertext string) (Format, error) {
	if agekey.IsFile(ciphertext) {
		return AgeDotenv, nil
	}
	if store, ok := sops.Detect(ciphertext); ok {
		return formatOf(store), nil
	}
	if conflict := sops.Conflict(ciphertext); conflict != nil {
		return "", conflict
	}
	return "", ErrUnknownFormat
}

// Source says how a bundle is opened. The zero value finds the format and takes
// nothing that is not authentic.
type Source struct {
	Format Format // what the text is; empty finds out
	// AllowUnauthenticated takes of a sops file what sops does not authenticate,
	// see sops.Options.
	AllowUnauthenticated bool
	// Own says that Seal wrote the text, or could have: every value of a document is a
	// text then, whatever else it could be.
	Own bool
}

// Opened is what was in a bundle.
type Opened struct {
	Format Format
	Text   secret.Text // env text, a tar, or the document as `sops --decrypt` prints it

	// Warnings are those of sops.Plain.
	Warnings []string

	entries   []sops.Entry // of the stores of sops that are only read
	noEntries error        // why there are none
	documents int
}

// Open decrypts a bundle. Nothing is returned unless all of it is authentic, but
// for what the source allows. Errors are ErrUnknownFormat, ErrOtherFormat, a *sops.Error
// where git left a merge conflict, and those of agekey.Open and sops.Decrypt.
func (s Source) Open(ciphertext string, ids []agekey.Identity) (Opened, error) {
	format := s.Format
	if format == "" {
		found, err := Detect(ciphertext)
		if err != nil {
			return Opened{}, err
		}
		format = found
	}
	if format.IsAge() {
		return s.openAge(ciphertext, ids)
	}
	if _, claims := sops.Detect(ciphertext); !claims && s.Format != "" {
		return Opened{}, ErrOtherFormat
	}
	options := sops.Options{Store: format.store(), AllowUnauthenticated: s.AllowUnauthenticated, Strings: s.Own && format.isTree()}
	if format == SOPSKubernetes {
		options.Unused = unusedByKubernetes
	}
	plain, err := sops.Decrypt(ciphertext, ids, options)
	if err != nil {
		return Opened{}, err
	}
	return Opened{
		Format: format, Text: plain.Text, Warnings: plain.Warnings,
		entries: plain.Entries, noEntries: plain.NoEntries, documents: plain.Documents,
	}, nil
}

func (s Source) openAge(ciphertext string, ids []agekey.Identity) (Opened, error) {
	if !agekey.IsFile(ciphertext) {
		return Opened{}, ErrOtherFormat
	}
	text, err := agekey.Open(ciphertext, ids)
	if err != nil {
		if conflict := sops.Conflict(ciphertext); conflict != nil {
			return Opened{}, conflict
		}
		return Opened{}, err
	}
	format := AgeDotenv
	if isTar(text) {
		format = AgeFiles
	}
	if s.Format != "" && format != s.Format {
		return Opened{}, ErrOtherFormat
	}
	return Opened{Format: format, Text: text}, nil
}

// Read reads what was in a bundle that was sealed as p says: env text for its readers,
// the files of a tar, or the flattened entries of a document. Errors are a *dotenv.Error, ErrNotFiles,
// ErrDocuments, or a *sops.Error about names.
func (o Opened) Read(p Params) (Content, error) {
	var doc dotenv.Document
	var err error
	switch {
	case o.Format == AgeFiles:
		doc, err = readFiles(o.Text)
	case o.Format.HasText():
		if doc, err = p.parse(o.Text); err != nil {
			err = fmt.Errorf("the env text inside: %w", err)
		}
	case o.documents != 1:
		err = ErrDocuments
	case o.noEntries != nil:
		err = o.noEntries
	case o.Format == SOPSKubernetes:
		doc, err = kubernetesEntries(o.entries)
	default:
		for _, entry := range o.entries {
			doc.Lines = append(doc.Lines, dotenv.Line{Key: entry.Name, Value: entry.Value})
		}
	}
	if err != nil {
		return Content{}, err
	}
	return Content{Text: o.Text, Document: doc}, nil
}
