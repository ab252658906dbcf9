package bundle

import (
	"archive/tar"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// fileMode is what the files in a tar have; what they get in the end is said where
// they are put.
const fileMode = 0o600

var (
	fileNameStart      = charset.New(charset.Upper + charset.Lower + charset.Digit + "_")
	fileNameCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_.-")
)

// isFileName reports whether age_files gives a file this name: one that no shell, no tar
// and no file system takes for something else.
func isFileName(key string) bool {
	return len(key) <= 100 && fileNameStart.Begins(key) && fileNameCharacters.Holds(key)
}

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
	var out strings.Builder
	w := tar.NewWriter(&out)
	entries := doc.Entries()
	if len(entries) < countEntries(doc) {
		return secret.Text{}, &dotenv.Error{Problem: "a name is there twice"}
	}
	for _, key := range doc.Keys() {
		if err := checkFileName(key); err != nil {
			return secret.Text{}, err
		}
		value := entries[key]
		header := tar.Header{
			Typeflag: tar.TypeReg, Name: key, Size: int64(value.Len()), Mode: fileMode,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if w.WriteHeader(&header) != nil {
			return secret.Text{}, ErrNotFiles
		}
		if _, err := io.WriteString(w, value.Reveal()); err != nil {
			return secret.Text{}, ErrNotFiles
		}
	}
	if w.Close() != nil {
		return secret.Text{}, ErrNotFiles
	}
	return secret.New(out.String()), nil
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
func isTar(text secret.Text) bool {
	plain := text.Reveal()
	const magicAt = 257
	emptyTar := len(plain) >= 1024 && strings.Trim(plain[:1024], "\x00") == ""
	return emptyTar || len(plain) > magicAt+5 && plain[magicAt:magicAt+5] == "ustar"
}

// readFiles reads a tar of regular files with plain names. The only error is
// ErrNotFiles.
func readFiles(text secret.Text) (dotenv.Document, error) {
	r := tar.NewReader(strings.NewReader(text.Reveal()))
	files := map[string]secret.Text{}
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dotenv.FromMap(files), nil
		}
		if err != nil || header.Typeflag != tar.TypeReg || checkFileName(header.Name) != nil || header.Size > MaxText {
			return dotenv.Document{}, ErrNotFiles
		}
		content, err := io.ReadAll(r)
		if _, twice := files[header.Name]; err != nil || twice {
			return dotenv.Document{}, ErrNotFiles
		}
		files[header.Name] = secret.New(string(slices.Clip(content)))
	}
}
