package bundle

import (
	"errors"
	"io"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/plaintar"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// maxFileName is the longest name of a file in a bundle, in bytes: what the oldest form of
// a tar can hold.
const maxFileName = 100

// isFileName reports whether age_files gives a file this name.
func isFileName(key string) bool { return len(key) <= maxFileName && plaintar.IsName(key) }

func checkFileName(key string) error {
	switch {
	case key == "":
		return &dotenv.Error{Problem: "the name is empty"}
	case !isFileName(key):
		return &dotenv.Error{Problem: "the name is not one that age_files gives to a file: use letters, digits, _, - and ., 100 at most, and neither - nor . first"}
	}
	return nil
}

// ErrNotFiles means that the tar is not one of plain files.
var ErrNotFiles = errors.New("the tar inside is not one of regular files with plain names: " +
	"nothing else is taken out of a tar (no directories, links or paths, no name twice)")

// writeFiles makes a tar of the entries, sorted by name: the same entries always
// give the same bytes. Comments have no place in it.
func writeFiles(doc dotenv.Document) (secret.Text, error) {
	entries := doc.Entries()
	if len(entries) < countEntries(doc) {
		return secret.Text{}, &dotenv.Error{Problem: "a name is there twice"}
	}
	var files []plaintar.File
	for _, key := range doc.Keys() {
		if err := checkFileName(key); err != nil {
			return secret.Text{}, err
		}
		files = append(files, plaintar.File{Name: key, Content: entries[key].Reveal()})
	}
	text, err := plaintar.Write(files)
	if err != nil {
		return secret.Text{}, ErrNotFiles
	}
	return secret.New(text), nil
}

func countEntries(doc dotenv.Document) (n int) {
	for _, line := range doc.Lines {
		if !line.IsComment() {
			n++
		}
	}
	return n
}

// isTar reports whether a text is a tar: an env text holds no NUL bytes.
func isTar(text secret.Text) bool { return plaintar.IsTar(text.Reveal()) }

// readFiles reads a tar of regular files with plain names. The only error is
// ErrNotFiles.
func readFiles(text secret.Text) (dotenv.Document, error) {
	files := map[string]secret.Text{}
	err := plaintar.Read(text.Reveal(), func(name string, content io.Reader) error {
		value, err := io.ReadAll(content)
		if err != nil || !isFileName(name) || len(value) > MaxText {
			return ErrNotFiles
		}
		files[name] = secret.New(string(value))
		return nil
	})
	if err != nil {
		return dotenv.Document{}, ErrNotFiles
	}
	return dotenv.FromMap(files), nil
}
